//! Replies of servers, from bytes in any pieces.
//!
//! [`Scanner`] finds where a reply ends; then this module takes it apart. Not by `redis-protocol`: its maps and sets
//! are hashed and would lose their order, RESP2's two nulls would become one, it descends one stack frame for each
//! level that a peer opens, and what is left are lines of a few forms.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

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

    /// The next complete reply. An error is final: every later call returns it again.
    #[expect(clippy::should_implement_trait, reason = "no reply yet is not the end of them")]
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.scanner.scan(&self.buf, &self.limits).and_then(|end| {
            let frame = end.map(|end| self.buf.split_to(end).freeze());
            frame.map(|frame| build(&frame)).transpose()
        });
        self.failed = result.as_ref().err().cloned();
        result
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

/// An array whose values are being put together.
struct Open {
    kind: u8,
    len: usize,
    items: Vec<Reply>,
}

/// Takes a scanned frame apart. The work list stands for the stack, so depth costs no recursion.
fn build(frame: &Bytes) -> Result<Reply, ReplyError> {
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
    let start = *pos + 1;
    let kind = frame[*pos];
    let len = frame[start..].windows(2).position(|pair| pair == b"\r\n").expect("the scanner read this line");
    let line = frame.slice(start..start + len);
    let body = start + len + 2;
    *pos = body;
    Ok(Taken::Value(match Header::read(kind, &line)? {
        Header::Aggregate(len) => {
            let len = usize::try_from(len).expect("the scanner saw as many values");
            return Ok(Taken::Aggregate { kind, len });
        }
        Header::Null => Reply::Null,
        Header::NullArray => Reply::NullArray,
        Header::Bulk(len) => {
            let len = usize::try_from(len).expect("the scanner saw as many bytes");
            *pos = body + len + 2;
            string(kind, frame.slice(body..body + len))?
        }
        Header::Line => scalar(kind, line)?,
    }))
}

/// A value whose length stands before it.
fn string(kind: u8, body: Bytes) -> Result<Reply, ReplyError> {
    match (kind, &body[..]) {
        (b'=', &[a, b, c, b':', ..]) => Ok(Reply::Verbatim([a, b, c], body.slice(4..))),
        (b'=', _) => Err(invalid(kind, "expected a format of three letters and a colon")),
        (b'!', _) => Ok(Reply::Error(body)),
        _ => Ok(Reply::Bulk(body)),
    }
}

/// A value that is one line.
fn scalar(kind: u8, line: Bytes) -> Result<Reply, ReplyError> {
    match kind {
        b'+' => Ok(Reply::Simple(line)),
        b'-' => Ok(Reply::Error(line)),
        b':' => match core::str::from_utf8(&line).map(str::parse) {
            Ok(Ok(value)) => Ok(Reply::Integer(value)),
            _ => Err(invalid(kind, "expected an integer of 64 bits")),
        },
        b'#' => match &line[..] {
            b"t" => Ok(Reply::Bool(true)),
            b"f" => Ok(Reply::Bool(false)),
            _ => Err(invalid(kind, "expected 't' or 'f'")),
        },
        b'_' if line.is_empty() => Ok(Reply::Null),
        b'_' => Err(invalid(kind, "expected nothing after '_'")),
        // The text is what counts: it is kept as it came.
        b',' if is_double(&line) => Ok(Reply::Double(line)),
        b',' => Err(invalid(kind, "expected a number")),
        b'(' => {
            let digits = line.strip_prefix(b"-").or(line.strip_prefix(b"+")).unwrap_or(&line);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(invalid(kind, "expected an integer"));
            }
            Ok(Reply::BigNumber(line))
        }
        got => Err(ReplyError::UnknownType { got }),
    }
}

/// Whether this is the text of a double.
fn is_double(text: &[u8]) -> bool {
    let unsigned = |text: &[u8]| text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text).to_vec();
    let are_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let text = unsigned(text).to_ascii_lowercase();
    if matches!(&text[..], b"inf" | b"nan") {
        return true;
    }
    let mut parts = text.splitn(2, |byte| *byte == b'e');
    let mantissa = parts.next().unwrap_or_default();
    let exponent_fits =
        parts.next().map(unsigned).is_none_or(|digits| !digits.is_empty() && are_digits(&digits));
    let mut halves = mantissa.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    exponent_fits && are_digits(whole) && are_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

fn invalid(kind: u8, details: &str) -> ReplyError {
    let details: String = details.to_owned();
    ReplyError::InvalidValue { kind, details }
}
