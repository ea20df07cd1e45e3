//! What a node noticed or decided. `Display` is the line that Redis logs, where it logs one.

use alloc::string::String;
use core::fmt;

use picket_replication::{LinkEvent, LinkFailure, MasterEvent};
use picket_sansio::ClientId;
use picket_server_core::{CloseReason, LogLevel};

/// Something that happened to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// On the way to the master.
    Link(LinkEvent),
    /// Between this node and its replicas.
    Master(MasterEvent),
    /// The data is loaded, or there was none: clients are served.
    Ready,
    /// A client was disconnected by us.
    ClientClosed {
        /// Which.
        client: ClientId,
        /// Why.
        reason: CloseReason,
    },
    /// A message without data of its own.
    Note {
        /// How important it is.
        level: LogLevel,
        /// The line.
        text: String,
    },
}

impl NodeEvent {
    /// The level at which Redis logs such a thing.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        match self {
            Self::Link(LinkEvent::Failed { reason, .. }) => match reason {
                LinkFailure::Replaced => LogLevel::Notice,
                _ => LogLevel::Warning,
            },
            Self::Link(_) | Self::Master(_) | Self::Ready => LogLevel::Notice,
            Self::ClientClosed { .. } => LogLevel::Verbose,
            Self::Note { level, .. } => *level,
        }
    }
}

impl fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(event) => event.fmt(f),
            Self::Master(event) => event.fmt(f),
            Self::Ready => f.write_str("Ready to accept connections"),
            Self::ClientClosed { client, reason } => write!(f, "Closed {client}: {reason}"),
            Self::Note { text, .. } => f.write_str(text),
        }
    }
}
