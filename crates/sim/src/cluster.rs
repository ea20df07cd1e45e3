//! Ready-made worlds: masters with replicas, and Sentinels that watch them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sansio::Millis;
use picket_sansio::collections::BTreeMap;

use crate::ids::NodeId;
#[cfg(feature = "scale")]
use crate::node::Program;
use crate::server::ServerOptions;
use crate::world::{Stop, World};

/// How large, and how it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Sentinels; all watch all masters.
    pub sentinels: usize,
    /// How many of the Sentinels are models of stock ones; they come last.
    #[cfg(feature = "scale")]
    pub stock: usize,
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
    /// Further lines of config files, with the name of the node, or `redis` or `sentinel` for all of a kind.
    pub config: Vec<(String, String)>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            sentinels: 3,
            #[cfg(feature = "scale")]
            stock: 0,
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
            config: Vec::new(),
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
    ///
    /// # Panics
    /// If the shape has lines for config files that are wrong.
    #[must_use]
    pub fn new(seed: u64, shape: &Shape) -> Self {
        Self::build(seed, shape).expect("the files are made from valid values")
    }

    /// Builds the world. Nobody knows anybody yet.
    ///
    /// # Errors
    /// What the reader of config files says.
    pub fn build(seed: u64, shape: &Shape) -> Result<Self, String> {
        let mut cluster = Self::build_servers(seed, shape)?;
        cluster.add_sentinels(shape)?;
        Ok(cluster)
    }

    /// The same without the Sentinels.
    pub(crate) fn build_servers(seed: u64, shape: &Shape) -> Result<Self, String> {
        let mut world = World::new(seed);
        world.shape = Arc::new(shape.clone());
        let mut groups = Vec::new();
        for index in 0..shape.masters {
            let name = Self::master_name(index);
            if shape.real_nodes {
                groups.push(Self::add_nodes(&mut world, &name, shape)?);
                continue;
            }
            let options = shape.server_options();
            let master = world.add_server(&name, options.clone());
            let mut group = alloc::vec![master];
            for _ in 0..shape.replicas {
                let options = ServerOptions { replica_of: Some(master), ..options.clone() };
                group.push(world.add_server(&name, options));
            }
            groups.push(group);
        }
        Ok(Self { world, sentinels: Vec::new(), groups })
    }

    /// The Sentinels, running from now on.
    pub(crate) fn add_sentinels(&mut self, shape: &Shape) -> Result<(), String> {
        for number in 1..=shape.sentinels {
            let name = format!("sentinel-{number}");
            let config = Self::sentinel_config(&self.world, shape, &name);
            #[cfg(feature = "scale")]
            if number + shape.stock > shape.sentinels {
                let stock = self.world.add_stock_sentinel(&config);
                self.sentinels.push(stock.map_err(|error| format!("{name}: {error}"))?);
                continue;
            }
            let sentinel = self.world.add_sentinel(&config);
            self.sentinels.push(sentinel.map_err(|error| format!("{name}: {error}"))?);
        }
        Ok(())
    }

    fn add_nodes(world: &mut World, deployment: &str, shape: &Shape) -> Result<Vec<NodeId>, String> {
        let mut group: Vec<NodeId> = Vec::new();
        for _ in 0..=shape.replicas {
            let name = format!("redis-{}", world.servers().count() + 1);
            let node = world.add_data_node(deployment, group.first().copied(), &shape.data_config(&name));
            group.push(node.map_err(|error| format!("{name}: {error}"))?);
        }
        Ok(group)
    }

    /// Builds the world and lets it run until every Sentinel knows all others and all replicas, and
    /// every replica follows.
    ///
    /// # Errors
    /// If that does not come to pass within 30 seconds.
    pub fn settled(seed: u64, shape: &Shape) -> Result<Self, Stop> {
        let mut cluster = Self::new(seed, shape);
        cluster.settle(shape)?;
        Ok(cluster)
    }

    /// Lets the world run until every Sentinel knows all others and all replicas, and every replica follows.
    ///
    /// # Errors
    /// If that does not come to pass within 30 seconds.
    pub fn settle(&mut self, shape: &Shape) -> Result<(), Stop> {
        let mut pieces = 0;
        while !self.settle_further(shape, &mut pieces)? {}
        Ok(())
    }

    /// The same in pieces of 10 ms, of which it counts how many there were; true once all know each other.
    pub(crate) fn settle_further(&mut self, shape: &Shape, pieces: &mut u32) -> Result<bool, Stop> {
        // Looked at rarely: there is much to look at in a large world.
        if pieces.is_multiple_of(10) {
            if self.everybody_knows_everybody(shape) {
                return Ok(true);
            }
            if *pieces > 3_000 {
                return Err(Stop::Deadline);
            }
        }
        *pieces += 1;
        self.world.run_for(Millis(10))?;
        Ok(false)
    }

    fn everybody_knows_everybody(&self, shape: &Shape) -> bool {
        let known = self.sentinels.iter().all(|sentinel| {
            #[cfg(feature = "scale")]
            if let Program::Stock(stock) = &self.world.node(*sentinel).program {
                return stock.knows(shape.sentinels - 1, shape.replicas);
            }
            self.world.sentinel(*sentinel).is_some_and(|status| {
                status.masters.iter().all(|master| {
                    master.peers.len() + 1 == shape.sentinels
                        && master.replicas.len() == shape.replicas
                        && master.replicas.iter().all(|replica| replica.in_line && !replica.disconnected)
                })
            })
        });
        known
            && self.groups.iter().all(|group| {
                let is_up = |(index, server): (usize, &NodeId)| {
                    let standing = self.world.standing(*server);
                    standing.is_some_and(|server| if index == 0 { server.is_master } else { server.link_up })
                };
                group.iter().enumerate().all(is_up)
            })
    }

    /// The name of a master.
    #[must_use]
    pub fn master_name(index: usize) -> String {
        if index == 0 { "mymaster".to_string() } else { format!("mymaster-{}", index + 1) }
    }

    /// The config file of a Sentinel of a world whose first data nodes are its masters with their replicas.
    pub(crate) fn sentinel_config(world: &World, shape: &Shape, sentinel: &str) -> String {
        let mut text = "port 26379\n".to_string();
        let mut masters: BTreeMap<&str, SocketAddr> = BTreeMap::new();
        for server in world.servers() {
            if let Some(deployment) = world.deployment(server) {
                masters.entry(deployment).or_insert_with(|| world.addr(server));
            }
        }
        for index in 0..shape.masters {
            let name = Self::master_name(index);
            let Some(addr) = masters.get(name.as_str()) else { continue };
            let (ip, port, quorum) = (addr.ip(), addr.port(), shape.quorum);
            text.push_str(&format!("sentinel monitor {name} {ip} {port} {quorum}\n"));
            text.push_str(&format!("sentinel down-after-milliseconds {name} {}\n", shape.down_after.0));
            text.push_str(&format!("sentinel failover-timeout {name} {}\n", shape.failover_timeout.0));
            text.push_str(&format!("sentinel parallel-syncs {name} {}\n", shape.parallel_syncs));
            if let Some(password) = &shape.password {
                text.push_str(&format!("sentinel auth-pass {name} {password}\n"));
            }
        }
        text + &shape.lines_for("sentinel", sentinel)
    }

    /// Where a Sentinel takes a master to be.
    #[must_use]
    pub fn master_seen_by(&self, sentinel: NodeId, name: &str) -> Option<SocketAddr> {
        self.world.master_seen_by(sentinel, name)
    }

    /// The node that all running Sentinels take for the master of that name, if they agree.
    #[must_use]
    pub fn agreed_master(&self, name: &str) -> Option<NodeId> {
        self.world.agreed_master(name)
    }

    /// Who is what, and who takes whom for what, in a few lines.
    #[must_use]
    pub fn picture(&self) -> String {
        self.world.picture()
    }

    /// True if all running Sentinels agree on a master of group `index` which runs and is one, and
    /// every other running server of the group follows it with its link up.
    #[must_use]
    pub fn is_whole(&self, index: usize) -> bool {
        self.world.is_whole(&Self::master_name(index))
    }
}

impl Shape {
    /// How a modelled data server is set up.
    pub(crate) fn server_options(&self) -> ServerOptions {
        ServerOptions {
            password: self.password.clone(),
            sync_time: self.sync_time,
            repl_timeout: self.repl_timeout,
            ..ServerOptions::default()
        }
    }

    /// The config file of the data node of that name.
    pub(crate) fn data_config(&self, name: &str) -> String {
        let mut config = format!("repl-timeout {}\n", (self.repl_timeout.0 / 1000).max(1));
        config.push_str("enable-debug-command yes\nrepl-diskless-sync-delay 0\n");
        if let Some(password) = &self.password {
            config.push_str(&format!("requirepass {password}\nmasterauth {password}\n"));
        }
        config + &self.lines_for("redis", name)
    }

    /// The further lines of one node's config file.
    pub(crate) fn lines_for(&self, kind: &str, name: &str) -> String {
        let lines = self.config.iter().filter(|(whose, _)| whose == kind || whose == name);
        lines.map(|(_, line)| format!("{line}\n")).collect()
    }
}
