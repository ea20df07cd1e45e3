//! WATCH and UNWATCH (`multi.c`). The commands after MULTI are collected where clients are served.

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::Answer;
use crate::keyspace::Keyspace;
use crate::session::{Session, Watched};
use crate::small_bytes::heap_len;

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
        let at = (db, Bytes::copy_from_slice(key));
        if exec.session.watched.contains_key(&at) {
            continue;
        }
        let now_ms = exec.now_ms();
        let expired = exec.db().get(key).map(|entry| entry.is_expired(now_ms));
        let (was_expired, was_visible) = (expired == Some(true), expired == Some(false));
        let (version, watchers) = exec.keyspace.watched.entry(at.clone()).or_default();
        *watchers += 1;
        exec.keyspace.watched_bytes += watched_bytes(key);
        let watched = Watched { version: *version, was_expired, was_visible };
        exec.session.watched.insert(at, watched);
    }
    Ok(Reply::ok())
}

/// What a watched key takes: its name, and an entry here and with the connection.
fn watched_bytes(key: &[u8]) -> u64 {
    160 + heap_len(key.len() as u64)
}

fn unwatch(exec: &mut Exec, _: &[Bytes]) -> Answer {
    exec.keyspace.unwatch(exec.session);
    Ok(Reply::ok())
}

impl Keyspace {
    /// Forgets what a connection watches, as at its end.
    pub fn unwatch(&mut self, session: &mut Session) {
        for (at, _) in core::mem::take(&mut session.watched) {
            self.watched_bytes -= watched_bytes(&at.1);
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
        session.watched.iter().any(|(at, watched)| self.is_changed(at, *watched, now_ms))
    }

    fn is_changed(&self, at: &(u32, Bytes), watched: Watched, now_ms: u64) -> bool {
        let version = self.watched.get(at).map(|(version, _)| *version);
        let entry = self.db(at.0).get(&at.1);
        let is_visible = entry.is_some_and(|entry| !entry.is_expired(now_ms));
        let vanished = watched.was_visible && !is_visible;
        // A key that was expired when it was watched and is merely gone by now did not change.
        let is_gone = watched.was_expired && entry.is_none();
        vanished || version != Some(watched.version) && !is_gone
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use picket_resp::Protocol;

    use super::*;
    use crate::exec::{Context, Origin};
    use crate::settings::Settings;

    /// A list that was looked through for each of them would take minutes.
    #[test]
    fn a_great_many_keys_may_be_watched() {
        let context =
            Context { now_ms: 1, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
        let mut keyspace = Keyspace::new(1, Settings::default());
        let (mut session, mut other) = (Session::new(), Session::new());
        let mut words: Vec<Bytes> = (0..200_000).map(|key| format!("key:{key}").into()).collect();
        words.insert(0, Bytes::from_static(b"WATCH"));
        for _ in 0..2 {
            assert_eq!(keyspace.execute(&mut session, context, &words).reply, Reply::ok());
        }
        assert_eq!(session.watched_len(), 200_000);
        assert!(!keyspace.is_dirty(&session, 1));
        keyspace.execute(&mut other, context, &["SET", "key:199999", "x"].map(Bytes::from));
        assert!(keyspace.is_dirty(&session, 1));
        assert!(keyspace.memory().watched > 200_000 * 100);
        keyspace.unwatch(&mut session);
        assert_eq!(keyspace.memory().watched, 0);
        assert!(keyspace.watched.is_empty() && session == Session::new());
    }
}
