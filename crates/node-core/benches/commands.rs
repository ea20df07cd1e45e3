//! Commands through the keyspace, without protocol and connections: `cargo bench -p picket-node-core`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use picket_node_core::{Context, Keyspace, Origin, Session, Settings};
use picket_resp::Protocol;

/// How many keys there are, and how many commands one iteration runs.
const KEYS: usize = 100_000;
const BATCH: usize = 1000;

const CONTEXT: Context = Context {
    now_ms: 1_700_000_000_000,
    origin: Origin::Client,
    protocol: Protocol::Resp2,
    may_block: false,
};

/// A command of which `KEY` stands for one of many keys and `MEMBER` for one of a hundred members.
fn words(template: &str, number: usize) -> Vec<Bytes> {
    let key = format!("key:{:012}", number * 7919 % KEYS);
    let member = format!("member:{}", number * 31 % 100);
    let word = |word: &str| match word {
        "KEY" => Bytes::from(key.clone()),
        "MEMBER" => Bytes::from(member.clone()),
        other => Bytes::from(other.to_owned()),
    };
    template.split(' ').map(word).collect()
}

fn commands(c: &mut Criterion) {
    let mut group = c.benchmark_group("commands");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, fill, template) in [
        ("set", Some("SET KEY xxx"), "SET KEY xxx"),
        ("get", Some("SET KEY xxx"), "GET KEY"),
        ("get-missing", None, "GET KEY"),
        ("incr", Some("SET KEY 1"), "INCR KEY"),
        ("lpush", None, "LPUSH mylist xxx"),
        ("sadd", None, "SADD KEY MEMBER"),
        ("hset", None, "HSET KEY MEMBER xxx"),
        ("hset-large", None, "HSET myhash KEY xxx"),
        ("zadd", None, "ZADD KEY 3 MEMBER"),
        ("zadd-large", None, "ZADD myzset 3 KEY"),
        ("expire", Some("SET KEY xxx"), "PEXPIREAT KEY 1800000000000"),
    ] {
        let mut keyspace = Keyspace::new(1, Settings::default());
        let mut session = Session::new();
        for number in 0..KEYS {
            if let Some(fill) = fill {
                keyspace.execute(&mut session, CONTEXT, &words(fill, number));
            }
        }
        let mut next = 0;
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    next += BATCH;
                    (next..next + BATCH).map(|number| words(template, number)).collect::<Vec<_>>()
                },
                |batch| {
                    for args in &batch {
                        black_box(keyspace.execute(&mut session, CONTEXT, args));
                    }
                    batch
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, commands);
criterion_main!(benches);
