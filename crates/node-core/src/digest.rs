//! DEBUG DIGEST: one number for all data, equal to that of Redis 7.0 for equal data (`debug.c:
//! computeDatasetDigest`). Members of sets and keys count in any order, elements of lists in theirs.

use alloc::format;
use alloc::string::String;

use sha1::{Digest as _, Sha1};

use crate::entry::Entry;
use crate::keyspace::Keyspace;
use crate::types::Value;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Digest([u8; 20]);

impl Digest {
    /// Adds bytes in no order.
    fn add(&mut self, bytes: &[u8]) {
        for (own, other) in self.0.iter_mut().zip(Sha1::digest(bytes)) {
            *own ^= other;
        }
    }

    /// Adds bytes behind what was added before.
    fn append(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn text(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Keyspace {
    /// The digest of all data, 40 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut all = Digest::default();
        for (number, db) in (0_u32..).zip(self.dbs()) {
            if db.is_empty() {
                continue;
            }
            all.append(&number.to_be_bytes());
            for (key, entry) in db.iter() {
                let mut one = Digest::default();
                one.append(key);
                add_entry(&mut one, entry);
                all.add(&one.0);
            }
        }
        all.text()
    }

    /// The digest of one value, zeros if there is none.
    #[must_use]
    pub fn digest_value(&self, db: u32, key: &[u8]) -> String {
        let mut digest = Digest::default();
        if let Some(entry) = self.db(db).get(key) {
            add_entry(&mut digest, entry);
        }
        digest.text()
    }
}

fn add_entry(digest: &mut Digest, entry: &Entry) {
    let kind: u32 = match &entry.value {
        Value::String(_) => 0,
        #[cfg(feature = "full")]
        Value::List(_) => 1,
        #[cfg(feature = "full")]
        Value::Set(_) => 2,
        #[cfg(feature = "full")]
        Value::ZSet(_) => 3,
        #[cfg(feature = "full")]
        Value::Hash(_) => 4,
        #[cfg(feature = "full")]
        Value::Stream(_) => 6,
    };
    digest.append(&kind.to_be_bytes());
    match &entry.value {
        Value::String(string) => digest.append(&string.bytes()),
        #[cfg(feature = "full")]
        Value::List(list) => list.iter().for_each(|item| digest.append(item)),
        #[cfg(feature = "full")]
        Value::Set(set) => set.iter().for_each(|member| digest.add(&member)),
        #[cfg(feature = "full")]
        Value::ZSet(zset) => {
            for (member, score) in zset.iter() {
                let mut one = Digest::default();
                one.append(member);
                one.append(&score.text());
                digest.add(&one.0);
            }
        }
        #[cfg(feature = "full")]
        Value::Hash(hash) => {
            for (field, value) in hash.iter() {
                let mut one = Digest::default();
                one.append(field);
                one.append(value);
                if hash.field_expiry(field).is_some() {
                    one.add(b"!!hexpire!!");
                }
                digest.add(&one.0);
            }
        }
        #[cfg(feature = "full")]
        Value::Stream(stream) => {
            for entry in stream.iter() {
                digest.append(format!("{}.{}", entry.id().ms, entry.id().seq).as_bytes());
                for (name, value) in entry.fields() {
                    name.with_bytes(|name| digest.append(name));
                    value.with_bytes(|value| digest.append(value));
                }
            }
        }
    }
    if entry.expire_at().is_some() {
        digest.add(b"!!expire!!");
    }
}
