//! Union, intersection and difference of sorted sets and sets.

use alloc::format;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use super::hash::pairs;
use super::zrange::store;
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::int;
use crate::types::{Kind, Value, ZSet};

const READ: Flags = Flags::READONLY;
const GROW: Flags = Flags::WRITE.and(Flags::DENYOOM);
const ZSET: Categories = Categories::SORTEDSET;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("zdiff", -3, READ, ZSET,
        docs("sorted-set", "6.2.0", "O(N*log(N)) in all members", "Returns what is in the first sorted set alone."), Keys::Counted(1),
        |exec, args| combined(exec, args, "zdiff", Combine::Difference)),
    Command::new("zdiffstore", -4, GROW, ZSET,
        docs("sorted-set", "6.2.0", "O(N*log(N)) in all members", "Stores what is in the first sorted set alone."), Keys::StoreCounted,
        |exec, args| stored(exec, args, "zdiffstore", Combine::Difference)),
    Command::new("zinter", -3, READ, ZSET,
        docs("sorted-set", "6.2.0", "O(N*K*log(N))", "Returns what is in all sorted sets."), Keys::Counted(1),
        |exec, args| combined(exec, args, "zinter", Combine::Intersection)),
    Command::new("zintercard", -3, READ, ZSET,
        docs("sorted-set", "7.0.0", "O(N*K)", "Counts what is in all sorted sets."), Keys::Counted(1), zintercard),
    Command::new("zinterstore", -4, GROW, ZSET,
        docs("sorted-set", "2.0.0", "O(N*K*log(N))", "Stores what is in all sorted sets."), Keys::StoreCounted,
        |exec, args| stored(exec, args, "zinterstore", Combine::Intersection)),
    Command::new("zunion", -3, READ, ZSET,
        docs("sorted-set", "6.2.0", "O(N*log(N)) in all members", "Returns what is in any of the sorted sets."), Keys::Counted(1),
        |exec, args| combined(exec, args, "zunion", Combine::Union)),
    Command::new("zunionstore", -4, GROW, ZSET,
        docs("sorted-set", "2.0.0", "O(N*log(N)) in all members", "Stores what is in any of the sorted sets."), Keys::StoreCounted,
        |exec, args| stored(exec, args, "zunionstore", Combine::Union)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Combine {
    Union,
    Intersection,
    Difference,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, left: Double, right: Double) -> Double {
        match self {
            Self::Sum => left.plus_or_zero(right),
            // The first of equals stays: zero has two signs.
            Self::Min if right < left => right,
            Self::Max if right > left => right,
            Self::Min | Self::Max => left,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Reply,
    Store,
    Count,
}

/// The sources of a combination with their weights, and what else the options say.
struct Query {
    sources: Vec<(Vec<(Bytes, Double)>, Double)>,
    how: Combine,
    aggregate: Aggregate,
    with_scores: bool,
    limit: usize,
}

impl Query {
    /// From `numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]` at `at`.
    fn parse(
        exec: &mut Exec,
        args: &[Bytes],
        at: usize,
        name: &str,
        how: Combine,
        form: Form,
    ) -> Result<Self, Fault> {
        args::int(&args[at])?;
        let none = Fault::new(format!("ERR at least 1 input key is needed for '{name}' command"));
        let (keys, options) = args::counted_keys(args, at, none)?;
        let sources: Vec<_> = keys.iter().map(|key| members(exec, key)).collect::<Result<_, _>>()?;
        let mut weights: Vec<Double> = keys.iter().map(|_| Double::ONE).collect();
        let (mut aggregate, mut with_scores, mut limit) = (Aggregate::Sum, false, usize::MAX);
        let mut options = options.iter();
        let combines = form != Form::Count && how != Combine::Difference;
        while let Some(option) = options.next() {
            if combines && is(option, "weights") && options.len() >= weights.len() {
                for (weight, word) in weights.iter_mut().zip(options.by_ref()) {
                    *weight = Double::parse(word).ok_or(Fault::WEIGHT_NOT_FLOAT)?;
                }
            } else if combines && is(option, "aggregate") && options.len() >= 1 {
                aggregate = match options.next() {
                    Some(word) if is(word, "sum") => Aggregate::Sum,
                    Some(word) if is(word, "min") => Aggregate::Min,
                    Some(word) if is(word, "max") => Aggregate::Max,
                    _ => return Err(Fault::SYNTAX),
                };
            } else if form == Form::Reply && is(option, "withscores") {
                with_scores = true;
            } else if form == Form::Count && is(option, "limit") && options.len() >= 1 {
                limit = args::card_limit(&[option.clone(), options.next().cloned().unwrap_or_default()])?;
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        let mut sources: Vec<_> = sources.into_iter().zip(weights).collect();
        if how != Combine::Difference {
            // The order in which scores are added up shows in the last digit.
            sources.sort_by_key(|(members, _)| members.len());
        }
        Ok(Self { sources, how, aggregate, with_scores, limit })
    }

    /// The members of the result, in order.
    fn run(&self) -> Vec<(Bytes, Double)> {
        let Some(((first, weight), others)) = self.sources.split_first() else {
            return Vec::new();
        };
        let is_difference = self.how == Combine::Difference;
        let weighted = |score: Double, weight: Double| {
            if is_difference { score } else { score.times_or_zero(weight) }
        };
        let mut result: BTreeMap<Bytes, Double> =
            first.iter().map(|(member, score)| (member.clone(), weighted(*score, *weight))).collect();
        for (members, weight) in others {
            match self.how {
                Combine::Difference => members.iter().for_each(|(member, _)| {
                    result.remove(member);
                }),
                Combine::Union => {
                    for (member, score) in members {
                        let score = weighted(*score, *weight);
                        let place = result.entry(member.clone());
                        place.and_modify(|old| *old = self.aggregate.of(*old, score)).or_insert(score);
                    }
                }
                Combine::Intersection => {
                    let both = members.iter().filter_map(|(member, score)| {
                        let old = result.get(member)?;
                        let score = weighted(*score, *weight);
                        Some((member.clone(), self.aggregate.of(*old, score)))
                    });
                    result = both.collect();
                }
            }
        }
        let mut members: Vec<_> = result.into_iter().collect();
        members.sort_by(|(left, a), (right, b)| (a, left).cmp(&(b, right)));
        members
    }
}

/// The members of a sorted set, or of a set, where each has the score 1.
fn members(exec: &mut Exec, key: &[u8]) -> Result<Vec<(Bytes, Double)>, Fault> {
    let Some(entry) = exec.entry(key) else {
        return Ok(Vec::new());
    };
    match &entry.value {
        Value::Set(set) => Ok(set.iter().map(|member| (member, Double::ONE)).collect()),
        value => {
            let zset = ZSet::of(value).ok_or(Fault::WRONG_TYPE)?;
            Ok(zset.iter().map(|(member, score)| (own(member), score)).collect())
        }
    }
}

fn combined(exec: &mut Exec, args: &[Bytes], name: &str, how: Combine) -> Answer {
    let query = Query::parse(exec, args, 1, name, how, Form::Reply)?;
    let found = query.run();
    if query.with_scores {
        let scored = found.into_iter().map(|(member, score)| (member, Reply::Double(score.text())));
        return Ok(pairs(scored, exec.context.protocol));
    }
    Ok(Reply::array(found.into_iter().map(|(member, _)| member)))
}

fn stored(exec: &mut Exec, args: &[Bytes], name: &str, how: Combine) -> Answer {
    let found = Query::parse(exec, args, 2, name, how, Form::Store)?.run();
    store(exec, &args[1], &found)
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`.
fn zintercard(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let query = Query::parse(exec, args, 1, "zintercard", Combine::Intersection, Form::Count)?;
    Ok(Reply::Integer(int(query.run().len().min(query.limit))))
}
