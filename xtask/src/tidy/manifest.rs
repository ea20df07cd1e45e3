//! Rules for the manifests, and as much of TOML as they need.

use super::Finding;
use super::repo::Repo;

/// The keys of the section `[name]`, up to the first dot or space.
pub(super) fn section_keys(text: &str, name: &str) -> Vec<String> {
    section_lines(text, name)
        .iter()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

/// The lines of the section `[name]` that carry something.
fn section_lines<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let header = format!("[{name}]");
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// Every crate takes lints, licence and dependencies from the workspace.
pub(super) fn crates_inherit(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in repo.manifests() {
        let mut missing = |what: &str| findings.push(Finding::new(&manifest.path, what));
        if !section_lines(&manifest.text, "lints").contains(&"workspace = true") {
            missing("[lints] workspace = true is missing");
        }
        let package = section_lines(&manifest.text, "package");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !package.contains(&format!("{key}.workspace = true").as_str()) {
                missing(&format!("{key}.workspace = true is missing"));
            }
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for line in section_lines(&manifest.text, section) {
                let inherits = line.contains(".workspace = true") || line.contains("workspace = true");
                // Lines of an array that goes over several lines carry no key.
                if line.contains('=') && !inherits {
                    missing(&format!("a dependency that is not the workspace's: {line}"));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
                        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n\
                        [dependencies]\nbytes.workspace = true\ntokio = { workspace = true, features = [\"rt\"] }\n\n\
                        [lints]\nworkspace = true\n";

    #[test]
    fn a_crate_that_inherits_passes() {
        assert_eq!(crates_inherit(&Repo::of(&[("crates/a/Cargo.toml", GOOD)])), []);
        assert_eq!(section_keys(GOOD, "dependencies"), ["bytes", "tokio"]);
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        for (good, bad) in [
            ("[lints]\nworkspace = true\n", ""),
            ("license.workspace = true", "license = \"MIT\""),
            ("bytes.workspace = true", "bytes = \"1\""),
        ] {
            let text = GOOD.replace(good, bad);
            assert_eq!(crates_inherit(&Repo::of(&[("crates/a/Cargo.toml", &text)])).len(), 1, "{bad:?}");
        }
    }
}
