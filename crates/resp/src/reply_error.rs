//! What can be wrong with the bytes of a server.

use alloc::string::String;

/// A reply that no further bytes can repair; the link is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A byte that starts no reply: the peer does not speak RESP, or the stream is out of step.
    #[error("expected the start of a reply, got '{}'", got.escape_ascii())]
    UnknownType {
        /// The byte that stands in its place.
        got: u8,
    },
    /// A length or count that is not one.
    #[error("expected a length after '{}', got {got}", kind.escape_ascii())]
    InvalidLength {
        /// The type byte.
        kind: u8,
        /// The text after it, quoted and cut.
        got: String,
    },
    /// A value whose text does not fit its type.
    #[error("invalid value of type '{}': {details}", kind.escape_ascii())]
    InvalidValue {
        /// The type byte.
        kind: u8,
        /// What is wrong with it.
        details: String,
    },
    /// A string does not end with CR LF where its length says.
    #[error("expected the end of a string of {len} bytes, got other bytes")]
    MissingTerminator {
        /// The length that was announced.
        len: u64,
    },
    /// A type of unknown length, which Redis itself never sends.
    #[error("streamed replies ('{}' of unknown length) are not supported", kind.escape_ascii())]
    Streamed {
        /// The type byte.
        kind: u8,
    },
    /// A line without an end.
    #[error("a line of type '{}' is longer than {max} bytes", kind.escape_ascii())]
    LineTooLong {
        /// The type byte.
        kind: u8,
        /// The limit.
        max: u64,
    },
    /// A string above the limit.
    #[error("a string of {len} bytes is longer than the limit of {max}")]
    BulkTooLong {
        /// The length that was announced.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// A reply with more values inside than the limit.
    #[error("a reply of at least {count} values is above the limit of {max}")]
    TooManyElements {
        /// Values announced so far.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// Arrays within arrays beyond the limit.
    #[error("a reply is nested deeper than the limit of {max}")]
    TooDeep {
        /// The limit.
        max: u32,
    },
    /// A reply that takes more bytes than the limit.
    #[error("a reply is longer than the limit of {max} bytes")]
    FrameTooLong {
        /// The limit.
        max: u64,
    },
}
