//! Names of things in a world.

use core::fmt;

use picket_sansio::{ClientId, LinkId};

/// A process with its machine. Given out in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// What runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A Sentinel.
    Sentinel,
    /// A data server.
    Server,
    /// A client that writes to the master.
    Writer,
    /// An operator's connection.
    Console,
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It does.
    Running,
    /// It is stopped (SIGSTOP): the kernel goes on for it, it does not.
    Frozen,
    /// It was killed; its machine refuses connections.
    Killed,
    /// Its machine is off: nothing answers.
    Off,
}

/// A TCP connection. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) u64);

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Who asked for it.
    Dialler,
    /// Who was asked.
    Listener,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Listener,
            Self::Listener => Self::Dialler,
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Dialler => 0,
            Self::Listener => 1,
        }
    }
}

/// What a connection is to the core of the process that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The core asked for it.
    Link(LinkId),
    /// Somebody connected.
    Client(ClientId),
}

/// One life of a process: a node is restarted as another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run(pub(crate) u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node-{}", self.0)
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sentinel => "Sentinel",
            Self::Server => "data node",
            Self::Writer => "writer",
            Self::Console => "console",
        })
    }
}
