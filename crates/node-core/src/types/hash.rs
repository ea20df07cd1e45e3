//! Hashes: values by field, packed while they are few and short, then in a hash table.

use alloc::boxed::Box;
use core::ops::Range;

use bytes::Bytes;

use super::either::Either;
use super::field_ttls::FieldTtls;
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
    /// When fields expire. Once one did there is this, and the encoding bears another name.
    ttls: Option<Box<FieldTtls>>,
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
        Self { fields: Fields::Packed(Packed::default()), hash_key, ttls: None }
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

    /// Sets a field, which then does not expire; true if it is new.
    pub(crate) fn insert(&mut self, field: &[u8], value: &[u8], settings: &Settings) -> bool {
        if let Some(ttls) = &mut self.ttls {
            ttls.remove(field);
        }
        self.update(field, value, settings)
    }

    /// Sets a field, which expires when it did before; true if it is new.
    pub(crate) fn update(&mut self, field: &[u8], value: &[u8], settings: &Settings) -> bool {
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

    /// When a field expires, in milliseconds since the epoch.
    #[must_use]
    pub fn field_expiry(&self, field: &[u8]) -> Option<u64> {
        self.ttls.as_ref()?.get(field)
    }

    /// When the first field expires.
    #[must_use]
    pub fn next_field_expiry(&self) -> Option<u64> {
        Some(self.ttls.as_ref()?.first()?.0)
    }

    /// A field whose time is over.
    pub(crate) fn expired_field(&self, now_ms: u64) -> Option<&Bytes> {
        let (at, field) = self.ttls.as_ref()?.first()?;
        (at < now_ms).then_some(field)
    }

    /// Makes fields able to expire.
    pub(crate) fn allow_ttls(&mut self) {
        self.ttls.get_or_insert_default();
    }

    /// Gives a field that exists a time at which it expires, or none.
    pub(crate) fn set_field_expiry(&mut self, field: &[u8], at: Option<u64>) {
        match at {
            Some(at) => self.ttls.get_or_insert_default().insert(field, at),
            None => {
                self.ttls.as_mut().map(|ttls| ttls.remove(field));
            }
        }
    }

    /// Removes a field; false if it was not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        if let Some(ttls) = &mut self.ttls {
            ttls.remove(field);
        }
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
            Fields::Packed(_) if self.ttls.is_some() => "listpackex",
            Fields::Packed(_) => "listpack",
            Fields::Table(_) => "hashtable",
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        let ttls = self.ttls.as_ref().map_or(0, |ttls| heap_len(56) + ttls.heap_len());
        let fields = match &self.fields {
            Fields::Packed(packed) => packed.heap_len(),
            Fields::Table(table) => heap_len(120) + table.fields.bytes(24) + table.values_bytes,
        };
        heap_len(48) + fields + ttls
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

/// Equal when the fields have the same values and expire at the same times.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(field, value)| {
                other.get(field) == Some(value) && other.field_expiry(field) == self.field_expiry(field)
            })
    }
}

/// A hash as somebody sees it to whom fields are not there that expired before some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashView<'a> {
    hash: &'a Hash,
    from_ms: u64,
    hides_some: bool,
}

impl<'a> HashView<'a> {
    pub(crate) fn new(hash: &'a Hash, from_ms: u64) -> Self {
        Self { hash, from_ms, hides_some: hash.expired_field(from_ms).is_some() }
    }

    /// The hash with all that is in it.
    pub(crate) fn all(self) -> &'a Hash {
        self.hash
    }

    /// Whether there are fields that are not seen.
    pub(crate) fn hides_some(self) -> bool {
        self.hides_some
    }

    fn sees(self, field: &[u8]) -> bool {
        !self.hides_some || self.hash.field_expiry(field).is_none_or(|at| at >= self.from_ms)
    }

    pub(crate) fn get(self, field: &[u8]) -> Option<&'a [u8]> {
        self.hash.get(field).filter(|_| self.sees(field))
    }

    pub(crate) fn at(self, position: usize) -> Option<(&'a [u8], &'a [u8])> {
        self.hash.at(position).filter(|(field, _)| self.sees(field))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.hash.iter().filter(move |(field, _)| self.sees(field))
    }

    /// When a field that is seen expires; none if there is no such field.
    pub(crate) fn field_expiry(self, field: &[u8]) -> Option<Option<u64>> {
        self.get(field).map(|_| self.hash.field_expiry(field))
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

    #[test]
    fn a_field_expires_until_it_is_set_again() {
        let settings = Settings::default();
        let mut hash = Hash::new(HashKey::default());
        for field in ["a", "b", "c"] {
            hash.insert(field.as_bytes(), b"v", &settings);
        }
        let plain = hash.clone();
        hash.set_field_expiry(b"b", Some(20));
        hash.set_field_expiry(b"a", Some(10));
        assert!(hash != plain);
        assert_eq!((hash.encoding(), hash.next_field_expiry()), ("listpackex", Some(10)));
        let seen = |hash: &Hash, from_ms| HashView::new(hash, from_ms).iter().count();
        // The millisecond itself still counts.
        assert_eq!([10, 11, 20, 21].map(|from_ms| seen(&hash, from_ms)), [3, 2, 2, 1]);
        hash.update(b"a", b"w", &settings);
        assert_eq!(hash.field_expiry(b"a"), Some(10));
        hash.insert(b"a", b"w", &settings);
        assert_eq!(hash.next_field_expiry(), Some(20));
        hash.remove(b"b");
        assert_eq!((hash.next_field_expiry(), hash.encoding()), (None, "listpackex"));
        hash.insert(b"d", &[b'x'; 65], &settings);
        hash.set_field_expiry(b"c", Some(30));
        assert_eq!((hash.encoding(), hash.field_expiry(b"c")), ("hashtable", Some(30)));
    }
}
