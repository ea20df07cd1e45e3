//! RESET and the file: whom it sets aside is known there until it is plain that they are gone.

mod common;

use common::{Host, MASTER, id};

const SERVER: &str = "10.0.0.1:6379";

fn file() -> String {
    let peer = |letter, host| format!("sentinel known-sentinel mymaster {host} 26379 {}\n", id(letter));
    format!(
        "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel known-replica mymaster 10.0.0.2 6379\n\
         sentinel known-replica mymaster 10.0.0.3 6379\n{}{}",
        peer('2', "10.0.0.52"),
        peer('3', "10.0.0.53")
    )
}

fn known(file: &str) -> (usize, usize) {
    let count = |option| file.lines().filter(|line| line.starts_with(option)).count();
    (count("sentinel known-replica"), count("sentinel known-sentinel"))
}

/// A Sentinel that was RESET and, before anybody named anybody, wrote its file.
fn reset(info: &str) -> (Host, String) {
    let mut host = Host::new(&file(), &[(SERVER, info)], &[]);
    host.pass(3_000);
    assert_eq!(host.ask(&["SENTINEL", "RESET", MASTER]), ":1\r\n");
    host.pass(100);
    let status = host.status();
    assert_eq!((status.masters[0].replicas.len(), status.masters[0].peers.len()), (0, 0));
    let written = host.file();
    (host, written)
}

#[test]
fn a_restart_right_after_reset_forgets_nobody() {
    let (_, written) = reset("role:master\r\n");
    assert_eq!(known(&written), (2, 2), "{written}");
    let written = written.lines().filter(|line| !line.contains("myid")).collect::<Vec<_>>().join("\n");
    let mut again = Host::new(&written, &[], &[]);
    again.pass(10);
    let status = again.status();
    assert_eq!((status.masters[0].replicas.len(), status.masters[0].peers.len()), (2, 2));
}

#[test]
fn those_that_nobody_names_again_leave_the_file_too() {
    let (mut host, _) = reset("role:master\r\n");
    host.pass(1_500);
    assert_eq!(known(&host.written()), (0, 2), "{}", host.written());
    host.pass(60_000);
    assert_eq!(known(&host.written()), (0, 0), "{}", host.written());
}

/// One that is there again is written once, at its new address; one whose address another has now is gone.
#[test]
fn nobody_is_written_twice() {
    let info =
        "role:master\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0\r\n";
    let (mut host, _) = reset(info);
    host.hello(&format!("10.0.0.60,26379,{},0,{MASTER},10.0.0.1,6379,0", id('2')));
    host.hello(&format!("10.0.0.53,26379,{},0,{MASTER},10.0.0.1,6379,0", id('4')));
    let written = host.file();
    assert_eq!(known(&written), (2, 2), "{written}");
    assert!(written.contains(&format!("10.0.0.60 26379 {}", id('2'))), "{written}");
    assert!(written.contains(&format!("10.0.0.53 26379 {}", id('4'))), "{written}");
    host.pass(1_500);
    assert_eq!(known(&host.written()), (1, 2), "{}", host.written());
}

/// Else one process would be two voters once both are taken back.
#[test]
fn who_restarted_between_two_resets_is_written_once() {
    let (mut host, _) = reset("role:master\r\n");
    host.hello(&format!("10.0.0.53,26379,{},0,{MASTER},10.0.0.1,6379,0", id('4')));
    assert_eq!(host.ask(&["SENTINEL", "RESET", MASTER]), ":1\r\n");
    let written = host.file();
    assert_eq!(known(&written).1, 2, "{written}");
    assert!(written.contains(&format!("10.0.0.53 26379 {}", id('4'))), "{written}");
}

/// Whoever was held up has heard nobody, and knows of nobody's silence.
#[test]
fn nobody_is_forgotten_in_tilt() {
    let mut host = Host::new(&file(), &[(SERVER, "role:master\r\n")], &[]);
    host.pass(40_000);
    host.stall(10_000);
    let replica = ["SENTINEL", "FORGET", MASTER, "REPLICA", "10.0.0.2:6379"];
    let sentinel = ["SENTINEL", "FORGET", MASTER, "SENTINEL", &id('2')];
    for words in [replica, sentinel] {
        let answer = host.ask(&words);
        assert!(answer.starts_with("-ERR In TILT mode"), "{answer}");
    }
    host.pass(31_000);
    for words in [replica, sentinel] {
        assert_eq!(host.ask(&words), "+OK\r\n");
    }
}
