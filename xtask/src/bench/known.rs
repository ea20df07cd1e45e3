//! Waits until Sentinels know everybody there is to know.

use std::time::Duration;

use picket_testkit::SentinelProcess;
use picket_testkit::wait::holds_within;

/// How long that may take.
const KNOWN_WITHIN: Duration = Duration::from_secs(240);

/// Waits until each of them has so many masters, all well, each with so many replicas and with all the other Sentinels.
///
/// # Errors
/// When that does not come about: the machine cannot carry so many.
pub(super) fn wait_until_known(
    sentinels: &[SentinelProcess],
    masters: usize,
    replicas: usize,
) -> std::io::Result<()> {
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
        if !holds_within(KNOWN_WITHIN, || knows_everybody(sentinel)) {
            let told = format!("everybody is not known and well within {} s", KNOWN_WITHIN.as_secs());
            return Err(std::io::Error::other(told));
        }
    }
    Ok(())
}
