//! A plain picture of a Sentinel, for interfaces and tests.

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::instance::{Role, Server};
use crate::reason::RefusedVote;
use crate::sentinel::Sentinel;

/// What a Sentinel knows and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// MYID.
    pub my_id: String,
    /// The highest epoch heard of.
    pub current_epoch: u64,
    /// Since when it distrusts itself.
    pub tilt_since: Option<Time>,
    /// The masters, in the order in which they were added.
    pub masters: Vec<MasterStatus>,
}

/// A master in the view of one Sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterStatus {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub server: ServerStatus,
    /// It is objectively down.
    pub o_down: bool,
    /// How many must agree.
    pub quorum: u32,
    /// How long a node must be unreachable to count as down.
    pub down_after: Millis,
    /// The time limit of the phases of a failover.
    pub failover_timeout: Millis,
    /// How many replicas may synchronise with the new master at the same time.
    pub parallel_syncs: u32,
    /// The epoch of the configuration in force.
    pub config_epoch: u64,
    /// For whom this Sentinel voted last, where that is known, and in which epoch.
    pub vote: (Option<String>, u64),
    /// The last vote that another asked for and did not get, and why.
    pub refused: Option<RefusedVote>,
    /// The state of the failover that it leads, as SENTINEL MASTER names it.
    pub failover_state: &'static str,
    /// The epoch of that failover.
    pub failover_epoch: Option<u64>,
    /// Its replicas.
    pub replicas: Vec<ServerStatus>,
    /// The other Sentinels.
    pub peers: Vec<PeerStatus>,
}

/// A data server in the view of one Sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatus {
    /// Where it is.
    pub addr: Addr,
    /// Its run id; empty while unknown.
    pub run_id: String,
    /// It is subjectively down.
    pub s_down: bool,
    /// A connection to it is missing.
    pub disconnected: bool,
    /// The role that it claims.
    pub role_reported: Role,
    /// Its replication offset, for a replica.
    pub offset: u64,
    /// The master that it follows is this one's and the link to it is up.
    pub in_line: bool,
}

/// Another Sentinel in the view of one Sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its MYID.
    pub run_id: String,
    /// Where it is.
    pub addr: Addr,
    /// It is subjectively down.
    pub s_down: bool,
    /// It said lately that the master is down.
    pub agrees_down: bool,
    /// For whom it voted last, and in which epoch.
    pub vote: Option<(String, u64)>,
}

impl Status {
    pub(crate) fn of(sentinel: &Sentinel) -> Self {
        let max_age = sentinel.periods.ask.times(5);
        let masters = sentinel.masters.values().map(|master| {
            let addr = &master.server.instance.addr;
            let server = |server: &Server| ServerStatus {
                addr: server.instance.addr.clone(),
                run_id: server.instance.run_id.clone(),
                s_down: server.instance.s_down,
                disconnected: sentinel.is_disconnected(&server.instance),
                role_reported: server.role_reported,
                offset: server.offset,
                in_line: server.role_reported == Role::Replica
                    && server.follows(addr)
                    && server.master_link_up,
            };
            MasterStatus {
                name: master.name.clone(),
                server: server(&master.server),
                o_down: master.o_down,
                quorum: master.settings.quorum,
                down_after: master.settings.down_after,
                failover_timeout: master.settings.failover_timeout,
                parallel_syncs: master.settings.parallel_syncs,
                config_epoch: master.config_epoch,
                vote: (master.leader.clone(), master.leader_epoch),
                refused: master.refused.clone(),
                failover_state: master.failover.wire(),
                failover_epoch: master.failover.epoch(),
                replicas: master.replicas.values().map(|replica| server(&replica.server)).collect(),
                peers: master
                    .peers
                    .values()
                    .map(|peer| PeerStatus {
                        run_id: peer.instance.run_id.clone(),
                        addr: peer.instance.addr.clone(),
                        s_down: peer.instance.s_down,
                        agrees_down: peer.agrees_down(addr, sentinel.now, max_age),
                        vote: peer.vote.clone(),
                    })
                    .collect(),
            }
        });
        Self {
            my_id: sentinel.my_id.clone(),
            current_epoch: sentinel.current_epoch,
            tilt_since: sentinel.tilt_since,
            masters: masters.collect(),
        }
    }
}
