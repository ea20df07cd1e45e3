//! Files of a real server are read as its clients see the data, and what is written is loaded by it.

mod server;

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use picket_rdb::{
    Checksum, FieldTtlPolicy, RdbAux, RdbEvent, RdbItem, RdbLimits, RdbReader, RdbVersion, RdbWriter,
    StreamId, Value, ValueType, WriteOptions, dump,
};
use picket_testkit::Reply;
use picket_testkit::peers::{Peer, available};
use server::{Data, Server, check_rdb, read_file, sorted};

const LIBRARY: &str =
    "#!lua name=greetings\nredis.register_function('hello', function() return 'hello' end)\n";
const FAR_FUTURE_MS: i64 = 4_102_444_800_000;

/// Every type in every encoding.
fn fill(server: &mut Server, version: (u32, u32)) {
    fill_strings(server);
    fill_lists_and_sets(server);
    fill_sorted_sets_and_hashes(server);
    if version >= (7, 4) {
        fill_expiring_fields(server);
    }
    fill_streams(server);
    server.must(&["FUNCTION", "LOAD", LIBRARY]);
    for db in [3, 9] {
        server.run(&format!("SELECT {db}"));
        server.run(&format!("SET db {db}"));
        server.run(&format!("SET expiring 1 PXAT {FAR_FUTURE_MS}"));
    }
    server.run("SELECT 0");
}

fn fill_strings(server: &mut Server) {
    for number in ["0", "-1", "127", "128", "-129", "32768", "2147483647", "-2147483648", "2147483648"] {
        server.must(&["SET", &format!("int {number}"), number]);
    }
    for text in ["", "007", "-0", "1.5", "9223372036854775807", "9223372036854775808"] {
        server.must(&["SET", &format!("text {text}"), text]);
    }
    for len in [20, 21, 44, 45, 63, 64, 16_383, 16_384, 100_000] {
        server.must(&["SET", &format!("compressible {len}"), &"picket ".repeat(len)[..len]]);
        server.must(&[b"SET".to_vec(), format!("noise {len}").into_bytes(), noise(len)]);
    }
    server.must(&[b"SET".as_slice(), b"key \x00\xff\r\n", b"value \x00\xff\r\n"]);
    server.run("SETBIT bits 10000 1");
    server.run("PFADD hyperloglog a b c d e");
    server.run(&format!("SET expiring 1 PXAT {FAR_FUTURE_MS}"));
    server.run("RPUSH expiring-list 1");
    server.run(&format!("PEXPIREAT expiring-list {FAR_FUTURE_MS}"));
}

fn fill_lists_and_sets(server: &mut Server) {
    server.run("RPUSH list:small a 1 -1 300 70000 5000000000 b");
    server.must(&[b"RPUSH".to_vec(), b"list:plain".to_vec(), noise(10_000), b"x".to_vec(), noise(70_000)]);
    for n in 0..300 {
        server.must(&["RPUSH", "list:large", &format!("element {n}"), &n.to_string(), &"x".repeat(n)]);
    }
    server.run("SADD set:ints 1 2 300 -7");
    server.run("SADD set:ints32 1 2 70000 -7");
    server.run("SADD set:ints64 1 2 5000000000 -7");
    server.run("SADD set:small a b 3");
    for n in 0..600 {
        server.must(&["SADD", "set:many-ints", &(n * 3).to_string()]);
        server.must(&["SADD", "set:large", &format!("member {n}")]);
    }
}

fn fill_sorted_sets_and_hashes(server: &mut Server) {
    server.run(
        "ZADD zset:small 1 a -1.5 b inf c -inf d 3.141592653589793 e 1e300 f 5e-324 g 0.1 h 70000 i -0 j",
    );
    for n in 0..300 {
        server.must(&[
            "ZADD",
            "zset:large",
            &format!("{n}.25"),
            &format!("member {n}"),
            &n.to_string(),
            &n.to_string(),
        ]);
        server.must(&[
            "HSET",
            "hash:large",
            &format!("field {n}"),
            &format!("value {n}"),
            &n.to_string(),
            "1",
        ]);
    }
    server.run("ZADD zset:edges inf a -inf b 1e300 c 5e-324 d");
    server.must(&["ZADD", "zset:edges", "1", &"long ".repeat(100)]);
    server.run("GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    server.run("HSET hash:small a 1 b two 3 -3");
    server.must(&["HSET", "hash:long", "field", &"long ".repeat(100)]);
}

fn fill_expiring_fields(server: &mut Server) {
    server.run("HSET hash:ttl a 1 b 2 c 3 d 4");
    server.run(&format!("HPEXPIREAT hash:ttl {FAR_FUTURE_MS} FIELDS 1 c"));
    server.run(&format!("HPEXPIREAT hash:ttl {} FIELDS 1 a", FAR_FUTURE_MS + 1));
    for n in 0..600 {
        server.must(&["HSET", "hash:ttl-large", &format!("field {n}"), &n.to_string()]);
        if n % 3 == 0 {
            let field = format!("field {n}");
            let at = (FAR_FUTURE_MS + n).to_string();
            server.must(&["HPEXPIREAT", "hash:ttl-large", &at, "FIELDS", "1", &field]);
        }
    }
    // It expires no more, but was in the form of those that do.
    server.run("HSET hash:ttl-gone a 1 b 2");
    server.run(&format!("HPEXPIREAT hash:ttl-gone {FAR_FUTURE_MS} FIELDS 1 a"));
    server.run("HPERSIST hash:ttl-gone FIELDS 1 a");
}

fn fill_streams(server: &mut Server) {
    for n in 1..=250 {
        server.must(&["XADD", "stream", &format!("{n}-1"), "n", &n.to_string(), "text", &"x".repeat(n)]);
    }
    server.run("XADD stream 300-0 other fields than before");
    server.run("XADD stream 5000000000-7 n 1 text 2");
    server.run("XDEL stream 5-1 100-1 300-0");
    server.run("XGROUP CREATE stream all 0");
    server.run("XGROUP CREATE stream idle $");
    server.run("XGROUP CREATE stream middle 120-1");
    server.run("XREADGROUP GROUP all alice COUNT 20 STREAMS stream >");
    server.run("XREADGROUP GROUP all bob COUNT 10 STREAMS stream >");
    server.run("XREADGROUP GROUP middle carol COUNT 3 STREAMS stream >");
    server.run("XACK stream all 1-1 2-1");
    server.run("XCLAIM stream all carol 0 3-1 25-1");
    server.run("XCLAIM stream all carol 0 3-1 RETRYCOUNT 7");
    server.run("XGROUP CREATECONSUMER stream idle nobody");
    // What is pending may be gone.
    server.run("XDEL stream 26-1");
    server.run("XADD stream:empty 1-1 a b");
    server.run("XDEL stream:empty 1-1");
    server.run("XGROUP CREATE stream:empty group 0");
    server.run("XADD stream:edge 18446744073709551615-18446744073709551615 a b");
    server.run("XADD stream:edge2 1-1 a b");
    server.run("XADD stream:edge2 18446744073709551615-1 a b");
    server.run("XSETID stream:edge2 18446744073709551615-2 ENTRIESADDED 100 MAXDELETEDID 7-7");
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = len as u64 | 1 << 33;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24).to_le_bytes()[0]
    })
    .take(len)
    .collect()
}

/// The versions that this server loads.
fn versions(version: (u32, u32)) -> Vec<RdbVersion> {
    let known = [
        ((6, 2), RdbVersion::V9),
        ((7, 0), RdbVersion::V10),
        ((7, 2), RdbVersion::V11),
        ((7, 4), RdbVersion::V12),
    ];
    known.into_iter().filter(|(since, _)| version >= *since).map(|(_, version)| version).collect()
}

fn entry<'a>(data: &'a Data, key: &str) -> &'a Value {
    &data.get(&(0, key.as_bytes().to_vec())).expect("the key is there").1
}

/// Compares key by key, so that a failure says which.
#[track_caller]
fn assert_same(found: &Data, expected: &Data) {
    for (key, value) in expected {
        let name = String::from_utf8_lossy(&key.1).into_owned();
        assert!(found.contains_key(key), "{name} is missing in database {}", key.0);
        assert_eq!(&found[key], value, "{name}");
    }
    assert_eq!(found.len(), expected.len(), "keys that should not be there");
}

/// What the server's clients cannot see of a consumer that never was active.
fn without_active_times(data: &Data) -> Data {
    let mut data = data.clone();
    for (_, value) in data.values_mut() {
        if let Value::Stream(stream) = value {
            stream.groups.iter_mut().flat_map(|group| &mut group.consumers).for_each(|consumer| {
                consumer.active_time_ms = None;
            });
        }
    }
    data
}

#[test]
fn a_servers_file_says_what_its_clients_see() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    for compression in ["rdbcompression yes", "rdbcompression no"] {
        let mut server = Server::start(None, &[compression]);
        let version = server.version();
        fill(&mut server, version);
        let expected = server.data();
        let file = server.save();
        let (items, data) = read_file(&file);
        assert_same(&data, &expected);
        assert_eq!(
            types(&file),
            types_of(version),
            "the data is to be of every type that this server writes"
        );
        assert!(expected.len() > 50);
        let Some(RdbItem::Eof(checksum)) = items.last() else { panic!("{:?}", items.last()) };
        assert_eq!(*checksum, Checksum::Verified);
        assert!(items.contains(&RdbItem::Function(LIBRARY.as_bytes().to_vec())));
        assert!(items.contains(&RdbItem::ResizeDb { keys: 2, expires: 1 }));
        let aux = |name: &[u8]| {
            items.iter().any(|item| matches!(item, RdbItem::Aux { key, .. } if key.as_slice() == name))
        };
        assert!(aux(b"redis-ver") && aux(b"ctime") && aux(b"used-mem"));
    }
}

/// How the values of a file are laid out.
fn types(file: &[u8]) -> BTreeSet<ValueType> {
    let mut reader = RdbReader::new(RdbLimits::default());
    reader.push(file.to_vec());
    let mut types = BTreeSet::new();
    while let Some(event) = reader.next().expect("a server wrote it") {
        if let RdbEvent::Key { value_type, .. } = event {
            types.insert(value_type);
        }
    }
    types
}

fn types_of(version: (u32, u32)) -> BTreeSet<ValueType> {
    use ValueType::*;
    let mut types =
        BTreeSet::from([String, ListQuicklist2, SetIntset, Set, ZSetListpack, ZSet2, HashListpack, Hash]);
    types.insert(if version >= (7, 2) { StreamListpacks3 } else { StreamListpacks2 });
    if version >= (7, 2) {
        types.insert(SetListpack);
    }
    if version >= (7, 4) {
        types.extend([HashMetadata, HashListpackEx]);
    }
    types
}

#[test]
fn a_server_loads_what_is_written() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None, &[]);
    let server_version = server.version();
    fill(&mut server, server_version);
    let original = server.data();
    let (items, _) = read_file(&server.save());
    for version in versions(server_version) {
        for compress in [true, false] {
            let file = rewrite(&items, version, compress);
            check_rdb(&file);
            let mut loaded = Server::start(Some(&file), &[]);
            let mut found = loaded.data();
            let mut expected = original.clone();
            lower(&mut expected, version);
            if version < RdbVersion::V11 {
                (found, expected) = (without_active_times(&found), without_active_times(&expected));
            }
            lower(&mut found, version);
            assert_same(&found, &expected);
            if version.has_functions() {
                assert_eq!(loaded.functions(), [LIBRARY.as_bytes()]);
            }
            // The replication history is taken over, as after a restart.
            let info = loaded.run("INFO replication").text().expect("text");
            assert!(info.contains("master_replid2:0123456789012345678901234567890123456789"), "{info}");
            assert!(info.contains("second_repl_offset:4712"), "{info}");
        }
    }
}

/// What an older version cannot say, or what a server makes up for what is not said.
fn lower(data: &mut Data, version: RdbVersion) {
    for (_, value) in data.values_mut() {
        match value {
            Value::Hash(fields) if !version.has_field_ttls() => {
                fields.iter_mut().for_each(|field| field.expire_at_ms = None);
            }
            Value::Stream(stream) if version == RdbVersion::V9 => {
                stream.meta.max_deleted_id = StreamId::default();
                stream.meta.entries_added = stream.meta.length;
                if stream.entries.is_empty() {
                    // The server scans for it and finds the largest id there is.
                    stream.meta.first_id = StreamId::default();
                }
                stream.groups.iter_mut().for_each(|group| group.entries_read = None);
            }
            _ => {}
        }
    }
}

fn rewrite(items: &[RdbItem], version: RdbVersion, compress: bool) -> BytesMut {
    let mut out = BytesMut::new();
    let options =
        WriteOptions { version, compress, field_ttls: FieldTtlPolicy::Forget, ..WriteOptions::default() };
    let mut writer = RdbWriter::new(options);
    writer.header(&mut out);
    writer.aux_fields(
        &mut out,
        &RdbAux {
            redis_ver: "7.0.15",
            ctime_s: 1_700_000_000,
            used_mem: 1 << 20,
            replication: Some((0, "0123456789012345678901234567890123456789", 4711)),
            aof_base: false,
        },
    );
    for item in items {
        match item {
            RdbItem::Function(source) if version.has_functions() => {
                writer.function(&mut out, source).expect("the version has functions");
            }
            RdbItem::SelectDb(db) => writer.select_db(&mut out, *db),
            RdbItem::ResizeDb { keys, expires } => writer.resize_db(&mut out, *keys, *expires),
            RdbItem::Entry { key, meta, value } => {
                writer.entry(&mut out, key, meta, value).expect("every version can hold it");
            }
            _ => {}
        }
    }
    writer.end(&mut out);
    out
}

#[test]
fn idle_times_and_frequencies_go_both_ways() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    for (policy, command) in [("allkeys-lfu", "OBJECT FREQ key"), ("allkeys-lru", "OBJECT IDLETIME key")] {
        let directive = format!("maxmemory-policy {policy}");
        let mut server = Server::start(None, &[&directive]);
        server.run("SET key value");
        let payload = dump_of(&mut server, b"key");
        let used = if policy == "allkeys-lfu" { "FREQ" } else { "IDLETIME" };
        let restore: [&[u8]; 7] = [b"RESTORE", b"key", b"0", &payload, b"REPLACE", used.as_bytes(), b"200"];
        server.must(&restore);
        let (items, _) = read_file(&server.save());
        let meta = items.iter().find_map(|item| match item {
            RdbItem::Entry { meta, .. } => Some(*meta),
            _ => None,
        });
        let meta = meta.expect("one entry");
        let near = |value: u64| (195..=230).contains(&value);
        assert_eq!(meta.freq.is_some_and(|freq| near(freq.into())), policy == "allkeys-lfu", "{meta:?}");
        assert_eq!(meta.idle_s.is_some_and(near), policy == "allkeys-lru", "{meta:?}");
        let mut loaded = Server::start(Some(&rewrite(&items, RdbVersion::V10, true)), &[&directive]);
        let value = loaded.run(command).int().expect("a number");
        assert!(near(value.cast_unsigned()), "{policy}: {value}");
    }
}

fn dump_of(server: &mut Server, key: &[u8]) -> Vec<u8> {
    match server.must(&[b"DUMP".as_slice(), key]) {
        Reply::Bulk(bytes) => bytes,
        other => panic!("{other}"),
    }
}

#[test]
fn payloads_go_both_ways() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None, &["sanitize-dump-payload yes"]);
    let server_version = server.version();
    fill(&mut server, server_version);
    let original = server.data();
    let mut copies = BTreeMap::new();
    for ((_, key), (_, value)) in original.range((0, Vec::new())..(1, Vec::new())) {
        let payload = Bytes::from(dump_of(&mut server, key));
        let decoded = dump::decode(payload, RdbLimits::default()).expect("a server's payload");
        assert_eq!(sorted(decoded.clone()), *value, "{}", String::from_utf8_lossy(key));
        copies.insert(key.clone(), decoded);
    }
    assert!(copies.len() > 50);
    for version in versions(server_version) {
        server.run("FLUSHALL");
        for (key, value) in &copies {
            let payload = dump::encode(value, version, true, FieldTtlPolicy::Forget).expect("writable");
            server.must(&[b"RESTORE".as_slice(), key, b"0", &payload]);
        }
        let mut found = server.data();
        let mut expected: Data =
            copies.iter().map(|(key, value)| ((0, key.clone()), (None, sorted(value.clone())))).collect();
        lower(&mut found, version);
        lower(&mut expected, version);
        if version < RdbVersion::V11 {
            (found, expected) = (without_active_times(&found), without_active_times(&expected));
        }
        assert_same(&found, &expected);
    }
}

#[test]
fn a_server_refuses_the_payloads_that_are_refused_here() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None, &[]);
    server.run("RPUSH list a b c");
    let good = dump_of(&mut server, b"list");
    let refused = dump::DumpError::VersionOrChecksum;
    for damaged in [&good[..good.len() - 1], &good[..5], b"", &[&good[..], b"x"].concat()] {
        let text = server.cmd(&[b"RESTORE".as_slice(), b"copy", b"0", damaged]);
        assert_eq!(text.error(), Some(format!("ERR {refused}").as_str()));
        let damaged = Bytes::copy_from_slice(damaged);
        assert_eq!(dump::decode(damaged, RdbLimits::default()), Err(refused));
    }
    // The footer is right and the value is not.
    for body in [&b"\xc0\x01"[..], b"\x7f\xff\x01a", b"\x81\xff\xff"] {
        let payload = dump::write(RdbVersion::V9, false, ValueType::List, |value| {
            value.string_part(body);
            Ok(())
        })
        .expect("it takes all");
        let text = server.cmd(&[b"RESTORE".as_slice(), b"copy", b"0", &payload]);
        let here = dump::decode(payload, RdbLimits::default());
        let Err(error @ dump::DumpError::BadFormat(_)) = here else { panic!("{here:?}") };
        assert_eq!(text.error(), Some(format!("ERR {error}").as_str()), "{body:?}");
    }
    assert!(matches!(entry(&server.data(), "list"), Value::List(elements) if elements.len() == 3));
}
