//! Times to live of keys.

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use crate::command::{Command, Keys, docs};
use crate::entry::Entry;
use crate::exec::{Exec, Origin};
use crate::fault::{Answer, Fault};
use crate::number;

const READ: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE.and(Flags::FAST);
const KEYSPACE: Categories = Categories::KEYSPACE;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("expire", -3, WRITE, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Gives a key some seconds to live."), Keys::One(1),
        |exec, args| expire(exec, args, "expire", Unit::Seconds, From::Now)),
    Command::new("expireat", -3, WRITE, KEYSPACE,
        docs("generic", "1.2.0", "O(1)", "Gives a key until that second to live."), Keys::One(1),
        |exec, args| expire(exec, args, "expireat", Unit::Seconds, From::Epoch)),
    Command::new("expiretime", 2, READ, KEYSPACE,
        docs("generic", "7.0.0", "O(1)", "Tells in which second a key expires."), Keys::One(1),
        |exec, args| time(exec, &args[1], Unit::Seconds, From::Epoch)),
    Command::new("persist", 2, WRITE, KEYSPACE,
        docs("generic", "2.2.0", "O(1)", "Takes the time to live off a key."), Keys::One(1), persist),
    Command::new("pexpire", -3, WRITE, KEYSPACE,
        docs("generic", "2.6.0", "O(1)", "Gives a key some milliseconds to live."), Keys::One(1),
        |exec, args| expire(exec, args, "pexpire", Unit::Millis, From::Now)),
    Command::new("pexpireat", -3, WRITE, KEYSPACE,
        docs("generic", "2.6.0", "O(1)", "Gives a key until that millisecond to live."), Keys::One(1),
        |exec, args| expire(exec, args, "pexpireat", Unit::Millis, From::Epoch)),
    Command::new("pexpiretime", 2, READ, KEYSPACE,
        docs("generic", "7.0.0", "O(1)", "Tells in which millisecond a key expires."), Keys::One(1),
        |exec, args| time(exec, &args[1], Unit::Millis, From::Epoch)),
    Command::new("pttl", 2, READ, KEYSPACE,
        docs("generic", "2.6.0", "O(1)", "Tells how many milliseconds a key has to live."), Keys::One(1),
        |exec, args| time(exec, &args[1], Unit::Millis, From::Now)),
    Command::new("ttl", 2, READ, KEYSPACE,
        docs("generic", "1.0.0", "O(1)", "Tells how many seconds a key has to live."), Keys::One(1),
        |exec, args| time(exec, &args[1], Unit::Seconds, From::Now)),
];

/// In what a time is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
}

/// From when a time counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Now,
    Epoch,
}

/// Milliseconds since the epoch from a client's number; none if it is out of range.
pub(super) fn absolute(exec: &Exec, value: i64, unit: Unit, from: From) -> Option<i64> {
    let millis = if unit == Unit::Seconds { value.checked_mul(1000)? } else { value };
    match from {
        From::Epoch => Some(millis),
        From::Now => millis.checked_add(i64::try_from(exec.now_ms()).ok()?),
    }
}

/// Whether a time that is given now is over already. Only a master may conclude so.
pub(super) fn is_past(exec: &Exec, at: i64) -> bool {
    exec.context.origin == Origin::Client && i64::try_from(exec.now_ms()).is_ok_and(|now| at <= now)
}

/// The conditions of EXPIRE and its kin.
#[derive(Clone, Copy, Default)]
pub(super) struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    pub(super) fn parse(options: &[Bytes]) -> Result<Self, Fault> {
        let mut conditions = Self::default();
        for option in options {
            let flag = if is(option, "nx") {
                &mut conditions.nx
            } else if is(option, "xx") {
                &mut conditions.xx
            } else if is(option, "gt") {
                &mut conditions.gt
            } else if is(option, "lt") {
                &mut conditions.lt
            } else {
                let option = String::from_utf8_lossy(option);
                return Err(Fault::new(format!("ERR Unsupported option {option}")));
            };
            *flag = true;
        }
        if conditions.nx && (conditions.xx || conditions.gt || conditions.lt) {
            return Err(Fault::new("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if conditions.gt && conditions.lt {
            return Err(Fault::new("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// Whether a time may take the place of the current one; having none counts as living for ever.
    pub(super) fn allow(self, current: Option<u64>, at: i64) -> bool {
        let current = current.map(|current| i64::try_from(current).unwrap_or(i64::MAX));
        !(self.nx && current.is_some()
            || self.xx && current.is_none()
            || self.gt && current.is_none_or(|current| at <= current)
            || self.lt && current.is_some_and(|current| at >= current))
    }
}

fn expire(exec: &mut Exec, args: &[Bytes], name: &str, unit: Unit, from: From) -> Answer {
    let key = &args[1];
    let conditions = Conditions::parse(&args[3..])?;
    let at = args::int(&args[2])?;
    let at = absolute(exec, at, unit, from).ok_or_else(|| Fault::invalid_expire(name))?;
    let Some(current) = exec.entry(key).map(Entry::expire_at) else {
        return Ok(Reply::Integer(0));
    };
    if !conditions.allow(current, at) {
        return Ok(Reply::Integer(0));
    }
    if is_past(exec, at) {
        exec.remove(key);
        let lazy = exec.keyspace.settings.lazyfree_lazy_expire;
        exec.propagate_del(key, lazy);
        return Ok(Reply::Integer(1));
    }
    exec.db_mut().set_expiry(key, Some(u64::try_from(at).unwrap_or(0)));
    exec.changed(key);
    if (unit, from) != (Unit::Millis, From::Epoch) {
        let canonical = [Bytes::from_static(b"PEXPIREAT"), key.clone(), number::text(at)];
        exec.propagate(canonical.into_iter().chain(args[3..].iter().cloned()));
    }
    Ok(Reply::Integer(1))
}

fn time(exec: &mut Exec, key: &Bytes, unit: Unit, from: From) -> Answer {
    let now_ms = exec.now_ms();
    let millis = match exec.entry(key).map(Entry::expire_at) {
        None => return Ok(Reply::Integer(-2)),
        Some(None) => return Ok(Reply::Integer(-1)),
        Some(Some(at)) if from == From::Epoch => at,
        Some(Some(at)) => at.saturating_sub(now_ms),
    };
    let value = if unit == Unit::Millis { millis } else { millis.saturating_add(500) / 1000 };
    Ok(Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn persist(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let has_ttl = exec.entry(&args[1]).is_some_and(|entry| entry.expire_at().is_some());
    if has_ttl {
        exec.db_mut().set_expiry(&args[1], None);
        exec.changed(&args[1]);
    }
    Ok(Reply::Integer(i64::from(has_ttl)))
}
