//! Reading and writing an RDB, per byte of the file: small keys, large collections, large strings.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use picket_rdb::{
    HashField, KeyMeta, RdbItem, RdbItems, RdbLimits, RdbReader, RdbWriter, Score, Value, WriteOptions,
};

/// As a socket gives them.
const PIECE_LEN: usize = 64 * 1024;

type Entries = Vec<(Vec<u8>, Value)>;

fn small_keys() -> Entries {
    (0..100_000).map(|n| (format!("key:{n:012}").into_bytes(), Value::String(noise(n, 64)))).collect()
}

fn collections() -> Entries {
    let member = |n: u32| format!("member:{n:08}").into_bytes();
    let field = |n| HashField { field: member(n), value: noise(n, 32), expire_at_ms: None };
    vec![
        (b"set".to_vec(), Value::Set((0..100_000).map(member).collect())),
        (b"hash".to_vec(), Value::Hash((0..100_000).map(field).collect())),
        (
            b"zset".to_vec(),
            Value::ZSet((0..100_000).map(|n| (member(n), Score::from_int(n.into()))).collect()),
        ),
    ]
}

fn large_strings() -> Entries {
    (0..8).map(|n| (format!("large:{n}").into_bytes(), Value::String(noise(n, 4 << 20)))).collect()
}

/// As logs and documents are: words in an order of their own.
fn text() -> Entries {
    let words = ["picket", "sentinel", "replica", "offset", "epoch", "quorum", "the", "a", "of", "is"];
    let text = |n: u32| {
        let noise = noise(n, 4096);
        let words: Vec<_> = noise.iter().map(|byte| words[usize::from(*byte) % words.len()]).collect();
        Value::String(words.join(" ").into_bytes())
    };
    (0..500).map(|n| (format!("text:{n}").into_bytes(), text(n))).collect()
}

/// Bytes that no compression makes shorter.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(seed) | 1 << 40;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(len / 8 + 1).flatten().collect();
    bytes.truncate(len);
    bytes
}

fn write(entries: &Entries, compress: bool, checksum: bool) -> BytesMut {
    let mut out = BytesMut::new();
    write_to(entries, compress, checksum, &mut out);
    out
}

fn write_to(entries: &Entries, compress: bool, checksum: bool, out: &mut BytesMut) {
    let mut writer = RdbWriter::new(WriteOptions { compress, checksum, ..WriteOptions::default() });
    writer.header(out);
    writer.select_db(out, 0);
    for (key, value) in entries {
        writer.entry(out, key, &KeyMeta::default(), value).expect("plain values");
    }
    writer.end(out);
}

fn read_events(file: &Bytes, verify_checksum: bool) -> usize {
    let mut reader = RdbReader::new(RdbLimits { verify_checksum, ..RdbLimits::default() });
    let mut events = 0;
    for at in (0..file.len()).step_by(PIECE_LEN) {
        reader.push(file.slice(at..file.len().min(at + PIECE_LEN)));
        while let Some(event) = reader.next().expect("well formed") {
            black_box(&event);
            events += 1;
        }
    }
    reader.finish().expect("complete");
    events
}

fn read_items(file: &Bytes) -> usize {
    let mut items = RdbItems::new(RdbLimits::default());
    let mut entries = 0;
    for at in (0..file.len()).step_by(PIECE_LEN) {
        items.push(file.slice(at..file.len().min(at + PIECE_LEN)));
        while let Some(item) = items.next().expect("well formed") {
            entries += usize::from(matches!(black_box(item), RdbItem::Entry { .. }));
        }
    }
    items.finish().expect("complete");
    entries
}

fn bench(criterion: &mut Criterion) {
    for (name, entries) in
        [("small keys", small_keys()), ("collections", collections()), ("large strings", large_strings())]
    {
        let file = write(&entries, false, true).freeze();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(file.len() as u64)).sample_size(20);
        group.bench_function("memcpy", |bencher| bencher.iter(|| black_box(file.to_vec())));
        group.bench_function("read events", |bencher| bencher.iter(|| read_events(&file, true)));
        group.bench_function("read events, no checksum", |bencher| {
            bencher.iter(|| read_events(&file, false));
        });
        group.bench_function("read items", |bencher| bencher.iter(|| read_items(&file)));
        let mut out = BytesMut::with_capacity(file.len() * 2);
        for (what, compress, checksum) in [
            ("write", false, true),
            ("write, no checksum", false, false),
            ("write, trying to compress", true, true),
        ] {
            group.bench_function(what, |bencher| {
                bencher.iter(|| {
                    out.clear();
                    write_to(&entries, compress, checksum, &mut out);
                });
            });
        }
        group.finish();
    }
    let entries = text();
    let plain_len = write(&entries, false, false).len();
    let file = write(&entries, true, true).freeze();
    eprintln!("text: {plain_len} bytes, compressed {}", file.len());
    let mut group = criterion.benchmark_group("text, per plain byte");
    group.throughput(Throughput::Bytes(plain_len as u64)).sample_size(20);
    group.bench_function("read compressed", |bencher| bencher.iter(|| read_events(&file, true)));
    let mut out = BytesMut::with_capacity(plain_len);
    group.bench_function("write compressed", |bencher| {
        bencher.iter(|| {
            out.clear();
            write_to(&entries, true, true, &mut out);
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
