//! Writes values in the plain forms that every server understands (`rdb.c: rdbSaveObject`).

use alloc::vec::Vec;

use bytes::BytesMut;

use crate::decimal;
use crate::listpack::Listpack;
use crate::lzf;
use crate::opcode::ValueType;
use crate::score::Score;
use crate::stream::{StreamGroup, StreamId, StreamMeta};
use crate::stream_node::{StreamNode, StreamNodeSplit};
use crate::value::{HashField, StreamValue, Value};
use crate::writer::RdbVersion;

/// Shorter strings are not compressed.
const COMPRESS_LEN_MIN: usize = 21;
/// Longer strings are no integers of 32 bits.
const INT_LEN_MAX: usize = 11;

/// How the nodes of a list are kept.
const LIST_NODE_PLAIN: u64 = 1;
const LIST_NODE_PACKED: u64 = 2;

/// What cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Something that fits into no listpack, as an entry of a stream.
    #[error("a value is too large for a listpack")]
    TooLarge,
    /// Function libraries came with version 10.
    #[error("RDB version {0} has no function libraries")]
    NoFunctions(u32),
    /// Expiries of hash fields came with version 12.
    #[error("RDB version {0} has no expiry of hash fields")]
    NoFieldTtls(u32),
    /// The value of a module, which was not kept.
    #[error("values of modules are not kept")]
    Module,
}

/// What becomes of the expiry of hash fields in a version that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldTtlPolicy {
    /// The value is refused.
    #[default]
    Refuse,
    /// The field stays and does not expire.
    Forget,
    /// Fields that would expire are left out; the hash may then be empty.
    DropField,
}

/// Appends values, or parts of them, to a buffer. What was announced (`list(3)`) must follow (three times
/// `element`); each call writes one element, so that a large value can be written in many steps.
#[derive(Debug)]
pub struct ValueEncoder<'a> {
    out: &'a mut BytesMut,
    scratch: &'a mut Vec<u8>,
    version: RdbVersion,
    compress: bool,
}

impl<'a> ValueEncoder<'a> {
    pub(crate) fn new(
        out: &'a mut BytesMut,
        scratch: &'a mut Vec<u8>,
        version: RdbVersion,
        compress: bool,
    ) -> Self {
        Self { out, scratch, version, compress }
    }

    /// A string: a value of that type, or any string of another value.
    pub fn string(&mut self, bytes: &[u8]) {
        if bytes.len() <= INT_LEN_MAX
            && let Some(Ok(value)) = decimal::canonical(bytes).map(i32::try_from)
        {
            return self.int(value);
        }
        if self.compress && bytes.len() >= COMPRESS_LEN_MIN {
            self.scratch.clear();
            if lzf::compress(bytes, self.scratch) {
                self.out.extend_from_slice(&[0xc3]);
                put_len(self.out, self.scratch.len() as u64);
                put_len(self.out, bytes.len() as u64);
                self.out.extend_from_slice(self.scratch);
                return;
            }
        }
        self.string_begin(bytes.len() as u64);
        self.string_part(bytes);
    }

    /// A string of `len` bytes whose bytes follow in parts: for those too long to be written in one step.
    pub fn string_begin(&mut self, len: u64) {
        put_len(self.out, len);
    }

    /// The next bytes of a string that was begun.
    pub fn string_part(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn int(&mut self, value: i32) {
        if let Ok(value) = i8::try_from(value) {
            self.out.extend_from_slice(&[0xc0, value.to_le_bytes()[0]]);
        } else if let Ok(value) = i16::try_from(value) {
            self.out.extend_from_slice(&[0xc1]);
            self.out.extend_from_slice(&value.to_le_bytes());
        } else {
            self.out.extend_from_slice(&[0xc2]);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// How many bytes the buffer holds that is written to, so that a step of writing can end in time.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.out.len()
    }

    /// The version that is written.
    #[must_use]
    pub fn version(&self) -> RdbVersion {
        self.version
    }

    /// A small hash ([`ValueType::HashListpack`]: fields and values), sorted set ([`ValueType::ZSetListpack`]:
    /// members and scores, ascending) or set ([`ValueType::SetListpack`]).
    pub fn listpack(&mut self, listpack: &Listpack) {
        self.string(listpack.as_bytes());
    }

    /// A set of integers ([`ValueType::SetIntset`]), which ascend.
    pub fn intset(&mut self, ints: &[i64]) {
        self.string(&crate::intset::write(ints));
    }

    /// A node of a list ([`ValueType::ListQuicklist2`], which begins with the number of its nodes as
    /// [`ValueEncoder::elements`]) with some elements.
    pub fn list_node(&mut self, listpack: &Listpack) {
        put_len(self.out, LIST_NODE_PACKED);
        self.listpack(listpack);
    }

    /// A node of such a list with one element, which is too long for a packed one.
    pub fn plain_list_node(&mut self, element: &[u8]) {
        put_len(self.out, LIST_NODE_PLAIN);
        self.string(element);
    }

    /// A list ([`ValueType::List`]) or set ([`ValueType::Set`]) of `len` strings, a sorted set
    /// ([`ValueType::ZSet2`]) of `len` times [`ValueEncoder::scored`], or a hash ([`ValueType::Hash`]) of
    /// `len` times [`ValueEncoder::field`].
    pub fn elements(&mut self, len: u64) {
        put_len(self.out, len);
    }

    /// A member of a sorted set.
    pub fn scored(&mut self, member: &[u8], score: Score) {
        self.string(member);
        self.out.extend_from_slice(&score.to_bits().to_le_bytes());
    }

    /// A field of a hash.
    pub fn field(&mut self, field: &[u8], value: &[u8]) {
        self.string(field);
        self.string(value);
    }

    /// A hash ([`ValueType::HashMetadata`]) of `len` times [`ValueEncoder::expiring_field`]. `min_ms` is the
    /// first time at which a field expires.
    ///
    /// # Errors
    /// When the version has no such hashes.
    pub fn expiring_fields(&mut self, min_ms: u64, len: u64) -> Result<(), WriteError> {
        if !self.version.has_field_ttls() {
            return Err(WriteError::NoFieldTtls(self.version.number()));
        }
        self.out.extend_from_slice(&min_ms.to_le_bytes());
        put_len(self.out, len);
        Ok(())
    }

    /// A field of such a hash; `min_ms` as it was announced.
    pub fn expiring_field(&mut self, min_ms: u64, field: &[u8], value: &[u8], expire_at_ms: Option<u64>) {
        let ttl = expire_at_ms
            .map_or(0, |at| at.checked_sub(min_ms).expect("no field expires before the first") + 1);
        put_len(self.out, ttl);
        self.field(field, value);
    }

    /// A stream ([`RdbVersion::stream_type`]) of `nodes` times [`ValueEncoder::stream_node`]. Its
    /// [`ValueEncoder::stream_meta`] and groups follow.
    pub fn stream(&mut self, nodes: u64) {
        put_len(self.out, nodes);
    }

    /// A node of a stream.
    pub fn stream_node(&mut self, node: &StreamNode) {
        put_len(self.out, 16);
        self.out.extend_from_slice(&node.first_id().to_bytes());
        self.string(node.as_bytes());
    }

    /// What stands behind a stream's nodes; `groups` times [`ValueEncoder::stream_group`] follow.
    pub fn stream_meta(&mut self, meta: &StreamMeta, groups: u64) {
        put_len(self.out, meta.length);
        self.id(meta.last_id);
        if self.version.stream_type() != ValueType::StreamListpacks {
            self.id(meta.first_id);
            self.id(meta.max_deleted_id);
            put_len(self.out, meta.entries_added);
        }
        put_len(self.out, groups);
    }

    /// A group of a stream.
    pub fn stream_group(&mut self, group: &StreamGroup) {
        let stream_type = self.version.stream_type();
        self.string(&group.name);
        self.id(group.last_id);
        if stream_type != ValueType::StreamListpacks {
            put_len(self.out, group.entries_read.unwrap_or(u64::MAX));
        }
        put_len(self.out, group.pending.len() as u64);
        for pending in &group.pending {
            self.out.extend_from_slice(&pending.id.to_bytes());
            self.out.extend_from_slice(&pending.delivery_time_ms.to_le_bytes());
            put_len(self.out, pending.delivery_count);
        }
        let mut owned: Vec<_> = group.pending.iter().map(|pending| (pending.consumer, pending.id)).collect();
        owned.sort_unstable();
        let mut owned = owned.as_slice();
        put_len(self.out, group.consumers.len() as u64);
        for (place, consumer) in group.consumers.iter().enumerate() {
            self.string(&consumer.name);
            self.out.extend_from_slice(&consumer.seen_time_ms.to_le_bytes());
            if stream_type == ValueType::StreamListpacks3 {
                self.out.extend_from_slice(&consumer.active_time_ms.unwrap_or(-1).to_le_bytes());
            }
            let (mine, rest) = owned.split_at(owned.partition_point(|(owner, _)| *owner as usize <= place));
            owned = rest;
            put_len(self.out, mine.len() as u64);
            for (_, id) in mine {
                self.out.extend_from_slice(&id.to_bytes());
            }
        }
        assert!(owned.is_empty(), "every pending entry belongs to a consumer of its group");
    }

    fn id(&mut self, id: StreamId) {
        put_len(self.out, id.ms);
        put_len(self.out, id.seq);
    }

    /// A whole value. [`ValueEncoder::type_of`] says under which type.
    ///
    /// # Errors
    /// When the value cannot be written.
    pub fn value(&mut self, value: &Value, policy: FieldTtlPolicy) -> Result<(), WriteError> {
        match value {
            Value::String(bytes) => self.string(bytes),
            Value::List(elements) | Value::Set(elements) => {
                self.elements(elements.len() as u64);
                elements.iter().for_each(|element| self.string(element));
            }
            Value::ZSet(members) => {
                self.elements(members.len() as u64);
                members.iter().for_each(|(member, score)| self.scored(member, *score));
            }
            Value::Hash(fields) => return self.hash(fields, policy),
            Value::Stream(stream) => return self.whole_stream(stream),
            Value::Module(_) => return Err(WriteError::Module),
        }
        Ok(())
    }

    fn hash(&mut self, fields: &[HashField], policy: FieldTtlPolicy) -> Result<(), WriteError> {
        let min_ms = fields.iter().filter_map(|field| field.expire_at_ms).min();
        if let (Some(min_ms), true) = (min_ms, self.version.has_field_ttls()) {
            self.expiring_fields(min_ms, fields.len() as u64)?;
            for one in fields {
                self.expiring_field(min_ms, &one.field, &one.value, one.expire_at_ms);
            }
            return Ok(());
        }
        let stays = |one: &&HashField| one.expire_at_ms.is_none() || policy == FieldTtlPolicy::Forget;
        if min_ms.is_some() && policy == FieldTtlPolicy::Refuse {
            return Err(WriteError::NoFieldTtls(self.version.number()));
        }
        self.elements(fields.iter().filter(stays).count() as u64);
        fields.iter().filter(stays).for_each(|one| self.field(&one.field, &one.value));
        Ok(())
    }

    fn whole_stream(&mut self, stream: &StreamValue) -> Result<(), WriteError> {
        let len = |fields: &[(Vec<u8>, Vec<u8>)]| {
            fields.iter().map(|(field, value)| (field.len() + value.len()) as u64).sum()
        };
        let mut split = StreamNodeSplit::default();
        for entry in &stream.entries {
            split.begins(len(&entry.fields));
        }
        self.stream(split.nodes());
        let mut split = StreamNodeSplit::default();
        let mut node: Option<StreamNode> = None;
        for entry in &stream.entries {
            let fields: Vec<&[u8]> =
                entry.fields.iter().flat_map(|(field, value)| [field.as_slice(), value]).collect();
            let begins = split.begins(len(&entry.fields));
            match &mut node {
                Some(node) if !begins => node.push(entry.id, &fields)?,
                node => {
                    if let Some(full) = node.replace(StreamNode::new(entry.id, &fields)?) {
                        self.stream_node(&full);
                    }
                }
            }
        }
        if let Some(last) = node {
            self.stream_node(&last);
        }
        self.stream_meta(&stream.meta, stream.groups.len() as u64);
        stream.groups.iter().for_each(|group| self.stream_group(group));
        Ok(())
    }

    /// The type under which [`ValueEncoder::value`] writes `value`.
    ///
    /// # Errors
    /// When it is a module's.
    pub fn type_of(value: &Value, version: RdbVersion) -> Result<ValueType, WriteError> {
        Ok(match value {
            Value::String(_) => ValueType::String,
            Value::List(_) => ValueType::List,
            Value::Set(_) => ValueType::Set,
            Value::ZSet(_) => ValueType::ZSet2,
            Value::Hash(fields)
                if version.has_field_ttls() && fields.iter().any(|one| one.expire_at_ms.is_some()) =>
            {
                ValueType::HashMetadata
            }
            Value::Hash(_) => ValueType::Hash,
            Value::Stream(_) => version.stream_type(),
            Value::Module(_) => return Err(WriteError::Module),
        })
    }
}

/// A length in its shortest form.
pub(crate) fn put_len(out: &mut BytesMut, len: u64) {
    if let Ok(len @ 0..=0x3f) = u8::try_from(len) {
        out.extend_from_slice(&[len]);
    } else if let Ok(len @ 0..=0x3fff) = u16::try_from(len) {
        out.extend_from_slice(&(0x4000 | len).to_be_bytes());
    } else if let Ok(len) = u32::try_from(len) {
        out.extend_from_slice(&[0x80]);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.extend_from_slice(&[0x81]);
        out.extend_from_slice(&len.to_be_bytes());
    }
}
