//! What cores do, remembered. Of many orders of the same events most bring a core before the same input in the same
//! state, and what it does then is known: a core depends on nothing else.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt::Write as _;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{Time, WallTime};
use picket_sentinel_core::{Config, Input, Output, Sentinel};

use crate::hash::Hash;

/// A core between two inputs.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) sentinel: Sentinel,
    /// Of its fingerprint.
    pub(super) hash: u64,
}

/// What comes of an input, or of a start.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) core: Rc<Core>,
    pub(super) outputs: Rc<[Output]>,
}

/// So many are remembered: each holds a core.
const TURNS_MAX: usize = 20_000;
/// In tests one in so many that are remembered is taken anew, and must be the same.
const CHECKED: u64 = 8;

/// Turns that were taken.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// By the hash of the core, the time, and the hash of the input.
    taken: BTreeMap<(u64, Time, u64), Turn>,
    /// How often a turn was remembered.
    remembered: u64,
    /// By the hash of the file and the seed.
    begun: BTreeMap<(u64, u64), Turn>,
}

impl Turns {
    /// A core takes an input.
    pub(super) fn take(&mut self, core: &Core, now: Time, input: Input) -> Turn {
        let mut hash = Hash::new();
        // Writing into a hash cannot fail.
        let _ = write!(hash, "{input} ");
        // The text tells bytes by their number alone, since there may be passwords among them.
        if let Input::LinkData { bytes, .. } | Input::ClientData { bytes, .. } = &input {
            hash.add(bytes);
        }
        let key = (core.hash, now, hash.value());
        let take = |input| {
            let mut sentinel = core.sentinel.clone();
            sentinel.handle(now, input);
            Turn::of(sentinel)
        };
        if let Some(turn) = self.taken.get(&key) {
            self.remembered += 1;
            if cfg!(debug_assertions) && self.remembered.is_multiple_of(CHECKED) {
                let again = take(input);
                assert_eq!(again.outputs, turn.outputs, "what is known of a core does not tell what it does");
                assert_eq!(again.core.hash, turn.core.hash);
            }
            return turn.clone();
        }
        let turn = take(input);
        if self.taken.len() >= TURNS_MAX {
            self.taken.clear();
        }
        self.taken.insert(key, turn.clone());
        turn
    }

    /// A process starts with that file.
    pub(super) fn begin(&mut self, file: &[u8], seed: u64) -> Turn {
        let mut hash = Hash::new();
        hash.add(file);
        let start = || {
            let mut no_includes = |_: &[u8]| Err("there are no other files here".into());
            let config = Config::read("sentinel.conf", file, &mut no_includes, &|_| true)
                .expect("a Sentinel can read what it wrote");
            Turn::of(Sentinel::new(Time(0), WallTime(0), seed, config))
        };
        self.begun.entry((hash.value(), seed)).or_insert_with(start).clone()
    }
}

impl Turn {
    fn of(mut sentinel: Sentinel) -> Self {
        let mut outputs = Vec::new();
        while let Some(output) = sentinel.poll_output() {
            outputs.push(output);
        }
        let mut hash = Hash::new();
        let _ = sentinel.fingerprint(&mut hash);
        Self { core: Rc::new(Core { sentinel, hash: hash.value() }), outputs: outputs.into() }
    }
}
