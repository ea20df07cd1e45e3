//! One database under a snapshot: what of it is still to be written, and the old values of what changes meanwhile.

use alloc::boxed::Box;

use bytes::{Bytes, BytesMut};
use picket_rdb::{KeyMeta, RdbWriter, WriteError, WriteOptions};

use crate::access;
use crate::dict::Dict;
use crate::entry::Entry;
use crate::rdb_value::{Step, ValueWriter};
use crate::settings::Settings;

/// Of a [`Db`](crate::Db), and going with it wherever SWAPDB puts it.
///
/// Entries with another round than the database's are still to be written. They lie below `cursor`: removing an
/// entry moves only the last one, and only downwards, and what is added is of this round.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    /// The number of the database when the snapshot began.
    pub(crate) db: u32,
    /// How many keys there were, and how many of them expire.
    pub(crate) keys: u64,
    pub(crate) expires: u64,
    plan: Plan,
    cursor: usize,
    /// The value that is being written in several steps.
    partial: Option<Box<(Bytes, ValueWriter)>>,
    /// What must come next: the rest of a value that changed while it was being written, or old values.
    first: BytesMut,
    /// Keys with the values that they had, whole.
    pending: BytesMut,
    encoder: RdbWriter,
    /// All entries, if FLUSHDB removed them.
    detached: Option<Dict<Entry>>,
    failed: Option<WriteError>,
}

/// How keys and values are written.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) write: WriteOptions,
    pub(crate) settings: Settings,
    pub(crate) now_ms: u64,
}

/// What a step of a recorder came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// The buffer is full.
    Full,
    /// All that there was is written.
    Done,
}

impl Recorder {
    pub(crate) fn new(db: u32, entries: &Dict<Entry>, expires: u64, plan: Plan) -> Self {
        Self {
            db,
            keys: entries.len() as u64,
            expires,
            cursor: entries.len(),
            partial: None,
            first: BytesMut::new(),
            pending: BytesMut::new(),
            encoder: RdbWriter::new(WriteOptions { checksum: false, ..plan.write }),
            plan,
            detached: None,
            failed: None,
        }
    }

    /// Keeps the value of an entry that is about to change.
    pub(crate) fn keep(&mut self, key: &[u8], entry: &mut Entry, round: u32) {
        if entry.round == round {
            return;
        }
        entry.round = round;
        let written = match self.partial.take_if(|partial| *partial.0 == *key) {
            Some(mut partial) => {
                let rest = &mut self.first;
                self.encoder.encode(rest, |encoder| partial.1.step(&entry.value, encoder, usize::MAX))
            }
            None => {
                let mut value = self.plan.value_writer(entry);
                self.encoder.key(&mut self.pending, key, &self.plan.meta(entry), value.value_type());
                self.encoder
                    .encode(&mut self.pending, |encoder| value.step(&entry.value, encoder, usize::MAX))
            }
        };
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// Takes over all entries, which were removed, and gives back what it has no use for.
    pub(crate) fn detach(&mut self, entries: Dict<Entry>) -> Dict<Entry> {
        if self.detached.is_some() || self.cursor == 0 && self.partial.is_none() {
            // What was added after an earlier FLUSHDB is not of the snapshot, or everything is written.
            return entries;
        }
        let empty = Dict::new(entries.hash_key());
        self.detached = Some(entries);
        empty
    }

    /// The entries that it took over and did not write, when it is given up.
    pub(crate) fn into_detached(self) -> Option<Dict<Entry>> {
        self.detached.filter(|entries| !entries.is_empty())
    }

    /// Bytes that wait to be written.
    pub(crate) fn pending_bytes(&self) -> u64 {
        (self.first.len() + self.pending.len()) as u64
    }

    /// Whether something must be written before another database may come.
    pub(crate) fn is_inside_value(&self) -> bool {
        self.partial.is_some() || !self.first.is_empty()
    }

    /// Writes on until `out` holds `full` bytes; only the old values with `only_pending`.
    pub(crate) fn write(
        &mut self,
        entries: &mut Dict<Entry>,
        round: u32,
        writer: &mut RdbWriter,
        out: &mut BytesMut,
        full: usize,
        scope: Scope,
    ) -> Result<Walk, WriteError> {
        self.failed.map_or(Ok(()), Err)?;
        loop {
            if !self.first.is_empty() {
                let len = self.first.len().min(full.saturating_sub(out.len()));
                writer.append(out, &self.first.split_to(len));
                if !self.first.is_empty() {
                    return Ok(Walk::Full);
                }
            }
            if self.partial.is_some() || scope == Scope::All && self.pending.is_empty() {
                if out.len() >= full {
                    return Ok(Walk::Full);
                }
                if !self.write_next(entries, round, writer, out, full)? {
                    return Ok(Walk::Done);
                }
            } else if self.pending.is_empty() {
                return Ok(Walk::Done);
            } else {
                self.first = self.pending.split();
            }
        }
    }

    /// Writes on at the value under way, or the next entry; false if there is none.
    fn write_next(
        &mut self,
        entries: &mut Dict<Entry>,
        round: u32,
        writer: &mut RdbWriter,
        out: &mut BytesMut,
        full: usize,
    ) -> Result<bool, WriteError> {
        let Self { detached, cursor, partial, plan, .. } = self;
        let is_detached = detached.is_some();
        let entries = detached.as_mut().unwrap_or(entries);
        *cursor = (*cursor).min(entries.len());
        if is_detached && partial.is_none() {
            // What is written is given back at once.
            while entries.len() > *cursor {
                entries.remove_at(entries.len() - 1);
            }
        }
        let (mut under_way, entry) = match partial.take() {
            Some(partial) => {
                let entry = entries.get_mut(&partial.0).expect("a value under way stays where it is");
                (partial, entry)
            }
            None => {
                let Some(position) = cursor.checked_sub(1) else {
                    return Ok(false);
                };
                *cursor = position;
                let (key, entry) = entries.at_mut(position).expect("the cursor is below the length");
                if entry.round == round {
                    return Ok(true);
                }
                let value = plan.value_writer(entry);
                writer.key(out, key, &plan.meta(entry), value.value_type());
                // Found by its name from now on: what lies at the cursor or above may move.
                (Box::new((Bytes::copy_from_slice(key), value)), entry)
            }
        };
        let step = writer.encode(out, |encoder| under_way.1.step(&entry.value, encoder, full))?;
        if step == Step::Done {
            entry.round = round;
        } else {
            *partial = Some(under_way);
        }
        Ok(true)
    }
}

/// What of a database is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The value under way, and old values.
    Pending,
    /// Everything.
    All,
}

impl Plan {
    fn value_writer(&self, entry: &Entry) -> ValueWriter {
        ValueWriter::new(&entry.value, self.write.version, self.settings.list_max_listpack_size)
    }

    fn meta(&self, entry: &Entry) -> KeyMeta {
        let policy = self.settings.maxmemory_policy;
        let frequency = || access::frequency(&self.settings, entry.access, self.now_ms);
        KeyMeta {
            expire_at_ms: entry.expire_at().map(|at| i64::try_from(at).unwrap_or(i64::MAX)),
            idle_s: policy.is_lru().then(|| access::idle_seconds(entry.access, self.now_ms)),
            freq: policy.is_lfu().then(|| u8::try_from(frequency()).unwrap_or(u8::MAX)),
        }
    }
}
