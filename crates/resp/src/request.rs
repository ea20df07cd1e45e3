//! Requests of clients: arrays of bulk strings and inline commands
//! (`networking.c: processMultibulkBuffer, processInlineBuffer`).
//!
//! The parser reads a buffer that its caller owns and remembers how far it has come, so the same
//! bytes give the same requests however they were cut into reads.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::args::split_into;
use crate::number::parse_i64;
use crate::{OwnedRequest, ProtocolError, quote};

/// Default of `proto-max-bulk-len`: 512 MB.
pub const DEFAULT_MAX_BULK_LEN: u64 = 512 * 1024 * 1024;

/// `PROTO_INLINE_MAX_SIZE`: the longest line, be it an inline command or a length.
const LINE_LEN_MAX: usize = 64 * 1024;
/// Arguments of one request that a connection may send before it is authenticated.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
/// Bytes of one argument that a connection may send before it is authenticated.
const UNAUTHENTICATED_BULK_LEN_MAX: u64 = 16384;
/// Argument slots kept for the next request; what one huge request needed is given back.
const KEPT_ARGS: usize = 1024;

/// Reads requests from the front of a growing buffer, without copying arguments.
///
/// ```
/// use picket_resp::RequestParser;
///
/// let mut buf = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPING\r\n".to_vec();
/// let mut parser = RequestParser::new();
/// let request = parser.parse(&buf)?.expect("it is complete");
/// assert_eq!(request.arg(1), b"key");
/// let consumed = request.consumed();
/// buf.drain(..consumed);
/// assert_eq!(parser.parse(&buf)?.expect("it is complete").arg(0), b"PING");
/// # Ok::<(), picket_resp::ProtocolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestParser {
    max_bulk_len: u64,
    authenticated: bool,
    /// Everything before it has been understood.
    pos: usize,
    /// Everything before it has been searched for the end of the line that starts at `pos`.
    searched: usize,
    /// End of the last request that turned out to be empty.
    skipped: usize,
    /// Arguments of an array that are still to come.
    remaining: u32,
    /// Length of the argument whose bytes start at `pos`.
    bulk_len: Option<usize>,
    args: Vec<Range<usize>>,
    /// Words of an inline command with their quotes resolved.
    inline: Vec<u8>,
    is_inline: bool,
    /// A request was handed out; its bytes are gone when the next call comes.
    handed_out: bool,
    failed: Option<ProtocolError>,
}

impl Default for RequestParser {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestParser {
    /// A parser for an authenticated connection, with Redis's default limits.
    pub fn new() -> Self {
        Self {
            max_bulk_len: DEFAULT_MAX_BULK_LEN,
            authenticated: true,
            pos: 0,
            searched: 0,
            skipped: 0,
            remaining: 0,
            bulk_len: None,
            args: Vec::new(),
            inline: Vec::new(),
            is_inline: false,
            handed_out: false,
            failed: None,
        }
    }

    /// Sets `proto-max-bulk-len`, in bytes. A link to a master takes `u64::MAX`, as Redis has no limit there.
    pub fn set_max_bulk_len(&mut self, max_bulk_len: u64) {
        self.max_bulk_len = max_bulk_len;
    }

    /// Before authentication a request has at most 10 arguments of at most 16384 bytes.
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.authenticated = authenticated;
    }

    /// The next request in `buf`, or `None` while it is incomplete.
    ///
    /// `buf` starts at the first byte not yet consumed. After `None` call again with more bytes behind the
    /// same ones (less [`RequestParser::take_skipped`]); after a request, drop [`Request::consumed`] bytes
    /// first. Empty requests (`*0`, `*-1`, blank lines) are skipped. An error is final: every later call
    /// returns it again.
    pub fn parse<'a>(&'a mut self, buf: &'a [u8]) -> Result<Option<Request<'a>>, ProtocolError> {
        Ok(self.poll(buf)?.then(|| self.request(buf)))
    }

    /// As [`RequestParser::parse`], without the borrow: true when [`RequestParser::request`] has one.
    pub(crate) fn poll(&mut self, buf: &[u8]) -> Result<bool, ProtocolError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.handed_out {
            self.restart();
        }
        match self.advance(buf) {
            Ok(complete) => {
                self.handed_out = complete;
                Ok(complete)
            }
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// The request that the last [`RequestParser::poll`] completed.
    pub(crate) fn request<'a>(&'a self, buf: &'a [u8]) -> Request<'a> {
        assert!(self.handed_out, "no request is complete");
        let data = if self.is_inline { &self.inline } else { buf };
        Request { data, args: &self.args, consumed: self.pos, is_inline: self.is_inline }
    }

    /// After [`RequestParser::parse`] returned `None`: how many bytes at the front of the buffer are empty
    /// requests. The caller drops them now; a peer that sends nothing else must not fill the buffer.
    pub fn take_skipped(&mut self) -> usize {
        if self.handed_out {
            return 0;
        }
        let skipped = core::mem::take(&mut self.skipped);
        self.pos -= skipped;
        self.searched = self.searched.saturating_sub(skipped);
        for arg in &mut self.args {
            *arg = arg.start - skipped..arg.end - skipped;
        }
        skipped
    }

    /// Forgets a request that was begun: the next bytes start a new one.
    pub(crate) fn restart(&mut self) {
        self.pos = 0;
        self.searched = 0;
        self.skipped = 0;
        self.remaining = 0;
        self.bulk_len = None;
        self.handed_out = false;
        self.is_inline = false;
        self.args.clear();
        if self.args.capacity() > KEPT_ARGS {
            self.args.shrink_to(KEPT_ARGS);
        }
    }

    /// Reads on from where the last call stopped; true when a request is complete.
    fn advance(&mut self, buf: &[u8]) -> Result<bool, ProtocolError> {
        loop {
            if self.remaining > 0 {
                return self.advance_args(buf);
            }
            match buf.get(self.pos) {
                None => return Ok(false),
                Some(b'*') => {
                    if !self.advance_count(buf)? {
                        return Ok(false);
                    }
                }
                Some(_) => {
                    if !self.advance_inline(buf)? {
                        return Ok(false);
                    }
                    if self.is_inline {
                        return Ok(true);
                    }
                }
            }
            if self.remaining == 0 {
                self.skipped = self.pos;
            }
        }
    }

    /// Reads `*<count>`; false when its line is incomplete.
    fn advance_count(&mut self, buf: &[u8]) -> Result<bool, ProtocolError> {
        let count = if let Some((count, next)) = short_length(buf, self.pos) {
            self.pos = next;
            i64::from(count)
        } else {
            let Some(text) = self.take_line(buf, ProtocolError::TooBigMbulkCountString)? else {
                return Ok(false);
            };
            parse_i64(&text[1..]).ok_or(ProtocolError::InvalidMultibulkLength)?
        };
        if count > i64::from(i32::MAX) {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if count > UNAUTHENTICATED_ARGS_MAX && !self.authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        self.remaining = u32::try_from(count).unwrap_or(0);
        Ok(true)
    }

    /// Reads arguments until the request is complete or the bytes end.
    fn advance_args(&mut self, buf: &[u8]) -> Result<bool, ProtocolError> {
        while self.remaining > 0 {
            let len = match self.bulk_len.take() {
                Some(len) => len,
                None => match self.advance_bulk_len(buf)? {
                    Some(len) => len,
                    None => return Ok(false),
                },
            };
            let start = self.pos;
            let received = buf.len().saturating_sub(start);
            if received < len || received - len < 2 {
                self.bulk_len = Some(len);
                return Ok(false);
            }
            // As in Redis, the two bytes that end an argument are not looked at.
            self.pos = start + len + 2;
            self.remaining -= 1;
            self.args.push(start..start + len);
        }
        Ok(true)
    }

    /// Reads `$<length>`; none when its line is incomplete.
    #[inline]
    fn advance_bulk_len(&mut self, buf: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let len = match short_length(buf, self.pos) {
            Some((len, next)) if buf[self.pos] == b'$' => {
                self.pos = next;
                u64::from(len)
            }
            _ => {
                let Some(text) = self.take_line(buf, ProtocolError::TooBigBulkCountString)? else {
                    return Ok(None);
                };
                let digits = match text {
                    [b'$', digits @ ..] => digits,
                    // An empty line: what stands there is the CR itself.
                    other => {
                        return Err(ProtocolError::ExpectedDollar {
                            got: other.first().copied().unwrap_or(b'\r'),
                        });
                    }
                };
                let len = parse_i64(digits).ok_or(ProtocolError::InvalidBulkLength)?;
                u64::try_from(len).map_err(|_| ProtocolError::InvalidBulkLength)?
            }
        };
        if len > self.max_bulk_len {
            return Err(ProtocolError::InvalidBulkLength);
        }
        if len > UNAUTHENTICATED_BULK_LEN_MAX && !self.authenticated {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        // On a 32-bit machine a longer argument than its memory is as wrong as one above the limit.
        usize::try_from(len).map(Some).map_err(|_| ProtocolError::InvalidBulkLength)
    }

    /// Reads an inline command; false when its line is incomplete. A blank line leaves no request.
    fn advance_inline(&mut self, buf: &[u8]) -> Result<bool, ProtocolError> {
        let Some(end) = self.find(b'\n', buf, ProtocolError::TooBigInlineRequest)? else {
            return Ok(false);
        };
        let line = &buf[self.pos..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.inline.clear();
        split_into(line, &mut self.inline, &mut self.args).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        self.pos = end + 1;
        self.is_inline = !self.args.is_empty();
        Ok(true)
    }

    /// The line at `pos` without its end, and `pos` behind it; none when it is incomplete. As in Redis, the
    /// byte after CR must be there but is not looked at.
    fn take_line<'a>(
        &mut self,
        buf: &'a [u8],
        too_big: ProtocolError,
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        let Some(end) = self.find(b'\r', buf, too_big)? else {
            return Ok(None);
        };
        if buf.len() - end < 2 {
            self.searched = end;
            return Ok(None);
        }
        let line = &buf[self.pos..end];
        self.pos = end + 2;
        Ok(Some(line))
    }

    /// Where `byte` stands within the longest allowed line from `pos`. Bytes searched once are not
    /// searched again, and the limit does not depend on how many have arrived.
    fn find(&mut self, byte: u8, buf: &[u8], too_big: ProtocolError) -> Result<Option<usize>, ProtocolError> {
        let end = buf.len().min(self.pos.saturating_add(LINE_LEN_MAX + 1));
        let from = self.searched.max(self.pos);
        let Some(window) = buf.get(from..end) else {
            return Ok(None);
        };
        if let Some(at) = window.iter().position(|other| *other == byte) {
            return Ok(Some(from + at));
        }
        self.searched = end;
        if end - self.pos > LINE_LEN_MAX { Err(too_big) } else { Ok(None) }
    }
}

/// The common case of a length: at `at` a type byte, one to eight digits and the line's end, all received.
/// Everything else, right or wrong, is left to the thorough path.
#[inline]
fn short_length(buf: &[u8], at: usize) -> Option<(u32, usize)> {
    let digit = |byte: u8| u32::from(byte - b'0');
    let line = buf.get(at + 1..)?;
    match *line {
        [a @ b'0'..=b'9', b'\r', _, ..] => Some((digit(a), at + 4)),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, ..] => Some((digit(a) * 10 + digit(b), at + 5)),
        [a @ b'1'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => {
            let mut value = digit(a);
            for (len, byte) in line.iter().enumerate().take(9).skip(1) {
                match *byte {
                    b'\r' => return (line.len() > len + 1).then_some((value, at + len + 3)),
                    b'0'..=b'9' => value = value * 10 + digit(*byte),
                    _ => return None,
                }
            }
            None
        }
        _ => None,
    }
}

/// One request: a command and its arguments, borrowed from the buffer and the parser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    data: &'a [u8],
    args: &'a [Range<usize>],
    consumed: usize,
    is_inline: bool,
}

impl<'a> Request<'a> {
    /// Number of arguments, the command's name included; at least one.
    #[expect(clippy::len_without_is_empty, reason = "empty requests are skipped")]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Argument `index`, 0 being the command's name.
    ///
    /// # Panics
    /// When `index` is not below [`Request::len`]; see [`Request::get`].
    pub fn arg(&self, index: usize) -> &'a [u8] {
        &self.data[self.args[index].clone()]
    }

    /// Argument `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.args.get(index).map(|range| &self.data[range.clone()])
    }

    /// The arguments in order, the command's name first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let data = self.data;
        self.args.iter().map(move |range| &data[range.clone()])
    }

    /// Bytes to drop from the front of the buffer: this request and the empty ones before it.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether it came as an inline command. A master never sends one.
    pub fn is_inline(&self) -> bool {
        self.is_inline
    }

    /// A copy that owns its arguments.
    pub fn to_owned(&self) -> OwnedRequest {
        OwnedRequest::new(self.iter().map(Bytes::copy_from_slice).collect())
    }

    /// Where the arguments stand in the buffer; for an inline command, among its words with quotes resolved.
    pub fn ranges(&self) -> &'a [Range<usize>] {
        self.args
    }
}

/// The command's name and the sizes of its arguments: arguments may be passwords.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_args(f, "Request", self.iter())
    }
}

pub(crate) fn debug_args<'a>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    mut args: impl ExactSizeIterator<Item = &'a [u8]>,
) -> fmt::Result {
    let name = args.next().unwrap_or_default();
    write!(f, "{what}({}", quote(&name[..name.len().min(128)]))?;
    let more = args.len() > 16;
    for arg in args.take(16) {
        write!(f, ", {} bytes", arg.len())?;
    }
    f.write_str(if more { ", ...)" } else { ")" })
}
