//! Finding a shorter scenario that fails in the same way.

use crate::scenario::{Line, Scenario};

/// A shorter scenario that still fails, by leaving out what is done before `until_us`. Each try is one run.
pub fn shrink(scenario: &Scenario, until_us: u64, mut fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    let mut shortest = scenario.clone();
    let count = |scenario: &Scenario| {
        scenario
            .lines
            .iter()
            .filter(|line| matches!(line, Line::Do(..)) && line.after_us() < until_us)
            .count()
    };
    let mut piece = count(&shortest).div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < count(&shortest) {
            let mut shorter = shortest.clone();
            let mut number = 0;
            shorter.lines.retain(|line| {
                if !matches!(line, Line::Do(..)) || line.after_us() >= until_us {
                    return true;
                }
                number += 1;
                !(from < number && number <= from + piece)
            });
            if fails(&shorter) {
                shortest = shorter;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    shortest
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::campaign::{FAULTY_US, Wanted, draw};

    #[test]
    fn shrinking_leaves_what_is_needed() {
        let scenario = draw(3, Wanted::default());
        let lines: Vec<Line> =
            scenario.lines.iter().filter(|line| line.after_us() < FAULTY_US).cloned().collect();
        let needed = [lines[3].clone(), lines[lines.len() / 2].clone(), lines[lines.len() - 1].clone()];
        let shortest =
            shrink(&scenario, FAULTY_US, |scenario| needed.iter().all(|line| scenario.lines.contains(line)));
        let left: Vec<&Line> = shortest.lines.iter().filter(|line| line.after_us() < FAULTY_US).collect();
        assert_eq!(left, needed.iter().collect::<Vec<_>>());
        let kept =
            |scenario: &Scenario| scenario.lines.iter().filter(|line| line.after_us() >= FAULTY_US).count();
        assert_eq!(kept(&shortest), kept(&scenario), "what mends and what is expected stays");
    }
}
