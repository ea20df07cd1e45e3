//! A snapshot of a million small keys, alone and while they are changed, and loading it, per byte of the file; and
//! the same for collections.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use picket_node_core::{
    Context, Keyspace, LoadOptions, LoadProgress, LoadRole, Loader, OldData, Origin, Progress, Session,
    Settings, Snapshot, SnapshotOptions,
};
use picket_resp::Protocol;
use picket_sansio::Prng;

const KEYS: u64 = 1_000_000;
/// As a socket or a file gives and takes it in one go.
const PIECE_LEN: usize = 64 * 1024;
const NOW_MS: u64 = 1_700_000_000_000;

struct Node {
    keyspace: Keyspace,
    session: Session,
}

impl Node {
    fn new() -> Self {
        Self { keyspace: Keyspace::new(1, Settings::default()), session: Session::new() }
    }

    fn run(&mut self, words: &[&[u8]]) {
        let args: Vec<_> = words.iter().map(|word| Bytes::copy_from_slice(word)).collect();
        let context =
            Context { now_ms: NOW_MS, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
        let reply = self.keyspace.execute(&mut self.session, context, &args).reply;
        assert!(!reply.is_error(), "{reply:?}");
    }

    /// As `redis-benchmark -t set -r` leaves them.
    fn small_keys() -> Self {
        let mut node = Self::new();
        for number in 0..KEYS {
            node.run(&[b"SET", format!("key:{number:012}").as_bytes(), format!("{number:064}").as_bytes()]);
        }
        node
    }

    /// Small hashes, sets and sorted sets, and one large of each.
    fn collections() -> Self {
        let mut node = Self::new();
        for number in 0..1_000_000_u64 {
            let large = number % 4 == 0;
            let key = if large { "large".to_owned() } else { format!("{}", number / 100) };
            let (member, text) = (format!("member:{number:08}"), format!("{}", number % 977));
            let (member, text) = (member.as_bytes(), text.as_bytes());
            match number % 3 {
                0 => node.run(&[b"HSET", format!("hash:{key}").as_bytes(), member, text]),
                1 => node.run(&[b"ZADD", format!("zset:{key}").as_bytes(), text, member]),
                _ => node.run(&[b"SADD", format!("set:{key}").as_bytes(), member]),
            }
        }
        node
    }

    /// The file, piece by piece, with some writes between two pieces.
    fn snapshot(&mut self, prng: &mut Prng, writes: u32) -> usize {
        let options = SnapshotOptions { now_ms: NOW_MS, ..SnapshotOptions::default() };
        let mut snapshot = Snapshot::start(&mut self.keyspace, options).expect("none is under way");
        let (mut out, mut len) = (BytesMut::new(), 0);
        loop {
            let progress = snapshot.next(&mut self.keyspace, PIECE_LEN, &mut out).expect("it goes on");
            len += out.len();
            black_box(&out);
            out.clear();
            if progress == Progress::Complete {
                return len;
            }
            for _ in 0..writes {
                let number = prng.below(KEYS);
                self.run(&[
                    b"SET",
                    format!("key:{number:012}").as_bytes(),
                    format!("{number:064}").as_bytes(),
                ]);
            }
        }
    }

    fn file(&mut self) -> Bytes {
        let mut snapshot =
            Snapshot::start(&mut self.keyspace, SnapshotOptions::default()).expect("none is under way");
        let mut out = BytesMut::new();
        while snapshot.next(&mut self.keyspace, 1 << 30, &mut out).expect("it goes on") == Progress::More {}
        out.freeze()
    }
}

fn load(file: &Bytes) -> Keyspace {
    let mut keyspace = Keyspace::new(2, Settings::default());
    let options = LoadOptions {
        now_ms: NOW_MS,
        role: LoadRole::Replica,
        old_data: OldData::Empty,
        verify_checksum: true,
    };
    let mut loader = Loader::new(&mut keyspace, options);
    let mut rest = file.clone();
    loop {
        match loader.step(PIECE_LEN as u64).expect("it is well formed") {
            LoadProgress::More => {}
            LoadProgress::NeedsBytes => loader.push(&rest.split_to(PIECE_LEN.min(rest.len()))),
            LoadProgress::Complete => break,
        }
    }
    loader.finish(&mut keyspace).expect("it is complete");
    keyspace
}

fn benches(criterion: &mut Criterion) {
    let mut prng = Prng::new(3);
    for (name, make) in [("small-keys", Node::small_keys as fn() -> Node), ("collections", Node::collections)]
    {
        let mut node = make();
        let file = node.file();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function("snapshot", |bencher| bencher.iter(|| node.snapshot(&mut prng, 0)));
        if name == "small-keys" {
            // About one write for each key that is saved.
            group.bench_function("snapshot-while-written", |bencher| {
                bencher.iter(|| node.snapshot(&mut prng, 1000));
            });
        }
        group.bench_function("load", |bencher| {
            bencher.iter_batched(|| (), |()| load(&file), BatchSize::PerIteration);
        });
        group.finish();
    }
}

criterion_group!(snapshot, benches);
criterion_main!(snapshot);
