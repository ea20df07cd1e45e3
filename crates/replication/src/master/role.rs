//! Changes of this node's own role, as far as its replicas are concerned.

use super::MasterSide;
use super::event::{DisconnectReason, MasterEvent};
use super::failover::{Failover, FailoverAbort};
use super::io::MasterOutput;
use super::status::NodeRole;
use crate::{Backlog, BacklogEffect, CachedMasterEffect, Effects, Pin, ReplId, SubReplicas};

impl MasterSide {
    /// `REPLICAOF h p`.
    pub(super) fn on_demoted(&mut self) {
        if self.failover != Failover::None {
            self.abort_failover(FailoverAbort::RoleChanged);
        }
        let was_master = self.role == NodeRole::Master;
        self.role = NodeRole::Replica { link_up: false };
        self.waits.clear();
        if was_master {
            // Everything produced so far is what the replicas follow; they get it before anything of the new
            // master's.
            self.flush();
            let effects = self.history.on_demotion(self.stream_db.unwrap_or(0));
            self.apply(effects);
        }
    }

    /// `REPLICAOF NO ONE`, or a planned failover that made this node a master.
    pub(super) fn on_promoted(&mut self) {
        if self.role == NodeRole::Master {
            return;
        }
        if self.failover != Failover::None {
            self.abort_failover(FailoverAbort::RoleChanged);
        }
        self.role = NodeRole::Master;
        let replid = self.new_replid();
        let effects = self.history.on_promotion(replid);
        self.event(MasterEvent::HistoryShifted {
            replid2: self.history.replid2,
            second_repl_offset: self.history.second_repl_offset.unwrap_or(0),
            replid,
        });
        self.stream_db = None;
        self.no_replicas_since = self.now;
        self.apply(effects);
        self.recount_good_replicas();
    }

    pub(super) fn on_link(&mut self, up: bool) {
        if let NodeRole::Replica { link_up } = &mut self.role {
            *link_up = up;
        }
    }

    pub(super) fn on_full_sync_load(&mut self) {
        let effects = self.history.on_full_sync_load();
        self.apply(effects);
    }

    pub(super) fn on_full_synced(&mut self, origin: Option<(ReplId, u64)>) {
        self.disconnect_all(&DisconnectReason::HistoryChanged);
        // A master that names no history gives nothing that could be continued: it gets a name of our own.
        let (replid, offset) = match origin {
            Some(origin) => origin,
            None => (self.new_replid(), 0),
        };
        let effects = self.history.on_full_sync_done(replid, offset);
        self.apply(effects);
        self.on_link(true);
    }

    pub(super) fn on_continued(&mut self, replid: Option<ReplId>) {
        let effects = self.history.on_continue(replid);
        self.apply(effects);
        self.on_link(true);
    }

    fn apply(&mut self, effects: Effects) {
        let Effects { backlog, sub_replicas, cached_master } = effects;
        if sub_replicas == SubReplicas::Disconnect {
            self.disconnect_all(&DisconnectReason::HistoryChanged);
        }
        self.apply_backlog(backlog);
        match cached_master {
            CachedMasterEffect::Keep => {}
            CachedMasterEffect::Set(cached) => {
                self.outputs.push_back(MasterOutput::CachedMaster(Some(cached)));
            }
            CachedMasterEffect::Drop => self.outputs.push_back(MasterOutput::CachedMaster(None)),
        }
    }

    pub(super) fn apply_backlog(&mut self, effect: BacklogEffect) {
        let size = self.settings.repl_backlog_size;
        let offset = self.history.master_repl_offset;
        match effect {
            BacklogEffect::Keep => return,
            BacklogEffect::KeepOrCreate if self.backlog.is_some() => return,
            BacklogEffect::KeepOrCreate | BacklogEffect::CreateEmpty => {
                self.backlog = Some(Backlog::new(size, offset));
            }
            BacklogEffect::Free => self.backlog = None,
        }
        self.stream_db = None;
        if let Some(backlog) = &mut self.backlog {
            for (conn, replica) in &self.replicas {
                if let Some(cursor) = replica.cursor {
                    backlog.pin(Pin(conn.0), cursor);
                }
            }
        }
    }
}
