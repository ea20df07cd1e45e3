//! Sorted sets: packed in order while they are few and short, then a skip list with an index of the names.

use alloc::boxed::Box;
use core::ops::Range;

use bytes::Bytes;

use super::either::Either;
use super::packed::Packed;
use super::skiplist::SkipList;
use crate::dict::scan_step;
use crate::double::Double;
use crate::index::HashKey;
use crate::settings::Settings;
use crate::small_bytes::heap_len;

/// A sorted set.
#[derive(Clone, Debug)]
pub struct ZSet {
    members: Members,
    hash_key: HashKey,
}

#[derive(Clone, Debug)]
enum Members {
    /// Each member with its score behind it, in order.
    Packed(Packed),
    List(Box<SkipList>),
}

impl ZSet {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { members: Members::Packed(Packed::default()), hash_key }
    }

    /// All at once: the encoding is that of the whole.
    pub(crate) fn of_members(members: &[(Bytes, Double)], hash_key: HashKey, settings: &Settings) -> Self {
        let longest = members.iter().map(|(member, _)| member.len() as u64).max().unwrap_or(0);
        let mut zset = Self::new(hash_key);
        if longest > settings.zset_max_listpack_value
            || members.len() as u64 > settings.zset_max_listpack_entries
        {
            zset.become_list();
        }
        for (member, score) in members {
            zset.insert(member, *score, settings);
        }
        zset
    }

    /// Adds a member of a file; false if it was there. Minus zero, which a listpack cannot hold, stays what it is
    /// until [`ZSet::pack`].
    pub(crate) fn load(&mut self, member: &[u8], score: Double, settings: &Settings) -> bool {
        if score.is_minus_zero() && matches!(self.members, Members::Packed(_)) {
            self.become_list();
        }
        self.insert(member, score, settings).is_none()
    }

    /// Goes back to the packed form if all members fit into it.
    pub(crate) fn pack(&mut self, settings: &Settings) {
        let fits = self.len() as u64 <= settings.zset_max_listpack_entries
            && self.iter().all(|(member, _)| member.len() as u64 <= settings.zset_max_listpack_value);
        if fits && matches!(self.members, Members::List(_)) {
            let mut packed = Self::new(self.hash_key);
            for (member, score) in self.iter() {
                packed.insert(member, score, settings);
            }
            *self = packed;
        }
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.members {
            Members::Packed(packed) => packed.len() / 2,
            Members::List(list) => list.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<Double> {
        match &self.members {
            Members::Packed(packed) => find(packed, member).map(|(_, score)| score),
            Members::List(list) => list.score(member),
        }
    }

    /// How many members stand before this one.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        match &self.members {
            Members::Packed(packed) => find(packed, member).map(|(rank, _)| rank),
            Members::List(list) => {
                let score = list.score(member)?;
                Some(list.partition_point(|s, m| (s, m) < (score, member)))
            }
        }
    }

    /// All members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Double)> {
        self.range(0..self.len())
    }

    /// The member at a position below [`ZSet::len`], in no order that means anything.
    pub(crate) fn any(&self, position: usize) -> Option<(&[u8], Double)> {
        match &self.members {
            Members::Packed(packed) => forward(packed, position).next(),
            Members::List(list) => list.any(position),
        }
    }

    /// The members at these ranks, upwards.
    pub(crate) fn range(&self, ranks: Range<usize>) -> impl Iterator<Item = (&[u8], Double)> {
        let all = match &self.members {
            Members::Packed(packed) => Either::Left(forward(packed, ranks.start)),
            Members::List(list) => Either::Right(list.forward(ranks.start)),
        };
        all.take(ranks.len())
    }

    /// The members at these ranks, downwards.
    pub(crate) fn range_back(&self, ranks: Range<usize>) -> impl Iterator<Item = (&[u8], Double)> {
        let all = match &self.members {
            Members::Packed(packed) => Either::Left(backward(packed, ranks.end)),
            Members::List(list) => Either::Right(list.backward(ranks.end.wrapping_sub(1))),
        };
        all.take(ranks.len())
    }

    /// How many members from the first on fulfil `is_before`.
    pub(crate) fn partition_point(&self, is_before: impl Fn(Double, &[u8]) -> bool) -> usize {
        match &self.members {
            Members::Packed(packed) => {
                forward(packed, 0).take_while(|(member, score)| is_before(*score, member)).count()
            }
            Members::List(list) => list.partition_point(is_before),
        }
    }

    /// Gives a member a score and returns the one it had.
    pub(crate) fn insert(&mut self, member: &[u8], score: Double, settings: &Settings) -> Option<Double> {
        if let Members::Packed(packed) = &mut self.members {
            let found = find(packed, member);
            let len = packed.len() / 2 + usize::from(found.is_none());
            if member.len() as u64 <= settings.zset_max_listpack_value
                && len as u64 <= settings.zset_max_listpack_entries
            {
                let score = score.packed();
                if let Some((rank, old)) = found {
                    if old == score {
                        return Some(old);
                    }
                    packed.splice(2 * rank, 2, &[]);
                }
                let rank = forward(packed, 0).take_while(|(m, s)| (*s, *m) < (score, member)).count();
                let (bytes, len) = packed_score(score);
                packed.splice(2 * rank, 0, &[member, &bytes[..len]]);
                return found.map(|(_, old)| old);
            }
            self.become_list();
        }
        match &mut self.members {
            Members::List(list) => list.insert(member, score),
            Members::Packed(_) => None,
        }
    }

    /// Removes a member; none if it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<Double> {
        match &mut self.members {
            Members::Packed(packed) => {
                let (rank, score) = find(packed, member)?;
                packed.splice(2 * rank, 2, &[]);
                Some(score)
            }
            Members::List(list) => list.remove(member),
        }
    }

    /// The positions that a step of ZSCAN looks at, and the next cursor; to be looked up with [`ZSet::any`], or
    /// as ranks if everything is looked at.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        match &self.members {
            Members::Packed(_) => (0..self.len(), 0),
            Members::List(list) => scan_step(list.len(), cursor, count),
        }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match &self.members {
            Members::Packed(_) => "listpack",
            Members::List(_) => "skiplist",
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        let members = match &self.members {
            Members::Packed(packed) => packed.heap_len(),
            Members::List(list) => list.heap_len(),
        };
        heap_len(40) + members
    }

    fn become_list(&mut self) {
        let mut list = SkipList::new(self.hash_key);
        for (member, score) in self.iter() {
            list.insert(member, score);
        }
        self.members = Members::List(Box::new(list));
    }
}

/// The rank and the score of a member.
fn find(packed: &Packed, member: &[u8]) -> Option<(usize, Double)> {
    forward(packed, 0)
        .enumerate()
        .find(|(_, (found, _))| *found == member)
        .map(|(rank, (_, score))| (rank, score))
}

fn forward(packed: &Packed, rank: usize) -> impl Iterator<Item = (&[u8], Double)> {
    let mut items = packed.iter_from(rank.saturating_mul(2));
    core::iter::from_fn(move || Some((items.next()?, unpacked_score(items.next()?))))
}

/// The members before this rank, downwards.
fn backward(packed: &Packed, rank: usize) -> impl Iterator<Item = (&[u8], Double)> {
    let mut items = packed.iter_until(rank.saturating_mul(2));
    core::iter::from_fn(move || {
        let score = items.next_back()?;
        Some((items.next_back()?, unpacked_score(score)))
    })
}

/// A score without the zero bytes at its end, which those of small integers mostly are; how many bytes are left.
fn packed_score(score: Double) -> ([u8; 8], usize) {
    let bytes = score.to_bits().to_be_bytes();
    (bytes, bytes.iter().rposition(|byte| *byte > 0).map_or(0, |last| last + 1))
}

fn unpacked_score(bytes: &[u8]) -> Double {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    Double::from_bits(u64::from_be_bytes(all)).expect("it was a Double before")
}

/// Equal when the members have the same scores.
impl PartialEq for ZSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(member, score)| other.score(member) == Some(score))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn the_encoding_follows_the_members() {
        let settings = Settings::default();
        let mut zset = ZSet::new(HashKey::default());
        for number in 0..128 {
            zset.insert(format!("m{number}").as_bytes(), Double::ONE, &settings);
        }
        zset.insert(b"m5", Double::ZERO, &settings);
        assert_eq!((zset.encoding(), zset.rank(b"m5"), zset.rank(b"m0")), ("listpack", Some(0), Some(1)));
        zset.insert(b"one more", Double::ONE, &settings);
        assert_eq!(zset.encoding(), "skiplist");
        let long = Bytes::from([b'x'; 65].to_vec());
        assert_eq!(
            ZSet::of_members(&[(long, Double::ONE)], HashKey::default(), &settings).encoding(),
            "skiplist"
        );
    }

    #[test]
    fn a_listpack_knows_no_negative_zero() {
        let settings = Settings::default();
        let zero = Double::parse(b"-0").expect("a number");
        let mut zset = ZSet::new(HashKey::default());
        zset.insert(b"m", zero, &settings);
        assert_eq!(zset.score(b"m").map(Double::text), Some(Bytes::from_static(b"0")));
        zset.insert(&[b'x'; 65], zero, &settings);
        assert_eq!(zset.score(&[b'x'; 65]).map(Double::text), Some(Bytes::from_static(b"-0")));
    }
}
