//! The replica side: from `REPLICAOF` to a stream that is followed.
//!
//! ```text
//!   None --Follow--> Connect --> Connecting --> Handshake --+FULLRESYNC/SYNC--> Transfer --> Loading
//!    ^                  ^                         |   |                                           |
//!    |                  |                         |   +--+CONTINUE--> Connected <-----------------+
//!    |                  |                         +--+DUALCHANNELSYNC--> Dual --^  (dual.rs)
//!  Stop (from any)      +--- every failure, with its reason
//! ```
//!
//! The link knows how to reach its master and how far its stream is applied; history, backlog and data are
//! the host's, which is told what became of them (`replication.c: syncWithMaster, readSyncBulkPayload,
//! replicationCron`).

mod config;
mod dual;
mod event;
mod follow;
mod handshake;
mod io;
mod line;
mod mark;
mod payload;
mod status;
mod stored;
mod stream;
mod transfer;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::{Deadline, LinkId, Millis, Time};

pub use config::LinkConfig;
pub use event::{HandshakeStep, LinkEvent, LinkFailure, LinkState};
pub use io::{LinkInput, LinkOutput, PsyncForm};
pub use payload::PayloadSize;
pub use status::{LinkStatus, TransferStatus};
pub use stream::{StreamCommand, StreamError};

use crate::{CachedMaster, ReplId};
use dual::Dual;
use handshake::Handshake;
use payload::PayloadReader;
use stored::StoredStream;
use stream::StreamReader;

/// The beat of ACKs, of newlines while loading, and of new attempts.
const CRON_PERIOD: Millis = Millis(1000);
/// `repl_syncio_timeout`: how long a line may take from its first byte to its end.
const LINE_TIMEOUT: Millis = Millis(5000);

/// The link of a replica to its master: a value that turns inputs into outputs.
#[derive(Clone, Debug)]
pub struct ReplicaLink {
    config: LinkConfig,
    master: Option<Master>,
    state: State,
    cached: Option<CachedMaster>,
    form: PsyncForm,
    /// `PSYNC … FAILOVER` has left and was not answered: the other end may be a master by now.
    failover_sent: bool,
    down_since: Option<Time>,
    /// When the last connection was asked for: attempts are at least a second apart.
    last_attempt: Option<Time>,
    fsynced: Option<u64>,
    links: u64,
    outputs: VecDeque<LinkOutput>,
}

#[derive(Clone, Debug)]
struct Master {
    host: String,
    port: u16,
}

/// Where the link stands; each state owns what only makes sense there.
#[derive(Clone, Debug)]
enum State {
    None,
    Connect { at: Time },
    Connecting { link: LinkId, since: Time },
    Handshake(Handshake),
    Transfer(Transfer),
    Loading(Loading),
    Dual(Dual),
    Connected(Connected),
}

/// The history and offset of a `+FULLRESYNC`; none after SYNC, or if the master named no history.
type Origin = Option<(ReplId, u64)>;

#[derive(Clone, Debug)]
struct Transfer {
    link: LinkId,
    origin: Origin,
    reader: PayloadReader,
    last_io: Time,
    next_newline: Time,
}

#[derive(Clone, Debug)]
struct Loading {
    /// None if it was lost meanwhile.
    link: Result<LinkId, String>,
    origin: Origin,
    size: PayloadSize,
    read_bytes: u64,
    last_io: Time,
    next_newline: Time,
    /// Bytes of the stream that came with the end of the snapshot or before reading paused.
    early: Vec<Bytes>,
}

#[derive(Clone, Debug)]
struct Connected {
    link: LinkId,
    /// None if the master named no history: it gets no ACK and cannot be continued.
    replid: Option<ReplId>,
    reader: StreamReader,
    last_io: Time,
    next_ack: Time,
    /// What came while the snapshot did and is not applied yet; nothing is acknowledged and no more is read until
    /// it is.
    stored: StoredStream,
    next_stored: Time,
}

/// Why a replica link wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTimer {
    /// The next attempt to connect.
    Connect,
    /// The end of patience with a connection or a handshake.
    HandshakeTimeout,
    /// The end of patience with a line.
    LineTimeout,
    /// The end of patience with a snapshot.
    TransferTimeout,
    /// The newline that tells the master that loading goes on.
    Newline,
    /// The next part of what was stored of the stream while the snapshot came.
    Stored,
    /// The next ACK.
    Ack,
    /// The end of patience with a silent master.
    MasterTimeout,
}

impl ReplicaLink {
    /// A link of a node that is not a replica.
    #[must_use]
    pub fn new(config: LinkConfig) -> Self {
        Self {
            config,
            master: None,
            state: State::None,
            cached: None,
            form: PsyncForm::Plain,
            failover_sent: false,
            down_since: None,
            last_attempt: None,
            fsynced: None,
            links: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Changes the state; effects wait in [`ReplicaLink::poll_output`].
    pub fn handle(&mut self, now: Time, input: LinkInput) {
        match input {
            LinkInput::Wake => {}
            LinkInput::Configure(config) => {
                self.config = config;
                self.check_stored();
            }
            LinkInput::Follow { host, port, cached, form } => {
                self.leave(LinkFailure::Replaced);
                self.cached = cached.or(self.cached);
                self.form = form;
                self.master = Some(Master { host, port });
                self.down_since = None;
                self.last_attempt = None;
                self.state = State::Connect { at: now };
            }
            LinkInput::AckNow => self.send_ack(now),
            LinkInput::Stop => {
                self.leave(LinkFailure::Replaced);
                self.cached = None;
                self.master = None;
                self.form = PsyncForm::Plain;
                self.state = State::None;
            }
            LinkInput::Up { link } => self.on_up(now, link),
            LinkInput::Data { link, bytes } => {
                if self.links().contains(&Some(link)) {
                    match self.state {
                        State::Dual(_) => self.on_dual_data(now, link, bytes),
                        _ => self.on_data(now, bytes),
                    }
                }
            }
            LinkInput::Down { link, reason } => self.on_down(now, link, reason),
            LinkInput::Loaded { result } => self.on_loaded(now, result),
            LinkInput::Fsynced { offset } => self.fsynced = Some(offset),
            LinkInput::DropCached => self.cached = None,
        }
        self.run_timers(now);
    }

    /// The next effect to carry out.
    pub fn poll_output(&mut self) -> Option<LinkOutput> {
        self.outputs.pop_front()
    }

    /// When to send [`LinkInput::Wake`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<LinkTimer>> {
        let timeout = self.config.repl_timeout;
        let at = |at: Time, timer: LinkTimer| Some(Deadline { at, timer });
        let after = |last: Time| Time((last + timeout).0.saturating_add(1));
        let newline_or = |next: Time, end: Option<Deadline<LinkTimer>>| match end {
            Some(end) if end.at <= next => Some(end),
            _ => at(next, LinkTimer::Newline),
        };
        match &self.state {
            State::None => None,
            State::Connect { at: when } => at(*when, LinkTimer::Connect),
            State::Connecting { since, .. } => at(after(*since), LinkTimer::HandshakeTimeout),
            State::Handshake(handshake) => {
                let end = after(handshake.last_io);
                match handshake.line_since.map(|since| since + LINE_TIMEOUT) {
                    Some(line) if line <= end => at(line, LinkTimer::LineTimeout),
                    _ => at(end, LinkTimer::HandshakeTimeout),
                }
            }
            State::Transfer(transfer) => {
                let end = at(after(transfer.last_io), LinkTimer::TransferTimeout);
                match transfer.reader.size() {
                    Some(_) => newline_or(transfer.next_newline, end),
                    None => end,
                }
            }
            State::Loading(loading) if loading.link.is_ok() => newline_or(loading.next_newline, None),
            State::Loading(_) => None,
            State::Dual(dual) => dual.deadline(after),
            State::Connected(connected) if !connected.stored.is_empty() => {
                at(connected.next_stored, LinkTimer::Stored)
            }
            State::Connected(connected) => {
                let end = after(connected.last_io);
                if connected.replid.is_some() && connected.next_ack < end {
                    at(connected.next_ack, LinkTimer::Ack)
                } else {
                    at(end, LinkTimer::MasterTimeout)
                }
            }
        }
    }

    /// A plain picture of the link.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        let cached = self.cached;
        let mut status = LinkStatus {
            master: self.master.as_ref().map(|master| (master.host.clone(), master.port)),
            state: self.state(),
            replid: cached.map(|cached| cached.replid),
            reploff: cached.map(|cached| cached.reploff),
            read_reploff: cached.map(|cached| cached.reploff),
            stream_db: cached.map(|cached| cached.db),
            last_io: None,
            transfer: None,
            stored_bytes: self.stored_bytes(),
            down_since: self.down_since,
        };
        match &self.state {
            State::None | State::Connect { .. } | State::Connecting { .. } | State::Handshake(_) => {}
            State::Transfer(transfer) => {
                status.transfer = Some(TransferStatus {
                    size: transfer.reader.size(),
                    read_bytes: transfer.reader.bytes_read(),
                    last_io: transfer.last_io,
                });
            }
            State::Loading(loading) => {
                status.transfer = Some(TransferStatus {
                    size: Some(loading.size),
                    read_bytes: loading.read_bytes,
                    last_io: loading.last_io,
                });
            }
            State::Dual(dual) => {
                status.transfer = dual.transfer();
            }
            State::Connected(connected) => {
                status.replid = connected.replid;
                status.reploff = Some(connected.reader.reploff());
                status.read_reploff = Some(connected.reader.read_reploff());
                status.stream_db = Some(connected.reader.db());
                status.last_io = Some(connected.last_io);
            }
        }
        status
    }

    /// Where the link stands, as ROLE names it.
    #[must_use]
    pub fn state(&self) -> LinkState {
        match self.state {
            State::None => LinkState::None,
            State::Connect { .. } => LinkState::Connect,
            State::Connecting { .. } => LinkState::Connecting,
            State::Handshake(_) => LinkState::Handshake,
            State::Transfer(_) | State::Loading(_) => LinkState::Sync,
            State::Dual(ref dual) => dual.state(),
            State::Connected(_) => LinkState::Connected,
        }
    }

    /// Host and port of the master, none if not a replica.
    #[must_use]
    pub fn master(&self) -> Option<(&str, u16)> {
        self.master.as_ref().map(|master| (master.host.as_str(), master.port))
    }

    /// Whether this is the master that is followed already.
    #[must_use]
    pub fn is_following(&self, host: &str, port: u16) -> bool {
        self.master
            .as_ref()
            .is_some_and(|master| master.host.eq_ignore_ascii_case(host) && master.port == port)
    }

    /// Where the stream stands: of the live link, or of the cached one. What a snapshot of this replica is
    /// labelled with.
    #[must_use]
    pub fn position(&self) -> Option<CachedMaster> {
        self.live_position().or(self.cached)
    }

    fn live_position(&self) -> Option<CachedMaster> {
        let connected = match &self.state {
            State::Connected(connected) => connected,
            State::Dual(dual) => return dual.position(),
            _ => return None,
        };
        let replid = connected.replid?;
        Some(CachedMaster { replid, reploff: connected.reader.reploff(), db: connected.reader.db() })
    }

    /// Bytes of the stream that wait for the snapshot to be loaded, or to be applied after it.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        match &self.state {
            State::Dual(dual) => dual.stored_bytes(),
            State::Connected(connected) => connected.stored.len(),
            _ => 0,
        }
    }

    /// The connection over which the snapshot comes.
    #[must_use]
    pub fn payload_link(&self) -> Option<LinkId> {
        match &self.state {
            State::Dual(dual) => dual.rdb,
            _ => self.live_link(),
        }
    }

    /// All connections to the master.
    fn links(&self) -> [Option<LinkId>; 2] {
        match &self.state {
            State::Dual(dual) => [Some(dual.main), dual.rdb],
            _ => [self.live_link(), None],
        }
    }

    /// The connection to the master, if there is one.
    #[must_use]
    pub fn live_link(&self) -> Option<LinkId> {
        match &self.state {
            State::None | State::Connect { .. } => None,
            State::Connecting { link, .. } => Some(*link),
            State::Handshake(handshake) => Some(handshake.link),
            State::Transfer(transfer) => Some(transfer.link),
            State::Loading(loading) => loading.link.as_ref().ok().copied(),
            State::Dual(dual) => Some(dual.main),
            State::Connected(connected) => Some(connected.link),
        }
    }

    // ---- connection ----

    fn on_up(&mut self, now: Time, link: LinkId) {
        if matches!(self.state, State::Connecting { link: asked, .. } if asked == link) {
            self.event(LinkEvent::HandshakeStarted);
            self.enter_handshake(now, link);
        }
        self.on_dual_up(now, link);
    }

    fn on_down(&mut self, now: Time, link: LinkId, reason: String) {
        if !self.links().contains(&Some(link)) {
            return;
        }
        match &mut self.state {
            State::Dual(_) => self.on_dual_down(now, link, reason),
            // What has arrived is complete: it is loaded, and then continued from.
            State::Loading(loading) => loading.link = Err(reason),
            State::Connecting { .. } => self.fail_without_link(now, LinkFailure::ConnectFailed(reason)),
            _ => self.fail_without_link(now, LinkFailure::Lost(reason)),
        }
    }

    fn on_data(&mut self, now: Time, mut bytes: Bytes) {
        // Each state takes what is its own; what is left belongs to the next one.
        loop {
            match &mut self.state {
                State::None | State::Connect { .. } | State::Connecting { .. } => return,
                State::Handshake(_) => self.on_handshake_data(now, &mut bytes),
                State::Transfer(_) => self.on_transfer_data(now, &mut bytes),
                State::Loading(loading) => {
                    loading.early.push(bytes);
                    return;
                }
                // What follows the word that there are to be two connections came over the one that there was.
                State::Dual(_) => return self.on_main_data(now, bytes),
                State::Connected(_) => return self.on_stream_data(now, bytes),
            }
            if bytes.is_empty() {
                return;
            }
        }
    }

    fn run_timers(&mut self, now: Time) {
        while let Some(Deadline { timer, .. }) = self.next_deadline().filter(|deadline| deadline.at <= now) {
            match timer {
                LinkTimer::Connect => self.enter_connecting(now),
                LinkTimer::HandshakeTimeout => self.fail(now, LinkFailure::HandshakeTimeout),
                LinkTimer::LineTimeout => self.fail(now, LinkFailure::LineTimeout),
                LinkTimer::TransferTimeout => self.fail(now, LinkFailure::TransferTimeout),
                LinkTimer::MasterTimeout => self.fail(now, LinkFailure::MasterTimeout),
                LinkTimer::Newline => self.send_newline(now),
                LinkTimer::Stored => self.replay_on(now),
                LinkTimer::Ack => self.send_ack(now),
            }
        }
    }

    fn enter_connecting(&mut self, now: Time) {
        let Some(Master { host, port }) = self.master.clone() else {
            self.state = State::None;
            return;
        };
        let link = LinkId::next(&mut self.links);
        self.event(LinkEvent::Connecting { host: host.clone(), port });
        self.outputs.push_back(LinkOutput::Connect { link, host, port });
        self.last_attempt = Some(now);
        self.state = State::Connecting { link, since: now };
    }

    /// Ends an attempt or a link that still has a connection.
    fn fail(&mut self, now: Time, reason: LinkFailure) {
        self.close_links();
        self.fail_without_link(now, reason);
    }

    /// Ends an attempt or a link, and decides when to try again: at once after the loss of something that was
    /// working, by the 1 Hz cron after a refusal.
    ///
    /// Differs from Redis: attempts are never closer than a second, because a replica that cannot load what it
    /// is sent would otherwise ask for it in a tight loop.
    fn fail_without_link(&mut self, now: Time, reason: LinkFailure) {
        let state = self.state();
        let at_once = match state {
            LinkState::Sync | LinkState::Connected => true,
            LinkState::None | LinkState::Connect | LinkState::Connecting | LinkState::Handshake => {
                matches!(reason, LinkFailure::HandshakeTimeout)
            }
        };
        let was_connected = state == LinkState::Connected;
        let keep = !matches!(reason, LinkFailure::Stream(_));
        self.event(LinkEvent::Failed { state, reason });
        if !self.failover_sent {
            self.settle_failover(false);
        }
        self.drop_link(keep);
        if was_connected {
            self.down_since = Some(now);
        }
        let spaced = self.last_attempt.map_or(now, |last| now.max(last + CRON_PERIOD));
        self.state = State::Connect { at: if at_once { spaced } else { now + CRON_PERIOD } };
    }

    /// Ends whatever there is because the host says so.
    fn leave(&mut self, reason: LinkFailure) {
        let state = self.state();
        if !matches!(state, LinkState::None | LinkState::Connect) {
            self.event(LinkEvent::Failed { state, reason });
        }
        self.close_links();
        self.settle_failover(false);
        self.drop_link(true);
    }

    fn close_links(&mut self) {
        let links = self.links().into_iter().flatten();
        self.outputs.extend(links.map(|link| LinkOutput::Close { link }));
    }

    /// Forgets the live part of the link; keeps what a partial resynchronisation needs if `keep` says so.
    fn drop_link(&mut self, keep: bool) {
        match core::mem::replace(&mut self.state, State::None) {
            State::None | State::Connect { .. } | State::Connecting { .. } | State::Handshake(_) => {}
            State::Transfer(transfer) => {
                if transfer.reader.size().is_some() {
                    self.outputs.push_back(LinkOutput::PayloadAbort);
                }
            }
            State::Loading(_) => self.outputs.push_back(LinkOutput::PayloadAbort),
            State::Dual(dual) => {
                if dual.has_payload() {
                    self.outputs.push_back(LinkOutput::PayloadAbort);
                }
                // A snapshot that is loaded is kept; without one the link still knows what it knew.
                if let Some(position) = dual.position() {
                    self.cached = Some(position);
                    self.event(LinkEvent::Cached { reploff: position.reploff });
                }
            }
            State::Connected(connected) => {
                self.cached = connected.replid.filter(|_| keep).map(|replid| CachedMaster {
                    replid,
                    reploff: connected.reader.reploff(),
                    db: connected.reader.db(),
                });
                if let Some(CachedMaster { reploff, .. }) = self.cached {
                    self.event(LinkEvent::Cached { reploff });
                }
            }
        }
    }

    /// Tells once how a planned failover was answered.
    fn settle_failover(&mut self, accepted: bool) {
        if self.form == PsyncForm::Failover {
            self.form = PsyncForm::Plain;
            self.failover_sent = false;
            self.outputs.push_back(LinkOutput::FailoverAnswered { accepted });
        }
    }

    fn event(&mut self, event: LinkEvent) {
        self.outputs.push_back(LinkOutput::Event(event));
    }
}

#[cfg(test)]
mod tests;
