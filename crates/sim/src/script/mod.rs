//! What is done to a world, as text: one [`Action`] to a line. Scenario files, shared links, random campaigns
//! and the shrinking of their failures are all made of these lines.

pub(crate) mod bounds;
mod error;
mod read;

pub use error::ActionError;
pub(crate) use read::{quoted, read_span, words};

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use picket_sansio::Millis;

use crate::action::{Latency, Ways};
use crate::disk::DiskFault;
use crate::ids::{NodeId, NodeKind, Power};
use crate::topology::Addition;
use crate::world::World;

/// Something that is done to a world. Nodes have the names that [`World::name`] tells.
///
/// The text is what `Display` writes and `FromStr` reads, without loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `kill redis-1`: the process ends at once, as by `kill -9`.
    Kill(String),
    /// `off redis-1`: the machine loses its power.
    Off(String),
    /// `start redis-1`: a process that does not run is started.
    Start(String),
    /// `freeze redis-1`: SIGSTOP.
    Freeze(String),
    /// `resume redis-1`: SIGCONT.
    Resume(String),
    /// `wipe redis-1`: a data node starts over with an empty disk.
    Wipe(String),
    /// `cut redis-1 sentinel-1`: nothing passes either way; `cut redis-1 -> sentinel-1`: only the way back is open.
    Cut(String, String, Ways),
    /// `mend redis-1 sentinel-1`: the wire between two nodes is whole again, both ways.
    Mend(String, String),
    /// `partition redis-1 writer-1`: these apart from all others.
    Partition(Vec<String>),
    /// `heal`: every wire is whole again.
    Heal,
    /// `reset redis-1 sentinel-1`: the connections between two nodes break, and both see it.
    Reset(String, String),
    /// `latency redis-1 sentinel-1 10000us..20000us`: how long a segment takes either way; `latency redis-1 -> sentinel-1
    /// 1s`: one way. `latency 1ms`: wherever nothing else was said.
    Latency(Option<(String, String, Ways)>, Latency),
    /// `loss redis-1 sentinel-1 20%`: so many of a hundred segments are lost, either way, and sent again after TCP's
    /// time-out. `loss 5%`: wherever nothing else was said. `heal` does not change it.
    Loss(Option<(String, String)>, u32),
    /// `half-open redis-2 redis-1`: the first loses its ends of the connections between them and connects anew, while the
    /// second still has the old ones.
    HalfOpen(String, String),
    /// `disk sentinel-1 ok`, `full` or `flaky 50`: what becomes of its writes.
    Disk(String, DiskFault),
    /// `slow-disk sentinel-1 100ms..200ms`: how long they take.
    SlowDisk(String, Latency),
    /// `names redis-1 off`: a machine gets no answers from the resolver; `on`: it gets them again.
    Names(String, Switch),
    /// `clock redis-1 +2000` or `-500`: the calendar clock of the machine of a data node or a Sentinel jumps by so many
    /// milliseconds.
    Clock(String, i64),
    /// `writes writer-1 off`, `on`: a client pauses, and goes on.
    Writes(String, Switch),
    /// `waits writer-1 2`: each of its writes waits for so many replicas (WAIT); `0`: it does not wait. Modelled data nodes
    /// know no WAIT.
    Waits(String, u32),
    /// `delay 17 500ms`: a message that is on its way arrives so much later, and what follows it waits.
    Delay(u64, Millis),
    /// `delay redis-1 -> redis-2 500ms`: the same for the oldest message on its way from one to the other, if there
    /// is any.
    DelayNext(String, String, Millis),
    /// `drop 17`: a message that is on its way is lost; TCP sends it again after its time-out.
    Drop(u64),
    /// `drop redis-1 -> redis-2`: the same for the oldest message on its way from one to the other, if there is any.
    DropNext(String, String),
    /// `run redis-1 SET k v`: a command on a connection of an operator. Words and quotes as in redis-cli. Instead of a
    /// node there may be `redis`, `sentinels` or `all`: every node of that kind that runs, each on a connection of its
    /// own.
    Run(String, Vec<String>),
    /// `add redis-4`: a new data node, which follows the master; `add redis-4 redis-2`: which follows that one. `add
    /// sentinel-4`: a new Sentinel, which watches what the others watch. `add writer-2 50ms`: a new client. A name is
    /// not given twice.
    Add(String, Addition),
    /// `remove redis-4`: a machine leaves for good.
    Remove(String),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It works.
    On,
    /// It does not.
    Off,
}

impl World {
    /// Does something to the world at this moment.
    ///
    /// # Errors
    /// If there is no such node or message, or it is of the wrong kind. Nothing has happened then.
    pub fn act(&mut self, action: &Action) -> Result<(), ActionError> {
        match action {
            Action::Kill(node) => {
                let node = self.find(node)?;
                self.kill(node);
            }
            Action::Off(node) => {
                let node = self.find(node)?;
                self.switch_off(node);
            }
            Action::Start(node) => {
                let node = self.find(node)?;
                self.restart(node);
            }
            Action::Freeze(node) => {
                let node = self.find(node)?;
                self.freeze(node);
            }
            Action::Resume(node) => {
                let node = self.find(node)?;
                self.thaw(node);
            }
            Action::Wipe(node) => {
                let node = self.find_kind(node, NodeKind::Server)?;
                self.wipe(node);
            }
            Action::Cut(from, to, ways) => {
                let (from, to) = self.find_two(from, to)?;
                self.cut(from, to, *ways);
            }
            Action::Mend(a, b) => {
                let (a, b) = self.find_two(a, b)?;
                self.mend(a, b);
            }
            Action::Partition(group) => {
                let group: Result<Vec<NodeId>, _> = group.iter().map(|node| self.find(node)).collect();
                self.partition(&group?);
            }
            Action::Heal => self.heal(),
            Action::Reset(a, b) => {
                let (a, b) = self.find_two(a, b)?;
                self.reset_connections(a, b);
            }
            Action::Latency(Some((from, to, ways)), latency) => {
                let (from, to) = self.find_two(from, to)?;
                self.set_latency(from, to, *ways, *latency);
            }
            Action::Latency(None, latency) => self.set_default_latency(*latency),
            Action::Loss(Some((a, b)), percent) => {
                let (a, b) = self.find_two(a, b)?;
                self.set_loss(a, b, *percent);
            }
            Action::Loss(None, percent) => self.set_default_loss(*percent),
            Action::HalfOpen(node, other) => {
                let (node, other) = self.find_two(node, other)?;
                self.half_open(node, other);
            }
            Action::Disk(node, fault) => {
                let node = self.find(node)?;
                self.set_disk_fault(node, *fault);
            }
            Action::SlowDisk(node, latency) => {
                let node = self.find(node)?;
                self.set_disk_latency(node, *latency);
            }
            Action::Names(node, switch) => {
                let node = self.find(node)?;
                self.set_dns_cut_off(node, *switch == Switch::Off);
            }
            Action::Clock(node, by_ms) => {
                let node = self.find_any(node, &[NodeKind::Server, NodeKind::Sentinel])?;
                self.set_clock(node, *by_ms);
            }
            Action::Writes(node, switch) => {
                let node = self.find_kind(node, NodeKind::Writer)?;
                self.set_writing(node, *switch == Switch::On);
            }
            Action::Waits(node, replicas) => {
                let node = self.find_kind(node, NodeKind::Writer)?;
                self.set_waiting(node, *replicas);
            }
            Action::Delay(message, by) => self.delay(*message, *by)?,
            Action::DelayNext(from, to, by) => {
                let (from, to) = self.find_two(from, to)?;
                if let Some(message) = self.oldest_in_flight(from, to) {
                    self.delay(message.0, *by)?;
                }
            }
            Action::Drop(message) => self.lose(*message)?,
            Action::DropNext(from, to) => {
                let (from, to) = self.find_two(from, to)?;
                if let Some(message) = self.oldest_in_flight(from, to) {
                    self.lose(message.0)?;
                }
            }
            Action::Run(node, words) => {
                let nodes = self.find_group(node)?;
                self.run_on(&nodes, words)?;
            }
            Action::Add(name, what) => {
                self.add(name, what)?;
            }
            Action::Remove(node) => {
                let node = self.find(node)?;
                self.remove(node);
            }
        }
        self.count_deed();
        Ok(())
    }

    /// The node of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(&self, name: &str) -> Result<NodeId, ActionError> {
        self.nodes()
            .find(|node| self.name(*node) == name)
            .ok_or_else(|| ActionError::NoNode(name.to_string()))
    }

    fn find_two(&self, a: &str, b: &str) -> Result<(NodeId, NodeId), ActionError> {
        let two = (self.find(a)?, self.find(b)?);
        if two.0 == two.1 {
            return Err(ActionError::OwnWire(a.to_string()));
        }
        Ok(two)
    }

    pub(crate) fn find_kind(&self, name: &str, kind: NodeKind) -> Result<NodeId, ActionError> {
        self.find_any(name, &[kind])
    }

    fn find_any(&self, name: &str, kinds: &[NodeKind]) -> Result<NodeId, ActionError> {
        let node = self.find(name)?;
        let is = self.kind(node);
        if kinds.contains(&is) {
            return Ok(node);
        }
        Err(ActionError::WrongKind { name: name.to_string(), is, wanted: kinds.to_vec() })
    }

    /// The node of that name, or the running ones of a group.
    fn find_group(&self, name: &str) -> Result<Vec<NodeId>, ActionError> {
        let kinds: &[NodeKind] = match name {
            "redis" => &[NodeKind::Server],
            "sentinels" => &[NodeKind::Sentinel],
            "all" => &[NodeKind::Server, NodeKind::Sentinel],
            _ => return Ok(alloc::vec![self.find(name)?]),
        };
        let runs = |node: &NodeId| matches!(self.power(*node), Power::Running | Power::Frozen);
        let nodes = self.nodes().filter(|node| kinds.contains(&self.kind(*node)) && runs(node));
        let nodes: Vec<NodeId> = nodes.collect();
        if nodes.is_empty() { Err(ActionError::NoneRuns(name.to_string())) } else { Ok(nodes) }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(node) => write!(f, "kill {node}"),
            Self::Off(node) => write!(f, "off {node}"),
            Self::Start(node) => write!(f, "start {node}"),
            Self::Freeze(node) => write!(f, "freeze {node}"),
            Self::Resume(node) => write!(f, "resume {node}"),
            Self::Wipe(node) => write!(f, "wipe {node}"),
            Self::Cut(a, b, Ways::Both) => write!(f, "cut {a} {b}"),
            Self::Cut(from, to, Ways::OneWay) => write!(f, "cut {from} -> {to}"),
            Self::Mend(a, b) => write!(f, "mend {a} {b}"),
            Self::Partition(group) => write!(f, "partition {}", group.join(" ")),
            Self::Heal => f.write_str("heal"),
            Self::Reset(a, b) => write!(f, "reset {a} {b}"),
            Self::Latency(Some((a, b, Ways::Both)), latency) => write!(f, "latency {a} {b} {latency}"),
            Self::Latency(Some((from, to, Ways::OneWay)), latency) => {
                write!(f, "latency {from} -> {to} {latency}")
            }
            Self::Latency(None, latency) => write!(f, "latency {latency}"),
            Self::Loss(Some((a, b)), percent) => write!(f, "loss {a} {b} {percent}%"),
            Self::Loss(None, percent) => write!(f, "loss {percent}%"),
            Self::HalfOpen(node, other) => write!(f, "half-open {node} {other}"),
            Self::Disk(node, DiskFault::None) => write!(f, "disk {node} ok"),
            Self::Disk(node, DiskFault::Full) => write!(f, "disk {node} full"),
            Self::Disk(node, DiskFault::Flaky(percent)) => write!(f, "disk {node} flaky {percent}"),
            Self::SlowDisk(node, latency) => write!(f, "slow-disk {node} {latency}"),
            Self::Names(node, switch) => write!(f, "names {node} {switch}"),
            Self::Clock(node, by_ms) => write!(f, "clock {node} {by_ms:+}"),
            Self::Writes(node, switch) => write!(f, "writes {node} {switch}"),
            Self::Waits(node, replicas) => write!(f, "waits {node} {replicas}"),
            Self::Delay(message, by) => write!(f, "delay {message} {}ms", by.0),
            Self::DelayNext(from, to, by) => write!(f, "delay {from} -> {to} {}ms", by.0),
            Self::Drop(message) => write!(f, "drop {message}"),
            Self::DropNext(from, to) => write!(f, "drop {from} -> {to}"),
            Self::Run(node, words) => {
                write!(f, "run {node}")?;
                words.iter().try_for_each(|word| write!(f, " {}", read::quoted(word)))
            }
            Self::Add(name, Addition::Redis { follows: None } | Addition::Sentinel) => {
                write!(f, "add {name}")
            }
            Self::Add(name, Addition::Redis { follows: Some(node) }) => write!(f, "add {name} {node}"),
            Self::Add(name, Addition::Writer { interval }) => write!(f, "add {name} {}ms", interval.0),
            Self::Remove(node) => write!(f, "remove {node}"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |us: u64| match us % 1000 {
            0 => alloc::format!("{}ms", us / 1000),
            _ => alloc::format!("{us}us"),
        };
        f.write_str(&span(self.from_us))?;
        if self.to_us != self.from_us {
            write!(f, "..{}", span(self.to_us))?;
        }
        Ok(())
    }
}
