//! The console of a node: what was typed up to the moment that is looked at, and what came back.
//!
//! What is typed is a deed of the timeline, as `run redis-1 SET k v`: in the past it begins a branch, it is in a shared
//! link, and going back takes it back.

use std::borrow::Cow;

use picket_sim::{Action, Answer, NodeId, Timeline};

use crate::cli;

/// Exchanges that are shown; the latest ones.
const EXCHANGES_MAX: usize = 40;

/// What stands for several nodes in `run`.
const GROUPS: [&str; 3] = ["all", "redis", "sentinels"];

/// A command and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its number among those of this node.
    pub index: usize,
    /// When it was typed, counted from the beginning.
    pub at_us: u64,
    /// The command.
    pub line: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Raw bytes that followed the reply to a PSYNC.
    pub stream_bytes: u64,
}

impl Exchange {
    /// A snapshot or a stream followed, or would have.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(&self.outcome, Outcome::Reply(text) if text.starts_with("FULLRESYNC") || text.starts_with("CONTINUE"))
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Waits,
    /// A reply, as redis-cli shows it.
    Reply(String),
    /// There will be none, and why.
    Failed(String),
}

/// The latest exchanges with a node up to the moment that is looked at, the oldest first.
#[must_use]
pub fn exchanges(timeline: &Timeline, node: NodeId) -> Vec<Exchange> {
    let world = timeline.world();
    let name = world.name(node);
    let begin = timeline.beginning();
    let mut answers: Vec<&Answer> =
        world.answers(0).filter(|answer| answer.node == node && answer.at >= begin).collect();
    let mut all = Vec::new();
    for deed in timeline.done() {
        let Action::Run(to, words) = &deed.action else { continue };
        let mine = answers.iter().position(|answer| answer.at >= deed.at && answer.words == *words);
        // To several nodes at once: only who answered is known to have been asked.
        if to != name && (mine.is_none() || !GROUPS.contains(&to.as_str())) {
            continue;
        }
        let mine = mine.map(|place| answers.remove(place));
        let outcome = match mine.map(|answer| &answer.result) {
            None => Outcome::Waits,
            Some(Ok(reply)) => Outcome::Reply(cli::show(words, reply)),
            Some(Err(reason)) => Outcome::Failed((*reason).to_owned()),
        };
        let quoted: Vec<Cow<'_, str>> = words.iter().map(|word| quoted(word)).collect();
        all.push(Exchange {
            index: all.len(),
            at_us: deed.at.0 - begin.0,
            line: quoted.join(" "),
            outcome,
            stream_bytes: mine.map_or(0, |answer| answer.stream_bytes),
        });
    }
    all.split_off(all.len().saturating_sub(EXCHANGES_MAX))
}

fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain =
        !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\'));
    if is_plain { Cow::Borrowed(word) } else { Cow::Owned(picket_resp::quote(word.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::picture::tests::engine;

    fn node(engine: &Engine, name: &str) -> NodeId {
        engine.world().nodes().find(|node| engine.world().name(*node) == name).expect("it is there")
    }

    fn outcomes(engine: &Engine, name: &str) -> Vec<Outcome> {
        let of = exchanges(engine.timeline(), node(engine, name));
        of.into_iter().map(|exchange| exchange.outcome).collect()
    }

    fn reply(text: &str) -> Outcome {
        Outcome::Reply(text.to_owned())
    }

    #[test]
    fn commands_wait_and_are_answered_and_time_takes_both_back() {
        let mut engine = engine();
        engine.inject(r#"run redis-1 SET k "a b""#).expect("it can be typed");
        assert_eq!(outcomes(&engine, "redis-1"), [Outcome::Waits]);
        assert!(engine.await_answer());
        assert_eq!(outcomes(&engine, "redis-1"), [reply("OK")]);
        let answered = engine.now_us();
        engine.inject("run redis-1 GET k").expect("it can be typed");
        assert!(engine.await_answer());
        assert_eq!(outcomes(&engine, "redis-1"), [reply("OK"), reply("\"a b\"")]);
        assert_eq!(exchanges(engine.timeline(), node(&engine, "redis-1"))[0].line, "SET k \"a b\"");
        assert_eq!(outcomes(&engine, "redis-2"), [], "that was said to somebody else");
        engine.seek_us(answered - 1);
        assert_eq!(outcomes(&engine, "redis-1"), [Outcome::Waits]);
        engine.seek_us(engine.end_us());
        assert_eq!(outcomes(&engine, "redis-1").len(), 2);
    }

    #[test]
    fn a_sentinel_is_asked_likewise_and_who_cannot_answer_is_told() {
        let mut engine = engine();
        engine.inject("run sentinel-1 SENTINEL masters").expect("it can be typed");
        assert!(engine.await_answer());
        match &outcomes(&engine, "sentinel-1")[..] {
            [Outcome::Reply(text)] => assert!(text.starts_with("1)  1) \"name\"\n"), "{text}"),
            other => panic!("{other:?}"),
        }
        engine.inject("kill redis-2").expect("it can be killed");
        engine.inject("run redis-2 PING").expect("it can be typed");
        assert!(engine.await_answer());
        assert_eq!(outcomes(&engine, "redis-2"), [Outcome::Failed("Connection refused".to_owned())]);
        engine.inject("freeze redis-3").expect("it can be frozen");
        engine.inject("run redis-3 PING").expect("it can be typed");
        assert!(!engine.await_answer(), "a frozen process says nothing, and nobody waits for ever");
        assert_eq!(outcomes(&engine, "redis-3"), [Outcome::Waits]);
    }

    #[test]
    fn a_replica_can_be_played_by_hand() {
        let mut engine = engine();
        engine.inject("run redis-1 PSYNC ? -1").expect("it can be typed");
        assert!(engine.await_answer());
        match &outcomes(&engine, "redis-1")[..] {
            [Outcome::Reply(text)] => assert!(text.starts_with("FULLRESYNC "), "{text}"),
            other => panic!("{other:?}"),
        }
        let replid = engine.world().data_node(node(&engine, "redis-1")).expect("it runs").side.history.replid;
        engine.inject(&format!("run redis-1 PSYNC {replid} 1")).expect("it can be typed");
        assert!(engine.await_answer());
        let found = exchanges(engine.timeline(), node(&engine, "redis-1"));
        assert_eq!(found[1].outcome, reply("CONTINUE"));
        assert!(found[1].stream_bytes > 100, "{found:?}");
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let mut engine = engine();
        for _ in 0..EXCHANGES_MAX + 5 {
            engine.inject("run redis-1 PING").expect("it can be typed");
            assert!(engine.await_answer());
        }
        let shown = exchanges(engine.timeline(), node(&engine, "redis-1"));
        assert_eq!((shown.len(), shown[0].index), (EXCHANGES_MAX, 5));
    }
}
