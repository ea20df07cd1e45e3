//! A snapshot is of the moment at which it began, whatever is written meanwhile.

use bytes::{Bytes, BytesMut};
use picket_node_core::{
    Context, Db, Keyspace, LoadOptions, LoadProgress, LoadReport, LoadRole, Loader, OldData, Origin,
    Progress, Session, Settings, Snapshot, SnapshotContent, SnapshotError, SnapshotOptions,
    SnapshotReplication,
};
use picket_rdb::{RdbVersion, WriteOptions};
use picket_resp::{Protocol, Reply};
use picket_sansio::Prng;

const NOW_MS: u64 = 1_700_000_000_000;

/// A keyspace with one connection.
struct Node {
    keyspace: Keyspace,
    session: Session,
}

impl Node {
    fn new() -> Self {
        Self { keyspace: Keyspace::new(7, Settings::default()), session: Session::new() }
    }

    #[track_caller]
    fn run(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        self.run_words(&words);
    }

    #[track_caller]
    fn run_words(&mut self, words: &[&str]) {
        let reply = self.execute(words);
        // A random command may come too late.
        assert!(!reply.is_error() || words[0] == "RENAME", "{words:?}: {reply:?}");
    }

    fn execute(&mut self, words: &[&str]) -> Reply {
        let args: Vec<Bytes> = words.iter().map(|word| Bytes::from((*word).to_owned())).collect();
        let context =
            Context { now_ms: NOW_MS, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
        self.keyspace.execute(&mut self.session, context, &args).reply
    }
}

fn options(version: RdbVersion) -> SnapshotOptions {
    SnapshotOptions {
        write: WriteOptions { version, ..WriteOptions::default() },
        ..SnapshotOptions::default()
    }
}

/// The rest of a snapshot.
fn complete(snapshot: &mut Snapshot, keyspace: &mut Keyspace, out: &mut BytesMut) {
    while snapshot.next(keyspace, 1000, out).expect("nothing is in the way") == Progress::More {}
}

fn load(file: &[u8]) -> (Keyspace, LoadReport) {
    let mut keyspace = Keyspace::new(8, Settings::default());
    let options = LoadOptions {
        now_ms: NOW_MS,
        role: LoadRole::Replica,
        old_data: OldData::Empty,
        verify_checksum: true,
    };
    let mut loader = Loader::new(&mut keyspace, options);
    loader.push(&Bytes::copy_from_slice(file));
    while loader.step(1 << 20).expect("it is well formed") == LoadProgress::More {}
    let report = loader.finish(&mut keyspace).expect("it is complete");
    (keyspace, report)
}

#[track_caller]
fn same(expected: &Keyspace, found: &Keyspace, hint: &str) {
    for (number, (expected, found)) in expected.dbs().iter().zip(found.dbs()).enumerate() {
        let keys = |db: &Db| {
            let mut keys: Vec<_> = db.iter().map(|(key, entry)| format!("{key:?} {entry:?}")).collect();
            keys.sort();
            keys.join("\n")
        };
        assert!(expected == found, "{hint}: db {number}\n{}\n--\n{}", keys(expected), keys(found));
        assert_eq!(expected.expiries_len(), found.expiries_len(), "{hint}: db {number}");
        assert_eq!(expected.field_expiries_len(), found.field_expiries_len(), "{hint}: db {number}");
    }
    assert!(expected.functions() == found.functions(), "{hint}");
}

/// A random write; `K` is one of a few keys, `V` a value, `N` a number.
fn write(prng: &mut Prng, streams: bool) -> String {
    const LINES: &[&str] = &[
        "SET K V",
        "SET K N",
        "APPEND K V",
        "DEL K",
        "DEL K K K",
        "EXPIRE K 1000",
        "PERSIST K",
        "PEXPIREAT K 1600000000000",
        "RPUSH K V V N",
        "LPUSH K V",
        "LPOP K",
        "LSET K 0 V",
        "LTRIM K 1 -1",
        "SADD K V N N",
        "SADD K N",
        "SREM K N",
        "SPOP K",
        "HSET K V V N N",
        "HDEL K N",
        "HSET K 7 V 8 N",
        "HPEXPIREAT K 1800000000000 FIELDS 2 7 8",
        "HPERSIST K FIELDS 1 7",
        "ZADD K N V N N",
        "ZADD K 1.5 V",
        "ZINCRBY K 3 V",
        "ZREM K N",
        "RENAME K K",
        "COPY K K DB 1 REPLACE",
        "COPY K K REPLACE",
        "MOVE K 1",
        "MOVE K 2",
        "SELECT 0",
        "SELECT 1",
        "SELECT 2",
        "SWAPDB 0 1",
        "SWAPDB 1 3",
        "GET K",
        "INCR K",
        "SETRANGE K 3 V",
        "SUNIONSTORE K K K",
        "RPOPLPUSH K K",
    ];
    const STREAM_LINES: &[&str] = &[
        "XADD K * V V N N",
        "XADD K * V N",
        "XTRIM K MAXLEN 5",
        "XDEL K 1700000000000-1",
        "XGROUP CREATE K g 0 MKSTREAM",
        "XREADGROUP GROUP g c COUNT 3 STREAMS K >",
        "XREADGROUP GROUP g d NOACK COUNT 1 STREAMS K >",
        "XACK K g 1700000000000-0 1700000000000-2",
        "XGROUP DELCONSUMER K g d",
    ];
    let count = LINES.len() + if streams { STREAM_LINES.len() } else { 0 };
    let at = usize::try_from(prng.below(count as u64)).expect("small");
    let line = LINES.get(at).unwrap_or_else(|| &STREAM_LINES[at - LINES.len()]);
    let mut word = |word: &str| match word {
        "K" => format!("k{}", prng.below(60)),
        "V" => "v".repeat(usize::try_from(prng.below(90)).expect("small") + 1) + &prng.below(10).to_string(),
        "N" => (prng.below(2000) as i64 - 1000).to_string(),
        other => other.to_owned(),
    };
    let words: Vec<_> = line.split(' ').map(&mut word).collect();
    words.join(" ")
}

fn write_some(node: &mut Node, prng: &mut Prng, streams: bool, count: u64) {
    for _ in 0..count {
        let line = write(prng, streams);
        let words: Vec<_> = line.split(' ').collect();
        node.execute(&words);
    }
}

/// Values that take several steps.
fn large(node: &mut Node, prng: &mut Prng) {
    for number in 0..600 {
        node.run(&format!("RPUSH large-list element{number} {number}"));
        node.run(&format!("SADD large-set member{number}"));
        node.run(&format!("SADD large-ints {number}"));
        node.run(&format!("HSET large-hash field{number} {number}"));
        node.run(&format!("ZADD large-zset {} member{number}", prng.below(100)));
    }
    node.run(&format!("SET large-string {}", "x".repeat(3 << 20)));
}

#[test]
fn what_is_written_meanwhile_is_no_part_of_it() {
    for seed in 0..120 {
        let mut prng = Prng::new(seed);
        let mut node = Node::new();
        let version =
            [RdbVersion::V9, RdbVersion::V10, RdbVersion::V11, RdbVersion::V12][(seed % 4) as usize];
        // Before version 11 not all of a stream can be said.
        let streams = version >= RdbVersion::V11;
        write_some(&mut node, &mut prng, streams, 300);
        if seed % 5 == 0 {
            large(&mut node, &mut prng);
        }
        // An earlier one leaves no traces, complete or not.
        if seed % 3 > 0 {
            let mut earlier =
                Snapshot::start(&mut node.keyspace, options(version)).expect("none is under way");
            let mut ignored = BytesMut::new();
            earlier.next(&mut node.keyspace, 500, &mut ignored).expect("nothing is in the way");
            write_some(&mut node, &mut prng, streams, 20);
            if seed % 3 == 1 {
                complete(&mut earlier, &mut node.keyspace, &mut ignored);
            } else {
                node.keyspace.cancel_snapshot();
            }
        }
        let expected = node.keyspace.clone();
        let mut snapshot = Snapshot::start(&mut node.keyspace, options(version)).expect("none is under way");
        let mut file = BytesMut::new();
        loop {
            let count = prng.below(12);
            write_some(&mut node, &mut prng, streams, count);
            if prng.below(40) == 0 {
                node.run("FLUSHDB");
            }
            if seed % 5 == 0 && prng.below(3) == 0 {
                let keys = ["large-list", "large-set", "large-hash", "large-zset", "large-string"];
                let key = keys[usize::try_from(prng.below(5)).expect("small")];
                let change = ["DEL {}", "RENAME {} other", "PEXPIREAT {} 9999999999999", "SET {} x"];
                node.run(&change[usize::try_from(prng.below(4)).expect("small")].replace("{}", key));
            }
            let budget = usize::try_from(1 + prng.below(700)).expect("small");
            if snapshot.next(&mut node.keyspace, budget, &mut file).expect("it goes on") == Progress::Complete
            {
                break;
            }
        }
        assert_eq!(snapshot.written(), file.len() as u64);
        assert!(!node.keyspace.is_snapshotting());
        same(&expected, &load(&file).0, &format!("seed {seed}"));
        // And what went on is unharmed: a snapshot of it is it.
        let mut after = BytesMut::new();
        let mut snapshot = Snapshot::start(&mut node.keyspace, options(version)).expect("none is under way");
        complete(&mut snapshot, &mut node.keyspace, &mut after);
        same(&node.keyspace, &load(&after).0, &format!("seed {seed}, afterwards"));
    }
}

#[test]
fn a_step_keeps_to_its_budget_and_old_values_are_counted() {
    let mut node = Node::new();
    large(&mut node, &mut Prng::new(1));
    let expected = node.keyspace.clone();
    let mut snapshot =
        Snapshot::start(&mut node.keyspace, options(RdbVersion::V11)).expect("none is under way");
    let mut file = BytesMut::new();
    snapshot.next(&mut node.keyspace, 100, &mut file).expect("nothing is in the way");
    assert_eq!(snapshot.pending_bytes(&node.keyspace), 0);
    node.run("GET large-string");
    node.run("STRLEN large-string");
    node.run("LLEN large-list");
    assert_eq!(snapshot.pending_bytes(&node.keyspace), 0, "reading changes nothing");
    node.run("DEL large-hash");
    let pending = snapshot.pending_bytes(&node.keyspace);
    assert!((6_000..60_000).contains(&pending), "{pending}");
    node.run("DEL large-hash");
    node.run("HSET large-hash a b");
    assert_eq!(snapshot.pending_bytes(&node.keyspace), pending, "a value is kept once");
    loop {
        let before = file.len();
        let progress = snapshot.next(&mut node.keyspace, 2000, &mut file).expect("nothing is in the way");
        // A node of a list and a part of a string go out whole.
        assert!(file.len() - before <= 2000 + (1 << 20) + 100, "{}", file.len() - before);
        if progress == Progress::Complete {
            break;
        }
    }
    assert_eq!(snapshot.pending_bytes(&node.keyspace), 0);
    same(&expected, &load(&file).0, "");
}

#[test]
fn flushing_everything_cancels() {
    for (line, is_cancelled) in [("FLUSHALL", true), ("FLUSHDB", false), ("SWAPDB 0 1", false)] {
        let mut node = Node::new();
        node.run("SET a 1");
        let expected = node.keyspace.clone();
        let mut snapshot =
            Snapshot::start(&mut node.keyspace, options(RdbVersion::V10)).expect("none is under way");
        let busy = Snapshot::start(&mut node.keyspace, options(RdbVersion::V10)).err();
        assert_eq!(busy, Some(SnapshotError::Busy));
        node.run(line);
        node.run("SET b 1");
        let mut file = BytesMut::new();
        let progress = snapshot.next(&mut node.keyspace, 1000, &mut file);
        if is_cancelled {
            assert_eq!(progress, Err(SnapshotError::Cancelled));
            assert!(Snapshot::start(&mut node.keyspace, options(RdbVersion::V10)).is_ok());
        } else {
            assert_eq!(progress, Ok(Progress::Complete));
            same(&expected, &load(&file).0, line);
        }
    }
}

#[test]
fn the_header_says_where_in_the_stream_it_stands() {
    let mut node = Node::new();
    node.run("SET a 1");
    node.run_words(&["FUNCTION", "LOAD", "#!lua name=x\n"]);
    let replication = SnapshotReplication { stream_db: 3, id: "a".repeat(40), offset: 77 };
    for content in [SnapshotContent::Everything, SnapshotContent::Functions, SnapshotContent::Nothing] {
        let options = SnapshotOptions {
            content,
            redis_ver: "7.4.0".into(),
            now_ms: NOW_MS,
            used_mem: 1234,
            replication: Some(replication.clone()),
            ..options(RdbVersion::V10)
        };
        let mut snapshot = Snapshot::start(&mut node.keyspace, options).expect("none is under way");
        let mut file = BytesMut::new();
        complete(&mut snapshot, &mut node.keyspace, &mut file);
        let (loaded, report) = load(&file);
        let aux = report.aux;
        assert_eq!((aux.redis_ver.as_deref(), aux.ctime_s), (Some("7.4.0"), Some(1_700_000_000)));
        assert_eq!((aux.used_mem, aux.repl_stream_db, aux.repl_offset), (Some(1234), Some(3), Some(77)));
        assert_eq!((aux.repl_id, aux.is_aof_base), (Some("a".repeat(40)), false));
        assert_eq!(report.version, 10);
        assert_eq!(loaded.dbs()[0].len(), usize::from(content == SnapshotContent::Everything));
        assert_eq!(report.functions, u64::from(content != SnapshotContent::Nothing));
    }
}

#[test]
fn what_a_snapshot_held_is_freed_as_garbage_when_it_is_given_up() {
    let mut node = Node::new();
    node.run("SET k v");
    let mut snapshot =
        Snapshot::start(&mut node.keyspace, options(RdbVersion::V10)).expect("there is no other");
    node.run("FLUSHDB");
    assert!(node.keyspace.take_garbage().is_none());
    node.keyspace.cancel_snapshot();
    assert!(node.keyspace.take_garbage().is_some() && node.keyspace.take_garbage().is_none());
    assert_eq!(snapshot.next(&mut node.keyspace, 1000, &mut BytesMut::new()), Err(SnapshotError::Cancelled));
}
