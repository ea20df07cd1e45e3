//! What operators set and see: directives at run time, figures, and what is refused.

mod world;

use picket_resp::Reply;
use picket_sansio::Millis;
use world::World;

#[test]
fn where_files_are_is_changed_only_where_that_is_allowed() {
    let refused = |name: &str, reason: &str| {
        Reply::error(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
    };
    for (allowed, is_allowed) in [("no", false), ("local", true), ("yes", true)] {
        let mut world = World::new();
        world.add(&[("enable-protected-configs", allowed)]);
        let shown = |world: &mut World, name: &str| match world.run(0, &format!("CONFIG GET {name}")) {
            Reply::Array(words) => words[1].as_str().expect("text").to_owned(),
            other => panic!("{other:?}"),
        };
        if !is_allowed {
            for (name, value) in [("dir", "/data"), ("dir", "/"), ("dbfilename", "other.rdb")] {
                let reply = world.run(0, &format!("CONFIG SET {name} {value}"));
                assert_eq!(reply, refused(name, "can't set protected config"));
            }
            assert_eq!(
                (shown(&mut world, "dir"), shown(&mut world, "dbfilename")),
                ("/".into(), "dump.rdb".into())
            );
            continue;
        }
        // All or none.
        let reply = world.run(0, "CONFIG SET dbfilename other.rdb dir /none");
        assert_eq!(reply, refused("dir", "No such file or directory"));
        let reply = world.run(0, "CONFIG SET dir /data dbfilename a/b");
        assert_eq!(reply, refused("dbfilename", "dbfilename can't be a path, just a filename"));
        assert_eq!(
            (shown(&mut world, "dir"), shown(&mut world, "dbfilename")),
            ("/".into(), "dump.rdb".into())
        );
        assert_eq!(world.run(0, "CONFIG SET dbfilename other.rdb dir /data timeout 7"), Reply::ok());
        assert_eq!((shown(&mut world, "dir"), shown(&mut world, "timeout")), ("/data".into(), "7".into()));
        world.run(0, "SET a 1");
        assert_eq!(world.run(0, "SAVE"), Reply::ok());
        assert_eq!(world.nodes[0].disk.keys().collect::<Vec<_>>(), ["other.rdb"]);
        // In its place among the answers of a transaction.
        let client = world.client(0);
        for line in ["MULTI", "CONFIG SET dir /again", "PING"] {
            world.ask(0, client, line);
        }
        assert_eq!(world.ask(0, client, "EXEC"), Reply::array([Reply::ok(), Reply::simple("PONG")]));
        assert_eq!(shown(&mut world, "dir"), "/again");
    }
}

#[test]
fn what_cannot_be_told_truly_is_refused_by_name() {
    let mut world = World::new();
    world.add(&[]);
    for line in ["SLOWLOG GET", "SLOWLOG LEN", "LATENCY LATEST", "LATENCY RESET"] {
        let reply = world.run(0, line);
        assert!(
            reply.as_error().is_some_and(|text| text.starts_with(b"ERR Picket does not measure")),
            "{reply:?}"
        );
    }
    // Tools that set or read the directives go on.
    for name in ["slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold"] {
        assert_eq!(world.run(0, &format!("CONFIG SET {name} 5")), Reply::ok());
        let expected = Reply::array([Reply::bulk(name.to_owned()), Reply::bulk("5")]);
        assert_eq!(world.run(0, &format!("CONFIG GET {name}")), expected);
        assert!(!picket_node_core::honours(name), "it has no effect, and the log says so");
    }
}

#[test]
fn a_load_may_be_slowed_down() {
    for load in ["disabled", "swapdb"] {
        let mut world = pair(load);
        for number in 0..200 {
            world.run(0, &format!("SET key:{number} {number}"));
        }
        world.run(1, "REPLICAOF NO ONE");
        world.run(1, "FLUSHALL");
        world.run(1, "CONFIG SET key-load-delay 500");
        world.run(1, "REPLICAOF node 0");
        world.until_info(1, "loading", "1");
        let before = world.now;
        world.until_info(1, "loading", "0");
        // Two in a millisecond.
        assert!(world.now.since(before) >= Millis(90), "{load}");
        world.until_info(1, "master_link_status", "up");
        assert_eq!(world.run(1, "DBSIZE"), Reply::Integer(200));
    }
    // At the start, and given up in the middle.
    let mut world = World::new();
    world.add(&[("key-load-delay", "20000"), ("save", "3600 1")]);
    for number in 0..20 {
        world.run(0, &format!("SET key:{number} {number}"));
    }
    assert_eq!(world.run(0, "SAVE"), Reply::ok());
    for is_first in [true, false] {
        world.kill(0);
        let before = world.now;
        world.start(0);
        assert_eq!(world.info(0, "loading"), "1");
        if is_first {
            world.pass(Millis(100));
            let client = world.client(0);
            world.send(0, client, "SHUTDOWN NOSAVE");
            world.until("the end", |world| world.nodes[0].exit == Some(0));
            continue;
        }
        world.until_info(0, "loading", "0");
        assert!(world.now.since(before) >= Millis(20 * 20));
        assert_eq!(world.run(0, "DBSIZE"), Reply::Integer(20));
    }
}

#[test]
fn time_does_not_go_back_after_debug_sleep() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    let mut bytes = bytes::BytesMut::new();
    for line in ["SET k v PX 300", "DEBUG SLEEP 0.5", "GET k", "PTTL k", "TIME"] {
        let words: Vec<&str> = line.split(' ').collect();
        picket_resp::append_command(&mut bytes, &words);
    }
    world.input(0, picket_node_core::NodeInput::ClientData { client, bytes: &bytes });
    let replies: Vec<Reply> = (0..5).filter_map(|_| world.reply(0, client)).collect();
    assert_eq!(replies[..3], [Reply::ok(), Reply::ok(), Reply::Null]);
    assert_eq!(replies[3], Reply::Integer(-2));
    // This host did not wait, so that its clock is behind.
    let (Reply::Array(before), Reply::Array(after)) = (&replies[4], &world.run(0, "TIME")) else {
        panic!("{replies:?}")
    };
    let micros = |words: &[Reply]| -> Vec<u64> {
        words.iter().map(|word| word.as_str().and_then(|word| word.parse().ok()).expect("a number")).collect()
    };
    assert!(micros(before) <= micros(after), "{before:?} {after:?}");
}

/// Fields of INFO memory.
fn memory(world: &mut World) -> impl Fn(&str) -> u64 + use<> {
    let reply = world.run(0, "INFO memory");
    let text = reply.as_str().expect("text").to_owned();
    move |field| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {field} in {text}"))
    }
}

#[test]
fn used_memory_has_all_that_is_kept() {
    let mut world = World::new();
    world.add(&[]);
    let client = world.client(0);
    let long = "x".repeat(10_000);
    let mut raw = bytes::BytesMut::new();
    picket_resp::append_command(&mut raw, &["FUNCTION", "LOAD", &format!("#!lua name=lib\n{long}")]);
    let mut before = memory(&mut world);
    for (line, field) in [
        (format!("SET key {long}"), "used_memory_dataset"),
        (format!("SCRIPT LOAD {long}"), "used_memory_scripts_eval"),
        (String::new(), "used_memory_functions"),
        (format!("WATCH {long}"), "used_memory_overhead"),
        (format!("PSUBSCRIBE {long}"), "mem_clients_normal"),
    ] {
        if line.is_empty() {
            world.input(0, picket_node_core::NodeInput::ClientData { client, bytes: &raw });
        } else {
            world.send(0, client, &line);
        }
        assert!(world.reply(0, client).is_some_and(|reply| !reply.is_error()));
        let after = memory(&mut world);
        for field in [field, "used_memory"] {
            let grown = after(field) - before(field);
            assert!(
                (10_000..14_000).contains(&grown),
                "{field} {grown} after {}",
                &line[..line.len().min(20)]
            );
        }
        assert_eq!(after("used_memory"), after("used_memory_overhead") + after("used_memory_dataset"));
        before = after;
    }
    let full = before("used_memory");
    // A request that is not complete is somebody's too.
    world.input(0, picket_node_core::NodeInput::ClientData { client, bytes: &raw[..9000] });
    assert!(memory(&mut world)("mem_clients_normal") > before("mem_clients_normal") + 8000);
    world.input(0, picket_node_core::NodeInput::ClientGone { client });
    assert!(memory(&mut world)("used_memory") < full - 20_000);
    for line in ["SCRIPT FLUSH", "FUNCTION FLUSH", "DEL key"] {
        world.run(0, line);
    }
    assert_eq!(memory(&mut world)("used_memory_dataset"), 0);
}

#[test]
fn scripts_count_for_maxmemory() {
    let mut world = World::new();
    world.add(&[("maxmemory", "100000")]);
    assert_eq!(world.run(0, "SET a 1"), Reply::ok());
    world.run(0, &format!("SCRIPT LOAD {}", "x".repeat(200_000)));
    assert!(world.run(0, "SET b 1").as_error().is_some_and(|text| text.starts_with(b"OOM ")));
    world.run(0, "SCRIPT FLUSH");
    assert_eq!(world.run(0, "SET b 1"), Reply::ok());
}

/// A node that follows another one.
fn pair(load: &str) -> World {
    let mut world = World::new();
    world.add(&[]);
    world.add(&[("repl-diskless-load", load)]);
    assert_eq!(world.run(1, "REPLICAOF node 0"), Reply::ok());
    world.until_info(1, "master_link_status", "up");
    world
}
