//! LCS: the longest common subsequence of two strings.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::int;
use crate::types::Str;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("lcs", -3, Flags::READONLY, Categories::STRING,
        docs("string", "7.0.0", "O(N*M) in the lengths", "Finds the longest common subsequence of two strings."), Keys::Two(1), lcs),
];

/// What two strings have in common, from the end to the beginning.
struct Common {
    bytes: Vec<u8>,
    ranges: Vec<(Range<usize>, Range<usize>)>,
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]`.
fn lcs(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (left, right) = (string(exec, &args[1])?, string(exec, &args[2])?);
    let (mut len_only, mut ranges, mut with_len, mut min_len) = (false, false, false, 0);
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        if is(option, "idx") {
            ranges = true;
        } else if is(option, "len") {
            len_only = true;
        } else if is(option, "withmatchlen") {
            with_len = true;
        } else if is(option, "minmatchlen")
            && let Some(len) = options.next()
        {
            min_len = args::int(len)?.max(0);
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    if ranges && len_only {
        return Err(Fault::new("ERR If you want both the length and indexes, please just use IDX."));
    }
    let cells = (left.len() as u64 + 1).saturating_mul(right.len() as u64 + 1);
    if cells.saturating_mul(4) > exec.keyspace.settings.proto_max_bulk_len {
        return Err(Fault::new(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    let mut common = common(&left, &right);
    let len = Reply::Integer(int(common.bytes.len()));
    if len_only {
        return Ok(len);
    }
    if !ranges {
        common.bytes.reverse();
        return Ok(common.bytes.into());
    }
    let ends = |range: &Range<usize>| Reply::array([int(range.start), int(range.end - 1)]);
    let long_enough = |found: &&(Range<usize>, Range<usize>)| int(found.0.len()) >= min_len;
    let matches = common.ranges.iter().filter(long_enough).map(|(left, right)| {
        let mut parts = vec![ends(left), ends(right)];
        if with_len {
            parts.push(Reply::Integer(int(left.len())));
        }
        Reply::Array(parts)
    });
    let matches = Reply::Array(matches.collect());
    Ok(Reply::map([("matches", matches), ("len", len)]))
}

fn string(exec: &mut Exec, key: &[u8]) -> Result<Bytes, Fault> {
    let value = exec.get::<Str>(key);
    let value = value.map_err(|_| Fault::new("ERR The specified keys must contain string values"))?;
    Ok(value.map(Str::bytes).unwrap_or_default())
}

fn common(left: &[u8], right: &[u8]) -> Common {
    let width = right.len() + 1;
    // The length of what the first i and the first j bytes have in common.
    let mut lens = vec![0_u32; (left.len() + 1) * width];
    for (i, a) in left.iter().enumerate() {
        for (j, b) in right.iter().enumerate() {
            lens[(i + 1) * width + j + 1] = if a == b {
                lens[i * width + j] + 1
            } else {
                lens[i * width + j + 1].max(lens[(i + 1) * width + j])
            };
        }
    }
    let mut found = Common { bytes: Vec::new(), ranges: Vec::new() };
    let (mut i, mut j) = (left.len(), right.len());
    while i > 0 && j > 0 {
        if left[i - 1] == right[j - 1] {
            (i, j) = (i - 1, j - 1);
            found.bytes.push(left[i]);
            match found.ranges.last_mut() {
                Some((a, b)) if a.start == i + 1 && b.start == j + 1 => (a.start, b.start) = (i, j),
                _ => found.ranges.push((i..i + 1, j..j + 1)),
            }
        } else if lens[(i - 1) * width + j] > lens[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    found
}
