//! Lengths, numbers and headers of strings (`rdb.c: rdbLoadLen`).

use crate::error::{RdbErrorKind, Stop};

const LZF: u8 = 0xc3;

/// A few bytes that are understood together or not at all.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Record<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn len_read(&self) -> usize {
        self.at
    }

    /// `len` bytes, which must be few.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let bytes = self.bytes.get(self.at..self.at + len).ok_or(Stop::More)?;
        self.at += len;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::More)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let bytes = self.bytes[self.at..].first_chunk().ok_or(Stop::More)?;
        self.at += N;
        Ok(*bytes)
    }

    #[inline]
    pub(crate) fn len(&mut self) -> Result<u64, Stop> {
        let first = self.u8()?;
        self.len_of(first)
    }

    #[inline]
    fn len_of(&mut self, first: u8) -> Result<u64, Stop> {
        match (first >> 6, first) {
            (0, _) => Ok(u64::from(first)),
            (1, _) => Ok(u64::from(first & 0x3f) << 8 | u64::from(self.u8()?)),
            (_, 0x80) => Ok(u64::from(u32::from_be_bytes(self.fixed()?))),
            (_, 0x81) => Ok(u64::from_be_bytes(self.fixed()?)),
            _ => Err(RdbErrorKind::BadLength(first).into()),
        }
    }

    /// The header of a string.
    #[inline]
    pub(crate) fn form(&mut self) -> Result<Form, Stop> {
        let first = self.u8()?;
        Ok(match first {
            0xc0 => Form::Int(i64::from(i8::from_le_bytes(self.fixed()?))),
            0xc1 => Form::Int(i64::from(i16::from_le_bytes(self.fixed()?))),
            0xc2 => Form::Int(i64::from(i32::from_le_bytes(self.fixed()?))),
            LZF => Form::Lzf { compressed: self.len()?, len: self.len()? },
            _ => Form::Plain(self.len_of(first)?),
        })
    }
}

/// The header of a string.
pub(crate) enum Form {
    Plain(u64),
    Int(i64),
    Lzf { compressed: u64, len: u64 },
}
