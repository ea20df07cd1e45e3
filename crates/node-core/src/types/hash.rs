//! Hashes: values by field, packed while they are few and short, then in a hash table.

use alloc::boxed::Box;
use core::ops::Range;

use super::either::Either;
use super::packed::Packed;
use crate::dict::Dict;
use crate::index::HashKey;
use crate::settings::Settings;
use crate::small_bytes::{SmallBytes, heap_len};

/// A hash value.
#[derive(Clone, Debug)]
pub struct Hash {
    fields: Fields,
    hash_key: HashKey,
}

#[derive(Clone, Debug)]
enum Fields {
    /// Each field with its value behind it.
    Packed(Packed),
    Table(Box<Table>),
}

#[derive(Clone, Debug)]
struct Table {
    fields: Dict<SmallBytes>,
    /// What the values take on the heap.
    values_bytes: u64,
}

impl Hash {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { fields: Fields::Packed(Packed::default()), hash_key }
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.fields {
            Fields::Packed(packed) => packed.len() / 2,
            Fields::Table(table) => table.fields.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.fields {
            Fields::Packed(packed) => {
                let at = find(packed, field)?;
                packed.get(2 * at + 1)
            }
            Fields::Table(table) => table.fields.get(field).map(|value| &value[..]),
        }
    }

    /// The field at a position below [`Hash::len`], with its value.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(&[u8], &[u8])> {
        match &self.fields {
            Fields::Packed(packed) => {
                let mut items = packed.iter_from(position.saturating_mul(2));
                items.next().zip(items.next())
            }
            Fields::Table(table) => table.fields.at(position).map(|(field, value)| (field, &value[..])),
        }
    }

    /// All fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        match &self.fields {
            Fields::Packed(packed) => Either::Left(pairs(packed)),
            Fields::Table(table) => {
                Either::Right(table.fields.iter().map(|(field, value)| (field, &value[..])))
            }
        }
    }

    /// Sets a field; true if it is new.
    pub(crate) fn insert(&mut self, field: &[u8], value: &[u8], settings: &Settings) -> bool {
        if let Fields::Packed(packed) = &mut self.fields {
            let found = find(packed, field);
            let len = packed.len() / 2 + usize::from(found.is_none());
            if field.len().max(value.len()) as u64 <= settings.hash_max_listpack_value
                && len as u64 <= settings.hash_max_listpack_entries
            {
                match found {
                    Some(at) => packed.splice(2 * at + 1, 1, &[value]),
                    None => packed.push_back_all(&[field, value]),
                }
                return found.is_none();
            }
            self.become_table();
        }
        let Fields::Table(table) = &mut self.fields else {
            return false;
        };
        let value = SmallBytes::of(value);
        table.values_bytes += value.heap_len();
        let old = table.fields.insert(field, value);
        table.values_bytes -= old.as_ref().map_or(0, SmallBytes::heap_len);
        old.is_none()
    }

    /// Removes a field; false if it was not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.fields {
            Fields::Packed(packed) => {
                let found = find(packed, field);
                if let Some(at) = found {
                    packed.splice(2 * at, 2, &[]);
                }
                found.is_some()
            }
            Fields::Table(table) => {
                let removed = table.fields.remove(field);
                table.values_bytes -= removed.as_ref().map_or(0, SmallBytes::heap_len);
                removed.is_some()
            }
        }
    }

    /// The positions that a step of HSCAN looks at, and the next cursor.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        match &self.fields {
            Fields::Packed(_) => (0..self.len(), 0),
            Fields::Table(table) => table.fields.scan_step(cursor, count),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match &self.fields {
            Fields::Packed(_) => "listpack",
            Fields::Table(_) => "hashtable",
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        match &self.fields {
            Fields::Packed(packed) => heap_len(40) + packed.heap_len(),
            Fields::Table(table) => {
                heap_len(40) + heap_len(120) + table.fields.bytes(24) + table.values_bytes
            }
        }
    }

    fn become_table(&mut self) {
        let mut table = Table { fields: Dict::new(self.hash_key), values_bytes: 0 };
        for (field, value) in self.iter() {
            let value = SmallBytes::of(value);
            table.values_bytes += value.heap_len();
            table.fields.insert_new(field, value);
        }
        self.fields = Fields::Table(Box::new(table));
    }
}

/// The number of the pair that this field begins.
fn find(packed: &Packed, field: &[u8]) -> Option<usize> {
    packed.iter().step_by(2).position(|found| found == field)
}

fn pairs(packed: &Packed) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut items = packed.iter();
    core::iter::from_fn(move || items.next().zip(items.next()))
}

/// Equal when the fields have the same values.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(field, value)| other.get(field) == Some(value))
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
