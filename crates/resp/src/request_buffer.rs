//! A [`RequestParser`] together with the bytes it reads.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};

use crate::request::debug_args;
use crate::{ProtocolError, Request, RequestParser};

/// A buffer above this size is not kept when it runs empty.
const KEPT_LEN: usize = 64 * 1024;

/// The receiving side of a connection: bytes go in, requests come out.
#[derive(Clone, Debug, Default)]
pub struct RequestBuffer {
    buf: BytesMut,
    parser: RequestParser,
    /// Bytes of the request handed out last, dropped when the next is asked for.
    lent: usize,
    /// The most bytes held since the buffer was last empty.
    peak: usize,
    taken: u64,
}

impl RequestBuffer {
    /// An empty buffer with the limits of [`RequestParser::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`RequestParser::set_authenticated`]; counts from the next request.
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.parser.set_authenticated(authenticated);
    }

    /// See [`RequestParser::set_max_bulk_len`]; counts from the next argument.
    pub fn set_max_bulk_len(&mut self, max_bulk_len: u64) {
        self.parser.set_max_bulk_len(max_bulk_len);
    }

    /// Appends bytes that were received.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.release();
        self.buf.extend_from_slice(bytes);
        self.peak = self.peak.max(self.buf.len());
    }

    /// The next complete request, borrowed until the buffer is used again. An error is final.
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot be an Iterator")]
    pub fn next(&mut self) -> Result<Option<Request<'_>>, ProtocolError> {
        if !self.poll()? {
            return Ok(None);
        }
        let request = self.parser.request(&self.buf);
        self.lent = request.consumed();
        Ok(Some(request))
    }

    /// As [`RequestBuffer::next`], as a value of its own; its arguments share the received bytes.
    pub fn next_owned(&mut self) -> Result<Option<OwnedRequest>, ProtocolError> {
        if !self.poll()? {
            return Ok(None);
        }
        let request = self.parser.request(&self.buf);
        let consumed = request.consumed();
        if request.is_inline() {
            let owned = request.to_owned();
            self.lent = consumed;
            return Ok(Some(owned));
        }
        let mut bytes = self.buf.split_to(consumed).freeze();
        self.taken += consumed as u64;
        self.peak = self.buf.len();
        let ranges = self.parser.request(&bytes).ranges();
        let mut args = Vec::with_capacity(ranges.len());
        if let Some((last, others)) = ranges.split_last() {
            args.extend(others.iter().map(|range| bytes.slice(range.clone())));
            // The last one takes over what the others share: one count less to keep.
            let Range { start, end } = last.clone();
            bytes.truncate(end);
            bytes.advance(start);
            args.push(bytes);
        }
        Ok(Some(OwnedRequest::new(args)))
    }

    /// Bytes received and not yet handed out: what counts against a client's query buffer limit.
    pub fn pending_len(&self) -> usize {
        self.buf.len() - self.lent
    }

    /// Bytes of the requests handed out so far, empty ones included: a replica's offset in its master's
    /// stream.
    pub fn taken(&self) -> u64 {
        self.taken + self.lent as u64
    }

    /// Takes the bytes that were not handed out, when the connection goes on with another protocol.
    pub fn take_pending(&mut self) -> Bytes {
        self.release();
        self.parser.restart();
        self.peak = 0;
        core::mem::take(&mut self.buf).freeze()
    }

    /// Makes the parser complete the next request; false when its bytes are not all there.
    fn poll(&mut self) -> Result<bool, ProtocolError> {
        self.release();
        let complete = self.parser.poll(&self.buf)?;
        if !complete {
            let skipped = self.parser.take_skipped();
            self.advance(skipped);
        }
        Ok(complete)
    }

    /// Drops what was lent. The parser itself starts anew at its next call.
    fn release(&mut self) {
        let lent = core::mem::take(&mut self.lent);
        self.advance(lent);
    }

    fn advance(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.buf.advance(count);
        self.taken += count as u64;
        if self.buf.is_empty() {
            if self.peak > KEPT_LEN {
                self.buf = BytesMut::new();
            }
            self.peak = 0;
        }
    }
}

/// A request that owns its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedRequest {
    args: Vec<Bytes>,
}

impl OwnedRequest {
    pub(crate) fn new(args: Vec<Bytes>) -> Self {
        Self { args }
    }

    /// Number of arguments, the command's name included; at least one.
    #[expect(clippy::len_without_is_empty, reason = "empty requests are skipped")]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Argument `index`, 0 being the command's name.
    ///
    /// # Panics
    /// When `index` is not below [`OwnedRequest::len`]; see [`OwnedRequest::get`].
    pub fn arg(&self, index: usize) -> &Bytes {
        &self.args[index]
    }

    /// Argument `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&Bytes> {
        self.args.get(index)
    }

    /// The arguments in order, the command's name first.
    pub fn args(&self) -> &[Bytes] {
        &self.args
    }

    /// The arguments in order, the command's name first.
    pub fn into_args(self) -> Vec<Bytes> {
        self.args
    }
}

/// The command's name and the sizes of its arguments: arguments may be passwords.
impl fmt::Debug for OwnedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_args(f, "OwnedRequest", self.args.iter().map(|arg| &arg[..]))
    }
}
