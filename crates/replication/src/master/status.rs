//! A plain picture of a master side, for ROLE, INFO and interfaces.

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::ClientId;

use super::failover::Failover;
use super::replica::ReplicaState;
use super::{MasterSide, Snapshot, SyncRequest};
use crate::{BacklogMemory, History};

/// Whether a node produces a stream or follows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// It produces one.
    Master,
    /// It follows one.
    Replica {
        /// Its link is connected.
        link_up: bool,
    },
}

/// What a master side is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterStatus {
    /// Its role.
    pub role: NodeRole,
    /// Ids and offsets.
    pub history: History,
    /// `repl-backlog-size`.
    pub repl_backlog_size: u64,
    /// The backlog, if there is one.
    pub backlog: Option<BacklogStatus>,
    /// Attached replicas in the order of their connections.
    pub replicas: Vec<ReplicaStatus>,
    /// Snapshots with connections of their own whose replicas have not asked for the stream yet.
    pub replicas_waiting_psync: u64,
    /// Good replicas, where `min-replicas-to-write` is in effect.
    pub good_replicas: Option<u64>,
    /// The planned failover.
    pub failover: FailoverState,
    /// Counters of INFO stats.
    pub counters: SyncCounters,
    /// What replicas asked for lately and what they got, the oldest first.
    pub requests: Vec<SyncRequest>,
    /// Clients blocked in WAIT.
    pub waiting_clients: u64,
    /// Snapshots being made or sent.
    pub snapshots: u64,
}

/// The backlog in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogStatus {
    /// Offset of its first byte.
    pub first_byte_offset: u64,
    /// Bytes in it.
    pub histlen: u64,
    /// Memory it takes.
    pub memory: BacklogMemory,
}

/// One replica in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Its connection.
    pub conn: ClientId,
    /// Announced address, or the peer's.
    pub ip: String,
    /// Announced port; 0 if it told none.
    pub port: u64,
    /// Its state as INFO names it.
    pub state: ReplicaStatusState,
    /// Which of a replica's connections this is.
    pub kind: ReplicaKind,
    /// The stream is held until it acknowledges its snapshot.
    pub held: bool,
    /// Bytes it has acknowledged.
    pub ack: u64,
    /// Bytes it has acknowledged as being on disk.
    pub fack: u64,
    /// Seconds since its last ACK; 0 unless online.
    pub lag_seconds: u64,
    /// Bytes of the stream that wait for it here.
    pub pending: u64,
}

/// The states of a replica as INFO names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaStatusState {
    /// It waits for a snapshot, or gets a diskless one.
    WaitBgsave,
    /// It is sent a snapshot from disk.
    SendBulk,
    /// It is sent the stream while it loads the snapshot that it gets over another connection.
    BgTransfer,
    /// It has its snapshot.
    Online,
}

/// Which of a replica's connections this is, as Valkey's INFO names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaKind {
    /// The only one.
    Replica,
    /// The one with the stream, while another has the snapshot.
    MainChannel,
    /// The one with the snapshot.
    RdbChannel,
}

impl ReplicaKind {
    /// The word in INFO.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replica => "replica",
            Self::MainChannel => "main-channel",
            Self::RdbChannel => "rdb-channel",
        }
    }
}

impl ReplicaStatusState {
    /// The word in INFO.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WaitBgsave => "wait_bgsave",
            Self::SendBulk => "send_bulk",
            Self::BgTransfer => "bg_transfer",
            Self::Online => "online",
        }
    }
}

/// The planned failover as INFO names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverState {
    /// None.
    NoFailover,
    /// Writes are held back until the target has everything.
    WaitingForSync,
    /// The target was asked to take over.
    FailoverInProgress,
}

impl FailoverState {
    /// The word in INFO.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoFailover => "no-failover",
            Self::WaitingForSync => "waiting-for-sync",
            Self::FailoverInProgress => "failover-in-progress",
        }
    }
}

/// Counters of INFO stats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounters {
    /// `sync_full`.
    pub sync_full: u64,
    /// `sync_partial_ok`.
    pub sync_partial_ok: u64,
    /// `sync_partial_err`.
    pub sync_partial_err: u64,
}

impl MasterSide {
    /// A plain picture of the master side.
    #[must_use]
    pub fn status(&self) -> MasterStatus {
        let end = self.history.master_repl_offset + 1;
        let replicas = self.replicas.iter().map(|(conn, replica)| {
            let addr = replica.addr();
            ReplicaStatus {
                conn: *conn,
                ip: addr.ip,
                port: addr.port,
                state: match &replica.state {
                    ReplicaState::WaitStart { .. } | ReplicaState::WaitEnd { .. } => {
                        ReplicaStatusState::WaitBgsave
                    }
                    ReplicaState::Transfer { snapshot, .. } => {
                        let is_disk = self.snapshots.get(snapshot).is_some_and(Snapshot::is_on_disk);
                        if is_disk { ReplicaStatusState::SendBulk } else { ReplicaStatusState::WaitBgsave }
                    }
                    ReplicaState::BgTransfer => ReplicaStatusState::BgTransfer,
                    ReplicaState::Online { .. } => ReplicaStatusState::Online,
                },
                kind: match &replica.state {
                    _ if replica.asker.rdb_channel => ReplicaKind::RdbChannel,
                    ReplicaState::BgTransfer => ReplicaKind::MainChannel,
                    _ => ReplicaKind::Replica,
                },
                held: replica.state == (ReplicaState::Online { held: true }),
                ack: replica.ack,
                fack: replica.fack,
                lag_seconds: replica.lag_seconds(self.now),
                pending: replica.cursor.map_or(0, |cursor| end.saturating_sub(cursor)),
            }
        });
        MasterStatus {
            role: self.role,
            history: self.history,
            repl_backlog_size: self.settings.repl_backlog_size.max(crate::BACKLOG_SIZE_MIN),
            backlog: self.backlog.as_ref().map(|backlog| BacklogStatus {
                first_byte_offset: backlog.first_byte_offset(),
                histlen: backlog.histlen(),
                memory: backlog.memory(),
            }),
            replicas: replicas.collect(),
            replicas_waiting_psync: self.psync_waiting.len() as u64,
            good_replicas: self.settings.needs_good_replicas().then_some(self.good_replicas),
            failover: match self.failover {
                Failover::None => FailoverState::NoFailover,
                Failover::WaitingForSync { .. } => FailoverState::WaitingForSync,
                Failover::InProgress { .. } => FailoverState::FailoverInProgress,
            },
            counters: self.counters,
            requests: self.requests.iter().cloned().collect(),
            waiting_clients: self.waits.len(),
            snapshots: self.snapshots.len() as u64,
        }
    }
}
