//! What a real server saved is loaded here, and what is saved here is loaded by it: the same data in the same
//! encodings.

use std::collections::BTreeMap;
use std::fs;

use bytes::{Bytes, BytesMut};
use picket_node_core::{
    Context, Keyspace, LoadOptions, LoadProgress, LoadRole, Loader, OldData, Origin, Progress, Session,
    Settings, Snapshot, SnapshotOptions, SnapshotReplication,
};
use picket_rdb::{Checksum, RdbVersion, WriteOptions};
use picket_resp::Protocol;
use picket_testkit::peers::{Peer, available};
use picket_testkit::{Client, RedisServer, Reply};
use tempfile::TempDir;

const LIBRARY: &str =
    "#!lua name=greetings\nredis.register_function('hello', function() return 'hello' end)\n";
const NOW_MS: u64 = 1_700_000_000_000;

struct Server {
    client: Client,
    folder: TempDir,
    _server: RedisServer,
}

impl Server {
    fn start(file: Option<&[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(file) = file {
            fs::write(folder.path().join("dump.rdb"), file).expect("writable");
        }
        let dir = format!("dir {}", folder.path().display());
        let server = RedisServer::start(&[&dir, "logfile \"\"", "enable-debug-command local"]);
        let client = server.client().expect("it answers");
        Self { client, folder, _server: server }
    }

    #[track_caller]
    fn run<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Reply {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.as_ref().len()).as_bytes());
            bytes.extend_from_slice(word.as_ref());
            bytes.extend_from_slice(b"\r\n");
        }
        self.client.send_raw(&bytes).expect("it takes commands");
        let reply = self.client.read().expect("it answers");
        assert_eq!(reply.error(), None, "{}", String::from_utf8_lossy(words[0].as_ref()));
        reply
    }

    #[track_caller]
    fn line(&mut self, line: &str) -> Reply {
        let words: Vec<_> = line.split(' ').collect();
        self.run(&words)
    }

    fn is_since(&mut self, wanted: (u32, u32)) -> bool {
        let info = self.line("INFO server").text().expect("text");
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).expect("a version");
        let mut parts = version.split('.').map(|part| part.parse().expect("a number"));
        (parts.next().expect("major"), parts.next().expect("minor")) >= wanted
    }

    fn save(&mut self) -> Vec<u8> {
        self.line("SAVE");
        fs::read(self.folder.path().join("dump.rdb")).expect("it was written")
    }

    fn digest(&mut self) -> String {
        self.line("DEBUG DIGEST").text().expect("text")
    }

    /// The encoding of each key.
    fn encodings(&mut self) -> BTreeMap<(u32, Vec<u8>), String> {
        let mut encodings = BTreeMap::new();
        for db in [0, 3] {
            self.line(&format!("SELECT {db}"));
            for key in self.line("KEYS *").items().to_vec() {
                let Reply::Bulk(key) = key else { panic!("{key:?}") };
                let encoding = self.run(&[b"OBJECT".as_slice(), b"ENCODING", &key]).text().expect("text");
                encodings.insert((db, key), encoding);
            }
        }
        self.line("SELECT 0");
        encodings
    }
}

/// Every type in every encoding.
fn fill(server: &mut Server) {
    for number in ["0", "-1", "127", "-129", "32768", "2147483648", "9223372036854775807"] {
        server.run(&["SET", &format!("int {number}"), number]);
    }
    for text in ["", "007", "-0", "1.5", "9223372036854775808"] {
        server.run(&["SET", &format!("text {text}"), text]);
    }
    for len in [20, 21, 44, 45, 16_384, 3_000_000] {
        server.run(&["SET", &format!("long {len}"), &"picket ".repeat(len)[..len]]);
    }
    server.run(&[b"SET".as_slice(), b"key \x00\xff\r\n", b"value \x00\xff\r\n"]);
    server.line("APPEND appended 12");
    server.line("APPEND appended 34");
    server.line("SETBIT bits 10000 1");
    server.line("PFADD hyperloglog a b c d e");
    server.line("SET expiring 1 PXAT 4102444800000");
    server.line("RPUSH expiring-list 1");
    server.line("PEXPIREAT expiring-list 4102444800000");
    server.line("RPUSH list:small a 1 -1 300 70000 5000000000 b");
    server.run(&["RPUSH", "list:plain", &"x".repeat(10_000), "y", &"z".repeat(70_000)]);
    server.line("SADD set:ints 1 2 300 -7");
    server.line("SADD set:ints32 1 2 70000 -7");
    server.line("SADD set:ints64 1 2 5000000000 -7");
    server.line("SADD set:small a b 3");
    server.run(&["SADD", "set:long", &"x".repeat(65), "a"]);
    server.run(&["HSET", "hash:long", &"x".repeat(65), "a", "b", &"y".repeat(100)]);
    server.line("HSET hash:small a 1 b 2 c text 300 -5");
    server.line(
        "ZADD zset:small 1 a -1.5 b inf c -inf d 3.141592653589793 e 1e300 f 5e-324 g 0.1 h 70000 i -0 j",
    );
    server.run(&["ZADD", "zset:long", "-0", &"x".repeat(65), "2.5", "a"]);
    for n in 0..600 {
        server.run(&["RPUSH", "list:large", &format!("element {n}"), &n.to_string(), &"x".repeat(n)]);
        server.run(&["SADD", "set:many-ints", &(n * 3).to_string()]);
        server.run(&["SADD", "set:large", &format!("member {n}")]);
        server.run(&["HSET", "hash:large", &format!("field {n}"), &n.to_string()]);
        server.run(&["ZADD", "zset:large", &format!("{}.25", n % 100), &format!("member {n}")]);
    }
    fill_streams(server);
    server.run(&["FUNCTION", "LOAD", LIBRARY]);
    server.line("SELECT 3");
    server.line("SET db 3");
    server.line("SET expiring 1 PXAT 4102444800000");
    server.line("SELECT 0");
}

const STREAMS: [&str; 4] = ["stream", "stream:empty", "stream:edge", "stream:edge2"];

fn fill_streams(server: &mut Server) {
    for n in 1..=250 {
        server.run(&["XADD", "stream", &format!("{n}-1"), "n", &n.to_string(), "text", &"x".repeat(n)]);
    }
    for line in [
        "XADD stream 300-0 other fields than before",
        "XADD stream 5000000000-7 n 1 text 2",
        "XDEL stream 5-1 100-1 300-0",
        "XGROUP CREATE stream all 0",
        "XGROUP CREATE stream idle $",
        "XGROUP CREATE stream middle 120-1",
        "XREADGROUP GROUP all alice COUNT 20 STREAMS stream >",
        "XREADGROUP GROUP all bob COUNT 10 STREAMS stream >",
        "XREADGROUP GROUP middle carol COUNT 3 STREAMS stream >",
        "XACK stream all 1-1 2-1",
        "XCLAIM stream all carol 0 3-1 25-1",
        "XCLAIM stream all carol 0 3-1 RETRYCOUNT 7",
        "XGROUP CREATECONSUMER stream idle nobody",
        "XDEL stream 26-1",
        "XADD stream:empty 1-1 a b",
        "XDEL stream:empty 1-1",
        "XGROUP CREATE stream:empty group 0",
        "XADD stream:edge 18446744073709551615-18446744073709551615 a b",
        "XADD stream:edge2 1-1 a b",
        "XADD stream:edge2 18446744073709551615-1 a b",
        "XSETID stream:edge2 18446744073709551615-2 ENTRIESADDED 100 MAXDELETEDID 7-7",
    ] {
        server.line(line);
    }
}

/// All that clients see of the streams.
fn streams(server: &mut Server) -> Vec<String> {
    let mut found = Vec::new();
    for key in STREAMS {
        found.push(format!("{:?}", server.line(&format!("XINFO STREAM {key} FULL COUNT 0"))));
    }
    found
}

/// Loads a file in small pieces.
fn load(file: &[u8]) -> Keyspace {
    let mut keyspace = Keyspace::new(1, Settings::default());
    let options = LoadOptions {
        now_ms: NOW_MS,
        role: LoadRole::Master,
        old_data: OldData::Empty,
        verify_checksum: true,
    };
    let mut loader = Loader::new(&mut keyspace, options);
    let mut pieces = file.chunks(1000);
    loop {
        match loader.step(300).expect("a server wrote it") {
            LoadProgress::More => {}
            LoadProgress::NeedsBytes => {
                loader.push(&Bytes::copy_from_slice(pieces.next().expect("the end is not reached")));
            }
            LoadProgress::Complete => break,
        }
    }
    let report = loader.finish(&mut keyspace).expect("it is complete");
    assert_eq!(report.checksum, Some(Checksum::Verified));
    assert!(report.aux.redis_ver.is_some() && report.aux.ctime_s.is_some() && report.aux.used_mem.is_some());
    keyspace
}

fn save(keyspace: &mut Keyspace, version: RdbVersion, compress: bool) -> BytesMut {
    let options = SnapshotOptions {
        write: WriteOptions { version, compress, ..WriteOptions::default() },
        redis_ver: "7.4.0".into(),
        now_ms: NOW_MS,
        replication: Some(SnapshotReplication {
            stream_db: 0,
            id: "0123456789012345678901234567890123456789".into(),
            offset: 4711,
        }),
        ..SnapshotOptions::default()
    };
    let mut snapshot = Snapshot::start(keyspace, options).expect("none is under way");
    let mut file = BytesMut::new();
    while snapshot.next(keyspace, 10_000, &mut file).expect("nothing is in the way") == Progress::More {}
    file
}

fn execute(keyspace: &mut Keyspace, db: u32, words: &[&[u8]]) -> picket_resp::Reply {
    let args: Vec<_> = words.iter().map(|word| Bytes::copy_from_slice(word)).collect();
    let context =
        Context { now_ms: NOW_MS, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
    let mut session = Session::new();
    session.db = db;
    keyspace.execute(&mut session, context, &args).reply
}

#[test]
fn files_go_both_ways_without_a_difference() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None);
    fill(&mut server);
    let digest = server.digest();
    let encodings = server.encodings();
    let streams_before = streams(&mut server);
    let mut ours = load(&server.save());
    let has_listpacks_of_72 = server.is_since((7, 2));
    for ((db, key), encoding) in &encodings {
        let found = execute(&mut ours, *db, &[b"OBJECT", b"ENCODING", key]);
        let name = String::from_utf8_lossy(key);
        // Before 7.2 sets and lists had no listpacks.
        let small = ["set:small", "list:small", "expiring-list"].contains(&&*name) && !has_listpacks_of_72;
        let expected = if small { "listpack" } else { encoding.as_str() };
        // A string that was changed in place is saved, and hence loaded, as any other.
        let is_loaded_anew = ["appended", "bits", "hyperloglog"].contains(&&*name);
        assert!(
            found == picket_resp::Reply::bulk(expected.to_owned()) || is_loaded_anew,
            "{name}: {found:?}"
        );
    }
    for (since, version) in [
        ((7, 0), RdbVersion::V9),
        ((7, 0), RdbVersion::V10),
        ((7, 2), RdbVersion::V11),
        ((7, 4), RdbVersion::V12),
    ] {
        if !server.is_since(since) {
            continue;
        }
        for compress in [true, false] {
            let file = save(&mut ours, version, compress);
            let mut loaded = Server::start(Some(&file));
            assert_eq!(loaded.digest(), digest, "{version:?}, compressed: {compress}");
            let mut found = loaded.encodings();
            for name in ["appended", "bits", "hyperloglog"] {
                let key = (0, name.as_bytes().to_vec());
                found.insert(key.clone(), encodings[&key].clone());
            }
            assert_eq!(found, encodings, "{version:?}, compressed: {compress}");
            // What older versions cannot say of a stream is lost.
            if version >= RdbVersion::V11 || version == RdbVersion::V10 && !has_listpacks_of_72 {
                assert_eq!(streams(&mut loaded), streams_before, "{version:?}");
            }
            if version.has_functions() {
                let list = loaded.line("FUNCTION LIST WITHCODE");
                let code = list.items()[0].field("library_code").and_then(Reply::text);
                assert_eq!(code.as_deref(), Some(LIBRARY));
                assert_eq!(loaded.line("FCALL hello 0").text().as_deref(), Some("hello"));
            }
            let info = loaded.line("INFO replication").text().expect("text");
            assert!(info.contains("master_replid2:0123456789012345678901234567890123456789"), "{info}");
        }
    }
}

#[test]
fn payloads_go_both_ways_without_a_difference() {
    if !available(&[Peer::RedisServer]) {
        return;
    }
    let mut server = Server::start(None);
    fill(&mut server);
    let digest = server.digest();
    let mut ours = Keyspace::new(1, Settings::default());
    let functions = dump_of(server.line("FUNCTION DUMP"));
    for db in [0, 3] {
        server.line(&format!("SELECT {db}"));
        for key in server.line("KEYS *").items().to_vec() {
            let Reply::Bulk(key) = key else { panic!("{key:?}") };
            let payload = dump_of(server.run(&[b"DUMP".as_slice(), &key]));
            let Reply::Int(at) = server.run(&[b"PEXPIRETIME".as_slice(), &key]) else { panic!("no number") };
            let ttl = at.max(0).to_string();
            let restore = [b"RESTORE".as_slice(), &key, ttl.as_bytes(), &payload, b"ABSTTL"];
            let reply = execute(&mut ours, db, &restore);
            assert_eq!(reply, picket_resp::Reply::ok(), "{}", String::from_utf8_lossy(&key));
        }
    }
    let reply = execute(&mut ours, 0, &[b"FUNCTION", b"RESTORE", &functions]);
    assert_eq!(reply, picket_resp::Reply::ok());
    // And back to an empty server.
    let mut other = Server::start(None);
    for db in [0, 3] {
        other.line(&format!("SELECT {db}"));
        let keys: Vec<_> = ours.dbs()[db as usize].iter().map(|(key, _)| key.to_vec()).collect();
        for key in keys {
            let expire_at = ours.dbs()[db as usize].get(&key).and_then(picket_node_core::Entry::expire_at);
            let picket_resp::Reply::Bulk(payload) = execute(&mut ours, db, &[b"DUMP", &key]) else {
                panic!("{key:?}")
            };
            let ttl = expire_at.unwrap_or(0).to_string();
            other.run(&[b"RESTORE".as_slice(), &key, ttl.as_bytes(), &payload, b"ABSTTL"]);
        }
    }
    assert_eq!(other.digest(), digest);
    let picket_resp::Reply::Bulk(functions) = execute(&mut ours, 0, &[b"FUNCTION", b"DUMP"]) else {
        panic!("no payload")
    };
    other.run(&[b"FUNCTION".as_slice(), b"RESTORE", &functions]);
    assert_eq!(other.line("FCALL hello 0").text().as_deref(), Some("hello"));
}

fn dump_of(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(payload) => payload,
        other => panic!("{other:?}"),
    }
}
