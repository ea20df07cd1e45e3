//! A list that only grows and whose copies share what they have in common: a checkpoint of a long run is cheap.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Items of one shared piece.
const PIECE_LEN: usize = 256;

/// A list that only grows, at its end; the oldest items may be forgotten. A clone copies at most [`PIECE_LEN`] items.
#[derive(Clone, Debug)]
pub(crate) struct Log<T> {
    /// How many pieces were forgotten.
    forgotten: usize,
    sealed: VecDeque<Arc<[T]>>,
    open: Vec<T>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { forgotten: 0, sealed: VecDeque::new(), open: Vec::new() }
    }
}

impl<T: Clone> Log<T> {
    pub(crate) fn push(&mut self, item: T) {
        if self.open.capacity() == 0 {
            self.open.reserve_exact(PIECE_LEN);
        }
        self.open.push(item);
        if self.open.len() == PIECE_LEN {
            self.sealed.push_back(Arc::from(core::mem::take(&mut self.open)));
        }
    }

    /// The same; of what was before, about the last `count` items are kept.
    pub(crate) fn push_recent(&mut self, item: T, count: usize) {
        self.push(item);
        if self.sealed.len() > count.div_ceil(PIECE_LEN) {
            self.sealed.pop_front();
            self.forgotten += 1;
        }
    }

    /// How many items there are, forgotten ones too.
    pub(crate) fn len(&self) -> usize {
        (self.forgotten + self.sealed.len()) * PIECE_LEN + self.open.len()
    }

    /// The items from place `from` on that are not forgotten, the oldest first.
    pub(crate) fn iter_from(&self, from: usize) -> impl DoubleEndedIterator<Item = &T> {
        let from = from.saturating_sub(self.forgotten * PIECE_LEN);
        let piece = (from / PIECE_LEN).min(self.sealed.len());
        let skip = from - piece * PIECE_LEN;
        // Of the first piece, or of the open one if there is no other, some are skipped.
        let skip_open = if piece == self.sealed.len() { skip.min(self.open.len()) } else { 0 };
        let first = self.sealed.get(piece).map_or(&[][..], |items| &items[skip..]);
        let others = self.sealed.range((piece + 1).min(self.sealed.len())..);
        first.iter().chain(others.flat_map(|items| items.iter())).chain(&self.open[skip_open..])
    }

    /// The place of the first item that does not fulfil what all items before it do.
    pub(crate) fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let piece = self.sealed.partition_point(|items| items.last().is_some_and(&is_before));
        let items = self.sealed.get(piece).map_or(&self.open[..], |items| &items[..]);
        (self.forgotten + piece) * PIECE_LEN + items.partition_point(is_before)
    }
}

impl<T: PartialEq> PartialEq for Log<T> {
    fn eq(&self, other: &Self) -> bool {
        self.forgotten == other.forgotten && self.sealed == other.sealed && self.open == other.open
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
    fn what_is_forgotten_keeps_its_place() {
        let mut log = Log::default();
        (0..2_000).for_each(|item| log.push_recent(item, 500));
        assert_eq!(log.len(), 2_000);
        let kept = log.iter_from(0).copied().collect::<Vec<_>>();
        assert!(
            (500..500 + 2 * PIECE_LEN).contains(&kept.len()) && kept.ends_with(&[1_998, 1_999]),
            "{kept:?}"
        );
        let first = kept[0];
        for from in [first, first + 1, 1_900, 1_999, 2_000] {
            assert!(log.iter_from(from).copied().eq(from..2_000), "from {from}");
            assert_eq!(log.partition_point(|item| *item < from), from);
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
