//! The backlog: the last bytes of the stream, in blocks that it shares with every replica
//! (`replication.c: replBacklog, replBufBlock, feedReplicationBuffer`).
//!
//! Appending copies into the block that is open, and does nothing else. Reading gives [`Bytes`] that share
//! the block: what a replica is sent is never copied, however many replicas there are. A replica that lags
//! is a [`Pin`], an offset before which nothing it needs lies; pinned blocks outlive the configured size.
//!
//! Bytes that somebody has read can no longer be grown in place without `unsafe`, so a read splits the open
//! block there (`BytesMut::split`): the filled part becomes a shared *piece*, and appending goes on in the
//! same allocation. A piece costs 40 bytes of bookkeeping; a caller that feeds its replicas once per round
//! of its event loop, not once per command, has few.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

/// The smallest `repl-backlog-size`; less is taken as this.
pub const BACKLOG_SIZE_MIN: u64 = 16 * 1024;

/// The smallest block.
const BLOCK_LEN_MIN: u64 = 16 * 1024;
/// The largest block. Redis goes to a sixteenth of the backlog however large that is; blocks that the
/// allocator takes straight from the system cost a page fault for each page written.
const BLOCK_LEN_MAX: u64 = 64 * 1024;
/// Blocks dropped in one go, so that no single append pays for a long-held pin.
const BLOCKS_PER_APPEND: usize = 64;
/// The same for [`Backlog::trim`].
const BLOCKS_PER_TRIM: usize = 640;
/// Emptied blocks kept for the next ones.
const SPARE_BLOCKS: usize = 2;

/// Names a reader whose bytes must stay. The number is the caller's, for example that of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin(pub u64);

/// What a backlog holds in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BacklogMemory {
    /// Allocated blocks, spare ones included.
    pub blocks_bytes: u64,
    /// Bookkeeping of blocks and pieces.
    pub index_bytes: u64,
    /// Stream bytes held beyond the configured size, because a replica still needs them or a block is not
    /// yet full.
    pub excess_bytes: u64,
}

impl BacklogMemory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.blocks_bytes + self.index_bytes
    }
}

/// The shared buffer. It always has a last byte: the offset of the stream.
#[derive(Clone, Debug)]
pub struct Backlog {
    size: u64,
    blocks: VecDeque<Block>,
    /// Offset that the next appended byte gets.
    next: u64,
    histlen: u64,
    pins: BTreeMap<Pin, u64>,
    spare: Vec<BytesMut>,
}

impl Backlog {
    /// An empty backlog of `size` bytes, for a stream of which `stream_offset` bytes were produced before:
    /// its first byte will be `stream_offset + 1`.
    #[must_use]
    pub fn new(size: u64, stream_offset: u64) -> Self {
        Self {
            size: size.max(BACKLOG_SIZE_MIN),
            blocks: VecDeque::new(),
            next: stream_offset + 1,
            histlen: 0,
            pins: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    /// The configured size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes held, `repl_backlog_histlen`.
    #[must_use]
    pub fn histlen(&self) -> u64 {
        self.histlen
    }

    /// Offset of the oldest byte held, `repl_backlog_first_byte_offset`; of an empty backlog the offset that its
    /// first byte will have.
    #[must_use]
    pub fn first_byte_offset(&self) -> u64 {
        self.next - self.histlen
    }

    /// Bytes of the stream so far: the offset of the newest byte.
    #[must_use]
    pub fn stream_offset(&self) -> u64 {
        self.next - 1
    }

    /// Whether reading can begin at `offset`: it is held, or is the next to come.
    #[must_use]
    pub fn covers(&self, offset: u64) -> bool {
        (self.first_byte_offset()..=self.next).contains(&offset)
    }

    /// Appends to the stream. True if a new block was begun, which is when limits of replicas are due to be
    /// looked at.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> bool {
        match self.blocks.back_mut() {
            Some(block) if bytes.len() <= block.room => {
                block.append(bytes);
                self.next += bytes.len() as u64;
                self.histlen += bytes.len() as u64;
                false
            }
            _ => self.append_across(bytes),
        }
    }

    /// Changes the configured size; what is held beyond it goes with the next appends.
    pub fn set_size(&mut self, size: u64) {
        self.size = size.max(BACKLOG_SIZE_MIN);
        self.drop_blocks(BLOCKS_PER_APPEND);
    }

    /// Puts the pieces of the stream from `from` on into `pieces`, at most `budget` bytes, and returns how many.
    /// None if `from` is not [covered](Self::covers).
    pub fn read(&mut self, from: u64, budget: u64, pieces: &mut Vec<Bytes>) -> Option<u64> {
        if !self.covers(from) {
            return None;
        }
        let wanted = budget.min(self.next - from);
        let end = from + wanted;
        let mut at = from;
        let first = self.block_of(from);
        for block in self.blocks.range_mut(first..) {
            if at >= end {
                break;
            }
            block.seal();
            at = block.read(at, end, pieces);
        }
        assert_eq!(at, end, "blocks are contiguous");
        Some(wanted)
    }

    /// The last bytes of the stream, at most `count`; for explanations.
    #[must_use]
    pub fn tail(&self, count: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let from = self.next - self.histlen.min(count);
        for block in self.blocks.range(self.block_of(from)..) {
            block.copy_from(from, &mut out);
        }
        out
    }

    /// Keeps everything from `offset` on until the pin moves or goes. Bytes that are gone already stay gone.
    pub fn pin(&mut self, pin: Pin, offset: u64) {
        self.pins.insert(pin, offset);
    }

    /// Moves a pin forward and frees what nobody needs any more.
    pub fn move_pin(&mut self, pin: Pin, offset: u64) {
        self.pins.insert(pin, offset);
        self.drop_blocks(BLOCKS_PER_APPEND);
    }

    /// Removes a pin and frees what nobody needs any more.
    pub fn unpin(&mut self, pin: Pin) {
        self.pins.remove(&pin);
        self.drop_blocks(BLOCKS_PER_APPEND);
    }

    /// Goes on freeing what nobody needs any more. To be called once per round: a stream that stands still is
    /// trimmed by nothing else.
    pub fn trim(&mut self) {
        self.drop_blocks(BLOCKS_PER_TRIM);
    }

    /// Drops the oldest blocks, a limited number, while the rest holds the configured size and no pin needs them.
    fn drop_blocks(&mut self, limit: usize) {
        let mut pinned_from = None;
        for _ in 0..limit {
            let Some(first) = self.blocks.front() else { return };
            let len = first.len() as u64;
            // Most calls end here; only the others look at the pins.
            if self.blocks.len() == 1 || self.histlen - len < self.size {
                return;
            }
            let pins = &self.pins;
            let pinned_from =
                *pinned_from.get_or_insert_with(|| pins.values().min().copied().unwrap_or(u64::MAX));
            if first.start + len > pinned_from {
                return;
            }
            self.histlen -= len;
            if let Some(block) = self.blocks.pop_front() {
                self.recycle(block);
            }
        }
    }

    /// What it holds in memory.
    #[must_use]
    pub fn memory(&self) -> BacklogMemory {
        let spare: usize = self.spare.iter().map(BytesMut::capacity).sum();
        let blocks: usize = self.blocks.iter().map(|block| block.capacity).sum();
        let pieces: usize = self.blocks.iter().map(|block| block.pieces.len()).sum();
        BacklogMemory {
            blocks_bytes: (blocks + spare) as u64,
            index_bytes: self.blocks.len() as u64 * BLOCK_BYTES + pieces as u64 * PIECE_BYTES,
            excess_bytes: self.histlen.saturating_sub(self.size),
        }
    }

    #[cold]
    fn append_across(&mut self, mut bytes: &[u8]) -> bool {
        let mut opened = false;
        while !bytes.is_empty() {
            let block = match self.blocks.back_mut() {
                Some(block) if block.room > 0 => block,
                _ => {
                    opened = true;
                    self.drop_blocks(BLOCKS_PER_APPEND);
                    self.open_block()
                }
            };
            let (now, later) = bytes.split_at(bytes.len().min(block.room));
            block.append(now);
            self.next += now.len() as u64;
            self.histlen += now.len() as u64;
            bytes = later;
        }
        opened
    }

    fn open_block(&mut self) -> &mut Block {
        let capacity = (self.size / 16).clamp(BLOCK_LEN_MIN, BLOCK_LEN_MAX) as usize;
        // A block that is full is shared from then on: with copies, and with whoever reads it first.
        if let Some(full) = self.blocks.back_mut() {
            full.seal();
        }
        let kept = self.spare.pop().filter(|kept| kept.capacity() >= capacity);
        let open = kept.unwrap_or_else(|| BytesMut::with_capacity(capacity));
        self.blocks.push_back(Block {
            start: self.next,
            capacity,
            room: capacity,
            pieces: Arc::default(),
            sealed: 0,
            open,
        });
        self.blocks.back_mut().expect("a block was pushed just now")
    }

    /// Keeps the allocation of a block that was dropped, unless somebody still reads from it.
    fn recycle(&mut self, block: Block) {
        let Block { capacity, mut open, pieces, .. } = block;
        drop(pieces);
        open.clear();
        if self.spare.len() < SPARE_BLOCKS && open.try_reclaim(capacity) {
            self.spare.push(open);
        }
    }

    /// Index of the block with `offset`, or of the last one.
    fn block_of(&self, offset: u64) -> usize {
        let last = self.blocks.len().saturating_sub(1);
        // Replicas that keep up read where the stream ends.
        if self.blocks.get(last).is_some_and(|block| block.start <= offset) {
            return last;
        }
        self.blocks.partition_point(|block| block.start <= offset).saturating_sub(1)
    }
}

/// What a [`Block`] and a [`Piece`] take on machines with 64 bits. What a node tells about its memory, in INFO and in
/// snapshots, is the same wherever it runs, in a browser too.
const BLOCK_BYTES: u64 = 88;
const PIECE_BYTES: u64 = 40;

/// One allocation: shared pieces, then bytes that nobody has read, then room.
#[derive(Debug)]
struct Block {
    /// Offset of its first byte.
    start: u64,
    capacity: usize,
    /// Bytes that still fit.
    room: usize,
    pieces: Arc<Vec<Piece>>,
    /// Bytes in `pieces`.
    sealed: usize,
    open: BytesMut,
}

/// Bytes of a block that were read together for the first time.
#[derive(Clone, Debug)]
struct Piece {
    /// Where it begins in its block.
    at: usize,
    bytes: Bytes,
}

impl Block {
    fn len(&self) -> usize {
        self.capacity - self.room
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
        self.room -= bytes.len();
    }

    /// Makes everything in the block readable.
    fn seal(&mut self) {
        if !self.open.is_empty() {
            let bytes = self.open.split().freeze();
            let at = self.sealed;
            self.sealed += bytes.len();
            Arc::make_mut(&mut self.pieces).push(Piece { at, bytes });
        }
    }

    /// Gives the pieces between two offsets and returns where it stopped.
    fn read(&self, from: u64, end: u64, out: &mut Vec<Bytes>) -> u64 {
        let mut at = usize::try_from(from - self.start).unwrap_or(usize::MAX);
        let stop = usize::try_from(end - self.start).unwrap_or(usize::MAX).min(self.sealed);
        let newest = self.pieces.len().saturating_sub(1);
        let first = match self.pieces.get(newest) {
            Some(piece) if piece.at <= at => newest,
            _ => self.pieces.partition_point(|piece| piece.at <= at).saturating_sub(1),
        };
        for piece in self.pieces.get(first..).unwrap_or_default() {
            if at >= stop {
                break;
            }
            let here = at - piece.at..piece.bytes.len().min(stop - piece.at);
            if here.is_empty() {
                continue;
            }
            at += here.len();
            let whole = here.len() == piece.bytes.len();
            out.push(if whole { piece.bytes.clone() } else { piece.bytes.slice(here) });
        }
        self.start + at as u64
    }

    fn copy_from(&self, from: u64, out: &mut Vec<u8>) {
        let mut skip = usize::try_from(from.saturating_sub(self.start)).unwrap_or(usize::MAX);
        for part in self.pieces.iter().map(|piece| &piece.bytes[..]).chain([&self.open[..]]) {
            out.extend_from_slice(part.get(skip..).unwrap_or_default());
            skip = skip.saturating_sub(part.len());
        }
    }
}

/// A clone goes on exactly as the original would, with the same room.
impl Clone for Block {
    fn clone(&self) -> Self {
        let mut open = BytesMut::with_capacity(self.open.len() + self.room);
        open.extend_from_slice(&self.open);
        Self {
            start: self.start,
            capacity: self.capacity,
            room: self.room,
            pieces: self.pieces.clone(),
            sealed: self.sealed,
            open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_sansio::Prng;

    fn read_all(backlog: &mut Backlog, from: u64) -> Vec<u8> {
        let mut pieces = Vec::new();
        backlog.read(from, u64::MAX, &mut pieces).expect("covered");
        pieces.concat()
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn sizes_are_known() {
        // The head of the list of pieces belongs to the block, wherever it lies.
        let block = size_of::<Block>() - size_of::<Arc<Vec<Piece>>>() + size_of::<Vec<Piece>>();
        assert_eq!((block as u64, size_of::<Piece>() as u64), (BLOCK_BYTES, PIECE_BYTES));
    }

    #[test]
    fn an_empty_backlog_covers_the_byte_to_come() {
        let mut backlog = Backlog::new(1, 100);
        assert_eq!(backlog.size(), BACKLOG_SIZE_MIN);
        assert_eq!((backlog.first_byte_offset(), backlog.histlen(), backlog.stream_offset()), (101, 0, 100));
        assert!(backlog.covers(101) && !backlog.covers(100) && !backlog.covers(102));
        assert_eq!(read_all(&mut backlog, 101), b"");
        assert_eq!(backlog.read(102, 9, &mut Vec::new()), None);
    }

    #[test]
    fn bytes_come_back_from_any_offset() {
        let mut prng = Prng::new(3);
        let mut backlog = Backlog::new(64 * 1024, 0);
        let mut stream = Vec::new();
        let mut opened = 0;
        for round in 0..3000_u64 {
            let len = prng.below(if round % 100 == 0 { 60_000 } else { 200 });
            let bytes: Vec<u8> = (0..len).map(|_| prng.next_u64() as u8).collect();
            opened += u32::from(backlog.append(&bytes));
            stream.extend_from_slice(&bytes);
            let held = backlog.histlen();
            let from = backlog.first_byte_offset() + prng.below(held + 1);
            let budget = prng.below(40_000);
            let mut pieces = Vec::new();
            let read = backlog.read(from, budget, &mut pieces).expect("covered");
            let start = from as usize - 1;
            let end = stream.len().min(start + budget as usize);
            assert_eq!(read as usize, end - start);
            assert!(pieces.concat() == stream[start..end], "round {round}");
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
        }
        assert!(opened > 10);
        assert_eq!(backlog.stream_offset(), stream.len() as u64);
        assert!(backlog.tail(300) == stream[stream.len() - 300..]);
        assert_eq!(backlog.tail(u64::MAX).len() as u64, backlog.histlen());
        let mut twin = backlog.clone();
        for _ in 0..100 {
            assert_eq!(backlog.append(&[7; 3000]), twin.append(&[7; 3000]));
        }
        assert_eq!(twin.first_byte_offset(), backlog.first_byte_offset());
        assert_eq!(twin.tail(u64::MAX), backlog.tail(u64::MAX));
    }

    #[test]
    fn the_size_is_held_and_exceeded_by_less_than_a_block() {
        for size in [16 * 1024_u64, 1 << 20, 3 << 20] {
            let mut backlog = Backlog::new(size, 0);
            for _ in 0..size / 50 {
                backlog.append(&[b'x'; 133]);
            }
            let block = (size / 16).clamp(BLOCK_LEN_MIN, BLOCK_LEN_MAX);
            assert!((size..=size + block).contains(&backlog.histlen()), "{} of {size}", backlog.histlen());
            assert_eq!(backlog.first_byte_offset() + backlog.histlen() - 1, backlog.stream_offset());
            assert!(backlog.memory().blocks_bytes <= size + 4 * block);
        }
    }

    #[test]
    fn a_pin_keeps_blocks_until_it_moves() {
        let mut backlog = Backlog::new(BACKLOG_SIZE_MIN, 0);
        backlog.append(b"first");
        backlog.pin(Pin(1), 1);
        backlog.pin(Pin(2), 4);
        for _ in 0..1000 {
            backlog.append(&[b'x'; 1000]);
        }
        assert_eq!(backlog.first_byte_offset(), 1);
        assert!(backlog.memory().excess_bytes > 900_000);
        backlog.unpin(Pin(1));
        assert_eq!(backlog.first_byte_offset(), 1, "the other still needs it");
        backlog.move_pin(Pin(2), backlog.stream_offset() + 1);
        assert!(backlog.histlen() < BACKLOG_SIZE_MIN + 2 * BLOCK_LEN_MIN);
    }

    #[test]
    fn a_reader_holds_bytes_that_were_trimmed() {
        let mut backlog = Backlog::new(BACKLOG_SIZE_MIN, 0);
        backlog.append(b"hello");
        let mut pieces = Vec::new();
        backlog.read(1, 5, &mut pieces);
        for _ in 0..100 {
            backlog.append(&[b'x'; 1000]);
        }
        assert!(backlog.first_byte_offset() > 5);
        assert_eq!(pieces.concat(), b"hello");
    }

    #[test]
    fn readers_share_the_bytes() {
        let mut backlog = Backlog::new(1 << 20, 0);
        backlog.append(b"shared");
        let (mut one, mut two) = (Vec::new(), Vec::new());
        backlog.read(1, 6, &mut one);
        backlog.append(b" more");
        backlog.read(1, 11, &mut two);
        assert_eq!(one[0].as_ptr(), two[0].as_ptr());
        assert_eq!(two.concat(), b"shared more");
        assert_eq!(backlog.memory().blocks_bytes, 64 * 1024);
    }

    #[test]
    fn a_smaller_size_takes_effect_and_a_larger_keeps_more() {
        let mut backlog = Backlog::new(1 << 20, 0);
        for _ in 0..2000 {
            backlog.append(&[b'x'; 1000]);
        }
        backlog.set_size(100_000);
        assert!(backlog.histlen() < 100_000 + 64 * 1024);
        backlog.set_size(500_000);
        for _ in 0..1000 {
            backlog.append(&[b'x'; 1000]);
        }
        assert!((500_000..600_000).contains(&backlog.histlen()));
    }
}
