//! Directives with rules of their own: `bind`, `save`, `client-output-buffer-limit` and a few more.
//! Their value is a list of words in the form that Redis itself writes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_resp::quote;

use super::directive::Special;
use super::typed::{ClientClass, OutputBufferLimit};
use super::value::{format_memory, parse_integer, parse_memory};

const BIND_MAX: usize = 16;
/// Classes of keyspace events in the order Redis writes them; `A` stands for those before `m`.
const EVENT_CLASSES: &str = "g$lshzxetd";
const LIMIT_CLASSES: [&[u8]; 3] = [b"normal", b"replica", b"pubsub"];

type Words = Vec<Vec<u8>>;

pub(super) fn default(kind: Special) -> Words {
    let text = match kind {
        Special::Dir | Special::NotifyKeyspaceEvents | Special::ReplicaOf => "",
        Special::Save => "3600 1 300 100 60 10000",
        Special::ClientOutputBufferLimit => "0 0 0 268435456 67108864 60 33554432 8388608 60",
        Special::OomScoreAdjValues => "0 200 800",
        Special::Bind => "* -::*",
        Special::Percentiles => "50 99 99.9",
    };
    text.split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect()
}

/// The new value after a line with `words`; `current` is the value before it.
pub(super) fn parse(kind: Special, current: &[Vec<u8>], words: &[Vec<u8>]) -> Result<Words, String> {
    // One empty word means no words: `save ""`.
    let is_empty = matches!(words, [only] if only.is_empty());
    let given = if is_empty { &[] } else { words };
    match kind {
        Special::Dir => Ok(words.to_vec()),
        Special::Bind if given.len() > BIND_MAX => Err("Too many bind addresses specified.".into()),
        Special::Bind => Ok(given.to_vec()),
        Special::Save => save(if is_empty { &[] } else { current }, given),
        Special::ClientOutputBufferLimit => limits(current, words),
        Special::OomScoreAdjValues => oom_score_adj_values(words),
        Special::NotifyKeyspaceEvents => events(words.first().map_or(&[][..], Vec::as_slice)),
        Special::ReplicaOf => replicaof(words),
        Special::Percentiles => given.iter().map(|word| percentile(word)).collect(),
    }
}

/// What stands behind the name on each of the lines that a rewriting writes, and whether the line has
/// to be there. Those that have to be come first.
pub(super) fn written(kind: Special, words: &[Vec<u8>], changed: bool) -> Vec<(Vec<u8>, bool)> {
    let all = words.join(&b' ');
    match kind {
        Special::Save if words.is_empty() => [(b"\"\"".to_vec(), true)].into(),
        // Also the default: where some of its points are named, the others are off.
        Special::Save => words.chunks(2).map(|pair| (pair.join(&b' '), true)).collect(),
        Special::ClientOutputBufferLimit => limit_lines(words),
        // The default is never written: an old line that says it vanishes.
        Special::Bind if !changed => Vec::new(),
        Special::Bind if words.is_empty() => [(b"\"\"".to_vec(), true)].into(),
        Special::Percentiles if words.is_empty() => [(b"\"\"".to_vec(), true)].into(),
        // Written even if it is the default.
        Special::Percentiles => [(all, true)].into(),
        Special::ReplicaOf | Special::Dir if words.is_empty() => Vec::new(),
        Special::NotifyKeyspaceEvents | Special::Dir => [(quote(&all).into_bytes(), changed)].into(),
        Special::Bind | Special::ReplicaOf | Special::OomScoreAdjValues => [(all, changed)].into(),
    }
}

/// Differs from Redis: the class that is not default takes the old line first. Redis hands out old lines
/// in the order of classes, so that `normal 0 0 0` takes the place of another class's line.
fn limit_lines(words: &[Vec<u8>]) -> Vec<(Vec<u8>, bool)> {
    let default = default(Special::ClientOutputBufferLimit);
    let mut lines = Vec::new();
    for (index, class) in LIMIT_CLASSES.iter().enumerate() {
        let numbers = words.iter().skip(index * 3).take(3);
        let changed = !numbers.clone().eq(default.iter().skip(index * 3).take(3));
        let mut line = class.to_vec();
        for (position, number) in numbers.enumerate() {
            line.push(b' ');
            match parse_memory(number) {
                Some(bytes) if position < 2 => {
                    line.extend_from_slice(format_memory(i128::from(bytes)).as_bytes());
                }
                _ => line.extend_from_slice(number),
            }
        }
        lines.push((line, changed));
    }
    lines.sort_by_key(|(_, changed)| !changed);
    lines
}

pub(super) fn output_buffer_limit(words: &[Vec<u8>], class: ClientClass) -> OutputBufferLimit {
    let start = 3 * match class {
        ClientClass::Normal => 0,
        ClientClass::Replica => 1,
        ClientClass::Pubsub => 2,
    };
    let number = |index: usize| words.get(start + index).and_then(|word| parse_memory(word)).unwrap_or(0);
    OutputBufferLimit { hard_bytes: number(0), soft_bytes: number(1), soft_seconds: number(2) }
}

fn save(current: &[Vec<u8>], words: &[Vec<u8>]) -> Result<Words, String> {
    let valid = |index: usize, word: &Vec<u8>| {
        let min = i64::from(index.is_multiple_of(2));
        parse_integer(word).is_some_and(|number| number >= min)
    };
    if !words.len().is_multiple_of(2) || !words.iter().enumerate().all(|(index, word)| valid(index, word)) {
        return Err("Invalid save parameters".into());
    }
    Ok([current, words].concat())
}

fn limits(current: &[Vec<u8>], words: &[Vec<u8>]) -> Result<Words, String> {
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut result = current.to_vec();
    for group in words.chunks(4) {
        let name = group[0].to_ascii_lowercase();
        let class = LIMIT_CLASSES
            .iter()
            .position(|class| *class == name || (*class == b"replica" && name == b"slave"))
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let wrong = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        let hard = parse_memory(&group[1]).ok_or(wrong)?;
        let soft = parse_memory(&group[2]).ok_or(wrong)?;
        let seconds = parse_integer(&group[3]).and_then(|number| u64::try_from(number).ok()).ok_or(wrong)?;
        for (slot, number) in result.iter_mut().skip(class * 3).zip([hard, soft, seconds]) {
            *slot = number.to_string().into_bytes();
        }
    }
    Ok(result)
}

fn oom_score_adj_values(words: &[Vec<u8>]) -> Result<Words, String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let valid = |word: &Vec<u8>| parse_integer(word).is_some_and(|number| (-2000..=2000).contains(&number));
    if !words.iter().all(valid) {
        return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
    }
    Ok(words.to_vec())
}

fn events(word: &[u8]) -> Result<Words, String> {
    let all = word.contains(&b'A');
    let has = |class: char| word.contains(&(class as u8)) || (all && EVENT_CLASSES.contains(class));
    if !word
        .iter()
        .all(|byte| *byte == b'A' || EVENT_CLASSES.as_bytes().contains(byte) || b"KEmn".contains(byte))
    {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    let mut text = String::new();
    if EVENT_CLASSES.chars().all(has) {
        text.push('A');
    } else {
        text.extend(EVENT_CLASSES.chars().filter(|class| has(*class)));
    }
    text.extend("KEmn".chars().filter(|class| has(*class)));
    Ok(if text.is_empty() { Vec::new() } else { [text.into_bytes()].into() })
}

fn replicaof(words: &[Vec<u8>]) -> Result<Words, String> {
    let [host, port] = words else {
        return Err("wrong number of arguments".into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Vec::new());
    }
    if !parse_integer(port).is_some_and(|port| (0..=65535).contains(&port)) {
        return Err("Invalid master port".into());
    }
    Ok(words.to_vec())
}

/// A percentage as decimal text with at most six decimals and no trailing zeros.
fn percentile(word: &[u8]) -> Result<Vec<u8>, String> {
    let invalid = || "Invalid latency-tracking-info-percentiles parameters".to_string();
    let outside =
        || "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".to_string();
    let text = core::str::from_utf8(word).map_err(|_| invalid())?;
    let (text, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return Err(invalid());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| outside())? };
    let kept = decimals.get(..6).unwrap_or(decimals).trim_end_matches('0');
    if negative || whole > 100 || (whole == 100 && decimals.bytes().any(|byte| byte != b'0')) {
        return Err(outside());
    }
    Ok(if kept.is_empty() { whole.to_string() } else { format!("{whole}.{kept}") }.into_bytes())
}
