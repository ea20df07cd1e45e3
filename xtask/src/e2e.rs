//! `cargo xtask e2e`: builds the page, serves it on this machine, and has a real browser play with it.
//!
//! The checks are JavaScript (`web/e2e`), because what drives browsers and what judges accessibility is. They run in
//! a copy in the target folder, so that npm puts nothing into the source tree; what they saw stays there as pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use picket_testkit::peers::Peer;

use crate::steps::target_folder;
use crate::web;

/// Programs without which nothing can be checked.
pub(crate) const NEEDED: [Peer; 3] = [Peer::Chromium, Peer::Node, Peer::Npm];
/// How long the whole run may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// How often it is looked whether the run has ended.
const POLL: Duration = Duration::from_millis(50);
/// What npm needs to install the same as everywhere.
const LOCK: &str = "package-lock.json";
/// Written when npm has installed what the lock says: a copy of the lock.
const INSTALLED: &str = "installed.json";

/// What it is made of, in its order (`web/e2e/run.mjs`).
const PARTS: [&str; 5] = ["checks", "lessons", "access", "pictures", "figures"];

/// Builds the page and runs all checks, or those parts that are named; none if one of them does not exist.
pub(crate) fn run(root: &Path, parts: &[&str]) -> Option<bool> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        eprintln!("e2e has no part {unknown}; there are {}", PARTS.join(", "));
        return None;
    }
    let result = programs().and_then(|programs| {
        let page = web::build(root)?;
        let folder = prepare(root, &programs)?;
        let server = web::Server::start(page)?;
        let url = format!("http://{}/", server.addr());
        println!("{url}, pictures in {}", folder.display());
        let child = Command::new(&programs.node)
            .arg("run.mjs")
            .args(parts)
            .env("PICKET_CHROMIUM", &programs.chromium)
            .env("PICKET_E2E_URL", url)
            .env("PICKET_E2E_FOLDER", &folder)
            .current_dir(&folder)
            .spawn();
        wait(child.map_err(|error| format!("node cannot be run: {error}"))?, DEADLINE)
    });
    if let Err(why) = &result {
        println!("e2e: {why}");
    }
    Some(result.is_ok())
}

struct Programs {
    chromium: PathBuf,
    node: PathBuf,
    npm: PathBuf,
}

fn programs() -> Result<Programs, String> {
    let find = |peer: Peer| {
        let missing =
            || format!("{peer} is missing: install {}, or set {}", peer.debian_package(), peer.variable());
        peer.find().ok_or_else(missing)
    };
    Ok(Programs { chromium: find(Peer::Chromium)?, node: find(Peer::Node)?, npm: find(Peer::Npm)? })
}

/// A folder with the checks and what they need, and without pictures of older runs.
fn prepare(root: &Path, programs: &Programs) -> Result<PathBuf, String> {
    let (source, folder) = (root.join("web/e2e"), target_folder(root).join("e2e"));
    let copied = (|| {
        fs::create_dir_all(&folder)?;
        for old in fs::read_dir(&folder)? {
            let old = old?.path();
            if old.extension().is_some_and(|ending| ending == "png" || ending == "mjs") {
                fs::remove_file(old)?;
            }
        }
        for file in fs::read_dir(&source)? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), folder.join(file.file_name()))?;
            }
        }
        fs::read(folder.join(LOCK))
    })();
    let lock = copied.map_err(|error: io::Error| format!("{}: {error}", folder.display()))?;
    let installed = folder.join(INSTALLED);
    if fs::read(&installed).is_ok_and(|before| before == lock) {
        return Ok(folder);
    }
    let npm = Command::new(&programs.npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status();
    match npm {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("npm ci failed: {status}")),
        Err(error) => return Err(format!("npm cannot be run: {error}")),
    }
    fs::write(&installed, lock).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(folder)
}

/// Waits for a process, and ends it when its time is over. The browser ends with it: it hangs on a pipe of its.
fn wait(mut child: Child, limit: Duration) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| format!("the run cannot be waited for: {error}"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("the run failed: {status}")),
            None if start.elapsed() < limit => std::thread::park_timeout(POLL),
            None => {
                // It may have ended by itself in between.
                let _: io::Result<()> = child.kill();
                let _: io::Result<_> = child.wait();
                return Err(format!("the run did not end within {} s", limit.as_secs()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Child {
        Command::new("sh").args(["-c", line]).spawn().expect("there is a shell")
    }

    #[test]
    fn parts_are_those_of_the_run() {
        let run = include_str!("../../web/e2e/run.mjs");
        assert!(run.contains(&format!("const PARTS = {{ {} }};", PARTS.join(", "))), "{PARTS:?}");
        assert_eq!(super::run(Path::new("."), &["checks", "no-such-part"]), None);
    }

    #[test]
    fn a_run_that_hangs_is_ended() {
        let why = wait(shell("exec cat /dev/zero > /dev/null"), Duration::from_millis(100));
        assert!(why.expect_err("it hangs").contains("did not end"));
    }

    #[test]
    fn a_run_that_fails_is_a_failure() {
        assert!(wait(shell("exit 3"), DEADLINE).is_err());
        assert_eq!(wait(shell("exit 0"), DEADLINE), Ok(()));
    }
}
