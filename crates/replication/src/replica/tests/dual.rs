//! Dual-channel sync: the snapshot on one connection, the stream on another.

use super::*;

const MARK: &str = "0123456789012345678901234567890123456789";

/// The main connection of a link whose master wants two.
struct Pair {
    bench: Bench,
    main: LinkId,
    rdb: LinkId,
}

impl Pair {
    fn asked(config: LinkConfig) -> Self {
        let mut bench = Bench::new(config);
        bench.follow(None, PsyncForm::Plain);
        let main = bench.id;
        bench.up();
        let steps = sent(&bench.data("+PONG\r\n"));
        let capa = wire(&["REPLCONF", "capa", "eof", "capa", "psync2", "capa", "dual-channel"]);
        assert!(steps.contains(&capa), "{steps}");
        let answers =
            if bench.link.config.masterauth.is_some() { "+OK\r\n+OK\r\n+OK\r\n" } else { "+OK\r\n+OK\r\n" };
        assert_eq!(sent(&bench.data(answers)), wire(&["PSYNC", "?", "-1"]));
        let outputs = bench.data("+DUALCHANNELSYNC\r\n");
        let rdb = bench.id;
        assert!(rdb != main && outputs.iter().any(|it| matches!(it, LinkOutput::Connect { .. })));
        assert_eq!(bench.link.state(), LinkState::Handshake);
        Self { bench, main, rdb }
    }

    /// Up to the line that says of which moment the snapshot is.
    fn begun(config: LinkConfig) -> Self {
        let mut pair = Self::asked(config);
        let port = pair.bench.link.config.listening_port.to_string();
        let told =
            wire(&["REPLCONF", "capa", "eof", "rdb-only", "1", "rdb-channel", "1", "listening-port", &port]);
        assert_eq!(sent(&pair.bench.up()), told);
        assert_eq!(sent(&pair.rdb("+OK\r\n")), "SYNC\r\n");
        assert!(pair.rdb("\n\n").is_empty());
        assert_eq!(pair.bench.link.state(), LinkState::Handshake);
        let outputs = pair.rdb(&format!("$ENDOFF:99 {ID} 7 42\r\n"));
        assert_eq!(sent(&outputs), wire(&["REPLCONF", "set-rdb-client-id", "42"]));
        assert_eq!(pair.bench.link.state(), LinkState::Sync);
        pair
    }

    /// Up to the stream; of the snapshot only the header has come.
    fn streaming(config: LinkConfig) -> Self {
        let mut pair = Self::begun(config);
        let outputs = pair.rdb(&format!("$EOF:{MARK}\r\nhel"));
        assert!(outputs.contains(&LinkOutput::PayloadStart { size: PayloadSize::UntilMark }));
        assert_eq!(sent(&pair.main("+OK\r\n")), wire(&["PSYNC", ID, "100"]));
        assert_eq!(sent(&pair.main(&format!("\n+CONTINUE {ID}\r\n"))), "");
        pair
    }

    fn main(&mut self, text: &str) -> Vec<LinkOutput> {
        self.on(self.main, text)
    }

    fn rdb(&mut self, text: &str) -> Vec<LinkOutput> {
        self.on(self.rdb, text)
    }

    fn on(&mut self, link: LinkId, text: &str) -> Vec<LinkOutput> {
        self.bench.input(LinkInput::Data { link, bytes: Bytes::copy_from_slice(text.as_bytes()) })
    }

    fn down(&mut self, link: LinkId) -> Vec<LinkOutput> {
        self.bench.input(LinkInput::Down { link, reason: "reset".to_string() })
    }

    fn loaded(&mut self) -> Vec<LinkOutput> {
        self.bench.input(LinkInput::Loaded { result: Ok(3) })
    }
}

fn config() -> LinkConfig {
    LinkConfig { listening_port: 7000, dual_channel: true, ..LinkConfig::default() }
}

fn applied(outputs: &[LinkOutput]) -> usize {
    outputs.iter().filter(|output| matches!(output, LinkOutput::Apply(_))).count()
}

fn closes(outputs: &[LinkOutput], link: LinkId) -> bool {
    outputs.contains(&LinkOutput::Close { link })
}

#[test]
fn the_stream_is_stored_until_the_snapshot_is_loaded() {
    let mut pair = Pair::streaming(config());
    let set = wire(&["SET", "k", "v"]);
    assert!(pair.main(&set).is_empty() && pair.main(&set[..5]).is_empty());
    assert_eq!(pair.bench.link.stored_bytes(), set.len() as u64 + 5);
    assert_eq!(sent(&pair.bench.wait_for(LinkTimer::Newline)), "\n");
    let outputs = pair.rdb(&format!("lo{MARK}"));
    assert_eq!(outputs.last(), Some(&LinkOutput::PayloadEnd));
    assert!(pair.down(pair.rdb).is_empty(), "its part is done");
    pair.main(&set[5..]);

    let outputs = pair.loaded();
    let id = Some(ReplId::filled(b'a'));
    assert_eq!(outputs[0], LinkOutput::FullSync { replid: id, offset: 99 });
    assert_eq!(applied(&outputs), 2);
    let offset = 99 + 2 * set.len() as u64;
    assert_eq!(sent(&outputs), wire(&["REPLCONF", "ACK", &offset.to_string()]));
    let link = pair.main;
    let at = |wanted: &LinkOutput| outputs.iter().position(|output| output == wanted).expect("there");
    assert!(at(&LinkOutput::PauseReading { link }) < at(&LinkOutput::ResumeReading { link }));
    assert_eq!(pair.bench.link.state(), LinkState::Connected);
    // The database is the snapshot's.
    let position = CachedMaster { replid: ReplId::filled(b'a'), reploff: offset, db: 3 };
    assert_eq!(pair.bench.link.position(), Some(position));
    assert_eq!(applied(&pair.main(&set)), 1);
}

#[test]
fn the_snapshot_may_be_loaded_before_the_stream_begins() {
    let mut pair = Pair::begun(config());
    pair.rdb(&format!("$EOF:{MARK}\r\nhello{MARK}"));
    let outputs = pair.loaded();
    assert!(matches!(outputs[..], [LinkOutput::Close { .. }, LinkOutput::FullSync { offset: 99, .. }, ..]));
    assert!(closes(&outputs, pair.rdb));
    assert_eq!(pair.bench.link.state(), LinkState::Sync);
    let position = CachedMaster { replid: ReplId::filled(b'a'), reploff: 99, db: 3 };
    assert_eq!(pair.bench.link.position(), Some(position));
    pair.main("+OK\r\n");
    let set = wire(&["SET", "k", "v"]);
    let outputs = pair.main(&format!("+CONTINUE\r\n{set}"));
    assert_eq!(applied(&outputs), 1);
    assert_eq!(pair.bench.link.state(), LinkState::Connected);
}

#[test]
fn what_is_loaded_is_gone_on_from() {
    let mut pair = Pair::begun(config());
    pair.rdb(&format!("$EOF:{MARK}\r\nhello{MARK}"));
    pair.loaded();
    let outputs = pair.down(pair.main);
    assert!(!outputs.contains(&LinkOutput::PayloadAbort));
    pair.bench.wait_for(LinkTimer::Connect);
    assert_eq!(pair.bench.handshake(), wire(&["PSYNC", ID, "100"]));
}

#[test]
fn no_more_is_read_when_the_limit_is_reached() {
    let mut pair = Pair::streaming(LinkConfig { stored_bytes_max: 1000, ..config() });
    let link = pair.main;
    let set = wire(&["SET", "k", &"v".repeat(570)]);
    assert!(pair.main(&set).is_empty());
    let outputs = pair.main(&set);
    assert_eq!(outputs.last(), Some(&LinkOutput::PauseReading { link }));
    assert!(pair.main(&set).is_empty(), "what was on its way is stored as well");
    // Another limit is in effect at once.
    let larger = LinkConfig { stored_bytes_max: 0, ..config() };
    assert_eq!(pair.bench.input(LinkInput::Configure(larger)), [LinkOutput::ResumeReading { link }]);
    let smaller = LinkConfig { stored_bytes_max: 1, ..config() };
    let outputs = pair.bench.input(LinkInput::Configure(smaller));
    assert_eq!(outputs.last(), Some(&LinkOutput::PauseReading { link }));
    pair.rdb(&format!("lo{MARK}"));
    let outputs = pair.loaded();
    assert_eq!(applied(&outputs), 3);
    assert!(outputs.contains(&LinkOutput::ResumeReading { link }));
}

#[test]
fn much_that_is_stored_is_applied_in_parts() {
    let mut pair = Pair::streaming(config());
    let set = wire(&["SET", "k", &"v".repeat(10_000)]);
    for _ in 0..200 {
        pair.main(&set);
    }
    pair.rdb(&format!("lo{MARK}"));
    let mut total = applied(&pair.loaded());
    assert!(total < 60);
    // What comes meanwhile is applied after it, and nothing is acknowledged before.
    assert_eq!(applied(&pair.main(&wire(&["SET", "last", "v"]))), 0);
    for parts in 0.. {
        let outputs = pair.bench.wait_for(LinkTimer::Stored);
        total += applied(&outputs);
        if total == 201 {
            assert!(parts >= 2 && sent(&outputs).contains("ACK"));
            break;
        }
        assert_eq!(sent(&outputs), "");
    }
    assert_eq!(pair.bench.link.stored_bytes(), 0);
    // A loss in the middle goes on from what was applied.
    let mut pair = Pair::streaming(config());
    (0..200).for_each(|_| drop(pair.main(&set)));
    pair.rdb(&format!("lo{MARK}"));
    let total = applied(&pair.loaded()) as u64;
    pair.down(pair.main);
    let position = pair.bench.link.position().expect("cached");
    assert_eq!(position.reploff, 99 + total * set.len() as u64);
}

/// Whatever else is answered, and whichever connection is lost: both end, and all begins anew.
#[test]
fn every_deviation_ends_both() {
    let id = ID;
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Pair) -> Vec<LinkOutput>);
    let cases: [Case<'_>; 13] = [
        ("refused", &|pair| pair.rdb("-ERR no\r\n")),
        ("no moment", &|pair| {
            pair.rdb("+OK\r\n");
            pair.rdb("+FULLRESYNC\r\n")
        }),
        ("an error", &|pair| {
            pair.rdb("+OK\r\n");
            pair.rdb("-ERR BGSAVE failed\r\n")
        }),
        ("a bad moment", &|pair| {
            pair.rdb("+OK\r\n");
            pair.rdb("$ENDOFF:99 short 0 42\r\n")
        }),
        ("a moment beyond all bounds", &|pair| {
            pair.rdb("+OK\r\n");
            pair.rdb(&format!("$ENDOFF:{} {id} 0 42\r\n", u64::MAX))
        }),
        ("a file", &|pair| {
            pair.rdb(&format!("+OK\r\n$ENDOFF:99 {id} 0 42\r\n"));
            pair.rdb("$5\r\nhello")
        }),
        ("unknown id", &|pair| {
            pair.rdb(&format!("+OK\r\n$ENDOFF:99 {id} 0 42\r\n"));
            pair.main("-ERR Unrecognized RDB client id 42\r\n")
        }),
        ("no partial", &|pair| {
            pair.rdb(&format!("+OK\r\n$ENDOFF:99 {id} 0 42\r\n"));
            pair.main("+OK\r\n");
            pair.main("+DUALCHANNELSYNC\r\n")
        }),
        ("another history", &|pair| {
            pair.rdb(&format!("+OK\r\n$ENDOFF:99 {id} 0 42\r\n"));
            pair.main(&format!("+OK\r\n+CONTINUE {NEW_ID}\r\n"))
        }),
        ("out of turn", &|pair| pair.main("+OK\r\n")),
        ("the main one is lost", &|pair| pair.down(pair.main)),
        ("the other is lost", &|pair| pair.down(pair.rdb)),
        ("a bad snapshot", &|pair| {
            pair.rdb(&format!("+OK\r\n$ENDOFF:99 {id} 0 42\r\n$EOF:{MARK}\r\nx"));
            pair.bench.input(LinkInput::Loaded { result: Err("bad".to_string()) })
        }),
    ];
    for (what, case) in cases {
        let mut pair = Pair::asked(config());
        pair.bench.up();
        let outputs = case(&mut pair);
        assert!(failure(&outputs).is_some(), "{what}: {outputs:?}");
        for link in [pair.main, pair.rdb] {
            let is_lost = what.ends_with("lost")
                && closes(&outputs, if link == pair.main { pair.rdb } else { pair.main });
            assert!(closes(&outputs, link) || is_lost, "{what}: {outputs:?}");
        }
        assert_eq!(outputs.contains(&LinkOutput::PayloadAbort), what == "a bad snapshot", "{what}");
        pair.bench.wait_for(LinkTimer::Connect);
        assert_eq!(pair.bench.handshake(), wire(&["PSYNC", "?", "-1"]), "{what}");
    }
}

#[test]
fn a_loss_during_the_snapshot_gives_it_up() {
    for main in [true, false] {
        let mut pair = Pair::streaming(config());
        let lost = if main { pair.main } else { pair.rdb };
        let outputs = pair.down(lost);
        assert!(outputs.contains(&LinkOutput::PayloadAbort));
        assert_eq!(pair.bench.link.state(), LinkState::Connect);
    }
    // Another master, in the middle of it.
    let mut pair = Pair::streaming(config());
    let outputs = pair.bench.input(LinkInput::Stop);
    assert!(closes(&outputs, pair.main) && closes(&outputs, pair.rdb));
    assert!(outputs.contains(&LinkOutput::PayloadAbort));
}

#[test]
fn patience_ends() {
    let mut pair = Pair::asked(config());
    assert!(failure(&pair.bench.wait_for(LinkTimer::HandshakeTimeout)).is_some());
    let mut pair = Pair::begun(config());
    pair.bench.now = pair.bench.now + Millis(50_000);
    pair.rdb(&format!("$EOF:{MARK}\r\nhel"));
    assert!(failure(&pair.bench.wait_for(LinkTimer::HandshakeTimeout)).is_some(), "the main one is silent");
    let mut pair = Pair::streaming(config());
    let end = pair.bench.now + Millis(60_000);
    while pair.bench.link.next_deadline().expect("there is one").timer == LinkTimer::Newline {
        pair.bench.wait_for(LinkTimer::Newline);
    }
    assert!(pair.bench.now <= end);
    let outputs = pair.bench.wait_for(LinkTimer::TransferTimeout);
    assert!(matches!(failure(&outputs), Some(LinkFailure::TransferTimeout)));
}

#[test]
fn the_second_connection_has_the_password_too() {
    let mut pair = Pair::asked(LinkConfig { masterauth: Some(Secret::new(*b"pw")), ..config() });
    let outputs = pair.bench.up();
    assert!(outputs.iter().any(|output| matches!(output,
        LinkOutput::SendSecret { link, bytes } if *link == pair.rdb && bytes.expose() == wire(&["AUTH", "pw"]).as_bytes())));
    assert_eq!(sent(&pair.rdb("+OK\r\n")), "");
    assert_eq!(sent(&pair.rdb("+OK\r\n")), "SYNC\r\n");
}
