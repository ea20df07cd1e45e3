//! `ACL` (`acl.c: aclCommand`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::dispatch::{Verbose, denial_text, unknown_form, wrong_arity};
use super::{CloseReason, NOT_AN_INTEGER, Server, help, shown};
use crate::acl::{
    AclError, AclLogEntry, DEFAULT_USER, Denial, PasswordHash, Selector, User, has_space, random_hex,
};
use crate::command::{AclSubcommand, Categories};
use crate::config::parse_integer;

const NO_ACL_FILE: &str = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.";
const GENPASS_BITS: i64 = 256;
const GENPASS_BITS_MAX: i64 = 4096;
const LOG_COUNT: u64 = 10;

impl Server {
    pub(super) fn run_acl(&mut self, id: ClientId, subcommand: AclSubcommand, args: &[Bytes]) {
        let outcome = match subcommand {
            AclSubcommand::Cat => self.acl_cat(args),
            AclSubcommand::Deluser => return self.acl_deluser(id, &args[2..]),
            AclSubcommand::Dryrun => self.acl_dryrun(&args[2], &args[3..]),
            AclSubcommand::Genpass => self.acl_genpass(args),
            AclSubcommand::Getuser => Ok(self.acl_getuser(&args[2])),
            AclSubcommand::Help => Ok(help::help("acl", help::ACL)),
            AclSubcommand::List => Ok(Reply::array(self.acl.lines())),
            // With an ACL file these are calls of the application.
            AclSubcommand::Load | AclSubcommand::Save => Err(NO_ACL_FILE.into()),
            AclSubcommand::Log => self.acl_log(args),
            AclSubcommand::Setuser => return self.acl_setuser(id, &args[2], &args[3..]),
            AclSubcommand::Users => Ok(Reply::array(self.acl.users().map(User::name))),
            AclSubcommand::Whoami => Ok(match self.clients.get(id) {
                Some(client) => Reply::bulk_copy(&client.user),
                None => Reply::Null,
            }),
        };
        self.reply(id, &outcome.unwrap_or_else(Reply::error));
    }

    fn acl_cat(&self, args: &[Bytes]) -> Result<Reply, String> {
        match args {
            [_, _] => Ok(Reply::array(Categories::ALL.names())),
            [_, _, name] => {
                let category = Categories::from_name(name).ok_or_else(|| {
                    format!("ERR Unknown category '{}'", shown(&name[..name.len().min(128)]))
                })?;
                let found = self.options.table.all().filter(|found| found.spec().categories.has(category));
                Ok(Reply::array(found.map(|found| found.full_name())))
            }
            _ => Err(unknown_form("ACL", args)),
        }
    }

    fn acl_deluser(&mut self, id: ClientId, names: &[Bytes]) {
        if names.iter().any(|name| name == DEFAULT_USER) {
            self.reply(id, &Reply::error("ERR The 'default' user cannot be removed"));
            return;
        }
        let deleted: Vec<&Bytes> = names.iter().filter(|name| self.acl.delete_user(name)).collect();
        self.rights += 1;
        let count = i64::try_from(deleted.len()).unwrap_or(i64::MAX);
        // The reply goes first: the caller may be among those who are closed.
        self.reply(id, &Reply::Integer(count));
        let orphans =
            self.clients.iter().filter(|(_, client)| deleted.iter().any(|name| *name == &client.user));
        let orphans: Vec<ClientId> = orphans.map(|(id, _)| id).collect();
        for orphan in orphans {
            self.close_now(orphan, CloseReason::AclChanged);
        }
    }

    fn acl_dryrun(&self, name: &[u8], words: &[Bytes]) -> Result<Reply, String> {
        let user = self.acl.user(name).ok_or_else(|| format!("ERR User '{}' not found", shown(name)))?;
        let command =
            self.find_command(words).map_err(|_| format!("ERR Command '{}' not found", shown(&words[0])))?;
        if !command.spec().arity_fits(words.len()) {
            return Err(wrong_arity(command));
        }
        Ok(match user.check(command, words) {
            Ok(()) => Reply::ok(),
            Err(denial) => Reply::from(denial_text(name, command, &denial, Verbose::Yes)),
        })
    }

    fn acl_genpass(&mut self, args: &[Bytes]) -> Result<Reply, String> {
        let bits = match args {
            [_, _] => GENPASS_BITS,
            [_, _, bits] => parse_integer(bits).ok_or(NOT_AN_INTEGER)?,
            _ => return Err(unknown_form("ACL", args)),
        };
        if !(1..=GENPASS_BITS_MAX).contains(&bits) {
            return Err(format!(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to {GENPASS_BITS_MAX}"
            ));
        }
        let digits = usize::try_from((bits + 3) / 4).unwrap_or(0);
        Ok(Reply::from(random_hex(&mut self.prng, digits)))
    }

    fn acl_getuser(&self, name: &[u8]) -> Reply {
        let Some(user) = self.acl.user(name) else {
            return Reply::Null;
        };
        let mut fields = [
            ("flags", Reply::set(user.flags())),
            ("passwords", Reply::array(user.passwords().iter().map(PasswordHash::to_hex))),
        ]
        .to_vec();
        fields.extend(selector_fields(user.root()));
        let selectors = user.selectors().iter().map(|selector| Reply::map(selector_fields(selector)));
        fields.push(("selectors", Reply::Array(selectors.collect())));
        Reply::map(fields)
    }

    fn acl_log(&mut self, args: &[Bytes]) -> Result<Reply, String> {
        let count = match args {
            [_, _] => LOG_COUNT,
            [_, _, word] if word.eq_ignore_ascii_case(b"reset") => {
                self.acl_log.reset();
                return Ok(Reply::ok());
            }
            [_, _, count] => u64::try_from(parse_integer(count).ok_or(NOT_AN_INTEGER)?).unwrap_or(0),
            _ => return Err(unknown_form("ACL", args)),
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let entries = self.acl_log.entries().take(count);
        Ok(Reply::Array(entries.map(|entry| self.log_entry(entry)).collect()))
    }

    fn log_entry(&self, entry: &AclLogEntry) -> Reply {
        let reason = match entry.reason {
            Denial::Command => "command",
            Denial::Key(_) => "key",
            Denial::Auth => "auth",
            Denial::Channel(_) => "channel",
        };
        let int = |value: u64| Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX));
        let age = self.now.since(entry.at).0;
        let age = format!("{}.{:03}", age / 1000, age % 1000);
        let age = age.trim_end_matches('0').trim_end_matches('.').to_string();
        Reply::map([
            ("count", int(entry.count)),
            ("reason", Reply::from(reason)),
            ("context", Reply::from(if entry.in_multi { "multi" } else { "toplevel" })),
            ("object", Reply::bulk_copy(&entry.object)),
            ("username", Reply::bulk_copy(&entry.client.username)),
            ("age-seconds", Reply::Double(age.into())),
            ("client-info", Reply::from(entry.client.info.as_str())),
            ("entry-id", int(entry.id)),
            ("timestamp-created", int(entry.created.as_millis())),
            ("timestamp-last-updated", int(entry.updated.as_millis())),
        ])
    }

    fn acl_setuser(&mut self, id: ClientId, name: &[u8], rules: &[Bytes]) {
        if has_space(name) {
            self.reply(id, &Reply::error("ERR Usernames can't contain spaces or null characters"));
            return;
        }
        let rules: Vec<&[u8]> = rules.iter().map(|rule| &rule[..]).collect();
        match self.acl.set_user(name, &rules) {
            Ok(()) => {
                self.rights_changed();
                self.reply(id, &Reply::ok());
                self.close_forbidden_listeners(name);
            }
            Err((rule, error)) => {
                let rule = shown(&rule);
                let text = match error {
                    AclError::UnmatchedBracket => format!("ERR {error} starting at '{rule}'."),
                    _ => format!("ERR Error in ACL SETUSER modifier '{rule}': {error}"),
                };
                self.reply(id, &Reply::error(text));
            }
        }
    }
}

fn selector_fields(selector: &Selector) -> [(&'static str, Reply); 3] {
    [
        ("commands", Reply::from(selector.commands_text())),
        ("keys", Reply::from(selector.keys_text())),
        ("channels", Reply::from(selector.channels_text())),
    ]
}
