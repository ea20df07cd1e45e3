//! The client side of a server, without I/O.
//!
//! The host tells what arrived ([`Server::accept`], [`Server::receive`], [`Server::closed`]); the
//! application takes requests from [`Server::next_request`], gives them to [`Server::admit`], and answers with
//! [`Server::reply`] those that come back as its own; what shall be sent or closed comes out of
//! [`Server::poll_output`] in order.
//! Everything that all servers answer alike (authentication, protocol versions, `CLIENT`, `COMMAND`,
//! `ACL`, subscriptions) is answered here (`networking.c`, `server.c: processCommand`, `pubsub.c`).

mod acl_command;
mod client;
mod client_command;
mod client_filter;
mod clients;
mod command_command;
mod counters;
mod dispatch;
mod errors;
mod facts;
mod fingerprint;
mod handshake;
mod held;
mod help;
mod info;
mod monitor;
mod options;
mod output;
mod pubsub;
mod reset;
mod tracking;
mod transaction;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply};
use picket_sansio::{ClientId, Deadline, Millis, Prng, Time, WallTime};

use crate::acl::{Acl, AclLog, PubsubDefault};
use crate::command::CommandIndex;

pub use client::{ClientAddresses, Origin};
pub use counters::Counters;
pub use facts::{ClientFacts, ClientsMemory, ReplicationLink};
pub use held::ReplySlot;
pub use help::help;
pub use info::{CpuMicros, HostInfo, Listener};
pub use options::{Identity, Limits, Renames, ServerOptions};
pub use output::{Call, CloseReason, ServerOutput, ServerTimer, UnblockWith};
pub use transaction::{CallFlags, Multi};

use client::Client;
use clients::Clients;
use errors::Errors;

/// Which requests `CLIENT PAUSE` holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    None,
    Writes { until: Time },
    All { until: Time },
}

/// The clients of a server and what they may do.
#[derive(Clone)]
pub struct Server {
    options: ServerOptions,
    commands: CommandIndex,
    acl: Acl,
    errors: Errors,
    acl_log: AclLog,
    clients: Clients,
    /// Clients that may have a request to parse, each at most once.
    ready: VecDeque<ClientId>,
    /// Whose requests are taken now, and how many more before the next client's turn.
    turn: Option<(ClientId, u32)>,
    /// Counts the changes of users' rights, so that what was found about a client holds until the next.
    rights: u64,
    channels: BTreeMap<Bytes, BTreeSet<ClientId>>,
    patterns: BTreeMap<Bytes, BTreeSet<ClientId>>,
    shard_channels: BTreeMap<Bytes, BTreeSet<ClientId>>,
    /// What all subscriptions take.
    subscriptions_bytes: u64,
    /// Clients that gave MONITOR.
    monitors: BTreeSet<ClientId>,
    /// An EXEC that they see once it has run.
    shown_later: Option<Call>,
    /// When to look whether a client is idle; filled while there is a `timeout`.
    idle: BTreeSet<(Time, ClientId)>,
    pause: Pause,
    /// The application holds back writes, see [`Server::hold_writes`].
    holds_writes: bool,
    answered: Option<transaction::Answered>,
    outputs: VecDeque<ServerOutput>,
    /// Clients that had not taken all of their output when the host told last.
    unsent: Vec<(ClientId, u64)>,
    /// Replies to one client that are not in `outputs` yet, so that they travel together. The room behind them
    /// is used again.
    tail: BytesMut,
    tail_of: ClientId,
    /// The last [`ReplySlot`] given out.
    last_slot: u64,
    counters: Counters,
    prng: Prng,
    started: Time,
    now: Time,
    wall_origin: WallTime,
}

impl Server {
    /// A server without clients, started at `now`. `seed` feeds `ACL GENPASS`.
    #[must_use]
    pub fn new(now: Time, options: ServerOptions, seed: u64) -> Self {
        Self {
            commands: options.renames.index(options.table),
            acl: options.acl.clone(),
            errors: Errors::default(),
            acl_log: AclLog::new(options.limits.acl_log_len),
            options,
            clients: Clients::default(),
            ready: VecDeque::new(),
            turn: None,
            rights: 1,
            channels: BTreeMap::new(),
            patterns: BTreeMap::new(),
            shard_channels: BTreeMap::new(),
            subscriptions_bytes: 0,
            monitors: BTreeSet::new(),
            shown_later: None,
            idle: BTreeSet::new(),
            pause: Pause::None,
            holds_writes: false,
            answered: None,
            outputs: VecDeque::new(),
            unsent: Vec::new(),
            tail: BytesMut::new(),
            tail_of: ClientId(0),
            last_slot: 0,
            counters: Counters::default(),
            prng: Prng::new(seed),
            started: now,
            now,
            wall_origin: WallTime::default(),
        }
    }

    /// Tells what the calendar says at `now`; for `ACL LOG` and `INFO` only.
    pub fn set_wall(&mut self, now: Time, wall: WallTime) {
        self.wall_origin = WallTime(wall.0.saturating_sub(now.0));
    }

    /// Somebody connected. A refused connection gets its answer and is closed.
    pub fn accept(&mut self, now: Time, id: ClientId, addresses: ClientAddresses) {
        self.now = now;
        let refused = if self.clients.len() >= self.options.limits.maxclients as usize {
            Some((CloseReason::MaxClients, "ERR max number of clients reached"))
        } else if self.options.protected_mode
            && self.acl.default_user().is_nopass()
            && addresses.origin == Origin::Remote
        {
            Some((CloseReason::ProtectedMode, PROTECTED_MODE))
        } else {
            None
        };
        if let Some((reason, text)) = refused {
            self.counters.rejected_connections += 1;
            self.push_reply(id, &Reply::error(text), Protocol::Resp2);
            self.push_close(id, reason);
            return;
        }
        self.counters.total_connections_received += 1;
        let mut client = Client::new(now, addresses, self.options.limits.bulk_len);
        client.set_authenticated(!self.acl.needs_authentication());
        self.clients.insert(id, client);
        self.watch_idle(id, now);
    }

    /// Bytes arrived from a client. Unknown clients are ignored: their closing is on its way.
    pub fn receive(&mut self, now: Time, id: ClientId, bytes: &[u8]) {
        self.now = now;
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        self.counters.total_reads_processed += 1;
        self.counters.add_input(now, bytes.len() as u64);
        client.last_interaction = now;
        client.buffer.extend(bytes);
        if client.buffer.pending_len() as u64 > self.options.limits.query_buffer_bytes {
            self.counters.query_buffer_limit_disconnections += 1;
            self.close_now(id, CloseReason::QueryBufferLimit);
            return;
        }
        self.enqueue(id);
    }

    /// A client's connection has ended.
    pub fn closed(&mut self, id: ClientId) {
        self.forget(id);
    }

    /// The next request, whoever runs it, checked to exist and to be allowed; to be passed to
    /// [`admit`](Self::admit) or [`refuse`](Self::refuse) before the next is asked for. A few requests of each
    /// client are taken in turn, and those that may not run are answered on the way.
    pub fn next_request(&mut self, now: Time) -> Option<Call> {
        loop {
            if let Taken::Call(call) = self.take_request(now)? {
                return Some(call);
            }
        }
    }

    /// [`next_request`](Self::next_request) for one request, even a refused one: for those who count what was answered.
    pub fn take_request(&mut self, now: Time) -> Option<Taken> {
        self.now = now;
        self.show_late();
        let is_paused = self.is_holding_back();
        loop {
            let (id, left) = match self.turn.take() {
                Some((id, 0)) => {
                    self.enqueue(id);
                    continue;
                }
                Some(turn) => turn,
                None => (self.ready.pop_front()?, TURN_REQUESTS),
            };
            let Some(client) = self.clients.get_mut(id) else {
                continue;
            };
            client.queued = false;
            if client.is_waiting() || is_paused && client.postponed.is_some() {
                continue;
            }
            let args = match client.postponed.take() {
                Some(args) => args,
                None => match client.buffer.next_owned() {
                    Ok(Some(request)) => {
                        client.begin_request();
                        request.into_args()
                    }
                    Ok(None) => continue,
                    Err(error) => {
                        self.reply(id, &error.reply());
                        self.close_now(id, CloseReason::Protocol);
                        continue;
                    }
                },
            };
            self.turn = Some((id, left - 1));
            return Some(self.dispatch(id, args).map_or(Taken::Refused, Taken::Call));
        }
    }

    /// Ends the turn of the client whose request came last: those of others come next. Whether there may be more
    /// requests.
    pub fn end_turn(&mut self) -> bool {
        if let Some((id, _)) = self.turn.take() {
            self.enqueue(id);
        }
        !self.ready.is_empty()
    }

    /// Whether requests of a client may still wait for [`next_request`](Self::next_request).
    #[must_use]
    pub fn is_queued(&self, id: ClientId) -> bool {
        self.clients.get(id).is_some_and(|client| client.queued)
    }

    /// Answers a client's request. Goes nowhere if the client is gone or wants no replies.
    pub fn reply(&mut self, id: ClientId, reply: &Reply) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        if reply.is_error() {
            self.counters.total_error_replies += 1;
        }
        if client.wants_replies() {
            let protocol = client.protocol;
            self.push_reply(id, reply, protocol);
        }
    }

    /// Sends a client something it did not ask for; `CLIENT REPLY` does not hold it back.
    fn push(&mut self, id: ClientId, message: &Reply) {
        if let Some(client) = self.clients.get(id) {
            let protocol = client.protocol;
            self.push_reply(id, message, protocol);
        }
    }

    /// Stops parsing a client's requests until [`resume`](Self::resume): its last call is answered
    /// later. What it sends meanwhile is kept within the query buffer limit.
    pub fn suspend(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.suspended = true;
        }
    }

    /// Goes on with a suspended client.
    pub fn resume(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.suspended = false;
            client.is_blocked = false;
            client.last_interaction = self.now;
        }
        self.enqueue(id);
    }

    /// Closes a client after the replies it was given. Further requests of it are not looked at.
    pub fn close(&mut self, id: ClientId) {
        self.close_now(id, CloseReason::Application);
    }

    /// Whether the client is still there.
    #[must_use]
    pub fn is_connected(&self, id: ClientId) -> bool {
        self.clients.contains_key(id)
    }

    /// The protocol a client speaks.
    #[must_use]
    pub fn protocol(&self, id: ClientId) -> Protocol {
        self.clients.get(id).map_or(Protocol::Resp2, |client| client.protocol)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.show_late();
        if self.outputs.is_empty() {
            self.flush_tail();
        }
        let output = self.outputs.pop_front()?;
        if let ServerOutput::Send { bytes, .. } = &output {
            self.counters.total_writes_processed += 1;
            self.counters.add_output(self.now, bytes.len() as u64);
        }
        Some(output)
    }

    /// Takes over what the host knows of clients' output, for `CLIENT LIST` and `INFO`.
    pub fn note_output(&mut self, host: &HostInfo) {
        self.counters.output_buffer_limit_disconnections += host.over_output_limit;
        for (id, _) in core::mem::take(&mut self.unsent) {
            self.set_unsent(id, 0);
        }
        for (id, bytes) in &host.unsent {
            self.set_unsent(*id, *bytes);
        }
        self.unsent.clone_from(&host.unsent);
    }

    fn set_unsent(&mut self, id: ClientId, bytes: u64) {
        if let Some(client) = self.clients.get_mut(id) {
            client.pending_output = bytes;
        }
    }

    /// When [`wake`](Self::wake) has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<ServerTimer>> {
        let idle = self.idle.first().map(|(at, _)| Deadline { at: *at, timer: ServerTimer::Idle });
        let pause = match self.pause {
            Pause::None => None,
            Pause::Writes { until } | Pause::All { until } => {
                Some(Deadline { at: until, timer: ServerTimer::Pause })
            }
        };
        [idle, pause].into_iter().flatten().min_by_key(|deadline| deadline.at)
    }

    /// Closes idle clients and ends a pause that is over.
    pub fn wake(&mut self, now: Time) {
        self.now = now;
        if let Pause::Writes { until } | Pause::All { until } = self.pause
            && now >= until
        {
            self.unpause();
        }
        while let Some((at, id)) = self.idle.first().copied() {
            if at > now {
                break;
            }
            self.idle.remove(&(at, id));
            let Some(client) = self.clients.get(id) else {
                continue;
            };
            // Who listens or waits for an answer is not idle.
            let since = if client.may_be_silent() { now } else { client.last_interaction };
            let due = since + self.options.limits.timeout;
            if due <= now {
                self.close_now(id, CloseReason::Idle);
            } else {
                self.idle.insert((due, id));
            }
        }
    }

    /// The users.
    #[must_use]
    pub fn acl(&self) -> &Acl {
        &self.acl
    }

    /// Replaces the users, as `ACL LOAD` does: clients whose user is gone are closed, and those that listen to what
    /// theirs may not listen to any more.
    pub fn set_acl(&mut self, acl: Acl) {
        self.acl = acl;
        self.rights_changed();
        let is_orphan = |client: &Client| self.acl.user(&client.user).is_none();
        let orphans = self.clients.iter().filter(|(_, client)| is_orphan(client));
        let orphans: Vec<ClientId> = orphans.map(|(id, _)| id).collect();
        for id in orphans {
            self.close_now(id, CloseReason::AclChanged);
        }
        let names: Vec<Vec<u8>> = self.acl.users().map(|user| user.name().to_vec()).collect();
        for name in names {
            self.close_forbidden_listeners(&name);
        }
    }

    /// Sets or clears the password of the default user. Connections that are in stay in.
    pub fn set_requirepass(&mut self, password: Option<&[u8]>) {
        self.acl.set_requirepass(password);
    }

    /// Changes what users may listen to who are made or reset from now on (`acl-pubsub-default`).
    pub fn set_pubsub_default(&mut self, pubsub_default: PubsubDefault) {
        self.acl.set_pubsub_default(pubsub_default);
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &ServerOptions {
        &self.options
    }

    /// Changes limits at run time.
    pub fn set_limits(&mut self, now: Time, limits: Limits) {
        self.now = now;
        self.options.limits = limits;
        self.acl_log.set_len_max(limits.acl_log_len);
        self.idle.clear();
        let ids: Vec<ClientId> = self.clients.ids().collect();
        for id in ids {
            if let Some(client) = self.clients.get_mut(id) {
                client.buffer.set_max_bulk_len(limits.bulk_len);
            }
            self.watch_idle(id, now);
        }
    }

    /// Counters since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The ids of all clients, in order.
    pub fn clients(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.clients.ids()
    }
}

/// Shared helpers of the modules below.
impl Server {
    fn wall(&self) -> WallTime {
        WallTime(self.wall_origin.0.saturating_add(self.now.0))
    }

    fn enqueue(&mut self, id: ClientId) {
        let paused = self.is_holding_back();
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let has_work = match client.postponed {
            Some(_) => !paused,
            None => client.buffer.pending_len() > 0,
        };
        if has_work && !client.queued && !client.is_waiting() {
            client.queued = true;
            self.ready.push_back(id);
        }
    }

    fn watch_idle(&mut self, id: ClientId, now: Time) {
        if self.options.limits.timeout > Millis(0) {
            self.idle.insert((now + self.options.limits.timeout, id));
        }
    }

    fn is_holding_back(&self) -> bool {
        self.pause != Pause::None || self.holds_writes
    }

    fn unpause(&mut self) {
        self.pause = Pause::None;
        self.release();
    }

    /// Looks again at requests that were held back.
    fn release(&mut self) {
        let ids: Vec<ClientId> = self.clients.ids().collect();
        for id in ids {
            self.enqueue(id);
        }
    }

    fn close_now(&mut self, id: ClientId, reason: CloseReason) {
        if self.forget(id) {
            self.push_close(id, reason);
        }
    }

    /// Drops what is known about a client; its place in `ready` and `idle` is found empty later.
    fn forget(&mut self, id: ClientId) -> bool {
        let Some(client) = self.clients.remove(id) else {
            return false;
        };
        self.leave_all(id, &client.subscriptions);
        self.monitors.remove(&id);
        true
    }

    fn push_reply(&mut self, id: ClientId, reply: &Reply, protocol: Protocol) {
        if let Some(client) = self.clients.get_mut(id)
            && !client.held.is_empty()
        {
            client.held.push(reply, protocol);
            return;
        }
        reply.encode(protocol, self.tail(id));
    }

    /// Where replies to a client are collected.
    fn tail(&mut self, id: ClientId) -> &mut BytesMut {
        if self.tail_of != id {
            self.flush_tail();
            self.tail_of = id;
        }
        if self.tail.capacity() - self.tail.len() < TAIL_ROOM_MIN {
            self.tail.reserve(TAIL_ROOM);
        }
        &mut self.tail
    }

    /// Appends encoded bytes to the replies of a client.
    fn push_raw(&mut self, id: ClientId, bytes: &[u8]) {
        match self.clients.get_mut(id) {
            Some(client) if !client.held.is_empty() => client.held.push_bytes(bytes),
            _ => self.tail(id).extend_from_slice(bytes),
        }
    }

    fn push_shared(&mut self, id: ClientId, bytes: Bytes) {
        if let Some(answered) = &mut self.answered
            && answered.client == id
        {
            answered.messages.push(bytes);
            return;
        }
        match self.clients.get_mut(id) {
            Some(client) if !client.held.is_empty() => client.held.push_bytes(&bytes),
            _ => self.send_shared(id, bytes),
        }
    }

    fn send_shared(&mut self, id: ClientId, bytes: Bytes) {
        self.flush_tail();
        self.outputs.push_back(ServerOutput::Send { client: id, bytes });
    }

    fn push_close(&mut self, id: ClientId, reason: CloseReason) {
        self.push_output(ServerOutput::Close { client: id, reason });
    }

    fn push_output(&mut self, output: ServerOutput) {
        self.flush_tail();
        self.outputs.push_back(output);
    }

    fn flush_tail(&mut self) {
        if !self.tail.is_empty() {
            let bytes = self.tail.split().freeze();
            self.outputs.push_back(ServerOutput::Send { client: self.tail_of, bytes });
        }
    }

    /// To be called when users or their rules have changed.
    fn rights_changed(&mut self) {
        self.rights += 1;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("clients", &self.clients.len())
            .field("channels", &self.channels.len())
            .field("patterns", &self.patterns.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It exists and is allowed.
    Call(Call),
    /// It may not run, which was answered where there is an answer.
    Refused,
}

/// How many requests of one client are taken before the next client's turn.
const TURN_REQUESTS: u32 = 64;
/// How much room for replies is made at a time, and how little of it makes more necessary.
const TAIL_ROOM: usize = 16 * 1024;
const TAIL_ROOM_MIN: usize = 64;

/// Text of an integer error, the same everywhere.
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX_ERROR: &str = "ERR syntax error";
const PROTECTED_MODE: &str = "DENIED This server is in protected mode: the default user has no password, so that only clients on the same machine are let in. To let others in, set a password (requirepass, or the ACL of the default user), or say 'protected-mode no' in the configuration file or '--protected-mode no' on the command line if the port is safe from strangers.";

/// Bytes as text for messages and `CLIENT LIST`.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
