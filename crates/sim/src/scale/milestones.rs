//! What matters of a failover, with its time: so little that thousands of failovers can be looked at afterwards.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::Time;
use picket_sentinel_core::Event;

use crate::ids::NodeId;

/// A step of a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SubjectivelyDown,
    ObjectivelyDown,
    /// Somebody stands for election in this epoch.
    Stands(u64),
    /// Somebody gave an election or a failover up, and published that.
    GivenUp,
    Elected,
    /// Somebody voted in this epoch.
    Votes(u64),
    /// A Sentinel names the new master.
    Switched,
}

/// A step of somebody's failover of a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Milestone {
    pub(crate) at: Time,
    pub(crate) node: NodeId,
    pub(crate) master: String,
    pub(crate) step: Step,
}

/// All of them, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Milestones(pub(crate) Vec<Milestone>);

impl Milestones {
    pub(crate) fn note(&mut self, at: Time, node: NodeId, event: &Event) {
        let (step, master) = match event {
            Event::SubjectivelyDown { instance, .. } if instance.master.is_none() => {
                (Step::SubjectivelyDown, instance.master_name())
            }
            Event::ObjectivelyDown { instance, .. } => (Step::ObjectivelyDown, instance.master_name()),
            Event::TryFailover { instance, epoch } => (Step::Stands(*epoch), instance.master_name()),
            Event::AbortNotElected { instance, .. }
            | Event::AbortNoGoodReplica { instance, .. }
            | Event::AbortReplicaTimeout { instance }
            | Event::AbortHandover { instance, .. } => (Step::GivenUp, instance.master_name()),
            Event::Voted { master, epoch, .. } => (Step::Votes(*epoch), master.as_str()),
            Event::Elected { instance, .. } => (Step::Elected, instance.master_name()),
            Event::SwitchMaster { name, .. } => (Step::Switched, name.as_str()),
            _ => return,
        };
        self.0.push(Milestone { at, node, master: master.to_string(), step });
    }
}
