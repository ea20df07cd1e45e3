//! When each part of the core wants to look again: one ordered set, no walk over what is not due.

use picket_sansio::collections::{BTreeMap, BTreeSet};

use picket_sansio::Time;

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

#[cfg(test)]
mod tests {
    use super::*;

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
