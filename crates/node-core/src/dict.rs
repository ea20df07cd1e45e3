//! The hash table of everything: keys, members of sets, fields of hashes.
//!
//! Entries lie densely in order of insertion (`indexmap`), beside an index by keyed hash. So the order of hashes
//! reaches no output, a random entry is found in O(1), and the whole is the same on every target.
//!
//! Scanning goes from the last position to the first. Removing an entry moves only the last one, and only
//! downwards, so an entry that was there all the time is never passed over, whatever is added or removed
//! between two calls (what Redis's reverse binary cursors are for).

use core::hash::{BuildHasher, Hasher};

use bytes::Bytes;
use indexmap::{Equivalent, IndexMap};
use siphasher::sip::SipHasher13;

/// The key of the hash function; the same for all tables of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HashKey {
    low: u64,
    high: u64,
}

impl HashKey {
    /// A key from two words of chance.
    pub(crate) fn new(low: u64, high: u64) -> Self {
        Self { low, high }
    }
}

impl BuildHasher for HashKey {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.low, self.high)
    }
}

/// A name as it is looked up. Hashed without its length, which is the same at all word sizes.
struct Name<'a>(&'a [u8]);

/// A name as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnName(Bytes);

impl core::hash::Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

impl core::hash::Hash for OwnName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl Equivalent<OwnName> for Name<'_> {
    fn equivalent(&self, key: &OwnName) -> bool {
        self.0 == key.0
    }
}

/// Values by name.
#[derive(Clone, Debug, Default)]
pub struct Dict<V> {
    map: IndexMap<OwnName, V, HashKey>,
}

/// Whether removing an entry keeps the order of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In O(n), for what Redis keeps in a listpack, whose order clients see.
    Keep,
    /// In O(1).
    Free,
}

impl<V> Dict<V> {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { map: IndexMap::with_hasher(hash_key) }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.map.get(&Name(name))
    }

    pub(crate) fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        self.map.get_mut(&Name(name))
    }

    /// The name as it is kept, with its value.
    pub(crate) fn get_full(&self, name: &[u8]) -> Option<(&Bytes, &V)> {
        self.map.get_key_value(&Name(name)).map(|(name, value)| (&name.0, value))
    }

    /// Whether there is an entry of that name.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.map.contains_key(&Name(name))
    }

    /// Puts a value under that name and returns the one it replaces. A new name is copied, so that it does not
    /// hold on to the buffer that it was received in.
    pub(crate) fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        if let Some(old) = self.get_mut(name) {
            return Some(core::mem::replace(old, value));
        }
        self.map.insert(OwnName(Bytes::copy_from_slice(name)), value);
        None
    }

    pub(crate) fn remove(&mut self, name: &[u8], order: Order) -> Option<(Bytes, V)> {
        let removed = match order {
            Order::Keep => self.map.shift_remove_entry(&Name(name)),
            Order::Free => self.map.swap_remove_entry(&Name(name)),
        };
        removed.map(|(name, value)| (name.0, value))
    }

    /// The entry at a position below [`Dict::len`].
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(&Bytes, &V)> {
        self.map.get_index(position).map(|(name, value)| (&name.0, value))
    }

    /// All entries, in order of insertion as far as removals left it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, &V)> + ExactSizeIterator {
        self.map.iter().map(|(name, value)| (&name.0, value))
    }

    /// All names.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &Bytes> + ExactSizeIterator {
        self.map.keys().map(|name| &name.0)
    }

    pub(crate) fn clear(&mut self) {
        self.map.clear();
        self.map.shrink_to_fit();
    }

    /// The positions that a scan step of about `count` entries looks at, and the next cursor; 0 begins and ends.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (core::ops::Range<usize>, u64) {
        let len = self.len() as u64;
        let end = if cursor == 0 { len } else { cursor.min(len) };
        let start = end.saturating_sub(count.max(1));
        let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        (position(start)..position(end), start)
    }
}

/// Equal when the same names have the same values, in any order.
impl<V: PartialEq> PartialEq for Dict<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;

    use super::*;
    use picket_sansio::Prng;

    #[test]
    fn a_scan_returns_all_that_stays() {
        for seed in 0..50 {
            let mut prng = Prng::new(seed);
            let mut dict = Dict::new(HashKey::new(seed, 1));
            for number in 0..200 {
                dict.insert(format!("stay{number}").as_bytes(), ());
                dict.insert(format!("go{number}").as_bytes(), ());
            }
            let mut seen = BTreeSet::new();
            let mut cursor = 0;
            loop {
                let (range, next) = dict.scan_step(cursor, 7);
                seen.extend(range.filter_map(|at| dict.at(at).map(|(name, ())| name.clone())));
                cursor = next;
                if cursor == 0 {
                    break;
                }
                for _ in 0..10 {
                    let number = prng.below(400);
                    if prng.below(3) == 0 {
                        dict.insert(format!("go{number}").as_bytes(), ());
                    } else {
                        dict.remove(format!("go{number}").as_bytes(), Order::Free);
                    }
                }
            }
            assert_eq!(seen.iter().filter(|name| name.starts_with(b"stay")).count(), 200, "seed {seed}");
        }
    }

    #[test]
    fn the_hash_key_changes_no_order() {
        let dict = |key| {
            let mut dict = Dict::new(HashKey::new(key, key));
            for number in 0..100 {
                dict.insert(format!("{number}").as_bytes(), number);
            }
            dict.remove(b"50", Order::Free);
            dict
        };
        assert!(dict(1).iter().eq(dict(2).iter()));
    }
}
