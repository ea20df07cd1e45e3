//! Reads a stream: its nodes, what it knows about itself, its groups.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::error::{RdbErrorKind, Stop};
use crate::input::{Input, Slot};
use crate::node_cursor::NodeCursor;
use crate::opcode::ValueType;
use crate::record::Record;
use crate::stream::{StreamConsumer, StreamGroup, StreamId, StreamMeta, StreamPending};
use crate::value_reader::{FIRST, Found, SECOND};

/// The owner of a pending entry that no consumer has claimed yet.
const NOBODY: u32 = u32::MAX;

#[derive(Clone, Debug)]
enum Step {
    NodeCount,
    NodeId { left: u64 },
    Node { left: u64, id: StreamId },
    Entries { left: u64, node: NodeCursor },
    Meta,
    GroupCount,
    GroupName { left: u64 },
    GroupIds { left: u64 },
    Pending { left: u64, pending: u64 },
    ConsumerCount { left: u64 },
    ConsumerName { left: u64, consumers: u64 },
    ConsumerTimes { left: u64, consumers: u64 },
    ConsumerPending { left: u64, consumers: u64, pending: u64 },
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct StreamReader {
    /// Meta data and counts of entries read (since version 10).
    has_meta: bool,
    /// Times of activity (since version 11).
    has_active_time: bool,
    step: Step,
    first: Option<StreamId>,
    last: StreamId,
    entries: u64,
    meta: StreamMeta,
    group: StreamGroup,
    groups: BTreeSet<Vec<u8>>,
}

impl StreamReader {
    pub(crate) fn new(value_type: ValueType) -> Self {
        Self {
            has_meta: value_type != ValueType::StreamListpacks,
            has_active_time: value_type == ValueType::StreamListpacks3,
            step: Step::NodeCount,
            first: None,
            last: StreamId::default(),
            entries: 0,
            meta: StreamMeta::default(),
            group: StreamGroup::default(),
            groups: BTreeSet::new(),
        }
    }

    pub(crate) fn step(&mut self, input: &mut Input) -> Result<Found, Stop> {
        loop {
            match &mut self.step {
                Step::NodeCount => self.step = Step::NodeId { left: input.len()? },
                Step::NodeId { left: 0 } => self.step = Step::Meta,
                Step::NodeId { left } => {
                    input.blob(FIRST)?;
                    let key = input.bytes(FIRST);
                    let id = key.try_into().map_err(|_| RdbErrorKind::BadStreamNodeId(key.len() as u64))?;
                    self.step = Step::Node { left: *left - 1, id: StreamId::from_bytes(id) };
                }
                Step::Node { left, id } => {
                    input.blob(SECOND)?;
                    let node = NodeCursor::new(*id, input.bytes(SECOND))?;
                    self.step = Step::Entries { left: *left, node };
                }
                Step::Entries { left, node } => {
                    let Some(entry) = node.next(input.bytes(SECOND))? else {
                        input.slots[SECOND] = Slot::Empty;
                        self.step = Step::NodeId { left: *left };
                        continue;
                    };
                    if self.first.is_some() && entry.id <= self.last {
                        return Err(RdbErrorKind::StreamOrder.into());
                    }
                    self.first.get_or_insert(entry.id);
                    self.last = entry.id;
                    self.entries += 1;
                    return Ok(Found::StreamEntry(entry));
                }
                Step::Meta => {
                    let meta = self.read_meta(input)?;
                    self.meta = meta;
                    self.step = Step::GroupCount;
                    return Ok(Found::StreamMeta(Box::new(meta)));
                }
                Step::GroupCount => self.step = Step::GroupName { left: input.len()? },
                Step::GroupName { left: 0 } => self.step = Step::End,
                Step::GroupName { left } => {
                    input.string(FIRST)?;
                    let left = *left - 1;
                    let name = take_string(input);
                    if !self.groups.insert(name.clone()) {
                        return Err(RdbErrorKind::DuplicateInGroup.into());
                    }
                    self.group = StreamGroup { name, ..StreamGroup::default() };
                    self.step = Step::GroupIds { left };
                }
                Step::GroupIds { left } => {
                    let has_meta = self.has_meta;
                    let (last_id, entries_read, pending) = input.record(|record| {
                        let last_id = id(record)?;
                        let read = if has_meta {
                            Some(record.len()?).filter(|read| *read != u64::MAX)
                        } else {
                            None
                        };
                        Ok((last_id, read, record.len()?))
                    })?;
                    self.group.last_id = last_id;
                    self.group.entries_read =
                        if has_meta { entries_read } else { self.meta.count_up_to(last_id) };
                    self.step = Step::Pending { left: *left, pending };
                }
                Step::Pending { left, pending: 0 } => {
                    self.step = Step::ConsumerCount { left: *left };
                    self.sort_pending()?;
                }
                Step::Pending { pending, .. } => {
                    self.group.pending.push(input.record(pending_entry)?);
                    *pending -= 1;
                }
                Step::ConsumerCount { left } => {
                    self.step = Step::ConsumerName { left: *left, consumers: input.len()? };
                }
                Step::ConsumerName { left, consumers: 0 } => {
                    self.step = Step::GroupName { left: *left };
                    return Ok(Found::StreamGroup(Box::new(self.finish_group()?)));
                }
                Step::ConsumerName { left, consumers } => {
                    input.string(FIRST)?;
                    self.step = Step::ConsumerTimes { left: *left, consumers: *consumers - 1 };
                    let name = take_string(input);
                    self.group.consumers.push(StreamConsumer { name, ..StreamConsumer::default() });
                }
                Step::ConsumerTimes { left, consumers } => {
                    let has_active_time = self.has_active_time;
                    let (seen, active, pending) = input.record(|record| {
                        let seen = i64::from_le_bytes(record.fixed()?);
                        let active = if has_active_time { i64::from_le_bytes(record.fixed()?) } else { seen };
                        Ok((seen, active, record.len()?))
                    })?;
                    let consumer = self.group.consumers.last_mut().expect("its name was read before");
                    consumer.seen_time_ms = seen;
                    consumer.active_time_ms = (active != -1).then_some(active);
                    self.step = Step::ConsumerPending { left: *left, consumers: *consumers, pending };
                }
                Step::ConsumerPending { left, consumers, pending: 0 } => {
                    self.step = Step::ConsumerName { left: *left, consumers: *consumers };
                }
                Step::ConsumerPending { pending, .. } => {
                    let id = StreamId::from_bytes(input.fixed()?);
                    *pending -= 1;
                    self.claim(id)?;
                }
                Step::End => return Ok(Found::End),
            }
        }
    }

    fn read_meta(&self, input: &mut Input) -> Result<StreamMeta, Stop> {
        let has_meta = self.has_meta;
        let scanned = self.first.unwrap_or_default();
        let meta = input.record(|record| {
            let (length, last_id) = (record.len()?, id(record)?);
            if !has_meta {
                let max_deleted_id = StreamId::default();
                return Ok(StreamMeta {
                    length,
                    last_id,
                    first_id: scanned,
                    max_deleted_id,
                    entries_added: length,
                });
            }
            let (first_id, max_deleted_id) = (id(record)?, id(record)?);
            Ok(StreamMeta { length, last_id, first_id, max_deleted_id, entries_added: record.len()? })
        })?;
        if meta.length != self.entries {
            let (announced, found) = (meta.length, self.entries);
            return Err(RdbErrorKind::StreamLength { announced, found }.into());
        }
        if self.last > meta.last_id {
            return Err(RdbErrorKind::StreamOrder.into());
        }
        Ok(meta)
    }

    fn sort_pending(&mut self) -> Result<(), RdbErrorKind> {
        let pending = &mut self.group.pending;
        pending.sort_by_key(|one| one.id);
        if pending.windows(2).any(|two| two[0].id == two[1].id) {
            return Err(RdbErrorKind::DuplicateInGroup);
        }
        Ok(())
    }

    /// The consumer read last has `id` pending.
    fn claim(&mut self, id: StreamId) -> Result<(), RdbErrorKind> {
        let pending = &mut self.group.pending;
        let place =
            pending.binary_search_by_key(&id, |one| one.id).map_err(|_| RdbErrorKind::UnknownPending)?;
        let consumer = u32::try_from(self.group.consumers.len() - 1).ok().filter(|one| *one != NOBODY);
        if pending[place].consumer != NOBODY {
            return Err(RdbErrorKind::DuplicateInGroup);
        }
        pending[place].consumer = consumer.ok_or(RdbErrorKind::TooManyElements { max: NOBODY.into() })?;
        Ok(())
    }

    fn finish_group(&mut self) -> Result<StreamGroup, RdbErrorKind> {
        let group = core::mem::take(&mut self.group);
        if group.pending.iter().any(|one| one.consumer == NOBODY) {
            return Err(RdbErrorKind::PendingWithoutConsumer);
        }
        let mut names: Vec<_> = group.consumers.iter().map(|one| one.name.as_slice()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(RdbErrorKind::DuplicateInGroup);
        }
        Ok(group)
    }
}

fn take_string(input: &mut Input) -> Vec<u8> {
    let (piece, slots) = input.parts();
    slots[FIRST].take(piece).into_vec()
}

fn id(record: &mut Record<'_>) -> Result<StreamId, Stop> {
    Ok(StreamId { ms: record.len()?, seq: record.len()? })
}

fn pending_entry(record: &mut Record<'_>) -> Result<StreamPending, Stop> {
    Ok(StreamPending {
        id: StreamId::from_bytes(record.fixed()?),
        consumer: NOBODY,
        delivery_time_ms: i64::from_le_bytes(record.fixed()?),
        delivery_count: record.len()?,
    })
}
