//! What a server does over time: closing, pausing, counting, delivering.

use super::*;

#[test]
fn bad_bytes_and_http_requests_end_the_connection() {
    for (bytes, answer) in [
        (&b"POST / HTTP/1.1\r\n"[..], "<closed>"),
        (b"Host: x\r\n", "<closed>"),
        (b"foo \"bar\r\n", "-ERR Protocol error: unbalanced quotes in request|<closed>"),
        (b"*99999999999\r\n", "-ERR Protocol error: invalid multibulk length|<closed>"),
        (b"*1\r\nfoo\r\n", "-ERR Protocol error: expected '$', got 'f'|<closed>"),
        (b"PING\r\n*1\r\nfoo\r\nPING\r\n", "+PONG|-ERR Protocol error: expected '$', got 'f'|<closed>"),
    ] {
        let mut world = World::new();
        let id = world.connect();
        assert_eq!(world.raw(id, bytes), answer, "{}", shown(bytes));
        assert!(!world.server.is_connected(id));
        assert_eq!(world.raw(id, b"PING\r\n"), "");
    }
}

#[test]
fn kill_answers_before_it_closes_oneself() {
    let mut world = World::new();
    let (a, b) = (world.connect(), world.connect());
    assert_eq!(world.ask(a, "CLIENT KILL ID 4"), ":1|");
    assert!(!world.server.is_connected(b));
    assert_eq!(world.ask(a, "CLIENT KILL ID 3"), ":0|");
    assert_eq!(world.ask(a, "CLIENT KILL ID 3 SKIPME no"), ":1|<closed>");
    let c = world.connect();
    assert_eq!(world.ask(c, "CLIENT KILL 127.0.0.1:40005"), "+OK|<closed>");
    let (d, e) = (world.connect(), world.connect());
    world.ask(e, "SUBSCRIBE x");
    assert_eq!(world.ask(d, "CLIENT KILL TYPE pubsub"), ":1|");
    assert!(!world.server.is_connected(e));
    assert_eq!(world.server.publish(b"x", b"y"), 0);
}

#[test]
fn a_message_reaches_everybody_in_their_protocol() {
    let mut world = World::new();
    let (two, three, both) = (world.connect(), world.connect(), world.connect());
    world.ask(three, "HELLO 3");
    world.ask(two, "SUBSCRIBE +sdown");
    world.ask(three, "SUBSCRIBE +sdown");
    world.ask(both, "SUBSCRIBE +sdown");
    world.ask(both, "PSUBSCRIBE *");
    assert_eq!(world.server.publish(b"+sdown", b"m"), 4);
    let mut texts = BTreeMap::<ClientId, String>::new();
    while let Some(ServerOutput::Send { client, bytes }) = world.server.poll_output() {
        texts.entry(client).or_default().push_str(&shown(&bytes).replace("\r\n", "|"));
    }
    assert_eq!(texts[&two], "*3|$7|message|$6|+sdown|$1|m|");
    assert_eq!(texts[&three], ">3|$7|message|$6|+sdown|$1|m|");
    assert_eq!(texts[&both], "*3|$7|message|$6|+sdown|$1|m|*4|$8|pmessage|$1|*|$6|+sdown|$1|m|");
}

#[test]
fn client_reply_holds_answers_back_but_not_messages() {
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("CLIENT REPLY OFF", ""),
            ("PING", ""),
            ("NOSUCH", ""),
            ("SUBSCRIBE a", "*3|$9|subscribe|$1|a|:1|"),
            ("UNSUBSCRIBE", "*3|$11|unsubscribe|$1|a|:0|"),
            ("CLIENT REPLY ON", "+OK|"),
            ("CLIENT REPLY SKIP", ""),
            ("PING", ""),
            ("PING", "+PONG|"),
        ],
    );
}

#[test]
fn renamed_commands_go_by_their_new_name() {
    let text = b"rename-command ping pong\nrename-command role \"\"\nrename-command pong pung";
    let mut settings = Settings::new();
    let loaded = crate::config::load("x", text, &mut settings, Default::default(), &mut |_| Ok(Vec::new()))
        .expect("the lines are fine");
    let table = CommandTable(TABLE);
    let renames = Renames::from_lines(table, &loaded.renames).expect("the commands exist");
    let mut world = World::with(|options| options.renames = renames);
    let id = world.connect();
    world.check(
        id,
        &[
            ("PUNG", "+PONG|"),
            ("PING", "-ERR unknown command 'PING', with args beginning with: |"),
            ("PONG", "-ERR unknown command 'PONG', with args beginning with: |"),
            ("ROLE", "-ERR unknown command 'ROLE', with args beginning with: |"),
            ("COMMAND COUNT", ":14|"),
        ],
    );
    for (text, reason) in [
        ("rename-command foo bar", "No such command in rename-command"),
        ("rename-command ping info", "Target command name already exists"),
        ("rename-command ping \"\"\nrename-command ping x", "No such command in rename-command"),
    ] {
        let loaded =
            crate::config::load("x", text.as_bytes(), &mut settings, Default::default(), &mut |_| {
                Ok(Vec::new())
            })
            .expect("the lines are fine");
        let error = Renames::from_lines(table, &loaded.renames).expect_err(text);
        assert_eq!(error.reason, reason);
    }
}

#[test]
fn strangers_and_crowds_are_kept_out() {
    let mut world = World::with(|options| {
        options.protected_mode = true;
        options.limits.maxclients = 2;
    });
    let stranger = world.connect_from("10.0.0.1");
    assert!(world.output(stranger).starts_with("-DENIED "));
    let (a, _b) = (world.connect(), world.connect_from("::1"));
    let c = world.connect();
    assert_eq!(world.output(c), "-ERR max number of clients reached|<closed>");
    assert_eq!(world.server.counters().rejected_connections, 2);
    world.server.closed(a);
    world.server.set_requirepass(Some(b"x"));
    let stranger = world.connect_from("10.0.0.1");
    assert_eq!(world.ask(stranger, "PING"), "-NOAUTH Authentication required.|");
}

#[test]
fn a_suspended_client_is_answered_in_order() {
    let mut world = World::with(|options| options.limits.query_buffer_bytes = 100);
    let id = world.connect();
    world.server.receive(world.now, id, b"ROLE\r\nPING\r\n");
    let call = world.next_call().expect("ROLE is the application's");
    world.server.suspend(call.client);
    assert_eq!(world.next_call(), None);
    assert_eq!(world.output(id), "");
    world.server.reply(id, &Reply::simple("late"));
    world.server.resume(id);
    world.run();
    assert_eq!(world.output(id), "+late|+PONG|");

    world.server.receive(world.now, id, b"ROLE\r\n");
    world.next_call().expect("ROLE is the application's");
    world.server.suspend(id);
    for _ in 0..16 {
        world.server.receive(world.now, id, b"PING\r\n");
    }
    assert!(world.server.is_connected(id));
    world.server.receive(world.now, id, b"PING\r\n");
    assert_eq!(world.output(id), "<closed>");
    assert_eq!(world.server.counters().query_buffer_limit_disconnections, 1);
}

#[test]
fn replies_wait_behind_one_that_is_held_and_requests_do_not() {
    let mut world = World::new();
    let id = world.connect();
    world.server.receive(world.now, id, b"ROLE\r\nPING\r\nROLE\r\nPING\r\n");
    world.next_call().expect("ROLE is the application's");
    let first = world.server.hold(id);
    world.next_call().expect("the second ROLE comes although the first has no reply");
    let second = world.server.hold(id);
    world.run();
    assert_eq!(world.output(id), "");
    world.server.reply_held(id, second, &Reply::simple("second"));
    assert_eq!(world.output(id), "", "the first comes first");
    world.server.reply_held(id, first, &Reply::simple("first"));
    assert_eq!(world.output(id), "+first|+PONG|+second|+PONG|");
    assert_eq!(world.ask(id, "PING"), "+PONG|", "nothing waits any more");
    world.server.reply_held(id, first, &Reply::simple("again"));
    assert_eq!(world.output(id), "", "a place is filled once");
}

#[test]
fn a_client_for_which_too_many_replies_are_held_is_not_read_on() {
    let mut world = World::new();
    let id = world.connect();
    let mut slots = Vec::new();
    world.server.receive(world.now, id, &b"ROLE\r\n".repeat(2_000));
    while world.next_call().is_some() {
        slots.push(world.server.hold(id));
    }
    assert_eq!(slots.len(), 1_024);
    world.server.reply_held(id, slots[0], &Reply::simple("go on"));
    assert!(world.next_call().is_some());
}

#[test]
fn a_client_for_which_too_many_bytes_are_held_is_not_read_on() {
    let mut world = World::new();
    let id = world.connect();
    let mut ping = b"*2\r\n$4\r\nPING\r\n$16384\r\n".to_vec();
    ping.resize(ping.len() + 16_384, b'x');
    ping.extend_from_slice(b"\r\n");
    world.server.receive(world.now, id, b"ROLE\r\n");
    world.next_call().expect("ROLE is the application's");
    let slot = world.server.hold(id);
    // Two megabytes of replies, then another call: it is reached only when the first reply is there.
    for _ in 0..128 {
        world.server.receive(world.now, id, &ping);
    }
    world.server.receive(world.now, id, b"ROLE\r\n");
    assert!(world.next_call().is_none(), "it is read on");
    assert_eq!(world.output(id), "");
    world.server.reply_held(id, slot, &Reply::simple("go on"));
    assert!(world.next_call().is_some());
    assert_eq!(world.output(id).matches('$').count(), 128, "nothing is lost");
}

#[test]
fn requests_of_all_clients_are_taken_in_turn() {
    let mut world = World::new();
    let (a, b) = (world.connect(), world.connect());
    world.server.receive(world.now, a, &b"ROLE\r\n".repeat(70));
    world.server.receive(world.now, b, b"ROLE\r\nROLE\r\n");
    let mut turns: Vec<(ClientId, usize)> = Vec::new();
    while let Some(call) = world.next_call() {
        match turns.last_mut() {
            Some((client, count)) if *client == call.client => *count += 1,
            _ => turns.push((call.client, 1)),
        }
    }
    assert_eq!(turns, [(a, 64), (b, 2), (a, 6)]);
}

#[test]
fn idle_clients_are_closed_but_listeners_are_not() {
    let mut world = World::with(|options| options.limits.timeout = Millis(10_000));
    let (idle, busy, listener) = (world.connect(), world.connect(), world.connect());
    world.ask(listener, "SUBSCRIBE a");
    let start = world.now;
    world.now = start + Millis(6_000);
    world.ask(busy, "PING");
    let deadline = world.server.next_deadline().expect("clients may become idle");
    assert_eq!((deadline.at, deadline.timer), (start + Millis(10_000), ServerTimer::Idle));
    world.server.wake(deadline.at);
    assert_eq!(world.output(idle), "<closed>");
    assert!(world.server.is_connected(busy) && world.server.is_connected(listener));
    let deadline = world.server.next_deadline().expect("two are left");
    assert_eq!(deadline.at, start + Millis(16_000));
    world.server.wake(deadline.at);
    assert!(!world.server.is_connected(busy) && world.server.is_connected(listener));
}

#[test]
fn a_pause_holds_requests_back_until_it_ends() {
    let mut world = World::new();
    let (a, b) = (world.connect(), world.connect());
    assert_eq!(world.ask(a, "CLIENT PAUSE 100 WRITE"), "+OK|");
    assert_eq!(world.ask(b, "PING"), "+PONG|");
    assert_eq!(world.ask(a, "CLIENT PAUSE 50"), "+OK|");
    assert_eq!(world.ask(b, "PING"), "");
    assert_eq!(world.ask(b, "NOSUCH"), "", "requests stay in order");
    assert_eq!(world.ask(a, "NOSUCH"), "-ERR unknown command 'NOSUCH', with args beginning with: |");
    let deadline = world.server.next_deadline().expect("the pause ends");
    assert_eq!((deadline.at, deadline.timer), (world.now + Millis(100), ServerTimer::Pause));
    world.now = deadline.at;
    world.server.wake(world.now);
    world.run();
    assert_eq!(world.output(b), "+PONG|-ERR unknown command 'NOSUCH', with args beginning with: |");
    assert_eq!(world.server.next_deadline(), None);
}

#[test]
fn info_sections_count_what_happened() {
    let mut world = World::new();
    let id = world.connect();
    world.ask(id, "PING");
    world.ask(id, "NOSUCH");
    let host = HostInfo {
        os: "Linux 6 x86_64".into(),
        listeners: vec![Listener {
            name: "tcp".into(),
            binds: vec!["*".into(), "-::*".into()],
            port: Some(26379),
        }],
        cpu: CpuMicros { sys: 1_500_000, user: 42, ..CpuMicros::default() },
        ..HostInfo::default()
    };
    let server = world.server.info_server(world.now + Millis(90_000_000), &host, 10);
    for line in [
        "# Server\r\nredis_version:7.4.0\r\n",
        "\r\nredis_mode:sentinel\r\n",
        "\r\ntcp_port:26379\r\n",
        "\r\nuptime_in_seconds:90000\r\nuptime_in_days:1\r\n",
        "\r\nserver_time_usec:1700090000000000\r\n",
        "\r\nlistener0:name=tcp,bind=*,bind=-::*,port=26379\r\n",
    ] {
        assert!(server.contains(line), "{line} in {server}");
    }
    let clients = world.server.info_clients();
    assert!(
        clients
            .starts_with("# Clients\r\nconnected_clients:1\r\ncluster_connections:0\r\nmaxclients:10000\r\n")
    );
    let stats = world.server.info_stats(world.now);
    for line in ["total_connections_received:1", "total_commands_processed:1", "total_error_replies:1"] {
        assert!(stats.contains(&format!("\r\n{line}\r\n")), "{line} in {stats}");
    }
    assert!(stats.contains("\r\ntotal_net_input_bytes:30\r\n"), "{stats}");
    assert_eq!(
        world.server.info_cpu(&host),
        "# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:0.000042\r\nused_cpu_sys_children:0.000000\r\nused_cpu_user_children:0.000000\r\nused_cpu_sys_main_thread:0.000000\r\nused_cpu_user_main_thread:0.000000\r\n"
    );
}
