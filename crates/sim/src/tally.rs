//! What the Sentinels of a world did, in numbers.

use core::ops::AddAssign;

use picket_sentinel_core::Event;

use crate::world::World;

/// What the Sentinels of a world did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often one stood for election (`+try-failover`).
    pub elections: u64,
    /// How often one was elected, or told to fail over (`+elected-leader`).
    pub leaders: u64,
    /// How often an election was lost (`-failover-abort-not-elected`): the votes were split, or too few came.
    pub lost_elections: u64,
    /// How many replicas were promoted (`+promoted-slave`).
    pub failovers: u64,
    /// How often one distrusted itself (`+tilt`).
    pub tilts: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, event: &Event) {
        match event {
            Event::TryFailover { .. } => self.elections += 1,
            Event::Elected { .. } => self.leaders += 1,
            Event::AbortNotElected { .. } => self.lost_elections += 1,
            Event::Promoted { .. } => self.failovers += 1,
            Event::TiltEntered { .. } => self.tilts += 1,
            _ => {}
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.elections += other.elections;
        self.leaders += other.leaders;
        self.lost_elections += other.lost_elections;
        self.failovers += other.failovers;
        self.tilts += other.tilts;
    }
}

impl World {
    /// What its Sentinels did so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }
}
