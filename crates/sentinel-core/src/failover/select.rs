//! Which replica is promoted: who qualifies, in which order, and why not the others.
//!
//! Mirrors `sentinel.c: sentinelSelectSlave`. Differs from Redis: a replica that never finished a
//! synchronisation, or is in the middle of one, holds no usable copy and comes last whatever its
//! priority; and within the same outage a replica that another leader has promoted already, and that
//! has at least the data of all others, comes first, so that two leaders in a row end with the same
//! master. One that calls itself master because it was restarted empty has no data and comes last.

use core::cmp::{Ordering, Reverse};

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use crate::ids::{InstanceId, MasterId, ReplicaId};
use crate::instance::Role;
use crate::link::Link;
use crate::reason::{Ineligible, Ranked, Rejected};
use crate::sentinel::Sentinel;

/// What is known of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: ReplicaId,
    pub(crate) name: String,
    pub(crate) down: bool,
    pub(crate) connected: bool,
    pub(crate) last_avail: Time,
    pub(crate) info_at: Option<Time>,
    pub(crate) priority: u32,
    pub(crate) master_link_down: Millis,
    pub(crate) offset: u64,
    /// Its offset when it last had a link to its master.
    pub(crate) synced_offset: Option<u64>,
    pub(crate) run_id: String,
    pub(crate) sync_in_progress: bool,
    /// It calls itself master since this outage began.
    pub(crate) promoted_already: bool,
}

/// The circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) now: Time,
    /// Since when the master is subjectively down, if it is.
    pub(crate) master_down_since: Option<Time>,
    /// When the master was last known to be there.
    pub(crate) master_last_avail: Time,
    pub(crate) down_after: Millis,
    pub(crate) ping_period: Millis,
    pub(crate) info_period: Millis,
    /// The master calls itself a replica.
    pub(crate) master_is_replica: bool,
    /// A replica that lost data is better than none.
    pub(crate) last_resort: bool,
}

/// Who wants a replica to be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// We do.
    Sentinel,
    /// An operator does, and has to know.
    Operator,
}

impl Candidate {
    /// Why this replica cannot be promoted, if it cannot.
    fn ineligible(&self, around: &Circumstances) -> Option<Ineligible> {
        let now = around.now;
        if self.down {
            return Some(Ineligible::Down);
        }
        if !self.connected {
            return Some(Ineligible::Disconnected);
        }
        if now > self.last_avail + around.ping_period.times(5) {
            return Some(Ineligible::NoRecentReply(now.since(self.last_avail)));
        }
        if self.priority == 0 {
            return Some(Ineligible::PriorityZero);
        }
        let info_age_max = if around.master_down_since.is_some() {
            around.ping_period.times(5)
        } else {
            around.info_period.times(3)
        };
        let info_age = self.info_at.map_or(Millis(u64::MAX), |at| now.since(at));
        if info_age > info_age_max {
            return Some(Ineligible::InfoTooOld(info_age));
        }
        // Differs from Redis, which counts from when the master was found down: after all Sentinels were held up at once
        // no replica could ever be promoted, however well they had all been connected to the master until it died.
        let outage = around
            .master_down_since
            .map_or(Millis(0), |since| now.since(since.min(around.master_last_avail)));
        // Nobody can have a link to a master that is none. Servers that follow each other in a ring would
        // have to wait for ever.
        if !around.master_is_replica && self.master_link_down > outage + around.down_after.times(10) {
            return Some(Ineligible::MasterLinkDownTooLong(self.master_link_down));
        }
        // One that was never seen with a link to its master has nothing unless its offset says so.
        let had = self.synced_offset.unwrap_or(2);
        if !around.last_resort && self.offset < had {
            return Some(Ineligible::LostData { offset: self.offset, had: self.synced_offset.unwrap_or(0) });
        }
        None
    }

    /// A replica that has data: not in the middle of a full synchronisation, and past the first one.
    fn in_sync(&self) -> bool {
        !self.sync_in_progress && self.offset > 1
    }

    fn better_first(&self, other: &Self, best_offset: u64) -> Ordering {
        let key = |c: &Self| {
            let promoted_already = c.promoted_already && c.offset >= best_offset;
            (!c.in_sync(), !promoted_already, c.priority, Reverse(c.offset), c.run_id.is_empty())
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| self.run_id.to_ascii_lowercase().cmp(&other.run_id.to_ascii_lowercase()))
            .then_with(|| self.id.cmp(&other.id))
    }
}

/// Who can be promoted, best first, and who cannot.
pub(crate) fn rank(
    candidates: &[Candidate],
    around: &Circumstances,
) -> (Vec<(ReplicaId, Ranked)>, Vec<Rejected>) {
    let mut fit: Vec<&Candidate> = Vec::new();
    let mut rejected = Vec::new();
    for candidate in candidates {
        match candidate.ineligible(around) {
            None => fit.push(candidate),
            Some(why) => rejected.push(Rejected { replica: candidate.name.clone(), why }),
        }
    }
    let best_offset = fit.iter().map(|candidate| candidate.offset).max().unwrap_or(0);
    fit.sort_by(|a, b| a.better_first(b, best_offset));
    let ranked = fit.into_iter().map(|candidate| {
        let ranked = Ranked {
            replica: candidate.name.clone(),
            in_sync: candidate.in_sync(),
            priority: candidate.priority,
            offset: candidate.offset,
            run_id: candidate.run_id.clone(),
            info_age: candidate.info_at.map_or(Millis(0), |at| around.now.since(at)),
        };
        (candidate.id, ranked)
    });
    (ranked.collect(), rejected)
}

impl Sentinel {
    /// Who of a master's replicas can be promoted now, best first, and who cannot.
    ///
    /// Differs from Redis: a replica that has less than it had, or nothing, would wipe what the master
    /// still has when it comes back. It is promoted only by an operator's word, or after the master is
    /// down for twice the failover timeout, which is when the reference tries again.
    pub(crate) fn eligible(&self, id: MasterId, who: Asks) -> (Vec<(ReplicaId, Ranked)>, Vec<Rejected>) {
        let Some(master) = self.masters.get(&id) else { return (Vec::new(), Vec::new()) };
        let patience = master.settings.failover_timeout.times(2);
        let long_down =
            master.o_down && master.o_down_since.is_some_and(|since| self.now >= since + patience);
        let master_down_since =
            if master.server.instance.s_down { master.server.instance.s_down_since } else { None };
        let around = Circumstances {
            now: self.now,
            master_down_since,
            master_last_avail: self.last_avail(&master.server.instance),
            down_after: master.settings.down_after,
            ping_period: self.periods.ping,
            info_period: self.periods.info,
            master_is_replica: master.server.role_reported == Role::Replica,
            last_resort: who == Asks::Operator || long_down,
        };
        let announce = self.settings.announce();
        let mut candidates = Vec::new();
        for (replica_id, replica) in &master.replicas {
            let server = &replica.server;
            let calls_itself_master = server.role_reported == Role::Master && replica.deposed_at.is_none();
            candidates.push(Candidate {
                id: *replica_id,
                name: server.instance.addr.announced_with_port(announce),
                down: server.instance.s_down,
                connected: self
                    .links
                    .get(&server.instance.slot)
                    .is_some_and(|link: &Link| link.command.is_up()),
                last_avail: self.last_avail(&server.instance),
                info_at: server.info_at,
                priority: server.priority,
                master_link_down: server.master_link_down,
                offset: server.offset,
                synced_offset: server.synced_offset,
                run_id: server.instance.run_id.clone(),
                sync_in_progress: server.sync_in_progress,
                promoted_already: calls_itself_master
                    && (master_down_since.is_some_and(|since| server.role_reported_at >= since)
                        || (around.master_is_replica && master.server.follows(&server.instance.addr))),
            });
        }
        rank(&candidates, &around)
    }

    /// Asks every replica that can be reached for INFO at once, so that the choice is made on what
    /// they are now.
    pub(crate) fn refresh_replicas(&mut self, id: MasterId) {
        let Some(master) = self.masters.get(&id) else { return };
        let replicas: Vec<ReplicaId> = master.replicas.keys().copied().collect();
        for replica in replicas {
            self.send_info(InstanceId::Replica(id, replica));
        }
    }

    /// True if a replica that could answer has not told its state since `since`.
    pub(crate) fn awaits_refresh(&self, id: MasterId, since: Time) -> bool {
        self.masters.get(&id).is_some_and(|master| {
            master.replicas.values().any(|replica| {
                let server = &replica.server;
                let up = self.links.get(&server.instance.slot).is_some_and(|link| link.command.is_up());
                !server.instance.s_down
                    && up
                    && server.info_pending
                    && server.info_at.is_none_or(|at| at < since)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    const NOW: Time = Time(100_000_000);

    fn around() -> Circumstances {
        Circumstances {
            now: NOW,
            master_down_since: Some(NOW.before(Millis(2_000))),
            master_last_avail: NOW.before(Millis(2_000)),
            down_after: Millis(1_000),
            ping_period: Millis(1_000),
            info_period: Millis(10_000),
            master_is_replica: false,
            last_resort: false,
        }
    }

    fn candidate(number: u32) -> Candidate {
        Candidate {
            id: ReplicaId(number),
            name: alloc::format!("r{number}"),
            down: false,
            connected: true,
            last_avail: NOW,
            info_at: Some(NOW),
            priority: 100,
            master_link_down: Millis(0),
            offset: 1000,
            synced_offset: Some(1000),
            run_id: number.to_string(),
            sync_in_progress: false,
            promoted_already: false,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut [Candidate; 3]), expected: &[u32]) {
        let mut candidates = [candidate(1), candidate(2), candidate(3)];
        change(&mut candidates);
        let (ranked, _) = rank(&candidates, &around());
        assert_eq!(ranked.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_rejected(change: impl FnOnce(&mut Candidate), expected: Ineligible) {
        let mut only = candidate(1);
        change(&mut only);
        let (ranked, rejected) = rank(&[only], &around());
        assert!(ranked.is_empty());
        assert_eq!(rejected, vec![Rejected { replica: "r1".to_string(), why: expected }]);
    }

    #[test]
    fn run_id_breaks_the_tie_without_regard_to_case() {
        check(|_| (), &[1, 2, 3]);
        check(
            |c| {
                c[0].run_id = "B".to_string();
                c[1].run_id = "a".to_string();
                c[2].run_id = String::new();
            },
            &[2, 1, 3],
        );
    }

    #[test]
    fn priority_goes_before_offset_and_offset_before_run_id() {
        check(|c| c[2].offset = 1001, &[3, 1, 2]);
        check(
            |c| {
                c[2].offset = 1001;
                c[1].priority = 10;
            },
            &[2, 3, 1],
        );
    }

    #[test]
    fn a_replica_without_a_whole_copy_comes_last() {
        check(
            |c| {
                c[0].sync_in_progress = true;
                c[0].priority = 1;
            },
            &[2, 3, 1],
        );
    }

    #[test]
    fn an_outage_counts_from_when_the_master_was_last_there() {
        let mut held_up = around();
        held_up.master_last_avail = NOW.before(Millis(20_000));
        let mut only = candidate(1);
        only.master_link_down = Millis(30_000);
        assert_eq!(rank(&[only.clone()], &held_up).0.len(), 1);
        only.master_link_down = Millis(30_001);
        assert!(rank(&[only], &held_up).0.is_empty());
    }

    #[test]
    fn a_replica_that_lost_data_is_the_last_resort() {
        check_rejected(|c| c.offset = 999, Ineligible::LostData { offset: 999, had: 1000 });
        check_rejected(
            |c| (c.offset, c.synced_offset) = (0, None),
            Ineligible::LostData { offset: 0, had: 0 },
        );
        let mut late = around();
        late.last_resort = true;
        let mut lost = candidate(1);
        lost.offset = 0;
        assert_eq!(
            rank(&[lost, candidate(2)], &late).0.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            [2, 1]
        );
    }

    #[test]
    fn a_replica_that_another_leader_promoted_comes_first() {
        check(|c| c[2].promoted_already = true, &[3, 1, 2]);
    }

    #[test]
    fn a_server_that_calls_itself_master_with_less_data_does_not_come_first() {
        check(
            |c| {
                c[0].promoted_already = true;
                c[1].offset = 1001;
            },
            &[2, 1, 3],
        );
    }

    #[test]
    fn each_reason_to_be_left_out_is_named() {
        check_rejected(|c| c.down = true, Ineligible::Down);
        check_rejected(|c| c.connected = false, Ineligible::Disconnected);
        check_rejected(
            |c| c.last_avail = NOW.before(Millis(5_001)),
            Ineligible::NoRecentReply(Millis(5_001)),
        );
        check_rejected(|c| c.priority = 0, Ineligible::PriorityZero);
        check_rejected(
            |c| c.info_at = Some(NOW.before(Millis(5_001))),
            Ineligible::InfoTooOld(Millis(5_001)),
        );
        check_rejected(|c| c.info_at = None, Ineligible::InfoTooOld(Millis(u64::MAX)));
        check_rejected(
            |c| c.master_link_down = Millis(12_001),
            Ineligible::MasterLinkDownTooLong(Millis(12_001)),
        );
    }

    #[test]
    fn a_lost_link_to_a_master_that_is_none_is_no_reproach() {
        let mut ring = around();
        ring.master_is_replica = true;
        let mut lost = candidate(1);
        lost.master_link_down = Millis(1_000_000);
        assert_eq!(rank(&[lost], &ring).0.len(), 1);
    }

    #[test]
    fn info_may_be_older_while_the_master_is_up() {
        let mut calm = around();
        calm.master_down_since = None;
        let mut old = candidate(1);
        old.info_at = Some(NOW.before(Millis(29_000)));
        assert_eq!(rank(&[old], &calm).0.len(), 1);
    }
}
