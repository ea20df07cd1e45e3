//! Writing a value, in one step or in many.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::{Listpack, RdbVersion, StreamId, ValueEncoder, ValueType, WriteError};

#[cfg(feature = "full")]
use super::score_of;
use crate::number::parse_i64;
#[cfg(feature = "full")]
use crate::types::{Hash, List, Set, Stream, ZSet};
use crate::types::{Str, Value};

/// A packed container that would be longer is written element by element; whoever loads it decides by the limits
/// of its own. So a step stays short also with limits that know no bounds.
const PACKED_LEN_MAX: u64 = 1 << 20;
/// A longer string is written in parts and hence not compressed.
const STRING_PART_LEN: usize = 1 << 20;
/// Nodes of lists have to be counted before the first is written, which nobody does for longer lists.
const COUNTED_LIST_LEN_MAX: usize = 1 << 16;
/// `quicklist.c: SIZE_SAFETY_LIMIT`: where the number of elements is limited, a node has this many bytes at most.
const NODE_SAFETY_LEN: u64 = 8192;

/// Whether there is more to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    More,
    Done,
}

/// Writes one value. It must not change between the steps.
#[derive(Clone, Debug)]
pub(crate) struct ValueWriter {
    value_type: ValueType,
    at: usize,
    begun: bool,
    /// The last node of a stream that was written.
    node: Option<StreamId>,
    limits: NodeLimits,
}

impl ValueWriter {
    /// Chooses the layout. `list_max_listpack_size` is the directive of that name.
    pub(crate) fn new(value: &Value, version: RdbVersion, list_max_listpack_size: i32) -> Self {
        let limits = NodeLimits::new(list_max_listpack_size);
        Self { value_type: layout(value, version), at: 0, begun: false, node: None, limits }
    }

    /// The layout.
    pub(crate) fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Writes on until the encoder's buffer holds `full` bytes.
    pub(crate) fn step(
        &mut self,
        value: &Value,
        encoder: &mut ValueEncoder<'_>,
        full: usize,
    ) -> Result<Step, WriteError> {
        let begins = !core::mem::replace(&mut self.begun, true);
        match value {
            Value::String(value) => return Ok(self.string(value, encoder, begins, full)),
            #[cfg(feature = "full")]
            Value::List(value) if self.value_type == ValueType::ListQuicklist2 => {
                return self.list_nodes(value, encoder, begins, full);
            }
            #[cfg(feature = "full")]
            Value::List(value) => {
                let items = value.range(self.at, value.len());
                self.elements(encoder, begins, full, value.len(), items, |encoder, item| {
                    encoder.string(item);
                });
            }
            #[cfg(feature = "full")]
            Value::Set(value) => match self.value_type {
                ValueType::SetIntset => {
                    let ints: Vec<_> = value.iter().filter_map(|member| parse_i64(&member)).collect();
                    encoder.intset(&ints);
                }
                ValueType::SetListpack => encoder.listpack(&set_listpack(value)),
                _ => {
                    let members = (self.at..value.len()).filter_map(|at| value.at(at));
                    let write = |encoder: &mut ValueEncoder<'_>, member: Bytes| encoder.string(&member);
                    self.elements(encoder, begins, full, value.len(), members, write);
                }
            },
            #[cfg(feature = "full")]
            Value::Hash(value) if self.value_type == ValueType::HashListpack => {
                encoder.listpack(&hash_listpack(value));
            }
            #[cfg(feature = "full")]
            Value::Hash(value) if self.value_type == ValueType::HashMetadata => {
                let min_ms = value.next_field_expiry().unwrap_or(0);
                if begins {
                    encoder.expiring_fields(min_ms, value.len() as u64)?;
                }
                let fields = (self.at..value.len()).filter_map(|at| value.at(at));
                self.elements_behind(encoder, full, fields, |encoder, (field, of_field)| {
                    encoder.expiring_field(min_ms, field, of_field, value.field_expiry(field));
                });
            }
            #[cfg(feature = "full")]
            Value::Hash(value) => {
                let fields = (self.at..value.len()).filter_map(|at| value.at(at));
                let write = |encoder: &mut ValueEncoder<'_>, (field, value): (&[u8], &[u8])| {
                    encoder.field(field, value);
                };
                self.elements(encoder, begins, full, value.len(), fields, write);
            }
            #[cfg(feature = "full")]
            Value::Stream(value) => return Ok(self.stream(value, encoder, begins, full)),
            #[cfg(feature = "full")]
            Value::ZSet(value) if self.value_type == ValueType::ZSetListpack => {
                encoder.listpack(&zset_listpack(value));
            }
            #[cfg(feature = "full")]
            Value::ZSet(value) => {
                // From the highest on, so that loading appends at the head, as stock servers do.
                let members = value.range_back(0..value.len() - self.at);
                self.elements(encoder, begins, full, value.len(), members, |encoder, (member, score)| {
                    encoder.scored(member, score_of(score));
                });
            }
        }
        Ok(if self.at < self.len(value) { Step::More } else { Step::Done })
    }

    /// How many elements are written one by one.
    fn len(&self, value: &Value) -> usize {
        match (value, self.value_type) {
            #[cfg(feature = "full")]
            (Value::List(value), ValueType::List) => value.len(),
            #[cfg(feature = "full")]
            (Value::Set(value), ValueType::Set) => value.len(),
            #[cfg(feature = "full")]
            (Value::Hash(value), ValueType::Hash | ValueType::HashMetadata) => value.len(),
            #[cfg(feature = "full")]
            (Value::ZSet(value), ValueType::ZSet2) => value.len(),
            _ => 0,
        }
    }

    fn elements<T>(
        &mut self,
        encoder: &mut ValueEncoder<'_>,
        begins: bool,
        full: usize,
        len: usize,
        rest: impl Iterator<Item = T>,
        write: impl Fn(&mut ValueEncoder<'_>, T),
    ) {
        if begins {
            encoder.elements(len as u64);
        }
        self.elements_behind(encoder, full, rest, write);
    }

    /// The same behind a count that was written.
    fn elements_behind<T>(
        &mut self,
        encoder: &mut ValueEncoder<'_>,
        full: usize,
        rest: impl Iterator<Item = T>,
        write: impl Fn(&mut ValueEncoder<'_>, T),
    ) {
        for element in rest {
            write(encoder, element);
            self.at += 1;
            if encoder.buffered() >= full {
                return;
            }
        }
    }

    fn string(&mut self, value: &Str, encoder: &mut ValueEncoder<'_>, begins: bool, full: usize) -> Step {
        let bytes = value.view();
        if bytes.len() <= STRING_PART_LEN {
            encoder.string(&bytes);
            return Step::Done;
        }
        if begins {
            encoder.string_begin(bytes.len() as u64);
        }
        loop {
            let part = STRING_PART_LEN.min(bytes.len() - self.at);
            encoder.string_part(&bytes[self.at..self.at + part]);
            self.at += part;
            if self.at == bytes.len() {
                return Step::Done;
            }
            if encoder.buffered() >= full {
                return Step::More;
            }
        }
    }

    #[cfg(feature = "full")]
    fn list_nodes(
        &mut self,
        list: &List,
        encoder: &mut ValueEncoder<'_>,
        begins: bool,
        full: usize,
    ) -> Result<Step, WriteError> {
        if begins {
            let (mut nodes, mut at) = (0, 0);
            while at < list.len() {
                at += self.limits.node_len(list.range(at, list.len()));
                nodes += 1;
            }
            encoder.elements(nodes);
        }
        while self.at < list.len() {
            let len = self.limits.node_len(list.range(self.at, list.len()));
            let mut items = list.range(self.at, self.at + len);
            match items.next() {
                Some(item) if self.limits.is_large(item) => encoder.plain_list_node(item),
                first => {
                    let mut packed = Listpack::new();
                    first.into_iter().chain(items).for_each(|item| packed.string(item));
                    encoder.list_node(&packed);
                }
            }
            self.at += len;
            if encoder.buffered() >= full && self.at < list.len() {
                return Ok(Step::More);
            }
        }
        Ok(Step::Done)
    }

    /// Nodes, then what the stream knows about itself, then groups; `at` counts the last two.
    #[cfg(feature = "full")]
    fn stream(&mut self, stream: &Stream, encoder: &mut ValueEncoder<'_>, begins: bool, full: usize) -> Step {
        if begins {
            encoder.stream(stream.nodes_len() as u64);
        }
        if self.at == 0 {
            let written = self.node;
            for node in stream.nodes_from(written.unwrap_or_default()) {
                if written.is_some_and(|written| node.first_id() <= written) {
                    continue;
                }
                encoder.stream_node(node);
                self.node = Some(node.first_id());
                if encoder.buffered() >= full {
                    return Step::More;
                }
            }
            encoder.stream_meta(stream.meta(), stream.groups_len() as u64);
            self.at = 1;
        }
        for group in stream.groups_from(self.at - 1) {
            encoder.stream_group(&group);
            self.at += 1;
            if encoder.buffered() >= full && self.at <= stream.groups_len() {
                return Step::More;
            }
        }
        Step::Done
    }
}

/// The layout of a value, by its encoding and what the version knows.
fn layout(value: &Value, version: RdbVersion) -> ValueType {
    let has_listpacks = version >= RdbVersion::V10;
    match value {
        Value::String(_) => ValueType::String,
        #[cfg(feature = "full")]
        Value::List(list) if has_listpacks && list.len() <= COUNTED_LIST_LEN_MAX => ValueType::ListQuicklist2,
        #[cfg(feature = "full")]
        Value::List(_) => ValueType::List,
        #[cfg(feature = "full")]
        Value::Set(set) if set.encoding() == "intset" => ValueType::SetIntset,
        #[cfg(feature = "full")]
        Value::Set(set)
            if version >= RdbVersion::V11
                && set.encoding() == "listpack"
                && is_short(set.iter().map(|member| member.len())) =>
        {
            ValueType::SetListpack
        }
        #[cfg(feature = "full")]
        Value::Set(_) => ValueType::Set,
        // A version without them refuses it, rather than that a field lives for ever.
        #[cfg(feature = "full")]
        Value::Hash(hash) if hash.next_field_expiry().is_some() => ValueType::HashMetadata,
        #[cfg(feature = "full")]
        Value::Hash(hash)
            if has_listpacks
                && hash.encoding() == "listpack"
                && is_short(hash.iter().map(|(field, value)| field.len() + value.len())) =>
        {
            ValueType::HashListpack
        }
        #[cfg(feature = "full")]
        Value::Hash(_) => ValueType::Hash,
        #[cfg(feature = "full")]
        Value::ZSet(zset)
            if has_listpacks
                && zset.encoding() == "listpack"
                && is_short(zset.iter().map(|(member, _)| member.len())) =>
        {
            ValueType::ZSetListpack
        }
        #[cfg(feature = "full")]
        Value::ZSet(_) => ValueType::ZSet2,
        #[cfg(feature = "full")]
        Value::Stream(_) => version.stream_type(),
    }
}

/// Whether all of it may be packed.
fn is_short(mut lens: impl Iterator<Item = usize>) -> bool {
    let mut left = PACKED_LEN_MAX;
    lens.all(|len| {
        // What an element takes besides its text.
        let taken = len as u64 + 16;
        left.checked_sub(taken).map(|rest| left = rest).is_some()
    })
}

#[cfg(feature = "full")]
fn set_listpack(set: &Set) -> Listpack {
    let mut packed = Listpack::new();
    set.iter().for_each(|member| packed.string(&member));
    packed
}

#[cfg(feature = "full")]
fn hash_listpack(hash: &Hash) -> Listpack {
    let mut packed = Listpack::new();
    for (field, value) in hash.iter() {
        packed.string(field);
        packed.string(value);
    }
    packed
}

#[cfg(feature = "full")]
fn zset_listpack(zset: &ZSet) -> Listpack {
    let mut packed = Listpack::new();
    for (member, score) in zset.iter() {
        packed.string(member);
        packed.string(&score.text());
    }
    packed
}

/// What fits into one node of a list (`quicklist.c: quicklistNodeExceedsLimit, isLargeElement`).
#[derive(Clone, Copy, Debug)]
struct NodeLimits {
    items_max: usize,
    len_max: u64,
}

impl NodeLimits {
    fn new(list_max_listpack_size: i32) -> Self {
        match usize::try_from(list_max_listpack_size) {
            Ok(items) => Self { items_max: items.max(1), len_max: NODE_SAFETY_LEN },
            Err(_) => {
                let class = list_max_listpack_size.unsigned_abs().min(5);
                Self { items_max: usize::MAX, len_max: 2048 << class }
            }
        }
    }

    /// Whether an element gets a node of its own, unpacked.
    fn is_large(self, item: &[u8]) -> bool {
        item.len() as u64 > self.len_max
    }

    /// How many of these elements the next node takes.
    fn node_len<'a>(self, items: impl Iterator<Item = &'a [u8]>) -> usize {
        // What an element takes besides its text, at most; a header and an end mark.
        const ITEM_OVERHEAD: u64 = 8;
        let mut left = self.len_max;
        let mut len = 0;
        for item in items {
            if self.is_large(item) {
                return len.max(1);
            }
            match left.checked_sub(item.len() as u64 + ITEM_OVERHEAD) {
                Some(rest) if len < self.items_max => left = rest,
                _ => return len.max(1),
            }
            len += 1;
        }
        len
    }
}
