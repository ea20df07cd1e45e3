//! One entry of a stream as it stands in its node's listpack.

use crate::container_error::Container;
use crate::node_cursor::Found;
use crate::packed::{Cursor, Item};
use crate::stream::StreamId;
use crate::string::RdbStr;

/// An entry, borrowed from the node it came in.
#[derive(Clone, Debug)]
pub struct StreamEntry<'a> {
    found: Found,
    node: &'a [u8],
}

impl<'a> StreamEntry<'a> {
    pub(crate) fn new(found: Found, node: &'a [u8]) -> Self {
        Self { found, node }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> StreamId {
        self.found.id
    }

    /// Whether it is the first that a node of a file holds.
    #[must_use]
    pub fn begins_node(&self) -> bool {
        self.found.begins_node
    }

    /// How many fields it has.
    #[must_use]
    pub fn fields_len(&self) -> u64 {
        self.found.fields
    }

    /// Its fields and values, in order.
    #[must_use]
    pub fn fields(&self) -> StreamFields<'a> {
        StreamFields {
            node: self.node,
            left: self.found.fields,
            names: self.found.shares_names.then(|| Cursor::resume(Container::Listpack, self.found.names)),
            values: Cursor::resume(Container::Listpack, self.found.values),
        }
    }

    /// The names that its node's entries may share, whether or not it does.
    pub(crate) fn node_names(&self) -> impl Iterator<Item = RdbStr<'a>> + use<'a> {
        items(self.node, self.found.names, self.found.names_len)
    }

    /// What its node holds of its fields: the values if it shares the names, or names and values.
    pub(crate) fn stored(&self) -> impl Iterator<Item = RdbStr<'a>> + use<'a> {
        let per_field = if self.found.shares_names { 1 } else { 2 };
        items(self.node, self.found.values, self.found.fields.saturating_mul(per_field))
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }
}

/// Fields and values of a [`StreamEntry`].
#[derive(Clone, Debug)]
pub struct StreamFields<'a> {
    node: &'a [u8],
    left: u64,
    names: Option<Cursor>,
    values: Cursor,
}

impl<'a> Iterator for StreamFields<'a> {
    type Item = (RdbStr<'a>, RdbStr<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let node = self.node;
        // The reader walked over all of them before it gave the entry out.
        let field = self.names.as_mut().unwrap_or(&mut self.values).next(node).ok()??;
        let value = self.values.next(node).ok()??;
        Some((item(node, field), item(node, value)))
    }
}

/// So many elements from `at` on, which were walked before.
fn items(node: &[u8], at: usize, len: u64) -> impl Iterator<Item = RdbStr<'_>> {
    let mut cursor = Cursor::resume(Container::Listpack, at);
    (0..len).map_while(move |_| Some(item(node, cursor.next(node).ok()??)))
}

/// An element of `blob` as a string.
pub(crate) fn item(blob: &[u8], item: Item) -> RdbStr<'_> {
    match item {
        Item::Bytes(range) => RdbStr::Borrowed(&blob[range]),
        Item::Int(value) => RdbStr::Int(value),
    }
}
