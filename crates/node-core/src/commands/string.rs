//! Commands on strings (`t_string.c`).

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::expire::{From, Unit, absolute, is_past};
use crate::command::{Command, Keys, docs};
use crate::exec::{Exec, Origin};
use crate::fault::{Answer, Fault};
#[cfg(feature = "full")]
use crate::long_double::LongDouble;
use crate::number::{self, int};
use crate::types::Str;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const STRING: Categories = Categories::STRING;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("append", 3, WRITE_FAST, STRING,
        docs("string", "2.0.0", "O(1)", "Adds bytes at the end of a string."), Keys::One(1), append),
    Command::new("decr", 2, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Takes one off an integer."), Keys::One(1),
        |exec, args| add(exec, args, -1)),
    Command::new("decrby", 3, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Takes some off an integer."), Keys::One(1), decrby),
    Command::new("get", 2, READ_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Returns a string."), Keys::One(1), get),
    Command::new("getdel", 2, Flags::WRITE.and(Flags::FAST), STRING,
        docs("string", "6.2.0", "O(1)", "Returns a string and removes it."), Keys::One(1), getdel),
    Command::new("getex", -2, Flags::WRITE.and(Flags::FAST), STRING,
        docs("string", "6.2.0", "O(1)", "Returns a string and changes its time to live."), Keys::One(1), getex),
    Command::new("getrange", 4, READ, STRING,
        docs("string", "2.4.0", "O(N) in the number of bytes", "Returns a part of a string."), Keys::One(1), getrange),
    Command::new("getset", 3, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Sets a string and returns the one before."), Keys::One(1), getset),
    Command::new("incr", 2, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Adds one to an integer."), Keys::One(1),
        |exec, args| add(exec, args, 1)),
    Command::new("incrby", 3, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Adds some to an integer."), Keys::One(1),
        |exec, args| { let by = args::int(&args[2])?; add(exec, args, by) }),
    Command::new("mget", -2, READ_FAST, STRING,
        docs("string", "1.0.0", "O(N) in the number of keys", "Returns several strings."), Keys::AllFrom(1), mget),
    Command::new("mset", -3, WRITE, STRING,
        docs("string", "1.0.1", "O(N) in the number of keys", "Sets several strings."), Keys::PairsFrom(1), mset),
    Command::new("msetnx", -3, WRITE, STRING,
        docs("string", "1.0.1", "O(N) in the number of keys", "Sets several strings if none of the keys exists."),
        Keys::PairsFrom(1), msetnx),
    Command::new("psetex", 4, WRITE, STRING,
        docs("string", "2.6.0", "O(1)", "Sets a string for some milliseconds."), Keys::One(1),
        |exec, args| setex(exec, args, "psetex", Unit::Millis)),
    Command::new("set", -3, WRITE, STRING,
        docs("string", "1.0.0", "O(1)", "Sets a string."), Keys::One(1), set),
    Command::new("setex", 4, WRITE, STRING,
        docs("string", "2.0.0", "O(1)", "Sets a string for some seconds."), Keys::One(1),
        |exec, args| setex(exec, args, "setex", Unit::Seconds)),
    Command::new("setnx", 3, WRITE_FAST, STRING,
        docs("string", "1.0.0", "O(1)", "Sets a string if the key does not exist."), Keys::One(1), setnx),
    Command::new("setrange", 4, WRITE, STRING,
        docs("string", "2.2.0", "O(N) in the number of bytes", "Overwrites a part of a string."), Keys::One(1), setrange),
    Command::new("strlen", 2, READ_FAST, STRING,
        docs("string", "2.2.0", "O(1)", "Counts the bytes of a string."), Keys::One(1), strlen),
    Command::new("substr", 4, READ, STRING,
        docs("string", "1.0.0", "O(N) in the number of bytes", "Returns a part of a string; the old name of GETRANGE."),
        Keys::One(1), getrange),
];

/// What only `full` builds have: sums in 80 bits.
#[cfg(feature = "full")]
#[rustfmt::skip]
pub(super) const FLOAT_TABLE: &[Command] = &[
    Command::new("incrbyfloat", 3, WRITE_FAST, STRING,
        docs("string", "2.6.0", "O(1)", "Adds to a number with a fraction."), Keys::One(1), incrbyfloat),
];

/// How long a string of the master may be whatever our settings say.
///
/// Differs from Redis, which takes any length from its master, until memory ends.
const MASTER_LEN_MAX: u64 = 4 << 30;

/// The options of SET and GETEX.
#[derive(Default)]
struct Options<'a> {
    nx: bool,
    xx: bool,
    get: bool,
    keep_ttl: bool,
    persist: bool,
    expiry: Option<Expiry<'a>>,
}

struct Expiry<'a> {
    value: &'a Bytes,
    unit: Unit,
    from: From,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OptionsOf {
    Set,
    Getex,
}

impl<'a> Options<'a> {
    fn parse(words: &'a [Bytes], of: OptionsOf) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let no_ttl_yet = !options.keep_ttl && !options.persist && options.expiry.is_none();
            if of == OptionsOf::Set && is(word, "nx") && !options.xx {
                options.nx = true;
            } else if of == OptionsOf::Set && is(word, "xx") && !options.nx {
                options.xx = true;
            } else if of == OptionsOf::Set && is(word, "get") {
                options.get = true;
            } else if of == OptionsOf::Set
                && is(word, "keepttl")
                && !options.persist
                && options.expiry.is_none()
            {
                options.keep_ttl = true;
            } else if of == OptionsOf::Getex && is(word, "persist") && options.expiry.is_none() {
                options.persist = true;
            } else if let (Some((unit, from)), true) = (expiry_option(word), no_ttl_yet)
                && let Some(value) = words.next()
            {
                options.expiry = Some(Expiry { value, unit, from });
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(options)
    }
}

impl Expiry<'_> {
    /// Milliseconds since the epoch.
    fn at(&self, exec: &Exec, name: &str) -> Result<u64, Fault> {
        let invalid = || Fault::invalid_expire(name);
        let value = args::int(self.value)?;
        if value <= 0 {
            return Err(invalid());
        }
        let at = absolute(exec, value, self.unit, self.from).ok_or_else(invalid)?;
        u64::try_from(at).map_err(|_| invalid())
    }
}

fn expiry_option(word: &[u8]) -> Option<(Unit, From)> {
    [
        ("ex", Unit::Seconds, From::Now),
        ("px", Unit::Millis, From::Now),
        ("exat", Unit::Seconds, From::Epoch),
        ("pxat", Unit::Millis, From::Epoch),
    ]
    .iter()
    .find(|(name, ..)| is(word, name))
    .map(|(_, unit, from)| (*unit, *from))
}

/// `SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`.
fn set(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (key, value) = (&args[1], &args[2]);
    let options = Options::parse(&args[3..], OptionsOf::Set)?;
    let at = options.expiry.as_ref().map(|expiry| expiry.at(exec, "set")).transpose()?;
    let old = if options.get { Some(exec.get::<Str>(key)?.map(Str::bytes)) } else { None };
    let found = exec.find(key);
    if options.nx && found.is_some() || options.xx && found.is_none() {
        return Ok(old.map_or(Reply::Null, Reply::from));
    }
    if options.keep_ttl {
        exec.set_keep_ttl(key, Str::of(value));
    } else {
        exec.set_found(found, key, Str::of(value), at);
    }
    let is_canonical = args.len() == 5 && is(&args[3], "pxat");
    if let (Some(at), false) = (at, is_canonical) {
        propagate_set(exec, key, value, Some(at));
    } else if options.get {
        exec.propagate(args.iter().take(3).chain(args[3..].iter().filter(|word| !is(word, "get"))).cloned());
    }
    Ok(old.map_or_else(Reply::ok, Reply::from))
}

fn propagate_set(exec: &mut Exec, key: &Bytes, value: &Bytes, at: Option<u64>) {
    let words = [Bytes::from_static(b"SET"), key.clone(), value.clone()];
    let expiry = at.map(|at| [Bytes::from_static(b"PXAT"), number::text(at)]);
    exec.propagate(words.into_iter().chain(expiry.into_iter().flatten()));
}

/// `SETEX key seconds value` and `PSETEX`.
fn setex(exec: &mut Exec, args: &[Bytes], name: &str, unit: Unit) -> Answer {
    let (key, value) = (&args[1], &args[3]);
    let at = Expiry { value: &args[2], unit, from: From::Now }.at(exec, name)?;
    exec.touch(key);
    exec.set_in(exec.session.db, key, Str::of(value), Some(at));
    propagate_set(exec, key, value, Some(at));
    Ok(Reply::ok())
}

/// `SETNX key value`.
fn setnx(exec: &mut Exec, args: &[Bytes]) -> Answer {
    if exec.touch(&args[1]) {
        return Ok(Reply::Integer(0));
    }
    exec.set(&args[1], Str::of(&args[2]));
    Ok(Reply::Integer(1))
}

/// `GET key`.
fn get(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(exec.get::<Str>(&args[1])?.map(Str::bytes).into())
}

/// `GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]`.
fn getex(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let options = Options::parse(&args[2..], OptionsOf::Getex)?;
    let Some(value) = exec.get::<Str>(key)?.map(Str::bytes) else {
        return Ok(Reply::Null);
    };
    if let Some(expiry) = options.expiry {
        let at = expiry.at(exec, "getex")?;
        if expiry.from == From::Epoch && is_past(exec, i64::try_from(at).unwrap_or(i64::MAX)) {
            exec.remove(key);
            let lazy = exec.keyspace.settings.lazyfree_lazy_expire;
            exec.propagate_del(key, lazy);
        } else {
            exec.db_mut().set_expiry(key, Some(at));
            exec.changed(key);
            exec.propagate([Bytes::from_static(b"PEXPIREAT"), key.clone(), number::text(at)]);
        }
    } else if options.persist && exec.db().get(key).is_some_and(|entry| entry.expire_at().is_some()) {
        exec.db_mut().set_expiry(key, None);
        exec.changed(key);
        exec.propagate([Bytes::from_static(b"PERSIST"), key.clone()]);
    }
    Ok(Reply::Bulk(value))
}

/// `GETDEL key`.
fn getdel(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(value) = exec.get::<Str>(&args[1])?.map(Str::bytes) else {
        return Ok(Reply::Null);
    };
    exec.remove(&args[1]);
    exec.propagate_del(&args[1], false);
    Ok(Reply::Bulk(value))
}

/// `GETSET key value`.
fn getset(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let old = exec.get::<Str>(&args[1])?.map(Str::bytes);
    exec.set(&args[1], Str::of(&args[2]));
    propagate_set(exec, &args[1], &args[2], None);
    Ok(old.into())
}

/// `MGET key [key ...]`: null also for what is no string.
fn mget(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let value = |key: &Bytes| exec.get::<Str>(key).ok().flatten().map(Str::bytes);
    Ok(Reply::array(args[1..].iter().map(value)))
}

/// `MSET key value [key value ...]`.
fn mset(exec: &mut Exec, args: &[Bytes]) -> Answer {
    set_pairs(exec, args, "mset", |_| true).map(|_| Reply::ok())
}

/// `MSETNX key value [key value ...]`.
fn msetnx(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let none_exists =
        |exec: &mut Exec| args[1..].chunks_exact(2).filter(|pair| exec.touch(&pair[0])).count() == 0;
    set_pairs(exec, args, "msetnx", none_exists).map(|done| Reply::Integer(i64::from(done)))
}

fn set_pairs(
    exec: &mut Exec,
    args: &[Bytes],
    name: &str,
    may: impl FnOnce(&mut Exec) -> bool,
) -> Result<bool, Fault> {
    if args.len().is_multiple_of(2) {
        return Err(Fault::wrong_arity(name));
    }
    if !may(exec) {
        return Ok(false);
    }
    for pair in args[1..].chunks_exact(2) {
        exec.touch(&pair[0]);
        exec.set(&pair[0], Str::of(&pair[1]));
    }
    Ok(true)
}

/// `DECRBY key decrement`.
fn decrby(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let by = args::int(&args[2])?.checked_neg().ok_or(Fault::DECREMENT_OVERFLOW)?;
    add(exec, args, by)
}

fn add(exec: &mut Exec, args: &[Bytes], by: i64) -> Answer {
    let key = &args[1];
    let found = exec.find(key);
    let old = match exec.found::<Str>(found)? {
        None => 0,
        Some(value) => value.as_int().ok_or(Fault::NOT_INTEGER)?,
    };
    let new = old.checked_add(by).ok_or(Fault::OVERFLOW)?;
    *exec.found_or_create::<Str>(found, key)? = Str::int(new);
    exec.changed(key);
    Ok(Reply::Integer(new))
}

/// `INCRBYFLOAT key increment`.
#[cfg(feature = "full")]
fn incrbyfloat(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let old = match exec.get::<Str>(key)? {
        None => Some(LongDouble::ZERO),
        Some(value) => long_double(&value.bytes()).ok_or(Fault::NOT_FLOAT)?,
    };
    let by = long_double(&args[2]).ok_or(Fault::NOT_FLOAT)?;
    let new = old.zip(by).and_then(|(old, by)| old.plus(&by)).ok_or(Fault::NAN_OR_INFINITY)?;
    let text = Bytes::from(new.text());
    exec.set_keep_ttl(key, Str::plain(&text));
    exec.propagate([Bytes::from_static(b"SET"), key.clone(), text.clone(), Bytes::from_static(b"KEEPTTL")]);
    Ok(Reply::Bulk(text))
}

/// Some number, which is none for infinity; none for what is no number.
#[cfg(feature = "full")]
pub(super) fn long_double(text: &[u8]) -> Option<Option<LongDouble>> {
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    if is(unsigned, "inf") || is(unsigned, "infinity") {
        return Some(None);
    }
    LongDouble::parse(text).map(Some)
}

/// `APPEND key value`.
fn append(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (key, value) = (&args[1], &args[2]);
    let Some(len) = exec.get::<Str>(key)?.map(Str::len) else {
        exec.set(key, Str::of(value));
        return Ok(Reply::Integer(int(value.len())));
    };
    check_len(exec, (len as u64).saturating_add(value.len() as u64))?;
    if let Some(string) = exec.get_mut::<Str>(key)? {
        string.buffer().extend_from_slice(value);
    }
    exec.changed(key);
    Ok(Reply::Integer(int(len + value.len())))
}

/// Refuses a string longer than the settings allow, unless the master made one.
pub(super) fn check_len(exec: &Exec, len: u64) -> Result<(), Fault> {
    let len_max = match exec.context.origin {
        Origin::Client | Origin::ReplicaClient => exec.keyspace.settings.proto_max_bulk_len,
        Origin::Master => exec.keyspace.settings.proto_max_bulk_len.max(MASTER_LEN_MAX),
    };
    if len > len_max { Err(Fault::STRING_TOO_LONG) } else { Ok(()) }
}

/// `STRLEN key`.
fn strlen(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.get::<Str>(&args[1])?.map_or(0, Str::len))))
}

/// `GETRANGE key start end`.
fn getrange(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (start, end) = (args::int(&args[2])?, args::int(&args[3])?);
    let Some(value) = exec.get::<Str>(&args[1])? else {
        return Ok(Reply::bulk(""));
    };
    if start < 0 && end < 0 && start > end {
        return Ok(Reply::bulk(""));
    }
    let len = int(value.len());
    // An end before the first byte means the first byte.
    let end = if end < 0 { end.saturating_add(len).max(0) } else { end };
    Ok(match number::range(start, end, value.len()) {
        Some((start, end)) => Reply::Bulk(value.part(start, end)),
        None => Reply::bulk(""),
    })
}

/// `SETRANGE key offset value`.
fn setrange(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (key, value) = (&args[1], &args[3]);
    let offset = args::int(&args[2])?;
    let offset = u64::try_from(offset).map_err(|_| Fault::OFFSET_OUT_OF_RANGE)?;
    let len = exec.get::<Str>(key)?.map_or(0, Str::len);
    if value.is_empty() {
        return Ok(Reply::Integer(int(len)));
    }
    let end = offset.saturating_add(value.len() as u64);
    check_len(exec, end)?;
    // The length was checked, so it fits.
    let end = usize::try_from(end).map_err(|_| Fault::STRING_TOO_LONG)?;
    let buffer = exec.get_or_create::<Str>(key)?.buffer();
    buffer.resize(buffer.len().max(end), 0);
    buffer[end - value.len()..end].copy_from_slice(value);
    let len = buffer.len();
    exec.changed(key);
    Ok(Reply::Integer(int(len)))
}
