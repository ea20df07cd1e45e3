//! Commands that wait for lists and sorted sets (`t_list.c`, `t_zset.c`, `timeout.c`). What they do once there is
//! something is what the commands that do not wait do, and that is what goes into the stream.

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::Millis;
use picket_server_core::{Categories, Flags};

use super::list::{self, end, lmpop, move_item};
use super::zset::{self, Side, zmpop};
use crate::block::BlockKind;
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::parse_i64;
use crate::types::{End, List, ZSet};

const WAIT: Flags = Flags::WRITE.and(Flags::BLOCKING);
const GROW: Flags = WAIT.and(Flags::DENYOOM);
const WAIT_FAST: Flags = WAIT.and(Flags::FAST);
const LIST: Categories = Categories::LIST.and(Categories::BLOCKING);
const ZSET: Categories = Categories::SORTEDSET.and(Categories::BLOCKING);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("blmove", 6, GROW, LIST,
        docs("list", "6.2.0", "O(1)", "Moves an element from one list to another, or waits for one."), Keys::Two(1), blmove),
    Command::new("blmpop", -5, WAIT, LIST,
        docs("list", "7.0.0", "O(N+M) in keys and elements", "Takes elements from the first list that has some, or waits for it."),
        Keys::Counted(2), |exec, args| mpop(exec, args, BlockKind::List, lmpop)),
    Command::new("blpop", -3, WAIT, LIST,
        docs("list", "2.0.0", "O(N) in the number of keys", "Takes the first element of a list, or waits for it."), Keys::AllButLast(1),
        |exec, args| pop_item(exec, args, End::Left)),
    Command::new("brpop", -3, WAIT, LIST,
        docs("list", "2.0.0", "O(N) in the number of keys", "Takes the last element of a list, or waits for it."), Keys::AllButLast(1),
        |exec, args| pop_item(exec, args, End::Right)),
    Command::new("brpoplpush", 4, GROW, LIST,
        docs("list", "2.2.0", "O(1)", "Moves an element from the tail of one list to the head of another, or waits for one."),
        Keys::Two(1), brpoplpush),
    Command::new("bzmpop", -5, WAIT, ZSET,
        docs("sorted-set", "7.0.0", "O(K)+O(M*log(N))", "Takes members from the first sorted set that has some, or waits for it."),
        Keys::Counted(2), |exec, args| mpop(exec, args, BlockKind::ZSet, zmpop)),
    Command::new("bzpopmax", -3, WAIT_FAST, ZSET,
        docs("sorted-set", "5.0.0", "O(log(N))", "Takes the member with the highest score, or waits for one."), Keys::AllButLast(1),
        |exec, args| pop_member(exec, args, Side::Max)),
    Command::new("bzpopmin", -3, WAIT_FAST, ZSET,
        docs("sorted-set", "5.0.0", "O(log(N))", "Takes the member with the lowest score, or waits for one."), Keys::AllButLast(1),
        |exec, args| pop_member(exec, args, Side::Min)),
];

/// A timeout in seconds; none for ever.
fn timeout(word: &[u8]) -> Result<Option<Millis>, Fault> {
    let seconds = Double::parse(word).ok_or(Fault::new("ERR timeout is not a float or out of range"))?;
    let millis = seconds.seconds_to_millis().ok_or(Fault::new("ERR timeout is out of range"))?;
    match u64::try_from(millis) {
        Err(_) => Err(Fault::new("ERR timeout is negative")),
        Ok(0) => Ok(None),
        Ok(millis) => Ok(Some(Millis(millis))),
    }
}

/// The words of a command that ends with a timeout: its keys and the timeout.
fn keys_and_timeout(args: &[Bytes]) -> Result<(&[Bytes], Option<Millis>), Fault> {
    let (last, words) = args.split_last().ok_or(Fault::SYNTAX)?;
    Ok((&words[1..], timeout(last)?))
}

/// `BLPOP key [key ...] timeout` and `BRPOP`.
fn pop_item(exec: &mut Exec, args: &[Bytes], from: End) -> Answer {
    let (keys, timeout) = keys_and_timeout(args)?;
    for key in keys {
        let Some(item) = exec.get_mut::<List>(key)?.and_then(|list| list.pop(from)) else {
            continue;
        };
        list::changed(exec, key, 1);
        let name = Bytes::from_static(if from == End::Left { b"LPOP" } else { b"RPOP" });
        exec.propagate([name, key.clone()]);
        return Ok(Reply::array([key.clone(), item]));
    }
    exec.block(BlockKind::List, keys, timeout, Reply::NullArray, args)
}

/// `BZPOPMIN key [key ...] timeout` and `BZPOPMAX`.
fn pop_member(exec: &mut Exec, args: &[Bytes], side: Side) -> Answer {
    let (keys, timeout) = keys_and_timeout(args)?;
    for key in keys {
        let taken = exec.get_mut::<ZSet>(key)?.and_then(|zset| zset::take(zset, 1, side).pop());
        let Some((member, score)) = taken else {
            continue;
        };
        exec.changed_collection(key, 1);
        let name = Bytes::from_static(if side == Side::Min { b"ZPOPMIN" } else { b"ZPOPMAX" });
        exec.propagate([name, key.clone()]);
        let answer = [Reply::Bulk(key.clone()), Reply::Bulk(member), Reply::Double(score.text())];
        return Ok(Reply::Array(answer.into()));
    }
    exec.block(BlockKind::ZSet, keys, timeout, Reply::NullArray, args)
}

/// `BLMPOP timeout numkeys key [key ...] …` and `BZMPOP`: the command without timeout, or waiting.
fn mpop(exec: &mut Exec, args: &[Bytes], kind: BlockKind, pop: fn(&mut Exec, &[Bytes]) -> Answer) -> Answer {
    let timeout = timeout(&args[1])?;
    let answer = pop(exec, &args[1..])?;
    if answer != Reply::NullArray {
        return Ok(answer);
    }
    let count = parse_i64(&args[2]).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    exec.block(kind, &args[3..3 + count], timeout, Reply::NullArray, args)
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`.
fn blmove(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    let timeout = timeout(&args[5])?;
    if exec.get::<List>(&args[1])?.is_none() {
        return exec.block(BlockKind::List, &args[1..2], timeout, Reply::Null, args);
    }
    let word = |end| Bytes::from_static(if end == End::Left { b"left" } else { b"right" });
    let answer = move_item(exec, &args[1], from, &args[2], to)?;
    let name = Bytes::from_static(b"LMOVE");
    exec.propagate([name, args[1].clone(), args[2].clone(), word(from), word(to)]);
    Ok(answer)
}

/// `BRPOPLPUSH source destination timeout`.
fn brpoplpush(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let timeout = timeout(&args[3])?;
    if exec.get::<List>(&args[1])?.is_none() {
        return exec.block(BlockKind::List, &args[1..2], timeout, Reply::Null, args);
    }
    let answer = move_item(exec, &args[1], End::Right, &args[2], End::Left)?;
    exec.propagate([Bytes::from_static(b"RPOPLPUSH"), args[1].clone(), args[2].clone()]);
    Ok(answer)
}
