//! What a key holds besides its name.

use crate::types::Value;

/// Stands for no time to live.
const NEVER: u64 = u64::MAX;

/// A value, when it expires, and when or how often it was used.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its value, never an empty collection.
    pub value: Value,
    /// In milliseconds since the epoch, [`NEVER`] for none.
    expire_at: u64,
    /// What the eviction policy keeps of accesses, see [`access`](crate::access).
    pub(crate) access: u32,
    /// Whether a snapshot still has to write it, see [`Recorder`](crate::snapshot::Recorder); given by the database.
    pub(crate) round: u32,
}

impl Entry {
    /// A value without a time to live.
    pub(crate) fn new(value: Value, access: u32) -> Self {
        Self { value, expire_at: NEVER, access, round: 0 }
    }

    /// The same with a time to live.
    pub(crate) fn with_expiry(self, expire_at: Option<u64>) -> Self {
        Self { expire_at: expire_at.unwrap_or(NEVER), ..self }
    }

    /// When it expires, in milliseconds since the epoch.
    #[must_use]
    pub fn expire_at(&self) -> Option<u64> {
        (self.expire_at != NEVER).then_some(self.expire_at)
    }

    /// Whether its time has come: Redis waits until the millisecond is over.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expire_at().is_some_and(|at| now_ms > at)
    }

    /// Changes the time to live; the database keeps its index with it.
    pub(crate) fn replace_expiry(&mut self, expire_at: Option<u64>) -> Option<u64> {
        let old = self.expire_at();
        self.expire_at = expire_at.unwrap_or(NEVER);
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small_bytes::SmallBytes;

    #[test]
    fn an_entry_with_its_name_takes_64_bytes() {
        assert_eq!(size_of::<(SmallBytes, Entry)>(), 64);
    }
}
