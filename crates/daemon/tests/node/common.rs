//! What the tests of a node share: who is tested, how long things may take, how data is compared.

use std::time::Duration;

use picket_testkit::{DataProgram, DataServer, contents, differences, wait_until};

/// For something that is due within a second or two on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Leaves the test when redis-server is missing; fails it in CI.
macro_rules! needs_redis {
    () => {
        if !picket_testkit::peers::available(&[picket_testkit::peers::Peer::RedisServer]) {
            return;
        }
    };
}
pub(crate) use needs_redis;

/// The program under test.
pub(crate) fn ours() -> DataProgram {
    DataProgram::Picket(env!("CARGO_BIN_EXE_picket").into())
}

/// A node with these directives.
#[track_caller]
pub(crate) fn node(directives: &[&str]) -> DataServer {
    DataServer::start_as(&ours(), directives)
}

/// Waits until `replica` follows `master` and has the same data.
#[track_caller]
pub(crate) fn wait_for_copy(replica: &DataServer, master: &DataServer) {
    wait_until(SOON, "the replica follows", || replica.follows(master.port()));
    let mut found = String::new();
    let is_equal = picket_testkit::wait::holds_within(SOON, || {
        let offsets = [replica.replication("slave_repl_offset"), master.replication("master_repl_offset")];
        let ours = contents(replica).expect("the replica's data");
        let theirs = contents(master).expect("the master's data");
        found = differences(&ours, &theirs);
        offsets[0] == offsets[1] && found.is_empty()
    });
    assert!(is_equal, "the copy differs (replica / master):\n{found}");
}
