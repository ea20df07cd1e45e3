//! Planned switchovers: SENTINEL FAILOVER COORDINATED and TO, and SENTINEL FORGET.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use picket_testkit::client::once;
use picket_testkit::{Client, Cluster, DataProgram, Reply, wait_until};

use crate::common::{FOLLOW, SOON, SWITCH, needs_redis, ours, three_of_ours, wait_for_story};

/// A client that writes as fast as it is answered, and asks a Sentinel for the master whenever it is cut off.
struct Writer {
    stop: &'static AtomicBool,
    thread: JoinHandle<Written>,
}

/// What became of its writes.
struct Written {
    /// The numbers that were acknowledged.
    acknowledged: Vec<u64>,
    /// Errors that servers answered with.
    refusals: Vec<String>,
}

impl Writer {
    fn start(name: &str, sentinel: String) -> Self {
        let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let name = name.to_owned();
        let thread = thread::spawn(move || write(&name, &sentinel, stop));
        Self { stop, thread }
    }

    fn finish(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the writer")
    }
}

fn write(name: &str, sentinel: &str, stop: &AtomicBool) -> Written {
    let mut written = Written { acknowledged: Vec::new(), refusals: Vec::new() };
    let mut number = 0;
    let mut client = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(open) = &mut client else {
            client = master_of(sentinel);
            continue;
        };
        let open: &mut Client = open;
        number += 1;
        match open.cmd(&["SADD", name, &number.to_string()]) {
            Ok(Reply::Int(1)) => written.acknowledged.push(number),
            Ok(other) => {
                written.refusals.push(other.to_string());
                client = None;
            }
            Err(_) => client = None,
        }
    }
    written
}

fn master_of(sentinel: &str) -> Option<Client> {
    let reply = once(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]).ok()?;
    let port = reply.items().get(1)?.text()?.to_owned();
    Client::connect_within(&format!("127.0.0.1:{port}"), Duration::from_secs(5)).ok()
}

fn sum(cluster: &mut Cluster, field: &str) -> u64 {
    let stat =
        |node: &picket_testkit::DataServer| node.info("stats")[field].parse::<u64>().expect("a number");
    cluster.nodes().iter().map(stat).sum()
}

/// Hands the master over under load, there and back, and looks for every acknowledged write.
#[track_caller]
fn switch_under_load(programs: &[DataProgram]) {
    let mut cluster = three_of_ours().data_programs(programs).down_after_ms(3000).start();
    let events = cluster.subscribe();
    let full_before = sum(&mut cluster, "sync_full");
    let writers: Vec<Writer> = (0..2)
        .map(|place| Writer::start(&format!("writer-{place}"), cluster.sentinels[place].addr()))
        .collect();
    let mut master = cluster.nodes()[0].port();
    for (turn, target) in [1, 0].into_iter().enumerate() {
        let target = cluster.nodes()[target].port();
        wait_until(SOON, "it is taken on", || {
            let port = target.to_string();
            let order = ["SENTINEL", "FAILOVER", "mymaster", "COORDINATED", "TO", "127.0.0.1", &port];
            cluster.sentinels[turn].cmd(&order).expect("a reply").is_ok()
        });
        let new = cluster.wait_for_switch(master, SWITCH);
        assert_eq!(new, target);
        cluster.wait_for_followers(new, FOLLOW);
        master = new;
    }
    let written: Vec<Written> = writers.into_iter().map(Writer::finish).collect();
    for (place, Written { acknowledged, refusals }) in written.iter().enumerate() {
        assert!(acknowledged.len() > 100, "{} writes", acknowledged.len());
        let name = format!("writer-{place}");
        let kept = cluster.shard().node(master).cmd(&["SMEMBERS", &name]).expect("SMEMBERS");
        let kept: std::collections::BTreeSet<u64> =
            kept.items().iter().filter_map(|item| item.text()?.parse().ok()).collect();
        let lost: Vec<_> = acknowledged.iter().filter(|number| !kept.contains(number)).collect();
        assert!(lost.is_empty(), "{name} lost {lost:?} of {}", acknowledged.len());
        println!("{name}: {} writes acknowledged, none lost, refused: {refusals:?}", acknowledged.len());
    }
    assert_eq!(sum(&mut cluster, "sync_full"), full_before, "nobody copied anything");
    assert_eq!(events.count("+sdown"), 0, "nothing was down");
    wait_until(SOON, "each Sentinel told of both", || events.count("+switch-master") == 6);
    // The word of the new master waits for the leader's disk, the rest does not.
    wait_for_story(&events, 0, &["+failover-state-reconf-slaves", "+switch-master", "+slave"]);
    wait_for_story(
        &events,
        0,
        &[
            "+try-failover",
            "+elected-leader",
            "+failover-state-select-slave",
            "+selected-slave",
            "+failover-state-send-slaveof-noone",
            "+failover-state-wait-promotion",
            "+promoted-slave",
            "+failover-state-reconf-slaves",
            "+failover-end",
        ],
    );
}

#[test]
fn a_coordinated_failover_loses_no_write_and_copies_nothing() {
    needs_redis!();
    switch_under_load(&[DataProgram::Redis]);
}

#[test]
fn picket_nodes_hand_over_too() {
    needs_redis!();
    if let picket_testkit::Program::Picket(path) = ours() {
        switch_under_load(&[DataProgram::Picket(path)]);
    }
}

#[test]
fn a_master_whose_replica_does_not_catch_up_keeps_its_role() {
    needs_redis!();
    let mut cluster = three_of_ours().down_after_ms(3000).start();
    let events = cluster.subscribe();
    let master = cluster.nodes()[0].port();
    let replica = cluster.nodes()[1].port().to_string();
    let order =
        ["SENTINEL", "FAILOVER", "mymaster", "COORDINATED", "TO", "127.0.0.1", &replica, "TIMEOUT", "500"];
    cluster.nodes()[1].process().stop();
    assert!(cluster.nodes()[0].cmd(&["SET", "not", "there"]).expect("SET").is_ok());
    assert!(cluster.sentinels[0].cmd(&order).expect("a reply").is_ok());
    events.wait("-failover-abort-master-timeout", SOON);
    cluster.nodes()[1].process().cont();
    wait_until(SOON, "writes are taken again", || cluster.nodes()[0].accepts_writes());
    assert_eq!(cluster.named_masters("mymaster"), [Some(master); 3]);
    cluster.sentinels[0].wait_logged(SOON, "the replica did not catch up within 500 ms");
    assert_eq!(events.count("+switch-master"), 0);
    cluster.wait_for_followers(master, FOLLOW);
}

#[test]
fn what_cannot_be_handed_over_is_refused_with_the_reason() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let [master, replica] = [0, 1].map(|place| cluster.nodes()[place].port().to_string());
    let ask = |cluster: &Cluster, more: &[&str]| {
        let order = [&["SENTINEL", "FAILOVER", "mymaster"], more].concat();
        cluster.sentinels[0].cmd(&order).expect("a reply").to_string()
    };
    for (more, expected) in [
        (&["COORDINATED", "TO", "127.0.0.1", "1"][..], "NOGOODSLAVE 127.0.0.1:1 is no known replica"),
        (&["TO", "127.0.0.1", &master], "is the master"),
        (&["COORDINATED", "TIMEOUT", "1000"], "TIMEOUT must be at most 666"),
        (&["SOMETIMES"], "Unknown failover option specified"),
    ] {
        let said = ask(&cluster, more);
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    // A master whose Sentinels may not say FAILOVER: asked, it refuses, and that is told at once.
    let events = cluster.subscribe();
    let acl = cluster.nodes()[0].cmd(&["ACL", "SETUSER", "default", "-failover"]).expect("ACL");
    assert!(acl.is_ok(), "{acl}");
    ask(&cluster, &["COORDINATED", "TO", "127.0.0.1", &replica]);
    events.wait("-failover-abort-master-refused", SOON);
    cluster.sentinels[0].wait_logged(SOON, "the master refused: NOPERM");
    assert!(cluster.nodes()[0].accepts_writes());
    // Without its help the same replica is promoted all the same.
    wait_until(SOON, "it is taken on", || ask(&cluster, &["TO", "127.0.0.1", &replica]) == "OK");
    let new = cluster.wait_for_switch(master.parse().expect("a port"), SWITCH);
    assert_eq!(new.to_string(), replica);
}

#[test]
fn who_is_gone_is_forgotten_and_who_lives_is_not() {
    needs_redis!();
    let mut cluster = three_of_ours().replicas(2).start();
    let gone = cluster.sentinels[2].myid();
    let replica = cluster.nodes()[2].addr();
    let forget = |cluster: &Cluster, kind: &str, id: &str| {
        cluster.sentinels[0].cmd(&["SENTINEL", "FORGET", "mymaster", kind, id]).expect("a reply").to_string()
    };
    assert!(forget(&cluster, "SENTINEL", &gone).contains("would announce itself again"));
    assert!(forget(&cluster, "REPLICA", &replica).contains("lists that replica"));
    cluster.sentinels[2].kill9();
    cluster.nodes()[2].kill9();
    wait_until(FOLLOW, "the Sentinel is forgotten", || forget(&cluster, "SENTINEL", &gone) == "OK");
    wait_until(FOLLOW, "the replica is forgotten", || forget(&cluster, "REPLICA", &replica) == "OK");
    assert_eq!(cluster.sentinels[0].master_field("mymaster", "num-other-sentinels"), "1");
    assert_eq!(cluster.sentinels[0].master_field("mymaster", "num-slaves"), "1");
    let conf = cluster.sentinels[0].conf_text();
    assert!(
        !conf.contains(&gone)
            && !conf.contains(&format!("known-replica mymaster 127.0.0.1 {}", cluster.nodes()[2].port()))
    );
    // Who comes back announces itself.
    cluster.nodes()[2].restart();
    wait_until(FOLLOW, "the replica is known again", || {
        cluster.sentinels[0].master_field("mymaster", "num-slaves") == "2"
    });
}
