//! Redis's types as values: what they hold and what OBJECT ENCODING calls it. None of them knows keys or commands.

#[cfg(feature = "full")]
mod either;
#[cfg(feature = "full")]
mod field_ttls;
#[cfg(feature = "full")]
mod hash;
#[cfg(feature = "full")]
mod intset;
#[cfg(feature = "full")]
mod list;
#[cfg(feature = "full")]
mod packed;
#[cfg(feature = "full")]
mod set;
#[cfg(feature = "full")]
mod skiplist;
#[cfg(feature = "full")]
mod stream;
#[cfg(feature = "full")]
mod stream_group;
#[cfg(feature = "full")]
mod stream_rdb;
mod string;
#[cfg(feature = "full")]
mod zset;

#[cfg(feature = "full")]
pub use hash::Hash;
#[cfg(feature = "full")]
pub(crate) use hash::HashView;
#[cfg(feature = "full")]
pub use list::{End, List};
#[cfg(feature = "full")]
pub use set::Set;
#[cfg(feature = "full")]
pub use stream::Stream;
pub use string::Str;
#[cfg(feature = "full")]
pub use zset::ZSet;

#[cfg(feature = "full")]
pub(crate) use stream::{Entries, ID_MAX, ID_ZERO, NodeLimits, TrimMode, TrimTo, next_id, previous_id};
#[cfg(feature = "full")]
pub(crate) use stream_group::{Consumer, Group, Pending};

#[cfg(feature = "full")]
use alloc::boxed::Box;

use bytes::Bytes;

use crate::index::HashKey;

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    String(Str),
    /// A list.
    #[cfg(feature = "full")]
    List(Box<List>),
    /// A set.
    #[cfg(feature = "full")]
    Set(Box<Set>),
    /// A hash.
    #[cfg(feature = "full")]
    Hash(Box<Hash>),
    /// A sorted set.
    #[cfg(feature = "full")]
    ZSet(Box<ZSet>),
    /// A stream.
    #[cfg(feature = "full")]
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
#[cfg(feature = "full")]
kind!(List, List, |_| List::default());
#[cfg(feature = "full")]
kind!(Set, Set, Set::new);
#[cfg(feature = "full")]
kind!(Hash, Hash, Hash::new);
#[cfg(feature = "full")]
kind!(ZSet, ZSet, ZSet::new);
#[cfg(feature = "full")]
kind!(Stream, Stream, |_| Stream::default());

impl Value {
    /// What TYPE answers.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            #[cfg(feature = "full")]
            Self::List(_) => "list",
            #[cfg(feature = "full")]
            Self::Set(_) => "set",
            #[cfg(feature = "full")]
            Self::Hash(_) => "hash",
            #[cfg(feature = "full")]
            Self::ZSet(_) => "zset",
            #[cfg(feature = "full")]
            Self::Stream(_) => "stream",
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::String(value) => value.encoding(),
            #[cfg(feature = "full")]
            Self::List(value) => value.encoding(),
            #[cfg(feature = "full")]
            Self::Set(value) => value.encoding(),
            #[cfg(feature = "full")]
            Self::Hash(value) => value.encoding(),
            #[cfg(feature = "full")]
            Self::ZSet(value) => value.encoding(),
            #[cfg(feature = "full")]
            Self::Stream(value) => value.encoding(),
        }
    }

    /// Whether it is a collection without elements, whose key goes. An empty string stays, and an empty stream.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::String(_) => false,
            #[cfg(feature = "full")]
            Self::Stream(_) => false,
            #[cfg(feature = "full")]
            Self::List(value) => value.is_empty(),
            #[cfg(feature = "full")]
            Self::Set(value) => value.is_empty(),
            #[cfg(feature = "full")]
            Self::Hash(value) => value.is_empty(),
            #[cfg(feature = "full")]
            Self::ZSet(value) => value.is_empty(),
        }
    }

    /// How many elements it has; 1 for a string.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::String(_) => 1,
            #[cfg(feature = "full")]
            Self::List(value) => value.len(),
            #[cfg(feature = "full")]
            Self::Set(value) => value.len(),
            #[cfg(feature = "full")]
            Self::Hash(value) => value.len(),
            #[cfg(feature = "full")]
            Self::ZSet(value) => value.len(),
            #[cfg(feature = "full")]
            Self::Stream(value) => value.len(),
        }
    }

    /// Whether it is a stream, which the oldest RDBs cannot tell all of.
    pub(crate) fn is_stream(&self) -> bool {
        match self {
            #[cfg(feature = "full")]
            Self::Stream(_) => true,
            _ => false,
        }
    }

    /// When the first field of a hash expires.
    pub(crate) fn next_field_expiry(&self) -> Option<u64> {
        match self {
            #[cfg(feature = "full")]
            Self::Hash(hash) => hash.next_field_expiry(),
            _ => None,
        }
    }

    /// A field whose time is over.
    pub(crate) fn expired_field(&self, now_ms: u64) -> Option<&Bytes> {
        match self {
            #[cfg(feature = "full")]
            Self::Hash(hash) => hash.expired_field(now_ms),
            _ => None,
        }
    }

    /// What it takes on the heap, in O(1).
    pub(crate) fn heap_len(&self) -> u64 {
        match self {
            Self::String(value) => value.heap_len(),
            #[cfg(feature = "full")]
            Self::List(value) => value.heap_len(),
            #[cfg(feature = "full")]
            Self::Set(value) => value.heap_len(),
            #[cfg(feature = "full")]
            Self::Hash(value) => value.heap_len(),
            #[cfg(feature = "full")]
            Self::ZSet(value) => value.heap_len(),
            #[cfg(feature = "full")]
            Self::Stream(value) => value.heap_len(),
        }
    }
}

#[cfg(all(test, feature = "full"))]
mod tests {
    use super::*;

    #[test]
    fn values_are_small() {
        assert_eq!(size_of::<Value>(), 24);
        assert_eq!((size_of::<Hash>(), size_of::<Set>(), size_of::<ZSet>()), (48, 40, 40));
        assert_eq!(size_of::<List>(), 48);
    }
}
