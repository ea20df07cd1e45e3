//! Host names: one server is one server under whatever name, names that cannot be resolved stop nothing,
//! and late answers change nothing.

mod common;

use std::collections::BTreeSet;

use common::{MASTER, ask, drive, drive_switch, not_said, pass};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, Latency, NodeId, ServerOptions, World};

/// How the servers and the Sentinels of a deployment call each other.
struct Naming {
    /// Under which address the Sentinels' files name the master.
    monitor: fn(usize) -> &'static str,
    /// What else their files say.
    options: fn(usize) -> &'static str,
    /// Replicas announce their names to their master.
    replicas_announce: bool,
}

const BY_IP: fn(usize) -> &'static str = |_| "10.0.1.1";
const BY_NAME: fn(usize) -> &'static str = |_| "redis-1.local";
const RESOLVE: &str = "sentinel resolve-hostnames yes\n";
const RESOLVE_AND_ANNOUNCE: &str = "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n";

/// A master and two replicas with names, and three Sentinels; runs until everybody knows everybody.
#[track_caller]
fn settled(seed: u64, naming: &Naming, more: &str) -> Cluster {
    let mut world = World::new(seed);
    let mut group = Vec::new();
    for number in 1..=3 {
        let name = format!("redis-{number}.local");
        let options = ServerOptions {
            replica_of: group.first().copied(),
            announce_ip: naming.replicas_announce.then(|| name.clone()),
            ..ServerOptions::default()
        };
        let server = world.add_server(MASTER, options);
        let ip = world.addr(server).ip();
        world.set_name(&name, &[ip]);
        group.push(server);
    }
    let mut sentinels = Vec::new();
    for number in 0..3 {
        let (options, master) = ((naming.options)(number), (naming.monitor)(number));
        let file = format!(
            "port 26379\n{options}sentinel monitor {MASTER} {master} 6379 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 10000\n{more}"
        );
        sentinels.push(world.add_sentinel(&file).expect("a valid file"));
    }
    let mut cluster = Cluster { world, sentinels, groups: vec![group] };
    drive(&mut cluster, 30_000, "settled", |cluster| {
        cluster.is_whole(0)
            && cluster.sentinels.iter().all(|sentinel| {
                let status = cluster.world.sentinel(*sentinel).expect("runs");
                let master = &status.masters[0];
                master.peers.len() == 2
                    && master.replicas.len() >= 2
                    && master.replicas.iter().all(|replica| replica.in_line)
            })
    });
    cluster
}

/// Each Sentinel knows each server once, and would read its own file again.
#[track_caller]
fn everybody_is_known_once(cluster: &Cluster) {
    for sentinel in &cluster.sentinels {
        let status = cluster.world.sentinel(*sentinel).expect("runs");
        let master = &status.masters[0];
        let known: Vec<_> =
            std::iter::once(&master.server).chain(&master.replicas).map(|s| &s.addr).collect();
        let distinct: BTreeSet<_> = known.iter().map(|addr| (addr.ip, addr.port)).collect();
        assert_eq!(known.len(), cluster.groups[0].len(), "{known:?}");
        assert_eq!(distinct.len(), known.len(), "{known:?}");
        let text = cluster.world.disk_text(*sentinel);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("sentinel ")).collect();
        let distinct: BTreeSet<&&str> = lines.iter().collect();
        assert_eq!(distinct.len(), lines.len(), "a line stands twice:\n{text}");
    }
}

/// Nobody was told to follow itself, by address or by name.
#[track_caller]
fn nobody_follows_itself(cluster: &Cluster, since: Time) {
    for (number, server) in (1..).zip(&cluster.groups[0]) {
        let ip = cluster.world.addr(*server).ip();
        for own in [format!("follows {ip}:"), format!("follows redis-{number}.local:")] {
            let found = cluster.world.transcript().find(since, *server, &own);
            assert!(found.is_none(), "{found:?}");
        }
    }
}

/// Every Sentinel ends and reads its file; then the master dies, and comes back.
#[track_caller]
fn restarts_and_a_failover(cluster: &mut Cluster) {
    let since = cluster.world.now();
    for sentinel in cluster.sentinels.clone() {
        cluster.world.kill(sentinel);
        cluster.world.restart(sentinel);
    }
    pass(cluster, 15_000);
    everybody_is_known_once(cluster);
    not_said(&cluster.world, since, "+switch-master");
    let old = cluster.agreed_master(MASTER).expect("they agree");
    let addr = cluster.world.addr(old);
    cluster.world.kill(old);
    drive_switch(cluster, 5_000, 0, addr);
    pass(cluster, 2_000);
    cluster.world.restart(old);
    drive(cluster, 20_000, "whole", |cluster| cluster.is_whole(0));
    pass(cluster, 30_000);
    everybody_is_known_once(cluster);
    nobody_follows_itself(cluster, Time(0));
    assert!(cluster.is_whole(0), "{}", cluster.picture());
}

/// The Sentinels' files know the replicas by IP, the master lists them by name.
#[test]
fn a_replica_listed_by_name_and_known_by_ip_is_one_replica() {
    for seed in 1..=3 {
        let naming = Naming { monitor: BY_IP, options: |_| RESOLVE, replicas_announce: true };
        let more =
            "sentinel known-replica mymaster 10.0.1.2 6379\nsentinel known-replica mymaster 10.0.1.3 6379\n";
        let mut cluster = settled(seed, &naming, more);
        pass(&mut cluster, 25_000);
        everybody_is_known_once(&cluster);
        restarts_and_a_failover(&mut cluster);
    }
}

/// And the other way round: names in the files, IPs in the master's list.
#[test]
fn a_replica_known_by_name_and_listed_by_ip_is_one_replica() {
    for seed in 1..=3 {
        let naming = Naming { monitor: BY_NAME, options: |_| RESOLVE, replicas_announce: false };
        let more = "sentinel known-replica mymaster redis-2.local 6379\n\
                    sentinel known-replica mymaster REDIS-3.local 6379\n";
        let mut cluster = settled(seed, &naming, more);
        pass(&mut cluster, 25_000);
        everybody_is_known_once(&cluster);
        restarts_and_a_failover(&mut cluster);
    }
}

#[test]
fn a_deployment_of_names_alone_fails_over() {
    for seed in 1..=3 {
        let naming = Naming { monitor: BY_NAME, options: |_| RESOLVE_AND_ANNOUNCE, replicas_announce: true };
        let mut cluster = settled(seed, &naming, "");
        restarts_and_a_failover(&mut cluster);
        let text = cluster.world.disk_text(cluster.sentinels[0]);
        assert!(text.contains("known-replica mymaster redis-1.local 6379"), "{text}");
    }
}

/// One Sentinel speaks of the master by name, the others know it by IP: it is the same master, also in a
/// configuration newer than theirs.
#[test]
fn a_hello_that_names_the_master_by_host_name_demotes_nobody() {
    for seed in 1..=3 {
        let naming = Naming {
            monitor: |number| if number == 2 { "redis-1.local" } else { "10.0.1.1" },
            options: |number| if number == 2 { RESOLVE_AND_ANNOUNCE } else { RESOLVE },
            replicas_announce: false,
        };
        let mut cluster = settled(seed, &naming, "");
        let (master, sentinels) = (cluster.groups[0][0], cluster.sentinels.clone());
        let since = cluster.world.now();
        let id = cluster.world.sentinel(sentinels[2]).expect("runs").my_id;
        let ip = cluster.world.addr(sentinels[2]).ip();
        let hello = format!("{ip},26379,{id},5,{MASTER},Redis-1.Local,6379,5");
        for sentinel in &sentinels[..2] {
            ask(&mut cluster, *sentinel, &["PUBLISH", "__sentinel__:hello", &hello]);
        }
        pass(&mut cluster, 30_000);
        for not in ["+switch-master", "+config-update-from", "+convert-to-slave", "follows"] {
            not_said(&cluster.world, since, not);
        }
        for sentinel in &sentinels[..2] {
            assert_eq!(cluster.world.sentinel(*sentinel).expect("runs").masters[0].config_epoch, 5);
        }
        assert_eq!(cluster.agreed_master(MASTER), Some(master));
        everybody_is_known_once(&cluster);
        restarts_and_a_failover(&mut cluster);
    }
}

/// A name that is gone is not a new address, and nobody waits for an answer to act.
#[test]
fn a_failover_goes_through_while_no_name_is_resolved() {
    for seed in 1..=3 {
        let naming = Naming { monitor: BY_NAME, options: |_| RESOLVE_AND_ANNOUNCE, replicas_announce: true };
        let mut cluster = settled(seed, &naming, "");
        let since = cluster.world.now();
        for sentinel in cluster.sentinels.clone() {
            cluster.world.set_dns_cut_off(sentinel, true);
        }
        for number in 1..=3 {
            cluster.world.set_name(&format!("redis-{number}.local"), &[]);
        }
        pass(&mut cluster, 10_000);
        not_said(&cluster.world, since, "+sdown");
        let old = cluster.groups[0][0];
        let addr = cluster.world.addr(old);
        cluster.world.kill(old);
        drive_switch(&mut cluster, 5_000, 0, addr);
        for (number, server) in (1..).zip(cluster.groups[0].clone()) {
            let ip = cluster.world.addr(server).ip();
            cluster.world.set_name(&format!("redis-{number}.local"), &[ip]);
        }
        for sentinel in cluster.sentinels.clone() {
            cluster.world.set_dns_cut_off(sentinel, false);
        }
        cluster.world.restart(old);
        drive(&mut cluster, 30_000, "whole", |cluster| cluster.is_whole(0));
        nobody_follows_itself(&cluster, since);
    }
}

/// A machine is replaced: the same name, another address. Answers take seconds.
#[test]
fn a_replica_whose_name_has_moved_is_found_at_its_new_address() {
    for seed in 1..=3 {
        let naming = Naming { monitor: BY_NAME, options: |_| RESOLVE_AND_ANNOUNCE, replicas_announce: true };
        let mut cluster = settled(seed, &naming, "");
        cluster.world.set_dns_latency(Latency { from_us: 500_000, to_us: 3_000_000 });
        let (master, gone) = (cluster.groups[0][0], cluster.groups[0][2]);
        cluster.world.switch_off(gone);
        pass(&mut cluster, 5_000);
        let options = ServerOptions {
            replica_of: Some(master),
            announce_ip: Some("redis-3.local".into()),
            ..ServerOptions::default()
        };
        let new = cluster.world.add_server(MASTER, options);
        let ip = cluster.world.addr(new).ip();
        cluster.world.set_name("redis-3.local", &[ip]);
        cluster.groups[0][2] = new;
        let knows = |cluster: &Cluster, sentinel: NodeId| {
            let status = cluster.world.sentinel(sentinel).expect("runs");
            status.masters[0].replicas.iter().any(|replica| replica.addr.ip == Some(ip) && replica.in_line)
        };
        drive(&mut cluster, 60_000, "the new machine is watched", |cluster| {
            cluster.sentinels.iter().all(|sentinel| knows(cluster, *sentinel))
        });
        everybody_is_known_once(&cluster);
        let addr = cluster.world.addr(master);
        cluster.world.kill(master);
        drive_switch(&mut cluster, 8_000, 0, addr);
        drive(&mut cluster, 30_000, "whole", |cluster| cluster.is_whole(0));
    }
}

/// Answers that take longer than anything else: they hold up neither the watch nor a failover.
#[test]
fn slow_answers_hold_nothing_up() {
    let naming = Naming { monitor: BY_IP, options: |_| RESOLVE, replicas_announce: true };
    let mut cluster = settled(1, &naming, "");
    cluster.world.set_dns_latency(Latency::exactly(Millis(20_000)));
    let since = cluster.world.now();
    pass(&mut cluster, 15_000);
    not_said(&cluster.world, since, "+sdown");
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    drive(&mut cluster, 5_000, "whole", |cluster| cluster.is_whole(0));
    cluster.world.restart(old);
    drive(&mut cluster, 60_000, "whole", |cluster| cluster.is_whole(0));
    pass(&mut cluster, 60_000);
    everybody_is_known_once(&cluster);
    nobody_follows_itself(&cluster, since);
}
