//! What INFO of a server changes. Mirrors `sentinel.c: sentinelRefreshInstanceInfo` (its acting half).

use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::deferred::Deferred;
use crate::event::{Event, Kind};
use crate::failover::{Failover, Phase};
use crate::ids::{InstanceId, MasterId, ReplicaId};
use crate::info::Info;
use crate::instance::{Reconf, Role};
use crate::link::Connection;
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// How long a replica that calls itself master is left alone, so that a newer configuration can
/// reach us first: four hello periods.
const CONVERT_PERIODS: u64 = 4;
/// How many hello periods a confirmation of the configuration is good for.
const CONFIRMED_PERIODS: u64 = 2;
/// A server that was told whom to follow is not told again within this time.
const FIX_PAUSE: Millis = Millis(1_000);
/// The same for a former master, whose every write meanwhile is lost.
const FIX_PAUSE_DEPOSED: Millis = Millis(300);
/// Room for the text of INFO that is never given back: what the INFO of most servers takes, in bytes.
const ROOM_KEPT: usize = 8 * 1024;

impl Sentinel {
    /// The answer to INFO.
    pub(crate) fn on_info_reply(&mut self, id: InstanceId, reply: Reply) {
        let now = self.now;
        if let Some(server) = self.server_mut(id) {
            server.info_pending = false;
        }
        self.touch(Timer::Instance(id));
        self.touch(Timer::Instance(InstanceId::Master(id.master())));
        let text = match reply {
            Reply::Bulk(text) | Reply::Verbatim(_, text) => text,
            _ => return,
        };
        let info = Info::parse(&text);
        let Some(server) = self.server_mut(id) else { return };
        server.info_text = Some(kept(server.info_text.take(), &text));
        server.info_at = Some(now);
        let failover_before = server.failover_state;
        self.on_run_id(id, info.run_id.as_ref());
        if let InstanceId::Master(master) = id {
            self.on_listed_replicas(master, &info);
        }
        let was_linked = self.is_linked(id);
        self.store_replication(id, &info);
        self.on_role(id, info.role);
        if !was_linked && self.is_linked(id) {
            self.on_linked(id);
        }
        if self.tilt_since.is_some() {
            return;
        }
        if let InstanceId::Master(master) = id {
            self.on_handover_info(master, failover_before);
            // Former masters may wait for this word.
            for instance in self.instances_of(master) {
                self.touch(Timer::Instance(instance));
            }
        }
        if let InstanceId::Replica(master, replica) = id {
            self.on_replica_info(master, replica, info.role);
        }
    }

    fn on_run_id(&mut self, id: InstanceId, run_id: Option<&String>) {
        let now = self.now;
        let Some(run_id) = run_id else { return };
        let watch =
            self.masters.get(&id.master()).is_some_and(|m| m.settings.master_reboot_down_after > Millis(0));
        let Some(server) = self.server_mut(id) else { return };
        if server.instance.run_id == *run_id {
            return;
        }
        let rebooted = !server.instance.run_id.is_empty();
        server.instance.run_id.clone_from(run_id);
        server.run_since = Some(now);
        if rebooted {
            server.offset = 0;
            if watch && matches!(id, InstanceId::Master(_)) {
                server.reboot_at = Some(now);
            }
            let instance = self.instance_ref(id);
            self.emit(Event::Reboot { instance });
        }
    }

    fn on_listed_replicas(&mut self, id: MasterId, info: &Info) {
        for (host, port) in &info.replicas {
            let addr = self.addr_of(host, *port);
            let known = self.masters.get(&id).is_none_or(|master| {
                master.replica_by_addr(&addr).is_some() || master.server.instance.addr.is_same(&addr)
            });
            if known {
                continue;
            }
            if addr.ip.is_none() && self.settings.resolve_hostnames {
                // It may be one that is known by its address.
                let then = Deferred::ReplicaNamed { master: id, host: host.clone(), port: *port };
                self.resolve_once(host, then);
            } else {
                self.on_listed_replica(id, addr);
            }
        }
    }

    /// A master lists a replica at this address.
    pub(crate) fn on_listed_replica(&mut self, id: MasterId, addr: Addr) {
        if let Some(replica) = self.add_replica(id, addr) {
            let instance = self.instance_ref(InstanceId::Replica(id, replica));
            self.emit(Event::ReplicaAdded { instance });
            self.persist();
        }
    }

    /// An address that a server or a Sentinel named; its IP where we know what the name stands for.
    pub(crate) fn addr_of(&self, host: &str, port: u16) -> Addr {
        let mut addr = Addr::new(host, port);
        if addr.ip.is_none() {
            addr.ip = self.known_ip(host);
        }
        addr
    }

    /// The IP that a host name was resolved to for any instance.
    fn known_ip(&self, host: &str) -> Option<core::net::IpAddr> {
        let servers = self.masters.values().flat_map(|master| {
            let replicas = master.replicas.values().map(|replica| &replica.server.instance);
            let peers = master.peers.values().map(|peer| &peer.instance);
            core::iter::once(&master.server.instance).chain(replicas).chain(peers)
        });
        servers.map(|instance| &instance.addr).find(|addr| addr.host.eq_ignore_ascii_case(host))?.ip
    }

    fn store_replication(&mut self, id: InstanceId, info: &Info) {
        let now = self.now;
        let Some(server) = self.server_mut(id) else { return };
        server.master_link_down = info.master_link_down;
        server.failover_state = info.failover_state;
        if info.role != Some(Role::Replica) {
            server.sync_in_progress = false;
            // One that was a replica and calls itself master now has what it has, which is nothing if it
            // was restarted empty.
            server.offset = info.master_offset.unwrap_or(0);
            return;
        }
        if info.master_host.is_some() && server.master_host != info.master_host {
            server.master_host.clone_from(&info.master_host);
            server.replica_conf_changed_at = now;
        }
        if let Some(port) = info.master_port
            && server.master_port != port
        {
            server.master_port = port;
            server.replica_conf_changed_at = now;
        }
        server.master_link_up = info.master_link_up.unwrap_or(server.master_link_up);
        server.priority = info.priority.unwrap_or(server.priority);
        server.offset = info.offset.unwrap_or(server.offset);
        server.announced = info.announced.unwrap_or(server.announced);
        server.sync_in_progress = info.sync_in_progress.unwrap_or(false);
        if server.master_link_up {
            server.synced_offset = Some(server.offset);
        }
    }

    /// True for a replica that has a link to its master.
    fn is_linked(&self, id: InstanceId) -> bool {
        let Some(master) = self.masters.get(&id.master()) else { return false };
        let InstanceId::Replica(_, replica) = id else { return false };
        let server = master.replicas.get(&replica).map(|replica| &replica.server);
        server.is_some_and(|server| server.master_link_up && server.follows(&master.server.instance.addr))
    }

    /// The master's INFO is of before a replica had its link: whoever asks who may take over cannot wait for the next.
    fn on_linked(&mut self, id: InstanceId) {
        let InstanceId::Replica(master, replica) = id else { return };
        if self.listed_by_master(master, replica).is_none()
            && let Some(server) = self.server_mut(InstanceId::Master(master))
        {
            server.info_forced = true;
        }
    }

    fn on_role(&mut self, id: InstanceId, role: Option<Role>) {
        let now = self.now;
        let Some(role) = role else { return };
        let Some(server) = self.server_mut(id) else { return };
        if server.role_reported == role {
            return;
        }
        server.role_reported = role;
        server.role_reported_at = now;
        if role == Role::Replica {
            server.replica_conf_changed_at = now;
        }
        let (reported, is_master) = match role {
            Role::Master => (Kind::Master, true),
            Role::Replica => (Kind::Replica, false),
        };
        let expected = matches!(id, InstanceId::Master(_)) == is_master;
        let instance = self.instance_ref(id);
        self.emit(Event::RoleChange { instance, reported, expected });
    }

    fn on_replica_info(&mut self, id: MasterId, replica_id: ReplicaId, role: Option<Role>) {
        let now = self.now;
        let Some(master) = self.masters.get_mut(&id) else { return };
        let addr = master.server.instance.addr.clone();
        match role {
            Some(Role::Master) => {
                let awaited = match &master.failover {
                    Failover::WaitPromotion { replica, .. } => *replica == replica_id,
                    // While the master is asked to take it back, its answer decides.
                    Failover::Handover { replica, phase, .. } => {
                        *replica == replica_id && matches!(phase, Phase::Accepted | Phase::Unclear)
                    }
                    _ => false,
                };
                if awaited {
                    self.on_promoted(id, replica_id);
                }
            }
            Some(Role::Replica) => {
                if master.failover.promoted() == Some(replica_id) {
                    self.hasten_handover(id);
                }
                let Some(replica) =
                    self.masters.get_mut(&id).and_then(|master| master.replicas.get_mut(&replica_id))
                else {
                    return;
                };
                // A former master that follows somebody has rejoined.
                replica.deposed_at = None;
                let is_paused = replica.server.paused_until.is_some();
                let follows_us = replica.server.follows(&addr);
                let up = replica.server.master_link_up;
                match replica.reconf {
                    Some(Reconf::Sent(_)) if follows_us => {
                        replica.reconf = Some(Reconf::InProgress(now));
                        let instance = self.instance_ref(InstanceId::Replica(id, replica_id));
                        self.emit(Event::ReconfInProgress { instance: instance.clone() });
                        if up {
                            self.on_reconf_done(id, replica_id);
                        }
                    }
                    Some(Reconf::InProgress(_)) if up => self.on_reconf_done(id, replica_id),
                    Some(Reconf::Sent(_) | Reconf::InProgress(_) | Reconf::Done) | None => (),
                }
                // Another leader told it whom to follow: whoever waits there waits in vain.
                if is_paused && self.masters.get(&id).is_some_and(|master| !master.failover.is_in_progress())
                {
                    self.end_pause(InstanceId::Replica(id, replica_id));
                }
            }
            None => (),
        }
    }

    fn on_reconf_done(&mut self, id: MasterId, replica_id: ReplicaId) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        let Some(replica) = master.replicas.get_mut(&replica_id) else { return };
        replica.reconf = Some(Reconf::Done);
        let instance = self.instance_ref(InstanceId::Replica(id, replica_id));
        self.emit(Event::ReconfDone { instance });
        self.touch(Timer::Instance(InstanceId::Master(id)));
    }

    /// True if the master can be followed: it says that it is one, is up, and said so lately.
    fn master_looks_sane(&self, id: MasterId) -> bool {
        let Some(master) = self.masters.get(&id) else { return false };
        let server = &master.server;
        server.role_reported == Role::Master
            && !server.instance.s_down
            && !master.o_down
            && server.info_at.is_some_and(|at| self.now < at + self.periods.info.times(2))
    }

    /// Who confirms that the configuration in force is ours, we included; `None` below a majority.
    fn confirmed_by(&self, id: MasterId, since: Time) -> Option<alloc::vec::Vec<String>> {
        let master = self.masters.get(&id)?;
        let addr = &master.server.instance.addr;
        let mut who = alloc::vec![self.my_id.clone()];
        // What was said longer ago was perhaps taken back since, behind a wire that was cut.
        let since = since.max(self.now.before(self.periods.publish.times(CONFIRMED_PERIODS)));
        for peer in master.peers.values() {
            if peer.last_config.as_ref().is_some_and(|(epoch, theirs, at)| {
                *epoch == master.config_epoch && theirs.is_same(addr) && *at >= since
            }) {
                who.push(peer.instance.run_id.clone());
            }
        }
        (u32::try_from(who.len()).unwrap_or(u32::MAX) > master.voters() / 2).then_some(who)
    }

    /// Keeps a replica in line: one that calls itself master, or follows somebody else, is told to
    /// follow the master. Mirrors the end of `sentinelRefreshInstanceInfo`.
    ///
    /// Differs from Redis: a former master that comes back takes writes that will all be lost, so it
    /// is told as soon as a majority, we included, has confirmed the configuration that replaced it,
    /// instead of after eight seconds and an INFO period.
    pub(crate) fn run_conformity(&mut self, id: MasterId, replica_id: ReplicaId) -> Option<Time> {
        let now = self.now;
        let id_of_replica = InstanceId::Replica(id, replica_id);
        let master = self.masters.get(&id)?;
        let replica = master.replicas.get(&replica_id)?;
        let server = &replica.server;
        // What a server said over an earlier connection proves nothing, and one that has not answered since
        // it was last told need not be told again and again.
        let up_since = match self.links.get(&server.instance.slot)?.command {
            Connection::Up { since, .. } => since,
            Connection::Down | Connection::Connecting { .. } => return None,
        };
        if server.info_at? <= replica.fixed_at.unwrap_or(Time(0)).max(up_since) {
            return None;
        }
        if master.failover.promoted() == Some(replica_id)
            || matches!(replica.reconf, Some(Reconf::Sent(_) | Reconf::InProgress(_)))
            || !self.master_looks_sane(id)
        {
            return None;
        }
        let addr = master.server.instance.addr.clone();
        let quiet_since = |span: Millis| {
            let down = server.instance.s_down_since.map_or(Time(0), |at| at + span);
            if server.instance.s_down_since.is_some() { down } else { Time(0) }
        };
        let longest = self.periods.info;
        let paused_until =
            |first: Millis| replica.fixed_at.map_or(Time(0), |at| at + replica.fix_pause(first, longest));
        match server.role_reported {
            Role::Master => {
                // What it said before it was replaced proves nothing.
                if let Some(since) = replica.deposed_at
                    && server.info_at > Some(since)
                    && let Some(confirmed_by) = self.confirmed_by(id, since)
                {
                    let due = paused_until(FIX_PAUSE_DEPOSED);
                    if now < due {
                        return Some(due);
                    }
                    if master.server.info_at < server.info_at {
                        // The master's word must be as young as the former master's: the two may have
                        // changed places again behind a wire that was cut.
                        if !master.server.info_pending {
                            self.send_info(InstanceId::Master(id));
                        }
                        return Some(now + FIX_PAUSE_DEPOSED);
                    }
                    self.convert(id, replica_id, confirmed_by);
                    return Some(now + FIX_PAUSE_DEPOSED);
                }
                let wait = self.periods.publish.times(CONVERT_PERIODS);
                let due = (server.role_reported_at.max(up_since) + wait)
                    .max(quiet_since(wait))
                    .max(paused_until(FIX_PAUSE));
                if now < due {
                    return Some(due);
                }
                self.convert(id, replica_id, alloc::vec::Vec::new());
                Some(now + FIX_PAUSE)
            }
            Role::Replica => {
                if server.follows(&addr) {
                    return None;
                }
                let host = server.master_host.clone()?;
                let followed = self.addr_of(&host, server.master_port);
                if followed.is_same(&addr) || (followed.ip.is_none() && self.settings.resolve_hostnames) {
                    return None;
                }
                let wait = master.settings.failover_timeout;
                let due = (server.replica_conf_changed_at + wait)
                    .max(quiet_since(wait))
                    .max(paused_until(FIX_PAUSE));
                if now < due {
                    return Some(due);
                }
                if self.send_reconfiguration(id_of_replica, Some(&addr)) {
                    let replica = self.masters.get_mut(&id)?.replicas.get_mut(&replica_id)?;
                    replica.fixed_at = Some(now);
                    if replica.refusals == 0 {
                        let instance = self.instance_ref(id_of_replica);
                        self.emit(Event::FixReplicaConfig { instance, follows: followed });
                    }
                }
                Some(now + FIX_PAUSE)
            }
        }
    }

    fn convert(&mut self, id: MasterId, replica_id: ReplicaId, confirmed_by: alloc::vec::Vec<String>) {
        let now = self.now;
        let id_of_replica = InstanceId::Replica(id, replica_id);
        let addr = self.current_addr(id);
        let Some(server) = self.server(id_of_replica) else { return };
        let reported_for = now.since(server.role_reported_at);
        if self.send_reconfiguration(id_of_replica, Some(&addr))
            && let Some(replica) =
                self.masters.get_mut(&id).and_then(|master| master.replicas.get_mut(&replica_id))
        {
            replica.fixed_at = Some(now);
            if replica.refusals == 0 {
                let instance = self.instance_ref(id_of_replica);
                self.emit(Event::ConvertToReplica { instance, reported_for, confirmed_by });
            }
        }
    }
}

/// A text in the room of the one before it, which nobody else has as a rule: texts that come and go every ten seconds
/// for hundreds of servers would leave holes everywhere. Room of which most would be empty is given back.
fn kept(before: Option<Bytes>, text: &[u8]) -> Bytes {
    let fits = |room: usize| room >= text.len() && room <= text.len().saturating_mul(2).max(ROOM_KEPT);
    match before.and_then(|before| before.try_into_mut().ok()) {
        Some(mut room) if fits(room.capacity()) => {
            room.clear();
            room.extend_from_slice(text);
            room.freeze()
        }
        Some(_) | None => Bytes::copy_from_slice(text),
    }
}

impl crate::instance::Server {
    /// True if its last INFO named this master.
    pub(crate) fn follows(&self, master: &Addr) -> bool {
        self.master_port == master.port
            && self.master_host.as_ref().is_some_and(|host| {
                host.eq_ignore_ascii_case(&master.host) || master.ip.is_some_and(|ip| host.parse() == Ok(ip))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn room_for_info_is_used_again_and_does_not_stay_large() {
        let text = kept(None, &[b'a'; 3_000]);
        let place = text.as_ptr();
        let text = kept(Some(text), &[b'b'; 2_900]);
        assert_eq!((text.as_ptr(), &text[..3]), (place, &b"bbb"[..]));
        let huge = kept(Some(text), &vec![b'c'; 1 << 20]);
        let text = kept(Some(huge), &[b'd'; 3_000]);
        assert!(text.try_into_mut().expect("nobody else has it").capacity() <= ROOM_KEPT);
    }
}
