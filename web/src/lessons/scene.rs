//! What a check of a lesson looks at.

use std::cmp::Reverse;
use std::net::SocketAddr;

use picket_sansio::Time;
use picket_sim::{Fact, NodeId, Power, Timeline, World};

/// The world at the moment that is looked at, as a step sees it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    timeline: &'a Timeline,
    /// When the step began.
    since: Time,
}

impl<'a> Scene<'a> {
    pub(super) fn new(timeline: &'a Timeline, since: Time) -> Self {
        Self { timeline, since }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &'a World {
        self.timeline.world()
    }

    /// Whether a fact holds, written as in scenarios; its events count from the beginning of the lesson.
    ///
    /// # Panics
    /// If it is written wrongly, which tests find.
    #[must_use]
    pub fn is(&self, fact: &str) -> bool {
        self.holds(fact, self.timeline.beginning())
    }

    /// The same; events count from the beginning of the step.
    #[must_use]
    pub fn is_now(&self, fact: &str) -> bool {
        self.holds(fact, self.since)
    }

    fn holds(&self, fact: &str, since: Time) -> bool {
        let fact: Fact = fact.parse().expect("the facts of lessons can be read");
        fact.holds(self.timeline.world(), since)
    }

    /// Microseconds since the step began.
    #[must_use]
    pub fn since_step_us(&self) -> u64 {
        self.timeline.now().0.saturating_sub(self.since.0)
    }

    /// Microseconds since the world began, which was before the lesson did.
    #[must_use]
    pub fn lived_us(&self) -> u64 {
        self.timeline.now().0
    }

    /// The node that most Sentinels take for the master.
    #[must_use]
    pub fn master(&self) -> Option<NodeId> {
        let world = self.world();
        let believed = world.nodes().filter_map(|node| {
            let status = world.sentinel(node)?;
            let addr = &status.masters.first()?.server.addr;
            world.node_at(SocketAddr::new(addr.ip?, addr.port))
        });
        let believed: Vec<NodeId> = believed.collect();
        let votes = |id: NodeId| believed.iter().filter(|other| **other == id).count();
        world.nodes().max_by_key(|id| (votes(*id), Reverse(*id))).filter(|id| votes(*id) > 0)
    }

    /// The offset of a data node that runs.
    #[must_use]
    pub fn offset(&self, node: &str) -> Option<u64> {
        let status = self.world().data_node(self.world().find(node).ok()?)?;
        Some(status.side.history.master_repl_offset)
    }

    /// Bytes that a replica has yet to get from another node.
    #[must_use]
    pub fn is_behind(&self, replica: &str, master: &str) -> u64 {
        match (self.offset(replica), self.offset(master)) {
            (Some(replica), Some(master)) => master.saturating_sub(replica),
            _ => 0,
        }
    }

    /// The first byte, the length and the size of a node's backlog.
    #[must_use]
    pub fn backlog(&self, node: &str) -> Option<(u64, u64, u64)> {
        let side = self.world().data_node(self.world().find(node).ok()?)?.side;
        side.backlog.map(|backlog| (backlog.first_byte_offset, backlog.histlen, side.repl_backlog_size))
    }

    /// Writes of a client that were acknowledged, and when the last one was.
    #[must_use]
    pub fn acknowledged(&self, writer: &str) -> (u64, Option<Time>) {
        let report = self.world().find(writer).ok().and_then(|node| self.world().writer(node));
        report.map_or((0, None), |report| {
            (report.acknowledged.len() as u64, report.acknowledged.last().map(|(_, at)| *at))
        })
    }

    /// How many microseconds ago a client had a write acknowledged last.
    #[must_use]
    pub fn silent_us(&self, writer: &str) -> u64 {
        let last = self.acknowledged(writer).1.unwrap_or(self.timeline.beginning());
        self.timeline.now().0.saturating_sub(last.0)
    }

    /// Whether any wire is cut.
    #[must_use]
    pub fn has_cuts(&self) -> bool {
        self.world().cuts().next().is_some()
    }

    /// Whether a node's process has ended.
    #[must_use]
    pub fn is_dead(&self, node: &str) -> bool {
        let power = self.world().find(node).map(|node| self.world().power(node));
        matches!(power, Ok(Power::Killed | Power::Off))
    }

    /// Whether something was done up to now whose line begins so.
    #[must_use]
    pub fn was_done(&self, line: &str) -> bool {
        let up_to_now = self.timeline.deeds().iter().filter(|deed| deed.at <= self.timeline.now());
        up_to_now.map(|deed| deed.action.to_string()).any(|action| action.starts_with(line))
    }
}
