//! Lists: packed nodes in a queue, with the size that the whole would have as a listpack, which decides what
//! OBJECT ENCODING says.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bytes::Bytes;

use super::packed::{Items, Packed, encoded_len};
use crate::number::{self, parse_i64};
use crate::small_bytes::heap_len;

/// A list value.
#[derive(Clone, Debug, Default)]
pub struct List {
    nodes: Nodes,
    /// What the elements take in a listpack.
    packed_bytes: u64,
    is_quicklist: bool,
}

#[derive(Clone, Debug)]
enum Nodes {
    One(Packed),
    Many(Box<Queue>),
}

/// Nodes of which none is empty.
#[derive(Clone, Debug, Default)]
struct Queue {
    nodes: VecDeque<Packed>,
    len: usize,
    /// What the nodes take on the heap.
    nodes_bytes: u64,
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

/// How many bytes of elements a node holds, unless a single one is longer.
const NODE_BYTES_MAX: usize = 8192;

impl Default for Nodes {
    fn default() -> Self {
        Self::One(Packed::default())
    }
}

impl List {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.nodes {
            Nodes::One(packed) => packed.len(),
            Nodes::Many(queue) => queue.len,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All elements from head to tail.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.elements(0)
    }

    /// The elements at these positions.
    pub(crate) fn range(&self, start: usize, end: usize) -> impl Iterator<Item = &[u8]> {
        self.elements(start).take(end.saturating_sub(start))
    }

    /// All elements from this position on.
    fn elements(&self, start: usize) -> Elements<'_> {
        let start = start.min(self.len());
        match &self.nodes {
            Nodes::One(packed) => {
                let none = Packed::none();
                Elements {
                    front: packed.iter_from(start),
                    queue: None,
                    middle: (0, 0),
                    back: none,
                    len: packed.len() - start,
                }
            }
            Nodes::Many(queue) => {
                let (node, inside) = queue.place(start);
                let front = queue.nodes.get(node).map_or(Packed::none(), |packed| packed.iter_from(inside));
                Elements {
                    front,
                    queue: Some(queue),
                    middle: (node + 1, queue.nodes.len()),
                    back: Packed::none(),
                    len: queue.len - start,
                }
            }
        }
    }

    /// The position that an index means, negative ones counting from the tail.
    pub(crate) fn position(&self, index: i64) -> Option<usize> {
        let index = if index < 0 { index.checked_add(number::int(self.len()))? } else { index };
        usize::try_from(index).ok().filter(|at| *at < self.len())
    }

    pub(crate) fn get(&self, at: usize) -> Option<&[u8]> {
        self.elements(at).next()
    }

    pub(crate) fn push(&mut self, end: End, item: &[u8]) {
        self.packed_bytes += packed_len(item);
        match &mut self.nodes {
            Nodes::One(packed) if fits(packed, item) => match end {
                End::Left => packed.push_front(item),
                End::Right => packed.push_back(item),
            },
            Nodes::One(_) => self.queue().push(end, item),
            Nodes::Many(queue) => queue.push(end, item),
        }
    }

    pub(crate) fn pop(&mut self, end: End) -> Option<Bytes> {
        let last = self.len().checked_sub(1)?;
        let at = if end == End::Left { 0 } else { last };
        let item = Bytes::copy_from_slice(self.get(at)?);
        self.splice(at, 1, &[]);
        self.packed_bytes -= packed_len(&item);
        Some(item)
    }

    pub(crate) fn insert(&mut self, at: usize, item: &[u8]) {
        self.packed_bytes += packed_len(item);
        self.splice(at, 0, &[item]);
    }

    pub(crate) fn set(&mut self, at: usize, item: &[u8]) {
        if let Some(old) = self.get(at) {
            self.packed_bytes = self.packed_bytes + packed_len(item) - packed_len(old);
            self.splice(at, 1, &[item]);
        }
    }

    /// Removes up to `count` elements equal to `item`, beginning at `from`; returns how many.
    pub(crate) fn remove(&mut self, item: &[u8], count: usize, from: End) -> usize {
        let equal = self.iter().filter(|found| *found == item).count();
        let count = count.min(equal);
        if count == 0 {
            return 0;
        }
        let skipped = if from == End::Left { 0 } else { equal - count };
        let mut seen = 0;
        self.retain(|found| {
            if found != item {
                return true;
            }
            seen += 1;
            seen <= skipped || seen > skipped + count
        });
        count
    }

    /// Keeps the elements at these positions only.
    pub(crate) fn keep(&mut self, start: usize, end: usize) {
        let len = self.len();
        let (start, end) = (start.min(len), end.min(len).max(start.min(len)));
        let removed = self.range(0, start).chain(self.range(end, len));
        self.packed_bytes -= removed.map(packed_len).sum::<u64>();
        match &mut self.nodes {
            Nodes::One(packed) => {
                packed.splice(end, len - end, &[]);
                packed.splice(0, start, &[]);
            }
            Nodes::Many(queue) => queue.cut(start, len - end),
        }
        self.become_one();
    }

    fn retain(&mut self, mut keeps: impl FnMut(&[u8]) -> bool) {
        let mut kept = Self { is_quicklist: self.is_quicklist, ..Self::default() };
        for item in self.iter().filter(|item| keeps(item)) {
            kept.push(End::Right, item);
        }
        *self = kept;
    }

    /// Chooses the encoding for `list-max-listpack-size`: a list that outgrows a listpack becomes a quicklist and
    /// goes back only when it takes half of what is allowed.
    pub(crate) fn choose_encoding(&mut self, max_size: i32) {
        let bytes = self.packed_bytes + LISTPACK_OVERHEAD;
        let len = self.len() as u64;
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

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        let nodes = match &self.nodes {
            Nodes::One(packed) => packed.heap_len(),
            Nodes::Many(queue) => heap_len(48) + queue.nodes_bytes,
        };
        heap_len(48) + nodes
    }

    fn splice(&mut self, at: usize, removed: usize, items: &[&[u8]]) {
        match &mut self.nodes {
            Nodes::One(packed) if items.iter().all(|item| fits(packed, item)) => {
                packed.splice(at, removed, items);
            }
            Nodes::One(_) => self.queue().splice(at, removed, items),
            Nodes::Many(queue) => {
                queue.splice(at, removed, items);
                self.become_one();
            }
        }
    }

    /// A queue of one small node is a waste.
    fn become_one(&mut self) {
        if let Nodes::Many(queue) = &mut self.nodes
            && queue.nodes.len() <= 1
            && queue.nodes_bytes < NODE_BYTES_MAX as u64 / 2
        {
            self.nodes = Nodes::One(queue.nodes.pop_front().unwrap_or_default());
        }
    }

    /// The nodes as a queue, which they become.
    fn queue(&mut self) -> &mut Queue {
        if let Nodes::One(packed) = &mut self.nodes {
            let mut queue = Queue::default();
            queue.add(0, core::mem::take(packed));
            self.nodes = Nodes::Many(Box::new(queue));
        }
        match &mut self.nodes {
            Nodes::Many(queue) => queue,
            Nodes::One(_) => unreachable!("it was just made a queue"),
        }
    }
}

/// Whether a node takes one more element: an empty one takes any.
fn fits(packed: &Packed, item: &[u8]) -> bool {
    packed.len() == 0 || packed.bytes_len() + encoded_len(item.len()) <= NODE_BYTES_MAX
}

/// What a node takes on the heap, with its place in the queue.
fn node_bytes(packed: &Packed) -> u64 {
    packed.heap_len() + 32
}

impl Queue {
    /// The node that holds this position and the place therein, sought from the nearer end.
    fn place(&self, position: usize) -> (usize, usize) {
        if position >= self.len {
            return (self.nodes.len(), 0);
        }
        if position <= self.len / 2 {
            let mut start = 0;
            for (at, node) in self.nodes.iter().enumerate() {
                if position < start + node.len() {
                    return (at, position - start);
                }
                start += node.len();
            }
        } else {
            let mut start = self.len;
            for (at, node) in self.nodes.iter().enumerate().rev() {
                start -= node.len();
                if position >= start && position < start + node.len() {
                    return (at, position - start);
                }
            }
        }
        (self.nodes.len(), 0)
    }

    fn push(&mut self, end: End, item: &[u8]) {
        match end {
            End::Left => self.splice(0, 0, &[item]),
            End::Right => self.splice(self.len, 0, &[item]),
        }
    }

    fn add(&mut self, at: usize, node: Packed) {
        if node.len() > 0 {
            self.len += node.len();
            self.nodes_bytes += node_bytes(&node);
            self.nodes.insert(at, node);
        }
    }

    fn take(&mut self, at: usize) -> Packed {
        let node = self.nodes.remove(at).unwrap_or_default();
        self.len -= node.len();
        self.nodes_bytes -= node_bytes(&node);
        node
    }

    /// Removes one or no element at a position and puts others there, at most one.
    fn splice(&mut self, position: usize, removed: usize, items: &[&[u8]]) {
        let (mut at, mut inside) = self.place(position);
        if removed == 0 && inside == 0 && at > 0 && items.iter().all(|item| fits(&self.nodes[at - 1], item)) {
            // At the border of two nodes there is room in the former.
            at -= 1;
            inside = self.nodes[at].len();
        }
        if let Some(node) = self.nodes.get_mut(at)
            && items.iter().all(|item| fits(node, item))
        {
            let (len, bytes) = (node.len(), node_bytes(node));
            node.splice(inside, removed, items);
            self.len = self.len + node.len() - len;
            self.nodes_bytes = self.nodes_bytes + node_bytes(node) - bytes;
            if node.len() == 0 {
                self.nodes.remove(at);
                self.nodes_bytes -= 32;
            } else if removed > 0 {
                self.merge(at);
            }
            return;
        }
        let mut before = if at < self.nodes.len() { self.take(at) } else { Packed::default() };
        let mut after = before.split_off(inside);
        after.splice(0, removed, &[]);
        let mut middle = Packed::default();
        for item in items {
            let side = if fits(&before, item) {
                &mut before
            } else if fits(&after, item) {
                after.push_front(item);
                continue;
            } else {
                &mut middle
            };
            side.push_back(item);
        }
        for node in [after, middle, before] {
            self.add(at, node);
        }
    }

    /// Removes so many elements at the front and at the back.
    fn cut(&mut self, mut front: usize, mut back: usize) {
        while let Some(node) = self.nodes.front().filter(|node| front > 0 && node.len() <= front) {
            front -= node.len();
            self.take(0);
        }
        while let Some(node) = self.nodes.back().filter(|node| back > 0 && node.len() <= back) {
            back -= node.len();
            self.take(self.nodes.len() - 1);
        }
        if front > 0 && !self.nodes.is_empty() {
            let mut node = self.take(0);
            node.splice(0, front, &[]);
            self.add(0, node);
        }
        if back > 0 && !self.nodes.is_empty() {
            let last = self.nodes.len() - 1;
            let mut node = self.take(last);
            node.splice(node.len() - back, back, &[]);
            self.add(last, node);
        }
    }

    /// Joins a node with a neighbour if both together are half full at most.
    fn merge(&mut self, at: usize) {
        for first in [at.saturating_sub(1), at] {
            let (Some(left), Some(right)) = (self.nodes.get(first), self.nodes.get(first + 1)) else {
                continue;
            };
            if left.bytes_len() + right.bytes_len() <= NODE_BYTES_MAX / 2 {
                let right = self.take(first + 1);
                let mut left = self.take(first);
                right.iter().for_each(|item| left.push_back(item));
                self.add(first, left);
                return;
            }
        }
    }
}

/// The elements that are left to be read: those of a front and of a back node, and the nodes between.
#[derive(Clone, Debug)]
struct Elements<'a> {
    front: Items<'a>,
    queue: Option<&'a Queue>,
    middle: (usize, usize),
    back: Items<'a>,
    len: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.len = self.len.checked_sub(1)?;
        if self.front.len() == 0 && self.middle.0 < self.middle.1 {
            self.front = self.queue?.nodes[self.middle.0].iter();
            self.middle.0 += 1;
        }
        self.front.next().or_else(|| self.back.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl DoubleEndedIterator for Elements<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.len = self.len.checked_sub(1)?;
        if self.back.len() == 0 && self.middle.0 < self.middle.1 {
            self.middle.1 -= 1;
            self.back = self.queue?.nodes[self.middle.1].iter();
        }
        self.back.next_back().or_else(|| self.front.next_back())
    }
}

impl ExactSizeIterator for Elements<'_> {}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
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
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use picket_sansio::Prng;

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

    #[test]
    fn it_behaves_as_a_queue() {
        let mut prng = Prng::new(5);
        let mut below = |bound: usize| usize::try_from(prng.below(bound as u64)).expect("an index");
        let (mut list, mut model) = (List::default(), VecDeque::new());
        for step in 0..20_000 {
            // It grows, shrinks to nothing, and grows again.
            let shrinks = step / 4000 % 2 == 1;
            let item = vec![u8::try_from(step % 251).expect("a byte"); [1, 3, 50, 700, 3000, 9000][below(6)]];
            let end = if below(2) == 0 { End::Left } else { End::Right };
            let at = below(model.len() + 1);
            match below(if shrinks { 4 } else { 8 }) {
                0 | 1 => {
                    let popped = if end == End::Left { model.pop_front() } else { model.pop_back() };
                    assert_eq!(list.pop(end).map(Vec::from), popped);
                }
                2 if shrinks => {
                    let item = model.get(at).cloned().unwrap_or_default();
                    let found = model.iter().position(|found| *found == item);
                    assert_eq!(list.remove(&item, 1, End::Left), usize::from(found.is_some()));
                    found.map(|at| model.remove(at));
                }
                3 => {
                    if let Some(place) = model.get_mut(at) {
                        place.clone_from(&item);
                    }
                    list.set(at, &item);
                }
                4 => {
                    list.insert(at, &item);
                    model.insert(at, item);
                }
                _ => {
                    list.push(end, &item);
                    if end == End::Left { model.push_front(item) } else { model.push_back(item) }
                }
            }
            assert_eq!(list.len(), model.len());
            assert_eq!(list.get(at), model.get(at).map(|item| &item[..]));
            if step % 100 == 0 {
                check(&list, &model);
                let until = at + below(model.len() - at + 1);
                assert!(list.range(at, until).eq(model.range(at..until).map(|item| &item[..])));
                // Both ends of an iterator meet.
                let (mut ours, mut theirs) = (list.iter(), model.iter());
                loop {
                    let from_front = below(2) == 0;
                    let item = if from_front { ours.next() } else { ours.next_back() };
                    let expected = if from_front { theirs.next() } else { theirs.next_back() };
                    assert_eq!(item, expected.map(|item| &item[..]));
                    if item.is_none() {
                        break;
                    }
                }
            }
            if step % 5000 == 4999 {
                list.keep(at / 2, at);
                model.truncate(at);
                model.drain(..at / 2);
                check(&list, &model);
            }
        }
    }

    #[track_caller]
    fn check(list: &List, model: &VecDeque<Vec<u8>>) {
        assert!(list.iter().eq(model.iter().map(|item| &item[..])));
        assert!(list.iter().rev().eq(model.iter().rev().map(|item| &item[..])));
        assert_eq!(list.packed_bytes, model.iter().map(|item| packed_len(item)).sum::<u64>());
        if let Nodes::Many(queue) = &list.nodes {
            assert!(queue.nodes.iter().all(|node| node.len() > 0));
            assert!(queue.nodes.iter().all(|node| node.len() == 1 || node.bytes_len() <= NODE_BYTES_MAX));
            assert_eq!(queue.nodes_bytes, queue.nodes.iter().map(node_bytes).sum::<u64>());
        }
    }
}
