//! MEMORY: what the data takes (`object.c: memoryCommand`).

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, CommandSpec, Flags, help};

use super::args::{self, is};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number;

pub(super) const TABLE: &[Command] = &[MEMORY];

const MEMORY: Command = Command::container(
    "memory",
    docs("server", "4.0.0", "", "Tells what the data takes."),
    Keys::One(2),
    memory,
    &[
        subcommand("doctor", 2, Flags::NONE, "Tells what is remarkable about memory."),
        subcommand("help", 2, Flags::LOADING.and(Flags::STALE), "Tells what MEMORY can do."),
        subcommand("malloc-stats", 2, Flags::NONE, "Would show the allocator's own figures."),
        subcommand("purge", 2, Flags::NONE, "Asks for memory to be given back."),
        subcommand("stats", 2, Flags::NONE, "Tells what takes how much."),
        subcommand("usage", -3, Flags::READONLY, "Tells what a key takes."),
    ],
);

const fn subcommand(name: &'static str, arity: i32, flags: Flags, summary: &'static str) -> CommandSpec {
    let categories =
        if flags.has(Flags::READONLY) { Categories::READ.and(Categories::SLOW) } else { Categories::SLOW };
    CommandSpec::new(name, arity, flags, categories, docs("server", "4.0.0", "O(1)", summary))
}

fn memory(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let name = args[1].to_ascii_lowercase();
    match &name[..] {
        b"usage" => usage(exec, args),
        b"stats" => Ok(stats(exec)),
        b"doctor" => Ok(Reply::text(diagnosis(exec))),
        // Everything that is free is the allocator's already.
        b"purge" => Ok(Reply::ok()),
        b"malloc-stats" => Ok(Reply::bulk("Stats not supported for the current allocator")),
        _ => Ok(help("memory", HELP)),
    }
}

/// `MEMORY USAGE key [SAMPLES count]`. Every collection keeps its sum, so that nothing is drawn by lot.
fn usage(exec: &mut Exec, args: &[Bytes]) -> Answer {
    for option in args[3..].chunks(2) {
        match option {
            [word, count] if is(word, "samples") && args::int(count)? >= 0 => {}
            _ => return Err(Fault::SYNTAX),
        }
    }
    let found = exec.peek_position(&args[2]);
    let bytes = found.and_then(|position| exec.db().entry_memory(position));
    Ok(bytes.map_or(Reply::Null, |bytes| Reply::Integer(integer(bytes))))
}

fn integer(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// `MEMORY STATS`: of the data alone; what connections and the backlog take is in INFO.
fn stats(exec: &Exec) -> Reply {
    let keyspace = &exec.keyspace;
    let total = keyspace.used_memory();
    let mut fields: Vec<(Reply, Reply)> = Vec::new();
    let mut add = |name: &str, value: Reply| fields.push((Reply::bulk_copy(name), value));
    let bytes = |value: u64| Reply::Integer(integer(value));
    add("total.allocated", bytes(total));
    let memory = keyspace.memory();
    let mut keys = 0;
    for (number, db) in keyspace.dbs().iter().enumerate().filter(|(_, db)| !db.is_empty()) {
        let (main, expires) = db.tables_memory();
        keys += db.len() as u64;
        let tables = [("overhead.hashtable.main", main), ("overhead.hashtable.expires", expires)];
        add(
            &format!("db.{number}"),
            Reply::map(tables.map(|(name, value)| (Reply::bulk(name), bytes(value)))),
        );
    }
    let dataset = memory.dataset;
    add("lua.caches", bytes(memory.scripts));
    add("functions.caches", bytes(memory.functions));
    add("overhead.total", bytes(memory.overhead()));
    add("keys.count", bytes(keys));
    add("keys.bytes-per-key", bytes(total.checked_div(keys).unwrap_or(0)));
    add("dataset.bytes", bytes(dataset));
    let percent = (dataset * 100).checked_div(total).unwrap_or(0);
    add("dataset.percentage", Reply::Double(number::text(percent)));
    Reply::Map(fields)
}

/// `MEMORY DOCTOR`.
fn diagnosis(exec: &Exec) -> &'static str {
    let (used, max) = (exec.keyspace.used_memory(), exec.keyspace.settings().maxmemory);
    if max > 0 && used > max {
        "The data takes more than maxmemory allows: keys are being evicted or writes refused.\n"
    } else if max > 0 && used > max / 10 * 9 {
        "The data takes more than nine tenths of what maxmemory allows.\n"
    } else {
        "Nothing is remarkable about the memory that the data takes.\n"
    }
}

const HELP: &[&str] = &[
    "DOCTOR",
    "    Tell what is remarkable about memory.",
    "MALLOC-STATS",
    "    Would show the allocator's own figures.",
    "PURGE",
    "    Ask for memory to be given back.",
    "STATS",
    "    Tell what takes how much.",
    "USAGE <key> [SAMPLES <count>]",
    "    Tell what a key takes. Nothing is estimated, so the number of samples is of no matter.",
];
