//! Random commands from templates, run on both sides.

pub(crate) mod streams;

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Keyspace, Origin, Outcome, Session, Settings};
use picket_resp::Protocol;
use picket_sansio::Prng;
use picket_testkit::{Client, RedisServer, Reply};

/// A command whose one-letter words stand for something random, and how its replies are compared.
pub(crate) type Template = (&'static str, Compare);

/// What makes two replies the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Every byte.
    Exact,
    /// The same elements in any order, also inside.
    Unordered,
    /// The same pairs in any order.
    Pairs,
    /// Numbers at most two seconds apart.
    Near,
    /// Every byte, but a small list or set may be a listpack where servers before 7.2 have none.
    Encoding,
    /// Every byte, but numbers may differ in what lies beyond a part in 10^12.
    Rounded,
    /// Every byte, but not with servers before 7.2.
    Newer,
    /// Every byte that XINFO tells but times and the nodes of the tree.
    StreamInfo,
    /// The same, but not with servers before 7.2.
    NewerStreamInfo,
    /// As `StreamInfo`, but not what servers before 7.2 tell differently: the lag of a group, what it has read and its
    /// consumers.
    OldStreamInfo,
    /// Every byte but for how long entries have been pending.
    PendingInfo,
    /// Nothing; both must answer.
    Any,
}

impl Compare {
    /// How replies of a server are compared that is of version 7.2 or later, or is not.
    fn with(self, is_newer: bool) -> Self {
        match self {
            Self::Newer if is_newer => Self::Exact,
            Self::NewerStreamInfo if is_newer => Self::StreamInfo,
            Self::Newer | Self::NewerStreamInfo => Self::Any,
            Self::StreamInfo if !is_newer => Self::OldStreamInfo,
            other => other,
        }
    }

    /// Whether two replies are the same.
    fn same(self, left: &Reply, right: &Reply) -> bool {
        match (self, left, right) {
            (Self::Exact, ..) => left == right,
            (Self::Any, ..) => true,
            (Self::StreamInfo, ..) => without(left, DETAILS) == without(right, DETAILS),
            (Self::OldStreamInfo, ..) => without(left, OLD_DETAILS) == without(right, OLD_DETAILS),
            (Self::PendingInfo, Reply::Array(left), Reply::Array(right)) => {
                let without_idle = |entry: &Reply| match entry {
                    Reply::Array(parts) if parts.len() == 4 => Some([0, 1, 3].map(|at| parts[at].clone())),
                    _ => None,
                };
                left.iter().map(without_idle).eq(right.iter().map(without_idle))
            }
            (Self::Encoding, ..) => {
                left == right
                    || left.text().as_deref() == Some("listpack")
                        && matches!(right.text().as_deref(), Some("quicklist" | "hashtable"))
            }
            (Self::Near, Reply::Int(left), Reply::Int(right)) => {
                left == right || *left >= 0 && *right >= 0 && left.abs_diff(*right) <= 2000
            }
            (Self::Unordered, Reply::Array(left), Reply::Array(right)) => sorted(left) == sorted(right),
            (Self::Pairs, Reply::Array(left), Reply::Array(right)) => pairs(left) == pairs(right),
            (Self::Rounded, ..) => rounded(left) == rounded(right),
            (
                Self::Newer
                | Self::NewerStreamInfo
                | Self::Near
                | Self::Unordered
                | Self::Pairs
                | Self::PendingInfo,
                ..,
            ) => left == right,
        }
    }

    /// The same for arrays of texts.
    pub(crate) fn same_texts(self, left: &[&str], right: &[&str]) -> bool {
        let array = |texts: &[&str]| {
            Reply::Array(texts.iter().map(|text| Reply::Bulk(text.as_bytes().to_vec())).collect())
        };
        self.same(&array(left), &array(right))
    }
}

/// What XINFO tells of times and of a tree that is not there.
const DETAILS: &[&str] = &["radix-tree-nodes", "pending", "idle", "inactive", "seen-time", "active-time"];
const OLD_DETAILS: &[&str] = &["radix-tree-nodes", "pending", "entries-read", "lag", "consumers"];

/// What XINFO tells, without the fields of these names.
fn without(reply: &Reply, fields: &[&str]) -> Reply {
    let Reply::Array(items) = reply else { return reply.clone() };
    let mut kept = Vec::new();
    let mut items = items.iter();
    while let Some(item) = items.next() {
        match item.text() {
            Some(name) if fields.contains(&&*name) => {
                // What is pending has times, how much is pending has not.
                kept.extend(
                    items.next().filter(|value| name == "pending" && value.items().is_empty()).cloned(),
                );
            }
            _ => kept.push(without(item, fields)),
        }
    }
    Reply::Array(kept)
}

fn sorted(items: &[Reply]) -> Vec<String> {
    let text = |item: &Reply| match item {
        Reply::Array(items) => format!("{:?}", sorted(items)),
        other => format!("{other:?}"),
    };
    let mut texts: Vec<_> = items.iter().map(text).collect();
    texts.sort();
    texts
}

fn rounded(reply: &Reply) -> String {
    match (reply, reply.text().and_then(|text| text.parse::<f64>().ok())) {
        (Reply::Array(items), _) => items.iter().map(rounded).collect::<Vec<_>>().join(" "),
        (Reply::Bulk(_), Some(number)) => format!("{number:.11e}"),
        (other, _) => format!("{other:?}"),
    }
}

fn pairs(items: &[Reply]) -> Vec<String> {
    let mut pairs: Vec<_> = items.chunks(2).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs
}

/// Whether the server of the comparison has a command.
pub(crate) fn server_knows(command: &str) -> bool {
    let info = RedisServer::start(&[]).cmd(&["COMMAND", "INFO", command]).expect("a reply");
    matches!(info, Reply::Array(rows) if matches!(rows[..], [Reply::Array(_)]))
}

/// Runs `steps` random commands from `groups` on a keyspace and on a real server, and the effects on another
/// keyspace.
///
/// # Panics
/// At the first difference, with the seed and the last commands.
pub(crate) fn run(seed: u64, steps: u32, groups: &[&[Template]]) {
    let server = RedisServer::start(&["lazyfree-lazy-user-del no", "hz 1"]);
    let mut client = server.client().expect("a connection");
    let info = client.cmd(&["INFO", "server"]).expect("a reply").text().unwrap_or_default();
    let is_newer = !["6.", "7.0."].iter().any(|old| info.contains(&format!("redis_version:{old}")));
    let mut prng = Prng::new(seed);
    let mut ours = Keyspace::new(seed, Settings::default());
    let mut copy = Keyspace::new(seed + 1, Settings::default());
    let (mut session, mut copy_session) = (Session::new(), Session::new());
    let mut log: Vec<String> = Vec::new();
    let mut newest = 0;
    for step in 0..steps {
        let group = pick(&mut prng, groups);
        let (template, compare) = pick(&mut prng, group);
        let words: Vec<String> = template.split(' ').map(|word| fill(word, &mut prng, &mut newest)).collect();
        // Emptying everything too often leaves nothing to compare.
        if template.starts_with("FLUSH") && prng.below(20) > 0 {
            continue;
        }
        log.push(words.join(" "));
        let refs: Vec<&str> = words.iter().map(String::as_str).collect();
        let theirs = client.cmd(&refs).expect("a reply");
        let outcome = execute(&mut ours, &mut session, Origin::Client, &words);
        let mine = as_read(&outcome);
        let last = || log[log.len().saturating_sub(30)..].join("\n");
        assert!(
            compare.with(is_newer).same(&mine, &theirs),
            "seed {seed}, step {step}: ours {mine:?}, theirs {theirs:?} after\n{}",
            last()
        );
        for effect in outcome.effects {
            copy_session.db = effect.db;
            let context = context(Origin::Master);
            let applied = copy.execute(&mut copy_session, context, &effect.args);
            assert!(!applied.reply.is_error(), "{:?} for {effect:?}", applied.reply);
        }
        if step % 50 == 0 {
            for (db, (ours, copy)) in ours.dbs().iter().zip(copy.dbs()).enumerate() {
                let differing: Vec<_> = ours
                    .iter()
                    .filter(|(key, entry)| copy.get(key).is_none_or(|found| found.value != entry.value))
                    .map(|(key, _)| key)
                    .collect();
                assert!(
                    ours == copy,
                    "seed {seed}, step {step}: db {db} differs in {differing:?} after\n{}",
                    last()
                );
            }
        }
        if step % 500 == 0 {
            same_data(&mut ours, session.db, &mut client).unwrap_or_else(|difference| {
                panic!("seed {seed}, step {step}: {difference} after\n{}", last());
            });
        }
    }
}

/// Whether both sides hold the same values in the databases that templates use.
fn same_data(ours: &mut Keyspace, db: u32, client: &mut Client) -> Result<(), String> {
    for other in [1, 0, db] {
        client.cmd(&["SELECT", &other.to_string()]).expect("a reply");
        let mut session = Session::new();
        session.db = other;
        for number in 0..12 {
            let key = format!("k{number}");
            let type_of = execute(ours, &mut session, Origin::Client, &["TYPE".into(), key.clone()]);
            let (line, compare) = match as_read(&type_of).text().as_deref() {
                Some("string") => (vec!["GET", &key], Compare::Exact),
                Some("list") => (vec!["LRANGE", &key, "0", "-1"], Compare::Exact),
                Some("set") => (vec!["SMEMBERS", &key], Compare::Unordered),
                Some("hash") => (vec!["HGETALL", &key], Compare::Pairs),
                Some("zset") => (vec!["ZRANGE", &key, "0", "-1", "WITHSCORES"], Compare::Exact),
                _ => (vec!["EXISTS", &key], Compare::Exact),
            };
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            let mine = as_read(&execute(ours, &mut session, Origin::Client, &words));
            let theirs = client.cmd(&line).expect("a reply");
            if !compare.same(&mine, &theirs) {
                return Err(format!("{key} of db {other} is {mine:?} here and {theirs:?} there"));
            }
        }
    }
    Ok(())
}

/// Runs words on a keyspace.
pub(crate) fn execute(
    keyspace: &mut Keyspace,
    session: &mut Session,
    origin: Origin,
    words: &[String],
) -> Outcome {
    let args: Vec<Bytes> = words.iter().map(|word| Bytes::from(word.clone())).collect();
    keyspace.execute(session, context(origin), &args)
}

fn context(origin: Origin) -> Context {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let now_ms = u64::try_from(now.as_millis()).expect("a clock of this age");
    Context { now_ms, origin, protocol: Protocol::Resp2, may_block: false }
}

fn as_read(outcome: &Outcome) -> Reply {
    let mut bytes = BytesMut::new();
    outcome.reply.encode(Protocol::Resp2, &mut bytes);
    Reply::read(&mut &bytes[..]).expect("our reply is RESP")
}

fn pick<T: Copy>(prng: &mut Prng, from: &[T]) -> T {
    from[usize::try_from(prng.below(from.len() as u64)).expect("an index")]
}

/// An id of a stream that has got ids up to `newest`.
fn stream_id(prng: &mut Prng, newest: u64) -> String {
    let ms = newest.saturating_sub(prng.below(100));
    if prng.below(8) == 0 { format!("{ms}") } else { format!("{ms}-{}", prng.below(4)) }
}

/// What a word of a template stands for, also behind `_`: K key, V value, I integer, F fraction, M member, P position, C count,
/// S score, O condition of EXPIRE, W a long member, B a bound of scores, L a bound of names, A the number of a bit,
/// U the same or that of a field, T the type of a bit field, J one of many elements,
/// G a longitude, H a latitude, R a radius, Q its unit, N a number of any size.
/// Of streams: %x key, %g group, %c consumer, %t length, %n an id like the newest one, %u any id.
fn fill(word: &str, prng: &mut Prng, newest: &mut u64) -> String {
    let number = |prng: &mut Prng, below: i64| prng.below(below.unsigned_abs()).cast_signed();
    if let Some((prefix, word)) = word.split_once('_')
        && word.len() == 1
    {
        return format!("{prefix}_{}", fill(word, prng, newest));
    }
    match word {
        "K" => format!("k{}", prng.below(12)),
        "V" => match prng.below(6) {
            0 => String::new(),
            1 => "x".repeat(usize::try_from(prng.below(60)).expect("a length")),
            2 => format!("{}", number(prng, 1000)),
            3 => "0012".into(),
            _ => format!("value {}", prng.below(1000)),
        },
        "I" => match prng.below(8) {
            0 => "9223372036854775807".into(),
            1 => "-9223372036854775808".into(),
            2 => "007".into(),
            _ => format!("{}", number(prng, 200) - 100),
        },
        "F" => match prng.below(8) {
            0 => "1e3".into(),
            1 => "-0.1".into(),
            2 => "3.0000000000000000001".into(),
            3 => "inf".into(),
            4 => "123456789012345678".into(),
            _ => format!("{}.{}", number(prng, 200) - 100, prng.below(1000)),
        },
        "M" => match prng.below(3) {
            0 => format!("{}", number(prng, 40) - 20),
            _ => format!("m{}", prng.below(30)),
        },
        "D" => format!("{}", number(prng, 2000) - 1000),
        "W" => format!("{:w$}", prng.below(50), w = usize::try_from(prng.below(80)).expect("a length")),
        "P" => format!("{}", number(prng, 24) - 12),
        "C" => format!("{}", number(prng, 12) - 3),
        "S" => match prng.below(8) {
            0 => "inf".into(),
            1 => "-inf".into(),
            2 => "x".into(),
            3 => format!("{}.1", number(prng, 20) - 10),
            _ => format!("{}", number(prng, 20) - 10),
        },
        "B" => match prng.below(8) {
            0 => "-inf".into(),
            1 => "+inf".into(),
            2 => "(3".into(),
            3 => "x".into(),
            _ => format!("{}{}", if prng.below(3) == 0 { "(" } else { "" }, number(prng, 24) - 12),
        },
        "L" => match prng.below(8) {
            0 => "-".into(),
            1 => "+".into(),
            2 => "m".into(),
            _ => format!("{}m{}", if prng.below(2) == 0 { "(" } else { "[" }, prng.below(30)),
        },
        "A" => format!("{}", prng.below(130)),
        "U" => match prng.below(8) {
            0 => format!("#{}", prng.below(8)),
            _ => format!("{}", prng.below(130)),
        },
        "T" => format!("{}{}", pick(prng, &["i", "u"]), pick(prng, &[1, 2, 5, 8, 9, 16, 31, 63, 64])),
        "N" => {
            let number = prng.next_u64().cast_signed();
            format!("{}", number >> prng.below(64))
        }
        "J" => format!("element {}", prng.below(1_000_000)),
        "G" => match prng.below(4) {
            0 => format!("{}.{}", number(prng, 360) - 180, prng.below(1_000_000)),
            _ => format!("{}.{}", 10 + prng.below(6), prng.below(1_000_000)),
        },
        "H" => match prng.below(4) {
            0 => format!("{}.{}", number(prng, 170) - 85, prng.below(50_000)),
            _ => format!("{}.{}", 36 + prng.below(4), prng.below(1_000_000)),
        },
        "R" => match prng.below(8) {
            0 => "0".into(),
            1 => format!("{}", prng.below(10_000_000)),
            _ => format!("{}.{}", prng.below(500), prng.below(10)),
        },
        "Q" => pick(prng, &["m", "km", "km", "KM", "ft", "mi"]).into(),
        "O" => pick(prng, &["NX", "XX", "GT", "LT"]).into(),
        "%x" => format!("x{}", prng.below(4)),
        "%g" => format!("g{}", prng.below(4)),
        "%c" => format!("a{}", prng.below(4)),
        "%t" => format!("{}", prng.below(150)),
        "%u" => stream_id(prng, *newest),
        "(%u" => format!("({}", stream_id(prng, *newest)),
        // Ids grow slowly, so that the others meet them.
        "%n" => {
            *newest += prng.below(2);
            match prng.below(8) {
                0 => format!("{newest}"),
                1 => format!("{newest}-*"),
                _ => format!("{newest}-{}", prng.below(4)),
            }
        }
        "E" => pick(prng, &["LEFT", "RIGHT"]).into(),
        other => other.into(),
    }
}
