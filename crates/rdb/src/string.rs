//! A string as it comes from a file: part of the received bytes, put together, or an integer.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::decimal::Decimal;

/// A string of an RDB, not yet copied if it need not be.
///
/// Two are equal if their bytes are, however they are held.
#[derive(Clone, Debug)]
pub enum RdbStr<'a> {
    /// Part of the bytes received.
    Borrowed(&'a [u8]),
    /// Put together from pieces or decompressed; hand it on instead of copying it.
    Owned(Vec<u8>),
    /// The file holds an integer: the string is its decimal text.
    Int(i64),
}

impl<'a> RdbStr<'a> {
    /// The bytes, copied only if they are borrowed from the reader.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Borrowed(bytes) => bytes.to_vec(),
            Self::Owned(bytes) => bytes,
            Self::Int(value) => Decimal::new(value).as_bytes().to_vec(),
        }
    }

    /// The bytes, copied only for an integer.
    #[must_use]
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Borrowed(bytes) => Cow::Borrowed(bytes),
            Self::Owned(bytes) => Cow::Borrowed(bytes),
            Self::Int(value) => Cow::Owned(Decimal::new(*value).as_bytes().to_vec()),
        }
    }

    /// Calls `f` with the bytes, without an allocation.
    pub fn with_bytes<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Borrowed(bytes) => f(bytes),
            Self::Owned(bytes) => f(bytes),
            Self::Int(value) => f(Decimal::new(*value).as_bytes()),
        }
    }
}

impl PartialEq for RdbStr<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.with_bytes(|a| other.with_bytes(|b| a == b))
    }
}

impl Eq for RdbStr<'_> {}

impl PartialEq<[u8]> for RdbStr<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.with_bytes(|bytes| bytes == other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_equal_strings() {
        let forms = [RdbStr::Borrowed(b"-12"), RdbStr::Owned(b"-12".to_vec()), RdbStr::Int(-12)];
        for a in &forms {
            for b in &forms {
                assert_eq!(a, b);
            }
            assert_eq!(a.to_bytes(), &b"-12"[..]);
            assert_eq!(a.clone().into_vec(), b"-12");
        }
        assert_ne!(forms[0], RdbStr::Int(12));
    }
}
