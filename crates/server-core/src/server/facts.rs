//! What the application tells about a client, for `CLIENT LIST`, `CLIENT KILL` and limits.

use picket_sansio::{ClientId, Time};

use super::client::Client;
use super::{Call, ClientAddresses, Server};
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

impl Server {
    /// The facts of a client, to be changed.
    pub fn facts_mut(&mut self, id: ClientId) -> Option<&mut ClientFacts> {
        self.clients.get_mut(&id).map(|client| &mut client.facts)
    }

    /// The facts of a client.
    #[must_use]
    pub fn facts(&self, id: ClientId) -> Option<&ClientFacts> {
        self.clients.get(&id).map(|client| &client.facts)
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
        if let Some(client) = self.clients.get_mut(&id) {
            client.last_interaction = now;
        }
    }

    /// Whether the user of the client that makes this call may read every key, as the patterns of `SORT` need it.
    #[must_use]
    pub fn may_read_all_keys(&self, call: &Call) -> bool {
        let user = self.clients.get(&call.client).and_then(|client| self.acl.user(&client.user));
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
        match self.clients.get(&id) {
            Some(client) if client.facts.link == ReplicationLink::Replica => ClientClass::Replica,
            Some(client) if client.is_pubsub() => ClientClass::Pubsub,
            _ => ClientClass::Normal,
        }
    }

    /// Stops a client as [`suspend`](Server::suspend) does, in a command that waits for something: `CLIENT UNBLOCK`
    /// may end it, see [`ServerOutput::Unblock`](super::ServerOutput::Unblock). Ends with [`Server::resume`].
    pub fn block(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.suspended = true;
            client.is_blocked = true;
        }
    }
}
