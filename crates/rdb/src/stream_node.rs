//! Nodes of streams (`t_stream.c: streamAppendItem`): entries with differences of ids, and with the field
//! names of the first entry where they are the same.
//!
//! A node is kept as the very listpack that stands in files, so that it is as small and as long as Redis's: what
//! is removed from a stream in whole nodes is the same in both.

use alloc::vec::Vec;

use crate::container_error::Container;
use crate::encode::WriteError;
use crate::listpack::{self, Listpack};
use crate::node_cursor::{DELETED, Header, SAME_FIELDS};
use crate::packed::{Cursor, Item};
use crate::stream::StreamId;
use crate::stream_entry::StreamEntry;
use crate::string::RdbStr;

/// Entries of a stream that stand together. Those that were deleted stay in it, marked, until all are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamNode {
    first_id: StreamId,
    listpack: Listpack,
}

/// Where the numbers of entries and of deleted ones stand in the listpack: the second after the first, if that
/// has its shortest form.
const COUNT_AT: usize = listpack::HEADER_LEN;

impl StreamNode {
    /// A node with its first entry, whose fields' names the others may share. Names and values alternate.
    ///
    /// # Errors
    /// As [`StreamNode::push`].
    pub fn new(id: StreamId, fields: &[impl AsRef<[u8]>]) -> Result<Self, WriteError> {
        check(&Listpack::new(), fields)?;
        let mut node = Self::begin(id, fields.iter().step_by(2).map(AsRef::as_ref));
        node.push(id, fields)?;
        Ok(node)
    }

    /// The same for the first entry that is left of a file's node, whose names may be those of one that was deleted.
    ///
    /// # Errors
    /// As [`StreamNode::push`].
    pub fn of_entry(entry: &StreamEntry<'_>) -> Result<Self, WriteError> {
        let names: Vec<_> = entry.node_names().map(RdbStr::into_vec).collect();
        let len = names.iter().map(Vec::len).sum();
        if !Listpack::new().has_room(names.len(), len) {
            return Err(WriteError::TooLarge);
        }
        let mut node = Self::begin(entry.id(), names.iter().map(Vec::as_slice));
        node.push_entry(entry)?;
        Ok(node)
    }

    /// A node without entries. There is room for the names.
    fn begin<'a>(first_id: StreamId, names: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let mut listpack = Listpack::new();
        listpack.int(0);
        listpack.int(0);
        listpack.int(i64::try_from(names.len()).expect("there is room for them"));
        names.for_each(|name| listpack.string(name));
        listpack.int(0);
        Self { first_id, listpack }
    }

    /// Appends an entry. Names and values alternate.
    ///
    /// # Errors
    /// When the node would have 4 GiB, which no listpack can.
    pub fn push(&mut self, id: StreamId, fields: &[impl AsRef<[u8]>]) -> Result<(), WriteError> {
        check(&self.listpack, fields)?;
        let shares_names = self.has_names(fields);
        let (skipped, step) = if shares_names { (1, 2) } else { (0, 1) };
        let stored = fields.iter().skip(skipped).step_by(step).map(AsRef::as_ref);
        self.append(id, fields.len() / 2, shares_names, stored);
        Ok(())
    }

    /// Appends the next entry of the file's node of which [`StreamNode::of_entry`] was given the first. Names that
    /// are shared there are shared here, so this takes no more room or time than the entry in the file.
    ///
    /// # Errors
    /// As [`StreamNode::push`].
    pub fn push_entry(&mut self, entry: &StreamEntry<'_>) -> Result<(), WriteError> {
        let stored: Vec<_> = entry.stored().map(RdbStr::into_vec).collect();
        let len = stored.iter().map(Vec::len).sum();
        if !self.listpack.has_room(stored.len(), len) {
            return Err(WriteError::TooLarge);
        }
        let shares_names = entry.found().shares_names;
        let count = if shares_names { stored.len() } else { stored.len() / 2 };
        self.append(entry.id(), count, shares_names, stored.iter().map(Vec::as_slice));
        Ok(())
    }

    /// Appends an entry of so many fields, for which there is room.
    fn append<'a>(
        &mut self,
        id: StreamId,
        fields: usize,
        shares_names: bool,
        stored: impl Iterator<Item = &'a [u8]>,
    ) {
        let fields = i64::try_from(fields).expect("there is room for them");
        self.count(self.len() + 1, self.deleted());
        let listpack = &mut self.listpack;
        listpack.int(if shares_names { SAME_FIELDS } else { 0 });
        listpack.int(id.ms.wrapping_sub(self.first_id.ms).cast_signed());
        listpack.int(id.seq.wrapping_sub(self.first_id.seq).cast_signed());
        if !shares_names {
            listpack.int(fields);
        }
        stored.for_each(|text| listpack.string(text));
        listpack.int(if shares_names { fields + 3 } else { 2 * fields + 4 });
    }

    /// The id by which the node is found: that of the first entry ever in it.
    #[must_use]
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The id of the last entry, deleted or not.
    #[must_use]
    pub fn last_id(&self) -> StreamId {
        self.all().next_back().map_or(self.first_id, |entry| entry.id())
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.number(COUNT_AT).0
    }

    /// Whether all were deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were deleted and are still in it.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.number(self.number(COUNT_AT).1).0
    }

    /// The length of its listpack, by which Redis decides when it is full.
    #[must_use]
    pub fn listpack_len(&self) -> u64 {
        self.listpack.as_bytes().len() as u64
    }

    /// How many bytes its listpack has.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.listpack.bytes_len()
    }

    /// Gives memory back that was taken for entries to come.
    pub fn shrink_to_fit(&mut self) {
        self.listpack.shrink_to_fit();
    }

    /// The entries that are not deleted, by ascending id.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = StreamEntry<'_>> {
        self.all().filter(|entry| !entry.found().is_deleted)
    }

    /// Deletes the entry with that id; false if there is none.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let found = self.all().find(|entry| entry.id() >= id).filter(|entry| entry.id() == id);
        let Some(at) = found.filter(|entry| !entry.found().is_deleted).map(|entry| entry.found().at) else {
            return false;
        };
        self.mark(at);
        self.count(self.len() - 1, self.deleted() + 1);
        true
    }

    /// Deletes entries from the first one on while `doomed` says so, given their ids and how many were deleted
    /// before; returns how many were.
    pub fn delete_front(&mut self, doomed: impl Fn(StreamId, u64) -> bool) -> u64 {
        let (mut at, mut count) = (self.all().front, 0);
        while let Some(entry) = (NodeEntries { front: at, ..self.all() }).next() {
            let found = *entry.found();
            if !doomed(found.id, count) {
                break;
            }
            if !found.is_deleted {
                self.mark(found.at);
                count += 1;
            }
            at = found.end;
        }
        self.count(self.len() - count, self.deleted() + count);
        count
    }

    /// Its listpack.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.listpack.as_bytes()
    }

    /// All entries, deleted or not.
    fn all(&self) -> NodeEntries<'_> {
        let bytes = self.listpack.as_bytes();
        let mut cursor = Cursor::resume(Container::Listpack, COUNT_AT);
        let header = Header::read(&mut cursor, bytes).expect(WELL_FORMED);
        NodeEntries { node: self, header, front: cursor.at(), back: bytes.len() - 1 }
    }

    fn has_names(&self, fields: &[impl AsRef<[u8]>]) -> bool {
        let bytes = self.listpack.as_bytes();
        let mut cursor = Cursor::resume(Container::Listpack, self.number(self.number(COUNT_AT).1).1);
        let count = cursor.int(bytes).expect(WELL_FORMED);
        count.unsigned_abs() == (fields.len() / 2) as u64
            && fields.iter().step_by(2).all(|name| {
                let known = cursor.partner(bytes).expect(WELL_FORMED);
                crate::stream_entry::item(bytes, known) == *name.as_ref()
            })
    }

    /// An integer of the header, and where the next element begins.
    fn number(&self, at: usize) -> (u64, usize) {
        match listpack::item(self.listpack.as_bytes(), at) {
            Ok(Some((Item::Int(value), next))) => (value.unsigned_abs(), next),
            _ => unreachable!("{WELL_FORMED}"),
        }
    }

    fn count(&mut self, entries: u64, deleted: u64) {
        self.listpack.replace_int(COUNT_AT, entries.cast_signed());
        let at = self.number(COUNT_AT).1;
        self.listpack.replace_int(at, deleted.cast_signed());
    }

    fn mark(&mut self, at: usize) {
        self.listpack.set_bits(at, DELETED);
    }
}

const WELL_FORMED: &str = "a node is made by this file alone";

fn check(listpack: &Listpack, fields: &[impl AsRef<[u8]>]) -> Result<(), WriteError> {
    assert!(fields.len().is_multiple_of(2), "names and values alternate");
    let len = fields.iter().try_fold(0_usize, |len, text| len.checked_add(text.as_ref().len()));
    // A new node holds the names twice at most.
    let len = len.and_then(|len| len.checked_mul(2));
    match len {
        Some(len) if listpack.has_room(fields.len().saturating_mul(2), len) => Ok(()),
        _ => Err(WriteError::TooLarge),
    }
}

/// Entries of a node, from both ends.
#[derive(Clone, Debug)]
struct NodeEntries<'a> {
    node: &'a StreamNode,
    header: Header,
    front: usize,
    back: usize,
}

impl<'a> NodeEntries<'a> {
    fn at(&self, at: usize) -> StreamEntry<'a> {
        let (node, bytes) = (self.node, self.node.listpack.as_bytes());
        let mut cursor = Cursor::resume(Container::Listpack, at);
        let found = self.header.entry(node.first_id, &mut cursor, bytes).expect(WELL_FORMED);
        StreamEntry::new(found, bytes)
    }
}

impl<'a> Iterator for NodeEntries<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let entry = self.at(self.front);
        self.front = entry.found().end;
        Some(entry)
    }
}

impl DoubleEndedIterator for NodeEntries<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let bytes = self.node.listpack.as_bytes();
        // The last element says how many there are before it.
        let mut at = listpack::before(bytes, self.back);
        for _ in 0..self.node.number(at).0 {
            at = listpack::before(bytes, at);
        }
        self.back = at;
        Some(self.at(at))
    }
}

/// Decides which entries share a node, within Redis's default limits. Run it once over a stream to count
/// the nodes, which are announced first, and once more to write them.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamNodeSplit {
    entries: u32,
    bytes: u64,
    nodes: u64,
}

/// `stream-node-max-entries` and `stream-node-max-bytes`.
const NODE_ENTRIES_MAX: u32 = 100;
const NODE_BYTES_MAX: u64 = 4096;

impl StreamNodeSplit {
    /// Takes the next entry, whose names and values have `len` bytes together; says whether a new node
    /// begins with it.
    pub fn begins(&mut self, len: u64) -> bool {
        let begins = self.entries == 0
            || self.entries == NODE_ENTRIES_MAX
            || self.bytes.saturating_add(len) > NODE_BYTES_MAX;
        if begins {
            *self = Self { entries: 0, bytes: 0, nodes: self.nodes + 1 };
        }
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(len);
        begins
    }

    /// Nodes begun.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use super::*;
    use crate::node_cursor::NodeCursor;

    fn id(seq: u64) -> StreamId {
        StreamId { ms: 7, seq }
    }

    fn node(count: u64) -> StreamNode {
        let mut node = StreamNode::new(id(1), &["name", "1"]).expect("it is short");
        for seq in 2..=count {
            let value = seq.to_string();
            let fields: &[&str] = if seq % 3 == 0 { &["other", &value, "x", ""] } else { &["name", &value] };
            node.push(id(seq), fields).expect("it is short");
        }
        node
    }

    fn text(entry: &StreamEntry<'_>) -> String {
        let fields = entry.fields().map(|(name, value)| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            format!(" {}={}", name.with_bytes(text), value.with_bytes(text))
        });
        format!("{}{}", entry.id().seq, fields.collect::<String>())
    }

    fn texts<'a>(entries: impl Iterator<Item = StreamEntry<'a>>) -> Vec<String> {
        entries.map(|entry| text(&entry)).collect()
    }

    #[test]
    fn entries_come_back_both_ways_and_as_a_file_has_them() {
        let node = node(300);
        let expected: Vec<String> = (1..=300)
            .map(
                |seq| {
                    if seq % 3 == 0 { format!("{seq} other={seq} x=") } else { format!("{seq} name={seq}") }
                },
            )
            .collect();
        assert_eq!(texts(node.entries()), expected);
        assert_eq!(texts(node.entries().rev()), expected.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!((node.len(), node.deleted(), node.last_id()), (300, 0, id(300)));
        let mut cursor = NodeCursor::new(node.first_id(), node.as_bytes()).expect("well formed");
        let mut read = Vec::new();
        while let Some(found) = cursor.next(node.as_bytes()).expect("well formed") {
            read.push(text(&StreamEntry::new(found, node.as_bytes())));
        }
        assert_eq!(read, expected);
    }

    #[test]
    fn the_deleted_are_passed_over_and_counted() {
        let mut node = node(200);
        let len = node.listpack_len();
        assert!(node.delete(id(2)) && !node.delete(id(2)) && !node.delete(id(201)) && node.delete(id(200)));
        assert_eq!(texts(node.entries().take(2)), ["1 name=1", "3 other=3 x="]);
        assert_eq!(texts(node.entries().rev().take(1)), ["199 name=199"]);
        assert_eq!((node.len(), node.deleted(), node.last_id()), (198, 2, id(200)));
        assert_eq!(node.delete_front(|_, count| count < 3), 3);
        assert_eq!(node.delete_front(|id, _| id.seq < 101), 96);
        assert_eq!(texts(node.entries().take(1)), ["101 name=101"]);
        assert_eq!((node.len(), node.deleted()), (99, 101));
        // What was deleted is only marked, and the smaller number takes a byte less.
        assert_eq!(node.listpack_len(), len - 1);
        let mut cursor = NodeCursor::new(node.first_id(), node.as_bytes()).expect("well formed");
        let first = cursor.next(node.as_bytes()).expect("well formed").expect("there are some");
        assert_eq!(first.id, id(101));
        assert_eq!(node.delete_front(|_, _| true), 99);
        assert!(node.is_empty() && node.entries().next().is_none());
    }

    #[test]
    fn a_node_of_a_file_keeps_the_names_of_a_deleted_entry() {
        let long = "n".repeat(1000);
        let mut node = StreamNode::new(id(1), &[&long, "1"]).expect("it is short");
        node.push(id(2), &["other", "2"]).expect("it is short");
        for seq in 3..100 {
            node.push(id(seq), &[&long, "3"]).expect("it is short");
        }
        node.delete(id(1));
        let mut cursor = NodeCursor::new(node.first_id(), node.as_bytes()).expect("well formed");
        let mut loaded: Option<StreamNode> = None;
        while let Some(found) = cursor.next(node.as_bytes()).expect("well formed") {
            let entry = StreamEntry::new(found, node.as_bytes());
            match &mut loaded {
                Some(loaded) => loaded.push_entry(&entry).expect("it is short"),
                None => loaded = Some(StreamNode::of_entry(&entry).expect("it is short")),
            }
        }
        let loaded = loaded.expect("there were entries");
        assert_eq!(texts(loaded.entries()), texts(node.entries()));
        assert!(loaded.listpack_len() < node.listpack_len());
    }

    #[test]
    fn ids_far_apart_wrap_around() {
        let mut node = StreamNode::new(StreamId { ms: 1, seq: u64::MAX }, &["a", "b"]).expect("it is short");
        let far = StreamId { ms: u64::MAX, seq: 0 };
        node.push(far, &["a", "c"]).expect("it is short");
        assert_eq!(node.entries().next_back().map(|entry| entry.id()), Some(far));
    }
}
