//! Dual-channel sync: a snapshot on a connection of its own.

use super::*;
use crate::master::replica::ReplicaState;

/// A master side that offers it, with a stream of one command, and a main connection 1 that was answered.
fn offered() -> Bench {
    let mut bench = Bench::with_stream();
    let settings = MasterSettings { dual_channel: true, ..bench.side.settings };
    bench.input(MasterInput::Configure(settings));
    write(&mut bench, 1);
    bench.replconf(1, &["listening-port", "7001", "capa", "eof", "capa", "psync2", "capa", "dual-channel"]);
    assert_eq!(bench.psync(1, &["?", "-1"]), "+DUALCHANNELSYNC\r\n");
    assert!(bench.side.status().replicas.is_empty());
    assert_eq!(bench.side.counters.sync_full, 0);
    bench
}

/// The same with a snapshot that goes to connection 2. Its offset.
fn begun() -> (Bench, SnapshotId, u64) {
    let mut bench = offered();
    let told = ["capa", "eof", "rdb-only", "1", "rdb-channel", "1", "listening-port", "7001"];
    assert_eq!(bench.replconf(2, &told), "+OK\r\n");
    sync(&mut bench, 2);
    assert_eq!(bench.side.counters.sync_full, 1);
    let offset = bench.side.history.master_repl_offset;
    let snapshot = bench.started();
    let id = bench.side.history.replid;
    assert_eq!(bench.take(2), format!("$ENDOFF:{offset} {id} 0 2\r\n"));
    assert!(bench.writable(2).starts_with("$EOF:"));
    (bench, snapshot, offset)
}

fn sync(bench: &mut Bench, conn: u64) {
    let peer_ip = "10.0.0.1".to_string();
    bench.input(MasterInput::Sync { conn: ClientId(conn), peer_ip, pending_output: false });
}

fn write(bench: &mut Bench, len: usize) {
    let set = command(["SET", "k", &"v".repeat(len)]);
    bench.side.propagate(&[Propagated { db: Some(0), command: &set }]);
    bench.input(MasterInput::Flush);
}

fn finish(bench: &mut Bench, snapshot: SnapshotId) {
    bench.input(MasterInput::SnapshotBytes { snapshot, bytes: Bytes::from_static(b"rdb") });
    bench.input(MasterInput::SnapshotDone { snapshot, len: 3 });
    assert!(bench.writable(2).starts_with("rdb"));
}

fn lines(bench: &Bench) -> Vec<String> {
    let status = bench.side.status();
    status.replicas.iter().map(|it| format!("{} {}", it.state.word(), it.kind.word())).collect()
}

#[test]
fn the_stream_flows_on_the_main_connection_during_the_snapshot() {
    let (mut bench, snapshot, offset) = begun();
    assert_eq!(lines(&bench), ["wait_bgsave rdb-channel"]);
    assert_eq!(bench.side.status().replicas_waiting_psync, 1);
    write(&mut bench, 5);
    assert_eq!(bench.replconf(1, &["set-rdb-client-id", "2"]), "+OK\r\n");
    let id = bench.side.history.replid.to_string();
    let from = (offset + 1).to_string();
    assert_eq!(bench.psync(1, &[&id, &from]), format!("+CONTINUE {id}\r\n"));
    assert_eq!(bench.writable(1), wire(&["SELECT", "0"]) + &wire(&["SET", "k", "vvvvv"]));
    assert_eq!(lines(&bench), ["bg_transfer main-channel", "wait_bgsave rdb-channel"]);
    assert_eq!(bench.side.status().replicas_waiting_psync, 0);
    assert_eq!(bench.side.counters.sync_partial_ok, 1);
    write(&mut bench, 1);
    assert_eq!(bench.take(1), wire(&["SET", "k", "v"]));

    // Without an ACK it is not cut, and does not count.
    bench.wait(Millis(50_000));
    bench.writable(2);
    finish(&mut bench, snapshot);
    assert!(bench.is_closed(2));
    bench.wait(Millis(50_000));
    assert_eq!(lines(&bench), ["bg_transfer main-channel"]);
    assert_eq!(bench.side.acknowledged_by(0), 0);

    let end = bench.side.history.master_repl_offset;
    bench.replconf(1, &["ack", &end.to_string()]);
    assert_eq!(lines(&bench), ["online replica"]);
    assert_eq!(bench.side.acknowledged_by(end), 1);
}

#[test]
fn what_is_wanted_next_is_kept_for_a_minute() {
    for late in [false, true] {
        let (mut bench, snapshot, offset) = begun();
        finish(&mut bench, snapshot);
        assert!(bench.is_closed(2) && bench.side.replicas.is_empty());
        let settings =
            MasterSettings { repl_backlog_size: 1, repl_backlog_ttl: Millis(1000), ..bench.side.settings };
        bench.input(MasterInput::Configure(settings));
        for _ in 0..300 {
            write(&mut bench, 1000);
        }
        bench.wait(Millis(59_999));
        let first = |bench: &Bench| bench.side.backlog().expect("there is one").first_byte_offset();
        assert!(first(&bench) <= offset + 1);
        if late {
            bench.wait(Millis(1));
            assert!(first(&bench) > offset + 1);
            assert_eq!(
                bench.replconf(1, &["set-rdb-client-id", "2"]),
                "-ERR Unrecognized RDB client id 2\r\n"
            );
            bench.wait(Millis(1000));
            assert!(bench.side.backlog().is_none(), "nobody is left");
            continue;
        }
        assert_eq!(bench.replconf(1, &["set-rdb-client-id", "2"]), "+OK\r\n");
        let (id, from) = (bench.side.history.replid.to_string(), (offset + 1).to_string());
        assert!(bench.psync(1, &[&id, &from]).starts_with("+CONTINUE"));
        assert_eq!(bench.side.psync_waiting.len(), 0);
        assert_eq!(bench.side.replicas[&ClientId(1)].state, ReplicaState::BgTransfer);
        while !bench.writable(1).is_empty() {}
        assert!(first(&bench) > offset + 1, "nothing is kept in the other's name any more");
    }
}

#[test]
fn nothing_is_kept_for_a_snapshot_that_broke_off() {
    let (mut bench, ..) = begun();
    bench.input(MasterInput::Gone { conn: ClientId(2) });
    assert!(bench.side.psync_waiting.is_empty());
    assert_eq!(bench.replconf(1, &["set-rdb-client-id", "2"]), "-ERR Unrecognized RDB client id 2\r\n");
}

#[test]
fn what_is_kept_falls_under_the_output_limit() {
    for sent in [false, true] {
        let (mut bench, snapshot, _) = begun();
        if sent {
            finish(&mut bench, snapshot);
        }
        let output_limit = ReplicaOutputLimit { hard_bytes: 100_000, soft_bytes: 0, soft_span: Millis(0) };
        let settings = MasterSettings { output_limit, repl_backlog_size: 1, ..bench.side.settings };
        bench.input(MasterInput::Configure(settings));
        for _ in 0..300 {
            write(&mut bench, 1000);
        }
        assert!(bench.is_closed(2) && bench.side.psync_waiting.is_empty());
        assert!(bench.side.backlog().expect("there is one").histlen() < 120_000);
    }
}

#[test]
fn the_word_counts_where_it_is_offered_only() {
    for (dual_channel, diskless, capa) in
        [(false, true, "dual-channel"), (true, false, "dual-channel"), (true, true, "psync2")]
    {
        let mut bench = Bench::with_stream();
        let settings = MasterSettings { dual_channel, repl_diskless_sync: diskless, ..bench.side.settings };
        bench.input(MasterInput::Configure(settings));
        assert_eq!(bench.replconf(1, &["capa", "eof", "capa", capa]), "+OK\r\n");
        assert_eq!(bench.psync(1, &["?", "-1"]), "");
        assert_eq!(bench.side.counters.sync_full, 1);
    }
    let mut bench = Bench::with_stream();
    for (args, answer) in [
        (["rdb-channel", "2"], "-ERR value is out of range, value must between 0 and 1\r\n"),
        (["rdb-channel", "x"], "-ERR value is not an integer or out of range\r\n"),
        (["set-rdb-client-id", "x"], "-ERR value is not an integer or out of range\r\n"),
        (["set-rdb-client-id", "-7"], "-ERR Unrecognized RDB client id -7\r\n"),
    ] {
        assert_eq!(bench.replconf(1, &args), answer);
    }
    bench.replconf(1, &["rdb-channel", "1"]);
    sync(&mut bench, 1);
    assert_eq!(bench.take(1), "-ERR Filtered replica requires EOF capability\r\n");
}

/// One snapshot does for a replica with two connections and for one with a single one; a file does for neither.
#[test]
fn who_shares_a_snapshot() {
    let mut bench = offered();
    bench.replconf(2, &["capa", "eof", "rdb-only", "1", "rdb-channel", "1"]);
    bench.replconf(3, &["capa", "eof"]);
    let waits = MasterSettings { repl_diskless_sync_delay: Millis(1000), ..bench.side.settings };
    bench.input(MasterInput::Configure(waits));
    sync(&mut bench, 2);
    bench.psync(3, &["?", "-1"]);
    bench.wait(Millis(1000));
    bench.started();
    assert!(bench.take(2).contains("$ENDOFF:") && bench.take(3).contains("+FULLRESYNC"));

    let mut bench = offered();
    bench.replconf(2, &["capa", "eof", "rdb-only", "1", "rdb-channel", "1"]);
    let to_disk = MasterSettings { repl_diskless_sync: false, ..bench.side.settings };
    bench.input(MasterInput::Configure(to_disk));
    bench.psync(3, &["?", "-1"]);
    bench.started();
    sync(&mut bench, 2);
    assert!(!bench.take(2).contains("$ENDOFF:"), "the file is for others");
}

#[test]
fn another_history_ends_the_wait() {
    let (mut bench, snapshot, _) = begun();
    finish(&mut bench, snapshot);
    bench.input(MasterInput::Demoted);
    bench.input(MasterInput::FullSyncLoad);
    assert!(bench.side.psync_waiting.is_empty() && bench.side.next_deadline().is_none());
}
