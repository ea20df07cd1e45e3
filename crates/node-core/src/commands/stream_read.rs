//! XREAD and XREADGROUP, which may wait for entries (`t_stream.c: xreadCommand`).

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::StreamId;
use picket_resp::{Protocol, Reply};
use picket_sansio::Millis;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::stream_args::{self, entry_reply, id_reply, id_text, text};
use super::stream_claim::{told_claim, told_group_id};
use crate::block::BlockKind;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number;
use crate::types::{Entries, Group, ID_MAX, ID_ZERO, Pending, Stream, next_id, previous_id};

const STREAM: Categories = Categories::STREAM.and(Categories::BLOCKING);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("xread", -4, Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS), STREAM,
        docs("stream", "5.0.0", "O(N) in the number returned", "Returns entries after given ids, or waits for some."),
        Keys::Streams(1), |exec, args| read(exec, args, Reader::Anybody)),
    Command::new("xreadgroup", -7, Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS), STREAM,
        docs("stream", "5.0.0", "O(N) in the number returned", "Delivers entries to a consumer of a group, or waits for some."),
        Keys::Streams(4), |exec, args| read(exec, args, Reader::Group)),
];

/// Which of the two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Anybody,
    Group,
}

/// The words of a request.
struct Request<'a> {
    /// The group and the consumer.
    group: Option<(&'a Bytes, &'a Bytes)>,
    no_ack: bool,
    count: usize,
    /// How long to wait; none for not at all, 0 for ever.
    block: Option<u64>,
    keys: &'a [Bytes],
    ids: &'a [Bytes],
}

/// After which id a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// This one; in a group what is pending after it.
    Id(StreamId),
    /// The last one that the group got.
    Delivered,
}

impl<'a> Request<'a> {
    fn parse(exec: &Exec, args: &'a [Bytes], reader: Reader) -> Result<Self, Fault> {
        let (mut group, mut no_ack, mut count, mut block) = (None, false, usize::MAX, None);
        let mut at = 1;
        while let Some(word) = args.get(at) {
            let rest = &args[at + 1..];
            if is(word, "block") && !rest.is_empty() {
                block = Some(timeout(&rest[0], exec.now_ms())?);
                at += 1;
            } else if is(word, "count") && !rest.is_empty() {
                count = Some(number::index(args::int(&rest[0])?))
                    .filter(|count| *count > 0)
                    .unwrap_or(usize::MAX);
                at += 1;
            } else if is(word, "streams") && !rest.is_empty() {
                if rest.len() % 2 == 1 {
                    return Err(unbalanced(reader));
                }
                if reader == Reader::Group && group.is_none() {
                    return Err(Fault::new("ERR Missing GROUP option for XREADGROUP"));
                }
                let (keys, ids) = rest.split_at(rest.len() / 2);
                return Ok(Self { group, no_ack, count, block, keys, ids });
            } else if is(word, "group") && rest.len() >= 2 {
                only_in_group(reader, "GROUP")?;
                group = Some((&rest[0], &rest[1]));
                at += 2;
            } else if is(word, "noack") {
                only_in_group(reader, "NOACK")?;
                no_ack = true;
            } else {
                return Err(Fault::SYNTAX);
            }
            at += 1;
        }
        Err(Fault::SYNTAX)
    }

    /// After which ids to read; every key must be a stream and have the group.
    fn resolve(&self, exec: &mut Exec) -> Result<Vec<After>, Fault> {
        self.keys.iter().zip(self.ids).map(|(key, word)| self.resolve_one(exec, key, word)).collect()
    }

    fn resolve_one(&self, exec: &mut Exec, key: &Bytes, word: &[u8]) -> Result<After, Fault> {
        let stream = exec.get::<Stream>(key)?;
        if let Some((group, _)) = self.group
            && stream.is_none_or(|stream| stream.groups.get(group).is_none())
        {
            let (key, group) = (text(key), text(group));
            return Err(Fault::new(format!(
                "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"
            )));
        }
        let last_id = stream.map(|stream| stream.meta().last_id);
        match (word, self.group) {
            (b"$" | b"+", Some(_)) => Err(Fault::new(format!(
                "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this \
                 consumer by specifying a proper ID, or use the > ID to get new messages. The {id} ID would just \
                 return an empty result set.",
                id = text(word)
            ))),
            (b">", None) => Err(Fault::new(
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> \
                 option.",
            )),
            (b">", Some(_)) => Ok(After::Delivered),
            (b"$", None) => Ok(After::Id(last_id.unwrap_or(ID_ZERO))),
            (b"+", None) => match last_id {
                Some(id) => {
                    previous_id(id).map(After::Id).ok_or(Fault::new("ERR the stream last element ID is 0-0"))
                }
                None => Ok(After::Id(ID_ZERO)),
            },
            // This id means the same as `>`, as it does in Redis.
            (word, group) => stream_args::id(word).map(|id| match group {
                Some(_) if id == ID_MAX => After::Delivered,
                _ => After::Id(id),
            }),
        }
    }
}

fn unbalanced(reader: Reader) -> Fault {
    let (name, ids) = match reader {
        Reader::Anybody => ("xread", "ID, '+', or '$'"),
        Reader::Group => ("xreadgroup", "ID or '>'"),
    };
    Fault::new(format!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an {ids} must be specified."
    ))
}

fn only_in_group(reader: Reader, option: &str) -> Result<(), Fault> {
    if reader == Reader::Group {
        return Ok(());
    }
    Err(Fault::new(format!(
        "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
    )))
}

/// A timeout in milliseconds.
fn timeout(word: &[u8], now_ms: u64) -> Result<u64, Fault> {
    let millis = stream_args::int_or(word, "ERR timeout is not an integer or out of range")?;
    let millis = u64::try_from(millis).map_err(|_| Fault::new("ERR timeout is negative"))?;
    if millis > i64::MAX.cast_unsigned().saturating_sub(now_ms) {
        return Err(Fault::new("ERR timeout is out of range"));
    }
    Ok(millis)
}

/// `XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]` and
/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS …`.
fn read(exec: &mut Exec, args: &[Bytes], reader: Reader) -> Answer {
    let request = Request::parse(exec, args, reader)?;
    let after = request.resolve(exec)?;
    let mut found = Vec::new();
    for (key, after) in request.keys.iter().zip(&after) {
        let entries = match request.group {
            None => entries_after(exec, key, *after, request.count)?,
            Some((group, consumer)) => {
                let now = stream_args::now(exec);
                let Some(stream) = exec.get_mut::<Stream>(key)? else { continue };
                let Stream { entries, groups } = stream;
                let mut delivery = Delivery {
                    entries,
                    key,
                    group,
                    no_ack: request.no_ack,
                    count: request.count,
                    now,
                    changes: 0,
                    effects: Vec::new(),
                };
                let replies = groups.update(group, |group| delivery.read(group, consumer, *after));
                let Delivery { changes, effects, .. } = delivery;
                exec.count_changes(changes);
                effects.into_iter().for_each(|words| exec.propagate(words));
                replies.flatten()
            }
        };
        if let Some(entries) = entries {
            found.push((Reply::Bulk(key.clone()), Reply::Array(entries)));
        }
    }
    if !found.is_empty() {
        return Ok(match exec.context.protocol {
            Protocol::Resp3 => Reply::Map(found),
            Protocol::Resp2 => {
                let pairs = found.into_iter().map(|(key, entries)| Reply::Array([key, entries].into()));
                Reply::Array(pairs.collect())
            }
        });
    }
    let Some(millis) = request.block else {
        return Ok(Reply::NullArray);
    };
    // What `$` means is decided now.
    let mut words = args.to_vec();
    let first = args.len() - request.ids.len();
    for (word, after) in words[first..].iter_mut().zip(&after) {
        if let (b"$", After::Id(id)) = (&word[..], after) {
            *word = id_text(*id);
        }
    }
    let kind = if reader == Reader::Group { BlockKind::Group } else { BlockKind::Stream };
    let timeout = (millis > 0).then_some(Millis(millis));
    exec.block(kind, request.keys, timeout, Reply::NullArray, &words)
}

/// The entries after an id; none if there is none.
fn entries_after(
    exec: &mut Exec,
    key: &[u8],
    after: After,
    count: usize,
) -> Result<Option<Vec<Reply>>, Fault> {
    let (Some(stream), After::Id(after)) = (exec.get::<Stream>(key)?, after) else {
        return Ok(None);
    };
    let Some(start) = next_id(after) else {
        return Ok(None);
    };
    let entries = stream.entries.range(start, ID_MAX).take(count);
    let replies: Vec<Reply> = entries.map(|entry| entry_reply(&entry)).collect();
    Ok((!replies.is_empty()).then_some(replies))
}

/// What a consumer gets of one stream.
struct Delivery<'a> {
    entries: &'a Entries,
    key: &'a Bytes,
    group: &'a Bytes,
    no_ack: bool,
    count: usize,
    now: i64,
    /// A new consumer is one, and all that it gets of the stream is another.
    changes: usize,
    effects: Vec<Vec<Bytes>>,
}

impl Delivery<'_> {
    /// The entries for a consumer; none if there is nothing to wait no longer for.
    fn read(&mut self, group: &mut Group, consumer: &Bytes, after: After) -> Option<Vec<Reply>> {
        let (id, is_new) = group.consumer_or_create(consumer, self.now);
        if is_new && self.no_ack {
            let words = [self.key, self.group, consumer].map(Clone::clone);
            let name = [b"XGROUP".as_slice(), b"CREATECONSUMER"].map(Bytes::from_static);
            self.effects.push(name.into_iter().chain(words).collect());
        }
        self.changes += usize::from(is_new);
        group.consumer_mut(id).seen_at = self.now;
        match after {
            After::Id(after) => Some(self.history(group, consumer, after)),
            After::Delivered => {
                let top = self.entries.last_entry_id()?;
                (top > group.last_id).then(|| self.deliver(group, consumer))
            }
        }
    }

    /// New entries, which become pending.
    fn deliver(&mut self, group: &mut Group, consumer: &Bytes) -> Vec<Reply> {
        let (owner, _) = group.consumer_or_create(consumer, self.now);
        let mut replies = Vec::new();
        let start = next_id(group.last_id).unwrap_or(ID_MAX);
        for entry in self.entries.range(start, ID_MAX).take(self.count) {
            let id = entry.id();
            advance(group, self.entries, id);
            replies.push(entry_reply(&entry));
            if !self.no_ack {
                let pending = Pending { consumer: owner, delivered_at: self.now, deliveries: 1 };
                group.assign(id, pending);
                group.consumer_mut(owner).active_at = Some(self.now);
                self.effects.push(told_claim(self.key, self.group, group, id_text(id), &pending));
            }
        }
        self.effects.push(told_group_id(self.key, self.group, group));
        self.changes += 1;
        replies
    }

    /// What is pending for the consumer; entries that are gone have no fields.
    fn history(&mut self, group: &mut Group, consumer: &Bytes, after: StreamId) -> Vec<Reply> {
        let (owner, _) = group.consumer_or_create(consumer, self.now);
        let Some(start) = next_id(after) else {
            return Vec::new();
        };
        let ids: Vec<StreamId> =
            group.consumer(owner).pending.range(start..).take(self.count).copied().collect();
        let mut replies = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(entry) = self.entries.get(id) else {
                replies.push(Reply::Array([id_reply(id), Reply::NullArray].into()));
                continue;
            };
            replies.push(entry_reply(&entry));
            group.deliver_again(id, self.now);
        }
        replies
    }
}

/// The group has got an entry: its place moves, and so does the number of entries read if that can be told.
fn advance(group: &mut Group, entries: &Entries, id: StreamId) {
    let meta = entries.meta();
    match group.entries_read {
        Some(count) if !entries.has_deleted_from(group.last_id) => {
            group.entries_read = Some(count.wrapping_add(1));
        }
        _ if meta.entries_added > 0 => group.entries_read = meta.count_up_to(id),
        _ => {}
    }
    group.last_id = id;
}
