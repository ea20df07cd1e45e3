//! Directives that concern the master side, under their names in `redis.conf`.

use picket_sansio::Millis;

/// Settings of the master side; every one may change at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasterSettings {
    /// `repl-backlog-size`, in bytes.
    pub repl_backlog_size: u64,
    /// `repl-backlog-ttl`; zero keeps the backlog for ever.
    pub repl_backlog_ttl: Millis,
    /// `repl-timeout`.
    pub repl_timeout: Millis,
    /// `repl-ping-replica-period`, in seconds.
    pub repl_ping_replica_period: u64,
    /// `repl-diskless-sync`.
    pub repl_diskless_sync: bool,
    /// `repl-diskless-sync-delay`.
    pub repl_diskless_sync_delay: Millis,
    /// `repl-diskless-sync-max-replicas`; zero waits for the delay however many there are.
    pub repl_diskless_sync_max_replicas: u64,
    /// `min-replicas-to-write`.
    pub min_replicas_to_write: u64,
    /// `min-replicas-max-lag`, in seconds.
    pub min_replicas_max_lag: u64,
    /// `client-output-buffer-limit replica`.
    pub output_limit: ReplicaOutputLimit,
    /// `dual-channel-replication-enabled`: replicas that can may get their snapshots over connections of their own.
    pub dual_channel: bool,
    /// Whether `save` points are configured: a disk snapshot that no replica waits for any more is then useful
    /// all the same.
    pub has_save_points: bool,
}

/// `client-output-buffer-limit replica <hard> <soft> <soft seconds>`; zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaOutputLimit {
    /// Bytes above which a replica is closed at once. In effect never less than the backlog's size.
    pub hard_bytes: u64,
    /// Bytes above which a replica is closed when it stays there.
    pub soft_bytes: u64,
    /// For how long it may stay there.
    pub soft_span: Millis,
}

impl Default for MasterSettings {
    fn default() -> Self {
        Self {
            repl_backlog_size: 1 << 20,
            repl_backlog_ttl: Millis(3_600_000),
            repl_timeout: Millis(60_000),
            repl_ping_replica_period: 10,
            repl_diskless_sync: true,
            repl_diskless_sync_delay: Millis(5000),
            repl_diskless_sync_max_replicas: 0,
            min_replicas_to_write: 0,
            min_replicas_max_lag: 10,
            output_limit: ReplicaOutputLimit {
                hard_bytes: 256 << 20,
                soft_bytes: 64 << 20,
                soft_span: Millis(60_000),
            },
            dual_channel: false,
            has_save_points: false,
        }
    }
}

impl MasterSettings {
    /// Whether `min-replicas-to-write` is in effect.
    pub(crate) fn needs_good_replicas(&self) -> bool {
        self.min_replicas_to_write > 0 && self.min_replicas_max_lag > 0
    }
}

impl ReplicaOutputLimit {
    /// The hard limit in effect: below the backlog's size it would cut replicas that a partial
    /// resynchronisation would give the very same bytes.
    pub(crate) fn hard_in_effect(&self, backlog_size: u64) -> u64 {
        if self.hard_bytes == 0 { u64::MAX } else { self.hard_bytes.max(backlog_size) }
    }
}
