//! Intsets (`intset.c`): sorted integers of one width.

use alloc::vec::Vec;

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

/// The intset of integers that ascend, in the smallest width that holds them.
pub(crate) fn write(ints: &[i64]) -> Vec<u8> {
    let ends = [ints.first().copied().unwrap_or(0), ints.last().copied().unwrap_or(0)];
    let fits = |min: i64, max: i64| ends.iter().all(|end| (min..=max).contains(end));
    let width: u32 = if fits(i16::MIN.into(), i16::MAX.into()) {
        2
    } else if fits(i32::MIN.into(), i32::MAX.into()) {
        4
    } else {
        8
    };
    let count = u32::try_from(ints.len()).expect("a set of that many integers is a hash table");
    let mut bytes = Vec::with_capacity(HEADER_LEN + width as usize * ints.len());
    bytes.extend_from_slice(&width.to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    for value in ints {
        bytes.extend_from_slice(&value.to_le_bytes()[..width as usize]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_error::Container;
    use crate::packed::Cursor;

    #[test]
    fn integers_of_every_width_come_back() {
        let cases: [(&[i64], usize); 4] = [
            (&[-32_768, 0, 32_767], 2),
            (&[-32_769, 7], 4),
            (&[-2, 2_147_483_647], 4),
            (&[i64::MIN, -1, i64::MAX], 8),
        ];
        for (ints, width) in cases {
            let blob = write(ints);
            assert_eq!(blob.len(), 8 + width * ints.len());
            let mut cursor = Cursor::new(Container::Intset, &blob).expect("well formed");
            for value in ints {
                assert_eq!(cursor.next(&blob), Ok(Some(Item::Int(*value))));
            }
            assert_eq!(cursor.next(&blob), Ok(None));
        }
    }
}
