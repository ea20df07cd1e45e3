//! The files that the rules look at.

use std::io;
use std::path::Path;
use std::process::Command;

use super::source::Source;

/// A text file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// What git tracks or would track.
#[derive(Clone, Debug, Default)]
pub(super) struct Repo {
    pub(super) files: Vec<File>,
    /// The Rust files among them, split into code and comments.
    pub(super) sources: Vec<Source>,
}

impl Repo {
    /// Reads every file that is tracked, or new and not ignored. Binary files are left out.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let mut files = Vec::new();
        for path in String::from_utf8_lossy(&output.stdout).split('\0').filter(|path| !path.is_empty()) {
            // A tracked file may be deleted in the work tree, and a link may lead nowhere.
            if let Ok(text) = std::fs::read_to_string(root.join(path)) {
                files.push(File { path: path.to_owned(), text });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self::with(files))
    }

    /// The file at `path`.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    fn with(files: Vec<File>) -> Self {
        let sources = files.iter().filter(|file| file.path.ends_with(".rs")).map(Source::of).collect();
        Self { files, sources }
    }

    /// The manifests of all crates, the root's not among them.
    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            file.path.ends_with("/Cargo.toml")
                && (file.path.starts_with("crates/")
                    || matches!(file.path.as_str(), "web/Cargo.toml" | "xtask/Cargo.toml"))
        })
    }

    /// A repository of the given files, for tests of rules.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self::with(files.iter().map(file).collect())
    }
}
