//! What each Sentinel thinks at a moment, and what follows from it for the data nodes.

use std::net::{IpAddr, SocketAddr};

use picket_sentinel_core::{Event, Status};
use picket_sim::{NodeId, Told, World};

/// Lines of the transcript in which the chosen replica is looked for.
const CHOICE_LOOKBACK: usize = 200;

/// What a Sentinel is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// All is well.
    Up,
    /// It thinks that the master is down.
    Sdown,
    /// It knows that enough of them do.
    Odown,
    /// It stands for election.
    Candidate,
    /// It was elected, and leads the failover.
    Leader,
    /// It promotes a replica.
    Promoting,
    /// It distrusts itself.
    Tilt,
}

/// What a Sentinel thinks of the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// What it is busy with.
    pub stance: Stance,
    /// The node that it takes for the master.
    pub master: Option<NodeId>,
    /// It thinks that this one is down.
    pub sdown: bool,
    /// It knows that enough of them do.
    pub odown: bool,
    /// Sentinels that said lately that it is down, besides itself.
    pub agree: u32,
    /// How many must agree.
    pub quorum: u32,
    /// The highest epoch that it heard of.
    pub epoch: u64,
    /// The epoch of the configuration in force.
    pub config_epoch: u64,
    /// For whom it voted last, and in which epoch.
    pub vote: Option<(String, u64)>,
    /// The state of the failover that it leads, as SENTINEL MASTER names it.
    pub failover: &'static str,
}

/// What all Sentinels know, asked once, and what follows from it for the data nodes.
pub(super) struct Views {
    statuses: Vec<(NodeId, Status)>,
    /// Addresses that a Sentinel thinks are down, one for each.
    pub(super) sdown: Vec<IpAddr>,
    pub(super) odown: Vec<IpAddr>,
    pub(super) promoting: Vec<IpAddr>,
}

impl Views {
    pub(super) fn of(world: &World) -> Self {
        let statuses: Vec<(NodeId, Status)> =
            world.nodes().filter_map(|node| Some((node, world.sentinel(node)?))).collect();
        let (mut sdown, mut odown, mut promoting) = (Vec::new(), Vec::new(), Vec::new());
        for (node, status) in &statuses {
            for master in &status.masters {
                let servers = std::iter::once(&master.server).chain(&master.replicas);
                sdown.extend(servers.filter(|server| server.s_down).filter_map(|server| server.addr.ip));
                odown.extend(master.server.addr.ip.filter(|_| master.o_down));
                if matches!(master.failover_state, "send_slaveof_noone" | "wait_promotion") {
                    promoting.extend(chosen_by(world, *node));
                }
            }
        }
        Self { statuses, sdown, odown, promoting }
    }

    /// The run ids of the Sentinels that run.
    pub(super) fn run_ids(&self) -> Vec<(String, NodeId)> {
        self.statuses.iter().map(|(node, status)| (status.my_id.clone(), *node)).collect()
    }

    fn status(&self, id: NodeId) -> Option<&Status> {
        self.statuses.iter().find(|(node, _)| *node == id).map(|(_, status)| status)
    }
}

/// The replica that a Sentinel told last it has chosen.
fn chosen_by(world: &World, sentinel: NodeId) -> Option<IpAddr> {
    let transcript = world.transcript();
    let mut latest = transcript.behind(transcript.len().saturating_sub(CHOICE_LOOKBACK)).rev();
    latest.find_map(|entry| match &entry.told {
        Told::Sentinel(event) if entry.node == Some(sentinel) => match &**event {
            Event::Selected { instance, .. } => instance.host.parse().ok(),
            _ => None,
        },
        _ => None,
    })
}

/// What a Sentinel thinks of the first master that it watches.
pub(super) fn opinion(world: &World, id: NodeId, views: &Views) -> Option<Opinion> {
    let status = views.status(id)?;
    let master = status.masters.first()?;
    let agree = master.peers.iter().filter(|peer| peer.agrees_down).count();
    let stance = match master.failover_state {
        _ if status.tilt_since.is_some() => Stance::Tilt,
        "wait_start" => Stance::Candidate,
        "send_slaveof_noone" | "wait_promotion" => Stance::Promoting,
        "select_slave" | "reconf_slaves" => Stance::Leader,
        _ if master.o_down => Stance::Odown,
        _ if master.server.s_down => Stance::Sdown,
        _ => Stance::Up,
    };
    let (voted_for, vote_epoch) = &master.vote;
    Some(Opinion {
        stance,
        master: master
            .server
            .addr
            .ip
            .and_then(|ip| world.node_at(SocketAddr::new(ip, master.server.addr.port))),
        sdown: master.server.s_down,
        odown: master.o_down,
        agree: u32::try_from(agree).unwrap_or(u32::MAX),
        quorum: master.quorum,
        epoch: status.current_epoch,
        config_epoch: master.config_epoch,
        vote: voted_for.as_ref().map(|run_id| (world.name_of_id(run_id), *vote_epoch)),
        failover: master.failover_state,
    })
}

#[cfg(test)]
mod tests {
    use crate::picture::tests::{data_of, engine, play_until};
    use crate::picture::*;

    #[test]
    fn a_failover_is_seen_with_its_stances() {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        let stance = |wanted: Stance| {
            move |picture: &Picture| picture.opinions().any(|(_, opinion)| opinion.stance == wanted)
        };
        let seen = play_until(&mut engine, stance(Stance::Sdown));
        assert_eq!(data_of(&seen, "redis-1").role, DataRole::Down);
        assert!(data_of(&seen, "redis-1").sdown_by >= 1);
        play_until(&mut engine, stance(Stance::Candidate));
        let seen = play_until(&mut engine, stance(Stance::Promoting));
        let votes: Vec<_> = seen.opinions().filter_map(|(_, opinion)| opinion.vote.clone()).collect();
        assert!(
            votes.len() >= 2
                && votes.iter().all(|(name, epoch)| name.starts_with("sentinel-") && *epoch >= 1)
        );
        let promoted = seen.nodes.iter().find(|node| match &node.part {
            Part::Data(data) => data.is_promoting,
            _ => false,
        });
        let promoted = promoted.expect("somebody is promoted").id;
        play_until(&mut engine, |picture| {
            picture.master() == Some(promoted)
                && picture.opinions().all(|(_, opinion)| opinion.stance == Stance::Up)
        });
    }
}
