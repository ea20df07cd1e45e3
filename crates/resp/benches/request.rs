//! Reading requests, beside redis-protocol's reader and a mere copy: `cargo bench -p picket-resp --bench request`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use picket_resp::{RequestBuffer, RequestParser, command};
use redis_protocol::resp2::decode::decode_bytes;

fn requests(c: &mut Criterion) {
    let set = command(["SET", "key:000000001000", "some value of usual length"]);
    assert_eq!(set.len(), 69);
    let mut group = c.benchmark_group("request");

    group.throughput(Throughput::Elements(1));
    let mut parser = RequestParser::new();
    group.bench_function("set, 3 arguments", |b| b.iter(|| read_all(&mut parser, black_box(&set))));
    let frame: Bytes = set.clone();
    group.bench_function("set, 3 arguments, by redis-protocol", |b| {
        b.iter(|| decode_bytes(black_box(&frame)).expect("valid").expect("whole"));
    });

    group.throughput(Throughput::Elements(100));
    let pipeline = set.repeat(100);
    let mut parser = RequestParser::new();
    group.bench_function("pipeline of 100", |b| b.iter(|| read_all(&mut parser, black_box(&pipeline))));
    let frames = Bytes::from(pipeline.clone());
    group.bench_function("pipeline of 100, by redis-protocol", |b| {
        b.iter(|| {
            let mut left = black_box(&frames).clone();
            while let Some((_, consumed)) = decode_bytes(&left).expect("valid") {
                let _ = left.split_to(consumed);
            }
        });
    });
    let mut copy = Vec::with_capacity(pipeline.len());
    group.bench_function("memcpy", |b| {
        b.iter(|| {
            copy.clear();
            copy.extend_from_slice(black_box(&pipeline));
            black_box(&copy).len()
        });
    });
    let mut buffer = RequestBuffer::new();
    group.bench_function("pipeline of 100, with its buffer", |b| {
        b.iter(|| {
            buffer.extend(black_box(&pipeline));
            let mut bytes = 0;
            while let Some(request) = buffer.next().expect("valid") {
                bytes += request.iter().map(<[u8]>::len).sum::<usize>();
            }
            bytes
        });
    });
    group.finish();

    let mut parser = RequestParser::new();
    c.bench_function("inline PING", |b| b.iter(|| read_all(&mut parser, black_box(b"PING\r\n"))));
}

fn read_all(parser: &mut RequestParser, mut buf: &[u8]) -> usize {
    let mut bytes = 0;
    while let Some(request) = parser.parse(buf).expect("valid") {
        bytes += request.iter().map(<[u8]>::len).sum::<usize>();
        let consumed = request.consumed();
        buf = &buf[consumed..];
    }
    bytes
}

criterion_group!(benches, requests);
criterion_main!(benches);
