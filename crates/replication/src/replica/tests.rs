//! The link against a scripted master: words, order, patience, reconnection.

mod dual;

use alloc::format;
use alloc::string::ToString;

use picket_resp::command;
use picket_sansio::Secret;

use super::*;

const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW_ID: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A link, a clock, and the transcript of what it did.
struct Bench {
    link: ReplicaLink,
    now: Time,
    /// The newest connection.
    id: LinkId,
}

impl Bench {
    fn new(config: LinkConfig) -> Self {
        Self { link: ReplicaLink::new(config), now: Time(1_000_000), id: LinkId(0) }
    }

    fn cached() -> CachedMaster {
        CachedMaster { replid: ReplId::filled(b'a'), reploff: 99, db: 4 }
    }

    fn following(cached: Option<CachedMaster>) -> Self {
        let mut bench = Self::new(LinkConfig { listening_port: 7000, ..LinkConfig::default() });
        bench.follow(cached, PsyncForm::Plain);
        bench
    }

    fn follow(&mut self, cached: Option<CachedMaster>, form: PsyncForm) {
        self.input(LinkInput::Follow { host: "master".to_string(), port: 6379, cached, form });
    }

    fn input(&mut self, input: LinkInput) -> Vec<LinkOutput> {
        self.link.handle(self.now, input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<LinkOutput> {
        let mut outputs = Vec::new();
        while let Some(output) = self.link.poll_output() {
            if let LinkOutput::Connect { link, .. } = &output {
                self.id = *link;
            }
            outputs.push(output);
        }
        outputs
    }

    fn up(&mut self) -> Vec<LinkOutput> {
        self.input(LinkInput::Up { link: self.id })
    }

    fn data(&mut self, text: &str) -> Vec<LinkOutput> {
        self.input(LinkInput::Data { link: self.id, bytes: Bytes::copy_from_slice(text.as_bytes()) })
    }

    /// Connects and answers everything up to PSYNC; returns what was sent as PSYNC.
    fn handshake(&mut self) -> String {
        self.up();
        self.data("+PONG\r\n");
        sent(&self.data("+OK\r\n+OK\r\n"))
    }

    fn wait(&mut self, span: Millis) -> Vec<LinkOutput> {
        self.now = self.now + span;
        self.input(LinkInput::Wake)
    }

    fn wait_for(&mut self, timer: LinkTimer) -> Vec<LinkOutput> {
        let deadline = self.link.next_deadline().expect("there is a deadline");
        assert_eq!(deadline.timer, timer);
        self.now = deadline.at;
        self.input(LinkInput::Wake)
    }
}

fn sent(outputs: &[LinkOutput]) -> String {
    let mut text = String::new();
    for output in outputs {
        if let LinkOutput::Send { bytes, .. } = output {
            text.push_str(&String::from_utf8_lossy(bytes));
        }
    }
    text
}

fn wire(words: &[&str]) -> String {
    String::from_utf8(command(words).to_vec()).expect("text")
}

fn failure(outputs: &[LinkOutput]) -> Option<&LinkFailure> {
    outputs.iter().find_map(|output| match output {
        LinkOutput::Event(LinkEvent::Failed { reason, .. }) => Some(reason),
        _ => None,
    })
}

#[test]
fn the_handshake_has_this_order_and_these_words() {
    let mut bench = Bench::new(LinkConfig {
        listening_port: 7000,
        announce_ip: Some("10.0.0.9".to_string()),
        masteruser: Some(b"repl".to_vec()),
        masterauth: Some(Secret::new(*b"hunter2")),
        version: Some("8.0.1".to_string()),
        ..LinkConfig::default()
    });
    bench.follow(None, PsyncForm::Plain);
    assert_eq!(bench.link.state(), LinkState::Connecting);
    assert_eq!(sent(&bench.up()), wire(&["PING"]));
    assert_eq!(bench.link.state(), LinkState::Handshake);
    assert_eq!(sent(&bench.data("-NOAUTH Authentication requ")), "");
    let outputs = bench.data("ired.\r\n");
    let secret = outputs.iter().find_map(|output| match output {
        LinkOutput::SendSecret { bytes, .. } => Some(bytes.expose().to_vec()),
        _ => None,
    });
    assert_eq!(secret, Some(wire(&["AUTH", "repl", "hunter2"]).into_bytes()));
    assert!(!format!("{outputs:?}").contains("hunter2"));
    let expected = [
        wire(&["REPLCONF", "listening-port", "7000"]),
        wire(&["REPLCONF", "ip-address", "10.0.0.9"]),
        wire(&["REPLCONF", "capa", "eof", "capa", "psync2"]),
        wire(&["REPLCONF", "version", "8.0.1"]),
    ];
    assert_eq!(sent(&outputs), expected.concat());
    assert_eq!(sent(&bench.data("+OK\r\n-ERR no port\r\n-ERR no ip\r\n-ERR no capa\r\n")), "");
    let outputs = bench.data("-ERR Unrecognized REPLCONF option: version\r\n");
    assert_eq!(sent(&outputs), wire(&["PSYNC", "?", "-1"]));
    assert_eq!(bench.link.state(), LinkState::Handshake);
}

#[test]
fn auth_without_a_user_has_one_word() {
    let mut bench = Bench::new(LinkConfig { masterauth: Some(Secret::new(*b"pw")), ..LinkConfig::default() });
    bench.follow(None, PsyncForm::Plain);
    bench.up();
    let outputs = bench.data("+PONG\r\n");
    assert!(outputs.iter().any(|output| matches!(output,
        LinkOutput::SendSecret { bytes, .. } if bytes.expose() == wire(&["AUTH", "pw"]).as_bytes())));
    let outputs = bench.data("-WRONGPASS invalid\r\n");
    let reason = failure(&outputs).expect("refused").to_string();
    assert_eq!(reason, "Unable to AUTH to MASTER: \"-WRONGPASS invalid\"");
    assert_eq!(bench.link.state(), LinkState::Connect);
}

#[test]
fn answers_to_ping() {
    for (answer, goes_on) in [
        ("+PONG", true),
        ("+anything", true),
        ("-NOAUTH x", true),
        ("-NOPERM x", true),
        ("-ERR operation not permitted", true),
        ("-LOADING x", false),
        ("-MASTERDOWN x", false),
        ("-MISCONF x", false),
        ("-ERR other", false),
        ("", false),
    ] {
        let mut bench = Bench::following(None);
        bench.up();
        let outputs = bench.data(&format!("{answer}\r\n"));
        assert_eq!(failure(&outputs).is_none(), goes_on, "{answer}");
        if !goes_on {
            assert!(outputs.contains(&LinkOutput::Close { link: LinkId(1) }));
            bench.wait_for(LinkTimer::Connect);
            assert_eq!((bench.now, bench.link.state()), (Time(2_000_000), LinkState::Connecting));
        }
    }
}

#[test]
fn answers_to_psync() {
    let full = format!("+FULLRESYNC {ID} 100");
    let id = Some(ReplId::filled(b'a'));
    for (answer, expected) in [
        (full.as_str(), LinkEvent::FullResync { replid: id, offset: 100 }),
        ("+FULLRESYNC short 100", LinkEvent::FullResync { replid: None, offset: 0 }),
        ("+FULLRESYNC", LinkEvent::FullResync { replid: None, offset: 0 }),
        ("+CONTINUE", LinkEvent::PartialResync { offset: 99 }),
        (&format!("+CONTINUE {ID}"), LinkEvent::PartialResync { offset: 99 }),
        (&format!("+CONTINUE {NEW_ID}"), LinkEvent::ReplIdChanged { replid: ReplId::filled(b'b') }),
        (
            "-ERR unknown command 'PSYNC'",
            LinkEvent::PsyncUnsupported { answer: Bytes::from_static(b"-ERR unknown command 'PSYNC'") },
        ),
        (
            "-NOMASTERLINK x",
            LinkEvent::Failed {
                state: LinkState::Handshake,
                reason: LinkFailure::Transient { answer: Bytes::from_static(b"-NOMASTERLINK x") },
            },
        ),
        (
            "-LOADING x",
            LinkEvent::Failed {
                state: LinkState::Handshake,
                reason: LinkFailure::Transient { answer: Bytes::from_static(b"-LOADING x") },
            },
        ),
    ] {
        let mut bench = Bench::following(Some(Bench::cached()));
        assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "100"]));
        assert!(bench.data("\n\n").is_empty(), "newlines keep it waiting");
        let outputs = bench.data(&format!("{answer}\r\n"));
        assert!(outputs.contains(&LinkOutput::Event(expected.clone())), "{answer}: {outputs:?}");
        let unsupported = matches!(expected, LinkEvent::PsyncUnsupported { .. });
        assert_eq!(sent(&outputs), if unsupported { "SYNC\r\n" } else { "" });
    }
    let mut bench = Bench::following(None);
    bench.handshake();
    let outputs = bench.data("+CONTINUE\r\n");
    assert!(
        matches!(failure(&outputs), Some(LinkFailure::Transient { .. })),
        "nothing was asked to continue"
    );
}

#[test]
fn a_full_sync_ends_in_a_followed_stream() {
    let mark = "0123456789012345678901234567890123456789";
    for (header, end) in [("$5\r\n".to_string(), ""), (format!("$EOF:{mark}\r\n"), mark)] {
        let mut bench = Bench::following(None);
        bench.handshake();
        bench.data(&format!("+FULLRESYNC {ID} 100\r\n\n\n"));
        assert_eq!(bench.link.state(), LinkState::Sync);
        let stream = wire(&["SET", "k", "v"]);
        let early = if end.is_empty() { stream.as_str() } else { "" };
        let outputs = bench.data(&format!("{header}hello{end}{early}"));
        let payload: Vec<u8> = outputs
            .iter()
            .flat_map(|output| match output {
                LinkOutput::Payload(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            })
            .collect();
        assert_eq!(payload, b"hello");
        assert_eq!(outputs.last(), Some(&LinkOutput::PayloadEnd));
        assert_eq!(sent(&bench.wait_for(LinkTimer::Newline)), "\n", "the master sees that loading goes on");

        let outputs = bench.input(LinkInput::Loaded { result: Ok(2) });
        let id = Some(ReplId::filled(b'a'));
        assert_eq!(outputs[0], LinkOutput::FullSync { replid: id, offset: 100 });
        assert_eq!(bench.link.state(), LinkState::Connected);
        let ack = wire(&["REPLCONF", "ACK", "100"]);
        assert_eq!(sent(&outputs), if end.is_empty() { "" } else { &ack });
        let applied = if end.is_empty() { outputs } else { bench.data(&stream) };
        assert!(applied.iter().any(|output| matches!(output,
            LinkOutput::Apply(command) if command.arg(2) == b"v")));
        let offset = 100 + stream.len() as u64;
        assert!(matches!(applied.last(), Some(LinkOutput::Advance { offset: at, .. }) if *at == offset));
        let position = CachedMaster { replid: ReplId::filled(b'a'), reploff: offset, db: 2 };
        assert_eq!(bench.link.position(), Some(position));
        let acked = sent(&bench.wait_for(LinkTimer::Ack));
        assert_eq!(acked, wire(&["REPLCONF", "ACK", &offset.to_string()]));
        bench.input(LinkInput::Fsynced { offset: 7 });
        let acked = sent(&bench.wait_for(LinkTimer::Ack));
        assert_eq!(acked, wire(&["REPLCONF", "ACK", &offset.to_string(), "FACK", "7"]));
    }
}

/// A bench whose link follows a stream at offset 99, db 4.
fn connected() -> Bench {
    let mut bench = Bench::following(Some(Bench::cached()));
    bench.handshake();
    bench.data(&format!("+CONTINUE {ID}\r\n"));
    assert_eq!(bench.link.state(), LinkState::Connected);
    bench
}

#[test]
fn getack_is_answered_with_what_came_before_it() {
    let mut bench = connected();
    let set = wire(&["SET", "k", "v"]);
    let getack = wire(&["REPLCONF", "GETACK", "*"]);
    let outputs = bench.data(&format!("{set}{getack}{set}{getack}"));
    let first = 99 + set.len();
    let second = first + getack.len() + set.len();
    let expected = [first, second].map(|offset| wire(&["REPLCONF", "ACK", &offset.to_string()])).concat();
    assert_eq!(sent(&outputs), expected);
    assert_eq!(outputs.iter().filter(|output| matches!(output, LinkOutput::Apply(_))).count(), 2);
}

#[test]
fn a_lost_link_goes_on_from_the_last_whole_command() {
    let mut bench = connected();
    let begin = format!("{}{}{}", wire(&["SELECT", "9"]), wire(&["MULTI"]), wire(&["DEL", "x"]));
    bench.data(&begin);
    bench.now = bench.now + Millis(5000);
    let outputs = bench.input(LinkInput::Down { link: bench.id, reason: "reset".to_string() });
    assert!(matches!(failure(&outputs), Some(LinkFailure::Lost(_))));
    assert_eq!(bench.link.state(), LinkState::Connecting, "at once");
    assert_eq!(bench.link.status().down_since, Some(bench.now));
    let reploff = 99 + wire(&["SELECT", "9"]).len() as u64;
    let position = CachedMaster { replid: ReplId::filled(b'a'), reploff, db: 9 };
    assert_eq!(bench.link.position(), Some(position));
    assert_eq!(bench.handshake(), wire(&["PSYNC", ID, &(reploff + 1).to_string()]));
}

#[test]
fn bytes_that_no_master_sends_drop_the_cached_master() {
    let mut bench = connected();
    let outputs = bench.data("+OK\r\n");
    assert!(matches!(failure(&outputs), Some(LinkFailure::Stream(StreamError::Inline))));
    assert_eq!(bench.link.position(), None);
    bench.wait_for(LinkTimer::Connect);
    assert_eq!(bench.handshake(), wire(&["PSYNC", "?", "-1"]));
}

#[test]
fn patience_ends_in_every_phase() {
    let timeout = Millis(60_000);
    let mut bench = Bench::following(None);
    let outputs = bench.wait(timeout + Millis(1));
    assert_eq!(failure(&outputs), Some(&LinkFailure::HandshakeTimeout));
    bench.up();
    let outputs = bench.wait(timeout + Millis(1));
    assert_eq!(failure(&outputs), Some(&LinkFailure::HandshakeTimeout));
    assert_eq!(bench.link.state(), LinkState::Connecting, "again at once");

    bench.up();
    bench.data("+PO");
    let outputs = bench.wait_for(LinkTimer::LineTimeout);
    assert_eq!(failure(&outputs), Some(&LinkFailure::LineTimeout));
    bench.wait_for(LinkTimer::Connect);

    bench.handshake();
    bench.data(&format!("+FULLRESYNC {ID} 100\r\n"));
    bench.wait(Millis(59_000));
    bench.data("\n");
    bench.wait(Millis(59_000));
    assert_eq!(bench.link.state(), LinkState::Sync, "newlines keep it alive");
    let outputs = bench.wait_for(LinkTimer::TransferTimeout);
    assert_eq!(failure(&outputs), Some(&LinkFailure::TransferTimeout));

    let mut bench = connected();
    for _ in 0..59 {
        assert_ne!(sent(&bench.wait(Millis(1000))), "");
    }
    assert_eq!(bench.link.state(), LinkState::Connected, "what we send does not count");
    bench.wait(Millis(1000));
    let outputs = bench.wait_for(LinkTimer::MasterTimeout);
    assert_eq!(failure(&outputs), Some(&LinkFailure::MasterTimeout));
    assert!(bench.link.position().is_some());
}

#[test]
fn a_cut_or_bad_snapshot_is_told_and_tried_again() {
    for (bytes, aborts) in [("-ERR BGSAVE failed\r\n", false), ("HTTP/1.1 400\r\n", false)] {
        let mut bench = Bench::following(None);
        bench.handshake();
        let outputs = bench.data(&format!("+FULLRESYNC {ID} 1\r\n{bytes}"));
        assert!(failure(&outputs).is_some());
        assert_eq!(outputs.contains(&LinkOutput::PayloadAbort), aborts);
    }
    let mut bench = Bench::following(None);
    bench.handshake();
    bench.data(&format!("+FULLRESYNC {ID} 1\r\n$100\r\nabc"));
    bench.wait(Millis(3000));
    let outputs = bench.input(LinkInput::Down { link: bench.id, reason: "eof".to_string() });
    assert!(outputs.contains(&LinkOutput::PayloadAbort));
    assert_eq!(bench.link.state(), LinkState::Connecting);

    bench.handshake();
    bench.data(&format!("+FULLRESYNC {ID} 1\r\n$3\r\nabc"));
    let outputs = bench.input(LinkInput::Loaded { result: Err("bad checksum".to_string()) });
    assert!(matches!(failure(&outputs), Some(LinkFailure::LoadFailed(_))));
    assert_eq!(bench.link.state(), LinkState::Connect, "never in a tight loop");
}

#[test]
fn a_link_lost_while_loading_is_continued_from_the_snapshot() {
    let mut bench = Bench::following(None);
    bench.handshake();
    bench.data(&format!("+FULLRESYNC {ID} 50\r\n$3\r\nabc"));
    bench.input(LinkInput::Down { link: bench.id, reason: "reset".to_string() });
    assert_eq!(bench.link.state(), LinkState::Sync);
    bench.now = bench.now + Millis(2000);
    bench.input(LinkInput::Loaded { result: Ok(0) });
    assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "51"]));
}

#[test]
fn a_master_without_history_gets_no_ack_and_is_not_continued() {
    let mut bench = Bench::following(None);
    bench.handshake();
    bench.data("-ERR unknown command\r\n");
    bench.data("$3\r\nabc");
    let outputs = bench.input(LinkInput::Loaded { result: Ok(0) });
    assert_eq!(outputs[0], LinkOutput::FullSync { replid: None, offset: 0 });
    assert_eq!(sent(&bench.data(&wire(&["REPLCONF", "GETACK", "*"]))), "");
    assert_eq!(sent(&bench.wait(Millis(3000))), "");
    bench.input(LinkInput::Down { link: bench.id, reason: "eof".to_string() });
    assert_eq!(bench.link.position(), None);
}

#[test]
fn another_master_is_asked_to_go_on_from_here() {
    let mut bench = connected();
    let old = bench.id;
    let outputs = bench.input(LinkInput::Follow {
        host: "other".to_string(),
        port: 1,
        cached: None,
        form: PsyncForm::Plain,
    });
    assert!(outputs.contains(&LinkOutput::Close { link: old }));
    assert!(bench.input(LinkInput::Data { link: old, bytes: Bytes::from_static(b"+late") }).is_empty());
    assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "100"]));
    bench.input(LinkInput::Stop);
    assert_eq!((bench.link.state(), bench.link.position()), (LinkState::None, None));
    assert_eq!(bench.link.next_deadline(), None);
}

#[test]
fn a_planned_failover_is_answered_once() {
    let check = |answer: &str, accepted: bool| {
        let mut bench = Bench::new(LinkConfig::default());
        bench.follow(Some(Bench::cached()), PsyncForm::Failover);
        assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "100", "FAILOVER"]));
        let outputs = bench.data(&format!("{answer}\r\n"));
        let told: Vec<_> =
            outputs.iter().filter(|o| matches!(o, LinkOutput::FailoverAnswered { .. })).collect();
        assert_eq!(told, [&LinkOutput::FailoverAnswered { accepted }]);
    };
    check(&format!("+CONTINUE {NEW_ID}"), true);
    check(&format!("+FULLRESYNC {NEW_ID} 1"), true);
    check("-NOPERM no", false);
    check("-ERR PSYNC FAILOVER can't be sent to a master.", false);

    let mut bench = Bench::new(LinkConfig::default());
    bench.follow(Some(Bench::cached()), PsyncForm::Failover);
    let outputs = bench.input(LinkInput::Down { link: bench.id, reason: "refused".to_string() });
    assert!(outputs.contains(&LinkOutput::FailoverAnswered { accepted: false }));
}

#[test]
fn an_answer_lost_with_its_connection_does_not_make_two_masters() {
    let mut bench = Bench::new(LinkConfig::default());
    bench.follow(Some(Bench::cached()), PsyncForm::Failover);
    bench.handshake();
    let outputs = bench.input(LinkInput::Down { link: bench.id, reason: "reset".to_string() });
    assert!(!outputs.iter().any(|output| matches!(output, LinkOutput::FailoverAnswered { .. })));
    bench.wait_for(LinkTimer::Connect);
    assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "100", "FAILOVER"]));
    let outputs = bench.data("-ERR PSYNC FAILOVER can't be sent to a master.\r\n");
    assert!(outputs.contains(&LinkOutput::FailoverAnswered { accepted: true }));
    bench.wait_for(LinkTimer::Connect);
    assert_eq!(bench.handshake(), wire(&["PSYNC", ID, "100"]));
}

#[test]
fn any_bytes_are_survived() {
    let mut prng = picket_sansio::Prng::new(11);
    let words =
        ["+", "-", "$", "*", "FULLRESYNC ", "CONTINUE ", ID, " 5", "\r\n", "\n", "EOF:", "1", "MULTI", "x"];
    for _ in 0..3000 {
        let mut bench = Bench::following(prng.below(2).eq(&0).then(Bench::cached));
        bench.up();
        if prng.below(2) == 0 {
            bench.data("+PONG\r\n+OK\r\n+OK\r\n");
        }
        for _ in 0..prng.below(30) {
            let word = words[prng.below(words.len() as u64) as usize];
            bench.data(word);
            if prng.below(10) == 0 {
                bench.input(LinkInput::Loaded { result: Ok(0) });
                bench.wait(Millis(prng.below(3000)));
                bench.up();
            }
        }
    }
}
