//! The redis-server processes of the demo. They end with the values that stand for them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::errno::strerror;

/// A data server.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) addr: SocketAddr,
    program: PathBuf,
    folder: PathBuf,
    follows: Option<SocketAddr>,
    child: Option<Child>,
}

impl Server {
    /// A server that is not started yet.
    pub(super) fn new(
        name: &'static str,
        addr: SocketAddr,
        follows: Option<SocketAddr>,
        program: &Path,
        folder: &Path,
    ) -> Self {
        Self { name, addr, program: program.to_owned(), folder: folder.to_owned(), follows, child: None }
    }

    /// Starts the process, as the master or replica that it was made as.
    pub(super) fn start(&mut self) -> Result<(), String> {
        let port = self.addr.port().to_string();
        let log = format!("{}.log", self.name);
        let mut command = Command::new(&self.program);
        command
            .args(["--port", &port, "--bind", "127.0.0.1", "--dir"])
            .arg(&self.folder)
            .args(["--logfile", &log, "--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]);
        if let Some(master) = self.follows {
            command.args(["--replicaof", &master.ip().to_string(), &master.port().to_string()]);
        }
        let child = command
            // Of its own group, so that ctrl-c reaches us alone and we can end it in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(&self.folder)
            .spawn()
            .map_err(|error| format!("can't start {}: {}", self.program.display(), strerror(&error)))?;
        self.child = Some(child);
        Ok(())
    }

    /// The process id, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How the process ended, if it did by itself.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        Some(format!(
            "{} ended by itself ({status}); see {}.log in {}",
            self.name,
            self.name,
            self.folder.display()
        ))
    }

    /// Kills the process with SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already; waiting frees its id in either case.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Finds the program to run.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = given {
        return if crate::host::is_executable(path) {
            Ok(path.to_owned())
        } else {
            Err(format!("{} is no program that can be started", path.display()))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    ["redis-server", "valkey-server"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| crate::host::is_executable(program))
        .ok_or_else(|| {
            "no redis-server or valkey-server was found in PATH.\n\
             Install one (Debian, Ubuntu: apt install redis-server; Fedora: dnf install valkey; \
             macOS: brew install redis)\nor say where it is: picket demo --redis-server /path/to/redis-server"
                .to_owned()
        })
}

/// Addresses of this machine that are free now.
pub(super) fn free_addresses(count: usize) -> Result<Vec<SocketAddr>, String> {
    let listeners = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| strerror(&error))?;
    listeners.iter().map(|listener| listener.local_addr().map_err(|error| strerror(&error))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = find(Some(Path::new("/no/such/redis-server"))).expect_err("not there");
        assert!(error.contains("/no/such/redis-server"), "{error}");
    }

    #[test]
    fn free_addresses_differ() {
        let mut ports: Vec<u16> =
            free_addresses(5).expect("free ports").iter().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 5);
    }
}
