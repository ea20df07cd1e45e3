//! Votes and epochs as a lone Sentinel gives and believes them.

mod common;

use common::{Host, MASTER, id, read};

const FILE: &str = "sentinel monitor mymaster 10.0.0.1 6379 2\n";

fn host() -> Host {
    let mut host = Host::new(FILE, &[("10.0.0.1:6379", "role:master\r\n")], &[]);
    host.pass(100);
    host
}

fn vote(host: &mut Host, epoch: &str, letter: char) -> String {
    host.ask(&["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.0.1", "6379", epoch, &id(letter)])
}

#[test]
fn a_master_watched_anew_gets_no_second_vote_in_an_epoch() {
    let mut host = host();
    assert!(vote(&mut host, "7", '2').contains(&id('2')));
    assert_eq!(host.ask(&["SENTINEL", "REMOVE", MASTER]), "+OK\r\n");
    assert_eq!(host.ask(&["SENTINEL", "MONITOR", MASTER, "10.0.0.1", "6379", "2"]), "+OK\r\n");
    assert!(!vote(&mut host, "7", '3').contains(&id('3')));
    assert!(vote(&mut host, "8", '3').contains(&id('3')), "the next epoch is free");
}

/// Nor does RESET, which keeps the epochs, nor another restart of the process.
#[test]
fn neither_reset_nor_restart_gives_a_second_vote() {
    let mut host = host();
    assert!(vote(&mut host, "7", '2').contains(&id('2')));
    assert_eq!(host.ask(&["SENTINEL", "RESET", "*"]), ":1\r\n");
    assert!(!vote(&mut host, "7", '3').contains(&id('3')));
    let file = host.file().lines().filter(|line| !line.contains("myid")).collect::<Vec<_>>().join("\n");
    let mut again = Host::new(&file, &[("10.0.0.1:6379", "role:master\r\n")], &[]);
    again.pass(100);
    assert!(!vote(&mut again, "7", '3').contains(&id('3')));
}

#[test]
fn epochs_from_nowhere_are_not_believed() {
    for epoch in [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62, 1 << 33] {
        let mut host = host();
        host.hello(&format!("10.0.0.51,26379,{},{epoch},{MASTER},10.0.0.2,6379,{epoch}", id('2')));
        let reply = vote(&mut host, &epoch.to_string(), '3');
        assert!(!reply.contains(&id('3')), "{epoch}: {reply}");
        let status = host.status();
        assert_eq!((status.current_epoch, status.masters[0].config_epoch), (0, 0), "{epoch}");
    }
}

/// An operator who mistypes an epoch in a file does not end all elections.
#[test]
fn epochs_from_nowhere_in_the_file_are_passed_over() {
    for epoch in [u64::MAX, 1 << 63, 1 << 62] {
        for line in ["current-epoch", "config-epoch mymaster", "leader-epoch mymaster"] {
            let config = read(&format!("{FILE}sentinel {line} {epoch}\n")).expect("a valid file");
            assert_eq!(config.current_epoch, 0, "{line} {epoch}");
        }
    }
}

#[test]
fn a_plausible_leap_is_believed() {
    let mut host = host();
    assert!(vote(&mut host, "1000000", '2').contains(&id('2')));
    assert_eq!(host.status().current_epoch, 1_000_000);
}

/// MYID stands in hellos, in files and in votes: only what can stand there is taken.
#[test]
fn myid_is_forty_letters_and_digits() {
    let euro = format!("{}a", "\u{20ac}".repeat(13));
    assert_eq!(euro.len(), 40);
    for bad in [euro.as_str(), &"x,".repeat(20), &"-".repeat(40), &"a".repeat(39), &"a".repeat(41), "\"\""] {
        let error = read(&format!("sentinel myid {bad}\n{FILE}")).expect_err(bad);
        assert!(error.contains("Malformed Sentinel id in myid option."), "{error}");
    }
    let good = read(&format!("sentinel myid {}\n{FILE}", id('f'))).expect("forty letters");
    assert_eq!(good.my_id, Some(id('f')));
}

/// An operator who sets what nobody can wait for.
#[test]
fn the_longest_periods_are_taken() {
    let mut host = host();
    let longest = i64::MAX.to_string();
    for name in ["ping-period", "info-period", "publish-period", "ask-period", "election-timeout"] {
        let reply = host.ask(&["SENTINEL", "DEBUG", name, &longest]);
        assert_eq!(reply, "+OK\r\n", "{name}");
    }
    let reply = host.ask(&["SENTINEL", "SET", MASTER, "down-after-milliseconds", &longest]);
    assert_eq!(reply, "+OK\r\n");
    host.pass(60_000);
    host.kill("10.0.0.1:6379");
    host.pass(60_000);
    assert!(host.ask(&["SENTINEL", "CKQUORUM", MASTER]).starts_with('-'), "quorum is 2");
}
