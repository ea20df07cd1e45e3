//! What a connection means to the keyspace: its database and its transaction.

use alloc::vec::Vec;

use bytes::Bytes;

/// The state of one connection between its commands. The master's link has one too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The database that SELECT chose.
    pub db: u32,
    /// The commands after MULTI, if it is under way.
    pub(crate) transaction: Option<Transaction>,
    /// The keys of WATCH.
    pub(crate) watched: Vec<WatchedKey>,
}

/// Commands that wait for EXEC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) queued: Vec<Vec<Bytes>>,
    /// A command could not be queued, so EXEC will refuse.
    pub(crate) aborted: bool,
}

/// A key as WATCH saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchedKey {
    pub(crate) db: u32,
    pub(crate) key: Bytes,
    pub(crate) version: u64,
    /// It was expired already, so that its removal is no change.
    pub(crate) was_expired: bool,
}

impl Session {
    /// A new connection: database 0, no transaction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether MULTI was given and EXEC or DISCARD was not.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Makes EXEC refuse, since a command was turned away before it came here.
    pub fn abort_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.aborted = true;
        }
    }
}
