//! Wires that lose, and connections of which one side knows nothing any more.

use picket_sansio::Millis;
use picket_sim::{Action, Detail, Scenario, Timeline};

fn timeline(text: &str) -> Timeline {
    text.parse::<Scenario>().expect("a scenario").timeline(Detail::Arrivals).expect("it begins")
}

fn act(timeline: &mut Timeline, line: &str) {
    let action: Action = line.parse().expect("an action");
    timeline.inject(action).unwrap_or_else(|error| panic!("{line}: {error}"));
}

#[test]
fn what_is_lost_is_sent_again_later_and_later() {
    let mut timeline = timeline("redis 2\nsentinels 3\nwriter 10ms\ndown-after 30s\n");
    let since = timeline.now();
    act(&mut timeline, "loss 50%");
    timeline.seek(since + Millis(20_000));
    let (mut counts, mut usual) = ([0_u32; 10], 0);
    for message in timeline.world().arrived(since) {
        let took = message.arrives.expect("it arrived").since(message.sent).0;
        let waited = 200 * ((1 << message.lost) - 1);
        assert!(took >= waited, "lost {} times and there after {took} ms", message.lost);
        usual += u32::from(message.lost == 0);
        counts[message.lost as usize] += 1;
    }
    // Half of them each time, roughly.
    assert!(counts[1] > usual / 4 && counts[1] < usual, "{counts:?}");
    assert!(counts[2] > 0 && counts[2] < counts[1], "{counts:?}");
    // Nothing is lost any more: what is sent from now on takes its usual time.
    act(&mut timeline, "loss 0%");
    let since = timeline.now();
    timeline.seek(since + Millis(60_000));
    let sent = timeline.world().arrived(since).filter(|message| message.sent >= since);
    assert!(sent.into_iter().all(|message| message.lost == 0));
}

#[test]
fn the_loss_of_one_wire_is_its_own() {
    let mut timeline = timeline("redis 2\nsentinels 3\n");
    let since = timeline.now();
    act(&mut timeline, "loss sentinel-1 redis-1 50%");
    timeline.seek(since + Millis(20_000));
    let world = timeline.world();
    let pair = [world.find("sentinel-1").expect("there"), world.find("redis-1").expect("there")];
    let lost: Vec<_> = world.arrived(since).filter(|message| message.lost > 0).collect();
    assert!(lost.len() > 10, "{}", lost.len());
    assert!(lost.iter().all(|message| pair.contains(&message.from) && pair.contains(&message.to)));
}

#[test]
fn a_replica_that_lost_its_end_is_there_twice_until_the_master_sends_something() {
    let mut timeline = timeline("redis 2\nsentinels 0\nconfig redis repl-ping-replica-period 3\n");
    let replicas = |timeline: &Timeline| {
        let world = timeline.world();
        world.data_node(world.find("redis-1").expect("there")).expect("it runs").side.replicas.len()
    };
    assert_eq!(replicas(&timeline), 1);
    act(&mut timeline, "half-open redis-2 redis-1");
    let twice = timeline.run_until(Millis(1_000), |world| {
        let status = world.data_node(world.find("redis-1").expect("there")).expect("it runs");
        status.side.replicas.len() == 2
    });
    assert!(twice.is_ok(), "{twice:?}: {}", replicas(&timeline));
    timeline.seek(timeline.now() + Millis(5_000));
    assert_eq!(replicas(&timeline), 1, "its ping met nobody on the old connection");
    assert!(
        timeline
            .world()
            .transcript()
            .since(timeline.beginning())
            .any(|entry| { entry.text.starts_with("Connection with replica 10.0.1.2:6379 lost") })
    );
}

#[test]
fn a_wire_is_slow_one_way_or_both() {
    let mut timeline = timeline("redis 2\nsentinels 1\n");
    act(&mut timeline, "latency redis-1 -> redis-2 100ms");
    let world = timeline.world();
    let (master, replica) = (world.find("redis-1").expect("a node"), world.find("redis-2").expect("a node"));
    let slow = |timeline: &Timeline| -> Vec<_> {
        timeline.world().latencies().map(|(from, to, latency)| (from, to, latency.to_us / 1_000)).collect()
    };
    assert_eq!(slow(&timeline), [(master, replica, 100)]);
    let took = |timeline: &mut Timeline, from, to| {
        let since = timeline.now() + Millis(200);
        timeline.seek(since + Millis(5_000));
        let arrived = timeline.world().arrived(since);
        let sent = arrived.into_iter().filter(|message| message.sent >= since);
        let between = sent.filter(|message| (message.from, message.to) == (from, to));
        let took: Vec<u64> =
            between.map(|message| message.arrives.expect("it arrived").since(message.sent).0).collect();
        assert!(!took.is_empty());
        (took.iter().copied().min().unwrap_or(0), took.iter().copied().max().unwrap_or(0))
    };
    assert_eq!(took(&mut timeline, master, replica), (100, 100));
    assert!(took(&mut timeline, replica, master).1 < 10);
    act(&mut timeline, "latency redis-2 redis-1 50ms");
    assert_eq!(slow(&timeline), [(master, replica, 50), (replica, master, 50)]);
    assert_eq!(took(&mut timeline, replica, master), (50, 50));
    assert_eq!(
        timeline.deeds().last().map(|deed| deed.action.to_string()).as_deref(),
        Some("latency redis-2 redis-1 50ms")
    );
}

#[test]
fn what_a_node_is_asked_is_bounded() {
    let mut timeline = timeline("redis 2\nsentinels 1\n");
    let action: Action = "run redis-1 SETRANGE k 500000000 x".parse().expect("an action");
    let error = timeline.inject(action).expect_err("that is too much").to_string();
    assert!(error.starts_with("SETRANGE with such arguments"), "{error}");
    assert_eq!(timeline.deeds().len(), 0);
}
