//! `picket demo`: the story that it tells is true.

use std::process::{Command, Stdio};

use picket_testkit::client::once;
use picket_testkit::conf::Folder;
use picket_testkit::{Proc, wait_until};

use crate::common::SOON;

#[track_caller]
fn story(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_picket"))
        .args(["demo", "--kill-master"])
        .args(args)
        // Nothing else may be needed.
        .env("PATH", "")
        .stdin(Stdio::null())
        .output()
        .expect("the program can be run");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in ["is dead", "names server-", "writes succeeded again after", "is a replica of"] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    told
}

#[test]
fn nodes_of_our_own_need_nothing_else() {
    let told = story(&["--down-after", "500"]);
    assert_eq!(told.matches("picket node, in this process").count(), 3, "{told}");
}

#[test]
fn a_redis_server_can_be_named() {
    crate::common::needs_redis!();
    let program = picket_testkit::peers::Peer::RedisServer.path();
    let told = story(&["--redis-server", program.to_str().expect("a plain path"), "--down-after", "500"]);
    assert!(told.contains("kill -9 "), "{told}");
}

#[test]
fn it_goes_on_until_it_is_ended() {
    let folder = Folder::new("demo");
    let mut command = Command::new(env!("CARGO_BIN_EXE_picket"));
    command.args(["demo", "--down-after", "500", "--http", "127.0.0.1:0"]);
    let mut demo = Proc::spawn("picket demo", command, &folder.join("demo.log")).expect("it runs");
    demo.wait_logged(SOON, "Ctrl-C ends this.");
    let told = demo.log_text();
    let invited = told.split("redis-cli -p ").nth(1).expect("it says whom to ask");
    let sentinel = format!("127.0.0.1:{}", invited.split(' ').next().expect("a port"));
    let named = told.matches(" names server-").count();
    let reply = once(&sentinel, &["SENTINEL", "FAILOVER", "mymaster"]).expect("a Sentinel answers");
    assert!(reply.is_ok(), "{reply}");
    wait_until(SOON, "the next failover is told", || {
        demo.log_text().matches(" names server-").count() > named
    });
    assert_eq!(demo.terminate().code(), Some(0));
    assert!(once(&sentinel, &["PING"]).is_err(), "nothing is left");
}
