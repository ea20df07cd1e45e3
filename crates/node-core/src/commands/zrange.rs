//! Ranges of sorted sets: by rank, score and name.

use core::ops::Range;

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use super::hash::pairs;
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{self, int};
use crate::types::ZSet;

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = READ.and(Flags::FAST);
const WRITE: Flags = Flags::WRITE;
const ZSET: Categories = Categories::SORTEDSET;

const RETURNS: &str = "O(log(N)+M) in the number returned";
const REMOVES: &str = "O(log(N)+M) in the number removed";

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("zcount", 4, READ_FAST, ZSET,
        docs("sorted-set", "2.0.0", "O(log(N))", "Counts the members between two scores."), Keys::One(1),
        |exec, args| count(exec, args, &Bounds::scores(&args[2], &args[3])?)),
    Command::new("zlexcount", 4, READ_FAST, ZSET,
        docs("sorted-set", "2.8.9", "O(log(N))", "Counts the members between two names."), Keys::One(1),
        |exec, args| count(exec, args, &Bounds::names(&args[2], &args[3])?)),
    Command::new("zrange", -4, READ, ZSET,
        docs("sorted-set", "1.2.0", RETURNS, "Returns members by rank, score or name."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Any, Direction::Any)),
    Command::new("zrangebylex", -4, READ, ZSET,
        docs("sorted-set", "2.8.9", RETURNS, "Returns members between two names."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Name, Direction::Up)),
    Command::new("zrangebyscore", -4, READ, ZSET,
        docs("sorted-set", "1.0.5", RETURNS, "Returns members between two scores."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Score, Direction::Up)),
    Command::new("zrangestore", -5, WRITE.and(Flags::DENYOOM), ZSET,
        docs("sorted-set", "6.2.0", RETURNS, "Stores members by rank, score or name."), Keys::Two(1), zrangestore),
    Command::new("zremrangebylex", 4, WRITE, ZSET,
        docs("sorted-set", "2.8.9", REMOVES, "Removes members between two names."), Keys::One(1),
        |exec, args| remove(exec, args, &Bounds::names(&args[2], &args[3])?)),
    Command::new("zremrangebyrank", 4, WRITE, ZSET,
        docs("sorted-set", "2.0.0", REMOVES, "Removes members by rank."), Keys::One(1),
        |exec, args| remove(exec, args, &Bounds::ranks(&args[2], &args[3])?)),
    Command::new("zremrangebyscore", 4, WRITE, ZSET,
        docs("sorted-set", "1.2.0", REMOVES, "Removes members between two scores."), Keys::One(1),
        |exec, args| remove(exec, args, &Bounds::scores(&args[2], &args[3])?)),
    Command::new("zrevrange", -4, READ, ZSET,
        docs("sorted-set", "1.2.0", RETURNS, "Returns members by rank, downwards."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Rank, Direction::Down)),
    Command::new("zrevrangebylex", -4, READ, ZSET,
        docs("sorted-set", "2.8.9", RETURNS, "Returns members between two names, downwards."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Name, Direction::Down)),
    Command::new("zrevrangebyscore", -4, READ, ZSET,
        docs("sorted-set", "2.2.0", RETURNS, "Returns members between two scores, downwards."), Keys::One(1),
        |exec, args| zrange(exec, args, By::Score, Direction::Down)),
];

/// The ends of a range.
enum Bounds {
    Ranks(i64, i64),
    Scores { min: Bound<Double>, max: Bound<Double> },
    Names { min: Bound<Name>, max: Bound<Name> },
}

struct Bound<T> {
    at: T,
    is_exclusive: bool,
}

/// A name as the end of a range.
enum Name {
    Lowest,
    Of(Bytes),
    Highest,
}

impl Bounds {
    fn ranks(start: &[u8], stop: &[u8]) -> Result<Self, Fault> {
        Ok(Self::Ranks(args::int(start)?, args::int(stop)?))
    }

    fn scores(min: &[u8], max: &[u8]) -> Result<Self, Fault> {
        let bound = |word: &[u8]| {
            let (is_exclusive, number) = word.strip_prefix(b"(").map_or((false, word), |rest| (true, rest));
            let at = Double::parse(number).ok_or(Fault::MIN_MAX_NOT_FLOAT)?;
            Ok(Bound { at, is_exclusive })
        };
        Ok(Self::Scores { min: bound(min)?, max: bound(max)? })
    }

    fn names(min: &Bytes, max: &Bytes) -> Result<Self, Fault> {
        let bound = |word: &Bytes| match &word[..] {
            b"-" => Ok(Bound { at: Name::Lowest, is_exclusive: false }),
            b"+" => Ok(Bound { at: Name::Highest, is_exclusive: false }),
            [kind @ (b'(' | b'['), ..] => {
                Ok(Bound { at: Name::Of(word.slice(1..)), is_exclusive: *kind == b'(' })
            }
            _ => Err(Fault::MIN_MAX_NOT_STRING),
        };
        Ok(Self::Names { min: bound(min)?, max: bound(max)? })
    }

    /// The ranks of the members between the ends.
    fn within(&self, zset: &ZSet, direction: Direction) -> Range<usize> {
        let (start, end) = match self {
            Self::Ranks(start, stop) => {
                let len = zset.len();
                let (start, end) = number::range(*start, *stop, len).unwrap_or((0, 0));
                if direction == Direction::Down { (len - end, len - start) } else { (start, end) }
            }
            Self::Scores { min, max } => (
                zset.partition_point(|score, _| score < min.at || min.is_exclusive && score == min.at),
                zset.partition_point(|score, _| score < max.at || !max.is_exclusive && score == max.at),
            ),
            Self::Names { min, max } => (
                zset.partition_point(|_, name| min.is_above(name) || min.is_exclusive && min.is(name)),
                zset.partition_point(|_, name| max.is_above(name) || !max.is_exclusive && max.is(name)),
            ),
        };
        start..end.max(start)
    }
}

impl Bound<Name> {
    fn is_above(&self, name: &[u8]) -> bool {
        match &self.at {
            Name::Lowest => false,
            Name::Of(at) => name < &at[..],
            Name::Highest => true,
        }
    }

    fn is(&self, name: &[u8]) -> bool {
        matches!(&self.at, Name::Of(at) if at == name)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// What the options say.
    Any,
    Rank,
    Score,
    Name,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// What the options say.
    Any,
    Up,
    Down,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Reply,
    Store,
}

/// A range with everything that the options say about it.
struct Query {
    bounds: Bounds,
    direction: Direction,
    offset: i64,
    limit: i64,
    with_scores: bool,
}

impl Query {
    /// From `start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`.
    fn parse(words: &[Bytes], mut by: By, mut direction: Direction, form: Form) -> Result<Self, Fault> {
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        let mut options = words[2..].iter();
        while let Some(option) = options.next() {
            if form == Form::Reply && is(option, "withscores") {
                with_scores = true;
            } else if is(option, "limit") && options.len() >= 2 {
                let mut number = || options.next().map_or(Err(Fault::SYNTAX), |word| args::int(word));
                (offset, limit) = (number()?, number()?);
            } else if direction == Direction::Any && is(option, "rev") {
                direction = Direction::Down;
            } else if by == By::Any && is(option, "bylex") {
                by = By::Name;
            } else if by == By::Any && is(option, "byscore") {
                by = By::Score;
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        let by_rank = by == By::Any || by == By::Rank;
        if limit != -1 && by_rank {
            return Err(Fault::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Name {
            return Err(Fault::new("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        let (first, second) = if direction == Direction::Down && !by_rank {
            (&words[1], &words[0])
        } else {
            (&words[0], &words[1])
        };
        let bounds = match by {
            By::Any | By::Rank => Bounds::ranks(first, second)?,
            By::Score => Bounds::scores(first, second)?,
            By::Name => Bounds::names(first, second)?,
        };
        Ok(Self { bounds, direction, offset, limit, with_scores })
    }

    fn run(&self, zset: &ZSet) -> Vec<(Bytes, Double)> {
        let ranks = self.bounds.within(zset, self.direction);
        let Ok(offset) = usize::try_from(self.offset) else {
            return Vec::new();
        };
        let offset = offset.min(ranks.len());
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(ranks.len() - offset);
        let both = |(member, score): (&[u8], Double)| (own(member), score);
        if self.direction == Direction::Down {
            let end = ranks.end - offset;
            zset.range_back(end - count..end).map(both).collect()
        } else {
            let start = ranks.start + offset;
            zset.range(start..start + count).map(both).collect()
        }
    }
}

fn zrange(exec: &mut Exec, args: &[Bytes], by: By, direction: Direction) -> Answer {
    let query = Query::parse(&args[2..], by, direction, Form::Reply)?;
    let found = exec.get::<ZSet>(&args[1])?.map(|zset| query.run(zset)).unwrap_or_default();
    if !query.with_scores {
        return Ok(Reply::array(found.into_iter().map(|(member, _)| member)));
    }
    let scored = found.into_iter().map(|(member, score)| (member, Reply::Double(score.text())));
    Ok(pairs(scored, exec.context.protocol))
}

/// `ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`.
fn zrangestore(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let query = Query::parse(&args[3..], By::Any, Direction::Any, Form::Store)?;
    let found = exec.get::<ZSet>(&args[2])?.map(|zset| query.run(zset)).unwrap_or_default();
    store(exec, &args[1], &found)
}

/// Puts members in place of what a key holds, or removes it if there is none.
pub(super) fn store(exec: &mut Exec, key: &Bytes, members: &[(Bytes, Double)]) -> Answer {
    let len = members.len();
    let was_there = exec.touch(key);
    if len > 0 {
        exec.set(key, ZSet::of_members(members, exec.keyspace.hash_key, &exec.keyspace.settings));
    } else if was_there {
        exec.remove(key);
    }
    Ok(Reply::Integer(int(len)))
}

fn count(exec: &mut Exec, args: &[Bytes], bounds: &Bounds) -> Answer {
    let zset = exec.get::<ZSet>(&args[1])?;
    Ok(Reply::Integer(int(zset.map_or(0, |zset| bounds.within(zset, Direction::Up).len()))))
}

fn remove(exec: &mut Exec, args: &[Bytes], bounds: &Bounds) -> Answer {
    let Some(zset) = exec.get_mut::<ZSet>(&args[1])? else {
        return Ok(Reply::Integer(0));
    };
    let ranks = bounds.within(zset, Direction::Up);
    let members: Vec<Bytes> = zset.range(ranks).map(|(member, _)| own(member)).collect();
    for member in &members {
        zset.remove(member);
    }
    if !members.is_empty() {
        exec.changed_collection(&args[1], members.len());
    }
    Ok(Reply::Integer(int(members.len())))
}
