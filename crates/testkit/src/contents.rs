//! All data of a server in a form that can be compared with another's.

use std::collections::BTreeMap;
use std::io;

use crate::{Client, DataServer, Reply};

/// Each key with its database: what it holds, and when it expires in Unix milliseconds (-1 for never).
pub type Contents = BTreeMap<(u32, Vec<u8>), (Vec<Vec<u8>>, i64)>;

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
        ask(&mut client, &[b"SELECT", number.to_string().as_bytes()])?;
        let keys = ask(&mut client, &[b"KEYS", b"*"])?;
        for key in flat(&keys) {
            let expires = ask(&mut client, &[b"PEXPIRETIME", &key])?.int().unwrap_or(-1);
            let value = value(&mut client, &key)?;
            all.insert((number, key), (value, expires));
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
            let show = |held: Option<&(Vec<Vec<u8>>, i64)>| format!("{held:.300?}");
            text += &format!("db{db} {}: {} / {}\n", String::from_utf8_lossy(name), show(ours), show(theirs));
        }
    }
    text
}

fn value(client: &mut Client, key: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let kind = ask(client, &[b"TYPE", key])?.text().unwrap_or_default();
    let mut held = match kind.as_str() {
        "string" => flat(&ask(client, &[b"GET", key])?),
        "list" => flat(&ask(client, &[b"LRANGE", key, b"0", b"-1"])?),
        "zset" => flat(&ask(client, &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])?),
        "set" => {
            let mut members = flat(&ask(client, &[b"SMEMBERS", key])?);
            members.sort();
            members
        }
        "hash" => {
            let fields = flat(&ask(client, &[b"HGETALL", key])?);
            let mut pairs: Vec<&[Vec<u8>]> = fields.chunks(2).collect();
            pairs.sort();
            pairs.concat()
        }
        "stream" => {
            let mut held = flat(&ask(client, &[b"XRANGE", key, b"-", b"+"])?);
            held.extend(flat(&ask(client, &[b"XINFO", b"GROUPS", key])?));
            held
        }
        // It expired in between.
        "none" => Vec::new(),
        other => return Err(io::Error::other(format!("a key of type {other}"))),
    };
    held.insert(0, kind.into_bytes());
    Ok(held)
}

fn ask(client: &mut Client, args: &[&[u8]]) -> io::Result<Reply> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    client.send_raw(&bytes)?;
    match client.read()? {
        Reply::Error(text) => Err(io::Error::other(text)),
        reply => Ok(reply),
    }
}

/// All strings in a reply, in order.
fn flat(reply: &Reply) -> Vec<Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => vec![bytes.clone()],
        Reply::Array(items) => items.iter().flat_map(flat).collect(),
        other => other.text().map(String::into_bytes).into_iter().collect(),
    }
}
