//! The ordinary directives of a Redis or Valkey server: every name of Redis 6.2 to 7.4 and Valkey 8
//! with the shape of its value and its default (`config.c: static_configs`). Names and limits are
//! facts of the file format; what a program does with them is not decided here.

const MAXMEMORY_POLICY: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];
const SYSLOG_FACILITY: &[&str] =
    &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
const LOGLEVEL: &[&str] = &["debug", "verbose", "notice", "warning", "nothing"];
const SUPERVISED_MODE: &[&str] = &["upstart", "systemd", "auto", "no"];
const AOF_FSYNC: &[&str] = &["everysec", "always", "no"];
const SHUTDOWN_ON_SIG: &[&str] = &["default", "save", "nosave", "now", "force"];
const REPL_DISKLESS_LOAD: &[&str] = &["disabled", "on-empty-db", "swapdb"];
const TLS_AUTH_CLIENTS: &[&str] = &["no", "yes", "optional"];
const OOM_SCORE_ADJ: &[&str] = &["no", "yes", "relative", "absolute"];
const ACL_PUBSUB_DEFAULT: &[&str] = &["allchannels", "resetchannels"];
const SANITIZE_DUMP_PAYLOAD: &[&str] = &["no", "yes", "clients"];
const PROTECTED_ACTION: &[&str] = &["no", "yes", "local"];
const CLUSTER_PREFERRED_ENDPOINT_TYPE: &[&str] = &["ip", "hostname", "unknown-endpoint"];
const PROPAGATION_ERROR_BEHAVIOR: &[&str] = &["ignore", "panic", "panic-on-replicas"];

const INT_MAX: i128 = i32::MAX as i128;
const INT_MIN: i128 = i32::MIN as i128;
const UINT_MAX: i128 = u32::MAX as i128;
const LONG_MAX: i128 = i64::MAX as i128;
const ULONG_MAX: i128 = u64::MAX as i128;

/// One ordinary directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The name it is written by.
    pub name: &'static str,
    /// An older or foreign spelling.
    pub alias: Option<&'static str>,
    /// The shape of its value.
    pub kind: Kind,
}

/// The shape of a directive's value, with its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    Bool {
        /// The value when the file says nothing.
        default: bool,
    },
    /// A word; an empty one means unset if the default is `None`.
    Text {
        /// The value when the file says nothing.
        default: Option<&'static str>,
        /// It is a password and must not be shown.
        secret: bool,
    },
    /// One of a few words, or several if `many`.
    Choice {
        /// The words.
        names: &'static [&'static str],
        /// The value when the file says nothing.
        default: &'static str,
        /// Whether several words may be given.
        many: bool,
    },
    /// A number within bounds.
    Number {
        /// The smallest value.
        min: i128,
        /// The largest value.
        max: i128,
        /// The value when the file says nothing.
        default: i128,
        /// How it is written.
        unit: Unit,
    },
    /// A directive with rules of its own.
    Special(Special),
    /// Accepted with one value and forgotten.
    Ignored,
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Plain decimal.
    Integer,
    /// Bytes, with `k`, `kb`, `m`, `mb`, `g` or `gb`.
    Memory,
    /// Bytes or a percentage (kept as a negative number).
    MemoryOrPercent,
    /// Octal, as file modes are.
    Octal,
}

/// Directives with rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its directive")]
pub enum Special {
    Dir,
    Save,
    ClientOutputBufferLimit,
    OomScoreAdjValues,
    NotifyKeyspaceEvents,
    Bind,
    ReplicaOf,
    Percentiles,
}

/// The directive that `name` means, by either spelling and in any case.
#[must_use]
pub fn find_directive(name: &[u8]) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| {
        directive.name.as_bytes().eq_ignore_ascii_case(name)
            || directive.alias.is_some_and(|alias| alias.as_bytes().eq_ignore_ascii_case(name))
    })
}

impl Directive {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, alias: None, kind }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Whether more than one word may follow the name.
    #[must_use]
    pub fn takes_many(&self) -> bool {
        match self.kind {
            Kind::Choice { many, .. } => many,
            Kind::Special(special) => !matches!(special, Special::Dir | Special::NotifyKeyspaceEvents),
            Kind::Bool { .. } | Kind::Text { .. } | Kind::Number { .. } | Kind::Ignored => false,
        }
    }
}

const fn boolean(name: &'static str, default: bool) -> Directive {
    Directive::new(name, Kind::Bool { default })
}

const fn string(name: &'static str) -> Directive {
    Directive::new(name, Kind::Text { default: None, secret: false })
}

const fn secret(name: &'static str) -> Directive {
    Directive::new(name, Kind::Text { default: None, secret: true })
}

const fn text(name: &'static str, default: &'static str) -> Directive {
    Directive::new(name, Kind::Text { default: Some(default), secret: false })
}

const fn choice(name: &'static str, names: &'static [&'static str], default: &'static str) -> Directive {
    Directive::new(name, Kind::Choice { names, default, many: false })
}

const fn flags(name: &'static str, names: &'static [&'static str], default: &'static str) -> Directive {
    Directive::new(name, Kind::Choice { names, default, many: true })
}

const fn number(name: &'static str, min: i128, max: i128, default: i128, unit: Unit) -> Directive {
    Directive::new(name, Kind::Number { min, max, default, unit })
}

const fn integer(name: &'static str, min: i128, max: i128, default: i128) -> Directive {
    number(name, min, max, default, Unit::Integer)
}

const fn memory(name: &'static str, min: i128, max: i128, default: i128) -> Directive {
    number(name, min, max, default, Unit::Memory)
}

const fn memory_or_percent(name: &'static str, min: i128, max: i128, default: i128) -> Directive {
    number(name, min, max, default, Unit::MemoryOrPercent)
}

const fn octal(name: &'static str, min: i128, max: i128, default: i128) -> Directive {
    number(name, min, max, default, Unit::Octal)
}

const fn special(name: &'static str, special: Special) -> Directive {
    Directive::new(name, Kind::Special(special))
}

const fn ignored(name: &'static str) -> Directive {
    Directive::new(name, Kind::Ignored)
}

/// Every ordinary directive. A rewriting writes them in this order.
pub static DIRECTIVES: &[Directive] = &[
    boolean("rdbchecksum", true),
    boolean("daemonize", false),
    boolean("io-threads-do-reads", false),
    boolean("always-show-logo", false),
    boolean("protected-mode", true),
    boolean("rdbcompression", true),
    boolean("rdb-del-sync-files", false),
    boolean("activerehashing", true),
    boolean("stop-writes-on-bgsave-error", true),
    boolean("set-proc-title", true),
    boolean("dynamic-hz", true),
    boolean("lazyfree-lazy-eviction", false),
    boolean("lazyfree-lazy-expire", false),
    boolean("lazyfree-lazy-server-del", false),
    boolean("lazyfree-lazy-user-del", false),
    boolean("lazyfree-lazy-user-flush", false),
    boolean("repl-disable-tcp-nodelay", false),
    boolean("repl-diskless-sync", true),
    boolean("aof-rewrite-incremental-fsync", true),
    boolean("no-appendfsync-on-rewrite", false),
    boolean("cluster-require-full-coverage", true),
    boolean("rdb-save-incremental-fsync", true),
    boolean("aof-load-truncated", true),
    boolean("aof-use-rdb-preamble", true),
    boolean("aof-timestamp-enabled", false),
    boolean("cluster-replica-no-failover", false).alias("cluster-slave-no-failover"),
    boolean("replica-lazy-flush", false).alias("slave-lazy-flush"),
    boolean("replica-serve-stale-data", true).alias("slave-serve-stale-data"),
    boolean("replica-read-only", true).alias("slave-read-only"),
    boolean("replica-ignore-maxmemory", true).alias("slave-ignore-maxmemory"),
    boolean("jemalloc-bg-thread", true),
    boolean("activedefrag", false),
    boolean("syslog-enabled", false),
    boolean("cluster-enabled", false),
    boolean("appendonly", false),
    boolean("cluster-allow-reads-when-down", false),
    boolean("cluster-allow-pubsubshard-when-down", true),
    boolean("crash-log-enabled", true),
    boolean("crash-memcheck-enabled", true),
    boolean("use-exit-on-panic", false),
    boolean("disable-thp", true),
    boolean("cluster-allow-replica-migration", true),
    boolean("replica-announced", true),
    boolean("latency-tracking", true),
    boolean("aof-disable-auto-gc", false),
    boolean("replica-ignore-disk-write-errors", false),
    boolean("hide-user-data-from-log", false),
    text("aclfile", ""),
    string("unixsocket"),
    string("pidfile"),
    string("replica-announce-ip").alias("slave-announce-ip"),
    secret("masteruser").alias("primaryuser"),
    string("cluster-announce-ip"),
    text("cluster-config-file", "nodes.conf"),
    string("cluster-announce-hostname"),
    string("cluster-announce-human-nodename"),
    text("syslog-ident", "redis"),
    text("dbfilename", "dump.rdb"),
    text("appendfilename", "appendonly.aof"),
    text("appenddirname", "appendonlydir"),
    string("server-cpulist").alias("server_cpulist"),
    string("bio-cpulist").alias("bio_cpulist"),
    string("aof-rewrite-cpulist").alias("aof_rewrite_cpulist"),
    string("bgsave-cpulist").alias("bgsave_cpulist"),
    text("ignore-warnings", ""),
    text("proc-title-template", "{title} {listen-addr} {server-mode}"),
    string("bind-source-addr"),
    text("logfile", ""),
    string("req-res-logfile"),
    text("locale-collate", ""),
    secret("masterauth").alias("primaryauth"),
    secret("requirepass"),
    choice("supervised", SUPERVISED_MODE, "no"),
    choice("syslog-facility", SYSLOG_FACILITY, "local0"),
    choice("repl-diskless-load", REPL_DISKLESS_LOAD, "disabled"),
    choice("loglevel", LOGLEVEL, "notice"),
    choice("maxmemory-policy", MAXMEMORY_POLICY, "noeviction"),
    choice("appendfsync", AOF_FSYNC, "everysec"),
    choice("oom-score-adj", OOM_SCORE_ADJ, "no"),
    choice("acl-pubsub-default", ACL_PUBSUB_DEFAULT, "resetchannels"),
    choice("sanitize-dump-payload", SANITIZE_DUMP_PAYLOAD, "no"),
    choice("enable-protected-configs", PROTECTED_ACTION, "no"),
    choice("enable-debug-command", PROTECTED_ACTION, "no"),
    choice("enable-module-command", PROTECTED_ACTION, "no"),
    choice("cluster-preferred-endpoint-type", CLUSTER_PREFERRED_ENDPOINT_TYPE, "ip"),
    choice("propagation-error-behavior", PROPAGATION_ERROR_BEHAVIOR, "ignore"),
    flags("shutdown-on-sigint", SHUTDOWN_ON_SIG, "default"),
    flags("shutdown-on-sigterm", SHUTDOWN_ON_SIG, "default"),
    integer("databases", 1, INT_MAX, 16),
    integer("port", 0, 65535, 6379),
    integer("io-threads", 1, 128, 1),
    integer("auto-aof-rewrite-percentage", 0, INT_MAX, 100),
    integer("cluster-replica-validity-factor", 0, INT_MAX, 10).alias("cluster-slave-validity-factor"),
    integer("list-max-listpack-size", INT_MIN, INT_MAX, -2).alias("list-max-ziplist-size"),
    integer("tcp-keepalive", 0, INT_MAX, 300),
    integer("cluster-migration-barrier", 0, INT_MAX, 1),
    integer("active-defrag-cycle-min", 1, 99, 1),
    integer("active-defrag-cycle-max", 1, 99, 25),
    integer("active-defrag-threshold-lower", 0, 1000, 10),
    integer("active-defrag-threshold-upper", 0, 1000, 100),
    integer("lfu-log-factor", 0, INT_MAX, 10),
    integer("lfu-decay-time", 0, INT_MAX, 1),
    integer("replica-priority", 0, INT_MAX, 100).alias("slave-priority"),
    integer("repl-diskless-sync-delay", 0, INT_MAX, 5),
    integer("maxmemory-samples", 1, 64, 5),
    integer("maxmemory-eviction-tenacity", 0, 100, 10),
    integer("timeout", 0, INT_MAX, 0),
    integer("replica-announce-port", 0, 65535, 0).alias("slave-announce-port"),
    integer("tcp-backlog", 0, INT_MAX, 511),
    integer("cluster-port", 0, 65535, 0),
    integer("cluster-announce-bus-port", 0, 65535, 0),
    integer("cluster-announce-port", 0, 65535, 0),
    integer("cluster-announce-tls-port", 0, 65535, 0),
    integer("repl-timeout", 1, INT_MAX, 60),
    integer("repl-ping-replica-period", 1, INT_MAX, 10).alias("repl-ping-slave-period"),
    integer("list-compress-depth", 0, INT_MAX, 0),
    integer("rdb-key-save-delay", INT_MIN, INT_MAX, 0),
    integer("key-load-delay", INT_MIN, INT_MAX, 0),
    integer("active-expire-effort", 1, 10, 1),
    integer("hz", 0, INT_MAX, 10),
    integer("min-replicas-to-write", 0, INT_MAX, 0).alias("min-slaves-to-write"),
    integer("min-replicas-max-lag", 0, INT_MAX, 10).alias("min-slaves-max-lag"),
    integer("watchdog-period", 0, INT_MAX, 0),
    integer("shutdown-timeout", 0, INT_MAX, 10),
    integer("repl-diskless-sync-max-replicas", 0, INT_MAX, 0),
    integer("maxclients", 1, UINT_MAX, 10000),
    octal("unixsocketperm", 0, 0o777, 0),
    integer("socket-mark-id", 0, UINT_MAX, 0),
    integer("max-new-connections-per-cycle", 1, 1000, 10),
    integer("max-new-tls-connections-per-cycle", 1, 1000, 1),
    integer("client-default-resp", 2, 3, 2),
    integer("active-defrag-max-scan-fields", 1, LONG_MAX, 1000),
    integer("slowlog-max-len", 0, LONG_MAX, 128),
    integer("acllog-max-len", 0, LONG_MAX, 128),
    integer("busy-reply-threshold", 0, LONG_MAX, 5000).alias("lua-time-limit"),
    integer("cluster-node-timeout", 0, LONG_MAX, 15000),
    integer("cluster-ping-interval", 0, LONG_MAX, 0),
    integer("slowlog-log-slower-than", -1, LONG_MAX, 10000),
    integer("latency-monitor-threshold", 0, LONG_MAX, 0),
    memory("proto-max-bulk-len", 1048576, LONG_MAX, 536870912),
    integer("stream-node-max-entries", 0, LONG_MAX, 100),
    memory("repl-backlog-size", 1, LONG_MAX, 1048576),
    memory("maxmemory", 0, ULONG_MAX, 0),
    memory("cluster-link-sendbuf-limit", 0, ULONG_MAX, 0),
    integer("hash-max-listpack-entries", 0, LONG_MAX, 512).alias("hash-max-ziplist-entries"),
    integer("set-max-intset-entries", 0, LONG_MAX, 512),
    integer("set-max-listpack-entries", 0, LONG_MAX, 128),
    integer("set-max-listpack-value", 0, LONG_MAX, 64),
    integer("zset-max-listpack-entries", 0, LONG_MAX, 128).alias("zset-max-ziplist-entries"),
    memory("active-defrag-ignore-bytes", 1, LONG_MAX, 104857600),
    memory("hash-max-listpack-value", 0, LONG_MAX, 64).alias("hash-max-ziplist-value"),
    memory("stream-node-max-bytes", 0, LONG_MAX, 4096),
    memory("zset-max-listpack-value", 0, LONG_MAX, 64).alias("zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", 0, LONG_MAX, 3000),
    integer("tracking-table-max-keys", 0, LONG_MAX, 1000000),
    memory("client-query-buffer-limit", 1048576, LONG_MAX, 1073741824),
    memory_or_percent("maxmemory-clients", -100, LONG_MAX, 0),
    integer("repl-backlog-ttl", 0, LONG_MAX, 3600),
    memory("auto-aof-rewrite-min-size", 0, LONG_MAX, 67108864),
    integer("loading-process-events-interval-bytes", 1024, INT_MAX, 2097152),
    integer("tls-port", 0, 65535, 0),
    integer("tls-session-cache-size", 0, INT_MAX, 20480),
    integer("tls-session-cache-timeout", 0, INT_MAX, 300),
    boolean("tls-cluster", false),
    boolean("tls-replication", false),
    choice("tls-auth-clients", TLS_AUTH_CLIENTS, "yes"),
    boolean("tls-prefer-server-ciphers", false),
    boolean("tls-session-caching", true),
    string("tls-cert-file"),
    string("tls-key-file"),
    secret("tls-key-file-pass"),
    string("tls-client-cert-file"),
    string("tls-client-key-file"),
    secret("tls-client-key-file-pass"),
    string("tls-dh-params-file"),
    string("tls-ca-cert-file"),
    string("tls-ca-cert-dir"),
    string("tls-protocols"),
    string("tls-ciphers"),
    string("tls-ciphersuites"),
    // Settings with rules of their own.
    special("dir", Special::Dir),
    special("save", Special::Save),
    special("client-output-buffer-limit", Special::ClientOutputBufferLimit),
    special("oom-score-adj-values", Special::OomScoreAdjValues),
    special("notify-keyspace-events", Special::NotifyKeyspaceEvents),
    special("bind", Special::Bind),
    special("replicaof", Special::ReplicaOf).alias("slaveof"),
    special("latency-tracking-info-percentiles", Special::Percentiles),
    // Valkey 8.
    text("availability-zone", ""),
    integer("cluster-blacklist-ttl", 0, ULONG_MAX, 60),
    boolean("cluster-slot-stats-enabled", false),
    text("debug-context", ""),
    boolean("dual-channel-replication-enabled", false),
    boolean("enable-debug-assert", false),
    boolean("debug-assert-enabled", false),
    integer("events-per-io-thread", 0, INT_MAX, 2),
    boolean("extended-redis-compatibility", false),
    choice("log-format", &["legacy", "logfmt"], "legacy"),
    choice("log-timestamp-format", &["legacy", "iso8601", "milliseconds"], "legacy"),
    integer("prefetch-batch-max-size", 0, 128, 16),
    string("unixsocketgroup"),
    boolean("import-mode", false),
    boolean("lua-enable-deprecated-api", false),
    // Redis 6.2 and 7.0, gone later.
    boolean("gopher-enabled", false),
    // Read and forgotten, as Redis does.
    ignored("list-max-ziplist-entries"),
    ignored("list-max-ziplist-value"),
    ignored("lua-replicate-commands"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use picket_sansio::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_defaults_in_bounds() {
        let mut seen = BTreeSet::new();
        for directive in DIRECTIVES {
            assert!(seen.insert(directive.name), "{}", directive.name);
            assert!(directive.alias.is_none_or(|alias| seen.insert(alias)), "{}", directive.name);
            match directive.kind {
                Kind::Number { min, max, default, .. } => {
                    assert!((min..=max).contains(&default), "{}", directive.name);
                }
                Kind::Choice { names, default, .. } => {
                    assert!(names.contains(&default), "{}", directive.name);
                }
                Kind::Bool { .. } | Kind::Text { .. } | Kind::Special(_) | Kind::Ignored => {}
            }
        }
    }

    #[test]
    fn both_spellings_find_the_directive() {
        assert_eq!(find_directive(b"SLAVE-priority").map(|found| found.name), Some("replica-priority"));
        assert_eq!(find_directive(b"no-such"), None);
    }
}
