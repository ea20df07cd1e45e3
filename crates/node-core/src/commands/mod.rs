//! All commands of a data node. Each group has its file with a table of one row per command; a new command is
//! a row there and its function.

#[cfg(any(test, not(feature = "full")))]
mod absent;
mod args;
#[cfg(feature = "full")]
mod bitfield;
#[cfg(feature = "full")]
mod bitmap;
#[cfg(feature = "full")]
mod blocking;
#[cfg(feature = "full")]
mod dump;
mod expire;
#[cfg(feature = "full")]
mod function;
mod generic;
#[cfg(feature = "full")]
mod geo;
#[cfg(feature = "full")]
mod geosearch;
#[cfg(feature = "full")]
mod hash;
#[cfg(feature = "full")]
mod hash_expire;
#[cfg(feature = "full")]
mod hyperloglog;
#[cfg(feature = "full")]
mod lcs;
#[cfg(feature = "full")]
mod list;
#[cfg(feature = "full")]
mod memory;
mod scan;
#[cfg(feature = "full")]
mod script;
#[cfg(feature = "full")]
mod set;
#[cfg(feature = "full")]
mod sort;
#[cfg(feature = "full")]
mod stream;
#[cfg(feature = "full")]
mod stream_args;
#[cfg(feature = "full")]
mod stream_claim;
#[cfg(feature = "full")]
mod stream_group;
#[cfg(feature = "full")]
mod stream_info;
#[cfg(feature = "full")]
mod stream_read;
mod string;
mod transaction;
#[cfg(feature = "full")]
mod zcombine;
#[cfg(feature = "full")]
mod zrange;
#[cfg(feature = "full")]
mod zset;

use crate::command::{Command, Keys};

/// The groups that every build has. A new group is a line here, or below.
const BASIC: &[&[Command]] = &[expire::TABLE, generic::TABLE, scan::TABLE, string::TABLE, transaction::TABLE];

/// The groups that a build without the feature `full` refuses by name; see `absent.rs`.
#[cfg(feature = "full")]
const FULL: &[&[Command]] = &[
    blocking::TABLE,
    bitfield::TABLE,
    bitmap::TABLE,
    dump::TABLE,
    function::TABLE,
    geo::TABLE,
    geosearch::TABLE,
    hash::TABLE,
    hash_expire::TABLE,
    hyperloglog::TABLE,
    lcs::TABLE,
    list::TABLE,
    memory::TABLE,
    script::TABLE,
    set::TABLE,
    sort::TABLE,
    stream::TABLE,
    stream_claim::TABLE,
    stream_group::TABLE,
    stream_info::TABLE,
    stream_read::TABLE,
    string::FLOAT_TABLE,
    zcombine::TABLE,
    zrange::TABLE,
    zset::TABLE,
];
#[cfg(not(feature = "full"))]
const FULL: &[&[Command]] = &[&absent::TABLE];

const GROUPS: [&[&[Command]]; 2] = [BASIC, FULL];

pub(crate) const COUNT: usize = {
    let (mut count, mut groups) = (0, 0);
    while groups < GROUPS.len() {
        let mut group = 0;
        while group < GROUPS[groups].len() {
            count += GROUPS[groups][group].len();
            group += 1;
        }
        groups += 1;
    }
    count
};

/// All rows, sorted by name when this was compiled.
pub(crate) static COMMANDS: [Command; COUNT] = {
    let mut all = [BASIC[0][0]; COUNT];
    let (mut len, mut groups) = (0, 0);
    while groups < GROUPS.len() {
        let mut group = 0;
        while group < GROUPS[groups].len() {
            len = insert(&mut all, len, GROUPS[groups][group]);
            group += 1;
        }
        groups += 1;
    }
    all
};

/// Puts the rows of a group where their names belong among the first `len`; returns how many there are then.
const fn insert(all: &mut [Command; COUNT], mut len: usize, rows: &[Command]) -> usize {
    let mut row = 0;
    while row < rows.len() {
        let mut at = len;
        while at > 0 && is_before(rows[row].spec.name, all[at - 1].spec.name) {
            all[at] = all[at - 1];
            at -= 1;
        }
        all[at] = rows[row];
        len += 1;
        row += 1;
    }
    len
}

/// How many places the table of names has: at most half of them are taken.
const PLACES: usize = (2 * COUNT).next_power_of_two();

/// Where each name is among the rows: a hash table with linear probing, made when this was compiled. Zero is free.
static BY_NAME: [u16; PLACES] = {
    let mut places = [0; PLACES];
    let mut at = 0;
    while at < COUNT {
        let mut place = place_of(COMMANDS[at].spec.name.as_bytes());
        while places[place] != 0 {
            place = (place + 1) % PLACES;
        }
        places[place] = at as u16 + 1;
        at += 1;
    }
    places
};

/// Where to look for a name first, in any case.
const fn place_of(name: &[u8]) -> usize {
    let (mut hash, mut at) = (0_u32, 0);
    while at < name.len() {
        hash = (hash ^ (name[at] | 32) as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ hash >> 15) as usize % PLACES
}

/// The command of that name, in any case.
#[must_use]
pub fn command(name: &[u8]) -> Option<&'static Command> {
    COMMANDS.get(position(name)?)
}

/// Where the command of that name stands among the rows.
pub(crate) fn position(name: &[u8]) -> Option<usize> {
    const NAME_LEN_MAX: usize = 32;
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    let mut place = place_of(name);
    loop {
        let at = usize::from(BY_NAME[place]).checked_sub(1)?;
        if COMMANDS[at].spec.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(at);
        }
        place = (place + 1) % PLACES;
    }
}

/// Whether a command may find any key expired, each being a matter of its own.
pub(crate) fn touches_arbitrary_keys(command: &Command) -> bool {
    command.spec.keys == Keys::Arbitrary
}

const fn is_before(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[cfg(feature = "full")]
    #[test]
    fn what_other_builds_refuse_by_name_is_what_only_this_one_has() {
        let mut names: Vec<_> = FULL.iter().flat_map(|group| group.iter().map(|row| row.spec.name)).collect();
        names.sort_unstable();
        assert_eq!(names, absent::NAMES);
    }

    #[test]
    fn every_command_is_found_once() {
        for (at, row) in COMMANDS.iter().enumerate() {
            assert!(at == 0 || COMMANDS[at - 1].spec.name < row.spec.name, "{}", row.spec.name);
            let upper = row.spec.name.to_ascii_uppercase();
            assert_eq!(command(upper.as_bytes()).map(|found| found.spec.name), Some(row.spec.name));
        }
        assert!(command(b"nosuch").is_none());
    }
}
