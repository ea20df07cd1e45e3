//! No failover without agreement, and none without a majority.

use std::time::Duration;

use picket_testkit::{hold_for, wait_until};

use crate::common::{SOON, SWITCH, needs_redis, three_of_ours};

#[test]
fn nothing_happens_below_the_quorum() {
    needs_redis!();
    let mut cluster = three_of_ours().quorum(4).start();
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    for sentinel in &cluster.sentinels {
        wait_until(SOON, "all three know that all three see it down", || {
            let flags = sentinel.sentinel_fields("mymaster", "flags");
            sentinel.master_has_flag("mymaster", "s_down")
                && flags.iter().filter(|flags| flags.contains("master_down")).count() == 2
        });
    }
    hold_for(Duration::from_secs(2), "three of four is no agreement", || {
        events.first("+odown").is_none()
            && events.first("+try-failover").is_none()
            && cluster.named_masters("mymaster").iter().all(|port| *port == Some(old))
    });

    // The quorum was all that held it back.
    for sentinel in &cluster.sentinels {
        assert!(sentinel.cmd(&["SENTINEL", "SET", "mymaster", "quorum", "2"]).expect("SET").is_ok());
    }
    cluster.wait_for_switch(old, SWITCH);
}

#[test]
fn nothing_happens_without_a_majority() {
    needs_redis!();
    let mut cluster = three_of_ours().quorum(1).start();
    let old = cluster.nodes()[0].port();
    let ckquorum = |sentinel: &picket_testkit::SentinelProcess| {
        sentinel.cmd(&["SENTINEL", "CKQUORUM", "mymaster"]).expect("CKQUORUM").to_string()
    };
    assert_eq!(
        ckquorum(&cluster.sentinels[0]),
        "OK 3 usable Sentinels. Quorum and failover authorization can be reached"
    );

    let events = cluster.sentinels[0].subscribe();
    cluster.sentinels[1].kill9();
    cluster.sentinels[2].kill9();
    cluster.nodes()[0].kill9();
    events.wait("+odown", SOON);
    // Stock stands and loses after the failover timeout of three seconds; there may be no election at all.
    hold_for(Duration::from_secs(4), "one of three is no majority", || {
        events.first("+elected-leader").is_none()
    });
    assert_eq!(cluster.sentinels[0].master_port("mymaster"), Some(old));
    assert!(
        cluster.nodes()[1].replication("role") == "slave"
            && cluster.nodes()[2].replication("role") == "slave"
    );
    assert_eq!(
        ckquorum(&cluster.sentinels[0]),
        "(error) NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the majority and authorize a failover"
    );

    // The majority was all that held it back.
    cluster.sentinels[2].restart();
    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, SWITCH);
}
