//! What a replica tells its master, and how patient it is.

use alloc::string::String;
use alloc::vec::Vec;

use picket_resp::command;
use picket_sansio::{Millis, Secret};

/// Settings of the replica side. A change counts from the next handshake on; `repl_timeout` at
/// once.
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
    /// `dual-channel-replication-enabled`: the master is told that it may send its snapshot over a connection of
    /// its own.
    pub dual_channel: bool,
    /// How much of the stream is stored meanwhile before no more of it is read; zero is no limit
    /// (`client-output-buffer-limit replica`). In effect at once.
    pub stored_bytes_max: u64,
}

impl LinkConfig {
    /// AUTH, where a password is configured.
    pub(super) fn auth_command(&self) -> Option<Secret> {
        let password = self.masterauth.as_ref()?;
        let mut words = Vec::from([&b"AUTH"[..]]);
        words.extend(self.masteruser.as_deref());
        words.push(password.expose());
        Some(Secret::new(command(words).to_vec()))
    }
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
            dual_channel: false,
            stored_bytes_max: 256 << 20,
        }
    }
}
