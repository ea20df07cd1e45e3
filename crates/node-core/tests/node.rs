//! Nodes as their clients, masters and replicas see them.

mod world;

use picket_resp::Reply;
use picket_sansio::Millis;
use world::World;

#[test]
fn a_transaction_answers_for_all_of_its_commands() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    for line in ["MULTI", "SET a 1", "PING", "INCR a", "LPUSH a x", "BLPOP nothing 0", "SELECT 2", "SET b 2"]
    {
        let queued = world.ask(0, client, line);
        assert!(!queued.is_error(), "{line} {queued:?}");
    }
    let Reply::Array(replies) = world.ask(0, client, "EXEC") else { panic!("an array") };
    assert_eq!(replies.len(), 7);
    assert_eq!(replies[1], Reply::simple("PONG"));
    assert_eq!(replies[2], Reply::Integer(2));
    assert!(replies[3].is_error() && replies[4].is_null());
    assert_eq!(world.ask(0, client, "GET b"), Reply::bulk("2"));
    assert_eq!(world.ask(0, client, "EXEC"), Reply::error("ERR EXEC without MULTI"));
    world.ask(0, client, "MULTI");
    assert!(world.ask(0, client, "NOSUCH").is_error());
    let reply = world.ask(0, client, "EXEC");
    assert!(reply.as_error().is_some_and(|text| text.starts_with(b"EXECABORT")), "{reply:?}");
}

#[test]
fn a_watched_key_that_changes_stops_exec() {
    for (between, runs) in [
        ("GET k", true),
        ("SET other 2", true),
        ("SET k 2", false),
        ("APPEND k x", false),
        ("DEL k", false),
        ("SWAPDB 0 1", false),
        ("FLUSHALL", false),
        ("FLUSHDB", false),
    ] {
        let mut world = World::new();
        world.add(&[]);
        let client = world.client(0);
        for line in ["SET k 1", "WATCH k", "MULTI"] {
            world.ask(0, client, line);
        }
        world.run(0, between);
        assert_eq!(!world.ask(0, client, "EXEC").is_null(), runs, "{between}");
        // Afterwards nothing is watched.
        world.ask(0, client, "SET k 3");
        world.ask(0, client, "MULTI");
        assert_eq!(world.ask(0, client, "EXEC"), Reply::Array(Vec::new()));
    }
}

#[test]
fn who_waits_is_served_or_gives_up() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    world.send(0, client, "BLPOP list 0");
    world.send(0, client, "PING");
    assert_eq!(world.reply(0, client), None);
    world.run(0, "RPUSH list a");
    assert_eq!(world.reply(0, client), Some(Reply::array([Reply::bulk("list"), Reply::bulk("a")])));
    assert_eq!(world.reply(0, client), Some(Reply::simple("PONG")));
    let before = world.now;
    assert_eq!(world.ask(0, client, "BLPOP list 0.05"), Reply::NullArray);
    assert!(world.now.since(before) >= Millis(50));
    world.send(0, client, "BLPOP list 0");
    assert_eq!(world.run(0, &format!("CLIENT UNBLOCK {} ERROR", client.0)), Reply::Integer(1));
    assert!(world.reply(0, client).is_some_and(|reply| reply.is_error()));
}

#[test]
fn what_flushall_removed_does_not_come_back() {
    let mut world = World::new();
    world.add(&[("save", "3600 1")]);
    world.run(0, "SET k v");
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    world.run(0, "FLUSHALL");
    world.until_info(0, "rdb_changes_since_last_save", "0");
    world.kill(0);
    world.start(0);
    assert_eq!(world.run(0, "DBSIZE"), Reply::Integer(0));
}

/// A master and a replica that follows it.
fn pair(diskless: &str, load: &str) -> World {
    let mut world = World::new();
    world.add(&[("repl-diskless-sync", diskless)]);
    world.add(&[("repl-diskless-load", load)]);
    for number in 0..200 {
        world.run(0, &format!("SET key:{number} value:{number}"));
    }
    world.run(0, "RPUSH list a b c");
    world.run(0, "ZADD zset 1 one 2 two");
    world.run(0, "HSET hash f v");
    world.run(0, "SADD set 1 2 x");
    assert_eq!(world.run(1, "REPLICAOF node 0"), Reply::ok());
    world.until_info(1, "master_link_status", "up");
    world
}

fn settle(world: &mut World, master: usize, replica: usize) {
    world.until("the same offset", |world| {
        world.info(master, "master_repl_offset") == world.info(replica, "master_repl_offset")
    });
    assert_eq!(world.run(master, "DEBUG DIGEST"), world.run(replica, "DEBUG DIGEST"));
}

#[test]
fn a_replica_follows_its_master() {
    for (diskless, load) in [("yes", "disabled"), ("yes", "swapdb"), ("no", "disabled"), ("no", "swapdb")] {
        let mut world = pair(diskless, load);
        settle(&mut world, 0, 1);
        world.run(0, "SET later 1 EX 100");
        world.run(0, "INCRBYFLOAT later 0.5");
        settle(&mut world, 0, 1);
        assert_eq!(world.run(1, "GET later"), Reply::bulk("1.5"));
        assert!(world.run(1, "SET x y").as_error().is_some_and(|text| text.starts_with(b"READONLY")));
        assert_eq!(world.info(0, "sync_full"), "1");
        // A short loss of the link costs no second snapshot.
        world.cut(1);
        world.run(0, "SET meanwhile 1");
        world.until_info(1, "master_link_status", "up");
        settle(&mut world, 0, 1);
        assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
    }
}

#[test]
fn writes_go_on_while_a_replica_is_synchronised() {
    let mut world = World::new();
    world.add(&[]);
    world.add(&[]);
    for number in 0..20_000 {
        world.run(0, &format!("SET key:{number} {number}"));
    }
    world.run(1, "REPLICAOF node 0");
    for number in 0..3000 {
        world.run(0, &format!("SET key:{} new", number * 5));
        world.run(0, &format!("DEL key:{}", number * 5 + 1));
        world.run(0, &format!("APPEND fresh:{number} x"));
        if number % 10 == 0 {
            world.step();
        }
    }
    world.until_info(1, "master_link_status", "up");
    settle(&mut world, 0, 1);
}

#[test]
fn a_promoted_replica_is_followed_by_its_old_master() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    assert_eq!(world.run(1, "REPLICAOF NO ONE"), Reply::ok());
    assert_eq!(world.run(1, "SET new 1"), Reply::ok());
    world.run(0, "REPLICAOF node 1");
    world.until_info(0, "master_link_status", "up");
    settle(&mut world, 1, 0);
    assert_eq!(world.info(1, "sync_full"), "0");
    assert_eq!(world.info(1, "sync_partial_ok"), "1");
}

#[test]
fn restarts_resume_where_they_were() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    // The replica comes back with what it saved and asks for the rest.
    assert_eq!(world.run(1, "SAVE"), Reply::ok());
    world.kill(1);
    world.run(0, "SET while-away 1");
    world.configure(1, "replicaof", "node 0");
    world.start(1);
    world.until_info(1, "master_link_status", "up");
    settle(&mut world, 0, 1);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("1".into(), "1".into()));
    // So does the replica of a master that comes back.
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    world.kill(0);
    world.pass(Millis(100));
    world.start(0);
    world.until_info(1, "master_link_status", "up");
    settle(&mut world, 0, 1);
    assert_eq!((world.info(0, "sync_full"), world.info(0, "sync_partial_ok")), ("0".into(), "1".into()));
}

#[test]
fn a_planned_failover_changes_the_roles() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    assert_eq!(world.run(0, "FAILOVER"), Reply::ok());
    world.until_info(1, "role", "master");
    world.until_info(0, "master_link_status", "up");
    assert_eq!(world.run(1, "SET after 1"), Reply::ok());
    settle(&mut world, 1, 0);
    assert_eq!(world.info(1, "sync_full"), "0");
}

#[test]
fn wait_counts_replicas() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    let client = world.client(0);
    world.ask(0, client, "SET a 1");
    assert_eq!(world.ask(0, client, "WAIT 1 1000"), Reply::Integer(1));
    assert_eq!(world.ask(0, client, "WAIT 2 50"), Reply::Integer(1));
    assert_eq!(world.ask(0, client, "WAIT 0 0"), Reply::Integer(1));
}

#[test]
fn a_node_that_ends_lets_its_replicas_catch_up_and_saves() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    let client = world.client(0);
    world.send(0, client, "SET last 1");
    world.send(0, client, "SHUTDOWN SAVE");
    world.until("the end", |world| world.nodes[0].exit == Some(0));
    assert!(world.nodes[0].disk.contains_key("dump.rdb"));
    assert_eq!(world.run(1, "GET last"), Reply::bulk("1"));
}

#[test]
fn what_a_transaction_publishes_to_its_own_client_follows_it() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    world.ask(0, client, "HELLO 3");
    world.ask(0, client, "SUBSCRIBE news");
    for line in ["MULTI", "PING", "PUBLISH news hello", "PING"] {
        world.ask(0, client, line);
    }
    let Reply::Array(replies) = world.ask(0, client, "EXEC") else { panic!("an array") };
    assert_eq!(replies, [Reply::simple("PONG"), Reply::Integer(1), Reply::simple("PONG")]);
    let words = ["message", "news", "hello"].map(Reply::bulk);
    assert_eq!(world.reply(0, client), Some(Reply::Push(words.into())));
}
