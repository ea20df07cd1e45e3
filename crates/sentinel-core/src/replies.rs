//! What arrives over the links: telling which reply answers what, PING replies, hello messages.
//!
//! Mirrors `sentinel.c: sentinelPingReplyCallback`, `sentinelReceiveHelloMessages`.

use alloc::string::{String, ToString};

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::{LinkId, Time};

use crate::event::Event;
use crate::gossip::Over;
use crate::ids::{InstanceId, SlotId};
use crate::link::{Channel, Connection, Pending};
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// How much of a refusal is kept, in bytes.
const TROUBLE_MAX: usize = 128;

/// What a reply answers that arrives while a [`Pending::Word`] is the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// The command before the PING.
    Command,
    /// The PING.
    Ping,
    /// What was sent after the PING, which was answered already.
    Next,
}

/// Tells which of the two a reply answers. The command is answered at most once, the PING exactly once, with its word
/// or with a refusal: so of two replies without the word the second is the PING's, and if it is no refusal, then the
/// first was. `answered`: there was one already.
fn behind_word(word: &str, answered: bool, reply: &Reply) -> Behind {
    if reply.as_bytes().is_some_and(|text| text.as_ref() == word.as_bytes()) {
        return Behind::Ping;
    }
    match reply {
        // REPLCONF is never refused for these reasons.
        Reply::Error(text) if PING_REFUSALS.iter().any(|code| text.starts_with(code)) => Behind::Ping,
        Reply::Error(_) if answered => Behind::Ping,
        _ if answered => Behind::Next,
        _ => Behind::Command,
    }
}

/// Why a server that can be reached refuses PING.
const PING_REFUSALS: [&[u8]; 4] = [b"MASTERDOWN", b"LOADING", b"BUSY", b"MISCONF"];

impl Sentinel {
    /// Bytes arrived.
    pub(crate) fn on_link_data(&mut self, id: LinkId, bytes: Bytes) {
        let Some((slot, is_pubsub)) = self.routes.get(&id).copied() else { return };
        let channel = if is_pubsub { Channel::Pubsub } else { Channel::Command };
        let Some(mut decoder) = self.decoder(slot, channel).map(core::mem::take) else { return };
        decoder.extend_from(bytes);
        loop {
            match decoder.next() {
                Ok(Some(reply)) if is_pubsub => self.on_pubsub_reply(slot, &reply),
                Ok(Some(reply)) => self.on_command_reply(slot, reply),
                Ok(None) => break,
                Err(error) => return self.distrust(slot, channel, &error.to_string()),
            }
            // A reply can close or move the very link it came on.
            if !self.routes.contains_key(&id) {
                return;
            }
        }
        if let Some(place) = self.decoder(slot, channel) {
            *place = decoder;
        }
    }

    fn decoder(&mut self, slot: SlotId, channel: Channel) -> Option<&mut ReplyDecoder> {
        let link = self.links.get_mut(&slot)?;
        let connection = match channel {
            Channel::Command => &mut link.command,
            Channel::Pubsub => &mut link.pubsub,
        };
        match connection {
            Connection::Up { decoder, .. } => Some(decoder),
            Connection::Down | Connection::Connecting { .. } => None,
        }
    }

    /// Closes a connection whose peer makes no sense.
    fn distrust(&mut self, slot: SlotId, channel: Channel, reason: &str) {
        let first = self.links.get(&slot).and_then(|link| link.users.first().copied());
        if let Some(first) = first {
            let told = self.links.get(&slot).and_then(|link| link.last_failure.as_deref()) == Some(reason);
            if !told {
                let instance = self.instance_ref(first);
                self.emit(Event::Garbage { instance, reason: reason.to_string() });
            }
            if let Some(link) = self.links.get_mut(&slot) {
                link.last_failure = Some(reason.to_string());
            }
        }
        self.close_connection(slot, channel, reason);
    }

    fn on_command_reply(&mut self, slot: SlotId, reply: Reply) {
        if matches!(reply, Reply::Push(_)) {
            return;
        }
        let Some(link) = self.links.get_mut(&slot) else { return };
        if let Some(Pending::Word { word, answered }) = link.pending.front_mut() {
            let before = core::mem::replace(answered, true);
            match behind_word(word, before, &reply) {
                Behind::Command => return,
                Behind::Ping => {
                    link.pending.pop_front();
                    return;
                }
                Behind::Next => link.pending.pop_front(),
            };
        }
        let Some(pending) = link.pending.pop_front() else {
            self.distrust(slot, Channel::Command, "a reply that nothing was asked for");
            return;
        };
        match pending {
            Pending::Ignored | Pending::Word { .. } => (),
            Pending::Ping(sent) => self.on_ping_reply(slot, sent, &reply),
            Pending::Info(id) => self.on_info_reply(id, reply),
            Pending::Hello(id) => self.on_hello_reply(id, &reply),
            Pending::Ask(id, about, epoch) => self.on_ask_reply(id, about, epoch, &reply),
            Pending::Reconfigured(id) => self.on_reconfigured(id, &reply),
            Pending::Handover(id, epoch, what) => self.on_handover_reply(id, epoch, what, &reply),
        }
    }

    fn on_ping_reply(&mut self, slot: SlotId, sent: Time, reply: &Reply) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&slot) else { return };
        link.last_pong = now;
        link.note_round_trip(sent, now);
        let text: &[u8] = match reply {
            Reply::Simple(text) | Reply::Error(text) => text.as_ref(),
            _ => b"",
        };
        let acceptable = [&b"PONG"[..], b"LOADING", b"MASTERDOWN"].iter().any(|word| text.starts_with(word));
        if acceptable {
            link.last_avail = now;
            link.act_ping = None;
            link.failures = 0;
            link.last_failure = None;
            link.trouble = None;
        } else {
            link.trouble = Some(text[..text.len().min(TROUBLE_MAX)].escape_ascii().to_string());
        }
        let busy = text.starts_with(b"BUSY");
        let ready = text.starts_with(b"PONG");
        // A Sentinel that watches many masters with us is many instances on one link.
        let mut place = 0;
        while let Some(user) = self.links.get(&slot).and_then(|link| link.users.get(place).copied()) {
            place += 1;
            if busy {
                self.kill_script_of(user);
            }
            let rebooted =
                ready && self.server_mut(user).is_some_and(|server| server.reboot_at.take().is_some());
            // While all is well this changes no more than when to look again, which `run_subjectively_down` knows.
            if rebooted || !acceptable || self.instance(user).is_some_and(|instance| instance.s_down) {
                self.touch(Timer::Instance(user));
            }
        }
        self.touch(Timer::Link(slot));
    }

    /// A server that is down because a script keeps it busy gets one SCRIPT KILL.
    fn kill_script_of(&mut self, id: InstanceId) {
        let due = self.server(id).is_some_and(|server| server.instance.s_down && !server.script_kill_sent);
        if due
            && self.send(id, &["SCRIPT", "KILL"], Pending::Ignored)
            && let Some(server) = self.server_mut(id)
        {
            server.script_kill_sent = true;
        }
    }

    fn on_pubsub_reply(&mut self, slot: SlotId, reply: &Reply) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&slot) else { return };
        if link.pubsub_greetings > 0 {
            // AUTH and CLIENT SETNAME may fail, as when AUTH is sent where no password is set.
            link.pubsub_greetings -= 1;
            return;
        }
        match reply {
            Reply::Error(text) if link.subscribed_at.is_none() => {
                let reason = String::from_utf8_lossy(text.as_ref()).into_owned();
                self.close_connection(slot, Channel::Pubsub, &reason);
            }
            Reply::Array(items) | Reply::Push(items) => {
                link.unheard_since = None;
                let word = items.first().and_then(Reply::as_bytes).map(AsRef::as_ref);
                match (word, &items[..]) {
                    (Some(b"subscribe"), _) => {
                        link.subscribed_at = Some(now);
                        let users = link.users.clone();
                        for user in users {
                            // Others that hear of us there tell more; a newcomer counts from then on.
                            let is_new = self.masters.get(&user.master()).is_some_and(|at| !at.has_listened);
                            if let Some(instance) = self.instance_mut(user).filter(|_| is_new) {
                                instance.pub_forced = true;
                            }
                            self.touch(Timer::Instance(user));
                            // It may wait to be listened to.
                            self.touch(Timer::Instance(InstanceId::Master(user.master())));
                        }
                        self.touch(Timer::Link(slot));
                    }
                    (Some(b"message"), [_, _, Reply::Bulk(payload)]) => {
                        if let Some(server) = link.users.first().copied() {
                            self.handle_hello(payload, Over::Channel(server));
                        }
                    }
                    _ => (),
                }
            }
            _ => (),
        }
    }
}
