//! A data node without I/O: keys, values and the commands that change them.
//!
//! [`Keyspace`] holds the databases and runs commands with [`Keyspace::execute`]: one request goes in, an
//! [`Outcome`] comes out, which is the reply and the [`Effect`]s, the canonical commands that bring a replica to
//! the same data. What arrives from a master runs through the same functions with another [`Origin`].
//!
//! Who may run a command, who the master is and how bytes travel is decided elsewhere. Wall time is an
//! argument and the only chance is the seed's.

#![no_std]
#![cfg_attr(
    not(feature = "full"),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        unreachable_code,
        unreachable_patterns,
        unused_variables,
        reason = "what serves the types and commands left out stays where it is; linkers drop it"
    )
)]

extern crate alloc;

mod access;
#[cfg(feature = "full")]
mod bits;
mod block;
mod command;
mod commands;
mod db;
mod dict;
mod digest;
mod double;
mod entry;
mod eviction;
mod exec;
mod fault;
#[cfg(feature = "full")]
mod field_expiry;
mod functions;
mod garbage;
#[cfg(feature = "full")]
mod geo;
#[cfg(feature = "full")]
mod hyperloglog;
mod index;
mod keyspace;
mod load;
#[cfg(feature = "full")]
mod long_double;
mod node;
mod number;
mod rdb_value;
mod session;
mod settings;
mod slots;
mod small_bytes;
mod snapshot;
pub mod types;

pub use block::{Block, BlockKind};
pub use command::{Command, Keys};
pub use commands::command;
pub use db::Db;
pub use dict::Dict;
pub use double::Double;
pub use entry::Entry;
pub use exec::{Context, Effect, Origin, Outcome};
pub use functions::Functions;
pub use garbage::Garbage;
pub use keyspace::{Counters, Keyspace, KeyspaceMemory};
pub use load::{LoadError, LoadOptions, LoadProgress, LoadReport, LoadRole, LoadedAux, Loader, OldData};
pub use node::{
    ConfigState, EndSignal, FileId, FileResult, Node, NodeEvent, NodeInput, NodeOptions, NodeOutput,
    NodeStatus, NodeTimer, command_table, honours,
};
pub use session::Session;
pub use settings::{MaxmemoryPolicy, Settings};
pub use small_bytes::SmallBytes;
pub use snapshot::{
    Progress, Snapshot, SnapshotContent, SnapshotError, SnapshotOptions, SnapshotReplication,
};
