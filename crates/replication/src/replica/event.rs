//! What a replica link noticed or decided, with its reasons.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use picket_resp::quote;

use super::payload::PayloadSize;
use super::stream::StreamError;
use crate::ReplId;

/// Something that happened on the way to a master. `Display` is the line that Redis logs, where it logs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A connection is being opened.
    Connecting {
        /// Host of the master.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The connection is established; the handshake begins.
    HandshakeStarted,
    /// The master answers.
    PingAnswered,
    /// The master did not like a part of the handshake that does not matter much.
    Tolerated {
        /// What was sent.
        step: HandshakeStep,
        /// Its answer.
        answer: Bytes,
    },
    /// A partial resynchronisation is asked for.
    TryingPartial {
        /// The history.
        replid: ReplId,
        /// The first byte wanted.
        offset: u64,
    },
    /// Nothing to go on from: everything is asked for.
    NothingCached,
    /// The master does not speak PSYNC: SYNC was sent.
    PsyncUnsupported {
        /// What it answered.
        answer: Bytes,
    },
    /// The master sends a snapshot.
    FullResync {
        /// The history; none if the master named none.
        replid: Option<ReplId>,
        /// Bytes of it that are in the snapshot.
        offset: u64,
    },
    /// The master sends its snapshot over a connection of its own.
    DualChannel,
    /// So much of the stream was stored while the snapshot comes that no more of it is read until that is loaded.
    StoredLimit {
        /// Bytes stored.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// What was stored of the stream while the snapshot came is applied.
    StoredApplied,
    /// The stream goes on.
    PartialResync {
        /// From after this many bytes.
        offset: u64,
    },
    /// The master's history has another name now.
    ReplIdChanged {
        /// The new name.
        replid: ReplId,
    },
    /// The snapshot begins.
    Receiving {
        /// How its end is known.
        size: PayloadSize,
    },
    /// The snapshot has arrived and is being loaded.
    Loading {
        /// Its length.
        bytes: u64,
    },
    /// The snapshot is loaded; the stream follows.
    Synced,
    /// The state of the link was kept: the next PSYNC can be partial.
    Cached {
        /// Bytes applied.
        reploff: u64,
    },
    /// An attempt or a link has ended.
    Failed {
        /// In which state.
        state: LinkState,
        /// Why.
        reason: LinkFailure,
    },
}

/// The states of a link as `ROLE` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkState {
    /// Not a replica.
    None,
    /// Must connect.
    Connect,
    /// The connection is being established.
    Connecting,
    /// From PING to the answer to PSYNC.
    Handshake,
    /// The snapshot is being received or loaded.
    Sync,
    /// The stream is followed.
    Connected,
}

/// One command of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandshakeStep {
    /// `PING`.
    Ping,
    /// `AUTH`.
    Auth,
    /// `REPLCONF listening-port`.
    ListeningPort,
    /// `REPLCONF ip-address`.
    IpAddress,
    /// `REPLCONF capa`.
    Capa,
    /// `REPLCONF version`, for Valkey.
    Version,
    /// `PSYNC`.
    Psync,
    /// `REPLCONF rdb-channel`, on the connection of the snapshot.
    RdbChannel,
    /// `REPLCONF set-rdb-client-id`, on the main connection.
    RdbClientId,
}

/// Why an attempt or a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFailure {
    /// No connection; the words of the operating system.
    ConnectFailed(String),
    /// The connection ended; the words of the operating system.
    Lost(String),
    /// The master answered this to PING or AUTH.
    Refused {
        /// What was sent.
        step: HandshakeStep,
        /// The answer.
        answer: Bytes,
    },
    /// The master cannot serve PSYNC at the moment.
    Transient {
        /// Its answer.
        answer: Bytes,
    },
    /// A planned failover was refused.
    FailoverRejected {
        /// The answer.
        answer: Bytes,
    },
    /// A line of the handshake is longer than any line should be.
    LineTooLong,
    /// A line was begun and not ended within five seconds.
    LineTimeout,
    /// No connection or no answer within repl-timeout.
    HandshakeTimeout,
    /// No byte of the snapshot within repl-timeout.
    TransferTimeout,
    /// Neither data nor PING within repl-timeout.
    MasterTimeout,
    /// The master sent an error where the snapshot should begin.
    TransferAborted {
        /// Its words.
        message: Bytes,
    },
    /// What stands where the snapshot should begin is no header.
    BadHeader {
        /// What stands there.
        header: Bytes,
    },
    /// The snapshot could not be loaded.
    LoadFailed(String),
    /// The stream has bytes that no master sends.
    Stream(StreamError),
    /// REPLICAOF named another master, or none.
    Replaced,
}

impl LinkState {
    /// The word in `ROLE`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connect => "connect",
            Self::Connecting => "connecting",
            Self::Handshake => "handshake",
            Self::Sync => "sync",
            Self::Connected => "connected",
        }
    }
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for HandshakeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ping => "PING",
            Self::Auth => "AUTH",
            Self::ListeningPort => "REPLCONF listening-port",
            Self::IpAddress => "REPLCONF ip-address",
            Self::Capa => "REPLCONF capa",
            Self::Version => "REPLCONF version",
            Self::Psync => "PSYNC",
            Self::RdbChannel => "REPLCONF rdb-channel",
            Self::RdbClientId => "REPLCONF set-rdb-client-id",
        })
    }
}

impl fmt::Display for LinkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { host, port } => write!(f, "Connecting to MASTER {host}:{port}"),
            Self::HandshakeStarted => f.write_str("Non blocking connect for SYNC fired the event."),
            Self::PingAnswered => f.write_str("Master replied to PING, replication can continue..."),
            Self::Tolerated { step, answer } => {
                write!(f, "(Non critical) Master does not understand {step}: {}", shown(answer))
            }
            Self::TryingPartial { replid, offset } => {
                write!(f, "Trying a partial resynchronization (request {replid}:{offset}).")
            }
            Self::NothingCached => f.write_str("Partial resynchronization not possible (no cached master)"),
            Self::PsyncUnsupported { answer } => {
                write!(f, "Master does not support PSYNC (it answered {}), using SYNC", shown(answer))
            }
            Self::FullResync { replid: Some(replid), offset } => {
                write!(f, "Full resync from master: {replid}:{offset}")
            }
            Self::FullResync { replid: None, .. } => {
                f.write_str("Full resync from a master that named no history: no partial one can follow")
            }
            Self::DualChannel => {
                f.write_str("The master sends its snapshot over a connection of its own (dual-channel sync)")
            }
            Self::StoredLimit { bytes, limit } => write!(
                f,
                "Replication buffer limit reached, stopping buffering. {bytes} bytes are stored, the limit is {limit}"
            ),
            Self::StoredApplied => f.write_str("Successfully streamed replication data into memory"),
            Self::PartialResync { .. } => f.write_str("Successful partial resynchronization with master."),
            Self::ReplIdChanged { replid } => write!(f, "Master replication ID changed to {replid}"),
            Self::Receiving { size: PayloadSize::Bytes(len) } => {
                write!(f, "MASTER <-> REPLICA sync: receiving {len} bytes from master")
            }
            Self::Receiving { size: PayloadSize::UntilMark } => {
                f.write_str("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF")
            }
            Self::Loading { bytes } => {
                write!(f, "MASTER <-> REPLICA sync: Loading DB in memory ({bytes} bytes received)")
            }
            Self::Synced => f.write_str("MASTER <-> REPLICA sync: Finished with success"),
            Self::Cached { reploff } => {
                write!(f, "Caching the disconnected master state. {reploff} bytes applied.")
            }
            Self::Failed { state, reason } => write!(f, "{reason} (in state {state})"),
        }
    }
}

impl fmt::Display for LinkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectFailed(words) => write!(f, "Error condition on socket for SYNC: {words}"),
            Self::Lost(words) => write!(f, "Connection with master lost. {words}"),
            Self::Refused { step: HandshakeStep::Auth, answer } => {
                write!(f, "Unable to AUTH to MASTER: {}", shown(answer))
            }
            Self::Refused { step, answer } => {
                write!(f, "Error reply to {step} from master: {}", shown(answer))
            }
            Self::Transient { answer } => {
                write!(f, "Master is currently unable to PSYNC at this moment: {}", shown(answer))
            }
            Self::FailoverRejected { answer } => {
                write!(f, "PSYNC FAILOVER was refused: {}", shown(answer))
            }
            Self::LineTooLong => f.write_str("Master sent a line without end"),
            Self::LineTimeout => f.write_str("Master began a line and did not end it"),
            Self::HandshakeTimeout => f.write_str("Timeout connecting to the MASTER..."),
            Self::TransferTimeout => f.write_str("Timeout receiving bulk data from MASTER..."),
            Self::MasterTimeout => f.write_str("MASTER timeout: no data nor PING received..."),
            Self::TransferAborted { message } => {
                write!(f, "MASTER aborted replication with an error: {}", shown(message))
            }
            Self::BadHeader { header } => {
                write!(f, "Bad protocol from MASTER, the snapshot does not begin with '$': {}", shown(header))
            }
            Self::LoadFailed(words) => {
                write!(f, "Failed trying to load the MASTER synchronization DB: {words}")
            }
            Self::Stream(error) => write!(f, "Protocol error from master: {error}"),
            Self::Replaced => f.write_str("Another master was chosen"),
        }
    }
}

fn shown(bytes: &Bytes) -> String {
    /// Enough of any answer to see what it is about.
    const SHOWN_LEN: usize = 256;
    quote(&bytes[..bytes.len().min(SHOWN_LEN)])
}
