//! What a master side noticed or decided, with its reasons.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use picket_resp::quote;
use picket_sansio::{ClientId, Millis};

use super::failover::{FailoverAbort, FailoverTarget};
use super::replica::ReplicaAddr;
use super::snapshot::SnapshotTarget;
use crate::{PsyncReason, ReplId};

/// Something that happened between a master and its replicas. `Display` is the line that Redis logs, where it
/// logs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterEvent {
    /// A replica wants to be synchronised.
    Asks {
        /// Which.
        replica: ReplicaAddr,
    },
    /// It named an offset that is no number.
    WrongOffset {
        /// Which.
        replica: ReplicaAddr,
    },
    /// It goes on from where it was.
    PartialAccepted {
        /// Which.
        replica: ReplicaAddr,
        /// The first byte it gets.
        from: u64,
        /// How many bytes it lacks, and in which history.
        reason: PsyncReason,
    },
    /// It needs a snapshot.
    FullNeeded {
        /// Which.
        replica: ReplicaAddr,
        /// Why.
        reason: PsyncReason,
    },
    /// It needs a snapshot, and is to fetch it over a connection of its own.
    DualChannel {
        /// Which.
        replica: ReplicaAddr,
        /// Why it needs one.
        reason: PsyncReason,
    },
    /// A replica got its snapshot over a connection of its own and did not ask for the stream in time.
    PsyncNeverCame {
        /// That connection.
        rdb_client: ClientId,
        /// How long the stream was kept for it.
        after: Millis,
    },
    /// A new history begins.
    NewHistory {
        /// Its id.
        replid: ReplId,
        /// Why.
        reason: NewHistoryReason,
    },
    /// The history goes on under another name.
    HistoryShifted {
        /// The former name.
        replid2: ReplId,
        /// The first offset it does not have.
        second_repl_offset: u64,
        /// The new name.
        replid: ReplId,
    },
    /// The snapshot waits for more replicas.
    SnapshotDelayed {
        /// How long at most.
        delay: Millis,
    },
    /// The snapshot waits for the end of another.
    SnapshotBusy,
    /// A replica shares a snapshot that is being made.
    SnapshotShared {
        /// Which replica.
        replica: ReplicaAddr,
    },
    /// A snapshot is asked for.
    SnapshotRequested {
        /// Where it goes.
        target: SnapshotTarget,
    },
    /// A snapshot is complete.
    SnapshotDone {
        /// Where it went.
        target: SnapshotTarget,
        /// Replicas that get it.
        replicas: u64,
    },
    /// A snapshot was not completed.
    SnapshotFailed {
        /// Why.
        reason: String,
    },
    /// The last replica that waited for a snapshot has gone.
    SnapshotUseless,
    /// A replica has its snapshot; the stream follows.
    Synchronised {
        /// Which.
        replica: ReplicaAddr,
    },
    /// A replica's connection has ended.
    Lost {
        /// Which.
        replica: ReplicaAddr,
    },
    /// A replica is disconnected.
    Disconnected {
        /// Which.
        replica: ReplicaAddr,
        /// Why.
        reason: DisconnectReason,
    },
    /// The backlog was freed.
    BacklogFreed {
        /// Time without replicas.
        after: Millis,
    },
    /// A planned failover begins.
    FailoverRequested {
        /// Whom it is for.
        target: FailoverTarget,
    },
    /// The target has everything: it is asked to take over.
    FailoverSynced {
        /// Which.
        host: String,
        /// Its port.
        port: u64,
    },
    /// The target is asked to take over although it lacks something.
    FailoverForced {
        /// Which.
        host: String,
        /// Its port.
        port: u64,
    },
    /// The target has taken over.
    FailoverDone,
    /// A planned failover ended and nothing has changed.
    FailoverAborted {
        /// Whom it was for.
        target: FailoverTarget,
        /// Why.
        reason: FailoverAbort,
    },
    /// Another node asked this one to take over.
    FailoverGranted,
}

/// Why a history begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewHistoryReason {
    /// The first replica of a master without a backlog.
    FirstReplica,
    /// The backlog was freed.
    BacklogFreed,
}

/// Why a replica was disconnected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// No ACK within repl-timeout.
    StreamTimeout,
    /// It took nothing of its snapshot within repl-timeout.
    TransferTimeout,
    /// Too much waits for it.
    OutputLimit {
        /// Bytes that wait.
        pending: u64,
        /// The limit.
        limit: u64,
    },
    /// It sent a command that has a reply.
    GeneratedReply {
        /// The command.
        command: Bytes,
    },
    /// The snapshot failed.
    SnapshotFailed,
    /// It asked for a snapshot and nothing more.
    SnapshotOnly,
    /// It is a replica of a replica whose history or data changes.
    HistoryChanged,
    /// Bytes that it needs are gone.
    StreamGone,
}

impl fmt::Display for MasterEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asks { replica } => write!(f, "Replica {replica} asks for synchronization"),
            Self::WrongOffset { replica } => {
                write!(f, "Replica {replica} asks for synchronization but with a wrong offset")
            }
            Self::PartialAccepted { replica, from, reason } => {
                let (PsyncReason::SameHistory { lacks } | PsyncReason::PreviousHistory { lacks }) = reason
                else {
                    return write!(f, "Partial resynchronization request from {replica} accepted: {reason}");
                };
                write!(
                    f,
                    "Partial resynchronization request from {replica} accepted. Sending {lacks} bytes of backlog \
                     starting from offset {from}."
                )
            }
            Self::FullNeeded { replica, reason } => match reason {
                PsyncReason::NothingCached => write!(f, "Full resync requested by replica {replica}"),
                PsyncReason::NoBacklog { asked }
                | PsyncReason::TooOld { asked, .. }
                | PsyncReason::Ahead { asked, .. } => write!(
                    f,
                    "Unable to partial resync with replica {replica} for lack of backlog (Replica request was: \
                     {asked}). Reason: {reason}"
                ),
                reason => write!(f, "Partial resynchronization not accepted: {reason}"),
            },
            Self::DualChannel { replica, reason } => write!(
                f,
                "Replica {replica} is capable of dual channel synchronization, and partial sync isn't possible \
                 ({reason}). Full sync will continue with dedicated RDB channel."
            ),
            Self::PsyncNeverCame { rdb_client, after } => write!(
                f,
                "Replica main channel failed to establish PSYNC within the grace period ({} seconds). Freeing RDB \
                 client {}.",
                after.0 / 1000,
                rdb_client.0
            ),
            Self::NewHistory { replid, reason: NewHistoryReason::FirstReplica } => {
                write!(
                    f,
                    "Replication backlog created, my new replication IDs are '{replid}' and '{}'",
                    ReplId::NONE
                )
            }
            Self::NewHistory { replid, reason: NewHistoryReason::BacklogFreed } => {
                write!(f, "My new replication ID is {replid}")
            }
            Self::HistoryShifted { replid2, second_repl_offset, replid } => write!(
                f,
                "Setting secondary replication ID to {replid2}, valid up to offset: {second_repl_offset}. New \
                 replication ID is {replid}"
            ),
            Self::SnapshotDelayed { delay } => {
                write!(f, "Delay next BGSAVE for diskless SYNC, for {delay} at most")
            }
            Self::SnapshotBusy => f.write_str("Waiting for the end of another BGSAVE for SYNC"),
            Self::SnapshotShared { replica } => {
                write!(f, "Replica {replica} shares the BGSAVE that is in progress")
            }
            Self::SnapshotRequested { target: SnapshotTarget::Socket } => {
                f.write_str("Starting BGSAVE for SYNC with target: replicas sockets")
            }
            Self::SnapshotRequested { target: SnapshotTarget::Disk } => {
                f.write_str("Starting BGSAVE for SYNC with target: disk")
            }
            Self::SnapshotDone { target: SnapshotTarget::Socket, replicas } => {
                write!(f, "Diskless rdb transfer, done reading from pipe, {replicas} replicas still up.")
            }
            Self::SnapshotDone { target: SnapshotTarget::Disk, replicas } => {
                write!(f, "RDB for SYNC is on disk, {replicas} replicas get it.")
            }
            Self::SnapshotFailed { reason } => write!(f, "BGSAVE for replication failed: {reason}"),
            Self::SnapshotUseless => {
                f.write_str("Diskless rdb transfer, last replica dropped, killing fork child.")
            }
            Self::Synchronised { replica } => write!(f, "Synchronization with replica {replica} succeeded"),
            Self::Lost { replica } => write!(f, "Connection with replica {replica} lost."),
            Self::Disconnected { replica, reason } => match reason {
                DisconnectReason::StreamTimeout => {
                    write!(f, "Disconnecting timedout replica (streaming sync): {replica}")
                }
                DisconnectReason::TransferTimeout => {
                    write!(f, "Disconnecting timedout replica (full sync): {replica}")
                }
                DisconnectReason::GeneratedReply { command } => write!(
                    f,
                    "Replica generated a reply to command {}, disconnecting it: {replica}",
                    quote(&command[..command.len().min(128)]).replace('"', "'")
                ),
                reason => write!(f, "Disconnecting replica {replica}: {reason}"),
            },
            Self::BacklogFreed { after } => write!(
                f,
                "Replication backlog freed after {} seconds without connected replicas.",
                after.0 / 1000
            ),
            Self::FailoverRequested { target } => write!(f, "FAILOVER requested to {target}."),
            Self::FailoverSynced { host, port } => {
                write!(f, "Failover target {host}:{port} is synced, failing over.")
            }
            Self::FailoverForced { host, port } => {
                write!(f, "FAILOVER to {host}:{port} time out exceeded, failing over.")
            }
            Self::FailoverDone => f.write_str("FAILOVER done, this node is a replica now"),
            Self::FailoverAborted { target, reason } => write!(f, "FAILOVER to {target} aborted: {reason}"),
            Self::FailoverGranted => f.write_str("Failover request received, this node is a master now"),
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StreamTimeout => f.write_str("no ACK within repl-timeout"),
            Self::TransferTimeout => f.write_str("it takes nothing of its snapshot"),
            Self::OutputLimit { pending, limit } => {
                write!(f, "{pending} bytes wait for it, the output buffer limit is {limit}")
            }
            Self::GeneratedReply { .. } => f.write_str("it sent a command that has a reply"),
            Self::SnapshotFailed => f.write_str("the snapshot failed"),
            Self::SnapshotOnly => f.write_str("it asked for a snapshot only, and has it"),
            Self::HistoryChanged => f.write_str("the history that it follows changes here"),
            Self::StreamGone => f.write_str("the bytes it needs next are gone"),
        }
    }
}
