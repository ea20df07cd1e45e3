//! Replies of servers, from bytes in any pieces.
//!
//! [`Scanner`] finds where a reply ends; then this module takes it apart. Single values are decoded by
//! `redis-protocol`; arrays and their kin are put together here, because its maps and sets are
//! hashed and would lose their order, because RESP2's two nulls would become one, and because it
//! descends one stack frame for each level that a peer opens.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use redis_protocol::resp3::decode::complete::decode_range;
use redis_protocol::resp3::types::RangeFrame;

use crate::scan::{Header, ReplyLimits, Scanner};
use crate::{Reply, ReplyError};

/// Reads replies in RESP2 and RESP3: all types, attributes skipped, push messages in their place.
///
/// Decoded strings share the received bytes. Keep a copy of what is kept for long, or a few bytes hold
/// the whole read.
#[derive(Clone, Debug, Default)]
pub struct ReplyDecoder {
    buf: BytesMut,
    scanner: Scanner,
    limits: ReplyLimits,
    failed: Option<ReplyError>,
}

impl ReplyDecoder {
    /// A decoder with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder with limits of the caller's.
    pub fn with_limits(limits: ReplyLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Appends bytes that were received.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// The same for bytes that the caller has no more use for: nothing is copied if nothing waits before them and
    /// nobody shares them.
    pub fn extend_from(&mut self, bytes: Bytes) {
        if self.buf.is_empty() {
            self.buf = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        } else {
            self.extend(&bytes);
        }
    }

    /// The next complete reply. An error is final: every later call returns it again.
    #[expect(clippy::should_implement_trait, reason = "no reply yet is not the end of them")]
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.scanner.scan(&self.buf, &self.limits).and_then(|end| {
            let frame = end.map(|end| self.take(end));
            if self.buf.is_empty() && frame.as_ref().is_some_and(|frame| frame.len() > KEEP_BYTES) {
                // An idle connection does not keep the room that its largest reply took.
                self.buf = BytesMut::new();
            }
            frame.map(|frame| build(&frame)).transpose()
        });
        self.failed = result.as_ref().err().cloned();
        result
    }

    /// Takes the first `end` bytes. A buffer that is used up is not split: that would make it one that is shared.
    fn take(&mut self, end: usize) -> Bytes {
        if end == self.buf.len() && end == self.buf.capacity() {
            core::mem::take(&mut self.buf).freeze()
        } else {
            self.buf.split_to(end).freeze()
        }
    }

    /// Bytes received that are not part of a reply yet.
    pub fn pending_len(&self) -> usize {
        self.buf.len()
    }

    /// Takes the bytes that were not decoded, when the link goes on with something other than replies.
    pub fn take_pending(&mut self) -> Bytes {
        self.scanner = Scanner::default();
        core::mem::take(&mut self.buf).freeze()
    }
}

/// The room of a reply up to this size is kept for the next one.
const KEEP_BYTES: usize = 1024;

/// An array whose values are being put together.
struct Open {
    kind: u8,
    len: usize,
    items: Vec<Reply>,
}

/// Takes a scanned frame apart. The work list stands for the stack, so depth costs no recursion.
fn build(frame: &Bytes) -> Result<Reply, ReplyError> {
    if frame == b"+PONG\r\n".as_slice() {
        // The most frequent reply of all shares nothing.
        return Ok(Reply::Simple(Bytes::from_static(b"PONG")));
    }
    let mut open: Vec<Open> = Vec::new();
    let mut pos = 0;
    loop {
        let mut value = match take_value(frame, &mut pos)? {
            Taken::Value(value) => Some(value),
            Taken::Aggregate { kind, len } if len > 0 => {
                // The scanner has seen this many values.
                open.push(Open { kind, len, items: Vec::with_capacity(len) });
                continue;
            }
            Taken::Aggregate { kind, .. } => close(kind, Vec::new()),
        };
        // A value goes into the array around it, and may complete that. Attributes are nothing.
        while let Some(complete) = value.take() {
            let Some(around) = open.last_mut() else {
                return Ok(complete);
            };
            around.items.push(complete);
            if around.items.len() == around.len {
                value = open.pop().and_then(|Open { kind, items, .. }| close(kind, items));
            }
        }
    }
}

/// The reply of type `kind` with these items; none for attributes.
fn close(kind: u8, items: Vec<Reply>) -> Option<Reply> {
    match kind {
        b'|' => None,
        b'%' => {
            let mut pairs = Vec::with_capacity(items.len() / 2);
            let mut items = items.into_iter();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Some(Reply::Map(pairs))
        }
        b'~' => Some(Reply::Set(items)),
        b'>' => Some(Reply::Push(items)),
        _ => Some(Reply::Array(items)),
    }
}

enum Taken {
    Value(Reply),
    Aggregate { kind: u8, len: usize },
}

/// Takes one value, or the first line of an array, from `frame` at `pos`.
fn take_value(frame: &Bytes, pos: &mut usize) -> Result<Taken, ReplyError> {
    let start = *pos;
    let rest = &frame[start..];
    let kind = rest.first().copied().expect("the scanner found the end of the reply behind this");
    if matches!(kind, b'*' | b'~' | b'>' | b'%' | b'|' | b'$' | b'=') {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("the scanner read this line");
        let body = start + end + 2;
        match Header::read(kind, &rest[1..end])? {
            Header::Aggregate(len) => {
                *pos = body;
                let len = usize::try_from(len).expect("the scanner saw as many values");
                return Ok(Taken::Aggregate { kind, len });
            }
            Header::Null => {
                *pos = body;
                return Ok(Taken::Value(Reply::Null));
            }
            Header::NullArray => {
                *pos = body;
                return Ok(Taken::Value(Reply::NullArray));
            }
            Header::Bulk(len) if kind == b'=' => {
                // Formats other than txt and mkd are unknown to redis-protocol.
                let len = usize::try_from(len).expect("the scanner saw as many bytes");
                *pos = body + len + 2;
                return verbatim(&frame.slice(body..body + len)).map(Taken::Value);
            }
            Header::Bulk(_) | Header::Line => {}
        }
    }
    let (value, len) = scalar(kind, frame, start)?;
    *pos = start + len;
    Ok(Taken::Value(value))
}

fn verbatim(body: &Bytes) -> Result<Reply, ReplyError> {
    match body[..] {
        [a, b, c, b':', ..] => Ok(Reply::Verbatim([a, b, c], body.slice(4..))),
        _ => Err(invalid(b'=', "expected a format of three letters and a colon")),
    }
}

/// Decodes one value that is not an array, and tells how many bytes it takes.
fn scalar(kind: u8, frame: &Bytes, start: usize) -> Result<(Reply, usize), ReplyError> {
    let (decoded, len) = decode_range(&frame[start..])
        .map_err(|error| invalid(kind, error.details()))?
        .expect("the scanner found the end of this value");
    let slice = |(from, to): (usize, usize)| frame.slice(start + from..start + to);
    let text = || slice((1, len - 2));
    let reply = match decoded {
        RangeFrame::SimpleString { data, .. } => Reply::Simple(slice(data)),
        RangeFrame::SimpleError { data, .. } | RangeFrame::BlobError { data, .. } => {
            Reply::Error(slice(data))
        }
        RangeFrame::BlobString { data, .. } => Reply::Bulk(slice(data)),
        RangeFrame::Number { data, .. } => Reply::Integer(data),
        RangeFrame::Boolean { data, .. } => Reply::Bool(data),
        RangeFrame::Null if len == b"_\r\n".len() => Reply::Null,
        RangeFrame::Null => return Err(invalid(kind, "expected nothing after '_'")),
        RangeFrame::Double { .. } => Reply::Double(text()),
        RangeFrame::BigNumber { .. } => {
            let text = text();
            let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(&text);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(invalid(kind, "expected an integer"));
            }
            Reply::BigNumber(text)
        }
        RangeFrame::VerbatimString { .. }
        | RangeFrame::Array { .. }
        | RangeFrame::Map { .. }
        | RangeFrame::Set { .. }
        | RangeFrame::Push { .. }
        | RangeFrame::Hello { .. }
        | RangeFrame::ChunkedString(_) => return Err(ReplyError::UnknownType { got: kind }),
    };
    Ok((reply, len))
}

fn invalid(kind: u8, details: &str) -> ReplyError {
    let details: String = details.to_owned();
    ReplyError::InvalidValue { kind, details }
}
