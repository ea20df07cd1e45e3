//! Messages that are on their way: what they are, and what can happen to them.

use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use super::Segment;
use crate::ids::{NodeId, Side};
use crate::message::{Message, MessageId, Passage, Way};
use crate::wires::{RETRANSMISSION, RETRANSMISSIONS_MAX};
use crate::world::World;

impl World {
    /// What is on its way at the moment, the oldest first. What waits for a wire or a machine has no arrival.
    #[must_use]
    pub fn in_flight(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for conn in self.conns.values() {
            for to in [Side::Dialler, Side::Listener] {
                let (Some(from), Some(node)) = (conn.node(to.other()), conn.node(to)) else { continue };
                let pipe = &conn.pipes[to.index()];
                let mut latest = Time(0);
                for segment in &pipe.segments {
                    let Segment::Data(bytes) = &segment.what else { continue };
                    latest = latest.max(segment.at);
                    let passage = Passage {
                        id: segment.id,
                        from,
                        to: node,
                        way: way(to),
                        sent: segment.sent,
                        bytes: bytes.clone(),
                        lost: segment.lost,
                    };
                    messages.push(self.message_of(&passage, pipe.is_armed.then_some(latest)));
                }
            }
        }
        messages.sort_by_key(|message| message.id);
        messages
    }

    /// The oldest message on its way from one node to another.
    pub(crate) fn oldest_in_flight(&self, from: NodeId, to: NodeId) -> Option<MessageId> {
        let mut oldest: Option<MessageId> = None;
        for conn in self.conns.values() {
            for side in [Side::Dialler, Side::Listener] {
                if conn.node(side.other()) == Some(from) && conn.node(side) == Some(to) {
                    let segments = conn.pipes[side.index()].segments.iter();
                    let messages = segments.filter(|segment| matches!(segment.what, Segment::Data(_)));
                    oldest = messages.map(|segment| segment.id).chain(oldest).min();
                }
            }
        }
        oldest
    }

    /// Between whom a message is on its way.
    pub(crate) fn ends_of(&self, id: MessageId) -> Option<(NodeId, NodeId)> {
        let mut conns = self.conns.values();
        conns
            .find(|conn| conn.pipes.iter().flat_map(|pipe| &pipe.segments).any(|segment| segment.id == id))?
            .ends()
    }

    /// Lets a message that is on its way arrive later.
    pub(crate) fn hold_back(&mut self, id: MessageId, by: Millis) -> Option<()> {
        let now = self.now;
        let pipes = self.conns.values_mut().flat_map(|conn| &mut conn.pipes);
        for pipe in pipes {
            if let Some(segment) = pipe.segments.iter_mut().find(|segment| segment.id == id) {
                segment.at = segment.at.max(now) + by;
                pipe.latest = pipe.latest.max(segment.at);
                return Some(());
            }
        }
        None
    }

    /// Lets a message that is on its way be lost once more.
    pub(crate) fn lose_once(&mut self, id: MessageId) -> Option<Millis> {
        let segments =
            self.conns.values_mut().flat_map(|conn| &mut conn.pipes).flat_map(|pipe| &mut pipe.segments);
        let segment = segments.into_iter().find(|segment| segment.id == id)?;
        let after = RETRANSMISSION.times(1 << segment.lost.min(RETRANSMISSIONS_MAX));
        segment.lost += 1;
        self.hold_back(id, after)?;
        Some(after)
    }
}

pub(super) fn way(to: Side) -> Way {
    match to {
        Side::Dialler => Way::Back,
        Side::Listener => Way::There,
    }
}
