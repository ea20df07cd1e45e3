//! The three Sentinels, and what can happen to them next.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Write as _;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{LinkId, Millis, Time};
use picket_sentinel_core::{Input, Output};
use picket_server_core::ClientAddresses;

use super::node::{DOWN_AFTER_MS, Node, QUIET, addr_of};
use super::turns::Turns;
use super::wires::Conn;
use super::{Bounds, Defect, SENTINELS, Step};
use crate::hash::Hash;

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) nodes: [Rc<Node>; SENTINELS],
    /// Of each node, where it has not changed since.
    hashes: [Option<u64>; SENTINELS],
    /// In the order in which they came about.
    pub(super) conns: Vec<Rc<Conn>>,
    /// Connections that are asked for with somebody who is dead.
    pub(super) dialling: Vec<(usize, LinkId, usize)>,
    pub(super) is_replica_master: bool,
    /// Who was elected in an epoch.
    pub(super) leaders: BTreeMap<u64, usize>,
    /// Whom a Sentinel said that it voted for.
    pub(super) votes: BTreeMap<(usize, u64), usize>,
    crashes: u32,
    /// What came of the last step.
    pub(super) was_elected: bool,
    pub(super) has_promoted: bool,
    pub(super) violation: Option<String>,
    pub(super) effects: VecDeque<(usize, Rc<[Output]>)>,
    /// Until the beginning everything arrives at once.
    pub(super) is_beginning: bool,
    /// What was told since, if somebody listens.
    pub(super) told: Option<Vec<String>>,
    /// The core did something in its last step that others or its disk can see.
    pub(super) was_active: bool,
    /// What all states together know of cores.
    turns: Rc<RefCell<Turns>>,
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
            turns: Rc::default(),
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
        for (index, conn) in self.conns.iter().enumerate() {
            let is_same = |other: &&Rc<Conn>| (other.from, other.to) == (conn.from, conn.to);
            let nth = self.conns[..index].iter().filter(is_same).count();
            if !conn.requests.is_empty() {
                steps.push(Step::Request(conn.from, conn.to, nth));
            }
            if !conn.replies.is_empty() {
                steps.push(Step::Reply(conn.from, conn.to, nth));
            }
        }
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
            Step::Request(from, to, nth) => next.deliver(from, to, nth, false)?,
            Step::Reply(from, to, nth) => next.deliver(from, to, nth, true)?,
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
            let _ = write!(hash, "{from} {to} {from_died} {to_died} ");
            for (bytes, matters) in requests.iter().chain(replies) {
                let _ = write!(hash, "{} {matters} ", bytes.len());
                hash.add(bytes);
            }
            let _ = write!(hash, "{} ", requests.len());
        }
        let _ = write!(hash, "{:?} {} {:?}", self.dialling, self.is_replica_master, self.leaders);
        let _ = write!(hash, "{:?} {}", self.votes, self.crashes);
        hash.value()
    }

    // ---- processes ----

    pub(super) fn node(&mut self, number: usize) -> &mut Node {
        self.hashes[number] = None;
        Rc::make_mut(&mut self.nodes[number])
    }

    fn deadline(&self, number: usize) -> Option<Time> {
        self.nodes[number].core.as_ref()?.sentinel.next_deadline().map(|deadline| deadline.at)
    }

    fn wake(&mut self, number: usize) {
        let Some(at) = self.deadline(number) else { return };
        let node = self.node(number);
        node.now = node.now.max(at);
        self.give(number, Input::Wake);
        self.settle();
    }

    fn start(&mut self, number: usize) {
        let turns = self.turns.clone();
        let outputs = self.node(number).start(&mut turns.borrow_mut());
        self.effects.push_back((number, outputs));
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
    pub(super) fn give(&mut self, number: usize, input: Input) {
        let turns = self.turns.clone();
        let outputs = self.node(number).handle(&mut turns.borrow_mut(), input);
        self.effects.extend(outputs.map(|outputs| (number, outputs)));
    }
}
