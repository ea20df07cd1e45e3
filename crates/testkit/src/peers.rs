//! The programs of others that tests run against: where they are, and what is skipped without them.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Data nodes of nearly every integration test.
    RedisServer,
    /// Stock sentinels: mixed quorums, files handed to and fro.
    RedisSentinel,
    /// Nothing runs it in the tests; README's commands use it.
    RedisCli,
    /// The load of `cargo xtask bench node`.
    RedisBenchmark,
    /// A second stock server to compare with in `cargo xtask bench node`.
    ValkeyServer,
    /// Browser tests of the playground.
    Chromium,
    /// What drives the browser.
    Node,
    /// What brings the libraries of that.
    Npm,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RedisServer,
        Self::RedisSentinel,
        Self::RedisCli,
        Self::RedisBenchmark,
        Self::ValkeyServer,
        Self::Chromium,
        Self::Node,
        Self::Npm,
    ];

    /// The program's names, the first found wins.
    #[must_use]
    pub fn program_names(self) -> &'static [&'static str] {
        match self {
            Self::RedisServer => &["redis-server", "valkey-server"],
            Self::RedisSentinel => &["redis-sentinel", "valkey-sentinel"],
            Self::RedisCli => &["redis-cli", "valkey-cli"],
            Self::RedisBenchmark => &["redis-benchmark", "valkey-benchmark"],
            Self::ValkeyServer => &["valkey-server"],
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome"],
            Self::Node => &["node", "nodejs"],
            Self::Npm => &["npm"],
        }
    }

    /// The environment variable that overrides the search on PATH.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::RedisServer => "PICKET_REDIS_SERVER",
            Self::RedisSentinel => "PICKET_REDIS_SENTINEL",
            Self::RedisCli => "PICKET_REDIS_CLI",
            Self::RedisBenchmark => "PICKET_REDIS_BENCHMARK",
            Self::ValkeyServer => "PICKET_VALKEY_SERVER",
            Self::Chromium => "PICKET_CHROMIUM",
            Self::Node => "PICKET_NODE",
            Self::Npm => "PICKET_NPM",
        }
    }

    /// The Debian package that brings it.
    #[must_use]
    pub fn debian_package(self) -> &'static str {
        match self {
            Self::RedisServer => "redis-server",
            Self::RedisSentinel => "redis-sentinel",
            Self::RedisCli | Self::RedisBenchmark => "redis-tools",
            Self::ValkeyServer => "valkey-server",
            Self::Chromium => "chromium",
            Self::Node => "nodejs",
            Self::Npm => "npm",
        }
    }

    /// What cannot be tested without it.
    #[must_use]
    pub fn skipped_without(self) -> &'static str {
        match self {
            Self::RedisServer => "every integration test with real data nodes (crates/daemon/tests)",
            Self::RedisSentinel => "mixed quorums and files shared with stock sentinels",
            Self::RedisCli => "nothing (it is only for hands)",
            Self::RedisBenchmark => "nothing (`cargo xtask bench node` loads servers with it)",
            Self::ValkeyServer => "dual-channel sync with Valkey; `cargo xtask bench node` compares with it",
            Self::Chromium | Self::Node | Self::Npm => "browser tests of the playground",
        }
    }

    /// Looks for it: the variable first, then PATH.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        if let Some(path) = env::var_os(self.variable()) {
            return Some(PathBuf::from(path)).filter(|path| path.is_file());
        }
        let path = env::var_os("PATH")?;
        let folders: Vec<_> = env::split_paths(&path).collect();
        self.program_names()
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
            .find(|candidate| candidate.is_file())
    }

    /// Where it is.
    ///
    /// # Panics
    /// When it is missing; tests ask [`available`] first.
    #[must_use]
    pub fn path(self) -> PathBuf {
        self.find().unwrap_or_else(|| panic!("{self} was not found; set {} or PATH", self.variable()))
    }

    /// What a bench says that cannot compare with it.
    #[must_use]
    pub fn absence(self) -> String {
        format!("Nobody to compare with: {self} was not found (apt-get install {}).", self.debian_package())
    }

    /// The first line of its `--version`.
    #[must_use]
    pub fn version(self) -> Option<String> {
        version_of(&self.find()?)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program_names()[0])
    }
}

fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().next()?.trim().to_owned())
}

/// Whether `CI=true`: then a missing peer is a failure and not a skip.
#[must_use]
pub fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Those of `peers` that are not here.
#[must_use]
pub fn missing(peers: &[Peer]) -> Vec<Peer> {
    peers.iter().copied().filter(|peer| peer.find().is_none()).collect()
}

/// Whether all `peers` are here. Says on stderr what is missing and therefore not tested.
///
/// # Panics
/// In CI, when one is missing.
#[must_use]
pub fn available(peers: &[Peer]) -> bool {
    let missing = missing(peers);
    for peer in &missing {
        assert!(!in_ci(), "{peer} is missing and CI=true: install {}", peer.debian_package());
        eprintln!("SKIPPED: {peer} is missing (apt-get install {})", peer.debian_package());
    }
    missing.is_empty()
}

/// Whether redis-server and redis-sentinel are here, as [`available`] puts it.
///
/// # Panics
/// In CI, when one is missing.
#[must_use]
pub fn redis_available() -> bool {
    available(&[Peer::RedisServer, Peer::RedisSentinel])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_first_line() {
        assert!(version_of(Path::new("/bin/sh/none")).is_none());
        let cargo = PathBuf::from(env!("CARGO"));
        assert!(version_of(&cargo).is_some_and(|version| version.starts_with("cargo")));
    }
}
