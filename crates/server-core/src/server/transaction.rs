//! Commands that wait for EXEC (`multi.c`), and the application's say before a request is run or queued.
//!
//! An application with refusals of its own (it loads, it is a replica, it is out of memory) takes requests from
//! [`Server::next_request`] and answers each with [`Server::refuse`] or lets it in with [`Server::admit`].
//! EXEC, DISCARD, MULTI and WATCH are the application's; the queue is kept here, since it counts against the
//! client's memory and every refusal spoils it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::client::Client;
use super::{Call, CloseReason, Server, ServerOutput, shown};
use crate::acl::Denial;
use crate::command::{AclSubcommand, CommandRef, Flags, Generic, Runs};

/// What a queued request is counted as beside its bytes.
const QUEUED_BYTES: u64 = 64;

/// What a client sent since MULTI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multi {
    /// The requests to run, in order; each through [`Server::run_queued`].
    pub queued: Vec<Call>,
    /// A request was refused, so that EXEC has to answer `EXECABORT`.
    pub is_aborted: bool,
    flags: CallFlags,
    pub(super) bytes: u64,
}

/// The flags of what a request runs. EXEC runs its queue as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFlags {
    /// Those that at least one of the commands has.
    pub any: Flags,
    /// Those that all of them have.
    pub all: Flags,
}

/// Who is being answered.
#[derive(Clone)]
pub(super) struct Answered {
    pub(super) client: ClientId,
    /// What was published to it meanwhile.
    pub(super) messages: Vec<Bytes>,
    /// Its transaction is being run.
    is_exec: bool,
}

impl Default for Multi {
    fn default() -> Self {
        let flags = CallFlags { any: Flags::NONE, all: Flags::ALL };
        Self { queued: Vec::new(), is_aborted: false, flags, bytes: 0 }
    }
}

impl Multi {
    fn push(&mut self, call: &Call) {
        let flags = call.command.spec().flags;
        self.flags.any = self.flags.any.and(flags);
        self.flags.all = self.flags.all.common(flags);
        self.bytes += QUEUED_BYTES + call.args.iter().map(|arg| QUEUED_BYTES + arg.len() as u64).sum::<u64>();
        // What arrived in one piece with the request would otherwise be kept as long as it.
        self.queued.push(Call { args: detached(&call.args), ..*call });
    }
}

impl Server {
    /// Lets a request in: `CLIENT PAUSE` holds it back, MULTI queues it, the server runs what is its own, and the
    /// rest is handed back for the application to run.
    pub fn admit(&mut self, call: Call) -> Option<Call> {
        let client = self.clients.get_mut(call.client)?;
        let is_queued = client.multi.is_some() && !is_run_inside_multi(call.command);
        if self.is_held_back(&call) {
            if let Some(client) = self.clients.get_mut(call.client) {
                client.postponed = Some(call.args);
            }
            return None;
        }
        if is_queued {
            self.queue(&call);
            return None;
        }
        self.run_admitted(call)
    }

    /// Turns a request down with an error that the application found. EXEC fails for it; inside MULTI the EXEC to
    /// come will.
    pub fn refuse(&mut self, call: &Call, error: &Reply) {
        self.reject(call.client, Some(call.command), error);
    }

    /// The flags that decide whether a request may run now.
    #[must_use]
    pub fn flags_of(&self, call: &Call) -> CallFlags {
        let own = call.command.spec().flags;
        let flags = CallFlags { any: own, all: own };
        match self.clients.get(call.client).and_then(|client| client.multi.as_ref()) {
            Some(multi) if is_exec(call.command) => {
                CallFlags { any: own.and(multi.flags.any), all: own.common(multi.flags.all) }
            }
            _ => flags,
        }
    }

    /// MULTI: what the client sends from now on is queued. Whether it was in MULTI already is for the application
    /// to ask before.
    pub fn begin_multi(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.multi = Some(Multi::default());
        }
    }

    /// Whether MULTI was given and EXEC or DISCARD was not.
    #[must_use]
    pub fn is_in_multi(&self, id: ClientId) -> bool {
        self.clients.get(id).is_some_and(|client| client.multi.is_some())
    }

    /// Whether what is refused to a client is part of a transaction.
    pub(super) fn is_in_transaction(&self, id: ClientId) -> bool {
        let runs = |answered: &Answered| answered.is_exec && answered.client == id;
        self.is_in_multi(id) || self.answered.as_ref().is_some_and(runs)
    }

    /// EXEC or DISCARD: ends MULTI and hands over the queue.
    pub fn take_multi(&mut self, id: ClientId) -> Option<Multi> {
        self.clients.get_mut(id)?.multi.take()
    }

    /// Makes EXEC fail, as a command that could not be queued does.
    pub fn abort_multi(&mut self, id: ClientId) {
        if let Some(multi) = self.clients.get_mut(id).and_then(|client| client.multi.as_mut()) {
            multi.is_aborted = true;
        }
    }

    /// Runs a request of a taken queue if it is the server's, and hands it back otherwise. Users may have changed
    /// since it was queued, so that it may be refused now.
    pub fn run_queued(&mut self, call: Call) -> Option<Call> {
        if let Err(denial) = self.check_permission(&call) {
            let reason = match denial {
                Denial::Command | Denial::Auth => "no permission to execute the command or subcommand",
                Denial::Key(_) => "no permission to touch the specified keys",
                Denial::Channel(_) => "no permission to access one of the channels used as arguments",
            };
            self.reply(call.client, &Reply::error(format!(
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {reason}"
            )));
            return None;
        }
        self.run_admitted(call)
    }

    /// Begins an array reply, as EXEC's: its `len` items are the client's next replies, up to [`Server::end_reply`].
    pub fn reply_array_header(&mut self, id: ClientId, len: usize) {
        if self.clients.get(id).is_some_and(Client::wants_replies) {
            let header = format!("*{len}\r\n");
            self.push_raw(id, header.as_bytes());
        }
        self.answered = Some(Answered { client: id, messages: Vec::new(), is_exec: true });
    }

    /// What is published to a client that is being answered follows at [`Server::end_reply`], so that it stands before
    /// or inside no reply. One client is answered at a time.
    pub fn begin_reply(&mut self, id: ClientId) {
        self.answered = Some(Answered { client: id, messages: Vec::new(), is_exec: false });
    }

    /// The reply was given: messages that came for the client meanwhile follow.
    pub fn end_reply(&mut self) {
        if let Some(Answered { client, messages, .. }) = self.answered.take() {
            for bytes in messages {
                self.push_shared(client, bytes);
            }
        }
    }

    /// Answers an error to a request that is not run.
    pub(super) fn reject(&mut self, id: ClientId, command: Option<CommandRef>, error: &Reply) {
        self.note_rejected(command, error);
        if command.is_some_and(is_exec) {
            self.take_multi(id);
            self.push_output(ServerOutput::Discarded { client: id });
            let text = match error {
                Reply::Error(text) => shown(text),
                _ => String::new(),
            };
            let text = format!("EXECABORT Transaction discarded because of: {text}");
            self.reply(id, &Reply::error(text));
            return;
        }
        self.abort_multi(id);
        self.reply(id, error);
    }

    fn queue(&mut self, call: &Call) {
        let id = call.client;
        let Some(client) = self.clients.get_mut(id) else { return };
        let Some(multi) = &mut client.multi else { return };
        multi.push(call);
        let held = multi.bytes + client.buffer.pending_len() as u64;
        if held > self.options.limits.query_buffer_bytes {
            self.counters.query_buffer_limit_disconnections += 1;
            self.close_now(id, CloseReason::QueryBufferLimit);
            return;
        }
        self.reply(id, &Reply::Simple(Bytes::from_static(b"QUEUED")));
    }

    fn run_admitted(&mut self, call: Call) -> Option<Call> {
        self.counters.add_command(self.now);
        self.show(&call);
        match call.command.spec().runs {
            Runs::Application => Some(call),
            Runs::Server(Generic::Acl(AclSubcommand::Load | AclSubcommand::Save))
                if self.options.has_aclfile =>
            {
                Some(call)
            }
            Runs::Server(generic) => {
                self.run(call.client, generic, &call.args);
                None
            }
        }
    }
}

/// Copies of words, in one piece of memory that holds nothing else.
fn detached(args: &[Bytes]) -> Vec<Bytes> {
    let mut all = BytesMut::with_capacity(args.iter().map(Bytes::len).sum());
    for arg in args {
        all.extend_from_slice(arg);
    }
    let mut all = all.freeze();
    args.iter().map(|arg| all.split_to(arg.len())).collect()
}

pub(super) fn is_exec(command: CommandRef) -> bool {
    command.command.name == "exec"
}

/// Whether a command is run and not queued after MULTI.
fn is_run_inside_multi(command: CommandRef) -> bool {
    matches!(command.command.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}
