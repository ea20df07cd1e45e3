//! Hello messages in and out: how Sentinels find each other and how a configuration spreads.
//!
//! Mirrors `sentinel.c: sentinelSendHello`, `sentinelProcessHelloMessage`.

use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::addr::Addr;
use crate::deferred::Deferred;
use crate::event::Event;
use crate::hello::Hello;
use crate::ids::{InstanceId, MasterId, PeerId};
use crate::instance::{Replica, Role};
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// Room for a hello of the usual length.
const HELLO_BYTES: usize = 128;

/// The way on which a hello came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The channel on this server.
    Channel(InstanceId),
    /// A connection of its sender to us.
    Connection,
}

impl Sentinel {
    /// What we tell an instance about ourselves and its master; `None` without a connection.
    pub(crate) fn hello_payload(&self, to: InstanceId) -> Option<String> {
        let master = self.masters.get(&to.master())?;
        let local = self.local_ip(self.instance(to)?)?;
        let addr = &master.server.instance.addr;
        let local = if self.settings.announce_ip.is_none() { local.to_string() } else { String::new() };
        let port =
            if self.settings.announce_port != 0 { self.settings.announce_port } else { self.settings.port };
        let hello = Hello {
            host: self.settings.announce_ip.as_deref().unwrap_or(&local),
            port,
            run_id: &self.my_id,
            current_epoch: self.current_epoch,
            master_name: &master.name,
            master_host: &addr.announced(self.settings.announce()),
            master_port: addr.port,
            config_epoch: master.config_epoch,
        };
        let mut text = String::with_capacity(HELLO_BYTES);
        // Writing into a text cannot fail.
        let _ = write!(text, "{hello}");
        Some(text)
    }

    /// A hello is to reach everybody who has to do with this master at once.
    pub(crate) fn force_hello(&mut self, id: MasterId) {
        self.unsettle(id);
        for instance in self.instances_of(id) {
            if let Some(instance) = self.instance_mut(instance) {
                instance.pub_forced = true;
            }
            self.touch(Timer::Instance(instance));
        }
    }

    /// Takes a hello. Over subscriptions our own come back and are passed over; a hello that somebody PUBLISHes to
    /// us directly is taken as it is.
    pub(crate) fn handle_hello(&mut self, payload: &[u8], over: Over) {
        let Some(hello) = Hello::parse(payload) else { return };
        if let Over::Channel(server) = over
            && hello.run_id == self.my_id
        {
            self.note_echo(server);
            return;
        }
        let Some(id) = self.master_id(hello.master_name) else { return };
        if !self.is_plausible(hello.current_epoch) || !self.is_plausible(hello.config_epoch) {
            return;
        }
        let on_master = over == Over::Channel(InstanceId::Master(id));
        if self.is_no_news(id, &hello, on_master) {
            self.touch_awaiting_confirmation(id);
            return;
        }
        let peer = self.meet(id, &hello);
        if hello.current_epoch > self.current_epoch {
            self.current_epoch = hello.current_epoch;
            self.persist();
            self.emit(Event::NewEpoch { master: hello.master_name.to_string(), epoch: hello.current_epoch });
        }
        let Some(peer) = peer else { return };
        let Some(master) = self.masters.get(&id) else { return };
        let ours = &master.server.instance.addr;
        let theirs = if ours.is_resolved(hello.master_host, hello.master_port) {
            ours.clone()
        } else {
            self.addr_of(hello.master_host, hello.master_port)
        };
        if theirs.ip.is_none() && self.settings.resolve_hostnames {
            // It may be another name of the address that we know.
            let then = Deferred::HelloResolved {
                master: id,
                peer,
                epoch: hello.config_epoch,
                host: hello.master_host.to_string(),
                port: hello.master_port,
            };
            self.resolve_once(hello.master_host, then);
            return;
        }
        self.on_configuration(id, peer, hello.config_epoch, &theirs);
    }

    /// Whether a hello says what its sender said before and what changes nothing, as nearly all do: then only its
    /// time is noted.
    fn is_no_news(&mut self, id: MasterId, hello: &Hello<'_>, on_master: bool) -> bool {
        let (now, current_epoch) = (self.now, self.current_epoch);
        let Some(master) = self.masters.get_mut(&id) else { return false };
        let ours = &master.server.instance.addr;
        let mut peers = master.peers.values_mut();
        let Some(peer) = peers.find(|peer| peer.instance.run_id == hello.run_id) else { return false };
        if on_master {
            peer.heard_on_master = now;
        }
        let addr = &peer.instance.addr;
        let Some((epoch, theirs, at)) = &mut peer.last_config else { return false };
        let known = addr.host == hello.host
            && addr.port == hello.port
            && theirs.host == hello.master_host
            && theirs.port == hello.master_port
            && theirs.ip.is_some()
            && *epoch == hello.config_epoch;
        let settled = hello.current_epoch <= current_epoch
            && hello.config_epoch <= master.config_epoch
            && ours.is_same(theirs);
        if known && settled {
            *at = now;
            peer.last_hello = now;
        }
        known && settled
    }

    /// Former masters that have to be told whom to follow wait until enough others confirm the configuration.
    pub(crate) fn touch_awaiting_confirmation(&mut self, id: MasterId) {
        let Some(master) = self.masters.get(&id) else { return };
        let waits =
            |replica: &Replica| replica.deposed_at.is_some() && replica.server.role_reported == Role::Master;
        let waiting = master.replicas.iter().filter(|(_, replica)| waits(replica));
        let waiting: Vec<_> = waiting.map(|(replica, _)| InstanceId::Replica(id, *replica)).collect();
        for replica in waiting {
            self.touch(Timer::Instance(replica));
        }
    }

    /// A Sentinel told which configuration of a master it has.
    pub(crate) fn on_configuration(&mut self, id: MasterId, peer_id: PeerId, epoch: u64, theirs: &Addr) {
        let now = self.now;
        let Some(master) = self.masters.get_mut(&id) else { return };
        let Some(peer) = master.peers.get_mut(&peer_id) else { return };
        peer.last_hello = now;
        match &mut peer.last_config {
            Some((known, addr, at)) if *known == epoch && addr == theirs => *at = now,
            config => *config = Some((epoch, theirs.clone(), now)),
        }
        let acceptable = theirs.ip.is_some() || self.settings.resolve_hostnames;
        let is_elsewhere = !master.server.instance.addr.is_same(theirs);
        if epoch > master.config_epoch && acceptable {
            master.config_epoch = epoch;
            if is_elsewhere {
                let instance = self.instance_ref(InstanceId::Peer(id, peer_id));
                self.emit(Event::ConfigUpdateFrom { instance });
                self.switch_by_hello(id, theirs);
            }
        } else if epoch == master.config_epoch && epoch > 0 && is_elsewhere && theirs.ip.is_some() {
            self.on_rival(id);
        }
        self.touch_awaiting_confirmation(id);
    }

    /// Finds the sender among the known Sentinels, or gets to know it.
    fn meet(&mut self, id: MasterId, hello: &Hello<'_>) -> Option<PeerId> {
        let master = self.masters.get(&id)?;
        let known = master.peer_by_run_id(hello.run_id);
        if let Some(peer) = known
            && master.peers[&peer].instance.addr.is_resolved(hello.host, hello.port)
        {
            return Some(peer);
        }
        let addr = self.addr_of(hello.host, hello.port);
        if addr.ip.is_none() && !self.settings.resolve_hostnames {
            return None;
        }
        if let Some(peer) = known
            && master.peers[&peer].instance.addr.is_same(&addr)
        {
            return Some(peer);
        }
        if hello.run_id == self.my_id {
            return None;
        }
        if let Some(peer) = known {
            let instance = self.instance_ref(InstanceId::Master(id));
            self.emit(Event::SentinelAddressSwitch {
                instance,
                host: hello.host.to_string(),
                port: hello.port,
                run_id: hello.run_id.to_string(),
            });
            self.readdress_peer(id, peer, hello.run_id, &addr);
            self.unsettle(id);
            self.persist();
            return Some(peer);
        }
        let usurped = master.peers.iter().find(|(_, peer)| peer.instance.addr.is_same(&addr));
        if let Some((usurped, peer)) = usurped {
            let (usurped, run_id) = (*usurped, peer.instance.run_id.clone());
            let instance = self.instance_ref(InstanceId::Peer(id, usurped));
            self.emit(Event::SentinelInvalidAddr { instance });
            for same in self.peers_of_process(&run_id) {
                if let InstanceId::Peer(master, peer) = same {
                    self.remove_peer(master, peer);
                }
            }
        }
        let peer = self.add_peer(id, addr, hello.run_id)?;
        let instance = self.instance_ref(InstanceId::Peer(id, peer));
        self.emit(Event::SentinelAdded { instance });
        self.persist();
        Some(peer)
    }

    /// A known Sentinel has another address: under this master and under all others.
    fn readdress_peer(&mut self, id: MasterId, peer: PeerId, run_id: &str, addr: &Addr) {
        let all = self.peers_of_process(run_id);
        let mut others = 0;
        for same in &all {
            if let Some(instance) = self.instance_mut(*same) {
                instance.addr = addr.clone();
            }
            others += u32::from(*same != InstanceId::Peer(id, peer));
        }
        if let Some(slot) = self.instance(InstanceId::Peer(id, peer)).map(|instance| instance.slot) {
            self.redial(slot, "the address changed");
        }
        if others > 0 {
            let instance = self.instance_ref(InstanceId::Peer(id, peer));
            self.emit(Event::SentinelAddressUpdate { instance, matching: others });
        }
    }
}
