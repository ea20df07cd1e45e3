//! Members with scores, found by name and in order of score, then of name, with ranks in O(log n): a skip list
//! whose links know how many elements they pass (`t_zset.c: zslInsert`), and an index of the names.
//!
//! The nodes lie densely in one block and are named by their positions. Removing one moves the last into its
//! place, so that positions can be scanned and drawn as those of a [`Dict`](crate::Dict).

use alloc::boxed::Box;
use alloc::vec::Vec;

use picket_sansio::Prng;

use crate::double::Double;
use crate::index::{HashKey, INDEX_BYTES, Index};
use crate::small_bytes::{SmallBytes, heap_len};

const LEVELS_MAX: usize = 32;
/// The head is no node, and so is the end.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct SkipList {
    nodes: Vec<Node>,
    head: [Link; LEVELS_MAX],
    levels: usize,
    tail: u32,
    prng: Prng,
    index: Index,
    hash_key: HashKey,
    /// What the names and the upper links take on the heap.
    nodes_bytes: u64,
}

#[derive(Clone, Debug)]
struct Node {
    member: SmallBytes,
    score: Double,
    previous: u32,
    next: u32,
    /// Those above the lowest level, where each link is one step.
    upper: Box<[Link]>,
}

/// To the next node of a level, or to the end.
#[derive(Clone, Copy, Debug)]
struct Link {
    next: u32,
    /// How many steps of the lowest level it is.
    span: u32,
}

/// The nodes before a place, one for each level, with their ranks.
struct Path {
    nodes: [u32; LEVELS_MAX],
    ranks: [u32; LEVELS_MAX],
}

impl SkipList {
    pub(super) fn new(hash_key: HashKey) -> Self {
        Self {
            nodes: Vec::new(),
            head: [Link { next: NONE, span: 0 }; LEVELS_MAX],
            levels: 1,
            tail: NONE,
            // The heights need be fair, not secret.
            prng: Prng::new(0),
            index: Index::new(),
            hash_key,
            nodes_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What it takes on the heap.
    pub(super) fn heap_len(&self) -> u64 {
        heap_len(400) + self.nodes_bytes + self.nodes.len() as u64 * (56 + INDEX_BYTES)
    }

    /// The score of a member.
    pub(super) fn score(&self, member: &[u8]) -> Option<Double> {
        self.position(member).map(|at| self.nodes[at].score)
    }

    /// The member at a position below [`SkipList::len`].
    pub(super) fn any(&self, position: usize) -> Option<(&[u8], Double)> {
        self.nodes.get(position).map(Node::both)
    }

    fn position(&self, member: &[u8]) -> Option<usize> {
        self.index.find(self.hash_key.hash(member), |at| *self.nodes[at].member == *member)
    }

    /// Gives a member a score and returns the one it had. It stays at its position, so that no scan passes it over.
    pub(super) fn insert(&mut self, member: &[u8], score: Double) -> Option<Double> {
        let Some(found) = self.position(member) else {
            self.add(SmallBytes::of(member), score);
            return None;
        };
        let old = self.nodes[found].score;
        if old != score {
            self.unlink(found);
            self.nodes[found].score = score;
            self.link_in(found, self.nodes.len() - 1);
        }
        Some(old)
    }

    /// Adds a member that is not there.
    fn add(&mut self, member: SmallBytes, score: Double) {
        let upper = alloc::vec![Link { next: NONE, span: 0 }; self.random_height() - 1];
        let (key, hash, new) = (self.hash_key, self.hash_key.hash(&member), self.nodes.len());
        let node = Node { member, score, previous: NONE, next: NONE, upper: upper.into() };
        self.nodes_bytes += node.heap_len();
        self.nodes.push(node);
        self.index.insert(hash, new, |at| key.hash(&self.nodes[at].member));
        self.link_in(new, new);
    }

    /// Links a node in its place among the others, of which there are `len`.
    fn link_in(&mut self, position: usize, len: usize) {
        let mut path = self.path_to(position);
        let (new, rank, height) = (number(position), path.ranks[0], self.nodes[position].upper.len() + 1);
        for level in self.levels..height {
            self.head[level] = Link { next: NONE, span: number(len) };
            path.nodes[level] = NONE;
            path.ranks[level] = 0;
        }
        self.levels = self.levels.max(height);
        for level in 1..self.levels {
            let before = rank - path.ranks[level];
            let link = self.link_mut(path.nodes[level], level);
            if level < height {
                let after = Link { next: link.next, span: link.span - before };
                *link = Link { next: new, span: before + 1 };
                self.nodes[position].upper[level - 1] = after;
            } else {
                link.span += 1;
            }
        }
        let next = self.next(path.nodes[0]);
        self.set_next(path.nodes[0], new);
        match next {
            NONE => self.tail = new,
            next => self.nodes[next as usize].previous = new,
        }
        let node = &mut self.nodes[position];
        (node.previous, node.next) = (path.nodes[0], next);
    }

    /// Removes a member and returns its score.
    pub(super) fn remove(&mut self, member: &[u8]) -> Option<Double> {
        let found = self.position(member)?;
        self.unlink(found);
        let score = self.nodes[found].score;
        self.take_node(found);
        Some(score)
    }

    /// Takes a node out of the order, but not out of the block.
    fn unlink(&mut self, found: usize) {
        let path = self.path_to(found);
        let removed = number(found);
        let upper = core::mem::take(&mut self.nodes[found].upper);
        for level in 1..self.levels {
            let link = self.link_mut(path.nodes[level], level);
            if link.next == removed {
                let after = upper[level - 1];
                *link = Link { next: after.next, span: link.span + after.span - 1 };
            } else {
                link.span -= 1;
            }
        }
        let Node { previous, next, .. } = self.nodes[found];
        self.nodes[found].upper = upper;
        self.set_next(previous, next);
        match next {
            NONE => self.tail = previous,
            next => self.nodes[next as usize].previous = previous,
        }
        while self.levels > 1 && self.head[self.levels - 1].next == NONE {
            self.levels -= 1;
        }
    }

    /// Takes a node that is linked no more out of the block.
    fn take_node(&mut self, found: usize) {
        let (last, to) = (self.nodes.len() - 1, number(found));
        let key = self.hash_key;
        if found < last {
            let path = self.path_to(last);
            for level in 1..=self.nodes[last].upper.len() {
                self.link_mut(path.nodes[level], level).next = to;
            }
            let Node { previous, next, .. } = self.nodes[last];
            self.set_next(previous, to);
            match next {
                NONE => self.tail = to,
                next => self.nodes[next as usize].previous = to,
            }
        }
        let hash_at = |at: usize| key.hash(&self.nodes[at].member);
        self.index.remove(hash_at(found), found, hash_at);
        if found < last {
            self.index.relocate(hash_at(last), last, found);
        }
        let node = self.nodes.swap_remove(found);
        self.nodes_bytes -= node.heap_len();
        if self.nodes.capacity() > 64 && self.nodes.len() < self.nodes.capacity() / 4 {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
    }

    /// How many members from the first on fulfil `is_before`, which must hold for all before one for which it
    /// holds.
    pub(super) fn partition_point(&self, is_before: impl Fn(Double, &[u8]) -> bool) -> usize {
        self.path(|node| is_before(node.score, &node.member)).ranks[0] as usize
    }

    /// The members from this rank on.
    pub(super) fn forward(&self, rank: usize) -> impl Iterator<Item = (&[u8], Double)> {
        self.walk(rank, |node| node.next)
    }

    /// The members from this rank back to the first.
    pub(super) fn backward(&self, rank: usize) -> impl Iterator<Item = (&[u8], Double)> {
        self.walk(rank, |node| node.previous)
    }

    fn walk(&self, rank: usize, next: fn(&Node) -> u32) -> impl Iterator<Item = (&[u8], Double)> {
        let node = |at: u32| self.nodes.get(at as usize);
        let first = self.at(rank).and_then(node);
        core::iter::successors(first, move |current| node(next(current))).map(Node::both)
    }

    fn at(&self, rank: usize) -> Option<u32> {
        if rank >= self.nodes.len() {
            return None;
        }
        let target = number(rank) + 1;
        let (mut at, mut passed) = (NONE, 0);
        for level in (0..self.levels).rev() {
            loop {
                let link = self.link(at, level);
                if link.next == NONE || passed + link.span > target {
                    break;
                }
                passed += link.span;
                at = link.next;
            }
        }
        Some(at)
    }

    /// The path to a node that is linked.
    fn path_to(&self, position: usize) -> Path {
        let Node { score, member, .. } = &self.nodes[position];
        self.path(|node| (node.score, &node.member) < (*score, member))
    }

    fn path(&self, is_before: impl Fn(&Node) -> bool) -> Path {
        let mut path = Path { nodes: [NONE; LEVELS_MAX], ranks: [0; LEVELS_MAX] };
        let (mut at, mut passed) = (NONE, 0);
        for level in (0..self.levels).rev() {
            loop {
                let link = self.link(at, level);
                if link.next == NONE || !is_before(&self.nodes[link.next as usize]) {
                    break;
                }
                passed += link.span;
                at = link.next;
            }
            path.nodes[level] = at;
            path.ranks[level] = passed;
        }
        path
    }

    /// The link of a node, or of the head.
    fn link(&self, node: u32, level: usize) -> Link {
        match (self.nodes.get(node as usize), level) {
            (None, _) => {
                Link { span: if level == 0 { 1 } else { self.head[level].span }, ..self.head[level] }
            }
            (Some(node), 0) => Link { next: node.next, span: 1 },
            (Some(node), _) => node.upper[level - 1],
        }
    }

    fn link_mut(&mut self, node: u32, level: usize) -> &mut Link {
        match self.nodes.get_mut(node as usize) {
            None => &mut self.head[level],
            Some(node) => &mut node.upper[level - 1],
        }
    }

    fn next(&self, node: u32) -> u32 {
        self.link(node, 0).next
    }

    fn set_next(&mut self, node: u32, next: u32) {
        match self.nodes.get_mut(node as usize) {
            None => self.head[0].next = next,
            Some(node) => node.next = next,
        }
    }

    /// Each level holds a quarter of the one below.
    fn random_height(&mut self) -> usize {
        let mut height = 1;
        while height < LEVELS_MAX && self.prng.below(4) == 0 {
            height += 1;
        }
        height
    }
}

impl Node {
    fn both(&self) -> (&[u8], Double) {
        (&self.member, self.score)
    }

    fn heap_len(&self) -> u64 {
        self.member.heap_len() + heap_len(self.upper.len() as u64 * 8)
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).expect("2^32 members take 256 GiB, and are more than a sorted set is made for")
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn it_behaves_as_a_sorted_list() {
        let mut prng = Prng::new(7);
        let mut list = SkipList::new(HashKey::new(1));
        let mut model: Vec<(Double, Vec<u8>)> = Vec::new();
        for step in 0..6000 {
            let member = format!("m{}", prng.below(300)).into_bytes();
            let found = model.iter().position(|(_, name)| *name == member);
            let score = Double::parse(format!("{}", prng.below(20)).as_bytes()).expect("a number");
            let old = found.map(|at| model.remove(at).0);
            if old.is_some() && prng.below(2) == 0 {
                assert_eq!(list.remove(&member), old);
                assert_eq!(list.score(&member), None);
            } else {
                assert_eq!(list.insert(&member, score), old);
                assert_eq!(list.score(&member), Some(score));
                model.push((score, member));
                model.sort();
            }
            assert_eq!(list.len(), model.len());
            if step % 50 == 0 {
                let all: Vec<_> = list.forward(0).map(|(member, score)| (score, member.to_vec())).collect();
                assert_eq!(all, model);
                let mut any: Vec<_> = (0..model.len()).filter_map(|at| list.any(at)).collect();
                any.sort_by_key(|(member, score)| (*score, *member));
                assert!(
                    any.iter().map(|(member, _)| *member).eq(model.iter().map(|(_, member)| &member[..]))
                );
                let mut back: Vec<_> =
                    list.backward(model.len().wrapping_sub(1)).map(|(member, _)| member.to_vec()).collect();
                back.reverse();
                assert!(back.iter().eq(model.iter().map(|(_, member)| member)));
                for (rank, (score, member)) in model.iter().enumerate() {
                    assert_eq!(list.partition_point(|s, m| (s, m) < (*score, &member[..])), rank);
                    assert_eq!(list.forward(rank).next().map(|(found, _)| found), Some(&member[..]));
                }
            }
        }
        while let Some((_, member)) = model.pop() {
            list.remove(&member);
        }
        assert_eq!((list.len(), list.nodes_bytes, list.levels, list.tail), (0, 0, 1, NONE));
    }

    #[test]
    fn a_new_score_moves_no_member_in_the_block() {
        let mut list = SkipList::new(HashKey::new(1));
        let score = |number: u32| Double::parse(format!("{number}").as_bytes()).expect("a number");
        for number in 0..500 {
            list.insert(format!("m{number}").as_bytes(), score(number));
        }
        for number in (0..500).rev() {
            let member = format!("m{number}").into_bytes();
            assert_eq!(list.insert(&member, score(1000 - number)), Some(score(number)));
            let position = usize::try_from(number).expect("an index");
            assert_eq!(list.any(position), Some((&member[..], score(1000 - number))));
        }
        assert!(list.forward(0).map(|(_, score)| score).is_sorted());
        assert_eq!((list.forward(0).count(), list.backward(499).count()), (500, 500));
    }
}
