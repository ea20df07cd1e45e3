//! Random faults from a seed: first safety while everything goes wrong, then everything is mended and all must
//! agree on one master which every data node follows, with the same data. See `campaign/`.
//!
//! `PICKET_SIM_SEEDS=<from>..<to>` runs other seeds than the usual ones; `cargo xtask sim` runs many. A failure names
//! its seed, a short scenario that fails likewise, and the command that repeats it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use picket_sim::campaign::{FAULTY_US, Wanted, draw, losses, shrink};
use picket_sim::{Detail, Failure, Judged, Scenario, World};

/// Runs a scenario; a panic is a failure too.
fn run(scenario: &Scenario, detail: Detail) -> Result<World, Option<Failure>> {
    let run = AssertUnwindSafe(|| scenario.run_with(detail).map_err(Some));
    catch_unwind(run).unwrap_or(Err(None))
}

#[track_caller]
fn run_all(seeds: Range<u64>) {
    let mut first = None;
    let mut failed = Vec::new();
    let (mut judged, mut confirmed) = (Judged::default(), 0);
    for seed in seeds.clone() {
        let scenario = draw(seed, Wanted::default());
        match run(&scenario, Detail::Nothing) {
            Ok(world) => {
                judged += world.judged();
                confirmed += losses(&world).confirmed;
            }
            Err(failure) => {
                failed.push(seed);
                first.get_or_insert((seed, scenario, failure));
            }
        }
    }
    let Some((seed, scenario, failure)) = first else {
        println!("{judged:?}, {confirmed} writes confirmed");
        // Of a few seeds that somebody chose nothing is known.
        if seeds.count() as u64 == SEEDS {
            assert!(judged.replicas.min(judged.sentinels) > 0, "no RESET was judged: {judged:?}");
            assert!(confirmed > 0, "no client had a write confirmed");
        }
        return;
    };
    let shortest = shrink(&scenario, FAULTY_US, |shorter| match (run(shorter, Detail::Nothing), &failure) {
        (Err(Some(other)), Some(failure)) => other.is_like(failure),
        (Err(None), None) => true,
        _ => false,
    });
    let told = match run(&shortest, Detail::Events) {
        Err(Some(failure)) => failure.to_string(),
        Err(None) => "a panic, see above".to_owned(),
        Ok(_) => "the shortened scenario does not fail".to_owned(),
    };
    panic!(
        "{told}\n--- the shortest scenario that fails so ---\n{shortest}\nseeds {failed:?} failed; repeat the first \
         with\n  cargo xtask sim --seeds {seed}..{}\n",
        seed + 1
    );
}

/// The seeds of one part of the usual ones, or those that the environment names, which the first part runs.
fn seeds(part: u64) -> Range<u64> {
    match std::env::var("PICKET_SIM_SEEDS") {
        Err(_) => part * SEEDS..(part + 1) * SEEDS,
        Ok(_) if part != 0 => 0..0,
        Ok(range) => {
            let (from, to) = range.split_once("..").expect("PICKET_SIM_SEEDS=<from>..<to>");
            from.parse().expect("a number")..to.parse().expect("a number")
        }
    }
}

/// Few enough for a minute of CI, enough for every kind of fault.
const SEEDS: u64 = 10;
const PARTS: u64 = 8;

macro_rules! random_faults {
    ($($name:ident: $part:expr),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                run_all(seeds($part));
            }
        )*
    };
}

random_faults! {
    random_faults_1: 0,
    random_faults_2: 1,
    random_faults_3: 2,
    random_faults_4: 3,
    random_faults_5: 4,
    random_faults_6: 5,
    random_faults_7: 6,
    random_faults_8: 7,
}

#[test]
fn the_usual_seeds_have_every_kind_of_fault() {
    let mut drawn = BTreeSet::new();
    for seed in 0..SEEDS * PARTS {
        let scenario = draw(seed, Wanted::default());
        for line in scenario.to_string().lines().filter(|line| line.starts_with("at ")) {
            let mut words = line.split(' ').skip(2);
            let verb = words.next().unwrap_or_default();
            let what =
                words.next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            drawn.insert(verb.to_owned());
            drawn.insert(format!("{verb} {what}"));
            if verb == "latency" && line.contains(" -> ") {
                drawn.insert("latency one way".to_owned());
            }
            if ["RESET", "FAILOVER", "FORGET"].iter().any(|word| line.contains(&format!("SENTINEL {word}"))) {
                drawn.insert(words.take(2).collect::<Vec<_>>().join(" "));
            }
        }
    }
    for kind in [
        "kill sentinel",
        "kill redis",
        "freeze",
        "off",
        "cut",
        "partition",
        "heal",
        "disk sentinel",
        "disk redis",
        "reset",
        "latency",
        "slow-disk",
        "clock",
        "names",
        "drop",
        "delay",
        "wipe",
        "loss",
        "half-open",
        "add sentinel",
        "add redis",
        "remove",
        "SENTINEL RESET",
        "SENTINEL FAILOVER",
        "SENTINEL FORGET",
        "latency one way",
        "waits writer",
    ] {
        assert!(drawn.iter().any(|word| word == kind || word.starts_with(kind)), "no {kind}: {drawn:?}");
    }
}
