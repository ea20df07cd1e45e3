//! How fast a world is, and what a step back costs.
//!
//! `cargo run --release -p picket-sim --example speed [SECONDS [SENTINELS...]] [run|timeline|copy|back]...`
//!
//! The aims are for a browser, which is two to three times slower: 1000 times real time for 3 Sentinels, 3 data nodes and
//! a client that writes every 50 ms, and 50 ms for a step back at the end of ten minutes with 5 Sentinels. Times are
//! those of the processor where the system tells them, so that other work on the machine does not count. The hash is
//! that of all outputs: what makes a world faster must not change it.

use std::time::{Duration, Instant};

use picket_sansio::Millis;
use picket_sim::{Detail, Scenario, Timeline, World};

/// What is measured if nobody says otherwise.
const PARTS: [&str; 4] = ["run", "timeline", "copy", "back"];

fn timeline(sentinels: u32) -> Timeline {
    let text = format!("redis 3\nsentinels {sentinels}\nquorum 2\nwriter 50ms\n");
    text.parse::<Scenario>().expect("a scenario").timeline(Detail::Arrivals).expect("it begins")
}

/// A stopwatch that runs while this process works.
struct Watch {
    started: Instant,
    began: Duration,
}

impl Watch {
    fn start() -> Self {
        let started = Instant::now();
        Self { started, began: worked(started) }
    }

    fn took(&self) -> Duration {
        worked(self.started) - self.began
    }
}

/// How long this process has worked so far, or how long it is since `started`.
fn worked(started: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// What it takes of memory, in KiB, where the system tells it.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How many times as fast as the world's own time.
fn times(seconds: u64, took: Duration) -> u128 {
    u128::from(seconds) * 1_000_000 / took.as_micros().max(1)
}

fn run(mut world: World, seconds: u64) {
    let before = world.steps();
    let watch = Watch::start();
    world.run_for(Millis(seconds * 1_000)).expect("nothing is violated");
    let took = watch.took();
    let steps = world.steps() - before;
    println!(
        "  {seconds} s in {took:.2?}, {} times real time; {} steps a second, {} ns each; outputs {:016x}",
        times(seconds, took),
        steps / seconds,
        took.as_nanos() / u128::from(steps),
        world.outputs_hash(),
    );
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<u64>().ok());
    let seconds = numbers.next().unwrap_or(600);
    let mut sentinels: Vec<u32> = numbers.filter_map(|count| u32::try_from(count).ok()).collect();
    if sentinels.is_empty() {
        sentinels = vec![3, 5, 17];
    }
    let is_wanted =
        |part: &str| args.iter().any(|arg| arg == part) || !args.iter().any(|arg| PARTS.contains(&&arg[..]));
    for count in sentinels {
        println!("{count} Sentinels, 3 data nodes, a client:");
        let mut timeline = timeline(count);
        if is_wanted("run") {
            run(timeline.world().clone(), seconds);
        }
        let (watch, before) = (Watch::start(), memory());
        if is_wanted("timeline") || is_wanted("copy") || is_wanted("back") {
            timeline.seek(timeline.now() + Millis(seconds * 1_000));
        }
        if is_wanted("timeline") {
            let grown = memory().saturating_sub(before) / 1024;
            println!("  with checkpoints: {} times real time, {grown} MiB", times(seconds, watch.took()));
        }
        if is_wanted("copy") {
            let watch = Watch::start();
            let copies: Vec<_> = (0..20).map(|_| timeline.world().clone()).collect();
            println!("  a copy of the world: {:.2?}", watch.took() / 20);
            drop(copies);
        }
        if is_wanted("back") {
            let (mut worst, all) = (Duration::ZERO, Watch::start());
            for _ in 0..3_000 {
                let watch = Watch::start();
                timeline.step_back();
                worst = worst.max(watch.took());
            }
            println!("  a step back: {:.2?} on average, {worst:.2?} at worst", all.took() / 3_000);
        }
    }
}
