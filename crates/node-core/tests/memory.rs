//! What `used_memory` counts is near to what the process really takes.

use std::fs;

use bytes::Bytes;
use picket_node_core::{Context, Keyspace, Origin, Session, Settings};
use picket_resp::{Protocol, Reply};
use picket_sansio::Prng;

const CONTEXT: Context = Context {
    now_ms: 1_700_000_000_000,
    origin: Origin::Client,
    protocol: Protocol::Resp2,
    may_block: false,
};

/// What of this process is in memory, in bytes.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("a process has figures");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

fn run(keyspace: &mut Keyspace, session: &mut Session, line: &str) {
    let args: Vec<Bytes> = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
    let outcome = keyspace.execute(session, CONTEXT, &args);
    assert!(!outcome.reply.is_error(), "{line}: {:?}", outcome.reply);
}

/// All in one test: the figures are those of the whole process.
#[test]
fn used_memory_is_near_to_what_is_resident() {
    let long = "x".repeat(100);
    let larger = "x".repeat(3000);
    let mut kept = Vec::new();
    for (template, count) in [
        ("SET key:KEY xxx", 200_000),
        ("SET key:KEY 1234567", 200_000),
        (&format!("SET a-longer-key-than-lies-in-place:KEY {long}"), 100_000),
        (&format!("SET key:KEY {larger} EX 1000"), 10_000),
        ("SADD set:KEY a b c", 60_000),
        ("SADD ints:KEY 1 2 3 4 5", 60_000),
        ("HSET hash:KEY f1 v1 f2 v2", 60_000),
        ("ZADD zset:KEY 1 a 2 b 3 c", 60_000),
        ("RPUSH list:KEY a b c d", 60_000),
        ("SADD set member:KEY", 200_000),
        (&format!("SADD set {long}:KEY"), 60_000),
        ("HSET hash field:KEY value:KEY", 200_000),
        ("ZADD zset KEY member:KEY", 100_000),
        ("RPUSH list element:KEY", 400_000),
        ("XADD stream * field value:KEY", 200_000),
    ] {
        let mut keyspace = Keyspace::new(1, Settings::default());
        let mut session = Session::new();
        let before = resident();
        for number in 0..count {
            run(&mut keyspace, &mut session, &template.replace("KEY", &format!("{number:07}")));
        }
        let (taken, counted) = (resident() - before, keyspace.used_memory());
        // Within a quarter, and what the allocator takes at once.
        let quarter = counted / 4 + (1 << 20);
        let shown = &template[..template.len().min(40)];
        assert!(taken.abs_diff(counted) <= quarter, "{shown}: {taken} taken, {counted} counted");
        // Freed memory would be taken again without being seen.
        kept.push(keyspace);
    }
}

/// What a key takes by `MEMORY USAGE`.
fn usage(keyspace: &mut Keyspace, db: u32, key: &[u8]) -> u64 {
    let mut session = Session::new();
    session.db = db;
    let words = [&b"MEMORY"[..], b"USAGE", key].map(Bytes::copy_from_slice);
    match keyspace.execute(&mut session, CONTEXT, &words).reply {
        Reply::Integer(bytes) => u64::try_from(bytes).expect("a size"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_happens_the_sum_is_that_of_the_keys() {
    const LINES: &[&str] = &[
        "SET K V",
        "SET K N",
        "SET K V PX 100000",
        "APPEND K V",
        "INCR K",
        "DEL K K",
        "UNLINK K",
        "PERSIST K",
        "PEXPIREAT K 1800000000000",
        "EXPIRE K -1",
        "RPUSH K V V N",
        "LPUSH K V",
        "LPOP K",
        "LSET K 0 V",
        "LTRIM K 1 -1",
        "LREM K 0 N",
        "SADD K V N N",
        "SREM K N",
        "SPOP K",
        "HSET K V V N N",
        "HDEL K N",
        "ZADD K N V N N",
        "ZINCRBY K 3 V",
        "ZREM K N",
        "ZPOPMIN K",
        "RENAME K K",
        "COPY K K DB 1 REPLACE",
        "MOVE K 1",
        "SELECT 0",
        "SELECT 1",
        "SWAPDB 0 1",
        "GET K",
        "SUNIONSTORE K K K",
        "RPOPLPUSH K K",
        "LPUSH K W W W W W W W W W W",
        "SADD K W W W W W W W W W W",
        "HSET K W V W V W V W V W V W V",
        "ZADD K 1 W 2 W 3 W 4 W 5 W 6 W",
        "XADD K * f V",
        "XTRIM K MAXLEN 3",
        "XGROUP CREATE K g 0",
        "XREADGROUP GROUP g c COUNT 2 STREAMS K >",
    ];
    let settings = Settings {
        hash_max_listpack_entries: 20,
        set_max_intset_entries: 20,
        set_max_listpack_entries: 20,
        zset_max_listpack_entries: 20,
        ..Settings::default()
    };
    let mut prng = Prng::new(1);
    let mut keyspace = Keyspace::new(1, settings);
    let mut session = Session::new();
    for step in 0..30_000 {
        let line = LINES[usize::try_from(prng.below(LINES.len() as u64)).expect("an index")];
        let mut word = |word: &str| match word {
            "K" => format!("key{}", prng.below(30)),
            "V" => "v".repeat(usize::try_from(prng.below(70)).expect("a length")) + "v",
            "W" => "w".repeat(20) + &prng.below(1000).to_string(),
            "N" => prng.below(100).to_string(),
            other => other.to_owned(),
        };
        let args: Vec<Bytes> = line.split(' ').map(|text| Bytes::from(word(text))).collect();
        keyspace.execute(&mut session, CONTEXT, &args);
        if step % 100 == 0 {
            let keys: Vec<(u32, Vec<u8>)> = (0..)
                .zip(keyspace.dbs())
                .flat_map(|(db, keys)| keys.iter().map(move |(key, _)| (db, key.to_vec())))
                .collect();
            let sum: u64 = keys.iter().map(|(db, key)| usage(&mut keyspace, *db, key)).sum();
            assert_eq!(keyspace.used_memory(), sum, "step {step}, after {line}");
        }
    }
    keyspace.execute(&mut session, CONTEXT, &[Bytes::from_static(b"FLUSHALL")]);
    assert_eq!(keyspace.used_memory(), 0);
}
