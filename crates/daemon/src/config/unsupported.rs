//! Directives that Picket reads but does not implement. One that an operator's safety hangs on is
//! refused by name; one that only tunes the machine is named in the log.

use std::sync::Arc;

use picket_server_core::config::{ConfigError, Loaded, Settings, find_directive, lines};

/// Directives without which a deployment is not what its operator believes.
const REFUSED: [(&str, &str); 5] = [
    ("tls-port", "TLS is not available: clients would find no encrypted port"),
    ("tls-replication", "TLS is not available: links to servers and sentinels would not be encrypted"),
    ("replicaof", "replicaof directive not allowed in sentinel mode"),
    ("cluster-enabled", "a sentinel cannot be a node of a cluster"),
    ("socket-mark-id", "connections cannot be marked"),
];

/// Directives that a Sentinel of Redis acts upon, and whose absence only makes the machine run
/// differently.
const IGNORED: [&str; 4] = ["oom-score-adj", "server-cpulist", "bio-cpulist", "disable-thp"];

/// Refuses what must not be ignored. `texts` are the names and contents that the settings came from.
///
/// # Errors
/// Names the line, where it is in one of `texts` itself, and what is missing.
pub(super) fn check(
    settings: &Settings,
    loaded: &Loaded,
    texts: &[(String, Vec<u8>)],
) -> Result<(), ConfigError> {
    if let Some(line) = loaded.modules.first() {
        return Err(line.error("modules cannot be loaded (loadmodule, module settings): not implemented"));
    }
    let set = settings.non_default().find_map(|name| REFUSED.iter().find(|(refused, _)| *refused == name));
    let Some((name, reason)) = set else { return Ok(()) };
    let reason = format!("{name} is not implemented: {reason}");
    let said = texts
        .iter()
        .flat_map(|(file, text)| lines(&Arc::from(file.as_str()), text))
        .filter_map(Result::ok)
        .filter(|line| find_directive(line.name()).is_some_and(|directive| directive.name == *name))
        .last();
    Err(match said {
        Some(line) => line.error(reason),
        None => {
            ConfigError { file: Arc::from("an included file"), line: 0, text: (*name).to_owned(), reason }
        }
    })
}

/// The directives that were set and have no effect.
pub(super) fn ignored(settings: &Settings) -> Vec<String> {
    settings.non_default().filter(|name| IGNORED.contains(name)).map(str::to_owned).collect()
}
