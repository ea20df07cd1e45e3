//! XINFO (`t_stream.c: xinfoCommand`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Flags, help};

use super::args::{self, is};
use super::stream_args::{self, entry_reply, id_reply, no_group_of_key};
use super::stream_group::subcommand;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::{Consumer, Entries, Group, Stream};

const READ: Flags = Flags::READONLY;

pub(super) const TABLE: &[Command] = &[XINFO];

const XINFO: Command = Command::container(
    "xinfo",
    docs("stream", "5.0.0", "", "Tells about streams."),
    Keys::One(2),
    xinfo,
    &[
        subcommand("consumers", 4, READ, "5.0.0", "Tells about the consumers of a group."),
        subcommand("groups", 3, READ, "5.0.0", "Tells about the groups of a stream."),
        subcommand("help", 2, Flags::LOADING.and(Flags::STALE), "5.0.0", "Tells what XINFO can do."),
        subcommand("stream", -3, READ, "5.0.0", "Tells about a stream."),
    ],
);

const XINFO_HELP: &[&str] = &[
    "CONSUMERS <key> <group>",
    "    Tell about the consumers of a group.",
    "GROUPS <key>",
    "    Tell about the groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]]",
    "    Tell about a stream; with FULL also its first entries and what is pending.",
];

/// How many entries `XINFO STREAM key FULL` tells of.
const FULL_COUNT: i64 = 10;

/// `XINFO subcommand …`.
fn xinfo(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let name = &args[1];
    if is(name, "help") {
        return Ok(help("xinfo", XINFO_HELP));
    }
    let now = stream_args::now(exec);
    let stream = exec.get::<Stream>(&args[2])?.ok_or(Fault::NO_SUCH_KEY)?;
    if is(name, "consumers") {
        let group = stream.groups.get(&args[3]).ok_or_else(|| no_group_of_key(&args[3], &args[2]))?;
        return Ok(Reply::Array(group.consumers().map(|consumer| consumer_reply(consumer, now)).collect()));
    }
    if is(name, "groups") {
        let groups = stream.groups.iter();
        return Ok(Reply::Array(
            groups.map(|(name, group)| group_reply(&stream.entries, name, group)).collect(),
        ));
    }
    match &args[3..] {
        [] => Ok(stream_reply(stream)),
        [full, rest @ ..] if is(full, "full") => match rest {
            [] => Ok(full_reply(stream, number::index(FULL_COUNT))),
            [word, count] if is(word, "count") => {
                let count = match args::int(count)? {
                    0 => usize::MAX,
                    count if count < 0 => number::index(FULL_COUNT),
                    count => number::index(count),
                };
                Ok(full_reply(stream, count))
            }
            _ => Err(Fault::subcommand_syntax("XINFO", name)),
        },
        _ => Err(Fault::subcommand_syntax("XINFO", name)),
    }
}

fn map(pairs: impl IntoIterator<Item = (&'static str, Reply)>) -> Reply {
    Reply::Map(pairs.into_iter().map(|(name, value)| (Reply::bulk(name), value)).collect())
}

fn consumer_reply(consumer: &Consumer, now: i64) -> Reply {
    let since = |at: i64| now.saturating_sub(at);
    map([
        ("name", consumer.name.clone().into()),
        ("pending", Reply::Integer(int(consumer.pending.len()))),
        ("idle", Reply::Integer(since(consumer.seen_at).max(0))),
        ("inactive", Reply::Integer(consumer.active_at.map_or(-1, since))),
    ])
}

fn group_reply(entries: &Entries, name: &Bytes, group: &Group) -> Reply {
    map([
        ("name", name.clone().into()),
        ("consumers", Reply::Integer(int(group.consumers().len()))),
        ("pending", Reply::Integer(int(group.pending().len()))),
        ("last-delivered-id", id_reply(group.last_id)),
        ("entries-read", entries_read(group)),
        ("lag", lag(entries, group)),
    ])
}

fn entries_read(group: &Group) -> Reply {
    group.entries_read.map_or(Reply::Null, |count| Reply::Integer(count.cast_signed()))
}

/// How many entries a group has not got yet, where that can be told (`streamReplyWithCGLag`).
fn lag(entries: &Entries, group: &Group) -> Reply {
    let meta = entries.meta();
    let read = if meta.entries_added == 0 || meta.length == 0 {
        Some(meta.entries_added)
    } else if group.last_id < meta.first_id && meta.max_deleted_id < meta.first_id {
        Some(meta.entries_added.wrapping_sub(meta.length))
    } else if !entries.has_deleted_from(group.last_id) && group.entries_read.is_some() {
        group.entries_read
    } else {
        meta.count_up_to(group.last_id)
    };
    read.map_or(Reply::Null, |read| Reply::Integer(meta.entries_added.wrapping_sub(read).cast_signed()))
}

fn common(stream: &Stream) -> Vec<(&'static str, Reply)> {
    let meta = stream.meta();
    let nodes = int(stream.nodes_len());
    [
        ("length", Reply::Integer(meta.length.cast_signed())),
        ("radix-tree-keys", Reply::Integer(nodes)),
        // There is no radix tree here: as many as one would have whose keys share nothing.
        ("radix-tree-nodes", Reply::Integer(nodes + 1)),
        ("last-generated-id", id_reply(meta.last_id)),
        ("max-deleted-entry-id", id_reply(meta.max_deleted_id)),
        ("entries-added", Reply::Integer(meta.entries_added.cast_signed())),
        ("recorded-first-entry-id", id_reply(meta.first_id)),
    ]
    .into()
}

fn stream_reply(stream: &Stream) -> Reply {
    let first = stream.iter().next().map_or(Reply::Null, |entry| entry_reply(&entry));
    let last = stream.iter().next_back().map_or(Reply::Null, |entry| entry_reply(&entry));
    let mut pairs = common(stream);
    pairs.push(("groups", Reply::Integer(int(stream.groups.len()))));
    pairs.push(("first-entry", first));
    pairs.push(("last-entry", last));
    map(pairs)
}

fn full_reply(stream: &Stream, count: usize) -> Reply {
    let entries = stream.iter().take(count);
    let groups = stream.groups.iter().map(|(name, group)| full_group_reply(stream, name, group, count));
    let mut pairs = common(stream);
    pairs.push(("entries", Reply::Array(entries.map(|entry| entry_reply(&entry)).collect())));
    pairs.push(("groups", Reply::Array(groups.collect())));
    map(pairs)
}

fn full_group_reply(stream: &Stream, name: &Bytes, group: &Group, count: usize) -> Reply {
    let pending = group.pending().iter().take(count).map(|(id, pending)| {
        let owner = group.consumer(pending.consumer).name.clone().into();
        let deliveries = Reply::Integer(pending.deliveries.cast_signed());
        Reply::Array([id_reply(*id), owner, Reply::Integer(pending.delivered_at), deliveries].into())
    });
    let consumers = group.consumers().map(|consumer| full_consumer_reply(group, consumer, count));
    map([
        ("name", name.clone().into()),
        ("last-delivered-id", id_reply(group.last_id)),
        ("entries-read", entries_read(group)),
        ("lag", lag(&stream.entries, group)),
        ("pel-count", Reply::Integer(int(group.pending().len()))),
        ("pending", Reply::Array(pending.collect())),
        ("consumers", Reply::Array(consumers.collect())),
    ])
}

fn full_consumer_reply(group: &Group, consumer: &Consumer, count: usize) -> Reply {
    let pending = consumer.pending.iter().take(count).map(|id| {
        let pending = group.pending()[id];
        let deliveries = Reply::Integer(pending.deliveries.cast_signed());
        Reply::Array([id_reply(*id), Reply::Integer(pending.delivered_at), deliveries].into())
    });
    map([
        ("name", consumer.name.clone().into()),
        ("seen-time", Reply::Integer(consumer.seen_at)),
        ("active-time", Reply::Integer(consumer.active_at.unwrap_or(-1))),
        ("pel-count", Reply::Integer(int(consumer.pending.len()))),
        ("pending", Reply::Array(pending.collect())),
    ])
}
