//! Looking at a world: who is where, what they know, what happened.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_node_core::NodeStatus;
use picket_sentinel_core::{Sentinel, Status};

use crate::action::Latency;
use crate::change::Change;
use crate::data::DataNode;
use crate::ids::{NodeId, NodeKind, Power};
use crate::invariants::{Observation, Violation};
use crate::node::{Node, Program};
use crate::server::ServerView;
use crate::transcript::{Detail, Entry, Told, Transcript};
use crate::world::World;

impl World {
    /// All nodes, consoles and those that have left for good left out.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        let nodes: Vec<NodeId> = self
            .nodes
            .iter()
            .zip(0..)
            .filter(|(node, _)| node.program.kind() != NodeKind::Console && !node.is_removed)
            .map(|(_, id)| NodeId(id))
            .collect();
        nodes.into_iter()
    }

    /// What runs on a node.
    #[must_use]
    pub fn kind(&self, node: NodeId) -> NodeKind {
        self.node(node).program.kind()
    }

    /// A node's name, such as `redis-1`.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.node(node).name
    }

    /// Where a node listens.
    #[must_use]
    pub fn addr(&self, node: NodeId) -> SocketAddr {
        SocketAddr::new(self.node(node).ip, self.node(node).port)
    }

    /// What a Sentinel knows; `None` if it is none or does not run.
    #[must_use]
    pub fn sentinel(&self, node: NodeId) -> Option<Status> {
        self.sentinel_core(node).map(Sentinel::status)
    }

    /// The core of a Sentinel that has a process.
    pub(crate) fn sentinel_core(&self, node: NodeId) -> Option<&Sentinel> {
        match (&self.node(node).program, self.power(node)) {
            (Program::Sentinel(sentinel), Power::Running | Power::Frozen) => Some(&sentinel.core),
            _ => None,
        }
    }

    /// What a data server is; `None` if it is none. Of one that does not run: what it was.
    #[must_use]
    pub fn server(&self, node: NodeId) -> Option<ServerView> {
        match &self.node(node).program {
            Program::Server(server) => Some(server.view()),
            Program::Data(data) => Some(self.view_of(node, data)),
            Program::Sentinel(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        }
    }

    fn view_of(&self, node: NodeId, data: &DataNode) -> ServerView {
        let standing = self.standing(node);
        ServerView {
            is_master: standing.is_some_and(|standing| standing.is_master),
            follows: standing.and_then(|standing| standing.follows),
            link_up: standing.is_some_and(|standing| standing.link_up),
            offset: data.core().map_or(0, |core| core.history().master_repl_offset),
            run_id: data.run_id().unwrap_or_default().to_string(),
            data: data.writes(),
        }
    }

    /// What the core of a data node is and has; `None` if it is no such node, or does not run.
    #[must_use]
    pub fn data_node(&self, node: NodeId) -> Option<NodeStatus> {
        match &self.node(node).program {
            Program::Data(data) => data.status(),
            Program::Sentinel(_) | Program::Server(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        }
    }

    /// The core of a data node, to be looked at.
    #[must_use]
    pub fn core(&self, node: NodeId) -> Option<&picket_node_core::Node> {
        match &self.node(node).program {
            Program::Data(data) => data.core(),
            Program::Sentinel(_) | Program::Server(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        }
    }

    /// How long a file on the disk of a data node is; `None` if it is not there.
    #[must_use]
    pub fn file_len(&self, node: NodeId, name: &str) -> Option<u64> {
        match &self.node(node).program {
            Program::Data(data) => data.disk.file_len(name),
            Program::Sentinel(_) | Program::Server(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        }
    }

    /// The wires that are cut: nothing passes from the first to the second.
    pub fn cuts(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.wires.cuts.iter().copied()
    }

    /// The wires that have a latency of their own, from the first to the second.
    pub fn latencies(&self) -> impl Iterator<Item = (NodeId, NodeId, Latency)> {
        self.wires.latencies.iter().map(|((from, to), latency)| (*from, *to, *latency))
    }

    /// The node at an address, whatever its port.
    #[must_use]
    pub fn node_at(&self, addr: SocketAddr) -> Option<NodeId> {
        self.places.get(&addr.ip()).copied()
    }

    pub(crate) fn node_named(&self, host: &str, port: u16) -> Option<NodeId> {
        self.node_at(SocketAddr::new(self.dns.last_ip(host)?, port))
    }

    pub(crate) fn deployment_at(&self, host: &str, port: &str) -> String {
        let addr = self.dns.last_ip(host).zip(port.parse().ok()).map(|(ip, port)| SocketAddr::new(ip, port));
        addr.and_then(|addr| self.deployments.get(&addr).cloned()).unwrap_or_else(|| format!("{host}:{port}"))
    }

    /// The name of the Sentinel with that MYID; the id itself if there never was one.
    #[must_use]
    pub fn name_of_id(&self, id: &str) -> String {
        self.ids.get(id).map_or_else(|| id.to_string(), |node| self.name(*node).to_string())
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }

    /// A hash of everything that the cores have put out.
    #[must_use]
    pub fn outputs_hash(&self) -> u64 {
        let mut hash = self.past;
        for node in &self.nodes {
            let outputs = match (&node.program, node.power) {
                (Program::Sentinel(sentinel), Power::Running | Power::Frozen) => {
                    Some(sentinel.outputs.value())
                }
                (Program::Data(data), _) => data.outputs(),
                _ => None,
            };
            if let Some(outputs) = outputs {
                hash.add(&outputs.to_le_bytes());
            }
        }
        hash.value()
    }

    /// How much is written down from now on.
    pub fn set_detail(&mut self, detail: Detail) {
        self.detail = detail;
    }

    /// What happened so far.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The property that was violated, if one was.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(crate) fn hears_messages(&self) -> bool {
        self.detail == Detail::Messages
    }

    pub(crate) fn message(&mut self, node: NodeId, text: &str) {
        self.write(Some(node), text, Told::Message);
    }

    /// Something was done to a node.
    pub(crate) fn note(&mut self, node: NodeId, change: Change) {
        self.observe_disturbance(Some(node), &change);
        self.write(Some(node), &change.to_string(), Told::Deed(Arc::new(change)));
    }

    /// Something was done to the world.
    pub(crate) fn remark(&mut self, change: Change) {
        self.observe_disturbance(None, &change);
        self.write(None, &change.to_string(), Told::Deed(Arc::new(change)));
    }

    fn observe_disturbance(&mut self, node: Option<NodeId>, change: &Change) {
        if let Some(what) = self.touched_by(node, change) {
            self.observe(Observation::Disturbed { what: &what });
        }
    }

    pub(crate) fn write(&mut self, node: Option<NodeId>, text: &str, told: Told) {
        if self.detail == Detail::Nothing {
            return;
        }
        let mut text = text.to_string();
        for (id, owner) in &self.ids {
            if text.contains(id.as_str()) {
                text = text.replace(id.as_str(), &self.nodes[owner.0 as usize].name);
            }
        }
        let who = node.map_or("world", |node| self.name(node)).to_string();
        self.transcript.push(Entry { at: self.now, node, who, text, told });
    }
}
