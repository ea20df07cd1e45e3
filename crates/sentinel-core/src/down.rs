//! Is it down? The conditions of subjectively down, as a function of plain facts.
//!
//! Mirrors `sentinel.c: sentinelCheckSubjectivelyDown`. Exact deadlines take the place of the
//! reference's tick: besides the verdict there is always the time at which it can change by itself.
//! Differs from Redis: a lost connection counts from its loss, not from the last reply before it,
//! which can be a ping period older: nobody is down before its whole down-after.

use alloc::string::String;

use picket_sansio::{Millis, Time};

use crate::reason::DownReason;

/// What the verdict follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) now: Time,
    pub(crate) down_after: Millis,
    /// When the oldest PING without an acceptable answer was sent, or the connection was lost.
    pub(crate) act_ping: Option<Time>,
    /// There is a command connection.
    pub(crate) connected: bool,
    /// The last refusal of a PING, or the end of the last connection, in its own words.
    pub(crate) trouble: Option<String>,
    /// For a master that calls itself a replica: since when, and for how long it may.
    pub(crate) wrong_role: Option<(Time, Millis)>,
    /// For a restarted master under `master-reboot-down-after-period`: since when, and that period.
    pub(crate) rebooted: Option<(Time, Millis)>,
}

/// The verdict and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Down(DownReason),
    Up { until: Option<Time> },
}

/// Decides whether an instance is subjectively down.
pub(crate) fn judge(facts: &Facts) -> Verdict {
    let Facts { now, down_after, .. } = *facts;
    let mut until: Option<Time> = None;
    let mut due = |at: Time| {
        until = Some(until.map_or(at, |known| known.min(at)));
        now >= at
    };
    if let Some(since) = facts.act_ping
        && due(since + down_after)
    {
        return Verdict::Down(if facts.connected {
            DownReason::NoValidReply(now.since(since), facts.trouble.clone())
        } else {
            DownReason::Disconnected(now.since(since), facts.trouble.clone())
        });
    }
    if let Some((since, allowed)) = facts.wrong_role
        && due(since + allowed)
    {
        return Verdict::Down(DownReason::CallsItselfReplica(now.since(since)));
    }
    if let Some((since, allowed)) = facts.rebooted
        && due(since + allowed)
    {
        return Verdict::Down(DownReason::RebootTooLong(now.since(since)));
    }
    Verdict::Up { until }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Facts {
        Facts {
            now: Time(10_000_000),
            down_after: Millis(1000),
            act_ping: None,
            connected: true,
            trouble: None,
            wrong_role: None,
            rebooted: None,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Facts), expected: &Verdict) {
        let mut facts = healthy();
        change(&mut facts);
        assert_eq!(&judge(&facts), expected);
    }

    #[test]
    fn a_healthy_instance_needs_no_second_look() {
        check(|_| (), &Verdict::Up { until: None });
    }

    #[test]
    fn a_silent_instance_goes_down_exactly_at_its_deadline() {
        check(|f| f.act_ping = Some(Time(9_000_001)), &Verdict::Up { until: Some(Time(10_000_001)) });
        check(
            |f| f.act_ping = Some(Time(9_000_000)),
            &Verdict::Down(DownReason::NoValidReply(Millis(1000), None)),
        );
    }

    #[test]
    fn a_lost_connection_counts_from_its_loss_not_from_the_last_reply() {
        let lost = |f: &mut Facts, at: u64| {
            f.connected = false;
            f.trouble = Some("refused".into());
            f.act_ping = Some(Time(at));
        };
        check(|f| lost(f, 9_500_000), &Verdict::Up { until: Some(Time(10_500_000)) });
        check(
            |f| lost(f, 9_000_000),
            &Verdict::Down(DownReason::Disconnected(Millis(1000), Some("refused".into()))),
        );
    }

    #[test]
    fn a_master_may_call_itself_replica_only_for_a_while() {
        check(
            |f| f.wrong_role = Some((Time(1_000_000), Millis(9_001))),
            &Verdict::Up { until: Some(Time(10_001_000)) },
        );
        check(
            |f| f.wrong_role = Some((Time(1_000_000), Millis(9_000))),
            &Verdict::Down(DownReason::CallsItselfReplica(Millis(9_000))),
        );
    }

    #[test]
    fn a_restarted_master_may_load_only_for_a_while() {
        check(
            |f| f.rebooted = Some((Time(5_000_000), Millis(5_000))),
            &Verdict::Down(DownReason::RebootTooLong(Millis(5_000))),
        );
    }
}
