//! Sentinel as a sans-IO state machine: `Input` in, `Output` out, woken at `next_deadline`.
//!
//! [`Sentinel`] monitors masters, replicas and other Sentinels, decides when a master is down, elects
//! a leader, promotes a replica and tells everybody: as `redis-sentinel` does on the wire, driven by
//! events and exact deadlines inside. It opens no connection and no file; a host carries out each
//! [`Output`] and answers with an [`Input`]. Every decision leaves as an [`Event`] with its reasons.

#![no_std]

extern crate alloc;

mod addr;
mod calm;
mod commands;
mod config;
mod core;
mod deferred;
mod down;
mod election;
mod event;
mod failover;
mod forget;
mod gossip;
mod hello;
mod ids;
mod info;
mod instance;
mod io;
mod link;
mod members;
mod monitor;
mod network;
mod newcomer;
mod observe;
mod persist;
mod reason;
mod render;
mod replies;
mod rivals;
mod scripts;
mod sentinel;
mod settings;
mod spacing;
mod status;
mod tally;
mod timers;

pub use addr::{Addr, Announce};
pub use config::{Config, Include, MasterConfig, SENTINEL_WORDS, default_options};
pub use event::{Event, InstanceRef, Kind};
pub use forget::Acquaintances;
pub use ids::{InstanceId, MasterId, PeerId, ReplicaId, SlotId};
pub use instance::Role;
pub use io::{Input, Output, ScriptOutcome};
pub use persist::{PersistentLine, PersistentState};
pub use reason::{
    Ballot, Choice, DownReason, HandoverFailure, Ineligible, LossReason, Ranked, RefusalReason, RefusedVote,
    Rejected, TiltReason, WaitReason,
};
pub use sentinel::Sentinel;
pub use settings::{MasterSettings, Periods, Settings};
pub use status::{MasterStatus, PeerStatus, ServerStatus, Status};
pub use timers::Timer;
