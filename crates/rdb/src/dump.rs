//! Payloads of DUMP and RESTORE: one value with a version and a checksum behind it
//! (`cluster.c: createDumpPayload, verifyDumpPayload`).

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::checksum::crc64;
use crate::encode::{FieldTtlPolicy, ValueEncoder, WriteError};
use crate::error::{RdbError, RdbErrorKind};
use crate::event::RdbEvent;
use crate::opcode::{REDIS_VERSION_MAX, VALKEY_VERSION, ValueType};
use crate::reader::{RdbLimits, RdbReader};
use crate::value::Value;
use crate::writer::{RdbVersion, RdbWriter, WriteOptions};

const CHECKSUM_LEN: usize = 8;
const FOOTER_LEN: usize = 2 + CHECKSUM_LEN;

/// Why a payload is refused. The texts are those of RESTORE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// The footer is wrong, or of a version that is not known here.
    #[error("DUMP payload version or checksum are wrong")]
    VersionOrChecksum,
    /// The value is damaged although the checksum is right.
    #[error("Bad data format")]
    BadFormat(RdbError),
}

/// A payload whose value `write` writes in the layout of `value_type`.
///
/// # Errors
/// What `write` gives.
pub fn write(
    version: RdbVersion,
    compress: bool,
    value_type: ValueType,
    write: impl FnOnce(&mut ValueEncoder<'_>) -> Result<(), WriteError>,
) -> Result<Bytes, WriteError> {
    let mut out = BytesMut::new();
    let mut scratch = Vec::new();
    out.extend_from_slice(&[value_type.to_byte()]);
    write(&mut ValueEncoder::new(&mut out, &mut scratch, version, compress))?;
    Ok(with_footer(out, version))
}

fn with_footer(mut out: BytesMut, version: RdbVersion) -> Bytes {
    let [low, high, ..] = version.number().to_le_bytes();
    out.extend_from_slice(&[low, high]);
    let checksum = crc64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.freeze()
}

/// The payload of a whole value.
///
/// # Errors
/// When the value cannot be written in this version.
pub fn encode(
    value: &Value,
    version: RdbVersion,
    compress: bool,
    policy: FieldTtlPolicy,
) -> Result<Bytes, WriteError> {
    let value_type = ValueEncoder::type_of(value, version)?;
    write(version, compress, value_type, |encoder| encoder.value(value, policy))
}

/// Verifies a payload and gives a reader of its value: elements and [`RdbEvent::ValueEnd`]. Then
/// [`RdbReader::finish`] says whether all of it was the value.
///
/// # Errors
/// When the footer is wrong or the type unknown.
pub fn open(payload: Bytes, limits: RdbLimits) -> Result<(ValueType, RdbReader), DumpError> {
    let (mut body, version) = verify(payload)?;
    let bad_format = |kind| DumpError::BadFormat(RdbError { offset: 0, kind });
    let byte = body.first().ok_or(DumpError::VersionOrChecksum)?;
    let value_type = ValueType::from_byte(*byte, version == VALKEY_VERSION).map_err(bad_format)?;
    Ok((value_type, RdbReader::of_value(value_type, body.split_off(1), limits)))
}

/// What stands before the footer, and the version.
fn verify(mut payload: Bytes) -> Result<(Bytes, u32), DumpError> {
    let body_len = payload.len().checked_sub(FOOTER_LEN).ok_or(DumpError::VersionOrChecksum)?;
    let (summed, checksum) = payload.split_at(body_len + 2);
    let version = u32::from(summed[body_len]) | u32::from(summed[body_len + 1]) << 8;
    if (version > REDIS_VERSION_MAX && version != VALKEY_VERSION)
        || crc64(summed).to_le_bytes().as_slice() != checksum
    {
        return Err(DumpError::VersionOrChecksum);
    }
    payload.truncate(body_len);
    Ok((payload, version))
}

/// The payload of FUNCTION DUMP: all libraries.
///
/// # Errors
/// When the version has none.
pub fn write_functions<'a>(
    version: RdbVersion,
    sources: impl Iterator<Item = &'a [u8]>,
) -> Result<Bytes, WriteError> {
    let mut out = BytesMut::new();
    let mut writer = RdbWriter::new(WriteOptions { version, checksum: false, ..WriteOptions::default() });
    for source in sources {
        writer.function(&mut out, source)?;
    }
    Ok(with_footer(out, version))
}

/// The sources in a payload of FUNCTION DUMP.
///
/// # Errors
/// When it is damaged, or holds something else.
pub fn read_functions(payload: Bytes) -> Result<Vec<Bytes>, DumpError> {
    let (body, version) = verify(payload)?;
    let mut reader = RdbReader::of_records(body, version, RdbLimits::default());
    let mut sources = Vec::new();
    loop {
        match reader.next().map_err(DumpError::BadFormat)? {
            Some(RdbEvent::Function { source }) => sources.push(Bytes::from(source.into_vec())),
            Some(_) => {
                let kind = RdbErrorKind::NoFunction;
                return Err(DumpError::BadFormat(RdbError { offset: reader.offset(), kind }));
            }
            None => break,
        }
    }
    reader.finish().map_err(DumpError::BadFormat)?;
    Ok(sources)
}

/// Verifies a payload and reads its value.
///
/// # Errors
/// When it is damaged, a member comes twice, or bytes are left over.
pub fn decode(payload: Bytes, limits: RdbLimits) -> Result<Value, DumpError> {
    let (value_type, mut reader) = open(payload, limits)?;
    let mut value = Value::begin(value_type);
    loop {
        match reader.next().map_err(DumpError::BadFormat)? {
            Some(RdbEvent::ValueEnd) => break,
            Some(element) => value.add(element),
            None => {
                let kind = RdbErrorKind::UnexpectedEof;
                return Err(DumpError::BadFormat(RdbError { offset: reader.offset(), kind }));
            }
        }
    }
    reader.finish().map_err(DumpError::BadFormat)?;
    value.check().map_err(|kind| DumpError::BadFormat(RdbError { offset: reader.offset(), kind }))?;
    Ok(value)
}
