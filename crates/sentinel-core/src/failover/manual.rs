//! SENTINEL FAILOVER: what an operator may ask for, and why it is refused.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use picket_sansio::Millis;

use crate::addr::Addr;
use crate::event::Event;
use crate::failover::{Asks, Motive, Order};
use crate::ids::{InstanceId, MasterId, ReplicaId};
use crate::info::MasterFailover;
use crate::instance::Role;
use crate::reason::{Ineligible, Ranked, Rejected};
use crate::sentinel::Sentinel;

/// What SENTINEL FAILOVER asks for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Request {
    /// `TO host port`
    pub(crate) to: Option<Addr>,
    /// `COORDINATED`
    pub(crate) coordinated: bool,
    /// `TIMEOUT ms`
    pub(crate) timeout: Option<Millis>,
}

/// Why SENTINEL FAILOVER is refused; the text is the error, its code first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManualRefusal {
    /// We lead one already.
    InProgress,
    /// The master hands over already, by somebody else's word.
    MasterInProgress,
    /// Nobody can be promoted; each with its reason, where a reason is asked for.
    NoGoodReplica(Vec<Rejected>),
    /// The one that was asked for is not known.
    NoSuchReplica(String),
    /// It is the master.
    IsMaster(String),
    /// The master cannot hand over.
    NoGoodMaster(String),
    /// Writes would be held back for too long.
    TimeoutTooLong { max: Millis, down_after: Millis },
}

impl fmt::Display for ManualRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProgress => f.write_str("INPROG Failover already in progress"),
            Self::MasterInProgress => f.write_str("INPROG The master is handing over already"),
            Self::NoGoodReplica(rejected) => {
                f.write_str("NOGOODSLAVE No suitable replica to promote")?;
                for (index, rejected) in rejected.iter().enumerate() {
                    f.write_str(if index == 0 { ": " } else { ", " })?;
                    write!(f, "{rejected}")?;
                }
                Ok(())
            }
            Self::NoSuchReplica(name) => write!(f, "NOGOODSLAVE {name} is no known replica of this master"),
            Self::IsMaster(name) => write!(f, "NOGOODSLAVE {name} is the master"),
            Self::NoGoodMaster(why) => write!(f, "NOGOODPRIMARY The master cannot hand over: {why}"),
            Self::TimeoutTooLong { max, down_after } => write!(
                f,
                "ERR TIMEOUT must be at most {}: a master that holds back writes for longer would be taken for \
                 down (down-after-milliseconds {})",
                max.0, down_after.0
            ),
        }
    }
}

impl Sentinel {
    /// SENTINEL FAILOVER.
    pub(crate) fn manual_failover(&mut self, id: MasterId, request: &Request) -> Result<(), ManualRefusal> {
        let Some(master) = self.masters.get(&id) else {
            return Err(ManualRefusal::NoGoodReplica(Vec::new()));
        };
        if master.failover.is_in_progress() {
            return Err(ManualRefusal::InProgress);
        }
        let replica = request.to.as_ref().map(|to| self.wanted_replica(id, to)).transpose()?;
        let handover =
            if request.coordinated { Some(self.handover_patience(id, request.timeout)?) } else { None };
        let order = Order { replica, handover };
        let (ranked, rejected) = self.candidates(id, Some(order));
        if ranked.is_empty() {
            // Without wishes the answer is the reference's to the byte; the log of a failover says why.
            let told = replica.is_some() || handover.is_some();
            let wanted = |rejected: &Rejected| told && rejected.why != Ineligible::NotWanted;
            return Err(ManualRefusal::NoGoodReplica(rejected.into_iter().filter(wanted).collect()));
        }
        let event = Event::UserFailover {
            master: master.name.clone(),
            to: replica.map(|replica| self.instance_ref(InstanceId::Replica(id, replica)).name),
            handover,
        };
        self.emit(event);
        self.start_failover(id, Motive::Operator { tries: 0, order });
        Ok(())
    }

    fn wanted_replica(&self, id: MasterId, to: &Addr) -> Result<ReplicaId, ManualRefusal> {
        let name = || to.announced_with_port(self.settings.announce());
        let Some(master) = self.masters.get(&id) else { return Err(ManualRefusal::NoSuchReplica(name())) };
        if master.server.instance.addr.is_same(to) {
            return Err(ManualRefusal::IsMaster(name()));
        }
        master.replica_by_addr(to).ok_or_else(|| ManualRefusal::NoSuchReplica(name()))
    }

    /// How long the master holds back writes, if it can hand over at all.
    fn handover_patience(&self, id: MasterId, timeout: Option<Millis>) -> Result<Millis, ManualRefusal> {
        let no = |why: &str| Err(ManualRefusal::NoGoodMaster(why.to_string()));
        let Some(master) = self.masters.get(&id) else { return no("it is not known") };
        let (server, down_after) = (&master.server, master.settings.down_after);
        let max = Self::handover_max(down_after);
        if let Some(timeout) = timeout
            && timeout > max
        {
            return Err(ManualRefusal::TimeoutTooLong { max, down_after });
        }
        if server.instance.s_down {
            return no("it is down");
        }
        if !self.is_command_up(InstanceId::Master(id)) {
            return no("there is no connection to it");
        }
        if server.info_at.is_none() {
            return no("it has not answered INFO yet");
        }
        if server.role_reported != Role::Master {
            return no("it calls itself a replica");
        }
        match server.failover_state {
            Some(MasterFailover::None) => Ok(timeout.unwrap_or(max)),
            Some(MasterFailover::WaitingForSync | MasterFailover::InProgress) => {
                Err(ManualRefusal::MasterInProgress)
            }
            None => {
                no("its INFO tells no master_failover_state, so it does not know FAILOVER (Redis before 6.2)")
            }
        }
    }

    /// Who can be promoted, best first, and who cannot, as an operator's order has it if there is one.
    pub(super) fn candidates(
        &self,
        id: MasterId,
        order: Option<Order>,
    ) -> (Vec<(ReplicaId, Ranked)>, Vec<Rejected>) {
        let who = if order.is_some() { Asks::Operator } else { Asks::Sentinel };
        let (ranked, mut rejected) = self.eligible(id, who);
        let Some(order) = order else { return (ranked, rejected) };
        let mut wanted = Vec::new();
        for (replica, facts) in ranked {
            let why = if order.replica.is_some_and(|only| only != replica) {
                Some(Ineligible::NotWanted)
            } else if order.handover.is_some() {
                self.cannot_take_over(id, replica)
            } else {
                None
            };
            match why {
                Some(why) => rejected.push(Rejected { replica: facts.replica, why }),
                None => wanted.push((replica, facts)),
            }
        }
        if let Some(only) = order.replica {
            let name = self.instance_ref(InstanceId::Replica(id, only)).name;
            for rejected in rejected.iter_mut().filter(|rejected| rejected.replica != name) {
                rejected.why = Ineligible::NotWanted;
            }
        }
        (wanted, rejected)
    }

    /// Why a replica that could be promoted cannot take over from a living master.
    fn cannot_take_over(&self, id: MasterId, replica: ReplicaId) -> Option<Ineligible> {
        let master = self.masters.get(&id)?;
        let server = &master.replicas.get(&replica)?.server;
        let follows = server.role_reported == Role::Replica && server.follows(&master.server.instance.addr);
        if !follows {
            Some(Ineligible::NotFollowing)
        } else if !server.master_link_up || server.sync_in_progress {
            Some(Ineligible::LinkBroken)
        } else if self.listed_by_master(id, replica).is_none() {
            Some(Ineligible::NotListed)
        } else {
            None
        }
    }
}
