//! Replicas that are synchronised while the data changes all the time.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::load::Load;
use crate::same::{DEBUG, assert_same, follow, ok, stat};
use crate::sample::{cmd, run};

#[track_caller]
fn copies_under_load(master: &DataProgram, replica: &DataProgram) {
    let master = DataServer::start_as(master, &[DEBUG]);
    // So much that the writers get through a good deal of work before a snapshot is written.
    let value = "some text that is neither short nor long".repeat(4);
    let many: Vec<_> = (0..30_000).map(|n| cmd!["SET", format!("much:{n}"), format!("{n}{value}")]).collect();
    run(&master, &many);
    let load = Load::start(&master, 4);
    let mut replicas = Vec::new();
    for (sync, load) in [("no", "disabled"), ("yes", "swapdb"), ("yes", "disabled")] {
        ok(&master, &["CONFIG", "SET", "repl-diskless-sync", sync]);
        let replica = DataServer::start_as(replica, &[DEBUG, &format!("repl-diskless-load {load}")]);
        follow(&replica, master.port());
        wait_until(SOON, "the link is up", || replica.follows(master.port()));
        replicas.push(replica);
    }
    load.wait_for(5000);
    load.stop();
    assert_same(&master, &replicas.iter().collect::<Vec<_>>());
    assert_eq!(stat(&master, "sync_full"), 3);
    for replica in &replicas {
        assert!(!replica.log_text().contains("CRITICAL"));
    }
}

#[test]
fn a_node_is_synchronised_while_a_redis_server_is_written_to() {
    needs_redis!();
    copies_under_load(&DataProgram::Redis, &ours());
}

#[test]
fn a_redis_server_is_synchronised_while_a_node_is_written_to() {
    needs_redis!();
    copies_under_load(&ours(), &DataProgram::Redis);
}

#[test]
fn a_node_is_synchronised_while_a_node_is_written_to() {
    copies_under_load(&ours(), &ours());
}
