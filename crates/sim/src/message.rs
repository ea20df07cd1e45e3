//! Messages as people see them: from whom to whom, when, and what they say.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_resp::{ReplyDecoder, RequestBuffer};
use picket_sansio::{Millis, Time};

use crate::change::Change;
use crate::ids::{NodeId, NodeKind};
use crate::script::ActionError;
use crate::tap::{show_reply, show_request};
use crate::transcript::Detail;
use crate::world::World;

/// So many messages are remembered at least: more than anybody scrolls through, and what a long run takes is bounded.
const ARRIVALS_KEPT: usize = 8_192;
/// Texts are cut behind so many characters.
const TEXT_LEN_MAX: usize = 400;

/// A segment that was sent. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(pub u64);

/// A message. What it says is worked out when somebody asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// When it was sent.
    pub sent: Time,
    /// When it arrives, or did; none while it waits for a wire or a machine.
    pub arrives: Option<Time>,
    /// How often it is lost on its way, and sent again.
    pub lost: u32,
    speech: Speech,
    bytes: Bytes,
}

/// What the bytes of a message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Commands,
    Replies,
    /// What a master sends a replica: replies, a snapshot in pieces, commands.
    Stream,
}

impl Message {
    /// What it says, in one line. Passwords are not shown.
    #[must_use]
    pub fn text(&self) -> String {
        let len = self.bytes.len();
        let commands = if self.speech == Speech::Replies { None } else { describe_commands(&self.bytes) };
        let mut text = match commands.or_else(|| describe_replies(&self.bytes)) {
            Some(text) => text,
            None if self.speech == Speech::Stream => format!("snapshot, {len} bytes"),
            None => format!("({len} bytes)"),
        };
        if let Some((at, _)) = text.char_indices().nth(TEXT_LEN_MAX) {
            text.truncate(at);
            text.push('…');
        }
        text
    }
}

// Its bytes may be a password.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, from, to, sent, arrives, lost, .. } = self;
        write!(f, "{id} {from} -> {to} at {sent}, arrives {arrives:?}, lost {lost}: {}", self.text())
    }
}

/// Which way along a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From who dialled.
    There,
    /// To who dialled.
    Back,
}

/// A segment with its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) id: MessageId,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) way: Way,
    pub(crate) sent: Time,
    pub(crate) bytes: Bytes,
    pub(crate) lost: u32,
}

/// A segment that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    at: Time,
    passage: Passage,
}

impl World {
    pub(crate) fn note_arrival(&mut self, passage: Passage) {
        if self.detail >= Detail::Arrivals {
            self.passages.push_recent(Arrived { at: self.now, passage }, ARRIVALS_KEPT);
        }
    }

    /// The messages that arrived from `since` on, the oldest first; known from the detail
    /// [`Arrivals`](crate::Detail::Arrivals) on. Only the last some thousand are remembered: whoever wants older ones
    /// goes back to their time.
    pub fn arrived(&self, since: Time) -> impl DoubleEndedIterator<Item = Message> {
        let from = self.passages.partition_point(|arrived| arrived.at < since);
        self.passages.iter_from(from).map(|arrived| self.message_of(&arrived.passage, Some(arrived.at)))
    }

    pub(crate) fn message_of(&self, passage: &Passage, arrives: Option<Time>) -> Message {
        let is_stream =
            self.kind(passage.from) == NodeKind::Server && self.kind(passage.to) == NodeKind::Server;
        Message {
            id: passage.id,
            from: passage.from,
            to: passage.to,
            sent: passage.sent,
            arrives,
            lost: passage.lost,
            speech: match passage.way {
                Way::There => Speech::Commands,
                Way::Back if is_stream => Speech::Stream,
                Way::Back => Speech::Replies,
            },
            bytes: passage.bytes.clone(),
        }
    }

    /// Lets a message arrive later; what follows it on its connection waits for it.
    ///
    /// # Errors
    /// If no such message is on its way.
    pub fn delay(&mut self, message: u64, by: Millis) -> Result<(), ActionError> {
        self.hold_back(MessageId(message), by).ok_or(ActionError::NoMessage(message))?;
        self.remark(Change::Delayed(message, by));
        Ok(())
    }

    /// Loses a message; TCP sends it again after its time-out.
    ///
    /// # Errors
    /// If no such message is on its way.
    pub fn lose(&mut self, message: u64) -> Result<(), ActionError> {
        let after = self.lose_once(MessageId(message)).ok_or(ActionError::NoMessage(message))?;
        self.remark(Change::Lost(message, after));
        Ok(())
    }
}

/// The commands in it; none if there are only parts of one, or something else.
fn describe_commands(bytes: &Bytes) -> Option<String> {
    if bytes.first() != Some(&b'*') {
        return None;
    }
    let mut requests = RequestBuffer::new();
    requests.set_authenticated(true);
    requests.extend(bytes);
    let mut texts = Vec::new();
    while let Ok(Some(request)) = requests.next_owned() {
        texts.push(show_request(&request.into_args()));
    }
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The replies in it.
fn describe_replies(bytes: &Bytes) -> Option<String> {
    match bytes.first() {
        Some(b'\n') => return Some("(a newline: still there)".to_string()),
        Some(b'$') if bytes.starts_with(b"$EOF:") => return Some(format!("snapshot, {} bytes", bytes.len())),
        // The header of a snapshot is a bulk string without its end.
        Some(b'$') => {
            let header = bytes[1..].split(|byte| *byte == b'\r').next().unwrap_or_default();
            let len: Option<usize> = core::str::from_utf8(header).ok().and_then(|text| text.parse().ok());
            if let Some(len) = len
                && bytes
                    .get(header.len() + 3..)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"REDIS"))
            {
                return Some(format!("snapshot of {len} bytes"));
            }
        }
        Some(b'+' | b'-' | b':' | b'*' | b'_' | b'%' | b'~' | b'>' | b'#' | b',') => {}
        _ => return None,
    }
    let mut decoder = ReplyDecoder::new();
    decoder.extend(bytes);
    let mut texts = Vec::new();
    while let Ok(Some(reply)) = decoder.next() {
        texts.push(show_reply(&reply));
    }
    (!texts.is_empty()).then(|| texts.join("; "))
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
