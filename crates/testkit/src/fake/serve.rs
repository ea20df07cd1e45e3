//! The thread of the fake servers: sockets, and what is answered on them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;

use super::request::parse;
use super::server::{ConnToken, Servers};
use super::{Counters, Order};
use crate::PortLease;

/// The token of the thread's own bell; listeners have their ports, connections higher numbers.
const BELL: u64 = 0;
const FIRST_CONN: ConnToken = 1 << 16;
/// How often another port is tried when somebody without a lease took it.
const PORT_TRIES: u32 = 5;

#[derive(Debug)]
struct Conn {
    stream: TcpStream,
    port: u16,
    inbox: Vec<u8>,
    unsent: Vec<u8>,
    /// The requests after MULTI.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    channels: usize,
    waits_for_room: bool,
}

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Loop {
    epoll: Epoll,
    bell: Arc<EventFd>,
    orders: Receiver<Order>,
    counters: Arc<Counters>,
    servers: Servers,
    listeners: BTreeMap<u16, TcpListener>,
    conns: BTreeMap<ConnToken, Conn>,
    next_conn: ConnToken,
}

impl Loop {
    pub(super) fn new(
        counters: Arc<Counters>,
        bell: Arc<EventFd>,
        orders: Receiver<Order>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&*bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Self {
            epoll,
            bell,
            orders,
            counters,
            servers: Servers::default(),
            listeners: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_conn: FIRST_CONN,
        })
    }

    /// Begins to listen on a port of its own.
    pub(super) fn add(&mut self, follows: Option<u16>, leases: &mut Vec<PortLease>) -> io::Result<u16> {
        let mut tries = 0;
        let (lease, listener) = loop {
            let lease = PortLease::take();
            match TcpListener::bind((Ipv4Addr::LOCALHOST, lease.number())) {
                Ok(listener) => break (lease, listener),
                Err(error) if error.kind() == ErrorKind::AddrInUse && tries < PORT_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        };
        let port = lease.number();
        listener.set_nonblocking(true)?;
        self.epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, u64::from(port)))?;
        self.listeners.insert(port, listener);
        self.servers.add(port, follows);
        leases.push(lease);
        Ok(port)
    }

    /// Serves until it is told to end.
    pub(super) fn run(mut self) {
        let mut events = [EpollEvent::empty(); 256];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => panic!("fake servers cannot wait for their sockets: {error}"),
            };
            for event in &events[..count] {
                match event.data() {
                    BELL => {
                        if !self.obey() {
                            return;
                        }
                    }
                    port if port < FIRST_CONN => self.accept(u16::try_from(port).unwrap_or(0)),
                    conn => self.serve(conn, event.events()),
                }
            }
        }
    }

    /// Carries out the orders; false if one is to end.
    fn obey(&mut self) -> bool {
        // Only who rang is forgotten; the orders are in the channel.
        let _ = self.bell.read();
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::End => return false,
                Order::Kill(ports, done) => {
                    for port in ports {
                        self.listeners.remove(&port);
                        for conn in self.servers.remove(port).into_iter().flat_map(|server| server.conns) {
                            self.conns.remove(&conn);
                        }
                    }
                    // Who does not wait for the answer does not need it.
                    let _ = done.send(Instant::now());
                }
            }
        }
        true
    }

    fn accept(&mut self, port: u16) {
        while let Some(Ok((stream, _))) = self.listeners.get(&port).map(TcpListener::accept) {
            let token = self.next_conn;
            self.next_conn += 1;
            // Without NODELAY answers would wait for acknowledgements.
            let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
            let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
            if ready.is_err() || self.epoll.add(&stream, event).is_err() {
                continue; // It is closed, which the other side sees.
            }
            let conn = Conn {
                stream,
                port,
                inbox: Vec::new(),
                unsent: Vec::new(),
                queued: None,
                channels: 0,
                waits_for_room: false,
            };
            self.conns.insert(token, conn);
            if let Some(server) = self.servers.get_mut(port) {
                server.conns.insert(token);
            }
        }
    }

    fn close(&mut self, token: ConnToken) {
        if let Some(conn) = self.conns.remove(&token) {
            self.servers.forget(conn.port, token);
        }
    }

    fn serve(&mut self, token: ConnToken, flags: EpollFlags) {
        if flags.contains(EpollFlags::EPOLLOUT) {
            self.flush(token);
        }
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.read(token);
        }
    }

    fn read(&mut self, token: ConnToken) {
        let mut buffer = [0; 16 << 10];
        let Some(conn) = self.conns.get_mut(&token) else { return };
        match conn.stream.read(&mut buffer) {
            Ok(0) => self.close(token),
            Ok(len) => {
                self.counters.received.fetch_add(len as u64, Ordering::Relaxed);
                conn.inbox.extend_from_slice(&buffer[..len]);
                self.answer_all(token);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.close(token),
        }
    }

    fn answer_all(&mut self, token: ConnToken) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let inbox = std::mem::take(&mut conn.inbox);
        let mut at = 0;
        loop {
            match parse(&inbox[at..]) {
                Ok(Some((args, len))) => {
                    at += len;
                    self.counters.requests.fetch_add(1, Ordering::Relaxed);
                    self.answer(token, &args);
                }
                Ok(None) => break,
                Err(error) => {
                    self.put(token, format!("-ERR Protocol error: {error}\r\n").as_bytes());
                    self.flush(token);
                    self.close(token);
                    return;
                }
            }
        }
        if let Some(conn) = self.conns.get_mut(&token) {
            conn.inbox = inbox[at..].to_vec();
        }
        self.flush(token);
    }

    /// Answers one request, or queues it after MULTI.
    fn answer(&mut self, token: ConnToken, args: &[&[u8]]) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Some(name) = args.first().map(|name| name.to_ascii_uppercase()) else { return };
        match (&name[..], conn.queued.take()) {
            (b"MULTI", _) => {
                conn.queued = Some(Vec::new());
                self.put(token, b"+OK\r\n");
            }
            (b"EXEC", Some(queued)) => {
                self.put(token, format!("*{}\r\n", queued.len()).as_bytes());
                for request in queued {
                    let args: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
                    self.execute(token, &args);
                }
            }
            (_, Some(mut queued)) => {
                queued.push(args.iter().map(|arg| arg.to_vec()).collect());
                conn.queued = Some(queued);
                self.put(token, b"+QUEUED\r\n");
            }
            (_, None) => self.execute(token, args),
        }
    }

    fn execute(&mut self, token: ConnToken, args: &[&[u8]]) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let port = conn.port;
        let words: Vec<Vec<u8>> = args.iter().take(2).map(|word| word.to_ascii_uppercase()).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        match (&words[..], args) {
            ([b"PING", ..], _) if conn.channels > 0 => self.put(token, b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
            ([b"PING", ..], _) => self.put(token, b"+PONG\r\n"),
            ([b"INFO", ..], _) => {
                let text = self.servers.info(port);
                self.put(token, format!("${}\r\n{text}\r\n", text.len()).as_bytes());
            }
            ([b"ROLE"], _) => {
                let role = self.servers.role(port);
                self.put(token, &role);
            }
            ([b"PUBLISH", ..], [_, channel, message]) => self.publish(token, port, channel, message),
            ([b"SUBSCRIBE", ..], [_, channels @ ..]) => {
                for channel in channels {
                    let Some(conn) = self.conns.get_mut(&token) else { return };
                    conn.channels += 1;
                    let count = format!(":{}\r\n", conn.channels);
                    self.servers.subscribe(port, token, channel);
                    self.put(token, b"*3\r\n$9\r\nsubscribe\r\n");
                    self.put(token, &bulk(channel));
                    self.put(token, count.as_bytes());
                }
            }
            ([b"SLAVEOF" | b"REPLICAOF", ..], [_, host, of]) => {
                let master = if host.eq_ignore_ascii_case(b"no") && of.eq_ignore_ascii_case(b"one") {
                    Some(None)
                } else {
                    std::str::from_utf8(of).ok().and_then(|of| of.parse().ok()).map(Some)
                };
                match master {
                    Some(master) => {
                        self.servers.follow(port, master);
                        self.put(token, b"+OK\r\n");
                    }
                    None => self.put(token, b"-ERR Invalid master port\r\n"),
                }
            }
            ([b"CLIENT", b"KILL"], [_, _, _, kind]) => {
                let killed = self.client_kill(token, port, kind.eq_ignore_ascii_case(b"pubsub"));
                self.put(token, format!(":{killed}\r\n").as_bytes());
            }
            ([b"AUTH", ..] | [b"CLIENT", b"SETNAME"] | [b"CONFIG", b"REWRITE"], _) => {
                self.put(token, b"+OK\r\n");
            }
            ([b"SCRIPT", b"KILL"], _) => {
                self.put(token, b"-NOTBUSY No scripts in execution right now.\r\n");
            }
            _ => self.put(token, b"-ERR unknown command\r\n"),
        }
    }

    fn publish(&mut self, token: ConnToken, port: u16, channel: &[u8], message: &[u8]) {
        let (here, heard) = self.servers.publish(port, channel, channel.len() + message.len() + 32);
        self.put(token, format!(":{here}\r\n").as_bytes());
        let mut push = b"*3\r\n$7\r\nmessage\r\n".to_vec();
        push.extend(bulk(channel));
        push.extend(bulk(message));
        for conn in heard {
            self.put(conn, &push);
            self.flush(conn);
        }
    }

    /// CLIENT KILL TYPE: the connections of other clients, subscribers or the others.
    fn client_kill(&mut self, own: ConnToken, port: u16, subscribers: bool) -> usize {
        let Some(server) = self.servers.get_mut(port) else { return 0 };
        let of_kind = |conn: &&ConnToken| {
            **conn != own && self.conns.get(conn).is_some_and(|conn| (conn.channels > 0) == subscribers)
        };
        let victims: Vec<ConnToken> = server.conns.iter().filter(of_kind).copied().collect();
        for victim in &victims {
            self.close(*victim);
        }
        victims.len()
    }

    fn put(&mut self, token: ConnToken, bytes: &[u8]) {
        if let Some(conn) = self.conns.get_mut(&token) {
            conn.unsent.extend_from_slice(bytes);
        }
    }

    /// Sends what fits; the rest goes when there is room.
    fn flush(&mut self, token: ConnToken) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let mut sent = 0;
        while sent < conn.unsent.len() {
            match conn.stream.write(&conn.unsent[sent..]) {
                Ok(0) => return self.close(token),
                Ok(len) => sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(token),
            }
        }
        self.counters.sent.fetch_add(sent as u64, Ordering::Relaxed);
        conn.unsent.drain(..sent);
        // The kernel is told only when what we wait for changes.
        let waits = !conn.unsent.is_empty();
        if waits == conn.waits_for_room {
            return;
        }
        conn.waits_for_room = waits;
        let room = if waits { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
        let mut event = EpollEvent::new(EpollFlags::EPOLLIN | room, token);
        if self.epoll.modify(&conn.stream, &mut event).is_err() {
            self.close(token);
        }
    }
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("${}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    out
}
