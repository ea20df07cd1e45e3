//! What a Sentinel starts from: its config file, read and checked.
//!
//! The ordinary directives are server-core's; this module reads the `sentinel ...` lines. Nothing
//! here opens a file: the host gives the text, answers `include`, and says which files can be executed.

mod directives;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use picket_server_core::config::{
    ConfigError, ConfigLine, Included, LoadOptions, Loaded, Settings as Options, load,
};

use crate::addr::Addr;
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
    /// The ordinary directives.
    pub options: Options,
    /// `user` lines, in order.
    pub users: Vec<ConfigLine>,
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

/// The words of a config file that are not ordinary directives of server-core.
pub const SENTINEL_WORDS: &[&str] = &["sentinel"];

impl Config {
    /// What a Sentinel has without a word in its file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            settings: Settings::default(),
            my_id: None,
            current_epoch: 0,
            masters: Vec::new(),
            options: default_options(),
            users: Vec::new(),
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
        include: &mut dyn FnMut(&[u8]) -> Result<Vec<Included>, String>,
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
        let mut config = Self { options, users: loaded.users, ..Self::new() };
        config.settings.port = config.options.port();
        config.settings.requirepass = config.options.requirepass().cloned();
        directives::apply(&mut config, &loaded.application, is_executable)?;
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
    /// Without `user` lines, which can hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("settings", &self.settings)
            .field("my_id", &self.my_id)
            .field("current_epoch", &self.current_epoch)
            .field("masters", &self.masters)
            .field("options", &self.options)
            .field("users", &self.users.len())
            .field("working_dir", &self.working_dir)
            .finish()
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

#[cfg(test)]
mod tests;
