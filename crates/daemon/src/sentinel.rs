//! `picket sentinel`, and what runs under the names redis-sentinel and valkey-sentinel: from the
//! command line to the exit code (`server.c: main`, `sentinel.c: sentinelCheckConfigFile`).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::unistd::{AccessFlags, access, daemon};
use picket_sentinel_core::{Config, Input};
use picket_server_core::LogLevel;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::cli::SentinelOptions;
use crate::config::{self, ConfigStore, Source, StartError};
use crate::errno::strerror;
use crate::host::{
    Clock, Host, Listeners, PidFile, Supervisor, budget, listen_tcp, listen_unix, ready, serve, supervisor,
};
use crate::logging::{LogTarget, Logger, Syslog};
use crate::version::Brand;

mod assemble;

pub(crate) use assemble::{Assembly, Surroundings, assemble, working_dir};

/// Runs a Sentinel and returns the exit code of the process.
pub(crate) fn run(options: &SentinelOptions) -> i32 {
    match start(options) {
        Ok(code) => code,
        Err((StartError::Stderr(text), _)) => {
            eprint!("{text}");
            1
        }
        Err((StartError::Log(line), logger)) => {
            logger.log(LogLevel::Warning, line);
            logger.flush();
            1
        }
    }
}

/// A failure to start, and the log that is to tell of it.
type Failure = (StartError, Logger);

fn start(options: &SentinelOptions) -> Result<i32, Failure> {
    let early = || Logger::start(LogTarget::Stdout, options.log_format, LogLevel::Notice, None);
    let source = config::load(options, &mut std::io::stdin().lock()).map_err(|error| (error, early()))?;
    let target = prepare_places(&source, options.brand).map_err(|error| (error, early()))?;
    let make_logger = || {
        let settings = &source.config.options;
        let (syslog, complaint) = open_syslog(&source.config);
        let logger = Logger::start(target.clone(), options.log_format, settings.loglevel(), syslog);
        if let Some(complaint) = complaint {
            logger.log(LogLevel::Warning, complaint);
        }
        logger
    };
    let path = writable(source.path.as_deref()).map_err(|line| (StartError::Log(line), make_logger()))?;
    // Reads the file mode mask, so before there are threads.
    let store = ConfigStore::new(path);

    let settings = &source.config.options;
    let (supervisor, complaint) = supervisor(settings.supervised(), |name| std::env::var(name).ok());
    let background = settings.daemonize() && supervisor == Supervisor::Nobody;
    if background {
        daemon(true, false).map_err(|errno| {
            (StartError::Log(format!("Can't daemonize: {}", errno.desc())), make_logger())
        })?;
    }
    let logger = make_logger();
    if let Some(complaint) = complaint {
        logger.log(LogLevel::Warning, complaint);
    }
    announce(&logger, options.brand);
    if let Some(doubt) = source.path.as_deref().and_then(folder_doubt) {
        logger.log(LogLevel::Warning, format!("WARNING: {doubt}"));
    }
    for name in &source.ignored {
        logger.log(LogLevel::Warning, format!("{name} is set and has no effect here"));
    }
    let result = run_host(source, store, &logger, background, &supervisor, options.brand);
    result.map_err(|line| (StartError::Log(line), logger))
}

/// Changes to `dir`, and makes sure that the log file can be written.
fn prepare_places(source: &Source, brand: Brand) -> Result<LogTarget, StartError> {
    let settings = &source.config.options;
    if let Some(dir) = settings.dir() {
        let dir = String::from_utf8_lossy(dir).into_owned();
        std::env::set_current_dir(&dir).map_err(|error| source.error("dir", strerror(&error), brand))?;
    }
    let logfile = String::from_utf8_lossy(settings.logfile()).into_owned();
    if logfile.is_empty() {
        return Ok(LogTarget::Stdout);
    }
    let path = std::path::absolute(&logfile).unwrap_or_else(|_| PathBuf::from(&logfile));
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    opened.map_err(|error| {
        source.error("logfile", format!("Can't open the log file: {}", strerror(&error)), brand)
    })?;
    Ok(LogTarget::File(path))
}

/// The config file is replaced by a new one beside it, so its folder has to be writable too. Stock finds
/// that out at the first change; with it, votes and configurations cannot be kept.
pub(crate) fn folder_doubt(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let errno = access(folder, AccessFlags::W_OK).err()?;
    Some(format!(
        "the folder {} is not writable ({}): the state cannot be saved, so no vote can be given",
        folder.display(),
        errno.desc()
    ))
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

fn open_syslog(config: &Config) -> (Option<Syslog>, Option<String>) {
    let settings = &config.options;
    if !settings.syslog_enabled() {
        return (None, None);
    }
    let ident = String::from_utf8_lossy(settings.syslog_ident()).into_owned();
    match Syslog::open(Syslog::PATH, &ident, settings.syslog_facility()) {
        Ok(syslog) => (Some(syslog), None),
        Err(error) => {
            let complaint = format!("syslog-enabled has no effect: {}: {}", Syslog::PATH, strerror(&error));
            (None, Some(complaint))
        }
    }
}

fn announce(logger: &Logger, brand: Brand) {
    let (name, release) = (brand.name(), brand.release());
    logger.log(LogLevel::Notice, format!("oO0OoO0OoO0Oo {name} is starting oO0OoO0OoO0Oo"));
    logger.log(
        LogLevel::Notice,
        format!(
            "{name} version={release}, bits=64, commit=00000000, modified=0, pid={}, just started",
            std::process::id()
        ),
    );
    logger.log(LogLevel::Notice, format!("This is Picket {} standing in for it", crate::version::PICKET));
    logger.log(LogLevel::Notice, "Configuration loaded");
    logger.log(LogLevel::Notice, "monotonic clock: POSIX clock_gettime");
}

fn run_host(
    source: Source,
    store: ConfigStore,
    logger: &Logger,
    background: bool,
    supervisor: &Supervisor,
    brand: Brand,
) -> Result<i32, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(32)
        .build()
        .map_err(|error| format!("Can't start: {}", strerror(&error)))?;
    let local = LocalSet::new();
    let logger = logger.clone();
    let supervisor = supervisor.clone();
    let main = local.spawn_local(async move {
        serve_until_end(source, store, &logger, background, &supervisor, brand).await
    });
    // On the queue with every other task, so that waking the core waits its turn behind them.
    let result = local.block_on(&runtime, main).unwrap_or_else(|error| Err(format!("Crashed: {error}")));
    // Threads that still wait for a name server or a disk are not waited for.
    runtime.shutdown_background();
    result
}

async fn serve_until_end(
    mut source: Source,
    store: ConfigStore,
    logger: &Logger,
    background: bool,
    supervisor: &Supervisor,
    brand: Brand,
) -> Result<i32, String> {
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
    let budget = budget(source.config.options.maxclients(), links);
    for warning in budget.warnings {
        logger.log(LogLevel::Warning, warning);
    }
    let maxclients = budget.maxclients.to_string();
    source.config.options.set("maxclients", maxclients.as_bytes())?;
    let listeners = listen(&source.config, logger)?;
    let pid_file = pid_file(&source.config, background, logger);

    let port = source.config.options.port();
    source.config.working_dir = working_dir();
    let surroundings =
        Surroundings { store, logger: logger.clone(), brand, clock: Clock::start(), observer: None };
    let Assembly { host, mut inbox } = assemble(source.config, surroundings)?;
    logger.log(LogLevel::Notice, format!("Running mode=sentinel, port={port}."));
    host.begin(&mut inbox).await;
    if let Err(error) = ready(supervisor) {
        logger.log(
            LogLevel::Warning,
            format!("Can't tell the supervisor that we are ready: {}", strerror(&error)),
        );
    }
    tokio::task::spawn_local(signals.watch(Rc::clone(&host), logger.clone()));
    let code = serve(host, listeners, inbox).await;
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

fn listen(config: &Config, logger: &Logger) -> Result<Listeners, String> {
    let settings = &config.options;
    let bind: Vec<String> =
        settings.bind().into_iter().map(|address| String::from_utf8_lossy(address).into_owned()).collect();
    let port = settings.port();
    let mut listeners = Listeners { keepalive_s: settings.tcp_keepalive_s(), ..Listeners::default() };
    if port != 0 {
        listeners.tcp = listen_tcp(&bind, port, settings.tcp_backlog()).map_err(|warning| {
            logger.log(LogLevel::Warning, warning);
            format!("Failed listening on port {port} (tcp), aborting.")
        })?;
    }
    if let Some(path) = settings.unixsocket() {
        let path = PathBuf::from(String::from_utf8_lossy(path).into_owned());
        let listener = listen_unix(&path, settings.unixsocketperm())
            .map_err(|error| format!("Failed opening Unix socket: bind: {}", strerror(&error)))?;
        listeners.unix = Some((listener, path));
    }
    if listeners.tcp.is_empty() && listeners.unix.is_none() {
        return Err("Configured to not listen anywhere, exiting.".to_owned());
    }
    Ok(listeners)
}

fn pid_file(config: &Config, background: bool, logger: &Logger) -> Option<PidFile> {
    let path = match config.options.pidfile() {
        Some(path) => PathBuf::from(String::from_utf8_lossy(path).into_owned()),
        None if background => PathBuf::from(PidFile::DEFAULT),
        None => return None,
    };
    match PidFile::create(&path) {
        Ok(file) => Some(file),
        Err(reason) => {
            logger.log(LogLevel::Warning, format!("Failed to write PID file {}: {reason}", path.display()));
            None
        }
    }
}

/// The signals that end the process, and the one that must not.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn watch(mut self, host: Rc<Host>, logger: Logger) {
        let mut interrupted = false;
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                // The log file is opened for each write, so there is nothing to do.
                _ = self.hangup.recv() => continue,
            };
            if name == "SIGINT" && std::mem::replace(&mut interrupted, true) {
                logger.signal("You insist... exiting now.");
                logger.flush();
                std::process::exit(1);
            }
            logger.signal(&format!("Received {name} scheduling shutdown..."));
            host.input(Input::Terminate);
        }
    }
}

/// Validates a configuration and explains it; the exit code says whether it is valid.
pub(crate) fn check(options: &SentinelOptions) -> i32 {
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
