//! What a node is told when it is made.

use alloc::vec::Vec;
use core::fmt;

use picket_sansio::WallTime;
use picket_server_core::config::ConfigLine;
use picket_server_core::{Identity, Settings};

/// What a node is told when it is made.
#[derive(Clone)]
pub struct NodeOptions {
    /// The directives of redis.conf.
    pub settings: Settings,
    /// Its `user` lines.
    pub users: Vec<ConfigLine>,
    /// Its `rename-command` lines.
    pub renames: Vec<ConfigLine>,
    /// Who it says it is.
    pub identity: Identity,
    /// The folder in which it keeps its files; `CONFIG REWRITE` names it.
    pub working_dir: Vec<u8>,
    /// Whether there is a file that `CONFIG REWRITE` can rewrite.
    pub has_config_file: bool,
    /// The only chance in it.
    pub seed: u64,
    /// What the calendar says.
    pub wall: WallTime,
}

impl fmt::Debug for NodeOptions {
    // Users' lines hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeOptions").field("identity", &self.identity).finish_non_exhaustive()
    }
}
