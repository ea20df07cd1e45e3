//! A data node without I/O: clients, data, the master that it follows and the replicas that follow it.
//!
//! [`Node`] joins the parts: [`Server`] speaks with clients, [`Keyspace`] holds the data, [`MasterSide`] and
//! [`ReplicaLink`] are the two sides of replication. Each input is followed to its end: requests are run, what they
//! changed goes into the stream, and the stream to the replicas.

mod acl_file;
mod blocked;
mod calls;
mod config;
mod debug;
mod event;
mod host_view;
mod info;
mod io;
mod live;
mod loading;
mod local_expiries;
mod memory;
mod options;
mod replication;
mod saving;
mod shutdown;
mod status;
mod table;

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use picket_replication::{CachedMaster, History, LinkInput, MasterInput, MasterSide, ReplId, ReplicaLink};
use picket_resp::{Protocol, Reply};
use picket_sansio::{ClientId, Deadline, LinkId, Prng, QueryId, Secret, Time};
use picket_server_core::config::ConfigError;
use picket_server_core::{
    CloseReason, HostInfo, LogLevel, ReplySlot, Server, ServerOptions, ServerOutput, Settings,
};

pub use event::NodeEvent;
pub use host_view::{command_table, honours};
pub use io::{ConfigState, EndSignal, FileId, FileResult, NodeInput, NodeOutput};
pub use options::NodeOptions;
pub use status::NodeStatus;

use crate::db::Db;
use crate::exec::{Context, Effect, Origin};
use crate::keyspace::Keyspace;
use crate::session::Session;
use live::Live;

/// The beat of what has no deadline of its own: keys that expire, and a shutdown.
const CRON_PERIOD: picket_sansio::Millis = picket_sansio::Millis(100);
/// The same where there is neither: save points count seconds.
const CALM_CRON_PERIOD: picket_sansio::Millis = picket_sansio::Millis(1_000);
/// How many expired keys are removed at once.
const EXPIRE_STEP: usize = 200;

/// A data node: a value that turns inputs into outputs. A checkpoint is a clone.
#[derive(Clone)]
pub struct Node {
    now: Time,
    /// Calendar time less monotonic time, in microseconds.
    wall_origin: u64,
    server: Server,
    keyspace: Keyspace,
    side: MasterSide,
    link: ReplicaLink,
    link_was_up: bool,
    /// What the next link to a master may go on from.
    cached: Option<CachedMaster>,
    /// The history of the snapshot that the master sends.
    full_resync_id: Option<ReplId>,
    /// The database that the master's stream has selected, and nothing else.
    stream_session: Session,
    settings: Settings,
    live: Live,
    working_dir: alloc::vec::Vec<u8>,
    has_config_file: bool,
    host: HostInfo,
    prng: Prng,
    clients: BTreeMap<ClientId, ClientState>,
    /// Connections that are fed the stream.
    replicas: BTreeSet<ClientId>,
    /// Connections of which the master side knows.
    askers: BTreeSet<ClientId>,
    /// Clients in WAIT.
    waiting: BTreeSet<ClientId>,
    block_deadlines: BTreeSet<(Time, ClientId)>,
    /// The effects of the transaction that is being run.
    unit: Option<alloc::vec::Vec<Effect>>,
    saving: saving::Saving,
    loading: Option<loading::Loading>,
    /// The database file that is being opened, and one that is being received.
    starting: Option<FileId>,
    receiving: Option<loading::Receiving>,
    load_figures: LoadFigures,
    /// The master to follow once the data is loaded.
    first_master: Option<(String, u16)>,
    is_ready: bool,
    shutdown: Option<shutdown::Shutdown>,
    is_over: bool,
    active_expire: bool,
    local_expiries: local_expiries::LocalExpiries,
    next_cron: Time,
    /// DEBUG PAUSE-CRON.
    is_cron_paused: bool,
    files: u64,
    queries: u64,
    later: BTreeMap<QueryId, Later>,
    statistics: info::Statistics,
    traffic: Traffic,
    figures: Figures,
    scratch: BytesMut,
    outputs: VecDeque<NodeOutput>,
}

/// What a client means to the data.
#[derive(Clone, Debug)]
struct ClientState {
    session: Session,
    /// The stream's offset after its last write.
    last_write: u64,
    blocked_until: Option<Time>,
}

/// What is answered when the host has answered.
#[derive(Clone, Debug)]
enum Later {
    ConfigRewrite {
        client: ClientId,
        slot: ReplySlot,
    },
    AclLoad {
        client: ClientId,
        slot: ReplySlot,
    },
    AclSave {
        client: ClientId,
        slot: ReplySlot,
    },
    /// CONFIG SET of these pairs, among which is `dir`.
    ConfigSet {
        client: ClientId,
        slot: ReplySlot,
        pairs: alloc::vec::Vec<Bytes>,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct LoadFigures {
    keys_loaded: u64,
    keys_expired: u64,
}

/// Counters of INFO stats.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    repl_input: u64,
    repl_output: u64,
    unexpected_error_replies: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    peak_memory: u64,
}

/// Why a node wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeTimer {
    /// A client is idle for too long, or a pause ends.
    Clients,
    /// A client that waits for keys gives up.
    Blocked,
    /// Something between this node and its replicas.
    Master,
    /// Something between this node and its master.
    Link,
    /// The next key of a snapshot that is made slowly.
    Snapshot,
    /// The next keys of a load that is made slowly.
    Load,
    /// Expired keys, save points.
    Cron,
}

impl Node {
    /// A node that has not begun: its first outputs are there at once.
    ///
    /// # Errors
    /// A line of the configuration that cannot be carried out.
    pub fn new(now: Time, options: NodeOptions) -> Result<Self, ConfigError> {
        let NodeOptions { settings, users, renames, identity, working_dir, has_config_file, seed, wall } =
            options;
        let table = command_table();
        let server_options = ServerOptions::from_settings(&settings, &users, &renames, table, identity)?;
        let mut prng = Prng::new(seed);
        let mut server = Server::new(now, server_options, prng.next_u64());
        server.set_wall(now, wall);
        let live = Live::of(&settings);
        let first_master = settings.replicaof();
        let role = loading::first_role(first_master.is_some());
        let history = History::start(ReplId::random(&mut prng));
        let side = MasterSide::new(now, live.master, role, history, None, prng.next_u64());
        let mut node = Self {
            now,
            wall_origin: wall.0.saturating_sub(now.0),
            server,
            keyspace: Keyspace::new(prng.next_u64(), live.keyspace.clone()),
            side,
            link: ReplicaLink::new(live.link.clone()),
            link_was_up: false,
            cached: None,
            full_resync_id: None,
            stream_session: Session::new(),
            settings,
            live,
            working_dir,
            has_config_file,
            host: HostInfo::default(),
            prng,
            clients: BTreeMap::new(),
            replicas: BTreeSet::new(),
            askers: BTreeSet::new(),
            waiting: BTreeSet::new(),
            block_deadlines: BTreeSet::new(),
            unit: None,
            saving: saving::Saving::default(),
            loading: None,
            starting: None,
            receiving: None,
            load_figures: LoadFigures::default(),
            first_master,
            is_ready: false,
            shutdown: None,
            is_over: false,
            active_expire: true,
            local_expiries: local_expiries::LocalExpiries::default(),
            next_cron: now + CRON_PERIOD,
            is_cron_paused: false,
            files: 0,
            queries: 0,
            later: BTreeMap::new(),
            statistics: info::Statistics::default(),
            traffic: Traffic::default(),
            figures: Figures::default(),
            scratch: BytesMut::new(),
            outputs: VecDeque::new(),
        };
        let role = if node.first_master.is_some() { "replica" } else { "master" };
        node.server.set_role(role);
        node.start_load();
        Ok(node)
    }

    /// Changes the state; effects wait in [`Node::poll_output`].
    pub fn handle(&mut self, now: Time, input: NodeInput<'_>) {
        if self.is_over {
            return;
        }
        // Within an input the time may have gone on by itself (DEBUG SLEEP); it never goes back.
        let now = now.max(self.now);
        self.now = now;
        // What the host has not taken meanwhile is freed here.
        while self.take_garbage().is_some() {}
        match input {
            NodeInput::Wake => {}
            NodeInput::Wall(wall) => {
                self.wall_origin = wall.0.saturating_sub(now.0);
                self.server.set_wall(now, wall);
            }
            NodeInput::Host(host) => {
                self.server.note_output(host);
                self.host = host.clone();
            }
            NodeInput::ClientConnected { client, addresses } => self.server.accept(now, client, addresses),
            NodeInput::ClientData { client, bytes } => self.server.receive(now, client, bytes),
            NodeInput::ClientGone { client } => self.client_gone(client),
            NodeInput::ClientWritable { client, budget } => {
                self.side_input(MasterInput::Writable { conn: client, budget });
            }
            NodeInput::LinkUp { link, addresses } => {
                self.server.add_master_link(now, client_of(link), addresses);
                self.link_input(LinkInput::Up { link });
            }
            NodeInput::LinkData { link, bytes } => {
                self.traffic.repl_input += bytes.len() as u64;
                self.server.touch(now, client_of(link));
                self.link_input(LinkInput::Data { link, bytes });
            }
            NodeInput::LinkDown { link, reason } => {
                self.server.closed(client_of(link));
                self.link_input(LinkInput::Down { link, reason });
            }
            NodeInput::File { file, result } => self.on_file(file, result),
            NodeInput::Written { query, result } => self.on_written(query, result),
            NodeInput::TextRead { query, result } => self.on_text(query, result),
            NodeInput::FolderChanged { query, result } => self.on_folder(query, result),
            NodeInput::Terminate { signal } => self.terminate(signal),
        }
        // What has arrived is applied before a save point looks at the data.
        self.drain_replication();
        if self.is_over {
            return;
        }
        self.run_timers();
        self.settle_all();
    }

    /// Follows what has happened to its end.
    fn settle_all(&mut self) {
        loop {
            let mut worked = self.drain_replication();
            while let Some(call) = self.server.next_request(self.now) {
                worked = true;
                self.request(call);
                if self.is_over {
                    return;
                }
            }
            if !worked && !self.collect() {
                break;
            }
        }
        self.side_input(MasterInput::Flush);
        self.check_snapshot_limit();
        let soon = self.now + CRON_PERIOD;
        if self.next_cron > soon && self.is_cron_busy() {
            self.next_cron = soon;
        }
        while self.drain_replication() | self.collect() | self.start_waiting_snapshot() {}
    }

    /// The next effect to carry out.
    pub fn poll_output(&mut self) -> Option<NodeOutput> {
        self.outputs.pop_front()
    }

    /// When to send [`NodeInput::Wake`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<NodeTimer>> {
        if self.is_over {
            return None;
        }
        // Asked for after every input. Of those at the same time the first is meant.
        let mut first: Option<Deadline<NodeTimer>> = None;
        for (at, timer) in [
            (self.server.next_deadline().map(|deadline| deadline.at), NodeTimer::Clients),
            (self.block_deadline(), NodeTimer::Blocked),
            (self.side.next_deadline().map(|deadline| deadline.at), NodeTimer::Master),
            (self.link.next_deadline().map(|deadline| deadline.at), NodeTimer::Link),
            (self.save_step_at(), NodeTimer::Snapshot),
            (self.load_step_at(), NodeTimer::Load),
            (Some(self.next_cron), NodeTimer::Cron),
        ] {
            if let Some(at) = at
                && first.is_none_or(|first| at < first.at)
            {
                first = Some(Deadline { at, timer });
            }
        }
        first
    }

    /// The directives in effect.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The data.
    #[must_use]
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// What this node is to its replicas.
    #[must_use]
    pub fn master_side(&self) -> &MasterSide {
        &self.side
    }

    /// The link to its master.
    #[must_use]
    pub fn replica_link(&self) -> &ReplicaLink {
        &self.link
    }

    fn run_timers(&mut self) {
        let is_due = |deadline: Option<Time>, now: Time| deadline.is_some_and(|at| at <= now);
        if is_due(self.server.next_deadline().map(|deadline| deadline.at), self.now) {
            self.server.wake(self.now);
        }
        if is_due(self.side.next_deadline().map(|deadline| deadline.at), self.now) {
            self.side_input(MasterInput::Wake);
        }
        if is_due(self.link.next_deadline().map(|deadline| deadline.at), self.now) {
            self.link_input(LinkInput::Wake);
        }
        self.end_overdue_blocks();
        self.step_slow_save();
        self.step_slow_load();
        if self.next_cron <= self.now {
            // A load may have ended just now, with what came after it.
            self.drain_replication();
            self.cron();
        }
    }

    fn cron(&mut self) {
        let period = if self.is_cron_busy() { CRON_PERIOD } else { CALM_CRON_PERIOD };
        self.next_cron = self.now + period;
        if self.shutdown.is_some() {
            self.check_shutdown();
        }
        self.figures.peak_memory = self.figures.peak_memory.max(self.used_memory());
        if !self.is_ready || self.loading.is_some() || self.is_cron_paused {
            return;
        }
        self.check_save_points();
        if self.is_master() && self.active_expire && !self.server.is_holding_writes() {
            let effects = self.keyspace.expire_due(self.now_ms(), EXPIRE_STEP);
            if effects.len() >= EXPIRE_STEP {
                self.next_cron = self.now + picket_sansio::Millis(1);
            }
            self.propagate(effects, false);
        } else if self.active_expire {
            let now_ms = self.now_ms();
            self.local_expiries.remove_due(&mut self.keyspace, now_ms);
        }
        self.serve_blocked();
    }

    /// Whether there is something that its usual beat is for.
    fn is_cron_busy(&self) -> bool {
        let expires = |db: &Db| db.expiries_len() > 0 || db.field_expiries_len() > 0;
        self.shutdown.is_some()
            || !self.local_expiries.is_empty()
            || self.is_master() && self.keyspace.dbs().iter().any(expires)
    }

    /// Takes over what the server wants done; false if it wanted nothing.
    fn collect(&mut self) -> bool {
        let mut worked = false;
        while let Some(output) = self.server.poll_output() {
            worked = true;
            match output {
                ServerOutput::Send { client, bytes } => {
                    if self.replicas.contains(&client) {
                        let command = self.server.last_command(client).into();
                        self.side_input(MasterInput::GeneratedReply { conn: client, command });
                    } else {
                        self.push(NodeOutput::ClientSend { client, bytes });
                    }
                }
                ServerOutput::Close { client, reason } => {
                    if reason != CloseReason::Application {
                        self.event(NodeEvent::ClientClosed { client, reason });
                    }
                    if let Some(link) = link_of(client) {
                        self.push(NodeOutput::LinkClose { link });
                        self.link_input(LinkInput::Down { link, reason: "killed by CLIENT KILL".into() });
                        continue;
                    }
                    self.forget_everywhere(client);
                    self.push(NodeOutput::ClientClose { client });
                }
                ServerOutput::Unblock { client, with } => self.unblock(client, with),
                ServerOutput::Discarded { client } => self.unwatch(client),
            }
        }
        worked
    }

    /// Whether a client was answered something that has not been taken away yet.
    fn has_unsent(&mut self, client: ClientId) -> bool {
        self.collect();
        let is_to = |output: &NodeOutput| matches!(output, NodeOutput::ClientSend { client: to, .. } if *to == client);
        self.outputs.iter().any(is_to)
    }

    fn client_gone(&mut self, client: ClientId) {
        self.server.closed(client);
        self.forget_everywhere(client);
    }

    fn forget_everywhere(&mut self, client: ClientId) {
        self.forget_client(client);
        let was_replica = self.replicas.remove(&client);
        let asked = self.askers.remove(&client);
        if was_replica || asked {
            self.side_input(MasterInput::Gone { conn: client });
        }
    }

    fn on_file(&mut self, file: FileId, result: FileResult) {
        if !self.on_snapshot_file(file, &result) {
            self.on_load_file(file, result);
        }
    }

    fn on_written(&mut self, query: QueryId, result: Result<(), String>) {
        match self.later.remove(&query) {
            Some(Later::ConfigRewrite { client, slot }) => {
                let reply = match result {
                    Ok(()) => {
                        self.note(LogLevel::Notice, "CONFIG REWRITE executed with success.".into());
                        Reply::ok()
                    }
                    Err(reason) => {
                        self.note(LogLevel::Warning, alloc::format!("CONFIG REWRITE failed: {reason}"));
                        Reply::error(alloc::format!("ERR Rewriting config file: {reason}"))
                    }
                };
                self.answer_later(client, slot, &reply);
            }
            Some(Later::AclSave { client, slot }) => self.acl_saved(client, slot, result),
            Some(Later::AclLoad { .. } | Later::ConfigSet { .. }) | None => {}
        }
    }

    fn on_text(&mut self, query: QueryId, result: Result<Secret, String>) {
        if let Some(Later::AclLoad { client, slot }) = self.later.remove(&query) {
            self.acl_read(client, slot, result);
        }
    }

    /// Asks the host for something in a client's name. Its requests wait until that is there; the reply has its place
    /// before those to the words of a transaction that do not.
    fn ask_host(&mut self, client: ClientId, later: impl FnOnce(ReplySlot) -> Later) -> QueryId {
        let query = QueryId::next(&mut self.queries);
        let slot = self.server.hold(client);
        self.server.suspend(client);
        self.later.insert(query, later(slot));
        query
    }

    fn answer_later(&mut self, client: ClientId, slot: ReplySlot, reply: &Reply) {
        self.server.reply_held(client, slot, reply);
        self.server.resume(client);
    }

    fn new_file(&mut self) -> FileId {
        self.files += 1;
        FileId(self.files)
    }

    fn push(&mut self, output: NodeOutput) {
        self.outputs.push_back(output);
    }

    fn event(&mut self, event: NodeEvent) {
        self.push(NodeOutput::Event(event));
    }

    fn note(&mut self, level: LogLevel, text: String) {
        self.event(NodeEvent::Note { level, text });
    }

    /// Something is wrong in a way that serving would make worse.
    fn fatal(&mut self, text: String) {
        self.note(LogLevel::Warning, text);
        self.push(NodeOutput::Exit { code: 1 });
        self.is_over = true;
    }

    fn wall_micros(&self) -> u64 {
        self.wall_origin.saturating_add(self.now.0)
    }

    fn now_ms(&self) -> u64 {
        self.wall_micros() / 1000
    }

    fn context(&self) -> Context {
        Context { now_ms: self.now_ms(), origin: Origin::Client, protocol: Protocol::Resp2, may_block: true }
    }
}

/// Under which id the link to the master stands among the clients: far above those of connections.
fn client_of(link: LinkId) -> ClientId {
    ClientId(LINKS_FROM + link.0)
}

/// The link that stands among the clients under this id.
fn link_of(client: ClientId) -> Option<LinkId> {
    client.0.checked_sub(LINKS_FROM).map(LinkId)
}

const LINKS_FROM: u64 = 1 << 48;

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("server", &self.server).finish_non_exhaustive()
    }
}
