//! A replica that stands still while much is written: the master lets it go, and takes it back.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::same::{DEBUG, assert_same, follow, stat};
use crate::sample::{cmd, run};

#[track_caller]
fn falls_behind(master: &DataProgram, replica: &DataProgram) {
    let limit = "client-output-buffer-limit replica 4mb 0 0";
    let master = DataServer::start_as(master, &[DEBUG, limit, "repl-backlog-size 1mb"]);
    let mut replica = DataServer::start_as(replica, &[DEBUG]);
    follow(&replica, master.port());
    wait_until(SOON, "the link is up", || replica.follows(master.port()));
    replica.process().stop();
    let value = "v".repeat(100_000);
    // More than the buffers of both sockets and the limit together.
    let many: Vec<_> = (0..400).map(|n| cmd!["SET", format!("{}", n % 50), format!("{n}{value}")]).collect();
    run(&master, &many);
    wait_until(SOON, "the master has let it go", || {
        run(&master, &many[..20]);
        master.replication("connected_slaves") == "0"
    });
    master.wait_logged(SOON, "output buffer limit");
    replica.process().cont();
    assert_same(&master, &[&replica]);
    assert_eq!(stat(&master, "sync_full"), 2, "its place in the stream was gone");
}

#[test]
fn a_redis_server_that_stands_still_does_not_hold_up_a_node() {
    needs_redis!();
    falls_behind(&ours(), &DataProgram::Redis);
}

#[test]
fn a_node_that_stands_still_is_let_go_and_comes_back() {
    needs_redis!();
    falls_behind(&DataProgram::Redis, &ours());
}
