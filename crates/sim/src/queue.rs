//! What will happen, in order: by time, and at the same time in the order in which it was arranged.

use picket_sansio::collections::BTreeMap;

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

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    entries: BTreeMap<(Time, u64), Happening>,
    next: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Time, what: Happening) {
        self.next += 1;
        self.entries.insert((at, self.next), what);
    }

    pub(crate) fn first_at(&self) -> Option<Time> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(Time, Happening)> {
        self.entries.pop_first().map(|((at, _), what)| (at, what))
    }
}

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
