//! What a host asks a node beside its outputs.

use picket_sansio::ClientId;
use picket_server_core::{ClientClass, CommandTable};

use super::{Node, table};
use crate::garbage::Garbage;

/// Directives of redis.conf that a node acts upon, beside those that are the host's.
const HONOURED: &[&str] = &[
    "acl-pubsub-default",
    "aclfile",
    "acllog-max-len",
    "client-output-buffer-limit",
    "client-query-buffer-limit",
    "databases",
    "dbfilename",
    "dual-channel-replication-enabled",
    "enable-debug-command",
    "enable-protected-configs",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "hll-sparse-max-bytes",
    "key-load-delay",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lfu-decay-time",
    "lfu-log-factor",
    "list-max-listpack-size",
    "masterauth",
    "masteruser",
    "maxclients",
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "protected-mode",
    "propagation-error-behavior",
    "proto-max-bulk-len",
    "rdb-key-save-delay",
    "rdb-del-sync-files",
    "rdbchecksum",
    "rdbcompression",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-diskless-load",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "repl-diskless-sync-max-replicas",
    "repl-ping-replica-period",
    "repl-timeout",
    "replica-announce-ip",
    "replica-announce-port",
    "replica-announced",
    "replica-ignore-disk-write-errors",
    "replica-ignore-maxmemory",
    "replica-priority",
    "replica-read-only",
    "replica-serve-stale-data",
    "replicaof",
    "requirepass",
    "save",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "shutdown-timeout",
    "stop-writes-on-bgsave-error",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "timeout",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
];

/// Whether a node acts upon the directive with this (first) name. Others are read, shown and rewritten.
#[must_use]
pub fn honours(name: &str) -> bool {
    HONOURED.contains(&name)
}

/// The commands of a node.
#[must_use]
pub fn command_table() -> CommandTable {
    CommandTable(&table::TABLE)
}

impl Node {
    /// Removed data that takes long to free. To be asked after each input: it is kept until it is taken, and may be
    /// dropped on another thread.
    pub fn take_garbage(&mut self) -> Option<Garbage> {
        self.keyspace.take_garbage()
    }

    /// Whether it follows a master.
    #[must_use]
    pub fn is_replica(&self) -> bool {
        self.server.role() == Some("replica")
    }

    /// Which output limit a client falls under.
    #[must_use]
    pub fn client_class(&self, client: ClientId) -> ClientClass {
        self.server.class(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_server_core::config::find_directive;

    #[test]
    fn what_is_honoured_is_a_directive() {
        for name in HONOURED {
            assert_eq!(find_directive(name.as_bytes()).map(|found| found.name), Some(*name));
        }
    }
}
