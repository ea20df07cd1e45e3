//! The world: nodes, what will happen to them, and the clock that jumps to it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use picket_resp::Reply;
use picket_sansio::{Millis, Prng, Time};
use picket_sentinel_core::{Event, Status};
use picket_server_core::LogLevel;

use crate::console::Console;
use crate::context::{Context, Effect, Signal};
use crate::disk::Disk;
use crate::hash::Hash;
use crate::ids::{ConnId, NodeId, NodeKind, Power, Run};
use crate::invariants::{Invariants, Observation, Violation};
use crate::net::{Conn, Wires};
use crate::node::{Node, Program};
use crate::queue::{Happening, Queue};
use crate::sentinel::SentinelHost;
use crate::server::{Server, ServerOptions, ServerView};
use crate::tap::Tap;
use crate::transcript::{Detail, Entry, Transcript};
use crate::writer::{Writer, WriterReport};

/// More steps than this at one instant mean that time stands still.
const STEPS_AT_ONCE_MAX: u32 = 200_000;
/// Every so many steps a Sentinel's status is looked at even if it told nothing.
const LOOK_EVERY: u64 = 64;
/// How long a console waits for its reply.
const CONSOLE_PATIENCE: Millis = Millis(10_000);

/// Why a run ended before its condition came true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time was up.
    Deadline,
    /// A property did not hold.
    Violation(Violation),
    /// Nothing will ever happen.
    Nothing,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the time was up"),
            Self::Violation(violation) => write!(f, "{violation}"),
            Self::Nothing => f.write_str("nothing happens any more"),
        }
    }
}

/// A deterministic world. A checkpoint is a clone.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) now: Time,
    pub(crate) prng: Prng,
    pub(crate) queue: Queue,
    pub(crate) nodes: Vec<Node>,
    pub(crate) wires: Wires,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    next_conn: u64,
    pub(crate) taps: BTreeMap<ConnId, Tap>,
    transcript: Transcript,
    detail: Detail,
    invariants: Invariants,
    violation: Option<Violation>,
    /// MYIDs of Sentinels, present and past.
    ids: BTreeMap<String, NodeId>,
    /// Which deployment a data server belongs to.
    deployments: BTreeMap<SocketAddr, String>,
    steps: u64,
    steps_now: u32,
    /// The outputs of processes that have ended.
    past: Hash,
}

impl World {
    /// An empty world at time 0.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: Time(0),
            prng: Prng::new(seed),
            queue: Queue::default(),
            nodes: Vec::new(),
            wires: Wires::new(),
            conns: BTreeMap::new(),
            next_conn: 0,
            taps: BTreeMap::new(),
            transcript: Transcript::default(),
            detail: Detail::default(),
            invariants: Invariants::default(),
            violation: None,
            ids: BTreeMap::new(),
            deployments: BTreeMap::new(),
            steps: 0,
            steps_now: 0,
            past: Hash::new(),
        }
    }

    // ---- building ----

    /// A data server of the deployment of that name, running from now on.
    pub fn add_server(&mut self, deployment: &str, options: ServerOptions) -> NodeId {
        let master = options.replica_of.map(|master| self.addr(master));
        let addr = self.free_addr(NodeKind::Server, 6379);
        self.deployments.insert(addr, deployment.to_string());
        self.add_node(NodeKind::Server, addr, Vec::new(), |ctx| {
            Program::Server(Server::start(ctx, options, addr, master))
        })
    }

    /// A Sentinel that starts with this config file.
    ///
    /// # Errors
    /// What the reader of config files says.
    pub fn add_sentinel(&mut self, config: &str) -> Result<NodeId, String> {
        let addr = self.free_addr(NodeKind::Sentinel, 26379);
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        // Read before there is a node, so that a bad file leaves nothing behind.
        let mut ctx =
            Context { now: self.now, prng: &mut self.prng, conns: &mut self.next_conn, effects: Vec::new() };
        let host = SentinelHost::start(&mut ctx, addr, config.as_bytes())?;
        let effects = ctx.effects;
        self.ids.insert(host.core.my_id().to_string(), id);
        self.add_node(NodeKind::Sentinel, addr, config.as_bytes().to_vec(), |_| {
            Program::Sentinel(Box::new(host))
        });
        self.observe(Observation::Started { node: id });
        self.perform(id, effects);
        Ok(id)
    }

    /// A client that writes a number to the master of that name, again and again.
    pub fn add_writer(&mut self, master: &str, sentinels: &[NodeId], interval: Millis) -> NodeId {
        let addr = self.free_addr(NodeKind::Writer, 0);
        let sentinels = sentinels.iter().map(|sentinel| self.addr(*sentinel)).collect();
        let first_number = u64::from(addr.port()) + (self.nodes.len() as u64) * 1_000_000_000;
        self.add_node(NodeKind::Writer, addr, Vec::new(), |ctx| {
            Program::Writer(Writer::start(ctx, master, sentinels, interval, first_number))
        })
    }

    fn free_addr(&self, kind: NodeKind, port: u16) -> SocketAddr {
        let number = u8::try_from(self.count(kind) + 1).expect("a world has at most 254 nodes of a kind");
        let net = match kind {
            NodeKind::Sentinel => 0,
            NodeKind::Server => 1,
            NodeKind::Writer => 2,
            NodeKind::Console => 3,
        };
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, net, number)), port)
    }

    fn count(&self, kind: NodeKind) -> usize {
        self.nodes.iter().filter(|node| node.program.kind() == kind).count()
    }

    fn add_node(
        &mut self,
        kind: NodeKind,
        addr: SocketAddr,
        text: Vec<u8>,
        make: impl FnOnce(&mut Context<'_>) -> Program,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let word = match kind {
            NodeKind::Sentinel => "sentinel",
            NodeKind::Server => "redis",
            NodeKind::Writer => "writer",
            NodeKind::Console => "console",
        };
        let name = format!("{word}-{}", self.count(kind) + 1);
        let mut ctx =
            Context { now: self.now, prng: &mut self.prng, conns: &mut self.next_conn, effects: Vec::new() };
        let program = make(&mut ctx);
        let effects = ctx.effects;
        self.nodes.push(Node {
            name,
            ip: addr.ip(),
            port: addr.port(),
            run: Run(1),
            power: Power::Running,
            inbox: VecDeque::new(),
            disk: Disk::new(text),
            program,
        });
        self.perform(id, effects);
        id
    }

    // ---- time ----

    /// What the world's clock reads.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// How many steps there have been.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// When something happens next.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        let wake = self.next_wake().map(|(at, _)| at);
        match (self.queue.first_at(), wake) {
            (Some(a), Some(b)) => Some(a.min(b).max(self.now)),
            (a, b) => a.or(b).map(|at| at.max(self.now)),
        }
    }

    fn next_wake(&self) -> Option<(Time, NodeId)> {
        let running = self.nodes.iter().zip(0..).filter(|(node, _)| node.power == Power::Running);
        let wakes = running.filter_map(|(node, id)| match &node.program {
            Program::Sentinel(sentinel) => Some((sentinel.deadline()?, NodeId(id))),
            Program::Server(_) | Program::Writer(_) | Program::Console(_) => None,
        });
        wakes.min()
    }

    /// Lets the next thing happen; false if there is none.
    pub fn step(&mut self) -> bool {
        let wake = self.next_wake();
        let first = self.queue.first_at();
        // What has been received is given before a Sentinel is woken.
        let wakes = match (first, wake) {
            (None, None) => return false,
            (Some(first), Some((at, _))) => at < first,
            (None, Some(_)) => true,
            (Some(_), None) => false,
        };
        self.steps += 1;
        if wakes {
            if let Some((at, node)) = wake {
                self.advance(at);
                self.wake(node);
            }
        } else if let Some((at, what)) = self.queue.pop() {
            self.advance(at);
            self.happen(what);
        }
        true
    }

    fn advance(&mut self, to: Time) {
        if to > self.now {
            self.now = to;
            self.steps_now = 0;
        }
        self.steps_now += 1;
        if self.steps_now > STEPS_AT_ONCE_MAX {
            let details = format!("{STEPS_AT_ONCE_MAX} steps without a moment passing");
            self.violate("time goes on", details);
        }
    }

    /// Runs until the condition holds; it is looked at after every step.
    ///
    /// # Errors
    /// If it does not hold within `span`, or a property is violated.
    pub fn run_until(
        &mut self,
        span: Millis,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<Time, Stop> {
        let deadline = self.now + span;
        loop {
            if let Some(violation) = &self.violation {
                return Err(Stop::Violation(violation.clone()));
            }
            if condition(self) {
                return Ok(self.now);
            }
            match self.next_at() {
                None => return Err(Stop::Nothing),
                Some(at) if at > deadline => {
                    self.now = deadline;
                    return Err(Stop::Deadline);
                }
                Some(_) => self.step(),
            };
        }
    }

    /// Runs for that long.
    ///
    /// # Errors
    /// If a property is violated.
    pub fn run_for(&mut self, span: Millis) -> Result<(), Stop> {
        match self.run_until(span, |_| false) {
            Err(Stop::Violation(violation)) => Err(Stop::Violation(violation)),
            Ok(_) | Err(Stop::Deadline | Stop::Nothing) => Ok(()),
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Syn { conn, attempt } => self.on_syn(conn, attempt),
            Happening::SynAnswer { conn, refusal } => self.on_syn_answer(conn, refusal),
            Happening::Arrival { conn, to } => self.on_arrival(conn, to),
            Happening::DiskDone { node, run } => {
                if self.node(node).run == run {
                    let World { nodes, prng, .. } = self;
                    if let Some((ticket, result)) = nodes[node.0 as usize].disk.finish(prng) {
                        self.signal(node, Signal::Persisted { ticket, result });
                    }
                }
            }
            Happening::Timer { node, run, tag } => {
                if self.node(node).run == run {
                    self.signal(node, Signal::Timer { tag });
                }
            }
        }
    }

    // ---- processes ----

    /// Something reaches a node's kernel.
    pub(crate) fn signal(&mut self, node: NodeId, signal: Signal) {
        if let Signal::Opened { conn } | Signal::Data { conn, .. } | Signal::Closed { conn, .. } = &signal
            && !self.is_of_this_run(node, *conn)
        {
            return;
        }
        match self.node(node).power {
            Power::Running => self.tell(node, signal),
            Power::Frozen => self.node_mut(node).inbox.push_back(signal),
            Power::Killed | Power::Off => {}
        }
    }

    /// A process takes a signal.
    pub(crate) fn tell(&mut self, node: NodeId, signal: Signal) {
        self.with_context(node, |program, ctx| program.handle(ctx, signal));
    }

    fn wake(&mut self, node: NodeId) {
        self.with_context(node, |program, ctx| {
            if let Program::Sentinel(sentinel) = program {
                sentinel.wake(ctx);
            }
        });
    }

    fn with_context(&mut self, node: NodeId, run: impl FnOnce(&mut Program, &mut Context<'_>)) {
        let World { nodes, prng, next_conn, now, .. } = self;
        let mut ctx = Context { now: *now, prng, conns: next_conn, effects: Vec::new() };
        run(&mut nodes[node.0 as usize].program, &mut ctx);
        let effects = ctx.effects;
        let told = effects.iter().any(|effect| matches!(effect, Effect::Event(_) | Effect::Persist { .. }));
        self.perform(node, effects);
        if (told || self.steps.is_multiple_of(LOOK_EVERY))
            && let Some(status) = self.sentinel(node)
        {
            self.observe(Observation::Status { node, status: &status });
        }
    }

    fn perform(&mut self, node: NodeId, effects: Vec<Effect>) {
        let run = self.node(node).run;
        for effect in effects {
            match effect {
                Effect::Dial { conn, to } => self.dial(node, conn, to),
                Effect::Send { conn, bytes } => self.send(node, conn, bytes),
                Effect::Close { conn } => self.close(node, conn),
                Effect::Timer { at, tag } => self.queue.push(at, Happening::Timer { node, run, tag }),
                Effect::Persist { ticket, state } => {
                    let World { nodes, prng, now, queue, .. } = self;
                    let done = nodes[node.0 as usize].disk.write(*now, prng, ticket, state);
                    queue.push(done, Happening::DiskDone { node, run });
                }
                Effect::Event(event) => self.on_event(node, &event),
                Effect::Note(text) => self.note(node, &text),
                Effect::Exit => {
                    self.note(node, "exits");
                    self.stop(node, Power::Killed);
                }
            }
        }
    }

    fn on_event(&mut self, node: NodeId, event: &Event) {
        let shown = match self.detail {
            Detail::Nothing => false,
            Detail::Events => event.level() != LogLevel::Debug,
            Detail::Messages => true,
        };
        if shown {
            let text = match event.explanation() {
                Some(why) => format!("{event} | {why}"),
                None => event.to_string(),
            };
            self.write(Some(node), &text);
        }
        self.observe(Observation::Event { node, event });
    }

    pub(crate) fn stop(&mut self, node: NodeId, power: Power) {
        if matches!(self.power(node), Power::Killed | Power::Off) {
            return;
        }
        if let Program::Sentinel(sentinel) = &self.node(node).program {
            let outputs = sentinel.outputs.value();
            self.past.add(&outputs.to_le_bytes());
        }
        self.drop_connections(node, power);
        let World { nodes, prng, .. } = self;
        let stopped = &mut nodes[node.0 as usize];
        stopped.power = power;
        stopped.inbox.clear();
        stopped.disk.crash(prng);
    }

    pub(crate) fn start(&mut self, node: NodeId) {
        let addr = self.addr(node);
        let stopped = self.node_mut(node);
        stopped.run.0 += 1;
        stopped.power = Power::Running;
        let text = stopped.disk.text().to_vec();
        let World { nodes, prng, next_conn, now, ids, .. } = self;
        let mut ctx = Context { now: *now, prng, conns: next_conn, effects: Vec::new() };
        let started = &mut nodes[node.0 as usize];
        match &mut started.program {
            Program::Server(server) => server.restart(&mut ctx),
            Program::Sentinel(_) => match SentinelHost::start(&mut ctx, addr, &text) {
                Ok(host) => {
                    ids.insert(host.core.my_id().to_string(), node);
                    started.program = Program::Sentinel(Box::new(host));
                }
                Err(reason) => {
                    started.power = Power::Killed;
                    let details = format!("{} does not start: {reason}", self.name(node));
                    self.violate("a Sentinel can read what it wrote", details);
                    return;
                }
            },
            Program::Writer(_) | Program::Console(_) => {}
        }
        let effects = ctx.effects;
        if self.kind(node) == NodeKind::Sentinel {
            self.observe(Observation::Started { node });
        }
        self.perform(node, effects);
        self.resend();
    }

    // ---- looking ----

    /// All nodes, consoles left out.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        let nodes: Vec<NodeId> = self
            .nodes
            .iter()
            .zip(0..)
            .filter(|(node, _)| node.program.kind() != NodeKind::Console)
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
        match (&self.node(node).program, self.power(node)) {
            (Program::Sentinel(sentinel), Power::Running | Power::Frozen) => Some(sentinel.core.status()),
            _ => None,
        }
    }

    /// What a data server is; `None` if it is none. Of one that does not run: what it was.
    #[must_use]
    pub fn server(&self, node: NodeId) -> Option<ServerView> {
        match &self.node(node).program {
            Program::Server(server) => Some(server.view()),
            Program::Sentinel(_) | Program::Writer(_) | Program::Console(_) => None,
        }
    }

    /// What a writer has done.
    #[must_use]
    pub fn writer(&self, node: NodeId) -> Option<WriterReport> {
        match &self.node(node).program {
            Program::Writer(writer) => Some(writer.report().clone()),
            Program::Sentinel(_) | Program::Server(_) | Program::Console(_) => None,
        }
    }

    /// The node at an address, whatever its port.
    #[must_use]
    pub fn node_at(&self, addr: SocketAddr) -> Option<NodeId> {
        self.nodes.iter().zip(0..).find(|(node, _)| node.ip == addr.ip()).map(|(_, id)| NodeId(id))
    }

    pub(crate) fn node_named(&self, host: &str, port: u16) -> Option<NodeId> {
        self.node_at(SocketAddr::new(host.parse().ok()?, port))
    }

    pub(crate) fn deployment_at(&self, host: &str, port: &str) -> String {
        let addr = host.parse().ok().zip(port.parse().ok()).map(|(ip, port)| SocketAddr::new(ip, port));
        addr.and_then(|addr| self.deployments.get(&addr).cloned()).unwrap_or_else(|| format!("{host}:{port}"))
    }

    pub(crate) fn name_of_id(&self, id: &str) -> String {
        self.ids.get(id).map_or_else(|| id.to_string(), |node| self.name(*node).to_string())
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }

    /// A hash of everything that the Sentinels' cores have put out.
    #[must_use]
    pub fn outputs_hash(&self) -> u64 {
        let mut hash = self.past;
        for node in &self.nodes {
            if let (Program::Sentinel(sentinel), Power::Running | Power::Frozen) = (&node.program, node.power)
            {
                hash.add(&sentinel.outputs.value().to_le_bytes());
            }
        }
        hash.value()
    }

    // ---- commands ----

    /// Sends a command to a node over a connection of its own and runs the world until it answers.
    ///
    /// # Errors
    /// Why there was no reply.
    pub fn command(&mut self, node: NodeId, args: &[&str]) -> Result<Reply, String> {
        let console =
            match self.nodes.iter().zip(0..).find(|(node, _)| node.program.kind() == NodeKind::Console) {
                Some((_, id)) => NodeId(id),
                None => {
                    let addr = self.free_addr(NodeKind::Console, 0);
                    self.add_node(NodeKind::Console, addr, Vec::new(), |_| {
                        Program::Console(Console::default())
                    })
                }
            };
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

    // ---- telling ----

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
        self.write(Some(node), text);
    }

    pub(crate) fn note(&mut self, node: NodeId, text: &str) {
        if self.detail != Detail::Nothing {
            self.write(Some(node), text);
        }
    }

    pub(crate) fn remark(&mut self, text: &str) {
        if self.detail != Detail::Nothing {
            self.write(None, text);
        }
    }

    fn write(&mut self, node: Option<NodeId>, text: &str) {
        let mut text = text.to_string();
        for (id, owner) in &self.ids {
            if text.contains(id.as_str()) {
                text = text.replace(id.as_str(), &self.nodes[owner.0 as usize].name);
            }
        }
        let who = node.map_or("world", |node| self.name(node)).to_string();
        self.transcript.push(Entry { at: self.now, node, who, text });
    }

    pub(crate) fn observe(&mut self, what: Observation<'_>) {
        let mut invariants = core::mem::take(&mut self.invariants);
        let result = invariants.check(self, &what);
        self.invariants = invariants;
        if let Err((property, details)) = result {
            self.violate(property, details);
        }
    }

    fn violate(&mut self, property: &'static str, details: String) {
        if self.violation.is_none() {
            self.remark(&format!("VIOLATION of \"{property}\": {details}"));
            self.violation = Some(Violation { at: self.now, property, details });
        }
    }
}
