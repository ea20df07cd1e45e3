//! Bits of strings (`bitops.c`). Bit 0 is the most significant one of the first byte, and behind the last byte all
//! bits are zero.

use alloc::vec::Vec;

/// Whether a bit is set.
pub(crate) fn get(bytes: &[u8], at: u64) -> bool {
    field(bytes, at, 1) == 1
}

/// How many bits from `first` to `last` are set; both lie within the bytes.
pub(crate) fn count(bytes: &[u8], first: u64, last: u64) -> u64 {
    let Some((head, body, tail)) = split(bytes, first, last) else {
        return 0;
    };
    let (words, rest) = body.as_chunks::<8>();
    let words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let single = rest.iter().chain([&head, &tail]).map(|byte| u64::from(byte.count_ones()));
    words + single.sum::<u64>()
}

/// The first bit from `first` to `last` that is set, or the first that is not; both ends lie within the bytes.
pub(crate) fn position(bytes: &[u8], wanted: bool, first: u64, last: u64) -> Option<u64> {
    // A byte that has nothing to find.
    let empty = if wanted { 0x00 } else { 0xff };
    let start = index(first);
    let found = bytes.get(start..=index(last))?.iter().enumerate().find_map(|(at, byte)| {
        let passed = if at == 0 { first % 8 } else { 0 };
        let byte = (byte ^ empty) & (0xff >> passed);
        (byte != 0).then(|| (start + at) as u64 * 8 + u64::from(byte.leading_zeros()))
    });
    found.filter(|at| *at <= last)
}

/// The unsigned integer of `width` bits, 64 at most, that begins at a bit.
pub(crate) fn field(bytes: &[u8], at: u64, width: u32) -> u64 {
    let window = window(bytes, at) << (at % 8) >> (u128::BITS - width);
    u64::try_from(window).expect("a field has 64 bits at most")
}

/// Overwrites a field; the bytes reach to its end.
pub(crate) fn set_field(bytes: &mut [u8], at: u64, width: u32, value: u64) {
    let shift = u128::BITS - width;
    let place = |bits: u128| bits << shift >> (at % 8);
    let new = window(bytes, at) & !place(u128::MAX) | place(u128::from(value));
    let start = index(at);
    for (byte, new) in bytes[start..].iter_mut().zip(new.to_be_bytes()) {
        *byte = new;
    }
}

/// How BITOP combines strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combine {
    And,
    Or,
    Xor,
}

impl Combine {
    /// Combines `bytes` with `other`; the shorter one counts as if zeros followed.
    pub(crate) fn apply(self, bytes: &mut Vec<u8>, other: &[u8]) {
        let common = bytes.len().min(other.len());
        bytes.resize(bytes.len().max(other.len()), 0);
        let (head, tail) = bytes.split_at_mut(common);
        let (other_head, other_tail) = other.split_at(common);
        let pairs = head.iter_mut().zip(other_head);
        match self {
            Self::And => pairs.for_each(|(byte, other)| *byte &= other),
            Self::Or => pairs.for_each(|(byte, other)| *byte |= other),
            Self::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
        }
        if self == Self::And {
            tail.fill(0);
        } else if !other_tail.is_empty() {
            tail.copy_from_slice(other_tail);
        }
    }
}

/// The sixteen bytes from the one that holds a bit.
fn window(bytes: &[u8], at: u64) -> u128 {
    let mut window = [0; 16];
    let rest = bytes.get(index(at)..).unwrap_or_default();
    window.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(window)
}

/// The first byte and the last one without the bits outside `first..=last`, and what lies between.
fn split(bytes: &[u8], first: u64, last: u64) -> Option<(u8, &[u8], u8)> {
    let head_mask = 0xff_u8 >> (first % 8);
    let tail_mask = 0xff_u8 << (7 - last % 8);
    match bytes.get(index(first)..=index(last))? {
        [] => None,
        [only] => Some((only & head_mask & tail_mask, &[], 0)),
        [head, body @ .., tail] => Some((head & head_mask, body, tail & tail_mask)),
    }
}

/// The byte that holds a bit.
fn index(at: u64) -> usize {
    usize::try_from(at / 8).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const BYTES: &[u8] = &[0b0000_0001, 0b1111_1111, 0, 0, 0, 0, 0, 0, 0, 0b1000_0000, 0b1010_0000];

    #[test]
    fn bits_are_counted_and_found_one_by_one() {
        let bits = BYTES.len() as u64 * 8;
        for first in 0..bits {
            for last in first..bits {
                let set = (first..=last).filter(|at| get(BYTES, *at));
                assert_eq!(count(BYTES, first, last), set.clone().count() as u64, "{first} {last}");
                assert_eq!(position(BYTES, true, first, last), set.clone().next(), "{first} {last}");
                let clear = (first..=last).find(|at| !get(BYTES, *at));
                assert_eq!(position(BYTES, false, first, last), clear, "{first} {last}");
            }
        }
        assert_eq!((count(BYTES, 0, bits), position(&[], false, 0, 0)), (0, None));
    }

    #[test]
    fn a_field_changes_no_other_bit() {
        for width in [1, 2, 7, 8, 9, 31, 63, 64] {
            for at in 0..BYTES.len() as u64 * 8 - u64::from(width) {
                let mut bytes = BYTES.to_vec();
                let value = 0xa5c3_0f12_9b7e_44d1 >> (64 - width);
                set_field(&mut bytes, at, width, value);
                assert_eq!(field(&bytes, at, width), value, "{width} at {at}");
                let old = field(BYTES, at, width);
                set_field(&mut bytes, at, width, old);
                assert_eq!(bytes, BYTES, "{width} at {at}");
            }
        }
        assert_eq!(field(BYTES, 86, 64), 0);
        assert_eq!(field(BYTES, u64::MAX, 64), 0);
    }

    #[test]
    fn the_shorter_string_goes_on_with_zeros() {
        for (how, left, right) in [
            (Combine::And, vec![1, 0], vec![1, 0]),
            (Combine::Or, vec![3, 4], vec![3, 4]),
            (Combine::Xor, vec![2, 4], vec![2, 4]),
        ] {
            let mut bytes = vec![1];
            how.apply(&mut bytes, &[3, 4]);
            assert_eq!(bytes, left);
            let mut bytes = vec![3, 4];
            how.apply(&mut bytes, &[1]);
            assert_eq!(bytes, right);
        }
    }
}
