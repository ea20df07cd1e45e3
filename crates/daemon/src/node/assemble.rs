//! Putting the core of a node and its host together.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::rc::Rc;

use picket_node_core::{Node, NodeInput, NodeOptions};
use picket_sansio::Prng;
use picket_server_core::Identity;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::files::Files;
use super::host::{HostOptions, NodeHost};
use crate::config::{ConfigStore, NodeSource};
use crate::errno::strerror;
use crate::host::{Clock, Vitals, wall};
use crate::logging::Logger;
use crate::start::{bind_source, seed};
use crate::version::Brand;

/// What surrounds a core.
pub(super) struct Surroundings {
    /// Where its files are.
    pub(super) folder: PathBuf,
    /// Its config file.
    pub(super) store: Option<ConfigStore>,
    pub(super) logger: Logger,
    pub(super) brand: Brand,
    pub(super) clock: Clock,
}

/// A host that is ready to be served.
pub(super) struct Assembly {
    pub(super) host: Rc<NodeHost>,
    pub(super) inbox: UnboundedReceiver<NodeInput<'static>>,
}

/// Makes a core and surrounds it.
///
/// # Errors
/// What is missing, for the log.
pub(super) fn assemble(source: NodeSource, surroundings: Surroundings) -> Result<Assembly, String> {
    let Surroundings { folder, store, logger, brand, clock } = surroundings;
    let NodeSource { settings, users, renames, .. } = source;
    let address = bind_source(&settings)?;
    let vitals = Vitals::new(store.as_ref().map(ConfigStore::path), &settings);
    let mut identity = Identity {
        name: "redis".to_owned(),
        version: String::new(),
        valkey_version: None,
        mode: "standalone".to_owned(),
        role: Some("master".to_owned()),
        run_id: Prng::new(seed()).hex(40),
        git_sha1: "00000000".to_owned(),
        build_id: String::new(),
    };
    brand.identify(&mut identity);
    let options = NodeOptions {
        settings,
        users,
        renames,
        identity,
        working_dir: folder.as_os_str().as_bytes().to_vec(),
        has_config_file: store.is_some(),
        seed: seed(),
        wall: wall(),
    };
    let core = Node::new(clock.now(), options).map_err(|error| error.to_string())?;
    let (answers, inbox) = unbounded_channel();
    let files = Files::start(folder, store, answers)
        .map_err(|error| format!("Can't start a thread: {}", strerror(&error)))?;
    let options = HostOptions { core, clock, logger, files, vitals, source: address };
    Ok(Assembly { host: NodeHost::new(options), inbox })
}
