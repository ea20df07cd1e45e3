//! Streams to and from files: in the order of the events of a reader, and of the calls of an encoder.

use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_rdb::{
    StreamConsumer, StreamEntry, StreamGroup, StreamId, StreamMeta, StreamNode, StreamPending, WriteError,
};

use super::stream::Stream;
use super::stream_group::{Group, Pending};

impl Stream {
    /// Takes the next entry of a file, into a node of its own where the file has one.
    ///
    /// # Errors
    /// When the entry is too large for a node.
    pub fn load_entry(&mut self, entry: &StreamEntry<'_>) -> Result<(), WriteError> {
        self.entries.load(entry)
    }

    /// Takes what a file says about the stream, whose entries are all there.
    pub fn load_meta(&mut self, meta: &StreamMeta) {
        let length = self.entries.meta().length;
        *self.entries.meta_mut() = StreamMeta { length, ..*meta };
    }

    /// Takes a group of a file.
    pub fn load_group(&mut self, from: &StreamGroup) {
        let mut group = Group::new(from.last_id, from.entries_read);
        let consumers: Vec<_> = from
            .consumers
            .iter()
            .map(|consumer| {
                let (id, _) = group.consumer_or_create(&consumer.name, consumer.seen_time_ms);
                group.consumer_mut(id).active_at = consumer.active_time_ms;
                id
            })
            .collect();
        for pending in &from.pending {
            let owner = usize::try_from(pending.consumer).ok().and_then(|at| consumers.get(at));
            if let Some(consumer) = owner.copied() {
                let (delivered_at, deliveries) = (pending.delivery_time_ms, pending.delivery_count);
                group.assign(pending.id, Pending { consumer, delivered_at, deliveries });
            }
        }
        self.groups.create(&from.name, group);
    }

    /// How many nodes it has.
    #[must_use]
    pub fn nodes_len(&self) -> usize {
        self.entries.nodes_len()
    }

    /// Its nodes from an id on, as files hold them.
    pub fn nodes_from(&self, id: StreamId) -> impl Iterator<Item = &StreamNode> {
        self.entries.nodes_from(id)
    }

    /// How many groups it has.
    #[must_use]
    pub fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// Its groups from the one at that place on, as files hold them.
    pub fn groups_from(&self, place: usize) -> impl Iterator<Item = StreamGroup> {
        self.groups.iter().skip(place).map(|(name, group)| {
            let consumers = group.consumers().map(|consumer| StreamConsumer {
                name: consumer.name.to_vec(),
                seen_time_ms: consumer.seen_at,
                active_time_ms: consumer.active_at,
            });
            let places: BTreeMap<&[u8], u32> =
                group.consumers().map(|consumer| consumer.name.as_ref()).zip(0..).collect();
            let pending = group.pending().iter().map(|(id, pending)| StreamPending {
                id: *id,
                consumer: places[group.consumer(pending.consumer).name.as_ref()],
                delivery_time_ms: pending.delivered_at,
                delivery_count: pending.deliveries,
            });
            StreamGroup {
                name: name.to_vec(),
                last_id: group.last_id,
                entries_read: group.entries_read,
                consumers: consumers.collect(),
                pending: pending.collect(),
            }
        })
    }
}
