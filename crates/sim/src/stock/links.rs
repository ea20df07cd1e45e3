//! Connections to servers and other Sentinels: made again once a second, and what is said over them.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};

use super::StockSentinel;
use crate::context::Context;
use crate::ids::ConnId;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Commands,
    Messages,
}

/// Of which master something is: its place in the list.
pub(super) type Place = usize;

/// What an answer is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Ping,
    Info(Place),
    Hello(Place),
    /// What the peer of that run id thinks of a master.
    Down(Place, String),
    Other,
}

/// One direction of talk.
#[derive(Clone, Debug)]
struct Channel {
    conn: ConnId,
    is_open: bool,
    /// Sent when it is open.
    waiting: Vec<Bytes>,
    decoder: ReplyDecoder,
}

/// `instanceLink`.
#[derive(Clone, Debug)]
pub(super) struct Link {
    commands: Option<Channel>,
    messages: Option<Channel>,
    has_messages: bool,
    pub(super) disconnected: bool,
    asked: VecDeque<Asked>,
    pub(super) act_ping: u64,
    pub(super) last_ping: u64,
    pub(super) last_pong: u64,
    pub(super) last_avail: u64,
    last_reconnect: u64,
}

impl Link {
    fn new(has_messages: bool, now: u64) -> Self {
        Self {
            commands: None,
            messages: None,
            has_messages,
            disconnected: true,
            asked: VecDeque::new(),
            act_ping: now,
            last_ping: 0,
            last_pong: now,
            last_avail: now,
            last_reconnect: 0,
        }
    }

    pub(super) fn pending(&self) -> usize {
        self.asked.len()
    }

    fn channel(&mut self, role: Role) -> &mut Option<Channel> {
        match role {
            Role::Commands => &mut self.commands,
            Role::Messages => &mut self.messages,
        }
    }
}

impl StockSentinel {
    /// `sentinelReconnectInstance`.
    pub(super) fn reconnect(&mut self, ctx: &mut Context<'_>, to: SocketAddr, has_messages: bool) {
        let now = self.now_ms(ctx);
        let link = self.links.entry(to).or_insert_with(|| Link::new(has_messages, now));
        if !link.disconnected || (link.last_reconnect > 0 && now < link.last_reconnect + 1_000) {
            return;
        }
        link.last_reconnect = now;
        let mut made = Vec::new();
        for role in [Role::Commands, Role::Messages] {
            if (role == Role::Commands || link.has_messages) && link.channel(role).is_none() {
                let conn = ctx.dial(to);
                *link.channel(role) =
                    Some(Channel { conn, is_open: false, waiting: Vec::new(), decoder: ReplyDecoder::new() });
                made.push((conn, role));
            }
        }
        link.disconnected = false;
        for (conn, role) in made {
            self.conns.insert(conn, (to, role));
            match role {
                Role::Commands => self.ping(ctx, to),
                Role::Messages => self.put(to, role, &["SUBSCRIBE", super::hello::CHANNEL]),
            }
        }
    }

    pub(super) fn ping(&mut self, ctx: &Context<'_>, to: SocketAddr) {
        let now = self.now_ms(ctx);
        self.ask(to, &["PING"], Asked::Ping);
        if let Some(link) = self.links.get_mut(&to) {
            link.last_ping = now;
            if link.act_ping == 0 {
                link.act_ping = now;
            }
        }
    }

    /// Sends a request over the connection for commands.
    pub(super) fn ask(&mut self, to: SocketAddr, words: &[&str], what: Asked) {
        if let Some(link) = self.links.get_mut(&to).filter(|link| link.commands.is_some()) {
            link.asked.push_back(what);
            self.put(to, Role::Commands, words);
        }
    }

    fn put(&mut self, to: SocketAddr, role: Role, words: &[&str]) {
        let channel = self.links.get_mut(&to).and_then(|link| link.channel(role).as_mut());
        let Some(channel) = channel else { return };
        let bytes = picket_resp::command(words);
        if channel.is_open {
            self.unsent.push((channel.conn, bytes));
        } else {
            channel.waiting.push(bytes);
        }
    }

    pub(super) fn on_open(&mut self, _: &mut Context<'_>, conn: ConnId) {
        let Some((to, role)) = self.conns.get(&conn).copied() else { return };
        let channel = self.links.get_mut(&to).and_then(|link| link.channel(role).as_mut());
        if let Some(channel) = channel.filter(|channel| channel.conn == conn) {
            channel.is_open = true;
            self.unsent.extend(channel.waiting.drain(..).map(|bytes| (conn, bytes)));
        }
    }

    pub(super) fn on_closed(&mut self, conn: ConnId) {
        let Some((to, role)) = self.conns.remove(&conn) else { return };
        let Some(link) = self.links.get_mut(&to) else { return };
        if link.channel(role).as_ref().is_some_and(|channel| channel.conn == conn) {
            *link.channel(role) = None;
            link.disconnected = true;
            if role == Role::Commands {
                link.asked.clear();
            }
        }
    }

    /// The other side is somebody else from now on: begins anew.
    pub(super) fn drop_link(&mut self, ctx: &mut Context<'_>, to: SocketAddr) {
        let Some(mut link) = self.links.remove(&to) else { return };
        for role in [Role::Commands, Role::Messages] {
            if let Some(channel) = link.channel(role).take() {
                self.conns.remove(&channel.conn);
                ctx.close(channel.conn);
            }
        }
    }

    pub(super) fn on_link_data(&mut self, ctx: &mut Context<'_>, conn: ConnId, bytes: &Bytes) {
        let Some((to, role)) = self.conns.get(&conn).copied() else { return };
        let mut replies = Vec::new();
        if let Some(channel) = self.links.get_mut(&to).and_then(|link| link.channel(role).as_mut()) {
            channel.decoder.extend(bytes);
            while let Ok(Some(reply)) = channel.decoder.next() {
                replies.push(reply);
            }
        }
        for reply in replies {
            match role {
                Role::Messages => self.on_message(ctx, &reply),
                Role::Commands => {
                    let asked = self.links.get_mut(&to).and_then(|link| link.asked.pop_front());
                    if let Some(asked) = asked {
                        self.on_reply(ctx, to, asked, &reply);
                    }
                }
            }
        }
    }

    fn on_reply(&mut self, ctx: &mut Context<'_>, from: SocketAddr, asked: Asked, reply: &Reply) {
        let now = self.now_ms(ctx);
        match asked {
            Asked::Ping => {
                let text = match reply {
                    Reply::Simple(text) | Reply::Error(text) => &text[..],
                    _ => b"",
                };
                let Some(link) = self.links.get_mut(&from) else { return };
                link.last_pong = now;
                if [&b"PONG"[..], b"LOADING", b"MASTERDOWN"].iter().any(|word| text.starts_with(word)) {
                    link.last_avail = now;
                    link.act_ping = 0;
                }
            }
            Asked::Info(place) => {
                if let Some(text) = reply.as_str() {
                    self.on_info(ctx, place, from, text);
                }
            }
            Asked::Hello(place) => {
                if !reply.is_error() {
                    self.on_hello_taken(place, from, now);
                }
            }
            Asked::Down(place, run_id) => self.on_opinion(now, place, &run_id, reply),
            Asked::Other => {}
        }
    }

    fn on_message(&mut self, ctx: &mut Context<'_>, reply: &Reply) {
        if let Some([kind, _, payload]) = reply.as_array()
            && kind.as_str() == Some("message")
            && let Some(payload) = payload.as_str()
        {
            self.on_hello(ctx, payload);
        }
    }
}
