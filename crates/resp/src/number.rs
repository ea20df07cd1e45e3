//! Decimal integers as Redis reads and writes them (`util.c: string2ll, ll2string`).

use bytes::{BufMut, BytesMut};

/// Reads a canonical decimal: no plus sign, no leading zeros, no `-0`, nothing around it.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    digits
        .iter()
        .try_fold(0_i64, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            // Folded on the negative side, which reaches one further.
            value.checked_mul(10)?.checked_sub(digit)
        })
        .and_then(|value| if negative { Some(value) } else { value.checked_neg() })
}

/// Appends `value` in decimal.
pub(crate) fn put_u64(out: &mut BytesMut, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.put_slice(&digits[start..]);
}

/// Appends `value` in decimal.
pub(crate) fn put_i64(out: &mut BytesMut, value: i64) {
    if value < 0 {
        out.put_u8(b'-');
    }
    put_u64(out, value.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn only_canonical_decimals_are_read() {
        for value in [0, 1, -1, 10, i64::MAX, i64::MIN, i64::MIN + 1, 999_999_999_999_999_999] {
            assert_eq!(parse_i64(format!("{value}").as_bytes()), Some(value));
            let mut out = BytesMut::new();
            put_i64(&mut out, value);
            assert_eq!(out, format!("{value}"));
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            "1a",
            " 1",
            "1 ",
            "9223372036854775808",
            "-9223372036854775809",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }
}
