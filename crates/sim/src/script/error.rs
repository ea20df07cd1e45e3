//! Why a line is no action, or cannot be done: as data, so that a page can tell it in the reader's language.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::read::{FORMS, LOSS_MAX};
use crate::build::CONSOLES_MAX;
use crate::ids::NodeKind;
use crate::scenario::NODES_MAX;
use crate::topology::{NUMBER_MAX, word};

/// Why a line is no action, or cannot be done to this world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionError {
    /// The line is empty.
    Empty,
    /// No action has this name.
    UnknownVerb(String),
    /// The action is written in this way.
    Form(&'static str),
    /// A quote is not closed.
    Quotes,
    /// A word is no UTF-8.
    NoText,
    /// This is no span of time.
    Span(String),
    /// This span ends before it begins.
    Backwards(String),
    /// A disk fails so many times of a hundred.
    Flaky,
    /// A clock jumps by whole milliseconds, and not further than that.
    ClockJump,
    /// This is no share of segments that can be lost.
    Loss(String),
    /// This is neither on nor off.
    Switch(String),
    /// This is no number of a message.
    MessageNumber(String),
    /// A client writes every so many whole milliseconds.
    Interval,
    /// No such node can have this name.
    Name(String, NodeKind),
    /// There is no node of that name.
    NoNode(String),
    /// A node has no wire to itself.
    OwnWire(String),
    /// This node is none of the wanted kinds.
    WrongKind {
        /// Its name.
        name: String,
        /// What it is.
        is: NodeKind,
        /// What is wanted.
        wanted: Vec<NodeKind>,
    },
    /// Of this group no node runs.
    NoneRuns(String),
    /// No such message is on its way.
    NoMessage(u64),
    /// A node of this name is there already.
    Taken(String),
    /// A node of this name has left for good.
    Gone(String),
    /// There are enough nodes of that kind.
    TooMany,
    /// A client needs Sentinels.
    NoSentinels,
    /// It is not clear who is the master of this deployment.
    MasterUnclear(String),
    /// So many commands wait for their replies.
    Busy(usize),
    /// This command would take a node more time or memory than a simulated one is given.
    TooMuch(&'static str),
    /// What a node says of the file that it would start with.
    Config(String),
}

impl ActionError {
    /// How actions begin.
    pub fn verbs() -> impl Iterator<Item = &'static str> {
        FORMS.iter().filter_map(|form| form.split(' ').next())
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty line is no action"),
            Self::UnknownVerb(verb) => {
                let verbs: Vec<&str> = Self::verbs().collect();
                write!(f, "{verb:?} is no action; there are {}", verbs.join(", "))
            }
            Self::Form(form) => {
                write!(f, "{} is written {form:?}", form.split(' ').next().unwrap_or_default())
            }
            Self::Quotes => f.write_str("unbalanced quotes"),
            Self::NoText => f.write_str("a word is no UTF-8"),
            Self::Span(text) => {
                write!(f, "{text:?} is no span: write 250us, 20ms, 3s or 2m, a day at most")
            }
            Self::Backwards(text) => write!(f, "{text:?} ends before it begins"),
            Self::Flaky => f.write_str("flaky wants 0 to 100 of a hundred"),
            Self::ClockJump => f.write_str("a clock jumps by whole milliseconds, a hundred years at most"),
            Self::Loss(text) => {
                write!(f, "{text:?} is no loss: write 0% to {LOSS_MAX}%; a wire that loses everything is cut")
            }
            Self::Switch(text) => write!(f, "{text:?} is neither on nor off"),
            Self::MessageNumber(text) => write!(f, "{text:?} is no number of a message"),
            Self::Interval => f.write_str("a writer writes every so many whole milliseconds, 1 at least"),
            Self::Name(name, kind) => {
                write!(f, "{name:?} is no name: {}-N, N from 1 to {NUMBER_MAX}", word(*kind))
            }
            Self::NoNode(name) => write!(f, "there is no node {name:?}"),
            Self::OwnWire(name) => write!(f, "{name:?} has no wire to itself"),
            Self::WrongKind { name, is, wanted } => {
                write!(f, "{name} is a {is}, not ")?;
                wanted.iter().enumerate().try_for_each(|(place, kind)| {
                    let or = if place > 0 { " or " } else { "" };
                    write!(f, "{or}a {kind}")
                })
            }
            Self::NoneRuns(group) => write!(f, "of {group} none runs"),
            Self::NoMessage(message) => write!(f, "no message {message} is on its way"),
            Self::Taken(name) => write!(f, "{name} is there already"),
            Self::Gone(name) => write!(f, "{name} has left for good, and its name is not given again"),
            Self::TooMany => write!(f, "a world has at most {NODES_MAX} nodes of a kind"),
            Self::NoSentinels => f.write_str("a writer asks Sentinels for the master, and there are none"),
            Self::MasterUnclear(master) => {
                write!(f, "it is not clear who is the master of {master}: say whom it follows")
            }
            Self::Busy(busy) => write!(f, "{busy} of at most {CONSOLES_MAX} commands wait for their replies"),
            Self::TooMuch(command) => {
                write!(f, "{command} with such arguments is more than a simulated node is asked for")
            }
            Self::Config(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for ActionError {}
