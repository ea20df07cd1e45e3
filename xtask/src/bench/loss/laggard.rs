//! A replica that is behind, and a Sentinel that cannot know it yet.
//!
//! As long as all is well a Sentinel asks each replica for INFO every ten seconds. What happens to a replica in between
//! it learns only if it asks again before it chooses, and waits for the answers.

use std::time::Duration;

use picket_testkit::wait::wait_for_every;
use picket_testkit::{DataServer, Reply, SentinelProcess};

use super::{DEADLINE, LOOK_EVERY, hold};

/// The place of the replica that falls behind, and of the one that does not.
pub(super) const LAGGARD: usize = 2;
pub(super) const OTHER: usize = 1;

/// Between two INFO of a Sentinel to a replica.
const INFO_PERIOD: Duration = Duration::from_secs(10);
/// How long before its next INFO a Sentinel is ordered at the latest: time for a machine that is busy.
const SPARE: Duration = Duration::from_secs(1);
/// How much clients write after an INFO before a replica loses its link, so that the offset which the replica keeps is
/// above all that the Sentinel was told.
const WRITTEN_SINCE: Duration = Duration::from_millis(200);

/// Waits until the last INFO of both replicas is so young that none is asked for within `span`.
pub(super) fn wait_for_silence(sentinel: &SentinelProcess, span: Duration) {
    let youngest = WRITTEN_SINCE.as_millis();
    let oldest = (INFO_PERIOD - SPARE - span).as_millis();
    wait_for_every(LOOK_EVERY, DEADLINE, "no INFO is due for a while", || {
        let ages = sentinel.replica_fields("mymaster", "info-refresh");
        let is_silent = |age: &String| age.parse().is_ok_and(|age: u128| (youngest..=oldest).contains(&age));
        (ages.len() == 2 && ages.iter().all(is_silent)).then_some(())
    });
}

/// One replica loses its link and cannot get in again, while clients go on writing. What it says of itself stays the
/// same otherwise: whom it follows, and how far it came.
pub(super) fn fall_behind(nodes: &[DataServer], span: Duration) {
    let laggard = &nodes[LAGGARD];
    for words in [
        &["CONFIG", "SET", "masteruser", "nobody"][..],
        &["CONFIG", "SET", "masterauth", "nothing"],
        &["CLIENT", "KILL", "TYPE", "master"],
    ] {
        let said = laggard.cmd(words).expect("an answer");
        assert!(said.is_ok() || matches!(said, Reply::Int(_)), "{words:?}: {said}");
    }
    hold(span);
    let offset = |node: &DataServer| node.replication("slave_repl_offset").parse::<u64>().expect("a number");
    let (other, behind) = (offset(&nodes[OTHER]), offset(laggard));
    assert!(behind < other, "the replica is not behind: {behind} beside {other}");
}

/// It may get in again.
pub(super) fn catch_up(laggard: &DataServer) {
    for words in [&["CONFIG", "SET", "masteruser", ""][..], &["CONFIG", "SET", "masterauth", ""]] {
        let said = laggard.cmd(words).expect("an answer");
        assert!(said.is_ok(), "{words:?}: {said}");
    }
}
