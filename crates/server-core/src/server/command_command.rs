//! `COMMAND` (`server.c: commandCommand` and the functions around it).

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::{SYNTAX_ERROR, Server, help};
use crate::command::{Categories, CommandRef, CommandSpec, CommandSubcommand};
use crate::glob::{Case, glob_match};

impl Server {
    pub(super) fn run_command(&mut self, id: ClientId, subcommand: CommandSubcommand, args: &[Bytes]) {
        let outcome = match subcommand {
            CommandSubcommand::All => {
                Ok(Reply::Array(self.present().map(|spec| describe(spec, None)).collect()))
            }
            CommandSubcommand::Count => {
                Ok(Reply::Integer(i64::try_from(self.present().count()).unwrap_or(i64::MAX)))
            }
            CommandSubcommand::Docs => Ok(self.command_docs(&args[2..])),
            CommandSubcommand::Getkeys | CommandSubcommand::Getkeysandflags => {
                self.command_getkeys(&args[2..])
            }
            CommandSubcommand::Help => Ok(help::help("command", help::COMMAND)),
            CommandSubcommand::Info => Ok(self.command_info(&args[2..])),
            CommandSubcommand::List => self.command_list(&args[2..]),
        };
        self.reply(id, &outcome.unwrap_or_else(Reply::error));
    }

    /// The top-level commands that were not renamed away.
    fn present(&self) -> impl Iterator<Item = &'static CommandSpec> + '_ {
        self.options.table.0.iter().filter(|spec| self.options.renames.is_present(spec))
    }

    fn all_present(&self) -> impl Iterator<Item = CommandRef> + '_ {
        self.options.table.all().filter(|found| self.options.renames.is_present(found.command))
    }

    fn by_full_name(&self, name: &[u8]) -> Option<CommandRef> {
        self.options.table.by_full_name(name).filter(|found| self.options.renames.is_present(found.command))
    }

    fn command_info(&self, names: &[Bytes]) -> Reply {
        if names.is_empty() {
            return Reply::Array(self.present().map(|spec| describe(spec, None)).collect());
        }
        let infos = names.iter().map(|name| match self.by_full_name(name) {
            Some(found) => describe(found.spec(), found.subcommand.map(|_| found.command)),
            None => Reply::Null,
        });
        Reply::Array(infos.collect())
    }

    fn command_docs(&self, names: &[Bytes]) -> Reply {
        let found: Vec<CommandRef> = if names.is_empty() {
            self.present().map(|command| CommandRef { command, subcommand: None }).collect()
        } else {
            names.iter().filter_map(|name| self.by_full_name(name)).collect()
        };
        Reply::map(found.into_iter().map(|found| (found.full_name(), docs(found))))
    }

    fn command_list(&self, filter: &[Bytes]) -> Result<Reply, String> {
        let fits: &dyn Fn(CommandRef) -> bool = match filter {
            [] => &|_| true,
            [by, kind, value] if by.eq_ignore_ascii_case(b"filterby") => {
                match kind.to_ascii_lowercase().as_slice() {
                    // No command comes from a module.
                    b"module" => &|_| false,
                    b"aclcat" => {
                        let category = Categories::from_name(value).unwrap_or(Categories::NONE);
                        &move |found: CommandRef| found.spec().categories.has(category)
                    }
                    b"pattern" => &|found: CommandRef| {
                        glob_match(value, found.full_name().as_bytes(), Case::Insensitive)
                    },
                    _ => return Err(SYNTAX_ERROR.into()),
                }
            }
            _ => return Err(SYNTAX_ERROR.into()),
        };
        Ok(Reply::array(self.all_present().filter(|found| fits(*found)).map(|found| found.full_name())))
    }

    /// Keys belong to data commands, which the application's table would have to describe; none of
    /// the commands known here takes one.
    fn command_getkeys(&self, words: &[Bytes]) -> Result<Reply, String> {
        self.find_command(words).map_err(|_| "ERR Invalid command specified")?;
        Err("ERR The command has no key arguments".into())
    }
}

/// The ten elements of `COMMAND INFO`.
fn describe(spec: &'static CommandSpec, container: Option<&'static CommandSpec>) -> Reply {
    let name = match container {
        Some(container) => alloc::format!("{}|{}", container.name, spec.name),
        None => spec.name.into(),
    };
    let flags = spec.flags.names().map(Reply::simple).collect();
    let categories = spec.categories.names().map(|name| Reply::simple(alloc::format!("@{name}"))).collect();
    Reply::Array(
        [
            Reply::from(name),
            Reply::Integer(i64::from(spec.arity)),
            Reply::Set(flags),
            Reply::Integer(0),
            Reply::Integer(0),
            Reply::Integer(0),
            Reply::Set(categories),
            Reply::set(spec.tips.iter().copied()),
            Reply::Set(Vec::new()),
            Reply::Set(spec.subcommands.iter().map(|sub| describe(sub, Some(spec))).collect()),
        ]
        .into(),
    )
}

fn docs(found: CommandRef) -> Reply {
    let spec = found.spec();
    let mut fields: Vec<(&str, Reply)> = Vec::new();
    for (name, text) in [
        ("summary", spec.docs.summary),
        ("since", spec.docs.since),
        ("group", spec.docs.group),
        ("complexity", spec.docs.complexity),
    ] {
        if !text.is_empty() {
            fields.push((name, Reply::from(text)));
        }
    }
    if !spec.subcommands.is_empty() {
        let subs = spec.subcommands.iter().map(|sub| {
            let sub = CommandRef { command: found.command, subcommand: Some(sub) };
            (sub.full_name(), docs(sub))
        });
        fields.push(("subcommands", Reply::map(subs)));
    }
    Reply::map(fields)
}
