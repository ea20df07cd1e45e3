//! Bad bytes give an error that says what and where; announcements cost nothing.

#[allow(dead_code, reason = "shared with other tests")]
mod check;

use bytes::Bytes;
use picket_rdb::RdbErrorKind as Kind;
use picket_rdb::{
    Checksum, Container, ContainerFault, RdbError, RdbEvent, RdbItem, RdbItems, RdbLimits, RdbReader,
    RdbVersion, ValueType, dump,
};

const NO_CHECKSUM: &[u8] = b"\xff\0\0\0\0\0\0\0\0";

/// How reading `bytes` ends; the same for any pieces.
#[track_caller]
fn end(bytes: &[u8], limits: RdbLimits) -> Result<(), RdbError> {
    let (_, end) = check::read(bytes, &[bytes.len()], limits);
    let (_, by_bytes) = check::read(bytes, &check::cuts(0, bytes.len()), limits);
    assert_eq!(by_bytes, end, "pieces make a difference");
    end
}

#[track_caller]
fn check(bytes: &[u8], offset: u64, kind: Kind) {
    assert_eq!(end(bytes, RdbLimits::default()), Err(RdbError { offset, kind }));
}

/// A file of version 12 with the key `k`; the value begins at byte 12.
fn with_value(value_type: u8, body: &[u8]) -> Vec<u8> {
    [b"REDIS0012".as_slice(), &[value_type], b"\x01k", body, NO_CHECKSUM].concat()
}

#[track_caller]
fn check_value(value_type: u8, body: &[u8], kind: Kind) {
    let found = end(&with_value(value_type, body), RdbLimits::default());
    assert_eq!(found.map_err(|error| error.kind), Err(kind));
}

#[test]
fn only_known_files_are_read() {
    check(b"RODIS0012", 0, Kind::WrongSignature);
    check(b"REDIS001x", 0, Kind::WrongSignature);
    check(b"REDIS0000", 0, Kind::Version(0));
    check(b"REDIS0013", 0, Kind::Version(13));
    check(b"VALKEY081", 0, Kind::Version(81));
    check(b"VALKEY012", 0, Kind::Version(12));
    assert_eq!(Kind::Version(13).to_string(), "Can't handle RDB format version 13");
    check(b"REDIS", 0, Kind::UnexpectedEof);
    check(b"", 0, Kind::UnexpectedEof);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    check(&with_value(6, b""), 9, Kind::ModulePreGa);
    check(&with_value(8, b""), 9, Kind::UnknownType(8));
    check(&with_value(26, b""), 9, Kind::UnknownType(26));
    check(b"REDIS0012\xf6", 9, Kind::FunctionPreGa);
    check(b"REDIS0012\xf3", 9, Kind::UnknownType(243));
    check(b"VALKEY080\xf3", 9, Kind::SlotImport);
    check(b"VALKEY080\x18", 9, Kind::UnknownType(24));
}

#[test]
fn a_wrong_checksum_is_told_unless_it_is_off() {
    let good = check::write(&[], RdbVersion::V10).to_vec();
    assert_eq!(end(&good, RdbLimits::default()), Ok(()));
    let mut bad = good.clone();
    *bad.last_mut().expect("it has bytes") ^= 1;
    let stated = |file: &[u8]| u64::from_le_bytes(*file.last_chunk().expect("it has a checksum"));
    let (expected, computed) = (stated(&bad), stated(&good));
    check(&bad, 18, Kind::WrongChecksum { expected, computed });
    // What is searched for in logs.
    assert!(end(&bad, RdbLimits::default()).is_err_and(|error| error.to_string().contains("RDB CRC error")));
    let off = RdbLimits { verify_checksum: false, ..RdbLimits::default() };
    assert_eq!(end(&bad, off), Ok(()));
    let mut reader = RdbReader::new(RdbLimits::default());
    reader.push([b"REDIS0010", NO_CHECKSUM].concat());
    assert!(matches!(reader.next(), Ok(Some(RdbEvent::Header { version: 10 }))));
    assert!(matches!(reader.next(), Ok(Some(RdbEvent::Eof(Checksum::Off)))));
}

#[test]
fn lengths_have_five_forms() {
    for first in [0x82, 0xbf, 0xc0, 0xc3, 0xff] {
        check(&[b"REDIS0012\xfe".as_slice(), &[first]].concat(), 9, Kind::BadLength(first));
    }
    for first in [0x82, 0xc4, 0xff] {
        check(&[b"REDIS0012\x00".as_slice(), &[first]].concat(), 10, Kind::BadLength(first));
    }
}

/// What is announced and does not come is waited for: nothing is set aside for it.
#[test]
fn announcements_cost_nothing() {
    let huge = [b"\x81".as_slice(), &(1_u64 << 62).to_be_bytes()].concat();
    let stream_tail = b"\0\0\0\0\0\0\0\0\0\x01\x01g\0\0\0";
    for (value_type, body) in [
        (0, huge.clone()),
        (1, huge.clone()),
        (2, huge.clone()),
        (4, huge.clone()),
        (5, huge.clone()),
        (14, huge.clone()),
        (16, huge.clone()),
        (18, huge.clone()),
        (21, huge.clone()),
        (21, [stream_tail.as_slice(), &huge].concat()),
        (21, [stream_tail.as_slice(), b"\0", &huge].concat()),
        (24, [b"\0\0\0\0\0\0\0\0".as_slice(), &huge].concat()),
    ] {
        let file = [b"REDIS0012".as_slice(), &[value_type], b"\x01k", &body, b"\x02a"].concat();
        let len = file.len() as u64;
        let Err(RdbError { offset, kind: Kind::UnexpectedEof }) = end(&file, RdbLimits::default()) else {
            panic!("type {value_type}: {:?}", end(&file, RdbLimits::default()));
        };
        assert!((12..=len).contains(&offset), "type {value_type}: {offset}");
    }
    // No compression is that good.
    let bomb = [b"\xc3\x05".as_slice(), &huge, b"abcde"].concat();
    check_value(0, &bomb, Kind::BadLzf);
    let limits = RdbLimits { string_len_max: 100, elements_max: 3, ..RdbLimits::default() };
    let kind =
        |body: &[u8], value_type| end(&with_value(value_type, body), limits).map_err(|error| error.kind);
    assert_eq!(kind(b"\x40\x65", 0), Err(Kind::StringTooLong { len: 101, max: 100 }));
    assert_eq!(kind(b"\xc3\x02\x40\x65\x00\x00", 0), Err(Kind::StringTooLong { len: 101, max: 100 }));
    assert_eq!(kind(b"\x04\x01a\x01b\x01c\x01d", 1), Err(Kind::TooManyElements { max: 3 }));
    assert_eq!(
        kind(b"\x0f\x0f\0\0\0\x04\0\x01\x01\x02\x01\x03\x01\x04\x01\xff", 20),
        Err(Kind::TooManyElements { max: 3 })
    );
    assert_eq!(kind(b"\x03\x01a\x01b\x01c", 1), Ok(()));
}

#[test]
fn databases_have_numbers() {
    let limits = RdbLimits { databases: 16, ..RdbLimits::default() };
    let file = |db: u8| [b"REDIS0012\xfe".as_slice(), &[db], NO_CHECKSUM].concat();
    assert_eq!(end(&file(15), limits), Ok(()));
    let kind = Kind::DbOutOfRange { db: 16, databases: 16 };
    assert_eq!(end(&file(16), limits), Err(RdbError { offset: 9, kind }));
}

#[test]
fn members_come_once() {
    check_value(2, b"\x02\x01a\x01a", Kind::DuplicateMember);
    check_value(2, b"\x02\x0211\xc0\x0b", Kind::DuplicateMember);
    check_value(4, b"\x02\x01a\x011\x01a\x012", Kind::DuplicateMember);
    check_value(
        5,
        &[b"\x02".as_slice(), b"\x01a\0\0\0\0\0\0\0\0", b"\x01a\0\0\0\0\0\0\0\0"].concat(),
        Kind::DuplicateMember,
    );
    check_value(20, b"\x0b\x0b\0\0\0\x02\0\x01\x01\x01\x01\xff", Kind::DuplicateMember);
    // An error of a value is final too.
    let mut items = RdbItems::new(RdbLimits::default());
    items.push(with_value(2, b"\x02\x01a\x01a"));
    let error = loop {
        match items.next() {
            Ok(item) => assert!(item.is_some(), "the error comes first"),
            Err(error) => break error,
        }
    };
    assert_eq!((items.next(), items.finish()), (Err(error), Err(error)));
}

#[test]
fn scores_are_numbers() {
    check_value(3, b"\x01\x01a\xfd", Kind::BadScore);
    check_value(3, b"\x01\x01a\x03abc", Kind::BadScore);
    check_value(3, b"\x01\x01a\x03nan", Kind::BadScore);
    check_value(3, b"\x01\x01a\xc8", Kind::BadScore);
    check_value(5, b"\x01\x01a\0\0\0\0\0\0\xf8\x7f", Kind::BadScore);
    check_value(17, b"\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff", Kind::BadScore);
}

#[test]
fn fields_expire_within_the_range_of_redis() {
    let late = [b"\x01\x81".as_slice(), &(1_u64 << 48).to_be_bytes(), b"\x01a\x011"].concat();
    check_value(22, &late, Kind::BadFieldExpiry);
    let min = |ms: u64| [ms.to_le_bytes().as_slice(), b"\x01\x02\x01a\x011"].concat();
    check_value(24, &min((1 << 48) - 1), Kind::BadFieldExpiry);
    check_value(24, &min(u64::MAX), Kind::BadFieldExpiry);
    assert_eq!(end(&with_value(24, &min((1 << 48) - 2)), RdbLimits::default()), Ok(()));
}

#[test]
fn containers_are_what_their_headers_say() {
    let bad = |container, fault, at| Kind::BadContainer { container, fault, at };
    let listpack = |fault, at| bad(Container::Listpack, fault, at);
    let odd = b"\x09\x09\0\0\0\x01\0\x01\x01\xff";
    assert_eq!(end(&with_value(20, odd), RdbLimits::default()), Ok(()));
    check_value(16, odd, listpack(ContainerFault::Odd, 8));
    check_value(20, b"\x00", listpack(ContainerFault::Length, 0));
    check_value(20, b"\x09\x0a\0\0\0\x01\0\x01\x01\xff", listpack(ContainerFault::Length, 0));
    check_value(20, b"\x09\x09\0\0\0\x02\0\x01\x01\xff", listpack(ContainerFault::Count, 8));
    check_value(20, b"\x09\x09\0\0\0\x01\0\x01\x02\xff", listpack(ContainerFault::BackLength, 7));
    check_value(20, b"\x09\x09\0\0\0\x01\0\x01\x01\x00", listpack(ContainerFault::End, 8));
    check_value(20, b"\xc0\x07", listpack(ContainerFault::Length, 0));
    let ziplist = |fault, at| bad(Container::Ziplist, fault, at);
    let good = b"\x0d\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf2\xff";
    assert_eq!(end(&with_value(10, good), RdbLimits::default()), Ok(()));
    for (at, byte, kind) in [
        (1, 0x0e, ziplist(ContainerFault::Length, 0)),
        (5, 0x0b, ziplist(ContainerFault::Tail, 12)),
        (9, 0x02, ziplist(ContainerFault::Count, 12)),
        (11, 0x01, ziplist(ContainerFault::BackLength, 11)),
        (12, 0x05, ziplist(ContainerFault::Element, 12)),
        (13, 0x00, ziplist(ContainerFault::End, 12)),
    ] {
        let mut body = *good;
        body[at] = byte;
        check_value(10, &body, kind);
    }
    let intset = |fault, at| bad(Container::Intset, fault, at);
    check_value(11, b"\x0c\x02\0\0\0\x02\0\0\0\x02\0\x01\0", intset(ContainerFault::Order, 10));
    check_value(11, b"\x0c\x02\0\0\0\x02\0\0\0\x01\0\x01\0", intset(ContainerFault::Order, 10));
    check_value(11, b"\x0c\x02\0\0\0\x03\0\0\0\x01\0\x02\0", intset(ContainerFault::Length, 4));
    check_value(11, b"\x0c\x03\0\0\0\x02\0\0\0\x01\0\x02\0", intset(ContainerFault::Element, 0));
    let zipmap = |fault, at| bad(Container::Zipmap, fault, at);
    check_value(9, b"\x04\x01\x01a\xff", zipmap(ContainerFault::Odd, 3));
    check_value(9, b"\x07\x02\x01a\x01\x00b\xff", zipmap(ContainerFault::Count, 6));
    check_value(9, b"\x07\x01\x01a\x09\x00b\xff", zipmap(ContainerFault::Element, 5));
    check_value(9, b"\x07\x01\x01a\x01\x09b\xff", zipmap(ContainerFault::Element, 6));
    check_value(18, b"\x01\x03\x01a", Kind::BadListNode(3));
}

#[test]
fn streams_agree_with_themselves() {
    // No nodes; length, last, first and deleted id, entries added; then groups.
    let empty = |groups: &[u8]| [b"\0\0\0\0\0\0\0\0\0".as_slice(), groups].concat();
    let id = |seq: u8| [&[0; 15][..], &[seq]].concat();
    let pending = |seq: u8| [id(seq).as_slice(), &[0; 8], b"\x01"].concat();
    let times = [0; 16];
    let group = |pel: &[u8], consumers: &[u8]| [b"\x01g\0\0\0".as_slice(), pel, consumers].concat();
    let one = [b"\x01".as_slice(), &pending(1)].concat();
    let owner = |name: &[u8], ids: &[u8]| [b"\x01".as_slice(), name, &times, ids].concat();
    let owns = [b"\x01".as_slice(), &id(1)].concat();
    let nobody = [b"\x01".as_slice(), &owner(b"c", b"\0")].concat();
    let both = [b"\x02".as_slice(), &owner(b"c", &owns), &owner(b"d", &owns)].concat();
    let twins = [b"\x02".as_slice(), &owner(b"c", &owns), &owner(b"c", b"\0")].concat();
    let fine = [b"\x01".as_slice(), &owner(b"c", &owns)].concat();
    let groups = |count: u8, group: &[u8]| empty(&[&[count], group].concat());
    assert_eq!(end(&with_value(21, &groups(1, &group(&one, &fine))), RdbLimits::default()), Ok(()));
    check_value(21, &groups(1, &group(&one, &nobody)), Kind::PendingWithoutConsumer);
    check_value(21, &groups(1, &group(&one, b"\0")), Kind::PendingWithoutConsumer);
    check_value(21, &groups(1, &group(b"\0", &fine)), Kind::UnknownPending);
    check_value(21, &groups(1, &group(&one, &both)), Kind::DuplicateInGroup);
    check_value(21, &groups(1, &group(&one, &twins)), Kind::DuplicateInGroup);
    let two = [b"\x02".as_slice(), &pending(1), &pending(1)].concat();
    check_value(21, &groups(1, &group(&two, &fine)), Kind::DuplicateInGroup);
    check_value(21, &groups(2, &[group(b"\0", b"\0"), group(b"\0", b"\0")].concat()), Kind::DuplicateInGroup);
    check_value(21, b"\0\x01\0\0\0\0\0\0\0\0", Kind::StreamLength { announced: 1, found: 0 });
    check_value(21, b"\x01\x01a", Kind::BadStreamNodeId(1));

    // One entry: count, deleted, fields, f, 0; flags, ms, seq, v, elements.
    let elements = b"\x01\x01\x00\x01\x01\x01\x81f\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01";
    let node = |elements: &[u8], count: u8| {
        let total = u8::try_from(elements.len() + 7).expect("short");
        [&[total, total, 0, 0, 0, count, 0], elements, b"\xff"].concat()
    };
    let stream = |nodes: &[Vec<u8>], tail: &[u8]| {
        let keyed = |node: &Vec<u8>| [b"\x10".as_slice(), &id(1), node].concat();
        let nodes: Vec<u8> = nodes.iter().flat_map(keyed).collect();
        [nodes.as_slice(), tail].concat()
    };
    let one = [b"\x01".as_slice(), &stream(&[node(elements, 10)], b"\x01\0\x01\0\x01\0\0\x01\0")].concat();
    assert_eq!(end(&with_value(21, &one), RdbLimits::default()), Ok(()));
    let twice = [b"\x02".as_slice(), &stream(&[node(elements, 10), node(elements, 10)], b"")].concat();
    check_value(21, &twice, Kind::StreamOrder);
    let early = [b"\x01".as_slice(), &stream(&[node(elements, 10)], b"\x01\0\0\0\x01\0\0\x01\0")].concat();
    check_value(21, &early, Kind::StreamOrder);
    for (at, byte) in [(0, 0), (0, 2), (2, 1), (8, 1), (20, 5)] {
        let mut elements = *elements;
        elements[at] = byte;
        let body =
            [b"\x01".as_slice(), &stream(&[node(&elements, 10)], b"\x01\0\x01\0\x01\0\0\x01\0")].concat();
        let error = end(&with_value(21, &body), RdbLimits::default()).expect_err("it is damaged");
        assert!(
            matches!(error.kind, Kind::BadStreamNode | Kind::BadContainer { .. }),
            "element byte {at}: {error}"
        );
    }
}

#[test]
fn values_of_modules_are_passed_over() {
    let id = [b"\x81".as_slice(), &0x1234_5678_9abc_def0_u64.to_be_bytes()].concat();
    let data = b"\x01\x05\x02\x40\x80\x03abcd\x04abcdefgh\x05\x03abc\x05\xc3\x02\x05\x00a\x05\xc0\x01\x00";
    let file = [
        b"REDIS0012\xf7".as_slice(),
        &id,
        b"\x02\x01",
        data,
        b"\x07\x01k",
        &id,
        data,
        b"\x00\x01l\x01v",
        NO_CHECKSUM,
    ]
    .concat();
    let (items, end) = check::read(&file, &[file.len()], RdbLimits::default());
    assert_eq!(end, Ok(()));
    assert!(matches!(&items[1], RdbItem::ModuleAux { when: 1, .. }));
    let RdbItem::Entry { value: picket_rdb::Value::Module(module), .. } = &items[2] else {
        panic!("{items:?}")
    };
    assert_eq!(module.encoding_version(), 0x2f0);
    assert!(matches!(&items[3], RdbItem::Entry { value: picket_rdb::Value::String(_), .. }));
    check_value(7, &[id.as_slice(), b"\x06"].concat(), Kind::BadModuleOpcode(6));
    check(&[b"REDIS0012\xf7".as_slice(), &id, b"\x01\x01"].concat(), 9, Kind::BadModuleOpcode(1));
}

#[test]
fn what_comes_behind_the_end_is_left_for_others() {
    let file = [b"REDIS0012\x00\x01k\x01v".as_slice(), NO_CHECKSUM].concat();
    let bytes = [file.as_slice(), b"the mark and the stream"].concat();
    for len in [1, 3, file.len() - 2, file.len(), bytes.len()] {
        let mut reader = RdbReader::new(RdbLimits::default());
        let mut rest = Vec::new();
        for piece in bytes.chunks(len) {
            reader.push(Bytes::copy_from_slice(piece));
            while reader.next().expect("it is well formed").is_some() {}
            if reader.is_complete() {
                rest.extend(reader.take_rest().flatten());
            }
        }
        assert_eq!(rest, b"the mark and the stream", "in pieces of {len}");
        assert_eq!(reader.offset(), file.len() as u64);
        assert_eq!(reader.finish(), Ok(()));
    }
}

#[test]
fn a_payload_is_one_value() {
    let write = |body: &'static [u8]| {
        dump::write(RdbVersion::V10, false, ValueType::List, |value| {
            value.string_part(body);
            Ok(())
        })
        .expect("it takes all")
    };
    let decode = |body| dump::decode(write(body), RdbLimits::default());
    assert!(decode(b"\x01\x01a").is_ok());
    let bad = |offset, kind| Err(dump::DumpError::BadFormat(RdbError { offset, kind }));
    assert_eq!(decode(b"\x01\x01a\x01"), bad(3, Kind::TrailingBytes));
    assert_eq!(decode(b"\x02\x01a"), bad(3, Kind::UnexpectedEof));
    assert_eq!(dump::decode(Bytes::new(), RdbLimits::default()), Err(dump::DumpError::VersionOrChecksum));
}
