//! `maxmemory`: what counts, and what has to go (`evict.c: performEvictions`).

use super::Node;

/// How many keys one request may have to make room for; the rest goes with the next ones.
const EVICTIONS_MAX: usize = 1000;

impl Node {
    /// What counts as used: the data and the backlog.
    pub(super) fn used_memory(&self) -> u64 {
        let backlog = self.side.backlog().map_or(0, |backlog| backlog.memory().total());
        self.keyspace.used_memory() + backlog
    }

    /// Makes room according to `maxmemory-policy`. False if more is used than allowed and nothing can go. The backlog
    /// is for replicas and makes no data go.
    pub(super) fn evict(&mut self) -> bool {
        let max = self.live.maxmemory;
        let is_masters_business = !self.is_master() && self.live.replica_ignore_maxmemory;
        if max == 0 || is_masters_business || self.server.is_holding_writes() {
            return true;
        }
        for _ in 0..EVICTIONS_MAX {
            if self.keyspace.used_memory() <= max {
                return true;
            }
            let Some(effect) = self.keyspace.evict_one(self.now_ms()) else { return false };
            self.propagate(alloc::vec![effect], true);
        }
        true
    }
}
