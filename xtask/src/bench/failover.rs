//! `cargo xtask bench failover`: stock and Picket beside each other, on this machine, in one run.
//!
//! Each sample is a deployment of its own: one master, two replicas, three sentinels of one kind,
//! `down-after-milliseconds 1000`. The kinds alternate, so that a busy minute of the machine hits both.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use picket_testkit::peers;
use picket_testkit::wait::wait_for_every;
use picket_testkit::{Client, Cluster, Program, SentinelProcess};

use super::release_binary;
use super::spread::Spread;

/// Samples of each kind.
pub(crate) const RUNS: usize = 10;

const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long the sentinels watch the master before it is killed.
const STEADY_AFTER: Duration = Duration::from_millis(3500);
const DEADLINE: Duration = Duration::from_secs(60);

/// What is measured, from the kill unless it says otherwise.
const MEASURES: [&str; 8] = [
    "first +sdown",
    "first +odown",
    "first +switch-master",
    "last +switch-master",
    "first write acknowledged",
    "+odown to first +switch-master",
    "first to last sentinel naming the new one",
    "first to last +switch-master",
];

/// One failover; a duration for each of [`MEASURES`].
type Sample = [Duration; MEASURES.len()];

/// Builds the release binary, measures both kinds `runs` times and prints the table.
pub(crate) fn failover(root: &Path, runs: usize) -> bool {
    if !peers::redis_available() {
        return false;
    }
    let Some(picket) = release_binary(root) else { return false };
    let kinds = [Program::Stock, Program::Picket(picket)];
    let mut samples = [Vec::new(), Vec::new()];
    for run in 1..=runs {
        for (kind, samples) in kinds.iter().zip(&mut samples) {
            let sample = measure(kind);
            println!("run {run:>2} {:<6} first write after {} ms", kind.word(), sample[4].as_millis());
            samples.push(sample);
        }
    }
    print_conditions(runs);
    for (place, measure) in MEASURES.iter().enumerate() {
        let columns: Vec<_> = samples.iter().map(|samples| spread(samples, place)).collect();
        println!("| {measure:<42} | {:>22} | {:>22} |", columns[0], columns[1]);
    }
    true
}

fn print_conditions(runs: usize) {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let version = peers::Peer::RedisSentinel.version().unwrap_or_default();
    let version = version.split(" sha=").next().unwrap_or_default();
    println!("\n{runs} runs each, alternating, {cores} cores, stock: {version}");
    println!("1 master, 2 replicas, 3 sentinels, down-after 1000 ms; milliseconds: median (least-most)\n");
    println!("| {:<42} | {:>22} | {:>22} |", "after kill -9 of the master", "stock", "Picket");
    println!("|{:-<44}|{:->24}|{:->24}|", "", ":", ":");
}

/// `median (least-most)` in milliseconds.
fn spread(samples: &[Sample], place: usize) -> String {
    let values: Vec<_> = samples.iter().map(|sample| sample[place].as_secs_f64() * 1000.0).collect();
    Spread::of(&values).map(Spread::text).unwrap_or_default()
}

fn measure(kind: &Program) -> Sample {
    let sentinels = [kind.clone(), kind.clone(), kind.clone()];
    let mut cluster = Cluster::builder().sentinels(&sentinels).down_after_ms(1000).start();
    // Links younger than a reconnect period are not what is asked about.
    for sentinel in &cluster.sentinels {
        wait_for_every(LOOK_EVERY, DEADLINE, "the master has been watched for a while", || {
            let watched: u128 = sentinel.master_field("mymaster", "role-reported-time").parse().ok()?;
            (watched >= STEADY_AFTER.as_millis()).then_some(())
        });
    }
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    let killed = Instant::now();
    cluster.nodes()[0].kill9();

    let (named, written) = thread::scope(|scope| {
        let watchers: Vec<_> =
            cluster.sentinels.iter().map(|sentinel| scope.spawn(|| named_at(sentinel, old))).collect();
        let writer = scope.spawn(|| written_at(&cluster.sentinels, old));
        let named: Vec<_> = watchers.into_iter().map(|watcher| watcher.join().expect("a watcher")).collect();
        (named, writer.join().expect("the writer"))
    });
    for from in 0..cluster.sentinels.len() {
        events.wait_for(DEADLINE, "+switch-master of each", |event| {
            event.from == from && event.channel == "+switch-master"
        });
    }
    let all = events.events();
    let of =
        |channel: &str| all.iter().filter(|event| event.channel == channel).map(|event| event.at).collect();
    let (sdown, odown, switch): (Vec<_>, Vec<_>, Vec<_>) = (of("+sdown"), of("+odown"), of("+switch-master"));
    [
        first(&sdown) - killed,
        first(&odown) - killed,
        first(&switch) - killed,
        last(&switch) - killed,
        written - killed,
        first(&switch) - first(&odown),
        last(&named) - first(&named),
        last(&switch) - first(&switch),
    ]
}

fn first(moments: &[Instant]) -> Instant {
    *moments.iter().min().expect("the failover was waited for")
}

fn last(moments: &[Instant]) -> Instant {
    *moments.iter().max().expect("the failover was waited for")
}

/// When `sentinel` first names another master than the one on `old`.
fn named_at(sentinel: &SentinelProcess, old: u16) -> Instant {
    let mut client = sentinel.client().expect("the sentinel takes a connection");
    wait_for_every(LOOK_EVERY, DEADLINE, "a new master is named", || {
        let reply = client.cmd(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]).ok()?;
        let port: u16 = reply.items().get(1)?.text()?.parse().ok()?;
        (port != old).then(Instant::now)
    })
    .0
}

/// When a client that asks the sentinels in turn first has a write acknowledged by another master.
fn written_at(sentinels: &[SentinelProcess], old: u16) -> Instant {
    let mut turn = 0;
    wait_for_every(LOOK_EVERY, DEADLINE, "a write is acknowledged", || {
        turn += 1;
        let port = sentinels[turn % sentinels.len()].master_port("mymaster").filter(|port| *port != old)?;
        let mut client =
            Client::connect_within(&format!("127.0.0.1:{port}"), Duration::from_millis(500)).ok()?;
        let reply = client.cmd(&["SET", "picket-bench", "1"]).ok()?;
        reply.is_ok().then(Instant::now)
    })
    .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_of_one_measure_in_milliseconds() {
        let sample = |ms: u64| {
            let mut sample = [Duration::ZERO; MEASURES.len()];
            sample[2] = Duration::from_millis(ms);
            sample
        };
        assert_eq!(spread(&[sample(30), sample(10), sample(20)], 2), "20.0 (10.0-30.0)");
        assert_eq!(spread(&[sample(10), sample(20)], 2), "15.0 (10.0-20.0)");
        assert_eq!(spread(&[sample(30)], 1), "0.000 (0.000-0.000)");
    }
}
