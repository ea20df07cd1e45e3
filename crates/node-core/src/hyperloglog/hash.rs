//! Which register an element raises, and how far: MurmurHash2 in its 64-bit form A.

/// The bits of a hash that choose the register.
pub(super) const INDEX_BITS: u32 = 14;

/// The bits whose zeros are counted.
pub(super) const COUNTED_BITS: u32 = u64::BITS - INDEX_BITS;

const SEED: u64 = 0xadc8_3b19;

/// A register and a value for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register {
    /// Its place.
    pub(crate) index: usize,
    /// Its value, or what it is to be raised to.
    pub(crate) value: u8,
}

impl Register {
    /// What an element asks for: one more than the zeros that follow the bits of the index.
    pub(crate) fn of(element: &[u8]) -> Self {
        let hash = murmur64a(element);
        let index = usize::try_from(hash & ((1 << INDEX_BITS) - 1)).expect("14 bits");
        let zeros = (hash >> INDEX_BITS | 1 << COUNTED_BITS).trailing_zeros();
        Self { index, value: u8::try_from(zeros + 1).expect("at most 51") }
    }
}

fn murmur64a(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mix = |word: u64| {
        let word = word.wrapping_mul(MULTIPLIER);
        (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    // Redis counts the length in 32 bits with a sign.
    let len = i64::from(bytes.len() as i32).cast_unsigned();
    let start = SEED ^ len.wrapping_mul(MULTIPLIER);
    let mut hash = words
        .iter()
        .fold(start, |hash, word| (hash ^ mix(u64::from_le_bytes(*word))).wrapping_mul(MULTIPLIER));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
