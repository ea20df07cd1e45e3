//! Nodes that come and go, settings of many at once, and clocks that jump.

use picket_sim::{Action, Detail, Scenario, Timeline};

fn timeline(text: &str) -> Timeline {
    text.parse::<Scenario>().expect("a scenario").timeline(Detail::Events).expect("it begins")
}

fn act(timeline: &mut Timeline, line: &str) -> Result<(), String> {
    let action: Action = line.parse().map_err(|error| format!("{error}"))?;
    timeline.inject(action).map_err(|error| error.to_string())
}

#[test]
fn ids_stay_and_a_name_is_not_given_twice() {
    let mut timeline = timeline("redis 2\nsentinels 3\n");
    let names = |timeline: &Timeline| -> Vec<String> {
        let world = timeline.world();
        world.nodes().map(|node| format!("{} {}", node.0, world.name(node))).collect()
    };
    assert_eq!(names(&timeline), ["0 redis-1", "1 redis-2", "2 sentinel-1", "3 sentinel-2", "4 sentinel-3"]);
    act(&mut timeline, "add redis-9").expect("its number is free");
    act(&mut timeline, "remove redis-2").expect("it is there");
    act(&mut timeline, "add redis-2").expect_err("it was there");
    act(&mut timeline, "add redis-3").expect("numbers need not grow");
    act(&mut timeline, "add writer-1 1s").expect("there are Sentinels to ask");
    assert_eq!(
        names(&timeline),
        ["0 redis-1", "2 sentinel-1", "3 sentinel-2", "4 sentinel-3", "5 redis-9", "6 redis-3", "7 writer-1"]
    );
    assert_eq!(timeline.world().addr(picket_sim::NodeId(5)).to_string(), "10.0.1.9:6379");
}

#[test]
fn what_cannot_be_added_or_removed_is_told_why() {
    let mut timeline = timeline("redis 1\nsentinels 0\n");
    for (line, wrong) in [
        ("add redis-1", "redis-1 is there already"),
        ("add redis-2 redis-7", "there is no node \"redis-7\""),
        ("add writer-1 50ms", "asks Sentinels for the master, and there are none"),
        ("remove redis-2", "there is no node \"redis-2\""),
        ("run sentinels PING", "of sentinels none runs"),
    ] {
        let error = act(&mut timeline, line).expect_err(line);
        assert!(error.contains(wrong), "{line}: {error}");
    }
    assert!(timeline.deeds().is_empty());
    // Without Sentinels the only master is the one to follow; of two nobody knows.
    act(&mut timeline, "add redis-2").expect("redis-1 is the master");
    act(&mut timeline, "add sentinel-1").expect("it watches the first data node");
    timeline.seek(timeline.now() + picket_sansio::Millis(1_000));
    act(&mut timeline, "remove sentinel-1").expect("it is there");
    act(&mut timeline, "run redis-2 REPLICAOF NO ONE").expect("sent");
    timeline.seek(timeline.now() + picket_sansio::Millis(1_000));
    let error = act(&mut timeline, "add redis-3").expect_err("there are two masters");
    assert!(error.contains("say whom it follows"), "{error}");
    act(&mut timeline, "remove redis-2").expect("it is there");
    let error = act(&mut timeline, "add redis-2").expect_err("it was there");
    assert!(error.contains("has left for good"), "{error}");
}

#[test]
fn a_world_has_a_bounded_number_of_nodes() {
    let mut timeline = timeline("redis 1\nsentinels 1\nnodes model\nstart empty\n");
    for number in 2..=64 {
        act(&mut timeline, &format!("add redis-{number} redis-1")).expect("there is room");
    }
    let error = act(&mut timeline, "add redis-65 redis-1").expect_err("64 are there");
    assert!(error.contains("at most 64"), "{error}");
    act(&mut timeline, "remove redis-7").expect("it is there");
    act(&mut timeline, "add redis-65 redis-1").expect("63 are there");
}

#[test]
fn a_new_sentinel_has_the_settings_of_the_others_and_its_own_name() {
    let text = "redis 2\nsentinels 3\nconfig sentinel-1 sentinel announce-port 26379\n";
    let mut timeline = timeline(text);
    act(&mut timeline, "run sentinels SENTINEL SET mymaster down-after-milliseconds 777").expect("sent");
    timeline.seek(timeline.now() + picket_sansio::Millis(500));
    act(&mut timeline, "add sentinel-7").expect("its number is free");
    timeline.seek(timeline.now() + picket_sansio::Millis(5_000));
    let world = timeline.world();
    let text = world.disk_text(world.find("sentinel-7").expect("it is there"));
    assert!(text.contains("down-after-milliseconds mymaster 777"), "{text}");
    assert!(!text.contains("announce-port"), "that was another's alone: {text}");
    let ids: std::collections::BTreeSet<String> =
        world.sentinels().filter_map(|node| world.sentinel(node)).map(|status| status.my_id).collect();
    assert_eq!(ids.len(), 4);
    let known = world.sentinels().filter_map(|node| world.sentinel(node));
    assert!(known.into_iter().all(|status| status.masters[0].peers.len() == 3), "{}", world.picture());
}

#[test]
fn the_calendar_of_a_sentinel_jumps_and_it_decides_nothing_by_it() {
    let mut timeline = timeline("redis 2\nsentinels 3\n");
    let start = timeline.now();
    let date = |timeline: &mut Timeline| -> i64 {
        act(timeline, "run sentinel-1 INFO server").expect("sent");
        timeline.seek(timeline.now() + picket_sansio::Millis(100));
        let answer = timeline.world().answers(0).next_back().expect("it was answered");
        let text = answer.result.as_ref().expect("a reply").as_str().expect("a text").to_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("server_time_usec:")).expect("it is told");
        line.parse::<i64>().expect("a number") - i64::try_from(timeline.now().0).expect("it is young")
    };
    let before = date(&mut timeline);
    act(&mut timeline, "clock sentinel-1 +3600000").expect("it has a clock");
    let after = date(&mut timeline);
    assert!((after - before - 3_600_000_000).abs() < 1_000_000, "{before} {after}");
    // Asleep it does not see it at once, and after its death it starts with it.
    act(&mut timeline, "freeze sentinel-1").expect("it runs");
    act(&mut timeline, "clock sentinel-1 -7200000").expect("it has a clock");
    act(&mut timeline, "kill sentinel-1").expect("it is there");
    act(&mut timeline, "start sentinel-1").expect("it is there");
    let restarted = date(&mut timeline);
    assert!((restarted - before + 3_600_000_000).abs() < 1_000_000, "{before} {restarted}");
    timeline.seek(timeline.now() + picket_sansio::Millis(20_000));
    assert_eq!(timeline.world().transcript().count(start, "+tilt"), 0);
    assert_eq!(timeline.world().transcript().count(start, "+odown"), 0);
}
