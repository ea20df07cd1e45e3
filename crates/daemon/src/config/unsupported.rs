//! Directives that Picket reads but does not implement. One that an operator's safety hangs on is
//! refused by name; one that only tunes the machine is named in the log.

use picket_server_core::config::{ConfigError, Loaded, Settings};

use super::texts::Texts;

/// Directives without which a deployment is not what its operator believes, with what to say.
pub(super) type Refused = [(&'static str, &'static str)];

/// What a Sentinel refuses.
pub(super) const SENTINEL: [(&str, &str); 5] = [
    ("tls-port", "TLS is not available: clients would find no encrypted port"),
    ("tls-replication", "TLS is not available: links to servers and sentinels would not be encrypted"),
    ("replicaof", "replicaof directive not allowed in sentinel mode"),
    ("cluster-enabled", "a sentinel cannot be a node of a cluster"),
    ("socket-mark-id", "connections cannot be marked"),
];

/// What a data node refuses.
pub(super) const NODE: [(&str, &str); 8] = [
    (
        "appendonly",
        "there is no append-only file: acknowledged writes would be lost in a crash (save makes RDB files)",
    ),
    ("cluster-enabled", "a node stands alone or follows a master, it is no part of a cluster"),
    ("tls-port", "TLS is not available: clients would find no encrypted port"),
    ("tls-replication", "TLS is not available: the link to the master would not be encrypted"),
    ("tls-cluster", "TLS is not available"),
    ("socket-mark-id", "connections cannot be marked"),
    ("notify-keyspace-events", "nobody would be told of changes"),
    ("unixsocketgroup", "the group of the Unix socket cannot be set"),
];

/// Directives that a Sentinel of Redis acts upon, and whose absence only makes the machine run
/// differently.
const IGNORED: [&str; 4] = ["oom-score-adj", "server-cpulist", "bio-cpulist", "disable-thp"];

/// Refuses what must not be ignored.
///
/// # Errors
/// Names the line and what is missing.
pub(super) fn check(
    refused: &Refused,
    settings: &Settings,
    loaded: &Loaded,
    texts: &Texts,
) -> Result<(), ConfigError> {
    if let Some(line) = loaded.modules.first() {
        return Err(line.error("modules cannot be loaded (loadmodule, module settings): not implemented"));
    }
    match settings.non_default().find_map(|name| refused.iter().find(|(refused, _)| *refused == name)) {
        // What is out of place has words of its own in Redis.
        Some((name, reason)) if reason.starts_with(name) => Err(texts.refuse(name, (*reason).to_owned())),
        Some((name, reason)) => Err(texts.refuse(name, format!("{name} is not implemented: {reason}"))),
        None => Ok(()),
    }
}

/// The directives that were set and have no effect.
pub(super) fn ignored(settings: &Settings) -> Vec<String> {
    settings.non_default().filter(|name| IGNORED.contains(name)).map(str::to_owned).collect()
}
