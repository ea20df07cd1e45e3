//! A few nodes in one process with pipes for connections and maps for disks: what a host does, without one.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use picket_node_core::{FileId, FileResult, Node, NodeEvent, NodeInput, NodeOptions, NodeOutput};
use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::{ClientId, LinkId, Millis, Time, WallTime};
use picket_server_core::{ClientAddresses, Identity, Origin, Settings};

/// Calendar time at the beginning.
pub(crate) const START_MS: u64 = 1_700_000_000_000;
const BUDGET: u64 = 1 << 20;

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Machine>,
    ids: u64,
    conns: Vec<Conn>,
}

/// A node with its disk.
pub(crate) struct Machine {
    pub(crate) node: Option<Node>,
    pub(crate) disk: BTreeMap<String, Vec<u8>>,
    pub(crate) events: Vec<NodeEvent>,
    pub(crate) exit: Option<i32>,
    settings: Vec<(String, String)>,
    open: BTreeMap<FileId, Vec<u8>>,
    committed: BTreeMap<FileId, String>,
    replies: BTreeMap<ClientId, (ReplyDecoder, VecDeque<Reply>)>,
    closed: Vec<ClientId>,
    seed: u64,
    /// What is done with files ends one step later each.
    pub(crate) has_slow_disk: bool,
    /// What is written to files does not get there.
    pub(crate) has_full_disk: bool,
    files: VecDeque<(FileId, FileResult)>,
}

/// A replica's connection to its master.
struct Conn {
    from: usize,
    link: LinkId,
    to: usize,
    client: ClientId,
    up: bool,
    is_replica: bool,
    is_paused: bool,
    is_closing: bool,
    to_master: VecDeque<Bytes>,
    to_replica: VecDeque<Bytes>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { now: Time(1_000_000), nodes: Vec::new(), ids: 100, conns: Vec::new() }
    }

    /// Adds a node with these directives; returns its number, which is its port too.
    pub(crate) fn add(&mut self, directives: &[(&str, &str)]) -> usize {
        let index = self.nodes.len();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let defaults = [("save", ""), ("repl-diskless-sync-delay", "0"), ("enable-debug-command", "yes")];
        self.nodes.push(Machine {
            node: None,
            disk: BTreeMap::new(),
            events: Vec::new(),
            exit: None,
            settings: defaults.iter().chain(directives).map(own).collect(),
            open: BTreeMap::new(),
            committed: BTreeMap::new(),
            replies: BTreeMap::new(),
            closed: Vec::new(),
            seed: index as u64 + 1,
            has_slow_disk: false,
            has_full_disk: false,
            files: VecDeque::new(),
        });
        self.start(index);
        index
    }

    /// Changes the configuration file of a node.
    pub(crate) fn configure(&mut self, index: usize, name: &str, value: &str) {
        self.nodes[index].settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts a node that was killed, with what is on its disk.
    pub(crate) fn start(&mut self, index: usize) {
        let machine = &mut self.nodes[index];
        machine.seed += 100;
        let mut settings = Settings::new();
        settings.set("port", index.to_string().as_bytes()).expect("a port");
        let mut renames = Vec::new();
        for (name, value) in &machine.settings {
            if name == "rename-command" {
                let text = format!("{name} {value}\n");
                let lines = picket_server_core::config::lines(&"redis.conf".into(), text.as_bytes());
                renames.extend(lines.map(|line| line.expect("a line")));
                continue;
            }
            settings.set(name, value.as_bytes()).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
        }
        let options = NodeOptions {
            settings,
            users: Vec::new(),
            renames,
            identity: Identity {
                name: "redis".into(),
                version: "7.4.0".into(),
                valkey_version: None,
                mode: "standalone".into(),
                role: None,
                run_id: "0".repeat(40),
                git_sha1: "00000000".into(),
                build_id: "0".into(),
            },
            working_dir: b"/".to_vec(),
            has_config_file: false,
            seed: machine.seed,
            wall: WallTime(START_MS * 1000 + self.now.0),
        };
        machine.node = Some(Node::new(self.now, options).expect("a configuration"));
        self.perform(index);
    }

    /// Ends a node without a word.
    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].node = None;
        self.nodes[index].open.clear();
        self.nodes[index].files.clear();
        self.nodes[index].replies.clear();
        let gone: Vec<Conn> =
            self.conns.extract_if(.., |conn| conn.from == index || conn.to == index).collect();
        for conn in gone {
            if conn.from == index {
                self.input(conn.to, NodeInput::ClientGone { client: conn.client });
            } else {
                let reason = "Connection reset by peer".to_owned();
                self.input(conn.from, NodeInput::LinkDown { link: conn.link, reason });
            }
        }
    }

    /// Cuts the links of a node to its master.
    pub(crate) fn cut(&mut self, index: usize) {
        let cut: Vec<Conn> = self.conns.extract_if(.., |conn| conn.from == index).collect();
        for conn in cut {
            self.input(conn.to, NodeInput::ClientGone { client: conn.client });
            let reason = "Connection reset by peer".to_owned();
            self.input(conn.from, NodeInput::LinkDown { link: conn.link, reason });
        }
    }

    /// Cuts one of the links of a node to its master, counted from the oldest; false if it has no such link.
    pub(crate) fn cut_link(&mut self, index: usize, number: usize) -> bool {
        let of_node = |(_, conn): &(usize, &Conn)| conn.from == index && conn.up;
        let Some((at, _)) = self.conns.iter().enumerate().filter(of_node).nth(number) else { return false };
        let conn = self.conns.remove(at);
        self.input(conn.to, NodeInput::ClientGone { client: conn.client });
        let reason = "Connection reset by peer".to_owned();
        self.input(conn.from, NodeInput::LinkDown { link: conn.link, reason });
        true
    }

    /// Nothing more arrives from the master of a node.
    pub(crate) fn stall(&mut self, index: usize) {
        self.conns.iter_mut().filter(|conn| conn.from == index).for_each(|conn| conn.is_paused = true);
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        self.nodes[index].node.as_ref().expect("it runs")
    }

    /// Everything that a node told, a line each.
    pub(crate) fn told(&self, index: usize) -> String {
        let lines: Vec<String> = self.nodes[index].events.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// A client of a node.
    pub(crate) fn client(&mut self, index: usize) -> ClientId {
        self.ids += 1;
        let client = ClientId(self.ids);
        let addresses = ClientAddresses {
            peer: "127.0.0.1:5".into(),
            local: "127.0.0.1:6".into(),
            fd: 9,
            origin: Origin::Loopback,
        };
        self.nodes[index].replies.insert(client, (ReplyDecoder::new(), VecDeque::new()));
        self.input(index, NodeInput::ClientConnected { client, addresses });
        client
    }

    /// Sends a request; its words are divided by blanks.
    pub(crate) fn send(&mut self, index: usize, client: ClientId, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let mut bytes = BytesMut::new();
        picket_resp::append_command(&mut bytes, &words);
        self.input(index, NodeInput::ClientData { client, bytes: &bytes });
    }

    /// The next reply to a client, if it is there.
    pub(crate) fn reply(&mut self, index: usize, client: ClientId) -> Option<Reply> {
        self.nodes[index].replies.get_mut(&client)?.1.pop_front()
    }

    pub(crate) fn is_closed(&self, index: usize, client: ClientId) -> bool {
        self.nodes[index].closed.contains(&client)
    }

    /// Sends a request and waits for its reply.
    #[track_caller]
    pub(crate) fn ask(&mut self, index: usize, client: ClientId, line: &str) -> Reply {
        self.send(index, client, line);
        for _ in 0..100_000 {
            if let Some(reply) = self.reply(index, client) {
                return reply;
            }
            self.step();
        }
        panic!("no reply to {line}");
    }

    /// The same by a client of its own.
    #[track_caller]
    pub(crate) fn run(&mut self, index: usize, line: &str) -> Reply {
        let client = self.client(index);
        let reply = self.ask(index, client, line);
        self.nodes[index].replies.remove(&client);
        self.input(index, NodeInput::ClientGone { client });
        reply
    }

    /// A field of INFO.
    #[track_caller]
    pub(crate) fn info(&mut self, index: usize, field: &str) -> String {
        let reply = self.run(index, "INFO everything");
        let text = reply.as_str().expect("text").to_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
        line.unwrap_or_else(|| panic!("no {field} in {text}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        for _ in 0..20_000 {
            if condition(self) {
                return;
            }
            self.step();
        }
        for (index, machine) in self.nodes.iter().enumerate() {
            for event in machine.events.iter().rev().take(12).rev() {
                eprintln!("{index}: {event}");
            }
        }
        panic!("never: {what}");
    }

    #[track_caller]
    pub(crate) fn until_info(&mut self, index: usize, field: &str, value: &str) {
        self.until(&format!("{field}:{value} of {index}"), |world| world.info(index, field) == value);
    }

    /// Lets every connection deliver something, and the time go on by a millisecond.
    pub(crate) fn step(&mut self) {
        for at in 0..self.conns.len() {
            self.deliver(at);
        }
        self.now = self.now + Millis(1);
        for index in 0..self.nodes.len() {
            if let Some((file, result)) = self.nodes[index].files.pop_front() {
                self.input(index, NodeInput::File { file, result });
            }
            let due = |node: &Node| node.next_deadline().is_some_and(|deadline| deadline.at <= self.now);
            if self.nodes[index].node.as_ref().is_some_and(due) {
                self.input(index, NodeInput::Wake);
            }
        }
    }

    pub(crate) fn pass(&mut self, span: Millis) {
        let end = self.now + span;
        while self.now < end {
            self.step();
        }
    }

    fn deliver(&mut self, at: usize) {
        let Some(conn) = self.conns.get_mut(at) else { return };
        let (from, to, link, client) = (conn.from, conn.to, conn.link, conn.client);
        if !conn.up {
            conn.up = true;
            let addresses = ClientAddresses {
                peer: "127.0.0.1:7".into(),
                local: "127.0.0.1:8".into(),
                fd: 9,
                origin: Origin::Loopback,
            };
            if self.nodes[to].node.is_none() {
                self.conns.remove(at);
                let reason = "Connection refused".to_owned();
                return self.input(from, NodeInput::LinkDown { link, reason });
            }
            self.input(to, NodeInput::ClientConnected { client, addresses: addresses.clone() });
            return self.input(from, NodeInput::LinkUp { link, addresses });
        }
        if let Some(bytes) = conn.to_master.pop_front() {
            self.input(to, NodeInput::ClientData { client, bytes: &bytes });
        }
        let Some(conn) = self.conns.iter_mut().find(|conn| conn.client == client) else { return };
        if !conn.is_paused
            && let Some(bytes) = conn.to_replica.pop_front()
        {
            self.input(from, NodeInput::LinkData { link, bytes });
        }
        let Some(at) = self.conns.iter().position(|conn| conn.client == client) else { return };
        let conn = &self.conns[at];
        if conn.is_closing && conn.to_replica.is_empty() {
            self.conns.remove(at);
            self.input(from, NodeInput::LinkDown { link, reason: "EOF".to_owned() });
        } else if conn.is_replica && !conn.is_closing {
            let waiting: u64 = conn.to_replica.iter().map(|bytes| bytes.len() as u64).sum();
            self.input(to, NodeInput::ClientWritable { client, budget: BUDGET.saturating_sub(waiting) });
        }
    }

    pub(crate) fn input(&mut self, index: usize, input: NodeInput<'_>) {
        let now = self.now;
        if let Some(node) = &mut self.nodes[index].node {
            node.handle(now, input);
            self.perform(index);
        }
    }

    fn perform(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].node.as_mut().and_then(Node::poll_output) {
            self.carry_out(index, output);
        }
        while self.nodes[index].node.as_mut().and_then(Node::take_garbage).is_some() {}
    }

    fn carry_out(&mut self, index: usize, output: NodeOutput) {
        let conn_of_link =
            |conns: &mut Vec<Conn>, link| conns.iter().position(|it| it.from == index && it.link == link);
        let conn_of_client =
            |conns: &mut Vec<Conn>, client| conns.iter().position(|it| it.to == index && it.client == client);
        match output {
            NodeOutput::ClientSend { client, bytes } => self.deliver_to(index, client, bytes),
            NodeOutput::ClientFeed { client, pieces } => {
                pieces.into_iter().for_each(|bytes| self.deliver_to(index, client, bytes));
            }
            NodeOutput::ClientIsReplica { client } => {
                if let Some(at) = conn_of_client(&mut self.conns, client) {
                    self.conns[at].is_replica = true;
                }
            }
            NodeOutput::ClientClose { client } => match conn_of_client(&mut self.conns, client) {
                Some(at) => {
                    self.conns[at].is_closing = true;
                    self.conns[at].is_paused = false;
                }
                None => self.nodes[index].closed.push(client),
            },
            NodeOutput::Connect { link, port, .. } => {
                self.ids += 1;
                self.conns.push(Conn {
                    from: index,
                    link,
                    to: usize::from(port),
                    client: ClientId(self.ids),
                    up: false,
                    is_replica: false,
                    is_paused: false,
                    is_closing: false,
                    to_master: VecDeque::new(),
                    to_replica: VecDeque::new(),
                });
            }
            NodeOutput::LinkSend { link, bytes } => {
                if let Some(at) = conn_of_link(&mut self.conns, link) {
                    self.conns[at].to_master.push_back(bytes);
                }
            }
            NodeOutput::LinkSendSecret { link, bytes } => {
                if let Some(at) = conn_of_link(&mut self.conns, link) {
                    self.conns[at].to_master.push_back(Bytes::copy_from_slice(bytes.expose()));
                }
            }
            NodeOutput::LinkPause { link } => {
                if let Some(at) = conn_of_link(&mut self.conns, link) {
                    self.conns[at].is_paused = true;
                }
            }
            NodeOutput::LinkResume { link } => {
                if let Some(at) = conn_of_link(&mut self.conns, link) {
                    self.conns[at].is_paused = false;
                }
            }
            NodeOutput::LinkClose { link } => {
                if let Some(at) = conn_of_link(&mut self.conns, link) {
                    let conn = self.conns.remove(at);
                    if conn.up {
                        self.input(conn.to, NodeInput::ClientGone { client: conn.client });
                    }
                }
            }
            NodeOutput::CreateFile { file } => {
                self.nodes[index].open.insert(file, Vec::new());
            }
            NodeOutput::WriteFile { file, .. } if self.nodes[index].has_full_disk => {
                self.file(index, file, FileResult::Failed("No space left on device".to_owned()));
            }
            NodeOutput::WriteFile { file, bytes } => {
                if let Some(open) = self.nodes[index].open.get_mut(&file) {
                    open.extend_from_slice(&bytes);
                }
                self.file(index, file, FileResult::Written);
            }
            NodeOutput::CommitFile { file, name } => {
                let bytes = self.nodes[index].open[&file].clone();
                self.nodes[index].disk.insert(name.clone(), bytes);
                self.nodes[index].committed.insert(file, name);
                self.file(index, file, FileResult::Committed);
            }
            NodeOutput::RemoveFile { file } => {
                let name = self.nodes[index].committed.remove(&file).expect("a committed file");
                self.nodes[index].disk.remove(&name);
            }
            NodeOutput::OpenFile { file, name } => {
                let result = match self.nodes[index].disk.get(&name).cloned() {
                    Some(bytes) => {
                        let len = bytes.len() as u64;
                        self.nodes[index].open.insert(file, bytes);
                        FileResult::Opened { len }
                    }
                    None => FileResult::Missing,
                };
                self.file(index, file, result);
            }
            NodeOutput::ReadFile { file, offset, len } => {
                let bytes = &self.nodes[index].open[&file];
                let from = bytes.len().min(offset as usize);
                let to = bytes.len().min((offset + len) as usize);
                let read = Bytes::copy_from_slice(&bytes[from..to]);
                self.file(index, file, FileResult::Read(read));
            }
            NodeOutput::CloseFile { file } => {
                self.nodes[index].open.remove(&file);
            }
            NodeOutput::Event(event) => self.nodes[index].events.push(event),
            NodeOutput::Exit { code } => {
                self.nodes[index].exit = Some(code);
            }
            NodeOutput::Settings(_) | NodeOutput::Sleep(_) => {}
            NodeOutput::WriteText { query, .. } => {
                self.input(index, NodeInput::Written { query, result: Ok(()) });
            }
            NodeOutput::ChangeFolder { query, path } => {
                let result =
                    if path == b"/none" { Err("No such file or directory".into()) } else { Ok(path) };
                self.input(index, NodeInput::FolderChanged { query, result });
            }
            NodeOutput::RewriteConfig { .. } | NodeOutput::ReadText { .. } => {
                panic!("nobody asks for this here")
            }
        }
    }

    fn deliver_to(&mut self, index: usize, client: ClientId, bytes: Bytes) {
        if let Some(conn) = self.conns.iter_mut().find(|it| it.to == index && it.client == client) {
            conn.to_replica.push_back(bytes);
            return;
        }
        if let Some((decoder, replies)) = self.nodes[index].replies.get_mut(&client) {
            decoder.extend(&bytes);
            while let Some(reply) = decoder.next().expect("RESP") {
                replies.push_back(reply);
            }
        }
    }

    fn file(&mut self, index: usize, file: FileId, result: FileResult) {
        if self.nodes[index].has_slow_disk {
            self.nodes[index].files.push_back((file, result));
        } else {
            self.input(index, NodeInput::File { file, result });
        }
    }
}
