//! All data of a server in a form that can be compared with another's.

use std::collections::BTreeMap;
use std::io;

use crate::{DataServer, Reply};

/// Each key with its database: what it holds, and when it expires in Unix milliseconds (-1 for never).
pub type Contents = BTreeMap<(u32, Vec<u8>), (Vec<Vec<u8>>, i64)>;

type Command = Vec<Vec<u8>>;

/// Everything that is in a server's databases. Members of sets, hashes and sorted sets are sorted, so that two servers
/// with the same data are equal.
///
/// # Errors
/// When the server does not answer, or says that it cannot.
pub fn contents(server: &DataServer) -> io::Result<Contents> {
    let mut client = server.client()?;
    let mut all = Contents::new();
    let databases = client.cmd(&["INFO", "keyspace"])?.text().unwrap_or_default();
    for line in databases.lines() {
        let Some((number, _)) = line.strip_prefix("db").and_then(|line| line.split_once(':')) else {
            continue;
        };
        let number: u32 = number.parse().map_err(io::Error::other)?;
        good(client.cmd(&["SELECT", &number.to_string()])?)?;
        let keys = flat(&good(client.cmd(&["KEYS", "*"])?)?);
        let each = |word: &str| -> Vec<Command> {
            keys.iter().map(|key| vec![word.as_bytes().to_vec(), key.clone()]).collect()
        };
        let expiries = client.pipeline(&each("PEXPIRETIME"))?;
        let kinds: Vec<String> =
            client.pipeline(&each("TYPE"))?.iter().map(|kind| kind.text().unwrap_or_default()).collect();
        let reads: Vec<Vec<Command>> =
            keys.iter().zip(&kinds).map(|(key, kind)| reads(kind, key)).collect::<io::Result<_>>()?;
        let mut replies = client.pipeline(&reads.concat())?.into_iter();
        for (((key, kind), expires), reads) in keys.into_iter().zip(kinds).zip(expiries).zip(reads) {
            let replies = replies.by_ref().take(reads.len()).map(good).collect::<io::Result<Vec<_>>>()?;
            let mut held = vec![kind.clone().into_bytes()];
            held.extend(value(&kind, &replies));
            all.insert((number, key), (held, good(expires)?.int().unwrap_or(-1)));
        }
    }
    Ok(all)
}

/// The first differences between two servers' data as text; empty if there are none.
#[must_use]
pub fn differences(a: &Contents, b: &Contents) -> String {
    let mut text = String::new();
    for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
        let (ours, theirs) = (a.get(key), b.get(key));
        if ours != theirs && text.len() < 2000 {
            let (db, name) = key;
            text += &format!("db{db} {}: {}\n", String::from_utf8_lossy(name), difference(ours, theirs));
        }
    }
    text
}

/// Where two values differ first, with what is around it.
fn difference(ours: Option<&(Vec<Vec<u8>>, i64)>, theirs: Option<&(Vec<Vec<u8>>, i64)>) -> String {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return if ours.is_some() { "there / missing".into() } else { "missing / there".into() };
    };
    if ours.0 == theirs.0 {
        return format!("expires at {} / {}", ours.1, theirs.1);
    }
    let at = ours.0.iter().zip(&theirs.0).take_while(|(our, their)| our == their).count();
    let show = |parts: &[Vec<u8>]| {
        let some = parts.iter().skip(at.saturating_sub(3)).take(8);
        some.map(|part| format!("{:.60}", part.escape_ascii().to_string())).collect::<Vec<_>>().join(" ")
    };
    let (lens, kind) = ([ours.0.len(), theirs.0.len()], ours.0[0].escape_ascii());
    format!("{kind}, part {at} of {} / {}: … {} / … {}", lens[0], lens[1], show(&ours.0), show(&theirs.0))
}

/// The commands that read a whole value.
fn reads(kind: &str, key: &[u8]) -> io::Result<Vec<Command>> {
    let command = |before: &[&str], behind: &[&str]| -> Command {
        let bytes = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Command>();
        [bytes(before), vec![key.to_vec()], bytes(behind)].concat()
    };
    Ok(match kind {
        "string" => vec![command(&["GET"], &[])],
        "list" => vec![command(&["LRANGE"], &["0", "-1"])],
        "zset" => vec![command(&["ZRANGE"], &["0", "-1", "WITHSCORES"])],
        "set" => vec![command(&["SMEMBERS"], &[])],
        "hash" => vec![command(&["HGETALL"], &[])],
        "stream" => {
            vec![command(&["XRANGE"], &["-", "+"]), command(&["XINFO", "STREAM"], &["FULL", "COUNT", "0"])]
        }
        // It expired in between.
        "none" => Vec::new(),
        other => return Err(io::Error::other(format!("a key of type {other}"))),
    })
}

/// What those commands were answered, in one order for equal data.
fn value(kind: &str, replies: &[Reply]) -> Vec<Vec<u8>> {
    match (kind, replies) {
        ("set", [members]) => {
            let mut members = flat(members);
            members.sort();
            members
        }
        ("hash", [fields]) => {
            let fields = flat(fields);
            let mut pairs: Vec<&[Vec<u8>]> = fields.chunks(2).collect();
            pairs.sort();
            pairs.concat()
        }
        ("stream", [entries, full]) => [flat(entries), stream_facts(full)].concat(),
        _ => replies.iter().flat_map(flat).collect(),
    }
}

fn good(reply: Reply) -> io::Result<Reply> {
    match reply {
        Reply::Error(text) => Err(io::Error::other(text)),
        reply => Ok(reply),
    }
}

/// What XINFO STREAM FULL tells of a stream beside its entries: figures, groups, consumers and what is pending.
///
/// Left out is what is no data (nodes of a tree, when somebody was last seen), and how many entries a group has read:
/// Redis before 7.4 does not tell its replicas.
fn stream_facts(full: &Reply) -> Vec<Vec<u8>> {
    const PASSED_OVER: [&str; 8] = [
        "radix-tree-keys",
        "radix-tree-nodes",
        "entries",
        "seen-time",
        "active-time",
        "seen-timestamp",
        "entries-read",
        "lag",
    ];
    let mut facts = Vec::new();
    let mut items = full.items().iter();
    while let Some(item) = items.next() {
        match item {
            Reply::Bulk(name) if PASSED_OVER.iter().any(|passed| passed.as_bytes() == name) => {
                items.next();
            }
            Reply::Array(_) => facts.extend(stream_facts(item)),
            other => facts.extend(flat(other)),
        }
    }
    facts
}

/// All strings in a reply, in order.
fn flat(reply: &Reply) -> Vec<Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => vec![bytes.clone()],
        Reply::Array(items) => items.iter().flat_map(flat).collect(),
        other => other.text().map(String::into_bytes).into_iter().collect(),
    }
}
