//! What was removed and takes long to free.

use picket_sansio::collections::BTreeSet;

use crate::dict::Dict;
use crate::entry::Entry;
use crate::types::Value;

/// Memory to be freed by dropping this, on another thread if there is one.
#[derive(Clone, Debug)]
pub struct Garbage(#[expect(dead_code, reason = "it is held to be dropped")] Held);

#[derive(Clone, Debug)]
#[expect(dead_code, reason = "they are held to be dropped")]
enum Held {
    Value(Value),
    Keys(Dict<Entry>, BTreeSet<(u64, u32)>),
}

impl Garbage {
    /// A collection of so many elements is freed at once.
    pub(crate) const SMALL_LEN_MAX: usize = 1024;

    pub(crate) fn of_value(value: Value) -> Self {
        Self(Held::Value(value))
    }

    pub(crate) fn of_keys(keys: Dict<Entry>, expiries: BTreeSet<(u64, u32)>) -> Self {
        Self(Held::Keys(keys, expiries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_go_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Garbage>();
    }
}
