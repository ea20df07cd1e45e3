//! Whole values, as the events of a reader add up to them.

use alloc::vec::Vec;

use crate::error::RdbErrorKind;
use crate::event::{ModuleId, RdbEvent};
use crate::opcode::ValueType;
use crate::score::Score;
use crate::stream::{StreamGroup, StreamId, StreamMeta};

/// A value. Elements stand in the order of the file, also where order means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    String(Vec<u8>),
    /// A list, from head to tail.
    List(Vec<Vec<u8>>),
    /// A set.
    Set(Vec<Vec<u8>>),
    /// A sorted set.
    ZSet(Vec<(Vec<u8>, Score)>),
    /// A hash.
    Hash(Vec<HashField>),
    /// A stream.
    Stream(StreamValue),
    /// A module's value, which was passed over.
    Module(ModuleId),
}

/// A field of a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashField {
    /// Its name.
    pub field: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// When it expires: unix ms.
    pub expire_at_ms: Option<u64>,
}

/// A stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamValue {
    /// Its entries by ascending id.
    pub entries: Vec<StreamItem>,
    /// What it knows about itself.
    pub meta: StreamMeta,
    /// Its groups.
    pub groups: Vec<StreamGroup>,
}

/// An entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamItem {
    /// Its id.
    pub id: StreamId,
    /// Fields and values, in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Value {
    /// Whether it is a collection without elements, which must not be kept. A stream may be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(elements) | Self::Set(elements) => elements.is_empty(),
            Self::ZSet(members) => members.is_empty(),
            Self::Hash(fields) => fields.is_empty(),
            Self::String(_) | Self::Stream(_) | Self::Module(_) => false,
        }
    }

    /// Nothing yet, of the kind that `value_type` holds.
    pub(crate) fn begin(value_type: ValueType) -> Self {
        match value_type {
            ValueType::String => Self::String(Vec::new()),
            ValueType::List
            | ValueType::ListZiplist
            | ValueType::ListQuicklist
            | ValueType::ListQuicklist2 => Self::List(Vec::new()),
            ValueType::Set | ValueType::SetIntset | ValueType::SetListpack => Self::Set(Vec::new()),
            ValueType::ZSet | ValueType::ZSet2 | ValueType::ZSetZiplist | ValueType::ZSetListpack => {
                Self::ZSet(Vec::new())
            }
            ValueType::Hash
            | ValueType::HashZipmap
            | ValueType::HashZiplist
            | ValueType::HashListpack
            | ValueType::HashMetadataPreGa
            | ValueType::HashListpackExPreGa
            | ValueType::HashMetadata
            | ValueType::HashListpackEx
            | ValueType::HashValkey => Self::Hash(Vec::new()),
            ValueType::StreamListpacks | ValueType::StreamListpacks2 | ValueType::StreamListpacks3 => {
                Self::Stream(StreamValue::default())
            }
            ValueType::Module2 => Self::Module(ModuleId(0)),
        }
    }

    /// Takes an element.
    pub(crate) fn add(&mut self, event: RdbEvent<'_>) {
        match (self, event) {
            (Self::String(string), RdbEvent::String(found)) => *string = found.into_vec(),
            (Self::List(elements), RdbEvent::ListElement(element))
            | (Self::Set(elements), RdbEvent::SetMember(element)) => elements.push(element.into_vec()),
            (Self::ZSet(members), RdbEvent::ZSetMember { member, score }) => {
                members.push((member.into_vec(), score));
            }
            (Self::Hash(fields), RdbEvent::HashField { field, value, expire_at_ms }) => {
                fields.push(HashField { field: field.into_vec(), value: value.into_vec(), expire_at_ms });
            }
            (Self::Stream(stream), RdbEvent::StreamEntry(entry)) => {
                let fields = entry.fields().map(|(field, value)| (field.into_vec(), value.into_vec()));
                stream.entries.push(StreamItem { id: entry.id(), fields: fields.collect() });
            }
            (Self::Stream(stream), RdbEvent::StreamMeta(meta)) => stream.meta = meta,
            (Self::Stream(stream), RdbEvent::StreamGroup(group)) => stream.groups.push(group),
            (Self::Module(module), RdbEvent::ModuleValue(id)) => *module = id,
            (value, event) => unreachable!("a reader gives no {event:?} within {value:?}"),
        }
    }

    /// All elements are there: is each of them there once?
    pub(crate) fn check(&self) -> Result<(), RdbErrorKind> {
        let mut names: Vec<&[u8]> = match self {
            Self::Set(members) => members.iter().map(Vec::as_slice).collect(),
            Self::ZSet(members) => members.iter().map(|(member, _)| member.as_slice()).collect(),
            Self::Hash(fields) => fields.iter().map(|field| field.field.as_slice()).collect(),
            // The reader compares a stream's ids.
            Self::String(_) | Self::List(_) | Self::Stream(_) | Self::Module(_) => return Ok(()),
        };
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(RdbErrorKind::DuplicateMember);
        }
        Ok(())
    }
}
