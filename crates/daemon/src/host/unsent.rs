//! Output that a socket has not taken yet: small answers gathered in one buffer, large pieces shared with whoever
//! else holds them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

/// Bytes in the order in which they go out.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// In front of `tail`.
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

/// A piece smaller than this is copied: sharing it would cost more.
const SHARE_BYTES: usize = 8 * 1024;
/// Pieces written with one call.
const GATHER_MAX: usize = 64;
/// An emptied buffer larger than this is given back.
const KEEP_BYTES: usize = 16 * 1024;

impl Unsent {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a copy.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends without copying, if that is worth it.
    pub(super) fn share(&mut self, bytes: Bytes) {
        if bytes.len() < SHARE_BYTES {
            return self.push(&bytes);
        }
        self.len += bytes.len();
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
        self.pieces.push_back(bytes);
    }

    /// Gives `write` and `gather` what is next until all is written or they fail.
    pub(super) fn write_with(
        &mut self,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
        mut gather: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while self.len > 0 {
            let written = if self.pieces.is_empty() {
                write(&self.tail)
            } else {
                let pieces = self.pieces.iter().map(Bytes::as_ref).chain([self.tail.as_ref()]);
                let slices: Vec<IoSlice<'_>> =
                    pieces.filter(|piece| !piece.is_empty()).take(GATHER_MAX).map(IoSlice::new).collect();
                gather(&slices)
            };
            match written {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.tail.capacity() > KEEP_BYTES {
            self.tail = BytesMut::new();
        }
        Ok(())
    }

    fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while let Some(first) = self.pieces.front_mut() {
            if first.len() > count {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.pieces.pop_front();
        }
        self.tail.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_copies_leave_in_order_however_they_are_cut() {
        let mut expected = Vec::new();
        let mut unsent = Unsent::default();
        for round in 0..5_u8 {
            unsent.push(&[round; 10]);
            expected.extend_from_slice(&[round; 10]);
            let large = vec![round | 0x80; SHARE_BYTES + usize::from(round)];
            expected.extend_from_slice(&large);
            unsent.share(large.into());
            unsent.share(Bytes::from_static(b"small"));
            expected.extend_from_slice(b"small");
        }
        let written = std::cell::RefCell::new(Vec::new());
        let limit = std::cell::Cell::new(1);
        let take = |slices: &[&[u8]]| {
            let all = slices.concat();
            let count = all.len().min(limit.replace(limit.get() * 7 % 9973 + 1));
            written.borrow_mut().extend_from_slice(&all[..count]);
            Ok(count)
        };
        let gather =
            |slices: &[IoSlice<'_>]| take(&slices.iter().map(|slice| &slice[..]).collect::<Vec<_>>());
        assert_eq!(unsent.len(), expected.len());
        unsent.write_with(|bytes| take(&[bytes]), gather).expect("no error");
        assert!(unsent.is_empty());
        assert_eq!(*written.borrow(), expected);
    }

    #[test]
    fn what_is_not_taken_stays() {
        let mut unsent = Unsent::default();
        unsent.push(b"abc");
        let full = |_: &[u8]| Err(io::ErrorKind::WouldBlock.into());
        assert!(unsent.write_with(full, |_| Ok(0)).is_err());
        assert_eq!(unsent.len(), 3);
    }
}
