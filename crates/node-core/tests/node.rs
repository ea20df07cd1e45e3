//! Nodes as their clients, masters and replicas see them.

mod world;

use picket_node_core::{Node, NodeInput};
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
fn a_member_that_is_moved_to_where_it_is_changes_nothing_there() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    for line in ["SADD from a b", "SADD to a", "WATCH to", "MULTI"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.run(0, "SMOVE from to a"), Reply::Integer(1));
    assert_eq!(world.ask(0, client, "EXEC"), Reply::Array(Vec::new()));
    for line in ["WATCH to", "MULTI"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.run(0, "SMOVE from to b"), Reply::Integer(1));
    assert!(world.ask(0, client, "EXEC").is_null());
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
fn nobody_is_tried_again_for_a_key_that_has_expired() {
    let mut world = World::new();
    world.add(&[]);
    world.run(0, "DEBUG SET-ACTIVE-EXPIRE 0");
    let (client, waiter) = (world.client(0), world.client(0));
    world.ask(0, waiter, "SELECT 9");
    for line in ["RPUSH list a", "PEXPIRE list 10"] {
        world.ask(0, client, line);
    }
    world.send(0, waiter, "BRPOP list 0");
    world.pass(Millis(100));
    world.ask(0, client, "SWAPDB 0 9");
    assert_eq!(world.reply(0, waiter), None);
    // It is still there, for somebody to find it expired.
    world.ask(0, client, "SELECT 9");
    assert_eq!(world.ask(0, client, "DBSIZE"), Reply::Integer(1));
    world.ask(0, client, "RPUSH list b");
    assert_eq!(world.reply(0, waiter), Some(Reply::array([Reply::bulk("list"), Reply::bulk("b")])));
}

#[test]
fn what_flushall_removed_does_not_come_back() {
    let mut world = World::new();
    world.add(&[("save", "3600 1")]);
    world.run(0, "SET k v");
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    assert_eq!(world.run(0, "FLUSHALL"), Reply::ok());
    // It is on disk when that is answered, so nothing is in the way of the next save.
    assert_eq!(world.info(0, "rdb_changes_since_last_save"), "0");
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    world.kill(0);
    world.start(0);
    assert_eq!(world.run(0, "DBSIZE"), Reply::Integer(0));
}

#[test]
fn a_transaction_with_flushall_is_over_when_the_empty_file_is_on_disk() {
    let mut world = World::new();
    world.add(&[("save", "3600 1")]);
    world.run(0, "SET k v");
    world.nodes[0].has_slow_disk = true;
    let client = world.client(0);
    for line in ["MULTI", "FLUSHALL", "DBSIZE"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.ask(0, client, "EXEC"), Reply::array([Reply::ok(), Reply::Integer(0)]));
    // The client goes on after it, and nobody else is held up.
    world.send(0, client, "INFO persistence");
    assert_eq!(world.reply(0, client), None);
    assert_eq!(world.info(0, "rdb_changes_since_last_save"), "2");
    world.until("the file", |world| world.info(0, "rdb_changes_since_last_save") == "0");
    assert!(world.reply(0, client).is_some_and(|reply| {
        reply
            .as_bytes()
            .is_some_and(|text| text.windows(31).any(|line| line == b"rdb_changes_since_last_save:0\r\n"))
    }));
    assert_eq!(world.ask(0, client, "SAVE"), Reply::ok());
}

#[test]
fn changes_are_counted_on_replicas_too_and_what_goes_by_itself_is_none() {
    let mut world = pair("yes", "disabled");
    let changes = |world: &mut World| {
        let count = |world: &mut World, node| world.info(node, "rdb_changes_since_last_save").parse().ok();
        (count(world, 0).unwrap_or(0_u64), count(world, 1).unwrap_or(0_u64))
    };
    settle(&mut world, 0, 1);
    let before = changes(&mut world);
    world.run(0, "SADD s a b c");
    world.run(0, "SADD s a");
    world.run(0, "SET short 1 PX 10");
    world.pass(Millis(1000));
    settle(&mut world, 0, 1);
    assert_eq!(world.run(1, "EXISTS short"), Reply::Integer(0));
    let after = changes(&mut world);
    // A replica is told of the key that expired with a DEL.
    assert_eq!((after.0 - before.0, after.1 - before.1), (4, 5));
    world.run(0, "CONFIG SET maxmemory-policy allkeys-random");
    world.run(0, "CONFIG SET maxmemory 1");
    world.run(0, "PING");
    assert_eq!((world.run(0, "DBSIZE"), changes(&mut world).0), (Reply::Integer(0), after.0));
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
fn what_a_replica_counted_expires_when_its_master_says_so() {
    let mut world = pair("yes", "disabled");
    world.run(0, "PFADD hll a b");
    world.run(0, "PEXPIRE hll 1000");
    settle(&mut world, 0, 1);
    assert_eq!(world.run(1, "PFCOUNT hll"), Reply::Integer(2));
    let keys = world.run(1, "DBSIZE");
    world.kill(0);
    world.pass(Millis(3000));
    assert_eq!((world.run(1, "GET hll"), world.run(1, "DBSIZE")), (Reply::Null, keys));
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

#[test]
fn who_publishes_to_itself_is_answered_first() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    for line in ["HELLO 3", "SUBSCRIBE news", "PSUBSCRIBE n*", "SSUBSCRIBE shard"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.ask(0, client, "PUBLISH news hello"), Reply::Integer(2));
    let push = |words: &[&str]| Some(Reply::push(words.iter().map(|word| Reply::bulk(word.to_string()))));
    assert_eq!(world.reply(0, client), push(&["message", "news", "hello"]));
    assert_eq!(world.reply(0, client), push(&["pmessage", "n*", "news", "hello"]));
    assert_eq!(world.ask(0, client, "SPUBLISH shard hello"), Reply::Integer(1));
    assert_eq!(world.reply(0, client), push(&["smessage", "shard", "hello"]));
    // Others are told at once, and what they are told is not held back with it.
    let other = world.client(0);
    world.ask(0, other, "SUBSCRIBE news");
    assert_eq!(world.ask(0, client, "PUBLISH news again"), Reply::Integer(3));
    assert_eq!(world.reply(0, other), Some(Reply::array(["message", "news", "again"].map(Reply::bulk))));
}

#[test]
fn who_waits_and_lost_the_right_to_is_refused() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    world.run(0, "ACL SETUSER waiter on nopass +@all allkeys");
    world.ask(0, client, "AUTH waiter x");
    world.send(0, client, "BLPOP list 0");
    world.run(0, "ACL SETUSER waiter resetkeys");
    world.run(0, "RPUSH list a");
    assert_eq!(world.reply(0, client), Some(Reply::error("NOPERM No permissions to access a key")));
    assert_eq!(world.run(0, "LLEN list"), Reply::Integer(1));
    assert_eq!(world.ask(0, client, "PING"), Reply::simple("PONG"));
}

#[test]
fn what_a_transaction_is_refused_is_logged_as_such() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    world.run(0, "ACL SETUSER user on nopass +@all allkeys");
    for line in ["AUTH user x", "MULTI", "INCR k"] {
        world.ask(0, client, line);
    }
    world.run(0, "ACL SETUSER user -incr");
    assert!(matches!(world.ask(0, client, "EXEC"), Reply::Array(replies) if replies[0].is_error()));
    assert!(world.ask(0, client, "INCR k").is_error());
    let contexts: Vec<Reply> = match world.run(0, "ACL LOG") {
        Reply::Array(entries) => {
            entries.iter().filter_map(|entry| Some(entry.as_array()?[5].clone())).collect()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(contexts, ["toplevel", "multi"].map(Reply::bulk));
}

#[test]
fn directives_of_users_take_effect_at_once() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    world.run(0, "ACL SETUSER user on nopass -@all +auth");
    world.ask(0, client, "AUTH user x");
    let logged = |world: &mut World| world.run(0, "ACL LOG").as_array().map(<[Reply]>::len);
    world.run(0, "CONFIG SET acllog-max-len 2");
    for line in ["GET a", "SET a b", "DEL a", "PING"] {
        assert!(world.ask(0, client, line).is_error());
    }
    assert_eq!(logged(&mut world), Some(2));
    world.run(0, "CONFIG SET acllog-max-len 0");
    assert_eq!(logged(&mut world), Some(2), "what is there goes with the next refusal");
    world.ask(0, client, "GET a");
    assert_eq!(logged(&mut world), Some(0));
    let may_listen = |world: &mut World, name: &str| {
        world.run(0, &format!("ACL SETUSER {name} on nopass +@all"));
        world.run(0, &format!("ACL DRYRUN {name} SUBSCRIBE news")) == Reply::ok()
    };
    assert!(!may_listen(&mut world, "before"));
    world.run(0, "CONFIG SET acl-pubsub-default allchannels");
    assert!(may_listen(&mut world, "after") && !may_listen(&mut world, "before"));
}

#[test]
fn a_monitor_that_resets_itself_sees_nothing_more() {
    let mut world = World::new();
    world.add(&[]);
    let (client, other) = (world.client(0), world.client(0));
    for monitor in [client, other] {
        assert_eq!(world.ask(0, monitor, "MONITOR"), Reply::ok());
    }
    assert_eq!(world.ask(0, client, "RESET"), Reply::simple("RESET"));
    assert_eq!(world.ask(0, client, "PING"), Reply::simple("PONG"));
    for word in ["\"RESET\"", "\"PING\""] {
        let line = world.reply(0, other);
        assert!(matches!(&line, Some(Reply::Simple(text)) if text.ends_with(word.as_bytes())), "{line:?}");
    }
}

#[test]
fn a_reload_tells_what_it_loaded() {
    let mut world = World::new();
    world.add(&[]);
    for line in ["SET a 1", "SET b 1", "SET short 1 PX 10", "DEBUG SET-ACTIVE-EXPIRE 0"] {
        world.run(0, line);
    }
    world.pass(Millis(100));
    assert_eq!(world.run(0, "DEBUG RELOAD"), Reply::ok());
    let figures = ["rdb_last_load_keys_loaded", "rdb_last_load_keys_expired"].map(|name| world.info(0, name));
    assert_eq!(figures, ["2", "1"]);
}

#[test]
fn a_snapshot_that_is_being_made_does_not_keep_a_node_from_its_end() {
    for option in ["", " FORCE"] {
        let mut world = World::new();
        world.add(&[("save", "3600 1"), ("rdb-key-save-delay", "1000")]);
        for number in 0..50 {
            world.run(0, &format!("SET key:{number} {number}"));
        }
        assert_eq!(world.run(0, "BGSAVE"), Reply::simple("Background saving started"));
        world.run(0, "SET last 1");
        let client = world.client(0);
        world.send(0, client, &format!("SHUTDOWN{option}"));
        world.until("the end", |world| world.nodes[0].exit.is_some());
        assert_eq!((world.nodes[0].exit, world.reply(0, client)), (Some(0), None));
        world.start(0);
        assert_eq!(world.run(0, "GET last"), Reply::bulk("1"));
    }
}

#[test]
fn a_node_that_ends_while_it_loads_keeps_its_file() {
    let mut world = World::new();
    world.add(&[("save", "3600 1")]);
    world.run(0, "SET a 1");
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    let saved = world.nodes[0].disk["dump.rdb"].clone();
    world.kill(0);
    world.nodes[0].has_slow_disk = true;
    world.start(0);
    let client = world.client(0);
    world.send(0, client, "GET a");
    assert!(world.reply(0, client).is_some_and(|reply| reply.is_error()), "it loads");
    world.send(0, client, "SHUTDOWN");
    world.until("the end", |world| world.nodes[0].exit == Some(0));
    assert!(world.nodes[0].disk["dump.rdb"] == saved);
}

#[test]
fn nothing_is_acknowledged_that_the_last_snapshot_lacks() {
    let mut world = World::new();
    world.add(&[("save", "3600 1")]);
    world.run(0, "SET a 1");
    world.nodes[0].has_slow_disk = true;
    let (client, writer) = (world.client(0), world.client(0));
    world.send(0, client, "SHUTDOWN");
    world.send(0, writer, "SET late 1");
    world.until("the end", |world| world.nodes[0].exit == Some(0));
    assert_eq!(world.reply(0, writer), None);
}

#[test]
fn everybody_who_asked_for_the_end_learns_that_it_is_off() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    world.stall(1);
    world.run(0, "SET a 1");
    let clients = [world.client(0), world.client(0)];
    for client in clients {
        world.send(0, client, "SHUTDOWN NOSAVE");
        assert_eq!(world.reply(0, client), None);
    }
    assert_eq!(world.run(0, "SHUTDOWN ABORT"), Reply::ok());
    for client in clients {
        assert!(world.reply(0, client).is_some_and(|reply| reply.is_error()));
        assert_eq!(world.ask(0, client, "SET b 1"), Reply::ok());
    }
    assert_eq!(world.nodes[0].exit, None);
}

#[test]
fn the_end_waits_for_no_replica_that_is_not_there() {
    for leave in [
        |world: &mut World| world.kill(1),
        |world: &mut World| world.cut(1),
        |world: &mut World| {
            world.run(0, "REPLICAOF node 1");
        },
    ] {
        let mut world = pair("yes", "disabled");
        settle(&mut world, 0, 1);
        world.stall(1);
        world.run(0, "SET a 1");
        let client = world.client(0);
        world.send(0, client, "SHUTDOWN NOSAVE");
        assert_eq!(world.nodes[0].exit, None);
        leave(&mut world);
        let before = world.now;
        world.until("the end", |world| world.nodes[0].exit == Some(0));
        assert!(world.now.since(before) < Millis(1000));
    }
}

#[test]
fn replies_to_a_transaction_stand_in_its_order_whoever_takes_long() {
    let mut world = World::new();
    world.add(&[("aclfile", "users.acl")]);
    let client = world.client(0);
    for line in ["MULTI", "ACL SAVE", "PING"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.ask(0, client, "EXEC"), Reply::array([Reply::ok(), Reply::simple("PONG")]));
    assert_eq!(world.ask(0, client, "PING"), Reply::simple("PONG"));
}

#[test]
fn what_a_transaction_lets_go_goes_on_replicas_too() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    world.run(0, "CONFIG SET maxmemory-policy allkeys-lru");
    let client = world.client(0);
    for line in ["MULTI", "SET x 1", "CONFIG SET maxmemory 1", "INCR x"] {
        world.ask(0, client, line);
    }
    // What makes room comes after the transaction, not between its commands.
    assert_eq!(world.ask(0, client, "EXEC"), Reply::array([Reply::ok(), Reply::ok(), Reply::Integer(2)]));
    assert_eq!(world.run(0, "DBSIZE"), Reply::Integer(0));
    settle(&mut world, 0, 1);
}

#[test]
fn what_a_transaction_wrote_as_a_master_is_in_the_masters_stream() {
    let mut world = pair("yes", "disabled");
    settle(&mut world, 0, 1);
    let client = world.client(0);
    for line in ["MULTI", "SET x 1", "REPLICAOF node 1", "BLPOP nothing 0"] {
        world.ask(0, client, line);
    }
    let Reply::Array(replies) = world.ask(0, client, "EXEC") else { panic!("an array") };
    assert_eq!(replies, [Reply::ok(), Reply::ok(), Reply::NullArray]);
    world.pass(Millis(10));
    world.run(1, "REPLICAOF NO ONE");
    world.until_info(0, "master_link_status", "up");
    settle(&mut world, 1, 0);
    assert_eq!((world.info(1, "sync_full"), world.run(1, "GET x")), ("0".into(), Reply::bulk("1")));
}

#[test]
fn nothing_expires_while_writes_are_held_back() {
    let mut world = pair("yes", "disabled");
    world.run(0, "DEBUG SET-ACTIVE-EXPIRE 0");
    world.run(0, "SET short 1 PX 10");
    settle(&mut world, 0, 1);
    world.pass(Millis(20));
    world.run(0, "CLIENT PAUSE 1000 WRITE");
    let before = world.info(0, "master_repl_offset");
    let client = world.client(0);
    assert!(world.ask(0, client, "GET short").is_null());
    for line in ["MULTI", "GET short", "EXEC"] {
        world.ask(0, client, line);
    }
    assert_eq!(world.info(0, "master_repl_offset"), before);
    world.run(0, "CLIENT UNPAUSE");
    assert!(world.ask(0, client, "GET short").is_null());
    assert_ne!(world.info(0, "master_repl_offset"), before);
}

#[test]
fn a_client_that_leaves_waits_for_nothing_any_more() {
    let mut world = pair("yes", "disabled");
    let client = world.client(0);
    world.ask(0, client, "SET a 1");
    world.send(0, client, "WAIT 5 0");
    assert_eq!(world.node(0).master_side().status().waiting_clients, 1);
    world.input(0, picket_node_core::NodeInput::ClientGone { client });
    assert_eq!(world.node(0).master_side().status().waiting_clients, 0);
}

#[test]
fn a_clone_is_a_checkpoint() {
    let mut world = World::new();
    let node = world.add(&[]);
    world.run(node, "SET k before");
    let mut checkpoint = world.node(node).clone();
    let before = checkpoint.status();
    world.run(node, "SET k after");
    world.run(node, "SET other value");
    assert_eq!(checkpoint.status(), before, "what happens later does not reach it");
    assert_eq!(before.keys.iter().sum::<u64>(), 1);
    assert_eq!(world.node(node).status().keys.iter().sum::<u64>(), 2);
    // Both go on from there in the same way.
    let mut again = checkpoint.clone();
    let later = world.now + Millis(5_000);
    for node in [&mut checkpoint, &mut again] {
        node.handle(later, NodeInput::Wake);
    }
    let outputs = |node: &mut Node| std::iter::from_fn(|| node.poll_output()).collect::<Vec<_>>();
    assert_eq!(outputs(&mut checkpoint), outputs(&mut again));
    assert_eq!(checkpoint.status(), again.status());
}

#[test]
fn refused_and_failed_commands_are_told_apart() {
    let mut world = World::new();
    let node = world.add(&[]);
    world.run(node, "SET k v");
    world.run(node, "GET");
    world.run(node, "GET k too many");
    world.run(node, "INCR k");
    world.run(node, "NOSUCH");
    let get = world.info(node, "cmdstat_get");
    assert!(get.starts_with("calls=0,") && get.ends_with("rejected_calls=2,failed_calls=0"), "{get}");
    let incr = world.info(node, "cmdstat_incr");
    assert!(incr.starts_with("calls=1,") && incr.ends_with("rejected_calls=0,failed_calls=1"), "{incr}");
    assert_eq!(world.info(node, "errorstat_ERR"), "count=4");
    world.run(node, "CONFIG RESETSTAT");
    world.run(node, "INCR k");
    assert_eq!(world.info(node, "errorstat_ERR"), "count=1");
}

#[test]
fn debug_tells_how_long_a_key_was_idle_and_stops_the_cron() {
    let mut world = World::new();
    let node = world.add(&[]);
    world.run(node, "SET k v");
    world.pass(Millis(3_000));
    for _ in 0..2 {
        let told = world.run(node, "DEBUG OBJECT k");
        assert!(told.as_str().expect("a line").ends_with("lru_seconds_idle:3"), "{told:?}");
    }
    world.run(node, "DEBUG PAUSE-CRON 1");
    world.run(node, "SET short v PX 100");
    world.pass(Millis(1_000));
    assert_eq!(world.info(node, "expired_keys"), "0");
    world.run(node, "DEBUG PAUSE-CRON 0");
    world.until_info(node, "expired_keys", "1");
    assert!(world.run(node, "DEBUG REPL-PAUSE clear").is_error());
}
