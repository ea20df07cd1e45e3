//! What goes wrong, one random act after the other.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use picket_sansio::Millis;

use super::draw::{ADDED_MAX, Belief, Draw};
use super::{CALM_US, FAULTY_US};
use crate::action::{Latency, Ways};
use crate::cluster::Cluster;
use crate::disk::DiskFault;
use crate::scenario::{Line, NODES_MAX, Setup};
use crate::script::{Action, Switch};
use crate::topology::Addition;

impl Draw {
    pub(super) fn faults(&mut self, setup: &Setup) {
        let mut at_us = 0;
        while at_us < FAULTY_US {
            if self.is_calm && at_us < CALM_US && setup.sentinels > 1 {
                self.deed(at_us, setup);
            } else {
                self.fault(at_us, setup);
            }
            let pause = [50, 300, 1_500, 4_000][self.below(4)];
            at_us += 1_000 * (1 + self.prng.below(pause));
        }
        // Of some faults a part comes a little later.
        self.lines.sort_by_key(Line::after_us);
    }

    /// One random act of those after which the wires and all that runs are as well as before.
    fn deed(&mut self, at_us: u64, setup: &Setup) {
        let index = self.below(self.nodes.len());
        let (node, belief) = self.nodes[index].clone();
        let forgetful = self.forgetful(setup);
        match self.below(12) {
            0..=1 => {
                let is_up = belief == Belief::Running;
                self.nodes[index].1 = if is_up { Belief::Down } else { Belief::Running };
                self.act(at_us, if is_up { Action::Kill(node) } else { Action::Start(node) });
            }
            2..=3 => self.reset(at_us, &forgetful, setup),
            4 => self.forget_replica(at_us, &forgetful, setup),
            5 => self.forget_sentinel(at_us, &forgetful, setup),
            6 if belief == Belief::Running => self.farewell(at_us, &node, setup),
            7 => self.reset_and_death(at_us, setup, 1),
            _ => self.breathe(at_us),
        }
    }

    /// A replica or a Sentinel ends, and is forgotten when it has been silent for long enough. Nobody starts it meanwhile:
    /// it is taken for running.
    fn farewell(&mut self, at_us: u64, node: &str, setup: &Setup) {
        self.act(at_us, Action::Kill(node.to_string()));
        let forget_us = at_us + 12_000_000 + self.prng.below(4_000) * 1_000;
        let (kind, addr, name) =
            match node.split_once('-').map(|(kind, number)| (kind, number.parse::<u32>())) {
                Some(("redis", Ok(number))) => {
                    let group = (number - 1) / setup.redis;
                    ("REPLICA", format!("10.0.1.{number}:6379"), Cluster::master_name(group as usize))
                }
                Some((_, Ok(number))) => {
                    let group = self.below(setup.masters as usize);
                    ("SENTINEL", format!("10.0.0.{number}:26379"), Cluster::master_name(group))
                }
                _ => return,
            };
        for number in 2..=setup.sentinels {
            let sentinel = format!("sentinel-{number}");
            self.run(forget_us, &sentinel, &["SENTINEL", "FORGET", &name, kind, &addr]);
        }
    }

    /// A Sentinel that may forget. The first forgets nobody: who is forgotten by all while it is dead comes back as a
    /// stranger.
    fn forgetful(&mut self, setup: &Setup) -> String {
        format!("sentinel-{}", 2 + self.count(setup.sentinels.max(2) - 1))
    }

    /// One random act.
    fn fault(&mut self, at_us: u64, setup: &Setup) {
        let index = self.below(self.nodes.len());
        let other = (index + 1 + self.below(self.nodes.len() - 1)) % self.nodes.len();
        let (node, belief) = self.nodes[index].clone();
        let other = self.nodes[other].0.clone();
        let sentinel = format!("sentinel-{}", 1 + self.count(setup.sentinels));
        let server = format!("redis-{}", 1 + self.count(setup.redis * setup.masters));
        let forgetful = self.forgetful(setup);
        let set = |draw: &mut Self, now: Belief, action: Action| {
            draw.nodes[index].1 = now;
            draw.act(at_us, action);
        };
        match self.below(146) {
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
                let ways = [Ways::Both, Ways::OneWay][self.below(2)];
                self.pairs.push((node.clone(), other.clone()));
                self.act(at_us, Action::Latency(Some((node, other, ways)), latency));
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
            124..=125 if self.comes_and_goes && !self.has_data_guest() => {
                self.add(at_us, "sentinel", setup.sentinels, &Addition::Sentinel);
            }
            126 if self.comes_and_goes && setup.sentinels > 1 => self.reset(at_us, &forgetful, setup),
            127..=128 => {
                let what = Addition::Redis { follows: Some(server) };
                self.add(at_us, "redis", setup.redis * setup.masters, &what);
            }
            129 | 136 => self.remove(at_us),
            130..=131 if setup.sentinels > 1 => self.forget_replica(at_us, &forgetful, setup),
            132 if self.comes_and_goes && setup.sentinels > 1 => {
                self.forget_sentinel(at_us, &forgetful, setup);
            }
            133..=134 if self.comes_and_goes => self.reset_and_death(at_us, setup, 3),
            135 if !setup.models => {
                let writer = format!("writer-{}", 1 + self.below(setup.writers.len()));
                let replicas = self.count(3);
                self.act(at_us, Action::Waits(writer, replicas));
            }
            _ => self.breathe(at_us),
        }
    }

    /// Another node of a kind of which there were so many at the beginning.
    fn add(&mut self, at_us: u64, kind: &str, known: u32, what: &Addition) {
        let added = self.added.iter().filter(|name| name.starts_with(kind)).count() as u32;
        if added < ADDED_MAX && known + added < NODES_MAX {
            let name = format!("{kind}-{}", known + added + 1);
            self.added.push(name.clone());
            self.nodes.push((name.clone(), Belief::Running));
            self.act(at_us, Action::Add(name, what.clone()));
        }
    }

    /// Whether a data node was added. It may be promoted, die and leave, and no Sentinel comes after it: that address
    /// would be the only one it is told, and nobody could ever tell it another.
    fn has_data_guest(&self) -> bool {
        self.added.iter().any(|name| name.starts_with("redis"))
    }

    /// One of those that were added leaves for good, if there is one.
    fn remove(&mut self, at_us: u64) {
        let guests = self.nodes.iter().zip(0..).filter(|((name, _), _)| self.added.contains(name));
        let guests: Vec<usize> = guests.map(|(_, index)| index).collect();
        if !guests.is_empty() {
            let index = guests[self.below(guests.len())];
            let (name, _) = self.nodes.remove(index);
            self.act(at_us, Action::Remove(name));
        }
    }

    fn reset(&mut self, at_us: u64, sentinel: &str, setup: &Setup) {
        let name = Cluster::master_name(self.below(setup.masters as usize));
        self.run(at_us, sentinel, &["SENTINEL", "RESET", &name]);
    }

    /// An operator takes another Sentinel for gone. It may be refused.
    fn forget_sentinel(&mut self, at_us: u64, sentinel: &str, setup: &Setup) {
        let name = Cluster::master_name(self.below(setup.masters as usize));
        let gone = format!("10.0.0.{}:26379", 1 + self.count(setup.sentinels));
        self.run(at_us, sentinel, &["SENTINEL", "FORGET", &name, "SENTINEL", &gone]);
    }

    /// An operator takes a replica for gone. It may be refused: one that lives is not forgotten.
    fn forget_replica(&mut self, at_us: u64, sentinel: &str, setup: &Setup) {
        let group = self.count(setup.masters);
        let number = group * setup.redis + 1 + self.count(setup.redis);
        let name = Cluster::master_name(group as usize);
        let replica = format!("10.0.1.{number}:6379");
        self.run(at_us, sentinel, &["SENTINEL", "FORGET", &name, "REPLICA", &replica]);
    }

    /// All Sentinels but one are RESET, and a data node dies just before or just after, in one of the first so many ways.
    fn reset_and_death(&mut self, at_us: u64, setup: &Setup, ways: usize) {
        let group = self.count(setup.masters);
        let victim = format!("redis-{}", group * setup.redis + 1 + self.count(setup.redis));
        let pause_us = self.prng.below(3_000) * 1_000;
        let (reset_us, death_us) =
            if self.below(2) == 0 { (at_us, at_us + pause_us) } else { (at_us + pause_us, at_us) };
        let name = Cluster::master_name(group as usize);
        for number in 2..=setup.sentinels {
            self.run(reset_us, &format!("sentinel-{number}"), &["SENTINEL", "RESET", &name]);
        }
        let deaths =
            [Action::Kill(victim.clone()), Action::Off(victim.clone()), Action::Freeze(victim.clone())];
        let kind = self.below(ways.min(deaths.len()));
        if let Some((_, belief)) = self.nodes.iter_mut().find(|(name, _)| *name == victim)
            && *belief == Belief::Running
        {
            *belief = if kind == 2 { Belief::Frozen } else { Belief::Down };
            self.act(death_us, deaths[kind].clone());
        }
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
}

/// A data node starts over with an empty disk, and runs then.
fn set_wiped(draw: &mut Draw, at_us: u64, server: &str) {
    if let Some(node) = draw.nodes.iter_mut().find(|(name, _)| name == server) {
        node.1 = Belief::Running;
    }
    draw.act(at_us, Action::Wipe(server.to_string()));
}
