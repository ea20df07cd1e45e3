//! What the application tells about a client, for `CLIENT LIST`, `CLIENT KILL` and limits.

use alloc::string::String;

use picket_sansio::{ClientId, Time};

use super::client::Client;
use super::errors::Errors;
use super::{Call, ClientAddresses, Counters, Origin, Server};
use crate::config::ClientClass;

/// What the application knows about a client and the server shows. Plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClientFacts {
    /// The selected database.
    pub db: u32,
    /// How many keys it watches.
    pub watched_keys: u32,
    /// A watched key has changed, so that EXEC will run nothing.
    pub is_dirty: bool,
    /// What it is to replication.
    pub link: ReplicationLink,
}

/// What a connection is to replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReplicationLink {
    /// An ordinary client.
    #[default]
    None,
    /// A replica that this server feeds: no `timeout`, no `CLIENT PAUSE`.
    Replica,
    /// This server's own connection to its master.
    Master,
}

/// What connections take, besides what is sent to replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClientsMemory {
    /// Of ordinary clients and the link to the master, with all subscriptions.
    pub normal: u64,
    /// Of replicas.
    pub replicas: u64,
}

/// What a connection takes without its buffers.
const CLIENT_BYTES: u64 = 1000;

impl Server {
    /// What connections take: requests that are not complete or not run yet, and what clients listen to.
    #[must_use]
    pub fn clients_memory(&self) -> ClientsMemory {
        let mut memory = ClientsMemory { normal: self.subscriptions_bytes, replicas: 0 };
        for client in self.clients.values() {
            let bytes = CLIENT_BYTES + client.buffers_bytes();
            match client.facts.link {
                ReplicationLink::Replica => memory.replicas += bytes,
                ReplicationLink::None | ReplicationLink::Master => memory.normal += bytes,
            }
        }
        memory
    }

    /// The facts of a client, to be changed.
    pub fn facts_mut(&mut self, id: ClientId) -> Option<&mut ClientFacts> {
        self.clients.get_mut(id).map(|client| &mut client.facts)
    }

    /// The facts of a client.
    #[must_use]
    pub fn facts(&self, id: ClientId) -> Option<&ClientFacts> {
        self.clients.get(id).map(|client| &client.facts)
    }

    /// Shows the connection to the master among the clients. It sends no requests here;
    /// [`ServerOutput::Close`](super::ServerOutput::Close) with its id means that somebody killed it, and
    /// [`Server::closed`] takes it off again.
    pub fn add_master_link(&mut self, now: Time, id: ClientId, addresses: ClientAddresses) {
        let mut client = Client::new(now, addresses, self.options.limits.bulk_len);
        client.set_authenticated(true);
        client.facts.link = ReplicationLink::Master;
        self.clients.insert(id, client);
    }

    /// Notes that something came from a client outside of requests, as from the master: it is not idle.
    pub fn touch(&mut self, now: Time, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.last_interaction = now;
        }
    }

    /// Whether the user of the client that makes this call may read every key, as the patterns of `SORT` need it.
    #[must_use]
    pub fn may_read_all_keys(&self, call: &Call) -> bool {
        let user = self.clients.get(call.client).and_then(|client| self.acl.user(&client.user));
        user.is_some_and(|user| user.may_read_all_keys(call.command, &call.args))
    }

    /// The role that `HELLO` tells.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.options.identity.role.as_deref()
    }

    /// Which of the limits of `client-output-buffer-limit` holds for a client.
    #[must_use]
    pub fn class(&self, id: ClientId) -> ClientClass {
        match self.clients.get(id) {
            Some(client) if client.facts.link == ReplicationLink::Replica => ClientClass::Replica,
            Some(client) if client.is_pubsub() => ClientClass::Pubsub,
            _ => ClientClass::Normal,
        }
    }

    /// Its line of `CLIENT LIST`; empty if it is gone.
    #[must_use]
    pub fn client_info(&self, id: ClientId) -> String {
        self.clients.get(id).map(|client| client.info(id, self.now)).unwrap_or_default()
    }

    /// The address of its other end without the port; empty if it is gone.
    #[must_use]
    pub fn peer_ip(&self, id: ClientId) -> String {
        let Some(client) = self.clients.get(id) else { return String::new() };
        let peer = &client.addresses.peer;
        let ip = peer.rsplit_once(':').map_or(peer.as_str(), |(ip, _)| ip);
        ip.trim_start_matches('[').trim_end_matches(']').into()
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_local(&self, id: ClientId) -> bool {
        self.clients.get(id).is_some_and(|client| client.addresses.origin != Origin::Remote)
    }

    /// The name of the command that it gave last.
    #[must_use]
    pub fn last_command(&self, id: ClientId) -> String {
        let command = self.clients.get(id).and_then(|client| client.last_command);
        command.map(|command| command.full_name()).unwrap_or_default()
    }

    /// The role that `HELLO` tells.
    pub fn set_role(&mut self, role: &str) {
        self.options.identity.role = Some(role.into());
    }

    /// Holds back requests that write, or lets them go on; beside `CLIENT PAUSE` and without an end of its own.
    pub fn hold_writes(&mut self, now: Time, hold: bool) {
        self.now = now;
        self.holds_writes = hold;
        if !hold {
            self.release();
        }
    }

    /// Whether requests that write are held back.
    #[must_use]
    pub fn is_holding_writes(&self) -> bool {
        self.is_holding_back()
    }

    /// Starts the counters anew (`CONFIG RESETSTAT`).
    pub fn reset_counters(&mut self) {
        self.counters = Counters::default();
        self.errors = Errors::default();
    }

    /// Stops a client as [`suspend`](Server::suspend) does, in a command that waits for something: `CLIENT UNBLOCK`
    /// may end it, see [`ServerOutput::Unblock`](super::ServerOutput::Unblock). Ends with [`Server::resume`].
    pub fn block(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.suspended = true;
            client.is_blocked = true;
        }
    }
}
