//! `cargo xtask bench`: what can be measured, and its arguments.
//!
//! Each area returns tables; `report` prints them and puts them together as BENCHMARKS.md. Whole processes are compared
//! with stock ones in one run, in turn.

#![allow(clippy::float_arithmetic, reason = "figures for people; nothing is decided by them")]

mod counts;
mod failover;
mod idle;
mod known;
mod loss;
mod micro;
mod node;
mod process;
mod report;
mod scale;
mod spread;
mod table;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::steps::{cargo, target_folder};
use table::Table;

const LIST: &str = "\
What can be measured: cargo xtask bench [AREA] [--quick]

Without an area all of them, which takes an hour or two; with --quick minutes, for less certain figures. Each area
prints its table (ours, the others', how they compare, the limit), keeps it in target/bench/<area>.md (failover --p99,
scale --full and scale --real in files of their own), and writes its section of BENCHMARKS.md, with machine, date, versions
and commands. Parts of an area (--only, --sigstop, --alone, --peer none, one size of scale) are printed, and leave that
file alone. Who is not installed is not compared with, and the table says so.

  resp              requests and replies: criterion benches of picket-resp and picket-server-core
  backlog           the replication backlog, and the replica's side: those of picket-replication
  counts            instructions of small operations, and of a second of a Sentinel with 500 masters, counted by
                    callgrind (valgrind must be installed): what the clock of a busy machine cannot tell
  node [--rounds N] [--gb N] [--requests N] [--keys N] [--only NAME] [--picket PATH]
                    picket node beside redis-server (and valkey-server, if there is one on PATH or in
                    PICKET_VALKEY_SERVER), N rounds in turn (5 unless told): requests per second with one and with
                    sixteen in flight per client (--requests, 1000000), CPU time per request, memory for small keys
                    (--keys, 1000000), full sync of the same data (--gb, 1; fractions too) with the peak of memory,
                    each from its own kind and Picket from and to the others, and how fast a replica applies a
                    pipelined load. --only requests|memory|sync|apply measures one of them; --picket takes a
                    binary that is there instead of building one.
  failover [--peer redis-sentinel|none] [--runs N] [--leader-runs N] [--sigstop] [--only NAME] [--picket PATH]
                    failovers with three Sentinels of each kind and real redis-servers, N times in turn (10 unless
                    told): each phase from the death of the master to the first write, after kill -9 and after
                    SIGSTOP (--sigstop: only that), and with the leader killed in each state (--leader-runs, 3).
                    --only kill|sigstop|leader measures one of them.
  failover --p99 [--runs N] [--peer redis-sentinel|none] [--picket PATH]
                    a hundred kills (or N) of Picket alone unless told, so that one in a hundred can be told
  idle [--masters N] [--replicas N] [--sentinels N] [--seconds N] [--rounds N] [--picket PATH]
                    what Sentinels cost while nothing happens: three (--sentinels) with 500 masters and two replicas
                    each, fake ones on loopback, for a minute, twice, stock and Picket in turn
  loss [--peer redis-sentinel|none] [--runs N] [--only NAME,...] [--picket PATH]
                    acknowledged writes that are gone after a failover, and how long none was acknowledged, under a steady
                    load, stock and Picket in turn: kill -9 with one replica behind (kill), SIGSTOP for a while (sigstop),
                    a master that only its clients reach (partition), SENTINEL FAILOVER (failover), with one replica behind
                    (behind) and the other slow to answer (late), and COORDINATED (coordinated); five times each unless
                    told

  scale [--full] [--alone] [--sentinels N] [--masters N] [--seeds N]
                    many masters that die within 100 ms, in the simulator: how many are replaced by the first election,
                    and how long it takes; Picket, the model of a stock Sentinel, and quorums of both. --alone: Picket
                    by itself. --full: 17 Sentinels with 400 masters and 5 with 1725, alone. A few minutes each.
  scale --real [--sentinels N] [--masters N] [--seeds N] [--picket PATH]
                    the same with processes, five with 100 masters unless told: fake servers on loopback, stock and
                    Picket in turn. TMPDIR=/dev/shm keeps config files in memory.

  cores [NAME]      the criterion benches of all crates, or those of which the name contains NAME, without a table
";

/// Packages with criterion benches.
const CORES: [&str; 5] =
    ["picket-resp", "picket-server-core", "picket-replication", "picket-rdb", "picket-node-core"];

/// Runs `bench` with the arguments after it. None if they make no sense, which has been said.
pub(crate) fn run(root: &Path, args: &[&str]) -> Option<bool> {
    let quick = args.contains(&"--quick");
    let others: Vec<&str> = args.iter().copied().filter(|arg| *arg != "--quick").collect();
    // No Sentinel and no server goes on without the bench.
    picket_testkit::process::end_children_on_signals();
    match others.as_slice() {
        ["help"] | [.., "--help" | "-h"] => {
            print!("{LIST}");
            Some(true)
        }
        ["cores"] => Some(cores(root, None)),
        ["cores", name] if !name.starts_with('-') => Some(cores(root, Some(name))),
        [] => {
            // Every area is measured, also after one has failed. The largest sizes are nothing quick.
            let wanted =
                report::AREAS.iter().filter(|area| !(quick && matches!(area.flag, Some("--full" | "--p99"))));
            let measured: Vec<bool> =
                wanted.map(|one| area(root, one.name, one.flag.as_slice(), quick).unwrap_or(false)).collect();
            Some(!measured.contains(&false))
        }
        [name, rest @ ..] => area(root, name, rest, quick),
    }
}

/// Measures an area and publishes what came of it. None if the arguments make no sense, which has been said.
fn area(root: &Path, name: &str, args: &[&str], quick: bool) -> Option<bool> {
    let Some(report::Area { run, .. }) = report::AREAS.iter().find(|area| area.name == name) else {
        eprintln!("no such bench: {name}\n\n{LIST}");
        return None;
    };
    let tables = run(root, args, quick)?;
    let shown = [args, if quick { &["--quick"] } else { &[] }].concat();
    Some(tables.is_some_and(|tables| report::publish(root, name, &shown, &tables)))
}

/// Measures an area with its arguments, quickly or well. None if they make no sense, `Some(None)` if nothing could be
/// measured; either has been said.
type Run = fn(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>>;

fn resp(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    Options::parse(args, &[])?;
    Some(micro::run(root, "Parsing and writing", &["picket-resp", "picket-server-core"], quick))
}

fn backlog(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    Options::parse(args, &[])?;
    Some(micro::run(root, "Appending and feeding", &["picket-replication"], quick))
}

fn counts(root: &Path, args: &[&str], _quick: bool) -> Option<Option<Vec<Table>>> {
    Options::parse(args, &[])?;
    Some(counts::run(root))
}

fn node(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    Some(node::run(root, &node::Plan::of(&Options::parse(args, &node::OPTIONS)?, quick)?))
}

fn failover(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    let (flags, pairs): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| failover::FLAGS.contains(arg));
    let options = Options::parse(&pairs, &failover::OPTIONS)?;
    Some(failover::run(root, &failover::Plan::of(&options, &flags, quick)?))
}

fn loss(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    Some(loss::run(root, &loss::Plan::of(&Options::parse(args, &loss::OPTIONS)?, quick)?))
}

fn scale(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    let (flags, pairs): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| scale::FLAGS.contains(arg));
    let options = Options::parse(&pairs, &scale::OPTIONS)?;
    Some(scale::run(root, &scale::Plan::of(&options, &flags, quick)?))
}

fn idle(root: &Path, args: &[&str], quick: bool) -> Option<Option<Vec<Table>>> {
    Some(idle::run(root, &idle::Plan::of(&Options::parse(args, &idle::OPTIONS)?, quick)?))
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
    Some(target_folder(root).join("release").join("picket"))
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
                    let known = if known.is_empty() {
                        "no arguments".to_owned()
                    } else {
                        known.join(", ") + " with a value each"
                    };
                    eprintln!("expected {known}, not {}", pair.join(" "));
                    return None;
                }
            }
        }
        Some(Self(pairs))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// The binary that `--picket` names, from the root on: every process has a folder of its own. None if there is no
    /// such file, which has been said; `Some(None)` if none is named.
    fn picket(&self) -> Option<Option<PathBuf>> {
        let Some(text) = self.text("--picket") else { return Some(None) };
        // A link stays a link: what it is called says what it is to be.
        let path = std::path::absolute(text).ok().filter(|path| path.is_file());
        if path.is_none() {
            eprintln!("--picket takes the path of a binary, and there is no file {text}");
        }
        path.map(Some)
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
    fn a_binary_is_named_from_the_root_on_and_must_be_there() {
        let picket = |args: &[&str]| Options::parse(args, &["--picket"]).expect("known").picket();
        assert_eq!(picket(&[]), Some(None));
        let here =
            picket(&["--picket", "./Cargo.toml"]).flatten().expect("tests run beside their Cargo.toml");
        assert!(here.is_absolute() && here.ends_with("Cargo.toml"), "{}", here.display());
        assert_eq!(picket(&["--picket", "target/no-such-binary"]), None);
        assert_eq!(picket(&["--picket", "src"]), None, "a folder");
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
