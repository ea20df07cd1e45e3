//! Commands on the bits of strings (`bitops.c`), without BITFIELD.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::string::check_len;
use crate::bits::{self, Combine};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{int, parse_i64};
use crate::types::Str;

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const BITMAP: Categories = Categories::BITMAP;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("bitcount", -2, READ, BITMAP,
        docs("bitmap", "2.6.0", "O(N) in the number of bytes", "Counts the bits that are set."), Keys::One(1), bitcount),
    Command::new("bitop", -4, WRITE, BITMAP,
        docs("bitmap", "2.6.0", "O(N) in the number of bytes", "Combines strings bit by bit and stores the result."),
        Keys::AllFrom(2), bitop),
    Command::new("bitpos", -3, READ, BITMAP,
        docs("bitmap", "2.8.7", "O(N) in the number of bytes", "Finds the first bit that is set, or that is clear."),
        Keys::One(1), bitpos),
    Command::new("getbit", 3, READ.and(Flags::FAST), BITMAP,
        docs("bitmap", "2.2.0", "O(1)", "Returns a bit."), Keys::One(1), getbit),
    Command::new("setbit", 4, WRITE, BITMAP,
        docs("bitmap", "2.2.0", "O(1)", "Sets or clears a bit and returns what it was."), Keys::One(1), setbit),
];

/// The number of a bit; in a string that is not too long.
pub(super) fn offset(exec: &Exec, value: Option<i64>) -> Result<u64, Fault> {
    let value = value.and_then(|value| u64::try_from(value).ok()).ok_or(Fault::BIT_OFFSET)?;
    // A bit is in the last byte of the shortest string that has it.
    check_len(exec, value / 8 + 1).map_err(|_| Fault::BIT_OFFSET)?;
    Ok(value)
}

/// The string of a key, made if there is none and lengthened if it does not reach to a bit. Returns also whether
/// it had to be.
pub(super) fn reaching<'a>(
    exec: &'a mut Exec,
    key: &[u8],
    bit: u64,
) -> Result<(&'a mut Vec<u8>, bool), Fault> {
    let len = usize::try_from(bit / 8 + 1).map_err(|_| Fault::STRING_TOO_LONG)?;
    let old_len = exec.get::<Str>(key)?.map(Str::len);
    let is_longer = old_len.is_none_or(|old| len > old);
    let bytes = exec.get_or_create::<Str>(key)?.buffer();
    bytes.resize(bytes.len().max(len), 0);
    Ok((bytes, is_longer))
}

/// `SETBIT key offset value`.
fn setbit(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let at = offset(exec, parse_i64(&args[2]))?;
    let new = match parse_i64(&args[3]) {
        Some(0) => 0,
        Some(1) => 1,
        _ => return Err(Fault::new("ERR bit is not an integer or out of range")),
    };
    let (bytes, is_longer) = reaching(exec, key, at)?;
    let old = bits::field(bytes, at, 1);
    bits::set_field(bytes, at, 1, new);
    if is_longer || old != new {
        exec.changed(key);
    }
    Ok(Reply::Integer(i64::from(old == 1)))
}

/// `GETBIT key offset`.
fn getbit(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let at = offset(exec, parse_i64(&args[2]))?;
    let is_set = exec.get::<Str>(&args[1])?.is_some_and(|string| bits::get(&string.view(), at));
    Ok(Reply::Integer(i64::from(is_set)))
}

/// What the numbers of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn parse(words: &[Bytes]) -> Result<Self, Fault> {
        match words {
            [] => Ok(Self::Byte),
            [unit] if is(unit, "byte") => Ok(Self::Byte),
            [unit] if is(unit, "bit") => Ok(Self::Bit),
            _ => Err(Fault::SYNTAX),
        }
    }

    /// The first and the last bit that `start..=end` means in a string of `len` bytes, none if it has none of them.
    fn bits(self, start: i64, end: i64, len: usize) -> Option<(u64, u64)> {
        let len = if self == Self::Bit { int(len).checked_mul(8)? } else { int(len) };
        let from_end = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
        let (start, end) = (from_end(start), from_end(end).min(len - 1));
        let (first, last) = (u64::try_from(start).ok()?, u64::try_from(end).ok()?);
        let bits = if self == Self::Bit { (first, last) } else { (first * 8, last * 8 + 7) };
        (first <= last).then_some(bits)
    }
}

/// `BITCOUNT key [start end [BYTE|BIT]]`.
fn bitcount(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (start, end, unit) = match &args[2..] {
        [] => (0, -1, Unit::Byte),
        [_] => return Err(Fault::SYNTAX),
        [start, end, unit @ ..] if unit.len() < 2 => (args::int(start)?, args::int(end)?, Unit::parse(unit)?),
        _ => return Err(Fault::SYNTAX),
    };
    let Some(string) = exec.get::<Str>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    if start < 0 && end < 0 && start > end {
        return Ok(Reply::Integer(0));
    }
    let bytes = string.view();
    let count =
        unit.bits(start, end, bytes.len()).map_or(0, |(first, last)| bits::count(&bytes, first, last));
    Ok(Reply::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// `BITPOS key bit [start [end [BYTE|BIT]]]`.
fn bitpos(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let wanted = match args::int(&args[2])? {
        0 => false,
        1 => true,
        _ => return Err(Fault::new("ERR The bit argument must be 1 or 0.")),
    };
    let (start, end, unit) = match &args[3..] {
        [] => (0, None, Unit::Byte),
        [start] => (args::int(start)?, None, Unit::Byte),
        [start, end, unit @ ..] if unit.len() < 2 => {
            let (start, unit) = (args::int(start)?, Unit::parse(unit)?);
            (start, Some(args::int(end)?), unit)
        }
        _ => return Err(Fault::SYNTAX),
    };
    let none = Ok(Reply::Integer(-1));
    let Some(string) = exec.get::<Str>(&args[1])? else {
        // Nothing is an endless row of zeros.
        return if wanted { none } else { Ok(Reply::Integer(0)) };
    };
    let bytes = string.view();
    let Some((first, last)) = unit.bits(start, end.unwrap_or(-1), bytes.len()) else {
        return none;
    };
    // So is what follows a string, unless the request says where to stop.
    let behind = (!wanted && end.is_none()).then_some(last + 1);
    match bits::position(&bytes, wanted, first, last).or(behind) {
        Some(at) => Ok(Reply::Integer(i64::try_from(at).unwrap_or(i64::MAX))),
        None => none,
    }
}

/// `BITOP AND|OR|XOR|NOT destination source [source ...]`.
fn bitop(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (operation, destination, sources) = (&args[1], &args[2], &args[3..]);
    let combine = [("and", Combine::And), ("or", Combine::Or), ("xor", Combine::Xor)];
    let combine = combine.into_iter().find(|(name, _)| is(operation, name)).map(|(_, combine)| combine);
    if combine.is_none() && !is(operation, "not") {
        return Err(Fault::SYNTAX);
    }
    if combine.is_none() && sources.len() != 1 {
        return Err(Fault::new("ERR BITOP NOT must be called with a single source key."));
    }
    let mut result = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let string = exec.get::<Str>(source)?;
        let bytes = string.map(Str::view).unwrap_or_default();
        match combine {
            Some(combine) if at > 0 => combine.apply(&mut result, &bytes),
            Some(_) => result.extend_from_slice(&bytes),
            None => result.extend(bytes.iter().map(|byte| !byte)),
        }
    }
    let len = result.len();
    if len > 0 {
        exec.touch(destination);
        exec.set(destination, Str::raw(result));
    } else if exec.touch(destination) {
        exec.remove(destination);
    }
    Ok(Reply::Integer(int(len)))
}
