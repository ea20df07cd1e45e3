//! The three Sentinels, what is on its way between them, and what has happened so far.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, SocketAddr};
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, Millis, Time};
use picket_sentinel_core::{Event, Input, Output};
use picket_server_core::{ClientAddresses, LogLevel};

use super::node::{DOWN_AFTER_MS, Node, QUIET, Target, addr_of, decode, id_of, target_of, words};
use super::{Bounds, Defect, SENTINELS, Step};
use crate::hash::Hash;

/// A connection of one Sentinel to another. An end that died says nothing more; what it said before still arrives.
#[derive(Clone, Debug)]
struct Conn {
    from: usize,
    to: usize,
    link: LinkId,
    client: ClientId,
    /// What is on its way from the dialling end, and whether it matters when it arrives.
    requests: VecDeque<(Bytes, bool)>,
    replies: VecDeque<(Bytes, bool)>,
    from_died: bool,
    to_died: bool,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    nodes: [Rc<Node>; SENTINELS],
    /// Of each node, where it has not changed since.
    hashes: [Option<u64>; SENTINELS],
    /// In the order in which they came about.
    conns: Vec<Rc<Conn>>,
    /// Connections that are asked for with somebody who is dead.
    dialling: Vec<(usize, LinkId, usize)>,
    is_replica_master: bool,
    /// Who was elected in an epoch.
    leaders: BTreeMap<u64, usize>,
    /// Whom a Sentinel said that it voted for.
    votes: BTreeMap<(usize, u64), String>,
    crashes: u32,
    /// What came of the last step.
    pub(super) was_elected: bool,
    pub(super) has_promoted: bool,
    pub(super) violation: Option<String>,
    effects: VecDeque<(usize, Output)>,
    /// Until the beginning everything arrives at once.
    is_beginning: bool,
    /// What was told since, if somebody listens.
    pub(super) told: Option<Vec<String>>,
    /// The core did something in its last step that others or its disk can see.
    was_active: bool,
}

/// So many times a clock goes on without a deed before it is taken for idle.
const IDLE_WAKES: u32 = 40;

impl State {
    /// All know each other, and their clocks stand just before the master is down.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let node = |number| Rc::new(Node::new(number, bounds.quorum));
        let mut state = Self {
            nodes: core::array::from_fn(node),
            hashes: [None; SENTINELS],
            conns: Vec::new(),
            dialling: Vec::new(),
            is_replica_master: false,
            leaders: BTreeMap::new(),
            votes: BTreeMap::new(),
            crashes: 0,
            was_elected: false,
            has_promoted: false,
            violation: None,
            effects: VecDeque::new(),
            is_beginning: true,
            told: None,
            was_active: false,
        };
        for number in 0..SENTINELS {
            state.start(number);
        }
        let begins = Time(Millis(DOWN_AFTER_MS).as_micros() - 1);
        while let Some((at, number)) = (0..SENTINELS).filter_map(|n| Some((state.deadline(n)?, n))).min() {
            if at > begins {
                break;
            }
            state.wake(number);
        }
        state.is_beginning = false;
        state
    }

    /// What can happen next.
    pub(super) fn steps(&self, bounds: &Bounds) -> Vec<Step> {
        let mut steps = Vec::new();
        for conn in &self.conns {
            if !conn.requests.is_empty() {
                steps.push(Step::Request(conn.from, conn.to));
            }
            if !conn.replies.is_empty() {
                steps.push(Step::Reply(conn.from, conn.to));
            }
        }
        steps.dedup();
        for (number, node) in self.nodes.iter().enumerate() {
            if !node.answers.is_empty() {
                steps.push(Step::Server(number));
            }
            if node.writing.is_some() {
                steps.push(Step::Written(number));
            }
        }
        for (number, node) in self.nodes.iter().enumerate() {
            if node.core.is_none() {
                steps.push(Step::Starts(number));
                continue;
            }
            steps.push(Step::Clock(number));
            if self.crashes < bounds.crashes {
                if node.writing.is_some() {
                    steps.push(Step::Dies(number, true));
                }
                steps.push(Step::Dies(number, false));
            }
        }
        steps
    }

    /// True if somebody is beyond the epochs that are looked at.
    pub(super) fn is_beyond(&self, bounds: &Bounds) -> bool {
        self.leaders.keys().any(|epoch| *epoch > bounds.epochs)
            || self.votes.keys().any(|(_, epoch)| *epoch > bounds.epochs)
    }

    /// What comes of a step; none if nothing does.
    pub(super) fn after(&self, step: Step, bounds: &Bounds) -> Option<Self> {
        let mut next = self.clone();
        (next.was_elected, next.has_promoted) = (false, false);
        match step {
            Step::Request(from, to) => next.deliver(from, to, false)?,
            Step::Reply(from, to) => next.deliver(from, to, true)?,
            Step::Server(number) => next.answer(number)?,
            Step::Written(number) => {
                let input = next.node(number).write()?;
                next.give(number, input);
            }
            Step::Clock(number) => {
                next.was_active = false;
                for _ in 0..IDLE_WAKES {
                    next.wake(number);
                    if next.was_active {
                        break;
                    }
                }
                if !next.was_active {
                    return None;
                }
            }
            Step::Dies(number, is_kept) => next.die(number, is_kept),
            Step::Starts(number) => {
                if bounds.defect == Defect::DiskForgets {
                    next.node(number).disk = Node::new(number, bounds.quorum).disk;
                }
                next.start(number);
            }
        }
        next.settle();
        Some(next)
    }

    /// Two states of the same hash go on alike.
    pub(super) fn hash(&mut self) -> u64 {
        let mut hash = Hash::new();
        for (node, known) in self.nodes.iter().zip(&mut self.hashes) {
            hash.add(&known.get_or_insert_with(|| node.hash()).to_le_bytes());
        }
        for conn in &self.conns {
            let Conn { from, to, requests, replies, from_died, to_died, .. } = &**conn;
            // Writing into a hash cannot fail.
            let _ = write!(hash, "{from} {to} {requests:?} {replies:?} {from_died} {to_died} ");
        }
        let _ = write!(hash, "{:?} {} {:?}", self.dialling, self.is_replica_master, self.leaders);
        let _ = write!(hash, "{:?} {}", self.votes, self.crashes);
        hash.value()
    }

    // ---- processes ----

    fn node(&mut self, number: usize) -> &mut Node {
        self.hashes[number] = None;
        Rc::make_mut(&mut self.nodes[number])
    }

    fn deadline(&self, number: usize) -> Option<Time> {
        self.nodes[number].core.as_ref()?.next_deadline().map(|deadline| deadline.at)
    }

    fn wake(&mut self, number: usize) {
        let Some(at) = self.deadline(number) else { return };
        let node = self.node(number);
        node.now = node.now.max(at);
        self.give(number, Input::Wake);
        self.settle();
    }

    fn start(&mut self, number: usize) {
        self.node(number).start();
        self.collect(number);
        self.settle();
        // What SENTINEL DEBUG sets does not outlive the process.
        let client = self.node(number).next_client();
        let local = addr_of(number);
        let addresses = ClientAddresses::tcp(local, local, 7);
        self.give(number, Input::ClientConnected { client, addresses });
        self.give(number, Input::ClientData { client, bytes: picket_resp::command(QUIET) });
        self.give(number, Input::ClientGone { client });
        let waiting: Vec<_> = self.dialling.iter().filter(|(_, _, to)| *to == number).copied().collect();
        self.dialling.retain(|(_, _, to)| *to != number);
        for (from, link, to) in waiting {
            self.connect(from, link, to);
        }
        self.settle();
    }

    fn die(&mut self, number: usize, is_kept: bool) {
        self.crashes += 1;
        self.node(number).die(is_kept);
        self.dialling.retain(|(from, _, _)| *from != number);
        for conn in &mut self.conns {
            let conn = Rc::make_mut(conn);
            if conn.from == number {
                conn.from_died = true;
                conn.replies.clear();
            }
            if conn.to == number {
                conn.to_died = true;
                conn.requests.clear();
            }
        }
    }

    /// A core takes an input.
    fn give(&mut self, number: usize, input: Input) {
        let node = self.node(number);
        let now = node.now;
        if let Some(core) = &mut node.core {
            core.handle(now, input);
        }
        self.collect(number);
    }

    fn collect(&mut self, number: usize) {
        let State { nodes, effects, hashes, .. } = self;
        let node = Rc::make_mut(&mut nodes[number]);
        hashes[number] = None;
        if let Some(core) = &mut node.core {
            while let Some(output) = core.poll_output() {
                effects.push_back((number, output));
            }
        }
    }

    // ---- what follows from a step ----

    /// Carries out what the cores want, and lets everything arrive that does not matter.
    fn settle(&mut self) {
        loop {
            while let Some((number, output)) = self.effects.pop_front() {
                self.perform(number, output);
            }
            if !self.pass_one() {
                break;
            }
        }
    }

    /// Something that is first in its queue and does not matter arrives; false if there is nothing of the kind.
    fn pass_one(&mut self) -> bool {
        let all = self.is_beginning;
        for number in 0..SENTINELS {
            if self.nodes[number].answers.front().is_some_and(|(_, _, matters)| !matters || all) {
                return self.answer(number).is_some();
            }
            if all && self.nodes[number].writing.is_some() {
                if let Some(input) = self.node(number).write() {
                    self.give(number, input);
                }
                return true;
            }
        }
        for index in 0..self.conns.len() {
            let conn = self.conns[index].clone();
            let passes =
                |queue: &VecDeque<(Bytes, bool)>| queue.front().is_some_and(|(_, matters)| !matters || all);
            if passes(&conn.requests) {
                return self.deliver_on(index, false).is_some();
            }
            if passes(&conn.replies) {
                return self.deliver_on(index, true).is_some();
            }
            if conn.from_died && (conn.requests.is_empty() || conn.to_died) {
                self.conns.remove(index);
                if !conn.to_died {
                    self.give(conn.to, Input::ClientGone { client: conn.client });
                }
                return true;
            }
            if conn.to_died && conn.replies.is_empty() {
                self.conns.remove(index);
                self.node(conn.from).links.remove(&conn.link);
                let reason = "Connection reset by peer".to_string();
                self.give(conn.from, Input::LinkDown { link: conn.link, reason });
                return true;
            }
        }
        false
    }

    fn perform(&mut self, number: usize, output: Output) {
        match output {
            Output::Connect { link, to } => match target_of(to) {
                Some(Target::Peer(peer)) => self.connect(number, link, peer),
                Some(target) => {
                    self.node(number).links.insert(link, target);
                    let local = addr_of(number).ip();
                    self.give(number, Input::LinkUp { link, local });
                }
                None => {}
            },
            Output::LinkSend { link, bytes } => self.send(number, link, bytes),
            Output::LinkClose { link } => {
                self.node(number).links.remove(&link);
                self.dialling.retain(|(from, other, _)| (*from, *other) != (number, link));
                if let Some(index) =
                    self.conns.iter().position(|conn| (conn.from, conn.link) == (number, link))
                {
                    let conn = Rc::make_mut(&mut self.conns[index]);
                    conn.from_died = true;
                    conn.replies.clear();
                }
            }
            Output::ClientSend { client, bytes } => self.reply(number, client, bytes),
            Output::Persist { ticket, state } => {
                self.was_active = true;
                self.node(number).writing = Some((ticket, state));
            }
            Output::Event(event) => self.on_event(number, &event),
            Output::LinkSendSecret { .. }
            | Output::ClientClose { .. }
            | Output::Resolve { .. }
            | Output::RunScript { .. }
            | Output::KillScript { .. }
            | Output::CheckScript { .. }
            | Output::ReadFile { .. }
            | Output::WriteFile { .. }
            | Output::LogLevel(_)
            | Output::Exit { .. } => {}
        }
    }

    fn connect(&mut self, from: usize, link: LinkId, to: usize) {
        if self.nodes[to].core.is_none() {
            self.dialling.push((from, link, to));
            return;
        }
        let client = self.node(to).next_client();
        self.node(from).links.insert(link, Target::Peer(to));
        let (requests, replies) = (VecDeque::new(), VecDeque::new());
        let conn = Conn { from, to, link, client, requests, replies, from_died: false, to_died: false };
        self.conns.push(Rc::new(conn));
        let peer = SocketAddr::new(addr_of(from).ip(), 40_000);
        let addresses = ClientAddresses::tcp(peer, addr_of(to), 7);
        self.give(to, Input::ClientConnected { client, addresses });
        let local: IpAddr = addr_of(from).ip();
        self.give(from, Input::LinkUp { link, local });
    }

    fn send(&mut self, number: usize, link: LinkId, bytes: Bytes) {
        match self.nodes[number].links.get(&link).copied() {
            Some(Target::Replica) => {
                let mut is_master = self.is_replica_master;
                self.node(number).ask_replica(link, &bytes, &mut is_master);
                self.is_replica_master = is_master;
            }
            Some(Target::Peer(peer)) => {
                let words = words(&bytes);
                let is_vote = words.len() == 6 && words[5] != "*";
                let matters = is_vote || (words.len() == 3 && self.is_news(peer, &words[2]));
                self.was_active |= matters;
                let conn = self.conns.iter_mut().find(|conn| (conn.from, conn.link) == (number, link));
                if let Some(conn) = conn {
                    Rc::make_mut(conn).requests.push_back((bytes, matters));
                }
            }
            Some(Target::Master) | None => {}
        }
    }

    /// Whether a hello tells an epoch that the other does not know.
    fn is_news(&self, to: usize, hello: &str) -> bool {
        let fields: Vec<&str> = hello.split(',').collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse().ok()).unwrap_or(0_u64);
        let known = self.nodes[to].core.as_ref().map(|core| core.status().current_epoch);
        known.is_some_and(|known| number(3) > known || number(7) > 0)
    }

    fn reply(&mut self, number: usize, client: ClientId, bytes: Bytes) {
        let Some(index) = self.conns.iter().position(|conn| (conn.to, conn.client) == (number, client))
        else {
            return;
        };
        let vote = decode(&bytes).and_then(|reply| {
            let [_, leader, epoch] = reply.as_array()? else { return None };
            Some((leader.as_str()?.to_string(), u64::try_from(epoch.as_int()?).ok()?))
        });
        if let Some((leader, epoch)) = &vote
            && leader != "*"
        {
            self.note_vote(number, *epoch, leader);
        }
        // An opinion without any vote changes nothing in an election.
        let matters = vote.is_some_and(|vote| vote != ("*".to_string(), 0));
        Rc::make_mut(&mut self.conns[index]).replies.push_back((bytes, matters));
    }

    // ---- what arrives ----

    fn deliver(&mut self, from: usize, to: usize, is_reply: bool) -> Option<()> {
        let index = self.conns.iter().position(|conn| {
            let queue = if is_reply { &conn.replies } else { &conn.requests };
            (conn.from, conn.to) == (from, to) && !queue.is_empty()
        })?;
        self.deliver_on(index, is_reply)
    }

    fn deliver_on(&mut self, index: usize, is_reply: bool) -> Option<()> {
        let conn = Rc::make_mut(&mut self.conns[index]);
        let (from, to, link, client) = (conn.from, conn.to, conn.link, conn.client);
        if is_reply {
            let (bytes, _) = conn.replies.pop_front()?;
            self.give(from, Input::LinkData { link, bytes });
        } else {
            let (bytes, _) = conn.requests.pop_front()?;
            self.give(to, Input::ClientData { client, bytes });
        }
        Some(())
    }

    /// The replica's next answer arrives.
    fn answer(&mut self, number: usize) -> Option<()> {
        let (link, bytes, _) = self.node(number).answers.pop_front()?;
        self.give(number, Input::LinkData { link, bytes });
        Some(())
    }

    // ---- what must hold ----

    fn on_event(&mut self, number: usize, event: &Event) {
        if let Some(told) = &mut self.told {
            told.push(format!("sentinel-{}: {event}", number + 1));
        }
        self.was_active |= event.level() != LogLevel::Debug
            && !matches!(event, Event::CommandLinkDown { .. } | Event::PubsubLinkDown { .. });
        match event {
            Event::Elected { epoch, .. } => {
                self.was_elected = true;
                self.node(number).leads = Some(*epoch);
                self.note_vote(number, *epoch, &id_of(number));
                if let Some(other) = self.leaders.insert(*epoch, number).filter(|other| *other != number) {
                    let (a, b) = (other + 1, number + 1);
                    self.violate(format!("sentinel-{a} and sentinel-{b} lead in epoch {epoch}"));
                }
            }
            Event::StateWaitPromotion { .. } => {
                self.has_promoted = true;
                let Some(epoch) = self.nodes[number].leads else {
                    return self.violate(format!("sentinel-{} promotes without being elected", number + 1));
                };
                let me = id_of(number);
                let newer = self
                    .votes
                    .iter()
                    .find(|((voter, of), whom)| *voter == number && *of > epoch && **whom != me);
                if let Some(((_, of), _)) = newer {
                    let me = number + 1;
                    self.violate(format!(
                        "sentinel-{me} promotes in epoch {epoch} and has voted for another in epoch {of}"
                    ));
                }
            }
            Event::SteppedDown { .. }
            | Event::AbortNoGoodReplica { .. }
            | Event::AbortReplicaTimeout { .. }
            | Event::Promoted { .. } => self.node(number).leads = None,
            _ => {}
        }
    }

    fn note_vote(&mut self, voter: usize, epoch: u64, leader: &str) {
        let known = self.votes.entry((voter, epoch)).or_insert_with(|| leader.to_string());
        if known != leader {
            self.violate(format!("sentinel-{} votes for two in epoch {epoch}", voter + 1));
        }
    }

    fn violate(&mut self, property: String) {
        self.violation.get_or_insert(property);
    }
}
