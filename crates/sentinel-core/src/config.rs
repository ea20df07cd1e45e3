//! What a Sentinel starts from: its config file, read and checked.
//!
//! The ordinary directives are server-core's; this module reads the `sentinel ...` lines. Nothing
//! here opens a file: the host gives the text, answers `include`, and says which files can be executed.

mod directives;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use picket_server_core::config::{ConfigError, Included, LoadOptions, Loaded, Settings as Options, load};
use picket_server_core::{Identity, ServerOptions};

use crate::addr::Addr;
use crate::commands::COMMANDS;
use crate::settings::{MasterSettings, Settings};

/// Everything that [`Sentinel::new`](crate::Sentinel) needs to know from disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Settings of the Sentinel as a whole.
    pub settings: Settings,
    /// `myid`, if the file has one.
    pub my_id: Option<String>,
    /// The highest epoch that the file mentions.
    pub current_epoch: u64,
    /// The monitored masters, in the order of their `monitor` lines.
    pub masters: Vec<MasterConfig>,
    /// The ordinary directives. Limits of clients are taken from here.
    pub options: Options,
    /// Users, renamed commands, and who we say we are. The run id in it is replaced by a new one.
    pub server: ServerOptions,
    /// The directory that the process works in, which a rewriting always names; empty if that is
    /// not to be said. The host sets it, after it has changed to `dir`.
    pub working_dir: Vec<u8>,
}

/// A master as the config file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterConfig {
    /// Its name.
    pub name: String,
    /// Where it was when the file was written.
    pub addr: Addr,
    /// What the operator set.
    pub settings: MasterSettings,
    /// The epoch of the configuration in force.
    pub config_epoch: u64,
    /// The epoch of our last vote about it.
    pub leader_epoch: u64,
    /// Its known replicas.
    pub replicas: Vec<Addr>,
    /// The other Sentinels that watch it: address and run id.
    pub sentinels: Vec<(Addr, String)>,
}

/// Answers the pattern of an `include` line with the files it stands for, or with why there are none.
pub type Include<'a> = dyn FnMut(&[u8]) -> Result<Vec<Included>, String> + 'a;

/// The words of a config file that are not ordinary directives of server-core.
pub const SENTINEL_WORDS: &[&str] = &["sentinel"];

impl Config {
    /// What a Sentinel has without a word in its file.
    #[must_use]
    pub fn new() -> Self {
        let options = default_options();
        let server =
            server_options(&options, &Loaded::default()).expect("there is no line that could be wrong");
        Self::with_defaults(options, server)
    }

    fn with_defaults(options: Options, server: ServerOptions) -> Self {
        let settings = Settings {
            port: options.port(),
            requirepass: options.requirepass().cloned(),
            ..Settings::default()
        };
        Self {
            settings,
            my_id: None,
            current_epoch: 0,
            masters: Vec::new(),
            options,
            server,
            working_dir: Vec::new(),
        }
    }

    /// Reads `text`, the content of `file`. `include` answers `include` lines, `is_executable` says
    /// whether a script can be run.
    ///
    /// # Errors
    /// The first line that cannot be accepted, with Redis's reason.
    pub fn read(
        file: &str,
        text: &[u8],
        include: &mut Include<'_>,
        is_executable: &dyn Fn(&str) -> bool,
    ) -> Result<Self, ConfigError> {
        let mut options = default_options();
        let words = LoadOptions { words: SENTINEL_WORDS, foreign: &[] };
        let loaded = load(file, text, &mut options, words, include)?;
        Self::parse(options, loaded, is_executable)
    }

    /// Checks what [`load`] left over for us. The `sentinel` lines are taken in three passes, so
    /// that their order in the file does not matter: globals, `monitor`, the rest.
    ///
    /// # Errors
    /// The first line that cannot be accepted, with Redis's reason.
    pub fn parse(
        options: Options,
        loaded: Loaded,
        is_executable: &dyn Fn(&str) -> bool,
    ) -> Result<Self, ConfigError> {
        let server = server_options(&options, &loaded)?;
        let Loaded { application, .. } = loaded;
        let mut config = Self::with_defaults(options, server);
        directives::apply(&mut config, &application, is_executable)?;
        Ok(config)
    }

    /// The master of that name.
    #[must_use]
    pub fn master(&self, name: &str) -> Option<&MasterConfig> {
        self.masters.iter().find(|master| master.name == name)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Config {
    /// Without the users, whose passwords are none of anybody's business even as digests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("settings", &self.settings)
            .field("my_id", &self.my_id)
            .field("current_epoch", &self.current_epoch)
            .field("masters", &self.masters)
            .field("options", &self.options)
            .field("identity", &self.server.identity)
            .field("working_dir", &self.working_dir)
            .finish_non_exhaustive()
    }
}

/// The ordinary directives as a Sentinel starts with them; a few differ from a data server's.
#[must_use]
pub fn default_options() -> Options {
    let mut options = Options::new();
    for (name, value) in [("port", "26379"), ("protected-mode", "no")] {
        options.set(name, value.as_bytes()).expect("the names and values are valid directives");
    }
    options
}

/// Users, renamed commands and limits as the file has them.
fn server_options(options: &Options, loaded: &Loaded) -> Result<ServerOptions, ConfigError> {
    let identity = Identity {
        name: "redis".into(),
        version: REDIS_VERSION.into(),
        valkey_version: None,
        mode: "sentinel".into(),
        role: None,
        run_id: String::new(),
        git_sha1: "00000000".into(),
        build_id: "0".into(),
    };
    ServerOptions::from_settings(options, &loaded.users, &loaded.renames, COMMANDS, identity)
}

/// The release whose Sentinel this is like, until the host says otherwise.
const REDIS_VERSION: &str = "7.4.0";

#[cfg(test)]
mod tests;
