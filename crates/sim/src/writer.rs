//! A client that writes to the master: it asks Sentinels where that is, as client libraries do,
//! checks the role, writes number after number, and remembers which were acknowledged. It can have each of its writes
//! wait for replicas (WAIT), and remembers then which were confirmed by as many as it asked for.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::{Millis, Time};

use crate::context::{Context, Effect, Signal};
use crate::data::WRITE;
use crate::ids::ConnId;
use crate::log::Log;

/// How long an answer may take.
const PATIENCE: Millis = Millis(500);
/// How long replicas may take to confirm a write, in milliseconds.
const WAIT_MS: &str = "400";
/// The pause after nobody could be asked.
const PAUSE: Millis = Millis(50);

/// What came of a writer's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterReport {
    /// Numbers that the server said it took, and when.
    pub acknowledged: Vec<(u64, Time)>,
    /// Writes that failed or were not answered.
    pub failed: u64,
    /// Where it writes at present.
    pub master: Option<SocketAddr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Writer {
    master_name: String,
    sentinels: Vec<SocketAddr>,
    next_sentinel: usize,
    interval: Millis,
    is_paused: bool,
    /// How many replicas each write waits for.
    replicas: u32,
    state: State,
    decoder: ReplyDecoder,
    /// Tells timers of the present state from older ones.
    serial: u64,
    next_number: u64,
    /// Numbers that the server said it took, and when.
    pub(crate) acknowledged: Log<(u64, Time)>,
    /// Numbers that as many replicas have as were asked for, in ascending order.
    pub(crate) confirmed: Log<u64>,
    /// Writes that failed or were not answered.
    pub(crate) failed: u64,
    /// Where it writes at present.
    pub(crate) master: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pausing,
    Asking(ConnId),
    Dialling(ConnId, SocketAddr),
    Checking(ConnId, SocketAddr),
    Idle(ConnId),
    Writing(ConnId, u64),
    Waiting(ConnId, u64),
}

impl State {
    fn conn(self) -> Option<ConnId> {
        match self {
            Self::Pausing => None,
            Self::Asking(conn)
            | Self::Dialling(conn, _)
            | Self::Checking(conn, _)
            | Self::Idle(conn)
            | Self::Writing(conn, _)
            | Self::Waiting(conn, _) => Some(conn),
        }
    }
}

impl Writer {
    pub(crate) fn start(
        ctx: &mut Context<'_>,
        master_name: &str,
        sentinels: Vec<SocketAddr>,
        interval: Millis,
        first_number: u64,
    ) -> Self {
        let mut writer = Self {
            master_name: master_name.to_string(),
            sentinels,
            next_sentinel: 0,
            interval,
            is_paused: false,
            replicas: 0,
            state: State::Pausing,
            decoder: ReplyDecoder::new(),
            serial: 0,
            next_number: first_number,
            acknowledged: Log::default(),
            confirmed: Log::default(),
            failed: 0,
            master: None,
        };
        writer.ask(ctx);
        writer
    }

    /// Whether it writes from now on; it stays connected meanwhile.
    pub(crate) fn set_writing(&mut self, writes: bool) {
        self.is_paused = !writes;
    }

    /// How many replicas each write waits for from now on; with none it does not wait.
    pub(crate) fn set_replicas(&mut self, replicas: u32) {
        self.replicas = replicas;
    }

    /// Enters a state, which ends by itself after `after`.
    fn enter(&mut self, ctx: &mut Context<'_>, state: State, after: Millis) {
        self.state = state;
        self.serial += 1;
        ctx.timer(after, "writer", self.serial);
    }

    fn ask(&mut self, ctx: &mut Context<'_>) {
        self.master = None;
        let Some(sentinel) = self.sentinels.get(self.next_sentinel % self.sentinels.len().max(1)).copied()
        else {
            return;
        };
        self.next_sentinel += 1;
        self.decoder = ReplyDecoder::new();
        let conn = ctx.dial(sentinel);
        self.enter(ctx, State::Asking(conn), PATIENCE);
    }

    /// Begins anew after a pause.
    fn give_up(&mut self, ctx: &mut Context<'_>) {
        if let Some(conn) = self.state.conn() {
            ctx.close(conn);
        }
        if let State::Writing(..) = self.state {
            self.failed += 1;
        }
        self.master = None;
        self.enter(ctx, State::Pausing, PAUSE);
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Timer { tag } if tag.serial == self.serial => match self.state {
                State::Pausing => self.ask(ctx),
                State::Idle(conn) => self.write(ctx, conn),
                State::Asking(_)
                | State::Dialling(..)
                | State::Checking(..)
                | State::Writing(..)
                | State::Waiting(..) => self.give_up(ctx),
            },
            Signal::Opened { conn } if self.state.conn() == Some(conn) => self.on_open(ctx, conn),
            Signal::Closed { conn, .. } if self.state.conn() == Some(conn) => self.give_up(ctx),
            Signal::Data { conn, bytes } if self.state.conn() == Some(conn) => {
                self.decoder.extend(&bytes);
                match self.decoder.next() {
                    Ok(Some(reply)) => self.on_reply(ctx, &reply),
                    Ok(None) => {}
                    Err(_) => self.give_up(ctx),
                }
            }
            Signal::Timer { .. }
            | Signal::Opened { .. }
            | Signal::Closed { .. }
            | Signal::Data { .. }
            | Signal::Taken { .. }
            | Signal::Accepted { .. }
            | Signal::Persisted { .. }
            | Signal::ClockJumped
            | Signal::Resolved { .. } => {}
        }
    }

    fn on_open(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        match self.state {
            State::Asking(_) => {
                let name = self.master_name.clone();
                ctx.send(conn, picket_resp::command(["SENTINEL", "get-master-addr-by-name", &name]));
            }
            State::Dialling(_, to) => {
                ctx.send(conn, picket_resp::command(["ROLE"]));
                self.enter(ctx, State::Checking(conn, to), PATIENCE);
            }
            State::Pausing
            | State::Checking(..)
            | State::Idle(_)
            | State::Writing(..)
            | State::Waiting(..) => {}
        }
    }

    fn on_reply(&mut self, ctx: &mut Context<'_>, reply: &Reply) {
        match self.state {
            State::Asking(conn) => {
                let address = reply.as_array().and_then(|items| {
                    let [ip, port] = items else { return None };
                    Some(SocketAddr::new(ip.as_str()?.parse().ok()?, port.as_str()?.parse().ok()?))
                });
                let Some(to) = address else { return self.give_up(ctx) };
                ctx.close(conn);
                self.decoder = ReplyDecoder::new();
                let conn = ctx.dial(to);
                self.enter(ctx, State::Dialling(conn, to), PATIENCE);
            }
            State::Checking(conn, to) => {
                let role = reply.as_array().and_then(|items| items.first()).and_then(Reply::as_str);
                if role == Some("master") {
                    self.master = Some(to);
                    self.write(ctx, conn);
                } else {
                    self.give_up(ctx);
                }
            }
            State::Writing(conn, number) => {
                if reply.is_error() {
                    return self.give_up(ctx);
                }
                self.acknowledged.push((number, ctx.now));
                if self.replicas == 0 {
                    return self.enter(ctx, State::Idle(conn), self.interval);
                }
                ctx.send(conn, picket_resp::command(["WAIT", &self.replicas.to_string(), WAIT_MS]));
                self.enter(ctx, State::Waiting(conn, number), PATIENCE);
            }
            State::Waiting(conn, number) => {
                // A server that knows no WAIT refuses it: then nothing is confirmed.
                let replicas = reply.as_int().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
                if replicas >= self.replicas.max(1) {
                    self.confirmed.push(number);
                    ctx.effects.push(Effect::Confirmed { number, replicas });
                }
                self.enter(ctx, State::Idle(conn), self.interval);
            }
            State::Pausing | State::Dialling(..) | State::Idle(_) => self.give_up(ctx),
        }
    }

    fn write(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        if self.is_paused {
            return self.enter(ctx, State::Idle(conn), self.interval);
        }
        let number = self.next_number;
        self.next_number += 1;
        if self.replicas > 0 {
            ctx.effects.push(Effect::Writes { number });
        }
        ctx.send(conn, picket_resp::command(["SET", &format!("{WRITE}{number}"), &number.to_string()]));
        self.enter(ctx, State::Writing(conn, number), PATIENCE);
    }
}
