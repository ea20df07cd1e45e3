//! One Sentinel with much to watch while nothing happens. Everybody answers after a millisecond.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use picket_resp::{RequestBuffer, command};
use picket_sansio::{LinkId, Millis, Time, WallTime};
use picket_sentinel_core::{Config, Input, Output, Sentinel};

const MASTERS: u16 = 500;
const REPLICAS: u16 = 2;
const PEERS: u16 = 2;
/// Masters have ports from here on, and after each come its replicas; Sentinels have the ports before.
const FIRST_PORT: u16 = 10_000;
const HELLO: &str = "__sentinel__:hello";
/// How often each of the other Sentinels publishes on each master.
const PUBLISH: Millis = Millis(2_000);
/// On a replica they publish once in so many of these periods.
const REPLICA_PERIODS: u64 = 5;
/// Until everybody knows everybody, and nothing has happened for a while.
const SETTLING: Millis = Millis(40_000);
/// As long as those of a server that has just started.
const INFO: &str = include_str!("../../../testkit/src/fake/info.txt");

/// Watches for so many seconds after all is known.
pub(crate) fn run(seconds: u64) {
    let mut world = World::new();
    world.run_until(Time(0) + SETTLING);
    let status = world.sentinel.status();
    assert_eq!(status.masters.len(), usize::from(MASTERS));
    let is_known = |master: &picket_sentinel_core::MasterStatus| {
        master.replicas.len() == usize::from(REPLICAS) && master.peers.len() == usize::from(PEERS)
    };
    assert!(status.masters.iter().all(is_known), "everybody knows everybody");
    world.run_until(Time(0) + SETTLING + Millis(seconds * 1_000));
    assert_eq!(world.incidents, 0, "nothing happens");
}

/// What the Sentinel does itself, apart from the servers that are played here: callgrind is told to count inside of this.
#[inline(never)]
fn of_the_core<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// A connection of the Sentinel.
struct Link {
    port: u16,
    requests: RequestBuffer,
}

struct World {
    sentinel: Sentinel,
    now: Time,
    links: BTreeMap<LinkId, Link>,
    /// What the Sentinel is told, when.
    inbox: VecDeque<(Time, Input)>,
    /// Who hears what is published on each server.
    subscribers: BTreeMap<u16, LinkId>,
    /// Servers in the order in which their next hellos of others come.
    hellos: VecDeque<(Time, u16)>,
    /// What INFO of each server says, as a reply.
    infos: BTreeMap<u16, Bytes>,
    incidents: u32,
}

fn master_of(port: u16) -> u16 {
    port - (port - FIRST_PORT) % (1 + REPLICAS)
}

fn hello(peer: u16, master: u16) -> String {
    format!("127.0.0.1,{},{:040},0,m{master},127.0.0.1,{master},0", 9_000 + peer, peer + 1)
}

fn info(port: u16) -> Bytes {
    let master = master_of(port);
    let replication = if port == master {
        let mut text = format!("role:master\r\nconnected_slaves:{REPLICAS}\r\n");
        for place in 0..REPLICAS {
            let replica = master + 1 + place;
            text += &format!("slave{place}:ip=127.0.0.1,port={replica},state=online,offset=1,lag=0\r\n");
        }
        text
    } else {
        format!(
            "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{master}\r\nmaster_link_status:up\r\n\
             slave_repl_offset:1\r\nslave_priority:100\r\nreplica_announced:1\r\n"
        )
    };
    let lines = INFO.lines().map(|line| line.to_owned() + "\r\n").collect::<String>();
    let lines = lines.replace("@run_id@", &format!("{port:040}")).replace("@port@", &port.to_string());
    let text = lines.replace("@replication@\r\n", &replication);
    Bytes::from(format!("${}\r\n{text}\r\n", text.len()))
}

impl World {
    fn new() -> Self {
        let masters = (0..MASTERS).map(|number| FIRST_PORT + number * (1 + REPLICAS));
        let lines = masters.map(|port| format!("sentinel monitor m{port} 127.0.0.1 {port} 2\n"));
        let file = lines.collect::<String>();
        let config = Config::read(
            "sentinel.conf",
            file.as_bytes(),
            &mut |_| Err("there are no other files".into()),
            &|_| true,
        );
        let servers = FIRST_PORT..FIRST_PORT + MASTERS * (1 + REPLICAS);
        let step = PUBLISH.0 * 1_000 / servers.len() as u64;
        Self {
            sentinel: Sentinel::new(Time(0), WallTime(0), 1, config.expect("a valid file")),
            now: Time(0),
            links: BTreeMap::new(),
            inbox: VecDeque::new(),
            subscribers: BTreeMap::new(),
            infos: servers.clone().map(|port| (port, info(port))).collect(),
            hellos: servers.zip(0_u64..).map(|(port, place)| (Time(place * step), port)).collect(),
            incidents: 0,
        }
    }

    fn handle(&mut self, input: Input) {
        let (sentinel, now) = (&mut self.sentinel, self.now);
        of_the_core(|| sentinel.handle(now, input));
    }

    fn run_until(&mut self, end: Time) {
        while self.now < end {
            let inbox = self.inbox.front().map(|(at, _)| *at);
            let hellos = self.hellos.front().map(|(at, _)| *at);
            let sentinel = &self.sentinel;
            let wake = of_the_core(|| sentinel.next_deadline()).map(|deadline| deadline.at);
            let Some(next) = [inbox, hellos, wake].into_iter().flatten().min() else { break };
            self.now = next.max(self.now);
            if inbox == Some(next)
                && let Some((_, input)) = self.inbox.pop_front()
            {
                self.handle(input);
            } else if hellos == Some(next)
                && let Some((_, port)) = self.hellos.pop_front()
            {
                let round = self.now.0 / (PUBLISH.0 * 1_000) + u64::from(port);
                if port == master_of(port) || round.is_multiple_of(REPLICA_PERIODS) {
                    self.publish(port);
                }
                self.hellos.push_back((self.now + PUBLISH, port));
            } else {
                self.handle(Input::Wake);
            }
            self.perform();
        }
    }

    fn later(&mut self, input: Input) {
        self.inbox.push_back((self.now + Millis(1), input));
    }

    /// The hellos of the others arrive, each for itself.
    fn publish(&mut self, port: u16) {
        for peer in 0..PEERS {
            self.deliver(port, hello(peer, master_of(port)).as_bytes());
        }
    }

    fn deliver(&mut self, port: u16, message: &[u8]) {
        if let Some(link) = self.subscribers.get(&port) {
            let bytes = command([b"message", HELLO.as_bytes(), message]);
            self.later(Input::LinkData { link: *link, bytes });
        }
    }

    fn perform(&mut self) {
        loop {
            let sentinel = &mut self.sentinel;
            let Some(output) = of_the_core(|| sentinel.poll_output()) else { break };
            match output {
                Output::Connect { link, to } => {
                    self.links.insert(link, Link { port: to.port(), requests: RequestBuffer::new() });
                    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
                    debug_assert_eq!(to, SocketAddr::new(local, to.port()));
                    self.later(Input::LinkUp { link, local });
                }
                Output::LinkSend { link, bytes } => self.answer(link, &bytes),
                Output::LinkClose { link } => {
                    self.links.remove(&link);
                    self.subscribers.retain(|_, subscriber| *subscriber != link);
                    self.incidents += 1;
                }
                Output::Persist { ticket, .. } => self.later(Input::Persisted { ticket, result: Ok(()) }),
                Output::Event(event) => {
                    let is_bad = event.channel().is_some_and(|channel| channel.ends_with("down"));
                    self.incidents += u32::from(is_bad);
                }
                other => panic!("nothing else is done: {other}"),
            }
        }
    }

    /// Everything in one piece is answered in one piece.
    fn answer(&mut self, id: LinkId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let port = link.port;
        link.requests.extend(bytes);
        let mut replies = Vec::new();
        let mut published = Vec::new();
        while let Some(request) = link.requests.next().expect("valid requests") {
            let words: Vec<&[u8]> = request.iter().collect();
            match words[0] {
                b"PING" => replies.extend_from_slice(b"+PONG\r\n"),
                b"INFO" => self.infos.get(&port).into_iter().for_each(|info| replies.extend_from_slice(info)),
                b"PUBLISH" => {
                    replies.extend_from_slice(b":1\r\n");
                    published.push(words[2].to_vec());
                }
                b"SUBSCRIBE" => {
                    let reply = format!("*3\r\n$9\r\nsubscribe\r\n${}\r\n{HELLO}\r\n:1\r\n", HELLO.len());
                    replies.extend_from_slice(reply.as_bytes());
                    self.subscribers.insert(port, id);
                }
                b"CLIENT" => replies.extend_from_slice(b"+OK\r\n"),
                other => panic!("nothing else is asked: {}", other.escape_ascii()),
            }
        }
        if !replies.is_empty() {
            self.later(Input::LinkData { link: id, bytes: Bytes::from(replies) });
        }
        for message in published {
            self.deliver(port, &message);
        }
    }
}
