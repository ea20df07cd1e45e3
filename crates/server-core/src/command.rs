//! What a server knows about its commands without running them: names, arity, flags, ACL categories
//! and documentation. An application composes its table from its own entries and those of
//! [`generic`](crate::generic).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::keys::{KeyUse, Keys, exact_use, uses};

/// A command or, inside [`CommandSpec::subcommands`], a subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// Lower-case name; for a subcommand without its container.
    pub name: &'static str,
    /// Number of words including all names; negative: at least that many.
    pub arity: i32,
    /// How it may be run.
    pub flags: Flags,
    /// Its ACL categories.
    pub categories: Categories,
    /// Its subcommands; not empty for a container.
    pub subcommands: &'static [CommandSpec],
    /// What `COMMAND DOCS` says.
    pub docs: Docs,
    /// Hints of `COMMAND INFO` for clients of clusters.
    pub tips: &'static [&'static str],
    /// Where its keys stand. A subcommand that says nothing goes by its container.
    pub keys: Keys,
    /// What it does to its first key, and to the rest if that differs.
    pub key_uses: &'static [KeyUse],
    /// Where channels stand among its words, for ACL checks.
    pub channels: ChannelArgs,
    /// Who runs it.
    pub runs: Runs,
}

/// Who runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// [`Server::admit`](crate::Server::admit) hands it to the application.
    Application,
    /// This crate answers it.
    Server(Generic),
}

/// The commands that this crate answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its command")]
pub enum Generic {
    Ping,
    Hello,
    Auth,
    Subscribe,
    Psubscribe,
    Unsubscribe,
    Punsubscribe,
    Ssubscribe,
    Sunsubscribe,
    Echo,
    Quit,
    Monitor,
    Pubsub(PubsubSubcommand),
    Client(ClientSubcommand),
    Command(CommandSubcommand),
    Acl(AclSubcommand),
}

/// Subcommands of `CLIENT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its subcommand")]
pub enum ClientSubcommand {
    Caching,
    Getname,
    Getredir,
    Help,
    Id,
    Info,
    Kill,
    List,
    NoEvict,
    NoTouch,
    Pause,
    Reply,
    Setinfo,
    Setname,
    Tracking,
    Trackinginfo,
    Unblock,
    Unpause,
}

/// `COMMAND` and its subcommands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its subcommand")]
pub enum CommandSubcommand {
    All,
    Count,
    Docs,
    Getkeys,
    Getkeysandflags,
    Help,
    Info,
    List,
}

/// Subcommands of `PUBSUB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its subcommand")]
pub enum PubsubSubcommand {
    Channels,
    Help,
    Numpat,
    Numsub,
    Shardchannels,
    Shardnumsub,
}

/// Subcommands of `ACL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its subcommand")]
pub enum AclSubcommand {
    Cat,
    Deluser,
    Dryrun,
    Genpass,
    Getuser,
    Help,
    List,
    Load,
    Log,
    Save,
    Setuser,
    Users,
    Whoami,
}

/// Where channels stand among the words of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelArgs {
    /// It names none.
    None,
    /// The second word.
    First,
    /// All words after the first.
    All,
    /// All words after the first, which are patterns.
    Patterns,
    /// As `All`, but a user may always name them (leaving a channel needs no permission).
    Unchecked,
}

/// What `COMMAND DOCS` says about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Docs {
    /// One sentence.
    pub summary: &'static str,
    /// The version of Redis that brought it.
    pub since: &'static str,
    /// Its chapter: `connection`, `server`, `pubsub`, `sentinel`, …
    pub group: &'static str,
    /// What it costs; may be empty.
    pub complexity: &'static str,
}

/// A set of command flags; combine with [`Flags::and`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags(u32);

/// A set of ACL categories; combine with [`Categories::and`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Categories(u32);

macro_rules! set_of_bits {
    ($type:ident, $names:ident, $($constant:ident = $bit:literal $name:literal,)*) => {
        #[allow(missing_docs, reason = "each is named as it is printed")]
        impl $type {
            $(pub const $constant: Self = Self(1 << $bit);)*
        }

        impl $type {
            /// The empty set.
            pub const NONE: Self = Self(0);

            /// What both sets have.
            #[must_use]
            pub const fn common(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// Both sets together.
            #[must_use]
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether `other` and this set share something.
            #[must_use]
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// The printed names, in Redis's order.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                $names.iter().filter(move |(set, _)| self.has(*set)).map(|(_, name)| *name)
            }
        }

        const $names: &[($type, &str)] = &[$(($type::$constant, $name),)*];
    };
}

set_of_bits! { Flags, FLAG_NAMES,
    WRITE = 0 "write",
    READONLY = 1 "readonly",
    DENYOOM = 2 "denyoom",
    ADMIN = 4 "admin",
    PUBSUB = 5 "pubsub",
    NOSCRIPT = 6 "noscript",
    BLOCKING = 7 "blocking",
    LOADING = 8 "loading",
    STALE = 9 "stale",
    SKIP_MONITOR = 10 "skip_monitor",
    SKIP_SLOWLOG = 11 "skip_slowlog",
    ASKING = 12 "asking",
    FAST = 13 "fast",
    NO_AUTH = 14 "no_auth",
    NO_MULTI = 16 "no_multi",
    MOVABLEKEYS = 17 "movablekeys",
    ALLOW_BUSY = 18 "allow_busy",
}

set_of_bits! { Categories, CATEGORY_NAMES,
    KEYSPACE = 0 "keyspace",
    READ = 1 "read",
    WRITE = 2 "write",
    SET = 3 "set",
    SORTEDSET = 4 "sortedset",
    LIST = 5 "list",
    HASH = 6 "hash",
    STRING = 7 "string",
    BITMAP = 8 "bitmap",
    HYPERLOGLOG = 9 "hyperloglog",
    GEO = 10 "geo",
    STREAM = 11 "stream",
    PUBSUB = 12 "pubsub",
    ADMIN = 13 "admin",
    FAST = 14 "fast",
    SLOW = 15 "slow",
    BLOCKING = 16 "blocking",
    DANGEROUS = 17 "dangerous",
    CONNECTION = 18 "connection",
    TRANSACTION = 19 "transaction",
    SCRIPTING = 20 "scripting",
}

impl Flags {
    /// It goes to replicas without being a write. `COMMAND` does not show it.
    pub const MAY_REPLICATE: Self = Self(1 << 15);
    /// Every flag.
    pub const ALL: Self = Self(u32::MAX);
}

impl Categories {
    /// Every category, which is what `@all` means.
    pub const ALL: Self = Self((1 << 21) - 1);

    /// The category of that name (without `@`), in any case; `all` is not one.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        CATEGORY_NAMES
            .iter()
            .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(set, _)| *set)
    }
}

impl Docs {
    /// Documentation without words, for tests and private commands.
    pub const NONE: Self = Self { summary: "", since: "1.0.0", group: "generic", complexity: "" };
}

impl CommandSpec {
    /// A command that the application runs, with the rest to be filled in. A build without the feature `full` leaves
    /// the documentation out.
    #[must_use]
    pub const fn new(
        name: &'static str,
        arity: i32,
        flags: Flags,
        categories: Categories,
        docs: Docs,
    ) -> Self {
        Self {
            name,
            arity,
            flags,
            categories,
            subcommands: &[],
            docs: if cfg!(feature = "full") { docs } else { Docs::NONE },
            tips: &[],
            keys: Keys::None,
            key_uses: &[],
            channels: ChannelArgs::None,
            runs: Runs::Application,
        }
    }

    /// The same with subcommands.
    #[must_use]
    pub const fn with_subcommands(mut self, subcommands: &'static [CommandSpec]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// The same with hints.
    #[must_use]
    pub const fn with_tips(mut self, tips: &'static [&'static str]) -> Self {
        self.tips = tips;
        self
    }

    /// The same with keys among its words.
    #[must_use]
    pub const fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self.key_uses = uses(self.name, self.flags);
        if keys.is_movable() {
            self.flags = self.flags.and(Flags::MOVABLEKEYS);
        }
        self
    }

    /// The same with channels among its words.
    #[must_use]
    pub const fn with_channels(mut self, channels: ChannelArgs) -> Self {
        self.channels = channels;
        self
    }

    /// The same, answered by this crate.
    #[must_use]
    pub const fn run_by_server(mut self, generic: Generic) -> Self {
        self.runs = Runs::Server(generic);
        self
    }

    /// Whether a request of `words` words has the right length.
    #[must_use]
    pub fn arity_fits(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        let arity = i64::from(self.arity);
        if arity >= 0 { words == arity } else { words >= -arity }
    }

    /// The subcommand of that name, in any case.
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        self.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A command of the table, with its subcommand if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRef {
    /// The entry of the table.
    pub command: &'static CommandSpec,
    /// The subcommand that was asked for, if the entry is a container.
    pub subcommand: Option<&'static CommandSpec>,
}

impl CommandRef {
    /// The innermost entry: the subcommand if there is one.
    #[must_use]
    pub fn spec(&self) -> &'static CommandSpec {
        self.subcommand.unwrap_or(self.command)
    }

    /// The entry that tells about its keys.
    pub(crate) fn key_spec(&self) -> &'static CommandSpec {
        match self.subcommand {
            Some(sub) if sub.keys != Keys::None => sub,
            _ => self.command,
        }
    }

    /// Whether a request may name keys.
    pub(crate) fn has_keys(&self) -> bool {
        let spec = self.key_spec();
        !matches!(spec.keys, Keys::None | Keys::Arbitrary)
            && !spec.key_uses.iter().any(|key| key.has(KeyUse::NOT_KEY))
    }

    /// Visits the places of a request's keys and what happens to them. False if the words are not right.
    pub fn visit_keys(&self, args: &[impl AsRef<[u8]>], mut visit: impl FnMut(usize, KeyUse)) -> bool {
        let spec = self.key_spec();
        if !self.has_keys() {
            return true;
        }
        spec.keys.visit(args, &mut |at, nth| {
            let general = spec.key_uses[nth.min(spec.key_uses.len() - 1)];
            visit(at, exact_use(spec.name, args, general));
        })
    }

    /// `name` or `container|sub`, lower-case.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self.subcommand {
            Some(sub) => format!("{}|{}", self.command.name, sub.name),
            None => self.command.name.to_string(),
        }
    }
}

/// A server's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandTable(pub &'static [CommandSpec]);

impl CommandTable {
    /// The top-level command of that name, in any case.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        self.0.iter().find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The command that `name` (`ping`, `client|id`) means, in any case.
    #[must_use]
    pub fn by_full_name(&self, name: &[u8]) -> Option<CommandRef> {
        let mut parts = name.splitn(2, |byte| *byte == b'|');
        let command = self.get(parts.next()?)?;
        let subcommand = match parts.next() {
            Some(sub) => Some(command.subcommand(sub)?),
            None => None,
        };
        Some(CommandRef { command, subcommand })
    }

    /// Every command followed by its subcommands, in table order.
    pub fn all(&self) -> impl Iterator<Item = CommandRef> + use<> {
        self.0.iter().flat_map(|command| {
            let own = CommandRef { command, subcommand: None };
            let subs = command.subcommands.iter();
            core::iter::once(own).chain(subs.map(move |sub| CommandRef { command, subcommand: Some(sub) }))
        })
    }
}

/// Commands by name, for the look-up that every request needs: a table with open addressing.
///
/// The names in it are the program's and the operator's, so that nobody can make them collide. A copy shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandIndex {
    slots: Arc<[Slot]>,
}

/// A name with its command, or room for one.
type Slot = Option<(Vec<u8>, &'static CommandSpec)>;

impl CommandIndex {
    /// An index of these names in any case.
    pub fn new(names: impl IntoIterator<Item = (Vec<u8>, &'static CommandSpec)>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        // At most a quarter is used, so that a search is short and always ends at an empty slot.
        let mut slots = alloc::vec![None; (names.len() * 4 + 1).next_power_of_two()];
        for (name, command) in names {
            let name = name.to_ascii_lowercase();
            let mut at = hash(&name) & (slots.len() - 1);
            while slots[at].is_some() {
                at = (at + 1) & (slots.len() - 1);
            }
            slots[at] = Some((name, command));
        }
        Self { slots: slots.into() }
    }

    /// The command of that name, in any case.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        let mut at = hash(name) & (self.slots.len() - 1);
        while let Some((known, command)) = &self.slots[at] {
            if known.eq_ignore_ascii_case(name) {
                return Some(command);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }
}

/// The same for a name in any case. Names differ in their first bytes and their lengths, which is enough here.
fn hash(name: &[u8]) -> usize {
    let start = name.iter().take(8).fold(name.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte.to_ascii_lowercase()))
    });
    let middle = name.get(name.len() / 2).map_or(0, |byte| usize::from(byte.to_ascii_lowercase()));
    let hash = start.wrapping_mul(31).wrapping_add(middle);
    hash ^ (hash >> 9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generic;

    static TABLE: &[CommandSpec] = &[generic::PING, generic::CLIENT, generic::AUTH];

    #[test]
    fn names_are_found_in_any_case() {
        let table = CommandTable(TABLE);
        let index = CommandIndex::new(TABLE.iter().map(|spec| (spec.name.as_bytes().to_vec(), spec)));
        for name in ["ping", "PING", "Client", "auth", "", "pin", "pingx", "zzz"] {
            assert_eq!(index.get(name.as_bytes()), table.get(name.as_bytes()), "{name}");
        }
        assert!(index.get(b"PiNg").is_some());
        let full = |name: &str| table.by_full_name(name.as_bytes()).map(|found| found.full_name());
        assert_eq!(full("CLIENT|ID").as_deref(), Some("client|id"));
        assert_eq!(full("client"), Some("client".into()));
        assert_eq!(full("client|nosuch"), None);
        assert_eq!(full("ping|x"), None);
    }

    #[test]
    fn arity_counts_all_words() {
        for (arity, words, fits) in
            [(2, 2, true), (2, 3, false), (-2, 1, false), (-2, 2, true), (-2, 9, true)]
        {
            let spec = CommandSpec::new("x", arity, Flags::NONE, Categories::NONE, Docs::NONE);
            assert_eq!(spec.arity_fits(words), fits, "{arity} {words}");
        }
    }
}
