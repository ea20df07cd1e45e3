//! `cargo xtask wasm-outputs`: every scenario has the same outputs natively and in WASM, to the byte. What runs in WASM is
//! compiled as the page is: by its profile, for size, with panics as traps; but with the feature `full`, as natively.
//!
//! The native hashes are made on the spot: they change whenever a core does, and say nothing but that.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use picket_sim::Scenario;
use picket_testkit::peers::{self, Peer};

use crate::steps::target_folder;
use crate::web;

/// Runs a program without imports, and ends with its exit code.
const SCRIPT: &str = "\
const bytes = require('fs').readFileSync(process.argv[1]);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
process.exit(exports.main(0, 0));
";

/// Runs all scenarios in both worlds and says whether they agree.
pub(crate) fn run(root: &Path) -> bool {
    let Some(node) = Peer::Node.find() else {
        println!("node was not found (Debian: {}): nothing is run in WASM", Peer::Node.debian_package());
        return !peers::in_ci();
    };
    let files = match scenarios(root) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("crates/sim/scenarios: {error}");
            return false;
        }
    };
    let Some(outputs) = run_natively(&files) else { return false };
    let web::AsPage { args, variables } = match web::AsPage::new(root) {
        Ok(found) => found,
        Err(why) => {
            eprintln!("{why}");
            return false;
        }
    };
    // Not with `steps::cargo`, which would print the scenarios.
    let built = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(args)
        .args(["--quiet", "-p", "picket-sim", "--example", "same_outputs"])
        .envs(variables)
        .env("PICKET_OUTPUTS", &outputs)
        .current_dir(root)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return false;
    }
    let program = web::built_folder(&target_folder(root)).join("examples/same_outputs.wasm");
    let status = Command::new(node).args(["-e", SCRIPT]).arg(&program).status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {
            println!("{} scenarios have the same outputs natively and in WASM", files.len());
            true
        }
        Ok(Some(code)) => {
            let file = usize::try_from(code).ok().and_then(|code| files.get(code.checked_sub(1)?));
            match file {
                Some((file, _)) => eprintln!("{}: other outputs in WASM", file.display()),
                None => eprintln!("WASM: the program ended with {code}, see above"),
            }
            false
        }
        other => {
            eprintln!("node: {other:?}");
            false
        }
    }
}

/// The files with their texts, in order.
fn scenarios(root: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("crates/sim/scenarios"))? {
        let file = entry?.path();
        let text = std::fs::read_to_string(&file)?;
        files.push((file, text));
    }
    files.sort();
    Ok(files)
}

/// Every scenario behind a line with the hash of its outputs.
fn run_natively(files: &[(PathBuf, String)]) -> Option<String> {
    let results = Mutex::new(vec![None; files.len()]);
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((file, text)) = files.get(index) else { break };
                    let result = text
                        .parse::<Scenario>()
                        .map_err(|error| error.to_string())
                        .and_then(|scenario| scenario.run().map_err(|failure| failure.to_string()));
                    match result {
                        Ok(world) => {
                            results.lock().expect("nobody panics with it")[index] =
                                Some(world.outputs_hash());
                        }
                        Err(error) => eprintln!("{}: {error}", file.display()),
                    }
                }
            });
        }
    });
    let mut outputs = String::new();
    for (hash, (_, text)) in results.into_inner().expect("nobody panics with it").iter().zip(files) {
        outputs.push_str(&format!("scenario {}\n", (*hash)?));
        // Comments may hold any word.
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            outputs.push_str(line);
            outputs.push('\n');
        }
    }
    Some(outputs)
}
