//! A systematic look at elections: three cores of a Sentinel, and the orders in which messages, writes, clocks, deaths and
//! starts can come, within bounds of depth, deaths and states.
//!
//! The cores are the real ones. Around them stands as little as they need: a master that never answers, one replica
//! that does, and a disk each. A *step* is one of: a message arrives, a write to a disk ends, a clock goes on to the
//! core's next deed, a process dies (with what was on its way to the disk kept or lost), a process starts again. All
//! steps that are possible are tried, from every state, as deep as the [`Bounds`] say; a state that was seen with as
//! many steps left is not looked at twice. States are told apart by hashes of 64 bits, so that of some ten million one
//! is taken for another with a chance of one in a hundred thousand.
//!
//! Every core has a clock of its own, which stands still while the others' go on: what is found to hold, holds however
//! clocks run and however long a message takes. Opinions, PINGs, greetings and
//! hellos without news arrive at once, which keeps the number of orders small; votes, new epochs, promotions and their
//! answers do not.
//!
//! What must hold in every state:
//!
//! - at most one leader for each epoch (`one_leader`);
//! - a vote that was given is never contradicted, also after a restart;
//! - nobody promotes in an epoch after it gave a vote to somebody else in a newer one.

mod node;
mod rules;
mod search;
mod state;
mod turns;
mod wires;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use search::{explore, explore_from, tell};

/// How many Sentinels there are.
const SENTINELS: usize = 3;

/// How far is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many steps from the beginning, at which all think that the master is about to be down.
    pub depth: u32,
    /// How many processes die on the way.
    pub crashes: u32,
    /// States with an epoch above this one are not followed further.
    pub epochs: u64,
    /// `quorum`
    pub quorum: u32,
    /// The search ends when so many states were seen.
    pub states_max: u64,
    /// What is wrong with the world, so that the search has something to find.
    pub defect: Defect,
}

impl Default for Bounds {
    /// What a test looks at.
    fn default() -> Self {
        Self { depth: 12, crashes: 1, epochs: 3, quorum: 2, states_max: 20_000, defect: Defect::None }
    }
}

/// What the cores may not survive: a world in which a promise is broken that they rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defect {
    /// Nothing is.
    #[default]
    None,
    /// Whoever starts again reads what was on its disk at the beginning: writes were acknowledged and lost.
    DiskForgets,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// States from which steps were tried, no two of them alike. Where the last step leads is looked at, and not compared.
    pub states: u64,
    /// Steps that were tried.
    pub steps: u64,
    /// States in which a leader was elected by the last step.
    pub elections: u64,
    /// States in which a promotion was sent by the last step.
    pub promotions: u64,
    /// The search ended at `states_max` before everything within the bounds was seen.
    pub is_cut_short: bool,
}

/// A way to a state that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// What does not hold there.
    pub property: String,
    /// The steps that lead there.
    pub steps: Vec<Step>,
}

/// Something that can happen next. Sentinels are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next request of the first to the second arrives; on which of the connections between them, the oldest first.
    Request(usize, usize, usize),
    /// The next reply to the first from the second arrives, likewise.
    Reply(usize, usize, usize),
    /// The replica's next reply arrives.
    Server(usize),
    /// What is being written is on the disk, and the process is told.
    Written(usize),
    /// Its clock goes on until it does something.
    Clock(usize),
    /// It dies; what was being written is on the disk if true.
    Dies(usize, bool),
    /// It starts from what is on its disk.
    Starts(usize),
}

/// Which connection, where there may be several.
fn connection(nth: usize) -> &'static str {
    if nth == 0 { "" } else { " on a later connection" }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |node: usize| node + 1;
        match *self {
            Self::Request(a, b, nth) => {
                write!(f, "what sentinel-{} asks reaches sentinel-{}{}", name(a), name(b), connection(nth))
            }
            Self::Reply(a, b, nth) => {
                write!(f, "sentinel-{} hears the answer of sentinel-{}{}", name(a), name(b), connection(nth))
            }
            Self::Server(a) => write!(f, "sentinel-{} hears the answer of the replica", name(a)),
            Self::Written(a) => write!(f, "the disk of sentinel-{} has written", name(a)),
            Self::Clock(a) => write!(f, "the clock of sentinel-{} goes on", name(a)),
            Self::Dies(a, true) => write!(f, "sentinel-{} dies, its last write is kept", name(a)),
            Self::Dies(a, false) => write!(f, "sentinel-{} dies", name(a)),
            Self::Starts(a) => write!(f, "sentinel-{} starts again", name(a)),
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.property)?;
        self.steps.iter().zip(1..).try_for_each(|(step, number)| writeln!(f, "{number:>3}  {step}"))
    }
}
