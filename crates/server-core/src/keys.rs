//! Where the keys of a command stand among its words, and what it does to them
//! (`db.c: getKeysFromCommandWithSpecs`).

use core::ops::Range;

use crate::command::Flags;
use crate::config::parse_integer;

/// Where the keys of a command stand among its words. The command's name is word 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It names none.
    None,
    /// The word at this place.
    One(u8),
    /// Two words from this place.
    Two(u8),
    /// All words from this place.
    AllFrom(u8),
    /// All words from this place but the last.
    AllButLast(u8),
    /// Every other word from this place: keys with values.
    PairsFrom(u8),
    /// As many as the word at this place says, behind it.
    Counted(u8),
    /// The same, and none is fine too.
    MaybeCounted(u8),
    /// The first word, and as many as the second says, behind it.
    StoreCounted,
    /// The first half of the words behind `STREAMS`, which stands at this place or later.
    Streams(u8),
    /// The first word; a sort may name more by patterns.
    Sort,
    /// The same, and the word behind the last `STORE`.
    SortStore,
    /// The first word, and those behind `STORE` and `STOREDIST`, which stand at this place or later.
    GeoStore(u8),
    /// The third word, or all behind `KEYS` if that is empty.
    Migrate,
    /// It names none but may look at any key.
    Arbitrary,
}

/// What a command does to a key: what it works on (the upper-case flags), and what it does to the user's data
/// in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct KeyUse(u16);

macro_rules! key_uses {
    ($($constant:ident = $bit:literal $name:literal,)*) => {
        #[allow(missing_docs, reason = "each is named as it is printed")]
        impl KeyUse {
            $(pub const $constant: Self = Self(1 << $bit);)*
        }

        const KEY_USE_NAMES: &[(KeyUse, &str)] = &[$((KeyUse::$constant, $name),)*];
    };
}

key_uses! {
    RO = 0 "RO",
    RW = 1 "RW",
    OW = 2 "OW",
    RM = 3 "RM",
    ACCESS = 4 "access",
    UPDATE = 5 "update",
    INSERT = 6 "insert",
    DELETE = 7 "delete",
    NOT_KEY = 8 "not_key",
    INCOMPLETE = 9 "incomplete",
    VARIABLE_FLAGS = 10 "variable_flags",
}

impl KeyUse {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `other` and this share something.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the user's data comes out of the key.
    #[must_use]
    pub const fn reads(self) -> bool {
        self.has(Self::ACCESS)
    }

    /// Whether the user's data in the key changes.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.has(Self::UPDATE.and(Self::INSERT).and(Self::DELETE))
    }

    /// The printed names, in Redis's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        KEY_USE_NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

const RO: KeyUse = KeyUse::RO;
const RO_ACCESS: KeyUse = KeyUse::RO.and(KeyUse::ACCESS);
const RW_ACCESS: KeyUse = KeyUse::RW.and(KeyUse::ACCESS);
const RW_ACCESS_UPDATE: KeyUse = RW_ACCESS.and(KeyUse::UPDATE);
const RW_ACCESS_DELETE: KeyUse = RW_ACCESS.and(KeyUse::DELETE);
const RW_INSERT: KeyUse = KeyUse::RW.and(KeyUse::INSERT);
const RW_UPDATE: KeyUse = KeyUse::RW.and(KeyUse::UPDATE);
const RW_DELETE: KeyUse = KeyUse::RW.and(KeyUse::DELETE);
const OW_UPDATE: KeyUse = KeyUse::OW.and(KeyUse::UPDATE);
const OW_INSERT: KeyUse = KeyUse::OW.and(KeyUse::INSERT);
const RM_DELETE: KeyUse = KeyUse::RM.and(KeyUse::DELETE);

/// What commands do to their first key, and to further ones if that differs. Of the others, those that read
/// access their keys and those that write access and update them.
const USES: &[(&[KeyUse], &[&str])] = &[
    (
        &[RO],
        &[
            "exists",
            "hexists",
            "hlen",
            "hstrlen",
            "llen",
            "memory",
            "object",
            "scard",
            "sismember",
            "strlen",
            "touch",
            "type",
            "watch",
            "xlen",
            "zcard",
        ],
    ),
    (&[RO_ACCESS], &["xreadgroup"]),
    (&[RW_ACCESS], &["pfcount", "pfdebug"]),
    (
        &[RW_ACCESS_DELETE],
        &[
            "blmpop", "blpop", "brpop", "bzmpop", "bzpopmax", "bzpopmin", "getdel", "lmpop", "lpop",
            "migrate", "rpop", "spop", "zmpop", "zpopmax", "zpopmin",
        ],
    ),
    (
        &[RW_DELETE],
        &[
            "hdel",
            "lrem",
            "ltrim",
            "srem",
            "xautoclaim",
            "xdel",
            "xtrim",
            "zrem",
            "zremrangebylex",
            "zremrangebyrank",
            "zremrangebyscore",
        ],
    ),
    (&[RM_DELETE], &["del", "unlink"]),
    (&[RW_INSERT], &["append", "hsetnx", "linsert", "lpush", "lpushx", "pfadd", "rpush", "rpushx", "sadd"]),
    (
        &[RW_UPDATE],
        &[
            "expire",
            "expireat",
            "geoadd",
            "hexpire",
            "hexpireat",
            "hmset",
            "hpersist",
            "hpexpire",
            "hpexpireat",
            "hset",
            "lset",
            "persist",
            "pexpire",
            "pexpireat",
            "setrange",
            "xack",
            "xadd",
            "xclaim",
            "xgroup",
            "xsetid",
            "zadd",
        ],
    ),
    (&[OW_UPDATE], &["mset", "psetex", "restore", "restore-asking", "setex"]),
    (&[OW_INSERT], &["msetnx", "setnx"]),
    (&[RW_ACCESS_UPDATE.and(KeyUse::VARIABLE_FLAGS)], &["bitfield", "set"]),
    (&[KeyUse::NOT_KEY], &["spublish", "ssubscribe", "sunsubscribe"]),
    (&[RW_ACCESS_DELETE, RW_INSERT], &["blmove", "brpoplpush", "lmove", "rpoplpush", "smove"]),
    (&[RW_ACCESS_DELETE, OW_UPDATE], &["rename"]),
    (&[RW_ACCESS_DELETE, OW_INSERT], &["renamenx"]),
    (&[RO_ACCESS, OW_UPDATE], &["copy", "georadius", "georadiusbymember", "sort"]),
    (
        &[OW_UPDATE, RO_ACCESS],
        &[
            "bitop",
            "geosearchstore",
            "sdiffstore",
            "sinterstore",
            "sunionstore",
            "zdiffstore",
            "zinterstore",
            "zrangestore",
            "zunionstore",
        ],
    ),
    (&[RW_ACCESS.and(KeyUse::INSERT), RO_ACCESS], &["pfmerge"]),
];

/// What the command of that name does to its keys.
pub(crate) const fn uses(name: &str, flags: Flags) -> &'static [KeyUse] {
    let mut row = 0;
    while row < USES.len() {
        let mut at = 0;
        while at < USES[row].1.len() {
            if is_same(USES[row].1[at], name) {
                return USES[row].0;
            }
            at += 1;
        }
        row += 1;
    }
    if flags.has(Flags::READONLY) { &[RO_ACCESS] } else { &[RW_ACCESS_UPDATE] }
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl Keys {
    /// Whether [`COMMAND INFO`'s three numbers](Self::legacy_range) do not tell all the keys.
    #[must_use]
    pub const fn is_movable(self) -> bool {
        matches!(
            self,
            Self::Counted(_)
                | Self::MaybeCounted(_)
                | Self::StoreCounted
                | Self::Streams(_)
                | Self::Sort
                | Self::SortStore
                | Self::GeoStore(_)
                | Self::Migrate
        )
    }

    /// The first key, the last (negative: from the end) and the step between keys, as far as these can tell.
    #[must_use]
    pub fn legacy_range(self) -> (i64, i64, i64) {
        let range = |first: u8, last: i64, step: i64| (i64::from(first), last, step);
        match self {
            Self::None | Self::Arbitrary | Self::Counted(_) | Self::MaybeCounted(_) | Self::Streams(_) => {
                (0, 0, 0)
            }
            Self::One(at) => range(at, i64::from(at), 1),
            Self::Two(at) => range(at, i64::from(at) + 1, 1),
            Self::AllFrom(at) => range(at, -1, 1),
            Self::AllButLast(at) => range(at, -2, 1),
            Self::PairsFrom(at) => range(at, -1, 2),
            Self::StoreCounted | Self::Sort | Self::SortStore | Self::GeoStore(_) => (1, 1, 1),
            Self::Migrate => (3, 3, 1),
        }
    }

    /// Visits the keys of a request: their places, and which of the command's [`KeyUse`]s holds (0 for the first
    /// key, 1 for the rest). False if the words are not those of such a command.
    pub(crate) fn visit(self, args: &[impl AsRef<[u8]>], visit: &mut impl FnMut(usize, usize)) -> bool {
        let mut all = |range: Range<usize>, step: usize| {
            if range.is_empty() || range.end > args.len() {
                return false;
            }
            let start = range.start;
            range.step_by(step).for_each(|at| visit(at, usize::from(at > start)));
            true
        };
        let len = args.len();
        match self {
            Self::None | Self::Arbitrary => true,
            Self::One(at) => all(usize::from(at)..usize::from(at) + 1, 1),
            Self::Two(at) => all(usize::from(at)..usize::from(at) + 2, 1),
            Self::AllFrom(at) => all(usize::from(at)..len, 1),
            Self::AllButLast(at) => all(usize::from(at)..len.saturating_sub(1), 1),
            Self::PairsFrom(at) => all(usize::from(at)..len, 2),
            Self::Counted(at) | Self::MaybeCounted(at) => {
                counted(args, at).is_some_and(|range| all(range, 1))
            }
            Self::StoreCounted => {
                visit(1, 0);
                let range = counted(args, 2).filter(|range| !range.is_empty());
                let is_right = range.is_some();
                range.into_iter().flatten().for_each(|at| visit(at, 1));
                is_right
            }
            Self::Streams(from) => {
                let Some(first) = behind(args, from, b"streams") else { return false };
                all(first..first + (len - first) / 2, 1)
            }
            Self::Sort => all(1..2, 1),
            Self::SortStore => {
                let is_right = all(1..2, 1);
                if let Some(at) = sort_store(args) {
                    visit(at, 1);
                }
                is_right
            }
            Self::GeoStore(from) => {
                let is_right = all(1..2, 1);
                let stores = [behind(args, from, b"store"), behind(args, from, b"storedist")];
                stores.into_iter().flatten().filter(|at| *at < len).for_each(|at| visit(at, 1));
                is_right
            }
            Self::Migrate => all(migrated(args), 1),
        }
    }
}

/// The words that the count at `at` speaks of, if there are as many.
fn counted(args: &[impl AsRef<[u8]>], at: u8) -> Option<Range<usize>> {
    let at = usize::from(at);
    let count = usize::try_from(parse_integer(args.get(at)?.as_ref())?).ok()?;
    let end = count.checked_add(at + 1)?;
    (end <= args.len()).then_some(at + 1..end)
}

/// The place behind the first `word` that stands at `from` or later.
fn behind(args: &[impl AsRef<[u8]>], from: u8, word: &[u8]) -> Option<usize> {
    let from = usize::from(from);
    let found = args.get(from..)?.iter().position(|arg| arg.as_ref().eq_ignore_ascii_case(word))?;
    Some(from + found + 1)
}

/// The place behind the last `STORE` among the options of SORT.
fn sort_store(args: &[impl AsRef<[u8]>]) -> Option<usize> {
    let (mut at, mut found) = (2, None);
    while let Some(option) = args.get(at) {
        at += match option.as_ref().to_ascii_lowercase().as_slice() {
            b"limit" => 3,
            b"by" | b"get" => 2,
            b"store" if at + 1 < args.len() => {
                found = Some(at + 1);
                2
            }
            _ => 1,
        };
    }
    found
}

fn migrated(args: &[impl AsRef<[u8]>]) -> Range<usize> {
    let mut at = 6;
    while let Some(option) = args.get(at) {
        at += match option.as_ref().to_ascii_lowercase().as_slice() {
            b"keys" if args[3].as_ref().is_empty() => return at + 1..args.len(),
            b"auth" => 2,
            b"auth2" => 3,
            _ => 1,
        };
    }
    3..4
}

/// What a request does to a key whose [`KeyUse`] depends on its words.
pub(crate) fn exact_use(name: &str, args: &[impl AsRef<[u8]>], general: KeyUse) -> KeyUse {
    if !general.has(KeyUse::VARIABLE_FLAGS) {
        return general;
    }
    let is = |arg: &[u8], word: &str| arg.eq_ignore_ascii_case(word.as_bytes());
    if name == "bitfield" {
        let mut at = 2;
        while let Some(word) = args.get(at) {
            at += match word.as_ref() {
                word if is(word, "get") => 3,
                word if is(word, "overflow") => 2,
                _ => return RW_ACCESS_UPDATE,
            };
        }
        return RO_ACCESS;
    }
    // SET: the options stand behind the value.
    let gets = args.iter().skip(3).any(|arg| is(arg.as_ref(), "get"));
    if gets { RW_ACCESS_UPDATE } else { OW_UPDATE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[track_caller]
    fn check(keys: Keys, line: &str, expected: &str) {
        let words: Vec<&str> = line.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
        let mut found = String::new();
        let is_right = keys.visit(&words, &mut |at, nth| found.push_str(&format!("{}{nth} ", words[at])));
        assert_eq!(if is_right { found.trim_end() } else { "wrong" }, expected, "{line}");
    }

    #[test]
    fn keys_are_found_where_they_stand() {
        check(Keys::None, "ping a", "");
        check(Keys::One(1), "get a", "a0");
        check(Keys::One(2), "object help", "wrong");
        check(Keys::Two(1), "rename a b", "a0 b1");
        check(Keys::AllFrom(1), "del a b c", "a0 b1 c1");
        check(Keys::AllFrom(2), "bitop and a b c", "a0 b1 c1");
        check(Keys::AllButLast(1), "blpop a b 0", "a0 b1");
        check(Keys::PairsFrom(1), "mset a 1 b 2", "a0 b1");
        check(Keys::Counted(1), "zinter 2 a b withscores", "a0 b1");
        check(Keys::Counted(1), "zinter 3 a b", "wrong");
        check(Keys::Counted(1), "zinter 0 a b", "wrong");
        check(Keys::Counted(1), "zinter -1 a b", "wrong");
        check(Keys::Counted(1), "zinter x a b", "wrong");
        check(Keys::Counted(1), "zinter 9223372036854775807 a b", "wrong");
        check(Keys::StoreCounted, "zunionstore d 2 a b weights 1 2", "d0 a1 b1");
        check(Keys::StoreCounted, "zunionstore d 0 a", "wrong");
        check(Keys::Streams(1), "xread count 2 streams a b 0 0", "a0 b1");
        check(Keys::Streams(4), "xreadgroup group streams c streams a 0", "a0");
        check(Keys::Streams(1), "xread count 2", "wrong");
        check(Keys::Streams(1), "xread streams", "wrong");
        check(Keys::SortStore, "sort a by store get # limit 0 store store b store c", "a0 c1");
        check(Keys::SortStore, "sort a store", "a0");
        check(Keys::GeoStore(6), "georadius a 1 2 3 m store b storedist c", "a0 b1 c1");
        check(Keys::Migrate, "migrate h 1 a 0 10", "a0");
        check(Keys::Migrate, "migrate h 1 - 0 10 auth keys keys a b", "a0 b1");
    }

    #[test]
    fn what_is_done_to_a_key_may_depend_on_the_words() {
        let exact = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let general = uses(words[0], Flags::WRITE)[0];
            exact_use(words[0], &words, general).names().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(exact("set get get"), "OW update");
        assert_eq!(exact("set a b nx GET"), "RW access update");
        assert_eq!(exact("bitfield a GET u8 0 overflow fail get u8 1"), "RO access");
        assert_eq!(exact("bitfield a get u8 0 set u8 1 1"), "RW access update");
        assert_eq!(exact("incr a"), "RW access update");
        assert_eq!(exact("del a"), "RM delete");
    }
}
