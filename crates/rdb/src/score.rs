//! Scores of sorted sets: doubles, kept as their 64 bits.
//!
//! Redis's data type is the double, so text is converted to one here and nowhere else, with the
//! correctly rounded conversion of `core`. Nothing computes with it; comparing works on the bits.

use core::cmp::Ordering;
use core::fmt;

/// A score, never NaN. Ordered as doubles are; `-0` equals `0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(Bits);

/// Keeps the bits as they are, for writing them again, and compares them as a double.
#[derive(Clone, Copy)]
struct Bits(u64);

const SIGN: u64 = 1 << 63;
const EXPONENT: u64 = 0x7ff << 52;

impl Score {
    /// Zero.
    pub const ZERO: Self = Self(Bits(0));
    /// Positive infinity.
    pub const INFINITY: Self = Self(Bits(EXPONENT));
    /// Negative infinity.
    pub const NEG_INFINITY: Self = Self(Bits(SIGN | EXPONENT));

    /// From the bits of a double; none for NaN.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        (bits & !SIGN <= EXPONENT).then_some(Self(Bits(bits)))
    }

    /// The bits of the double.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0.0
    }

    /// From text as `strtod` reads it in the C locale, without hexadecimal forms; none if it is no
    /// number, or NaN.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
        Self::from_bits(value.to_bits())
    }

    /// From an integer, rounded to the nearest double.
    #[must_use]
    pub fn from_int(value: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a score is a double: Redis rounds here too")]
        let rounded = value as f64;
        Self(Bits(rounded.to_bits()))
    }
}

impl Bits {
    /// A key that orders integers as the doubles are ordered.
    fn order(self) -> u64 {
        match self.0 {
            SIGN => SIGN,
            bits if bits & SIGN != 0 => !bits,
            bits => bits | SIGN,
        }
    }
}

impl Ord for Bits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Bits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Bits {}

impl core::hash::Hash for Bits {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.order().hash(state);
    }
}

impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&f64::from_bits(self.to_bits()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_order_as_doubles() {
        let texts =
            ["-inf", "-1e300", "-2", "-1.5", "-5e-324", "0", "5e-324", "1", "1.5", "2", "1e300", "inf"];
        let scores = texts.map(|text| Score::parse(text.as_bytes()).expect(text));
        for (a, left) in scores.iter().enumerate() {
            for (b, right) in scores.iter().enumerate() {
                assert_eq!(left.cmp(right), a.cmp(&b), "{left:?} {right:?}");
            }
        }
        assert_eq!(Score::parse(b"-0"), Score::parse(b"0"));
        assert_ne!(Score::parse(b"-0").map(Score::to_bits), Some(0));
        assert_eq!(scores[0], Score::NEG_INFINITY);
        assert_eq!(scores[11], Score::INFINITY);
    }

    #[test]
    fn nan_and_words_are_no_scores() {
        for text in ["nan", "-nan", "", "x", "1,5", "1 ", "0x10"] {
            assert_eq!(Score::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Score::from_bits(f64::NAN.to_bits()), None);
        assert_eq!(Score::from_bits((-f64::NAN).to_bits()), None);
        assert_eq!(Score::from_int(3), Score::parse(b"3").expect("a number"));
        assert_eq!(Score::parse(b"3.0000000000000001"), Some(Score::from_int(3)));
    }
}
