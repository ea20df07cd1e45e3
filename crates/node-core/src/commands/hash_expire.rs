//! Times to live of the fields of hashes (`t_hash.c: hexpireGenericCommand, httlGenericCommand`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::expire::{Conditions, From, Unit, absolute, is_past};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{int, parse_i64, text};
use crate::types::Hash;

const READ: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE.and(Flags::FAST);
const GROW: Flags = WRITE.and(Flags::DENYOOM);
const HASH: Categories = Categories::HASH;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("hexpire", -6, GROW, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Gives fields some seconds to live."), Keys::One(1),
        |exec, args| expire(exec, args, "hexpire", Unit::Seconds, From::Now)),
    Command::new("hexpireat", -6, GROW, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Gives fields until that second to live."), Keys::One(1),
        |exec, args| expire(exec, args, "hexpireat", Unit::Seconds, From::Epoch)),
    Command::new("hexpiretime", -5, READ, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Tells in which second fields expire."), Keys::One(1),
        |exec, args| time(exec, args, Unit::Seconds, From::Epoch)),
    Command::new("hpersist", -5, WRITE, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Takes the time to live off fields."), Keys::One(1), persist),
    Command::new("hpexpire", -6, GROW, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Gives fields some milliseconds to live."), Keys::One(1),
        |exec, args| expire(exec, args, "hpexpire", Unit::Millis, From::Now)),
    Command::new("hpexpireat", -6, GROW, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Gives fields until that millisecond to live."), Keys::One(1),
        |exec, args| expire(exec, args, "hpexpireat", Unit::Millis, From::Epoch)),
    Command::new("hpexpiretime", -5, READ, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Tells in which millisecond fields expire."), Keys::One(1),
        |exec, args| time(exec, args, Unit::Millis, From::Epoch)),
    Command::new("hpttl", -5, READ, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Tells how many milliseconds fields have to live."), Keys::One(1),
        |exec, args| time(exec, args, Unit::Millis, From::Now)),
    Command::new("httl", -5, READ, HASH,
        docs("hash", "7.4.0", "O(N) in the number of fields", "Tells how many seconds fields have to live."), Keys::One(1),
        |exec, args| time(exec, args, Unit::Seconds, From::Now)),
];

/// The latest time that a client may give, in milliseconds since the epoch.
const TIME_MAX_MS: i64 = ((1 << 48) - 1) >> 2;

/// There is no such field.
const NO_FIELD: i64 = -2;
/// The field does not expire.
const NO_TTL: i64 = -1;

/// `FIELDS count field [field ...]`.
fn fields<'a>(words: &'a [Bytes], not_positive: &'static str) -> Result<&'a [Bytes], Fault> {
    let [name, count, fields @ ..] = words else {
        return Err(Fault::SYNTAX);
    };
    if !is(name, "fields") {
        return Err(Fault::of("ERR Mandatory argument FIELDS is missing or not at the right position"));
    }
    let count = parse_i64(count).filter(|count| *count > 0).ok_or(Fault::of(not_positive))?;
    if count != int(fields.len()) {
        return Err(Fault::of("ERR The `numfields` parameter must match the number of arguments"));
    }
    Ok(fields)
}

fn all(fields: &[Bytes], reply: i64) -> Answer {
    Ok(Reply::array(fields.iter().map(|_| reply)))
}

/// The time that HEXPIRE and its kin are given, in milliseconds since the epoch.
fn parse_time(exec: &Exec, word: &[u8], name: &str, unit: Unit, from: From) -> Result<i64, Fault> {
    let value = args::int(word)?;
    if value < 0 {
        return Err(Fault::of("ERR invalid expire time, must be >= 0"));
    }
    let at = absolute(exec, value, unit, from).filter(|at| *at <= TIME_MAX_MS);
    at.ok_or_else(|| Fault::invalid_expire(name))
}

/// `HEXPIRE key time [NX|XX|GT|LT] FIELDS count field [field ...]` and its kin.
fn expire(exec: &mut Exec, args: &[Bytes], name: &str, unit: Unit, from: From) -> Answer {
    let key = &args[1];
    exec.get::<Hash>(key)?;
    let at = parse_time(exec, &args[2], name, unit, from)?;
    let is_condition = ["nx", "xx", "gt", "lt"].iter().any(|condition| is(&args[3], condition));
    let (options, words) = args[3..].split_at(usize::from(is_condition));
    let conditions = Conditions::parse(options)?;
    let fields = fields(words, "ERR Parameter `numFields` should be greater than 0")?;
    let is_past = is_past(exec, at);
    let Some(hash) = exec.get_mut::<Hash>(key)? else {
        return all(fields, NO_FIELD);
    };
    hash.allow_ttls();
    let (mut replies, mut done) = (Vec::new(), Vec::new());
    for field in fields {
        let reply = if hash.get(field).is_none() {
            NO_FIELD
        } else if !conditions.allow(hash.field_expiry(field), at) {
            0
        } else if is_past {
            hash.remove(field);
            done.push(field.clone());
            2
        } else {
            hash.set_field_expiry(field, u64::try_from(at).ok());
            done.push(field.clone());
            1
        };
        replies.push(reply);
    }
    if !done.is_empty() {
        exec.changed_collection(key, done.len());
    }
    if is_past {
        for field in done {
            exec.propagate([Bytes::from_static(b"HDEL"), key.clone(), field]);
        }
    } else if !done.is_empty() {
        let is_canonical = (unit, from) == (Unit::Millis, From::Epoch);
        let name = if is_canonical { args[0].clone() } else { Bytes::from_static(b"HPEXPIREAT") };
        let head = [name, key.clone(), text(at)].into_iter().chain(options.iter().cloned());
        let count = [words[0].clone(), text(done.len())];
        exec.propagate(head.chain(count).chain(done));
    }
    Ok(Reply::array(replies))
}

const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

/// `HTTL key FIELDS count field [field ...]` and its kin.
fn time(exec: &mut Exec, args: &[Bytes], unit: Unit, from: From) -> Answer {
    let now_ms = if from == From::Now { exec.now_ms() } else { 0 };
    exec.get::<Hash>(&args[1])?;
    let fields = fields(&args[2..], NOT_POSITIVE)?;
    let Some(hash) = exec.hash(&args[1])? else {
        return all(fields, NO_FIELD);
    };
    let reply = |field: &Bytes| match hash.field_expiry(field) {
        None => NO_FIELD,
        Some(None) => NO_TTL,
        Some(Some(at)) => {
            let millis = at.saturating_sub(now_ms);
            let value = if unit == Unit::Millis { millis } else { millis.div_ceil(1000) };
            i64::try_from(value).unwrap_or(i64::MAX)
        }
    };
    Ok(Reply::array(fields.iter().map(reply)))
}

/// `HPERSIST key FIELDS count field [field ...]`.
fn persist(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    exec.get::<Hash>(key)?;
    let fields = fields(&args[2..], NOT_POSITIVE)?;
    let mut replies = Vec::new();
    // However many fields there are, it is one change.
    let mut changes = 1;
    for field in fields {
        let expiry = exec.hash(key)?.and_then(|hash| hash.field_expiry(field));
        replies.push(match expiry {
            None => NO_FIELD,
            Some(None) => NO_TTL,
            Some(Some(_)) => {
                if let Some(hash) = exec.get_mut::<Hash>(key)? {
                    hash.set_field_expiry(field, None);
                }
                exec.changed_by(key, core::mem::take(&mut changes));
                1
            }
        });
    }
    Ok(Reply::array(replies))
}
