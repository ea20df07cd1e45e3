//! Bytes that must never reach a log, a trace or `Debug`.

use alloc::vec::Vec;
use core::fmt;

/// A password. `Debug` and `Display` show stars; only [`Secret::expose`] gives the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the wire and the config file.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares in time that depends on the lengths only, so that answers do not leak a prefix.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let mut difference = u8::from(self.0.len() != candidate.len());
        for (index, byte) in candidate.iter().enumerate() {
            difference |= byte ^ self.0.get(index).copied().unwrap_or(!byte);
        }
        difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("******")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("******")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new(*b"hunter2");
        assert_eq!(format!("{secret:?} {secret}"), "****** ******");
    }

    #[test]
    fn matching_needs_every_byte() {
        let secret = Secret::new(*b"abc");
        assert!(secret.matches(b"abc"));
        for wrong in [&b"ab"[..], b"abcd", b"abd", b""] {
            assert!(!secret.matches(wrong));
        }
        assert!(Secret::default().matches(b""));
    }
}
