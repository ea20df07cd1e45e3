//! Sentinel as a sans-IO state machine.
#![no_std]

extern crate alloc;

mod addr;
mod event;
mod io;
mod persist;
mod reason;

pub use addr::{Addr, Announce};
pub use event::{Event, InstanceRef, Kind};
pub use io::{Input, Output, ScriptOutcome};
pub use persist::{PersistentLine, PersistentState};
pub use reason::{Ballot, Choice, DownReason, Ineligible, LossReason, Ranked, Rejected, TiltReason, WaitReason};
