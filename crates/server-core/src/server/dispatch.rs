//! The checks that every request goes through (`server.c: processCommand`), in Redis's order:
//! existence, number of words, authentication, permissions, subscription context, pause.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::client::Client;
use super::{Call, CloseReason, Pause, ReplicationLink, Server, shown};
use crate::acl::{Denial, LoggedClient};
use crate::command::{CommandRef, CommandSpec, Flags, Generic, Runs};

/// How much of a name or of all arguments an error repeats.
const QUOTED_LEN_MAX: usize = 128;

impl Server {
    /// Checks a request. One that may not run is answered.
    pub(super) fn dispatch(&mut self, id: ClientId, args: Vec<Bytes>) -> Option<Call> {
        let client = self.clients.get_mut(id)?;
        client.last_args_bytes = args.iter().map(|arg| arg.len() as u64).sum();
        let name = args.first()?;
        if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
            self.close_now(id, CloseReason::CrossProtocol);
            return None;
        }
        let found = self.find_command(&args);
        if let Some(client) = self.clients.get_mut(id) {
            client.last_command = found.as_ref().ok().copied();
        }
        let command = match found {
            Ok(command) => command,
            Err(error) => {
                self.reject(id, None, &Reply::error(error));
                return None;
            }
        };
        let call = Call { client: id, command, args };
        match self.check(&call) {
            Ok(()) => Some(call),
            Err(error) => {
                self.reject(id, Some(command), &Reply::error(error));
                None
            }
        }
    }

    pub(super) fn run(&mut self, id: ClientId, generic: Generic, args: &[Bytes]) {
        match generic {
            Generic::Ping => self.run_ping(id, args),
            Generic::Hello => self.run_hello(id, args),
            Generic::Auth => self.run_auth(id, args),
            Generic::Subscribe => self.run_subscribe(id, args),
            Generic::Psubscribe => self.run_psubscribe(id, args),
            Generic::Unsubscribe => self.run_unsubscribe(id, args),
            Generic::Punsubscribe => self.run_punsubscribe(id, args),
            Generic::Ssubscribe => self.run_ssubscribe(id, args),
            Generic::Sunsubscribe => self.run_sunsubscribe(id, args),
            Generic::Pubsub(subcommand) => self.run_pubsub(id, subcommand, args),
            Generic::Echo => self.reply(id, &Reply::Bulk(args[1].clone())),
            Generic::Quit => self.run_quit(id),
            Generic::Monitor => self.run_monitor(id),
            Generic::Client(subcommand) => self.run_client(id, subcommand, args),
            Generic::Command(_) | Generic::Acl(_) if cfg!(not(feature = "full")) => {
                let name = shown(&args[0]).to_uppercase();
                self.reply(id, &Reply::error(format!("ERR {name} is left out of this build of Picket")));
            }
            Generic::Command(subcommand) => self.run_command(id, subcommand, args),
            Generic::Acl(subcommand) => self.run_acl(id, subcommand, args),
        }
    }

    /// The name that a command had before `rename-command`; none if there is no command of this name.
    #[must_use]
    pub fn original_name(&self, name: &[u8]) -> Option<&'static str> {
        self.commands.get(name).map(|command| command.name)
    }

    /// The command that the words of a request name, or the error that says why there is none.
    pub(super) fn find_command(&self, args: &[impl AsRef<[u8]>]) -> Result<CommandRef, String> {
        let name = args.first().map_or(&[][..], AsRef::as_ref);
        let Some(command) = self.commands.get(name) else {
            return Err(unknown_command(name, args));
        };
        let subcommand = match args.get(1) {
            Some(sub) if !command.subcommands.is_empty() => {
                let sub = sub.as_ref();
                let found = command.subcommand(sub).ok_or_else(|| {
                    let container = command.name.to_ascii_uppercase();
                    format!("ERR unknown subcommand '{}'. Try {container} HELP.", quoted(sub, QUOTED_LEN_MAX))
                })?;
                Some(found)
            }
            _ => None,
        };
        Ok(CommandRef { command, subcommand })
    }

    fn check(&mut self, call: &Call) -> Result<(), String> {
        let command = call.command;
        let spec = command.spec();
        if !spec.arity_fits(call.args.len()) {
            return Err(wrong_arity(command));
        }
        let Some(client) = self.clients.get(call.client) else {
            return Ok(());
        };
        let free = spec.flags.has(Flags::NO_AUTH);
        if !client.authenticated && self.acl.needs_authentication() && !free {
            return Err("NOAUTH Authentication required.".into());
        }
        if client.multi.is_some() && spec.flags.has(Flags::NO_MULTI) {
            return Err("ERR Command not allowed inside a transaction".into());
        }
        self.check_rights(call)?;
        let Some(client) = self.clients.get(call.client) else {
            return Ok(());
        };
        if client.is_pubsub() && client.protocol == Protocol::Resp2 && !runs_while_subscribed(spec) {
            return Err(format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                command.full_name()
            ));
        }
        Ok(())
    }

    /// Whether a request that waited may still run: the user's rights may have changed meanwhile.
    ///
    /// # Errors
    /// The answer to the client.
    pub fn check_again(&mut self, id: ClientId, args: &[Bytes]) -> Result<(), Reply> {
        let command = self.find_command(args).map_err(Reply::error)?;
        self.check_rights(&Call { client: id, command, args: args.to_vec() }).map_err(Reply::error)
    }

    fn check_rights(&mut self, call: &Call) -> Result<(), String> {
        self.check_permission(call).map_err(|denial| {
            let user = self.clients.get(call.client).map_or(&[][..], |client| &client.user);
            format!("NOPERM {}", denial_text(user, call.command, &denial, Verbose::No))
        })
    }

    /// Asks the user's rules, and notes a refusal.
    pub(super) fn check_permission(&mut self, call: &Call) -> Result<(), Denial> {
        let Some(client) = self.clients.get_mut(call.client) else {
            return Ok(());
        };
        if client.unlimited_at == self.rights {
            return Ok(());
        }
        // A client whose user was deleted is closed at once; one that is left may do nothing.
        let allowed = match self.acl.user(&client.user) {
            Some(user) if user.is_unlimited() => {
                client.unlimited_at = self.rights;
                return Ok(());
            }
            Some(user) => user.check(call.command, &call.args),
            None => Err(Denial::Command),
        };
        if let Err(denial) = &allowed {
            self.log_denial(call.client, denial.clone(), call.command.full_name().into_bytes(), None);
        }
        allowed
    }

    /// Whether `CLIENT PAUSE` makes a request wait. Replicas never wait.
    pub(super) fn is_held_back(&self, call: &Call) -> bool {
        let replicated = Flags::WRITE.and(Flags::MAY_REPLICATE);
        let is_paused = match self.pause {
            Pause::None => false,
            Pause::All { until } => self.now < until,
            Pause::Writes { until } => self.now < until && self.flags_of(call).any.has(replicated),
        } || self.holds_writes && self.flags_of(call).any.has(replicated);
        let is_replica = |client: &Client| client.facts.link == ReplicationLink::Replica;
        is_paused && !self.clients.get(call.client).is_some_and(is_replica)
    }

    /// Notes a refusal in `ACL LOG` and in the counters.
    pub(super) fn log_denial(&mut self, id: ClientId, denial: Denial, object: Vec<u8>, user: Option<&[u8]>) {
        let object = match &denial {
            Denial::Command => {
                self.counters.acl_denied_cmd += 1;
                object
            }
            Denial::Auth => {
                self.counters.acl_denied_auth += 1;
                object
            }
            Denial::Key(key) => {
                self.counters.acl_denied_key += 1;
                key.clone()
            }
            Denial::Channel(channel) => {
                self.counters.acl_denied_channel += 1;
                channel.clone()
            }
        };
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let username = user.unwrap_or(&client.user).to_vec();
        let logged =
            LoggedClient { username, info: client.info(id, self.now), in_multi: self.is_in_transaction(id) };
        let wall = self.wall();
        self.acl_log.add(denial, object, logged, self.now, wall);
    }
}

/// Whether an error says which key or channel was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verbose {
    Yes,
    No,
}

/// What a refused user is told, without the code.
pub(super) fn denial_text(user: &[u8], command: CommandRef, denial: &Denial, verbose: Verbose) -> String {
    let user = shown(user);
    match denial {
        Denial::Command | Denial::Auth => {
            format!("User {user} has no permissions to run the '{}' command", command.full_name())
        }
        Denial::Key(key) if verbose == Verbose::Yes => {
            format!("User {user} has no permissions to access the '{}' key", shown(key))
        }
        Denial::Key(_) => "No permissions to access a key".into(),
        Denial::Channel(channel) if verbose == Verbose::Yes => {
            format!("User {user} has no permissions to access the '{}' channel", shown(channel))
        }
        Denial::Channel(_) => "No permissions to access a channel".into(),
    }
}

pub(super) fn wrong_arity(command: CommandRef) -> String {
    format!("ERR wrong number of arguments for '{}' command", command.full_name())
}

/// What a subcommand says of more words than it takes.
pub(super) fn unknown_form(container: &str, args: &[Bytes]) -> String {
    let subcommand = args.get(1).map(|sub| quoted(sub, QUOTED_LEN_MAX)).unwrap_or_default();
    format!("ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try {container} HELP.")
}

fn runs_while_subscribed(spec: &CommandSpec) -> bool {
    match spec.runs {
        Runs::Application => spec.name == "reset",
        Runs::Server(generic) => match generic {
            Generic::Ping
            | Generic::Subscribe
            | Generic::Psubscribe
            | Generic::Unsubscribe
            | Generic::Punsubscribe
            | Generic::Ssubscribe
            | Generic::Sunsubscribe
            | Generic::Quit => true,
            Generic::Hello
            | Generic::Auth
            | Generic::Echo
            | Generic::Monitor
            | Generic::Pubsub(_)
            | Generic::Client(_)
            | Generic::Command(_)
            | Generic::Acl(_) => false,
        },
    }
}

fn unknown_command(name: &[u8], args: &[impl AsRef<[u8]>]) -> String {
    let mut quoted_args = String::new();
    for arg in args.iter().skip(1) {
        if quoted_args.len() >= QUOTED_LEN_MAX {
            break;
        }
        let room = QUOTED_LEN_MAX - quoted_args.len();
        quoted_args.push('\'');
        quoted_args.push_str(&quoted(arg.as_ref(), room));
        quoted_args.push_str("' ");
    }
    format!("ERR unknown command '{}', with args beginning with: {quoted_args}", quoted(name, QUOTED_LEN_MAX))
}

/// At most `len_max` bytes of `bytes`, up to the first NUL, where Redis's string ends.
fn quoted(bytes: &[u8], len_max: usize) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    shown(&bytes[..end.min(len_max)])
}
