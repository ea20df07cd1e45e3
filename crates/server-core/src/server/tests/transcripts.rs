//! What the generic commands answer. Texts are those that redis-sentinel gives (7.0.15 and a snapshot
//! of October 2024).

use super::*;

#[test]
fn generic_errors_have_redis_words() {
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: |"),
            ("NOSUCH a b c", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' 'c' |"),
            ("CLIENT", "-ERR wrong number of arguments for 'client' command|"),
            ("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.|"),
            ("CLIENT NO-TOUCH on", "-ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.|"),
            ("sentinel set x", "-ERR wrong number of arguments for 'sentinel|set' command|"),
            ("SENTINEL Masters", "+ran sentinel|masters SENTINEL,Masters|"),
            ("role", "+ran role role|"),
            ("PING", "+PONG|"),
            ("PING hi", "$2|hi|"),
            ("PING a b", "-ERR wrong number of arguments for 'ping' command|"),
            ("AUTH", "-ERR wrong number of arguments for 'auth' command|"),
        ],
    );
    let long = [vec!["x".repeat(200), "y".repeat(100), "z".repeat(100), "w".to_string()]].concat();
    let expected = format!(
        "-ERR unknown command '{}', with args beginning with: '{}' '{}' |",
        "x".repeat(128),
        "y".repeat(100),
        "z".repeat(25)
    );
    assert_eq!(world.raw(id, &request(&long)), expected);
    assert_eq!(
        world.raw(id, &request(&["x\r\ny", "a\nb"])),
        "-ERR unknown command 'x  y', with args beginning with: 'a b' |"
    );
}

#[test]
fn hello_introduces_the_server() {
    let mut world = World::new();
    let id = world.connect();
    let fields =
        "$6|server|$5|redis|$7|version|$5|7.4.0|$5|proto|:P|$2|id|:3|$4|mode|$8|sentinel|$7|modules|*0|";
    let map2 = format!("*12|{}", fields.replace(":P", ":2"));
    let map3 = format!("%6|{}", fields.replace(":P", ":3"));
    world.check(
        id,
        &[
            ("HELLO", &map2),
            ("HELLO 4", "-NOPROTO unsupported protocol version|"),
            ("HELLO x", "-ERR Protocol version is not an integer or out of range|"),
            ("HELLO 2 FOO", "-ERR Syntax error in HELLO option 'FOO'|"),
            ("HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'|"),
            (
                "HELLO 2 SETNAME a_b",
                "-ERR Client names cannot contain spaces, newlines or special characters.|",
            ),
            ("HELLO 2 AUTH nouser x", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("HELLO 3 SETNAME bar", &map3),
            ("CLIENT GETNAME", "$3|bar|"),
            ("CLIENT TRACKINGINFO", "%3|$5|flags|~1|$3|off|$8|redirect|:-1|$8|prefixes|*0|"),
            ("SUBSCRIBE a", ">3|$9|subscribe|$1|a|:1|"),
            ("PING", "+PONG|"),
            ("UNSUBSCRIBE", ">3|$11|unsubscribe|$1|a|:0|"),
            ("UNSUBSCRIBE", ">3|$11|unsubscribe|_|:0|"),
            ("HELLO 2", &map2),
        ],
    );
}

#[test]
fn client_answers_as_a_sentinel() {
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("CLIENT ID", ":3|"),
            ("CLIENT GETNAME", "$-1|"),
            ("CLIENT SETNAME a|b", "+OK|"),
            ("CLIENT SETNAME a_b", "-ERR Client names cannot contain spaces, newlines or special characters.|"),
            ("CLIENT LIST TYPE bogus", "-ERR Unknown client type 'bogus'|"),
            ("CLIENT LIST ID x", "-ERR Invalid client ID|"),
            ("CLIENT LIST ID 0", "$0||"),
            ("CLIENT LIST FOO", "-ERR syntax error|"),
            ("CLIENT LIST TYPE", "-ERR syntax error|"),
            ("CLIENT LIST TYPE pubsub", "$0||"),
            ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command|"),
            ("CLIENT KILL 1.1.1.1:1", "-ERR No such client|"),
            ("CLIENT KILL ID", "-ERR No such client|"),
            ("CLIENT KILL ID 999", ":0|"),
            ("CLIENT KILL ID x", "-ERR client-id should be greater than 0|"),
            ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0|"),
            ("CLIENT KILL TYPE bogus", "-ERR Unknown client type 'bogus'|"),
            ("CLIENT KILL USER nouser", "-ERR No such user 'nouser'|"),
            ("CLIENT KILL FOO bar", "-ERR syntax error|"),
            ("CLIENT KILL ID 3 SKIPME maybe", "-ERR syntax error|"),
            ("CLIENT KILL ADDR 1:1 SKIPME", "-ERR syntax error|"),
            ("CLIENT KILL MAXAGE x", "-ERR maxage is not an integer or out of range|"),
            ("CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0|"),
            ("CLIENT KILL MAXAGE 100", ":0|"),
            ("CLIENT KILL LADDR 1:1 USER default SKIPME no", ":0|"),
            ("CLIENT REPLY bogus", "-ERR syntax error|"),
            ("CLIENT NO-EVICT on", "+OK|"),
            ("CLIENT NO-EVICT off", "+OK|"),
            ("CLIENT NO-EVICT x", "-ERR syntax error|"),
            ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range|"),
            ("CLIENT PAUSE -1", "-ERR timeout is negative|"),
            ("CLIENT PAUSE 10 bogus", "-ERR CLIENT PAUSE mode must be WRITE or ALL|"),
            (
                "CLIENT PAUSE 1 a b",
                "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.|",
            ),
            ("CLIENT PAUSE 99999999999999999999", "-ERR timeout is not an integer or out of range|"),
            ("CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range|"),
            ("CLIENT UNPAUSE", "+OK|"),
            ("CLIENT SETINFO lib-name x", "+OK|"),
            ("CLIENT SETINFO lib-ver 1.2", "+OK|"),
            ("CLIENT SETINFO foo 1", "-ERR Unrecognized option 'foo'|"),
            ("CLIENT SETINFO lib-name a_b", "-ERR lib-name cannot contain spaces, newlines or special characters.|"),
            ("CLIENT SETINFO lib-name a b", "-ERR wrong number of arguments for 'client|setinfo' command|"),
            ("CLIENT TRACKING x", "-ERR syntax error|"),
            ("CLIENT TRACKING on", "+OK|"),
            ("CLIENT TRACKING off", "+OK|"),
            ("CLIENT TRACKING on REDIRECT 9999", "-ERR The client ID you want redirect to does not exist|"),
            ("CLIENT CACHING yes", "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled|"),
            ("CLIENT TRACKING on BCAST", "+OK|"),
            ("CLIENT TRACKING on PREFIX a", "-ERR PREFIX option requires BCAST mode to be enabled|"),
            (
                "CLIENT TRACKING on NOLOOP",
                "-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.|",
            ),
            ("CLIENT TRACKINGINFO", "*6|$5|flags|*2|$2|on|$5|bcast|$8|redirect|:0|$8|prefixes|*1|$0||"),
            ("CLIENT GETREDIR", ":0|"),
            ("CLIENT CACHING yes", "-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.|"),
            ("CLIENT TRACKING off", "+OK|"),
            ("CLIENT GETREDIR", ":-1|"),
            ("CLIENT UNBLOCK 999", ":0|"),
            ("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range|"),
            ("CLIENT UNBLOCK 1 foo", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR|"),
        ],
    );
    world.now = Time(9_000_000);
    let info = world.ask(id, "CLIENT INFO");
    assert_eq!(
        info.split_once('|').expect("a bulk string").1,
        "id=3 addr=127.0.0.1:40003 laddr=127.0.0.1:26379 fd=12 name=a|b age=4 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=10 events=r cmd=client|info user=default redir=-1 resp=2 lib-name=x lib-ver=1.2/|"
    );
    assert!(
        world
            .ask(id, "CLIENT HELP")
            .contains("|+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:|")
    );
}

#[test]
fn a_resp2_subscriber_may_only_listen() {
    const REFUSED: &str =
        "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context|";
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("SUBSCRIBE a b", "*3|$9|subscribe|$1|a|:1|*3|$9|subscribe|$1|b|:2|"),
            ("PING", "*2|$4|pong|$0||"),
            ("PING x", "*2|$4|pong|$1|x|"),
            ("INFO", &format!("-ERR Can't execute 'info': {REFUSED}")),
            ("HELLO", &format!("-ERR Can't execute 'hello': {REFUSED}")),
            ("CLIENT ID", &format!("-ERR Can't execute 'client|id': {REFUSED}")),
            ("SUBSCRIBE", "-ERR wrong number of arguments for 'subscribe' command|"),
            ("UNSUBSCRIBE a", "*3|$11|unsubscribe|$1|a|:1|"),
            ("PSUBSCRIBE x*", "*3|$10|psubscribe|$2|x*|:2|"),
            ("PUBLISH a b", &format!("-ERR Can't execute 'publish': {REFUSED}")),
            ("UNSUBSCRIBE", "*3|$11|unsubscribe|$1|b|:1|"),
        ],
    );
    assert_eq!(world.server.publish(b"x1", b"hi"), 1);
    assert_eq!(world.output(id), "*4|$8|pmessage|$2|x*|$2|x1|$2|hi|");
    world.check(
        id,
        &[
            ("PUNSUBSCRIBE", "*3|$12|punsubscribe|$2|x*|:0|"),
            ("UNSUBSCRIBE", "*3|$11|unsubscribe|$-1|:0|"),
            ("UNSUBSCRIBE q", "*3|$11|unsubscribe|$1|q|:0|"),
            ("PUNSUBSCRIBE", "*3|$12|punsubscribe|$-1|:0|"),
            ("ROLE", "+ran role ROLE|"),
        ],
    );
    assert_eq!(world.server.publish(b"x1", b"hi"), 0);
    assert_eq!(world.server.subscribed(), (0, 0));
}

#[test]
fn command_describes_the_table() {
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("COMMAND COUNT", ":15|"),
            ("COMMAND LIST FILTERBY PATTERN p*", "*4|$4|ping|$10|psubscribe|$7|publish|$12|punsubscribe|"),
            ("COMMAND LIST FILTERBY PATTERN CLIENT|I*", "*2|$9|client|id|$11|client|info|"),
            ("COMMAND LIST FILTERBY ACLCAT nosuch", "*0|"),
            ("COMMAND LIST FILTERBY MODULE x", "*0|"),
            ("COMMAND LIST FILTERBY", "-ERR syntax error|"),
            ("COMMAND LIST FILTERBY foo x", "-ERR syntax error|"),
            (
                "COMMAND INFO ping nosuch client|id client|nosuch",
                "*4|*10|$4|ping|:-1|*1|+fast|:0|:0|:0|*2|+@fast|+@connection|*2|$25|request_policy:all_shards|$29|response_policy:all_succeeded|*0|*0|$-1|*10|$9|client|id|:2|*3|+noscript|+loading|+stale|:0|:0|:0|*2|+@slow|+@connection|*0|*0|*0|$-1|",
            ),
            ("COMMAND DOCS nosuch", "*0|"),
            ("COMMAND GETKEYS ping", "-ERR The command has no key arguments|"),
            ("COMMAND GETKEYS nosuch", "-ERR Invalid command specified|"),
            ("COMMAND GETKEYS", "-ERR wrong number of arguments for 'command|getkeys' command|"),
            ("COMMAND GETKEYSANDFLAGS client id", "-ERR The command has no key arguments|"),
            ("COMMAND foo", "-ERR unknown subcommand 'foo'. Try COMMAND HELP.|"),
        ],
    );
    assert!(world.ask(id, "COMMAND").starts_with("*15|*10|$3|acl|:-2|"));
    assert!(world.ask(id, "COMMAND DOCS client|setinfo").starts_with("*2|$14|client|setinfo|*8|$7|summary|"));
    for name in ["ping", "info", "subscribe", "client|setinfo"] {
        assert!(!world.ask(id, &format!("COMMAND DOCS {name}")).starts_with("*0"), "{name}");
    }
}
