//! When fields of a hash expire.

use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::small_bytes::heap_len;

/// The fields that expire, by name and in the order of their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FieldTtls {
    by_field: BTreeMap<Bytes, u64>,
    by_time: BTreeSet<(u64, Bytes)>,
    /// What the names take.
    names_bytes: u64,
}

/// What a field takes besides its name: twice the name's handle with the time, and its share of the trees.
const FIELD_BYTES: u64 = 96;

impl FieldTtls {
    pub(super) fn len(&self) -> usize {
        self.by_field.len()
    }

    pub(super) fn get(&self, field: &[u8]) -> Option<u64> {
        self.by_field.get(field).copied()
    }

    /// The field that expires first, and when.
    pub(super) fn first(&self) -> Option<(u64, &Bytes)> {
        self.by_time.first().map(|(at, field)| (*at, field))
    }

    pub(super) fn insert(&mut self, field: &[u8], at: u64) {
        self.remove(field);
        // One name for both.
        let name = Bytes::copy_from_slice(field);
        self.names_bytes += heap_len(name.len() as u64);
        self.by_time.insert((at, name.clone()));
        self.by_field.insert(name, at);
    }

    /// Whether the field expired at some time.
    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        let Some((name, at)) = self.by_field.remove_entry(field) else {
            return false;
        };
        self.names_bytes -= heap_len(name.len() as u64);
        self.by_time.remove(&(at, name))
    }

    /// What it takes on the heap.
    pub(super) fn heap_len(&self) -> u64 {
        self.len() as u64 * FIELD_BYTES + self.names_bytes
    }
}
