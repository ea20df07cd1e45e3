//! The links: connecting, authenticating, PING, dropping what is silent.
//!
//! Mirrors `sentinel.c: sentinelReconnectInstance`, `sentinelSendPeriodicCommands` (its PING part).
//! Differs from Redis: a dropped connection is dialled again at once, then
//! with growing pauses up to the ping period, because the probe that follows starts the clock of
//! down-after; and INFO and PING are scheduled apart, so that a slow INFO starves nothing.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use picket_resp::{ReplyDecoder, ReplyLimits};
use picket_sansio::{LinkId, Millis, Secret, Time};

use crate::deferred::Deferred;
use crate::event::Event;
use crate::hello;
use crate::ids::{InstanceId, SlotId};
use crate::instance::Instance;
use crate::io::Output;
use crate::link::{Channel, Connection, Pending};
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Millis = Millis(1_000);
/// A connection that lasted this long was a good one: the next attempt needs no pause.
const STABLE: Millis = Millis(1_000);
/// The pause after the first attempt that failed; doubles up to the ping period.
const FIRST_PAUSE: Millis = Millis(100);
/// The longest pause between attempts to reach a former master, which takes writes that will be lost
/// from the moment it is back.
pub(crate) const DEPOSED_PAUSE: Millis = Millis(150);

/// No master is pinged more often than this, unless its down-after is shorter.
const PING_MIN: Millis = Millis(50);

/// The next of the moments, 16 in a period, in which PINGs are sent: a process that wakes for one of hundreds of
/// links serves all that are due soon.
fn in_company(due: Time, period: Millis) -> Time {
    let step = (period.as_micros() / 16).max(1);
    Time(due.0.div_ceil(step).saturating_mul(step))
}

impl Sentinel {
    /// Does what is due on a link; answers when to look again.
    pub(crate) fn run_link(&mut self, slot: SlotId) -> Option<Time> {
        let now = self.now;
        let link = self.links.get(&slot)?;
        let first = *link.users.first()?;
        let instance = self.instance(first)?;
        if instance.addr.port == 0 {
            return None;
        }
        // Sentinels share their links among masters: the most impatient one decides.
        let users = &self.links.get(&slot)?.users;
        let down_after = users.iter().map(|user| self.down_after(*user)).min()?;
        let period = self.ping_period(first, down_after);
        self.drop_silent(slot, down_after);

        let link = self.links.get(&slot)?;
        let command_missing = matches!(link.command, Connection::Down);
        let pubsub_missing = link.wants_pubsub() && matches!(link.pubsub, Connection::Down);
        if (command_missing || pubsub_missing) && !link.resolving && now >= link.next_attempt {
            self.dial(slot, first);
        }

        let link = self.links.get(&slot)?;
        let mut next: Option<Time> = None;
        let mut at = |time: Time| next = Some(next.map_or(time, |known| known.min(time)));
        let missing = matches!(link.command, Connection::Down)
            || (link.wants_pubsub() && matches!(link.pubsub, Connection::Down));
        if missing && !link.resolving {
            at(link.next_attempt);
        }
        for connection in [&link.command, &link.pubsub] {
            if let Connection::Connecting { since, .. } = connection {
                at(*since + CONNECT_TIMEOUT);
            }
        }
        if let Connection::Up { since, .. } = link.command {
            let due = (link.last_pong + period)
                .max(link.last_ping_sent.map_or(Time(0), |sent| sent + period.split(2)));
            let due = in_company(due, period);
            if now < due {
                at(due);
            } else if link.has_room() {
                self.send_ping(slot, first);
                at(now + period.split(2).max(Millis(1)));
            } else {
                at(now + period);
            }
            let link = self.links.get(&slot)?;
            if let Some(act_ping) = link.act_ping {
                let silent = act_ping.max(link.last_pong);
                at((silent + down_after.split(2)).max(since + self.periods.min_link_reconnect));
            }
        }
        let link = self.links.get(&slot)?;
        if let (Connection::Up { since, .. }, Some(silent)) = (&link.pubsub, link.silent_since()) {
            at((silent + self.periods.publish.times(3)).max(*since + self.periods.min_link_reconnect));
        }
        // A deadline that has passed without effect (no room, say) must not spin.
        next.map(|time| time.max(now + Millis(1)))
    }

    /// How often an instance is pinged at the least.
    ///
    /// Differs from Redis: a master is pinged eight times in its down-after if that is less than eight ping periods,
    /// because the clock of down-after starts with the first PING that a hung master does not answer.
    fn ping_period(&self, id: InstanceId, down_after: Millis) -> Millis {
        let often = match id {
            InstanceId::Master(_) => down_after.split(8).max(PING_MIN),
            InstanceId::Replica(master, _) => return self.replica_ping_period(master, down_after),
            InstanceId::Peer(..) => down_after,
        };
        often.min(down_after).min(self.periods.ping)
    }

    /// Drops connections on which nothing is heard, and attempts that take too long.
    fn drop_silent(&mut self, slot: SlotId, down_after: Millis) {
        let now = self.now;
        let Some(link) = self.links.get(&slot) else { return };
        let half = down_after.split(2);
        let old = self.periods.min_link_reconnect;
        let command = match &link.command {
            Connection::Connecting { since, .. } if now >= *since + CONNECT_TIMEOUT => {
                Some("connection timed out")
            }
            Connection::Up { since, .. }
                if now >= *since + old
                    && link.act_ping.is_some_and(|ping| now >= ping + half)
                    && now >= link.last_pong + half =>
            {
                Some("no reply for half of down-after-milliseconds")
            }
            _ => None,
        };
        let pubsub = match &link.pubsub {
            Connection::Connecting { since, .. } if now >= *since + CONNECT_TIMEOUT => {
                Some("connection timed out")
            }
            Connection::Up { since, .. }
                if now >= *since + old
                    && link.silent_since().is_some_and(|at| now >= at + self.periods.publish.times(3)) =>
            {
                Some("no message for three hello periods")
            }
            _ => None,
        };
        if let Some(reason) = command {
            self.close_connection(slot, Channel::Command, reason);
        }
        if let Some(reason) = pubsub {
            self.close_connection(slot, Channel::Pubsub, reason);
        }
    }

    /// Starts a connection attempt; a host name is resolved first, each time, as the reference does.
    fn dial(&mut self, slot: SlotId, first: InstanceId) {
        let Some(instance) = self.instance(first) else { return };
        let addr = instance.addr.clone();
        if !addr.is_numeric() && self.settings.resolve_hostnames {
            if let Some(link) = self.links.get_mut(&slot) {
                link.resolving = true;
            }
            self.resolve(&addr.host, Deferred::LinkResolved { slot, host: addr.host.clone() });
            return;
        }
        self.connect(slot);
    }

    /// The answer to the resolution that [`Self::dial`] asked for.
    pub(crate) fn on_link_resolved(&mut self, slot: SlotId, host: &str, result: Result<Vec<IpAddr>, String>) {
        let Some(link) = self.links.get_mut(&slot) else { return };
        link.resolving = false;
        let users = link.users.clone();
        match result {
            Ok(ips) => {
                for user in users {
                    // An answer about a name that it no longer goes by is none.
                    if let Some(instance) = self.instance_mut(user)
                        && instance.addr.host == host
                    {
                        // An address that still is among the answers is kept: order is no news.
                        let known = instance.addr.ip.is_some_and(|ip| ips.contains(&ip));
                        if !known {
                            instance.addr.ip = ips.first().copied();
                        }
                    }
                }
                if let Some(link) = self.links.get_mut(&slot) {
                    link.last_failure = None;
                    if let Some(master) = link.users.first().map(|user| user.master()) {
                        self.merge_replicas(master);
                    }
                }
            }
            Err(reason) => {
                let told = self.links.get(&slot).and_then(|link| link.last_failure.clone());
                if told.as_ref() != Some(&reason) {
                    if let Some(link) = self.links.get_mut(&slot) {
                        link.last_failure = Some(reason.clone());
                    }
                    self.emit(Event::ResolveFailed { host: host.to_string(), reason });
                }
            }
        }
        self.connect(slot);
        self.touch(Timer::Link(slot));
    }

    /// Opens the connections that are missing.
    fn connect(&mut self, slot: SlotId) {
        let now = self.now;
        let Some(link) = self.links.get(&slot) else { return };
        let Some(first) = link.users.first().copied() else { return };
        let Some(instance) = self.instance(first) else { return };
        let target = instance.addr.ip.map(|ip| SocketAddr::new(ip, instance.addr.port));
        let pause = self.pause(slot, first);
        let Some(link) = self.links.get_mut(&slot) else { return };
        link.next_attempt = now + pause;
        let Some(to) = target else {
            // Not resolved: the attempt has failed, and the clock of down-after runs.
            link.failures = link.failures.saturating_add(1);
            link.act_ping.get_or_insert(now);
            return;
        };
        let mut wanted = Vec::new();
        if matches!(link.command, Connection::Down) {
            wanted.push(Channel::Command);
        }
        if link.wants_pubsub() && matches!(link.pubsub, Connection::Down) {
            wanted.push(Channel::Pubsub);
        }
        for channel in wanted {
            let id = LinkId::next(&mut self.counters.link);
            self.routes.insert(id, (slot, channel == Channel::Pubsub));
            let Some(link) = self.links.get_mut(&slot) else { return };
            let connection = Connection::Connecting { link: id, since: now };
            match channel {
                Channel::Command => {
                    link.command = connection;
                    link.act_ping.get_or_insert(now);
                }
                Channel::Pubsub => link.pubsub = connection,
            }
            self.outputs.push_back(Output::Connect { link: id, to });
        }
    }

    /// The pause before the attempt after the next.
    fn pause(&self, slot: SlotId, first: InstanceId) -> Millis {
        let longest = match first {
            InstanceId::Replica(master, replica)
                if self.masters[&master].replicas.get(&replica).is_some_and(|r| r.is_returning(self.now)) =>
            {
                DEPOSED_PAUSE
            }
            _ => self.periods.ping.min(self.down_after(first)),
        };
        let failures = self.links.get(&slot).map_or(0, |link| link.failures.min(16));
        FIRST_PAUSE.times(1 << failures).min(longest).max(Millis(10))
    }

    /// A connection is established.
    pub(crate) fn on_link_up(&mut self, id: LinkId, local: IpAddr) {
        let Some((slot, is_pubsub)) = self.routes.get(&id).copied() else { return };
        let now = self.now;
        let limits = ReplyLimits {
            bulk_len_max: if is_pubsub { 1 << 20 } else { 16 << 20 },
            ..ReplyLimits::default()
        };
        let Some(link) = self.links.get_mut(&slot) else { return };
        let up = Connection::Up { link: id, since: now, local, decoder: ReplyDecoder::with_limits(limits) };
        let Some(first) = link.users.first().copied() else { return };
        if is_pubsub {
            link.pubsub = up;
            link.subscribed_at = None;
            link.unheard_since = None;
            link.pubsub_greetings = 0;
            self.greet(slot, first, Channel::Pubsub);
            let subscribe = self.encode(first, &["SUBSCRIBE", hello::CHANNEL]);
            self.send_on(slot, Channel::Pubsub, subscribe);
        } else {
            link.command = up;
            link.pending.clear();
            self.greet(slot, first, Channel::Command);
            self.send_ping(slot, first);
            let users = self.links.get(&slot).map(|link| link.users.clone()).unwrap_or_default();
            for user in users {
                self.send_info(user);
                if let Some(instance) = self.instance_mut(user) {
                    // Whoever listens there gets to know us at once.
                    instance.pub_sent = None;
                    instance.pub_forced = true;
                }
                self.touch(Timer::Instance(user));
                self.touch(Timer::Instance(InstanceId::Master(user.master())));
            }
        }
        self.touch(Timer::Link(slot));
    }

    /// AUTH, where there are credentials, and CLIENT SETNAME. Failures show as bad PING replies.
    fn greet(&mut self, slot: SlotId, first: InstanceId, channel: Channel) {
        let (user, pass) = match first {
            InstanceId::Peer(..) => match (&self.settings.sentinel_pass, &self.settings.requirepass) {
                (Some(pass), _) => (self.settings.sentinel_user.clone(), Some(pass.clone())),
                (None, own) => (None, own.clone()),
            },
            InstanceId::Master(id) | InstanceId::Replica(id, _) => {
                let settings = &self.masters[&id].settings;
                (settings.auth_user.clone(), settings.auth_pass.clone())
            }
        };
        if let Some(pass) = pass {
            let name = self.command_name(first, "AUTH");
            let mut args: Vec<&[u8]> = alloc::vec![name.as_bytes()];
            if let Some(user) = &user {
                args.push(user.as_bytes());
            }
            args.push(pass.expose());
            let bytes = Secret::new(picket_resp::command(&args).to_vec());
            if let Some(link) = self.connection_id(slot, channel) {
                self.outputs.push_back(Output::LinkSendSecret { link, bytes });
                self.await_ignored(slot, channel);
            }
        }
        let suffix = match channel {
            Channel::Command => "cmd",
            Channel::Pubsub => "pubsub",
        };
        let name = format!("sentinel-{}-{suffix}", &self.my_id[..8.min(self.my_id.len())]);
        let setname = self.encode(first, &["CLIENT", "SETNAME", &name]);
        self.send_on(slot, channel, setname);
        self.await_ignored(slot, channel);
    }

    fn await_ignored(&mut self, slot: SlotId, channel: Channel) {
        let Some(link) = self.links.get_mut(&slot) else { return };
        match channel {
            Channel::Command => link.pending.push_back(Pending::Ignored),
            Channel::Pubsub => link.pubsub_greetings += 1,
        }
    }

    fn connection_id(&self, slot: SlotId, channel: Channel) -> Option<LinkId> {
        let link = self.links.get(&slot)?;
        let connection = match channel {
            Channel::Command => &link.command,
            Channel::Pubsub => &link.pubsub,
        };
        connection.is_up().then(|| connection.id()).flatten()
    }

    fn send_on(&mut self, slot: SlotId, channel: Channel, bytes: Bytes) {
        if let Some(link) = self.connection_id(slot, channel) {
            self.outputs.push_back(Output::LinkSend { link, bytes });
        }
    }

    /// Sends a command to an instance, if there is a connection, and remembers what its reply is.
    pub(crate) fn send(&mut self, to: InstanceId, args: &[&str], pending: Pending) -> bool {
        let Some(slot) = self.instance(to).map(|instance| instance.slot) else { return false };
        if self.connection_id(slot, Channel::Command).is_none() {
            return false;
        }
        let bytes = self.encode(to, args);
        self.send_on(slot, Channel::Command, bytes);
        if let Some(link) = self.links.get_mut(&slot) {
            link.pending.push_back(pending);
        }
        true
    }

    /// Sends a command that gets no answer, or perhaps a refusal; one at a time, so that it is plain what a refusal
    /// refuses.
    pub(crate) fn send_unanswered(&mut self, to: InstanceId, args: &[&str]) {
        let Some(slot) = self.instance(to).map(|instance| instance.slot) else { return };
        let is_word = |pending: &Pending| matches!(pending, Pending::Word { .. });
        if self.links.get(&slot).is_some_and(|link| link.pending.iter().any(is_word)) {
            return;
        }
        let bytes = self.encode(to, args);
        self.send_on(slot, Channel::Command, bytes);
        let word = alloc::format!("{}-{}", self.my_id, self.now.0);
        self.send(to, &["PING", &word], Pending::Word { word: word.clone(), answered: false });
    }

    /// The name under which the servers of this instance's master know a command.
    pub(crate) fn command_name<'a>(&'a self, to: InstanceId, command: &'a str) -> &'a str {
        let renamed = self.masters.get(&to.master()).and_then(|m| m.settings.renamed_commands.get(command));
        renamed.map_or(command, String::as_str)
    }

    fn encode(&self, to: InstanceId, args: &[&str]) -> Bytes {
        let name = self.command_name(to, args[0]);
        if args == ["PING"] && name == "PING" {
            return Bytes::from_static(b"*1\r\n$4\r\nPING\r\n");
        }
        picket_resp::command(core::iter::once(name).chain(args[1..].iter().copied()))
    }

    fn send_ping(&mut self, slot: SlotId, first: InstanceId) {
        let now = self.now;
        if self.send(first, &["PING"], Pending::Ping(now))
            && let Some(link) = self.links.get_mut(&slot)
        {
            link.last_ping_sent = Some(now);
            link.act_ping.get_or_insert(now);
            let users = link.users.len();
            // What is due about now goes out with it.
            for place in 0..users {
                let user = self.links.get(&slot).and_then(|link| link.users.get(place).copied());
                user.into_iter().for_each(|user| self.touch(Timer::Instance(user)));
            }
        }
    }

    /// A connection failed or ended, says the host.
    pub(crate) fn on_link_down(&mut self, id: LinkId, reason: &str) {
        let Some((slot, is_pubsub)) = self.routes.remove(&id) else { return };
        self.forget_connection(slot, if is_pubsub { Channel::Pubsub } else { Channel::Command }, reason);
    }

    /// Closes a connection from our side.
    pub(crate) fn close_connection(&mut self, slot: SlotId, channel: Channel, reason: &str) {
        let Some(link) = self.links.get(&slot) else { return };
        let connection = match channel {
            Channel::Command => &link.command,
            Channel::Pubsub => &link.pubsub,
        };
        let Some(id) = connection.id() else { return };
        self.routes.remove(&id);
        self.outputs.push_back(Output::LinkClose { link: id });
        self.forget_connection(slot, channel, reason);
    }

    /// What follows from a connection's end, whoever ended it.
    fn forget_connection(&mut self, slot: SlotId, channel: Channel, reason: &str) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&slot) else { return };
        let connection = match channel {
            Channel::Command => core::mem::take(&mut link.command),
            Channel::Pubsub => core::mem::take(&mut link.pubsub),
        };
        let lasted = match connection {
            Connection::Down => return,
            Connection::Connecting { .. } => Millis(0),
            Connection::Up { since, .. } => now.since(since),
        };
        let users = link.users.clone();
        let Some(first) = users.first().copied() else { return };
        if channel == Channel::Command {
            link.pending.clear();
            link.act_ping.get_or_insert(now);
            link.trouble = Some(reason.to_string());
        }
        if channel == Channel::Pubsub {
            self.note_listening(slot);
        }
        let Some(link) = self.links.get_mut(&slot) else { return };
        if lasted >= STABLE {
            link.failures = 0;
            link.next_attempt = now;
        } else {
            link.failures = link.failures.saturating_add(1);
            let pause = self.pause(slot, first);
            if let Some(link) = self.links.get_mut(&slot) {
                link.next_attempt = now + pause;
            }
        }
        let instance = self.instance_ref(first);
        let reason = reason.to_string();
        self.emit(match channel {
            Channel::Command => Event::CommandLinkDown { instance, reason },
            Channel::Pubsub => Event::PubsubLinkDown { instance, reason },
        });
        for user in users {
            if channel == Channel::Command {
                self.forget_pending(user);
            }
            if lasted > Millis(0) && !matches!(user, InstanceId::Replica(..)) {
                self.unsettle(user.master());
            }
            self.touch(Timer::Instance(user));
            self.touch(Timer::Instance(InstanceId::Master(user.master())));
        }
        self.touch(Timer::Link(slot));
    }

    /// No answer that was awaited from this instance will come.
    fn forget_pending(&mut self, id: InstanceId) {
        if let Some(server) = self.server_mut(id) {
            server.info_pending = false;
        }
        if let Some(instance) = self.instance_mut(id) {
            instance.pub_sent = None;
        }
        if let InstanceId::Peer(master, peer_id) = id
            && let Some(master) = self.masters.get_mut(&master)
            && let Some(peer) = master.peers.get_mut(&peer_id)
        {
            let was_asked = core::mem::take(&mut peer.ask_pending);
            // A vote that was asked for is asked for again as soon as there is a connection: it is not waited for long.
            peer.ask_forced |= was_asked && master.failover.awaits_vote_of(peer_id);
        }
    }

    /// Ends both connections of a link; it is dialled again at once.
    pub(crate) fn redial(&mut self, slot: SlotId, reason: &str) {
        self.close_connection(slot, Channel::Command, reason);
        self.close_connection(slot, Channel::Pubsub, reason);
        if let Some(link) = self.links.get_mut(&slot) {
            link.failures = 0;
            link.next_attempt = self.now;
        }
        self.touch(Timer::Link(slot));
    }

    /// Ends both connections of a link for good.
    pub(crate) fn abandon(&mut self, slot: SlotId) {
        let Some(link) = self.links.remove(&slot) else { return };
        for id in [link.command.id(), link.pubsub.id()].into_iter().flatten() {
            self.routes.remove(&id);
            self.outputs.push_back(Output::LinkClose { link: id });
        }
        self.timers.set(Timer::Link(slot), None);
    }

    /// Our side's IP of the command connection to an instance.
    pub(crate) fn local_ip(&self, instance: &Instance) -> Option<IpAddr> {
        match self.links.get(&instance.slot)?.command {
            Connection::Up { local, .. } => Some(local),
            Connection::Down | Connection::Connecting { .. } => None,
        }
    }
}
