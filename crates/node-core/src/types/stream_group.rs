//! Groups of consumers: what was delivered to whom and is not acknowledged.

use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use picket_rdb::StreamId;

/// The groups of a stream by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    by_name: BTreeMap<Bytes, Group>,
    /// The memory of all of them.
    bytes: u64,
}

/// A group of consumers.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The last id delivered to it.
    pub(crate) last_id: StreamId,
    /// How many entries it has read, if that is known.
    pub(crate) entries_read: Option<u64>,
    /// What was delivered and not acknowledged. The entry may be gone.
    pending: BTreeMap<StreamId, Pending>,
    consumers: BTreeMap<ConsumerId, Consumer>,
    by_name: BTreeMap<Bytes, ConsumerId>,
    next_consumer: u64,
    /// The bytes of its consumers' names.
    names_len: u64,
}

/// A consumer within its group; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(u64);

/// A consumer.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) name: Bytes,
    /// When it last tried to do something, in milliseconds since the epoch.
    pub(crate) seen_at: i64,
    /// When it last got something.
    pub(crate) active_at: Option<i64>,
    pub(crate) pending: BTreeSet<StreamId>,
}

/// A delivery that was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) consumer: ConsumerId,
    /// When it was delivered last, in milliseconds since the epoch.
    pub(crate) delivered_at: i64,
    /// How often.
    pub(crate) deliveries: u64,
}

/// What a pending entry takes: twice its id and its own value, in trees that are two thirds full.
const PENDING_BYTES: u64 = (2 * 16 + 24) * 3 / 2;
/// What a consumer takes besides its name, which two trees share.
const CONSUMER_BYTES: u64 = 224;
/// What a group takes besides its name.
const GROUP_BYTES: u64 = 256;

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn heap_len(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Group> {
        self.by_name.get(name)
    }

    /// All groups by ascending name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Group)> {
        self.by_name.iter()
    }

    /// Adds a group; false if there is one with that name.
    pub(crate) fn create(&mut self, name: &[u8], group: Group) -> bool {
        if self.by_name.contains_key(name) {
            return false;
        }
        self.bytes += name.len() as u64 + group.heap_len();
        self.by_name.insert(Bytes::copy_from_slice(name), group);
        true
    }

    /// Removes a group; false if there is none.
    pub(crate) fn destroy(&mut self, name: &[u8]) -> bool {
        let Some(group) = self.by_name.remove(name) else {
            return false;
        };
        self.bytes -= name.len() as u64 + group.heap_len();
        true
    }

    /// Changes a group; none if there is none.
    pub(crate) fn update<T>(&mut self, name: &[u8], change: impl FnOnce(&mut Group) -> T) -> Option<T> {
        let group = self.by_name.get_mut(name)?;
        let before = group.heap_len();
        let result = change(group);
        self.bytes = self.bytes - before + group.heap_len();
        Some(result)
    }
}

/// The same groups: what they take may differ, as consumers may.
impl PartialEq for Groups {
    fn eq(&self, other: &Self) -> bool {
        self.by_name == other.by_name
    }
}

impl Group {
    pub(crate) fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            consumers: BTreeMap::new(),
            by_name: BTreeMap::new(),
            next_consumer: 0,
            names_len: 0,
        }
    }

    fn heap_len(&self) -> u64 {
        let (consumers, pending) = (self.consumers.len() as u64, self.pending.len() as u64);
        GROUP_BYTES + self.names_len + consumers * CONSUMER_BYTES + pending * PENDING_BYTES
    }

    /// All consumers by ascending name.
    pub(crate) fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.by_name.values().map(|id| &self.consumers[id])
    }

    pub(crate) fn consumer_id(&self, name: &[u8]) -> Option<ConsumerId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn consumer(&self, id: ConsumerId) -> &Consumer {
        &self.consumers[&id]
    }

    pub(crate) fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.consumers.get_mut(&id).expect("a consumer is named as long as it is there")
    }

    /// The consumer of that name, made if there is none, and whether it was.
    pub(crate) fn consumer_or_create(&mut self, name: &[u8], now: i64) -> (ConsumerId, bool) {
        if let Some(id) = self.consumer_id(name) {
            return (id, false);
        }
        let id = ConsumerId(self.next_consumer);
        self.next_consumer += 1;
        let name = Bytes::copy_from_slice(name);
        self.names_len += name.len() as u64;
        self.by_name.insert(name.clone(), id);
        self.consumers.insert(id, Consumer { name, seen_at: now, active_at: None, pending: BTreeSet::new() });
        (id, true)
    }

    /// Removes a consumer with everything that is pending for it, and returns it.
    pub(crate) fn delete_consumer(&mut self, name: &[u8]) -> Option<Consumer> {
        let consumer = self.consumers.remove(&self.by_name.remove(name)?)?;
        self.names_len -= name.len() as u64;
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        Some(consumer)
    }

    pub(crate) fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// Makes an entry a consumer's, whoever had it.
    pub(crate) fn assign(&mut self, id: StreamId, pending: Pending) {
        let old = self.pending.insert(id, pending);
        if old.is_some_and(|old| old.consumer == pending.consumer) {
            return;
        }
        if let Some(old) = old {
            self.consumer_mut(old.consumer).pending.remove(&id);
        }
        self.consumer_mut(pending.consumer).pending.insert(id);
    }

    /// A pending entry is delivered once more.
    pub(crate) fn deliver_again(&mut self, id: StreamId, now: i64) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.delivered_at = now;
            pending.deliveries = pending.deliveries.wrapping_add(1);
        }
    }

    /// Forgets that an entry is pending; what it was if it was.
    pub(crate) fn forget(&mut self, id: StreamId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.consumer_mut(pending.consumer).pending.remove(&id);
        Some(pending)
    }
}

/// The same as far as the stream of commands carries it: a consumer that has nothing pending, times and numbers of
/// deliveries may differ on a replica, as they do on Redis's.
impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        fn owners(group: &Group) -> impl Iterator<Item = (&StreamId, &Bytes)> {
            group.pending.iter().map(|(id, pending)| (id, &group.consumer(pending.consumer).name))
        }
        self.last_id == other.last_id
            && self.entries_read == other.entries_read
            && owners(self).eq(owners(other))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    const fn id(seq: u64) -> StreamId {
        StreamId { ms: 1, seq }
    }

    fn give(group: &mut Group, name: &str, seq: u64) {
        let (consumer, _) = group.consumer_or_create(name.as_bytes(), 0);
        group.assign(id(seq), Pending { consumer, delivered_at: 0, deliveries: 1 });
    }

    #[test]
    fn an_entry_is_pending_for_one_consumer() {
        let mut group = Group::new(ID, None);
        (1..=4).for_each(|seq| give(&mut group, "a", seq));
        give(&mut group, "b", 2);
        give(&mut group, "b", 2);
        let owned = |group: &Group| -> Vec<Vec<u64>> {
            group.consumers().map(|consumer| consumer.pending.iter().map(|id| id.seq).collect()).collect()
        };
        assert_eq!(owned(&group), [vec![1, 3, 4], vec![2]]);
        assert!(group.forget(id(3)).is_some() && group.forget(id(3)).is_none());
        assert_eq!(owned(&group), [vec![1, 4], vec![2]]);
        assert_eq!(group.delete_consumer(b"a").map(|consumer| consumer.pending.len()), Some(2));
        assert_eq!((owned(&group), group.pending().len()), (vec![vec![2]], 1));
    }

    #[test]
    fn memory_goes_down_as_it_went_up() {
        let mut groups = Groups::default();
        assert!(groups.create(b"g", Group::new(ID, None)) && !groups.create(b"g", Group::new(ID, None)));
        let one = groups.heap_len();
        groups.update(b"g", |group| (0..100).for_each(|seq| give(group, "consumer", seq)));
        assert_eq!(groups.heap_len(), one + CONSUMER_BYTES + 8 + 100 * PENDING_BYTES);
        groups.update(b"g", |group| group.delete_consumer(b"consumer"));
        assert_eq!(groups.heap_len(), one);
        assert!(groups.destroy(b"g") && !groups.destroy(b"g"));
        assert_eq!(groups.heap_len(), 0);
    }

    const ID: StreamId = StreamId { ms: 0, seq: 0 };
}
