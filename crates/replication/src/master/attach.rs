//! PSYNC and SYNC: how a connection becomes a replica, and how it stops being one.

use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Time};

use super::event::{DisconnectReason, MasterEvent, NewHistoryReason};
use super::io::MasterOutput;
use super::replica::{Asker, Replica, ReplicaAddr, ReplicaState};
use super::request::{SyncDecision, SyncQuestion};
use super::snapshot::SnapshotFilter;
use super::status::NodeRole;
use super::{Failover, MasterSide};
use crate::number::parse_i64;
use crate::{Pin, PsyncAsker, PsyncDecision, PsyncReason, ReplId, decide_psync};

/// How a connection asked.
#[derive(Clone, Copy)]
enum Request<'a> {
    Psync { replid: &'a [u8], offset: Option<i64> },
    Sync,
}

impl Request<'_> {
    fn question(self) -> SyncQuestion {
        match self {
            Self::Sync => SyncQuestion::Sync,
            Self::Psync { replid, offset } => {
                let replid = Bytes::copy_from_slice(&replid[..replid.len().min(ReplId::LEN)]);
                SyncQuestion::Psync { replid, offset }
            }
        }
    }
}

impl MasterSide {
    pub(super) fn on_psync(&mut self, conn: ClientId, peer_ip: String, args: &[Bytes], pending_output: bool) {
        if self.replicas.contains_key(&conn) {
            return;
        }
        let [replid, offset, more @ ..] = args else {
            return self.error(conn, "ERR wrong number of arguments for 'psync' command");
        };
        if more.first().is_some_and(|word| word.eq_ignore_ascii_case(b"FAILOVER")) {
            if self.role == NodeRole::Master {
                return self.error(conn, "ERR PSYNC FAILOVER can't be sent to a master.");
            }
            if !self.history.replid.is_named(replid) {
                return self.error(conn, "ERR PSYNC FAILOVER replid must match my replid.");
            }
            self.event(MasterEvent::FailoverGranted);
            self.outputs.push_back(MasterOutput::Promoted);
            self.on_promoted();
        }
        self.on_request(conn, peer_ip, Request::Psync { replid, offset: parse_i64(offset) }, pending_output);
    }

    pub(super) fn on_sync(&mut self, conn: ClientId, peer_ip: String, pending_output: bool) {
        if !self.replicas.contains_key(&conn) {
            self.on_request(conn, peer_ip, Request::Sync, pending_output);
        }
    }

    /// The checks that PSYNC and SYNC share, in the order in which they answer.
    fn on_request(&mut self, conn: ClientId, peer_ip: String, request: Request<'_>, pending_output: bool) {
        let asker = self.askers.get(&conn).cloned().unwrap_or_default();
        let addr = asker.addr(&peer_ip);
        let question = request.question();
        if let Some(error) = self.refusal(&asker, pending_output) {
            return self.refuse(conn, addr, question, error);
        }
        let mut replica = Replica {
            asker,
            peer_ip,
            state: ReplicaState::WaitStart { since: self.now },
            pre_psync: matches!(request, Request::Sync),
            cursor: None,
            budget: 0,
            has_acked: false,
            ack: 0,
            fack: 0,
            ack_time: self.now,
            soft_since: None,
        };
        self.event(MasterEvent::Asks { replica: addr.clone() });
        let reason = match request {
            Request::Sync => PsyncReason::NothingCached,
            Request::Psync { offset: None, .. } => {
                self.event(MasterEvent::WrongOffset { replica: addr.clone() });
                return self.refuse(conn, addr, question, "ERR value is not an integer or out of range");
            }
            Request::Psync { replid, offset: Some(offset) } => {
                let asks = PsyncAsker { replid, offset, psync2: replica.asker.psync2 };
                let decision = decide_psync(&self.history, self.backlog.as_ref(), asks);
                match decision {
                    PsyncDecision::Continue { from, .. } => {
                        let line = decision.continue_line().expect("the decision is to continue");
                        let reason = decision.reason().clone();
                        let rdb_client = replica.asker.rdb_client;
                        let is_dual = rdb_client.is_some_and(|id| self.psync_waiting.contains_key(&id));
                        replica.state = if is_dual {
                            ReplicaState::BgTransfer
                        } else {
                            ReplicaState::Online { held: false }
                        };
                        self.counters.sync_partial_ok += 1;
                        self.decided(addr, question, SyncDecision::Partial { from, reason });
                        return self.attach_online(conn, replica, from, line);
                    }
                    PsyncDecision::Full { reason } => {
                        if !replid.starts_with(b"?") {
                            self.counters.sync_partial_err += 1;
                        }
                        if replica.asker.dual_channel {
                            self.decided(addr, question, SyncDecision::DualChannel { reason });
                            return self.reply(conn, Reply::simple("DUALCHANNELSYNC"));
                        }
                        reason
                    }
                }
            }
        };
        self.counters.sync_full += 1;
        self.decided(addr, question, SyncDecision::Full { reason });
        self.attach_waiting(conn, replica);
    }

    /// Why nobody, or not this one, can be synchronised at present.
    fn refusal(&self, asker: &Asker, pending_output: bool) -> Option<&'static str> {
        if self.failover != Failover::None {
            return Some("NOMASTERLINK Can't SYNC while failing over");
        }
        if self.role == (NodeRole::Replica { link_up: false }) {
            return Some("NOMASTERLINK Can't SYNC while not connected with my master");
        }
        if pending_output {
            return Some("ERR SYNC and PSYNC are invalid with pending output");
        }
        let needs_eof = asker.filter != SnapshotFilter::Everything || asker.rdb_channel;
        (needs_eof && !asker.eof).then_some("ERR Filtered replica requires EOF capability")
    }

    fn refuse(&mut self, conn: ClientId, addr: ReplicaAddr, question: SyncQuestion, error: &'static str) {
        self.decided(addr, question, SyncDecision::Refused { error });
        self.error(conn, error);
    }

    fn attach_online(&mut self, conn: ClientId, mut replica: Replica, from: u64, line: Bytes) {
        replica.cursor = Some(from);
        self.pin(conn, from);
        // What was kept for it is now kept by itself.
        if let Some(rdb_client) = replica.asker.rdb_client {
            self.forget_rdb_client(rdb_client);
        }
        self.insert(conn, replica);
        self.outputs.push_back(MasterOutput::Send { conn, bytes: line });
        self.recount_good_replicas();
    }

    fn attach_waiting(&mut self, conn: ClientId, replica: Replica) {
        if self.backlog.is_none() && self.replicas.is_empty() {
            let replid = self.new_replid();
            let effects = self.history.on_first_replica(replid);
            self.apply_backlog(effects.backlog);
            self.event(MasterEvent::NewHistory { replid, reason: NewHistoryReason::FirstReplica });
        }
        self.insert(conn, replica);
        self.place_waiting(conn);
    }

    fn insert(&mut self, conn: ClientId, replica: Replica) {
        self.askers.remove(&conn);
        self.replicas.insert(conn, replica);
        self.outputs.push_back(MasterOutput::Attached { conn });
    }

    /// A connection has ended by itself.
    pub(super) fn on_gone(&mut self, conn: ClientId) {
        self.askers.remove(&conn);
        self.waits.remove(conn);
        if let Some(replica) = self.detach(conn) {
            self.event(MasterEvent::Lost { replica });
        }
    }

    /// Closes a replica's connection.
    pub(super) fn disconnect(&mut self, conn: ClientId, reason: DisconnectReason) {
        if let Some(replica) = self.detach(conn) {
            self.event(MasterEvent::Disconnected { replica, reason });
            self.outputs.push_back(MasterOutput::Close { conn });
        }
    }

    pub(super) fn disconnect_all(&mut self, reason: &DisconnectReason) {
        while let Some((&conn, _)) = self.replicas.first_key_value() {
            self.disconnect(conn, reason.clone());
        }
        self.forget_rdb_clients();
    }

    fn detach(&mut self, conn: ClientId) -> Option<ReplicaAddr> {
        let replica = self.replicas.remove(&conn)?;
        self.rdb_channel_ended(conn);
        if self.replicas.is_empty() {
            self.no_replicas_since = self.now;
        }
        self.release_snapshots();
        self.recount_good_replicas();
        Some(replica.addr())
    }

    pub(super) fn pin(&mut self, conn: ClientId, offset: u64) {
        if let Some(backlog) = &mut self.backlog {
            backlog.pin(Pin(conn.0), offset);
        }
    }

    /// Counts the replicas that `min-replicas-to-write` counts.
    pub(super) fn recount_good_replicas(&mut self) {
        let (now, max_lag) = (self.now, self.settings.min_replicas_max_lag);
        let is_good = |replica: &&Replica| replica.is_online() && replica.lag_seconds(now) <= max_lag;
        self.good_replicas = self.replicas.values().filter(is_good).count() as u64;
    }

    /// When the backlog of a master without replicas goes.
    pub(super) fn backlog_ttl_at(&self) -> Option<Time> {
        let ttl = self.settings.repl_backlog_ttl;
        let is_unused = self.replicas.is_empty() && self.psync_waiting.is_empty();
        let may_go = self.role == NodeRole::Master && self.backlog.is_some() && is_unused && ttl.0 > 0;
        may_go.then(|| self.no_replicas_since + ttl)
    }

    pub(super) fn on_backlog_ttl(&mut self) {
        let replid = self.new_replid();
        let effects = self.history.on_backlog_expired(replid);
        self.apply_backlog(effects.backlog);
        self.event(MasterEvent::BacklogFreed { after: self.settings.repl_backlog_ttl });
        self.event(MasterEvent::NewHistory { replid, reason: NewHistoryReason::BacklogFreed });
    }
}
