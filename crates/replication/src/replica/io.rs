//! What goes into a [`ReplicaLink`](crate::ReplicaLink) and what comes out of it.
//!
//! `Display` of both is one stable line; `Debug` is the same line. Users' data shows as its length.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_sansio::{LinkId, Secret};

use super::config::LinkConfig;
use super::event::LinkEvent;
use super::payload::PayloadSize;
use super::stream::StreamCommand;
use crate::{CachedMaster, ReplId};

/// Everything that can happen to a replica link.
#[derive(Clone, PartialEq, Eq)]
pub enum LinkInput {
    /// The deadline of `next_deadline` has come.
    Wake,
    /// Settings have changed.
    Configure(LinkConfig),
    /// Become a replica of this master. A live link is cut, and its state kept for a partial
    /// resynchronisation.
    Follow {
        /// Host of the master, as the host resolves it.
        host: String,
        /// Its port.
        port: u16,
        /// Where to go on from, replacing what the link knows: for a former master
        /// ([`History::on_demotion`](crate::History::on_demotion)), or after a restart.
        cached: Option<CachedMaster>,
        /// How to ask.
        form: PsyncForm,
    },
    /// Stop being a replica.
    Stop,
    /// A client wants the master to know at once how far this replica is (`REPLCONF GETACK` from outside the
    /// stream, which therefore does not move the offset that is told).
    AckNow,
    /// The data that the cached master describes is gone, because a snapshot is taking its place or because the
    /// host doubts it: the next PSYNC asks for everything.
    DropCached,
    /// A connection asked for with [`LinkOutput::Connect`] is established.
    Up {
        /// Which.
        link: LinkId,
    },
    /// Bytes arrived.
    Data {
        /// On which connection.
        link: LinkId,
        /// The bytes, cut anywhere.
        bytes: Bytes,
    },
    /// A connection could not be established or has ended. The host forgets it.
    Down {
        /// Which.
        link: LinkId,
        /// Why, in the words of the operating system.
        reason: String,
    },
    /// Answer to [`LinkOutput::PayloadEnd`], or instead of it when the payload is known to be bad.
    Loaded {
        /// The database that the RDB says is selected in the stream (`repl-stream-db`), or why it could not be loaded.
        result: Result<u32, String>,
    },
    /// An append-only file is in use and this much of the stream is durable in it.
    Fsynced {
        /// Bytes of the stream.
        offset: u64,
    },
}

/// How PSYNC is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsyncForm {
    /// `PSYNC id offset`.
    Plain,
    /// `PSYNC id offset FAILOVER`: the other end shall become a master first.
    Failover,
}

/// An effect that the host carries out, in the order given.
#[derive(Clone, PartialEq, Eq)]
pub enum LinkOutput {
    /// Open a TCP connection; answer with [`LinkInput::Up`] or [`LinkInput::Down`].
    Connect {
        /// The id of the new connection.
        link: LinkId,
        /// Host of the master.
        host: String,
        /// Its port.
        port: u16,
    },
    /// Send bytes.
    Send {
        /// On which connection.
        link: LinkId,
        /// What.
        bytes: Bytes,
    },
    /// Send bytes that hold a password.
    SendSecret {
        /// On which connection.
        link: LinkId,
        /// What.
        bytes: Secret,
    },
    /// Close a connection; nothing more is said about it by either side.
    Close {
        /// Which.
        link: LinkId,
    },
    /// A snapshot follows. Cached master and sub-replicas are dropped when the host begins to load it
    /// ([`History::on_full_sync_load`](crate::History::on_full_sync_load)).
    PayloadStart {
        /// How its end is known.
        size: PayloadSize,
    },
    /// Bytes of the snapshot.
    Payload(Bytes),
    /// The snapshot is complete: load it and answer with [`LinkInput::Loaded`].
    PayloadEnd,
    /// The snapshot will not be completed: what was loaded of it is worthless.
    PayloadAbort,
    /// The snapshot is loaded and the stream begins
    /// ([`History::on_full_sync_done`](crate::History::on_full_sync_done)).
    FullSync {
        /// The master's history; none if it named none, so that nothing can be continued from it.
        replid: Option<ReplId>,
        /// Bytes of it that are in the snapshot.
        offset: u64,
    },
    /// The stream goes on ([`History::on_continue`](crate::History::on_continue)).
    Continued {
        /// The id that the master told.
        replid: Option<ReplId>,
    },
    /// Execute a command of the stream. MULTI and EXEC come with everything between them.
    Apply(StreamCommand),
    /// All commands before this are executed: append these bytes to the own backlog and feed them to
    /// sub-replicas, unchanged.
    Advance {
        /// The bytes, in order.
        pieces: Vec<Bytes>,
        /// Bytes of the stream that are applied now.
        offset: u64,
    },
    /// Read nothing from the connection until told: a snapshot is being loaded.
    PauseReading {
        /// Which.
        link: LinkId,
    },
    /// Read again.
    ResumeReading {
        /// Which.
        link: LinkId,
    },
    /// How `PSYNC … FAILOVER` ended.
    FailoverAnswered {
        /// True if the other end is a master now.
        accepted: bool,
    },
    /// Something happened or was decided.
    Event(LinkEvent),
}

impl fmt::Display for LinkInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake => f.write_str("wake"),
            Self::Configure(_) => f.write_str("configure"),
            Self::Follow { host, port, cached: None, form } => write!(f, "follow {host}:{port} {form:?}"),
            Self::Follow { host, port, cached: Some(cached), form } => {
                write!(f, "follow {host}:{port} {form:?} from {}:{}", cached.replid, cached.reploff)
            }
            Self::Stop => f.write_str("stop"),
            Self::AckNow => f.write_str("ack-now"),
            Self::DropCached => f.write_str("drop-cached"),
            Self::Up { link } => write!(f, "{link} up"),
            Self::Data { link, bytes } => write!(f, "{link} data {} bytes", bytes.len()),
            Self::Down { link, reason } => write!(f, "{link} down {reason}"),
            Self::Loaded { result: Ok(db) } => write!(f, "loaded db={db}"),
            Self::Loaded { result: Err(reason) } => write!(f, "not-loaded {reason}"),
            Self::Fsynced { offset } => write!(f, "fsynced {offset}"),
        }
    }
}

impl fmt::Display for LinkOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { link, host, port } => write!(f, "{link} connect {host}:{port}"),
            Self::Send { link, bytes } => write!(f, "{link} send \"{}\"", bytes.escape_ascii()),
            Self::SendSecret { link, bytes } => write!(f, "{link} send {bytes}"),
            Self::Close { link } => write!(f, "{link} close"),
            Self::PayloadStart { size } => write!(f, "payload-start {size:?}"),
            Self::Payload(bytes) => write!(f, "payload {} bytes", bytes.len()),
            Self::PayloadEnd => f.write_str("payload-end"),
            Self::PayloadAbort => f.write_str("payload-abort"),
            Self::FullSync { replid: Some(replid), offset } => write!(f, "full-sync {replid}:{offset}"),
            Self::FullSync { replid: None, .. } => f.write_str("full-sync"),
            Self::Continued { replid: Some(replid) } => write!(f, "continued {replid}"),
            Self::Continued { replid: None } => f.write_str("continued"),
            Self::Apply(command) => write!(f, "apply {command}"),
            Self::Advance { pieces, offset } => {
                write!(f, "advance {} bytes to {offset}", pieces.iter().map(Bytes::len).sum::<usize>())
            }
            Self::PauseReading { link } => write!(f, "{link} pause-reading"),
            Self::ResumeReading { link } => write!(f, "{link} resume-reading"),
            Self::FailoverAnswered { accepted } => write!(f, "failover-answered {accepted}"),
            Self::Event(event) => write!(f, "event {event}"),
        }
    }
}

impl fmt::Debug for LinkInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for LinkOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
