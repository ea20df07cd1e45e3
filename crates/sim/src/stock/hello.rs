//! Hello messages: who is there, and newer configurations (`sentinelSendHello`, `sentinelProcessHelloMessage`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sentinel_core::Event;

use super::StockSentinel;
use super::instances::Peer;
use super::links::{Asked, Place};
use crate::context::Context;

pub(super) const CHANNEL: &str = "__sentinel__:hello";

impl StockSentinel {
    pub(super) fn send_hello(&mut self, place: Place, to: SocketAddr) {
        let master = &self.masters[place];
        // While the failover goes on the new address is told already.
        let addr = master.promoted.filter(|_| master.is_promotion_seen()).unwrap_or(master.server.addr);
        let payload = format!(
            "{},{},{},{},{},{},{},{}",
            self.addr.ip(),
            self.addr.port(),
            self.my_id,
            self.current_epoch,
            master.name,
            addr.ip(),
            addr.port(),
            master.config_epoch
        );
        self.ask(to, &["PUBLISH", CHANNEL, &payload], Asked::Hello(place));
    }

    pub(super) fn on_hello_taken(&mut self, place: Place, from: SocketAddr, now: u64) {
        let master = &mut self.masters[place];
        if master.server.addr == from {
            master.server.last_pub = now;
        } else if let Some(replica) = master.replica_mut(from) {
            replica.server.last_pub = now;
        } else if let Some(peer) = master.peers.iter_mut().find(|peer| peer.addr == from) {
            peer.last_pub = now;
        }
    }

    /// The next tick tells everybody (`sentinelForceHelloUpdateForMaster`).
    pub(super) fn hello_to_all(&mut self, place: Place) {
        let master = &mut self.masters[place];
        let replicas = master.replicas.iter_mut().map(|replica| &mut replica.server.last_pub);
        let peers = master.peers.iter_mut().map(|peer| &mut peer.last_pub);
        for last_pub in replicas.chain(peers).chain([&mut master.server.last_pub]) {
            *last_pub = last_pub.saturating_sub(2_001);
        }
    }

    pub(super) fn on_hello(&mut self, ctx: &mut Context<'_>, payload: &str) {
        let fields: Vec<&str> = payload.split(',').collect();
        let [host, port, run_id, current_epoch, name, master_host, master_port, config_epoch] = fields[..]
        else {
            return;
        };
        let (Ok(current_epoch), Ok(config_epoch)) =
            (current_epoch.parse::<u64>(), config_epoch.parse::<u64>())
        else {
            return;
        };
        let (Ok(addr), Ok(master_addr)) = (
            format!("{host}:{port}").parse::<SocketAddr>(),
            format!("{master_host}:{master_port}").parse::<SocketAddr>(),
        ) else {
            return;
        };
        let Some(place) = self.places.get(name).copied() else { return };
        if run_id == self.my_id {
            return;
        }
        self.learn_peer(ctx, place, run_id, addr);
        if current_epoch > self.current_epoch {
            self.current_epoch = current_epoch;
            self.flush_config(ctx);
            let master = self.masters[place].name.clone();
            self.emit(ctx, Event::NewEpoch { master, epoch: current_epoch });
        }
        let master = &mut self.masters[place];
        if config_epoch > master.config_epoch {
            master.config_epoch = config_epoch;
            let old = master.server.addr;
            if old != master_addr {
                self.emit_switch(ctx, place, old, master_addr);
                self.change_address(ctx, place, master_addr);
            }
        }
    }

    fn learn_peer(&mut self, ctx: &mut Context<'_>, place: Place, run_id: &str, addr: SocketAddr) {
        let master = &mut self.masters[place];
        if master.peers.iter().any(|peer| peer.run_id == run_id && peer.addr == addr) {
            return;
        }
        master.peers.retain(|peer| peer.run_id != run_id && peer.addr != addr);
        let peer = Peer::new(addr, run_id);
        let instance = master.named_peer(&peer);
        master.peers.push(peer);
        self.emit(ctx, Event::SentinelAdded { instance });
        self.flush_config(ctx);
    }

    pub(super) fn emit_switch(
        &mut self,
        ctx: &mut Context<'_>,
        place: Place,
        old: SocketAddr,
        new: SocketAddr,
    ) {
        let host = |addr: SocketAddr| -> String { addr.ip().to_string() };
        let event = Event::SwitchMaster {
            name: self.masters[place].name.clone(),
            old_host: host(old),
            old_port: old.port(),
            new_host: host(new),
            new_port: new.port(),
        };
        self.emit(ctx, event);
    }
}
