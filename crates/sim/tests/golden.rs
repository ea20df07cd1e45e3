//! The main stories, line by line: what every Sentinel says, in order and with its reasons.
//!
//! The files in `tests/transcripts` hold what is expected. After a wanted change
//! `PICKET_REFRESH=1 cargo test -p picket-sim --test golden` writes them anew; read the difference before
//! it is committed.

mod common;

use std::path::Path;

use common::{MASTER, ask, drive, drive_switch, pass, settled};
use picket_sansio::Time;
use picket_sim::{Cluster, Shape, Ways};

/// Compares what happened since `since` with the file of that name.
#[track_caller]
fn check(name: &str, cluster: &Cluster, since: Time) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(format!("{name}.txt"));
    let told = cluster.world.transcript().text(since);
    if std::env::var_os("PICKET_REFRESH").is_some() {
        std::fs::write(&path, told).expect("the folder is there");
        return;
    }
    let expected = std::fs::read_to_string(&path).expect("a transcript; see the head of this file");
    if told != expected {
        let differs = told.lines().zip(expected.lines()).position(|(told, expected)| told != expected);
        let line = differs.unwrap_or_else(|| told.lines().count().min(expected.lines().count()));
        let show = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
        panic!(
            "{name} differs from line {} on:\n  expected {}\n  told     {}\nPICKET_REFRESH=1 writes it anew; whole story:\n{told}",
            line + 1,
            show(&expected),
            show(&told)
        );
    }
}

#[test]
fn automatic_failover() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let since = cluster.world.now();
    cluster.world.kill(old);
    pass(&mut cluster, 2_000);
    check("automatic-failover", &cluster, since);
}

#[test]
fn manual_failover() {
    let mut cluster = settled(1, &Shape::default());
    let sentinel = cluster.sentinels[0];
    let since = cluster.world.now();
    ask(&mut cluster, sentinel, &["SENTINEL", "FAILOVER", MASTER]);
    pass(&mut cluster, 2_000);
    check("manual-failover", &cluster, since);
}

#[test]
fn return_of_the_master() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    pass(&mut cluster, 5_000);
    let since = cluster.world.now();
    cluster.world.restart(old);
    pass(&mut cluster, 3_000);
    check("return-of-the-master", &cluster, since);
}

#[test]
fn split_vote() {
    let mut cluster = settled(2, &Shape { sentinels: 5, quorum: 1, ..Shape::default() });
    let nodes = cluster.sentinels.clone();
    for (index, a) in nodes.iter().enumerate() {
        for b in &nodes[index + 1..] {
            let latency = picket_sim::Latency::exactly(picket_sansio::Millis(70));
            cluster.world.set_latency(*a, *b, Ways::Both, latency);
        }
    }
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    let since = cluster.world.now();
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    check("split-vote", &cluster, since);
}

#[test]
fn partition() {
    let mut cluster = settled(1, &Shape::default());
    let (old, left) = (cluster.groups[0][0], cluster.sentinels[0]);
    let since = cluster.world.now();
    cluster.world.partition(&[old, left]);
    pass(&mut cluster, 4_000);
    cluster.world.heal();
    drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
    check("partition", &cluster, since);
}

#[test]
fn leader_dies_after_the_promotion() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let since = cluster.world.now();
    cluster.world.kill(old);
    drive(&mut cluster, 5_000, "promoted", |cluster| {
        cluster.world.transcript().count(since, "+promoted-slave") > 0
    });
    let leader = common::who(&cluster.world, since, "+promoted-slave");
    cluster.world.kill(leader);
    drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
    check("leader-dies", &cluster, since);
}

#[test]
fn one_way_wire() {
    let mut cluster = settled(1, &Shape::default());
    let (master, blind) = (cluster.groups[0][0], cluster.sentinels[2]);
    let since = cluster.world.now();
    cluster.world.cut(master, blind, Ways::OneWay);
    pass(&mut cluster, 5_000);
    cluster.world.heal();
    pass(&mut cluster, 2_000);
    check("one-way-wire", &cluster, since);
}
