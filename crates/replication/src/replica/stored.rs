//! What a master sends while its snapshot is still being loaded, kept until that is done
//! (Valkey's `replication.c: replDataBuf`).

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The size of a block.
const BLOCK_BYTES: usize = 64 * 1024;

/// Bytes of the stream in order. They are copied: what a host hands over shares its block with whatever else it
/// has read, and a short piece of the stream would keep all of that.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredStream {
    blocks: VecDeque<BytesMut>,
    len: u64,
}

impl StoredStream {
    /// How much there is.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.blocks.back().map_or(0, |block| block.capacity() - block.len());
            if room == 0 {
                self.blocks.push_back(BytesMut::with_capacity(BLOCK_BYTES));
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.blocks.back_mut().expect("there is room in it").extend_from_slice(now);
            bytes = later;
        }
    }

    /// Takes the oldest bytes out, a block of them.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let block = self.blocks.pop_front()?.freeze();
        self.len -= block.len() as u64;
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn bytes_come_out_in_order_and_in_bounded_blocks() {
        let mut stored = StoredStream::default();
        assert!(stored.is_empty() && stored.pop().is_none());
        let all: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let mut rest = &all[..];
        for len in [1, 0, 70_000, 3, 65_536, 100_000].into_iter().chain(core::iter::repeat(7777)) {
            let (now, later) = rest.split_at(rest.len().min(len));
            stored.push(now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(stored.len(), 300_000);
        let mut out = Vec::new();
        while let Some(block) = stored.pop() {
            assert!(block.len() <= BLOCK_BYTES);
            out.extend_from_slice(&block);
        }
        assert!(out == all && stored.is_empty());
    }
}
