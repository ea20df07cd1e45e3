//! The sequence diagram: who told whom what in the last moments, and what happened meanwhile.
//!
//! This file collects, [`draw()`] makes an SVG of it: the same text is shown on the page and saved as a file.

mod draw;

use picket_sansio::Time;
use picket_sim::{Message, MessageId, NodeId, NodeKind, Timeline, World};

use crate::i18n::Lang;
use crate::line::{Kind, Line};
use crate::picture::{Meaning, Picture, Topic};

pub use draw::{Look, draw};

/// Arrows that are drawn; the latest ones.
const ARROWS_MAX: usize = 60;
/// Notes that are drawn; the latest ones.
const NOTES_MAX: usize = 40;
/// Messages that are looked at, however few of them are wanted.
const SEARCHED_MAX: usize = 4_000;

/// What is wanted of the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// How far back, in microseconds.
    pub span_us: u64,
    /// Messages about these.
    topics: [bool; Topic::ALL.len()],
    /// Nodes that are left out.
    hidden: Vec<NodeId>,
}

impl Filter {
    /// Spans that can be chosen.
    pub const SPANS_US: [u64; 5] = [50_000, 200_000, 1_000_000, 2_000_000, 10_000_000];

    /// Whether messages about this are wanted.
    #[must_use]
    pub fn wants(&self, topic: Topic) -> bool {
        self.topics[place(topic)]
    }

    /// Whether this node is left out.
    #[must_use]
    pub fn hides(&self, node: NodeId) -> bool {
        self.hidden.contains(&node)
    }

    /// Turns a topic on or off.
    pub fn toggle_topic(&mut self, topic: Topic) {
        let wanted = &mut self.topics[place(topic)];
        *wanted = !*wanted;
    }

    /// Takes all nodes in again.
    pub fn show_all(&mut self) {
        self.hidden.clear();
    }

    /// Leaves a node out, or takes it in again.
    pub fn toggle_node(&mut self, node: NodeId) {
        if self.hides(node) {
            self.hidden.retain(|other| *other != node);
        } else {
            self.hidden.push(node);
        }
    }
}

impl Default for Filter {
    /// Everything but the regular questions after each other's health.
    fn default() -> Self {
        let topics = Topic::ALL.map(|topic| !matches!(topic, Topic::Watch | Topic::Hello));
        Self { span_us: 2_000_000, topics, hidden: Vec::new() }
    }
}

fn place(topic: Topic) -> usize {
    Topic::ALL.iter().position(|other| *other == topic).unwrap_or(0)
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sequence {
    /// Who takes part, in the order in which they stand.
    pub lines: Vec<Lifeline>,
    /// Messages in the order in which they were sent.
    pub arrows: Vec<Arrow>,
    /// What happened, in its order.
    pub notes: Vec<Note>,
    /// Older messages are left out because there are too many.
    pub is_cut: bool,
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifeline {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Its number.
    pub id: MessageId,
    /// The lifeline that it leaves.
    pub from: usize,
    /// The lifeline that it goes to.
    pub to: usize,
    /// When it was sent, counted from the beginning.
    pub sent_us: u64,
    /// When it arrived; none if it has not.
    pub arrived_us: Option<u64>,
    /// What it is about.
    pub topic: Topic,
    /// What it says.
    pub text: String,
    /// What that means, in the language of the page.
    pub label: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, counted from the beginning.
    pub at_us: u64,
    /// To whom; none for what concerns the world.
    pub line: Option<usize>,
    /// What sort of event.
    pub kind: Kind,
    /// What.
    pub text: String,
    /// The first words of it.
    pub label: String,
}

impl Sequence {
    /// The last moments of a world up to the one that the timeline looks at, of which this is the picture. `lines` is
    /// what happened lately.
    #[must_use]
    pub fn of(timeline: &Timeline, picture: &Picture, lines: &[Line], filter: &Filter, lang: Lang) -> Self {
        let (world, begin, now) = (timeline.world(), timeline.beginning(), timeline.now());
        let since = Time(now.0.saturating_sub(filter.span_us).max(begin.0));
        let is_wanted = |(message, text): &(Message, String)| {
            message.sent >= since
                && message.from != message.to
                && [message.from, message.to]
                    .into_iter()
                    .all(|end| world.kind(end) != NodeKind::Console && !filter.hides(end))
                && filter.wants(topic_of(world, message, text))
        };
        let waiting = world.in_flight().into_iter().rev();
        let arrived = world.arrived(since).rev();
        let told = waiting.chain(arrived).take(SEARCHED_MAX).map(|message| {
            let text = message.text();
            (message, text)
        });
        let mut messages: Vec<(Message, String)> = told.filter(is_wanted).take(ARROWS_MAX + 1).collect();
        let is_cut = messages.len() > ARROWS_MAX;
        messages.truncate(ARROWS_MAX);
        messages.sort_by_key(|(message, _)| (message.sent, message.id));
        let first_us = if is_cut { messages.first().map(|(first, _)| first.sent.0 - begin.0) } else { None };
        let from_us = first_us.unwrap_or(since.0 - begin.0);
        let noted: Vec<&Line> = lines
            .iter()
            .filter(|line| line.at_us >= from_us && line.kind != Kind::Other)
            .filter(|line| line.node.is_none_or(|node| !filter.hides(node)))
            .collect();
        let noted = &noted[noted.len().saturating_sub(NOTES_MAX)..];
        let concerned = |id: &NodeId| {
            messages.iter().any(|(message, _)| message.from == *id || message.to == *id)
                || noted.iter().any(|line| line.node == Some(*id))
        };
        let mut all: Vec<Lifeline> = world
            .nodes()
            .filter(concerned)
            .map(|id| Lifeline { id, name: world.name(id).to_owned(), kind: world.kind(id) })
            .collect();
        // Clients, data nodes, Sentinels: the ways are short like that.
        all.sort_by_key(|line| match line.kind {
            NodeKind::Writer | NodeKind::Console => 0,
            NodeKind::Server => 1,
            NodeKind::Sentinel => 2,
        });
        let line_of = |id: NodeId| all.iter().position(|line| line.id == id);
        let arrow = |(message, text): &(Message, String)| {
            Some(Arrow {
                id: message.id,
                from: line_of(message.from)?,
                to: line_of(message.to)?,
                sent_us: message.sent.0.saturating_sub(begin.0),
                arrived_us: message.arrives.filter(|at| *at <= now).map(|at| at.0.saturating_sub(begin.0)),
                topic: topic_of(world, message, text),
                label: lang.meaning(&Meaning::of(text, picture)),
                text: text.clone(),
            })
        };
        let note = |line: &&Line| Note {
            at_us: line.at_us,
            line: line.node.and_then(line_of),
            kind: line.kind,
            text: line.what.clone(),
            label: beginning(&line.what),
        };
        Self {
            arrows: messages.iter().filter_map(arrow).collect(),
            notes: noted.iter().map(note).collect(),
            lines: all,
            is_cut,
        }
    }
}

/// The words that say what happened, without addresses.
fn beginning(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let len = match words.get(1) {
        Some(&("master" | "slave" | "sentinel")) => 2,
        _ => 4,
    };
    words[..words.len().min(len)].join(" ")
}

/// What a message is about; what replicas and masters say only to show that they are there is noise too.
fn topic_of(world: &World, message: &Message, text: &str) -> Topic {
    match Topic::of(world.kind(message.from), world.kind(message.to), text) {
        Topic::Stream
            if text == "PING"
                || text.starts_with("REPLCONF ACK")
                || text.starts_with("REPLCONF GETACK")
                || text.starts_with("(a newline") =>
        {
            Topic::Watch
        }
        topic => topic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Speed};
    use crate::picture::tests::engine;

    pub(super) fn sequence(engine: &Engine, filter: &Filter) -> Sequence {
        let now = engine.timeline().now();
        let picture = Picture::of(engine.world(), now, now);
        Sequence::of(engine.timeline(), &picture, &engine.lines(200), filter, Lang::En)
    }

    pub(super) fn failover() -> Engine {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        engine.set_speed(Speed::REAL);
        engine.set_playing(true);
        let is_over = |engine: &Engine| engine.marks().iter().any(|mark| mark.kind == Kind::Switch);
        for _ in 0..2_000 {
            engine.tick(1_000, |_| false);
            if is_over(&engine) {
                return engine;
            }
        }
        panic!("no failover: {:?}", engine.lines(20));
    }

    #[test]
    fn a_failover_is_told_by_its_votes_orders_and_events() {
        let engine = failover();
        let found = sequence(&engine, &Filter::default());
        let has = |topic: Topic, word: &str| {
            found.arrows.iter().any(|arrow| arrow.topic == topic && arrow.text.contains(word))
        };
        assert!(
            has(Topic::Vote, "is-master-down-by-addr") || has(Topic::Vote, "IS-MASTER-DOWN-BY-ADDR"),
            "{found:#?}"
        );
        assert!(has(Topic::Order, "SLAVEOF"), "{found:#?}");
        assert!(found.arrows.iter().all(|arrow| arrow.topic != Topic::Watch && arrow.from != arrow.to));
        assert!(found.notes.iter().any(|note| note.kind == Kind::Odown && note.line.is_some()));
        assert!(found.notes.iter().any(|note| note.label == "+odown master"), "{found:#?}");
        assert!(found.arrows.iter().any(|arrow| arrow.label.starts_with("my vote: sentinel-")), "{found:#?}");
        assert!(found.arrows.is_sorted_by_key(|arrow| arrow.sent_us));
        let names: Vec<&str> = found.lines.iter().map(|line| line.name.as_str()).collect();
        assert!(names.contains(&"sentinel-1") && names.contains(&"redis-1"), "{names:?}");
    }

    #[test]
    fn filters_leave_out_and_take_in() {
        let engine = failover();
        let mut filter = Filter::default();
        let all = sequence(&engine, &filter);
        let hidden = all.lines.last().expect("somebody takes part").id;
        filter.toggle_node(hidden);
        assert!(sequence(&engine, &filter).lines.iter().all(|line| line.id != hidden));
        filter.toggle_node(hidden);
        assert_eq!(sequence(&engine, &filter), all);
        filter.toggle_topic(Topic::Watch);
        let noisy = sequence(&engine, &filter);
        assert!(noisy.is_cut && noisy.arrows.len() == ARROWS_MAX);
        assert!(noisy.arrows.iter().any(|arrow| arrow.topic == Topic::Watch));
        Topic::ALL
            .into_iter()
            .filter(|topic| filter.wants(*topic))
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|topic| filter.toggle_topic(topic));
        assert_eq!(sequence(&engine, &filter).arrows, []);
    }

    #[test]
    fn a_message_that_cannot_arrive_has_no_end() {
        let mut engine = engine();
        engine.set_playing(true);
        engine.tick(100_000, |_| false);
        engine.inject("cut writer-1 -> redis-1").expect("it can be cut");
        engine.tick(100_000, |_| false);
        let found = sequence(&engine, &Filter::default());
        assert!(found.arrows.iter().any(|arrow| arrow.arrived_us.is_none()), "{found:#?}");
    }
}
