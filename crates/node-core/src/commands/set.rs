//! Commands on sets (`t_set.c`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args;
use super::scan::{Extra, Scan};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::Set;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const GROW: Flags = Flags::WRITE.and(Flags::DENYOOM);
const SET: Categories = Categories::SET;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("sadd", -3, GROW.and(Flags::FAST), SET,
        docs("set", "1.0.0", "O(1) for each member", "Adds members to a set."), Keys::One(1), sadd),
    Command::new("scard", 2, READ_FAST, SET,
        docs("set", "1.0.0", "O(1)", "Counts the members of a set."), Keys::One(1), scard),
    Command::new("sdiff", -2, READ, SET,
        docs("set", "1.0.0", "O(N) in the members of all sets", "Returns what is in the first set alone."), Keys::AllFrom(1),
        |exec, args| combined(exec, &args[1..], Combine::Difference)),
    Command::new("sdiffstore", -3, GROW, SET,
        docs("set", "1.0.0", "O(N) in the members of all sets", "Stores what is in the first set alone."), Keys::AllFrom(1),
        |exec, args| store(exec, args, Combine::Difference)),
    Command::new("sinter", -2, READ, SET,
        docs("set", "1.0.0", "O(N*M) in members and sets", "Returns what is in all sets."), Keys::AllFrom(1),
        |exec, args| combined(exec, &args[1..], Combine::Intersection)),
    Command::new("sintercard", -3, READ, SET,
        docs("set", "7.0.0", "O(N*M) in members and sets", "Counts what is in all sets."), Keys::Counted(1), sintercard),
    Command::new("sinterstore", -3, GROW, SET,
        docs("set", "1.0.0", "O(N*M) in members and sets", "Stores what is in all sets."), Keys::AllFrom(1),
        |exec, args| store(exec, args, Combine::Intersection)),
    Command::new("sismember", 3, READ_FAST, SET,
        docs("set", "1.0.0", "O(1)", "Tells whether something is a member."), Keys::One(1), sismember),
    Command::new("smembers", 2, READ, SET,
        docs("set", "1.0.0", "O(N) in the members", "Returns all members."), Keys::One(1),
        |exec, args| combined(exec, &args[1..], Combine::Union)),
    Command::new("smismember", -3, READ_FAST, SET,
        docs("set", "6.2.0", "O(N) in the number asked for", "Tells which of several are members."), Keys::One(1), smismember),
    Command::new("smove", 4, WRITE_FAST, SET,
        docs("set", "1.0.0", "O(1)", "Moves a member to another set."), Keys::Two(1), smove),
    Command::new("spop", -2, WRITE_FAST, SET,
        docs("set", "1.0.0", "O(N) in the number taken", "Takes any members."), Keys::One(1), spop),
    Command::new("srandmember", -2, READ, SET,
        docs("set", "1.0.0", "O(N) in the number returned", "Returns any members."), Keys::One(1), srandmember),
    Command::new("srem", -3, WRITE_FAST, SET,
        docs("set", "1.0.0", "O(N) in the number removed", "Removes members."), Keys::One(1), srem),
    Command::new("sscan", -3, READ, SET,
        docs("set", "2.8.0", "O(1) for each call", "Lists some members, and where to go on."), Keys::One(1), sscan),
    Command::new("sunion", -2, READ, SET,
        docs("set", "1.0.0", "O(N) in the members of all sets", "Returns what is in any of the sets."), Keys::AllFrom(1),
        |exec, args| combined(exec, &args[1..], Combine::Union)),
    Command::new("sunionstore", -3, GROW, SET,
        docs("set", "1.0.0", "O(N) in the members of all sets", "Stores what is in any of the sets."), Keys::AllFrom(1),
        |exec, args| store(exec, args, Combine::Union)),
];

/// SREM lines that stand for one SPOP name at most so many members.
const SREM_MEMBERS_MAX: usize = 1024;

/// `SADD key member [member ...]`.
fn sadd(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let settings = exec.keyspace.settings.clone();
    let set = exec.get_or_create::<Set>(&args[1])?;
    let added = args[2..].iter().filter(|member| set.insert(member, &settings)).count();
    if added > 0 {
        exec.changed_by(&args[1], added);
    }
    Ok(Reply::Integer(int(added)))
}

/// `SREM key member [member ...]`.
fn srem(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(set) = exec.get_mut::<Set>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let removed = args[2..].iter().filter(|member| set.remove(member)).count();
    if removed > 0 {
        exec.changed_collection(&args[1], removed);
    }
    Ok(Reply::Integer(int(removed)))
}

/// `SMOVE source destination member`.
fn smove(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (source, destination, member) = (&args[1], &args[2], &args[3]);
    let settings = exec.keyspace.settings.clone();
    let Some(is_member) = exec.get::<Set>(source)?.map(|set| set.contains(member)) else {
        return Ok(Reply::Integer(0));
    };
    exec.get::<Set>(destination)?;
    if source == destination || !is_member {
        return Ok(Reply::Integer(i64::from(is_member)));
    }
    if let Some(set) = exec.get_mut::<Set>(source)? {
        set.remove(member);
    }
    exec.changed_collection(source, 1);
    let is_new = exec.get_or_create::<Set>(destination)?.insert(member, &settings);
    if is_new {
        exec.changed(destination);
    }
    Ok(Reply::Integer(1))
}

/// `SCARD key`.
fn scard(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.get::<Set>(&args[1])?.map_or(0, Set::len))))
}

/// `SISMEMBER key member`.
fn sismember(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let found = exec.get::<Set>(&args[1])?.is_some_and(|set| set.contains(&args[2]));
    Ok(Reply::Integer(i64::from(found)))
}

/// `SMISMEMBER key member [member ...]`.
fn smismember(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let set = exec.get::<Set>(&args[1])?;
    let found = |member: &Bytes| i64::from(set.is_some_and(|set| set.contains(member)));
    Ok(Reply::array(args[2..].iter().map(found)))
}

/// How several sets become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Combine {
    Union,
    Intersection,
    Difference,
}

fn combine(exec: &mut Exec, keys: &[Bytes], how: Combine) -> Result<Set, Fault> {
    let settings = exec.keyspace.settings.clone();
    for key in keys {
        exec.get::<Set>(key)?;
    }
    let empty = Set::new(exec.keyspace.hash_key);
    // All were looked up just now, so this look sees what that one left.
    let context = exec.context;
    let set = |key: &Bytes| {
        let entry = exec.db().get(key).filter(|entry| {
            context.origin == crate::exec::Origin::Master || !entry.is_expired(context.now_ms)
        });
        entry.and_then(|entry| <Set as crate::types::Kind>::of(&entry.value)).unwrap_or(&empty)
    };
    let sets: Vec<&Set> = keys.iter().map(set).collect();
    let mut result = empty.clone();
    match (how, &sets[..]) {
        (Combine::Union, sets) => {
            for member in sets.iter().flat_map(|set| set.iter()) {
                result.insert(&member, &settings);
            }
        }
        (Combine::Intersection, sets) => {
            let smallest = sets.iter().min_by_key(|set| set.len()).map_or(&empty, |set| *set);
            for member in smallest.iter().filter(|member| sets.iter().all(|set| set.contains(member))) {
                result.insert(&member, &settings);
            }
        }
        (Combine::Difference, [first, others @ ..]) => {
            for member in first.iter().filter(|member| !others.iter().any(|set| set.contains(member))) {
                result.insert(&member, &settings);
            }
        }
        (Combine::Difference, []) => {}
    }
    Ok(result)
}

fn combined(exec: &mut Exec, keys: &[Bytes], how: Combine) -> Answer {
    Ok(Reply::set(combine(exec, keys, how)?.iter()))
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`.
fn sintercard(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let too_many = Fault::new("ERR Number of keys can't be greater than number of args");
    let (keys, options) = args::counted_keys(args, 1, Fault::NUMKEYS)
        .map_err(|fault| if fault == Fault::SYNTAX { too_many } else { fault })?;
    let limit = args::card_limit(options)?;
    let len = combine(exec, keys, Combine::Intersection)?.len();
    Ok(Reply::Integer(int(len.min(limit))))
}

fn store(exec: &mut Exec, args: &[Bytes], how: Combine) -> Answer {
    let result = combine(exec, &args[2..], how)?;
    let len = result.len();
    if len > 0 {
        exec.touch(&args[1]);
        exec.set(&args[1], result);
    } else if exec.touch(&args[1]) {
        exec.remove(&args[1]);
    }
    Ok(Reply::Integer(int(len)))
}

/// `SPOP key [count]`.
fn spop(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let count = match &args[2..] {
        [] => None,
        [count] => Some(number::index(args::not_negative(count)?)),
        _ => return Err(Fault::SYNTAX),
    };
    let Some(set) = exec.get::<Set>(key)? else {
        return Ok(if count.is_some() { Reply::Set(Vec::new()) } else { Reply::Null });
    };
    let len = set.len();
    let wanted = count.unwrap_or(1);
    if wanted == 0 {
        return Ok(Reply::Set(Vec::new()));
    }
    if wanted >= len {
        let all: Vec<Bytes> = set.iter().collect();
        exec.remove(key);
        exec.count_changes(len - 1);
        if let (None, Some(member)) = (count, all.first()) {
            exec.propagate([Bytes::from_static(b"SREM"), key.clone(), member.clone()]);
            return Ok(Reply::Bulk(member.clone()));
        }
        let lazy = exec.keyspace.settings.lazyfree_lazy_server_del;
        exec.propagate_del(key, lazy);
        return Ok(Reply::set(all));
    }
    let mut taken = Vec::new();
    for left in (len - wanted + 1..=len).rev() {
        let position = number::index(exec.keyspace.prng.below(left as u64).cast_signed());
        if let Some(set) = exec.get_mut::<Set>(key)?
            && let Some(member) = set.at(position)
        {
            set.remove(&member);
            taken.push(member);
        }
    }
    exec.changed_by(key, taken.len());
    for members in taken.chunks(SREM_MEMBERS_MAX) {
        let words = [Bytes::from_static(b"SREM"), key.clone()];
        exec.propagate(words.into_iter().chain(members.iter().cloned()));
    }
    Ok(match count {
        None => taken.pop().into(),
        Some(_) => Reply::set(taken),
    })
}

/// `SRANDMEMBER key [count]`.
fn srandmember(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let count = match &args[2..] {
        [] => None,
        [count] => Some(args::draw_count(count, i64::MAX)?),
        _ => return Err(Fault::SYNTAX),
    };
    let Some(len) = exec.get::<Set>(&args[1])?.map(Set::len) else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let positions = args::draw(&mut exec.keyspace.prng, len, count.unwrap_or(1));
    let set = exec.get::<Set>(&args[1])?;
    let mut members = positions.iter().filter_map(|at| set.and_then(|set| set.at(*at)));
    Ok(if count.is_some() { Reply::array(members) } else { members.next().into() })
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`.
fn sscan(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let cursor = Scan::cursor(&args[2])?;
    let Some(set) = exec.get::<Set>(&args[1])? else {
        return Ok(Scan::reply(0, Vec::new()));
    };
    let scan = Scan::parse(cursor, &args[3..], Extra::None)?;
    let (positions, next) = set.scan_step(scan.cursor, scan.count);
    let members = positions.filter_map(|at| set.at(at)).filter(|member| scan.fits(member));
    Ok(Scan::reply(next, members.map(Reply::Bulk).collect()))
}
