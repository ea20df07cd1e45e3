//! A data node inside this process: its own core, loop and thread, real sockets and files. It can be killed as a
//! process can: at once, and without a word to anybody.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use picket_server_core::LogLevel;
use tokio::sync::oneshot;

use super::{Assembly, Surroundings, assemble};
use crate::cli::StartOptions;
use crate::config::{ConfigStore, StartError, load_node};
use crate::errno::strerror;
use crate::host::{Clock, serve};
use crate::logging::{LogFormat, LogRole, LogTarget, Logger};
use crate::start::{listen, run_local};
use crate::version::Brand;

/// A node that runs.
pub(crate) struct EmbeddedNode {
    kill: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<i32, String>>>,
}

impl EmbeddedNode {
    /// Starts a node from its config file; its other files are beside that one. Returns once clients can connect.
    ///
    /// # Errors
    /// What the config file says wrong, or what the system does not give.
    pub(crate) fn start(name: &str, config_file: &Path, log: PathBuf) -> Result<Self, String> {
        let (kill, killed) = oneshot::channel();
        let (started, has_started) = sync_channel(1);
        let config_file = config_file.to_owned();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run_local(run(config_file, log, killed, started)))
            .map_err(|error| strerror(&error))?;
        let mut node = Self { kill: Some(kill), thread: Some(thread) };
        match has_started.recv() {
            Ok(()) => Ok(node),
            // It has ended instead.
            Err(_) => Err(node.outcome().unwrap_or_else(|| "it ended at once".to_owned())),
        }
    }

    /// Why the node has ended, if it did by itself.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished).then(|| self.outcome()).flatten()
    }

    /// Ends the node in the middle of whatever it does. Its peers see their connections end.
    pub(crate) fn kill(&mut self) {
        if let Some(kill) = self.kill.take() {
            // It may have ended already.
            let _ = kill.send(());
        }
        self.outcome();
    }

    fn outcome(&mut self) -> Option<String> {
        Some(match self.thread.take()?.join() {
            Ok(Ok(code)) => format!("exit code {code}"),
            Ok(Err(reason)) => reason,
            Err(_) => "a panic".to_owned(),
        })
    }
}

impl Drop for EmbeddedNode {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn run(
    config_file: PathBuf,
    log: PathBuf,
    killed: oneshot::Receiver<()>,
    started: SyncSender<()>,
) -> Result<i32, String> {
    let options =
        StartOptions { config_file: Some(config_file.display().to_string()), ..StartOptions::default() };
    let source = load_node(&options, &mut std::io::empty()).map_err(|error| match error {
        StartError::Log(text) | StartError::Stderr(text) => text,
    })?;
    let logger = Logger::start(LogTarget::File(log), LogFormat::Text, LogLevel::Notice, None);
    logger.set_role(LogRole::of_node(source.settings.replicaof().is_some()));
    let listeners = listen(&source.settings, &logger)?;
    let surroundings = Surroundings {
        folder: config_file.parent().unwrap_or(Path::new("/")).to_owned(),
        store: Some(ConfigStore::keeping_mode(&config_file)),
        logger,
        brand: Brand::Redis,
        clock: Clock::start(),
    };
    let Assembly { host, inbox } = assemble(source, surroundings)?;
    host.begin();
    // Nobody waits any more if the start was given up.
    let _ = started.send(());
    tokio::select! {
        biased;
        _ = killed => Ok(0),
        code = serve(host, listeners, inbox) => Ok(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    #[test]
    fn a_killed_node_is_gone_with_its_connections_and_can_start_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let conf = folder.path().join("node.conf");
        std::fs::write(&conf, format!("port {port}\nbind 127.0.0.1\nsave \"\"\n")).expect("written");
        for _ in 0..3 {
            let mut node = EmbeddedNode::start("node", &conf, folder.path().join("log")).expect("started");
            assert_eq!(node.ended(), None);
            let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            client.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
            // Until it has looked for a file it answers that it loads.
            let deadline = Instant::now() + Duration::from_secs(10);
            let mut answers = BufReader::new(client.try_clone().expect("a second handle"));
            loop {
                client.write_all(b"PING\r\n").expect("sent");
                let mut answer = String::new();
                answers.read_line(&mut answer).expect("an answer");
                if answer == "+PONG\r\n" {
                    break;
                }
                assert!(answer.starts_with("-LOADING ") && Instant::now() < deadline, "{answer}");
            }
            node.kill();
            let mut rest = Vec::new();
            let end = client.read_to_end(&mut rest);
            assert!(rest.is_empty(), "{rest:?}");
            assert!(
                end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
            );
            assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nobody listens any more");
        }
    }

    #[test]
    fn a_node_that_cannot_start_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let conf = folder.path().join("node.conf");
        for (text, says) in [
            (format!("port {port}\nbind 127.0.0.1\n"), "Failed listening on port"),
            ("appendonly yes\n".to_owned(), "appendonly is not implemented"),
        ] {
            std::fs::write(&conf, text).expect("written");
            let reason =
                EmbeddedNode::start("node", &conf, folder.path().join("log")).err().expect("refused");
            assert!(reason.contains(says), "{reason}");
        }
    }
}
