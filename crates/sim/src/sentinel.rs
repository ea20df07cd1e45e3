//! What surrounds a Sentinel core here: the counterpart of the daemon's host.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::net::{IpAddr, SocketAddr};
use core::slice::from_ref;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, QueryId, Time};
use picket_sentinel_core::{Config, Input, Output, ScriptOutcome, Sentinel};
use picket_server_core::ClientAddresses;

use crate::context::{Context, Effect, Signal};
use crate::hash::{Hash, Peer};
use crate::ids::{ConnId, Owner};

#[derive(Clone, Debug)]
pub(crate) struct SentinelHost {
    pub(crate) core: Sentinel,
    /// The world's time at which this process started; its own clock starts at 0 there.
    started: Time,
    ip: IpAddr,
    port: u16,
    links: BTreeMap<LinkId, ConnId>,
    clients: BTreeMap<ClientId, ConnId>,
    owners: BTreeMap<ConnId, Owner>,
    next_client: u64,
    /// Everything that the core put out.
    pub(crate) outputs: Hash,
}

impl SentinelHost {
    /// A process that starts with the content of its config file.
    ///
    /// # Errors
    /// What the file's reader says.
    pub(crate) fn start(
        ctx: &mut Context<'_>,
        addr: SocketAddr,
        text: &[u8],
    ) -> Result<Self, alloc::string::String> {
        let mut no_includes = |_: &[u8]| Err("there are no other files here".to_string());
        let config = Config::read("sentinel.conf", text, &mut no_includes, &|_| true)
            .map_err(|error| error.to_string())?;
        let seed = ctx.prng.next_u64();
        let mut host = Self {
            core: Sentinel::new(Time(0), ctx.wall(), seed, config),
            started: ctx.now,
            ip: addr.ip(),
            port: addr.port(),
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            owners: BTreeMap::new(),
            next_client: 0,
            outputs: Hash::new(),
        };
        host.perform(ctx);
        Ok(host)
    }

    /// When the core wants to be woken, in the world's time.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.core.next_deadline().map(|deadline| Time(deadline.at.0.saturating_add(self.started.0)))
    }

    pub(crate) fn wake(&mut self, ctx: &mut Context<'_>) {
        self.input(ctx, Input::Wake);
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Accepted { conn, peer } => {
                let client = ClientId::next(&mut self.next_client);
                self.clients.insert(client, conn);
                self.owners.insert(conn, Owner::Client(client));
                let addresses = ClientAddresses::tcp(peer, SocketAddr::new(self.ip, self.port), 7);
                self.input(ctx, Input::ClientConnected { client, addresses });
            }
            Signal::Opened { conn } => {
                if let Some(Owner::Link(link)) = self.owners.get(&conn).copied() {
                    let local = self.ip;
                    self.input(ctx, Input::LinkUp { link, local });
                }
            }
            Signal::Data { conn, bytes } => match self.owners.get(&conn).copied() {
                Some(Owner::Link(link)) => self.input(ctx, Input::LinkData { link, bytes }),
                Some(Owner::Client(client)) => self.input(ctx, Input::ClientData { client, bytes }),
                None => {}
            },
            Signal::Closed { conn, reason } => match self.owners.remove(&conn) {
                Some(Owner::Link(link)) => {
                    self.links.remove(&link);
                    self.input(ctx, Input::LinkDown { link, reason: reason.to_string() });
                }
                Some(Owner::Client(client)) => {
                    self.clients.remove(&client);
                    self.input(ctx, Input::ClientGone { client });
                }
                None => {}
            },
            Signal::Persisted { ticket, result } => self.input(ctx, Input::Persisted { ticket, result }),
            Signal::Resolved { key, result } => {
                self.input(ctx, Input::Resolved { query: QueryId(key), result });
            }
            Signal::ClockJumped => {
                let wall = ctx.wall();
                self.input(ctx, Input::Wall(wall));
            }
            Signal::Timer { .. } | Signal::Taken { .. } => {}
        }
    }

    fn input(&mut self, ctx: &mut Context<'_>, input: Input) {
        let now = Time(ctx.now.0 - self.started.0);
        self.core.handle(now, input);
        self.perform(ctx);
    }

    fn perform(&mut self, ctx: &mut Context<'_>) {
        while let Some(output) = self.core.poll_output() {
            match &output {
                Output::LinkSend { link, bytes } => {
                    self.outputs.sent(ctx.now, Peer::Link(*link), from_ref(bytes));
                }
                Output::ClientSend { client, bytes } => {
                    self.outputs.sent(ctx.now, Peer::Client(*client), from_ref(bytes));
                }
                other => self.outputs.other(ctx.now, other),
            }
            match output {
                Output::Connect { link, to } => {
                    let conn = ctx.dial(to);
                    self.links.insert(link, conn);
                    self.owners.insert(conn, Owner::Link(link));
                }
                Output::LinkSend { link, bytes } => self.send_on_link(ctx, link, bytes),
                Output::LinkSendSecret { link, bytes } => {
                    self.send_on_link(ctx, link, Bytes::copy_from_slice(bytes.expose()));
                }
                Output::LinkClose { link } => {
                    if let Some(conn) = self.links.remove(&link) {
                        self.owners.remove(&conn);
                        ctx.close(conn);
                    }
                }
                Output::ClientSend { client, bytes } => {
                    if let Some(conn) = self.clients.get(&client) {
                        ctx.send(*conn, bytes);
                    }
                }
                Output::ClientClose { client } => {
                    if let Some(conn) = self.clients.remove(&client) {
                        self.owners.remove(&conn);
                        ctx.close(conn);
                    }
                }
                Output::Resolve { query, host } => ctx.resolve(query.0, &host),
                Output::Persist { ticket, state } => ctx.effects.push(Effect::Persist { ticket, state }),
                Output::RunScript { script, .. } => {
                    let now = Time(ctx.now.0 - self.started.0);
                    self.core.handle(now, Input::ScriptEnded { script, outcome: ScriptOutcome::Exited(0) });
                }
                Output::CheckScript { query, .. } => {
                    let now = Time(ctx.now.0 - self.started.0);
                    self.core.handle(now, Input::ScriptChecked { query, executable: true });
                }
                Output::ReadFile { query, .. } => {
                    let now = Time(ctx.now.0 - self.started.0);
                    let result = Err("No such file or directory".to_string());
                    self.core.handle(now, Input::FileRead { query, result });
                }
                Output::WriteFile { query, .. } => {
                    let now = Time(ctx.now.0 - self.started.0);
                    let result = Err("Read-only file system".to_string());
                    self.core.handle(now, Input::FileWritten { query, result });
                }
                Output::Event(event) => ctx.effects.push(Effect::Event(Box::new(event))),
                Output::KillScript { .. } | Output::LogLevel(_) => {}
                Output::Exit { .. } => ctx.effects.push(Effect::Exit),
            }
        }
    }

    fn send_on_link(&self, ctx: &mut Context<'_>, link: LinkId, bytes: Bytes) {
        if let Some(conn) = self.links.get(&link) {
            ctx.send(*conn, bytes);
        }
    }
}
