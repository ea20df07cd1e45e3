//! What is drawn of a moment. What has not changed is not made anew, so that nobody compares or draws it.

use std::rc::Rc;

use picket_sansio::Time;
use picket_sim::NodeId;

use super::App;
use crate::console::{Exchange, exchanges};
use crate::engine::Mark;
use crate::line::Line;
use crate::picture::{
    Asked, Part, Picture, Progress, ReplicaChoice, Ring, Written, asked, failovers, replica_choice, rings,
    written,
};
use crate::sequence::Sequence;
use crate::settings::{LIVE, Whose, current, last_set};
use crate::tab::Tab;

/// Lines of the log that are shown.
const LINES_MAX: usize = 150;
/// Lines in which a sentence for those who listen is looked for.
const TOLD_LOOKBACK: usize = 48;
/// Sentences that are there at once.
const TOLD_MAX: usize = 8;
/// For how long on the wall a message is seen after it has arrived.
const AFTERGLOW_US: u64 = 250_000;
/// Frames from one look at every node to the next while time goes on and nothing is told: a tenth of a second.
const NODES_EVERY: u32 = 6;
/// Frames from one count of writes to the next while time goes on.
const COUNT_EVERY: u32 = 20;

/// What is drawn of a moment; made anew whenever the moment changes.
pub(super) struct View {
    pub(super) picture: Rc<Picture>,
    /// The last sentences, each with the number of its line.
    pub(super) told: Rc<[(usize, String)]>,
    pub(super) marks: Rc<[Mark]>,
    /// What the chosen tab shows besides.
    pub(super) shown: Shown,
    /// How many lines the transcript had.
    lines: usize,
}

/// What a tab shows; only that of the chosen one is made.
pub(super) enum Shown {
    Node(Vec<Exchange>),
    Sentinels(Vec<Progress>, Option<ReplicaChoice>),
    Replication(Vec<Ring>, Vec<Asked>, Vec<Written>),
    Messages(Rc<Sequence>),
    Settings { values: [u64; LIVE.len()], priorities: Vec<u64>, done: Option<String> },
    Log(Rc<[Line]>),
}

impl App {
    /// Takes the picture of the present moment. If time only `went_on` since the last one, what was told then is still
    /// true.
    pub(super) fn look(&mut self, went_on: bool) {
        let Ok(engine) = &self.engine else { return };
        let now = engine.timeline().now();
        let afterglow = if engine.is_playing() { engine.speed().virtual_us(AFTERGLOW_US) } else { 0 };
        let since = Time(now.0.saturating_sub(afterglow).max(engine.timeline().beginning().0));
        let is_due = |every: u32| !engine.is_playing() || self.frames.is_multiple_of(every);
        let lines = engine.world().transcript().len();
        let same = self.view.as_ref().filter(|view| went_on && view.lines == lines);
        let picture = match same {
            Some(view) if !is_due(NODES_EVERY) => view.picture.moved(engine.world(), now, since),
            _ => Picture::of(engine.world(), now, since),
        };
        self.chosen.keep_to(&picture);
        let is_due = is_due(COUNT_EVERY);
        let before = self.view.as_ref().map(|view| &view.shown);
        let shown = match self.tab {
            Tab::Node => {
                let node = self.chosen.node();
                Shown::Node(node.map_or_else(Vec::new, |node| exchanges(engine.timeline(), node)))
            }
            Tab::Sentinels => {
                let begin = engine.timeline().beginning();
                Shown::Sentinels(failovers(engine.world(), now), replica_choice(engine.world(), begin))
            }
            Tab::Replication => {
                let written = match before {
                    Some(Shown::Replication(_, _, written)) if !is_due => written.clone(),
                    _ => written(engine.world()),
                };
                let asked = asked(engine.world(), engine.timeline().beginning());
                Shown::Replication(rings(&picture), asked, written)
            }
            Tab::Messages => {
                let lines = engine.lines(LINES_MAX);
                Shown::Messages(match before {
                    Some(Shown::Messages(before)) if !is_due => before.clone(),
                    _ => {
                        let filter = &self.filter;
                        Rc::new(Sequence::of(engine.timeline(), &picture, &lines, filter, self.lang))
                    }
                })
            }
            Tab::Settings => {
                let world = engine.world();
                let data = picture.nodes.iter().filter(|node| matches!(node.part, Part::Data(_)));
                let of_one = LIVE.iter().find(|setting| setting.whose == Whose::OneNode);
                let priority = |node: NodeId| of_one.map_or(0, |setting| current(setting, world, Some(node)));
                Shown::Settings {
                    values: LIVE.map(|setting| current(&setting, world, None)),
                    priorities: data.map(|node| priority(node.id)).collect(),
                    done: last_set(engine.timeline()),
                }
            }
            Tab::Log => Shown::Log(match (same, before) {
                (Some(_), Some(Shown::Log(before))) => before.clone(),
                _ => engine.lines(LINES_MAX).into(),
            }),
        };
        let (told, marks) = match same {
            Some(view) => (view.told.clone(), view.marks.clone()),
            None => {
                let told: Vec<Line> =
                    engine.lines(TOLD_LOOKBACK).into_iter().filter(Line::is_narrated).collect();
                let told = told[told.len().saturating_sub(TOLD_MAX)..].iter();
                let sentence = |line: &Line| Some((line.index, self.lang.narrate(line, &picture)?));
                (told.filter_map(sentence).collect(), engine.marks().into())
            }
        };
        self.view = Some(View { picture: Rc::new(picture), told, marks, shown, lines });
    }
}
