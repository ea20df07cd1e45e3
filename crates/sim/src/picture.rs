//! What a world as a whole has come to: who agrees on whom, and whether all is well.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::SocketAddr;

use picket_replication::LinkState;

use crate::ids::{NodeId, NodeKind, Power};
use crate::node::{Node, Program};
use crate::world::World;

/// The part that a data node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) is_master: bool,
    /// Whom it follows, if that is no name nobody knows.
    pub(crate) follows: Option<SocketAddr>,
    pub(crate) link_up: bool,
}

impl World {
    /// All Sentinels.
    pub fn sentinels(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.nodes_of(NodeKind::Sentinel)
    }

    /// All data nodes.
    pub fn servers(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.nodes_of(NodeKind::Server)
    }

    /// All writers.
    pub fn writers(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.nodes_of(NodeKind::Writer)
    }

    pub(crate) fn nodes_of(&self, kind: NodeKind) -> impl Iterator<Item = NodeId> + use<> {
        let is_one = |node: &Node| node.program.kind() == kind && !node.is_removed;
        let nodes = self.nodes.iter().zip(0..).filter(|(node, _)| is_one(node));
        let nodes: alloc::vec::Vec<NodeId> = nodes.map(|(_, id)| NodeId(id)).collect();
        nodes.into_iter()
    }

    /// The master's name under which Sentinels watch a data node.
    #[must_use]
    pub fn deployment(&self, server: NodeId) -> Option<&str> {
        self.deployments.get(&self.addr(server)).map(String::as_str)
    }

    /// Whether a data node is a replica that is connected with its master.
    pub(crate) fn is_link_up(&self, node: NodeId) -> bool {
        match &self.node(node).program {
            Program::Data(data) => {
                data.core().is_some_and(|core| core.replica_link().state() == LinkState::Connected)
            }
            _ => self.standing(node).is_some_and(|standing| standing.link_up),
        }
    }

    pub(crate) fn standing(&self, node: NodeId) -> Option<Standing> {
        match &self.node(node).program {
            Program::Server(server) => Some(server.standing()),
            Program::Data(data) => {
                let link = data.core()?.replica_link();
                let follows = link
                    .master()
                    .and_then(|(host, port)| Some(SocketAddr::new(self.dns.last_ip(host)?, port)));
                let link_up = link.state() == LinkState::Connected;
                Some(Standing { is_master: link.master().is_none(), follows, link_up })
            }
            Program::Sentinel(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        }
    }

    /// Where a Sentinel takes a master to be.
    #[must_use]
    pub fn master_seen_by(&self, sentinel: NodeId, name: &str) -> Option<SocketAddr> {
        let status = self.sentinel(sentinel)?;
        let addr = &status.masters.iter().find(|master| master.name == name)?.server.addr;
        Some(SocketAddr::new(addr.ip?, addr.port))
    }

    /// The node that all running Sentinels take for the master of that name, if they agree.
    #[must_use]
    pub fn agreed_master(&self, name: &str) -> Option<NodeId> {
        let mut seen = self.sentinels().filter_map(|sentinel| self.master_seen_by(sentinel, name));
        let first = seen.next()?;
        if seen.all(|addr| addr == first) { self.node_at(first) } else { None }
    }

    /// True if all running Sentinels agree on a master of that name which runs and is one, and every other running
    /// data node of its deployment follows it with its link up.
    #[must_use]
    pub fn is_whole(&self, name: &str) -> bool {
        let Some(master) = self.agreed_master(name) else { return false };
        let addr = self.addr(master);
        let runs = |node: NodeId| self.power(node) == Power::Running;
        let follows =
            |node| self.standing(node).is_some_and(|server| server.follows == Some(addr) && server.link_up);
        runs(master)
            && self.standing(master).is_some_and(|server| server.is_master)
            && self
                .servers()
                .filter(|node| *node != master && runs(*node) && self.deployment(*node) == Some(name))
                .all(follows)
    }

    /// Who is what, and who takes whom for what, in a few lines.
    #[must_use]
    pub fn picture(&self) -> String {
        let mut text = String::new();
        for node in self.servers() {
            let (name, power) = (self.name(node), self.power(node));
            let Some(server) = self.server(node) else { continue };
            let role = match server.follows {
                None if server.is_master => "master".to_string(),
                None => "follows a name".to_string(),
                Some(master) => {
                    format!("follows {master}, link {}", if server.link_up { "up" } else { "down" })
                }
            };
            text.push_str(&format!("{name:<11} {power:?}, {role}, offset {}\n", server.offset));
        }
        for sentinel in self.sentinels() {
            let name = self.name(sentinel);
            let Some(status) = self.sentinel(sentinel) else {
                text.push_str(&format!("{name:<11} does not run\n"));
                continue;
            };
            for master in &status.masters {
                let down = match (master.server.s_down, master.o_down) {
                    (_, true) => "objectively down",
                    (true, false) => "subjectively down",
                    (false, false) => "up",
                };
                let (addr, epoch, state) = (&master.server.addr, master.config_epoch, master.failover_state);
                text.push_str(&format!(
                    "{name:<11} {} is {addr}, {down}, epoch {epoch}, {state}",
                    master.name
                ));
                for replica in &master.replicas {
                    let down = if replica.s_down { " down" } else { "" };
                    let follows = if replica.in_line { "in line" } else { "not in line" };
                    text.push_str(&format!("; {} {:?}{down} {follows}", replica.addr, replica.role_reported));
                }
                text.push('\n');
            }
        }
        text
    }
}
