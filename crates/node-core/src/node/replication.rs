//! Being a replica and being a master: the two sides of replication joined to the data.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_replication::{
    LinkEvent, LinkInput, LinkOutput, LinkState, MasterInput, MasterOutput, NodeRole, PsyncForm,
    StreamCommand,
};
use picket_resp::{Reply, quote};
use picket_sansio::ClientId;
use picket_server_core::{Flags, LogLevel, ReplicationLink};

use super::io::NodeOutput;
use super::table::node_place;
use super::{Node, NodeEvent};
use crate::commands::{COMMANDS, position};
use crate::exec::{Context, Origin, Outcome, named_by};
use crate::number::parse_i64;

/// What clients that wait for something are told when this node becomes a replica.
const UNBLOCKED: &str =
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

impl Node {
    pub(super) fn is_master(&self) -> bool {
        self.side.role() == NodeRole::Master
    }

    pub(super) fn side_input(&mut self, input: MasterInput) {
        self.side.handle(self.now, input);
    }

    pub(super) fn link_input(&mut self, input: LinkInput) {
        self.link.handle(self.now, input);
    }

    /// Carries out what both sides want, until they want nothing more. The link goes first: what it has read is
    /// applied before anybody asks how far this node is.
    pub(super) fn drain_replication(&mut self) -> bool {
        let mut worked = false;
        while !self.is_over {
            if let Some(output) = self.link.poll_output() {
                self.on_link_output(output);
            } else if let Some(output) = self.side.poll_output() {
                self.on_side_output(output);
            } else {
                break;
            }
            worked = true;
        }
        let up = self.link.state() == LinkState::Connected;
        // A snapshot can be loaded before the stream has begun, or when its link has ended already.
        if up != self.link_was_up || self.side.role() == (NodeRole::Replica { link_up: !up }) {
            self.link_was_up = up;
            self.side_input(MasterInput::Link { up });
        }
        worked
    }

    /// Carries out what the master side wants so far.
    pub(super) fn drain_side(&mut self) {
        while !self.is_over
            && let Some(output) = self.side.poll_output()
        {
            self.on_side_output(output);
        }
    }

    fn on_link_output(&mut self, output: LinkOutput) {
        match output {
            LinkOutput::Connect { link, host, port } => self.push(NodeOutput::Connect { link, host, port }),
            LinkOutput::Send { link, bytes } => {
                self.traffic.repl_output += bytes.len() as u64;
                self.push(NodeOutput::LinkSend { link, bytes });
            }
            LinkOutput::SendSecret { link, bytes } => self.push(NodeOutput::LinkSendSecret { link, bytes }),
            LinkOutput::Close { link } => {
                self.server.closed(super::client_of(link));
                self.push(NodeOutput::LinkClose { link });
            }
            LinkOutput::PauseReading { link } => self.push(NodeOutput::LinkPause { link }),
            LinkOutput::ResumeReading { link } => self.push(NodeOutput::LinkResume { link }),
            LinkOutput::PayloadStart { size } => self.payload_start(size),
            LinkOutput::Payload(bytes) => self.payload_bytes(bytes),
            LinkOutput::PayloadEnd => self.payload_end(),
            LinkOutput::PayloadAbort => self.payload_abort(),
            LinkOutput::FullSync { replid, offset } => {
                let origin = replid.map(|replid| (replid, offset));
                self.side_input(MasterInput::FullSynced { origin });
            }
            LinkOutput::Continued { replid } => self.side_input(MasterInput::Continued { replid }),
            LinkOutput::Apply(command) => self.apply(&command),
            LinkOutput::Advance { pieces, .. } => {
                for piece in pieces {
                    self.side.append_proxied(&piece);
                }
                self.serve_blocked();
            }
            LinkOutput::FailoverAnswered { accepted } => {
                self.side_input(MasterInput::FailoverAnswered { accepted });
            }
            LinkOutput::Event(event) => {
                if let LinkEvent::FullResync { replid, .. } = &event {
                    self.full_resync_id = *replid;
                }
                self.event(NodeEvent::Link(event));
            }
        }
    }

    /// Executes a command of the master's stream.
    fn apply(&mut self, command: &StreamCommand) {
        let args: Vec<Bytes> = (0..command.len()).map(|index| command.arg_bytes(index)).collect();
        // A master sends renamed commands under their new names. Differs from Redis: the old ones are known too, since
        // what a command is rewritten to has them.
        let name = self.server.original_name(&args[0]).map_or_else(|| args[0].clone(), Bytes::from);
        let is_one_of = |names: &[&[u8]]| names.iter().any(|own| name.eq_ignore_ascii_case(own));
        // Transactions come whole, and nobody looks in between.
        if is_one_of(&[b"MULTI", b"EXEC", b"PING"]) {
            return;
        }
        if args.len() == 3 && is_one_of(&[b"PUBLISH", b"SPUBLISH"]) {
            if is_one_of(&[b"SPUBLISH"]) {
                self.server.publish_to_shard(&args[1], &args[2]);
            } else {
                self.server.publish(&args[1], &args[2]);
            }
            if let Some(at) = node_place(&name) {
                self.statistics.note_applied(at, false);
            }
            return;
        }
        let reply = match named_by(&name, &args) {
            Ok(at) => {
                let writes = COMMANDS[at].spec.flags.has(Flags::WRITE);
                if writes && self.is_disk_failing() && !self.live.replica_ignore_disk_write_errors {
                    return self.fatal("Replica was unable to write command to disk.".to_string());
                }
                let context = Context { origin: Origin::Master, may_block: false, ..self.context() };
                let (session, command) = (&mut self.stream_session, &COMMANDS[at]);
                let Outcome { reply, changes, .. } =
                    self.keyspace.execute_command(session, context, command, &args);
                self.saving.dirty += changes;
                self.statistics.note_applied(at, reply.is_error());
                reply
            }
            Err(fault) => {
                if let Some(at) = position(&name) {
                    self.statistics.note_applied(at, true);
                }
                fault.into()
            }
        };
        if let Reply::Error(error) = reply {
            self.traffic.unexpected_error_replies += 1;
            let name = quote(&args[0][..args[0].len().min(128)]).replace('"', "'");
            let tail = self.side.backlog().map(|backlog| backlog.tail(256)).unwrap_or_default();
            self.note(
                LogLevel::Warning,
                format!(
                    "== CRITICAL == This replica is sending an error to its master: '{}' after processing the \
                     command {name}",
                    String::from_utf8_lossy(&error)
                ),
            );
            self.note(LogLevel::Warning, format!("Latest backlog is: {}", quote(&tail)));
            // Where clients write too, the data may differ through no fault of ours.
            if self.live.ends_on_stream_error && self.live.replica_read_only {
                self.fatal(
                    "This replica panicked sending an error to its master after processing a command from its \
                     replication stream"
                        .to_string(),
                );
            }
        }
    }

    fn on_side_output(&mut self, output: MasterOutput) {
        match output {
            MasterOutput::Reply { conn, reply } => self.server.reply(conn, &reply),
            MasterOutput::Attached { conn } => {
                self.collect();
                self.replicas.insert(conn);
                if let Some(facts) = self.server.facts_mut(conn) {
                    facts.link = ReplicationLink::Replica;
                }
                self.push(NodeOutput::ClientIsReplica { client: conn });
            }
            MasterOutput::Send { conn, bytes } => {
                self.collect();
                self.traffic.repl_output += bytes.len() as u64;
                self.push(NodeOutput::ClientSend { client: conn, bytes });
            }
            MasterOutput::Feed { conn, pieces } => {
                self.collect();
                self.traffic.repl_output += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                self.push(NodeOutput::ClientFeed { client: conn, pieces });
            }
            MasterOutput::Close { conn } => {
                self.collect();
                self.replicas.remove(&conn);
                self.askers.remove(&conn);
                self.server.closed(conn);
                self.forget_client(conn);
                self.push(NodeOutput::ClientClose { client: conn });
            }
            MasterOutput::StartSnapshot { snapshot, target, filter } => {
                self.start_sync_snapshot(snapshot, target, filter);
            }
            MasterOutput::ContinueSnapshot { snapshot, budget } => {
                self.continue_sync_snapshot(snapshot, budget);
            }
            MasterOutput::ReadSnapshot { conn, snapshot, offset, budget } => {
                self.read_sync_snapshot(conn, snapshot, offset, budget);
            }
            MasterOutput::CancelSnapshot { snapshot } => self.cancel_sync_snapshot(snapshot),
            MasterOutput::Promoted => {
                self.link_input(LinkInput::Stop);
                self.remember_master(None);
            }
            MasterOutput::FollowTarget { host, port, cached } => {
                self.become_replica_locally();
                self.select_in_stream(cached.db);
                self.remember_master(Some((&host, port)));
                let cached = Some(cached);
                self.link_input(LinkInput::Follow { host, port, cached, form: PsyncForm::Failover });
            }
            MasterOutput::CachedMaster(None) => {
                self.cached = None;
                self.link_input(LinkInput::DropCached);
            }
            MasterOutput::CachedMaster(Some(cached)) => {
                self.select_in_stream(cached.db);
                self.cached = Some(cached);
            }
            MasterOutput::PauseWrites { paused } => {
                self.server.hold_writes(self.now, paused || self.shutdown.is_some());
            }
            MasterOutput::WaitDone { client, reply } => self.wait_done(client, &reply),
            MasterOutput::Blocked { client } => {
                if client != super::shutdown::WAITER {
                    self.waiting.insert(client);
                    self.server.block(client);
                }
            }
            MasterOutput::Event(event) => self.event(NodeEvent::Master(event)),
        }
    }

    fn wait_done(&mut self, client: ClientId, reply: &Reply) {
        if client == super::shutdown::WAITER {
            return self.replicas_waited_for();
        }
        self.waiting.remove(&client);
        self.server.reply(client, reply);
        self.server.resume(client);
    }

    /// `REPLICAOF host port` and `REPLICAOF NO ONE`.
    pub(super) fn replicaof(&mut self, client: ClientId, args: &[Bytes]) -> Reply {
        if self.side.is_failing_over() {
            return Reply::error("ERR REPLICAOF not allowed while failing over.");
        }
        let who = self.server.client_info(client);
        if args[1].eq_ignore_ascii_case(b"no") && args[2].eq_ignore_ascii_case(b"one") {
            if !self.is_master() {
                self.note(LogLevel::Notice, format!("MASTER MODE enabled (user request from '{who}')"));
                self.link_input(LinkInput::Stop);
                self.cached = None;
                self.side_input(MasterInput::Promoted);
                self.remember_master(None);
            }
            return Reply::ok();
        }
        if self.replicas.contains(&client) {
            return Reply::error("ERR Command is not valid when client is a replica.");
        }
        let Some(port) = parse_i64(&args[2]).and_then(|port| u16::try_from(port).ok()) else {
            return Reply::error("ERR Invalid master port");
        };
        let host = String::from_utf8_lossy(&args[1]).into_owned();
        // The configuration file could not tell it.
        if host.is_empty()
            || host.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\''))
        {
            return Reply::error("ERR Invalid master host");
        }
        if self.link.is_following(&host, port) {
            return Reply::simple("OK Already connected to specified master");
        }
        self.note(LogLevel::Notice, format!("REPLICAOF {host}:{port} enabled (user request from '{who}')"));
        self.follow(host, port);
        Reply::ok()
    }

    /// Becomes a replica of that master.
    pub(super) fn follow(&mut self, host: String, port: u16) {
        let was_master = self.is_master();
        // What a transaction wrote before this word of it is this master's.
        self.append_unit();
        self.cached = None;
        self.side_input(MasterInput::Demoted);
        // What a former master can go on from comes as an output.
        self.drain_replication();
        if was_master {
            self.become_replica_locally();
            self.select_in_stream(self.cached.map_or(0, |cached| cached.db));
        } else {
            self.unblock_all();
        }
        self.remember_master(Some((&host, port)));
        let cached = self.cached.take();
        self.link_input(LinkInput::Follow { host, port, cached, form: PsyncForm::Plain });
    }

    fn become_replica_locally(&mut self) {
        self.unblock_all();
        self.stream_session = crate::Session::new();
        self.local_expiries.clear();
    }

    /// The master's stream has selected this database, or the first if there is none of this number.
    pub(super) fn select_in_stream(&mut self, db: u32) {
        self.stream_session.db = if db < self.keyspace.databases() { db } else { 0 };
    }

    /// Ends everybody's waiting: what they wait for is not this node's to give any more.
    fn unblock_all(&mut self) {
        let waiting: Vec<ClientId> = self.keyspace.parked_clients().collect();
        let in_wait: Vec<ClientId> = self.waiting.iter().copied().collect();
        for client in waiting.into_iter().chain(in_wait) {
            let name = self.server.last_command(client);
            let reply = Reply::error(UNBLOCKED);
            self.statistics.note_failed(name.as_bytes());
            self.server.note_error(&reply);
            self.server.reply(client, &reply);
            self.server.close(client);
            self.forget_client(client);
        }
    }

    /// Notes the master in the settings, for CONFIG GET and CONFIG REWRITE.
    pub(super) fn remember_master(&mut self, master: Option<(&str, u16)>) {
        let text = master.map_or_else(|| "no one".to_string(), |(host, port)| format!("{host} {port}"));
        // A host with blanks or quotes in it cannot be followed either.
        let _ = self.settings.set("replicaof", text.as_bytes());
        self.server.set_role(if master.is_some() { "replica" } else { "master" });
    }

    /// PSYNC, SYNC and REPLCONF.
    pub(super) fn replica_command(&mut self, client: ClientId, name: &str, mut args: Vec<Bytes>) {
        args.remove(0);
        let input = match name {
            "replconf" => {
                if args.first().is_some_and(|option| option.eq_ignore_ascii_case(b"getack")) {
                    self.link_input(LinkInput::AckNow);
                }
                MasterInput::Replconf { conn: client, args }
            }
            _ => {
                let peer_ip = self.server.peer_ip(client);
                let pending_output = self.has_unsent(client);
                if name == "psync" {
                    MasterInput::Psync { conn: client, peer_ip, args, pending_output }
                } else {
                    MasterInput::Sync { conn: client, peer_ip, pending_output }
                }
            }
        };
        self.askers.insert(client);
        self.side_input(input);
    }
}
