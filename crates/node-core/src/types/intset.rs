//! Sorted integers in as few bytes each as the widest of them needs (`intset.c`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::small_bytes::heap_len;

/// A set of integers.
#[derive(Clone, Debug)]
pub(super) struct IntSet {
    /// Sorted, each of `width` bytes.
    bytes: Box<[u8]>,
    /// 2, 4 or 8.
    width: u8,
}

impl Default for IntSet {
    fn default() -> Self {
        Self { bytes: Box::default(), width: 2 }
    }
}

impl IntSet {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / self.width()
    }

    fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// What it takes on the heap.
    pub(super) fn heap_len(&self) -> u64 {
        heap_len(self.bytes.len() as u64)
    }

    pub(super) fn get(&self, position: usize) -> Option<i64> {
        let start = position.checked_mul(self.width())?;
        Some(read(self.bytes.get(start..start + self.width())?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        self.bytes.chunks_exact(self.width()).map(read)
    }

    /// Where a value is, or where it belongs.
    pub(super) fn position(&self, value: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(found) if found < value => low = middle + 1,
                Some(found) if found == value => return Ok(middle),
                _ => high = middle,
            }
        }
        Err(low)
    }

    /// Adds a value; false if it was there.
    pub(super) fn insert(&mut self, value: i64) -> bool {
        let Err(at) = self.position(value) else {
            return false;
        };
        if width_of(value) > self.width {
            let width = usize::from(width_of(value));
            self.bytes = self.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect();
            self.width = width_of(value);
        }
        let (width, start) = (self.width(), at * self.width());
        let mut bytes = core::mem::take(&mut self.bytes).into_vec();
        let old = bytes.len();
        bytes.reserve_exact(width);
        bytes.resize(old + width, 0);
        bytes.copy_within(start..old, start + width);
        bytes[start..start + width].copy_from_slice(&value.to_le_bytes()[..width]);
        self.bytes = bytes.into();
        true
    }

    /// Removes a value; false if it was not there.
    pub(super) fn remove(&mut self, value: i64) -> bool {
        let found = self.position(value);
        if let Ok(at) = found {
            let width = self.width();
            let mut bytes: Vec<u8> = core::mem::take(&mut self.bytes).into_vec();
            bytes.drain(at * width..(at + 1) * width);
            self.bytes = bytes.into();
        }
        found.is_ok()
    }
}

fn width_of(value: i64) -> u8 {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

/// A number of any width, lowest byte first.
fn read(bytes: &[u8]) -> i64 {
    let sign = bytes.last().map_or(0, |last| if *last < 128 { 0 } else { 255 });
    let mut all = [sign; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(all)
}

#[cfg(test)]
mod tests {
    use picket_sansio::collections::BTreeSet;

    use super::*;
    use picket_sansio::Prng;

    #[test]
    fn it_behaves_as_a_sorted_set() {
        let mut prng = Prng::new(1);
        for bits in [8, 15, 16, 17, 31, 32, 33, 64] {
            let (mut ints, mut model) = (IntSet::default(), BTreeSet::new());
            for _ in 0..500 {
                let value = prng.next_u64().cast_signed() >> (64 - bits);
                if prng.below(3) > 0 {
                    assert_eq!(ints.insert(value), model.insert(value));
                } else {
                    assert_eq!(ints.remove(value), model.remove(&value));
                }
                assert!(ints.iter().eq(model.iter().copied()));
            }
            for value in [i64::MIN, i64::MAX, 0, -1] {
                ints.insert(value);
                model.insert(value);
                assert!(ints.iter().eq(model.iter().copied()));
            }
        }
    }
}
