//! `cargo xtask bench idle`: what Sentinels cost while nothing happens, stock and Picket in turn.
//!
//! The servers are fakes on loopback, in this process: they answer as real ones would, and their CPU time is not
//! counted. What a Sentinel used is the kernel's account of its process, which a busy machine distorts little.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use picket_testkit::fake::FakeServers;
use picket_testkit::peers::Peer;
use picket_testkit::{Program, SentinelProcess};

use super::known::wait_until_known;
use super::process::{descriptors, peak, processor_time, resident};
use super::table::{Better, Row, Table};
use super::{Options, release_binary};

/// How much there is to watch, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    masters: usize,
    replicas: usize,
    sentinels: usize,
    seconds: u64,
    rounds: usize,
    picket: Option<PathBuf>,
}

/// The arguments of [`Plan::of`].
pub(super) const OPTIONS: [&str; 6] =
    ["--masters", "--replicas", "--sentinels", "--seconds", "--rounds", "--picket"];

/// What is measured of each Sentinel, and the share of stock's figure that it may take.
const MEASURES: [(&str, Option<f64>); 8] = [
    ("CPU seconds per minute", Some(0.5)),
    ("CPU microseconds for each request to a server", None),
    ("resident memory, MiB", Some(1.0)),
    ("resident memory at its peak, MiB", None),
    ("file descriptors", None),
    ("kB per second with the servers, both ways", None),
    ("requests per second to the servers", None),
    ("seconds until all is known", None),
];

type Sample = [f64; MEASURES.len()];

/// Picket goes at its pace of quiet times half a minute after the last that was new.
const SETTLED_AFTER: Duration = Duration::from_secs(45);
/// What comes of the start is over when two looks in a row, this far apart, see about as many requests.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS_MAX: u32 = 12;

impl Plan {
    /// What the arguments ask for. None if they make no sense, which has been said.
    pub(super) fn of(options: &Options<'_>, quick: bool) -> Option<Self> {
        let (seconds, rounds) = if quick { (20, 1) } else { (60, 2) };
        Some(Self {
            masters: options.number("--masters", 500)?,
            replicas: options.number("--replicas", 2)?,
            sentinels: options.number("--sentinels", 3)?,
            seconds: options.number("--seconds", seconds)?,
            rounds: options.number("--rounds", rounds)?,
            picket: options.picket()?,
        })
    }
}

/// Measures everybody who is here. None if that cannot be, which has been said.
pub(super) fn run(root: &Path, plan: &Plan) -> Option<Vec<Table>> {
    let picket = plan.picket.clone().or_else(|| release_binary(root))?;
    let stock = Peer::RedisSentinel.find().is_some();
    let kinds =
        if stock { vec![Program::Picket(picket), Program::Stock] } else { vec![Program::Picket(picket)] };
    let mut samples = vec![Vec::new(); 2];
    let mut unsettled = Vec::new();
    for round in 1..=plan.rounds {
        for (kind, samples) in kinds.iter().zip(&mut samples) {
            let (measured, has_settled) = measure(kind, plan)
                .inspect_err(|error| eprintln!("{} masters cannot be had here: {error}", plan.masters))
                .ok()?;
            for (name, place) in [("CPU s/min", 0), ("MiB", 2)] {
                let figures: Vec<_> = measured.iter().map(|sample| format!("{:.2}", sample[place])).collect();
                println!("round {round}, {}: {name} {}", kind.word(), figures.join(", "));
            }
            samples.extend(measured);
            if !has_settled {
                unsettled.push(format!("{}, round {round}", kind.word()));
            }
        }
    }
    Some(vec![table(plan, &samples, &unsettled, stock)])
}

fn table(plan: &Plan, samples: &[Vec<Sample>], unsettled: &[String], stock: bool) -> Table {
    let Plan { masters, replicas, sentinels, seconds, rounds, .. } = plan;
    let mut table = Table::new("While nothing happens", &["Picket", "stock"]);
    table.condition(format!(
        "{sentinels} Sentinels, {masters} masters with {replicas} replicas each (fake servers on loopback), default settings"
    ));
    table.condition(format!("{seconds} seconds of each kind in turn, {rounds} times; of each Sentinel"));
    table.condition(format!(
        "{} seconds after everybody is known, or later, when two spans of {} seconds in a row have seen about as many requests; \
         what Sentinels send each other is in the CPU time alone",
        SETTLED_AFTER.as_secs(),
        LOOK.as_secs()
    ));
    if !unsettled.is_empty() {
        table.note(format!(
            "measured though no two such spans came within {} seconds: {}",
            u64::from(LOOKS_MAX) * LOOK.as_secs(),
            unsettled.join("; ")
        ));
    }
    for (place, (what, share)) in MEASURES.iter().enumerate() {
        let column = |kind: usize| samples[kind].iter().map(|sample| sample[place]).collect::<Vec<_>>();
        let row = Row::new(*what, Better::Less).samples(&column(0)).samples(&column(1));
        table.push(match share {
            Some(share) => row.aim_share(*share),
            None => row,
        });
    }
    match Peer::RedisSentinel.version() {
        Some(version) if stock => table.condition(format!("stock: {version}")),
        _ => table.note(Peer::RedisSentinel.absence()),
    }
    table
}

/// What each Sentinel used, and whether all had settled before.
fn measure(kind: &Program, plan: &Plan) -> std::io::Result<(Vec<Sample>, bool)> {
    let fakes = FakeServers::start(plan.masters, plan.replicas)?;
    let quorum = plan.sentinels / 2 + 1;
    let lines: String = fakes
        .deployments()
        .iter()
        .enumerate()
        .map(|(place, one)| format!("sentinel monitor m{place} 127.0.0.1 {} {quorum}\n", one.master))
        .collect();
    let began = Instant::now();
    let mut sentinels: Vec<_> = (0..plan.sentinels).map(|_| SentinelProcess::start(kind, &lines)).collect();
    wait_until_known(&sentinels, plan.masters, plan.replicas)?;
    let known_after = began.elapsed().as_secs_f64();
    thread::sleep(SETTLED_AFTER);
    let has_settled = is_steady_soon(|| {
        let start = fakes.traffic().requests;
        thread::sleep(LOOK);
        fakes.traffic().requests - start
    });

    let pids: Vec<u32> = sentinels.iter_mut().map(|sentinel| sentinel.process().pid()).collect();
    let used = || pids.iter().map(|pid| processor_time(*pid)).collect::<Vec<_>>();
    let (before, traffic, start) = (used(), fakes.traffic(), Instant::now());
    thread::sleep(Duration::from_secs(plan.seconds));
    let (after, later, window) = (used(), fakes.traffic(), start.elapsed().as_secs_f64());
    #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let each = |count: u64| count as f64 / window / plan.sentinels as f64;
    let bytes = each(later.received + later.sent - traffic.received - traffic.sent) / 1000.0;
    let requests = each(later.requests - traffic.requests);
    let of = |place: usize| {
        let pid = pids[place];
        let cpu = (after[place].saturating_sub(before[place])).as_secs_f64() * 60.0 / window;
        #[allow(clippy::cast_precision_loss, reason = "a count of descriptors")]
        let descriptors = descriptors(pid) as f64;
        // Whoever gets too little of a busy machine sends less than it should; this tells.
        let each_us = cpu / 60.0 * 1_000_000.0 / requests;
        [cpu, each_us, resident(pid), peak(pid), descriptors, bytes, requests, known_after]
    };
    Ok(((0..pids.len()).map(of).collect(), has_settled))
}

/// Looks again and again until as much is asked as was asked the last time, within a twentieth. Whether that came about.
fn is_steady_soon(mut asked: impl FnMut() -> u64) -> bool {
    let mut before = 0;
    for _ in 0..LOOKS_MAX {
        let now = asked();
        if now > 0 && now.abs_diff(before) <= now / 20 {
            return true;
        }
        before = now;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(counts: &[u64]) -> bool {
        let mut counts = counts.iter().copied().chain((0..).map(|n| 1_000_000 << n));
        is_steady_soon(|| counts.next().expect("there is no end"))
    }

    #[test]
    fn it_is_told_whether_everything_has_settled() {
        assert!(steady(&[500, 300, 200, 195]));
        assert!(!steady(&[500, 300, 200, 189]), "a twentieth of 189 is 9");
        assert!(!steady(&[0, 0]), "nothing was asked at all");
    }

    #[test]
    fn who_was_measured_unsettled_is_named() {
        let plan = Plan::of(&Options::parse(&[], &OPTIONS).expect("none"), true).expect("makes sense");
        let samples = [vec![[1.0; MEASURES.len()]], Vec::new()];
        let said = "measured though no two such spans came within 120 seconds: Picket, round 2";
        assert!(table(&plan, &samples, &["Picket, round 2".to_owned()], true).text().contains(said));
        assert!(!table(&plan, &samples, &[], true).text().contains("measured though"));
    }
}
