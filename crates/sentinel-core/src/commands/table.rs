//! The commands of a Sentinel: names, arity, flags, ACL categories and documentation.

use picket_server_core::generic;
use picket_server_core::{Categories, CommandSpec, CommandTable, Docs, Flags};

/// All fifteen of them; SENTINEL also under the words that Valkey prefers.
pub(crate) const COMMANDS: CommandTable = CommandTable(&[
    generic::ACL,
    generic::AUTH,
    generic::CLIENT,
    generic::COMMAND,
    generic::HELLO,
    generic::INFO,
    generic::PING,
    generic::PSUBSCRIBE,
    generic::PUBLISH,
    generic::PUNSUBSCRIBE,
    generic::ROLE,
    SENTINEL,
    generic::SHUTDOWN,
    generic::SUBSCRIBE,
    generic::UNSUBSCRIBE,
]);

const SENTINEL: CommandSpec = CommandSpec::new(
    "sentinel",
    -2,
    Flags::ADMIN,
    CATEGORIES,
    docs("2.8.4", "Depends on subcommand.", "Asks or tells a Sentinel about the masters it watches."),
)
.with_subcommands(SUBCOMMANDS);

const CATEGORIES: Categories = Categories::ADMIN.and(Categories::SLOW).and(Categories::DANGEROUS);

const PER_MASTER: &str = "O(N) where N is the number of masters";
const PER_REPLICA: &str = "O(N) where N is the number of replicas";

const SUBCOMMANDS: &[CommandSpec] = &[
    sub("ckquorum", 3, "2.8.4", "", "Says whether enough Sentinels are reachable to authorize a failover."),
    sub(
        "config",
        -4,
        "6.2.0",
        "O(N) where N is the number of parameters given",
        "Reads or changes settings of the Sentinel as a whole.",
    ),
    sub(
        "debug",
        -2,
        "7.0.0",
        "O(N) where N is the number of parameters given",
        "Lists or changes the periods and timeouts that drive the Sentinel.",
    ),
    sub("failover", -3, "2.8.4", "", "Promotes a replica without the agreement of other Sentinels."),
    // No Redis and no Valkey has it, so there is no release of theirs to name.
    sub(
        "forget",
        5,
        "",
        "O(N) where N is the number of replicas",
        "Forgets one replica of a master, or one Sentinel that watches it. Picket's own.",
    ),
    sub("flushconfig", 2, "2.8.4", "O(1)", "Writes the state into the config file."),
    sub("get-master-addr-by-name", 3, "2.8.4", "O(1)", "Tells where a master is at present."),
    sub("get-primary-addr-by-name", 3, "8.0.0", "O(1)", "Tells where a primary is at present."),
    CommandSpec::new(
        "help",
        2,
        Flags::LOADING.and(Flags::STALE),
        Categories::SLOW,
        docs("6.2.0", "O(1)", "Lists the subcommands."),
    ),
    sub(
        "info-cache",
        -3,
        "3.2.0",
        "O(N) where N is the number of instances",
        "Shows the last INFO of masters and their replicas.",
    ),
    sub(
        "is-master-down-by-addr",
        6,
        "2.8.4",
        "O(1)",
        "Says whether a master is down, and votes for a leader if asked to.",
    ),
    sub(
        "is-primary-down-by-addr",
        6,
        "8.0.0",
        "O(1)",
        "Says whether a primary is down, and votes for a leader if asked to.",
    ),
    sub("master", 3, "2.8.4", "O(1)", "Shows what is known of one master."),
    sub("masters", 2, "2.8.4", PER_MASTER, "Shows what is known of every master."),
    sub("monitor", 6, "2.8.4", "O(1)", "Begins to watch a master."),
    sub("myid", 2, "6.2.0", "O(1)", "Tells the id of this Sentinel."),
    sub("pending-scripts", 2, "2.8.4", "", "Shows the scripts that run or wait to."),
    sub("primaries", 2, "8.0.0", PER_MASTER, "Shows what is known of every primary."),
    sub("primary", 3, "8.0.0", "O(1)", "Shows what is known of one primary."),
    sub("remove", 3, "2.8.4", "O(1)", "Ends watching a master."),
    sub("replicas", 3, "5.0.0", PER_REPLICA, "Shows what is known of the replicas of a master."),
    sub("reset", 3, "2.8.4", PER_MASTER, "Forgets replicas and Sentinels of the masters whose names match."),
    sub(
        "sentinels",
        3,
        "2.8.4",
        "O(N) where N is the number of Sentinels",
        "Shows what is known of the other Sentinels that watch a master.",
    ),
    sub("set", -5, "2.8.4", "O(1)", "Changes settings of one master."),
    sub("simulate-failure", -3, "3.2.0", "", "Makes this Sentinel crash at a chosen point of a failover."),
    sub("slaves", 3, "2.8.0", PER_REPLICA, "Shows what is known of the replicas of a master."),
];

const fn sub(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, Flags::ADMIN, CATEGORIES, docs(since, complexity, summary))
}

const fn docs(since: &'static str, complexity: &'static str, summary: &'static str) -> Docs {
    Docs { summary, since, group: "sentinel", complexity }
}
