//! Strings: integers as integers, everything else as bytes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::number::{self, parse_i64};
use crate::small_bytes::{SmallBytes, heap_len};

/// Longer strings are not embedded into their object.
const EMBEDDED_LEN_MAX: usize = 44;

/// From this length on replies share the bytes instead of copying them.
const SHARED_LEN_MIN: usize = 1024;

/// A string value.
#[derive(Clone, Debug)]
pub struct Str(Repr);

#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "all values take as much room as the largest in its place")]
enum Repr {
    /// The text of an integer.
    Int(i64),
    /// Bytes that were set as a whole.
    Small(SmallBytes),
    /// The same, if they are many.
    Shared(Box<Bytes>),
    /// Bytes that were changed in place and may be again.
    Buffer(Box<Vec<u8>>),
}

impl Str {
    /// From the bytes of a client, which are copied, so that they do not hold on to the buffer that they were
    /// received in.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        parse_i64(bytes).map_or_else(|| Self::plain(bytes), Self::int)
    }

    /// The text of an integer.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self(Repr::Int(value))
    }

    /// Bytes, which are copied and never kept as an integer.
    #[must_use]
    pub fn plain(bytes: &[u8]) -> Self {
        Self(if bytes.len() < SHARED_LEN_MIN {
            Repr::Small(SmallBytes::of(bytes))
        } else {
            Repr::Shared(Box::new(Bytes::copy_from_slice(bytes)))
        })
    }

    /// The same of bytes that are this string's alone.
    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        if bytes.len() < SHARED_LEN_MIN {
            Self::of(&bytes)
        } else {
            Self(Repr::Shared(Box::new(bytes.into())))
        }
    }

    /// The same, as what is changed in place.
    pub(crate) fn raw(bytes: Vec<u8>) -> Self {
        Self(Repr::Buffer(Box::new(bytes)))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Int(value) => number::text(*value),
            Repr::Small(bytes) => Bytes::copy_from_slice(bytes),
            Repr::Shared(bytes) => (**bytes).clone(),
            Repr::Buffer(bytes) => Bytes::copy_from_slice(bytes),
        }
    }

    /// Those from `start` to `end`, which lie within; no others are copied.
    pub(crate) fn part(&self, start: usize, end: usize) -> Bytes {
        match &self.0 {
            Repr::Shared(bytes) => bytes.slice(start..end),
            Repr::Int(_) | Repr::Small(_) | Repr::Buffer(_) => {
                Bytes::copy_from_slice(&self.view()[start..end])
            }
        }
    }

    /// The bytes where they lie; none for an integer.
    fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Int(_) => None,
            Repr::Small(bytes) => Some(bytes),
            Repr::Shared(bytes) => Some(bytes),
            Repr::Buffer(bytes) => Some(bytes),
        }
    }

    /// The bytes, copied only if they are not kept as such.
    pub(crate) fn view(&self) -> Cow<'_, [u8]> {
        self.as_bytes().map_or_else(|| Cow::Owned(self.bytes().into()), Cow::Borrowed)
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Int(value) => {
                value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1 + usize::from(*value < 0)
            }
            Repr::Small(bytes) => bytes.len(),
            Repr::Shared(bytes) => bytes.len(),
            Repr::Buffer(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer that it spells.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(value) => Some(*value),
            Repr::Small(_) | Repr::Shared(_) | Repr::Buffer(_) => self.as_bytes().and_then(parse_i64),
        }
    }

    /// The bytes, to be changed.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self.0, Repr::Buffer(_)) {
            self.0 = Repr::Buffer(Box::new(self.bytes().into()));
        }
        match &mut self.0 {
            Repr::Buffer(bytes) => bytes,
            Repr::Int(_) | Repr::Small(_) | Repr::Shared(_) => unreachable!("it was just made a buffer"),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Repr::Int(_) => "int",
            Repr::Small(bytes) if bytes.len() <= EMBEDDED_LEN_MAX => "embstr",
            Repr::Small(_) | Repr::Shared(_) | Repr::Buffer(_) => "raw",
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        match &self.0 {
            Repr::Int(_) => 0,
            Repr::Small(bytes) => bytes.heap_len(),
            Repr::Shared(bytes) => heap_len(32) + heap_len(24) + heap_len(bytes.len() as u64),
            Repr::Buffer(bytes) => heap_len(24) + heap_len(bytes.len() as u64),
        }
    }
}

impl Default for Str {
    fn default() -> Self {
        Self(Repr::Small(SmallBytes::default()))
    }
}

/// Equal when the bytes are.
impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Int(left), Repr::Int(right)) => left == right,
            _ => self.view() == other.view(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_follow_the_text() {
        for (text, encoding) in [
            ("12", "int"),
            ("-9223372036854775808", "int"),
            ("9223372036854775808", "embstr"),
            ("012", "embstr"),
            ("", "embstr"),
            ("12345678901234567890123456789012345678901234", "embstr"),
            ("123456789012345678901234567890123456789012345", "raw"),
        ] {
            let value = Str::of(text.as_bytes());
            assert_eq!(value.encoding(), encoding, "{text}");
            assert_eq!(value.len(), text.len(), "{text}");
            assert_eq!(value.bytes(), text);
        }
        let mut value = Str::of(b"12");
        value.buffer().push(b'3');
        assert_eq!((value.encoding(), value.as_int()), ("raw", Some(123)));
        for value in [value, Str::of(b"123"), Str::of(b"123x"), Str::plain(&b"123".repeat(500))] {
            assert_eq!((value.part(1, 3), value.part(2, 2)), (Bytes::from("23"), Bytes::new()));
        }
    }
}
