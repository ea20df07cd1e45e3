//! Down or not, votes and elections (`sentinelCheckObjectivelyDown`, `sentinelAskMasterStateToOtherSentinels`,
//! `sentinelVoteLeader`, `sentinelGetLeader`, `sentinelStartFailoverIfNeeded`, `sentinelFailoverWaitStart`).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_resp::Reply;
use picket_sentinel_core::{Ballot, Choice, Event, LossReason};

use super::StockSentinel;
use super::instances::{Master, State};
use super::links::{Asked, Place};
use crate::context::Context;

/// How far ahead the time may lie from which the limits of a failover are counted.
const DESYNC_MAX: u64 = 1_000;
/// The longest election.
const ELECTION_TIMEOUT: u64 = 10_000;
/// How often a peer is asked.
const ASK_PERIOD: u64 = 1_000;

impl StockSentinel {
    pub(super) fn check_objectively_down(&mut self, ctx: &mut Context<'_>, place: Place) {
        let master = &mut self.masters[place];
        let mut agreeing: Vec<String> = Vec::new();
        if master.server.s_down {
            let agree = master.peers.iter().filter(|peer| peer.says_down);
            agreeing.extend(agree.map(|peer| peer.run_id.clone()));
        }
        let agree = 1 + u32::try_from(agreeing.len()).unwrap_or(u32::MAX - 1);
        let is_down = master.server.s_down && agree >= master.quorum;
        if is_down == master.o_down {
            return;
        }
        master.o_down = is_down;
        let (instance, quorum) = (master.named(), master.quorum);
        if is_down {
            self.emit(ctx, Event::ObjectivelyDown { instance, agree, quorum, agreeing });
        } else {
            self.emit(ctx, Event::ObjectivelyUp { instance });
        }
    }

    /// Begins a failover; true if it did.
    pub(super) fn start_failover_if_needed(&mut self, ctx: &mut Context<'_>, place: Place) -> bool {
        let now = self.now_ms(ctx);
        let desync = ctx.prng.below(DESYNC_MAX);
        let master = &mut self.masters[place];
        if !master.o_down
            || master.state != State::None
            || (master.failover_start > 0 && now < master.failover_start + 2 * master.failover_timeout)
        {
            return false;
        }
        self.current_epoch += 1;
        let epoch = self.current_epoch;
        let master = &mut self.masters[place];
        master.state = State::WaitStart;
        master.failover_epoch = epoch;
        master.failover_start = now + desync;
        master.state_changed = now;
        let (name, instance) = (master.name.clone(), master.named());
        self.emit(ctx, Event::NewEpoch { master: name, epoch });
        self.emit(ctx, Event::TryFailover { instance, epoch });
        true
    }

    /// Asks the others what they think, and for their votes while we stand.
    pub(super) fn ask_others(&mut self, ctx: &mut Context<'_>, place: Place, forced: bool) {
        let now = self.now_ms(ctx);
        let epoch = alloc::format!("{}", self.current_epoch);
        let master = &mut self.masters[place];
        let stands = master.state != State::None;
        let (host, port) = (master.server.addr.ip().to_string(), master.server.addr.port().to_string());
        let is_down = master.server.s_down;
        let mut asks = Vec::new();
        for peer in &mut master.peers {
            if now > peer.answered_at + 5 * ASK_PERIOD {
                peer.says_down = false;
                peer.leader = None;
            }
            if is_down && (forced || now >= peer.answered_at + ASK_PERIOD) {
                asks.push((peer.addr, peer.run_id.clone()));
            }
        }
        let candidate = if stands { self.my_id.clone() } else { "*".to_string() };
        for (addr, run_id) in asks {
            if self.links.get(&addr).is_some_and(|link| !link.disconnected) {
                let words = ["SENTINEL", "is-master-down-by-addr", &host, &port, &epoch, &candidate];
                self.ask(addr, &words, Asked::Down(place, run_id));
            }
        }
    }

    /// A peer's opinion, and its vote.
    pub(super) fn on_opinion(&mut self, now: u64, place: Place, run_id: &str, reply: &Reply) {
        let Some([down, leader, epoch]) = reply.as_array() else { return };
        let Some(peer) = self.masters[place].peers.iter_mut().find(|peer| peer.run_id == run_id) else {
            return;
        };
        peer.answered_at = now;
        peer.says_down = down.as_int() == Some(1);
        if let Some(leader) = leader.as_str().filter(|leader| *leader != "*") {
            peer.leader = Some(leader.to_string());
            peer.leader_epoch = epoch.as_int().and_then(|epoch| u64::try_from(epoch).ok()).unwrap_or(0);
        }
    }

    /// A vote: once for each master and epoch, and only if the request is not older than the current epoch, which
    /// is one for all masters.
    pub(super) fn vote(
        &mut self,
        ctx: &mut Context<'_>,
        place: Place,
        epoch: u64,
        candidate: &str,
    ) -> (Option<String>, u64) {
        let name = self.masters[place].name.clone();
        if epoch > self.current_epoch {
            self.current_epoch = epoch;
            self.flush_config(ctx);
            self.emit(ctx, Event::NewEpoch { master: name.clone(), epoch });
        }
        let master = &mut self.masters[place];
        if master.leader_epoch < epoch && self.current_epoch <= epoch {
            master.leader = Some(candidate.to_string());
            master.leader_epoch = epoch;
            self.flush_config(ctx);
            self.emit(ctx, Event::Voted { master: name, run_id: candidate.to_string(), epoch });
            if candidate != self.my_id {
                let start = self.now_ms(ctx) + ctx.prng.below(DESYNC_MAX);
                self.masters[place].failover_start = start;
            }
        }
        let master = &self.masters[place];
        (master.leader.clone(), master.leader_epoch)
    }

    /// Who has the votes for `epoch`, if anybody has enough; votes for the one who is ahead.
    fn leader(&mut self, ctx: &mut Context<'_>, place: Place, epoch: u64) -> Option<String> {
        let master = &self.masters[place];
        let voters = u32::try_from(master.peers.len() + 1).unwrap_or(u32::MAX);
        let needed = (voters / 2 + 1).max(master.quorum);
        let mut votes: BTreeMap<String, u32> = BTreeMap::new();
        for peer in &master.peers {
            if let Some(leader) = peer.leader.as_ref().filter(|_| peer.leader_epoch == self.current_epoch) {
                *votes.entry(leader.clone()).or_default() += 1;
            }
        }
        let ahead = most(&votes).map(|(leader, _)| leader);
        let mine = ahead.unwrap_or_else(|| self.my_id.clone());
        if let (Some(leader), given) = self.vote(ctx, place, epoch, &mine)
            && given == epoch
        {
            *votes.entry(leader).or_default() += 1;
        }
        most(&votes).filter(|(_, count)| *count >= needed).map(|(leader, _)| leader)
    }

    pub(super) fn wait_start(&mut self, ctx: &mut Context<'_>, place: Place) {
        let epoch = self.masters[place].failover_epoch;
        let leader = self.leader(ctx, place, epoch);
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        let (instance, needed) = (master.named(), master.votes_needed());
        let ballots = ballots(master, &self.my_id, epoch);
        if leader.as_ref() == Some(&self.my_id) {
            master.state = State::SelectSlave;
            master.state_changed = now;
            self.emit(
                ctx,
                Event::Elected { instance: instance.clone(), epoch, needed, forced: false, ballots },
            );
            self.emit(ctx, Event::StateSelect { instance });
            return;
        }
        if now > master.failover_start + ELECTION_TIMEOUT.min(master.failover_timeout) {
            let why = LossReason::TimedOut;
            self.emit(ctx, Event::AbortNotElected { instance, epoch, needed, why, ballots });
            self.abort(ctx, place);
        }
    }
}

impl Master {
    fn votes_needed(&self) -> u32 {
        (u32::try_from(self.peers.len() + 1).unwrap_or(u32::MAX) / 2 + 1).max(self.quorum)
    }
}

fn most(votes: &BTreeMap<String, u32>) -> Option<(String, u32)> {
    let mut most: Option<(&String, u32)> = None;
    for (leader, count) in votes {
        if most.is_none_or(|(_, best)| *count > best) {
            most = Some((leader, *count));
        }
    }
    most.map(|(leader, count)| (leader.clone(), count))
}

fn ballots(master: &Master, my_id: &str, epoch: u64) -> Vec<Ballot> {
    let choice = |leader: &Option<String>, given: u64| {
        let leader = leader.clone().filter(|_| given == epoch);
        Some(leader.map_or(Choice::Refused { epoch: given }, Choice::For))
    };
    let own = Ballot { voter: my_id.to_string(), choice: choice(&master.leader, master.leader_epoch) };
    let others = master
        .peers
        .iter()
        .map(|peer| Ballot { voter: peer.run_id.clone(), choice: choice(&peer.leader, peer.leader_epoch) });
    core::iter::once(own).chain(others).collect()
}
