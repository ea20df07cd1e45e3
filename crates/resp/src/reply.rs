//! One ordered value for everything a server answers, in RESP2 and RESP3 alike.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

/// A reply. How it looks on the wire depends on the protocol of the connection, see
/// [`Reply::encode`]; order and duplicates of maps and sets stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A status such as `OK`.
    Simple(Bytes),
    /// An error; its first word is the code.
    Error(Bytes),
    /// A 64-bit integer.
    Integer(i64),
    /// A string of any bytes.
    Bulk(Bytes),
    /// A string with a three-letter format such as `txt`.
    Verbatim([u8; 3], Bytes),
    /// No value: `$-1` in RESP2.
    Null,
    /// No array: `*-1` in RESP2. RESP3 has one null, so it is read back as [`Reply::Null`].
    NullArray,
    /// Replies in order.
    Array(Vec<Reply>),
    /// Pairs in order; a flat array in RESP2.
    Map(Vec<(Reply, Reply)>),
    /// Members in order; an array in RESP2.
    Set(Vec<Reply>),
    /// A message that nobody asked for; an array in RESP2.
    Push(Vec<Reply>),
    /// A truth value; 0 or 1 in RESP2.
    Bool(bool),
    /// A number with a fraction, as its text: cores do not calculate with floats.
    Double(Bytes),
    /// An integer of any size, as its text.
    BigNumber(Bytes),
}

impl Reply {
    /// `+OK`.
    pub fn ok() -> Self {
        Self::Simple(Bytes::from_static(b"OK"))
    }

    /// A status.
    pub fn simple(text: impl Into<Bytes>) -> Self {
        Self::Simple(text.into())
    }

    /// An error with its code, without the leading `-`: `Reply::error("ERR No such master with that name")`.
    pub fn error(text: impl Into<Bytes>) -> Self {
        Self::Error(text.into())
    }

    /// A string of any bytes, owned or static.
    pub fn bulk(bytes: impl Into<Bytes>) -> Self {
        Self::Bulk(bytes.into())
    }

    /// A string of any bytes, copied.
    pub fn bulk_copy(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bulk(Bytes::copy_from_slice(bytes.as_ref()))
    }

    /// An integer.
    pub fn int(value: impl Into<i64>) -> Self {
        Self::Integer(value.into())
    }

    /// Plain text: verbatim in RESP3, a bulk string in RESP2.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::Verbatim(*b"txt", text.into())
    }

    /// An array.
    pub fn array<R: Into<Self>>(items: impl IntoIterator<Item = R>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }

    /// A map.
    pub fn map<K: Into<Self>, V: Into<Self>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A set.
    pub fn set<R: Into<Self>>(items: impl IntoIterator<Item = R>) -> Self {
        Self::Set(items.into_iter().map(Into::into).collect())
    }

    /// A push message.
    pub fn push<R: Into<Self>>(items: impl IntoIterator<Item = R>) -> Self {
        Self::Push(items.into_iter().map(Into::into).collect())
    }

    /// The text of an error reply.
    pub fn as_error(&self) -> Option<&[u8]> {
        match self {
            Self::Error(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a status or a string of either kind.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Simple(bytes) | Self::Bulk(bytes) | Self::Verbatim(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    /// As [`Reply::as_bytes`], when they are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The value of an integer reply.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of an array, a set or a push message.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) | Self::Set(items) | Self::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map, or of the flat array that stands for one in RESP2.
    pub fn as_pairs(&self) -> Option<Vec<(&Self, &Self)>> {
        match self {
            Self::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
            Self::Array(items) if items.len().is_multiple_of(2) => {
                Some(items.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect())
            }
            _ => None,
        }
    }

    /// Whether it is one of the null forms.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::NullArray)
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

/// A bulk string.
impl From<Bytes> for Reply {
    fn from(bytes: Bytes) -> Self {
        Self::Bulk(bytes)
    }
}

/// A bulk string.
impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bulk(bytes.into())
    }
}

/// A bulk string.
impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Bulk(text.into())
    }
}

/// A bulk string, copied.
impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::bulk_copy(text)
    }
}

/// A bulk string, copied.
impl From<&[u8]> for Reply {
    fn from(bytes: &[u8]) -> Self {
        Self::bulk_copy(bytes)
    }
}

impl From<i64> for Reply {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Reply {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<bool> for Reply {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<Reply>> for Reply {
    fn from(items: Vec<Reply>) -> Self {
        Self::Array(items)
    }
}

/// The value, or null.
impl<R: Into<Reply>> From<Option<R>> for Reply {
    fn from(value: Option<R>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
