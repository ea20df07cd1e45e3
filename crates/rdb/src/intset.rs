//! Intsets (`intset.c`): sorted integers of one width. Only read.

use crate::container_error::ContainerFault;
use crate::packed::{Fault, Header, Item, bytes_at};

const HEADER_LEN: usize = 8;

pub(crate) fn header(blob: &[u8]) -> Result<Header, Fault> {
    let (Ok(width), Ok(count)) = (bytes_at(blob, 0), bytes_at(blob, 4)) else {
        return Err((ContainerFault::Length, 0));
    };
    let (width, count) = (u32::from_le_bytes(width), u64::from(u32::from_le_bytes(count)));
    if !matches!(width, 2 | 4 | 8) {
        return Err((ContainerFault::Element, 0));
    }
    if u64::from(width) * count + HEADER_LEN as u64 != blob.len() as u64 {
        return Err((ContainerFault::Length, 4));
    }
    Ok(Header { first: HEADER_LEN, count: Some(count) })
}

/// The integer at `at` and where the next begins; none at the end. The header was checked.
pub(crate) fn item(blob: &[u8], at: usize) -> Result<Option<(Item, usize)>, Fault> {
    if at == blob.len() {
        return Ok(None);
    }
    let width = usize::from(blob[0]);
    let value = int(blob, at, width)?;
    if at > HEADER_LEN && int(blob, at - width, width)? >= value {
        return Err((ContainerFault::Order, at));
    }
    Ok(Some((Item::Int(value), at + width)))
}

fn int(blob: &[u8], at: usize, width: usize) -> Result<i64, Fault> {
    Ok(match width {
        2 => i64::from(i16::from_le_bytes(bytes_at(blob, at)?)),
        4 => i64::from(i32::from_le_bytes(bytes_at(blob, at)?)),
        _ => i64::from_le_bytes(bytes_at(blob, at)?),
    })
}
