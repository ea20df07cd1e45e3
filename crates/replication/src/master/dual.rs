//! Dual-channel sync of Valkey: a replica gets its snapshot over a connection of its own, and then asks on its main one
//! for the stream from the snapshot on (Valkey's `replication.c: sendCurrentOffsetToReplica,
//! addRdbReplicaToPsyncWait`). Between the two the backlog keeps what the replica will ask for.

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::{ClientId, Millis, Time};

use super::MasterSide;
use super::event::{DisconnectReason, MasterEvent};
use super::io::MasterOutput;
use crate::Pin;

/// How long the backlog is kept for a replica that has its snapshot.
const GRACE: Millis = Millis(60_000);

/// A connection over which a snapshot goes, or went, whose replica has not asked for the stream yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PsyncWaiting {
    /// The first byte that will be asked for.
    from: u64,
    /// Since when the snapshot is sent and its connection closed.
    sent_since: Option<Time>,
}

impl MasterSide {
    /// A snapshot of this offset begins on a connection of its own.
    pub(super) fn begin_rdb_channel(&mut self, conn: ClientId, offset: u64, db: u32) {
        let from = offset + 1;
        self.pin(conn, from);
        self.psync_waiting.insert(conn, PsyncWaiting { from, sent_since: None });
        let (replid, id) = (self.history.replid, conn.0);
        let bytes = Bytes::from(format!("$ENDOFF:{offset} {replid} {db} {id}\r\n"));
        self.outputs.push_back(MasterOutput::Send { conn, bytes });
    }

    /// Its snapshot is sent: the connection ends, and what was kept for its replica stays for a while.
    pub(super) fn rdb_channel_sent(&mut self, conn: ClientId) {
        let now = self.now;
        if let Some(waiting) = self.psync_waiting.get_mut(&conn) {
            waiting.sent_since = Some(now);
        }
    }

    /// A connection is no replica any more. Without a whole snapshot nobody will ask for what was kept.
    pub(super) fn rdb_channel_ended(&mut self, conn: ClientId) {
        if self.psync_waiting.get(&conn).is_none_or(|waiting| waiting.sent_since.is_none()) {
            self.forget_rdb_client(conn);
        }
    }

    /// Nothing is kept in this name any more.
    pub(super) fn forget_rdb_client(&mut self, conn: ClientId) {
        self.psync_waiting.remove(&conn);
        if let Some(backlog) = &mut self.backlog {
            backlog.unpin(Pin(conn.0));
        }
        if self.replicas.is_empty() && self.psync_waiting.is_empty() {
            self.no_replicas_since = self.now;
        }
    }

    pub(super) fn forget_rdb_clients(&mut self) {
        while let Some((&conn, _)) = self.psync_waiting.first_key_value() {
            self.forget_rdb_client(conn);
        }
    }

    /// When the oldest of those whose snapshot is sent has been waited for long enough.
    pub(super) fn grace_at(&self) -> Option<Time> {
        self.psync_waiting.values().filter_map(|waiting| waiting.sent_since).min().map(|since| since + GRACE)
    }

    pub(super) fn on_grace(&mut self) {
        let now = self.now;
        let is_over = |since: Time| since + GRACE <= now;
        let over: Vec<ClientId> = self
            .psync_waiting
            .iter()
            .filter(|(_, waiting)| waiting.sent_since.is_some_and(is_over))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in over {
            self.event(MasterEvent::PsyncNeverCame { rdb_client: conn, after: GRACE });
            self.forget_rdb_client(conn);
        }
    }

    /// Ends the wait for those for whom more is kept than a replica may have pending.
    ///
    /// Only the hard limit counts: until the main connection asks, what is kept grows with every write, which is no
    /// sign of a slow replica.
    pub(super) fn check_kept_limit(&mut self, end: u64, hard: u64) {
        let over: Vec<(ClientId, u64)> = self
            .psync_waiting
            .iter()
            .map(|(conn, waiting)| (*conn, end.saturating_sub(waiting.from)))
            .filter(|(_, pending)| *pending > hard)
            .collect();
        for (conn, pending) in over {
            self.disconnect(conn, DisconnectReason::OutputLimit { pending, limit: hard });
            self.forget_rdb_client(conn);
        }
    }
}
