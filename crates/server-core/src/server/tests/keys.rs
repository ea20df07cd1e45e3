//! Keys: who may use them, and what `COMMAND` tells about them.

use super::*;
use crate::keys::Keys;

const fn command(name: &'static str, arity: i32, flags: Flags, keys: Keys) -> CommandSpec {
    CommandSpec::new(name, arity, flags, Categories::KEYSPACE, Docs::NONE).with_keys(keys)
}

static DATA_TABLE: &[CommandSpec] = &[
    generic::ACL,
    generic::AUTH,
    generic::CLIENT,
    command("blpop", -3, Flags::WRITE, Keys::AllButLast(1)),
    generic::COMMAND,
    command("copy", -3, Flags::WRITE, Keys::Two(1)),
    command("del", -2, Flags::WRITE, Keys::AllFrom(1)),
    command("eval", -3, Flags::NOSCRIPT, Keys::MaybeCounted(2)),
    command("exists", -2, Flags::READONLY, Keys::AllFrom(1)),
    command("get", 2, Flags::READONLY, Keys::One(1)),
    command("object", -2, Flags::NONE, Keys::One(2)).with_subcommands(&[
        CommandSpec::new("encoding", 3, Flags::READONLY, Categories::KEYSPACE, Docs::NONE),
        CommandSpec::new("help", 2, Flags::NONE, Categories::KEYSPACE, Docs::NONE),
    ]),
    generic::PING,
    command("scan", -2, Flags::READONLY, Keys::Arbitrary),
    command("set", -3, Flags::WRITE, Keys::One(1)),
    command("sort", -2, Flags::WRITE, Keys::SortStore),
    command("zunionstore", -4, Flags::WRITE, Keys::StoreCounted),
];

#[test]
fn a_server_with_keys_tracks_none() {
    let mut world = World::with_table(DATA_TABLE, |_| {});
    let id = world.connect();
    world.check(
        id,
        &[
            ("CLIENT TRACKING on", "-ERR CLIENT TRACKING is not supported by this server|"),
            ("CLIENT TRACKING off", "+OK|"),
            ("CLIENT GETREDIR", ":-1|"),
        ],
    );
}

fn dryrun(world: &mut World, id: ClientId, line: &str) -> String {
    let answer = world.ask(id, &format!("ACL DRYRUN u {line}"));
    match answer.as_str() {
        "+OK|" => "ok".into(),
        denied => denied.split('\'').nth(1).map_or_else(|| answer.clone(), Into::into),
    }
}

#[test]
fn patterns_allow_reading_and_writing_apart() {
    let mut world = World::with_table(DATA_TABLE, |_| {});
    let id = world.connect();
    world.check(id, &[("ACL SETUSER u on nopass +@all ~both* %R~in* %W~out*", "+OK|")]);
    for (line, denied) in [
        ("get both1", "ok"),
        ("get in1", "ok"),
        ("get out1", "out1"),
        ("get else", "else"),
        ("set out1 v", "ok"),
        ("set in1 v", "in1"),
        ("set out1 v GET", "out1"),
        ("set both v GET", "ok"),
        ("del out1 both2 in3 in4", "in3"),
        // It tells nothing of what is in the key.
        ("exists out1", "ok"),
        ("exists else", "else"),
        ("object encoding in1", "ok"),
        ("object encoding x", "x"),
        ("object help", "ok"),
        ("copy in1 out1", "ok"),
        ("copy out1 out2", "out1"),
        ("copy in1 in2", "in2"),
        ("blpop both1 both2 0", "ok"),
        ("blpop both1 out 0", "out"),
        ("sort in1", "ok"),
        ("sort in1 limit 0 1 store in2", "in2"),
        ("zunionstore out1 2 in1 in2", "ok"),
        ("zunionstore out1 2 in1 out2", "out2"),
        // That the words are wrong is for the command to say.
        ("zunionstore out1 9 in1 out2", "ok"),
        ("scan 0", "ok"),
    ] {
        assert_eq!(dryrun(&mut world, id, line), denied, "{line}");
    }
    let text = "$50|User u has no permissions to access the 'else' key|";
    world.check(id, &[("ACL DRYRUN u get else", text)]);
}

#[test]
fn one_selector_has_to_allow_it_all() {
    let mut world = World::with_table(DATA_TABLE, |_| {});
    let id = world.connect();
    world.check(id, &[("ACL SETUSER u on nopass +get ~a* (+set ~b*) (+copy ~a* ~c*)", "+OK|")]);
    for (line, denied) in [
        ("get a", "ok"),
        ("get b", "b"),
        ("set b v", "ok"),
        ("set a v", "a"),
        ("copy a c", "ok"),
        // The selector that comes furthest explains the refusal.
        ("copy a b", "b"),
        ("copy b a", "b"),
        ("del a", "del"),
    ] {
        assert_eq!(dryrun(&mut world, id, line), denied, "{line}");
    }
}

#[test]
fn a_refused_key_is_logged() {
    let mut world = World::with_table(DATA_TABLE, |_| {});
    let (id, user) = (world.connect(), world.connect());
    world.check(id, &[("ACL SETUSER u on nopass +@all ~a", "+OK|")]);
    world.check(user, &[("AUTH u x", "+OK|"), ("GET a", "+ran get GET,a|")]);
    world.check(user, &[("GET secret", "-NOPERM No permissions to access a key|")]);
    let log = world.ask(id, "ACL LOG");
    let entry = "$6|reason|$3|key|$7|context|$8|toplevel|$6|object|$6|secret|$8|username|$1|u|";
    assert!(log.contains(entry), "{log}");
    world.check(id, &[("ACL LOG RESET", "+OK|")]);
    world.server.begin_multi(user);
    world.check(user, &[("GET secret", "-NOPERM No permissions to access a key|")]);
    let log = world.ask(id, "ACL LOG");
    assert!(log.contains("$7|context|$5|multi|"), "{log}");
    assert_eq!(world.server.counters().acl_denied_key, 2);
}

#[test]
fn command_tells_keys() {
    let mut world = World::with_table(DATA_TABLE, |_| {});
    let id = world.connect();
    world.check(
        id,
        &[
            ("COMMAND GETKEYS DEL a b", "*2|$1|a|$1|b|"),
            ("COMMAND GETKEYS ZUNIONSTORE d 2 a b WEIGHTS 1 2", "*3|$1|d|$1|a|$1|b|"),
            ("COMMAND GETKEYS ZUNIONSTORE d 3 a b", "-ERR Invalid arguments specified for command|"),
            ("COMMAND GETKEYS EVAL script 1 k arg", "*1|$1|k|"),
            ("COMMAND GETKEYS EVAL script 0", "*0|"),
            ("COMMAND GETKEYS OBJECT ENCODING k", "*1|$1|k|"),
            ("COMMAND GETKEYS PING", "-ERR The command has no key arguments|"),
            ("COMMAND GETKEYS SCAN 0", "-ERR The command has no key arguments|"),
            ("COMMAND GETKEYS GET a b", "-ERR Invalid number of arguments specified for command|"),
            ("COMMAND GETKEYS NOSUCH a", "-ERR Invalid command specified|"),
            ("COMMAND GETKEYSANDFLAGS SET k v", "*1|*2|$1|k|*2|+OW|+update|"),
            ("COMMAND GETKEYSANDFLAGS SORT k STORE d", "*2|*2|$1|k|*2|+RO|+access|*2|$1|d|*2|+OW|+update|"),
            (
                "COMMAND INFO GET",
                "*1|*10|$3|get|:2|*1|+readonly|:1|:1|:1|*1|+@keyspace|*0|*1|*6|$5|flags|*2|+RO|+access|\
                 $12|begin_search|*4|$4|type|$5|index|$4|spec|*2|$5|index|:1|\
                 $9|find_keys|*4|$4|type|$5|range|$4|spec|*6|$7|lastkey|:0|$7|keystep|:1|$5|limit|:0|*0|",
            ),
        ],
    );
    let info = |world: &mut World, name: &str| world.ask(id, &format!("COMMAND INFO {name}"));
    assert!(info(&mut world, "blpop").contains("|:1|:-2|:1|"));
    assert!(info(&mut world, "zunionstore").contains("|*2|+write|+movablekeys|:1|:1|:1|"));
    assert!(info(&mut world, "object|encoding").contains("|:3|*1|+readonly|:2|:2|:1|"));
    assert!(info(&mut world, "object|help").contains("|:2|*0|:0|:0|:0|"));
}
