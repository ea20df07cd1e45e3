//! Automatic and manual failover, and what becomes of the old master.

use std::time::{Duration, Instant};

use picket_testkit::{Cluster, Reply, hold_for, wait_until};

use crate::common::{FOLLOW, SOON, SWITCH, hurry_stock, needs_redis, ours, three_of_ours, wait_for_story};

#[test]
fn a_killed_master_is_replaced() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    assert!(cluster.nodes()[0].cmd(&["SET", "before", "kept"]).expect("SET").is_ok());
    cluster.nodes()[0].wait_for_replicas(2, SOON);

    cluster.nodes()[0].kill9();
    let switched = events.wait("+switch-master", SWITCH);
    let told: u16 = switched.payload.rsplit(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    assert!(cluster.shard().node(told).accepts_writes(), "what clients are told takes writes at once");
    let new = cluster.wait_for_switch(old, SWITCH);
    let new = cluster.wait_for_followers(new, FOLLOW);
    let kept = cluster.shard().node(new).cmd(&["GET", "before"]).expect("GET");
    assert_eq!(kept, Reply::Bulk(b"kept".to_vec()));

    let switch = format!("mymaster 127.0.0.1 {old} 127.0.0.1 {told}");
    for from in 0..cluster.sentinels.len() {
        events.wait_for(SOON, "+switch-master of each", |event| {
            event.from == from && event.channel == "+switch-master" && event.payload == switch
        });
    }
    let leader = events.wait("+elected-leader", SOON).from;
    wait_for_story(
        &events,
        leader,
        &[
            "+sdown",
            "+odown",
            "+new-epoch",
            "+try-failover",
            "+vote-for-leader",
            "+elected-leader",
            "+failover-state-select-slave",
            "+selected-slave",
            "+failover-state-send-slaveof-noone",
            "+failover-state-wait-promotion",
            "+promoted-slave",
            "+failover-state-reconf-slaves",
            "+slave-reconf-sent",
            "+slave-reconf-inprog",
            "+slave-reconf-done",
            "+failover-end",
        ],
    );
    // Stock switches after the end; it may as well be done as soon as the promotion is certain.
    wait_for_story(&events, leader, &["+failover-state-reconf-slaves", "+switch-master", "+slave"]);
    let observer = (0..3).find(|place| *place != leader).expect("three sentinels");
    wait_for_story(&events, observer, &["+config-update-from", "+switch-master", "+slave"]);
    for sentinel in &cluster.sentinels {
        let line = format!("sentinel monitor mymaster 127.0.0.1 {new} 2");
        wait_until(SOON, "the new address is in every file", || sentinel.conf_text().contains(&line));
    }
}

#[test]
fn one_death_is_one_failover() {
    needs_redis!();
    if !ours().is_picket() {
        // Stock fails a healthy new master over again in one of fifty runs, on opinions about the old one.
        return;
    }
    let mut cluster = three_of_ours().start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    hold_for(Duration::from_secs(6), "every sentinel stays with the new master", || {
        cluster.named_masters("mymaster").iter().all(|port| *port == Some(new))
    });
    assert_eq!(events.count("+switch-master"), 3);
    assert_eq!(events.count("+elected-leader"), 1);
}

#[test]
fn a_killed_master_comes_back_as_a_replica() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    hurry_stock(&cluster);
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    let new = cluster.wait_for_followers(new, FOLLOW);

    cluster.nodes()[0].restart();
    tell_how_long_it_accepts_writes(&mut cluster);
    cluster.wait_for_followers(new, FOLLOW);
    cluster.wait_until_all_is_known();
}

#[test]
fn a_stopped_master_is_replaced_and_comes_back_as_a_replica() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    hurry_stock(&cluster);
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].process().stop();
    let new = cluster.wait_for_switch(old, SWITCH);

    cluster.nodes()[0].process().cont();
    tell_how_long_it_accepts_writes(&mut cluster);
    cluster.wait_for_followers(new, FOLLOW);
}

/// Prints how long node 0, an old master that is back, takes writes that will be lost; fails only if it
/// never stops.
fn tell_how_long_it_accepts_writes(cluster: &mut Cluster) {
    let back = Instant::now();
    let mut accepted = 0;
    let node = &cluster.nodes()[0];
    let until = wait_until(FOLLOW, "the old master is demoted", || {
        let accepts = node.accepts_writes();
        accepted += u32::from(accepts);
        !accepts && node.replication("role") == "slave"
    });
    println!("the old master took {accepted} writes and was a replica {until:?} after {back:?}");
}

#[test]
fn a_manual_failover_moves_a_healthy_master() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    hurry_stock(&cluster);
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();

    // Both in one write: the second is read before the first can be through.
    let mut client = cluster.sentinels[1].client().expect("connect");
    let command = picket_testkit::client::encode(&["SENTINEL", "FAILOVER", "mymaster"]);
    client.send_raw(&[command.clone(), command].concat()).expect("send");
    let first = client.read().expect("a reply");
    assert!(first.is_ok(), "{first}");
    assert_eq!(client.read().expect("a reply"), Reply::Error("INPROG Failover already in progress".into()));

    let new = cluster.wait_for_switch(old, SWITCH);
    assert_eq!(events.wait("+elected-leader", SOON).from, 1);
    assert_eq!(events.count("+sdown"), 0, "nothing was down");
    cluster.wait_for_followers(new, FOLLOW);
    cluster.wait_until_all_is_known();
}

#[test]
fn a_manual_failover_needs_a_known_master_and_a_replica() {
    needs_redis!();
    let cluster = Cluster::builder().replicas(0).sentinels(&[ours()]).quorum(1).start();
    let sentinel = &cluster.sentinels[0];
    assert_eq!(
        sentinel.cmd(&["SENTINEL", "FAILOVER", "mymaster"]).expect("a reply"),
        Reply::Error("NOGOODSLAVE No suitable replica to promote".into())
    );
    assert_eq!(
        sentinel.cmd(&["SENTINEL", "FAILOVER", "other"]).expect("a reply"),
        Reply::Error("ERR No such master with that name".into())
    );
}

#[test]
fn replicas_of_priority_zero_are_never_promoted_and_the_lowest_wins() {
    needs_redis!();
    let mut cluster = three_of_ours().replicas(3).start();
    let old = cluster.nodes()[0].port();
    for (node, priority) in [(1, "0"), (2, "50"), (3, "20")] {
        let reply =
            cluster.nodes()[node].cmd(&["CONFIG", "SET", "replica-priority", priority]).expect("CONFIG SET");
        assert!(reply.is_ok(), "{reply}");
    }
    hurry_stock(&cluster);
    for sentinel in &cluster.sentinels {
        // Picket asks again before it chooses; stock must have seen the change before.
        wait_until(SOON, "the priorities are known", || {
            let mut known = sentinel.replica_fields("mymaster", "slave-priority");
            known.sort();
            known == ["0", "20", "50"]
        });
    }
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    assert_eq!(cluster.shard().index(new), 3);
}
