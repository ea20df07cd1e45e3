//! What a master and its replica agree upon when something happens at the same moment.

mod world;

use picket_node_core::{EndSignal, NodeEvent, NodeInput};
use picket_replication::LinkEvent;
use picket_resp::Reply;
use picket_sansio::Millis;
use world::World;

/// A master and a replica that has all of it.
fn pair(master: &[(&str, &str)], replica: &[(&str, &str)]) -> World {
    let mut world = World::new();
    world.add(master);
    world.add(replica);
    world.run(0, "SET first 1");
    world.run(1, "REPLICAOF node 0");
    world.until_info(1, "master_link_status", "up");
    settle(&mut world);
    world
}

#[track_caller]
fn settle(world: &mut World) {
    world.until("the same offset", |world| {
        world.info(0, "master_repl_offset") == world.info(1, "master_repl_offset")
    });
}

#[test]
fn a_save_point_that_is_due_when_a_write_arrives_saves_both_or_neither() {
    let mut world = pair(&[], &[("save", "1 1")]);
    world.pass(Millis(3000));
    world.run(0, "SET x 1");
    world.until_info(1, "rdb_changes_since_last_save", "0");
    let saves = world.info(1, "rdb_saves");
    world.run(0, "SET y 1");
    settle(&mut world);
    let client = world.client(0);
    world.send(0, client, "INCR counter");
    // The next input of the replica is that write, at a time at which it has to save.
    world.now = world.now + Millis(2000);
    world.until("another save", |world| world.info(1, "rdb_saves") != saves);
    settle(&mut world);
    assert_eq!(world.run(1, "GET counter"), Reply::bulk("1"));
    world.kill(1);
    world.configure(1, "replicaof", "node 0");
    world.configure(1, "save", "");
    world.start(1);
    world.until_info(1, "master_link_status", "up");
    settle(&mut world);
    assert_eq!(world.info(0, "sync_partial_ok"), "1", "the file has a place in the history");
    assert_eq!(world.run(1, "GET counter"), Reply::bulk("1"), "after the restart");
}

/// What waits while the data is replaced is saved with the history that the new data is of.
#[test]
fn a_scheduled_save_waits_until_what_was_loaded_has_its_history() {
    for load in ["swapdb", "disabled"] {
        let mut world = pair(&[], &[("repl-diskless-load", load)]);
        world.add(&[]);
        for number in 0..30 {
            world.run(0, &format!("SET key:{number} {number}"));
        }
        settle(&mut world);
        let old = world.info(1, "master_replid");
        world.run(1, "CONFIG SET rdb-key-save-delay 900000");
        world.run(2, "REPLICAOF node 1");
        world.until("a snapshot", |world| world.node(1).status().is_saving);
        assert_eq!(world.run(1, "BGSAVE SCHEDULE"), Reply::simple("Background saving scheduled"));
        world.run(0, "DEBUG CHANGE-REPL-ID");
        world.cut(1);
        world.run(0, "SET another 1");
        world.until("a second copy", |world| world.info(0, "sync_full") == "2");
        world.until_info(1, "master_link_status", "up");
        world.run(2, "REPLICAOF NO ONE");
        world.run(1, "CONFIG SET rdb-key-save-delay 0");
        world.until_info(1, "rdb_saves", "1");
        let new = world.info(1, "master_replid");
        let file = &world.nodes[1].disk["dump.rdb"];
        let has = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("another") && has(&new) && !has(&old), "{load}");
        // And that is where it goes on.
        world.kill(1);
        world.configure(1, "replicaof", "node 0");
        world.start(1);
        world.until_info(1, "master_link_status", "up");
        settle(&mut world);
        assert_eq!(world.info(0, "sync_full"), "2", "{load}");
        assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(1, "DEBUG DIGEST"), "{load}");
    }
}

/// What has arrived is complete: it is loaded, and then gone on from.
#[test]
fn a_link_that_is_lost_during_a_slow_load_is_gone_on_from() {
    for load in ["swapdb", "disabled"] {
        let mut world = World::new();
        world.add(&[("repl-diskless-sync", "no")]);
        world.add(&[("repl-diskless-load", load), ("key-load-delay", "2000")]);
        for number in 0..60 {
            world.run(0, &format!("SET key:{number} {number}"));
        }
        world.run(1, "REPLICAOF node 0");
        world.until("it loads", |world| {
            let is_loading = |event: &NodeEvent| matches!(event, NodeEvent::Link(LinkEvent::Loading { .. }));
            world.nodes[1].events.iter().any(is_loading)
        });
        world.cut(1);
        world.run(0, "SET meanwhile 1");
        assert_eq!(world.info(1, "master_sync_in_progress"), "1", "{load}");
        world.until_info(1, "master_link_status", "up");
        settle(&mut world);
        let syncs = (world.info(0, "sync_full"), world.info(0, "sync_partial_ok"));
        assert_eq!(syncs, ("1".into(), "1".into()), "{load}");
        assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(1, "DEBUG DIGEST"), "{load}");
    }
}

/// The file tells no history of which this node does not know where it stands.
#[test]
fn a_replica_with_another_name_for_its_history_saves_a_file_without_one() {
    let mut world = pair(&[], &[]);
    let old = world.info(1, "master_replid");
    assert_eq!(world.run(1, "DEBUG CHANGE-REPL-ID"), Reply::ok());
    let new = world.info(1, "master_replid");
    assert_ne!(old, new);
    assert_eq!(world.run(1, "BGSAVE"), Reply::simple("Background saving started"));
    world.until_info(1, "rdb_saves", "1");
    let file = &world.nodes[1].disk["dump.rdb"];
    let has = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("first") && !has(&old) && !has(&new));
}

#[test]
fn a_failover_inside_a_transaction_waits_for_all_of_it() {
    let mut world = pair(&[], &[]);
    let client = world.client(0);
    for line in ["MULTI", "SET before 1", "FAILOVER", "SET after 1"] {
        world.ask(0, client, line);
    }
    let ok = Reply::ok();
    assert_eq!(world.ask(0, client, "EXEC"), Reply::array([ok.clone(), ok.clone(), ok]));
    world.until_info(1, "role", "master");
    world.until_info(0, "master_link_status", "up");
    settle(&mut world);
    assert_eq!(world.run(1, "GET before"), Reply::bulk("1"));
    assert_eq!(world.run(1, "GET after"), Reply::bulk("1"));
    assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(1, "DEBUG DIGEST"));
}

#[test]
fn a_stream_with_more_databases_than_there_are_ends_no_node() {
    let mut world = pair(&[("databases", "32")], &[("databases", "16")]);
    let client = world.client(0);
    world.ask(0, client, "SELECT 20");
    world.ask(0, client, "SET k v");
    settle(&mut world);
    assert_eq!(world.info(1, "unexpected_error_replies"), "1", "the SELECT is refused");
    // The file tells the database in which the replica is, not the one that it was told.
    world.run(1, "SAVE");
    world.kill(1);
    world.configure(1, "replicaof", "node 0");
    world.start(1);
    world.until_info(1, "master_link_status", "up");
    world.ask(0, client, "SET k w");
    settle(&mut world);
    assert_eq!(world.run(1, "GET k"), Reply::bulk("w"));
}

#[test]
fn a_file_of_a_stream_with_more_databases_is_not_continued() {
    for follows in [true, false] {
        let mut world = pair(&[], &[("databases", "16")]);
        let client = world.client(0);
        world.ask(0, client, "SELECT 12");
        world.ask(0, client, "SET k v");
        world.ask(0, client, "DEL k");
        settle(&mut world);
        world.run(1, "SAVE");
        world.kill(1);
        world.configure(1, "databases", "4");
        if follows {
            world.configure(1, "replicaof", "node 0");
        }
        world.start(1);
        assert_eq!(world.run(1, "GET first"), Reply::bulk("1"));
        if follows {
            world.until_info(1, "master_link_status", "up");
            assert_eq!(world.info(0, "sync_full"), "2");
        } else {
            assert_eq!(world.info(1, "master_repl_offset"), "0");
        }
    }
}

#[test]
fn a_file_with_an_offset_beyond_all_bounds_is_loaded_and_not_continued() {
    for (offset, expected) in [("18446744073709551615", "0"), ("9223372036854775807", "9223372036854775807")]
    {
        let mut world = World::new();
        let node = world.add(&[]);
        world.kill(node);
        let id = "a".repeat(40);
        let mut file = b"REDIS0010".to_vec();
        for (name, value) in [("repl-stream-db", "0"), ("repl-id", &id), ("repl-offset", offset)] {
            file.push(0xfa);
            for text in [name, value] {
                file.push(text.len() as u8);
                file.extend_from_slice(text.as_bytes());
            }
        }
        file.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
        world.nodes[node].disk.insert("dump.rdb".to_owned(), file);
        world.start(node);
        assert_eq!(world.info(node, "master_repl_offset"), expected);
        assert_eq!(world.run(node, "SET k v"), Reply::ok());
    }
}

#[test]
fn a_message_of_the_stream_reaches_those_whom_it_is_for() {
    let mut world = pair(&[], &[]);
    let mut listener = |line: &str| {
        let client = world.client(1);
        world.ask(1, client, "HELLO 3");
        world.ask(1, client, line);
        client
    };
    let (shard, plain) = (listener("SSUBSCRIBE name"), listener("SUBSCRIBE name"));
    let message = |kind: &str, text: &str| {
        Some(Reply::Push(vec![
            Reply::bulk(kind.to_owned()),
            Reply::bulk("name"),
            Reply::bulk(text.to_owned()),
        ]))
    };
    world.run(0, "SPUBLISH name one");
    settle(&mut world);
    assert_eq!((world.reply(1, shard), world.reply(1, plain)), (message("smessage", "one"), None));
    world.run(0, "PUBLISH name two");
    settle(&mut world);
    assert_eq!((world.reply(1, shard), world.reply(1, plain)), (None, message("message", "two")));
    for command in ["publish", "spublish"] {
        let calls = world.info(1, &format!("cmdstat_{command}"));
        assert!(calls.starts_with("calls=1,"), "{command} {calls}");
    }
}

#[test]
fn flushall_during_a_snapshot_for_a_replica_is_no_failure_of_the_disk() {
    let mut world = World::new();
    world.add(&[("repl-diskless-sync", "no"), ("save", "3600 1000000"), ("rdb-key-save-delay", "5000")]);
    world.add(&[]);
    for number in 0..50 {
        world.run(0, &format!("SET key:{number} value"));
    }
    world.run(1, "REPLICAOF node 0");
    world.until_info(0, "rdb_bgsave_in_progress", "1");
    world.pass(Millis(20));
    assert_eq!(world.run(0, "FLUSHALL"), Reply::ok());
    world.until_info(1, "master_link_status", "up");
    assert_eq!(world.info(0, "rdb_last_bgsave_status"), "ok");
    assert_eq!(world.run(0, "SET key value"), Reply::ok());
    settle(&mut world);
    assert_eq!(world.run(0, "DEBUG DIGEST"), world.run(1, "DEBUG DIGEST"));
}

#[test]
fn an_end_tells_how_many_replicas_have_all_of_it() {
    let mut world = pair(&[], &[]);
    let client = world.client(0);
    world.send(0, client, "SET last 1");
    world.send(0, client, "SHUTDOWN NOSAVE");
    world.until("the end", |world| world.nodes[0].exit == Some(0));
    let text = world.told(0);
    assert!(!text.contains("Lagging"), "{text}");
    assert!(text.contains("1 of 1 replicas are in sync when shutting down."), "{text}");
    assert_eq!(world.run(1, "GET last"), Reply::bulk("1"));

    // One that is silent is named.
    let mut world = pair(&[("shutdown-timeout", "1")], &[]);
    world.stall(1);
    let client = world.client(0);
    world.send(0, client, "SET last 1");
    world.send(0, client, "SHUTDOWN NOSAVE");
    world.until("the end", |world| world.nodes[0].exit == Some(0));
    let text = world.told(0);
    assert!(text.contains("Lagging replica") && text.contains("0 of 1 replicas are in sync"), "{text}");
}

#[test]
fn a_signal_ends_a_node_as_its_directive_says() {
    for (how, signal, saved) in [
        ("default", EndSignal::Terminate, false),
        ("save", EndSignal::Terminate, true),
        ("save now", EndSignal::Terminate, true),
        ("save", EndSignal::Interrupt, false),
    ] {
        let mut world = World::new();
        let node = world.add(&[("shutdown-on-sigterm", how)]);
        world.run(node, "SET k v");
        world.input(node, NodeInput::Terminate { signal });
        world.until("the end", |world| world.nodes[node].exit == Some(0));
        assert_eq!(world.nodes[node].disk.contains_key("dump.rdb"), saved, "{how} {signal:?}");
    }
}

#[test]
fn a_file_of_a_synchronisation_goes_where_nothing_is_to_be_saved() {
    for (save, stays) in [("", false), ("3600 1", true)] {
        let directives = [
            ("repl-diskless-sync", "no"),
            ("repl-diskless-load", "disabled"),
            ("rdb-del-sync-files", "yes"),
            ("save", save),
        ];
        let world = pair(&directives, &directives);
        for node in 0..2 {
            assert_eq!(world.nodes[node].disk.contains_key("dump.rdb"), stays, "{node} {save}");
        }
    }
}

#[test]
fn an_error_of_the_stream_ends_a_replica_that_is_told_so() {
    for (behavior, read_only, exit) in [
        ("ignore", "yes", None),
        ("panic", "yes", Some(1)),
        ("panic-on-replicas", "yes", Some(1)),
        // Who writes on a replica has to reckon with it.
        ("panic", "no", None),
    ] {
        let replica =
            [("databases", "16"), ("propagation-error-behavior", behavior), ("replica-read-only", read_only)];
        let mut world = pair(&[("databases", "32")], &replica);
        let client = world.client(0);
        world.ask(0, client, "SELECT 20");
        world.ask(0, client, "SET k v");
        world.pass(Millis(100));
        assert_eq!(world.nodes[1].exit, exit, "{behavior} {read_only}");
    }
}

#[test]
fn a_replica_that_cannot_save_goes_on_only_if_it_is_told_so() {
    for (ignore, exit) in [("no", Some(1)), ("yes", None)] {
        let mut world = pair(&[], &[("save", "3600 1"), ("replica-ignore-disk-write-errors", ignore)]);
        world.nodes[1].has_full_disk = true;
        assert_eq!(world.run(1, "BGSAVE"), Reply::simple("Background saving started"));
        world.until("the failure", |world| {
            world.run(1, "PING").as_error().is_some_and(|text| text.starts_with(b"MISCONF"))
        });
        world.run(0, "SET k v");
        world.pass(Millis(100));
        assert_eq!(world.nodes[1].exit, exit, "{ignore}");
        if exit.is_none() {
            assert_eq!(world.run(1, "GET k"), Reply::bulk("v"));
        }
    }
}

#[test]
fn renamed_commands_reach_replicas_and_those_who_wait() {
    let mut world = World::new();
    let renames: &[(&str, &str)] = &[
        ("rename-command", "SET xset"),
        ("rename-command", "BLPOP xblpop"),
        ("rename-command", "PUBLISH xpublish"),
        ("rename-command", "PEXPIREAT \"\""),
    ];
    let master = world.add(renames);
    let at = ("replicaof".to_owned(), format!("127.0.0.1 {master}"));
    let replica = world.add(&[&[(&at.0[..], &at.1[..])], renames].concat());
    world.until_info(replica, "master_link_status", "up");
    let subscriber = world.client(replica);
    world.ask(replica, subscriber, "SUBSCRIBE news");
    let waits = world.client(master);
    world.send(master, waits, "xblpop list 0");
    assert_eq!(world.reply(master, waits), None);
    world.run(master, "xset key value");
    // What this is rewritten to has a name that is gone.
    world.run(master, "EXPIRE key 1000");
    world.run(master, "xpublish news today");
    world.run(master, "RPUSH list item");
    let popped = world.reply(master, waits).expect("it was woken");
    assert_eq!(popped.as_array().and_then(|items| items[1].as_str()), Some("item"));
    world.until("the key is there", |world| world.run(replica, "GET key").as_str() == Some("value"));
    assert!(world.run(replica, "TTL key").as_int() > Some(0));
    let heard = world.reply(replica, subscriber).expect("a message");
    assert_eq!(heard.as_array().and_then(|items| items[2].as_str()), Some("today"));
    assert_eq!(world.info(replica, "unexpected_error_replies"), "0");
}
