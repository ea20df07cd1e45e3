//! What goes into a [`MasterSide`](crate::MasterSide) and what comes out of it.
//!
//! `Display` of both is one stable line; `Debug` is the same line. Users' data shows as its length.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::event::MasterEvent;
use super::settings::MasterSettings;
use super::snapshot::{SnapshotFilter, SnapshotId, SnapshotTarget};
use crate::{CachedMaster, ReplId};

/// Everything that can happen to a master side. Commands come as their arguments without the name; the host
/// has checked authentication, arity and that the connection is not inside MULTI.
#[derive(Clone, PartialEq, Eq)]
pub enum MasterInput {
    /// The deadline of `next_deadline` has come.
    Wake,
    /// The end of a round of the host's event loop: what was propagated goes to the replicas.
    Flush,
    /// Settings have changed.
    Configure(MasterSettings),
    /// `REPLCONF …`.
    Replconf {
        /// Who sent it.
        conn: ClientId,
        /// Option and value pairs.
        args: Vec<Bytes>,
    },
    /// `PSYNC …`.
    Psync {
        /// Who sent it.
        conn: ClientId,
        /// The peer's address.
        peer_ip: String,
        /// Id, offset and more.
        args: Vec<Bytes>,
        /// Replies to this connection have not left yet.
        pending_output: bool,
    },
    /// `SYNC`.
    Sync {
        /// Who sent it.
        conn: ClientId,
        /// The peer's address.
        peer_ip: String,
        /// Replies to this connection have not left yet.
        pending_output: bool,
    },
    /// A connection has ended. Also told for connections that never became replicas but sent REPLCONF or are
    /// blocked in WAIT.
    Gone {
        /// Which.
        conn: ClientId,
    },
    /// A replica's connection sent a command that has a reply.
    GeneratedReply {
        /// Which.
        conn: ClientId,
        /// The command's name.
        command: Bytes,
    },
    /// A replica's connection takes this many bytes at the moment.
    Writable {
        /// Which.
        conn: ClientId,
        /// Bytes.
        budget: u64,
    },
    /// Answer to [`MasterOutput::StartSnapshot`]: the data is frozen now, between two commands.
    SnapshotStarted {
        /// Which.
        snapshot: SnapshotId,
        /// The database that the stream has selected there.
        db: u32,
    },
    /// Bytes of a diskless snapshot.
    SnapshotBytes {
        /// Which.
        snapshot: SnapshotId,
        /// The next bytes.
        bytes: Bytes,
    },
    /// A snapshot is complete: all its bytes were given, or its file is on disk.
    SnapshotDone {
        /// Which.
        snapshot: SnapshotId,
        /// Its length.
        len: u64,
    },
    /// A snapshot could not be started or completed.
    SnapshotFailed {
        /// Which.
        snapshot: SnapshotId,
        /// Why.
        reason: String,
    },
    /// Answer to [`MasterOutput::ReadSnapshot`].
    SnapshotRead {
        /// For whom.
        conn: ClientId,
        /// The bytes, not empty, or why they cannot be read.
        result: Result<Bytes, String>,
    },
    /// This node has become a replica of somebody (`REPLICAOF h p`).
    Demoted,
    /// This node has stopped being a replica (`REPLICAOF NO ONE`).
    Promoted,
    /// Whether this node's own link to its master is connected.
    Link {
        /// It is.
        up: bool,
    },
    /// This node is about to replace its data by its master's snapshot.
    FullSyncLoad,
    /// This node has loaded its master's snapshot; none if the master named no history.
    FullSynced {
        /// History and offset.
        origin: Option<(ReplId, u64)>,
    },
    /// This node's master answered `+CONTINUE`.
    Continued {
        /// The id that it told.
        replid: Option<ReplId>,
    },
    /// `WAIT …` or `WAITAOF …`.
    Wait {
        /// Who sent it.
        client: ClientId,
        /// Which of the two.
        kind: WaitKind,
        /// Its arguments.
        args: Vec<Bytes>,
        /// The stream's offset after this client's last write.
        offset: u64,
        /// Whether the client may be blocked: not inside MULTI or a script.
        may_block: bool,
    },
    /// An append-only file is in use and this much of the stream is durable in it; none when it is off.
    Fsynced {
        /// Bytes of the stream.
        offset: Option<u64>,
    },
    /// `FAILOVER …`.
    Failover {
        /// Who sent it.
        conn: ClientId,
        /// Its arguments.
        args: Vec<Bytes>,
    },
    /// How `PSYNC … FAILOVER` ended.
    FailoverAnswered {
        /// True if the other end is a master now.
        accepted: bool,
    },
}

/// Which acknowledgement is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// `WAIT`: applied by replicas.
    Wait,
    /// `WAITAOF`: durable here or on replicas.
    WaitAof,
}

/// An effect that the host carries out, in the order given.
#[derive(Clone, PartialEq, Eq)]
pub enum MasterOutput {
    /// Answer a command.
    Reply {
        /// To whom.
        conn: ClientId,
        /// What.
        reply: Reply,
    },
    /// The connection is a replica now: tell with [`MasterInput::Writable`] what it takes, and close it if a
    /// command of it has a reply.
    Attached {
        /// Which.
        conn: ClientId,
    },
    /// Send bytes to a replica, outside of its budget.
    Send {
        /// To whom.
        conn: ClientId,
        /// What.
        bytes: Bytes,
    },
    /// Send bytes that others share to a replica, within its budget.
    Feed {
        /// To whom.
        conn: ClientId,
        /// What, in order.
        pieces: Vec<Bytes>,
    },
    /// Close a connection once everything before it is sent; nothing more is said about it by either side.
    Close {
        /// Which.
        conn: ClientId,
    },
    /// Freeze the data as soon as possible, between two commands; answer with
    /// [`MasterInput::SnapshotStarted`] or [`MasterInput::SnapshotFailed`].
    StartSnapshot {
        /// The id of the snapshot.
        snapshot: SnapshotId,
        /// Where it goes.
        target: SnapshotTarget,
        /// What is in it.
        filter: SnapshotFilter,
    },
    /// Give more bytes of a diskless snapshot with [`MasterInput::SnapshotBytes`].
    ContinueSnapshot {
        /// Which.
        snapshot: SnapshotId,
        /// About this many.
        budget: u64,
    },
    /// Read bytes of the file of a snapshot; answer with [`MasterInput::SnapshotRead`].
    ReadSnapshot {
        /// For whom.
        conn: ClientId,
        /// Which.
        snapshot: SnapshotId,
        /// From this byte on.
        offset: u64,
        /// At most this many, at least one.
        budget: u64,
    },
    /// Nobody needs this snapshot any more; stop it if it is still being made.
    CancelSnapshot {
        /// Which.
        snapshot: SnapshotId,
    },
    /// A role change on its own account: this node is a master now. The link is to be stopped.
    Promoted,
    /// A role change on its own account: follow this replica and ask it to take over
    /// ([`PsyncForm::Failover`](crate::PsyncForm::Failover)).
    FollowTarget {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
        /// Where to go on from.
        cached: CachedMaster,
    },
    /// The cached master is to become this; none: is to be dropped. The host passes it on to its link.
    CachedMaster(Option<CachedMaster>),
    /// Hold back writes of clients, or let them go on.
    PauseWrites {
        /// Hold them back.
        paused: bool,
    },
    /// Answer and unblock a client.
    WaitDone {
        /// Which.
        client: ClientId,
        /// The answer.
        reply: Reply,
    },
    /// The client is blocked until [`MasterOutput::WaitDone`].
    Blocked {
        /// Which.
        client: ClientId,
    },
    /// Something happened or was decided.
    Event(MasterEvent),
}

fn names(f: &mut fmt::Formatter<'_>, args: &[Bytes]) -> fmt::Result {
    args.iter().take(8).try_for_each(|arg| write!(f, " \"{}\"", arg[..arg.len().min(64)].escape_ascii()))
}

impl fmt::Display for MasterInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake => f.write_str("wake"),
            Self::Flush => f.write_str("flush"),
            Self::Configure(_) => f.write_str("configure"),
            Self::Replconf { conn, args } => {
                write!(f, "{conn} replconf")?;
                names(f, args)
            }
            Self::Psync { conn, peer_ip, args, pending_output } => {
                write!(f, "{conn} psync from={peer_ip} pending-output={pending_output}")?;
                names(f, args)
            }
            Self::Sync { conn, peer_ip, pending_output } => {
                write!(f, "{conn} sync from={peer_ip} pending-output={pending_output}")
            }
            Self::Gone { conn } => write!(f, "{conn} gone"),
            Self::GeneratedReply { conn, command } => {
                write!(f, "{conn} generated-reply \"{}\"", command.escape_ascii())
            }
            Self::Writable { conn, budget } => write!(f, "{conn} writable {budget}"),
            Self::SnapshotStarted { snapshot, db } => write!(f, "{snapshot} started db={db}"),
            Self::SnapshotBytes { snapshot, bytes } => write!(f, "{snapshot} {} bytes", bytes.len()),
            Self::SnapshotDone { snapshot, len } => write!(f, "{snapshot} done len={len}"),
            Self::SnapshotFailed { snapshot, reason } => write!(f, "{snapshot} failed {reason}"),
            Self::SnapshotRead { conn, result: Ok(bytes) } => write!(f, "{conn} read {} bytes", bytes.len()),
            Self::SnapshotRead { conn, result: Err(reason) } => write!(f, "{conn} not-read {reason}"),
            Self::Demoted => f.write_str("demoted"),
            Self::Promoted => f.write_str("promoted"),
            Self::Link { up } => write!(f, "link up={up}"),
            Self::FullSyncLoad => f.write_str("full-sync-load"),
            Self::FullSynced { origin: Some((replid, offset)) } => write!(f, "full-synced {replid}:{offset}"),
            Self::FullSynced { origin: None } => f.write_str("full-synced"),
            Self::Continued { replid: Some(replid) } => write!(f, "continued {replid}"),
            Self::Continued { replid: None } => f.write_str("continued"),
            Self::Wait { client, kind, args, offset, may_block } => {
                write!(f, "{client} {kind:?} offset={offset} may-block={may_block}")?;
                names(f, args)
            }
            Self::Fsynced { offset: Some(offset) } => write!(f, "fsynced {offset}"),
            Self::Fsynced { offset: None } => f.write_str("fsynced off"),
            Self::Failover { conn, args } => {
                write!(f, "{conn} failover")?;
                names(f, args)
            }
            Self::FailoverAnswered { accepted } => write!(f, "failover-answered {accepted}"),
        }
    }
}

impl fmt::Display for MasterOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { conn, reply } => write!(f, "{conn} reply {reply:?}"),
            Self::Attached { conn } => write!(f, "{conn} attached"),
            Self::Send { conn, bytes } => write!(f, "{conn} send \"{}\"", bytes.escape_ascii()),
            Self::Feed { conn, pieces } => {
                write!(f, "{conn} feed {} bytes", pieces.iter().map(Bytes::len).sum::<usize>())
            }
            Self::Close { conn } => write!(f, "{conn} close"),
            Self::StartSnapshot { snapshot, target, filter } => {
                write!(f, "{snapshot} start target={target} filter={filter:?}")
            }
            Self::ContinueSnapshot { snapshot, budget } => write!(f, "{snapshot} continue {budget}"),
            Self::ReadSnapshot { conn, snapshot, offset, budget } => {
                write!(f, "{conn} read-snapshot {snapshot} from={offset} budget={budget}")
            }
            Self::CancelSnapshot { snapshot } => write!(f, "{snapshot} cancel"),
            Self::Promoted => f.write_str("promoted"),
            Self::FollowTarget { host, port, cached } => {
                write!(f, "follow-target {host}:{port} from {}:{}", cached.replid, cached.reploff)
            }
            Self::CachedMaster(Some(cached)) => {
                write!(f, "cached-master {}:{}", cached.replid, cached.reploff)
            }
            Self::CachedMaster(None) => f.write_str("cached-master none"),
            Self::PauseWrites { paused } => write!(f, "pause-writes {paused}"),
            Self::WaitDone { client, reply } => write!(f, "{client} wait-done {reply:?}"),
            Self::Blocked { client } => write!(f, "{client} blocked"),
            Self::Event(event) => write!(f, "event {event}"),
        }
    }
}

impl fmt::Debug for MasterInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for MasterOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
