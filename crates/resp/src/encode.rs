//! Replies to bytes.
//!
//! The shapes are written here and not with `redis_protocol::resp{2,3}::encode`, for three reasons: its
//! maps and sets are hashed, so their order would change from run to run; it estimates lengths with
//! floating-point logarithms, which leaves a stray byte behind integers such as 999999999999999999;
//! and its errors and doubles are `str` and `f64`, where Redis has bytes and text. The tests hold
//! what is written here against its decoders.

use bytes::{BufMut, BytesMut};

use crate::Reply;
use crate::number::{put_i64, put_u64};

/// The protocol of a connection, as HELLO chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// The protocol that every connection starts with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

impl Reply {
    /// Appends the reply as `protocol` writes it.
    ///
    /// In RESP2 a map is a flat array, sets and push messages are arrays, a truth value is 0 or 1, and
    /// doubles, big numbers and verbatim strings are bulk strings. Line ends in statuses, errors and
    /// numbers become spaces (at the end: nothing), since they would end the reply.
    pub fn encode(&self, protocol: Protocol, out: &mut BytesMut) {
        use Protocol::{Resp2, Resp3};
        match (self, protocol) {
            (Self::Simple(text), _) => put_line(out, b'+', text),
            (Self::Error(text), _) => put_line(out, b'-', text),
            (Self::Integer(value), _) => {
                out.put_u8(b':');
                put_i64(out, *value);
                out.put_slice(b"\r\n");
            }
            (Self::Bulk(bytes), _)
            | (Self::Verbatim(_, bytes) | Self::Double(bytes) | Self::BigNumber(bytes), Resp2) => {
                put_bulk(out, bytes);
            }
            (Self::Verbatim(format, bytes), Resp3) => {
                put_header(out, b'=', bytes.len() as u64 + 4);
                out.put_slice(format);
                out.put_u8(b':');
                out.put_slice(bytes);
                out.put_slice(b"\r\n");
            }
            (Self::Double(text), Resp3) => put_line(out, b',', text),
            (Self::BigNumber(text), Resp3) => put_line(out, b'(', text),
            (Self::Null, Resp2) => out.put_slice(b"$-1\r\n"),
            (Self::NullArray, Resp2) => out.put_slice(b"*-1\r\n"),
            (Self::Null | Self::NullArray, Resp3) => out.put_slice(b"_\r\n"),
            (Self::Bool(value), Resp2) => out.put_slice(if *value { b":1\r\n" } else { b":0\r\n" }),
            (Self::Bool(value), Resp3) => out.put_slice(if *value { b"#t\r\n" } else { b"#f\r\n" }),
            (Self::Array(items), _) | (Self::Set(items) | Self::Push(items), Resp2) => {
                put_items(out, b'*', items, protocol);
            }
            (Self::Set(items), Resp3) => put_items(out, b'~', items, protocol),
            (Self::Push(items), Resp3) => put_items(out, b'>', items, protocol),
            (Self::Map(pairs), _) => {
                match protocol {
                    Resp2 => put_header(out, b'*', pairs.len() as u64 * 2),
                    Resp3 => put_header(out, b'%', pairs.len() as u64),
                }
                for (key, value) in pairs {
                    key.encode(protocol, out);
                    value.encode(protocol, out);
                }
            }
        }
    }
}

/// Appends `<kind><value>\r\n`.
pub(crate) fn put_header(out: &mut BytesMut, kind: u8, value: u64) {
    out.put_u8(kind);
    put_u64(out, value);
    out.put_slice(b"\r\n");
}

/// Appends a bulk string.
pub(crate) fn put_bulk(out: &mut BytesMut, bytes: &[u8]) {
    put_header(out, b'$', bytes.len() as u64);
    out.put_slice(bytes);
    out.put_slice(b"\r\n");
}

fn put_items(out: &mut BytesMut, kind: u8, items: &[Reply], protocol: Protocol) {
    put_header(out, kind, items.len() as u64);
    for item in items {
        item.encode(protocol, out);
    }
}

/// Appends a line (`networking.c: addReplyErrorFormatInternal` for its treatment of line ends).
fn put_line(out: &mut BytesMut, kind: u8, text: &[u8]) {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(0, |last| last + 1);
    out.put_u8(kind);
    let start = out.len();
    out.put_slice(&text[..end]);
    for byte in &mut out[start..] {
        if is_line_end(byte) {
            *byte = b' ';
        }
    }
    out.put_slice(b"\r\n");
}
