//! The bytes received and not yet understood.
//!
//! Small records (lengths, ids, times) are read whole or not at all: what is incomplete stays where it is and
//! is read again from its start, which costs at most [`RECORD_MAX`] bytes. Strings are resumed where they stopped.
//! A string that lies within one received piece is not copied.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::checksum::Crc64;
use crate::decimal::Decimal;
use crate::error::{RdbErrorKind, Stop};
use crate::lzf;
use crate::record::{Form, Record};
use crate::string::RdbStr;

/// No record that is read as a whole is longer.
const RECORD_MAX: usize = 96;
/// A bridge over the cut between two pieces holds that many bytes, if there are as many.
const BRIDGE_LEN: usize = 2 * RECORD_MAX;

/// Where a string was put.
#[derive(Clone, Debug, Default)]
pub(crate) enum Slot {
    #[default]
    Empty,
    /// Within the current piece.
    Piece(Range<usize>),
    Owned(Vec<u8>),
    Int(i64),
}

impl Slot {
    /// Hands the string out; `piece` is the current piece.
    pub(crate) fn take<'a>(&mut self, piece: &'a [u8]) -> RdbStr<'a> {
        match core::mem::take(self) {
            Self::Empty => RdbStr::Borrowed(&[]),
            Self::Piece(range) => RdbStr::Borrowed(&piece[range]),
            Self::Owned(bytes) => RdbStr::Owned(bytes),
            Self::Int(value) => RdbStr::Int(value),
        }
    }

    fn bytes<'a>(&'a self, piece: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Empty | Self::Int(_) => &[],
            Self::Piece(range) => &piece[range.clone()],
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A string of which a part has arrived.
#[derive(Clone, Debug)]
enum Partial {
    Plain { len: usize },
    Lzf { decoder: lzf::Decoder, left: u64 },
    Skip { left: u64 },
}

#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// What is read now: a piece as it came, or a bridge over a cut that was in the way of a record.
    piece: Bytes,
    pos: usize,
    /// How many bytes of the bridge belong to the piece before the cut. The others are copies of bytes
    /// that are still in `later`.
    bridge: Option<usize>,
    later: VecDeque<Bytes>,
    /// Offset of the first byte of `piece`.
    base: u64,
    crc: Option<Crc64>,
    /// The bytes of `piece` before this are in the checksum.
    summed: usize,
    pub(crate) slots: [Slot; 2],
    partial: Option<Partial>,
    /// Where the bytes of that string begin.
    partial_at: u64,
    string_len_max: u64,
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods' own paths name one lifetime only"
)]
impl Input {
    pub(crate) fn new(string_len_max: u64, checksum: bool) -> Self {
        Self {
            piece: Bytes::new(),
            pos: 0,
            bridge: None,
            later: VecDeque::new(),
            base: 0,
            crc: checksum.then(Crc64::new),
            summed: 0,
            slots: [Slot::Empty, Slot::Empty],
            partial: None,
            partial_at: 0,
            string_len_max,
        }
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.later.push_back(bytes);
        }
    }

    /// Bytes understood so far.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Where a fault is: the same however the bytes were cut into pieces.
    pub(crate) fn fault_offset(&self) -> u64 {
        if self.partial.is_some() { self.partial_at } else { self.offset() }
    }

    /// Whether all bytes received are understood.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.leave_bridge();
        self.pos == self.piece.len() && self.later.is_empty()
    }

    /// The piece that [`Slot::Piece`] speaks of and the slots, to hand strings out.
    pub(crate) fn parts(&mut self) -> (&[u8], &mut [Slot; 2]) {
        (&self.piece, &mut self.slots)
    }

    /// The bytes of the string in `slot`.
    pub(crate) fn bytes(&self, slot: usize) -> &[u8] {
        self.slots[slot].bytes(&self.piece)
    }

    /// The checksum of everything understood so far, unless it is not wanted.
    pub(crate) fn checksum(&mut self) -> Option<u64> {
        let crc = self.crc.as_mut()?;
        crc.update(&self.piece[self.summed..self.pos]);
        self.summed = self.pos;
        Some(crc.value())
    }

    /// Everything that is left, in order.
    pub(crate) fn take_rest(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        self.leave_bridge();
        let first = self.piece.slice(self.pos..self.bridge.unwrap_or(self.piece.len()));
        self.piece.truncate(self.pos);
        self.bridge = None;
        let later = core::mem::take(&mut self.later);
        core::iter::once(first).chain(later).filter(|bytes| !bytes.is_empty())
    }

    /// Reads one record; `read` sees the bytes and must take at most [`RECORD_MAX`] of them.
    #[inline]
    pub(crate) fn record<T>(
        &mut self,
        read: impl FnOnce(&mut Record<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.leave_bridge();
        if self.piece.len() - self.pos < RECORD_MAX && !self.later.is_empty() {
            self.build_bridge();
        }
        let mut record = Record::new(&self.piece[self.pos..]);
        let value = read(&mut record)?;
        let len = record.len_read();
        assert!(len <= RECORD_MAX, "a record of {len} bytes is read as a whole");
        self.pos += len;
        Ok(value)
    }

    /// A length.
    pub(crate) fn len(&mut self) -> Result<u64, Stop> {
        self.record(|record| record.len())
    }

    /// `N` bytes.
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.record(|record| record.fixed())
    }

    /// Reads a string into `slot`. After [`Stop::More`] call again with the same slot.
    pub(crate) fn string(&mut self, slot: usize) -> Result<(), Stop> {
        if self.partial.is_none() {
            match self.record(|record| record.form())? {
                Form::Int(value) => {
                    self.slots[slot] = Slot::Int(value);
                    return Ok(());
                }
                Form::Plain(len) => {
                    let len = self.checked_len(len)?;
                    self.leave_bridge();
                    if self.piece.len() - self.pos >= len {
                        self.slots[slot] = Slot::Piece(self.pos..self.pos + len);
                        self.pos += len;
                        return Ok(());
                    }
                    self.slots[slot] = Slot::Owned(Vec::new());
                    self.partial_at = self.offset();
                    self.partial = Some(Partial::Plain { len });
                }
                Form::Lzf { compressed, len } => {
                    let len = self.checked_len(len)?;
                    let decoder = lzf::Decoder::new(compressed, len)?;
                    self.slots[slot] = Slot::Owned(Vec::new());
                    self.partial_at = self.offset();
                    self.partial = Some(Partial::Lzf { decoder, left: compressed });
                }
            }
        }
        self.resume_string(slot)
    }

    /// Reads a string into `slot` whose bytes are then at [`Input::bytes`], also if it is an integer.
    pub(crate) fn blob(&mut self, slot: usize) -> Result<(), Stop> {
        self.string(slot)?;
        if let Slot::Int(value) = self.slots[slot] {
            self.slots[slot] = Slot::Owned(Decimal::new(value).as_bytes().to_vec());
        }
        Ok(())
    }

    /// Passes over a string.
    pub(crate) fn skip_string(&mut self) -> Result<(), Stop> {
        if self.partial.is_none() {
            let left = match self.record(|record| record.form())? {
                Form::Int(_) => 0,
                Form::Plain(len) => len,
                Form::Lzf { compressed, .. } => compressed,
            };
            self.partial_at = self.offset();
            self.partial = Some(Partial::Skip { left });
        }
        self.resume_string(0)
    }

    fn checked_len(&self, len: u64) -> Result<usize, Stop> {
        let too_long = RdbErrorKind::StringTooLong { len, max: self.string_len_max };
        if len > self.string_len_max {
            return Err(too_long.into());
        }
        usize::try_from(len).map_err(|_| too_long.into())
    }

    fn resume_string(&mut self, slot: usize) -> Result<(), Stop> {
        loop {
            let piece = &self.piece[self.pos..];
            let taken = match self.partial.as_mut() {
                None => return Ok(()),
                Some(Partial::Plain { len }) => {
                    let Slot::Owned(bytes) = &mut self.slots[slot] else {
                        unreachable!("a plain string that is begun is put together in its slot");
                    };
                    let taken = piece.len().min(*len - bytes.len());
                    grow(bytes, taken, *len);
                    bytes.extend_from_slice(&piece[..taken]);
                    if bytes.len() == *len {
                        self.partial = None;
                    }
                    taken
                }
                Some(Partial::Lzf { decoder, left }) => {
                    let Slot::Owned(bytes) = &mut self.slots[slot] else {
                        unreachable!("a compressed string that is begun is put together in its slot");
                    };
                    let taken = (piece.len() as u64).min(*left);
                    *left -= taken;
                    // It is at most the length of the piece.
                    let taken = usize::try_from(taken).unwrap_or(piece.len());
                    decoder.decode(&piece[..taken], bytes)?;
                    if *left == 0 {
                        decoder.finish(bytes)?;
                        self.partial = None;
                    }
                    taken
                }
                Some(Partial::Skip { left }) => {
                    let taken = (piece.len() as u64).min(*left);
                    *left -= taken;
                    if *left == 0 {
                        self.partial = None;
                    }
                    usize::try_from(taken).unwrap_or(piece.len())
                }
            };
            self.pos += taken;
            if self.partial.is_some() && !self.next_piece() {
                return Err(Stop::More);
            }
        }
    }

    /// The current piece is used up: takes the next.
    fn next_piece(&mut self) -> bool {
        assert_eq!(self.pos, self.piece.len(), "a piece is left when it is used up");
        self.leave_bridge();
        if self.pos < self.piece.len() {
            return true;
        }
        let Some(next) = self.later.pop_front() else {
            return false;
        };
        self.replace_piece(next);
        true
    }

    /// Puts what is left before the cut and the bytes behind it into one piece.
    fn build_bridge(&mut self) {
        if self.pos == self.piece.len() && self.bridge.is_none() {
            self.next_piece();
            if self.piece.len() >= RECORD_MAX || self.later.is_empty() {
                return;
            }
        }
        let mut bridge = BytesMut::with_capacity(BRIDGE_LEN);
        bridge.extend_from_slice(&self.piece[self.pos..self.bridge.unwrap_or(self.piece.len())]);
        let before = bridge.len();
        for later in &self.later {
            let room = BRIDGE_LEN - bridge.len();
            bridge.extend_from_slice(&later[..later.len().min(room)]);
            if bridge.len() == BRIDGE_LEN {
                break;
            }
        }
        self.replace_piece(bridge.freeze());
        self.bridge = Some(before);
    }

    /// Once the cut is behind, goes on in the piece that came, where strings need not be copied.
    #[inline]
    fn leave_bridge(&mut self) {
        if self.bridge.is_some() {
            self.try_leave_bridge();
        }
    }

    fn try_leave_bridge(&mut self) {
        let Some(mut behind) = self.bridge.and_then(|before| self.pos.checked_sub(before)) else {
            return;
        };
        let mut next = Bytes::new();
        while let Some(mut later) = self.later.pop_front() {
            if behind < later.len() {
                later.advance(behind);
                next = later;
                break;
            }
            behind -= later.len();
        }
        self.replace_piece(next);
        self.bridge = None;
    }

    /// Goes on with `next`, which begins with the byte at `pos`.
    fn replace_piece(&mut self, next: Bytes) {
        for slot in &mut self.slots {
            if let Slot::Piece(range) = slot {
                *slot = Slot::Owned(self.piece[range.clone()].to_vec());
            }
        }
        if let Some(crc) = &mut self.crc {
            crc.update(&self.piece[self.summed..self.pos]);
        }
        self.summed = 0;
        self.base += self.pos as u64;
        self.pos = 0;
        self.piece = next;
    }
}

/// Makes room for `more` bytes in a string that will have `len`: never more than twice what arrived.
pub(crate) fn grow(bytes: &mut Vec<u8>, more: usize, len: usize) {
    let needed = bytes.len() + more;
    if bytes.capacity() < needed {
        let room = needed.max(bytes.len().saturating_mul(2)).min(len);
        bytes.reserve_exact(room - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(pieces: &[&[u8]]) -> Input {
        let mut input = Input::new(u64::MAX, true);
        pieces.iter().for_each(|piece| input.push(Bytes::copy_from_slice(piece)));
        input
    }

    #[test]
    fn no_more_is_set_aside_than_twice_what_arrived() {
        let announced = 1_u32 << 30;
        for header in [
            [b"\x80".as_slice(), &announced.to_be_bytes()].concat(),
            [b"\xc3\x80".as_slice(), &(1_u32 << 28).to_be_bytes(), b"\x80", &announced.to_be_bytes()]
                .concat(),
        ] {
            let mut input = input(&[&header]);
            for round in 0..2000_usize {
                assert_eq!(input.string(0), Err(Stop::More));
                let Slot::Owned(bytes) = &input.slots[0] else { panic!("{:?}", input.slots[0]) };
                assert!(bytes.capacity() <= 200 * round, "{} bytes after {round} rounds", bytes.capacity());
                // A hundred bytes; as compressed ones they are mostly literals.
                input.push(alloc::vec![31; 100].into());
            }
        }
    }

    #[test]
    fn a_string_that_came_in_pieces_takes_no_more_than_its_length() {
        let text = [7; 1000];
        let mut input = input(&[b"\x43\xe8", &text[..1], &text[1..600], &text[600..]]);
        assert_eq!(input.string(0), Ok(()));
        let Slot::Owned(bytes) = &input.slots[0] else { panic!("{:?}", input.slots[0]) };
        assert!(bytes == &text && bytes.capacity() == text.len());
    }

    #[test]
    fn behind_a_cut_strings_are_borrowed_again() {
        let strings: Vec<u8> = b"\x03abc".repeat(200);
        let mut input = input(&[&strings[..302], &strings[302..]]);
        let mut copied = 0;
        for _ in 0..200 {
            assert_eq!(input.string(0), Ok(()));
            copied += usize::from(matches!(input.slots[0], Slot::Owned(_)));
            assert_eq!(input.bytes(0), b"abc");
        }
        assert_eq!((copied, input.is_empty(), input.bridge), (0, true, None));
        // The string over the cut ends at 304.
        assert_eq!(input.piece.len(), strings.len() - 304, "the second piece is read in place");
        assert_eq!(input.offset(), strings.len() as u64);
        assert_eq!(input.checksum(), Some(crate::checksum::crc64(&strings)));
    }

    #[test]
    fn a_string_survives_the_piece_it_came_in() {
        let mut input = input(&[b"\x03abc\x05de", b"fgh\x01i"]);
        assert_eq!((input.string(0), input.string(1)), (Ok(()), Ok(())));
        assert_eq!((input.bytes(0), input.bytes(1)), (b"abc".as_slice(), b"defgh".as_slice()));
        assert_eq!((input.string(0), input.len()), (Ok(()), Err(Stop::More)));
        assert_eq!((input.bytes(0), input.bytes(1)), (b"i".as_slice(), b"defgh".as_slice()));
    }
}
