//! Requests of clients: what refuses them, who runs them, and what they put into the stream
//! (`server.c: processCommand, call`).

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_replication::{MasterInput, Propagated, WaitKind, role_reply};
use picket_resp::{Reply, append_command};
use picket_sansio::ClientId;
use picket_server_core::{Call, Flags};

use super::table::{NodeCommand, Runner, runner};
use super::{ClientState, Node};
use crate::command::Command;
use crate::exec::{Context, Effect, Origin, Outcome};
use crate::session::Session;

impl Node {
    /// Takes a request in: refuses it, lets it wait, or runs it.
    pub(super) fn request(&mut self, call: Call) {
        if self.replicas.contains(&call.client) && !is_for_replicas(&call) {
            let command = Bytes::copy_from_slice(call.command.full_name().as_bytes());
            self.side_input(MasterInput::GeneratedReply { conn: call.client, command });
            return;
        }
        if let Some(error) = self.refusal(&call) {
            self.server.refuse(&call, &error);
            return;
        }
        let client = call.client;
        let Some(call) = self.server.admit(call) else { return };
        if let Some(reply) = self.run(&call) {
            self.server.reply(client, &reply);
        }
        self.serve_blocked();
    }

    /// Why a request may not run now, in the order in which Redis looks.
    fn refusal(&mut self, call: &Call) -> Option<Reply> {
        let flags = self.server.flags_of(call);
        let is_master = self.is_master();
        if self.live.maxmemory > 0 && (is_master || !self.live.replica_ignore_maxmemory) && !self.is_loading()
        {
            let fits = self.evict();
            if !fits && flags.any.has(Flags::DENYOOM) {
                return Some(Reply::error("OOM command not allowed when used memory > 'maxmemory'."));
            }
        }
        let is_ping = call.command.command.name == "ping";
        if (flags.any.has(Flags::WRITE) || is_ping) && self.is_disk_failing() {
            return Some(Reply::error(MISCONF));
        }
        if is_master && flags.any.has(Flags::WRITE) && !self.side.accepts_writes() {
            return Some(Reply::error("NOREPLICAS Not enough good replicas to write."));
        }
        if !is_master && self.live.replica_read_only && flags.any.has(Flags::WRITE) {
            return Some(Reply::error("READONLY You can't write against a read only replica."));
        }
        if !is_master
            && !self.live.replica_serve_stale_data
            && !self.link_was_up
            && !flags.all.has(Flags::STALE)
        {
            return Some(Reply::error(
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            ));
        }
        if !flags.all.has(Flags::LOADING) && self.is_loading() {
            return Some(Reply::error("LOADING Redis is loading the dataset in memory"));
        }
        None
    }

    /// Whether clients have no data to see at the moment.
    pub(super) fn is_loading(&self) -> bool {
        !self.is_ready || self.loading.as_ref().is_some_and(|loading| !loading.is_async)
    }

    /// Runs a request. None if it is answered later, or was answered here.
    fn run(&mut self, call: &Call) -> Option<Reply> {
        let (index, runner) = runner(call.command.command)?;
        let reply = match runner {
            Runner::Keyspace(command) => self.run_keyspace(call, command),
            Runner::Node(command) => self.run_node(call, command),
        };
        self.statistics.note(index, reply.as_ref());
        if let Some(reply) = &reply {
            self.server.note_error(reply);
        }
        reply
    }

    fn run_keyspace(&mut self, call: &Call, command: &'static Command) -> Option<Reply> {
        let client = call.client;
        if command.spec.name == "watch" && self.server.is_in_multi(client) {
            return Some(Reply::error("ERR WATCH inside MULTI is not allowed"));
        }
        let mut context = self.client_context(client);
        if context.origin == Origin::ReplicaClient
            && !self.live.replica_read_only
            && command.spec.flags.has(Flags::WRITE)
        {
            context.origin = Origin::Client;
        }
        // While writes are held back nothing else may change data either: who reads an expired key leaves it there.
        let may_write = Flags::WRITE.and(Flags::MAY_REPLICATE);
        if !command.spec.flags.has(may_write) && self.server.is_holding_writes() {
            context.origin = Origin::ReplicaClient;
        }
        let state = self.clients.entry(client).or_default();
        let outcome = self.keyspace.execute_command(&mut state.session, context, command, &call.args);
        if outcome.block.is_some() {
            return self.wait_for_keys(client, outcome);
        }
        if command.touches_session()
            && let Some(facts) = self.server.facts_mut(client)
        {
            let state = self.clients.entry(client).or_default();
            facts.db = state.session.db;
            facts.watched_keys = u32::try_from(state.session.watched_len()).unwrap_or(u32::MAX);
        }
        let reply = self.settle(client, outcome);
        if command.spec.name == "flushall" && self.save_emptiness(client) {
            return None;
        }
        Some(reply)
    }

    fn wait_for_keys(&mut self, client: ClientId, mut outcome: Outcome) -> Option<Reply> {
        let block = outcome.block.take();
        self.settle(client, outcome);
        if let Some(block) = block {
            self.block_client(client, block);
        }
        None
    }

    /// What a command changed goes into the stream; returns its reply.
    pub(super) fn settle(&mut self, client: ClientId, outcome: Outcome) -> Reply {
        let Outcome { reply, effects, is_unit, changes, .. } = outcome;
        self.saving.dirty += changes;
        if effects.is_empty() {
            return reply;
        }
        if self.is_master() {
            self.propagate(effects, is_unit);
            let offset = self.side.history().master_repl_offset;
            if let Some(state) = self.clients.get_mut(&client) {
                state.last_write = offset;
            }
        } else if !self.live.replica_read_only {
            // A replica that is read only changes nothing but what PFCOUNT keeps in its key.
            self.local_expiries.note(&self.keyspace, &effects);
        }
        reply
    }

    /// Puts commands into the stream, as one unit or each for itself; those of a transaction when it ends.
    pub(super) fn propagate(&mut self, effects: Vec<Effect>, is_unit: bool) {
        match &mut self.unit {
            Some(unit) => unit.extend(effects),
            None => self.append_to_stream(&effects, is_unit),
        }
    }

    fn append_to_stream(&mut self, effects: &[Effect], is_unit: bool) {
        if effects.is_empty() || self.side.backlog().is_none() {
            return;
        }
        self.scratch.clear();
        let mut ends = Vec::with_capacity(effects.len());
        for effect in effects {
            append_command(&mut self.scratch, &effect.args);
            ends.push(self.scratch.len());
        }
        let mut from = 0;
        let mut commands = Vec::with_capacity(effects.len());
        for (effect, end) in effects.iter().zip(ends) {
            commands.push(Propagated { db: Some(effect.db), command: &self.scratch[from..end] });
            from = end;
        }
        if is_unit {
            self.side.propagate(&commands);
        } else {
            commands.iter().for_each(|command| {
                self.side.propagate(core::slice::from_ref(command));
            });
        }
    }

    /// In what circumstances a client's command runs.
    pub(super) fn client_context(&self, client: ClientId) -> Context {
        Context {
            origin: if self.is_master() { Origin::Client } else { Origin::ReplicaClient },
            protocol: self.server.protocol(client),
            may_block: self.unit.is_none(),
            ..self.context()
        }
    }

    fn run_node(&mut self, call: &Call, command: NodeCommand) -> Option<Reply> {
        let (client, args) = (call.client, &call.args[..]);
        match command {
            NodeCommand::Multi => Some(self.multi(client)),
            NodeCommand::Exec => self.exec(client),
            NodeCommand::Discard => Some(self.discard(client)),
            NodeCommand::Replicaof => Some(self.replicaof(client, args)),
            NodeCommand::Replica(name) => {
                self.replica_command(client, name, args.to_vec());
                self.drain_replication();
                None
            }
            NodeCommand::Failover => {
                let args = args[1..].to_vec();
                self.side_input(MasterInput::Failover { conn: client, args });
                self.drain_replication();
                None
            }
            NodeCommand::Wait(kind) => {
                self.wait(client, kind, args);
                None
            }
            NodeCommand::Role => Some(role_reply(&self.side.status(), &self.link.status())),
            NodeCommand::Info => Some(self.info(args)),
            NodeCommand::Config => self.config(client, args),
            NodeCommand::Publish | NodeCommand::Spublish => {
                self.publish(client, command, args);
                None
            }
            NodeCommand::Reset => {
                if self.server.reset(client) {
                    self.forget_client(client);
                }
                None
            }
            NodeCommand::Save => self.save(client),
            NodeCommand::Bgsave => Some(self.bgsave(args)),
            NodeCommand::Lastsave => {
                Some(Reply::Integer(i64::try_from(self.saving.last_save_s).unwrap_or(i64::MAX)))
            }
            NodeCommand::Shutdown => self.shutdown_command(client, args),
            NodeCommand::Debug => self.debug(client, args),
            NodeCommand::Time => Some(self.time()),
            NodeCommand::AclFile => self.acl_file(client, args),
            NodeCommand::Refused(text) => Some(Reply::error(text)),
            NodeCommand::Module => Some(match args.get(1) {
                Some(word) if word.eq_ignore_ascii_case(b"list") => Reply::Array(Vec::new()),
                Some(word) if word.eq_ignore_ascii_case(b"help") => picket_server_core::help(
                    "MODULE",
                    &["LIST", "    Lists modules: there are none in Picket."],
                ),
                _ => Reply::error("ERR Picket has no modules"),
            }),
        }
    }

    fn multi(&mut self, client: ClientId) -> Reply {
        if self.server.is_in_multi(client) {
            return Reply::error("ERR MULTI calls can not be nested");
        }
        self.server.begin_multi(client);
        Reply::ok()
    }

    fn discard(&mut self, client: ClientId) -> Reply {
        if self.server.take_multi(client).is_none() {
            return Reply::error("ERR DISCARD without MULTI");
        }
        self.unwatch(client);
        Reply::ok()
    }

    pub(super) fn unwatch(&mut self, client: ClientId) {
        if let Some(state) = self.clients.get_mut(&client) {
            self.keyspace.unwatch(&mut state.session);
        }
        if let Some(facts) = self.server.facts_mut(client) {
            facts.watched_keys = 0;
        }
    }

    /// EXEC: the queue runs as one unit, each command answering for itself.
    fn exec(&mut self, client: ClientId) -> Option<Reply> {
        let Some(multi) = self.server.take_multi(client) else {
            return Some(Reply::error("ERR EXEC without MULTI"));
        };
        let now_ms = self.now_ms();
        let is_dirty =
            self.clients.get(&client).is_some_and(|state| self.keyspace.is_dirty(&state.session, now_ms));
        self.unwatch(client);
        if multi.is_aborted {
            return Some(Reply::error("EXECABORT Transaction discarded because of previous errors."));
        }
        if is_dirty {
            return Some(Reply::NullArray);
        }
        self.server.reply_array_header(client, multi.queued.len());
        self.unit = Some(Vec::new());
        for call in multi.queued {
            if let Some(call) = self.server.run_queued(call)
                && let Some(reply) = self.run(&call)
            {
                self.server.reply(client, &reply);
            }
        }
        self.server.end_reply();
        let has_written = self.append_unit();
        self.unit = None;
        if has_written && self.is_master() {
            let offset = self.side.history().master_repl_offset;
            self.clients.entry(client).or_default().last_write = offset;
        }
        // A directive that was set inside takes no key from the commands behind it.
        self.evict();
        None
    }

    /// Puts what a transaction has changed so far into the stream; false if that is nothing.
    pub(super) fn append_unit(&mut self) -> bool {
        let effects = self.unit.as_mut().map(core::mem::take).unwrap_or_default();
        self.append_to_stream(&effects, true);
        !effects.is_empty()
    }

    fn wait(&mut self, client: ClientId, kind: WaitKind, args: &[Bytes]) {
        let offset = self.clients.get(&client).map_or(0, |state| state.last_write);
        let may_block = self.unit.is_none();
        let args = args[1..].to_vec();
        self.side_input(MasterInput::Wait { client, kind, args, offset, may_block });
        self.drain_replication();
    }

    /// PUBLISH and SPUBLISH: a client that listens itself gets the reply first, one in a transaction the whole EXEC's.
    fn publish(&mut self, client: ClientId, command: NodeCommand, args: &[Bytes]) {
        let is_in_transaction = self.unit.is_some();
        if !is_in_transaction {
            self.server.begin_reply(client);
        }
        let receivers = match command {
            NodeCommand::Spublish => self.server.publish_to_shard(&args[1], &args[2]),
            _ => self.server.publish(&args[1], &args[2]),
        };
        if self.is_master() {
            let db = self.clients.get(&client).map_or(0, |state| state.session.db);
            let effect = Effect { db, args: args.to_vec() };
            self.propagate(alloc::vec![effect], true);
        }
        self.server.reply(client, &Reply::Integer(i64::try_from(receivers).unwrap_or(i64::MAX)));
        if !is_in_transaction {
            self.server.end_reply();
        }
    }

    fn time(&self) -> Reply {
        let micros = self.wall_micros();
        let word = |number: u64| Reply::bulk(format!("{number}"));
        Reply::array([word(micros / 1_000_000), word(micros % 1_000_000)])
    }
}

impl Default for ClientState {
    fn default() -> Self {
        Self { session: Session::new(), last_write: 0, blocked_until: None }
    }
}

/// What a replica's connection may send.
fn is_for_replicas(call: &Call) -> bool {
    matches!(call.command.command.name, "replconf" | "psync" | "sync")
}

const MISCONF: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
