//! The replica side: from `REPLICAOF` to a stream that is followed.
//!
//! ```text
//!   None --Follow--> Connect --> Connecting --> Handshake --+FULLRESYNC/SYNC--> Transfer --> Loading
//!    ^                  ^                           |                                           |
//!    |                  |                           +--+CONTINUE--> Connected <-----------------+
//!  Stop (from any)      +--- every failure, with its reason
//! ```
//!
//! The link knows how to reach its master and how far its stream is applied; history, backlog and data are
//! the host's, which is told what became of them (`replication.c: syncWithMaster, readSyncBulkPayload,
//! replicationCron`).

mod config;
mod event;
mod handshake;
mod io;
mod line;
mod mark;
mod payload;
mod status;
mod stream;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::command;
use picket_sansio::{Deadline, LinkId, Millis, Time};

pub use config::LinkConfig;
pub use event::{HandshakeStep, LinkEvent, LinkFailure, LinkState};
pub use io::{LinkInput, LinkOutput, PsyncForm};
pub use payload::PayloadSize;
pub use status::{LinkStatus, TransferStatus};
pub use stream::{StreamCommand, StreamError};

use crate::{CachedMaster, ReplId};
use handshake::Handshake;
use payload::{PayloadError, PayloadReader, Progress};
use stream::{StreamReader, StreamStep};

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
            LinkInput::Configure(config) => self.config = config,
            LinkInput::Follow { host, port, cached, form } => {
                self.leave(LinkFailure::Replaced);
                self.cached = cached.or(self.cached);
                self.form = form;
                self.master = Some(Master { host, port });
                self.down_since = None;
                self.last_attempt = None;
                self.state = State::Connect { at: now };
            }
            LinkInput::Stop => {
                self.leave(LinkFailure::Replaced);
                self.cached = None;
                self.master = None;
                self.form = PsyncForm::Plain;
                self.state = State::None;
            }
            LinkInput::Up { link } => self.on_up(now, link),
            LinkInput::Data { link, bytes } => {
                if self.live_link() == Some(link) {
                    self.on_data(now, bytes);
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
            State::Connected(_) => LinkState::Connected,
        }
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
        let State::Connected(connected) = &self.state else { return None };
        let replid = connected.replid?;
        Some(CachedMaster { replid, reploff: connected.reader.reploff(), db: connected.reader.db() })
    }

    fn live_link(&self) -> Option<LinkId> {
        match &self.state {
            State::None | State::Connect { .. } => None,
            State::Connecting { link, .. } => Some(*link),
            State::Handshake(handshake) => Some(handshake.link),
            State::Transfer(transfer) => Some(transfer.link),
            State::Loading(loading) => loading.link.as_ref().ok().copied(),
            State::Connected(connected) => Some(connected.link),
        }
    }

    // ---- connection ----

    fn on_up(&mut self, now: Time, link: LinkId) {
        if matches!(self.state, State::Connecting { link: asked, .. } if asked == link) {
            self.event(LinkEvent::HandshakeStarted);
            self.enter_handshake(now, link);
        }
    }

    fn on_down(&mut self, now: Time, link: LinkId, reason: String) {
        if self.live_link() != Some(link) {
            return;
        }
        match &mut self.state {
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
        if let Some(link) = self.live_link() {
            self.outputs.push_back(LinkOutput::Close { link });
        }
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
        if let Some(link) = self.live_link() {
            self.outputs.push_back(LinkOutput::Close { link });
        }
        self.settle_failover(false);
        self.drop_link(true);
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

    // ---- snapshot ----

    fn enter_transfer(&mut self, now: Time, link: LinkId, origin: Origin) {
        self.event(LinkEvent::FullResync {
            replid: origin.map(|(replid, _)| replid),
            offset: origin.map_or(0, |(_, offset)| offset),
        });
        self.state = State::Transfer(Transfer {
            link,
            origin,
            reader: PayloadReader::new(),
            last_io: now,
            next_newline: now + CRON_PERIOD,
        });
    }

    fn on_transfer_data(&mut self, now: Time, bytes: &mut Bytes) {
        let State::Transfer(transfer) = &mut self.state else { return };
        transfer.last_io = now;
        let mut payload = Vec::new();
        let progress = transfer.reader.read(bytes, &mut payload);
        self.outputs.extend(payload.into_iter().map(LinkOutput::Payload));
        match progress {
            Ok(Progress::More) => {}
            Ok(Progress::Header(size)) => {
                self.event(LinkEvent::Receiving { size });
                self.outputs.push_back(LinkOutput::PayloadStart { size });
                if size == PayloadSize::Bytes(0) {
                    self.enter_loading(now);
                }
            }
            Ok(Progress::End) => self.enter_loading(now),
            Err(PayloadError::Aborted(message)) => {
                self.fail(now, LinkFailure::TransferAborted { message: message.into() });
            }
            Err(PayloadError::BadHeader(header)) => {
                self.fail(now, LinkFailure::BadHeader { header: header.into() });
            }
        }
    }

    fn enter_loading(&mut self, now: Time) {
        let State::Transfer(transfer) = core::mem::replace(&mut self.state, State::None) else { return };
        let size = transfer.reader.size().expect("a payload ends after its header");
        let read_bytes = transfer.reader.bytes_read();
        self.event(LinkEvent::Loading { bytes: read_bytes });
        self.outputs.push_back(LinkOutput::PauseReading { link: transfer.link });
        self.outputs.push_back(LinkOutput::PayloadEnd);
        self.state = State::Loading(Loading {
            link: Ok(transfer.link),
            origin: transfer.origin,
            size,
            read_bytes,
            last_io: now,
            next_newline: transfer.next_newline,
            early: Vec::new(),
        });
    }

    fn on_loaded(&mut self, now: Time, result: Result<u32, String>) {
        let db = match result {
            Ok(db) => db,
            Err(reason) => {
                if self.state() == LinkState::Sync {
                    self.fail(now, LinkFailure::LoadFailed(reason));
                }
                return;
            }
        };
        if !matches!(self.state, State::Loading(_)) {
            return;
        }
        let State::Loading(loading) = core::mem::replace(&mut self.state, State::None) else { return };
        self.cached = None;
        let (replid, offset) = (loading.origin.map(|(id, _)| id), loading.origin.map_or(0, |(_, at)| at));
        self.outputs.push_back(LinkOutput::FullSync { replid, offset });
        self.event(LinkEvent::Synced);
        let (link, lost) = match loading.link {
            Ok(link) => (link, None),
            Err(reason) => (LinkId::default(), Some(reason)),
        };
        self.enter_connected(now, link, replid, StreamReader::new(offset, db));
        if let Some(reason) = lost {
            return self.fail_without_link(now, LinkFailure::Lost(reason));
        }
        self.outputs.push_back(LinkOutput::ResumeReading { link });
        if loading.size == PayloadSize::UntilMark {
            self.send_ack(now);
        }
        for bytes in loading.early {
            self.on_data(now, bytes);
        }
    }

    fn send_newline(&mut self, now: Time) {
        let (link, next) = match &mut self.state {
            State::Transfer(transfer) => (transfer.link, &mut transfer.next_newline),
            State::Loading(Loading { link: Ok(link), next_newline, .. }) => (*link, next_newline),
            _ => return,
        };
        *next = now + CRON_PERIOD;
        self.outputs.push_back(LinkOutput::Send { link, bytes: Bytes::from_static(b"\n") });
    }

    // ---- stream ----

    fn enter_connected(&mut self, now: Time, link: LinkId, replid: Option<ReplId>, reader: StreamReader) {
        self.down_since = None;
        self.state =
            State::Connected(Connected { link, replid, reader, last_io: now, next_ack: now + CRON_PERIOD });
    }

    fn on_stream_data(&mut self, now: Time, bytes: Bytes) {
        let State::Connected(connected) = &mut self.state else { return };
        connected.last_io = now;
        let mut steps = Vec::new();
        let result = connected.reader.read(bytes, &mut steps);
        let link = connected.link;
        let acks = connected.replid.is_some();
        let end: u64 = connected.reader.reploff();
        let advanced: u64 = steps.iter().map(advance_len).sum();
        let mut offset = end - advanced;
        for step in steps {
            offset += advance_len(&step);
            match step {
                StreamStep::Apply(command) => self.outputs.push_back(LinkOutput::Apply(command)),
                StreamStep::Advance(pieces) => {
                    self.outputs.push_back(LinkOutput::Advance { pieces, offset });
                }
                StreamStep::GetAck { reploff } if acks => {
                    let bytes = ack(reploff, self.fsynced);
                    self.outputs.push_back(LinkOutput::Send { link, bytes });
                }
                StreamStep::GetAck { .. } => {}
            }
        }
        if let Err(error) = result {
            self.fail(now, LinkFailure::Stream(error));
        }
    }

    fn send_ack(&mut self, now: Time) {
        let fsynced = self.fsynced;
        let State::Connected(connected) = &mut self.state else { return };
        connected.next_ack = now + CRON_PERIOD;
        if connected.replid.is_none() {
            return;
        }
        let bytes = ack(connected.reader.reploff(), fsynced);
        self.outputs.push_back(LinkOutput::Send { link: connected.link, bytes });
    }

    fn event(&mut self, event: LinkEvent) {
        self.outputs.push_back(LinkOutput::Event(event));
    }
}

fn advance_len(step: &StreamStep) -> u64 {
    match step {
        StreamStep::Advance(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
        StreamStep::Apply(_) | StreamStep::GetAck { .. } => 0,
    }
}

fn ack(reploff: u64, fsynced: Option<u64>) -> Bytes {
    use alloc::string::ToString;
    let reploff = reploff.to_string();
    match fsynced {
        None => command(["REPLCONF", "ACK", &reploff]),
        Some(fsynced) => command(["REPLCONF", "ACK", &reploff, "FACK", &fsynced.to_string()]),
    }
}

#[cfg(test)]
mod tests;
