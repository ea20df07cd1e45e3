//! Rules for README, ARCHITECTURE, licences and changelog.

use super::Finding;
use super::manifest::section_keys;
use super::repo::Repo;
use super::source::has_word;

const EXPECTED: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE"];

/// The command that tests everything, and what shows it at work.
const COMMANDS: [&str; 2] = ["cargo xtask test", "cargo xtask demo"];

/// Every paper that people look for is there and says something.
pub(super) fn exist(repo: &Repo) -> Vec<Finding> {
    let is_there = |path: &&str| repo.file(path).is_some_and(|file| !file.text.trim().is_empty());
    EXPECTED
        .iter()
        .filter(|path| !is_there(path))
        .map(|path| Finding::new(*path, "is missing or empty"))
        .collect()
}

/// README shows the two commands.
pub(super) fn readme_has_the_commands(repo: &Repo) -> Vec<Finding> {
    let text = repo.file("README.md").map_or("", |file| file.text.as_str());
    COMMANDS
        .iter()
        .filter(|command| !text.contains(**command))
        .map(|command| Finding::new("README.md", format!("`{command}` is missing")))
        .collect()
}

/// ARCHITECTURE.md names every crate of the workspace by its folder, and every dependency.
pub(super) fn architecture_is_complete(repo: &Repo) -> Vec<Finding> {
    let text = repo.file("ARCHITECTURE.md").map_or("", |file| file.text.as_str());
    let folders = repo.manifests().filter_map(|manifest| manifest.path.strip_suffix("/Cargo.toml"));
    let root = repo.file("Cargo.toml").map_or("", |file| file.text.as_str());
    let dependencies = section_keys(root, "workspace.dependencies");
    let external = dependencies.iter().map(String::as_str).filter(|name| !name.starts_with("picket-"));
    folders
        .chain(external)
        .filter(|name| !has_word(text, name))
        .map(|name| Finding::new("ARCHITECTURE.md", format!("does not name {name}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_paper_is_found() {
        let all: Vec<_> = EXPECTED.iter().map(|path| (*path, "text")).collect();
        assert_eq!(exist(&Repo::of(&all)), []);
        assert_eq!(exist(&Repo::of(&all[1..])).len(), 1);
        let mut empty = all;
        empty[2].1 = " \n";
        assert_eq!(exist(&Repo::of(&empty)), [Finding::new("CHANGELOG.md", "is missing or empty")]);
    }

    #[test]
    fn a_missing_command_is_found() {
        let text = "Run `cargo xtask demo`.\n";
        assert_eq!(readme_has_the_commands(&Repo::of(&[("README.md", text)])).len(), 1);
        let text = "Run `cargo xtask demo`, test with `cargo xtask test`.\n";
        assert_eq!(readme_has_the_commands(&Repo::of(&[("README.md", text)])), []);
    }

    #[test]
    fn an_unexplained_crate_or_dependency_is_found() {
        let root = "[workspace.dependencies]\npicket-resp = { path = \"crates/resp\" }\nbytes = \"1\"\nserde_json = \"1\"\n";
        let repo = |architecture: &str| {
            Repo::of(&[
                ("Cargo.toml", root),
                ("crates/resp/Cargo.toml", ""),
                ("ARCHITECTURE.md", architecture),
            ])
        };
        assert_eq!(architecture_is_complete(&repo("crates/resp uses bytes; serde_json")), []);
        let findings = architecture_is_complete(&repo("crates/response uses bytes; serde"));
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
