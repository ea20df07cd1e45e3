//! All registers of six bits one behind the other, the lowest bits of a byte first.

use super::hash::Register;
use super::{Histogram, REGISTERS};

const BITS: usize = 6;
const MASK: u8 = (1 << BITS) - 1;

/// The bytes that all registers take.
pub(super) const LEN: usize = REGISTERS * BITS / 8;

const _: () = assert!(size_of::<Histogram>() / size_of::<u32>() > MASK as usize);

/// The values of all registers; four lie in three bytes.
pub(super) fn read(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let (triples, _) = bytes.as_chunks::<3>();
    triples
        .iter()
        .flat_map(|[a, b, c]| [a & MASK, (a >> 6 | b << 2) & MASK, (b >> 4 | c << 4) & MASK, c >> 2])
}

/// Writes all registers.
pub(super) fn write(bytes: &mut [u8], values: &[u8]) {
    let (triples, _) = bytes.as_chunks_mut::<3>();
    let (quads, _) = values.as_chunks::<4>();
    for (triple, [a, b, c, d]) in triples.iter_mut().zip(quads) {
        *triple = [a | b << 6, b >> 2 | c << 4, c >> 4 | d << 2];
    }
}

/// Raises a register if it is lower; whether it was.
pub(super) fn raise(bytes: &mut [u8], register: Register) -> bool {
    let (at, shift) = (register.index * BITS / 8, register.index * BITS % 8);
    // A register lies in two bytes at most; the last one in one.
    let pair = u16::from_le_bytes([bytes[at], bytes.get(at + 1).copied().unwrap_or(0)]);
    let mask = u16::from(MASK) << shift;
    let is_lower = (pair & mask) >> shift < u16::from(register.value);
    if is_lower {
        let [low, high] = (pair & !mask | u16::from(register.value & MASK) << shift).to_le_bytes();
        bytes[at] = low;
        if let Some(byte) = bytes.get_mut(at + 1) {
            *byte = high;
        }
    }
    is_lower
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use picket_sansio::Prng;

    use super::*;

    #[test]
    fn registers_do_not_touch_each_other() {
        let mut prng = Prng::new(1);
        let values: Vec<u8> = (0..REGISTERS).map(|_| prng.below(64) as u8).collect();
        let (mut whole, mut single) = (vec![0; LEN], vec![0; LEN]);
        write(&mut whole, &values);
        for (index, value) in values.iter().enumerate().rev() {
            assert_eq!(raise(&mut single, Register { index, value: *value }), *value > 0);
            assert!(!raise(&mut single, Register { index, value: *value }));
        }
        assert_eq!(whole, single);
        assert!(read(&whole).eq(values));
    }
}
