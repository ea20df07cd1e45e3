//! Forms that no current server writes, made by hand. Where a server is at hand, it must understand the
//! same bytes in the same way.

#[allow(dead_code, reason = "shared with other tests")]
mod server;

use bytes::Bytes;
use picket_rdb::{
    HashField, RdbItem, RdbItems, RdbLimits, RdbVersion, Score, StreamId, StreamItem, Value, ValueType, dump,
};
use picket_testkit::peers::{Peer, available};
use server::{Server, sorted};

/// A fixture: a type, the bytes of a value, and what they mean.
struct Fixture {
    value_type: ValueType,
    body: Vec<u8>,
    value: Value,
}

fn fixtures() -> Vec<Fixture> {
    let fixture = |value_type, body, value| Fixture { value_type, body, value };
    let field =
        |field: &str, value: &str| HashField { field: field.into(), value: value.into(), expire_at_ms: None };
    let strings = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    let score = |text: &str| Score::parse(text.as_bytes()).expect("a number");
    let long = "l".repeat(300);
    let longer = "m".repeat(20_000);
    vec![
        fixture(
            ValueType::ZSet,
            b"\x05\x01a\x031.5\x01b\xfe\x01c\xff\x01d\x0218\x01e\x18-3.0000000000000001e+100".to_vec(),
            Value::ZSet(vec![
                (b"a".to_vec(), score("1.5")),
                (b"b".to_vec(), Score::INFINITY),
                (b"c".to_vec(), Score::NEG_INFINITY),
                (b"d".to_vec(), score("18")),
                (b"e".to_vec(), score("-3.0000000000000002e100")),
            ]),
        ),
        fixture(
            ValueType::HashZipmap,
            string(&zipmap(&[("a", "1", 0), ("key", "", 3), (&long, "value", 0), ("b", &long, 1)])),
            Value::Hash(vec![field("a", "1"), field("key", ""), field(&long, "value"), field("b", &long)]),
        ),
        fixture(
            ValueType::ListZiplist,
            string(&ziplist(&[
                "a",
                "12",
                "13",
                "-1",
                "127",
                "-129",
                "70000",
                "-8388608",
                "5000000000",
                &long,
                "z",
                &longer,
                "",
            ])),
            Value::List(strings(&[
                "a",
                "12",
                "13",
                "-1",
                "127",
                "-129",
                "70000",
                "-8388608",
                "5000000000",
                &long,
                "z",
                &longer,
                "",
            ])),
        ),
        fixture(
            ValueType::SetIntset,
            string(b"\x04\0\0\0\x03\0\0\0\xfe\xff\xff\xff\x00\0\0\0\x00\x00\x01\x00"),
            Value::Set(strings(&["-2", "0", "65536"])),
        ),
        fixture(
            ValueType::ZSetZiplist,
            string(&ziplist(&["a", "-1.5", "b", "3", "c", "inf"])),
            Value::ZSet(vec![
                (b"a".to_vec(), score("-1.5")),
                (b"b".to_vec(), score("3")),
                (b"c".to_vec(), Score::INFINITY),
            ]),
        ),
        fixture(
            ValueType::HashZiplist,
            string(&ziplist(&["a", "1", "2", "b"])),
            Value::Hash(vec![field("a", "1"), field("2", "b")]),
        ),
        fixture(
            ValueType::ListQuicklist,
            [b"\x02".as_slice(), &string(&ziplist(&["a", "1"])), &string(&ziplist(&[&long]))].concat(),
            Value::List(strings(&["a", "1", &long])),
        ),
    ]
}

/// Fixtures that only servers from 7.4 on understand.
fn field_ttl_fixtures() -> Vec<Fixture> {
    let at = 4_102_444_800_000_u64;
    let field = |field: &str, value: &str, expire_at_ms| HashField {
        field: field.into(),
        value: value.into(),
        expire_at_ms,
    };
    let value =
        Value::Hash(vec![field("a", "1", Some(at)), field("b", "2", Some(at + 5)), field("c", "3", None)]);
    let absolute = |ms: u64| [b"\x81".as_slice(), &ms.to_be_bytes()].concat();
    let (a, b, c) = (b"\x01a\x011".as_slice(), b"\x01b\x012".as_slice(), b"\x01c\x013".as_slice());
    let packed =
        string(&listpack(&["a", "1", &at.to_string(), "b", "2", &(at + 5).to_string(), "c", "3", "0"]));
    let min = at.to_le_bytes();
    [
        (
            ValueType::HashMetadataPreGa,
            [b"\x03".as_slice(), &absolute(at), a, &absolute(at + 5), b, b"\0", c].concat(),
        ),
        (ValueType::HashListpackExPreGa, packed.clone()),
        (ValueType::HashMetadata, [min.as_slice(), b"\x03\x01", a, b"\x06", b, b"\0", c].concat()),
        (ValueType::HashListpackEx, [min.as_slice(), &packed].concat()),
    ]
    .map(|(value_type, body)| Fixture { value_type, body, value: value.clone() })
    .into()
}

#[test]
fn values_of_old_types_are_read_from_files() {
    for Fixture { value_type, body, value } in fixtures().into_iter().chain(field_ttl_fixtures()) {
        let file =
            [b"REDIS0012".as_slice(), &[value_type.to_byte()], b"\x01k", &body, b"\xff\0\0\0\0\0\0\0\0"]
                .concat();
        // Strings of the old packed forms were compressed like any other.
        for len in [file.len(), 1, 7] {
            let mut items = RdbItems::new(RdbLimits::default());
            let mut found = None;
            for piece in file.chunks(len) {
                items.push(piece.to_vec());
                while let Some(item) = items.next().expect("it is well formed") {
                    if let RdbItem::Entry { value, .. } = item {
                        found = Some(value);
                    }
                }
            }
            items.finish().expect("it is complete");
            assert!(found.as_ref() == Some(&value), "{value_type:?} in pieces of {len}: {found:?}");
        }
    }
}

#[test]
fn a_server_understands_old_types_in_the_same_way() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None, &["sanitize-dump-payload yes"]);
    let has_field_ttls = server.version() >= (7, 4);
    let expiring = if has_field_ttls { field_ttl_fixtures() } else { Vec::new() };
    let version = if has_field_ttls { RdbVersion::V12 } else { RdbVersion::V9 };
    if !has_field_ttls {
        eprintln!("SKIPPED: hash fields that expire, which this server does not know");
    }
    for Fixture { value_type, body, value } in fixtures().into_iter().chain(expiring) {
        let payload = dump::write(version, false, value_type, |out| {
            out.string_part(&body);
            Ok(())
        });
        let payload = payload.expect("it takes all");
        assert_eq!(dump::decode(payload.clone(), RdbLimits::default()), Ok(value.clone()), "{value_type:?}");
        server.must(&[b"RESTORE".as_slice(), b"key", b"0", &payload, b"REPLACE"]);
        let found = server.data().remove(&(0, b"key".to_vec())).expect("it was restored");
        assert_eq!(found.1, sorted(value), "{value_type:?}");
    }
}

#[test]
fn a_first_version_file_has_no_checksum_and_seconds() {
    let file = b"REDIS0001\xfe\x00\xfd\x01\x00\x00\x00\x00\x01k\x01v\xff";
    let mut items = RdbItems::new(RdbLimits::default());
    items.push(file.as_slice());
    let mut found = Vec::new();
    while let Some(item) = items.next().expect("it is well formed") {
        found.push(item);
    }
    items.finish().expect("it is complete");
    let [_, _, RdbItem::Entry { meta, .. }, RdbItem::Eof(picket_rdb::Checksum::Absent)] = found.as_slice()
    else {
        panic!("{found:?}");
    };
    assert_eq!(meta.expire_at_ms, Some(1000));
}

#[test]
fn a_file_of_valkey_9_has_its_own_hashes() {
    let hash =
        b"\x16\x01k\x02\x01a\x011\x88\x77\x66\x55\x44\x03\0\0\x01b\x012\xff\xff\xff\xff\xff\xff\xff\xff";
    let file = [b"VALKEY080".as_slice(), hash, b"\xff\0\0\0\0\0\0\0\0"].concat();
    let mut items = RdbItems::new(RdbLimits::default());
    items.push(file);
    assert_eq!(items.next(), Ok(Some(RdbItem::Header { version: 80 })));
    let field = |field: &[u8], value: &[u8], expire_at_ms| HashField {
        field: field.to_vec(),
        value: value.to_vec(),
        expire_at_ms,
    };
    let value = Value::Hash(vec![field(b"a", b"1", Some(0x0344_5566_7788)), field(b"b", b"2", None)]);
    let Ok(Some(RdbItem::Entry { value: found, .. })) = items.next() else { panic!("no entry") };
    assert_eq!(found, value);
}

/// The first form of streams says less: what is missing is made up as Redis does.
#[test]
fn a_stream_of_the_first_form_gets_its_first_id_from_its_entries() {
    let node = listpack(&["1", "0", "1", "f", "0", "2", "0", "0", "v", "4"]);
    let body = [b"\x01\x10".as_slice(), &[0, 0, 0, 0, 0, 0, 0, 7], &[0, 0, 0, 0, 0, 0, 0, 1], &string(&node)]
        .concat();
    let body = [body.as_slice(), b"\x01\x07\x01\x01\x01g\x07\x01\0\0"].concat();
    let payload = dump::write(RdbVersion::V9, false, ValueType::StreamListpacks, |out| {
        out.string_part(&body);
        Ok(())
    });
    let payload: Bytes = payload.expect("it takes all");
    let Ok(Value::Stream(stream)) = dump::decode(payload, RdbLimits::default()) else { panic!("no stream") };
    let id = StreamId { ms: 7, seq: 1 };
    assert_eq!(stream.entries, [StreamItem { id, fields: vec![(b"f".to_vec(), b"v".to_vec())] }]);
    assert_eq!((stream.meta.first_id, stream.meta.last_id, stream.meta.entries_added), (id, id, 1));
    assert_eq!((stream.groups.len(), stream.groups[0].entries_read), (1, Some(1)));
}

/// A string in its plain form.
fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("short");
    [b"\x80".as_slice(), &len.to_be_bytes(), bytes].concat()
}

fn zipmap(pairs: &[(&str, &str, u8)]) -> Vec<u8> {
    let len = |text: &str| match u8::try_from(text.len()) {
        Ok(short @ 0..=253) => vec![short],
        _ => [b"\xfe".as_slice(), &u32::try_from(text.len()).expect("short").to_le_bytes()].concat(),
    };
    let mut map = vec![u8::try_from(pairs.len()).expect("few")];
    for (key, value, free) in pairs {
        map.extend(
            [len(key), key.as_bytes().to_vec(), len(value), vec![*free], value.as_bytes().to_vec()].concat(),
        );
        map.resize(map.len() + usize::from(*free), b'?');
    }
    map.push(0xff);
    map
}

fn ziplist(elements: &[&str]) -> Vec<u8> {
    let mut list = vec![0; 10];
    let mut last = 10;
    let mut previous = 0;
    for element in elements {
        last = list.len();
        match u8::try_from(previous) {
            Ok(short @ 0..=253) => list.push(short),
            _ => list.extend(
                [b"\xfe".as_slice(), &u32::try_from(previous).expect("short").to_le_bytes()].concat(),
            ),
        }
        match element.parse::<i64>() {
            Ok(small @ 0..=12) => list.push(0xf1 + u8::try_from(small).expect("small")),
            Ok(int) if i8::try_from(int).is_ok() => list.extend([0xfe, int.to_le_bytes()[0]]),
            Ok(int) if i16::try_from(int).is_ok() => list.extend([&[0xc0], &int.to_le_bytes()[..2]].concat()),
            Ok(int) if (-(1 << 23)..1 << 23).contains(&int) => {
                list.extend([&[0xf0], &int.to_le_bytes()[..3]].concat());
            }
            Ok(int) if i32::try_from(int).is_ok() => list.extend([&[0xd0], &int.to_le_bytes()[..4]].concat()),
            Ok(int) => list.extend([&[0xe0], &int.to_le_bytes()[..]].concat()),
            Err(_) => {
                let len = u32::try_from(element.len()).expect("short");
                match len {
                    0..=63 => list.push(len.to_le_bytes()[0]),
                    64..=16_383 => list.extend((0x4000 | u16::try_from(len).expect("short")).to_be_bytes()),
                    _ => list.extend([b"\x80".as_slice(), &len.to_be_bytes()].concat()),
                }
                list.extend(element.as_bytes());
            }
        }
        previous = list.len() - last;
    }
    list.push(0xff);
    let total = u32::try_from(list.len()).expect("short");
    list[..4].copy_from_slice(&total.to_le_bytes());
    list[4..8].copy_from_slice(&u32::try_from(last).expect("short").to_le_bytes());
    list[8..10].copy_from_slice(&u16::try_from(elements.len()).expect("few").to_le_bytes());
    list
}

/// Short elements only.
fn listpack(elements: &[&str]) -> Vec<u8> {
    let mut list = vec![0; 6];
    for element in elements {
        let start = list.len();
        match element.parse::<i64>() {
            Ok(small @ 0..=127) => list.push(u8::try_from(small).expect("small")),
            Ok(int) => list.extend([&[0xf4], &int.to_le_bytes()[..]].concat()),
            Err(_) => {
                list.push(0x80 | u8::try_from(element.len()).expect("short"));
                list.extend(element.as_bytes());
            }
        }
        list.push(u8::try_from(list.len() - start).expect("short"));
    }
    list.push(0xff);
    let total = u32::try_from(list.len()).expect("short");
    list[..4].copy_from_slice(&total.to_le_bytes());
    list[4..6].copy_from_slice(&u16::try_from(elements.len()).expect("few").to_le_bytes());
    list
}
