//! Who sees a field of a hash whose time has come, and who removes it.
//!
//! As with keys, a master removes it and says so, a replica's clients do not see it, and the master's stream does.
//! As in Redis, a command that asks for one field removes that one, and those that list all pass over what
//! is to be removed by [`Keyspace::expire_due`].

use bytes::Bytes;

use crate::exec::{Effect, Exec, Origin};
use crate::fault::Fault;
use crate::keyspace::Keyspace;
use crate::types::{Hash, HashView, Kind};

impl Exec<'_> {
    /// The hash of a key as this command may see it.
    pub(crate) fn hash(&mut self, key: &[u8]) -> Result<Option<HashView<'_>>, Fault> {
        let from_ms = match self.context.origin {
            Origin::Master => 0,
            Origin::Client | Origin::ReplicaClient => self.context.now_ms,
        };
        Ok(self.get::<Hash>(key)?.map(|hash| HashView::new(hash, from_ms)))
    }

    /// Removes a field whose time has come, if that is for us to do.
    pub(crate) fn expire_field(&mut self, key: &[u8], field: &[u8]) {
        let now_ms = self.context.now_ms;
        let is_expired = |hash: &Hash| hash.field_expiry(field).is_some_and(|at| at < now_ms);
        if self.context.origin == Origin::Client
            && self.peek(key).and_then(|entry| Hash::of(&entry.value)).is_some_and(is_expired)
        {
            let effect = self.keyspace.remove_field(self.session.db, key, field);
            self.add_effect(effect);
        }
    }

    /// The same for all fields of a hash.
    pub(crate) fn expire_fields(&mut self, key: &[u8]) {
        let now_ms = self.context.now_ms;
        let next = |exec: &mut Self| {
            let hash = exec.peek(key).and_then(|entry| Hash::of(&entry.value));
            hash.and_then(|hash| hash.expired_field(now_ms)).cloned()
        };
        while self.context.origin == Origin::Client
            && let Some(field) = next(self)
        {
            let effect = self.keyspace.remove_field(self.session.db, key, &field);
            self.add_effect(effect);
        }
    }
}

impl Keyspace {
    /// Removes a field for good, and a hash that has no other; returns how the stream tells it.
    pub(crate) fn remove_field(&mut self, db: u32, key: &[u8], field: &[u8]) -> Effect {
        let data = self.db_mut(db);
        let hash = data.position(key).and_then(|position| data.open(position));
        let is_empty = hash.and_then(|entry| Hash::of_mut(&mut entry.value)).is_some_and(|hash| {
            hash.remove(field);
            hash.is_empty()
        });
        if is_empty {
            data.delete(key);
        }
        self.counters.expired_fields += 1;
        self.signal(db, key);
        let words = [&b"HDEL"[..], key, field];
        Effect { db, args: words.map(Bytes::copy_from_slice).into() }
    }

    /// Removes fields whose time has come until there are so many effects.
    pub(crate) fn expire_fields_due(
        &mut self,
        db: u32,
        now_ms: u64,
        limit: usize,
        effects: &mut alloc::vec::Vec<Effect>,
    ) {
        while effects.len() < limit
            && let Some((key, field)) = self.db(db).expired_field(now_ms)
        {
            let (key, field) = (Bytes::copy_from_slice(key), field.clone());
            effects.push(self.remove_field(db, &key, &field));
        }
    }
}
