//! Commands on sorted sets (`t_zset.c`), without ranges and combinations.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, Reply};
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use super::hash::pairs;
use super::scan::{Extra, Scan};
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::ZSet;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const WRITE_FAST: Flags = WRITE.and(Flags::FAST);
const GROW_FAST: Flags = WRITE_FAST.and(Flags::DENYOOM);
const ZSET: Categories = Categories::SORTEDSET;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("zadd", -4, GROW_FAST, ZSET,
        docs("sorted-set", "1.2.0", "O(log(N)) for each member", "Gives members scores."), Keys::One(1),
        |exec, args| zadd(exec, args, Increment::No)),
    Command::new("zcard", 2, READ_FAST, ZSET,
        docs("sorted-set", "1.2.0", "O(1)", "Counts the members."), Keys::One(1), zcard),
    Command::new("zincrby", 4, GROW_FAST, ZSET,
        docs("sorted-set", "1.2.0", "O(log(N))", "Adds to a score."), Keys::One(1),
        |exec, args| zadd(exec, args, Increment::Yes)),
    Command::new("zmpop", -4, WRITE, ZSET,
        docs("sorted-set", "7.0.0", "O(K)+O(M*log(N))", "Takes members from the first sorted set that has some."), Keys::Counted(1), zmpop),
    Command::new("zmscore", -3, READ_FAST, ZSET,
        docs("sorted-set", "6.2.0", "O(N) in the number asked for", "Returns the scores of several members."), Keys::One(1), zmscore),
    Command::new("zpopmax", -2, WRITE_FAST, ZSET,
        docs("sorted-set", "5.0.0", "O(log(N)*M)", "Takes the members of the highest scores."), Keys::One(1),
        |exec, args| pop(exec, args, Side::Max)),
    Command::new("zpopmin", -2, WRITE_FAST, ZSET,
        docs("sorted-set", "5.0.0", "O(log(N)*M)", "Takes the members of the lowest scores."), Keys::One(1),
        |exec, args| pop(exec, args, Side::Min)),
    Command::new("zrandmember", -2, READ, ZSET,
        docs("sorted-set", "6.2.0", "O(N) in the number returned", "Returns any members."), Keys::One(1), zrandmember),
    Command::new("zrank", -3, READ_FAST, ZSET,
        docs("sorted-set", "2.0.0", "O(log(N))", "Counts the members before this one."), Keys::One(1),
        |exec, args| rank(exec, args, Side::Min)),
    Command::new("zrem", -3, WRITE_FAST, ZSET,
        docs("sorted-set", "1.2.0", "O(M*log(N))", "Removes members."), Keys::One(1), zrem),
    Command::new("zrevrank", -3, READ_FAST, ZSET,
        docs("sorted-set", "2.0.0", "O(log(N))", "Counts the members behind this one."), Keys::One(1),
        |exec, args| rank(exec, args, Side::Max)),
    Command::new("zscan", -3, READ, ZSET,
        docs("sorted-set", "2.8.0", "O(1) for each call", "Lists some members, and where to go on."), Keys::One(1), zscan),
    Command::new("zscore", 3, READ_FAST, ZSET,
        docs("sorted-set", "1.2.0", "O(1)", "Returns the score of a member."), Keys::One(1), zscore),
];

/// Whether scores are added instead of set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Increment {
    Yes,
    No,
}

/// The end of a sorted set that a command looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Min,
    Max,
}

#[derive(Clone, Copy, Default)]
struct AddOptions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl AddOptions {
    /// The options, and the pairs behind them.
    fn parse(words: &[Bytes]) -> (Self, &[Bytes]) {
        let mut options = Self::default();
        for (at, word) in words.iter().enumerate() {
            let flag = match word {
                word if is(word, "nx") => &mut options.nx,
                word if is(word, "xx") => &mut options.xx,
                word if is(word, "gt") => &mut options.gt,
                word if is(word, "lt") => &mut options.lt,
                word if is(word, "ch") => &mut options.ch,
                word if is(word, "incr") => &mut options.incr,
                _ => return (options, &words[at..]),
            };
            *flag = true;
        }
        (options, &[])
    }

    fn check(self, pairs: &[Bytes]) -> Result<(), Fault> {
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err(Fault::SYNTAX);
        }
        if self.nx && self.xx {
            return Err(Fault::new("ERR XX and NX options at the same time are not compatible"));
        }
        if [self.gt, self.lt, self.nx].into_iter().filter(|option| *option).count() > 1 {
            return Err(Fault::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.incr && pairs.len() > 2 {
            return Err(Fault::new("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The score that a member gets, none if the options forbid one.
    fn new_score(self, old: Option<Double>, given: Double) -> Result<Option<Double>, Fault> {
        let Some(old) = old else {
            return Ok((!self.xx).then_some(given));
        };
        if self.nx {
            return Ok(None);
        }
        let score = if self.incr { old.plus(given).ok_or(Fault::SCORE_NAN)? } else { given };
        let forbidden = self.gt && score <= old || self.lt && score >= old;
        Ok((!forbidden).then_some(score))
    }
}

/// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]` and `ZINCRBY key score member`.
pub(super) fn zadd(exec: &mut Exec, args: &[Bytes], increment: Increment) -> Answer {
    let key = &args[1];
    let (mut options, pairs) = match increment {
        Increment::No => AddOptions::parse(&args[2..]),
        Increment::Yes => (AddOptions::default(), &args[2..]),
    };
    options.incr |= increment == Increment::Yes;
    options.check(pairs)?;
    let scores: Vec<Double> =
        pairs.chunks_exact(2).map(|pair| args::double(&pair[0])).collect::<Result<_, _>>()?;
    let settings = exec.keyspace.settings.clone();
    if exec.get::<ZSet>(key)?.is_none() && options.xx {
        return Ok(if options.incr { Reply::Null } else { Reply::Integer(0) });
    }
    let zset = exec.get_or_create::<ZSet>(key)?;
    let (mut added, mut updated, mut last) = (0_usize, 0_usize, None);
    for (pair, given) in pairs.chunks_exact(2).zip(scores) {
        let old = zset.score(&pair[1]);
        last = options.new_score(old, given)?;
        let Some(score) = last else {
            continue;
        };
        zset.insert(&pair[1], score, &settings);
        added += usize::from(old.is_none());
        updated += usize::from(old.is_some_and(|old| old != score));
    }
    if added + updated > 0 {
        exec.changed_by(key, added + updated);
    }
    Ok(match last {
        Some(score) if options.incr => Reply::Double(score.text()),
        None if options.incr => Reply::Null,
        _ => Reply::Integer(int(if options.ch { added + updated } else { added })),
    })
}

/// `ZREM key member [member ...]`.
fn zrem(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let Some(zset) = exec.get_mut::<ZSet>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let removed = args[2..].iter().filter(|member| zset.remove(member).is_some()).count();
    if removed > 0 {
        exec.changed_collection(&args[1], removed);
    }
    Ok(Reply::Integer(int(removed)))
}

/// `ZCARD key`.
fn zcard(exec: &mut Exec, args: &[Bytes]) -> Answer {
    Ok(Reply::Integer(int(exec.get::<ZSet>(&args[1])?.map_or(0, ZSet::len))))
}

/// `ZSCORE key member`.
fn zscore(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let score = exec.get::<ZSet>(&args[1])?.and_then(|zset| zset.score(&args[2]));
    Ok(score_or_null(score))
}

/// `ZMSCORE key member [member ...]`.
fn zmscore(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let zset = exec.get::<ZSet>(&args[1])?;
    let score = |member: &Bytes| score_or_null(zset.and_then(|zset| zset.score(member)));
    Ok(Reply::Array(args[2..].iter().map(score).collect()))
}

fn score_or_null(score: Option<Double>) -> Reply {
    score.map_or(Reply::Null, |score| Reply::Double(score.text()))
}

/// `ZRANK key member [WITHSCORE]` and `ZREVRANK`.
fn rank(exec: &mut Exec, args: &[Bytes], side: Side) -> Answer {
    let with_score = match &args[3..] {
        [] => false,
        [option] if is(option, "withscore") => true,
        [_] => return Err(Fault::SYNTAX),
        _ => return Err(Fault::wrong_arity(if side == Side::Min { "zrank" } else { "zrevrank" })),
    };
    let none = if with_score { Reply::NullArray } else { Reply::Null };
    let Some(zset) = exec.get::<ZSet>(&args[1])? else {
        return Ok(none);
    };
    let (Some(rank), Some(score)) = (zset.rank(&args[2]), zset.score(&args[2])) else {
        return Ok(none);
    };
    let rank = Reply::Integer(int(if side == Side::Min { rank } else { zset.len() - 1 - rank }));
    Ok(if with_score { Reply::Array([rank, Reply::Double(score.text())].into()) } else { rank })
}

pub(super) fn take(zset: &mut ZSet, count: usize, side: Side) -> Vec<(Bytes, Double)> {
    let both = |(member, score): (&[u8], Double)| (own(member), score);
    let len = zset.len();
    let count = count.min(len);
    let taken: Vec<_> = match side {
        Side::Min => zset.range(0..count).map(both).collect(),
        Side::Max => zset.range_back(len - count..len).map(both).collect(),
    };
    for (member, _) in &taken {
        zset.remove(member);
    }
    taken
}

/// `ZPOPMIN key [count]` and `ZPOPMAX`.
fn pop(exec: &mut Exec, args: &[Bytes], side: Side) -> Answer {
    let count = match &args[2..] {
        [] => None,
        [count] => Some(number::index(args::not_negative(count)?)),
        _ => return Err(Fault::SYNTAX),
    };
    let Some(zset) = exec.get_mut::<ZSet>(&args[1])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let taken = take(zset, count.unwrap_or(1), side);
    if !taken.is_empty() {
        exec.changed_collection(&args[1], taken.len());
    }
    // In RESP3 a count makes it an array of pairs.
    let protocol = if count.is_some() { exec.context.protocol } else { Protocol::Resp2 };
    Ok(pairs(taken.into_iter().map(|(member, score)| (member, Reply::Double(score.text()))), protocol))
}

/// `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`.
pub(super) fn zmpop(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (keys, rest) = args::counted_keys(args, 1, Fault::NUMKEYS)?;
    let side = match rest.first() {
        Some(word) if is(word, "min") => Side::Min,
        Some(word) if is(word, "max") => Side::Max,
        _ => return Err(Fault::SYNTAX),
    };
    let count = args::pop_count(&rest[1..])?;
    for key in keys {
        let Some(zset) = exec.get_mut::<ZSet>(key)? else {
            continue;
        };
        let taken = take(zset, count, side);
        exec.changed_collection(key, taken.len());
        let name = Bytes::from_static(if side == Side::Min { b"ZPOPMIN" } else { b"ZPOPMAX" });
        exec.propagate([name, key.clone(), number::text(taken.len())]);
        let pair = |(member, score): (Bytes, Double)| {
            Reply::Array([Reply::Bulk(member), Reply::Double(score.text())].into())
        };
        let taken = Reply::Array(taken.into_iter().map(pair).collect());
        return Ok(Reply::Array([Reply::Bulk(key.clone()), taken].into()));
    }
    Ok(Reply::NullArray)
}

/// `ZRANDMEMBER key [count [WITHSCORES]]`.
fn zrandmember(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (count, with_scores) = match &args[2..] {
        [] => (None, false),
        [count] => (Some(args::draw_count(count, i64::MAX)?), false),
        [count, option] => {
            let count = args::int_between(count, -i64::MAX, i64::MAX)?;
            if !is(option, "withscores") {
                return Err(Fault::SYNTAX);
            }
            (Some(args::draw_pairs_count(count)?), true)
        }
        _ => return Err(Fault::SYNTAX),
    };
    let Some(len) = exec.get::<ZSet>(&args[1])?.map(ZSet::len) else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let positions = args::draw(&mut exec.keyspace.prng, len, count.unwrap_or(1));
    let protocol = exec.context.protocol;
    let zset = exec.get::<ZSet>(&args[1])?;
    let mut members = positions.iter().filter_map(|at| zset.and_then(|zset| zset.any(*at)));
    if count.is_none() {
        return Ok(members.next().map(|(member, _)| own(member)).into());
    }
    if with_scores {
        let scored = members.map(|(member, score)| (own(member), Reply::Double(score.text())));
        return Ok(pairs(scored, protocol));
    }
    Ok(Reply::array(members.map(|(member, _)| own(member))))
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`.
fn zscan(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let cursor = Scan::cursor(&args[2])?;
    let Some(zset) = exec.get::<ZSet>(&args[1])? else {
        return Ok(Scan::reply(0, Vec::new()));
    };
    let scan = Scan::parse(cursor, &args[3..], Extra::None)?;
    let (positions, next) = zset.scan_step(scan.cursor, scan.count);
    let mut items = Vec::new();
    let mut add = |(member, score): (&[u8], Double)| {
        if scan.fits(member) {
            items.extend([Reply::Bulk(own(member)), Reply::Bulk(score.text())]);
        }
    };
    if positions.len() == zset.len() {
        zset.iter().for_each(&mut add);
    } else {
        positions.filter_map(|at| zset.any(at)).for_each(&mut add);
    }
    Ok(Scan::reply(next, items))
}
