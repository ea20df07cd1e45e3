//! Who has to be well for two to know of each other, and since when they are.

use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Time};

use crate::change::Touched;
use crate::ids::{NodeId, Power};
use crate::world::World;

/// After this INFO and hellos have told who is there: their periods are 11 and 2.5 s.
pub(super) const TOLD_WITHIN: Millis = Millis(15_000);

/// When something last happened to wires and machines; it is over where they work.
#[derive(Clone, Debug, Default)]
pub(super) struct Disturbed {
    all: Time,
    machines: BTreeMap<NodeId, Time>,
    /// The smaller id first.
    wires: BTreeMap<(NodeId, NodeId), Time>,
}

/// All that two Sentinels, or a Sentinel and a replica, need to know of each other: they themselves and the data nodes
/// of the master, and what goes between either of them and any of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circle<'a> {
    pub(super) two: [NodeId; 2],
    pub(super) master: &'a str,
}

impl Disturbed {
    pub(super) fn note(&mut self, now: Time, what: &Touched) {
        match what {
            Touched::Everything => self.all = now,
            Touched::Machine(node) => {
                self.machines.insert(*node, now);
            }
            Touched::Wires(wires) => {
                for (a, b) in wires {
                    self.wires.insert((*a.min(b), *a.max(b)), now);
                }
            }
        }
    }

    /// Nothing has happened within a circle for long, and all of it is as it should be.
    pub(super) fn is_over(&self, world: &World, circle: Circle<'_>) -> bool {
        let is_long_ago = |at: Option<&Time>| at.is_none_or(|at| *at + TOLD_WITHIN < world.now());
        is_long_ago(Some(&self.all))
            && circle
                .machines(world)
                .all(|node| world.power(node) != Power::Frozen && is_long_ago(self.machines.get(&node)))
            && circle.wires(world).all(|(a, b)| {
                world.wires.are_whole_between(a, b) && is_long_ago(self.wires.get(&(a.min(b), a.max(b))))
            })
    }
}

impl Circle<'_> {
    fn machines(self, world: &World) -> impl Iterator<Item = NodeId> {
        let data = world.servers().filter(move |node| world.deployment(*node) == Some(self.master));
        data.filter(move |node| !self.two.contains(node)).chain(self.two)
    }

    fn wires(self, world: &World) -> impl Iterator<Item = (NodeId, NodeId)> {
        let [a, b] = self.two;
        let of = move |one: NodeId| self.machines(world).map(move |other| (one, other));
        of(a).chain(of(b)).filter(|(one, other)| one != other)
    }

    /// Whether something that happens is within it.
    pub(super) fn is_in(self, world: &World, what: &Touched) -> bool {
        match what {
            Touched::Everything => true,
            Touched::Machine(node) => self.machines(world).any(|other| other == *node),
            Touched::Wires(wires) => {
                wires.iter().any(|(a, b)| self.wires(world).any(|own| own == (*a, *b) || own == (*b, *a)))
            }
        }
    }
}
