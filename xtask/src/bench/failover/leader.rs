//! The leader dies in the middle: how long until clients can write all the same.

use std::time::Instant;

use picket_testkit::Program;

use super::{DEADLINE, clients, steady};

/// How far the leader's failover has come when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It stands for election.
    Stands,
    Elected,
    Chosen,
    /// The promotion is being sent.
    Promoting,
    Promoted,
}

impl State {
    pub(super) const ALL: [Self; 5] =
        [Self::Stands, Self::Elected, Self::Chosen, Self::Promoting, Self::Promoted];

    /// What the leader publishes when it enters the state.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Stands => "+try-failover",
            Self::Elected => "+elected-leader",
            Self::Chosen => "+selected-slave",
            Self::Promoting => "+failover-state-send-slaveof-noone",
            Self::Promoted => "+promoted-slave",
        }
    }
}

/// Milliseconds from the death of the master to the first write of a client that asks the Sentinels left.
pub(super) fn measure(kind: &Program, state: State) -> f64 {
    let mut cluster = steady(kind);
    let events = cluster.subscribe();
    let old = cluster.nodes()[0].port();
    let killed = Instant::now();
    cluster.nodes()[0].kill9();
    let leader = events.wait(state.event(), DEADLINE).from;
    cluster.sentinels[leader].kill9();
    cluster.sentinels.remove(leader);
    (clients::asking(&cluster.sentinels, old) - killed).as_secs_f64() * 1000.0
}
