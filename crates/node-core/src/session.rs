//! What a connection means to the keyspace: its database and what it watches.

use picket_sansio::collections::BTreeMap;

use bytes::Bytes;

/// The state of one connection between its commands. The master's link has one too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The database that SELECT chose.
    pub db: u32,
    /// The keys of WATCH, each with its database.
    pub(crate) watched: BTreeMap<(u32, Bytes), Watched>,
}

/// A key as WATCH saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) version: u64,
    /// It was expired already, so that its removal is no change.
    pub(crate) was_expired: bool,
    /// It was there and not expired, so that its expiry is a change.
    pub(crate) was_visible: bool,
}

impl Session {
    /// A new connection: database 0, nothing watched.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys are watched.
    #[must_use]
    pub fn watched_len(&self) -> usize {
        self.watched.len()
    }
}
