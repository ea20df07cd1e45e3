//! Configurations that are refused: file, line and reason on stderr, exit code 1.

use std::process::{Command, Output, Stdio};

use picket_testkit::conf::Folder;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_picket"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the program can be run")
}

#[track_caller]
fn refused(text: &str, says: &str) {
    let folder = Folder::new("refused");
    let conf = folder.write("redis.conf", text);
    let conf = conf.to_str().expect("a plain path");
    let output = run(&["node", conf]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("*** FATAL CONFIG FILE ERROR ("), "{stderr}");
    assert!(stderr.contains(".conf)\n"), "the file is named: {stderr}");
    let line = text.lines().last().expect("a line");
    let where_it_is = format!("Reading the configuration file, at line 2\n>>> '{line}'\n");
    assert!(stderr.contains(&where_it_is), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
    assert_eq!(run(&["node", "--check", conf]).status.code(), Some(1));
}

#[test]
fn mistakes_are_named_with_their_line() {
    refused("port 0\nno-such-directive yes", "Bad directive or wrong number of arguments");
    refused("port 0\nmaxclients many", "argument couldn't be parsed into an integer");
    refused("port 0\nsentinel monitor m 127.0.0.1 1 1", "sentinel directive while not in sentinel mode");
    refused("port 0\ndbfilename ../dump.rdb", "dbfilename can't be a path, just a filename");
    refused("port 0\nreplicaof 127.0.0.1 port", "Invalid master port");
}

#[test]
fn a_folder_that_is_not_there_is_refused_and_doubted_by_check() {
    let folder = Folder::new("dir");
    let conf = folder.write("redis.conf", "port 0\ndir /no/such/folder\n");
    let conf = conf.to_str().expect("a plain path");
    let output = run(&["node", conf]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(">>> 'dir /no/such/folder'\nNo such file or directory\n"), "{stderr}");
    let output = run(&["node", "--check", conf]);
    assert_eq!(output.status.code(), Some(0), "it may be there by then");
    assert!(String::from_utf8_lossy(&output.stdout).contains("dir /no/such/folder is no directory"));
}

#[test]
fn what_would_endanger_data_or_promise_too_much_is_refused_by_name() {
    for line in [
        "appendonly yes",
        "cluster-enabled yes",
        "tls-port 6380",
        "tls-replication yes",
        "loadmodule /x.so",
        "socket-mark-id 1",
        "notify-keyspace-events KEA",
    ] {
        let name = line.split(' ').next().expect("a name");
        refused(&format!("port 0\n{line}"), name);
        refused(&format!("port 0\n{line}"), "not implemented");
    }
}

#[test]
fn what_has_no_effect_is_accepted_and_named_by_check() {
    let folder = Folder::new("check");
    let conf = folder.write(
        "redis.conf",
        "port 7000\nappendonly no\nnotify-keyspace-events \"\"\nactivedefrag yes\nreplicaof 127.0.0.1 6379\n",
    );
    let output = run(&["node", "--check", conf.to_str().expect("a plain path")]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("replica of 127.0.0.1 port 6379"), "{stdout}");
    assert!(stdout.contains("activedefrag has no effect here"), "{stdout}");
    assert!(!stdout.contains("appendonly"), "{stdout}");
}
