//! INCRBYFLOAT and HINCRBYFLOAT, which Redis computes with the 80-bit `long double` of x86 and prints with
//! 17 decimals (`util.c: string2ld, ld2string`).
//!
//! The type is emulated with integers: a mantissa of 64 bits, rounded to nearest, ties to even. Values whose
//! magnitude leaves the range of the type are refused, as infinity is.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

const MANTISSA_BITS: u64 = 64;
/// The longest text that Redis takes for a number.
const TEXT_LEN_MAX: usize = 5 * 1024;
const DECIMALS: usize = 17;
/// Above this power of two the type has only infinity.
const EXPONENT_END: i64 = 16384;
/// The weight of the lowest bit of the smallest value.
const EXPONENT_MIN: i64 = -16445;
/// Powers of ten beyond all values of the type, on both sides, whatever the digits are.
const POWER_OF_TEN_MAX: i64 = 12_000;

/// `±mantissa × 2^exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LongDouble {
    negative: bool,
    mantissa: u64,
    exponent: i64,
}

impl LongDouble {
    pub(crate) const ZERO: Self = Self { negative: false, mantissa: 0, exponent: 0 };

    /// From decimal text as `strtold` reads it; none for what is no number, infinite or NaN.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut digits, mut power) = (Natural::default(), 0_i64);
        let (mut any, mut fraction, mut at) = (false, false, 0);
        while let Some(byte) = text.get(at) {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    digits.multiply_add(10, u32::from(byte - b'0'));
                    power -= i64::from(fraction);
                }
                b'.' if !fraction => fraction = true,
                _ => break,
            }
            at += 1;
        }
        if !any {
            return None;
        }
        match &text[at..] {
            [] => {}
            [b'e' | b'E', exponent @ ..] => power = power.saturating_add(parse_exponent(exponent)?),
            _ => return None,
        }
        Self::from_decimal(negative, digits, power)
    }

    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let base = self.exponent.min(other.exponent);
        let aligned = |value: &Self| {
            let mut natural = Natural::from(value.mantissa);
            natural.shift_left(u64::try_from(value.exponent - base).unwrap_or(0));
            natural
        };
        let (left, right) = (aligned(self), aligned(other));
        if self.negative == other.negative {
            let mut sum = left;
            sum.add(&right);
            return Self::rounded(self.negative, &sum, base, false);
        }
        let (negative, mut large, small) = match left.cmp(&right) {
            Ordering::Equal => return Some(Self::ZERO),
            Ordering::Greater => (self.negative, left, right),
            Ordering::Less => (other.negative, right, left),
        };
        large.subtract(&small);
        Self::rounded(negative, &large, base, false)
    }

    /// With 17 decimals, less the zeros at the end.
    pub(crate) fn text(&self) -> String {
        let mut scaled = Natural::from(self.mantissa);
        let text = if self.exponent >= 0 {
            scaled.shift_left(self.exponent.unsigned_abs());
            scaled.decimal(1)
        } else {
            for _ in 0..DECIMALS {
                scaled.multiply_add(10, 0);
            }
            scaled.round_shift_right(self.exponent.unsigned_abs(), false);
            let mut digits = scaled.decimal(DECIMALS + 1);
            digits.insert(digits.len() - DECIMALS, '.');
            String::from(digits.trim_end_matches('0').trim_end_matches('.'))
        };
        if self.negative && text != "0" { alloc::format!("-{text}") } else { text }
    }

    fn from_decimal(negative: bool, mut digits: Natural, power: i64) -> Option<Self> {
        if digits.is_zero() || power < -POWER_OF_TEN_MAX {
            return Some(Self::ZERO);
        }
        if power > POWER_OF_TEN_MAX {
            return None;
        }
        if power >= 0 {
            for _ in 0..power {
                digits.multiply_add(10, 0);
            }
            return Self::rounded(negative, &digits, 0, false);
        }
        let divisions = power.unsigned_abs();
        // Four bits for each decimal division, so that the quotient keeps more than a mantissa.
        let shift = MANTISSA_BITS + 2 + 4 * divisions;
        digits.shift_left(shift);
        let mut inexact = false;
        for _ in 0..divisions {
            inexact |= digits.divide(10) != 0;
        }
        Self::rounded(negative, &digits, -i64::try_from(shift).unwrap_or(i64::MAX), inexact)
    }

    /// Rounds `natural × 2^exponent`, and a little more if `inexact`, to the type.
    fn rounded(negative: bool, natural: &Natural, exponent: i64, inexact: bool) -> Option<Self> {
        let bits = i64::try_from(natural.bits()).ok()?;
        let mantissa_bits = i64::try_from(MANTISSA_BITS).unwrap_or(64);
        let drop = (bits - mantissa_bits).max(EXPONENT_MIN - exponent).max(0);
        let mut rounded = natural.clone();
        rounded.round_shift_right(drop.unsigned_abs(), inexact);
        let mut exponent = exponent + drop;
        if rounded.bits() > MANTISSA_BITS {
            rounded.divide(2);
            exponent += 1;
        }
        let end = exponent + i64::try_from(rounded.bits()).ok()?;
        let negative = negative && !rounded.is_zero();
        (end <= EXPONENT_END).then(|| Self { negative, mantissa: rounded.low_u64(), exponent })
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if negative { -magnitude.min(i64::MAX / 2) } else { magnitude.min(i64::MAX / 2) })
}

/// A natural number of any size, lowest word first, without zero words at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Natural(Vec<u32>);

#[expect(clippy::cast_possible_truncation, reason = "words are cut out of wider sums on purpose")]
impl Natural {
    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn bits(&self) -> u64 {
        self.0.last().map_or(0, |top| self.0.len() as u64 * 32 - u64::from(top.leading_zeros()))
    }

    fn low_u64(&self) -> u64 {
        let word = |at: usize| self.0.get(at).copied().map_or(0, u64::from);
        word(0) | word(1) << 32
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for word in &mut self.0 {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides and returns the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0_u64;
        for word in self.0.iter_mut().rev() {
            rest = rest << 32 | u64::from(*word);
            *word = (rest / u64::from(divisor)) as u32;
            rest %= u64::from(divisor);
        }
        self.trim();
        rest as u32
    }

    fn add(&mut self, other: &Self) {
        let mut carry = 0_u64;
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (at, word) in self.0.iter_mut().enumerate() {
            carry += u64::from(*word) + other.0.get(at).copied().map_or(0, u64::from);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Takes away what is not more.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = 0_i64;
        for (at, word) in self.0.iter_mut().enumerate() {
            let difference = i64::from(*word) - other.0.get(at).copied().map_or(0, i64::from) - borrow;
            borrow = i64::from(difference < 0);
            *word = difference as u32;
        }
        self.trim();
    }

    fn shift_left(&mut self, bits: u64) {
        if self.is_zero() {
            return;
        }
        self.multiply_add(1 << (bits % 32), 0);
        let words = usize::try_from(bits / 32).unwrap_or(0);
        self.0.splice(0..0, core::iter::repeat_n(0, words));
    }

    /// Divides by a power of two, to nearest, ties to even; `inexact` says that a little more was cut before.
    fn round_shift_right(&mut self, bits: u64, inexact: bool) {
        if bits == 0 {
            return;
        }
        let bit = |at: u64| {
            let word = usize::try_from(at / 32).unwrap_or(usize::MAX);
            self.0.get(word).is_some_and(|word| word >> (at % 32) & 1 == 1)
        };
        let half = bit(bits - 1);
        let below = inexact || (0..(bits - 1).min(self.bits())).any(bit);
        let odd = bit(bits);
        let words = usize::try_from(bits / 32).unwrap_or(usize::MAX).min(self.0.len());
        self.0.drain(..words);
        self.divide_by_power(bits % 32);
        if half && (below || odd) {
            self.add(&Self::from(1));
        }
    }

    fn divide_by_power(&mut self, bits: u64) {
        let mut above = 0;
        for word in self.0.iter_mut().rev() {
            let wide = u64::from(above) << 32 | u64::from(*word);
            above = *word;
            *word = (wide >> bits) as u32;
        }
        self.trim();
    }

    /// In decimal, with at least `width` digits.
    fn decimal(&self, width: usize) -> String {
        let mut rest = self.clone();
        let mut digits = Vec::new();
        while !rest.is_zero() || digits.len() < width {
            digits.push(b'0' + rest.divide(10) as u8);
        }
        digits.iter().rev().copied().map(char::from).collect()
    }
}

impl From<u64> for Natural {
    fn from(value: u64) -> Self {
        let mut natural = Self(alloc::vec![(value & 0xffff_ffff) as u32, (value >> 32) as u32]);
        natural.trim();
        natural
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: &str) {
        let value = |text: &str| LongDouble::parse(text.as_bytes()).expect(text);
        assert_eq!(
            value(left).plus(&value(right)).expect("a finite sum").text(),
            expected,
            "{left} + {right}"
        );
    }

    #[test]
    fn sums_are_those_of_the_long_double() {
        check("3.0", "1.1", "4.1");
        check("10.50", "0.1", "10.6");
        check("5.0e3", "2.0e2", "5200");
        check("0.1", "0.2", "0.3");
        check("1", "-1", "0");
        check("-1.5", "0.25", "-1.25");
        check("1e-30", "0", "0");
        check("1e-20", "-2e-20", "0");
        check("17179869184", "17179869184", "34359738368");
        check("1e20", "0.5", "100000000000000000000");
        check("12345678901234567", "0.25", "12345678901234567.25");
        check("0.00000000000000001", "0", "0.00000000000000001");
    }

    #[test]
    fn the_ends_of_the_range() {
        for text in ["", ".", "-", "e5", "1e", "1x", " 1", "inf", "nan", "1e4933", "1e99999999999999999999"] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(LongDouble::parse(b"1e-99999"), Some(LongDouble::ZERO));
        let large = LongDouble::parse(b"1.1e4932").expect("in range");
        assert_eq!(large.plus(&large), None);
        assert_eq!(large.text().len(), 4933);
    }
}
