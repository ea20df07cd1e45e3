//! A process of a data node: the core, and what it has of its kernel.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use core::net::{IpAddr, SocketAddr};
use core::slice::from_ref;

use bytes::Bytes;
use picket_node_core::{Node, NodeInput, NodeOutput};
use picket_sansio::collections::BTreeMap;
use picket_sansio::{ClientId, LinkId, Time};
use picket_server_core::LogLevel;

use super::disk::{Disk, Request};
use crate::context::{Context, Effect};
use crate::hash::{Hash, Peer};
use crate::ids::{ConnId, Owner};

/// What a kernel buffers for a replica that does not read.
const SOCKET_BUFFER: u64 = 1 << 20;

/// What a kernel has of a replica's connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SocketBuffer {
    /// Bytes that the replica has not taken yet.
    waiting: u64,
    /// The same as the core knows it: what it fed since it was told of room is added, and nothing taken off.
    known: u64,
}

impl SocketBuffer {
    /// The replica has taken bytes. How much room there is, if the core, which had little left, is to be told.
    pub(super) fn taken(&mut self, len: u64) -> Option<u64> {
        self.waiting = self.waiting.saturating_sub(len);
        (self.known > SOCKET_BUFFER / 2).then(|| self.room())
    }

    /// How much room there is; the core is told.
    fn room(&mut self) -> u64 {
        self.known = self.waiting;
        SOCKET_BUFFER.saturating_sub(self.waiting)
    }
}

#[derive(Clone)]
pub(super) struct Process {
    pub(super) core: Node,
    pub(super) started: Time,
    pub(super) run_id: String,
    pub(super) links: BTreeMap<LinkId, Link>,
    pub(super) clients: BTreeMap<ClientId, ConnId>,
    pub(super) owners: BTreeMap<ConnId, Owner>,
    /// Replicas, with what the kernel has for each.
    pub(super) replicas: BTreeMap<ClientId, SocketBuffer>,
    pub(super) lookups: BTreeMap<u64, (LinkId, u16)>,
    pub(super) next_client: u64,
    pub(super) next_lookup: u64,
    /// Everything that the core put out.
    pub(super) outputs: Hash,
}

/// A connection to a master.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) conn: Option<ConnId>,
    /// Bytes that arrived while nothing was to be read; none while it is read.
    pub(super) unread: Option<VecDeque<Bytes>>,
}

impl core::fmt::Debug for Process {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Process").field("status", &self.core.status()).finish_non_exhaustive()
    }
}

impl Process {
    pub(super) fn dial(&mut self, ctx: &mut Context<'_>, link: LinkId, to: SocketAddr) {
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

    pub(super) fn perform(&mut self, ctx: &mut Context<'_>, disk: &mut Disk) {
        while let Some(output) = self.core.poll_output() {
            match &output {
                NodeOutput::ClientSend { client, bytes } => {
                    self.outputs.sent(ctx.now, Peer::Client(*client), from_ref(bytes));
                }
                NodeOutput::ClientFeed { client, pieces } => {
                    self.outputs.sent(ctx.now, Peer::Client(*client), pieces);
                }
                NodeOutput::LinkSend { link, bytes } => {
                    self.outputs.sent(ctx.now, Peer::Link(*link), from_ref(bytes));
                }
                other => self.outputs.other(ctx.now, other),
            }
            match output {
                NodeOutput::ClientSend { client, bytes } => {
                    self.send_to_client(ctx, client, bytes);
                }
                NodeOutput::ClientFeed { client, pieces } => {
                    for bytes in pieces {
                        if let Some(buffer) = self.replicas.get_mut(&client) {
                            buffer.known += bytes.len() as u64;
                        }
                        self.send_to_client(ctx, client, bytes);
                    }
                }
                NodeOutput::ClientIsReplica { client } => {
                    let mut buffer = SocketBuffer::default();
                    let budget = buffer.room();
                    self.replicas.insert(client, buffer);
                    self.feed(ctx, NodeInput::ClientWritable { client, budget });
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

    fn send_to_client(&mut self, ctx: &mut Context<'_>, client: ClientId, bytes: Bytes) {
        if let Some(buffer) = self.replicas.get_mut(&client) {
            buffer.waiting += bytes.len() as u64;
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
