//! `COMMAND` (`server.c: commandCommand` and the functions around it).

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::{SYNTAX_ERROR, Server, help};
use crate::command::{Categories, CommandRef, CommandSpec, CommandSubcommand};
use crate::glob::{Case, glob_match};
use crate::keys::{KeyUse, Keys};

impl Server {
    pub(super) fn run_command(&mut self, id: ClientId, subcommand: CommandSubcommand, args: &[Bytes]) {
        let outcome = match subcommand {
            CommandSubcommand::All => {
                Ok(Reply::Array(self.present().map(|command| describe(top(command))).collect()))
            }
            CommandSubcommand::Count => {
                Ok(Reply::Integer(i64::try_from(self.present().count()).unwrap_or(i64::MAX)))
            }
            CommandSubcommand::Docs => Ok(self.command_docs(&args[2..])),
            CommandSubcommand::Getkeys => self.command_getkeys(&args[2..], WithFlags::No),
            CommandSubcommand::Getkeysandflags => self.command_getkeys(&args[2..], WithFlags::Yes),
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
            return Reply::Array(self.present().map(|command| describe(top(command))).collect());
        }
        let infos = names.iter().map(|name| match self.by_full_name(name) {
            Some(found) => describe(found),
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

    fn command_getkeys(&self, words: &[Bytes], with_flags: WithFlags) -> Result<Reply, String> {
        let command = self.find_command(words).map_err(|_| "ERR Invalid command specified")?;
        if !command.has_keys() {
            return Err("ERR The command has no key arguments".into());
        }
        if !command.spec().arity_fits(words.len()) {
            return Err("ERR Invalid number of arguments specified for command".into());
        }
        let mut keys = Vec::new();
        let is_right = command.visit_keys(words, |at, key| {
            let name = Reply::Bulk(words[at].clone());
            keys.push(match with_flags {
                WithFlags::No => name,
                WithFlags::Yes => {
                    Reply::Array([name, Reply::Set(key.names().map(Reply::simple).collect())].into())
                }
            });
        });
        let may_be_none = matches!(command.key_spec().keys, Keys::MaybeCounted(_));
        if is_right || may_be_none {
            return Ok(Reply::Array(if is_right { keys } else { Vec::new() }));
        }
        Err("ERR Invalid arguments specified for command".into())
    }
}

/// Whether keys are listed with what happens to them.
#[derive(Clone, Copy)]
enum WithFlags {
    Yes,
    No,
}

fn top(command: &'static CommandSpec) -> CommandRef {
    CommandRef { command, subcommand: None }
}

/// The ten elements of `COMMAND INFO`.
fn describe(found: CommandRef) -> Reply {
    let spec = found.spec();
    let subcommands = if found.subcommand.is_none() { found.command.subcommands } else { &[] };
    let subcommands =
        subcommands.iter().map(|sub| describe(CommandRef { command: found.command, subcommand: Some(sub) }));
    let (keys, uses) = shown_keys(found);
    let (first, last, step) = keys.legacy_range();
    let flags = spec.flags.names().map(Reply::simple).collect();
    let categories = spec.categories.names().map(|name| Reply::simple(alloc::format!("@{name}"))).collect();
    Reply::Array(
        [
            Reply::from(found.full_name()),
            Reply::Integer(i64::from(spec.arity)),
            Reply::Set(flags),
            Reply::Integer(first),
            Reply::Integer(last),
            Reply::Integer(step),
            Reply::Set(categories),
            Reply::set(spec.tips.iter().copied()),
            Reply::Set(key_specs(keys, uses)),
            Reply::Set(subcommands.collect()),
        ]
        .into(),
    )
}

/// A subcommand's keys, which its container may tell; a container itself has none.
fn shown_keys(found: CommandRef) -> (Keys, &'static [KeyUse]) {
    let spec = found.key_spec();
    // Subcommands without room for the key, as HELP, name none.
    let arity = i64::from(found.spec().arity);
    let (first, ..) = spec.keys.legacy_range();
    let is_container = found.subcommand.is_none() && !found.command.subcommands.is_empty();
    if is_container || found.subcommand.is_some() && arity.abs() <= first {
        return (Keys::None, &[]);
    }
    (spec.keys, spec.key_uses)
}

/// The key specifications of `COMMAND INFO`.
fn key_specs(keys: Keys, uses: &[KeyUse]) -> Vec<Reply> {
    let int = |value: u8| Reply::Integer(i64::from(value));
    let part = |kind: &'static str, fields: Vec<(&'static str, Reply)>| {
        Reply::map([("type", Reply::from(kind)), ("spec", Reply::map(fields))])
    };
    let index = |at: u8| part("index", [("index", int(at))].into());
    let keyword = |word: &'static str, from: i64| {
        part("keyword", [("keyword", Reply::from(word)), ("startfrom", Reply::Integer(from))].into())
    };
    let range = |last: i64, step: u8, limit: u8| {
        let fields = [("lastkey", Reply::Integer(last)), ("keystep", int(step)), ("limit", int(limit))];
        part("range", fields.into())
    };
    let counted =
        || part("keynum", [("keynumidx", int(0)), ("firstkey", int(1)), ("keystep", int(1))].into());
    let unknown = || part("unknown", Vec::new());
    let (Some(first), Some(rest)) = (uses.first(), uses.last()) else { return Vec::new() };
    let differ = uses.len() > 1;
    let incomplete = first.and(KeyUse::INCOMPLETE);
    let specs: Vec<(&KeyUse, Reply, Reply)> = match keys {
        Keys::None | Keys::Arbitrary => Vec::new(),
        Keys::One(at) => [(first, index(at), range(0, 1, 0))].into(),
        Keys::Two(at) if differ => {
            [(first, index(at), range(0, 1, 0)), (rest, index(at + 1), range(0, 1, 0))].into()
        }
        Keys::Two(at) => [(first, index(at), range(1, 1, 0))].into(),
        Keys::AllFrom(at) if differ => {
            [(first, index(at), range(0, 1, 0)), (rest, index(at + 1), range(-1, 1, 0))].into()
        }
        Keys::AllFrom(at) => [(first, index(at), range(-1, 1, 0))].into(),
        Keys::AllButLast(at) => [(first, index(at), range(-2, 1, 0))].into(),
        Keys::PairsFrom(at) => [(first, index(at), range(-1, 2, 0))].into(),
        Keys::Counted(at) | Keys::MaybeCounted(at) => [(first, index(at), counted())].into(),
        Keys::StoreCounted => [(first, index(1), range(0, 1, 0)), (rest, index(2), counted())].into(),
        Keys::Streams(from) => [(first, keyword("STREAMS", i64::from(from)), range(-1, 1, 2))].into(),
        Keys::Sort => [(first, index(1), range(0, 1, 0)), (first, unknown(), unknown())].into(),
        Keys::SortStore => {
            [(first, index(1), range(0, 1, 0)), (first, unknown(), unknown()), (rest, unknown(), unknown())]
                .into()
        }
        Keys::GeoStore(from) => [
            (first, index(1), range(0, 1, 0)),
            (rest, keyword("STORE", i64::from(from)), range(0, 1, 0)),
            (rest, keyword("STOREDIST", i64::from(from)), range(0, 1, 0)),
        ]
        .into(),
        Keys::Migrate => {
            [(first, index(3), range(0, 1, 0)), (&incomplete, keyword("KEYS", -2), range(-1, 1, 0))].into()
        }
    };
    let describe = |(key, begin, find): (&KeyUse, Reply, Reply)| {
        let flags = Reply::Set(key.names().map(Reply::simple).collect());
        Reply::map([("flags", flags), ("begin_search", begin), ("find_keys", find)])
    };
    specs.into_iter().map(describe).collect()
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
