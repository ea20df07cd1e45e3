//! Events as log text and as JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use picket_sentinel_core::{Ballot, Choice, Event, InstanceRef, Ranked, Rejected};
use serde::Serialize;
use serde_json::{Value, json};

use super::format::MONTHS;
use super::{Entry, What};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The text after the event's type. Times that an event points to are shown on the calendar, since a
/// monotonic clock means nothing to a reader.
pub(super) fn message(event: &Event, until: Option<Timestamp>, zone: &TimeZone) -> String {
    match (event, until) {
        (Event::FailoverDelayed { .. }, Some(until)) => {
            format!("Next failover delay: I will not start a failover before {}", ctime(until, zone))
        }
        _ => event.message(),
    }
}

/// A point in time as C's `ctime` shows it.
fn ctime(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        WEEKDAYS[usize::from(at.weekday().to_monday_zero_offset().unsigned_abs()) % 7],
        MONTHS[usize::from(at.month().unsigned_abs().clamp(1, 12)) - 1],
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.year(),
    )
}

/// An entry as JSON, in the order in which people read.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    pid: u32,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Instance<'a>>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

#[derive(Serialize)]
struct Instance<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    host: &'a str,
    port: u16,
}

/// The JSON object of an entry.
pub(super) fn json(entry: &Entry, pid: u32, zone: &TimeZone) -> String {
    let mut line = Line {
        time: format!("{:.6}", entry.at),
        pid,
        level: entry.level.name(),
        event: None,
        master: None,
        instance: None,
        message: String::new(),
        reasons: None,
        until: None,
        details: None,
    };
    match &entry.what {
        What::Message(text) | What::Signal(text) => line.message.clone_from(text),
        What::Event(event, until) => {
            line.event = event.channel();
            line.master = event.instance().map(InstanceRef::master_name).or_else(|| master_of(event));
            line.instance = event.instance().map(|instance| Instance {
                kind: instance.kind.wire(),
                name: &instance.name,
                host: &instance.host,
                port: instance.port,
            });
            line.message = message(event, *until, zone);
            line.reasons = event.explanation();
            line.until = until.map(|until| format!("{until:.6}"));
            line.details = details(event);
        }
    }
    // Strings and numbers under string keys: there is nothing that JSON could not hold.
    serde_json::to_string(&line).unwrap_or_default()
}

fn master_of(event: &Event) -> Option<&str> {
    match event {
        Event::SwitchMaster { name, .. } => Some(name),
        Event::Voted { master, .. }
        | Event::PeerVoted { master, .. }
        | Event::FailoverDelayed { master, .. }
        | Event::NoMajority { master, .. }
        | Event::NoQuorum { master, .. }
        | Event::VoteRefused { master, .. }
        | Event::UserFailover { master, .. } => Some(master),
        _ => None,
    }
}

/// What an event carries beside its instance, for readers that count and compare.
fn details(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Monitor { quorum, .. } => json!({ "quorum": quorum }),
        Event::Set { option, value, .. } => json!({ "option": option, "value": value }),
        Event::ObjectivelyDown { agree, quorum, agreeing, .. } => {
            json!({ "agree": agree, "quorum": quorum, "agreeing": agreeing })
        }
        Event::NewEpoch { epoch, .. } | Event::TryFailover { epoch, .. } => json!({ "epoch": epoch }),
        Event::Voted { run_id, epoch, .. } => json!({ "run_id": run_id, "epoch": epoch }),
        Event::PeerVoted { peer, run_id, epoch, .. } => {
            json!({ "peer": peer, "run_id": run_id, "epoch": epoch })
        }
        Event::Elected { epoch, needed, forced, ballots, .. } => {
            json!({ "epoch": epoch, "needed": needed, "forced": forced, "ballots": all(ballots, ballot) })
        }
        Event::AbortNotElected { epoch, needed, why, ballots, .. } => {
            json!({ "epoch": epoch, "needed": needed, "why": why.to_string(), "ballots": all(ballots, ballot) })
        }
        Event::Selected { ranking, rejected, .. } => {
            json!({ "ranking": all(ranking, ranked), "rejected": all(rejected, refused) })
        }
        Event::AbortNoGoodReplica { rejected, .. } => json!({ "rejected": all(rejected, refused) }),
        Event::SwitchMaster { old_host, old_port, new_host, new_port, .. } => json!({
            "from": { "host": old_host, "port": old_port },
            "to": { "host": new_host, "port": new_port },
        }),
        Event::ConvertToReplica { reported_for, confirmed_by, .. } => {
            json!({ "reported_for_ms": reported_for.0, "confirmed_by": confirmed_by })
        }
        Event::SteppedDown { epoch, for_run_id, for_epoch, .. } => {
            json!({ "epoch": epoch, "for_run_id": for_run_id, "for_epoch": for_epoch })
        }
        Event::AbortHandover { why, .. } => json!({ "why": why.to_string() }),
        Event::VoteRefused { refused, .. } => {
            json!({ "candidate": refused.candidate, "epoch": refused.epoch, "why": refused.why.to_string() })
        }
        Event::UserFailover { to, handover, .. } => {
            json!({ "to": to, "coordinated": handover.is_some(), "timeout_ms": handover.map(|span| span.0) })
        }
        Event::FailoverDelayed { why, .. } => json!({ "why": why.to_string() }),
        _ => return None,
    })
}

fn all<T>(items: &[T], show: impl Fn(&T) -> Value) -> Value {
    items.iter().map(show).collect()
}

fn ballot(ballot: &Ballot) -> Value {
    match &ballot.choice {
        Some(Choice::For(run_id)) => json!({ "voter": ballot.voter, "for": run_id }),
        Some(Choice::Refused { epoch }) => json!({ "voter": ballot.voter, "refused_in_epoch": epoch }),
        None => json!({ "voter": ballot.voter }),
    }
}

fn ranked(replica: &Ranked) -> Value {
    json!({
        "replica": replica.replica,
        "priority": replica.priority,
        "offset": replica.offset,
        "run_id": replica.run_id,
        "in_sync": replica.in_sync,
        "info_age_ms": replica.info_age.0,
    })
}

fn refused(replica: &Rejected) -> Value {
    json!({ "replica": replica.replica, "why": replica.why.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_sansio::Time;
    use picket_sentinel_core::WaitReason;

    #[test]
    fn a_delay_names_a_calendar_time() {
        let event = Event::FailoverDelayed { master: "m".into(), until: Time(5), why: WaitReason::Lost };
        let until = Timestamp::from_second(1_700_000_000).expect("a valid time");
        assert_eq!(
            message(&event, Some(until), &TimeZone::UTC),
            "Next failover delay: I will not start a failover before Tue Nov 14 22:13:20 2023"
        );
        let padded = Timestamp::from_second(1_699_100_000).expect("a valid time");
        assert_eq!(ctime(padded, &TimeZone::UTC), "Sat Nov  4 12:13:20 2023");
    }
}
