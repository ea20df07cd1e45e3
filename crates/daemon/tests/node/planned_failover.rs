//! FAILOVER: a master and its replica of different kinds change places without a full copy.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::load::Load;
use crate::same::{DEBUG, assert_same, follow, ok, stat};
use crate::sample::{first_round, run};

/// There and back again: each kind gives the role away and takes it over.
#[track_caller]
fn change_places(first: &DataProgram, second: &DataProgram) {
    let servers = [first, second].map(|program| DataServer::start_as(program, &[DEBUG]));
    run(&servers[0], &first_round());
    follow(&servers[1], servers[0].port());
    wait_until(SOON, "the link is up", || servers[1].follows(servers[0].port()));
    for turn in 0..2 {
        let (master, replica) = (&servers[turn % 2], &servers[(turn + 1) % 2]);
        // Some writes that the replica has not confirmed yet.
        let load = Load::start(master, 1);
        load.wait_for(400);
        load.stop();
        let port = replica.port().to_string();
        ok(master, &["FAILOVER", "TO", "127.0.0.1", &port, "TIMEOUT", "10000"]);
        wait_until(SOON, "they have changed places", || {
            replica.is_master() && master.follows(replica.port())
        });
        assert_same(replica, &[master]);
        ok(replica, &["SET", "written", "by the new master"]);
        assert_same(replica, &[master]);
    }
    let sum = |field: &str| servers.iter().map(|server| stat(server, field)).sum::<u64>();
    assert_eq!([sum("sync_full"), sum("sync_partial_ok")], [1, 2]);
}

#[test]
fn a_node_and_a_redis_server_change_places_and_again() {
    needs_redis!();
    change_places(&ours(), &DataProgram::Redis);
}

#[test]
fn two_nodes_change_places_and_again() {
    change_places(&ours(), &ours());
}
