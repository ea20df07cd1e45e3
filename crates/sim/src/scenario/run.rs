//! Running a scenario to its end.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use picket_sansio::Time;

use super::text::Span;
use super::{Fact, Line, Moment, Scenario};
use crate::transcript::Detail;
use crate::world::World;

/// How much of the transcript a failure shows, in microseconds.
const SHOWN_US: u64 = 20_000_000;

/// Which line of a scenario did not come true, and what was true instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line; empty if the world could not begin.
    pub line: String,
    /// When, in microseconds since the start.
    pub after_us: u64,
    /// What is wrong.
    pub reason: String,
    /// The property that was violated, if it is that.
    pub property: Option<&'static str>,
    /// Who is what, and who takes whom for what.
    pub picture: String,
    /// What happened lately.
    pub transcript: String,
}

impl Failure {
    /// True if the other one is of the same kind: the same property, or the same expectation.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self.property, other.property) {
            (None, None) => self.line == other.line,
            (mine, its) => mine == its,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, after_us, reason, picture, transcript, .. } = self;
        if line.is_empty() {
            return f.write_str(reason);
        }
        write!(f, "\"{line}\" at {}: {reason}\n--- at that moment ---\n{picture}", Span(*after_us))?;
        match transcript.is_empty() {
            true => Ok(()),
            false => write!(f, "--- what happened lately ---\n{transcript}"),
        }
    }
}

impl core::error::Error for Failure {}

impl Scenario {
    /// Runs it to its end; answers the world as it is then.
    ///
    /// # Errors
    /// The first line that does not come true.
    pub fn run(&self) -> Result<World, Failure> {
        self.run_with(Detail::Events)
    }

    /// Runs it, writing down more or less. Without events, no fact about them is true.
    ///
    /// # Errors
    /// The first line that does not come true.
    pub fn run_with(&self, detail: Detail) -> Result<World, Failure> {
        let world = self.setup.build(detail).map_err(|reason| Failure {
            line: String::new(),
            after_us: 0,
            reason,
            property: None,
            picture: String::new(),
            transcript: String::new(),
        })?;
        let (start, steps) = (world.now(), world.steps());
        let mut run = Run { world, start, steps, held: Vec::new() };
        for line in &self.lines {
            run.carry_out(line).map_err(|reason| run.failure(line, reason))?;
        }
        while let Some((until, line, _)) = run.held.iter().min_by_key(|(until, ..)| *until).cloned() {
            run.go_to(until).map_err(|reason| run.failure(line, reason))?;
        }
        Ok(run.world)
    }
}

struct Run<'a> {
    world: World,
    start: Time,
    steps: u64,
    /// What must be true after every step, and until when.
    held: Vec<(Time, &'a Line, &'a Fact)>,
}

impl<'a> Run<'a> {
    fn carry_out(&mut self, line: &'a Line) -> Result<(), String> {
        let due = Time(self.start.0 + line.after_us());
        match line {
            Line::Do(moment, action) => {
                self.go_to_moment(*moment)?;
                self.world.act(action).map_err(|error| error.to_string())?;
                self.look()
            }
            Line::At(_, fact) => {
                self.check_names(fact)?;
                self.go_to(due)?;
                if fact.holds(&self.world, self.start) { Ok(()) } else { Err("this is not so".to_string()) }
            }
            Line::By(_, fact) => {
                self.check_names(fact)?;
                while !fact.holds(&self.world, self.start) {
                    if self.world.next_at().is_none_or(|at| at > due) {
                        self.pass_until(due)?;
                        return Err("this has not come true".to_string());
                    }
                    self.step()?;
                }
                Ok(())
            }
            Line::Through(_, fact) => {
                self.check_names(fact)?;
                self.held.push((due, line, fact));
                self.look()
            }
        }
    }

    fn check_names(&self, fact: &Fact) -> Result<(), String> {
        fact.nodes()
            .iter()
            .try_for_each(|name| self.world.find(name).map(|_| ()))
            .map_err(|error| error.to_string())
    }

    fn go_to_moment(&mut self, moment: Moment) -> Result<(), String> {
        let due = Time(self.start.0 + moment.after_us);
        let Some(steps) = moment.steps else { return self.go_to(due) };
        while self.world.steps() - self.steps < steps && self.world.next_at().is_some_and(|at| at <= due) {
            self.step()?;
        }
        if self.world.steps() - self.steps != steps {
            return Err(format!("there are not {steps} steps until then in this version"));
        }
        self.pass_until(due)
    }

    /// Lets everything happen that is due by then.
    fn go_to(&mut self, due: Time) -> Result<(), String> {
        while self.world.next_at().is_some_and(|at| at <= due) {
            self.step()?;
        }
        self.pass_until(due)
    }

    fn pass_until(&mut self, due: Time) -> Result<(), String> {
        if self.world.now() > due {
            return Err(format!("it is {} already", Span(self.world.now().0 - self.start.0)));
        }
        self.world.pass_until(due);
        self.held.retain(|(until, ..)| *until > due);
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        self.world.step();
        self.look()
    }

    fn look(&mut self) -> Result<(), String> {
        if let Some(violation) = self.world.violation() {
            return Err(violation.to_string());
        }
        let now = self.world.now();
        self.held.retain(|(until, ..)| *until >= now);
        match self.held.iter().find(|(_, _, fact)| !fact.holds(&self.world, self.start)) {
            Some((_, line, _)) => Err(format!("\"{line}\" is no longer so")),
            None => Ok(()),
        }
    }

    fn failure(&self, line: &Line, reason: String) -> Failure {
        let now = self.world.now();
        let since = Time(now.0.saturating_sub(SHOWN_US)).max(self.start);
        Failure {
            line: line.to_string(),
            after_us: now.0 - self.start.0,
            reason,
            property: self.world.violation().map(|violation| violation.property),
            picture: self.world.picture(),
            transcript: self.world.transcript().text(since),
        }
    }
}
