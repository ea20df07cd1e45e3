//! Elections that do not go smoothly: split votes, disks that fail, Sentinels that come and go.

mod common;

use common::{MASTER, drive, drive_switch, fail, first, last, not_said, pass, settled, who};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, DiskFault, Latency, NodeId, Shape, Ways};

fn kill_master(cluster: &mut Cluster) -> (Time, std::net::SocketAddr) {
    let master = cluster.groups[0][0];
    let since = cluster.world.now();
    cluster.world.kill(master);
    (since, cluster.world.addr(master))
}

/// Candidates are further apart the longer a round trip takes: the first to stand is elected.
#[test]
fn over_slow_wires_the_first_election_wins() {
    for (sentinels, quorum, way, jitter) in
        [(3, 2, 40, 0), (4, 1, 150, 0), (4, 1, 150, 60), (5, 3, 100, 0), (5, 3, 100, 40), (5, 1, 250, 0)]
    {
        let (mut lost, mut runs) = (0, 0);
        for seed in 1..=10 {
            let shape = Shape { sentinels, quorum, ..Shape::default() };
            let mut cluster = settled(seed, &shape);
            let nodes = cluster.sentinels.clone();
            let latency = Latency { from_us: way * 1000, to_us: (way + jitter) * 1000 };
            for (place, a) in nodes.iter().enumerate() {
                for b in &nodes[..place] {
                    cluster.world.set_latency(*a, *b, Ways::Both, latency);
                }
            }
            pass(&mut cluster, 20_000);
            let (since, addr) = if seed % 2 == 0 {
                kill_master(&mut cluster)
            } else {
                let master = cluster.groups[0][0];
                cluster.world.freeze(master);
                (cluster.world.now(), cluster.world.addr(master))
            };
            drive_switch(&mut cluster, 10_000, 0, addr);
            runs += 1;
            lost += cluster.world.transcript().count(since, "-failover-abort-not-elected");
        }
        assert!(lost * 10 <= runs, "{sentinels} sentinels, quorum {quorum}, {way} ms: {lost} lost in {runs}");
    }
}

/// With wires slower than the distance between candidates several stand at once.
#[test]
fn a_split_vote_is_resolved_quickly() {
    let mut splits = 0;
    for (sentinels, quorum) in [(3, 1), (4, 1), (5, 1), (5, 3)] {
        for seed in 1..=8 {
            let shape = Shape { sentinels, quorum, ..Shape::default() };
            let mut cluster = settled(seed, &shape);
            let nodes = cluster.sentinels.clone();
            for a in &nodes {
                for b in nodes.iter().filter(|b| *b != a) {
                    cluster.world.set_latency(*a, *b, Ways::Both, Latency::exactly(Millis(70)));
                }
            }
            let (since, addr) = kill_master(&mut cluster);
            drive_switch(&mut cluster, 10_000, 0, addr);
            let world = &cluster.world;
            let took = last(world, since, "+switch-master").since(first(world, since, "+odown"));
            let tries = world.transcript().count(since, "+try-failover");
            splits += usize::from(world.transcript().count(since, "-failover-abort-not-elected") > 0);
            if took > Millis(3_000) {
                fail(world, &format!("{sentinels} sentinels, seed {seed}: {took}, {tries} candidacies"));
            }
            drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
        }
    }
    assert!(splits >= 8, "only {splits} elections were lost: the test tests nothing");
}

/// The question for a vote is lost with its connection, and not left to the next second.
#[test]
fn a_voter_whose_connection_breaks_is_asked_again_at_once() {
    for seed in 1..=5 {
        let mut cluster = settled(seed, &Shape::default());
        let (since, addr) = kill_master(&mut cluster);
        drive(&mut cluster, 5_000, "a candidate", |cluster| {
            cluster.world.transcript().count(since, "+try-failover") > 0
        });
        let candidate = who(&cluster.world, since, "+try-failover");
        for voter in cluster.sentinels.clone().into_iter().filter(|voter| *voter != candidate) {
            cluster.world.reset_connections(candidate, voter);
        }
        drive_switch(&mut cluster, 5_000, 0, addr);
        let world = &cluster.world;
        let took = last(world, since, "+switch-master").since(first(world, since, "+try-failover"));
        if took > Millis(500) || world.transcript().count(since, "-failover-abort-not-elected") > 0 {
            fail(world, &format!("seed {seed}: {took}"));
        }
    }
}

#[test]
fn two_sentinels_that_stand_at_the_same_time_do_not_wait_for_each_other() {
    for seed in 1..=10 {
        let shape = Shape { sentinels: 2, quorum: 1, ..Shape::default() };
        let mut cluster = settled(seed, &shape);
        let (a, b) = (cluster.sentinels[0], cluster.sentinels[1]);
        cluster.world.set_latency(a, b, Ways::Both, Latency::exactly(Millis(200)));
        let (since, addr) = kill_master(&mut cluster);
        drive_switch(&mut cluster, 20_000, 0, addr);
        let took =
            last(&cluster.world, since, "+switch-master").since(first(&cluster.world, since, "+odown"));
        assert!(took <= Millis(6_000), "seed {seed}: {took}");
    }
}

#[test]
fn a_voter_whose_disk_is_full_gives_no_vote() {
    let mut cluster = settled(1, &Shape::default());
    let [_, b, c] = cluster.sentinels[..] else { panic!("three") };
    for sentinel in [b, c] {
        cluster.world.set_disk_fault(sentinel, DiskFault::Full);
    }
    let (since, addr) = kill_master(&mut cluster);
    pass(&mut cluster, 15_000);
    not_said(&cluster.world, since, "+elected-leader");
    first(&cluster.world, since, "a vote is not given out");
    let mended = cluster.world.now();
    for sentinel in [b, c] {
        cluster.world.set_disk_fault(sentinel, DiskFault::None);
    }
    drive_switch(&mut cluster, 30_000, 0, addr);
    let took = last(&cluster.world, mended, "+switch-master").since(mended);
    assert!(took <= Millis(12_000), "{took} after the disks were mended");
}

#[test]
fn one_full_disk_among_three_does_not_matter() {
    for index in 0..3 {
        for seed in 1..=4 {
            let mut cluster = settled(seed, &Shape::default());
            let broken = cluster.sentinels[index];
            cluster.world.set_disk_fault(broken, DiskFault::Full);
            let (since, addr) = kill_master(&mut cluster);
            drive_switch(&mut cluster, 10_000, 0, addr);
            let took =
                last(&cluster.world, since, "+switch-master").since(first(&cluster.world, since, "+odown"));
            // Where it is the first candidate, its first try costs the others their patience with a leader.
            if took > Millis(4_500) {
                fail(&cluster.world, &format!("seed {seed}, disk {index}: {took}"));
            }
            drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
        }
    }
}

#[test]
fn a_slow_disk_delays_votes_but_not_monitoring() {
    let mut cluster = settled(1, &Shape::default());
    for sentinel in cluster.sentinels.clone() {
        cluster.world.set_disk_latency(sentinel, Latency::exactly(Millis(400)));
    }
    let (since, addr) = kill_master(&mut cluster);
    drive_switch(&mut cluster, 10_000, 0, addr);
    let world = &cluster.world;
    assert!(first(world, since, "+sdown").since(since) <= Millis(1_010));
    let took = last(world, since, "+switch-master").since(first(world, since, "+odown"));
    // Own vote and others' side by side, then the new configuration of the leader.
    assert!(took <= Millis(1_300), "{took}");
}

#[test]
fn identity_and_epochs_survive_a_restart() {
    let mut cluster = settled(1, &Shape::default());
    let (_, addr) = kill_master(&mut cluster);
    drive_switch(&mut cluster, 5_000, 0, addr);
    pass(&mut cluster, 3_000);
    let new = cluster.agreed_master(MASTER).expect("just switched");
    let before: Vec<_> =
        cluster.sentinels.iter().map(|node| cluster.world.sentinel(*node).expect("runs")).collect();
    for (sentinel, before) in cluster.sentinels.clone().into_iter().zip(before) {
        cluster.world.kill(sentinel);
        pass(&mut cluster, 100);
        assert_eq!(cluster.world.sentinel(sentinel), None);
        cluster.world.restart(sentinel);
        let after = cluster.world.sentinel(sentinel).expect("runs");
        assert_eq!(after.my_id, before.my_id);
        assert_eq!(after.current_epoch, before.current_epoch);
        let (old, new_status) = (&before.masters[0], &after.masters[0]);
        assert_eq!(new_status.config_epoch, old.config_epoch);
        assert_eq!(new_status.vote.1, old.vote.1, "the epoch of the vote");
        assert_eq!(new_status.server.addr, old.server.addr);
        assert_eq!(new_status.replicas.len(), old.replicas.len());
        assert_eq!(new_status.peers.len(), 2);
        assert_eq!(cluster.agreed_master(MASTER), Some(new));
    }
    // And they can fail over again.
    pass(&mut cluster, 2_000);
    let since = cluster.world.now();
    cluster.world.kill(new);
    let addr = cluster.world.addr(new);
    drive_switch(&mut cluster, 5_000, 0, addr);
    let took = last(&cluster.world, since, "+switch-master").since(since);
    if took > Millis(1_200) {
        fail(&cluster.world, &format!("the next failover took {took}"));
    }
}

/// A Sentinel that is killed while its vote is on the way to the disk may vote anew or not, but never twice;
/// the invariants of the world watch over that.
#[test]
fn votes_agree_when_voters_are_killed_and_restarted_in_the_middle() {
    for seed in 1..=20 {
        let shape = Shape { sentinels: 5, quorum: 3, ..Shape::default() };
        let mut cluster = settled(seed, &shape);
        let (since, addr) = kill_master(&mut cluster);
        drive(&mut cluster, 5_000, "a candidate", |cluster| {
            cluster.world.transcript().count(since, "+try-failover") > 0
        });
        // Some moments after the candidacy: before, at and after the arrival of requests and of votes.
        cluster.world.run_for(Millis(seed % 8)).expect("no violation");
        let voters: Vec<NodeId> = cluster.sentinels.clone();
        for voter in &voters {
            cluster.world.kill(*voter);
            cluster.world.restart(*voter);
        }
        drive_switch(&mut cluster, 15_000, 0, addr);
        drive(&mut cluster, 10_000, "whole", |cluster| cluster.is_whole(0));
    }
}
