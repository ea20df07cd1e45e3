//! The disk of a data node: its config file and the files of its working folder.
//!
//! What is written reaches the disk when it is committed: whoever dies before has written nothing.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_node_core::{ConfigState, FileId, FileResult};
use picket_sansio::collections::BTreeMap;
use picket_sansio::{Millis, Prng, QueryId, Secret, Time};

use crate::action::Latency;
use crate::disk::Drive;

/// How long the operating system takes for what need not reach the disk.
const CACHED: Latency = Latency { from_us: 20, to_us: 60 };

/// What a node asked its disk for.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Create(FileId),
    Write(FileId, Bytes),
    Commit(FileId, String),
    Open(FileId, String),
    Read { file: FileId, offset: u64, len: u64 },
    Close(FileId),
    Remove(FileId),
    Rewrite(QueryId, ConfigState),
    ReadText(QueryId, String),
    WriteText(QueryId, String, Secret),
}

/// What the disk answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    File(FileId, FileResult),
    Written(QueryId, Result<(), String>),
    Text(QueryId, Result<Secret, String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// The config file.
    config: Vec<u8>,
    /// What is durable.
    files: BTreeMap<String, Bytes>,
    /// What the process has open.
    open: BTreeMap<FileId, Vec<u8>>,
    /// Under which name an open file was committed.
    committed: BTreeMap<FileId, String>,
    /// What is asked for, in order, with the time at which each is done.
    under_way: VecDeque<(Time, Request)>,
}

impl Disk {
    pub(super) fn new(config: Vec<u8>) -> Self {
        Self {
            config,
            files: BTreeMap::new(),
            open: BTreeMap::new(),
            committed: BTreeMap::new(),
            under_way: VecDeque::new(),
        }
    }

    pub(super) fn config(&self) -> &[u8] {
        &self.config
    }

    /// Another config file and no other files.
    pub(super) fn wipe(&mut self, config: Vec<u8>) {
        self.config = config;
        self.files.clear();
    }

    /// The process has died.
    pub(super) fn crash(&mut self) {
        self.open.clear();
        self.committed.clear();
        self.under_way.clear();
    }

    /// Takes a request; answers when it will be done.
    pub(super) fn ask(&mut self, drive: Drive, now: Time, prng: &mut Prng, request: Request) -> Time {
        let latency = match &request {
            Request::Commit(..) | Request::Rewrite(..) | Request::WriteText(..) => drive.latency,
            Request::Create(_)
            | Request::Write(..)
            | Request::Open(..)
            | Request::Read { .. }
            | Request::Close(_)
            | Request::Remove(_)
            | Request::ReadText(..) => CACHED,
        };
        let begins = self.under_way.back().map_or(now, |(done, _)| now.max(*done));
        let done = latency.after(begins, prng);
        self.under_way.push_back((done, request));
        done
    }

    /// Carries out the oldest request.
    pub(super) fn finish(&mut self, drive: Drive, prng: &mut Prng) -> Option<Answer> {
        let (_, request) = self.under_way.pop_front()?;
        // Drawn for every request, so that what is asked for does not change what becomes of the others.
        let written = drive.write(prng);
        Some(match request {
            Request::Create(file) => {
                self.open.insert(file, Vec::new());
                return None;
            }
            Request::Close(file) => {
                self.open.remove(&file);
                self.committed.remove(&file);
                return None;
            }
            Request::Remove(file) => {
                if let Some(name) = self.committed.remove(&file) {
                    self.files.remove(&name);
                }
                return None;
            }
            Request::Write(file, _) | Request::Commit(file, _) if let Err(reason) = &written => {
                self.open.remove(&file);
                Answer::File(file, FileResult::Failed(reason.clone()))
            }
            Request::Write(file, bytes) => {
                self.open.get_mut(&file)?.extend_from_slice(&bytes);
                Answer::File(file, FileResult::Written)
            }
            Request::Commit(file, name) => {
                self.files.insert(name.clone(), Bytes::copy_from_slice(self.open.get(&file)?));
                self.committed.insert(file, name);
                Answer::File(file, FileResult::Committed)
            }
            Request::Open(file, name) => Answer::File(
                file,
                match self.files.get(&name) {
                    Some(bytes) => {
                        self.open.insert(file, bytes.to_vec());
                        FileResult::Opened { len: bytes.len() as u64 }
                    }
                    None => FileResult::Missing,
                },
            ),
            Request::Read { file, offset, len } => {
                let bytes = self.open.get(&file)?;
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                let (from, to) = (place(offset), place(offset.saturating_add(len)));
                Answer::File(file, FileResult::Read(Bytes::copy_from_slice(&bytes[from..to])))
            }
            Request::Rewrite(query, _) | Request::WriteText(query, ..) if written.is_err() => {
                Answer::Written(query, written)
            }
            Request::Rewrite(query, state) => {
                self.config = state.rewrite(&self.config);
                Answer::Written(query, Ok(()))
            }
            Request::WriteText(query, path, text) => {
                self.files.insert(path, Bytes::copy_from_slice(text.expose()));
                Answer::Written(query, Ok(()))
            }
            Request::ReadText(query, path) => {
                let text = self.files.get(&path).map(|bytes| Secret::new(bytes.to_vec()));
                Answer::Text(query, text.ok_or_else(|| "No such file or directory".to_string()))
            }
        })
    }

    /// Whether a file is there, and how long it is.
    pub(crate) fn file_len(&self, name: &str) -> Option<u64> {
        self.files.get(name).map(|bytes| bytes.len() as u64)
    }
}

/// How long a machine takes to look at its calendar clock again.
pub(super) const WALL_PERIOD: Millis = Millis(1_000);
