//! Sorted sets: scores by member, and members in order.

use core::ops::Range;

use bytes::Bytes;

use super::skiplist::SkipList;
use crate::dict::{Dict, HashKey, Order};
use crate::double::Double;
use crate::settings::Settings;

/// A sorted set.
#[derive(Clone, Debug)]
pub struct ZSet {
    scores: Dict<Double>,
    order: SkipList,
    is_packed: bool,
}

impl ZSet {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self { scores: Dict::new(hash_key), order: SkipList::new(), is_packed: true }
    }

    /// All at once: the encoding is that of the whole.
    pub(crate) fn of_members(members: &[(Bytes, Double)], hash_key: HashKey, settings: &Settings) -> Self {
        let longest = members.iter().map(|(member, _)| member.len() as u64).max().unwrap_or(0);
        let mut zset = Self::new(hash_key);
        zset.is_packed = longest <= settings.zset_max_listpack_value
            && members.len() as u64 <= settings.zset_max_listpack_entries;
        for (member, score) in members {
            zset.insert(member, *score, settings);
        }
        zset
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The score of a member.
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<Double> {
        self.scores.get(member).copied()
    }

    /// How many members stand before this one.
    #[must_use]
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.order.partition_point(|s, m| (s, &m[..]) < (score, member)))
    }

    /// All members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, Double)> {
        self.order.forward(0)
    }

    /// The member at a position below [`ZSet::len`], in no order that means anything.
    pub(crate) fn any(&self, position: usize) -> Option<(&Bytes, Double)> {
        self.scores.at(position).map(|(member, score)| (member, *score))
    }

    /// The members at these ranks, upwards.
    pub(crate) fn range(&self, ranks: Range<usize>) -> impl Iterator<Item = (&Bytes, Double)> {
        self.order.forward(ranks.start).take(ranks.len())
    }

    /// The members at these ranks, downwards.
    pub(crate) fn range_back(&self, ranks: Range<usize>) -> impl Iterator<Item = (&Bytes, Double)> {
        self.order.backward(ranks.end.wrapping_sub(1)).take(ranks.len())
    }

    /// How many members from the first on fulfil `is_before`.
    pub(crate) fn partition_point(&self, is_before: impl Fn(Double, &Bytes) -> bool) -> usize {
        self.order.partition_point(is_before)
    }

    /// Gives a member a score and returns the one it had.
    pub(crate) fn insert(&mut self, member: &[u8], score: Double, settings: &Settings) -> Option<Double> {
        let len = self.len() + usize::from(!self.scores.contains(member));
        self.is_packed &= member.len() as u64 <= settings.zset_max_listpack_value
            && len as u64 <= settings.zset_max_listpack_entries;
        let score = if self.is_packed { score.packed() } else { score };
        let old = self.scores.insert(member, score);
        if let Some(old) = old {
            if old == score {
                return Some(old);
            }
            self.order.remove(old, member);
        }
        // The name as the dictionary keeps it: shared, not copied again.
        if let Some((name, _)) = self.scores.get_full(member) {
            self.order.insert(score, name.clone());
        }
        old
    }

    /// Removes a member; none if it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<Double> {
        let (_, score) = self.scores.remove(member, Order::Free)?;
        self.order.remove(score, member);
        Some(score)
    }

    /// The positions that a step of ZSCAN looks at, and the next cursor; to be looked up with [`ZSet::any`], or
    /// as ranks if everything is looked at.
    pub(crate) fn scan_step(&self, cursor: u64, count: u64) -> (Range<usize>, u64) {
        if self.is_packed { (0..self.len(), 0) } else { self.scores.scan_step(cursor, count) }
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        if self.is_packed { "listpack" } else { "skiplist" }
    }
}

/// Equal when the members have the same scores.
impl PartialEq for ZSet {
    fn eq(&self, other: &Self) -> bool {
        self.scores == other.scores
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
