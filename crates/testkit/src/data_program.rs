//! Which data server a test runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::Peer;

/// A data server's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataProgram {
    /// The stock redis-server of this machine.
    Redis,
    /// Another build of redis-server or valkey-server, at this path.
    Other(PathBuf),
    /// `picket node`, with Picket at this path.
    Picket(PathBuf),
}

impl DataProgram {
    /// The command that runs a server on `conf`.
    #[must_use]
    pub fn command(&self, conf: &Path) -> Command {
        let mut command = match self {
            Self::Redis => Command::new(Peer::RedisServer.path()),
            Self::Other(path) => Command::new(path),
            Self::Picket(path) => {
                let mut command = Command::new(path);
                command.arg("node");
                command
            }
        };
        command.arg(conf);
        command
    }

    /// Whether this is Picket.
    #[must_use]
    pub fn is_picket(&self) -> bool {
        matches!(self, Self::Picket(_))
    }

    /// A word for process names and messages.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Other(_) => "another server",
            Self::Picket(_) => "picket node",
        }
    }
}
