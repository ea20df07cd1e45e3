//! A scenario on its way to the moment that it shows first: it is replayed in slices, so that the page stays alive
//! however long that takes.

use std::fmt;

use picket_sansio::Time;
use picket_sim::{ActionError, Beginning, Detail, Line, Moment, Scenario, Timeline};

use super::{Engine, Mark, collect_marks};

/// A deed copies the world, which costs about as much as so many steps.
const DEED_STEPS: u32 = 300;

/// Data nodes that the page can show.
pub const DATA_NODES_MAX: u32 = 24;
/// Sentinels that the page can show.
pub const SENTINELS_MAX: u32 = 17;
/// Clients that the page can show.
pub const WRITERS_MAX: usize = 8;

/// A scenario that is being replayed.
#[derive(Clone, Debug)]
pub struct Opening {
    scenario: Scenario,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Before the first slice.
    New,
    /// The nodes find each other.
    Settling(Box<Beginning>),
    /// What is done is done.
    Replaying(Box<Replay>),
}

#[derive(Clone, Debug)]
struct Replay {
    timeline: Timeline,
    marks: Vec<Mark>,
    marked: usize,
    /// The line that is next.
    next: usize,
}

/// Why a scenario cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has more nodes than the page can draw.
    TooLarge,
    /// The world cannot begin: what its nodes say of their files.
    Setup(String),
    /// What this line says cannot be done.
    Line(String, ActionError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "at most {DATA_NODES_MAX} data nodes, {SENTINELS_MAX} Sentinels and {WRITERS_MAX} clients can be shown"
            ),
            Self::Setup(why) => f.write_str(why),
            Self::Line(line, why) => write!(f, "\"{line}\": {why}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Opening {
    /// Begins to replay a scenario.
    ///
    /// # Errors
    /// If it is too large for the page.
    pub fn new(scenario: Scenario) -> Result<Self, Refusal> {
        let setup = &scenario.setup;
        let is_small = setup.masters.saturating_mul(setup.redis) <= DATA_NODES_MAX
            && setup.sentinels <= SENTINELS_MAX
            && setup.writers.len() <= WRITERS_MAX;
        if is_small { Ok(Self { scenario, stage: Stage::New }) } else { Err(Refusal::TooLarge) }
    }

    /// How much of it has been replayed, in thousandths.
    #[must_use]
    pub fn permille(&self) -> u64 {
        let Stage::Replaying(replay) = &self.stage else { return 0 };
        let done = replay.timeline.now().0 - replay.timeline.beginning().0;
        (done * 1_000 / self.end_us().max(1)).min(1_000)
    }

    /// Replays at most about so many steps; answers the world once it is there.
    ///
    /// # Errors
    /// Why the world cannot begin, or something cannot be done.
    pub fn advance(&mut self, steps: u32) -> Result<Option<Engine>, Refusal> {
        let end_us = self.end_us();
        let replay = match &mut self.stage {
            Stage::New => {
                let beginning = self.scenario.setup.begin(Detail::Arrivals).map_err(Refusal::Setup)?;
                self.stage = Stage::Settling(Box::new(beginning));
                return Ok(None);
            }
            Stage::Settling(beginning) => {
                let end = beginning.steps() + u64::from(steps);
                while beginning.steps() < end {
                    if let Some(world) = beginning.advance().map_err(Refusal::Setup)? {
                        let marked = world.transcript().len();
                        let timeline = Timeline::new(world);
                        self.stage = Stage::Replaying(Box::new(Replay {
                            timeline,
                            marks: Vec::new(),
                            marked,
                            next: 0,
                        }));
                        break;
                    }
                }
                return Ok(None);
            }
            Stage::Replaying(replay) => replay,
        };
        let mut left = steps;
        while let Some(line) = self.scenario.lines.get(replay.next) {
            if let Line::Do(moment, action) = line {
                if !replay.go_to(*moment, &mut left) {
                    return Ok(None);
                }
                let done = replay.timeline.inject(action.clone());
                done.map_err(|error| Refusal::Line(line.to_string(), error))?;
            }
            replay.next += 1;
            // What is done costs too: many deeds at one moment are several slices.
            left = left.saturating_sub(DEED_STEPS);
            if left == 0 {
                return Ok(None);
            }
        }
        if !replay.go_to(Moment { after_us: end_us, steps: None }, &mut left) {
            return Ok(None);
        }
        let look = self.scenario.look.unwrap_or(Moment { after_us: 0, steps: None });
        replay.timeline.seek_moment(look);
        let Stage::Replaying(replay) = std::mem::replace(&mut self.stage, Stage::New) else {
            return Ok(None);
        };
        let Replay { timeline, marks, marked, .. } = *replay;
        Ok(Some(Engine::of(self.scenario.setup.clone(), timeline, marks, marked)))
    }

    /// The last moment that the scenario speaks of.
    fn end_us(&self) -> u64 {
        let lines = self.scenario.lines.iter().map(Line::after_us);
        lines.chain(self.scenario.look.map(|look| look.after_us)).max().unwrap_or(0)
    }
}

impl Replay {
    /// Goes on to a moment, with so many steps at most; true if it is reached.
    fn go_to(&mut self, moment: Moment, left: &mut u32) -> bool {
        let at = Time(self.timeline.beginning().0 + moment.after_us);
        while self.timeline.next_at().is_some_and(|next| next <= at) {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            self.timeline.step();
        }
        collect_marks(&self.timeline, &mut self.marks, &mut self.marked);
        // Of what is due at the same time only a part may have happened.
        self.timeline.seek_moment(moment);
        let told = self.timeline.world().transcript().len();
        self.marks.retain(|mark| mark.index < told);
        self.marked = self.marked.min(told);
        true
    }
}
