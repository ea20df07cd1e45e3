//! Nodes beside redis-servers, as their replicas and as their masters.

use picket_testkit::{DataServer, RedisServer};

use crate::common::{needs_redis, node, wait_for_copy};

/// A few keys of every type.
#[track_caller]
fn fill(server: &DataServer, prefix: &str) {
    let mut client = server.client().expect("connected");
    let long = "x".repeat(20_000);
    for number in 0..200 {
        let (key, value) = (format!("{prefix}:{number}"), format!("value {number}"));
        for command in [
            ["SET", &format!("{key}:string"), &value].as_slice(),
            &["SET", &format!("{key}:expires"), &value, "PX", "3600000"],
            &["SET", &format!("{key}:long"), &long],
            &["RPUSH", &format!("{key}:list"), "a", &value, "c"],
            &["SADD", &format!("{key}:ints"), "1", "2", "70000"],
            &["SADD", &format!("{key}:set"), "a", &value],
            &["HSET", &format!("{key}:hash"), "field", &value, "other", "1"],
            &["ZADD", &format!("{key}:zset"), "1.5", "a", "-inf", &value],
        ] {
            let reply = client.cmd(command).expect("a reply");
            assert!(reply.error().is_none(), "{command:?}: {reply}");
        }
    }
    assert!(client.cmd(&["SELECT", "3"]).expect("a reply").is_ok());
    assert!(client.cmd(&["SET", prefix, "in another database"]).expect("a reply").is_ok());
}

#[test]
fn a_node_becomes_a_copy_of_a_redis_server_and_stays_one() {
    needs_redis!();
    for diskless in ["repl-diskless-sync yes", "repl-diskless-sync no"] {
        let master = RedisServer::start(&[diskless]);
        fill(&master, "before");
        let replica = node(&[&format!("replicaof 127.0.0.1 {}", master.port())]);
        wait_for_copy(&replica, &master);
        fill(&master, "after");
        wait_for_copy(&replica, &master);
        assert!(!replica.accepts_writes(), "it is read-only");
    }
}

#[test]
fn a_redis_server_becomes_a_copy_of_a_node_and_stays_one() {
    needs_redis!();
    for diskless in ["repl-diskless-sync yes", "repl-diskless-sync no"] {
        let master = node(&[diskless]);
        fill(&master, "before");
        let replica = RedisServer::start(&[&format!("replicaof 127.0.0.1 {}", master.port())]);
        wait_for_copy(&replica, &master);
        fill(&master, "after");
        wait_for_copy(&replica, &master);
    }
}

#[test]
fn a_chain_of_both_kinds_ends_with_the_same_data() {
    needs_redis!();
    let first = node(&[]);
    fill(&first, "chain");
    let second = RedisServer::start(&[&format!("replicaof 127.0.0.1 {}", first.port())]);
    let third = node(&[&format!("replicaof 127.0.0.1 {}", second.port())]);
    let fourth = RedisServer::start(&[&format!("replicaof localhost {}", third.port())]);
    wait_for_copy(&second, &first);
    wait_for_copy(&third, &second);
    wait_for_copy(&fourth, &third);
    fill(&first, "more");
    wait_for_copy(&second, &first);
    wait_for_copy(&third, &second);
    wait_for_copy(&fourth, &third);
}

#[test]
fn a_password_is_given_to_the_master_and_never_logged() {
    needs_redis!();
    let master = RedisServer::start(&["requirepass hunter2"]);
    fill(&master, "secret");
    let replica =
        node(&[&format!("replicaof 127.0.0.1 {}", master.port()), "masterauth hunter2", "loglevel debug"]);
    wait_for_copy(&replica, &master);
    assert!(!replica.log_text().contains("hunter2"));
}
