//! Hashes: values by field.

use core::ops::Range;

use bytes::Bytes;

use crate::dict::{Dict, HashKey, Order};
use crate::settings::Settings;

/// A hash value.
#[derive(Clone, Debug)]
pub struct Hash {
    fields: Dict<Bytes>,
    is_packed: bool,
}

impl Hash {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { fields: Dict::new(hash_key), is_packed: true }
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<&Bytes> {
        self.fields.get(field)
    }

    /// The field at a position below [`Hash::len`], with its value.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(&Bytes, &Bytes)> {
        self.fields.at(position)
    }

    /// All fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.fields.iter()
    }

    /// Sets a field; true if it is new.
    pub(crate) fn insert(&mut self, field: &[u8], value: &[u8], settings: &Settings) -> bool {
        let is_new = self.fields.insert(field, Bytes::copy_from_slice(value)).is_none();
        self.is_packed &= field.len().max(value.len()) as u64 <= settings.hash_max_listpack_value
            && self.len() as u64 <= settings.hash_max_listpack_entries;
        is_new
    }

    /// Removes a field; false if it was not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        let order = if self.is_packed { Order::Keep } else { Order::Free };
        self.fields.remove(field, order).is_some()
    }

    /// The positions that a step of HSCAN looks at, and the next cursor.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        if self.is_packed { (0..self.len(), 0) } else { self.fields.scan_step(cursor, count) }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        if self.is_packed { "listpack" } else { "hashtable" }
    }
}

/// Equal when the fields have the same values.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn the_encoding_follows_the_fields() {
        let settings = Settings::default();
        let mut hash = Hash::new(HashKey::default());
        for number in 0..512 {
            assert!(hash.insert(format!("f{number}").as_bytes(), b"v", &settings));
        }
        assert!(!hash.insert(b"f1", &[b'x'; 64], &settings));
        assert_eq!(hash.encoding(), "listpack");
        let mut long = hash.clone();
        long.insert(b"f1", &[b'x'; 65], &settings);
        assert_eq!(long.encoding(), "hashtable");
        hash.insert(b"one more", b"", &settings);
        assert_eq!(hash.encoding(), "hashtable");
        hash.remove(b"one more");
        assert_eq!(hash.encoding(), "hashtable");
    }
}
