//! A snapshot of all data without a fork: its content is that of one moment, and is written in steps while
//! commands go on (`rdb.c: rdbSaveRio`).
//!
//! [`Snapshot::start`] fixes the content without copying it. Before a key changes that is not written yet, its
//! old value goes into a buffer (see `Recorder`), and what is new is marked as no part of the snapshot. What it
//! costs is that buffer, [`Snapshot::pending_bytes`], which each [`Snapshot::next`] empties first.
//!
//! Differs from Redis: one process, so memory for old values follows what is changed, not the pages that it lies on;
//! but a large collection that changes is encoded as a whole at that moment.

mod recorder;

use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use picket_rdb::{RdbAux, RdbVersion, RdbWriter, WriteError, WriteOptions};

use crate::db::Db;
use crate::keyspace::Keyspace;
pub(crate) use recorder::Recorder;
use recorder::{Plan, Scope, Walk};

/// Names a snapshot within its keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotId(u32);

/// What is in a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotContent {
    /// Data and functions.
    #[default]
    Everything,
    /// Functions: `REPLCONF rdb-filter-only functions`.
    Functions,
    /// Only header and end: `REPLCONF rdb-filter-only ""`.
    Nothing,
}

/// How a snapshot is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Version, compression, checksum.
    pub write: WriteOptions,
    /// What is in it.
    pub content: SnapshotContent,
    /// `redis-ver`.
    pub redis_ver: String,
    /// `used-mem`.
    pub used_mem: u64,
    /// The history to go on with.
    pub replication: Option<SnapshotReplication>,
    /// The calendar time in milliseconds, from which it follows how long keys were not used.
    pub now_ms: u64,
}

/// Where in a replication stream a snapshot stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotReplication {
    /// `repl-stream-db`.
    pub stream_db: u32,
    /// `repl-id`.
    pub id: String,
    /// `repl-offset`.
    pub offset: u64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more.
    More,
    /// That was all.
    Complete,
}

/// Why a snapshot was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Another one is under way.
    #[error("another snapshot is being written")]
    Busy,
    /// The data was replaced as a whole, by FLUSHALL or a load, or somebody cancelled it.
    #[error("the snapshot was cancelled")]
    Cancelled,
    /// A value cannot be written as asked.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A snapshot that is being written. One that is given up must be cancelled with [`Keyspace::cancel_snapshot`].
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// None for one that looks at no keys.
    id: Option<SnapshotId>,
    writer: RdbWriter,
    options: SnapshotOptions,
    functions: Vec<Bytes>,
    stage: Stage,
    /// The database whose keys are being written, and those that were named before.
    selected: Option<u32>,
    named: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Header,
    Function(usize),
    Db(u32),
    End,
    Complete,
}

impl Snapshot {
    /// Fixes the content as it is now.
    ///
    /// # Errors
    /// When another one is under way.
    pub fn start(keyspace: &mut Keyspace, mut options: SnapshotOptions) -> Result<Self, SnapshotError> {
        let has_keys = options.content == SnapshotContent::Everything;
        if has_keys && keyspace.dbs().iter().any(|db| db.field_expiries_len() > 0) {
            // Older versions know no fields that expire. A server that is too old refuses the whole by its number.
            options.write.version = options.write.version.max(RdbVersion::V12);
        }
        let id = if has_keys { Some(keyspace.start_recording(&options)?) } else { None };
        let functions = match options.content {
            SnapshotContent::Nothing => Vec::new(),
            _ if !options.write.version.has_functions() => Vec::new(),
            _ => keyspace.functions.iter().map(|(_, source)| source.clone()).collect(),
        };
        let writer = RdbWriter::new(options.write);
        Ok(Self { id, writer, options, functions, stage: Stage::Header, selected: None, named: Vec::new() })
    }

    /// Appends about `budget_bytes` to `out`: a key is not divided unless its value is a large collection or
    /// string, and old values not at all.
    ///
    /// # Errors
    /// When it was cancelled, or a value cannot be written. Either is final.
    pub fn next(
        &mut self,
        keyspace: &mut Keyspace,
        budget_bytes: usize,
        out: &mut BytesMut,
    ) -> Result<Progress, SnapshotError> {
        if self.stage == Stage::Complete {
            return Ok(Progress::Complete);
        }
        if self.id.is_some() && keyspace.snapshot != self.id {
            return Err(SnapshotError::Cancelled);
        }
        let written = self.write(keyspace, out.len().saturating_add(budget_bytes.max(1)), out);
        if !matches!(written, Ok(Progress::More)) && self.id.is_some() {
            keyspace.cancel_snapshot();
        }
        Ok(written?)
    }

    fn write(
        &mut self,
        keyspace: &mut Keyspace,
        full: usize,
        out: &mut BytesMut,
    ) -> Result<Progress, WriteError> {
        loop {
            if out.len() >= full && self.stage != Stage::Complete {
                return Ok(Progress::More);
            }
            match self.stage {
                Stage::Header => {
                    self.header(out);
                    self.stage = Stage::Function(0);
                }
                Stage::Function(at) => match self.functions.get(at) {
                    Some(source) => {
                        self.writer.function(out, source)?;
                        self.stage = Stage::Function(at + 1);
                    }
                    None => {
                        self.functions = Vec::new();
                        self.stage = if self.id.is_some() { Stage::Db(0) } else { Stage::End };
                    }
                },
                Stage::Db(number) => {
                    if self.write_db(keyspace, number, full, out)? == Walk::Full {
                        return Ok(Progress::More);
                    }
                    let is_last = number as usize + 1 == keyspace.dbs.len();
                    self.stage = if is_last { Stage::End } else { Stage::Db(number + 1) };
                }
                Stage::End => {
                    self.writer.end(out);
                    self.stage = Stage::Complete;
                }
                Stage::Complete => return Ok(Progress::Complete),
            }
        }
    }

    fn header(&mut self, out: &mut BytesMut) {
        let SnapshotOptions { redis_ver, now_ms, used_mem, replication, .. } = &self.options;
        let replication =
            replication.as_ref().map(|one| (u64::from(one.stream_db), one.id.as_str(), one.offset));
        self.writer.header(out);
        self.writer.aux_fields(
            out,
            &RdbAux { redis_ver, ctime_s: now_ms / 1000, used_mem: *used_mem, replication, aof_base: false },
        );
    }

    /// Writes on at the keys of a database, behind the old values of all of them.
    fn write_db(
        &mut self,
        keyspace: &mut Keyspace,
        number: u32,
        full: usize,
        out: &mut BytesMut,
    ) -> Result<Walk, WriteError> {
        // A value is not interrupted.
        if let Some(selected) = self.selected
            && let Some(db) = recorded(keyspace, selected)
            && db.recorder().is_some_and(Recorder::is_inside_value)
            && self.write_scope(db, full, out, Scope::Pending)? == Walk::Full
        {
            return Ok(Walk::Full);
        }
        for db in &mut keyspace.dbs {
            if db.recorder().is_some_and(|recorder| recorder.pending_bytes() > 0)
                && self.write_scope(db, full, out, Scope::Pending)? == Walk::Full
            {
                return Ok(Walk::Full);
            }
        }
        match recorded(keyspace, number) {
            Some(db) => self.write_scope(db, full, out, Scope::All),
            None => Ok(Walk::Done),
        }
    }

    fn write_scope(
        &mut self,
        db: &mut Db,
        full: usize,
        out: &mut BytesMut,
        scope: Scope,
    ) -> Result<Walk, WriteError> {
        let Some((recorder, entries, round)) = db.recorder_mut() else {
            return Ok(Walk::Done);
        };
        if self.selected != Some(recorder.db) {
            if recorder.keys == 0 {
                return Ok(Walk::Done);
            }
            self.selected = Some(recorder.db);
            self.writer.select_db(out, recorder.db.into());
            if !self.named.contains(&recorder.db) {
                self.named.push(recorder.db);
                self.writer.resize_db(out, recorder.keys, recorder.expires);
            }
        }
        recorder.write(entries, round, &mut self.writer, out, full, scope)
    }

    /// Bytes of old values that wait to be written, in memory besides the data.
    #[must_use]
    pub fn pending_bytes(&self, keyspace: &Keyspace) -> u64 {
        if keyspace.snapshot != self.id {
            return 0;
        }
        keyspace.dbs.iter().filter_map(Db::recorder).map(Recorder::pending_bytes).sum()
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.writer.written()
    }
}

/// The database that had this number when the snapshot began.
fn recorded(keyspace: &mut Keyspace, number: u32) -> Option<&mut Db> {
    keyspace.dbs.iter_mut().find(|db| db.recorder().is_some_and(|recorder| recorder.db == number))
}

impl Keyspace {
    fn start_recording(&mut self, options: &SnapshotOptions) -> Result<SnapshotId, SnapshotError> {
        if self.snapshot.is_some() {
            return Err(SnapshotError::Busy);
        }
        self.snapshots = self.snapshots.wrapping_add(1);
        let plan = Plan { write: options.write, settings: self.settings.clone(), now_ms: options.now_ms };
        for (number, db) in (0..).zip(&mut self.dbs) {
            let recorder = Recorder::new(number, db.keys(), db.expiries_len() as u64, plan.clone());
            db.record(Some(recorder), self.snapshots);
        }
        let id = SnapshotId(self.snapshots);
        self.snapshot = Some(id);
        Ok(id)
    }

    /// Ends the snapshot that is being written, if there is one: its next step says so.
    pub fn cancel_snapshot(&mut self) {
        if self.snapshot.take().is_some() {
            for db in &mut self.dbs {
                db.record(None, self.snapshots);
            }
        }
    }

    /// Whether a snapshot is being written.
    #[must_use]
    pub fn is_snapshotting(&self) -> bool {
        self.snapshot.is_some()
    }
}
