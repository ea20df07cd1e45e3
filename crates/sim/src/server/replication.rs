//! Replication of the model: a replica takes all data of its master when it connects, then follows its
//! stream of commands. What it had and its master has not is lost, as in a full synchronisation.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::Time;

use super::{Server, text};
use crate::context::Context;
use crate::dns::Resolved;
use crate::ids::ConnId;

/// The link to a replica's master.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    /// As SLAVEOF named it: an IP or a name.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where that is; `None` while it is a name that was not resolved.
    pub(crate) master: Option<SocketAddr>,
    pub(crate) conn: Option<ConnId>,
    state: State,
    /// When this state was entered.
    entered: Time,
    /// Since when the link is down; `None` while it is up.
    pub(super) down_since: Option<Time>,
    decoder: ReplyDecoder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be connected at the next opportunity.
    Waiting,
    /// What its name stands for is asked.
    Resolving,
    Connecting,
    /// Taking the master's data.
    Syncing,
    Up,
}

impl Upstream {
    fn enter(&mut self, state: State, now: Time) {
        self.state = state;
        self.entered = now;
    }

    fn dial(&mut self, ctx: &mut Context<'_>, ip: IpAddr) {
        let master = SocketAddr::new(ip, self.port);
        self.master = Some(master);
        self.conn = Some(ctx.dial(master));
        self.enter(State::Connecting, ctx.now);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    pub(crate) fn is_syncing(&self) -> bool {
        self.state == State::Syncing
    }
}

impl Server {
    /// SLAVEOF.
    pub(super) fn slaveof(&mut self, ctx: &mut Context<'_>, host: &str, port: &str) -> Reply {
        if self.answering == super::Answering::RefusingSlaveof {
            return Reply::error("ERR REPLICAOF not allowed here");
        }
        if host.eq_ignore_ascii_case("no") && port.eq_ignore_ascii_case("one") {
            if let Some(upstream) = self.upstream.take() {
                if let Some(conn) = upstream.conn {
                    ctx.close(conn);
                }
                self.drop_replicas(ctx);
                ctx.note("is a master now".to_string());
            }
            return Reply::ok();
        }
        let Ok(port) = port.parse() else { return Reply::error("ERR Invalid master port") };
        let is_known =
            |upstream: &Upstream| upstream.host.eq_ignore_ascii_case(host) && upstream.port == port;
        if self.upstream.as_ref().is_some_and(is_known) {
            return Reply::simple("OK Already connected to specified master");
        }
        ctx.note(alloc::format!("follows {host}:{port} now"));
        self.follow(ctx, host, port);
        Reply::ok()
    }

    /// Becomes a replica of that server, at once.
    pub(super) fn follow(&mut self, ctx: &mut Context<'_>, host: &str, port: u16) {
        if let Some(conn) = self.upstream.take().and_then(|upstream| upstream.conn) {
            ctx.close(conn);
        }
        // Its own replicas have to take its new data.
        self.drop_replicas(ctx);
        self.upstream = Some(Upstream {
            host: host.to_string(),
            port,
            master: None,
            conn: None,
            state: State::Waiting,
            entered: ctx.now,
            down_since: Some(ctx.now),
            decoder: ReplyDecoder::new(),
        });
        self.reach_upstream(ctx);
    }

    /// Dials the master; asks first what its name stands for, each time anew, if it has one.
    fn reach_upstream(&mut self, ctx: &mut Context<'_>) {
        let Some(upstream) = &mut self.upstream else { return };
        if let Ok(ip) = upstream.host.parse() {
            upstream.dial(ctx, ip);
        } else {
            self.lookups += 1;
            ctx.resolve(self.lookups, &upstream.host);
            upstream.enter(State::Resolving, ctx.now);
        }
    }

    pub(super) fn on_upstream_resolved(&mut self, ctx: &mut Context<'_>, key: u64, result: Resolved) {
        let asked = key == self.lookups;
        let Some(upstream) = self.upstream.as_mut().filter(|upstream| upstream.state == State::Resolving)
        else {
            return;
        };
        match result.ok().and_then(|ips| ips.first().copied()) {
            Some(ip) if asked => upstream.dial(ctx, ip),
            _ if asked => upstream.enter(State::Waiting, ctx.now),
            _ => {}
        }
    }

    fn drop_replicas(&mut self, ctx: &mut Context<'_>) {
        let replicas: Vec<ConnId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.replica.is_some())
            .map(|(conn, _)| *conn)
            .collect();
        for conn in replicas {
            self.drop_session(ctx, conn);
        }
    }

    pub(super) fn on_upstream_open(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        let Some(upstream) = self.upstream.as_mut().filter(|upstream| upstream.conn == Some(conn)) else {
            return;
        };
        upstream.enter(State::Syncing, ctx.now);
        if let Some(password) = &self.options.password {
            ctx.send(conn, picket_resp::command(["AUTH", password]));
        }
        let port = self.addr.port().to_string();
        let announced = if self.options.announced { "1" } else { "0" };
        match &self.options.announce_ip {
            None => ctx.send(conn, picket_resp::command(["PSYNC", &port, announced])),
            Some(host) => ctx.send(conn, picket_resp::command(["PSYNC", &port, announced, host])),
        }
    }

    pub(super) fn on_upstream_closed(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        let Some(upstream) = self.upstream.as_mut().filter(|upstream| upstream.conn == Some(conn)) else {
            return;
        };
        upstream.conn = None;
        upstream.enter(State::Waiting, ctx.now);
        upstream.decoder = ReplyDecoder::new();
        upstream.down_since.get_or_insert(ctx.now);
    }

    pub(super) fn replication_cron(&mut self, ctx: &mut Context<'_>) {
        let offset = self.offset.to_string();
        let Some(upstream) = &mut self.upstream else { return };
        match (upstream.state, upstream.conn) {
            (State::Waiting, _) => self.reach_upstream(ctx),
            (State::Connecting | State::Syncing, Some(conn))
                if ctx.now > upstream.entered + self.options.repl_timeout =>
            {
                ctx.close(conn);
                self.on_upstream_closed(ctx, conn);
            }
            (State::Up, Some(conn)) => ctx.send(conn, picket_resp::command(["REPLCONF", "ACK", &offset])),
            _ => {}
        }
    }

    /// A replica asks to be fed.
    pub(super) fn psync(&mut self, ctx: &mut Context<'_>, conn: ConnId, args: &[Bytes]) -> Option<Reply> {
        if self.upstream.as_ref().is_some_and(|upstream| !upstream.is_up()) {
            return Some(Reply::error("NOMASTERLINK Can't SYNC while not connected with my master"));
        }
        let port = args.get(1).and_then(|port| text(port).parse().ok())?;
        let session = self.sessions.get_mut(&conn)?;
        session.replica = Some((port, 0));
        session.is_announced = args.get(2).is_none_or(|flag| &flag[..] == b"1");
        session.announced_host = args.get(3).map(|host| text(host));
        ctx.timer(self.options.sync_time, "synced", conn.0);
        None
    }

    /// The data for a replica are ready.
    pub(super) fn finish_sync(&mut self, ctx: &mut Context<'_>, conn: ConnId) {
        let mut data = String::new();
        for number in &self.data {
            // Writing into a text cannot fail.
            let _ = write!(data, "{number} ");
        }
        let offset = self.offset;
        let Some(session) = self.sessions.get_mut(&conn).filter(|session| session.replica.is_some()) else {
            return;
        };
        session.is_synced = true;
        if let Some((_, confirmed)) = &mut session.replica {
            *confirmed = offset;
        }
        ctx.send(conn, picket_resp::command(["FULLRESYNC", &offset.to_string(), &data]));
    }

    /// Appends a command to the stream that replicas follow.
    pub(super) fn propagate(&mut self, ctx: &mut Context<'_>, args: &[Bytes]) {
        let bytes = picket_resp::command(args);
        self.offset += bytes.len() as u64;
        for (conn, session) in &self.sessions {
            if session.replica.is_some() && session.is_synced {
                ctx.send(*conn, bytes.clone());
            }
        }
    }

    pub(super) fn on_upstream_data(&mut self, ctx: &mut Context<'_>, bytes: &[u8]) {
        let Some(upstream) = &mut self.upstream else { return };
        upstream.decoder.extend(bytes);
        loop {
            let Some(upstream) = &mut self.upstream else { return };
            let reply = upstream.decoder.next();
            match reply {
                Ok(Some(Reply::Array(items))) => self.on_stream(ctx, &items),
                // The reply to AUTH.
                Ok(Some(Reply::Simple(_))) => {}
                Ok(None) => return,
                Ok(Some(_)) | Err(_) => {
                    if let Some(conn) = upstream.conn {
                        ctx.close(conn);
                        self.on_upstream_closed(ctx, conn);
                    }
                    return;
                }
            }
        }
    }

    fn on_stream(&mut self, ctx: &mut Context<'_>, items: &[Reply]) {
        let args: Vec<Bytes> = items.iter().filter_map(|item| item.as_bytes().cloned()).collect();
        let Some(upstream) = &mut self.upstream else { return };
        match &args[..] {
            [name, offset, data] if &name[..] == b"FULLRESYNC" => {
                upstream.enter(State::Up, ctx.now);
                upstream.down_since = None;
                self.offset = text(offset).parse().unwrap_or(0);
                self.data =
                    text(data).split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
                self.drop_replicas(ctx);
            }
            [name, _, number] if name.eq_ignore_ascii_case(b"SET") => {
                self.data.extend(text(number).parse::<u64>().ok());
                self.propagate(ctx, &args);
            }
            [name, channel, message] if name.eq_ignore_ascii_case(b"PUBLISH") => {
                self.deliver(ctx, channel, message);
                self.propagate(ctx, &args);
            }
            _ => {}
        }
    }
}
