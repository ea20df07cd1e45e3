//! The log: one line per message in the form that redis-sentinel writes, or one JSON object per line.
//!
//! Lines are written by a thread of their own, so that a slow disk or an unread pipe never holds up
//! the monitoring. The queue is bounded; lines that do not fit are counted and the count is logged.

mod event;
mod format;
mod syslog;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use picket_sentinel_core::Event;
use picket_server_core::LogLevel;

pub(crate) use format::LogFormat;
pub(crate) use syslog::Syslog;
use writer::{Job, Writer};

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogTarget {
    /// Standard output.
    Stdout,
    /// A file, opened anew for each batch of lines so that it may be renamed away.
    File(PathBuf),
}

/// What a process is, as a letter of each line tells it (`server.c: serverLogRaw`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum LogRole {
    Sentinel = b'X',
    /// A data node that is not ready to serve anybody yet.
    Starting = b'C',
    Master = b'M',
    Replica = b'S',
}

impl LogRole {
    /// Of a data node.
    pub(crate) fn of_node(is_replica: bool) -> Self {
        if is_replica { Self::Replica } else { Self::Master }
    }
}

/// A handle on the log; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Logger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: SyncSender<Job>,
    level: AtomicU8,
    /// The letter that stands for the role of the process.
    role: AtomicU8,
    lost: AtomicU64,
}

/// How many lines may wait for the disk.
const QUEUE_MAX: usize = 8192;
/// How long the end of the process waits for the log.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

impl Logger {
    /// Starts the writing thread.
    pub(crate) fn start(
        target: LogTarget,
        format: LogFormat,
        level: LogLevel,
        syslog: Option<Syslog>,
    ) -> Self {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let writer = Writer::new(target, format, syslog);
        let spawned = std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&jobs));
        if let Err(error) = spawned {
            eprintln!("No log is written: its thread could not be started: {error}");
        }
        let shared = Shared {
            queue,
            level: AtomicU8::new(rank(level)),
            role: AtomicU8::new(LogRole::Sentinel as u8),
            lost: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What is worth writing from now on.
    pub(crate) fn set_level(&self, level: LogLevel) {
        self.shared.level.store(rank(level), Ordering::Relaxed);
    }

    /// What the process is from now on. Before anybody says so it is a Sentinel.
    pub(crate) fn set_role(&self, role: LogRole) {
        self.shared.role.store(role as u8, Ordering::Relaxed);
    }

    /// Writes a message of the host.
    pub(crate) fn log(&self, level: LogLevel, message: impl Into<String>) {
        if self.is_logged(level) {
            self.send(Entry {
                at: Timestamp::now(),
                role: self.role(),
                level,
                what: What::Message(message.into()),
            });
        }
    }

    /// Writes an event and, where there are any, its reasons. `until` is the calendar time that the
    /// event points to, if it points to one.
    pub(crate) fn event(&self, event: Event, until: Option<Timestamp>) {
        let level = event.level();
        if self.is_logged(level) {
            self.send(Entry {
                at: Timestamp::now(),
                role: self.role(),
                level,
                what: What::Event(Box::new(event), until),
            });
        }
    }

    /// Writes what a signal handler of redis-sentinel would write.
    pub(crate) fn signal(&self, message: &str) {
        if self.is_logged(LogLevel::Warning) {
            let what = What::Signal(message.to_owned());
            self.send(Entry { at: Timestamp::now(), role: self.role(), level: LogLevel::Warning, what });
        }
    }

    /// Waits, for a bounded time, until everything before is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.shared.queue.send(Job::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(FLUSH_WAIT);
        }
    }

    fn role(&self) -> char {
        char::from(self.shared.role.load(Ordering::Relaxed))
    }

    fn is_logged(&self, level: LogLevel) -> bool {
        rank(level) >= self.shared.level.load(Ordering::Relaxed)
    }

    fn send(&self, entry: Entry) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = format!("{lost} log lines were lost: the log could not be written fast enough");
            let notice = Entry {
                at: entry.at,
                role: entry.role,
                level: LogLevel::Warning,
                what: What::Message(message),
            };
            if self.shared.queue.try_send(Job::Write(notice)).is_err() {
                self.shared.lost.fetch_add(lost, Ordering::Relaxed);
            }
        }
        if let Err(TrySendError::Full(_)) = self.shared.queue.try_send(Job::Write(entry)) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn rank(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 0,
        LogLevel::Verbose => 1,
        LogLevel::Notice => 2,
        LogLevel::Warning => 3,
        LogLevel::Nothing => 4,
    }
}

/// One thing to write.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    at: Timestamp,
    role: char,
    level: LogLevel,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Message(String),
    Event(Box<Event>, Option<Timestamp>),
    Signal(String),
}
