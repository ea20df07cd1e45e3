//! A server with clients, for tests. In transcripts `|` stands for a line end.

mod behaviour;
mod data;
mod keys;
mod random;
mod transactions;
mod transcripts;
mod users;

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
    unblocked: Vec<(ClientId, UnblockWith)>,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::with_table(TABLE, change)
    }

    fn with_table(table: &'static [CommandSpec], change: impl FnOnce(&mut ServerOptions)) -> Self {
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
        let mut options = ServerOptions::from_settings(&settings, &[], &[], CommandTable(table), identity)
            .expect("there are no lines");
        options.protected_mode = false;
        change(&mut options);
        let now = Time(5_000_000);
        let mut server = Server::new(now, options, 1);
        server.set_wall(now, WallTime(1_700_000_000_000_000));
        Self { server, now, next_id: 2, unblocked: Vec::new() }
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

    /// The next request that the application has to run, those before it being answered.
    fn next_call(&mut self) -> Option<Call> {
        while let Some(call) = self.server.next_request(self.now) {
            if let Some(call) = self.server.admit(call) {
                return Some(call);
            }
        }
        None
    }

    /// Runs everything there is; the application's commands are answered with their name and words.
    fn run(&mut self) {
        while let Some(call) = self.next_call() {
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
                ServerOutput::Unblock { client, with } => self.unblocked.push((client, with)),
                ServerOutput::Discarded { .. } | ServerOutput::Send { .. } | ServerOutput::Close { .. } => {}
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
