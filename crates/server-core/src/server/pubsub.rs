//! Channels, patterns and who listens to them (`pubsub.c`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::client::Client;
use super::{CloseReason, Server};
use crate::acl::ChannelUse;
use crate::glob::{Case, glob_match};

type Index = BTreeMap<Bytes, BTreeSet<ClientId>>;

/// Which of the two kinds of subscriptions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Channel,
    Pattern,
}

impl Server {
    /// Sends a message to everybody who listens to `channel`, by its name or by a pattern. Returns how
    /// many messages went out.
    pub fn publish(&mut self, channel: &[u8], payload: &[u8]) -> u64 {
        let mut sent = 0;
        let channel_bytes = Bytes::copy_from_slice(channel);
        let payload = Bytes::copy_from_slice(payload);
        let exact: Vec<ClientId> = self.channels.get(channel).into_iter().flatten().copied().collect();
        let message =
            [Reply::from("message"), Reply::Bulk(channel_bytes.clone()), Reply::Bulk(payload.clone())];
        sent += self.send_all(&exact, &Reply::Push(message.into()));
        let matching: Vec<(Bytes, Vec<ClientId>)> = self
            .patterns
            .iter()
            .filter(|(pattern, _)| glob_match(pattern, channel, Case::Sensitive))
            .map(|(pattern, clients)| (pattern.clone(), clients.iter().copied().collect()))
            .collect();
        for (pattern, clients) in matching {
            let message = [
                Reply::from("pmessage"),
                Reply::Bulk(pattern),
                Reply::Bulk(channel_bytes.clone()),
                Reply::Bulk(payload.clone()),
            ];
            sent += self.send_all(&clients, &Reply::Push(message.into()));
        }
        sent
    }

    /// How many channels somebody listens to, and how many patterns.
    #[must_use]
    pub fn subscribed(&self) -> (u64, u64) {
        (self.channels.len() as u64, self.patterns.len() as u64)
    }

    /// Encodes the message once per protocol; the clients share its bytes.
    fn send_all(&mut self, clients: &[ClientId], message: &Reply) -> u64 {
        let mut encoded: [Option<Bytes>; 2] = [None, None];
        for id in clients {
            let Some(protocol) = self.clients.get(id).map(|client| client.protocol) else {
                continue;
            };
            let slot = &mut encoded[usize::from(protocol == Protocol::Resp3)];
            let bytes = slot
                .get_or_insert_with(|| {
                    let mut bytes = BytesMut::new();
                    message.encode(protocol, &mut bytes);
                    bytes.freeze()
                })
                .clone();
            self.push_shared(*id, bytes);
        }
        clients.len() as u64
    }

    pub(super) fn run_subscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.subscribe(id, &args[1..], Kind::Channel);
    }

    pub(super) fn run_psubscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.subscribe(id, &args[1..], Kind::Pattern);
    }

    pub(super) fn run_unsubscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.unsubscribe(id, &args[1..], Kind::Channel);
    }

    pub(super) fn run_punsubscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.unsubscribe(id, &args[1..], Kind::Pattern);
    }

    fn subscribe(&mut self, id: ClientId, names: &[Bytes], kind: Kind) {
        for name in names {
            let Some(client) = self.clients.get_mut(&id) else {
                return;
            };
            let name = Bytes::copy_from_slice(name);
            if kind.of_client(client).insert(name.clone()) {
                let index = match kind {
                    Kind::Channel => &mut self.channels,
                    Kind::Pattern => &mut self.patterns,
                };
                index.entry(name.clone()).or_default().insert(id);
            }
            self.confirm(id, kind.subscribed(), Reply::Bulk(name));
        }
    }

    fn unsubscribe(&mut self, id: ClientId, names: &[Bytes], kind: Kind) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let all: Vec<Bytes> =
            if names.is_empty() { kind.of_client(client).iter().cloned().collect() } else { names.to_vec() };
        if all.is_empty() {
            self.confirm(id, kind.unsubscribed(), Reply::Null);
        }
        for name in all {
            let Some(client) = self.clients.get_mut(&id) else {
                return;
            };
            kind.of_client(client).remove(&name);
            let index = match kind {
                Kind::Channel => &mut self.channels,
                Kind::Pattern => &mut self.patterns,
            };
            leave(index, &name, id);
            self.confirm(id, kind.unsubscribed(), Reply::Bulk(name));
        }
    }

    fn confirm(&mut self, id: ClientId, what: &'static str, name: Reply) {
        let count = self.clients.get(&id).map_or(0, Client::subscriptions);
        let count = Reply::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        self.push(id, &Reply::Push([Reply::from(what), name, count].into()));
    }

    /// Closes clients of `user` that listen to what the user may not listen to any more.
    pub(super) fn close_forbidden_listeners(&mut self, user: &[u8]) {
        let Some(rules) = self.acl.user(user) else {
            return;
        };
        let forbidden: Vec<ClientId> = self
            .clients
            .iter()
            .filter(|(_, client)| client.user == user)
            .filter(|(_, client)| {
                client.channels.iter().any(|name| !rules.may_listen(name, ChannelUse::Name))
                    || client.patterns.iter().any(|name| !rules.may_listen(name, ChannelUse::Pattern))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in forbidden {
            self.close_now(id, CloseReason::AclChanged);
        }
    }
}

/// Takes a client off a channel or pattern, and the name off the index when nobody is left.
pub(super) fn leave(index: &mut Index, name: &Bytes, id: ClientId) {
    if let Some(clients) = index.get_mut(name) {
        clients.remove(&id);
        if clients.is_empty() {
            index.remove(name);
        }
    }
}

impl Kind {
    fn of_client(self, client: &mut Client) -> &mut BTreeSet<Bytes> {
        match self {
            Self::Channel => &mut client.channels,
            Self::Pattern => &mut client.patterns,
        }
    }

    fn subscribed(self) -> &'static str {
        match self {
            Self::Channel => "subscribe",
            Self::Pattern => "psubscribe",
        }
    }

    fn unsubscribed(self) -> &'static str {
        match self {
            Self::Channel => "unsubscribe",
            Self::Pattern => "punsubscribe",
        }
    }
}
