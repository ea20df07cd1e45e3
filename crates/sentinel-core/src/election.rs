//! Epochs, votes and the election of the Sentinel that leads a failover.
//!
//! Mirrors `sentinel.c: sentinelStartFailoverIfNeeded`, `sentinelVoteLeader`, `sentinelGetLeader`,
//! `sentinelFailoverWaitStart`. Differs from Redis, without a change on the wire:
//!
//! - Who stands first is spread by rank, so that two rarely stand at the same time (`spacing.rs`).
//! - A vote is for one master and one epoch. The reference refuses a request older than its current
//!   epoch, which is one for all masters, so that masters that fall together void each other's
//!   elections; we refuse only what is not newer than the last vote and the configuration of *that
//!   master*. Each voter still votes at most once per master and epoch, and ever upwards.
//! - For the same reason a first candidacy uses the current epoch, where this master has not used it.
//! - Votes are tallied by the epoch of the election, as they arrive, and a lost election is seen at
//!   once. The next try comes after a short random pause that doubles, instead of twice the failover
//!   timeout; but somebody else who may have won is left the time to finish.
//! - A candidate's own vote counts only when it is on disk, so nobody wins an epoch that it could
//!   stand in again after a restart.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::{Millis, Ticket, Time};

use crate::deferred::{Deferred, Outcome};
use crate::event::Event;
use crate::failover::{Asks, Election, Failover, Motive};
use crate::ids::{InstanceId, MasterId, PeerId};
use crate::instance::Master;
use crate::reason::{Ballot, Choice, LossReason, RefusalReason, RefusedVote, WaitReason};
use crate::sentinel::Sentinel;
use crate::tally::{Tally, tally};
use crate::timers::Timer;

/// How long somebody for whom we voted, or who may have won, is left to finish. A stock leader needs
/// a bit more than a second: it sees the promotion in the next INFO.
const LEADER_PATIENCE: Millis = Millis(4_000);
/// The same once our connection to it is lost.
const LOST_LEADER_PATIENCE: Millis = Millis(400);
/// Characters of a run id.
const RUN_ID_LEN: usize = 40;

/// The most that an epoch may be above ours to be believed.
const EPOCH_LEAP_MAX: u64 = 1 << 32;
/// The largest epoch that is believed at all: it fits an integer of the protocol and leaves room above.
pub(crate) const EPOCH_MAX: u64 = i64::MAX as u64 / 2;
/// How often an operator's failover stands again because others stand in the same epoch.
const FORCED_ATTEMPTS_MAX: u32 = 3;
/// For how many hello periods it waits where voters know of no such master: as a rule because they have a
/// newer configuration, which their next hello brings.
const ABSTAINERS_PERIODS: u64 = 2;

/// The answer to a vote request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    /// For whom we voted last, where it is known.
    pub(crate) leader: Option<String>,
    /// In which epoch.
    pub(crate) leader_epoch: u64,
    /// The answer may leave when this is durable.
    pub(crate) ticket: Ticket,
}

impl Sentinel {
    /// Stands for election where it is time to; answers when it will be.
    pub(crate) fn run_start(&mut self, id: MasterId) -> Option<Time> {
        let now = self.now;
        let master = self.masters.get(&id)?;
        if !master.o_down || master.failover.is_in_progress() {
            return None;
        }
        let reachable = master.usable_voters();
        let needed = master.votes_needed();
        if reachable < needed {
            let master = self.masters.get_mut(&id)?;
            if !core::mem::replace(&mut master.hold_told, true) {
                let master = master.name.clone();
                self.emit(Event::NoMajority { master, reachable, needed });
            }
            return None;
        }
        if let Some((until, why)) = master.hold.clone() {
            let until = self.shorten(id, until, &why);
            if now < until {
                self.tell_hold(id, until, why);
                return Some(until);
            }
        }
        if !master.has_listened {
            let enough = self.has_listened_at(id);
            if enough.is_none_or(|at| now < at) {
                let until = enough.unwrap_or_else(|| now + self.periods.listening());
                self.tell_hold(id, until, WaitReason::Listening);
                return Some(until.min(self.listens_again_at()));
            }
            self.masters.get_mut(&id)?.has_listened = true;
        }
        let start_at = match self.masters.get(&id)?.start_at {
            Some(at) => at,
            None => {
                let at = now + self.start_delay(id);
                self.masters.get_mut(&id)?.start_at = Some(at);
                at
            }
        };
        if now < start_at {
            return Some(start_at);
        }
        if self.masters.get(&id)?.attempts > 0 && self.eligible(id, Asks::Sentinel).0.is_empty() {
            // The last failover found nobody to promote and that has not changed.
            return Some(now + Millis(1_000));
        }
        self.start_failover(id, Motive::ObjectivelyDown);
        None
    }

    /// A leader that cannot be reached any more is not waited for so long.
    fn shorten(&self, id: MasterId, until: Time, why: &WaitReason) -> Time {
        let WaitReason::VotedFor(run_id) = why else { return until };
        let Some(master) = self.masters.get(&id) else { return until };
        let lost = master
            .peer_by_run_id(run_id)
            .and_then(|peer| master.peers.get(&peer))
            .is_none_or(|peer| peer.instance.s_down || self.is_disconnected(&peer.instance));
        if lost { until.before(LEADER_PATIENCE) + LOST_LEADER_PATIENCE } else { until }
    }

    fn tell_hold(&mut self, id: MasterId, until: Time, why: WaitReason) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        if core::mem::replace(&mut master.hold_told, true) {
            return;
        }
        let master = master.name.clone();
        self.emit(Event::FailoverDelayed { master, until, why });
    }

    /// Begins a failover: a new candidacy, with our own vote and a request to every peer.
    pub(crate) fn start_failover(&mut self, id: MasterId, motive: Motive) {
        let now = self.now;
        let Some(master) = self.masters.get(&id) else { return };
        let fresh = master.attempts == 0
            && motive == Motive::ObjectivelyDown
            && self.current_epoch > master.leader_epoch
            && self.current_epoch > master.config_epoch
            && self.epoch_raised_at.is_some_and(|at| now < at + self.periods.election_timeout);
        if !fresh {
            // At the end of all epochs nobody can be elected any more; `is_plausible` keeps us from there.
            let Some(next) = self.current_epoch.checked_add(1) else { return };
            self.current_epoch = next;
            self.epoch_raised_at = Some(now);
            let master = master.name.clone();
            self.emit(Event::NewEpoch { master, epoch: self.current_epoch });
        }
        let epoch = self.current_epoch;
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::TryFailover { instance, epoch });
        let my_id = self.my_id.clone();
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.hold = None;
        master.hold_told = false;
        master.start_at = None;
        master.failover = Failover::Election(Election {
            epoch,
            since: now,
            own_vote_durable: false,
            own_vote_failed: false,
            ballots: picket_sansio::collections::BTreeMap::new(),
            motive,
        });
        self.record_vote(id, epoch, &my_id);
        let ticket = self.masters.get(&id).map_or(Ticket(0), |master| master.vote_ticket);
        // A candidate that cannot write its own vote cannot win: it must not take the others' votes from
        // one that can.
        if !self.persistence.is_failing() {
            self.ask_for_votes(id);
        }
        self.when_durable(ticket, Deferred::OwnVote { master: id, epoch });
        self.refresh_replicas(id);
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// Requests a vote of every peer at once; also for an operator's failover, so that its epoch is its
    /// own. The reference asks nobody then, and two operators can make two configurations of one epoch.
    fn ask_for_votes(&mut self, id: MasterId) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        let mut peers = Vec::new();
        for (peer_id, peer) in &mut master.peers {
            peer.ask_forced = true;
            peers.push(*peer_id);
        }
        for peer in peers {
            self.touch(Timer::Instance(InstanceId::Peer(id, peer)));
        }
    }

    /// True if an epoch can have come about by elections. One from nowhere, far above all others, would be
    /// spread and kept for good, and leave no room for elections.
    pub(crate) fn is_plausible(&self, epoch: u64) -> bool {
        epoch <= self.current_epoch.saturating_add(EPOCH_LEAP_MAX).min(EPOCH_MAX)
    }

    /// Notes a vote and asks for it to be written.
    pub(crate) fn record_vote(&mut self, id: MasterId, epoch: u64, candidate: &str) {
        let ticket = self.persist();
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.leader = Some(candidate.to_string());
        master.leader_epoch = epoch;
        master.vote_ticket = ticket;
        let master = master.name.clone();
        self.emit(Event::Voted { master, run_id: candidate.to_string(), epoch });
    }

    /// A Sentinel asks for our vote.
    pub(crate) fn cast_vote(&mut self, id: MasterId, epoch: u64, candidate: &str) -> Vote {
        let now = self.now;
        let mut epoch_ticket = None;
        if epoch > self.current_epoch && self.is_plausible(epoch) {
            self.current_epoch = epoch;
            self.epoch_raised_at = Some(now);
            epoch_ticket = Some(self.persist());
            let master = self.masters.get(&id).map(|master| master.name.clone()).unwrap_or_default();
            self.emit(Event::NewEpoch { master, epoch });
        }
        let Some(master) = self.masters.get(&id) else {
            return Vote { leader: None, leader_epoch: 0, ticket: Ticket(0) };
        };
        let newer = epoch > master.leader_epoch && epoch > master.config_epoch && epoch <= self.current_epoch;
        if newer && !self.is_committed(id) {
            if candidate != self.my_id {
                self.step_down(id, candidate, epoch);
            }
            self.record_vote(id, epoch, candidate);
            if candidate != self.my_id {
                let until = now + LEADER_PATIENCE + self.patience_spread(id);
                let why = WaitReason::VotedFor(candidate.to_string());
                if let Some(master) = self.masters.get_mut(&id) {
                    master.hold = Some((until, why));
                    master.hold_told = false;
                    master.start_at = None;
                }
            }
        } else if candidate != self.my_id {
            self.note_refusal(id, epoch, candidate);
        }
        self.touch(Timer::Instance(InstanceId::Master(id)));
        let Some(master) = self.masters.get(&id) else {
            return Vote { leader: None, leader_epoch: 0, ticket: Ticket(0) };
        };
        // A configuration says that its epoch was somebody's, whoever had our own vote.
        let (leader, leader_epoch) = if master.config_epoch > master.leader_epoch {
            (None, master.config_epoch)
        } else {
            (master.leader.clone(), master.leader_epoch)
        };
        Vote { leader, leader_epoch, ticket: epoch_ticket.unwrap_or(Ticket(0)).max(master.vote_ticket) }
    }

    /// Remembers, and tells, whom we refuse our vote, unless it has that vote already.
    fn note_refusal(&mut self, id: MasterId, epoch: u64, candidate: &str) {
        let (now, current_epoch) = (self.now, self.current_epoch);
        let is_committed = self.is_committed(id);
        let Some(master) = self.masters.get_mut(&id) else { return };
        let leader = master.leader.clone();
        if epoch == master.leader_epoch && leader.as_deref() == Some(candidate) {
            return;
        }
        let why = if epoch <= master.leader_epoch {
            RefusalReason::Voted { leader, epoch: master.leader_epoch }
        } else if epoch <= master.config_epoch {
            RefusalReason::Configured { epoch: master.config_epoch }
        } else if is_committed && epoch <= current_epoch {
            RefusalReason::Promoting
        } else {
            RefusalReason::Implausible
        };
        // Of what is no run id only as much is kept as one has.
        let candidate = candidate.chars().take(RUN_ID_LEN).collect();
        let refused = RefusedVote { candidate, epoch, why };
        // Who asks again is told the same; strangers may invent candidates.
        if master.refused.as_ref() != Some(&refused) && master.refusals.admit(now) {
            let master = master.name.clone();
            self.emit(Event::VoteRefused { master, refused: refused.clone() });
        }
        if let Some(master) = self.masters.get_mut(&id) {
            master.refused = Some(refused);
        }
    }

    /// True if our own failover has gone too far to make room for another: the promotion was sent.
    fn is_committed(&self, id: MasterId) -> bool {
        self.masters.get(&id).is_some_and(|master| master.failover.is_committed())
    }

    /// Gives up our own candidacy or leadership for a newer one, before anything was changed.
    fn step_down(&mut self, id: MasterId, candidate: &str, for_epoch: u64) {
        let Some(epoch) = self.masters.get(&id).and_then(|master| match master.failover {
            Failover::Election(_) | Failover::Select { .. } | Failover::Promote { .. } => {
                master.failover.epoch()
            }
            Failover::None
            | Failover::WaitPromotion { .. }
            | Failover::Handover { .. }
            | Failover::Reconf { .. } => None,
        }) else {
            return;
        };
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::SteppedDown { instance, epoch, for_run_id: candidate.to_string(), for_epoch });
        if let Some(master) = self.masters.get_mut(&id) {
            master.failover = Failover::None;
        }
    }

    /// Our own vote is on disk, or could not be written.
    pub(crate) fn on_own_vote(&mut self, id: MasterId, epoch: u64, outcome: &Outcome) {
        let Outcome::Persisted(result) = outcome else { return };
        let Some(master) = self.masters.get_mut(&id) else { return };
        let Failover::Election(election) = &mut master.failover else { return };
        if election.epoch != epoch {
            return;
        }
        match result {
            Ok(()) => {
                election.own_vote_durable = true;
                let since = election.since;
                if !master.peers.values().any(|peer| peer.asked_at >= Some(since)) {
                    self.ask_for_votes(id);
                }
            }
            Err(reason) => {
                election.own_vote_failed = true;
                let reason = reason.clone();
                let what = "our own vote";
                let event = if election.order().is_some() {
                    Event::ToldUnsaved { what, reason }
                } else {
                    Event::NotDurable { what, reason }
                };
                self.emit(event);
            }
        }
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// A peer answered a vote request of the election of `epoch`.
    pub(crate) fn on_ballot(
        &mut self,
        id: MasterId,
        peer: PeerId,
        epoch: u64,
        leader: &str,
        leader_epoch: u64,
    ) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        let Failover::Election(election) = &mut master.failover else { return };
        if election.epoch != epoch {
            return;
        }
        let choice = if leader != "*" && leader_epoch == epoch {
            Choice::For(leader.to_string())
        } else {
            Choice::Refused { epoch: leader_epoch }
        };
        election.ballots.insert(peer, choice);
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// Counts the election that we stand in; answers when it ends by itself.
    pub(crate) fn run_election(&mut self, id: MasterId) -> Option<Time> {
        let now = self.now;
        let master = self.masters.get(&id)?;
        let Failover::Election(election) = &master.failover else { return None };
        let timeout = self.periods.election_timeout.min(master.settings.failover_timeout);
        let until = election.since + timeout;
        let patience = self.ballot_patience(master).min(timeout);
        let own_vote_open = !election.own_vote_durable && !election.own_vote_failed;
        let patience_ends = election.since + patience;
        let is_patient = now < patience_ends || own_vote_open;
        let silent = master.peers.iter().filter(|(peer_id, peer)| {
            // The answer to a PING waits behind a vote that waits for the voter's disk: silence that began
            // with the question is no death.
            let is_writing = peer.ask_pending && peer.instance.s_down_since >= Some(election.since);
            let is_there = !peer.instance.s_down || (is_writing && !self.is_disconnected(&peer.instance));
            is_patient && is_there && !election.ballots.contains_key(peer_id)
        });
        let undecided = u32::try_from(silent.count()).unwrap_or(u32::MAX);
        let needed = master.votes_needed();
        let standing = tally(election, &self.my_id, undecided, needed);
        if standing == Tally::Won {
            self.become_leader(id);
            return None;
        }
        if let Motive::Operator { tries, order } = election.motive {
            if standing == Tally::Open && now < until && !election.own_vote_failed {
                return Some(if now < patience_ends { patience_ends } else { until });
            }
            if !election.own_vote_durable && !election.own_vote_failed && now < until {
                return Some(until);
            }
            match election.taken(&self.my_id) {
                None => {
                    let told_by = election.since + self.periods.publish.times(ABSTAINERS_PERIODS);
                    if election.has_abstainers() && now < told_by {
                        return Some(told_by);
                    }
                    self.become_leader(id);
                    return None;
                }
                Some(epoch) if tries < FORCED_ATTEMPTS_MAX => {
                    // This epoch is, or may be, somebody else's; a later one may be ours alone.
                    if self.is_plausible(epoch) {
                        self.current_epoch = self.current_epoch.max(epoch);
                    }
                    self.masters.get_mut(&id)?.failover = Failover::None;
                    self.start_failover(id, Motive::Operator { tries: tries + 1, order });
                    return None;
                }
                // Others are quicker again and again: one of them leads.
                Some(_) => {}
            }
        }
        let (why, rival) = match standing {
            Tally::Lost { rival } => (LossReason::CannotWin, rival),
            _ if now >= until => (LossReason::TimedOut, None),
            _ => return Some(if now < patience_ends { patience_ends } else { until }),
        };
        let epoch = election.epoch;
        let ballots = self.ballots(master, election);
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::AbortNotElected { instance, epoch, needed, why, ballots });
        let (until, why) = match rival {
            Some(rival) => (now + LEADER_PATIENCE, WaitReason::VotedFor(rival)),
            None => {
                let longest = self.retry_pause_max(self.masters.get(&id)?);
                let pause = Time(self.prng.below(longest.as_micros())).0;
                (Time(now.0 + pause) + Millis(10), WaitReason::Lost)
            }
        };
        let master = self.masters.get_mut(&id)?;
        master.failover = Failover::None;
        master.attempts = master.attempts.saturating_add(1);
        master.hold = Some((until, why));
        master.hold_told = false;
        master.start_at = None;
        self.run_start(id)
    }

    /// What each voter chose.
    fn ballots(&self, master: &Master, election: &Election) -> Vec<Ballot> {
        let own = election.own_vote_durable.then(|| Choice::For(self.my_id.clone()));
        let mut ballots = alloc::vec![Ballot { voter: self.my_id.clone(), choice: own }];
        for (peer_id, peer) in &master.peers {
            ballots.push(Ballot {
                voter: peer.instance.run_id.clone(),
                choice: election.ballots.get(peer_id).cloned(),
            });
        }
        ballots
    }

    /// We lead this failover.
    fn become_leader(&mut self, id: MasterId) {
        let now = self.now;
        let Some(master) = self.masters.get(&id) else { return };
        let Failover::Election(election) = &master.failover else { return };
        let (epoch, started_at, order) = (election.epoch, election.since, election.order());
        let ballots = self.ballots(master, election);
        let needed = master.votes_needed();
        let instance = self.instance_ref(InstanceId::Master(id));
        let forced = order.is_some();
        self.emit(Event::Elected { instance: instance.clone(), epoch, needed, forced, ballots });
        if self.simulate.after_election {
            self.crash("election");
            return;
        }
        if let Some(master) = self.masters.get_mut(&id) {
            master.failover = Failover::Select { epoch, started_at, since: now, order };
        }
        self.emit(Event::StateSelect { instance });
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// Ends an operator's failover before anything was changed: what an operator asked for in vain says nothing of
    /// what we should do ourselves, and holds nothing up.
    pub(crate) fn end_order(&mut self, id: MasterId) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.failover = Failover::None;
        master.start_at = None;
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// Gives up a failover that cannot be finished; the next try waits.
    pub(crate) fn abort_failover(&mut self, id: MasterId) {
        let now = self.now;
        let Some(master) = self.masters.get_mut(&id) else { return };
        let longest = master.settings.failover_timeout.times(2);
        let pause = Millis(1_000).times(1 << master.attempts.min(20)).min(longest);
        master.failover = Failover::None;
        master.attempts = master.attempts.saturating_add(1);
        master.hold = Some((now + pause, WaitReason::Failed));
        master.hold_told = false;
        master.start_at = None;
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }
}
