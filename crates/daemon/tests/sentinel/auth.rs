//! Passwords and ACL users, on data nodes and on sentinels.

use picket_testkit::{Cluster, ClusterBuilder, Program, wait_until};

use crate::common::{FOLLOW, SOON, SWITCH, needs_redis, ours, three_of_ours};

const DATA_PASSWORD: &str = "data-node-secret-7d1f";
const GUARD_PASSWORD: &str = "guard-user-secret-91ab";
const PEER_PASSWORD: &str = "peer-sentinel-secret-c3d2";

/// What the Redis manual grants the user of a sentinel on its data nodes, and nothing more.
const GUARD_RIGHTS: &str = "allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info \
                            +client|setname +client|kill +script|kill";

fn protected_data_nodes(builder: ClusterBuilder) -> ClusterBuilder {
    builder
        .data_directive(&format!("requirepass {DATA_PASSWORD}"))
        .data_directive(&format!("masterauth {DATA_PASSWORD}"))
}

fn check_failover(builder: ClusterBuilder) -> Cluster {
    let mut cluster = builder.start();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);
    cluster.wait_for_followers(new, FOLLOW);
    for sentinel in &cluster.sentinels {
        for secret in [DATA_PASSWORD, GUARD_PASSWORD, PEER_PASSWORD] {
            assert!(!sentinel.log_contains(secret), "a secret is in the log of {}", sentinel.addr());
        }
    }
    cluster
}

#[test]
fn data_nodes_with_a_password() {
    needs_redis!();
    check_failover(protected_data_nodes(three_of_ours()).master_directive("auth-pass", DATA_PASSWORD));
}

#[test]
fn data_nodes_with_an_acl_user_of_the_documented_rights() {
    needs_redis!();
    check_failover(
        protected_data_nodes(three_of_ours())
            .data_directive(&format!("user guard on >{GUARD_PASSWORD} {GUARD_RIGHTS}"))
            .master_directive("auth-user", "guard")
            .master_directive("auth-pass", GUARD_PASSWORD),
    );
}

#[test]
fn a_wrong_password_is_a_master_down_until_it_is_set_right() {
    needs_redis!();
    let cluster = protected_data_nodes(Cluster::builder().replicas(0).sentinels(&[ours()]).quorum(1))
        .master_directive("auth-pass", "wrong")
        .start_unready();
    let sentinel = &cluster.sentinels[0];
    wait_until(SOON, "the master is down", || sentinel.master_has_flag("mymaster", "s_down"));
    assert!(sentinel.cmd(&["SENTINEL", "SET", "mymaster", "auth-pass", DATA_PASSWORD]).expect("SET").is_ok());
    wait_until(SOON, "the master is up", || sentinel.master_field("mymaster", "flags") == "master");
    assert!(!sentinel.log_contains(DATA_PASSWORD), "a secret is in the log");
}

#[test]
fn sentinels_with_a_password() {
    needs_redis!();
    let cluster = check_failover(
        Cluster::builder()
            .sentinels(&[ours(), ours(), Program::Stock])
            .sentinel_line(&format!("requirepass {PEER_PASSWORD}"))
            .sentinel_line(&format!("sentinel sentinel-pass {PEER_PASSWORD}")),
    );
    refuse_strangers(&cluster);
}

#[test]
fn sentinels_that_know_each_other_by_their_own_requirepass() {
    needs_redis!();
    let cluster = check_failover(
        Cluster::builder()
            .sentinels(&[ours(), Program::Stock, ours()])
            .sentinel_line(&format!("requirepass {PEER_PASSWORD}")),
    );
    refuse_strangers(&cluster);
}

#[test]
fn sentinels_with_an_acl_user_for_their_peers() {
    needs_redis!();
    let cluster = check_failover(
        Cluster::builder()
            .sentinels(&[ours(), ours(), Program::Stock])
            .sentinel_line(&format!("requirepass {PEER_PASSWORD}"))
            .sentinel_line(&format!("user peer on >{GUARD_PASSWORD} allchannels +@all"))
            .sentinel_line("sentinel sentinel-user peer")
            .sentinel_line(&format!("sentinel sentinel-pass {GUARD_PASSWORD}")),
    );
    refuse_strangers(&cluster);
    for sentinel in &cluster.sentinels {
        let mut client = picket_testkit::Client::connect(&sentinel.addr()).expect("connect");
        assert!(client.cmd(&["AUTH", "peer", GUARD_PASSWORD]).expect("AUTH").is_ok());
        assert_eq!(client.cmd(&["ACL", "WHOAMI"]).expect("WHOAMI").text().as_deref(), Some("peer"));
    }
}

fn refuse_strangers(cluster: &Cluster) {
    for sentinel in &cluster.sentinels {
        let mut stranger = picket_testkit::Client::connect(&sentinel.addr()).expect("connect");
        for command in [&["SENTINEL", "MASTERS"][..], &["INFO"], &["PING"], &["SUBSCRIBE", "+sdown"]] {
            let reply = stranger.cmd(command).expect("a reply");
            assert_eq!(reply.error(), Some("NOAUTH Authentication required."), "{command:?}");
        }
        let reply = stranger.cmd(&["AUTH", "wrong"]).expect("a reply");
        assert!(reply.error().is_some_and(|text| text.starts_with("WRONGPASS")), "{reply}");
    }
}
