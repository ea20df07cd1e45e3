//! Random worlds: scenarios drawn from a seed alone. First everything goes wrong, and only what must always hold is
//! watched; then all is mended, and all must agree on one master which every data node follows, with the same data.
//!
//! That is the bound of liveness: whatever went wrong for a minute, a minute after the last of it is mended all is
//! whole, and stays so. The failover-timeout is 10 s in these worlds; a Sentinel that stood still distrusts itself for
//! 30 s, and a replica that lost data is promoted after 20 s, so of that minute no more than 10 s are anybody's choice.
//!
//! Sentinels come, leave and are RESET in some of these worlds. There the quorum is more than half of all that will ever
//! be: with a smaller one, two groups that cannot know of each other may each elect a leader, whatever they do (see
//! `newcomer.rs` of the Sentinel).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use picket_sansio::{Millis, Prng};

use crate::action::{Latency, Ways};
use crate::cluster::Cluster;
use crate::disk::DiskFault;
use crate::scenario::{Fact, Line, Moment, Scenario, Setup, count_lost};
use crate::script::{Action, Switch};
use crate::topology::Addition;
use crate::world::World;

/// For how long things go wrong, in microseconds.
pub const FAULTY_US: u64 = 60_000_000;
/// A Sentinel that was frozen is in TILT for 30 s, and the failover-timeout is 10 s.
const WHOLE_WITHIN_US: u64 = 60_000_000;
/// For how long all must stay well.
const STAYS_WHOLE_US: u64 = 10_000_000;
/// How long a segment takes when nothing is wrong.
const USUAL: Latency = Latency { from_us: 800, to_us: 1_200 };
/// How long a write to a disk takes then.
const USUAL_DISK: Latency = Latency { from_us: 3_000, to_us: 5_000 };

/// So many nodes of a kind are added to a world at most.
const ADDED_MAX: u32 = 2;

/// What is not left to the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// How many Sentinels.
    pub sentinels: Option<u32>,
    /// How many data nodes each master has, itself among them.
    pub redis: Option<u32>,
    /// Whether data nodes are models instead of the cores of `picket node`.
    pub models: Option<bool>,
}

/// The random world of that seed.
#[must_use]
pub fn draw(seed: u64, wanted: Wanted) -> Scenario {
    // Not the world's own chance: what is drawn here must not depend on the cores.
    let prng = Prng::new(seed ^ 0x5eed_c4a0_5c4a_05ed);
    let mut draw = Draw {
        prng,
        lines: Vec::new(),
        nodes: Vec::new(),
        pairs: Vec::new(),
        lossy: Vec::new(),
        comes_and_goes: false,
        added: Vec::new(),
    };
    let setup = draw.setup(seed, wanted);
    draw.name_nodes(&setup);
    draw.faults(&setup);
    draw.mend(&setup);
    Scenario { setup, lines: draw.lines, look: None }
}

/// A shorter scenario that still fails, by leaving out what is done before `until_us`. Each try is one run.
pub fn shrink(scenario: &Scenario, until_us: u64, mut fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    let mut shortest = scenario.clone();
    let count = |scenario: &Scenario| {
        scenario
            .lines
            .iter()
            .filter(|line| matches!(line, Line::Do(..)) && line.after_us() < until_us)
            .count()
    };
    let mut piece = count(&shortest).div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < count(&shortest) {
            let mut shorter = shortest.clone();
            let mut number = 0;
            shorter.lines.retain(|line| {
                if !matches!(line, Line::Do(..)) || line.after_us() >= until_us {
                    return true;
                }
                number += 1;
                !(from < number && number <= from + piece)
            });
            if fails(&shorter) {
                shortest = shorter;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    shortest
}

/// How many writes of clients were acknowledged in a world, and how many of them the agreed master lacks.
#[must_use]
pub fn losses(world: &World) -> (u64, u64) {
    (world.acknowledged_writes(), count_lost(world).unwrap_or_default())
}

/// What the drawer takes a node to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    Running,
    Frozen,
    Down,
}

struct Draw {
    prng: Prng,
    lines: Vec<Line>,
    nodes: Vec<(String, Belief)>,
    /// Pairs with a latency of their own.
    pairs: Vec<(String, String)>,
    /// Pairs that lose what is sent.
    lossy: Vec<(String, String)>,
    /// Sentinels are added, removed and RESET.
    comes_and_goes: bool,
    /// Nodes that were not there at the beginning, those that have left among them.
    added: Vec<String>,
}

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.prng.below(bound as u64)).unwrap_or_default()
    }

    fn count(&mut self, bound: u32) -> u32 {
        u32::try_from(self.prng.below(u64::from(bound))).unwrap_or_default()
    }

    fn setup(&mut self, seed: u64, wanted: Wanted) -> Setup {
        let drawn = [3, 3, 5, 4][self.below(4)];
        let sentinels = wanted.sentinels.unwrap_or(drawn);
        let masters = 1 + self.count(2);
        let drawn = 2 + self.count(3);
        let redis = wanted.redis.unwrap_or(drawn);
        self.comes_and_goes = self.below(3) == 0;
        let drawn = 1 + self.count(sentinels / 2 + 1);
        let quorum = if self.comes_and_goes { (sentinels + ADDED_MAX) / 2 + 1 } else { drawn };
        let parallel_syncs = 1 + self.count(2);
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

    fn name_nodes(&mut self, setup: &Setup) {
        let sentinels = (1..=setup.sentinels).map(|number| format!("sentinel-{number}"));
        let servers = (1..=setup.redis * setup.masters).map(|number| format!("redis-{number}"));
        self.nodes = sentinels.chain(servers).map(|name| (name, Belief::Running)).collect();
    }

    fn act(&mut self, at_us: u64, action: Action) {
        self.lines.push(Line::Do(Moment { after_us: at_us, steps: None }, action));
    }

    fn faults(&mut self, setup: &Setup) {
        let mut at_us = 0;
        while at_us < FAULTY_US {
            self.fault(at_us, setup);
            let pause = [50, 300, 1_500, 4_000][self.below(4)];
            at_us += 1_000 * (1 + self.prng.below(pause));
        }
    }

    /// One random act.
    fn fault(&mut self, at_us: u64, setup: &Setup) {
        let index = self.below(self.nodes.len());
        let other = (index + 1 + self.below(self.nodes.len() - 1)) % self.nodes.len();
        let (node, belief) = self.nodes[index].clone();
        let other = self.nodes[other].0.clone();
        let sentinel = format!("sentinel-{}", 1 + self.count(setup.sentinels));
        let server = format!("redis-{}", 1 + self.count(setup.redis * setup.masters));
        let set = |draw: &mut Self, now: Belief, action: Action| {
            draw.nodes[index].1 = now;
            draw.act(at_us, action);
        };
        match self.below(136) {
            0..=19 => match belief {
                Belief::Running => set(self, Belief::Down, Action::Kill(node)),
                Belief::Down => set(self, Belief::Running, Action::Start(node)),
                Belief::Frozen => set(self, Belief::Running, Action::Resume(node)),
            },
            20..=31 => match belief {
                Belief::Running => set(self, Belief::Frozen, Action::Freeze(node)),
                Belief::Down => set(self, Belief::Running, Action::Start(node)),
                Belief::Frozen => set(self, Belief::Running, Action::Resume(node)),
            },
            32..=35 => set(self, Belief::Down, Action::Off(node)),
            36..=45 => self.act(at_us, Action::Cut(node, other, Ways::Both)),
            46..=53 => self.act(at_us, Action::Cut(node, other, Ways::OneWay)),
            54..=59 => {
                let names: Vec<String> = self.nodes.iter().map(|(name, _)| name.clone()).collect();
                let mut group: Vec<String> = names.into_iter().filter(|_| self.prng.below(2) == 0).collect();
                for number in 1..=setup.writers.len() {
                    if self.prng.below(2) == 0 {
                        group.push(format!("writer-{number}"));
                    }
                }
                if !group.is_empty() {
                    self.act(at_us, Action::Partition(group));
                }
            }
            60..=69 => self.act(at_us, Action::Heal),
            70..=72 => self.act(at_us, Action::Disk(sentinel, DiskFault::Full)),
            73..=75 => self.act(at_us, Action::Disk(sentinel, DiskFault::Flaky(50))),
            76..=77 => self.act(at_us, Action::Disk(server, DiskFault::Full)),
            78..=79 => self.act(at_us, Action::Disk(server, DiskFault::Flaky(50))),
            80..=82 => self.act(at_us, Action::Disk(node, DiskFault::None)),
            83..=88 => self.act(at_us, Action::Reset(node, other)),
            89..=92 => {
                let from_us = self.prng.below(300) * 1_000;
                let latency = Latency { from_us, to_us: from_us * 2 + 1_000 };
                self.pairs.push((node.clone(), other.clone()));
                self.act(at_us, Action::Latency(Some((node, other, Ways::Both)), latency));
            }
            93 => {
                let latency = Latency::exactly(Millis(self.prng.below(500)));
                self.act(at_us, Action::SlowDisk(node, latency));
            }
            94..=96 => {
                // It may be refused, and the answer may be lost: both are the operator's business.
                let name = Cluster::master_name(self.below(setup.masters as usize));
                self.run(at_us, &sentinel, &["SENTINEL", "FAILOVER", &name]);
            }
            97..=99 => {
                let by_ms = [-3_600_000, -1_500, 2_500, 3_600_000][self.below(4)];
                self.act(at_us, Action::Clock(server, by_ms));
            }
            100 => {
                let switch = [Switch::Off, Switch::On][self.below(2)];
                self.act(at_us, Action::Names(node, switch));
            }
            101..=102 => self.act(at_us, Action::DropNext(node, other)),
            103..=104 => {
                let by = Millis(1 + self.prng.below(3_000));
                self.act(at_us, Action::DelayNext(node, other, by));
            }
            105..=114 if !setup.models => self.command(at_us, &server),
            115 if !setup.models => set_wiped(self, at_us, &server),
            116..=119 => {
                let percent = [5, 20, 50][self.below(3)];
                self.lossy.push((node.clone(), other.clone()));
                self.act(at_us, Action::Loss(Some((node, other)), percent));
            }
            120..=123 => self.act(at_us, Action::HalfOpen(node, other)),
            124..=125 if self.comes_and_goes => {
                self.add(at_us, "sentinel", setup.sentinels, &Addition::Sentinel);
            }
            126 if self.comes_and_goes => {
                let name = Cluster::master_name(self.below(setup.masters as usize));
                self.run(at_us, &sentinel, &["SENTINEL", "RESET", &name]);
            }
            127..=128 => {
                let what = Addition::Redis { follows: Some(server) };
                self.add(at_us, "redis", setup.redis * setup.masters, &what);
            }
            129 => self.remove(at_us),
            _ => self.breathe(at_us),
        }
    }

    /// Another node of a kind of which there were so many at the beginning.
    fn add(&mut self, at_us: u64, kind: &str, known: u32, what: &Addition) {
        let added = self.added.iter().filter(|name| name.starts_with(kind)).count() as u32;
        if added < ADDED_MAX {
            let name = format!("{kind}-{}", known + added + 1);
            self.added.push(name.clone());
            self.nodes.push((name.clone(), Belief::Running));
            self.act(at_us, Action::Add(name, what.clone()));
        }
    }

    /// One of those that were added leaves for good, if there is one.
    fn remove(&mut self, at_us: u64) {
        let is_added = |(name, _): &(String, Belief)| self.added.contains(name);
        if let Some(index) = self.nodes.iter().rposition(is_added) {
            let (name, _) = self.nodes.remove(index);
            self.act(at_us, Action::Remove(name));
        }
    }

    fn run(&mut self, at_us: u64, node: &str, words: &[&str]) {
        let words = words.iter().map(|word| (*word).to_string()).collect();
        self.act(at_us, Action::Run(node.to_string(), words));
    }

    /// A command of an operator to a data node: much that does not reach the stream as it was given.
    fn command(&mut self, at_us: u64, server: &str) {
        let number = self.below(1_000).to_string();
        let key = format!("key-{}", self.below(5));
        let words: &[&str] = match self.below(15) {
            0 => &["SET", &key, &number, "PX", "1500"],
            1 => &["INCRBYFLOAT", "sum", "0.1"],
            2 => &["SPOP", "set"],
            3 => &["LPUSH", "list", &number, "b", "c"],
            4 => &["LMOVE", "list", "list", "LEFT", "RIGHT"],
            5 => &["HSET", "hash", &number, "value"],
            6 => &["EXPIRE", "hash", "1"],
            7 => &["GETEX", &key, "PERSIST"],
            8 => &["ZADD", "zset", &number, "member", "1", &number],
            9 => &["XADD", "stream", "MAXLEN", "~", "50", "*", "field", &number],
            10 => &["SAVE"],
            11 => &["BGSAVE"],
            12 => &["SADD", "set", &number, "b", "c", "d"],
            13 => &["CONFIG", "SET", "repl-backlog-size", "32768"],
            _ => &["EVAL", "return redis.call('set', KEYS[1], ARGV[1])", "1", &key, &number],
        };
        self.run(at_us, server, words);
    }

    /// A moment in which every process works.
    fn breathe(&mut self, at_us: u64) {
        for index in 0..self.nodes.len() {
            let (name, belief) = self.nodes[index].clone();
            match belief {
                Belief::Running => {}
                Belief::Frozen => self.act(at_us, Action::Resume(name)),
                Belief::Down => self.act(at_us, Action::Start(name)),
            }
            self.nodes[index].1 = Belief::Running;
        }
    }

    /// Mends all there is, and says what must be true then.
    fn mend(&mut self, setup: &Setup) {
        let at_us = FAULTY_US + 5_000_000;
        self.act(at_us, Action::Heal);
        self.act(at_us, Action::Latency(None, USUAL));
        // A data node that was added in the middle of a failure may follow one that is no master any more, and be known
        // to no Sentinel: whoever added it has to look after it, and it leaves here.
        let guests = self.nodes.iter().map(|(name, _)| name.clone());
        let guests: Vec<_> =
            guests.filter(|name| name.starts_with("redis") && self.added.contains(name)).collect();
        self.nodes.retain(|(name, _)| !guests.contains(name));
        let remains = |pair: &(String, String)| {
            self.nodes.iter().filter(|(name, _)| *name == pair.0 || *name == pair.1).count() == 2
        };
        self.pairs.retain(remains);
        self.lossy.retain(remains);
        for name in guests {
            self.act(at_us, Action::Remove(name));
        }
        for (a, b) in core::mem::take(&mut self.pairs) {
            self.act(at_us, Action::Latency(Some((a, b, Ways::Both)), USUAL));
        }
        for (a, b) in core::mem::take(&mut self.lossy) {
            self.act(at_us, Action::Loss(Some((a, b)), 0));
        }
        for index in 0..self.nodes.len() {
            let name = self.nodes[index].0.clone();
            self.act(at_us, Action::Disk(name.clone(), DiskFault::None));
            self.act(at_us, Action::SlowDisk(name.clone(), USUAL_DISK));
            self.act(at_us, Action::Names(name.clone(), Switch::On));
            self.act(at_us, Action::Resume(name.clone()));
            self.act(at_us, Action::Start(name));
        }
        // A data node whose last snapshot failed takes no writes, and a replica ends itself at the next one, as those
        // of Redis do: somebody starts it again and lets it save.
        for after_us in [1_000_000, 5_000_000, 15_000_000] {
            for index in 0..self.nodes.len() {
                let name = self.nodes[index].0.clone();
                self.act(at_us + after_us, Action::Start(name.clone()));
                if !setup.models && name.starts_with("redis") {
                    self.run(at_us + after_us, &name, &["SAVE"]);
                }
            }
        }
        // A failover that had begun may still go through: what counts is that all is well then and stays so.
        let whole_us = at_us + WHOLE_WITHIN_US;
        for second in (0..=STAYS_WHOLE_US / 1_000_000).step_by(2) {
            self.lines.push(Line::At(whole_us + second * 1_000_000, Fact::Whole));
        }
        if setup.models {
            return;
        }
        let quiet_us = whole_us + STAYS_WHOLE_US;
        for number in 1..=setup.writers.len() {
            self.act(quiet_us, Action::Writes(format!("writer-{number}"), Switch::Off));
        }
        for group in 0..setup.masters {
            let first = format!("redis-{}", group * setup.redis + 1);
            for number in 2..=setup.redis {
                let other = format!("redis-{}", group * setup.redis + number);
                self.lines.push(Line::At(quiet_us + 3_000_000, Fact::Same(first.clone(), other)));
            }
        }
    }
}

/// A data node starts over with an empty disk, and runs then.
fn set_wiped(draw: &mut Draw, at_us: u64, server: &str) {
    if let Some(node) = draw.nodes.iter_mut().find(|(name, _)| name == server) {
        node.1 = Belief::Running;
    }
    draw.act(at_us, Action::Wipe(server.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_world_reads_as_it_is_written() {
        for seed in 0..50 {
            let scenario = draw(seed, Wanted::default());
            assert_eq!(scenario.to_string().parse(), Ok(scenario), "seed {seed}");
        }
    }

    #[test]
    fn shrinking_leaves_what_is_needed() {
        let scenario = draw(3, Wanted::default());
        let lines: Vec<Line> =
            scenario.lines.iter().filter(|line| line.after_us() < FAULTY_US).cloned().collect();
        let needed = [lines[3].clone(), lines[lines.len() / 2].clone(), lines[lines.len() - 1].clone()];
        let shortest =
            shrink(&scenario, FAULTY_US, |scenario| needed.iter().all(|line| scenario.lines.contains(line)));
        let left: Vec<&Line> = shortest.lines.iter().filter(|line| line.after_us() < FAULTY_US).collect();
        assert_eq!(left, needed.iter().collect::<Vec<_>>());
        let kept =
            |scenario: &Scenario| scenario.lines.iter().filter(|line| line.after_us() >= FAULTY_US).count();
        assert_eq!(kept(&shortest), kept(&scenario), "what mends and what is expected stays");
    }
}
