//! Keys to which clients of a writable replica gave a time to live: its master knows nothing of that, so they are removed
//! here (`expire.c: rememberSlaveKeyWithExpire, expireSlaveKeys`).

use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::exec::Effect;
use crate::keyspace::Keyspace;
use crate::number::parse_i64;

/// How many keys are removed at once.
const REMOVED_MAX: usize = 200;
/// How many are looked at in turn, whether they are still there.
const SWEPT_MAX: usize = 20;

/// A key of a database.
type Place = (u32, Bytes);

/// Such keys by the time at which they go.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalExpiries {
    by_time: BTreeSet<(u64, Place)>,
    times: BTreeMap<Place, u64>,
    /// The last one that was looked at in turn.
    swept: Place,
}

impl LocalExpiries {
    /// Whether there is no such key.
    pub(super) fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    /// Notes what a client changed.
    pub(super) fn note(&mut self, keyspace: &Keyspace, effects: &[Effect]) {
        for effect in effects {
            let Some(key) = effect.args.get(1) else { continue };
            // A time that the master gave is the master's to end, whatever clients do to the key.
            let is_ours = sets_time(effect) || self.times.contains_key(&(effect.db, key.clone()));
            if is_ours {
                self.note_key(keyspace, effect.db, key);
            }
            if let Some((db, key)) = destination(effect)
                && (is_ours || self.times.contains_key(&(db, key.clone())))
            {
                self.note_key(keyspace, db, key);
            }
        }
    }

    fn note_key(&mut self, keyspace: &Keyspace, db: u32, key: &[u8]) {
        let entry = keyspace.dbs().get(db as usize).and_then(|db| db.get(key));
        let at = entry.and_then(crate::Entry::expire_at);
        self.set((db, Bytes::copy_from_slice(key)), at);
    }

    fn set(&mut self, place: Place, at: Option<u64>) {
        if let Some(old) = self.times.remove(&place) {
            self.by_time.remove(&(old, place.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((at, place.clone()));
            self.times.insert(place, at);
        }
    }

    /// Removes the keys whose time has come.
    pub(super) fn remove_due(&mut self, keyspace: &mut Keyspace, now_ms: u64) {
        for _ in 0..REMOVED_MAX {
            let Some((at, (db, key))) = self.by_time.first().cloned() else { return };
            if at >= now_ms {
                break;
            }
            // Its time may be a later one by now.
            keyspace.remove_if_due(db, &key, now_ms);
            self.note_key(keyspace, db, &key);
        }
        self.sweep(keyspace);
    }

    /// What the master's stream has removed meanwhile is forgotten.
    fn sweep(&mut self, keyspace: &Keyspace) {
        let after = (core::ops::Bound::Excluded(&self.swept), core::ops::Bound::Unbounded);
        let some: alloc::vec::Vec<Place> =
            self.times.range(after).take(SWEPT_MAX).map(|(place, _)| place.clone()).collect();
        for (db, key) in &some {
            self.note_key(keyspace, *db, key);
        }
        self.swept = if some.len() < SWEPT_MAX { Place::default() } else { some[SWEPT_MAX - 1].clone() };
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        assert_eq!(self.by_time.len(), self.times.len());
        self.times.len()
    }
}

/// Where a command puts what had a time to live elsewhere.
fn destination(effect: &Effect) -> Option<(u32, &Bytes)> {
    let args = &effect.args;
    let is = |name: &[u8]| args[0].eq_ignore_ascii_case(name);
    let number = |word: &Bytes| parse_i64(word).and_then(|db| u32::try_from(db).ok());
    if is(b"rename") || is(b"renamenx") {
        return Some((effect.db, args.get(2)?));
    }
    if is(b"move") {
        return Some((number(args.get(2)?)?, args.get(1)?));
    }
    if is(b"copy") {
        let at = args.iter().skip(3).position(|word| word.eq_ignore_ascii_case(b"db"));
        let db = at.and_then(|at| number(args.get(at + 4)?)).unwrap_or(effect.db);
        return Some((db, args.get(2)?));
    }
    None
}

/// Whether an effect gives its key a time to live: these are the canonical forms of all commands that do.
fn sets_time(effect: &Effect) -> bool {
    let args = &effect.args;
    let is = |name: &[u8]| args[0].eq_ignore_ascii_case(name);
    is(b"pexpireat")
        || is(b"restore")
        || (is(b"set") && args.iter().skip(3).any(|word| word.eq_ignore_ascii_case(b"pxat")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_resp::Protocol;

    use crate::exec::{Context, Origin};
    use crate::{Session, Settings};

    fn run(keyspace: &mut Keyspace, local: &mut LocalExpiries, line: &str) {
        let args: alloc::vec::Vec<Bytes> =
            line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let context =
            Context { now_ms: 1000, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
        let outcome = keyspace.execute(&mut Session::new(), context, &args);
        local.note(keyspace, &outcome.effects);
    }

    #[test]
    fn keys_go_when_their_time_has_come_wherever_they_are_by_then() {
        let mut keyspace = Keyspace::new(1, Settings::default());
        let mut local = LocalExpiries::default();
        let of_master =
            Context { now_ms: 1000, origin: Origin::Master, protocol: Protocol::Resp2, may_block: false };
        let words = ["SET", "m", "1", "PX", "100"].map(Bytes::from);
        keyspace.execute(&mut Session::new(), of_master, &words);
        for line in [
            "SET a 1 PX 100",
            "SET b 1 PX 100",
            "RENAME b c",
            "SET d 1 PX 100",
            "COPY d e",
            "COPY d f DB 3",
            "MOVE d 5",
            "SET g 1 PX 100",
            "PEXPIRE g 500",
            "SET h 1 PX 100",
            "PERSIST h",
            "SET i 1",
            // What the master gave a time keeps it.
            "APPEND m 1",
            "RENAME m n",
        ] {
            run(&mut keyspace, &mut local, line);
        }
        assert_eq!(local.len(), 6, "a c e f d g");
        local.remove_due(&mut keyspace, 1100);
        assert_eq!(local.len(), 6);
        local.remove_due(&mut keyspace, 1101);
        assert_eq!(local.len(), 1);
        let left: alloc::vec::Vec<usize> = keyspace.dbs().iter().map(crate::Db::len).collect();
        assert_eq!((left[0], left[3], left[5]), (4, 0, 0), "g h i n");
        local.remove_due(&mut keyspace, 1501);
        assert_eq!((local.len(), keyspace.dbs()[0].len()), (0, 3));
    }

    #[test]
    fn what_is_removed_by_others_is_forgotten() {
        let mut keyspace = Keyspace::new(1, Settings::default());
        let mut local = LocalExpiries::default();
        for number in 0..100 {
            run(&mut keyspace, &mut local, &alloc::format!("SET key:{number} 1 PX 100000"));
        }
        keyspace.clear_all();
        for _ in 0..6 {
            local.remove_due(&mut keyspace, 1000);
        }
        assert_eq!(local.len(), 0);
    }
}
