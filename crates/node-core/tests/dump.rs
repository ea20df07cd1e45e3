//! DUMP, RESTORE, FUNCTION and SCRIPT: replies and what goes into the stream.

use bytes::Bytes;
use picket_node_core::{Context, Keyspace, Origin, Outcome, Session, Settings};
use picket_resp::{Protocol, Reply};

const NOW_MS: u64 = 1_700_000_000_000;

struct Node {
    keyspace: Keyspace,
    session: Session,
    origin: Origin,
}

impl Node {
    fn new() -> Self {
        let keyspace = Keyspace::new(1, Settings::default());
        Self { keyspace, session: Session::new(), origin: Origin::Client }
    }

    fn execute(&mut self, words: &[&[u8]]) -> Outcome {
        let args: Vec<_> = words.iter().map(|word| Bytes::copy_from_slice(word)).collect();
        let context =
            Context { now_ms: NOW_MS, origin: self.origin, protocol: Protocol::Resp2, may_block: false };
        self.keyspace.execute(&mut self.session, context, &args)
    }

    fn run(&mut self, words: &[&[u8]]) -> Reply {
        self.execute(words).reply
    }

    fn line(&mut self, line: &str) -> Reply {
        let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
        self.run(&words)
    }

    #[track_caller]
    fn dump(&mut self, key: &str) -> Bytes {
        match self.run(&[b"DUMP", key.as_bytes()]) {
            Reply::Bulk(payload) => payload,
            other => panic!("{other:?}"),
        }
    }

    /// The effects as text, with `<payload>` for one.
    fn effects(&mut self, words: &[&[u8]], payload: &[u8]) -> Vec<String> {
        let text = |word: &Bytes| match word {
            word if *word == payload => "<payload>".to_owned(),
            word => String::from_utf8_lossy(word).into_owned(),
        };
        let effects = self.execute(words).effects;
        effects.iter().map(|one| one.args.iter().map(text).collect::<Vec<_>>().join(" ")).collect()
    }
}

#[track_caller]
fn error(reply: &Reply) -> &str {
    match reply {
        Reply::Error(text) => core::str::from_utf8(text).expect("text"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn restore_gives_back_what_was_dumped() {
    let mut node = Node::new();
    let fields = "HPEXPIREAT f 1800000000000 FIELDS 2 a b";
    let setup = ["RPUSH b x y", "SADD c 1 2", "HSET d f v", "ZADD e 1.5 m", "HSET f a 1 b 2 c 3", fields];
    for line in ["SET a 1"].iter().chain(&setup) {
        assert!(!node.line(line).is_error(), "{line}");
    }
    for key in ["a", "b", "c", "d", "e", "f"] {
        let payload = node.dump(key);
        let copy = format!("{key}-copy");
        assert_eq!(node.run(&[b"RESTORE", copy.as_bytes(), b"0", &payload]), Reply::ok());
        let db = &node.keyspace.dbs()[0];
        let value = |name: &str| &db.get(name.as_bytes()).expect("it is there").value;
        assert_eq!(value(key), value(&copy));
        let again = node.run(&[b"RESTORE", copy.as_bytes(), b"0", &payload]);
        assert_eq!(error(&again), "BUSYKEY Target key name already exists.");
    }
    assert_eq!(node.line("DUMP nosuch"), Reply::Null);
}

#[test]
fn restore_looks_at_everything_before_it_changes_anything() {
    let mut node = Node::new();
    node.line("SET a 1");
    let payload = node.dump("a");
    let mut damaged = payload.to_vec();
    damaged[1] ^= 1;
    let cases: [(&[&[u8]], &str); 9] = [
        (&[b"RESTORE", b"a", b"-1", &payload], "BUSYKEY Target key name already exists."),
        (&[b"RESTORE", b"b", b"-1", &payload], "ERR Invalid TTL value, must be >= 0"),
        (&[b"RESTORE", b"b", b"x", &payload], "ERR value is not an integer or out of range"),
        (&[b"RESTORE", b"b", b"0", &damaged], "ERR DUMP payload version or checksum are wrong"),
        (&[b"RESTORE", b"b", b"0", b""], "ERR DUMP payload version or checksum are wrong"),
        (&[b"RESTORE", b"b", b"0", &payload, b"nonsense"], "ERR syntax error"),
        (&[b"RESTORE", b"b", b"0", &payload, b"IDLETIME"], "ERR syntax error"),
        (&[b"RESTORE", b"b", b"0", &payload, b"IDLETIME", b"-1"], "ERR Invalid IDLETIME value, must be >= 0"),
        (
            &[b"RESTORE", b"b", b"0", &payload, b"FREQ", b"256"],
            "ERR Invalid FREQ value, must be >= 0 and <= 255",
        ),
    ];
    for (words, expected) in cases {
        let outcome = node.execute(words);
        assert_eq!((error(&outcome.reply), outcome.effects.len()), (expected, 0));
    }
    assert_eq!(node.keyspace.dbs()[0].len(), 1);
    // Its checksum is right, and it is no set of listpacks.
    let mut broken = vec![20, 3, 1, 2, 3, 10, 0];
    let sum = picket_rdb_checksum(&broken);
    broken.extend_from_slice(&sum);
    assert_eq!(error(&node.run(&[b"RESTORE", b"b", b"0", &broken])), "ERR Bad data format");
}

/// CRC64 as RDB files have it.
fn picket_rdb_checksum(bytes: &[u8]) -> [u8; 8] {
    let mut crc = 0_u64;
    for byte in bytes {
        crc ^= u64::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

#[test]
fn restore_goes_into_the_stream_with_an_absolute_time() {
    let mut node = Node::new();
    node.line("SET a 1");
    let payload = node.dump("a");
    let at = (NOW_MS + 5000).to_string();
    assert_eq!(node.effects(&[b"RESTORE", b"b", b"0", &payload], &payload), ["RESTORE b 0 <payload>"]);
    assert_eq!(
        node.effects(&[b"restore", b"c", b"5000", &payload], &payload),
        [format!("restore c {at} <payload> ABSTTL")]
    );
    assert_eq!(
        node.effects(&[b"RESTORE", b"c", at.as_bytes(), &payload, b"REPLACE", b"absttl"], &payload),
        [format!("RESTORE c {at} <payload> REPLACE absttl")]
    );
    assert_eq!(node.line("PEXPIRETIME c"), Reply::Integer(1_700_000_005_000));
    // A time that is over.
    assert!(node.effects(&[b"RESTORE", b"d", b"1", &payload, b"ABSTTL"], &payload).is_empty());
    assert_eq!(node.effects(&[b"RESTORE", b"c", b"1", &payload, b"ABSTTL", b"REPLACE"], &payload), ["DEL c"]);
    assert_eq!(node.line("EXISTS c d"), Reply::Integer(0));
    // The master's word counts.
    node.origin = Origin::Master;
    assert_eq!(node.effects(&[b"RESTORE", b"d", b"1", &payload, b"ABSTTL"], &payload).len(), 1);
    assert_eq!(node.keyspace.dbs()[0].get(b"d").and_then(picket_node_core::Entry::expire_at), Some(1));
    node.origin = Origin::Client;
    assert_eq!(node.run(&[b"RESTORE", b"e", b"0", &payload, b"IDLETIME", b"70"]), Reply::ok());
    assert_eq!(node.line("OBJECT IDLETIME e"), Reply::Integer(70));
}

const CODE: &[u8] = b"#!lua name=mylib\nredis.register_function('f', function() return 1 end)";

#[test]
fn libraries_are_kept_and_passed_on() {
    let mut node = Node::new();
    let load = node.execute(&[b"FUNCTION", b"load", CODE]);
    assert_eq!((load.reply, load.effects.len()), (Reply::bulk("mylib"), 1));
    assert_eq!(load.effects[0].args, [b"FUNCTION".as_slice(), b"load", CODE]);
    let again = node.execute(&[b"FUNCTION", b"LOAD", CODE]);
    assert_eq!((error(&again.reply), again.effects.len()), ("ERR Library 'mylib' already exists", 0));
    assert_eq!(node.run(&[b"FUNCTION", b"LOAD", b"replace", CODE]), Reply::bulk("mylib"));
    assert_eq!(
        error(&node.run(&[b"FUNCTION", b"LOAD", b"nonsense", CODE])),
        "ERR Unknown option given: nonsense"
    );
    let listed = |code: bool| {
        let mut fields = vec![
            (Reply::bulk("library_name"), Reply::bulk("mylib")),
            (Reply::bulk("engine"), Reply::bulk("LUA")),
            (Reply::bulk("functions"), Reply::Array(Vec::new())),
        ];
        if code {
            fields.push((Reply::bulk("library_code"), Reply::bulk(CODE)));
        }
        Reply::Array(vec![Reply::Map(fields)])
    };
    assert_eq!(node.line("FUNCTION LIST"), listed(false));
    assert_eq!(node.line("FUNCTION LIST LIBRARYNAME MY* WITHCODE"), listed(true));
    assert_eq!(node.line("FUNCTION LIST LIBRARYNAME other"), Reply::Array(Vec::new()));
    assert_eq!(error(&node.line("FUNCTION LIST LIBRARYNAME")), "ERR library name argument was not given");
    assert_eq!(error(&node.line("FUNCTION LIST x")), "ERR Unknown argument x");

    let Reply::Bulk(payload) = node.line("FUNCTION DUMP") else { panic!("no payload") };
    let restore = |node: &mut Node, policy: &[u8]| node.run(&[b"FUNCTION", b"RESTORE", &payload, policy]);
    assert_eq!(error(&restore(&mut node, b"APPEND")), "ERR Library mylib already exists");
    for policy in ["FLUSH", "REPLACE"] {
        assert_eq!(restore(&mut node, policy.as_bytes()), Reply::ok());
    }
    assert_eq!(
        error(&restore(&mut node, b"x")),
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
    );
    node.line("SET key value");
    let value = node.dump("key");
    assert!(node.run(&[b"FUNCTION", b"RESTORE", &value]).is_error());
    assert_eq!(node.execute(&[b"FUNCTION", b"DELETE", b"mylib"]).effects.len(), 1);
    assert_eq!(error(&node.line("FUNCTION DELETE mylib")), "ERR Library not found");
    assert_eq!(restore(&mut node, b"append"), Reply::ok());
    assert_eq!(node.keyspace.functions().len(), 1);
    assert_eq!(node.execute(&[b"FUNCTION", b"FLUSH"]).effects.len(), 1);
    assert!(node.keyspace.functions().is_empty());
    assert_eq!(error(&node.line("FUNCTION KILL")), "NOTBUSY No scripts in execution right now.");
}

#[test]
fn nothing_is_run() {
    let mut node = Node::new();
    let refused = |command: &str| {
        format!(
            "ERR {command} is not supported: Picket keeps scripts and functions and passes them on, but does not \
             run them"
        )
    };
    for line in ["EVAL code 0", "eval_ro code 0", "FCALL f 0", "FCALL_RO f 1 k"] {
        let name = line.split(' ').next().unwrap_or_default().to_uppercase();
        assert_eq!(error(&node.line(line)), refused(&name), "{line}");
    }
    let sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    let missing = "NOSCRIPT No matching script. Please use EVAL.";
    assert_eq!(error(&node.line(&format!("EVALSHA {sha} 0"))), missing);
    let load = node.execute(&[b"SCRIPT", b"LOAD", b"return 1"]);
    assert_eq!((load.reply, load.effects.len()), (Reply::bulk(sha), 0));
    assert_eq!(error(&node.line(&format!("EVALSHA {} 0", sha.to_uppercase()))), refused("EVALSHA"));
    assert_eq!(
        node.line(&format!("SCRIPT EXISTS {sha} x")),
        Reply::Array(vec![Reply::Integer(1), Reply::Integer(0)])
    );
    assert_eq!(error(&node.line("SCRIPT FLUSH x")), "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    assert_eq!(node.line("SCRIPT FLUSH async"), Reply::ok());
    assert_eq!(error(&node.line(&format!("EVALSHA_RO {sha} 0"))), missing);
    assert_eq!(error(&node.line("SCRIPT KILL")), "NOTBUSY No scripts in execution right now.");
}

#[test]
fn a_restored_stream_takes_no_more_than_the_one_dumped() {
    let mut node = Node::new();
    let long = "n".repeat(1000);
    let add = |node: &mut Node, id: u32, name: &str| {
        node.line(&format!("XADD s {id} {name} value"));
    };
    add(&mut node, 1, &long);
    add(&mut node, 2, "other");
    (3..=100).for_each(|id| add(&mut node, id, &long));
    // The name that almost all share stays where the deleted entry was.
    assert_eq!(node.line("XDEL s 1"), Reply::Integer(1));
    let payload = node.dump("s");
    assert_eq!(node.run(&[b"RESTORE", b"t", b"0", &payload]), Reply::ok());
    assert_eq!(node.line("XRANGE t - +"), node.line("XRANGE s - +"));
    let (Reply::Integer(dumped), Reply::Integer(restored)) =
        (node.line("MEMORY USAGE s"), node.line("MEMORY USAGE t"))
    else {
        panic!("numbers")
    };
    assert!(restored <= dumped, "{restored} bytes instead of {dumped}");
}
