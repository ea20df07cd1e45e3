//! The config file as the place where a Sentinel remembers: rewritten whole, so that after a crash
//! there is the old text or the new one, never a mixture (`config.c: rewriteConfigOverwriteFile`).

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};

use crate::errno::strerror;

/// A config file that is rewritten.
#[derive(Clone, Debug)]
pub(crate) struct ConfigStore {
    path: PathBuf,
    mode: u32,
}

impl ConfigStore {
    /// The file at `path`, which is absolute. Reads the process's file mode mask; to be called before
    /// there are threads, as reading that means changing it for a moment.
    pub(crate) fn new(path: PathBuf) -> Self {
        let mask = umask(Mode::empty());
        umask(mask);
        Self { path, mode: 0o644 & !mask.bits() }
    }

    /// The file at `path` with the mode that it has; a new one is its owner's alone.
    pub(crate) fn keeping_mode(path: &Path) -> Self {
        // Only an empty name has no absolute form; writing it then says what is wrong.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mode = std::fs::metadata(&path).map_or(0o600, |found| found.permissions().mode() & 0o777);
        Self { path, mode }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the text by what `rewrite` makes of it. A missing file reads as an empty one.
    ///
    /// # Errors
    /// What the system said, in its own words. The file is then as it was.
    pub(crate) fn update(&self, rewrite: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), String> {
        self.try_update(rewrite).map_err(|error| strerror(&error))
    }

    fn try_update(&self, rewrite: impl FnOnce(&[u8]) -> Vec<u8>) -> io::Result<()> {
        let old = match std::fs::read(&self.path) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let mut prefix = self.path.file_name().unwrap_or_default().to_os_string();
        prefix.push(".");
        // Vanishes by itself unless it takes the old file's place. The system's own error is kept: the
        // library's has the path in it, and no number.
        let mut refused = None;
        let created = tempfile::Builder::new().prefix(&prefix).rand_bytes(6).make_in(folder, |path| {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            refused = file.as_ref().err().and_then(io::Error::raw_os_error);
            file
        });
        let mut temporary = created.map_err(|error| refused.map_or(error, io::Error::from_raw_os_error))?;
        temporary.write_all(&rewrite(&old))?;
        temporary.as_file().set_permissions(Permissions::from_mode(self.mode))?;
        temporary.as_file().sync_all()?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        // Without this the name may still point to the old text after a power loss.
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.conf");
        std::fs::write(&path, "old\n").expect("written");
        let store = ConfigStore::new(path.clone());
        store.update(|old| [old, b"new\n"].concat()).expect("replaced");
        assert_eq!(std::fs::read(&path).expect("readable"), b"old\nnew\n");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777 & !0o644, 0);
        assert_eq!(mode & 0o600, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_file_with_secrets_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("users.acl");
        for mode in [0o600, 0o640] {
            ConfigStore::keeping_mode(&path).update(|_| b"x\n".to_vec()).expect("written");
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, mode);
            std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("changed");
        }
    }

    #[test]
    fn a_missing_file_is_created() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.conf");
        ConfigStore::new(path.clone())
            .update(|old| {
                assert!(old.is_empty());
                b"x\n".to_vec()
            })
            .expect("created");
        assert_eq!(std::fs::read(&path).expect("readable"), b"x\n");
    }

    #[test]
    fn a_folder_in_the_files_place_is_an_error_in_the_systems_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.conf");
        std::fs::create_dir(&path).expect("made");
        let store = ConfigStore::new(path.clone());
        assert_eq!(store.update(<[u8]>::to_vec), Err("Is a directory".to_owned()));
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);

        let nowhere = ConfigStore::new(folder.path().join("gone/s.conf"));
        assert_eq!(nowhere.update(<[u8]>::to_vec), Err("No such file or directory".to_owned()));
    }
}
