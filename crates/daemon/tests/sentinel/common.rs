//! What the integration tests share: who is tested, how long things may take.

use std::process::Child;
use std::time::Duration;

use picket_testkit::wait::holds_within;
use picket_testkit::{Cluster, ClusterBuilder, Program, SentinelProcess, Subscriber};

/// For a failover to be through, with one lost election of a stock sentinel in between.
pub(crate) const SWITCH: Duration = Duration::from_secs(45);
/// For replicas to follow a new master, and for an old master to be demoted: stock waits eight seconds
/// and an INFO period before it does that.
pub(crate) const FOLLOW: Duration = Duration::from_secs(45);
/// For an event that is due within a down-after or a round trip.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Leaves the test when redis-server or redis-sentinel is missing; fails it in CI.
macro_rules! needs_redis {
    () => {
        if !picket_testkit::peers::redis_available() {
            return;
        }
    };
}
pub(crate) use needs_redis;

/// The program under test.
pub(crate) fn ours() -> Program {
    Program::under_test(env!("CARGO_BIN_EXE_picket"))
}

/// Three of the program under test.
pub(crate) fn three() -> Vec<Program> {
    vec![ours(), ours(), ours()]
}

/// A builder for the program under test, three times, quorum two.
pub(crate) fn three_of_ours() -> ClusterBuilder {
    Cluster::builder().sentinels(&three())
}

/// Makes stock look at its servers each second, as it does anyway while something is wrong, so that the
/// control runs do not wait for its ten-second INFO period. Picket takes the command too and is not asked.
pub(crate) fn hurry_stock(cluster: &Cluster) {
    for sentinel in cluster.sentinels.iter().filter(|sentinel| !sentinel.program().is_picket()) {
        let reply = sentinel.cmd(&["SENTINEL", "DEBUG", "info-period", "1000"]).expect("a reply");
        assert!(reply.is_ok(), "{reply}");
    }
}

/// Waits until sentinel `from` has published `expected` in this order, other events between them or not.
#[track_caller]
pub(crate) fn wait_for_story(events: &Subscriber, from: usize, expected: &[&str]) {
    let mut seen = Vec::new();
    let told = holds_within(SOON, || {
        seen = events
            .events()
            .into_iter()
            .filter(|event| event.from == from)
            .map(|event| event.channel)
            .collect();
        let mut rest = seen.iter();
        expected.iter().all(|event| rest.any(|found| found == event))
    });
    assert!(told, "{expected:#?} are missing or out of order in {seen:#?}");
}

/// The resident memory of a sentinel in KiB.
pub(crate) fn resident_kib(sentinel: &mut SentinelProcess) -> u64 {
    let path = format!("/proc/{}/status", sentinel.process().pid());
    let status = std::fs::read_to_string(path).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A child that does not outlive its test.
pub(crate) struct EndOnDrop(pub(crate) Child);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
