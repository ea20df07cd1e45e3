//! Snapshots for replicas: when one is made, who shares it, and how its bytes reach them
//! (`replication.c: startBgsaveForReplication, shouldStartChildReplication, updateSlavesWaitingBgsave,
//! rdbPipeReadHandler`).

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Time};

use super::MasterSide;
use super::event::{DisconnectReason, MasterEvent};
use super::io::MasterOutput;
use super::replica::{Asker, Replica, ReplicaState};
use crate::ReplId;

/// Payload bytes that a diskless snapshot may be ahead of the slowest replica.
const WINDOW: u64 = 1 << 20;
/// A snapshot is asked for more bytes when at least this many fit.
const WINDOW_STEP: u64 = WINDOW / 4;

/// Names a snapshot. Numbers are given out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId(pub u64);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot-{}", self.0)
    }
}

/// Where a snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotTarget {
    /// Straight to the replicas' sockets, framed by a mark.
    Socket,
    /// To a file, from which replicas are then sent, framed by its length.
    Disk,
}

impl fmt::Display for SnapshotTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "socket",
            Self::Disk => "disk",
        })
    }
}

/// What is in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotFilter {
    /// Data and functions.
    #[default]
    Everything,
    /// `rdb-filter-only functions`.
    FunctionsOnly,
    /// `rdb-filter-only ""`.
    Nothing,
}

/// A snapshot that is asked for, being made, or being sent.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    target: SnapshotTarget,
    filter: SnapshotFilter,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Asked for; replicas may still join.
    Requested,
    /// The data is frozen and being written to disk.
    Saving {
        offset: u64,
    },
    /// It is on disk.
    Saved {
        len: u64,
    },
    Streaming(Streaming),
}

/// The bytes of a diskless snapshot that some replica still has to be sent.
#[derive(Clone, Debug)]
struct Streaming {
    mark: String,
    chunks: VecDeque<Bytes>,
    /// Where the first chunk begins, header included.
    start: u64,
    end: u64,
    /// More was asked for and has not come.
    asked: bool,
    /// The mark is in.
    complete: bool,
}

impl Streaming {
    fn push(&mut self, bytes: Bytes) {
        self.end += bytes.len() as u64;
        self.chunks.push_back(bytes);
    }

    /// The bytes from `from` on, at most `budget`.
    fn read(&self, from: u64, budget: u64) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        let mut skip = from - self.start;
        let mut left = budget;
        for chunk in &self.chunks {
            let len = chunk.len() as u64;
            if left == 0 {
                break;
            }
            if skip < len {
                let taken = left.min(len - skip);
                // Both are at most the chunk's length.
                pieces.push(chunk.slice(skip as usize..(skip + taken) as usize));
                left -= taken;
            }
            skip = skip.saturating_sub(len);
        }
        pieces
    }

    /// Drops what nobody needs.
    fn trim(&mut self, needed_from: u64) {
        while let Some(first) = self.chunks.front() {
            let end = self.start + first.len() as u64;
            if end > needed_from {
                return;
            }
            self.start = end;
            self.chunks.pop_front();
        }
    }
}

impl Snapshot {
    fn is_being_made(&self) -> bool {
        match &self.phase {
            Phase::Requested | Phase::Saving { .. } => true,
            Phase::Streaming(streaming) => !streaming.complete,
            Phase::Saved { .. } => false,
        }
    }

    /// Whether replicas are sent it from a file.
    pub(super) fn is_on_disk(&self) -> bool {
        self.target == SnapshotTarget::Disk
    }

    /// Whether a replica that told this may wait for it.
    fn suits(&self, asker: &Asker) -> bool {
        let fits = match self.target {
            SnapshotTarget::Socket => asker.eof,
            SnapshotTarget::Disk => !asker.rdb_channel,
        };
        asker.filter == self.filter && fits
    }
}

impl MasterSide {
    /// Finds a snapshot for a replica that has just begun to wait.
    pub(super) fn place_waiting(&mut self, conn: ClientId) {
        let Some(replica) = self.replicas.get(&conn) else { return };
        if let Some((id, offset)) = self.shareable(&replica.asker) {
            self.event(MasterEvent::SnapshotShared { replica: replica.addr() });
            self.begin_stream(conn, offset, ReplicaState::WaitEnd { snapshot: id });
            return;
        }
        if self.snapshots.values().any(Snapshot::is_being_made) {
            self.event(MasterEvent::SnapshotBusy);
        } else if self.snapshot_at().is_some_and(|at| at > self.now) {
            self.event(MasterEvent::SnapshotDelayed { delay: self.settings.repl_diskless_sync_delay });
        }
    }

    /// A disk snapshot in progress that a newcomer can share: somebody waits for its end who can do no more
    /// than the newcomer can.
    fn shareable(&self, newcomer: &Asker) -> Option<(SnapshotId, u64)> {
        self.snapshots.iter().find_map(|(id, snapshot)| {
            let Phase::Saving { offset } = snapshot.phase else { return None };
            let waits = |replica: &Replica| {
                let asker = &replica.asker;
                replica.state == (ReplicaState::WaitEnd { snapshot: *id })
                    && asker.eof <= newcomer.eof
                    && asker.psync2 <= newcomer.psync2
                    // One that wants the snapshot alone pins no stream.
                    && !asker.wants_snapshot_only()
            };
            let covered = self.backlog.as_ref().is_some_and(|backlog| backlog.covers(offset + 1));
            let shared = snapshot.suits(newcomer) && covered && self.replicas.values().any(waits);
            shared.then_some((*id, offset))
        })
    }

    /// When the waiting replicas get a snapshot; none while nobody waits or one is being made.
    pub(super) fn snapshot_at(&self) -> Option<Time> {
        if self.snapshots.values().any(Snapshot::is_being_made) {
            return None;
        }
        // Asked for after every input, so without collecting them.
        let (mut oldest, mut count, mut can_share) = (None::<Time>, 0, true);
        for replica in self.replicas.values() {
            if let ReplicaState::WaitStart { since } = replica.state {
                oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
                count += 1;
                can_share &= replica.asker.eof;
            }
        }
        let (oldest, settings) = (oldest?, &self.settings);
        let is_full =
            settings.repl_diskless_sync_max_replicas > 0 && count >= settings.repl_diskless_sync_max_replicas;
        let waits_for_more = settings.repl_diskless_sync && can_share && !is_full;
        Some(if waits_for_more { oldest + settings.repl_diskless_sync_delay } else { oldest })
    }

    fn waiting(&self) -> Vec<(ClientId, Time)> {
        self.replicas
            .iter()
            .filter_map(|(conn, replica)| match replica.state {
                ReplicaState::WaitStart { since } => Some((*conn, since)),
                _ => None,
            })
            .collect()
    }

    /// Asks for a snapshot for those who wait: of what the first of them wants.
    pub(super) fn request_snapshot(&mut self) {
        let waiting = self.waiting();
        let Some((first, _)) = waiting.first() else { return };
        let Asker { filter, rdb_channel, .. } = self.replicas[first].asker;
        let mut batch =
            waiting.iter().map(|(conn, _)| &self.replicas[conn].asker).filter(|a| a.filter == filter);
        let diskless = self.settings.repl_diskless_sync || filter != SnapshotFilter::Everything;
        // A connection for the snapshot alone gets it straight, as Valkey does it; others may share it.
        let target = if rdb_channel || diskless && batch.all(|asker| asker.eof) {
            SnapshotTarget::Socket
        } else {
            SnapshotTarget::Disk
        };
        self.last_snapshot += 1;
        let snapshot = SnapshotId(self.last_snapshot);
        self.snapshots.insert(snapshot, Snapshot { target, filter, phase: Phase::Requested });
        self.event(MasterEvent::SnapshotRequested { target });
        self.outputs.push_back(MasterOutput::StartSnapshot { snapshot, target, filter });
    }

    pub(super) fn on_snapshot_started(&mut self, id: SnapshotId, db: u32) {
        let offset = self.history.master_repl_offset;
        let mark = self.prng.hex(ReplId::LEN);
        let Some(snapshot) = self.snapshots.get_mut(&id) else { return };
        if !matches!(snapshot.phase, Phase::Requested) {
            return;
        }
        let target = snapshot.target;
        snapshot.phase = match target {
            SnapshotTarget::Disk => Phase::Saving { offset },
            SnapshotTarget::Socket => {
                let header = Bytes::from(format!("$EOF:{mark}\r\n"));
                let mut streaming = Streaming {
                    mark,
                    chunks: VecDeque::new(),
                    start: 0,
                    end: 0,
                    asked: false,
                    complete: false,
                };
                streaming.push(header);
                Phase::Streaming(streaming)
            }
        };
        let snapshot = snapshot.clone();
        let progress = self.now;
        for (conn, _) in self.waiting() {
            if snapshot.suits(&self.replicas[&conn].asker) {
                let state = match target {
                    SnapshotTarget::Disk => ReplicaState::WaitEnd { snapshot: id },
                    SnapshotTarget::Socket => {
                        ReplicaState::Transfer { snapshot: id, sent: 0, progress, reading: false }
                    }
                };
                if self.replicas[&conn].asker.rdb_channel {
                    self.begin_rdb_channel(conn, offset, db);
                }
                self.begin_stream(conn, offset, state);
            }
        }
        // Whoever loads the snapshot has no database selected.
        self.stream_db = None;
        self.release_snapshots();
        self.continue_snapshot(id);
    }

    /// A replica's snapshot is of this offset: what follows is kept for it.
    fn begin_stream(&mut self, conn: ClientId, offset: u64, state: ReplicaState) {
        let replid = self.history.replid;
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        replica.state = state;
        let (tells, follows) = (!replica.pre_psync, !replica.asker.wants_snapshot_only());
        if follows {
            replica.cursor = Some(offset + 1);
            self.pin(conn, offset + 1);
        }
        if tells {
            let bytes = Bytes::from(format!("+FULLRESYNC {replid} {offset}\r\n"));
            self.outputs.push_back(MasterOutput::Send { conn, bytes });
        }
        self.feed(conn);
    }

    pub(super) fn on_snapshot_bytes(&mut self, id: SnapshotId, bytes: Bytes) {
        let Some(Snapshot { phase: Phase::Streaming(streaming), .. }) = self.snapshots.get_mut(&id) else {
            return;
        };
        // No bytes are no answer: asking again at once would turn in a circle.
        if streaming.complete || bytes.is_empty() {
            return;
        }
        streaming.asked = false;
        streaming.push(bytes);
        self.feed_snapshot(id);
    }

    pub(super) fn on_snapshot_done(&mut self, id: SnapshotId, len: u64) {
        let now = self.now;
        let Some(snapshot) = self.snapshots.get_mut(&id) else { return };
        let target = snapshot.target;
        match &mut snapshot.phase {
            Phase::Requested | Phase::Saved { .. } => return,
            Phase::Streaming(streaming) => {
                if streaming.complete {
                    return;
                }
                streaming.complete = true;
                let mark = Bytes::from(streaming.mark.clone());
                streaming.push(mark);
            }
            Phase::Saving { .. } => snapshot.phase = Phase::Saved { len },
        }
        let members = self.members(id);
        self.event(MasterEvent::SnapshotDone { target, replicas: members.len() as u64 });
        if target == SnapshotTarget::Disk {
            for conn in members {
                let Some(replica) = self.replicas.get_mut(&conn) else { continue };
                replica.state =
                    ReplicaState::Transfer { snapshot: id, sent: 0, progress: now, reading: false };
                let bytes = Bytes::from(format!("${len}\r\n"));
                self.outputs.push_back(MasterOutput::Send { conn, bytes });
            }
        }
        self.feed_snapshot(id);
        self.release_snapshots();
    }

    pub(super) fn on_snapshot_failed(&mut self, id: SnapshotId, reason: String) {
        let Some(snapshot) = self.snapshots.remove(&id) else { return };
        self.event(MasterEvent::SnapshotFailed { reason });
        if matches!(snapshot.phase, Phase::Requested) {
            for (conn, _) in self.waiting() {
                if snapshot.suits(&self.replicas[&conn].asker) {
                    let reply = Reply::error("ERR BGSAVE failed, replication can't continue");
                    self.reply(conn, reply);
                    self.disconnect(conn, DisconnectReason::SnapshotFailed);
                }
            }
        } else {
            for conn in self.members(id) {
                self.disconnect(conn, DisconnectReason::SnapshotFailed);
            }
        }
    }

    pub(super) fn on_snapshot_read(&mut self, conn: ClientId, result: Result<Bytes, String>) {
        let now = self.now;
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        let ReplicaState::Transfer { sent, progress, reading, .. } = &mut replica.state else { return };
        match result {
            Ok(bytes) => {
                *sent += bytes.len() as u64;
                *progress = now;
                *reading = false;
                replica.budget = replica.budget.saturating_sub(bytes.len() as u64);
                self.outputs.push_back(MasterOutput::Feed { conn, pieces: Vec::from([bytes]) });
                self.feed(conn);
            }
            Err(reason) => {
                self.event(MasterEvent::SnapshotFailed { reason });
                self.disconnect(conn, DisconnectReason::SnapshotFailed);
            }
        }
    }

    /// Sends a replica what it can take of its snapshot; once it has all of it, it is online.
    pub(super) fn feed_transfer(&mut self, conn: ClientId) {
        let now = self.now;
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        let ReplicaState::Transfer { snapshot: id, sent, progress, reading } = &mut replica.state else {
            return;
        };
        let id = *id;
        let Some(snapshot) = self.snapshots.get(&id) else { return };
        let (finished, held) = match &snapshot.phase {
            Phase::Requested | Phase::Saving { .. } => return,
            Phase::Saved { len } => {
                let left = len.saturating_sub(*sent);
                if left > 0 && !*reading && replica.budget > 0 {
                    *reading = true;
                    let (offset, budget) = (*sent, left.min(replica.budget));
                    self.outputs.push_back(MasterOutput::ReadSnapshot { conn, snapshot: id, offset, budget });
                }
                (left == 0, false)
            }
            Phase::Streaming(streaming) => {
                let pieces = streaming.read(*sent, replica.budget);
                let taken: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
                if taken > 0 {
                    *sent += taken;
                    *progress = now;
                    replica.budget -= taken;
                    self.outputs.push_back(MasterOutput::Feed { conn, pieces });
                }
                (streaming.complete && *sent == streaming.end, true)
            }
        };
        if !finished {
            return;
        }
        if replica.asker.wants_snapshot_only() || replica.cursor.is_none() {
            self.rdb_channel_sent(conn);
            return self.disconnect(conn, DisconnectReason::SnapshotOnly);
        }
        replica.state = ReplicaState::Online { held };
        replica.ack_time = now;
        let replica = replica.addr();
        self.event(MasterEvent::Synchronised { replica });
        self.recount_good_replicas();
        self.release_snapshots();
        self.feed(conn);
    }

    /// Feeds everybody who gets this snapshot, then asks for more of it.
    fn feed_snapshot(&mut self, id: SnapshotId) {
        for conn in self.members(id) {
            self.feed_transfer(conn);
        }
        self.continue_snapshot(id);
    }

    /// Asks for more of a diskless snapshot when even the slowest replica has nearly caught up with it.
    pub(super) fn continue_snapshot(&mut self, id: SnapshotId) {
        let slowest = self.members(id).into_iter().filter_map(|conn| match self.replicas[&conn].state {
            ReplicaState::Transfer { sent, .. } => Some(sent),
            _ => None,
        });
        let slowest = slowest.min();
        let Some(Snapshot { phase: Phase::Streaming(streaming), .. }) = self.snapshots.get_mut(&id) else {
            return;
        };
        let Some(slowest) = slowest else { return };
        streaming.trim(slowest);
        let room = WINDOW.saturating_sub(streaming.end - slowest);
        if !streaming.asked && !streaming.complete && room >= WINDOW_STEP {
            streaming.asked = true;
            self.outputs.push_back(MasterOutput::ContinueSnapshot { snapshot: id, budget: room });
        }
    }

    /// Replicas that wait for the end of a snapshot or are being sent it.
    fn members(&self, id: SnapshotId) -> Vec<ClientId> {
        self.replicas
            .iter()
            .filter(|(_, replica)| replica.snapshot() == Some(id))
            .map(|(conn, _)| *conn)
            .collect()
    }

    /// Lets go of snapshots that nobody needs.
    pub(super) fn release_snapshots(&mut self) {
        let ids: Vec<SnapshotId> = self.snapshots.keys().copied().collect();
        for id in ids {
            let snapshot = &self.snapshots[&id];
            let wanted = match snapshot.phase {
                Phase::Requested => {
                    self.waiting().iter().any(|(conn, _)| snapshot.suits(&self.replicas[conn].asker))
                }
                Phase::Saving { .. } => self.settings.has_save_points || !self.members(id).is_empty(),
                Phase::Saved { .. } | Phase::Streaming(_) => !self.members(id).is_empty(),
            };
            if wanted {
                // The slowest may just have gone.
                self.continue_snapshot(id);
                continue;
            }
            let was_complete = !snapshot.is_being_made();
            self.snapshots.remove(&id);
            if !was_complete {
                self.event(MasterEvent::SnapshotUseless);
            }
            self.outputs.push_back(MasterOutput::CancelSnapshot { snapshot: id });
        }
    }

    /// Those who are kept alive by newlines: everybody who waits, except for a diskless snapshot that has begun.
    pub(super) fn kept_alive(&self) -> Vec<ClientId> {
        self.replicas
            .iter()
            .filter(|(_, replica)| {
                matches!(replica.state, ReplicaState::WaitStart { .. } | ReplicaState::WaitEnd { .. })
            })
            .map(|(conn, _)| *conn)
            .collect()
    }

    /// Whether something of its snapshot waits for a replica that does not take it.
    pub(super) fn is_stuck(&self, replica: &Replica) -> bool {
        let ReplicaState::Transfer { snapshot, sent, progress, .. } = &replica.state else { return false };
        let waits = match self.snapshots.get(snapshot).map(|snapshot| &snapshot.phase) {
            Some(Phase::Streaming(streaming)) => *sent < streaming.end,
            Some(Phase::Saved { .. }) => true,
            Some(Phase::Requested | Phase::Saving { .. }) | None => false,
        };
        waits && self.now.since(*progress) > self.settings.repl_timeout
    }
}
