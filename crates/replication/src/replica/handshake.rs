//! The handshake: PING, AUTH, REPLCONF, PSYNC and their answers (`replication.c: syncWithMaster,
//! slaveTryPartialResynchronization`).

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use picket_resp::{append_command, command};
use picket_sansio::{LinkId, Time};

use super::event::{HandshakeStep, LinkEvent, LinkFailure};
use super::io::{LinkOutput, PsyncForm};
use super::line::{LineReader, LineTooLong};
use super::stream::StreamReader;
use super::{ReplicaLink, State};
use crate::{CachedMaster, ReplId};

/// A handshake in progress.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) link: LinkId,
    awaited: Awaited,
    lines: LineReader,
    pub(super) last_io: Time,
    /// Since when a line has begun and not ended.
    pub(super) line_since: Option<Time>,
}

/// Whose answer comes next.
#[derive(Clone, Debug)]
enum Awaited {
    Ping,
    /// These were sent back to back; their answers come one by one.
    Steps(VecDeque<HandshakeStep>),
    /// What PSYNC asked to go on from.
    Psync {
        asked: Option<CachedMaster>,
        /// The FAILOVER form was sent before, on another connection.
        again: bool,
    },
}

impl ReplicaLink {
    pub(super) fn enter_handshake(&mut self, now: Time, link: LinkId) {
        self.send(link, command(["PING"]));
        self.state = State::Handshake(Handshake {
            link,
            awaited: Awaited::Ping,
            lines: LineReader::default(),
            last_io: now,
            line_since: None,
        });
    }

    /// Reads one line, if it is all there, and acts on it.
    pub(super) fn on_handshake_data(&mut self, now: Time, bytes: &mut Bytes) {
        let State::Handshake(handshake) = &mut self.state else { return };
        handshake.last_io = now;
        let line = handshake.lines.take(bytes);
        handshake.line_since =
            if handshake.lines.has_begun() { handshake.line_since.or(Some(now)) } else { None };
        match line {
            Ok(Some(line)) => self.on_answer(now, &line),
            Ok(None) => {}
            Err(LineTooLong) => self.fail(now, LinkFailure::LineTooLong),
        }
    }

    fn on_answer(&mut self, now: Time, line: &[u8]) {
        let State::Handshake(handshake) = &mut self.state else { return };
        match &mut handshake.awaited {
            Awaited::Ping => self.on_ping_answer(now, line),
            Awaited::Steps(steps) => {
                let step = steps.pop_front();
                let is_last = steps.is_empty();
                match step {
                    Some(step) if line.starts_with(b"-") => {
                        let answer = Bytes::copy_from_slice(line);
                        if step == HandshakeStep::Auth {
                            return self.fail(now, LinkFailure::Refused { step, answer });
                        }
                        self.event(LinkEvent::Tolerated { step, answer });
                    }
                    _ => {}
                }
                if is_last {
                    self.send_psync();
                }
            }
            // Newlines keep the link alive while the master gets ready.
            Awaited::Psync { .. } if line.is_empty() => {}
            Awaited::Psync { asked, again } => {
                let (asked, again) = (*asked, *again);
                self.on_psync_answer(now, line, asked, again);
            }
        }
    }

    fn on_ping_answer(&mut self, now: Time, line: &[u8]) {
        let tolerated = [&b"-NOAUTH"[..], b"-NOPERM", b"-ERR operation not permitted"];
        if !line.starts_with(b"+") && !tolerated.iter().any(|prefix| line.starts_with(prefix)) {
            let answer = Bytes::copy_from_slice(line);
            return self.fail(now, LinkFailure::Refused { step: HandshakeStep::Ping, answer });
        }
        self.event(LinkEvent::PingAnswered);
        self.send_steps();
    }

    /// Everything between PING and PSYNC, without waiting in between.
    fn send_steps(&mut self) {
        let State::Handshake(handshake) = &mut self.state else { return };
        let link = handshake.link;
        let mut steps = VecDeque::new();
        if let Some(bytes) = self.config.auth_command() {
            steps.push_back(HandshakeStep::Auth);
            self.outputs.push_back(LinkOutput::SendSecret { link, bytes });
        }
        let mut out = BytesMut::new();
        steps.push_back(HandshakeStep::ListeningPort);
        append_command(&mut out, &["REPLCONF", "listening-port", &self.config.listening_port.to_string()]);
        if let Some(ip) = &self.config.announce_ip {
            steps.push_back(HandshakeStep::IpAddress);
            append_command(&mut out, &["REPLCONF", "ip-address", ip]);
        }
        steps.push_back(HandshakeStep::Capa);
        let dual_channel: &[&str] = if self.config.dual_channel { &["capa", "dual-channel"] } else { &[] };
        append_command(&mut out, &[&["REPLCONF", "capa", "eof", "capa", "psync2"], dual_channel].concat());
        if let Some(version) = &self.config.version {
            steps.push_back(HandshakeStep::Version);
            append_command(&mut out, &["REPLCONF", "version", version]);
        }
        handshake.awaited = Awaited::Steps(steps);
        self.send(link, out.freeze());
    }

    fn send_psync(&mut self) {
        let cached = self.cached;
        let form = self.form;
        let State::Handshake(handshake) = &mut self.state else { return };
        let link = handshake.link;
        handshake.awaited = Awaited::Psync { asked: cached, again: self.failover_sent };
        let (replid, offset) = match cached {
            Some(cached) => {
                let offset = cached.reploff + 1;
                self.event(LinkEvent::TryingPartial { replid: cached.replid, offset });
                (cached.replid.to_string(), offset.to_string())
            }
            None => {
                self.event(LinkEvent::NothingCached);
                ("?".to_string(), "-1".to_string())
            }
        };
        let mut words = Vec::from(["PSYNC", &replid, &offset]);
        if form == PsyncForm::Failover {
            words.push("FAILOVER");
        }
        // What was sent before and not answered stays sent.
        self.failover_sent |= form == PsyncForm::Failover;
        self.send(link, command(words));
    }

    fn on_psync_answer(&mut self, now: Time, line: &[u8], asked: Option<CachedMaster>, asked_again: bool) {
        let State::Handshake(handshake) = &self.state else { return };
        let link = handshake.link;
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
        let answer = || Bytes::copy_from_slice(line);
        match (words.as_slice(), asked) {
            ([b"+FULLRESYNC", rest @ ..], _) => {
                self.settle_failover(true);
                let replid = rest.first().and_then(|id| ReplId::parse(id));
                let offset = rest.get(1).and_then(|offset| crate::number::parse_offset(offset));
                self.enter_transfer(now, link, replid.zip(offset));
            }
            ([b"+DUALCHANNELSYNC"], _) => {
                self.settle_failover(true);
                self.enter_dual(now, link);
            }
            ([b"+CONTINUE", rest @ ..], Some(cached)) => {
                self.settle_failover(true);
                let replid = rest.first().and_then(|id| ReplId::parse(id));
                self.event(LinkEvent::PartialResync { offset: cached.reploff });
                if let Some(replid) = replid.filter(|replid| *replid != cached.replid) {
                    self.event(LinkEvent::ReplIdChanged { replid });
                }
                self.outputs.push_back(LinkOutput::Continued { replid });
                self.cached = None;
                let reader = StreamReader::new(cached.reploff, cached.db);
                self.enter_connected(now, link, Some(replid.unwrap_or(cached.replid)), reader);
            }
            // Differs from Redis: the first PSYNC … FAILOVER may have been granted and its answer lost with the
            // connection. Then the other end is a master and refuses the second in these words; going back
            // to being a master as well would make two.
            _ if asked_again && line.starts_with(b"-ERR PSYNC FAILOVER can't be sent to a master") => {
                self.settle_failover(true);
                self.fail(now, LinkFailure::Transient { answer: answer() });
            }
            _ if self.form == PsyncForm::Failover => {
                self.failover_sent = false;
                self.fail(now, LinkFailure::FailoverRejected { answer: answer() });
            }
            // Without having asked for it there is nothing to continue.
            ([b"+CONTINUE", ..], None) => self.fail(now, LinkFailure::Transient { answer: answer() }),
            _ if line.starts_with(b"-NOMASTERLINK") || line.starts_with(b"-LOADING") => {
                self.fail(now, LinkFailure::Transient { answer: answer() });
            }
            _ => {
                self.event(LinkEvent::PsyncUnsupported { answer: answer() });
                // Inline, as masters from before PSYNC know it.
                self.send(link, Bytes::from_static(b"SYNC\r\n"));
                self.enter_transfer(now, link, None);
            }
        }
    }

    fn send(&mut self, link: LinkId, bytes: Bytes) {
        self.outputs.push_back(LinkOutput::Send { link, bytes });
    }
}
