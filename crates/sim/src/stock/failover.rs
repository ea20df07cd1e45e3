//! The failover of an elected leader, a state for each tick (`sentinelFailoverStateMachine`).

use alloc::string::ToString;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::SocketAddr;

use picket_sentinel_core::Event;

use super::StockSentinel;
use super::instances::{Master, Reconf, Replica, State};
use super::links::{Asked, Place};
use crate::context::Context;

/// How long a replica that was told its new master may show no effect.
const RECONF_TIMEOUT: u64 = 10_000;

/// `sentinel_ping_period`, by which the age of what is known of a replica is counted, whatever `down-after` is.
const PING_PERIOD: u64 = 1_000;

impl Master {
    /// The promotion was seen: the new address is told, though not in force here.
    pub(super) fn is_promotion_seen(&self) -> bool {
        matches!(self.state, State::ReconfSlaves | State::UpdateConfig)
    }

    pub(super) fn is_failing_over(&self) -> bool {
        self.state != State::None
    }
}

impl StockSentinel {
    pub(super) fn run_failover(&mut self, ctx: &mut Context<'_>, place: Place) {
        match self.masters[place].state {
            State::None | State::UpdateConfig => {}
            State::WaitStart => self.wait_start(ctx, place),
            State::SelectSlave => self.select_slave(ctx, place),
            State::SendSlaveofNoOne => self.send_slaveof_no_one(ctx, place),
            State::WaitPromotion => {
                let now = self.now_ms(ctx);
                let master = &self.masters[place];
                if now > master.state_changed + master.failover_timeout {
                    let instance = master.named();
                    self.emit(ctx, Event::AbortReplicaTimeout { instance });
                    self.abort(ctx, place);
                }
            }
            State::ReconfSlaves => self.reconf_slaves(ctx, place),
        }
    }

    pub(super) fn abort(&mut self, ctx: &Context<'_>, place: Place) {
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        master.state = State::None;
        master.state_changed = now;
        master.promoted = None;
    }

    fn enter(&mut self, ctx: &Context<'_>, place: Place, state: State) {
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        master.state = state;
        master.state_changed = now;
    }

    fn select_slave(&mut self, ctx: &mut Context<'_>, place: Place) {
        let now = self.now_ms(ctx);
        let master = &self.masters[place];
        let info_age = if master.server.s_down { 5 * PING_PERIOD } else { 30_000 };
        let down_for = if master.server.s_down { now.saturating_sub(master.down_since) } else { 0 };
        let link_down = down_for + 10 * master.down_after;
        let is_good = |replica: &&Replica| {
            let server = &replica.server;
            let link = self.links.get(&server.addr);
            !server.s_down
                && link.is_some_and(|link| !link.disconnected && now <= link.last_avail + 5 * PING_PERIOD)
                && server.priority > 0
                && now <= server.info_refresh + info_age
                && server.master_link_down_ms <= link_down
        };
        let best = master.replicas.iter().filter(is_good).min_by_key(|replica| {
            let server = &replica.server;
            (server.priority, Reverse(server.offset), server.run_id.clone())
        });
        let Some(best) = best.map(|replica| replica.server.addr) else {
            let (instance, rejected) = (master.named(), Vec::new());
            self.emit(ctx, Event::AbortNoGoodReplica { instance, rejected });
            self.abort(ctx, place);
            return;
        };
        let instance = master.named_replica(best);
        self.masters[place].promoted = Some(best);
        self.enter(ctx, place, State::SendSlaveofNoOne);
        self.emit(ctx, Event::StatePromote { instance });
    }

    fn send_slaveof_no_one(&mut self, ctx: &mut Context<'_>, place: Place) {
        let now = self.now_ms(ctx);
        let master = &self.masters[place];
        let Some(promoted) = master.promoted else { return };
        if self.links.get(&promoted).is_none_or(|link| link.disconnected) {
            if now > master.state_changed + master.failover_timeout {
                let instance = master.named();
                self.emit(ctx, Event::AbortReplicaTimeout { instance });
                self.abort(ctx, place);
            }
            return;
        }
        let instance = master.named_replica(promoted);
        self.send_slaveof(promoted, None);
        self.enter(ctx, place, State::WaitPromotion);
        self.emit(ctx, Event::StateWaitPromotion { instance });
    }

    pub(super) fn send_slaveof(&mut self, to: SocketAddr, master: Option<SocketAddr>) {
        let (host, port) = match master {
            Some(addr) => (addr.ip().to_string(), addr.port().to_string()),
            None => ("NO".to_string(), "ONE".to_string()),
        };
        let transaction: [&[&str]; 6] = [
            &["MULTI"],
            &["SLAVEOF", &host, &port],
            &["CONFIG", "REWRITE"],
            &["CLIENT", "KILL", "TYPE", "normal"],
            &["CLIENT", "KILL", "TYPE", "pubsub"],
            &["EXEC"],
        ];
        for command in transaction {
            self.ask(to, command, Asked::Other);
        }
    }

    /// INFO of the chosen replica says that it is a master.
    pub(super) fn on_promoted(&mut self, ctx: &mut Context<'_>, place: Place, replica: SocketAddr) {
        let master = &mut self.masters[place];
        master.config_epoch = master.failover_epoch;
        let (of_replica, of_master) = (master.named_replica(replica), master.named());
        self.enter(ctx, place, State::ReconfSlaves);
        self.flush_config(ctx);
        self.emit(ctx, Event::Promoted { instance: of_replica });
        self.emit(ctx, Event::StateReconf { instance: of_master });
        self.hello_to_all(place);
    }

    fn reconf_slaves(&mut self, ctx: &mut Context<'_>, place: Place) {
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        let Some(promoted) = master.promoted else { return };
        let is_busy = |replica: &&Replica| matches!(replica.reconf, Reconf::Sent(_) | Reconf::InProgress);
        let mut busy = master.replicas.iter().filter(is_busy).count();
        let mut sends = Vec::new();
        for replica in master.replicas.iter_mut().filter(|replica| replica.server.addr != promoted) {
            if busy >= master.parallel_syncs {
                break;
            }
            match replica.reconf {
                Reconf::Done | Reconf::InProgress => {}
                Reconf::Sent(at) => {
                    if now > at + RECONF_TIMEOUT {
                        replica.reconf = Reconf::Done;
                    }
                }
                Reconf::None => {
                    let link = self.links.get(&replica.server.addr);
                    if link.is_some_and(|link| !link.disconnected) {
                        replica.reconf = Reconf::Sent(now);
                        busy += 1;
                        sends.push(replica.server.addr);
                    }
                }
            }
        }
        for addr in sends {
            self.send_slaveof(addr, Some(promoted));
            let instance = self.masters[place].named_replica(addr);
            self.emit(ctx, Event::ReconfSent { instance });
        }
        self.detect_end(ctx, place, promoted);
    }

    fn detect_end(&mut self, ctx: &mut Context<'_>, place: Place, promoted: SocketAddr) {
        let now = self.now_ms(ctx);
        let master = &self.masters[place];
        if master.replicas.iter().any(|replica| replica.server.addr == promoted && replica.server.s_down) {
            return;
        }
        let is_open = |replica: &Replica| {
            replica.server.addr != promoted && replica.reconf != Reconf::Done && !replica.server.s_down
        };
        let timed_out = now > master.state_changed + master.failover_timeout;
        if master.replicas.iter().any(is_open) && !timed_out {
            return;
        }
        let instance = master.named();
        if timed_out {
            self.emit(ctx, Event::FailoverEndForTimeout { instance: instance.clone() });
        }
        self.enter(ctx, place, State::UpdateConfig);
        self.emit(ctx, Event::FailoverEnd { instance });
        if timed_out {
            self.reconf_rest(ctx, place, promoted);
        }
    }

    /// The time is up: replicas that were not told yet whom to follow are told once, whatever comes of it.
    fn reconf_rest(&mut self, ctx: &mut Context<'_>, place: Place, promoted: SocketAddr) {
        let is_left = |replica: &&Replica| {
            let link = self.links.get(&replica.server.addr);
            replica.server.addr != promoted
                && matches!(replica.reconf, Reconf::None | Reconf::InProgress)
                && link.is_some_and(|link| !link.disconnected)
        };
        let left = self.masters[place].replicas.iter().filter(is_left);
        let left: Vec<SocketAddr> = left.map(|replica| replica.server.addr).collect();
        for addr in left {
            self.send_slaveof(addr, Some(promoted));
            let instance = self.masters[place].named_replica(addr);
            self.emit(ctx, Event::ReconfSentBestEffort { instance });
        }
    }

    /// The new address takes effect here (`sentinelFailoverSwitchToPromotedSlave`).
    pub(super) fn switch_to_promoted(&mut self, ctx: &mut Context<'_>, place: Place) {
        let master = &self.masters[place];
        let Some(promoted) = master.promoted else { return };
        let old = master.server.addr;
        self.emit_switch(ctx, place, old, promoted);
        self.change_address(ctx, place, promoted);
    }

    /// `sentinelResetMasterAndChangeAddress`: all connections to servers are made anew.
    pub(super) fn change_address(&mut self, ctx: &mut Context<'_>, place: Place, new: SocketAddr) {
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        let mut servers: Vec<SocketAddr> =
            master.replicas.iter().map(|replica| replica.server.addr).collect();
        servers.push(master.server.addr);
        master.replicas =
            servers.iter().filter(|addr| **addr != new).map(|addr| Replica::new(*addr, now)).collect();
        self.places_at.remove(&master.server.addr);
        self.places_at.insert(new, place);
        master.reset(new, now);
        for addr in servers {
            self.drop_link(ctx, addr);
        }
        self.flush_config(ctx);
    }
}
