//! The texts of the `HELP` subcommands.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use picket_resp::Reply;

/// The reply to `<container> HELP`: a headline, `lines`, and what to say about `HELP` itself.
/// Lines that explain start with four blanks. A build without the feature `full` leaves the lines out.
#[must_use]
pub fn help(container: &str, lines: &[&str]) -> Reply {
    let mut all: Vec<Reply> = Vec::with_capacity(lines.len() + 3);
    let container = container.to_ascii_uppercase();
    all.push(Reply::simple(format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")));
    let lines = if cfg!(feature = "full") { lines } else { &[] };
    all.extend(lines.iter().map(|line| Reply::simple(String::from(*line))));
    all.push(Reply::simple("HELP"));
    all.push(Reply::simple("    Show this text."));
    Reply::Array(all)
}

pub(super) const CLIENT: &[&str] = &[
    "CACHING (YES|NO)",
    "    Say whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
    "GETNAME",
    "    Tell the name of this connection.",
    "GETREDIR",
    "    Tell which client gets the invalidation messages of this one.",
    "ID",
    "    Tell the number of this connection.",
    "INFO",
    "    Describe this connection.",
    "KILL <ip:port>",
    "    Close the connection from that address.",
    "KILL <option> <value> [<option> <value> ...]",
    "    Close all connections that every option fits:",
    "    * ID <number>",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "    * USER <username>",
    "    * ADDR <ip:port>, LADDR <ip:port> (the other end, our end)",
    "    * MAXAGE <seconds> (at least that old)",
    "    * SKIPME (YES|NO) (spare this connection; default yes)",
    "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <number> [<number> ...]]",
    "    Describe connections, one a line.",
    "NO-EVICT (ON|OFF)",
    "    Spare this connection when clients are evicted for memory.",
    "PAUSE <milliseconds> [WRITE|ALL]",
    "    Hold back all commands, or those that write, for a while.",
    "REPLY (ON|OFF|SKIP)",
    "    Say whether this connection wants replies; SKIP leaves out the next one.",
    "SETINFO (LIB-NAME|LIB-VER) <value>",
    "    Name the library that this client uses, or its version.",
    "SETNAME <name>",
    "    Name this connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
    "    Switch the tracking of keys for client-side caches.",
    "TRACKINGINFO",
    "    Tell the state of tracking on this connection.",
    "UNBLOCK <id> [TIMEOUT|ERROR]",
    "    Wake a client that waits in a blocking command.",
    "UNPAUSE",
    "    End a pause early.",
];

pub(super) const CLIENT_NO_TOUCH: &[&str] =
    &["NO-TOUCH (ON|OFF)", "    Say whether the commands of this connection leave the age of keys alone."];

pub(super) const PUBSUB: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    List the channels that somebody listens to, all or those that match.",
    "NUMPAT",
    "    Count the patterns that somebody listens to.",
    "NUMSUB [<channel> ...]",
    "    Count who listens to each of these channels, patterns left out.",
    "SHARDCHANNELS [<pattern>]",
    "    List the shard channels that somebody listens to, all or those that match.",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Count who listens to each of these shard channels.",
];

pub(super) const COMMAND: &[&str] = &[
    "(no subcommand)",
    "    Describe all commands.",
    "COUNT",
    "    Count the commands.",
    "DOCS [<command> ...]",
    "    Document these commands, or all.",
    "GETKEYS <full command>",
    "    Find the keys in a command.",
    "GETKEYSANDFLAGS <full command>",
    "    Find the keys in a command and how it uses them.",
    "INFO [<command> ...]",
    "    Describe these commands, or all.",
    "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <glob>)]",
    "    List the names of commands.",
];

pub(super) const ACL: &[&str] = &[
    "CAT [<category>]",
    "    List the categories, or the commands of one.",
    "DELUSER <username> [<username> ...]",
    "    Delete users and close their connections.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Tell whether a user may run a command, without running it.",
    "GENPASS [<bits>]",
    "    Make up a password of 256 bits, or of that many.",
    "GETUSER <username>",
    "    Describe a user.",
    "LIST",
    "    List the users as a configuration file has them.",
    "LOAD",
    "    Read the users from the ACL file again.",
    "LOG [<count> | RESET]",
    "    List what was refused, newest first, or forget it.",
    "SAVE",
    "    Write the users to the ACL file.",
    "SETUSER <username> [<rule> ...]",
    "    Create or change a user.",
    "USERS",
    "    List the names of the users.",
    "WHOAMI",
    "    Tell which user this connection is.",
];
