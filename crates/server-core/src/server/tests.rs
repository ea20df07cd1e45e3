//! Transcripts of a server, mostly those that redis-sentinel gives (7.0.15 and a snapshot of October
//! 2024). `|` stands for a line end.

use super::*;
use crate::acl::PubsubDefault;
use crate::command::{Categories, CommandSpec, CommandTable, Docs, Flags};
use crate::config::Settings;
use crate::generic;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;

static TABLE: &[CommandSpec] = &[
    generic::ACL,
    generic::AUTH,
    generic::CLIENT,
    generic::COMMAND,
    generic::HELLO,
    generic::INFO,
    generic::PING,
    generic::PSUBSCRIBE,
    generic::PUBLISH,
    generic::PUNSUBSCRIBE,
    generic::ROLE,
    CommandSpec::new("sentinel", -2, Flags::ADMIN, Categories::ADMIN, Docs::NONE).with_subcommands(&[
        CommandSpec::new("set", -5, Flags::ADMIN, Categories::ADMIN, Docs::NONE),
        CommandSpec::new("masters", 2, Flags::ADMIN, Categories::ADMIN, Docs::NONE),
    ]),
    generic::SHUTDOWN,
    generic::SUBSCRIBE,
    generic::UNSUBSCRIBE,
];

struct World {
    server: Server,
    now: Time,
    next_id: u64,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let settings = Settings::new();
        let identity = Identity {
            name: "redis".into(),
            version: "7.4.0".into(),
            valkey_version: None,
            mode: "sentinel".into(),
            role: None,
            run_id: "f".repeat(40),
            git_sha1: "00000000".into(),
            build_id: "0".into(),
        };
        let mut options = ServerOptions::from_settings(&settings, &[], &[], CommandTable(TABLE), identity)
            .expect("there are no lines");
        options.protected_mode = false;
        change(&mut options);
        let now = Time(5_000_000);
        let mut server = Server::new(now, options, 1);
        server.set_wall(now, WallTime(1_700_000_000_000_000));
        Self { server, now, next_id: 2 }
    }

    fn connect(&mut self) -> ClientId {
        self.connect_from("127.0.0.1")
    }

    fn connect_from(&mut self, ip: &str) -> ClientId {
        let id = ClientId::next(&mut self.next_id);
        let peer = core::net::SocketAddr::new(ip.parse().expect("an address"), 40000 + id.0 as u16);
        let local = "127.0.0.1:26379".parse().expect("an address");
        self.server.accept(self.now, id, ClientAddresses::tcp(peer, local, 9 + id.0 as u32));
        id
    }

    /// Runs everything there is; the application's commands are answered with their name and words.
    fn run(&mut self) {
        while let Some(call) = self.server.next_call(self.now) {
            let words: Vec<String> = call.args.iter().map(|arg| shown(arg)).collect();
            let text = format!("ran {} {}", call.command.full_name(), words.join(","));
            self.server.reply(call.client, &Reply::simple(text));
        }
    }

    /// What comes out for `id`; other clients' output is dropped.
    fn output(&mut self, id: ClientId) -> String {
        let mut text = String::new();
        while let Some(output) = self.server.poll_output() {
            match output {
                ServerOutput::Send { client, bytes } if client == id => text.push_str(&shown(&bytes)),
                ServerOutput::Close { client, .. } if client == id => text.push_str("<closed>"),
                ServerOutput::Send { .. } | ServerOutput::Close { .. } => {}
            }
        }
        text.replace("\r\n", "|").replace('\n', "/")
    }

    fn raw(&mut self, id: ClientId, bytes: &[u8]) -> String {
        self.server.receive(self.now, id, bytes);
        self.run();
        self.output(id)
    }

    /// Sends the words of `line`; `_` in a word stands for a blank.
    fn ask(&mut self, id: ClientId, line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        self.raw(id, &request(&words))
    }

    #[track_caller]
    fn check(&mut self, id: ClientId, script: &[(&str, &str)]) {
        for (line, answer) in script {
            assert_eq!(self.ask(id, line), *answer, "{line}");
        }
    }
}

fn request(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

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
fn authentication_is_required_until_it_succeeds() {
    let mut world = World::with(|options| options.acl.set_requirepass(Some(b"pw")));
    let id = world.connect();
    world.check(
        id,
        &[
            ("PING", "-NOAUTH Authentication required.|"),
            ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: |"),
            ("CLIENT", "-ERR wrong number of arguments for 'client' command|"),
            ("ROLE", "-NOAUTH Authentication required.|"),
            ("HELLO 3 AUTH default bad", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH bad", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH nobody pw", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH a b c", "-ERR syntax error|"),
        ],
    );
    assert!(
        world
            .ask(id, "HELLO 3")
            .starts_with("-NOAUTH HELLO must be called with the client already authenticated")
    );
    world.check(id, &[("AUTH pw", "+OK|"), ("PING", "+PONG|"), ("ACL WHOAMI", "$7|default|")]);
    // Four attempts at HELLO and AUTH with the wrong words.
    assert_eq!(world.server.counters().acl_denied_auth, 3);
    world.server.set_requirepass(None);
    let other = world.connect();
    assert_eq!(
        world.ask(other, "AUTH x"),
        "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?|"
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
fn permissions_are_checked_and_logged() {
    let mut world = World::new();
    let admin = world.connect();
    world.check(admin, &[("ACL SETUSER lim on >l resetchannels &c* +@pubsub +client|id -@admin ~*", "+OK|")]);
    let id = world.connect();
    world.check(
        id,
        &[
            ("AUTH lim l", "+OK|"),
            ("CLIENT ID", ":4|"),
            ("CLIENT LIST", "-NOPERM User lim has no permissions to run the 'client|list' command|"),
            ("SUBSCRIBE x", "-NOPERM No permissions to access a channel|"),
            ("SUBSCRIBE c1 x", "-NOPERM No permissions to access a channel|"),
            ("PSUBSCRIBE *", "-NOPERM No permissions to access a channel|"),
            ("PING", "-NOPERM User lim has no permissions to run the 'ping' command|"),
            ("PSUBSCRIBE c*", "*3|$10|psubscribe|$2|c*|:1|"),
        ],
    );
    world.check(
        admin,
        &[
            ("ACL DRYRUN lim subscribe x", "$53|User lim has no permissions to access the 'x' channel|"),
            ("ACL DRYRUN lim subscribe c1", "+OK|"),
            ("ACL DRYRUN lim info", "$53|User lim has no permissions to run the 'info' command|"),
            ("ACL DRYRUN nouser ping", "-ERR User 'nouser' not found|"),
            ("ACL DRYRUN lim nocmd", "-ERR Command 'nocmd' not found|"),
        ],
    );
    let log = world.ask(admin, "ACL LOG 1");
    assert!(log.starts_with("*1|*20|$5|count|:1|$6|reason|$7|command|$7|context|$8|toplevel|$6|object|$4|ping|$8|username|$3|lim|$11|age-seconds|$1|0|"), "{log}");
    assert!(
        log.ends_with(
            "$8|entry-id|:3|$17|timestamp-created|:1700000000000|$22|timestamp-last-updated|:1700000000000|"
        ),
        "{log}"
    );
    // Two refusals of the same channel share an entry.
    let log = world.ask(admin, "ACL LOG");
    assert!(log.starts_with("*4|") && log.contains("|$5|count|:2|$6|reason|$7|channel|"), "{log}");
    // Losing the channel ends the connection that listens to it.
    assert_eq!(world.ask(admin, "ACL SETUSER lim resetchannels"), "+OK|");
    assert!(!world.server.is_connected(id));
    let again = world.connect();
    world.check(
        again,
        &[
            ("AUTH lim l", "+OK|"),
            ("ACL DELUSER lim", "-NOPERM User lim has no permissions to run the 'acl|deluser' command|"),
        ],
    );
    world.check(
        admin,
        &[
            ("ACL DELUSER lim nobody", ":1|"),
            ("ACL DELUSER default", "-ERR The 'default' user cannot be removed|"),
        ],
    );
    assert!(!world.server.is_connected(again));
}

#[test]
fn acl_answers_as_redis() {
    const NO_FILE: &str = "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.|";
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("ACL LIST", "*1|$51|user default on nopass sanitize-payload ~* &* +@all|"),
            ("ACL SETUSER", "-ERR wrong number of arguments for 'acl|setuser' command|"),
            ("ACL SETUSER q +nosuch", "-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL|"),
            ("ACL SETUSER a_b", "-ERR Usernames can't contain spaces or null characters|"),
            ("ACL SETUSER z (+ping ~x)", "+OK|"),
            (
                "ACL GETUSER z",
                "*12|$5|flags|*2|$3|off|$16|sanitize-payload|$9|passwords|*0|$8|commands|$5|-@all|$4|keys|$0||$8|channels|$0||$9|selectors|*1|*6|$8|commands|$11|-@all +ping|$4|keys|$2|~x|$8|channels|$0||",
            ),
            ("ACL GETUSER nouser", "$-1|"),
            ("ACL USERS", "*2|$7|default|$1|z|"),
            ("ACL WHOAMI", "$7|default|"),
            ("ACL GENPASS 0", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096|"),
            ("ACL GENPASS 4097", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096|"),
            ("ACL GENPASS a", "-ERR value is not an integer or out of range|"),
            ("ACL CAT keyspace", "*0|"),
            ("ACL CAT pubsub", "*5|$10|psubscribe|$7|publish|$12|punsubscribe|$9|subscribe|$11|unsubscribe|"),
            ("ACL CAT nosuch", "-ERR Unknown category 'nosuch'|"),
            ("ACL LOAD", NO_FILE),
            ("ACL SAVE", NO_FILE),
            ("ACL LOG", "*0|"),
            ("ACL LOG RESET", "+OK|"),
            ("ACL LOG x", "-ERR value is not an integer or out of range|"),
            ("ACL NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try ACL HELP.|"),
        ],
    );
    assert!(world.ask(id, "ACL GENPASS").starts_with("$64|"));
    assert!(world.ask(id, "ACL GENPASS 5").starts_with("$2|"));
    assert!(world.ask(id, "ACL CAT").starts_with("*21|$8|keyspace|$4|read|"));

    let mut world = World::with(|options| options.has_aclfile = true);
    let id = world.connect();
    assert_eq!(world.ask(id, "ACL LOAD"), "+ran acl|load ACL,LOAD|");
    let changed = crate::acl::Acl::new(CommandTable(TABLE), PubsubDefault::AllChannels);
    world.server.set_acl(changed);
    assert!(world.server.is_connected(id), "its user is the same as before");
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
    let call = world.server.next_call(world.now).expect("ROLE is the application's");
    world.server.suspend(call.client);
    assert_eq!(world.server.next_call(world.now), None);
    assert_eq!(world.output(id), "");
    world.server.reply(id, &Reply::simple("late"));
    world.server.resume(id);
    world.run();
    assert_eq!(world.output(id), "+late|+PONG|");

    world.server.receive(world.now, id, b"ROLE\r\n");
    world.server.next_call(world.now).expect("ROLE is the application's");
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
fn requests_of_all_clients_are_taken_in_turn() {
    let mut world = World::new();
    let (a, b) = (world.connect(), world.connect());
    world.server.receive(world.now, a, b"ROLE\r\nROLE\r\nROLE\r\n");
    world.server.receive(world.now, b, b"ROLE\r\nROLE\r\n");
    let mut order = Vec::new();
    while let Some(call) = world.server.next_call(world.now) {
        order.push(call.client);
    }
    assert_eq!(order, [a, b, a, b, a]);
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

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No bytes panic, hang or leave a client that is half gone.
        #[test]
        fn any_bytes_are_survived(chunks in proptest::collection::vec((0_u64..3, chunk()), 0..40)) {
            let mut world = World::new();
            let ids = [world.connect(), world.connect(), world.connect()];
            for (index, bytes) in chunks {
                world.server.receive(world.now, ids[index as usize], &bytes);
                world.run();
                world.server.publish(b"a", b"b");
                world.now = world.now + Millis(7);
                world.server.wake(world.now);
            }
            for id in ids {
                world.server.closed(id);
            }
            prop_assert_eq!(world.server.subscribed(), (0, 0));
            prop_assert_eq!(world.server.clients().count(), 0);
        }
    }

    fn chunk() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("client"),
            Just("kill"),
            Just("type"),
            Just("normal"),
            Just("acl"),
            Just("setuser"),
            Just("u"),
            Just("+@all"),
            Just("subscribe"),
            Just("psubscribe"),
            Just("unsubscribe"),
            Just("a"),
            Just("*"),
            Just("hello"),
            Just("3"),
            Just("2"),
            Just("pause"),
            Just("9"),
            Just("unpause"),
            Just("reply"),
            Just("off"),
            Just("skip"),
            Just("role"),
            Just("tracking"),
            Just("on"),
            Just("command"),
            Just("docs"),
            Just("id"),
            Just("auth"),
            Just("list"),
            Just("info"),
            Just("log"),
            Just("deluser"),
            Just("skipme"),
            Just("no"),
        ];
        prop_oneof![
            8 => proptest::collection::vec(word, 1..6).prop_map(|words| request(&words)),
            1 => proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }
}
