//! Redis replication as sans-IO state machines.
//!
//! [`Backlog`] is the one buffer that the partial resynchronisation window and all replicas share;
//! [`History`] says which stream its bytes belong to, and [`decide_psync`] whether a replica may go on from
//! where it was, and why not.
//!
//! [`ReplicaLink`] is the replica side: handshake, snapshot, stream, acknowledgements, reconnection.
//!
//! [`MasterSide`] is what a node is to its replicas: snapshots, the stream, acknowledgements, planned
//! failovers.
//!
//! RDB payloads pass through as bytes; what is in them, and what commands mean, is decided elsewhere.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod backlog;
mod history;
mod master;
mod number;
mod psync;
mod replica;
mod replid;

pub use backlog::{BACKLOG_SIZE_MIN, Backlog, BacklogMemory, Pin};
pub use history::{BacklogEffect, CachedMaster, CachedMasterEffect, Effects, History, SubReplicas};
pub use master::{
    BacklogStatus, DisconnectReason, FailoverAbort, FailoverState, FailoverTarget, MasterEvent, MasterInput,
    MasterOutput, MasterSettings, MasterSide, MasterStatus, MasterTimer, NewHistoryReason, NodeFacts,
    NodeRole, Propagated, ReplicaAddr, ReplicaKind, ReplicaOutputLimit, ReplicaStatus, ReplicaStatusState,
    SnapshotFilter, SnapshotId, SnapshotTarget, SyncCounters, SyncDecision, SyncQuestion, SyncRequest,
    WaitKind, render_info, role_reply,
};
pub use number::OFFSET_MAX;
pub use psync::{PsyncAsker, PsyncDecision, PsyncReason, decide_psync};
pub use replica::{
    HandshakeStep, LinkConfig, LinkEvent, LinkFailure, LinkInput, LinkOutput, LinkState, LinkStatus,
    LinkTimer, PayloadSize, PsyncForm, ReplicaLink, StreamCommand, StreamError, TransferStatus,
};
pub use replid::ReplId;
