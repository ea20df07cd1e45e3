//! Steps of a chore: a heading, a time, and an account of which failed.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

struct Done {
    name: &'static str,
    passed: bool,
    took: Duration,
}

/// The steps so far. Every step is run, also after one has failed.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

impl Steps {
    /// Runs one step under its heading.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> bool) {
        println!("\n=== {name}");
        let start = Instant::now();
        let passed = step();
        let took = start.elapsed();
        self.done.push(Done { name, passed, took });
        if !passed {
            println!("--- {name}: FAILED after {took:.1?}");
        }
    }

    /// One line per step.
    pub(crate) fn print_times(&self) {
        for Done { name, passed, took } in &self.done {
            let word = if *passed { "ok" } else { "FAILED" };
            println!("  {name:<44} {word:<6} {:>6} ms", took.as_millis());
        }
    }

    /// Whether all passed; says which did not.
    pub(crate) fn finish(&self) -> bool {
        let failed: Vec<_> = self.done.iter().filter(|step| !step.passed).map(|step| step.name).collect();
        if !failed.is_empty() {
            println!();
            self.print_times();
            println!("\nFAILED: {}", failed.join(", "));
        }
        failed.is_empty()
    }
}

/// Runs a program in `root` and says whether it succeeded.
pub(crate) fn program(root: &Path, program: &str, args: &[&str], variables: &[(&str, &str)]) -> bool {
    let shown: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value:?} ")).collect();
    println!("$ {}{program} {}", shown.concat(), args.join(" "));
    let status = Command::new(program).args(args).envs(variables.iter().copied()).current_dir(root).status();
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            println!("{program} cannot be run: {error}");
            false
        }
    }
}

/// `cargo` with `args`.
pub(crate) fn cargo(root: &Path, args: &[&str], variables: &[(&str, &str)]) -> bool {
    program(root, &this_cargo(), args, variables)
}

/// `cargo` with `args` in place of this process, so that signals and the exit code are those of what it runs. Comes back
/// only if there is no cargo.
pub(crate) fn become_cargo(root: &Path, args: &[&str]) -> bool {
    let cargo = this_cargo();
    println!("$ {cargo} {}", args.join(" "));
    let error = Command::new(&cargo).args(args).current_dir(root).exec();
    println!("{cargo} cannot be run: {error}");
    false
}

/// The cargo that runs this xtask, so that the toolchain is the same.
fn this_cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Where cargo puts what it makes.
pub(crate) fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// Whether `program args` exists and succeeds, quietly.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}
