//! From names to positions: a hash table of numbers that grows piece by piece.
//!
//! A single table of millions of positions would stop the node for seconds when it doubles, since every name has
//! to be hashed again. This one is extendible hashing: a directory leads from some bits of the hash to one of many
//! small tables, and a table that is full is parted in two. The longest step moves [`TABLE_LEN_MAX`] positions.
//!
//! The names themselves lie elsewhere, so whoever calls brings a way to compare them and to hash them again.

use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

/// The key of the hash function; the same for all tables of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HashKey(u64);

impl HashKey {
    /// A key from a word of chance.
    pub(crate) fn new(chance: u64) -> Self {
        Self(chance)
    }

    /// Without the length of the name, which is the same at all word sizes.
    pub(crate) fn hash(self, name: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.0, !self.0).hash(name)
    }
}

/// How many positions a table holds before it is parted: what fits into 2048 places.
const TABLE_LEN_MAX: usize = 1792;

/// What one position takes, with its share of places that are free.
pub(crate) const INDEX_BYTES: u64 = 8;

/// Positions by hash.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// Which table each value of the lowest `depth` bits means.
    directory: Vec<u32>,
    depth: u32,
    tables: Vec<Table>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    positions: HashTable<u32>,
    /// How many bits of the hash all of its positions share.
    depth: u32,
}

/// The bits that choose a table; `hashbrown` chooses the place by the lowest ones and marks it with the highest.
fn directory_bits(hash: u64) -> u64 {
    hash >> 28
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { directory: vec![0], depth: 0, tables: vec![Table::default()] }
    }

    fn table_of(&self, hash: u64) -> usize {
        let mask = (1 << self.depth) - 1;
        let at = usize::try_from(directory_bits(hash) & mask).unwrap_or(0);
        self.directory[at] as usize
    }

    /// The position of that hash for which `is_it` holds.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let found = self.tables[self.table_of(hash)].positions.find(hash, |at| is_it(*at as usize));
        found.map(|at| *at as usize)
    }

    /// Adds a position; `hash_of` hashes those that are there again.
    pub(crate) fn insert(&mut self, hash: u64, position: usize, hash_of: impl Fn(usize) -> u64) {
        let position = u32::try_from(position)
            .expect("2^32 entries take at least 128 GiB in one table, and are more than one is made for");
        loop {
            let at = self.table_of(hash);
            let table = &mut self.tables[at];
            // So many equal bits have only hashes that are equal altogether.
            if table.positions.len() < TABLE_LEN_MAX || table.depth >= 24 {
                table.positions.insert_unique(hash, position, |at| hash_of(*at as usize));
                return;
            }
            self.part(at, &hash_of);
        }
    }

    /// Removes a position.
    pub(crate) fn remove(&mut self, hash: u64, position: usize, hash_of: impl Fn(usize) -> u64) {
        let at = self.table_of(hash);
        let positions = &mut self.tables[at].positions;
        if let Ok(found) = positions.find_entry(hash, |at| *at as usize == position) {
            found.remove();
        }
        if positions.capacity() > 64 && positions.len() * 8 < positions.capacity() {
            positions.shrink_to(positions.len() * 2, |at| hash_of(*at as usize));
        }
    }

    /// Gives what is at one position another.
    pub(crate) fn relocate(&mut self, hash: u64, from: usize, to: usize) {
        let at = self.table_of(hash);
        let to = u32::try_from(to).expect("it is below a position that was there");
        if let Some(found) = self.tables[at].positions.find_mut(hash, |at| *at as usize == from) {
            *found = to;
        }
    }

    /// Parts a table by the next bit of the hashes.
    fn part(&mut self, at: usize, hash_of: &impl Fn(usize) -> u64) {
        let depth = self.tables[at].depth;
        if depth == self.depth {
            self.directory.extend_from_within(..);
            self.depth += 1;
        }
        let full = core::mem::take(&mut self.tables[at].positions);
        let mut halves = [HashTable::with_capacity(TABLE_LEN_MAX), HashTable::with_capacity(TABLE_LEN_MAX)];
        let mut bits = 0;
        for position in full {
            let hash = hash_of(position as usize);
            bits = directory_bits(hash);
            let half = usize::from(bits >> depth & 1 == 1);
            halves[half].insert_unique(hash, position, |at| hash_of(*at as usize));
        }
        let [low, high] = halves;
        self.tables[at] = Table { positions: low, depth: depth + 1 };
        let new = self.tables.len();
        self.tables.push(Table { positions: high, depth: depth + 1 });
        // All places of the directory that share the bits and have the new one.
        let first = bits & ((1 << depth) - 1) | 1 << depth;
        let step = 1_usize << (depth + 1);
        let new = u32::try_from(new).expect("there are fewer tables than positions");
        for place in self.directory.iter_mut().skip(usize::try_from(first).unwrap_or(0)).step_by(step) {
            *place = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn every_position_is_found_whatever_is_parted() {
        let key = HashKey::new(1);
        let hash = |at: usize| key.hash(format!("name {at}").as_bytes());
        let mut index = Index::new();
        const LEN: usize = 30_000;
        for at in 0..LEN {
            index.insert(hash(at), at, hash);
        }
        assert!(index.tables.len() > 16, "{}", index.tables.len());
        assert!(index.tables.iter().all(|table| table.positions.len() <= TABLE_LEN_MAX));
        for at in 0..LEN {
            assert_eq!(index.find(hash(at), |found| found == at), Some(at));
        }
        for at in (0..LEN).filter(|at| at % 16 > 0) {
            index.remove(hash(at), at, hash);
        }
        for at in 0..LEN {
            assert_eq!(index.find(hash(at), |found| found == at), (at % 16 == 0).then_some(at));
        }
        assert!(index.tables.iter().all(|table| table.positions.capacity() < TABLE_LEN_MAX));
        index.relocate(hash(16), 16, 1);
        assert_eq!(index.find(hash(16), |found| found == 1), Some(1));
    }
}
