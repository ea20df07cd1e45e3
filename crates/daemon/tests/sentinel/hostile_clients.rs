//! Clients that send nonsense, half of something, or nothing: a clear error, no growth, and the monitoring
//! goes on.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use picket_testkit::{Client, Cluster, Reply, wait_until};

use crate::common::{SOON, SWITCH, needs_redis, ours, resident_kib, three_of_ours};

/// What a hostile client may make a sentinel grow by.
const GROWTH_MAX_KIB: u64 = 64 << 10;

/// A deterministic noise generator (xorshift): the same bytes on every run.
fn noise(len: usize, mut state: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

#[test]
fn protocol_errors_are_named_and_close_the_connection() {
    needs_redis!();
    let cluster = Cluster::builder().replicas(0).sentinels(&[ours()]).quorum(1).start();
    let sentinel = &cluster.sentinels[0];
    let too_long = [b"*1\r\n$".as_slice(), &[b'1'; 70_000]].concat();
    let too_long_count = [b"*".as_slice(), &[b'1'; 70_000]].concat();
    let cases: &[(&[u8], &str)] = &[
        (b"*2147483648\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*x\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$99999999999\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n:1\r\n", "ERR Protocol error: expected '$', got ':'"),
        (b"PING \"half\r\n", "ERR Protocol error: unbalanced quotes in request"),
        (&[b'x'; 70_000], "ERR Protocol error: too big inline request"),
        (&too_long, "ERR Protocol error: too big bulk count string"),
        (&too_long_count, "ERR Protocol error: too big mbulk count string"),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        let mut client = sentinel.client().expect("connect");
        client.send_raw(bytes).expect("send");
        let reply = client.read().unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        assert_eq!(reply.error(), Some(*expected), "{shown:?}");
        assert!(client.is_closed_by_peer(), "{shown:?}");
    }
    // Browsers can be made to send these; there is no answer, the connection just goes.
    for bytes in ["POST / HTTP/1.1\r\n", "Host: x\r\n"] {
        let mut client = sentinel.client().expect("connect");
        client.send_raw(bytes.as_bytes()).expect("send");
        assert!(client.is_closed_by_peer(), "{bytes:?}");
    }
    assert_eq!(sentinel.cmd(&["PING"]).expect("PING"), Reply::Status("PONG".into()));
}

#[test]
fn refused_commands_leave_the_connection_open() {
    needs_redis!();
    let cluster = Cluster::builder().replicas(0).sentinels(&[ours()]).quorum(1).start();
    let mut client = cluster.sentinels[0].client().expect("connect");
    let cases: &[(&[&str], &str)] = &[
        (&["NOSUCH", "a", "b"], "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "),
        (&["GET", "k"], "ERR unknown command 'GET', with args beginning with: 'k' "),
        (&["SENTINEL", "NOSUCH"], "ERR unknown subcommand 'NOSUCH'. Try SENTINEL HELP."),
        (&["SENTINEL", "MASTER"], "ERR wrong number of arguments for 'sentinel|master' command"),
        (&["SENTINEL", "MASTER", "other"], "ERR No such master with that name"),
        (&["SENTINEL", "MONITOR", "x", "127.0.0.1", "1", "0"], "ERR Quorum must be 1 or greater."),
        (&["SENTINEL", "MONITOR", "x", "127.0.0.1", "port", "1"], "ERR Invalid port"),
        (
            &["SENTINEL", "MONITOR", "x", "no.such.host.invalid", "1", "1"],
            "ERR Invalid IP address or hostname specified",
        ),
        (
            &["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "x", "1", "*"],
            "ERR value is not an integer or out of range",
        ),
        (&["PUBLISH", "news", "x"], "ERR Only HELLO messages are accepted by Sentinel instances."),
    ];
    for (command, expected) in cases {
        let reply = client.cmd(command).expect("a reply");
        assert_eq!(reply.error(), Some(*expected), "{command:?}");
    }
    let unknown = client.cmd(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other"]).expect("a reply");
    assert_eq!(unknown, Reply::Nil);
    let empty = client.cmd(&["", ""]).expect("a reply");
    assert_eq!(empty.error(), Some("ERR unknown command '', with args beginning with: '' "));
}

#[test]
fn half_commands_and_noise_neither_grow_nor_disturb() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let old = cluster.nodes()[0].port();
    let before = resident_kib(&mut cluster.sentinels[0]);

    // Promised and never sent: the promise must cost nothing.
    let halves: [&[u8]; 6] = [
        b"*",
        b"*3\r\n$8\r\nSENT",
        b"*3\r\n$8\r\nSENTINEL\r\n",
        b"*1\r\n$500000000\r\nx",
        b"*1000000\r\n",
        b"PING half a line",
    ];
    let mut held = Vec::new();
    for _ in 0..20 {
        for half in halves {
            let mut client = cluster.sentinels[0].client().expect("connect");
            client.send_raw(half).expect("send");
            held.push(client);
        }
    }
    for seed in 1..=20 {
        for prefix in [&b""[..], b"*2\r\n$4\r\nPING\r\n$100000\r\n", b"*3\r\n"] {
            let mut client = cluster.sentinels[0].client().expect("connect");
            // The sentinel may close as soon as it has seen enough.
            let _ = client.send_raw(prefix).and_then(|()| client.send_raw(&noise(50_000, seed)));
            held.push(client);
        }
    }
    for subcommand in ["MASTERS", "MYID"] {
        assert!(cluster.sentinels[0].cmd(&["SENTINEL", subcommand]).expect("a reply").error().is_none());
    }
    let grown = resident_kib(&mut cluster.sentinels[0]).saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "grown by {grown} KiB");

    cluster.nodes()[0].kill9();
    cluster.wait_for_switch(old, SWITCH);
    drop(held);
}

#[test]
fn a_client_that_never_reads_costs_a_bounded_amount() {
    needs_redis!();
    if !ours().is_picket() {
        // Stock keeps every reply for a normal client, without a limit.
        return;
    }
    let mut cluster = Cluster::builder().replicas(0).sentinels(&[ours()]).quorum(1).start();
    let before = resident_kib(&mut cluster.sentinels[0]);
    let mut client =
        Client::connect_within(&cluster.sentinels[0].addr(), Duration::from_millis(500)).expect("connect");
    let command = picket_testkit::client::encode(&["SENTINEL", "MASTERS"]).repeat(1000);
    // About 400 MB of replies, unless it stops reading from us or closes before.
    for _ in 0..500 {
        if client.send_raw(&command).is_err() {
            break;
        }
    }
    assert_eq!(cluster.sentinels[0].cmd(&["PING"]).expect("PING"), Reply::Status("PONG".into()));
    let grown = resident_kib(&mut cluster.sentinels[0]).saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "grown by {grown} KiB");
}

/// Ten thousand, or what this machine lets one process open. Raises the soft limit to the hard one, for
/// this process and the sentinels that it starts.
fn idle_clients() -> usize {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit can be read");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the soft limit may be raised to the hard one");
    let usable = usize::try_from(hard).unwrap_or(usize::MAX).saturating_sub(500);
    usable.min(10_000)
}

#[test]
fn idle_connections_up_to_maxclients_leave_the_monitoring_alone() {
    needs_redis!();
    let max = idle_clients();
    let mut cluster = three_of_ours().sentinel_line(&format!("maxclients {max}")).start();
    let old = cluster.nodes()[0].port();
    let addr = cluster.sentinels[0].addr();
    let mut held = Vec::new();
    let refusal = loop {
        assert!(held.len() <= max, "more than maxclients are let in");
        let mut client = Client::connect(&addr).expect("connect");
        match client.cmd(&["PING"]).expect("a reply, be it a refusal") {
            Reply::Status(_) => held.push(client),
            other => {
                assert!(client.is_closed_by_peer());
                break other;
            }
        }
    };
    assert_eq!(refusal, Reply::Error("ERR max number of clients reached".into()));
    assert!(held.len() > max / 2, "only {} were let in", held.len());

    cluster.nodes()[0].kill9();
    // Its own clients are locked out; the two others tell that it took part.
    let mut inside = held.pop().expect("one of those inside");
    let named = |client: &mut Client| {
        let reply = client.cmd(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]).expect("a reply");
        reply.items()[1].text().and_then(|port| port.parse::<u16>().ok()).expect("a port")
    };
    wait_until(SWITCH, "the full sentinel names a new master", || named(&mut inside) != old);
    drop(held);
    let new = cluster.wait_for_switch(old, SWITCH);
    assert_eq!(named(&mut inside), new);
}

#[test]
fn a_hello_with_nonsense_changes_nothing() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let old = cluster.nodes()[0].port();
    let id = "a".repeat(40);
    let long = "9".repeat(300_000);
    let hellos = [
        String::new(),
        ",".to_owned(),
        ",,,,,,,".to_owned(),
        "one,two,three".to_owned(),
        format!("127.0.0.1,1,{id},1,mymaster,127.0.0.1,{old}"),
        format!("127.0.0.1,1,{id},1,mymaster,127.0.0.1,{old},1,ninth"),
        format!("127.0.0.1,1,{id},0,unknown-master,127.0.0.1,{old},0"),
        format!("not-an-address,26379,{id},0,mymaster,127.0.0.1,{old},0"),
        format!("127.0.0.1,99999999,{id},0,mymaster,127.0.0.1,{old},0"),
        format!("127.0.0.1,-1,{id},0,mymaster,127.0.0.1,{old},0"),
        long,
        "\u{0}\u{1}\u{2},\r\n,\u{7f}".to_owned(),
    ];
    for hello in &hellos {
        // Said to the sentinel itself, which always answers 1, and to everybody through the master.
        let reply = cluster.sentinels[0].cmd(&["PUBLISH", "__sentinel__:hello", hello]).expect("a reply");
        assert_eq!(reply, Reply::Int(1));
        cluster.nodes()[0].cmd(&["PUBLISH", "__sentinel__:hello", hello]).expect("a reply");
    }
    for sentinel in &cluster.sentinels {
        assert_eq!(sentinel.master_port("mymaster"), Some(old));
        assert_eq!(sentinel.master_field("mymaster", "num-other-sentinels"), "2");
    }
    cluster.nodes()[0].kill9();
    cluster.wait_for_switch(old, SWITCH);
    wait_until(SOON, "all three are in it", || {
        cluster.sentinels.iter().all(|s| s.master_field("mymaster", "num-other-sentinels") == "2")
    });
}
