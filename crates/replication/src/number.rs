//! Decimal numbers in lines and arguments.

/// Digits and nothing else, within 64 bits.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The highest offset that a peer or a file may name: Redis counts with a sign. What is counted up from there does
/// not leave 64 bits in the life of a node.
pub const OFFSET_MAX: u64 = i64::MAX.unsigned_abs();

/// An offset of a stream, up to [`OFFSET_MAX`].
pub(crate) fn parse_offset(text: &[u8]) -> Option<u64> {
    parse_u64(text).filter(|offset| *offset <= OFFSET_MAX)
}

/// As [`parse_u64`], with an optional minus sign.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => 0_i64.checked_sub_unsigned(parse_u64(digits)?),
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_offset(b"9223372036854775807"), Some(OFFSET_MAX));
        assert_eq!(parse_offset(b"9223372036854775808"), None);
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        for text in [&b""[..], b"-", b"+1", b"1x", b"18446744073709551616"] {
            assert_eq!(parse_u64(text), None);
            assert_eq!(parse_i64(text), None);
        }
    }
}
