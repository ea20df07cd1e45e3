//! The commands of a Sentinel: what clients and other Sentinels ask of it.
//!
//! server-core has checked existence, arity, password and permission before a call arrives here.
//! A reply that depends on the disk, on a name or on a file is deferred: server-core holds back its
//! client, and nobody else waits.

mod acl_file;
mod ask;
mod globals;
mod help;
mod info;
mod instances;
mod queries;
mod set;
mod table;
#[cfg(test)]
mod tests;
mod tuning;
mod watching;

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Secret};
use picket_server_core::Call;
use picket_server_core::config::parse_integer;

use crate::deferred::{Deferred, Outcome};
use crate::gossip::Over;
use crate::hello;
use crate::sentinel::Sentinel;
use ask::PendingVote;
use set::PendingSet;
pub(crate) use table::COMMANDS;
use watching::PendingMonitor;

/// A command whose reply waits for an answer of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandDeferred {
    /// `+OK` once the state is on disk.
    Saved {
        /// To whom.
        client: ClientId,
    },
    /// IS-MASTER-DOWN-BY-ADDR.
    Vote(PendingVote),
    /// MONITOR of a host name.
    Monitor(PendingMonitor),
    /// SET of script paths.
    Set(PendingSet),
    /// ACL LOAD.
    AclLoad {
        /// Whose.
        client: ClientId,
    },
    /// ACL SAVE.
    AclSave {
        /// Whose.
        client: ClientId,
    },
}

/// What a command comes to.
enum Answer {
    /// This reply.
    Now(Reply),
    /// A reply when a [`CommandDeferred`] is run.
    Later,
    /// The same; requests behind it go on meanwhile.
    Held,
}

impl Sentinel {
    /// Runs a command that server-core left to us.
    pub(crate) fn run_call(&mut self, call: Call) {
        let client = call.client;
        match self.answer(call) {
            Answer::Now(reply) => self.server.reply(client, &reply),
            Answer::Later => self.server.suspend(client),
            Answer::Held => (),
        }
    }

    fn answer(&mut self, call: Call) -> Answer {
        let Call { client, command, args } = call;
        let sub = command.subcommand.map(|sub| sub.name);
        let names = if sub.is_some() { 2 } else { 1 };
        let args = args.get(names..).unwrap_or_default();
        Answer::Now(match (command.command.name, sub) {
            ("sentinel", Some(sub)) => return self.sentinel(client, sub, args),
            ("info", _) => self.info(args),
            ("role", _) => self.role_reply(),
            ("publish", _) => self.publish(args),
            ("shutdown", _) => return self.shutdown(args),
            // server-core leaves these two to us where there is an ACL file.
            ("acl", Some("load")) => return self.acl_load(client),
            ("acl", Some("save")) => return self.acl_save(client),
            _ => Reply::error("ERR syntax error"),
        })
    }

    fn sentinel(&mut self, client: ClientId, sub: &str, args: &[Bytes]) -> Answer {
        Answer::Now(match (sub, args) {
            ("myid", []) => Reply::from(self.my_id.as_str()),
            ("masters" | "primaries", []) => self.masters_reply(),
            ("master" | "primary", [name]) => self.master_reply(name),
            ("replicas" | "slaves", [name]) => self.replicas_reply(name),
            ("sentinels", [name]) => self.sentinels_reply(name),
            ("get-master-addr-by-name" | "get-primary-addr-by-name", [name]) => self.address_reply(name),
            ("is-master-down-by-addr" | "is-primary-down-by-addr", args) => {
                return self.is_master_down(client, args);
            }
            ("reset", [pattern]) => self.reset(pattern),
            ("failover", [name, options @ ..]) => self.failover(name, options),
            ("forget", [name, kind, member]) => return self.forget(client, name, kind, member),
            ("ckquorum", [name]) => self.quorum_reply(name),
            ("flushconfig", []) => return self.reply_when_saved(client),
            ("monitor", args) => return self.monitor(client, args),
            ("remove", [name]) => return self.remove(client, name),
            ("set", args) => {
                return self.set(client, args.iter().map(|arg| Secret::new(arg.as_ref())).collect());
            }
            ("config", args) => return self.config(client, args),
            ("info-cache", names) => self.info_cache_reply(names),
            ("pending-scripts", []) => self.pending_scripts_reply(),
            ("simulate-failure", flags) => self.simulate_failure(flags),
            ("debug", args) => self.debug(args),
            ("help", []) => help::reply(),
            _ => Reply::error("ERR syntax error"),
        })
    }

    /// PUBLISH: only hello messages, for those Sentinels that can reach us but no server of ours.
    fn publish(&mut self, args: &[Bytes]) -> Reply {
        match args {
            [channel, payload] if channel == hello::CHANNEL.as_bytes() => {
                self.handle_hello(payload, Over::Connection);
                Reply::Integer(1)
            }
            _ => Reply::error("ERR Only HELLO messages are accepted by Sentinel instances."),
        }
    }

    /// SHUTDOWN: there is nothing to save, so the words change nothing but have to make sense.
    fn shutdown(&mut self, args: &[Bytes]) -> Answer {
        let mut words: Vec<_> = args.iter().map(|arg| arg.to_ascii_lowercase()).collect();
        words.sort_unstable();
        words.dedup();
        let has = |word: &[u8]| words.iter().any(|given| given == word);
        let known: [&[u8]; 5] = [b"nosave", b"save", b"now", b"force", b"abort"];
        let makes_sense = words.iter().all(|word| known.contains(&word.as_slice()))
            && !(has(b"save") && has(b"nosave"))
            && !(has(b"abort") && words.len() > 1);
        if !makes_sense {
            return Answer::Now(Reply::error("ERR syntax error"));
        }
        if has(b"abort") {
            return Answer::Now(Reply::error("ERR No shutdown in progress."));
        }
        self.exit(0);
        Answer::Later
    }

    /// Goes on with a command whose answer of the host is there.
    pub(crate) fn run_command_deferred(&mut self, deferred: CommandDeferred, outcome: Outcome) {
        let (client, answer) = match (deferred, outcome) {
            (CommandDeferred::Saved { client }, Outcome::Persisted(result)) => {
                let reply = result.map_or_else(|_| Reply::error(NOT_SAVED), |()| Reply::ok());
                (client, Answer::Now(reply))
            }
            (CommandDeferred::Vote(pending), Outcome::Persisted(result)) => {
                let reply = self.vote_saved(&pending, result);
                self.server.reply_held(pending.client, pending.slot, &reply);
                return;
            }
            (CommandDeferred::Monitor(pending), Outcome::Resolved(result)) => {
                (pending.client, self.monitor_resolved(&pending, &result))
            }
            (CommandDeferred::Set(pending), Outcome::Executable(is_executable)) => {
                (pending.client, self.set_checked(pending, is_executable))
            }
            (CommandDeferred::AclLoad { client }, Outcome::FileRead(result)) => {
                self.acl_read(client, result);
                return;
            }
            (CommandDeferred::AclSave { client }, Outcome::FileWritten(result)) => {
                (client, Answer::Now(acl_file::saved(result)))
            }
            // An answer to another question than the one asked cannot come: each has its own id.
            (
                CommandDeferred::Saved { .. }
                | CommandDeferred::Vote(_)
                | CommandDeferred::Monitor(_)
                | CommandDeferred::Set(_)
                | CommandDeferred::AclLoad { .. }
                | CommandDeferred::AclSave { .. },
                _,
            ) => return,
        };
        match answer {
            Answer::Now(reply) => {
                self.server.reply(client, &reply);
                self.server.resume(client);
            }
            Answer::Later | Answer::Held => {}
        }
    }

    /// `+OK`, or the error of a failed write, once the present state is settled.
    fn reply_when_saved(&mut self, client: ClientId) -> Answer {
        let ticket = self.persist();
        self.when_durable(ticket, Deferred::Command(CommandDeferred::Saved { client }));
        Answer::Later
    }
}

/// An integer as Redis reads one from a client.
fn integer_of(word: &[u8]) -> Option<i64> {
    parse_integer(word)
}

fn integer(value: u64) -> Reply {
    Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Bytes of a client as part of a message.
fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

const NO_SUCH_MASTER: &str = "ERR No such master with that name";
const NOT_SAVED: &str = "ERR Failed to save config file. Check server logs.";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
