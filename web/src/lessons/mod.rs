//! Lessons: a world, a goal, and steps with a check each, for people who have never understood failover.
//!
//! A [`Lesson`] is a value: texts in both languages, what its buttons do to the world, and predicates on the world.
//! [`Progress`] says how far somebody has come in one. Neither knows the page; tests play every lesson to its end.

mod progress;
mod scene;
#[cfg(test)]
mod tests;

mod l01_replication;
mod l02_psync;
mod l03_sdown_odown;
mod l04_election;
mod l05_choosing;
mod l06_return;
mod l07_two_sentinels;
mod l08_both_sides;
mod l09_split_vote;
mod l10_tilt;

use crate::i18n::Lang;
use crate::tab::Tab;

pub use progress::Progress;
pub use scene::Scene;

/// All lessons, in the order in which they are best taken.
pub const ALL: [&Lesson; 10] = [
    &l01_replication::LESSON,
    &l02_psync::LESSON,
    &l03_sdown_odown::LESSON,
    &l04_election::LESSON,
    &l05_choosing::LESSON,
    &l06_return::LESSON,
    &l07_two_sentinels::LESSON,
    &l08_both_sides::LESSON,
    &l09_split_vote::LESSON,
    &l10_tilt::LESSON,
];

/// A text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    en: &'static str,
    zh: &'static str,
}

impl Text {
    /// The text in a language.
    #[must_use]
    pub fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

/// A text in English and Chinese.
const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

/// A lesson.
#[derive(Debug)]
pub struct Lesson {
    /// What it is about.
    pub title: Text,
    /// What the learner can do afterwards, in a sentence.
    pub goal: Text,
    /// The world at its beginning.
    pub scenario: &'static str,
    /// What is done and seen.
    pub steps: &'static [Step],
    /// What has been learnt.
    pub learnt: Text,
    /// What to do with it at work.
    pub practice: Text,
    /// What follows from the numbers of this very run.
    pub figures: Option<fn(&Scene<'_>, Lang) -> String>,
}

/// A step of a lesson.
#[derive(Debug)]
pub struct Step {
    /// What it is about, in a few words.
    pub title: Text,
    /// What to do and what to look at.
    pub text: Text,
    /// A question that is answered before the step goes on.
    pub ask: Option<Question>,
    /// Buttons that do it, in their order. It may as well be done by hand.
    pub deeds: &'static [Deed],
    /// How fast time goes from here on.
    pub pace: Pace,
    /// Where to look.
    pub look: Look,
    /// Whether it is reached.
    pub check: fn(&Scene<'_>) -> bool,
}

/// A button that does something to the world and lets time go on.
#[derive(Debug)]
pub struct Deed {
    /// What it says.
    pub name: Text,
    /// What it does, as in scenarios; `$master` stands for the node that the Sentinels take for the master.
    pub lines: &'static [&'static str],
}

/// A question with answers of which one is right.
#[derive(Debug)]
pub struct Question {
    /// What can be answered.
    pub answers: &'static [Text],
    /// The right one.
    pub right: usize,
    /// Why it is so; told once the step is reached.
    pub because: Text,
}

/// Where a step directs the eyes.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The node that is chosen.
    pub node: Option<&'static str>,
    /// The tab that is shown.
    pub tab: Tab,
}

/// How fast time goes during a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A hundredth of real time: single messages are seen.
    Messages,
    /// A twentieth: elections are seen.
    Slow,
    /// A fifth.
    Calm,
    /// Real time.
    Real,
    /// Five times as fast: waiting.
    Fast,
}

impl Pace {
    /// The speed that it stands for.
    #[must_use]
    pub fn speed(self) -> crate::engine::Speed {
        crate::engine::Speed::at(match self {
            Self::Messages => 0,
            Self::Slow => 2,
            Self::Calm => 4,
            Self::Real => 6,
            Self::Fast => 8,
        })
    }
}

/// A button that only lets time go on.
const GO_ON: Deed = Deed { name: text("Let time go on", "让时间继续"), lines: &[] };

/// Eyes on a tab.
const fn tab(tab: Tab) -> Look {
    Look { node: None, tab }
}

/// Eyes on a node.
const fn node(name: &'static str) -> Look {
    Look { node: Some(name), tab: Tab::Node }
}
