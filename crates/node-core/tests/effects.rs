//! What commands put into the replication stream, and what becomes of expired keys on a master, on a replica and
//! in the stream itself.

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Keyspace, Origin, Outcome, Session, Settings};
use picket_resp::Protocol;

/// The calendar time at which everything begins.
const START_MS: u64 = 1_700_000_000_000;

struct Node {
    keyspace: Keyspace,
    session: Session,
    now_ms: u64,
    origin: Origin,
}

impl Node {
    fn new(origin: Origin) -> Self {
        let keyspace = Keyspace::new(7, Settings::default());
        Self { keyspace, session: Session::new(), now_ms: START_MS, origin }
    }

    /// Runs words that are parted by blanks.
    fn run(&mut self, line: &str) -> Outcome {
        let args: Vec<Bytes> = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
        let context =
            Context { now_ms: self.now_ms, origin: self.origin, protocol: Protocol::Resp2, may_block: false };
        self.keyspace.execute(&mut self.session, context, &args)
    }

    fn reply(&mut self, line: &str) -> String {
        let mut bytes = BytesMut::new();
        self.run(line).reply.encode(Protocol::Resp2, &mut bytes);
        String::from_utf8_lossy(&bytes).replace("\r\n", " ").trim_end().to_owned()
    }

    fn effects(&mut self, line: &str) -> Vec<String> {
        self.run(line).effects.iter().map(|effect| text(effect.db, &effect.args)).collect()
    }
}

/// A command with its database in front where that is not 0.
fn text(db: u32, args: &[Bytes]) -> String {
    let words: Vec<_> = args.iter().map(|word| String::from_utf8_lossy(word)).collect();
    if db == 0 { words.join(" ") } else { format!("{db}: {}", words.join(" ")) }
}

#[track_caller]
fn check(setup: &[&str], line: &str, expected: &[&str]) {
    let mut node = Node::new(Origin::Client);
    for line in setup {
        assert!(!node.run(line).reply.is_error(), "{line}");
    }
    assert_eq!(node.effects(line), expected, "{line} after {setup:?}");
}

#[test]
fn writes_have_one_canonical_form() {
    check(&[], "set k v", &["set k v"]);
    check(&[], "SET k v NX", &["SET k v NX"]);
    check(&[], "SET k v EX 10 NX", &["SET k v PXAT 1700000010000"]);
    check(&[], "SET k v PX 5 GET", &["SET k v PXAT 1700000000005"]);
    check(&[], "SET k v EXAT 1800000000", &["SET k v PXAT 1800000000000"]);
    check(&[], "set k v pxat 1800000000000", &["set k v pxat 1800000000000"]);
    check(&[], "set k v pxat 1800000000000 nx", &["SET k v PXAT 1800000000000"]);
    check(&["SET k 1"], "SET k v GET KEEPTTL", &["SET k v KEEPTTL"]);
    check(&[], "SETEX k 10 v", &["SET k v PXAT 1700000010000"]);
    check(&[], "PSETEX k 10 v", &["SET k v PXAT 1700000000010"]);
    check(&[], "GETSET k v", &["SET k v"]);
    check(&["SET k v"], "GETDEL k", &["DEL k"]);
    check(&["SET k v"], "GETEX k EX 10", &["PEXPIREAT k 1700000010000"]);
    check(&["SET k v"], "GETEX k EXAT 1", &["DEL k"]);
    check(&["SET k v EX 10"], "GETEX k PERSIST", &["PERSIST k"]);
    check(&["SET k v"], "EXPIRE k 10 NX", &["PEXPIREAT k 1700000010000 NX"]);
    check(&["SET k v"], "PEXPIRE k 10", &["PEXPIREAT k 1700000000010"]);
    check(&["SET k v"], "EXPIREAT k 1800000000", &["PEXPIREAT k 1800000000000"]);
    check(&["SET k v"], "pexpireat k 1800000000000", &["pexpireat k 1800000000000"]);
    check(&["SET k v"], "EXPIRE k 0", &["DEL k"]);
    check(&["SET k 1.5"], "INCRBYFLOAT k 0.1", &["SET k 1.6 KEEPTTL"]);
    check(&["HSET k f 1.5"], "HINCRBYFLOAT k f 0.1", &["HSET k f 1.6"]);
    check(
        &["HSET k f 1.5", "HPEXPIREAT k 1800000000000 FIELDS 1 f"],
        "HINCRBYFLOAT k f 0.1",
        &["HSET k f 1.6", "HPEXPIREAT k 1800000000000 FIELDS 1 f"],
    );
    check(&["SADD k m"], "SPOP k", &["SREM k m"]);
    check(&["SADD k m n"], "SPOP k 2", &["DEL k"]);
    check(&["RPUSH b 1 2"], "LMPOP 2 a b LEFT COUNT 10", &["LPOP b 2"]);
    check(&["ZADD b 1 m"], "ZMPOP 2 a b MAX", &["ZPOPMAX b 1"]);
    check(&[], "FLUSHALL ASYNC", &["FLUSHALL ASYNC"]);
    check(&[], "PFADD k", &["PFADD k"]);
    check(&["PFADD k a"], "PFCOUNT k", &["PFCOUNT k"]);
    check(&["PFADD a x"], "PFMERGE k a", &["PFMERGE k a"]);
    check(&["PFADD k a"], "PFDEBUG TODENSE k", &["PFDEBUG TODENSE k"]);
    check(&["RPUSH k 2 1"], "sort k STORE l", &["sort k STORE l"]);
    check(&["RPUSH l 1"], "SORT k STORE l", &["SORT k STORE l"]);
    check(&[], "GEOADD k NX 13.361389 38.115556 m", &["zadd k NX 3479099956230698 m"]);
    check(
        &["GEOADD k 13 38 m"],
        "GEOSEARCHSTORE l k FROMMEMBER m BYRADIUS 1 m",
        &["GEOSEARCHSTORE l k FROMMEMBER m BYRADIUS 1 m"],
    );
    check(
        &["GEOADD k 13 38 m"],
        "GEORADIUS k 13 38 1 km STOREDIST l",
        &["GEORADIUS k 13 38 1 km STOREDIST l"],
    );
    check(&["HSET k a 1 b 2"], "HEXPIRE k 10 FIELDS 3 a b c", &["HPEXPIREAT k 1700000010000 FIELDS 2 a b"]);
    check(
        &["HSET k a 1 b 2"],
        "hpexpire k 10 nx fields 2 x b",
        &["HPEXPIREAT k 1700000000010 nx fields 1 b"],
    );
    check(
        &["HSET k a 1"],
        "hpexpireat k 1800000000000 FIELDS 1 a",
        &["hpexpireat k 1800000000000 FIELDS 1 a"],
    );
    check(&["HSET k a 1 b 2"], "HEXPIREAT k 1 FIELDS 3 a b c", &["HDEL k a", "HDEL k b"]);
    check(
        &["HSET k a 1 b 2", "HEXPIRE k 10 FIELDS 1 a"],
        "HPERSIST k FIELDS 2 a b",
        &["HPERSIST k FIELDS 2 a b"],
    );
    check(&[], "setbit k 7 0", &["setbit k 7 0"]);
    check(&["SET k a"], "BITOP NOT k k", &["BITOP NOT k k"]);
    check(&["SET k a"], "BITOP AND k b c", &["BITOP AND k b c"]);
    check(&["SET k a"], "BITFIELD k GET u4 0 SET u4 0 1", &["BITFIELD k GET u4 0 SET u4 0 1"]);
    // The string became longer, which replicas have to know.
    check(&[], "BITFIELD k OVERFLOW FAIL SET u4 0 99", &["BITFIELD k OVERFLOW FAIL SET u4 0 99"]);
}

/// Asserts what `rdb_changes_since_last_save` grows by.
#[track_caller]
fn check_changes(setup: &[&str], line: &str, expected: u64) {
    let mut node = Node::new(Origin::Client);
    for line in setup {
        assert!(!node.run(line).reply.is_error(), "{line}");
    }
    assert_eq!(node.run(line).changes, expected, "{line} after {setup:?}");
}

#[test]
fn changes_are_counted_as_redis_counts_them() {
    let stream = ["XADD x 1-0 a b", "XADD x 2-0 a b", "XADD x 3-0 a b", "XGROUP CREATE x g 0"];
    let pending = [&stream[..], &["XREADGROUP GROUP g me STREAMS x >"]].concat();
    for (setup, line, expected) in [
        (&[][..], "SET k v", 1),
        (&["SET k v"], "SET k w EX 10 GET", 1),
        (&["SET k v"], "SETNX k w", 0),
        (&[], "MSET a 1 b 2 c 3", 3),
        (&["SET a 1", "SET c 1"], "DEL a b c", 2),
        (&["SET k v"], "RENAME k l", 1),
        (&["SET k v"], "COPY k l", 1),
        (&["SET k v"], "MOVE k 1", 1),
        (&["SET k v"], "SWAPDB 0 1", 1),
        (&["MSET a 1 b 2"], "FLUSHDB", 2),
        (&["MSET a 1 b 2", "SELECT 1", "SET c 3"], "FLUSHALL", 3),
        (&[], "FLUSHALL", 0),
        (&["SET k v"], "EXPIRE k 10", 1),
        (&["SET k v"], "EXPIRE k -1", 1),
        (&[], "RPUSH k a b c", 3),
        (&["RPUSH k a b c"], "LPOP k 2", 2),
        (&["RPUSH k a b c"], "LMPOP 2 none k LEFT COUNT 9", 3),
        (&["RPUSH k a b c"], "BLPOP k 0", 1),
        (&["RPUSH k a b c d"], "LTRIM k 1 1", 3),
        (&["RPUSH k a b a"], "LREM k 0 a", 2),
        (&["RPUSH k a"], "LINSERT k BEFORE a x", 1),
        (&["RPUSH k a"], "LMOVE k l LEFT LEFT", 1),
        (&["RPUSH k b a"], "SORT k ALPHA STORE l", 2),
        (&["SADD k a"], "SADD k a b c", 2),
        (&["SADD k a b c"], "SREM k a b x", 2),
        (&["SADD k a b c"], "SPOP k 2", 2),
        (&["SADD k a b c"], "SPOP k 5", 3),
        (&["SADD k a"], "SPOP k", 1),
        (&["SADD k a"], "SMOVE k l a", 2),
        (&["SADD k a", "SADD l a"], "SMOVE k l a", 1),
        (&["SADD k a b c"], "SUNIONSTORE l k", 1),
        (&["ZADD k 1 a 2 b"], "ZADD k 1 a 3 b 4 c", 2),
        (&["ZADD k 1 a 2 b"], "ZREM k a b c", 2),
        (&["ZADD k 1 a 2 b"], "ZPOPMIN k 5", 2),
        (&["ZADD k 1 a 2 b"], "ZMPOP 1 k MAX COUNT 5", 2),
        (&["ZADD k 1 a 2 b"], "ZREMRANGEBYRANK k 0 -1", 2),
        (&["ZADD k 1 a 2 b"], "ZRANGESTORE l k 0 -1", 1),
        (&["GEOADD k 13 38 a 13 38 b"], "GEOSEARCHSTORE l k FROMMEMBER a BYRADIUS 1 km", 2),
        (&["HSET k a 1"], "HSET k a 1 b 2", 2),
        (&["HSET k a 1 b 2"], "HDEL k a b c", 2),
        (&["HSET k a 1 b 2"], "HEXPIRE k 10 FIELDS 3 a b c", 2),
        (&["HSET k a 1 b 2", "HEXPIRE k 10 FIELDS 2 a b"], "HPERSIST k FIELDS 2 a b", 1),
        (&[], "SETBIT k 7 0", 1),
        (&["SETBIT k 7 0"], "SETBIT k 7 0", 0),
        (&[], "BITFIELD k SET u4 0 1 SET u4 4 0 GET u4 0", 2),
        (&["SET k a"], "BITFIELD k SET u4 0 1 SET u4 4 1", 1),
        (&[], "PFADD k a b a", 3),
        (&["PFADD k a"], "PFADD k a", 0),
        (&["PFADD k a"], "PFCOUNT k", 1),
        (&stream, "XADD x * a b", 1),
        (&stream, "XDEL x 1-0 2-0 9-0", 2),
        (&stream, "XTRIM x MAXLEN 1", 2),
        (&stream[..3], "XGROUP CREATE x g 0", 1),
        (&[], "XGROUP CREATE x g $ MKSTREAM", 1),
        // The consumer that is made on the way counts, however many entries it gets.
        (&stream, "XREADGROUP GROUP g me STREAMS x >", 2),
        (&stream, "XREADGROUP GROUP g me STREAMS x 0", 1),
        (&pending, "XREADGROUP GROUP g me STREAMS x 0", 0),
        (&pending, "XCLAIM x g me 0 1-0 2-0", 2),
        (&pending, "XCLAIM x g you 0 1-0 2-0", 3),
        (&pending, "XAUTOCLAIM x g me 0 0", 3),
        (&pending, "XACK x g 1-0 2-0 9-0", 2),
    ] {
        check_changes(setup, line, expected);
    }
    // A key that a command finds expired is none of its changes.
    let mut node = Node::new(Origin::Client);
    node.run("SET k v PX 1");
    node.now_ms += 10;
    let outcome = node.run("GET k");
    assert_eq!((outcome.effects.len(), outcome.changes), (1, 0));
}

#[test]
fn scan_for_a_type_finds_no_other_key_expired() {
    let mut node = Node::new(Origin::Client);
    for line in ["SET string v PX 1", "HSET hash f v", "PEXPIRE hash 1", "SET stays v"] {
        node.run(line);
    }
    node.now_ms += 10;
    assert_eq!(node.effects("SCAN 0 TYPE string"), ["DEL string"]);
    assert_eq!(node.effects("SCAN 0"), ["DEL hash"]);
}

#[test]
fn what_changes_nothing_is_not_told() {
    for (setup, line) in [
        (&[][..], "DEL k"),
        (&["SET k v"], "SETNX k w"),
        (&["SET k v"], "PERSIST k"),
        (&["SET k v"], "GETEX k"),
        (&["SET k v"], "LPUSH k x"),
        (&["SADD k m"], "SADD k m"),
        (&["ZADD k 1 m"], "ZADD k 1 m"),
        (&["HSET k f v"], "HSETNX k f w"),
        (&["RPUSH k a"], "LTRIM k 0 -1"),
        (&["RPUSH k a"], "LPOP k 0"),
        (&["SET k v"], "SMOVE a b m"),
        (&["SET k v"], "SUNIONSTORE a b"),
        (&["PFADD k a"], "PFADD k a"),
        (&["PFADD k a", "PFCOUNT k"], "PFCOUNT k"),
        (&["PFADD k a"], "PFCOUNT k k"),
        (&[], "PFCOUNT k"),
        (&["PFADD k a"], "PFDEBUG DECODE k"),
        (&["RPUSH k 2 1"], "SORT k"),
        (&[], "SORT k STORE l"),
        (&["RPUSH k x"], "SORT k STORE l"),
        (&["GEOADD k 13 38 m"], "GEOADD k 13 38 m"),
        (&["GEOADD k 13 38 m"], "GEORADIUS k 13 38 1 km"),
        (&[], "GEOSEARCHSTORE l k FROMMEMBER m BYRADIUS 1 m"),
        (&["HSET k a 1"], "HEXPIRE k 10 FIELDS 1 b"),
        (&["HSET k a 1"], "HEXPIRE k 10 XX FIELDS 1 a"),
        (&["HSET k a 1"], "HPERSIST k FIELDS 1 a"),
        (&["HSET k a 1", "HEXPIRE k 10 FIELDS 1 a"], "HTTL k FIELDS 1 a"),
        (&["SET k a"], "SETBIT k 7 1"),
        (&[], "BITOP OR a b c"),
        (&["SET k a"], "BITFIELD k SET u8 0 97"),
        (&["SET k a"], "BITFIELD k OVERFLOW FAIL SET u8 0 999"),
        (&[], "BITFIELD k GET u8 0"),
    ] {
        check(setup, line, &[]);
    }
}

#[test]
fn a_large_spop_is_told_in_lines_of_1024() {
    let mut node = Node::new(Origin::Client);
    let members: Vec<String> = (0..3000).map(|number| format!("m{number}")).collect();
    node.run(&format!("SADD k {}", members.join(" ")));
    let effects = node.run("SPOP k 2500").effects;
    let lens: Vec<usize> = effects.iter().map(|effect| effect.args.len() - 2).collect();
    assert_eq!(lens, [1024, 1024, 452]);
    assert_eq!(node.reply("SCARD k"), ":500");
}

#[test]
fn an_expired_key_is_removed_before_the_command_and_in_its_unit() {
    let mut node = Node::new(Origin::Client);
    node.run("SET k 5 PX 10");
    // The millisecond itself still counts.
    node.now_ms += 10;
    assert_eq!(node.reply("GET k"), "$1 5");
    node.now_ms += 1;
    let outcome = node.run("INCR k");
    assert!(outcome.is_unit);
    let effects: Vec<_> = outcome.effects.iter().map(|effect| text(effect.db, &effect.args)).collect();
    assert_eq!(effects, ["DEL k", "INCR k"]);
    assert_eq!(node.reply("GET k"), "$1 1");
    node.run("SET a 1 PX 1");
    node.run("SET b 1 PX 1");
    node.now_ms += 2;
    assert_eq!(node.effects("GET a"), ["DEL a"]);
    let outcome = node.run("SCAN 0");
    assert_eq!((outcome.is_unit, outcome.effects.len()), (false, 1));
}

#[test]
fn keys_that_nobody_touches_expire_too() {
    let mut node = Node::new(Origin::Client);
    for line in ["SET a 1 PX 5", "SELECT 3", "SET b 1 PX 1", "SET c 1 PX 100", "SET d 1"] {
        node.run(line);
    }
    assert_eq!(node.keyspace.next_expiry(), Some(START_MS + 2));
    node.now_ms += 50;
    let effects = node.keyspace.expire_due(node.now_ms, 100);
    let effects: Vec<_> = effects.iter().map(|effect| text(effect.db, &effect.args)).collect();
    assert_eq!(effects, ["DEL a", "3: DEL b"]);
    assert_eq!(node.keyspace.next_expiry(), Some(START_MS + 101));
    assert_eq!(node.reply("DBSIZE"), ":2");
}

#[test]
fn a_replica_hides_expired_keys_and_the_stream_sees_them() {
    let mut node = Node::new(Origin::Master);
    node.run("SET k 5 PXAT 1700000000010");
    node.now_ms += 1000;
    node.origin = Origin::ReplicaClient;
    for (line, reply) in
        [("GET k", "$-1"), ("EXISTS k", ":0"), ("TTL k", ":-2"), ("KEYS *", "*0"), ("DBSIZE", ":1")]
    {
        assert_eq!(node.reply(line), reply, "{line}");
        assert!(node.effects(line).is_empty(), "{line}");
    }
    node.origin = Origin::Master;
    assert_eq!(node.reply("INCR k"), ":6");
    // A time that is over is set and waits for the master's DEL.
    assert_eq!(node.reply("PEXPIREAT k 1"), ":1");
    assert_eq!(node.reply("DBSIZE"), ":1");
    assert_eq!(node.reply("DEL k"), ":1");
    assert_eq!(node.reply("DBSIZE"), ":0");
}

#[test]
fn a_replica_keeps_the_estimate_that_a_client_asked_for() {
    let mut node = Node::new(Origin::Master);
    node.run("PFADD k a b c");
    node.origin = Origin::ReplicaClient;
    assert_eq!(node.reply("GETRANGE k 15 15"), "$1 \u{fffd}");
    assert_eq!(node.reply("PFCOUNT k"), ":3");
    assert_eq!(node.reply("GETRANGE k 8 15"), "$8 \u{3}\0\0\0\0\0\0\0");
    node.origin = Origin::Master;
    node.run("PEXPIREAT k 1");
    node.origin = Origin::ReplicaClient;
    assert_eq!(node.reply("PFCOUNT k"), ":0");
    assert_eq!(node.reply("DBSIZE"), ":1");
}

#[test]
fn an_expired_field_is_removed_before_the_command_that_asks_for_it() {
    let mut node = Node::new(Origin::Client);
    node.run("HSET k a 1 b 2 c 3 d 4");
    node.run("HPEXPIRE k 10 FIELDS 3 a b c");
    // The millisecond itself still counts.
    node.now_ms += 10;
    assert_eq!(node.reply("HGET k a"), "$1 1");
    node.now_ms += 1;
    // Those who list all fields pass over it.
    assert_eq!(node.reply("HGETALL k"), "*2 $1 d $1 4");
    assert!(node.effects("HVALS k").is_empty());
    assert_eq!(node.reply("HLEN k"), ":4");
    assert_eq!(node.effects("HGET k a"), ["HDEL k a"]);
    assert_eq!(node.reply("HLEN k"), ":3");
    let outcome = node.run("HINCRBY k b 5");
    let effects: Vec<_> = outcome.effects.iter().map(|effect| text(effect.db, &effect.args)).collect();
    assert_eq!((outcome.is_unit, effects), (true, vec!["HDEL k b".into(), "HINCRBY k b 5".to_owned()]));
    assert_eq!(node.reply("HMGET k a b c"), "*3 $-1 $1 5 $-1");
    assert_eq!(node.reply("HTTL k FIELDS 2 b d"), "*2 :-1 :-1");
}

#[test]
fn fields_that_nobody_touches_expire_too() {
    let mut node = Node::new(Origin::Client);
    for line in ["HSET k a 1 b 2", "HSET l a 1", "HSET m a 1 b 2", "SET s 1 PX 3"] {
        node.run(line);
    }
    for line in ["HPEXPIRE k 5 FIELDS 2 a b", "HPEXPIRE l 900 FIELDS 1 a", "HPEXPIRE m 7 FIELDS 1 b"] {
        node.run(line);
    }
    assert_eq!(node.keyspace.next_expiry(), Some(START_MS + 4));
    assert_eq!(node.keyspace.dbs()[0].field_expiries_len(), 3);
    // Entries move; the index follows.
    node.run("RENAME l n");
    node.run("DEL s");
    assert_eq!(node.keyspace.next_expiry(), Some(START_MS + 6));
    node.now_ms += 50;
    let effects = node.keyspace.expire_due(node.now_ms, 100);
    let effects: Vec<_> = effects.iter().map(|effect| text(effect.db, &effect.args)).collect();
    assert_eq!(effects, ["HDEL k a", "HDEL k b", "HDEL m b"]);
    assert_eq!(node.reply("EXISTS k m n"), ":2");
    assert_eq!(node.keyspace.next_expiry(), Some(START_MS + 901));
    node.run("FLUSHALL");
    assert_eq!(node.keyspace.next_expiry(), None);
}

#[test]
fn a_replica_hides_expired_fields_and_the_stream_sees_them() {
    let mut node = Node::new(Origin::Master);
    node.run("HSET k a 1 b 2");
    node.run("HPEXPIREAT k 1700000000010 FIELDS 1 a");
    node.now_ms += 1000;
    node.origin = Origin::ReplicaClient;
    for (line, reply) in [
        ("HGET k a", "$-1"),
        ("HEXISTS k a", ":0"),
        ("HMGET k a b", "*2 $-1 $1 2"),
        ("HKEYS k", "*1 $1 b"),
        ("HRANDFIELD k 5", "*1 $1 b"),
        ("HSCAN k 0", "*2 $1 0 *2 $1 b $1 2"),
        ("HPTTL k FIELDS 2 a b", "*2 :-2 :-1"),
        ("HLEN k", ":2"),
    ] {
        assert_eq!(node.reply(line), reply, "{line}");
        assert!(node.effects(line).is_empty(), "{line}");
    }
    node.origin = Origin::Master;
    assert_eq!(node.reply("HINCRBY k a 5"), ":6");
    // A time that is over is set and waits for the master's HDEL.
    assert_eq!(node.reply("HPEXPIREAT k 1 FIELDS 1 b"), "*1 :1");
    assert_eq!(node.reply("HDEL k a"), ":1");
    assert_eq!(node.reply("HDEL k b"), ":1");
    assert_eq!(node.reply("EXISTS k"), ":0");
}
