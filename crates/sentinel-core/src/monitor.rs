//! Watching: INFO and hello at their times, subjectively and objectively down, asking the peers.
//!
//! Mirrors `sentinel.c: sentinelHandleRedisInstance` and what it calls, without its tick: each part
//! runs when something it depends on changed or when its own deadline has come.

use picket_resp::Reply;
use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::down::{self, Verdict};
use crate::event::Event;
use crate::failover::{Failover, Phase, refused_pause};
use crate::hello;
use crate::ids::{InstanceId, MasterId, PeerId};
use crate::instance::{Opinion, Reconf, Role};
use crate::link::{Connection, Pending};
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// INFO of the two servers of a handover: writes are held back meanwhile.
const INFO_HANDOVER: Millis = Millis(25);
/// INFO while a promotion or the return of a former master is awaited.
const INFO_EAGER: Millis = Millis(100);
/// INFO while a failover changes what replicas say.
const INFO_BUSY: Millis = Millis(1_000);
/// The first pause before a peer that does not see the master down is asked again; doubles up to the
/// ask period. The reference asks again only after the whole period.
const ASK_PAUSE: Millis = Millis(25);
/// A peer is not asked more often than this, whatever happens.
const ASK_PAUSE_MIN: Millis = Millis(10);

/// The earlier of two deadlines.
pub(crate) fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Sentinel {
    /// Does what is due for an instance; answers when to look again.
    pub(crate) fn run_instance(&mut self, id: InstanceId) -> Option<Time> {
        self.instance(id)?;
        let mut next = self.run_info(id);
        next = earlier(next, self.run_hello(id));
        if self.tilt_since.is_none() {
            next = earlier(next, self.run_subjectively_down(id));
            match id {
                InstanceId::Master(master) => next = earlier(next, self.run_master(master)),
                InstanceId::Replica(master, replica) => {
                    next = earlier(next, self.run_conformity(master, replica));
                }
                InstanceId::Peer(master, peer) => next = earlier(next, self.run_ask(master, peer)),
            }
        }
        next
    }

    /// When to look again at something that is due every `period`, or none if it is to be done now. What is due
    /// leaves together with the next PING if that comes soon: one write for us and one read for the server instead
    /// of two.
    fn not_yet(&self, id: InstanceId, due: Time, period: Millis) -> Option<Time> {
        let wait = self.company_wait(period);
        let sent = self.instance(id).and_then(|instance| self.links.get(&instance.slot)?.last_ping_sent);
        let leaves = self.now >= due && (sent == Some(self.now) || self.now >= due + wait);
        (!leaves).then_some(due + wait)
    }

    /// For how long what is due every `period` waits for a PING.
    pub(crate) fn company_wait(&self, period: Millis) -> Millis {
        let ping = self.periods.ping;
        if period > ping { ping.min(period.split(4)) } else { Millis(0) }
    }

    /// True if commands can be sent to it.
    pub(crate) fn is_command_up(&self, id: InstanceId) -> bool {
        self.instance(id)
            .and_then(|instance| self.links.get(&instance.slot))
            .is_some_and(|link| matches!(link.command, Connection::Up { .. }))
    }

    // ---- INFO ----

    /// How often INFO is asked of this server at present.
    fn info_period(&self, id: InstanceId) -> Millis {
        let Some(master) = self.masters.get(&id.master()) else { return self.periods.info };
        let quiet = self.periods.info;
        match id {
            InstanceId::Replica(_, replica_id) => {
                let Some(replica) = master.replicas.get(&replica_id) else { return quiet };
                let promoting =
                    master.failover.is_committed() && master.failover.promoted() == Some(replica_id);
                let returning = replica.is_returning(self.now);
                let telling = matches!(replica.reconf, Some(Reconf::Sent(since) | Reconf::InProgress(since))
                    if self.now < since + INFO_BUSY.times(2));
                if promoting && self.hands_over(InstanceId::Master(id.master())) {
                    INFO_HANDOVER
                } else if promoting || returning || telling {
                    INFO_EAGER
                } else if master.o_down
                    || master.failover.is_in_progress()
                    || replica.server.master_link_down > Millis(0)
                {
                    INFO_BUSY.min(quiet)
                } else {
                    quiet
                }
            }
            InstanceId::Master(master) if self.hands_over(id) => self.handover_info_period(master),
            InstanceId::Master(_) | InstanceId::Peer(..) => quiet,
        }
    }

    /// Often, until the master refuses to take its handover back.
    fn handover_info_period(&self, id: MasterId) -> Millis {
        match self.masters.get(&id).map(|master| &master.failover) {
            Some(Failover::Handover { since, phase: Phase::Unclear, taken_back_at: Some(_), .. }) => {
                INFO_HANDOVER.max(refused_pause(self.now.since(*since)))
            }
            _ => INFO_HANDOVER,
        }
    }

    /// True for a master that was asked to hand over.
    fn hands_over(&self, id: InstanceId) -> bool {
        let InstanceId::Master(id) = id else { return false };
        self.masters.get(&id).is_some_and(|master| matches!(master.failover, Failover::Handover { .. }))
    }

    /// Asks for INFO if it is due; one question at a time.
    fn run_info(&mut self, id: InstanceId) -> Option<Time> {
        if !self.is_command_up(id) {
            return None;
        }
        let period = self.info_period(id);
        let server = self.server(id)?;
        if server.info_pending {
            return None;
        }
        let due = server.info_sent_at.map_or(self.now, |at| at + period);
        if !server.info_forced
            && let Some(later) = self.not_yet(id, due, period)
        {
            return Some(later);
        }
        self.send_info(id);
        None
    }

    /// Sends INFO now, also when an older question is still unanswered.
    pub(crate) fn send_info(&mut self, id: InstanceId) {
        let now = self.now;
        if self.server(id).is_some()
            && self.send(id, &["INFO"], Pending::Info(id))
            && let Some(server) = self.server_mut(id)
        {
            server.info_sent_at = Some(now);
            server.info_pending = true;
            server.info_forced = false;
        }
    }

    // ---- hello ----

    /// Publishes a hello to an instance if it is due.
    fn run_hello(&mut self, id: InstanceId) -> Option<Time> {
        // PUBLISH would wait for the end of the pause, and everything else on this connection behind it.
        if !self.is_command_up(id) || self.hands_over(id) {
            return None;
        }
        let now = self.now;
        let instance = self.instance(id)?;
        let publish = self.hello_period(id, instance);
        let due = match instance.pub_sent {
            // Unanswered or refused: again after a while.
            Some(sent) => sent + Millis(1_000),
            None => instance.last_pub + publish,
        };
        if !instance.pub_forced
            && let Some(later) = self.not_yet(id, due, publish)
        {
            return Some(later);
        }
        let instance = self.instance(id)?;
        let room = self.links.get(&instance.slot).is_some_and(crate::link::Link::has_room);
        if !room {
            return Some(now + Millis(1_000));
        }
        let payload = self.hello_payload(id)?;
        self.send(id, &["PUBLISH", hello::CHANNEL, &payload], Pending::Hello(id));
        let told = self.told_now(id.master());
        let instance = self.instance_mut(id)?;
        instance.pub_sent = Some(now);
        instance.pub_forced = false;
        instance.told = told;
        let slot = instance.slot;
        if let Some(link) = self.links.get_mut(&slot)
            && link.subscribed_at.is_some()
            && link.unheard_since.is_none()
        {
            link.unheard_since = Some(now);
        }
        Some(now + Millis(1_000))
    }

    /// Whether a hello was taken.
    pub(crate) fn on_hello_reply(&mut self, id: InstanceId, reply: &Reply) {
        let now = self.now;
        let refused = matches!(reply, Reply::Error(_));
        let Some(instance) = self.instance_mut(id) else { return };
        let slot = instance.slot;
        if !refused {
            instance.last_pub = now;
            instance.pub_sent = None;
        } else if let Some(link) = self.links.get_mut(&slot) {
            // It will not come back over the channel.
            link.unheard_since = None;
        }
        self.touch(Timer::Instance(id));
    }

    // ---- subjectively down ----

    fn run_subjectively_down(&mut self, id: InstanceId) -> Option<Time> {
        let now = self.now;
        let down_after = self.down_after(id);
        let instance = self.instance(id)?;
        let was_down = instance.s_down;
        let link = self.links.get(&instance.slot)?;
        let mut facts = down::Facts {
            now,
            down_after,
            act_ping: link.act_ping,
            connected: link.command.is_up(),
            trouble: link.trouble.clone(),
            wrong_role: None,
            rebooted: None,
        };
        if let InstanceId::Master(master_id) = id {
            let master = self.masters.get(&master_id)?;
            let server = &master.server;
            if server.role_reported == Role::Replica {
                // Differs from Redis, which gives a misunderstanding two INFO periods: here both servers say
                // that the role has changed hands, and whoever led that is gone.
                let grace = if master.has_handed_over() { Millis(0) } else { self.periods.info.times(2) };
                facts.wrong_role = Some((server.role_reported_at, down_after + grace));
            }
            facts.rebooted = server.reboot_at.map(|at| (at, master.settings.master_reboot_down_after));
        }
        match down::judge(&facts) {
            Verdict::Down(reason) => {
                if !was_down {
                    let instance = self.instance_mut(id)?;
                    instance.s_down = true;
                    instance.s_down_since = Some(now);
                    let instance = self.instance_ref(id);
                    self.emit(Event::SubjectivelyDown { instance, reason });
                    self.on_down_change(id);
                }
                None
            }
            Verdict::Up { until } => {
                if was_down {
                    self.instance_mut(id)?.s_down = false;
                    if let Some(server) = self.server_mut(id) {
                        server.script_kill_sent = false;
                    }
                    let instance = self.instance_ref(id);
                    self.emit(Event::SubjectivelyUp { instance });
                    self.on_down_change(id);
                }
                // Sending the next PING and having its answer touch nothing while all is well.
                earlier(until, facts.act_ping.is_none().then_some(now + down_after))
            }
        }
    }

    /// Somebody went down or came back: whoever depends on it looks again.
    fn on_down_change(&mut self, id: InstanceId) {
        if !matches!(id, InstanceId::Replica(..)) {
            self.unsettle(id.master());
        }
        if let InstanceId::Master(master) = id {
            // Opinions are wanted at once.
            self.ask_again(master, Millis(0));
            for instance in self.instances_of(master) {
                self.touch(Timer::Instance(instance));
            }
        } else {
            self.touch(Timer::Instance(InstanceId::Master(id.master())));
        }
    }

    // ---- objectively down ----

    /// Counts who agrees that the master is down; opinions about another address do not count.
    pub(crate) fn run_objectively_down(&mut self, id: MasterId) -> Option<Time> {
        let now = self.now;
        let max_age = self.periods.ask.times(5);
        let master = self.masters.get(&id)?;
        let addr = &master.server.instance.addr;
        let was_down = master.o_down;
        let mut next = None;
        let mut agreeing = alloc::vec::Vec::new();
        if master.server.instance.s_down {
            for peer in master.peers.values() {
                if peer.agrees_down(addr, now, max_age) {
                    agreeing.push(peer.instance.run_id.clone());
                    next = earlier(next, peer.opinion.as_ref().map(|opinion| opinion.at + max_age));
                }
            }
        }
        let agree = 1 + u32::try_from(agreeing.len()).unwrap_or(u32::MAX - 1);
        let quorum = master.settings.quorum;
        let is_down = master.server.instance.s_down && agree >= quorum;
        if is_down != was_down {
            let instance = self.instance_ref(InstanceId::Master(id));
            let master = self.masters.get_mut(&id)?;
            master.o_down = is_down;
            master.start_at = None;
            master.hold_told = false;
            if is_down {
                master.o_down_since = Some(now);
                self.emit(Event::ObjectivelyDown { instance, agree, quorum, agreeing });
            } else {
                master.attempts = 0;
                self.emit(Event::ObjectivelyUp { instance });
            }
            for instance in self.instances_of(id) {
                self.touch(Timer::Instance(instance));
            }
        }
        earlier(next, self.run_no_quorum(id, agree))
    }

    /// Says once that a master that is down for us is not for enough others, when they have had the time
    /// to notice too.
    fn run_no_quorum(&mut self, id: MasterId, agree: u32) -> Option<Time> {
        let master = self.masters.get_mut(&id)?;
        if !master.server.instance.s_down {
            master.no_quorum_told = false;
            return None;
        }
        if master.o_down || master.no_quorum_told {
            return None;
        }
        let due = master.server.instance.s_down_since? + self.periods.ask.times(3);
        if self.now < due {
            return Some(due);
        }
        master.no_quorum_told = true;
        let (name, quorum) = (master.name.clone(), master.settings.quorum);
        let master = self.masters.get(&id)?;
        let lost = master.peers.values().filter(|peer| self.is_disconnected(&peer.instance));
        let unreachable = lost.map(|peer| peer.instance.run_id.clone()).collect();
        self.emit(Event::NoQuorum { master: name, agree, quorum, unreachable });
        None
    }

    // ---- asking peers ----

    /// A peer asked us about this master: it takes it for down, so peers that did not may have
    /// changed their mind too.
    pub(crate) fn hint_down(&mut self, id: MasterId) {
        if self.masters.get(&id).is_some_and(|master| master.server.instance.s_down) {
            self.ask_again(id, ASK_PAUSE_MIN);
        }
    }

    /// Peers that are not known to agree are asked again, at the earliest `pause` after the last time.
    fn ask_again(&mut self, id: MasterId, pause: Millis) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        let peers: alloc::vec::Vec<PeerId> = master.peers.keys().copied().collect();
        for peer in master.peers.values_mut() {
            if !peer.opinion.as_ref().is_some_and(|opinion| opinion.down) {
                peer.ask_pause = pause;
            }
        }
        for peer in peers {
            self.touch(Timer::Instance(InstanceId::Peer(id, peer)));
        }
    }

    /// Asks a peer for its opinion, and for its vote while we stand for election.
    fn run_ask(&mut self, id: MasterId, peer_id: PeerId) -> Option<Time> {
        let now = self.now;
        let id_of_peer = InstanceId::Peer(id, peer_id);
        if !self.is_command_up(id_of_peer) {
            return None;
        }
        let master = self.masters.get(&id)?;
        let peer = master.peers.get(&peer_id)?;
        if !master.server.instance.s_down && !peer.ask_forced {
            return None;
        }
        if !peer.ask_forced {
            if peer.ask_pending {
                return None;
            }
            let due = peer.asked_at.map_or(now, |at| at + peer.ask_pause);
            if now < due {
                return Some(due);
            }
        }
        let addr = master.server.instance.addr.clone();
        let vote_epoch = match &master.failover {
            Failover::Election(election) => Some(election.epoch),
            _ => None,
        };
        let epoch = alloc::format!("{}", vote_epoch.unwrap_or(self.current_epoch));
        let port = alloc::format!("{}", addr.port);
        let candidate = if vote_epoch.is_some() { self.my_id.clone() } else { "*".into() };
        let host = addr.announced(self.settings.announce());
        let args = ["SENTINEL", "is-master-down-by-addr", &host, &port, &epoch, &candidate];
        if self.send(id_of_peer, &args, Pending::Ask(id_of_peer, addr, vote_epoch)) {
            let ask = self.periods.ask;
            let peer = self.masters.get_mut(&id)?.peers.get_mut(&peer_id)?;
            peer.asked_at = Some(now);
            peer.ask_pending = true;
            peer.ask_forced = false;
            peer.ask_pause =
                if peer.ask_pause < ASK_PAUSE { ASK_PAUSE } else { peer.ask_pause.times(2).min(ask) };
        }
        None
    }

    /// A peer's opinion, and perhaps its vote.
    pub(crate) fn on_ask_reply(&mut self, id: InstanceId, about: Addr, epoch: Option<u64>, reply: &Reply) {
        let now = self.now;
        let InstanceId::Peer(master_id, peer_id) = id else { return };
        let ask = self.periods.ask;
        let Some(master) = self.masters.get_mut(&master_id) else { return };
        let Some(peer) = master.peers.get_mut(&peer_id) else { return };
        peer.ask_pending = false;
        self.touch(Timer::Instance(id));
        self.touch(Timer::Instance(InstanceId::Master(master_id)));
        let Reply::Array(items) = reply else { return };
        let [Reply::Integer(down), Reply::Bulk(leader), Reply::Integer(leader_epoch)] = &items[..] else {
            return;
        };
        let Some(master) = self.masters.get_mut(&master_id) else { return };
        let Some(peer) = master.peers.get_mut(&peer_id) else { return };
        let down = *down == 1;
        if down {
            peer.ask_pause = ask;
        }
        peer.opinion = Some(Opinion { about, down, at: now });
        let Some(leader) = crate::hello::run_id(leader) else { return };
        let leader_epoch = u64::try_from(*leader_epoch).unwrap_or(0);
        if leader != "*" {
            let vote = Some((leader.clone(), leader_epoch));
            if peer.vote != vote {
                peer.vote = vote;
                let event = Event::PeerVoted {
                    master: master.name.clone(),
                    peer: peer.instance.run_id.clone(),
                    run_id: leader.clone(),
                    epoch: leader_epoch,
                };
                self.emit(event);
            }
        }
        if let Some(epoch) = epoch {
            self.on_ballot(master_id, peer_id, epoch, &leader, leader_epoch);
        }
    }
}
