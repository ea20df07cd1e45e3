//! A process's own folder and the configuration lines in it.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder, removed on drop unless `PICKET_TEST_KEEP` is set.
#[derive(Debug)]
pub struct Folder {
    dir: TempDir,
}

impl Folder {
    /// Makes one whose name starts with `name`.
    ///
    /// # Panics
    /// When the operating system refuses.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut dir = tempfile::Builder::new()
            .prefix(&format!("picket-test-{name}-"))
            .tempdir()
            .expect("a temporary folder can be made");
        if env::var_os("PICKET_TEST_KEEP").is_some() {
            dir.disable_cleanup(true);
            eprintln!("kept: {}", dir.path().display());
        }
        Self { dir }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in it and returns its path.
    ///
    /// # Panics
    /// When the operating system refuses.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, text).expect("a file in the temporary folder can be written");
        path
    }

    /// Writes an executable `sh` script in it and returns its path.
    ///
    /// # Panics
    /// When the operating system refuses.
    pub fn write_script(&self, name: &str, body: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(name, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("a script can be made executable");
        path
    }
}

/// The values of every line `<key> <value…>` of a redis.conf-style text, `key` being one or more words.
#[must_use]
pub fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(' ')).map(str::trim).collect()
}

/// Reads a configuration file.
///
/// # Errors
/// What the operating system says.
pub fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_directive() {
        let text = "port 1\nsentinel known-replica m 127.0.0.1 2\n  sentinel known-replica m ::1 3 \nsentinel known-replicas x\n";
        assert_eq!(values(text, "sentinel known-replica"), ["m 127.0.0.1 2", "m ::1 3"]);
        assert!(values(text, "ports").is_empty());
    }

    #[test]
    fn the_folder_goes_with_the_value() {
        let folder = Folder::new("drop");
        let path = folder.path().to_owned();
        folder.write("f", "x");
        assert!(path.join("f").is_file());
        drop(folder);
        assert!(!path.exists() || env::var_os("PICKET_TEST_KEEP").is_some());
    }
}
