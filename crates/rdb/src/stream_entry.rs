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
            names: self.found.names.map(|at| Cursor::resume(Container::Listpack, at)),
            values: Cursor::resume(Container::Listpack, self.found.values),
        }
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

/// An element of `blob` as a string.
pub(crate) fn item(blob: &[u8], item: Item) -> RdbStr<'_> {
    match item {
        Item::Bytes(range) => RdbStr::Borrowed(&blob[range]),
        Item::Int(value) => RdbStr::Int(value),
    }
}
