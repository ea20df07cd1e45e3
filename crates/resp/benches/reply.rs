//! Writing and reading replies: `cargo bench -p picket-resp --bench reply`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};
use picket_resp::{Protocol, Reply, ReplyDecoder};

fn replies(c: &mut Criterion) {
    let bulk = Reply::bulk("some value of common length");
    // As long as one entry of SENTINEL SENTINELS.
    let map = Reply::map((0..14).map(|field| (format!("field-{field}"), format!("value of {field}"))));
    let mut group = c.benchmark_group("reply");
    for (name, reply) in [("bulk", &bulk), ("map of 14", &map)] {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut out = BytesMut::new();
            group.bench_function(format!("encode {name}, {protocol:?}"), |b| {
                b.iter(|| {
                    out.clear();
                    black_box(reply).encode(protocol, &mut out);
                    out.len()
                });
            });
            out.clear();
            reply.encode(protocol, &mut out);
            let mut decoder = ReplyDecoder::new();
            group.bench_function(format!("decode {name}, {protocol:?}"), |b| {
                b.iter(|| {
                    decoder.extend(black_box(&out));
                    decoder.next().expect("valid").expect("complete")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, replies);
criterion_main!(benches);
