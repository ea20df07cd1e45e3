//! What was saved is enough to go on from: a restart costs no full copy.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::same::{DEBUG, assert_same, assert_same_digests, stat};
use crate::sample::{cmd, first_round, run, run_second_round};

/// How the server in question ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// SHUTDOWN SAVE.
    Orderly,
    /// SAVE, some more writes, `kill -9`.
    Killed,
}

#[track_caller]
fn end(server: &mut DataServer, how: End) {
    match how {
        End::Orderly => {
            // There is no reply: the connection ends.
            let _ = server.cmd(&["SHUTDOWN", "SAVE"]);
            assert!(server.process().wait_exit(SOON).success());
        }
        End::Killed => server.kill9(),
    }
}

#[track_caller]
fn replica_goes_on(master: &DataProgram, replica: &DataProgram, how: End) {
    let master = DataServer::start_as(master, &[DEBUG]);
    run(&master, &first_round());
    let of_master = format!("replicaof 127.0.0.1 {}", master.port());
    let mut replica = DataServer::start_as(replica, &[DEBUG, &of_master]);
    // A database other than the first is selected in the stream.
    run(&master, &[cmd!["SELECT", "7"], cmd!["SET", "seven", "1"]]);
    assert_same(&master, &[&replica]);
    if how == End::Killed {
        assert!(replica.cmd(&["SAVE"]).expect("a reply").is_ok());
        run(&master, &[cmd!["SELECT", "7"], cmd!["INCR", "seven"]]);
        assert_same_digests(&master, &[&replica]);
    }
    end(&mut replica, how);
    run(
        &master,
        &[cmd!["SELECT", "7"], cmd!["INCR", "seven"], cmd!["SELECT", "0"], cmd!["SET", "zero", "1"]],
    );
    replica.restart();
    assert_same(&master, &[&replica]);
    assert_eq!([stat(&master, "sync_full"), stat(&master, "sync_partial_ok")], [1, 1]);
    run(&master, &[cmd!["SET", "empty", ""], cmd!["SET", "after", "1"]]);
    assert_same_digests(&master, &[&replica]);
}

#[test]
fn a_restarted_node_goes_on_as_a_replica() {
    needs_redis!();
    replica_goes_on(&DataProgram::Redis, &ours(), End::Orderly);
    replica_goes_on(&DataProgram::Redis, &ours(), End::Killed);
}

#[test]
fn a_node_takes_a_restarted_replica_back() {
    needs_redis!();
    replica_goes_on(&ours(), &DataProgram::Redis, End::Orderly);
}

/// Also with keys that expire while the master is down (`psync2-master-restart.tcl`).
#[track_caller]
fn master_goes_on(master: &DataProgram, replicas: [&DataProgram; 2]) {
    let mut master = DataServer::start_as(master, &[DEBUG]);
    run(&master, &first_round());
    let of_master = format!("replicaof 127.0.0.1 {}", master.port());
    let replicas = replicas.map(|replica| DataServer::start_as(replica, &[DEBUG, &of_master]));
    assert_same(&master, &replicas.each_ref());
    let expiring: Vec<_> = (0..50).map(|n| cmd!["SET", format!("expiring:{n}"), "x", "PX", "400"]).collect();
    run(&master, &expiring);
    end(&mut master, End::Orderly);
    // They are gone for the replicas as well, by their clocks.
    wait_until(SOON, "the keys have expired", || {
        replicas[0].cmd(&["EXISTS", "expiring:49"]).expect("a reply").int() == Some(0)
    });
    master.restart();
    assert_same(&master, &replicas.each_ref());
    assert_eq!(
        [stat(&master, "sync_full"), stat(&master, "sync_partial_ok")],
        [0, 2],
        "{}",
        master.log_text()
    );
    run_second_round(&master);
    assert_same(&master, &replicas.each_ref());
    assert_eq!(stat(&master, "sync_full"), 0);
}

#[test]
fn a_restarted_node_goes_on_as_a_master() {
    needs_redis!();
    master_goes_on(&ours(), [&DataProgram::Redis, &ours()]);
}

#[test]
fn a_node_goes_on_with_a_restarted_master() {
    needs_redis!();
    master_goes_on(&DataProgram::Redis, [&ours(), &DataProgram::Redis]);
}

#[test]
fn every_start_has_a_run_id_of_its_own() {
    let run_id = |server: &DataServer| server.info("server")["run_id"].clone();
    let mut server = DataServer::start_as(&ours(), &[]);
    let first = run_id(&server);
    server.kill9();
    server.restart();
    for id in [&first, &run_id(&server)] {
        assert!(id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id:?}");
    }
    assert_ne!(first, run_id(&server));
}
