//! Replies where the redis-server of the comparison is too old to answer as Redis does today.

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Keyspace, Origin, Session, Settings};
use picket_resp::Protocol;

struct Node {
    keyspace: Keyspace,
    session: Session,
}

impl Node {
    fn new() -> Self {
        Self { keyspace: Keyspace::new(7, Settings::default()), session: Session::new() }
    }

    /// Runs words that are parted by blanks, and tells the reply with its lines as words.
    fn reply(&mut self, line: &str) -> String {
        let args: Vec<Bytes> = line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
        let (now_ms, origin, protocol) = (1_700_000_000_000, Origin::Client, Protocol::Resp2);
        let context = Context { now_ms, origin, protocol, may_block: false };
        let mut bytes = BytesMut::new();
        self.keyspace.execute(&mut self.session, context, &args).reply.encode(Protocol::Resp2, &mut bytes);
        String::from_utf8_lossy(&bytes).replace("\r\n", " ").trim_end().to_owned()
    }
}

#[track_caller]
fn check(script: &[(&str, &str)]) {
    let mut node = Node::new();
    for (line, reply) in script {
        assert_eq!(node.reply(line), *reply, "{line}");
    }
}

#[test]
fn bits_of_no_key_are_refused_as_those_of_a_key() {
    check(&[
        ("BITCOUNT k 0", "-ERR syntax error"),
        ("BITCOUNT k 0 1 byte 3", "-ERR syntax error"),
        ("BITCOUNT k 0 1 hello", "-ERR syntax error"),
        ("BITCOUNT k x 1", "-ERR value is not an integer or out of range"),
        ("BITCOUNT k 0 1", ":0"),
        ("BITPOS k 0 1 hello bit", "-ERR value is not an integer or out of range"),
        ("BITPOS k 0 1 2 hello", "-ERR syntax error"),
        ("BITPOS k 0 1 2 bit 3", "-ERR syntax error"),
        ("BITPOS k 0 x", "-ERR value is not an integer or out of range"),
        ("BITPOS k 0 5 6", ":0"),
        ("BITPOS k 1 5 6", ":-1"),
    ]);
}

#[test]
fn a_hyperloglog_tests_itself() {
    check(&[("PFSELFTEST", "+OK")]);
}

#[test]
fn lolwut_tells_the_version() {
    let version = concat!("Picket ver. ", env!("CARGO_PKG_VERSION"));
    assert!(Node::new().reply("LOLWUT VERSION 6 40").contains(version));
    check(&[("LOLWUT VERSION x", "-ERR value is not an integer or out of range")]);
}
