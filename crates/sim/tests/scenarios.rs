//! The scenario files: each does what it says, and reads as it is written.

use std::path::{Path, PathBuf};

use picket_sansio::{Millis, Time};
use picket_sim::{Action, Detail, Judged, Scenario, Timeline};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    files
}

fn read(file: &Path) -> (String, Scenario) {
    let text = std::fs::read_to_string(file).expect("a text");
    let scenario = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    (text, scenario)
}

#[test]
fn every_scenario_comes_true() {
    let only = std::env::var("PICKET_SCENARIO").unwrap_or_default();
    let mut failed = Vec::new();
    let mut judged = Judged::default();
    for file in files().iter().filter(|file| file.to_string_lossy().contains(&only)) {
        match read(file).1.run() {
            Ok(world) => judged += world.judged(),
            Err(failure) => {
                println!("{}: {failure}\n", file.display());
                failed.push(file.file_name().expect("it has one").to_owned());
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}, see above; PICKET_SCENARIO=<name> runs one alone");
    println!("{judged:?}");
    let Judged { replicas, sentinels, forgotten } = judged;
    assert!(!only.is_empty() || replicas.min(sentinels).min(forgotten) > 0, "never judged: {judged:?}");
}

#[test]
fn every_scenario_reads_as_it_is_written() {
    for file in files() {
        let (text, scenario) = read(&file);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let bare: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(scenario.to_string(), bare, "{}", file.display());
        assert_eq!(bare.parse(), Ok(scenario), "{}", file.display());
    }
}

/// Everything by which two moments differ.
fn picture(timeline: &Timeline) -> (Time, u64, u64, String) {
    let world = timeline.world();
    (timeline.now(), world.steps(), world.outputs_hash(), world.transcript().text(timeline.beginning()))
}

#[test]
fn a_shared_text_reopens_the_exact_moment() {
    let (_, scenario) = read(&files()[0]);
    let mut timeline = scenario.timeline(Detail::Messages).expect("it begins");
    let act = |timeline: &mut Timeline, line: &str| {
        timeline.inject(line.parse::<Action>().expect("an action")).expect("it can be done");
    };
    timeline.seek(timeline.beginning() + Millis(300));
    for number in 0..40 {
        // In the midst of what happens at one time, too.
        (0..37).for_each(|_| assert!(timeline.step()));
        act(&mut timeline, &format!("run redis-1 SET key-{number} value"));
    }
    act(&mut timeline, "kill redis-1");
    for _ in 0..3 {
        (0..97).for_each(|_| assert!(timeline.step()));
        let shared = Scenario::of(scenario.setup.clone(), &timeline).to_string();
        let read: Scenario = shared.parse().expect("what was written");
        let again = read.timeline(Detail::Messages).expect("it begins");
        assert_eq!(picture(&again), picture(&timeline));
        assert_eq!(Scenario::of(scenario.setup.clone(), &again).to_string(), shared);
        (0..50).for_each(|_| assert!(timeline.step_back()));
    }
}

#[test]
fn a_line_that_does_not_come_true_is_told_with_what_is_so_instead() {
    let text = "redis 2\nsentinels 3\nat 1s kill redis-2\nby 3s expect agreed redis-2\nat 4s heal\n";
    let failure = text.parse::<Scenario>().expect("a scenario").run().expect_err("redis-1 is well");
    assert_eq!((failure.line.as_str(), failure.after_us), ("by 3s expect agreed redis-2", 3_000_000));
    let told = failure.to_string();
    for part in ["this has not come true", "redis-2     Killed", "mymaster is 10.0.1.1:6379", "+sdown slave"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let text = "redis 2\nsentinels 3\nat 1s kill redis-9\n";
    let failure = text.parse::<Scenario>().expect("a scenario").run().expect_err("there is none");
    assert!(failure.reason.contains("there is no node \"redis-9\""), "{failure}");
    let text = "redis 2\nconfig redis-2 replica-priority many\n";
    let failure = text.parse::<Scenario>().expect("a scenario").run().expect_err("that is no number");
    assert!(failure.reason.starts_with("redis-2: "), "{failure}");
}

#[test]
fn what_held_must_go_on_to_hold() {
    let text = "redis 2\nsentinels 3\nthrough 5s expect runs redis-2\nat 2s kill redis-2\nat 6s heal\n";
    let failure = text.parse::<Scenario>().expect("a scenario").run().expect_err("it was killed");
    assert_eq!((failure.line.as_str(), failure.after_us), ("at 2s kill redis-2", 2_000_000));
    assert!(failure.reason.contains("\"through 5s expect runs redis-2\" is no longer so"), "{failure}");
}

#[test]
fn a_replica_with_other_data_at_the_same_offset_is_noticed() {
    let text = "\
redis 2
sentinels 0
at 1s run redis-2 CONFIG SET replica-read-only no
at 2s run redis-2 SET key other
at 3s run redis-2 CONFIG SET replica-read-only yes
at 4s reset redis-1 redis-2
by 9s expect synced redis-2 partial
at 10s heal
";
    let failure = text.parse::<Scenario>().expect("a scenario").run().expect_err("they differ");
    assert_eq!(failure.property, Some("the same offset, the same data"), "{failure}");
}
