//! A list that only grows and whose copies share what they have in common: a checkpoint of a long run is cheap.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Items of one shared piece.
const PIECE_LEN: usize = 256;

/// A list that only grows. A clone copies at most [`PIECE_LEN`] items.
#[derive(Clone, Debug)]
pub(crate) struct Log<T> {
    sealed: Vec<Arc<[T]>>,
    open: Vec<T>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { sealed: Vec::new(), open: Vec::new() }
    }
}

impl<T: Clone> Log<T> {
    pub(crate) fn push(&mut self, item: T) {
        self.open.push(item);
        if self.open.len() == PIECE_LEN {
            self.sealed.push(Arc::from(core::mem::take(&mut self.open)));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sealed.len() * PIECE_LEN + self.open.len()
    }

    /// The items from place `from` on, the oldest first.
    pub(crate) fn iter_from(&self, from: usize) -> impl DoubleEndedIterator<Item = &T> {
        let piece = (from / PIECE_LEN).min(self.sealed.len());
        let (sealed, open) = (&self.sealed[piece..], &self.open);
        // Of the first piece, or of the open one if there is no other, some are skipped.
        let skip = from - piece * PIECE_LEN;
        let (skip_sealed, skip_open) = if sealed.is_empty() { (0, skip) } else { (skip, 0) };
        let first = sealed.first().map_or(&[][..], |piece| &piece[skip_sealed..]);
        let others = sealed.get(1..).unwrap_or_default();
        first
            .iter()
            .chain(others.iter().flat_map(|piece| piece.iter()))
            .chain(&open[skip_open.min(open.len())..])
    }

    /// The place of the first item that does not fulfil what all items before it do.
    pub(crate) fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let piece = self.sealed.partition_point(|piece| piece.last().is_some_and(&is_before));
        let items = self.sealed.get(piece).map_or(&self.open[..], |piece| &piece[..]);
        piece * PIECE_LEN + items.partition_point(is_before)
    }
}

impl<T: PartialEq> PartialEq for Log<T> {
    fn eq(&self, other: &Self) -> bool {
        self.sealed == other.sealed && self.open == other.open
    }
}

impl<T: Eq> Eq for Log<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_whatever_the_length() {
        for len in [0, 1, 255, 256, 257, 512, 700] {
            let mut log = Log::default();
            (0..len).for_each(|item| log.push(item));
            assert_eq!(log.len(), len);
            for from in [0, 1, 255, 256, 257, 511, 512, 699, 700] {
                if from <= len {
                    assert!(log.iter_from(from).copied().eq(from..len), "{len} from {from}");
                    assert!(log.iter_from(from).rev().copied().eq((from..len).rev()), "{len} from {from}");
                }
                assert_eq!(log.partition_point(|item| *item < from), from.min(len), "{len} before {from}");
            }
        }
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let mut log = Log::default();
        (0..300).for_each(|item| log.push(item));
        let mut copy = log.clone();
        log.push(1);
        copy.push(2);
        assert_ne!(log, copy);
        assert_eq!((log.iter_from(300).last(), copy.iter_from(300).last()), (Some(&1), Some(&2)));
    }
}
