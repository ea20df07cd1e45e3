//! Dual-channel sync between two nodes: the snapshot over one connection, what is written meanwhile over another.

mod world;

use picket_resp::Reply;
use picket_sansio::Millis;
use world::World;

const DUAL: (&str, &str) = ("dual-channel-replication-enabled", "yes");
const KEYS: usize = 60;

/// A master whose snapshots take a millisecond for each key, and a replica that has just been told to follow it.
fn begun(load: &str, more: &[(&str, &str)]) -> World {
    let mut world = World::new();
    world.add(&[DUAL, ("rdb-key-save-delay", "1000"), ("repl-backlog-size", "16384")]);
    world.add(&[&[DUAL, ("repl-diskless-load", load)], more].concat());
    for number in 0..KEYS {
        world.run(0, &format!("SET key:{number} value:{number}"));
    }
    world.run(0, "RPUSH list a b c");
    world.run(1, "SET old data");
    assert_eq!(world.run(1, "REPLICAOF node 0"), Reply::ok());
    world
}

/// Something that a replica has to apply in order, in several databases.
fn write(world: &mut World, number: u64) {
    let client = world.client(0);
    let value = "v".repeat(100);
    for line in [
        format!("SELECT {}", number % 3),
        format!("SET key:{} {number}:{value}", number % 97),
        format!("APPEND log {number},"),
        format!("RPUSH list:{} {number}", number % 5),
    ] {
        world.ask(0, client, &line);
    }
}

fn event(world: &World, index: usize, text: &str) -> bool {
    world.nodes[index].events.iter().any(|event| event.to_string().contains(text))
}

/// Waits for the same offset and compares.
fn settle(world: &mut World) {
    world.until_info(1, "master_link_status", "up");
    world.until("the same offset", |world| {
        world.info(0, "master_repl_offset") == world.info(1, "master_repl_offset")
    });
    assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(1, "DEBUG DIGEST"));
    assert_eq!(world.info(0, "master_replid"), world.info(1, "master_replid"));
}

#[test]
fn the_stream_flows_beside_the_snapshot() {
    for load in ["disabled", "swapdb"] {
        let mut world = begun(load, &[]);
        world.until("both connections are in use", |world| {
            let info = world.run(0, "INFO replication");
            let text = info.as_str().expect("text").to_owned();
            text.contains("state=wait_bgsave,offset=0,lag=0,type=rdb-channel")
                && text.contains("state=bg_transfer,offset=0,lag=0,type=main-channel")
        });
        assert_eq!(world.info(1, "master_sync_in_progress"), "1");
        for number in 0..30 {
            write(&mut world, number);
        }
        // The master sends what it has, and the replica keeps it.
        world.until("it is stored", |world| world.node(1).replica_link().stored_bytes() > 3000);
        assert!(world.info(1, "replicas_repl_buffer_size").parse::<u64>().expect("a number") > 3000);
        assert_eq!(world.info(0, "replicas_waiting_psync"), "0");
        settle(&mut world);
        assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
        assert_eq!(world.info(0, "connected_slaves"), "1");
        world.until("it is online", |world| world.info(0, "slave0").contains("state=online"));
        assert!(world.info(0, "slave0").ends_with("type=replica"));
        assert_eq!(world.run(1, "EXISTS old"), Reply::Integer(0));
        world.cut(1);
        world.run(0, "SET meanwhile 1");
        settle(&mut world);
        assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "2".into()));
    }
}

/// What clients are answered during the transfer is what they are answered during any other.
#[test]
fn clients_are_answered_while_it_loads() {
    for dual in ["yes", "no"] {
        for load in ["disabled", "swapdb"] {
            let mut world = begun(load, &[("dual-channel-replication-enabled", dual)]);
            world.nodes[1].has_slow_disk = true;
            let mut seen = Vec::new();
            world.until("it is up", |world| {
                let (loading, up) = (world.info(1, "loading"), world.info(1, "master_link_status"));
                if loading == "1" {
                    let reply = world.run(1, "GET key:1");
                    seen.push(reply.as_error().is_some_and(|text| text.starts_with(b"LOADING")));
                    assert!(!world.run(1, "CONFIG GET port").is_error());
                }
                up == "up"
            });
            assert!(!seen.is_empty() && seen.iter().all(|it| *it), "dual {dual}, {load}: {seen:?}");
            settle(&mut world);
        }
    }
}

/// Whichever connection is lost, and when: all begins anew and ends well.
#[test]
fn either_connection_may_be_lost_at_any_moment() {
    let (mut cuts, mut once) = (0, 0);
    for load in ["disabled", "swapdb"] {
        for slow_disk in [false, true] {
            for link in [0, 1] {
                for point in (0..300).step_by(19) {
                    let mut world = begun(load, &[]);
                    world.nodes[1].has_slow_disk = slow_disk;
                    for step in 0..point {
                        if step % 4 == 0 {
                            write(&mut world, step);
                        }
                        world.step();
                    }
                    cuts += u32::from(world.cut_link(1, link));
                    for number in 0..10 {
                        write(&mut world, number);
                    }
                    settle(&mut world);
                    once += u32::from(world.info(0, "sync_full") == "1");
                    assert_eq!(world.info(0, "rdb_bgsave_in_progress"), "0");
                    // Whatever was kept for somebody is free once a minute has passed.
                    world.now = world.now + Millis(61_000);
                    world.step();
                    assert_eq!(world.info(0, "replicas_waiting_psync"), "0");
                }
            }
        }
    }
    assert!(cuts > 80, "{cuts}");
    assert!(once > 10, "a loss before or after the transfer costs no other: {once}");
}

#[test]
fn no_more_is_read_than_may_be_stored() {
    const LIMIT: u64 = 4000;
    let mut world = begun("disabled", &[("client-output-buffer-limit", "replica 4000 0 0")]);
    let mut most = 0;
    for number in 0..200 {
        write(&mut world, number);
        world.step();
        let stored = world.node(1).replica_link().stored_bytes();
        most = most.max(stored);
        // One read of the host may have been on its way.
        assert!(stored < LIMIT + 4000, "{stored}");
    }
    assert!(most > LIMIT && event(&world, 1, "Replication buffer limit reached"), "{most}");
    // The master keeps the rest.
    assert!(world.info(0, "repl_backlog_histlen").parse::<u64>().expect("a number") > 16_384);
    settle(&mut world);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
}

/// A load that takes long stops the snapshot's connection; the stream's goes by its own limit.
#[test]
fn a_slow_load_lets_no_more_be_stored() {
    const LIMIT: u64 = 4000;
    let slow = [("key-load-delay", "30000"), ("client-output-buffer-limit", "replica 4000 0 0")];
    let mut world = begun("swapdb", &slow);
    // Each key is loaded before the next one comes, and so the connection stops and goes on for each.
    world.run(0, "CONFIG SET rdb-key-save-delay 50000");
    let value = "v".repeat(1000);
    let mut most = 0;
    for number in 0..1500 {
        world.run(0, &format!("SET other:{} {value}", number % 50));
        world.step();
        most = most.max(world.node(1).replica_link().stored_bytes());
    }
    // One read of the host may have been on its way.
    assert!(most > LIMIT && most < LIMIT + 4000, "{most}");
    settle(&mut world);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
}

#[test]
fn another_role_in_the_middle_of_it() {
    for point in (0..200).step_by(13) {
        let mut world = begun("disabled", &[]);
        world.pass(Millis(point));
        assert_eq!(world.run(1, "REPLICAOF NO ONE"), Reply::ok());
        assert_eq!(world.run(1, "SET own 1"), Reply::ok());
        world.pass(Millis(100));
        assert_eq!(world.info(0, "connected_slaves"), "0");
        assert_eq!(world.run(1, "REPLICAOF node 0"), Reply::ok());
        settle(&mut world);
        assert_eq!(world.run(1, "EXISTS own"), Reply::Integer(0));
    }
}

#[test]
fn the_directive_counts_from_the_next_synchronisation_on() {
    let mut world = begun("disabled", &[]);
    world.until("it has begun", |world| event(world, 1, "dual-channel sync"));
    for index in [0, 1] {
        assert_eq!(world.run(index, "CONFIG SET dual-channel-replication-enabled no"), Reply::ok());
    }
    settle(&mut world);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
    world.run(0, "DEBUG CHANGE-REPL-ID");
    world.cut(1);
    world.until("a second copy", |world| world.info(0, "sync_full") == "2");
    settle(&mut world);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("2".into(), "1".into()));
    assert!(!world.info(0, "slave0").contains("type="));
}

/// A replica that passes its stream on names the database that this has selected.
#[test]
fn a_chain_synchronises_in_the_middle_of_the_stream() {
    let mut world = begun("disabled", &[("rdb-key-save-delay", "1000")]);
    settle(&mut world);
    world.add(&[DUAL]);
    let client = world.client(0);
    world.ask(0, client, "SELECT 2");
    world.ask(0, client, "SET two 1");
    assert_eq!(world.run(2, "REPLICAOF node 1"), Reply::ok());
    world.until("it flows", |world| event(world, 2, "dual-channel sync"));
    // No other SELECT follows.
    for number in 0..300 {
        world.ask(0, client, &format!("SET two:{number} x"));
    }
    world.until_info(2, "master_link_status", "up");
    world.until("the same offset", |world| {
        world.info(0, "master_repl_offset") == world.info(2, "master_repl_offset")
    });
    assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(2, "DEBUG DIGEST"));
}
