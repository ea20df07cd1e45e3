//! Nodes that come and go while the world runs.
//!
//! A machine that leaves is gone for good, and its name and its address are not given again: whoever still asks for
//! it must not meet somebody else, and a line of the transcript means one machine. Ids of nodes stay as they are.

use alloc::string::{String, ToString as _};
use core::net::IpAddr;

use picket_sansio::Millis;

use crate::change::Change;
use crate::cluster::Cluster;
use crate::ids::{NodeId, NodeKind, Power};
use crate::node::Program;
use crate::scenario::NODES_MAX;
use crate::script::ActionError;
use crate::server::ServerOptions;
use crate::world::World;

/// What is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// A data node that follows another: the one named, or the master.
    Redis {
        /// Whom it follows.
        follows: Option<String>,
    },
    /// A Sentinel that watches what the others watch.
    Sentinel,
    /// A client that writes to the first master.
    Writer {
        /// How often.
        interval: Millis,
    },
}

impl Addition {
    /// What kind of node it makes.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        match self {
            Self::Redis { .. } => NodeKind::Server,
            Self::Sentinel => NodeKind::Sentinel,
            Self::Writer { .. } => NodeKind::Writer,
        }
    }
}

/// Machines have addresses from 1 on, and the number of each stands in its name. What scripts add is bounded;
/// a [`Cluster`] may be larger.
pub(crate) const NUMBER_MAX: u16 = 254;

impl World {
    /// Adds a node that runs from now on.
    ///
    /// # Errors
    /// If there is or was one of that name, there are too many, or nobody knows what it is to follow.
    pub fn add(&mut self, name: &str, what: &Addition) -> Result<NodeId, ActionError> {
        let kind = what.kind();
        let number = number_in(name, kind)?;
        if let Some(known) = self.nodes.iter().find(|node| node.name == name) {
            let name = name.to_string();
            return Err(if known.is_removed { ActionError::Gone(name) } else { ActionError::Taken(name) });
        }
        if self.nodes_of(kind).count() >= NODES_MAX as usize {
            return Err(ActionError::TooMany);
        }
        let node = match what {
            Addition::Redis { follows } => self.add_replica(number, name, follows.as_deref())?,
            Addition::Sentinel => {
                let config = self.sentinel_config(name);
                self.add_sentinel_at(number, &config).map_err(ActionError::Config)?
            }
            Addition::Writer { interval } => self.add_writer_at(number, *interval)?,
        };
        self.note(node, Change::Added);
        Ok(node)
    }

    /// A machine leaves for good: its process ends, and nothing is ever heard of it again.
    pub fn remove(&mut self, node: NodeId) {
        self.note(node, Change::Removed);
        self.stop(node, Power::Killed);
        let machine = self.node_mut(node);
        machine.is_removed = true;
        self.set_power(node, Power::Off);
        self.wires.forget(node);
    }

    fn add_replica(&mut self, number: u16, name: &str, follows: Option<&str>) -> Result<NodeId, ActionError> {
        let master = match follows {
            Some(master) => self.find_kind(master, NodeKind::Server)?,
            None => self.master_to_follow()?,
        };
        let deployment = self.deployment(master).unwrap_or_default().to_string();
        if let Program::Server(_) = self.node(master).program {
            let options = ServerOptions { replica_of: Some(master), ..self.shape.server_options() };
            return Ok(self.add_server_at(number, &deployment, options));
        }
        let config = self.shape.data_config(name);
        self.add_data_node_at(number, &deployment, Some(master), &config).map_err(ActionError::Config)
    }

    /// The first master as all Sentinels see it, or the only data node that is one.
    fn master_to_follow(&self) -> Result<NodeId, ActionError> {
        let name = Cluster::master_name(0);
        if let Some(master) = self.agreed_master(&name) {
            return Ok(master);
        }
        let is_master = |node: &NodeId| {
            self.power(*node) == Power::Running
                && self.deployment(*node) == Some(name.as_str())
                && self.standing(*node).is_some_and(|standing| standing.is_master)
        };
        let mut masters = self.servers().filter(is_master);
        match (masters.next(), masters.next()) {
            (Some(master), None) => Ok(master),
            _ => Err(ActionError::MasterUnclear(name)),
        }
    }

    /// The config file of a new Sentinel: that of another without what a Sentinel notes in it by itself.
    fn sentinel_config(&self, name: &str) -> String {
        let runs = |node: &NodeId| self.power(*node) == Power::Running;
        let model = self.sentinels().find(runs).or_else(|| self.sentinels().next());
        let Some(model) = model else {
            return Cluster::sentinel_config(self, &self.shape, name);
        };
        let own = self.shape.lines_for("", self.name(model));
        let is_wanted = |line: &&str| {
            let mut words = line.split_ascii_whitespace();
            let noted = match (words.next(), words.next()) {
                (Some("sentinel"), Some(option)) => NOTED.iter().any(|noted| option.starts_with(noted)),
                (first, _) => first.is_none_or(|first| first.starts_with('#')),
            };
            !noted && !own.lines().any(|own| own == *line)
        };
        let mut text = String::new();
        for line in self.disk_text(model).lines().filter(is_wanted) {
            text.push_str(line);
            text.push('\n');
        }
        text + &self.shape.lines_for("", name)
    }
}

/// Options that a Sentinel writes into its file by itself.
const NOTED: [&str; 5] = ["myid", "known-", "current-epoch", "config-epoch", "leader-epoch"];

/// The number in a node's name.
pub(crate) fn number_in(name: &str, kind: NodeKind) -> Result<u16, ActionError> {
    let number = name.strip_prefix(word(kind)).and_then(|rest| rest.strip_prefix('-'));
    number
        .filter(|number| !number.starts_with(['0', '+']))
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=NUMBER_MAX).contains(number))
        .ok_or_else(|| ActionError::Name(name.to_string(), kind))
}

/// How the names of such nodes begin.
pub(crate) fn word(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Sentinel => "sentinel",
        NodeKind::Server => "redis",
        NodeKind::Writer => "writer",
        NodeKind::Console => "console",
    }
}

/// The number of the machine at an address.
pub(crate) fn number_of(ip: IpAddr) -> u16 {
    match ip {
        IpAddr::V4(ip) => u16::from_be_bytes([ip.octets()[1], ip.octets()[3]]),
        IpAddr::V6(ip) => ip.segments()[7],
    }
}
