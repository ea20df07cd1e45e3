//! Channels, patterns and who listens to them (`pubsub.c`).

use alloc::vec::Vec;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::dispatch::unknown_form;
use super::{CloseReason, Server, help};
use crate::acl::ChannelUse;
use crate::command::PubsubSubcommand;
use crate::glob::{Case, glob_match};

type Index = BTreeMap<Bytes, BTreeSet<ClientId>>;

/// Which of the three kinds of subscriptions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Channel,
    Pattern,
    Shard,
}

/// What a client listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions {
    pub(super) channels: BTreeSet<Bytes>,
    pub(super) patterns: BTreeSet<Bytes>,
    pub(super) shard_channels: BTreeSet<Bytes>,
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    fn of(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    /// The number that a confirmation tells.
    fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
            Kind::Shard => self.shard_channels.len(),
        }
    }
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

    /// Sends a message to everybody who listens to the shard channel. Returns how many messages went out.
    pub fn publish_to_shard(&mut self, channel: &[u8], payload: &[u8]) -> u64 {
        let clients: Vec<ClientId> =
            self.shard_channels.get(channel).into_iter().flatten().copied().collect();
        let message = [Reply::from("smessage"), Reply::bulk_copy(channel), Reply::bulk_copy(payload)];
        self.send_all(&clients, &Reply::Push(message.into()))
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
            let Some(protocol) = self.clients.get(*id).map(|client| client.protocol) else {
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

    pub(super) fn run_ssubscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.subscribe(id, &args[1..], Kind::Shard);
    }

    pub(super) fn run_sunsubscribe(&mut self, id: ClientId, args: &[Bytes]) {
        self.unsubscribe(id, &args[1..], Kind::Shard);
    }

    pub(super) fn run_pubsub(&mut self, id: ClientId, subcommand: PubsubSubcommand, args: &[Bytes]) {
        let names = &args[2..];
        let reply = match subcommand {
            PubsubSubcommand::Channels | PubsubSubcommand::Shardchannels if names.len() > 1 => {
                Reply::error(unknown_form("PUBSUB", args))
            }
            PubsubSubcommand::Channels => listed(&self.channels, names.first()),
            PubsubSubcommand::Shardchannels => listed(&self.shard_channels, names.first()),
            PubsubSubcommand::Help => help::help("pubsub", help::PUBSUB),
            PubsubSubcommand::Numpat => int(self.patterns.len()),
            PubsubSubcommand::Numsub => counted(&self.channels, names),
            PubsubSubcommand::Shardnumsub => counted(&self.shard_channels, names),
        };
        self.reply(id, &reply);
    }

    fn index(&mut self, kind: Kind) -> &mut Index {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    fn subscribe(&mut self, id: ClientId, names: &[Bytes], kind: Kind) {
        for name in names {
            let Some(client) = self.clients.get_mut(id) else {
                return;
            };
            let name = Bytes::copy_from_slice(name);
            if client.subscriptions.of(kind).insert(name.clone()) {
                self.subscriptions_bytes += subscription_bytes(&name);
                self.index(kind).entry(name.clone()).or_default().insert(id);
            }
            self.confirm(id, kind, kind.subscribed(), Reply::Bulk(name));
        }
    }

    fn unsubscribe(&mut self, id: ClientId, names: &[Bytes], kind: Kind) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let all: Vec<Bytes> = if names.is_empty() {
            client.subscriptions.of(kind).iter().cloned().collect()
        } else {
            names.to_vec()
        };
        if all.is_empty() {
            self.confirm(id, kind, kind.unsubscribed(), Reply::Null);
        }
        for name in all {
            let Some(client) = self.clients.get_mut(id) else {
                return;
            };
            if client.subscriptions.of(kind).remove(&name) {
                self.subscriptions_bytes -= subscription_bytes(&name);
            }
            leave(self.index(kind), &name, id);
            self.confirm(id, kind, kind.unsubscribed(), Reply::Bulk(name));
        }
    }

    fn confirm(&mut self, id: ClientId, kind: Kind, what: &'static str, name: Reply) {
        let count = self.clients.get(id).map_or(0, |client| client.subscriptions.count(kind));
        self.push(id, &Reply::Push([Reply::from(what), name, int(count)].into()));
    }

    /// Takes a client off all that it listened to.
    pub(super) fn leave_all(&mut self, id: ClientId, subscriptions: &Subscriptions) {
        for (kind, names) in [
            (Kind::Channel, &subscriptions.channels),
            (Kind::Pattern, &subscriptions.patterns),
            (Kind::Shard, &subscriptions.shard_channels),
        ] {
            for name in names {
                self.subscriptions_bytes -= subscription_bytes(name);
                leave(self.index(kind), name, id);
            }
        }
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
                let subscriptions = &client.subscriptions;
                let mut names = subscriptions.channels.iter().chain(&subscriptions.shard_channels);
                names.any(|name| !rules.may_listen(name, ChannelUse::Name))
                    || subscriptions.patterns.iter().any(|name| !rules.may_listen(name, ChannelUse::Pattern))
            })
            .map(|(id, _)| id)
            .collect();
        for id in forbidden {
            self.close_now(id, CloseReason::AclChanged);
        }
    }
}

/// What it takes that a client listens to a channel: its name, and an entry on both sides.
fn subscription_bytes(name: &Bytes) -> u64 {
    100 + name.len() as u64
}

/// The names in an index, or those that match.
fn listed(index: &Index, pattern: Option<&Bytes>) -> Reply {
    let fits = |name: &&Bytes| pattern.is_none_or(|pattern| glob_match(pattern, name, Case::Sensitive));
    Reply::Array(index.keys().filter(fits).cloned().map(Reply::Bulk).collect())
}

/// How many listen to each of these.
fn counted(index: &Index, names: &[Bytes]) -> Reply {
    let count = |name: &Bytes| int(index.get(name).map_or(0, BTreeSet::len));
    Reply::Array(names.iter().flat_map(|name| [Reply::Bulk(name.clone()), count(name)]).collect())
}

fn int(value: usize) -> Reply {
    Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX))
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
    fn subscribed(self) -> &'static str {
        match self {
            Self::Channel => "subscribe",
            Self::Pattern => "psubscribe",
            Self::Shard => "ssubscribe",
        }
    }

    fn unsubscribed(self) -> &'static str {
        match self {
            Self::Channel => "unsubscribe",
            Self::Pattern => "punsubscribe",
            Self::Shard => "sunsubscribe",
        }
    }
}
