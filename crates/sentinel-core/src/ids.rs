//! Keys of the things that a Sentinel knows. Given out in rising order and never reused.

/// A monitored master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MasterId(pub u32);

/// A replica; unique over all masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaId(pub u32);

/// Another Sentinel as one master's peer; unique over all masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerId(pub u32);

/// The pair of connections to one process; peers of several masters share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotId(pub u32);

/// An instance of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceId {
    /// The master itself.
    Master(MasterId),
    /// One of its replicas.
    Replica(MasterId, ReplicaId),
    /// One of the other Sentinels that watch it.
    Peer(MasterId, PeerId),
}

impl InstanceId {
    /// The master that it is, or belongs to.
    #[must_use]
    pub fn master(self) -> MasterId {
        match self {
            Self::Master(id) | Self::Replica(id, _) | Self::Peer(id, _) => id,
        }
    }
}
