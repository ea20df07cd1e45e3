//! Passwords as digests.

use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 digest of a password. `Debug` does not show it: short passwords can be guessed from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordHash([u8; 32]);

impl PasswordHash {
    /// The digest of `password`.
    #[must_use]
    pub fn of(password: &[u8]) -> Self {
        Self(Sha256::digest(password).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(hash))
    }

    /// The 64 digits, for `ACL LIST` and files.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Compares in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |seen, (a, b)| seen | (a ^ b));
        difference == 0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("******")
    }
}

/// `len` hexadecimal digits for `ACL GENPASS`. The numbers of the generator are hashed, so that a
/// password does not give away the generator's state and with it all later passwords.
pub(crate) fn random_hex(prng: &mut picket_sansio::Prng, len: usize) -> String {
    let mut text = String::with_capacity(len + 64);
    while text.len() < len {
        let mut hasher = Sha256::new();
        for _ in 0..4 {
            hasher.update(prng.next_u64().to_le_bytes());
        }
        text.push_str(&hex(&hasher.finalize()));
    }
    text.truncate(len);
    text
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
