//! `cargo xtask bench loss`: how many acknowledged writes are gone after a failover.
//!
//! Each sample is a deployment of its own with real redis-servers; stock and Picket alternate. Clients write numbers at
//! a steady pace and ask the Sentinels for the master whenever they are cut off or refused. What was acknowledged and
//! is not there once everything has settled is lost.

mod laggard;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use picket_testkit::client::once;
use picket_testkit::cluster::agreed;
use picket_testkit::peers::Peer;
use picket_testkit::wait::value_within;
use picket_testkit::{Client, Cluster, DataServer, Program, Reply, SentinelProcess};

use super::table::{Better, Row, Table};
use super::{Options, release_binary};
use laggard::{LAGGARD, OTHER, catch_up, fall_behind, wait_for_silence};

/// What befalls the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// `kill -9` while one of the replicas is behind.
    Kill,
    /// SIGSTOP, and SIGCONT after the failover.
    Hang,
    /// Nobody but its clients reaches it any more, for a while.
    Stranded,
    /// SENTINEL FAILOVER.
    Forced,
    /// SENTINEL FAILOVER while one of the replicas is behind.
    ForcedBehind,
    /// The same, and the replica that is not behind takes a while to answer.
    ForcedLate,
    /// SENTINEL FAILOVER COORDINATED.
    Coordinated,
}

/// What is measured, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    runs: usize,
    causes: Vec<Cause>,
    compare: bool,
    picket: Option<PathBuf>,
}

/// What became of one client's writes.
struct Written {
    acknowledged: Vec<u64>,
    /// The longest time between two acknowledgements.
    gap: Duration,
}

/// One failover.
struct Sample {
    lost: f64,
    gap_ms: f64,
    full_syncs: f64,
    /// The replica that was behind was promoted.
    is_behind: bool,
    /// How often the failover was ordered again, because it had come to nothing.
    orders_again: usize,
}

/// A failover that came about.
struct Failover {
    /// The port of who is master in the end.
    master: u16,
    orders_again: usize,
}

/// The arguments of [`Plan::of`].
pub(super) const OPTIONS: [&str; 4] = ["--peer", "--runs", "--only", "--picket"];

const CAUSES: [(&str, Cause); 7] = [
    ("kill", Cause::Kill),
    ("sigstop", Cause::Hang),
    ("partition", Cause::Stranded),
    ("failover", Cause::Forced),
    ("behind", Cause::ForcedBehind),
    ("late", Cause::ForcedLate),
    ("coordinated", Cause::Coordinated),
];
const DEADLINE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(5);
const SETTLED_EVERY: Duration = Duration::from_millis(50);
const DOWN_AFTER_MS: u64 = 1000;
const WRITERS: usize = 2;
/// Between two writes of one client.
const PACE: Duration = Duration::from_millis(1);
/// How long a client waits for an answer: as long as those do that have no time-out of their own.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the clients write before anything happens.
const WARM_UP: Duration = Duration::from_millis(1500);
/// How long one replica has been without its link when the master is killed.
const BEHIND: Duration = Duration::from_millis(500);
/// The same for an operator's failover: less than the ten seconds that Sentinels leave between two INFO.
const LONG_BEHIND: Duration = Duration::from_secs(3);
/// How long the other replica takes to answer: more than one of stock's ticks, which are 50 to 100 ms, and less than
/// the 200 ms that Picket waits before it chooses.
const LATE: Duration = Duration::from_millis(150);
/// An operator's order.
const FAILOVER: [&str; 3] = ["SENTINEL", "FAILOVER", "mymaster"];
/// How often a failover is asked for, which may be given up on a busy machine, and how long it may take.
const ORDERS_MAX: usize = 4;
const ORDER_PATIENCE: Duration = Duration::from_secs(20);
/// How long a master hangs or is cut off: a failover is through by then.
const AWAY: Duration = Duration::from_secs(6);

impl Cause {
    fn words(self) -> &'static str {
        match self {
            Self::Kill => "kill -9, one replica 0.5 s behind",
            Self::Hang => "SIGSTOP for 6 s",
            Self::Stranded => "cut off from all but its clients for 6 s",
            Self::Forced => "SENTINEL FAILOVER",
            Self::ForcedBehind => "SENTINEL FAILOVER, one replica 3 s behind",
            Self::ForcedLate => "SENTINEL FAILOVER, one replica 3 s behind, the other slow",
            Self::Coordinated => "SENTINEL FAILOVER COORDINATED",
        }
    }

    /// The master is away for a while, and its clients with it: the longest time without a write is that.
    fn is_away(self) -> bool {
        matches!(self, Self::Hang | Self::Stranded)
    }

    /// One replica is behind, and should not be promoted.
    fn has_laggard(self) -> bool {
        matches!(self, Self::Kill | Self::ForcedBehind | Self::ForcedLate)
    }

    /// An operator asks for it.
    fn is_ordered(self) -> bool {
        match self {
            Self::Kill | Self::Hang | Self::Stranded => false,
            Self::Forced | Self::ForcedBehind | Self::ForcedLate | Self::Coordinated => true,
        }
    }

    /// Everybody lives, so that nobody needs a full copy.
    fn is_planned(self) -> bool {
        matches!(self, Self::Forced | Self::Coordinated)
    }
}

impl Plan {
    /// What the arguments ask for. None if they make no sense, which has been said.
    pub(super) fn of(options: &Options<'_>, quick: bool) -> Option<Self> {
        let compare = match options.text("--peer").unwrap_or("redis-sentinel") {
            "redis-sentinel" => true,
            "none" => false,
            other => {
                eprintln!("--peer takes redis-sentinel or none, not {other}");
                return None;
            }
        };
        let causes: Vec<Cause> = match options.text("--only") {
            None => CAUSES.iter().map(|(_, cause)| *cause).collect(),
            Some(only) => CAUSES
                .iter()
                .filter(|(name, _)| only.split(',').any(|one| one == *name))
                .map(|(_, c)| *c)
                .collect(),
        };
        if causes.is_empty() {
            let names: Vec<_> = CAUSES.iter().map(|(name, _)| *name).collect();
            eprintln!("--only takes some of {}, with commas", names.join(", "));
            return None;
        }
        let runs = options.number("--runs", if quick { 2 } else { 5 })?;
        Some(Self { runs, causes, compare, picket: options.picket()? })
    }
}

/// Measures everybody who is here. None if that cannot be, which has been said.
pub(super) fn run(root: &Path, plan: &Plan) -> Option<Vec<Table>> {
    if Peer::RedisServer.find().is_none() {
        eprintln!("A failover needs {}, which was not found.", Peer::RedisServer);
        return None;
    }
    let picket = plan.picket.clone().or_else(|| release_binary(root))?;
    let mut kinds = vec![Program::Picket(picket)];
    if plan.compare && Peer::RedisSentinel.find().is_some() {
        kinds.push(Program::Stock);
    }
    let names = ["Picket", "stock"];
    let mut lost = Table::new("Acknowledged writes that are lost", &names);
    let mut gaps = Table::new("The longest time without an acknowledged write, milliseconds", &names);
    let mut syncs = Table::new("Full resynchronisations that it took", &names);
    let mut behind =
        Table::new("Of a hundred runs, those in which the replica that was behind was promoted", &names);
    let mut failures = Table::new("Failovers that came to nothing", &names);
    for cause in &plan.causes {
        let mut laggards = vec![Vec::new(); kinds.len()];
        let (mut nothing, mut again) = (vec![None; kinds.len()], vec![None; kinds.len()]);
        for run in 1..=plan.runs {
            for (column, kind) in kinds.iter().enumerate() {
                // Stock has no such command.
                if *cause == Cause::Coordinated && !kind.is_picket() {
                    continue;
                }
                let sample = measure(kind, *cause);
                *nothing[column].get_or_insert(0) += usize::from(sample.is_none());
                let Some(sample) = sample else {
                    println!("{cause:?} {run:>2} {:<6} came to nothing", kind.word());
                    continue;
                };
                *again[column].get_or_insert(0) += sample.orders_again;
                println!(
                    "{cause:?} {run:>2} {:<6} lost {} gap {:.0} ms",
                    kind.word(),
                    sample.lost,
                    sample.gap_ms
                );
                lost.add(cause.words(), Better::Less, column, sample.lost);
                if !cause.is_away() {
                    gaps.add(cause.words(), Better::Less, column, sample.gap_ms);
                }
                if cause.is_planned() {
                    syncs.add(cause.words(), Better::Less, column, sample.full_syncs);
                }
                laggards[column].push(sample.is_behind);
            }
        }
        if cause.has_laggard() {
            for (column, runs) in laggards.iter().enumerate().filter(|(_, runs)| !runs.is_empty()) {
                let count = runs.iter().filter(|is_behind| **is_behind).count();
                let share = 100.0 * count as f64 / runs.len() as f64;
                behind.add(cause.words(), Better::Less, column, share);
            }
            behind.aim(cause.words(), 0.0);
        }
        failures.push(counted(format!("{}: runs without one, of {}", cause.words(), plan.runs), &nothing));
        if cause.is_ordered() {
            failures.push(counted(format!("{}: orders given again", cause.words()), &again));
        }
    }
    failures.note(
        "a run without a failover (or without one master whom all follow, a minute and a half later) is in no other figure; \
         where an order was given again the figures count from the first one, so that they hold what both cost",
    );
    lost.aim(Cause::Coordinated.words(), 0.0);
    syncs.aim(Cause::Coordinated.words(), 0.0);
    // Nobody is called down before.
    gaps.physical(Cause::Kill.words(), DOWN_AFTER_MS as f64);
    let mut tables = vec![lost];
    if plan.causes.iter().any(|cause| cause.has_laggard()) {
        behind.note(
            "its link is down when it happens, and no Sentinel knows: all ask for INFO every ten seconds while the master is \
             well, and the link is cut between two of them. All ask anew when a failover begins; stock chooses at its next \
             tick but one, about 100 ms later, by what was answered until then and what it knew before, Picket when all \
             have answered or 200 ms are over. A slow replica needs 150 ms for its answer (it is stopped for so long), as over \
             a long wire",
        );
        behind.note(
            "after kill -9 nothing is written for a second and more before anybody is chosen, and each replica's last INFO \
             tells how far it came: neither kind can be mistaken, unless replicas take long to answer then",
        );
        tables.push(behind);
    }
    if plan.causes.iter().any(|cause| !cause.is_away()) {
        tables.push(gaps);
    }
    if plan.causes.iter().any(|cause| cause.is_planned()) {
        syncs.note("sync_full of all three servers, from before to when all follow the new master");
        tables.push(syncs);
    }
    tables.push(failures);
    for table in &mut tables {
        table.condition(format!(
            "1 master, 2 replicas, 3 Sentinels, down-after {DOWN_AFTER_MS} ms, real redis-servers; {WRITERS} clients that write \
             each {} ms and wait for the answer; {} runs of each kind in turn",
            PACE.as_millis(),
            plan.runs
        ));
        table.condition(
            "the clients stay with a master until it refuses or closes, and do not listen to +switch-master",
        );
    }
    let lost = &mut tables[0];
    if plan.causes.contains(&Cause::Stranded) {
        lost.note(
            "what clients write to a master that is cut off is lost whoever watches it; what it takes after it is back is not \
             part of that: min-replicas-to-write bounds the one, a prompt demotion the other",
        );
    }
    if kinds.len() > 1 {
        lost.note(
            "under stock Sentinels a former master that is alive takes writes until it is told whom to follow, eight seconds \
             and more after the failover; all of that is lost",
        );
        lost.note("redis-sentinel has no COORDINATED: compare with its SENTINEL FAILOVER");
    } else if plan.compare {
        lost.note(Peer::RedisSentinel.absence());
    }
    Some(tables)
}

/// A row of counts; nobody counted where there is none.
fn counted(what: String, counts: &[Option<usize>]) -> Row {
    counts.iter().fold(Row::new(what, Better::Less), |row, count| {
        row.samples(count.map(|count| count as f64).as_slice())
    })
}

/// One failover from the warm-up to the count of what is lost. None if it came to nothing.
fn measure(kind: &Program, cause: Cause) -> Option<Sample> {
    let sentinels = [kind.clone(), kind.clone(), kind.clone()];
    let mut cluster = Cluster::builder().sentinels(&sentinels).down_after_ms(DOWN_AFTER_MS).start();
    let addrs: Vec<String> = cluster.sentinels.iter().map(SentinelProcess::addr).collect();
    let stop = AtomicBool::new(false);
    let (stop, addrs) = (&stop, &addrs);
    let mut full_syncs = 0.0;
    let (failover, written) = thread::scope(|scope| {
        let writers: Vec<_> =
            (0..WRITERS).map(|place| scope.spawn(move || write(&key(place), addrs, stop))).collect();
        hold(WARM_UP);
        let before = if cause.is_planned() { full_syncs_of(&mut cluster) } else { 0.0 };
        let failover = befall(&mut cluster, cause);
        if failover.is_some() {
            if cause.is_planned() {
                full_syncs = full_syncs_of(&mut cluster) - before;
            }
            // What is written now is written to whoever is the master in the end.
            hold(WARM_UP);
        }
        stop.store(true, Ordering::Relaxed);
        let written: Vec<Written> =
            writers.into_iter().map(|writer| writer.join().expect("a writer")).collect();
        (failover, written)
    });
    let Failover { master, orders_again } = failover?;
    let node = cluster.shard().node(master);
    let lost: usize =
        written.iter().enumerate().map(|(place, written)| missing(node, &key(place), written)).sum();
    let gap = written.iter().map(|written| written.gap).max().unwrap_or_default();
    let is_behind = cause.has_laggard() && master == cluster.nodes()[LAGGARD].port();
    Some(Sample {
        lost: lost as f64,
        gap_ms: gap.as_secs_f64() * 1000.0,
        full_syncs,
        is_behind,
        orders_again,
    })
}

/// Brings it about, and waits until there is one master again, whom everybody follows. None if nobody else becomes master,
/// or not all follow one.
fn befall(cluster: &mut Cluster, cause: Cause) -> Option<Failover> {
    let events = cluster.subscribe();
    let mut orders_again = 0;
    match cause {
        Cause::Kill => {
            fall_behind(cluster.nodes(), BEHIND);
            cluster.nodes()[0].kill9();
            catch_up(&cluster.nodes()[LAGGARD]);
        }
        Cause::Hang => {
            cluster.nodes()[0].process().stop();
            hold(AWAY);
            cluster.nodes()[0].process().cont();
        }
        Cause::Stranded => {
            strand(&cluster.nodes()[0]);
            hold(AWAY);
            unstrand(&cluster.nodes()[0]);
        }
        Cause::Forced => orders_again = order(&cluster.sentinels[0], &FAILOVER, || ())?,
        Cause::ForcedBehind | Cause::ForcedLate => {
            wait_for_silence(&cluster.sentinels[0], LONG_BEHIND);
            fall_behind(cluster.nodes(), LONG_BEHIND);
            let Cluster { sentinels, shards } = &mut *cluster;
            let other = shards[0].nodes[OTHER].process();
            orders_again = if cause == Cause::ForcedLate {
                other.stop();
                order(&sentinels[0], &FAILOVER, || {
                    hold(LATE);
                    other.cont();
                })?
            } else {
                order(&sentinels[0], &FAILOVER, || ())?
            };
            // Its link stays down until somebody was chosen: it would catch up before the choice otherwise.
            value_within(LOOK_EVERY, DEADLINE, || {
                let mut replicas = cluster.nodes()[1..].iter();
                replicas.any(|node| node.replication("role") == "master").then_some(())
            })?;
            catch_up(&cluster.nodes()[LAGGARD]);
        }
        Cause::Coordinated => {
            orders_again = order(&cluster.sentinels[0], &[&FAILOVER[..], &["COORDINATED"]].concat(), || ())?;
        }
    }
    value_within(LOOK_EVERY, DEADLINE, || events.first("+switch-master"))?;
    Some(Failover { master: settled(cluster)?, orders_again })
}

/// Waits until all Sentinels name one master and every server that runs follows it. On a busy machine that is not
/// always who was promoted first: it may be failed over in turn, even to where the master was before. None if that does not
/// come about.
fn settled(cluster: &mut Cluster) -> Option<u16> {
    let (master, _) = value_within(SETTLED_EVERY, DEADLINE, || {
        let master = agreed(&cluster.named_masters("mymaster"))?;
        let is_busy = |one: &SentinelProcess| one.master_has_flag("mymaster", "failover_in_progress");
        let is_settled = |node: &mut DataServer| match node.port() == master {
            true => node.is_master() && node.accepts_writes(),
            false => !node.process().is_running() || node.follows(master),
        };
        let settled = !cluster.sentinels.iter().any(is_busy) && cluster.nodes().iter_mut().all(is_settled);
        settled.then_some(master)
    })?;
    Some(master)
}

/// Has a Sentinel fail the master over, and tells how often it had to be asked again. What is to happen as soon as it has
/// said yes for the first time is `begun`. None if nothing came of any order.
fn order(sentinel: &SentinelProcess, words: &[&str], begun: impl FnOnce()) -> Option<usize> {
    let old = sentinel.master_port("mymaster");
    let mut begun = Some(begun);
    let agrees = || sentinel.cmd(words).ok()?.is_ok().then_some(());
    let successor = || sentinel.master_port("mymaster").filter(|port| Some(*port) != old);
    for again in 0..ORDERS_MAX {
        // Stock refuses until it has seen fresh INFO of a replica.
        value_within(LOOK_EVERY, DEADLINE, agrees)?;
        if let Some(begun) = begun.take() {
            begun();
        }
        if value_within(LOOK_EVERY, ORDER_PATIENCE, successor).is_some() {
            return Some(again);
        }
        println!("the failover came to nothing: it is asked for again");
    }
    None
}

/// Full copies that all servers have given so far.
fn full_syncs_of(cluster: &mut Cluster) -> f64 {
    let count = |node: &DataServer| node.info("stats")["sync_full"].parse::<f64>().expect("a number");
    cluster.nodes().iter().map(count).sum()
}

/// Whoever connects from now on needs a password that nobody has; who is connected as a client stays.
fn strand(master: &DataServer) {
    let mut client = master.client().expect("the master takes a connection");
    let said = client.cmd(&["CONFIG", "SET", "requirepass", "stranded"]).expect("CONFIG SET");
    assert!(said.is_ok(), "{said}");
    let list = client.cmd(&["CLIENT", "LIST"]).ok().and_then(|list| list.text()).expect("CLIENT LIST");
    for line in list.lines() {
        let field =
            |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name)).unwrap_or_default();
        if field("name=").starts_with("sentinel-") || field("flags=").contains('S') {
            let _ = client.cmd(&["CLIENT", "KILL", "ID", field("id=")]);
        }
    }
}

/// Everybody gets in again.
fn unstrand(master: &DataServer) {
    let mut client = Client::connect(&master.addr()).expect("the master takes a connection");
    for words in [&["AUTH", "stranded"][..], &["CONFIG", "SET", "requirepass", ""]] {
        let said = client.cmd(words).expect("an answer");
        assert!(said.is_ok(), "{said}");
    }
}

fn key(place: usize) -> String {
    format!("writer-{place}")
}

/// Writes until it is told to stop.
fn write(key: &str, sentinels: &[String], stop: &AtomicBool) -> Written {
    let mut written = Written { acknowledged: Vec::new(), gap: Duration::ZERO };
    let mut last = Instant::now();
    let (mut number, mut asked, mut client) = (0_u64, 0, None);
    while !stop.load(Ordering::Relaxed) {
        hold(PACE);
        let Some(open) = &mut client else {
            asked += 1;
            client = master_of(&sentinels[asked % sentinels.len()]);
            continue;
        };
        number += 1;
        let open: &mut Client = open;
        match open.cmd(&["SADD", key, &number.to_string()]) {
            Ok(Reply::Int(_)) => {
                written.acknowledged.push(number);
                written.gap = written.gap.max(last.elapsed());
                last = Instant::now();
            }
            _ => client = None,
        }
    }
    written
}

fn master_of(sentinel: &str) -> Option<Client> {
    let reply = once(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]).ok()?;
    let port = reply.items().get(1)?.text()?;
    let mut client = Client::connect_within(&format!("127.0.0.1:{port}"), Duration::from_millis(500)).ok()?;
    client.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(client)
}

/// How many acknowledged writes the master does not have.
fn missing(master: &DataServer, key: &str, written: &Written) -> usize {
    let kept = master.cmd(&["SMEMBERS", key]).expect("SMEMBERS");
    let kept: BTreeSet<u64> = kept.items().iter().filter_map(|item| item.text()?.parse().ok()).collect();
    written.acknowledged.iter().filter(|number| !kept.contains(number)).count()
}

/// Lets time pass.
fn hold(span: Duration) {
    thread::sleep(span);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_to_nothing_is_counted_for_whoever_was_measured() {
        let mut table = Table::new("Failovers that came to nothing", &["Picket", "stock"]);
        table.push(counted("runs".to_owned(), &[Some(0), Some(2)]));
        table.push(counted("orders".to_owned(), &[Some(1), None]));
        let text = table.text();
        let cells = |what: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.starts_with(&format!("| {what} "))).expect("a row");
            line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect()
        };
        assert_eq!(cells("runs"), ["runs", "0.000", "2.00", "-", "-"]);
        assert_eq!(cells("orders"), ["orders", "1.00", "-", "-", "-"]);
    }

    #[test]
    fn causes_are_chosen_by_name() {
        let plan = |args: &[&str]| Plan::of(&Options::parse(args, &OPTIONS).expect("pairs"), true);
        assert_eq!(plan(&[]).expect("all").causes.len(), CAUSES.len());
        let some = plan(&["--only", "coordinated,kill", "--runs", "4"]).expect("two");
        assert_eq!((some.causes, some.runs), (vec![Cause::Kill, Cause::Coordinated], 4));
        assert_eq!(plan(&["--only", "storm"]), None);
        assert_eq!(plan(&["--peer", "nobody"]), None);
    }
}
