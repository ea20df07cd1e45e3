//! `maxmemory`: what counts, and what has to go (`evict.c: performEvictions`).

use super::Node;

/// How many keys one request may have to make room for; the rest goes with the next ones.
const EVICTIONS_MAX: usize = 1000;

impl Node {
    /// What counts as used: the data with all that is kept beside it, connections and the backlog.
    pub(super) fn used_memory(&self) -> u64 {
        self.keyspace.used_memory() + self.memory_not_counted_for_evict()
    }

    pub(super) fn backlog_memory(&self) -> u64 {
        self.side.backlog().map_or(0, |backlog| backlog.memory().total())
    }

    /// Differs from Redis, which counts the backlog and ordinary clients: no data goes for what replicas need, nor for
    /// what a client is about to send, which its own limits bound and which is gone in a moment. What is stored of a
    /// master's stream while its snapshot is loaded is of that kind as well.
    pub(super) fn memory_not_counted_for_evict(&self) -> u64 {
        let clients = self.server.clients_memory();
        self.backlog_memory() + clients.normal + clients.replicas + self.link.stored_bytes()
    }

    /// Makes room according to `maxmemory-policy`. False if more is used than allowed and nothing can go.
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
