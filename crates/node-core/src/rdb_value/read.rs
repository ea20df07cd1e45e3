//! Putting a value together from what a reader finds.

use picket_rdb::{ModuleId, RdbErrorKind, RdbEvent, RdbStr, ValueType};

#[cfg(feature = "full")]
use super::double_of;
use crate::index::HashKey;
use crate::settings::Settings;
#[cfg(feature = "full")]
use crate::types::{End, Hash, List, Set, Stream, ZSet};
use crate::types::{Str, Value};

/// Why a value cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuildError {
    /// The same member twice.
    Rdb(RdbErrorKind),
    /// It belongs to a module.
    Module(ModuleId),
}

/// A value on its way.
#[derive(Clone, Debug)]
pub(crate) struct ValueBuilder {
    value: Value,
}

impl ValueBuilder {
    /// Nothing yet, of the type that `value_type` lays out.
    #[cfg(feature = "full")]
    pub(crate) fn new(value_type: ValueType, hash_key: HashKey) -> Self {
        let value = match value_type {
            ValueType::String | ValueType::Module2 => Str::default().into(),
            ValueType::List
            | ValueType::ListZiplist
            | ValueType::ListQuicklist
            | ValueType::ListQuicklist2 => List::default().into(),
            ValueType::Set | ValueType::SetIntset | ValueType::SetListpack => Set::new(hash_key).into(),
            ValueType::ZSet | ValueType::ZSet2 | ValueType::ZSetZiplist | ValueType::ZSetListpack => {
                ZSet::new(hash_key).into()
            }
            ValueType::Hash
            | ValueType::HashZipmap
            | ValueType::HashZiplist
            | ValueType::HashListpack
            | ValueType::HashMetadataPreGa
            | ValueType::HashListpackExPreGa
            | ValueType::HashMetadata
            | ValueType::HashListpackEx
            | ValueType::HashValkey => Hash::new(hash_key).into(),
            ValueType::StreamListpacks | ValueType::StreamListpacks2 | ValueType::StreamListpacks3 => {
                Stream::default().into()
            }
        };
        Self { value }
    }

    #[cfg(not(feature = "full"))]
    pub(crate) fn new(_: ValueType, _: HashKey) -> Self {
        // The reader refuses the other types.
        Self { value: Str::default().into() }
    }

    /// Takes an element.
    pub(crate) fn add(&mut self, event: RdbEvent<'_>, settings: &Settings) -> Result<(), BuildError> {
        let is_new = match (&mut self.value, event) {
            (Value::String(value), RdbEvent::String(found)) => {
                *value = string(found);
                true
            }
            #[cfg(feature = "full")]
            (Value::List(list), RdbEvent::ListElement(item)) => {
                item.with_bytes(|item| list.push(End::Right, item));
                true
            }
            #[cfg(feature = "full")]
            (Value::Set(set), RdbEvent::SetMember(member)) => {
                member.with_bytes(|member| set.insert(member, settings))
            }
            #[cfg(feature = "full")]
            (Value::ZSet(zset), RdbEvent::ZSetMember { member, score }) => {
                member.with_bytes(|member| zset.load(member, double_of(score), settings))
            }
            #[cfg(feature = "full")]
            (Value::Hash(hash), RdbEvent::HashField { field, value, expire_at_ms }) => {
                field.with_bytes(|field| {
                    let is_new = value.with_bytes(|value| hash.insert(field, value, settings));
                    if expire_at_ms.is_some() {
                        hash.set_field_expiry(field, expire_at_ms);
                    }
                    is_new
                })
            }
            #[cfg(feature = "full")]
            (Value::Stream(stream), RdbEvent::StreamEntry(entry)) => {
                let loaded = stream.load_entry(&entry);
                loaded.map_err(|_| BuildError::Rdb(RdbErrorKind::BadStreamNode))?;
                true
            }
            #[cfg(feature = "full")]
            (Value::Stream(stream), RdbEvent::StreamMeta(meta)) => {
                stream.load_meta(&meta);
                true
            }
            #[cfg(feature = "full")]
            (Value::Stream(stream), RdbEvent::StreamGroup(group)) => {
                stream.load_group(&group);
                true
            }
            (_, RdbEvent::ModuleValue(module)) => return Err(BuildError::Module(module)),
            (value, event) => unreachable!("a reader gives no {event:?} within {value:?}"),
        };
        if is_new { Ok(()) } else { Err(BuildError::Rdb(RdbErrorKind::DuplicateMember)) }
    }

    /// The whole value; none if it is a collection without elements.
    pub(crate) fn finish(mut self, settings: &Settings) -> Option<Value> {
        match &mut self.value {
            #[cfg(feature = "full")]
            Value::List(list) => list.choose_encoding(settings.list_max_listpack_size),
            #[cfg(feature = "full")]
            Value::ZSet(zset) => zset.pack(settings),
            // These choose as they grow.
            #[cfg(feature = "full")]
            Value::Set(_) | Value::Hash(_) | Value::Stream(_) => {}
            Value::String(_) => {}
        }
        (!self.value.is_empty()).then_some(self.value)
    }
}

fn string(found: RdbStr<'_>) -> Str {
    match found {
        RdbStr::Int(value) => Str::int(value),
        RdbStr::Borrowed(bytes) => Str::of(bytes),
        RdbStr::Owned(bytes) => Str::owned(bytes),
    }
}
