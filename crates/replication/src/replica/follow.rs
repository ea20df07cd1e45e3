//! Following the stream: commands to apply, bytes to pass on, acknowledgements
//! (`replication.c: replicationSendAck`).

use alloc::string::ToString as _;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::command;
use picket_sansio::{LinkId, Time};

use super::event::{LinkEvent, LinkFailure};
use super::io::LinkOutput;
use super::stored::StoredStream;
use super::stream::{StreamReader, StreamStep};
use super::{CRON_PERIOD, Connected, ReplicaLink, State};
use crate::ReplId;

/// How much of what was stored is applied before others have their turn.
const STORED_BLOCKS_AT_ONCE: u32 = 8;

impl ReplicaLink {
    pub(super) fn enter_connected(
        &mut self,
        now: Time,
        link: LinkId,
        replid: Option<ReplId>,
        reader: StreamReader,
    ) {
        self.down_since = None;
        self.state = State::Connected(Connected {
            link,
            replid,
            reader,
            last_io: now,
            next_ack: now + CRON_PERIOD,
            stored: StoredStream::default(),
            next_stored: now,
        });
    }

    /// Applies what was stored of the stream, a part of it now.
    pub(super) fn replay(&mut self, now: Time, stored: StoredStream) {
        let State::Connected(connected) = &mut self.state else { return };
        let (link, was_paused) = (connected.link, !stored.is_empty());
        connected.stored = stored;
        self.apply_stored(now, link, was_paused);
    }

    /// The next part of what was stored.
    pub(super) fn replay_on(&mut self, now: Time) {
        let State::Connected(connected) = &mut self.state else { return };
        let link = connected.link;
        self.apply_stored(now, link, true);
    }

    fn apply_stored(&mut self, now: Time, link: LinkId, was_paused: bool) {
        for _ in 0..STORED_BLOCKS_AT_ONCE {
            let State::Connected(connected) = &mut self.state else { return };
            let Some(bytes) = connected.stored.pop() else { break };
            self.read_stream(now, bytes);
        }
        let State::Connected(connected) = &mut self.state else { return };
        if !connected.stored.is_empty() {
            connected.next_stored = Time(now.0 + 1);
            return;
        }
        if was_paused {
            self.outputs.push_back(LinkOutput::ResumeReading { link });
        }
        self.event(LinkEvent::StoredApplied);
        self.send_ack(now);
    }

    pub(super) fn on_stream_data(&mut self, now: Time, bytes: Bytes) {
        let State::Connected(connected) = &mut self.state else { return };
        if connected.stored.is_empty() {
            self.read_stream(now, bytes);
        } else {
            // What came first is applied first.
            connected.stored.push(&bytes);
        }
    }

    fn read_stream(&mut self, now: Time, bytes: Bytes) {
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

    pub(super) fn send_ack(&mut self, now: Time) {
        let fsynced = self.fsynced;
        let State::Connected(connected) = &mut self.state else { return };
        connected.next_ack = now + CRON_PERIOD;
        if connected.replid.is_none() {
            return;
        }
        let bytes = ack(connected.reader.reploff(), fsynced);
        self.outputs.push_back(LinkOutput::Send { link: connected.link, bytes });
    }
}

fn advance_len(step: &StreamStep) -> u64 {
    match step {
        StreamStep::Advance(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
        StreamStep::Apply(_) | StreamStep::GetAck { .. } => 0,
    }
}

fn ack(reploff: u64, fsynced: Option<u64>) -> Bytes {
    let reploff = reploff.to_string();
    match fsynced {
        None => command(["REPLCONF", "ACK", &reploff]),
        Some(fsynced) => command(["REPLCONF", "ACK", &reploff, "FACK", &fsynced.to_string()]),
    }
}
