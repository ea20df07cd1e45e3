//! Disks, slow and sometimes unwilling; and what is on a Sentinel's: the text of its config file.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::collections::BTreeMap;
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

/// Numbers of the file that are asked for again and again, by the option that sets them for a master.
const NUMBERS: [&str; 2] = ["leader-epoch", "down-after-milliseconds"];

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// The file without what was written since.
    text: Vec<u8>,
    /// What was written last. The text takes it up when somebody reads: large files are written often, and hardly
    /// ever read.
    written: Option<PersistentState>,
    /// Of each of [`NUMBERS`] what the file says of each master.
    numbers: [BTreeMap<String, u64>; NUMBERS.len()],
    /// States on their way, oldest first, with the time at which each is done.
    writing: Vec<(Ticket, PersistentState, Time)>,
}

impl Disk {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        let mut disk =
            Self { text: Vec::new(), written: None, numbers: Default::default(), writing: Vec::new() };
        disk.set_text(text);
        disk
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
        self.numbers = numbers(text.split(|byte| *byte == b'\n'));
        self.text = text;
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
        self.numbers = numbers(state.lines.iter().map(|line| line.text.expose()));
        self.written = Some(state);
    }

    /// What the file says of a master with one of the options in [`NUMBERS`].
    pub(crate) fn number(&self, option: &str, master: &str) -> Option<u64> {
        let place = NUMBERS.iter().position(|number| *number == option)?;
        self.numbers[place].get(master).copied()
    }
}

/// The last value of each `sentinel <option> <master> <value>` in these lines.
fn numbers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> [BTreeMap<String, u64>; NUMBERS.len()] {
    let mut found: [BTreeMap<String, u64>; NUMBERS.len()] = Default::default();
    for line in lines {
        let Some(rest) = line.strip_prefix(b"sentinel ") else { continue };
        let option = NUMBERS.iter().position(|number| rest.starts_with(number.as_bytes()));
        let Some(place) = option else { continue };
        let Ok(rest) = core::str::from_utf8(rest) else { continue };
        let mut words = rest.split_ascii_whitespace();
        if words.next() == Some(NUMBERS[place])
            && let (Some(master), Some(value)) = (words.next(), words.next())
            && let Ok(value) = value.parse()
        {
            found[place].insert(master.to_string(), value);
        }
    }
    found
}
