//! BITFIELD: integers of any width in a string (`bitops.c: bitfieldGeneric`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::bitmap::{offset, reaching};
use crate::bits;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::parse_i64;
use crate::types::Str;

const BITMAP: Categories = Categories::BITMAP;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("bitfield", -2, Flags::WRITE.and(Flags::DENYOOM), BITMAP,
        docs("bitmap", "3.2.0", "O(1) for each operation", "Reads and changes integers of any width in a string."),
        Keys::One(1), |exec, args| bitfield(exec, args, Access::ReadWrite)),
    Command::new("bitfield_ro", -2, Flags::READONLY.and(Flags::FAST), BITMAP,
        docs("bitmap", "6.0.0", "O(1) for each operation", "Reads integers of any width in a string."),
        Keys::One(1), |exec, args| bitfield(exec, args, Access::Read)),
];

/// What a command may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    ReadWrite,
}

/// One operation of a request.
struct Operation {
    integer: Integer,
    at: u64,
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set { value: i64, overflow: Overflow },
    Increment { by: i64, overflow: Overflow },
}

/// What becomes of a value that its field cannot hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

/// A type such as `i5` or `u63`.
#[derive(Clone, Copy)]
struct Integer {
    signed: bool,
    width: u32,
}

impl Integer {
    fn parse(word: &[u8]) -> Result<Self, Fault> {
        let (signed, width_max) = match word.first() {
            Some(b'i') => (true, 64),
            Some(b'u') => (false, 63),
            _ => return Err(Fault::BITFIELD_TYPE),
        };
        let width = parse_i64(&word[1..]).and_then(|width| u32::try_from(width).ok());
        let width = width.filter(|width| (1..=width_max).contains(width)).ok_or(Fault::BITFIELD_TYPE)?;
        Ok(Self { signed, width })
    }

    fn min(self) -> i128 {
        if self.signed { -(1 << (self.width - 1)) } else { 0 }
    }

    fn max(self) -> i128 {
        if self.signed { (1 << (self.width - 1)) - 1 } else { (1 << self.width) - 1 }
    }

    /// The lowest bits of a value.
    fn wrap(self, value: i128) -> i128 {
        let unused = u128::BITS - self.width;
        if self.signed {
            value << unused >> unused
        } else {
            (value.cast_unsigned() << unused >> unused).cast_signed()
        }
    }

    /// A value as the field will hold it.
    fn fit(self, value: i128, overflow: Overflow) -> Option<i128> {
        if (self.min()..=self.max()).contains(&value) {
            return Some(value);
        }
        match overflow {
            Overflow::Wrap => Some(self.wrap(value)),
            Overflow::Saturate => Some(value.clamp(self.min(), self.max())),
            Overflow::Fail => None,
        }
    }

    fn read(self, bytes: &[u8], at: u64) -> i128 {
        self.wrap(bits::field(bytes, at, self.width).into())
    }

    fn write(self, bytes: &mut [u8], at: u64, value: i128) {
        let mask = u128::MAX >> (u128::BITS - self.width);
        let value = u64::try_from(value.cast_unsigned() & mask).expect("64 bits at most were left");
        bits::set_field(bytes, at, self.width, value);
    }
}

impl Operation {
    fn parse_all(exec: &Exec, mut words: &[Bytes]) -> Result<Vec<Self>, Fault> {
        let mut operations = Vec::new();
        let mut overflow = Overflow::Wrap;
        while let [name, rest @ ..] = words {
            words = match rest {
                [integer, at, rest @ ..] if is(name, "get") => {
                    let (integer, at) = Self::place(exec, integer, at)?;
                    operations.push(Self { integer, at, action: Action::Get });
                    rest
                }
                [integer, at, value, rest @ ..] if is(name, "set") => {
                    let (integer, at) = Self::place(exec, integer, at)?;
                    let action = Action::Set { value: args::int(value)?, overflow };
                    operations.push(Self { integer, at, action });
                    rest
                }
                [integer, at, by, rest @ ..] if is(name, "incrby") => {
                    let (integer, at) = Self::place(exec, integer, at)?;
                    let action = Action::Increment { by: args::int(by)?, overflow };
                    operations.push(Self { integer, at, action });
                    rest
                }
                [kind, rest @ ..] if is(name, "overflow") => {
                    let kinds =
                        [("wrap", Overflow::Wrap), ("sat", Overflow::Saturate), ("fail", Overflow::Fail)];
                    let found = kinds.into_iter().find(|(name, _)| is(kind, name));
                    overflow = found.ok_or(Fault::new("ERR Invalid OVERFLOW type specified"))?.1;
                    rest
                }
                _ => return Err(Fault::SYNTAX),
            };
        }
        Ok(operations)
    }

    /// The type and the first bit of a field; `#3` means the fourth field of this width.
    fn place(exec: &Exec, integer: &[u8], at: &[u8]) -> Result<(Integer, u64), Fault> {
        let integer = Integer::parse(integer)?;
        let at = match at.strip_prefix(b"#") {
            Some(index) => parse_i64(index).and_then(|index| index.checked_mul(integer.width.into())),
            None => parse_i64(at),
        };
        Ok((integer, offset(exec, at)?))
    }

    fn last_bit(&self) -> u64 {
        self.at + u64::from(self.integer.width) - 1
    }

    /// Carries out a change; the reply, and whether a bit changed.
    fn write(&self, bytes: &mut [u8]) -> (Reply, bool) {
        let old = self.integer.read(bytes, self.at);
        let fitting = match self.action {
            Action::Get => return (reply(old), false),
            // A negative value is a huge one to an unsigned field.
            Action::Set { value, overflow } if !self.integer.signed => {
                self.integer.fit(value.cast_unsigned().into(), overflow)
            }
            // Redis measures how far a value is from the limit in 64 bits, in which the lowest ones lie above it.
            // Replicas have to agree.
            Action::Set { value, overflow: Overflow::Saturate }
                if self.integer.width < 64 && self.integer.max() - i128::from(value) > i64::MAX.into() =>
            {
                Some(self.integer.max())
            }
            Action::Set { value, overflow } => self.integer.fit(value.into(), overflow),
            Action::Increment { by, overflow } => self.integer.fit(old + i128::from(by), overflow),
        };
        let Some(new) = fitting else {
            return (Reply::Null, false);
        };
        self.integer.write(bytes, self.at, new);
        let is_set = matches!(self.action, Action::Set { .. });
        (reply(if is_set { old } else { new }), old != new)
    }
}

fn reply(value: i128) -> Reply {
    Reply::Integer(i64::try_from(value).expect("no field holds more than 63 bits unsigned or 64 signed"))
}

/// `BITFIELD key [GET type offset] [OVERFLOW WRAP|SAT|FAIL] [SET type offset value] [INCRBY type offset by] ...`.
fn bitfield(exec: &mut Exec, args: &[Bytes], access: Access) -> Answer {
    let key = &args[1];
    let operations = Operation::parse_all(exec, &args[2..])?;
    let writes = operations.iter().filter(|operation| operation.action != Action::Get);
    let Some(last_bit) = writes.map(Operation::last_bit).max() else {
        let string = exec.get::<Str>(key)?;
        let bytes = string.map(Str::view).unwrap_or_default();
        let read = |operation: &Operation| reply(operation.integer.read(&bytes, operation.at));
        return Ok(Reply::Array(operations.iter().map(read).collect()));
    };
    if access == Access::Read {
        return Err(Fault::new("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    let (bytes, is_longer) = reaching(exec, key, last_bit)?;
    let mut changes = 0;
    let mut replies = Vec::new();
    for operation in &operations {
        let (reply, changed) = operation.write(bytes);
        let is_written = operation.action != Action::Get && reply != Reply::Null;
        changes += usize::from(changed || is_longer && is_written);
        replies.push(reply);
    }
    // Differs from Redis: a string that became longer is told to replicas also if no value fitted.
    if is_longer || changes > 0 {
        exec.changed_by(key, changes.max(1));
    }
    Ok(Reply::Array(replies))
}
