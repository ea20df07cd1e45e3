//! Bad input and bad surroundings: nothing that others say or do makes a Sentinel fail over a healthy
//! master, stop watching, or grow.

mod common;

use common::{MASTER, ask, drive, drive_switch, first, not_said, pass, settled};
use picket_sansio::Millis;
use picket_sim::{Answering, Cluster, Shape, Ways};

/// Flaw (b) of the reference: peers' opinions about the old address, a second old, made Sentinels fail the
/// healthy new master over.
#[test]
fn opinions_about_the_old_address_do_not_count_against_the_new_master() {
    for seed in 1..=10 {
        let mut cluster = settled(seed, &Shape::default());
        let old = cluster.groups[0][0];
        let addr = cluster.world.addr(old);
        cluster.world.kill(old);
        drive_switch(&mut cluster, 5_000, 0, addr);
        let switched = cluster.world.now();
        let new = cluster.agreed_master(MASTER).expect("just switched");
        // One Sentinel cannot reach the new master; the others can.
        let blind = cluster.sentinels[(seed % 3) as usize];
        cluster.world.cut(blind, new, Ways::Both);
        pass(&mut cluster, 20_000);
        assert!(cluster.world.transcript().find(switched, blind, "+sdown master").is_some(), "seed {seed}");
        not_said(&cluster.world, switched, "+odown");
        not_said(&cluster.world, switched, "+try-failover");
        assert_eq!(cluster.agreed_master(MASTER), Some(new));
    }
}

#[test]
fn a_stalled_sentinel_distrusts_itself_and_accuses_nobody() {
    let mut cluster = settled(1, &Shape::default());
    let stalled = cluster.sentinels[0];
    cluster.world.freeze(stalled);
    pass(&mut cluster, 6_000);
    let since = cluster.world.now();
    cluster.world.thaw(stalled);
    pass(&mut cluster, 60_000);
    let transcript = cluster.world.transcript();
    assert!(transcript.find(since, stalled, "+tilt").is_some(), "it stood still for 6 s");
    let left = transcript.find(since, stalled, "-tilt").expect("TILT ends").at;
    assert!(left.since(since) <= Millis(30_100), "{}", left.since(since));
    assert!(transcript.find(since, stalled, "+sdown").is_none(), "nobody was away but itself");
    assert!(transcript.find(since, stalled, "+odown").is_none());
}

/// Too short for TILT, long enough for every deadline: what piled up meanwhile must be heard first.
#[test]
fn a_short_stall_accuses_nobody() {
    let mut cluster = settled(1, &Shape { down_after: Millis(500), ..Shape::default() });
    let since = cluster.world.now();
    for round in 0..30 {
        let stalled = cluster.sentinels[round as usize % 3];
        pass(&mut cluster, 700);
        cluster.world.freeze(stalled);
        pass(&mut cluster, 400 + round * 40);
        cluster.world.thaw(stalled);
    }
    let said: Vec<_> =
        cluster.world.transcript().since(since).filter(|entry| entry.text.starts_with("+sdown")).collect();
    // Others may call the stalled one down, which it was.
    assert!(said.iter().all(|entry| entry.text.starts_with("+sdown sentinel")), "{said:?}");
    not_said(&cluster.world, since, "+odown");
}

#[test]
fn a_master_dies_while_one_sentinel_is_in_tilt() {
    let mut cluster = settled(1, &Shape::default());
    let stalled = cluster.sentinels[1];
    cluster.world.freeze(stalled);
    pass(&mut cluster, 3_000);
    cluster.world.thaw(stalled);
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
}

#[test]
fn nonsense_in_hello_messages_changes_nothing() {
    let mut cluster = settled(1, &Shape::default());
    let master = cluster.groups[0][0];
    let sentinel = cluster.sentinels[0];
    let before = cluster.world.sentinel(sentinel).expect("runs");
    let id = "0123456789abcdef0123456789abcdef01234567";
    let nonsense = [
        String::new(),
        ",,,,,,,".into(),
        "\u{0}\r\n\r\n".into(),
        format!("10.0.0.9,26379,{id},0,nosuchmaster,10.0.1.1,6379,0"),
        format!("10.0.0.9,99999,{id},0,{MASTER},10.0.1.1,6379,0"),
        format!("10.0.0.9,26379,short,0,{MASTER},10.0.1.1,6379,0"),
        format!("10.0.0.9,26379,{id},-1,{MASTER},10.0.1.1,6379,0"),
        format!("not a host,26379,{id},0,{MASTER},10.0.1.1,6379,0"),
        format!("10.0.0.9,26379,{id},0,{MASTER},,6379,0"),
        format!("10.0.0.9,26379,{id},0,{MASTER},10.0.1.1,6379,0,more"),
        "x".repeat(100_000),
    ];
    for payload in &nonsense {
        ask(&mut cluster, master, &["PUBLISH", "__sentinel__:hello", payload]);
        ask(&mut cluster, sentinel, &["PUBLISH", "__sentinel__:hello", payload]);
    }
    pass(&mut cluster, 100);
    let after = cluster.world.sentinel(sentinel).expect("runs");
    assert_eq!(after.current_epoch, before.current_epoch);
    assert_eq!(after.masters[0].config_epoch, before.masters[0].config_epoch);
    assert_eq!(after.masters[0].server.addr, before.masters[0].server.addr);
    assert_eq!(after.masters[0].peers.len(), 2);
    let addr = cluster.world.addr(master);
    cluster.world.kill(master);
    drive_switch(&mut cluster, 5_000, 0, addr);
}

#[test]
fn a_server_that_answers_garbage_is_told_of_once_and_watched_on() {
    let mut cluster = settled(1, &Shape::default());
    let replica = cluster.groups[0][1];
    let since = cluster.world.now();
    let steps = cluster.world.steps();
    cluster.world.set_answering(replica, Answering::Garbage);
    pass(&mut cluster, 60_000);
    first(&cluster.world, since, "Closed the link");
    let told = cluster.world.transcript().count(since, "Closed the link");
    assert!(told <= 12, "told {told} times in a minute");
    assert_eq!(cluster.world.transcript().count(since, "+sdown slave"), 3);
    let per_second = (cluster.world.steps() - steps) / 60;
    assert!(per_second < 400, "{per_second} steps a second: it is dialled too often");
    let back = cluster.world.now();
    cluster.world.set_answering(replica, Answering::Normally);
    drive(&mut cluster, 5_000, "up again", |cluster| {
        cluster.world.transcript().count(back, "-sdown slave") == 3
    });
}

#[test]
fn a_master_that_answers_errors_is_down_and_one_that_loads_is_not() {
    for (answering, is_down) in [
        (Answering::Misconf, true),
        (Answering::Garbage, true),
        (Answering::Silent, true),
        (Answering::Loading, false),
        (Answering::MasterDown, false),
    ] {
        let mut cluster = settled(1, &Shape::default());
        let since = cluster.world.now();
        let master = cluster.groups[0][0];
        cluster.world.set_answering(master, answering);
        pass(&mut cluster, 5_000);
        let down = cluster.world.transcript().count(since, "+sdown master") > 0;
        assert_eq!(down, is_down, "{answering:?}");
    }
}

#[test]
fn a_busy_script_is_killed_once_and_the_master_stays() {
    let mut cluster = settled(1, &Shape::default());
    let since = cluster.world.now();
    let master = cluster.groups[0][0];
    cluster.world.set_answering(master, Answering::Busy);
    drive(&mut cluster, 10_000, "the script was killed", |cluster| {
        cluster.world.transcript().count(since, "+sdown master") > 0
            && cluster.world.transcript().count(since, "-sdown") > 0
    });
    pass(&mut cluster, 3_000);
    drive(&mut cluster, 10_000, "whole", |cluster: &Cluster| cluster.is_whole(0));
}

#[test]
fn a_sentinel_that_cannot_reach_the_master_alone_changes_nothing() {
    for cut in [Ways::Both, Ways::OneWay] {
        let mut cluster = settled(1, &Shape::default());
        let master = cluster.groups[0][0];
        let since = cluster.world.now();
        let blind = cluster.sentinels[2];
        cluster.world.cut(blind, master, cut);
        pass(&mut cluster, 30_000);
        first(&cluster.world, since, "+sdown master");
        not_said(&cluster.world, since, "+odown");
        cluster.world.heal();
        drive(&mut cluster, 5_000, "reached again", |cluster| {
            cluster.world.sentinel(blind).is_some_and(|status| !status.masters[0].server.s_down)
        });
    }
}

#[test]
fn lost_connections_are_made_again_without_anybody_being_called_down() {
    let mut cluster = settled(1, &Shape::default());
    let since = cluster.world.now();
    let nodes: Vec<_> = cluster.world.nodes().collect();
    for round in 0..20 {
        for sentinel in cluster.sentinels.clone() {
            let other = nodes[round % nodes.len()];
            if other != sentinel {
                cluster.world.reset_connections(sentinel, other);
            }
        }
        pass(&mut cluster, 1_500);
    }
    not_said(&cluster.world, since, "+sdown");
}

/// A ring of replicas: each follows the next, nobody is a master, every link is down. It comes about when a
/// Sentinel with an older configuration and one with a newer act at the same time.
#[test]
fn a_ring_of_replicas_is_broken_up() {
    for down_after in [500, 1_000, 5_000] {
        let shape = Shape { down_after: Millis(down_after), replicas: 3, ..Shape::default() };
        let mut cluster = settled(1, &shape);
        let group = cluster.groups[0].clone();
        let since = cluster.world.now();
        let second = cluster.world.addr(group[1]);
        ask(&mut cluster, group[0], &["SLAVEOF", &second.ip().to_string(), &second.port().to_string()]);
        // Down-after and two INFO periods until the role counts, then an election.
        drive(&mut cluster, 60_000, "whole", |cluster| {
            cluster.world.transcript().count(since, "+switch-master") > 0 && cluster.is_whole(0)
        });
    }
}
