//! Listening in on the connections that Sentinels open: which request each reply answers.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder, RequestBuffer};

use crate::ids::{ConnId, NodeKind, Side};
use crate::invariants::Observation;
use crate::transcript::Detail;
use crate::world::World;

/// What has been heard on one connection. Decoding ends where a side talks nonsense.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    requests: RequestBuffer,
    /// Requests whose replies have not been sent; only to Sentinels.
    unsent: VecDeque<Vec<Bytes>>,
    /// Requests whose replies have not arrived.
    unheard: VecDeque<Vec<Bytes>>,
    /// It subscribes: what it gets from now on answers nothing, and is most of what passes in a large world.
    is_deaf: bool,
    /// Replies as they leave; only of Sentinels.
    leaving: ReplyDecoder,
    /// Replies as they arrive.
    arriving: ReplyDecoder,
}

impl Tap {
    fn new() -> Self {
        let mut requests = RequestBuffer::new();
        requests.set_authenticated(true);
        Self {
            requests,
            unsent: VecDeque::new(),
            unheard: VecDeque::new(),
            is_deaf: false,
            leaving: ReplyDecoder::new(),
            arriving: ReplyDecoder::new(),
        }
    }
}

impl World {
    /// Bytes were sent by one side.
    pub(crate) fn tap_sent(&mut self, id: ConnId, from: Side, bytes: &Bytes) {
        let Some((dialler, listener)) = self.ends(id) else { return };
        if self.kind(dialler) != NodeKind::Sentinel {
            return;
        }
        let listener_is_sentinel = self.kind(listener) == NodeKind::Sentinel;
        let is_watched = self.detail > Detail::Nothing;
        let tap = self.taps.entry(id).or_insert_with(Tap::new);
        match from {
            Side::Dialler => {
                tap.requests.extend(bytes);
                let mut requests = Vec::new();
                while let Ok(Some(request)) = tap.requests.next_owned() {
                    let args = request.into_args();
                    tap.is_deaf |= !is_watched && args[0].eq_ignore_ascii_case(b"SUBSCRIBE");
                    tap.unheard.push_back(args.clone());
                    if listener_is_sentinel {
                        tap.unsent.push_back(args.clone());
                    }
                    requests.push(args);
                }
                if self.hears_messages() {
                    for args in requests {
                        let text = format!("-> {} {}", self.name(listener), show_request(&args));
                        self.message(dialler, &text);
                    }
                }
            }
            Side::Listener if listener_is_sentinel => {
                tap.leaving.extend(bytes);
                let mut replies = Vec::new();
                while let Ok(Some(reply)) = tap.leaving.next() {
                    replies.push((tap.unsent.pop_front(), reply));
                }
                for (request, reply) in replies {
                    if let Some(request) = request {
                        self.observe(Observation::Answered {
                            by: listener,
                            request: &request,
                            reply: &reply,
                        });
                    }
                }
            }
            Side::Listener => {}
        }
    }

    /// Bytes arrived at one side.
    pub(crate) fn tap_arrived(&mut self, id: ConnId, to: Side, bytes: &Bytes) {
        if to == Side::Listener {
            return;
        }
        let Some((dialler, listener)) = self.ends(id) else { return };
        let Some(tap) = self.taps.get_mut(&id).filter(|tap| !tap.is_deaf) else { return };
        tap.arriving.extend(bytes);
        let mut replies = Vec::new();
        while let Ok(Some(reply)) = tap.arriving.next() {
            replies.push((tap.unheard.pop_front(), reply));
        }
        for (request, reply) in replies {
            if self.hears_messages() {
                let text = format!("<- {} {}", self.name(listener), show_reply(&reply));
                self.message(dialler, &text);
            }
            let request = request.unwrap_or_default();
            self.observe(Observation::Heard {
                at: dialler,
                from: listener,
                request: &request,
                reply: &reply,
            });
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
