//! The master side against scripted connections: words, order, bytes.

mod dual;

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, command};

use super::*;

const ID: ReplId = ReplId::filled(b'a');

/// A master side whose snapshots are started at once and hold `rdb`.
struct Bench {
    side: MasterSide,
    now: Time,
    /// What each connection was sent.
    sent: BTreeMap<ClientId, Vec<u8>>,
    outputs: Vec<MasterOutput>,
    snapshot: Option<SnapshotId>,
}

impl Bench {
    fn new(settings: MasterSettings, role: NodeRole) -> Self {
        let now = Time(1_000_000);
        let side = MasterSide::new(now, settings, role, History::start(ID), None, 1);
        Self { side, now, sent: BTreeMap::new(), outputs: Vec::new(), snapshot: None }
    }

    fn master() -> Self {
        let settings = MasterSettings { repl_diskless_sync_delay: Millis(0), ..MasterSettings::default() };
        Self::new(settings, NodeRole::Master)
    }

    /// A master whose history was announced before, so that partial resynchronisation is possible.
    fn with_stream() -> Self {
        let mut bench = Self::master();
        let effects = bench.side.history.on_first_replica(ID);
        bench.side.apply_backlog(effects.backlog);
        bench
    }

    fn input(&mut self, input: MasterInput) {
        self.side.handle(self.now, input);
        while let Some(output) = self.side.poll_output() {
            match &output {
                MasterOutput::Reply { conn, reply } => {
                    let mut out = bytes::BytesMut::new();
                    reply.encode(Protocol::Resp2, &mut out);
                    self.sent.entry(*conn).or_default().extend_from_slice(&out);
                }
                MasterOutput::Send { conn, bytes } => {
                    self.sent.entry(*conn).or_default().extend_from_slice(bytes);
                }
                MasterOutput::Feed { conn, pieces } => {
                    self.sent.entry(*conn).or_default().extend_from_slice(&pieces.concat());
                }
                MasterOutput::StartSnapshot { snapshot, .. } => self.snapshot = Some(*snapshot),
                _ => {}
            }
            self.outputs.push(output);
        }
    }

    fn words(text: &[&str]) -> Vec<Bytes> {
        text.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    fn replconf(&mut self, conn: u64, args: &[&str]) -> String {
        self.input(MasterInput::Replconf { conn: ClientId(conn), args: Self::words(args) });
        self.take(conn)
    }

    fn psync(&mut self, conn: u64, args: &[&str]) -> String {
        let (args, peer_ip) = (Self::words(args), "10.0.0.1".to_string());
        self.input(MasterInput::Psync { conn: ClientId(conn), peer_ip, args, pending_output: false });
        self.take(conn)
    }

    fn writable(&mut self, conn: u64) -> String {
        self.input(MasterInput::Writable { conn: ClientId(conn), budget: 1 << 20 });
        self.take(conn)
    }

    /// What a connection was sent since the last time.
    fn take(&mut self, conn: u64) -> String {
        String::from_utf8(self.sent.remove(&ClientId(conn)).unwrap_or_default()).expect("text")
    }

    fn started(&mut self) -> SnapshotId {
        let snapshot = self.snapshot.take().expect("one was asked for");
        self.input(MasterInput::SnapshotStarted { snapshot, db: 0 });
        snapshot
    }

    fn is_closed(&self, conn: u64) -> bool {
        self.outputs.contains(&MasterOutput::Close { conn: ClientId(conn) })
    }

    fn wait(&mut self, span: Millis) {
        self.now = self.now + span;
        self.input(MasterInput::Wake);
    }
}

fn wire(words: &[&str]) -> String {
    String::from_utf8(command(words).to_vec()).expect("text")
}

#[test]
fn replconf_answers() {
    let long = "x".repeat(300);
    let too_long = "-ERR REPLCONF ip-address provided by replica instance is too long: 300 bytes\r\n";
    for (args, answer) in [
        (&[][..], "-ERR syntax error\r\n"),
        (&["capa"], "-ERR syntax error\r\n"),
        (&["capa", "eof", "CAPA", "psync2", "capa", "unheard-of"], "+OK\r\n"),
        (&["listening-port", "6380", "ip-address", "10.1.1.1"], "+OK\r\n"),
        (&["listening-port", "x"], "-ERR value is not an integer or out of range\r\n"),
        (&["ip-address", &long], too_long),
        (&["rdb-only", "1"], "+OK\r\n"),
        (&["rdb-only", "2"], "-ERR value is out of range, value must between 0 and 1\r\n"),
        (&["rdb-filter-only", ""], "+OK\r\n"),
        (&["rdb-filter-only", "functions FUNCTIONS"], "+OK\r\n"),
        (&["rdb-filter-only", "keys"], "-ERR Unsupported rdb-filter-only option: keys\r\n"),
        (&["rdb-filter-only", "\"functions"], "-ERR Missing rdb-filter-only values\r\n"),
        (&["version", "8.0.1"], "+OK\r\n"),
        (&["version", "eight"], "-ERR Unrecognized version format: eight\r\n"),
        (&["colour", "red"], "-ERR Unrecognized REPLCONF option: colour\r\n"),
        (
            &["capa", "eof", "colour", "red", "listening-port", "x"],
            "-ERR Unrecognized REPLCONF option: colour\r\n",
        ),
        (&["ack", "5"], ""),
        (&["getack", "*"], ""),
    ] {
        assert_eq!(Bench::master().replconf(1, args), answer, "{args:?}");
    }
}

#[test]
fn psync_is_checked_in_this_order() {
    let id = ID.to_string();
    let mut replica = Bench::new(MasterSettings::default(), NodeRole::Replica { link_up: false });
    let no_link = "-NOMASTERLINK Can't SYNC while not connected with my master\r\n";
    assert_eq!(replica.psync(1, &["?", "x"]), no_link);
    assert_eq!(
        replica.psync(1, &["other", "1", "FAILOVER"]),
        "-ERR PSYNC FAILOVER replid must match my replid.\r\n"
    );

    let mut bench = Bench::with_stream();
    let not_master = "-ERR PSYNC FAILOVER can't be sent to a master.\r\n";
    assert_eq!(bench.psync(1, &[&id, "1", "failover"]), not_master);
    let (conn, peer_ip, args) = (ClientId(1), "h".to_string(), Bench::words(&["?", "x"]));
    bench.input(MasterInput::Psync { conn, peer_ip, args, pending_output: true });
    assert_eq!(bench.take(1), "-ERR SYNC and PSYNC are invalid with pending output\r\n");
    bench.replconf(1, &["rdb-filter-only", "functions"]);
    assert_eq!(bench.psync(1, &["?", "x"]), "-ERR Filtered replica requires EOF capability\r\n");
    bench.replconf(1, &["capa", "eof"]);
    assert_eq!(bench.psync(1, &["?", "x"]), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(bench.side.status().replicas, []);

    assert_eq!(bench.psync(2, &[&id.to_uppercase(), "1"]), "+CONTINUE\r\n");
    assert_eq!(bench.psync(2, &["?", "-1"]), "", "it is a replica already");
    bench.replconf(3, &["capa", "psync2"]);
    assert_eq!(bench.psync(3, &[&id, "1"]), format!("+CONTINUE {id}\r\n"));
    assert_eq!(
        bench.side.status().counters,
        SyncCounters { sync_full: 0, sync_partial_ok: 2, sync_partial_err: 0 }
    );
    bench.psync(4, &[&id, "2"]);
    bench.psync(5, &["?", "-1"]);
    assert_eq!(
        bench.side.status().counters,
        SyncCounters { sync_full: 2, sync_partial_ok: 2, sync_partial_err: 1 }
    );
    assert!(!bench.is_closed(2));
}

#[test]
fn a_granted_failover_promotes_before_it_continues() {
    let id = ID.to_string();
    let mut bench = Bench::new(MasterSettings::default(), NodeRole::Replica { link_up: true });
    bench.input(MasterInput::Continued { replid: None });
    bench.side.append_proxied(b"0123456789");
    bench.replconf(1, &["capa", "psync2"]);
    let line = bench.psync(1, &[&id, "11", "FAILOVER"]);
    let history = *bench.side.history();
    assert_ne!(history.replid, ID);
    assert_eq!((history.replid2, history.second_repl_offset), (ID, Some(11)));
    assert_eq!(line, format!("+CONTINUE {}\r\n", history.replid));
    assert!(bench.outputs.contains(&MasterOutput::Promoted));
    assert_eq!(bench.side.role(), NodeRole::Master);
}

#[test]
fn the_stream_has_these_bytes() {
    let mut bench = Bench::with_stream();
    bench.psync(1, &[&ID.to_string(), "1"]);
    assert_eq!(bench.writable(1), "");
    let set = command(["SET", "k", "v"]);
    let propagated = |db: Option<u32>| Propagated { db, command: &set };
    let bytes = |bench: &mut Bench, unit: &[Propagated<'_>]| {
        bench.side.propagate(unit);
        bench.input(MasterInput::Flush);
        bench.take(1)
    };
    let (set_text, multi, exec) = (wire(&["SET", "k", "v"]), wire(&["MULTI"]), wire(&["EXEC"]));
    let select = |db: &str| wire(&["SELECT", db]);
    assert_eq!(bytes(&mut bench, &[propagated(Some(0))]), select("0") + &set_text);
    assert_eq!(bytes(&mut bench, &[propagated(Some(0))]), set_text);
    assert_eq!(bytes(&mut bench, &[propagated(None)]), set_text);
    assert_eq!(bytes(&mut bench, &[propagated(Some(12))]), select("12") + &set_text);
    let unit = [propagated(Some(3)), propagated(Some(3)), propagated(Some(12))];
    let expected = [&multi, &select("3"), &set_text, &set_text, &select("12"), &set_text, &exec];
    assert_eq!(bytes(&mut bench, &unit), expected.map(String::as_str).concat());
    assert_eq!(bytes(&mut bench, &[]), "");

    bench.wait(Millis(9_000));
    assert_eq!(bench.take(1), "");
    bench.wait(Millis(1_000));
    assert_eq!(bench.take(1), "*1\r\n$4\r\nping\r\n");
    let offset = bench.side.history().master_repl_offset;
    let wait = MasterInput::Wait {
        client: ClientId(9),
        kind: WaitKind::Wait,
        args: Bench::words(&["1", "0"]),
        offset,
        may_block: true,
    };
    bench.input(wait.clone());
    bench.input(wait);
    bench.input(MasterInput::Flush);
    assert_eq!(bench.take(1), wire(&["REPLCONF", "GETACK", "*"]), "once per round");
    bench.replconf(1, &["ACK", &offset.to_string()]);
    let done = MasterOutput::WaitDone { client: ClientId(9), reply: Reply::int(1_i64) };
    assert!(bench.outputs.contains(&done));
}

#[test]
fn a_replica_passes_on_its_masters_bytes_and_none_of_its_own() {
    let mut bench = Bench::new(MasterSettings::default(), NodeRole::Replica { link_up: true });
    bench.input(MasterInput::FullSynced { origin: Some((ID, 100)) });
    bench.replconf(1, &["capa", "psync2"]);
    bench.psync(1, &[&ID.to_string(), "101"]);
    bench.writable(1);
    let set = command(["SET", "k", "v"]);
    assert_eq!(bench.side.propagate(&[Propagated { db: Some(0), command: &set }]), 100);
    bench.side.append_proxied(b"raw bytes");
    bench.input(MasterInput::Flush);
    assert_eq!(bench.take(1), "raw bytes");
    bench.wait(Millis(30_000));
    assert_eq!(bench.take(1), "", "no ping");
    bench.input(MasterInput::Link { up: false });
    assert!(!bench.is_closed(1), "it is kept over a link loss");
    assert!(bench.psync(2, &["?", "-1"]).starts_with("-NOMASTERLINK"));
    bench.input(MasterInput::Continued { replid: Some(ID) });
    assert!(!bench.is_closed(1));
    bench.input(MasterInput::Continued { replid: Some(ReplId::filled(b'b')) });
    assert!(bench.is_closed(1), "the id changed");
}

#[test]
fn a_diskless_snapshot_is_framed_and_the_stream_held_until_it_is_acknowledged() {
    let mut bench = Bench::with_stream();
    bench.replconf(1, &["capa", "eof", "capa", "psync2"]);
    assert_eq!(bench.psync(1, &["?", "-1"]), "");
    let snapshot = bench.started();
    let first = bench.take(1);
    assert_eq!(first, format!("+FULLRESYNC {ID} 0\r\n"));
    let header = bench.writable(1);
    let mark = header.strip_prefix("$EOF:").and_then(|rest| rest.strip_suffix("\r\n")).expect("a header");
    assert_eq!(mark.len(), 40);
    let mark = mark.to_string();
    let set = command(["SET", "k", "v"]);
    bench.side.propagate(&[Propagated { db: Some(0), command: &set }]);
    bench.replconf(1, &["ACK", "0"]);
    bench.input(MasterInput::SnapshotBytes { snapshot, bytes: Bytes::from_static(b"REDIS") });
    assert_eq!(bench.take(1), "REDIS");
    assert_eq!(bench.side.status().replicas[0].state, ReplicaStatusState::WaitBgsave);
    bench.input(MasterInput::SnapshotDone { snapshot, len: 5 });
    assert_eq!(bench.take(1), mark);
    bench.input(MasterInput::Flush);
    assert_eq!(bench.take(1), "", "the early ACK does not count");
    let status = &bench.side.status().replicas[0];
    assert!(status.held && status.state == ReplicaStatusState::Online);
    assert_eq!(bench.side.acknowledged_by(0), 0, "it may still load what was written before it came");
    assert!(bench.replconf(1, &["ACK", "0"]).starts_with("*2\r\n$6\r\nSELECT"));
    assert_eq!(bench.side.acknowledged_by(0), 1);
    assert_eq!(bench.side.status().snapshots, 0);
}

#[test]
fn a_disk_snapshot_is_shared_sent_by_length_and_followed_at_once() {
    let mut bench = Bench::master();
    bench.psync(1, &["?", "-1"]);
    let snapshot = bench.started();
    let replid = bench.side.history().replid;
    assert_ne!(replid, ID, "the first replica begins a history");
    assert_eq!(bench.take(1), format!("+FULLRESYNC {replid} 0\r\n"));
    let set = command(["SET", "k", "v"]);
    bench.side.propagate(&[Propagated { db: Some(0), command: &set }]);
    assert_eq!(bench.psync(2, &["?", "-1"]), format!("+FULLRESYNC {replid} 0\r\n"), "it shares");
    bench.wait(Millis(1000));
    assert_eq!((bench.take(1), bench.take(2)), ("\n".to_string(), "\n".to_string()));
    bench.input(MasterInput::SnapshotDone { snapshot, len: 3 });
    for conn in [1, 2] {
        assert_eq!(bench.take(conn), "$3\r\n");
        bench.writable(conn);
        let asked = MasterOutput::ReadSnapshot { conn: ClientId(conn), snapshot, offset: 0, budget: 3 };
        assert!(bench.outputs.contains(&asked));
        assert_eq!(bench.side.status().replicas[conn as usize - 1].state, ReplicaStatusState::SendBulk);
        let result = Ok(Bytes::from_static(b"RDB"));
        bench.input(MasterInput::SnapshotRead { conn: ClientId(conn), result });
        assert!(bench.take(conn).starts_with("RDB*2\r\n$6\r\nSELECT"));
    }
    assert!(bench.outputs.contains(&MasterOutput::CancelSnapshot { snapshot }), "it is not needed any more");
}

#[test]
fn sync_without_psync_gets_no_line_and_no_timeout() {
    let mut bench = Bench::with_stream();
    bench.input(MasterInput::Sync { conn: ClientId(1), peer_ip: "h".to_string(), pending_output: false });
    let snapshot = bench.started();
    bench.input(MasterInput::SnapshotDone { snapshot, len: 0 });
    assert_eq!(bench.take(1), "$0\r\n");
    bench.writable(1);
    for _ in 0..100 {
        bench.wait(Millis(1000));
    }
    assert!(!bench.is_closed(1));
}

#[test]
fn failed_snapshots_close_those_who_wait() {
    let mut bench = Bench::with_stream();
    bench.psync(1, &["?", "-1"]);
    let snapshot = bench.snapshot.take().expect("asked for");
    bench.input(MasterInput::SnapshotFailed { snapshot, reason: "no memory".to_string() });
    assert_eq!(bench.take(1), "-ERR BGSAVE failed, replication can't continue\r\n");
    assert!(bench.is_closed(1));
    bench.psync(2, &["?", "-1"]);
    let snapshot = bench.started();
    bench.take(2);
    bench.input(MasterInput::SnapshotFailed { snapshot, reason: "disk full".to_string() });
    assert_eq!(bench.take(2), "", "without a word");
    assert!(bench.is_closed(2));
}

#[test]
fn a_snapshot_that_nobody_waits_for_is_cancelled() {
    for has_save_points in [false, true] {
        let mut bench = Bench::with_stream();
        let settings = MasterSettings { has_save_points, repl_diskless_sync: false, ..bench.side.settings };
        bench.input(MasterInput::Configure(settings));
        bench.psync(1, &["?", "-1"]);
        let snapshot = bench.started();
        bench.input(MasterInput::Gone { conn: ClientId(1) });
        let cancelled = bench.outputs.contains(&MasterOutput::CancelSnapshot { snapshot });
        assert_eq!(cancelled, !has_save_points);
    }
}

#[test]
fn a_slow_replica_does_not_make_a_diskless_snapshot_grow() {
    let mut bench = Bench::with_stream();
    for conn in [1, 2] {
        bench.replconf(conn, &["capa", "eof"]);
        bench.psync(conn, &["?", "-1"]);
    }
    // The second came while the snapshot was asked for: both share it.
    let snapshot = bench.started();
    let mut given = 0_u64;
    for _ in 0..100 {
        bench.writable(1);
        let budget = bench.outputs.iter().rev().find_map(|output| match output {
            MasterOutput::ContinueSnapshot { budget, .. } => Some(*budget),
            _ => None,
        });
        let Some(budget) = budget else { break };
        bench.outputs.clear();
        given += budget;
        let bytes = Bytes::from(vec![b'r'; budget as usize]);
        bench.input(MasterInput::SnapshotBytes { snapshot, bytes });
    }
    assert!((1 << 19..=1 << 20).contains(&given), "{given} bytes ahead of the one that takes nothing");
    bench.wait(Millis(61_000));
    let stuck = bench.outputs.iter().any(|output| {
        matches!(
            output,
            MasterOutput::Event(MasterEvent::Disconnected { reason: DisconnectReason::TransferTimeout, .. })
        )
    });
    assert!(stuck && bench.is_closed(2));
}

#[test]
fn what_a_replica_that_left_held_is_freed_without_another_write() {
    let mut bench = Bench::master();
    bench.psync(1, &["?", "-1"]);
    bench.started();
    let set = command(["SET", "k", &"v".repeat(1000)]);
    for _ in 0..30_000 {
        bench.side.propagate(&[Propagated { db: None, command: &set }]);
    }
    bench.input(MasterInput::Flush);
    let held = |bench: &Bench| bench.side.backlog().map_or(0, |backlog| backlog.memory().total());
    assert!(held(&bench) > 30_000_000);
    bench.input(MasterInput::Gone { conn: ClientId(1) });
    bench.input(MasterInput::Flush);
    assert!(held(&bench) < 2_000_000, "{}", held(&bench));
}

#[test]
fn a_replica_with_a_reply_is_closed() {
    let mut bench = Bench::with_stream();
    bench.psync(1, &[&ID.to_string(), "1"]);
    bench.take(1);
    bench.input(MasterInput::GeneratedReply { conn: ClientId(1), command: Bytes::from_static(b"ping") });
    assert!(bench.is_closed(1));
    let told = bench.outputs.iter().any(|output| {
        output.to_string().contains("Replica generated a reply to command 'ping', disconnecting it: ")
    });
    assert!(told);
    bench.psync(2, &[&ID.to_string(), "1"]);
    bench.take(2);
    assert_eq!(bench.replconf(2, &["capa", "eof"]), "");
    assert!(bench.is_closed(2));
}

#[test]
fn wait_refuses_in_these_words() {
    let ask = |role: NodeRole, kind: WaitKind, args: &[&str], may_block: bool| {
        let mut bench = Bench::new(MasterSettings::default(), role);
        let args = Bench::words(args);
        bench.input(MasterInput::Wait { client: ClientId(1), kind, args, offset: 0, may_block });
        bench.take(1)
    };
    let (master, replica) = (NodeRole::Master, NodeRole::Replica { link_up: true });
    use WaitKind::{Wait, WaitAof};
    assert!(ask(replica, Wait, &["1", "0"], true).starts_with("-ERR WAIT cannot be used with replica"));
    assert!(
        ask(replica, WaitAof, &["0", "1", "0"], true).starts_with("-ERR WAITAOF cannot be used with replica")
    );
    assert_eq!(ask(master, Wait, &["x", "0"], true), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(ask(master, Wait, &["1", "x"], true), "-ERR timeout is not an integer or out of range\r\n");
    assert_eq!(ask(master, Wait, &["1", "-1"], true), "-ERR timeout is negative\r\n");
    let endless = i64::MAX.to_string();
    assert_eq!(ask(master, Wait, &["1", &endless], true), "-ERR timeout is out of range\r\n");
    assert_eq!(ask(master, Wait, &["-3", "0"], true), ":0\r\n");
    assert_eq!(ask(master, Wait, &["1", "0"], false), ":0\r\n");
    assert_eq!(ask(master, Wait, &["1", "0"], true), "", "it is blocked");
    assert_eq!(
        ask(master, WaitAof, &["2", "0", "0"], true),
        "-ERR value is out of range, value must between 0 and 1\r\n"
    );
    assert!(ask(master, WaitAof, &["1", "0", "0"], true).contains("appendonly is disabled"));
    assert_eq!(ask(master, WaitAof, &["0", "0", "0"], true), "*2\r\n:0\r\n:0\r\n");
}

/// A replica that comes back with less than it had acknowledged does not count by its former connection.
#[test]
fn wait_goes_by_the_newest_connection_of_a_replica() {
    let mut bench = Bench::with_stream();
    let join = |bench: &mut Bench, conn: u64, port: &str| {
        assert_eq!(bench.replconf(conn, &["listening-port", port]), "+OK\r\n");
        assert!(bench.psync(conn, &[&ID.to_string(), "1"]).contains("CONTINUE"));
        bench.writable(conn);
    };
    let counted = |bench: &Bench| bench.side.acknowledged_by(5);
    join(&mut bench, 1, "7001");
    join(&mut bench, 2, "7002");
    assert_eq!(counted(&bench), 0);
    bench.replconf(1, &["ack", "5"]);
    bench.replconf(2, &["ack", "5"]);
    assert_eq!(counted(&bench), 2);
    join(&mut bench, 3, "7001");
    assert_eq!(counted(&bench), 1, "it has acknowledged nothing over its new connection");
    bench.replconf(3, &["ack", "4"]);
    assert_eq!(counted(&bench), 1);
    bench.replconf(3, &["ack", "5"]);
    assert_eq!(counted(&bench), 2);
}

#[test]
fn restarts_keep_their_place() {
    let saved = CachedMaster { replid: ID, reploff: 500, db: 3 };
    let new = ReplId::filled(b'n');
    let (history, effects) = History::start_as_master(new, saved);
    let mut side =
        MasterSide::new(Time(0), MasterSettings::default(), NodeRole::Master, history, Some(effects), 1);
    let del = command(["DEL", "expired"]);
    let offset = side.propagate(&[Propagated { db: Some(0), command: &del }]);
    let backlog = side.backlog().expect("created");
    assert_eq!((backlog.first_byte_offset(), backlog.stream_offset()), (501, offset));
    assert_eq!(side.snapshot_label(None), Some(CachedMaster { replid: new, reploff: offset, db: 0 }));
    assert_eq!(
        side.next_deadline(),
        Some(Deadline { at: Time(3_600_000_000), timer: MasterTimer::BacklogTtl })
    );

    let (history, effects) = History::start_as_replica(saved);
    let role = NodeRole::Replica { link_up: false };
    let side = MasterSide::new(Time(0), MasterSettings::default(), role, history, Some(effects), 1);
    assert!(side.backlog().is_none());
    assert_eq!(side.snapshot_label(Some(saved)), Some(saved));
}

/// Whatever order things come in, nothing panics, and a clone behaves as the original.
#[test]
fn any_inputs_are_survived_and_repeated_exactly() {
    let mut prng = Prng::new(17);
    let id = ID.to_string();
    let words = [
        "?",
        "-1",
        &id,
        "1",
        "40",
        "FAILOVER",
        "capa",
        "eof",
        "psync2",
        "ack",
        "rdb-only",
        "to",
        "h",
        "timeout",
        "5",
        "abort",
        "force",
        "10.0.0.1",
        "listening-port",
        "x",
    ];
    for round in 0..400 {
        let settings = MasterSettings {
            repl_backlog_size: 1,
            repl_timeout: Millis(3000),
            repl_backlog_ttl: Millis(5000),
            repl_diskless_sync: round % 2 == 0,
            repl_diskless_sync_delay: Millis(prng.below(3000)),
            min_replicas_to_write: prng.below(3),
            ..MasterSettings::default()
        };
        let mut bench = Bench::new(settings, NodeRole::Master);
        let mut twin: Option<(MasterSide, usize)> = None;
        let mut inputs = Vec::new();
        for step in 0..150 {
            if step == 70 {
                twin = Some((bench.side.clone(), bench.outputs.len()));
                inputs.clear();
            }
            let conn = ClientId(1 + prng.below(4));
            let args: Vec<Bytes> = (0..prng.below(5))
                .map(|_| Bytes::copy_from_slice(words[prng.below(words.len() as u64) as usize].as_bytes()))
                .collect();
            let snapshot = SnapshotId(1 + prng.below(3));
            let peer_ip = "10.0.0.1".to_string();
            let input = match prng.below(24) {
                0 => MasterInput::Flush,
                1 => MasterInput::Replconf { conn, args },
                2..=4 => {
                    let args = if prng.below(2) == 0 { Bench::words(&["?", "-1"]) } else { args };
                    MasterInput::Psync { conn, peer_ip, args, pending_output: prng.below(9) == 0 }
                }
                5 => MasterInput::Sync { conn, peer_ip, pending_output: false },
                6 => MasterInput::Gone { conn },
                7 | 8 => MasterInput::Writable { conn, budget: prng.below(5000) },
                9 | 10 => MasterInput::SnapshotStarted { snapshot, db: 0 },
                11 | 12 => MasterInput::SnapshotBytes { snapshot, bytes: Bytes::from_static(b"RDB") },
                13 => MasterInput::SnapshotDone { snapshot, len: prng.below(9) },
                14 => MasterInput::SnapshotFailed { snapshot, reason: "why not".to_string() },
                15 => MasterInput::SnapshotRead { conn, result: Ok(Bytes::from_static(b"R")) },
                16 => MasterInput::Demoted,
                17 => MasterInput::Promoted,
                18 => MasterInput::Link { up: prng.below(2) == 0 },
                19 => MasterInput::FullSynced { origin: Some((ReplId::filled(b'z'), prng.below(99))) },
                20 => MasterInput::Continued { replid: Some(ReplId::filled(b'y')) },
                21 => {
                    let args = Bench::words(&["1", "500"]);
                    MasterInput::Wait { client: conn, kind: WaitKind::Wait, args, offset: 5, may_block: true }
                }
                22 => MasterInput::Failover { conn, args },
                _ => MasterInput::FailoverAnswered { accepted: prng.below(2) == 0 },
            };
            bench.now = bench.now + Millis(prng.below(1500));
            inputs.push((bench.now, input.clone()));
            let set = command(["SET", "k", &"v".repeat(prng.below(3000) as usize)]);
            let unit = [Propagated { db: Some(1), command: &set }];
            bench.side.propagate(&unit);
            bench.input(input);
            if let Some((twin, seen)) = &mut twin {
                let (now, input) = inputs.last().expect("pushed").clone();
                twin.propagate(&unit);
                twin.handle(now, input);
                while let Some(output) = twin.poll_output() {
                    assert_eq!(output, bench.outputs[*seen]);
                    *seen += 1;
                }
                assert_eq!(*seen, bench.outputs.len());
                assert_eq!(twin.status(), bench.side.status());
            }
            let status = bench.side.status();
            if let Some(backlog) = status.backlog {
                let end = backlog.first_byte_offset + backlog.histlen - 1;
                assert_eq!(end, status.history.master_repl_offset);
            }
            assert!(bench.side.next_deadline().is_none_or(|deadline| deadline.at > bench.now));
        }
    }
}
