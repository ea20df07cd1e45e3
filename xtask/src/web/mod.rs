//! `cargo xtask web`: builds the page into `target/web`, tells what it weighs, and serves it on demand.
//!
//! Needs `rustup` for the target and the source of the standard library, once; everything else is Rust.

mod compile;
mod order;
mod serve;

pub(crate) use compile::{AsPage, built_folder};
pub(crate) use serve::Server;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use wasm_bindgen_cli_support::Bindgen;

use crate::steps::{program, target_folder};

/// What browsers run.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGE: &str = "picket-web";
/// The profile of the root manifest that makes it small.
const PROFILE: &str = "wasm";
/// What `--serve` listens on if nothing else is said.
const ADDR: &str = "127.0.0.1:8080";
/// Files that are served as they are written, from `web/`.
const STATIC: [&str; 2] = ["index.html", "start.js"];
/// Of the style sheets in `web/css/` this one comes first, the others in the order of their names: none but this may
/// be relied on by others.
const FIRST_STYLE: &str = "base.css";

/// What the whole page should weigh at most, gzipped.
const GZIPPED_AIM: usize = 300 * 1024;

/// Builds the page, and serves it if the arguments say so; none if they make no sense.
pub(crate) fn run(root: &Path, args: &[&str]) -> Option<bool> {
    let addr = match args {
        [] => None,
        ["--serve"] => Some(ADDR),
        ["--serve", addr] => Some(*addr),
        other => {
            eprintln!("web takes --serve [ADDR], not {}", other.join(" "));
            return None;
        }
    };
    let addr: Option<SocketAddr> = match addr.map(str::parse).transpose() {
        Ok(addr) => addr,
        Err(_) => {
            eprintln!("--serve takes an address with its port, such as {ADDR}");
            return None;
        }
    };
    let built = build(root);
    let result = built.and_then(|folder| match addr {
        Some(addr) => serve::serve(&folder, addr),
        None => Ok(()),
    });
    if let Err(why) = &result {
        eprintln!("web: {why}");
    }
    Some(result.is_ok())
}

/// The target is installed, or can be.
pub(crate) fn add_target(root: &Path) -> bool {
    target_is_installed() || program(root, "rustup", &["target", "add", TARGET], &[])
}

fn target_is_installed() -> bool {
    let output =
        std::process::Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    })
}

/// Compiles, makes the bindings, and puts everything into one folder, which takes the place of an older one when it is
/// whole: nobody is served a page that is half new.
pub(crate) fn build(root: &Path) -> Result<PathBuf, String> {
    let target = target_folder(root);
    let wasm = compile::compile(root, &target)?;
    let (folder, made) = (target.join("web"), target.join("web.new"));
    clear(&made)?;
    fs::create_dir_all(&made).map_err(|error| told(&made, &error))?;
    fill(root, &wasm, &made)?;
    replace(&folder, &made, &target.join("web.old"))?;
    print_sizes(&folder).map_err(|error| told(&folder, &error))?;
    Ok(folder)
}

/// Puts a folder in the place of another.
fn replace(folder: &Path, new: &Path, old: &Path) -> Result<(), String> {
    clear(old)?;
    match fs::rename(folder, old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(folder, &error)),
        _ => {}
    }
    fs::rename(new, folder).map_err(|error| told(folder, &error))?;
    clear(old)
}

/// Removes a folder, if it is there.
fn clear(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(told(folder, &error)),
        _ => Ok(()),
    }
}

/// Puts all that the page is made of into a folder.
fn fill(root: &Path, wasm: &Path, folder: &Path) -> Result<(), String> {
    Bindgen::new()
        .input_path(wasm)
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .out_name("picket")
                .typescript(false)
                .omit_default_module_path(false)
                .remove_name_section(true)
                .remove_producers_section(true)
                .generate(folder)
        })
        .map_err(|error| format!("no bindings for {}: {error:#}", wasm.display()))?;
    let bound = folder.join("picket_bg.wasm");
    let module = fs::read(&bound).map_err(|error| told(&bound, &error))?;
    let module = order::reorder(&module).map_err(|why| format!("{}: {why}", bound.display()))?;
    fs::write(&bound, module).map_err(|error| told(&bound, &error))?;
    for name in STATIC {
        let from = root.join("web").join(name);
        fs::copy(&from, folder.join(name)).map_err(|error| told(&from, &error))?;
    }
    let styles = root.join("web/css");
    let style = join_styles(&styles).map_err(|error| told(&styles, &error))?;
    fs::write(folder.join("style.css"), style).map_err(|error| told(folder, &error))
}

/// All style sheets of a folder as one.
fn join_styles(folder: &Path) -> io::Result<String> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "css"));
    paths.sort_by_key(|path| (!path.ends_with(FIRST_STYLE), path.clone()));
    paths.iter().map(fs::read_to_string).collect()
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// What each file weighs, raw and as it is sent.
fn print_sizes(folder: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<_>>()?;
    files.sort();
    println!("{}", folder.display());
    println!("  {:<20} {:>10} {:>10}", "bytes", "raw", "gzipped");
    let (mut raw_sum, mut gzipped_sum) = (0, 0);
    for file in files {
        let bytes = fs::read(&file)?;
        let (raw, gzipped) = (bytes.len(), gzipped_len(&bytes)?);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("  {name:<20} {raw:>10} {gzipped:>10}");
        raw_sum += raw;
        gzipped_sum += gzipped;
    }
    println!(
        "  {:<20} {raw_sum:>10} {gzipped_sum:>10}   ({} KiB gzipped)",
        "all",
        gzipped_sum.div_ceil(1024)
    );
    if gzipped_sum > GZIPPED_AIM {
        println!("  (the aim is {} KiB; ARCHITECTURE.md says what stands in its way)", GZIPPED_AIM / 1024);
    }
    Ok(())
}

fn gzipped_len(bytes: &[u8]) -> io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_sheets_are_joined_with_the_base_first() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the workspace");
        let joined = join_styles(&root.join("web/css")).expect("they can be read");
        let base = fs::read_to_string(root.join("web/css/base.css")).expect("it can be read");
        assert!(joined.starts_with(&base));
        let place = |rule: &str| joined.find(rule).unwrap_or_else(|| panic!("{rule} is missing"));
        assert!(
            place(".legend {") < place(".narration {") && place(".narration {") < place("[role=tablist] {")
        );
    }

    #[test]
    fn a_folder_takes_the_place_of_another_and_nothing_stays_of_it() {
        let place = std::env::temp_dir().join(format!("picket-web-{}", std::process::id()));
        let [folder, new, old] = ["web", "web.new", "web.old"].map(|name| place.join(name));
        for (name, stale) in [("first", "none"), ("second", "first")] {
            fs::create_dir_all(&new).expect("a folder");
            fs::write(new.join(name), name).expect("a file");
            replace(&folder, &new, &old).expect("it is replaced");
            assert!(folder.join(name).is_file() && !folder.join(stale).exists(), "{name}");
            assert!(!new.exists() && !old.exists(), "{name}");
        }
        fs::remove_dir_all(&place).expect("the folder");
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused_before_anything_is_built() {
        for args in [&["--sevre"][..], &["--serve", "8080"], &["--serve", "127.0.0.1:1", "x"]] {
            assert_eq!(run(Path::new("nowhere"), args), None, "{args:?}");
        }
    }
}
