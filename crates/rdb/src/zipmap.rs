//! Zipmaps (`zipmap.c`), the packed hashes of versions before 2.6. Only read.

use crate::container_error::ContainerFault;
use crate::packed::{Fault, Header, Item, bytes_at, is_end, range_at};

const LONG_LEN: u8 = 254;

pub(crate) fn header(blob: &[u8]) -> Result<Header, Fault> {
    let (Some(&count), Some(&end)) = (blob.first(), blob.get(1..).and_then(<[u8]>::last)) else {
        return Err((ContainerFault::Length, 0));
    };
    if end != 0xff {
        return Err((ContainerFault::End, blob.len() - 1));
    }
    // It counts pairs as far as a byte can.
    Ok(Header { first: 1, count: (count < LONG_LEN).then_some(u64::from(count) * 2) })
}

/// The key or value at `at` and where the next begins; none at the end.
pub(crate) fn item(blob: &[u8], at: usize, is_value: bool) -> Result<Option<(Item, usize)>, Fault> {
    if is_end(blob, at)? {
        return if is_value { Err((ContainerFault::Odd, at)) } else { Ok(None) };
    }
    let (len, mut start) = match blob[at] {
        LONG_LEN => (u32::from_le_bytes(bytes_at(blob, at + 1)?), at + 5),
        short => (u32::from(short), at + 1),
    };
    let mut free = 0;
    if is_value {
        free = usize::from(bytes_at::<1>(blob, start)?[0]);
        start += 1;
    }
    let len = usize::try_from(len).map_err(|_| (ContainerFault::Element, at))?;
    let range = range_at(blob, start, len)?;
    let next = range_at(blob, range.end, free)?.end;
    Ok(Some((Item::Bytes(range), next)))
}
