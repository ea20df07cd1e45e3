//! The thread that writes the log.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender};

use jiff::tz::TimeZone;

use super::format::{messages, render};
use super::{Entry, LogFormat, LogTarget, Syslog};

/// What the thread is asked for.
pub(super) enum Job {
    Write(Entry),
    Flush(SyncSender<()>),
}

/// Turns entries into lines and puts them where they belong.
pub(super) struct Writer {
    target: LogTarget,
    format: LogFormat,
    syslog: Option<Syslog>,
    zone: TimeZone,
    pid: u32,
}

/// How many entries are written with one call at most.
const BATCH_MAX: usize = 256;

impl Writer {
    pub(super) fn new(target: LogTarget, format: LogFormat, syslog: Option<Syslog>) -> Self {
        Self { target, format, syslog, zone: TimeZone::system(), pid: std::process::id() }
    }

    /// Works until every handle on the log is gone.
    pub(super) fn run(self, jobs: &Receiver<Job>) {
        let mut text = String::new();
        while let Ok(first) = jobs.recv() {
            text.clear();
            let mut flushed = Vec::new();
            let more = std::iter::from_fn(|| jobs.try_recv().ok());
            for job in std::iter::once(first).chain(more).take(BATCH_MAX) {
                match job {
                    Job::Write(entry) => self.entry(&mut text, &entry),
                    Job::Flush(done) => flushed.push(done),
                }
            }
            // A log that cannot be written has nowhere to say so; monitoring goes on.
            let _ = self.write(&text);
            for done in flushed {
                let _ = done.try_send(());
            }
        }
    }

    fn entry(&self, text: &mut String, entry: &Entry) {
        let start = text.len();
        render(text, entry, self.format, self.pid, &self.zone);
        let Some(syslog) = &self.syslog else { return };
        match self.format {
            // It adds time, name and process id itself.
            LogFormat::Text => {
                for message in messages(entry, &self.zone) {
                    syslog.send(entry.level, &message, self.pid);
                }
            }
            LogFormat::Json => syslog.send(entry.level, text[start..].trim_end(), self.pid),
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        match &self.target {
            LogTarget::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()
            }
            LogTarget::File(path) => {
                OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logging::{LogFormat, LogTarget, Logger};
    use picket_server_core::LogLevel;

    #[test]
    fn a_renamed_log_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.txt");
        let logger = Logger::start(LogTarget::File(path.clone()), LogFormat::Text, LogLevel::Notice, None);
        logger.log(LogLevel::Warning, "one");
        logger.log(LogLevel::Verbose, "not worth it");
        logger.flush();
        std::fs::rename(&path, folder.path().join("old.txt")).expect("renamed");
        logger.set_level(LogLevel::Verbose);
        logger.log(LogLevel::Verbose, "two");
        logger.flush();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(read("old.txt").ends_with(" # one\n"));
        assert!(read("log.txt").ends_with(" - two\n"));
        assert_eq!(read("log.txt").lines().count(), 1);
    }
}
