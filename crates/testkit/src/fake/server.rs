//! What the fake servers are to each other: who follows whom, who is there, who listens to what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::info::Facts;

/// One connection of one server.
pub(super) type ConnToken = u64;

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    run_id: String,
    offset: u64,
    follows: Option<u16>,
    /// Since when its master cannot be reached or is none.
    down_since: Option<Instant>,
    pub(super) conns: BTreeSet<ConnToken>,
    subscribers: BTreeMap<Vec<u8>, BTreeSet<ConnToken>>,
}

/// The servers that are there, by their ports.
#[derive(Debug, Default)]
pub(super) struct Servers {
    servers: BTreeMap<u16, Server>,
    /// Who follows a server, whether that is there or not.
    followers: BTreeMap<u16, BTreeSet<u16>>,
}

impl Servers {
    pub(super) fn add(&mut self, port: u16, follows: Option<u16>) {
        let server = Server {
            // Unlike that of any other server on this machine: a port is leased once.
            run_id: format!("{:08x}{:08x}{port:024x}", std::process::id(), port),
            offset: 1000,
            follows: None,
            down_since: None,
            conns: BTreeSet::new(),
            subscribers: BTreeMap::new(),
        };
        self.servers.insert(port, server);
        self.follow(port, follows);
    }

    pub(super) fn get_mut(&mut self, port: u16) -> Option<&mut Server> {
        self.servers.get_mut(&port)
    }

    /// A server ends; what it leaves are its connections.
    pub(super) fn remove(&mut self, port: u16) -> Option<Server> {
        let removed = self.servers.remove(&port)?;
        for replica in self.followers.get(&port).into_iter().flatten() {
            if let Some(server) = self.servers.get_mut(replica) {
                server.down_since = Some(Instant::now());
            }
        }
        Some(removed)
    }

    fn replicas(&self, port: u16) -> Vec<(u16, u64)> {
        let following = self.followers.get(&port).into_iter().flatten();
        following.filter_map(|port| Some((*port, self.servers.get(port)?.offset))).collect()
    }

    pub(super) fn info(&self, port: u16) -> String {
        let Some(server) = self.servers.get(&port) else { return String::new() };
        let down_for = server.down_since.map(|since| since.elapsed().as_secs());
        let facts = Facts {
            port,
            run_id: &server.run_id,
            offset: server.offset,
            follows: server.follows.map(|master| (master, down_for)),
            replicas: &self.replicas(port),
        };
        facts.text()
    }

    pub(super) fn role(&self, port: u16) -> Vec<u8> {
        let Some(server) = self.servers.get(&port) else { return Vec::new() };
        let offset = server.offset;
        let text = match server.follows {
            None => format!("*3\r\n$6\r\nmaster\r\n:{offset}\r\n*0\r\n"),
            Some(master) => {
                let state = if server.down_since.is_some() { "connect" } else { "connected" };
                format!(
                    "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:{master}\r\n${}\r\n{state}\r\n:{offset}\r\n",
                    state.len()
                )
            }
        };
        text.into_bytes()
    }

    /// SLAVEOF; `None` is NO ONE.
    pub(super) fn follow(&mut self, port: u16, master: Option<u16>) {
        let offset = master.and_then(|master| Some(self.servers.get(&master)?.offset));
        let Some(server) = self.servers.get_mut(&port) else { return };
        if let Some(followers) = server.follows.and_then(|old| self.followers.get_mut(&old)) {
            followers.remove(&port);
        }
        server.follows = master;
        server.offset = offset.unwrap_or(server.offset);
        server.down_since = (master.is_some() && offset.is_none()).then(Instant::now);
        if let Some(master) = master {
            self.followers.entry(master).or_default().insert(port);
        }
    }

    pub(super) fn subscribe(&mut self, port: u16, conn: ConnToken, channel: &[u8]) {
        if let Some(server) = self.servers.get_mut(&port) {
            server.subscribers.entry(channel.to_vec()).or_default().insert(conn);
        }
    }

    pub(super) fn forget(&mut self, port: u16, conn: ConnToken) {
        if let Some(server) = self.servers.get_mut(&port) {
            server.conns.remove(&conn);
            server.subscribers.retain(|_, conns| {
                conns.remove(&conn);
                !conns.is_empty()
            });
        }
    }

    /// PUBLISH: who hears it here, and who hears it from replicas, since a master's is passed on.
    pub(super) fn publish(&mut self, port: u16, channel: &[u8], len: usize) -> (usize, Vec<ConnToken>) {
        let passed_on = match self.servers.get_mut(&port) {
            Some(server) if server.follows.is_none() => {
                server.offset += len as u64;
                server.offset
            }
            _ => 0,
        };
        let heard =
            |server: &Server| server.subscribers.get(channel).into_iter().flatten().copied().collect();
        let mut conns: Vec<ConnToken> = self.servers.get(&port).map(heard).unwrap_or_default();
        let here = conns.len();
        if passed_on > 0 {
            for (replica, _) in self.replicas(port) {
                if let Some(server) = self.servers.get_mut(&replica) {
                    server.offset = passed_on;
                    conns.extend(heard(server));
                }
            }
        }
        (here, conns)
    }
}
