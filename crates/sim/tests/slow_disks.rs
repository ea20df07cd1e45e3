//! Disks that take seconds to write a vote: elections become more patient, they do not fail for ever.

mod common;

use common::{MASTER, drive_switch, fail, settled};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, Latency, Shape};

/// Kills the master with disks this slow, from the `first` Sentinel on; answers how long the failover took.
#[track_caller]
fn fail_over(seed: u64, disk: u64, first: usize) -> (Cluster, Time, Millis) {
    let mut cluster = settled(seed, &Shape::default());
    for sentinel in cluster.sentinels[first..].iter().copied() {
        cluster.world.set_disk_latency(sentinel, Latency::exactly(Millis(disk)));
    }
    let since = cluster.world.now();
    let master = cluster.groups[0][0];
    let addr = cluster.world.addr(master);
    cluster.world.kill(master);
    let took = drive_switch(&mut cluster, 60_000, 0, addr);
    (cluster, since, took)
}

#[test]
fn a_leader_is_elected_although_every_disk_is_slow() {
    for disk in [400, 900, 1_100, 2_000] {
        for seed in 1..=3 {
            let (cluster, since, took) = fail_over(seed, disk, 0);
            let lost = cluster.world.transcript().count(since, "-failover-abort-not-elected");
            if took > Millis(2_500 + 4 * disk) || lost > 3 {
                fail(
                    &cluster.world,
                    &format!("disks of {disk} ms, seed {seed}: {took}, {lost} elections lost"),
                );
            }
        }
    }
}

/// The candidate's own disk is quick and the voters' are not: it must not give them up too soon.
#[test]
fn a_leader_is_elected_although_the_voters_disks_are_slow() {
    for disk in [900, 1_100, 2_000] {
        for seed in 1..=3 {
            let (cluster, since, took) = fail_over(seed, disk, 1);
            let lost = cluster.world.transcript().count(since, "-failover-abort-not-elected");
            if took > Millis(2_500 + 4 * disk) || lost > 3 {
                fail(
                    &cluster.world,
                    &format!("disks of {disk} ms, seed {seed}: {took}, {lost} elections lost"),
                );
            }
        }
    }
}

/// A disk that slows down only once a failover has begun.
#[test]
fn the_new_configuration_spreads_from_a_slow_disk() {
    let (mut cluster, _, _) = fail_over(1, 2_000, 0);
    common::drive(&mut cluster, 30_000, "whole", |cluster| {
        cluster.is_whole(0) && cluster.agreed_master(MASTER).is_some()
    });
}
