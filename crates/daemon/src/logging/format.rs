//! How an entry becomes text: the lines of redis-sentinel and redis-server (`server.c: serverLogRaw`), or JSON.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use picket_server_core::LogLevel;

use super::{Entry, What, event};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum LogFormat {
    /// As redis-sentinel writes them.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The longest message, in bytes, that redis-sentinel writes.
const MESSAGE_MAX_BYTES: usize = 1024;
/// Reasons name every voter and replica, so they get more room.
const REASON_MAX_BYTES: usize = 16 * 1024;

/// Appends the line or lines of `entry`, each with its newline.
pub(super) fn render(out: &mut String, entry: &Entry, format: LogFormat, pid: u32, zone: &TimeZone) {
    match format {
        LogFormat::Text => text(out, entry, pid, zone),
        LogFormat::Json => {
            out.push_str(&event::json(entry, pid, zone));
            out.push('\n');
        }
    }
}

fn text(out: &mut String, entry: &Entry, pid: u32, zone: &TimeZone) {
    if let What::Signal(message) = &entry.what {
        let _ = writeln!(out, "{pid}:signal-handler ({}) {message}", entry.at.as_second());
        return;
    }
    for message in messages(entry, zone) {
        prefix(out, entry, pid, zone);
        out.push_str(&message);
        out.push('\n');
    }
}

/// The message of an entry, and a second one with the reasons where there are any.
pub(super) fn messages(entry: &Entry, zone: &TimeZone) -> Vec<String> {
    match &entry.what {
        What::Message(message) | What::Signal(message) => vec![one_line(message, MESSAGE_MAX_BYTES)],
        What::Event(event, until) => {
            let channel = event.channel().map(|channel| format!("{channel} ")).unwrap_or_default();
            let message = channel + &event::message(event, *until, zone);
            let mut messages = vec![one_line(&message, MESSAGE_MAX_BYTES)];
            // Indented: whoever reads the first word as the name of an event finds none.
            if let Some(reason) = event.explanation() {
                messages.push(one_line(&format!("  because: {reason}"), REASON_MAX_BYTES));
            }
            messages
        }
    }
}

fn prefix(out: &mut String, entry: &Entry, pid: u32, zone: &TimeZone) {
    let at = entry.at.to_zoned(zone.clone());
    let mark = match entry.level {
        LogLevel::Debug => '.',
        LogLevel::Verbose => '-',
        LogLevel::Notice => '*',
        LogLevel::Warning | LogLevel::Nothing => '#',
    };
    let _ = write!(
        out,
        "{pid}:{} {:02} {} {} {:02}:{:02}:{:02}.{:03} {mark} ",
        entry.role,
        at.day(),
        MONTHS[usize::from(at.month().unsigned_abs().clamp(1, 12)) - 1],
        at.year(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond(),
    );
}

/// What peers say ends up in messages: nothing in it may start a line of its own or reach a terminal.
fn one_line(message: &str, max_bytes: usize) -> String {
    let mut line = String::with_capacity(message.len().min(max_bytes));
    for character in message.chars() {
        if line.len() + character.len_utf8() > max_bytes {
            break;
        }
        line.push(if character.is_control() { '?' } else { character });
    }
    line
}

/// English in every locale, as log parsers expect.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use picket_sansio::Millis;
    use picket_sentinel_core::{DownReason, Event, InstanceRef, Kind};

    fn rendered(level: LogLevel, what: What, format: LogFormat) -> String {
        let at = Timestamp::from_microsecond(1_700_000_000_042_999).expect("a valid time");
        let mut out = String::new();
        render(&mut out, &Entry { at, role: 'X', level, what }, format, 77, &TimeZone::UTC);
        out
    }

    fn sdown() -> What {
        let instance = InstanceRef {
            kind: Kind::Replica,
            name: "10.0.0.2:6379".into(),
            host: "10.0.0.2".into(),
            port: 6379,
            master: Some(("mymaster".into(), "10.0.0.1".into(), 6379)),
        };
        let reason = DownReason::NoValidReply(Millis(1001), None);
        What::Event(Box::new(Event::SubjectivelyDown { instance, reason }), None)
    }

    #[test]
    fn lines_look_as_redis_sentinel_writes_them() {
        for (level, mark) in [
            (LogLevel::Debug, '.'),
            (LogLevel::Verbose, '-'),
            (LogLevel::Notice, '*'),
            (LogLevel::Warning, '#'),
        ] {
            assert_eq!(
                rendered(level, What::Message("hello".into()), LogFormat::Text),
                format!("77:X 14 Nov 2023 22:13:20.042 {mark} hello\n")
            );
        }
        assert_eq!(
            rendered(LogLevel::Warning, What::Signal("Received SIGTERM".into()), LogFormat::Text),
            "77:signal-handler (1700000000) Received SIGTERM\n"
        );
    }

    #[test]
    fn an_event_is_followed_by_its_reason() {
        assert_eq!(
            rendered(LogLevel::Warning, sdown(), LogFormat::Text),
            "77:X 14 Nov 2023 22:13:20.042 # +sdown slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379\n\
             77:X 14 Nov 2023 22:13:20.042 #   because: no valid reply to PING for 1001 ms\n"
        );
    }

    #[test]
    fn a_message_is_one_bounded_line() {
        let text = rendered(LogLevel::Notice, What::Message("a\r\nb\x1b[0m".into()), LogFormat::Text);
        assert!(text.ends_with("* a??b?[0m\n"), "{text:?}");
        let long = rendered(LogLevel::Notice, What::Message("\u{20ac}".repeat(1000)), LogFormat::Text);
        assert_eq!(long.split_once("* ").expect("a mark").1.trim_end().len(), 1023);
    }

    #[test]
    fn json_has_a_field_for_everything() {
        let line = rendered(LogLevel::Warning, sdown(), LogFormat::Json);
        let value: serde_json::Value = serde_json::from_str(&line).expect("one JSON object");
        assert_eq!(value["time"], "2023-11-14T22:13:20.042999Z");
        assert_eq!(value["pid"], 77);
        assert_eq!(value["level"], "warning");
        assert_eq!(value["event"], "+sdown");
        assert_eq!(value["master"], "mymaster");
        assert_eq!(value["instance"]["type"], "slave");
        assert_eq!(value["instance"]["host"], "10.0.0.2");
        assert_eq!(value["instance"]["port"], 6379);
        assert_eq!(value["reasons"], "no valid reply to PING for 1001 ms");
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.starts_with("{\"time\":"), "{line}");
    }
}
