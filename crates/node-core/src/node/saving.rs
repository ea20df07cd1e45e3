//! Snapshots: BGSAVE and SAVE, save points, and what replicas are synchronised with (`rdb.c`).
//!
//! One snapshot is made at a time. It goes into a file, from which replicas may then be sent it, or straight to them.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use picket_rdb::{RdbVersion, WriteOptions};
use picket_replication::{CachedMaster, MasterInput, SnapshotFilter, SnapshotId, SnapshotTarget};
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis, Time};
use picket_server_core::LogLevel;

use super::Node;
use super::io::{FileId, FileResult, NodeOutput};
use crate::snapshot::{
    Progress, Snapshot, SnapshotContent, SnapshotError, SnapshotOptions, SnapshotReplication,
};

/// How much of a snapshot is made at once.
const CHUNK_BYTES: usize = 256 << 10;
/// How many chunks may be on their way to the disk.
const CHUNKS_IN_FLIGHT: u32 = 4;

/// What there is to know about snapshots.
#[derive(Clone, Debug, Default)]
pub(super) struct Saving {
    /// Changes since the last one that is on disk.
    pub(super) dirty: u64,
    /// When the last one was on disk, or the node began: seconds since the epoch.
    pub(super) last_save_s: u64,
    /// Whether the last one came to an end, and when it was tried.
    pub(super) last_failed: Option<Time>,
    pub(super) last_span_s: Option<u64>,
    pub(super) saves: u64,
    /// The one that is being made.
    pub(super) active: Option<Active>,
    /// What replicas wait for until the active one ends.
    waiting: VecDeque<(SnapshotId, SnapshotTarget, SnapshotFilter)>,
    /// BGSAVE SCHEDULE.
    pub(super) is_scheduled: bool,
    /// Files from which replicas are sent their snapshots.
    files: BTreeMap<SnapshotId, FileId>,
    /// Who waits for the next pieces of a file, in order.
    reads: BTreeMap<FileId, VecDeque<ClientId>>,
}

/// A snapshot that is being made.
#[derive(Clone, Debug)]
pub(super) struct Active {
    snapshot: Snapshot,
    target: Target,
    is_complete: bool,
    len: u64,
    pub(super) since: Time,
    dirty_before: u64,
    /// When the next key may be written (`rdb-key-save-delay`).
    next_step: Time,
    /// How much replicas asked for meanwhile.
    asked: Option<u64>,
}

#[derive(Clone, Debug)]
enum Target {
    File {
        file: FileId,
        in_flight: u32,
        is_committing: bool,
        /// The replicas' name for it, if it is theirs.
        sync: Option<SnapshotId>,
        /// Who waits until it is done.
        savers: Vec<Saver>,
    },
    Socket(SnapshotId),
}

/// A client that goes on when the file is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saver {
    client: ClientId,
    /// Its FLUSHALL stands in a transaction, which answers at once.
    is_answered: bool,
}

/// How much is made at once: a key at a time if that is to take long.
fn step_bytes(delay: Millis, chunk: usize) -> usize {
    if delay > Millis(0) { 1 } else { chunk }
}

impl Active {
    /// Whether it is for replicas.
    fn is_sync(&self) -> bool {
        self.sync().is_some()
    }

    fn sync(&self) -> Option<SnapshotId> {
        match &self.target {
            Target::File { sync, .. } => *sync,
            Target::Socket(id) => Some(*id),
        }
    }

    /// Whether it goes to a file that is named as the database file.
    pub(super) fn is_bgsave(&self) -> bool {
        matches!(self.target, Target::File { .. })
    }
}

impl Node {
    pub(super) fn snapshot_options(&self, content: SnapshotContent) -> SnapshotOptions {
        let link = self.link.position().map(|link| CachedMaster { db: self.stream_session.db, ..link });
        let label = self.side.snapshot_label(link);
        // After DEBUG CHANGE-REPL-ID the link's history is not this node's.
        debug_assert!(label.is_some() || link.is_none_or(|it| it.replid != self.side.history().replid));
        SnapshotOptions {
            write: WriteOptions {
                version: self.rdb_version(),
                compress: self.settings.flag("rdbcompression"),
                checksum: self.settings.flag("rdbchecksum"),
                ..WriteOptions::default()
            },
            content,
            redis_ver: self.server.options().identity.version.clone(),
            now_ms: self.now_ms(),
            used_mem: self.used_memory(),
            replication: label.map(|label| SnapshotReplication {
                stream_db: label.db,
                id: label.replid.to_string(),
                offset: label.reploff,
            }),
        }
    }

    /// The lowest version that carries what the data is to old servers: they load no higher one. Hash fields that
    /// expire raise it further.
    fn rdb_version(&self) -> RdbVersion {
        let has_streams = self.keyspace.dbs().iter().any(|db| db.streams_len() > 0);
        if has_streams || !self.keyspace.functions().is_empty() { RdbVersion::V10 } else { RdbVersion::V9 }
    }

    /// BGSAVE, SAVE, a save point or the shutdown: into the database file. `saver` is answered at the end.
    pub(super) fn start_bgsave(&mut self, saver: Option<Saver>) -> Result<(), String> {
        let options = self.snapshot_options(SnapshotContent::Everything);
        let snapshot =
            Snapshot::start(&mut self.keyspace, options).map_err(|error| format!("ERR {error}"))?;
        self.saving.is_scheduled = false;
        self.note(LogLevel::Notice, "Background saving started".to_string());
        self.begin(snapshot, None, saver.into_iter().collect());
        Ok(())
    }

    fn begin(&mut self, snapshot: Snapshot, sync: Option<SnapshotId>, savers: Vec<Saver>) {
        let file = self.new_file();
        self.push(NodeOutput::CreateFile { file });
        self.saving.active = Some(Active {
            snapshot,
            target: Target::File { file, in_flight: 0, is_committing: false, sync, savers },
            is_complete: false,
            len: 0,
            since: self.now,
            dirty_before: self.saving.dirty,
            next_step: self.now,
            asked: None,
        });
        self.write_on();
    }

    /// Makes the next pieces of a snapshot that goes into a file, as far as the disk keeps up.
    fn write_on(&mut self) {
        loop {
            let name = self.live.dbfilename.clone();
            let Some(active) = &mut self.saving.active else { return };
            let Target::File { file, in_flight, is_committing, .. } = &mut active.target else { return };
            let file = *file;
            if active.is_complete {
                if *in_flight == 0 && !*is_committing {
                    *is_committing = true;
                    self.push(NodeOutput::CommitFile { file, name });
                }
                return;
            }
            if *in_flight >= CHUNKS_IN_FLIGHT || active.next_step > self.now {
                return;
            }
            *in_flight += 1;
            let chunk = step_bytes(self.live.save_delay, CHUNK_BYTES);
            active.next_step = self.now + self.live.save_delay;
            let mut out = BytesMut::with_capacity(chunk + (chunk >> 3));
            match active.snapshot.next(&mut self.keyspace, chunk, &mut out) {
                Ok(progress) => {
                    active.is_complete = progress == Progress::Complete;
                    active.len += out.len() as u64;
                    self.push(NodeOutput::WriteFile { file, bytes: out.freeze() });
                }
                Err(error) => return self.snapshot_failed(&error),
            }
        }
    }

    /// An operation on a file of a snapshot has ended. False if the file is none of those.
    pub(super) fn on_snapshot_file(&mut self, file: FileId, result: &FileResult) -> bool {
        if let Some(Active { target: Target::File { file: own, in_flight, .. }, .. }) =
            &mut self.saving.active
            && *own == file
        {
            match result {
                FileResult::Written => {
                    *in_flight = in_flight.saturating_sub(1);
                    self.write_on();
                }
                FileResult::Committed => self.saved(file),
                FileResult::Failed(reason) => self.save_failed(&reason.clone()),
                FileResult::Opened { .. } | FileResult::Missing | FileResult::Read(_) => {}
            }
            return true;
        }
        let Some(readers) = self.saving.reads.get_mut(&file) else { return false };
        if let Some(conn) = readers.pop_front() {
            let result = match result {
                FileResult::Read(bytes) if bytes.is_empty() => Err("the file is shorter than it was".into()),
                FileResult::Read(bytes) => Ok(bytes.clone()),
                FileResult::Failed(reason) => Err(reason.clone()),
                _ => return true,
            };
            self.side_input(MasterInput::SnapshotRead { conn, result });
        }
        true
    }

    fn saved(&mut self, file: FileId) {
        let Some(active) = self.saving.active.take() else { return };
        self.note(LogLevel::Notice, "DB saved on disk".to_string());
        self.note(LogLevel::Notice, "Background saving terminated with success".to_string());
        self.saving.dirty -= active.dirty_before.min(self.saving.dirty);
        self.saving.last_save_s = self.now_ms() / 1000;
        self.saving.last_failed = None;
        self.saving.last_span_s = Some(self.now.since(active.since).0 / 1000);
        self.saving.saves += 1;
        let Target::File { sync, savers, .. } = active.target else { return };
        match sync {
            Some(snapshot) => {
                self.remove_sync_file(file);
                self.saving.files.insert(snapshot, file);
                self.saving.reads.insert(file, VecDeque::new());
                self.side_input(MasterInput::SnapshotDone { snapshot, len: active.len });
            }
            None => self.push(NodeOutput::CloseFile { file }),
        }
        self.answer_savers(savers, &Reply::ok());
        self.saved_for_shutdown(true);
    }

    /// A snapshot could not be made to its end, which says nothing about the disk if its data was removed.
    fn snapshot_failed(&mut self, error: &SnapshotError) {
        match error {
            SnapshotError::Cancelled => self.abandon_snapshot(&error.to_string()),
            SnapshotError::Busy | SnapshotError::Write(_) => self.save_failed(&error.to_string()),
        }
    }

    fn save_failed(&mut self, reason: &str) {
        if let Some(active) = self.saving.active.as_ref().filter(|active| active.is_bgsave()) {
            self.saving.last_span_s = Some(self.now.since(active.since).0 / 1000);
            self.saving.last_failed = Some(self.now);
        }
        self.abandon_snapshot(reason);
    }

    /// Stops the snapshot that is being made, if one is. That is nothing to be held against the disk.
    pub(super) fn abandon_snapshot(&mut self, reason: &str) {
        let Some(active) = self.saving.active.take() else { return };
        self.keyspace.cancel_snapshot();
        self.note(LogLevel::Warning, format!("Background saving error: {reason}"));
        match active.target {
            Target::Socket(snapshot) => {
                self.side_input(MasterInput::SnapshotFailed { snapshot, reason: reason.to_string() });
            }
            Target::File { file, sync, savers, .. } => {
                self.push(NodeOutput::CloseFile { file });
                if let Some(snapshot) = sync {
                    self.side_input(MasterInput::SnapshotFailed { snapshot, reason: reason.to_string() });
                }
                self.answer_savers(savers, &Reply::error(format!("ERR {reason}")));
            }
        }
        self.saved_for_shutdown(false);
    }

    /// Where nothing is to be on disk, a file that was made for a replica or by its master goes: whoever has it open
    /// reads on.
    pub(super) fn remove_sync_file(&mut self, file: FileId) {
        if self.live.removes_sync_files {
            let text = "Removing the RDB file of a synchronisation in a persistence-less instance";
            self.note(LogLevel::Notice, text.to_string());
            self.push(NodeOutput::RemoveFile { file });
        }
    }

    fn answer_savers(&mut self, savers: Vec<Saver>, reply: &Reply) {
        for Saver { client, is_answered } in savers {
            if !is_answered {
                self.server.reply(client, reply);
            }
            self.server.resume(client);
        }
    }

    /// Starts what waited for the end of a snapshot, once what the replication wants is carried out: before that the
    /// data may be another's than the history. True if something has begun.
    pub(super) fn start_waiting_snapshot(&mut self) -> bool {
        if self.is_over || self.saving.active.is_some() || self.is_partly_loaded() {
            return false;
        }
        if let Some((snapshot, target, filter)) = self.saving.waiting.pop_front() {
            self.start_sync_snapshot(snapshot, target, filter);
            return true;
        }
        let is_scheduled = core::mem::take(&mut self.saving.is_scheduled);
        if is_scheduled && let Err(reason) = self.start_bgsave(None) {
            self.note(LogLevel::Warning, reason);
        }
        is_scheduled
    }

    /// Stops the snapshot that is being made and drops those that were to follow.
    pub(super) fn abandon_all_snapshots(&mut self, reason: &str) {
        self.saving.is_scheduled = false;
        for (snapshot, ..) in core::mem::take(&mut self.saving.waiting) {
            self.side_input(MasterInput::SnapshotFailed { snapshot, reason: reason.to_string() });
        }
        self.abandon_snapshot(reason);
    }

    /// FLUSHALL where data is saved: the old file must not bring back what was removed (`db.c:
    /// flushAllDataAndResetRDB`). The client goes on when that is on disk; true if it is answered then.
    pub(super) fn save_emptiness(&mut self, client: ClientId) -> bool {
        if self.live.save_points.is_empty() || self.shutdown.is_some() {
            return false;
        }
        if self.saving.active.as_ref().is_some_and(|active| !active.is_sync()) {
            self.abandon_snapshot("FLUSHALL removed the data");
        }
        if self.saving.active.is_some() {
            self.saving.is_scheduled = true;
            return false;
        }
        let is_answered = self.unit.is_some();
        if let Err(reason) = self.start_bgsave(Some(Saver { client, is_answered })) {
            self.note(LogLevel::Warning, reason);
            return false;
        }
        self.server.suspend(client);
        !is_answered
    }

    /// Starts the next snapshot of a save point that is due.
    pub(super) fn check_save_points(&mut self) {
        if self.saving.active.is_some() || self.loading.is_some() || self.shutdown.is_some() {
            return;
        }
        /// After a failure it is not tried again at once.
        const RETRY_AFTER_MS: u64 = 5000;
        if self.saving.last_failed.is_some_and(|at| self.now.since(at).0 < RETRY_AFTER_MS) {
            return;
        }
        let since_ms = self.now_ms().saturating_sub(self.saving.last_save_s * 1000);
        let dirty = self.saving.dirty;
        let due = self.live.save_points.iter().find(|at| dirty >= at.changes && since_ms > at.span.0);
        if let Some(point) = due {
            let text = format!("{} changes in {} seconds. Saving...", point.changes, point.span.0 / 1000);
            self.note(LogLevel::Notice, text);
            if let Err(reason) = self.start_bgsave(None) {
                self.note(LogLevel::Warning, reason);
            }
        }
    }

    /// Whether writes are to be refused because they could not be saved (`stop-writes-on-bgsave-error`).
    pub(super) fn is_disk_failing(&self) -> bool {
        self.saving.last_failed.is_some()
            && self.live.stop_writes_on_bgsave_error
            && !self.live.save_points.is_empty()
    }

    // ---- for replicas ----

    pub(super) fn start_sync_snapshot(
        &mut self,
        snapshot: SnapshotId,
        target: SnapshotTarget,
        filter: SnapshotFilter,
    ) {
        if self.saving.active.is_some() {
            self.saving.waiting.push_back((snapshot, target, filter));
            return;
        }
        let content = match filter {
            SnapshotFilter::Everything => SnapshotContent::Everything,
            SnapshotFilter::FunctionsOnly => SnapshotContent::Functions,
            SnapshotFilter::Nothing => SnapshotContent::Nothing,
        };
        let options = self.snapshot_options(content);
        let db = options.replication.as_ref().map_or(0, |label| label.stream_db);
        match Snapshot::start(&mut self.keyspace, options) {
            Err(error) => {
                let reason = error.to_string();
                self.side_input(MasterInput::SnapshotFailed { snapshot, reason });
            }
            Ok(made) => {
                self.side_input(MasterInput::SnapshotStarted { snapshot, db });
                if self.keyspace.dbs().iter().any(|db| db.field_expiries_len() > 0) {
                    self.note(
                        LogLevel::Warning,
                        "Hash fields that expire are part of this snapshot: it has RDB version 12, which replicas older than \
                         Redis 7.4 refuse".to_string(),
                    );
                }
                match target {
                    SnapshotTarget::Disk => self.begin(made, Some(snapshot), Vec::new()),
                    SnapshotTarget::Socket => {
                        self.saving.active = Some(Active {
                            snapshot: made,
                            target: Target::Socket(snapshot),
                            is_complete: false,
                            len: 0,
                            since: self.now,
                            dirty_before: 0,
                            next_step: self.now,
                            asked: None,
                        });
                    }
                }
            }
        }
    }

    pub(super) fn continue_sync_snapshot(&mut self, snapshot: SnapshotId, budget: u64) {
        let Some(active) = self.saving.active.as_mut().filter(|active| active.sync() == Some(snapshot))
        else {
            return;
        };
        if active.next_step > self.now {
            active.asked = Some(budget);
            return;
        }
        let chunk = usize::try_from(budget).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let budget = step_bytes(self.live.save_delay, chunk);
        active.next_step = self.now + self.live.save_delay;
        let mut out = BytesMut::with_capacity(budget + (budget >> 3));
        match active.snapshot.next(&mut self.keyspace, budget, &mut out) {
            Ok(progress) => {
                active.len += out.len() as u64;
                let len = active.len;
                self.side_input(MasterInput::SnapshotBytes { snapshot, bytes: out.freeze() });
                if progress == Progress::Complete {
                    self.saving.active = None;
                    self.side_input(MasterInput::SnapshotDone { snapshot, len });
                    self.saved_for_shutdown(true);
                }
            }
            Err(error) => self.snapshot_failed(&error),
        }
    }

    /// When a snapshot that is made slowly goes on.
    pub(super) fn save_step_at(&self) -> Option<Time> {
        let active = self.saving.active.as_ref().filter(|active| active.next_step > self.now)?;
        let waits = match &active.target {
            Target::File { .. } => !active.is_complete,
            Target::Socket(_) => active.asked.is_some(),
        };
        waits.then_some(active.next_step)
    }

    /// Goes on with a snapshot that is made slowly.
    pub(super) fn step_slow_save(&mut self) {
        let Some(active) = self.saving.active.as_mut().filter(|active| active.next_step <= self.now) else {
            return;
        };
        match (&active.target, active.asked.take()) {
            (Target::Socket(snapshot), Some(budget)) => {
                let snapshot = *snapshot;
                self.continue_sync_snapshot(snapshot, budget);
            }
            (Target::File { .. }, _) => self.write_on(),
            (Target::Socket(_), None) => {}
        }
    }

    pub(super) fn read_sync_snapshot(
        &mut self,
        conn: ClientId,
        snapshot: SnapshotId,
        offset: u64,
        budget: u64,
    ) {
        let Some(file) = self.saving.files.get(&snapshot).copied() else {
            let result = Err("the snapshot is not there any more".to_string());
            return self.side_input(MasterInput::SnapshotRead { conn, result });
        };
        self.saving.reads.entry(file).or_default().push_back(conn);
        self.push(NodeOutput::ReadFile { file, offset, len: budget });
    }

    pub(super) fn cancel_sync_snapshot(&mut self, snapshot: SnapshotId) {
        self.saving.waiting.retain(|(id, ..)| *id != snapshot);
        if let Some(file) = self.saving.files.remove(&snapshot) {
            self.saving.reads.remove(&file);
            self.push(NodeOutput::CloseFile { file });
        }
        if self.saving.active.as_ref().is_some_and(|active| active.sync() == Some(snapshot))
            && let Some(active) = self.saving.active.take()
        {
            self.keyspace.cancel_snapshot();
            if let Target::File { file, .. } = active.target {
                self.push(NodeOutput::CloseFile { file });
            }
            self.saved_for_shutdown(false);
        }
    }

    /// Cuts a snapshot for which too many old values wait: replicas are too slow for the writes.
    pub(super) fn check_snapshot_limit(&mut self) {
        let Some(active) = &self.saving.active else { return };
        let limit = self.live.master.output_limit.hard_bytes;
        let pending = active.snapshot.pending_bytes(&self.keyspace);
        if limit > 0 && active.is_sync() && pending > limit {
            self.abandon_snapshot(&format!(
                "{pending} bytes of old values wait to be written, more than the output buffer limit of replicas \
                 ({limit})"
            ));
        }
    }

    // ---- commands ----

    /// `BGSAVE [SCHEDULE]`.
    pub(super) fn bgsave(&mut self, args: &[Bytes]) -> Reply {
        let schedule = match &args[1..] {
            [] => false,
            [word] if word.eq_ignore_ascii_case(b"schedule") => true,
            _ => return Reply::error("ERR syntax error"),
        };
        match &self.saving.active {
            Some(active) if active.is_bgsave() && !active.is_sync() => {
                Reply::error("ERR Background save already in progress")
            }
            Some(_) if schedule => {
                self.saving.is_scheduled = true;
                Reply::simple("Background saving scheduled")
            }
            Some(_) => Reply::error(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order \
                 to schedule a BGSAVE whenever possible.",
            ),
            None => match self.start_bgsave(None) {
                Ok(()) => Reply::simple("Background saving started"),
                Err(text) => Reply::error(text),
            },
        }
    }

    /// `SAVE`: the client is answered when it is on disk; others are served meanwhile.
    pub(super) fn save(&mut self, client: ClientId) -> Option<Reply> {
        if self.saving.active.is_some() {
            return Some(Reply::error("ERR Background save already in progress"));
        }
        match self.start_bgsave(Some(Saver { client, is_answered: false })) {
            Ok(()) => {
                self.server.suspend(client);
                None
            }
            Err(text) => Some(Reply::error(text)),
        }
    }
}
