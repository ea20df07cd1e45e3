//! The databases: keys with their values and times to live.
//!
//! A database is a [`Dict`] in order of insertion and an ordered index of expiry times. Nothing here decides when
//! an expired key goes; that is [`Exec`](crate::exec::Exec)'s rule for accesses and
//! [`Keyspace::expire_due`]'s for the rest.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::Prng;

use crate::block::Waiters;
use crate::dict::{Dict, HashKey, Order};
use crate::exec::{Effect, del_of};
use crate::settings::Settings;
use crate::types::Value;

/// How many databases there are.
pub(crate) const DATABASES: u32 = 16;

/// All data of a node.
#[derive(Clone, Debug)]
pub struct Keyspace {
    pub(crate) dbs: Vec<Db>,
    pub(crate) settings: Settings,
    pub(crate) prng: Prng,
    pub(crate) hash_key: HashKey,
    /// Versions of the keys that somebody watches, with the number of watchers.
    pub(crate) watched: BTreeMap<(u32, Bytes), (u64, u64)>,
    pub(crate) waiters: Waiters,
}

/// One database.
#[derive(Clone, Debug)]
pub struct Db {
    keys: Dict<Entry>,
    expiries: BTreeSet<(u64, Bytes)>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its value, never an empty collection.
    pub value: Value,
    /// When it expires, in milliseconds since the epoch.
    pub expire_at: Option<u64>,
    /// When it was last accessed, in milliseconds since the epoch, for OBJECT IDLETIME.
    pub(crate) accessed_at: u64,
}

impl Keyspace {
    /// An empty one. The seed serves the hash function and the commands that draw lots.
    #[must_use]
    pub fn new(seed: u64, settings: Settings) -> Self {
        let mut prng = Prng::new(seed);
        let hash_key = HashKey::new(prng.next_u64(), prng.next_u64());
        let dbs = (0..DATABASES).map(|_| Db::new(hash_key)).collect();
        Self { dbs, settings, prng, hash_key, watched: BTreeMap::new(), waiters: Waiters::default() }
    }

    /// The databases in order.
    #[must_use]
    pub fn dbs(&self) -> &[Db] {
        &self.dbs
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

    /// When the next key expires, in milliseconds since the epoch.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        self.dbs.iter().filter_map(Db::next_expiry).min()
    }

    /// Removes at most `limit` keys whose time has come, as a master does by itself. Each effect is a unit of
    /// its own.
    pub fn expire_due(&mut self, now_ms: u64, limit: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        for db in 0..DATABASES {
            while effects.len() < limit {
                let Some(key) = self.db(db).first_expired(now_ms) else {
                    break;
                };
                self.db_mut(db).remove(&key);
                self.signal(db, &key);
                effects.push(del_of(db, &key, self.settings.lazyfree_lazy_expire));
            }
        }
        effects
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
    pub(crate) fn signal_all(&mut self, db: u32, other: Option<u32>) {
        self.waiters.all_changed(db);
        let dbs = &self.dbs;
        let exists = |db: u32, key: &[u8]| dbs[db as usize].contains(key);
        for ((_, key), (version, _)) in self.watched.iter_mut().filter(|((of, _), _)| *of == db) {
            if exists(db, key) || other.is_some_and(|other| exists(other, key)) {
                *version += 1;
            }
        }
    }
}

impl Db {
    fn new(hash_key: HashKey) -> Self {
        Self { keys: Dict::new(hash_key), expiries: BTreeSet::new() }
    }

    /// How many keys there are, expired ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys have a time to live.
    #[must_use]
    pub fn expiries_len(&self) -> usize {
        self.expiries.len()
    }

    /// The entry of a key, expired or not.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Entry> {
        self.keys.get(key)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Entry)> {
        self.keys.iter()
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        self.keys.get_mut(key)
    }

    pub(crate) fn at(&self, position: usize) -> Option<(&Bytes, &Entry)> {
        self.keys.at(position)
    }

    pub(crate) fn keys(&self) -> &Dict<Entry> {
        &self.keys
    }

    /// Puts an entry in place of the one that is there.
    pub(crate) fn insert(&mut self, key: &[u8], entry: Entry) {
        let expire_at = entry.expire_at;
        if let Some(old) = self.keys.insert(key, entry)
            && let Some(at) = old.expire_at
        {
            self.forget_expiry(at, key);
        }
        if let Some(at) = expire_at {
            self.note_expiry(at, key);
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let (_, entry) = self.keys.remove(key, Order::Free)?;
        if let Some(at) = entry.expire_at {
            self.forget_expiry(at, key);
        }
        Some(entry)
    }

    /// Gives a key that exists another time to live.
    pub(crate) fn set_expiry(&mut self, key: &[u8], expire_at: Option<u64>) {
        let Some(entry) = self.keys.get_mut(key) else {
            return;
        };
        let old = core::mem::replace(&mut entry.expire_at, expire_at);
        if let Some(at) = old {
            self.forget_expiry(at, key);
        }
        if let Some(at) = expire_at {
            self.note_expiry(at, key);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.expiries.clear();
    }

    fn note_expiry(&mut self, at: u64, key: &[u8]) {
        // The name as the dictionary keeps it: shared, not copied again.
        let name = self.keys.get_full(key).map(|(name, _)| name.clone());
        if let Some(name) = name {
            self.expiries.insert((at, name));
        }
    }

    fn forget_expiry(&mut self, at: u64, key: &[u8]) {
        self.expiries.remove(&(at, Bytes::copy_from_slice(key)));
    }

    fn next_expiry(&self) -> Option<u64> {
        self.expiries.first().map(|(at, _)| at.saturating_add(1))
    }

    fn first_expired(&self, now_ms: u64) -> Option<Bytes> {
        let (at, key) = self.expiries.first()?;
        (*at < now_ms).then(|| key.clone())
    }
}

impl Entry {
    /// A value without a time to live.
    pub(crate) fn new(value: Value, now_ms: u64) -> Self {
        Self { value, expire_at: None, accessed_at: now_ms }
    }

    /// Whether its time has come: Redis waits until the millisecond is over.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expire_at.is_some_and(|at| now_ms > at)
    }
}

/// The same data: access times do not count.
impl PartialEq for Db {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, entry)| {
                other
                    .get(key)
                    .is_some_and(|found| found.value == entry.value && found.expire_at == entry.expire_at)
            })
    }
}
