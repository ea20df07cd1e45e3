//! Putting nodes into a world, and sending commands to them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use picket_resp::Reply;
use picket_sansio::Millis;

use crate::cluster::Cluster;
use crate::console::{Answer, Console};
use crate::context::Context;
use crate::data::DataNode;
use crate::disk::{Disk, Drive};
use crate::ids::{NodeId, NodeKind, Power, Run};
use crate::invariants::Observation;
use crate::node::{Node, Program};
use crate::script::{ActionError, bounds};
use crate::sentinel::SentinelHost;
use crate::server::{Server, ServerOptions};
#[cfg(feature = "scale")]
use crate::stock::StockSentinel;
use crate::topology::{number_of, word};
use crate::world::World;
use crate::writer::Writer;

/// How long a console waits for its reply.
const CONSOLE_PATIENCE: Millis = Millis(10_000);
/// Commands of operators that wait for their replies, at most.
pub(crate) const CONSOLES_MAX: usize = 200;
/// How many numbers each writer has for its own: sets of such numbers are small.
const WRITER_NUMBERS: u64 = 10_000_000;

/// Where the machine of that number listens.
pub(crate) fn addr_of(kind: NodeKind, number: u16) -> SocketAddr {
    let (net, port) = match kind {
        NodeKind::Sentinel => (0, 26379),
        NodeKind::Server => (1, 6379),
        NodeKind::Writer => (2, 0),
        NodeKind::Console => (3, 0),
    };
    let [high, low] = number.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, high, net, low)), port)
}

impl World {
    /// A data server of the deployment of that name, running from now on.
    pub fn add_server(&mut self, deployment: &str, options: ServerOptions) -> NodeId {
        let number = self.free_number(NodeKind::Server);
        self.add_server_at(number, deployment, options)
    }

    pub(crate) fn add_server_at(&mut self, number: u16, deployment: &str, options: ServerOptions) -> NodeId {
        let master = options.replica_of.map(|master| self.addr(master));
        let addr = addr_of(NodeKind::Server, number);
        self.deployments.insert(addr, deployment.to_string());
        self.add_node(NodeKind::Server, addr, Vec::new(), |ctx| {
            Program::Server(Server::start(ctx, options, addr, master))
        })
    }

    /// A data node of the deployment of that name, running from now on: the core of `picket node`. The lines of
    /// `config` are directives of redis.conf; port and announced address need not be given.
    ///
    /// # Errors
    /// What the reader of config files says.
    pub fn add_data_node(
        &mut self,
        deployment: &str,
        replica_of: Option<NodeId>,
        config: &str,
    ) -> Result<NodeId, String> {
        let number = self.free_number(NodeKind::Server);
        self.add_data_node_at(number, deployment, replica_of, config)
    }

    pub(crate) fn add_data_node_at(
        &mut self,
        number: u16,
        deployment: &str,
        replica_of: Option<NodeId>,
        config: &str,
    ) -> Result<NodeId, String> {
        let addr = addr_of(NodeKind::Server, number);
        let mut text = format!("port {}\nprotected-mode no\nset-max-intset-entries 1000000\n", addr.port());
        if let Some(master) = replica_of.map(|master| self.addr(master)) {
            text.push_str(&format!("replicaof {} {}\n", master.ip(), master.port()));
        }
        text.push_str(config);
        // Read before there is a node, so that a bad file leaves nothing behind.
        let mut ctx = Context::new(self.now, &mut self.prng, &mut self.next_conn);
        let node = DataNode::start(&mut ctx, addr, text.into_bytes()).map_err(|error| error.to_string())?;
        let mut effects = ctx.effects;
        self.deployments.insert(addr, deployment.to_string());
        let id = self.add_node(NodeKind::Server, addr, Vec::new(), |_| Program::Data(Box::new(node)));
        self.perform(id, &mut effects);
        Ok(id)
    }

    /// A Sentinel that starts with this config file.
    ///
    /// # Errors
    /// What the reader of config files says.
    pub fn add_sentinel(&mut self, config: &str) -> Result<NodeId, String> {
        let number = self.free_number(NodeKind::Sentinel);
        self.add_sentinel_at(number, config)
    }

    pub(crate) fn add_sentinel_at(&mut self, number: u16, config: &str) -> Result<NodeId, String> {
        let addr = addr_of(NodeKind::Sentinel, number);
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        // Read before there is a node, so that a bad file leaves nothing behind.
        let mut ctx = Context::new(self.now, &mut self.prng, &mut self.next_conn);
        let host = SentinelHost::start(&mut ctx, addr, config.as_bytes())?;
        let mut effects = ctx.effects;
        self.ids.insert(host.core.my_id().to_string(), id);
        self.add_node(NodeKind::Sentinel, addr, config.as_bytes().to_vec(), |_| {
            Program::Sentinel(Box::new(host))
        });
        self.observe(Observation::Started { node: id });
        self.perform(id, &mut effects);
        Ok(id)
    }

    /// A model of a stock Sentinel that starts with this config file, of which it knows few directives.
    ///
    /// # Errors
    /// Which line it does not know.
    #[cfg(feature = "scale")]
    pub fn add_stock_sentinel(&mut self, config: &str) -> Result<NodeId, String> {
        let addr = addr_of(NodeKind::Sentinel, self.free_number(NodeKind::Sentinel));
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let mut ctx = Context::new(self.now, &mut self.prng, &mut self.next_conn);
        let stock = StockSentinel::start(&mut ctx, addr, config)?;
        let mut effects = ctx.effects;
        self.ids.insert(stock.my_id.clone(), id);
        self.add_node(NodeKind::Sentinel, addr, config.as_bytes().to_vec(), |_| {
            Program::Stock(Box::new(stock))
        });
        self.observe(Observation::Started { node: id });
        self.perform(id, &mut effects);
        Ok(id)
    }

    /// A client that writes a number to the master of that name, again and again.
    pub fn add_writer(&mut self, master: &str, sentinels: &[NodeId], interval: Millis) -> NodeId {
        let number = self.free_number(NodeKind::Writer);
        self.add_writer_to(number, master, sentinels, interval)
    }

    /// A client that writes to the first master, and knows all Sentinels that there are.
    pub(crate) fn add_writer_at(&mut self, number: u16, interval: Millis) -> Result<NodeId, ActionError> {
        let sentinels: Vec<NodeId> = self.sentinels().collect();
        if sentinels.is_empty() {
            return Err(ActionError::NoSentinels);
        }
        Ok(self.add_writer_to(number, &Cluster::master_name(0), &sentinels, interval))
    }

    fn add_writer_to(&mut self, number: u16, master: &str, sentinels: &[NodeId], interval: Millis) -> NodeId {
        let addr = addr_of(NodeKind::Writer, number);
        let sentinels = sentinels.iter().map(|sentinel| self.addr(*sentinel)).collect();
        let first_number = 1 + u64::from(number - 1) * WRITER_NUMBERS;
        self.add_node(NodeKind::Writer, addr, Vec::new(), |ctx| {
            Program::Writer(Writer::start(ctx, master, sentinels, interval, first_number))
        })
    }

    /// The number behind the last of that kind.
    fn free_number(&self, kind: NodeKind) -> u16 {
        let numbers = self.nodes.iter().filter(|node| node.program.kind() == kind);
        let last = numbers.map(|node| number_of(node.ip)).max().unwrap_or(0);
        last.checked_add(1).expect("a world has at most 65535 nodes of a kind")
    }

    pub(crate) fn add_node(
        &mut self,
        kind: NodeKind,
        addr: SocketAddr,
        text: Vec<u8>,
        make: impl FnOnce(&mut Context<'_>) -> Program,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let name = format!("{}-{}", word(kind), number_of(addr.ip()));
        let mut ctx = Context::new(self.now, &mut self.prng, &mut self.next_conn);
        let program = make(&mut ctx);
        let mut effects = ctx.effects;
        self.nodes.push(Node {
            name,
            ip: addr.ip(),
            port: addr.port(),
            run: Run(1),
            power: Power::Running,
            wakes_at: None,
            inbox: VecDeque::new(),
            drive: Drive::new(),
            disk: Disk::new(text),
            clock_ms: 0,
            is_removed: false,
            program,
        });
        self.places.entry(addr.ip()).or_insert(id);
        self.arm_wake(id);
        self.perform(id, &mut effects);
        id
    }

    /// Sends a command to a node over a connection of its own and runs the world until it answers.
    ///
    /// # Errors
    /// Why there was no reply.
    pub fn command(&mut self, node: NodeId, args: &[&str]) -> Result<Reply, String> {
        let words: Vec<String> = args.iter().map(ToString::to_string).collect();
        self.observe(Observation::Commanded { words: &words });
        self.command_unseen(node, args)
    }

    /// The same, and no property hears of it.
    pub(crate) fn command_unseen(&mut self, node: NodeId, args: &[&str]) -> Result<Reply, String> {
        let console = self.idle_console();
        let to = self.addr(node);
        self.with_context(console, |program, ctx| {
            if let Program::Console(console) = program {
                console.ask(ctx, to, args);
            }
        });
        let result = |world: &Self| match &world.node(console).program {
            Program::Console(console) => console.result.clone(),
            _ => None,
        };
        match self.run_until(CONSOLE_PATIENCE, |world| result(world).is_some()) {
            Ok(_) => result(self).unwrap_or(Err("no reply")).map_err(ToString::to_string),
            Err(stop) => Err(stop.to_string()),
        }
    }

    /// Sends a command to a node over a connection of its own and goes on; [`answers`](Self::answers) tells the reply.
    ///
    /// # Errors
    /// If too many commands wait for their replies.
    pub fn run(&mut self, node: NodeId, words: &[String]) -> Result<(), ActionError> {
        self.check_consoles(1)?;
        self.observe(Observation::Commanded { words });
        let console = self.idle_console();
        let to = self.addr(node);
        let question = Some((node, words.to_vec()));
        self.with_context(console, |program, ctx| {
            if let Program::Console(console) = program {
                console.question = question;
                console.ask(ctx, to, words);
            }
        });
        Ok(())
    }

    /// Sends a command to each of these nodes.
    ///
    /// # Errors
    /// If too many commands wait for their replies. None has been sent then.
    pub(crate) fn run_on(&mut self, nodes: &[NodeId], words: &[String]) -> Result<(), ActionError> {
        bounds::check(words)?;
        self.check_consoles(nodes.len())?;
        nodes.iter().try_for_each(|node| self.run(*node, words))
    }

    fn check_consoles(&self, wanted: usize) -> Result<(), ActionError> {
        let is_busy = |node: &&Node| matches!(&node.program, Program::Console(console) if !console.is_idle());
        let busy = self.nodes.iter().filter(is_busy).count();
        if busy + wanted > CONSOLES_MAX {
            return Err(ActionError::Busy(busy));
        }
        Ok(())
    }

    /// The commands given with [`run`](Self::run) that have come to their end, behind the first `count`.
    pub fn answers(&self, count: usize) -> impl DoubleEndedIterator<Item = &Answer> {
        self.answers.iter_from(count)
    }

    fn find_idle_console(&self) -> Option<NodeId> {
        let is_idle = |node: &Node| matches!(&node.program, Program::Console(console) if console.is_idle());
        self.nodes.iter().zip(0..).find(|(node, _)| is_idle(node)).map(|(_, id)| NodeId(id))
    }

    fn idle_console(&mut self) -> NodeId {
        match self.find_idle_console() {
            Some(id) => id,
            None => {
                let addr = addr_of(NodeKind::Console, self.free_number(NodeKind::Console));
                self.add_node(NodeKind::Console, addr, Vec::new(), |_| Program::Console(Console::default()))
            }
        }
    }
}
