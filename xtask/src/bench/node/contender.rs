//! Whose figures are taken.

use std::path::Path;
use std::process::{Command, Stdio};

use picket_testkit::peers::Peer;
use picket_testkit::{DataProgram, DataServer};

/// A kind of data server.
pub(super) struct Contender {
    pub(super) name: &'static str,
    pub(super) program: DataProgram,
    pub(super) version: String,
}

impl Contender {
    /// Picket at this path, then everybody else who is here.
    pub(super) fn all(picket: &Path) -> Vec<Self> {
        let mut all = vec![Self::new("picket", DataProgram::Picket(picket.to_owned()), picket)];
        if let Some(path) = Peer::RedisServer.find() {
            let name = if path.ends_with("valkey-server") { "valkey" } else { "redis" };
            all.push(Self::new(name, DataProgram::Other(path.clone()), &path));
        }
        if let Some(path) = Peer::ValkeyServer.find()
            && all.iter().all(|other| other.name != "valkey")
        {
            all.push(Self::new("valkey", DataProgram::Other(path.clone()), &path));
        }
        all
    }

    fn new(name: &'static str, program: DataProgram, path: &Path) -> Self {
        let output = Command::new(path).arg("--version").stdin(Stdio::null()).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = text.unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        Self { name, program, version }
    }

    /// Starts one without data.
    pub(super) fn start(&self) -> DataServer {
        // What is sent is never cut off, whatever waits for a replica.
        DataServer::start_as(&self.program, &["client-output-buffer-limit replica 0 0 0"])
    }
}
