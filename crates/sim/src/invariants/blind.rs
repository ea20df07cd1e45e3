//! SENTINEL RESET and FORGET leave no blind window: whom a Sentinel knew of a master before, and who has been there ever
//! since, it knows at every moment behind it too, or has set it aside to know it again should the master die.
//!
//! *There* is a replica that runs and that its master lists; while the master is dead, one that goes on following it.
//! (One that a living master does not list any more is what RESET is for.) There is a Sentinel that runs, watches the same
//! address, and has been able to say so: this is claimed only while nothing delays or loses what is sent, and nobody
//! stands still. FORGET does not succeed for one that has been there for longer than INFO and hellos take.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::ops::AddAssign;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Time};
use picket_sentinel_core::{Acquaintances, Event, InstanceRef, Kind};

use super::Observation;
use crate::ids::{NodeId, Power, Run};
use crate::world::World;

/// For how long a RESET is remembered.
const REMEMBERED: Millis = Millis(30_000);
/// A master that has just started has not been found by its replicas yet.
const RETURN: Millis = Millis(3_000);
/// After this INFO and hellos have told who is there: their periods are 11 and 2.5 s.
const TOLD_WITHIN: Millis = Millis(15_000);

/// Two that are RESET within this time still hear each other in time.
const ANEW: Millis = Millis(2_000);

#[derive(Clone, Debug, Default)]
pub(crate) struct NoBlindWindow {
    /// Whom Sentinels knew when they were last looked at; nothing is noted before the first RESET or FORGET.
    known: BTreeMap<(NodeId, String), Acquaintances>,
    /// Whom a Sentinel that was RESET knew, and who has been there ever since.
    there: BTreeMap<(NodeId, String), There>,
    /// Since when each process of a data node or a Sentinel is seen as it should be.
    since: BTreeMap<NodeId, (Run, Time)>,
    /// When something last happened to wires or clocks.
    disturbed: Time,
    is_on: bool,
    judged: Judged,
}

/// How often there was something to judge: a property that is never asked holds for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// A Sentinel that was RESET had to know replicas.
    pub replicas: u64,
    /// It had to know other Sentinels.
    pub sentinels: u64,
    /// A replica or a Sentinel was forgotten while nothing else went wrong, and must not have been there.
    pub forgotten: u64,
}

impl AddAssign for Judged {
    fn add_assign(&mut self, other: Self) {
        self.replicas += other.replicas;
        self.sentinels += other.sentinels;
        self.forgotten += other.forgotten;
    }
}

#[derive(Clone, Debug)]
struct There {
    at: Time,
    master: SocketAddr,
    /// The master's process at that time.
    run: Run,
    replicas: Vec<Replica>,
    sentinels: Vec<(NodeId, Run)>,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    node: NodeId,
    run: Run,
    /// Since when a master that has started again does not list it.
    unlisted: Option<Time>,
}

impl NoBlindWindow {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Commanded { words } if may_forget(words) => {
                self.is_on = true;
                world.sentinels().for_each(|node| self.note(world, node));
                Ok(())
            }
            Observation::Disturbed => {
                self.disturbed = world.now();
                self.there.values_mut().for_each(|there| there.sentinels.clear());
                Ok(())
            }
            Observation::Started { node } => {
                self.since.insert(*node, (world.node(*node).run, world.now()));
                self.there.retain(|(sentinel, _), _| sentinel != node);
                self.known.retain(|(sentinel, _), _| sentinel != node);
                Ok(())
            }
            Observation::Data { node } => {
                self.note_link(world, *node);
                self.there.values_mut().for_each(|there| there.look(world, *node));
                Ok(())
            }
            _ if !self.is_on => Ok(()),
            Observation::Event { node, event: Event::ResetMaster { instance } } => {
                let name = instance.master_name();
                self.begin(world, *node, name);
                self.speaks_anew(world, *node, name);
                Ok(())
            }
            Observation::Event { node, event: Event::Forgotten { instance } } => {
                let result = self.forgotten(world, *node, instance);
                self.note(world, *node);
                result
            }
            Observation::Configurations { node, .. } => {
                let result = self.look(world, *node);
                self.note(world, *node);
                result
            }
            _ => Ok(()),
        }
    }

    pub(super) fn judged(&self) -> Judged {
        self.judged
    }

    /// Whether a Sentinel was RESET lately. It may lose somebody without a word of it.
    pub(super) fn watches(&self, node: NodeId) -> bool {
        self.there.keys().any(|(sentinel, _)| *sentinel == node)
    }

    /// What a Sentinel knows now.
    fn note(&mut self, world: &World, node: NodeId) {
        let Some(core) = world.sentinel_core(node) else { return };
        for (master, known) in core.acquaintances() {
            self.known.insert((node, master.to_string()), known);
        }
    }

    /// A data node has done something: is it a replica with its link up?
    fn note_link(&mut self, world: &World, node: NodeId) {
        let run = world.node(node).run;
        let is_up = world.standing(node).is_some_and(|standing| standing.link_up);
        match self.since.get(&node) {
            Some((known, _)) if is_up && *known == run => {}
            _ if is_up => {
                self.since.insert(node, (run, world.now()));
            }
            _ => {
                self.since.remove(&node);
            }
        }
    }

    /// Nothing has happened to wires for long, nobody stood still, and all are as they should be.
    fn is_calm(&self, world: &World) -> bool {
        let runs = |node: NodeId| world.power(node) != Power::Frozen;
        self.disturbed + TOLD_WITHIN < world.now() && world.wires.are_whole() && world.nodes().all(runs)
    }

    fn begin(&mut self, world: &World, node: NodeId, name: &str) {
        let key = (node, name.to_string());
        let (Some(known), Some(master)) = (self.known.get(&key), world.master_seen_by(node, name)) else {
            return;
        };
        let Some(run) = world.node_at(master).map(|master| world.node(master).run) else { return };
        let runs = |node: &NodeId| world.power(*node) == Power::Running;
        // A model does not tell whom it lists.
        let is_real = |node: &NodeId| world.core(*node).is_some();
        let replicas = known.replicas.iter().filter_map(|addr| world.node_at(*addr));
        let replicas = replicas.filter(|node| runs(node) && is_real(node));
        let replicas =
            replicas.map(|node| Replica { node, run: world.node(node).run, unlisted: None }).collect();
        let is_calm = self.is_calm(world);
        let sentinels = known.sentinels.iter().filter_map(|id| world.ids.get(id).copied());
        let sentinels =
            sentinels.filter(|peer| is_calm && runs(peer)).map(|peer| (peer, world.node(peer).run));
        let mut there = There { at: world.now(), master, run, replicas, sentinels: sentinels.collect() };
        // Who was not named since the last RESET is expected still.
        if let Some(before) = self.there.get(&key).filter(|before| before.master == master) {
            let is_new = |replica: &&Replica| !there.replicas.iter().any(|other| other.node == replica.node);
            let more: Vec<Replica> = before.replicas.iter().filter(is_new).copied().collect();
            there.replicas.extend(more);
        }
        there.look_at_all(world);
        self.there.insert(key, there);
    }

    /// A Sentinel that was RESET connects anew, and is not heard meanwhile: nobody has to know it because of a RESET that
    /// was much earlier.
    fn speaks_anew(&mut self, world: &World, node: NodeId, name: &str) {
        let others = self.there.iter_mut().filter(|((_, master), _)| master == name);
        for (_, there) in others.filter(|(_, there)| there.at + ANEW < world.now()) {
            there.sentinels.retain(|(peer, _)| *peer != node);
        }
    }

    /// Whether a Sentinel still knows all who are there.
    fn look(&mut self, world: &World, node: NodeId) -> Result<(), String> {
        let keys: Vec<_> = self.there.keys().filter(|(sentinel, _)| *sentinel == node).cloned().collect();
        for key in keys {
            let Some(there) = self.there.get_mut(&key) else { continue };
            let knows = world.sentinel_core(node).and_then(|core| {
                core.acquaintances().find(|(master, _)| *master == key.1).map(|(_, known)| known)
            });
            let is_over = world.master_seen_by(node, &key.1) != Some(there.master)
                || there.at + REMEMBERED < world.now();
            let Some(knows) = knows.filter(|_| !is_over) else {
                self.there.remove(&key);
                continue;
            };
            there.look_at_all(world);
            let name = &key.1;
            there.sentinels.retain(|(peer, run)| {
                world.power(*peer) == Power::Running
                    && world.node(*peer).run == *run
                    && world.master_seen_by(*peer, name) == Some(there.master)
            });
            self.judged.replicas += u64::from(!there.replicas.is_empty());
            self.judged.sentinels += u64::from(!there.sentinels.is_empty());
            let is_missing = |replica: &&Replica| !knows.replicas.contains(&world.addr(replica.node));
            let who = match there.replicas.iter().find(is_missing) {
                Some(replica) => Some(replica.node),
                None => there
                    .sentinels
                    .iter()
                    .map(|(peer, _)| *peer)
                    .find(|peer| !knows.sentinels.iter().any(|id| world.ids.get(id) == Some(peer))),
            };
            if let Some(who) = who {
                return Err(format!(
                    "{} was RESET at {} and does not know {} any more, which has been there all the time",
                    world.name(node),
                    there.at,
                    world.name(who)
                ));
            }
        }
        Ok(())
    }

    /// Somebody was forgotten, one by one.
    fn forgotten(&mut self, world: &World, node: NodeId, instance: &InstanceRef) -> Result<(), String> {
        let is_calm = self.is_calm(world);
        let Ok(ip) = instance.host.parse() else { return Ok(()) };
        let Some(who) = world.node_at(SocketAddr::new(ip, instance.port)).filter(|_| is_calm) else {
            return Ok(());
        };
        self.judged.forgotten += 1;
        let runs = world.power(who) == Power::Running;
        let lives = match instance.kind {
            Kind::Replica => {
                let since = self.since.get(&who).filter(|(run, _)| *run == world.node(who).run);
                let follows = world.standing(who).and_then(|standing| standing.follows);
                let master = world.master_seen_by(node, instance.master_name());
                follows == master && since.is_some_and(|(_, since)| *since + TOLD_WITHIN < world.now())
            }
            Kind::Sentinel => {
                let is_old = |node: NodeId| {
                    let since = self.since.get(&node).filter(|(run, _)| *run == world.node(node).run);
                    since.is_some_and(|(_, since)| *since + TOLD_WITHIN < world.now())
                };
                let name = instance.master_name();
                let is_agreed = world.master_seen_by(who, name) == world.master_seen_by(node, name);
                is_old(who) && is_old(node) && is_agreed
            }
            Kind::Master => false,
        };
        if runs && lives {
            return Err(format!("{} forgets {}, which is there", world.name(node), world.name(who)));
        }
        Ok(())
    }
}

impl There {
    /// A data node has done something.
    fn look(&mut self, world: &World, node: NodeId) {
        if world.addr(node) == self.master || self.replicas.iter().any(|replica| replica.node == node) {
            self.look_at_all(world);
        }
    }

    /// Keeps those who are there.
    fn look_at_all(&mut self, world: &World) {
        let Some(master) = world.node_at(self.master) else { return };
        let is_same_run = world.node(master).run == self.run;
        let listed: Option<Vec<String>> = world
            .data_node(master)
            .filter(|_| world.power(master) == Power::Running)
            .map(|status| status.side.replicas.iter().map(|replica| replica.ip.clone()).collect());
        if !is_same_run {
            self.sentinels.clear();
        }
        let (addr, now) = (self.master, world.now());
        self.replicas.retain_mut(|replica| {
            let runs =
                world.power(replica.node) == Power::Running && world.node(replica.node).run == replica.run;
            let follows = world.standing(replica.node).is_some_and(|standing| standing.follows == Some(addr));
            let ip = world.addr(replica.node).ip().to_string();
            let is_listed = listed.as_ref().is_none_or(|listed| listed.contains(&ip));
            replica.unlisted = if is_listed { None } else { replica.unlisted.or(Some(now)) };
            let is_expected = replica.unlisted.is_none_or(|since| !is_same_run && now < since + RETURN);
            runs && follows && is_expected
        });
    }
}

/// Whether a command of an operator makes a Sentinel forget somebody.
fn may_forget(words: &[String]) -> bool {
    let [first, second, ..] = words else { return false };
    first.eq_ignore_ascii_case("SENTINEL")
        && ["RESET", "FORGET"].iter().any(|word| second.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::timeline::Timeline;
    use crate::transcript::Detail;

    /// The fourth of each kind has just come, and sentinel-1 has not heard of it.
    fn with_newcomers() -> (Timeline, NodeId) {
        let scenario: Scenario = "redis 3\nsentinels 3\n".parse().expect("a scenario");
        let mut timeline = scenario.timeline(Detail::Nothing).expect("it begins");
        for line in ["add redis-4", "add sentinel-4"] {
            timeline.inject(line.parse().expect("an action")).expect("it can be done");
        }
        timeline.seek(timeline.now() + Millis(200));
        let sentinel = timeline.world().find("sentinel-1").expect("it is there");
        (timeline, sentinel)
    }

    /// As if it had known exactly these when it was RESET just now.
    fn was_reset(world: &World, sentinel: NodeId, replica: &str, peer: &str) -> NoBlindWindow {
        let find = |name| world.find(name).expect("it is there");
        let id = world.sentinel_core(find(peer)).expect("it runs").my_id().to_string();
        let known = Acquaintances { replicas: [world.addr(find(replica))].into(), sentinels: [id].into() };
        let mut blind = NoBlindWindow { is_on: true, ..NoBlindWindow::default() };
        blind.known.insert((sentinel, "mymaster".to_string()), known);
        blind.begin(world, sentinel, "mymaster");
        blind
    }

    #[test]
    fn whom_a_sentinel_lost_by_reset_is_found() {
        let (mut timeline, sentinel) = with_newcomers();
        let look = |timeline: &Timeline, replica, peer| {
            was_reset(timeline.world(), sentinel, replica, peer).look(timeline.world(), sentinel)
        };
        assert_eq!(look(&timeline, "redis-2", "sentinel-2"), Ok(()));
        let lost = look(&timeline, "redis-4", "sentinel-2").expect_err("it does not know it");
        assert!(
            lost.ends_with("does not know redis-4 any more, which has been there all the time"),
            "{lost}"
        );
        assert_eq!(look(&timeline, "redis-2", "sentinel-4"), Ok(()), "just started, all is in disorder");
        timeline.seek(timeline.now() + TOLD_WITHIN + TOLD_WITHIN);
        for line in ["kill redis-4", "add sentinel-5"] {
            timeline.inject(line.parse().expect("an action")).expect("it can be done");
        }
        assert_eq!(look(&timeline, "redis-4", "sentinel-2"), Ok(()), "it is not there");
        let lost = look(&timeline, "redis-2", "sentinel-5").expect_err("it does not know it");
        assert!(lost.contains("sentinel-5"), "{lost}");
    }

    #[test]
    fn whoever_lives_must_not_be_forgotten() {
        let (mut timeline, sentinel) = with_newcomers();
        let mut blind = NoBlindWindow { is_on: true, ..NoBlindWindow::default() };
        let replica = timeline.world().find("redis-2").expect("it is there");
        let addr = timeline.world().addr(replica);
        let master = Some(("mymaster".to_string(), "10.0.1.1".to_string(), 6379));
        let (name, host) = (addr.to_string(), addr.ip().to_string());
        let instance = InstanceRef { kind: Kind::Replica, name, host, port: addr.port(), master };
        assert_eq!(blind.check(timeline.world(), &Observation::Data { node: replica }), Ok(()));
        assert_eq!(blind.forgotten(timeline.world(), sentinel, &instance), Ok(()), "its link is new");
        timeline.seek(timeline.now() + TOLD_WITHIN + TOLD_WITHIN);
        let lost = blind.forgotten(timeline.world(), sentinel, &instance).expect_err("it lives");
        assert_eq!(lost, "sentinel-1 forgets redis-2, which is there");
    }
}
