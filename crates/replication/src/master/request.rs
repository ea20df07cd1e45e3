//! What replicas asked for and what they got, the last of them: the same facts as in the log, as data.

use core::fmt;

use bytes::Bytes;
use picket_sansio::Time;

use super::MasterSide;
use super::event::MasterEvent;
use super::replica::ReplicaAddr;
use crate::PsyncReason;

/// How many are remembered.
const REQUESTS_MAX: usize = 16;

/// A synchronisation that a replica asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRequest {
    /// When.
    pub at: Time,
    /// Who.
    pub replica: ReplicaAddr,
    /// What it said.
    pub question: SyncQuestion,
    /// What was decided.
    pub decision: SyncDecision,
}

/// How a replica asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncQuestion {
    /// `SYNC`: for everything.
    Sync,
    /// `PSYNC`.
    Psync {
        /// The history it knows, or `?`; shortened if it is longer than any can be.
        replid: Bytes,
        /// The first byte it wants; none if that is no number.
        offset: Option<i64>,
    },
}

/// What a replica got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncDecision {
    /// The stream goes on.
    Partial {
        /// With the byte of this offset.
        from: u64,
        /// Why it can.
        reason: PsyncReason,
    },
    /// A snapshot, then the stream.
    Full {
        /// Why it needs one.
        reason: PsyncReason,
    },
    /// A snapshot over a connection of its own, while the stream comes over this one.
    DualChannel {
        /// Why it needs one.
        reason: PsyncReason,
    },
    /// An error.
    Refused {
        /// The error.
        error: &'static str,
    },
}

impl MasterSide {
    /// Notes and tells what was decided.
    pub(super) fn decided(&mut self, replica: ReplicaAddr, question: SyncQuestion, decision: SyncDecision) {
        let told = replica.clone();
        let event = match &decision {
            SyncDecision::Partial { from, reason } => {
                Some(MasterEvent::PartialAccepted { replica: told, from: *from, reason: reason.clone() })
            }
            SyncDecision::Full { reason } => {
                Some(MasterEvent::FullNeeded { replica: told, reason: reason.clone() })
            }
            SyncDecision::DualChannel { reason } => {
                Some(MasterEvent::DualChannel { replica: told, reason: reason.clone() })
            }
            SyncDecision::Refused { .. } => None,
        };
        if let Some(event) = event {
            self.event(event);
        }
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(SyncRequest { at: self.now, replica, question, decision });
    }
}

impl fmt::Display for SyncQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => f.write_str("SYNC"),
            Self::Psync { replid, offset: Some(offset) } => {
                write!(f, "PSYNC {} {offset}", replid.escape_ascii())
            }
            Self::Psync { replid, offset: None } => write!(f, "PSYNC {} (no number)", replid.escape_ascii()),
        }
    }
}

impl fmt::Display for SyncDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial { from, reason } => write!(f, "partial from offset {from}: {reason}"),
            Self::Full { reason } => write!(f, "full: {reason}"),
            Self::DualChannel { reason } => write!(f, "full over two connections: {reason}"),
            Self::Refused { error } => write!(f, "refused: {error}"),
        }
    }
}
