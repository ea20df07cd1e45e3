//! Somebody else made a newer configuration that has not reached us: what we know is old, and nobody is
//! made a replica on the strength of it.

mod common;

use common::{MASTER, ask, drive, drive_switch, fail, pass, settled};
use picket_resp::Reply;
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, NodeId, Shape, Ways};

/// The first master is failed over, comes back as a replica and is promoted again, all while one Sentinel
/// does not see it; that one has fresh confirmations of the configuration between. Answers the cluster
/// with that Sentinel cut off from everybody.
fn changed_places_twice(seed: u64) -> (Cluster, NodeId) {
    let mut cluster = settled(seed, &Shape::default());
    let group = cluster.groups[0].clone();
    let first = group[0];
    let blind = cluster.sentinels[2];
    let addr = cluster.world.addr(first);
    cluster.world.kill(first);
    drive_switch(&mut cluster, 5_000, 0, addr);
    cluster.world.cut(blind, first, Ways::Both);
    cluster.world.restart(first);
    drive(&mut cluster, 10_000, "it follows", |cluster| {
        cluster.world.server(first).is_some_and(|server| server.link_up)
    });
    // The rest of the hello period and a new round of INFO.
    pass(&mut cluster, 12_000);
    for server in &group[1..] {
        cluster.world.set_priority(*server, 200);
    }
    pass(&mut cluster, 11_000);
    cluster.world.partition(&[blind]);
    let sentinel = cluster.sentinels[0];
    assert_eq!(ask(&mut cluster, sentinel, &["SENTINEL", "FAILOVER", MASTER]), Reply::ok());
    drive(&mut cluster, 1_000, "promoted again", |cluster| {
        cluster.sentinels[..2].iter().all(|sentinel| cluster.master_seen_by(*sentinel, MASTER) == Some(addr))
    });
    (cluster, blind)
}

/// The wires are mended within the time in which confirmations count.
#[test]
fn a_confirmation_from_before_the_places_changed_again_demotes_nobody() {
    for seed in 1..=10 {
        let (mut cluster, blind) = changed_places_twice(seed);
        let first = cluster.groups[0][0];
        let since = cluster.world.now();
        cluster.world.heal();
        if seed % 2 == 0 {
            // It reaches the twice promoted server before all others.
            let others: Vec<NodeId> =
                cluster.world.nodes().filter(|node| ![blind, first].contains(node)).collect();
            for other in others {
                cluster.world.cut(blind, other, Ways::Both);
            }
            pass(&mut cluster, 1_500);
            cluster.world.heal();
        }
        drive(&mut cluster, 10_000, "whole", |cluster| cluster.is_whole(0));
        pass(&mut cluster, 10_000);
        let said = cluster.world.transcript().find(since, blind, "+convert-to-slave slave 10.0.1.1:6379");
        if said.is_some() || cluster.world.transcript().find(since, first, "follows").is_some() {
            fail(&cluster.world, &format!("seed {seed}: demoted on old words"));
        }
        assert_eq!(cluster.agreed_master(MASTER), Some(first), "seed {seed}");
    }
}

/// A failover by hand up to the point at which the last replica waits for its turn to follow, which somebody
/// else then promotes. Answers the cluster, the leader, that replica, and when it was promoted.
fn promoted_before_its_turn(seed: u64) -> (Cluster, NodeId, NodeId, Time) {
    let shape =
        Shape { replicas: 3, sync_time: Millis(6_000), failover_timeout: Millis(60_000), ..Shape::default() };
    let mut cluster = settled(seed, &shape);
    let leader = cluster.sentinels[0];
    cluster.world.kill(cluster.groups[0][0]);
    drive(&mut cluster, 5_000, "the replicas are told", |cluster| {
        cluster.sentinels.iter().any(|sentinel| state(cluster, *sentinel) == "reconf_slaves")
    });
    let leader = cluster
        .sentinels
        .iter()
        .copied()
        .find(|sentinel| state(&cluster, *sentinel) == "reconf_slaves")
        .unwrap_or(leader);
    // One follows, one waits.
    pass(&mut cluster, 1_000);
    let old = cluster.world.addr(cluster.groups[0][0]);
    let waits = cluster.groups[0]
        .iter()
        .copied()
        .skip(1)
        .find(|server| cluster.world.server(*server).is_some_and(|server| server.follows == Some(old)));
    let Some(waits) = waits else { fail(&cluster.world, "one replica waits for its turn") };
    let promoted = cluster.world.now();
    ask(&mut cluster, waits, &["SLAVEOF", "NO", "ONE"]);
    (cluster, leader, waits, promoted)
}

fn state(cluster: &Cluster, sentinel: NodeId) -> &'static str {
    cluster.world.sentinel(sentinel).map_or("", |status| status.masters[0].failover_state)
}

#[test]
fn a_replica_that_somebody_else_promoted_is_not_told_to_follow_when_its_turn_comes() {
    for seed in 1..=5 {
        let (mut cluster, leader, waits, promoted) = promoted_before_its_turn(seed);
        // Four hello periods, in which a newer configuration would reach us.
        pass(&mut cluster, 7_900);
        if cluster.world.transcript().find(promoted, waits, "follows").is_some() {
            fail(&cluster.world, &format!("seed {seed}: told to follow by {}", cluster.world.name(leader)));
        }
        // There was none: it is brought back into line.
        drive(&mut cluster, 60_000, "whole", |cluster| cluster.is_whole(0));
    }
}

#[test]
fn a_newer_configuration_that_arrives_during_reconf_wins() {
    for seed in 1..=5 {
        let (mut cluster, leader, waits, promoted) = promoted_before_its_turn(seed);
        pass(&mut cluster, 3_000);
        let other = cluster.sentinels.iter().copied().find(|sentinel| *sentinel != leader).expect("three");
        let status = cluster.world.sentinel(other).expect("runs");
        let epoch = status.current_epoch + 1;
        let (at, new) = (cluster.world.addr(other).ip(), cluster.world.addr(waits).ip());
        let hello = format!("{at},26379,{},{epoch},{MASTER},{new},6379,{epoch}", status.my_id);
        ask(&mut cluster, leader, &["PUBLISH", "__sentinel__:hello", &hello]);
        // Whoever follows the former one is told after failover-timeout.
        drive(&mut cluster, 80_000, "whole", |cluster| cluster.is_whole(0));
        assert_eq!(cluster.agreed_master(MASTER), Some(waits), "seed {seed}");
        let told = cluster.world.transcript().find(promoted, waits, "follows");
        assert!(told.is_none(), "seed {seed}: {told:?}");
    }
}
