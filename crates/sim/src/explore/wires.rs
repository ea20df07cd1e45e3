//! What is on its way between the three, and what follows from a step: their outputs are carried out, and what does not
//! matter arrives at once.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId};
use picket_sentinel_core::{Input, Output};
use picket_server_core::ClientAddresses;

use super::SENTINELS;
use super::node::{Target, addr_of, decode, node_of, target_of, words};
use super::state::State;

/// A connection of one Sentinel to another. An end that died says nothing more; what it said before still arrives.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) link: LinkId,
    pub(super) client: ClientId,
    /// What is on its way from the dialling end, and whether it matters when it arrives.
    pub(super) requests: VecDeque<(Bytes, bool)>,
    pub(super) replies: VecDeque<(Bytes, bool)>,
    pub(super) from_died: bool,
    pub(super) to_died: bool,
}

impl State {
    // ---- what follows from a step ----

    /// Carries out what the cores want, and lets everything arrive that does not matter.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some((number, outputs)) = self.effects.pop_front() {
                outputs.iter().for_each(|output| self.perform(number, output));
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

    fn perform(&mut self, number: usize, output: &Output) {
        match *output {
            Output::Connect { link, to } => match target_of(to) {
                Some(Target::Peer(peer)) => self.connect(number, link, peer),
                Some(target) => {
                    self.node(number).links.insert(link, target);
                    let local = addr_of(number).ip();
                    self.give(number, Input::LinkUp { link, local });
                }
                None => {}
            },
            Output::LinkSend { link, ref bytes } => self.send(number, link, bytes),
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
            Output::ClientSend { client, ref bytes } => self.reply(number, client, bytes),
            Output::Persist { ticket, ref state } => {
                self.was_active = true;
                self.node(number).writing = Some(Rc::new((ticket, state.clone())));
            }
            Output::Event(ref event) => self.on_event(number, event),
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

    pub(super) fn connect(&mut self, from: usize, link: LinkId, to: usize) {
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

    fn send(&mut self, number: usize, link: LinkId, bytes: &Bytes) {
        match self.nodes[number].links.get(&link).copied() {
            Some(Target::Replica) => {
                let mut is_master = self.is_replica_master;
                self.node(number).ask_replica(link, bytes, &mut is_master);
                self.is_replica_master = is_master;
            }
            Some(Target::Peer(peer)) => {
                let words = words(bytes);
                let is_vote = words.len() == 6 && words[5] != "*";
                let matters = is_vote || (words.len() == 3 && self.is_news(peer, &words[2]));
                self.was_active |= matters;
                let conn = self.conns.iter_mut().find(|conn| (conn.from, conn.link) == (number, link));
                if let Some(conn) = conn {
                    Rc::make_mut(conn).requests.push_back((bytes.clone(), matters));
                }
            }
            Some(Target::Master) | None => {}
        }
    }

    /// Whether a hello tells an epoch that the other does not know.
    fn is_news(&self, to: usize, hello: &str) -> bool {
        let fields: Vec<&str> = hello.split(',').collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse().ok()).unwrap_or(0_u64);
        let known = self.nodes[to].core.as_ref().map(|core| core.sentinel.status().current_epoch);
        known.is_some_and(|known| number(3) > known || number(7) > 0)
    }

    fn reply(&mut self, number: usize, client: ClientId, bytes: &Bytes) {
        let Some(index) = self.conns.iter().position(|conn| (conn.to, conn.client) == (number, client))
        else {
            return;
        };
        let vote = decode(bytes).and_then(|reply| {
            let [_, leader, epoch] = reply.as_array()? else { return None };
            Some((leader.as_str()?.to_string(), u64::try_from(epoch.as_int()?).ok()?))
        });
        if let Some((leader, epoch)) = &vote
            && let Some(leader) = node_of(leader)
        {
            self.note_vote(number, *epoch, leader);
        }
        // An opinion without any vote changes nothing in an election.
        let matters = vote.is_some_and(|vote| vote != ("*".to_string(), 0));
        Rc::make_mut(&mut self.conns[index]).replies.push_back((bytes.clone(), matters));
    }

    // ---- what arrives ----

    /// On the connection between the two that is the `nth` from the oldest: several are there where one of them died and
    /// what it said before is still on its way.
    pub(super) fn deliver(&mut self, from: usize, to: usize, nth: usize, is_reply: bool) -> Option<()> {
        let conns = self.conns.iter().enumerate();
        let mut of_both = conns.filter(|(_, conn)| (conn.from, conn.to) == (from, to));
        let (index, _) = of_both.nth(nth)?;
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
    pub(super) fn answer(&mut self, number: usize) -> Option<()> {
        let (link, bytes, _) = self.node(number).answers.pop_front()?;
        self.give(number, Input::LinkData { link, bytes });
        Some(())
    }
}
