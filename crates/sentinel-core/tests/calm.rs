//! While all is well replicas are asked and told less often, and never when somebody may need it.

mod common;

use common::{Host, MASTER, id};
use picket_sansio::Time;

const PRIMARY: &str = "10.0.0.1:6379";
const REPLICA: &str = "10.0.0.2:6379";
const REPLICA_INFO: &str =
    "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\n";
const FILE: &str =
    "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel known-replica mymaster 10.0.0.2 6379\n";

fn host(file: &str) -> Host {
    Host::new(file, &[(PRIMARY, "role:master\r\n"), (REPLICA, REPLICA_INFO)], &[])
}

/// The hello of a Sentinel that is called by this letter.
fn hello(letter: char) -> String {
    format!("10.0.0.51,26379,{},0,{MASTER},10.0.0.1,6379,0", id(letter))
}

/// How often a server is pinged, and told a hello, in a minute.
fn minute(host: &mut Host, addr: &str) -> (usize, usize) {
    minute_with(host, addr, |_| ())
}

/// The same while somebody says something every other second.
fn minute_with(host: &mut Host, addr: &str, says: impl Fn(&mut Host)) -> (usize, usize) {
    let since = host.now();
    for _ in 0..30 {
        says(host);
        host.pass(2_000);
    }
    (host.count_since(addr, "PING", since), host.count_since(addr, "PUBLISH", since))
}

#[track_caller]
fn check(counts: (usize, usize), pings: [usize; 2], hellos: [usize; 2]) {
    assert!((pings[0]..=pings[1]).contains(&counts.0), "{} PINGs", counts.0);
    assert!((hellos[0]..=hellos[1]).contains(&counts.1), "{} hellos", counts.1);
}

const STOCK_PINGS: [usize; 2] = [57, 62];
const STOCK_HELLOS: [usize; 2] = [23, 31];
const CALM_PINGS: [usize; 2] = [22, 25];
const CALM_HELLOS: [usize; 2] = [5, 7];

#[test]
fn replicas_are_left_alone_while_all_is_well_and_the_master_is_not() {
    let mut host = host(FILE);
    host.pass(60_000);
    check(minute(&mut host, REPLICA), CALM_PINGS, CALM_HELLOS);
    check(minute(&mut host, PRIMARY), STOCK_PINGS, STOCK_HELLOS);
    assert!(!host.log.iter().any(|line| line.contains("link-down")), "{:#?}", host.log);
}

#[test]
fn a_short_down_after_leaves_no_room() {
    let mut host = host(&format!("{FILE}sentinel down-after-milliseconds {MASTER} 10000\n"));
    host.pass(60_000);
    check(minute(&mut host, REPLICA), STOCK_PINGS, CALM_HELLOS);
}

#[test]
fn whoever_is_new_is_told_everywhere_and_at_once() {
    let mut host = host(FILE);
    host.pass(26_000);
    assert!(host.count_since(REPLICA, "PUBLISH", Time(0)) >= 10, "in the first half minute it is new itself");
    host.pass(30_000);
    let since = host.now();
    host.hello_over(REPLICA, &hello('2'));
    host.pass(600);
    // Its last hello there may be younger than two seconds.
    host.pass(2_000);
    assert!(host.count_since(REPLICA, "PUBLISH", since) >= 1);
    let since = host.now();
    host.pass(20_000);
    assert!(host.count_since(REPLICA, "PUBLISH", since) >= 8);
}

#[test]
fn a_peer_that_is_not_heard_over_the_master_is_told_over_replicas() {
    let mut host = host(FILE);
    host.pass(100);
    host.hello_over(PRIMARY, &hello('2'));
    let over = |addr: &'static str| move |host: &mut Host| host.hello_over(addr, &hello('2'));
    minute_with(&mut host, REPLICA, over(PRIMARY));
    check(minute_with(&mut host, REPLICA, over(PRIMARY)), CALM_PINGS, CALM_HELLOS);
    minute_with(&mut host, REPLICA, over(REPLICA));
    check(minute_with(&mut host, REPLICA, over(REPLICA)), STOCK_PINGS, STOCK_HELLOS);
    check(minute_with(&mut host, REPLICA, |host| host.hello(&hello('2'))), STOCK_PINGS, STOCK_HELLOS);
}

#[test]
fn a_sentinel_that_is_heard_over_the_master_is_told_less_often_over_its_connection() {
    const PEER: &str = "10.0.0.51:26379";
    let servers = [(PRIMARY, "role:master\r\n"), (REPLICA, REPLICA_INFO), (PEER, "")];
    let mut host = Host::new(FILE, &servers, &[]);
    host.pass(100);
    host.hello_over(PRIMARY, &hello('2'));
    let over = |addr: &'static str| move |host: &mut Host| host.hello_over(addr, &hello('2'));
    minute_with(&mut host, PEER, over(PRIMARY));
    check(minute_with(&mut host, PEER, over(PRIMARY)), STOCK_PINGS, CALM_HELLOS);
    minute_with(&mut host, PEER, over(REPLICA));
    check(minute_with(&mut host, PEER, over(REPLICA)), STOCK_PINGS, STOCK_HELLOS);
}

/// One that is dead and silent is waited for by nobody.
#[test]
fn a_dead_peer_does_not_keep_anybody_awake() {
    let mut host = host(FILE);
    host.pass(100);
    host.hello_over(PRIMARY, &hello('2'));
    host.pass(90_000);
    check(minute(&mut host, REPLICA), CALM_PINGS, CALM_HELLOS);
}

#[test]
fn a_master_that_does_not_answer_ends_the_calm_before_it_is_down() {
    let mut host = host(FILE);
    host.pass(60_000);
    host.hung.insert(PRIMARY.parse().expect("ip:port"));
    let since = host.now();
    host.pass(5_000);
    assert!(host.count_since(REPLICA, "PUBLISH", since) >= 1);
    let since = host.now();
    host.pass(20_000);
    assert!(!host.log.iter().any(|line| line.contains("+sdown")), "{:#?}", host.log);
    assert!(host.count_since(REPLICA, "PUBLISH", since) >= 8);
    assert!(host.count_since(REPLICA, "PING", since) >= 19);
}

/// An epoch from somewhere else is passed on at the next PING.
#[test]
fn a_new_epoch_is_told_without_waiting_for_the_calm_to_end() {
    let mut host = host(FILE);
    host.pass(60_000);
    let since = host.now();
    host.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", "6379", "5", &id('2')]);
    host.pass(4_100);
    assert_eq!(host.count_since(REPLICA, "PUBLISH", since), 1);
}
