//! A running hash of everything that cores put out: two runs are the same if their hashes are.

use core::fmt::{self, Write as _};

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, Time};

/// Like FNV-1a, but over words of eight bytes, which is several times as fast. However the bytes are cut into
/// pieces, the hash is the same. Takes text, so that nothing has to be formatted into memory first; but most outputs
/// are bytes that somebody is sent, and those are hashed as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash {
    value: u64,
    /// Bytes that do not fill a word yet.
    open: [u8; 8],
    len: u8,
}

impl Hash {
    pub(crate) fn new() -> Self {
        Self { value: 0xcbf2_9ce4_8422_2325, open: [0; 8], len: 0 }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(usize::from(8 - self.len)));
        let from = usize::from(self.len);
        self.open[from..from + head.len()].copy_from_slice(head);
        self.len += u8::try_from(head.len()).unwrap_or(0);
        if self.len < 8 {
            return;
        }
        self.value = mix(self.value, u64::from_le_bytes(self.open));
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            self.value = mix(self.value, u64::from_le_bytes(*word));
        }
        self.open = [0; 8];
        self.open[..rest.len()].copy_from_slice(rest);
        self.len = u8::try_from(rest.len()).unwrap_or(0);
    }

    /// Somebody was sent these bytes, in however many pieces.
    pub(crate) fn sent(&mut self, at: Time, to: Peer, pieces: &[Bytes]) {
        let (kind, id) = match to {
            Peer::Link(link) => (1, link.0),
            Peer::Client(client) => (2, client.0),
        };
        let len = pieces.iter().map(|bytes| bytes.len() as u64).sum();
        for number in [at.0, kind, id, len] {
            self.add(&number.to_le_bytes());
        }
        pieces.iter().for_each(|bytes| self.add(bytes));
    }

    /// Something else was put out.
    pub(crate) fn other(&mut self, at: Time, what: &impl fmt::Display) {
        // Writing into a hash cannot fail.
        let _ = writeln!(self, "{at} {what}");
    }

    pub(crate) fn value(self) -> u64 {
        mix(mix(self.value, u64::from_le_bytes(self.open)), u64::from(self.len))
    }
}

/// Who is sent something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    Link(LinkId),
    Client(ClientId),
}

fn mix(value: u64, word: u64) -> u64 {
    // The multiplication carries upwards only: the shift brings what is on top back down.
    let product = (value ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut() {
        let bytes: alloc::vec::Vec<u8> = (0..60).collect();
        let of = |pieces: &[&[u8]]| {
            let mut hash = Hash::new();
            pieces.iter().for_each(|piece| hash.add(piece));
            hash.value()
        };
        let whole = of(&[&bytes]);
        for a in 0..=bytes.len() {
            for b in a..=bytes.len() {
                assert_eq!(of(&[&bytes[..a], &bytes[a..b], &bytes[b..]]), whole, "{a} {b}");
            }
        }
    }

    #[test]
    fn other_bytes_have_another_hash() {
        let of = |bytes: &[u8]| {
            let mut hash = Hash::new();
            hash.add(bytes);
            hash.value()
        };
        let mut seen = alloc::collections::BTreeSet::new();
        for len in 0..40 {
            let mut bytes = alloc::vec![0; len];
            assert!(seen.insert(of(&bytes)), "{len} zeros");
            for at in 0..len {
                for bit in 0..8 {
                    bytes[at] = 1 << bit;
                    assert!(seen.insert(of(&bytes)), "{len} {at} {bit}");
                    bytes[at] = 0;
                }
            }
        }
    }
}
