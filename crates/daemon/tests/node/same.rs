//! Whether servers hold the same data and stand at the same offset.

use std::time::Duration;

use picket_testkit::{Client, DataServer, Reply, contents, differences, wait_until};

/// For a few syncs on a machine that is busy with other tests.
const SETTLED: Duration = Duration::from_secs(40);

/// Lets the tests look at digests.
pub(crate) const DEBUG: &str = "enable-debug-command local";

/// Waits until each of `replicas`, in whatever depth under `top`, has its link up and everything that `top` has written.
#[track_caller]
pub(crate) fn wait_for_offsets(top: &DataServer, replicas: &[&DataServer]) {
    wait_until(SETTLED, "all replicas are up and at the offset of the first master", || {
        let offset = top.replication("master_repl_offset");
        replicas.iter().all(|replica| {
            let info = replica.info("replication");
            let is = |field: &str, value: &str| info.get(field).is_some_and(|found| found == value);
            is("master_link_status", "up")
                && is("master_repl_offset", &offset)
                && is("slave_repl_offset", &offset)
        })
    });
}

/// Waits for the offsets, then compares all data: by digest, key by key, and function libraries.
#[track_caller]
pub(crate) fn assert_same(top: &DataServer, replicas: &[&DataServer]) {
    assert_same_digests(top, replicas);
    for replica in replicas {
        let mut found = String::new();
        // A key may be found expired by one server a moment before it is by the other.
        let is_equal = picket_testkit::wait::holds_within(Duration::from_secs(5), || {
            let ours = contents(replica).expect("the replica's data");
            found = differences(&ours, &contents(top).expect("the master's data"));
            found.is_empty()
        });
        let kinds = [replica.program().word(), top.program().word()];
        assert!(is_equal, "the copy differs ({} / {}):\n{found}", kinds[0], kinds[1]);
        assert_eq!(libraries(replica), libraries(top));
    }
}

/// Waits for the offsets, then compares digests.
#[track_caller]
pub(crate) fn assert_same_digests(top: &DataServer, replicas: &[&DataServer]) {
    wait_for_offsets(top, replicas);
    for replica in replicas {
        let mut digests = [String::new(), String::new()];
        let is_equal = picket_testkit::wait::holds_within(Duration::from_secs(5), || {
            digests = [digest(replica), digest(top)];
            digests[0] == digests[1]
        });
        if !is_equal {
            let (ours, theirs) =
                (contents(replica).expect("the replica's data"), contents(top).expect("the master's data"));
            panic!("{digests:?} differ (replica / master):\n{}", differences(&ours, &theirs));
        }
    }
}

#[track_caller]
pub(crate) fn digest(server: &DataServer) -> String {
    let reply = server.cmd(&["DEBUG", "DIGEST"]).expect("a reply");
    let text = reply.text().filter(|text| text.len() == 40);
    text.unwrap_or_else(|| panic!("no digest: {reply}"))
}

fn libraries(server: &DataServer) -> Vec<String> {
    let reply = server.cmd(&["FUNCTION", "LIST", "WITHCODE"]).expect("a reply");
    let mut codes: Vec<String> =
        reply.items().iter().map(|library| library.field_text("library_code")).collect();
    codes.sort();
    codes
}

/// One field of INFO stats as a number.
#[track_caller]
pub(crate) fn stat(server: &DataServer, field: &str) -> u64 {
    let info = server.info("stats");
    info.get(field).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {field} in {info:?}"))
}

/// Makes `replica` follow whoever listens on `port`.
#[track_caller]
pub(crate) fn follow(replica: &DataServer, port: u16) {
    let reply = replica.cmd(&["REPLICAOF", "127.0.0.1", &port.to_string()]).expect("a reply");
    assert!(reply.text().is_some_and(|text| text.starts_with("OK")), "{reply}");
}

/// A command that must be answered OK.
#[track_caller]
pub(crate) fn ok(server: &DataServer, args: &[&str]) {
    let reply = server.cmd(args).expect("a reply");
    assert!(reply.is_ok(), "{args:?}: {reply}");
}

/// The encoding of a key.
#[track_caller]
pub(crate) fn encoding(client: &mut Client, key: &str) -> String {
    let reply = client.cmd(&["OBJECT", "ENCODING", key]).expect("a reply");
    let Reply::Bulk(name) = reply else { panic!("{key} has no encoding: {reply}") };
    String::from_utf8(name).expect("a word")
}
