//! Reads nodes of streams as they come, from anybody: everything is checked.

use crate::container_error::Container;
use crate::error::RdbErrorKind;
use crate::packed::Cursor;
use crate::stream::StreamId;

/// Flags of an entry: it was deleted.
pub(crate) const DELETED: i64 = 1;
/// Its fields have the names of the node's first entry.
pub(crate) const SAME_FIELDS: i64 = 2;

/// A node being read. Its bytes are given to each call.
#[derive(Clone, Debug)]
pub(crate) struct NodeCursor {
    cursor: Cursor,
    first_id: StreamId,
    header: Header,
    left: u64,
    left_deleted: u64,
    begins: bool,
}

/// What stands before the entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    entries: u64,
    deleted: u64,
    /// Where the names of the first entry's fields begin, and how many they are.
    names: usize,
    names_len: u64,
}

/// An entry that was found in a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) id: StreamId,
    pub(crate) is_deleted: bool,
    /// It is the first of its node that is not deleted.
    pub(crate) begins_node: bool,
    pub(crate) fields: u64,
    /// Whether its fields have the node's names.
    pub(crate) shares_names: bool,
    /// Where the node's names begin, and how many they are.
    pub(crate) names: usize,
    pub(crate) names_len: u64,
    /// Where the entry's values begin, or its names and values.
    pub(crate) values: usize,
    /// Where it begins and ends.
    pub(crate) at: usize,
    pub(crate) end: usize,
}

impl Header {
    /// Reads it, and leaves the cursor at the first entry.
    pub(crate) fn read(cursor: &mut Cursor, node: &[u8]) -> Result<Self, RdbErrorKind> {
        let entries = count(cursor.int(node)?)?;
        let deleted = count(cursor.int(node)?)?;
        let names_len = count(cursor.int(node)?)?;
        let names = cursor.at();
        for _ in 0..names_len {
            cursor.partner(node)?;
        }
        if cursor.int(node)? != 0 {
            return Err(RdbErrorKind::BadStreamNode);
        }
        Ok(Self { entries, deleted, names, names_len })
    }

    /// The entry at the cursor, which goes to its end.
    pub(crate) fn entry(
        &self,
        first_id: StreamId,
        cursor: &mut Cursor,
        node: &[u8],
    ) -> Result<Found, RdbErrorKind> {
        let at = cursor.at();
        let flags = cursor.int(node)?;
        // Differences are signed, so that ids far apart wrap around.
        let id = StreamId {
            ms: first_id.ms.wrapping_add_signed(cursor.int(node)?),
            seq: first_id.seq.wrapping_add_signed(cursor.int(node)?),
        };
        let same = flags & SAME_FIELDS != 0;
        let fields = if same { self.names_len } else { count(cursor.int(node)?)? };
        let values = cursor.at();
        for _ in 0..fields {
            cursor.partner(node)?;
            if !same {
                cursor.partner(node)?;
            }
        }
        let elements = if same {
            fields.checked_add(3)
        } else {
            fields.checked_mul(2).and_then(|count| count.checked_add(4))
        };
        if elements != Some(count(cursor.int(node)?)?) {
            return Err(RdbErrorKind::BadStreamNode);
        }
        Ok(Found {
            id,
            is_deleted: flags & DELETED != 0,
            begins_node: false,
            fields,
            shares_names: same,
            names: self.names,
            names_len: self.names_len,
            values,
            at,
            end: cursor.at(),
        })
    }
}

impl NodeCursor {
    pub(crate) fn new(first_id: StreamId, node: &[u8]) -> Result<Self, RdbErrorKind> {
        let mut cursor = Cursor::new(Container::Listpack, node)?;
        let header = Header::read(&mut cursor, node)?;
        let (left, left_deleted) = (header.entries, header.deleted);
        if left.checked_add(left_deleted).is_none_or(|entries| entries == 0) {
            return Err(RdbErrorKind::BadStreamNode);
        }
        Ok(Self { cursor, first_id, header, left, left_deleted, begins: true })
    }

    /// The next entry that is not deleted; none at the end.
    pub(crate) fn next(&mut self, node: &[u8]) -> Result<Option<Found>, RdbErrorKind> {
        while self.left + self.left_deleted > 0 {
            let found = self.header.entry(self.first_id, &mut self.cursor, node)?;
            let left = if found.is_deleted { &mut self.left_deleted } else { &mut self.left };
            *left = left.checked_sub(1).ok_or(RdbErrorKind::BadStreamNode)?;
            if !found.is_deleted {
                let begins_node = core::mem::take(&mut self.begins);
                return Ok(Some(Found { begins_node, ..found }));
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
