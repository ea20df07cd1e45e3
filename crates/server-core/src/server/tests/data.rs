//! What a data server has besides: shard channels, PUBSUB, MONITOR, RESET.

use super::*;

static DATA_TABLE: &[CommandSpec] = &[
    generic::ACL,
    generic::AUTH,
    generic::data::CLIENT_WITH_NO_TOUCH,
    CommandSpec::new("config", -2, Flags::NONE, Categories::ADMIN, Docs::NONE)
        .with_subcommands(&[CommandSpec::new("set", -4, Flags::NONE, Categories::ADMIN, Docs::NONE)]),
    generic::data::ECHO,
    CommandSpec::new("exec", 1, Flags::NONE, Categories::TRANSACTION, Docs::NONE),
    CommandSpec::new("get", 2, Flags::READONLY.and(Flags::FAST), Categories::READ, Docs::NONE),
    generic::HELLO,
    generic::data::MONITOR,
    generic::PING,
    generic::PSUBSCRIBE,
    generic::data::PUBLISH_TO_REPLICAS,
    generic::data::PUBSUB,
    generic::data::QUIT,
    generic::data::RESET,
    generic::data::SPUBLISH,
    generic::data::SSUBSCRIBE,
    generic::SUBSCRIBE,
    generic::data::SUNSUBSCRIBE,
];

fn world() -> World {
    World::with_table(DATA_TABLE, |_| {})
}

#[test]
fn shard_channels_are_a_world_of_their_own() {
    let mut world = world();
    let (id, other) = (world.connect(), world.connect());
    world.check(
        id,
        &[
            ("SUBSCRIBE x", "*3|$9|subscribe|$1|x|:1|"),
            ("SSUBSCRIBE x y", "*3|$10|ssubscribe|$1|x|:1|*3|$10|ssubscribe|$1|y|:2|"),
            ("SUNSUBSCRIBE y", "*3|$12|sunsubscribe|$1|y|:1|"),
        ],
    );
    world.check(
        other,
        &[
            ("PUBSUB CHANNELS", "*1|$1|x|"),
            ("PUBSUB CHANNELS y*", "*0|"),
            ("PUBSUB NUMSUB x y", "*4|$1|x|:1|$1|y|:0|"),
            ("PUBSUB NUMPAT", ":0|"),
            ("PSUBSCRIBE *", "*3|$10|psubscribe|$1|*|:1|"),
        ],
    );
    let third = world.connect();
    world.check(
        third,
        &[
            ("PUBSUB NUMPAT", ":1|"),
            ("PUBSUB SHARDCHANNELS", "*1|$1|x|"),
            ("PUBSUB SHARDNUMSUB x y", "*4|$1|x|:1|$1|y|:0|"),
            (
                "PUBSUB CHANNELS a b",
                "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.|",
            ),
        ],
    );
    assert_eq!(world.server.publish_to_shard(b"x", b"m"), 1);
    assert_eq!(world.output(id), "*3|$8|smessage|$1|x|$1|m|");
    assert_eq!(world.server.publish(b"x", b"m"), 2);
    assert!(world.ask(third, "CLIENT LIST ID 3").contains(" flags=P db=0 sub=1 psub=0 ssub=1 "));
    world.server.closed(id);
    world.check(third, &[("PUBSUB SHARDCHANNELS", "*0|"), ("PUBSUB CHANNELS", "*0|")]);
}

#[test]
fn a_listener_may_quit_and_reset() {
    let mut world = world();
    let id = world.connect();
    world.ask(id, "SSUBSCRIBE x");
    world.check(
        id,
        &[
            (
                "GET k",
                "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context|",
            ),
            ("PING", "*2|$4|pong|$0||"),
            ("QUIT", "+OK|<closed>"),
        ],
    );
    assert!(!world.server.is_connected(id));
}

#[test]
fn reset_makes_a_connection_like_new() {
    let mut world = world();
    let id = world.connect();
    world.ask(id, "ACL SETUSER u on nopass +@all ~* &*");
    for line in
        ["HELLO 3 AUTH u x SETNAME me", "SSUBSCRIBE x", "MONITOR", "CLIENT NO-EVICT on", "CLIENT NO-TOUCH on"]
    {
        world.ask(id, line);
    }
    world.server.begin_multi(id);
    world.server.facts_mut(id).expect("it is there").db = 9;
    assert!(world.server.reset(id));
    assert_eq!(world.output(id), "+RESET|");
    let info = world.ask(id, "CLIENT INFO");
    assert!(
        info.contains(" name= ") && info.contains(" user=default ") && info.contains(" resp=2 "),
        "{info}"
    );
    assert!(info.contains(" flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 "), "{info}");
    assert_eq!(world.server.publish_to_shard(b"x", b"m"), 0);
    world.server.facts_mut(id).expect("it is there").link = ReplicationLink::Replica;
    assert!(!world.server.reset(id));
    assert_eq!(world.output(id), "-ERR can only reset normal client connections|");
}

#[test]
fn monitors_see_requests_without_secrets() {
    let mut world = world();
    let (id, monitor) = (world.connect(), world.connect());
    world.check(monitor, &[("MONITOR", "+OK|"), ("MONITOR", "")]);
    assert!(world.ask(monitor, "CLIENT INFO").contains(" flags=O "));
    let seen = |world: &mut World, line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        world.server.receive(world.now, id, &request(&words));
        world.run();
        world.output(monitor)
    };
    for (line, shown) in [
        ("GET a\u{1}\"b", r#""GET" "a\x01\"b""#),
        ("ECHO x", r#""ECHO" "x""#),
        ("AUTH u pw", r#""AUTH" "(redacted)" "(redacted)""#),
        ("HELLO 3 AUTH u pw SETNAME n", r#""HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "n""#),
        (
            "CONFIG SET maxclients 9 requirepass pw",
            r#""CONFIG" "SET" "maxclients" "9" "requirepass" "(redacted)""#,
        ),
    ] {
        let line = seen(&mut world, line);
        assert_eq!(line, format!("+1700000000.000000 [0 127.0.0.1:40003] {shown}|"));
    }
    // What administrators do is not shown, and neither is what is not run.
    assert_eq!(seen(&mut world, "CLIENT LIST"), "");
    assert_eq!(seen(&mut world, "NOSUCH x"), "");
    world.server.closed(monitor);
    assert_eq!(seen(&mut world, "PING"), "");
}

#[test]
fn monitors_see_exec_behind_what_it_runs() {
    let mut world = world();
    let (id, monitor) = (world.connect(), world.connect());
    world.ask(monitor, "MONITOR");
    world.server.begin_multi(id);
    world.server.receive(world.now, id, b"ECHO x\r\nEXEC\r\n");
    let exec = world.next_call().expect("it is the application's");
    assert_eq!(exec.command.full_name(), "exec");
    for queued in world.server.take_multi(id).expect("it is there").queued {
        assert_eq!(world.server.run_queued(queued), None);
    }
    let shown = world.output(monitor);
    assert!(shown.ends_with(r#"] "EXEC"|"#) && shown.contains(r#"] "ECHO" "x"|+17"#), "{shown}");
}
