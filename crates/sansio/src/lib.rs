//! What every Picket core speaks.
//!
//! A core is a value that turns inputs into outputs. This crate holds the words that all of them
//! share: monotonic [`Time`], [`WallTime`] as data, the [`Prng`] that a seed starts, connection ids
//! that are never reused, [`Secret`] bytes that no log can print, and the [`Deadline`] with which a
//! core asks to be woken. It decides nothing.

#![no_std]

extern crate alloc;

mod ids;
mod prng;
mod secret;
pub mod sorted;
mod time;

/// Ordered maps and sets for cores: the standard library's, and in WASM, where what is downloaded counts and little
/// is stored, the same interface on sorted arrays, which takes a tenth of the machine code.
pub mod collections {
    #[cfg(target_arch = "wasm32")]
    pub use crate::sorted::{SortedMap as BTreeMap, SortedSet as BTreeSet, map as btree_map};
    #[cfg(not(target_arch = "wasm32"))]
    pub use alloc::collections::{BTreeMap, BTreeSet, btree_map};
}

pub use ids::{ClientId, LinkId, QueryId, ScriptId, Ticket};
pub use prng::Prng;
pub use secret::Secret;
pub use time::{Deadline, Millis, Time, WallTime};
