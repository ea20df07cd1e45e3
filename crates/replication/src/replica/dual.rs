//! Dual-channel sync of Valkey: the snapshot comes over a connection of its own, and what happens meanwhile over the
//! main one, where it is stored until the snapshot is loaded (Valkey's `replication.c:
//! dualChannelFullSyncWithPrimary, dualChannelSetupMainConnForPsync, bufferReplData`).
//!
//! ```text
//!   rdb connection:   Connecting --> Handshake --> EndOffset --$ENDOFF--> Transfer --> Loading --> Loaded
//!                                                      |                                              |
//!   main connection:  Idle ----------------------------+--> Identify --> Psync --+CONTINUE--> Stream -+--> Connected
//! ```
//!
//! Any other answer, and the loss of either connection, ends both, and the link begins anew. Once the snapshot is
//! loaded that means to go on from where it stands.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::command;
use picket_sansio::{Deadline, LinkId, Time};

use super::event::{HandshakeStep, LinkEvent, LinkFailure, LinkState};
use super::io::LinkOutput;
use super::line::{LineReader, LineTooLong};
use super::payload::{PayloadError, PayloadReader, PayloadSize, Progress};
use super::status::TransferStatus;
use super::stored::StoredStream;
use super::stream::StreamReader;
use super::{CRON_PERIOD, LinkTimer, Master, ReplicaLink, State};
use crate::number::{parse_offset, parse_u64};
use crate::{CachedMaster, ReplId};

/// A dual-channel sync in progress.
#[derive(Clone, Debug)]
pub(super) struct Dual {
    pub(super) main: LinkId,
    /// None once the snapshot has come and the connection has ended.
    pub(super) rdb: Option<LinkId>,
    rdb_channel: RdbChannel,
    main_channel: MainChannel,
    main_io: Time,
    rdb_io: Time,
    next_newline: Time,
}

/// Where the connection of the snapshot stands.
#[derive(Clone, Debug)]
enum RdbChannel {
    Connecting,
    /// These were sent back to back; their answers come one by one.
    Handshake {
        steps: VecDeque<HandshakeStep>,
        lines: LineReader,
    },
    /// Until the master says of which moment its snapshot is.
    EndOffset(LineReader),
    Transfer {
        start: Start,
        reader: PayloadReader,
    },
    Loading {
        start: Start,
        read_bytes: u64,
    },
    Loaded {
        start: Start,
        db: u32,
    },
}

/// Where the main connection stands.
#[derive(Clone, Debug)]
enum MainChannel {
    /// Until the master's snapshot has begun.
    Idle,
    /// Until the master knows to which snapshot it belongs.
    Identify(LineReader),
    /// Until the stream begins.
    Psync(LineReader),
    Stream {
        stored: StoredStream,
        is_paused: bool,
    },
}

/// What the snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    replid: ReplId,
    offset: u64,
}

/// What the line before the snapshot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndOffset {
    start: Start,
    /// By which name the master knows the connection of the snapshot.
    rdb_client: u64,
}

impl EndOffset {
    /// `$ENDOFF:<offset> <replid> <db> <rdb client id>`.
    ///
    /// Differs from Valkey: the selected database is taken from the snapshot, as after any other full
    /// synchronisation. Valkey's line always names the first one, which is wrong when the master is a replica that
    /// passes on a stream in the middle of another.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.strip_prefix(b"$ENDOFF:")?.split(|byte| *byte == b' ');
        let offset = parse_offset(words.next()?)?;
        let replid = ReplId::parse(words.next()?)?;
        let _db = parse_u64(words.next()?)?;
        let rdb_client = parse_u64(words.next()?)?;
        words.next().is_none().then_some(Self { start: Start { replid, offset }, rdb_client })
    }
}

impl Dual {
    /// What the snapshot is of, once the master has said so.
    fn start(&self) -> Option<Start> {
        match &self.rdb_channel {
            RdbChannel::Transfer { start, .. }
            | RdbChannel::Loading { start, .. }
            | RdbChannel::Loaded { start, .. } => Some(*start),
            RdbChannel::Connecting | RdbChannel::Handshake { .. } | RdbChannel::EndOffset(_) => None,
        }
    }

    /// What is being read or loaded.
    pub(super) fn transfer(&self) -> Option<TransferStatus> {
        let (size, read_bytes) = match &self.rdb_channel {
            RdbChannel::Transfer { reader, .. } => (reader.size(), reader.bytes_read()),
            RdbChannel::Loading { read_bytes, .. } => (Some(PayloadSize::UntilMark), *read_bytes),
            RdbChannel::Connecting
            | RdbChannel::Handshake { .. }
            | RdbChannel::EndOffset(_)
            | RdbChannel::Loaded { .. } => return None,
        };
        Some(TransferStatus { size, read_bytes, last_io: self.rdb_io })
    }

    /// Bytes of the stream that wait for the snapshot.
    pub(super) fn stored_bytes(&self) -> u64 {
        match &self.main_channel {
            MainChannel::Stream { stored, .. } => stored.len(),
            MainChannel::Idle | MainChannel::Identify(_) | MainChannel::Psync(_) => 0,
        }
    }

    /// As ROLE names it: to Valkey it is a handshake until the snapshot begins.
    pub(super) fn state(&self) -> LinkState {
        match self.rdb_channel {
            RdbChannel::Connecting | RdbChannel::Handshake { .. } | RdbChannel::EndOffset(_) => {
                LinkState::Handshake
            }
            RdbChannel::Transfer { .. } | RdbChannel::Loading { .. } | RdbChannel::Loaded { .. } => {
                LinkState::Sync
            }
        }
    }

    /// Where the data stands once the snapshot is loaded.
    pub(super) fn position(&self) -> Option<CachedMaster> {
        let RdbChannel::Loaded { start: Start { replid, offset }, db } = self.rdb_channel else {
            return None;
        };
        Some(CachedMaster { replid, reploff: offset, db })
    }

    /// Whether the host is receiving or loading a snapshot.
    pub(super) fn has_payload(&self) -> bool {
        match &self.rdb_channel {
            RdbChannel::Transfer { reader, .. } => reader.size().is_some(),
            RdbChannel::Loading { .. } => true,
            RdbChannel::Connecting
            | RdbChannel::Handshake { .. }
            | RdbChannel::EndOffset(_)
            | RdbChannel::Loaded { .. } => false,
        }
    }

    /// Whether all of the snapshot has come, so that its connection is not needed any more.
    fn has_received(&self) -> bool {
        matches!(self.rdb_channel, RdbChannel::Loading { .. } | RdbChannel::Loaded { .. })
    }

    pub(super) fn deadline(&self, after: impl Fn(Time) -> Time) -> Option<Deadline<LinkTimer>> {
        let (rdb, main) = (after(self.rdb_io), after(self.main_io));
        let rdb = match &self.rdb_channel {
            RdbChannel::Connecting | RdbChannel::Handshake { .. } | RdbChannel::EndOffset(_) => {
                Some((rdb, LinkTimer::HandshakeTimeout))
            }
            RdbChannel::Transfer { .. } => Some((rdb, LinkTimer::TransferTimeout)),
            RdbChannel::Loading { .. } | RdbChannel::Loaded { .. } => None,
        };
        let main = match self.main_channel {
            MainChannel::Idle => None,
            MainChannel::Identify(_) | MainChannel::Psync(_) => Some((main, LinkTimer::HandshakeTimeout)),
            MainChannel::Stream { .. } => Some((self.next_newline, LinkTimer::Newline)),
        };
        let first = [rdb, main].into_iter().flatten().min_by_key(|(at, _)| *at);
        first.map(|(at, timer)| Deadline { at, timer })
    }

    /// The main connection once it takes newlines.
    pub(super) fn newline(&mut self, now: Time) -> Option<LinkId> {
        self.next_newline = now + CRON_PERIOD;
        matches!(self.main_channel, MainChannel::Stream { .. }).then_some(self.main)
    }
}

impl ReplicaLink {
    /// The master wants to send its snapshot over a connection of its own.
    pub(super) fn enter_dual(&mut self, now: Time, main: LinkId) {
        let Some(Master { host, port }) = self.master.clone() else { return };
        let rdb = LinkId::next(&mut self.links);
        self.event(LinkEvent::DualChannel);
        self.outputs.push_back(LinkOutput::Connect { link: rdb, host, port });
        self.state = State::Dual(Dual {
            main,
            rdb: Some(rdb),
            rdb_channel: RdbChannel::Connecting,
            main_channel: MainChannel::Idle,
            main_io: now,
            rdb_io: now,
            next_newline: now + CRON_PERIOD,
        });
    }

    pub(super) fn on_dual_up(&mut self, now: Time, link: LinkId) {
        let State::Dual(dual) = &mut self.state else { return };
        if dual.rdb != Some(link) || !matches!(dual.rdb_channel, RdbChannel::Connecting) {
            return;
        }
        dual.rdb_io = now;
        let mut steps = VecDeque::new();
        if let Some(bytes) = self.config.auth_command() {
            steps.push_back(HandshakeStep::Auth);
            self.outputs.push_back(LinkOutput::SendSecret { link, bytes });
        }
        steps.push_back(HandshakeStep::RdbChannel);
        let port = self.config.listening_port.to_string();
        let words = ["REPLCONF", "capa", "eof", "rdb-only", "1", "rdb-channel", "1", "listening-port", &port];
        self.outputs.push_back(LinkOutput::Send { link, bytes: command(words) });
        dual.rdb_channel = RdbChannel::Handshake { steps, lines: LineReader::default() };
    }

    /// One of the two connections has ended.
    pub(super) fn on_dual_down(&mut self, now: Time, link: LinkId, reason: String) {
        let State::Dual(dual) = &mut self.state else { return };
        let is_rdb = dual.rdb == Some(link);
        if is_rdb {
            dual.rdb = None;
            if dual.has_received() {
                return;
            }
            self.outputs.push_back(LinkOutput::Close { link: dual.main });
        } else if let Some(rdb) = dual.rdb {
            self.outputs.push_back(LinkOutput::Close { link: rdb });
        }
        let connecting = is_rdb && matches!(dual.rdb_channel, RdbChannel::Connecting);
        let failure = if connecting { LinkFailure::ConnectFailed } else { LinkFailure::Lost };
        self.fail_without_link(now, failure(reason));
    }

    pub(super) fn on_dual_data(&mut self, now: Time, link: LinkId, bytes: Bytes) {
        let State::Dual(dual) = &mut self.state else { return };
        if link == dual.main {
            dual.main_io = now;
            self.on_main_data(now, bytes);
        } else {
            dual.rdb_io = now;
            self.on_rdb_data(now, bytes);
        }
    }

    // ---- the connection of the snapshot ----

    fn on_rdb_data(&mut self, now: Time, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let State::Dual(dual) = &mut self.state else { return };
            let lines = match &mut dual.rdb_channel {
                RdbChannel::Handshake { lines, .. } | RdbChannel::EndOffset(lines) => lines,
                RdbChannel::Transfer { .. } => {
                    self.on_rdb_payload(now, &mut bytes);
                    continue;
                }
                // Nothing is awaited here.
                RdbChannel::Connecting | RdbChannel::Loading { .. } | RdbChannel::Loaded { .. } => return,
            };
            match lines.take(&mut bytes) {
                Ok(Some(line)) => self.on_rdb_line(now, &line),
                Ok(None) => return,
                Err(LineTooLong) => return self.fail(now, LinkFailure::LineTooLong),
            }
        }
    }

    fn on_rdb_line(&mut self, now: Time, line: &[u8]) {
        let State::Dual(dual) = &mut self.state else { return };
        let Some(rdb) = dual.rdb else { return };
        let answer = || Bytes::copy_from_slice(line);
        match &mut dual.rdb_channel {
            RdbChannel::Handshake { steps, .. } => {
                let step = steps.pop_front().expect("an answer is awaited");
                if line.starts_with(b"-") {
                    return self.fail(now, LinkFailure::Refused { step, answer: answer() });
                }
                if steps.is_empty() {
                    // Inline, as Valkey sends it.
                    let bytes = Bytes::from_static(b"SYNC\r\n");
                    dual.rdb_channel = RdbChannel::EndOffset(LineReader::default());
                    self.outputs.push_back(LinkOutput::Send { link: rdb, bytes });
                }
            }
            // Newlines keep the connection alive until the snapshot begins.
            RdbChannel::EndOffset(_) if line.is_empty() => {}
            RdbChannel::EndOffset(_) => match (EndOffset::parse(line), line.strip_prefix(b"-")) {
                (Some(end_offset), _) => self.on_end_offset(end_offset),
                (None, Some(message)) => {
                    let message = Bytes::copy_from_slice(message);
                    self.fail(now, LinkFailure::TransferAborted { message });
                }
                (None, None) => self.fail(now, LinkFailure::BadHeader { header: answer() }),
            },
            RdbChannel::Connecting
            | RdbChannel::Transfer { .. }
            | RdbChannel::Loading { .. }
            | RdbChannel::Loaded { .. } => {}
        }
    }

    /// The master's snapshot begins: from here on the stream is wanted.
    fn on_end_offset(&mut self, EndOffset { start, rdb_client }: EndOffset) {
        let State::Dual(dual) = &mut self.state else { return };
        dual.rdb_channel = RdbChannel::Transfer { start, reader: PayloadReader::new() };
        dual.main_channel = MainChannel::Identify(LineReader::default());
        // The wait for the snapshot was not the main connection's.
        dual.main_io = dual.rdb_io;
        let main = dual.main;
        self.event(LinkEvent::FullResync { replid: Some(start.replid), offset: start.offset });
        let bytes = command(["REPLCONF", "set-rdb-client-id", &rdb_client.to_string()]);
        self.outputs.push_back(LinkOutput::Send { link: main, bytes });
    }

    fn on_rdb_payload(&mut self, now: Time, bytes: &mut Bytes) {
        let State::Dual(Dual { rdb_channel, .. }) = &mut self.state else { return };
        let RdbChannel::Transfer { start, reader } = rdb_channel else { return };
        let mut payload = Vec::new();
        let progress = reader.read(bytes, &mut payload);
        self.outputs.extend(payload.into_iter().map(LinkOutput::Payload));
        match progress {
            Ok(Progress::More) => {}
            Ok(Progress::Header(PayloadSize::UntilMark)) => {
                let size = PayloadSize::UntilMark;
                self.event(LinkEvent::Receiving { size });
                self.outputs.push_back(LinkOutput::PayloadStart { size });
            }
            Ok(Progress::Header(PayloadSize::Bytes(len))) => {
                let header = Bytes::from(alloc::format!("${len}"));
                // The host has not been told of this payload, so there is nothing to abort.
                *reader = PayloadReader::new();
                self.fail(now, LinkFailure::BadHeader { header });
            }
            Ok(Progress::End) => {
                let read_bytes = reader.bytes_read();
                *rdb_channel = RdbChannel::Loading { start: *start, read_bytes };
                self.event(LinkEvent::Loading { bytes: read_bytes });
                self.outputs.push_back(LinkOutput::PayloadEnd);
            }
            Err(PayloadError::Aborted(message)) => {
                self.fail(now, LinkFailure::TransferAborted { message: message.into() });
            }
            Err(PayloadError::BadHeader(header)) => {
                self.fail(now, LinkFailure::BadHeader { header: header.into() });
            }
        }
    }

    pub(super) fn on_dual_loaded(&mut self, now: Time, db: u32) {
        let State::Dual(dual) = &mut self.state else { return };
        let RdbChannel::Loading { start, .. } = dual.rdb_channel else { return };
        dual.rdb_channel = RdbChannel::Loaded { start, db };
        self.outputs.extend(dual.rdb.take().map(|link| LinkOutput::Close { link }));
        self.cached = None;
        self.outputs.push_back(LinkOutput::FullSync { replid: Some(start.replid), offset: start.offset });
        self.event(LinkEvent::Synced);
        self.join_channels(now);
    }

    // ---- the main connection ----

    pub(super) fn on_main_data(&mut self, now: Time, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let State::Dual(dual) = &mut self.state else { return self.on_data(now, bytes) };
            let (is_psync, lines) = match &mut dual.main_channel {
                MainChannel::Idle => {
                    let answer = bytes.slice(..bytes.len().min(256));
                    return self.fail(now, LinkFailure::Refused { step: HandshakeStep::Psync, answer });
                }
                MainChannel::Identify(lines) => (false, lines),
                MainChannel::Psync(lines) => (true, lines),
                MainChannel::Stream { stored, .. } => {
                    stored.push(&bytes);
                    return self.check_stored();
                }
            };
            match lines.take(&mut bytes) {
                Ok(Some(line)) if is_psync => self.on_main_psync(now, &line),
                Ok(Some(line)) => self.on_identified(now, &line),
                Ok(None) => return,
                Err(LineTooLong) => return self.fail(now, LinkFailure::LineTooLong),
            }
        }
    }

    fn on_identified(&mut self, now: Time, line: &[u8]) {
        if line != b"+OK" {
            let answer = Bytes::copy_from_slice(line);
            return self.fail(now, LinkFailure::Refused { step: HandshakeStep::RdbClientId, answer });
        }
        let State::Dual(dual) = &mut self.state else { return };
        let Some(Start { replid, offset }) = dual.start() else { return };
        dual.main_channel = MainChannel::Psync(LineReader::default());
        let (main, wanted) = (dual.main, offset + 1);
        self.event(LinkEvent::TryingPartial { replid, offset: wanted });
        let bytes = command(["PSYNC", &replid.to_string(), &wanted.to_string()]);
        self.outputs.push_back(LinkOutput::Send { link: main, bytes });
    }

    fn on_main_psync(&mut self, now: Time, line: &[u8]) {
        let State::Dual(dual) = &mut self.state else { return };
        let Some(Start { replid, offset }) = dual.start() else { return };
        if line.is_empty() {
            return;
        }
        let told = line.strip_prefix(b"+CONTINUE");
        // Another history than the snapshot's would not fit to it.
        let fits = told.is_some_and(|told| {
            told.is_empty() || told.strip_prefix(b" ").is_some_and(|told| replid.is_named(told))
        });
        if !fits {
            let answer = Bytes::copy_from_slice(line);
            return self.fail(now, LinkFailure::Refused { step: HandshakeStep::Psync, answer });
        }
        dual.main_channel = MainChannel::Stream { stored: StoredStream::default(), is_paused: false };
        dual.next_newline = now + CRON_PERIOD;
        self.event(LinkEvent::PartialResync { offset });
        self.join_channels(now);
    }

    /// Stops reading when too much is stored, and goes on when more may be.
    pub(super) fn check_stored(&mut self) {
        let limit = self.config.stored_bytes_max;
        let State::Dual(Dual { main, main_channel: MainChannel::Stream { stored, is_paused }, .. }) =
            &mut self.state
        else {
            return;
        };
        let (link, bytes) = (*main, stored.len());
        let is_full = limit > 0 && bytes > limit;
        if is_full == *is_paused {
            return;
        }
        *is_paused = is_full;
        if is_full {
            self.event(LinkEvent::StoredLimit { bytes, limit });
            self.outputs.push_back(LinkOutput::PauseReading { link });
        } else {
            self.outputs.push_back(LinkOutput::ResumeReading { link });
        }
    }

    /// When the snapshot is loaded and the stream has begun, the replica goes on as after any full synchronisation.
    fn join_channels(&mut self, now: Time) {
        let State::Dual(dual) = &mut self.state else { return };
        let (Some(CachedMaster { replid, reploff, db }), MainChannel::Stream { stored, is_paused }) =
            (dual.position(), &mut dual.main_channel)
        else {
            return;
        };
        let (link, stored, is_paused) = (dual.main, core::mem::take(stored), *is_paused);
        if !is_paused && !stored.is_empty() {
            self.outputs.push_back(LinkOutput::PauseReading { link });
        }
        self.enter_connected(now, link, Some(replid), StreamReader::new(reploff, db));
        self.replay(now, stored);
    }
}
