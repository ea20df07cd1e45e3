//! Operators interfere: they fail over by hand through several Sentinels at once and beside an automatic
//! failover, forget and re-learn masters, and disturb a failover in each of its states.

mod common;

use common::{MASTER, ask, drive, fail, pass, settled};
use picket_resp::Reply;
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, DiskFault, Fact, Latency, NodeId, Part, Shape, Ways};

const FAILOVER: [&str; 3] = ["SENTINEL", "FAILOVER", MASTER];

/// From here on one configuration must win everywhere within `span`, and stay.
#[track_caller]
fn one_configuration_wins(cluster: &mut Cluster, span: u64, why: &str) {
    let agree = |cluster: &Cluster| {
        let configuration = |sentinel: &NodeId| {
            let status = cluster.world.sentinel(*sentinel).expect("runs");
            (status.masters[0].config_epoch, status.masters[0].server.addr.ip)
        };
        let all: Vec<_> = cluster.sentinels.iter().map(configuration).collect();
        all.windows(2).all(|pair| pair[0] == pair[1]) && cluster.is_whole(0)
    };
    drive(cluster, span, why, agree);
    pass(cluster, 15_000);
    if !agree(cluster) {
        let picture = cluster.picture();
        fail(&cluster.world, &format!("{why}: it did not stay so\n{picture}"));
    }
}

/// What a Sentinel's failover of the master is doing.
fn state(cluster: &Cluster, sentinel: NodeId) -> &'static str {
    cluster.world.sentinel(sentinel).map_or("", |status| status.masters[0].failover_state)
}

#[test]
fn two_failovers_by_hand_at_once_end_in_one_configuration() {
    for seed in 1..=10 {
        let mut cluster = settled(seed, &Shape { replicas: 3, ..Shape::default() });
        let (a, b) = (cluster.sentinels[0], cluster.sentinels[1]);
        // Slow disks keep both candidacies open while the other begins.
        for node in [a, b] {
            cluster.world.set_disk_latency(node, Latency::exactly(Millis(seed * 20)));
        }
        assert_eq!(ask(&mut cluster, a, &FAILOVER), Reply::ok());
        ask(&mut cluster, b, &FAILOVER);
        one_configuration_wins(&mut cluster, 30_000, &format!("one configuration, seed {seed}"));
        let master = cluster.agreed_master(MASTER).expect("agreed");
        assert_ne!(master, cluster.groups[0][0], "seed {seed}: somebody failed over");
    }
}

/// The two do not reach the same replicas, so each would promote another one.
#[test]
fn two_failovers_by_hand_with_different_replicas_end_in_one_configuration() {
    for seed in 1..=10 {
        let mut cluster = settled(seed, &Shape { replicas: 3, ..Shape::default() });
        let group = cluster.groups[0].clone();
        let (a, b) = (cluster.sentinels[0], cluster.sentinels[1]);
        for (sentinel, replica) in [(a, 1), (a, 3), (b, 2), (b, 3)] {
            cluster.world.cut(sentinel, group[replica], Ways::Both);
        }
        pass(&mut cluster, 3_000);
        for node in [a, b] {
            cluster.world.set_disk_latency(node, Latency::exactly(Millis(100)));
        }
        ask(&mut cluster, a, &FAILOVER);
        ask(&mut cluster, b, &FAILOVER);
        pass(&mut cluster, 1_000);
        cluster.world.heal();
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// No Sentinel hears another: each leads on its operator's word, and there is no majority to prevent it.
/// Once they hear each other again, one configuration is left.
#[test]
fn failovers_by_hand_without_any_majority_are_settled_when_the_wires_are_mended() {
    for seed in 1..=6 {
        let mut cluster = settled(seed, &Shape { replicas: 3, ..Shape::default() });
        let (sentinels, group) = (cluster.sentinels.clone(), cluster.groups[0].clone());
        for (index, sentinel) in sentinels.iter().enumerate() {
            for other in &sentinels[index + 1..] {
                cluster.world.cut(*sentinel, *other, Ways::Both);
            }
            // They do not hear each other over the servers either.
            for (number, server) in group.iter().enumerate() {
                if number != index + 1 {
                    cluster.world.cut(*sentinel, *server, Ways::Both);
                }
            }
        }
        pass(&mut cluster, 600);
        let since = cluster.world.now();
        for sentinel in &sentinels[..2] {
            assert_eq!(ask(&mut cluster, *sentinel, &FAILOVER), Reply::ok(), "seed {seed}");
        }
        pass(&mut cluster, 15_000);
        assert_eq!(cluster.world.transcript().count(since, "+elected-leader"), 2, "seed {seed}");
        cluster.world.heal();
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// Two configurations of an epoch meet, and whoever has the highest id does not reach its master, so that it settles
/// nothing. Of the others no two must do it at the same time, in one epoch.
#[test]
fn no_two_settle_an_epoch_at_once_when_the_highest_does_not() {
    for seed in 1..=20 {
        let shape = Shape { sentinels: 5, replicas: 3, quorum: 3, ..Shape::default() };
        let mut cluster = settled(seed, &shape);
        let group = cluster.groups[0].clone();
        let mut by_id: Vec<(String, NodeId)> = Vec::new();
        for node in cluster.sentinels.clone() {
            let id = ask(&mut cluster, node, &["SENTINEL", "MYID"]);
            by_id.push((id.as_str().expect("an id").to_string(), node));
        }
        by_id.sort_by(|a, b| b.cmp(a));
        let (highest, third) = (by_id[0].1, by_id[2].1);
        cluster.world.partition(&[highest, third, group[0], group[1]]);
        pass(&mut cluster, 300 + seed * 7);
        assert_eq!(ask(&mut cluster, third, &FAILOVER), Reply::ok(), "seed {seed}");
        pass(&mut cluster, 20_000);
        let nodes: Vec<NodeId> = cluster.world.nodes().collect();
        for (index, a) in nodes.iter().enumerate() {
            for b in &nodes[index + 1..] {
                cluster.world.set_latency(*a, *b, Ways::Both, Latency { from_us: 20_000, to_us: 60_000 });
            }
        }
        cluster.world.heal();
        cluster.world.cut(highest, group[1], Ways::Both);
        let since = cluster.world.now();
        pass(&mut cluster, 30_000);
        assert_eq!(cluster.world.transcript().count(since, "+vote-for-leader"), 1, "seed {seed}");
        cluster.world.heal();
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// The master dies and an operator is as quick as the Sentinels.
#[test]
fn a_failover_by_hand_beside_an_automatic_one_ends_in_one_configuration() {
    for seed in 1..=20 {
        let mut cluster = settled(seed, &Shape { replicas: 2, ..Shape::default() });
        let sentinel = cluster.sentinels[seed as usize % 3];
        for node in cluster.sentinels.clone() {
            cluster.world.set_disk_latency(node, Latency { from_us: 1_000, to_us: 60_000 });
        }
        cluster.world.kill(cluster.groups[0][0]);
        pass(&mut cluster, 980 + seed * 5);
        ask(&mut cluster, sentinel, &FAILOVER);
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// It comes back after a failover with the configuration before that, and is told to fail over at once.
#[test]
fn a_sentinel_that_missed_a_failover_makes_no_second_configuration_of_its_epoch() {
    for seed in 1..=30 {
        let mut cluster = settled(seed, &Shape { replicas: 2, ..Shape::default() });
        let missed = cluster.sentinels[2];
        cluster.world.kill(missed);
        let old = cluster.groups[0][0];
        let addr = cluster.world.addr(old);
        cluster.world.kill(old);
        common::drive_switch(&mut cluster, 8_000, 0, addr);
        cluster.world.restart(old);
        drive(&mut cluster, 10_000, "whole", |cluster| cluster.is_whole(0));
        cluster.world.restart(missed);
        let since = cluster.world.now();
        // As soon as it knows a replica well enough.
        let mut replies = 0;
        while ask(&mut cluster, missed, &FAILOVER) != Reply::ok() {
            pass(&mut cluster, 2);
            replies += 1;
            assert!(replies < 3_000, "seed {seed}");
        }
        common::first(&cluster.world, since, "+try-failover");
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// A majority of disks is full, so that nobody can vote: the operator's word counts, as in the reference.
#[test]
fn a_failover_by_hand_goes_through_although_the_voters_disks_are_full() {
    let mut cluster = settled(1, &Shape::default());
    let sentinels = cluster.sentinels.clone();
    for sentinel in &sentinels[1..] {
        cluster.world.set_disk_fault(*sentinel, DiskFault::Full);
    }
    let addr = cluster.world.addr(cluster.groups[0][0]);
    assert_eq!(ask(&mut cluster, sentinels[0], &FAILOVER), Reply::ok());
    common::drive_switch(&mut cluster, 8_000, 0, addr);
    one_configuration_wins(&mut cluster, 10_000, "one configuration");
}

/// Failovers by hand again and again, through whoever answers.
#[test]
fn many_failovers_by_hand_leave_one_configuration() {
    for seed in 1..=4 {
        let mut cluster = settled(seed, &Shape { sentinels: 5, quorum: 3, replicas: 3, ..Shape::default() });
        for round in 0..20 {
            let sentinel = cluster.sentinels[(seed as usize + round * 3) % 5];
            ask(&mut cluster, sentinel, &FAILOVER);
            pass(&mut cluster, [1, 7, 40, 300, 2_500][round % 5]);
        }
        one_configuration_wins(&mut cluster, 60_000, &format!("one configuration, seed {seed}"));
    }
}

/// A disturbance of whoever leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    Reset,
    Remove,
    Tilt,
    Kill,
}

/// The states in which a failover can be met between two events. (Whoever is chosen has a connection, so
/// `send_slaveof_noone` is left at once.)
const STATES: [&str; 4] = ["wait_start", "select_slave", "wait_promotion", "reconf_slaves"];

/// RESET, REMOVE, TILT and death of the leader in each state of a failover, by hand or automatic: nobody
/// panics, and in the end all is well.
#[test]
fn a_failover_disturbed_in_any_state_is_recovered_from() {
    for by_hand in [false, true] {
        for wanted in STATES {
            for disturbance in [Disturbance::Reset, Disturbance::Remove, Disturbance::Tilt, Disturbance::Kill]
            {
                for seed in 1..=2 {
                    disturb(seed, by_hand, wanted, disturbance);
                }
            }
        }
    }
}

#[track_caller]
fn disturb(seed: u64, by_hand: bool, wanted: &str, disturbance: Disturbance) {
    let case = format!("{disturbance:?} in {wanted}, by hand {by_hand}, seed {seed}");
    let shape = Shape { replicas: 2, sync_time: Millis(300), ..Shape::default() };
    let mut cluster = settled(seed, &shape);
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    for sentinel in cluster.sentinels.clone() {
        // Fresh facts take longer than votes, and votes longer than the reply to the operator.
        cluster.world.set_latency(sentinel, cluster.groups[0][2], Ways::Both, Latency::exactly(Millis(60)));
        cluster.world.set_disk_latency(sentinel, Latency::exactly(Millis(20)));
    }
    if by_hand {
        let sentinel = cluster.sentinels[1];
        ask(&mut cluster, sentinel, &FAILOVER);
    } else {
        cluster.world.kill(old);
    }
    let met = |cluster: &Cluster| {
        cluster.sentinels.iter().copied().find(|sentinel| state(cluster, *sentinel) == wanted)
    };
    drive(&mut cluster, 10_000, &case, |cluster| met(cluster).is_some());
    let leader = met(&cluster).expect("just met");
    let disturbed = cluster.world.now();
    match disturbance {
        Disturbance::Reset => {
            assert_eq!(
                ask(&mut cluster, leader, &["SENTINEL", "RESET", MASTER]),
                Reply::Integer(1),
                "{case}"
            );
        }
        Disturbance::Remove => {
            assert_eq!(ask(&mut cluster, leader, &["SENTINEL", "REMOVE", MASTER]), Reply::ok(), "{case}");
        }
        Disturbance::Tilt => {
            cluster.world.freeze(leader);
            pass(&mut cluster, 3_000);
            cluster.world.thaw(leader);
        }
        Disturbance::Kill => {
            cluster.world.kill(leader);
            pass(&mut cluster, 500);
            cluster.world.restart(leader);
        }
    }
    pass(&mut cluster, 10_000);
    if disturbance == Disturbance::Tilt {
        let said = cluster.world.transcript().find(disturbed, leader, "+tilt");
        assert!(said.is_some(), "{case}");
    }
    if disturbance == Disturbance::Remove {
        // The operator has it watched again, at the address that the others name.
        let ip = cluster
            .sentinels
            .iter()
            .filter(|sentinel| **sentinel != leader)
            .find_map(|sentinel| cluster.master_seen_by(*sentinel, MASTER))
            .expect("the others know it")
            .ip()
            .to_string();
        let monitor = ["SENTINEL", "MONITOR", MASTER, &ip, "6379", "2"];
        assert_eq!(ask(&mut cluster, leader, &monitor), Reply::ok(), "{case}");
        for (option, value) in [("down-after-milliseconds", "1000"), ("failover-timeout", "10000")] {
            ask(&mut cluster, leader, &["SENTINEL", "SET", MASTER, option, value]);
        }
    }
    cluster.world.restart(old);
    one_configuration_wins(&mut cluster, 90_000, &case);
    if !by_hand {
        let now = cluster.agreed_master(MASTER).expect("agreed");
        assert_ne!(cluster.world.addr(now), addr, "{case}: nobody failed over");
    }
}

/// The same while a master hands over to a replica that is frozen: the master neither goes on alone nor holds
/// back writes for ever.
#[test]
fn a_handover_disturbed_is_recovered_from() {
    for disturbance in [Disturbance::Reset, Disturbance::Remove, Disturbance::Tilt, Disturbance::Kill] {
        for (seed, thaws) in [(1, false), (2, true), (3, false)] {
            disturb_handover(seed, disturbance, thaws);
        }
    }
}

#[track_caller]
fn disturb_handover(seed: u64, disturbance: Disturbance, thaws: bool) {
    let case = format!("{disturbance:?} while the master hands over, seed {seed}, thaws {thaws}");
    let mut cluster = settled(seed, &Shape { replicas: 2, real_nodes: true, ..Shape::default() });
    let (leader, target) = (cluster.sentinels[1], cluster.groups[0][1]);
    let ip = |cluster: &Cluster, node| cluster.world.addr(node).ip().to_string();
    let to = ip(&cluster, target);
    cluster.world.freeze(target);
    let order = ["SENTINEL", "FAILOVER", MASTER, "COORDINATED", "TO", &to, "6379"];
    assert_eq!(ask(&mut cluster, leader, &order), Reply::ok(), "{case}");
    drive(&mut cluster, 1_000, &case, |cluster| state(cluster, leader) == "wait_promotion");
    pass(&mut cluster, 20);
    match disturbance {
        Disturbance::Reset => {
            ask(&mut cluster, leader, &["SENTINEL", "RESET", MASTER]);
        }
        Disturbance::Remove => {
            ask(&mut cluster, leader, &["SENTINEL", "REMOVE", MASTER]);
        }
        Disturbance::Tilt => {
            cluster.world.freeze(leader);
            pass(&mut cluster, 3_000);
            cluster.world.thaw(leader);
        }
        Disturbance::Kill => {
            cluster.world.kill(leader);
            pass(&mut cluster, 500);
            cluster.world.restart(leader);
        }
    }
    if thaws {
        cluster.world.thaw(target);
    }
    // Whoever is named takes writes; where the leader died, the others learn of it with the next INFO.
    let serving = |cluster: &Cluster| {
        let named = cluster.master_seen_by(cluster.sentinels[0], MASTER)?;
        let node = cluster.groups[0].iter().copied().find(|node| cluster.world.addr(*node) == named)?;
        let is_master = Fact::Role(cluster.world.name(node).to_owned(), Part::Master);
        is_master.holds(&cluster.world, Time(0)).then_some(node)
    };
    pass(&mut cluster, 2_000);
    let span = if disturbance == Disturbance::Kill { 15_000 } else { 100 };
    drive(&mut cluster, span, &case, |cluster| serving(cluster).is_some());
    let serving = serving(&cluster).expect("just found");
    assert_eq!(ask(&mut cluster, serving, &["SET", "key", "value"]), Reply::ok(), "{case}");
    cluster.world.thaw(target);
    if disturbance == Disturbance::Remove {
        let now = ip(&cluster, serving);
        let monitor = ["SENTINEL", "MONITOR", MASTER, &now, "6379", "2"];
        assert_eq!(ask(&mut cluster, leader, &monitor), Reply::ok(), "{case}");
        ask(&mut cluster, leader, &["SENTINEL", "SET", MASTER, "down-after-milliseconds", "1000"]);
    }
    one_configuration_wins(&mut cluster, 90_000, &case);
}

/// The connection over which the master was told to hand over is cut: nobody knows whether it was heard, and
/// what the servers say afterwards decides (valkey#4066).
#[test]
fn a_handover_goes_on_although_its_connection_is_cut() {
    for seed in 1..=6 {
        let mut cluster = settled(seed, &Shape { replicas: 2, real_nodes: true, ..Shape::default() });
        let (leader, master) = (cluster.sentinels[0], cluster.groups[0][0]);
        let order = ["SENTINEL", "FAILOVER", MASTER, "COORDINATED"];
        assert_eq!(ask(&mut cluster, leader, &order), Reply::ok(), "seed {seed}");
        drive(&mut cluster, 1_000, "asked", |cluster| state(cluster, leader) == "wait_promotion");
        let started = cluster.world.now();
        while cluster.world.now() < started + Millis(seed) {
            cluster.world.step();
        }
        cluster.world.reset_connections(leader, master);
        one_configuration_wins(&mut cluster, 30_000, &format!("one configuration, seed {seed}"));
        let transcript = cluster.world.transcript();
        let (switched, given_up) = (
            transcript.count(started, "+switch-master"),
            transcript.count(started, "-failover-abort-master"),
        );
        assert!(switched == 3 || given_up == 1, "seed {seed}: {switched} switched, {given_up} given up");
        assert_eq!(transcript.count(started, "+odown"), 0, "seed {seed}");
    }
}

/// Watching a master anew gives no second vote in an epoch in which this Sentinel has voted about it.
#[test]
fn a_master_watched_anew_gets_no_second_vote_in_an_epoch() {
    let mut cluster = settled(1, &Shape::default());
    let (sentinel, master) = (cluster.sentinels[0], cluster.groups[0][0]);
    let ip = cluster.world.addr(master).ip().to_string();
    let vote = |candidate: char| -> [String; 6] {
        let candidate = candidate.to_string().repeat(40);
        ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", &ip, "6379", "7", &candidate].map(str::to_string)
    };
    let mut say = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        ask(&mut cluster, sentinel, &words)
    };
    let first = say(&vote('2'));
    let chosen = |reply: &Reply| reply.as_array().and_then(|items| items[1].as_str().map(str::to_string));
    assert_eq!(chosen(&first), Some("2".repeat(40)));
    say(&["SENTINEL", "REMOVE", MASTER].map(str::to_string));
    say(&["SENTINEL", "MONITOR", MASTER, &ip, "6379", "2"].map(str::to_string));
    let second = say(&vote('3'));
    assert_ne!(chosen(&second), Some("3".repeat(40)), "a second vote in epoch 7");
    assert!(cluster.world.transcript().count(Time(0), "+vote-for-leader") == 1);
}
