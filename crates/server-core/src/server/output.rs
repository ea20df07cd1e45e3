//! What comes out of a server: calls for the application, bytes and closings for the host.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_sansio::ClientId;

use crate::command::CommandRef;

/// A request that the application runs and answers with [`Server::reply`](super::Server::reply).
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Who asks.
    pub client: ClientId,
    /// What: it exists, has the right number of words, and is allowed.
    pub command: CommandRef,
    /// The words as they came, the command's name first.
    pub args: Vec<Bytes>,
}

/// What the host has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOutput {
    /// Send these bytes.
    Send {
        /// To whom.
        client: ClientId,
        /// What.
        bytes: Bytes,
    },
    /// Close the connection once what was sent before is out, and forget it.
    Close {
        /// Whose.
        client: ClientId,
        /// Why; for the log.
        reason: CloseReason,
    },
    /// End the wait of a blocked client, as `CLIENT UNBLOCK` asks: answer its call and resume it.
    Unblock {
        /// Whose.
        client: ClientId,
        /// How.
        with: UnblockWith,
    },
    /// A client's EXEC was refused: its transaction is gone, and what it watches is to be forgotten.
    Discarded {
        /// Whose.
        client: ClientId,
    },
}

/// What `CLIENT UNBLOCK` makes of a client's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnblockWith {
    /// It ends as at its timeout.
    Timeout,
    /// It ends with [`UnblockWith::ERROR`].
    Error,
}

impl UnblockWith {
    /// The reply of a wait that ends with an error.
    pub const ERROR: &str = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// `maxclients` are connected already.
    MaxClients,
    /// Protected mode keeps strangers out.
    ProtectedMode,
    /// The bytes are not RESP.
    Protocol,
    /// More unread bytes than the query buffer limit allows.
    QueryBufferLimit,
    /// An HTTP request: somebody makes a browser talk to this port.
    CrossProtocol,
    /// Silent for longer than `timeout`.
    Idle,
    /// `CLIENT KILL`.
    Killed,
    /// Its user was deleted, or may no longer listen to its channels.
    AclChanged,
    /// QUIT.
    Quit,
    /// The application asked for it.
    Application,
}

/// Why [`Server::next_deadline`](super::Server::next_deadline) wants the server woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTimer {
    /// A client may have been silent for too long.
    Idle,
    /// `CLIENT PAUSE` ends.
    Pause,
}

impl fmt::Debug for Call {
    // Arguments may be passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {} words", self.client, self.command.full_name(), self.args.len())
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxClients => "max number of clients reached",
            Self::ProtectedMode => "protected mode",
            Self::Protocol => "protocol error",
            Self::QueryBufferLimit => "query buffer limit reached",
            Self::CrossProtocol => "an HTTP request on this port, possibly an attack through a browser",
            Self::Idle => "idle for too long",
            Self::Killed => "killed by CLIENT KILL",
            Self::AclChanged => "user deleted or changed",
            Self::Quit => "QUIT",
            Self::Application => "closed by the server",
        })
    }
}
