//! The data servers of the demo: nodes of Picket in this process, or redis-server processes. Either ends with the
//! value that stands for it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::errno::strerror;
use crate::host::is_executable;
use crate::node::EmbeddedNode;

/// A data server.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) addr: SocketAddr,
    /// Its config file and data.
    folder: PathBuf,
    body: Body,
}

/// What a server is made of.
enum Body {
    Embedded(Option<EmbeddedNode>),
    Process { program: PathBuf, child: Option<Child> },
}

impl Server {
    /// A server that is not started yet: a `program`, or a node of our own. Its folder is made in `folder`.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn new(
        name: &'static str,
        addr: SocketAddr,
        follows: Option<SocketAddr>,
        program: Option<&Path>,
        folder: &Path,
    ) -> Result<Self, String> {
        let body = match program {
            Some(program) => Body::Process { program: program.to_owned(), child: None },
            None => Body::Embedded(None),
        };
        let server = Self { name, addr, folder: folder.join(name), body };
        std::fs::create_dir(&server.folder)
            .and_then(|()| std::fs::write(server.config_file(), config_text(&server, follows)))
            .map_err(|error| format!("{}: {}", server.folder.display(), strerror(&error)))?;
        Ok(server)
    }

    /// Starts it with its config file, as it was made or as it was told since.
    pub(super) fn start(&mut self) -> Result<(), String> {
        let (config_file, log) = (self.config_file(), self.log());
        match &mut self.body {
            Body::Embedded(node) => {
                let started = EmbeddedNode::start(self.name, &config_file, log);
                *node = Some(started.map_err(|error| format!("can't start {}: {error}", self.name))?);
            }
            Body::Process { program, child } => {
                let started = Command::new(&*program)
                    .arg(&config_file)
                    // Of its own group, so that ctrl-c reaches us alone and we can end it in order.
                    .process_group(0)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .current_dir(&self.folder)
                    .spawn();
                *child =
                    Some(started.map_err(|error| {
                        format!("can't start {}: {}", program.display(), strerror(&error))
                    })?);
            }
        }
        Ok(())
    }

    /// What it is: a process or a part of this one.
    pub(super) fn kind(&self) -> String {
        match &self.body {
            Body::Embedded(_) => "picket node, in this process".to_owned(),
            Body::Process { child, .. } => format!("pid {}", child.as_ref().map_or(0, Child::id)),
        }
    }

    /// How it ended, if it did by itself.
    pub(super) fn ended(&mut self) -> Option<String> {
        let how = match &mut self.body {
            Body::Embedded(node) => node.as_mut()?.ended()?,
            Body::Process { child, .. } => child.as_mut()?.try_wait().ok()??.to_string(),
        };
        Some(format!("{} ended by itself ({how}); see {}", self.name, self.log().display()))
    }

    /// Kills it without a word to anybody, and says how.
    pub(super) fn kill(&mut self) -> String {
        match &mut self.body {
            Body::Embedded(node) => {
                if let Some(mut node) = node.take() {
                    node.kill();
                }
                "dropped with all its connections, as by kill -9".to_owned()
            }
            Body::Process { child, .. } => {
                let Some(mut child) = child.take() else { return String::new() };
                // It may have ended already; waiting frees its id in either case.
                let _ = child.kill();
                let _ = child.wait();
                format!("kill -9 {}", child.id())
            }
        }
    }

    fn config_file(&self) -> PathBuf {
        self.folder.join("redis.conf")
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn config_text(server: &Server, follows: Option<SocketAddr>) -> String {
    let mut text = format!(
        "port {}\nbind {}\ndir {}\nlogfile {}\nsave \"\"\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n",
        server.addr.port(),
        server.addr.ip(),
        server.folder.display(),
        server.log().display(),
    );
    if let Some(master) = follows {
        text.push_str(&format!("replicaof {} {}\n", master.ip(), master.port()));
    }
    text
}

/// Makes sure that a program can be run.
pub(super) fn check(program: &Path) -> Result<(), String> {
    if is_executable(program) {
        Ok(())
    } else {
        Err(format!("{} is no program that can be started", program.display()))
    }
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
        let error = check(Path::new("/no/such/redis-server")).expect_err("not there");
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
