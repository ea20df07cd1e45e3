//! Commands on keys of any type, and on whole databases.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, CommandSpec, Flags, help};

use super::args::{self, is};
use crate::access;
use crate::command::{Command, Keys, docs};
use crate::exec::{Exec, Origin};
use crate::fault::{Answer, Fault};
use crate::number::int;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const KEYSPACE: Categories = Categories::KEYSPACE;
const DANGEROUS: Categories = KEYSPACE.and(Categories::DANGEROUS);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("copy", -3, WRITE.and(Flags::DENYOOM), KEYSPACE,
        docs("generic", "6.2.0", "O(N) in the size of the value", "Copies a key."), Keys::Two(1), copy),
    Command::new("dbsize", 1, READ_FAST, KEYSPACE,
        docs("server", "1.0.0", "O(1)", "Counts the keys of the database."), Keys::None, dbsize),
    Command::new("del", -2, WRITE, KEYSPACE,
        docs("generic", "1.0.0", "O(N) in the number of keys", "Removes keys."), Keys::AllFrom(1), del),
    Command::new("exists", -2, READ_FAST, KEYSPACE,
        docs("generic", "1.0.0", "O(N) in the number of keys", "Counts which of the keys exist."), Keys::AllFrom(1), exists),
    Command::new("flushall", -1, WRITE, DANGEROUS,
        docs("server", "1.0.0", "O(N) in the number of keys", "Removes all keys of all databases."), Keys::None, flushall),
    Command::new("flushdb", -1, WRITE, DANGEROUS,
        docs("server", "1.0.0", "O(N) in the number of keys", "Removes all keys of the database."), Keys::None, flushdb),
    Command::new("lolwut", -1, READ_FAST, Categories::NONE,
        docs("server", "5.0.0", "", "Tells the version; it paints nothing."), Keys::None, lolwut),
    Command::new("move", 3, WRITE_FAST, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Moves a key to another database."), Keys::One(1), move_key),
    OBJECT,
    Command::new("randomkey", 1, READ, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Names any one key."), Keys::Arbitrary, randomkey),
    Command::new("rename", 3, WRITE, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Renames a key, in place of what has that name."), Keys::Two(1), rename),
    Command::new("renamenx", 3, WRITE_FAST, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Renames a key if nothing has that name."), Keys::Two(1), renamenx),
    Command::new("select", 2, Flags::LOADING.and(Flags::STALE).and(Flags::FAST), Categories::CONNECTION,
        docs("connection", "1.0.0", "O(1)", "Chooses the database of this connection."), Keys::None, select),
    Command::new("swapdb", 3, WRITE_FAST, DANGEROUS,
        docs("server", "4.0.0", "O(N) in the number of watched keys", "Exchanges two databases."), Keys::None, swapdb),
    Command::new("touch", -2, READ_FAST, KEYSPACE,
        docs("generic", "3.2.1", "O(N) in the number of keys", "Marks keys as just used."), Keys::AllFrom(1), exists),
    Command::new("type", 2, READ_FAST, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Tells the type of a key."), Keys::One(1), type_of),
    Command::new("unlink", -2, WRITE_FAST, KEYSPACE,
        docs("generic", "4.0.0", "O(N) in the number of keys", "Removes keys, freeing memory later."), Keys::AllFrom(1), del),
];

const OBJECT: Command = Command::container(
    "object",
    docs("generic", "2.2.3", "", "Looks inside values."),
    Keys::One(2),
    object,
    &[
        object_subcommand("encoding", 3, "2.2.3", "Tells how a value is kept."),
        object_subcommand("freq", 3, "4.0.0", "Tells how often a key is used, under an LFU policy."),
        object_subcommand("help", 2, "6.2.0", "Tells what OBJECT can do."),
        object_subcommand("idletime", 3, "2.2.3", "Tells how many seconds ago a key was used."),
        object_subcommand("refcount", 3, "2.2.3", "Tells how many refer to a value."),
    ],
);

const fn object_subcommand(
    name: &'static str,
    arity: i32,
    since: &'static str,
    summary: &'static str,
) -> CommandSpec {
    let (flags, categories) = if arity == 3 {
        (READ, KEYSPACE.and(Categories::READ).and(Categories::SLOW))
    } else {
        (Flags::LOADING.and(Flags::STALE), KEYSPACE.and(Categories::SLOW))
    };
    CommandSpec::new(name, arity, flags, categories, docs("generic", since, "O(1)", summary))
}

/// `DEL key [key ...]` and `UNLINK`.
fn del(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let mut removed = 0;
    for key in &args[1..] {
        removed += i64::from(exec.touch(key) && exec.remove(key));
    }
    Ok(Reply::Integer(removed))
}

/// `EXISTS key [key ...]` and `TOUCH`: a key that is named twice counts twice.
fn exists(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let found = args[1..].iter().filter(|key| exec.touch(key)).count();
    Ok(Reply::Integer(int(found)))
}

/// `TYPE key`.
fn type_of(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::simple(exec.entry(&args[1]).map_or("none", |entry| entry.value.type_name())))
}

/// `RENAME key newkey`.
fn rename(exec: &mut Exec, args: &[Bytes]) -> Answer {
    rename_as(exec, &args[1], &args[2], IfTaken::Replace).map(|_| Reply::ok())
}

/// `RENAMENX key newkey`.
fn renamenx(exec: &mut Exec, args: &[Bytes]) -> Answer {
    rename_as(exec, &args[1], &args[2], IfTaken::Refuse).map(|renamed| Reply::Integer(i64::from(renamed)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IfTaken {
    Replace,
    Refuse,
}

fn rename_as(exec: &mut Exec, from: &Bytes, to: &Bytes, if_taken: IfTaken) -> Result<bool, Fault> {
    if !exec.touch(from) {
        return Err(Fault::NO_SUCH_KEY);
    }
    if from == to {
        return Ok(false);
    }
    if exec.touch(to) && if_taken == IfTaken::Refuse {
        return Ok(false);
    }
    if let Some(entry) = exec.db_mut().remove(from) {
        exec.db_mut().insert(to, entry);
        exec.changed_by(from, 0);
        exec.changed(to);
    }
    Ok(true)
}

/// `COPY source destination [DB db] [REPLACE]`.
fn copy(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (from, to) = (&args[1], &args[2]);
    let mut db = exec.session.db;
    let mut if_taken = IfTaken::Refuse;
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        if is(option, "replace") {
            if_taken = IfTaken::Replace;
        } else if is(option, "db")
            && let Some(number) = options.next()
        {
            db = args::db(exec, number)?;
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    if db == exec.session.db && from == to {
        return Err(Fault::SAME_OBJECT);
    }
    let Some(entry) = exec.entry(from).cloned() else {
        return Ok(Reply::Integer(0));
    };
    if exec.touch_in(db, to) && if_taken == IfTaken::Refuse {
        return Ok(Reply::Integer(0));
    }
    let expire_at = entry.expire_at();
    exec.set_in(db, to, entry.value, expire_at);
    Ok(Reply::Integer(1))
}

/// `MOVE key db`.
fn move_key(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (from, to) = (exec.session.db, args::db(exec, &args[2])?);
    let key = &args[1];
    if from == to {
        return Err(Fault::SAME_OBJECT);
    }
    if !exec.touch(key) || exec.touch_in(to, key) {
        return Ok(Reply::Integer(0));
    }
    let Some(entry) = exec.db_mut().remove(key) else {
        return Ok(Reply::Integer(0));
    };
    // A key that the master moves may lie hidden under an expired one.
    exec.keyspace.db_mut(to).insert(key, entry);
    exec.changed(key);
    exec.changed_in(to, key, 0);
    Ok(Reply::Integer(1))
}

/// `SELECT index`.
fn select(exec: &mut Exec, args: &[Bytes]) -> Answer {
    exec.session.db = args::db(exec, &args[1])?;
    Ok(Reply::ok())
}

/// `SWAPDB index1 index2`.
fn swapdb(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let number = |word: &Bytes, fault: &'static str| args::int32(word).map_err(|_| Fault::new(fault));
    let first = number(&args[1], "ERR invalid first DB index")?;
    let second = number(&args[2], "ERR invalid second DB index")?;
    let (first, second) = (args::existing_db(exec, first)?, args::existing_db(exec, second)?);
    let now_ms = exec.now_ms();
    exec.keyspace.signal_all(first, Some(second), now_ms);
    exec.keyspace.signal_all(second, Some(first), now_ms);
    exec.keyspace.dbs.swap(first as usize, second as usize);
    exec.always_propagate(1);
    Ok(Reply::ok())
}

/// `FLUSHDB [ASYNC|SYNC]`.
fn flushdb(exec: &mut Exec, args: &[Bytes]) -> Answer {
    check_flush_mode(args)?;
    let db = exec.session.db;
    flush(exec, db);
    Ok(Reply::ok())
}

/// `FLUSHALL [ASYNC|SYNC]`.
fn flushall(exec: &mut Exec, args: &[Bytes]) -> Answer {
    check_flush_mode(args)?;
    exec.keyspace.cancel_snapshot();
    for db in 0..exec.keyspace.databases() {
        flush(exec, db);
    }
    Ok(Reply::ok())
}

fn check_flush_mode(args: &[Bytes]) -> Result<(), Fault> {
    match &args[1..] {
        [] => Ok(()),
        [mode] if is(mode, "sync") || is(mode, "async") => Ok(()),
        _ => Err(Fault::SYNTAX),
    }
}

fn flush(exec: &mut Exec, db: u32) {
    let now_ms = exec.now_ms();
    exec.keyspace.signal_all(db, None, now_ms);
    let removed = exec.keyspace.db(db).len();
    exec.keyspace.db_mut(db).clear();
    exec.always_propagate(removed);
}

/// `LOLWUT [VERSION version [argument ...]]`.
fn lolwut(_: &mut Exec, args: &[Bytes]) -> Answer {
    if let [_, option, version, ..] = args
        && is(option, "version")
    {
        args::int32(version)?;
    }
    Ok(Reply::text(concat!("Picket ver. ", env!("CARGO_PKG_VERSION"), "\n")))
}

/// `DBSIZE`.
fn dbsize(exec: &mut Exec, _: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.db().len())))
}

/// `RANDOMKEY`.
fn randomkey(exec: &mut Exec, _: &[Bytes]) -> Answer {
    // A replica may hold nothing but expired keys, which it does not remove.
    const TRIES: u32 = 100;
    let mut tries = 0;
    loop {
        let len = exec.db().len() as u64;
        let position = exec.keyspace.prng.below(len);
        let Some((key, _)) = exec.db().at(usize::try_from(position).unwrap_or(0)) else {
            return Ok(Reply::Null);
        };
        let key = Bytes::copy_from_slice(key);
        tries += 1;
        if exec.touch(&key) || exec.context.origin == Origin::ReplicaClient && tries >= TRIES {
            return Ok(Reply::Bulk(key));
        }
    }
}

/// `OBJECT subcommand key`.
fn object(exec: &mut Exec, args: &[Bytes]) -> Answer {
    if is(&args[1], "help") {
        return Ok(help("object", OBJECT_HELP));
    }
    let now_ms = exec.now_ms();
    let settings = exec.keyspace.settings.clone();
    let is_lfu = settings.maxmemory_policy.is_lfu();
    // Looking at an object is no use of it.
    let Some(entry) = exec.peek(&args[2]) else {
        return Ok(Reply::Null);
    };
    if is(&args[1], "encoding") {
        Ok(Reply::bulk(entry.value.encoding()))
    } else if is(&args[1], "refcount") {
        Ok(Reply::Integer(1))
    } else if is(&args[1], "idletime") && !is_lfu {
        let idle = access::idle_seconds(entry.access, now_ms);
        Ok(Reply::Integer(i64::try_from(idle).unwrap_or(i64::MAX)))
    } else if is(&args[1], "idletime") {
        Err(Fault::new(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
             between policies at runtime LRU and LFU data will take some time to adjust.",
        ))
    } else if is_lfu {
        Ok(Reply::int(access::frequency(&settings, entry.access, now_ms)))
    } else {
        Err(Fault::new(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ))
    }
}

const OBJECT_HELP: &[&str] = &[
    "ENCODING <key>",
    "    Tell how the value of a key is kept.",
    "FREQ <key>",
    "    Tell how often a key is used, under an LFU policy.",
    "IDLETIME <key>",
    "    Tell how many seconds ago a key was used.",
    "REFCOUNT <key>",
    "    Tell how many refer to the value of a key.",
];

/// The keys of the database that a client may see, for commands that look at many.
pub(super) fn visible(exec: &mut Exec, keys: Vec<Bytes>) -> Vec<Bytes> {
    keys.into_iter().filter(|key| exec.touch(key)).collect()
}
