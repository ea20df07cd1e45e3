//! Listpacks (`listpack.c`): elements that can be walked both ways.

use alloc::vec::Vec;

use crate::container_error::ContainerFault;
use crate::decimal;
use crate::packed::{Fault, Header, Item, bytes_at, is_end, range_at};

/// What stands before the first element.
pub(crate) const HEADER_LEN: usize = 6;
const COUNT_UNKNOWN: u16 = u16::MAX;
const END: u8 = 0xff;

pub(crate) fn header(blob: &[u8]) -> Result<Header, Fault> {
    let total = blob.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    if blob.len() <= HEADER_LEN || total != Some(blob.len() as u64) {
        return Err((ContainerFault::Length, 0));
    }
    if blob.last() != Some(&END) {
        return Err((ContainerFault::End, blob.len() - 1));
    }
    let count = u16::from_le_bytes(bytes_at(blob, 4)?);
    Ok(Header { first: HEADER_LEN, count: (count != COUNT_UNKNOWN).then_some(u64::from(count)) })
}

/// The element at `at` and where the next begins; none at the end.
pub(crate) fn item(blob: &[u8], at: usize) -> Result<Option<(Item, usize)>, Fault> {
    if is_end(blob, at)? {
        return Ok(None);
    }
    let first = blob[at];
    let (item, end) = match first {
        0x00..=0x7f => (Item::Int(i64::from(first)), at + 1),
        0x80..=0xbf => string(blob, at + 1, u32::from(first & 0x3f))?,
        0xc0..=0xdf => {
            let low = u16::from(bytes_at::<1>(blob, at + 1)?[0]);
            // Thirteen bits: moved to the top, the sign comes down with them.
            let value = ((u16::from(first & 0x1f) << 8 | low) << 3).cast_signed() >> 3;
            (Item::Int(i64::from(value)), at + 2)
        }
        0xe0..=0xef => {
            let low = u32::from(bytes_at::<1>(blob, at + 1)?[0]);
            string(blob, at + 2, u32::from(first & 0x0f) << 8 | low)?
        }
        0xf0 => string(blob, at + 5, u32::from_le_bytes(bytes_at(blob, at + 1)?))?,
        0xf1 => (Item::Int(i64::from(i16::from_le_bytes(bytes_at(blob, at + 1)?))), at + 3),
        0xf2 => {
            let [a, b, c] = bytes_at(blob, at + 1)?;
            (Item::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)), at + 4)
        }
        0xf3 => (Item::Int(i64::from(i32::from_le_bytes(bytes_at(blob, at + 1)?))), at + 5),
        0xf4 => (Item::Int(i64::from_le_bytes(bytes_at(blob, at + 1)?)), at + 9),
        _ => return Err((ContainerFault::Element, at)),
    };
    let (backlen, backlen_len) = backlen(end - at);
    let backlen = &backlen[..backlen_len];
    if blob.get(end..end + backlen_len) != Some(backlen) || end + backlen_len >= blob.len() {
        return Err((ContainerFault::BackLength, end));
    }
    Ok(Some((item, end + backlen_len)))
}

fn string(blob: &[u8], at: usize, len: u32) -> Result<(Item, usize), Fault> {
    let len = usize::try_from(len).map_err(|_| (ContainerFault::Element, at))?;
    let range = range_at(blob, at, len)?;
    let end = range.end;
    Ok((Item::Bytes(range), end))
}

/// The length of an element as it stands behind it: seven bits a byte, the highest first, and on every
/// byte but the first a mark that says that it goes on before.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time are meant")]
fn backlen(len: usize) -> ([u8; 5], usize) {
    let low = |shift: u32| (len >> shift) as u8 & 0x7f;
    let on = |shift: u32| low(shift) | 0x80;
    match len {
        0..=127 => ([low(0), 0, 0, 0, 0], 1),
        128..=16_382 => ([low(7), on(0), 0, 0, 0], 2),
        16_383..=2_097_150 => ([low(14), on(7), on(0), 0, 0], 3),
        2_097_151..=268_435_454 => ([low(21), on(14), on(7), on(0), 0], 4),
        _ => ([low(28), on(21), on(14), on(7), on(0)], 5),
    }
}

/// Where the element begins that ends at `end`, which must be the end of one in a well-formed listpack.
pub(crate) fn before(blob: &[u8], end: usize) -> usize {
    let (mut len, mut at) = (0, end);
    for shift in (0..35).step_by(7) {
        at -= 1;
        len |= usize::from(blob[at] & 0x7f) << shift;
        if blob[at] & 0x80 == 0 {
            break;
        }
    }
    at - len
}

/// A listpack that grows, well formed at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listpack {
    bytes: Vec<u8>,
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl Listpack {
    /// One without elements.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = alloc::vec![0; HEADER_LEN];
        bytes.push(END);
        let mut this = Self { bytes };
        this.set_header(0);
        this
    }

    /// The whole of it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes it has.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Whether that many strings of `len` bytes altogether can follow: no listpack has 4 GiB.
    #[must_use]
    pub fn has_room(&self, strings: usize, len: usize) -> bool {
        // The most that surrounds a string, and room for the integers of an entry.
        const OVERHEAD_MAX: usize = 10;
        let len = strings.checked_add(8).and_then(|count| count.checked_mul(OVERHEAD_MAX)?.checked_add(len));
        let total = len.and_then(|len| len.checked_add(self.bytes.len()));
        total.is_some_and(|total| u32::try_from(total).is_ok())
    }

    /// Appends an integer.
    pub fn int(&mut self, value: i64) {
        self.append(|bytes| put_int(bytes, value));
    }

    /// Appends a string, as an integer if it is one. [`Listpack::has_room`] was asked before.
    ///
    /// # Panics
    /// When there is no room.
    pub fn string(&mut self, text: &[u8]) {
        self.append(|bytes| put_string(bytes, text));
    }

    /// Puts an integer in place of the element at `at`.
    pub(crate) fn replace_int(&mut self, at: usize, value: i64) {
        let mut new = Vec::with_capacity(10);
        put_int(&mut new, value);
        let (_, end) = item(&self.bytes, at).ok().flatten().expect("there is an element to replace");
        if end - at == new.len() {
            self.bytes[at..end].copy_from_slice(&new);
        } else {
            self.bytes.splice(at..end, new);
            self.set_header(self.count());
        }
    }

    /// Sets bits of the element at `at`, an integer of 7 bits as it is before and after.
    pub(crate) fn set_bits(&mut self, at: usize, bits: i64) {
        let value = self.bytes[at];
        assert!(value < 0x80, "only small integers are changed in place");
        self.bytes[at] = u8::try_from(i64::from(value) | bits).expect("a small integer with small bits");
    }

    fn append(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.pop();
        put(&mut self.bytes);
        self.bytes.push(END);
        // A count that the header could not hold stays unknown.
        self.set_header(self.count().saturating_add(1));
    }

    fn count(&self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    fn set_header(&mut self, count: u16) {
        let total = u32::try_from(self.bytes.len()).expect("there was room");
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        self.bytes[4..HEADER_LEN].copy_from_slice(&count.to_le_bytes());
    }
}

fn put_int(bytes: &mut Vec<u8>, value: i64) {
    let start = bytes.len();
    if let Ok(value @ 0..=127) = u8::try_from(value) {
        bytes.push(value);
    } else if (-4096..=4095).contains(&value) {
        let [high, low] = i16::try_from(value).unwrap_or(0).to_be_bytes();
        bytes.extend_from_slice(&[0xc0 | high & 0x1f, low]);
    } else if let Ok(value) = i16::try_from(value) {
        bytes.push(0xf1);
        bytes.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        let [a, b, c, d] = value.to_le_bytes();
        if (-(1 << 23)..1 << 23).contains(&value) {
            bytes.extend_from_slice(&[0xf2, a, b, c]);
        } else {
            bytes.extend_from_slice(&[0xf3, a, b, c, d]);
        }
    } else {
        bytes.push(0xf4);
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    end_item(bytes, start);
}

fn put_string(bytes: &mut Vec<u8>, text: &[u8]) {
    if let Some(value) = decimal::canonical(text) {
        return put_int(bytes, value);
    }
    let start = bytes.len();
    let len = u32::try_from(text.len()).expect("there is room");
    let [a, b, c, d] = len.to_le_bytes();
    match len {
        0..=63 => bytes.push(0x80 | a),
        64..=4095 => bytes.extend_from_slice(&[0xe0 | b, a]),
        _ => bytes.extend_from_slice(&[0xf0, a, b, c, d]),
    }
    bytes.extend_from_slice(text);
    end_item(bytes, start);
}

fn end_item(bytes: &mut Vec<u8>, start: usize) {
    let (backlen, len) = backlen(bytes.len() - start);
    bytes.extend_from_slice(&backlen[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_error::Container;
    use crate::packed::Cursor;

    fn walk(blob: &[u8]) -> Result<Vec<Item>, crate::RdbErrorKind> {
        let mut cursor = Cursor::new(Container::Listpack, blob)?;
        let mut items = Vec::new();
        while let Some(item) = cursor.next(blob)? {
            items.push(item);
        }
        Ok(items)
    }

    #[test]
    fn elements_of_every_encoding_come_back() {
        let ints = [
            0,
            127,
            128,
            -1,
            4095,
            -4096,
            4096,
            -4097,
            32767,
            -32768,
            32768,
            8_388_607,
            -8_388_608,
            8_388_608,
            i64::from(i32::MAX),
            i64::from(i32::MIN),
            i64::from(i32::MAX) + 1,
            i64::MAX,
            i64::MIN,
        ];
        let lens = [0, 1, 63, 64, 4095, 4096, 16_380, 16_381, 16_382, 70_000, 2_100_000];
        let mut listpack = Listpack::new();
        for value in ints {
            listpack.int(value);
        }
        for len in lens {
            listpack.string(&alloc::vec![b'x'; len]);
        }
        listpack.string(b"-42");
        let blob = listpack.as_bytes();
        let items = walk(blob).expect("it is well formed");
        for (item, value) in items.iter().zip(ints) {
            assert_eq!(*item, Item::Int(value));
        }
        for (item, len) in items[ints.len()..].iter().zip(lens) {
            let Item::Bytes(range) = item else { panic!("{item:?}") };
            assert!(range.len() == len && blob[range.clone()].iter().all(|byte| *byte == b'x'));
        }
        assert_eq!(items.last(), Some(&Item::Int(-42)));
        // And backwards: as many, down to the header.
        let (mut at, mut count) = (blob.len() - 1, 0);
        while at > HEADER_LEN {
            at = before(blob, at);
            assert!(item(blob, at).is_ok_and(|found| found.is_some()));
            count += 1;
        }
        assert_eq!((at, count), (HEADER_LEN, items.len()));
    }

    #[test]
    fn replaced_integers_may_be_longer_or_shorter() {
        let mut listpack = Listpack::new();
        listpack.int(1);
        listpack.string(b"after");
        for value in [2, 127, 128, 70_000, 1] {
            listpack.replace_int(HEADER_LEN, value);
            let items = walk(listpack.as_bytes()).expect("well formed");
            assert!(items.len() == 2 && items[0] == Item::Int(value), "{items:?}");
        }
        assert!(listpack.has_room(10, 1 << 31) && !listpack.has_room(10, usize::MAX));
        assert!(!listpack.has_room(1, 0xffff_fff0));
    }

    #[test]
    fn counts_above_the_header_are_walked() {
        let mut listpack = Listpack::new();
        for value in 0..70_000 {
            listpack.int(value);
        }
        assert_eq!(walk(listpack.as_bytes()).expect("well formed").len(), 70_000);
    }

    #[test]
    fn damage_is_found() {
        let mut listpack = Listpack::new();
        listpack.string(b"abc");
        listpack.int(300);
        let good = listpack.as_bytes();
        let fault = |at: usize, byte: u8| {
            let mut blob = good.to_vec();
            blob[at] = byte;
            walk(&blob).expect_err("it is damaged")
        };
        let is = |fault: ContainerFault, at: usize| Container::Listpack.fault(fault, at);
        assert_eq!(fault(0, 0), is(ContainerFault::Length, 0));
        assert_eq!(fault(4, 3), is(ContainerFault::Count, 14));
        assert_eq!(fault(6, 0x84), is(ContainerFault::BackLength, 11));
        assert_eq!(fault(6, 0xff), is(ContainerFault::End, 6));
        assert_eq!(fault(6, 0xf0), is(ContainerFault::Element, 11));
        assert_eq!(fault(6, 0xf5), is(ContainerFault::Element, 6));
        assert_eq!(fault(10, 5), is(ContainerFault::BackLength, 10));
        assert_eq!(fault(14, 0), is(ContainerFault::End, 14));
        assert!(walk(&[]).is_err());
        assert!(walk(&[7, 0, 0, 0, 0, 0, 255]).expect("an empty one").is_empty());
    }
}
