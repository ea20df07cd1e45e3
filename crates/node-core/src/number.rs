//! Integers as decimal text (`util.c: string2ll, ll2string`).

use alloc::string::ToString;

use bytes::Bytes;

/// Reads a canonical decimal: no plus sign, no leading zeros, no `-0`, nothing around it.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let magnitude = digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Reads an unsigned decimal, with leading zeros if they are there, as cursors are read.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// An integer as text.
#[expect(clippy::needless_pass_by_value, reason = "the values are integers and references to them")]
pub(crate) fn text(value: impl ToString) -> Bytes {
    Bytes::from(value.to_string())
}

/// A count as an integer of RESP.
pub(crate) fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A position in memory from a number that was checked to be not negative.
pub(crate) fn index(value: i64) -> usize {
    usize::try_from(value).unwrap_or(if value < 0 { 0 } else { usize::MAX })
}

/// The half-open range that `start..=stop` means among `len` elements, negative numbers counting from the end;
/// none if it is empty.
pub(crate) fn range(start: i64, stop: i64, len: usize) -> Option<(usize, usize)> {
    let len = int(len);
    let from_end = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(len - 1);
    (start <= stop && start < len).then(|| (index(start), index(stop) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_are_integers() {
        for value in [0, 1, -1, 10, i64::MAX, i64::MIN, 999_999_999_999_999_999] {
            assert_eq!(parse_i64(&text(value)), Some(value));
        }
        for bad in
            ["", "-", "+1", "01", "-0", " 1", "1 ", "1a", "9223372036854775808", "-9223372036854775809"]
        {
            assert_eq!(parse_i64(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(parse_u64(b"007"), Some(7));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
    }

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        for (start, stop, len, expected) in [
            (0, -1, 3, Some((0, 3))),
            (-2, -1, 3, Some((1, 3))),
            (-100, 100, 3, Some((0, 3))),
            (2, 1, 3, None),
            (3, 5, 3, None),
            (0, -1, 0, None),
            (i64::MIN, i64::MAX, 2, Some((0, 2))),
        ] {
            assert_eq!(range(start, stop, len), expected, "{start} {stop} {len}");
        }
    }
}
