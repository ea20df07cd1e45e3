//! How long a Sentinel that is new to a master listens before it stands for election, and what counts as listening.

mod common;

use common::Host;
use picket_sansio::{Millis, Time};

const PRIMARY: &str = "10.0.0.1:6379";
const REPLICA: &str = "10.0.0.2:6379";
const REPLICA_INFO: &str = "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\n\
                            slave_priority:100\r\nslave_repl_offset:100\r\n";
const FILE: &str = "sentinel monitor mymaster 10.0.0.1 6379 1\nsentinel down-after-milliseconds mymaster 500\n\
                    sentinel known-replica mymaster 10.0.0.2 6379\n";
/// What passes at most between two hellos of somebody: the period, and the wait for a PING to leave with.
const LONGEST_GAP: Millis = Millis(2_500);

fn host(replica_runs: bool) -> Host {
    host_with(replica_runs, &[], "")
}

/// These servers let nobody listen.
fn host_with(replica_runs: bool, refusing: &[&str], text: &str) -> Host {
    let mut servers = vec![(PRIMARY, "role:master\r\n")];
    if replica_runs {
        servers.push((REPLICA, REPLICA_INFO));
    }
    let mut host = Host::new(FILE, &servers, &[]);
    for addr in refusing {
        host.refusals.insert(addr.parse().expect("ip:port"), text.into());
    }
    host.pass(100);
    host
}

/// When the failover begins, within this time.
#[track_caller]
fn stands_at(host: &mut Host, within: u64) -> Time {
    let stands = |host: &Host| host.log.iter().any(|line| line.contains("+try-failover"));
    let deadline = host.now() + Millis(within);
    while !stands(host) && host.now() < deadline {
        host.pass(10);
    }
    assert!(stands(host), "within {within} ms: {:#?}", host.log);
    host.now()
}

#[test]
fn it_listens_for_longer_than_others_are_silent() {
    let mut host = host(true);
    host.kill(PRIMARY);
    let at = stands_at(&mut host, 10_000);
    assert!(at.since(Time(0)) >= Millis(LONGEST_GAP.0 + 500), "{at}");
    assert!(at.since(Time(0)) <= Millis(LONGEST_GAP.0 + 1_500), "{at}");
}

/// The channel of a hung master tells nothing, however long it is open.
#[test]
fn a_hung_server_is_not_listened_to() {
    // However long it was: a server that comes back answers before it lets anybody listen.
    for hung_for in [2_000, 10_000, 60_000] {
        let mut host = host(false);
        host.hung.insert(PRIMARY.parse().expect("ip:port"));
        host.pass(hung_for);
        let since = host.now();
        host.start(REPLICA, REPLICA_INFO);
        let at = stands_at(&mut host, 10_000);
        assert!(at.since(since) >= LONGEST_GAP, "{}", at.since(since));
    }
}

/// But what it told while it answered counts.
#[test]
fn a_server_that_hangs_after_long_was_listened_to() {
    let mut host = host(true);
    host.pass(6_000);
    let since = host.now();
    host.hung.insert(PRIMARY.parse().expect("ip:port"));
    let at = stands_at(&mut host, 10_000);
    assert!(at.since(since) <= Millis(2_000), "{}", at.since(since));
}

/// One server that refuses says nothing about the others.
#[test]
fn a_refusal_is_no_listening() {
    let mut host = host_with(false, &[PRIMARY], "NOPERM no channels for you");
    host.pass(2_000);
    host.kill(PRIMARY);
    let since = host.now();
    host.start(REPLICA, REPLICA_INFO);
    let at = stands_at(&mut host, 10_000);
    assert!(at.since(since) >= LONGEST_GAP, "{}", at.since(since));
}

/// Access rules and full servers do not prevent a failover for ever.
#[test]
fn whom_nobody_lets_listen_stands_after_a_while() {
    for text in ["NOPERM no channels for you", "ERR max number of clients reached", "NOAUTH who are you?"] {
        let mut host = host_with(true, &[PRIMARY, REPLICA], text);
        host.pass(2_000);
        let since = host.now();
        host.kill(PRIMARY);
        let at = stands_at(&mut host, 20_000);
        assert!(at.since(since) >= LONGEST_GAP, "{text}: {}", at.since(since));
    }
}
