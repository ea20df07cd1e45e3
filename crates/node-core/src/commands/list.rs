//! Commands on lists (`t_list.c`), those that block excepted.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::{End, List};

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const GROW: Flags = WRITE.and(Flags::DENYOOM);
const GROW_FAST: Flags = GROW.and(Flags::FAST);
const LIST: Categories = Categories::LIST;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("lindex", 3, READ, LIST,
        docs("list", "1.0.0", "O(1)", "Returns an element by its index."), Keys::One(1), lindex),
    Command::new("linsert", 5, GROW, LIST,
        docs("list", "2.2.0", "O(N) in the length", "Inserts an element before or after another."), Keys::One(1), linsert),
    Command::new("llen", 2, READ.and(Flags::FAST), LIST,
        docs("list", "1.0.0", "O(1)", "Counts the elements of a list."), Keys::One(1), llen),
    Command::new("lmove", 5, GROW, LIST,
        docs("list", "6.2.0", "O(1)", "Moves an element from an end of one list to an end of another."), Keys::Two(1), lmove),
    Command::new("lmpop", -4, WRITE, LIST,
        docs("list", "7.0.0", "O(N+M) in keys and elements", "Takes elements from the first list that has some."), Keys::Counted(1), lmpop),
    Command::new("lpop", -2, WRITE_FAST, LIST,
        docs("list", "1.0.0", "O(N) in the number taken", "Takes elements from the head."), Keys::One(1),
        |exec, args| pop(exec, args, End::Left)),
    Command::new("lpos", -3, READ, LIST,
        docs("list", "6.0.6", "O(N) in the length", "Finds the positions of an element."), Keys::One(1), lpos),
    Command::new("lpush", -3, GROW_FAST, LIST,
        docs("list", "1.0.0", "O(1) for each element", "Adds elements at the head."), Keys::One(1),
        |exec, args| push(exec, args, End::Left)),
    Command::new("lpushx", -3, GROW_FAST, LIST,
        docs("list", "2.2.0", "O(1) for each element", "Adds elements at the head of a list that exists."), Keys::One(1),
        |exec, args| pushx(exec, args, End::Left)),
    Command::new("lrange", 4, READ, LIST,
        docs("list", "1.0.0", "O(N) in the number returned", "Returns a part of a list."), Keys::One(1), lrange),
    Command::new("lrem", 4, WRITE, LIST,
        docs("list", "1.0.0", "O(N) in the length", "Removes equal elements."), Keys::One(1), lrem),
    Command::new("lset", 4, GROW, LIST,
        docs("list", "1.0.0", "O(1)", "Replaces an element by its index."), Keys::One(1), lset),
    Command::new("ltrim", 4, WRITE, LIST,
        docs("list", "1.0.0", "O(N) in the number removed", "Removes all but a part of a list."), Keys::One(1), ltrim),
    Command::new("rpop", -2, WRITE_FAST, LIST,
        docs("list", "1.0.0", "O(N) in the number taken", "Takes elements from the tail."), Keys::One(1),
        |exec, args| pop(exec, args, End::Right)),
    Command::new("rpoplpush", 3, GROW, LIST,
        docs("list", "1.2.0", "O(1)", "Moves an element from the tail of one list to the head of another."), Keys::Two(1), rpoplpush),
    Command::new("rpush", -3, GROW_FAST, LIST,
        docs("list", "1.0.0", "O(1) for each element", "Adds elements at the tail."), Keys::One(1),
        |exec, args| push(exec, args, End::Right)),
    Command::new("rpushx", -3, GROW_FAST, LIST,
        docs("list", "2.2.0", "O(1) for each element", "Adds elements at the tail of a list that exists."), Keys::One(1),
        |exec, args| pushx(exec, args, End::Right)),
];

pub(super) fn end(word: &[u8]) -> Result<End, Fault> {
    if is(word, "left") {
        Ok(End::Left)
    } else if is(word, "right") {
        Ok(End::Right)
    } else {
        Err(Fault::SYNTAX)
    }
}

/// Notes that so many items of a list changed: its encoding may be another, or it is empty and goes.
pub(super) fn changed(exec: &mut Exec, key: &[u8], changes: usize) {
    let max_size = exec.keyspace.settings.list_max_listpack_size;
    if let Ok(Some(list)) = exec.get_mut::<List>(key) {
        list.choose_encoding(max_size);
    }
    exec.changed_collection(key, changes);
}

fn push(exec: &mut Exec, args: &[Bytes], end: End) -> Answer {
    let max_size = exec.keyspace.settings.list_max_listpack_size;
    let list = exec.get_or_create::<List>(&args[1])?;
    args[2..].iter().for_each(|item| list.push(end, item));
    list.choose_encoding(max_size);
    let len = list.len();
    exec.changed_by(&args[1], args.len() - 2);
    Ok(Reply::Integer(int(len)))
}

fn pushx(exec: &mut Exec, args: &[Bytes], end: End) -> Answer {
    if exec.get::<List>(&args[1])?.is_none() {
        return Ok(Reply::Integer(0));
    }
    push(exec, args, end)
}

/// `LPOP key [count]` and `RPOP`.
fn pop(exec: &mut Exec, args: &[Bytes], end: End) -> Answer {
    let name = if end == End::Left { "lpop" } else { "rpop" };
    let count = match &args[2..] {
        [] => None,
        [count] => Some(args::not_negative(count)?),
        _ => return Err(Fault::wrong_arity(name)),
    };
    let Some(list) = exec.get_mut::<List>(&args[1])? else {
        return Ok(if count.is_some() { Reply::NullArray } else { Reply::Null });
    };
    let Some(count) = count else {
        let item = list.pop(end);
        changed(exec, &args[1], 1);
        return Ok(item.into());
    };
    let items = take(list, number::index(count), end);
    if !items.is_empty() {
        changed(exec, &args[1], items.len());
    }
    Ok(Reply::array(items))
}

pub(super) fn take(list: &mut List, count: usize, end: End) -> Vec<Bytes> {
    core::iter::from_fn(|| list.pop(end)).take(count).collect()
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`.
pub(super) fn lmpop(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (keys, rest) = args::counted_keys(args, 1, Fault::NUMKEYS)?;
    let (first, options) = rest.split_first().ok_or(Fault::SYNTAX)?;
    let end = end(first)?;
    let count = args::pop_count(options)?;
    for key in keys {
        let Some(list) = exec.get_mut::<List>(key)? else {
            continue;
        };
        let items = take(list, count, end);
        changed(exec, key, items.len());
        let name = Bytes::from_static(if end == End::Left { b"LPOP" } else { b"RPOP" });
        exec.propagate([name, key.clone(), number::text(items.len())]);
        return Ok(Reply::Array([Reply::Bulk(key.clone()), Reply::array(items)].into()));
    }
    Ok(Reply::NullArray)
}

/// `LLEN key`.
fn llen(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.get::<List>(&args[1])?.map_or(0, List::len))))
}

/// `LINDEX key index`.
fn lindex(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(list) = exec.get::<List>(&args[1])? else {
        return Ok(Reply::Null);
    };
    let index = args::int(&args[2])?;
    Ok(list.position(index).and_then(|at| list.get(at)).map(own).into())
}

/// `LSET key index element`.
fn lset(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let list = exec.get_mut::<List>(&args[1])?.ok_or(Fault::NO_SUCH_KEY)?;
    let index = args::int(&args[2])?;
    let at = list.position(index).ok_or(Fault::INDEX_OUT_OF_RANGE)?;
    list.set(at, &args[3]);
    changed(exec, &args[1], 1);
    Ok(Reply::ok())
}

/// `LRANGE key start stop`.
fn lrange(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (start, stop) = (args::int(&args[2])?, args::int(&args[3])?);
    let Some(list) = exec.get::<List>(&args[1])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let (start, end) = number::range(start, stop, list.len()).unwrap_or((0, 0));
    Ok(Reply::array(list.range(start, end).map(own)))
}

/// `LTRIM key start stop`.
fn ltrim(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (start, stop) = (args::int(&args[2])?, args::int(&args[3])?);
    let Some(list) = exec.get_mut::<List>(&args[1])? else {
        return Ok(Reply::ok());
    };
    let len = list.len();
    let (start, end) = number::range(start, stop, len).unwrap_or((0, 0));
    if end - start < len {
        list.keep(start, end);
        changed(exec, &args[1], len - (end - start));
    }
    Ok(Reply::ok())
}

/// `LINSERT key BEFORE|AFTER pivot element`.
fn linsert(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let after = match &args[2] {
        place if is(place, "before") => 0,
        place if is(place, "after") => 1,
        _ => return Err(Fault::SYNTAX),
    };
    let Some(list) = exec.get_mut::<List>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let Some(at) = list.iter().position(|item| item == args[3]) else {
        return Ok(Reply::Integer(-1));
    };
    list.insert(at + after, &args[4]);
    let len = list.len();
    changed(exec, &args[1], 1);
    Ok(Reply::Integer(int(len)))
}

/// `LREM key count element`.
fn lrem(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let count = args::int(&args[2])?;
    let Some(list) = exec.get_mut::<List>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let from = if count < 0 { End::Right } else { End::Left };
    let most =
        if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let removed = list.remove(&args[3], most, from);
    if removed > 0 {
        changed(exec, &args[1], removed);
    }
    Ok(Reply::Integer(int(removed)))
}

/// `LPOS key element [RANK rank] [COUNT count] [MAXLEN len]`.
fn lpos(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (mut rank, mut count, mut max_len) = (1, None, 0);
    if args[3..].len() % 2 == 1 {
        return Err(Fault::SYNTAX);
    }
    for option in args[3..].chunks_exact(2) {
        let value = &option[1];
        let natural = |text| {
            let value = number::parse_i64(value).filter(|value| *value >= 0);
            value.ok_or(Fault::new(text))
        };
        if is(&option[0], "rank") {
            rank = args::int_between(value, -i64::MAX, i64::MAX)?;
            if rank == 0 {
                return Err(Fault::new(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                     negative to start from the end of the list",
                ));
            }
        } else if is(&option[0], "count") {
            count = Some(natural("ERR COUNT can't be negative")?);
        } else if is(&option[0], "maxlen") {
            max_len = natural("ERR MAXLEN can't be negative")?;
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    let unlimited = |value| if value == 0 { usize::MAX } else { number::index(value) };
    let Some(list) = exec.get::<List>(&args[1])? else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let compared = unlimited(max_len).min(list.len());
    let skip = usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let most = count.map_or(1, unlimited);
    let matches = |(at, item): (usize, &[u8])| (item == args[2]).then(|| Reply::Integer(int(at)));
    let items = list.iter().enumerate();
    let mut found: Vec<Reply> = if rank > 0 {
        items.take(compared).filter_map(matches).skip(skip).take(most).collect()
    } else {
        items.rev().take(compared).filter_map(matches).skip(skip).take(most).collect()
    };
    if count.is_some() { Ok(Reply::Array(found)) } else { Ok(found.pop().unwrap_or(Reply::Null)) }
}

/// `RPOPLPUSH source destination`.
fn rpoplpush(exec: &mut Exec, args: &[Bytes]) -> Answer {
    move_item(exec, &args[1], End::Right, &args[2], End::Left)
}

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`.
fn lmove(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    move_item(exec, &args[1], from, &args[2], to)
}

pub(super) fn move_item(exec: &mut Exec, source: &Bytes, from: End, destination: &Bytes, to: End) -> Answer {
    if exec.get::<List>(source)?.is_none() {
        return Ok(Reply::Null);
    }
    exec.get::<List>(destination)?;
    let Some(item) = exec.get_mut::<List>(source)?.and_then(|list| list.pop(from)) else {
        return Ok(Reply::Null);
    };
    exec.get_or_create::<List>(destination)?.push(to, &item);
    changed(exec, source, 1);
    changed(exec, destination, 0);
    Ok(Reply::Bulk(item))
}
