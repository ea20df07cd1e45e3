//! One set of sentinels, two masters, both dead at once.

use crate::common::{FOLLOW, SWITCH, needs_redis, three_of_ours};

#[test]
fn masters_that_fall_together_are_both_replaced() {
    needs_redis!();
    let mut cluster = three_of_ours().masters(&["one", "two"]).start();
    let old = [cluster.shards[0].nodes[0].port(), cluster.shards[1].nodes[0].port()];
    for shard in &mut cluster.shards {
        shard.nodes[0].kill9();
    }
    for (shard, old) in old.into_iter().enumerate() {
        let new = cluster.wait_for_switch_of(shard, old, SWITCH);
        assert_ne!(cluster.shards[shard].index(new), 0, "one of its own replicas");
        cluster.wait_for_followers_of(shard, new, FOLLOW);
    }
}

#[test]
fn the_death_of_one_master_leaves_the_other_alone() {
    needs_redis!();
    let mut cluster = three_of_ours().masters(&["one", "two"]).replicas(1).start();
    let events = cluster.subscribe();
    let (one, two) = (cluster.shards[0].nodes[0].port(), cluster.shards[1].nodes[0].port());
    cluster.shards[0].nodes[0].kill9();
    cluster.wait_for_switch_of(0, one, SWITCH);
    assert!(cluster.named_masters("two").iter().all(|port| *port == Some(two)));
    let about_two =
        events.find(|event| event.channel == "+sdown" && event.payload.contains(&format!(" {two}")));
    assert_eq!(about_two, None);
}
