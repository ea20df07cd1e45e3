//! The backlog beside memcpy of the same bytes: `cargo bench -p picket-replication --bench backlog`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use picket_replication::{Backlog, History, Pin, PsyncAsker, ReplId, decide_psync};
use picket_sansio::Prng;

/// `repl-backlog-size` of the measurements.
const SIZE: u64 = 1 << 20;
/// What processors compare addresses of reads and writes by.
const PAGE: usize = 4096;
/// Bytes appended in one iteration.
const BATCH: u64 = 1 << 20;

fn append(c: &mut Criterion) {
    for len in [64, 100, 1024, 16 * 1024] {
        let command = vec![b'x'; len];
        let count = BATCH / len as u64;
        let mut group = c.benchmark_group(format!("append/{len}"));
        group.throughput(Throughput::Bytes(count * len as u64));

        // The physical limit: the same copies into a buffer of the same size, all of it warm. It begins half a page apart
        // from where the bytes lie in theirs: at the same place of a page, reads wait for writes.
        let mut ring = vec![0_u8; SIZE as usize + 2 * 64 * 1024];
        let start = (command.as_ptr().addr() + PAGE / 2).wrapping_sub(ring.as_ptr().addr()) % PAGE;
        let mut at = start;
        group.bench_function("memcpy", |b| {
            b.iter(|| {
                for _ in 0..count {
                    if at + len > ring.len() {
                        at = start;
                    }
                    ring[at..at + len].copy_from_slice(black_box(&command));
                    at += len;
                }
                black_box(&mut ring);
            });
        });
        let mut backlog = Backlog::new(SIZE, 0);
        group.bench_function("backlog", |b| {
            b.iter(|| {
                for _ in 0..count {
                    backlog.append(black_box(&command));
                }
                backlog.stream_offset()
            });
        });
        group.finish();
    }
}

/// 16 commands of 100 bytes per round of an event loop, then every reader is given them.
fn feed(c: &mut Criterion) {
    let command = [b'x'; 100];
    let mut group = c.benchmark_group("feed");
    group.throughput(Throughput::Bytes(1600));
    for readers in [0_u64, 1, 2, 8, 10, 100] {
        let mut backlog = Backlog::new(SIZE, 0);
        let mut pieces = Vec::new();
        for reader in 0..readers {
            backlog.pin(Pin(reader), 1);
        }
        group.bench_function(format!("{readers} readers"), |b| {
            b.iter(|| {
                let from = backlog.stream_offset() + 1;
                for _ in 0..16 {
                    backlog.append(black_box(&command));
                }
                for reader in 0..readers {
                    let read = backlog.read(from, 1 << 16, &mut pieces).expect("covered");
                    backlog.move_pin(Pin(reader), from + read);
                    black_box(&pieces);
                    pieces.clear();
                }
            });
        });
    }
    group.finish();
}

/// A reader anywhere in the backlog, of few large and of many small pieces.
fn lookup(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup");
    for (name, read_each) in [("whole blocks", false), ("a piece per 100 bytes", true)] {
        let mut backlog = Backlog::new(SIZE, 0);
        let mut pieces = Vec::new();
        for _ in 0..2 * SIZE / 100 {
            let from = backlog.stream_offset() + 1;
            backlog.append(&[b'x'; 100]);
            if read_each {
                backlog.read(from, 100, &mut pieces);
                pieces.clear();
            }
        }
        let mut step = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                step = (step + 7_919_117) % backlog.histlen();
                let read = backlog.read(backlog.first_byte_offset() + step, 1, &mut pieces);
                pieces.clear();
                read
            });
        });
    }
    group.finish();
}

/// PSYNC is decided by looking at two ids and the ends of the backlog.
fn decide(c: &mut Criterion) {
    let replid = ReplId::random(&mut Prng::new(1));
    let mut history = History::start(replid);
    let mut backlog = Backlog::new(SIZE, 0);
    for _ in 0..SIZE / 100 {
        backlog.append(&[b'x'; 100]);
    }
    history.master_repl_offset = backlog.stream_offset();
    let asker = PsyncAsker { replid: replid.as_bytes(), offset: 500_000, psync2: true };
    c.bench_function("decide PSYNC", |b| {
        b.iter(|| decide_psync(black_box(&history), Some(&backlog), black_box(asker)));
    });
}

criterion_group!(benches, append, feed, lookup, decide);
criterion_main!(benches);
