//! How far apart Sentinels stand for election, which follows the wires between them.
//!
//! Whoever stands before the request of another has reached it votes for itself, and votes that are split elect nobody.
//!
//! Differs from Redis, where candidates are spread over a second by chance, whatever the wires. Here each waits for its
//! rank's number of steps. A step is more than a vote takes on a LAN; over slower wires it is the round trip within which
//! as many Sentinels answer as votes are needed, as PING measures it all the time: half of it for the request, and as
//! much again because the ways on which each learns that the master is down are as long. One Sentinel that is slow
//! therefore slows nobody down, and the last in rank waits no longer than two seconds for that reason.

use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use crate::ids::MasterId;
use crate::instance::{Master, Peer};
use crate::link::Link;
use crate::sentinel::Sentinel;

/// The least distance in time between candidates of neighbouring rank.
const RANK_STEP_MIN: Millis = Millis(25);
/// The greatest: who is first in rank may be gone without anybody knowing yet.
const RANK_STEP_MAX: Millis = Millis(1_000);
/// The longest wait for a rank, unless the least steps make more.
const START_DELAY_MAX: Millis = Millis(2_000);
/// How many steps at the least those that have voted are apart when they lose patience with whom they voted for.
const PATIENCE_STEPS: u64 = 8;
/// The longest first pause after a lost election, unless two steps are longer; doubles with each one more.
const RETRY_FIRST: Millis = Millis(100);
/// The longest pause between elections.
const RETRY_MAX: Millis = Millis(10_000);
/// A voter that has not answered for this long, or for three round trips, is not counted on any more.
const BALLOT_PATIENCE: Millis = Millis(1_000);
/// An answer that takes longer tells of a process that was held up, ours perhaps, and counts for no more than this.
const ROUND_TRIP_MAX: Millis = Millis(2_000);
/// How much a new measure counts: one part of so many.
const SMOOTHING: u64 = 4;

impl Sentinel {
    /// When we stand, from now: by our place among the reachable Sentinels, whose order turns by one with each lost
    /// attempt.
    pub(crate) fn start_delay(&self, id: MasterId) -> Millis {
        let Some(master) = self.masters.get(&id) else { return Millis(0) };
        let rank = self.rank(master);
        self.rank_step(master).times(rank).min(RANK_STEP_MIN.times(rank).max(START_DELAY_MAX))
    }

    /// How much longer we are patient with whom we voted for, so that not all lose patience together.
    pub(crate) fn patience_spread(&self, id: MasterId) -> Millis {
        let Some(master) = self.masters.get(&id) else { return Millis(0) };
        RANK_STEP_MIN.times(PATIENCE_STEPS).max(self.rank_step(master)).times(self.rank(master))
    }

    /// The longest pause before we stand again. The pause is drawn by chance; those who stood together have other
    /// views of who is there, and so perhaps the same rank.
    pub(crate) fn retry_pause_max(&self, master: &Master) -> Millis {
        let first = RETRY_FIRST.max(self.rank_step(master).times(2));
        first.times(1 << master.attempts.min(10)).min(RETRY_MAX)
    }

    /// How long an election counts on voters that are silent. Disks that are slow once are slow again: each lost
    /// election is more patient than the last.
    pub(crate) fn ballot_patience(&self, master: &Master) -> Millis {
        BALLOT_PATIENCE.max(self.round_trip(master).times(3)).times(1 << master.attempts.min(4))
    }

    fn rank(&self, master: &Master) -> u64 {
        let ids = self.reachable_peers(master).map(|peer| peer.instance.run_id.as_str());
        let mut ids: Vec<&str> = ids.chain(core::iter::once(self.my_id.as_str())).collect();
        ids.sort_unstable();
        let place = ids.iter().position(|id| *id == self.my_id).unwrap_or(0) as u64;
        (place + u64::from(master.attempts)) % ids.len().max(1) as u64
    }

    fn rank_step(&self, master: &Master) -> Millis {
        self.round_trip(master).clamp(RANK_STEP_MIN, RANK_STEP_MAX)
    }

    /// The round trip within which so many reachable Sentinels answer that their votes and ours are enough; of fewer the
    /// longest, and zero where none was measured.
    fn round_trip(&self, master: &Master) -> Millis {
        let links = self.reachable_peers(master).filter_map(|peer| self.links.get(&peer.instance.slot));
        let mut measured: Vec<u64> = links.filter_map(|link| link.round_trip).collect();
        measured.sort_unstable();
        let others = usize::try_from(master.votes_needed().saturating_sub(1)).unwrap_or(usize::MAX);
        let enough = measured.get(others.saturating_sub(1)).or_else(|| measured.last());
        Millis(enough.map_or(0, |micros| micros.div_ceil(1000)))
    }

    fn reachable_peers<'a>(&'a self, master: &'a Master) -> impl Iterator<Item = &'a Peer> {
        master.peers.values().filter(|peer| !peer.instance.s_down && !self.is_disconnected(&peer.instance))
    }
}

impl Link {
    /// A PING was answered. One answer that was late by chance moves the measure by a part alone.
    pub(crate) fn note_round_trip(&mut self, sent: Time, now: Time) {
        let took = now.0.saturating_sub(sent.0).min(ROUND_TRIP_MAX.as_micros());
        let known = self.round_trip.unwrap_or(took);
        self.round_trip = Some(known - known / SMOOTHING + took / SMOOTHING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InstanceId;

    fn measured(samples: &[u64]) -> u64 {
        let mut link = Link::new(Time(0), InstanceId::Master(MasterId(1)));
        for took in samples {
            link.note_round_trip(Time(5), Time(5 + took));
        }
        link.round_trip.expect("there were samples")
    }

    #[test]
    fn the_first_measure_counts_at_once_and_others_by_a_part() {
        assert_eq!(measured(&[300_000]), 300_000);
        assert_eq!(measured(&[4_000, 404_000]), 104_000);
        assert!(measured(&[[4_000].as_slice(), &[300_000; 8]].concat()) > 250_000);
        assert!(measured(&[[300_000].as_slice(), &[4_000; 16]].concat()) < 25_000);
        assert_eq!(measured(&[0, 0]), 0);
        assert_eq!(measured(&[1_000, u64::MAX - 5]), 500_750, "a process that was held up for years");
    }
}
