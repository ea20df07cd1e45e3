//! The loop: accept, wake the core at its deadlines, and end when it says so.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use nix::errno::Errno;
use picket_sansio::Time;
use picket_server_core::{ClientAddresses, LogLevel};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::listen::prepare_client;
use super::pulse::Pulse;
use super::stream::Stream;
use crate::errno::strerror;

/// Where clients come in.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) tcp: Vec<TcpListener>,
    /// The Unix socket and its path, which vanishes at the end.
    pub(crate) unix: Option<(UnixListener, PathBuf)>,
}

/// A core with its surroundings, as the loop sees it.
pub(crate) trait Hosted: 'static {
    /// What threads and tasks answer.
    type Answer;

    /// What the loop shares with it.
    fn pulse(&self) -> &Pulse;
    /// When the core wants to be woken.
    fn deadline(&self) -> Option<Time>;
    /// The exit code, once the core has asked for the end.
    fn exit_code(&self) -> Option<i32>;
    /// Wakes the core.
    fn wake(self: &Rc<Self>);
    /// Gives the core an answer.
    fn answer(self: &Rc<Self>, answer: Self::Answer);
    /// A second has passed.
    fn tick(self: &Rc<Self>);
    /// Takes over a connection that somebody opened.
    fn accept(self: &Rc<Self>, stream: Stream, addresses: ClientAddresses);
    /// `tcp-keepalive`.
    fn keepalive_s(&self) -> u64;
    /// Whether every client has what was sent to it.
    fn is_drained(&self) -> bool;
    /// Waits until everything is on disk.
    fn finish_disk(&self);
    /// Ends every connection.
    fn close_all(&self);
}

/// How often what changes by itself is looked at, such as the figures about the process.
const TICK: Duration = Duration::from_secs(1);
/// How long clients may take to read their last answers.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the sockets are looked at, at most, before the core is woken.
const DRAIN_ROUNDS_MAX: u32 = 64;
/// The pause after the system had no descriptor for a client.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Runs a host until its core asks for the end, and returns the exit code. To be called on a
/// `LocalSet`.
pub(crate) async fn serve<H: Hosted>(
    host: Rc<H>,
    listeners: Listeners,
    mut inbox: UnboundedReceiver<H::Answer>,
) -> i32 {
    let (tasks, socket_path) = accept_all(&host, listeners);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let code = loop {
        if let Some(code) = host.exit_code() {
            break code;
        }
        let deadline = host.deadline();
        host.pulse().armed.set(deadline);
        let at = deadline.and_then(|at| host.pulse().clock.instant(at));
        tokio::select! {
            biased;
            Some(answer) = inbox.recv() => {
                host.answer(answer);
                // Answers may come without a pause, as while a file is loaded: clients have their turn between them.
                tokio::task::yield_now().await;
            }
            () = host.pulse().changed.notified() => {}
            () = until(at) => wake(&host).await,
            _ = ticks.tick() => host.tick(),
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
    host.finish_disk();
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
/// not take its own delay for the silence of others. Clients that send without a pause are not waited for.
async fn wake<H: Hosted>(host: &Rc<H>) {
    for _ in 0..DRAIN_ROUNDS_MAX {
        let before = host.pulse().heard.get();
        // Gives way until the system was asked for events and every task that they woke has run.
        tokio::task::yield_now().await;
        if host.pulse().heard.get() == before {
            break;
        }
    }
    if host.deadline().is_some_and(|at| at <= host.pulse().clock.now()) {
        host.wake();
    }
}

fn accept_all<H: Hosted>(
    host: &Rc<H>,
    listeners: Listeners,
) -> (Vec<tokio::task::JoinHandle<()>>, Option<PathBuf>) {
    let mut tasks = Vec::new();
    for listener in listeners.tcp {
        tasks.push(tokio::task::spawn_local(accept_tcp(Rc::clone(host), listener)));
    }
    let mut path = None;
    if let Some((listener, socket_path)) = listeners.unix {
        let shown = socket_path.display().to_string();
        tasks.push(tokio::task::spawn_local(accept_unix(Rc::clone(host), listener, shown)));
        path = Some(socket_path);
    }
    (tasks, path)
}

async fn accept_tcp<H: Hosted>(host: Rc<H>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                prepare_client(&stream, host.keepalive_s());
                let local = stream.local_addr().or_else(|_| listener.local_addr());
                let Ok(local) = local else { continue };
                let stream = Stream::Tcp(stream);
                let addresses = ClientAddresses::tcp(peer, local, stream.number());
                host.accept(stream, addresses);
            }
            Err(error) => refused(host.pulse(), &error).await,
        }
    }
}

async fn accept_unix<H: Hosted>(host: Rc<H>, listener: UnixListener, path: String) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let stream = Stream::Unix(stream);
                let addresses = ClientAddresses::unix(&path, stream.number());
                host.accept(stream, addresses);
            }
            Err(error) => refused(host.pulse(), &error).await,
        }
    }
}

/// A client that gave up while it waited is nothing; a lack of descriptors passes, but not at once.
async fn refused(pulse: &Pulse, error: &std::io::Error) {
    let lacking = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    if error.raw_os_error().is_some_and(|code| lacking.contains(&Errno::from_raw(code))) {
        pulse.logger.log(LogLevel::Warning, format!("Accepting client connection: {}", strerror(error)));
        sleep(ACCEPT_PAUSE).await;
    }
}
