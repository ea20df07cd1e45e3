//! Loading an RDB of any size in steps (`rdb.c: rdbLoadRioWithLoadingCtx`).
//!
//! What is read goes into databases of the loader's own, which take the place of the keyspace's when all of it was
//! good. So a file that is damaged changes nothing, and commands may go on meanwhile where the rules allow it.
//! Who keeps the file, and what its history means, is decided elsewhere.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::{Checksum, KeyMeta, ModuleId, RdbError, RdbEvent, RdbLimits, RdbReader, RdbStr};
use picket_replication::OFFSET_MAX;

use crate::access;
use crate::db::Db;
use crate::entry::Entry;
use crate::exec::{Effect, del_of};
use crate::functions::{Functions, IfTaken};
use crate::index::HashKey;
use crate::keyspace::Keyspace;
use crate::rdb_value::{BuildError, ValueBuilder};
use crate::settings::Settings;
use crate::types::Value;

/// How to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// The calendar time in milliseconds since the epoch.
    pub now_ms: u64,
    /// As what.
    pub role: LoadRole,
    /// What becomes of the data that is there.
    pub old_data: OldData,
    /// `rdbchecksum`.
    pub verify_checksum: bool,
}

/// What a node is while it loads, which decides what becomes of expired keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadRole {
    /// They are dropped, and the stream says so.
    Master,
    /// They stay until the master says otherwise.
    Replica,
}

/// What becomes of the data that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldData {
    /// It goes at once.
    Empty,
    /// It stays until the new data is complete (`repl-diskless-load swapdb`).
    KeepUntilLoaded,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadProgress {
    /// There is more to do with the bytes that are there.
    More,
    /// More bytes are needed.
    NeedsBytes,
    /// The end of the RDB was reached: [`Loader::finish`] is next.
    Complete,
}

/// What a file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedAux {
    /// `redis-ver` or `valkey-ver`.
    pub redis_ver: Option<String>,
    /// `ctime`: unix seconds.
    pub ctime_s: Option<u64>,
    /// `used-mem`.
    pub used_mem: Option<u64>,
    /// `repl-stream-db`.
    pub repl_stream_db: Option<i64>,
    /// `repl-id`.
    pub repl_id: Option<String>,
    /// `repl-offset`.
    pub repl_offset: Option<u64>,
    /// `aof-base` or `aof-preamble`.
    pub is_aof_base: bool,
}

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// The version of the file.
    pub version: u32,
    /// What it says about itself.
    pub aux: LoadedAux,
    /// Keys that are there now: `rdb_last_load_keys_loaded`.
    pub keys_loaded: u64,
    /// Keys that a master dropped: `rdb_last_load_keys_expired`.
    pub keys_expired: u64,
    /// Collections without elements, which were passed over.
    pub empty_keys_skipped: u64,
    /// Function libraries.
    pub functions: u64,
    /// What became of the checksum, once the end was reached.
    pub checksum: Option<Checksum>,
}

/// Why an RDB cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its bytes are no RDB.
    #[error(transparent)]
    Rdb(#[from] RdbError),
    /// A key comes twice in a database.
    #[error("Duplicated key found in RDB file: '{key}' in DB {db} (offset {offset})")]
    DuplicateKey {
        /// The database.
        db: u32,
        /// The key, shown as text.
        key: String,
        /// Bytes understood so far.
        offset: u64,
    },
    /// A value or data of a module, which nobody here understands.
    #[error(
        "The RDB file contains data of the module '{module}', which Picket cannot load (offset {offset})"
    )]
    Module {
        /// Which module.
        module: String,
        /// Bytes understood so far.
        offset: u64,
    },
    /// A library whose source is no library.
    #[error("Failed loading a function library: {fault} (offset {offset})")]
    Function {
        /// In the words of FUNCTION LOAD.
        fault: String,
        /// Bytes understood so far.
        offset: u64,
    },
}

/// Loads an RDB: push bytes when they are needed, step, and finish. One that is not finished changes nothing.
#[derive(Clone, Debug)]
pub struct Loader {
    reader: RdbReader,
    options: LoadOptions,
    settings: Settings,
    hash_key: HashKey,
    dbs: Vec<Db>,
    functions: Functions,
    /// The database that keys go into.
    db: u32,
    key: Option<Key>,
    report: LoadReport,
    effects: Vec<Effect>,
    failed: Option<LoadError>,
}

#[derive(Clone, Debug)]
struct Key {
    name: Bytes,
    meta: KeyMeta,
    /// None if the key is expired.
    value: Option<ValueBuilder>,
}

impl Loader {
    /// At the start of an RDB.
    #[must_use]
    pub fn new(keyspace: &mut Keyspace, options: LoadOptions) -> Self {
        if options.old_data == OldData::Empty {
            keyspace.replace_data(None);
        }
        let limits = RdbLimits {
            databases: keyspace.dbs.len() as u64,
            verify_checksum: options.verify_checksum,
            ..RdbLimits::default()
        };
        Self {
            reader: RdbReader::new(limits),
            options,
            settings: keyspace.settings.clone(),
            hash_key: keyspace.hash_key,
            dbs: keyspace.dbs.iter().map(|_| Db::new(keyspace.hash_key)).collect(),
            functions: Functions::default(),
            db: 0,
            key: None,
            report: LoadReport::default(),
            effects: Vec::new(),
            failed: None,
        }
    }

    /// Takes the next bytes. They are kept until [`Loader::step`] gets to them: push more only when it asks.
    pub fn push(&mut self, bytes: &Bytes) {
        self.reader.push(bytes.clone());
    }

    /// Goes on for about `budget_bytes` of the RDB.
    ///
    /// # Errors
    /// When it cannot be loaded. That is final.
    pub fn step(&mut self, budget_bytes: u64) -> Result<LoadProgress, LoadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let until = self.reader.offset().saturating_add(budget_bytes.max(1));
        let result = loop {
            match self.read() {
                Ok(true) if self.reader.offset() >= until => break Ok(LoadProgress::More),
                Ok(true) => {}
                Ok(false) if self.reader.is_complete() => break Ok(LoadProgress::Complete),
                Ok(false) => break Ok(LoadProgress::NeedsBytes),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Reads one event; false if there is none yet.
    fn read(&mut self) -> Result<bool, LoadError> {
        let Self { reader, settings, key, .. } = self;
        // Asked for ahead, since an event borrows from the reader.
        let offset = reader.offset();
        let Some(event) = reader.next()? else {
            return Ok(false);
        };
        match event {
            RdbEvent::Header { version } => self.report.version = version,
            RdbEvent::Aux { key, value } => self.report.aux.note(&key, value),
            RdbEvent::Function { source } => {
                let source = Bytes::from(source.into_vec());
                self.functions.load(&source, IfTaken::Refuse).map_err(|fault| {
                    let fault = String::from(fault.text().trim_start_matches("ERR "));
                    LoadError::Function { fault, offset }
                })?;
                self.report.functions += 1;
            }
            RdbEvent::ModuleAux { module, .. } => return Err(module_error(module, offset)),
            RdbEvent::SelectDb { db } => {
                self.db = u32::try_from(db).expect("the reader knows how many there are");
            }
            // Hints: memory follows what is there.
            RdbEvent::ResizeDb { .. } | RdbEvent::SlotInfo { .. } => {}
            RdbEvent::Key { key: name, meta, value_type } => {
                let is_dropped = self.options.role == LoadRole::Master
                    && meta
                        .expire_at_ms
                        .is_some_and(|at| u64::try_from(at).unwrap_or(0) < self.options.now_ms);
                let value =
                    if is_dropped { None } else { Some(ValueBuilder::new(value_type, self.hash_key)) };
                *key = Some(Key { name: Bytes::from(name.into_vec()), meta, value });
            }
            RdbEvent::ValueEnd => self.end_of_value()?,
            RdbEvent::Eof(checksum) => self.report.checksum = Some(checksum),
            element => {
                let key = key.as_mut().expect("elements come behind their key");
                if let Some(value) = &mut key.value {
                    value.add(element, settings).map_err(|error| build_error(error, offset))?;
                }
            }
        }
        Ok(true)
    }

    fn end_of_value(&mut self) -> Result<(), LoadError> {
        let Key { name, meta, value } = self.key.take().expect("a value ends that began with its key");
        let Some(value) = value else {
            self.report.keys_expired += 1;
            self.effects.push(del_of(self.db, &name, self.settings.lazyfree_lazy_expire));
            return Ok(());
        };
        let Some(value) = value.finish(&self.settings) else {
            self.report.empty_keys_skipped += 1;
            return Ok(());
        };
        let entry = self.entry(value, meta);
        let db = &mut self.dbs[self.db as usize];
        if !db.add(&name, entry) {
            let key = String::from_utf8_lossy(&name[..name.len().min(128)]).into_owned();
            return Err(LoadError::DuplicateKey { db: self.db, key, offset: self.reader.offset() });
        }
        self.report.keys_loaded += 1;
        Ok(())
    }

    fn entry(&self, value: Value, meta: KeyMeta) -> Entry {
        let expire_at = meta.expire_at_ms.map(|at| u64::try_from(at).unwrap_or(0));
        let access = access::known(&self.settings, self.options.now_ms, meta.idle_s, meta.freq);
        Entry::new(value, access).with_expiry(expire_at)
    }

    /// The keys that a master dropped since the last call, in order, each a unit of its own.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// What was loaded so far.
    #[must_use]
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Bytes understood so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// The bytes behind the end, which belong to something else.
    pub fn take_rest(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        self.reader.take_rest()
    }

    /// Puts what was loaded in place of what the keyspace holds, and ends a snapshot of that.
    ///
    /// # Errors
    /// When loading failed, or the end was not reached; the keyspace is as it was.
    pub fn finish(mut self, keyspace: &mut Keyspace) -> Result<LoadReport, LoadError> {
        let complete = self.failed.take().map_or_else(|| Ok(self.reader.finish()?), Err);
        if let Err(error) = complete {
            self.give_up(keyspace);
            return Err(error);
        }
        assert!(self.key.is_none(), "no value goes on behind the end");
        keyspace.replace_data(Some((self.dbs, self.functions)));
        Ok(self.report)
    }

    /// Ends a load. What it holds may be large, so it is freed as the keyspace's garbage.
    pub fn give_up(self, keyspace: &mut Keyspace) {
        for (db, loaded) in keyspace.dbs.iter_mut().zip(self.dbs) {
            db.bury(loaded);
        }
    }
}

impl LoadedAux {
    fn note(&mut self, key: &RdbStr<'_>, value: RdbStr<'_>) {
        let value = value.into_vec();
        let text = || core::str::from_utf8(&value).ok().map(String::from);
        let number = || core::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
        key.with_bytes(|key| match key {
            b"redis-ver" | b"valkey-ver" => self.redis_ver = text(),
            b"ctime" => self.ctime_s = number(),
            b"used-mem" => self.used_mem = number(),
            b"repl-id" => self.repl_id = text(),
            b"repl-offset" => self.repl_offset = number().filter(|offset| *offset <= OFFSET_MAX),
            b"repl-stream-db" => {
                self.repl_stream_db = core::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            }
            b"aof-base" | b"aof-preamble" => self.is_aof_base = number() == Some(1),
            _ => {}
        });
    }
}

fn build_error(error: BuildError, offset: u64) -> LoadError {
    match error {
        BuildError::Rdb(kind) => RdbError { offset, kind }.into(),
        BuildError::Module(module) => module_error(module, offset),
    }
}

fn module_error(module: ModuleId, offset: u64) -> LoadError {
    LoadError::Module { module: alloc::format!("{module}"), offset }
}

impl Keyspace {
    /// Removes everything, as before a load.
    pub(crate) fn clear_all(&mut self) {
        self.replace_data(None);
    }

    /// Puts data in place of what is there, or nothing; tells whoever watches keys, and ends a snapshot.
    fn replace_data(&mut self, new: Option<(Vec<Db>, Functions)>) {
        self.cancel_snapshot();
        let (dbs, functions) = new.unwrap_or_else(|| {
            (self.dbs.iter().map(|_| Db::new(self.hash_key)).collect(), Functions::default())
        });
        let old = core::mem::replace(&mut self.dbs, dbs);
        self.functions = functions;
        for ((db, key), (version, _)) in &mut self.watched {
            let is_in = |dbs: &[Db]| dbs.get(*db as usize).is_some_and(|db| db.contains(key));
            if is_in(&old) || is_in(&self.dbs) {
                *version += 1;
            }
        }
        for (db, old) in self.dbs.iter_mut().zip(old) {
            db.bury(old);
        }
        for db in 0..self.databases() {
            self.waiters.all_changed(db);
        }
    }
}
