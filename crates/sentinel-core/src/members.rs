//! Who is known: adding, finding, moving and forgetting masters, replicas and other Sentinels.
//!
//! Mirrors `sentinel.c: createSentinelRedisInstance`, `sentinelTryConnectionSharing`,
//! `sentinelResetMaster`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::event::{InstanceRef, Kind};
use crate::failover::Failover;
use crate::ids::{InstanceId, MasterId, PeerId, ReplicaId, SlotId};
use crate::instance::{Instance, Master, Peer, Refusals, Replica, Role, Server};
use crate::link::{Link, Pending};
use crate::sentinel::Sentinel;
use crate::settings::MasterSettings;
use crate::timers::Timer;

/// How many replicas, and how many other Sentinels, one master may have. Far above any real deployment:
/// it bounds what a hostile INFO or hello can make us keep.
pub(crate) const MEMBERS_MAX: usize = 1024;

impl Sentinel {
    /// The master of this name.
    pub(crate) fn master_id(&self, name: &str) -> Option<MasterId> {
        self.names.get(name).copied()
    }

    /// The instance, if it is still known.
    pub(crate) fn instance(&self, id: InstanceId) -> Option<&Instance> {
        match id {
            InstanceId::Peer(master, peer) => Some(&self.masters.get(&master)?.peers.get(&peer)?.instance),
            InstanceId::Master(_) | InstanceId::Replica(..) => Some(&self.server(id)?.instance),
        }
    }

    pub(crate) fn instance_mut(&mut self, id: InstanceId) -> Option<&mut Instance> {
        match id {
            InstanceId::Peer(master, peer) => {
                Some(&mut self.masters.get_mut(&master)?.peers.get_mut(&peer)?.instance)
            }
            InstanceId::Master(_) | InstanceId::Replica(..) => Some(&mut self.server_mut(id)?.instance),
        }
    }

    /// The data server, if it is one and still known.
    pub(crate) fn server(&self, id: InstanceId) -> Option<&Server> {
        let master = self.masters.get(&id.master())?;
        match id {
            InstanceId::Master(_) => Some(&master.server),
            InstanceId::Replica(_, replica) => Some(&master.replicas.get(&replica)?.server),
            InstanceId::Peer(..) => None,
        }
    }

    pub(crate) fn server_mut(&mut self, id: InstanceId) -> Option<&mut Server> {
        let master = self.masters.get_mut(&id.master())?;
        match id {
            InstanceId::Master(_) => Some(&mut master.server),
            InstanceId::Replica(_, replica) => Some(&mut master.replicas.get_mut(&replica)?.server),
            InstanceId::Peer(..) => None,
        }
    }

    /// `down-after-milliseconds` of the instance's master.
    pub(crate) fn down_after(&self, id: InstanceId) -> Millis {
        self.masters.get(&id.master()).map_or(self.periods.default_down_after, |m| m.settings.down_after)
    }

    /// An instance as events name it.
    pub(crate) fn instance_ref(&self, id: InstanceId) -> InstanceRef {
        let announce = self.settings.announce();
        let unknown = || InstanceRef {
            kind: Kind::Master,
            name: String::new(),
            host: String::new(),
            port: 0,
            master: None,
        };
        let Some(master) = self.masters.get(&id.master()) else { return unknown() };
        let Some(instance) = self.instance(id) else { return unknown() };
        let of_master = || {
            let addr = &master.server.instance.addr;
            Some((master.name.clone(), addr.announced(announce), addr.port))
        };
        let (kind, name, of) = match id {
            InstanceId::Master(_) => (Kind::Master, master.name.clone(), None),
            InstanceId::Replica(..) => {
                (Kind::Replica, instance.addr.announced_with_port(announce), of_master())
            }
            InstanceId::Peer(..) => (Kind::Sentinel, instance.run_id.clone(), of_master()),
        };
        InstanceRef {
            kind,
            name,
            host: instance.addr.announced(announce),
            port: instance.addr.port,
            master: of,
        }
    }

    /// The address of the master in force.
    pub(crate) fn current_addr(&self, id: MasterId) -> Addr {
        self.masters[&id].server.instance.addr.clone()
    }

    /// Every instance of a master: itself, its replicas, its peers.
    pub(crate) fn instances_of(&self, id: MasterId) -> Vec<InstanceId> {
        let Some(master) = self.masters.get(&id) else { return Vec::new() };
        let replicas = master.replicas.keys().map(|replica| InstanceId::Replica(id, *replica));
        let peers = master.peers.keys().map(|peer| InstanceId::Peer(id, *peer));
        core::iter::once(InstanceId::Master(id)).chain(replicas).chain(peers).collect()
    }

    pub(crate) fn new_link(&mut self, user: InstanceId) -> SlotId {
        self.counters.slot += 1;
        let slot = SlotId(self.counters.slot);
        self.links.insert(slot, Link::new(self.now, user));
        self.touch(Timer::Link(slot));
        self.touch(Timer::Instance(user));
        slot
    }

    /// Begins to watch a master. The words of an error are those of the reference.
    pub(crate) fn add_master(
        &mut self,
        name: String,
        addr: Addr,
        settings: MasterSettings,
    ) -> Result<MasterId, &'static str> {
        if self.names.contains_key(&name) {
            return Err("Duplicate master name.");
        }
        if addr.ip.is_none() && !self.settings.resolve_hostnames {
            return Err("Can't resolve instance hostname.");
        }
        self.counters.master += 1;
        let id = MasterId(self.counters.master);
        let slot = self.new_link(InstanceId::Master(id));
        let master = Master {
            id,
            name: name.clone(),
            server: Server::new(self.now, addr, slot, Role::Master),
            settings,
            replicas: picket_sansio::collections::BTreeMap::new(),
            peers: picket_sansio::collections::BTreeMap::new(),
            config_epoch: 0,
            leader: None,
            leader_epoch: 0,
            o_down: false,
            o_down_since: None,
            no_quorum_told: false,
            failover: Failover::None,
            hold: None,
            hold_told: false,
            start_at: None,
            attempts: 0,
            vote_ticket: picket_sansio::Ticket(0),
            refused: None,
            refusals: Refusals::default(),
            aside: None,
            has_listened: false,
            deaf_since: None,
            rivals: None,
            calm_from: self.now + self.settling_time(),
        };
        self.masters.insert(id, master);
        self.names.insert(name, id);
        Ok(id)
    }

    /// Ceases to watch a master.
    pub(crate) fn remove_master(&mut self, id: MasterId) {
        self.drop_handover(id);
        for instance in self.instances_of(id) {
            self.release(instance);
        }
        if let Some(master) = self.masters.remove(&id) {
            self.names.remove(&master.name);
        }
    }

    /// Gives up an instance's share of its link, and its timer.
    pub(crate) fn release(&mut self, id: InstanceId) {
        self.timers.set(Timer::Instance(id), None);
        let Some(slot) = self.instance(id).map(|instance| instance.slot) else { return };
        let Some(link) = self.links.get_mut(&slot) else { return };
        link.users.retain(|user| *user != id);
        if link.users.is_empty() {
            self.abandon(slot);
        }
    }

    /// Adds a replica; `None` if it is known, is the master itself, or its name means nothing here.
    pub(crate) fn add_replica(&mut self, id: MasterId, addr: Addr) -> Option<ReplicaId> {
        if addr.ip.is_none() && !self.settings.resolve_hostnames {
            return None;
        }
        let master = self.masters.get(&id)?;
        if master.replica_by_addr(&addr).is_some()
            || master.server.instance.addr.is_same(&addr)
            || master.replicas.len() >= MEMBERS_MAX
        {
            return None;
        }
        self.counters.replica += 1;
        let replica = ReplicaId(self.counters.replica);
        let slot = self.new_link(InstanceId::Replica(id, replica));
        let server = Server::new(self.now, addr, slot, Role::Replica);
        self.masters.get_mut(&id)?.replicas.insert(replica, Replica::new(server));
        self.touch_master(id);
        Some(replica)
    }

    /// True if an instance is the server of its own master, known a second time under another name.
    pub(crate) fn is_master_itself(&self, id: InstanceId) -> bool {
        let Some(master) = self.masters.get(&id.master()) else { return false };
        let Some(instance) = self.instance(id) else { return false };
        let now = &master.server.instance;
        !matches!(id, InstanceId::Master(_))
            && (now.addr.is_same(&instance.addr) || (!now.run_id.is_empty() && now.run_id == instance.run_id))
    }

    /// Forgets replicas that turned out, once their names were resolved, to be the master or a replica
    /// that is known already.
    pub(crate) fn merge_replicas(&mut self, id: MasterId) {
        let Some(master) = self.masters.get(&id) else { return };
        let promoted = master.failover.promoted();
        let mut twice = Vec::new();
        let mut seen: Vec<&Addr> = alloc::vec![&master.server.instance.addr];
        // The one that is being promoted stays, whoever else it is.
        let first = promoted.and_then(|replica| master.replicas.get_key_value(&replica));
        let others = master.replicas.iter().filter(|(replica, _)| Some(**replica) != promoted);
        for (replica_id, replica) in first.into_iter().chain(others) {
            let addr = &replica.server.instance.addr;
            if Some(*replica_id) != promoted && seen.iter().any(|known| known.is_same(addr)) {
                twice.push(*replica_id);
            } else {
                seen.push(addr);
            }
        }
        if twice.is_empty() {
            return;
        }
        for replica in twice {
            self.remove_replica(id, replica);
        }
        self.persist();
    }

    /// Adds another Sentinel; where it is a peer of another master already, that link is shared.
    pub(crate) fn add_peer(&mut self, id: MasterId, addr: Addr, run_id: &str) -> Option<PeerId> {
        if self.masters.get(&id)?.peers.len() >= MEMBERS_MAX {
            return None;
        }
        self.counters.peer += 1;
        let peer = PeerId(self.counters.peer);
        let user = InstanceId::Peer(id, peer);
        // Whoever is known at all is so soon, in one of the first masters.
        let mut peers = self.masters.values().flat_map(|master| master.peers.values());
        let shared = peers.find(|peer| peer.instance.run_id == run_id).map(|peer| peer.instance.slot);
        let slot = match shared {
            Some(slot) => {
                if let Some(link) = self.links.get_mut(&slot) {
                    link.users.push(user);
                }
                self.touch(Timer::Instance(user));
                slot
            }
            None => self.new_link(user),
        };
        let instance = Instance::new(self.now, addr, run_id.to_string(), slot);
        self.masters.get_mut(&id)?.peers.insert(peer, Peer::new(self.now, instance));
        self.unsettle(id);
        self.touch_master(id);
        Some(peer)
    }

    /// The same Sentinel as peer of each master that it watches with us.
    pub(crate) fn peers_of_process(&self, run_id: &str) -> Vec<InstanceId> {
        let find = |master: &Master| Some(InstanceId::Peer(master.id, master.peer_by_run_id(run_id)?));
        self.masters.values().filter_map(find).collect()
    }

    /// Forgets a peer of one master.
    pub(crate) fn remove_peer(&mut self, id: MasterId, peer: PeerId) {
        self.release(InstanceId::Peer(id, peer));
        if let Some(master) = self.masters.get_mut(&id) {
            master.peers.remove(&peer);
            if let Failover::Election(election) = &mut master.failover {
                election.ballots.remove(&peer);
            }
        }
        self.touch_master(id);
    }

    /// Forgets a replica.
    pub(crate) fn remove_replica(&mut self, id: MasterId, replica: ReplicaId) {
        self.release(InstanceId::Replica(id, replica));
        if let Some(master) = self.masters.get_mut(&id) {
            master.replicas.remove(&replica);
        }
        self.touch_master(id);
    }

    /// Master and replicas reconnect, as their credentials changed.
    pub(crate) fn drop_links(&mut self, id: MasterId) {
        let servers = self.instances_of(id).into_iter().filter(|id| !matches!(id, InstanceId::Peer(..)));
        let slots: Vec<SlotId> =
            servers.filter_map(|id| self.instance(id)).map(|instance| instance.slot).collect();
        for slot in slots {
            self.redial(slot, "credentials changed");
        }
    }

    /// Every other Sentinel is connected anew, as our credentials for them changed.
    pub(crate) fn drop_peer_links(&mut self) {
        let slots: Vec<SlotId> =
            self.links.iter().filter(|(_, link)| !link.wants_pubsub()).map(|(slot, _)| *slot).collect();
        for slot in slots {
            self.redial(slot, "credentials changed");
        }
    }

    /// Makes `server`, which was `from`, known as `to`: what it was asked is answered to the new id.
    pub(crate) fn rename_instance(&mut self, slot: SlotId, from: InstanceId, to: InstanceId) {
        let Some(link) = self.links.get_mut(&slot) else { return };
        for user in &mut link.users {
            if *user == from {
                *user = to;
            }
        }
        for pending in &mut link.pending {
            match pending {
                Pending::Info(id) | Pending::Hello(id) | Pending::Ask(id, ..) | Pending::Reconfigured(id)
                    if *id == from =>
                {
                    *id = to;
                }
                _ => (),
            }
        }
        self.timers.set(Timer::Instance(from), None);
        self.touch(Timer::Instance(to));
        self.touch(Timer::Link(slot));
    }

    /// A part of the core is to look again before this input is done with.
    pub(crate) fn touch(&mut self, timer: Timer) {
        self.dirty.insert(timer);
    }

    /// Everything of a master is to look again.
    pub(crate) fn touch_master(&mut self, id: MasterId) {
        for instance in self.instances_of(id) {
            self.touch(Timer::Instance(instance));
            if let Some(slot) = self.instance(instance).map(|instance| instance.slot) {
                self.touch(Timer::Link(slot));
            }
        }
    }

    /// When the link of an instance may have been heard last, for `last_avail` rules.
    pub(crate) fn last_avail(&self, instance: &Instance) -> Time {
        self.links.get(&instance.slot).map_or(Time(0), |link| link.last_avail)
    }

    /// The `disconnected` flag of an instance.
    pub(crate) fn is_disconnected(&self, instance: &Instance) -> bool {
        self.links.get(&instance.slot).is_none_or(Link::is_disconnected)
    }
}
