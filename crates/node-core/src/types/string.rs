//! Strings: integers as integers, everything else as bytes.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::number::{self, parse_i64};

/// Longer strings are not embedded into their object.
const EMBEDDED_LEN_MAX: usize = 44;

/// A string value.
#[derive(Clone, Debug)]
pub enum Str {
    /// The text of an integer.
    Int(i64),
    /// Bytes that were set as a whole.
    Plain(Bytes),
    /// Bytes that were changed in place and may be again.
    Buffer(Vec<u8>),
}

impl Str {
    /// From the bytes of a client, which are copied, so that they do not hold on to the buffer that they were
    /// received in.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        parse_i64(bytes).map_or_else(|| Self::Plain(Bytes::copy_from_slice(bytes)), Self::Int)
    }

    /// The same, never as an integer.
    pub(crate) fn plain(bytes: impl Into<Bytes>) -> Self {
        Self::Plain(bytes.into())
    }

    /// The same, as what is changed in place.
    pub(crate) fn raw(bytes: Vec<u8>) -> Self {
        Self::Buffer(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Int(value) => number::text(value),
            Self::Plain(bytes) => bytes.clone(),
            Self::Buffer(bytes) => Bytes::copy_from_slice(bytes),
        }
    }

    /// The bytes, copied only if they are not kept as such.
    pub(crate) fn view(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Int(value) => Cow::Owned(number::text(value).into()),
            Self::Plain(bytes) => Cow::Borrowed(bytes),
            Self::Buffer(bytes) => Cow::Borrowed(bytes),
        }
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Int(value) => {
                value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1 + usize::from(*value < 0)
            }
            Self::Plain(bytes) => bytes.len(),
            Self::Buffer(bytes) => bytes.len(),
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
        match self {
            Self::Int(value) => Some(*value),
            Self::Plain(bytes) => parse_i64(bytes),
            Self::Buffer(bytes) => parse_i64(bytes),
        }
    }

    /// The bytes, to be changed.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Self::Buffer(_)) {
            *self = Self::Buffer(self.bytes().into());
        }
        match self {
            Self::Buffer(bytes) => bytes,
            Self::Int(_) | Self::Plain(_) => unreachable!("it was just made a buffer"),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Plain(bytes) if bytes.len() <= EMBEDDED_LEN_MAX => "embstr",
            Self::Plain(_) | Self::Buffer(_) => "raw",
        }
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::Plain(Bytes::new())
    }
}

/// Equal when the bytes are.
impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
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
    }
}
