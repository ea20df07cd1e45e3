//! Receiving and loading a snapshot (`replication.c: readSyncBulkPayload`).

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::{LinkId, Time};

use super::event::{LinkEvent, LinkFailure, LinkState};
use super::io::LinkOutput;
use super::payload::{PayloadError, PayloadReader, PayloadSize, Progress};
use super::stream::StreamReader;
use super::{CRON_PERIOD, Loading, Origin, ReplicaLink, State, Transfer};

impl ReplicaLink {
    pub(super) fn enter_transfer(&mut self, now: Time, link: LinkId, origin: Origin) {
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

    pub(super) fn on_transfer_data(&mut self, now: Time, bytes: &mut Bytes) {
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

    pub(super) fn enter_loading(&mut self, now: Time) {
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

    pub(super) fn on_loaded(&mut self, now: Time, result: Result<u32, String>) {
        let db = match result {
            Ok(db) => db,
            Err(reason) => {
                if self.state() == LinkState::Sync {
                    self.fail(now, LinkFailure::LoadFailed(reason));
                }
                return;
            }
        };
        if matches!(self.state, State::Dual(_)) {
            return self.on_dual_loaded(now, db);
        }
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

    pub(super) fn send_newline(&mut self, now: Time) {
        let link = match &mut self.state {
            State::Transfer(transfer) => {
                transfer.next_newline = now + CRON_PERIOD;
                transfer.link
            }
            State::Loading(Loading { link: Ok(link), next_newline, .. }) => {
                *next_newline = now + CRON_PERIOD;
                *link
            }
            State::Dual(dual) => match dual.newline(now) {
                Some(link) => link,
                None => return,
            },
            _ => return,
        };
        self.outputs.push_back(LinkOutput::Send { link, bytes: Bytes::from_static(b"\n") });
    }
}
