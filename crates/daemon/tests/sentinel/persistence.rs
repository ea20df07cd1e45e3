//! What a sentinel knows survives kill -9, and its file can be handed to the other program and back.

use std::collections::BTreeSet;
use std::time::Duration;

use picket_testkit::conf::values;
use picket_testkit::{Program, SentinelProcess, hold_for, wait_until};

use crate::common::{FOLLOW, SOON, SWITCH, needs_redis, ours, three_of_ours};

const COMMENT: &str = "# the operator's own words";

/// What must be the same before and after.
#[derive(Debug, PartialEq, Eq)]
struct Memory {
    myid: String,
    master_port: Option<u16>,
    config_epoch: String,
    quorum: String,
    down_after: String,
    replicas: BTreeSet<String>,
    sentinels: BTreeSet<String>,
    epochs_on_disk: [Vec<String>; 3],
}

impl Memory {
    fn of(sentinel: &SentinelProcess) -> Self {
        let text = sentinel.conf_text();
        let on_disk = |key| values(&text, key).into_iter().map(str::to_owned).collect();
        Self {
            myid: sentinel.myid(),
            master_port: sentinel.master_port("mymaster"),
            config_epoch: sentinel.master_field("mymaster", "config-epoch"),
            quorum: sentinel.master_field("mymaster", "quorum"),
            down_after: sentinel.master_field("mymaster", "down-after-milliseconds"),
            replicas: sentinel.replica_fields("mymaster", "name").into_iter().collect(),
            sentinels: sentinel.sentinel_fields("mymaster", "name").into_iter().collect(),
            epochs_on_disk: [
                on_disk("sentinel current-epoch"),
                on_disk("sentinel config-epoch"),
                on_disk("sentinel leader-epoch"),
            ],
        }
    }
}

#[test]
fn a_restart_keeps_identity_epochs_addresses_and_votes() {
    needs_redis!();
    let mut cluster = three_of_ours().sentinel_line(COMMENT).start();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    let new = cluster.wait_for_followers(new, FOLLOW);

    for sentinel in &mut cluster.sentinels {
        let before = Memory::of(sentinel);
        assert_eq!(before.replicas.len(), 2, "{before:?}");
        assert_eq!(before.sentinels.len(), 2, "{before:?}");
        assert_ne!(before.config_epoch, "0", "{before:?}");
        sentinel.restart();
        assert_eq!(Memory::of(sentinel), before);
        assert!(sentinel.conf_text().contains(COMMENT));
        refuse_a_second_vote(sentinel, new);
    }
    let events = cluster.subscribe();
    cluster.wait_for_followers(new, FOLLOW);
    hold_for(Duration::from_secs(2), "a restart moves nothing", || {
        events.first("+try-failover").is_none() && events.first("+switch-master").is_none()
    });
}

/// Asks for a vote in the epoch in which this sentinel has voted before it was killed.
fn refuse_a_second_vote(sentinel: &SentinelProcess, master_port: u16) {
    let text = sentinel.conf_text();
    let [vote] = values(&text, "sentinel leader-epoch")[..] else { panic!("one vote is on disk: {text}") };
    let epoch = vote.strip_prefix("mymaster ").expect("the master's name").to_owned();
    let candidate = "f".repeat(40);
    let port = master_port.to_string();
    let ask = ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", &port, &epoch, &candidate];
    let reply = sentinel.cmd(&ask).expect("a reply");
    assert_ne!(
        reply.items()[1].text().as_deref(),
        Some(candidate.as_str()),
        "a second vote in epoch {epoch}"
    );
    assert_eq!(reply.items()[2].int(), epoch.parse().ok(), "{reply}");
}

/// Runs `first` until it has been through a failover, hands each file to `second`, and lets those go
/// through one.
fn check_hand_over(first: &Program, second: &Program) {
    let programs = [first.clone(), first.clone(), first.clone()];
    let mut cluster = picket_testkit::Cluster::builder()
        .replicas(3)
        .sentinels(&programs)
        .sentinel_line(COMMENT)
        .sentinel_line("sentinel resolve-hostnames yes")
        .master_directive("parallel-syncs", "2")
        .master_directive("rename-command", "SCRIPT SCRIPT-renamed")
        .start();
    let port = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let second_port = cluster.wait_for_switch(port, SWITCH);
    let second_port = cluster.wait_for_followers(second_port, FOLLOW);

    for sentinel in &mut cluster.sentinels {
        let before = Memory::of(sentinel);
        sentinel.restart_as(second);
        assert_eq!(Memory::of(sentinel), before);
        assert_eq!(sentinel.master_field("mymaster", "parallel-syncs"), "2");
        assert!(sentinel.cmd(&["SENTINEL", "FLUSHCONFIG"]).expect("FLUSHCONFIG").is_ok());
        let text = sentinel.conf_text();
        assert!(text.contains(COMMENT), "{text}");
        assert_eq!(values(&text, "sentinel rename-command"), ["mymaster SCRIPT SCRIPT-renamed"]);
        assert_eq!(values(&text, "sentinel resolve-hostnames"), ["yes"]);
        assert_eq!(Memory::of(sentinel), before, "after the new program has written the file");
    }
    for sentinel in &cluster.sentinels {
        wait_until(SOON, "all peers are back", || {
            sentinel.sentinel_fields("mymaster", "flags") == ["sentinel", "sentinel"]
        });
    }
    let index = cluster.shard().index(second_port);
    cluster.nodes()[index].kill9();
    let third_port = cluster.wait_for_switch(second_port, SWITCH);
    cluster.wait_for_followers(third_port, FOLLOW);
}

#[test]
fn stock_goes_on_with_our_file() {
    needs_redis!();
    check_hand_over(&ours(), &Program::Stock);
}

#[test]
fn ours_goes_on_with_the_file_of_stock() {
    needs_redis!();
    check_hand_over(&Program::Stock, &ours());
}
