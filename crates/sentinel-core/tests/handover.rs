//! COORDINATED failovers that meet what they need not: refusals, newer configurations, silence.

mod common;

use common::{Host, MASTER, id};

const FILE: &str =
    "sentinel monitor mymaster 10.0.0.1 6379 1\nsentinel known-replica mymaster 10.0.0.2 6379\n";
const FIRST: &str = "10.0.0.1:6379";
const SECOND: &str = "10.0.0.2:6379";

fn master_info(state: &str) -> String {
    format!(
        "role:master\r\nmaster_failover_state:{state}\r\nconnected_slaves:1\r\n\
         slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0\r\nmaster_repl_offset:100\r\n"
    )
}

fn replica_info(of: &str, priority: u32) -> String {
    format!(
        "role:slave\r\nmaster_host:{of}\r\nmaster_port:6379\r\nmaster_link_status:up\r\nslave_repl_offset:100\r\n\
         slave_priority:{priority}\r\n"
    )
}

/// A Sentinel that is alone with a master and its replica, and knows them.
fn host(file: &str) -> Host {
    let (master, replica) = (master_info("no-failover"), replica_info("10.0.0.1", 100));
    let mut host = Host::new(&format!("{FILE}{file}"), &[(FIRST, &master), (SECOND, &replica)], &[]);
    host.pass(5_000);
    host.sent.clear();
    host
}

/// The master has taken on to hand over, and waits for its replica.
fn handing_over(host: &mut Host, timeout: &str) {
    // What its INFO says from EXEC on; it is not asked before.
    host.set_info(FIRST, &master_info("waiting-for-sync"));
    let words = ["SENTINEL", "FAILOVER", MASTER, "COORDINATED", "TIMEOUT", timeout];
    assert_eq!(host.ask(&words), "+OK\r\n", "{:?}", host.log);
    host.pass(30);
    assert_eq!(host.count(FIRST, "FAILOVER TO 10.0.0.2 6379 TIMEOUT"), 1, "{:?}", host.sent);
}

fn switched_to(host: &Host, addr: &str) -> bool {
    let line = format!("+switch-master mymaster 10.0.0.1 6379 {addr} 6379");
    host.log.iter().any(|event| event.contains(&line))
}

/// A server writes its file while its clients wait for it. With a slow disk, those of a former master waited for seconds
/// before they could go to the new one.
#[test]
fn clients_are_cut_off_before_a_server_writes_its_file() {
    let mut host = host("");
    assert_eq!(host.ask(&["SENTINEL", "FAILOVER", MASTER]), "+OK\r\n", "{:?}", host.log);
    host.set_info(SECOND, "role:master\r\n");
    host.pass(3_000);
    assert!(switched_to(&host, "10.0.0.2"), "{:?}", host.log);
    for (server, master) in [(SECOND, "NO ONE"), (FIRST, "10.0.0.2 6379")] {
        let told = format!("{server} <- SLAVEOF {master}");
        let from = host.sent.iter().position(|line| *line == told);
        let from = from.unwrap_or_else(|| panic!("no {told}: {:?}", host.sent));
        let rest: Vec<&str> = host.sent[from + 1..]
            .iter()
            .filter_map(|line| line.strip_prefix(server)?.strip_prefix(" <- "))
            .take(4)
            .collect();
        let expected = ["CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub", "CONFIG REWRITE", "EXEC"];
        assert_eq!(rest, expected, "{server}");
    }
}

/// Another leader's configuration ends the handover: else the master would hold back writes, and give its role
/// away after all, by the word of nobody who leads.
#[test]
fn a_newer_configuration_ends_a_handover() {
    let mut host = host("");
    handing_over(&mut host, "5000");
    host.hello(&format!("10.0.0.51,26379,{},9,{MASTER},10.0.0.3,6379,9", id('2')));
    assert!(switched_to(&host, "10.0.0.3"), "{:?}", host.log);
    assert_eq!(host.count(FIRST, "FAILOVER ABORT"), 1, "{:?}", host.sent);
    // What is written there now is lost. Its clients wait until it follows.
    host.pass(100);
    assert_eq!(host.count(FIRST, "CLIENT UNPAUSE"), 0, "{:?}", host.sent);
    host.set_info(FIRST, &replica_info("10.0.0.3", 100));
    host.pass(2_000);
    assert_eq!(host.count(FIRST, "CLIENT UNPAUSE"), 1, "{:?}", host.sent);
    host.pass(60_000);
    assert_eq!(host.count(FIRST, "CLIENT UNPAUSE"), 1, "once is enough: {:?}", host.sent);
}

/// The former master's clients wait for the master that has handed over to be told; where that is another's business
/// now, they do not wait longer.
#[test]
fn clients_of_a_former_master_do_not_wait_for_another_leader() {
    for reset in [false, true] {
        let mut host = host("");
        handing_over(&mut host, "5000");
        // The former master takes no transaction yet, and goes on waiting.
        host.set_answer(FIRST, "EXEC", "*2\r\n-BUSY script\r\n-BUSY script\r\n");
        host.set_info(SECOND, "role:master\r\n");
        host.set_info(FIRST, &replica_info("10.0.0.2", 100));
        host.pass(30);
        assert!(switched_to(&host, "10.0.0.2"), "{:?}", host.log);
        if reset {
            host.ask(&["SENTINEL", "RESET", MASTER]);
        } else {
            host.hello(&format!("10.0.0.51,26379,{},9,{MASTER},10.0.0.3,6379,9", id('2')));
            host.pass(2_000);
        }
        assert_eq!(host.count(FIRST, "CLIENT UNPAUSE"), 1, "{:?}", host.sent);
    }
}

/// A script keeps the master busy: it is told again after a pause, not in every round trip.
#[test]
fn a_refused_abort_is_repeated_with_pauses() {
    for refusal in ["-BUSY Redis is busy running a script\r\n", "-NOPERM no permissions\r\n"] {
        let mut host = host("");
        handing_over(&mut host, "100");
        host.set_answer(FIRST, "FAILOVER ABORT", refusal);
        host.pass(5_000);
        let told = host.count(FIRST, "FAILOVER ABORT");
        assert!((5..=11).contains(&told), "{told} times in 5 s");
        // What it goes on refusing it is asked ever more rarely.
        let since = host.now();
        host.pass(20_000);
        let asked = host.count_since(FIRST, "INFO", since);
        assert!(asked <= 60, "INFO {asked} times in 20 s");
        let told = host.count(FIRST, "FAILOVER ABORT");
        host.answers.clear();
        host.set_info(FIRST, &master_info("no-failover"));
        host.pass(5_000);
        assert!(host.log.iter().any(|event| event.contains("-failover-abort-master")), "{:?}", host.log);
        assert!(host.count(FIRST, "FAILOVER ABORT") <= told + 1);
    }
}

/// What REPLCONF GETACK and the PING behind it are answered swallows nothing that comes after.
#[test]
fn replies_behind_the_word_are_heard_whatever_came_before() {
    for (getack, ping) in [
        ("", "word"),
        ("+OK\r\n", "word"),
        ("-NOPERM this user has no permissions to run the 'replconf' command\r\n", "word"),
        ("-NOAUTH Authentication required.\r\n", "-NOAUTH Authentication required.\r\n"),
        ("", "-MASTERDOWN Link with MASTER is down\r\n"),
        ("", "-LOADING Redis is loading the dataset in memory\r\n"),
        ("", "-BUSY Redis is busy running a script\r\n"),
        ("-ERR unknown command\r\n", "-MISCONF errors writing to the disk\r\n"),
        ("", "-ERR who knows why\r\n"),
    ] {
        let mut host = host("");
        host.set_answer(SECOND, "REPLCONF", getack);
        if ping != "word" {
            host.set_answer(SECOND, "PING 1", ping);
        }
        handing_over(&mut host, "5000");
        assert!(host.count(SECOND, "REPLCONF GETACK") > 0, "{:?}", host.sent);
        host.set_info(SECOND, "role:master\r\n");
        host.pass(60);
        assert!(switched_to(&host, "10.0.0.2"), "{getack:?} {ping:?}: {:?}", host.log);
    }
}

/// The master gave its role away, so that is how it stays; but this epoch is too old to say so in.
#[test]
fn a_handover_that_is_through_gets_a_newer_epoch() {
    let mut host = host("");
    handing_over(&mut host, "5000");
    host.hello(&format!("10.0.0.51,26379,{},9,{MASTER},10.0.0.1,6379,9", id('2')));
    host.set_info(SECOND, "role:master\r\n");
    host.set_info(FIRST, &replica_info("10.0.0.2", 100));
    host.pass(4_000);
    assert!(switched_to(&host, "10.0.0.2"), "{:?}", host.log);
    assert_eq!(host.status().masters[0].config_epoch, 10);
    assert_eq!(host.count(FIRST, "FAILOVER ABORT"), 0, "{:?}", host.sent);
    assert_eq!(host.count(FIRST, "CLIENT UNPAUSE"), 1, "{:?}", host.sent);
}

/// An operator asks in vain, and a moment later the master dies.
#[test]
fn an_order_in_vain_holds_nothing_up() {
    let mut host = host("sentinel down-after-milliseconds mymaster 300\n");
    // The Sentinel takes it for fit until it looks again, after the election.
    host.set_info(SECOND, &replica_info("10.0.0.1", 0));
    assert_eq!(host.ask(&["SENTINEL", "FAILOVER", MASTER, "TO", "10.0.0.2", "6379"]), "+OK\r\n");
    assert!(host.log.iter().any(|event| event.contains("-failover-abort-no-good-slave")), "{:?}", host.log);
    host.set_info(SECOND, &replica_info("10.0.0.1", 100));
    host.kill(FIRST);
    host.pass(350);
    assert!(host.count(SECOND, "SLAVEOF NO ONE") > 0, "{:?}", host.log);
}

/// The INFO of a new master is of a time at which nobody followed it; for ten seconds an operator would be told that it
/// lists nobody.
#[test]
fn a_new_master_is_asked_who_follows_it_once_somebody_does() {
    const THIRD: &str = "10.0.0.3:6379";
    let lists_two = "role:master\r\nmaster_failover_state:no-failover\r\nconnected_slaves:2\r\n\
                     slave0:ip=10.0.0.2,port=6379,state=online,offset=100,lag=0\r\n\
                     slave1:ip=10.0.0.3,port=6379,state=online,offset=100,lag=0\r\n";
    let replica = replica_info("10.0.0.1", 100);
    let file = format!("{FILE}sentinel known-replica mymaster 10.0.0.3 6379\n");
    let mut host = Host::new(&file, &[(FIRST, lists_two), (SECOND, &replica), (THIRD, &replica)], &[]);
    host.pass(5_000);
    assert_eq!(
        host.ask(&["SENTINEL", "FAILOVER", MASTER, "TO", "10.0.0.2", "6379"]),
        "+OK\r\n",
        "{:?}",
        host.log
    );
    host.set_info(SECOND, "role:master\r\nmaster_failover_state:no-failover\r\nconnected_slaves:0\r\n");
    host.pass(1_000);
    assert!(switched_to(&host, "10.0.0.2"), "{:?}", host.log);
    host.pass(2_000);
    let since = host.now();
    host.set_info(THIRD, &replica_info("10.0.0.2", 100));
    host.set_info(FIRST, &replica_info("10.0.0.2", 100));
    host.set_info(SECOND, &lists_two.replace("10.0.0.2", "10.0.0.1"));
    host.pass(4_000);
    // With the first that follows, and not with the next, which that answer lists.
    assert_eq!(host.count_since(SECOND, "INFO", since), 1);
    assert_eq!(host.ask(&["SENTINEL", "FAILOVER", MASTER, "COORDINATED"]), "+OK\r\n", "{:?}", host.log);
}
