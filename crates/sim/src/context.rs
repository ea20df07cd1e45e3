//! What a process can do in the world, and what the world tells it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_node_core::NodeEvent;
use picket_sansio::{Millis, Prng, Ticket, Time, WallTime};
use picket_sentinel_core::{Event, PersistentState};

use crate::console::Answer;
use crate::disk::Drive;
use crate::dns::Resolved;
use crate::ids::ConnId;

/// A timer of a process: what it is for, and a number by which an old one is told from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerTag {
    pub(crate) what: &'static str,
    pub(crate) serial: u64,
}

/// Something that a process learns from its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Somebody connected.
    Accepted { conn: ConnId, peer: SocketAddr },
    /// A connection asked for is there.
    Opened { conn: ConnId },
    /// Bytes arrived.
    Data { conn: ConnId, bytes: Bytes },
    /// So many bytes that were sent have reached the other side.
    Taken { conn: ConnId, len: u64 },
    /// A connection has ended, or could not be made.
    Closed { conn: ConnId, reason: &'static str },
    /// A write to disk is done.
    Persisted { ticket: Ticket, result: Result<(), String> },
    /// What a name stands for, by the key that [`Context::resolve`] was given.
    Resolved { key: u64, result: Resolved },
    /// Its machine's calendar clock was set.
    ClockJumped,
    /// A timer has run out.
    Timer { tag: TimerTag },
}

/// Something that a process does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Open a connection.
    Dial { conn: ConnId, to: SocketAddr },
    /// Send bytes.
    Send { conn: ConnId, bytes: Bytes },
    /// Close a connection after what was sent on it.
    Close { conn: ConnId },
    /// Be told at that time.
    Timer { at: Time, tag: TimerTag },
    /// Ask what a name stands for.
    Resolve { key: u64, host: String },
    /// Write a Sentinel's state.
    Persist { ticket: Ticket, state: PersistentState },
    /// A Sentinel noticed or decided something.
    Event(Box<Event>),
    /// A data node noticed or decided something.
    NodeEvent(Box<NodeEvent>),
    /// A modelled data server or a client has something to tell the reader of the transcript.
    Note(String),
    /// An operator's command has come to its end.
    Answered(Box<Answer>),
    /// A client begins a write that is to wait for replicas.
    Writes { number: u64 },
    /// So many replicas have it, a master said.
    Confirmed { number: u64, replicas: u32 },
    /// The process does nothing for so long.
    Sleep(Millis),
    /// The process ends by itself.
    Exit,
}

/// A process's view of the world while it handles a [`Signal`].
pub(crate) struct Context<'a> {
    pub(crate) now: Time,
    pub(crate) prng: &'a mut Prng,
    pub(crate) conns: &'a mut u64,
    /// How its machine's disk works.
    pub(crate) drive: Drive,
    /// By how much its machine's calendar clock is wrong.
    pub(crate) clock_ms: i64,
    pub(crate) effects: Vec<Effect>,
}

/// What the calendar reads at the origin of the world's time.
const CALENDAR: u64 = 1_700_000_000_000_000;

impl<'a> Context<'a> {
    /// For a process of a machine with nothing unusual about it.
    pub(crate) fn new(now: Time, prng: &'a mut Prng, conns: &'a mut u64) -> Self {
        Self { now, prng, conns, drive: Drive::new(), clock_ms: 0, effects: Vec::new() }
    }

    /// What the machine's calendar clock reads.
    pub(crate) fn wall(&self) -> WallTime {
        WallTime((CALENDAR + self.now.0).saturating_add_signed(self.clock_ms.saturating_mul(1000)))
    }

    pub(crate) fn dial(&mut self, to: SocketAddr) -> ConnId {
        *self.conns += 1;
        let conn = ConnId(*self.conns);
        self.effects.push(Effect::Dial { conn, to });
        conn
    }

    pub(crate) fn send(&mut self, conn: ConnId, bytes: impl Into<Bytes>) {
        self.effects.push(Effect::Send { conn, bytes: bytes.into() });
    }

    pub(crate) fn close(&mut self, conn: ConnId) {
        self.effects.push(Effect::Close { conn });
    }

    pub(crate) fn resolve(&mut self, key: u64, host: &str) {
        self.effects.push(Effect::Resolve { key, host: host.into() });
    }

    pub(crate) fn timer(&mut self, after: Millis, what: &'static str, serial: u64) {
        self.effects.push(Effect::Timer { at: self.now + after, tag: TimerTag { what, serial } });
    }

    pub(crate) fn timer_at(&mut self, at: Time, what: &'static str) {
        self.effects.push(Effect::Timer { at, tag: TimerTag { what, serial: 0 } });
    }

    pub(crate) fn note(&mut self, text: String) {
        self.effects.push(Effect::Note(text));
    }
}
