//! What is drawn: the world, and what the drawer remembers of it while it draws the rest.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use picket_sansio::{Millis, Prng};

use super::Wanted;
use crate::scenario::{Line, Moment, NODES_MAX, Setup};
use crate::script::Action;

/// So many nodes of a kind are added to a world at most.
pub(super) const ADDED_MAX: u32 = 2;

/// What the drawer takes a node to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    Running,
    Frozen,
    Down,
}

pub(super) struct Draw {
    pub(super) prng: Prng,
    pub(super) lines: Vec<Line>,
    pub(super) nodes: Vec<(String, Belief)>,
    /// Pairs with a latency of their own.
    pub(super) pairs: Vec<(String, String)>,
    /// Pairs that lose what is sent.
    pub(super) lossy: Vec<(String, String)>,
    /// It begins with a calm stretch.
    pub(super) is_calm: bool,
    /// Sentinels are added, removed and RESET.
    pub(super) comes_and_goes: bool,
    /// Nodes that were not there at the beginning, those that have left among them.
    pub(super) added: Vec<String>,
    /// When all is well again, a data node comes to stay, and another leaves for good.
    pub(super) is_renewed: bool,
}

impl Draw {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.prng.below(bound as u64)).unwrap_or_default()
    }

    pub(super) fn count(&mut self, bound: u32) -> u32 {
        u32::try_from(self.prng.below(u64::from(bound))).unwrap_or_default()
    }

    pub(super) fn setup(&mut self, seed: u64, wanted: Wanted) -> Setup {
        let drawn = [3, 3, 5, 4][self.below(4)];
        let sentinels = wanted.sentinels.unwrap_or(drawn);
        let masters = 1 + self.count(2);
        let drawn = 2 + self.count(3);
        let redis = wanted.redis.unwrap_or(drawn);
        let drawn = self.below(3) == 0;
        self.comes_and_goes = drawn || self.is_calm;
        let drawn = 1 + self.count(sentinels / 2 + 1);
        let quorum = if self.comes_and_goes { (sentinels + ADDED_MAX) / 2 + 1 } else { drawn };
        let parallel_syncs = 1 + self.count(2);
        self.is_renewed = self.below(2) == 0 && redis * masters < NODES_MAX;
        let down_after = Millis([500, 1_000, 3_000][self.below(3)]);
        let drawn = self.below(4) == 0;
        let models = wanted.models.unwrap_or(drawn);
        let mut config = Vec::new();
        if !models {
            let mut all = |line: &str| config.push(("redis".to_string(), line.to_string()));
            all("repl-timeout 5");
            if self.below(2) == 0 {
                all("repl-backlog-size 16384");
            }
            if self.below(3) == 0 {
                all("min-replicas-to-write 1");
            }
            if self.below(4) == 0 {
                all("repl-diskless-sync no");
            }
            if self.below(4) == 0 {
                all("repl-diskless-load swapdb");
            }
            if self.below(3) == 0 {
                let priority = self.count(3) * 50;
                let node = 2 + self.count(redis.max(2) - 1);
                // One of them at least must be good.
                if priority > 0 || redis > 2 {
                    config.push((format!("redis-{node}"), format!("replica-priority {priority}")));
                }
            }
        }
        let writers = (0..=self.below(2)).map(|_| Millis([5, 50, 200][self.below(3)])).collect();
        Setup {
            title: format!("random world {seed}"),
            seed,
            masters,
            redis,
            sentinels,
            quorum,
            down_after,
            parallel_syncs,
            models,
            config,
            writers,
            ..Setup::default()
        }
    }

    pub(super) fn name_nodes(&mut self, setup: &Setup) {
        let sentinels = (1..=setup.sentinels).map(|number| format!("sentinel-{number}"));
        let servers = (1..=setup.redis * setup.masters).map(|number| format!("redis-{number}"));
        self.nodes = sentinels.chain(servers).map(|name| (name, Belief::Running)).collect();
    }

    /// Some clients wait for replicas from the beginning.
    pub(super) fn clients(&mut self, setup: &Setup) {
        for number in 1..=setup.writers.len() {
            if !setup.models && self.below(2) == 0 {
                let replicas = 1 + self.count(2);
                self.act(0, Action::Waits(format!("writer-{number}"), replicas));
            }
        }
    }

    pub(super) fn act(&mut self, at_us: u64, action: Action) {
        self.lines.push(Line::Do(Moment { after_us: at_us, steps: None }, action));
    }

    pub(super) fn run(&mut self, at_us: u64, node: &str, words: &[&str]) {
        let words = words.iter().map(|word| (*word).to_string()).collect();
        self.act(at_us, Action::Run(node.to_string(), words));
    }
}
