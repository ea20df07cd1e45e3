//! Rules for the sans-IO cores.

use super::Finding;
use super::manifest::section_keys;
use super::repo::Repo;
use super::source::has_word;

/// The folders of all cores, also of those that do not exist yet.
pub(super) const CORES: [&str; 8] =
    ["sansio", "resp", "server-core", "sentinel-core", "replication", "rdb", "node-core", "sim"];

/// What a core may depend on besides other cores.
const ALLOWED: [&str; 10] = [
    "bytes",
    "thiserror",
    "serde",
    "redis-protocol",
    "sha1",
    "sha2",
    "crc",
    "hashbrown",
    "libm",
    "siphasher",
];

/// Finds positions by a keyed hash; what is walked lies in order of insertion, so that hash order reaches nothing.
const FINDS_BY_HASH: [&str; 1] = ["crates/node-core/src/index.rs"];

/// Where Redis's data type is a double. Text is converted to its bits and back; only the score of a sorted set is
/// added to and multiplied, since ZINCRBY and ZUNIONSTORE are defined by IEEE 754, which every target computes alike.
/// The estimate of a HyperLogLog and the distance of two places are real functions whose results are stored.
const CONVERTS_DOUBLES: [&str; 6] = [
    "crates/rdb/src/score.rs",
    "crates/node-core/src/double.rs",
    "crates/node-core/src/geo/distance.rs",
    "crates/node-core/src/geo/point.rs",
    "crates/node-core/src/geo/shape.rs",
    "crates/node-core/src/hyperloglog/estimate.rs",
];

/// Identifiers that bring in what a core must be given as an input.
const AMBIENT: [&str; 11] = [
    "std",
    "HashMap",
    "HashSet",
    "hashbrown",
    "RandomState",
    "Instant",
    "SystemTime",
    "getrandom",
    "tokio",
    "f32",
    "f64",
];

fn is_core(path: &str) -> bool {
    CORES.iter().any(|core| path.starts_with(&format!("crates/{core}/")))
}

/// Every core's `lib.rs` says `#![no_std]`.
pub(super) fn are_no_std(repo: &Repo) -> Vec<Finding> {
    let is_lib = |path: &str| is_core(path) && path.ends_with("/src/lib.rs");
    repo.sources
        .iter()
        .filter(|source| is_lib(&source.path))
        .filter(|source| !source.code.lines().any(|line| line.trim() == "#![no_std]"))
        .map(|source| Finding::new(&source.path, "#![no_std] is missing"))
        .collect()
}

/// Shipped code of a core names no clock, thread, socket, entropy, hash map or float.
pub(super) fn name_nothing_ambient(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in repo.sources.iter().filter(|source| is_core(&source.path)) {
        let mut for_tests = false;
        for (number, line) in source.shipped_lines() {
            // `#[cfg(test)] extern crate std;` serves the tests alone.
            let exempt = for_tests;
            for_tests = line.trim() == "#[cfg(test)]";
            let path = source.path.as_str();
            let is_known = |word: &str| match word {
                "f64" => CONVERTS_DOUBLES.contains(&path),
                "hashbrown" => FINDS_BY_HASH.contains(&path),
                _ => false,
            };
            for word in AMBIENT.iter().filter(|word| !exempt && has_word(line, word) && !is_known(word)) {
                findings.push(Finding::new(source.place(number), format!("`{word}` in a core")));
            }
        }
    }
    findings
}

/// A core depends on other cores and on a short list of crates.
pub(super) fn depend_on_little(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in repo.manifests().filter(|manifest| is_core(&manifest.path)) {
        for dependency in section_keys(&manifest.text, "dependencies") {
            let is_ours = dependency.strip_prefix("picket-").is_some_and(|core| CORES.contains(&core));
            if !is_ours && !ALLOWED.contains(&dependency.as_str()) {
                findings
                    .push(Finding::new(&manifest.path, format!("a core must not depend on {dependency}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_with_std_is_found() {
        let repo = Repo::of(&[("crates/resp/src/lib.rs", "//! A core.\n// #![no_std]\nfn f() {}\n")]);
        assert_eq!(are_no_std(&repo).len(), 1);
        let repo = Repo::of(&[("crates/resp/src/lib.rs", "//! A core.\n#![no_std]\n")]);
        assert_eq!(are_no_std(&repo), []);
        let repo = Repo::of(&[("crates/daemon/src/lib.rs", "//! Not a core.\n")]);
        assert_eq!(are_no_std(&repo), []);
    }

    #[test]
    fn ambient_names_in_shipped_code_are_found() {
        let text = "//! Doc with std::time.\nuse std::time::Instant;\nlet x: f64 = 1;\n\
                    #[cfg(test)]\nextern crate std;\n\
                    #[cfg(test)]\nmod tests {\n    use std::collections::HashMap;\n}\n";
        let repo = Repo::of(&[("crates/sentinel-core/src/a.rs", text)]);
        let places: Vec<_> = name_nothing_ambient(&repo).into_iter().map(|finding| finding.place).collect();
        let path = "crates/sentinel-core/src/a.rs";
        assert_eq!(places, [format!("{path}:2"), format!("{path}:2"), format!("{path}:3")]);
        let repo = Repo::of(&[("crates/daemon/src/a.rs", text), ("crates/resp/tests/a.rs", text)]);
        assert_eq!(name_nothing_ambient(&repo), []);
    }

    #[test]
    fn doubles_are_converted_in_known_files() {
        let text = "//! Scores.\nfn f(x: f64) {}\n";
        assert_eq!(name_nothing_ambient(&Repo::of(&[(CONVERTS_DOUBLES[0], text)])), []);
        assert_eq!(name_nothing_ambient(&Repo::of(&[("crates/rdb/src/value.rs", text)])).len(), 1);
        let text = text.replace("f64", "f32");
        assert_eq!(name_nothing_ambient(&Repo::of(&[(CONVERTS_DOUBLES[0], &text)])).len(), 1);
    }

    #[test]
    fn a_heavy_dependency_is_found() {
        let text = "[dependencies]\nbytes.workspace = true\ntokio = { workspace = true }\npicket-resp.workspace = true\n\
                    picket-daemon.workspace = true\n[dev-dependencies]\nproptest.workspace = true\n";
        let repo = Repo::of(&[("crates/rdb/Cargo.toml", text)]);
        let whats: Vec<_> = depend_on_little(&repo).into_iter().map(|finding| finding.what).collect();
        assert_eq!(whats.len(), 2);
        assert!(whats[0].contains("tokio") && whats[1].contains("picket-daemon"));
    }
}
