//! Lists: a double-ended queue, with the size that it would have as a listpack, which decides its encoding.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::number::{self, parse_i64};

/// A list value.
#[derive(Clone, Debug, Default)]
pub struct List {
    items: VecDeque<Bytes>,
    /// What the elements take in a listpack.
    packed_bytes: u64,
    is_quicklist: bool,
}

/// One end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The head.
    Left,
    /// The tail.
    Right,
}

/// The header and the end mark of a listpack.
const LISTPACK_OVERHEAD: u64 = 7;

impl List {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All elements from head to tail.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Bytes> + ExactSizeIterator {
        self.items.iter()
    }

    /// The elements at these positions.
    pub(crate) fn range(&self, start: usize, end: usize) -> impl Iterator<Item = &Bytes> {
        self.items.range(start..end)
    }

    /// The position that an index means, negative ones counting from the tail.
    pub(crate) fn position(&self, index: i64) -> Option<usize> {
        let index = if index < 0 { index.checked_add(number::int(self.len()))? } else { index };
        usize::try_from(index).ok().filter(|at| *at < self.len())
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Bytes> {
        self.items.get(at)
    }

    pub(crate) fn push(&mut self, end: End, item: &[u8]) {
        let item = self.own(item);
        match end {
            End::Left => self.items.push_front(item),
            End::Right => self.items.push_back(item),
        }
    }

    pub(crate) fn pop(&mut self, end: End) -> Option<Bytes> {
        let item = match end {
            End::Left => self.items.pop_front(),
            End::Right => self.items.pop_back(),
        }?;
        self.packed_bytes -= packed_len(&item);
        Some(item)
    }

    pub(crate) fn insert(&mut self, at: usize, item: &[u8]) {
        let item = self.own(item);
        self.items.insert(at, item);
    }

    pub(crate) fn set(&mut self, at: usize, item: &[u8]) {
        let item = self.own(item);
        if let Some(slot) = self.items.get_mut(at) {
            let old = core::mem::replace(slot, item);
            self.packed_bytes -= packed_len(&old);
        }
    }

    /// Removes up to `count` elements equal to `item`, beginning at `from`; returns how many.
    pub(crate) fn remove(&mut self, item: &[u8], count: usize, from: End) -> usize {
        let equal = self.items.iter().filter(|found| *found == item).count();
        let count = count.min(equal);
        let skipped = if from == End::Left { 0 } else { equal - count };
        let mut seen = 0;
        self.items.retain(|found| {
            if found != item {
                return true;
            }
            seen += 1;
            seen <= skipped || seen > skipped + count
        });
        self.packed_bytes -= packed_len(item) * count as u64;
        count
    }

    /// Keeps the elements at these positions only.
    pub(crate) fn keep(&mut self, start: usize, end: usize) {
        self.items.truncate(end);
        self.items.drain(..start.min(self.items.len()));
        self.packed_bytes = self.items.iter().map(|item| packed_len(item)).sum();
    }

    /// Chooses the encoding for `list-max-listpack-size`: a list that outgrows a listpack becomes a quicklist and
    /// goes back only when it takes half of what is allowed.
    pub(crate) fn choose_encoding(&mut self, max_size: i32) {
        let bytes = self.packed_bytes + LISTPACK_OVERHEAD;
        let len = self.items.len() as u64;
        let exceeds = |part: u64| match u64::try_from(max_size) {
            Ok(len_max) => len > len_max.max(1) / part || bytes > 8192 / part,
            Err(_) => {
                let classes = [4096_u64, 8192, 16384, 32768, 65536];
                let class = usize::try_from(max_size.unsigned_abs()).unwrap_or(5).clamp(1, 5);
                bytes > classes[class - 1] / part
            }
        };
        if self.is_quicklist {
            self.is_quicklist = exceeds(2);
        } else {
            self.is_quicklist = exceeds(1);
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        if self.is_quicklist { "quicklist" } else { "listpack" }
    }

    /// Copies an element, so that it does not hold on to the buffer that it was received in.
    fn own(&mut self, item: &[u8]) -> Bytes {
        self.packed_bytes += packed_len(item);
        Bytes::copy_from_slice(item)
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

/// What an element takes in a listpack (`listpack.c: lpEncodeGetType, lpEncodeBacklen`).
pub(crate) fn packed_len(item: &[u8]) -> u64 {
    let len = item.len() as u64;
    let encoded = match parse_i64(item) {
        Some(0..=127) => 1,
        Some(-4096..=4095) => 2,
        Some(-32_768..=32_767) => 3,
        Some(-8_388_608..=8_388_607) => 4,
        Some(-2_147_483_648..=2_147_483_647) => 5,
        Some(_) => 9,
        None if len < 64 => 1 + len,
        None if len < 4096 => 2 + len,
        None => 5 + len,
    };
    let back = match encoded {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    };
    encoded + back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_follows_the_size() {
        let mut list = List::default();
        // 8192 less 7 holds 130 elements of 61 + 2 bytes, but not 131.
        let item = [b'x'; 61];
        for _ in 0..129 {
            list.push(End::Right, &item);
            list.choose_encoding(-2);
        }
        assert_eq!(list.encoding(), "listpack");
        for _ in 0..2 {
            list.push(End::Left, &item);
            list.choose_encoding(-2);
        }
        assert_eq!(list.encoding(), "quicklist");
        while list.len() > 65 {
            list.pop(End::Left);
            list.choose_encoding(-2);
        }
        assert_eq!(list.encoding(), "quicklist");
        list.pop(End::Left);
        list.choose_encoding(-2);
        assert_eq!(list.encoding(), "listpack");
        assert_eq!(list.packed_bytes, 64 * 63);
        list.choose_encoding(10);
        assert_eq!(list.encoding(), "quicklist");
    }

    #[test]
    fn removal_counts_from_either_end() {
        let list = |text: &str| {
            let mut list = List::default();
            text.bytes().for_each(|byte| list.push(End::Right, &[byte]));
            list
        };
        for (count, from, expected) in [
            (1, End::Left, "bacaa"),
            (2, End::Left, "bcaa"),
            (1, End::Right, "abaca"),
            (usize::MAX, End::Right, "bc"),
        ] {
            let mut found = list("abacaa");
            found.remove(b"a", count, from);
            assert_eq!(found, list(expected));
            assert_eq!(found.packed_bytes, list(expected).packed_bytes);
        }
    }
}
