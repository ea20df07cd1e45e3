//! What the page shows of one moment, as plain values: nodes, links, messages, opinions, backlogs, writes.

mod choice;
mod data;
mod failovers;
mod meaning;
mod messages;
mod opinions;
mod replication;
mod state;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use picket_sansio::Time;
use picket_sim::{NodeId, NodeKind, Power, World};

pub use choice::{Candidate, Criterion, ReplicaChoice, replica_choice};
pub use data::{
    BacklogPicture, DataPicture, DataRole, ReplicaPicture, Replication, WriterPicture, lost_writes,
};
pub use failovers::{Abort, Progress, Refusal, Waits, WhyNot, failovers};
pub use meaning::Meaning;
pub use messages::{Flight, Topic};
use opinions::Views;
pub use opinions::{Opinion, Stance};
pub use replication::{Asked, Got, Reader, Ring, Why, Written, asked, rings, written};
pub use state::State;

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Nodes in the order of their creation.
    pub nodes: Rc<[NodePicture]>,
    /// Who follows, watches or writes to whom.
    pub links: Rc<[Link]>,
    /// Wires through which nothing passes.
    pub cuts: Rc<[CutWire]>,
    /// Wires that take longer than usual.
    pub slow: Rc<[SlowWire]>,
    /// Messages on their way, and those that have just arrived.
    pub messages: Vec<Flight>,
    /// The run ids of the Sentinels that run.
    pub run_ids: Rc<[(String, NodeId)]>,
    /// The property that was violated, if one was.
    pub violation: Option<String>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePicture {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub addr: SocketAddr,
    /// Whether it runs.
    pub power: Power,
    /// What it is and does.
    pub part: Part,
}

/// What a node is and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A data node.
    Data(DataPicture),
    /// A Sentinel; none while it does not run.
    Sentinel(Option<Opinion>),
    /// A client.
    Writer(WriterPicture),
}

/// What joins two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who keeps it up.
    pub from: NodeId,
    /// With whom.
    pub to: NodeId,
    /// What it is for.
    pub kind: LinkKind,
    /// It works.
    pub is_up: bool,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A replica follows its master.
    Follows,
    /// A Sentinel takes the other for the master.
    Watches,
    /// A client writes.
    Writes,
}

impl LinkKind {
    /// All of them, for legends.
    pub const ALL: [Self; 3] = [Self::Follows, Self::Watches, Self::Writes];

    /// Its name in style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Follows => "follows",
            Self::Watches => "watches",
            Self::Writes => "writes",
        }
    }
}

/// A wire that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutWire {
    /// From here nothing passes,
    pub from: NodeId,
    /// to there.
    pub to: NodeId,
    /// Nor the other way.
    pub both: bool,
}

/// A wire that takes longer than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowWire {
    /// What is sent from here
    pub from: NodeId,
    /// to there takes
    pub to: NodeId,
    /// so many milliseconds at most,
    pub ms: u64,
    /// and the same on the way back.
    pub both: bool,
}

/// A wire whose latency was set to less is as good as any other.
const SLOW_MS: u64 = 5;

impl Picture {
    /// The moment `now` of this world; messages that arrived after `since` are shown too.
    #[must_use]
    pub fn of(world: &World, now: Time, since: Time) -> Self {
        let views = Views::of(world);
        let nodes: Rc<[NodePicture]> = world.nodes().map(|id| NodePicture::of(world, id, &views)).collect();
        let links = nodes.iter().filter_map(NodePicture::link).collect();
        Self {
            links,
            cuts: cuts(world).into(),
            slow: slow(world).into(),
            messages: messages::messages(world, now, since, &[]),
            run_ids: views.run_ids().into(),
            violation: world.violation().map(ToString::to_string),
            nodes,
        }
    }

    /// The moment `now` of the same world, a little later, before which nothing was told: messages have moved on, and
    /// nodes are still what they were.
    #[must_use]
    pub fn moved(&self, world: &World, now: Time, since: Time) -> Self {
        Self {
            nodes: self.nodes.clone(),
            links: self.links.clone(),
            cuts: self.cuts.clone(),
            slow: self.slow.clone(),
            messages: messages::messages(world, now, since, &self.messages),
            run_ids: self.run_ids.clone(),
            violation: self.violation.clone(),
        }
    }

    /// The node of that number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodePicture> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.node(id).map_or("?", |node| node.name.as_str())
    }

    /// The name of the node with that address, or the address.
    #[must_use]
    pub fn name_of_ip(&self, ip: &str) -> String {
        let addr: Option<IpAddr> = ip.parse().ok();
        let node = addr.and_then(|ip| self.nodes.iter().find(|node| node.addr.ip() == ip));
        node.map_or(ip, |node| node.name.as_str()).to_owned()
    }

    /// The name of the Sentinel with that run id, or the beginning of the id.
    #[must_use]
    pub fn name_of_run_id(&self, run_id: &str) -> String {
        let known = self.run_ids.iter().find(|(other, _)| other == run_id);
        known.map_or_else(|| run_id.chars().take(8).collect(), |(_, node)| self.name(*node).to_owned())
    }

    /// The Sentinels that run, with what they think.
    pub fn opinions(&self) -> impl Iterator<Item = (&NodePicture, &Opinion)> {
        self.nodes.iter().filter_map(|node| match &node.part {
            Part::Sentinel(Some(opinion)) => Some((node, opinion)),
            _ => None,
        })
    }

    /// The node that most Sentinels take for the master.
    #[must_use]
    pub fn master(&self) -> Option<NodeId> {
        let votes = |id: NodeId| self.opinions().filter(|(_, opinion)| opinion.master == Some(id)).count();
        let believed = self.nodes.iter().map(|node| (votes(node.id), std::cmp::Reverse(node.id)));
        believed.max().filter(|(votes, _)| *votes > 0).map(|(_, id)| id.0)
    }
}

impl NodePicture {
    fn of(world: &World, id: NodeId, views: &Views) -> Self {
        let addr = world.addr(id);
        let part = match world.kind(id) {
            NodeKind::Sentinel => Part::Sentinel(opinions::opinion(world, id, views)),
            NodeKind::Server => Part::Data(data::data(world, id, addr.ip(), views)),
            NodeKind::Writer | NodeKind::Console => Part::Writer(data::writer(world, id)),
        };
        Self { id, name: world.name(id).to_owned(), addr, power: world.power(id), part }
    }

    /// Whether its process runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.power == Power::Running
    }

    fn link(&self) -> Option<Link> {
        let (to, kind, is_up) = match &self.part {
            Part::Data(data) => (data.follows?, LinkKind::Follows, data.role == DataRole::Replica),
            Part::Sentinel(opinion) => {
                let opinion = opinion.as_ref()?;
                (opinion.master?, LinkKind::Watches, !opinion.sdown)
            }
            Part::Writer(writer) => (writer.master?, LinkKind::Writes, true),
        };
        Some(Link { from: self.id, to, kind, is_up: is_up && self.runs() })
    }
}

/// Wires that are cut both ways are told once.
fn cuts(world: &World) -> Vec<CutWire> {
    let all: Vec<(NodeId, NodeId)> = world.cuts().collect();
    let mut cuts = Vec::new();
    for (from, to) in &all {
        let both = all.contains(&(*to, *from));
        if !both || from < to {
            cuts.push(CutWire { from: *from, to: *to, both });
        }
    }
    cuts
}

/// Wires that are as slow both ways are told once.
fn slow(world: &World) -> Vec<SlowWire> {
    let all: Vec<(NodeId, NodeId, u64)> = (world.latencies())
        .map(|(from, to, latency)| (from, to, latency.to_us / 1_000))
        .filter(|(_, _, ms)| *ms >= SLOW_MS)
        .collect();
    let mut slow = Vec::new();
    for (from, to, ms) in &all {
        let both = all.contains(&(*to, *from, *ms));
        if !both || from < to {
            slow.push(SlowWire { from: *from, to: *to, ms: *ms, both });
        }
    }
    slow
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::engine::Engine;

    pub(crate) fn engine() -> Engine {
        let scenario = "writer 50ms".parse().expect("a scenario");
        Engine::open(scenario).expect("it can be shown")
    }

    pub(crate) fn picture(engine: &Engine) -> Picture {
        let now = engine.timeline().now();
        Picture::of(engine.world(), now, now)
    }

    /// Plays until the picture is as wanted.
    #[track_caller]
    pub(crate) fn play_until(engine: &mut Engine, wanted: impl Fn(&Picture) -> bool) -> Picture {
        for _ in 0..50_000 {
            let found = picture(engine);
            if wanted(&found) {
                return found;
            }
            engine.step();
        }
        panic!("it did not come to that: {:#?}", picture(engine));
    }

    #[track_caller]
    pub(crate) fn data_of<'a>(picture: &'a Picture, name: &str) -> &'a DataPicture {
        let node = picture.nodes.iter().find(|node| node.name == name);
        match node.map(|node| &node.part) {
            Some(Part::Data(data)) => data,
            other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn a_settled_deployment_has_a_master_that_all_follow_watch_and_write_to() {
        let mut engine = engine();
        let picture =
            play_until(&mut engine, |picture| picture.links.iter().any(|link| link.kind == LinkKind::Writes));
        let master = picture.master().expect("there is one");
        assert_eq!(picture.name(master), "redis-1");
        assert!(picture.links.iter().all(|link| link.to == master && link.is_up));
        let count = |kind| picture.links.iter().filter(|link| link.kind == kind).count();
        let counts = [LinkKind::Follows, LinkKind::Watches, LinkKind::Writes].map(count);
        assert_eq!(counts, [2, 3, 1]);
        let replication = data_of(&picture, "redis-1").replication.clone().expect("it runs");
        let mut names: Vec<_> = replication.replicas.iter().map(|replica| replica.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["redis-2", "redis-3"]);
        let backlog = replication.backlog.expect("a master with replicas has one");
        assert_eq!(backlog.first + backlog.histlen, replication.offset + 1);
        assert_eq!(lost_writes(engine.world(), Some(master)), Some(0));
    }

    #[test]
    fn a_cut_wire_is_told_once() {
        let mut engine = engine();
        engine.inject("cut redis-1 sentinel-1").expect("it can be cut");
        engine.inject("cut redis-2 -> sentinel-1").expect("it can be cut");
        let cuts = picture(&engine).cuts;
        assert_eq!(cuts.iter().map(|cut| cut.both).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_slow_wire_is_told_with_its_ways() {
        let mut engine = engine();
        engine.inject("latency redis-1 sentinel-1 100ms").expect("it can be slowed");
        engine.inject("latency redis-1 -> redis-2 1s").expect("it can be slowed");
        engine.inject("latency redis-1 redis-3 1ms").expect("it can be slowed");
        let slow = picture(&engine).slow;
        let mut told: Vec<(u64, bool)> = slow.iter().map(|wire| (wire.ms, wire.both)).collect();
        told.sort_unstable();
        assert_eq!(told, [(100, true), (1_000, false)]);
        engine.inject("latency redis-2 -> redis-1 30ms").expect("it can be slowed");
        assert_eq!(picture(&engine).slow.iter().filter(|wire| !wire.both).count(), 2);
    }
}
