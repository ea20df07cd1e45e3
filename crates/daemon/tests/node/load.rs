//! Writers that do not stop while replicas are synchronised, or cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use picket_testkit::wait::holds_within;
use picket_testkit::{Client, DataServer, Reply, wait_until};

use crate::common::SOON;
use crate::sample::{Command, cmd};

/// How many keys of each type are written to.
const KEYS: u64 = 50;
/// Commands that each writer sends before it reads their replies.
const PIPELINE: usize = 40;

/// Threads that write to one server until they are stopped.
#[derive(Debug)]
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    is_paused: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Writers that differ by their seeds, and clients that wait for elements of lists, sorted sets and streams.
    #[track_caller]
    pub(crate) fn start(server: &DataServer, writers: u64) -> Self {
        let mut load = Self {
            is_over: Arc::default(),
            is_paused: Arc::default(),
            written: Arc::default(),
            threads: Vec::new(),
        };
        for seed in 1..=writers {
            let client = server.client().expect("connected");
            load.spawn(client, move |random| (0..PIPELINE).flat_map(|_| write(random)).collect(), seed);
        }
        for seed in 1..=2 {
            let client = server.client().expect("connected");
            load.spawn(client, |random| vec![wait(random)], 1000 + seed);
        }
        load
    }

    fn spawn(
        &mut self,
        mut client: Client,
        mut next: impl FnMut(&mut Random) -> Vec<Command> + Send + 'static,
        seed: u64,
    ) {
        let [is_over, is_paused] = [&self.is_over, &self.is_paused].map(Arc::clone);
        let written = Arc::clone(&self.written);
        self.threads.push(std::thread::spawn(move || {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            while !is_over.load(Ordering::Acquire) {
                if is_paused.load(Ordering::Acquire) {
                    holds_within(SOON, || {
                        [&is_over, &is_paused].map(|flag| flag.load(Ordering::Acquire)) != [false, true]
                    });
                    continue;
                }
                let commands = next(&mut random);
                let replies = client.pipeline(&commands).expect("replies");
                for (command, reply) in commands.iter().zip(replies) {
                    assert!(!matches!(reply, Reply::Error(_)), "{command:?}: {reply}");
                }
                written.fetch_add(commands.len() as u64, Ordering::AcqRel);
            }
        }));
    }

    /// How many commands were answered.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Waits until so many more commands were answered.
    #[track_caller]
    pub(crate) fn wait_for(&self, more: u64) {
        let enough = self.written() + more;
        wait_until(SOON, "the writers go on", || self.written() >= enough);
    }

    /// Lets the writers wait, or go on. Commands that were sent are still carried out.
    pub(crate) fn pause(&self, paused: bool) {
        self.is_paused.store(paused, Ordering::Release);
    }

    /// Ends it; fails if a writer was answered an error.
    #[track_caller]
    pub(crate) fn stop(mut self) -> u64 {
        self.is_over.store(true, Ordering::Release);
        for thread in std::mem::take(&mut self.threads) {
            thread.join().expect("no writer was answered an error");
        }
        self.written()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
    }
}

/// Numbers that look random and are the same in every run (xorshift).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    /// One of `0..end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Something that changes data, in most cases one command.
fn write(random: &mut Random) -> Vec<Command> {
    let key = |random: &mut Random, kind: &str| format!("{kind}:{}", random.below(KEYS));
    let number = random.below(1_000_000).to_string();
    let len = usize::try_from(random.below(300)).unwrap_or(0);
    let text = format!("{number}:{}", "v".repeat(len));
    let string = key(random, "string");
    let list = key(random, "list");
    let set = key(random, "set");
    let zset = key(random, "zset");
    let hash = key(random, "hash");
    let stream = key(random, "stream");
    let member = format!("m{}", random.below(60));
    let one = match random.below(30) {
        0..4 => cmd!["SET", string, text],
        4 => cmd!["SET", string, text, "PX", (random.below(400) + 1).to_string()],
        5 => cmd!["INCR", key(random, "counter")],
        6 => cmd!["INCRBYFLOAT", key(random, "float"), "0.1"],
        7 => cmd!["APPEND", string, "tail"],
        8 => cmd!["EXPIRE", key(random, "counter"), (random.below(3) + 1).to_string()],
        9 => cmd!["PEXPIRE", hash, random.below(500).to_string()],
        10 => cmd!["DEL", string, list],
        11 => cmd!["UNLINK", set, zset],
        12 => cmd!["RPUSH", list, text, number],
        13 => cmd!["LPOP", list],
        14 => cmd!["LMOVE", list, key(random, "list"), "LEFT", "RIGHT"],
        15 => cmd!["LTRIM", list, "-50", "-1"],
        16 => cmd!["SADD", set, member, number],
        17 => cmd!["SPOP", set, "2"],
        18 => cmd!["SREM", set, member],
        19 => cmd!["ZADD", zset, number, member],
        20 => cmd!["ZINCRBY", zset, "1.5", member],
        21 => cmd!["ZPOPMIN", zset],
        22 => cmd!["HSET", hash, member, text],
        23 => cmd!["HINCRBY", hash, "count", "1"],
        24 => cmd!["HDEL", hash, member],
        25 => cmd!["XADD", stream, "MAXLEN", "~", "100", "*", "n", number],
        26 => cmd!["SETBIT", key(random, "bits"), (random.below(5000)).to_string(), "1"],
        27 => cmd!["PFADD", key(random, "hll"), number],
        28 => cmd!["COPY", zset, key(random, "copy"), "REPLACE"],
        _ => {
            return vec![
                cmd!["MULTI"],
                cmd!["SELECT", random.below(4).to_string()],
                cmd!["SET", string.as_str(), text],
                cmd!["DEL", key(random, "string")],
                cmd!["INCR", key(random, "counter")],
                cmd!["LPUSH", key(random, "waited"), "for"],
                cmd!["ZADD", key(random, "waited:zset"), "1", "for"],
                cmd!["EXEC"],
            ];
        }
    };
    vec![one]
}

/// Something that waits for what others write.
fn wait(random: &mut Random) -> Command {
    let (first, second) = (random.below(KEYS), random.below(KEYS));
    match random.below(3) {
        0 => cmd!["BLPOP", format!("waited:{first}"), format!("waited:{second}"), "0.05"],
        1 => cmd!["BLMOVE", format!("waited:{first}"), format!("list:{second}"), "LEFT", "LEFT", "0.05"],
        _ => cmd!["BZPOPMIN", format!("waited:zset:{first}"), format!("waited:zset:{second}"), "0.05"],
    }
}
