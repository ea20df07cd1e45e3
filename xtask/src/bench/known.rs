//! Waits until Sentinels know everybody there is to know.

use std::time::Duration;

use picket_testkit::SentinelProcess;
use picket_testkit::wait::wait_until;

/// How long that may take.
const KNOWN_WITHIN: Duration = Duration::from_secs(240);

/// Waits until each of them has so many masters, all well, each with so many replicas and with all the other Sentinels.
pub(super) fn wait_until_known(sentinels: &[SentinelProcess], masters: usize, replicas: usize) {
    let (replicas, others) = (replicas.to_string(), (sentinels.len() - 1).to_string());
    let knows_everybody = |sentinel: &SentinelProcess| {
        let Ok(reply) = sentinel.cmd(&["SENTINEL", "MASTERS"]) else { return false };
        reply.items().len() == masters
            && reply.items().iter().all(|master| {
                master.field_text("num-slaves") == replicas
                    && master.field_text("num-other-sentinels") == others
                    && master.field_text("flags") == "master"
            })
    };
    for sentinel in sentinels {
        wait_until(KNOWN_WITHIN, "everybody is known", || knows_everybody(sentinel));
    }
}
