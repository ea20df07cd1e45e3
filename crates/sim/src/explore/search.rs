//! The search: in depth, so that no more states are held than there are steps on the way.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use super::state::State;
use super::{Bounds, Counterexample, Explored, Step};

/// Tries everything within the bounds.
///
/// # Errors
/// The first way that was found to a state that must not be.
pub fn explore(bounds: &Bounds) -> Result<Explored, Counterexample> {
    explore_from(bounds, &[])
}

/// The same from the state that these steps lead to, which do not count for the depth.
///
/// # Errors
/// The first way that was found to a state that must not be; or one of these steps cannot be.
pub fn explore_from(bounds: &Bounds, steps: &[Step]) -> Result<Explored, Counterexample> {
    let mut begins = State::new(bounds);
    let mut search =
        Search { bounds: *bounds, seen: BTreeMap::new(), found: Explored::default(), way: Vec::new() };
    for step in steps {
        search.way.push(*step);
        let next = begins.steps(bounds).contains(step).then(|| begins.after(*step, bounds)).flatten();
        let Some(next) = next else { return Err(search.fails("this step cannot be")) };
        begins = next;
        if let Some(property) = &begins.violation {
            return Err(search.fails(property));
        }
    }
    search.visit(&mut begins, bounds.depth)?;
    Ok(search.found)
}

/// What happens on a way, step by step.
#[must_use]
pub fn tell(bounds: &Bounds, steps: &[Step]) -> String {
    let mut state = State::new(bounds);
    let mut text = String::new();
    for (step, number) in steps.iter().zip(1..) {
        text.push_str(&format!("{number:>3}  {step}\n"));
        state.told = Some(Vec::new());
        let Some(next) = state.after(*step, bounds) else {
            text.push_str("     this step cannot be\n");
            break;
        };
        state = next;
        for line in state.told.iter().flatten() {
            text.push_str(&format!("       {line}\n"));
        }
    }
    let violation = state.violation.unwrap_or_default();
    text + &violation
}

struct Search {
    bounds: Bounds,
    /// How many steps were left when a state was seen.
    seen: BTreeMap<u64, u32>,
    found: Explored,
    way: Vec<Step>,
}

impl Search {
    fn fails(&mut self, property: &str) -> Counterexample {
        Counterexample { property: property.into(), steps: core::mem::take(&mut self.way) }
    }

    fn visit(&mut self, state: &mut State, left: u32) -> Result<(), Counterexample> {
        let known = self.seen.entry(state.hash()).or_insert_with(|| {
            self.found.states += 1;
            u32::MAX
        });
        if *known != u32::MAX && *known >= left {
            return Ok(());
        }
        *known = left;
        if left == 0 || state.is_beyond(&self.bounds) {
            return Ok(());
        }
        for step in state.steps(&self.bounds) {
            if self.found.states >= self.bounds.states_max {
                self.found.is_cut_short = true;
                return Ok(());
            }
            let Some(mut next) = state.after(step, &self.bounds) else { continue };
            self.found.steps += 1;
            self.found.elections += u64::from(next.was_elected);
            self.found.promotions += u64::from(next.has_promoted);
            self.way.push(step);
            if let Some(property) = &next.violation {
                return Err(self.fails(property));
            }
            if left > 1 {
                self.visit(&mut next, left - 1)?;
            }
            self.way.pop();
        }
        Ok(())
    }
}
