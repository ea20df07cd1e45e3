//! A row of the command table.

pub use picket_server_core::Keys;
use picket_server_core::{Categories, CommandSpec, Docs, Flags};

use bytes::Bytes;

use crate::exec::Exec;
use crate::fault::Answer;

/// A command: what is known about it, and the function that runs it.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Name, arity, flags, categories, documentation, and where its keys stand.
    pub spec: CommandSpec,
    pub(crate) run: fn(&mut Exec, &[Bytes]) -> Answer,
}

impl Command {
    /// Whether it changes what a session is: its database, or what it watches.
    pub(crate) fn touches_session(&self) -> bool {
        matches!(self.spec.name, "select" | "watch" | "unwatch")
    }

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
        Self { spec: CommandSpec::new(name, arity, flags, categories, docs).with_keys(keys), run }
    }

    /// A row of a command that has subcommands.
    pub(crate) const fn container(
        name: &'static str,
        docs: Docs,
        keys: Keys,
        run: fn(&mut Exec, &[Bytes]) -> Answer,
        subcommands: &'static [CommandSpec],
    ) -> Self {
        let mut command = Self::new(name, -2, Flags::NONE, Categories::NONE, docs, keys, run);
        command.spec = command.spec.with_subcommands(subcommands);
        command
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
