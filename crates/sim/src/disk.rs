//! Disks, slow and sometimes unwilling; and what is on a Sentinel's: the text of its config file.

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
    pub(crate) fault: DiskFault,
}

impl Drive {
    pub(crate) fn new() -> Self {
        Self { latency: Latency { from_us: 3_000, to_us: 5_000 }, fault: DiskFault::None }
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
    text: Vec<u8>,
    /// States on their way, oldest first, with the time at which each is done.
    writing: Vec<(Ticket, PersistentState, Time)>,
}

impl Disk {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        Self { text, writing: Vec::new() }
    }

    /// What a process that starts now would read.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn set_text(&mut self, text: Vec<u8>) {
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
        let done = drive.latency.after(begins, prng);
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
            self.text = state.rewrite(&self.text);
        }
        Some((ticket, result))
    }

    /// The process has died. What was on its way may or may not have taken the file's place.
    pub(crate) fn crash(&mut self, drive: Drive, prng: &mut Prng) {
        if let Some((_, state, _)) = self.writing.first()
            && drive.fault == DiskFault::None
            && prng.below(2) == 0
        {
            self.text = state.rewrite(&self.text);
        }
        self.writing.clear();
    }

    /// The last value of `sentinel <option> <master> <value>` in the file.
    pub(crate) fn number(&self, option: &str, master: &str) -> Option<u64> {
        let text = core::str::from_utf8(&self.text).ok()?;
        let mut found = None;
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            if words.next() == Some("sentinel")
                && words.next() == Some(option)
                && words.next() == Some(master)
            {
                found = words.next().and_then(|value| value.parse().ok()).or(found);
            }
        }
        found
    }
}
