//! INFO of servers (`sentinelRefreshInstanceInfo`).

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sansio::Millis;
use picket_sentinel_core::Event;

use super::StockSentinel;
use super::instances::{Reconf, Replica, State};
use super::links::Place;
use crate::context::Context;

/// How long a replica may call itself master: four hello periods.
const WRONG_ROLE: u64 = 8_000;

impl StockSentinel {
    pub(super) fn on_info(&mut self, ctx: &mut Context<'_>, place: Place, from: SocketAddr, text: &str) {
        let now = self.now_ms(ctx);
        let is_tilt = self.tilt_since.is_some();
        let master = &mut self.masters[place];
        let is_master = master.server.addr == from;
        let server = if is_master {
            &mut master.server
        } else {
            match master.replica_mut(from) {
                Some(replica) => &mut replica.server,
                None => return,
            }
        };
        let mut listed: Vec<SocketAddr> = Vec::new();
        let (mut host, mut port) = ("", "");
        server.master_link_down_ms = 0;
        server.info_refresh = now;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            match key {
                "run_id" => server.run_id = value.to_string(),
                "role" => {
                    let says_master = value == "master";
                    if says_master != server.says_master {
                        server.says_master = says_master;
                        server.role_reported_at = now;
                        server.conf_changed_at = now;
                    }
                }
                "master_host" => host = value,
                "master_port" => port = value,
                "master_link_status" => server.master_link_up = value == "up",
                "slave_priority" => server.priority = value.parse().unwrap_or(0),
                "slave_repl_offset" => server.offset = value.parse().unwrap_or(0),
                "master_link_down_since_seconds" => {
                    server.master_link_down_ms = value.parse::<u64>().unwrap_or(0) * 1000;
                }
                _ if key.strip_prefix("slave").is_some_and(|number| number.parse::<u32>().is_ok()) => {
                    let field = |name: &str| value.split(',').find_map(|part| part.strip_prefix(name));
                    if let (Some(ip), Some(port)) = (field("ip="), field("port=")) {
                        listed.extend(format!("{ip}:{port}").parse::<SocketAddr>());
                    }
                }
                _ => {}
            }
        }
        let follows = if server.says_master { None } else { format!("{host}:{port}").parse().ok() };
        if follows != server.master {
            server.master = follows;
            server.conf_changed_at = now;
        }
        if is_master {
            self.learn_replicas(ctx, place, &listed);
        } else if !is_tilt {
            self.on_replica_info(ctx, place, from);
        }
    }

    fn learn_replicas(&mut self, ctx: &mut Context<'_>, place: Place, listed: &[SocketAddr]) {
        let now = self.now_ms(ctx);
        for addr in listed {
            let master = &mut self.masters[place];
            if *addr != master.server.addr && master.replica_mut(*addr).is_none() {
                master.replicas.push(Replica::new(*addr, now));
                let instance = master.named_replica(*addr);
                self.emit(ctx, Event::ReplicaAdded { instance });
                self.flush_config(ctx);
            }
        }
    }

    fn on_replica_info(&mut self, ctx: &mut Context<'_>, place: Place, from: SocketAddr) {
        let now = self.now_ms(ctx);
        let master = &mut self.masters[place];
        let master_addr = master.server.addr;
        let is_sane = master.server.says_master
            && !master.server.s_down
            && !master.o_down
            && now < master.server.info_refresh + 20_000;
        let (state, promoted, patience) = (master.state, master.promoted, master.failover_timeout);
        let is_failing_over = master.is_failing_over();
        let Some(replica) = master.replica_mut(from) else { return };
        let server = &replica.server;
        if server.says_master {
            if state == State::WaitPromotion && promoted == Some(from) {
                self.on_promoted(ctx, place, from);
            } else if !is_failing_over && is_sane && now > server.role_reported_at + WRONG_ROLE {
                let reported_for = Millis(now - server.role_reported_at);
                self.send_slaveof(from, Some(master_addr));
                let instance = self.masters[place].named_replica(from);
                self.emit(ctx, Event::ConvertToReplica { instance, reported_for, confirmed_by: Vec::new() });
            }
            return;
        }
        let follows_promoted = promoted.is_some_and(|promoted| server.follows(promoted));
        if matches!(replica.reconf, Reconf::Sent(_)) && follows_promoted {
            replica.reconf = Reconf::InProgress;
        }
        if replica.reconf == Reconf::InProgress && replica.server.master_link_up {
            replica.reconf = Reconf::Done;
        }
        let server = &replica.server;
        if !is_failing_over
            && is_sane
            && server.master != Some(master_addr)
            && now > server.conf_changed_at + patience
        {
            self.send_slaveof(from, Some(master_addr));
        }
    }
}
