//! What a data server has and a Sentinel has not.

use super::{
    ADMIN, BASIC, CLIENT_NO_TOUCH, CLIENT_SUBCOMMANDS, FAST_CONNECTION, HANDSHAKE, SLOW, SLOW_ADMIN,
    SLOW_PUBSUB, SUBSCRIPTION, docs,
};
use crate::command::{Categories, ChannelArgs, CommandSpec, Flags, Generic, PubsubSubcommand};
use crate::keys::Keys;

/// `ECHO message`.
pub const ECHO: CommandSpec = CommandSpec::new(
    "echo",
    2,
    BASIC.and(Flags::FAST),
    FAST_CONNECTION,
    docs("connection", "1.0.0", "O(1)", "Answers with the message."),
)
.run_by_server(Generic::Echo);

/// `QUIT`.
pub const QUIT: CommandSpec = CommandSpec::new(
    "quit",
    -1,
    HANDSHAKE,
    FAST_CONNECTION,
    docs("connection", "1.0.0", "O(1)", "Closes the connection."),
)
.run_by_server(Generic::Quit);

/// `RESET`, run by the application with [`Server::reset`](crate::Server::reset).
pub const RESET: CommandSpec = CommandSpec::new(
    "reset",
    1,
    HANDSHAKE,
    FAST_CONNECTION,
    docs("connection", "6.2.0", "O(1)", "Makes the connection as if it were new."),
);

/// `MONITOR`.
pub const MONITOR: CommandSpec = CommandSpec::new(
    "monitor",
    1,
    ADMIN,
    SLOW_ADMIN,
    docs("server", "1.0.0", "", "Shows all requests as they are run."),
)
.run_by_server(Generic::Monitor);

/// `SSUBSCRIBE shardchannel [shardchannel ...]`.
pub const SSUBSCRIBE: CommandSpec = CommandSpec::new(
    "ssubscribe",
    -2,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs("pubsub", "7.0.0", "O(N) where N is the number of channels", "Listens to shard channels."),
)
.with_keys(Keys::AllFrom(1))
.with_channels(ChannelArgs::All)
.run_by_server(Generic::Ssubscribe);

/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`.
pub const SUNSUBSCRIBE: CommandSpec = CommandSpec::new(
    "sunsubscribe",
    -1,
    SUBSCRIPTION,
    SLOW_PUBSUB,
    docs(
        "pubsub",
        "7.0.0",
        "O(N) where N is the number of channels",
        "Stops listening to shard channels, or to all of them.",
    ),
)
.with_keys(Keys::AllFrom(1))
.with_channels(ChannelArgs::Unchecked)
.run_by_server(Generic::Sunsubscribe);

/// `SPUBLISH shardchannel message`, run by the application with
/// [`Server::publish_to_shard`](crate::Server::publish_to_shard).
pub const SPUBLISH: CommandSpec = CommandSpec::new(
    "spublish",
    3,
    BASIC.and(Flags::PUBSUB).and(Flags::FAST).and(Flags::MAY_REPLICATE),
    Categories::PUBSUB.and(Categories::FAST),
    docs(
        "pubsub",
        "7.0.0",
        "O(N) where N is the number of subscribers",
        "Sends a message to a shard channel.",
    ),
)
.with_keys(Keys::One(1))
.with_channels(ChannelArgs::First);

const fn pubsub(
    name: &'static str,
    arity: i32,
    runs: PubsubSubcommand,
    summary: &'static str,
) -> CommandSpec {
    let docs = docs("pubsub", "2.8.0", "O(N) where N is the number of channels", summary);
    CommandSpec::new(name, arity, BASIC.and(Flags::PUBSUB), SLOW_PUBSUB, docs)
        .run_by_server(Generic::Pubsub(runs))
}

/// `PUBSUB` and its subcommands.
pub const PUBSUB: CommandSpec = CommandSpec::new(
    "pubsub",
    -2,
    Flags::NONE,
    SLOW,
    docs("pubsub", "2.8.0", "Depends on subcommand.", "Commands about channels and who listens."),
)
.with_subcommands(&[
    pubsub("channels", -2, PubsubSubcommand::Channels, "Lists the channels that somebody listens to."),
    help(Generic::Pubsub(PubsubSubcommand::Help), "pubsub"),
    pubsub("numpat", 2, PubsubSubcommand::Numpat, "Counts the patterns that somebody listens to."),
    pubsub("numsub", -2, PubsubSubcommand::Numsub, "Counts who listens to channels."),
    pubsub(
        "shardchannels",
        -2,
        PubsubSubcommand::Shardchannels,
        "Lists the shard channels that somebody listens to.",
    ),
    pubsub("shardnumsub", -2, PubsubSubcommand::Shardnumsub, "Counts who listens to shard channels."),
]);

const fn help(runs: Generic, group: &'static str) -> CommandSpec {
    CommandSpec::new("help", 2, BASIC, SLOW, docs(group, "6.2.0", "O(1)", "Explains the subcommands."))
        .run_by_server(runs)
}

const CLIENT_ALL: &[CommandSpec] = &{
    let mut all = [CLIENT_NO_TOUCH; CLIENT_SUBCOMMANDS.len() + 1];
    let mut at = 0;
    while at < CLIENT_SUBCOMMANDS.len() {
        all[at] = CLIENT_SUBCOMMANDS[at];
        at += 1;
    }
    all
};

/// `CLIENT` of a data server.
pub const CLIENT_WITH_NO_TOUCH: CommandSpec = CommandSpec { subcommands: CLIENT_ALL, ..super::CLIENT };

/// `PUBLISH channel message` of a data server, whose replicas get it too; run by the application.
pub const PUBLISH_TO_REPLICAS: CommandSpec =
    CommandSpec { flags: super::PUBLISH.flags.and(Flags::MAY_REPLICATE), ..super::PUBLISH };
