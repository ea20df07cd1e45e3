//! The databases: keys with their values and times to live.
//!
//! Nothing here decides when an expired key goes; that is [`Exec`](crate::exec::Exec)'s rule for accesses and
//! [`Keyspace::expire_due`]'s for the rest.

use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_sansio::Prng;

use crate::access;
use crate::block::Waiters;
use crate::db::Db;
use crate::eviction::Candidate;
use crate::exec::{Effect, del_of};
use crate::functions::Functions;
use crate::garbage::Garbage;
use crate::index::HashKey;
use crate::settings::{MaxmemoryPolicy, Settings};
use crate::snapshot::SnapshotId;

/// All data of a node.
#[derive(Clone, Debug)]
pub struct Keyspace {
    pub(crate) dbs: Vec<Db>,
    pub(crate) settings: Settings,
    pub(crate) prng: Prng,
    pub(crate) hash_key: HashKey,
    /// Versions of the keys that somebody watches, with the number of watchers.
    pub(crate) watched: BTreeMap<(u32, Bytes), (u64, u64)>,
    /// What these and the same in the sessions take.
    pub(crate) watched_bytes: u64,
    pub(crate) waiters: Waiters,
    pub(crate) counters: Counters,
    pub(crate) eviction_pool: Vec<Candidate>,
    /// Under which policy the pool was filled.
    pub(crate) eviction_pool_policy: Option<MaxmemoryPolicy>,
    /// From which database a key was last evicted by lot.
    pub(crate) next_evicted_db: u32,
    /// Function libraries.
    pub(crate) functions: Functions,
    /// Sources of scripts by SHA-1 in hexadecimal.
    pub(crate) scripts: BTreeMap<Vec<u8>, Bytes>,
    /// What they take.
    pub(crate) scripts_bytes: u64,
    /// The snapshot that is being written, and how many there have been.
    pub(crate) snapshot: Option<SnapshotId>,
    pub(crate) snapshots: u32,
}

/// What INFO stats tells about keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// `keyspace_hits`: look-ups that found their key.
    pub hits: u64,
    /// `keyspace_misses`: look-ups that did not.
    pub misses: u64,
    /// `expired_subkeys`: fields of hashes removed because their time had come.
    pub expired_fields: u64,
    /// `expired_keys`: keys removed because their time had come.
    pub expired: u64,
    /// `evicted_keys`: keys removed to make room.
    pub evicted: u64,
}

/// What a keyspace takes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceMemory {
    /// Names and values.
    pub dataset: u64,
    /// The tables of keys and of times to live.
    pub tables: u64,
    /// Function libraries.
    pub functions: u64,
    /// Scripts.
    pub scripts: u64,
    /// What WATCH remembers.
    pub watched: u64,
}

impl KeyspaceMemory {
    /// All but the data.
    #[must_use]
    pub fn overhead(self) -> u64 {
        self.tables + self.functions + self.scripts + self.watched
    }
}

impl Keyspace {
    /// An empty one. The seed serves the hash function and the commands that draw lots.
    #[must_use]
    pub fn new(seed: u64, settings: Settings) -> Self {
        let mut prng = Prng::new(seed);
        let hash_key = HashKey::new(prng.next_u64());
        let dbs = (0..settings.databases.max(1)).map(|_| Db::new(hash_key)).collect();
        Self {
            dbs,
            settings,
            prng,
            hash_key,
            watched: BTreeMap::new(),
            watched_bytes: 0,
            waiters: Waiters::default(),
            counters: Counters::default(),
            eviction_pool: Vec::new(),
            eviction_pool_policy: None,
            next_evicted_db: 0,
            functions: Functions::default(),
            scripts: BTreeMap::new(),
            scripts_bytes: 0,
            snapshot: None,
            snapshots: 0,
        }
    }

    /// The databases in order.
    #[must_use]
    pub fn dbs(&self) -> &[Db] {
        &self.dbs
    }

    /// The function libraries.
    #[must_use]
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// How many databases there are.
    #[must_use]
    pub fn databases(&self) -> u32 {
        u32::try_from(self.dbs.len()).expect("they were counted by a u32")
    }

    /// The directives that commands look at.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same, for CONFIG SET. Values keep the encoding that they have until they grow.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// What INFO stats tells about keys.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Starts the counters anew.
    pub fn reset_counters(&mut self) {
        self.counters = Counters::default();
    }

    /// Whether no database has a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dbs.iter().all(Db::is_empty)
    }

    /// When the next key or field expires, in milliseconds since the epoch.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        self.dbs.iter().flat_map(|db| [db.next_expiry(), db.next_field_expiry()]).flatten().min()
    }

    /// Removes a key if its time has come. True if it is gone, or has no time to live.
    pub(crate) fn remove_if_due(&mut self, db: u32, key: &[u8], now_ms: u64) -> bool {
        let Some(entry) = self.db(db).get(key) else { return true };
        if !entry.is_expired(now_ms) {
            return entry.expire_at().is_none();
        }
        self.db_mut(db).delete(key);
        self.counters.expired += 1;
        self.signal(db, key);
        true
    }

    /// Removes at most `limit` keys and fields whose time has come, as a master does by itself. Each effect is a
    /// unit of its own.
    pub fn expire_due(&mut self, now_ms: u64, limit: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        for db in 0..self.databases() {
            while effects.len() < limit {
                let Some((key, _)) = self.db(db).first_expiring().filter(|(_, at)| *at < now_ms) else {
                    break;
                };
                let key = Bytes::copy_from_slice(key);
                self.db_mut(db).delete(&key);
                self.counters.expired += 1;
                self.signal(db, &key);
                effects.push(del_of(db, &key, self.settings.lazyfree_lazy_expire));
            }
            #[cfg(feature = "full")]
            self.expire_fields_due(db, now_ms, limit, &mut effects);
        }
        effects
    }

    /// What all databases take, names and indexes included, and what is kept beside them: what `used_memory` counts
    /// besides connections and the backlog. Not the bytes of the allocator but what follows from the data alone, so
    /// that it is the same wherever the same commands ran.
    #[must_use]
    pub fn used_memory(&self) -> u64 {
        let data: u64 = self.dbs.iter().map(Db::used_memory).sum();
        data + self.functions.used_memory() + self.scripts_bytes + self.watched_bytes
    }

    /// The same by what it is for.
    #[must_use]
    pub fn memory(&self) -> KeyspaceMemory {
        let data: u64 = self.dbs.iter().map(Db::used_memory).sum();
        let tables = self.dbs.iter().map(Db::tables_memory).map(|(keys, expiries)| keys + expiries).sum();
        KeyspaceMemory {
            dataset: data - tables,
            tables,
            functions: self.functions.used_memory(),
            scripts: self.scripts_bytes,
            watched: self.watched_bytes,
        }
    }

    /// How many scripts are kept.
    #[must_use]
    pub fn scripts_len(&self) -> usize {
        self.scripts.len()
    }

    /// Something large that was removed and is yet to be freed, which dropping it does. To be asked for after each
    /// turn; a host that has threads drops it there.
    pub fn take_garbage(&mut self) -> Option<Garbage> {
        self.dbs.iter_mut().find_map(Db::take_garbage)
    }

    /// What a key that is just made remembers of being used.
    pub(crate) fn first_access(&self, now_ms: u64) -> u32 {
        access::first(&self.settings, now_ms)
    }

    /// The same after one more use.
    pub(crate) fn next_access(&mut self, old: u32, now_ms: u64) -> u32 {
        access::next(&self.settings, &mut self.prng, old, now_ms)
    }

    pub(crate) fn db(&self, db: u32) -> &Db {
        &self.dbs[db as usize]
    }

    pub(crate) fn db_mut(&mut self, db: u32) -> &mut Db {
        &mut self.dbs[db as usize]
    }

    /// Tells those who watch a key or wait for it that it changed.
    pub(crate) fn signal(&mut self, db: u32, key: &[u8]) {
        self.waiters.changed(db, key);
        if self.watched.is_empty() {
            return;
        }
        if let Some((version, _)) = self.watched.get_mut(&(db, Bytes::copy_from_slice(key))) {
            *version += 1;
        }
    }

    /// Tells the watchers of keys of a database that may all have changed: those that exist, here or in `other`.
    pub(crate) fn signal_all(&mut self, db: u32, other: Option<u32>, now_ms: u64) {
        self.waiters.all_changed(db);
        let dbs = &self.dbs;
        // That one expired key takes the place of another, or of none, changes nothing for anybody.
        let exists =
            |db: u32, key: &[u8]| dbs[db as usize].get(key).is_some_and(|entry| !entry.is_expired(now_ms));
        for ((_, key), (version, _)) in self.watched.iter_mut().filter(|((of, _), _)| *of == db) {
            if exists(db, key) || other.is_some_and(|other| exists(other, key)) {
                *version += 1;
            }
        }
    }
}
