//! Picket's chores, behind one entrance: `cargo xtask <chore>`.

mod bench;
mod e2e;
mod sim;
mod steps;
mod test;
mod tidy;
mod wasm_outputs;
mod web;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Picket's chores: cargo xtask <chore>

  test       everything CI runs: rules, format, clippy, docs, WASM build of the cores, doc tests, unit and
             integration tests. Says which peers it found (redis-server, redis-sentinel, ...) and what is
             skipped without them; with CI=true a missing peer is a failure.
  tidy       the repository's rules alone. `tidy --list` names them with their reasons.
  control    the integration tests with the stock redis-sentinel in Picket's place, which shows that the
             tests are right about what a sentinel does.
  bench      measures every area (resp, backlog, node, failover, idle, ...) beside stock programs, in turn, and writes
             BENCHMARKS.md; `bench idle` one of them, `--quick` in less time, `bench --help` lists all.
  sim        random worlds of Sentinels, data nodes and faults, in virtual time: `sim --seeds 1000`, `sim --minutes
             10 --nodes real`; a failure is shrunk to a short scenario. `sim --scenario FILE` runs one of
             crates/sim/scenarios and tells what happens in it.
  web        builds the page (the playground) into target/web and prints what it weighs; `--serve [ADDR]` serves it
             on this machine, at 127.0.0.1:8080 if nothing else is said.
  demo       builds the page, builds picket with it, and runs `picket demo`; what stands behind goes to it. With
             --kill-master it ends after the story, for which no page is built.
  e2e        builds the page and has a real Chromium play with it, by way of node and npm; pictures of it are left
             in target/e2e. `e2e checks access` runs these parts alone; there are checks, lessons, access, pictures,
             figures.
  wasm-outputs  runs every scenario natively and, by way of node, in WASM: their outputs must be the same.
  help       this text

Environment:
  PICKET_REDIS_SERVER, PICKET_REDIS_SENTINEL   programs to test against, instead of those on PATH
  PICKET_CHROMIUM, PICKET_NODE, PICKET_NPM     what e2e runs, likewise
  PICKET_TEST_KEEP=1                           keep the temporary folders of tests
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let passed = match args.as_slice() {
        ["test"] => test::run(&root()),
        ["control"] => test::control(&root()),
        ["bench", rest @ ..] => match bench::run(&root(), rest) {
            Some(passed) => passed,
            None => return ExitCode::from(2),
        },
        ["sim", rest @ ..] => match sim::run(rest) {
            Some(passed) => passed,
            None => return ExitCode::from(2),
        },
        [] | ["help" | "--help" | "-h"] | [_, "--help" | "-h"] => {
            print!("{HELP}");
            true
        }
        ["web", rest @ ..] => match web::run(&root(), rest) {
            Some(passed) => passed,
            None => return ExitCode::from(2),
        },
        ["demo", rest @ ..] => demo(&root(), rest),
        ["e2e", parts @ ..] => match e2e::run(&root(), parts) {
            Some(passed) => passed,
            None => return ExitCode::from(2),
        },
        ["wasm-outputs"] => wasm_outputs::run(&root()),
        ["tidy"] => tidy::run(&root()),
        ["tidy", "--list"] => {
            tidy::list();
            true
        }
        other => {
            eprintln!("no such chore: {}\n\n{HELP}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `picket demo` with the page in it, unless it ends after the story.
fn demo(root: &Path, args: &[&str]) -> bool {
    let run = ["run", "--release", "--package", "picket-daemon", "--bin", "picket", "--", "demo"];
    let needs_page = !args.contains(&"--kill-master") || args.contains(&"--http");
    println!(
        "demo: builds {}picket; five to ten minutes the first time, on two cores",
        if needs_page { "the page and " } else { "" }
    );
    (!needs_page || web::run(root, &[]).unwrap_or(false))
        && steps::become_cargo(root, &[&run[..], args].concat())
}

/// The workspace's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
