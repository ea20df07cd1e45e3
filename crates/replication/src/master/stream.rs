//! The stream: what goes into it, and out of it to each replica (`replication.c: replicationFeedSlaves,
//! feedReplicationBuffer`, `networking.c: closeClientOnOutputBufferLimitReached`).

use alloc::vec::Vec;

use bytes::BytesMut;
use picket_resp::append_command;
use picket_sansio::ClientId;

use super::event::DisconnectReason;
use super::io::MasterOutput;
use super::replica::ReplicaState;
use super::status::NodeRole;
use super::{Failover, MasterSide};
use crate::Pin;

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";
pub(super) const PING: &[u8] = b"*1\r\n$4\r\nping\r\n";
const GETACK: &[u8] = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

/// One command of a unit, in the form in which it belongs into the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagated<'a> {
    /// The database it is about; none for commands that are about none.
    pub db: Option<u32>,
    /// The command as a RESP array.
    pub command: &'a [u8],
}

impl MasterSide {
    /// Appends one unit to the stream: a single command bare, several as a transaction, with the SELECTs that
    /// they need. A master without backlog has no stream, and a replica's stream is its master's: then nothing
    /// happens. Returns the stream's offset after it.
    pub fn propagate(&mut self, unit: &[Propagated<'_>]) -> u64 {
        if self.role == NodeRole::Master && self.backlog.is_some() {
            if unit.len() > 1 {
                self.append(MULTI);
            }
            for command in unit {
                self.select(command.db);
                self.append(command.command);
            }
            if unit.len() > 1 {
                self.append(EXEC);
            }
        }
        self.history.master_repl_offset
    }

    /// Appends bytes that this node, a replica, has applied: its own replicas get them unchanged.
    pub fn append_proxied(&mut self, bytes: &[u8]) {
        match self.backlog {
            Some(_) => self.append(bytes),
            None => self.history.master_repl_offset += bytes.len() as u64,
        }
    }

    fn select(&mut self, db: Option<u32>) {
        let Some(db) = db.filter(|db| self.stream_db != Some(*db)) else { return };
        self.stream_db = Some(db);
        if db < 10 {
            let digit = b'0' + db as u8;
            self.append(&[
                b'*', b'2', b'\r', b'\n', b'$', b'6', b'\r', b'\n', b'S', b'E', b'L', b'E', b'C', b'T',
                b'\r', b'\n', b'$', b'1', b'\r', b'\n', digit, b'\r', b'\n',
            ]);
        } else {
            let mut out = BytesMut::new();
            append_command(&mut out, &["SELECT", &alloc::format!("{db}")]);
            self.append(&out);
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let Some(backlog) = &mut self.backlog else { return };
        self.history.master_repl_offset += bytes.len() as u64;
        if backlog.append(bytes) {
            self.check_output_limits();
        }
    }

    /// Sends what has been appended, once per round.
    pub(super) fn flush(&mut self) {
        let may_ask = self.role == NodeRole::Master && self.failover == Failover::None;
        if self.getack_wanted && may_ask {
            self.getack_wanted = false;
            if !self.replicas.is_empty() {
                self.append(GETACK);
            }
        }
        let conns: Vec<ClientId> = self.replicas.keys().copied().collect();
        for conn in conns {
            self.feed(conn);
        }
        if let Some(backlog) = &mut self.backlog {
            backlog.trim();
        }
    }

    pub(super) fn on_writable(&mut self, conn: ClientId, budget: u64) {
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        replica.budget = budget;
        let snapshot = replica.snapshot();
        self.feed(conn);
        if let Some(snapshot) = snapshot {
            self.continue_snapshot(snapshot);
        }
    }

    /// Sends a replica what it can take of what is meant for it.
    pub(super) fn feed(&mut self, conn: ClientId) {
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        match replica.state {
            ReplicaState::WaitStart { .. } | ReplicaState::WaitEnd { .. } => {}
            ReplicaState::Transfer { .. } => self.feed_transfer(conn),
            ReplicaState::Online { held: true } => {}
            ReplicaState::BgTransfer | ReplicaState::Online { held: false } => {
                let (Some(cursor), Some(backlog)) = (replica.cursor, &mut self.backlog) else { return };
                if replica.budget == 0 || cursor > backlog.stream_offset() {
                    return;
                }
                let mut pieces = Vec::new();
                let Some(count) = backlog.read(cursor, replica.budget, &mut pieces) else {
                    return self.disconnect(conn, DisconnectReason::StreamGone);
                };
                replica.budget -= count;
                replica.cursor = Some(cursor + count);
                backlog.move_pin(Pin(conn.0), cursor + count);
                self.outputs.push_back(MasterOutput::Feed { conn, pieces });
            }
        }
    }

    /// Cuts replicas for which too much waits.
    pub(super) fn check_output_limits(&mut self) {
        let Some(backlog) = &self.backlog else { return };
        let (now, limit) = (self.now, self.settings.output_limit);
        let hard = limit.hard_in_effect(backlog.size());
        let end = backlog.stream_offset() + 1;
        let mut over = Vec::new();
        for (conn, replica) in &mut self.replicas {
            let pending = replica.cursor.map_or(0, |cursor| end.saturating_sub(cursor));
            let above_soft = limit.soft_bytes > 0 && pending > limit.soft_bytes;
            replica.soft_since = above_soft.then(|| replica.soft_since.unwrap_or(now));
            let too_long = replica.soft_since.is_some_and(|since| now.since(since) > limit.soft_span);
            if pending > hard {
                over.push((*conn, DisconnectReason::OutputLimit { pending, limit: hard }));
            } else if too_long {
                over.push((*conn, DisconnectReason::OutputLimit { pending, limit: limit.soft_bytes }));
            }
        }
        for (conn, reason) in over {
            self.disconnect(conn, reason);
        }
        self.check_kept_limit(end, hard);
    }
}
