//! `picket sentinel`, and what runs under the names redis-sentinel and valkey-sentinel: from the
//! command line to the exit code (`server.c: main`, `sentinel.c: sentinelCheckConfigFile`).

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::unistd::{AccessFlags, access};
use picket_sentinel_core::Input;
use picket_server_core::LogLevel;

use crate::cli::StartOptions;
use crate::config::{self, ConfigStore, Source, StartError};
use crate::errno::strerror;
use crate::host::{Clock, serve};
use crate::http::HttpServer;
use crate::logging::LogRole;
use crate::start::{
    Failure, Place, Signals, afford_clients, announce, early_logger, fail, folder_doubt, listen, logger,
    pid_file, prepare_places, run_local, settle, tell_ready, working_dir,
};
use crate::version::Brand;

mod assemble;

pub(crate) use assemble::{Assembly, Surroundings, assemble};

/// Runs a Sentinel and returns the exit code of the process.
pub(crate) fn run(options: &StartOptions) -> i32 {
    start(options).unwrap_or_else(|failure| fail(&failure))
}

fn start(options: &StartOptions) -> Result<i32, Failure> {
    let early = |error| (error, early_logger(options.log_format));
    let source = config::load(options, &mut std::io::stdin().lock()).map_err(early)?;
    let settings = &source.config.options;
    let target = prepare_places(settings, &source.origin).map_err(early)?;
    let path = writable(source.origin.path.as_deref())
        .map_err(|line| (StartError::Log(line), logger(settings, target.clone(), options.log_format)))?;
    // Reads the file mode mask, so before there are threads.
    let store = ConfigStore::new(path);
    let place = settle(settings, &target, options.log_format)?;
    announce(&place.logger, options.brand, true, LogRole::Sentinel);
    if let Some(doubt) = source.origin.path.as_deref().and_then(folder_doubt) {
        let doubt = format!("WARNING: {doubt}: the state cannot be saved, so no vote can be given");
        place.logger.log(LogLevel::Warning, doubt);
    }
    for name in &source.ignored {
        place.logger.log(LogLevel::Warning, format!("{name} is set and has no effect here"));
    }
    let logger = place.logger.clone();
    run_host(source, store, place, options).map_err(|line| (StartError::Log(line), logger))
}

/// A Sentinel that cannot remember must not vote, so it does not start.
pub(crate) fn writable(path: Option<&Path>) -> Result<PathBuf, String> {
    let path =
        path.ok_or_else(|| "Sentinel needs config file on disk to save state. Exiting...".to_owned())?;
    access(path, AccessFlags::W_OK).map_err(|errno| {
        format!("Sentinel config file {} is not writable: {}. Exiting...", path.display(), errno.desc())
    })?;
    Ok(path.to_owned())
}

fn run_host(source: Source, store: ConfigStore, place: Place, options: &StartOptions) -> Result<i32, String> {
    let (brand, http) = (options.brand, options.http);
    run_local(async move { serve_until_end(source, store, place, brand, http).await })
}

async fn serve_until_end(
    mut source: Source,
    store: ConfigStore,
    place: Place,
    brand: Brand,
    http: Option<SocketAddr>,
) -> Result<i32, String> {
    let Place { logger, background, supervisor } = place;
    let signals = Signals::new().map_err(|error| format!("Can't handle signals: {}", strerror(&error)))?;
    let links: u64 = source
        .config
        .masters
        .iter()
        .map(|master| {
            let instances = 1 + master.replicas.len() + master.sentinels.len();
            2 * u64::try_from(instances).unwrap_or(u64::MAX / 4)
        })
        .sum();
    afford_clients(&mut source.config.options, links, &logger)?;
    let listeners = listen(&source.config.options, &logger)?;
    let http = http.map(HttpServer::start).transpose()?;
    let pid_file = pid_file(&source.config.options, background, &logger);

    let port = source.config.options.port();
    source.config.working_dir = working_dir();
    let surroundings =
        Surroundings { store, logger: logger.clone(), brand, clock: Clock::start(), observer: None };
    let Assembly { host, mut inbox } = assemble(source.config, surroundings)?;
    logger.log(LogLevel::Notice, format!("Running mode=sentinel, port={port}."));
    if let Some(http) = &http {
        logger.log(LogLevel::Notice, http.about());
    }
    host.begin(&mut inbox).await;
    tell_ready(&supervisor, &logger);
    let watched = Rc::clone(&host);
    let terminate = move |_| watched.input(Input::Terminate);
    tokio::task::spawn_local(signals.watch(logger.clone(), terminate));
    let code = serve(host, listeners, inbox).await;
    drop(http);
    if code == 0 {
        logger.log(LogLevel::Warning, "User requested shutdown...");
        if pid_file.is_some() {
            logger.log(LogLevel::Notice, "Removing the pid file.");
        }
        logger.log(LogLevel::Warning, "Sentinel is now ready to exit, bye bye...");
    }
    drop(pid_file);
    logger.flush();
    Ok(code)
}

/// Validates a configuration and explains it; the exit code says whether it is valid.
pub(crate) fn check(options: &StartOptions) -> i32 {
    match config::load(options, &mut std::io::stdin().lock()) {
        Ok(source) => {
            // Whoever closes the pipe early has seen enough.
            let _ = std::io::stdout().write_all(config::explain(&source).as_bytes());
            0
        }
        Err(StartError::Stderr(text) | StartError::Log(text)) => {
            let file = options.config_file.as_deref().unwrap_or("no config file");
            eprintln!("{file}: not a configuration that can be started\n{}", text.trim());
            1
        }
    }
}
