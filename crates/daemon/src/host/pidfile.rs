//! The file that says which process runs.

use std::path::{Path, PathBuf};

use crate::errno::strerror;

/// A pid file that vanishes with this value.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Where it is if nothing else is said and the process runs in the background.
    pub(crate) const DEFAULT: &'static str = "/var/run/redis.pid";

    /// Writes the id of this process.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        std::fs::write(path, format!("{}\n", std::process::id())).map_err(|error| strerror(&error))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lives_as_long_as_the_value() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.pid");
        let file = PidFile::create(&path).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
        let error = PidFile::create(&folder.path().join("no/such")).expect_err("no folder");
        assert_eq!(error, "No such file or directory");
    }
}
