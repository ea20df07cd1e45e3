//! What became of the writes of clients: acknowledged, on how many data nodes, lost.

use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sansio::Time;

use crate::cluster::Cluster;
use crate::ids::{NodeId, NodeKind, Power};
use crate::node::Program;
use crate::world::World;
use crate::writer::{Writer, WriterReport};

/// A client's work in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCounts {
    /// Writes that a server said it took.
    pub acknowledged: u64,
    /// Those of them that as many replicas have as the client waited for.
    pub confirmed: u64,
    /// Writes that failed or were not answered.
    pub failed: u64,
    /// Where it writes at present.
    pub master: Option<SocketAddr>,
}

/// A write that a server said it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What was written. No two writes have the same number.
    pub number: u64,
    /// When it was acknowledged.
    pub at: Time,
    /// The data nodes that run and have it.
    pub holders: Vec<NodeId>,
    /// The master that all Sentinels agree on lacks it; none if there is no such master, or it does not run.
    pub is_lost: Option<bool>,
}

impl World {
    /// A client's work in numbers; `None` if it is no client. Little work.
    #[must_use]
    pub fn write_counts(&self, writer: NodeId) -> Option<WriteCounts> {
        let writer = self.writer_of(writer)?;
        Some(WriteCounts {
            acknowledged: writer.acknowledged.len() as u64,
            confirmed: writer.confirmed.len() as u64,
            failed: writer.failed,
            master: writer.master,
        })
    }

    /// What a client has done; all of its writes are copied.
    #[must_use]
    pub fn writer(&self, node: NodeId) -> Option<WriterReport> {
        let writer = self.writer_of(node)?;
        let acknowledged = writer.acknowledged.iter_from(0).copied().collect();
        Some(WriterReport { acknowledged, failed: writer.failed, master: writer.master })
    }

    /// The acknowledged writes of a client behind the first `count`, the oldest first, and what became of each up to
    /// now: the work is as much as is taken from it.
    pub fn writes(&self, writer: NodeId, count: usize) -> impl DoubleEndedIterator<Item = Write> {
        let runs = |node: &NodeId| self.power(*node) == Power::Running;
        let servers: Vec<NodeId> = self.servers().filter(runs).collect();
        let master = self.agreed_master(&Cluster::master_name(0)).filter(runs);
        let writes = self.writer_of(writer).map(|writer| writer.acknowledged.iter_from(count));
        writes.into_iter().flatten().map(move |(number, at)| Write {
            number: *number,
            at: *at,
            holders: servers.iter().copied().filter(|node| self.has_write(*node, *number)).collect(),
            is_lost: master.map(|master| !self.has_write(master, *number)),
        })
    }

    /// How many acknowledged writes of all clients, of those too that have left, a master lacks; `None` if it is no
    /// data node. Each write is looked for.
    #[must_use]
    pub fn lost_writes(&self, master: NodeId) -> Option<u64> {
        if self.kind(master) != NodeKind::Server {
            return None;
        }
        Some(self.acknowledged_numbers().filter(|number| !self.has_write(master, *number)).count() as u64)
    }

    /// How many writes of all clients, of those too that have left, were acknowledged.
    pub(crate) fn acknowledged_writes(&self) -> u64 {
        let writers = self.nodes.iter().filter_map(|node| as_writer(&node.program));
        writers.map(|writer| writer.acknowledged.len() as u64).sum()
    }

    /// Whether a data node has the write of that number.
    #[must_use]
    pub fn has_write(&self, server: NodeId, number: u64) -> bool {
        match &self.node(server).program {
            Program::Data(data) => data.has_write(number),
            Program::Server(server) => server.has_write(number),
            Program::Sentinel(_) | Program::Writer(_) | Program::Console(_) => false,
            #[cfg(feature = "scale")]
            Program::Stock(_) => false,
        }
    }

    /// The numbers of all acknowledged writes.
    pub(crate) fn acknowledged_numbers(&self) -> impl Iterator<Item = u64> {
        let writers = self.nodes.iter().filter_map(|node| as_writer(&node.program));
        writers.flat_map(|writer| writer.acknowledged.iter_from(0)).map(|(number, _)| *number)
    }

    /// The numbers of all writes that as many replicas confirmed as their clients waited for.
    pub(crate) fn confirmed_numbers(&self) -> impl Iterator<Item = u64> {
        let writers = self.nodes.iter().filter_map(|node| as_writer(&node.program));
        writers.flat_map(|writer| writer.confirmed.iter_from(0)).copied()
    }

    fn writer_of(&self, node: NodeId) -> Option<&Writer> {
        as_writer(&self.node(node).program)
    }
}

fn as_writer(program: &Program) -> Option<&Writer> {
    match program {
        Program::Writer(writer) => Some(writer),
        Program::Sentinel(_) | Program::Server(_) | Program::Data(_) | Program::Console(_) => None,
        #[cfg(feature = "scale")]
        Program::Stock(_) => None,
    }
}
