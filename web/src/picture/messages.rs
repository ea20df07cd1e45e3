//! Messages that are on their way at a moment, or have just arrived.

use std::rc::Rc;

use picket_sansio::Time;
use picket_sim::{Message, MessageId, NodeId, NodeKind, World};

/// Messages that are shown at once; the latest ones.
const MESSAGES_MAX: usize = 120;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Who is there: PING, INFO, ROLE and their replies.
    Watch,
    /// Sentinels tell each other what they know.
    Hello,
    /// Is the master down, and who shall lead?
    Vote,
    /// A Sentinel tells a data node what to be.
    Order,
    /// Replication: handshake, snapshot, stream.
    Stream,
    /// A client writes, or asks for the master.
    Write,
}

impl Topic {
    /// All of them, for legends.
    pub const ALL: [Self; 6] = [Self::Watch, Self::Hello, Self::Vote, Self::Order, Self::Stream, Self::Write];

    /// Its name in style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Hello => "hello",
            Self::Vote => "vote",
            Self::Order => "order",
            Self::Stream => "stream",
            Self::Write => "write",
        }
    }

    /// What a message between nodes of these kinds is about.
    #[must_use]
    pub fn of(from: NodeKind, to: NodeKind, text: &str) -> Self {
        let has = |word: &str| text.contains(word);
        match (from, to) {
            (NodeKind::Writer, _) | (_, NodeKind::Writer) => Self::Write,
            (NodeKind::Server, NodeKind::Server) => Self::Stream,
            (NodeKind::Sentinel, NodeKind::Sentinel) if has("PING") || has("PONG") => Self::Watch,
            (NodeKind::Sentinel, NodeKind::Sentinel)
                if has("hello") || has("PUBLISH") || text.starts_with(':') =>
            {
                Self::Hello
            }
            (NodeKind::Sentinel, NodeKind::Sentinel) => Self::Vote,
            _ if has("SLAVEOF") || has("REPLICAOF") || has("CONFIG REWRITE") => Self::Order,
            _ if has("__sentinel__:hello") => Self::Hello,
            _ => Self::Watch,
        }
    }
}

/// A message and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// Its number.
    pub id: MessageId,
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// What it says.
    pub text: Rc<str>,
    /// What it is about.
    pub topic: Topic,
    /// How far it has come, in thousandths; 1000 if it has arrived.
    pub progress: u32,
    /// It waits for a wire or a machine.
    pub is_stuck: bool,
}

/// What is `known` from a moment before, in the same branch of time, is not read again.
pub(super) fn messages(world: &World, now: Time, since: Time, known: &[Flight]) -> Vec<Flight> {
    let shown = |node: NodeId| world.kind(node) != NodeKind::Console;
    let arrived = world.arrived(since).rev().take(MESSAGES_MAX);
    let mut flights: Vec<Flight> = world
        .in_flight()
        .into_iter()
        .rev()
        .take(MESSAGES_MAX)
        .chain(arrived)
        .filter(|message| shown(message.from) && shown(message.to) && message.from != message.to)
        .map(|message| {
            let known = known.binary_search_by_key(&message.id, |flight| flight.id).ok().map(|at| &known[at]);
            Flight::of(world, now, &message, known)
        })
        .take(MESSAGES_MAX)
        .collect();
    flights.sort_by_key(|flight| flight.id);
    flights
}

impl Flight {
    fn of(world: &World, now: Time, message: &Message, known: Option<&Self>) -> Self {
        let progress = match message.arrives {
            None => 0,
            Some(arrives) if arrives <= now => 1_000,
            Some(arrives) => {
                let (gone, whole) =
                    (now.0.saturating_sub(message.sent.0), arrives.0.saturating_sub(message.sent.0));
                u32::try_from(gone.saturating_mul(1_000) / whole.max(1)).unwrap_or(1_000).min(1_000)
            }
        };
        let (text, topic) = match known {
            Some(known) => (known.text.clone(), known.topic),
            None => {
                let text = message.text();
                let topic = Topic::of(world.kind(message.from), world.kind(message.to), &text);
                (text.into(), topic)
            }
        };
        Self {
            id: message.id,
            from: message.from,
            to: message.to,
            topic,
            progress,
            is_stuck: message.arrives.is_none(),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Speed;
    use crate::picture::Picture;
    use crate::picture::tests::{engine, play_until};

    #[test]
    fn messages_are_seen_on_their_way() {
        let mut engine = engine();
        engine.set_speed(Speed::at(0));
        let flying = play_until(&mut engine, |picture| {
            picture
                .messages
                .iter()
                .any(|message| message.topic == Topic::Write && message.text.starts_with("SET"))
        });
        assert!(
            flying.messages.iter().all(|message| message.progress <= 1_000 && message.from != message.to)
        );
        let now = engine.timeline().now();
        let all = Picture::of(engine.world(), now, Time(now.0.saturating_sub(200_000))).messages;
        assert!(all.len() > flying.messages.len() && all.len() <= MESSAGES_MAX);
        assert!(all.iter().any(|message| message.progress == 1_000));
    }
}
