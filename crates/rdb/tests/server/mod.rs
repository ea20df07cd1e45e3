//! A redis-server with a folder of its own, and all its data as its clients see them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use picket_rdb::{
    HashField, RdbItem, RdbItems, RdbLimits, Score, StreamConsumer, StreamGroup, StreamId, StreamItem,
    StreamMeta, StreamPending, StreamValue, Value,
};
use picket_testkit::peers::Peer;
use picket_testkit::{Client, RedisServer, Reply};
use tempfile::TempDir;

/// Databases that tests use.
pub(crate) const DATABASES: [u64; 3] = [0, 3, 9];

/// Keys with their expiry and value, by database.
pub(crate) type Data = BTreeMap<(u64, Vec<u8>), (Option<i64>, Value)>;

pub(crate) struct Server {
    client: Client,
    _server: RedisServer,
    folder: TempDir,
}

impl Server {
    /// Starts one that loads `file`, if there is one.
    pub(crate) fn start(file: Option<&[u8]>, directives: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(file) = file {
            fs::write(folder.path().join("dump.rdb"), file).expect("writable");
        }
        // Its output goes where the end of a failed test shows it.
        let dir = format!("dir {}", folder.path().display());
        let directives = [&[dir.as_str(), "logfile \"\""], directives].concat();
        let server = RedisServer::start(&directives);
        let client = server.client().expect("it answers");
        Self { client, _server: server, folder }
    }

    pub(crate) fn cmd<T: AsRef<[u8]>>(&mut self, args: &[T]) -> Reply {
        let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            bytes.extend_from_slice(format!("${}\r\n", arg.as_ref().len()).as_bytes());
            bytes.extend_from_slice(arg.as_ref());
            bytes.extend_from_slice(b"\r\n");
        }
        self.client.send_raw(&bytes).expect("it takes commands");
        self.client.read().expect("it answers")
    }

    /// A command of words, which must not fail.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str) -> Reply {
        let words: Vec<_> = command.split(' ').collect();
        self.must(&words)
    }

    #[track_caller]
    pub(crate) fn must<T: AsRef<[u8]>>(&mut self, args: &[T]) -> Reply {
        let reply = self.cmd(args);
        assert_eq!(reply.error(), None, "{}", String::from_utf8_lossy(args[0].as_ref()));
        reply
    }

    /// Major and minor version.
    pub(crate) fn version(&mut self) -> (u32, u32) {
        let info = self.run("INFO server").text().expect("text");
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).expect("a version");
        let mut parts = version.split('.').map(|part| part.parse().expect("a number"));
        let version = (parts.next().expect("major"), parts.next().expect("minor"));
        // Builds from the development branch say 255.255.255.
        version.min((99, 99))
    }

    /// The file as SAVE writes it.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        self.run("SAVE");
        fs::read(self.folder.path().join("dump.rdb")).expect("it was written")
    }

    /// All its data.
    pub(crate) fn data(&mut self) -> Data {
        let mut data = Data::new();
        for db in DATABASES {
            self.run(&format!("SELECT {db}"));
            for key in self.run("KEYS *").items().to_vec() {
                let key = bulk(&key);
                let found = (self.expiry(&key), self.value(&key));
                data.insert((db, key), found);
            }
        }
        self.run("SELECT 0");
        data
    }

    pub(crate) fn functions(&mut self) -> Vec<Vec<u8>> {
        let list = self.run("FUNCTION LIST WITHCODE");
        list.items().iter().map(|one| bulk(one.field("library_code").expect("code"))).collect()
    }

    fn expiry(&mut self, key: &[u8]) -> Option<i64> {
        let at = self.must(&[b"PEXPIRETIME", key]).int().expect("a number");
        (at >= 0).then_some(at)
    }

    /// The value of a key, sorted where its order means nothing.
    fn value(&mut self, key: &[u8]) -> Value {
        let kind = self.must(&[b"TYPE".as_slice(), key]).text().expect("a type");
        let mut ask = |args: &[&[u8]]| -> Vec<Reply> { self.must(args).items().to_vec() };
        let value = match kind.as_str() {
            "string" => Value::String(bulk(&self.must(&[b"GET".as_slice(), key]))),
            "list" => Value::List(ask(&[b"LRANGE", key, b"0", b"-1"]).iter().map(bulk).collect()),
            "set" => Value::Set(ask(&[b"SMEMBERS", key]).iter().map(bulk).collect()),
            "zset" => Value::ZSet(
                ask(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])
                    .chunks(2)
                    .map(|pair| (bulk(&pair[0]), Score::parse(&bulk(&pair[1])).expect("a score")))
                    .collect(),
            ),
            "hash" => self.hash(key),
            "stream" => self.stream(key),
            other => panic!("a value of type {other}"),
        };
        sorted(value)
    }

    fn hash(&mut self, key: &[u8]) -> Value {
        let pairs = self.must(&[b"HGETALL".as_slice(), key]).items().to_vec();
        let mut fields = Vec::new();
        for pair in pairs.chunks(2) {
            let field = bulk(&pair[0]);
            let expiry = self.cmd(&[b"HPEXPIRETIME".as_slice(), key, b"FIELDS", b"1", &field]);
            // Servers before 7.4 do not know the command.
            let expire_at_ms =
                expiry.items().first().and_then(Reply::int).and_then(|at| u64::try_from(at).ok());
            fields.push(HashField { field, value: bulk(&pair[1]), expire_at_ms });
        }
        Value::Hash(fields)
    }

    fn stream(&mut self, key: &[u8]) -> Value {
        let entries = self.must(&[b"XRANGE".as_slice(), key, b"-", b"+"]);
        let entries = entries.items().iter().map(|entry| {
            let fields = entry.items()[1].items().chunks(2).map(|pair| (bulk(&pair[0]), bulk(&pair[1])));
            StreamItem { id: stream_id(&entry.items()[0]), fields: fields.collect() }
        });
        let entries: Vec<_> = entries.collect();
        let info = self.must(&[b"XINFO".as_slice(), b"STREAM", key, b"FULL", b"COUNT", b"0"]);
        let number = |reply: &Reply, name: &str| reply.field(name).and_then(Reply::int);
        let meta = StreamMeta {
            length: number(&info, "length").expect("a length").cast_unsigned(),
            last_id: stream_id(info.field("last-generated-id").expect("an id")),
            first_id: info.field("recorded-first-entry-id").map(stream_id).expect("an id"),
            max_deleted_id: info.field("max-deleted-entry-id").map(stream_id).expect("an id"),
            entries_added: number(&info, "entries-added").expect("a number").cast_unsigned(),
        };
        let groups = info.field("groups").expect("groups").items().iter().map(|group| {
            let consumers = group.field("consumers").expect("consumers").items();
            let consumers: Vec<_> = consumers
                .iter()
                .map(|consumer| StreamConsumer {
                    name: bulk(consumer.field("name").expect("a name")),
                    seen_time_ms: number(consumer, "seen-time").expect("a time"),
                    // Servers before 7.2 do not have it, and Redis then takes the other one.
                    active_time_ms: number(consumer, "active-time")
                        .or(number(consumer, "seen-time"))
                        .filter(|time| *time != -1),
                })
                .collect();
            let owner = |name: &[u8]| {
                let place = consumers.iter().position(|consumer| consumer.name == name);
                u32::try_from(place.expect("a consumer")).expect("few")
            };
            let pending =
                group.field("pending").expect("pending entries").items().iter().map(|one| StreamPending {
                    id: stream_id(&one.items()[0]),
                    consumer: owner(&bulk(&one.items()[1])),
                    delivery_time_ms: one.items()[2].int().expect("a time"),
                    delivery_count: one.items()[3].int().expect("a count").cast_unsigned(),
                });
            StreamGroup {
                name: bulk(group.field("name").expect("a name")),
                last_id: stream_id(group.field("last-delivered-id").expect("an id")),
                entries_read: number(group, "entries-read").map(i64::cast_unsigned),
                pending: pending.collect(),
                consumers,
            }
        });
        Value::Stream(StreamValue { entries, meta, groups: groups.collect() })
    }
}

/// The program that checks files, from the same place as the server or from PATH; says so if there is none.
pub(crate) fn check_rdb(file: &[u8]) {
    let beside = Peer::RedisServer.path().with_file_name("redis-check-rdb");
    let program = if beside.is_file() { beside } else { PathBuf::from("redis-check-rdb") };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checked.rdb");
    fs::write(&path, file).expect("writable");
    match Command::new(&program).arg(&path).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("RDB looks OK"), "{text}");
        }
        Err(error) => {
            assert!(!picket_testkit::peers::in_ci(), "{}: {error}", program.display());
            eprintln!("SKIPPED: redis-check-rdb ({error})");
        }
    }
}

/// The items of a file, its entries as [`Data`].
pub(crate) fn read_file(file: &[u8]) -> (Vec<RdbItem>, Data) {
    let mut reader = RdbItems::new(RdbLimits::default());
    let (mut items, mut data, mut current) = (Vec::new(), Data::new(), 0);
    for piece in file.chunks(1000) {
        reader.push(piece.to_vec());
        while let Some(item) = reader.next().expect("a server wrote it") {
            match &item {
                RdbItem::SelectDb(db) => current = *db,
                RdbItem::Entry { key, meta, value } => {
                    let before =
                        data.insert((current, key.clone()), (meta.expire_at_ms, sorted(value.clone())));
                    assert!(before.is_none(), "a key comes once");
                }
                _ => {}
            }
            items.push(item);
        }
    }
    reader.finish().expect("it is complete");
    (items, data)
}

/// The value with its elements in an order that means something to a test.
pub(crate) fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Set(members) => members.sort(),
        Value::ZSet(members) => members.sort(),
        Value::Hash(fields) => fields.sort_by(|a, b| a.field.cmp(&b.field)),
        Value::Stream(stream) => {
            for group in &mut stream.groups {
                let names: Vec<_> = group.consumers.iter().map(|one| one.name.clone()).collect();
                group.consumers.sort_by(|a, b| a.name.cmp(&b.name));
                for pending in &mut group.pending {
                    let name = &names[pending.consumer as usize];
                    let place =
                        group.consumers.iter().position(|one| one.name == *name).expect("it is there");
                    pending.consumer = u32::try_from(place).expect("few");
                }
            }
            stream.groups.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Value::String(_) | Value::List(_) | Value::Module(_) => {}
    }
    value
}

fn bulk(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) => bytes.clone(),
        other => panic!("{other} where a string belongs"),
    }
}

fn stream_id(reply: &Reply) -> StreamId {
    let text = reply.text().expect("an id");
    let (ms, seq) = text.split_once('-').expect("two numbers");
    StreamId { ms: ms.parse().expect("a number"), seq: seq.parse().expect("a number") }
}
