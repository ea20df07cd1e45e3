//! Members in order of score, then of name, with ranks in O(log n): a skip list whose links know how many elements
//! they pass (`t_zset.c: zslInsert`), in one block of nodes named by number.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::Prng;

use crate::double::Double;

const LEVELS_MAX: usize = 32;
const HEAD: u32 = 0;
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct SkipList {
    /// The first is the head, which holds no member.
    nodes: Vec<Node>,
    free: Vec<u32>,
    len: u32,
    levels: usize,
    tail: u32,
    prng: Prng,
}

#[derive(Clone, Debug)]
struct Node {
    member: Bytes,
    score: Double,
    previous: u32,
    links: Vec<Link>,
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
    pub(super) fn new() -> Self {
        let links = (0..LEVELS_MAX).map(|_| Link { next: NONE, span: 0 }).collect();
        let head = Node { member: Bytes::new(), score: Double::ZERO, previous: NONE, links };
        // The heights need be fair, not secret.
        let prng = Prng::new(0);
        Self { nodes: [head].into(), free: Vec::new(), len: 0, levels: 1, tail: NONE, prng }
    }

    /// Adds a member that is not there.
    pub(super) fn insert(&mut self, score: Double, member: Bytes) {
        let mut path = self.path(|node| (node.score, &node.member) < (score, &member));
        let rank = path.ranks[0];
        let height = self.random_height();
        for level in self.levels..height {
            self.nodes[HEAD as usize].links[level].span = self.len;
            path.nodes[level] = HEAD;
            path.ranks[level] = 0;
        }
        self.levels = self.levels.max(height);
        let previous = if path.nodes[0] == HEAD { NONE } else { path.nodes[0] };
        let new = self.allocate(Node { member, score, previous, links: Vec::with_capacity(height) });
        for level in 0..self.levels {
            let before = rank - path.ranks[level];
            let link = self.link_mut(path.nodes[level], level);
            if level < height {
                let after = Link { next: link.next, span: link.span - before };
                *link = Link { next: new, span: before + 1 };
                self.nodes[new as usize].links.push(after);
            } else {
                link.span += 1;
            }
        }
        match self.nodes[new as usize].links[0].next {
            NONE => self.tail = new,
            next => self.nodes[next as usize].previous = new,
        }
        self.len += 1;
    }

    /// Removes a member that has this score.
    pub(super) fn remove(&mut self, score: Double, member: &[u8]) {
        let path = self.path(|node| (node.score, &node.member[..]) < (score, member));
        let found = self.link(path.nodes[0], 0).next;
        if found == NONE || self.nodes[found as usize].member != member {
            return;
        }
        let removed = core::mem::replace(
            &mut self.nodes[found as usize],
            Node { member: Bytes::new(), score: Double::ZERO, previous: NONE, links: Vec::new() },
        );
        for level in 0..self.levels {
            let link = self.link_mut(path.nodes[level], level);
            if link.next == found {
                let after = removed.links[level];
                *link = Link { next: after.next, span: link.span + after.span - 1 };
            } else {
                link.span -= 1;
            }
        }
        match removed.links[0].next {
            NONE => self.tail = removed.previous,
            next => self.nodes[next as usize].previous = removed.previous,
        }
        while self.levels > 1 && self.link(HEAD, self.levels - 1).next == NONE {
            self.levels -= 1;
        }
        self.free.push(found);
        self.len -= 1;
    }

    /// How many members from the first on fulfil `is_before`, which must hold for all before one for which it
    /// holds.
    pub(super) fn partition_point(&self, is_before: impl Fn(Double, &Bytes) -> bool) -> usize {
        self.path(|node| is_before(node.score, &node.member)).ranks[0] as usize
    }

    /// The members from this rank on.
    pub(super) fn forward(&self, rank: usize) -> impl Iterator<Item = (&Bytes, Double)> {
        self.walk(rank, |node| node.links[0].next)
    }

    /// The members from this rank back to the first.
    pub(super) fn backward(&self, rank: usize) -> impl Iterator<Item = (&Bytes, Double)> {
        self.walk(rank, |node| node.previous)
    }

    fn walk(&self, rank: usize, next: fn(&Node) -> u32) -> impl Iterator<Item = (&Bytes, Double)> {
        let node = |at: u32| if at == NONE { None } else { self.nodes.get(at as usize) };
        let first = self.at(rank).and_then(node);
        core::iter::successors(first, move |current| node(next(current)))
            .map(|node| (&node.member, node.score))
    }

    fn at(&self, rank: usize) -> Option<u32> {
        let target = u32::try_from(rank).ok().filter(|rank| *rank < self.len)? + 1;
        let (mut at, mut passed) = (HEAD, 0);
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

    fn path(&self, is_before: impl Fn(&Node) -> bool) -> Path {
        let mut path = Path { nodes: [HEAD; LEVELS_MAX], ranks: [0; LEVELS_MAX] };
        let (mut at, mut passed) = (HEAD, 0);
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

    fn link(&self, node: u32, level: usize) -> Link {
        self.nodes[node as usize].links[level]
    }

    fn link_mut(&mut self, node: u32, level: usize) -> &mut Link {
        &mut self.nodes[node as usize].links[level]
    }

    fn allocate(&mut self, node: Node) -> u32 {
        if let Some(at) = self.free.pop() {
            self.nodes[at as usize] = node;
            return at;
        }
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).expect("2^32 members of 100 bytes do not fit into memory")
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

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn it_behaves_as_a_sorted_list() {
        let mut prng = Prng::new(7);
        let mut list = SkipList::new();
        let mut model: Vec<(Double, Bytes)> = Vec::new();
        for step in 0..4000 {
            let member = Bytes::from(format!("m{}", prng.below(200)));
            let found = model.iter().position(|(_, name)| *name == member);
            match found {
                Some(at) if prng.below(2) == 0 => {
                    let (score, member) = model.remove(at);
                    list.remove(score, &member);
                }
                None => {
                    let score = Double::parse(format!("{}", prng.below(20)).as_bytes()).expect("a number");
                    list.insert(score, member.clone());
                    model.push((score, member));
                    model.sort();
                }
                Some(_) => {}
            }
            assert_eq!(list.len as usize, model.len());
            if step % 50 == 0 {
                let all: Vec<_> = list.forward(0).map(|(member, score)| (score, member.clone())).collect();
                assert_eq!(all, model);
                let mut back: Vec<_> =
                    list.backward(model.len().wrapping_sub(1)).map(|(member, _)| member.clone()).collect();
                back.reverse();
                assert!(back.iter().eq(model.iter().map(|(_, member)| member)));
                for (rank, (score, member)) in model.iter().enumerate() {
                    assert_eq!(list.partition_point(|s, m| (s, m) < (*score, member)), rank);
                    assert_eq!(list.forward(rank).next().map(|(found, _)| found), Some(member));
                }
            }
        }
    }
}
