//! The main stories: a master is gone, and what must happen then, and how fast.

mod common;

use common::{MASTER, ask, drive, drive_switch, fail, first, last, not_said, pass, settled, who};
use picket_resp::Reply;
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, NodeId, Shape};

/// The aim: with 1 ms wires and 5 ms disks, from the first +odown to the last +switch-master.
const SWITCH_MAX: Millis = Millis(100);

fn five() -> Shape {
    Shape { sentinels: 5, replicas: 4, quorum: 3, ..Shape::default() }
}

/// Runs a failover after `end` took the master away, and checks how long it took.
#[track_caller]
fn check_switch(mut cluster: Cluster, end: impl FnOnce(&mut Cluster, NodeId)) -> Cluster {
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    let since = cluster.world.now();
    end(&mut cluster, old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    let world = &cluster.world;
    let odown = first(world, since, "+odown");
    let switched = last(world, since, "+switch-master");
    assert!(first(world, since, "+sdown") <= since + Millis(2_600), "noticed late");
    assert!(
        switched.since(odown) <= SWITCH_MAX,
        "+odown to the last +switch-master: {}",
        switched.since(odown)
    );
    assert_eq!(world.transcript().count(since, "+try-failover"), 1, "one candidate is enough");
    drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
    cluster
}

#[test]
fn a_killed_master_is_replaced() {
    for seed in 1..=10 {
        check_switch(settled(seed, &Shape::default()), |cluster, master| cluster.world.kill(master));
        check_switch(settled(seed, &five()), |cluster, master| cluster.world.kill(master));
    }
}

#[test]
fn a_frozen_master_is_replaced() {
    for seed in 1..=5 {
        check_switch(settled(seed, &Shape::default()), |cluster, master| cluster.world.freeze(master));
        check_switch(settled(seed, &five()), |cluster, master| cluster.world.freeze(master));
    }
}

#[test]
fn a_master_whose_machine_is_off_is_replaced() {
    check_switch(settled(1, &Shape::default()), |cluster, master| cluster.world.switch_off(master));
}

#[test]
fn a_master_with_a_password_is_replaced() {
    let shape = Shape { password: Some("hunter2".into()), ..Shape::default() };
    let cluster = check_switch(settled(1, &shape), |cluster, master| cluster.world.kill(master));
    assert!(!cluster.world.transcript().text(Time(0)).contains("hunter2"));
}

#[test]
fn a_writer_follows_the_master() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let sentinels = cluster.sentinels.clone();
    let writer = cluster.world.add_writer(MASTER, &sentinels, Millis(10));
    pass(&mut cluster, 2_000);
    let killed = cluster.world.now();
    cluster.world.kill(old);
    drive(&mut cluster, 5_000, "writing again", |cluster| {
        cluster.world.writer(writer).is_some_and(|report| {
            report.acknowledged.last().is_some_and(|(_, at)| *at > killed + Millis(500))
        })
    });
    let switched = first(&cluster.world, killed, "+switch-master");
    let report = cluster.world.writer(writer).expect("a writer");
    let again = report.acknowledged.iter().find(|(_, at)| *at > killed + Millis(500)).expect("waited for").1;
    assert!(
        again <= switched + Millis(600),
        "the first write succeeded {} after the switch",
        again.since(switched)
    );
    // What was acknowledged and had reached the promoted replica is still there.
    let master = cluster.agreed_master(MASTER).expect("just switched");
    let data = cluster.world.server(master).expect("a server").data;
    let lost = report.acknowledged.iter().filter(|(number, _)| !data.contains(number)).count();
    assert!(lost <= 1, "{lost} acknowledged writes lost with 1 ms between master and replica");
    assert!(report.acknowledged.len() > 150);
}

#[test]
fn without_a_quorum_nothing_is_failed_over() {
    let shape = Shape { quorum: 4, ..Shape::default() };
    let mut cluster = settled(1, &shape);
    let since = cluster.world.now();
    let master = cluster.groups[0][0];
    cluster.world.kill(master);
    pass(&mut cluster, 30_000);
    assert_eq!(cluster.world.transcript().count(since, "+sdown master"), 3);
    not_said(&cluster.world, since, "+odown");
    not_said(&cluster.world, since, "+try-failover");
}

#[test]
fn without_a_majority_nothing_is_failed_over_until_it_is_back() {
    let mut cluster = settled(1, &five());
    let dead = [cluster.sentinels[0], cluster.sentinels[2], cluster.sentinels[4]];
    for sentinel in dead {
        cluster.world.kill(sentinel);
    }
    ask_all(&mut cluster, &["SENTINEL", "SET", MASTER, "quorum", "2"]);
    pass(&mut cluster, 3_000);
    let since = cluster.world.now();
    let master = cluster.groups[0][0];
    let addr = cluster.world.addr(master);
    cluster.world.kill(master);
    pass(&mut cluster, 30_000);
    first(&cluster.world, since, "+odown");
    not_said(&cluster.world, since, "+elected-leader");
    let back = cluster.world.now();
    cluster.world.restart(dead[0]);
    drive_switch(&mut cluster, 5_000, 0, addr);
    let switched = last(&cluster.world, back, "+switch-master");
    assert!(switched.since(back) <= Millis(3_000), "{} after the majority was back", switched.since(back));
}

#[track_caller]
fn ask_all(cluster: &mut Cluster, args: &[&str]) {
    for sentinel in cluster.sentinels.clone() {
        if cluster.world.sentinel(sentinel).is_some() {
            assert_eq!(ask(cluster, sentinel, args), Reply::ok());
        }
    }
}

#[test]
fn an_operators_failover_needs_no_dead_master() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    let sentinel = cluster.sentinels[1];
    let since = cluster.world.now();
    assert_eq!(ask(&mut cluster, sentinel, &["SENTINEL", "FAILOVER", MASTER]), Reply::ok());
    let again = ask(&mut cluster, sentinel, &["SENTINEL", "FAILOVER", MASTER]);
    assert_eq!(again, Reply::error("INPROG Failover already in progress"));
    drive_switch(&mut cluster, 1_000, 0, addr);
    assert!(last(&cluster.world, since, "+switch-master").since(since) <= SWITCH_MAX);
    drive(&mut cluster, 2_000, "whole", |cluster| cluster.is_whole(0));
    not_said(&cluster.world, since, "+odown");
    assert_eq!(who(&cluster.world, since, "+elected-leader"), sentinel);
    pass(&mut cluster, 10_000);
    assert_eq!(cluster.world.transcript().count(since, "+try-failover"), 1, "once is enough");
}

#[test]
fn two_masters_that_fall_together_share_an_epoch() {
    let shape = Shape { masters: 2, ..Shape::default() };
    for seed in 1..=5 {
        let mut cluster = settled(seed, &shape);
        let since = cluster.world.now();
        let masters: Vec<_> = cluster.groups.iter().map(|group| group[0]).collect();
        for master in &masters {
            cluster.world.kill(*master);
        }
        for (index, master) in masters.iter().enumerate() {
            let addr = cluster.world.addr(*master);
            drive_switch(&mut cluster, 5_000, index, addr);
        }
        let world = &cluster.world;
        let took = last(world, since, "+switch-master").since(first(world, since, "+odown"));
        assert!(took <= SWITCH_MAX, "seed {seed}: {took}");
        not_said(world, since, "-failover-abort");
        let epoch = |index: usize| {
            let status = world.sentinel(cluster.sentinels[0]).expect("it runs");
            status.masters[index].config_epoch
        };
        assert_eq!(epoch(0), epoch(1), "seed {seed}");
    }
}

#[test]
fn twenty_masters_that_fall_together_are_all_replaced_at_once() {
    let shape = Shape { masters: 20, replicas: 1, ..Shape::default() };
    let mut cluster = settled(1, &shape);
    let since = cluster.world.now();
    let masters: Vec<_> = cluster.groups.iter().map(|group| group[0]).collect();
    for master in &masters {
        cluster.world.kill(*master);
    }
    pass(&mut cluster, 3_000);
    for (index, master) in masters.iter().enumerate() {
        let now = cluster.agreed_master(&Cluster::master_name(index));
        if now.is_none_or(|now| now == *master) {
            fail(&cluster.world, &format!("master {index} was not replaced in 3 s"));
        }
    }
    let took = last(&cluster.world, since, "+switch-master").since(first(&cluster.world, since, "+odown"));
    assert!(took <= Millis(300), "all twenty took {took}");
    not_said(&cluster.world, since, "-failover-abort");
}
