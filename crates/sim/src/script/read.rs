//! Reading actions.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::str::FromStr;

use picket_sansio::Millis;

use super::{Action, ActionError, Switch};
use crate::action::{Latency, Ways};
use crate::disk::DiskFault;
use crate::scenario::NODES_MAX;
use crate::topology::{Addition, number_in};

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(line: &str) -> Result<Self, ActionError> {
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let own = |word: &&str| (*word).to_string();
        Ok(match &words[..] {
            ["kill", node] => Self::Kill(own(node)),
            ["off", node] => Self::Off(own(node)),
            ["start", node] => Self::Start(own(node)),
            ["freeze", node] => Self::Freeze(own(node)),
            ["resume", node] => Self::Resume(own(node)),
            ["wipe", node] => Self::Wipe(own(node)),
            ["cut", from, "->", to] => Self::Cut(own(from), own(to), Ways::OneWay),
            ["cut", a, b] => Self::Cut(own(a), own(b), Ways::Both),
            ["mend", a, b] => Self::Mend(own(a), own(b)),
            ["partition", group @ ..] if !group.is_empty() => {
                Self::Partition(group.iter().map(own).collect())
            }
            ["heal"] => Self::Heal,
            ["reset", a, b] => Self::Reset(own(a), own(b)),
            ["latency", latency] => Self::Latency(None, read_latency(latency)?),
            ["latency", a, b, latency] => {
                Self::Latency(Some((own(a), own(b), Ways::Both)), read_latency(latency)?)
            }
            ["latency", from, "->", to, latency] => {
                Self::Latency(Some((own(from), own(to), Ways::OneWay)), read_latency(latency)?)
            }
            ["loss", percent] => Self::Loss(None, read_loss(percent)?),
            ["loss", a, b, percent] => Self::Loss(Some((own(a), own(b))), read_loss(percent)?),
            ["half-open", node, other] => Self::HalfOpen(own(node), own(other)),
            ["disk", node, "ok"] => Self::Disk(own(node), DiskFault::None),
            ["disk", node, "full"] => Self::Disk(own(node), DiskFault::Full),
            ["disk", node, "flaky", percent] => {
                let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                Self::Disk(own(node), DiskFault::Flaky(percent.ok_or(ActionError::Flaky)?))
            }
            ["slow-disk", node, latency] => Self::SlowDisk(own(node), read_latency(latency)?),
            ["names", node, switch] => Self::Names(own(node), read_switch(switch)?),
            ["clock", node, by_ms] => {
                let by_ms = by_ms.parse().ok().filter(|by: &i64| by.unsigned_abs() <= CLOCK_JUMP_MS_MAX);
                Self::Clock(own(node), by_ms.ok_or(ActionError::ClockJump)?)
            }
            ["writes", node, switch] => Self::Writes(own(node), read_switch(switch)?),
            ["waits", node, replicas] => {
                let replicas = replicas.parse().ok().filter(|replicas| *replicas <= NODES_MAX);
                Self::Waits(own(node), replicas.ok_or_else(|| wrong_form("waits"))?)
            }
            ["delay", message, by] => Self::Delay(read_message(message)?, Millis(read_span(by)? / 1000)),
            ["delay", from, "->", to, by] => {
                Self::DelayNext(own(from), own(to), Millis(read_span(by)? / 1000))
            }
            ["drop", from, "->", to] => Self::DropNext(own(from), own(to)),
            ["drop", message] => Self::Drop(read_message(message)?),
            ["run", node, command @ ..] if !command.is_empty() => {
                Self::Run(own(node), command.iter().map(own).collect())
            }
            ["add", name, more @ ..] => Self::Add(own(name), read_addition(name, more)?),
            ["remove", node] => Self::Remove(own(node)),
            [] => return Err(ActionError::Empty),
            [verb, ..] => return Err(wrong_form(verb)),
        })
    }
}

/// With more, TCP hardly gets anything through.
pub(super) const LOSS_MAX: u32 = 90;
/// A hundred years.
const CLOCK_JUMP_MS_MAX: u64 = 100 * 366 * 86_400_000;

/// How each action is written, for those who wrote it otherwise.
pub(super) const FORMS: &[&str] = &[
    "kill NODE",
    "off NODE",
    "start NODE",
    "freeze NODE",
    "resume NODE",
    "wipe NODE",
    "cut NODE [->] NODE",
    "mend NODE NODE",
    "partition NODE...",
    "heal",
    "reset NODE NODE",
    "latency [NODE [->] NODE] SPAN[..SPAN]",
    "loss [NODE NODE] PERCENT%",
    "half-open NODE NODE",
    "disk NODE ok|full|flaky PERCENT",
    "slow-disk NODE SPAN[..SPAN]",
    "names NODE on|off",
    "clock NODE MILLISECONDS",
    "writes NODE on|off",
    "waits NODE REPLICAS",
    "delay MESSAGE|NODE -> NODE SPAN",
    "drop MESSAGE|NODE -> NODE",
    "run NODE|redis|sentinels|all COMMAND [ARG...]",
    "add redis-N [NODE]|sentinel-N|writer-N SPAN",
    "remove NODE",
];

fn wrong_form(verb: &str) -> ActionError {
    let form = FORMS.iter().find(|form| form.split(' ').next() == Some(verb));
    form.map_or_else(|| ActionError::UnknownVerb(verb.to_string()), |form| ActionError::Form(form))
}

/// The words of a line, quoted as in redis-cli where they hold blanks.
pub(crate) fn words(line: &str) -> Result<Vec<String>, ActionError> {
    let words = picket_resp::split_args(line.as_bytes()).map_err(|_| ActionError::Quotes)?;
    let text = |word| String::from_utf8(word).map_err(|_| ActionError::NoText);
    words.into_iter().map(text).collect()
}

/// A span in microseconds: `250us`, `20ms`, `3s` or `2m`.
pub(crate) fn read_span(text: &str) -> Result<u64, ActionError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "us" => Some(1),
        "ms" => Some(1_000),
        "s" => Some(1_000_000),
        "m" => Some(60_000_000),
        _ => None,
    };
    // A day is more than any world lives.
    let micros =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    micros.filter(|micros| *micros <= 86_400_000_000).ok_or_else(|| ActionError::Span(text.to_string()))
}

fn read_latency(text: &str) -> Result<Latency, ActionError> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from_us, to_us) = (read_span(from)?, read_span(to)?);
    if from_us > to_us {
        return Err(ActionError::Backwards(text.to_string()));
    }
    Ok(Latency { from_us, to_us })
}

fn read_addition(name: &str, more: &[&str]) -> Result<Addition, ActionError> {
    let addition = match (name.split('-').next(), more) {
        (Some("redis"), []) => Addition::Redis { follows: None },
        (Some("redis"), [node]) => Addition::Redis { follows: Some((*node).to_string()) },
        (Some("sentinel"), []) => Addition::Sentinel,
        (Some("writer"), [interval]) => {
            let us = read_span(interval)?;
            if us < 1_000 || us % 1_000 != 0 {
                return Err(ActionError::Interval);
            }
            Addition::Writer { interval: Millis(us / 1_000) }
        }
        _ => return Err(wrong_form("add")),
    };
    number_in(name, addition.kind())?;
    Ok(addition)
}

fn read_loss(text: &str) -> Result<u32, ActionError> {
    let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
    percent.filter(|percent| *percent <= LOSS_MAX).ok_or_else(|| ActionError::Loss(text.to_string()))
}

fn read_switch(text: &str) -> Result<Switch, ActionError> {
    match text {
        "on" => Ok(Switch::On),
        "off" => Ok(Switch::Off),
        _ => Err(ActionError::Switch(text.to_string())),
    }
}

fn read_message(text: &str) -> Result<u64, ActionError> {
    text.parse().map_err(|_| ActionError::MessageNumber(text.to_string()))
}

/// A word as [`words`] reads it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'));
    if is_plain { word.to_string() } else { picket_resp::quote(word.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_as_it_is_written() {
        for line in [
            "kill redis-1",
            "off redis-1",
            "start redis-1",
            "freeze sentinel-2",
            "resume sentinel-2",
            "wipe redis-3",
            "cut redis-1 sentinel-2",
            "cut redis-1 -> sentinel-2",
            "mend redis-1 sentinel-2",
            "partition redis-1 writer-1",
            "heal",
            "reset redis-1 redis-2",
            "latency 1ms",
            "latency redis-1 redis-2 1500us..20ms",
            "latency redis-1 -> redis-2 1000ms",
            "disk sentinel-1 ok",
            "disk sentinel-1 full",
            "disk sentinel-1 flaky 50",
            "slow-disk sentinel-1 100ms..200ms",
            "names sentinel-1 off",
            "clock redis-1 +2000",
            "clock redis-1 -500",
            "writes writer-1 on",
            "waits writer-1 2",
            "delay 17 500ms",
            "delay redis-1 -> redis-2 500ms",
            "drop 17",
            "drop redis-1 -> redis-2",
            "run redis-1 SET key \"two words\"",
            "run redis-1 SET key \"\"",
            "run redis-1 SET \"a\\\"b\" 'c",
            "run sentinels SENTINEL SET mymaster quorum 3",
            "add redis-4",
            "add redis-4 redis-2",
            "add sentinel-4",
            "add writer-2 50ms",
            "remove redis-4",
            "loss 5%",
            "loss sentinel-1 redis-1 20%",
            "half-open redis-2 redis-1",
        ] {
            match line.parse::<Action>() {
                Ok(action) => assert_eq!(action.to_string(), line),
                Err(error) => assert!(line.ends_with("'c"), "{line}: {error}"),
            }
        }
    }

    #[test]
    fn a_wrong_line_is_told_what_is_wrong() {
        for (line, wrong) in [
            ("", "an empty line is no action"),
            ("kill", "kill is written \"kill NODE\""),
            ("cut a", "cut is written \"cut NODE [->] NODE\""),
            ("latency 3 hours", "latency is written"),
            ("latency 3h", "\"3h\" is no span"),
            ("latency 3ms..2ms", "ends before it begins"),
            ("delay 1 99999999999999999999s", "is no span"),
            ("disk a flaky 101", "0 to 100"),
            ("clock redis-1 soon", "a clock jumps by"),
            ("drop it", "is no number of a message"),
            ("writes writer-1 maybe", "neither on nor off"),
            ("waits writer-1 all", "waits is written \"waits NODE REPLICAS\""),
            ("waits writer-1 65", "waits is written"),
            ("explode redis-1", "\"explode\" is no action; there are kill, off"),
            ("run redis-1", "run is written"),
            ("kill \"redis-1", "unbalanced quotes"),
            ("loss 5", "is no loss: write 0% to 90%"),
            ("loss 100%", "a wire that loses everything is cut"),
            ("loss redis-1 5%", "loss is written"),
            ("add", "add is written"),
            ("add valkey-4", "add is written"),
            ("add sentinel-4 redis-1", "add is written"),
            ("add redis-0", "redis-N, N from 1 to 254"),
            ("add redis-04", "redis-N, N from 1 to 254"),
            ("add redis-300", "redis-N, N from 1 to 254"),
            ("add redis-", "redis-N, N from 1 to 254"),
            ("add writer-2", "add is written"),
            ("add writer-2 1500us", "whole milliseconds"),
        ] {
            let error = line.parse::<Action>().expect_err(line).to_string();
            assert!(error.contains(wrong), "{line}: {error}");
        }
    }
}
