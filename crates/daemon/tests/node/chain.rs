//! Chains of both kinds of servers: the stream goes through unchanged, and a promotion in the middle costs no full copy.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::same::{DEBUG, assert_same, assert_same_digests, follow, ok, stat};
use crate::sample::{first_round, run, run_second_round};

/// No pings in between: a former master that has gone on alone cannot follow without a full copy.
const QUIET: &str = "repl-ping-replica-period 3600";

/// How many bytes the stream has, and the history that it belongs to.
fn position(server: &DataServer) -> [String; 2] {
    let info = server.info("replication");
    ["master_replid", "master_repl_offset"].map(|field| info[field].clone())
}

fn sum(servers: &[&DataServer], field: &str) -> u64 {
    servers.iter().map(|server| stat(server, field)).sum()
}

/// A chain of four, the first the master of the second and so on.
#[track_caller]
fn chain_of(programs: [&DataProgram; 4]) -> [DataServer; 4] {
    let servers = programs.map(|program| DataServer::start_as(program, &[DEBUG, QUIET]));
    run(&servers[0], &first_round());
    for pair in servers.windows(2) {
        follow(&pair[1], pair[0].port());
        wait_until(SOON, "the next of the chain is up", || pair[1].follows(pair[0].port()));
    }
    servers
}

#[track_caller]
fn promotes_in_the_middle(programs: [&DataProgram; 4]) {
    let servers = chain_of(programs);
    let [first, second, third, fourth] = &servers;
    run_second_round(first);
    assert_same(first, &[second, third, fourth]);
    let top = position(first);
    for server in [second, third, fourth] {
        assert_eq!(position(server), top, "{}", server.program().word());
    }
    let everybody = [first, second, third, fourth];
    assert_eq!(sum(&everybody, "sync_full"), 3);

    // The third is the new master; the fourth stays with it, the others come to it one after the other.
    ok(third, &["REPLICAOF", "NO", "ONE"]);
    wait_until(SOON, "the fourth goes on", || fourth.follows(third.port()));
    follow(second, third.port());
    wait_until(SOON, "the second goes on", || second.follows(third.port()));
    follow(first, second.port());
    wait_until(SOON, "the first goes on", || first.follows(second.port()));
    ok(third, &["SET", "written", "by the new master"]);
    ok(third, &["SET", "x", "1"]);
    assert_same_digests(third, &[first, second, fourth]);
    let top = position(third);
    for server in [first, second, fourth] {
        assert_eq!(position(server), top, "{}", server.program().word());
        server.wait_logged(SOON, "Successful partial resynchronization with master");
    }
    assert_eq!(sum(&everybody, "sync_full"), 3, "nobody was copied in full again");
    assert_eq!(sum(&everybody, "sync_partial_ok"), 3);
}

#[test]
fn a_chain_that_begins_with_a_node_survives_the_promotion_of_a_node() {
    needs_redis!();
    promotes_in_the_middle([&ours(), &DataProgram::Redis, &ours(), &DataProgram::Redis]);
}

#[test]
fn a_chain_that_begins_with_a_redis_server_survives_the_promotion_of_a_redis_server() {
    needs_redis!();
    promotes_in_the_middle([&DataProgram::Redis, &ours(), &DataProgram::Redis, &ours()]);
}
