//! A long array in pieces: it grows without moving what it has, and copies of it share the pieces that they have in
//! common. So a node's data can be copied for a look back in time at the price of what has changed since.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Items of one piece; all pieces but the last are full.
const PIECE_LEN: usize = 128;

/// Items by position.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    pieces: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a position below [`Slots::len`].
    #[inline]
    pub(crate) fn at(&self, position: usize) -> &T {
        &self.pieces[position / PIECE_LEN][position % PIECE_LEN]
    }

    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        self.pieces.get(position / PIECE_LEN)?.get(position % PIECE_LEN)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        (0..self.len).map(|position| self.at(position))
    }
}

impl<T: Clone> Slots<T> {
    /// The item at a position below [`Slots::len`], to be changed.
    #[inline]
    pub(crate) fn at_mut(&mut self, position: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.pieces[position / PIECE_LEN])[position % PIECE_LEN]
    }

    pub(crate) fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        (position < self.len).then(|| self.at_mut(position))
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(PIECE_LEN) {
            // The first grows as it is filled: most tables are small.
            let capacity = if self.len == 0 { 0 } else { PIECE_LEN };
            self.pieces.push(Arc::new(Vec::with_capacity(capacity)));
        }
        let last = self.pieces.last_mut().expect("there is one since just now");
        Arc::make_mut(last).push(item);
        self.len += 1;
    }

    /// Takes the item at a position below [`Slots::len`] out; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, position: usize) -> T {
        let pieces = self.pieces.last_mut().map(Arc::make_mut);
        let last = pieces.and_then(Vec::pop).expect("the last piece is never empty");
        self.len -= 1;
        if self.len.is_multiple_of(PIECE_LEN) {
            self.pieces.pop();
        }
        if position == self.len { last } else { core::mem::replace(self.at_mut(position), last) }
    }
}

#[cfg(test)]
mod tests {
    use picket_sansio::Prng;

    use super::*;

    #[test]
    fn it_is_an_array() {
        let mut prng = Prng::new(1);
        let (mut slots, mut array) = (Slots::new(), Vec::new());
        for round in 0..20_000 {
            // Grows for a while, then shrinks.
            if array.is_empty() || prng.below(100) < if round < 10_000 { 55 } else { 40 } {
                slots.push(round);
                array.push(round);
            } else {
                let at = prng.below(array.len() as u64) as usize;
                *slots.at_mut(at) += 1;
                array[at] += 1;
                let at = prng.below(array.len() as u64) as usize;
                assert_eq!(slots.swap_remove(at), array.swap_remove(at));
            }
            assert_eq!((slots.len(), slots.get(array.len())), (array.len(), None));
        }
        assert!(slots.iter().eq(&array) && slots.iter().rev().eq(array.iter().rev()));
    }

    #[test]
    fn a_copy_goes_its_own_way_and_shares_the_rest() {
        let mut slots = Slots::new();
        (0..3 * PIECE_LEN).for_each(|item| slots.push(item));
        let mut copy = slots.clone();
        *copy.at_mut(0) = 7;
        copy.push(8);
        assert_eq!((*slots.at(0), slots.len()), (0, 3 * PIECE_LEN));
        assert_eq!((*copy.at(0), *copy.at(3 * PIECE_LEN)), (7, 8));
        let shared = |piece: usize| Arc::ptr_eq(&slots.pieces[piece], &copy.pieces[piece]);
        assert_eq!([shared(0), shared(1), shared(2)], [false, true, true]);
    }
}
