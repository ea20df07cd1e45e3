//! Words of a line and their quotes (`sds.c: sdssplitargs, sdscatrepr`).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;

/// A quote that is not closed, or whose closing is followed by something other than a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced quotes")]
pub struct UnbalancedQuotes;

/// The words of `line`, quotes resolved.
///
/// Double quotes know `\xHH \n \r \t \b \a` and take any other escaped byte as it is; single quotes
/// know `\'` alone. A closing quote must be followed by a space or the end.
///
/// Differs from Redis: a NUL byte is a byte like any other, because ending the line there would drop
/// the rest of it in silence.
pub fn split_args(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let (mut bytes, mut words) = (Vec::new(), Vec::new());
    split_into(line, &mut bytes, &mut words)?;
    Ok(words.into_iter().map(|word| bytes[word].to_vec()).collect())
}

/// As [`split_args`], but appends the words' bytes to `bytes` and where each stands to `words`, so that
/// both can be used again without an allocation.
pub(crate) fn split_into(
    line: &[u8],
    bytes: &mut Vec<u8>,
    words: &mut Vec<Range<usize>>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line;
    loop {
        rest = skip_space(rest);
        if rest.is_empty() {
            return Ok(());
        }
        let start = bytes.len();
        rest = take_word(rest, bytes)?;
        words.push(start..bytes.len());
    }
}

/// `bytes` between double quotes, every byte outside printable ASCII escaped: the form that
/// [`split_args`] reads back to the same bytes.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for byte in bytes.iter().copied() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            BELL => out.push_str("\\a"),
            BACKSPACE => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{other:02x}");
            }
        }
    }
    out.push('"');
    out
}

const BELL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;

/// Appends the word at the front of `rest` to `out` and returns what follows it.
fn take_word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok(rest),
            [b'"', tail @ ..] => return take_double_quoted(tail, out),
            [b'\'', tail @ ..] => return take_single_quoted(tail, out),
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, tail) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', tail @ ..] => return after_quote(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex_digit(*high) << 4 | hex_digit(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        out.push(byte);
        rest = tail;
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, tail) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', tail @ ..] => return after_quote(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        out.push(byte);
        rest = tail;
    }
}

/// A closing quote ends its word; a space or nothing must follow.
fn after_quote(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest.first() {
        Some(byte) if !is_space(*byte) => Err(UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => BACKSPACE,
        b'a' => BELL,
        other => other,
    }
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A') + 10,
    }
}

/// C's `isspace`: vertical tab and form feed separate words, but do not end one.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn skip_space(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !is_space(*byte)).unwrap_or(line.len());
    &line[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[u8], expected: Result<&[&[u8]], UnbalancedQuotes>) {
        let expected = expected.map(|words| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
        assert_eq!(split_args(line), expected, "line {}", quote(line));
    }

    #[test]
    fn words_are_split_as_redis_splits_them() {
        check(b"", Ok(&[]));
        check(b"  \t\x0b\x0c ", Ok(&[]));
        check(b" set  key value ", Ok(&[b"set", b"key", b"value"]));
        check(b"\"a b\" 'c d'", Ok(&[b"a b", b"c d"]));
        check(b"\"\" ''", Ok(&[b"", b""]));
        check(br#""\x41\xfF\x4\n\r\t\b\a\"\\\q""#, Ok(&[b"A\xff\x78\x34\n\r\t\x08\x07\"\\q"]));
        check(br"'it\'s' 'a\n'", Ok(&[b"it's", b"a\\n"]));
        check(b"pre\"fix ed\"", Ok(&[b"prefix ed"]));
        check(b"a\x0bb", Ok(&[b"a\x0bb"]));
        check(b"\"a\"\x0bb", Ok(&[b"a", b"b"]));
        check(b"nul\0in word", Ok(&[b"nul\0in", b"word"]));
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [&b"\"a"[..], b"'a", b"\"a\"b", b"'a'b", b"a\"b\"c", b"\"a\\\"", b"\"a\\", b"\"a\"\0"] {
            check(line, Err(UnbalancedQuotes));
        }
    }

    #[test]
    fn quote_is_printable_and_reads_back() {
        assert_eq!(quote(b"a\"b\\c\n\r\t\x07\x08\x00\x7f\xe9 ~"), r#""a\"b\\c\n\r\t\a\b\x00\x7f\xe9 ~""#);
        let all: Vec<u8> = (0..=255).collect();
        check(quote(&all).as_bytes(), Ok(&[&all]));
    }
}
