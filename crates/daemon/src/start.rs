//! What every server of Picket does at its start, whatever its core: folder, log, sockets, pid file, signals
//! (`server.c: main`).

use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, daemon};
use picket_node_core::EndSignal;
use picket_server_core::LogLevel;
use picket_server_core::config::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::LocalSet;

use crate::config::{Origin, StartError};
use crate::errno::strerror;
use crate::host::{Listeners, PidFile, Supervisor, budget, listen_tcp, listen_unix, ready, supervisor, wall};
use crate::logging::{LogFormat, LogRole, LogTarget, Logger, Syslog};
use crate::version::Brand;

/// A failure to start, and the log that is to tell of it.
pub(crate) type Failure = (StartError, Logger);

/// A log for what is said before the configured one is known.
pub(crate) fn early_logger(format: LogFormat) -> Logger {
    Logger::start(LogTarget::Stdout, format, LogLevel::Notice, None)
}

/// The configured log, writing to `target`.
pub(crate) fn logger(settings: &Settings, target: LogTarget, format: LogFormat) -> Logger {
    let (syslog, complaint) = open_syslog(settings);
    let logger = Logger::start(target, format, settings.loglevel(), syslog);
    if let Some(complaint) = complaint {
        logger.log(LogLevel::Warning, complaint);
    }
    logger
}

/// How the process runs.
pub(crate) struct Place {
    pub(crate) logger: Logger,
    pub(crate) background: bool,
    pub(crate) supervisor: Supervisor,
}

/// Goes to the background if that is wanted and opens the log. To be called before there are threads.
///
/// # Errors
/// If the system does not let it.
pub(crate) fn settle(settings: &Settings, target: &LogTarget, format: LogFormat) -> Result<Place, Failure> {
    let (supervisor, complaint) = supervisor(settings.supervised(), |name| std::env::var(name).ok());
    let background = settings.daemonize() && supervisor == Supervisor::Nobody;
    if background {
        daemon(true, false).map_err(|errno| {
            let line = format!("Can't daemonize: {}", errno.desc());
            (StartError::Log(line), logger(settings, target.clone(), format))
        })?;
    }
    let logger = logger(settings, target.clone(), format);
    if let Some(complaint) = complaint {
        logger.log(LogLevel::Warning, complaint);
    }
    Ok(Place { logger, background, supervisor })
}

/// Says why a server does not start, and returns the exit code.
pub(crate) fn fail(failure: &Failure) -> i32 {
    match failure {
        (StartError::Stderr(text), _) => eprint!("{text}"),
        (StartError::Log(line), logger) => {
            logger.log(LogLevel::Warning, line.as_str());
            logger.flush();
        }
    }
    1
}

/// The source address of links.
///
/// # Errors
/// If it is no address.
pub(crate) fn bind_source(settings: &Settings) -> Result<Option<IpAddr>, String> {
    let Some(text) = settings.bind_source_addr() else { return Ok(None) };
    let text = String::from_utf8_lossy(text);
    text.parse().map(Some).map_err(|_| format!("bind-source-addr takes an IP address, not '{text}'"))
}

/// Chance from the system: run ids must not repeat from one process to the next.
pub(crate) fn seed() -> u64 {
    let mut bytes = [0; 8];
    match std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)) {
        Ok(()) => u64::from_le_bytes(bytes),
        // A system without that device still has a clock and process ids.
        Err(_) => wall().0 ^ (u64::from(std::process::id()) << 40),
    }
}

/// The directory that a rewritten config file names.
pub(crate) fn working_dir() -> Vec<u8> {
    std::env::current_dir().map(|dir| dir.as_os_str().as_bytes().to_vec()).unwrap_or_default()
}

/// Lowers `maxclients` to what the system lets us have, beside `links` connections of our own.
///
/// # Errors
/// Never: what is affordable is within the bounds of the directive.
pub(crate) fn afford_clients(settings: &mut Settings, links: u64, logger: &Logger) -> Result<(), String> {
    let budget = budget(settings.maxclients(), links);
    for warning in budget.warnings {
        logger.log(LogLevel::Warning, warning);
    }
    settings.set("maxclients", budget.maxclients.to_string().as_bytes())
}

/// Runs `main` and the tasks that it starts on this thread, and returns what it returns.
///
/// # Errors
/// If the system has not what that needs, or `main` fails.
pub(crate) fn run_local(main: impl Future<Output = Result<i32, String>> + 'static) -> Result<i32, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(32)
        .build()
        .map_err(|error| format!("Can't start: {}", strerror(&error)))?;
    let local = LocalSet::new();
    // On the queue with every other task, so that waking the core waits its turn behind them.
    let main = local.spawn_local(main);
    let result = local.block_on(&runtime, main).unwrap_or_else(|error| Err(format!("Crashed: {error}")));
    // Threads that still wait for a name server or a disk are not waited for.
    runtime.shutdown_background();
    result
}

/// Tells whoever started the process that clients can come.
pub(crate) fn tell_ready(supervisor: &Supervisor, logger: &Logger) {
    if let Err(error) = ready(supervisor) {
        let line = format!("Can't tell the supervisor that we are ready: {}", strerror(&error));
        logger.log(LogLevel::Warning, line);
    }
}

/// Changes to `dir`, and makes sure that the log file can be written.
pub(crate) fn prepare_places(settings: &Settings, origin: &Origin) -> Result<LogTarget, StartError> {
    if let Some(dir) = settings.dir() {
        let dir = String::from_utf8_lossy(dir).into_owned();
        std::env::set_current_dir(&dir).map_err(|error| origin.error("dir", strerror(&error)))?;
    }
    let logfile = String::from_utf8_lossy(settings.logfile()).into_owned();
    if logfile.is_empty() {
        return Ok(LogTarget::Stdout);
    }
    let path = std::path::absolute(&logfile).unwrap_or_else(|_| PathBuf::from(&logfile));
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    opened
        .map_err(|error| origin.error("logfile", format!("Can't open the log file: {}", strerror(&error))))?;
    Ok(LogTarget::File(path))
}

/// The config file is replaced by a new one beside it, so its folder has to be writable too. Stock finds
/// that out at the first change; with it, votes and configurations cannot be kept.
pub(crate) fn folder_doubt(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let errno = access(folder, AccessFlags::W_OK).err()?;
    Some(format!("the folder {} is not writable ({})", folder.display(), errno.desc()))
}

fn open_syslog(settings: &Settings) -> (Option<Syslog>, Option<String>) {
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

/// Says what starts, and from then on speaks as what it is.
pub(crate) fn announce(logger: &Logger, brand: Brand, has_config: bool, role: LogRole) {
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
    if has_config {
        logger.log(LogLevel::Notice, "Configuration loaded");
    } else {
        logger.log(
            LogLevel::Warning,
            "Warning: no config file specified, using the default config. To specify one, name it as the first argument",
        );
    }
    logger.set_role(role);
    logger.log(LogLevel::Notice, "monotonic clock: POSIX clock_gettime");
}

/// Opens every socket that clients come in by.
///
/// # Errors
/// Which cannot be had.
pub(crate) fn listen(settings: &Settings, logger: &Logger) -> Result<Listeners, String> {
    let bind: Vec<String> =
        settings.bind().into_iter().map(|address| String::from_utf8_lossy(address).into_owned()).collect();
    let port = settings.port();
    let mut listeners = Listeners::default();
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

/// Writes the pid file, if there is to be one.
pub(crate) fn pid_file(settings: &Settings, background: bool, logger: &Logger) -> Option<PidFile> {
    let path = match settings.pidfile() {
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
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them over.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Tells of each request to end.
    pub(crate) async fn watch(mut self, logger: Logger, mut terminate: impl FnMut(EndSignal)) {
        let mut interrupted = false;
        loop {
            let signal = tokio::select! {
                _ = self.terminate.recv() => EndSignal::Terminate,
                _ = self.interrupt.recv() => EndSignal::Interrupt,
                // The log file is opened for each write, so there is nothing to do.
                _ = self.hangup.recv() => continue,
            };
            if signal == EndSignal::Interrupt && std::mem::replace(&mut interrupted, true) {
                logger.signal("You insist... exiting now.");
                logger.flush();
                std::process::exit(1);
            }
            logger.signal(&format!("Received {} scheduling shutdown...", signal.name()));
            terminate(signal);
        }
    }
}
