//! The states of a failover, and what begins each.

use picket_sentinel_core::Event;

/// A state of the failover, as SENTINEL MASTER names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It leads none.
    None,
    /// It stands for election.
    WaitStart,
    /// It chooses the replica.
    SelectSlave,
    /// It tells the replica to be a master.
    SendSlaveofNoone,
    /// It waits until the replica says that it is one.
    WaitPromotion,
    /// The new address is in force. No time is spent here.
    UpdateConfig,
    /// The others are told to follow.
    ReconfSlaves,
}

impl State {
    /// All of them, in the order in which a failover goes through them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::WaitStart,
        Self::SelectSlave,
        Self::SendSlaveofNoone,
        Self::WaitPromotion,
        Self::UpdateConfig,
        Self::ReconfSlaves,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::WaitStart => "wait_start",
            Self::SelectSlave => "select_slave",
            Self::SendSlaveofNoone => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::UpdateConfig => "update_config",
            Self::ReconfSlaves => "reconf_slaves",
        }
    }

    pub(super) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.word() == word).unwrap_or(Self::None)
    }

    /// The state that begins with this event.
    pub(super) fn begun_by(event: &Event) -> Option<Self> {
        Some(match event {
            Event::TryFailover { .. } => Self::WaitStart,
            Event::StateSelect { .. } => Self::SelectSlave,
            Event::StatePromote { .. } => Self::SendSlaveofNoone,
            Event::StateWaitPromotion { .. } => Self::WaitPromotion,
            Event::StateReconf { .. } => Self::ReconfSlaves,
            Event::FailoverEnd { .. }
            | Event::AbortNotElected { .. }
            | Event::AbortNoGoodReplica { .. }
            | Event::AbortReplicaTimeout { .. }
            | Event::SteppedDown { .. } => Self::None,
            _ => return None,
        })
    }
}
