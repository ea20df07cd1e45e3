//! Commands on hashes (`t_hash.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, Reply};
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use super::scan::{Extra, Scan};
use super::string::long_double;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::long_double::LongDouble;
use crate::number::{self, int, parse_i64};
use crate::types::{Hash, HashView};

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const GROW_FAST: Flags = WRITE_FAST.and(Flags::DENYOOM);
const HASH: Categories = Categories::HASH;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("hdel", -3, WRITE_FAST, HASH,
        docs("hash", "2.0.0", "O(N) in the number removed", "Removes fields."), Keys::One(1), hdel),
    Command::new("hexists", 3, READ_FAST, HASH,
        docs("hash", "2.0.0", "O(1)", "Tells whether a field exists."), Keys::One(1), hexists),
    Command::new("hget", 3, READ_FAST, HASH,
        docs("hash", "2.0.0", "O(1)", "Returns the value of a field."), Keys::One(1), hget),
    Command::new("hgetall", 2, READ, HASH,
        docs("hash", "2.0.0", "O(N) in the fields", "Returns all fields with their values."), Keys::One(1), hgetall),
    Command::new("hincrby", 4, GROW_FAST, HASH,
        docs("hash", "2.0.0", "O(1)", "Adds to the integer in a field."), Keys::One(1), hincrby),
    Command::new("hincrbyfloat", 4, GROW_FAST, HASH,
        docs("hash", "2.6.0", "O(1)", "Adds to the number with a fraction in a field."), Keys::One(1), hincrbyfloat),
    Command::new("hkeys", 2, READ, HASH,
        docs("hash", "2.0.0", "O(N) in the fields", "Returns all fields."), Keys::One(1), hkeys),
    Command::new("hlen", 2, READ_FAST, HASH,
        docs("hash", "2.0.0", "O(1)", "Counts the fields."), Keys::One(1), hlen),
    Command::new("hmget", -3, READ_FAST, HASH,
        docs("hash", "2.0.0", "O(N) in the number asked for", "Returns the values of several fields."), Keys::One(1), hmget),
    Command::new("hmset", -4, GROW_FAST, HASH,
        docs("hash", "2.0.0", "O(N) in the number of fields", "Sets fields; the old form of HSET."), Keys::One(1),
        |exec, args| hset_fields(exec, args, "hmset").map(|_| Reply::ok())),
    Command::new("hrandfield", -2, READ, HASH,
        docs("hash", "6.2.0", "O(N) in the number returned", "Returns any fields."), Keys::One(1), hrandfield),
    Command::new("hscan", -3, READ, HASH,
        docs("hash", "2.8.0", "O(1) for each call", "Lists some fields, and where to go on."), Keys::One(1), hscan),
    Command::new("hset", -4, GROW_FAST, HASH,
        docs("hash", "2.0.0", "O(N) in the number of fields", "Sets fields."), Keys::One(1),
        |exec, args| hset_fields(exec, args, "hset").map(Reply::Integer)),
    Command::new("hsetnx", 4, GROW_FAST, HASH,
        docs("hash", "2.0.0", "O(1)", "Sets a field that does not exist."), Keys::One(1), hsetnx),
    Command::new("hstrlen", 3, READ_FAST, HASH,
        docs("hash", "3.2.0", "O(1)", "Counts the bytes of the value of a field."), Keys::One(1), hstrlen),
    Command::new("hvals", 2, READ, HASH,
        docs("hash", "2.0.0", "O(N) in the fields", "Returns the values of all fields."), Keys::One(1), hvals),
];

/// `HSET key field value [field value ...]`: how many fields are new.
fn hset_fields(exec: &mut Exec, args: &[Bytes], name: &str) -> Result<i64, Fault> {
    if !args.len().is_multiple_of(2) {
        return Err(Fault::wrong_arity(name));
    }
    let settings = exec.keyspace.settings.clone();
    let hash = exec.get_or_create::<Hash>(&args[1])?;
    let pairs = args[2..].chunks_exact(2);
    let new = pairs.filter(|pair| hash.insert(&pair[0], &pair[1], &settings)).count();
    exec.changed_by(&args[1], args.len() / 2 - 1);
    Ok(int(new))
}

/// `HSETNX key field value`.
fn hsetnx(exec: &mut Exec, args: &[Bytes]) -> Answer {
    exec.expire_field(&args[1], &args[2]);
    if exec.hash(&args[1])?.is_some_and(|hash| hash.get(&args[2]).is_some()) {
        return Ok(Reply::Integer(0));
    }
    hset_fields(exec, args, "hsetnx").map(Reply::Integer)
}

/// `HDEL key field [field ...]`.
fn hdel(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(hash) = exec.get_mut::<Hash>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let removed = args[2..].iter().filter(|field| hash.remove(field)).count();
    if removed > 0 {
        exec.changed_collection(&args[1], removed);
    }
    Ok(Reply::Integer(int(removed)))
}

/// `HGET key field`.
fn hget(exec: &mut Exec, args: &[Bytes]) -> Answer {
    exec.expire_field(&args[1], &args[2]);
    Ok(exec.hash(&args[1])?.and_then(|hash| hash.get(&args[2])).map(own).into())
}

/// `HMGET key field [field ...]`.
fn hmget(exec: &mut Exec, args: &[Bytes]) -> Answer {
    args[2..].iter().for_each(|field| exec.expire_field(&args[1], field));
    let hash = exec.hash(&args[1])?;
    let value = |field: &Bytes| hash.and_then(|hash| hash.get(field)).map(own);
    Ok(Reply::array(args[2..].iter().map(value)))
}

/// `HEXISTS key field`.
fn hexists(exec: &mut Exec, args: &[Bytes]) -> Answer {
    exec.expire_field(&args[1], &args[2]);
    let found = exec.hash(&args[1])?.is_some_and(|hash| hash.get(&args[2]).is_some());
    Ok(Reply::Integer(i64::from(found)))
}

/// `HLEN key`.
fn hlen(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.get::<Hash>(&args[1])?.map_or(0, Hash::len))))
}

/// `HSTRLEN key field`.
fn hstrlen(exec: &mut Exec, args: &[Bytes]) -> Answer {
    exec.expire_field(&args[1], &args[2]);
    let value = exec.hash(&args[1])?.and_then(|hash| hash.get(&args[2]));
    Ok(Reply::Integer(int(value.map_or(0, <[u8]>::len))))
}

/// `HGETALL key`.
fn hgetall(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let fields = exec.hash(&args[1])?.into_iter().flat_map(HashView::iter);
    Ok(Reply::map(fields.map(|(field, value)| (own(field), own(value)))))
}

/// `HKEYS key`.
fn hkeys(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let fields = exec.hash(&args[1])?.into_iter().flat_map(HashView::iter);
    Ok(Reply::array(fields.map(|(field, _)| own(field))))
}

/// `HVALS key`.
fn hvals(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let fields = exec.hash(&args[1])?.into_iter().flat_map(HashView::iter);
    Ok(Reply::array(fields.map(|(_, value)| own(value))))
}

/// `HINCRBY key field increment`.
fn hincrby(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let by = args::int(&args[3])?;
    let settings = exec.keyspace.settings.clone();
    exec.expire_field(&args[1], &args[2]);
    let old = match exec.hash(&args[1])?.and_then(|hash| hash.get(&args[2])) {
        None => 0,
        Some(value) => parse_i64(value).ok_or(Fault::HASH_NOT_INTEGER)?,
    };
    let new = old.checked_add(by).ok_or(Fault::OVERFLOW)?;
    exec.get_or_create::<Hash>(&args[1])?.update(&args[2], &number::text(new), &settings);
    exec.changed(&args[1]);
    Ok(Reply::Integer(new))
}

/// `HINCRBYFLOAT key field increment`.
///
/// Differs from Redis, whose HSET makes the field live for ever on replicas: here they are told its time too.
fn hincrbyfloat(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (key, field) = (&args[1], &args[2]);
    let by = long_double(&args[3]).ok_or(Fault::NOT_FLOAT)?;
    let by = by.ok_or_else(|| Fault::new("ERR value is NaN or Infinity"))?;
    let settings = exec.keyspace.settings.clone();
    exec.expire_field(key, field);
    let old = match exec.hash(key)?.and_then(|hash| hash.get(field)) {
        None => Some(LongDouble::ZERO),
        Some(value) => long_double(value).ok_or(Fault::HASH_NOT_FLOAT)?,
    };
    let new = old.and_then(|old| old.plus(&by)).ok_or(Fault::NAN_OR_INFINITY)?;
    let text = Bytes::from(new.text());
    exec.get_or_create::<Hash>(key)?.update(field, &text, &settings);
    exec.changed(key);
    exec.propagate([Bytes::from_static(b"HSET"), key.clone(), field.clone(), text.clone()]);
    if let Some(at) = exec.get::<Hash>(key)?.and_then(|hash| hash.field_expiry(field)) {
        let word = Bytes::from_static;
        let (at, fields, one) = (number::text(at), word(b"FIELDS"), word(b"1"));
        exec.propagate([word(b"HPEXPIREAT"), key.clone(), at, fields, one, field.clone()]);
    }
    Ok(Reply::Bulk(text))
}

/// `HRANDFIELD key [count [WITHVALUES]]`.
fn hrandfield(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (count, with_values) = match &args[2..] {
        [] => (None, false),
        [count] => (Some(args::draw_count(count, i64::MAX)?), false),
        [count, option] => {
            let count = args::int_between(count, -i64::MAX, i64::MAX)?;
            if !is(option, "withvalues") {
                return Err(Fault::SYNTAX);
            }
            (Some(args::draw_pairs_count(count)?), true)
        }
        _ => return Err(Fault::SYNTAX),
    };
    exec.expire_fields(&args[1]);
    let Some(hash) = exec.hash(&args[1])? else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let all_len = hash.all().len();
    // Only a replica hides something that is still there.
    let seen =
        hash.hides_some().then(|| (0..all_len).filter(|at| hash.at(*at).is_some()).collect::<Vec<_>>());
    let len = seen.as_ref().map_or(all_len, Vec::len);
    let mut positions = args::draw(&mut exec.keyspace.prng, len, count.unwrap_or(1));
    if let Some(seen) = seen {
        positions.iter_mut().for_each(|position| *position = seen[*position]);
    }
    let protocol = exec.context.protocol;
    let hash = exec.hash(&args[1])?;
    let mut fields = positions.iter().filter_map(|at| hash.and_then(|hash| hash.at(*at)));
    if count.is_none() {
        return Ok(fields.next().map(|(field, _)| own(field)).into());
    }
    if with_values {
        return Ok(pairs(fields.map(|(field, value)| (own(field), own(value).into())), protocol));
    }
    Ok(Reply::array(fields.map(|(field, _)| own(field))))
}

/// Pairs as replies that are arrays of pairs in RESP3 and flat in RESP2.
pub(super) fn pairs(items: impl Iterator<Item = (Bytes, Reply)>, protocol: Protocol) -> Reply {
    let pair = |(name, value)| [Reply::Bulk(name), value];
    match protocol {
        Protocol::Resp2 => Reply::Array(items.flat_map(pair).collect()),
        Protocol::Resp3 => Reply::Array(items.map(|item| Reply::Array(pair(item).into())).collect()),
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`.
fn hscan(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let cursor = Scan::cursor(&args[2])?;
    let Some(hash) = exec.hash(&args[1])? else {
        return Ok(Scan::reply(0, Vec::new()));
    };
    let scan = Scan::parse(cursor, &args[3..], Extra::NoValues)?;
    let (positions, next) = hash.all().scan_step(scan.cursor, scan.count);
    let mut items = Vec::new();
    for (field, value) in positions.filter_map(|at| hash.at(at)).filter(|(field, _)| scan.fits(field)) {
        items.push(Reply::Bulk(own(field)));
        if !scan.names_only {
            items.push(Reply::Bulk(own(value)));
        }
    }
    Ok(Scan::reply(next, items))
}
