//! Sentinels that are new to a master, and those that a RESET made forget: they lead nobody before they know who else
//! votes (redis#6459), and they find again what is alive.

mod common;

use common::{MASTER, ask, drive, drive_switch, fail, pass, settled};
use picket_sansio::Millis;
use picket_sim::{Addition, Cluster, NodeId, Shape};

/// Nothing happened that must not, such as two leaders of one epoch.
#[track_caller]
fn check_leaders(cluster: &Cluster) {
    if let Some(violation) = cluster.world.violation() {
        fail(&cluster.world, &violation.to_string());
    }
}

fn add_sentinel(cluster: &mut Cluster, number: usize) -> NodeId {
    let name = format!("sentinel-{number}");
    cluster.world.add(&name, &Addition::Sentinel).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// With a quorum of 1 a newcomer is a majority by itself until it knows the others.
#[test]
fn a_newcomer_is_not_a_majority_by_itself() {
    let mut held_up = 0;
    for step in 0..40 {
        let shape = Shape { quorum: 1, down_after: Millis(500), ..Shape::default() };
        let mut cluster = settled(step, &shape);
        let master = cluster.groups[0][0];
        let addr = cluster.world.addr(master);
        cluster.world.set_default_latency(picket_sim::Latency { from_us: 20_000, to_us: 60_000 });
        // From well before to well after the master's death.
        let early = 1_500_u64;
        let since = cluster.world.now();
        let newcomer = if step * 75 < early {
            let newcomer = add_sentinel(&mut cluster, 4);
            pass(&mut cluster, early - step * 75);
            cluster.world.kill(master);
            newcomer
        } else {
            cluster.world.kill(master);
            pass(&mut cluster, step * 75 - early);
            add_sentinel(&mut cluster, 4)
        };
        // One that comes too late to hear of any replica knows of none, as with Redis: the others do without it.
        drive(&mut cluster, 20_000, "switched by those who can", |cluster| {
            let seen = |sentinel: &NodeId| cluster.master_seen_by(*sentinel, MASTER);
            cluster.sentinels.iter().all(|sentinel| seen(sentinel).is_some_and(|seen| seen != addr))
        });
        pass(&mut cluster, 10_000);
        check_leaders(&cluster);
        held_up +=
            u32::from(cluster.world.transcript().find(since, newcomer, "Next failover delay").is_some());
    }
    assert!(held_up > 3, "{held_up} newcomers had to listen first: the test tests nothing");
}

/// Nobody but the one there is: it hears nobody, and acts.
#[test]
fn the_only_sentinel_acts() {
    for after in [0, 500, 5_000] {
        let shape = Shape { sentinels: 1, quorum: 1, ..Shape::default() };
        let mut cluster = settled(1, &shape);
        pass(&mut cluster, after);
        let (sentinel, master) = (cluster.sentinels[0], cluster.groups[0][0]);
        cluster.world.kill(sentinel);
        cluster.world.kill(master);
        let addr = cluster.world.addr(master);
        cluster.world.restart(sentinel);
        let took = drive_switch(&mut cluster, 10_000, 0, addr);
        assert!(took <= Millis(3_200), "{took}");
    }
}

/// Everybody is RESET around the death of the master: those replicas that are alive are known again, and one of them
/// is promoted.
#[test]
fn a_reset_leaves_no_blind_window() {
    for step in 0..24_u64 {
        let mut cluster = settled(step, &Shape { quorum: 1 + u32::from(step % 2 == 0), ..Shape::default() });
        let master = cluster.groups[0][0];
        let addr = cluster.world.addr(master);
        let reset = |cluster: &mut Cluster| {
            for sentinel in cluster.sentinels.clone() {
                let words = ["SENTINEL", "RESET", MASTER].map(str::to_owned);
                cluster.world.run(sentinel, &words).expect("there is a console");
            }
        };
        if step < 12 {
            reset(&mut cluster);
            pass(&mut cluster, step * 150);
            cluster.world.kill(master);
        } else {
            cluster.world.kill(master);
            pass(&mut cluster, (step - 12) * 150);
            reset(&mut cluster);
        }
        drive_switch(&mut cluster, 20_000, 0, addr);
        drive(&mut cluster, 15_000, "whole", |cluster| cluster.is_whole(0));
        check_leaders(&cluster);
    }
}

/// What RESET is for: who is gone is forgotten, who is there is not.
#[test]
fn a_reset_forgets_who_is_gone() {
    let mut cluster = settled(1, &Shape::default());
    let (sentinel, gone) = (cluster.sentinels[0], cluster.groups[0][2]);
    let other = cluster.sentinels[2];
    cluster.world.kill(gone);
    cluster.world.kill(other);
    pass(&mut cluster, 3_000);
    ask(&mut cluster, sentinel, &["SENTINEL", "RESET", MASTER]);
    let known = |cluster: &Cluster| {
        let status = cluster.world.sentinel(sentinel).expect("it runs");
        (status.masters[0].replicas.len(), status.masters[0].peers.len())
    };
    let took = drive(&mut cluster, 4_000, "known again", |cluster| known(cluster) == (1, 1));
    assert!(took <= Millis(2_500), "{took}");
    pass(&mut cluster, 15_000);
    assert_eq!(known(&cluster), (1, 1));
}
