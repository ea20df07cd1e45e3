//! Reading ids of streams, and what ids and entries look like in replies (`t_stream.c`).

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_rdb::{StreamEntry, StreamId};
use picket_resp::Reply;

use super::args;
use crate::exec::Exec;
use crate::fault::Fault;
use crate::number::parse_u64;
use crate::types::{ID_MAX, ID_ZERO, Stream, next_id, previous_id};

const INVALID_ID: Fault = Fault::INVALID_STREAM_ID;

/// An id; one without a number within its millisecond gets `seq`.
///
/// Differs from Redis, which takes signs and blanks where `strtoull` does.
pub(super) fn id_or_seq(word: &[u8], seq: u64) -> Result<StreamId, Fault> {
    let mut parts = word.splitn(2, |byte| *byte == b'-');
    let ms = parts.next().and_then(parse_u64).ok_or(INVALID_ID)?;
    let seq = parts.next().map_or(Some(seq), parse_u64).ok_or(INVALID_ID)?;
    Ok(StreamId { ms, seq })
}

/// An id; one without a number within its millisecond is the first of it.
pub(super) fn id(word: &[u8]) -> Result<StreamId, Fault> {
    id_or_seq(word, 0)
}

pub(super) fn ids(words: &[Bytes]) -> Result<Vec<StreamId>, Fault> {
    words.iter().map(|word| id(word)).collect()
}

/// An id, or the least or the greatest one as `-` and `+`.
pub(super) fn id_or_end(word: &[u8], seq: u64) -> Result<StreamId, Fault> {
    match word {
        b"-" => Ok(ID_ZERO),
        b"+" => Ok(ID_MAX),
        word => id_or_seq(word, seq),
    }
}

/// The start of an interval: `-`, an id, or `(` and an id that does not belong to it.
pub(super) fn start(word: &[u8]) -> Result<StreamId, Fault> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => {
            next_id(id(rest)?).ok_or(Fault::new("ERR invalid start ID for the interval"))
        }
        word => id_or_end(word, 0),
    }
}

/// The end of an interval; an id without a number means the last of its millisecond.
pub(super) fn end(word: &[u8]) -> Result<StreamId, Fault> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => {
            previous_id(id_or_seq(rest, u64::MAX)?).ok_or(Fault::new("ERR invalid end ID for the interval"))
        }
        word => id_or_end(word, u64::MAX),
    }
}

/// An integer with an error text of its own.
pub(super) fn int_or(word: &[u8], text: &'static str) -> Result<i64, Fault> {
    args::int(word).map_err(|_| Fault::new(text))
}

/// Milliseconds since the epoch as streams count them.
pub(super) fn now(exec: &Exec) -> i64 {
    i64::try_from(exec.now_ms()).unwrap_or(i64::MAX)
}

pub(super) fn id_text(id: StreamId) -> Bytes {
    Bytes::from(id.to_string())
}

pub(super) fn id_reply(id: StreamId) -> Reply {
    Reply::Bulk(id_text(id))
}

/// An entry: its id, and its fields with their values.
pub(super) fn entry_reply(entry: &StreamEntry<'_>) -> Reply {
    let fields = entry.fields().flat_map(|(name, value)| [name, value]);
    let fields = fields.map(|text| Reply::bulk(text.into_vec())).collect();
    Reply::Array([id_reply(entry.id()), Reply::Array(fields)].into())
}

/// The stream of a command on a group that must be there.
pub(super) fn stream_of_group<'a>(
    exec: &'a mut Exec,
    key: &[u8],
    group: &[u8],
) -> Result<&'a mut Stream, Fault> {
    let stream = exec.get_mut::<Stream>(key)?.filter(|stream| stream.groups.get(group).is_some());
    stream.ok_or_else(|| no_group(key, group))
}

pub(super) fn no_group(key: &[u8], group: &[u8]) -> Fault {
    Fault::new(format!("NOGROUP No such key '{}' or consumer group '{}'", text(key), text(group)))
}

pub(super) fn no_group_of_key(group: &[u8], key: &[u8]) -> Fault {
    Fault::new(format!("NOGROUP No such consumer group '{}' for key name '{}'", text(group), text(key)))
}

/// Bytes as they stand in an error.
pub(super) fn text(bytes: &[u8]) -> alloc::borrow::Cow<'_, str> {
    alloc::string::String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_incomplete() {
        let id = |ms, seq| Some(StreamId { ms, seq });
        for (word, expected) in [
            ("5", id(5, 7)),
            ("5-3", id(5, 3)),
            ("0-0", id(0, 0)),
            ("18446744073709551615-18446744073709551615", Some(ID_MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-", None),
            ("5-", None),
            ("-5", None),
            ("5-3-1", None),
            ("5-*", None),
            ("x", None),
        ] {
            assert_eq!(id_or_seq(word.as_bytes(), 7).ok(), expected, "{word}");
        }
    }

    #[test]
    fn intervals_may_leave_their_ends_out() {
        let id = |ms, seq| Some(StreamId { ms, seq });
        for (word, from, to) in [
            ("-", Some(ID_ZERO), Some(ID_ZERO)),
            ("+", Some(ID_MAX), Some(ID_MAX)),
            ("5", id(5, 0), id(5, u64::MAX)),
            ("(5", id(5, 1), id(5, u64::MAX - 1)),
            ("(5-0", id(5, 1), id(4, u64::MAX)),
            ("(5-18446744073709551615", id(6, 0), id(5, u64::MAX - 1)),
            ("(0-0", id(0, 1), None),
            ("(18446744073709551615-18446744073709551615", None, id(u64::MAX, u64::MAX - 1)),
            ("(", None, None),
            ("(-", None, None),
        ] {
            assert_eq!((start(word.as_bytes()).ok(), end(word.as_bytes()).ok()), (from, to), "{word}");
        }
    }
}
