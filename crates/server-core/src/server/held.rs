//! Replies that wait behind one that is not there yet.
//!
//! A request whose answer takes time, as one that waits for the disk, need not hold up the requests
//! behind it; only the replies must leave in the order of the requests.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::Server;

/// The place of a reply that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplySlot(u64);

/// A client with more pieces than this waiting is not read on,
const HELD_MAX: usize = 1_024;
/// nor one with more bytes than this.
const HELD_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// A reply to come, and whether the client wants it (`CLIENT REPLY`).
    Awaited(ReplySlot, bool),
    Ready(BytesMut),
}

/// What a client will be sent once the first reply of it is there; empty as a rule.
#[derive(Clone, Default)]
pub(super) struct Held(VecDeque<Piece>);

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter()
    }

    pub(super) fn is_full(&self) -> bool {
        let bytes = |piece: &Piece| match piece {
            Piece::Awaited(..) => 0,
            Piece::Ready(bytes) => bytes.len(),
        };
        self.0.len() >= HELD_MAX || self.0.iter().map(bytes).sum::<usize>() >= HELD_BYTES_MAX
    }

    /// Room for bytes behind all that waits.
    fn end(&mut self) -> &mut BytesMut {
        if !matches!(self.0.back(), Some(Piece::Ready(_))) {
            self.0.push_back(Piece::Ready(BytesMut::new()));
        }
        match self.0.back_mut() {
            Some(Piece::Ready(bytes)) => bytes,
            Some(Piece::Awaited(..)) | None => unreachable!("pushed just now"),
        }
    }

    pub(super) fn push(&mut self, reply: &Reply, protocol: Protocol) {
        reply.encode(protocol, self.end());
    }

    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.end().extend_from_slice(bytes);
    }

    fn fill(&mut self, slot: ReplySlot, reply: &Reply, protocol: Protocol) {
        let Some(piece) =
            self.0.iter_mut().find(|piece| matches!(piece, Piece::Awaited(at, _) if *at == slot))
        else {
            return;
        };
        let mut bytes = BytesMut::new();
        if let Piece::Awaited(_, true) = piece {
            reply.encode(protocol, &mut bytes);
        }
        *piece = Piece::Ready(bytes);
    }

    /// Takes what waits for nothing any more.
    fn take_ready(&mut self) -> Option<Bytes> {
        match self.0.pop_front()? {
            Piece::Ready(bytes) => Some(bytes.freeze()),
            awaited @ Piece::Awaited(..) => {
                self.0.push_front(awaited);
                None
            }
        }
    }
}

impl Server {
    /// Keeps the place of the reply to a client's call, for [`reply_held`](Self::reply_held). Unlike
    /// after [`suspend`](Self::suspend) the client's next requests go on meanwhile; what they are
    /// answered leaves behind this reply.
    pub fn hold(&mut self, id: ClientId) -> ReplySlot {
        self.last_slot += 1;
        let slot = ReplySlot(self.last_slot);
        if let Some(client) = self.clients.get_mut(id) {
            let is_wanted = client.wants_replies();
            client.held.0.push_back(Piece::Awaited(slot, is_wanted));
        }
        slot
    }

    /// Gives the reply to a call whose place was kept. Goes nowhere if the client is gone.
    pub fn reply_held(&mut self, id: ClientId, slot: ReplySlot, reply: &Reply) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if reply.is_error() {
            self.counters.total_error_replies += 1;
        }
        client.held.fill(slot, reply, client.protocol);
        client.last_interaction = self.now;
        while let Some(bytes) = self.clients.get_mut(id).and_then(|client| client.held.take_ready()) {
            if !bytes.is_empty() {
                self.send_shared(id, bytes);
            }
        }
        self.enqueue(id);
    }
}
