//! HyperLogLog: strings that estimate how many different elements they were given (`hyperloglog.c`).
//!
//! The bytes are those of Redis in both representations, since clients read them with GET and a replica applies
//! the same additions to its own copy: a header of 16 bytes (`HYLL`, the encoding, three unused bytes and the last
//! estimate, whose highest bit says that it is out of date), then 16384 registers of six bits, either all of them
//! or as runs of equal ones.

mod dense;
mod estimate;
mod hash;
mod sparse;

use alloc::vec;
use alloc::vec::Vec;

pub(crate) use hash::Register;
pub(crate) use sparse::{Opcode, opcodes};

/// How many registers there are.
pub(crate) const REGISTERS: usize = 1 << hash::INDEX_BITS;

const MAGIC: &[u8] = b"HYLL";
const HEADER_LEN: usize = 16;
const ENCODING_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
const OUTDATED: u8 = 0x80;

/// How the registers are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Dense,
    Sparse,
}

/// The runs of the sparse representation do not cover the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// One that has seen nothing.
pub(crate) fn empty() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[ENCODING_AT] = 1;
    Opcode::Zeros(REGISTERS).write(&mut bytes);
    bytes
}

/// The representation; none if the bytes are no HyperLogLog.
pub(crate) fn encoding(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < HEADER_LEN || !bytes.starts_with(MAGIC) {
        return None;
    }
    match bytes[ENCODING_AT] {
        0 if bytes.len() == HEADER_LEN + dense::LEN => Some(Encoding::Dense),
        1 => Some(Encoding::Sparse),
        _ => None,
    }
}

/// The last estimate if it still holds.
pub(crate) fn cached_estimate(bytes: &[u8]) -> Option<u64> {
    let field = bytes.get(ESTIMATE_AT..HEADER_LEN)?;
    let estimate = u64::from_le_bytes(field.try_into().ok()?);
    (field[7] & OUTDATED == 0).then_some(estimate)
}

/// Keeps an estimate.
pub(crate) fn cache_estimate(bytes: &mut [u8], estimate: u64) {
    bytes[ESTIMATE_AT..HEADER_LEN].copy_from_slice(&estimate.to_le_bytes());
}

/// Marks the last estimate as out of date.
pub(crate) fn outdate(bytes: &mut [u8]) {
    bytes[HEADER_LEN - 1] |= OUTDATED;
}

/// Raises a register if it is lower; whether it was. A sparse representation that would grow beyond
/// `sparse_len_max` becomes dense.
pub(crate) fn raise(bytes: &mut Vec<u8>, register: Register, sparse_len_max: u64) -> Result<bool, Corrupt> {
    if bytes[ENCODING_AT] == 0 {
        return Ok(dense::raise(&mut bytes[HEADER_LEN..], register));
    }
    match sparse::raise(bytes, HEADER_LEN, register, sparse_len_max)? {
        sparse::Raised::No => Ok(false),
        sparse::Raised::Yes => {
            outdate(bytes);
            Ok(true)
        }
        sparse::Raised::DoesNotFit => {
            make_dense(bytes)?;
            Ok(dense::raise(&mut bytes[HEADER_LEN..], register))
        }
    }
}

/// Turns to the dense representation.
pub(crate) fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupt> {
    if bytes[ENCODING_AT] == 0 {
        return Ok(());
    }
    let mut registers = Registers::new();
    registers.merge(bytes)?;
    let mut dense = vec![0; HEADER_LEN + dense::LEN];
    dense[..HEADER_LEN].copy_from_slice(&bytes[..HEADER_LEN]);
    dense[ENCODING_AT] = 0;
    dense::write(&mut dense[HEADER_LEN..], &registers.0);
    *bytes = dense;
    Ok(())
}

/// The runs of a sparse representation, for PFDEBUG.
pub(crate) fn body(bytes: &[u8]) -> &[u8] {
    &bytes[HEADER_LEN..]
}

/// How many different elements the registers speak of.
pub(crate) fn estimate(bytes: &[u8]) -> Result<u64, Corrupt> {
    let mut histogram = Histogram::default();
    if bytes[ENCODING_AT] == 0 {
        dense::read(body(bytes)).for_each(|value| histogram.add(value, 1));
    } else {
        let mut covered = 0;
        for opcode in opcodes(body(bytes)) {
            let (value, len) = opcode.run();
            histogram.add(value, len);
            covered += len;
        }
        if covered != REGISTERS {
            return Err(Corrupt);
        }
    }
    Ok(estimate::estimate(&histogram))
}

/// All registers, for unions.
pub(crate) struct Registers(Vec<u8>);

impl Registers {
    pub(crate) fn new() -> Self {
        Self(vec![0; REGISTERS])
    }

    /// Takes the higher ones of a HyperLogLog.
    pub(crate) fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        if bytes[ENCODING_AT] == 0 {
            for (register, value) in self.0.iter_mut().zip(dense::read(body(bytes))) {
                *register = value.max(*register);
            }
            return Ok(());
        }
        let mut at = 0;
        for opcode in opcodes(body(bytes)) {
            let (value, len) = opcode.run();
            if value > 0 {
                // As in Redis, what follows a run that goes beyond the last register is not looked at.
                let Some(run) = self.0.get_mut(at..at + len) else {
                    break;
                };
                run.iter_mut().for_each(|register| *register = value.max(*register));
            }
            at += len;
        }
        if at == REGISTERS { Ok(()) } else { Err(Corrupt) }
    }

    /// Those that are not zero.
    pub(crate) fn raised(&self) -> impl Iterator<Item = Register> {
        let registers = self.0.iter().enumerate();
        registers.filter(|(_, value)| **value > 0).map(|(index, value)| Register { index, value: *value })
    }

    /// Their values in order.
    pub(crate) fn values(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn estimate(&self) -> u64 {
        let mut histogram = Histogram::default();
        self.0.iter().for_each(|value| histogram.add(*value, 1));
        estimate::estimate(&histogram)
    }
}

/// How many registers have which value.
struct Histogram([u32; 64]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Histogram {
    fn add(&mut self, value: u8, len: usize) {
        // Six bits hold no more than 63, and runs are at most as long as there are registers.
        let slot = &mut self.0[usize::from(value & 63)];
        *slot = slot.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const SPARSE_LEN_MAX: u64 = 3000;

    #[test]
    fn both_representations_agree_at_every_size() {
        let (mut sparse, mut dense) = (empty(), empty());
        make_dense(&mut dense).expect("it is sound");
        let mut checkpoint = 1;
        for number in 1..=20_000_u64 {
            let register = Register::of(format!("element {number}").as_bytes());
            let raised = raise(&mut sparse, register, SPARSE_LEN_MAX);
            assert_eq!(raised, raise(&mut dense, register, SPARSE_LEN_MAX), "{number}");
            if number == checkpoint {
                assert_eq!(estimate(&sparse), estimate(&dense), "{number}");
                let off = estimate(&sparse).expect("it is sound").abs_diff(number);
                assert!(off * 100 <= number * 4, "{off} off at {number}");
                checkpoint = checkpoint * 3 / 2 + 1;
            }
            if number < 500 {
                assert_eq!(encoding(&sparse), Some(Encoding::Sparse), "{number}");
            }
        }
        assert_eq!(encoding(&sparse), Some(Encoding::Dense));
        assert_eq!(body(&sparse), body(&dense));
    }

    #[test]
    fn damage_is_noticed() {
        let mut bytes = empty();
        for number in 0..300 {
            raise(&mut bytes, Register::of(&[number as u8, 1]), SPARSE_LEN_MAX).expect("it is sound");
        }
        let mut longer = bytes.clone();
        longer.extend_from_slice(b"hello");
        assert_eq!(estimate(&longer), Err(Corrupt));
        for at in 0..bytes.len() {
            for with in [0, 0x40, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = with;
                if encoding(&damaged).is_none() {
                    continue;
                }
                // Whatever comes out, nothing panics.
                let _ = estimate(&damaged);
                let _ = Registers::new().merge(&damaged);
                let _ = raise(&mut damaged, Register { index: REGISTERS - 1, value: 50 }, SPARSE_LEN_MAX);
            }
        }
        assert_eq!(encoding(&bytes[..HEADER_LEN - 1]), None);
    }

    #[test]
    fn the_estimate_is_kept_until_a_register_is_raised() {
        let mut bytes = empty();
        assert_eq!(cached_estimate(&bytes), Some(0));
        assert_eq!(raise(&mut bytes, Register::of(b"a"), SPARSE_LEN_MAX), Ok(true));
        assert_eq!(cached_estimate(&bytes), None);
        cache_estimate(&mut bytes, 1);
        assert_eq!(raise(&mut bytes, Register::of(b"a"), SPARSE_LEN_MAX), Ok(false));
        assert_eq!(cached_estimate(&bytes), Some(1));
    }
}
