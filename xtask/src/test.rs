//! `cargo xtask test`: everything CI runs. The tests come last, so that their runner has the last word.

use std::path::Path;

use picket_testkit::peers::{self, Peer};

use crate::steps::{Steps, cargo, succeeds};
use crate::{e2e, tidy, wasm_outputs, web};

/// Peers without which tests are skipped here and fail in CI.
const NEEDED: [Peer; 5] =
    [Peer::RedisServer, Peer::RedisSentinel, e2e::NEEDED[0], e2e::NEEDED[1], e2e::NEEDED[2]];

/// Integration tests wait more than they compute.
const THREADS: &str = "6";

/// Runs all steps and says whether all passed.
pub(crate) fn run(root: &Path) -> bool {
    let mut steps = Steps::default();
    let locked: &[&str] = if peers::in_ci() { &["--locked"] } else { &[] };
    let with = |args: &[&'static str]| -> Vec<&str> { [args, locked].concat() };

    steps.run("peers", report_peers);
    steps.run("repository rules", || tidy::run(root));
    steps.run("format", || cargo(root, &["fmt", "--all", "--check"], &[]));
    steps.run("clippy", || {
        let mut args = with(&["clippy", "--workspace", "--all-targets"]);
        args.extend(["--", "-D", "warnings"]);
        cargo(root, &args, &[])
    });
    steps.run("documentation", || {
        let args = with(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
        cargo(root, &args, &[("RUSTDOCFLAGS", "-D warnings")])
    });
    steps.run("WASM build of the cores", || build_wasm(root, locked));
    steps.run("clippy of the page", || {
        let mut args = with(&["clippy", "--package", "picket-web", "--target", web::TARGET]);
        args.extend(["--", "-D", "warnings"]);
        web::add_target(root) && cargo(root, &args, &[])
    });
    steps.run("a data node without what the page leaves out", || {
        let what = ["test", "--package", "picket-node-core", "--no-default-features", "--test", "left_out"];
        cargo(root, &with(&what), &[])
    });
    steps.run("the same outputs natively and in WASM", || wasm_outputs::run(root));
    steps.run("doc tests", || cargo(root, &with(&["test", "--workspace", "--doc"]), &[]));
    steps.run("the page in a browser", || match peers::missing(&e2e::NEEDED) {
        missing if missing.is_empty() || peers::in_ci() => e2e::run(root, &[]) == Some(true),
        missing => {
            missing.iter().for_each(|peer| println!("SKIPPED: {peer} is missing"));
            true
        }
    });
    println!("\nSo far:");
    steps.print_times();
    steps
        .run("unit and integration tests", || run_tests(root, &with(&["--workspace", "--all-targets"]), &[]));
    steps.finish()
}

/// Runs the integration tests of the daemon with stock in Picket's place.
pub(crate) fn control(root: &Path) -> bool {
    let mut steps = Steps::default();
    steps.run("peers", report_peers);
    steps.run("integration tests with stock", || {
        run_tests(root, &["-p", "picket-daemon", "--test", "sentinel"], &[("PICKET_TEST_PROGRAM", "stock")])
    });
    steps.finish()
}

fn run_tests(root: &Path, what: &[&str], variables: &[(&str, &str)]) -> bool {
    let runner: &[&str] = if succeeds("cargo", &["nextest", "--version"]) {
        &["nextest", "run"]
    } else {
        println!("(cargo-nextest was not found: cargo test runs them)");
        &["test", "--no-fail-fast"]
    };
    let variables = [variables, &[("RUST_TEST_THREADS", THREADS)]].concat();
    cargo(root, &[runner, what].concat(), &variables)
}

/// Says what was found and what is skipped therefore.
fn report_peers() -> bool {
    let mut passed = true;
    for peer in Peer::ALL {
        match peer.find() {
            Some(path) => {
                let version = peer.version().unwrap_or_else(|| "version unknown".to_owned());
                println!("{:<16} {} ({version})", peer.to_string(), path.display());
            }
            None => {
                println!("{:<16} MISSING (Debian: {})", peer.to_string(), peer.debian_package());
                println!("{:<16} skipped therefore: {}", "", peer.skipped_without());
                passed &= !(peers::in_ci() && NEEDED.contains(&peer));
            }
        }
    }
    if !passed {
        println!("CI=true: a peer that tests need must not be missing");
    }
    passed
}

fn build_wasm(root: &Path, locked: &[&str]) -> bool {
    if !web::add_target(root) {
        return false;
    }
    let packages = tidy::core_packages(root);
    let mut args = vec!["build", "--target", web::TARGET];
    for package in &packages {
        args.extend(["-p", package.as_str()]);
    }
    args.extend(locked);
    cargo(root, &args, &[])
}
