//! The thread that carries out what the core wants done with files, one thing after another. Results come back
//! through the inbox; nobody else waits for the disk.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use picket_node_core::{ConfigState, FileId, FileResult, Garbage, NodeInput};
use picket_sansio::{QueryId, Secret};
use tokio::sync::mpsc::UnboundedSender;

use crate::config::{ConfigStore, read_text};
use crate::errno::strerror;

/// What is to be done.
pub(super) enum Job {
    /// Create a file to be written; `in_steps` brings it to the disk bit by bit rather than all at the end.
    Create {
        file: FileId,
        in_steps: bool,
    },
    Write {
        file: FileId,
        bytes: Bytes,
    },
    Commit {
        file: FileId,
        name: String,
    },
    Remove {
        file: FileId,
    },
    Open {
        file: FileId,
        name: String,
    },
    Read {
        file: FileId,
        offset: u64,
        len: u64,
    },
    Close {
        file: FileId,
    },
    /// Not a file, but it takes time as well.
    Free(Garbage),
    /// The files are in this folder from now on.
    ChangeFolder {
        query: QueryId,
        path: Vec<u8>,
    },
    RewriteConfig {
        query: QueryId,
        state: Box<ConfigState>,
    },
    ReadText {
        query: QueryId,
        path: String,
    },
    WriteText {
        query: QueryId,
        path: String,
        text: Secret,
    },
}

/// A handle on the thread; the thread ends with it.
pub(super) struct Files {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works on.
struct Worker {
    folder: PathBuf,
    store: Option<ConfigStore>,
    inbox: UnboundedSender<NodeInput<'static>>,
    open: BTreeMap<FileId, Handle>,
}

struct Handle {
    file: File,
    /// Where it is until it is committed.
    temporary: Option<PathBuf>,
    /// Where it was put then.
    committed: Option<PathBuf>,
    in_steps: bool,
    /// Written since the disk had all of it.
    unsynced: u64,
}

/// How much is written before the disk is asked to have it.
const STEP_BYTES: u64 = 4 * 1024 * 1024;

impl Files {
    /// Starts the thread for the files of `folder`. `store` is the config file, if there is one.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(
        folder: PathBuf,
        store: Option<ConfigStore>,
        inbox: UnboundedSender<NodeInput<'static>>,
    ) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let worker = Worker { folder, store, inbox, open: BTreeMap::new() };
        let thread =
            std::thread::Builder::new().name("files".to_owned()).spawn(move || worker.run(&waiting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Asks for something to be done; returns at once.
    pub(super) fn ask(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread only ends after this sender.
            let _ = jobs.send(job);
        }
    }

    /// Waits until everything asked for is done.
    pub(super) fn finish(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Worker {
    fn run(mut self, waiting: &Receiver<Job>) {
        while let Ok(job) = waiting.recv() {
            if let Some(answer) = self.carry_out(job)
                && self.inbox.send(answer).is_err()
            {
                return;
            }
        }
    }

    fn carry_out(&mut self, job: Job) -> Option<NodeInput<'static>> {
        match job {
            Job::Create { file, in_steps } => {
                let created = self.create(file, in_steps);
                self.end(file, created.map(|()| None))
            }
            Job::Write { file, bytes } => {
                let written = self.write(file, &bytes)?;
                self.end(file, written.map(|()| Some(FileResult::Written)))
            }
            Job::Commit { file, name } => {
                let committed = self.commit(file, &name)?;
                self.end(file, committed.map(|()| Some(FileResult::Committed)))
            }
            Job::Remove { file } => {
                // What is not there need not go.
                if let Some(path) = self.open.get_mut(&file).and_then(|handle| handle.committed.take()) {
                    let _ = std::fs::remove_file(path);
                }
                None
            }
            Job::Open { file, name } => {
                let opened = self.open(file, &name);
                self.end(file, opened.map(Some))
            }
            Job::Read { file, offset, len } => {
                let read = read_at(&self.open.get(&file)?.file, offset, len);
                self.end(file, read.map(|bytes| Some(FileResult::Read(bytes))))
            }
            Job::Close { file } => {
                self.open.remove(&file);
                None
            }
            Job::Free(garbage) => {
                drop(garbage);
                None
            }
            Job::ChangeFolder { query, path } => {
                let result = self.change_folder(&path).map_err(|error| strerror(&error));
                Some(NodeInput::FolderChanged { query, result })
            }
            Job::RewriteConfig { query, state } => {
                let result = match &self.store {
                    Some(store) => store.update(|old| state.rewrite(old)),
                    None => Err("The server is running without a config file".to_owned()),
                };
                Some(NodeInput::Written { query, result })
            }
            Job::ReadText { query, path } => {
                let result = read_text(&self.folder.join(path)).map(Secret::new);
                Some(NodeInput::TextRead { query, result })
            }
            Job::WriteText { query, path, text } => {
                let store = ConfigStore::keeping_mode(&self.folder.join(path));
                let result = store.update(|_| text.expose().to_vec());
                Some(NodeInput::Written { query, result })
            }
        }
    }

    /// The answer to an operation. After a failure the file is gone.
    fn end(&mut self, file: FileId, result: io::Result<Option<FileResult>>) -> Option<NodeInput<'static>> {
        let result = match result {
            Ok(result) => result?,
            Err(error) => {
                self.open.remove(&file);
                FileResult::Failed(strerror(&error))
            }
        };
        Some(NodeInput::File { file, result })
    }

    fn create(&mut self, id: FileId, in_steps: bool) -> io::Result<()> {
        let path = self.folder.join(format!("temp-{}-{}.rdb", std::process::id(), id.0));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        self.open.insert(id, Handle { file, temporary: Some(path), committed: None, in_steps, unsynced: 0 });
        Ok(())
    }

    /// `None` for a file that failed before: that was told.
    fn write(&mut self, id: FileId, bytes: &[u8]) -> Option<io::Result<()>> {
        let handle = self.open.get_mut(&id)?;
        Some(handle.write(bytes))
    }

    /// A file is committed where it was created, whatever the folder is by now.
    fn commit(&mut self, id: FileId, name: &str) -> Option<io::Result<()>> {
        let name = plain(name);
        let handle = self.open.get_mut(&id)?;
        Some(name.and_then(|name| {
            handle.file.sync_all()?;
            let Some(temporary) = &handle.temporary else { return Ok(()) };
            let target = temporary.with_file_name(name);
            std::fs::rename(temporary, &target)?;
            handle.temporary = None;
            // Without this the name may still point to the old file after a power loss.
            let synced = target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all());
            handle.committed = Some(target);
            synced
        }))
    }

    /// Not the process's: there may be more nodes in it.
    fn change_folder(&mut self, path: &[u8]) -> io::Result<Vec<u8>> {
        if path.is_empty() {
            return Err(nix::errno::Errno::ENOENT.into());
        }
        // Behind the last slash: it has to be a folder that may be entered, as for `chdir`.
        let path = self.folder.join(OsStr::from_bytes(path)).join(".");
        path.metadata()?;
        self.folder = path.canonicalize()?;
        Ok(self.folder.as_os_str().as_bytes().to_vec())
    }

    fn open(&mut self, id: FileId, name: &str) -> io::Result<FileResult> {
        let opened = plain(name).and_then(|name| File::open(self.folder.join(name)));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileResult::Missing),
            Err(error) => return Err(error),
        };
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.open.insert(id, Handle { file, temporary: None, committed: None, in_steps: false, unsynced: 0 });
        Ok(FileResult::Opened { len: about.len() })
    }
}

impl Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.unsynced += bytes.len() as u64;
        if self.in_steps && self.unsynced >= STEP_BYTES {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(path) = &self.temporary {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A file of the folder itself: a name that leads elsewhere is none.
fn plain(name: &str) -> io::Result<&str> {
    if Path::new(name).file_name().is_some_and(|file| file == name) {
        Ok(name)
    } else {
        Err(io::ErrorKind::InvalidFilename.into())
    }
}

fn read_at(file: &File, offset: u64, len: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    const ONE: FileId = FileId(1);
    const TWO: FileId = FileId(2);

    fn started(folder: &Path) -> (Files, UnboundedReceiver<NodeInput<'static>>) {
        let (inbox, answers) = unbounded_channel();
        (Files::start(folder.to_owned(), None, inbox).expect("a thread"), answers)
    }

    fn results(mut files: Files, mut answers: UnboundedReceiver<NodeInput<'static>>) -> Vec<String> {
        files.finish();
        std::iter::from_fn(|| answers.try_recv().ok()).map(|answer| answer.to_string()).collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("readable");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn a_committed_file_has_its_name_and_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, answers) = started(folder.path());
        files.ask(Job::Create { file: ONE, in_steps: true });
        for piece in [&b"one "[..], b"two"] {
            files.ask(Job::Write { file: ONE, bytes: Bytes::copy_from_slice(piece) });
        }
        files.ask(Job::Write { file: ONE, bytes: vec![b'x'; 5 << 20].into() });
        files.ask(Job::Commit { file: ONE, name: "dump.rdb".into() });
        files.ask(Job::Read { file: ONE, offset: 4, len: 3 });
        files.ask(Job::Close { file: ONE });
        files.ask(Job::Open { file: TWO, name: "dump.rdb".into() });
        files.ask(Job::Read { file: TWO, offset: (5 << 20) + 5, len: 10 });
        files.ask(Job::Read { file: TWO, offset: 6 << 20, len: 10 });
        assert_eq!(
            results(files, answers),
            [
                "file-1 written",
                "file-1 written",
                "file-1 written",
                "file-1 committed",
                "file-1 read 3 bytes",
                "file-2 opened 5242887 bytes",
                "file-2 read 2 bytes",
                "file-2 read 0 bytes",
            ]
        );
        assert_eq!(names(folder.path()), ["dump.rdb"]);
    }

    #[test]
    fn a_file_that_was_not_committed_vanishes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, answers) = started(folder.path());
        for file in [ONE, TWO] {
            files.ask(Job::Create { file, in_steps: false });
            files.ask(Job::Write { file, bytes: Bytes::from_static(b"x") });
        }
        files.ask(Job::Close { file: ONE });
        assert_eq!(results(files, answers), ["file-1 written", "file-2 written"]);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_fails_is_told_once_in_the_systems_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, answers) = started(&folder.path().join("gone"));
        files.ask(Job::Create { file: ONE, in_steps: false });
        files.ask(Job::Write { file: ONE, bytes: Bytes::from_static(b"x") });
        files.ask(Job::Commit { file: ONE, name: "dump.rdb".into() });
        files.ask(Job::Open { file: TWO, name: "dump.rdb".into() });
        assert_eq!(results(files, answers), ["file-1 failed No such file or directory", "file-2 missing"]);
    }

    #[test]
    fn another_folder_is_for_the_files_that_follow() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = folder.path().join("other");
        std::fs::create_dir(&other).expect("made");
        std::fs::write(folder.path().join("file"), "x").expect("written");
        let (files, answers) = started(folder.path());
        let change = |path: &[u8]| files.ask(Job::ChangeFolder { query: QueryId(1), path: path.to_vec() });
        files.ask(Job::Create { file: ONE, in_steps: false });
        for path in [&b"none"[..], b"", b"file", b"other"] {
            change(path);
        }
        files.ask(Job::Commit { file: ONE, name: "one.rdb".into() });
        files.ask(Job::Create { file: TWO, in_steps: false });
        files.ask(Job::Commit { file: TWO, name: "two.rdb".into() });
        let shown = other.canonicalize().expect("it is there").display().to_string();
        assert_eq!(
            results(files, answers),
            [
                "query-1 failed No such file or directory",
                "query-1 failed No such file or directory",
                "query-1 failed Not a directory",
                &format!("query-1 folder {shown}"),
                "file-1 committed",
                "file-2 committed",
            ]
        );
        assert_eq!(names(&other), ["two.rdb"]);
        assert!(folder.path().join("one.rdb").exists());
    }

    #[test]
    fn names_do_not_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("kept"), "x").expect("written");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("made");
        let (files, answers) = started(&inner);
        files.ask(Job::Open { file: ONE, name: "../kept".into() });
        files.ask(Job::Create { file: TWO, in_steps: false });
        files.ask(Job::Commit { file: TWO, name: "..".into() });
        let results = results(files, answers);
        assert!(results.len() == 2 && results.iter().all(|line| line.contains(" failed ")), "{results:?}");
        assert!(folder.path().join("kept").exists());
    }
}
