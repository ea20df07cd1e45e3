//! A model of a *stock* Sentinel, as far as its failovers and votes go: for comparisons, and for quorums in which both
//! kinds vote.
//!
//! Written from what `sentinel.c` of Redis 7.0 does, rule by rule, and speaking the same wire:
//!
//! - one thread: a tick of 52 to 100 ms walks over everything, and a write of the config file stops all else until it
//!   is on disk (`serverCron`, `sentinelFlushConfig`); what arrives meanwhile waits;
//! - one current epoch for all masters; a vote is refused when the request is older than that (`sentinelVoteLeader`),
//!   and ballots count only in that epoch (`sentinelGetLeader`);
//! - the time that a failover's limits count from lies up to a second ahead, so that not all try again at once; a
//!   lost election ends after `min(10 s, failover-timeout)`, and the next begins after twice `failover-timeout`;
//! - peers are asked once a second; a promotion is noticed in the INFO of each second; of all masters whose failover
//!   ends in the same tick only the last takes its new address in force (`sentinelHandleDictOfRedisInstances`);
//! - TILT, when a tick comes more than two seconds after the one before.
//!
//! Not modelled: scripts, passwords, names instead of addresses, commands of clients and operators; silent links that
//! are opened anew, and masters that restart within down-after.

mod config;
mod election;
mod failover;
mod hello;
mod info;
mod instances;
mod links;
mod serve;
mod tick;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_resp::RequestBuffer;
use picket_sansio::Time;
use picket_sentinel_core::Event;

use crate::context::{Context, Effect, Signal, TimerTag};
use crate::ids::ConnId;
use config::File;
use instances::Master;
use links::{Link, Place, Role};

#[derive(Clone, Debug)]
pub(crate) struct StockSentinel {
    pub(crate) my_id: String,
    addr: SocketAddr,
    current_epoch: u64,
    /// In the order in which the tick walks over them, which differs from process to process.
    masters: Vec<Master>,
    /// Where each is in that order, by name.
    places: BTreeMap<String, Place>,
    /// The same by address.
    places_at: BTreeMap<SocketAddr, Place>,
    /// By the address of the other side; connections to other Sentinels are shared between masters.
    links: BTreeMap<SocketAddr, Link>,
    conns: BTreeMap<ConnId, (SocketAddr, Role)>,
    clients: BTreeMap<ConnId, RequestBuffer>,
    tilt_since: Option<u64>,
    last_tick: u64,
    /// How long the input that is being handled has kept the process busy so far, in microseconds.
    spent_us: u64,
    /// Until then the process is busy.
    busy_until: Time,
    /// What arrived while it was.
    inbox: VecDeque<Signal>,
    /// What it sends at the end of this input.
    unsent: Vec<(ConnId, Bytes)>,
    /// What leaves when it is done with earlier inputs.
    outbox: VecDeque<(Time, Effect)>,
}

impl StockSentinel {
    /// A process that starts with the content of its config file.
    pub(crate) fn start(ctx: &mut Context<'_>, addr: SocketAddr, text: &str) -> Result<Self, String> {
        let File { my_id, mut masters } = config::read(text, ctx.now.0 / 1000)?;
        let my_id = my_id.unwrap_or_else(|| ctx.prng.hex(40));
        for last in (1..masters.len()).rev() {
            let other = usize::try_from(ctx.prng.below(last as u64 + 1)).unwrap_or(0);
            masters.swap(last, other);
        }
        let place = |(place, master): (Place, &Master)| (master.name.clone(), place);
        let places = masters.iter().enumerate().map(place).collect();
        let place_at = |(place, master): (Place, &Master)| (master.server.addr, place);
        let places_at = masters.iter().enumerate().map(place_at).collect();
        let mut stock = Self {
            my_id,
            addr,
            current_epoch: 0,
            masters,
            places,
            places_at,
            links: BTreeMap::new(),
            conns: BTreeMap::new(),
            clients: BTreeMap::new(),
            tilt_since: None,
            last_tick: ctx.now.0 / 1000,
            spent_us: 0,
            busy_until: ctx.now,
            inbox: VecDeque::new(),
            unsent: Vec::new(),
            outbox: VecDeque::new(),
        };
        stock.arm(ctx);
        Ok(stock)
    }

    /// Starts again with what is in its file: who is known, epochs and votes, but no connections and no failovers.
    pub(crate) fn restart(&mut self, ctx: &mut Context<'_>) {
        self.links.clear();
        self.conns.clear();
        self.clients.clear();
        self.inbox.clear();
        self.unsent.clear();
        self.outbox.clear();
        self.busy_until = ctx.now;
        self.spent_us = 0;
        self.tilt_since = None;
        let now = self.now_ms(ctx);
        self.last_tick = now;
        for master in &mut self.masters {
            master.restart(now);
        }
        self.arm(ctx);
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        let is_release = matches!(&signal, Signal::Timer { tag } if tag.what == "release");
        if is_release {
            self.release(ctx);
        } else {
            self.inbox.push_back(signal);
        }
        while ctx.now >= self.busy_until
            && let Some(signal) = self.inbox.pop_front()
        {
            self.process(ctx, signal);
            self.finish(ctx);
        }
    }

    fn process(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Accepted { conn, .. } => {
                let mut requests = RequestBuffer::new();
                requests.set_authenticated(true);
                self.clients.insert(conn, requests);
            }
            Signal::Opened { conn } => self.on_open(ctx, conn),
            Signal::Data { conn, bytes } => {
                if self.clients.contains_key(&conn) {
                    self.on_requests(ctx, conn, &bytes);
                } else {
                    self.on_link_data(ctx, conn, &bytes);
                }
            }
            Signal::Closed { conn, .. } => {
                self.clients.remove(&conn);
                self.on_closed(conn);
            }
            Signal::Timer { .. } => {
                self.tick(ctx);
                self.arm(ctx);
            }
            Signal::Persisted { .. }
            | Signal::Resolved { .. }
            | Signal::Taken { .. }
            | Signal::ClockJumped => {}
        }
    }

    /// The next tick: the frequency is drawn anew each time, so that Sentinels do not stay in step.
    fn arm(&mut self, ctx: &mut Context<'_>) {
        let hz = 10 + ctx.prng.below(10);
        ctx.timer_at(Time(ctx.now.0 + self.spent_us + 1_000_000 / hz), "tick");
    }

    /// An input is dealt with: what it sends leaves when the process comes back to its sockets.
    fn finish(&mut self, ctx: &mut Context<'_>) {
        let done = Time(ctx.now.0 + self.spent_us);
        let unsent: Vec<(ConnId, Bytes)> = self.unsent.drain(..).collect();
        for (conn, bytes) in unsent {
            self.put_out(ctx, done, Effect::Send { conn, bytes });
        }
        if self.spent_us > 0 {
            self.busy_until = done;
            ctx.timer_at(done, "release");
            self.spent_us = 0;
        }
    }

    fn put_out(&mut self, ctx: &mut Context<'_>, at: Time, effect: Effect) {
        if at <= ctx.now && self.outbox.is_empty() {
            ctx.effects.push(effect);
            return;
        }
        if self.outbox.back().is_none_or(|(last, _)| *last != at) {
            ctx.effects.push(Effect::Timer { at, tag: TimerTag { what: "release", serial: 0 } });
        }
        self.outbox.push_back((at, effect));
    }

    fn release(&mut self, ctx: &mut Context<'_>) {
        while let Some((_, effect)) = self.outbox.pop_front_if(|(at, _)| *at <= ctx.now) {
            ctx.effects.push(effect);
        }
    }

    // ---- what the rules are made of ----

    /// The process's clock in milliseconds, which goes on while it is busy.
    fn now_ms(&self, ctx: &Context<'_>) -> u64 {
        (ctx.now.0 + self.spent_us) / 1000
    }

    fn emit(&mut self, ctx: &mut Context<'_>, event: Event) {
        let at = Time(ctx.now.0 + self.spent_us);
        self.put_out(ctx, at, Effect::Event(Box::new(event)));
    }

    /// Writes the config file and waits until it is on disk.
    fn flush_config(&mut self, ctx: &mut Context<'_>) {
        let lines: usize = self.masters.iter().map(Master::config_lines).sum();
        self.spent_us += ctx.drive.done(Time(0), lines, ctx.prng).0;
    }

    /// For each master: its name, how many other Sentinels are known, and whether so many replicas follow it.
    pub(crate) fn knows(&self, peers: usize, replicas: usize) -> bool {
        self.masters.iter().all(|master| {
            master.peers.len() == peers
                && master.replicas.len() == replicas
                && master.replicas.iter().all(|replica| {
                    let link = self.links.get(&replica.server.addr);
                    replica.server.follows(master.server.addr) && link.is_some_and(|link| !link.disconnected)
                })
        })
    }
}
