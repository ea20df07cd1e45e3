//! The failover that this Sentinel leads.
//!
//! ```text
//!          odown, our turn                 votes >= max(quorum, majority)
//!   None ------------------> Election ------------------------------------> Select
//!    ^  ^                       |  lost, or voted for somebody newer           | fresh INFO of all, or 200 ms
//!    |  +-----------------------+                                              v
//!    |   nobody fit, or no promotion within failover-timeout               Promote
//!    +----------------------------------------------------------------+       | MULTI SLAVEOF NO ONE .. EXEC
//!    |                                                                |       v
//!    |   every replica told, or failover-timeout                      +-- WaitPromotion
//!    +------------------------- Reconf <--------------------------------------+ role:master seen;
//!                                                                               the master has its new address
//! ```
//!
//! A coordinated failover goes from `Promote` to `Handover` instead (`handover.rs`), and from there on to
//! `Reconf`, or back to `None` with the master as it was.
//!
//! Mirrors `sentinel.c: sentinelFailoverStateMachine`.

mod handover;
mod manual;
mod run;
mod select;
mod switch;

pub(crate) use handover::refused_pause;
pub(crate) use manual::Request;
pub(crate) use select::Asks;

use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Time};

use crate::ids::{PeerId, ReplicaId};
use crate::reason::Choice;

/// Where we are in a failover.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Failover {
    /// We lead none.
    #[default]
    None,
    /// We stand for election.
    Election(Election),
    /// We lead, and wait for fresh facts about the replicas before one is chosen.
    Select {
        /// The epoch that we were elected in.
        epoch: u64,
        /// When the failover began; facts must be younger.
        started_at: Time,
        /// When this state was entered.
        since: Time,
        /// What an operator asked for, if one did.
        order: Option<Order>,
    },
    /// A replica is chosen; it cannot be reached at the moment.
    Promote {
        /// The epoch that we were elected in.
        epoch: u64,
        /// When this state was entered.
        since: Time,
        /// The chosen replica.
        replica: ReplicaId,
        /// What an operator asked for, if one did.
        order: Option<Order>,
    },
    /// SLAVEOF NO ONE was sent.
    WaitPromotion {
        /// The epoch that we were elected in.
        epoch: u64,
        /// When this state was entered.
        since: Time,
        /// The chosen replica.
        replica: ReplicaId,
        /// What an operator asked for, if one did.
        order: Option<Order>,
        /// When the promotion is sent once more, because the server refused it or was lost.
        retry_at: Option<Time>,
    },
    /// The master was asked to hand its role over to the chosen replica.
    Handover {
        /// The epoch that we were elected in.
        epoch: u64,
        /// When this state was entered.
        since: Time,
        /// The chosen replica.
        replica: ReplicaId,
        /// What an operator asked for.
        order: Order,
        /// How far it has come.
        phase: Phase,
        /// When FAILOVER ABORT was sent last.
        taken_back_at: Option<Time>,
    },
    /// The new master is in force; the other replicas are told of it.
    Reconf {
        /// The epoch of the new configuration.
        epoch: u64,
        /// When this state was entered.
        since: Time,
    },
}

/// What an operator asked for with SENTINEL FAILOVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Order {
    /// `TO host port`: this replica and no other.
    pub(crate) replica: Option<ReplicaId>,
    /// `COORDINATED`: the master hands over, and holds back writes for at most this long.
    pub(crate) handover: Option<Millis>,
}

/// How far a handover has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// FAILOVER is sent and not answered yet.
    Asked,
    /// The master has taken it on.
    Accepted,
    /// FAILOVER ABORT is sent: its answer says who keeps the role.
    Aborting,
    /// Nobody knows whether it was taken back in time: what the two servers say decides.
    Unclear,
}

/// An election that we stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Election {
    /// Its epoch; votes of any other epoch do not count.
    pub(crate) epoch: u64,
    /// When it began.
    pub(crate) since: Time,
    /// Our own vote is on disk; without it there is no win.
    pub(crate) own_vote_durable: bool,
    /// Our own vote could not be written.
    pub(crate) own_vote_failed: bool,
    /// What each peer chose.
    pub(crate) ballots: BTreeMap<PeerId, Choice>,
    /// Why we stand.
    pub(crate) motive: Motive,
}

/// Why we stand for election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motive {
    /// The master is objectively down: who loses waits.
    ObjectivelyDown,
    /// An operator asked for it: who meets somebody else in its epoch stands again in a later one; where
    /// there is nobody else it leads even without a majority, as the reference does.
    Operator {
        /// How often we have stood again.
        tries: u32,
        /// What exactly.
        order: Order,
    },
}

impl Election {
    /// What an operator asked for, if one did.
    pub(crate) fn order(&self) -> Option<Order> {
        match self.motive {
            Motive::ObjectivelyDown => None,
            Motive::Operator { order, .. } => Some(order),
        }
    }

    /// The latest epoch, not before this one, that a voter takes for somebody else's: it chose another, or
    /// refused because it has voted, or knows a configuration, of such an epoch.
    pub(crate) fn taken(&self, my_id: &str) -> Option<u64> {
        let taken = self.ballots.values().filter_map(|choice| match choice {
            Choice::For(run_id) => (run_id != my_id).then_some(self.epoch),
            Choice::Refused { epoch } => (*epoch >= self.epoch).then_some(*epoch),
        });
        taken.max()
    }

    /// True if somebody answered without a word about any vote: it knows of no master at this address, or
    /// could not write its vote.
    pub(crate) fn has_abstainers(&self) -> bool {
        self.ballots.values().any(|choice| *choice == Choice::Refused { epoch: 0 })
    }
}

impl Failover {
    /// The name of the state in SENTINEL MASTER.
    #[must_use]
    pub(crate) fn wire(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Election(_) => "wait_start",
            Self::Select { .. } => "select_slave",
            Self::Promote { .. } => "send_slaveof_noone",
            Self::WaitPromotion { .. } | Self::Handover { .. } => "wait_promotion",
            Self::Reconf { .. } => "reconf_slaves",
        }
    }

    /// True if we lead, or want to lead, a failover.
    #[must_use]
    pub(crate) fn is_in_progress(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The replica that is being promoted.
    #[must_use]
    pub(crate) fn promoted(&self) -> Option<ReplicaId> {
        match self {
            Self::Promote { replica, .. }
            | Self::WaitPromotion { replica, .. }
            | Self::Handover { replica, .. } => Some(*replica),
            Self::None | Self::Election(_) | Self::Select { .. } | Self::Reconf { .. } => None,
        }
    }

    /// What an operator asked for, while it is not over.
    #[must_use]
    pub(crate) fn order(&self) -> Option<Order> {
        match self {
            Self::Election(election) => election.order(),
            Self::Select { order, .. } | Self::Promote { order, .. } | Self::WaitPromotion { order, .. } => {
                *order
            }
            Self::Handover { order, .. } => Some(*order),
            Self::None | Self::Reconf { .. } => None,
        }
    }

    /// True if a promotion is under way, so that who leads gives way to nobody: SLAVEOF NO ONE cannot be called
    /// back, and a handover only by asking the master, whose answer comes too late for the vote.
    #[must_use]
    pub(crate) fn is_committed(&self) -> bool {
        matches!(self, Self::WaitPromotion { .. } | Self::Handover { .. })
    }

    /// True if this peer can still vote in the election that we stand in.
    #[must_use]
    pub(crate) fn awaits_vote_of(&self, peer: PeerId) -> bool {
        matches!(self, Self::Election(election) if !election.ballots.contains_key(&peer))
    }

    /// The epoch of the failover in progress.
    #[must_use]
    pub(crate) fn epoch(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Election(election) => Some(election.epoch),
            Self::Select { epoch, .. }
            | Self::Promote { epoch, .. }
            | Self::WaitPromotion { epoch, .. }
            | Self::Handover { epoch, .. }
            | Self::Reconf { epoch, .. } => Some(*epoch),
        }
    }
}
