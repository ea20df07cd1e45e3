//! FUNCTION: libraries are kept, saved and passed on; nothing here runs them (`functions.c`).

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::{RdbVersion, dump};
use picket_resp::Reply;
use picket_server_core::{Case, Categories, CommandSpec, Flags, glob_match, help};

use super::args::is;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::functions::{Functions, IfTaken};
use crate::number::int;

pub(super) const TABLE: &[Command] = &[FUNCTION];

const SCRIPTING: Categories = Categories::SCRIPTING;
const READ: Flags = Flags::NOSCRIPT;
const WRITE: Flags = Flags::NOSCRIPT.and(Flags::WRITE);
const GROW: Flags = WRITE.and(Flags::DENYOOM);
const BUSY: Flags = READ.and(Flags::ALLOW_BUSY);

const FUNCTION: Command = Command::container(
    "function",
    docs("scripting", "7.0.0", "", "Looks after function libraries."),
    Keys::None,
    function,
    &[
        subcommand("delete", 3, WRITE, "Removes a library."),
        subcommand("dump", 2, READ, "Gives all libraries as FUNCTION RESTORE takes them."),
        subcommand("flush", -2, WRITE, "Removes all libraries."),
        subcommand("help", 2, Flags::LOADING.and(Flags::STALE), "Tells what FUNCTION can do."),
        subcommand("kill", 2, BUSY, "Ends a function that runs."),
        subcommand("list", -2, READ, "Names the libraries."),
        subcommand("load", -3, GROW, "Keeps a library."),
        subcommand("restore", -3, GROW, "Keeps the libraries that FUNCTION DUMP gave."),
        subcommand("stats", 2, BUSY, "Counts the libraries."),
    ],
);

const fn subcommand(name: &'static str, arity: i32, flags: Flags, summary: &'static str) -> CommandSpec {
    let access = if flags.has(Flags::WRITE) { Categories::WRITE } else { Categories::NONE };
    let categories = SCRIPTING.and(Categories::SLOW).and(access);
    CommandSpec::new(
        name,
        arity,
        flags,
        categories,
        docs("scripting", "7.0.0", "O(N) in the libraries", summary),
    )
}

fn function(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let name = args[1].to_ascii_lowercase();
    match &name[..] {
        b"load" => load(exec, args),
        b"delete" => delete(exec, args),
        b"list" => list(exec, args),
        b"dump" => Ok(Reply::Bulk(dump_all(&exec.keyspace.functions))),
        b"restore" => restore(exec, args),
        b"flush" => flush(exec, args),
        b"stats" => Ok(stats(&exec.keyspace.functions)),
        b"kill" => Err(Fault::NOT_BUSY),
        _ => Ok(help("function", HELP)),
    }
}

/// `FUNCTION LOAD [REPLACE] function-code`.
fn load(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (code, options) = args[2..].split_last().expect("the arity was checked");
    if let Some(option) = options.iter().find(|option| !is(option, "replace")) {
        let option = String::from_utf8_lossy(option);
        return Err(Fault::new(format!("ERR Unknown option given: {option}")));
    }
    let if_taken = if options.is_empty() { IfTaken::Refuse } else { IfTaken::Replace };
    let name = exec.keyspace.functions.load(code, if_taken)?;
    exec.always_propagate(1);
    Ok(Reply::Bulk(name))
}

/// `FUNCTION DELETE library-name`.
fn delete(exec: &mut Exec, args: &[Bytes]) -> Answer {
    if !exec.keyspace.functions.delete(&args[2]) {
        return Err(Fault::new("ERR Library not found"));
    }
    exec.always_propagate(1);
    Ok(Reply::ok())
}

/// `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`.
fn list(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (mut pattern, mut with_code) = (None, false);
    let mut options = args[2..].iter();
    while let Some(option) = options.next() {
        if !with_code && is(option, "withcode") {
            with_code = true;
        } else if pattern.is_none() && is(option, "libraryname") {
            let fault = Fault::new("ERR library name argument was not given");
            pattern = Some(options.next().ok_or(fault)?);
        } else {
            let option = String::from_utf8_lossy(option);
            return Err(Fault::new(format!("ERR Unknown argument {option}")));
        }
    }
    let is_wanted = |name: &Bytes| pattern.is_none_or(|pattern| glob_match(pattern, name, Case::Insensitive));
    let libraries = exec.keyspace.functions.iter().filter(|(name, _)| is_wanted(name));
    let library = |(name, source): (&Bytes, &Bytes)| {
        let mut fields = vec![
            (Reply::bulk("library_name"), Reply::Bulk(name.clone())),
            (Reply::bulk("engine"), Reply::bulk("LUA")),
            // Only running the source would tell.
            (Reply::bulk("functions"), Reply::Array(Vec::new())),
        ];
        if with_code {
            fields.push((Reply::bulk("library_code"), Reply::Bulk(source.clone())));
        }
        Reply::Map(fields)
    };
    Ok(Reply::Array(libraries.map(library).collect()))
}

fn dump_all(functions: &Functions) -> Bytes {
    // The version that all servers with functions restore.
    dump::write_functions(RdbVersion::V10, functions.iter().map(|(_, source)| &source[..]))
        .expect("this version has functions")
}

/// `FUNCTION RESTORE serialized-value [FLUSH|APPEND|REPLACE]`.
fn restore(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (mut empty, mut if_taken) = (false, IfTaken::Refuse);
    match args[3..].first() {
        None => {}
        Some(policy) if is(policy, "append") => {}
        Some(policy) if is(policy, "replace") => if_taken = IfTaken::Replace,
        Some(policy) if is(policy, "flush") => empty = true,
        Some(_) => {
            let words = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
            return Err(Fault::new(words));
        }
    }
    if args.len() > 4 {
        return Err(Fault::wrong_arity("function|restore"));
    }
    let sources = dump::read_functions(args[2].clone()).map_err(|error| match error {
        dump::DumpError::VersionOrChecksum => Fault::new("ERR DUMP payload version or checksum are wrong"),
        dump::DumpError::BadFormat(_) => Fault::new("ERR failed loading the given functions payload"),
    })?;
    let mut restored = Functions::default();
    for source in &sources {
        restored.load(source, IfTaken::Refuse)?;
    }
    if empty {
        exec.keyspace.functions = restored;
    } else {
        exec.keyspace.functions.join(restored, if_taken)?;
    }
    exec.always_propagate(1);
    Ok(Reply::ok())
}

/// `FUNCTION FLUSH [ASYNC|SYNC]`.
fn flush(exec: &mut Exec, args: &[Bytes]) -> Answer {
    match &args[2..] {
        [] => {}
        [mode] if is(mode, "sync") || is(mode, "async") => {}
        _ => return Err(Fault::new("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")),
    }
    exec.keyspace.functions = Functions::default();
    exec.always_propagate(1);
    Ok(Reply::ok())
}

fn stats(functions: &Functions) -> Reply {
    let lua = Reply::Map(vec![
        (Reply::bulk("libraries_count"), Reply::Integer(int(functions.len()))),
        (Reply::bulk("functions_count"), Reply::Integer(0)),
    ]);
    Reply::Map(vec![
        (Reply::bulk("running_script"), Reply::Null),
        (Reply::bulk("engines"), Reply::Map(vec![(Reply::bulk("LUA"), lua)])),
    ])
}

const HELP: &[&str] = &[
    "DELETE <library-name>",
    "    Remove a library.",
    "DUMP",
    "    Give all libraries as RESTORE takes them.",
    "FLUSH [ASYNC|SYNC]",
    "    Remove all libraries.",
    "KILL",
    "    End a function that runs. None does: Picket keeps libraries for servers that run them.",
    "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
    "    Name the libraries. Their functions are not known, since nothing is run.",
    "LOAD [REPLACE] <library-code>",
    "    Keep a library.",
    "RESTORE <serialized-value> [FLUSH|APPEND|REPLACE]",
    "    Keep the libraries that DUMP gave.",
    "STATS",
    "    Count the libraries.",
];
