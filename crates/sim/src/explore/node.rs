//! One Sentinel with its disk and its clock, and the replica that it talks to.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder, command};
use picket_sansio::{ClientId, LinkId, Ticket, Time};
use picket_sentinel_core::{Input, Output, PersistentState};

use super::SENTINELS;
use super::turns::{Core, Turn, Turns};
use crate::hash::Hash;

/// What a process of a Sentinel has, and what outlives it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// None while it is dead.
    pub(super) core: Option<Rc<Core>>,
    /// Its own clock.
    pub(super) now: Time,
    pub(super) disk: Rc<[u8]>,
    pub(super) writing: Option<Rc<(Ticket, PersistentState)>>,
    pub(super) links: BTreeMap<LinkId, Target>,
    pub(super) clients: u64,
    /// Answers of the replica on their way, and whether it matters when they arrive.
    pub(super) answers: VecDeque<(LinkId, Bytes, bool)>,
    /// SLAVEOF NO ONE waits for EXEC.
    pub(super) promotes: bool,
    /// The epoch in which it leads.
    pub(super) leads: Option<u64>,
    /// The link on which it hears what is published on the replica.
    pub(super) hears: Option<LinkId>,
    /// How often it was started.
    pub(super) starts: u64,
}

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The master, which never answers.
    Master,
    Replica,
    Peer(usize),
}

const MASTER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1)), 6379);
const REPLICA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 2)), 6379);

pub(super) fn addr_of(node: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1 + u8::try_from(node).unwrap_or(u8::MAX))), 26379)
}

/// MYID of a Sentinel.
pub(super) fn id_of(node: usize) -> String {
    core::iter::repeat_n(DIGITS[node], 40).collect()
}

const DIGITS: [char; SENTINELS] = ['a', 'b', 'c'];

/// The Sentinel with that MYID.
pub(super) fn node_of(id: &str) -> Option<usize> {
    DIGITS.iter().position(|digit| id.starts_with(*digit))
}

pub(super) fn target_of(addr: SocketAddr) -> Option<Target> {
    match addr {
        MASTER => Some(Target::Master),
        REPLICA => Some(Target::Replica),
        _ => (0..SENTINELS).find(|node| addr_of(*node) == addr).map(Target::Peer),
    }
}

/// Long after the start and long before anything periodic is due: elections happen in between.
pub(super) const DOWN_AFTER_MS: u64 = 100_000;

/// What is periodic stays out of the way: an election is over within seconds of each clock.
pub(super) const QUIET: &[&str] = &[
    "SENTINEL",
    "DEBUG",
    "INFO-PERIOD",
    "100000000",
    "PING-PERIOD",
    "100000000",
    "ASK-PERIOD",
    "80000",
    "PUBLISH-PERIOD",
    "70000",
    "TILT-TRIGGER",
    "100000000",
];

impl Node {
    pub(super) fn new(number: usize, quorum: u32) -> Self {
        let mut text = format!(
            "port 26379\nsentinel myid {}\nsentinel monitor m {} {} {quorum}\n\
             sentinel down-after-milliseconds m {DOWN_AFTER_MS}\nsentinel failover-timeout m 20000\n\
             sentinel known-replica m {} {}\n",
            id_of(number),
            MASTER.ip(),
            MASTER.port(),
            REPLICA.ip(),
            REPLICA.port()
        );
        for peer in (0..SENTINELS).filter(|peer| *peer != number) {
            let (addr, id) = (addr_of(peer), id_of(peer));
            text.push_str(&format!("sentinel known-sentinel m {} {} {id}\n", addr.ip(), addr.port()));
        }
        Self {
            core: None,
            now: Time(0),
            disk: text.into_bytes().into(),
            writing: None,
            links: BTreeMap::new(),
            clients: 0,
            answers: VecDeque::new(),
            promotes: false,
            leads: None,
            hears: None,
            starts: 0,
        }
    }

    /// A process begins with what is on the disk.
    pub(super) fn start(&mut self, turns: &mut Turns) -> Rc<[Output]> {
        self.starts += 1;
        self.now = Time(0);
        let Turn { core, outputs } = turns.begin(&self.disk, self.starts);
        self.core = Some(core);
        outputs
    }

    /// The core takes an input, if it runs.
    pub(super) fn handle(&mut self, turns: &mut Turns, input: Input) -> Option<Rc<[Output]>> {
        let Turn { core, outputs } = turns.take(self.core.as_ref()?, self.now, input);
        self.core = Some(core);
        Some(outputs)
    }

    /// The process ends; a write that was on its way is kept or not.
    pub(super) fn die(&mut self, is_kept: bool) {
        if let Some(writing) = self.writing.take()
            && is_kept
        {
            self.disk = writing.1.rewrite(&self.disk).into();
        }
        self.core = None;
        self.links.clear();
        self.answers.clear();
        self.promotes = false;
        self.leads = None;
        self.hears = None;
    }

    /// What is being written is on the disk.
    pub(super) fn write(&mut self) -> Option<Input> {
        let writing = self.writing.take()?;
        self.disk = writing.1.rewrite(&self.disk).into();
        Some(Input::Persisted { ticket: writing.0, result: Ok(()) })
    }

    pub(super) fn next_client(&mut self) -> ClientId {
        ClientId::next(&mut self.clients)
    }

    /// The replica takes a command; true if it was promoted by it.
    pub(super) fn ask_replica(&mut self, link: LinkId, bytes: &Bytes, is_master: &mut bool) {
        let words = words(bytes);
        let word = |index: usize| words.get(index).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        let (answer, matters) = match word(0).as_str() {
            "PING" => ("+PONG\r\n".into(), false),
            "SUBSCRIBE" => {
                self.hears = Some(link);
                ("*3\r\n$9\r\nsubscribe\r\n$18\r\n__sentinel__:hello\r\n:1\r\n".into(), false)
            }
            "PUBLISH" => {
                // It comes back. The others know all that it says.
                if let (Some(channel), [_, name, hello]) = (self.hears, &words[..]) {
                    let echo = command(["message", name, hello]);
                    self.answers.push_back((channel, echo, false));
                }
                (":1\r\n".into(), false)
            }
            "INFO" => (info(*is_master), self.leads.is_some()),
            "SLAVEOF" | "REPLICAOF" => {
                self.promotes = word(1) == "NO" && word(2) == "ONE";
                ("+QUEUED\r\n".into(), false)
            }
            "EXEC" => {
                *is_master |= core::mem::take(&mut self.promotes);
                ("*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n".into(), self.leads.is_some())
            }
            "CONFIG" => ("+QUEUED\r\n".into(), false),
            "CLIENT" if word(1) == "KILL" => ("+QUEUED\r\n".into(), false),
            _ => ("+OK\r\n".into(), false),
        };
        self.answers.push_back((link, Bytes::from(answer), matters));
    }

    pub(super) fn hash(&self) -> u64 {
        let mut hash = Hash::new();
        // Writing into a hash cannot fail.
        let _ = write!(hash, "{:?} {:?} {:?} {:?} ", self.now, self.leads, self.promotes, self.answers);
        let _ = write!(hash, "{:?} {} ", self.hears, self.starts);
        hash.add(&self.disk);
        if let Some(writing) = &self.writing {
            let (ticket, state) = &**writing;
            let _ = write!(hash, " {ticket} ");
            state.lines.iter().for_each(|line| hash.add(line.text.expose()));
        }
        if let Some(core) = &self.core {
            hash.add(&core.hash.to_le_bytes());
        }
        hash.value()
    }
}

fn info(is_master: bool) -> String {
    let role = if is_master {
        "role:master\r\nconnected_slaves:0\r\n".into()
    } else {
        format!(
            "role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_link_status:up\r\nslave_repl_offset:100\r\n\
             slave_priority:100\r\n",
            MASTER.ip(),
            MASTER.port()
        )
    };
    let text = format!("# Server\r\nrun_id:{}\r\n# Replication\r\n{role}", "d".repeat(40));
    format!("${}\r\n{text}\r\n", text.len())
}

/// The words of a command.
pub(super) fn words(bytes: &[u8]) -> Vec<String> {
    let reply = decode(bytes);
    let items = reply.as_ref().and_then(Reply::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(Into::into)).collect()
}

/// What somebody sent, if it is one whole value.
pub(super) fn decode(bytes: &[u8]) -> Option<Reply> {
    let mut decoder = ReplyDecoder::new();
    decoder.extend(bytes);
    decoder.next().ok().flatten()
}
