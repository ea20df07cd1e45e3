//! Picket and stock in one quorum, each leading with the votes of the other.

use picket_testkit::{Cluster, Program, Reply};

use crate::common::{FOLLOW, SOON, SWITCH, needs_redis, ours};

/// Kills the master of a deployment in which only `leader` can start the failover, and checks that it did,
/// that the others voted for it, and that all end up with the same configuration.
fn check(programs: &[Program], leader: usize) {
    let mut cluster = Cluster::builder().sentinels(programs).leader(leader).start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, FOLLOW);

    assert_eq!(events.wait("+elected-leader", SOON).from, leader);
    let leader_id = cluster.sentinels[leader].myid();
    let vote = events.wait_for(SOON, "another sentinel's vote", |event| {
        event.from != leader && event.channel == "+vote-for-leader"
    });
    assert_eq!(vote.payload.split(' ').next(), Some(leader_id.as_str()), "{vote:?}");
    let epochs: Vec<_> =
        cluster.sentinels.iter().map(|s| s.master_field("mymaster", "config-epoch")).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0] && epoch != "0"), "{epochs:?}");
}

#[test]
fn ours_leads_with_the_votes_of_two_stock_sentinels() {
    needs_redis!();
    check(&[ours(), Program::Stock, Program::Stock], 0);
}

#[test]
fn stock_leads_with_the_votes_of_ours_and_of_stock() {
    needs_redis!();
    check(&[ours(), Program::Stock, Program::Stock], 1);
}

#[test]
fn ours_leads_with_the_votes_of_ours_and_of_stock() {
    needs_redis!();
    check(&[ours(), ours(), Program::Stock], 0);
}

#[test]
fn stock_leads_with_the_votes_of_two_of_ours() {
    needs_redis!();
    check(&[ours(), ours(), Program::Stock], 2);
}

#[test]
fn anybody_may_lead_a_mixed_set() {
    needs_redis!();
    let mut cluster = Cluster::builder().sentinels(&[ours(), ours(), Program::Stock]).start();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, FOLLOW);
}

/// A manual failover by `leader`: the observers must take its word over the hello channel.
fn check_manual(leader: usize) {
    let mut cluster = Cluster::builder().sentinels(&[ours(), Program::Stock]).start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    let reply = cluster.sentinels[leader].cmd(&["SENTINEL", "FAILOVER", "mymaster"]).expect("FAILOVER");
    assert_eq!(reply, Reply::Status("OK".into()));
    cluster.wait_for_switch(old, SWITCH);
    let update = events.wait("+config-update-from", SOON);
    assert_ne!(update.from, leader);
    assert!(update.payload.contains(&cluster.sentinels[leader].myid()), "{update:?}");
}

#[test]
fn stock_follows_a_manual_failover_of_ours() {
    needs_redis!();
    check_manual(0);
}

#[test]
fn ours_follows_a_manual_failover_of_stock() {
    needs_redis!();
    check_manual(1);
}
