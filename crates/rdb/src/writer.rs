//! Writes an RDB into a buffer of the caller, in steps of any size (`rdb.c: rdbSaveRio`).

use alloc::vec::Vec;

use bytes::BytesMut;

use crate::checksum::Crc64;
use crate::decimal::Decimal;
use crate::encode::{FieldTtlPolicy, ValueEncoder, WriteError, put_len};
use crate::event::KeyMeta;
use crate::opcode::{self, ValueType};
use crate::value::Value;

/// The version of the file, which is to be one that the reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RdbVersion {
    /// Redis 6.2 and older.
    V9,
    /// Redis 7.0.
    V10,
    /// Redis 7.2, Valkey.
    V11,
    /// Redis 7.4 and newer.
    V12,
}

impl RdbVersion {
    /// The number in the file.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V9 => 9,
            Self::V10 => 10,
            Self::V11 => 11,
            Self::V12 => 12,
        }
    }

    /// How streams are laid out.
    #[must_use]
    pub fn stream_type(self) -> ValueType {
        match self {
            Self::V9 => ValueType::StreamListpacks,
            Self::V10 => ValueType::StreamListpacks2,
            Self::V11 | Self::V12 => ValueType::StreamListpacks3,
        }
    }

    /// Whether fields of hashes can expire.
    #[must_use]
    pub fn has_field_ttls(self) -> bool {
        self >= Self::V12
    }

    /// Whether there are function libraries.
    #[must_use]
    pub fn has_functions(self) -> bool {
        self >= Self::V10
    }
}

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The version.
    pub version: RdbVersion,
    /// `rdbcompression`: compress strings where that saves something.
    pub compress: bool,
    /// `rdbchecksum`: end with a checksum, or with zeros.
    pub checksum: bool,
    /// What becomes of the expiry of hash fields in [`RdbWriter::entry`] if the version has none.
    pub field_ttls: FieldTtlPolicy,
}

impl Default for WriteOptions {
    /// What Redis 7.0 and all later servers load, as Redis writes it by default.
    fn default() -> Self {
        let (compress, checksum) = (true, true);
        Self { version: RdbVersion::V10, compress, checksum, field_ttls: FieldTtlPolicy::default() }
    }
}

/// The AUX fields at the start of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RdbAux<'a> {
    /// `redis-ver`.
    pub redis_ver: &'a str,
    /// `ctime`: unix seconds.
    pub ctime_s: u64,
    /// `used-mem`.
    pub used_mem: u64,
    /// `repl-stream-db`, `repl-id` and `repl-offset`, if there is a history to go on with.
    pub replication: Option<(u64, &'a str, u64)>,
    /// `aof-base` (before version 10: `aof-preamble`).
    pub aof_base: bool,
}

/// Writes an RDB. Each call appends to a buffer; take from its front whenever you like.
///
/// ```
/// use bytes::BytesMut;
/// use picket_rdb::{KeyMeta, RdbWriter, ValueType, WriteOptions};
///
/// let mut out = BytesMut::new();
/// let mut writer = RdbWriter::new(WriteOptions::default());
/// writer.header(&mut out);
/// writer.select_db(&mut out, 0);
/// writer.key(&mut out, b"colours", &KeyMeta::default(), ValueType::List);
/// writer.encode(&mut out, |value| value.elements(2));
/// writer.encode(&mut out, |value| value.string(b"red"));
/// writer.encode(&mut out, |value| value.string(b"green"));
/// writer.end(&mut out);
/// assert!(out.starts_with(b"REDIS0010"));
/// ```
#[derive(Clone, Debug)]
pub struct RdbWriter {
    options: WriteOptions,
    crc: Option<Crc64>,
    scratch: Vec<u8>,
    len: u64,
}

impl RdbWriter {
    /// A writer before its first byte.
    #[must_use]
    pub fn new(options: WriteOptions) -> Self {
        Self { options, crc: options.checksum.then(Crc64::new), scratch: Vec::new(), len: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.len
    }

    /// How it writes.
    #[must_use]
    pub fn options(&self) -> &WriteOptions {
        &self.options
    }

    /// Appends what `write` writes: parts of a value, behind its [`RdbWriter::key`].
    pub fn encode<T>(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut ValueEncoder<'_>) -> T) -> T {
        let start = out.len();
        let WriteOptions { version, compress, .. } = self.options;
        let result = write(&mut ValueEncoder::new(out, &mut self.scratch, version, compress));
        self.count(&out[start..]);
        result
    }

    fn raw(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        let start = out.len();
        write(out);
        self.count(&out[start..]);
    }

    fn count(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
        self.len += bytes.len() as u64;
    }

    /// The signature and the version: first of all.
    pub fn header(&mut self, out: &mut BytesMut) {
        assert_eq!(self.len, 0, "a file has one header, at its start");
        let number = Decimal::new(self.options.version.number().into());
        self.raw(out, |out| {
            let digits = number.as_bytes();
            out.extend_from_slice(&b"REDIS0000"[..9 - digits.len()]);
            out.extend_from_slice(digits);
        });
    }

    /// An AUX field.
    pub fn aux(&mut self, out: &mut BytesMut, key: &[u8], value: &[u8]) {
        self.raw(out, |out| out.extend_from_slice(&[opcode::AUX]));
        self.encode(out, |strings| {
            strings.string(key);
            strings.string(value);
        });
    }

    /// The AUX fields that every file has, in Redis's order.
    pub fn aux_fields(&mut self, out: &mut BytesMut, aux: &RdbAux<'_>) {
        let number = |value: u64| Decimal::new(i64::try_from(value).unwrap_or(i64::MAX));
        self.aux(out, b"redis-ver", aux.redis_ver.as_bytes());
        self.aux(out, b"redis-bits", b"64");
        self.aux(out, b"ctime", number(aux.ctime_s).as_bytes());
        self.aux(out, b"used-mem", number(aux.used_mem).as_bytes());
        if let Some((db, id, offset)) = aux.replication {
            self.aux(out, b"repl-stream-db", number(db).as_bytes());
            self.aux(out, b"repl-id", id.as_bytes());
            self.aux(out, b"repl-offset", number(offset).as_bytes());
        }
        let aof_base: &[u8] =
            if self.options.version == RdbVersion::V9 { b"aof-preamble" } else { b"aof-base" };
        self.aux(out, aof_base, number(aux.aof_base.into()).as_bytes());
    }

    /// A function library.
    ///
    /// # Errors
    /// When the version has none.
    pub fn function(&mut self, out: &mut BytesMut, source: &[u8]) -> Result<(), WriteError> {
        if !self.options.version.has_functions() {
            return Err(WriteError::NoFunctions(self.options.version.number()));
        }
        self.raw(out, |out| out.extend_from_slice(&[opcode::FUNCTION2]));
        self.encode(out, |strings| strings.string(source));
        Ok(())
    }

    /// The keys that follow belong to database `db`.
    pub fn select_db(&mut self, out: &mut BytesMut, db: u64) {
        self.raw(out, |out| {
            out.extend_from_slice(&[opcode::SELECTDB]);
            put_len(out, db);
        });
    }

    /// How many keys follow, and how many of them expire.
    pub fn resize_db(&mut self, out: &mut BytesMut, keys: u64, expires: u64) {
        self.raw(out, |out| {
            out.extend_from_slice(&[opcode::RESIZEDB]);
            put_len(out, keys);
            put_len(out, expires);
        });
    }

    /// A key. Its value follows with [`RdbWriter::encode`], in the layout of `value_type`.
    pub fn key(&mut self, out: &mut BytesMut, key: &[u8], meta: &KeyMeta, value_type: ValueType) {
        self.raw(out, |out| {
            if let Some(at) = meta.expire_at_ms {
                out.extend_from_slice(&[opcode::EXPIRETIME_MS]);
                out.extend_from_slice(&at.to_le_bytes());
            }
            if let Some(idle_s) = meta.idle_s {
                out.extend_from_slice(&[opcode::IDLE]);
                put_len(out, idle_s);
            }
            if let Some(freq) = meta.freq {
                out.extend_from_slice(&[opcode::FREQ, freq]);
            }
            out.extend_from_slice(&[value_type.to_byte()]);
        });
        self.encode(out, |strings| strings.string(key));
    }

    /// A key with its whole value. On an error nothing was written.
    ///
    /// # Errors
    /// When the value cannot be written in this version.
    pub fn entry(
        &mut self,
        out: &mut BytesMut,
        key: &[u8],
        meta: &KeyMeta,
        value: &Value,
    ) -> Result<(), WriteError> {
        let value_type = ValueEncoder::type_of(value, self.options.version)?;
        let before = (out.len(), self.crc.clone(), self.len);
        let policy = self.options.field_ttls;
        self.key(out, key, meta, value_type);
        let written = self.encode(out, |encoder| encoder.value(value, policy));
        if written.is_err() {
            let len;
            (len, self.crc, self.len) = before;
            out.truncate(len);
        }
        written
    }

    /// Appends bytes that another writer with the same options, but without a checksum, wrote: keys with values.
    pub fn append(&mut self, out: &mut BytesMut, bytes: &[u8]) {
        self.raw(out, |out| out.extend_from_slice(bytes));
    }

    /// The end mark and the checksum: last of all.
    pub fn end(&mut self, out: &mut BytesMut) {
        self.raw(out, |out| out.extend_from_slice(&[opcode::EOF]));
        let checksum = self.crc.take().map_or(0, |crc| crc.value());
        self.raw(out, |out| out.extend_from_slice(&checksum.to_le_bytes()));
    }
}
