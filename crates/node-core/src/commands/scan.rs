//! Walking through keys: KEYS, SCAN, and the options that HSCAN, SSCAN and ZSCAN share with it.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Case, Categories, Flags, glob_match};

use super::args::{self, is};
use super::generic::visible;
use crate::command::{Command, Keys, docs};
use crate::entry::Entry;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number;

const READ: Flags = Flags::READONLY;
const KEYSPACE: Categories = Categories::KEYSPACE;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("keys", 2, READ, KEYSPACE.and(Categories::DANGEROUS),
        docs("generic", "1.0.0", "O(N) in the number of keys", "Lists the keys that match a pattern."), Keys::Arbitrary, keys),
    Command::new("scan", -2, READ, KEYSPACE,
        docs("generic", "2.8.0", "O(1) for each call", "Lists some keys, and where to go on."), Keys::Arbitrary, scan),
];

/// What the commands of the SCAN family are asked for.
pub(super) struct Scan {
    pub(super) cursor: u64,
    pub(super) count: u64,
    pattern: Option<Bytes>,
    kind: Option<Bytes>,
    /// HSCAN … NOVALUES.
    pub(super) names_only: bool,
}

/// Which option a command takes besides MATCH and COUNT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    None,
    Type,
    NoValues,
}

impl Scan {
    pub(super) fn cursor(word: &[u8]) -> Result<u64, Fault> {
        number::parse_u64(word).ok_or(Fault::INVALID_CURSOR)
    }

    pub(super) fn parse(cursor: u64, options: &[Bytes], extra: Extra) -> Result<Self, Fault> {
        let mut scan = Self { cursor, count: 10, pattern: None, kind: None, names_only: false };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if is(option, "novalues") && extra == Extra::NoValues {
                scan.names_only = true;
                continue;
            }
            let value = options.next().ok_or(Fault::SYNTAX)?;
            if is(option, "count") {
                let count = args::int(value)?;
                scan.count = u64::try_from(count).ok().filter(|count| *count > 0).ok_or(Fault::SYNTAX)?;
            } else if is(option, "match") {
                scan.pattern = Some(value.clone());
            } else if is(option, "type") && extra == Extra::Type {
                scan.kind = Some(value.clone());
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(scan)
    }

    pub(super) fn fits(&self, name: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| glob_match(pattern, name, Case::Sensitive))
    }

    /// The two parts of the reply.
    pub(super) fn reply(next: u64, items: Vec<Reply>) -> Reply {
        Reply::Array([Reply::Bulk(number::text(next)), Reply::Array(items)].into())
    }
}

/// `KEYS pattern`.
fn keys(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let matches = |key: &&[u8]| glob_match(&args[1], key, Case::Sensitive);
    let found = exec.db().keys().names().filter(matches).map(Bytes::copy_from_slice).collect();
    Ok(Reply::array(visible(exec, found)))
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`.
fn scan(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let scan = Scan::parse(Scan::cursor(&args[1])?, &args[2..], Extra::Type)?;
    let (positions, next) = exec.db().keys().scan_step(scan.cursor, scan.count);
    let db = exec.db();
    let is_kind = |entry: &Entry| scan.kind.as_ref().is_none_or(|wanted| is(wanted, entry.value.type_name()));
    let found = positions.filter_map(|at| db.at(at)).filter(|(key, entry)| is_kind(entry) && scan.fits(key));
    let found = found.map(|(key, _)| Bytes::copy_from_slice(key)).collect();
    Ok(Scan::reply(next, visible(exec, found).into_iter().map(Reply::Bulk).collect()))
}
