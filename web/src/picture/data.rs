//! Data nodes and writers of a moment: roles, replication, backlogs, and which writes are lost.

use std::net::{IpAddr, SocketAddr};

use picket_replication::{LinkState, NodeRole};
use picket_sim::{NodeId, Power, World};

use super::opinions::Views;

/// The role of a data node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRole {
    /// It takes writes.
    Master,
    /// It follows, and its link is up.
    Replica,
    /// It has the role of a replica without a link to its master.
    Apart,
    /// It receives or loads a snapshot.
    Syncing,
    /// It does not run.
    Down,
}

/// A data node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPicture {
    /// Its role.
    pub role: DataRole,
    /// Whom it follows.
    pub follows: Option<NodeId>,
    /// A leader is promoting it.
    pub is_promoting: bool,
    /// How many Sentinels think that it is down.
    pub sdown_by: u32,
    /// Some Sentinel knows that enough of them do.
    pub odown: bool,
    /// Its replication; none while it does not run.
    pub replication: Option<Replication>,
}

/// How far a data node's stream has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    /// The history's id.
    pub replid: String,
    /// The history before the last promotion, and the first offset that it does not have.
    pub before: Option<(String, u64)>,
    /// Bytes produced or applied.
    pub offset: u64,
    /// The backlog, if there is one.
    pub backlog: Option<BacklogPicture>,
    /// Its replicas.
    pub replicas: Vec<ReplicaPicture>,
    /// Synchronisations that needed the whole data.
    pub full: u64,
    /// Synchronisations that went on from the backlog.
    pub partial: u64,
    /// Requests to go on that could not be met.
    pub refused: u64,
    /// Keys in all databases.
    pub keys: u64,
}

/// A backlog: the last part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogPicture {
    /// Offset of its first byte.
    pub first: u64,
    /// Bytes in it.
    pub histlen: u64,
    /// Bytes it may hold.
    pub size: u64,
}

/// A replica as its master sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaPicture {
    /// Its name, or its address.
    pub name: String,
    /// Its state as INFO names it.
    pub state: &'static str,
    /// Bytes it has acknowledged.
    pub ack: u64,
}

/// What a client has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterPicture {
    /// Where it writes.
    pub master: Option<NodeId>,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that failed or were not answered.
    pub failed: u64,
}

pub(super) fn data(world: &World, id: NodeId, ip: IpAddr, views: &Views) -> DataPicture {
    let sdown_by = views.sdown.iter().filter(|down| **down == ip).count();
    let status = world.data_node(id);
    let follows = status.as_ref().and_then(|status| status.link.master.as_ref()).and_then(|(host, port)| {
        match host.parse() {
            Ok(ip) => world.node_at(SocketAddr::new(ip, *port)),
            // A name: only the world knows what it stands for.
            Err(_) => world.node_at(world.server(id)?.follows?),
        }
    });
    let role = match &status {
        None => DataRole::Down,
        Some(status) => match (status.side.role, status.link.state) {
            (NodeRole::Master, _) => DataRole::Master,
            (NodeRole::Replica { .. }, LinkState::Connected) => DataRole::Replica,
            (NodeRole::Replica { .. }, LinkState::Sync) => DataRole::Syncing,
            (NodeRole::Replica { .. }, _) => DataRole::Apart,
        },
    };
    DataPicture {
        role,
        follows,
        is_promoting: views.promoting.contains(&ip),
        sdown_by: u32::try_from(sdown_by).unwrap_or(u32::MAX),
        odown: views.odown.contains(&ip),
        replication: status.map(|status| {
            let history = status.side.history;
            let name = |ip: &str| {
                let node = ip.parse().ok().and_then(|ip| world.node_at(SocketAddr::new(ip, 0)));
                node.map_or_else(|| ip.to_owned(), |node| world.name(node).to_owned())
            };
            Replication {
                replid: history.replid.to_string(),
                before: history.second_repl_offset.map(|offset| (history.replid2.to_string(), offset)),
                offset: history.master_repl_offset,
                backlog: status.side.backlog.map(|backlog| BacklogPicture {
                    first: backlog.first_byte_offset,
                    histlen: backlog.histlen,
                    size: status.side.repl_backlog_size,
                }),
                replicas: status
                    .side
                    .replicas
                    .iter()
                    .map(|replica| ReplicaPicture {
                        name: name(&replica.ip),
                        state: replica.state.word(),
                        ack: replica.ack,
                    })
                    .collect(),
                full: status.side.counters.sync_full,
                partial: status.side.counters.sync_partial_ok,
                refused: status.side.counters.sync_partial_err,
                keys: status.keys.iter().sum(),
            }
        }),
    }
}

pub(super) fn writer(world: &World, id: NodeId) -> WriterPicture {
    match world.writer(id) {
        None => WriterPicture { master: None, acknowledged: 0, failed: 0 },
        Some(report) => WriterPicture {
            master: report.master.and_then(|addr| world.node_at(addr)),
            acknowledged: report.acknowledged.len() as u64,
            failed: report.failed,
        },
    }
}

/// Acknowledged writes of all clients that the present master does not have; none if nobody is one.
#[must_use]
pub fn lost_writes(world: &World, master: Option<NodeId>) -> Option<u64> {
    let data = world.server(master.filter(|node| world.power(*node) == Power::Running)?)?.data;
    let reports = world.nodes().filter_map(|node| world.writer(node));
    let lost = |report: picket_sim::WriterReport| {
        let is_lost = |number: u64| data.binary_search(&number).is_err();
        report.acknowledged.iter().filter(|(number, _)| is_lost(*number)).count() as u64
    };
    Some(reports.map(lost).sum())
}
