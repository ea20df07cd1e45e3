//! `picket node`, and what runs under the names redis-server and valkey-server: from the command line to the exit
//! code (`server.c: main`).

use std::io::{IsTerminal as _, Write as _};
use std::rc::Rc;

use picket_node_core::NodeInput;
use picket_server_core::LogLevel;
use picket_server_core::config::Settings;

use crate::cli::StartOptions;
use crate::config::{self, ConfigStore, NodeSource, StartError};
use crate::errno::strerror;
use crate::host::{Clock, serve};
use crate::logging::{LogRole, Logger};
use crate::start::{
    Failure, Place, Signals, afford_clients, announce, early_logger, fail, listen, pid_file, prepare_places,
    run_local, settle, tell_ready,
};
use crate::version::{Brand, PICKET};

mod assemble;
mod embedded;
mod files;
mod host;
mod tasks;

pub(crate) use embedded::EmbeddedNode;

use assemble::{Assembly, Surroundings, assemble};

/// Runs a node and returns the exit code of the process.
pub(crate) fn run(options: &StartOptions) -> i32 {
    start(options).unwrap_or_else(|failure| fail(&failure))
}

fn start(options: &StartOptions) -> Result<i32, Failure> {
    let early = |error| {
        let logger = early_logger(options.log_format);
        logger.set_role(LogRole::Starting);
        (error, logger)
    };
    let source = config::load_node(options, &mut std::io::stdin().lock()).map_err(early)?;
    let target = prepare_places(&source.settings, &source.origin).map_err(early)?;
    // Reads the file mode mask, so before there are threads.
    let store = source.origin.path.clone().map(ConfigStore::new);
    let place = settle(&source.settings, &target, options.log_format)?;
    place.logger.set_role(LogRole::Starting);
    let is_configured = options.config_file.is_some() || options.read_stdin || !options.directives.is_empty();
    let role = LogRole::of_node(source.settings.replicaof().is_some());
    announce(&place.logger, options.brand, is_configured, role);
    for name in &source.ignored {
        place.logger.log(LogLevel::Verbose, format!("{name} is set and has no effect here"));
    }
    let logger = place.logger.clone();
    let brand = options.brand;
    run_local(async move { serve_until_end(source, store, place, brand).await })
        .map_err(|line| (StartError::Log(line), logger))
}

async fn serve_until_end(
    mut source: NodeSource,
    store: Option<ConfigStore>,
    place: Place,
    brand: Brand,
) -> Result<i32, String> {
    let Place { logger, background, supervisor } = place;
    let signals = Signals::new().map_err(|error| format!("Can't handle signals: {}", strerror(&error)))?;
    afford_clients(&mut source.settings, 1, &logger)?;
    let listeners = listen(&source.settings, &logger)?;
    let pid_file = pid_file(&source.settings, background, &logger);
    show_mode(&logger, &source.settings, brand);
    let folder = std::env::current_dir().map_err(|error| format!("No folder: {}", strerror(&error)))?;
    let surroundings = Surroundings { folder, store, logger: logger.clone(), brand, clock: Clock::start() };
    let Assembly { host, inbox } = assemble(source, surroundings)?;
    logger.log(LogLevel::Notice, "Server initialized");
    host.begin();
    tell_ready(&supervisor, &logger);
    let watched = Rc::clone(&host);
    let terminate = move |signal| watched.input(NodeInput::Terminate { signal });
    tokio::task::spawn_local(signals.watch(logger.clone(), terminate));
    let code = serve(host, listeners, inbox).await;
    drop(pid_file);
    logger.flush();
    Ok(code)
}

/// What runs here, in the words that scripts look for. Redis draws its logo around them where a person looks, or on
/// demand.
fn show_mode(logger: &Logger, settings: &Settings, brand: Brand) {
    let port = settings.port();
    let is_watched =
        !settings.syslog_enabled() && settings.logfile().is_empty() && std::io::stdout().is_terminal();
    if !is_watched && !settings.flag("always-show-logo") {
        return logger.log(LogLevel::Notice, format!("Running mode=standalone, port={port}."));
    }
    let (name, release, pid) = (brand.name(), brand.release(), std::process::id());
    for line in [
        format!("Picket {PICKET} as {name} {release} (64 bit)"),
        "Running in standalone mode".to_owned(),
        format!("Port: {port}"),
        format!("PID: {pid}"),
    ] {
        logger.log(LogLevel::Notice, line);
    }
}

/// Validates a configuration and says what it means; the exit code says whether it is valid.
pub(crate) fn check(options: &StartOptions) -> i32 {
    match config::load_node(options, &mut std::io::stdin().lock()) {
        Ok(source) => {
            // Whoever closes the pipe early has seen enough.
            let _ = std::io::stdout().write_all(config::explain_node(&source).as_bytes());
            0
        }
        Err(StartError::Stderr(text) | StartError::Log(text)) => {
            let file = options.config_file.as_deref().unwrap_or("no config file");
            eprintln!("{file}: not a configuration that can be started\n{}", text.trim());
            1
        }
    }
}
