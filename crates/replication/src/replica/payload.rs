//! Framing of the snapshot: its header, its length or its mark (`replication.c: readSyncBulkPayload`).

use alloc::vec::Vec;

use bytes::Bytes;

use super::line::{LineReader, LineTooLong};
use super::mark::{MARK_LEN, MarkScanner};

/// How the end of a snapshot is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadSize {
    /// A disk-based transfer: that many bytes.
    Bytes(u64),
    /// A diskless transfer: until the mark.
    UntilMark,
}

/// What bytes of a transfer were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More is needed. Newlines that keep the link alive are nothing else.
    More,
    /// The header was read; there may be more in the same bytes.
    Header(PayloadSize),
    /// The payload is complete.
    End,
}

/// Why a payload cannot be received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PayloadError {
    /// The master said so, in these words.
    Aborted(Vec<u8>),
    /// That is no header.
    BadHeader(Vec<u8>),
}

/// Reads one payload.
#[derive(Clone, Debug)]
pub(crate) struct PayloadReader {
    framing: Framing,
    /// Payload bytes passed on.
    read: u64,
}

#[derive(Clone, Debug)]
enum Framing {
    Header(LineReader),
    Length(u64),
    Mark(alloc::boxed::Box<MarkScanner>),
}

impl PayloadReader {
    pub(crate) fn new() -> Self {
        Self { framing: Framing::Header(LineReader::default()), read: 0 }
    }

    /// Payload bytes passed on so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The announced size, once known.
    pub(crate) fn size(&self) -> Option<PayloadSize> {
        match &self.framing {
            Framing::Header(_) => None,
            Framing::Length(len) => Some(PayloadSize::Bytes(*len)),
            Framing::Mark(_) => Some(PayloadSize::UntilMark),
        }
    }

    /// Takes what belongs to the transfer out of `bytes`.
    pub(crate) fn read(
        &mut self,
        bytes: &mut Bytes,
        payload: &mut Vec<Bytes>,
    ) -> Result<Progress, PayloadError> {
        match &mut self.framing {
            Framing::Header(lines) => loop {
                let line = match lines.take(bytes) {
                    Ok(Some(line)) => line,
                    Ok(None) => return Ok(Progress::More),
                    Err(LineTooLong) => return Err(PayloadError::BadHeader(Vec::new())),
                };
                if !line.is_empty() {
                    self.framing = header(line)?;
                    return Ok(Progress::Header(self.size().expect("the header was read just now")));
                }
            },
            Framing::Length(len) => {
                let left = *len - self.read;
                let taken = bytes.split_to(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
                self.read += taken.len() as u64;
                if !taken.is_empty() {
                    payload.push(taken);
                }
                Ok(if self.read == *len { Progress::End } else { Progress::More })
            }
            Framing::Mark(scanner) => {
                let before = payload.len();
                let found = scanner.scan(bytes, payload);
                self.read += payload[before..].iter().map(|bytes| bytes.len() as u64).sum::<u64>();
                Ok(if found { Progress::End } else { Progress::More })
            }
        }
    }
}

fn header(line: Vec<u8>) -> Result<Framing, PayloadError> {
    match line.split_first() {
        Some((b'-', message)) => Err(PayloadError::Aborted(message.to_vec())),
        Some((b'$', size)) => {
            if let Some(mark) = size.strip_prefix(b"EOF:").and_then(|mark| mark.get(..MARK_LEN)) {
                let mut bytes = [0; MARK_LEN];
                bytes.copy_from_slice(mark);
                return Ok(Framing::Mark(alloc::boxed::Box::new(MarkScanner::new(bytes))));
            }
            match crate::number::parse_u64(size) {
                Some(len) => Ok(Framing::Length(len)),
                None => Err(PayloadError::BadHeader(line)),
            }
        }
        _ => Err(PayloadError::BadHeader(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &'static [u8]) -> (Vec<Progress>, Vec<u8>, Bytes) {
        let mut reader = PayloadReader::new();
        let mut bytes = Bytes::from_static(input);
        let mut payload = Vec::new();
        let mut seen = Vec::new();
        loop {
            let progress = reader.read(&mut bytes, &mut payload).expect("valid");
            seen.push(progress.clone());
            if !matches!(progress, Progress::Header(_)) {
                return (seen, payload.concat(), bytes);
            }
        }
    }

    #[test]
    fn both_framings() {
        let (seen, payload, rest) = read(b"\n\n$5\r\nhello*1\r\n");
        assert_eq!(seen, [Progress::Header(PayloadSize::Bytes(5)), Progress::End]);
        assert_eq!((payload.as_slice(), &rest[..]), (&b"hello"[..], &b"*1\r\n"[..]));
        let (seen, payload, rest) = read(
            b"$EOF:0123456789012345678901234567890123456789\r\nhello0123456789012345678901234567890123456789*",
        );
        assert_eq!(seen, [Progress::Header(PayloadSize::UntilMark), Progress::End]);
        assert_eq!((payload.as_slice(), &rest[..]), (&b"hello"[..], &b"*"[..]));
        let (seen, payload, _) = read(b"$0\r\n");
        assert_eq!((seen.last(), payload.len()), (Some(&Progress::End), 0));
        assert_eq!(read(b"$7\r\nhe").0.last(), Some(&Progress::More));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for line in
            [&b"+OK\r\n"[..], b"$\r\n", b"$-1\r\n", b"$EOF:123\r\n", b"x\r\n", b"$99999999999999999999\r\n"]
        {
            let result = PayloadReader::new().read(&mut Bytes::from_static(line), &mut Vec::new());
            assert!(matches!(result, Err(PayloadError::BadHeader(_))), "{result:?}");
        }
        let result = PayloadReader::new().read(&mut Bytes::from_static(b"-ERR no\r\n"), &mut Vec::new());
        assert_eq!(result, Err(PayloadError::Aborted(b"ERR no".to_vec())));
    }
}
