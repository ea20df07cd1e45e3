//! Compiling the page as small as it gets.
//!
//! The standard library comes as it was compiled for speed, with all that a panic says. Where its source is at hand
//! (rustup's component `rust-src`) it is compiled for size along with the page, and a panic is a trap: that is a sixth of the page. Cargo
//! calls this unstable, which is why `RUSTC_BOOTSTRAP` is set, for the page alone. Without the source the page is
//! built in the ordinary way: it is larger and does the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PACKAGE, PROFILE, TARGET, add_target};
use crate::steps::{cargo, program};

/// How the standard library is compiled along, and what a panic becomes.
const WITH_STD: [&str; 6] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
    "--config",
    "target.wasm32-unknown-unknown.rustflags=['-Zunstable-options', '-Cpanic=immediate-abort']",
    // Of the standard library's crates; for any other build the manifest would name somebody who is not there.
    "--config",
    "profile.wasm.package.dlmalloc.opt-level=3",
];

/// How cargo is called for what is to be compiled as the page is.
pub(crate) struct AsPage {
    /// Its arguments; what is to be built follows.
    pub(crate) args: Vec<&'static str>,
    /// Variables of its environment.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
}

impl AsPage {
    /// With the standard library if its source is at hand.
    ///
    /// # Errors
    /// If the target is missing.
    pub(crate) fn new(root: &Path) -> Result<Self, String> {
        if !add_target(root) {
            return Err(format!("the target {TARGET} is missing, and rustup could not add it"));
        }
        let plain = ["build", "--target", TARGET, "--profile", PROFILE];
        if add_source(root) {
            let args = [&plain[..], &WITH_STD].concat();
            return Ok(Self { args, variables: vec![("RUSTC_BOOTSTRAP", "1")] });
        }
        println!("rust-src is missing, and rustup could not add it: the page becomes larger than it need be");
        Ok(Self { args: plain.to_vec(), variables: Vec::new() })
    }
}

/// Where cargo puts what is compiled as the page is.
pub(crate) fn built_folder(target_folder: &Path) -> PathBuf {
    target_folder.join(TARGET).join(PROFILE)
}

/// Compiles the page and tells where its WASM is.
pub(super) fn compile(root: &Path, target_folder: &Path) -> Result<PathBuf, String> {
    let AsPage { args, variables } = AsPage::new(root)?;
    if !cargo(root, &[&args[..], &["--package", PACKAGE]].concat(), &variables) {
        return Err("the page does not compile".to_owned());
    }
    Ok(built_folder(target_folder).join(format!("{PACKAGE}.wasm")))
}

/// The source of the standard library is installed, or can be.
fn add_source(root: &Path) -> bool {
    has_source() || program(root, "rustup", &["component", "add", "rust-src"], &[]) && has_source()
}

fn has_source() -> bool {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    output.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
    })
}
