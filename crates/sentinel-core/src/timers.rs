//! When each part of the core wants to look again: one ordered set, no walk over what is not due.

use alloc::vec::Vec;
use core::fmt;

use picket_sansio::Time;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use crate::ids::{InstanceId, SlotId};

/// Who asked to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The beat by which a stall of the process is noticed.
    Heartbeat,
    /// The end of TILT.
    TiltEnd,
    /// Connecting, reconnecting and PING of one link.
    Link(SlotId),
    /// INFO, hello, down conditions; for a master also the failover, for a peer also asking it.
    Instance(InstanceId),
    /// Starting, retrying and ending scripts.
    Scripts,
    /// Idle clients and paused ones.
    Clients,
}

/// At most one deadline per [`Timer`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Time, Timer)>,
    at: BTreeMap<Timer, Time>,
}

impl Timers {
    /// Replaces the deadline of `timer`; `None` removes it.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Time>) {
        if self.at.get(&timer).copied() == at {
            return;
        }
        if let Some(old) = self.at.remove(&timer) {
            self.order.remove(&(old, timer));
        }
        if let Some(at) = at {
            self.at.insert(timer, at);
            self.order.insert((at, timer));
        }
    }

    /// The deadline of `timer`.
    pub(crate) fn get(&self, timer: Timer) -> Option<Time> {
        self.at.get(&timer).copied()
    }

    /// The earliest deadline.
    pub(crate) fn first(&self) -> Option<(Time, Timer)> {
        self.order.first().copied()
    }

    /// Takes one timer that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Timer> {
        let (at, timer) = self.first()?;
        if at > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }
}

/// Who is to look again at this instant: a set that gives the lowest first. Mostly it has one or two members, which
/// need no tree.
#[derive(Clone, Default)]
pub(crate) struct Touched {
    /// The highest first.
    few: Vec<Timer>,
    /// What does not fit there.
    many: BTreeSet<Timer>,
}

impl Touched {
    const FEW: usize = 8;

    pub(crate) fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_empty()
    }

    pub(crate) fn insert(&mut self, timer: Timer) {
        let Err(place) = self.few.binary_search_by(|known| timer.cmp(known)) else { return };
        if self.few.len() < Self::FEW && !self.many.contains(&timer) {
            self.few.insert(place, timer);
        } else {
            self.many.insert(timer);
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<Timer> {
        match (self.few.last(), self.many.first()) {
            (Some(few), Some(many)) if many < few => self.many.pop_first(),
            (Some(_), _) => self.few.pop(),
            (None, _) => self.many.pop_first(),
        }
    }
}

/// As the set that it is, wherever its members are.
impl fmt::Debug for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: BTreeSet<Timer> = self.few.iter().chain(&self.many).copied().collect();
        f.debug_set().entries(&all).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MasterId;

    #[test]
    fn what_is_touched_comes_once_and_in_order_however_much_it_is() {
        let timer = |number: u32| Timer::Instance(InstanceId::Master(MasterId(number)));
        for count in [1_u32, 2, 8, 9, 100] {
            let mut touched = Touched::default();
            // 37 is prime: a permutation of all but multiples.
            for place in (0..count).chain(0..count) {
                touched.insert(timer(place * 37 % 101));
            }
            let mut expected: Vec<Timer> = (0..count).map(|place| timer(place * 37 % 101)).collect();
            expected.sort_unstable();
            let mut again = touched.clone();
            again.insert(Timer::Clients);
            let popped: Vec<Timer> = core::iter::from_fn(|| touched.pop_first()).collect();
            assert_eq!(popped, expected);
            assert!(touched.is_empty() && !again.is_empty());
        }
    }

    #[test]
    fn a_timer_has_one_deadline_and_they_come_in_order() {
        let mut timers = Timers::default();
        timers.set(Timer::Scripts, Some(Time(30)));
        timers.set(Timer::Clients, Some(Time(20)));
        timers.set(Timer::Scripts, Some(Time(10)));
        assert_eq!(timers.first(), Some((Time(10), Timer::Scripts)));
        assert_eq!(timers.pop_due(Time(5)), None);
        assert_eq!(timers.pop_due(Time(20)), Some(Timer::Scripts));
        assert_eq!(timers.pop_due(Time(20)), Some(Timer::Clients));
        assert_eq!(timers.pop_due(Time(20)), None);
    }
}
