//! Claiming what is pending for others (`t_stream.c`), and how that and deliveries are told to replicas.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::StreamId;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::stream_args::{self, entry_reply, id_reply, id_text, int_or, stream_of_group, text};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number;
use crate::types::{Entries, Group, ID_ZERO, Pending, Stream, next_id};

const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STREAM: Categories = Categories::STREAM;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("xautoclaim", -6, WRITE_FAST, STREAM,
        docs("stream", "6.2.0", "O(1) for a small COUNT", "Gives a consumer what is pending for too long."), Keys::One(1), xautoclaim),
    Command::new("xclaim", -6, WRITE_FAST, STREAM,
        docs("stream", "5.0.0", "O(log N) in the number of pending entries", "Gives a consumer pending entries of others."),
        Keys::One(1), xclaim),
];

/// How a pending entry is told to replicas, in a form that may be applied twice.
pub(super) fn told_claim(
    key: &Bytes,
    name: &Bytes,
    group: &Group,
    id: Bytes,
    pending: &Pending,
) -> Vec<Bytes> {
    let word = Bytes::from_static;
    [
        word(b"XCLAIM"),
        key.clone(),
        name.clone(),
        group.consumer(pending.consumer).name.clone(),
        word(b"0"),
        id,
        word(b"TIME"),
        number::text(pending.delivered_at),
        word(b"RETRYCOUNT"),
        number::text(pending.deliveries.cast_signed()),
        word(b"FORCE"),
        word(b"JUSTID"),
        word(b"LASTID"),
        id_text(group.last_id),
    ]
    .into()
}

/// How the place of a group is told to replicas.
pub(super) fn told_group_id(key: &Bytes, name: &Bytes, group: &Group) -> Vec<Bytes> {
    let word = Bytes::from_static;
    let entries_read = group.entries_read.map_or(-1, u64::cast_signed);
    [
        word(b"XGROUP"),
        word(b"SETID"),
        key.clone(),
        name.clone(),
        id_text(group.last_id),
        word(b"ENTRIESREAD"),
        number::text(entries_read),
    ]
    .into()
}

/// Whether entries are returned or only their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    Entries,
    Ids,
}

/// A claim under way.
struct Claim<'a> {
    entries: &'a Entries,
    key: &'a Bytes,
    group_name: &'a Bytes,
    consumer: &'a Bytes,
    now: i64,
    min_idle: i64,
    returns: Returns,
    /// When the entries count as delivered.
    delivered_at: i64,
    /// How often they count as delivered, if not once more.
    deliveries: Option<u64>,
    /// Entries that are pending for nobody are claimed too.
    force: bool,
    /// Whether the consumer is new, which counts as a change.
    is_new: bool,
    effects: Vec<Vec<Bytes>>,
}

/// What became of one entry.
enum Claimed {
    /// It is the consumer's.
    Entry(Reply),
    /// It was pending but is no longer in the stream.
    Gone,
    /// Not pending, or not for long enough.
    No,
}

impl Claim<'_> {
    /// Claims an entry, whose id the stream tells as `word`.
    fn one(&mut self, group: &mut Group, id: StreamId, word: &Bytes) -> Claimed {
        let (consumer, _) = group.consumer_or_create(self.consumer, self.now);
        let old = group.pending().get(&id).copied();
        let Some(entry) = self.entries.get(id) else {
            let Some(old) = old else { return Claimed::No };
            self.effects.push(told_claim(self.key, self.group_name, group, word.clone(), &old));
            group.forget(id);
            return Claimed::Gone;
        };
        let before = match old {
            Some(old) if self.min_idle > 0 && self.now.saturating_sub(old.delivered_at) < self.min_idle => {
                return Claimed::No;
            }
            Some(old) => old.deliveries,
            None if self.force => 1,
            None => return Claimed::No,
        };
        let again = u64::from(self.returns == Returns::Entries);
        let deliveries = self.deliveries.unwrap_or(before.wrapping_add(again));
        let pending = Pending { consumer, delivered_at: self.delivered_at, deliveries };
        group.assign(id, pending);
        group.consumer_mut(consumer).active_at = Some(self.now);
        self.effects.push(told_claim(self.key, self.group_name, group, word.clone(), &pending));
        Claimed::Entry(match self.returns {
            Returns::Entries => entry_reply(&entry),
            Returns::Ids => id_reply(id),
        })
    }

    /// The consumer tries to do something, and is made if it is not there. Neither is told to replicas.
    fn begin(&mut self, group: &mut Group) {
        let (consumer, is_new) = group.consumer_or_create(self.consumer, self.now);
        self.is_new = is_new;
        group.consumer_mut(consumer).seen_at = self.now;
    }
}

/// The options of XCLAIM.
struct Options {
    returns: Returns,
    force: bool,
    delivered_at: Option<i64>,
    deliveries: Option<u64>,
    last_id: StreamId,
}

impl Options {
    fn parse(words: &[Bytes], now: i64) -> Result<Self, Fault> {
        let mut options = Self {
            returns: Returns::Entries,
            force: false,
            delivered_at: None,
            deliveries: None,
            last_id: ID_ZERO,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if is(word, "force") {
                options.force = true;
                continue;
            } else if is(word, "justid") {
                options.returns = Returns::Ids;
                continue;
            }
            let unknown = || Fault::new(alloc::format!("ERR Unrecognized XCLAIM option '{}'", text(word)));
            let known = ["idle", "time", "retrycount", "lastid"].iter().any(|name| is(word, name));
            let value = words.next().filter(|_| known).ok_or_else(unknown)?;
            if is(word, "idle") {
                let idle = int_or(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                options.delivered_at = Some(now.wrapping_sub(idle));
            } else if is(word, "time") {
                options.delivered_at = Some(int_or(value, "ERR Invalid TIME option argument for XCLAIM")?);
            } else if is(word, "retrycount") {
                let count = int_or(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                options.deliveries = u64::try_from(count).ok();
            } else {
                options.last_id = stream_args::id(value)?;
            }
        }
        Ok(options)
    }
}

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME ms] [RETRYCOUNT count] [FORCE] [JUSTID]
/// [LASTID id]`.
fn xclaim(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let now = stream_args::now(exec);
    let Stream { entries, groups } = stream_of_group(exec, &args[1], &args[2])?;
    let min_idle = int_or(&args[4], "ERR Invalid min-idle-time argument for XCLAIM")?;
    // Ids end where something is none.
    let ids: Vec<StreamId> = args[5..].iter().map_while(|word| stream_args::id(word).ok()).collect();
    let options = Options::parse(&args[5 + ids.len()..], now)?;
    let mut claim = Claim {
        entries,
        key: &args[1],
        group_name: &args[2],
        consumer: &args[3],
        now,
        min_idle,
        returns: options.returns,
        // A time that makes no sense is now, since clients reckon with clocks of their own.
        delivered_at: options.delivered_at.filter(|at| (0..=now).contains(at)).unwrap_or(now),
        deliveries: options.deliveries,
        force: options.force,
        is_new: false,
        effects: Vec::new(),
    };
    let replies = groups.update(&args[2], |group| {
        let moved = options.last_id > group.last_id;
        if moved {
            group.last_id = options.last_id;
        }
        claim.begin(group);
        let replies: Vec<Reply> = ids
            .iter()
            .zip(&args[5..])
            .filter_map(|(id, word)| match claim.one(group, *id, word) {
                Claimed::Entry(reply) => Some(reply),
                Claimed::Gone | Claimed::No => None,
            })
            .collect();
        if moved && claim.effects.is_empty() {
            claim.effects.push(told_group_id(claim.key, claim.group_name, group));
        }
        replies
    });
    let Claim { effects, is_new, .. } = claim;
    exec.count_changes(effects.len() + usize::from(is_new));
    effects.into_iter().for_each(|words| exec.propagate(words));
    Ok(Reply::Array(replies.unwrap_or_default()))
}

/// How many pending entries XAUTOCLAIM looks at for each that it may claim.
const ATTEMPTS_FACTOR: i64 = 10;

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`.
fn xautoclaim(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let min_idle = int_or(&args[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
    let start = stream_args::start(&args[5])?;
    let (mut count, mut returns) = (100, Returns::Entries);
    let mut words = args[6..].iter();
    while let Some(word) = words.next() {
        if is(word, "justid") {
            returns = Returns::Ids;
        } else if is(word, "count")
            && let Some(value) = words.next()
        {
            let value = args::int(value).ok().filter(|value| (1..=i64::MAX / 16).contains(value));
            count = value.ok_or(Fault::new("ERR COUNT must be > 0"))?;
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let now = stream_args::now(exec);
    let Stream { entries, groups } = stream_of_group(exec, &args[1], &args[2])?;
    let mut claim = Claim {
        entries,
        key: &args[1],
        group_name: &args[2],
        consumer: &args[3],
        now,
        min_idle,
        returns,
        delivered_at: now,
        deliveries: None,
        force: false,
        is_new: false,
        effects: Vec::new(),
    };
    let (mut claimed, mut gone) = (Vec::new(), Vec::new());
    let next = groups.update(&args[2], |group| {
        claim.begin(group);
        let mut attempts = count * ATTEMPTS_FACTOR;
        let mut from = Some(start);
        let pending_from =
            |group: &Group, from: Option<StreamId>| Some(*group.pending().range(from?..).next()?.0);
        loop {
            let next = pending_from(group, from);
            let (Some(id), true) = (next, attempts > 0 && count > 0) else {
                return next;
            };
            attempts -= 1;
            from = next_id(id);
            match claim.one(group, id, &id_text(id)) {
                Claimed::Entry(reply) => claimed.push(reply),
                Claimed::Gone => gone.push(id_reply(id)),
                Claimed::No => continue,
            }
            count -= 1;
        }
    });
    let Claim { effects, is_new, .. } = claim;
    exec.count_changes(effects.len() + usize::from(is_new));
    effects.into_iter().for_each(|words| exec.propagate(words));
    let next = id_reply(next.flatten().unwrap_or(ID_ZERO));
    Ok(Reply::Array([next, Reply::Array(claimed), Reply::Array(gone)].into()))
}
