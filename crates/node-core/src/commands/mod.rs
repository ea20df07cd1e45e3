//! All commands of a data node. Each group has its file with a table of one row per command; a new command is
//! a row there and its function.

mod args;
mod bitfield;
mod bitmap;
mod blocking;
mod dump;
mod expire;
mod function;
mod generic;
mod geo;
mod geosearch;
mod hash;
mod hash_expire;
mod hyperloglog;
mod lcs;
mod list;
mod memory;
mod scan;
mod script;
mod set;
mod sort;
mod stream;
mod stream_args;
mod stream_claim;
mod stream_group;
mod stream_info;
mod stream_read;
mod string;
mod transaction;
mod zcombine;
mod zrange;
mod zset;

use crate::command::{Command, Keys};
pub(crate) use dump::dump_payload;

/// The tables of all groups. A new group is a line here.
const GROUPS: &[&[Command]] = &[
    blocking::TABLE,
    bitfield::TABLE,
    bitmap::TABLE,
    dump::TABLE,
    expire::TABLE,
    function::TABLE,
    generic::TABLE,
    geo::TABLE,
    geosearch::TABLE,
    hash::TABLE,
    hash_expire::TABLE,
    hyperloglog::TABLE,
    lcs::TABLE,
    list::TABLE,
    memory::TABLE,
    scan::TABLE,
    script::TABLE,
    set::TABLE,
    sort::TABLE,
    stream::TABLE,
    stream_claim::TABLE,
    stream_group::TABLE,
    stream_info::TABLE,
    stream_read::TABLE,
    string::TABLE,
    transaction::TABLE,
    zcombine::TABLE,
    zrange::TABLE,
    zset::TABLE,
];

pub(crate) const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

/// All rows, sorted by name when this was compiled.
pub(crate) static COMMANDS: [Command; COUNT] = {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut len, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            let mut at = len;
            while at > 0 && is_before(GROUPS[group][row].spec.name, all[at - 1].spec.name) {
                all[at] = all[at - 1];
                at -= 1;
            }
            all[at] = GROUPS[group][row];
            len += 1;
            row += 1;
        }
        group += 1;
    }
    all
};

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
