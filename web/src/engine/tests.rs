//! What the engine promises.

use super::*;

fn open(text: &str) -> Engine {
    Engine::open(text.parse().expect("a scenario")).expect("it can be shown")
}

fn engine() -> Engine {
    open("writer 50ms")
}

/// Never.
fn no(_: &Timeline) -> bool {
    false
}

/// Plays until a line of that kind is told.
#[track_caller]
fn play_until(engine: &mut Engine, kind: Kind) {
    engine.set_playing(true);
    for _ in 0..2_000 {
        engine.tick(16_000, no);
        if engine.marks().iter().any(|mark| mark.kind == kind) {
            return;
        }
    }
    panic!("no {kind:?}: {:?}", engine.lines(20));
}

#[test]
fn virtual_time_follows_the_wall_at_its_speed() {
    let mut engine = engine();
    assert!(!engine.tick(16_000, no), "it does not play");
    engine.set_playing(true);
    for (speed, expected) in [(Speed::REAL, 1_600_000), (Speed::at(0), 16_000), (Speed::at(9), 16_000_000)] {
        engine.set_speed(speed);
        let before = engine.now_us();
        for _ in 0..100 {
            engine.tick(16_000, no);
        }
        assert_eq!(engine.now_us() - before, expected, "{speed}");
    }
    engine.set_speed(Speed::at(0));
    let before = engine.now_us();
    for _ in 0..150 {
        engine.tick(67, no);
    }
    assert_eq!(engine.now_us() - before, 100, "fractions of a microsecond add up");
}

#[test]
fn a_frame_does_a_bounded_number_of_steps() {
    let mut engine = open("sentinels 9\nredis 5\nquorum 5\nwriter 1ms\nwriter 1ms");
    engine.set_playing(true);
    engine.set_speed(Speed::at(12));
    let before = engine.world().steps();
    engine.tick(u64::MAX, no);
    assert!(engine.is_behind());
    assert_eq!(engine.world().steps() - before, u64::from(FRAME_STEPS_MAX));
}

#[test]
fn a_master_dies_and_the_same_is_seen_again_after_going_back() {
    let mut engine = engine();
    engine.inject("kill redis-1").expect("it can be killed");
    play_until(&mut engine, Kind::Switch);
    let (end, hash, marks) = (engine.now_us(), engine.world().outputs_hash(), engine.marks().to_vec());
    engine.seek_us(0);
    assert_eq!((engine.now_us(), engine.end_us()), (0, end));
    assert_eq!(engine.marks(), marks, "what comes later stays on the time bar");
    engine.seek_us(end);
    assert_eq!(engine.world().outputs_hash(), hash);
    assert_eq!(engine.marks(), marks);
    let steps = engine.world().steps();
    engine.step_back();
    engine.step_back();
    assert_eq!(engine.world().steps(), steps - 2);
    engine.step();
    engine.step();
    assert_eq!(engine.world().outputs_hash(), hash);
}

#[test]
fn stepping_to_events_goes_from_line_to_line() {
    let mut engine = engine();
    engine.inject("kill redis-1").expect("it can be killed");
    let told = engine.world().transcript().len();
    assert!(engine.step_to_event());
    assert!(engine.world().transcript().len() > told);
    let at = engine.now_us();
    assert!(at > 0);
    engine.step_back_to_event();
    assert!(engine.now_us() < at);
}

#[test]
fn acting_in_the_past_begins_a_branch_and_keeps_the_old_one() {
    let mut engine = engine();
    engine.inject("kill redis-1").expect("it can be killed");
    play_until(&mut engine, Kind::Switch);
    let (end, hash) = (engine.end_us(), engine.world().outputs_hash());
    let marks = engine.marks().to_vec();
    engine.seek_us(500_000);
    engine.inject("start redis-1").expect("it can be started");
    assert_eq!(engine.end_us(), 500_000);
    assert!(engine.marks().iter().all(|mark| mark.kind != Kind::Switch), "that is no more");
    assert_eq!(engine.branches().collect::<Vec<_>>(), [end]);
    let others = engine.marks().to_vec();
    engine.switch_branch(0);
    assert_eq!(engine.marks(), marks, "also those behind the moment at which the branch was left");
    engine.seek_us(end);
    assert_eq!((engine.world().outputs_hash(), engine.marks()), (hash, &marks[..]));
    assert_eq!(engine.branches().collect::<Vec<_>>(), [500_000]);
    engine.switch_branch(0);
    assert_eq!(engine.marks(), others);
    engine.switch_branch(0);
    engine.switch_branch(7);
    assert_eq!(engine.end_us(), end);
}

#[test]
fn branches_are_bounded() {
    let mut engine = engine();
    for _ in 0..10 {
        engine.set_playing(true);
        engine.tick(16_000, no);
        engine.seek_us(1_000);
        engine.inject("heal").expect("wires can always be mended");
    }
    assert_eq!(engine.branches().count(), BRANCHES_MAX);
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut engine = engine();
    engine.set_playing(true);
    engine.tick(100_000, no);
    engine.seek_us(50_000);
    let hash = engine.world().outputs_hash();
    for line in ["", "kill", "kill redis-9", "explode redis-1", "drop 99999999", "cut redis-1 redis-1"] {
        assert!(engine.inject(line).is_err(), "{line:?}");
    }
    assert_eq!((engine.world().outputs_hash(), engine.end_us()), (hash, 100_000));
    assert_eq!(engine.branches().count(), 0);
}

#[test]
fn a_scenario_is_done_already_and_shown_from_its_beginning() {
    let mut engine = open("writer 50ms\nat 1s kill redis-1\nby 4s expect agreed redis-2");
    assert_eq!((engine.now_us(), engine.end_us()), (0, 4_000_000));
    assert!(engine.marks().iter().any(|mark| mark.kind == Kind::Switch));
    engine.seek_us(4_000_000);
    let hash = engine.world().outputs_hash();
    engine.seek_us(500_000);
    engine.inject("heal").expect("wires can always be mended");
    engine.set_playing(true);
    while engine.now_us() < 4_000_000 {
        engine.tick(100_000, no);
    }
    assert!(engine.marks().iter().all(|mark| mark.kind != Kind::Switch), "nobody kills it in this branch");
    engine.switch_branch(0);
    engine.seek_us(4_000_000);
    assert_eq!(engine.world().outputs_hash(), hash);
}

#[test]
fn what_was_done_by_hand_is_found_again_in_its_text() {
    let mut engine = engine();
    engine.set_playing(true);
    engine.tick(70_000, no);
    engine.inject("cut redis-1 redis-2").expect("it can be cut");
    engine.inject("run redis-1 SET key \"two words\"").expect("it runs");
    engine.step();
    engine.inject("kill redis-1").expect("it can be killed");
    play_until(&mut engine, Kind::Switch);
    engine.step_back();
    engine.step_back();
    let text = engine.scenario().to_string();
    let again = open(&text);
    assert_eq!(again.scenario().to_string(), text);
    assert_eq!(again.world().outputs_hash(), engine.world().outputs_hash(), "{text}");
    assert_eq!(again.world().steps(), engine.world().steps());
    assert_eq!(again.now_us(), engine.now_us());
    let marks =
        |engine: &Engine| engine.marks().iter().filter(|mark| mark.at <= engine.timeline().now()).count();
    assert_eq!(marks(&again), marks(&engine));
}

#[test]
fn time_stops_where_it_is_told_to() {
    let mut engine = engine();
    engine.inject("kill redis-1").expect("it can be killed");
    engine.set_speed(Speed::at(12));
    engine.set_playing(true);
    let is_odown = |timeline: &Timeline| timeline.world().transcript().count(Time(0), "+odown") > 0;
    while engine.is_playing() {
        engine.tick(16_000, is_odown);
    }
    let last = engine.lines(1);
    assert!(last[0].what.starts_with("+odown"), "{last:?}");
    assert_eq!(last[0].at_us, engine.now_us());
}

#[test]
fn a_long_scenario_is_replayed_in_slices() {
    let text = "writer 10ms\nat 5s kill redis-1\nat 10s start redis-1\nlook 20s";
    let mut opening = Opening::new(text.parse().expect("a scenario")).expect("it is small");
    let (mut slices, mut before) = (0, 0);
    let engine = loop {
        match opening.advance(500).expect("it can be done") {
            Some(engine) => break engine,
            None => slices += 1,
        }
        let permille = opening.permille();
        assert!((before..=1_000).contains(&permille));
        before = permille;
    };
    assert!(slices > 10, "{slices}");
    let at_once = open(text);
    assert_eq!(engine.world().outputs_hash(), at_once.world().outputs_hash());
    assert_eq!(engine.marks(), at_once.marks());
}

#[test]
fn what_cannot_be_shown_is_refused() {
    for (text, why) in [
        ("sentinels 18", "at most 24 data nodes, 17 Sentinels"),
        ("redis 25", "at most 24 data nodes"),
        ("masters 5\nredis 5", "at most 24 data nodes"),
        ("at 1s kill redis-9", "\"at 1s kill redis-9\": there is no node"),
        ("config redis nonsense 1", "redis-1"),
    ] {
        let error = Engine::open(text.parse().expect(text)).map(|_| ()).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}
