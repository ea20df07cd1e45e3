//! Disks, slow and sometimes unwilling; and what is on a Sentinel's: the text of its config file.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::{Prng, Ticket, Time};
use picket_sentinel_core::PersistentState;

use crate::action::Latency;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DiskFault {
    /// Nothing.
    #[default]
    None,
    /// Every write fails.
    Full,
    /// This many of a hundred writes fail.
    Flaky(u32),
}

/// How a machine's disk works at present, whatever is on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drive {
    pub(crate) latency: Latency,
    /// What each line of a Sentinel's file takes beside that, in microseconds.
    pub(crate) line_us: u64,
    pub(crate) fault: DiskFault,
}

impl Drive {
    pub(crate) fn new() -> Self {
        Self { latency: Latency { from_us: 3_000, to_us: 5_000 }, line_us: 0, fault: DiskFault::None }
    }

    /// When a file of so many lines is on disk whose writing begins then.
    pub(crate) fn done(self, begins: Time, lines: usize, prng: &mut Prng) -> Time {
        let done = self.latency.after(begins, prng);
        Time(done.0 + lines as u64 * self.line_us)
    }

    /// Whether a write that comes to its end now fails, and with which words.
    pub(crate) fn write(self, prng: &mut Prng) -> Result<(), String> {
        let fails = match self.fault {
            DiskFault::None => false,
            DiskFault::Full => true,
            DiskFault::Flaky(percent) => prng.below(100) < u64::from(percent),
        };
        if fails { Err("No space left on device".to_string()) } else { Ok(()) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// The file without what was written since.
    text: Vec<u8>,
    /// What was written last. The text takes it up when somebody reads: large files are written often, and hardly
    /// ever read.
    written: Option<PersistentState>,
    /// How often the file became another.
    version: u64,
    /// States on their way, oldest first, with the time at which each is done.
    writing: Vec<(Ticket, PersistentState, Time)>,
}

impl Disk {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        Self { text, written: None, version: 0, writing: Vec::new() }
    }

    /// What a process that starts now would read.
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        match &self.written {
            Some(state) => Cow::Owned(state.rewrite(&self.text)),
            None => Cow::Borrowed(&self.text),
        }
    }

    pub(crate) fn set_text(&mut self, text: Vec<u8>) {
        self.written = None;
        self.text = text;
        self.version += 1;
    }

    /// Takes a state for writing; answers when that will be done.
    pub(crate) fn write(
        &mut self,
        drive: Drive,
        now: Time,
        prng: &mut Prng,
        ticket: Ticket,
        state: PersistentState,
    ) -> Time {
        let begins = self.writing.last().map_or(now, |(_, _, done)| now.max(*done));
        let done = drive.done(begins, state.lines.len(), prng);
        self.writing.push((ticket, state, done));
        done
    }

    /// The oldest write is done.
    pub(crate) fn finish(&mut self, drive: Drive, prng: &mut Prng) -> Option<(Ticket, Result<(), String>)> {
        if self.writing.is_empty() {
            return None;
        }
        let (ticket, state, _) = self.writing.remove(0);
        let result = drive.write(prng);
        if result.is_ok() {
            self.take(state);
        }
        Some((ticket, result))
    }

    /// The process has died. What was on its way may or may not have taken the file's place.
    pub(crate) fn crash(&mut self, drive: Drive, prng: &mut Prng) {
        let writing = core::mem::take(&mut self.writing).into_iter().next();
        if let Some((_, state, _)) = writing
            && drive.fault == DiskFault::None
            && prng.below(2) == 0
        {
            self.take(state);
        }
    }

    /// A state is in the file now.
    fn take(&mut self, state: PersistentState) {
        self.written = Some(state);
        self.version += 1;
    }

    /// Another one whenever the text may be another.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}
