//! The directives that are looked at all the time, read once when they change.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use picket_replication::{LinkConfig, MasterSettings, ReplicaOutputLimit};
use picket_sansio::Millis;
use picket_server_core::{ClientClass, Settings};

use crate::settings::{MaxmemoryPolicy, Settings as KeyspaceSettings};

/// The directives in the form in which the parts of a node want them.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) keyspace: KeyspaceSettings,
    pub(super) master: MasterSettings,
    pub(super) link: LinkConfig,
    pub(super) replica_read_only: bool,
    pub(super) replica_serve_stale_data: bool,
    pub(super) replica_ignore_maxmemory: bool,
    pub(super) stop_writes_on_bgsave_error: bool,
    pub(super) diskless_load: DisklessLoad,
    pub(super) save_points: Vec<SavePoint>,
    pub(super) dbfilename: String,
    pub(super) maxmemory: u64,
    pub(super) shutdown_timeout: Millis,
    /// `rdb-del-sync-files`, where nothing else is saved.
    pub(super) removes_sync_files: bool,
    /// `propagation-error-behavior`: whether an error of the master's stream ends a replica.
    pub(super) ends_on_stream_error: bool,
    pub(super) replica_ignore_disk_write_errors: bool,
    /// `rdb-key-save-delay`, for tests: a pause after each key of a snapshot. In Redis microseconds, here rounded up to
    /// milliseconds.
    pub(super) save_delay: Millis,
    /// `key-load-delay`, for tests: a pause for each key of a load, on average. Loaded are as many keys at once as come
    /// in a millisecond.
    pub(super) load_delay_us: u64,
}

/// `repl-diskless-load`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DisklessLoad {
    Disabled,
    OnEmptyDb,
    Swapdb,
}

/// `save <seconds> <changes>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SavePoint {
    pub(super) span: Millis,
    pub(super) changes: u64,
}

impl Live {
    pub(super) fn of(settings: &Settings) -> Self {
        let seconds = |name| Millis(settings.number(name).saturating_mul(1000));
        let text = |name| {
            let text = settings.text(name).filter(|text| !text.is_empty());
            text.map(|text| String::from_utf8_lossy(text).into_owned())
        };
        let limit = settings.client_output_buffer_limit(ClientClass::Replica);
        let save_points = save_points(settings);
        let port = |name| u16::try_from(settings.number(name)).ok().filter(|port| *port != 0);
        Self {
            keyspace: keyspace_settings(settings),
            master: MasterSettings {
                repl_backlog_size: settings.number("repl-backlog-size"),
                repl_backlog_ttl: seconds("repl-backlog-ttl"),
                repl_timeout: seconds("repl-timeout"),
                repl_ping_replica_period: settings.number("repl-ping-replica-period"),
                repl_diskless_sync: settings.flag("repl-diskless-sync"),
                repl_diskless_sync_delay: seconds("repl-diskless-sync-delay"),
                repl_diskless_sync_max_replicas: settings.number("repl-diskless-sync-max-replicas"),
                min_replicas_to_write: settings.number("min-replicas-to-write"),
                min_replicas_max_lag: settings.number("min-replicas-max-lag"),
                output_limit: ReplicaOutputLimit {
                    hard_bytes: limit.hard_bytes,
                    soft_bytes: limit.soft_bytes,
                    soft_span: Millis(limit.soft_seconds.saturating_mul(1000)),
                },
                dual_channel: settings.flag("dual-channel-replication-enabled"),
                has_save_points: !save_points.is_empty(),
            },
            link: LinkConfig {
                listening_port: port("replica-announce-port").unwrap_or_else(|| settings.port()),
                announce_ip: text("replica-announce-ip"),
                masteruser: settings.secret("masteruser").map(|user| user.expose().to_vec()),
                masterauth: settings.secret("masterauth").cloned(),
                version: None,
                repl_timeout: seconds("repl-timeout"),
                dual_channel: settings.flag("dual-channel-replication-enabled"),
                stored_bytes_max: limit.hard_bytes,
            },
            replica_read_only: settings.flag("replica-read-only"),
            replica_serve_stale_data: settings.flag("replica-serve-stale-data"),
            replica_ignore_maxmemory: settings.flag("replica-ignore-maxmemory"),
            stop_writes_on_bgsave_error: settings.flag("stop-writes-on-bgsave-error"),
            diskless_load: match settings.choice("repl-diskless-load") {
                "swapdb" => DisklessLoad::Swapdb,
                "on-empty-db" => DisklessLoad::OnEmptyDb,
                _ => DisklessLoad::Disabled,
            },
            removes_sync_files: settings.flag("rdb-del-sync-files") && save_points.is_empty(),
            ends_on_stream_error: settings.choice("propagation-error-behavior") != "ignore",
            replica_ignore_disk_write_errors: settings.flag("replica-ignore-disk-write-errors"),
            save_points,
            dbfilename: text("dbfilename").unwrap_or_else(|| "dump.rdb".to_string()),
            maxmemory: settings.number("maxmemory"),
            shutdown_timeout: seconds("shutdown-timeout"),
            load_delay_us: settings.number("key-load-delay"),
            save_delay: Millis(settings.number("rdb-key-save-delay").div_ceil(1000)),
        }
    }
}

fn save_points(settings: &Settings) -> Vec<SavePoint> {
    let words = settings.words("save");
    let number = |word: &Vec<u8>| crate::number::parse_u64(word).unwrap_or(0);
    words
        .chunks_exact(2)
        .map(|pair| SavePoint {
            span: Millis(number(&pair[0]).saturating_mul(1000)),
            changes: number(&pair[1]).max(1),
        })
        .collect()
}

fn keyspace_settings(settings: &Settings) -> KeyspaceSettings {
    KeyspaceSettings {
        databases: u32::try_from(settings.number("databases")).unwrap_or(u32::MAX),
        hash_max_listpack_entries: settings.number("hash-max-listpack-entries"),
        hash_max_listpack_value: settings.number("hash-max-listpack-value"),
        set_max_intset_entries: settings.number("set-max-intset-entries"),
        set_max_listpack_entries: settings.number("set-max-listpack-entries"),
        set_max_listpack_value: settings.number("set-max-listpack-value"),
        zset_max_listpack_entries: settings.number("zset-max-listpack-entries"),
        zset_max_listpack_value: settings.number("zset-max-listpack-value"),
        list_max_listpack_size: i32::try_from(settings.integer("list-max-listpack-size")).unwrap_or(-2),
        stream_node_max_bytes: settings.number("stream-node-max-bytes"),
        stream_node_max_entries: settings.number("stream-node-max-entries"),
        proto_max_bulk_len: settings.number("proto-max-bulk-len"),
        lazyfree_lazy_expire: settings.flag("lazyfree-lazy-expire"),
        lazyfree_lazy_server_del: settings.flag("lazyfree-lazy-server-del"),
        lazyfree_lazy_eviction: settings.flag("lazyfree-lazy-eviction"),
        hll_sparse_max_bytes: settings.number("hll-sparse-max-bytes"),
        maxmemory: settings.number("maxmemory"),
        maxmemory_policy: MaxmemoryPolicy::of_name(settings.choice("maxmemory-policy").as_bytes())
            .unwrap_or_default(),
        maxmemory_samples: u32::try_from(settings.number("maxmemory-samples")).unwrap_or(5),
        lfu_log_factor: settings.number("lfu-log-factor"),
        lfu_decay_time: settings.number("lfu-decay-time"),
    }
}
