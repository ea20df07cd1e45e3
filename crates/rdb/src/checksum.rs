//! CRC64 as Redis computes it (`crc64.c`), over bytes that come in pieces.

use core::fmt;

use crc::{CRC_64_REDIS, Crc, Digest, Table};

/// Sixteen bytes at once; in WASM one, where the 32 KiB of the table would have to be downloaded.
#[cfg(not(target_arch = "wasm32"))]
type Lookup = Table<16>;
#[cfg(target_arch = "wasm32")]
type Lookup = Table<1>;

static REDIS: Crc<u64, Lookup> = Crc::<u64, Lookup>::new(&CRC_64_REDIS);

/// A running checksum.
#[derive(Clone)]
pub(crate) struct Crc64(Digest<'static, u64, Lookup>);

impl Crc64 {
    pub(crate) fn new() -> Self {
        Self(REDIS.digest())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.clone().finalize()
    }
}

impl fmt::Debug for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crc64({:016x})", self.value())
    }
}

/// The checksum of `bytes`.
pub(crate) fn crc64(bytes: &[u8]) -> u64 {
    REDIS.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_the_checksum_of_the_whole() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        let mut crc = Crc64::new();
        for piece in [&b"1"[..], b"", b"2345", b"6789"] {
            crc.update(piece);
        }
        assert_eq!(crc.value(), 0xe9c6_d914_c4b8_d9ca);
    }
}
