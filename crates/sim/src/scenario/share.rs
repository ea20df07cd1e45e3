//! From a scenario to a world that can be looked at forwards and backwards, and back to a text.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Line, Scenario, Setup};
use crate::timeline::Timeline;
use crate::transcript::Detail;

impl Scenario {
    /// A scenario in which nothing happens by itself.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self { setup, lines: Vec::new(), look: None }
    }

    /// The world with everything that is done to it, at the moment to look at first. What is expected is left out.
    ///
    /// # Errors
    /// Why the world cannot begin, or something cannot be done.
    pub fn timeline(&self, detail: Detail) -> Result<Timeline, String> {
        let mut timeline = Timeline::new(self.setup.build(detail)?);
        for line in &self.lines {
            if let Line::Do(moment, action) = line {
                timeline.seek_moment(*moment);
                timeline.inject(action.clone()).map_err(|error| alloc::format!("\"{line}\": {error}"))?;
            }
        }
        match self.look {
            Some(moment) => timeline.seek_moment(moment),
            None => timeline.seek(timeline.beginning()),
        }
        Ok(timeline)
    }

    /// The scenario of a timeline that began with this setup: what was done in its branch, and the moment that is
    /// looked at.
    #[must_use]
    pub fn of(setup: Setup, timeline: &Timeline) -> Self {
        let lines =
            timeline.deeds().iter().map(|deed| Line::Do(timeline.moment_of(deed), deed.action.clone()));
        Self { setup, lines: lines.collect::<Vec<_>>(), look: Some(timeline.moment()) }
    }
}
