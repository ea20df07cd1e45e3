//! Which key goes when memory is short (`evict.c: evictionPoolPopulate, performEvictions`).
//!
//! Keys are drawn by lot, and the best candidates of all draws so far wait in a small pool, so that a few draws
//! come near to an exact order. That the memory is short and how often to evict is decided by the node.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::access;
use crate::exec::{Effect, del_of};
use crate::keyspace::Keyspace;
use crate::settings::{MaxmemoryPolicy, Rank};
use crate::small_bytes::SmallBytes;

const POOL_LEN_MAX: usize = 16;

/// How many keys without a time to live are passed over in search of one that has it.
const TRIES_MAX: u32 = 32;

/// A key that may be evicted; the pool has those that are least worth keeping at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// How little it is worth keeping.
    idle: u64,
    db: u32,
    key: SmallBytes,
}

impl Keyspace {
    /// Removes the key that is least worth keeping by `maxmemory-policy`; none if the policy forbids or no key
    /// comes into question. To be repeated until [`Keyspace::used_memory`] is small enough. The effect is a unit
    /// of its own.
    pub fn evict_one(&mut self, now_ms: u64) -> Option<Effect> {
        let policy = self.settings.maxmemory_policy;
        let (db, key) = match policy.rank()? {
            Rank::Random => self.draw_anywhere(policy)?,
            Rank::Ttl => self.first_to_expire()?,
            Rank::Lru | Rank::Lfu => self.worst(policy, now_ms)?,
        };
        self.db_mut(db).delete(&key);
        self.counters.evicted += 1;
        self.signal(db, &key);
        Some(del_of(db, &key, self.settings.lazyfree_lazy_eviction))
    }

    /// A key by lot, from one database after the other.
    fn draw_anywhere(&mut self, policy: MaxmemoryPolicy) -> Option<(u32, Bytes)> {
        let dbs = self.databases();
        for _ in 0..dbs {
            self.next_evicted_db = (self.next_evicted_db + 1) % dbs;
            let db = self.next_evicted_db;
            if let Some(position) = self.draw(db, policy) {
                let (key, _) = self.db(db).at(position)?;
                return Some((db, Bytes::copy_from_slice(key)));
            }
        }
        None
    }

    /// The key that expires next.
    ///
    /// Differs from Redis, which draws keys and takes the one of them that expires next: here the order is known.
    fn first_to_expire(&self) -> Option<(u32, Bytes)> {
        let firsts = (0_u32..).zip(&self.dbs).filter_map(|(db, keys)| {
            let (key, at) = keys.first_expiring()?;
            Some((at, db, key))
        });
        firsts.min().map(|(_, db, key)| (db, Bytes::copy_from_slice(key)))
    }

    /// The key that was used least, by the policy's measure.
    fn worst(&mut self, policy: MaxmemoryPolicy, now_ms: u64) -> Option<(u32, Bytes)> {
        if self.eviction_pool_policy != Some(policy) {
            self.eviction_pool.clear();
            self.eviction_pool_policy = Some(policy);
        }
        // A candidate may have gone meanwhile; then others are drawn.
        for _ in 0..=POOL_LEN_MAX {
            self.fill_pool(policy, now_ms);
            while let Some(Candidate { db, key, .. }) = self.eviction_pool.pop() {
                let entry = self.dbs.get(db as usize).and_then(|keys| keys.get(&key));
                if entry.is_some_and(|entry| !policy.is_volatile() || entry.expire_at().is_some()) {
                    return Some((db, Bytes::copy_from_slice(&key)));
                }
            }
        }
        None
    }

    fn fill_pool(&mut self, policy: MaxmemoryPolicy, now_ms: u64) {
        for db in 0..self.databases() {
            for _ in 0..self.settings.maxmemory_samples.max(1) {
                let Some(position) = self.draw(db, policy) else {
                    break;
                };
                let Some((key, entry)) = self.dbs[db as usize].at(position) else {
                    break;
                };
                let idle = if policy.is_lfu() {
                    255 - u64::from(access::frequency(&self.settings, entry.access, now_ms))
                } else {
                    access::idle_seconds(entry.access, now_ms)
                };
                add(&mut self.eviction_pool, idle, db, key);
            }
        }
    }

    /// The position of a key by lot, among those that have a time to live if the policy is about them.
    fn draw(&mut self, db: u32, policy: MaxmemoryPolicy) -> Option<usize> {
        let keys = &self.dbs[db as usize];
        let prng = &mut self.prng;
        if keys.is_empty() || policy.is_volatile() && keys.expiries_len() == 0 {
            return None;
        }
        let mut any = || usize::try_from(prng.below(keys.len() as u64)).unwrap_or(0);
        if !policy.is_volatile() {
            return Some(any());
        }
        for _ in 0..TRIES_MAX {
            let position = any();
            if keys.at(position).is_some_and(|(_, entry)| entry.expire_at().is_some()) {
                return Some(position);
            }
        }
        // They are rare: then by lot over the times at which they expire.
        let (first, last) = keys.expiry_span()?;
        keys.expiring_from(first + prng.below(last - first + 1))
    }
}

/// Notes a candidate if it is worse than one that is there or there is room.
fn add(pool: &mut Vec<Candidate>, idle: u64, db: u32, key: &[u8]) {
    if pool.len() >= POOL_LEN_MAX && pool.first().is_some_and(|best| idle <= best.idle) {
        return;
    }
    if pool.iter().any(|known| known.db == db && *known.key == *key) {
        return;
    }
    let candidate = Candidate { idle, db, key: SmallBytes::of(key) };
    let at = pool.partition_point(|known| known.idle < idle);
    pool.insert(at, candidate);
    if pool.len() > POOL_LEN_MAX {
        pool.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::entry::Entry;
    use crate::settings::Settings;
    use crate::types::{Str, Value};

    const NOW_MS: u64 = 1_700_000_000_000;

    /// A thousand keys, of which each was used a second before the next; every third expires.
    fn keyspace(policy: MaxmemoryPolicy) -> Keyspace {
        let settings = Settings { maxmemory_policy: policy, ..Settings::default() };
        let mut keyspace = Keyspace::new(1, settings);
        for number in 0..1000_u32 {
            let used_at = NOW_MS - u64::from(1000 - number) * 1000;
            let mut access = access::first(&keyspace.settings, used_at);
            if policy.is_lfu() {
                access = access & !255 | (number / 4);
            }
            let expire_at = number.is_multiple_of(3).then(|| NOW_MS + u64::from(number));
            let entry = Entry::new(Value::String(Str::of(b"x")), access).with_expiry(expire_at);
            keyspace.db_mut(number % 2).insert(format!("{number}").as_bytes(), entry);
        }
        keyspace
    }

    fn evicted(keyspace: &mut Keyspace, count: usize) -> Vec<u32> {
        let number = |effect: Effect| core::str::from_utf8(&effect.args[1]).expect("a number").parse();
        (0..count)
            .map_while(|_| keyspace.evict_one(NOW_MS))
            .map(|effect| number(effect).expect("a number"))
            .collect()
    }

    #[test]
    fn what_was_used_long_ago_or_seldom_goes_first() {
        for policy in [MaxmemoryPolicy::AllkeysLru, MaxmemoryPolicy::AllkeysLfu] {
            let mut keyspace = keyspace(policy);
            let gone = evicted(&mut keyspace, 500);
            let old = gone.iter().filter(|number| **number < 500).count();
            assert!(old > 450, "{policy:?}: {old} of the older half");
            assert_eq!(keyspace.dbs().iter().map(crate::Db::len).sum::<usize>(), 500);
        }
    }

    #[test]
    fn volatile_policies_leave_the_others_alone() {
        use MaxmemoryPolicy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
        for policy in [VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl] {
            let mut keyspace = keyspace(policy);
            let gone = evicted(&mut keyspace, 1000);
            assert_eq!(gone.len(), 334, "{policy:?}");
            assert!(gone.iter().all(|number| number.is_multiple_of(3)), "{policy:?}");
            assert_eq!(gone.is_sorted(), policy == VolatileTtl, "{policy:?}");
            assert_eq!(keyspace.evict_one(NOW_MS), None);
        }
    }

    #[test]
    fn random_takes_everything_and_noeviction_nothing() {
        assert_eq!(evicted(&mut keyspace(MaxmemoryPolicy::AllkeysRandom), 2000).len(), 1000);
        assert_eq!(keyspace(MaxmemoryPolicy::NoEviction).evict_one(NOW_MS), None);
    }
}
