//! Ready-made worlds: masters with replicas, and Sentinels that watch them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sansio::Millis;

use crate::ids::NodeId;
use crate::server::ServerOptions;
use crate::world::{Stop, World};

/// How large, and how it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Sentinels; all watch all masters.
    pub sentinels: usize,
    /// Masters, named `mymaster`, `mymaster-2` and so on.
    pub masters: usize,
    /// Replicas of each.
    pub replicas: usize,
    /// `quorum`
    pub quorum: u32,
    /// `down-after-milliseconds`
    pub down_after: Millis,
    /// `failover-timeout`
    pub failover_timeout: Millis,
    /// `parallel-syncs`
    pub parallel_syncs: u32,
    /// The servers' password, which the Sentinels know.
    pub password: Option<String>,
    /// How long a replica takes to synchronise.
    pub sync_time: Millis,
    /// `repl-timeout`
    pub repl_timeout: Millis,
    /// Data nodes are cores of `picket node`; otherwise they are models, of which a world can have thousands.
    pub real_nodes: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            sentinels: 3,
            masters: 1,
            replicas: 2,
            quorum: 2,
            down_after: Millis(1_000),
            failover_timeout: Millis(10_000),
            parallel_syncs: 1,
            password: None,
            sync_time: Millis(20),
            repl_timeout: Millis(60_000),
            real_nodes: false,
        }
    }
}

/// A world of such a shape.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The world.
    pub world: World,
    /// The Sentinels.
    pub sentinels: Vec<NodeId>,
    /// The data servers of each master, the first master first.
    pub groups: Vec<Vec<NodeId>>,
}

impl Cluster {
    /// Builds the world. Nobody knows anybody yet.
    #[must_use]
    pub fn new(seed: u64, shape: &Shape) -> Self {
        let mut world = World::new(seed);
        let mut groups = Vec::new();
        for index in 0..shape.masters {
            let name = Self::master_name(index);
            if shape.real_nodes {
                groups.push(Self::add_nodes(&mut world, &name, shape));
                continue;
            }
            let options = ServerOptions {
                password: shape.password.clone(),
                sync_time: shape.sync_time,
                repl_timeout: shape.repl_timeout,
                ..ServerOptions::default()
            };
            let master = world.add_server(&name, options.clone());
            let mut group = alloc::vec![master];
            for _ in 0..shape.replicas {
                let options = ServerOptions { replica_of: Some(master), ..options.clone() };
                group.push(world.add_server(&name, options));
            }
            groups.push(group);
        }
        let config = Self::config(&world, &groups, shape);
        let mut sentinels = Vec::new();
        for _ in 0..shape.sentinels {
            sentinels.push(world.add_sentinel(&config).expect("the file is made from valid values"));
        }
        Self { world, sentinels, groups }
    }

    fn add_nodes(world: &mut World, name: &str, shape: &Shape) -> Vec<NodeId> {
        let mut config = format!("repl-timeout {}\n", (shape.repl_timeout.0 / 1000).max(1));
        config.push_str("enable-debug-command yes\nrepl-diskless-sync-delay 0\n");
        if let Some(password) = &shape.password {
            config.push_str(&format!("requirepass {password}\nmasterauth {password}\n"));
        }
        let add = |world: &mut World, master| {
            world.add_data_node(name, master, &config).expect("the file is made from valid values")
        };
        let master = add(world, None);
        let mut group = alloc::vec![master];
        group.extend((0..shape.replicas).map(|_| add(world, Some(master))));
        group
    }

    /// Builds the world and lets it run until every Sentinel knows all others and all replicas, and
    /// every replica follows.
    ///
    /// # Errors
    /// If that does not come to pass within 30 seconds.
    pub fn settled(seed: u64, shape: &Shape) -> Result<Self, Stop> {
        let mut cluster = Self::new(seed, shape);
        let started = cluster.world.now();
        // Looked at rarely: there is much to look at in a large world.
        while !cluster.everybody_knows_everybody(shape) {
            if cluster.world.now() > started + Millis(30_000) {
                return Err(Stop::Deadline);
            }
            cluster.world.run_for(Millis(100))?;
        }
        Ok(cluster)
    }

    fn everybody_knows_everybody(&self, shape: &Shape) -> bool {
        let known = self.sentinels.iter().all(|sentinel| {
            self.world.sentinel(*sentinel).is_some_and(|status| {
                status.masters.iter().all(|master| {
                    master.peers.len() + 1 == shape.sentinels
                        && master.replicas.len() == shape.replicas
                        && master.replicas.iter().all(|replica| replica.in_line && !replica.disconnected)
                })
            })
        });
        known
            && self.groups.iter().flatten().all(|server| {
                self.world.server(*server).is_some_and(|server| server.is_master || server.link_up)
            })
    }

    /// The name of a master.
    #[must_use]
    pub fn master_name(index: usize) -> String {
        if index == 0 { "mymaster".to_string() } else { format!("mymaster-{}", index + 1) }
    }

    /// The config file of its Sentinels.
    fn config(world: &World, groups: &[Vec<NodeId>], shape: &Shape) -> String {
        let mut text = "port 26379\n".to_string();
        for (index, group) in groups.iter().enumerate() {
            let name = Self::master_name(index);
            let addr = world.addr(group[0]);
            let (ip, port, quorum) = (addr.ip(), addr.port(), shape.quorum);
            text.push_str(&format!("sentinel monitor {name} {ip} {port} {quorum}\n"));
            text.push_str(&format!("sentinel down-after-milliseconds {name} {}\n", shape.down_after.0));
            text.push_str(&format!("sentinel failover-timeout {name} {}\n", shape.failover_timeout.0));
            text.push_str(&format!("sentinel parallel-syncs {name} {}\n", shape.parallel_syncs));
            if let Some(password) = &shape.password {
                text.push_str(&format!("sentinel auth-pass {name} {password}\n"));
            }
        }
        text
    }

    /// Where a Sentinel takes a master to be.
    #[must_use]
    pub fn master_seen_by(&self, sentinel: NodeId, name: &str) -> Option<SocketAddr> {
        let status = self.world.sentinel(sentinel)?;
        let addr = &status.masters.iter().find(|master| master.name == name)?.server.addr;
        Some(SocketAddr::new(addr.ip?, addr.port))
    }

    /// The node that all running Sentinels take for the master of that name, if they agree.
    #[must_use]
    pub fn agreed_master(&self, name: &str) -> Option<NodeId> {
        let mut seen = self.sentinels.iter().filter_map(|sentinel| self.master_seen_by(*sentinel, name));
        let first = seen.next()?;
        if seen.all(|addr| addr == first) { self.world.node_at(first) } else { None }
    }

    /// Who is what, and who takes whom for what, in a few lines.
    #[must_use]
    pub fn picture(&self) -> String {
        let mut text = String::new();
        for (name, power, server) in self.groups.iter().flatten().filter_map(|node| {
            Some((self.world.name(*node), self.world.power(*node), self.world.server(*node)?))
        }) {
            let role = match server.follows {
                None if server.is_master => "master".to_string(),
                None => "follows a name".to_string(),
                Some(master) => {
                    format!("follows {master}, link {}", if server.link_up { "up" } else { "down" })
                }
            };
            text.push_str(&format!("{name:<11} {power:?}, {role}, offset {}\n", server.offset));
        }
        for sentinel in &self.sentinels {
            let name = self.world.name(*sentinel);
            let Some(status) = self.world.sentinel(*sentinel) else {
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

    /// True if all running Sentinels agree on a master of group `index` which runs and is one, and
    /// every other running server of the group follows it with its link up.
    #[must_use]
    pub fn is_whole(&self, index: usize) -> bool {
        let Some(master) = self.agreed_master(&Self::master_name(index)) else { return false };
        let addr = self.world.addr(master);
        let runs = |node: NodeId| self.world.power(node) == crate::ids::Power::Running;
        runs(master)
            && self.world.server(master).is_some_and(|server| server.is_master)
            && self.groups[index].iter().filter(|node| **node != master && runs(**node)).all(|node| {
                self.world.server(*node).is_some_and(|server| server.follows == Some(addr) && server.link_up)
            })
    }
}
