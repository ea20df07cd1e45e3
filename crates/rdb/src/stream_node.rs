//! Nodes of streams (`t_stream.c: streamAppendItem`): entries with differences of ids, and with the field
//! names of the first entry where they are the same.

use crate::container_error::Container;
use crate::encode::WriteError;
use crate::error::RdbErrorKind;
use crate::listpack;
use crate::packed::Cursor;
use crate::stream::StreamId;
use alloc::vec::Vec;

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// A node being read. Its bytes are given to each call.
#[derive(Clone, Debug)]
pub(crate) struct NodeCursor {
    cursor: Cursor,
    master: StreamId,
    names: usize,
    names_len: u64,
    left: u64,
    left_deleted: u64,
}

/// An entry that was found in a node.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: StreamId,
    pub(crate) fields: u64,
    pub(crate) names: Option<usize>,
    pub(crate) values: usize,
}

impl NodeCursor {
    pub(crate) fn new(master: StreamId, node: &[u8]) -> Result<Self, RdbErrorKind> {
        let mut cursor = Cursor::new(Container::Listpack, node)?;
        let left = count(cursor.int(node)?)?;
        let left_deleted = count(cursor.int(node)?)?;
        let names_len = count(cursor.int(node)?)?;
        let names = cursor.at();
        for _ in 0..names_len {
            cursor.partner(node)?;
        }
        if cursor.int(node)? != 0 || left.checked_add(left_deleted).is_none_or(|entries| entries == 0) {
            return Err(RdbErrorKind::BadStreamNode);
        }
        Ok(Self { cursor, master, names, names_len, left, left_deleted })
    }

    /// The next entry that is not deleted; none at the end.
    pub(crate) fn next(&mut self, node: &[u8]) -> Result<Option<Found>, RdbErrorKind> {
        while self.left + self.left_deleted > 0 {
            let flags = self.cursor.int(node)?;
            // Differences are signed, so that ids far apart wrap around.
            let id = StreamId {
                ms: self.master.ms.wrapping_add_signed(self.cursor.int(node)?),
                seq: self.master.seq.wrapping_add_signed(self.cursor.int(node)?),
            };
            let same = flags & SAME_FIELDS != 0;
            let fields = if same { self.names_len } else { count(self.cursor.int(node)?)? };
            let values = self.cursor.at();
            for _ in 0..fields {
                self.cursor.partner(node)?;
                if !same {
                    self.cursor.partner(node)?;
                }
            }
            let elements = if same {
                fields.checked_add(3)
            } else {
                fields.checked_mul(2).and_then(|n| n.checked_add(4))
            };
            if elements != Some(count(self.cursor.int(node)?)?) {
                return Err(RdbErrorKind::BadStreamNode);
            }
            let left = if flags & DELETED != 0 { &mut self.left_deleted } else { &mut self.left };
            *left = left.checked_sub(1).ok_or(RdbErrorKind::BadStreamNode)?;
            if flags & DELETED == 0 {
                return Ok(Some(Found { id, fields, names: same.then_some(self.names), values }));
            }
        }
        match self.cursor.next(node)? {
            None => Ok(None),
            Some(_) => Err(RdbErrorKind::BadStreamNode),
        }
    }
}

fn count(value: i64) -> Result<u64, RdbErrorKind> {
    u64::try_from(value).map_err(|_| RdbErrorKind::BadStreamNode)
}

/// A node being written: give it the entries that belong together, then write it with
/// [`ValueEncoder::stream_node`](crate::ValueEncoder::stream_node).
#[derive(Clone, Debug)]
pub struct StreamNode {
    master: StreamId,
    names: Vec<Vec<u8>>,
    entries: listpack::Builder,
    entries_len: u32,
}

impl StreamNode {
    /// A node with its first entry, whose fields' names the others may share. Names and values alternate.
    ///
    /// # Errors
    /// As [`StreamNode::push`].
    pub fn new(id: StreamId, fields: &[&[u8]]) -> Result<Self, WriteError> {
        let names = fields.chunks(2).map(|pair| pair[0].to_vec()).collect();
        let mut node = Self { master: id, names, entries: listpack::Builder::new(), entries_len: 0 };
        node.push(id, fields)?;
        Ok(node)
    }

    /// Appends an entry. Names and values alternate.
    ///
    /// # Errors
    /// When a name or value is of 4 GiB or more, which no listpack can hold.
    pub fn push(&mut self, id: StreamId, fields: &[&[u8]]) -> Result<(), WriteError> {
        assert!(fields.len().is_multiple_of(2), "names and values alternate");
        if fields.iter().any(|text| u32::try_from(text.len()).is_err()) {
            return Err(WriteError::TooLarge);
        }
        let count = i64::try_from(fields.len() / 2).map_err(|_| WriteError::TooLarge)?;
        let pairs = || fields.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let same = pairs().map(|(name, _)| name).eq(self.names.iter().map(Vec::as_slice));
        self.entries.int(if same { SAME_FIELDS } else { 0 });
        self.entries.int(id.ms.wrapping_sub(self.master.ms).cast_signed());
        self.entries.int(id.seq.wrapping_sub(self.master.seq).cast_signed());
        if same {
            pairs().for_each(|(_, value)| self.entries.string(value));
            self.entries.int(count + 3);
        } else {
            self.entries.int(count);
            fields.iter().for_each(|text| self.entries.string(text));
            self.entries.int(2 * count + 4);
        }
        self.entries_len += 1;
        Ok(())
    }

    /// The id by which the node is found, and its listpack.
    pub(crate) fn finish(self) -> Result<(StreamId, Vec<u8>), WriteError> {
        let mut header = listpack::Builder::new();
        header.int(i64::from(self.entries_len));
        header.int(0);
        header.int(i64::try_from(self.names.len()).map_err(|_| WriteError::TooLarge)?);
        self.names.iter().for_each(|name| header.string(name));
        header.int(0);
        header.append(&self.entries);
        Ok((self.master, header.finish().ok_or(WriteError::TooLarge)?))
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
