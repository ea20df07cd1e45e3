//! The registers as runs of equal ones: `00xxxxxx` for up to 64 zeros, `01xxxxxx xxxxxxxx` for up to 16384, and
//! `1vvvvvxx` for up to four of the values 1 to 32.

use alloc::vec::Vec;

use super::Corrupt;
use super::hash::Register;

const VALUE_MAX: u8 = 32;
const VALUES_LEN_MAX: usize = 4;
const ZEROS_LEN_MAX: usize = 64;
const LONG_ZEROS: u8 = 0x40;
const VALUES: u8 = 0x80;

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// So many zeros, in one byte.
    Zeros(usize),
    /// The same in two bytes, whose number they may be too small for.
    LongZeros(usize),
    /// A value, so many times.
    Values(u8, usize),
}

impl Opcode {
    /// The first of some bytes. Behind a run that is cut off Redis reads the zero that ends its strings.
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let len = usize::from(first & 63);
        Some(if first & VALUES != 0 {
            Self::Values((first >> 2 & 31) + 1, usize::from(first & 3) + 1)
        } else if first & LONG_ZEROS == 0 {
            Self::Zeros(len + 1)
        } else {
            let second = bytes.get(1).copied().unwrap_or(0);
            Self::LongZeros((len << 8 | usize::from(second)) + 1)
        })
    }

    /// Appends it; many zeros in their long form.
    pub(super) fn write(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Zeros(len) if len <= ZEROS_LEN_MAX => bytes.push(byte(len - 1)),
            Self::Zeros(len) | Self::LongZeros(len) => {
                bytes.extend([LONG_ZEROS | byte((len - 1) >> 8), byte((len - 1) & 0xff)]);
            }
            Self::Values(value, len) => bytes.push(VALUES | (value - 1) << 2 | byte(len - 1)),
        }
    }

    /// The bytes that it takes.
    fn size(self) -> usize {
        if matches!(self, Self::LongZeros(_)) { 2 } else { 1 }
    }

    /// The value and how many registers have it.
    pub(crate) fn run(self) -> (u8, usize) {
        match self {
            Self::Zeros(len) | Self::LongZeros(len) => (0, len),
            Self::Values(value, len) => (value, len),
        }
    }
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).expect("runs are no longer than their form allows")
}

/// All runs; the last may be cut off.
pub(crate) fn opcodes(mut bytes: &[u8]) -> impl Iterator<Item = Opcode> {
    core::iter::from_fn(move || {
        let opcode = Opcode::read(bytes)?;
        bytes = bytes.get(opcode.size()..).unwrap_or_default();
        Some(opcode)
    })
}

/// What became of a request to raise a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was not lower.
    No,
    Yes,
    /// The value is too high or the bytes would be too many.
    DoesNotFit,
}

/// Raises a register if it is lower. The runs begin at `start`; all bytes together may be `len_max`.
///
/// Which runs are split and which are joined is as in Redis, and so are the bytes.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    start: usize,
    register: Register,
    len_max: u64,
) -> Result<Raised, Corrupt> {
    if register.value > VALUE_MAX {
        return Ok(Raised::DoesNotFit);
    }
    let place = Place::find(&bytes[start..], register.index)?;
    let (old, len) = place.opcode.run();
    if old >= register.value {
        return Ok(Raised::No);
    }
    let run = |len: usize| if old == 0 { Opcode::Zeros(len) } else { Opcode::Values(old, len) };
    let before = register.index - place.first;
    let behind = len - 1 - before;
    let mut replacement = Vec::with_capacity(5);
    if before > 0 {
        run(before).write(&mut replacement);
    }
    Opcode::Values(register.value, 1).write(&mut replacement);
    if behind > 0 {
        run(behind).write(&mut replacement);
    }
    let size = place.opcode.size();
    let new_len = (bytes.len() - size + replacement.len()) as u64;
    if replacement.len() > size && new_len > len_max {
        return Ok(Raised::DoesNotFit);
    }
    let at = start + place.at;
    bytes.splice(at..at + size, replacement);
    join(bytes, start + place.before.unwrap_or(0));
    Ok(Raised::Yes)
}

/// Where a register is.
struct Place {
    /// Where the run stands, and the one before it.
    at: usize,
    before: Option<usize>,
    opcode: Opcode,
    /// The first register of the run.
    first: usize,
}

impl Place {
    fn find(bytes: &[u8], index: usize) -> Result<Self, Corrupt> {
        let (mut at, mut before, mut first) = (0, None, 0);
        for opcode in opcodes(bytes) {
            let (_, len) = opcode.run();
            let is_whole = at + opcode.size() <= bytes.len();
            if index < first + len && is_whole {
                return Ok(Self { at, before, opcode, first });
            }
            before = Some(at);
            at += opcode.size();
            first += len;
        }
        Err(Corrupt)
    }
}

/// Joins runs of the same value among those that may have changed.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    // The run before, up to three new ones and the one behind.
    for _ in 0..5 {
        let Some(opcode) = bytes.get(at..).and_then(Opcode::read) else {
            return;
        };
        let next = at + opcode.size();
        let following = bytes.get(next..).and_then(Opcode::read);
        if let (Opcode::Values(value, len), Some(Opcode::Values(same, more))) = (opcode, following)
            && value == same
            && len + more <= VALUES_LEN_MAX
        {
            let mut joined = Vec::with_capacity(1);
            Opcode::Values(value, len + more).write(&mut joined);
            bytes.splice(at..=next, joined);
        } else {
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::{format, vec};

    use super::*;
    use crate::hyperloglog::REGISTERS;

    /// As PFDEBUG DECODE shows it.
    fn text(bytes: &[u8]) -> String {
        let text = |opcode| match opcode {
            Opcode::Zeros(len) => format!("z:{len} "),
            Opcode::LongZeros(len) => format!("Z:{len} "),
            Opcode::Values(value, len) => format!("v:{value},{len} "),
        };
        opcodes(bytes).map(text).collect()
    }

    #[test]
    fn runs_are_split_and_joined() {
        let mut bytes = vec![];
        Opcode::Zeros(REGISTERS).write(&mut bytes);
        for (index, value, expected) in [
            (100, 3, "Z:100 v:3,1 Z:16283 "),
            (101, 3, "Z:100 v:3,2 Z:16282 "),
            (102, 3, "Z:100 v:3,3 Z:16281 "),
            (103, 3, "Z:100 v:3,4 Z:16280 "),
            (104, 3, "Z:100 v:3,4 v:3,1 Z:16279 "),
            (101, 5, "Z:100 v:3,1 v:5,1 v:3,3 Z:16279 "),
            (0, 1, "v:1,1 Z:99 v:3,1 v:5,1 v:3,3 Z:16279 "),
            (50, 1, "v:1,1 z:49 v:1,1 z:49 v:3,1 v:5,1 v:3,3 Z:16279 "),
            (16383, 32, "v:1,1 z:49 v:1,1 z:49 v:3,1 v:5,1 v:3,3 Z:16278 v:32,1 "),
        ] {
            let raised = raise(&mut bytes, 0, Register { index, value }, 3000);
            assert_eq!((raised, text(&bytes)), (Ok(Raised::Yes), expected.into()));
            assert_eq!(raise(&mut bytes, 0, Register { index, value: value - 1 }, 3000), Ok(Raised::No));
        }
        let len = bytes.len() as u64;
        assert_eq!(raise(&mut bytes, 0, Register { index: 9, value: 1 }, len), Ok(Raised::DoesNotFit));
        assert_eq!(raise(&mut bytes, 0, Register { index: 9, value: 33 }, 3000), Ok(Raised::DoesNotFit));
    }
}
