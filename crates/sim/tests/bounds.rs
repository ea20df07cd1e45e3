//! Whatever others say or do, a Sentinel neither grows nor spins nor runs out of numbers.

mod common;

use std::collections::BTreeMap;

use common::{MASTER, ask, drive, drive_switch, not_said, pass, settled};
use picket_resp::Reply;
use picket_sansio::Millis;
use picket_sim::{Answering, Shape};

/// An epoch that no election can have reached is not taken over: from there on nobody could be elected.
#[test]
fn an_epoch_from_nowhere_is_not_believed() {
    for epoch in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62, 1 << 40] {
        let mut cluster = settled(1, &Shape::default());
        let (sentinels, master) = (cluster.sentinels.clone(), cluster.groups[0][0]);
        let addr = cluster.world.addr(master);
        let of_first = cluster.world.addr(sentinels[0]).ip();
        let id = cluster.world.sentinel(sentinels[0]).expect("runs").my_id;
        let (current, configuration) = (epoch.to_string(), epoch.to_string());
        for (current, configuration) in
            [(&*current, "0"), ("0", &*configuration), (&*current, &*configuration)]
        {
            let hello = format!("{of_first},26379,{id},{current},{MASTER},10.0.1.2,6379,{configuration}");
            ask(&mut cluster, master, &["PUBLISH", "__sentinel__:hello", &hello]);
            for sentinel in &sentinels {
                ask(&mut cluster, *sentinel, &["PUBLISH", "__sentinel__:hello", &hello]);
            }
        }
        if let Ok(epoch) = i64::try_from(epoch) {
            let (ip, epoch, id) = (addr.ip().to_string(), epoch.to_string(), "f".repeat(40));
            let request = ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", &ip, "6379", &epoch, &id];
            let reply = ask(&mut cluster, sentinels[1], &request);
            let items = reply.as_array().expect("three fields");
            assert_ne!(items[1], Reply::bulk(id), "a vote in epoch {epoch}");
        }
        pass(&mut cluster, 3_000);
        for sentinel in &sentinels {
            let status = cluster.world.sentinel(*sentinel).expect("runs");
            assert_eq!((status.current_epoch, status.masters[0].config_epoch), (0, 0), "epoch {epoch}");
        }
        assert_eq!(cluster.agreed_master(MASTER), Some(master));
        cluster.world.kill(master);
        drive_switch(&mut cluster, 5_000, 0, addr);
        assert_eq!(cluster.world.sentinel(sentinels[0]).expect("runs").current_epoch, 1);
    }
}

/// A former master that refuses SLAVEOF is asked ever less often, and told of once.
#[test]
fn a_server_that_refuses_slaveof_is_asked_ever_less_often() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    pass(&mut cluster, 30_000);
    cluster.world.restart(old);
    cluster.world.set_answering(old, Answering::RefusingSlaveof);
    let since = cluster.world.now();
    pass(&mut cluster, 60_000);
    let later = cluster.world.now();
    let steps = cluster.world.steps();
    pass(&mut cluster, 60_000);
    let transcript = cluster.world.transcript();
    let converts = transcript.count(since, "+convert-to-slave");
    assert!((1..=6).contains(&converts), "told of {converts} times, there are three Sentinels");
    assert_eq!(transcript.count(later, "+convert-to-slave"), 0);
    for said in ["+fix-slave-config", "+slave-reconf-sent", "+reboot"] {
        assert!(transcript.count(since, said) <= 3, "{said}");
    }
    // The same minute in a quiet deployment.
    let with_refusals = cluster.world.steps() - steps;
    let mut quiet = settled(1, &Shape::default());
    let steps = quiet.world.steps();
    pass(&mut quiet, 60_000);
    let without = quiet.world.steps() - steps;
    assert!(with_refusals < without * 13 / 10, "{with_refusals} steps, {without} without");
    cluster.world.set_answering(old, Answering::Normally);
    drive(&mut cluster, 15_000, "it follows when it listens again", |cluster| cluster.is_whole(0));
}

/// The same for a replica that ought to follow the new master and refuses to.
#[test]
fn a_replica_that_refuses_to_follow_the_new_master_floods_nobody() {
    for seed in 1..=3 {
        let mut cluster = settled(seed, &Shape { replicas: 3, ..Shape::default() });
        let group = cluster.groups[0].clone();
        let addr = cluster.world.addr(group[0]);
        cluster.world.set_answering(group[1], Answering::RefusingSlaveof);
        // Not the one to be promoted.
        cluster.world.set_priority(group[1], 200);
        pass(&mut cluster, 11_000);
        let since = cluster.world.now();
        cluster.world.kill(group[0]);
        drive_switch(&mut cluster, 5_000, 0, addr);
        pass(&mut cluster, 120_000);
        let mut said: BTreeMap<String, u32> = BTreeMap::new();
        for entry in cluster.world.transcript().since(since) {
            let event = entry.text.split(' ').next().unwrap_or_default().to_string();
            *said.entry(event).or_default() += 1;
        }
        for event in ["+fix-slave-config", "+slave-reconf-sent", "+convert-to-slave"] {
            let times = said.get(event).copied().unwrap_or_default();
            assert!(times <= 12, "{event} {times} times in two minutes, seed {seed}: {said:?}");
        }
        cluster.world.set_answering(group[1], Answering::Normally);
        drive(&mut cluster, 60_000, "whole", |cluster| {
            let new = cluster.agreed_master(MASTER).map(|master| cluster.world.addr(master));
            cluster.world.server(group[1]).is_some_and(|server| server.follows == new && server.link_up)
        });
    }
}

/// The smallest TILT triggers: the Sentinel looks after itself often, but time goes on.
#[test]
fn a_tiny_tilt_trigger_does_not_make_a_sentinel_spin() {
    for trigger in ["1", "2", "3", "7"] {
        let mut cluster = settled(1, &Shape::default());
        let sentinel = cluster.sentinels[0];
        ask(&mut cluster, sentinel, &["SENTINEL", "DEBUG", "tilt-trigger", trigger]);
        let (since, steps) = (cluster.world.now(), cluster.world.steps());
        pass(&mut cluster, 10_000);
        let per_second = (cluster.world.steps() - steps) / 10;
        assert!(per_second < 2_000, "{per_second} steps a second with a trigger of {trigger} ms");
        not_said(&cluster.world, since, "+tilt");
    }
}

/// Hellos of thousands of Sentinels that nobody has seen.
#[test]
fn strangers_do_not_make_a_sentinel_grow_without_end() {
    const MEMBERS_MAX: usize = 1_024;
    let mut cluster = settled(1, &Shape::default());
    let (sentinel, master) = (cluster.sentinels[0], cluster.groups[0][0]);
    let addr = cluster.world.addr(master);
    for number in 0..1_500 {
        let (net, host) = (number / 250, number % 250 + 1);
        let hello = format!("10.9.{net}.{host},26379,{number:040x},0,{MASTER},{},6379,0", addr.ip());
        ask(&mut cluster, sentinel, &["PUBLISH", "__sentinel__:hello", &hello]);
    }
    let peers = |cluster: &picket_sim::Cluster| {
        cluster.world.sentinel(sentinel).expect("runs").masters[0].peers.len()
    };
    assert!((500..=MEMBERS_MAX).contains(&peers(&cluster)), "{} peers", peers(&cluster));
    // RESET is how an operator gets rid of them.
    ask(&mut cluster, sentinel, &["SENTINEL", "RESET", MASTER]);
    drive(&mut cluster, 20_000, "only the real ones are known", |cluster| {
        let status = cluster.world.sentinel(sentinel).expect("runs");
        status.masters[0].peers.len() == 2 && status.masters[0].replicas.len() == 2
    });
    pass(&mut cluster, Millis(2_000).0);
    cluster.world.kill(master);
    drive_switch(&mut cluster, 8_000, 0, addr);
}
