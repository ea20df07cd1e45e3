//! Putting a core and its host together.

use std::rc::Rc;

use picket_sentinel_core::{Config, Input, Sentinel};
use picket_server_core::ClientClass;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::config::ConfigStore;
use crate::errno::strerror;
use crate::host::{Clock, Host, HostOptions, Observer, Persister, Vitals, wall};
use crate::logging::Logger;
use crate::start::{bind_source, seed};
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
    let source = bind_source(&config.options)?;
    let client_limit = config.options.client_output_buffer_limit(ClientClass::Pubsub);
    let keepalive_s = config.options.tcp_keepalive_s();
    let vitals = Vitals::new(Some(store.path()), &config.options);
    brand.identify(&mut config.server.identity);
    let (answers, inbox) = unbounded_channel();
    let persister = Persister::start(answers, move |state| store.update(|old| state.rewrite(old)))
        .map_err(|error| format!("Can't start a thread: {}", strerror(&error)))?;
    let core = Sentinel::new(clock.now(), wall(), seed(), config);
    let options =
        HostOptions { core, clock, logger, persister, vitals, source, client_limit, keepalive_s, observer };
    Ok(Assembly { host: Host::new(options), inbox })
}
