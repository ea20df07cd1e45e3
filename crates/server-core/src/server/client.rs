//! What the server knows about one connection.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{Protocol, RequestBuffer};
use picket_sansio::{ClientId, Time};

use super::facts::{ClientFacts, ReplicationLink};
use super::held::Held;
use super::pubsub::Subscriptions;
use super::shown;
use super::tracking::Tracking;
use super::transaction::Multi;
use crate::acl::DEFAULT_USER;
use crate::command::CommandRef;

/// Both ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAddresses {
    /// The other end: `ip:port` (IPv6 in brackets), or `path:0` for a Unix socket.
    pub peer: String,
    /// Our end, written alike.
    pub local: String,
    /// The number of the socket; `CLIENT LIST` shows it.
    pub fd: u32,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This machine, by TCP.
    Loopback,
    /// This machine, by a Unix socket.
    Unix,
    /// Elsewhere.
    Remote,
}

impl ClientAddresses {
    /// A TCP connection.
    #[must_use]
    pub fn tcp(peer: SocketAddr, local: SocketAddr, fd: u32) -> Self {
        let origin = if peer.ip().to_canonical().is_loopback() { Origin::Loopback } else { Origin::Remote };
        Self { peer: format!("{peer}"), local: format!("{local}"), fd, origin }
    }

    /// A connection to the Unix socket at `path`.
    #[must_use]
    pub fn unix(path: &str, fd: u32) -> Self {
        Self { peer: format!("{path}:0"), local: format!("{path}:0"), fd, origin: Origin::Unix }
    }
}

/// One connection.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) addresses: ClientAddresses,
    pub(super) buffer: RequestBuffer,
    pub(super) protocol: Protocol,
    pub(super) user: Vec<u8>,
    pub(super) authenticated: bool,
    /// The count of changes at which its user was found to be without limits.
    pub(super) unlimited_at: u64,
    pub(super) name: Vec<u8>,
    pub(super) lib_name: Vec<u8>,
    pub(super) lib_ver: Vec<u8>,
    pub(super) created: Time,
    pub(super) last_interaction: Time,
    pub(super) subscriptions: Subscriptions,
    pub(super) is_monitor: bool,
    pub(super) tracking: Tracking,
    pub(super) replies: Replies,
    pub(super) no_evict: bool,
    pub(super) no_touch: bool,
    /// It killed itself and gets its answer first.
    pub(super) killed: bool,
    /// The application answers later.
    pub(super) suspended: bool,
    /// It waits in a command that `CLIENT UNBLOCK` can end.
    pub(super) is_blocked: bool,
    /// What it sent since MULTI.
    pub(super) multi: Option<Multi>,
    pub(super) facts: ClientFacts,
    /// What waits behind replies to come.
    pub(super) held: Held,
    /// A request that `CLIENT PAUSE` holds back.
    pub(super) postponed: Option<Vec<Bytes>>,
    /// It stands in the server's `ready` queue.
    pub(super) queued: bool,
    pub(super) last_command: Option<CommandRef>,
    pub(super) last_args_bytes: u64,
    pub(super) pending_output: u64,
}

/// What `CLIENT REPLY` asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    On,
    Off,
    /// `SKIP` was just asked for: its own answer and the next are left out.
    SkipNext,
    /// The answer to the request at hand is left out.
    Skip,
}

impl Client {
    pub(super) fn new(now: Time, addresses: ClientAddresses, bulk_len: u64) -> Self {
        let mut buffer = RequestBuffer::new();
        buffer.set_max_bulk_len(bulk_len);
        Self {
            addresses,
            buffer,
            protocol: Protocol::Resp2,
            user: DEFAULT_USER.to_vec(),
            authenticated: false,
            unlimited_at: 0,
            name: Vec::new(),
            lib_name: Vec::new(),
            lib_ver: Vec::new(),
            created: now,
            last_interaction: now,
            subscriptions: Subscriptions::default(),
            is_monitor: false,
            tracking: Tracking::default(),
            replies: Replies::On,
            no_evict: false,
            no_touch: false,
            killed: false,
            suspended: false,
            is_blocked: false,
            multi: None,
            facts: ClientFacts::default(),
            held: Held::default(),
            postponed: None,
            queued: false,
            last_command: None,
            last_args_bytes: 0,
            pending_output: 0,
        }
    }

    pub(super) fn set_user(&mut self, user: &[u8]) {
        self.user = user.to_vec();
        self.unlimited_at = 0;
    }

    pub(super) fn set_authenticated(&mut self, authenticated: bool) {
        self.authenticated = authenticated;
        self.buffer.set_authenticated(authenticated);
    }

    /// A new request begins: a `SKIP` moves on.
    pub(super) fn begin_request(&mut self) {
        self.replies = match self.replies {
            Replies::SkipNext => Replies::Skip,
            Replies::Skip | Replies::On => Replies::On,
            Replies::Off => Replies::Off,
        };
    }

    pub(super) fn wants_replies(&self) -> bool {
        self.replies == Replies::On
    }

    pub(super) fn is_pubsub(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Whether its requests are left unread until a reply or a pause lets them through.
    pub(super) fn is_waiting(&self) -> bool {
        self.suspended || self.held.is_full()
    }

    /// Whether `timeout` does not count for it now.
    pub(super) fn may_be_silent(&self) -> bool {
        self.is_pubsub()
            || self.is_monitor
            || self.suspended
            || !self.held.is_empty()
            || self.postponed.is_some()
            || self.facts.link != ReplicationLink::None
    }

    /// What its buffers take.
    pub(super) fn buffers_bytes(&self) -> u64 {
        let multi = self.multi.as_ref().map_or(0, |multi| multi.bytes);
        self.buffer.pending_len() as u64 + multi + self.pending_output
    }

    /// Its line of `CLIENT LIST`, without the line end.
    pub(super) fn info(&self, id: ClientId, now: Time) -> String {
        let mut line = String::with_capacity(360);
        let name = self.last_command.map_or_else(|| "NULL".into(), |command| command.full_name());
        let qbuf = self.buffer.pending_len();
        let multi_bytes = self.multi.as_ref().map_or(0, |multi| multi.bytes);
        let multi_len =
            self.multi.as_ref().map_or(-1, |multi| i64::try_from(multi.queued.len()).unwrap_or(i64::MAX));
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} \
             watch={} qbuf={qbuf} qbuf-free=0 argv-mem={} multi-mem={multi_bytes} rbs=0 rbp=0 obl=0 oll={} omem={} \
             tot-mem={} events={} cmd={name} user={} redir={} resp={} lib-name={} lib-ver={}",
            id.0,
            self.addresses.peer,
            self.addresses.local,
            self.addresses.fd,
            shown(&self.name),
            now.since(self.created).0 / 1000,
            now.since(self.last_interaction).0 / 1000,
            self.flags(),
            self.facts.db,
            self.subscriptions.channels.len(),
            self.subscriptions.patterns.len(),
            self.subscriptions.shard_channels.len(),
            multi_len,
            self.facts.watched_keys,
            self.last_args_bytes,
            u8::from(self.pending_output > 0),
            self.pending_output,
            self.buffers_bytes() + self.last_args_bytes,
            if self.pending_output > 0 { "rw" } else { "r" },
            shown(&self.user),
            self.tracking.redirect_number(),
            match self.protocol {
                Protocol::Resp2 => 2,
                Protocol::Resp3 => 3,
            },
            shown(&self.lib_name),
            shown(&self.lib_ver),
        );
        line
    }

    fn flags(&self) -> String {
        let flags: String = [
            ('O', self.is_monitor),
            ('S', self.facts.link == ReplicationLink::Replica),
            ('M', self.facts.link == ReplicationLink::Master),
            ('P', self.is_pubsub()),
            ('x', self.multi.is_some()),
            ('b', self.suspended || self.postponed.is_some()),
            ('t', self.tracking.is_on()),
            ('B', self.tracking.is_broadcast()),
            ('d', self.facts.is_dirty),
            ('U', self.addresses.origin == Origin::Unix),
            ('e', self.no_evict),
            ('T', self.no_touch),
        ]
        .into_iter()
        .filter_map(|(flag, set)| set.then_some(flag))
        .collect();
        if flags.is_empty() { "N".into() } else { flags }
    }
}
