//! The loop: accept, wake the core at its deadlines, and end when it says so.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use nix::errno::Errno;
use picket_sentinel_core::Input;
use picket_server_core::{ClientAddresses, LogLevel};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::inner::Host;
use super::listen::prepare_client;
use super::stream::Stream;
use crate::errno::strerror;

/// Where clients come in.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) tcp: Vec<TcpListener>,
    /// The Unix socket and its path, which vanishes at the end.
    pub(crate) unix: Option<(UnixListener, PathBuf)>,
    /// `tcp-keepalive`.
    pub(crate) keepalive_s: u64,
}

/// How often the figures about the process are refreshed while somebody might look at them.
const FIGURES_PERIOD: Duration = Duration::from_secs(1);
/// How long clients may take to read their last answers.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the sockets are looked at, at most, before the core is woken.
const DRAIN_ROUNDS_MAX: u32 = 64;
/// The pause after the system had no descriptor for a client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Runs a host until its core asks for the end, and returns the exit code. To be called on a
/// `LocalSet`.
pub(crate) async fn serve(host: Rc<Host>, listeners: Listeners, mut inbox: UnboundedReceiver<Input>) -> i32 {
    let (tasks, socket_path) = accept_all(&host, listeners);
    let mut figures = interval(FIGURES_PERIOD);
    figures.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let code = loop {
        if let Some(code) = host.exit_code() {
            break code;
        }
        let deadline = host.deadline();
        host.armed.set(deadline);
        let at = deadline.and_then(|at| host.clock.instant(at));
        tokio::select! {
            biased;
            Some(input) = inbox.recv() => host.input(input),
            () = host.changed.notified() => {}
            () = until(at) => wake(&host).await,
            _ = figures.tick() => {
                if host.has_clients() {
                    host.refresh();
                }
            }
        }
    };
    for task in tasks {
        task.abort();
    }
    if let Some(path) = socket_path {
        let _ = std::fs::remove_file(path);
    }
    let last = Instant::now() + FAREWELL;
    while !host.is_drained() && Instant::now() < last {
        sleep(Duration::from_millis(5)).await;
    }
    host.finish_persisting();
    host.close_all();
    code
}

async fn until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Wakes the core, but lets it hear first what has already arrived: a process that was held up must
/// not take its own delay for the silence of others.
async fn wake(host: &Rc<Host>) {
    for _ in 0..DRAIN_ROUNDS_MAX {
        let before = host.handled.get();
        // Gives way until the system was asked for events and every task that they woke has run.
        tokio::task::yield_now().await;
        if host.handled.get() == before {
            break;
        }
    }
    if host.deadline().is_some_and(|at| at <= host.clock.now()) {
        host.input(Input::Wake);
    }
}

fn accept_all(host: &Rc<Host>, listeners: Listeners) -> (Vec<tokio::task::JoinHandle<()>>, Option<PathBuf>) {
    let mut tasks = Vec::new();
    for listener in listeners.tcp {
        tasks.push(tokio::task::spawn_local(accept_tcp(Rc::clone(host), listener, listeners.keepalive_s)));
    }
    let mut path = None;
    if let Some((listener, socket_path)) = listeners.unix {
        let shown = socket_path.display().to_string();
        tasks.push(tokio::task::spawn_local(accept_unix(Rc::clone(host), listener, shown)));
        path = Some(socket_path);
    }
    (tasks, path)
}

async fn accept_tcp(host: Rc<Host>, listener: TcpListener, keepalive_s: u64) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                prepare_client(&stream, keepalive_s);
                let local = stream.local_addr().or_else(|_| listener.local_addr());
                let Ok(local) = local else { continue };
                let stream = Stream::Tcp(stream);
                let addresses = ClientAddresses::tcp(peer, local, stream.number());
                host.accept(stream, addresses);
            }
            Err(error) => refused(&host, &error).await,
        }
    }
}

async fn accept_unix(host: Rc<Host>, listener: UnixListener, path: String) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let stream = Stream::Unix(stream);
                let addresses = ClientAddresses::unix(&path, stream.number());
                host.accept(stream, addresses);
            }
            Err(error) => refused(&host, &error).await,
        }
    }
}

/// A client that gave up while it waited is nothing; a lack of descriptors passes, but not at once.
async fn refused(host: &Host, error: &std::io::Error) {
    let lacking = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    if error.raw_os_error().is_some_and(|code| lacking.contains(&Errno::from_raw(code))) {
        host.logger.log(LogLevel::Warning, format!("Accepting client connection: {}", strerror(error)));
        sleep(ACCEPT_PAUSE).await;
    }
}
