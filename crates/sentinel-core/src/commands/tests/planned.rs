//! SENTINEL FAILOVER with options, FORGET, RESET, and votes that are refused.

use super::*;
use crate::reason::RefusalReason;

#[test]
fn failover_says_which_option_makes_no_sense() {
    let mut world = World::new(FILE);
    for (options, text) in [
        ("SOMETIMES", "ERR Unknown failover option specified"),
        ("COORDINATED coordinated", "ERR Unknown failover option specified"),
        ("TO 127.0.0.1", "ERR syntax error"),
        ("TO 127.0.0.1 port", "ERR Invalid port"),
        ("TIMEOUT 10", "ERR TIMEOUT is for COORDINATED alone: nothing else is waited for"),
        ("COORDINATED TIMEOUT 0", "ERR FAILOVER timeout must be greater than 0"),
        ("COORDINATED TIMEOUT soon", "ERR value is not an integer or out of range"),
        ("to 127.0.0.1 6379", "NOGOODSLAVE 127.0.0.1:6379 is the master"),
        ("to 127.0.0.1 9", "NOGOODSLAVE 127.0.0.1:9 is no known replica of this master"),
        ("TO 127.0.0.1 6380", "NOGOODSLAVE No suitable replica to promote: 127.0.0.1:6380: disconnected"),
        ("COORDINATED", "NOGOODPRIMARY The master cannot hand over: there is no connection to it"),
        (
            "COORDINATED TIMEOUT 20001",
            "ERR TIMEOUT must be at most 20000: a master that holds back writes for longer would be taken for down \
             (down-after-milliseconds 30000)",
        ),
    ] {
        assert_eq!(
            world.ask_line(&format!("SENTINEL FAILOVER mymaster {options}")),
            error(text),
            "{options}"
        );
    }
    assert!(!world.events.iter().any(|event| matches!(event, Event::UserFailover { .. })));
}

#[test]
fn forget_takes_one_away_also_from_the_file() {
    let mut world = World::new(FILE);
    let forget = |kind: &str, id: &str| format!("SENTINEL FORGET mymaster {kind} {id}");
    let unknown = error("ERR No such replica or Sentinel of that master");
    assert_eq!(world.ask_line(&forget("CLIENT", PEER_ID)), error("ERR syntax error"));
    assert_eq!(world.ask_line(&forget("SENTINEL", CANDIDATE)), unknown);
    assert_eq!(world.ask_line(&forget("REPLICA", "127.0.0.1:1")), unknown);
    assert_eq!(world.ask_line(&forget("REPLICA", "nonsense")), unknown);
    let young = world.ask_line(&forget("SENTINEL", PEER_ID));
    assert!(format!("{young:?}").contains("was heard 0 ms ago"), "{young:?}");

    pass(&mut world, Time(13_000_000));
    assert_eq!(world.ask_line(&forget("sentinel", PEER_ID)), ok());
    assert_eq!(world.ask_line(&forget("replica", "[::1]:6381")), ok());
    assert_eq!(world.ask_line(&forget("replica", "[::1]:6381")), unknown);
    let text = world.text();
    assert!(!text.contains(PEER_ID) && !text.contains("::1"), "{text}");
    assert!(text.contains("sentinel known-replica mymaster 127.0.0.1 6380\n"), "{text}");
    let told: Vec<_> = world
        .events
        .iter()
        .filter(|event| matches!(event, Event::Forgotten { .. }))
        .map(Event::message)
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1], "Forgot slave [::1]:6381 ::1 6381 @ mymaster 127.0.0.1 6379, as an operator asked");
}

/// Lets time pass in which nobody answers.
fn pass(world: &mut World, until: Time) {
    while let Some(deadline) = world.sentinel.next_deadline().filter(|deadline| deadline.at <= until) {
        world.now = deadline.at;
        world.give(Input::Wake);
    }
    world.now = until;
}

#[test]
fn whom_reset_forgot_is_known_again_if_the_master_dies_at_once() {
    let mut world = World::new(&format!("{FILE}sentinel down-after-milliseconds mymaster 1000\n"));
    let known = |world: &mut World, what: &str| {
        let reply = world.ask_line(&format!("SENTINEL {what} mymaster"));
        reply.as_array().expect("an array").len()
    };
    assert_eq!(world.ask_line("SENTINEL RESET *"), Reply::Integer(1));
    assert_eq!(world.ask_line("SENTINEL RESET *"), Reply::Integer(1), "twice is once");
    assert_eq!((known(&mut world, "REPLICAS"), known(&mut world, "SENTINELS")), (0, 0));
    pass(&mut world, Time(1_500_000));
    assert!(world.events.iter().any(|event| event.channel() == Some("+sdown")));
    assert_eq!((known(&mut world, "REPLICAS"), known(&mut world, "SENTINELS")), (2, 1));
}

#[test]
fn a_refused_vote_is_told_once_and_a_flood_is_not() {
    let mut world = World::new(FILE);
    let ask = |world: &mut World, candidate: &str| {
        world.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "6379", "4", candidate]);
    };
    let told = |world: &World| {
        let refused = |event: &&Event| matches!(event, Event::VoteRefused { .. });
        world.events.iter().filter(refused).cloned().collect::<Vec<_>>()
    };
    for _ in 0..50 {
        ask(&mut world, CANDIDATE);
    }
    let [Event::VoteRefused { master, refused }] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert_eq!((master.as_str(), refused.candidate.as_str(), refused.epoch), ("mymaster", CANDIDATE, 4));
    assert_eq!(refused.why, RefusalReason::Voted { leader: None, epoch: 4 });
    assert_eq!(
        told(&world)[0].message(),
        format!("{CANDIDATE} is refused the vote of epoch 4: the vote of epoch 4 was given")
    );
    assert!(!told(&world)[0].is_published());

    for number in 0..200 {
        ask(&mut world, &format!("{number:040}"));
    }
    assert_eq!(told(&world).len(), 8, "so many and no more");
    pass(&mut world, Time(11_000_000));
    ask(&mut world, CANDIDATE);
    assert_eq!(told(&world).len(), 9);
}
