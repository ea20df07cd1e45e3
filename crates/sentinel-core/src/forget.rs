//! Forgetting: SENTINEL RESET of a master, SENTINEL FORGET of one replica or Sentinel.
//!
//! Mirrors `sentinel.c: sentinelResetMaster`. Differs from Redis: a master that dies right after RESET, before
//! it has told its replicas again, would leave a Sentinel that knows nobody and can never learn of anybody. So
//! what RESET forgets is only set aside until the master and the other Sentinels had time to name who is there.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::event::Event;
use crate::failover::Failover;
use crate::ids::{InstanceId, MasterId, PeerId, ReplicaId};
use crate::info::Info;
use crate::instance::{Peer, Role, Server};
use crate::sentinel::Sentinel;

/// How long RESET leaves a master alone before its replicas are asked for again; the reference waits
/// for the next INFO period and is blind until then.
const REDISCOVER_PAUSE: Millis = Millis(1_000);

/// Whom RESET forgot, should the master die before they are named again. On disk they are known as before, so that a
/// restart meanwhile forgets nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aside {
    since: Time,
    /// The process that the master was.
    run_id: String,
    pub(crate) replicas: Vec<Addr>,
    pub(crate) peers: Vec<(Addr, String)>,
}

/// Whom a Sentinel knows of a master, those among them whom RESET has only set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquaintances {
    /// Where its replicas are.
    pub replicas: Vec<SocketAddr>,
    /// The ids of the other Sentinels.
    pub sentinels: Vec<String>,
}

/// Why SENTINEL FORGET is refused; the text is the error, its code first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForgetRefusal {
    /// It is not known.
    Unknown,
    /// We were held up ourselves: nobody's silence is known.
    Tilt,
    /// A failover is under way here.
    InProgress,
    /// The Sentinel is connected, or announced itself this long ago.
    SentinelLives {
        /// How long ago.
        silence: Millis,
        /// After how long it may be forgotten, if it is down then.
        after: Millis,
    },
    /// The master names the replica.
    Listed,
    /// The replica answers, and says that it follows the master.
    Follows,
}

impl fmt::Display for ForgetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("ERR No such replica or Sentinel of that master"),
            Self::Tilt => f.write_str("ERR In TILT mode it is not known who lives: try again when it ends"),
            Self::InProgress => f.write_str("INPROG Failover in progress"),
            Self::SentinelLives { silence, after } => write!(
                f,
                "ERR That Sentinel was heard {silence} ago and would announce itself again: stop it first, and ask again \
                 when it has been silent for {after}"
            ),
            Self::Listed => f.write_str(
                "ERR The master lists that replica and would name it again: stop it, or have it follow nobody, first",
            ),
            Self::Follows => f.write_str(
                "ERR That replica lives and follows the master: stop it, or have it follow nobody, first",
            ),
        }
    }
}

impl Sentinel {
    /// SENTINEL RESET of one master: replicas, Sentinels, state and any failover are forgotten, the
    /// address, the epochs and the settings stay.
    pub(crate) fn reset_master(&mut self, id: MasterId) {
        let now = self.now;
        self.drop_handover(id);
        let aside = self.set_aside(id);
        for instance in self.instances_of(id) {
            self.release(instance);
        }
        let slot = self.new_link(InstanceId::Master(id));
        let pause = now + REDISCOVER_PAUSE.min(self.down_after(InstanceId::Master(id)).split(2));
        let calm_from = now + self.settling_time();
        let Some(master) = self.masters.get_mut(&id) else { return };
        let addr = master.server.instance.addr.clone();
        let (info_at, info_text) = (master.server.info_at, master.server.info_text.take());
        master.server = Server { info_at, info_text, ..Server::new(now, addr, slot, Role::Master) };
        master.replicas.clear();
        master.peers.clear();
        master.aside = aside;
        master.has_listened = false;
        master.deaf_since = None;
        master.calm_from = calm_from;
        master.failover = Failover::None;
        master.leader = None;
        master.o_down = false;
        master.hold = None;
        master.start_at = None;
        master.attempts = 0;
        // The first INFO goes out with the connection, so the connection itself has to wait.
        if let Some(link) = self.links.get_mut(&slot) {
            link.next_attempt = pause;
        }
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::ResetMaster { instance });
        self.touch_master(id);
    }

    fn set_aside(&self, id: MasterId) -> Option<Aside> {
        let master = self.masters.get(&id)?;
        let mut replicas: Vec<Addr> =
            master.replicas.values().map(|replica| replica.server.instance.addr.clone()).collect();
        let mut peers: Vec<(Addr, String)> = master
            .peers
            .values()
            .map(|peer| (peer.instance.addr.clone(), peer.instance.run_id.clone()))
            .collect();
        // RESET twice in a row forgets no more than once.
        if let Some(before) = &master.aside {
            replicas.extend(
                before.replicas.iter().filter(|addr| master.replica_by_addr(addr).is_none()).cloned(),
            );
            // Who restarted with a new id is known at the same address: one process is one voter.
            let is_known = |(addr, run_id): &&(Addr, String)| {
                master.peer_by_run_id(run_id).is_some()
                    || master.peers.values().any(|peer| peer.instance.addr.is_same(addr))
            };
            peers.extend(before.peers.iter().filter(|peer| !is_known(peer)).cloned());
        }
        // Of a master that has not answered since the last RESET nobody knows better than before.
        let run_id = match &master.aside {
            Some(before) if master.server.instance.run_id.is_empty() => before.run_id.clone(),
            _ => master.server.instance.run_id.clone(),
        };
        Some(Aside { since: self.now, run_id, replicas, peers })
    }

    /// Forgets for good what was set aside and is not named again, or takes it back where the master died
    /// too early; answers when to look again.
    pub(crate) fn run_aside(&mut self, id: MasterId) -> Option<Time> {
        let announced_within = self.announced_within();
        let heard_since = self.hears_master_since(id);
        let (listening_time, again) = (self.periods.listening(), self.listens_again_at());
        let master = self.masters.get_mut(&id)?;
        let aside = master.aside.as_mut()?;
        if master.server.instance.s_down {
            let Aside { replicas, peers, .. } = master.aside.take()?;
            for addr in replicas {
                if let Some(replica) = self.add_replica(id, addr) {
                    let instance = self.instance_ref(InstanceId::Replica(id, replica));
                    self.emit(Event::ReplicaAdded { instance });
                }
            }
            for (addr, run_id) in peers {
                let master = self.masters.get(&id)?;
                let is_known = master.peer_by_run_id(&run_id).is_some()
                    || master.peers.values().any(|peer| peer.instance.addr.is_same(&addr));
                if !is_known && let Some(peer) = self.add_peer(id, addr, &run_id) {
                    let instance = self.instance_ref(InstanceId::Peer(id, peer));
                    self.emit(Event::SentinelAdded { instance });
                }
            }
            self.persist();
            return None;
        }
        let set_aside = aside.replicas.len() + aside.peers.len();
        let server = &master.server;
        let announced_by = aside.since + announced_within;
        // A master that has just started has not been found by its replicas yet.
        let is_same_run = server.instance.run_id == aside.run_id;
        let tells_all_from = if is_same_run {
            Some(aside.since)
        } else {
            server.run_since.map(|since| since + announced_within)
        };
        if tells_all_from.is_some_and(|from| server.info_at > Some(from))
            && server.role_reported == Role::Master
        {
            aside.replicas.clear();
        }
        // Who could not be heard was not silent.
        let look_at =
            heard_since.map_or(again, |since| announced_by.max(since + listening_time)).max(announced_by);
        if self.now >= look_at {
            aside.peers.clear();
        }
        let is_less = aside.replicas.len() + aside.peers.len() < set_aside;
        let is_empty = aside.replicas.is_empty() && aside.peers.is_empty();
        if is_empty {
            master.aside = None;
        }
        if is_less {
            self.persist();
        }
        if is_empty {
            return None;
        }
        (self.now < look_at).then_some(look_at)
    }

    /// SENTINEL FORGET of another Sentinel: by its id, or `host:port`.
    pub(crate) fn forget_peer(&mut self, id: MasterId, name: &str) -> Result<(), ForgetRefusal> {
        let master = self.masters.get(&id).ok_or(ForgetRefusal::Unknown)?;
        let peer_id: PeerId = self.peer_by_name(id, name).ok_or(ForgetRefusal::Unknown)?;
        if self.tilt_since.is_some() {
            return Err(ForgetRefusal::Tilt);
        }
        if master.failover.is_in_progress() {
            return Err(ForgetRefusal::InProgress);
        }
        let peer = &master.peers[&peer_id];
        let heard = peer.last_hello.max(self.last_avail(&peer.instance));
        let silence = self.now.since(heard);
        let after = self.announced_within();
        if !self.is_disconnected(&peer.instance) && !peer.instance.s_down || silence < after {
            return Err(ForgetRefusal::SentinelLives { silence, after });
        }
        let instance = self.instance_ref(InstanceId::Peer(id, peer_id));
        self.remove_peer(id, peer_id);
        self.emit(Event::Forgotten { instance });
        Ok(())
    }

    /// Whom this Sentinel knows of each master.
    pub fn acquaintances(&self) -> impl Iterator<Item = (&str, Acquaintances)> {
        self.masters.values().map(|master| {
            let known = master.replicas.values().map(|replica| &replica.server.instance.addr);
            let aside = master.aside.iter();
            let replicas = known.chain(aside.clone().flat_map(|aside| &aside.replicas));
            let replicas = replicas.filter_map(|addr| Some(SocketAddr::new(addr.ip?, addr.port)));
            let known = master.peers.values().map(|peer| &peer.instance.run_id);
            let sentinels = known.chain(aside.flat_map(|aside| aside.peers.iter().map(|(_, id)| id)));
            let acquaintances =
                Acquaintances { replicas: replicas.collect(), sentinels: sentinels.cloned().collect() };
            (master.name.as_str(), acquaintances)
        })
    }

    /// SENTINEL FORGET of a replica: by its run id, or `host:port`.
    pub(crate) fn forget_replica(&mut self, id: MasterId, name: &str) -> Result<(), ForgetRefusal> {
        let master = self.masters.get(&id).ok_or(ForgetRefusal::Unknown)?;
        let replica_id = self.replica_by_name(id, name).ok_or(ForgetRefusal::Unknown)?;
        if self.tilt_since.is_some() {
            return Err(ForgetRefusal::Tilt);
        }
        if master.failover.is_in_progress() {
            return Err(ForgetRefusal::InProgress);
        }
        let server = &master.replicas[&replica_id].server;
        let is_listed = master.server.info_text.as_ref().is_some_and(|text| {
            let listed = Info::parse(text).replicas;
            listed.iter().any(|(host, port)| self.addr_of(host, *port).is_same(&server.instance.addr))
        });
        // What a dead master said last about a dead replica is nobody's word any more.
        if is_listed && !(master.server.instance.s_down && server.instance.s_down) {
            return Err(ForgetRefusal::Listed);
        }
        let is_following =
            server.role_reported == Role::Replica && server.follows(&master.server.instance.addr);
        if is_following && !server.instance.s_down {
            return Err(ForgetRefusal::Follows);
        }
        let instance = self.instance_ref(InstanceId::Replica(id, replica_id));
        self.remove_replica(id, replica_id);
        self.emit(Event::Forgotten { instance });
        Ok(())
    }

    fn peer_by_name(&self, id: MasterId, name: &str) -> Option<PeerId> {
        let master = self.masters.get(&id)?;
        let addr = self.addr_in(name);
        let is_there = |peer: &Peer| addr.as_ref().is_some_and(|addr| peer.instance.addr.is_same(addr));
        let by_addr = || master.peers.iter().find(|(_, peer)| is_there(peer)).map(|(id, _)| *id);
        master.peer_by_run_id(name).or_else(by_addr)
    }

    fn replica_by_name(&self, id: MasterId, name: &str) -> Option<ReplicaId> {
        let master = self.masters.get(&id)?;
        let by_run_id = master.replicas.iter().find(|(_, replica)| {
            let run_id = &replica.server.instance.run_id;
            !run_id.is_empty() && run_id.eq_ignore_ascii_case(name)
        });
        if let Some((replica, _)) = by_run_id {
            return Some(*replica);
        }
        master.replica_by_addr(&self.addr_in(name)?)
    }

    /// The address in `host:port`, where a host with colons stands in brackets.
    fn addr_in(&self, name: &str) -> Option<Addr> {
        let (host, port) = name.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(self.addr_of(host, port.parse().ok()?))
    }
}
