//! One Sentinel among scripted servers that answer at once: for rules that need no network. Time passes
//! only when a test lets it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{RequestBuffer, command};
use picket_sansio::{ClientId, LinkId, Millis, QueryId, Time, WallTime};
use picket_sentinel_core::{Config, Input, Output, PersistentState, Sentinel, Status};
use picket_server_core::ClientAddresses;

pub const MY_ID: &str = "1111111111111111111111111111111111111111";
pub const MASTER: &str = "mymaster";

/// A run id or MYID of one letter.
pub fn id(letter: char) -> String {
    letter.to_string().repeat(40)
}

/// A connection of the Sentinel to one of the servers.
struct Link {
    to: SocketAddr,
    requests: RequestBuffer,
    in_transaction: bool,
    subscribed: bool,
}

/// The Sentinel and what surrounds it.
pub struct Host {
    pub sentinel: Sentinel,
    now: Time,
    /// What INFO of each running server says.
    info: BTreeMap<SocketAddr, String>,
    names: BTreeMap<String, String>,
    /// Questions about names are kept for the test to answer.
    pub holds_answers: bool,
    pub questions: Vec<(QueryId, String)>,
    links: BTreeMap<LinkId, Link>,
    /// Events, and each SLAVEOF with its receiver.
    pub log: Vec<String>,
    /// Every command that reached a server: when, which, and its first word.
    pub commands: Vec<(Time, SocketAddr, String)>,
    /// Servers that take everything and answer nothing.
    pub hung: BTreeSet<SocketAddr>,
    /// What servers answer to SUBSCRIBE instead of letting anybody listen.
    pub refusals: BTreeMap<SocketAddr, String>,
    /// Where the Sentinel connected to.
    pub dialled: BTreeSet<SocketAddr>,
    /// Bytes sent to clients.
    pub replies: String,
    state: PersistentState,
    /// Writes of the state fail.
    pub is_disk_full: bool,
    clients: u64,
    /// What a command is answered otherwise than usual, in RESP: by the server and the beginning of the command.
    pub answers: BTreeMap<(SocketAddr, String), String>,
    /// What servers were sent, each with its receiver; without what is periodic.
    pub sent: Vec<String>,
}

impl Host {
    /// A Sentinel that starts with this file, MYID added. It begins with the first time that passes.
    #[track_caller]
    pub fn new(file: &str, servers: &[(&str, &str)], names: &[(&str, &str)]) -> Self {
        let config = read(&format!("sentinel myid {MY_ID}\n{file}")).expect("a valid file");
        Self {
            sentinel: Sentinel::new(Time(0), WallTime(1_700_000_000_000_000), 7, config),
            now: Time(0),
            info: servers
                .iter()
                .map(|(addr, info)| (addr.parse().expect("ip:port"), (*info).into()))
                .collect(),
            names: names.iter().map(|(name, ip)| ((*name).into(), (*ip).into())).collect(),
            holds_answers: false,
            questions: Vec::new(),
            links: BTreeMap::new(),
            log: Vec::new(),
            commands: Vec::new(),
            hung: BTreeSet::new(),
            refusals: BTreeMap::new(),
            dialled: BTreeSet::new(),
            replies: String::new(),
            state: PersistentState::default(),
            is_disk_full: false,
            clients: 0,
            answers: BTreeMap::new(),
            sent: Vec::new(),
        }
    }

    /// From now on INFO of a server says this.
    pub fn set_info(&mut self, addr: &str, info: &str) {
        self.info.insert(addr.parse().expect("ip:port"), info.into());
    }

    /// From now on a server answers this to commands that begin so.
    pub fn set_answer(&mut self, addr: &str, command: &str, answer: &str) {
        self.answers.insert((addr.parse().expect("ip:port"), command.into()), answer.into());
    }

    /// How often a server was sent a command that begins so.
    pub fn count(&self, addr: &str, command: &str) -> usize {
        let start = format!("{addr} <- {command}");
        self.sent.iter().filter(|line| line.starts_with(&start)).count()
    }

    pub fn give(&mut self, input: Input) {
        self.sentinel.handle(self.now, input);
        self.carry_out();
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: u64) {
        self.carry_out();
        let end = self.now + Millis(span);
        while let Some(deadline) = self.sentinel.next_deadline().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.give(Input::Wake);
        }
        self.now = end;
    }

    /// The process is held up.
    pub fn stall(&mut self, span: u64) {
        self.now = self.now + Millis(span);
        self.give(Input::Wake);
    }

    /// A server starts.
    pub fn start(&mut self, addr: &str, info: &str) {
        self.info.insert(addr.parse().expect("ip:port"), info.into());
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// How often a server got a command since then.
    pub fn count_since(&self, addr: &str, command: &str, since: Time) -> usize {
        let addr: SocketAddr = addr.parse().expect("ip:port");
        let is_meant =
            |(at, to, name): &&(Time, SocketAddr, String)| *at >= since && *to == addr && name == command;
        self.commands.iter().filter(is_meant).count()
    }

    /// A hello reaches it over the channel of a server.
    pub fn hello_over(&mut self, addr: &str, payload: &str) {
        let addr: SocketAddr = addr.parse().expect("ip:port");
        let is_there = |link: &&Link| link.to == addr && link.subscribed;
        let found = self.links.iter().find(|(_, link)| is_there(link)).map(|(link, _)| *link);
        let link = found.expect("somebody listens there");
        self.give(Input::LinkData { link, bytes: message(payload.as_bytes()) });
    }

    /// A server dies.
    pub fn kill(&mut self, addr: &str) {
        let addr: SocketAddr = addr.parse().expect("ip:port");
        self.info.remove(&addr);
        let lost: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.to == addr).map(|(link, _)| *link).collect();
        for link in lost {
            self.links.remove(&link);
            self.give(Input::LinkDown { link, reason: "Connection reset by peer".into() });
        }
    }

    /// A command of a client of its own; the reply as text.
    pub fn ask(&mut self, words: &[&str]) -> String {
        self.clients += 1;
        let client = ClientId(self.clients);
        let peer = "127.0.0.1:4000".parse().expect("ip:port");
        let addresses = ClientAddresses::tcp(peer, "127.0.0.1:26379".parse().expect("ip:port"), 9);
        self.replies.clear();
        self.give(Input::ClientConnected { client, addresses });
        self.give(Input::ClientData { client, bytes: command(words) });
        let reply = self.replies.clone();
        self.give(Input::ClientGone { client });
        reply
    }

    /// A hello reaches it directly.
    pub fn hello(&mut self, payload: &str) {
        self.ask(&["PUBLISH", "__sentinel__:hello", payload]);
    }

    pub fn status(&self) -> Status {
        self.sentinel.status()
    }

    /// The config file as it was written last.
    pub fn written(&self) -> String {
        String::from_utf8(self.state.rewrite(b"")).expect("text")
    }

    /// The config file as it would be written now.
    pub fn file(&mut self) -> String {
        self.ask(&["SENTINEL", "FLUSHCONFIG"]);
        self.written()
    }

    fn carry_out(&mut self) {
        let mut inputs = VecDeque::new();
        loop {
            while let Some(output) = self.sentinel.poll_output() {
                self.perform(output, &mut inputs);
            }
            match inputs.pop_front() {
                Some(input) => self.sentinel.handle(self.now, input),
                None => return,
            }
        }
    }

    fn perform(&mut self, output: Output, inputs: &mut VecDeque<Input>) {
        match output {
            Output::Connect { link, to } => {
                self.dialled.insert(to);
                if self.info.contains_key(&to) {
                    let requests = RequestBuffer::new();
                    self.links.insert(link, Link { to, requests, in_transaction: false, subscribed: false });
                    inputs.push_back(Input::LinkUp { link, local: [10, 0, 0, 99].into() });
                } else {
                    inputs.push_back(Input::LinkDown { link, reason: "Connection refused".into() });
                }
            }
            Output::LinkSend { link, bytes } => {
                let mut published = Vec::new();
                let answer = self.answer(link, &bytes, &mut published);
                for (to, payload) in published {
                    let listening = self.links.iter().filter(|(_, link)| link.to == to && link.subscribed);
                    inputs.extend(
                        listening.map(|(link, _)| Input::LinkData { link: *link, bytes: message(&payload) }),
                    );
                }
                if !answer.is_empty() {
                    inputs.push_back(Input::LinkData { link, bytes: Bytes::from(answer) });
                }
            }
            Output::LinkClose { link } => {
                self.links.remove(&link);
            }
            Output::Resolve { query, host } if self.holds_answers => self.questions.push((query, host)),
            Output::Resolve { query, host } => {
                let ip = self.names.get(&host.to_ascii_lowercase());
                let result = ip.map(|ip| vec![ip.parse().expect("an IP")]);
                let result = result.ok_or("Name or service not known".to_string());
                inputs.push_back(Input::Resolved { query, result });
            }
            Output::Persist { ticket, .. } if self.is_disk_full => {
                let result = Err("No space left on device".to_string());
                inputs.push_back(Input::Persisted { ticket, result });
            }
            Output::Persist { ticket, state } => {
                self.state = state;
                inputs.push_back(Input::Persisted { ticket, result: Ok(()) });
            }
            Output::ClientSend { bytes, .. } => self.replies += &String::from_utf8_lossy(&bytes),
            Output::Event(event) => self.log.push(event.to_string()),
            _ => {}
        }
    }

    /// What a server answers to these bytes, and what it has to tell whoever listens.
    fn answer(&mut self, link: LinkId, bytes: &[u8], published: &mut Vec<(SocketAddr, Vec<u8>)>) -> String {
        let mut out = String::new();
        let Some(Link { to, requests, in_transaction, subscribed }) = self.links.get_mut(&link) else {
            return out;
        };
        requests.extend(bytes);
        while let Ok(Some(request)) = requests.next_owned() {
            let words: Vec<String> =
                request.into_args().iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            let name = words[0].to_ascii_uppercase();
            self.commands.push((self.now, *to, name.clone()));
            if self.hung.contains(to) {
                continue;
            }
            let line = words.join(" ");
            if !matches!(name.as_str(), "INFO" | "PUBLISH") && line != "PING" {
                self.sent.push(format!("{to} <- {line}"));
            }
            if name == "SLAVEOF" {
                self.log.push(format!("{to} <- {}", words.join(" ")));
            }
            let other =
                self.answers.iter().find(|((at, start), _)| at == to && line.starts_with(start.as_str()));
            if let Some((_, answer)) = other {
                out += answer;
                continue;
            }
            match name.as_str() {
                "MULTI" => *in_transaction = true,
                "EXEC" => {
                    *in_transaction = false;
                    out += "*4\r\n+OK\r\n:0\r\n:0\r\n+OK\r\n";
                    continue;
                }
                _ if *in_transaction => {
                    out += "+QUEUED\r\n";
                    continue;
                }
                _ => {}
            }
            out += &match name.as_str() {
                "PING" if words.len() > 1 => format!("${}\r\n{}\r\n", words[1].len(), words[1]),
                "PING" => "+PONG\r\n".to_string(),
                "REPLCONF" => String::new(),
                "INFO" => self.info.get(to).map_or(String::new(), |i| format!("${}\r\n{i}\r\n", i.len())),
                "SUBSCRIBE" => match self.refusals.get(to) {
                    Some(text) => format!("-{text}\r\n"),
                    None => {
                        *subscribed = true;
                        "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n".to_string()
                    }
                },
                "PUBLISH" => {
                    published.push((*to, words[2].clone().into_bytes()));
                    ":1\r\n".to_string()
                }
                "SENTINEL" => "*3\r\n:1\r\n$1\r\n*\r\n:0\r\n".to_string(),
                _ => "+OK\r\n".to_string(),
            };
        }
        out
    }
}

/// A message of the hello channel.
fn message(payload: &[u8]) -> Bytes {
    let head = format!("*3\r\n$7\r\nmessage\r\n$18\r\n__sentinel__:hello\r\n${}\r\n", payload.len());
    [head.as_bytes(), payload, b"\r\n"].concat().into()
}

/// Reads a config file.
pub fn read(text: &str) -> Result<Config, String> {
    let mut includes = |_: &[u8]| Err("there are no other files here".to_string());
    Config::read("sentinel.conf", text.as_bytes(), &mut includes, &|_| true)
        .map_err(|error| error.to_string())
}
