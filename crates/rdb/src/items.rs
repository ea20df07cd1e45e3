//! An RDB as whole keys with their values, for whoever wants to hold them anyway.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::error::RdbError;
use crate::event::{Checksum, KeyMeta, ModuleId, RdbEvent};
use crate::reader::{RdbLimits, RdbReader};
use crate::value::Value;

/// One part of an RDB.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of RdbEvent")]
pub enum RdbItem {
    /// The file begins.
    Header { version: u32 },
    /// Information about the file.
    Aux { key: Vec<u8>, value: Vec<u8> },
    /// The source of a function library.
    Function(Vec<u8>),
    /// A module's own data, which was passed over.
    ModuleAux { module: ModuleId, when: u64 },
    /// The keys that follow belong to this database.
    SelectDb(u64),
    /// How many keys follow in this database.
    ResizeDb { keys: u64, expires: u64 },
    /// Keys of one slot of a cluster follow.
    SlotInfo { slot: u64, keys: u64, expires: u64 },
    /// A key with its value.
    Entry { key: Vec<u8>, meta: KeyMeta, value: Value },
    /// The file is complete.
    Eof(Checksum),
}

/// Reads an RDB as [`RdbItem`]s. A member that comes twice in a value is an error.
#[derive(Clone, Debug)]
pub struct RdbItems {
    reader: RdbReader,
    entry: Option<(Vec<u8>, KeyMeta, Value)>,
    failed: Option<RdbError>,
}

impl RdbItems {
    /// At the start of a file.
    #[must_use]
    pub fn new(limits: RdbLimits) -> Self {
        Self { reader: RdbReader::new(limits), entry: None, failed: None }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        self.reader.push(bytes);
    }

    /// The next item; none when more bytes are needed, and after the end.
    ///
    /// # Errors
    /// As [`RdbReader::next`].
    #[expect(clippy::should_implement_trait, reason = "it is RdbReader's next, for whole items")]
    pub fn next(&mut self) -> Result<Option<RdbItem>, RdbError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while let Some(event) = self.reader.next()? {
            return Ok(Some(match event {
                RdbEvent::Header { version } => RdbItem::Header { version },
                RdbEvent::Aux { key, value } => RdbItem::Aux { key: key.into_vec(), value: value.into_vec() },
                RdbEvent::Function { source } => RdbItem::Function(source.into_vec()),
                RdbEvent::ModuleAux { module, when } => RdbItem::ModuleAux { module, when },
                RdbEvent::SelectDb { db } => RdbItem::SelectDb(db),
                RdbEvent::ResizeDb { keys, expires } => RdbItem::ResizeDb { keys, expires },
                RdbEvent::SlotInfo { slot, keys, expires } => RdbItem::SlotInfo { slot, keys, expires },
                RdbEvent::Eof(checksum) => RdbItem::Eof(checksum),
                RdbEvent::Key { key, meta, value_type } => {
                    self.entry = Some((key.into_vec(), meta, Value::begin(value_type)));
                    continue;
                }
                RdbEvent::ValueEnd => {
                    let (key, meta, value) = self.entry.take().expect("a value ends that began with its key");
                    if let Err(kind) = value.check() {
                        let error = RdbError { offset: self.reader.offset(), kind };
                        self.failed = Some(error);
                        return Err(error);
                    }
                    RdbItem::Entry { key, meta, value }
                }
                element => {
                    let (_, _, value) = self.entry.as_mut().expect("elements come behind their key");
                    value.add(element);
                    continue;
                }
            }));
        }
        Ok(None)
    }

    /// No more bytes will come.
    ///
    /// # Errors
    /// As [`RdbReader::finish`].
    pub fn finish(&mut self) -> Result<(), RdbError> {
        self.failed.map_or(Ok(()), Err)?;
        self.reader.finish()
    }
}
