//! Sets: sorted integers while they are few and nothing else, packed members while they are few and short, then a
//! hash table.

use alloc::boxed::Box;
use core::ops::Range;

use bytes::Bytes;

use super::either::Either;
use super::intset::IntSet;
use super::packed::Packed;
use crate::dict::Dict;
use crate::index::HashKey;
use crate::number::{self, parse_i64};
use crate::settings::Settings;
use crate::small_bytes::heap_len;

/// A set value.
#[derive(Clone, Debug)]
pub struct Set {
    members: Members,
    hash_key: HashKey,
}

#[derive(Clone, Debug)]
enum Members {
    Ints(IntSet),
    Packed(Packed),
    Table(Box<Dict<()>>),
}

impl Set {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { members: Members::Ints(IntSet::default()), hash_key }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.members {
            Members::Ints(ints) => ints.len(),
            Members::Packed(packed) => packed.len(),
            Members::Table(names) => names.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has this member.
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.members {
            Members::Ints(ints) => parse_i64(member).is_some_and(|value| ints.position(value).is_ok()),
            Members::Packed(packed) => packed.iter().any(|found| found == member),
            Members::Table(names) => names.contains(member),
        }
    }

    /// The member at a position below [`Set::len`].
    #[must_use]
    pub fn at(&self, position: usize) -> Option<Bytes> {
        match &self.members {
            Members::Ints(ints) => ints.get(position).map(number::text),
            Members::Packed(packed) => packed.get(position).map(Bytes::copy_from_slice),
            Members::Table(names) => names.at(position).map(|(name, ())| Bytes::copy_from_slice(name)),
        }
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = Bytes> {
        match &self.members {
            Members::Ints(ints) => Either::Left(ints.iter().map(number::text)),
            Members::Packed(packed) => Either::Right(Either::Left(packed.iter().map(Bytes::copy_from_slice))),
            Members::Table(names) => Either::Right(Either::Right(names.names().map(Bytes::copy_from_slice))),
        }
    }

    /// Adds a member; false if it was there.
    pub(crate) fn insert(&mut self, member: &[u8], settings: &Settings) -> bool {
        if let Members::Ints(ints) = &mut self.members {
            if let Some(value) = parse_i64(member) {
                let is_new = ints.insert(value);
                if ints.len() as u64 > settings.set_max_intset_entries {
                    self.become_names(settings, 0);
                }
                return is_new;
            }
            self.become_names(settings, member.len());
        }
        if let Members::Packed(packed) = &mut self.members {
            if packed.iter().any(|found| found == member) {
                return false;
            }
            if packed.len() as u64 >= settings.set_max_listpack_entries
                || member.len() as u64 > settings.set_max_listpack_value
            {
                self.become_table();
            } else {
                packed.push_back(member);
                return true;
            }
        }
        match &mut self.members {
            Members::Table(names) => names.insert(member, ()).is_none(),
            Members::Ints(_) | Members::Packed(_) => false,
        }
    }

    /// Removes a member; false if it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.members {
            Members::Ints(ints) => parse_i64(member).is_some_and(|value| ints.remove(value)),
            Members::Packed(packed) => {
                let found = packed.iter().position(|found| found == member);
                if let Some(at) = found {
                    packed.splice(at, 1, &[]);
                }
                found.is_some()
            }
            Members::Table(names) => names.remove(member).is_some(),
        }
    }

    /// The positions that a step of SSCAN looks at, and the next cursor.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        match &self.members {
            Members::Table(names) => names.scan_step(cursor, count),
            Members::Packed(_) | Members::Ints(_) => (0..self.len(), 0),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match &self.members {
            Members::Ints(_) => "intset",
            Members::Packed(_) => "listpack",
            Members::Table(_) => "hashtable",
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        let members = match &self.members {
            Members::Ints(ints) => ints.heap_len(),
            Members::Packed(packed) => packed.heap_len(),
            Members::Table(names) => heap_len(112) + names.bytes(0),
        };
        heap_len(40) + members
    }

    /// Goes over to names; `next_len` is the length of what will be added.
    fn become_names(&mut self, settings: &Settings, next_len: usize) {
        let longest = self.iter().map(|member| member.len()).max().unwrap_or(0).max(next_len);
        if self.len() as u64 > settings.set_max_listpack_entries
            || longest as u64 > settings.set_max_listpack_value
        {
            self.become_table();
            return;
        }
        let mut packed = Packed::default();
        self.iter().for_each(|member| packed.push_back(&member));
        self.members = Members::Packed(packed);
    }

    fn become_table(&mut self) {
        let mut names = Dict::new(self.hash_key);
        self.iter().for_each(|member| names.insert_new(&member, ()));
        self.members = Members::Table(Box::new(names));
    }
}

/// Equal when the members are.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|member| other.contains(&member))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn the_encoding_follows_the_members() {
        let settings = Settings::default();
        let set = |members: &[&str]| {
            let mut set = Set::new(HashKey::default());
            members.iter().for_each(|member| assert!(set.insert(member.as_bytes(), &settings)));
            set
        };
        assert_eq!(set(&["3", "1", "2"]).encoding(), "intset");
        assert_eq!(set(&["1", "a"]).encoding(), "listpack");
        assert_eq!(set(&["a", &"x".repeat(65)]).encoding(), "hashtable");
        let mut ints = Set::new(HashKey::default());
        for number in 0..512 {
            ints.insert(format!("{number}").as_bytes(), &settings);
        }
        assert_eq!(ints.encoding(), "intset");
        ints.insert(b"x", &settings);
        assert_eq!((ints.encoding(), ints.len()), ("hashtable", 513));
        let mut names = Set::new(HashKey::default());
        for number in 0..128 {
            names.insert(format!("n{number}").as_bytes(), &settings);
        }
        assert_eq!(names.encoding(), "listpack");
        names.insert(b"x", &settings);
        assert_eq!(names.encoding(), "hashtable");
    }
}
