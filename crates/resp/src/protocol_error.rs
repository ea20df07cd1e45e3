//! What can be wrong with the bytes of a client, in Redis's words.

use alloc::vec::Vec;

use crate::Reply;

/// A request that no further bytes can repair. The connection is answered with [`ProtocolError::reply`]
/// and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// An inline command of more than 64 KB without an end of line.
    #[error("Protocol error: too big inline request")]
    TooBigInlineRequest,
    /// More than 64 KB after `*` without an end of line.
    #[error("Protocol error: too big mbulk count string")]
    TooBigMbulkCountString,
    /// More than 64 KB where the length of a bulk string should stand.
    #[error("Protocol error: too big bulk count string")]
    TooBigBulkCountString,
    /// The number of arguments is not an integer, or more than 2^31 - 1.
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// The length of an argument is not an integer, negative, or above `proto-max-bulk-len`.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// More than 10 arguments before authentication.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// An argument of more than 16384 bytes before authentication.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// An argument does not start with `$`.
    #[error("Protocol error: expected '$', got '{}'", got.escape_ascii())]
    ExpectedDollar {
        /// The byte that stands in its place.
        got: u8,
    },
    /// An inline command with a quote that is not closed, or closed in the middle of a word.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
}

impl ProtocolError {
    /// The error reply that Redis sends before it closes the connection. An unexpected byte is in it as it
    /// came, where `Display` escapes it.
    pub fn reply(&self) -> Reply {
        let Self::ExpectedDollar { got } = self else {
            return Reply::error(alloc::format!("ERR {self}"));
        };
        let mut text = Vec::from(&b"ERR Protocol error: expected '$', got '"[..]);
        text.extend([*got, b'\'']);
        Reply::error(text)
    }
}
