//! A world with its time, as the page plays it: on and back, step by step, at any speed, with branches.
//!
//! The engine reads no clock: the page tells how much time has passed on the wall. However fast a world is played,
//! a frame does a bounded number of steps, and time falls behind rather than the page.

mod opening;
mod speed;

use picket_sansio::{Millis, Time};
use picket_sim::{Action, ActionError, Moment, Scenario, Setup, Timeline, World};

use crate::line::{Kind, Line};

pub use opening::{DATA_NODES_MAX, Opening, Refusal, SENTINELS_MAX, WRITERS_MAX};
pub use speed::Speed;

/// Steps of the world that one frame does at most.
const FRAME_STEPS_MAX: u32 = 1_500;
/// A frame that took longer counts as this long: the tab was in the background.
const FRAME_US_MAX: u64 = 100_000;
/// How far a step to the next event looks.
const EVENT_LIMIT: Millis = Millis(60_000);
/// Branches that are kept besides the one that is looked at.
const BRANCHES_MAX: usize = 4;
/// How long an answer is waited for, in virtual time.
const ANSWER_LIMIT: Millis = Millis(2_000);

/// An event's place on the time bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What sort of event.
    pub kind: Kind,
    /// Its line's number in the transcript.
    index: usize,
}

/// A branch that was left.
#[derive(Clone, Debug)]
struct Branch {
    timeline: Timeline,
    marks: Vec<Mark>,
    marked: usize,
}

/// A world that is played.
#[derive(Clone, Debug)]
pub struct Engine {
    /// What there was at the beginning of every branch.
    setup: Setup,
    timeline: Timeline,
    /// Branches that were left, the latest last.
    left: Vec<Branch>,
    playing: bool,
    speed: Speed,
    /// Thousandths of a microsecond of virtual time that are still owed.
    owed: u64,
    is_behind: bool,
    /// Lines of the transcript that stand on the time bar; of the whole branch.
    marks: Vec<Mark>,
    /// How many lines of it were looked at for marks.
    marked: usize,
}

impl Engine {
    /// The world of a scenario, at the moment that it shows first. What it does is done already, so that the time bar
    /// shows all of it; acting before its end begins a branch in which the rest does not happen.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub fn open(scenario: Scenario) -> Result<Self, Refusal> {
        let mut opening = Opening::new(scenario)?;
        loop {
            match opening.advance(u32::MAX)? {
                None => {}
                Some(engine) => return Ok(engine),
            }
        }
    }

    /// A timeline that began with this setup, at its present moment; the transcript began with `told` lines.
    fn of(setup: Setup, timeline: Timeline, marks: Vec<Mark>, marked: usize) -> Self {
        Self {
            setup,
            timeline,
            left: Vec::new(),
            playing: false,
            speed: Speed::REAL,
            owed: 0,
            is_behind: false,
            marks,
            marked,
        }
    }

    /// The scenario that leads to this very moment, with all that was done in this branch.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        Scenario::of(self.setup.clone(), &self.timeline)
    }

    /// What there was at the beginning.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The world at the moment that is looked at.
    #[must_use]
    pub fn world(&self) -> &World {
        self.timeline.world()
    }

    /// The timeline that is looked at.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The moment that is looked at, counted from the beginning.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.since_beginning(self.timeline.now())
    }

    /// The furthest moment of this branch, counted from the beginning.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.since_beginning(self.timeline.end())
    }

    /// A moment counted from the beginning.
    #[must_use]
    pub fn since_beginning(&self, at: Time) -> u64 {
        at.0.saturating_sub(self.timeline.beginning().0)
    }

    /// Whether time goes on by itself.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Whether the last frame had more to do than it could.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// How fast time goes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// The events of the whole branch for the time bar, also those behind the moment that is looked at.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The last `count` lines of what happened up to now, the oldest first.
    #[must_use]
    pub fn lines(&self, count: usize) -> Vec<Line> {
        let transcript = self.world().transcript();
        let from = transcript.len().saturating_sub(count);
        let first = self.timeline.beginning();
        let lines = transcript.behind(from).zip(from..).filter(|(entry, _)| entry.at >= first);
        lines.map(|(entry, index)| Line::of(index, self.since_beginning(entry.at), entry)).collect()
    }

    // ---- time ----

    /// Lets time go on by itself, or not.
    pub fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        self.is_behind = false;
        self.owed = 0;
    }

    /// How fast it goes from now on.
    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
        self.owed = 0;
    }

    /// So much time has passed on the wall; says whether anything is to be drawn anew. Time stops when `is_reached`
    /// says so, which is asked whenever something was told, and at the end of the frame.
    pub fn tick(&mut self, wall_us: u64, mut is_reached: impl FnMut(&Timeline) -> bool) -> bool {
        if !self.playing {
            return false;
        }
        let owed = self.owed + wall_us.min(FRAME_US_MAX) * self.speed.permille;
        self.owed = owed % 1_000;
        let until = Time(self.timeline.now().0 + owed / 1_000);
        let (mut steps, mut reached) = (0, false);
        let mut told = self.world().transcript().len();
        while !reached && steps < FRAME_STEPS_MAX && self.timeline.next_at().is_some_and(|at| at <= until) {
            self.timeline.step();
            steps += 1;
            let now_told = self.world().transcript().len();
            reached = now_told != told && is_reached(&self.timeline);
            told = now_told;
        }
        self.is_behind = !reached && steps == FRAME_STEPS_MAX;
        if !self.is_behind && !reached {
            self.timeline.seek(until);
        }
        reached = reached || is_reached(&self.timeline);
        self.playing = !reached && self.world().violation().is_none();
        self.collect_marks();
        true
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) {
        self.set_playing(false);
        self.timeline.step();
        self.collect_marks();
    }

    /// Takes the last thing that happened back.
    pub fn step_back(&mut self) {
        self.set_playing(false);
        self.timeline.step_back();
    }

    /// Goes on to the next event; false if none comes within a minute.
    pub fn step_to_event(&mut self) -> bool {
        self.set_playing(false);
        let found = self.timeline.step_to_event(EVENT_LIMIT);
        self.collect_marks();
        found
    }

    /// Goes on until a command that was typed is answered; false if no answer comes in time.
    pub fn await_answer(&mut self) -> bool {
        self.set_playing(false);
        let count = |world: &World| world.answers(0).count();
        let answered = count(self.world());
        let found = self.timeline.step_until(ANSWER_LIMIT, |world| count(world) > answered);
        self.collect_marks();
        found
    }

    /// Goes back to just before the last event.
    pub fn step_back_to_event(&mut self) {
        self.set_playing(false);
        let now = self.timeline.now();
        let before = self.marks.iter().rev().find(|mark| mark.at < now).map(|mark| mark.at);
        self.timeline.seek(before.unwrap_or(self.timeline.beginning()));
    }

    /// Goes to a moment of this branch, counted from the beginning.
    pub fn seek_us(&mut self, to_us: u64) {
        let to = Time(self.timeline.beginning().0.saturating_add(to_us));
        self.timeline.seek(to.min(self.timeline.end()));
        self.owed = 0;
        self.collect_marks();
    }

    /// Goes to a moment of this branch, and stops there.
    pub fn seek_moment(&mut self, moment: Moment) {
        self.set_playing(false);
        self.timeline.seek_moment(moment);
        self.collect_marks();
    }

    // ---- deeds ----

    /// Does what a line says, such as `kill redis-1`. In the past that begins a new branch, and the old one is kept.
    ///
    /// # Errors
    /// Why it cannot be read or done. Nothing has changed then.
    pub fn inject(&mut self, line: &str) -> Result<(), ActionError> {
        let action: Action = line.parse()?;
        let told = self.world().transcript().len();
        let is_past = self.timeline.now() < self.timeline.end();
        let before = is_past.then(|| self.branch(self.timeline.clone()));
        self.timeline.inject(action)?;
        if let Some(before) = before {
            self.leave(before);
        }
        self.marks.retain(|mark| mark.index < told);
        self.marked = self.marked.min(told);
        self.collect_marks();
        Ok(())
    }

    /// Branches that were left: when each was left off, counted from the beginning.
    pub fn branches(&self) -> impl Iterator<Item = u64> + '_ {
        self.left.iter().map(|branch| self.since_beginning(branch.timeline.end()))
    }

    /// Goes to a branch that was left, at the moment where it was looked at last; the present one is kept.
    pub fn switch_branch(&mut self, index: usize) {
        if index >= self.left.len() {
            return;
        }
        self.set_playing(false);
        let Branch { timeline, marks, marked } = self.left.remove(index);
        let before = std::mem::replace(&mut self.timeline, timeline);
        let before = self.branch(before);
        self.leave(before);
        (self.marks, self.marked) = (marks, marked);
    }

    /// A timeline with the marks that are shown.
    fn branch(&self, timeline: Timeline) -> Branch {
        Branch { timeline, marks: self.marks.clone(), marked: self.marked }
    }

    fn leave(&mut self, branch: Branch) {
        self.left.push(branch);
        if self.left.len() > BRANCHES_MAX {
            self.left.remove(0);
        }
    }

    /// Puts new lines of the transcript on the time bar.
    fn collect_marks(&mut self) {
        collect_marks(&self.timeline, &mut self.marks, &mut self.marked);
    }
}

/// Makes marks of the lines of the transcript from `marked` on.
fn collect_marks(timeline: &Timeline, marks: &mut Vec<Mark>, marked: &mut usize) {
    let transcript = timeline.world().transcript();
    let first = timeline.beginning();
    let told = transcript.len();
    if told <= *marked {
        return;
    }
    for (entry, index) in transcript.behind(*marked).zip(*marked..) {
        let kind = Kind::of(&entry.told);
        if entry.at >= first && kind.is_marked() {
            marks.push(Mark { at: entry.at, kind, index });
        }
    }
    *marked = told;
}

#[cfg(test)]
mod tests;
