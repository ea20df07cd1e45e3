//! Which replica is promoted, and how the others follow.

mod common;

use common::{MASTER, drive, drive_switch, fail, pass, settled};
use picket_sansio::Millis;
use picket_sim::{Answering, Cluster, NodeId, NodeKind, Shape, Ways};

fn shape() -> Shape {
    Shape { replicas: 3, ..Shape::default() }
}

/// Kills the master and answers who took its place.
#[track_caller]
fn successor(cluster: &mut Cluster) -> NodeId {
    let master = cluster.groups[0][0];
    cluster.world.kill(master);
    let addr = cluster.world.addr(master);
    drive_switch(cluster, 15_000, 0, addr);
    cluster.agreed_master(MASTER).expect("just switched")
}

#[test]
fn the_lowest_priority_number_wins() {
    for winner in 1..=3 {
        let mut cluster = settled(1, &shape());
        let group = cluster.groups[0].clone();
        cluster.world.set_priority(group[winner], 10);
        assert_eq!(successor(&mut cluster), group[winner]);
    }
}

#[test]
fn priority_zero_is_never_promoted() {
    let mut cluster = settled(1, &shape());
    let group = cluster.groups[0].clone();
    cluster.world.set_priority(group[1], 0);
    cluster.world.set_priority(group[2], 0);
    assert_eq!(successor(&mut cluster), group[3]);
    let second = group[3];
    cluster.world.kill(second);
    pass(&mut cluster, 20_000);
    assert_eq!(cluster.agreed_master(MASTER), Some(second), "only replicas with priority 0 are left");
}

/// The replica with the most data wins, as of now and not as of the last INFO.
#[test]
fn the_highest_offset_wins() {
    for winner in 1..=3 {
        let mut cluster = settled(1, &shape());
        let group = cluster.groups[0].clone();
        let sentinels = cluster.sentinels.clone();
        cluster.world.add_writer(MASTER, &sentinels, Millis(5));
        pass(&mut cluster, 1_000);
        for replica in group[1..].iter().filter(|node| **node != group[winner]) {
            cluster.world.cut(group[0], *replica, Ways::OneWay);
        }
        // Less than an INFO period, so that old figures would mislead.
        pass(&mut cluster, 300);
        assert_eq!(successor(&mut cluster), group[winner]);
    }
}

#[test]
fn the_smallest_run_id_wins_among_equals() {
    for seed in 1..=5 {
        let mut cluster = settled(seed, &shape());
        let group = cluster.groups[0].clone();
        let run_id = |node: &NodeId| cluster.world.server(*node).expect("a server").run_id;
        let offsets: Vec<u64> =
            group[1..].iter().map(|node| cluster.world.server(*node).expect("one").offset).collect();
        if offsets.iter().any(|offset| *offset != offsets[0]) {
            continue;
        }
        let expected = group[1..].iter().copied().min_by_key(run_id).expect("three");
        assert_eq!(successor(&mut cluster), expected, "seed {seed}");
    }
}

#[test]
fn a_replica_that_refuses_to_be_promoted_is_passed_over_in_the_end() {
    let mut cluster = settled(1, &shape());
    let group = cluster.groups[0].clone();
    cluster.world.set_priority(group[1], 1);
    cluster.world.set_answering(group[1], Answering::RefusingSlaveof);
    let took_its_place = successor(&mut cluster);
    assert_ne!(took_its_place, group[1]);
    cluster.world.set_answering(group[1], Answering::Normally);
    drive(&mut cluster, 30_000, "whole", |cluster| cluster.is_whole(0));
}

/// How many replicas are taking the new master's data at this moment.
fn synchronising(cluster: &Cluster) -> usize {
    let group = &cluster.groups[0];
    let old = cluster.world.addr(group[0]);
    let servers = group[1..].iter().filter_map(|node| cluster.world.server(*node));
    servers.filter(|server| !server.link_up && server.follows.is_some_and(|master| master != old)).count()
}

#[test]
fn parallel_syncs_is_the_limit_and_is_used() {
    for parallel_syncs in [1, 2, 5] {
        for freeze in [false, true] {
            let shape = Shape { replicas: 4, parallel_syncs, sync_time: Millis(1_000), ..Shape::default() };
            let mut cluster = settled(1, &shape);
            // Longer than failover-timeout, after which whoever sees a stray replica may set it right.
            pass(&mut cluster, 15_000);
            let master = cluster.groups[0][0];
            if freeze {
                cluster.world.freeze(master);
            } else {
                cluster.world.kill(master);
            }
            let addr = cluster.world.addr(master);
            let mut most = 0;
            drive(&mut cluster, 5_000, "switched", |cluster| {
                most = most.max(synchronising(cluster));
                cluster.agreed_master(MASTER).is_some_and(|new| cluster.world.addr(new) != addr)
            });
            let took = drive(&mut cluster, 15_000, "whole", |cluster| {
                most = most.max(synchronising(cluster));
                cluster.is_whole(0)
            });
            let expected = (parallel_syncs as usize).min(3);
            if most != expected {
                fail(&cluster.world, &format!("{most} at once, parallel-syncs is {parallel_syncs}"));
            }
            let rounds = 3_u64.div_ceil(u64::from(parallel_syncs));
            assert!(took <= Millis(rounds * 1_400 + 500), "{parallel_syncs} at once: {took}");
        }
    }
}

#[test]
fn nodes_are_what_they_were_made_as() {
    let cluster = settled(1, &Shape::default());
    let kinds: Vec<NodeKind> = cluster.world.nodes().map(|node| cluster.world.kind(node)).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == NodeKind::Server).count(), 3);
    assert_eq!(kinds.iter().filter(|kind| **kind == NodeKind::Sentinel).count(), 3);
}
