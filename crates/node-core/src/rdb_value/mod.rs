//! Values as an RDB keeps them (`rdb.c: rdbSaveObject, rdbLoadObject`): written in the layouts that stock servers
//! write, so that they load them into the same encodings, and put together again from what a reader finds.
//!
//! Keys, their times to live and the order of things belong to [`crate::snapshot`] and [`crate::load`].

mod read;
mod write;

pub(crate) use read::{BuildError, ValueBuilder};
pub(crate) use write::{Step, ValueWriter};

use crate::double::Double;
use picket_rdb::Score;

/// A score as the file keeps it.
fn score_of(double: Double) -> Score {
    Score::from_bits(double.to_bits()).expect("neither of them is ever NaN")
}

/// A score as a sorted set keeps it.
fn double_of(score: Score) -> Double {
    Double::from_bits(score.to_bits()).expect("neither of them is ever NaN")
}
