//! A data node: the very core of `picket node`, and what surrounds it here, the counterpart of the daemon's host.

mod disk;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use picket_node_core::{Node, NodeInput, NodeOptions, NodeOutput, NodeStatus};
use picket_sansio::collections::BTreeMap;
use picket_sansio::{ClientId, LinkId, Time};
use picket_server_core::config::{ConfigError, LoadOptions, load};
use picket_server_core::{ClientAddresses, Identity, LogLevel, Settings};

use crate::context::{Context, Effect, Signal};
use crate::hash::Hash;
use crate::ids::{ConnId, Owner};
use disk::{Answer, Request, WALL_PERIOD};

pub(crate) use disk::Disk;

/// What a kernel buffers for a replica that does not read.
const SOCKET_BUFFER: u64 = 1 << 20;
/// What the keys begin with that writers leave, one for each number.
pub(crate) const WRITE: &str = "write:";

/// A data node's machine: what is on its disk, and its process if there is one.
#[derive(Clone, Debug)]
pub(crate) struct DataNode {
    addr: SocketAddr,
    /// The config file that an empty disk gets.
    first_config: Vec<u8>,
    pub(crate) disk: Disk,
    process: Option<Box<Process>>,
}

#[derive(Clone)]
struct Process {
    core: Node,
    started: Time,
    run_id: String,
    links: BTreeMap<LinkId, Link>,
    clients: BTreeMap<ClientId, ConnId>,
    owners: BTreeMap<ConnId, Owner>,
    /// Replicas, with the bytes that wait in the kernel for each.
    replicas: BTreeMap<ClientId, u64>,
    lookups: BTreeMap<u64, (LinkId, u16)>,
    next_client: u64,
    next_lookup: u64,
    /// Everything that the core put out.
    outputs: Hash,
}

/// A connection to a master.
#[derive(Clone, Debug, Default)]
struct Link {
    conn: Option<ConnId>,
    /// Bytes that arrived while nothing was to be read; none while it is read.
    unread: Option<VecDeque<Bytes>>,
}

impl core::fmt::Debug for Process {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Process").field("status", &self.core.status()).finish_non_exhaustive()
    }
}

impl DataNode {
    /// A machine with this config file, on which a process starts.
    ///
    /// # Errors
    /// The line of the file that is wrong.
    pub(crate) fn start(
        ctx: &mut Context<'_>,
        addr: SocketAddr,
        config: Vec<u8>,
    ) -> Result<Self, ConfigError> {
        let disk = Disk::new(config.clone());
        let mut node = Self { addr, first_config: config, disk, process: None };
        node.restart(ctx)?;
        Ok(node)
    }

    /// A process starts with what is on the disk.
    ///
    /// # Errors
    /// The line of the config file that is wrong.
    pub(crate) fn restart(&mut self, ctx: &mut Context<'_>) -> Result<(), ConfigError> {
        let mut settings = Settings::new();
        let mut no_includes = |_: &[u8]| Err("there are no other files here".to_string());
        let options = LoadOptions { words: &[], foreign: &[] };
        let all = load("redis.conf", self.disk.config(), &mut settings, options, &mut no_includes)?;
        let run_id = ctx.prng.hex(40);
        let identity = Identity {
            name: "redis".to_string(),
            version: "7.4.0".to_string(),
            valkey_version: None,
            mode: "standalone".to_string(),
            role: Some("master".to_string()),
            run_id: run_id.clone(),
            git_sha1: "00000000".to_string(),
            build_id: "0".to_string(),
        };
        let options = NodeOptions {
            settings,
            users: all.users,
            renames: all.renames,
            identity,
            working_dir: b"/data".to_vec(),
            has_config_file: true,
            seed: ctx.prng.next_u64(),
            wall: ctx.wall(),
        };
        let mut process = Process {
            core: Node::new(Time(0), options)?,
            started: ctx.now,
            run_id,
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            owners: BTreeMap::new(),
            replicas: BTreeMap::new(),
            lookups: BTreeMap::new(),
            next_client: 0,
            next_lookup: 0,
            outputs: Hash::new(),
        };
        process.perform(ctx, &mut self.disk);
        self.process = Some(Box::new(process));
        ctx.timer(WALL_PERIOD, "wall", 0);
        Ok(())
    }

    /// The process has died; answers what it has put out.
    pub(crate) fn end(&mut self) -> Option<u64> {
        self.disk.crash();
        self.process.take().map(|process| process.outputs.value())
    }

    /// The disk is replaced by one with the first config file and nothing else.
    pub(crate) fn wipe(&mut self) {
        let config = self.first_config.clone();
        self.disk.wipe(config);
    }

    /// The process looks at its machine's calendar clock.
    fn tell_wall(&mut self, ctx: &mut Context<'_>) {
        let wall = ctx.wall();
        self.input(ctx, NodeInput::Wall(wall));
    }

    /// What the core has put out since the process started.
    pub(crate) fn outputs(&self) -> Option<u64> {
        self.process.as_ref().map(|process| process.outputs.value())
    }

    /// When the core wants to be woken, in the world's time.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let process = self.process.as_ref()?;
        let deadline = process.core.next_deadline()?;
        Some(Time(deadline.at.0.saturating_add(process.started.0)))
    }

    /// What it is and has; none while no process runs.
    pub(crate) fn status(&self) -> Option<NodeStatus> {
        let process = self.process.as_ref()?;
        let mut status = process.core.status();
        // Its own clock starts with the process.
        for request in &mut status.side.requests {
            request.at.0 += process.started.0;
        }
        Some(status)
    }

    /// The run id of its process.
    pub(crate) fn run_id(&self) -> Option<&str> {
        self.process.as_ref().map(|process| process.run_id.as_str())
    }

    /// The numbers that writers left here, in order.
    pub(crate) fn writes(&self) -> Vec<u64> {
        let Some(process) = &self.process else { return Vec::new() };
        let number =
            |key: &[u8]| core::str::from_utf8(key.strip_prefix(WRITE.as_bytes())?).ok()?.parse().ok();
        let mut numbers: Vec<u64> = process.core.db(0).iter().filter_map(|(key, _)| number(key)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Whether a writer left that number here.
    pub(crate) fn has_write(&self, number: u64) -> bool {
        let key = format!("{WRITE}{number}");
        self.process.as_ref().is_some_and(|process| process.core.db(0).get(key.as_bytes()).is_some())
    }

    /// The core, to be looked at.
    pub(crate) fn core(&self) -> Option<&Node> {
        self.process.as_ref().map(|process| &process.core)
    }

    pub(crate) fn wake(&mut self, ctx: &mut Context<'_>) {
        self.input(ctx, NodeInput::Wake);
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        let addr = self.addr;
        let Some(process) = &mut self.process else { return };
        match signal {
            Signal::Accepted { conn, peer } => {
                let client = ClientId::next(&mut process.next_client);
                process.clients.insert(client, conn);
                process.owners.insert(conn, Owner::Client(client));
                let addresses = ClientAddresses::tcp(peer, addr, 7);
                self.input(ctx, NodeInput::ClientConnected { client, addresses });
            }
            Signal::Opened { conn } => {
                if let Some(Owner::Link(link)) = process.owners.get(&conn).copied() {
                    let addresses = ClientAddresses::tcp(addr, addr, 7);
                    self.input(ctx, NodeInput::LinkUp { link, addresses });
                }
            }
            Signal::Data { conn, bytes } => match process.owners.get(&conn).copied() {
                Some(Owner::Link(link)) => match process.links.get_mut(&link) {
                    Some(Link { unread: Some(unread), .. }) => unread.push_back(bytes),
                    Some(_) => self.input(ctx, NodeInput::LinkData { link, bytes }),
                    None => {}
                },
                Some(Owner::Client(client)) => {
                    self.input(ctx, NodeInput::ClientData { client, bytes: &bytes });
                }
                None => {}
            },
            Signal::Taken { conn, len } => {
                if let Some(Owner::Client(client)) = process.owners.get(&conn).copied()
                    && let Some(waiting) = process.replicas.get_mut(&client)
                {
                    *waiting = waiting.saturating_sub(len);
                    let budget = SOCKET_BUFFER.saturating_sub(*waiting);
                    self.input(ctx, NodeInput::ClientWritable { client, budget });
                }
            }
            Signal::Closed { conn, reason } => match process.owners.remove(&conn) {
                Some(Owner::Link(link)) => self.link_down(ctx, link, reason),
                Some(Owner::Client(client)) => {
                    process.clients.remove(&client);
                    process.replicas.remove(&client);
                    self.input(ctx, NodeInput::ClientGone { client });
                }
                None => {}
            },
            Signal::Resolved { key, result } => {
                let Some((link, port)) = process.lookups.remove(&key) else { return };
                if !process.links.contains_key(&link) {
                    return;
                }
                match result.and_then(|ips| ips.first().copied().ok_or_else(|| "no address".to_string())) {
                    Ok(ip) => process.dial(ctx, link, SocketAddr::new(ip, port)),
                    Err(reason) => self.link_down(ctx, link, &reason),
                }
            }
            Signal::Timer { tag } => match tag.what {
                "wall" => {
                    self.tell_wall(ctx);
                    ctx.timer(WALL_PERIOD, "wall", 0);
                }
                _ => self.disk_done(ctx),
            },
            Signal::ClockJumped => self.tell_wall(ctx),
            Signal::Persisted { .. } => {}
        }
    }

    fn link_down(&mut self, ctx: &mut Context<'_>, link: LinkId, reason: &str) {
        if let Some(process) = &mut self.process {
            process.links.remove(&link);
            self.input(ctx, NodeInput::LinkDown { link, reason: reason.to_string() });
        }
    }

    fn disk_done(&mut self, ctx: &mut Context<'_>) {
        match self.disk.finish(ctx.drive, ctx.prng) {
            Some(Answer::File(file, result)) => self.input(ctx, NodeInput::File { file, result }),
            Some(Answer::Written(query, result)) => self.input(ctx, NodeInput::Written { query, result }),
            Some(Answer::Text(query, result)) => self.input(ctx, NodeInput::TextRead { query, result }),
            None => {}
        }
    }

    fn input(&mut self, ctx: &mut Context<'_>, input: NodeInput<'_>) {
        if let Some(process) = &mut self.process {
            process.core.handle(Time(ctx.now.0 - process.started.0), input);
            process.perform(ctx, &mut self.disk);
        }
    }
}

impl Process {
    fn dial(&mut self, ctx: &mut Context<'_>, link: LinkId, to: SocketAddr) {
        let conn = ctx.dial(to);
        self.owners.insert(conn, Owner::Link(link));
        if let Some(link) = self.links.get_mut(&link) {
            link.conn = Some(conn);
        }
    }

    /// Hands an input to the core from within [`perform`](Self::perform), which sees to what comes of it.
    fn feed(&mut self, ctx: &Context<'_>, input: NodeInput<'_>) {
        self.core.handle(Time(ctx.now.0 - self.started.0), input);
    }

    fn perform(&mut self, ctx: &mut Context<'_>, disk: &mut Disk) {
        while let Some(output) = self.core.poll_output() {
            // Writing into a hash cannot fail.
            let _ = writeln!(self.outputs, "{} {output}", ctx.now);
            match output {
                NodeOutput::ClientSend { client, bytes } => {
                    self.outputs.add(&bytes);
                    self.send_to_client(ctx, client, bytes);
                }
                NodeOutput::ClientFeed { client, pieces } => {
                    for bytes in pieces {
                        self.send_to_client(ctx, client, bytes);
                    }
                    self.tell_room(ctx, client);
                }
                NodeOutput::ClientIsReplica { client } => {
                    self.replicas.insert(client, 0);
                    self.tell_room(ctx, client);
                }
                NodeOutput::ClientClose { client } => {
                    self.replicas.remove(&client);
                    if let Some(conn) = self.clients.remove(&client) {
                        self.owners.remove(&conn);
                        ctx.close(conn);
                    }
                }
                NodeOutput::Connect { link, host, port } => {
                    self.links.insert(link, Link::default());
                    match host.parse::<IpAddr>() {
                        Ok(ip) => self.dial(ctx, link, SocketAddr::new(ip, port)),
                        Err(_) => {
                            self.next_lookup += 1;
                            self.lookups.insert(self.next_lookup, (link, port));
                            ctx.resolve(self.next_lookup, &host);
                        }
                    }
                }
                NodeOutput::LinkSend { link, bytes } => {
                    self.outputs.add(&bytes);
                    self.send_on_link(ctx, link, bytes);
                }
                NodeOutput::LinkSendSecret { link, bytes } => {
                    self.send_on_link(ctx, link, Bytes::copy_from_slice(bytes.expose()));
                }
                NodeOutput::LinkPause { link } => {
                    if let Some(link) = self.links.get_mut(&link) {
                        link.unread.get_or_insert_default();
                    }
                }
                NodeOutput::LinkResume { link } => self.resume(ctx, disk, link),
                NodeOutput::LinkClose { link } => {
                    if let Some(Link { conn: Some(conn), .. }) = self.links.remove(&link) {
                        self.owners.remove(&conn);
                        ctx.close(conn);
                    }
                }
                NodeOutput::CreateFile { file } => ask(ctx, disk, Request::Create(file)),
                NodeOutput::WriteFile { file, bytes } => ask(ctx, disk, Request::Write(file, bytes)),
                NodeOutput::CommitFile { file, name } => ask(ctx, disk, Request::Commit(file, name)),
                NodeOutput::OpenFile { file, name } => ask(ctx, disk, Request::Open(file, name)),
                NodeOutput::ReadFile { file, offset, len } => {
                    ask(ctx, disk, Request::Read { file, offset, len });
                }
                NodeOutput::CloseFile { file } => ask(ctx, disk, Request::Close(file)),
                NodeOutput::RemoveFile { file } => ask(ctx, disk, Request::Remove(file)),
                NodeOutput::RewriteConfig { query, state } => ask(ctx, disk, Request::Rewrite(query, *state)),
                NodeOutput::ReadText { query, path } => ask(ctx, disk, Request::ReadText(query, path)),
                NodeOutput::WriteText { query, path, text } => {
                    ask(ctx, disk, Request::WriteText(query, path, text));
                }
                NodeOutput::ChangeFolder { query, .. } => {
                    let result = Err("there is one folder here".to_string());
                    self.feed(ctx, NodeInput::FolderChanged { query, result });
                }
                NodeOutput::Settings(_) => {}
                NodeOutput::Sleep(span) => ctx.effects.push(Effect::Sleep(span)),
                NodeOutput::Event(event) => {
                    if matches!(event.level(), LogLevel::Notice | LogLevel::Warning) {
                        ctx.effects.push(Effect::NodeEvent(Box::new(event)));
                    }
                }
                NodeOutput::Exit { .. } => ctx.effects.push(Effect::Exit),
            }
        }
        while self.core.take_garbage().is_some() {}
    }

    fn resume(&mut self, ctx: &mut Context<'_>, disk: &mut Disk, id: LinkId) {
        let unread = self.links.get_mut(&id).and_then(|link| link.unread.take()).unwrap_or_default();
        for bytes in unread {
            match self.links.get_mut(&id) {
                Some(Link { unread: Some(unread), .. }) => unread.push_back(bytes),
                Some(_) => {
                    self.feed(ctx, NodeInput::LinkData { link: id, bytes });
                    // It may want to pause again.
                    self.perform(ctx, disk);
                }
                None => {}
            }
        }
    }

    fn tell_room(&mut self, ctx: &Context<'_>, client: ClientId) {
        if let Some(waiting) = self.replicas.get(&client) {
            let budget = SOCKET_BUFFER.saturating_sub(*waiting);
            self.feed(ctx, NodeInput::ClientWritable { client, budget });
        }
    }

    fn send_to_client(&mut self, ctx: &mut Context<'_>, client: ClientId, bytes: Bytes) {
        if let Some(waiting) = self.replicas.get_mut(&client) {
            *waiting += bytes.len() as u64;
        }
        if let Some(conn) = self.clients.get(&client) {
            ctx.send(*conn, bytes);
        }
    }

    fn send_on_link(&self, ctx: &mut Context<'_>, link: LinkId, bytes: Bytes) {
        if let Some(Link { conn: Some(conn), .. }) = self.links.get(&link) {
            ctx.send(*conn, bytes);
        }
    }
}

/// Asks the disk for something, whose answer comes with a timer.
fn ask(ctx: &mut Context<'_>, disk: &mut Disk, request: Request) {
    let done = disk.ask(ctx.drive, ctx.now, ctx.prng, request);
    ctx.timer_at(done, "disk");
}
