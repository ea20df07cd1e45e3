//! Reading scenarios.

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::str::FromStr;

use picket_sansio::Millis;

use super::{
    Fact, LINES_MAX, Line, MOMENT_MAX_US, Moment, NODES_MAX, Scenario, ScenarioError, Setup, Start, Wrong,
};
use crate::script::{Action, ActionError, read_span};

/// What a line can begin with before the first time.
const BEFORE: &str = "title, seed, masters, redis, sentinels, quorum, down-after, failover-timeout, parallel-syncs, nodes, \
                      config, writer, start, at, by, through and look";
/// And behind it.
const BEHIND: &str = "at, by, through and look";

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario = Self { setup: Setup::default(), lines: Vec::new(), look: None };
        let mut number = 0;
        for line in text.lines() {
            number += 1;
            let wrong = |reason| ScenarioError { line: number, reason };
            if number as usize > LINES_MAX {
                return Err(wrong(Wrong::TooManyLines));
            }
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                scenario.read_line(line).map_err(wrong)?;
            }
        }
        scenario.check().map_err(|reason| ScenarioError { line: number, reason })?;
        Ok(scenario)
    }
}

impl Scenario {
    fn read_line(&mut self, line: &str) -> Result<(), Wrong> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        if self.look.is_some() {
            return Err(Wrong::AfterLook);
        }
        match word {
            "at" | "by" | "through" => {
                let line = read_event(word, rest)?;
                let last =
                    self.lines.iter().rev().find(|line| !matches!(line, Line::By(..) | Line::Through(..)));
                if let (Line::Do(..) | Line::At(..), Some(last)) = (&line, last)
                    && line.after_us() < last.after_us()
                {
                    return Err(Wrong::Order);
                }
                self.lines.push(line);
                Ok(())
            }
            "look" => {
                self.look = Some(read_moment(rest)?);
                Ok(())
            }
            _ if !self.lines.is_empty() => Err(Wrong::Word(word.to_string(), BEHIND)),
            _ => self.setup.read_line(word, rest),
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.setup.masters.saturating_mul(self.setup.redis) > NODES_MAX {
            return Err(Wrong::TooManyNodes);
        }
        if self.setup.sentinels == 0 && !self.setup.writers.is_empty() {
            return Err(ActionError::NoSentinels.into());
        }
        Ok(())
    }
}

impl Setup {
    fn read_line(&mut self, word: &str, rest: &str) -> Result<(), Wrong> {
        match word {
            "title" => self.title = rest.to_string(),
            "seed" => self.seed = rest.parse().map_err(|_| ActionError::Form("seed NUMBER"))?,
            "masters" => self.masters = read_count(word, rest, 1)?,
            "redis" => self.redis = read_count(word, rest, 1)?,
            "sentinels" => self.sentinels = read_count(word, rest, 0)?,
            "quorum" => self.quorum = read_count(word, rest, 1)?,
            "down-after" => self.down_after = read_millis(word, rest)?,
            "failover-timeout" => self.failover_timeout = read_millis(word, rest)?,
            "parallel-syncs" => self.parallel_syncs = read_count(word, rest, 1)?,
            "writer" => {
                if self.writers.len() >= NODES_MAX as usize {
                    return Err(Wrong::TooManyNodes);
                }
                self.writers.push(read_millis(word, rest)?);
            }
            "nodes" => {
                self.models = match rest {
                    "real" => false,
                    "model" => true,
                    _ => return Err(ActionError::Form("nodes real|model").into()),
                }
            }
            "config" => {
                let Some((whose, line)) = rest.split_once(char::is_whitespace) else {
                    return Err(ActionError::Form("config NODE|redis|sentinel DIRECTIVE [ARG...]").into());
                };
                self.config.push((whose.to_string(), line.trim().to_string()));
            }
            "start" => {
                self.start = match rest {
                    "settled" => Start::Settled,
                    "empty" => Start::Empty,
                    _ => return Err(ActionError::Form("start settled|empty").into()),
                }
            }
            _ => {
                return Err(Wrong::Word(word.to_string(), BEFORE));
            }
        }
        Ok(())
    }
}

fn read_event(word: &str, rest: &str) -> Result<Line, Wrong> {
    let form = || {
        ActionError::Form(match word {
            "at" => "at TIME ACTION|expect FACT",
            "by" => "by TIME expect FACT",
            _ => "through TIME expect FACT",
        })
    };
    let (time, what) = rest.split_once(char::is_whitespace).ok_or_else(form)?;
    let (moment, what) = (read_moment(time)?, what.trim());
    let fact = match what.split_once(char::is_whitespace) {
        Some(("expect", fact)) => Some(fact.trim().parse::<Fact>()?),
        _ => None,
    };
    let Some(fact) = fact else {
        if word != "at" {
            return Err(form().into());
        }
        return Ok(Line::Do(moment, what.parse::<Action>()?));
    };
    if moment.steps.is_some() {
        return Err(Wrong::StepsOfFact);
    }
    Ok(match word {
        "at" => Line::At(moment.after_us, fact),
        "by" => Line::By(moment.after_us, fact),
        _ => Line::Through(moment.after_us, fact),
    })
}

fn read_moment(text: &str) -> Result<Moment, Wrong> {
    let (span, steps) = match text.split_once('#') {
        Some((span, steps)) => {
            let steps = steps.parse().map_err(|_| Wrong::Steps(text.to_string()))?;
            (span, Some(steps))
        }
        None => (text, None),
    };
    let after_us = read_span(span)?;
    if after_us > MOMENT_MAX_US {
        return Err(Wrong::TooLate(text.to_string()));
    }
    Ok(Moment { after_us, steps })
}

fn read_count(word: &str, text: &str, min: u32) -> Result<u32, Wrong> {
    let count = text.parse().ok().filter(|count| (min..=NODES_MAX).contains(count));
    count.ok_or_else(|| Wrong::Count(word.to_string(), min))
}

fn read_millis(word: &str, text: &str) -> Result<Millis, Wrong> {
    let us = read_span(text)?;
    if us < 1_000 || us % 1_000 != 0 {
        return Err(Wrong::Millis(word.to_string()));
    }
    Ok(Millis(us / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_as_it_is_written() {
        let text = "\
title The master dies
seed 7
masters 2
redis 4
sentinels 5
quorum 3
down-after 500ms
failover-timeout 20s
parallel-syncs 2
nodes model
config redis-2 replica-priority 10
config sentinel sentinel deny-scripts-reconfig yes
writer 50ms
writer 1s
start empty
at 0s expect not whole
at 1500us kill redis-1
through 9s expect not event sentinel-1 +failover-end
by 4s expect agreed redis-2
at 4s#17 run redis-2 SET k \"two words\"
at 5s expect key redis-2 k \"two words\"
look 5s#18
";
        let scenario: Scenario = text.parse().expect("a scenario");
        assert_eq!(scenario.to_string(), text);
        assert_eq!(scenario.to_string().parse(), Ok(scenario));
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number() {
        let long = "\n".repeat(LINES_MAX + 1);
        for (text, line, wrong) in [
            ("redis 3\nsentinel 3", 2, "\"sentinel\" is not expected here: there are title, seed"),
            ("\n\nredis 65", 3, "redis wants a number from 1 to 64"),
            ("masters 9\nredis 9", 2, "at most 64 nodes of a kind"),
            ("sentinels 0\nwriter 1s", 2, "and there are none"),
            ("seed x", 1, "seed NUMBER"),
            ("down-after 1500us", 1, "whole milliseconds"),
            ("config redis-1", 1, "config is written"),
            ("at 1s", 1, "at is written"),
            ("by 1s kill redis-1", 1, "by is written"),
            ("at 1s explode redis-1", 1, "is no action"),
            ("at 1s expect happy", 1, "is no fact"),
            ("at 2h heal", 1, "is no span"),
            ("at 61m heal", 1, "an hour at most"),
            ("at 1s#x heal", 1, "a number of steps"),
            ("at 1s#1 expect whole", 1, "steps are counted only"),
            ("at 2s heal\nat 1s heal", 2, "in the order of their times"),
            ("at 2s heal\nredis 3", 2, "there are at, by, through and look"),
            ("look 2s\nat 3s heal", 2, "nothing follows"),
            (long.as_str(), 10_001, "at most 10000 lines"),
        ] {
            let error = text.parse::<Scenario>().expect_err(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(wrong), "{text}: {error}");
        }
    }
}
