//! Running commands: what every one of them may use, and how what it did becomes a unit of the replication stream.
//!
//! A command changes data through [`Exec`], says with [`Exec::changed`] which key it changed, and leaves the
//! stream to the frame, which puts the request into it as it came. A command whose canonical form is another
//! says so with [`Exec::propagate`].

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, Reply};
use picket_sansio::Millis;

use crate::block::{Block, BlockKind};
use crate::command::Command;
use crate::commands::{self, COMMANDS};
use crate::db::Db;
use crate::entry::Entry;
use crate::fault::{Answer, Fault};
use crate::keyspace::Keyspace;
use crate::session::Session;
use crate::types::{Kind, Value};

/// On whose behalf a command runs, which decides what becomes of expired keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of a master: an expired key is removed when it is touched, and the stream says so.
    Client,
    /// A client of a replica: an expired key is not there, but only the master removes it.
    ReplicaClient,
    /// The master's stream: a key is there until the master says otherwise.
    Master,
}

/// Where and when a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The calendar time in milliseconds since the epoch.
    pub now_ms: u64,
    /// On whose behalf.
    pub origin: Origin,
    /// The protocol of the connection: some replies nest in RESP3 only.
    pub protocol: Protocol,
    /// Whether a command may wait for its keys: not inside a transaction and not in a master's stream.
    pub may_block: bool,
}

/// A canonical command for replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The database in which it has to run.
    pub db: u32,
    /// Its words.
    pub args: Vec<Bytes>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer to the client.
    pub reply: Reply,
    /// What goes into the stream, in order; nothing if no data changed.
    pub effects: Vec<Effect>,
    /// Whether several effects are one unit, to be wrapped in MULTI and EXEC. Keys that a command like SCAN found
    /// expired are each a unit of their own.
    pub is_unit: bool,
    /// What `rdb_changes_since_last_save` counts: the members, fields and keys that it changed. Keys that it merely
    /// found expired are not among them.
    pub changes: u64,
    /// The command waits and `reply` means nothing; nothing has changed but what its look-ups found expired.
    pub block: Option<Block>,
}

/// What a command works with.
pub(crate) struct Exec<'a> {
    pub(crate) keyspace: &'a mut Keyspace,
    pub(crate) session: &'a mut Session,
    pub(crate) context: Context,
    effects: Vec<Effect>,
    is_unit: bool,
    /// Data changed, so that the command goes into the stream.
    dirty: bool,
    /// How much of it, as Redis counts.
    changes: u64,
    /// What goes there instead of the request.
    canonical: Option<Vec<Vec<Bytes>>>,
    /// What it waits for.
    block: Option<Block>,
}

impl Keyspace {
    /// Runs a request of a connection. Permissions, roles and everything else that refuses a command were checked
    /// before.
    pub fn execute(&mut self, session: &mut Session, context: Context, args: &[Bytes]) -> Outcome {
        match named(args) {
            Ok(at) => self.execute_command(session, context, &COMMANDS[at], args),
            Err(fault) => {
                Outcome { reply: fault.into(), effects: Vec::new(), is_unit: true, changes: 0, block: None }
            }
        }
    }

    /// The same for a command that was looked up before, with the number of words that it takes.
    pub fn execute_command(
        &mut self,
        session: &mut Session,
        context: Context,
        command: &'static Command,
        args: &[Bytes],
    ) -> Outcome {
        let mut exec = Exec {
            keyspace: self,
            session,
            context,
            effects: Vec::new(),
            is_unit: true,
            dirty: false,
            changes: 0,
            canonical: None,
            block: None,
        };
        let reply = exec.call(command, args).unwrap_or_else(Reply::from);
        let Exec { effects, is_unit, changes, block, .. } = exec;
        Outcome { reply, effects, is_unit, changes, block }
    }
}

impl Exec<'_> {
    /// Runs one command and notes what it means to the stream.
    fn call(&mut self, command: &Command, args: &[Bytes]) -> Answer {
        let db = self.session.db;
        self.dirty = false;
        self.canonical = None;
        if commands::touches_arbitrary_keys(command) {
            self.is_unit = false;
        }
        let answer = (command.run)(self, args);
        match self.canonical.take() {
            Some(list) => self.effects.extend(list.into_iter().map(|args| Effect { db, args })),
            None if self.dirty => self.effects.push(Effect { db, args: args.to_vec() }),
            None => {}
        }
        answer
    }

    pub(crate) fn db(&self) -> &Db {
        self.keyspace.db(self.session.db)
    }

    pub(crate) fn db_mut(&mut self) -> &mut Db {
        self.keyspace.db_mut(self.session.db)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.context.now_ms
    }

    /// Notes that a key of the selected database changed.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        self.changed_by(key, 1);
    }

    /// The same for so many changes: members, fields, elements. None where another key stands for the command.
    pub(crate) fn changed_by(&mut self, key: &[u8], changes: usize) {
        self.changed_in(self.session.db, key, changes);
    }

    pub(crate) fn changed_in(&mut self, db: u32, key: &[u8], changes: usize) {
        self.keyspace.signal(db, key);
        self.always_propagate(changes);
    }

    /// Waits until one of these keys has become what the command needs, and then runs it again with these words;
    /// where nothing may wait it is answered as when the time is over. What the command returns is of no matter.
    pub(crate) fn block(
        &mut self,
        kind: BlockKind,
        keys: &[Bytes],
        timeout: Option<Millis>,
        on_timeout: Reply,
        args: &[Bytes],
    ) -> Answer {
        if self.context.may_block {
            let on_timeout = on_timeout.clone();
            let (db, keys, args) = (self.session.db, keys.to_vec(), args.to_vec());
            self.block = Some(Block { db, keys, kind, timeout, on_timeout, args });
        }
        Ok(on_timeout)
    }

    /// Lets those who wait for a key look again, although it did not change for those who watch it.
    pub(crate) fn wake(&mut self, key: &[u8]) {
        self.keyspace.waiters.changed(self.session.db, key);
    }

    /// Puts something into the stream before what the command is there itself.
    pub(crate) fn add_effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Puts the request into the stream, with so many changes, although no key is known to have changed.
    pub(crate) fn always_propagate(&mut self, changes: usize) {
        self.dirty = true;
        self.count_changes(changes);
    }

    /// Counts changes of which the stream is told otherwise, or nothing.
    pub(crate) fn count_changes(&mut self, changes: usize) {
        self.changes += changes as u64;
    }

    /// Puts this into the stream instead of the request; may be called several times.
    pub(crate) fn propagate(&mut self, args: impl IntoIterator<Item = Bytes>) {
        self.canonical.get_or_insert_default().push(args.into_iter().collect());
    }

    /// The same if something was changed.
    pub(crate) fn propagate_if_changed(&mut self, args: impl IntoIterator<Item = Bytes>) {
        if self.dirty {
            self.propagate(args);
        }
    }

    /// Puts a DEL of a key into the stream instead of the request.
    pub(crate) fn propagate_del(&mut self, key: &Bytes, lazy: bool) {
        self.propagate([del_name(lazy), key.clone()]);
    }

    /// Applies the rule for expired keys: afterwards a key that this command must not see is not seen.
    /// Returns whether the key is there.
    pub(crate) fn touch(&mut self, key: &[u8]) -> bool {
        self.touch_in(self.session.db, key)
    }

    pub(crate) fn touch_in(&mut self, db: u32, key: &[u8]) -> bool {
        self.find_in(db, key).is_some()
    }

    /// Where the entry of a key is that this command may see, by the same rule; changes move entries.
    pub(crate) fn find(&mut self, key: &[u8]) -> Option<usize> {
        self.find_in(self.session.db, key)
    }

    fn find_in(&mut self, db: u32, key: &[u8]) -> Option<usize> {
        let position = self.find_untouched(db, key)?;
        let (_, entry) = self.keyspace.db(db).at(position)?;
        let access = self.keyspace.next_access(entry.access, self.context.now_ms);
        self.keyspace.db_mut(db).note_access(position, access);
        Some(position)
    }

    fn find_untouched(&mut self, db: u32, key: &[u8]) -> Option<usize> {
        let position = self.keyspace.db(db).position(key)?;
        let (_, entry) = self.keyspace.db(db).at(position)?;
        if !entry.is_expired(self.context.now_ms) {
            return Some(position);
        }
        match self.context.origin {
            Origin::Master => Some(position),
            Origin::ReplicaClient => None,
            Origin::Client => {
                self.keyspace.db_mut(db).delete(key);
                self.keyspace.counters.expired += 1;
                self.keyspace.signal(db, key);
                self.effects.push(del_of(db, key, self.keyspace.settings.lazyfree_lazy_expire));
                None
            }
        }
    }

    /// The entry of a key as this command may see it.
    pub(crate) fn entry(&mut self, key: &[u8]) -> Option<&Entry> {
        let position = self.find(key);
        let counters = &mut self.keyspace.counters;
        *(if position.is_some() { &mut counters.hits } else { &mut counters.misses }) += 1;
        self.db().at(position?).map(|(_, entry)| entry)
    }

    /// The same without being a use of the key.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let position = self.peek_position(key)?;
        self.db().at(position).map(|(_, entry)| entry)
    }

    /// Where it is.
    pub(crate) fn peek_position(&mut self, key: &[u8]) -> Option<usize> {
        self.find_untouched(self.session.db, key)
    }

    /// The value of a key if it is of the type that the command works on.
    pub(crate) fn get<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&T>, Fault> {
        match self.entry(key) {
            None => Ok(None),
            Some(entry) => T::of(&entry.value).map(Some).ok_or(Fault::WRONG_TYPE),
        }
    }

    /// The same, to change it. Whoever does says so with [`Exec::changed`].
    pub(crate) fn get_mut<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Fault> {
        let Some(position) = self.find(key) else {
            return Ok(None);
        };
        self.open(position).map(Some)
    }

    /// The same, made from nothing if there is no such key.
    pub(crate) fn get_or_create<T: Kind>(&mut self, key: &[u8]) -> Result<&mut T, Fault> {
        let found = self.find(key);
        self.found_or_create(found, key)
    }

    /// The same for a key that was just looked up with [`Exec::find`].
    pub(crate) fn found_or_create<T: Kind>(
        &mut self,
        found: Option<usize>,
        key: &[u8],
    ) -> Result<&mut T, Fault> {
        let position = match found {
            Some(position) => position,
            None => {
                let value = T::empty(self.keyspace.hash_key).into();
                self.put(self.session.db, None, key, value, None)
            }
        };
        self.open(position)
    }

    /// The value at a position that was just found.
    pub(crate) fn found<T: Kind>(&self, found: Option<usize>) -> Result<Option<&T>, Fault> {
        match found.and_then(|position| self.db().at(position)) {
            None => Ok(None),
            Some((_, entry)) => T::of(&entry.value).map(Some).ok_or(Fault::WRONG_TYPE),
        }
    }

    /// The value at a position that was found, to be changed, if it is of this type.
    fn open<T: Kind>(&mut self, position: usize) -> Result<&mut T, Fault> {
        let (_, entry) = self.db().at(position).expect("it was found there");
        if T::of(&entry.value).is_none() {
            return Err(Fault::WRONG_TYPE);
        }
        let entry = self.db_mut().open(position).expect("it was found there");
        T::of_mut(&mut entry.value).ok_or(Fault::WRONG_TYPE)
    }

    /// Puts a value in place of whatever is there; a time to live goes.
    pub(crate) fn set(&mut self, key: &[u8], value: impl Into<Value>) {
        self.set_in(self.session.db, key, value, None);
    }

    pub(crate) fn set_in(&mut self, db: u32, key: &[u8], value: impl Into<Value>, expire_at: Option<u64>) {
        let found = self.keyspace.db(db).position(key);
        self.put(db, found, key, value.into(), expire_at);
        self.changed_in(db, key, 1);
    }

    /// The same for a key of the selected database that was just looked up with [`Exec::find`].
    pub(crate) fn set_found(
        &mut self,
        found: Option<usize>,
        key: &[u8],
        value: impl Into<Value>,
        expire_at: Option<u64>,
    ) {
        self.put(self.session.db, found, key, value.into(), expire_at);
        self.changed(key);
    }

    /// Puts an entry where the key was found, or a new one, and tells where it is.
    fn put(
        &mut self,
        db: u32,
        mut found: Option<usize>,
        key: &[u8],
        value: Value,
        expire_at: Option<u64>,
    ) -> usize {
        if found.is_none() && self.context.origin == Origin::ReplicaClient {
            // It may be there, expired.
            found = self.keyspace.db(db).position(key);
        }
        let access = self.keyspace.first_access(self.context.now_ms);
        let entry = Entry::new(value, access).with_expiry(expire_at);
        let keys = self.keyspace.db_mut(db);
        match found {
            Some(position) => {
                keys.replace(position, entry);
                position
            }
            None => {
                keys.insert_new(key, entry);
                keys.len() - 1
            }
        }
    }

    /// Puts a value in place of whatever is there; a time to live stays.
    pub(crate) fn set_keep_ttl(&mut self, key: &[u8], value: impl Into<Value>) {
        let expire_at = self.db().get(key).and_then(Entry::expire_at);
        self.set_in(self.session.db, key, value, expire_at);
    }

    /// Removes a key; false if there was none.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let removed = self.db_mut().delete(key);
        if removed {
            self.changed(key);
        }
        removed
    }

    /// Notes that so many items of a collection changed, and removes its key if nothing is left in it.
    pub(crate) fn changed_collection(&mut self, key: &[u8], changes: usize) {
        if self.db().get(key).is_some_and(|entry| entry.value.is_empty()) {
            self.db_mut().delete(key);
        }
        self.changed_by(key, changes);
    }
}

/// Where the command that the words of a request name stands in [`COMMANDS`], if their number fits.
pub(crate) fn named(args: &[Bytes]) -> Result<usize, Fault> {
    named_by(args.first().map_or(&[][..], |name| &name[..]), args)
}

/// The same for a request whose first word stands for this name.
pub(crate) fn named_by(name: &[u8], args: &[Bytes]) -> Result<usize, Fault> {
    let at = commands::position(name).ok_or_else(|| Fault::unknown_command(args))?;
    let command = &COMMANDS[at];
    if !command.spec.arity_fits(args.len()) {
        return Err(Fault::wrong_arity(command.spec.name));
    }
    if let (Some(name), false) = (args.get(1), command.spec.subcommands.is_empty()) {
        let container = command.spec.name;
        let Some(subcommand) = command.spec.subcommand(name) else {
            return Err(Fault::unknown_subcommand(&container.to_ascii_uppercase(), name));
        };
        if !subcommand.arity_fits(args.len()) {
            return Err(Fault::wrong_arity(&format!("{container}|{}", subcommand.name)));
        }
    }
    Ok(at)
}

/// The removal of a key as the stream tells it.
pub(crate) fn del_of(db: u32, key: &[u8], lazy: bool) -> Effect {
    Effect { db, args: [del_name(lazy), Bytes::copy_from_slice(key)].into() }
}

fn del_name(lazy: bool) -> Bytes {
    Bytes::from_static(if lazy { b"UNLINK" } else { b"DEL" })
}
