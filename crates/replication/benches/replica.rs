//! The way of a master's bytes through the replica side: `cargo bench -p picket-replication --bench replica`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use picket_replication::{
    CachedMaster, LinkConfig, LinkInput, LinkOutput, LinkState, PsyncForm, ReplId, ReplicaLink,
};
use picket_resp::command;
use picket_sansio::{LinkId, Prng, Time};

const NOW: Time = Time(1_000_000);

/// A link that has got as far as PSYNC.
fn asking() -> (ReplicaLink, LinkId) {
    let replid = ReplId::random(&mut Prng::new(1));
    let mut link = ReplicaLink::new(LinkConfig::default());
    link.handle(
        NOW,
        LinkInput::Follow {
            host: "master".to_owned(),
            port: 6379,
            cached: Some(CachedMaster { replid, reploff: 0, db: 0 }),
            form: PsyncForm::Plain,
        },
    );
    let id = LinkId(1);
    link.handle(NOW, LinkInput::Up { link: id });
    link.handle(NOW, LinkInput::Data { link: id, bytes: Bytes::from_static(b"+PONG\r\n+OK\r\n+OK\r\n") });
    (link, id)
}

fn stream(c: &mut Criterion) {
    let (mut link, id) = asking();
    link.handle(NOW, LinkInput::Data { link: id, bytes: Bytes::from_static(b"+CONTINUE\r\n") });
    assert_eq!(link.state(), LinkState::Connected);
    let pipeline = Bytes::from(command(["SET", "user:1000", "some value of common length"]).repeat(200));
    let mut group = c.benchmark_group("stream");
    group.throughput(Throughput::Elements(200));
    group.bench_function("SET, 200 in one read", |b| {
        b.iter(|| {
            link.handle(NOW, LinkInput::Data { link: id, bytes: black_box(&pipeline).clone() });
            let mut commands = 0;
            while let Some(output) = link.poll_output() {
                commands += u32::from(matches!(output, LinkOutput::Apply(_)));
            }
            assert_eq!(commands, 200);
        });
    });
    group.finish();
}

fn payload(c: &mut Criterion) {
    let (mut link, id) = asking();
    let header =
        Bytes::from(format!("+FULLRESYNC {} 1\r\n$EOF:{}\r\n", "a".repeat(40), "0123456789".repeat(4)));
    link.handle(NOW, LinkInput::Data { link: id, bytes: header });
    assert_eq!(link.state(), LinkState::Sync);
    let mut prng = Prng::new(2);
    let chunk: Bytes = (0..64 * 1024).map(|_| prng.next_u64() as u8).collect();
    let mut group = c.benchmark_group("payload");
    group.throughput(Throughput::Bytes(chunk.len() as u64));
    group.bench_function("diskless, 64 KiB reads", |b| {
        b.iter(|| {
            link.handle(NOW, LinkInput::Data { link: id, bytes: black_box(&chunk).clone() });
            while let Some(output) = link.poll_output() {
                black_box(output);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, stream, payload);
criterion_main!(benches);
