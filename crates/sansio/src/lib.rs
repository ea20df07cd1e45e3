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
mod time;

pub use ids::{ClientId, LinkId, QueryId, ScriptId, Ticket};
pub use prng::Prng;
pub use secret::Secret;
pub use time::{Deadline, Millis, Time, WallTime};
