//! One attached replica, and what a connection has told about itself before it became one.

use alloc::string::{String, ToString as _};
use core::fmt;

use bytes::Bytes;
use picket_sansio::{ClientId, Time};

use super::snapshot::{SnapshotFilter, SnapshotId};

/// What REPLCONF told on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) listening_port: u64,
    pub(crate) ip_address: Option<Bytes>,
    pub(crate) eof: bool,
    pub(crate) psync2: bool,
    pub(crate) rdb_only: bool,
    /// It can take its snapshot over another connection.
    pub(crate) dual_channel: bool,
    /// It is that other connection.
    pub(crate) rdb_channel: bool,
    /// The other connection of this one.
    pub(crate) rdb_client: Option<ClientId>,
    pub(crate) filter: SnapshotFilter,
}

/// An attached replica.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) asker: Asker,
    pub(crate) peer_ip: String,
    pub(crate) state: ReplicaState,
    /// It came with SYNC: it never acknowledges, and is not timed out for it.
    pub(crate) pre_psync: bool,
    /// The next byte of the stream that it gets, once its snapshot has begun.
    pub(crate) cursor: Option<u64>,
    /// Bytes that its connection takes at the moment.
    pub(crate) budget: u64,
    /// It has acknowledged something since it came.
    pub(crate) has_acked: bool,
    pub(crate) ack: u64,
    pub(crate) fack: u64,
    pub(crate) ack_time: Time,
    /// Since when it is above the soft output limit.
    pub(crate) soft_since: Option<Time>,
}

/// Where a replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaState {
    /// It waits for a snapshot to begin.
    WaitStart { since: Time },
    /// It waits for a snapshot to be on disk.
    WaitEnd { snapshot: SnapshotId },
    /// It is sent a snapshot.
    Transfer { snapshot: SnapshotId, sent: u64, progress: Time, reading: bool },
    /// It is sent the stream while it still loads the snapshot that it gets over another connection.
    BgTransfer,
    /// It has its snapshot. `held`: the stream waits for an ACK that says that it is loaded.
    Online { held: bool },
}

impl Asker {
    /// Whether it wants a snapshot and no stream.
    pub(crate) fn wants_snapshot_only(&self) -> bool {
        self.rdb_only || self.rdb_channel
    }

    /// What it announced, or where its connection comes from.
    pub(crate) fn addr(&self, peer_ip: &str) -> ReplicaAddr {
        let ip = match &self.ip_address {
            Some(ip) => ip.escape_ascii().to_string(),
            None => peer_ip.to_string(),
        };
        ReplicaAddr { ip, port: self.listening_port }
    }
}

impl Replica {
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.state, ReplicaState::Online { .. })
    }

    /// The snapshot that it gets.
    pub(crate) fn snapshot(&self) -> Option<SnapshotId> {
        match self.state {
            ReplicaState::WaitEnd { snapshot } | ReplicaState::Transfer { snapshot, .. } => Some(snapshot),
            ReplicaState::WaitStart { .. } | ReplicaState::BgTransfer | ReplicaState::Online { .. } => None,
        }
    }

    /// Seconds since its last ACK, as INFO shows them.
    pub(crate) fn lag_seconds(&self, now: Time) -> u64 {
        if self.is_online() { now.since(self.ack_time).0 / 1000 } else { 0 }
    }

    /// The address as INFO and ROLE show it: announced, or the peer's.
    pub(crate) fn addr(&self) -> ReplicaAddr {
        self.asker.addr(&self.peer_ip)
    }
}

/// A replica as log lines name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaAddr {
    /// Announced address, or the peer's.
    pub ip: String,
    /// Announced port; 0 if it told none.
    pub port: u64,
}

impl fmt::Display for ReplicaAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => write!(f, "{}:<unknown-replica-port>", self.ip),
            port => write!(f, "{}:{port}", self.ip),
        }
    }
}
