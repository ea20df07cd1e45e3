//! How fast a world is, and what a step back costs: `cargo run --release -p picket-sim --example speed [SECONDS]`.
//!
//! The aims are for a browser, which is two to three times slower: 1000 times real time for 3 Sentinels, 3 data nodes and
//! a client that writes every 50 ms, and 50 ms for a step back at the end of ten minutes with 5 Sentinels. Times are
//! those of the processor where the system tells them, so that other work on the machine does not count.

use std::time::{Duration, Instant};

use picket_sansio::Millis;
use picket_sim::{Detail, Scenario, Timeline};

fn timeline(sentinels: u32) -> Timeline {
    let text = format!("redis 3\nsentinels {sentinels}\nquorum 2\nwriter 50ms\n");
    text.parse::<Scenario>().expect("a scenario").timeline(Detail::Arrivals).expect("it begins")
}

/// How long this process has worked so far, or how long it has been there.
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

fn main() {
    let started = Instant::now();
    let seconds = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(600);
    for sentinels in [3, 5, 17] {
        let mut timeline = timeline(sentinels);
        let steps = timeline.world().steps();
        let mut world = timeline.world().clone();
        let began = worked(started);
        world.run_for(Millis(seconds * 1_000)).expect("nothing is violated");
        let took = worked(started) - began;
        let steps = world.steps() - steps;
        println!(
            "{sentinels} Sentinels, 3 data nodes, a client: {seconds} s in {took:.2?}, {} times real time; {} steps a \
             second, {} ns each",
            u128::from(seconds) * 1_000_000 / took.as_micros(),
            steps / seconds,
            took.as_nanos() / u128::from(steps),
        );
        let (began, before) = (worked(started), memory());
        timeline.seek(timeline.now() + Millis(seconds * 1_000));
        let took = worked(started) - began;
        println!(
            "  with checkpoints: {} times real time, {} MiB",
            u128::from(seconds) * 1_000_000 / took.as_micros(),
            memory().saturating_sub(before) / 1024
        );
        let began = worked(started);
        let copies: Vec<_> = (0..20).map(|_| timeline.world().clone()).collect();
        println!("  a copy of the world: {:.2?}", (worked(started) - began) / 20);
        drop(copies);
        let (mut worst, first) = (Duration::ZERO, worked(started));
        for _ in 0..3_000 {
            let began = worked(started);
            timeline.step_back();
            worst = worst.max(worked(started) - began);
        }
        println!("  a step back: {:.2?} on average, {worst:.2?} at worst", (worked(started) - first) / 3_000);
    }
}
