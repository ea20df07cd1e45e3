//! The steps of a failover that we lead. Mirrors
//! `sentinel.c: sentinelFailoverStateMachine`, `sentinelFailoverReconfNextSlave`,
//! `sentinelFailoverDetectEnd`.

use alloc::string::ToString;
use alloc::vec::Vec;

use picket_resp::Reply;
use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::deferred::Deferred;
use crate::event::Event;
use crate::failover::{Failover, Order};
use crate::ids::{InstanceId, MasterId, ReplicaId};
use crate::instance::{Reconf, Replica, Role};
use crate::link::Pending;
use crate::monitor::earlier;
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// How long fresh INFO of the replicas is waited for before the choice.
const REFRESH_PATIENCE: Millis = Millis(200);
/// The pause before a promotion that was refused, or whose server was lost, is sent again.
const PROMOTION_RETRY: Millis = Millis(500);

/// A server that refuses so often to follow because of a FAILOVER of its own is told to end that.
const STUCK_REFUSALS: u32 = 3;

/// True if the answer to a reconfiguration names a FAILOVER as the reason.
fn is_failing_over(reply: &Reply) -> bool {
    let Reply::Array(items) = reply else { return false };
    let named = |text: &[u8]| text.windows(12).any(|window| window == b"failing over");
    matches!(items.first(), Some(Reply::Error(text)) if named(text))
}

/// True for a replica that somebody else may have promoted in a newer configuration that is still on its
/// way to us. It is left alone; if there is none, it is told to follow the master later.
fn calls_itself_master(replica: &Replica) -> bool {
    replica.server.role_reported == Role::Master && replica.deposed_at.is_none()
}

impl Sentinel {
    /// Everything that concerns a master as a whole; answers when to look again.
    pub(crate) fn run_master(&mut self, id: MasterId) -> Option<Time> {
        let next = earlier(self.run_aside(id), self.run_objectively_down(id));
        let next = earlier(next, self.run_start(id));
        earlier(next, self.run_failover(id))
    }

    fn run_failover(&mut self, id: MasterId) -> Option<Time> {
        match self.masters.get(&id)?.failover.clone() {
            Failover::None => None,
            Failover::Election(_) => self.run_election(id),
            Failover::Select { epoch, started_at, since, order } => {
                self.run_select(id, epoch, started_at, since, order)
            }
            Failover::Promote { epoch, since, replica, order } => {
                self.run_promote(id, epoch, since, replica, order)
            }
            Failover::WaitPromotion { since, replica, retry_at, .. } => {
                self.run_wait_promotion(id, since, replica, retry_at)
            }
            Failover::Handover { since, replica, order, phase, taken_back_at, .. } => {
                self.run_handover(id, since, replica, order, phase, taken_back_at)
            }
            Failover::Reconf { since, .. } => self.run_reconf(id, since),
        }
    }

    fn run_select(
        &mut self,
        id: MasterId,
        epoch: u64,
        started_at: Time,
        since: Time,
        order: Option<Order>,
    ) -> Option<Time> {
        let now = self.now;
        let patience_ends = since + REFRESH_PATIENCE;
        if now < patience_ends && self.awaits_refresh(id, started_at) {
            return Some(patience_ends);
        }
        let (ranked, rejected) = self.candidates(id, order);
        let Some((replica, _)) = ranked.first() else {
            let instance = self.instance_ref(InstanceId::Master(id));
            self.emit(Event::AbortNoGoodReplica { instance, rejected });
            match order {
                Some(_) => self.end_order(id),
                None => self.abort_failover(id),
            }
            return None;
        };
        let replica = *replica;
        self.masters.get_mut(&id)?.failover = Failover::Promote { epoch, since: now, replica, order };
        let instance = self.instance_ref(InstanceId::Replica(id, replica));
        let ranking = ranked.into_iter().map(|(_, ranked)| ranked).collect();
        self.emit(Event::Selected { instance: instance.clone(), ranking, rejected });
        self.emit(Event::StatePromote { instance });
        self.run_promote(id, epoch, now, replica, order)
    }

    fn run_promote(
        &mut self,
        id: MasterId,
        epoch: u64,
        since: Time,
        replica: ReplicaId,
        order: Option<Order>,
    ) -> Option<Time> {
        let now = self.now;
        if let Some(order) = order
            && let Some(patience) = order.handover
        {
            return self.run_hand_over(id, since, replica, order, patience);
        }
        let id_of_replica = InstanceId::Replica(id, replica);
        if self.send_reconfiguration(id_of_replica, None) {
            self.masters.get_mut(&id)?.failover =
                Failover::WaitPromotion { epoch, since: now, replica, order, retry_at: None };
            let instance = self.instance_ref(id_of_replica);
            self.emit(Event::StateWaitPromotion { instance });
            return self.run_wait_promotion(id, now, replica, None);
        }
        self.give_up_if_lost(id, since, replica)
    }

    fn run_wait_promotion(
        &mut self,
        id: MasterId,
        since: Time,
        replica: ReplicaId,
        retry_at: Option<Time>,
    ) -> Option<Time> {
        let now = self.now;
        if let Some(at) = retry_at
            && now >= at
        {
            let sent = self.send_reconfiguration(InstanceId::Replica(id, replica), None);
            if let Failover::WaitPromotion { retry_at, .. } = &mut self.masters.get_mut(&id)?.failover {
                *retry_at = if sent { None } else { Some(now + PROMOTION_RETRY) };
            }
        }
        let retry_at = match self.masters.get(&id)?.failover {
            Failover::WaitPromotion { retry_at, .. } => retry_at,
            _ => None,
        };
        earlier(retry_at, self.give_up_if_lost(id, since, replica))
    }

    /// Ends a promotion that takes too long, or whose replica went down: there may be another.
    fn give_up_if_lost(&mut self, id: MasterId, since: Time, replica: ReplicaId) -> Option<Time> {
        let now = self.now;
        let master = self.masters.get(&id)?;
        let until = since + master.settings.failover_timeout;
        let is_down = master.replicas.get(&replica).is_none_or(|replica| replica.server.instance.s_down);
        if now < until && !is_down {
            return Some(until);
        }
        // It may have been promoted and come back as a master: then it is one that was replaced.
        let was_told = matches!(self.masters.get(&id)?.failover, Failover::WaitPromotion { .. });
        if was_told && let Some(replica) = self.masters.get_mut(&id)?.replicas.get_mut(&replica) {
            replica.deposed_at = Some(now);
        }
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::AbortReplicaTimeout { instance });
        self.abort_failover(id);
        None
    }

    /// Tells a server whom to follow (`None`: nobody) in one transaction, and asks for INFO right
    /// behind it, so that the effect is seen with the next answer.
    ///
    /// Differs from Redis: clients are cut off before the server writes its file, because a disk that is slow would hold
    /// them for as long, while the new master waits for them.
    ///
    /// Nobody is told to follow itself: an address that turns out to be the server's own, under another
    /// name perhaps, is refused here whatever led to it.
    pub(crate) fn send_reconfiguration(&mut self, to: InstanceId, master: Option<&Addr>) -> bool {
        if master.is_some() && self.is_master_itself(to) {
            return false;
        }
        let (host, port) = match master {
            Some(addr) => (addr.announced(self.settings.announce()), addr.port.to_string()),
            None => ("NO".to_string(), "ONE".to_string()),
        };
        let transaction: [&[&str]; 5] = [
            &["MULTI"],
            &["SLAVEOF", &host, &port],
            &["CLIENT", "KILL", "TYPE", "normal"],
            &["CLIENT", "KILL", "TYPE", "pubsub"],
            &["CONFIG", "REWRITE"],
        ];
        let up = self
            .instance(to)
            .and_then(|instance| self.links.get(&instance.slot))
            .is_some_and(|link| link.command.is_up());
        if !up {
            return false;
        }
        for command in transaction {
            self.send(to, command, Pending::Ignored);
        }
        self.send(to, &["EXEC"], Pending::Reconfigured(to));
        self.end_pause(to);
        self.send_info(to);
        self.touch(Timer::Instance(to));
        true
    }

    /// The answer to EXEC. A refusal is tried again while there is time; the reference does not look.
    pub(crate) fn on_reconfigured(&mut self, id: InstanceId, reply: &Reply) {
        let now = self.now;
        let refused = match reply {
            Reply::Array(items) => matches!(items.first(), Some(Reply::Error(_)) | None),
            _ => true,
        };
        let InstanceId::Replica(master_id, replica_id) = id else { return };
        let Some(master) = self.masters.get_mut(&master_id) else { return };
        let mut is_stuck = false;
        if let Some(replica) = master.replicas.get_mut(&replica_id) {
            replica.refusals = if refused { replica.refusals.saturating_add(1) } else { 0 };
            is_stuck = replica.refusals >= STUCK_REFUSALS && is_failing_over(reply);
        }
        if !refused {
            return;
        }
        if is_stuck {
            // Its own FAILOVER waits for a replica that does not come: it has no end by itself.
            self.send(id, &["FAILOVER", "ABORT"], Pending::Ignored);
        }
        let Some(master) = self.masters.get_mut(&master_id) else { return };
        if let Failover::WaitPromotion { replica, retry_at, .. } = &mut master.failover
            && *replica == replica_id
        {
            *retry_at = Some(now + PROMOTION_RETRY);
            self.touch(Timer::Instance(InstanceId::Master(master_id)));
            return;
        }
        if let Some(replica) = master.replicas.get_mut(&replica_id)
            && let Some(Reconf::Sent(_)) = replica.reconf
        {
            replica.reconf = None;
            replica.fixed_at = Some(now);
        }
        self.touch(Timer::Instance(InstanceId::Master(master_id)));
    }

    /// The chosen replica says that it is a master: the new configuration is made.
    pub(crate) fn on_promoted(&mut self, id: MasterId, replica: ReplicaId) {
        let now = self.now;
        let Some(master) = self.masters.get_mut(&id) else { return };
        let (epoch, is_handover) = match master.failover {
            Failover::WaitPromotion { epoch, .. } => (epoch, false),
            Failover::Handover { epoch, .. } => (epoch, true),
            _ => return,
        };
        if epoch <= master.config_epoch {
            // Somebody made a newer configuration meanwhile; this promotion is not ours to announce.
            if is_handover {
                self.stand_for_handover_again(id, replica);
            } else {
                self.abort_failover(id);
            }
            return;
        }
        master.config_epoch = epoch;
        let from = master.server.instance.addr.clone();
        let instance = self.instance_ref(InstanceId::Replica(id, replica));
        let to = match self.instance(InstanceId::Replica(id, replica)) {
            Some(instance) => instance.addr.clone(),
            None => return,
        };
        self.emit(Event::Promoted { instance });
        if self.simulate.after_promotion {
            self.crash("promotion");
            return;
        }
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::StateReconf { instance });
        self.queue_reconfig_script(id, "leader", &from, &to);
        self.take_place(id, &to);
        if is_handover {
            // Clients of both servers are to ask for the master anew. The former one is told so with whom it
            // follows, which it knows already.
            self.send_reconfiguration(InstanceId::Master(id), None);
        }
        if let Some(master) = self.masters.get_mut(&id) {
            master.failover = Failover::Reconf { epoch, since: now };
        }
        let ticket = self.persist();
        self.when_durable(ticket, Deferred::Announce { master: id, epoch, from });
        self.touch_master(id);
    }

    /// Tells the replicas of the new master, at most `parallel-syncs` at a time, the former master
    /// first: what it takes is lost. It takes nobody's turn before it has shown that it listens: as a
    /// rule it is dead or frozen.
    fn run_reconf(&mut self, id: MasterId, since: Time) -> Option<Time> {
        let now = self.now;
        let timeout = self.periods.replica_reconf_timeout;
        let master = self.masters.get(&id)?;
        let until = since + master.settings.failover_timeout;
        let addr = master.server.instance.addr.clone();
        let mut order: Vec<(bool, ReplicaId)> =
            master.replicas.iter().map(|(id, replica)| (replica.deposed_at.is_none(), *id)).collect();
        order.sort_unstable();
        let mut next = Some(until);
        let mut busy = 0;
        // First what has been sent; then whoever fits in beside it.
        for (_, replica_id) in &order {
            let replica = self.masters.get_mut(&id)?.replicas.get_mut(replica_id)?;
            match replica.reconf {
                Some(Reconf::Sent(sent)) if now >= sent + timeout => {
                    replica.reconf = Some(Reconf::Done);
                    let instance = self.instance_ref(InstanceId::Replica(id, *replica_id));
                    self.emit(Event::ReconfSentTimeout { instance });
                }
                Some(Reconf::Sent(sent)) => {
                    busy += u32::from(replica.deposed_at.is_none());
                    next = earlier(next, Some(sent + timeout));
                }
                Some(Reconf::InProgress(_)) => busy += 1,
                Some(Reconf::Done) | None => (),
            }
        }
        let parallel_syncs = self.masters.get(&id)?.settings.parallel_syncs;
        for (_, replica_id) in &order {
            let replica = self.masters.get(&id)?.replicas.get(replica_id)?;
            if replica.reconf.is_some() {
                continue;
            }
            let is_new = replica.refusals == 0;
            let pause = replica.fix_pause(PROMOTION_RETRY, timeout);
            if let Some(at) = replica.fixed_at
                && now < at + pause
                && at >= since
            {
                next = earlier(next, Some(at + pause));
                continue;
            }
            if calls_itself_master(replica) {
                continue;
            }
            let is_former_master = replica.deposed_at.is_some();
            if busy >= parallel_syncs && !is_former_master {
                continue;
            }
            let id_of_replica = InstanceId::Replica(id, *replica_id);
            if self.send_reconfiguration(id_of_replica, Some(&addr)) {
                let replica = self.masters.get_mut(&id)?.replicas.get_mut(replica_id)?;
                replica.reconf = Some(Reconf::Sent(now));
                busy += u32::from(!is_former_master);
                next = earlier(next, Some(now + timeout));
                if is_new {
                    let instance = self.instance_ref(id_of_replica);
                    self.emit(Event::ReconfSent { instance });
                }
            }
        }
        let master = self.masters.get(&id)?;
        let is_open = |replica: &Replica| {
            replica.reconf != Some(Reconf::Done)
                && !replica.server.instance.s_down
                && !calls_itself_master(replica)
        };
        // A former master is told when it comes back; the failover does not wait for that.
        let waits = master
            .replicas
            .values()
            .any(|replica| is_open(replica) && (replica.deposed_at.is_none() || replica.reconf.is_some()));
        let timed_out = now >= until;
        // A new master that is gone already is the next failover's business.
        if waits && !timed_out && !master.o_down {
            return next;
        }
        self.end_failover(id, waits && timed_out);
        self.run_start(id)
    }

    fn end_failover(&mut self, id: MasterId, timed_out: bool) {
        let instance = self.instance_ref(InstanceId::Master(id));
        if timed_out {
            self.emit(Event::FailoverEndForTimeout { instance: instance.clone() });
        }
        self.emit(Event::FailoverEnd { instance });
        let addr = self.current_addr(id);
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.failover = Failover::None;
        let mut left = Vec::new();
        for (replica_id, replica) in &mut master.replicas {
            if replica.reconf.take().is_none() {
                left.push(*replica_id);
            }
        }
        if timed_out {
            for replica_id in left {
                let id_of_replica = InstanceId::Replica(id, replica_id);
                if self.send_reconfiguration(id_of_replica, Some(&addr)) {
                    let instance = self.instance_ref(id_of_replica);
                    self.emit(Event::ReconfSentBestEffort { instance });
                }
            }
        }
        self.touch_master(id);
    }
}
