//! A model of those parts of a Redis server that a Sentinel touches, faithful on the wire: roles and
//! INFO, PING in good and bad times, publish/subscribe with the replication of PUBLISH, MULTI/EXEC,
//! SLAVEOF, CLIENT KILL, passwords. Its data are the numbers that writers gave it, in order.

mod commands;
mod info;
mod replication;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply, RequestBuffer};
use picket_sansio::{Millis, Time};

use crate::context::{Context, Signal};
use crate::ids::ConnId;
use crate::picture::Standing;

pub(crate) use replication::Upstream;

/// How a data server is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// `replicaof`; `None` for a master.
    pub replica_of: Option<crate::NodeId>,
    /// `replica-priority`
    pub priority: u32,
    /// `requirepass`, which is also its `masterauth`.
    pub password: Option<String>,
    /// How long a full synchronisation from it takes, after which the replica's link is up.
    pub sync_time: Millis,
    /// `repl-timeout`: how long a master may take to answer before it is dialled again.
    pub repl_timeout: Millis,
    /// How long it loads its data after a restart.
    pub loading_time: Millis,
    /// `replica-announced`
    pub announced: bool,
    /// `replica-announce-ip`: an address or a name under which masters list it.
    pub announce_ip: Option<String>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            replica_of: None,
            priority: 100,
            password: None,
            sync_time: Millis(20),
            repl_timeout: Millis(60_000),
            loading_time: Millis(0),
            announced: true,
            announce_ip: None,
        }
    }
}

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Answering {
    /// As it should.
    #[default]
    Normally,
    /// `-LOADING` to everything but INFO.
    Loading,
    /// `-MASTERDOWN` to PING.
    MasterDown,
    /// `-MISCONF` to PING.
    Misconf,
    /// `-BUSY` to everything but SCRIPT KILL, which ends it.
    Busy,
    /// Bytes that are no RESP.
    Garbage,
    /// `-ERR` to EXEC and SLAVEOF: nobody can reconfigure it.
    RefusingSlaveof,
    /// Nothing at all, though it reads.
    Silent,
}

/// What a data server is at the moment, for tests and pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    /// True for a master.
    pub is_master: bool,
    /// Whom it follows; `None` also while the name of its master is not resolved.
    pub follows: Option<SocketAddr>,
    /// Its link to that is up and synchronised.
    pub link_up: bool,
    /// Its replication offset.
    pub offset: u64,
    /// Its run id.
    pub run_id: String,
    /// The numbers written to it, in order.
    pub data: Vec<u64>,
}

/// One connection of somebody to this server.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    requests: RequestBuffer,
    peer: SocketAddr,
    is_authenticated: bool,
    channels: BTreeSet<Bytes>,
    /// Commands queued since MULTI.
    queued: Option<Vec<Vec<Bytes>>>,
    /// Set while this is a replica: the port that it listens on, and the offset that it confirmed.
    replica: Option<(u16, u64)>,
    /// Where a replica says that it is, if it does.
    announced_host: Option<String>,
    is_synced: bool,
    is_announced: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) options: ServerOptions,
    addr: SocketAddr,
    run_id: String,
    answering: Answering,
    loading_until: Time,
    sessions: BTreeMap<ConnId, Session>,
    upstream: Option<Upstream>,
    /// Whom it follows by its config file: what it remembers over a restart.
    saved_master: Option<(String, u16)>,
    /// The number of the last question about a name.
    lookups: u64,
    offset: u64,
    data: BTreeSet<u64>,
}

/// How often replication looks after itself.
const CRON: Millis = Millis(1_000);

impl Server {
    pub(crate) fn start(
        ctx: &mut Context<'_>,
        options: ServerOptions,
        addr: SocketAddr,
        master: Option<SocketAddr>,
    ) -> Self {
        let mut server = Self {
            options,
            addr,
            run_id: ctx.prng.hex(40),
            answering: Answering::Normally,
            loading_until: Time(0),
            sessions: BTreeMap::new(),
            upstream: None,
            saved_master: master.map(|master| (master.ip().to_string(), master.port())),
            lookups: 0,
            offset: 0,
            data: BTreeSet::new(),
        };
        server.begin(ctx);
        server
    }

    /// The process starts again: what is in its config file and its data are still there.
    pub(crate) fn restart(&mut self, ctx: &mut Context<'_>) {
        self.run_id = ctx.prng.hex(40);
        self.sessions.clear();
        self.upstream = None;
        self.loading_until = ctx.now + self.options.loading_time;
        self.begin(ctx);
    }

    /// The disk is replaced by an empty one: no data, no `replicaof`.
    pub(crate) fn wipe(&mut self) {
        self.saved_master = None;
        self.data.clear();
        self.offset = 0;
    }

    fn begin(&mut self, ctx: &mut Context<'_>) {
        if let Some((host, port)) = self.saved_master.clone() {
            self.follow(ctx, &host, port);
        }
        // Servers do not tick in step.
        let phase = Millis(ctx.prng.below(CRON.0));
        ctx.timer(phase, "cron", 0);
    }

    pub(crate) fn set_answering(&mut self, answering: Answering) {
        self.answering = answering;
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            is_master: self.upstream.is_none(),
            follows: self.upstream.as_ref().and_then(|upstream| upstream.master),
            link_up: self.upstream.as_ref().is_some_and(Upstream::is_up),
        }
    }

    pub(crate) fn view(&self) -> ServerView {
        let Standing { is_master, follows, link_up } = self.standing();
        ServerView {
            is_master,
            follows,
            link_up,
            offset: self.offset,
            run_id: self.run_id.clone(),
            data: self.data.iter().copied().collect(),
        }
    }

    pub(crate) fn has_write(&self, number: u64) -> bool {
        self.data.contains(&number)
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Accepted { conn, peer } => {
                let session = Session {
                    requests: RequestBuffer::new(),
                    peer,
                    is_authenticated: self.options.password.is_none(),
                    channels: BTreeSet::new(),
                    queued: None,
                    replica: None,
                    announced_host: None,
                    is_synced: false,
                    is_announced: true,
                };
                self.sessions.insert(conn, session);
            }
            Signal::Opened { conn } => self.on_upstream_open(ctx, conn),
            Signal::Data { conn, bytes } => {
                if self.upstream.as_ref().is_some_and(|upstream| upstream.conn == Some(conn)) {
                    self.on_upstream_data(ctx, &bytes);
                } else {
                    self.on_requests(ctx, conn, &bytes);
                }
            }
            Signal::Closed { conn, .. } => {
                self.sessions.remove(&conn);
                self.on_upstream_closed(ctx, conn);
            }
            Signal::Resolved { key, result } => self.on_upstream_resolved(ctx, key, result),
            Signal::Timer { tag } => match tag.what {
                "cron" => {
                    self.replication_cron(ctx);
                    ctx.timer(CRON, "cron", 0);
                }
                "synced" => self.finish_sync(ctx, ConnId(tag.serial)),
                _ => {}
            },
            Signal::Persisted { .. } | Signal::Taken { .. } | Signal::ClockJumped => {}
        }
    }

    fn on_requests(&mut self, ctx: &mut Context<'_>, conn: ConnId, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        session.requests.extend(bytes);
        loop {
            // A command can end the very connection that it came on.
            let Some(session) = self.sessions.get_mut(&conn) else { return };
            match session.requests.next_owned() {
                Ok(Some(request)) => self.on_request(ctx, conn, request.into_args()),
                Ok(None) => return,
                Err(error) => {
                    self.reply(ctx, conn, &error.reply());
                    self.drop_session(ctx, conn);
                    return;
                }
            }
        }
    }

    fn on_request(&mut self, ctx: &mut Context<'_>, conn: ConnId, args: Vec<Bytes>) {
        match self.answering {
            Answering::Garbage => {
                ctx.send(conn, Bytes::from_static(b"\x00\xff?HTTP/1.1 200 OK\r\n\r\n%9999999999\r\n"));
                return;
            }
            Answering::Silent => return,
            _ => {}
        }
        if let Some(reply) = self.run(ctx, conn, args) {
            self.reply(ctx, conn, &reply);
        }
    }

    fn reply(&self, ctx: &mut Context<'_>, conn: ConnId, reply: &Reply) {
        ctx.send(conn, encode(reply));
    }

    fn drop_session(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        if self.sessions.remove(&conn).is_some() {
            ctx.close(conn);
        }
    }

    fn is_loading(&self, now: Time) -> bool {
        self.answering == Answering::Loading || now < self.loading_until
    }
}

fn encode(reply: &Reply) -> Bytes {
    let mut out = BytesMut::new();
    reply.encode(Protocol::Resp2, &mut out);
    out.freeze()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_string()
}
