//! The operators' scripts: who is called, with what, how often, and what they inherit.

use std::time::Duration;

use picket_testkit::conf::Folder;
use picket_testkit::{Cluster, hold_for, wait_until};

use crate::common::{SOON, SWITCH, needs_redis, ours, three_of_ours};

/// Writes the arguments, `|` after each, as one line of `<folder>/<name>`.
fn recorder(folder: &Folder, name: &str, then: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let record = folder.join(name);
    // One printf is one write: lines of scripts that run at the same time do not mix.
    let body =
        format!("line=$(printf '%s|' \"$@\")\nprintf '%s\\n' \"$line\" >> {}\n{then}", record.display());
    (folder.write_script(&format!("{name}.sh"), &body), record)
}

fn lines(path: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn scripts_get_the_documented_arguments_and_no_sockets() {
    needs_redis!();
    let folder = Folder::new("scripts");
    let (notify, notified) = recorder(&folder, "notified", "");
    let leaks = folder.join("leaks");
    let look = format!("ls -l /proc/$$/fd | grep socket: >> {}\nexit 0", leaks.display());
    let (reconfigure, reconfigured) = recorder(&folder, "reconfigured", &look);
    let mut cluster = three_of_ours()
        .master_directive("notification-script", &notify.display().to_string())
        .master_directive("client-reconfig-script", &reconfigure.display().to_string())
        .start();
    let old = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let new = cluster.wait_for_switch(old, SWITCH);

    let call = |role: &str| format!("mymaster|{role}|start|127.0.0.1|{old}|127.0.0.1|{new}|");
    wait_until(SOON, "each sentinel has called the reconfiguration script", || {
        lines(&reconfigured).len() >= 3
    });
    let mut calls = lines(&reconfigured);
    calls.sort();
    assert_eq!(calls, [call("leader"), call("observer"), call("observer")]);

    for expected in [
        format!("+sdown|master mymaster 127.0.0.1 {old}|"),
        format!("+switch-master|mymaster 127.0.0.1 {old} 127.0.0.1 {new}|"),
        format!("+try-failover|master mymaster 127.0.0.1 {old}|"),
        format!("+elected-leader|master mymaster 127.0.0.1 {old}|"),
    ] {
        wait_until(SOON, &format!("the notification script is told {expected}"), || {
            lines(&notified).contains(&expected)
        });
    }
    let told = lines(&notified);
    for verbose_only in ["+slave|", "+slave-reconf-sent|", "+role-change|", "-role-change|"] {
        assert!(!told.iter().any(|line| line.starts_with(verbose_only)), "not a warning: {told:#?}");
    }
    assert!(lines(&leaks).is_empty(), "scripts inherit sockets: {:?}", lines(&leaks));
}

#[test]
fn a_failing_script_is_tried_again_and_a_refusing_one_is_not() {
    needs_redis!();
    let folder = Folder::new("scripts");
    let (notify, notified) = recorder(&folder, "notified", "case $1 in +sdown) exit 1;; *) exit 3;; esac");
    let mut cluster = Cluster::builder()
        .replicas(0)
        .sentinels(&[ours()])
        .quorum(2)
        .master_directive("notification-script", &notify.display().to_string())
        .start();
    let reply = cluster.sentinels[0].cmd(&["SENTINEL", "DEBUG", "script-retry-delay", "100"]).expect("DEBUG");
    assert!(reply.is_ok(), "{reply}");
    let events = cluster.subscribe();
    cluster.nodes()[0].kill9();
    let count = |event: &str| lines(&notified).iter().filter(|line| line.starts_with(event)).count();
    wait_until(SOON, "a script that exits with 1 is run again", || count("+sdown|") >= 3);

    cluster.nodes()[0].restart();
    events.wait("-sdown", SOON);
    wait_until(SOON, "the script is told of -sdown", || count("-sdown|") == 1);
    let error = events.wait("-script-error", SOON);
    assert_eq!(error.payload, format!("{} 0 3", notify.display()));
    hold_for(Duration::from_millis(500), "it is not run again for -sdown", || count("-sdown|") == 1);
}

#[test]
fn waiting_scripts_can_be_looked_at() {
    needs_redis!();
    let folder = Folder::new("scripts");
    let (notify, _) = recorder(&folder, "notified", "exit 1");
    let mut cluster = Cluster::builder()
        .replicas(0)
        .sentinels(&[ours()])
        .quorum(2)
        .master_directive("notification-script", &notify.display().to_string())
        .start();
    let port = cluster.nodes()[0].port();
    cluster.nodes()[0].kill9();
    let sentinel = &cluster.sentinels[0];
    let mut waiting = None;
    wait_until(SOON, "the failed +sdown script waits for its next run", || {
        let pending = sentinel.cmd(&["SENTINEL", "PENDING-SCRIPTS"]).expect("PENDING-SCRIPTS");
        waiting = pending
            .items()
            .iter()
            .find(|entry| {
                entry.field_text("flags") == "scheduled"
                    && entry.field("argv").is_some_and(|argv| argv.texts().contains(&"+sdown".to_owned()))
                    && entry.field_text("retry-num") == "1"
            })
            .cloned();
        waiting.is_some()
    });
    let waiting = waiting.expect("the wait found it");
    assert_eq!(
        waiting.field("argv").map(picket_testkit::Reply::texts).unwrap_or_default(),
        [notify.display().to_string(), "+sdown".to_owned(), format!("master mymaster 127.0.0.1 {port}")]
    );
    let delay: u64 = waiting.field_text("run-delay").parse().expect("a number");
    assert!((20_000..=30_000).contains(&delay), "{waiting}");
}
