//! Commands that wait: who is served, when, and what the stream says of it.

use bytes::Bytes;
use picket_node_core::{Context, Keyspace, Origin, Outcome, Session, Settings};
use picket_resp::{Protocol, Reply};
use picket_sansio::{ClientId, Millis};

struct Node {
    keyspace: Keyspace,
    served: Vec<(u64, Reply)>,
    stream: Vec<String>,
    /// How often somebody who waits was tried again.
    tried: usize,
}

impl Node {
    fn new() -> Self {
        Self {
            keyspace: Keyspace::new(1, Settings::default()),
            served: Vec::new(),
            stream: Vec::new(),
            tried: 0,
        }
    }

    fn execute(&mut self, args: &[Bytes]) -> Outcome {
        let context =
            Context { now_ms: 1, origin: Origin::Client, protocol: Protocol::Resp2, may_block: true };
        let outcome = self.keyspace.execute(&mut Session::new(), context, args);
        for effect in &outcome.effects {
            let words: Vec<_> = effect.args.iter().map(|word| String::from_utf8_lossy(word)).collect();
            self.stream.push(words.join(" "));
        }
        outcome
    }

    /// Runs a command of a client, and then those that it wakes.
    fn run(&mut self, client: u64, line: &str) -> Option<Reply> {
        let args: Vec<Bytes> = line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let outcome = self.execute(&args);
        let reply = match outcome.block {
            Some(block) => {
                self.keyspace.park(ClientId(client), block);
                None
            }
            None => Some(outcome.reply),
        };
        while let Some(client) = self.keyspace.next_ready(1) {
            let Some(block) = self.keyspace.parked(client) else { continue };
            let args = block.args.clone();
            let outcome = self.execute(&args);
            self.tried += 1;
            if outcome.block.is_none() {
                self.keyspace.unpark(client);
                self.served.push((client.0, outcome.reply));
            }
        }
        reply
    }

    fn take_served(&mut self) -> Vec<u64> {
        core::mem::take(&mut self.served).into_iter().map(|(client, _)| client).collect()
    }
}

#[test]
fn first_come_first_served() {
    let mut node = Node::new();
    assert_eq!(node.run(1, "BLPOP other list 0"), None);
    assert_eq!(node.run(2, "BRPOP list 0.5"), None);
    assert_eq!(node.keyspace.parked(ClientId(2)).and_then(|block| block.timeout), Some(Millis(500)));
    assert_eq!(node.run(3, "BLMPOP 0 1 list LEFT COUNT 9"), None);
    assert_eq!(node.run(9, "RPUSH list a b c d"), Some(Reply::Integer(4)));
    assert_eq!(
        node.served,
        [
            (1, Reply::array([Bytes::from("list"), Bytes::from("a")])),
            (2, Reply::array([Bytes::from("list"), Bytes::from("d")])),
            (
                3,
                Reply::Array(
                    [Reply::bulk("list"), Reply::array([Bytes::from("b"), Bytes::from("c")])].into()
                )
            ),
        ]
    );
    assert_eq!(node.stream, ["RPUSH list a b c d", "LPOP list", "RPOP list", "LPOP list 2"]);
    assert_eq!(node.keyspace.blocking_keys(), 0);
}

#[test]
fn what_one_leaves_another_waits_for() {
    let mut node = Node::new();
    node.run(1, "BLPOP list 0");
    node.run(2, "BLPOP list 0");
    node.run(9, "LPUSH list only");
    assert_eq!(node.take_served(), [1]);
    assert!(node.keyspace.parked(ClientId(2)).is_some());
    node.run(9, "LPUSH list next");
    assert_eq!(node.take_served(), [2]);
}

#[test]
fn a_move_serves_those_behind_it() {
    let mut node = Node::new();
    node.run(1, "BLMOVE a b LEFT RIGHT 0");
    node.run(2, "BRPOPLPUSH b c 0");
    node.run(3, "BLPOP c 0");
    node.run(9, "RPUSH a x");
    assert_eq!(node.take_served(), [1, 2, 3]);
    assert_eq!(node.stream, ["RPUSH a x", "LMOVE a b left right", "RPOPLPUSH b c", "LPOP c"]);
}

#[test]
fn another_type_wakes_nobody() {
    let mut node = Node::new();
    node.run(1, "BZPOPMIN key 0");
    node.run(9, "RPUSH key x");
    assert_eq!(node.take_served(), [0; 0]);
    node.run(9, "DEL key");
    node.run(9, "ZADD key 1 m");
    assert_eq!(node.take_served(), [1]);
    assert_eq!(node.stream.last().map(String::as_str), Some("ZPOPMIN key"));
    node.run(1, "BZMPOP 0 2 nothing key MAX");
    node.run(9, "ZADD here 1 m");
    node.run(9, "RENAME here key");
    assert_eq!(node.take_served(), [1]);
}

#[test]
fn timeouts_that_are_none() {
    let mut node = Node::new();
    for (line, text) in [
        ("BLPOP k x", "ERR timeout is not a float or out of range"),
        ("BLPOP k -1", "ERR timeout is negative"),
        ("BLPOP k 1e300", "ERR timeout is out of range"),
        ("BLMPOP -0.1 1 k LEFT", "ERR timeout is negative"),
        ("BLMPOP 0 0 k LEFT", "ERR numkeys should be greater than 0"),
    ] {
        assert_eq!(node.run(1, line), Some(Reply::error(text)), "{line}");
    }
    assert_eq!(node.run(1, "BLPOP k 0.0001"), None);
    assert_eq!(node.keyspace.parked(ClientId(1)).and_then(|block| block.timeout), Some(Millis(1)));
}

#[test]
fn who_comes_after_the_last_element_is_not_tried() {
    let mut node = Node::new();
    assert_eq!(node.run(1, "BLPOP list 0"), None);
    assert_eq!(node.run(2, "BLPOP list other 0"), None);
    assert_eq!(node.run(9, "RPUSH list a"), Some(Reply::Integer(1)));
    assert_eq!((node.take_served(), node.tried), (vec![1], 1));
    assert_eq!(node.run(9, "RPUSH other a"), Some(Reply::Integer(1)));
    assert_eq!((node.take_served(), node.tried), (vec![2], 2));
    // One who waits in a group is answered also when its key is something else.
    assert_eq!(node.run(9, "XGROUP CREATE s g $ MKSTREAM"), Some(Reply::ok()));
    assert_eq!(node.run(3, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), None);
    assert_eq!(node.run(9, "DEL s"), Some(Reply::Integer(1)));
    assert_eq!((node.take_served(), node.tried), (vec![3], 3));
}
