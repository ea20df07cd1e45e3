//! A server that comes back empty, and calls itself master because its `replicaof` was lost with its data,
//! is never put in the place of one that has the data.

mod common;

use common::{MASTER, pass, settled};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, NodeId, Shape};

/// A cluster whose master has been written to, with the number of writes that everybody has.
fn written(seed: u64, shape: &Shape) -> (Cluster, usize) {
    let mut cluster = settled(seed, shape);
    let sentinels = cluster.sentinels.clone();
    let writer = cluster.world.add_writer(MASTER, &sentinels, Millis(20));
    pass(&mut cluster, 5_000);
    cluster.world.kill(writer);
    pass(&mut cluster, 200);
    let len = data_len(&cluster, cluster.groups[0][0]);
    assert!(len > 100, "seed {seed}: {len} writes");
    for server in cluster.groups[0].clone() {
        assert_eq!(data_len(&cluster, server), len, "seed {seed}: everybody has everything");
    }
    (cluster, len)
}

fn data_len(cluster: &Cluster, server: NodeId) -> usize {
    cluster.world.server(server).expect("a data server").data.len()
}

/// The master that all agree on in the end has all the data, and so has everybody who follows it.
#[track_caller]
fn nothing_is_lost(cluster: &mut Cluster, since: Time, len: usize, seed: u64) {
    common::drive(cluster, 30_000, "whole with the data", |cluster| cluster.is_whole(0));
    pass(cluster, 5_000);
    let master = cluster.agreed_master(MASTER).expect("they agreed");
    let story = || cluster.world.transcript().text(since);
    assert_eq!(data_len(cluster, master), len, "seed {seed}: the master lost data\n{}", story());
}

/// Two machines of three lose power, the master's among them. The replica's comes back empty, before any
/// Sentinel has the majority to act.
#[test]
fn an_empty_server_is_not_promoted_over_a_replica_with_data() {
    for seed in 1..=12 {
        let (mut cluster, len) = written(seed, &Shape::default());
        let (group, sentinels) = (cluster.groups[0].clone(), cluster.sentinels.clone());
        let since = cluster.world.now();
        for node in [group[0], group[1], sentinels[1], sentinels[2]] {
            cluster.world.kill(node);
        }
        pass(&mut cluster, 3_000);
        cluster.world.wipe(group[1]);
        pass(&mut cluster, 500);
        cluster.world.restart(sentinels[1]);
        nothing_is_lost(&mut cluster, since, len, seed);
        assert_eq!(cluster.agreed_master(MASTER), Some(group[2]), "seed {seed}");
    }
}

/// The same while the master is only just found to be down: the empty server's new role is as young as the
/// outage, as that of one which another leader has promoted would be.
#[test]
fn a_server_emptied_during_the_outage_does_not_pass_for_promoted() {
    for seed in 1..=10 {
        let (mut cluster, len) = written(seed, &Shape { replicas: 3, ..Shape::default() });
        let group = cluster.groups[0].clone();
        let since = cluster.world.now();
        cluster.world.kill(group[0]);
        // From before the outage is noticed until a leader has chosen.
        pass(&mut cluster, 880 + seed * 15);
        cluster.world.wipe(group[1 + seed as usize % 3]);
        nothing_is_lost(&mut cluster, since, len, seed);
    }
}

/// A replica that is emptied while all else is well follows again and takes the data anew.
#[test]
fn a_replica_emptied_in_quiet_times_follows_again() {
    for seed in 1..=4 {
        let (mut cluster, len) = written(seed, &Shape::default());
        let group = cluster.groups[0].clone();
        let since = cluster.world.now();
        cluster.world.wipe(group[2]);
        assert_eq!(data_len(&cluster, group[2]), 0);
        common::drive(&mut cluster, 30_000, "it has the data", |cluster| {
            data_len(cluster, group[2]) == len && cluster.is_whole(0)
        });
        common::not_said(&cluster.world, since, "+switch-master");
    }
}
