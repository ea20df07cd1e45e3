//! Reading the words of a request.

use alloc::format;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeSet;

use bytes::Bytes;
use picket_sansio::Prng;

use crate::double::Double;
use crate::exec::Exec;
use crate::fault::Fault;
use crate::number::parse_i64;

/// Whether a word is this option, in any case.
pub(super) fn is(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}

/// A copy of what lies in a collection.
pub(super) fn own(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

pub(super) fn int(word: &[u8]) -> Result<i64, Fault> {
    parse_i64(word).ok_or(Fault::NOT_INTEGER)
}

/// An integer of 32 bits (`getIntFromObjectOrReply`).
pub(super) fn int32(word: &[u8]) -> Result<i64, Fault> {
    int_between(word, i64::from(i32::MIN), i64::from(i32::MAX))
}

pub(super) fn int_between(word: &[u8], min: i64, max: i64) -> Result<i64, Fault> {
    let value = int(word)?;
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(Fault::new(format!("ERR value is out of range, value must between {min} and {max}")))
}

/// An integer that is not negative (`getPositiveLongFromObjectOrReply`).
pub(super) fn not_negative(word: &[u8]) -> Result<i64, Fault> {
    let value = parse_i64(word).filter(|value| *value >= 0);
    value.ok_or(Fault::OUT_OF_RANGE_POSITIVE)
}

pub(super) fn double(word: &[u8]) -> Result<Double, Fault> {
    Double::parse(word).ok_or(Fault::NOT_FLOAT)
}

/// The number of a database that exists.
pub(super) fn db(exec: &Exec, word: &[u8]) -> Result<u32, Fault> {
    existing_db(exec, int32(word)?)
}

pub(super) fn existing_db(exec: &Exec, number: i64) -> Result<u32, Fault> {
    u32::try_from(number).ok().filter(|db| *db < exec.keyspace.databases()).ok_or(Fault::DB_OUT_OF_RANGE)
}

/// `numkeys key [key ...]` at `at`: the keys and what follows.
pub(super) fn counted_keys(
    args: &[Bytes],
    at: usize,
    not_positive: Fault,
) -> Result<(&[Bytes], &[Bytes]), Fault> {
    let count = parse_i64(&args[at]).filter(|count| *count > 0).ok_or(not_positive)?;
    let rest = &args[at + 1..];
    usize::try_from(count).ok().and_then(|count| rest.split_at_checked(count)).ok_or(Fault::SYNTAX)
}

/// `[COUNT count]` of LMPOP and ZMPOP: how many to take.
pub(super) fn pop_count(options: &[Bytes]) -> Result<usize, Fault> {
    match options {
        [] => Ok(1),
        [name, count] if is(name, "count") => {
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok());
            count.filter(|count| *count > 0).ok_or(Fault::COUNT_POSITIVE)
        }
        _ => Err(Fault::SYNTAX),
    }
}

/// `[LIMIT limit]` of SINTERCARD and ZINTERCARD; 0 means all.
pub(super) fn card_limit(options: &[Bytes]) -> Result<usize, Fault> {
    match options {
        [] => Ok(usize::MAX),
        [name, limit] if is(name, "limit") => {
            let limit = parse_i64(limit).and_then(|limit| usize::try_from(limit).ok());
            limit.map(|limit| if limit == 0 { usize::MAX } else { limit }).ok_or(Fault::LIMIT_NEGATIVE)
        }
        _ => Err(Fault::SYNTAX),
    }
}

/// How many elements one request may draw with repetition.
///
/// Differs from Redis, which goes on until memory ends.
const DRAWS_MAX: i64 = 1 << 24;

/// The count of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: negative for draws with repetition.
pub(super) fn draw_count(word: &[u8], max: i64) -> Result<i64, Fault> {
    let count = int_between(word, -max, max)?;
    if count < -DRAWS_MAX { Err(Fault::OUT_OF_RANGE) } else { Ok(count) }
}

/// The same with values or scores: twice as many must be countable.
pub(super) fn draw_pairs_count(count: i64) -> Result<i64, Fault> {
    if !(-DRAWS_MAX..=i64::MAX / 2).contains(&count) { Err(Fault::OUT_OF_RANGE) } else { Ok(count) }
}

/// Positions among `len`: `count` different ones, or as many as there are; for a negative count that many, each
/// drawn from all.
pub(super) fn draw(prng: &mut Prng, len: usize, count: i64) -> Vec<usize> {
    let mut below = |bound: usize| usize::try_from(prng.below(bound as u64)).unwrap_or(0);
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if len == 0 {
        return Vec::new();
    }
    if count < 0 {
        return (0..wanted).map(|_| below(len)).collect();
    }
    if wanted >= len {
        return (0..len).collect();
    }
    // Floyd's sampling: each subset is equally likely, in memory and time of the subset.
    let mut chosen = BTreeSet::new();
    for last in len - wanted..len {
        let position = below(last + 1);
        if !chosen.insert(position) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}
