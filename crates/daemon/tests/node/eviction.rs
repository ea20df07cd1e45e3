//! A master that is short of memory: what it evicts goes from its replicas too, and nothing else.

use picket_testkit::{DataProgram, DataServer, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::same::{DEBUG, assert_same, follow, ok, stat};
use crate::sample::{cmd, run};

#[track_caller]
fn evicts(master: &DataProgram, replica: &DataProgram) {
    let master = DataServer::start_as(master, &[DEBUG, "repl-backlog-size 64kb"]);
    // A replica's own limit does not count: it evicts nothing by itself.
    let replica = DataServer::start_as(replica, &[DEBUG, "maxmemory 1mb", "maxmemory-policy allkeys-random"]);
    follow(&replica, master.port());
    wait_until(SOON, "the link is up", || replica.follows(master.port()));
    let used: u64 = master.info("memory")["used_memory"].parse().expect("a number");
    let limit = (used + (4 << 20)).to_string();
    ok(&master, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", &limit]);
    let value = "v".repeat(400);
    for part in 0..20 {
        let writes: Vec<_> =
            (0..1000).map(|n| cmd!["SET", format!("key:{}", part * 1000 + n), value.as_str()]).collect();
        run(&master, &writes);
    }
    // What waits for a slow replica is not counted, and a server that was short of time goes on evicting by itself.
    wait_until(SOON, "the master is within its limit", || {
        let memory = master.info("memory");
        let figure = |name: &str| memory[name].parse::<u64>().expect("a number");
        figure("used_memory") - figure("mem_not_counted_for_evict") <= figure("maxmemory")
    });
    // What the comparison itself takes shall make nothing go.
    ok(&master, &["CONFIG", "SET", "maxmemory", "0"]);
    assert_same(&master, &[&replica]);
    let evicted = stat(&master, "evicted_keys");
    assert!(evicted > 1000, "{evicted} keys were evicted");
    assert_eq!(stat(&replica, "evicted_keys"), 0);
    let kept = replica.cmd(&["DBSIZE"]).expect("a reply").int().expect("a number");
    assert_eq!(kept.unsigned_abs() + evicted, 20_000);
}

#[test]
fn a_redis_server_follows_a_node_that_evicts() {
    needs_redis!();
    evicts(&ours(), &DataProgram::Redis);
}

#[test]
fn a_node_follows_a_redis_server_that_evicts() {
    needs_redis!();
    evicts(&DataProgram::Redis, &ours());
}
