//! Masters, replicas and chains in virtual time: whatever breaks, data and offsets end up the same.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

#[allow(unreachable_pub, reason = "one module of one test")]
mod world;

use picket_replication::{
    DisconnectReason, LinkEvent, LinkState, MasterEvent, MasterInput, MasterSettings, NodeFacts, NodeRole,
    ReplicaOutputLimit, ReplicaStatusState, render_info, role_reply,
};
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis};
use world::World;

fn settings(diskless: bool) -> MasterSettings {
    MasterSettings {
        repl_diskless_sync: diskless,
        repl_diskless_sync_delay: Millis(0),
        repl_timeout: Millis(10_000),
        ..MasterSettings::default()
    }
}

fn count(events: &[MasterEvent], matches: impl Fn(&MasterEvent) -> bool) -> usize {
    events.iter().filter(|event| matches(event)).count()
}

#[test]
fn a_pair_synchronises_both_ways() {
    for diskless in [true, false] {
        let mut world = World::new(1, 2, settings(diskless));
        for _ in 0..20 {
            world.write(0);
        }
        assert_eq!(world.nodes[0].side.history().master_repl_offset, 0, "nobody listens: there is no stream");
        let before = world.nodes[0].side.history().replid;
        world.follow(1, 0);
        for _ in 0..300 {
            world.write(0);
            world.step();
        }
        world.settle();
        let status = world.nodes[0].side.status();
        assert_ne!(status.history.replid, before, "the first replica begins a history");
        assert_eq!((status.counters.sync_full, status.counters.sync_partial_ok), (1, 0));
        assert_eq!(status.replicas[0].state, ReplicaStatusState::Online);
        assert!(status.backlog.unwrap().first_byte_offset == 1);
        let pings = world.nodes[0].side.history().master_repl_offset;
        world.wait_span(Millis(25_000));
        world.settle();
        assert_eq!(world.nodes[0].side.history().master_repl_offset - pings, 28, "a ping every ten seconds");
    }
}

/// The 1000 cuts: whatever is cut when, every byte arrives once and in order.
#[test]
fn a_thousand_cuts_at_random_moments() {
    let mut cuts = 0;
    for seed in 0..10 {
        let large = MasterSettings { repl_backlog_size: 64 << 20, ..settings(seed % 2 == 0) };
        let mut world = World::new(100 + seed, 2, large);
        world.follow(1, 0);
        while world.cuts < 100 {
            for _ in 0..world.prng.below(3) {
                world.write(0);
            }
            world.step();
            if world.prng.below(25) == 0 {
                world.cut(None);
            }
        }
        world.settle();
        cuts += world.cuts;
        let counters = world.nodes[0].side.status().counters;
        // The backlog covers everything: once the first snapshot was loaded, no other was needed.
        let synced = world.nodes[1].link_events.iter().filter(|event| **event == LinkEvent::Synced).count();
        let reasons: Vec<_> = world.nodes[0].side_events.iter().map(ToString::to_string).collect();
        assert_eq!(synced, 1, "{counters:?} {reasons:#?}");
        assert!(counters.sync_partial_ok > 5, "{counters:?}");
    }
    assert_eq!(cuts, 1000);
}

/// Snapshots on connections of their own, in a chain, with cuts of either connection.
#[test]
fn two_connections_for_a_snapshot_and_cuts_of_either() {
    let (mut full, mut partial, mut stored) = (0, 0, 0);
    for seed in 0..20 {
        let hard_bytes = if seed % 4 == 3 { 20_000 } else { 0 };
        let dual = MasterSettings {
            dual_channel: true,
            repl_backlog_size: if seed % 2 == 0 { 1 } else { 64 << 20 },
            output_limit: ReplicaOutputLimit { hard_bytes, soft_bytes: 0, soft_span: Millis(0) },
            ..settings(true)
        };
        let mut world = World::new(900 + seed, 3, dual);
        world.padding = 60_000;
        world.follow(1, 0);
        world.follow(2, 1);
        while world.cuts < 40 {
            for _ in 0..world.prng.below(4) {
                world.write(0);
            }
            world.step();
            if world.prng.below(60) == 0 {
                world.cut(None);
            }
        }
        world.settle();
        for node in &world.nodes[1..] {
            let is_told = |event: &LinkEvent| matches!(event, LinkEvent::DualChannel);
            assert!(node.link_events.iter().any(is_told));
            stored += node.link_events.iter().filter(|it| **it == LinkEvent::StoredApplied).count();
        }
        let counters = world.nodes[0].side.status().counters;
        full += counters.sync_full;
        partial += counters.sync_partial_ok;
        // Whatever was kept for somebody is free once a minute has passed.
        world.wait_span(Millis(61_000));
        world.settle();
        for node in &world.nodes[..2] {
            let status = node.side.status();
            assert_eq!(status.replicas_waiting_psync, 0);
            assert_eq!(status.replicas.len(), 1);
            assert_eq!(status.replicas[0].state, ReplicaStatusState::Online);
        }
    }
    assert!(full > 100 && partial > 100 && stored > 60, "{full} {partial} {stored}");
}

#[test]
fn a_small_backlog_forces_full_copies_and_the_data_stays_right() {
    let small = MasterSettings { repl_backlog_size: 1, ..settings(true) };
    let mut world = World::new(7, 3, small);
    world.follow(1, 0);
    world.follow(2, 0);
    for _ in 0..6 {
        world.settle();
        world.cut(Some(1));
        for _ in 0..400 {
            world.write(0);
        }
    }
    world.settle();
    let counters = world.nodes[0].side.status().counters;
    assert!(counters.sync_partial_err > 0, "{counters:?}");
    assert!(world.nodes[0].side.status().backlog.unwrap().histlen < 40_000);
}

#[test]
fn a_chain_follows_through_cuts_and_hears_nothing_of_its_own_masters_pings() {
    for seed in 0..10 {
        let mut world = World::new(300 + seed, 4, settings(seed % 2 == 0));
        world.follow(1, 0);
        world.follow(2, 1);
        world.follow(3, 2);
        for _ in 0..800 {
            world.write(0);
            world.step();
            if world.prng.below(40) == 0 {
                world.cut(None);
            }
        }
        world.settle();
        world.wait_span(Millis(21_000));
        world.settle();
        for node in 1..3 {
            let role = world.nodes[node].side.role();
            assert_eq!(role, NodeRole::Replica { link_up: true });
            assert_eq!(world.nodes[node].side.history(), world.nodes[0].side.history());
        }
    }
}

#[test]
fn a_promotion_in_the_middle_of_a_chain_keeps_partial_resynchronisation() {
    for seed in 0..10 {
        let mut world = World::new(500 + seed, 4, settings(seed % 2 == 0));
        world.follow(1, 0);
        world.follow(2, 1);
        world.follow(3, 2);
        for _ in 0..200 {
            world.write(0);
            world.step();
        }
        world.settle();
        let full: Vec<u64> = world.nodes.iter().map(|node| node.side.status().counters.sync_full).collect();
        world.promote(1);
        world.follow(0, 1);
        for _ in 0..200 {
            world.write(1);
            world.step();
        }
        world.settle();
        for (node, full) in world.nodes.iter().zip(full) {
            assert_eq!(node.side.status().counters.sync_full, full, "nobody needed a full copy");
        }
        assert!(world.nodes[1].side.status().counters.sync_partial_ok >= 2);
        // And once more, the other way round: the former master takes over again.
        world.promote(0);
        world.follow(1, 0);
        for _ in 0..100 {
            world.write(0);
            world.step();
        }
        world.settle();
        let counters = world.nodes[0].side.status().counters;
        assert_eq!(counters.sync_full, 1, "the very first copy");
        assert_eq!(counters.sync_partial_err, 1, "it asked to go on from the history it was started with");
    }
}

#[test]
fn a_former_master_that_wrote_on_needs_a_full_copy() {
    let mut world = World::new(9, 2, settings(true));
    world.follow(1, 0);
    world.write(0);
    world.settle();
    world.promote(1);
    world.write(0);
    world.follow(0, 1);
    world.write(1);
    world.settle();
    let counters = world.nodes[1].side.status().counters;
    assert_eq!((counters.sync_full, counters.sync_partial_err), (1, 1));
    assert!(world.nodes[1].side_events.iter().any(|event| event.to_string().contains("for second ID was")));
}

#[test]
fn one_snapshot_serves_all_who_wait() {
    for diskless in [true, false] {
        let waits = MasterSettings { repl_diskless_sync_delay: Millis(5000), ..settings(diskless) };
        let mut world = World::new(11, 6, waits);
        for node in 1..6 {
            world.follow(node, 0);
        }
        for _ in 0..400 {
            world.write(0);
            world.step();
        }
        world.settle();
        let requested = |event: &MasterEvent| matches!(event, MasterEvent::SnapshotRequested { .. });
        let snapshots = count(&world.nodes[0].side_events, requested);
        let shared = |event: &MasterEvent| matches!(event, MasterEvent::SnapshotShared { .. });
        let shared = count(&world.nodes[0].side_events, shared);
        assert!(if diskless { snapshots == 1 } else { snapshots < 5 && shared > 0 }, "{snapshots} {shared}");
        assert_eq!(world.nodes[0].side.status().counters.sync_full, 5);
        assert_eq!(world.nodes[0].side.status().snapshots, 0);
    }
}

#[test]
fn enough_waiting_replicas_end_the_delay() {
    let waits = MasterSettings {
        repl_diskless_sync_delay: Millis(3_600_000),
        repl_diskless_sync_max_replicas: 2,
        ..settings(true)
    };
    let mut world = World::new(12, 3, waits);
    world.follow(1, 0);
    world.wait_span(Millis(5000));
    assert_eq!(world.nodes[0].side.status().replicas[0].state, ReplicaStatusState::WaitBgsave);
    world.follow(2, 0);
    world.settle();
}

#[test]
fn wait_counts_acknowledgements() {
    let mut world = World::new(13, 3, settings(true));
    world.follow(1, 0);
    world.follow(2, 0);
    world.settle();
    world.write(0);
    let offset = world.nodes[0].side.history().master_repl_offset;
    world.wait_command(0, 900, "2", "0");
    world.drive_until("both acknowledge", |world| !world.nodes[0].waits.is_empty());
    assert_eq!(world.nodes[0].waits, [(ClientId(900), Reply::int(2_i64))]);
    assert!(world.nodes[0].side.history().master_repl_offset > offset, "they were asked");
    world.nodes[0].waits.clear();
    world.write(0);
    world.wait_command(0, 901, "3", "700");
    world.drive_until("time is over", |world| !world.nodes[0].waits.is_empty());
    assert_eq!(world.nodes[0].waits, [(ClientId(901), Reply::int(2_i64))]);
}

#[test]
fn a_planned_failover_swaps_the_roles_without_a_full_copy() {
    for seed in 0..10 {
        let mut world = World::new(700 + seed, 3, settings(true));
        world.follow(1, 0);
        world.follow(2, 0);
        for _ in 0..100 {
            world.write(0);
            world.step();
        }
        world.drive_until("online", |world| {
            let replicas = world.nodes[0].side.status().replicas;
            replicas.len() == 2 && replicas.iter().all(|it| it.state == ReplicaStatusState::Online)
        });
        assert_eq!(world.failover(0, &["TO", "10.0.0.1", "1"]), Some(Reply::ok()));
        assert!(world.nodes[0].paused);
        let again = world.failover(0, &["TO", "10.0.0.1", "1"]);
        assert_eq!(again, Some(Reply::error("ERR FAILOVER already in progress.")));
        world.drive_until("the target has taken over", |world| {
            world.nodes[1].side.role() == NodeRole::Master && !world.nodes[0].paused
        });
        assert_eq!(world.nodes[0].side.role(), NodeRole::Replica { link_up: true });
        world.follow(2, 1);
        for _ in 0..100 {
            world.write(1);
            world.step();
        }
        world.settle();
        let counters = world.nodes[1].side.status().counters;
        assert_eq!((counters.sync_full, counters.sync_partial_ok), (0, 2), "{counters:?}");
    }
}

#[test]
fn a_planned_failover_that_never_catches_up_is_given_up() {
    let mut world = World::new(21, 2, settings(true));
    world.follow(1, 0);
    world.write(0);
    world.settle();
    // Its acknowledgements do not arrive any more: the link is dead in one direction.
    world.write(0);
    let refused = |words: &[&str], world: &mut World| match world.failover(0, words) {
        Some(Reply::Error(text)) => String::from_utf8(text.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&["ABORT"], &mut world), "ERR No failover in progress.");
    assert_eq!(refused(&["TIMEOUT", "0"], &mut world), "ERR FAILOVER timeout must be greater than 0");
    assert_eq!(refused(&["NOW"], &mut world), "ERR syntax error");
    assert!(refused(&["FORCE", "TIMEOUT", "5"], &mut world).starts_with("ERR FAILOVER with force option"));
    assert_eq!(
        refused(&["TO", "1.1.1.1", "1"], &mut world),
        "ERR FAILOVER target HOST and PORT is not a replica."
    );
    world.cut(None);
    assert_eq!(refused(&[], &mut world), "ERR FAILOVER requires connected replicas.");
    world.settle();
    world.write(0);
    assert_eq!(world.failover(0, &["TIMEOUT", "1"]), Some(Reply::ok()));
    world.now = world.now + Millis(2);
    world.side_input(0, MasterInput::Wake);
    assert!(!world.nodes[0].paused);
    assert_eq!(world.nodes[0].side.role(), NodeRole::Master);
    let aborted =
        world.nodes[0].side_events.iter().any(|event| event.to_string().contains("never caught up"));
    assert!(aborted);
    world.write(0);
    world.settle();
}

#[test]
fn a_slow_replica_is_cut_at_the_limit_and_the_backlog_shrinks() {
    let limit = ReplicaOutputLimit { hard_bytes: 200_000, soft_bytes: 0, soft_span: Millis(0) };
    let mut world =
        World::new(31, 2, MasterSettings { repl_backlog_size: 16384, output_limit: limit, ..settings(true) });
    world.follow(1, 0);
    world.settle();
    for _ in 0..900 {
        world.write(0);
    }
    let over = |event: &MasterEvent| {
        matches!(event, MasterEvent::Disconnected { reason: DisconnectReason::OutputLimit { .. }, .. })
    };
    assert_eq!(count(&world.nodes[0].side_events, over), 1);
    assert!(world.nodes[0].side.status().backlog.unwrap().histlen < 64_000);
    world.settle();
}

#[test]
fn a_backlog_without_replicas_ends_with_its_history() {
    let short = MasterSettings { repl_backlog_ttl: Millis(3000), ..settings(true) };
    let mut world = World::new(41, 2, short);
    world.follow(1, 0);
    world.settle();
    let replid = world.nodes[0].side.history().replid;
    world.promote(1);
    world.wait_span(Millis(500));
    assert!(world.nodes[0].side.backlog().is_some());
    world.wait_span(Millis(3500));
    assert!(world.nodes[0].side.backlog().is_none() && world.nodes[1].side.backlog().is_none());
    assert_ne!(world.nodes[0].side.history().replid, replid);
    assert_eq!(world.nodes[0].side.next_deadline(), None, "nothing is left to do");
}

#[test]
fn a_silent_replica_is_dropped_and_min_replicas_notices() {
    let strict = MasterSettings { min_replicas_to_write: 1, min_replicas_max_lag: 2, ..settings(true) };
    let mut world = World::new(51, 2, strict);
    assert!(!world.nodes[0].side.accepts_writes());
    world.follow(1, 0);
    world.settle();
    assert!(world.nodes[0].side.accepts_writes());
    // Nothing moves but the master's clock.
    let mut lagged = false;
    for _ in 0..12 {
        world.now = world.now + Millis(1000);
        world.side_input(0, MasterInput::Wake);
        lagged |= !world.nodes[0].side.accepts_writes() && !world.nodes[0].side.status().replicas.is_empty();
    }
    assert!(lagged, "it was too late before it was dropped");
    assert!(world.nodes[0].side.status().replicas.is_empty());
    let dropped = |event: &MasterEvent| {
        matches!(event, MasterEvent::Disconnected { reason: DisconnectReason::StreamTimeout, .. })
    };
    assert_eq!(count(&world.nodes[0].side_events, dropped), 1);
}

#[test]
fn info_and_role_have_their_fields_in_order() {
    let mut world = World::new(61, 2, MasterSettings { min_replicas_to_write: 1, ..settings(true) });
    world.follow(1, 0);
    world.write(0);
    world.settle();
    let facts = NodeFacts {
        replica_priority: 100,
        replica_read_only: true,
        replica_announced: true,
        tells_channels: false,
    };
    let fields = |node: usize, world: &World| -> Vec<(String, String)> {
        let node = &world.nodes[node];
        render_info(world.now, &node.side.status(), &node.link.status(), facts)
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let names = |fields: &[(String, String)]| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let master = fields(0, &world);
    assert_eq!(
        names(&master),
        [
            "role",
            "connected_slaves",
            "min_slaves_good_slaves",
            "slave0",
            "master_failover_state",
            "master_replid",
            "master_replid2",
            "master_repl_offset",
            "second_repl_offset",
            "repl_backlog_active",
            "repl_backlog_size",
            "repl_backlog_first_byte_offset",
            "repl_backlog_histlen",
        ]
    );
    assert!(master[3].1.starts_with("ip=10.0.0.1,port=1,state=online,offset="));
    let replica = fields(1, &world);
    assert_eq!(
        names(&replica)[..11],
        [
            "role",
            "master_host",
            "master_port",
            "master_link_status",
            "master_last_io_seconds_ago",
            "master_sync_in_progress",
            "slave_read_repl_offset",
            "slave_repl_offset",
            "slave_priority",
            "slave_read_only",
            "replica_announced",
        ]
    );
    assert_eq!((replica[0].1.as_str(), replica[3].1.as_str()), ("slave", "up"));
    let offset = world.nodes[0].side.history().master_repl_offset;
    assert_eq!(replica[7].1, offset.to_string());
    let role = role_reply(&world.nodes[1].side.status(), &world.nodes[1].link.status());
    let words = role.as_array().unwrap();
    assert_eq!((words[0].as_str(), words[3].as_str()), (Some("slave"), Some("connected")));
    assert_eq!(words[4].as_int(), i64::try_from(offset).ok());
    assert_eq!(world.nodes[1].link.state(), LinkState::Connected);
}
