//! What mends all there is, and what must be true then.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::FAULTY_US;
use super::draw::Draw;
use crate::action::{Latency, Ways};
use crate::cluster::Cluster;
use crate::disk::DiskFault;
use crate::scenario::{Fact, Line, Setup};
use crate::script::{Action, Switch};
use crate::topology::Addition;

/// A Sentinel that was frozen is in TILT for 30 s, and the failover-timeout is 10 s.
const WHOLE_WITHIN_US: u64 = 60_000_000;
/// For how long all must stay well.
const STAYS_WHOLE_US: u64 = 10_000_000;
/// A data node that has come is in the next INFO of its master, and has a copy of its data.
const KNOWN_WITHIN_US: u64 = 15_000_000;
/// What the death of a master takes when nothing else is wrong, and all that follow it.
const RENEWED_WITHIN_US: u64 = 30_000_000;
/// How long a segment takes when nothing is wrong.
const USUAL: Latency = Latency { from_us: 800, to_us: 1_200 };
/// How long a write to a disk takes then.
const USUAL_DISK: Latency = Latency { from_us: 3_000, to_us: 5_000 };

impl Draw {
    /// Mends all there is, and says what must be true then.
    pub(super) fn mend(&mut self, setup: &Setup) {
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
        let mut quiet_us = whole_us + STAYS_WHOLE_US;
        let mut groups: Vec<Vec<String>> = (0..setup.masters)
            .map(|group| {
                (1..=setup.redis).map(|number| format!("redis-{}", group * setup.redis + number)).collect()
            })
            .collect();
        if self.is_renewed {
            quiet_us = self.renew(quiet_us, setup, &mut groups);
        }
        if setup.models {
            return;
        }
        for number in 1..=setup.writers.len() {
            self.act(quiet_us, Action::Writes(format!("writer-{number}"), Switch::Off));
        }
        for group in groups {
            for other in &group[1..] {
                let fact = Fact::Same(group[0].clone(), other.clone());
                self.lines.push(Line::At(quiet_us + 3_000_000, fact));
            }
        }
    }

    /// A data node comes to stay, and when it is known one of those that follow the first master, or that master, leaves
    /// for good; says until when, and of whom each group consists then.
    fn renew(&mut self, from_us: u64, setup: &Setup, groups: &mut [Vec<String>]) -> u64 {
        let guests = self.added.iter().filter(|name| name.starts_with("redis")).count() as u32;
        let comes = format!("redis-{}", setup.redis * setup.masters + guests + 1);
        self.act(from_us, Action::Add(comes.clone(), Addition::Redis { follows: None }));
        groups[0].push(comes.clone());
        let index = self.below(groups[0].len() - 1);
        let leaves = groups[0].remove(index);
        let leaves_us = from_us + KNOWN_WITHIN_US;
        self.lines.push(Line::At(leaves_us, Fact::Whole));
        self.act(leaves_us, Action::Remove(leaves.clone()));
        let whole_us = leaves_us + RENEWED_WITHIN_US;
        self.lines.push(Line::At(whole_us, Fact::Whole));
        // Nobody need remember it.
        let addr = leaves.replace("redis-", "10.0.1.") + ":6379";
        self.run(whole_us, "sentinels", &["SENTINEL", "FORGET", &Cluster::master_name(0), "REPLICA", &addr]);
        let forgotten_us = whole_us + 2_000_000;
        self.lines.push(Line::At(forgotten_us, Fact::Whole));
        forgotten_us
    }
}
