//! What is wrong with a scenario: as data, so that a page can tell it in the reader's language.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::fact;
use super::{LINES_MAX, NODES_MAX};
use crate::script::ActionError;

/// Which line of a text is wrong, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The line, the first being 1.
    pub line: u32,
    /// What is wrong.
    pub reason: Wrong,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// What it does, or how it is written.
    Action(ActionError),
    /// No line can begin with this word here; those that can.
    Word(String, &'static str),
    /// No fact has this name.
    UnknownFact(String),
    /// Behind this word stands a number from so many up to as many as a scenario can have.
    Count(String, u32),
    /// Behind this word stand whole milliseconds.
    Millis(String),
    /// Behind `#` stands a number of steps.
    Steps(String),
    /// Steps are counted only where something is done.
    StepsOfFact,
    /// A scenario does not last as long.
    TooLate(String),
    /// Lines stand in the order of their times.
    Order,
    /// The line that begins with `look` is the last.
    AfterLook,
    /// There are too many lines.
    TooManyLines,
    /// There are too many nodes.
    TooManyNodes,
}

impl From<ActionError> for Wrong {
    fn from(error: ActionError) -> Self {
        Self::Action(error)
    }
}

impl Wrong {
    /// How facts begin.
    pub fn facts() -> impl Iterator<Item = &'static str> {
        fact::FORMS.iter().filter_map(|form| form.split(' ').next())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(error) => error.fmt(f),
            Self::Word(word, expected) => {
                write!(f, "{word:?} is not expected here: there are {expected}")
            }
            Self::UnknownFact(verb) => {
                let verbs: Vec<&str> = Self::facts().collect();
                write!(f, "{verb:?} is no fact; there are {}", verbs.join(", "))
            }
            Self::Count(word, min) => write!(f, "{word} wants a number from {min} to {NODES_MAX}"),
            Self::Millis(word) => write!(f, "{word} wants whole milliseconds, 1 at least"),
            Self::Steps(text) => write!(f, "{text:?}: behind # stands a number of steps"),
            Self::StepsOfFact => f.write_str("steps are counted only where something is done"),
            Self::TooLate(text) => write!(f, "{text:?}: a scenario lasts an hour at most"),
            Self::Order => f.write_str("lines stand in the order of their times"),
            Self::AfterLook => f.write_str("nothing follows the line that begins with look"),
            Self::TooManyLines => write!(f, "a scenario has at most {LINES_MAX} lines"),
            Self::TooManyNodes => write!(f, "a scenario has at most {NODES_MAX} nodes of a kind"),
        }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl core::error::Error for ScenarioError {}
