//! Does one thing so many times: what `cargo xtask bench counts` has callgrind count the instructions of.
//!
//! `count OPERATION TIMES`; without them the operations are listed, each as its name, a tab, and what it is.
//! The difference between two numbers of times leaves what comes before and after out of the count.

mod idle;

use std::hint::black_box;
use std::process::ExitCode;

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Keyspace, Origin, Session, Settings};
use picket_replication::{
    Backlog, CachedMaster, LinkConfig, LinkInput, LinkOutput, Pin, PsyncForm, ReplId, ReplicaLink,
};
use picket_resp::{Protocol, Reply, RequestParser, command};
use picket_sansio::{LinkId, Prng, Time};

type Operation = (&'static str, &'static str, fn(u64));

/// What can be done.
const OPERATIONS: [Operation; 9] = [
    (
        "request",
        "a request is read: SET with a key of 16 bytes and a value of 26, one of 100 in a piece",
        request,
    ),
    ("reply", "a reply is written: a string of 26 bytes", reply),
    ("append", "100 bytes go into the backlog, no replica", |times| feed(times, 0)),
    ("feed-2", "the same, with two replicas that are fed after each 16", |times| feed(times, 2)),
    ("feed-10", "the same, with ten", |times| feed(times, 10)),
    ("stream", "a replica reads a SET from its master, one of 200 in a piece", stream),
    ("set", "SET of one of 1000 keys with a value of 3 bytes, without protocol", |times| run(times, "SET")),
    ("get", "GET of one of them", |times| run(times, "GET")),
    (
        "idle",
        "a second of a Sentinel's core with 500 masters, 1000 replicas and two other Sentinels, all well",
        idle::run,
    ),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [] => {
            for (name, what, _) in OPERATIONS {
                println!("{name}\t{what}");
            }
            ExitCode::SUCCESS
        }
        [name, times] => {
            let operation = OPERATIONS.iter().find(|(known, ..)| known == name);
            let (Some((.., operate)), Ok(times)) = (operation, times.parse()) else {
                eprintln!("no such operation, or no number of times: {name} {times}");
                return ExitCode::FAILURE;
            };
            operate(times);
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("expected: count OPERATION TIMES");
            ExitCode::FAILURE
        }
    }
}

fn request(times: u64) {
    let pipeline = command(["SET", "key:000000001000", "some value of usual length"]).repeat(100);
    let mut parser = RequestParser::new();
    for _ in 0..times.div_ceil(100) {
        let mut rest = black_box(&pipeline[..]);
        while let Some(request) = parser.parse(rest).expect("valid") {
            black_box(request.iter().count());
            let consumed = request.consumed();
            rest = &rest[consumed..];
        }
    }
}

fn reply(times: u64) {
    let value = Reply::Bulk(Bytes::from_static(b"some value of usual length"));
    let mut out = BytesMut::new();
    for _ in 0..times {
        out.clear();
        black_box(&value).encode(Protocol::Resp2, &mut out);
        black_box(&out);
    }
}

fn feed(times: u64, readers: u64) {
    let command = [b'x'; 100];
    let mut backlog = Backlog::new(1 << 20, 0);
    let mut pieces = Vec::new();
    for reader in 0..readers {
        backlog.pin(Pin(reader), 1);
    }
    for _ in 0..times.div_ceil(16) {
        let from = backlog.stream_offset() + 1;
        for _ in 0..16 {
            backlog.append(black_box(&command));
        }
        for reader in 0..readers {
            let read = backlog.read(from, 1 << 16, &mut pieces).expect("it is covered");
            backlog.move_pin(Pin(reader), from + read);
            black_box(&pieces);
            pieces.clear();
        }
    }
}

fn stream(times: u64) {
    const NOW: Time = Time(1_000_000);
    const LINK: LinkId = LinkId(1);
    let mut link = ReplicaLink::new(LinkConfig::default());
    let cached = CachedMaster { replid: ReplId::random(&mut Prng::new(1)), reploff: 0, db: 0 };
    let follow =
        LinkInput::Follow { host: "master".into(), port: 6379, cached: Some(cached), form: PsyncForm::Plain };
    link.handle(NOW, follow);
    link.handle(NOW, LinkInput::Up { link: LINK });
    let answers = Bytes::from_static(b"+PONG\r\n+OK\r\n+OK\r\n");
    link.handle(NOW, LinkInput::Data { link: LINK, bytes: answers });
    link.handle(NOW, LinkInput::Data { link: LINK, bytes: Bytes::from_static(b"+CONTINUE\r\n") });
    let pipeline = Bytes::from(command(["SET", "user:1000", "some value of common length"]).repeat(200));
    let mut applied = 0_u64;
    for _ in 0..times.div_ceil(200) {
        link.handle(NOW, LinkInput::Data { link: LINK, bytes: black_box(&pipeline).clone() });
        while let Some(output) = link.poll_output() {
            applied += u64::from(matches!(output, LinkOutput::Apply(_)));
        }
    }
    assert_eq!(applied, times.div_ceil(200) * 200);
}

fn run(times: u64, name: &'static str) {
    const CONTEXT: Context = Context {
        now_ms: 1_700_000_000_000,
        origin: Origin::Client,
        protocol: Protocol::Resp2,
        may_block: false,
    };
    let requests = |name: &'static str| -> Vec<Vec<Bytes>> {
        let words = |key: u32| {
            let mut words = vec![Bytes::from_static(name.as_bytes()), Bytes::from(format!("key:{key:012}"))];
            words.extend((name == "SET").then_some(Bytes::from_static(b"xxx")));
            words
        };
        (0..1000).map(words).collect()
    };
    let mut keyspace = Keyspace::new(1, Settings::default());
    let mut session = Session::new();
    for request in requests("SET") {
        keyspace.execute(&mut session, CONTEXT, &request);
    }
    for request in requests(name).iter().cycle().take(usize::try_from(times).unwrap_or(usize::MAX)) {
        black_box(keyspace.execute(&mut session, CONTEXT, request));
    }
}
