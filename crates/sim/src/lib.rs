//! A deterministic world for the Picket cores: processes, machines, wires and disks in virtual time.
//!
//! Everything that happens in a [`World`] follows from its seed and from what is done to it. Time
//! jumps to whatever happens next, so an hour takes as long as its events do. Sentinels and data nodes are
//! the very cores of the daemon. Where thousands of data servers are wanted, or one that misbehaves as no
//! real one does, there is a [model](ServerOptions) of those parts of Redis that a Sentinel touches. Writers
//! follow the master as client libraries do.
//!
//! Wires delay, lose what is sent, are cut (also one way), and forget connections; machines come, go and
//! stop, processes are killed, frozen and restarted; disks are slow, full, or lose what was on its way; names
//! change what they stand for, late or not at all. The [`Violation`] of a property that must hold after each step ends a run.
//!
//! What is done to a world is text, an [`Action`] to a line; a [`Timeline`] looks at a world forwards and
//! backwards; a [scenario](Scenario) says what is done when and what must come of it.

#![no_std]

extern crate alloc;

mod action;
mod build;
pub mod campaign;
mod change;
mod cluster;
mod console;
mod context;
mod data;
mod disk;
mod dns;
pub mod explore;
mod hash;
mod ids;
mod invariants;
mod log;
mod message;
mod net;
mod node;
mod picture;
mod queue;
#[cfg(feature = "scale")]
pub mod scale;
mod scenario;
mod script;
mod sentinel;
mod server;
#[cfg(feature = "scale")]
mod stock;
mod tally;
mod tap;
mod timeline;
mod topology;
mod transcript;
mod view;
mod wires;
mod world;
mod writer;
mod writes;

pub use action::{Latency, Ways};
pub use change::Change;
pub use cluster::{Cluster, Shape};
pub use console::Answer;
pub use disk::DiskFault;
pub use ids::{NodeId, NodeKind, Power};
pub use invariants::{Judged, Violation};
pub use message::{Message, MessageId};
pub use picket_node_core::NodeEvent;
pub use scenario::{
    Beginning, Fact, Failure, Line, Loss, Moment, Part, Resync, Scenario, ScenarioError, Setup, Start, Wrong,
};
pub use script::{Action, ActionError, Switch};
pub use server::{Answering, ServerOptions, ServerView};
pub use tally::Tally;
pub use timeline::{Deed, Timeline};
pub use topology::Addition;
pub use transcript::{Detail, Entry, Told, Transcript};
pub use world::{Stop, World};
pub use writer::WriterReport;
pub use writes::{Write, WriteCounts};
