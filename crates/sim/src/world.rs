//! The world: nodes, what will happen to them, and the clock that jumps to it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use picket_sansio::collections::{BTreeMap, BTreeSet};

use picket_sansio::{Millis, Prng, Time};
use picket_sentinel_core::{Event, InstanceRef};
use picket_server_core::LogLevel;

use crate::change::Touched;
use crate::cluster::Shape;
use crate::console::Answer;
use crate::context::{Context, Effect, Signal};
use crate::dns::Dns;
use crate::hash::Hash;
use crate::ids::{ConnId, NodeId, NodeKind, Power};
use crate::invariants::{Invariants, Judged, Observation, Violation};
use crate::log::Log;
use crate::message::Arrived;
use crate::net::Conn;
use crate::node::{Node, Program};
use crate::queue::{Happening, Queue};
use crate::sentinel::SentinelHost;
use crate::tally::Tally;
use crate::transcript::{Detail, Told, Transcript};
use crate::wires::Wires;

/// More steps than this at one instant mean that time stands still.
const STEPS_AT_ONCE_MAX: u32 = 200_000;
/// Every so many steps all of a Sentinel's configurations are looked at, also those of which it told nothing; after
/// every step while a property asks for it.
const LOOK_EVERY: u64 = 64;

/// The master that an effect tells something of.
fn told_master(effect: &Effect) -> Option<&str> {
    let Effect::Event(event) = effect else { return None };
    match &**event {
        Event::SwitchMaster { name, .. } => Some(name),
        Event::Voted { master, .. } | Event::NewEpoch { master, .. } => Some(master),
        event => event.instance().map(InstanceRef::master_name),
    }
}

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
    /// Who is to be woken when: running nodes alone.
    wakes: BTreeSet<(Time, NodeId)>,
    /// Who has which address.
    pub(crate) places: BTreeMap<IpAddr, NodeId>,
    pub(crate) wires: Wires,
    pub(crate) dns: Dns,
    pub(crate) conns: BTreeMap<ConnId, Conn>,
    pub(crate) next_conn: u64,
    pub(crate) next_message: u64,
    pub(crate) passages: Log<Arrived>,
    pub(crate) answers: Log<Answer>,
    pub(crate) transcript: Transcript,
    pub(crate) detail: Detail,
    /// None while they look at something.
    invariants: Option<Box<Invariants>>,
    pub(crate) violation: Option<Violation>,
    /// MYIDs of Sentinels, present and past.
    pub(crate) ids: BTreeMap<String, NodeId>,
    /// Which deployment a data server belongs to.
    pub(crate) deployments: BTreeMap<SocketAddr, String>,
    steps: u64,
    steps_now: u32,
    /// The outputs of processes that have ended.
    pub(crate) past: Hash,
    pub(crate) tally: Tally,
    /// Steps of failovers, while they are collected.
    #[cfg(feature = "scale")]
    pub(crate) milestones: Option<crate::scale::milestones::Milestones>,
    /// Empty: room for the next effects.
    spare: Vec<Effect>,
    /// How nodes are set up that come later.
    pub(crate) shape: Arc<Shape>,
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
            wakes: BTreeSet::new(),
            places: BTreeMap::new(),
            wires: Wires::new(),
            dns: Dns::new(),
            conns: BTreeMap::new(),
            next_conn: 0,
            spare: Vec::new(),
            next_message: 0,
            passages: Log::default(),
            answers: Log::default(),
            transcript: Transcript::default(),
            detail: Detail::default(),
            invariants: Some(Box::default()),
            violation: None,
            ids: BTreeMap::new(),
            deployments: BTreeMap::new(),
            steps: 0,
            steps_now: 0,
            past: Hash::new(),
            tally: Tally::default(),
            #[cfg(feature = "scale")]
            milestones: None,
            shape: Arc::new(Shape::default()),
        }
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
        self.wakes.first().copied()
    }

    /// To be called whenever a program may have changed its mind about when it wants to be woken, and when it
    /// begins to run or ceases to.
    pub(crate) fn arm_wake(&mut self, id: NodeId) {
        let World { nodes, wakes, .. } = self;
        let node = &mut nodes[id.0 as usize];
        let at = if node.power == Power::Running { node.program.deadline() } else { None };
        if at == node.wakes_at {
            return;
        }
        if let Some(before) = core::mem::replace(&mut node.wakes_at, at) {
            wakes.remove(&(before, id));
        }
        if let Some(at) = at {
            wakes.insert((at, id));
        }
    }

    pub(crate) fn set_power(&mut self, node: NodeId, power: Power) {
        self.node_mut(node).power = power;
        self.arm_wake(node);
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

    /// Lets time pass in which nothing happens.
    pub(crate) fn pass_until(&mut self, to: Time) {
        debug_assert!(self.next_at().is_none_or(|at| at >= to));
        self.advance(to);
    }

    /// Something was done: that is a step too.
    pub(crate) fn count_deed(&mut self) {
        self.steps += 1;
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
                    let machine = &mut nodes[node.0 as usize];
                    if let Some((ticket, result)) = machine.disk.finish(machine.drive, prng) {
                        self.signal(node, Signal::Persisted { ticket, result });
                    }
                }
            }
            Happening::LookupDone { node, run, lookup } => {
                let is_current = self.node(node).run == run;
                self.on_lookup_done(node, is_current, lookup);
            }
            Happening::Rise { node, run } => {
                if self.node(node).run == run {
                    self.thaw(node);
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
        self.with_context(node, |program, ctx| match program {
            Program::Sentinel(sentinel) => sentinel.wake(ctx),
            Program::Data(data) => data.wake(ctx),
            Program::Server(_) | Program::Writer(_) | Program::Console(_) => {}
            #[cfg(feature = "scale")]
            Program::Stock(_) => {}
        });
    }

    pub(crate) fn with_context(&mut self, node: NodeId, run: impl FnOnce(&mut Program, &mut Context<'_>)) {
        let World { nodes, prng, next_conn, now, spare, .. } = self;
        let machine = &mut nodes[node.0 as usize];
        let mut ctx = machine.context(*now, prng, next_conn);
        ctx.effects = core::mem::take(spare);
        run(&mut machine.program, &mut ctx);
        let mut effects = ctx.effects;
        self.arm_wake(node);
        let told: Vec<String> = effects.iter().filter_map(told_master).map(ToString::to_string).collect();
        self.perform(node, &mut effects);
        self.spare = effects;
        if matches!(self.node(node).program, Program::Data(_)) {
            self.observe(Observation::Data { node });
        }
        if self.kind(node) != NodeKind::Sentinel {
            return;
        }
        let is_watched = self.invariants.as_ref().is_some_and(|invariants| invariants.watches(node));
        if is_watched || self.steps.is_multiple_of(LOOK_EVERY) {
            self.observe(Observation::Configurations { node, of: None });
        } else if !told.is_empty() {
            self.observe(Observation::Configurations { node, of: Some(&told) });
        }
    }

    pub(crate) fn perform(&mut self, node: NodeId, effects: &mut Vec<Effect>) {
        let run = self.node(node).run;
        for effect in effects.drain(..) {
            match effect {
                Effect::Dial { conn, to } => self.dial(node, conn, to),
                Effect::Send { conn, bytes } => self.send(node, conn, bytes),
                Effect::Close { conn } => self.close(node, conn),
                Effect::Timer { at, tag } => self.queue.push(at, Happening::Timer { node, run, tag }),
                Effect::Resolve { key, host } => self.look_up(node, key, &host),
                Effect::Persist { ticket, state } => {
                    let World { nodes, prng, now, queue, .. } = self;
                    let machine = &mut nodes[node.0 as usize];
                    let done = machine.disk.write(machine.drive, *now, prng, ticket, state);
                    queue.push(done, Happening::DiskDone { node, run });
                }
                Effect::Event(event) => self.on_event(node, *event),
                Effect::NodeEvent(_) if self.detail == Detail::Nothing => {}
                Effect::NodeEvent(event) => {
                    let text = event.to_string();
                    self.write(Some(node), &text, Told::Node(Arc::new(*event)));
                }
                Effect::Note(text) => self.write(Some(node), &text, Told::Other),
                Effect::Answered(answer) => self.answers.push(*answer),
                Effect::Writes { number } => self.observe(Observation::Writes { number }),
                Effect::Confirmed { number, replicas } => {
                    self.observe(Observation::Confirmed { number, replicas });
                }
                Effect::Sleep(span) => self.sleep(node, span),
                Effect::Exit => {
                    self.write(Some(node), "exits", Told::Other);
                    self.stop(node, Power::Killed);
                }
            }
        }
    }

    fn on_event(&mut self, node: NodeId, event: Event) {
        let event = Arc::new(event);
        let shown = match self.detail {
            Detail::Nothing => false,
            Detail::Events | Detail::Arrivals => event.level() != LogLevel::Debug,
            Detail::Messages => true,
        };
        if shown {
            let text = match event.explanation() {
                Some(why) => format!("{event} | {why}"),
                None => event.to_string(),
            };
            self.write(Some(node), &text, Told::Sentinel(event.clone()));
        }
        self.tally.count(&event);
        #[cfg(feature = "scale")]
        if let Some(milestones) = &mut self.milestones {
            milestones.note(self.now, node, &event);
        }
        self.observe(Observation::Event { node, event: &event });
    }

    /// A process does nothing for a while, as one that works on something long.
    fn sleep(&mut self, node: NodeId, span: Millis) {
        if self.power(node) == Power::Running {
            self.write(Some(node), &format!("does nothing for {span}"), Told::Other);
            self.observe(Observation::Disturbed { what: &Touched::Machine(node) });
            self.set_power(node, Power::Frozen);
            let run = self.node(node).run;
            self.queue.push(self.now + span, Happening::Rise { node, run });
        }
    }

    pub(crate) fn stop(&mut self, node: NodeId, power: Power) {
        if matches!(self.power(node), Power::Killed | Power::Off) {
            return;
        }
        let outputs = match &mut self.node_mut(node).program {
            Program::Sentinel(sentinel) => Some(sentinel.outputs.value()),
            Program::Data(data) => data.end(),
            Program::Server(_) | Program::Writer(_) | Program::Console(_) => None,
            #[cfg(feature = "scale")]
            Program::Stock(_) => None,
        };
        if let Some(outputs) = outputs {
            self.past.add(&outputs.to_le_bytes());
        }
        self.drop_connections(node, power);
        let World { nodes, prng, .. } = self;
        let stopped = &mut nodes[node.0 as usize];
        stopped.inbox.clear();
        stopped.disk.crash(stopped.drive, prng);
        self.set_power(node, power);
    }

    pub(crate) fn start(&mut self, node: NodeId) {
        let addr = self.addr(node);
        let stopped = self.node_mut(node);
        stopped.run.0 += 1;
        stopped.power = Power::Running;
        let text = stopped.disk.text().into_owned();
        let World { nodes, prng, next_conn, now, ids, .. } = self;
        let started = &mut nodes[node.0 as usize];
        let mut ctx = started.context(*now, prng, next_conn);
        match &mut started.program {
            Program::Server(server) => server.restart(&mut ctx),
            Program::Data(data) => {
                if let Err(error) = data.restart(&mut ctx) {
                    self.set_power(node, Power::Killed);
                    let details = format!("{} does not start: {error}", self.name(node));
                    self.violate("a data node can read what it wrote", details);
                    return;
                }
            }
            Program::Sentinel(_) => match SentinelHost::start(&mut ctx, addr, &text) {
                Ok(host) => {
                    ids.insert(host.core.my_id().to_string(), node);
                    started.program = Program::Sentinel(Box::new(host));
                }
                Err(reason) => {
                    self.set_power(node, Power::Killed);
                    let details = format!("{} does not start: {reason}", self.name(node));
                    self.violate("a Sentinel can read what it wrote", details);
                    return;
                }
            },
            Program::Writer(_) | Program::Console(_) => {}
            #[cfg(feature = "scale")]
            Program::Stock(stock) => stock.restart(&mut ctx),
        }
        let mut effects = ctx.effects;
        self.arm_wake(node);
        if self.kind(node) == NodeKind::Sentinel {
            self.observe(Observation::Started { node });
        }
        self.perform(node, &mut effects);
        self.resend();
    }

    /// How often there was something to judge in RESETs and FORGETs.
    #[must_use]
    pub fn judged(&self) -> Judged {
        self.invariants.as_ref().map(|invariants| invariants.judged()).unwrap_or_default()
    }

    pub(crate) fn observe(&mut self, what: Observation<'_>) {
        let Some(mut invariants) = self.invariants.take() else { return };
        let result = invariants.check(self, &what);
        self.invariants = Some(invariants);
        if let Err((property, details)) = result {
            self.violate(property, details);
        }
    }

    fn violate(&mut self, property: &'static str, details: String) {
        if self.violation.is_none() {
            self.write(None, &format!("VIOLATION of \"{property}\": {details}"), Told::Violation);
            self.violation = Some(Violation { at: self.now, property, details });
        }
    }
}
