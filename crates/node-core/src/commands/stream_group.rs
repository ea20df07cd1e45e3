//! Groups of consumers and what is pending in them (`t_stream.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::StreamId;
use picket_resp::Reply;
use picket_server_core::{Categories, CommandSpec, Flags, help};

use super::args::{self, is};
use super::stream_args::{self, id_reply, no_group, no_group_of_key, stream_of_group};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::{Consumer, Group, ID_ZERO, Pending, Stream};

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE;
const GROW: Flags = WRITE.and(Flags::DENYOOM);
const STREAM: Categories = Categories::STREAM;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("xack", -4, WRITE.and(Flags::FAST), STREAM,
        docs("stream", "5.0.0", "O(1) for each entry", "Acknowledges entries, which are no longer pending."), Keys::One(1), xack),
    XGROUP,
    Command::new("xpending", -3, READ, STREAM,
        docs("stream", "5.0.0", "O(N) in the number returned", "Tells what is pending in a group."), Keys::One(1), xpending),
];

const XGROUP: Command = Command::container(
    "xgroup",
    docs("stream", "5.0.0", "", "Manages the groups of a stream."),
    Keys::One(2),
    xgroup,
    &[
        subcommand("create", -5, GROW, "5.0.0", "Makes a group."),
        subcommand("createconsumer", 5, GROW, "6.2.0", "Makes a consumer in a group."),
        subcommand("delconsumer", 5, WRITE, "5.0.0", "Removes a consumer and what is pending for it."),
        subcommand("destroy", 4, WRITE, "5.0.0", "Removes a group."),
        subcommand("help", 2, Flags::LOADING.and(Flags::STALE), "5.0.0", "Tells what XGROUP can do."),
        subcommand("setid", -5, WRITE, "5.0.0", "Sets the last id delivered to a group."),
    ],
);

/// A row of a container of streams.
pub(super) const fn subcommand(
    name: &'static str,
    arity: i32,
    flags: Flags,
    since: &'static str,
    summary: &'static str,
) -> CommandSpec {
    let access = if flags.has(WRITE) {
        Categories::WRITE
    } else if flags.has(READ) {
        Categories::READ
    } else {
        Categories::NONE
    };
    let categories = STREAM.and(access).and(Categories::SLOW);
    CommandSpec::new(name, arity, flags, categories, docs("stream", since, "O(1)", summary))
}

const XGROUP_HELP: &[&str] = &[
    "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
    "    Make a group that gets what comes after the id; with MKSTREAM also the stream.",
    "CREATECONSUMER <key> <group> <consumer>",
    "    Make a consumer.",
    "DELCONSUMER <key> <group> <consumer>",
    "    Remove a consumer and forget what is pending for it.",
    "DESTROY <key> <group>",
    "    Remove a group.",
    "SETID <key> <group> <id|$> [ENTRIESREAD <count>]",
    "    Set the last id that the group got.",
];

/// `XGROUP subcommand …`.
fn xgroup(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let name = &args[1];
    if is(name, "help") {
        return Ok(help("xgroup", XGROUP_HELP));
    }
    let is_create = is(name, "create");
    let options = GroupOptions::parse(args, is_create, is(name, "setid"))?;
    let (key, group) = (&args[2], &args[3]);
    let stream = exec.get_mut::<Stream>(key)?;
    if is_create {
        let last_id = match &stream {
            _ if args[4] != "$" => stream_args::id(&args[4]),
            Some(stream) => Ok(stream.meta().last_id),
            None => Ok(ID_ZERO),
        };
        if stream.is_none() && !options.mkstream {
            return Err(Fault::XGROUP_NO_KEY);
        }
        return create(exec, key, group, Group::new(last_id?, options.entries_read));
    }
    let stream = stream.ok_or(Fault::XGROUP_NO_KEY)?;
    if is(name, "destroy") {
        let destroyed = stream.groups.destroy(group);
        if destroyed {
            // Those who wait for something in the group are told that it is gone.
            exec.wake(key);
            exec.always_propagate(1);
        }
        return Ok(Reply::Integer(destroyed.into()));
    }
    if stream.groups.get(group).is_none() {
        return Err(no_group_of_key(group, key));
    }
    if is(name, "setid") {
        let last_id = match &args[4][..] {
            b"$" => stream.meta().last_id,
            word => stream_args::id_or_end(word, 0)?,
        };
        stream.groups.update(group, |group| {
            group.last_id = last_id;
            group.entries_read = options.entries_read;
        });
        exec.always_propagate(1);
        return Ok(Reply::ok());
    }
    if is(name, "createconsumer") {
        let now = stream_args::now(exec);
        let stream = stream_of_group(exec, key, group)?;
        let made = stream.groups.update(group, |group| group.consumer_or_create(&args[4], now).1);
        if made == Some(true) {
            exec.always_propagate(1);
        }
        return Ok(Reply::Integer(i64::from(made == Some(true))));
    }
    let deleted = stream.groups.update(group, |group| group.delete_consumer(&args[4])).flatten();
    if deleted.is_some() {
        exec.always_propagate(1);
    }
    Ok(Reply::Integer(int(deleted.map_or(0, |consumer| consumer.pending.len()))))
}

fn create(exec: &mut Exec, key: &Bytes, name: &[u8], group: Group) -> Answer {
    let is_new = !exec.touch(key);
    if !exec.get_or_create::<Stream>(key)?.groups.create(name, group) {
        return Err(Fault::new("BUSYGROUP Consumer Group name already exists"));
    }
    if is_new {
        exec.changed_by(key, 0);
    }
    exec.always_propagate(1);
    Ok(Reply::ok())
}

#[derive(Default)]
struct GroupOptions {
    mkstream: bool,
    entries_read: Option<u64>,
}

impl GroupOptions {
    fn parse(args: &[Bytes], is_create: bool, is_set_id: bool) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut words = args.get(5..).unwrap_or_default().iter();
        // More words than all options have.
        let too_many = args.len() > if is_create { 8 } else { 7 };
        while let Some(word) = words.next() {
            if is_create && is(word, "mkstream") {
                options.mkstream = true;
            } else if (is_create || is_set_id)
                && is(word, "entriesread")
                && let Some(count) = words.next()
            {
                options.entries_read = match args::int(count)? {
                    -1 => None,
                    count => Some(
                        u64::try_from(count)
                            .map_err(|_| Fault::new("ERR value for ENTRIESREAD must be positive or -1"))?,
                    ),
                };
            } else {
                return Err(Fault::subcommand_syntax("XGROUP", &args[1]));
            }
        }
        if too_many { Err(Fault::subcommand_syntax("XGROUP", &args[1])) } else { Ok(options) }
    }
}

/// `XACK key group id [id ...]`.
fn xack(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let stream = exec.get_mut::<Stream>(&args[1])?;
    let Some(stream) = stream.filter(|stream| stream.groups.get(&args[2]).is_some()) else {
        return Ok(Reply::Integer(0));
    };
    let ids = stream_args::ids(&args[3..])?;
    let acknowledge = |group: &mut Group| ids.iter().filter(|id| group.forget(**id).is_some()).count();
    let count = stream.groups.update(&args[2], acknowledge).unwrap_or(0);
    if count > 0 {
        exec.always_propagate(count);
    }
    Ok(Reply::Integer(int(count)))
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`.
fn xpending(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let filter = match args.len() {
        3 => None,
        6..=9 => Some(Filter::parse(&args[3..])?),
        _ => return Err(Fault::SYNTAX),
    };
    let now = stream_args::now(exec);
    let (key, name) = (&args[1], &args[2]);
    let stream = exec.get::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.groups.get(name)).ok_or_else(|| no_group(key, name))?;
    Ok(match filter {
        None => summary(group),
        Some(filter) => filter.reply(group, now),
    })
}

/// How much is pending, from where to where, and for whom.
fn summary(group: &Group) -> Reply {
    let pending = group.pending();
    let end = |id: Option<(&StreamId, &Pending)>| id.map_or(Reply::Null, |(id, _)| id_reply(*id));
    let owners = |consumer: &Consumer| {
        let count = Reply::Bulk(number::text(consumer.pending.len()));
        (!consumer.pending.is_empty()).then(|| Reply::Array([consumer.name.clone().into(), count].into()))
    };
    let owners = if pending.is_empty() {
        Reply::NullArray
    } else {
        Reply::Array(group.consumers().filter_map(owners).collect())
    };
    let count = Reply::Integer(int(pending.len()));
    Reply::Array([count, end(pending.first_key_value()), end(pending.last_key_value()), owners].into())
}

/// Which pending entries XPENDING tells of.
struct Filter<'a> {
    min_idle: i64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a Bytes>,
}

impl<'a> Filter<'a> {
    fn parse(words: &'a [Bytes]) -> Result<Self, Fault> {
        let (min_idle, words) = match words {
            [word, idle, rest @ ..] if is(word, "idle") => {
                let idle = args::int(idle)?;
                if rest.len() < 3 {
                    return Err(Fault::SYNTAX);
                }
                (idle, rest)
            }
            words => (0, words),
        };
        let count = number::index(args::int(&words[2])?);
        let (start, end) = (stream_args::start(&words[0])?, stream_args::end(&words[1])?);
        Ok(Self { min_idle, start, end, count, consumer: words.get(3) })
    }

    fn reply(&self, group: &Group, now: i64) -> Reply {
        let owner = match self.consumer.map(|name| group.consumer_id(name)) {
            Some(None) => return Reply::Array(Vec::new()),
            Some(owner) => owner,
            None => None,
        };
        if self.start > self.end {
            return Reply::Array(Vec::new());
        }
        let range = self.start..=self.end;
        let ids: alloc::boxed::Box<dyn Iterator<Item = &StreamId>> = match owner {
            Some(owner) => alloc::boxed::Box::new(group.consumer(owner).pending.range(range)),
            None => alloc::boxed::Box::new(group.pending().range(range).map(|(id, _)| id)),
        };
        let entry = |id: &StreamId| {
            let pending = group.pending()[id];
            let idle = now.saturating_sub(pending.delivered_at);
            (self.min_idle == 0 || idle >= self.min_idle).then(|| {
                Reply::Array(
                    [
                        id_reply(*id),
                        group.consumer(pending.consumer).name.clone().into(),
                        Reply::Integer(idle.max(0)),
                        Reply::Integer(pending.deliveries.cast_signed()),
                    ]
                    .into(),
                )
            })
        };
        Reply::Array(ids.filter_map(entry).take(self.count).collect())
    }
}
