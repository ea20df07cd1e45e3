//! Integers as decimal text, in the one form that Redis takes for an integer (`util.c: string2ll`).

/// The decimal text of an integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    text: [u8; 20],
    start: u8,
}

impl Decimal {
    pub(crate) fn new(value: i64) -> Self {
        let mut text = [0; 20];
        let mut start = text.len();
        let mut rest = value.unsigned_abs();
        loop {
            start -= 1;
            text[start] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            start -= 1;
            text[start] = b'-';
        }
        Self { text, start: u8::try_from(start).unwrap_or(0) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[usize::from(self.start)..]
    }
}

/// The integer whose canonical text `text` is: no sign but `-`, no leading zeros, no `-0`.
pub(crate) fn canonical(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        // Nineteen digits fit into 64 bits.
        value = value * 10 + u64::from(digit - b'0');
    }
    if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_is_an_integer() {
        for value in [0, 1, -1, 10, 127, -128, 65536, i64::MAX, i64::MIN] {
            assert_eq!(canonical(Decimal::new(value).as_bytes()), Some(value));
        }
        for text in ["", "-", "-0", "00", "01", "+1", " 1", "1 ", "1a", "9223372036854775808"] {
            assert_eq!(canonical(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(canonical(b"-9223372036854775809"), None);
        assert_eq!(canonical(b"99999999999999999999"), None);
    }
}
