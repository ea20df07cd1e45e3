//! What a Sentinel keeps on disk: the lines that it writes into its config file.

use alloc::vec::Vec;
use core::fmt;

use picket_sansio::Secret;

/// A line of the rewritten config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistentLine {
    /// The option that it sets, with which an old line is found to be reused: `port`, `user`,
    /// `sentinel monitor`, ...
    pub option: &'static str,
    /// The whole line without its end. Wrapped, as it may hold a password.
    pub text: Secret,
    /// False if the value is the default, so that it is written only over an old line.
    pub forced: bool,
}

/// Everything that survives a restart, as the lines of the config file in writing order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PersistentState {
    /// The lines.
    pub lines: Vec<PersistentLine>,
}

impl fmt::Display for PersistentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines", self.lines.len())
    }
}
