//! What will happen, in order: by time, and at the same time in the order in which it was arranged.

use alloc::collections::BinaryHeap;
use core::cmp::{Ordering, Reverse};

use picket_sansio::Time;

use crate::context::TimerTag;
use crate::ids::{ConnId, NodeId, Run, Side};

/// Something that is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A request for a connection reaches the machine that it is for.
    Syn { conn: ConnId, attempt: u32 },
    /// The answer to it reaches the machine that asked.
    SynAnswer { conn: ConnId, refusal: Option<&'static str> },
    /// The first segment on its way to this side arrives.
    Arrival { conn: ConnId, to: Side },
    /// A write of a Sentinel's state is done.
    DiskDone { node: NodeId, run: Run },
    /// The answer to a question about a name arrives.
    LookupDone { node: NodeId, run: Run, lookup: u64 },
    /// A process that did nothing for a while goes on.
    Rise { node: NodeId, run: Run },
    /// A timer of a process.
    Timer { node: NodeId, run: Run, tag: TimerTag },
}

/// Something with its place in the order, which no other has.
#[derive(Clone, Debug)]
struct Entry {
    place: (Time, u64),
    what: Happening,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    entries: BinaryHeap<Reverse<Entry>>,
    next: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Time, what: Happening) {
        self.next += 1;
        self.entries.push(Reverse(Entry { place: (at, self.next), what }));
    }

    pub(crate) fn first_at(&self) -> Option<Time> {
        self.entries.peek().map(|Reverse(first)| first.place.0)
    }

    pub(crate) fn pop(&mut self) -> Option<(Time, Happening)> {
        self.entries.pop().map(|Reverse(first)| (first.place.0, first.what))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simultaneous_things_happen_in_the_order_in_which_they_were_arranged() {
        let mut queue = Queue::default();
        let syn = |conn| Happening::Syn { conn: ConnId(conn), attempt: 0 };
        queue.push(Time(5), syn(1));
        queue.push(Time(5), syn(2));
        queue.push(Time(4), syn(3));
        let order: alloc::vec::Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [(Time(4), syn(3)), (Time(5), syn(1)), (Time(5), syn(2))]);
    }
}
