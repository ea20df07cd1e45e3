//! Which stream the bytes belong to, and how far it has come: `replid`, `replid2`, the offsets.
//!
//! Every event that changes a history, or that must not, is a function here with the whole of its
//! consequences as its result, so that no caller has to know the rules (`replication.c: changeReplicationId,
//! shiftReplicationId, replicationCacheMasterUsingMyself, replicationDiscardCachedMaster`).

use core::fmt;

use crate::ReplId;

/// The name and the length of the stream that a node produces or applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// `master_replid`: the current history.
    pub replid: ReplId,
    /// `master_replid2`: the history before the last promotion, still served up to `second_repl_offset`.
    pub replid2: ReplId,
    /// `master_repl_offset`: bytes produced or applied.
    pub master_repl_offset: u64,
    /// The first offset that `replid2` does not have; none if there is no such history.
    pub second_repl_offset: Option<u64>,
}

/// Where a replica would go on: what `PSYNC` asks for is `replid` and `reploff + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedMaster {
    /// The history.
    pub replid: ReplId,
    /// Bytes of it that are applied.
    pub reploff: u64,
    /// The database that the stream had selected there.
    pub db: u32,
}

/// What an event means beyond the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// For the backlog.
    pub backlog: BacklogEffect,
    /// For replicas attached to this node.
    pub sub_replicas: SubReplicas,
    /// For the cached master.
    pub cached_master: CachedMasterEffect,
}

/// What becomes of the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogEffect {
    /// It stays as it is, also if there is none.
    Keep,
    /// It stays; if there is none, an empty one begins after the current offset.
    KeepOrCreate,
    /// An empty one begins after the current offset.
    CreateEmpty,
    /// It goes.
    Free,
}

/// What becomes of the replicas that are attached to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubReplicas {
    /// They stay.
    Keep,
    /// They are disconnected, and come back with the id they know.
    Disconnect,
}

/// What becomes of the cached master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachedMasterEffect {
    /// It stays as it is.
    Keep,
    /// It becomes this.
    Set(CachedMaster),
    /// It goes: the next PSYNC asks for everything.
    Drop,
}

impl Effects {
    const NONE: Self = Self {
        backlog: BacklogEffect::Keep,
        sub_replicas: SubReplicas::Keep,
        cached_master: CachedMasterEffect::Keep,
    };
}

impl History {
    /// Start without usable RDB fields, or with AOF on.
    #[must_use]
    pub fn start(new: ReplId) -> Self {
        Self { replid: new, replid2: ReplId::NONE, master_repl_offset: 0, second_repl_offset: None }
    }

    /// Start as a replica from an RDB with `repl-id`, `repl-offset` and `repl-stream-db`: the first PSYNC is
    /// partial. There is no backlog before +CONTINUE.
    #[must_use]
    pub fn start_as_replica(saved: CachedMaster) -> (Self, Effects) {
        let history = Self { master_repl_offset: saved.reploff, ..Self::start(saved.replid) };
        (history, Effects { cached_master: CachedMasterEffect::Set(saved), ..Effects::NONE })
    }

    /// Start as a master from such an RDB: the former history is served, the offset goes on. DELs for keys that
    /// were found expired while loading go into the new backlog as any other command does.
    #[must_use]
    pub fn start_as_master(new: ReplId, saved: CachedMaster) -> (Self, Effects) {
        let history = Self {
            replid: new,
            replid2: saved.replid,
            master_repl_offset: saved.reploff,
            second_repl_offset: Some(saved.reploff + 1),
        };
        (history, Effects { backlog: BacklogEffect::CreateEmpty, ..Effects::NONE })
    }

    /// A replica attaches to a master that has no backlog: nobody can have any earlier byte, so the history
    /// starts anew.
    pub fn on_first_replica(&mut self, new: ReplId) -> Effects {
        self.replace(new);
        Effects { backlog: BacklogEffect::CreateEmpty, ..Effects::NONE }
    }

    /// `repl-backlog-ttl` passed on a master without replicas.
    pub fn on_backlog_expired(&mut self, new: ReplId) -> Effects {
        self.replace(new);
        Effects { backlog: BacklogEffect::Free, ..Effects::NONE }
    }

    /// A replica is about to replace its data by its master's snapshot.
    #[must_use]
    pub fn on_full_sync_load(&self) -> Effects {
        Effects {
            backlog: BacklogEffect::Free,
            sub_replicas: SubReplicas::Disconnect,
            cached_master: CachedMasterEffect::Drop,
        }
    }

    /// A replica has loaded its master's snapshot.
    pub fn on_full_sync_done(&mut self, replid: ReplId, offset: u64) -> Effects {
        self.replace(replid);
        self.master_repl_offset = offset;
        Effects { backlog: BacklogEffect::CreateEmpty, ..Effects::NONE }
    }

    /// `+CONTINUE`; `replid` is the id in it, if one was told.
    pub fn on_continue(&mut self, replid: Option<ReplId>) -> Effects {
        let mut effects = Effects { backlog: BacklogEffect::KeepOrCreate, ..Effects::NONE };
        if let Some(replid) = replid.filter(|replid| *replid != self.replid) {
            self.shift(replid);
            effects.sub_replicas = SubReplicas::Disconnect;
        }
        effects
    }

    /// A replica becomes a master: `REPLICAOF NO ONE`, or `PSYNC … FAILOVER` was accepted.
    pub fn on_promotion(&mut self, new: ReplId) -> Effects {
        self.shift(new);
        Effects {
            sub_replicas: SubReplicas::Disconnect,
            cached_master: CachedMasterEffect::Drop,
            backlog: BacklogEffect::Keep,
        }
    }

    /// `REPLICAOF h p` on a master: it asks its new master to go on from its own history. `stream_db` is what
    /// its own stream had selected.
    #[must_use]
    pub fn on_demotion(&self, stream_db: u32) -> Effects {
        let cached = CachedMaster { replid: self.replid, reploff: self.master_repl_offset, db: stream_db };
        Effects { cached_master: CachedMasterEffect::Set(cached), ..Effects::NONE }
    }

    /// `REPLICAOF other h p` on a replica. `link` is the state of the live link, none if a handshake or a
    /// transfer was in progress or nothing at all.
    #[must_use]
    pub fn on_other_master(&self, link: Option<CachedMaster>) -> Effects {
        Self::cache(link)
    }

    /// An established link was lost; `link` is its state.
    #[must_use]
    pub fn on_link_lost(&self, link: Option<CachedMaster>) -> Effects {
        Self::cache(link)
    }

    /// The link was closed because of what came over it: what was applied cannot be trusted to be a prefix of
    /// the stream.
    #[must_use]
    pub fn on_protocol_error(&self) -> Effects {
        Effects { cached_master: CachedMasterEffect::Drop, ..Effects::NONE }
    }

    fn cache(link: Option<CachedMaster>) -> Effects {
        let cached_master = link.map_or(CachedMasterEffect::Keep, CachedMasterEffect::Set);
        Effects { cached_master, ..Effects::NONE }
    }

    /// A history of which nothing is shared with the former one (`changeReplicationId, clearReplicationId2`).
    fn replace(&mut self, replid: ReplId) {
        self.replid = replid;
        self.replid2 = ReplId::NONE;
        self.second_repl_offset = None;
    }

    /// A history that shares all bytes so far with the former one (`shiftReplicationId`).
    fn shift(&mut self, replid: ReplId) {
        self.replid2 = self.replid;
        self.second_repl_offset = Some(self.master_repl_offset + 1);
        self.replid = replid;
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.replid, self.master_repl_offset)?;
        match self.second_repl_offset {
            Some(second) => write!(f, " {}:{second}", self.replid2),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: ReplId = ReplId::filled(b'a');
    const OLDER: ReplId = ReplId::filled(b'b');
    const NEW: ReplId = ReplId::filled(b'c');

    /// A replica that was promoted once before.
    fn history() -> History {
        History { replid: OLD, replid2: OLDER, master_repl_offset: 500, second_repl_offset: Some(301) }
    }

    fn link() -> CachedMaster {
        CachedMaster { replid: OLD, reploff: 480, db: 3 }
    }

    #[track_caller]
    fn check(
        run: impl FnOnce(&mut History) -> Effects,
        ids: (ReplId, ReplId, Option<u64>),
        offset: u64,
        backlog: BacklogEffect,
        sub_replicas: SubReplicas,
        cached_master: CachedMasterEffect,
    ) {
        let mut history = history();
        let effects = run(&mut history);
        assert_eq!((history.replid, history.replid2, history.second_repl_offset), ids);
        assert_eq!(history.master_repl_offset, offset);
        assert_eq!(effects, Effects { backlog, sub_replicas, cached_master });
    }

    #[test]
    fn every_row_of_the_table() {
        use BacklogEffect as Backlog;
        use CachedMasterEffect as Cached;
        let kept = (OLD, OLDER, Some(301));
        let fresh = (NEW, ReplId::NONE, None);
        let shifted = (NEW, OLD, Some(501));
        let stay = SubReplicas::Keep;
        let leave = SubReplicas::Disconnect;

        check(|h| h.on_first_replica(NEW), fresh, 500, Backlog::CreateEmpty, stay, Cached::Keep);
        check(|h| h.on_backlog_expired(NEW), fresh, 500, Backlog::Free, stay, Cached::Keep);
        check(|h| h.on_full_sync_load(), kept, 500, Backlog::Free, leave, Cached::Drop);
        check(|h| h.on_full_sync_done(NEW, 9), fresh, 9, Backlog::CreateEmpty, stay, Cached::Keep);
        check(|h| h.on_continue(None), kept, 500, Backlog::KeepOrCreate, stay, Cached::Keep);
        check(|h| h.on_continue(Some(OLD)), kept, 500, Backlog::KeepOrCreate, stay, Cached::Keep);
        check(|h| h.on_continue(Some(NEW)), shifted, 500, Backlog::KeepOrCreate, leave, Cached::Keep);
        check(|h| h.on_promotion(NEW), shifted, 500, Backlog::Keep, leave, Cached::Drop);
        let own = CachedMaster { replid: OLD, reploff: 500, db: 7 };
        check(|h| h.on_demotion(7), kept, 500, Backlog::Keep, stay, Cached::Set(own));
        check(|h| h.on_other_master(Some(link())), kept, 500, Backlog::Keep, stay, Cached::Set(link()));
        check(|h| h.on_other_master(None), kept, 500, Backlog::Keep, stay, Cached::Keep);
        check(|h| h.on_link_lost(Some(link())), kept, 500, Backlog::Keep, stay, Cached::Set(link()));
        check(|h| h.on_protocol_error(), kept, 500, Backlog::Keep, stay, Cached::Drop);
    }

    #[test]
    fn every_kind_of_start() {
        let fresh =
            History { replid: NEW, replid2: ReplId::NONE, master_repl_offset: 0, second_repl_offset: None };
        assert_eq!(History::start(NEW), fresh);

        let (history, effects) = History::start_as_replica(link());
        assert_eq!(history, History { replid: OLD, master_repl_offset: 480, ..fresh });
        assert_eq!(effects.cached_master, CachedMasterEffect::Set(link()));
        assert_eq!(effects.backlog, BacklogEffect::Keep);

        let (history, effects) = History::start_as_master(NEW, link());
        let expected =
            History { replid: NEW, replid2: OLD, master_repl_offset: 480, second_repl_offset: Some(481) };
        assert_eq!(history, expected);
        assert_eq!(effects.backlog, BacklogEffect::CreateEmpty);
    }
}
