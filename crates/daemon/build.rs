//! Puts the page that `cargo xtask web` has built into the binary, compressed. Without one the binary says how to
//! build it.
//!
//! The page is looked for in the folder `web` of the target folder that this build uses; `PICKET_WEB` names another.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PICKET_WEB");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names it"));
    let folder = std::env::var_os("PICKET_WEB").map(PathBuf::from).or_else(|| page_folder(&out));
    let mut table = String::from("[\n");
    if std::env::var_os("CARGO_FEATURE_UI").is_some()
        && let Some(folder) = folder
    {
        // It has to be there to be watched; empty, it is a page that was not built.
        let _ = fs::create_dir_all(&folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        for path in files(&folder) {
            write_row(&mut table, &path, &out);
        }
    }
    table.push(']');
    fs::write(out.join("page.rs"), table).expect("cargo's folder can be written");
}

/// The folder `web` in the target folder, which is the one that cargo has marked.
fn page_folder(out: &Path) -> Option<PathBuf> {
    let target = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    Some(target.join("web"))
}

/// The files of a page in the order of their names; none if it is not whole.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    if paths.iter().any(|path| path.ends_with("index.html")) { paths } else { Vec::new() }
}

/// Compresses a file and adds its row to the table.
fn write_row(table: &mut String, path: &Path, out: &Path) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let gzipped = encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect("memory takes all of it");
    let name = path.file_name().and_then(|name| name.to_str()).expect("the page's files have plain names");
    let compressed = out.join(format!("{name}.gz"));
    fs::write(&compressed, gzipped).expect("cargo's folder can be written");
    let mut crc = Crc::new();
    crc.update(&bytes);
    let tag = format!("\"{:08x}-{:x}\"", crc.sum(), bytes.len());
    let compressed = compressed.to_str().expect("cargo's folder has a plain name");
    writeln!(table, "    File {{ name: {name:?}, gzipped: include_bytes!({compressed:?}), tag: {tag:?} }},")
        .expect("a string takes all of it");
}
