//! `cargo xtask bench failover`: stock and Picket beside each other, on this machine, in one run.
//!
//! Each sample is a deployment of its own: one master, two replicas, three sentinels of one kind,
//! `down-after-milliseconds 1000`. The kinds alternate, so that a busy minute of the machine hits both. Times are by
//! the clock of the bench: when an event reaches a subscriber, when a write is acknowledged.

mod clients;
mod leader;
mod phases;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use picket_testkit::peers::Peer;
use picket_testkit::wait::wait_for_every;
use picket_testkit::{Cluster, Program};

use super::spread::Spread;
use super::table::{Better, Row, Table};
use super::{Options, release_binary};
use leader::State;
use phases::{MEASURES, Moments, Sample};

/// How the master ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// `kill -9`: its connections are reset.
    Kill,
    /// SIGSTOP: its connections stay, and nothing comes.
    Stop,
}

/// What is measured, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    runs: usize,
    deaths: Vec<Death>,
    /// Runs for each state in which the leader is killed.
    leader_runs: usize,
    compare: bool,
    picket: Option<std::path::PathBuf>,
}

/// The arguments of [`Plan::of`] that have none.
pub(super) const FLAGS: [&str; 2] = ["--sigstop", "--p99"];
/// The arguments of [`Plan::of`] that have a value.
pub(super) const OPTIONS: [&str; 5] = ["--peer", "--runs", "--leader-runs", "--only", "--picket"];

const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long the sentinels watch the master before it is killed.
const STEADY_AFTER: Duration = Duration::from_millis(3500);
const DEADLINE: Duration = Duration::from_secs(60);
const DOWN_AFTER_MS: u64 = 1000;
const FAILOVER_TIMEOUT_MS: u64 = 3000;
/// Of fewer runs the 99th of a hundred is the last, which says nothing about an aim.
const FOR_P99: usize = 100;

impl Plan {
    /// What the arguments ask for. None if they make no sense, which has been said.
    pub(super) fn of(options: &Options<'_>, flags: &[&str], quick: bool) -> Option<Self> {
        let (sigstop, many) = (flags.contains(&"--sigstop"), flags.contains(&"--p99"));
        let peer = options.text("--peer").unwrap_or(if many { "none" } else { "redis-sentinel" });
        let compare = match peer {
            "redis-sentinel" => true,
            "none" => false,
            other => {
                eprintln!(
                    "--peer takes redis-sentinel or none, not {other}; PICKET_REDIS_SENTINEL names another program"
                );
                return None;
            }
        };
        let usual = match (many, quick) {
            (true, _) => FOR_P99,
            (false, true) => 3,
            (false, false) => 10,
        };
        let runs = options.number("--runs", usual)?;
        let leader_runs = options.number("--leader-runs", if quick { 1 } else { 3 })?;
        let (deaths, leader_runs) = match (sigstop, options.text("--only")) {
            _ if many => (vec![Death::Kill], 0),
            (true, _) | (_, Some("sigstop")) => (vec![Death::Stop], 0),
            (_, None) => (vec![Death::Kill, Death::Stop], leader_runs),
            (_, Some("kill")) => (vec![Death::Kill], 0),
            (_, Some("leader")) => (Vec::new(), leader_runs),
            (_, Some(other)) => {
                eprintln!("--only takes kill, sigstop or leader, not {other}");
                return None;
            }
        };
        let picket = options.picket()?;
        Some(Self { runs, deaths, leader_runs, compare, picket })
    }
}

/// Measures everybody who is here. None if that cannot be, which has been said.
pub(super) fn run(root: &Path, plan: &Plan) -> Option<Vec<Table>> {
    if Peer::RedisServer.find().is_none() {
        eprintln!("A failover needs {}, which was not found.", Peer::RedisServer);
        return None;
    }
    let picket = plan.picket.clone().or_else(|| release_binary(root))?;
    let stock = plan.compare && Peer::RedisSentinel.find().is_some();
    let kinds =
        if stock { vec![Program::Picket(picket), Program::Stock] } else { vec![Program::Picket(picket)] };
    let mut tables = Vec::new();
    for death in &plan.deaths {
        let mut samples = vec![Vec::new(); 2];
        for run in 1..=plan.runs {
            for (kind, samples) in kinds.iter().zip(&mut samples) {
                let sample = measure(kind, *death);
                println!("{death:?} {run:>2} {:<6} {}", kind.word(), sample.line());
                samples.push(sample);
            }
        }
        tables.push(phases_table(plan, *death, &samples));
    }
    if plan.leader_runs > 0 {
        tables.push(leader_table(plan, &kinds));
    }
    for table in &mut tables {
        match Peer::RedisSentinel.version().filter(|_| stock) {
            Some(version) => {
                table.condition(format!("stock: {}", version.split(" sha=").next().unwrap_or_default()));
            }
            None if plan.compare => table.note(Peer::RedisSentinel.absence()),
            None => {}
        }
    }
    Some(tables)
}

fn phases_table(plan: &Plan, death: Death, samples: &[Vec<Sample>]) -> Table {
    let title = match death {
        Death::Kill => "The master is killed (kill -9), milliseconds",
        Death::Stop => "The master hangs (SIGSTOP), milliseconds",
    };
    let mut table = Table::new(title, &["Picket", "stock"]);
    table.condition(format!(
        "1 master, 2 replicas, 3 Sentinels, down-after {DOWN_AFTER_MS} ms, real redis-servers; {} runs{}",
        plan.runs,
        if plan.compare { " of each kind in turn" } else { "" }
    ));
    for measure in &MEASURES {
        let column = |kind: usize| samples[kind].iter().map(|sample| measure.of(sample)).collect::<Vec<_>>();
        let row = Row::new(measure.what, Better::Less).samples(&column(0)).samples(&column(1));
        table.push(match measure.aim {
            Some(aim) => row.aim(aim),
            None => row,
        });
        if let Some(aim) = measure.p99 {
            let is_p99 = column(0).len() >= FOR_P99;
            let worst = if is_p99 { "p99" } else { "slowest" };
            let p99 = |kind| Spread::percentile(&column(kind), 99).into_iter().collect::<Vec<_>>();
            let row = Row::new(format!("{}, {worst}", measure.what), Better::Less)
                .samples(&p99(0))
                .samples(&p99(1));
            table.push(if aim > 0.0 && is_p99 { row.aim(aim) } else { row });
        }
    }
    table
}

fn leader_table(plan: &Plan, kinds: &[Program]) -> Table {
    let mut table =
        Table::new("The leader is killed too, milliseconds until the next write", &["Picket", "stock"]);
    table.condition(format!(
        "the Sentinel that leads is killed as soon as it tells the event; {} runs of each kind in turn; \
         failover-timeout {FAILOVER_TIMEOUT_MS} ms (180000 unless set), of which stock waits twice",
        plan.leader_runs
    ));
    for state in State::ALL {
        let mut samples = [Vec::new(), Vec::new()];
        for run in 1..=plan.leader_runs {
            for (kind, samples) in kinds.iter().zip(&mut samples) {
                let sample = leader::measure(kind, state);
                println!("leader killed at {} {run:>2} {:<6} {sample:.0} ms", state.event(), kind.word());
                samples.push(sample);
            }
        }
        let row = Row::new(format!("after {}", state.event()), Better::Less);
        table.push(row.samples(&samples[0]).samples(&samples[1]).aim(2000.0));
    }
    table
}

/// A deployment whose sentinels have known it for a while.
fn steady(kind: &Program) -> Cluster {
    let sentinels = [kind.clone(), kind.clone(), kind.clone()];
    let cluster = Cluster::builder()
        .sentinels(&sentinels)
        .down_after_ms(DOWN_AFTER_MS)
        .failover_timeout_ms(FAILOVER_TIMEOUT_MS)
        .start();
    // Links younger than a reconnect period are not what is asked about.
    for sentinel in &cluster.sentinels {
        wait_for_every(LOOK_EVERY, DEADLINE, "the master has been watched for a while", || {
            let watched: u128 = sentinel.master_field("mymaster", "role-reported-time").parse().ok()?;
            (watched >= STEADY_AFTER.as_millis()).then_some(())
        });
    }
    cluster
}

fn measure(kind: &Program, death: Death) -> Sample {
    let mut cluster = steady(kind);
    // Where in the period of their PINGs it happens is chance.
    thread::sleep(Duration::from_millis(chance_ms()));
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    let follower = cluster.subscribe();
    let killed = Instant::now();
    match death {
        Death::Kill => cluster.nodes()[0].kill9(),
        Death::Stop => cluster.nodes()[0].process().stop(),
    }
    let (asked, followed) = thread::scope(|scope| {
        let asking = scope.spawn(|| clients::asking(&cluster.sentinels, old));
        let following = scope.spawn(|| clients::following(&follower, old));
        (asking.join().expect("the asking client"), following.join().expect("the following client"))
    });
    for from in 0..cluster.sentinels.len() {
        events.wait_for(DEADLINE, "+switch-master of each", |event| {
            event.from == from && event.channel == "+switch-master"
        });
    }
    Sample::of(&Moments { killed, asked, followed, events: events.events() })
}

/// Up to a second, by the calendar clock: no run is in step with a Sentinel's periods.
fn chance_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos() / 7) % 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_all_or_one_part() {
        let plan = |args: &[&str], flags: &[&str]| Plan::of(&Options::parse(args, &OPTIONS)?, flags, false);
        let all = plan(&[], &[]).expect("nothing is asked for");
        assert_eq!((all.runs, all.leader_runs, all.compare), (10, 3, true));
        assert_eq!(all.deaths, [Death::Kill, Death::Stop]);
        let stopped = plan(&["--runs", "4", "--peer", "none"], &["--sigstop"]).expect("known");
        assert_eq!((stopped.runs, stopped.leader_runs, stopped.compare), (4, 0, false));
        assert_eq!(stopped.deaths, [Death::Stop]);
        let many = plan(&[], &["--p99"]).expect("known");
        assert_eq!((many.runs, many.leader_runs, many.compare), (FOR_P99, 0, false));
        assert_eq!(many.deaths, [Death::Kill]);
        assert_eq!(plan(&["--peer", "somebody"], &[]), None);
        assert_eq!(plan(&["--only", "nothing"], &[]), None);
    }
}
