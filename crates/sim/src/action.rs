//! What can be done to a world while it runs: [`World`]'s verbs for faults and their ends.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use picket_sansio::{Millis, Prng, Time};

use crate::change::Change;
use crate::context::Signal;
use crate::disk::DiskFault;
use crate::ids::{NodeId, Power};
use crate::node::Program;
use crate::server::Answering;
use crate::world::World;

/// How long something takes: evenly spread between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// At least, in microseconds.
    pub from_us: u64,
    /// At most, in microseconds.
    pub to_us: u64,
}

impl Latency {
    /// Always the same.
    #[must_use]
    pub fn exactly(span: Millis) -> Self {
        Self { from_us: span.as_micros(), to_us: span.as_micros() }
    }

    pub(crate) fn after(self, now: Time, prng: &mut Prng) -> Time {
        let spread = self.to_us.saturating_sub(self.from_us);
        Time(now.0 + self.from_us + prng.below(spread + 1))
    }
}

/// Which ways of a wire are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// Both.
    Both,
    /// From the first to the second.
    OneWay,
}

impl World {
    /// Ends a process at once, as `kill -9` does: peers see their connections close.
    pub fn kill(&mut self, node: NodeId) {
        self.note(node, Change::Killed);
        self.stop(node, Power::Killed);
    }

    /// Switches a machine off: peers see nothing.
    pub fn switch_off(&mut self, node: NodeId) {
        self.note(node, Change::SwitchedOff);
        self.stop(node, Power::Off);
    }

    /// Starts a process that does not run. A Sentinel reads what is on its disk.
    pub fn restart(&mut self, node: NodeId) {
        if matches!(self.power(node), Power::Killed | Power::Off) {
            self.note(node, Change::Started);
            self.start(node);
        }
    }

    /// Starts a data server over on an empty disk: without data, and without `replicaof`.
    pub fn wipe(&mut self, server: NodeId) {
        self.note(server, Change::Wiped);
        self.stop(server, Power::Killed);
        match &mut self.node_mut(server).program {
            Program::Server(server) => server.wipe(),
            Program::Data(data) => data.wipe(),
            Program::Sentinel(_) | Program::Writer(_) | Program::Console(_) => {}
            #[cfg(feature = "scale")]
            Program::Stock(_) => {}
        }
        self.start(server);
    }

    /// Stops a process (SIGSTOP). Its kernel goes on: connections are accepted, bytes pile up.
    pub fn freeze(&mut self, node: NodeId) {
        if self.power(node) == Power::Running {
            self.note(node, Change::Frozen);
            self.set_power(node, Power::Frozen);
        }
    }

    /// Lets a frozen process go on. What has piled up arrives first, then its timers run.
    pub fn thaw(&mut self, node: NodeId) {
        if self.power(node) != Power::Frozen {
            return;
        }
        self.note(node, Change::Resumed);
        self.set_power(node, Power::Running);
        while self.power(node) == Power::Running
            && let Some(signal) = self.node_mut(node).inbox.pop_front()
        {
            self.tell(node, signal);
        }
    }

    /// Cuts the wire from one node to another. Connections stay; what is sent waits to be sent again.
    pub fn cut(&mut self, from: NodeId, to: NodeId, ways: Ways) {
        let change = Change::Cut(self.name(to).to_string(), ways);
        self.note(from, change);
        self.wires.cuts.insert((from, to));
        if ways == Ways::Both {
            self.wires.cuts.insert((to, from));
        }
    }

    /// Mends the wire between two nodes, both ways.
    pub fn mend(&mut self, a: NodeId, b: NodeId) {
        let change = Change::Mended(self.name(b).to_string());
        self.note(a, change);
        self.wires.cuts.remove(&(a, b));
        self.wires.cuts.remove(&(b, a));
        self.resend();
    }

    /// Separates these nodes from all others.
    pub fn partition(&mut self, group: &[NodeId]) {
        self.remark(Change::Parted(group.iter().map(|node| self.name(*node).to_string()).collect()));
        let outside: Vec<NodeId> = self.nodes().filter(|node| !group.contains(node)).collect();
        for inside in group {
            for outside in &outside {
                self.wires.cuts.insert((*inside, *outside));
                self.wires.cuts.insert((*outside, *inside));
            }
        }
    }

    /// Mends every wire.
    pub fn heal(&mut self) {
        self.remark(Change::Healed);
        self.wires.cuts.clear();
        self.resend();
    }

    /// Ends every connection between two nodes; both sides see it.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId) {
        let change = Change::Reset(self.name(b).to_string());
        self.note(a, change);
        self.sever(a, b);
    }

    /// A node loses its ends of the connections with another, as when a firewall on the way forgets them: it connects
    /// anew, and the other has it twice until it sends something on the old connections.
    pub fn half_open(&mut self, node: NodeId, other: NodeId) {
        let change = Change::HalfOpen(self.name(other).to_string());
        self.note(node, change);
        self.forget_ends(node, other);
    }

    /// How many of a hundred segments are lost between two nodes, either way.
    pub fn set_loss(&mut self, a: NodeId, b: NodeId, percent: u32) {
        let change = Change::Lossy(Some(self.name(b).to_string()), percent);
        self.note(a, change);
        self.wires.pair_losses.insert((a.min(b), a.max(b)), percent);
    }

    /// How many of a hundred are lost where nothing else was said.
    pub fn set_default_loss(&mut self, percent: u32) {
        self.remark(Change::Lossy(None, percent));
        self.wires.usual_loss = percent;
    }

    /// How long a segment takes from one node to another, or either way.
    pub fn set_latency(&mut self, from: NodeId, to: NodeId, ways: Ways, latency: Latency) {
        let change = Change::Slowed(Some((self.name(to).to_string(), ways)), latency);
        self.note(from, change);
        self.wires.latencies.insert((from, to), latency);
        if ways == Ways::Both {
            self.wires.latencies.insert((to, from), latency);
        }
    }

    /// How long a segment takes where nothing else was said.
    pub fn set_default_latency(&mut self, latency: Latency) {
        self.remark(Change::Slowed(None, latency));
        self.wires.usual = latency;
    }

    /// What is wrong with a disk from now on.
    pub fn set_disk_fault(&mut self, node: NodeId, fault: DiskFault) {
        self.note(node, Change::Disk(fault));
        self.node_mut(node).drive.fault = fault;
    }

    /// How long writes to a disk take from now on.
    pub fn set_disk_latency(&mut self, node: NodeId, latency: Latency) {
        self.note(node, Change::SlowDisk(latency));
        self.node_mut(node).drive.latency = latency;
    }

    /// Sets a machine's calendar clock forward or back, whose process sees it at once, or when it goes on or starts
    /// next. The clock by which a process measures spans never jumps: what a Sentinel distrusts is that it stood still,
    /// which is [`freeze`](Self::freeze) and [`thaw`](Self::thaw).
    pub fn set_clock(&mut self, node: NodeId, by_ms: i64) {
        self.note(node, Change::ClockJumped(by_ms));
        let machine = self.node_mut(node);
        machine.clock_ms = machine.clock_ms.saturating_add(by_ms);
        self.signal(node, Signal::ClockJumped);
    }

    /// The text of a Sentinel's config file, as it is on disk.
    #[must_use]
    pub fn disk_text(&self, sentinel: NodeId) -> String {
        String::from_utf8_lossy(&self.node(sentinel).disk.text()).into_owned()
    }

    /// Replaces it, as an operator's editor does.
    pub fn set_disk_text(&mut self, sentinel: NodeId, text: &str) {
        self.node_mut(sentinel).disk.set_text(text.into());
    }

    /// How a data server answers from now on.
    pub fn set_answering(&mut self, server: NodeId, answering: Answering) {
        self.note(server, Change::Answers(answering));
        if let Program::Server(server) = &mut self.node_mut(server).program {
            server.set_answering(answering);
        }
    }

    /// Changes `replica-priority` of a data server.
    pub fn set_priority(&mut self, server: NodeId, priority: u32) {
        if let Program::Server(server) = &mut self.node_mut(server).program {
            server.options.priority = priority;
        }
    }

    /// Whether a writer writes from now on.
    pub fn set_writing(&mut self, writer: NodeId, writes: bool) {
        self.note(writer, if writes { Change::WritesAgain } else { Change::WritesNoMore });
        if let Program::Writer(writer) = &mut self.node_mut(writer).program {
            writer.set_writing(writes);
        }
    }

    /// How many replicas each write of a client waits for from now on (WAIT); with none it does not wait.
    pub fn set_waiting(&mut self, writer: NodeId, replicas: u32) {
        self.note(writer, Change::WaitsFor(replicas));
        if let Program::Writer(writer) = &mut self.node_mut(writer).program {
            writer.set_replicas(replicas);
        }
    }

    /// Whether a process runs.
    #[must_use]
    pub fn power(&self, node: NodeId) -> Power {
        self.node(node).power
    }

    /// Mends wires, disks and answers, lets frozen processes go on, and starts those that died.
    pub fn mend_everything(&mut self) {
        self.heal();
        self.wires.usual_loss = 0;
        self.wires.pair_losses.clear();
        let nodes: Vec<NodeId> = self.nodes().collect();
        for node in nodes {
            if self.node(node).drive.fault != DiskFault::None {
                self.set_disk_fault(node, DiskFault::None);
            }
            self.thaw(node);
            self.restart(node);
        }
    }
}
