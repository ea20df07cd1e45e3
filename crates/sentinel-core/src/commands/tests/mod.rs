//! Commands as a client sees them: bytes in, replies out, the host played by the test.

mod changes;
mod durable;
mod planned;
mod refusals;
mod shapes;
mod turns;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder, command};
use picket_sansio::{ClientId, QueryId, Secret, Ticket, Time, WallTime};
use picket_server_core::ClientAddresses;

use crate::config::Config;
use crate::event::Event;
use crate::io::{Input, Output};
use crate::persist::PersistentState;
use crate::sentinel::Sentinel;

const MY_ID: &str = "1111111111111111111111111111111111111111";
const PEER_ID: &str = "2222222222222222222222222222222222222222";
const CANDIDATE: &str = "3333333333333333333333333333333333333333";

const FILE: &str = "\
port 26379
sentinel myid 1111111111111111111111111111111111111111
sentinel monitor mymaster 127.0.0.1 6379 2
sentinel config-epoch mymaster 3
sentinel leader-epoch mymaster 4
sentinel known-replica mymaster 127.0.0.1 6380
sentinel known-replica mymaster ::1 6381
sentinel known-sentinel mymaster 127.0.0.1 26380 2222222222222222222222222222222222222222
sentinel current-epoch 4
";

/// A Sentinel with a client, and a host that the test steers.
struct World {
    sentinel: Sentinel,
    now: Time,
    clients: u64,
    decoders: Vec<(ClientId, ReplyDecoder)>,
    replies: VecDeque<(ClientId, Reply)>,
    /// What the disk says; `None`: nothing yet.
    disk: Option<Result<(), String>>,
    /// What waits for the disk.
    unwritten: Option<Ticket>,
    state: Option<PersistentState>,
    executable: Vec<&'static str>,
    /// The file with the users.
    acl_file: Result<Vec<u8>, String>,
    resolvable: Vec<(&'static str, &'static str)>,
    events: Vec<Event>,
    exit: Option<i32>,
}

impl World {
    fn new(file: &str) -> Self {
        let config = read(file);
        let sentinel = Sentinel::new(Time(0), WallTime(1_700_000_000_000_000), 7, config);
        let mut world = Self {
            sentinel,
            now: Time(0),
            clients: 0,
            decoders: Vec::new(),
            replies: VecDeque::new(),
            disk: Some(Ok(())),
            unwritten: None,
            state: None,
            executable: vec!["/bin/true"],
            acl_file: Err("No such file or directory".to_string()),
            resolvable: vec![("cache.local", "10.0.0.7")],
            events: Vec::new(),
            exit: None,
        };
        world.pump();
        world
    }

    fn connect(&mut self) -> ClientId {
        self.clients += 1;
        let client = ClientId(self.clients);
        let socket = |text: &str| text.parse().expect("an address");
        let addresses = ClientAddresses::tcp(socket("127.0.0.1:4000"), socket("127.0.0.1:26379"), 9);
        self.decoders.push((client, ReplyDecoder::new()));
        self.give(Input::ClientConnected { client, addresses });
        client
    }

    fn give(&mut self, input: Input) {
        self.sentinel.handle(self.now, input);
        self.pump();
    }

    /// Carries out what the core wants, as far as the test's host can.
    fn pump(&mut self) {
        while let Some(output) = self.sentinel.poll_output() {
            match output {
                Output::ClientSend { client, bytes } => self.decode(client, &bytes),
                Output::Persist { ticket, state } => {
                    self.state = Some(state);
                    self.unwritten = Some(ticket);
                    self.write();
                }
                Output::CheckScript { query, path } => {
                    let executable = self.executable.iter().any(|known| *known == path);
                    self.answer(Input::ScriptChecked { query, executable });
                }
                Output::Resolve { query, host } => self.resolve(query, &host),
                Output::ReadFile { query, .. } => {
                    let result = self.acl_file.clone().map(Secret::new);
                    self.answer(Input::FileRead { query, result });
                }
                Output::WriteFile { query, text, .. } => {
                    self.acl_file = Ok(text.expose().to_vec());
                    self.answer(Input::FileWritten { query, result: Ok(()) });
                }
                Output::Event(event) => self.events.push(event),
                Output::Exit { code } => self.exit = Some(code),
                _ => {}
            }
        }
    }

    fn answer(&mut self, input: Input) {
        self.sentinel.handle(self.now, input);
    }

    fn resolve(&mut self, query: QueryId, host: &str) {
        let ip = self.resolvable.iter().find(|(name, _)| *name == host);
        let result = match ip {
            Some((_, ip)) => Ok(vec![ip.parse().expect("an IP")]),
            None => Err("Name or service not known".to_string()),
        };
        self.answer(Input::Resolved { query, result });
    }

    /// Lets the disk answer, if it does.
    fn write(&mut self) {
        if let (Some(result), Some(ticket)) = (self.disk.clone(), self.unwritten) {
            self.unwritten = None;
            self.answer(Input::Persisted { ticket, result });
        }
    }

    fn decode(&mut self, client: ClientId, bytes: &[u8]) {
        let (_, decoder) = self.decoders.iter_mut().find(|(id, _)| *id == client).expect("a known client");
        decoder.extend(bytes);
        while let Some(reply) = decoder.next().expect("well-formed replies") {
            self.replies.push_back((client, reply));
        }
    }

    fn send(&mut self, client: ClientId, words: &[&str]) {
        self.give(Input::ClientData { client, bytes: command(words) });
    }

    /// Asks on a connection of its own, in RESP3 so that maps show.
    #[track_caller]
    fn ask(&mut self, words: &[&str]) -> Reply {
        let client = self.connect();
        self.send(client, &["HELLO", "3"]);
        self.replies.clear();
        self.send(client, words);
        let reply = self.replies.pop_front().unwrap_or_else(|| panic!("{words:?} has no reply"));
        assert!(self.replies.is_empty(), "{words:?}: more than one reply");
        self.sentinel.handle(self.now, Input::ClientGone { client });
        reply.1
    }

    #[track_caller]
    fn ask_line(&mut self, line: &str) -> Reply {
        self.ask(&line.split(' ').collect::<Vec<_>>())
    }

    fn text(&self) -> String {
        let state = self.state.as_ref().expect("something was written");
        String::from_utf8(state.rewrite(b"")).expect("text")
    }
}

fn read(file: &str) -> Config {
    let mut include = |_: &[u8]| Err("no other files".to_string());
    Config::read("s.conf", file.as_bytes(), &mut include, &|_| true).expect("a valid file")
}

fn ok() -> Reply {
    Reply::simple("OK")
}

fn error(text: &str) -> Reply {
    Reply::error(text.to_string())
}

/// The pairs of a map as text, in order.
#[track_caller]
fn pairs(reply: &Reply) -> Vec<(String, String)> {
    let pairs = reply.as_pairs().unwrap_or_else(|| panic!("a map, not {reply:?}"));
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
        other => panic!("a bulk string, not {other:?}"),
    };
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn names(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    &pairs.iter().find(|(known, _)| known == name).expect("the field is there").1
}
