//! A coordinated failover: the master itself hands its role over with FAILOVER, so that no acknowledged
//! write is lost and nobody needs a full copy.
//!
//! Mirrors `sentinel.c: sentinelFailoverSendFailover, sentinelFailoverTo, sentinelKillClients` of Valkey 9.
//! While the master waits for its replica it holds back writes; CLIENT PAUSE beside it keeps the clients
//! waiting until they are disconnected, so that they meet a new master instead of a READONLY error.
//!
//! ```text
//!              FAILOVER TO .. TIMEOUT        EXEC: OK            the replica: role:master
//!   Promote ---------------------> Asked ------------> Accepted ------------------------> Reconf
//!                                    | refused            |  | master: no failover any more     ^
//!                                    v                    |  v                                  |
//!                                   None <------------- ABORT: OK <-- Aborting -- error --> Unclear
//! ```
//!
//! Differs from Redis (and Valkey, which looks at the effects in INFO alone): the master's words are read. A
//! refusal ends the failover at once and is told; and what does not come in time is taken back with FAILOVER
//! ABORT, whose answer says who keeps the role. So a replica that dies in the middle leaves neither a master
//! that holds back writes for ever nor two of them.

use alloc::string::{String, ToString};

use picket_resp::Reply;
use picket_sansio::{Millis, Time};

use crate::event::Event;
use crate::failover::{Failover, Motive, Order, Phase};
use crate::ids::{InstanceId, MasterId, ReplicaId};
use crate::info::{Info, MasterFailover};
use crate::instance::Role;
use crate::link::{HandoverReply, Pending};
use crate::reason::HandoverFailure;
use crate::sentinel::Sentinel;

/// How much of a refusal is kept, in characters.
const REFUSAL_MAX: usize = 160;
/// The pause before a master that refuses FAILOVER ABORT, because a script keeps it busy perhaps, is told again.
const TAKE_BACK_PAUSE: Millis = Millis(500);
/// The longest pause between questions to a master that refuses FAILOVER ABORT.
const REFUSED_PAUSE_MAX: Millis = Millis(5_000);

impl Sentinel {
    /// The longest that a master of this `down-after-milliseconds` is asked to hold back writes. Hellos of
    /// other Sentinels wait behind the pause, and PINGs behind them: beyond it they would call the master down
    /// in the middle of its handover. The role changes hands after the replica has caught up; that takes up to
    /// half as long again.
    pub(crate) fn handover_max(down_after: Millis) -> Millis {
        down_after.times(2).split(3).max(Millis(1))
    }

    /// A replica as its master lists it: the name that FAILOVER wants to hear.
    pub(crate) fn listed_by_master(&self, id: MasterId, replica: ReplicaId) -> Option<(String, u16)> {
        let master = self.masters.get(&id)?;
        let addr = &master.replicas.get(&replica)?.server.instance.addr;
        let listed = Info::parse(master.server.info_text.as_ref()?).replicas;
        listed.into_iter().find(|(host, port)| self.addr_of(host, *port).is_same(addr))
    }

    /// Tells the master to hand over, when it can be reached.
    pub(super) fn run_hand_over(
        &mut self,
        id: MasterId,
        since: Time,
        replica: ReplicaId,
        order: Order,
        patience: Millis,
    ) -> Option<Time> {
        let now = self.now;
        let to = InstanceId::Master(id);
        if !self.is_command_up(to) {
            let until = since + patience;
            if now >= until {
                self.end_handover(id, HandoverFailure::Unreachable(patience));
                return None;
            }
            return Some(until);
        }
        let Some((host, port)) = self.listed_by_master(id, replica) else {
            self.end_handover(id, HandoverFailure::NotListed);
            return None;
        };
        let Some(Failover::Promote { epoch, .. }) = self.masters.get(&id).map(|master| &master.failover)
        else {
            return None;
        };
        let epoch = *epoch;
        let (port, millis) = (port.to_string(), patience.0.to_string());
        let pending = |what| Pending::Handover(to, epoch, what);
        self.send(to, &["MULTI"], Pending::Ignored);
        self.send(to, &["CLIENT", "PAUSE", &millis, "WRITE"], Pending::Ignored);
        let failover = ["FAILOVER", "TO", &host, &port, "TIMEOUT", &millis];
        self.send(to, &failover, pending(HandoverReply::Queued));
        self.send(to, &["EXEC"], pending(HandoverReply::Executed));
        let master = self.masters.get_mut(&id)?;
        master.server.paused_until = Some(now + patience);
        master.failover = Failover::Handover {
            epoch,
            since: now,
            replica,
            order,
            phase: Phase::Asked,
            taken_back_at: None,
        };
        let of_replica = InstanceId::Replica(id, replica);
        let instance = self.instance_ref(of_replica);
        self.emit(Event::StateWaitPromotion { instance });
        self.send_info(to);
        self.send_info(of_replica);
        self.touch_master(id);
        self.run_handover(id, now, replica, order, Phase::Asked, None)
    }

    /// Watches the handover; answers when to look again.
    pub(super) fn run_handover(
        &mut self,
        id: MasterId,
        since: Time,
        replica: ReplicaId,
        order: Order,
        phase: Phase,
        taken_back_at: Option<Time>,
    ) -> Option<Time> {
        let now = self.now;
        let patience = order.handover.unwrap_or_default();
        let master = self.masters.get(&id)?;
        if master.o_down {
            self.end_handover(id, HandoverFailure::MasterDown);
            return self.run_start(id);
        }
        let until = since + patience.times(3).split(2);
        let give_up_at = since + master.settings.failover_timeout.max(patience.times(2));
        let is_up = self.is_command_up(InstanceId::Master(id));
        let is_target_up = self.is_command_up(InstanceId::Replica(id, replica));
        let state = master.server.failover_state;
        if now >= give_up_at {
            if is_up {
                self.send(InstanceId::Master(id), &["FAILOVER", "ABORT"], Pending::Ignored);
            }
            self.end_handover(id, HandoverFailure::NotTakenOver(now.since(since)));
            return None;
        }
        if !is_up {
            // Whatever was asked over the lost connection may have been done or not.
            self.enter_phase(id, Phase::Unclear);
            return Some(give_up_at);
        }
        // Before the replica was asked to take over, taking it back is safe; later it may have, unseen.
        let target_is_lost = !is_target_up && state == Some(MasterFailover::WaitingForSync);
        let is_due = now >= until || (target_is_lost && phase == Phase::Accepted);
        let is_open = match phase {
            Phase::Asked | Phase::Accepted => true,
            Phase::Aborting => false,
            Phase::Unclear => state.is_some_and(|state| state != MasterFailover::None),
        };
        if is_due && is_open {
            let again_at =
                taken_back_at.map_or(now, |at| at + TAKE_BACK_PAUSE.max(refused_pause(now.since(since))));
            if now < again_at {
                return Some(again_at.min(give_up_at));
            }
            self.abort_handover(id);
            return Some(give_up_at);
        }
        Some(if now < until { until } else { give_up_at })
    }

    fn enter_phase(&mut self, id: MasterId, next: Phase) {
        if let Some(master) = self.masters.get_mut(&id)
            && let Failover::Handover { phase, .. } = &mut master.failover
        {
            *phase = next;
        }
    }

    /// Asks the master to keep its role.
    fn abort_handover(&mut self, id: MasterId) {
        let Some(epoch) = self.masters.get(&id).and_then(|master| master.failover.epoch()) else { return };
        let (now, to) = (self.now, InstanceId::Master(id));
        self.enter_phase(id, Phase::Aborting);
        if let Some(master) = self.masters.get_mut(&id)
            && let Failover::Handover { taken_back_at, .. } = &mut master.failover
        {
            *taken_back_at = Some(now);
        }
        self.send(to, &["FAILOVER", "ABORT"], Pending::Handover(to, epoch, HandoverReply::Aborted));
        self.send_info(to);
    }

    /// The master answered to what belongs to the handover of `epoch`.
    pub(crate) fn on_handover_reply(
        &mut self,
        id: InstanceId,
        epoch: u64,
        what: HandoverReply,
        reply: &Reply,
    ) {
        let now = self.now;
        let InstanceId::Master(id) = id else { return };
        let Some(Failover::Handover { epoch: current, since, order, phase, .. }) =
            self.masters.get(&id).map(|master| &master.failover)
        else {
            return;
        };
        let (since, order, phase) = (*since, *order, *phase);
        if *current != epoch {
            return;
        }
        self.touch(crate::timers::Timer::Instance(InstanceId::Master(id)));
        let refusal = match (what, reply) {
            (HandoverReply::Queued, Reply::Error(text)) => Some(text.as_ref()),
            (HandoverReply::Queued, _) => None,
            (HandoverReply::Executed, Reply::Array(items)) => items.iter().find_map(error_text),
            (HandoverReply::Executed, other) => {
                Some(error_text(other).unwrap_or(b"the transaction was dropped"))
            }
            (HandoverReply::Aborted, Reply::Error(_)) => {
                // There is none any more, it is through or the master had given it up itself; or the master takes
                // no such order now. Its INFO tells which.
                self.enter_phase(id, Phase::Unclear);
                return;
            }
            (HandoverReply::Aborted, _) => {
                let patience = order.handover.unwrap_or_default();
                let state = self.masters.get(&id).and_then(|master| master.server.failover_state);
                let why = if state == Some(MasterFailover::InProgress) {
                    HandoverFailure::NotTakenOver(now.since(since))
                } else {
                    HandoverFailure::NotCaughtUp(patience.min(now.since(since)))
                };
                self.end_handover(id, why);
                return;
            }
        };
        match refusal {
            Some(text) => {
                let text = shown(text);
                self.end_handover(id, HandoverFailure::Refused(text));
            }
            None if what == HandoverReply::Executed && phase == Phase::Asked => {
                self.enter_phase(id, Phase::Accepted);
                self.hasten_handover(id);
            }
            None => (),
        }
    }

    /// The replica tells its master how far it is once a second, and the master waits for that word. From
    /// outside the stream GETACK does not move the offset that it is about.
    pub(crate) fn hasten_handover(&mut self, id: MasterId) {
        let Some(master) = self.masters.get(&id) else { return };
        if let Failover::Handover { replica, phase: Phase::Accepted, .. } = master.failover
            && master.server.failover_state != Some(MasterFailover::InProgress)
        {
            self.send_unanswered(InstanceId::Replica(id, replica), &["REPLCONF", "GETACK", "*"]);
        }
    }

    /// INFO of the master came while it hands over; `before` is how far it was by the last one.
    pub(crate) fn on_handover_info(&mut self, id: MasterId, before: Option<MasterFailover>) {
        let Some(master) = self.masters.get(&id) else { return };
        let Failover::Handover { since, order, phase, .. } = &master.failover else { return };
        let server = &master.server;
        let is_over =
            server.role_reported == Role::Master && server.failover_state == Some(MasterFailover::None);
        if !is_over || !matches!(phase, Phase::Accepted | Phase::Unclear) {
            return;
        }
        let patience = order.handover.unwrap_or_default();
        let took = self.now.since(*since);
        let why = if took >= patience && before != Some(MasterFailover::InProgress) {
            HandoverFailure::NotCaughtUp(patience)
        } else {
            HandoverFailure::TakenBack
        };
        self.end_handover(id, why);
    }

    /// The master keeps its role. No pause before the next failover: nothing was changed, and should the
    /// master die now, the others are waiting.
    fn end_handover(&mut self, id: MasterId, why: HandoverFailure) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.failover = Failover::None;
        master.start_at = None;
        let to = InstanceId::Master(id);
        self.end_pause(to);
        let instance = self.instance_ref(to);
        self.emit(Event::AbortHandover { instance, why });
        self.touch_master(id);
    }

    /// The master is forgotten, or forgets its failover, in the middle of it: it must not go on alone. Nor are the
    /// clients of one that has handed over to wait longer than they have to.
    pub(crate) fn drop_handover(&mut self, id: MasterId) {
        self.take_back(id);
        for server in self.instances_of(id) {
            self.end_pause(server);
        }
    }

    /// A handover that is under way is taken back, and nobody looks at what comes of it.
    pub(super) fn take_back(&mut self, id: MasterId) {
        if self.masters.get(&id).is_some_and(|master| matches!(master.failover, Failover::Handover { .. })) {
            self.send(InstanceId::Master(id), &["FAILOVER", "ABORT"], Pending::Ignored);
        }
    }

    /// The chosen replica has taken over, but another configuration came into force meanwhile. What has happened
    /// cannot be called back: the former master follows already. So a newer epoch is asked for, in which that is
    /// said; the clients go on waiting, no longer than they would have. If somebody else is elected instead, that
    /// replica comes first there too.
    pub(super) fn stand_for_handover_again(&mut self, id: MasterId, replica: ReplicaId) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        master.failover = Failover::None;
        let order = Order { replica: Some(replica), handover: None };
        self.start_failover(id, Motive::Operator { tries: 0, order });
    }

    /// Ends the pause of a master, or of one that was it once its clients are disconnected.
    pub(crate) fn end_pause(&mut self, to: InstanceId) {
        let now = self.now;
        let until = self.server_mut(to).and_then(|server| server.paused_until.take());
        if until.is_some_and(|until| now < until) {
            self.send(to, &["CLIENT", "UNPAUSE"], Pending::Ignored);
        }
    }
}

/// Between two questions to a master that has refused FAILOVER ABORT, in a handover of this age: what it refuses for
/// long, for want of a permission perhaps, it goes on refusing.
pub(crate) fn refused_pause(age: Millis) -> Millis {
    age.split(8).min(REFUSED_PAUSE_MAX)
}

fn error_text(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Error(text) => Some(text.as_ref()),
        _ => None,
    }
}

/// A server's words, fit for a log line.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(REFUSAL_MAX).collect()
}
