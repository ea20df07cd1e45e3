//! The only source of chance in a core.

use alloc::string::String;

/// A small deterministic generator (SplitMix64): the same seed gives the same numbers on every
/// target. Not for secrets that an attacker must not guess from others; a host that needs those
/// seeds it from the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prng(u64);

impl Prng {
    /// Starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, or 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a 64×64 product: unbiased to within 2^-64 × bound.
        u64::try_from((u128::from(self.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// `len` lower-case hexadecimal digits, as run ids and `ACL GENPASS` are made of.
    pub fn hex(&mut self, len: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(len);
        while text.len() < len {
            let mut word = self.next_u64();
            for _ in 0..16.min(len - text.len()) {
                text.push(char::from(DIGITS[(word & 15) as usize]));
                word >>= 4;
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_fixed() {
        let mut prng = Prng::new(0);
        assert_eq!(prng.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(Prng::new(7).hex(40), Prng::new(7).hex(40));
        assert_eq!(Prng::new(7).hex(40).len(), 40);
    }

    #[test]
    fn below_stays_below() {
        let mut prng = Prng::new(1);
        assert_eq!(prng.below(0), 0);
        assert!((0..1000).all(|_| prng.below(7) < 7));
    }
}
