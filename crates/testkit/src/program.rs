//! Which sentinel a test runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::Peer;

/// A sentinel program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The stock redis-sentinel of this machine.
    Stock,
    /// Picket, at this path.
    Picket(PathBuf),
}

impl Program {
    /// The program that the tests are about: Picket at `picket`, or stock when `PICKET_TEST_PROGRAM=stock`.
    ///
    /// With the latter the same suite judges the original, which shows that the tests ask for what a
    /// sentinel does and not for what Picket happens to do.
    #[must_use]
    pub fn under_test(picket: &str) -> Self {
        match env::var("PICKET_TEST_PROGRAM").as_deref() {
            Ok("stock") => Self::Stock,
            _ => Self::Picket(PathBuf::from(picket)),
        }
    }

    /// The command that runs a sentinel on `conf`.
    #[must_use]
    pub fn command(&self, conf: &Path) -> Command {
        match self {
            Self::Stock => {
                let mut command = Command::new(Peer::RedisSentinel.path());
                command.arg(conf);
                command
            }
            Self::Picket(path) => {
                let mut command = Command::new(path);
                command.arg("sentinel").arg(conf);
                command
            }
        }
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
            Self::Stock => "stock",
            Self::Picket(_) => "picket",
        }
    }
}
