//! The leader dies in the middle of its failover; the others finish it.

use picket_testkit::cluster::agreed;
use picket_testkit::wait::wait_for;

use crate::common::{FOLLOW, SOON, SWITCH, needs_redis, three_of_ours};

/// Kills the master, then with -9 whichever sentinel publishes `event` first, in the moment of it.
fn check_kill_at(event: &str) {
    let mut cluster = three_of_ours().start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let victim = events.wait(event, SWITCH).from;
    cluster.sentinels[victim].kill9();

    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, SWITCH);

    // The victim learns from the others what became of its failover.
    cluster.sentinels[victim].restart();
    let (new, _) =
        wait_for(SWITCH, "all three name the same master", || agreed(&cluster.named_masters("mymaster")));
    cluster.wait_for_followers(new, FOLLOW);
}

macro_rules! kill_at {
    ($($name:ident: $event:literal,)*) => {
        $(
            #[test]
            fn $name() {
                needs_redis!();
                check_kill_at($event);
            }
        )*
    };
}

kill_at! {
    killed_in_wait_start: "+try-failover",
    killed_when_elected: "+elected-leader",
    killed_in_select_slave: "+failover-state-select-slave",
    killed_in_send_slaveof_noone: "+failover-state-send-slaveof-noone",
    killed_in_wait_promotion: "+failover-state-wait-promotion",
    killed_after_promotion: "+promoted-slave",
    killed_in_reconf_slaves: "+slave-reconf-sent",
    killed_in_update_config: "+failover-end",
}

/// Lets sentinel 0 notice and lead first, and crash on its own as `SIMULATE-FAILURE` has it.
fn check_simulated(flag: &str) {
    let mut cluster = three_of_ours().start();
    let old = cluster.nodes()[0].port();
    let set = |place: usize, option: &str, value: &str| {
        let reply =
            cluster.sentinels[place].cmd(&["SENTINEL", "SET", "mymaster", option, value]).expect("SET");
        assert!(reply.is_ok(), "{reply}");
    };
    // Votes are given without an opinion of one's own, so 0 is leader before the others even notice.
    set(0, "quorum", "1");
    set(0, "down-after-milliseconds", "500");
    set(1, "down-after-milliseconds", "4000");
    set(2, "down-after-milliseconds", "4000");
    let reply = cluster.sentinels[0].cmd(&["SENTINEL", "SIMULATE-FAILURE", flag]).expect("SIMULATE-FAILURE");
    assert!(reply.is_ok(), "{reply}");

    cluster.nodes()[0].kill9();
    let status = cluster.sentinels[0].process().wait_exit(SOON);
    assert_eq!(status.code(), Some(99));
    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, SWITCH);
}

#[test]
fn crash_after_election_is_finished_by_the_others() {
    needs_redis!();
    check_simulated("crash-after-election");
}

#[test]
fn crash_after_promotion_is_finished_by_the_others() {
    needs_redis!();
    check_simulated("crash-after-promotion");
}
