//! `cargo xtask bench`: what can be measured, and its arguments.
//!
//! `cores` are the criterion benches of the crates; `failover` and `node` compare whole processes with stock ones, in
//! one run, in turn.

#![allow(clippy::float_arithmetic, reason = "figures for people; nothing is decided by them")]

mod failover;
mod node;
mod report;
mod spread;
mod table;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::steps::cargo;

const LIST: &str = "\
What can be measured: cargo xtask bench <what>

  cores [NAME]      the criterion benches of the crates, all or those of which the name contains NAME
  failover [--runs N]
                    a failover with three sentinels of each kind, N times in turn (10 unless told)
  node [--rounds N] [--gb N] [--requests N] [--keys N] [--only NAME] [--picket PATH]
                    picket node beside redis-server (and valkey-server, if there is one on PATH or in
                    PICKET_VALKEY_SERVER), N rounds in turn (5 unless told): requests per second with one and with
                    sixteen in flight per client (--requests, 1000000), CPU time per request, memory for small keys
                    (--keys, 1000000), full sync of the same data (--gb, 1; fractions too) with the peak of memory,
                    each from its own kind and Picket from and to the others, and how fast a replica applies a
                    pipelined load. --only requests|memory|sync|apply measures one of them; --picket takes a
                    binary that is there instead of building one.
";

/// Packages with criterion benches.
const CORES: [&str; 5] =
    ["picket-resp", "picket-server-core", "picket-replication", "picket-rdb", "picket-node-core"];

/// Runs `bench` with the arguments after it. None if they make no sense, which has been said.
pub(crate) fn run(root: &Path, args: &[&str]) -> Option<bool> {
    match args {
        [] => {
            print!("{LIST}");
            Some(true)
        }
        ["cores"] => Some(cores(root, None)),
        ["cores", name] if !name.starts_with('-') => Some(cores(root, Some(name))),
        ["failover", rest @ ..] => {
            let options = Options::parse(rest, &["--runs"])?;
            Some(failover::failover(root, options.number("--runs", failover::RUNS)?))
        }
        ["node", rest @ ..] => {
            let options =
                Options::parse(rest, &["--rounds", "--gb", "--requests", "--keys", "--only", "--picket"])?;
            let tables = node::run(root, &node::Plan::of(&options)?);
            Some(tables.is_some_and(|tables| report::publish(root, "node", rest, &tables)))
        }
        other => {
            eprintln!("no such bench: {}\n\n{LIST}", other.join(" "));
            None
        }
    }
}

fn cores(root: &Path, name: Option<&str>) -> bool {
    let mut args = vec!["bench", "--bench", "*"];
    args.extend(CORES.iter().flat_map(|package| ["-p", package]));
    args.extend(["--", "--noplot"]);
    args.extend(name);
    cargo(root, &args, &[])
}

/// Builds Picket as it is shipped. None if that fails.
fn release_binary(root: &Path) -> Option<PathBuf> {
    if !cargo(root, &["build", "--release", "-p", "picket-daemon"], &[]) {
        return None;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Some(root.join(target).join("release").join("picket"))
}

/// `--name value` pairs.
struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn parse(args: &[&'a str], known: &[&str]) -> Option<Self> {
        let mut pairs = Vec::new();
        for pair in args.chunks(2) {
            match pair {
                [name, value] if known.contains(name) => pairs.push((*name, *value)),
                _ => {
                    eprintln!("expected {} with a value each, not {}", known.join(", "), pair.join(" "));
                    return None;
                }
            }
        }
        Some(Self(pairs))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// A number greater than zero.
    fn number<T: FromStr + PartialOrd + Default>(&self, name: &str, default: T) -> Option<T> {
        let Some(text) = self.text(name) else { return Some(default) };
        let number = text.parse().ok().filter(|number| *number > T::default());
        if number.is_none() {
            eprintln!("{name} takes a number greater than zero, not {text}");
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_pairs_and_the_last_one_counts() {
        let options = Options::parse(&["--runs", "3", "--gb", "0.5", "--runs", "4"], &["--runs", "--gb"]);
        let options = options.expect("both are known");
        assert_eq!(options.number("--runs", 10), Some(4));
        assert_eq!(options.number("--gb", 1.0), Some(0.5));
        assert_eq!(options.number("--rounds", 5), Some(5));
        assert_eq!(options.text("--rounds"), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(Options::parse(&["--runs"], &["--runs"]).is_none());
        assert!(Options::parse(&["--walk", "1"], &["--runs"]).is_none());
        let options = Options::parse(&["--runs", "0", "--gb", "-1"], &["--runs", "--gb"]).expect("known");
        assert_eq!(options.number("--runs", 10), None);
        assert_eq!(options.number("--gb", 1.0), None);
    }
}
