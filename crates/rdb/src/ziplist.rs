//! Ziplists (`ziplist.c`), the packed lists of versions before 7.0. Only read.

use crate::container_error::ContainerFault;
use crate::packed::{Fault, Header, Item, bytes_at, is_end, range_at};

const HEADER_LEN: usize = 10;
const COUNT_UNKNOWN: u16 = u16::MAX;
const LONG_PREVLEN: u8 = 0xfe;

pub(crate) fn header(blob: &[u8]) -> Result<Header, Fault> {
    let total = blob.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    if blob.len() <= HEADER_LEN || total != Some(blob.len() as u64) {
        return Err((ContainerFault::Length, 0));
    }
    if blob.last() != Some(&0xff) {
        return Err((ContainerFault::End, blob.len() - 1));
    }
    let count = u16::from_le_bytes(bytes_at(blob, 8)?);
    Ok(Header { first: HEADER_LEN, count: (count != COUNT_UNKNOWN).then_some(u64::from(count)) })
}

/// Where the header says that the last element is.
pub(crate) fn tail(blob: &[u8]) -> usize {
    let tail = bytes_at(blob, 4).map_or(0, u32::from_le_bytes);
    usize::try_from(tail).unwrap_or(usize::MAX)
}

/// The element at `at` and where the next begins; none at the end. `previous` is the length of the
/// element before.
pub(crate) fn item(blob: &[u8], at: usize, previous: usize) -> Result<Option<(Item, usize)>, Fault> {
    if is_end(blob, at)? {
        return Ok(None);
    }
    let (prevlen, at) = match blob[at] {
        LONG_PREVLEN => (u64::from(u32::from_le_bytes(bytes_at(blob, at + 1)?)), at + 5),
        short => (u64::from(short), at + 1),
    };
    if prevlen != previous as u64 {
        return Err((ContainerFault::BackLength, at));
    }
    let [first] = bytes_at(blob, at)?;
    let (item, end) = match first {
        0x00..=0x3f => string(blob, at + 1, u32::from(first))?,
        0x40..=0x7f => {
            let [low] = bytes_at(blob, at + 1)?;
            string(blob, at + 2, u32::from(first & 0x3f) << 8 | u32::from(low))?
        }
        0x80 => string(blob, at + 5, u32::from_be_bytes(bytes_at(blob, at + 1)?))?,
        0xc0 => (Item::Int(i64::from(i16::from_le_bytes(bytes_at(blob, at + 1)?))), at + 3),
        0xd0 => (Item::Int(i64::from(i32::from_le_bytes(bytes_at(blob, at + 1)?))), at + 5),
        0xe0 => (Item::Int(i64::from_le_bytes(bytes_at(blob, at + 1)?)), at + 9),
        0xf0 => {
            let [a, b, c] = bytes_at(blob, at + 1)?;
            (Item::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)), at + 4)
        }
        0xfe => (Item::Int(i64::from(i8::from_le_bytes(bytes_at(blob, at + 1)?))), at + 2),
        0xf1..=0xfd => (Item::Int(i64::from(first) - 0xf1), at + 1),
        _ => return Err((ContainerFault::Element, at)),
    };
    if end >= blob.len() {
        return Err((ContainerFault::Element, at));
    }
    Ok(Some((item, end)))
}

fn string(blob: &[u8], at: usize, len: u32) -> Result<(Item, usize), Fault> {
    let len = usize::try_from(len).map_err(|_| (ContainerFault::Element, at))?;
    let range = range_at(blob, at, len)?;
    let end = range.end;
    Ok((Item::Bytes(range), end))
}
