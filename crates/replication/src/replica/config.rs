//! What a replica tells its master, and how patient it is.

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, Secret};

/// Settings of the replica side. A change counts from the next handshake on; `repl_timeout` at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// `REPLCONF listening-port`: `replica-announce-port`, or the port we listen on.
    pub listening_port: u16,
    /// `replica-announce-ip`.
    pub announce_ip: Option<String>,
    /// `masteruser`.
    pub masteruser: Option<Vec<u8>>,
    /// `masterauth`.
    pub masterauth: Option<Secret>,
    /// `REPLCONF version`, told to Valkey masters; Redis tolerates it with an error.
    pub version: Option<String>,
    /// `repl-timeout`.
    pub repl_timeout: Millis,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            listening_port: 6379,
            announce_ip: None,
            masteruser: None,
            masterauth: None,
            version: None,
            repl_timeout: Millis(60_000),
        }
    }
}
