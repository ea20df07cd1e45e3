//! The commands of a node: those of the keyspace, those that every server has, and those about the node itself.

use picket_replication::WaitKind;
use picket_server_core::generic::{self, data};
use picket_server_core::{Categories, CommandSpec, Docs, Flags};

use crate::command::Command;
use crate::commands;

/// Who runs a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Runner {
    Keyspace(&'static Command),
    Node(NodeCommand),
}

/// A command about the node itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum NodeCommand {
    AclFile,
    Bgsave,
    Config,
    Debug,
    Discard,
    Exec,
    Failover,
    Info,
    Lastsave,
    Module,
    Multi,
    Publish,
    /// REPLCONF, PSYNC and SYNC.
    Replica(&'static str),
    Replicaof,
    Reset,
    Role,
    Save,
    Shutdown,
    Spublish,
    Time,
    Wait(WaitKind),
    /// One that is known and not there.
    Refused(&'static str),
}

const BASIC: Flags = Flags::LOADING.and(Flags::STALE);
const NOSCRIPT: Flags = Flags::NOSCRIPT;
const ADMIN: Flags = Flags::ADMIN.and(NOSCRIPT);
const TRANSACTION: Flags = NOSCRIPT.and(BASIC);
const DANGEROUS: Categories = Categories::ADMIN.and(Categories::DANGEROUS).and(Categories::SLOW);
const PER_TRANSACTION: Categories = Categories::TRANSACTION;

const fn row(
    name: &'static str,
    arity: i32,
    flags: Flags,
    categories: Categories,
    group: &'static str,
    since: &'static str,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, flags, categories, Docs { summary, since, group, complexity: "" })
}

const CONFIG: &[CommandSpec] = &[
    row("get", -3, ADMIN.and(BASIC), DANGEROUS, "server", "2.0.0", "Shows directives."),
    row("help", 2, BASIC, Categories::SLOW, "server", "5.0.0", "Lists the subcommands."),
    row("resetstat", 2, ADMIN.and(BASIC), DANGEROUS, "server", "2.0.0", "Starts the counters anew."),
    row("rewrite", 2, ADMIN.and(BASIC), DANGEROUS, "server", "2.8.0", "Writes directives into the file."),
    row("set", -4, ADMIN.and(BASIC), DANGEROUS, "server", "2.0.0", "Changes directives."),
];

const MODULE: &[CommandSpec] = &[
    row("help", 2, BASIC, Categories::SLOW, "server", "5.0.0", "Lists the subcommands."),
    row("list", 2, ADMIN, DANGEROUS, "server", "4.0.0", "Lists modules, of which there are none."),
    row(
        "load",
        -3,
        ADMIN.and(Flags::NO_MULTI),
        DANGEROUS,
        "server",
        "4.0.0",
        "Not there: Picket has no modules.",
    ),
    row(
        "unload",
        3,
        ADMIN.and(Flags::NO_MULTI),
        DANGEROUS,
        "server",
        "4.0.0",
        "Not there: Picket has no modules.",
    ),
];

const NO_CLUSTER: NodeCommand = NodeCommand::Refused("ERR This instance has cluster support disabled");
const NO_AOF: NodeCommand =
    NodeCommand::Refused("ERR Picket has no append-only file; use BGSAVE, or replicas");

const NO_DURATIONS: NodeCommand = NodeCommand::Refused(
    "ERR Picket does not measure how long commands take: SLOWLOG and LATENCY would have nothing true to tell",
);

/// The commands about the node itself.
#[rustfmt::skip]
const NODE: &[(CommandSpec, NodeCommand)] = &[
    (row("asking", 1, Flags::FAST, Categories::CONNECTION.and(Categories::FAST), "cluster", "3.0.0", "Not there: clusters."), NO_CLUSTER),
    (row("bgrewriteaof", 1, ADMIN.and(Flags::NO_MULTI), DANGEROUS, "server", "1.0.0", "Not there: append-only files."), NO_AOF),
    (row("bgsave", -1, ADMIN.and(Flags::NO_MULTI), DANGEROUS, "server", "1.0.0", "Saves the data while clients are served."), NodeCommand::Bgsave),
    (row("cluster", -2, Flags::NONE, Categories::SLOW, "cluster", "3.0.0", "Not there: clusters."), NO_CLUSTER),
    (row("config", -2, Flags::NONE, Categories::SLOW, "server", "2.0.0", "Shows, changes and writes directives.").with_subcommands(CONFIG), NodeCommand::Config),
    (row("debug", -2, ADMIN.and(BASIC), DANGEROUS, "server", "1.0.0", "For tests."), NodeCommand::Debug),
    (row("discard", 1, TRANSACTION.and(Flags::FAST).and(Flags::ALLOW_BUSY), PER_TRANSACTION.and(Categories::FAST), "transactions", "2.0.0", "Forgets the commands since MULTI."), NodeCommand::Discard),
    (row("exec", 1, TRANSACTION.and(Flags::SKIP_SLOWLOG), PER_TRANSACTION.and(Categories::SLOW), "transactions", "1.2.0", "Runs the commands since MULTI as one."), NodeCommand::Exec),
    (row("failover", -1, ADMIN.and(Flags::STALE), DANGEROUS, "server", "6.2.0", "Hands the role of the master to a replica."), NodeCommand::Failover),
    (generic::INFO, NodeCommand::Info),
    (row("lastsave", 1, BASIC.and(Flags::FAST), Categories::ADMIN.and(Categories::DANGEROUS).and(Categories::FAST), "server", "1.0.0", "Tells when the data was saved last."), NodeCommand::Lastsave),
    (row("latency", -2, ADMIN.and(BASIC), DANGEROUS, "server", "2.8.13", "Not there: durations are not measured."), NO_DURATIONS),
    (row("module", -2, Flags::NONE, Categories::SLOW, "server", "4.0.0", "About modules, of which there are none.").with_subcommands(MODULE), NodeCommand::Module),
    (row("multi", 1, TRANSACTION.and(Flags::FAST).and(Flags::ALLOW_BUSY), PER_TRANSACTION.and(Categories::FAST), "transactions", "1.2.0", "Begins to collect commands for EXEC."), NodeCommand::Multi),
    (row("psync", -3, ADMIN.and(Flags::NO_MULTI), DANGEROUS, "server", "2.8.0", "Becomes a replica, from an offset on."), NodeCommand::Replica("psync")),
    (data::PUBLISH_TO_REPLICAS, NodeCommand::Publish),
    (data::RESET, NodeCommand::Reset),
    (data::SPUBLISH, NodeCommand::Spublish),
    (row("readonly", 1, BASIC.and(Flags::FAST), Categories::CONNECTION.and(Categories::FAST), "cluster", "3.0.0", "Not there: clusters."), NO_CLUSTER),
    (row("readwrite", 1, BASIC.and(Flags::FAST), Categories::CONNECTION.and(Categories::FAST), "cluster", "3.0.0", "Not there: clusters."), NO_CLUSTER),
    (row("replconf", -1, ADMIN.and(BASIC).and(Flags::ALLOW_BUSY), DANGEROUS, "server", "3.0.0", "Words between master and replica."), NodeCommand::Replica("replconf")),
    (row("replicaof", 3, ADMIN.and(Flags::STALE), DANGEROUS, "server", "5.0.0", "Follows a master, or none."), NodeCommand::Replicaof),
    (generic::ROLE, NodeCommand::Role),
    (row("save", 1, ADMIN.and(Flags::NO_MULTI), DANGEROUS, "server", "1.0.0", "Saves the data."), NodeCommand::Save),
    (generic::SHUTDOWN, NodeCommand::Shutdown),
    (row("slaveof", 3, ADMIN.and(Flags::STALE), DANGEROUS, "server", "1.0.0", "The old name of REPLICAOF."), NodeCommand::Replicaof),
    (row("slowlog", -2, ADMIN.and(BASIC), DANGEROUS, "server", "2.2.12", "Not there: durations are not measured."), NO_DURATIONS),
    (row("sync", 1, ADMIN.and(Flags::NO_MULTI), DANGEROUS, "server", "1.0.0", "Becomes a replica."), NodeCommand::Replica("sync")),
    (row("time", 1, BASIC.and(Flags::FAST), Categories::FAST, "server", "2.6.0", "Tells the time."), NodeCommand::Time),
    (row("wait", 3, Flags::BLOCKING, Categories::SLOW.and(Categories::BLOCKING).and(Categories::CONNECTION), "generic", "3.0.0", "Waits for replicas to have one's writes."), NodeCommand::Wait(WaitKind::Wait)),
    (row("waitaof", 4, NOSCRIPT.and(Flags::BLOCKING), Categories::SLOW.and(Categories::BLOCKING).and(Categories::CONNECTION), "generic", "7.2.0", "Waits for disks to have one's writes."), NodeCommand::Wait(WaitKind::WaitAof)),
    (generic::ACL, NodeCommand::AclFile),
];

/// Those that the server runs by itself.
const GENERIC: &[CommandSpec] = &[
    generic::AUTH,
    data::CLIENT_WITH_NO_TOUCH,
    generic::COMMAND,
    data::ECHO,
    generic::HELLO,
    data::MONITOR,
    generic::PING,
    generic::PSUBSCRIBE,
    data::PUBSUB,
    generic::PUNSUBSCRIBE,
    data::QUIT,
    data::SSUBSCRIBE,
    generic::SUBSCRIBE,
    data::SUNSUBSCRIBE,
    generic::UNSUBSCRIBE,
];

const KEYSPACE: usize = commands::COUNT;
const COUNT: usize = KEYSPACE + NODE.len() + GENERIC.len();

/// All commands.
pub(super) static TABLE: [CommandSpec; COUNT] = {
    let mut all = [generic::PING; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = if at < KEYSPACE {
            commands::COMMANDS[at].spec
        } else if at < KEYSPACE + NODE.len() {
            NODE[at - KEYSPACE].0
        } else {
            GENERIC[at - KEYSPACE - NODE.len()]
        };
        at += 1;
    }
    all
};

/// Where a command of [`TABLE`] stands in it, and who runs it; none for those that the server runs.
///
/// The place follows from the address: a command that came out of the table lies in it.
pub(super) fn runner(command: &'static CommandSpec) -> Option<(usize, Runner)> {
    let offset = core::ptr::from_ref(command).addr().checked_sub(TABLE.as_ptr().addr())?;
    let at = offset / size_of::<CommandSpec>();
    if at < KEYSPACE {
        return Some((at, Runner::Keyspace(&commands::COMMANDS[at])));
    }
    NODE.get(at - KEYSPACE).map(|(_, command)| (at, Runner::Node(*command)))
}

/// Where a command that the node runs stands in [`TABLE`].
pub(super) fn node_place(name: &[u8]) -> Option<usize> {
    let is_named = |(spec, _): &(CommandSpec, NodeCommand)| spec.name.as_bytes().eq_ignore_ascii_case(name);
    NODE.iter().position(is_named).map(|at| KEYSPACE + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_finds_its_runner() {
        for (at, command) in TABLE.iter().enumerate() {
            match runner(command) {
                Some((place, Runner::Keyspace(found))) => {
                    assert_eq!((place, found.spec.name), (at, command.name));
                }
                Some((place, Runner::Node(_))) => assert!(place == at && at >= KEYSPACE),
                None => assert!(GENERIC.contains(command)),
            }
            let twice = TABLE.iter().filter(|other| other.name == command.name).count();
            assert_eq!(twice, 1, "{}", command.name);
        }
    }
}
