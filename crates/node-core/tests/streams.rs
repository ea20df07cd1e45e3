//! Streams: what their commands put into the replication stream, what a replica makes of it, who waits for entries,
//! and what is left after DUMP and RESTORE.

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Keyspace, Origin, Outcome, Session, Settings};
use picket_resp::{Protocol, Reply};
use picket_sansio::{ClientId, Millis};

const NOW_MS: u64 = 1_700_000_000_000;

struct Node {
    keyspace: Keyspace,
    session: Session,
    origin: Origin,
    protocol: Protocol,
    now_ms: u64,
    /// What those who waited were answered.
    served: Vec<(u64, String)>,
}

impl Node {
    fn new(origin: Origin) -> Self {
        let keyspace = Keyspace::new(7, Settings::default());
        let session = Session::new();
        Self { keyspace, session, origin, protocol: Protocol::Resp2, now_ms: NOW_MS, served: Vec::new() }
    }

    /// A master on which these lines were run.
    #[track_caller]
    fn after(lines: &[&str]) -> Self {
        let mut node = Self::new(Origin::Client);
        for line in lines {
            let reply = node.reply(line);
            assert!(!reply.starts_with('-'), "{line}: {reply}");
        }
        node
    }

    fn execute(&mut self, args: &[Bytes]) -> Outcome {
        let may_block = self.origin == Origin::Client;
        let context =
            Context { now_ms: self.now_ms, origin: self.origin, protocol: self.protocol, may_block };
        self.keyspace.execute(&mut self.session, context, args)
    }

    fn run(&mut self, line: &str) -> Outcome {
        self.execute(&words(line))
    }

    fn reply(&mut self, line: &str) -> String {
        let reply = self.run(line).reply;
        self.text(&reply)
    }

    fn text(&self, reply: &Reply) -> String {
        let mut bytes = BytesMut::new();
        reply.encode(self.protocol, &mut bytes);
        String::from_utf8_lossy(&bytes).replace("\r\n", " ").trim_end().to_owned()
    }

    fn effects(&mut self, line: &str) -> Vec<String> {
        self.run(line).effects.iter().map(|effect| joined(&effect.args)).collect()
    }

    /// Runs a line of a client, which may begin to wait, and then those whom it wakes. Returns what it was answered,
    /// or nothing if it waits.
    fn client(&mut self, client: u64, line: &str) -> String {
        let outcome = self.run(line);
        let reply = self.text(&outcome.reply);
        let waits = outcome.block.map(|block| self.keyspace.park(ClientId(client), block)).is_some();
        while let Some(client) = self.keyspace.next_ready(self.now_ms) {
            let Some(block) = self.keyspace.parked(client) else { continue };
            let args = block.args.clone();
            let outcome = self.execute(&args);
            if outcome.block.is_none() {
                self.keyspace.unpark(client);
                let reply = self.text(&outcome.reply);
                self.served.push((client.0, reply));
            }
        }
        if waits { String::new() } else { reply }
    }
}

fn words(line: &str) -> Vec<Bytes> {
    line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn joined(args: &[Bytes]) -> String {
    args.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
}

/// What a line on a master tells its replicas, and that they have the same data afterwards.
#[track_caller]
fn check(setup: &[&str], line: &str, expected: &[&str]) {
    let mut master = Node::new(Origin::Client);
    let mut replica = Node::new(Origin::Master);
    for (number, line) in setup.iter().chain([&line]).enumerate() {
        let effects = master.effects(line);
        if number == setup.len() {
            assert_eq!(effects, expected, "{line} after {setup:?}");
        }
        for effect in effects {
            let reply = replica.reply(&effect);
            assert!(!reply.starts_with('-'), "{effect}: {reply}");
        }
    }
    assert!(master.keyspace.dbs() == replica.keyspace.dbs(), "{line} after {setup:?}");
}

const GROUP: [&str; 4] = ["XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XGROUP CREATE s g 0"];

/// `GROUP`, with something read.
fn read(line: &'static str) -> Vec<&'static str> {
    GROUP.into_iter().chain([line]).collect()
}

#[test]
fn entries_are_told_with_their_ids_and_what_was_trimmed() {
    check(&[], "XADD s * f v", &["XADD s 1700000000000-0 f v"]);
    check(&["XADD s * f v"], "xadd s * f v", &["xadd s 1700000000000-1 f v"]);
    check(&["XADD s 1900000000000-5 f v"], "XADD s * f v", &["XADD s 1900000000000-6 f v"]);
    check(&["XADD s 5-7 f v"], "XADD s 5-* f v", &["XADD s 5-8 f v"]);
    check(&[], "XADD s 5 f v", &["XADD s 5 f v"]);
    check(&["XADD s 1 f v"], "XADD s NOMKSTREAM * f v", &["XADD s NOMKSTREAM 1700000000000-0 f v"]);
    check(&[], "XADD s NOMKSTREAM * f v", &[]);
    check(&["XADD s 1 f v"], "XADD s MAXLEN 1 2-0 f v", &["XADD s MAXLEN 1 2-0 f v"]);
    check(&["XADD s 1 f v"], "XADD s MAXLEN ~ 1 LIMIT 10 2-0 f v", &["XADD s MAXLEN = 2 LIMIT 10 2-0 f v"]);
    check(&["XADD s 1 f v"], "XADD s MINID ~ 2 2-0 f v", &["XADD s MINID = 1-0 2-0 f v"]);
    check(&["XADD s 1 f v", "XADD s 2 f v"], "XTRIM s MAXLEN 1", &["XTRIM s MAXLEN 1"]);
    check(&["XADD s 1 f v", "XADD s 2 f v"], "XTRIM s MAXLEN ~ 1", &[]);
    check(&["XADD s 1 f v"], "XTRIM s MAXLEN ~ 0", &["XTRIM s MAXLEN = 0"]);
    check(
        &["XADD s 1 f v", "XADD s 2 f v"],
        "XTRIM s MINID ~ 9",
        &["XTRIM s MINID = 18446744073709551615-18446744073709551615"],
    );
    check(&["XADD s 1 f v"], "XDEL s 1 2", &["XDEL s 1 2"]);
    check(&["XADD s 1 f v"], "XDEL s 2", &[]);
    check(&["XADD s 1 f v"], "XSETID s 9-9 ENTRIESADDED 7", &["XSETID s 9-9 ENTRIESADDED 7"]);
}

#[test]
fn deliveries_are_told_as_claims() {
    let claim = |seq: u64, last: u64| {
        format!("XCLAIM s g c 0 {seq}-0 TIME {NOW_MS} RETRYCOUNT 1 FORCE JUSTID LASTID {last}-0")
    };
    check(
        &GROUP,
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
        &[&claim(1, 1), &claim(2, 2), "XGROUP SETID s g 2-0 ENTRIESREAD 2"],
    );
    check(
        &GROUP,
        "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >",
        &["XGROUP CREATECONSUMER s g c", "XGROUP SETID s g 1-0 ENTRIESREAD 1"],
    );
    let all = "XREADGROUP GROUP g c STREAMS s >";
    check(&read(all), all, &[]);
    check(&read(all), "XREADGROUP GROUP g c STREAMS s 0", &[]);
    check(&read(all), "XREADGROUP GROUP g d NOACK STREAMS s >", &["XGROUP CREATECONSUMER s g d"]);
    check(&read(all), "XACK s g 1 9", &["XACK s g 1 9"]);
    check(&read(all), "XACK s g 9", &[]);
    // What was deleted ahead makes the number of entries read unknown.
    check(
        &[
            "XADD s 1-0 f v",
            "XADD s 2-0 f v",
            "XADD s 3-0 f v",
            "XADD s 4-0 f v",
            "XDEL s 3",
            "XGROUP CREATE s g 1",
        ],
        "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
        &[&claim(2, 2), "XGROUP SETID s g 2-0 ENTRIESREAD -1"],
    );
}

#[test]
fn claims_are_told_entry_by_entry() {
    let claim = |name: &str, id: &str, count: u64| {
        format!("XCLAIM s g {name} 0 {id} TIME {NOW_MS} RETRYCOUNT {count} FORCE JUSTID LASTID 3-0")
    };
    let setup = read("XREADGROUP GROUP g c STREAMS s >");
    check(&setup, "XCLAIM s g d 0 1 3-0 9", &[&claim("d", "1", 2), &claim("d", "3-0", 2)]);
    check(&setup, "XCLAIM s g d 0 1-0 JUSTID", &[&claim("d", "1-0", 1)]);
    check(&setup, "XCLAIM s g d 0 1-0 RETRYCOUNT 7", &[&claim("d", "1-0", 7)]);
    check(&setup, "XCLAIM s g d 5000 1-0", &[]);
    check(&setup, "XCLAIM s g d 0 9-0 LASTID 5-5", &["XGROUP SETID s g 5-5 ENTRIESREAD 3"]);
    check(&setup, "XAUTOCLAIM s g d 0 2", &[&claim("d", "2-0", 2), &claim("d", "3-0", 2)]);
    let mut deleted = setup.clone();
    deleted.push("XDEL s 2-0");
    // An entry that is gone is told with the owner that it had, and is then gone there too.
    check(
        &deleted,
        "XAUTOCLAIM s g d 0 -",
        &[&claim("d", "1-0", 2), &claim("c", "2-0", 1), &claim("d", "3-0", 2)],
    );
    check(&deleted, "XCLAIM s g d 0 2-0", &[&claim("c", "2-0", 1)]);
    check(
        &GROUP,
        "XCLAIM s g d 0 1-0 FORCE",
        &[&format!("XCLAIM s g d 0 1-0 TIME {NOW_MS} RETRYCOUNT 2 FORCE JUSTID LASTID 0-0")],
    );
}

#[test]
fn groups_are_told_as_they_are_made() {
    check(&[], "XGROUP CREATE s g $ MKSTREAM", &["XGROUP CREATE s g $ MKSTREAM"]);
    check(&GROUP, "XGROUP SETID s g $ ENTRIESREAD 3", &["XGROUP SETID s g $ ENTRIESREAD 3"]);
    check(&GROUP, "XGROUP CREATE s g 0", &[]);
    check(&GROUP, "XGROUP CREATECONSUMER s g c", &["XGROUP CREATECONSUMER s g c"]);
    check(&read("XGROUP CREATECONSUMER s g c"), "XGROUP CREATECONSUMER s g c", &[]);
    check(&read("XGROUP CREATECONSUMER s g c"), "XGROUP DELCONSUMER s g c", &["XGROUP DELCONSUMER s g c"]);
    check(&GROUP, "XGROUP DELCONSUMER s g c", &[]);
    check(&GROUP, "XGROUP DESTROY s g", &["XGROUP DESTROY s g"]);
    check(&GROUP, "XGROUP DESTROY s h", &[]);
}

#[test]
fn a_replica_takes_what_no_client_could_send() {
    let mut replica = Node::new(Origin::Master);
    for line in GROUP {
        replica.reply(line);
    }
    assert_eq!(replica.reply("XADD s MAXLEN = 2 LIMIT 1 4-0 f v"), "$3 4-0");
    assert_eq!(replica.reply("XLEN s"), ":2");
    assert_eq!(replica.reply("XTRIM s MINID = 4 LIMIT 1"), ":1");
    let mut client = Node::after(&GROUP);
    let refused = "-ERR syntax error, LIMIT cannot be used without the special ~ option";
    assert_eq!(client.reply("XADD s MAXLEN = 2 LIMIT 1 4-0 f v"), refused);
    // A claim of a master counts also if its clock is ahead, and twice is as good as once.
    for _ in 0..2 {
        let line = "XCLAIM s g c 0 4-0 TIME 1900000000000 RETRYCOUNT 3 FORCE JUSTID LASTID 4-0";
        assert_eq!(replica.reply(line), "*1 $3 4-0");
        assert_eq!(replica.reply("XPENDING s g - + 10"), "*1 *4 $3 4-0 $1 c :0 :3");
    }
    assert_eq!(replica.reply("XPENDING s g"), "*4 :1 $3 4-0 $3 4-0 *1 *2 $1 c $1 1");
}

#[test]
fn nodes_are_as_full_as_the_settings_say() {
    let mut node = Node::new(Origin::Client);
    for seq in 1..=250 {
        node.reply(&format!("XADD s {seq}-0 f v"));
    }
    assert_eq!(node.effects("XTRIM s MAXLEN ~ 60"), ["XTRIM s MAXLEN = 150"]);
    node.keyspace.settings_mut().stream_node_max_entries = 10;
    for seq in 251..=300 {
        node.reply(&format!("XADD s {seq}-0 f v"));
    }
    assert_eq!(node.effects("XTRIM s MAXLEN ~ 25 LIMIT 0"), ["XTRIM s MAXLEN = 30 LIMIT 0"]);
    assert_eq!(node.reply("XTRIM s MAXLEN ~ 25 LIMIT 0"), ":0");
    node.keyspace.settings_mut().stream_node_max_bytes = 1;
    for seq in 301..=310 {
        node.reply(&format!("XADD s {seq}-0 f v"));
    }
    assert_eq!(node.effects("XTRIM s MINID ~ 305"), ["XTRIM s MINID = 305-0"]);
}

#[test]
fn readers_wait_for_what_comes_next() {
    let mut node = Node::after(&["XADD s 1-0 f v"]);
    assert_eq!(node.client(1, "XREAD BLOCK 0 STREAMS other s 0 $"), "");
    assert_eq!(node.keyspace.parked(ClientId(1)).map(|block| block.timeout), Some(None));
    assert_eq!(node.client(2, "XREAD BLOCK 50 COUNT 1 STREAMS s 1-0"), "");
    assert_eq!(node.keyspace.parked(ClientId(2)).and_then(|block| block.timeout), Some(Millis(50)));
    assert_eq!(node.client(3, "XREAD BLOCK 0 STREAMS s 0"), "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
    // What is no entry above the id wakes them, and they wait on.
    node.client(9, "XDEL s 1-0");
    assert!(node.served.is_empty());
    node.client(9, "XADD s 2-0 f v");
    let entry = "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v";
    assert_eq!(node.served, [(1, entry.to_owned()), (2, entry.to_owned())]);
    assert_eq!(node.keyspace.blocking_keys(), 0);
    node.protocol = Protocol::Resp3;
    assert_eq!(node.reply("XREAD STREAMS s 0"), "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    assert_eq!(node.reply("XREAD STREAMS s +"), "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    assert_eq!(node.reply("XREAD STREAMS s $"), "_");
}

#[test]
fn consumers_share_what_comes_next_and_learn_that_their_group_is_gone() {
    let mut node = Node::after(&["XGROUP CREATE s g $ MKSTREAM"]);
    for client in 1..=3 {
        assert_eq!(node.client(client, &format!("XREADGROUP GROUP g c{client} BLOCK 0 STREAMS s >")), "");
    }
    node.client(4, "BLPOP list 0");
    assert_eq!((node.keyspace.blocking_keys(), node.keyspace.blocking_keys_on_nokey()), (2, 1));
    node.client(9, "XADD s 1-0 f v");
    assert_eq!(node.served, [(1, "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v".to_owned())]);
    node.served.clear();
    node.client(9, "XGROUP DESTROY s g");
    let gone = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
    assert_eq!(node.served, [(2, gone.to_owned()), (3, gone.to_owned())]);
    node.served.clear();
    node.client(9, "XGROUP CREATE s g $");
    node.client(1, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    node.client(2, "XREAD BLOCK 0 STREAMS s $");
    node.client(9, "DEL s");
    assert_eq!(node.served, [(1, gone.to_owned())]);
    // Who reads without a group waits for a new stream.
    node.client(9, "SET s x");
    assert_eq!(node.served.len(), 1);
    node.client(9, "DEL s");
    node.client(9, "XADD s 5-0 f v");
    assert_eq!(node.served.len(), 2);
}

#[test]
fn watched_keys_see_entries_but_not_groups() {
    for (line, is_change) in [
        ("XADD s 9-0 f v", true),
        ("XDEL s 1-0", true),
        ("XTRIM s MAXLEN 0", true),
        ("XGROUP CREATE t g 0 MKSTREAM", true),
        ("XREADGROUP GROUP g c STREAMS s >", false),
        ("XGROUP SETID s g 0", false),
        ("XSETID s 9-0", false),
    ] {
        let mut node = Node::after(&GROUP);
        node.reply("WATCH s t");
        let watching = core::mem::take(&mut node.session);
        node.reply(line);
        assert_eq!(node.keyspace.is_dirty(&watching, NOW_MS), is_change, "{line}");
    }
}

#[test]
fn an_entry_of_the_consumer_that_is_gone_has_no_fields() {
    let mut node = Node::after(&read("XREADGROUP GROUP g c STREAMS s >"));
    node.reply("XDEL s 2-0");
    node.now_ms += 5;
    let history = node.reply("XREADGROUP GROUP g c STREAMS s 1");
    assert_eq!(history, "*1 *2 $1 s *2 *2 $3 2-0 *-1 *2 $3 3-0 *2 $1 f $1 v");
    // Only what was delivered again counts as delivered again.
    let pending = "*3 *4 $3 1-0 $1 c :5 :1 *4 $3 2-0 $1 c :5 :1 *4 $3 3-0 $1 c :0 :2";
    assert_eq!(node.reply("XPENDING s g - + 10"), pending);
    assert_eq!(node.reply("XPENDING s g IDLE 5 - + 1"), "*1 *4 $3 1-0 $1 c :5 :1");
}

#[test]
fn dump_and_restore_keep_everything() {
    let mut node = Node::after(&[
        "XADD s 1-0 f 1",
        "XADD s 2-0 other 2",
        "XADD s 3-0 f text g 4",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s unread 2 ENTRIESREAD 2",
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
        "XCLAIM s g d 0 2-0 RETRYCOUNT 5",
        "XDEL s 1-0",
    ]);
    let payload = node.run("DUMP s").reply;
    let Reply::Bulk(payload) = payload else { panic!("{payload:?}") };
    let args = [Bytes::from("RESTORE"), Bytes::from("t"), Bytes::from("0"), payload];
    assert_eq!(node.execute(&args).reply, Reply::ok());
    node.now_ms += 1000;
    for line in [
        "XINFO STREAM s FULL COUNT 0",
        "XINFO GROUPS s",
        "XINFO CONSUMERS s g",
        "XPENDING s g - + 9",
        "XADD s 4 f v",
    ] {
        let expected = node.reply(line);
        assert_eq!(node.reply(&line.replacen(" s", " t", 1)), expected, "{line}");
    }
    assert_eq!(node.reply("COPY s u"), ":1");
    assert_eq!(node.reply("XINFO STREAM s FULL"), node.reply("XINFO STREAM u FULL"));
}

#[test]
fn memory_is_counted_and_given_back() {
    let mut node = Node::after(&["SET other x"]);
    let before = node.keyspace.used_memory();
    for seq in 1..=10_000 {
        node.reply(&format!("XADD s {seq}-0 name {seq}"));
    }
    let full = node.keyspace.used_memory() - before;
    // About ten bytes an entry, since the name stands once in a node.
    assert!((100_000..200_000).contains(&full), "{full}");
    node.reply("XGROUP CREATE s g 0");
    node.reply("XREADGROUP GROUP g c STREAMS s >");
    assert!(node.keyspace.used_memory() - before > full + 10_000 * 40);
    node.reply("XGROUP DELCONSUMER s g c");
    node.reply("XTRIM s MAXLEN 0");
    assert!(node.keyspace.used_memory() - before < 2000);
    node.reply("DEL s");
    assert!(node.keyspace.used_memory() - before < 500);
}
