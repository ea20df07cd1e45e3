//! Wires: how long they take, what they lose, which are cut.

use picket_sansio::collections::{BTreeMap, BTreeSet};
use picket_sansio::{Millis, Prng, Time};

use crate::action::Latency;
use crate::ids::NodeId;

/// How long TCP waits before it sends a lost segment again, at first; then twice that, and so on.
pub(crate) const RETRANSMISSION: Millis = Millis(200);
/// How often a segment is lost in a row, at most: by then 51 seconds have passed.
pub(crate) const RETRANSMISSIONS_MAX: u32 = 8;

/// Delays and cuts.
#[derive(Clone, Debug)]
pub(crate) struct Wires {
    pub(crate) usual: Latency,
    /// From whom to whom it takes another time.
    pub(crate) latencies: BTreeMap<(NodeId, NodeId), Latency>,
    /// Of a hundred segments so many are lost.
    pub(crate) usual_loss: u32,
    /// Pairs with a loss of their own, the smaller id first.
    pub(crate) pair_losses: BTreeMap<(NodeId, NodeId), u32>,
    /// From whom to whom nothing passes.
    pub(crate) cuts: BTreeSet<(NodeId, NodeId)>,
}

impl Wires {
    pub(crate) fn new() -> Self {
        let usual = Latency { from_us: 800, to_us: 1_200 };
        Self {
            usual,
            latencies: BTreeMap::new(),
            usual_loss: 0,
            pair_losses: BTreeMap::new(),
            cuts: BTreeSet::new(),
        }
    }

    /// True if nothing is cut or lost between two, and all that either sends the other is there within 10 ms.
    pub(crate) fn are_whole_between(&self, a: NodeId, b: NodeId) -> bool {
        let loss = self.pair_losses.get(&(a.min(b), a.max(b))).unwrap_or(&self.usual_loss);
        let is_whole = |way: (NodeId, NodeId)| {
            let latency = self.latencies.get(&way).unwrap_or(&self.usual);
            !self.cuts.contains(&way) && latency.to_us <= 10_000
        };
        *loss == 0 && is_whole((a, b)) && is_whole((b, a))
    }

    /// A machine has left.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.latencies.retain(|(a, b), _| *a != node && *b != node);
        self.pair_losses.retain(|(a, b), _| *a != node && *b != node);
        self.cuts.retain(|(a, b)| *a != node && *b != node);
    }

    pub(crate) fn arrival(&self, now: Time, from: NodeId, to: NodeId, prng: &mut Prng) -> Time {
        self.latencies.get(&(from, to)).copied().unwrap_or(self.usual).after(now, prng)
    }

    /// Whether what is sent now is lost.
    pub(crate) fn loses(&self, from: NodeId, to: NodeId, prng: &mut Prng) -> bool {
        let percent = self.pair_losses.get(&(from.min(to), from.max(to))).copied().unwrap_or(self.usual_loss);
        percent > 0 && prng.below(100) < u64::from(percent)
    }

    /// How often a segment is lost before it passes, and how long all of that takes.
    pub(crate) fn losses(&self, from: NodeId, to: NodeId, prng: &mut Prng) -> (u32, Millis) {
        let (mut lost, mut took) = (0, Millis(0));
        while lost < RETRANSMISSIONS_MAX && self.loses(from, to, prng) {
            took = Millis(took.0 + RETRANSMISSION.times(1 << lost).0);
            lost += 1;
        }
        (lost, took)
    }
}
