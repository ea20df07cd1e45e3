//! A row of the command table.

use picket_server_core::{Categories, CommandSpec, Docs, Flags};

use bytes::Bytes;

use crate::exec::Exec;
use crate::fault::Answer;

/// A command: what is known about it, where its keys stand, and the function that runs it.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Name, arity, flags, categories and documentation.
    pub spec: CommandSpec,
    /// Where its keys stand.
    pub keys: Keys,
    pub(crate) run: fn(&mut Exec, &[Bytes]) -> Answer,
}

/// Where the keys of a command stand among its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It names none.
    None,
    /// The word at this place.
    One(u8),
    /// Two words from this place.
    Two(u8),
    /// All words from this place.
    AllFrom(u8),
    /// All words from this place but the last.
    AllButLast(u8),
    /// Every other word from this place: keys with values.
    PairsFrom(u8),
    /// As many as the word at this place says, behind it.
    Counted(u8),
    /// The word at this place, and what follows STORE or STOREDIST.
    OneAndStored(u8),
    /// It names none but may look at any key.
    Arbitrary,
    /// The first word, and as many as the second says, behind it.
    StoreCounted,
}

impl Command {
    /// A row. The flags and categories are those of Redis; `@read`, `@write`, `@fast` and `@slow` follow from the
    /// flags.
    pub(crate) const fn new(
        name: &'static str,
        arity: i32,
        flags: Flags,
        categories: Categories,
        docs: Docs,
        keys: Keys,
        run: fn(&mut Exec, &[Bytes]) -> Answer,
    ) -> Self {
        let access = if flags.has(Flags::WRITE) {
            Categories::WRITE
        } else if flags.has(Flags::READONLY) {
            Categories::READ
        } else {
            Categories::NONE
        };
        let speed = if flags.has(Flags::FAST) { Categories::FAST } else { Categories::SLOW };
        let categories = categories.and(access).and(speed);
        Self { spec: CommandSpec::new(name, arity, flags, categories, docs), keys, run }
    }
}

/// Documentation of a command.
pub(crate) const fn docs(
    group: &'static str,
    since: &'static str,
    complexity: &'static str,
    summary: &'static str,
) -> Docs {
    Docs { summary, since, group, complexity }
}
