//! A world that can be looked at forwards and backwards.
//!
//! A [`Timeline`] is where a world began and what was done to it when. Any moment is found again from a checkpoint
//! before it, because the same steps follow from the same world. Acting in the past begins a new branch.

use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Time};

use crate::scenario::Moment;
use crate::script::{Action, ActionError};
use crate::world::{Stop, World};

/// Steps from one checkpoint to the next on the way forward: what going back costs at most, near the end. A copy of a
/// world costs as much as some hundred steps.
const CHECKPOINT_STEPS: u64 = 4_000;
/// The same on the way back, at least: who goes back one step goes back another, and from a checkpoint to where
/// somebody wants to go lie ever closer ones.
const CHECKPOINT_STEPS_BACK: u64 = 250;
/// Checkpoints lie at multiples of this: looking for the last one at every step would cost more than they do.
const CHECKPOINT_LOOK: u64 = 50;
/// How many steps are waited for something: seconds in a browser.
const STEPS_MAX: u32 = 200_000;
/// How many checkpoints are kept; those far from what is looked at lie further apart.
const CHECKPOINTS_MAX: usize = 48;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Time,
    /// What.
    pub action: Action,
    /// How many steps there had been.
    position: u64,
    /// Things were due at the same time that had not happened.
    is_within: bool,
}

/// A world with its past. A fork is a clone.
#[derive(Clone, Debug)]
pub struct Timeline {
    start: World,
    deeds: Vec<Deed>,
    /// By the number of steps before them.
    checkpoints: BTreeMap<u64, World>,
    world: World,
    /// The moment that is looked at: nothing happens in the world between its own time and this.
    now: Time,
    /// The furthest moment of this branch that was looked at.
    end: Time,
}

impl Timeline {
    /// A timeline that begins with this world.
    #[must_use]
    pub fn new(start: World) -> Self {
        let now = start.now();
        let world = start.clone();
        Self { start, deeds: Vec::new(), checkpoints: BTreeMap::new(), world, now, end: now }
    }

    /// The world at the moment that is looked at.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The moment that is looked at.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// The first moment.
    #[must_use]
    pub fn beginning(&self) -> Time {
        self.start.now()
    }

    /// The furthest moment of this branch that was looked at.
    #[must_use]
    pub fn end(&self) -> Time {
        self.end
    }

    /// What was done in this branch, in order, also behind the moment that is looked at.
    #[must_use]
    pub fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// What was done up to the moment that is looked at, in order.
    #[must_use]
    pub fn done(&self) -> &[Deed] {
        let position = self.world.steps();
        &self.deeds[..self.deeds.partition_point(|deed| deed.position < position)]
    }

    /// Lets the next thing happen; false if there is none.
    pub fn step(&mut self) -> bool {
        let happens = self.advance();
        self.show(self.world.now());
        happens
    }

    /// Takes the last thing that happened back; false at the beginning.
    pub fn step_back(&mut self) -> bool {
        let Some(position) = self.world.steps().checked_sub(1).filter(|at| *at >= self.start.steps()) else {
            return false;
        };
        self.go_to(position);
        self.now = self.world.now();
        true
    }

    /// Lets things happen until the transcript says something more; false if nothing came within `limit`, or within so
    /// many steps that a world which crowds them into a moment must not be followed further at once.
    pub fn step_to_event(&mut self, limit: Millis) -> bool {
        let told = self.world.transcript().len();
        self.step_until(limit, |world| world.transcript().len() > told)
    }

    /// Lets things happen until a condition holds, at least one. False if it does not hold within `limit`, where the time
    /// has come to then, or within many steps: a world may come from a link that somebody else made, and must
    /// not stop the page.
    pub fn step_until(&mut self, limit: Millis, is_reached: impl Fn(&World) -> bool) -> bool {
        let until = self.now + limit;
        for _ in 0..STEPS_MAX {
            if self.next_at().is_none_or(|at| at > until) {
                self.seek(until);
                return false;
            }
            self.step();
            if is_reached(&self.world) {
                return true;
            }
        }
        false
    }

    /// Goes to a moment, forwards or backwards; not before the beginning.
    pub fn seek(&mut self, to: Time) {
        let to = to.max(self.beginning());
        if to < self.world.now() {
            let before = self.checkpoints.values().rev().find(|world| world.now() <= to);
            self.world = before.unwrap_or(&self.start).clone();
        }
        while self.next_at().is_some_and(|at| at <= to) {
            self.advance();
        }
        self.show(to);
    }

    /// The moment that is looked at, such that [`seek_moment`](Self::seek_moment) finds it again.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let is_within = self.next_at().is_some_and(|at| at <= self.now);
        self.moment_at(self.now, is_within, self.world.steps())
    }

    /// The moment at which something was done.
    pub(crate) fn moment_of(&self, deed: &Deed) -> Moment {
        self.moment_at(deed.at, deed.is_within, deed.position)
    }

    fn moment_at(&self, at: Time, is_within: bool, position: u64) -> Moment {
        let after_us = at.0 - self.beginning().0;
        Moment { after_us, steps: is_within.then(|| position - self.start.steps()) }
    }

    /// Goes to a moment.
    pub fn seek_moment(&mut self, moment: Moment) {
        let at = Time(self.beginning().0 + moment.after_us);
        let Some(steps) = moment.steps else { return self.seek(at) };
        // Steps of another version of the cores may lie elsewhere: then the time counts.
        self.seek(at);
        let position = self.start.steps() + steps;
        if position < self.world.steps() {
            self.go_to(position);
            if self.world.now() > at || self.next_at().is_none_or(|next| next > at) {
                self.seek(at);
            } else {
                self.show(at);
            }
        }
    }

    /// Goes on until a condition holds, which is looked at after each step.
    ///
    /// # Errors
    /// If it does not hold within `span`, or a property is violated.
    pub fn run_until(
        &mut self,
        span: Millis,
        mut condition: impl FnMut(&World) -> bool,
    ) -> Result<Time, Stop> {
        let until = self.now + span;
        loop {
            if let Some(violation) = self.world.violation() {
                return Err(Stop::Violation(violation.clone()));
            }
            if condition(&self.world) {
                return Ok(self.now);
            }
            match self.next_at() {
                None => return Err(Stop::Nothing),
                Some(at) if at > until => {
                    self.show(until);
                    return Err(Stop::Deadline);
                }
                Some(_) => self.step(),
            };
        }
    }

    /// Does something at the moment that is looked at. If that is not the end, a new branch begins: what was done
    /// and what happened behind it is no more.
    ///
    /// # Errors
    /// If it cannot be done to this world. Nothing has changed then.
    pub fn inject(&mut self, action: Action) -> Result<(), ActionError> {
        let mut world = self.world.clone();
        world.pass_until(self.now);
        world.act(&action)?;
        let position = self.world.steps();
        let is_within = self.world.next_at().is_some_and(|at| at <= self.now);
        self.deeds.retain(|deed| deed.position < position);
        drop(self.checkpoints.split_off(&(position + 1)));
        self.deeds.push(Deed { at: self.now, action, position, is_within });
        self.world = world;
        self.end = self.now;
        Ok(())
    }

    /// When something happens next or was done.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        match self.next_deed() {
            Some(deed) => Some(deed.at),
            None => self.world.next_at(),
        }
    }

    fn next_deed(&self) -> Option<&Deed> {
        let position = self.world.steps();
        let at = self.deeds.partition_point(|deed| deed.position < position);
        self.deeds.get(at).filter(|deed| deed.position == position)
    }

    /// The next step of the world, which was a deed if there was one.
    fn advance(&mut self) -> bool {
        let happens = match self.next_deed().cloned() {
            None => self.world.step(),
            Some(deed) => {
                self.world.pass_until(deed.at);
                self.world.act(&deed.action).expect("it was done to the same world before");
                true
            }
        };
        self.keep_checkpoint(CHECKPOINT_STEPS);
        happens
    }

    fn show(&mut self, now: Time) {
        self.now = now;
        self.end = self.end.max(now);
    }

    fn go_to(&mut self, position: u64) {
        if position < self.world.steps() {
            let before = self.checkpoints.range(..=position).next_back();
            self.world = before.map_or(&self.start, |(_, world)| world).clone();
        }
        while self.world.steps() < position {
            self.advance();
            let half = (position - self.world.steps()).max(CHECKPOINT_STEPS_BACK);
            self.keep_checkpoint(half.min(CHECKPOINT_STEPS));
        }
    }

    fn keep_checkpoint(&mut self, spacing: u64) {
        let position = self.world.steps();
        if !position.is_multiple_of(CHECKPOINT_LOOK) {
            return;
        }
        let before = self.checkpoints.range(..=position).next_back();
        if position < before.map_or(self.start.steps(), |(position, _)| *position) + spacing {
            return;
        }
        self.checkpoints.insert(position, self.world.clone());
        if self.checkpoints.len() > CHECKPOINTS_MAX {
            self.thin_out(position);
        }
    }

    /// Drops the checkpoint that is missed least: of those whose neighbours lie close together, measured by how
    /// far it is from the moment that is looked at.
    fn thin_out(&mut self, now: u64) {
        let places: Vec<u64> = self.checkpoints.keys().copied().collect();
        let cost = |window: &&[u64]| (window[2] - window[0]) * 1024 / (now.abs_diff(window[1]) + 1);
        if let Some(window) = places.windows(3).min_by_key(cost) {
            self.checkpoints.remove(&window[1]);
        }
    }
}
