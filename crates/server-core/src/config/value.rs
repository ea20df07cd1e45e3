//! Values of ordinary directives: reading and writing them (`config.c: …ConfigSet`, `…ConfigRewrite`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_resp::quote;
use picket_sansio::Secret;

use super::directive::{Directive, Kind, Unit};

/// What a directive was set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `yes` or `no`.
    Bool(bool),
    /// A word, or unset.
    Text(Option<Vec<u8>>),
    /// A password, or unset.
    Secret(Option<Secret>),
    /// Names out of the directive's list.
    Choice(Vec<&'static str>),
    /// A number; a percentage is negative.
    Number(i128),
    /// Words as given, checked and brought into Redis's form.
    Words(Vec<Vec<u8>>),
}

impl Value {
    /// The value that `directive` has when nobody says anything; `None` for special and ignored ones.
    #[must_use]
    pub fn default_of(directive: &Directive) -> Option<Self> {
        Some(match directive.kind {
            Kind::Bool { default } => Self::Bool(default),
            Kind::Text { secret: true, .. } => Self::Secret(None),
            Kind::Text { default, secret: false } => Self::Text(default.map(|text| text.as_bytes().to_vec())),
            Kind::Choice { default, .. } => Self::Choice([default].to_vec()),
            Kind::Number { default, .. } => Self::Number(default),
            Kind::Special(_) | Kind::Ignored => return None,
        })
    }

    /// Reads the words behind the directive's name; `None` for special and ignored ones.
    pub(super) fn parse(directive: &Directive, words: &[Vec<u8>]) -> Result<Option<Self>, String> {
        let first = words.first().map_or(&[][..], Vec::as_slice);
        Ok(Some(match directive.kind {
            Kind::Bool { .. } => Self::Bool(yes_or_no(first)?),
            Kind::Text { default, secret } => {
                let word = (default.is_some() || !first.is_empty()).then(|| first.to_vec());
                if secret { Self::Secret(word.map(Secret::new)) } else { Self::Text(word) }
            }
            Kind::Choice { names, many, .. } => Self::Choice(choices(names, many, words)?),
            Kind::Number { min, max, unit, .. } => Self::Number(number(first, min, max, unit)?),
            Kind::Special(_) | Kind::Ignored => return Ok(None),
        }))
    }

    /// The words behind the name as a rewriting writes them; `None` if unset.
    pub(super) fn written(&self, directive: &Directive) -> Option<Vec<u8>> {
        Some(match self {
            Self::Bool(value) => if *value { "yes" } else { "no" }.into(),
            Self::Text(value) => quote(value.as_deref()?).into_bytes(),
            Self::Secret(value) => quote(value.as_ref()?.expose()).into_bytes(),
            Self::Choice(names) => names.join(" ").into_bytes(),
            Self::Number(value) => {
                let unit = match directive.kind {
                    Kind::Number { unit, .. } => unit,
                    _ => Unit::Integer,
                };
                match unit {
                    Unit::Integer => value.to_string(),
                    Unit::Octal => format!("{value:o}"),
                    Unit::MemoryOrPercent if *value < 0 => format!("{}%", -value),
                    Unit::Memory | Unit::MemoryOrPercent => format_memory(*value),
                }
                .into_bytes()
            }
            Self::Words(words) => words.join(&b' '),
        })
    }
}

/// A decimal number as Redis reads one: no blanks, no `+`, no leading zeros.
#[must_use]
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => text.len() == 1,
        [first, ..] => *first != b'0' && digits.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if !canonical {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// An amount of memory: digits and a unit (`b`, `k` = 1000, `kb` = 1024, `m`, `mb`, `g`, `gb`).
#[must_use]
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    core::str::from_utf8(digits).ok()?.parse::<u64>().ok()?.checked_mul(factor)
}

/// An amount of memory in the largest unit that divides it.
#[must_use]
pub fn format_memory(bytes: i128) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

pub(super) fn yes_or_no(word: &[u8]) -> Result<bool, String> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn choices(
    names: &'static [&'static str],
    many: bool,
    words: &[Vec<u8>],
) -> Result<Vec<&'static str>, String> {
    let mut chosen = Vec::new();
    for word in words {
        match names.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(word)) {
            Some(name) if !chosen.contains(name) => chosen.push(*name),
            Some(_) => {}
            None => chosen.clear(),
        }
        if chosen.is_empty() {
            break;
        }
    }
    if chosen.is_empty() || (chosen.len() > 1 && !many) {
        return Err(format!("argument(s) must be one of the following: {}", names.join(", ")));
    }
    // Redis writes flags in the order of its table, whatever order they came in.
    chosen.sort_by_key(|name| names.iter().position(|known| known == name));
    Ok(chosen)
}

fn number(word: &[u8], min: i128, max: i128, unit: Unit) -> Result<i128, String> {
    let value = match unit {
        Unit::Integer if max > i128::from(i64::MAX) => core::str::from_utf8(word)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<u64>().ok())
            .map(i128::from),
        Unit::Integer => parse_integer(word).map(i128::from),
        Unit::Memory => parse_memory(word).map(i128::from),
        Unit::MemoryOrPercent => match word.strip_suffix(b"%") {
            Some(percent) => {
                parse_integer(percent).filter(|value| *value >= 0).map(|value| -i128::from(value))
            }
            None => parse_memory(word).map(i128::from),
        },
        Unit::Octal => {
            core::str::from_utf8(word).ok().and_then(|text| i64::from_str_radix(text, 8).ok()).map(i128::from)
        }
    };
    let Some(value) = value else {
        return Err(match unit {
            Unit::Integer => "argument couldn't be parsed into an integer",
            Unit::Memory => "argument must be a memory value",
            Unit::MemoryOrPercent => "argument must be a memory or percent value",
            Unit::Octal => "argument couldn't be parsed as an octal number",
        }
        .into());
    };
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(match unit {
        Unit::Octal => format!("argument must be between {min:o} and {max:o} inclusive"),
        Unit::MemoryOrPercent if value < 0 => {
            format!("percentage argument must be less or equal to {}", -min)
        }
        Unit::Integer | Unit::Memory | Unit::MemoryOrPercent => {
            format!("argument must be between {min} and {max} inclusive")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_canonical() {
        for (text, value) in [("0", Some(0)), ("-7", Some(-7)), ("9223372036854775807", Some(i64::MAX))] {
            assert_eq!(parse_integer(text.as_bytes()), value, "{text}");
        }
        for text in ["", "-", "-0", "007", "+1", " 1", "1 ", "0x10", "9223372036854775808"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn memory_reads_and_writes() {
        for (text, bytes, written) in [
            ("0", 0, "0"),
            ("1000", 1000, "1000"),
            ("1k", 1000, "1000"),
            ("2KB", 2048, "2kb"),
            ("100mb", 100 << 20, "100mb"),
            ("3gb", 3 << 30, "3gb"),
            ("1536kb", 1536 << 10, "1536kb"),
        ] {
            assert_eq!(parse_memory(text.as_bytes()), Some(bytes), "{text}");
            assert_eq!(format_memory(i128::from(bytes)), written, "{text}");
        }
        for text in ["", "kb", "-1", "1 kb", "1tb", "99999999999999999999"] {
            assert_eq!(parse_memory(text.as_bytes()), None, "{text}");
        }
    }
}
