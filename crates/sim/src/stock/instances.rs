//! Who is watched, and what is known of each. Times are milliseconds of the process's clock; 0 is never.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sentinel_core::{InstanceRef, Kind};

/// A master or a replica.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    pub(super) run_id: String,
    pub(super) s_down: bool,
    pub(super) last_pub: u64,
    pub(super) info_refresh: u64,
    pub(super) says_master: bool,
    pub(super) role_reported_at: u64,
    pub(super) priority: u32,
    pub(super) offset: u64,
    pub(super) master: Option<SocketAddr>,
    pub(super) master_link_up: bool,
    pub(super) master_link_down_ms: u64,
    pub(super) conf_changed_at: u64,
}

impl Server {
    pub(super) fn new(addr: SocketAddr, says_master: bool, now: u64) -> Self {
        Self {
            addr,
            run_id: String::new(),
            s_down: false,
            last_pub: now,
            info_refresh: 0,
            says_master,
            role_reported_at: now,
            priority: 100,
            offset: 0,
            master: None,
            master_link_up: false,
            master_link_down_ms: 0,
            conf_changed_at: now,
        }
    }

    pub(super) fn follows(&self, master: SocketAddr) -> bool {
        !self.says_master && self.master == Some(master)
    }
}

/// How far the reconfiguration of a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reconf {
    None,
    Sent(u64),
    InProgress,
    Done,
}

#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) server: Server,
    pub(super) reconf: Reconf,
}

impl Replica {
    pub(super) fn new(addr: SocketAddr, now: u64) -> Self {
        Self { server: Server::new(addr, false, now), reconf: Reconf::None }
    }
}

/// Another Sentinel, as one master's.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    pub(super) run_id: String,
    pub(super) s_down: bool,
    pub(super) last_pub: u64,
    /// When it last answered what it thinks of the master.
    pub(super) answered_at: u64,
    pub(super) says_down: bool,
    /// Its vote.
    pub(super) leader: Option<String>,
    pub(super) leader_epoch: u64,
}

impl Peer {
    pub(super) fn new(addr: SocketAddr, run_id: &str) -> Self {
        Self {
            addr,
            run_id: run_id.into(),
            s_down: false,
            last_pub: 0,
            answered_at: 0,
            says_down: false,
            leader: None,
            leader_epoch: 0,
        }
    }
}

/// Where a failover stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    None,
    WaitStart,
    SelectSlave,
    SendSlaveofNoOne,
    WaitPromotion,
    ReconfSlaves,
    UpdateConfig,
}

#[derive(Clone, Debug)]
pub(super) struct Master {
    pub(super) name: String,
    pub(super) quorum: u32,
    pub(super) down_after: u64,
    pub(super) failover_timeout: u64,
    pub(super) parallel_syncs: usize,
    pub(super) server: Server,
    pub(super) replicas: Vec<Replica>,
    pub(super) peers: Vec<Peer>,
    pub(super) o_down: bool,
    pub(super) down_since: u64,
    pub(super) config_epoch: u64,
    pub(super) leader: Option<String>,
    pub(super) leader_epoch: u64,
    pub(super) state: State,
    pub(super) failover_epoch: u64,
    pub(super) failover_start: u64,
    pub(super) state_changed: u64,
    pub(super) promoted: Option<SocketAddr>,
}

impl Master {
    pub(super) fn new(name: String, addr: SocketAddr, quorum: u32, now: u64) -> Self {
        Self {
            name,
            quorum,
            down_after: 30_000,
            failover_timeout: 180_000,
            parallel_syncs: 1,
            server: Server::new(addr, true, now),
            replicas: Vec::new(),
            peers: Vec::new(),
            o_down: false,
            down_since: 0,
            config_epoch: 0,
            leader: None,
            leader_epoch: 0,
            state: State::None,
            failover_epoch: 0,
            failover_start: 0,
            state_changed: 0,
            promoted: None,
        }
    }

    /// The lines that the config file has for it (`rewriteConfigSentinelOption`): monitor, down-after-milliseconds,
    /// failover-timeout, config-epoch, leader-epoch, and parallel-syncs if it is not 1.
    pub(super) fn config_lines(&self) -> usize {
        5 + usize::from(self.parallel_syncs != 1) + self.replicas.len() + self.peers.len()
    }

    pub(super) fn ping_period(&self) -> u64 {
        self.down_after.min(1_000)
    }

    /// The process was started again: of this only what the file holds is left.
    pub(super) fn restart(&mut self, now: u64) {
        let replicas = self.replicas.iter().map(|replica| Replica::new(replica.server.addr, now)).collect();
        self.replicas = replicas;
        for peer in &mut self.peers {
            peer.s_down = false;
            peer.says_down = false;
            peer.leader = None;
            peer.answered_at = 0;
        }
        self.reset(self.server.addr, now);
    }

    /// `sentinelResetMaster`, without the lists.
    pub(super) fn reset(&mut self, addr: SocketAddr, now: u64) {
        self.server = Server::new(addr, true, now);
        self.o_down = false;
        self.down_since = 0;
        self.leader = None;
        self.state = State::None;
        self.failover_start = 0;
        self.state_changed = 0;
        self.promoted = None;
    }

    pub(super) fn replica_mut(&mut self, addr: SocketAddr) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.server.addr == addr)
    }

    fn reference(&self, kind: Kind, name: String, addr: SocketAddr) -> InstanceRef {
        let master = &self.server.addr;
        InstanceRef {
            kind,
            name,
            host: alloc::format!("{}", addr.ip()),
            port: addr.port(),
            master: (kind != Kind::Master)
                .then(|| (self.name.clone(), alloc::format!("{}", master.ip()), master.port())),
        }
    }

    pub(super) fn named(&self) -> InstanceRef {
        self.reference(Kind::Master, self.name.clone(), self.server.addr)
    }

    pub(super) fn named_replica(&self, addr: SocketAddr) -> InstanceRef {
        self.reference(Kind::Replica, alloc::format!("{addr}"), addr)
    }

    pub(super) fn named_peer(&self, peer: &Peer) -> InstanceRef {
        self.reference(Kind::Sentinel, peer.run_id.clone(), peer.addr)
    }
}
