//! SENTINEL RESET and FORGET leave no blind window: whom a Sentinel knew of a master before, and who has been there ever
//! since, it knows at every moment behind it too, or has set it aside to know it again should the master die.
//!
//! *There* is a replica that runs and that its master lists; while the master is dead, one that goes on following it.
//! (One that a living master does not list any more is what RESET is for.) There is a Sentinel that runs, watches the same
//! address, and has been able to say so: this is claimed while nothing delays or loses what goes between the two and the
//! master's data nodes, and none of these stands still; what happens elsewhere is no excuse. FORGET does not succeed for
//! one that has been there for longer than INFO and hellos take.
//!
//! A Sentinel that is started again has to know from its file whom the file named when it was RESET: whoever is set aside
//! is named there still.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::ops::AddAssign;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Time};
use picket_sentinel_core::{Acquaintances, Addr, Event, InstanceRef, Kind, MasterConfig};

use super::Observation;
use super::circle::{Circle, Disturbed, TOLD_WITHIN};
use super::files::Files;
use crate::ids::{NodeId, Power, Run};
use crate::world::World;

/// For how long a RESET is remembered.
const REMEMBERED: Millis = Millis(30_000);
/// A master that has just started has not been found by its replicas yet.
const RETURN: Millis = Millis(3_000);
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
    disturbed: Disturbed,
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
    sentinels: Vec<Peer>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    node: NodeId,
    run: Run,
    /// The file of the Sentinel that was RESET named it then.
    is_written: bool,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    node: NodeId,
    run: Run,
    /// Since when a master that has started again does not list it.
    unlisted: Option<Time>,
    /// The file of the Sentinel that was RESET named it then.
    is_written: bool,
}

impl NoBlindWindow {
    pub(crate) fn check(
        &mut self,
        world: &World,
        what: &Observation<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        match what {
            Observation::Commanded { words } if may_forget(words) => {
                self.is_on = true;
                world.sentinels().for_each(|node| self.note(world, node));
                Ok(())
            }
            Observation::Disturbed { what } => {
                self.disturbed.note(world.now(), what);
                for ((sentinel, master), there) in &mut self.there {
                    there
                        .sentinels
                        .retain(|peer| !Circle { two: [*sentinel, peer.node], master }.is_in(world, what));
                }
                Ok(())
            }
            Observation::Started { node } => {
                self.since.insert(*node, (world.node(*node).run, world.now()));
                self.known.retain(|(sentinel, _), _| sentinel != node);
                let own = self.there.iter_mut().filter(|((sentinel, _), _)| sentinel == node);
                own.for_each(|(_, there)| there.start_again());
                if self.is_on {
                    self.note(world, *node);
                }
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
                let file = files.of(world, *node, name)?;
                self.begin(world, *node, name, file);
                self.speaks_anew(world, *node, name);
                Ok(())
            }
            Observation::Event { node, event: Event::Forgotten { instance } } => {
                let result = self.forgotten(world, *node, instance);
                self.excuse(world, *node, instance);
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
        let is_up = world.is_link_up(node);
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

    fn begin(&mut self, world: &World, node: NodeId, name: &str, file: Option<&MasterConfig>) {
        let key = (node, name.to_string());
        let (Some(known), Some(master)) = (self.known.get(&key), world.master_seen_by(node, name)) else {
            return;
        };
        let Some(run) = world.node_at(master).map(|master| world.node(master).run) else { return };
        let runs = |node: &NodeId| world.power(*node) == Power::Running;
        // A model does not tell whom it lists.
        let is_real = |node: &NodeId| world.core(*node).is_some();
        let replicas = known.replicas.iter().filter_map(|addr| Some((addr, world.node_at(*addr)?)));
        let replicas = replicas.filter(|(_, node)| runs(node) && is_real(node)).map(|(addr, node)| {
            let is_it = |other: &Addr| other.port == addr.port() && other.ip == Some(addr.ip());
            let is_written = file.is_some_and(|file| file.replicas.iter().any(is_it));
            Replica { node, run: world.node(node).run, unlisted: None, is_written }
        });
        let sentinels = known.sentinels.iter().filter_map(|id| Some((id, world.ids.get(id).copied()?)));
        let is_calm = |peer| self.disturbed.is_over(world, Circle { two: [node, peer], master: name });
        let sentinels = sentinels.filter(|(_, peer)| runs(peer) && is_calm(*peer)).map(|(id, peer)| {
            let is_written = file.is_some_and(|file| file.sentinels.iter().any(|(_, other)| other == id));
            Peer { node: peer, run: world.node(peer).run, is_written }
        });
        let (replicas, sentinels) = (replicas.collect(), sentinels.collect());
        let mut there = There { at: world.now(), master, run, replicas, sentinels };
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
            there.sentinels.retain(|peer| peer.node != node);
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
            there.sentinels.retain(|Peer { node: peer, run, .. }| {
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
                    .map(|peer| peer.node)
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
        let name = instance.master_name();
        let Some(who) = node_of(world, instance) else { return Ok(()) };
        if !self.disturbed.is_over(world, Circle { two: [node, who], master: name }) {
            return Ok(());
        }
        self.judged.forgotten += 1;
        let runs = world.power(who) == Power::Running;
        let lives = match instance.kind {
            Kind::Replica => {
                let since = self.since.get(&who).filter(|(run, _)| *run == world.node(who).run);
                let follows = world.standing(who).and_then(|standing| standing.follows);
                let master = world.master_seen_by(node, name);
                follows == master && since.is_some_and(|(_, since)| *since + TOLD_WITHIN < world.now())
            }
            Kind::Sentinel => {
                let is_old = |node: NodeId| {
                    let since = self.since.get(&node).filter(|(run, _)| *run == world.node(node).run);
                    since.is_some_and(|(_, since)| *since + TOLD_WITHIN < world.now())
                };
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

    /// Whom an operator had a Sentinel forget one by one, it need not know; whether it might is judged by itself.
    fn excuse(&mut self, world: &World, node: NodeId, instance: &InstanceRef) {
        let there = self.there.get_mut(&(node, instance.master_name().to_string()));
        if let (Some(there), Some(who)) = (there, node_of(world, instance)) {
            there.replicas.retain(|replica| replica.node != who);
            there.sentinels.retain(|peer| peer.node != who);
        }
    }
}

/// The machine of an instance.
fn node_of(world: &World, instance: &InstanceRef) -> Option<NodeId> {
    world.node_at(SocketAddr::new(instance.host.parse().ok()?, instance.port))
}

impl There {
    /// The Sentinel starts again, with what its file says.
    fn start_again(&mut self) {
        self.replicas.retain(|replica| replica.is_written);
        self.sentinels.retain(|peer| peer.is_written);
    }

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
    use alloc::vec;

    use super::*;
    use crate::change::Touched;
    use crate::scenario::Scenario;
    use crate::timeline::Timeline;
    use crate::transcript::Detail;

    /// The fourth of each kind has just come, and sentinel-1 has not heard of it.
    fn with_newcomers() -> (Timeline, NodeId) {
        let scenario: Scenario = "redis 3\nsentinels 3\n".parse().expect("a scenario");
        let mut timeline = scenario.timeline(Detail::Nothing).expect("it begins");
        act(&mut timeline, "add redis-4");
        act(&mut timeline, "add sentinel-4");
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
        let mut files = Files::default();
        let file = files.of(world, sentinel, "mymaster").expect("it can be read");
        blind.begin(world, sentinel, "mymaster", file);
        blind
    }

    /// What comes of this line.
    fn act(timeline: &mut Timeline, line: &str) {
        timeline.inject(line.parse().expect("an action")).expect("it can be done");
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
        act(&mut timeline, "kill redis-4");
        act(&mut timeline, "add sentinel-5");
        assert_eq!(look(&timeline, "redis-4", "sentinel-2"), Ok(()), "it is not there");
        let lost = look(&timeline, "redis-2", "sentinel-5").expect_err("it does not know it");
        assert!(lost.contains("sentinel-5"), "{lost}");
        // What is wrong elsewhere is no excuse.
        for line in ["freeze sentinel-3", "cut sentinel-2 redis-1", "cut redis-2 redis-3"] {
            act(&mut timeline, line);
        }
        look(&timeline, "redis-2", "sentinel-5").expect_err("it still does not know it");
        act(&mut timeline, "cut sentinel-5 redis-1");
        assert_eq!(look(&timeline, "redis-2", "sentinel-5"), Ok(()), "it cannot be heard there");
    }

    #[test]
    fn what_happens_between_others_is_no_excuse() {
        let (mut timeline, sentinel) = with_newcomers();
        timeline.seek(timeline.now() + TOLD_WITHIN + TOLD_WITHIN);
        act(&mut timeline, "add sentinel-5");
        let world = timeline.world();
        let mut files = Files::default();
        for (a, b, is_excused) in [
            ("redis-1", "redis-2", false),
            ("sentinel-2", "redis-1", false),
            ("sentinel-2", "sentinel-3", false),
            ("sentinel-1", "sentinel-2", false),
            ("sentinel-1", "redis-2", true),
            ("redis-1", "sentinel-5", true),
            ("sentinel-5", "sentinel-1", true),
            ("sentinel-2", "sentinel-2", false),
            ("redis-1", "redis-1", true),
            ("sentinel-5", "sentinel-5", true),
        ] {
            let mut blind = was_reset(world, sentinel, "redis-2", "sentinel-5");
            let [one, other] = [a, b].map(|name| world.find(name).expect("it is there"));
            let what = if one == other { Touched::Machine(one) } else { Touched::Wires(vec![(one, other)]) };
            let disturbed = Observation::Disturbed { what: &what };
            assert_eq!(blind.check(world, &disturbed, &mut files), Ok(()));
            assert_eq!(blind.look(world, sentinel).is_ok(), is_excused, "{a} {b}");
        }
    }

    #[test]
    fn who_starts_again_knows_whom_its_file_named() {
        let (mut timeline, sentinel) = with_newcomers();
        timeline.seek(timeline.now() + TOLD_WITHIN + TOLD_WITHIN);
        act(&mut timeline, "add sentinel-5");
        let mut world = timeline.world().clone();
        let mut files = Files::default();
        let look = |world: &World, blind: &NoBlindWindow, files: &mut Files| {
            let mut blind = blind.clone();
            assert_eq!(blind.check(world, &Observation::Started { node: sentinel }, files), Ok(()));
            blind.look(world, sentinel)
        };
        // Its file has the one from long ago, and not the other.
        let known = was_reset(&world, sentinel, "redis-2", "sentinel-2");
        let new = was_reset(&world, sentinel, "redis-2", "sentinel-5");
        world.kill(sentinel);
        let text = world.disk_text(sentinel);
        world.restart(sentinel);
        assert_eq!(look(&world, &known, &mut files), Ok(()));
        assert_eq!(look(&world, &new, &mut files), Ok(()), "nobody promised that");
        for (lost, who) in [("known-replica mymaster 10.0.1.2", "redis-2"), ("26379", "sentinel-2")] {
            let is_kept = |line: &&str| !(line.contains(lost) && line.starts_with("sentinel known-"));
            let less: Vec<&str> = text.lines().filter(is_kept).collect();
            world.kill(sentinel);
            world.set_disk_text(sentinel, &less.join("\n"));
            world.restart(sentinel);
            let lost = look(&world, &known, &mut files).expect_err("its file does not name it any more");
            assert!(lost.contains(who), "{lost}");
            assert_eq!(look(&world, &NoBlindWindow::default(), &mut files), Ok(()));
        }
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
        let data = Observation::Data { node: replica };
        assert_eq!(blind.check(timeline.world(), &data, &mut Files::default()), Ok(()));
        assert_eq!(blind.forgotten(timeline.world(), sentinel, &instance), Ok(()), "its link is new");
        timeline.seek(timeline.now() + TOLD_WITHIN + TOLD_WITHIN);
        let lost = blind.forgotten(timeline.world(), sentinel, &instance).expect_err("it lives");
        assert_eq!(lost, "sentinel-1 forgets redis-2, which is there");
    }
}
