//! The files of the page, as they were when this was compiled.

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    /// Its name, which is its path.
    pub(super) name: &'static str,
    /// Its content, compressed.
    pub(super) gzipped: &'static [u8],
    /// What tells one content from another; with its quotes.
    pub(super) tag: &'static str,
}

/// None if the page had not been built.
pub(super) static FILES: &[File] = &include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The file of that name.
pub(super) fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}
