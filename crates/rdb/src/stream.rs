//! What belongs to a stream besides its entries.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

/// The id of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds of the clock that gave it.
    pub ms: u64,
    /// Number within the millisecond.
    pub seq: u64,
}

impl StreamId {
    /// From its 16 bytes, big-endian.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let value = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        Self { ms: (value >> 64) as u64, seq: value as u64 }
    }

    /// Its 16 bytes, big-endian: they order as the ids do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// What a stream knows about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamMeta {
    /// Number of entries.
    pub length: u64,
    /// The last id given, also if its entry is gone.
    pub last_id: StreamId,
    /// The first entry's id; 0-0 in an empty stream.
    pub first_id: StreamId,
    /// The largest id that was deleted.
    pub max_deleted_id: StreamId,
    /// Entries ever added.
    pub entries_added: u64,
}

impl StreamMeta {
    /// How many entries were added up to that id, where that can be told
    /// (`t_stream.c: streamEstimateDistanceFromFirstEverEntry`).
    #[must_use]
    pub fn count_up_to(&self, id: StreamId) -> Option<u64> {
        let zero = StreamId::default();
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.length == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if id != zero && id < self.max_deleted_id || id > self.last_id {
            return None;
        }
        if id == self.last_id {
            return Some(self.entries_added);
        }
        let is_whole = self.max_deleted_id == zero || self.max_deleted_id < self.first_id;
        let before = self.entries_added.wrapping_sub(self.length);
        match id.cmp(&self.first_id) {
            Ordering::Less if is_whole => Some(before),
            Ordering::Equal if is_whole => Some(before.wrapping_add(1)),
            _ => None,
        }
    }
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamGroup {
    /// Its name.
    pub name: Vec<u8>,
    /// The last id delivered to it.
    pub last_id: StreamId,
    /// Entries read, if that is known. Files before version 10 do not say, and then it is what can be told from
    /// the last id.
    pub entries_read: Option<u64>,
    /// Its consumers, each name once.
    pub consumers: Vec<StreamConsumer>,
    /// What was delivered and not acknowledged, by ascending id.
    pub pending: Vec<StreamPending>,
}

/// A consumer of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamConsumer {
    /// Its name.
    pub name: Vec<u8>,
    /// When it last tried to do something: unix ms.
    pub seen_time_ms: i64,
    /// When it last got something: unix ms. None if never; files before version 11 do not say, and then it
    /// is the time above, as Redis takes it.
    pub active_time_ms: Option<i64>,
}

/// A delivered entry that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPending {
    /// The entry. It may be gone from the stream.
    pub id: StreamId,
    /// Whose it is: a place in [`StreamGroup::consumers`].
    pub consumer: u32,
    /// When it was delivered last: unix ms.
    pub delivery_time_ms: i64,
    /// How often it was delivered.
    pub delivery_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_where_nothing_was_deleted() {
        let id = |ms| StreamId { ms, seq: 0 };
        let meta = StreamMeta {
            length: 3,
            last_id: id(9),
            first_id: id(5),
            max_deleted_id: id(0),
            entries_added: 7,
        };
        for (at, count) in [(0, Some(4)), (4, Some(4)), (5, Some(5)), (6, None), (9, Some(7)), (10, None)] {
            assert_eq!(meta.count_up_to(id(at)), count, "{at}");
        }
        let holed = StreamMeta { max_deleted_id: id(6), ..meta };
        for (at, count) in [(0, None), (5, None), (6, None), (9, Some(7))] {
            assert_eq!(holed.count_up_to(id(at)), count, "{at}");
        }
        let empty = StreamMeta { length: 0, ..holed };
        assert_eq!((empty.count_up_to(id(1)), empty.count_up_to(id(10))), (Some(7), None));
        assert_eq!(StreamMeta::default().count_up_to(id(1)), Some(0));
    }

    #[test]
    fn ids_order_as_their_bytes() {
        let ids =
            [(0, 0), (0, 1), (1, 0), (1, u64::MAX), (u64::MAX, 0)].map(|(ms, seq)| StreamId { ms, seq });
        for (a, left) in ids.iter().enumerate() {
            assert_eq!(StreamId::from_bytes(left.to_bytes()), *left);
            for (b, right) in ids.iter().enumerate() {
                assert_eq!(left.to_bytes().cmp(&right.to_bytes()), a.cmp(&b));
            }
        }
    }
}
