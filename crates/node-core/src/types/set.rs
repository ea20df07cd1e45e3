//! Sets: sorted integers while they are few and nothing else, then a hash table.

use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;

use crate::dict::{Dict, HashKey, Order};
use crate::number::{self, parse_i64};
use crate::settings::Settings;

/// A set value.
#[derive(Clone, Debug)]
pub struct Set {
    members: Members,
    hash_key: HashKey,
}

#[derive(Clone, Debug)]
enum Members {
    /// Sorted.
    Ints(Vec<i64>),
    Names {
        names: Dict<()>,
        is_packed: bool,
    },
}

impl Set {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { members: Members::Ints(Vec::new()), hash_key }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.members {
            Members::Ints(ints) => ints.len(),
            Members::Names { names, .. } => names.len(),
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
            Members::Ints(ints) => parse_i64(member).is_some_and(|value| ints.binary_search(&value).is_ok()),
            Members::Names { names, .. } => names.contains(member),
        }
    }

    /// The member at a position below [`Set::len`].
    #[must_use]
    pub fn at(&self, position: usize) -> Option<Bytes> {
        match &self.members {
            Members::Ints(ints) => ints.get(position).map(number::text),
            Members::Names { names, .. } => names.at(position).map(|(name, ())| name.clone()),
        }
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = Bytes> {
        (0..self.len()).filter_map(|position| self.at(position))
    }

    /// Adds a member; false if it was there.
    pub(crate) fn insert(&mut self, member: &[u8], settings: &Settings) -> bool {
        if let Members::Ints(ints) = &mut self.members {
            if let Some(value) = parse_i64(member) {
                let Err(at) = ints.binary_search(&value) else {
                    return false;
                };
                ints.insert(at, value);
                if ints.len() as u64 > settings.set_max_intset_entries {
                    self.become_names(settings, 0);
                }
                return true;
            }
            self.become_names(settings, member.len());
        }
        let Members::Names { names, is_packed } = &mut self.members else {
            return false;
        };
        let is_new = names.insert(member, ()).is_none();
        *is_packed &= names.len() as u64 <= settings.set_max_listpack_entries
            && member.len() as u64 <= settings.set_max_listpack_value;
        is_new
    }

    /// Removes a member; false if it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.members {
            Members::Ints(ints) => {
                let found = parse_i64(member).and_then(|value| ints.binary_search(&value).ok());
                found.map(|at| ints.remove(at)).is_some()
            }
            Members::Names { names, is_packed } => {
                names.remove(member, if *is_packed { Order::Keep } else { Order::Free }).is_some()
            }
        }
    }

    /// The positions that a step of SSCAN looks at, and the next cursor.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        match &self.members {
            Members::Names { names, is_packed: false } => names.scan_step(cursor, count),
            Members::Names { .. } | Members::Ints(_) => (0..self.len(), 0),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self.members {
            Members::Ints(_) => "intset",
            Members::Names { is_packed: true, .. } => "listpack",
            Members::Names { is_packed: false, .. } => "hashtable",
        }
    }

    /// Goes over to names; `next_len` is the length of what will be added.
    fn become_names(&mut self, settings: &Settings, next_len: usize) {
        let mut names = Dict::new(self.hash_key);
        let mut longest = next_len as u64;
        for member in self.iter() {
            longest = longest.max(member.len() as u64);
            names.insert(&member, ());
        }
        let is_packed = names.len() as u64 <= settings.set_max_listpack_entries
            && longest <= settings.set_max_listpack_value;
        self.members = Members::Names { names, is_packed };
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
