//! Sentinels of both kinds guard nodes, and nodes beside redis-servers.

use std::time::Duration;

use picket_testkit::peers::Peer;
use picket_testkit::{Cluster, DataProgram, Program, Reply, wait_until};

use crate::common::{needs_redis, ours};

/// For a failover to be through, and for the others to follow: stock waits eight seconds and an INFO period.
const PATIENCE: Duration = Duration::from_secs(45);

/// Kills the master, sees it replaced, and sees it return as a replica.
#[track_caller]
fn failover(sentinel: &Program, servers: &[DataProgram]) {
    let sentinels = vec![sentinel.clone(); 3];
    let mut cluster = Cluster::builder().sentinels(&sentinels).data_programs(servers).start();
    let old = cluster.nodes()[0].port();
    assert!(cluster.nodes()[0].cmd(&["SET", "before", "kept"]).expect("a reply").is_ok());
    cluster.nodes()[0].wait_for_replicas(2, PATIENCE);

    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, PATIENCE);
    assert!(cluster.shard().node(new).accepts_writes());
    cluster.nodes()[0].restart();
    wait_until(PATIENCE, "the old master follows the new one", || cluster.shard().node(old).follows(new));
    for node in &cluster.shard().nodes {
        wait_until(PATIENCE, "all have the data", || {
            node.cmd(&["GET", "before"]).is_ok_and(|reply| reply == Reply::Bulk(b"kept".to_vec()))
        });
    }
    let promoted = cluster.shard().node(new);
    wait_until(PATIENCE, "the promotion is in its file", || !promoted.conf_text().contains("\nreplicaof "));
}

#[test]
fn our_sentinels_fail_over_nodes() {
    failover(&Program::Picket(env!("CARGO_BIN_EXE_picket").into()), &[ours()]);
}

#[test]
fn stock_sentinels_fail_over_nodes() {
    if picket_testkit::peers::available(&[Peer::RedisSentinel]) {
        failover(&Program::Stock, &[ours()]);
    }
}

#[test]
fn nodes_and_redis_servers_replace_each_other() {
    needs_redis!();
    let picket = Program::Picket(env!("CARGO_BIN_EXE_picket").into());
    failover(&picket, &[ours(), DataProgram::Redis, DataProgram::Redis]);
    failover(&picket, &[DataProgram::Redis, ours(), ours()]);
}
