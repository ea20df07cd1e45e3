//! Scores of sorted sets. Redis's data type is the double of IEEE 754, so this one file of the crate names it:
//! reading, writing, comparing, and the sums and products that ZINCRBY and the weights of ZUNIONSTORE ask for.
//! All of them are correctly rounded on every target, so they are as repeatable as integers.

#![expect(clippy::float_arithmetic, reason = "adding to a score is what ZINCRBY is")]

use alloc::format;
use alloc::string::String;
use core::cmp::Ordering;

use bytes::Bytes;

/// A double that is not NaN.
#[derive(Clone, Copy, Debug)]
pub struct Double(f64);

impl Double {
    /// Zero.
    pub const ZERO: Self = Self(0.0);
    /// One.
    pub const ONE: Self = Self(1.0);
    /// Positive infinity.
    pub const INFINITY: Self = Self(f64::INFINITY);
    /// Negative infinity.
    pub const NEG_INFINITY: Self = Self(f64::NEG_INFINITY);

    /// From text as `strtod` reads it.
    ///
    /// Differs from Redis: hexadecimal forms are refused; no known client sends them.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
        Self::of(value)
    }

    /// From its bits; none for NaN.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        Self::of(f64::from_bits(bits))
    }

    /// Its bits.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    /// Its value, for the files that calculate with doubles.
    pub(crate) fn value(self) -> f64 {
        self.0
    }

    /// The sum, none if it is NaN.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::of(self.0 + other.0)
    }

    /// The sum, with the zero that ZUNIONSTORE takes for infinity minus infinity.
    pub(crate) fn plus_or_zero(self, other: Self) -> Self {
        self.plus(other).unwrap_or(Self::ZERO)
    }

    /// The product, with the zero that ZUNIONSTORE takes for zero times infinity.
    pub(crate) fn times_or_zero(self, other: Self) -> Self {
        Self::of(self.0 * other.0).unwrap_or(Self::ZERO)
    }

    /// Whether it is the zero with a sign.
    pub(crate) fn is_minus_zero(self) -> bool {
        self == Self::ZERO && self.0.is_sign_negative()
    }

    /// As a listpack keeps it, where zero is an integer and has no sign.
    pub(crate) fn packed(self) -> Self {
        if self == Self::ZERO { Self::ZERO } else { self }
    }

    /// This many seconds in milliseconds, a part of one counting as a whole; none beyond 63 bits.
    pub(crate) fn seconds_to_millis(self) -> Option<i64> {
        let millis = self.0 * 1000.0;
        // Casts saturate, so both ends of the range show.
        let whole = millis as i64;
        if whole == i64::MAX || whole == i64::MIN {
            return None;
        }
        Some(if (whole as f64) < millis { whole + 1 } else { whole })
    }

    /// From a value; none for NaN.
    pub(crate) fn of(value: f64) -> Option<Self> {
        (!value.is_nan()).then_some(Self(value))
    }

    /// With six digits behind the point, as `%f` prints it.
    pub(crate) fn decimal_text(self) -> String {
        format!("{:.6}", self.0)
    }

    /// The text that Redis replies: an integer where it is one, else 17 significant digits as `%.17g` prints them.
    #[must_use]
    pub fn text(self) -> Bytes {
        let value = self.0;
        if value.is_infinite() {
            return Bytes::from_static(if value > 0.0 { b"inf" } else { b"-inf" });
        }
        if value == 0.0 {
            return Bytes::from_static(if value.is_sign_negative() { b"-0" } else { b"0" });
        }
        Bytes::from(general(value))
    }
}

/// `%.17g`.
fn general(value: f64) -> String {
    const DIGITS: i32 = 17;
    let text = format!("{value:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..DIGITS).contains(&exponent) {
        let mantissa = without_zeros(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
    String::from(without_zeros(&format!("{value:.decimals$}")))
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Double {}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Double {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).expect("a Double is never NaN")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_that_of_printf() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "-0"),
            ("1", "1"),
            ("-1.5", "-1.5"),
            ("0.1", "0.10000000000000001"),
            ("3.3", "3.2999999999999998"),
            ("100000", "100000"),
            ("1e16", "10000000000000000"),
            ("1e17", "1e+17"),
            ("12345678901234567890", "1.2345678901234567e+19"),
            ("0.0001", "0.0001"),
            ("0.00001", "1.0000000000000001e-05"),
            ("1e300", "1.0000000000000001e+300"),
            ("5e-324", "4.9406564584124654e-324"),
            ("inf", "inf"),
            ("-Infinity", "-inf"),
        ] {
            assert_eq!(Double::parse(text.as_bytes()).expect(text).text(), expected, "{text}");
        }
    }

    #[test]
    fn nan_is_no_double() {
        for text in ["nan", "", " 1", "1 ", "x", "1,5"] {
            assert_eq!(Double::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Double::INFINITY.plus(Double::NEG_INFINITY), None);
        assert_eq!(Double::INFINITY.times_or_zero(Double::ZERO), Double::ZERO);
    }
}
