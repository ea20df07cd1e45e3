//! `picket demo`: a small deployment on this machine, the death of its master, and the
//! story of what happens then.

mod client;
mod look;
mod sentinels;
mod server;
mod stage;
mod story;
mod writer;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::errno::strerror;
use crate::http::HttpServer;
use stage::Stage;

/// What the demo is told on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoOptions {
    /// The server to start; without one, nodes of our own are.
    pub(crate) redis_server: Option<PathBuf>,
    /// Silence after which the master counts as down.
    pub(crate) down_after_ms: u64,
    /// Whether the folder stays.
    pub(crate) keep: bool,
    /// Whether it ends with the story.
    pub(crate) story_only: bool,
    /// Where the playground is served after it.
    pub(crate) http: Option<SocketAddr>,
}

/// Where the playground is served unless it is said; if it is taken, a free port is.
const HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Default for DemoOptions {
    fn default() -> Self {
        Self { redis_server: None, down_after_ms: 1000, keep: false, story_only: false, http: None }
    }
}

/// The exit code when the story did not come to its end.
const FAILED: i32 = 1;
/// The exit code of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// Runs the demo and returns the exit code: 0 only if the failover took place.
pub(crate) fn run(options: &DemoOptions) -> i32 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("picket demo: {}", strerror(&error));
            return 1;
        }
    };
    let local = LocalSet::new();
    let options = options.clone();
    let main = local.spawn_local(async move { play(&options).await });
    let code = local.block_on(&runtime, main).unwrap_or_else(|error| {
        eprintln!("picket demo: {error}");
        1
    });
    drop(local);
    runtime.shutdown_background();
    code
}

/// Prints a line; a reader who has left does not stop the play before its end.
fn out(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

async fn play(options: &DemoOptions) -> i32 {
    let (interrupt, terminate) = match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("picket demo: can't handle signals: {}", strerror(&error));
            return 1;
        }
    };
    let (mut interrupt, mut terminate) = (interrupt, terminate);
    let page = if options.story_only { None } else { Some(serve_page(options.http)) };
    if let (Some(Err(reason)), Some(_)) = (&page, options.http) {
        eprintln!("picket demo: {reason}");
        return FAILED;
    }
    let mut stage = match Stage::set(options) {
        Ok(stage) => stage,
        Err(reason) => {
            eprintln!("picket demo: {reason}");
            return 1;
        }
    };
    let played = tokio::select! {
        biased;
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        played = stage.play() => Some(played),
    };
    let code = match played {
        Some(Ok(())) => 0,
        Some(Err(reason)) => {
            eprintln!("\npicket demo: {reason}");
            FAILED
        }
        None => {
            eprintln!("\npicket demo: interrupted, cleaning up");
            INTERRUPTED
        }
    };
    if let (0, Some(page)) = (code, page) {
        tell_how_it_goes_on(&stage, page.as_ref());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    stage.clear(code == FAILED).await;
    code
}

/// What there is to look at until the end.
fn tell_how_it_goes_on(stage: &Stage, page: Result<&HttpServer, &String>) {
    match page {
        Ok(server) if server.has_page() => out(&format!(
            "\n{}: the same story in a simulated world, forwards and backwards.",
            server.about()
        )),
        Ok(server) => out(&format!("\n{}", server.about())),
        Err(reason) => out(&format!("\n{reason}")),
    }
    out(&format!("\n{}\n\nCtrl-C ends this.", stage.invitation()));
}

/// Serves the page there; if no place was named at the usual one, or on a free port if that is taken.
fn serve_page(named: Option<SocketAddr>) -> Result<HttpServer, String> {
    match named {
        Some(addr) => HttpServer::start(addr),
        None => HttpServer::start(HTTP).or_else(|_| HttpServer::start(SocketAddr::new(HTTP.ip(), 0))),
    }
}
