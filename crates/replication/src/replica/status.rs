//! A plain picture of a replica link, for ROLE, INFO and interfaces.

use alloc::string::String;

use picket_sansio::Time;

use super::event::LinkState;
use super::payload::PayloadSize;
use crate::ReplId;

/// What a replica link is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Host and port of the master, none if not a replica.
    pub master: Option<(String, u16)>,
    /// Where it stands.
    pub state: LinkState,
    /// The master's history, of the live link or the cached one.
    pub replid: Option<ReplId>,
    /// Bytes applied, of the live link or the cached one.
    pub reploff: Option<u64>,
    /// Bytes received.
    pub read_reploff: Option<u64>,
    /// The database that the stream has selected.
    pub stream_db: Option<u32>,
    /// When something was last received on a live link; none without one.
    pub last_io: Option<Time>,
    /// The snapshot that is being received or loaded.
    pub transfer: Option<TransferStatus>,
    /// Bytes of the stream that wait for the snapshot to be loaded, or to be applied after it.
    pub stored_bytes: u64,
    /// Since when the link is not connected; none if it is, or was never since becoming a replica.
    pub down_since: Option<Time>,
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferStatus {
    /// Its size; none before the header has come.
    pub size: Option<PayloadSize>,
    /// Bytes received.
    pub read_bytes: u64,
    /// When something was last received.
    pub last_io: Time,
}
