//! Loading: the database file at the start, and what a master sends to its replica (`rdb.c: rdbLoadRio`,
//! `replication.c: readSyncBulkPayload`).

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_replication::{
    CachedMaster, History, LinkInput, MasterInput, MasterSide, NodeRole, PayloadSize, ReplId,
};
use picket_sansio::{LinkId, Millis, Time};
use picket_server_core::LogLevel;

use super::io::{FileId, FileResult, NodeOutput};
use super::live::DisklessLoad;
use super::{Node, NodeEvent};
use crate::exec::Effect;
use crate::load::{LoadError, LoadOptions, LoadProgress, LoadReport, LoadRole, Loader, OldData};

/// How much of a file is read at once.
/// Clients wait while one piece is loaded: tens of milliseconds.
const CHUNK_BYTES: u64 = 128 << 10;
/// How many pieces of a file are asked for before the first is here.
const CHUNKS_AHEAD: u64 = 2;
/// Bytes of a master's snapshot that may be on their way to the disk before the link is not read any more.
const PAYLOAD_AHEAD_BYTES: u64 = 8 << 20;

/// A load that is under way.
#[derive(Clone, Debug)]
pub(super) struct Loading {
    loader: Loader,
    source: Source,
    /// The removals of keys that a master found expired.
    removed: Vec<Effect>,
    pub(super) since: Time,
    pub(super) loaded_bytes: u64,
    pub(super) total_bytes: u64,
    /// Clients are served from the old data meanwhile.
    pub(super) is_async: bool,
    /// The loader has been given everything.
    is_complete: bool,
    /// When the next keys may be loaded (`key-load-delay`), and the link that is not read until then.
    next_step: Option<Time>,
    paused: Option<LinkId>,
    /// How many came since the last pause.
    keys: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The database file, at the start.
    Start(Reading),
    /// A file into which a master's snapshot was received.
    Received(Reading),
    /// The link to the master.
    Link,
}

/// How far a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    file: FileId,
    len: u64,
    asked: u64,
}

impl Loading {
    /// Loads what is there, or with a delay for each key so many keys as come in a millisecond.
    fn step(&mut self, now: Time, delay_us: u64) -> Result<LoadProgress, LoadError> {
        let known = |loader: &Loader| loader.report().keys_loaded + loader.report().keys_expired;
        let before = known(&self.loader);
        let (budget, keys_max) = match delay_us {
            0 => (u64::MAX, u64::MAX),
            _ => (1, (1000 / delay_us).max(1)),
        };
        let progress = self.loader.step(budget)?;
        self.removed.append(&mut self.loader.take_effects());
        self.keys += known(&self.loader) - before;
        if self.keys >= keys_max {
            self.keys = 0;
            self.next_step = Some(now + Millis(delay_us.div_ceil(1000)));
        }
        Ok(progress)
    }
}

/// A master's snapshot that is received into a file.
#[derive(Clone, Debug)]
pub(super) struct Receiving {
    file: FileId,
    /// Bytes that are not with the operating system yet.
    in_flight: u64,
    sizes: VecDeque<u64>,
    len: u64,
    is_complete: bool,
    /// The link that is not read meanwhile.
    paused: Option<LinkId>,
}

impl Node {
    /// Looks for a database file; without one the node is ready.
    pub(super) fn start_load(&mut self) {
        let file = self.new_file();
        self.starting = Some(file);
        self.push(NodeOutput::OpenFile { file, name: self.live.dbfilename.clone() });
    }

    /// An operation on a file that is loaded, or received, has ended. False if the file is none of those.
    pub(super) fn on_load_file(&mut self, file: FileId, result: FileResult) -> bool {
        if self.starting == Some(file) {
            self.starting = None;
            match result {
                FileResult::Opened { len } => self.read_from(file, len, true),
                FileResult::Missing => self.ready(),
                FileResult::Failed(reason) => {
                    self.fatal(format!("Fatal error loading the DB, check server logs. Exiting: {reason}"));
                }
                FileResult::Read(_) | FileResult::Written | FileResult::Committed => {}
            }
            return true;
        }
        if self.receiving.as_ref().is_some_and(|receiving| receiving.file == file) {
            self.on_receiving(file, result);
            return true;
        }
        let Some(Loading { source: Source::Start(reading) | Source::Received(reading), .. }) = &self.loading
        else {
            return false;
        };
        if reading.file != file {
            return false;
        }
        match result {
            FileResult::Read(bytes) => self.load_bytes(&bytes),
            FileResult::Failed(reason) => self.load_failed(&reason),
            _ => {}
        }
        true
    }

    fn read_from(&mut self, file: FileId, len: u64, at_start: bool) {
        let reading = Reading { file, len, asked: 0 };
        let role = if self.is_master() { LoadRole::Master } else { LoadRole::Replica };
        if !at_start {
            self.side_input(MasterInput::FullSyncLoad);
            self.abandon_snapshot("the data is replaced");
        }
        self.loading = Some(Loading {
            loader: self.loader(role, OldData::Empty),
            removed: Vec::new(),
            source: if at_start { Source::Start(reading) } else { Source::Received(reading) },
            since: self.now,
            loaded_bytes: 0,
            total_bytes: len,
            is_async: false,
            is_complete: false,
            next_step: None,
            paused: None,
            keys: 0,
        });
        self.read_ahead();
    }

    /// Asks for more of the file.
    fn read_ahead(&mut self) {
        let Some(loading) = &mut self.loading else { return };
        let loaded = loading.loaded_bytes;
        let (Source::Start(reading) | Source::Received(reading)) = &mut loading.source else { return };
        let mut wanted = Vec::new();
        while reading.asked < reading.len && reading.asked < loaded + CHUNKS_AHEAD * CHUNK_BYTES {
            let len = CHUNK_BYTES.min(reading.len - reading.asked);
            wanted.push(NodeOutput::ReadFile { file: reading.file, offset: reading.asked, len });
            reading.asked += len;
        }
        let is_done = reading.len == 0;
        wanted.into_iter().for_each(|output| self.push(output));
        if is_done {
            self.load_ended();
        }
    }

    fn load_bytes(&mut self, bytes: &Bytes) {
        let Some(loading) = &mut self.loading else { return };
        loading.loaded_bytes += bytes.len() as u64;
        loading.loader.push(bytes);
        loading.is_complete |= match loading.source {
            Source::Start(reading) | Source::Received(reading) => {
                loading.loaded_bytes >= reading.len || bytes.is_empty()
            }
            Source::Link => false,
        };
        self.load_on();
    }

    /// Loads what is there, or a few keys of it if that is to take long.
    fn load_on(&mut self) {
        let (now, delay_us) = (self.now, self.live.load_delay_us);
        let Some(loading) = &mut self.loading else { return };
        loading.next_step = loading.next_step.filter(|at| *at > now);
        while loading.next_step.is_none() {
            match loading.step(now, delay_us) {
                Ok(LoadProgress::More) => {}
                Ok(LoadProgress::NeedsBytes | LoadProgress::Complete) => break,
                Err(error) => return self.load_failed(&error.to_string()),
            }
        }
        let must_wait = loading.next_step.is_some();
        let (link, has_paused) = (self.link.payload_link(), loading.paused.is_some());
        if must_wait && loading.source == Source::Link && !has_paused && !loading.is_complete {
            loading.paused = link;
            link.into_iter().for_each(|link| self.push(NodeOutput::LinkPause { link }));
        } else if !must_wait {
            let (paused, is_complete) = (loading.paused.take(), loading.is_complete);
            paused.into_iter().for_each(|link| self.push(NodeOutput::LinkResume { link }));
            if is_complete { self.load_ended() } else { self.read_ahead() }
        }
    }

    /// Whether there is a part of the data only, because the rest is being loaded.
    pub(super) fn is_partly_loaded(&self) -> bool {
        !self.is_ready || self.loading.as_ref().is_some_and(|loading| loading.source != Source::Link)
    }

    /// When the next keys of a load that is to take long may come.
    pub(super) fn load_step_at(&self) -> Option<Time> {
        self.loading.as_ref().and_then(|loading| loading.next_step)
    }

    /// Goes on with a load that is to take long.
    pub(super) fn step_slow_load(&mut self) {
        if self.load_step_at().is_some_and(|at| at <= self.now) {
            self.load_on();
        }
    }

    fn load_failed(&mut self, reason: &str) {
        let Some(loading) = self.loading.take() else { return };
        loading.loader.give_up(&mut self.keyspace);
        match loading.source {
            Source::Start(reading) => {
                self.push(NodeOutput::CloseFile { file: reading.file });
                self.fatal(format!(
                    "Internal error in RDB reading offset {}, function at load -> {reason}. Fatal error loading the \
                     DB, Exiting.",
                    loading.loaded_bytes
                ));
            }
            Source::Received(reading) => {
                self.push(NodeOutput::CloseFile { file: reading.file });
                self.keyspace.clear_all();
                self.payload_failed(reason.to_string());
            }
            Source::Link => self.payload_failed(reason.to_string()),
        }
    }

    /// All of a file, or of a snapshot on the link, has been given to the loader.
    fn load_ended(&mut self) {
        let Some(loading) = self.loading.take() else { return };
        let (since, source, removed) = (loading.since, loading.source, loading.removed);
        if let Source::Start(reading) | Source::Received(reading) = source {
            self.push(NodeOutput::CloseFile { file: reading.file });
        }
        let loaded = match loading.loader.finish(&mut self.keyspace) {
            Ok(loaded) => loaded,
            Err(error) => {
                let text = error.to_string();
                return match source {
                    Source::Start(_) => self.fatal(format!("Fatal error loading the DB, Exiting: {text}")),
                    Source::Received(_) | Source::Link => {
                        if source != Source::Link {
                            self.keyspace.clear_all();
                        }
                        self.payload_failed(text);
                    }
                };
            }
        };
        if source == Source::Link {
            // Until here the old data and its history were still good for something.
            self.side_input(MasterInput::FullSyncLoad);
            self.abandon_snapshot("the data is replaced");
            // The cached master that goes is the former one, not what the link caches if its connection has ended.
            self.drain_side();
        }
        self.load_figures.keys_loaded = loaded.keys_loaded;
        self.load_figures.keys_expired = loaded.keys_expired;
        let millis = self.now.since(since).0;
        self.note(
            LogLevel::Notice,
            format!(
                "Done loading RDB, keys loaded: {}, keys expired: {}.",
                loaded.keys_loaded, loaded.keys_expired
            ),
        );
        match source {
            Source::Start(_) => {
                let (seconds, rest) = (millis / 1000, millis % 1000);
                self.note(LogLevel::Notice, format!("DB loaded from disk: {seconds}.{rest:03} seconds"));
                self.resume_history(&loaded, removed);
                self.ready();
            }
            Source::Received(_) | Source::Link => {
                // A master that has more databases selects one anew, which is refused.
                let db = self.stream_db_of(&loaded).unwrap_or(0);
                self.stream_session = crate::Session::new();
                self.select_in_stream(db);
                self.link_input(LinkInput::Loaded { result: Ok(db) });
            }
        }
    }

    /// Goes on with the history that the file was saved in.
    fn resume_history(&mut self, loaded: &LoadReport, removed: Vec<Effect>) {
        let aux = &loaded.aux;
        let replid = aux.repl_id.as_ref().and_then(|id| ReplId::parse(id.as_bytes()));
        let (Some(replid), Some(reploff)) = (replid, aux.repl_offset) else { return };
        // In another database the stream could not go on: it would change what the master did not.
        let Some(db) = self.stream_db_of(loaded) else {
            let text =
                "The file was saved in a stream with more databases than there are: it is not continued";
            return self.note(LogLevel::Warning, text.to_string());
        };
        let saved = CachedMaster { replid, reploff, db };
        let is_replica = self.first_master.is_some();
        let (history, effects) = if is_replica {
            History::start_as_replica(saved)
        } else {
            History::start_as_master(ReplId::random(&mut self.prng), saved)
        };
        let seed = self.prng.next_u64();
        let (role, settings) = (self.side.role(), self.live.master);
        self.side = MasterSide::new(self.now, settings, role, history, Some(effects), seed);
        if is_replica {
            self.select_in_stream(db);
            self.cached = Some(saved);
        } else {
            self.propagate(removed, false);
        }
    }

    /// The database that the stream had selected, 0 if the file does not tell; none if there is none of this number.
    fn stream_db_of(&self, loaded: &LoadReport) -> Option<u32> {
        let db = u32::try_from(loaded.aux.repl_stream_db.unwrap_or(0).max(0)).ok()?;
        (db < self.keyspace.databases()).then_some(db)
    }

    pub(super) fn loader(&mut self, role: LoadRole, old_data: OldData) -> Loader {
        let verify_checksum = self.settings.flag("rdbchecksum");
        let options = LoadOptions { now_ms: self.now_ms(), role, old_data, verify_checksum };
        Loader::new(&mut self.keyspace, options)
    }

    /// The data is there: clients are served, and the master is followed.
    pub(super) fn ready(&mut self) {
        self.saving.last_save_s = self.now_ms() / 1000;
        self.event(NodeEvent::Ready);
        self.is_ready = true;
        if let Some((host, port)) = self.first_master.take() {
            let cached = self.cached.take();
            let form = picket_replication::PsyncForm::Plain;
            self.link_input(LinkInput::Follow { host, port, cached, form });
        }
    }

    // ---- a master's snapshot ----

    pub(super) fn payload_start(&mut self, size: PayloadSize) {
        let to_memory = match self.live.diskless_load {
            DisklessLoad::Swapdb => true,
            DisklessLoad::OnEmptyDb => self.keyspace.is_empty(),
            DisklessLoad::Disabled => false,
        };
        if to_memory {
            let same = self.full_resync_id == Some(self.side.history().replid);
            self.loading = Some(Loading {
                loader: self.loader(LoadRole::Replica, OldData::KeepUntilLoaded),
                removed: Vec::new(),
                source: Source::Link,
                since: self.now,
                loaded_bytes: 0,
                total_bytes: match size {
                    PayloadSize::Bytes(len) => len,
                    PayloadSize::UntilMark => 0,
                },
                is_async: same && self.live.diskless_load == DisklessLoad::Swapdb,
                is_complete: false,
                next_step: None,
                paused: None,
                keys: 0,
            });
            return;
        }
        let file = self.new_file();
        self.push(NodeOutput::CreateFile { file });
        self.receiving = Some(Receiving {
            file,
            in_flight: 0,
            sizes: VecDeque::new(),
            len: 0,
            is_complete: false,
            paused: None,
        });
    }

    pub(super) fn payload_bytes(&mut self, bytes: Bytes) {
        if self.loading.is_some() {
            return self.load_bytes(&bytes);
        }
        let link = self.link.payload_link();
        let Some(receiving) = &mut self.receiving else { return };
        let (file, len) = (receiving.file, bytes.len() as u64);
        receiving.in_flight += len;
        receiving.len += len;
        receiving.sizes.push_back(len);
        let pause = link.filter(|_| receiving.paused.is_none() && receiving.in_flight > PAYLOAD_AHEAD_BYTES);
        receiving.paused = pause.or(receiving.paused);
        self.push(NodeOutput::WriteFile { file, bytes });
        if let Some(link) = pause {
            self.push(NodeOutput::LinkPause { link });
        }
    }

    pub(super) fn payload_end(&mut self) {
        if let Some(loading) = &mut self.loading {
            loading.is_complete = true;
            return self.load_on();
        }
        if let Some(receiving) = &mut self.receiving {
            receiving.is_complete = true;
            self.commit_received();
        }
    }

    fn on_receiving(&mut self, file: FileId, result: FileResult) {
        let Some(receiving) = &mut self.receiving else { return };
        match result {
            FileResult::Written => {
                let len = receiving.sizes.pop_front().unwrap_or(0);
                receiving.in_flight -= len;
                // What comes after the snapshot waits until that is loaded.
                if !receiving.is_complete
                    && receiving.in_flight <= PAYLOAD_AHEAD_BYTES / 2
                    && let Some(link) = receiving.paused.take()
                {
                    self.push(NodeOutput::LinkResume { link });
                }
                self.commit_received();
            }
            FileResult::Committed => {
                let len = receiving.len;
                self.receiving = None;
                self.remove_sync_file(file);
                // Under its name there may be another by now.
                self.read_from(file, len, false);
            }
            FileResult::Failed(reason) => {
                self.push(NodeOutput::CloseFile { file });
                self.receiving = None;
                self.payload_failed(reason);
            }
            FileResult::Opened { .. } | FileResult::Missing | FileResult::Read(_) => {}
        }
    }

    fn commit_received(&mut self) {
        let name = self.live.dbfilename.clone();
        if let Some(receiving) = &self.receiving
            && receiving.is_complete
            && receiving.in_flight == 0
        {
            let file = receiving.file;
            self.push(NodeOutput::CommitFile { file, name });
        }
    }

    /// The master's snapshot will not be completed.
    pub(super) fn payload_abort(&mut self) {
        if let Some(receiving) = self.receiving.take() {
            self.push(NodeOutput::CloseFile { file: receiving.file });
        }
        if let Some(loading) = self.loading.take() {
            loading.loader.give_up(&mut self.keyspace);
            if let Source::Received(reading) = loading.source {
                self.push(NodeOutput::CloseFile { file: reading.file });
            }
            let partial = loading.source != Source::Link;
            if partial {
                self.keyspace.clear_all();
            }
        }
    }

    fn payload_failed(&mut self, reason: String) {
        self.link_input(LinkInput::Loaded { result: Err(reason) });
    }
}

/// The role that a node starts in.
pub(super) fn first_role(has_master: bool) -> NodeRole {
    if has_master { NodeRole::Replica { link_up: false } } else { NodeRole::Master }
}
