//! Finds the end of a reply without decoding it, and keeps its limits.
//!
//! The scanner goes on where the last read stopped and holds one small entry for each open array, so
//! neither time nor memory depends on what a peer announces.

use alloc::vec::Vec;

use crate::number::parse_i64;
use crate::{ReplyError, quote};

/// What a peer may send. Beyond it the reply is refused as soon as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Bytes of one string; also of one line. Redis's own limit is 512 MB.
    pub bulk_len_max: u64,
    /// Values inside one reply, on all levels together.
    pub elements_max: u64,
    /// Arrays within arrays, at most [`ReplyLimits::DEPTH_MAX`].
    pub depth_max: u32,
    /// Bytes of one reply.
    pub frame_len_max: u64,
}

impl ReplyLimits {
    /// The deepest nesting that can be asked for; a [`crate::Reply`] is encoded and dropped level by level.
    pub const DEPTH_MAX: u32 = 128;
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self {
            bulk_len_max: 512 * 1024 * 1024,
            elements_max: 16 * 1024 * 1024,
            depth_max: 32,
            frame_len_max: 1024 * 1024 * 1024,
        }
    }
}

/// The longest length, count, integer, truth value or null: more than any of them needs.
const SHORT_LINE_LEN_MAX: u64 = 64;
/// Bytes of a peer's text that an error shows.
const SHOWN_LEN: usize = 64;

/// What a reply's first line announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// The line is the value.
    Line,
    /// `$-1`.
    Null,
    /// `*-1`.
    NullArray,
    /// So many bytes follow, then CR LF.
    Bulk(u64),
    /// So many values follow; a pair counts as two.
    Aggregate(u64),
}

impl Header {
    /// Reads the line of type `kind` whose text is `text`.
    pub(crate) fn read(kind: u8, text: &[u8]) -> Result<Self, ReplyError> {
        let invalid = || ReplyError::InvalidLength { kind, got: quote(&text[..text.len().min(SHOWN_LEN)]) };
        match kind {
            b'+' | b'-' | b':' | b',' | b'(' | b'#' | b'_' => return Ok(Self::Line),
            b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|' if text == b"?" => {
                return Err(ReplyError::Streamed { kind });
            }
            _ => {}
        }
        let len = parse_i64(text).ok_or_else(invalid)?;
        match (kind, len) {
            (b'$', -1) => return Ok(Self::Null),
            (b'*', -1) => return Ok(Self::NullArray),
            _ => {}
        }
        let len = u64::try_from(len).map_err(|_| invalid())?;
        match kind {
            // A verbatim string has its format and a colon in front.
            b'=' if len < 4 => Err(invalid()),
            b'$' | b'!' | b'=' => Ok(Self::Bulk(len)),
            b'%' | b'|' => Ok(Self::Aggregate(len.saturating_mul(2))),
            _ => Ok(Self::Aggregate(len)),
        }
    }
}

/// An array whose values are still coming.
#[derive(Clone, Copy, Debug)]
struct Open {
    remaining: u64,
    /// Attributes stand in front of a value and are none themselves.
    is_attribute: bool,
}

/// How far the reply at the front of a buffer has been scanned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    pos: usize,
    /// Everything before it has been searched for the end of the line that starts at `pos`.
    searched: usize,
    /// Length of the string whose bytes start at `pos`.
    bulk_len: Option<u64>,
    open: Vec<Open>,
    elements: u64,
    /// The outermost value has ended at `pos`.
    complete: bool,
}

impl Scanner {
    /// The length of the reply at the front of `buf`, or none while it is incomplete. After a reply the
    /// scanner is new again.
    pub(crate) fn scan(&mut self, buf: &[u8], limits: &ReplyLimits) -> Result<Option<usize>, ReplyError> {
        loop {
            if self.bulk_len.is_none() && !self.scan_line(buf, limits)? {
                return Ok(None);
            }
            if let Some(len) = self.bulk_len {
                if !self.scan_bulk(buf, len)? {
                    return Ok(None);
                }
                self.close_value();
            }
            if self.complete {
                let end = self.pos;
                *self = Self { open: core::mem::take(&mut self.open), ..Self::default() };
                return Ok(Some(end));
            }
        }
    }

    /// Reads the first line of a value; false when it is incomplete.
    fn scan_line(&mut self, buf: &[u8], limits: &ReplyLimits) -> Result<bool, ReplyError> {
        let Some(&kind) = buf.get(self.pos) else {
            return Ok(false);
        };
        let line_len_max = match kind {
            b'+' | b'-' | b',' | b'(' => limits.bulk_len_max,
            b':' | b'#' | b'_' | b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|' => SHORT_LINE_LEN_MAX,
            b';' | b'.' => return Err(ReplyError::Streamed { kind }),
            got => return Err(ReplyError::UnknownType { got }),
        };
        let room = limits.frame_len_max.saturating_sub(self.pos as u64 + 3);
        let too_long = if room < line_len_max {
            ReplyError::FrameTooLong { max: limits.frame_len_max }
        } else {
            ReplyError::LineTooLong { kind, max: line_len_max }
        };
        let Some(end) = self.find_line_end(buf, line_len_max.min(room)).ok_or(too_long)? else {
            return Ok(false);
        };
        let header = Header::read(kind, &buf[self.pos + 1..end])?;
        self.pos = end + 2;
        self.check_frame_len(0, limits)?;
        let is_attribute = kind == b'|';
        match header {
            Header::Bulk(len) => {
                if len > limits.bulk_len_max {
                    return Err(ReplyError::BulkTooLong { len, max: limits.bulk_len_max });
                }
                self.check_frame_len(len.saturating_add(2), limits)?;
                self.count(1, limits)?;
                self.bulk_len = Some(len);
            }
            Header::Line | Header::Null | Header::NullArray => {
                self.count(1, limits)?;
                self.close_value();
            }
            Header::Aggregate(count) => {
                if !is_attribute {
                    self.count(1, limits)?;
                }
                let depth_max = limits.depth_max.min(ReplyLimits::DEPTH_MAX);
                if self.open.len() as u64 >= u64::from(depth_max) {
                    return Err(ReplyError::TooDeep { max: depth_max });
                }
                if self.elements.saturating_add(count) > limits.elements_max {
                    let count = self.elements.saturating_add(count);
                    return Err(ReplyError::TooManyElements { count, max: limits.elements_max });
                }
                if count > 0 {
                    self.open.push(Open { remaining: count, is_attribute });
                } else if !is_attribute {
                    self.close_value();
                }
            }
        }
        Ok(true)
    }

    /// Waits for the bytes of a string and its end; false while they are not all there.
    fn scan_bulk(&mut self, buf: &[u8], len: u64) -> Result<bool, ReplyError> {
        let received = buf.get(self.pos..).unwrap_or_default();
        let Some(end) = usize::try_from(len).ok().and_then(|len| received.get(len..)) else {
            return Ok(false);
        };
        match end {
            [] | [b'\r'] => Ok(false),
            [b'\r', b'\n', ..] => {
                self.pos = buf.len() - end.len() + 2;
                self.bulk_len = None;
                Ok(true)
            }
            _ => Err(ReplyError::MissingTerminator { len }),
        }
    }

    /// One value is complete, and with it perhaps the arrays that it ends.
    fn close_value(&mut self) {
        while let Some(open) = self.open.last_mut() {
            open.remaining -= 1;
            if open.remaining > 0 {
                return;
            }
            let is_attribute = open.is_attribute;
            self.open.pop();
            if is_attribute {
                return;
            }
        }
        self.complete = true;
    }

    fn count(&mut self, count: u64, limits: &ReplyLimits) -> Result<(), ReplyError> {
        self.elements = self.elements.saturating_add(count);
        if self.elements > limits.elements_max {
            return Err(ReplyError::TooManyElements { count: self.elements, max: limits.elements_max });
        }
        Ok(())
    }

    fn check_frame_len(&self, more: u64, limits: &ReplyLimits) -> Result<(), ReplyError> {
        if (self.pos as u64).saturating_add(more) > limits.frame_len_max {
            return Err(ReplyError::FrameTooLong { max: limits.frame_len_max });
        }
        Ok(())
    }

    /// Where CR LF stands behind at most `len_max` bytes of text: none when there are more, an inner none
    /// when it has not arrived.
    #[expect(clippy::option_option, reason = "two different nothings")]
    fn find_line_end(&mut self, buf: &[u8], len_max: u64) -> Option<Option<usize>> {
        let start = self.pos + 1;
        let window_len_max = usize::try_from(len_max).unwrap_or(usize::MAX).saturating_add(2);
        let end = buf.len().min(start.saturating_add(window_len_max));
        let window = &buf[..end];
        let mut from = self.searched.max(start);
        while let Some(at) = window.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'\r')) {
            from += at;
            match window.get(from + 1) {
                Some(b'\n') => return Some(Some(from)),
                Some(_) => from += 1,
                None => {
                    self.searched = from;
                    return (end - start < window_len_max).then_some(None);
                }
            }
        }
        self.searched = end;
        (end - start < window_len_max).then_some(None)
    }
}
