//! What must hold for any bytes at all. The property tests, the replay of the fuzz corpus and the fuzz
//! target (`fuzz/fuzz_targets/rdb.rs`) call the same function.

use bytes::{Bytes, BytesMut};
use picket_rdb::{
    FieldTtlPolicy, RdbError, RdbItem, RdbItems, RdbLimits, RdbReader, RdbVersion, RdbWriter, Value,
    WriteOptions, dump,
};

/// Enough for what fuzzers make, too little for a bomb.
pub(crate) const LIMITS: RdbLimits =
    RdbLimits { string_len_max: 1 << 20, elements_max: 1 << 16, databases: 16, verify_checksum: true };

/// The first byte chooses the pieces and what it is; the rest is a file, or the value of a payload.
pub(crate) fn any(data: &[u8]) {
    let [settings, bytes @ ..] = data else {
        return;
    };
    if settings & 1 == 0 { file(bytes, settings >> 1) } else { payload(bytes) }
}

/// A file gives the same items and the same error however it is cut, and what was read survives writing.
pub(crate) fn file(bytes: &[u8], cut: u8) {
    let whole = read(bytes, &[bytes.len()], LIMITS);
    let pieces = cuts(cut, bytes.len());
    assert_eq!(read(bytes, &pieces, LIMITS), whole, "pieces make a difference");
    assert_eq!(events(bytes, &pieces), events(bytes, &[bytes.len()]), "pieces make a difference");
    let entries: Vec<_> = whole.0.into_iter().filter(is_writable_entry).collect();
    let written = write(&entries, RdbVersion::V12);
    let (again, end) = read(&written, &[written.len()], RdbLimits { databases: u64::MAX, ..LIMITS });
    assert_eq!(end, Ok(()));
    let again: Vec<_> = again.into_iter().filter(|item| matches!(item, RdbItem::Entry { .. })).collect();
    assert_eq!(again, entries, "an entry does not survive writing");
}

/// The value of a payload is refused or survives another payload.
pub(crate) fn payload(bytes: &[u8]) {
    let _ = dump::decode(Bytes::copy_from_slice(bytes), LIMITS);
    let Some((value_type, body)) = bytes.split_first() else {
        return;
    };
    // With a footer that is right the value itself is looked at.
    let mut file = b"REDIS0012".to_vec();
    file.push(*value_type);
    file.extend_from_slice(b"\x01k");
    file.extend_from_slice(body);
    for item in read(&file, &[file.len()], LIMITS).0 {
        if let (true, RdbItem::Entry { value, .. }) = (is_writable_entry(&item), item) {
            let payload =
                dump::encode(&value, RdbVersion::V12, true, FieldTtlPolicy::Refuse).expect("writable");
            assert_eq!(dump::decode(payload, LIMITS), Ok(value), "a value does not survive its payload");
        }
    }
}

fn is_writable_entry(item: &RdbItem) -> bool {
    matches!(item, RdbItem::Entry { value, .. } if !matches!(value, Value::Module(_)))
}

/// All items and how it ended.
pub(crate) fn read(
    bytes: &[u8],
    pieces: &[usize],
    limits: RdbLimits,
) -> (Vec<RdbItem>, Result<(), RdbError>) {
    let mut reader = RdbItems::new(limits);
    let mut items = Vec::new();
    let mut rest = bytes;
    for len in pieces {
        let (piece, behind) = rest.split_at(*len);
        rest = behind;
        reader.push(Bytes::copy_from_slice(piece));
        loop {
            match reader.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.next(), Err(error), "an error is final");
                    assert_eq!(reader.finish(), Err(error), "an error is final");
                    return (items, Err(error));
                }
            }
        }
    }
    (items, reader.finish())
}

/// All events as text, for what is lost in items.
fn events(bytes: &[u8], pieces: &[usize]) -> (u64, Result<(), RdbError>) {
    let mut reader = RdbReader::new(LIMITS);
    let mut count = 0;
    let mut rest = bytes;
    for len in pieces {
        let (piece, behind) = rest.split_at(*len);
        rest = behind;
        reader.push(Bytes::copy_from_slice(piece));
        loop {
            match reader.next() {
                Ok(Some(_)) => count += 1,
                Ok(None) => break,
                Err(error) => return (count, Err(error)),
            }
        }
    }
    (count, reader.finish())
}

/// A file of these entries.
pub(crate) fn write(entries: &[RdbItem], version: RdbVersion) -> BytesMut {
    let mut out = BytesMut::new();
    let mut writer = RdbWriter::new(WriteOptions { version, ..WriteOptions::default() });
    writer.header(&mut out);
    for entry in entries {
        match entry {
            RdbItem::Entry { key, meta, value } => {
                writer.entry(&mut out, key, meta, value).expect("the version can hold it");
            }
            RdbItem::SelectDb(db) => writer.select_db(&mut out, *db),
            RdbItem::Function(source) => {
                writer.function(&mut out, source).expect("the version has functions");
            }
            other => panic!("{other:?} is not written here"),
        }
    }
    writer.end(&mut out);
    assert_eq!(writer.written(), out.len() as u64);
    out
}

/// Lengths of pieces that add up to `len`.
pub(crate) fn cuts(cut: u8, len: usize) -> Vec<usize> {
    let mut pieces = Vec::new();
    let mut left = len;
    let mut step = usize::from(cut);
    while left > 0 {
        // Pieces of all lengths, from single bytes to longer than any record.
        step = (step * 7 + 3) % 257;
        let piece = if cut == 0 { 1 } else { (step + 1).min(left) };
        pieces.push(piece);
        left -= piece;
    }
    pieces
}
