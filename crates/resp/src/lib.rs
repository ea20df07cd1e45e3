//! RESP2, RESP3 and inline commands, incremental and bounded.
//!
//! Requests of clients are read by [`RequestParser`] (zero-copy, on a buffer of the caller) or
//! [`RequestBuffer`] (with a buffer of its own). Replies are [`Reply`] values: ordered, written with
//! [`Reply::encode`] and read from a server with [`ReplyDecoder`]. Both readers take bytes in any
//! pieces, never read a byte twice to find an end, allocate nothing for what has only been
//! announced, and answer bad bytes with a typed error. [`split_args`] and [`quote`] are Redis's
//! quoting rules, which inline commands and configuration files share.
//!
//! What commands mean is decided elsewhere.

#![no_std]

extern crate alloc;

mod args;
mod command;
mod decode;
mod encode;
mod number;
mod protocol_error;
mod reply;
mod reply_error;
mod request;
mod request_buffer;
mod scan;

pub use args::{UnbalancedQuotes, quote, split_args};
pub use command::{append_command, command};
pub use decode::ReplyDecoder;
pub use encode::Protocol;
pub use protocol_error::ProtocolError;
pub use reply::Reply;
pub use reply_error::ReplyError;
pub use request::{DEFAULT_MAX_BULK_LEN, Request, RequestParser};
pub use request_buffer::{OwnedRequest, RequestBuffer};
pub use scan::ReplyLimits;
