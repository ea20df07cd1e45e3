//! Opcodes and value types (`rdb.h`).

use crate::error::RdbErrorKind;

pub(crate) const SLOT_IMPORT: u8 = 243;
pub(crate) const SLOT_INFO: u8 = 244;
pub(crate) const FUNCTION2: u8 = 245;
pub(crate) const FUNCTION_PRE_GA: u8 = 246;
pub(crate) const MODULE_AUX: u8 = 247;
pub(crate) const IDLE: u8 = 248;
pub(crate) const FREQ: u8 = 249;
pub(crate) const AUX: u8 = 250;
pub(crate) const RESIZEDB: u8 = 251;
pub(crate) const EXPIRETIME_MS: u8 = 252;
pub(crate) const EXPIRETIME: u8 = 253;
pub(crate) const SELECTDB: u8 = 254;
pub(crate) const EOF: u8 = 255;

/// The latest version of Redis's format that is known here.
pub(crate) const REDIS_VERSION_MAX: u32 = 12;
/// Valkey's own version, from 9.0 on. Before, Valkey wrote version 11 of Redis's format.
pub(crate) const VALKEY_VERSION: u32 = 80;
/// The first version with a checksum behind the end.
pub(crate) const CHECKSUM_SINCE: u32 = 5;
/// 2^48 - 1: the latest time at which a hash field may expire, in ms (`EB_EXPIRE_TIME_MAX`).
pub(crate) const FIELD_EXPIRY_MAX: u64 = (1 << 48) - 1;

/// How a value is laid out in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of rdb.h, without RDB_TYPE_")]
pub enum ValueType {
    String,
    List,
    Set,
    ZSet,
    Hash,
    ZSet2,
    Module2,
    HashZipmap,
    ListZiplist,
    SetIntset,
    ZSetZiplist,
    HashZiplist,
    ListQuicklist,
    StreamListpacks,
    HashListpack,
    ZSetListpack,
    ListQuicklist2,
    StreamListpacks2,
    SetListpack,
    StreamListpacks3,
    HashMetadataPreGa,
    HashListpackExPreGa,
    HashMetadata,
    HashListpackEx,
    /// Valkey 9.0: a hash with an expiry for each field, -1 for none. Shares number 22 with
    /// [`ValueType::HashMetadataPreGa`]; the file's version tells which it is.
    HashValkey,
}

impl ValueType {
    /// The type with this number, in a file of Valkey's own versions or of Redis's.
    pub(crate) fn from_byte(byte: u8, valkey: bool) -> Result<Self, RdbErrorKind> {
        Ok(match byte {
            0 => Self::String,
            1 => Self::List,
            2 => Self::Set,
            3 => Self::ZSet,
            4 => Self::Hash,
            5 => Self::ZSet2,
            6 => return Err(RdbErrorKind::ModulePreGa),
            7 => Self::Module2,
            9 => Self::HashZipmap,
            10 => Self::ListZiplist,
            11 => Self::SetIntset,
            12 => Self::ZSetZiplist,
            13 => Self::HashZiplist,
            14 => Self::ListQuicklist,
            15 => Self::StreamListpacks,
            16 => Self::HashListpack,
            17 => Self::ZSetListpack,
            18 => Self::ListQuicklist2,
            19 => Self::StreamListpacks2,
            20 => Self::SetListpack,
            21 => Self::StreamListpacks3,
            22 if valkey => Self::HashValkey,
            22 => Self::HashMetadataPreGa,
            23 if !valkey => Self::HashListpackExPreGa,
            24 if !valkey => Self::HashMetadata,
            25 if !valkey => Self::HashListpackEx,
            _ => return Err(RdbErrorKind::UnknownType(byte)),
        })
    }

    /// The number in the file.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        match self {
            Self::String => 0,
            Self::List => 1,
            Self::Set => 2,
            Self::ZSet => 3,
            Self::Hash => 4,
            Self::ZSet2 => 5,
            Self::Module2 => 7,
            Self::HashZipmap => 9,
            Self::ListZiplist => 10,
            Self::SetIntset => 11,
            Self::ZSetZiplist => 12,
            Self::HashZiplist => 13,
            Self::ListQuicklist => 14,
            Self::StreamListpacks => 15,
            Self::HashListpack => 16,
            Self::ZSetListpack => 17,
            Self::ListQuicklist2 => 18,
            Self::StreamListpacks2 => 19,
            Self::SetListpack => 20,
            Self::StreamListpacks3 => 21,
            Self::HashMetadataPreGa | Self::HashValkey => 22,
            Self::HashListpackExPreGa => 23,
            Self::HashMetadata => 24,
            Self::HashListpackEx => 25,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_one_type_each() {
        for valkey in [false, true] {
            for byte in 0..=255 {
                if let Ok(value_type) = ValueType::from_byte(byte, valkey) {
                    assert_eq!(value_type.to_byte(), byte);
                }
            }
        }
        assert_eq!(ValueType::from_byte(6, false), Err(RdbErrorKind::ModulePreGa));
        assert_eq!(ValueType::from_byte(8, false), Err(RdbErrorKind::UnknownType(8)));
        assert_eq!(ValueType::from_byte(24, true), Err(RdbErrorKind::UnknownType(24)));
    }
}
