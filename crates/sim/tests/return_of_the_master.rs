//! The former master comes back: it takes writes that will all be lost, so it is told soon; but not
//! before it is certain that it was replaced.

mod common;

use common::{MASTER, drive, drive_switch, fail, pass, settled};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, NodeId, Shape};

fn replaced(seed: u64, shape: &Shape, end: impl FnOnce(&mut Cluster, NodeId)) -> (Cluster, NodeId) {
    let mut cluster = settled(seed, shape);
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    end(&mut cluster, old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    (cluster, old)
}

/// When the server last said that it follows somebody.
#[track_caller]
fn demoted(cluster: &mut Cluster, old: NodeId, since: Time) -> Time {
    drive(cluster, 10_000, "demoted", |cluster| {
        cluster.world.server(old).is_some_and(|server| !server.is_master)
    });
    cluster.world.transcript().find(since, old, "follows").expect("it said so").at
}

#[test]
fn a_former_master_is_demoted_within_300_ms_of_its_first_answer() {
    for seed in 1..=10 {
        for away in [200, 5_000, 40_000] {
            let (mut cluster, old) =
                replaced(seed, &Shape::default(), |cluster, master| cluster.world.kill(master));
            pass(&mut cluster, away);
            let back = cluster.world.now();
            cluster.world.restart(old);
            let demoted = demoted(&mut cluster, old, back);
            let world = &cluster.world;
            // INFO may be answered before PING.
            let answers = ["-sdown slave 10.0.1.1:6379", "+convert-to-slave slave 10.0.1.1:6379"];
            let lines = world.transcript().since(back);
            let answered = lines
                .filter(|entry| answers.iter().any(|line| entry.text.starts_with(line)))
                .map(|entry| entry.at)
                .min();
            let answered = answered.expect("it answered before it was told");
            let took = demoted.since(answered);
            if demoted > answered + Millis(300) {
                fail(
                    &cluster.world,
                    &format!("seed {seed}, {away} ms away: demoted {took} after its first answer"),
                );
            }
            assert!(
                demoted.since(back) <= Millis(600),
                "seed {seed}: reached {} after its return",
                demoted.since(back)
            );
            drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
        }
    }
}

#[test]
fn a_former_master_that_was_frozen_is_demoted_within_300_ms() {
    for seed in 1..=5 {
        let (mut cluster, old) =
            replaced(seed, &Shape::default(), |cluster, master| cluster.world.freeze(master));
        pass(&mut cluster, 4_000);
        let back = cluster.world.now();
        cluster.world.thaw(old);
        let demoted = demoted(&mut cluster, old, back);
        assert!(demoted.since(back) <= Millis(300), "seed {seed}: {}", demoted.since(back));
    }
}

#[test]
fn a_former_master_that_does_not_answer_is_not_told_again_and_again() {
    for seed in 1..=3 {
        let (mut cluster, _) =
            replaced(seed, &Shape::default(), |cluster, master| cluster.world.freeze(master));
        let since = cluster.world.now();
        pass(&mut cluster, 60_000);
        let told = cluster.world.transcript().count(since, "+convert-to-slave");
        assert!(told <= 3, "seed {seed}: told {told} times in a minute, although it is frozen");
    }
}

#[test]
fn a_former_master_is_left_alone_while_the_new_configuration_is_not_confirmed() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let since = cluster.world.now();
    cluster.world.kill(old);
    drive(&mut cluster, 5_000, "promoted", |cluster| {
        cluster.world.transcript().count(since, "+promoted-slave") > 0
    });
    let leader = common::who(&cluster.world, since, "+promoted-slave");
    let others: Vec<NodeId> =
        cluster.sentinels.iter().copied().filter(|sentinel| *sentinel != leader).collect();
    for other in &others {
        cluster.world.freeze(*other);
    }
    let back = cluster.world.now();
    cluster.world.restart(old);
    // The reference's own patience with a replica that calls itself master is eight seconds.
    pass(&mut cluster, 6_000);
    assert!(
        cluster.world.server(old).expect("a server").is_master,
        "only one of three knew of the new master"
    );
    common::not_said(&cluster.world, back, "+convert-to-slave");
    let heard = cluster.world.now();
    cluster.world.thaw(others[0]);
    let demoted = demoted(&mut cluster, old, heard);
    assert!(demoted.since(heard) <= Millis(500), "{} after the second one knew", demoted.since(heard));
    let why =
        cluster.world.transcript().find(heard, leader, "+convert-to-slave").expect("the leader told it");
    assert!(why.text.contains(cluster.world.name(others[0])), "{}", why.text);
}

#[test]
fn the_old_master_on_the_smaller_side_of_a_partition_loses_only_what_it_took_alone() {
    for seed in 1..=5 {
        let mut cluster = settled(seed, &Shape::default());
        let old = cluster.groups[0][0];
        let addr = cluster.world.addr(old);
        let (left, right) = (cluster.sentinels[0], [cluster.sentinels[1], cluster.sentinels[2]]);
        let inside = cluster.world.add_writer(MASTER, &[left], Millis(20));
        let outside = cluster.world.add_writer(MASTER, &right, Millis(20));
        pass(&mut cluster, 2_000);
        let cut = cluster.world.now();
        cluster.world.partition(&[old, left, inside]);
        drive(&mut cluster, 5_000, "switched on the larger side", |cluster| {
            right.iter().all(|sentinel| cluster.master_seen_by(*sentinel, MASTER) != Some(addr))
        });
        pass(&mut cluster, 3_000);
        assert_eq!(cluster.master_seen_by(left, MASTER), Some(addr), "the smaller side changes nothing");
        let healed = cluster.world.now();
        cluster.world.heal();
        drive(&mut cluster, 10_000, "whole", |cluster| cluster.is_whole(0));
        let took = cluster.world.now().since(healed);
        assert!(took <= Millis(2_500), "seed {seed}: whole again after {took}");
        let data =
            cluster.world.server(cluster.agreed_master(MASTER).expect("whole")).expect("a server").data;
        let lost = |writer, until: Time| {
            let report = cluster.world.writer(writer).expect("a writer");
            let lost: Vec<Time> =
                report.acknowledged.iter().filter(|(n, _)| !data.contains(n)).map(|(_, at)| *at).collect();
            assert!(lost.iter().all(|at| *at + Millis(10) >= cut && *at <= until), "seed {seed}: {lost:?}");
            lost.len()
        };
        assert!(lost(inside, cluster.world.now()) > 50, "seed {seed}: the smaller side took writes");
        assert!(lost(outside, cut + Millis(1_100)) <= 60, "seed {seed}");
    }
}

/// A former master may have been made master again by a newer configuration that we have not heard of:
/// what the others confirmed long ago does not count.
#[test]
fn old_confirmations_do_not_count() {
    let (mut cluster, old) = replaced(1, &Shape::default(), |cluster, master| cluster.world.kill(master));
    pass(&mut cluster, 5_000);
    let [blind, b, c] = cluster.sentinels[..] else { panic!("three") };
    let data: Vec<NodeId> = cluster.groups[0].clone();
    // One Sentinel sees the data servers, but for the former master, and nobody tells it anything.
    for other in [b, c] {
        cluster.world.kill(other);
    }
    cluster.world.cut(blind, old, picket_sim::Ways::Both);
    pass(&mut cluster, 6_000);
    let back = cluster.world.now();
    cluster.world.restart(old);
    cluster.world.heal();
    pass(&mut cluster, 3_000);
    common::not_said(&cluster.world, back, "+convert-to-slave");
    // After the reference's eight seconds it is converted all the same.
    drive(&mut cluster, 10_000, "demoted", |cluster| {
        cluster.world.server(old).is_some_and(|server| !server.is_master)
    });
    assert_eq!(data.len(), 3);
}
