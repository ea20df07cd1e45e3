//! RDB files and DUMP payloads, read and written in bounded steps (`rdb.c`).
//!
//! [`RdbReader`] takes bytes in any pieces and gives typed events that borrow from them; large strings are
//! copied once. [`RdbItems`] puts the events together to whole values where that is more convenient.
//! [`RdbWriter`] writes a snapshot element by element into a buffer of the caller, in a form that stock
//! servers from 6.2 on load. [`dump`] holds the payloads of DUMP and RESTORE.
//!
//! Memory follows the bytes received and never what they announce. Bad bytes give an [`RdbError`] with the
//! offset. Whether a key or a member comes twice is seen by whoever keeps them: [`RdbItems`] for members.
//!
//! What to do with expired keys, unknown modules or AUX fields is decided elsewhere.

#![no_std]
#![cfg_attr(
    not(feature = "full"),
    allow(dead_code, unused_imports, reason = "what serves the types left out stays where it is")
)]

extern crate alloc;

mod checksum;
mod container_error;
mod decimal;
pub mod dump;
mod encode;
mod error;
mod event;
mod input;
mod intset;
mod items;
mod listpack;
mod lzf;
mod node_cursor;
mod opcode;
mod packed;
mod reader;
mod record;
mod score;
mod stream;
mod stream_entry;
mod stream_node;
mod stream_reader;
mod string;
mod value;
mod value_reader;
mod writer;
mod ziplist;
mod zipmap;

pub use container_error::{Container, ContainerFault};
pub use encode::{FieldTtlPolicy, ValueEncoder, WriteError};
pub use error::{RdbError, RdbErrorKind};
pub use event::{Checksum, KeyMeta, ModuleId, RdbEvent};
pub use items::{RdbItem, RdbItems};
pub use listpack::Listpack;
pub use opcode::ValueType;
pub use reader::{RdbLimits, RdbReader};
pub use score::Score;
pub use stream::{StreamConsumer, StreamGroup, StreamId, StreamMeta, StreamPending};
pub use stream_entry::{StreamEntry, StreamFields};
pub use stream_node::{StreamNode, StreamNodeSplit};
pub use string::RdbStr;
pub use value::{HashField, StreamItem, StreamValue, Value};
pub use writer::{RdbAux, RdbVersion, RdbWriter, WriteOptions};
