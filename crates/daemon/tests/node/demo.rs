//! `picket demo`: the story that it tells is true.

use std::process::{Command, Stdio};

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
