//! Commands that wait for keys: who waits for which, and who is served first (`blocked.c`).
//!
//! A command that finds nothing says with [`Exec::block`](crate::exec::Exec::block) what it waits for. Whoever
//! runs commands parks the client with [`Keyspace::park`]. Each change of a key that somebody waits for makes the
//! key ready; after the unit that changed it, the waiting commands are run again in the order in which they came,
//! and each of them either answers or goes on waiting in its place.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

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
            #[cfg(feature = "full")]
            Self::List => matches!(value, Some(Value::List(_))),
            #[cfg(feature = "full")]
            Self::ZSet => matches!(value, Some(Value::ZSet(_))),
            #[cfg(feature = "full")]
            Self::Stream => matches!(value, Some(Value::Stream(_))),
            #[cfg(not(feature = "full"))]
            Self::List | Self::ZSet | Self::Stream => {
                let _ = value;
                false
            }
            Self::Group => true,
        }
    }
}

/// Who waits for which keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiters {
    by_key: BTreeMap<(u32, Bytes), Queue>,
    by_client: BTreeMap<ClientId, Parked>,
    /// Keys that changed since they were last looked at, each at most once.
    ready: VecDeque<(u32, Bytes)>,
    /// The changed key whose clients are being tried.
    serving: Option<Serving>,
    /// How often somebody began to wait.
    turns: u64,
}

/// Those who wait for one key, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Queue {
    clients: BTreeMap<u64, (ClientId, BlockKind)>,
    /// How many of them wait in a group, and so want to know also when the key vanishes.
    in_groups: usize,
    /// It is among the keys that changed.
    is_ready: bool,
}

#[derive(Clone, Debug)]
struct Parked {
    turn: u64,
    block: Block,
}

#[derive(Clone, Debug)]
struct Serving {
    key: (u32, Bytes),
    /// The first turn that was not tried yet.
    next: u64,
    /// Whoever came in this turn or later found the key as it is.
    end: u64,
}

impl Waiters {
    /// Notes that a key changed.
    pub(crate) fn changed(&mut self, db: u32, key: &[u8]) {
        if self.by_key.is_empty() {
            return;
        }
        let at = (db, Bytes::copy_from_slice(key));
        if let Some(queue) = self.by_key.get_mut(&at)
            && !core::mem::replace(&mut queue.is_ready, true)
        {
            self.ready.push_back(at);
        }
    }

    /// Notes that any key of a database may have changed.
    pub(crate) fn all_changed(&mut self, db: u32) {
        let keys: Vec<Bytes> =
            self.by_key.keys().filter(|(of, _)| *of == db).map(|(_, key)| key.clone()).collect();
        keys.iter().for_each(|key| self.changed(db, key));
    }

    /// The next changed key, from the first of its clients on.
    fn begin_serving(&mut self) -> Option<Serving> {
        loop {
            let key = self.ready.pop_front()?;
            if let Some(queue) = self.by_key.get_mut(&key) {
                queue.is_ready = false;
                return Some(Serving { key, next: 0, end: self.turns + 1 });
            }
        }
    }
}

impl Keyspace {
    /// A client waits. It had been answered nothing before.
    pub fn park(&mut self, client: ClientId, block: Block) {
        self.unpark(client);
        self.waiters.turns += 1;
        let turn = self.waiters.turns;
        for key in &block.keys {
            let key = Bytes::copy_from_slice(key);
            let queue = self.waiters.by_key.entry((block.db, key)).or_default();
            // A key that is named twice is waited for once.
            if queue.clients.insert(turn, (client, block.kind)).is_none() {
                queue.in_groups += usize::from(block.kind == BlockKind::Group);
            }
        }
        self.waiters.by_client.insert(client, Parked { turn, block });
    }

    /// A client waits no more: it was answered, its time is over, or it is gone. Returns what it waited for.
    pub fn unpark(&mut self, client: ClientId) -> Option<Block> {
        let Parked { turn, block } = self.waiters.by_client.remove(&client)?;
        for key in &block.keys {
            let at = (block.db, key.clone());
            if let Some(queue) = self.waiters.by_key.get_mut(&at)
                && queue.clients.remove(&turn).is_some()
            {
                queue.in_groups -= usize::from(block.kind == BlockKind::Group);
                if queue.clients.is_empty() {
                    self.waiters.by_key.remove(&at);
                }
            }
        }
        Some(block)
    }

    /// What a client waits for.
    #[must_use]
    pub fn parked(&self, client: ClientId) -> Option<&Block> {
        self.waiters.by_client.get(&client).map(|parked| &parked.block)
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
        self.waiters.by_key.values().filter(|queue| queue.in_groups > 0).count()
    }

    /// The next client to be tried again because a key became what it waits for, first come first. Of many who wait
    /// for a list mostly the first takes all that there is: the others are not asked for then. Nor is anybody for a key
    /// whose time has come: it stays until somebody else finds it expired.
    pub fn next_ready(&mut self, now_ms: u64) -> Option<ClientId> {
        loop {
            let serving = match self.waiters.serving.take() {
                Some(serving) => serving,
                None => self.waiters.begin_serving()?,
            };
            let Serving { key, next, end } = serving;
            let Some(queue) = self.waiters.by_key.get(&key) else { continue };
            let entry = self.db(key.0).get(&key.1).filter(|entry| !entry.is_expired(now_ms));
            let value = entry.map(|entry| &entry.value);
            if value.is_none() && queue.in_groups == 0 {
                continue;
            }
            let mut left = queue.clients.range(next..end);
            if let Some((turn, (client, _))) = left.find(|(_, (_, kind))| kind.fits(value)) {
                let client = *client;
                self.waiters.serving = Some(Serving { next: turn + 1, key, end });
                return Some(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;
    use crate::settings::Settings;

    fn block(key: &'static str, kind: BlockKind) -> Block {
        let keys = vec![Bytes::from_static(key.as_bytes()); 2];
        Block { db: 0, keys, kind, timeout: None, on_timeout: Reply::NullArray, args: Vec::new() }
    }

    fn run(keyspace: &mut Keyspace, line: &str) {
        use crate::exec::{Context, Origin};
        let context = Context {
            now_ms: 1,
            origin: Origin::Client,
            protocol: picket_resp::Protocol::Resp2,
            may_block: true,
        };
        let args: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let reply = keyspace.execute(&mut crate::Session::new(), context, &args).reply;
        assert!(!reply.is_error(), "{line}: {reply:?}");
    }

    #[test]
    fn a_key_is_ready_once_and_its_clients_in_turn() {
        let mut keyspace = Keyspace::new(1, Settings::default());
        for client in [3, 1, 2] {
            keyspace.park(ClientId(client), block("list", BlockKind::List));
        }
        keyspace.park(ClientId(4), block("list", BlockKind::Group));
        assert_eq!((keyspace.blocking_keys(), keyspace.blocking_keys_on_nokey()), (1, 1));
        run(&mut keyspace, "RPUSH list a b");
        run(&mut keyspace, "RPUSH list c");
        assert_eq!(keyspace.waiters.ready.len(), 1);
        assert_eq!(keyspace.next_ready(1), Some(ClientId(3)));
        keyspace.unpark(ClientId(1));
        // Who comes now found what there is.
        keyspace.park(ClientId(5), block("list", BlockKind::List));
        assert_eq!(keyspace.next_ready(1), Some(ClientId(2)));
        run(&mut keyspace, "DEL list");
        // Only a group is told of a key that vanished; the change itself comes after the one before.
        assert_eq!(keyspace.next_ready(1), Some(ClientId(4)));
        assert_eq!(keyspace.next_ready(1), Some(ClientId(4)));
        assert_eq!(keyspace.next_ready(1), None);
        for client in [2, 3, 4, 5] {
            assert!(keyspace.unpark(ClientId(client)).is_some());
        }
        assert_eq!((keyspace.blocking_keys(), keyspace.blocking_keys_on_nokey()), (0, 0));
    }

    /// A list that was looked through for each of these would take minutes.
    #[test]
    fn a_hundred_thousand_may_wait() {
        const CLIENTS: u64 = 100_000;
        let mut keyspace = Keyspace::new(1, Settings::default());
        for client in 1..=CLIENTS {
            keyspace.park(ClientId(client), block("list", BlockKind::List));
            let own = Block { keys: vec![format!("own:{client}").into()], ..block("", BlockKind::List) };
            keyspace.park(ClientId(CLIENTS + client), own);
        }
        for client in 1..=CLIENTS {
            run(&mut keyspace, &format!("RPUSH own:{client} x"));
        }
        for client in 1..=CLIENTS {
            assert_eq!(keyspace.next_ready(1), Some(ClientId(CLIENTS + client)));
        }
        assert_eq!(keyspace.next_ready(1), None);
        for client in 1..=CLIENTS {
            run(&mut keyspace, "RPUSH list x");
            assert_eq!(keyspace.next_ready(1), Some(ClientId(client)));
            keyspace.unpark(ClientId(client));
            run(&mut keyspace, "DEL list");
            assert_eq!(keyspace.next_ready(1), None);
        }
    }
}
