//! The pair of connections to one process, as Sentinel sees it: what is sent, what is awaited, when
//! something was last heard. Mirrors `sentinel.c: instanceLink`.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use picket_resp::ReplyDecoder;
use picket_sansio::{LinkId, Millis, Time};

use crate::addr::Addr;
use crate::ids::InstanceId;

/// One TCP connection of a [`Link`].
#[derive(Clone, Debug, Default)]
pub(crate) enum Connection {
    /// There is none.
    #[default]
    Down,
    /// Asked for, not yet established.
    Connecting {
        /// Its id.
        link: LinkId,
        /// When it was asked for.
        since: Time,
    },
    /// Established.
    Up {
        /// Its id.
        link: LinkId,
        /// When it was established.
        since: Time,
        /// Our side's IP.
        local: IpAddr,
        /// Splits what arrives into replies.
        decoder: ReplyDecoder,
    },
}

impl Connection {
    /// The id, where there is a connection.
    #[must_use]
    pub(crate) fn id(&self) -> Option<LinkId> {
        match self {
            Self::Down => None,
            Self::Connecting { link, .. } | Self::Up { link, .. } => Some(*link),
        }
    }

    /// True if bytes can be sent.
    #[must_use]
    pub(crate) fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }
}

/// Which of the two connections of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Where commands go.
    Command,
    /// Where hello messages arrive.
    Pubsub,
}

/// What a reply on the command connection is the answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// AUTH, CLIENT SETNAME, SCRIPT KILL and the like: the answer changes nothing.
    Ignored,
    /// PING, sent at that time.
    Ping(Time),
    /// INFO of this server.
    Info(InstanceId),
    /// A hello published for this instance.
    Hello(InstanceId),
    /// IS-MASTER-DOWN-BY-ADDR to this peer: about which address, and for a vote in which epoch.
    Ask(InstanceId, Addr, Option<u64>),
    /// EXEC of a reconfiguration of this server; what was queued before it is `Ignored`.
    Reconfigured(InstanceId),
    /// PING with this word, behind a command that servers as a rule do not answer: what comes before the word
    /// is that command's; `answered`: something came.
    Word { word: String, answered: bool },
    /// What belongs to the handover of this epoch by this master.
    Handover(InstanceId, u64, HandoverReply),
}

/// Which answer of a master that hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandoverReply {
    /// FAILOVER was put into the transaction.
    Queued,
    /// The transaction was executed.
    Executed,
    /// FAILOVER ABORT.
    Aborted,
}

/// The connections to one process.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The instances that use it: one, or the same Sentinel as peer of several masters.
    pub(crate) users: Vec<InstanceId>,
    /// Where commands go.
    pub(crate) command: Connection,
    /// Where hello messages arrive; only towards masters and replicas.
    pub(crate) pubsub: Connection,
    /// When SUBSCRIBE was confirmed.
    pub(crate) subscribed_at: Option<Time>,
    /// Replies on the pub/sub connection that come before the one to SUBSCRIBE.
    pub(crate) pubsub_greetings: u32,
    /// Replies awaited on the command connection, oldest first.
    pub(crate) pending: VecDeque<Pending>,
    /// When the oldest PING without an acceptable answer was sent (or its connection asked for).
    pub(crate) act_ping: Option<Time>,
    /// When the last PING was sent.
    pub(crate) last_ping_sent: Option<Time>,
    /// When the last acceptable PING reply came; at first the creation.
    pub(crate) last_avail: Time,
    /// When any PING reply came last; at first the creation.
    pub(crate) last_pong: Time,
    /// How long PING and its reply are under way, smoothed, in microseconds; none before the first.
    pub(crate) round_trip: Option<u64>,
    /// A hello of ours was sent to the server then, and nothing came over the pub/sub connection since.
    pub(crate) unheard_since: Option<Time>,
    /// When a hello of ours first came back over the pub/sub connection: the others have it too.
    pub(crate) echoed_at: Option<Time>,
    /// When a connection attempt is allowed next.
    pub(crate) next_attempt: Time,
    /// Attempts in a row that failed.
    pub(crate) failures: u32,
    /// True while a name resolution for the next attempt is under way.
    pub(crate) resolving: bool,
    /// The text of the last failure, so that a change of it can be told.
    pub(crate) last_failure: Option<String>,
    /// The last refusal of a PING, or why the command connection ended: the answer to "why is it down?".
    pub(crate) trouble: Option<String>,
}

impl Link {
    /// A link that has never been up. It counts as awaiting a PING reply since now, so that an
    /// address that never answers goes down in time.
    #[must_use]
    pub(crate) fn new(now: Time, user: InstanceId) -> Self {
        Self {
            users: alloc::vec![user],
            command: Connection::Down,
            pubsub: Connection::Down,
            subscribed_at: None,
            pubsub_greetings: 0,
            pending: VecDeque::new(),
            act_ping: Some(now),
            last_ping_sent: None,
            last_avail: now,
            last_pong: now,
            round_trip: None,
            unheard_since: None,
            echoed_at: None,
            next_attempt: now,
            failures: 0,
            resolving: false,
            last_failure: None,
            trouble: None,
        }
    }

    /// True if this is a server (with pub/sub), false for another Sentinel.
    #[must_use]
    pub(crate) fn wants_pubsub(&self) -> bool {
        self.users.first().is_none_or(|user| !matches!(user, InstanceId::Peer(..)))
    }

    /// The `disconnected` flag: a connection that there should be is missing.
    #[must_use]
    pub(crate) fn is_disconnected(&self) -> bool {
        !self.command.is_up() || (self.wants_pubsub() && self.subscribed_at.is_none())
    }

    /// Whether another periodic command may be queued (`SENTINEL_MAX_PENDING_COMMANDS`).
    #[must_use]
    pub(crate) fn has_room(&self) -> bool {
        self.pending.len() < 100 * self.users.len().max(1)
    }

    /// Since when the pub/sub connection has owed us something: the confirmation of SUBSCRIBE, later our own hello.
    ///
    /// Differs from Redis, which drops one on which nothing came for three hello periods: here hellos can be rarer.
    #[must_use]
    pub(crate) fn silent_since(&self) -> Option<Time> {
        match self.pubsub {
            Connection::Up { .. } if self.subscribed_at.is_some() => self.unheard_since,
            Connection::Up { since, .. } => Some(since),
            Connection::Connecting { .. } | Connection::Down => None,
        }
    }

    /// Milliseconds since the oldest unanswered PING, 0 if there is none.
    #[must_use]
    pub(crate) fn ping_pending_for(&self, now: Time) -> Millis {
        self.act_ping.map_or(Millis(0), |since| now.since(since))
    }
}
