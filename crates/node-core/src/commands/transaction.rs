//! MULTI, EXEC, DISCARD and WATCH (`multi.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::keyspace::Keyspace;
use crate::session::{Session, Transaction, WatchedKey};

const PLAIN: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const FAST: Flags = PLAIN.and(Flags::FAST).and(Flags::ALLOW_BUSY);
const TRANSACTION: Categories = Categories::TRANSACTION;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("discard", 1, FAST, TRANSACTION,
        docs("transactions", "2.0.0", "O(N) in the number of commands", "Forgets the commands since MULTI."), Keys::None, discard),
    Command::new("exec", 1, PLAIN.and(Flags::SKIP_SLOWLOG), TRANSACTION,
        docs("transactions", "1.2.0", "", "Runs the commands since MULTI as one."), Keys::None, exec_queued),
    Command::new("multi", 1, FAST, TRANSACTION,
        docs("transactions", "1.2.0", "O(1)", "Begins to collect commands for EXEC."), Keys::None, multi),
    Command::new("unwatch", 1, FAST, TRANSACTION,
        docs("transactions", "2.2.0", "O(1)", "Forgets all watched keys."), Keys::None, unwatch),
    Command::new("watch", -2, FAST, TRANSACTION,
        docs("transactions", "2.2.0", "O(1) for each key", "Lets EXEC fail if a key changes before it."), Keys::AllFrom(1), watch),
];

fn multi(exec: &mut Exec, _: &[Bytes]) -> Answer {
    if exec.session.is_in_transaction() {
        return Err(Fault::new("ERR MULTI calls can not be nested"));
    }
    exec.session.transaction = Some(Transaction::default());
    Ok(Reply::ok())
}

fn discard(exec: &mut Exec, _: &[Bytes]) -> Answer {
    if exec.session.transaction.take().is_none() {
        return Err(Fault::new("ERR DISCARD without MULTI"));
    }
    exec.keyspace.unwatch(exec.session);
    Ok(Reply::ok())
}

fn exec_queued(exec: &mut Exec, _: &[Bytes]) -> Answer {
    let Some(transaction) = exec.session.transaction.take() else {
        return Err(Fault::new("ERR EXEC without MULTI"));
    };
    let is_changed = exec.session.watched.iter().any(|key| exec.keyspace.is_changed(key, exec.now_ms()));
    exec.keyspace.unwatch(exec.session);
    if transaction.aborted {
        return Err(Fault::new("EXECABORT Transaction discarded because of previous errors."));
    }
    if is_changed {
        return Ok(Reply::NullArray);
    }
    Ok(Reply::Array(exec.call_all(&transaction.queued)))
}

fn watch(exec: &mut Exec, args: &[Bytes]) -> Answer {
    if exec.session.is_in_transaction() {
        return Err(Fault::new("ERR WATCH inside MULTI is not allowed"));
    }
    let db = exec.session.db;
    for key in &args[1..] {
        if exec.session.watched.iter().any(|watched| watched.db == db && watched.key == *key) {
            continue;
        }
        let now_ms = exec.now_ms();
        let was_expired = exec.db().get(key).is_some_and(|entry| entry.is_expired(now_ms));
        let key = Bytes::copy_from_slice(key);
        let (version, watchers) = exec.keyspace.watched.entry((db, key.clone())).or_default();
        *watchers += 1;
        let version = *version;
        exec.session.watched.push(WatchedKey { db, key, version, was_expired });
    }
    Ok(Reply::ok())
}

fn unwatch(exec: &mut Exec, _: &[Bytes]) -> Answer {
    exec.keyspace.unwatch(exec.session);
    Ok(Reply::ok())
}

impl Keyspace {
    /// Forgets what a connection watches, as at its end.
    pub fn unwatch(&mut self, session: &mut Session) {
        let watched: Vec<_> = session.watched.drain(..).collect();
        for key in watched {
            let at = (key.db, key.key);
            if let Some((_, watchers)) = self.watched.get_mut(&at) {
                *watchers -= 1;
                if *watchers == 0 {
                    self.watched.remove(&at);
                }
            }
        }
    }

    fn is_changed(&self, key: &WatchedKey, now_ms: u64) -> bool {
        let version = self.watched.get(&(key.db, key.key.clone())).map(|(version, _)| *version);
        let is_expired = self.db(key.db).get(&key.key).is_some_and(|entry| entry.is_expired(now_ms));
        let expired_since = is_expired && !key.was_expired;
        // A key that was expired when it was watched and is merely gone by now did not change.
        let is_gone = key.was_expired && self.db(key.db).get(&key.key).is_none();
        expired_since || version != Some(key.version) && !is_gone
    }
}
