//! What the application tells about durations: SLOWLOG, LATENCY and the statistics of commands
//! (`slowlog.c`, `latency.c`). A server without I/O has no clock of its own.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::dispatch::unknown_form;
use super::monitor::redacted;
use super::{Call, Server, help};
use crate::command::{Flags, LatencySubcommand, SlowlogSubcommand};
use crate::config::parse_integer;

const ARGS_MAX: usize = 32;
const ARG_LEN_MAX: usize = 128;
const GET_COUNT: i64 = 10;
/// Times kept of one event.
const SAMPLES_MAX: usize = 160;
/// Powers of two of microseconds.
const BUCKETS: usize = 40;

/// A request that took long.
#[derive(Clone, Debug)]
struct SlowEntry {
    id: u64,
    /// Seconds since the epoch.
    at: u64,
    micros: u64,
    args: Vec<Bytes>,
    peer: String,
    name: Vec<u8>,
}

/// How long the runs of one command took.
#[derive(Clone, Copy, Debug)]
struct Stat {
    calls: u64,
    micros: u64,
    /// How many took less than two to the power of their place, and not less than half of that.
    buckets: [u64; BUCKETS],
}

/// The latest times of an event.
#[derive(Clone, Debug, Default)]
struct Event {
    /// When, in seconds since the epoch, and how many milliseconds.
    samples: VecDeque<(u64, u64)>,
    max: u64,
}

/// All that is known about durations.
#[derive(Clone, Debug, Default)]
pub(super) struct Slow {
    log: VecDeque<SlowEntry>,
    given: u64,
    stats: BTreeMap<(&'static str, &'static str), Stat>,
    events: BTreeMap<String, Event>,
}

impl Server {
    /// Notes how long a call took: for SLOWLOG, LATENCY and the statistics of commands.
    pub fn note_duration(&mut self, call: &Call, micros: u64) {
        let limits = self.options.limits;
        let flags = call.command.spec().flags;
        if limits.latency_tracking {
            let name = (call.command.command.name, call.command.subcommand.map_or("", |sub| sub.name));
            self.slow.stats.entry(name).or_default().add(micros);
        }
        let event = if flags.has(Flags::FAST) { "fast-command" } else { "command" };
        self.note_latency(event, micros / 1000);
        if flags.has(Flags::SKIP_SLOWLOG) || limits.slowlog_slower_than.is_none_or(|least| micros < least) {
            return;
        }
        let (peer, name) = match self.clients.get(call.client) {
            Some(client) => (client.addresses.peer.clone(), client.name.clone()),
            None => Default::default(),
        };
        let args = shortened(&redacted(call.command, &call.args));
        let entry =
            SlowEntry { id: self.slow.given, at: self.wall().0 / 1_000_000, micros, args, peer, name };
        self.slow.given += 1;
        self.slow.log.push_front(entry);
        self.slow.log.truncate(usize::try_from(limits.slowlog_len_max).unwrap_or(usize::MAX));
    }

    /// Notes how long something took that may have held up clients, such as `expire-cycle`.
    pub fn note_latency(&mut self, event: &str, millis: u64) {
        let threshold = self.options.limits.latency_monitor_threshold_ms;
        if threshold == 0 || millis < threshold {
            return;
        }
        let now = self.wall().0 / 1_000_000;
        if !self.slow.events.contains_key(event) {
            self.slow.events.insert(event.into(), Event::default());
        }
        let Some(event) = self.slow.events.get_mut(event) else { return };
        event.max = event.max.max(millis);
        match event.samples.back_mut() {
            // One second has one sample: its longest.
            Some((at, longest)) if *at == now => *longest = (*longest).max(millis),
            _ => {
                if event.samples.len() == SAMPLES_MAX {
                    event.samples.pop_front();
                }
                event.samples.push_back((now, millis));
            }
        }
    }

    /// `# Commandstats`, as far as durations were told.
    #[must_use]
    pub fn info_commandstats(&self) -> String {
        let mut text = String::from("# Commandstats\r\n");
        for ((command, sub), stat) in &self.slow.stats {
            let bar = if sub.is_empty() { "" } else { "|" };
            let hundredths = (stat.micros * 100).checked_div(stat.calls).unwrap_or(0);
            text += &format!(
                "cmdstat_{command}{bar}{sub}:calls={},usec={},usec_per_call={}.{:02},rejected_calls=0,failed_calls=0\r\n",
                stat.calls,
                stat.micros,
                hundredths / 100,
                hundredths % 100,
            );
        }
        text
    }

    /// Forgets the statistics of commands, as `CONFIG RESETSTAT` does.
    pub fn reset_commandstats(&mut self) {
        self.slow.stats.clear();
    }

    pub(super) fn run_slowlog(&mut self, id: ClientId, subcommand: SlowlogSubcommand, args: &[Bytes]) {
        let outcome = match subcommand {
            SlowlogSubcommand::Get => self.slowlog_get(args),
            SlowlogSubcommand::Help => Ok(help::help("slowlog", help::SLOWLOG)),
            SlowlogSubcommand::Len => Ok(int(self.slow.log.len() as u64)),
            SlowlogSubcommand::Reset => {
                self.slow.log.clear();
                Ok(Reply::ok())
            }
        };
        self.reply(id, &outcome.unwrap_or_else(Reply::error));
    }

    fn slowlog_get(&self, args: &[Bytes]) -> Result<Reply, String> {
        let count = match args {
            [_, _] => GET_COUNT,
            [_, _, count] => parse_integer(count)
                .filter(|count| *count >= -1)
                .ok_or("ERR count should be greater than or equal to -1")?,
            _ => return Err(unknown_form("SLOWLOG", args)),
        };
        // -1 asks for all.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let entries = self.slow.log.iter().take(count).map(|entry| {
            Reply::Array(
                [
                    int(entry.id),
                    int(entry.at),
                    int(entry.micros),
                    Reply::Array(entry.args.iter().cloned().map(Reply::Bulk).collect()),
                    Reply::from(entry.peer.as_str()),
                    Reply::bulk_copy(&entry.name),
                ]
                .into(),
            )
        });
        Ok(Reply::Array(entries.collect()))
    }

    pub(super) fn run_latency(&mut self, id: ClientId, subcommand: LatencySubcommand, args: &[Bytes]) {
        let reply = match subcommand {
            LatencySubcommand::Help => help::help("latency", help::LATENCY),
            LatencySubcommand::Histogram => self.latency_histogram(&args[2..]),
            LatencySubcommand::History => self.latency_history(&args[2]),
            LatencySubcommand::Latest => self.latency_latest(),
            LatencySubcommand::Reset => self.latency_reset(&args[2..]),
        };
        self.reply(id, &reply);
    }

    fn latency_latest(&self) -> Reply {
        let events = self.slow.events.iter().filter_map(|(name, event)| {
            let (at, millis) = event.samples.back()?;
            Some(Reply::Array([Reply::from(name.as_str()), int(*at), int(*millis), int(event.max)].into()))
        });
        Reply::Array(events.collect())
    }

    fn latency_history(&self, name: &[u8]) -> Reply {
        let event = core::str::from_utf8(name).ok().and_then(|name| self.slow.events.get(name));
        let samples = event.map(|event| event.samples.iter()).into_iter().flatten();
        Reply::Array(samples.map(|(at, millis)| Reply::Array([int(*at), int(*millis)].into())).collect())
    }

    fn latency_reset(&mut self, names: &[Bytes]) -> Reply {
        let before = self.slow.events.len();
        let is_named = |event: &str| names.is_empty() || names.iter().any(|name| name == event);
        self.slow.events.retain(|event, _| !is_named(event));
        int((before - self.slow.events.len()) as u64)
    }

    /// Of commands that ran: these, or all.
    fn latency_histogram(&self, names: &[Bytes]) -> Reply {
        let wanted: Vec<_> = names.iter().filter_map(|name| self.options.table.by_full_name(name)).collect();
        let is_wanted = |(command, sub): &(&str, &str)| {
            names.is_empty()
                || wanted.iter().any(|found| {
                    found.command.name == *command
                        && found.subcommand.is_none_or(|wanted| wanted.name == *sub)
                })
        };
        let stats = self.slow.stats.iter().filter(|(name, _)| is_wanted(name));
        Reply::map(stats.map(|((command, sub), stat)| {
            let bar = if sub.is_empty() { "" } else { "|" };
            let mut sum = 0;
            let spread =
                stat.buckets.iter().enumerate().filter(|(_, count)| **count > 0).map(|(power, count)| {
                    sum += count;
                    (int(1 << power), int(sum))
                });
            let spread = Reply::Map(spread.collect());
            (
                format!("{command}{bar}{sub}"),
                Reply::map([("calls", int(stat.calls)), ("histogram_usec", spread)]),
            )
        }))
    }
}

impl Default for Stat {
    fn default() -> Self {
        Self { calls: 0, micros: 0, buckets: [0; BUCKETS] }
    }
}

impl Stat {
    fn add(&mut self, micros: u64) {
        self.calls += 1;
        self.micros = self.micros.saturating_add(micros);
        let power = (u64::BITS - micros.saturating_sub(1).leading_zeros()) as usize;
        self.buckets[if micros <= 1 { 0 } else { power.min(BUCKETS - 1) }] += 1;
    }
}

/// Not too many words, and none too long.
fn shortened(args: &[Bytes]) -> Vec<Bytes> {
    let kept = if args.len() > ARGS_MAX { ARGS_MAX - 1 } else { args.len() };
    let cut = |arg: &Bytes| match arg.get(..ARG_LEN_MAX) {
        Some(start) if arg.len() > ARG_LEN_MAX => {
            let rest = format!("... ({} more bytes)", arg.len() - ARG_LEN_MAX);
            Bytes::from([start, rest.as_bytes()].concat())
        }
        // The piece of memory that it came in is not kept for it.
        _ => Bytes::copy_from_slice(arg),
    };
    let mut short: Vec<Bytes> = args[..kept].iter().map(cut).collect();
    if kept < args.len() {
        short.push(Bytes::from(format!("... ({} more arguments)", args.len() - kept)));
    }
    short
}

fn int(value: u64) -> Reply {
    Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}
