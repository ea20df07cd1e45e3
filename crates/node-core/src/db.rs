//! One database: entries by name, and their times to live in order.
//!
//! Everything that changes an entry or takes it away goes through [`Db::open`], [`Db::replace`], [`Db::remove`],
//! [`Db::set_expiry`] or [`Db::clear`]. They keep the sum of what all values take: a value that is handed out to
//! be changed is taken out of the sum, and counted again before the next one is. They also tell the snapshot that is
//! being written, before anything changes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeSet;

use bytes::Bytes;

use crate::dict::{Dict, Vacancy};
use crate::entry::Entry;
use crate::garbage::Garbage;
use crate::index::HashKey;
use crate::snapshot::Recorder;

/// What an entry takes in its place besides its name.
const ENTRY_BYTES: u64 = 40;
/// What the time to live of a key takes besides.
const EXPIRY_BYTES: u64 = 24;

/// One database.
#[derive(Clone, Debug)]
pub struct Db {
    keys: Dict<Entry>,
    /// The positions of the entries that expire, in the order of their times.
    expiries: BTreeSet<(u64, u32)>,
    /// The positions of the hashes with fields that expire, in the order of the first, but for the one at `open`.
    field_expiries: BTreeSet<(u64, u32)>,
    /// How many of the values are streams, which the oldest RDBs cannot tell all of.
    streams: usize,
    /// What all values take on the heap, but for the one at `open`.
    values_bytes: u64,
    /// The entry whose value may just be changing.
    open: Option<usize>,
    garbage: Vec<Garbage>,
    /// The number of the latest snapshot. Entries that bear it too are no part of it, or were written.
    round: u32,
    recorder: Option<Box<Recorder>>,
}

impl Db {
    pub(crate) fn new(hash_key: HashKey) -> Self {
        Self {
            keys: Dict::new(hash_key),
            expiries: BTreeSet::new(),
            field_expiries: BTreeSet::new(),
            streams: 0,
            values_bytes: 0,
            open: None,
            garbage: Vec::new(),
            round: 0,
            recorder: None,
        }
    }

    /// How many keys there are, expired ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys have a time to live.
    #[must_use]
    pub fn expiries_len(&self) -> usize {
        self.expiries.len()
    }

    /// How many hashes have fields that expire.
    #[must_use]
    pub fn field_expiries_len(&self) -> usize {
        self.field_expiries.len() + usize::from(self.open_field_expiry().is_some())
    }

    /// The entry of a key, expired or not.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Entry> {
        self.keys.get(key)
    }

    /// All keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &Entry)> + ExactSizeIterator {
        self.keys.iter()
    }

    /// The entry at a position below [`Db::len`]. Changes move entries, but only downwards.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<(&[u8], &Entry)> {
        self.keys.at(position)
    }

    /// Where the entry of a key is now.
    #[must_use]
    pub fn position(&self, key: &[u8]) -> Option<usize> {
        self.keys.position(key)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    pub(crate) fn keys(&self) -> &Dict<Entry> {
        &self.keys
    }

    /// How many keys hold streams.
    #[must_use]
    pub fn streams_len(&self) -> usize {
        self.streams
    }

    /// What the database takes, names and indexes included.
    #[must_use]
    pub fn used_memory(&self) -> u64 {
        let open = self.open.and_then(|at| self.keys.at(at)).map_or(0, |(_, entry)| entry.value.heap_len());
        self.keys.bytes(ENTRY_BYTES) + self.values_bytes + open + self.expiries.len() as u64 * EXPIRY_BYTES
    }

    /// What the entry at a position takes, its name and its places included.
    pub(crate) fn entry_memory(&self, position: usize) -> Option<u64> {
        let (key, entry) = self.keys.at(position)?;
        let expiry = entry.expire_at().map_or(0, |_| EXPIRY_BYTES);
        Some(Dict::<Entry>::slot_bytes(key, ENTRY_BYTES) + entry.value.heap_len() + expiry)
    }

    /// What the tables of keys and of times to live take, without names and values.
    pub(crate) fn tables_memory(&self) -> (u64, u64) {
        let slot = Dict::<Entry>::slot_bytes(&[], ENTRY_BYTES);
        (self.keys.len() as u64 * slot, self.expiries.len() as u64 * EXPIRY_BYTES)
    }

    /// What a snapshot needs: its recorder, the entries and the round.
    pub(crate) fn recorder_mut(&mut self) -> Option<(&mut Recorder, &mut Dict<Entry>, u32)> {
        self.recorder.as_deref_mut().map(|recorder| (recorder, &mut self.keys, self.round))
    }

    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_deref()
    }

    /// From now on `recorder` is told of changes; none ends that.
    pub(crate) fn record(&mut self, recorder: Option<Recorder>, round: u32) {
        let old = core::mem::replace(&mut self.recorder, recorder.map(Box::new));
        let unwritten = old.and_then(|old| old.into_detached());
        self.garbage.extend(unwritten.map(|entries| Garbage::of_keys(entries, BTreeSet::new())));
        self.round = round;
    }

    fn before_change(&mut self, position: usize) {
        if let Some(recorder) = &mut self.recorder
            && let Some((key, entry)) = self.keys.at_mut(position)
        {
            recorder.keep(key, entry, self.round);
        }
    }

    /// Notes an access, which is no change.
    pub(crate) fn note_access(&mut self, position: usize, access: u32) {
        if let Some((_, entry)) = self.keys.at_mut(position) {
            entry.access = access;
        }
    }

    /// The entry at a position, to be changed. Its value is counted again later; its time to live changes with
    /// [`Db::set_expiry`] only.
    pub(crate) fn open(&mut self, position: usize) -> Option<&mut Entry> {
        self.before_change(position);
        if self.open != Some(position) {
            self.close();
            let (_, entry) = self.keys.at(position)?;
            self.values_bytes -= entry.value.heap_len();
            if let Some(at) = entry.value.next_field_expiry() {
                self.field_expiries.remove(&(at, number(position)));
            }
            self.open = Some(position);
        }
        self.keys.at_mut(position).map(|(_, entry)| entry)
    }

    /// Counts the value that was changing.
    fn close(&mut self) {
        let Some(position) = self.open.take() else {
            return;
        };
        if let Some((_, entry)) = self.keys.at(position) {
            self.values_bytes += entry.value.heap_len();
            let first = entry.value.next_field_expiry();
            self.index_fields(position, None, first);
        }
    }

    fn open_field_expiry(&self) -> Option<(u64, u32)> {
        let position = self.open?;
        let (_, entry) = self.keys.at(position)?;
        Some((entry.value.next_field_expiry()?, number(position)))
    }

    /// The time at which the next field expires, and where its hash is.
    fn first_field_expiry(&self) -> Option<(u64, u32)> {
        self.field_expiries.first().copied().into_iter().chain(self.open_field_expiry()).min()
    }

    /// Puts an entry in place of the one that is there.
    pub(crate) fn insert(&mut self, key: &[u8], entry: Entry) {
        match self.keys.look(key) {
            Ok(position) => self.replace(position, entry),
            Err(vacancy) => self.fill(vacancy, key, entry),
        }
    }

    /// Adds an entry unless there is one of that name; whether it did.
    #[must_use]
    pub(crate) fn add(&mut self, key: &[u8], entry: Entry) -> bool {
        let vacancy = self.keys.look(key);
        vacancy.is_err_and(|vacancy| {
            self.fill(vacancy, key, entry);
            true
        })
    }

    /// Adds an entry of a name that is not there.
    pub(crate) fn insert_new(&mut self, key: &[u8], entry: Entry) {
        self.fill(self.keys.vacancy(key), key, entry);
    }

    fn fill(&mut self, vacancy: Vacancy, key: &[u8], mut entry: Entry) {
        self.close();
        entry.round = self.round;
        let position = self.keys.len();
        self.values_bytes += entry.value.heap_len();
        if let Some(at) = entry.expire_at() {
            self.expiries.insert((at, number(position)));
        }
        self.index_fields(position, None, entry.value.next_field_expiry());
        self.streams += usize::from(entry.value.is_stream());
        self.keys.fill(vacancy, key, entry);
    }

    /// Puts an entry in place of the one at a position.
    pub(crate) fn replace(&mut self, position: usize, mut entry: Entry) {
        self.close();
        self.before_change(position);
        entry.round = self.round;
        let expire_at = entry.expire_at();
        self.values_bytes += entry.value.heap_len();
        let Some((_, place)) = self.keys.at_mut(position) else {
            return;
        };
        let first = entry.value.next_field_expiry();
        self.streams += usize::from(entry.value.is_stream());
        let old = core::mem::replace(place, entry);
        self.streams -= usize::from(old.value.is_stream());
        self.values_bytes -= old.value.heap_len();
        self.index_fields(position, old.value.next_field_expiry(), first);
        if old.expire_at() != expire_at {
            self.index_expiry(position, old.expire_at(), expire_at);
        }
        self.discard(old);
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let position = self.keys.position(key)?;
        Some(self.remove_at(position))
    }

    /// Removes a key for good; false if there was none.
    pub(crate) fn delete(&mut self, key: &[u8]) -> bool {
        let removed = self.remove(key);
        let was_there = removed.is_some();
        removed.into_iter().for_each(|entry| self.discard(entry));
        was_there
    }

    fn remove_at(&mut self, position: usize) -> Entry {
        self.close();
        self.before_change(position);
        let (_, entry) = self.keys.remove_at(position);
        self.values_bytes -= entry.value.heap_len();
        self.streams -= usize::from(entry.value.is_stream());
        self.index_expiry(position, entry.expire_at(), None);
        self.index_fields(position, entry.value.next_field_expiry(), None);
        // The last entry lies here now.
        let last = self.keys.len();
        if let Some((_, moved)) = self.keys.at(position) {
            let (at, first) = (moved.expire_at(), moved.value.next_field_expiry());
            self.index_expiry(last, at, None);
            self.index_expiry(position, None, at);
            self.index_fields(last, first, None);
            self.index_fields(position, None, first);
        }
        entry
    }

    /// Gives a key that exists another time to live.
    pub(crate) fn set_expiry(&mut self, key: &[u8], expire_at: Option<u64>) {
        let Some(position) = self.keys.position(key) else {
            return;
        };
        self.before_change(position);
        if let Some((_, entry)) = self.keys.at_mut(position) {
            let old = entry.replace_expiry(expire_at);
            self.index_expiry(position, old, expire_at);
        }
    }

    fn index_expiry(&mut self, position: usize, old: Option<u64>, new: Option<u64>) {
        if let Some(at) = old {
            self.expiries.remove(&(at, number(position)));
        }
        if let Some(at) = new {
            self.expiries.insert((at, number(position)));
        }
    }

    fn index_fields(&mut self, position: usize, old: Option<u64>, new: Option<u64>) {
        if let Some(at) = old {
            self.field_expiries.remove(&(at, number(position)));
        }
        if let Some(at) = new {
            self.field_expiries.insert((at, number(position)));
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        let hash_key = self.keys.hash_key();
        let mut keys = core::mem::replace(&mut self.keys, Dict::new(hash_key));
        self.open = None;
        self.values_bytes = 0;
        let expiries = core::mem::take(&mut self.expiries);
        self.field_expiries = BTreeSet::new();
        self.streams = 0;
        if let Some(recorder) = &mut self.recorder {
            keys = recorder.detach(keys);
        }
        if !keys.is_empty() {
            self.garbage.push(Garbage::of_keys(keys, expiries));
        }
    }

    /// When the next key expires, in milliseconds since the epoch.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiries.first().map(|(at, _)| at.saturating_add(1))
    }

    /// When the next field of a hash expires, in milliseconds since the epoch.
    pub(crate) fn next_field_expiry(&self) -> Option<u64> {
        self.first_field_expiry().map(|(at, _)| at.saturating_add(1))
    }

    /// A field whose time is over, with the key of its hash.
    pub(crate) fn expired_field(&self, now_ms: u64) -> Option<(&[u8], &Bytes)> {
        let (_, position) = self.first_field_expiry()?;
        let (key, entry) = self.keys.at(position as usize)?;
        Some((key, entry.value.expired_field(now_ms)?))
    }

    /// The key that expires first.
    pub(crate) fn first_expiring(&self) -> Option<(&[u8], u64)> {
        let (at, position) = self.expiries.first()?;
        let (key, _) = self.keys.at(*position as usize)?;
        Some((key, *at))
    }

    /// A key that expires not before this time, or the first.
    pub(crate) fn expiring_from(&self, at: u64) -> Option<usize> {
        let found = self.expiries.range((at, 0)..).next().or_else(|| self.expiries.first());
        found.map(|(_, position)| *position as usize)
    }

    /// The first and the last time at which a key expires.
    pub(crate) fn expiry_span(&self) -> Option<(u64, u64)> {
        self.expiries.first().zip(self.expiries.last()).map(|((first, _), (last, _))| (*first, *last))
    }

    /// Throws an entry away, now or later if it is large.
    fn discard(&mut self, entry: Entry) {
        if entry.value.len() > Garbage::SMALL_LEN_MAX {
            self.garbage.push(Garbage::of_value(entry.value));
        }
    }

    /// Takes over what another database held, to be freed.
    pub(crate) fn bury(&mut self, mut other: Self) {
        other.clear();
        self.garbage.append(&mut other.garbage);
    }

    /// What is to be freed, which may take its time.
    pub(crate) fn take_garbage(&mut self) -> Option<Garbage> {
        self.garbage.pop()
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position)
        .expect("2^32 keys take at least 256 GiB, and are more than a database is made for")
}

/// The same data: access times do not count.
impl PartialEq for Db {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, entry)| {
                other
                    .get(key)
                    .is_some_and(|found| found.value == entry.value && found.expire_at() == entry.expire_at())
            })
    }
}
