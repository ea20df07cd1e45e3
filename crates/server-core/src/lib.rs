//! What every RESP server needs, written once and without I/O.
//!
//! [`config`] reads and rewrites files in the manner of `redis.conf`; [`glob_match`] is Redis's pattern
//! matching; [`CommandTable`] and [`generic`] describe commands; [`acl`] holds users and what they may
//! do; [`Server`] is the client side of a server: connections and their limits, authentication,
//! protocol versions, the generic commands and publish/subscribe.
//!
//! Nothing here knows what kind of server it is part of: the application brings its command table and
//! its options, and runs the commands that are its own.

#![no_std]

extern crate alloc;

pub mod acl;
mod command;
pub mod config;
pub mod generic;
mod glob;
mod keys;
mod server;

pub use command::{
    AclSubcommand, Categories, ChannelArgs, ClientSubcommand, CommandIndex, CommandRef, CommandSpec,
    CommandSubcommand, CommandTable, Docs, Flags, Generic, PubsubSubcommand, Runs,
};
pub use config::{ClientClass, LogLevel, OutputBufferLimit, Settings, Supervised};
pub use glob::{Case, glob_match};
pub use keys::{KeyUse, Keys};
pub use server::{
    Call, CallFlags, ClientAddresses, ClientFacts, ClientsMemory, CloseReason, Counters, CpuMicros, HostInfo,
    Identity, Limits, Listener, Multi, Origin, Renames, ReplicationLink, ReplySlot, Server, ServerOptions,
    ServerOutput, ServerTimer, Taken, UnblockWith, help,
};
