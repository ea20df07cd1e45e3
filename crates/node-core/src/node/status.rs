//! A plain picture of a node, for hosts, tests and interfaces.

use alloc::vec::Vec;

use picket_replication::{History, LinkStatus, MasterStatus};

use super::Node;
use crate::Db;

/// What a node is and has at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its stream, backlog and replicas.
    pub side: MasterStatus,
    /// Its way to its master; [`LinkStatus::master`] is none on a master.
    pub link: LinkStatus,
    /// The first load is over: clients are served.
    pub is_ready: bool,
    /// A file or a master's snapshot is being loaded.
    pub is_loading: bool,
    /// A snapshot is being made.
    pub is_saving: bool,
    /// Keys of each database, the first database first. Expired ones that nobody has touched count.
    pub keys: Vec<u64>,
    /// Effects of commands since the last snapshot on disk (`rdb_changes_since_last_save`).
    pub changes_since_save: u64,
}

impl Node {
    /// A database of the keyspace, to be looked at.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn db(&self, index: u32) -> &Db {
        &self.keyspace.dbs()[index as usize]
    }

    /// Its replication ids and its offset alone.
    #[must_use]
    pub fn history(&self) -> History {
        *self.side.history()
    }

    /// A number among its settings by the name of its directive, as CONFIG GET tells it; 0 if there is none of that name.
    #[must_use]
    pub fn setting(&self, name: &str) -> u64 {
        self.settings.number(name)
    }

    /// What it is and has at the moment.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        NodeStatus {
            side: self.side.status(),
            link: self.link.status(),
            is_ready: self.is_ready,
            is_loading: self.loading.is_some(),
            is_saving: self.saving.active.is_some(),
            keys: self.keyspace.dbs().iter().map(|db| db.len() as u64).collect(),
            changes_since_save: self.saving.dirty,
        }
    }
}
