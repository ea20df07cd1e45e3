//! What was done to a world, as its transcript tells it: the outcome of an [`Action`](crate::Action), as data and as text.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use picket_sansio::Millis;

use crate::action::{Latency, Ways};
use crate::disk::DiskFault;
use crate::ids::NodeId;
use crate::message::MessageId;
use crate::server::Answering;
use crate::world::World;

/// Something that was done to a node, or to the world. Strings are the names of other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its process was ended.
    Killed,
    /// Its machine lost its power.
    SwitchedOff,
    /// Its process was started again.
    Started,
    /// Its disk was emptied.
    Wiped,
    /// Its process stands still.
    Frozen,
    /// Its process goes on.
    Resumed,
    /// It was added.
    Added,
    /// It left for good.
    Removed,
    /// The wire to another node was cut, both ways or towards it.
    Cut(String, Ways),
    /// The wire to another node was mended.
    Mended(String),
    /// These were set apart from all others.
    Parted(Vec<String>),
    /// Every wire was mended.
    Healed,
    /// The connections with another node broke.
    Reset(String),
    /// It lost its ends of the connections with another node.
    HalfOpen(String),
    /// So many of a hundred segments to and from another node, or everywhere, are lost.
    Lossy(Option<String>, u32),
    /// What is sent to another node, or everywhere, takes so long.
    Slowed(Option<(String, Ways)>, Latency),
    /// A message on its way arrives later.
    Delayed(u64, Millis),
    /// A message on its way was lost and is sent again later.
    Lost(u64, Millis),
    /// What becomes of what is written to its disk.
    Disk(DiskFault),
    /// Writing to its disk takes so long.
    SlowDisk(Latency),
    /// Its calendar clock was set by so many milliseconds.
    ClockJumped(i64),
    /// It answers so.
    Answers(Answering),
    /// It writes again.
    WritesAgain,
    /// It writes no more.
    WritesNoMore,
    /// Each of its writes waits for so many replicas.
    WaitsFor(u32),
    /// A name stands for these addresses, or for none.
    Named(String, Vec<IpAddr>),
    /// It gets no answers from the resolver.
    ResolvesNoMore,
    /// It gets them again.
    ResolvesAgain,
}

/// What a change delays, loses or holds up of what nodes tell each other; or no longer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// All there is.
    Everything,
    /// What reaches or leaves a machine.
    Machine(NodeId),
    /// What passes between two, either way.
    Wires(Vec<(NodeId, NodeId)>),
}

impl World {
    /// What is touched by a change of a node, or of the world, that is about to happen.
    pub(crate) fn touched_by(&self, node: Option<NodeId>, change: &Change) -> Option<Touched> {
        let wire = |other: &String| match (node, self.find(other)) {
            (Some(node), Ok(other)) => Touched::Wires(alloc::vec![(node, other)]),
            _ => Touched::Everything,
        };
        Some(match change {
            Change::Frozen | Change::Resumed | Change::Answers(_) => {
                node.map_or(Touched::Everything, Touched::Machine)
            }
            Change::Cut(other, _)
            | Change::Mended(other)
            | Change::Reset(other)
            | Change::HalfOpen(other)
            | Change::Lossy(Some(other), _)
            | Change::Slowed(Some((other, _)), _) => wire(other),
            Change::Parted(group) => {
                let (inside, outside): (Vec<NodeId>, _) =
                    self.nodes().partition(|node| group.iter().any(|name| name == self.name(*node)));
                let wires = inside.iter().flat_map(|a| outside.iter().map(|b| (*a, *b)));
                Touched::Wires(wires.collect())
            }
            Change::Healed => Touched::Wires(self.cuts().collect()),
            Change::Delayed(message, _) | Change::Lost(message, _) => {
                let ends = self.ends_of(MessageId(*message));
                ends.map_or(Touched::Everything, |ends| Touched::Wires(alloc::vec![ends]))
            }
            Change::Lossy(None, _) | Change::Slowed(None, _) => Touched::Everything,
            Change::Killed
            | Change::SwitchedOff
            | Change::Started
            | Change::Wiped
            | Change::Added
            | Change::Removed
            | Change::Disk(_)
            | Change::SlowDisk(_)
            | Change::ClockJumped(_)
            | Change::WritesAgain
            | Change::WritesNoMore
            | Change::WaitsFor(_)
            | Change::Named(..)
            | Change::ResolvesNoMore
            | Change::ResolvesAgain => return None,
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed => f.write_str("killed"),
            Self::SwitchedOff => f.write_str("switched off"),
            Self::Started => f.write_str("started again"),
            Self::Wiped => f.write_str("wiped"),
            Self::Frozen => f.write_str("frozen"),
            Self::Resumed => f.write_str("goes on"),
            Self::Added => f.write_str("added"),
            Self::Removed => f.write_str("removed"),
            Self::Cut(other, Ways::Both) => write!(f, "wire to {other} cut"),
            Self::Cut(other, Ways::OneWay) => write!(f, "wire towards {other} cut"),
            Self::Mended(other) => write!(f, "wire to {other} mended"),
            Self::Parted(group) => write!(f, "partition: {} apart from the rest", group.join(" ")),
            Self::Healed => f.write_str("all wires mended"),
            Self::Reset(other) => write!(f, "connections with {other} lost"),
            Self::HalfOpen(other) => write!(f, "loses its ends of the connections with {other}"),
            Self::Lossy(Some(other), percent) => {
                write!(f, "wire to {other}: {percent} % of what is sent is lost")
            }
            Self::Lossy(None, percent) => write!(f, "wires: {percent} % of what is sent is lost"),
            Self::Slowed(Some((other, Ways::Both)), latency) => write!(f, "wire to {other} takes {latency}"),
            Self::Slowed(Some((other, Ways::OneWay)), latency) => {
                write!(f, "wire towards {other} takes {latency}")
            }
            Self::Slowed(None, latency) => write!(f, "wires take {latency}"),
            Self::Delayed(message, by) => write!(f, "message {message} delayed by {by}"),
            Self::Lost(message, after) => {
                write!(f, "message {message} lost, to be sent again after {after}")
            }
            Self::Disk(fault) => write!(f, "disk: {fault:?}"),
            Self::SlowDisk(latency) => write!(f, "disk takes {latency}"),
            Self::ClockJumped(by_ms) => write!(f, "its calendar clock jumps by {by_ms} ms"),
            Self::Answers(answering) => write!(f, "answers: {answering:?}"),
            Self::WritesAgain => f.write_str("writes again"),
            Self::WritesNoMore => f.write_str("writes no more"),
            Self::WaitsFor(0) => f.write_str("waits for no replicas"),
            Self::WaitsFor(replicas) => write!(f, "waits for {replicas} replicas after each write"),
            Self::Named(name, ips) if ips.is_empty() => write!(f, "name {name}: gone"),
            Self::Named(name, ips) => {
                write!(f, "name {name}:")?;
                ips.iter().try_for_each(|ip| write!(f, " {ip}"))
            }
            Self::ResolvesNoMore => f.write_str("resolves no names"),
            Self::ResolvesAgain => f.write_str("resolves names again"),
        }
    }
}
