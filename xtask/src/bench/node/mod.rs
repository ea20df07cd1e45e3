//! `cargo xtask bench node`: `picket node` and stock servers beside each other, on this machine, in one run.
//!
//! Every measure is taken of each kind in turn, round after round, so that a busy minute of the machine hits all. What
//! a process used of the processor is told besides the time by the clock: it depends less on who else is running.

mod apply;
mod contender;
mod fill;
mod memory;
mod requests;
mod sync;

use std::path::{Path, PathBuf};

use picket_testkit::peers::Peer;

use super::table::Table;
use super::{Options, release_binary};
use contender::Contender;

/// What is measured, and how much of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    rounds: usize,
    /// Size of the data set of full syncs.
    gb: f64,
    /// Requests of a run with sixteen in flight; a tenth with one.
    requests: u64,
    /// Keys of which the memory is measured.
    keys: u64,
    only: Option<Part>,
    /// A binary of Picket instead of the one that is built now.
    picket: Option<PathBuf>,
}

/// The arguments of [`Plan::of`].
pub(super) const OPTIONS: [&str; 6] = ["--rounds", "--gb", "--requests", "--keys", "--only", "--picket"];

/// Bytes of a mebibyte.
const MIB: f64 = 1024.0 * 1024.0;

/// A group of measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Requests,
    Memory,
    Apply,
    Sync,
}

impl Part {
    const ALL: [(&'static str, Self); 4] = [
        ("requests", Self::Requests),
        ("memory", Self::Memory),
        ("apply", Self::Apply),
        ("sync", Self::Sync),
    ];
}

impl Plan {
    /// What the arguments ask for. None if they make no sense, which has been said.
    pub(super) fn of(options: &Options<'_>, quick: bool) -> Option<Self> {
        let (rounds, gb, requests) = if quick { (1, 0.1, 200_000) } else { (5, 1.0, 1_000_000) };
        let only = match options.text("--only") {
            None => None,
            Some(name) => {
                let part = Part::ALL.iter().find(|(known, _)| *known == name);
                if part.is_none() {
                    eprintln!("--only takes requests, memory, sync or apply, not {name}");
                }
                Some(part?.1)
            }
        };
        Some(Self {
            rounds: options.number("--rounds", rounds)?,
            gb: options.number("--gb", gb)?,
            requests: options.number("--requests", requests)?,
            keys: options.number("--keys", 1_000_000)?,
            only,
            picket: options.picket()?,
        })
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

/// Builds the release binary and measures everybody.
pub(super) fn run(root: &Path, plan: &Plan) -> Option<Vec<Table>> {
    let picket = plan.picket.clone().or_else(|| release_binary(root))?;
    let contenders = Contender::all(&picket);
    let names: Vec<_> = contenders.iter().map(|contender| contender.name).collect();
    let mut table = Table::new("picket node beside stock servers", &names);
    for round in 1..=plan.rounds {
        println!("round {round} of {}", plan.rounds);
        if plan.wants(Part::Requests) && Peer::RedisBenchmark.find().is_some() {
            requests::measure(&contenders, plan.requests, &mut table);
        }
        if plan.wants(Part::Memory) {
            memory::measure(&contenders, plan.keys, &mut table);
        }
        if plan.wants(Part::Apply) {
            apply::measure(&contenders, plan.requests, &mut table);
        }
        if plan.wants(Part::Sync) {
            sync::measure(&contenders, plan.gb, &mut table);
        }
    }
    table.condition(format!("{} rounds, in turn", plan.rounds));
    table.condition(
        "limits: memory as large as the keys and values themselves, and a sync as long as their bytes take through a loopback \
         socket, from a thread that does nothing else to another",
    );
    for contender in &contenders {
        table.condition(format!("{}: {}", contender.name, contender.version));
    }
    missing(&contenders).into_iter().for_each(|line| table.note(line));
    Some(vec![table])
}

/// What cannot be measured, and why.
fn missing(contenders: &[Contender]) -> Vec<String> {
    let mut lines = Vec::new();
    if contenders.len() == 1 {
        lines.push(format!(
            "Nobody to compare with: {} was not found (apt-get install {}).",
            Peer::RedisServer,
            Peer::RedisServer.debian_package()
        ));
    }
    if Peer::RedisBenchmark.find().is_none() {
        lines.push(format!(
            "No requests per second: {} was not found (apt-get install {}).",
            Peer::RedisBenchmark,
            Peer::RedisBenchmark.debian_package()
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &[&str]) -> Option<Plan> {
        Plan::of(&Options::parse(args, &OPTIONS)?, false)
    }

    #[test]
    fn a_plan_measures_everything_unless_told() {
        let all = plan(&[]).expect("nothing is asked for");
        assert!(Part::ALL.iter().all(|(_, part)| all.wants(*part)));
        assert_eq!((all.rounds, all.requests, all.keys), (5, 1_000_000, 1_000_000));
        let some = plan(&["--only", "sync", "--gb", "0.25"]).expect("known words");
        assert!(some.wants(Part::Sync) && !some.wants(Part::Requests));
        assert_eq!(some.gb, 0.25);
        assert_eq!(plan(&["--only", "everything"]), None);
        assert_eq!(plan(&["--rounds", "none"]), None);
    }
}
