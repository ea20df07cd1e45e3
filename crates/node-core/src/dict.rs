//! The hash table of everything: keys, members of sets, fields of hashes.
//!
//! Entries lie densely in order of insertion, in [`Slots`], beside an [`Index`] by keyed hash. So the order of hashes reaches no
//! output, a random entry is found in O(1), and the whole is the same on every target.
//!
//! Scanning goes from the last position to the first. Removing an entry moves only the last one, and only
//! downwards, so an entry that was there all the time is never passed over, whatever is added or removed
//! between two calls (what Redis's reverse binary cursors are for).

use crate::index::{HashKey, INDEX_BYTES, Index};
use crate::slots::Slots;
use crate::small_bytes::SmallBytes;

/// That there is no entry of a name, which need not be hashed again to be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vacancy {
    hash: u64,
}

/// Values by name.
#[derive(Clone, Debug)]
pub struct Dict<V> {
    slots: Slots<(SmallBytes, V)>,
    index: Index,
    hash_key: HashKey,
    /// What the names take on the heap.
    names_bytes: u64,
}

impl<V: Clone> Dict<V> {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { slots: Slots::new(), index: Index::new(), hash_key, names_bytes: 0 }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Where the entry of that name is now; changes of the table move entries.
    #[must_use]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        self.look(name).ok()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.position(name).map(|at| &self.slots.at(at).1)
    }

    pub(crate) fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        self.position(name).map(|at| &mut self.slots.at_mut(at).1)
    }

    /// Whether there is an entry of that name.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.position(name).is_some()
    }

    /// Puts a value under that name and returns the one it replaces.
    pub(crate) fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        match self.look(name) {
            Ok(at) => Some(core::mem::replace(&mut self.slots.at_mut(at).1, value)),
            Err(vacancy) => {
                self.fill(vacancy, name, value);
                None
            }
        }
    }

    /// Adds an entry of a name that is not there, at the end.
    pub(crate) fn insert_new(&mut self, name: &[u8], value: V) {
        self.fill(self.vacancy(name), name, value);
    }

    /// For a name that is known not to be there.
    pub(crate) fn vacancy(&self, name: &[u8]) -> Vacancy {
        Vacancy { hash: self.hash_key.hash(name) }
    }

    /// Where the entry of that name is, or with what [`Dict::fill`] adds it.
    pub(crate) fn look(&self, name: &[u8]) -> Result<usize, Vacancy> {
        let vacancy = self.vacancy(name);
        self.index.find(vacancy.hash, |at| *self.slots.at(at).0 == *name).ok_or(vacancy)
    }

    /// Adds an entry of a name that was just looked for and is not there, at the end.
    pub(crate) fn fill(&mut self, Vacancy { hash }: Vacancy, name: &[u8], value: V) {
        let (key, position) = (self.hash_key, self.slots.len());
        let name = SmallBytes::of(name);
        self.names_bytes += name.heap_len();
        self.slots.push((name, value));
        self.index.insert(hash, position, |at| key.hash(&self.slots.at(at).0));
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<V> {
        let position = self.position(name)?;
        Some(self.remove_at(position).1)
    }

    /// Removes the entry at a position below [`Dict::len`], where the last one moves.
    pub(crate) fn remove_at(&mut self, position: usize) -> (SmallBytes, V) {
        let key = self.hash_key;
        let hash_at = |at: usize| key.hash(&self.slots.at(at).0);
        let last = self.slots.len() - 1;
        self.index.remove(hash_at(position), position, hash_at);
        if position < last {
            self.index.relocate(hash_at(last), last, position);
        }
        let removed = self.slots.swap_remove(position);
        self.names_bytes -= removed.0.heap_len();
        if self.slots.is_empty() {
            self.clear();
        }
        removed
    }

    /// The entry at a position below [`Dict::len`].
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(&[u8], &V)> {
        self.slots.get(position).map(|(name, value)| (&name[..], value))
    }

    pub(crate) fn at_mut(&mut self, position: usize) -> Option<(&[u8], &mut V)> {
        self.slots.get_mut(position).map(|(name, value)| (&name[..], value))
    }

    /// All entries, in order of insertion as far as removals left it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &V)> + ExactSizeIterator {
        self.slots.iter().map(|(name, value)| (&name[..], value))
    }

    /// All names.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.slots.iter().map(|(name, _)| &name[..])
    }

    pub(crate) fn hash_key(&self) -> HashKey {
        self.hash_key
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.hash_key);
    }

    /// What the table takes, with the names and without what its values hold: `value_bytes` is the size of one
    /// value in its place.
    pub(crate) fn bytes(&self, value_bytes: u64) -> u64 {
        self.names_bytes + self.slots.len() as u64 * Self::slot_bytes(&[], value_bytes)
    }

    /// The same for one entry of that name.
    pub(crate) fn slot_bytes(name: &[u8], value_bytes: u64) -> u64 {
        NAME_BYTES + value_bytes + INDEX_BYTES + SmallBytes::heap_len_of(name.len())
    }

    /// The positions that a scan step of about `count` entries looks at, and the next cursor; 0 begins and ends.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (core::ops::Range<usize>, u64) {
        scan_step(self.slots.len(), cursor, count)
    }
}

/// The step of a scan over `len` positions of which a removal moves the last one down.
pub(crate) fn scan_step(len: usize, cursor: u64, count: u64) -> (core::ops::Range<usize>, u64) {
    let len = len as u64;
    let end = if cursor == 0 { len } else { cursor.min(len) };
    let start = end.saturating_sub(count.max(1));
    let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    (position(start)..position(end), start)
}

/// What a name takes in its place: the same on every target.
const NAME_BYTES: u64 = 24;

/// Equal when the same names have the same values, in any order.
impl<V: Clone + PartialEq> PartialEq for Dict<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use picket_sansio::collections::BTreeSet;

    use super::*;
    use picket_sansio::Prng;

    #[test]
    fn a_scan_returns_all_that_stays() {
        for seed in 0..50 {
            let mut prng = Prng::new(seed);
            let mut dict = Dict::new(HashKey::new(seed));
            for number in 0..200 {
                dict.insert(format!("stay{number}").as_bytes(), ());
                dict.insert(format!("go{number}").as_bytes(), ());
            }
            let mut seen = BTreeSet::new();
            let mut cursor = 0;
            loop {
                let (range, next) = dict.scan_step(cursor, 7);
                seen.extend(range.filter_map(|at| dict.at(at).map(|(name, ())| name.to_vec())));
                cursor = next;
                if cursor == 0 {
                    break;
                }
                for _ in 0..10 {
                    let number = prng.below(400);
                    if prng.below(3) == 0 {
                        dict.insert(format!("go{number}").as_bytes(), ());
                    } else {
                        dict.remove(format!("go{number}").as_bytes());
                    }
                }
            }
            assert_eq!(seen.iter().filter(|name| name.starts_with(b"stay")).count(), 200, "seed {seed}");
        }
    }

    #[test]
    fn the_hash_key_changes_no_order() {
        let dict = |key| {
            let mut dict = Dict::new(HashKey::new(key));
            for number in 0..100 {
                dict.insert(format!("{number}").as_bytes(), number);
            }
            dict.remove(b"50");
            dict
        };
        assert!(dict(1).iter().eq(dict(2).iter()));
    }
}
