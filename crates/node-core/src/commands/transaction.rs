//! WATCH and UNWATCH (`multi.c`). The commands after MULTI are collected where clients are served.

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::Answer;
use crate::keyspace::Keyspace;
use crate::session::{Session, WatchedKey};

const PLAIN: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const FAST: Flags = PLAIN.and(Flags::FAST).and(Flags::ALLOW_BUSY);
const TRANSACTION: Categories = Categories::TRANSACTION;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("unwatch", 1, FAST, TRANSACTION,
        docs("transactions", "2.2.0", "O(1)", "Forgets all watched keys."), Keys::None, unwatch),
    Command::new("watch", -2, FAST, TRANSACTION,
        docs("transactions", "2.2.0", "O(1) for each key", "Lets EXEC fail if a key changes before it."), Keys::AllFrom(1), watch),
];

fn watch(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let db = exec.session.db;
    for key in &args[1..] {
        if exec.session.watched.iter().any(|watched| watched.db == db && watched.key == *key) {
            continue;
        }
        let now_ms = exec.now_ms();
        let expired = exec.db().get(key).map(|entry| entry.is_expired(now_ms));
        let (was_expired, was_visible) = (expired == Some(true), expired == Some(false));
        let key = Bytes::copy_from_slice(key);
        let (version, watchers) = exec.keyspace.watched.entry((db, key.clone())).or_default();
        *watchers += 1;
        let version = *version;
        exec.session.watched.push(WatchedKey { db, key, version, was_expired, was_visible });
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
        for key in core::mem::take(&mut session.watched) {
            let at = (key.db, key.key);
            if let Some((_, watchers)) = self.watched.get_mut(&at) {
                *watchers -= 1;
                if *watchers == 0 {
                    self.watched.remove(&at);
                }
            }
        }
    }

    /// Whether a key that a connection watches has changed, so that its EXEC runs nothing.
    #[must_use]
    pub fn is_dirty(&self, session: &Session, now_ms: u64) -> bool {
        session.watched.iter().any(|key| self.is_changed(key, now_ms))
    }

    fn is_changed(&self, key: &WatchedKey, now_ms: u64) -> bool {
        let version = self.watched.get(&(key.db, key.key.clone())).map(|(version, _)| *version);
        let is_visible = self.db(key.db).get(&key.key).is_some_and(|entry| !entry.is_expired(now_ms));
        let vanished = key.was_visible && !is_visible;
        // A key that was expired when it was watched and is merely gone by now did not change.
        let is_gone = key.was_expired && self.db(key.db).get(&key.key).is_none();
        vanished || version != Some(key.version) && !is_gone
    }
}
