//! SCRIPT, and what would run Lua: scripts are kept by their SHA-1 and never run (`eval.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, CommandSpec, Flags, help};
use sha1::{Digest, Sha1};

use super::args::is;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::small_bytes::heap_len;

const SCRIPTING: Categories = Categories::SCRIPTING;
const RUN: Flags = Flags::NOSCRIPT
    .and(Flags::SKIP_MONITOR)
    .and(Flags::MAY_REPLICATE)
    .and(Flags::STALE)
    .and(Flags::MOVABLEKEYS);
const RUN_RO: Flags =
    Flags::NOSCRIPT.and(Flags::SKIP_MONITOR).and(Flags::STALE).and(Flags::READONLY).and(Flags::MOVABLEKEYS);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("eval", -3, RUN, SCRIPTING,
        docs("scripting", "2.6.0", "", "Would run a script."), Keys::Counted(2), refuse),
    Command::new("eval_ro", -3, RUN_RO, SCRIPTING,
        docs("scripting", "7.0.0", "", "Would run a script that only reads."), Keys::Counted(2), refuse),
    Command::new("evalsha", -3, RUN, SCRIPTING,
        docs("scripting", "2.6.0", "", "Would run a script that is kept."), Keys::Counted(2), evalsha),
    Command::new("evalsha_ro", -3, RUN_RO, SCRIPTING,
        docs("scripting", "7.0.0", "", "Would run a script that is kept and only reads."), Keys::Counted(2), evalsha),
    Command::new("fcall", -3, RUN, SCRIPTING,
        docs("scripting", "7.0.0", "", "Would run a function."), Keys::Counted(2), refuse),
    Command::new("fcall_ro", -3, RUN_RO, SCRIPTING,
        docs("scripting", "7.0.0", "", "Would run a function that only reads."), Keys::Counted(2), refuse),
    SCRIPT,
];

const SCRIPT: Command = Command::container(
    "script",
    docs("scripting", "2.6.0", "", "Looks after the scripts that are kept."),
    Keys::None,
    script,
    &[
        subcommand("debug", 3, Flags::NOSCRIPT, "3.2.0", "Would debug a script."),
        subcommand("exists", -3, Flags::NOSCRIPT, "2.6.0", "Tells which scripts are kept."),
        subcommand("flush", -2, Flags::NOSCRIPT, "2.6.0", "Forgets all scripts."),
        subcommand("help", 2, Flags::LOADING.and(Flags::STALE), "5.0.0", "Tells what SCRIPT can do."),
        subcommand("kill", 2, Flags::NOSCRIPT.and(Flags::ALLOW_BUSY), "2.6.0", "Ends a script that runs."),
        subcommand("load", 3, Flags::NOSCRIPT.and(Flags::STALE), "2.6.0", "Keeps a script."),
    ],
);

const fn subcommand(
    name: &'static str,
    arity: i32,
    flags: Flags,
    since: &'static str,
    summary: &'static str,
) -> CommandSpec {
    let categories = SCRIPTING.and(Categories::SLOW);
    CommandSpec::new(name, arity, flags, categories, docs("scripting", since, "O(N) in the scripts", summary))
}

/// `EVAL`, `FCALL` and their kin.
fn refuse(_: &mut Exec, args: &[Bytes]) -> Answer {
    Err(Fault::not_run(&args[0]))
}

/// `EVALSHA sha1 numkeys ...`.
fn evalsha(exec: &mut Exec, args: &[Bytes]) -> Answer {
    if !exec.keyspace.scripts.contains_key(&args[1].to_ascii_lowercase()) {
        return Err(Fault::new("NOSCRIPT No matching script. Please use EVAL."));
    }
    refuse(exec, args)
}

fn script(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let name = args[1].to_ascii_lowercase();
    match &name[..] {
        b"load" => Ok(load(exec, &args[2])),
        b"exists" => {
            let scripts = &exec.keyspace.scripts;
            let is_kept = |sha: &Bytes| i64::from(scripts.contains_key(&sha.to_ascii_lowercase()));
            Ok(Reply::Array(args[2..].iter().map(|sha| Reply::Integer(is_kept(sha))).collect()))
        }
        b"flush" => match &args[2..] {
            [mode] if !is(mode, "sync") && !is(mode, "async") => Err(Fault::SCRIPT_FLUSH_OPTION),
            [] | [_] => {
                exec.keyspace.scripts.clear();
                exec.keyspace.scripts_bytes = 0;
                Ok(Reply::ok())
            }
            _ => Err(Fault::SCRIPT_FLUSH_OPTION),
        },
        b"kill" => Err(Fault::NOT_BUSY),
        b"debug" => Err(Fault::not_run(b"SCRIPT DEBUG")),
        _ => Ok(help("script", HELP)),
    }
}

/// `SCRIPT LOAD script`. Nothing goes into the stream, as with servers from 7.0 on.
fn load(exec: &mut Exec, source: &Bytes) -> Reply {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha1::digest(source);
    let text: Vec<u8> = digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect();
    let keyspace = &mut *exec.keyspace;
    keyspace.scripts.entry(text.clone()).or_insert_with(|| {
        /// The digest, and the entry.
        const SCRIPT_BYTES: u64 = 120;
        keyspace.scripts_bytes += SCRIPT_BYTES + heap_len(source.len() as u64);
        Bytes::copy_from_slice(source)
    });
    Reply::Bulk(text.into())
}

const HELP: &[&str] = &[
    "EXISTS <sha1> [<sha1> ...]",
    "    Tell which scripts are kept.",
    "FLUSH [ASYNC|SYNC]",
    "    Forget all scripts.",
    "KILL",
    "    End a script that runs. None does: Picket keeps scripts and does not run them.",
    "LOAD <script>",
    "    Keep a script.",
];
