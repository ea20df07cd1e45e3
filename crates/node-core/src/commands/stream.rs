//! Commands on the entries of streams (`t_stream.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::StreamId;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::stream_args::{self, entry_reply, id_text};
use crate::command::{Command, Keys, docs};
use crate::exec::{Exec, Origin};
use crate::fault::{Answer, Fault};
use crate::number;
use crate::types::{Entries, ID_MAX, ID_ZERO, NodeLimits, Stream, TrimMode, TrimTo, next_id};

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const GROW_FAST: Flags = WRITE_FAST.and(Flags::DENYOOM);
const STREAM: Categories = Categories::STREAM;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("xadd", -5, GROW_FAST, STREAM,
        docs("stream", "5.0.0", "O(1), and O(N) in the number of entries trimmed", "Adds an entry to a stream."), Keys::One(1), xadd),
    Command::new("xdel", -3, WRITE_FAST, STREAM,
        docs("stream", "5.0.0", "O(1) for each entry", "Removes entries."), Keys::One(1), xdel),
    Command::new("xlen", 2, READ.and(Flags::FAST), STREAM,
        docs("stream", "5.0.0", "O(1)", "Counts the entries of a stream."), Keys::One(1), xlen),
    Command::new("xrange", -4, READ, STREAM,
        docs("stream", "5.0.0", "O(N) in the number returned", "Returns the entries of an interval of ids."), Keys::One(1),
        |exec, args| xrange(exec, args, &args[2], &args[3], Order::Ascending)),
    Command::new("xrevrange", -4, READ, STREAM,
        docs("stream", "5.0.0", "O(N) in the number returned", "Returns the entries of an interval of ids, the last first."), Keys::One(1),
        |exec, args| xrange(exec, args, &args[3], &args[2], Order::Descending)),
    Command::new("xsetid", -3, GROW_FAST, STREAM,
        docs("stream", "5.0.0", "O(1)", "Sets what a stream knows about itself; for replication."), Keys::One(1), xsetid),
    Command::new("xtrim", -4, WRITE, STREAM,
        docs("stream", "5.0.0", "O(N) in the number of entries removed", "Removes the first entries of a stream."), Keys::One(1), xtrim),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// What stands between the key of XADD or XTRIM and the rest.
#[derive(Default)]
struct Options {
    no_mkstream: bool,
    trim: Option<Trim>,
    /// Where the options end: at the id of XADD.
    end: usize,
}

#[derive(Clone, Copy)]
struct Trim {
    to: TrimTo,
    mode: TrimMode,
    /// Where the limit stands, which is another one for replicas.
    at: usize,
}

impl Options {
    /// The options up to the first word that is none (`streamParseAddOrTrimArgsOrReply`).
    fn parse(exec: &Exec, args: &[Bytes], is_add: bool) -> Result<Self, Fault> {
        const INCOMPATIBLE: &str =
            "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
        let mut options = Self { end: args.len(), ..Self::default() };
        let mut limit = None;
        let mut approximate = false;
        let mut at = 2;
        while let Some(word) = args.get(at) {
            let has_more = at + 1 < args.len();
            let by_len = is(word, "maxlen");
            if has_more && (by_len || is(word, "minid")) {
                if options.trim.is_some() {
                    return Err(Fault::new(INCOMPATIBLE));
                }
                at += 1;
                approximate = false;
                if at + 1 < args.len() && matches!(&args[at][..], b"~" | b"=") {
                    approximate = args[at] == "~";
                    at += 1;
                }
                let to = if by_len {
                    TrimTo::Len(max_len(&args[at])?)
                } else {
                    TrimTo::Id(stream_args::id(&args[at])?)
                };
                options.trim = Some(Trim { to, mode: TrimMode::Exact, at });
            } else if has_more && is(word, "limit") {
                at += 1;
                let value = args::int(&args[at])?;
                limit = Some(
                    u64::try_from(value).map_err(|_| Fault::new("ERR The LIMIT argument must be >= 0."))?,
                );
            } else if is_add && is(word, "nomkstream") {
                options.no_mkstream = true;
            } else if is_add {
                options.end = at;
                break;
            } else {
                return Err(Fault::SYNTAX);
            }
            at += 1;
        }
        if is_add && let Some(word) = args.get(options.end) {
            NewId::parse(word)?;
        }
        let Some(trim) = &mut options.trim else {
            return if limit.is_some_and(|limit| limit > 0) {
                Err(Fault::new(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                ))
            } else if is_add {
                Ok(options)
            } else {
                Err(Fault::new("ERR syntax error, XTRIM must be called with a trimming strategy"))
            };
        };
        if exec.context.origin == Origin::Master {
            // The master's limit is what it trimmed to.
            limit = Some(0);
        } else if limit.is_some() && !approximate {
            return Err(Fault::new("ERR syntax error, LIMIT cannot be used without the special ~ option"));
        }
        if approximate {
            let nodes = exec.keyspace.settings.stream_node_max_entries.saturating_mul(100);
            let default = if nodes == 0 { 10_000 } else { nodes.min(1_000_000) };
            trim.mode = TrimMode::Nodes(limit.unwrap_or(default));
        }
        Ok(options)
    }

    /// The words with which replicas trim to the same.
    fn rewrite(&self, words: &mut [Bytes], entries: &Entries) {
        if let Some(Trim { to, mode: TrimMode::Nodes(_), at }) = self.trim {
            words[at - 1] = Bytes::from_static(b"=");
            words[at] = match to {
                TrimTo::Len(_) => number::text(entries.len()),
                TrimTo::Id(_) => id_text(entries.first_stored_id()),
            };
        }
    }
}

fn max_len(word: &[u8]) -> Result<u64, Fault> {
    let value = args::int(word)?;
    u64::try_from(value).map_err(|_| Fault::new("ERR The MAXLEN argument must be >= 0."))
}

/// The id that XADD asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NewId {
    /// `*`: the time.
    Now,
    /// `ms-*`: the next of this millisecond.
    NextOf(u64),
    /// This one.
    Exactly(StreamId),
}

impl NewId {
    fn parse(word: &[u8]) -> Result<Self, Fault> {
        if word == b"*" {
            return Ok(Self::Now);
        }
        match word.strip_suffix(b"-*") {
            Some(ms) if !ms.contains(&b'-') => Ok(Self::NextOf(stream_args::id(ms)?.ms)),
            _ => stream_args::id(word).map(Self::Exactly),
        }
    }

    /// The id in a stream whose last one is `last`; none if there is none above it.
    fn after(self, last: StreamId, now_ms: u64) -> Option<StreamId> {
        let id = match self {
            Self::Now if now_ms > last.ms => StreamId { ms: now_ms, seq: 0 },
            Self::Now => next_id(last)?,
            Self::NextOf(ms) if ms == last.ms => StreamId { ms, seq: last.seq.checked_add(1)? },
            Self::NextOf(ms) => StreamId { ms, seq: 0 },
            Self::Exactly(id) => id,
        };
        (id > last).then_some(id)
    }
}

/// `XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]`.
fn xadd(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let options = Options::parse(exec, args, true)?;
    let fields = args.get(options.end + 1..).unwrap_or_default();
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(Fault::wrong_arity("xadd"));
    }
    let wanted = NewId::parse(&args[options.end])?;
    if wanted == NewId::Exactly(ID_ZERO) {
        return Err(Fault::new("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let exists = exec.get::<Stream>(&args[1])?.is_some();
    if !exists && options.no_mkstream {
        return Ok(Reply::Null);
    }
    let limits = limits(exec);
    let now_ms = exec.now_ms();
    let stream = exec.get_or_create::<Stream>(&args[1])?;
    let last_id = stream.meta().last_id;
    if last_id == ID_MAX {
        return Err(Fault::new(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = wanted.after(last_id, now_ms).ok_or(Fault::new(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ))?;
    if stream.entries.append(id, fields, limits).is_err() {
        // Differs from Redis, which leaves the empty stream that it made.
        if !exists {
            exec.db_mut().remove(&args[1]);
        }
        return Err(Fault::new("ERR Elements are too large to be stored"));
    }
    if let Some(trim) = options.trim {
        stream.entries.trim(trim.to, trim.mode);
    }
    let mut words = args.to_vec();
    options.rewrite(&mut words, &stream.entries);
    if !matches!(wanted, NewId::Exactly(_)) {
        words[options.end] = id_text(id);
    }
    exec.propagate(words);
    exec.changed(&args[1]);
    Ok(Reply::Bulk(id_text(id)))
}

pub(super) fn limits(exec: &Exec) -> NodeLimits {
    let settings = &exec.keyspace.settings;
    NodeLimits { bytes: settings.stream_node_max_bytes, entries: settings.stream_node_max_entries }
}

/// `XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]`.
fn xtrim(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let options = Options::parse(exec, args, false)?;
    let Some(stream) = exec.get_mut::<Stream>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let removed = options.trim.map_or(0, |trim| stream.entries.trim(trim.to, trim.mode));
    if removed > 0 {
        let mut words = args.to_vec();
        options.rewrite(&mut words, &stream.entries);
        exec.propagate(words);
        exec.changed_by(&args[1], number::index(removed.cast_signed()));
    }
    Ok(Reply::Integer(removed.cast_signed()))
}

/// `XDEL key id [id ...]`.
fn xdel(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(stream) = exec.get_mut::<Stream>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let removed = stream.entries.delete(&stream_args::ids(&args[2..])?);
    if removed > 0 {
        exec.changed_by(&args[1], number::index(removed.cast_signed()));
    }
    Ok(Reply::Integer(removed.cast_signed()))
}

/// `XLEN key`.
fn xlen(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let len = exec.get::<Stream>(&args[1])?.map_or(0, |stream| stream.meta().length);
    Ok(Reply::Integer(len.cast_signed()))
}

/// `XRANGE key start end [COUNT count]` and `XREVRANGE key end start [COUNT count]`.
fn xrange(exec: &mut Exec, args: &[Bytes], start: &[u8], end: &[u8], order: Order) -> Answer {
    let (start, end) = (stream_args::start(start)?, stream_args::end(end)?);
    let mut count = None;
    let mut options = args[4..].iter();
    while let Some(option) = options.next() {
        match options.next() {
            Some(value) if is(option, "count") => count = Some(number::index(args::int(value)?)),
            _ => return Err(Fault::SYNTAX),
        }
    }
    let Some(stream) = exec.get::<Stream>(&args[1])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    if count == Some(0) {
        return Ok(Reply::NullArray);
    }
    let count = count.unwrap_or(usize::MAX);
    let entries = stream.entries.range(start, end);
    Ok(Reply::Array(match order {
        Order::Ascending => entries.take(count).map(|entry| entry_reply(&entry)).collect(),
        Order::Descending => entries.rev().take(count).map(|entry| entry_reply(&entry)).collect(),
    }))
}

/// `XSETID key last-id [ENTRIESADDED count] [MAXDELETEDID id]`.
fn xsetid(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let last_id = stream_args::id(&args[2])?;
    let (mut entries_added, mut max_deleted_id) = (None, ID_ZERO);
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Fault::SYNTAX)?;
        if is(option, "entriesadded") {
            let count = u64::try_from(args::int(value)?);
            entries_added = Some(count.map_err(|_| Fault::new("ERR entries_added must be positive"))?);
        } else if is(option, "maxdeletedid") {
            max_deleted_id = stream_args::id(value)?;
            if last_id < max_deleted_id {
                return Err(Fault::new(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let stream = exec.get_mut::<Stream>(&args[1])?.ok_or(Fault::NO_SUCH_KEY)?;
    let top = stream.entries.last_entry_id();
    let meta = stream.entries.meta_mut();
    if last_id < meta.max_deleted_id {
        return Err(Fault::new(
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    if top.is_some_and(|top| last_id < top) {
        return Err(Fault::new("ERR The ID specified in XSETID is smaller than the target stream top item"));
    }
    if meta.length > 0 && entries_added.is_some_and(|count| count < meta.length) {
        return Err(Fault::new(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    meta.last_id = last_id;
    meta.entries_added = entries_added.unwrap_or(meta.entries_added);
    if max_deleted_id != ID_ZERO {
        meta.max_deleted_id = max_deleted_id;
    }
    // As in Redis this is no change to those who watch the key.
    exec.always_propagate(1);
    Ok(Reply::ok())
}
