//! Putting a core and its host together.

use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::rc::Rc;

use picket_sentinel_core::{Config, Input, Sentinel};
use picket_server_core::ClientClass;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::config::ConfigStore;
use crate::errno::strerror;
use crate::host::{Clock, Host, HostOptions, Observer, Persister, Vitals, wall};
use crate::logging::Logger;
use crate::version::Brand;

/// What surrounds a core.
pub(crate) struct Surroundings {
    pub(crate) store: ConfigStore,
    pub(crate) logger: Logger,
    pub(crate) brand: Brand,
    pub(crate) clock: Clock,
    pub(crate) observer: Option<Observer>,
}

/// A host that is ready to be served.
pub(crate) struct Assembly {
    pub(crate) host: Rc<Host>,
    pub(crate) inbox: UnboundedReceiver<Input>,
}

/// Makes a core of `config` and surrounds it.
///
/// # Errors
/// What is missing, for the log.
pub(crate) fn assemble(mut config: Config, surroundings: Surroundings) -> Result<Assembly, String> {
    let Surroundings { store, logger, brand, clock, observer } = surroundings;
    let source = bind_source(&config)?;
    let client_limit = config.options.client_output_buffer_limit(ClientClass::Pubsub);
    let vitals = Vitals::new(store.path(), &config.options);
    brand.identify(&mut config.server.identity);
    let (answers, inbox) = unbounded_channel();
    let persister = Persister::start(answers, move |state| store.update(|old| state.rewrite(old)))
        .map_err(|error| format!("Can't start a thread: {}", strerror(&error)))?;
    let core = Sentinel::new(clock.now(), wall(), seed(), config);
    let options = HostOptions { core, clock, logger, persister, vitals, source, client_limit, observer };
    Ok(Assembly { host: Host::new(options), inbox })
}

/// The directory that a rewritten config file names.
pub(crate) fn working_dir() -> Vec<u8> {
    std::env::current_dir().map(|dir| dir.as_os_str().as_bytes().to_vec()).unwrap_or_default()
}

fn bind_source(config: &Config) -> Result<Option<IpAddr>, String> {
    let Some(text) = config.options.bind_source_addr() else { return Ok(None) };
    let text = String::from_utf8_lossy(text);
    text.parse().map(Some).map_err(|_| format!("bind-source-addr takes an IP address, not '{text}'"))
}

/// Chance from the system: run ids must not repeat from one process to the next.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    match std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)) {
        Ok(()) => u64::from_le_bytes(bytes),
        // A system without that device still has a clock and process ids.
        Err(_) => wall().0 ^ (u64::from(std::process::id()) << 40),
    }
}
