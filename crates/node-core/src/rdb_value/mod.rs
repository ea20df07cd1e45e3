//! Values as an RDB keeps them (`rdb.c: rdbSaveObject, rdbLoadObject`): written in the layouts that stock servers
//! write, so that they load them into the same encodings, and put together again from what a reader finds.
//!
//! Keys, their times to live and the order of things belong to [`crate::snapshot`] and [`crate::load`].

mod read;
mod write;

pub(crate) use read::{BuildError, ValueBuilder};
pub(crate) use write::{Step, ValueWriter};

use bytes::Bytes;
use picket_rdb::{RdbVersion, WriteError, dump};

use crate::types::Value;

#[cfg(feature = "full")]
use crate::double::Double;
#[cfg(feature = "full")]
use picket_rdb::Score;

/// The version that all servers from 7.0 on restore.
const DUMP_VERSION: RdbVersion = RdbVersion::V10;

/// What DUMP answers for a value.
pub(crate) fn dump_payload(value: &Value, list_size: i32) -> Result<Bytes, WriteError> {
    // Fields that expire are younger.
    let version = if value.next_field_expiry().is_some() { RdbVersion::V12 } else { DUMP_VERSION };
    let mut writer = ValueWriter::new(value, version, list_size);
    dump::write(version, true, writer.value_type(), |encoder| {
        writer.step(value, encoder, usize::MAX).map(|_| ())
    })
}

/// A score as the file keeps it.
#[cfg(feature = "full")]
fn score_of(double: Double) -> Score {
    Score::from_bits(double.to_bits()).expect("neither of them is ever NaN")
}

/// A score as a sorted set keeps it.
#[cfg(feature = "full")]
fn double_of(score: Score) -> Double {
    Double::from_bits(score.to_bits()).expect("neither of them is ever NaN")
}
