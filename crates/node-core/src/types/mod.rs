//! Redis's types as values: what they hold and what OBJECT ENCODING calls it. None of them knows keys or commands.

mod either;
mod field_ttls;
mod hash;
mod intset;
mod list;
mod packed;
mod set;
mod skiplist;
mod stream;
mod stream_group;
mod stream_rdb;
mod string;
mod zset;

pub use hash::Hash;
pub(crate) use hash::HashView;
pub use list::{End, List};
pub use set::Set;
pub use stream::Stream;
pub use string::Str;
pub use zset::ZSet;

pub(crate) use stream::{Entries, ID_MAX, ID_ZERO, NodeLimits, TrimMode, TrimTo, next_id, previous_id};
pub(crate) use stream_group::{Consumer, Group, Pending};

use alloc::boxed::Box;

use bytes::Bytes;

use crate::index::HashKey;

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    String(Str),
    /// A list.
    List(Box<List>),
    /// A set.
    Set(Box<Set>),
    /// A hash.
    Hash(Box<Hash>),
    /// A sorted set.
    ZSet(Box<ZSet>),
    /// A stream.
    Stream(Box<Stream>),
}

/// A type of value, for look-ups that expect one.
pub(crate) trait Kind: Into<Value> {
    /// The value, if it is of this type.
    fn of(value: &Value) -> Option<&Self>;
    /// The same, to change it.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// A value that holds nothing.
    fn empty(hash_key: HashKey) -> Self;
}

macro_rules! kind {
    ($type:ident, $variant:ident, $empty:expr) => {
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                // A box where there is one.
                Self::$variant(value.into())
            }
        }

        impl Kind for $type {
            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$variant(value) => {
                        let value: &Self = value;
                        Some(value)
                    }
                    _ => None,
                }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(value) => {
                        let value: &mut Self = value;
                        Some(value)
                    }
                    _ => None,
                }
            }

            fn empty(hash_key: HashKey) -> Self {
                let make: fn(HashKey) -> Self = $empty;
                make(hash_key)
            }
        }
    };
}

kind!(Str, String, |_| Str::default());
kind!(List, List, |_| List::default());
kind!(Set, Set, Set::new);
kind!(Hash, Hash, Hash::new);
kind!(ZSet, ZSet, ZSet::new);
kind!(Stream, Stream, |_| Stream::default());

impl Value {
    /// What TYPE answers.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::ZSet(_) => "zset",
            Self::Stream(_) => "stream",
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::String(value) => value.encoding(),
            Self::List(value) => value.encoding(),
            Self::Set(value) => value.encoding(),
            Self::Hash(value) => value.encoding(),
            Self::ZSet(value) => value.encoding(),
            Self::Stream(value) => value.encoding(),
        }
    }

    /// Whether it is a collection without elements, whose key goes. An empty string stays, and an empty stream.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::String(_) | Self::Stream(_) => false,
            Self::List(value) => value.is_empty(),
            Self::Set(value) => value.is_empty(),
            Self::Hash(value) => value.is_empty(),
            Self::ZSet(value) => value.is_empty(),
        }
    }

    /// How many elements it has; 1 for a string.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::String(_) => 1,
            Self::List(value) => value.len(),
            Self::Set(value) => value.len(),
            Self::Hash(value) => value.len(),
            Self::ZSet(value) => value.len(),
            Self::Stream(value) => value.len(),
        }
    }

    /// When the first field of a hash expires.
    pub(crate) fn next_field_expiry(&self) -> Option<u64> {
        match self {
            Self::Hash(hash) => hash.next_field_expiry(),
            _ => None,
        }
    }

    /// A field whose time is over.
    pub(crate) fn expired_field(&self, now_ms: u64) -> Option<&Bytes> {
        match self {
            Self::Hash(hash) => hash.expired_field(now_ms),
            _ => None,
        }
    }

    /// What it takes on the heap, in O(1).
    pub(crate) fn heap_len(&self) -> u64 {
        match self {
            Self::String(value) => value.heap_len(),
            Self::List(value) => value.heap_len(),
            Self::Set(value) => value.heap_len(),
            Self::Hash(value) => value.heap_len(),
            Self::ZSet(value) => value.heap_len(),
            Self::Stream(value) => value.heap_len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_small() {
        assert_eq!(size_of::<Value>(), 24);
        assert_eq!((size_of::<Hash>(), size_of::<Set>(), size_of::<ZSet>()), (48, 40, 40));
        assert_eq!(size_of::<List>(), 48);
    }
}
