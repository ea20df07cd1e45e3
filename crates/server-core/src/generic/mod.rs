//! Table entries of the commands that every server answers alike. An application puts those it wants
//! into its own table: [`PING`], [`HELLO`], [`AUTH`], [`CLIENT`], [`COMMAND`], [`ACL`] and the four
//! subscriptions. [`CLIENT_SUBCOMMANDS`] is the set that a Sentinel has; what a data server has besides is
//! in [`data`].

pub mod data;

use crate::command::{
    AclSubcommand, Categories, ChannelArgs, ClientSubcommand, CommandSpec, CommandSubcommand, Docs, Flags,
    Generic,
};

const BASIC: Flags = Flags::LOADING.and(Flags::STALE);
const PLAIN: Flags = BASIC.and(Flags::NOSCRIPT);
const ADMIN: Flags = PLAIN.and(Flags::ADMIN);
const HANDSHAKE: Flags = PLAIN.and(Flags::FAST).and(Flags::NO_AUTH).and(Flags::ALLOW_BUSY);
const SUBSCRIPTION: Flags = PLAIN.and(Flags::PUBSUB);

const SLOW: Categories = Categories::SLOW;
const SLOW_ADMIN: Categories = SLOW.and(Categories::ADMIN).and(Categories::DANGEROUS);
const SLOW_CONNECTION: Categories = SLOW.and(Categories::CONNECTION);
const SLOW_CONNECTION_ADMIN: Categories = SLOW_CONNECTION.and(SLOW_ADMIN);
const FAST_CONNECTION: Categories = Categories::FAST.and(Categories::CONNECTION);
const SLOW_PUBSUB: Categories = SLOW.and(Categories::PUBSUB);

const ALL_NODES: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];
const ALL_SHARDS: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];
const RANDOM: &[&str] = &["nondeterministic_output"];
const RANDOM_ORDER: &[&str] = &["nondeterministic_output_order"];

const fn docs(
    group: &'static str,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
) -> Docs {
    Docs { summary, since, group, complexity }
}

/// `PING [message]`.
pub const PING: CommandSpec = CommandSpec::new(
    "ping",
    -1,
    Flags::FAST,
    FAST_CONNECTION,
    docs("connection", "1.0.0", "O(1)", "Answers, so that the caller knows that somebody listens."),
)
.with_tips(ALL_SHARDS)
.run_by_server(Generic::Ping);

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`.
pub const HELLO: CommandSpec = CommandSpec::new(
    "hello",
    -1,
    HANDSHAKE,
    FAST_CONNECTION,
    docs("connection", "6.0.0", "O(1)", "Agrees on a protocol version and introduces the server."),
)
.run_by_server(Generic::Hello);

/// `AUTH [username] password`.
pub const AUTH: CommandSpec = CommandSpec::new(
    "auth",
    -2,
    HANDSHAKE,
    FAST_CONNECTION,
    docs(
        "connection",
        "1.0.0",
        "O(N) where N is the number of passwords defined for the user",
        "Authenticates the connection.",
    ),
)
.run_by_server(Generic::Auth);

/// `SUBSCRIBE channel [channel ...]`.
pub const SUBSCRIBE: CommandSpec = CommandSpec::new(
    "subscribe",
    -2,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs(
        "pubsub",
        "2.0.0",
        "O(N) where N is the number of channels to subscribe to.",
        "Listens to channels.",
    ),
)
.with_channels(ChannelArgs::All)
.run_by_server(Generic::Subscribe);

/// `PSUBSCRIBE pattern [pattern ...]`.
pub const PSUBSCRIBE: CommandSpec = CommandSpec::new(
    "psubscribe",
    -2,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs(
        "pubsub",
        "2.0.0",
        "O(N) where N is the number of patterns to subscribe to.",
        "Listens to channels whose names match patterns.",
    ),
)
.with_channels(ChannelArgs::Patterns)
.run_by_server(Generic::Psubscribe);

/// `UNSUBSCRIBE [channel [channel ...]]`.
pub const UNSUBSCRIBE: CommandSpec = CommandSpec::new(
    "unsubscribe",
    -1,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs(
        "pubsub",
        "2.0.0",
        "O(N) where N is the number of channels to unsubscribe.",
        "Stops listening to channels, or to all of them.",
    ),
)
.with_channels(ChannelArgs::Unchecked)
.run_by_server(Generic::Unsubscribe);

/// `PUNSUBSCRIBE [pattern [pattern ...]]`.
pub const PUNSUBSCRIBE: CommandSpec = CommandSpec::new(
    "punsubscribe",
    -1,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs(
        "pubsub",
        "2.0.0",
        "O(N) where N is the number of patterns to unsubscribe.",
        "Stops listening to patterns, or to all of them.",
    ),
)
.with_channels(ChannelArgs::Unchecked)
.run_by_server(Generic::Punsubscribe);

/// `PUBLISH channel message`, run by the application.
pub const PUBLISH: CommandSpec = CommandSpec::new(
    "publish",
    3,
    BASIC.and(Flags::PUBSUB).and(Flags::FAST),
    Categories::PUBSUB.and(Categories::FAST),
    docs(
        "pubsub",
        "2.0.0",
        "O(N+M) where N is the number of subscribers of the channel and M the number of patterns in use.",
        "Sends a message to a channel.",
    ),
)
.with_channels(ChannelArgs::First);

/// `INFO [section [section ...]]`, run by the application.
pub const INFO: CommandSpec = CommandSpec::new(
    "info",
    -1,
    BASIC,
    SLOW.and(Categories::DANGEROUS),
    docs("server", "1.0.0", "O(1)", "Tells figures about the server."),
)
.with_tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

/// `ROLE`, run by the application.
pub const ROLE: CommandSpec = CommandSpec::new(
    "role",
    1,
    PLAIN.and(Flags::FAST),
    Categories::ADMIN.and(Categories::FAST).and(Categories::DANGEROUS),
    docs("server", "2.8.12", "O(1)", "Tells which part the server plays."),
);

/// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]`, run by the application.
pub const SHUTDOWN: CommandSpec = CommandSpec::new(
    "shutdown",
    -1,
    ADMIN.and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY),
    SLOW_ADMIN,
    docs(
        "server",
        "1.0.0",
        "O(N) when saving, where N is the total number of keys in all databases, otherwise O(1)",
        "Ends the server.",
    ),
);

const fn client(
    name: &'static str,
    arity: i32,
    since: &'static str,
    runs: ClientSubcommand,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, PLAIN, SLOW_CONNECTION, docs("connection", since, "O(1)", summary))
        .run_by_server(Generic::Client(runs))
}

const fn client_admin(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    runs: ClientSubcommand,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(
        name,
        arity,
        ADMIN,
        SLOW_CONNECTION_ADMIN,
        docs("connection", since, complexity, summary),
    )
    .run_by_server(Generic::Client(runs))
}

const CLIENTS: &str = "O(N) where N is the number of client connections";

/// Subcommands of `CLIENT` that every kind of server has.
pub const CLIENT_SUBCOMMANDS: &[CommandSpec] = &[
    client(
        "caching",
        3,
        "6.0.0",
        ClientSubcommand::Caching,
        "Says whether the next command's keys are tracked.",
    ),
    client("getname", 2, "2.6.9", ClientSubcommand::Getname, "Tells the connection's name."),
    client(
        "getredir",
        2,
        "6.0.0",
        ClientSubcommand::Getredir,
        "Tells which client gets this one's invalidations.",
    ),
    CommandSpec::new(
        "help",
        2,
        BASIC,
        SLOW_CONNECTION,
        docs("connection", "5.0.0", "O(1)", "Explains the subcommands."),
    )
    .run_by_server(Generic::Client(ClientSubcommand::Help)),
    client("id", 2, "5.0.0", ClientSubcommand::Id, "Tells the connection's number."),
    client("info", 2, "6.2.0", ClientSubcommand::Info, "Describes this connection.").with_tips(RANDOM),
    client_admin("kill", -3, "2.4.0", CLIENTS, ClientSubcommand::Kill, "Closes connections."),
    client_admin("list", -2, "2.4.0", CLIENTS, ClientSubcommand::List, "Describes connections.")
        .with_tips(RANDOM),
    client_admin(
        "no-evict",
        3,
        "7.0.0",
        "O(1)",
        ClientSubcommand::NoEvict,
        "Spares the connection from eviction.",
    ),
    client_admin(
        "pause",
        -3,
        "3.0.0",
        "O(1)",
        ClientSubcommand::Pause,
        "Keeps all clients waiting for a while.",
    ),
    client("reply", 3, "3.2.0", ClientSubcommand::Reply, "Says whether the connection wants replies."),
    client("setinfo", 4, "7.2.0", ClientSubcommand::Setinfo, "Names the client's library and its version.")
        .with_tips(ALL_NODES),
    client("setname", 3, "2.6.9", ClientSubcommand::Setname, "Names the connection.").with_tips(ALL_NODES),
    client("tracking", -3, "6.0.0", ClientSubcommand::Tracking, "Switches client-side caching on or off."),
    client(
        "trackinginfo",
        2,
        "6.2.0",
        ClientSubcommand::Trackinginfo,
        "Tells the state of client-side caching.",
    ),
    client_admin(
        "unblock",
        -3,
        "5.0.0",
        "O(log N) where N is the number of client connections",
        ClientSubcommand::Unblock,
        "Wakes a client that waits in a blocking command.",
    ),
    client_admin("unpause", 2, "6.2.0", CLIENTS, ClientSubcommand::Unpause, "Ends a pause early."),
];

/// `CLIENT NO-TOUCH`, which a Sentinel does not have.
pub const CLIENT_NO_TOUCH: CommandSpec = client(
    "no-touch",
    3,
    "7.2.0",
    ClientSubcommand::NoTouch,
    "Says whether the connection's commands count as use of keys.",
);

/// `CLIENT`, with [`CLIENT_SUBCOMMANDS`].
pub const CLIENT: CommandSpec = CommandSpec::new(
    "client",
    -2,
    Flags::NONE,
    SLOW,
    docs("connection", "2.4.0", "Depends on subcommand.", "Commands about connections."),
)
.with_subcommands(CLIENT_SUBCOMMANDS);

const fn command(
    name: &'static str,
    arity: i32,
    since: &'static str,
    complexity: &'static str,
    runs: CommandSubcommand,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, BASIC, SLOW_CONNECTION, docs("server", since, complexity, summary))
        .run_by_server(Generic::Command(runs))
}

const LOOK_UPS: &str = "O(N) where N is the number of commands to look up";
const ARGUMENTS: &str = "O(N) where N is the number of arguments to the command";
const COMMANDS: &str = "O(N) where N is the total number of commands";

/// `COMMAND` and its subcommands.
pub const COMMAND: CommandSpec =
    command("command", -1, "2.8.13", COMMANDS, CommandSubcommand::All, "Describes all commands.")
        .with_tips(RANDOM_ORDER)
        .with_subcommands(&[
            command("count", 2, "2.8.13", "O(1)", CommandSubcommand::Count, "Counts the commands."),
            command("docs", -2, "7.0.0", LOOK_UPS, CommandSubcommand::Docs, "Documents commands.")
                .with_tips(RANDOM_ORDER),
            command(
                "getkeys",
                -3,
                "2.8.13",
                ARGUMENTS,
                CommandSubcommand::Getkeys,
                "Finds the keys in a command.",
            ),
            command(
                "getkeysandflags",
                -3,
                "7.0.0",
                ARGUMENTS,
                CommandSubcommand::Getkeysandflags,
                "Finds the keys in a command and what happens to them.",
            ),
            command("help", 2, "5.0.0", "O(1)", CommandSubcommand::Help, "Explains the subcommands."),
            command("info", -2, "2.8.13", LOOK_UPS, CommandSubcommand::Info, "Describes commands.")
                .with_tips(RANDOM_ORDER),
            command("list", -2, "7.0.0", COMMANDS, CommandSubcommand::List, "Lists the names of commands.")
                .with_tips(RANDOM_ORDER),
        ]);

const fn acl(
    name: &'static str,
    arity: i32,
    complexity: &'static str,
    runs: AclSubcommand,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, PLAIN, SLOW, docs("server", "6.0.0", complexity, summary))
        .run_by_server(Generic::Acl(runs))
}

const fn acl_admin(
    name: &'static str,
    arity: i32,
    complexity: &'static str,
    runs: AclSubcommand,
    summary: &'static str,
) -> CommandSpec {
    CommandSpec::new(name, arity, ADMIN, SLOW_ADMIN, docs("server", "6.0.0", complexity, summary))
        .run_by_server(Generic::Acl(runs))
}

const USERS: &str = "O(N). Where N is the number of configured users.";

/// `ACL` and its subcommands.
pub const ACL: CommandSpec = CommandSpec::new(
    "acl",
    -2,
    Flags::NONE,
    SLOW,
    docs("server", "6.0.0", "Depends on subcommand.", "Commands about users and what they may do."),
)
.with_subcommands(&[
    acl("cat", -2, "O(1)", AclSubcommand::Cat, "Lists the categories, or the commands of one."),
    acl_admin(
        "deluser",
        -3,
        "O(1) amortized",
        AclSubcommand::Deluser,
        "Deletes users and closes their connections.",
    )
    .with_tips(ALL_NODES),
    CommandSpec::new(
        "dryrun",
        -4,
        ADMIN,
        SLOW_ADMIN,
        docs("server", "7.0.0", "O(1)", "Tells whether a user may run a command."),
    )
    .run_by_server(Generic::Acl(AclSubcommand::Dryrun)),
    acl("genpass", -2, "O(1)", AclSubcommand::Genpass, "Makes up a password."),
    acl_admin(
        "getuser",
        3,
        "O(N). Where N is the number of the user's rules.",
        AclSubcommand::Getuser,
        "Describes a user.",
    ),
    CommandSpec::new("help", 2, BASIC, SLOW, docs("server", "6.0.0", "O(1)", "Explains the subcommands."))
        .run_by_server(Generic::Acl(AclSubcommand::Help)),
    acl_admin("list", 2, USERS, AclSubcommand::List, "Lists all users with their rules."),
    acl_admin("load", 2, USERS, AclSubcommand::Load, "Reads the users from the ACL file."),
    acl_admin(
        "log",
        -2,
        "O(N) with N being the number of entries shown.",
        AclSubcommand::Log,
        "Lists what was refused.",
    ),
    acl_admin("save", 2, USERS, AclSubcommand::Save, "Writes the users to the ACL file.")
        .with_tips(ALL_NODES),
    acl_admin(
        "setuser",
        -3,
        "O(N). Where N is the number of rules provided.",
        AclSubcommand::Setuser,
        "Creates or changes a user.",
    )
    .with_tips(ALL_NODES),
    acl_admin("users", 2, USERS, AclSubcommand::Users, "Lists the names of all users."),
    acl("whoami", 2, "O(1)", AclSubcommand::Whoami, "Tells which user the connection is."),
]);
