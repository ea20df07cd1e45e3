//! Byte strings one behind the other in a single block of memory, to be read from either end: what small
//! collections are kept in, as Redis keeps them in listpacks.
//!
//! An item is its length, its bytes, and the length of both for those who come from behind. Lengths are in groups
//! of seven bits, so that an item of up to 125 bytes takes two bytes more than it has.

use alloc::vec::Vec;
use core::ops::Range;

use crate::small_bytes::heap_len;

/// Items in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    len: u32,
}

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many bytes all items take.
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// What it takes on the heap.
    pub(super) fn heap_len(&self) -> u64 {
        heap_len(self.bytes.len() as u64)
    }

    /// The items of none.
    pub(super) fn none() -> Items<'static> {
        Items { bytes: &[], start: 0, end: 0, len: 0 }
    }

    pub(super) fn iter(&self) -> Items<'_> {
        Items { bytes: &self.bytes, start: 0, end: self.bytes.len(), len: self.len() }
    }

    /// All items from this one on.
    pub(super) fn iter_from(&self, position: usize) -> Items<'_> {
        let position = position.min(self.len());
        Items { start: self.place(position), len: self.len() - position, ..self.iter() }
    }

    /// The items before this one.
    pub(super) fn iter_until(&self, position: usize) -> Items<'_> {
        let position = position.min(self.len());
        Items { end: self.place(position), len: position, ..self.iter() }
    }

    pub(super) fn get(&self, position: usize) -> Option<&[u8]> {
        self.iter_from(position).next()
    }

    /// Where the item of this position begins, or the end.
    fn place(&self, position: usize) -> usize {
        let mut items = self.iter();
        if position <= self.len() / 2 {
            (0..position).for_each(|_| {
                items.next();
            });
            items.start
        } else {
            (position..self.len()).for_each(|_| {
                items.next_back();
            });
            items.end
        }
    }

    pub(super) fn push_back(&mut self, item: &[u8]) {
        self.push_back_all(&[item]);
    }

    pub(super) fn push_back_all(&mut self, items: &[&[u8]]) {
        let end = self.bytes.len();
        self.replace(end..end, 0, items);
    }

    pub(super) fn push_front(&mut self, item: &[u8]) {
        self.replace(0..0, 0, &[item]);
    }

    /// Puts items in place of `removed` ones from this position on.
    pub(super) fn splice(&mut self, position: usize, removed: usize, items: &[&[u8]]) {
        let mut after = self.iter_from(position);
        let start = after.start;
        (0..removed).for_each(|_| {
            after.next();
        });
        let end = after.start;
        self.replace(start..end, removed, items);
    }

    /// Parts it at a position; returns what is behind.
    pub(super) fn split_off(&mut self, position: usize) -> Self {
        let place = self.place(position);
        let rest = Self { bytes: self.bytes[place..].to_vec(), len: self.len - position as u32 };
        self.replace(place..self.bytes.len(), rest.len(), &[]);
        rest
    }

    fn replace(&mut self, place: Range<usize>, removed: usize, items: &[&[u8]]) {
        let added: usize = items.iter().map(|item| encoded_len(item.len())).sum();
        let (old, new) = (self.bytes.len(), self.bytes.len() - place.len() + added);
        if new > old {
            if new > self.bytes.capacity() {
                // A little room, as a small one is one of very many and a large one is appended to.
                self.bytes.reserve_exact((new + new / 8 + 7) / 16 * 16 + 8 - old);
            }
            self.bytes.resize(new, 0);
            self.bytes.copy_within(place.end..old, place.start + added);
        } else {
            self.bytes.copy_within(place.end..old, place.start + added);
            self.bytes.truncate(new);
            if self.bytes.capacity() / 2 > new {
                self.bytes.shrink_to(new + new / 8);
            }
        }
        let mut at = place.start;
        for item in items {
            at = encode(&mut self.bytes, at, item);
        }
        let removed = u32::try_from(removed).unwrap_or(self.len);
        self.len = self.len - removed + u32::try_from(items.len()).unwrap_or(0);
    }
}

/// The items that are left to be read.
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
    len: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.len = self.len.checked_sub(1)?;
        let first = self.bytes[self.start];
        let (len, head) = if first < 128 { (usize::from(first), 1) } else { read(self.bytes, self.start) };
        let item = self.start + head;
        self.start = item + len + groups(head + len);
        Some(&self.bytes[item..item + len])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.len = self.len.checked_sub(1)?;
        let (mut len, mut shift, mut at) = (0, 0, self.end);
        loop {
            at -= 1;
            let byte = self.bytes[at];
            len |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                break;
            }
        }
        let end = at;
        self.end = end - len;
        let (item, head) = read(self.bytes, self.end);
        Some(&self.bytes[end - item..end]).filter(|_| head + item == len)
    }
}

impl ExactSizeIterator for Items<'_> {}

/// A length and how many bytes it is written in.
fn read(bytes: &[u8], at: usize) -> (usize, usize) {
    let (mut len, mut used) = (0, 0);
    loop {
        let byte = bytes[at + used];
        len |= usize::from(byte & 127) << (7 * used);
        used += 1;
        if byte < 128 {
            return (len, used);
        }
    }
}

/// In how many bytes a length is written.
fn groups(len: usize) -> usize {
    match len {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        2_097_152..268_435_456 => 4,
        _ => 5,
    }
}

/// What an item of this length takes.
pub(super) fn encoded_len(len: usize) -> usize {
    let entry = groups(len) + len;
    entry + groups(entry)
}

/// Writes an item and returns where it ends.
fn encode(bytes: &mut [u8], at: usize, item: &[u8]) -> usize {
    let head = groups(item.len());
    for group in 0..head {
        let more = if group + 1 < head { 128 } else { 0 };
        bytes[at + group] = seven_bits(item.len(), group) | more;
    }
    let (start, end) = (at + head, at + head + item.len());
    bytes[start..end].copy_from_slice(item);
    let entry = head + item.len();
    let tail = groups(entry);
    for group in 0..tail {
        let more = if group + 1 < tail { 128 } else { 0 };
        bytes[end + tail - 1 - group] = seven_bits(entry, group) | more;
    }
    end + tail
}

fn seven_bits(len: usize, group: usize) -> u8 {
    u8::try_from(len >> (7 * group) & 127).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use picket_sansio::Prng;

    #[test]
    fn it_behaves_as_a_vector() {
        let mut prng = Prng::new(3);
        let mut below = |bound: usize| usize::try_from(prng.below(bound as u64)).expect("an index");
        let mut packed = Packed::default();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for step in 0..4000 {
            let len = [0, 3, 20, 124, 125, 126, 127, 128, 200, 16_382, 16_384][below(11)];
            let item = vec![u8::try_from(step % 251).expect("a byte"); len];
            match below(7) {
                0 => (packed.push_back(&item), model.push(item)).1,
                1 => (packed.push_front(&item), model.insert(0, item)).1,
                2 | 3 => {
                    let at = below(model.len() + 1);
                    let removed = below(model.len() - at + 1).min(3);
                    packed.splice(at, removed, &[&item, b"x"]);
                    model.splice(at..at + removed, [item, b"x".to_vec()]);
                }
                4 if model.len() > 20 => {
                    let at = below(model.len());
                    let rest = packed.split_off(at);
                    let expected = model.split_off(at);
                    assert!(rest.iter().eq(expected.iter().map(|item| &item[..])));
                }
                _ => {
                    let at = below(model.len() + 1);
                    let removed = below(model.len() - at + 1).min(4);
                    packed.splice(at, removed, &[]);
                    model.drain(at..at + removed);
                }
            }
            assert_eq!(packed.len(), model.len());
            let total: usize = model.iter().map(|item| encoded_len(item.len())).sum();
            assert_eq!(packed.bytes_len(), total);
            assert!(packed.iter().eq(model.iter().map(|item| &item[..])));
            assert!(packed.iter().rev().eq(model.iter().rev().map(|item| &item[..])));
            let at = below(model.len() + 1);
            assert_eq!(packed.get(at), model.get(at).map(|item| &item[..]));
            assert!(packed.iter_until(at).eq(model[..at].iter().map(|item| &item[..])));
        }
    }
}
