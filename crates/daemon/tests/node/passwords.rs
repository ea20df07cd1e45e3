//! Masters that want a password, or a user and a password.

use std::time::Duration;

use picket_testkit::{DataProgram, DataServer, hold_for, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::same::{DEBUG, ok};

/// What a replica needs to be allowed, and no more.
const USER: &str = "user replicator on >s3same +psync +replconf +ping";

fn copied(replica: &DataServer, master: &DataServer, key: &str) {
    ok(master, &["SET", key, "1"]);
    wait_until(SOON, "the key arrives", || {
        replica.cmd(&["EXISTS", key]).is_ok_and(|reply| reply.int() == Some(1))
    });
}

#[track_caller]
fn authenticates(master: &DataProgram, replica: &DataProgram) {
    let master = DataServer::start_as(master, &[DEBUG, "requirepass hunter2", USER]);
    let replica = DataServer::start_as(
        replica,
        &[&format!("replicaof 127.0.0.1 {}", master.port()), "masterauth wrong", "loglevel debug"],
    );
    // A wrong password is named as the cause, and tried again at the pace of the cron and no faster.
    replica.wait_logged(SOON, "Unable to AUTH to MASTER");
    let tries = || replica.log_text().matches("Unable to AUTH to MASTER").count();
    let before = tries();
    hold_for(Duration::from_millis(2500), "about one try in a second", || tries() - before <= 4);
    assert_eq!(replica.replication("master_link_status"), "down");

    ok(&replica, &["CONFIG", "SET", "masterauth", "hunter2"]);
    copied(&replica, &master, "by the default user");

    // A user with few rights does as well.
    ok(&replica, &["REPLICAOF", "NO", "ONE"]);
    ok(&replica, &["CONFIG", "SET", "masteruser", "replicator", "masterauth", "s3same"]);
    ok(&replica, &["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    copied(&replica, &master, "by a user of its own");
    let clients = master.cmd(&["CLIENT", "LIST", "TYPE", "replica"]).expect("a reply").text().expect("text");
    assert!(clients.contains("user=replicator"), "{clients}");

    for log in [replica.log_text(), master.log_text()] {
        for secret in ["hunter2", "s3same"] {
            assert!(!log.contains(secret), "a password in a log:\n{log}");
        }
    }
}

#[test]
fn a_node_authenticates_with_a_redis_server() {
    needs_redis!();
    authenticates(&DataProgram::Redis, &ours());
}

#[test]
fn a_redis_server_authenticates_with_a_node() {
    needs_redis!();
    authenticates(&ours(), &DataProgram::Redis);
}

#[test]
fn without_a_password_the_log_says_that_the_master_wants_one() {
    needs_redis!();
    let master = DataServer::start(&["requirepass hunter2"]);
    let replica = DataServer::start_as(&ours(), &[&format!("replicaof 127.0.0.1 {}", master.port())]);
    replica.wait_logged(SOON, "NOAUTH");
    let tries = || replica.log_text().matches("Connecting to MASTER").count();
    let before = tries();
    hold_for(Duration::from_millis(1500), "about one try in a second", || tries() - before <= 3);
    assert_eq!(replica.replication("master_link_status"), "down");
}
