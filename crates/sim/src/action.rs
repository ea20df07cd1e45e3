//! What can be done to a world while it runs: [`World`]'s verbs for faults and their ends.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, Prng, Time};

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

/// Which way a wire is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing passes.
    Both,
    /// Nothing passes from the first to the second.
    OneWay,
}

impl World {
    /// Ends a process at once, as `kill -9` does: peers see their connections close.
    pub fn kill(&mut self, node: NodeId) {
        self.note(node, "killed");
        self.stop(node, Power::Killed);
    }

    /// Switches a machine off: peers see nothing.
    pub fn switch_off(&mut self, node: NodeId) {
        self.note(node, "switched off");
        self.stop(node, Power::Off);
    }

    /// Starts a process that does not run. A Sentinel reads what is on its disk.
    pub fn restart(&mut self, node: NodeId) {
        if matches!(self.power(node), Power::Killed | Power::Off) {
            self.note(node, "started again");
            self.start(node);
        }
    }

    /// Starts a data server over on an empty disk: without data, and without `replicaof`.
    pub fn wipe(&mut self, server: NodeId) {
        self.note(server, "wiped");
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
            self.note(node, "frozen");
            self.set_power(node, Power::Frozen);
        }
    }

    /// Lets a frozen process go on. What has piled up arrives first, then its timers run.
    pub fn thaw(&mut self, node: NodeId) {
        if self.power(node) != Power::Frozen {
            return;
        }
        self.note(node, "goes on");
        self.set_power(node, Power::Running);
        while self.power(node) == Power::Running
            && let Some(signal) = self.node_mut(node).inbox.pop_front()
        {
            self.tell(node, signal);
        }
    }

    /// Cuts the wire from one node to another. Connections stay; what is sent waits to be sent again.
    pub fn cut(&mut self, from: NodeId, to: NodeId, cut: Cut) {
        let text = match cut {
            Cut::Both => format!("wire to {} cut", self.name(to)),
            Cut::OneWay => format!("wire towards {} cut", self.name(to)),
        };
        self.note(from, &text);
        self.wires.cuts.insert((from, to));
        if cut == Cut::Both {
            self.wires.cuts.insert((to, from));
        }
    }

    /// Mends the wire between two nodes, both ways.
    pub fn mend(&mut self, a: NodeId, b: NodeId) {
        let text = format!("wire to {} mended", self.name(b));
        self.note(a, &text);
        self.wires.cuts.remove(&(a, b));
        self.wires.cuts.remove(&(b, a));
        self.resend();
    }

    /// Separates these nodes from all others.
    pub fn partition(&mut self, group: &[NodeId]) {
        let names: Vec<&str> = group.iter().map(|node| self.name(*node)).collect();
        let text = format!("partition: {} apart from the rest", names.join(" "));
        self.remark(&text);
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
        self.remark("all wires mended");
        self.wires.cuts.clear();
        self.resend();
    }

    /// Ends every connection between two nodes; both sides see it.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId) {
        let text = format!("connections with {} lost", self.name(b));
        self.note(a, &text);
        self.sever(a, b);
    }

    /// A node loses its ends of the connections with another, as when a firewall on the way forgets them: it connects
    /// anew, and the other has it twice until it sends something on the old connections.
    pub fn half_open(&mut self, node: NodeId, other: NodeId) {
        let text = format!("loses its ends of the connections with {}", self.name(other));
        self.note(node, &text);
        self.forget_ends(node, other);
    }

    /// How many of a hundred segments are lost between two nodes, either way.
    pub fn set_loss(&mut self, a: NodeId, b: NodeId, percent: u32) {
        let text = format!("wire to {}: {percent} % of what is sent is lost", self.name(b));
        self.note(a, &text);
        self.wires.pair_losses.insert((a.min(b), a.max(b)), percent);
    }

    /// How many of a hundred are lost where nothing else was said.
    pub fn set_default_loss(&mut self, percent: u32) {
        self.remark(&format!("wires: {percent} % of what is sent is lost"));
        self.wires.usual_loss = percent;
    }

    /// How long a segment takes between two nodes, either way.
    pub fn set_latency(&mut self, a: NodeId, b: NodeId, latency: Latency) {
        self.wires.pairs.insert((a.min(b), a.max(b)), latency);
    }

    /// How long a segment takes where nothing else was said.
    pub fn set_default_latency(&mut self, latency: Latency) {
        self.wires.usual = latency;
    }

    /// What is wrong with a disk from now on.
    pub fn set_disk_fault(&mut self, node: NodeId, fault: DiskFault) {
        self.note(node, &format!("disk: {fault:?}"));
        self.node_mut(node).drive.fault = fault;
    }

    /// How long writes to a disk take from now on.
    pub fn set_disk_latency(&mut self, node: NodeId, latency: Latency) {
        self.node_mut(node).drive.latency = latency;
    }

    /// Sets a machine's calendar clock forward or back, whose process sees it at once, or when it goes on or starts
    /// next. The clock by which a process measures spans never jumps: what a Sentinel distrusts is that it stood still,
    /// which is [`freeze`](Self::freeze) and [`thaw`](Self::thaw).
    pub fn set_clock(&mut self, node: NodeId, by_ms: i64) {
        self.note(node, &format!("its calendar clock jumps by {by_ms} ms"));
        let machine = self.node_mut(node);
        machine.clock_ms = machine.clock_ms.saturating_add(by_ms);
        self.signal(node, Signal::ClockJumped);
    }

    /// The text of a Sentinel's config file, as it is on disk.
    #[must_use]
    pub fn disk_text(&self, sentinel: NodeId) -> String {
        String::from_utf8_lossy(self.node(sentinel).disk.text()).into_owned()
    }

    /// Replaces it, as an operator's editor does.
    pub fn set_disk_text(&mut self, sentinel: NodeId, text: &str) {
        self.node_mut(sentinel).disk.set_text(text.into());
    }

    /// How a data server answers from now on.
    pub fn set_answering(&mut self, server: NodeId, answering: Answering) {
        self.note(server, &format!("answers: {answering:?}"));
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
        self.note(writer, if writes { "writes again" } else { "writes no more" });
        if let Program::Writer(writer) = &mut self.node_mut(writer).program {
            writer.set_writing(writes);
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
