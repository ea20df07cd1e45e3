//! Looking at a world forwards and backwards.

mod common;

use common::settled;
use picket_sansio::{Millis, Time};
use picket_sim::{Action, Cluster, Detail, Shape, Timeline};

fn timeline() -> Timeline {
    let mut cluster: Cluster = settled(1, &Shape::default());
    cluster.world.set_detail(Detail::Messages);
    Timeline::new(cluster.world)
}

fn act(timeline: &mut Timeline, line: &str) {
    timeline.inject(line.parse().expect("an action")).expect("it can be done");
}

/// Everything by which two moments differ.
fn picture(timeline: &Timeline) -> (Time, u64, u64, String) {
    let world = timeline.world();
    (timeline.now(), world.steps(), world.outputs_hash(), world.transcript().text(timeline.beginning()))
}

#[test]
fn stepping_back_and_forth_meets_the_same_moments() {
    let mut timeline = timeline();
    timeline.seek(timeline.beginning() + Millis(500));
    act(&mut timeline, "kill redis-1");
    let mut seen = Vec::new();
    for _ in 0..1_500 {
        timeline.step();
        seen.push(picture(&timeline));
    }
    for expected in seen.iter().rev().skip(1).take(600) {
        assert!(timeline.step_back());
        assert_eq!(&picture(&timeline), expected);
    }
    for expected in &seen[seen.len() - 600..] {
        timeline.step();
        assert_eq!(&picture(&timeline), expected);
    }
    while timeline.step_back() {}
    assert_eq!(timeline.now(), timeline.beginning());
}

#[test]
fn a_moment_is_found_again_with_what_was_done_before_it() {
    let mut timeline = timeline();
    let start = timeline.beginning();
    timeline.seek(start + Millis(700));
    act(&mut timeline, "kill redis-1");
    timeline.seek(start + Millis(4_000));
    act(&mut timeline, "start redis-1");
    timeline.seek(start + Millis(20_000));
    let moments: Vec<_> = (0..40).map(|at| start + Millis(at * 517)).collect();
    let mut seen = Vec::new();
    for at in &moments {
        timeline.seek(*at);
        assert_eq!(timeline.now(), *at);
        seen.push(picture(&timeline));
    }
    for (at, expected) in moments.iter().zip(&seen).rev() {
        timeline.seek(*at);
        assert_eq!(&picture(&timeline), expected);
    }
    assert_eq!(timeline.end(), start + Millis(20_163), "looking back shortens nothing");
    assert_eq!(timeline.deeds().len(), 2);
}

#[test]
fn acting_in_the_past_begins_a_new_branch() {
    let mut timeline = timeline();
    let start = timeline.beginning();
    act(&mut timeline, "kill redis-1");
    timeline.seek(start + Millis(5_000));
    assert!(timeline.world().transcript().count(start, "+switch-master") > 0);
    let old = timeline.clone();
    timeline.seek(start + Millis(400));
    act(&mut timeline, "start redis-1");
    assert_eq!(timeline.end(), start + Millis(400), "the old future is no more");
    timeline.seek(start + Millis(5_000));
    assert_eq!(timeline.world().transcript().count(start, "+switch-master"), 0);
    let lines: Vec<String> = timeline.deeds().iter().map(|deed| deed.action.to_string()).collect();
    assert_eq!(lines, ["kill redis-1", "start redis-1"]);
    // A fork is not touched by what happens to the other.
    assert_eq!(old.deeds().len(), 1);
    assert!(old.world().transcript().count(start, "+switch-master") > 0);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut timeline = timeline();
    timeline.seek(timeline.beginning() + Millis(300));
    let before = picture(&timeline);
    for line in
        ["kill redis-9", "drop 999999999", "cut redis-1 redis-1", "writes redis-1 off", "wipe sentinel-1"]
    {
        let action: Action = line.parse().expect("well written");
        timeline.inject(action).expect_err(line);
        assert_eq!(picture(&timeline), before, "{line}");
    }
    assert!(timeline.deeds().is_empty());
}

#[test]
fn a_message_can_be_lost_and_arrives_later() {
    let mut timeline = timeline();
    while timeline.world().in_flight().is_empty() {
        timeline.step();
    }
    let message = timeline.world().in_flight()[0].clone();
    act(&mut timeline, &format!("drop {}", message.id));
    let again = timeline.world().in_flight()[0].clone();
    assert_eq!(again.id, message.id);
    let late = again.arrives.expect("on its way").since(message.arrives.expect("on its way"));
    assert_eq!(late, Millis(200));
    let since = timeline.now();
    let arrived =
        timeline.run_until(Millis(1_000), |world| world.arrived(since).any(|it| it.id == message.id));
    assert_eq!(arrived, Ok(again.arrives.expect("on its way")));
    let told = timeline.world().arrived(since).find(|it| it.id == message.id).expect("it arrived");
    assert_eq!((told.text(), told.from, told.to), (message.text(), message.from, message.to));
}

#[test]
fn an_operator_gets_an_answer() {
    let mut timeline = timeline();
    act(&mut timeline, "run redis-1 PING");
    let answered = timeline.run_until(Millis(1_000), |world| world.answers(0).next().is_some());
    assert!(answered.is_ok());
    let answer = timeline.world().answers(0).next().expect("waited for");
    assert_eq!(answer.words, ["PING"]);
    assert_eq!(answer.result.as_ref().expect("a reply").as_str(), Some("PONG"));
}
