//! Streams: entries by ascending id, and the groups that consume them.
//!
//! Entries stand in nodes which are Redis's byte for byte, since trimming with `~` removes whole nodes only and
//! what it leaves is visible. The numbers that XINFO shows are those of files, [`StreamMeta`].

use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_rdb::{StreamEntry, StreamId, StreamMeta, StreamNode, WriteError};

use super::stream_group::Groups;
use crate::small_bytes::heap_len;

/// A stream value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// What was added.
    pub(crate) entries: Entries,
    /// Who consumes it.
    pub(crate) groups: Groups,
}

impl Stream {
    /// What it knows about itself.
    #[must_use]
    pub fn meta(&self) -> &StreamMeta {
        &self.entries.meta
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.entries.len()).unwrap_or(usize::MAX)
    }

    /// Whether there is none. An empty stream keeps its key, its ids and its groups.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// All entries by ascending id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = StreamEntry<'_>> {
        self.entries.range(ID_ZERO, ID_MAX)
    }

    /// What it takes on the heap, in O(1).
    pub(crate) fn heap_len(&self) -> u64 {
        heap_len(STREAM_BYTES) + self.entries.bytes + self.groups.heap_len()
    }

    /// What OBJECT ENCODING answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        "stream"
    }
}

/// The entries of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    nodes: BTreeMap<StreamId, StreamNode>,
    meta: StreamMeta,
    /// The memory of all nodes.
    bytes: u64,
}

/// When a node is full: `stream-node-max-bytes` and `stream-node-max-entries`, 0 for no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeLimits {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// What a stream is trimmed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimTo {
    /// At most that many entries.
    Len(u64),
    /// No entry with a smaller id.
    Id(StreamId),
}

/// How exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimMode {
    /// Exactly.
    Exact,
    /// Whole nodes only, and at most that many entries; 0 for any number.
    Nodes(u64),
}

/// The last of all ids.
pub(crate) const ID_MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };
/// The first of all ids, which no entry has.
pub(crate) const ID_ZERO: StreamId = StreamId { ms: 0, seq: 0 };

/// Longer entries are refused, and no node grows beyond it whatever the settings say.
const NODE_BYTES_MAX: u64 = 1 << 30;
/// What a node takes besides its listpack: its value, its key and its share of the tree.
const NODE_OVERHEAD: u64 = 96;
/// What a stream takes besides, the same on every target.
const STREAM_BYTES: u64 = 240;

impl Entries {
    pub(crate) fn meta(&self) -> &StreamMeta {
        &self.meta
    }

    /// For XSETID and for files.
    pub(crate) fn meta_mut(&mut self) -> &mut StreamMeta {
        &mut self.meta
    }

    pub(crate) fn len(&self) -> u64 {
        self.meta.length
    }

    pub(crate) fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes from that id on.
    pub(crate) fn nodes_from(&self, id: StreamId) -> impl Iterator<Item = &StreamNode> {
        self.nodes.range(id..).map(|(_, node)| node)
    }

    /// Adds an entry whose id is above the last. Names and values alternate.
    pub(crate) fn append(
        &mut self,
        id: StreamId,
        fields: &[Bytes],
        limits: NodeLimits,
    ) -> Result<(), WriteError> {
        assert!(id > self.meta.last_id, "ids ascend");
        let len: u64 = fields.iter().map(|text| text.len() as u64).sum();
        if len > NODE_BYTES_MAX {
            return Err(WriteError::TooLarge);
        }
        let bytes_max = if limits.bytes == 0 { NODE_BYTES_MAX } else { limits.bytes.min(NODE_BYTES_MAX) };
        let is_full = |node: &StreamNode| {
            node.listpack_len() + len >= bytes_max
                || limits.entries != 0 && node.len() + node.deleted() >= limits.entries
        };
        if self.nodes.last_key_value().is_none_or(|(_, node)| is_full(node)) {
            self.add_node(StreamNode::new(id, fields)?);
        } else {
            self.add_to_last(|node| node.push(id, fields))?;
        }
        self.meta.entries_added = self.meta.entries_added.wrapping_add(1);
        self.meta.last_id = id;
        if self.meta.length == 1 {
            self.meta.first_id = id;
        }
        Ok(())
    }

    /// Adds the next entry of a file.
    pub(crate) fn load(&mut self, entry: &StreamEntry<'_>) -> Result<(), WriteError> {
        if entry.begins_node() || self.nodes.is_empty() {
            self.add_node(StreamNode::of_entry(entry)?);
            return Ok(());
        }
        self.add_to_last(|node| node.push_entry(entry))
    }

    /// Adds a node, which has one entry.
    fn add_node(&mut self, node: StreamNode) {
        if let Some(mut last) = self.nodes.last_entry() {
            // Nothing will be added to it.
            last.get_mut().shrink_to_fit();
        }
        self.bytes += node_bytes(&node);
        self.nodes.insert(node.first_id(), node);
        self.meta.length += 1;
    }

    /// Adds an entry to the last node, if there is one.
    fn add_to_last(
        &mut self,
        push: impl FnOnce(&mut StreamNode) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if let Some(mut last) = self.nodes.last_entry() {
            let before = node_bytes(last.get());
            push(last.get_mut())?;
            self.bytes = self.bytes - before + node_bytes(last.get());
            self.meta.length += 1;
        }
        Ok(())
    }

    /// The entries with these ids and all between them, from both ends.
    pub(crate) fn range(
        &self,
        start: StreamId,
        end: StreamId,
    ) -> impl DoubleEndedIterator<Item = StreamEntry<'_>> {
        // The node that may hold the first of them is found by an id that is not above it.
        let first = self.nodes.range(..=start).next_back().map_or(start, |(id, _)| *id);
        let nodes = (start <= end).then(|| self.nodes.range(first..=end)).into_iter().flatten();
        nodes.flat_map(|(_, node)| node.entries()).filter(move |entry| (start..=end).contains(&entry.id()))
    }

    /// The entry with that id.
    pub(crate) fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        let (_, node) = self.nodes.range(..=id).next_back()?;
        node.entries().find(|entry| entry.id() >= id).filter(|entry| entry.id() == id)
    }

    /// The id of the last entry that is there.
    pub(crate) fn last_entry_id(&self) -> Option<StreamId> {
        self.nodes.values().rev().find_map(|node| node.entries().next_back()).map(|entry| entry.id())
    }

    /// The first id that still takes room, deleted or not: what `MINID ~` means to replicas. The largest of all
    /// if there is none, as Redis has it.
    pub(crate) fn first_stored_id(&self) -> StreamId {
        self.nodes.first_key_value().map_or(ID_MAX, |(id, _)| *id)
    }

    /// Deletes entries; returns how many were there.
    pub(crate) fn delete(&mut self, ids: &[StreamId]) -> u64 {
        let before = self.meta.length;
        let mut first_deleted = false;
        for id in ids {
            let Some((key, node)) = self.nodes.range_mut(..=*id).next_back() else { continue };
            let key = *key;
            if !node.delete(*id) {
                continue;
            }
            if node.is_empty() {
                self.remove_node(key);
            }
            self.meta.length -= 1;
            first_deleted |= *id == self.meta.first_id;
            self.meta.max_deleted_id = self.meta.max_deleted_id.max(*id);
        }
        if first_deleted || self.meta.length == 0 {
            self.find_first();
        }
        before - self.meta.length
    }

    /// Removes entries from the first one on; returns how many.
    pub(crate) fn trim(&mut self, to: TrimTo, mode: TrimMode) -> u64 {
        let mut removed = 0;
        while let Some(mut first) = self.nodes.first_entry() {
            let (key, node) = (*first.key(), first.get_mut());
            let (length, len) = (self.meta.length, node.len());
            let is_done = matches!(to, TrimTo::Len(max) if length <= max);
            let exceeds = matches!(mode, TrimMode::Nodes(limit) if limit != 0 && removed + len > limit);
            if is_done || exceeds {
                break;
            }
            let whole = match to {
                TrimTo::Len(max) => length - len >= max,
                TrimTo::Id(id) => node.last_id() < id,
            };
            if whole {
                self.remove_node(key);
                self.meta.length -= len;
                removed += len;
                continue;
            }
            if mode == TrimMode::Exact {
                let before = node_bytes(node);
                let count = node.delete_front(|id, count| match to {
                    TrimTo::Len(max) => length - count > max,
                    TrimTo::Id(min) => id < min,
                });
                self.bytes = self.bytes - before + node_bytes(node);
                self.meta.length -= count;
                removed += count;
            }
            break;
        }
        if removed > 0 || self.meta.length == 0 {
            self.find_first();
        }
        removed
    }

    fn remove_node(&mut self, key: StreamId) {
        if let Some(node) = self.nodes.remove(&key) {
            self.bytes -= node_bytes(&node);
        }
    }

    fn find_first(&mut self) {
        let first = self.nodes.values().find_map(|node| node.entries().next());
        self.meta.first_id = first.map_or(ID_ZERO, |entry| entry.id());
    }

    /// Whether an entry was deleted at `start` or after it (`streamRangeHasTombstones`).
    pub(crate) fn has_deleted_from(&self, start: StreamId) -> bool {
        self.meta.length > 0 && self.meta.max_deleted_id != ID_ZERO && start <= self.meta.max_deleted_id
    }
}

/// The same entries, however they share nodes.
impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.meta == other.meta
            && self
                .range(ID_ZERO, ID_MAX)
                .zip(other.range(ID_ZERO, ID_MAX))
                .all(|(left, right)| left.id() == right.id() && left.fields().eq(right.fields()))
    }
}

/// The id after this one; none after the last.
pub(crate) fn next_id(id: StreamId) -> Option<StreamId> {
    match (id.seq.checked_add(1), id.ms.checked_add(1)) {
        (Some(seq), _) => Some(StreamId { seq, ..id }),
        (None, Some(ms)) => Some(StreamId { ms, seq: 0 }),
        (None, None) => None,
    }
}

/// The id before this one; none before the first.
pub(crate) fn previous_id(id: StreamId) -> Option<StreamId> {
    match (id.seq.checked_sub(1), id.ms.checked_sub(1)) {
        (Some(seq), _) => Some(StreamId { seq, ..id }),
        (None, Some(ms)) => Some(StreamId { ms, seq: u64::MAX }),
        (None, None) => None,
    }
}

fn node_bytes(node: &StreamNode) -> u64 {
    heap_len(node.bytes_len() as u64) + NODE_OVERHEAD
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    const LIMITS: NodeLimits = NodeLimits { bytes: 4096, entries: 10 };

    const fn id(ms: u64) -> StreamId {
        StreamId { ms, seq: 0 }
    }

    fn entries(count: u64) -> Entries {
        let mut entries = Entries::default();
        for ms in 1..=count {
            let fields = [Bytes::from("name"), Bytes::from(ms.to_string())];
            entries.append(id(ms), &fields, LIMITS).expect("it is short");
        }
        entries
    }

    fn ids(entries: &Entries, start: u64, end: u64) -> Vec<u64> {
        let found: Vec<u64> = entries.range(id(start), id(end)).map(|entry| entry.id().ms).collect();
        let mut reversed: Vec<u64> =
            entries.range(id(start), id(end)).rev().map(|entry| entry.id().ms).collect();
        reversed.reverse();
        assert_eq!(found, reversed);
        found
    }

    /// What is counted is what is there.
    #[track_caller]
    fn check(entries: &Entries) {
        let found = ids(entries, 0, u64::MAX);
        assert_eq!(entries.len(), found.len() as u64);
        assert_eq!(entries.meta.first_id.ms, found.first().copied().unwrap_or(0));
        assert_eq!(entries.last_entry_id().map(|id| id.ms), found.last().copied());
        assert_eq!(entries.bytes, entries.nodes.values().map(node_bytes).sum::<u64>());
    }

    #[test]
    fn ranges_begin_and_end_anywhere() {
        let mut entries = entries(35);
        assert_eq!(entries.nodes_len(), 4);
        assert_eq!(ids(&entries, 9, 12), [9, 10, 11, 12]);
        assert_eq!(ids(&entries, 35, 99), [35]);
        assert!(ids(&entries, 36, 99).is_empty() && ids(&entries, 12, 9).is_empty());
        assert_eq!(entries.delete(&[id(10), id(11), id(11), id(99)]), 2);
        assert_eq!(ids(&entries, 9, 12), [9, 12]);
        assert!(entries.get(id(12)).is_some() && entries.get(id(10)).is_none());
        assert_eq!(entries.meta.max_deleted_id, id(11));
        check(&entries);
    }

    #[test]
    fn trimming_by_nodes_leaves_whole_nodes() {
        for (to, mode, removed) in [
            (TrimTo::Len(12), TrimMode::Nodes(0), 20),
            (TrimTo::Len(12), TrimMode::Nodes(19), 10),
            (TrimTo::Len(12), TrimMode::Nodes(5), 0),
            (TrimTo::Len(12), TrimMode::Exact, 23),
            (TrimTo::Len(0), TrimMode::Exact, 35),
            (TrimTo::Len(35), TrimMode::Exact, 0),
            (TrimTo::Id(id(20)), TrimMode::Nodes(0), 10),
            (TrimTo::Id(id(21)), TrimMode::Nodes(0), 20),
            (TrimTo::Id(id(20)), TrimMode::Exact, 19),
            (TrimTo::Id(id(99)), TrimMode::Exact, 35),
        ] {
            let mut entries = entries(35);
            assert_eq!(entries.trim(to, mode), removed, "{to:?} {mode:?}");
            check(&entries);
            assert_eq!((entries.len(), entries.meta.entries_added), (35 - removed, 35));
            assert_eq!(entries.meta.max_deleted_id, ID_ZERO);
        }
    }

    #[test]
    fn a_node_of_deleted_entries_goes() {
        let mut entries = entries(20);
        let all: Vec<StreamId> = (1..=10).map(id).collect();
        assert_eq!(entries.delete(&all), 10);
        assert_eq!((entries.nodes_len(), entries.first_stored_id()), (1, id(11)));
        assert_eq!(entries.delete(&[id(11)]), 1);
        // What was deleted takes room until its node goes.
        assert_eq!((entries.meta.first_id, entries.first_stored_id()), (id(12), id(11)));
        check(&entries);
    }

    #[test]
    fn full_nodes_are_left_alone() {
        let fields = |len| [Bytes::from("f"), Bytes::from(alloc::vec![b'x'; len])];
        let mut entries = Entries::default();
        let limits = NodeLimits { bytes: 100, entries: 0 };
        for (ms, len, nodes) in [(1, 500, 1), (2, 1, 2), (3, 40, 2), (4, 40, 3), (5, 1, 3)] {
            entries.append(id(ms), &fields(len), limits).expect("it is short");
            assert_eq!(entries.nodes_len(), nodes, "{ms}");
        }
        check(&entries);
    }
}
