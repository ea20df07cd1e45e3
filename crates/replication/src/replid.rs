//! Replication ids.

use core::fmt;

use picket_sansio::Prng;

/// The name of a replication history: 40 characters, hexadecimal where we make them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplId([u8; Self::LEN]);

impl ReplId {
    /// Characters of an id.
    pub const LEN: usize = 40;

    /// 40 zeros: no history.
    pub const NONE: Self = Self([b'0'; Self::LEN]);

    /// A new random id.
    pub fn random(prng: &mut Prng) -> Self {
        let mut id = [0; Self::LEN];
        id.copy_from_slice(prng.hex(Self::LEN).as_bytes());
        Self(id)
    }

    /// An id as a peer or a file spells it. Redis takes any 40 characters; bytes that cannot be printed are
    /// refused here, because ids are shown in logs and INFO.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let id: [u8; Self::LEN] = text.try_into().ok()?;
        id.iter().all(u8::is_ascii_graphic).then_some(Self(id))
    }

    /// Whether `text` names this history; letter case does not matter.
    #[must_use]
    pub fn is_named(&self, text: &[u8]) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }

    /// 40 times the same character.
    #[cfg(test)]
    pub(crate) const fn filled(character: u8) -> Self {
        Self([character; Self::LEN])
    }

    /// The characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ids_are_forty_printable_characters() {
        let id = ReplId::random(&mut Prng::new(1));
        let text = id.to_string();
        assert_eq!(ReplId::parse(text.as_bytes()), Some(id));
        assert!(id.is_named(text.to_uppercase().as_bytes()));
        assert_eq!(ReplId::parse(&text.as_bytes()[1..]), None);
        assert_eq!(ReplId::parse(&[7; 40]), None);
        assert!(!ReplId::NONE.is_named(b"0"));
    }
}
