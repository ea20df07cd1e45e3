//! A Sentinel, or the replica that it promotes, dies in the middle of a failover.

mod common;

use common::{MASTER, drive, drive_switch, first, pass, settled};
use picket_sansio::Millis;
use picket_sim::{NodeId, Shape};

/// The leader is killed right after it said `moment`; the others finish.
#[track_caller]
fn check_leader(seed: u64, sentinels: usize, moment: &str, bound: u64) {
    let quorum = if sentinels == 3 { 2 } else { 3 };
    let shape = Shape { sentinels, quorum, ..Shape::default() };
    let mut cluster = settled(seed, &shape);
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    let since = cluster.world.now();
    cluster.world.kill(old);
    drive(&mut cluster, 5_000, moment, |cluster| cluster.world.transcript().count(since, moment) > 0);
    let leader = common::who(&cluster.world, since, moment);
    cluster.world.kill(leader);
    let took = drive_switch(&mut cluster, bound, 0, addr);
    println!("{sentinels} sentinels, seed {seed}, leader killed at {moment}: others switched {took} later");
    drive(&mut cluster, 15_000, "whole", |cluster| cluster.is_whole(0));
    // The dead leader comes back and takes over what the others made.
    cluster.world.restart(leader);
    cluster.world.restart(old);
    drive(&mut cluster, 15_000, "whole with the former leader", |cluster| {
        cluster.is_whole(0) && cluster.world.server(old).is_some_and(|server| !server.is_master)
    });
}

#[test]
fn the_others_finish_when_the_leader_dies() {
    for moment in [
        "+try-failover",
        "+elected-leader",
        "+failover-state-wait-promotion",
        "+promoted-slave",
        "+slave-reconf-sent",
        "+slave-reconf-inprog",
        "+switch-master",
    ] {
        for seed in 1..=4 {
            for sentinels in [3, 5] {
                check_leader(seed, sentinels, moment, 10_000);
            }
        }
    }
}

/// The replica that is promoted is killed right after the leader said `moment`.
#[track_caller]
fn check_replica(seed: u64, moment: &str, bound: u64) {
    let mut cluster = settled(seed, &Shape::default());
    let group = cluster.groups[0].clone();
    let old = group[0];
    let since = cluster.world.now();
    cluster.world.kill(old);
    drive(&mut cluster, 5_000, moment, |cluster| cluster.world.transcript().count(since, moment) > 0);
    let line =
        cluster.world.transcript().since(since).find(|entry| entry.text.starts_with("+selected-slave"));
    let chosen = line.expect("before the moment").text.clone();
    let is_chosen =
        |node: &&NodeId| chosen.contains(&format!("slave {}:6379 ", cluster.world.addr(**node).ip()));
    let chosen: NodeId = *group.iter().find(is_chosen).expect("one of the group");
    cluster.world.kill(chosen);
    let killed = cluster.world.now();
    let other = *group.iter().find(|node| **node != old && **node != chosen).expect("three servers");
    drive(&mut cluster, bound, "the other replica is master everywhere", |cluster| {
        cluster.agreed_master(MASTER) == Some(other)
    });
    println!(
        "seed {seed}, replica killed at {moment}: the other took over {} later",
        cluster.world.now().since(killed)
    );
    drive(&mut cluster, 15_000, "whole", |cluster| cluster.is_whole(0));
    for node in [old, chosen] {
        cluster.world.restart(node);
    }
    drive(&mut cluster, 15_000, "whole again", |cluster| {
        cluster.is_whole(0) && cluster.agreed_master(MASTER) == Some(other)
    });
}

#[test]
fn another_replica_is_promoted_when_the_chosen_one_dies() {
    for moment in ["+failover-state-wait-promotion", "+promoted-slave", "+switch-master"] {
        for seed in 1..=4 {
            check_replica(seed, moment, 15_000);
        }
    }
}

#[test]
fn with_all_replicas_down_nothing_is_promoted_until_one_is_back() {
    let mut cluster = settled(1, &Shape::default());
    let group = cluster.groups[0].clone();
    let addr = cluster.world.addr(group[0]);
    for replica in &group[1..] {
        cluster.world.kill(*replica);
    }
    pass(&mut cluster, 3_000);
    let since = cluster.world.now();
    cluster.world.kill(group[0]);
    pass(&mut cluster, 20_000);
    first(&cluster.world, since, "-failover-abort-no-good-slave");
    common::not_said(&cluster.world, since, "+switch-master");
    let tries = cluster.world.transcript().count(since, "+try-failover");
    assert!(tries <= 5, "{tries} elections although nobody can be promoted");
    cluster.world.restart(group[1]);
    let took = drive_switch(&mut cluster, 15_000, 0, addr);
    println!("switched {took} after a replica was back");
    drive(&mut cluster, 10_000, "whole", |cluster| cluster.is_whole(0));
    assert!(took <= Millis(5_000), "{took}");
}
