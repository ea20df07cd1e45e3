//! A master moves to another address: the replica there takes its place, the former master becomes a
//! replica, and everybody is told.
//!
//! Mirrors `sentinel.c: sentinelResetMasterAndChangeAddress`. Differs from Redis: the leader switches
//! when the promotion is confirmed, not after the other replicas were reconfigured, so that all
//! Sentinels name the new master at the same time; connections to servers that stay are kept; and the
//! opinions and votes of peers, which were about the former address, are dropped.

use alloc::string::ToString;
use alloc::vec::Vec;

use picket_sansio::Millis;

use crate::addr::Addr;
use crate::deferred::Outcome;
use crate::event::Event;
use crate::failover::Failover;
use crate::ids::{InstanceId, MasterId, ReplicaId, SlotId};
use crate::instance::{Replica, Role, Server};
use crate::link::Link;
use crate::network::DEPOSED_PAUSE;
use crate::sentinel::Sentinel;

impl Sentinel {
    /// A Sentinel told us of a newer configuration with another address.
    pub(crate) fn switch_by_hello(&mut self, id: MasterId, to: &Addr) {
        // It ends what we lead: the master must not hand over by our word to somebody else. Its clients wait until it
        // is told whom to follow: what they write to it now is lost.
        self.take_back(id);
        let from = self.current_addr(id);
        let announce = self.settings.announce();
        let Some(master) = self.masters.get(&id) else { return };
        let event = Event::SwitchMaster {
            name: master.name.clone(),
            old_host: from.announced(announce),
            old_port: from.port,
            new_host: to.announced(announce),
            new_port: to.port,
        };
        self.emit(event);
        self.take_place(id, to);
        self.queue_reconfig_script(id, "observer", &from, to);
        self.emit_replicas(id);
        self.persist();
        // Whoever led the failover learns that we agree, and can demote the former master.
        self.force_hello(id);
        self.touch_master(id);
    }

    /// The configuration that we made is on disk: now it may leave. A disk that fails is told, but the
    /// promotion has happened, and a deployment without a master would be the worse end.
    pub(crate) fn announce(&mut self, id: MasterId, epoch: u64, from: &Addr, outcome: &Outcome) {
        let Some(master) = self.masters.get(&id) else { return };
        if master.config_epoch != epoch {
            return;
        }
        if let Outcome::Persisted(Err(reason)) = outcome {
            let reason = reason.clone();
            self.emit(Event::ToldUnsaved { what: "the new configuration", reason });
        }
        let announce = self.settings.announce();
        let Some(master) = self.masters.get(&id) else { return };
        let to = &master.server.instance.addr;
        let event = Event::SwitchMaster {
            name: master.name.clone(),
            old_host: from.announced(announce),
            old_port: from.port,
            new_host: to.announced(announce),
            new_port: to.port,
        };
        self.emit(event);
        self.emit_replicas(id);
        self.force_hello(id);
    }

    /// `+slave` for each replica of a new configuration, as the reference re-creates them.
    fn emit_replicas(&mut self, id: MasterId) {
        let Some(master) = self.masters.get(&id) else { return };
        let replicas: Vec<ReplicaId> = master.replicas.keys().copied().collect();
        for replica in replicas {
            let instance = self.instance_ref(InstanceId::Replica(id, replica));
            self.emit(Event::ReplicaAdded { instance });
        }
    }

    /// Puts the server at `to` in the master's place and the former master among the replicas.
    pub(crate) fn take_place(&mut self, id: MasterId, to: &Addr) {
        let now = self.now;
        let id_of_master = InstanceId::Master(id);
        self.counters.replica += 1;
        let former_id = ReplicaId(self.counters.replica);
        let id_of_former = InstanceId::Replica(id, former_id);
        let Some(master) = self.masters.get_mut(&id) else { return };
        let known = master.replica_by_addr(to).and_then(|replica| {
            let server = master.replicas.remove(&replica)?.server;
            Some((InstanceId::Replica(id, replica), server))
        });
        let (new_server, new_from) = match known {
            Some((from, server)) => (server, Some(from)),
            None => {
                self.counters.slot += 1;
                let slot = SlotId(self.counters.slot);
                self.links.insert(slot, Link::new(now, id_of_master));
                (Server::new(now, to.clone(), slot, Role::Master), None)
            }
        };
        let new_slot = new_server.instance.slot;
        let Some(master) = self.masters.get_mut(&id) else { return };
        let mut former = Replica::new(core::mem::replace(&mut master.server, new_server));
        let former_slot = former.server.instance.slot;
        former.deposed_at = Some(now);
        // It is down as a replica too, if it is: that is found, and told, anew.
        former.server.instance.s_down = false;
        former.server.reboot_at = None;
        former.server.script_kill_sent = false;
        // A master's INFO says nothing of a link to a master; as a replica it starts afresh.
        former.server.master_host = None;
        former.server.master_link_up = false;
        former.server.offset = 0;
        former.server.synced_offset = None;
        let has_port = former.server.instance.addr.port != 0;
        if has_port {
            master.replicas.insert(former_id, former);
        }

        let server = &mut master.server;
        server.instance.addr = Addr { ip: to.ip.or(server.instance.addr.ip), ..to.clone() };
        server.instance.s_down = false;
        server.instance.s_down_since = None;
        if server.role_reported != Role::Master {
            server.role_reported = Role::Master;
            server.role_reported_at = now;
            // Nobody is told to follow it before it has said itself that it is one.
            server.info_at = None;
        }
        server.info_forced = true;
        server.reboot_at = None;
        server.master_link_down = Millis(0);
        master.o_down = false;
        master.o_down_since = None;
        master.failover = Failover::None;
        master.leader = None;
        master.hold = None;
        master.hold_told = false;
        master.start_at = None;
        master.attempts = 0;
        for replica in master.replicas.values_mut() {
            replica.reconf = None;
            replica.fixed_at = None;
            // Until now it was right to follow the former master: who leads the failover tells it, a few
            // replicas at a time.
            replica.server.replica_conf_changed_at = now;
            replica.server.role_reported_at = now;
        }
        for peer in master.peers.values_mut() {
            peer.opinion = None;
            peer.vote = None;
            peer.asked_at = None;
            peer.ask_pause = Millis(0);
            peer.ask_forced = false;
        }
        if has_port {
            self.rename_instance(former_slot, id_of_master, id_of_former);
        } else {
            self.abandon(former_slot);
        }
        if let Some(link) = self.links.get_mut(&former_slot) {
            link.next_attempt = link.next_attempt.min(now + DEPOSED_PAUSE);
        }
        if let Some(from) = new_from {
            self.rename_instance(new_slot, from, id_of_master);
        }
        // The new master has its whole down-after before it can be called down in its new place.
        if let Some(link) = self.links.get_mut(&new_slot) {
            if link.act_ping.is_some() {
                link.act_ping = Some(now);
            }
            link.last_avail = link.last_avail.max(now);
            link.last_pong = link.last_pong.max(now);
        }
        self.touch_master(id);
    }

    /// Queues the client reconfiguration script of a master.
    pub(crate) fn queue_reconfig_script(&mut self, id: MasterId, role: &str, from: &Addr, to: &Addr) {
        let announce = self.settings.announce();
        let Some(master) = self.masters.get(&id) else { return };
        let Some(script) = master.settings.client_reconfig_script.clone() else { return };
        let argv = alloc::vec![
            script,
            master.name.clone(),
            role.to_string(),
            "start".to_string(),
            from.announced(announce),
            from.port.to_string(),
            to.announced(announce),
            to.port.to_string(),
        ];
        self.queue_script(argv);
    }
}
