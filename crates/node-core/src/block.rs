//! Commands that wait for keys: who waits for which, and who is served first (`blocked.c`).
//!
//! A command that finds nothing says with [`Exec::block`](crate::exec::Exec::block) what it waits for. Whoever
//! runs commands parks the client with [`Keyspace::park`]. Each change of a key that somebody waits for makes the
//! key ready; after the unit that changed it, the waiting commands are run again in the order in which they came,
//! and each of them either answers or goes on waiting in its place.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis};

use crate::keyspace::Keyspace;
use crate::types::Value;

/// What a command waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The database of its keys.
    pub db: u32,
    /// Its keys.
    pub keys: Vec<Bytes>,
    /// What they have to become.
    pub kind: BlockKind,
    /// For how long; none for ever.
    pub timeout: Option<Millis>,
    /// The answer when that time is over.
    pub on_timeout: Reply,
    /// The words with which it is run again: the client's, or what they meant when it began to wait.
    pub args: Vec<Bytes>,
}

/// What a key has to become for a command to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A list.
    List,
    /// A sorted set.
    ZSet,
    /// A stream.
    Stream,
    /// A stream with a consumer group: that it vanished or became something else is an answer too.
    Group,
}

impl BlockKind {
    /// Whether a command may go on with this value, or with none.
    fn fits(self, value: Option<&Value>) -> bool {
        match self {
            Self::List => matches!(value, Some(Value::List(_))),
            Self::ZSet => matches!(value, Some(Value::ZSet(_))),
            Self::Stream => matches!(value, Some(Value::Stream(_))),
            Self::Group => true,
        }
    }
}

/// Who waits for which keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiters {
    by_key: BTreeMap<(u32, Bytes), VecDeque<ClientId>>,
    by_client: BTreeMap<ClientId, Block>,
    /// Keys that changed since they were last looked at, each at most once.
    ready: VecDeque<(u32, Bytes)>,
}

impl Waiters {
    /// Notes that a key changed.
    pub(crate) fn changed(&mut self, db: u32, key: &[u8]) {
        if self.by_key.is_empty() {
            return;
        }
        let at = (db, Bytes::copy_from_slice(key));
        if self.by_key.contains_key(&at) && !self.ready.contains(&at) {
            self.ready.push_back(at);
        }
    }

    /// Notes that any key of a database may have changed.
    pub(crate) fn all_changed(&mut self, db: u32) {
        let keys: Vec<Bytes> =
            self.by_key.keys().filter(|(of, _)| *of == db).map(|(_, key)| key.clone()).collect();
        keys.iter().for_each(|key| self.changed(db, key));
    }
}

impl Keyspace {
    /// A client waits. It had been answered nothing before.
    pub fn park(&mut self, client: ClientId, block: Block) {
        self.unpark(client);
        for key in &block.keys {
            let key = Bytes::copy_from_slice(key);
            let waiting = self.waiters.by_key.entry((block.db, key)).or_default();
            if !waiting.contains(&client) {
                waiting.push_back(client);
            }
        }
        self.waiters.by_client.insert(client, block);
    }

    /// A client waits no more: it was answered, its time is over, or it is gone. Returns what it waited for.
    pub fn unpark(&mut self, client: ClientId) -> Option<Block> {
        let block = self.waiters.by_client.remove(&client)?;
        for key in &block.keys {
            let at = (block.db, key.clone());
            if let Some(waiting) = self.waiters.by_key.get_mut(&at) {
                waiting.retain(|other| *other != client);
                if waiting.is_empty() {
                    self.waiters.by_key.remove(&at);
                }
            }
        }
        Some(block)
    }

    /// What a client waits for.
    #[must_use]
    pub fn parked(&self, client: ClientId) -> Option<&Block> {
        self.waiters.by_client.get(&client)
    }

    /// Whether one of the keys that a client waits for is still what it needs: others may have been served before.
    #[must_use]
    pub fn may_go_on(&self, client: ClientId) -> bool {
        self.waiters.by_client.get(&client).is_some_and(|block| {
            let db = self.db(block.db);
            block.keys.iter().any(|key| block.kind.fits(db.get(key).map(|entry| &entry.value)))
        })
    }

    /// Those who wait for keys, in order.
    pub fn parked_clients(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.waiters.by_client.keys().copied()
    }

    /// How many keys somebody waits for.
    #[must_use]
    pub fn blocking_keys(&self) -> usize {
        self.waiters.by_key.len()
    }

    /// How many keys somebody waits for who wants to know also when they vanish.
    #[must_use]
    pub fn blocking_keys_on_nokey(&self) -> usize {
        let waits = |client: &ClientId| {
            self.waiters.by_client.get(client).is_some_and(|block| block.kind == BlockKind::Group)
        };
        self.waiters.by_key.values().filter(|waiting| waiting.iter().any(waits)).count()
    }

    /// The clients to be tried again because of the next key that became what they wait for, first come first.
    pub fn next_ready(&mut self) -> Option<Vec<ClientId>> {
        loop {
            let at = self.waiters.ready.pop_front()?;
            let Some(waiting) = self.waiters.by_key.get(&at) else { continue };
            let value = self.db(at.0).get(&at.1).map(|entry| &entry.value);
            let serves = |client: &ClientId| {
                self.waiters.by_client.get(client).is_some_and(|block| block.kind.fits(value))
            };
            let clients: Vec<ClientId> = waiting.iter().copied().filter(serves).collect();
            if !clients.is_empty() {
                return Some(clients);
            }
        }
    }
}
