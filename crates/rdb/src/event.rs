//! What a reader finds in an RDB, in the order of the file.

use core::fmt;

use crate::opcode::ValueType;
use crate::score::Score;
use crate::stream::{StreamGroup, StreamMeta};
use crate::stream_entry::StreamEntry;
use crate::string::RdbStr;

/// One finding. Strings borrow from the reader where they can.
///
/// A key is [`RdbEvent::Key`], the elements of its value, and [`RdbEvent::ValueEnd`].
#[derive(Clone, Debug)]
pub enum RdbEvent<'a> {
    /// The file begins. Versions above 12 are Valkey's.
    Header {
        /// The version.
        version: u32,
    },
    /// Information about the file. Keys that are not known are to be passed over.
    Aux {
        /// Its name.
        key: RdbStr<'a>,
        /// Its value.
        value: RdbStr<'a>,
    },
    /// The source of a function library.
    Function {
        /// It begins with `#!lua name=`.
        source: RdbStr<'a>,
    },
    /// A module's own data; the data was passed over.
    ModuleAux {
        /// Which module.
        module: ModuleId,
        /// Before (1) or after (2) the keys.
        when: u64,
    },
    /// The keys that follow belong to this database.
    SelectDb {
        /// Its number.
        db: u64,
    },
    /// A hint: how many keys follow in this database.
    ResizeDb {
        /// Keys.
        keys: u64,
        /// Keys that expire.
        expires: u64,
    },
    /// A hint: keys of one slot of a cluster follow.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// Keys in it.
        keys: u64,
        /// Keys in it that expire.
        expires: u64,
    },
    /// A key; its value follows.
    Key {
        /// The key.
        key: RdbStr<'a>,
        /// Expiry and use.
        meta: KeyMeta,
        /// How the value is laid out.
        value_type: ValueType,
    },
    /// The whole of a string value.
    String(RdbStr<'a>),
    /// The next element of a list, from head to tail.
    ListElement(RdbStr<'a>),
    /// A member of a set.
    SetMember(RdbStr<'a>),
    /// A member of a sorted set, in no order to rely on.
    ZSetMember {
        /// The member.
        member: RdbStr<'a>,
        /// Its score.
        score: Score,
    },
    /// A field of a hash.
    HashField {
        /// The field's name.
        field: RdbStr<'a>,
        /// Its value.
        value: RdbStr<'a>,
        /// When it expires: unix ms.
        expire_at_ms: Option<u64>,
    },
    /// An entry of a stream; ids ascend.
    StreamEntry(StreamEntry<'a>),
    /// Behind the entries of a stream.
    StreamMeta(StreamMeta),
    /// A group of a stream, behind its meta data.
    StreamGroup(StreamGroup),
    /// The value belongs to a module; it was passed over.
    ModuleValue(ModuleId),
    /// The value is complete. One without elements is to be dropped with its key, except for a stream.
    ValueEnd,
    /// The file is complete.
    Eof(Checksum),
}

/// What stands before a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyMeta {
    /// When the key expires: unix ms.
    pub expire_at_ms: Option<i64>,
    /// Seconds since it was used (a policy with LRU).
    pub idle_s: Option<u64>,
    /// Frequency counter (a policy with LFU).
    pub freq: Option<u8>,
}

/// What the end of a file says about its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// They are as they were written.
    Verified,
    /// It has the place of a checksum, but whoever wrote it computed none, or nobody asked for a check.
    Off,
    /// It is older than version 5.
    Absent,
}

/// A module's type and the version of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleId(pub(crate) u64);

impl ModuleId {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// The nine characters of the type's name.
    #[must_use]
    pub fn name(self) -> [u8; 9] {
        core::array::from_fn(|place| Self::ALPHABET[(self.0 >> (58 - 6 * place) & 0x3f) as usize])
    }

    /// The version of the value's encoding.
    #[must_use]
    pub fn encoding_version(self) -> u64 {
        self.0 & 0x3ff
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_module_is_named_by_its_id() {
        let id = b"ReJSON-RL".iter().fold(0, |id, byte| {
            let digit = ModuleId::ALPHABET.iter().position(|other| other == byte).expect("of the alphabet");
            id << 6 | digit as u64
        });
        let module = ModuleId(id << 10 | 3);
        assert_eq!((module.to_string().as_str(), module.encoding_version()), ("ReJSON-RL", 3));
    }
}
