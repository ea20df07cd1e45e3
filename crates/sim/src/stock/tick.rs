//! The tick: everything is looked at in turn (`sentinelTimer`, `sentinelHandleRedisInstance`).

use core::net::SocketAddr;

use picket_sansio::Millis;
use picket_sentinel_core::{DownReason, Event, TiltReason};

use super::StockSentinel;
use super::instances::State;
use super::links::{Asked, Place};
use crate::context::Context;

const INFO_PERIOD: u64 = 10_000;
const INFO_BUSY: u64 = 1_000;
const PUBLISH_PERIOD: u64 = 2_000;
/// Ticks further apart than this mean that the process cannot trust its own times.
const TILT_TRIGGER: u64 = 2_000;
const TILT_PERIOD: u64 = 30_000;
/// Requests on the way to one instance, at most.
const PENDING_MAX: usize = 100;

/// Which instance of a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Master,
    Replica(usize),
    Peer(usize),
}

impl StockSentinel {
    pub(super) fn tick(&mut self, ctx: &mut Context<'_>) {
        let now = self.now_ms(ctx);
        let between = now.saturating_sub(self.last_tick);
        self.last_tick = now;
        if between > TILT_TRIGGER {
            self.tilt_since = Some(now);
            self.emit(ctx, Event::TiltEntered { reason: TiltReason::Stalled(Millis(between)) });
        }
        let mut to_switch = None;
        for place in 0..self.masters.len() {
            self.run_instance(ctx, place, Who::Master);
            let (replicas, peers) = (self.masters[place].replicas.len(), self.masters[place].peers.len());
            for index in 0..replicas {
                self.run_instance(ctx, place, Who::Replica(index));
            }
            for index in 0..peers {
                self.run_instance(ctx, place, Who::Peer(index));
            }
            if self.masters[place].state == State::UpdateConfig {
                to_switch = Some(place);
            }
        }
        if let Some(place) = to_switch {
            self.switch_to_promoted(ctx, place);
        }
    }

    fn run_instance(&mut self, ctx: &mut Context<'_>, place: Place, who: Who) {
        let master = &self.masters[place];
        let addr = match who {
            Who::Master => master.server.addr,
            Who::Replica(index) => master.replicas[index].server.addr,
            Who::Peer(index) => master.peers[index].addr,
        };
        self.reconnect(ctx, addr, !matches!(who, Who::Peer(_)));
        self.send_periodic(ctx, place, who, addr);
        if let Some(since) = self.tilt_since {
            if self.now_ms(ctx) < since + TILT_PERIOD {
                return;
            }
            self.tilt_since = None;
            self.emit(ctx, Event::TiltExited);
        }
        self.check_subjectively_down(ctx, place, who, addr);
        if who == Who::Master {
            self.check_objectively_down(ctx, place);
            if self.start_failover_if_needed(ctx, place) {
                self.ask_others(ctx, place, true);
            }
            self.run_failover(ctx, place);
            self.ask_others(ctx, place, false);
        }
    }

    fn send_periodic(&mut self, ctx: &mut Context<'_>, place: Place, who: Who, addr: SocketAddr) {
        let now = self.now_ms(ctx);
        let shared = if matches!(who, Who::Peer(_)) { self.masters.len() } else { 1 };
        let Some(link) = self.links.get(&addr) else { return };
        if link.disconnected || link.pending() >= PENDING_MAX * shared {
            return;
        }
        let (last_pong, last_ping) = (link.last_pong, link.last_ping);
        let master = &self.masters[place];
        let ping_period = master.ping_period();
        let (info_refresh, last_pub) = match who {
            Who::Master => (Some(master.server.info_refresh), master.server.last_pub),
            Who::Replica(index) => {
                let server = &master.replicas[index].server;
                (Some(server.info_refresh), server.last_pub)
            }
            Who::Peer(index) => (None, master.peers[index].last_pub),
        };
        let is_busy = matches!(who, Who::Replica(index)
            if master.o_down || master.is_failing_over() || master.replicas[index].server.master_link_down_ms > 0);
        let info_period = if is_busy { INFO_BUSY } else { INFO_PERIOD };
        if info_refresh.is_some_and(|at| at == 0 || now > at + info_period) {
            self.ask(addr, &["INFO"], Asked::Info(place));
        }
        if now > last_pong + ping_period && now > last_ping + ping_period / 2 {
            self.ping(ctx, addr);
        }
        if now > last_pub + PUBLISH_PERIOD {
            self.send_hello(place, addr);
        }
    }

    fn check_subjectively_down(&mut self, ctx: &mut Context<'_>, place: Place, who: Who, addr: SocketAddr) {
        let now = self.now_ms(ctx);
        let Some(link) = self.links.get(&addr) else { return };
        let elapsed = if link.act_ping > 0 {
            now.saturating_sub(link.act_ping)
        } else if link.disconnected {
            now.saturating_sub(link.last_avail)
        } else {
            0
        };
        let is_connected = !link.disconnected;
        let master = &mut self.masters[place];
        let server = &master.server;
        let wrong_role = who == Who::Master
            && !server.says_master
            && now > server.role_reported_at + master.down_after + 2 * INFO_PERIOD;
        let is_down = elapsed > master.down_after || wrong_role;
        let s_down = match who {
            Who::Master => &mut master.server.s_down,
            Who::Replica(index) => &mut master.replicas[index].server.s_down,
            Who::Peer(index) => &mut master.peers[index].s_down,
        };
        if *s_down == is_down {
            return;
        }
        *s_down = is_down;
        if is_down && who == Who::Master {
            master.down_since = now;
        }
        let instance = match who {
            Who::Master => master.named(),
            Who::Replica(_) => master.named_replica(addr),
            Who::Peer(index) => master.named_peer(&master.peers[index]),
        };
        let event = match (is_down, is_connected) {
            (false, _) => Event::SubjectivelyUp { instance },
            (true, true) => {
                let reason = DownReason::NoValidReply(Millis(elapsed), None);
                Event::SubjectivelyDown { instance, reason }
            }
            (true, false) => {
                let reason = DownReason::Disconnected(Millis(elapsed), None);
                Event::SubjectivelyDown { instance, reason }
            }
        };
        self.emit(ctx, event);
    }
}
