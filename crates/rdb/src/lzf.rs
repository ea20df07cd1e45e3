//! LZF, the compression of strings in an RDB.
//!
//! Own code: the crate `lzf` needs std, wants the whole input and allocates what the file announces. Here
//! the decoder takes any pieces and grows with what they give.

use alloc::vec::Vec;

use crate::error::RdbErrorKind;
use crate::input::grow;

/// Three bytes give at most this many times as many.
const RATIO_MAX: u64 = 88;
const LITERALS_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
const DISTANCE_MAX: usize = 8192;
const HASH_BITS_MAX: u32 = 13;
/// After this many bytes without a match, as a power of two, one more is skipped at each step.
const SKIP_SHIFT: u32 = 6;

/// What the next byte is.
#[derive(Clone, Copy, Debug)]
enum Next {
    Control,
    Literals { left: usize },
    Length { high: usize },
    Distance { high: usize, len: usize },
}

/// Decompresses one string from pieces.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    next: Next,
    len: usize,
}

impl Decoder {
    /// For a string of `len` bytes in `compressed` ones.
    pub(crate) fn new(compressed: u64, len: usize) -> Result<Self, RdbErrorKind> {
        if compressed == 0 || len == 0 || len as u64 > compressed.saturating_mul(RATIO_MAX) {
            return Err(RdbErrorKind::BadLzf);
        }
        Ok(Self { next: Next::Control, len })
    }

    /// Appends to `out` what `bytes` give.
    pub(crate) fn decode(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RdbErrorKind> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let (Next::Control, [control @ 0x20..=0xdf, low, rest @ ..]) = (self.next, bytes) {
                // A short match at once: most of what there is.
                let distance = (usize::from(control & 0x1f) << 8 | usize::from(*low)) + 1;
                let len = usize::from(control >> 5) + 2;
                self.room(out, len)?;
                copy_back(out, distance, len)?;
                bytes = rest;
                continue;
            }
            let byte = usize::from(byte);
            match self.next {
                Next::Literals { left } => {
                    let taken = left.min(bytes.len());
                    self.room(out, taken)?;
                    out.extend_from_slice(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    self.next = match left - taken {
                        0 => Next::Control,
                        left => Next::Literals { left },
                    };
                    continue;
                }
                Next::Control if byte < LITERALS_MAX => self.next = Next::Literals { left: byte + 1 },
                Next::Control => {
                    let high = (byte & 0x1f) << 8;
                    self.next = match byte >> 5 {
                        7 => Next::Length { high },
                        len => Next::Distance { high, len: len + 2 },
                    };
                }
                Next::Length { high } => self.next = Next::Distance { high, len: byte + 9 },
                Next::Distance { high, len } => {
                    self.room(out, len)?;
                    copy_back(out, (high | byte) + 1, len)?;
                    self.next = Next::Control;
                }
            }
            bytes = rest;
        }
        Ok(())
    }

    /// All compressed bytes were decoded: is `out` the announced string?
    pub(crate) fn finish(&self, out: &[u8]) -> Result<(), RdbErrorKind> {
        match self.next {
            Next::Control if out.len() == self.len => Ok(()),
            _ => Err(RdbErrorKind::BadLzf),
        }
    }

    fn room(&self, out: &mut Vec<u8>, more: usize) -> Result<(), RdbErrorKind> {
        if more > self.len - out.len() {
            return Err(RdbErrorKind::BadLzf);
        }
        grow(out, more, self.len);
        Ok(())
    }
}

/// Appends `len` bytes from `distance` back; they may overlap what is appended.
fn copy_back(out: &mut Vec<u8>, distance: usize, len: usize) -> Result<(), RdbErrorKind> {
    let start = out.len().checked_sub(distance).ok_or(RdbErrorKind::BadLzf)?;
    if len <= distance {
        out.extend_from_within(start..start + len);
        return Ok(());
    }
    let mut left = len;
    while left > 0 {
        // Each round doubles the pattern that repeats.
        let taken = left.min(out.len() - start);
        out.extend_from_within(start..start + taken);
        left -= taken;
    }
    Ok(())
}

/// Appends `data` compressed to `out` if that saves at least four bytes, as Redis's writer wants; says whether.
pub(crate) fn compress(data: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(len_max) = data.len().checked_sub(4) else {
        return false;
    };
    let Ok(data_len) = u32::try_from(data.len()) else {
        return false;
    };
    let begin = out.len();
    // A short string must not pay for clearing a table for a long one.
    let bits = (u32::BITS - data_len.leading_zeros()).clamp(6, HASH_BITS_MAX);
    let mut table = alloc::vec![0_u32; 1 << bits];
    let mut at = 0;
    let mut literals = 0;
    // A match needs three bytes to be hashed.
    while let Some(three) = data.get(at..at + MATCH_MIN) {
        // Positions are kept plus one: zero is none. They fit, as the length does.
        let position = u32::try_from(at + 1).unwrap_or(0);
        let earlier = core::mem::replace(&mut table[hash(three, bits)], position) as usize;
        let from = earlier
            .checked_sub(1)
            .filter(|from| at - from <= DISTANCE_MAX && data[*from..from + MATCH_MIN] == *three);
        let Some(from) = from else {
            // Where nothing repeats, look less and less closely.
            at += 1 + ((at - literals) >> SKIP_SHIFT);
            continue;
        };
        let matched = match_len(data, from, at);
        put_literals(&data[literals..at], out);
        put_match(at - from, matched, out);
        if out.len() - begin > len_max {
            break;
        }
        let end = at + matched;
        // The last two positions of a match are worth finding again.
        for seen in (end - 2).max(at + 1)..end {
            if let Some(three) = data.get(seen..seen + MATCH_MIN) {
                table[hash(three, bits)] = u32::try_from(seen + 1).unwrap_or(0);
            }
        }
        at = end;
        literals = end;
    }
    put_literals(&data[literals..], out);
    if out.len() - begin > len_max {
        out.truncate(begin);
        return false;
    }
    true
}

fn hash(bytes: &[u8], bits: u32) -> usize {
    let value = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    (value.wrapping_mul(0x9e37_79b1) >> (u32::BITS - bits)) as usize
}

/// How many bytes at `from` and at `at`, which is behind it, are the same.
fn match_len(data: &[u8], from: usize, at: usize) -> usize {
    let max = MATCH_MAX.min(data.len() - at);
    let (earlier, later) = (&data[from..from + max], &data[at..at + max]);
    let mut len = 0;
    while let (Some(a), Some(b)) = (earlier[len..].first_chunk(), later[len..].first_chunk()) {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return len + (differ.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    len + earlier[len..].iter().zip(&later[len..]).take_while(|(a, b)| a == b).count()
}

fn put_literals(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(LITERALS_MAX) {
        out.push(u8::try_from(run.len() - 1).unwrap_or(0));
        out.extend_from_slice(run);
    }
}

fn put_match(distance: usize, len: usize, out: &mut Vec<u8>) {
    let distance = u16::try_from(distance - 1).unwrap_or(0).to_be_bytes();
    match u8::try_from(len - 2) {
        Ok(short @ 0..=6) => out.push(short << 5 | distance[0]),
        // At most MATCH_MAX, which is what the byte behind can say.
        _ => out.extend_from_slice(&[7 << 5 | distance[0], u8::try_from(len - 9).unwrap_or(u8::MAX)]),
    }
    out.push(distance[1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]], len: usize) -> Result<Vec<u8>, RdbErrorKind> {
        let compressed: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut decoder = Decoder::new(compressed as u64, len)?;
        let mut out = Vec::new();
        for piece in pieces {
            decoder.decode(piece, &mut out)?;
        }
        decoder.finish(&out)?;
        Ok(out)
    }

    #[test]
    fn what_is_compressed_comes_back_from_any_pieces() {
        let mut samples = alloc::vec![
            alloc::vec![b'a'; 21],
            alloc::vec![0; 100_000],
            b"abcabcabcabcabcabcabcabcabcabcabcabcabc".to_vec()
        ];
        let mut mixed = Vec::new();
        for step in 0..20_000_u32 {
            mixed.extend_from_slice(&(step % 97).wrapping_mul(step / 5).to_le_bytes());
        }
        samples.push(mixed);
        for data in &samples {
            let mut out = alloc::vec![9];
            assert!(compress(data, &mut out), "{} bytes", data.len());
            let compressed = &out[1..];
            assert!(compressed.len() + 4 <= data.len());
            assert!(decode(&[compressed], data.len()).as_ref() == Ok(data), "{} bytes", data.len());
            let pieces: Vec<_> = compressed.chunks(1).collect();
            assert!(decode(&pieces, data.len()).as_ref() == Ok(data), "{} bytes", data.len());
        }
    }

    #[test]
    fn what_does_not_get_shorter_is_left_alone() {
        let data: Vec<u8> = (0..=255).collect();
        for len in 0..data.len() {
            let mut out = alloc::vec![1, 2];
            assert!(!compress(&data[..len], &mut out));
            assert_eq!(out, [1, 2]);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let bad = Err(RdbErrorKind::BadLzf);
        assert_eq!(decode(&[b"\x00a"], 1), Ok(b"a".to_vec()));
        assert_eq!(decode(&[b"\x00a"], 2), bad);
        assert_eq!(decode(&[b"\x01ab"], 1), bad);
        assert_eq!(decode(&[b"\x01a"], 1), bad);
        assert_eq!(decode(&[b"\x00a\x20\x01"], 4), bad, "before the beginning");
        assert_eq!(decode(&[b"\x00a\x20\x00"], 4), Ok(b"aaaa".to_vec()));
        assert_eq!(decode(&[b"\x00a\xe0\x00"], 4), bad, "cut");
        assert_eq!(decode(&[b""], 0), bad);
        assert_eq!(decode(&[b"\x00a\xe0\xff\x00"], 1 << 40), bad, "no three bytes give that much");
    }
}
