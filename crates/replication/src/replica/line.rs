//! Lines of the handshake, out of bytes that arrive in any pieces.

use alloc::vec::Vec;

use bytes::{Buf as _, Bytes};

/// The longest line of the handshake and the longest payload header.
pub(crate) const LINE_LEN_MAX: usize = 1024;

/// A line of more than [`LINE_LEN_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineTooLong;

/// Collects one line at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineReader {
    partial: Vec<u8>,
}

impl LineReader {
    /// Takes the next line out of `bytes`, without its end; none when more is needed.
    pub(crate) fn take(&mut self, bytes: &mut Bytes) -> Result<Option<Vec<u8>>, LineTooLong> {
        let end = bytes.iter().take(LINE_LEN_MAX + 1).position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        if self.partial.len() + taken > LINE_LEN_MAX {
            return Err(LineTooLong);
        }
        self.partial.extend_from_slice(&bytes[..taken]);
        bytes.advance(taken);
        if end.is_none() {
            return Ok(None);
        }
        bytes.advance(1);
        if self.partial.last() == Some(&b'\r') {
            self.partial.pop();
        }
        Ok(Some(core::mem::take(&mut self.partial)))
    }

    /// Whether a line has begun and not ended.
    pub(crate) fn has_begun(&self) -> bool {
        !self.partial.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together() {
        let mut reader = LineReader::default();
        let mut bytes = Bytes::from_static(b"+PO");
        assert_eq!(reader.take(&mut bytes), Ok(None));
        assert!(reader.has_begun() && bytes.is_empty());
        let mut bytes = Bytes::from_static(b"NG\r\n\n+OK\n$");
        assert_eq!(reader.take(&mut bytes), Ok(Some(b"+PONG".to_vec())));
        assert_eq!(reader.take(&mut bytes), Ok(Some(Vec::new())));
        assert_eq!(reader.take(&mut bytes), Ok(Some(b"+OK".to_vec())));
        assert_eq!(reader.take(&mut bytes), Ok(None));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut reader = LineReader::default();
        let mut bytes = Bytes::from(alloc::vec![b'x'; LINE_LEN_MAX]);
        assert_eq!(reader.take(&mut bytes), Ok(None));
        assert_eq!(reader.take(&mut Bytes::from_static(b"x")), Err(LineTooLong));
    }
}
