//! Listening in on the connections that Sentinels open: which request each reply answers. Everything is decoded once,
//! when it is sent.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder, Request, RequestBuffer};

use crate::ids::{ConnId, Side};
use crate::invariants::Observation;
use crate::world::World;

/// What has been heard on one connection. Decoding ends where a side talks nonsense.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    requests: RequestBuffer,
    /// What has not been answered.
    unanswered: VecDeque<Asked>,
    replies: ReplyDecoder,
    /// For each piece of bytes that is on its way to who asked: the replies that end in it and that matter there.
    on_their_way: VecDeque<Vec<Heard>>,
    /// It subscribes: what it gets from now on answers nothing, and is most of what passes in a large world.
    is_deaf: bool,
}

/// A request, as far as it matters to anybody.
#[derive(Clone, Debug)]
enum Asked {
    Ping,
    /// IS-MASTER-DOWN-BY-ADDR, which may ask for a vote.
    Opinion(Vec<Bytes>),
    Other,
}

/// A reply that matters when it arrives.
#[derive(Clone, Debug)]
struct Heard {
    is_to_ping: bool,
    reply: Reply,
}

impl Asked {
    fn of(request: &Request<'_>) -> Self {
        let is = |at: usize, word: &[u8]| request.get(at).is_some_and(|arg| arg.eq_ignore_ascii_case(word));
        if is(0, b"PING") {
            Self::Ping
        } else if is(1, b"IS-MASTER-DOWN-BY-ADDR") {
            Self::Opinion(request.iter().map(Bytes::copy_from_slice).collect())
        } else {
            Self::Other
        }
    }
}

impl Default for Tap {
    fn default() -> Self {
        let mut requests = RequestBuffer::new();
        requests.set_authenticated(true);
        Self {
            requests,
            unanswered: VecDeque::new(),
            replies: ReplyDecoder::new(),
            on_their_way: VecDeque::new(),
            is_deaf: false,
        }
    }
}

impl World {
    /// Bytes were sent by one side.
    pub(crate) fn tap_sent(&mut self, id: ConnId, from: Side, bytes: &Bytes) {
        let hears_messages = self.hears_messages();
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let (Some((dialler, listener)), Some(tap)) = (conn.ends(), &mut conn.tap) else { return };
        match from {
            _ if tap.is_deaf => {}
            Side::Dialler => {
                tap.requests.extend(bytes);
                let mut shown = Vec::new();
                while let Ok(Some(request)) = tap.requests.next() {
                    tap.unanswered.push_back(Asked::of(&request));
                    tap.is_deaf |= !hears_messages && request.arg(0).eq_ignore_ascii_case(b"SUBSCRIBE");
                    if hears_messages {
                        shown.push(show_request(request.to_owned().args()));
                    }
                }
                for request in shown {
                    let text = format!("-> {} {request}", self.name(listener));
                    self.message(dialler, &text);
                }
            }
            Side::Listener => {
                tap.replies.extend(bytes);
                let (mut heard, mut opinions) = (Vec::new(), Vec::new());
                while let Ok(Some(reply)) = tap.replies.next() {
                    let asked = tap.unanswered.pop_front().unwrap_or(Asked::Other);
                    let is_to_ping = matches!(asked, Asked::Ping);
                    if let Asked::Opinion(request) = asked {
                        opinions.push((request, reply.clone()));
                    }
                    if is_to_ping || hears_messages {
                        heard.push(Heard { is_to_ping, reply });
                    }
                }
                tap.on_their_way.push_back(heard);
                for (request, reply) in opinions {
                    let (request, reply) = (&request[..], &reply);
                    self.observe(Observation::Answered { by: listener, request, reply });
                }
            }
        }
    }

    /// A piece of bytes arrived at one side.
    pub(crate) fn tap_arrived(&mut self, id: ConnId, to: Side) {
        if to == Side::Listener {
            return;
        }
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let (Some((dialler, listener)), Some(tap)) = (conn.ends(), &mut conn.tap) else { return };
        let Some(heard) = tap.on_their_way.pop_front() else { return };
        for Heard { is_to_ping, reply } in heard {
            if self.hears_messages() {
                let text = format!("<- {} {}", self.name(listener), show_reply(&reply));
                self.message(dialler, &text);
            }
            if is_to_ping {
                self.observe(Observation::Ponged { at: dialler, from: listener, reply: &reply });
            }
        }
    }
}

/// A request in one line. Passwords are not shown.
pub(crate) fn show_request(args: &[Bytes]) -> String {
    if args.first().is_some_and(|name| name.eq_ignore_ascii_case(b"AUTH")) {
        return "AUTH ******".into();
    }
    let words: Vec<String> = args.iter().map(|arg| format!("{}", arg.escape_ascii())).collect();
    words.join(" ")
}

/// A reply in one line; long texts are cut.
pub(crate) fn show_reply(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) => format!("+{}", text.escape_ascii()),
        Reply::Error(text) => format!("-{}", text.escape_ascii()),
        Reply::Integer(value) => format!(":{value}"),
        Reply::Bulk(bytes) if bytes.len() > 120 => format!("({} bytes)", bytes.len()),
        Reply::Bulk(bytes) => format!("{}", bytes.escape_ascii()),
        Reply::Array(items) | Reply::Push(items) => {
            let items: Vec<String> = items.iter().map(show_reply).collect();
            format!("[{}]", items.join(", "))
        }
        other => format!("{other:?}"),
    }
}
