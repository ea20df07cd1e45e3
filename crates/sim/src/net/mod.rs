//! Connections. TCP as a program sees it: bytes arrive in order or the connection ends.
//!
//! A segment that is lost is sent again after TCP's time-out, which doubles, and what follows it waits. So a program
//! never sees a byte twice or out of order, and of two requests for one connection the kernel answers the second with
//! the same connection. What it does see twice is a peer: one that lost its end without a word connects anew, while the
//! other side still has the old connection ([`World::half_open`]).
//!
//! A segment that cannot pass waits until its wire is mended and is then sent again. A machine that
//! is off answers nothing; one whose process does not run refuses. A process that dies has its
//! connections closed by its kernel, unless its machine died with it: then the other side learns it
//! when it next sends something and the machine is back.

mod flight;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_sansio::{Millis, Time};

use crate::context::Signal;
use crate::ids::{ConnId, NodeId, NodeKind, Power, Run, Side};
use crate::message::{MessageId, Passage};
use crate::node::Program;
use crate::queue::Happening;
use crate::tap::Tap;
use crate::world::World;
use flight::way;

/// A kernel sends a request for a connection again after one second, then twice that, and so on.
const SYN_RETRY: Millis = Millis(1_000);
const SYN_ATTEMPTS: u32 = 6;
/// The longest pause between the mending of a wire and the next try to send what waited.
const RESEND_PAUSE: Millis = Millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndState {
    /// The program has it.
    Open,
    /// The program, or its kernel after its death, has closed it.
    Closed,
    /// Its machine went off and forgot it.
    Vanished,
}

#[derive(Clone, Debug)]
struct End {
    node: NodeId,
    run: Run,
    state: EndState,
}

#[derive(Clone, Debug)]
enum Segment {
    Data(Bytes),
    End(&'static str),
}

/// A segment on its way.
#[derive(Clone, Debug)]
struct InFlight {
    id: MessageId,
    sent: Time,
    /// When it arrives, if nothing before it is later.
    at: Time,
    /// How often it is lost before.
    lost: u32,
    what: Segment,
}

/// What is on its way in one direction.
#[derive(Clone, Debug, Default)]
struct Pipe {
    segments: VecDeque<InFlight>,
    /// An arrival is arranged for the first of them.
    is_armed: bool,
    latest: Time,
}

#[derive(Clone, Debug)]
pub(crate) struct Conn {
    /// Dialler, then listener; the latter only once the request has reached it.
    ends: [Option<End>; 2],
    /// Towards the dialler, towards the listener.
    pipes: [Pipe; 2],
    dialled: SocketAddr,
    target: Option<NodeId>,
    is_open: bool,
    /// Of those that Sentinels open.
    pub(crate) tap: Option<Box<Tap>>,
}

impl Conn {
    /// Both ends, the dialler first.
    pub(crate) fn ends(&self) -> Option<(NodeId, NodeId)> {
        Some((self.node(Side::Dialler)?, self.node(Side::Listener)?))
    }

    fn node(&self, side: Side) -> Option<NodeId> {
        self.ends[side.index()].as_ref().map(|end| end.node)
    }

    fn side_of(&self, node: NodeId) -> Option<Side> {
        [Side::Dialler, Side::Listener].into_iter().find(|side| self.node(*side) == Some(node))
    }
}

impl World {
    /// A process asks for a connection.
    pub(crate) fn dial(&mut self, node: NodeId, conn: ConnId, to: SocketAddr) {
        let run = self.node(node).run;
        let target = self.node_at(to);
        let dialler = End { node, run, state: EndState::Open };
        let made = Conn {
            ends: [Some(dialler), None],
            pipes: [Pipe::default(), Pipe::default()],
            dialled: to,
            target,
            is_open: false,
            tap: (self.kind(node) == NodeKind::Sentinel).then(Box::default),
        };
        self.conns.insert(conn, made);
        let at = match target {
            Some(target) => self.wires.arrival(self.now, node, target, &mut self.prng),
            None => self.now,
        };
        self.queue.push(at, Happening::Syn { conn, attempt: 0 });
    }

    /// A request for a connection arrives, or gets lost.
    pub(crate) fn on_syn(&mut self, id: ConnId, attempt: u32) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(dialler) = conn.ends[0].clone().filter(|end| end.state == EndState::Open) else {
            self.conns.remove(&id);
            return;
        };
        let passes = conn.target.is_some_and(|target| {
            !self.wires.cuts.contains(&(dialler.node, target))
                && !self.wires.cuts.contains(&(target, dialler.node))
                && self.node(target).power != Power::Off
        });
        let target = conn.target.filter(|_| passes);
        // The request, or the answer to it: both are made up for by asking again.
        let target = target.filter(|target| {
            let Self { wires, prng, .. } = self;
            !wires.loses(dialler.node, *target, prng) && !wires.loses(*target, dialler.node, prng)
        });
        let Some(target) = target else {
            if attempt >= SYN_ATTEMPTS {
                let refusal = Some("Connection timed out");
                self.queue.push(self.now, Happening::SynAnswer { conn: id, refusal });
            } else {
                let at = self.now + SYN_RETRY.times(1 << attempt);
                self.queue.push(at, Happening::Syn { conn: id, attempt: attempt + 1 });
            }
            return;
        };
        let is_open =
            self.node(target).power != Power::Killed && self.node(target).port == conn.dialled.port();
        let back = self.wires.arrival(self.now, target, dialler.node, &mut self.prng);
        let refusal = (!is_open).then_some("Connection refused");
        self.queue.push(back, Happening::SynAnswer { conn: id, refusal });
        if is_open {
            let end = End { node: target, run: self.node(target).run, state: EndState::Open };
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.ends[1] = Some(end);
                conn.pipes[0].latest = back;
            }
            let peer = SocketAddr::new(self.node(dialler.node).ip, ephemeral_port(id));
            self.signal(target, Signal::Accepted { conn: id, peer });
        }
    }

    /// The answer to a request for a connection arrives.
    pub(crate) fn on_syn_answer(&mut self, id: ConnId, refusal: Option<&'static str>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Some(end) = conn.ends[0].as_mut() else { return };
        if end.state != EndState::Open {
            return;
        }
        let node = end.node;
        if let Some(reason) = refusal {
            self.conns.remove(&id);
            self.signal(node, Signal::Closed { conn: id, reason });
        } else {
            conn.is_open = true;
            self.signal(node, Signal::Opened { conn: id });
        }
    }

    /// A process sends bytes.
    pub(crate) fn send(&mut self, node: NodeId, id: ConnId, bytes: Bytes) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(side) = conn.side_of(node) else { return };
        if conn.ends[side.index()].as_ref().is_some_and(|end| end.state == EndState::Open) {
            self.tap_sent(id, side, &bytes);
            self.put(id, side.other(), Segment::Data(bytes));
        }
    }

    /// A process closes a connection.
    pub(crate) fn close(&mut self, node: NodeId, id: ConnId) {
        if let Some(side) = self.conns.get(&id).and_then(|conn| conn.side_of(node)) {
            self.close_side(id, side, "Server closed the connection");
        }
    }

    fn close_side(&mut self, id: ConnId, side: Side, reason: &'static str) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Some(end) = conn.ends[side.index()].as_mut() else { return };
        if end.state != EndState::Open {
            return;
        }
        end.state = EndState::Closed;
        let other = side.other();
        match conn.ends[other.index()].as_ref().map(|end| end.state) {
            Some(EndState::Open | EndState::Vanished) => self.put(id, other, Segment::End(reason)),
            Some(EndState::Closed) => drop(self.conns.remove(&id)),
            // The request is still on its way and finds nobody waiting for the answer.
            None => {}
        }
    }

    /// Puts a segment on its way.
    fn put(&mut self, id: ConnId, to: Side, segment: Segment) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let (Some(from), Some(node)) = (conn.node(to.other()), conn.node(to)) else { return };
        let (lost, took) = self.wires.losses(from, node, &mut self.prng);
        let at = self.wires.arrival(self.now + took, from, node, &mut self.prng);
        let pipe = &mut conn.pipes[to.index()];
        let at = at.max(pipe.latest);
        pipe.latest = at;
        self.next_message += 1;
        let message = MessageId(self.next_message);
        pipe.segments.push_back(InFlight { id: message, sent: self.now, at, lost, what: segment });
        self.arm(id, to, Time(0));
    }

    /// Arranges the arrival of the first segment towards a side.
    fn arm(&mut self, id: ConnId, to: Side, not_before: Time) {
        let Some(pipe) = self.conns.get_mut(&id).map(|conn| &mut conn.pipes[to.index()]) else { return };
        let Some(at) = pipe.segments.front().map(|first| first.at) else { return };
        if !pipe.is_armed {
            pipe.is_armed = true;
            self.queue.push(at.max(not_before).max(self.now), Happening::Arrival { conn: id, to });
        }
    }

    /// The first segment towards a side arrives.
    pub(crate) fn on_arrival(&mut self, id: ConnId, to: Side) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let (Some(from), Some(node)) = (conn.node(to.other()), conn.node(to)) else { return };
        let pipe = &mut conn.pipes[to.index()];
        pipe.is_armed = false;
        if self.wires.cuts.contains(&(from, node)) || self.nodes[node.0 as usize].power == Power::Off {
            return; // Waits for `resend`.
        }
        if pipe.segments.front().is_some_and(|first| first.at > self.now) {
            self.arm(id, to, Time(0)); // It was delayed meanwhile.
            return;
        }
        let Some(InFlight { id: message, sent, lost, what: segment, .. }) = pipe.segments.pop_front() else {
            return;
        };
        let state = conn.ends[to.index()].as_ref().map(|end| end.state);
        self.arm(id, to, Time(0));
        match (state, segment) {
            (Some(EndState::Open), Segment::Data(bytes)) => {
                self.tap_arrived(id, to);
                self.note_arrival(Passage {
                    id: message,
                    from,
                    to: node,
                    way: way(to),
                    sent,
                    bytes: bytes.clone(),
                    lost,
                });
                let len = bytes.len() as u64;
                self.signal(node, Signal::Data { conn: id, bytes });
                // Only what a data node feeds to its replicas is counted.
                if to == Side::Dialler
                    && let Program::Data(data) = &self.node(from).program
                    && data.feeds(id)
                {
                    self.signal(from, Signal::Taken { conn: id, len });
                }
            }
            (Some(EndState::Open), Segment::End(reason)) => {
                if let Some(end) = self.conns.get_mut(&id).and_then(|conn| conn.ends[to.index()].as_mut()) {
                    end.state = EndState::Closed;
                }
                self.forget_if_over(id);
                self.signal(node, Signal::Closed { conn: id, reason });
            }
            // The machine knows nothing of this connection and says so.
            (Some(EndState::Vanished), Segment::Data(_)) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.pipes[to.index()].segments.clear();
                }
                self.put(id, to.other(), Segment::End("Connection reset by peer"));
            }
            (Some(EndState::Vanished), Segment::End(_)) | (Some(EndState::Closed) | None, _) => {
                self.forget_if_over(id);
            }
        }
    }

    fn forget_if_over(&mut self, id: ConnId) {
        let is_over = self.conns.get(&id).is_some_and(|conn| {
            let over = |end: &Option<End>| end.as_ref().is_none_or(|end| end.state != EndState::Open);
            over(&conn.ends[0]) && over(&conn.ends[1])
        });
        if is_over {
            self.conns.remove(&id);
        }
    }

    /// A process has died, and with it its ends of connections.
    pub(crate) fn drop_connections(&mut self, node: NodeId, power: Power) {
        let ids: Vec<(ConnId, Side)> =
            self.conns.iter().filter_map(|(id, conn)| Some((*id, conn.side_of(node)?))).collect();
        for (id, side) in ids {
            if power == Power::Off {
                if let Some(end) = self.conns.get_mut(&id).and_then(|conn| conn.ends[side.index()].as_mut())
                    && end.state == EndState::Open
                {
                    end.state = EndState::Vanished;
                }
                self.forget_if_over(id);
            } else {
                self.close_side(id, side, "Connection reset by peer");
            }
        }
    }

    /// Ends the connections between two nodes on both sides.
    pub(crate) fn sever(&mut self, a: NodeId, b: NodeId) {
        let ids: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.side_of(a).is_some() && conn.side_of(b).is_some() && conn.is_open)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let Some(conn) = self.conns.get_mut(&id) else { continue };
            for pipe in &mut conn.pipes {
                pipe.segments.clear();
                pipe.latest = self.now;
            }
            for side in [Side::Dialler, Side::Listener] {
                self.put(id, side, Segment::End("Connection reset by peer"));
            }
        }
    }

    /// A node loses its ends of the connections with another, which keeps its own.
    pub(crate) fn forget_ends(&mut self, node: NodeId, other: NodeId) {
        let ids: Vec<(ConnId, Side)> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.side_of(other).is_some() && conn.is_open)
            .filter_map(|(id, conn)| Some((*id, conn.side_of(node)?)))
            .collect();
        for (id, side) in ids {
            let end = self.conns.get_mut(&id).and_then(|conn| conn.ends[side.index()].as_mut());
            let Some(end) = end.filter(|end| end.state == EndState::Open) else { continue };
            end.state = EndState::Vanished;
            self.signal(node, Signal::Closed { conn: id, reason: "Connection reset by peer" });
            self.forget_if_over(id);
        }
    }

    /// Sends again whatever waits for a wire that is mended or a machine that is back.
    pub(crate) fn resend(&mut self) {
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            for to in [Side::Dialler, Side::Listener] {
                let waits = self.conns.get(&id).is_some_and(|conn| {
                    let pipe = &conn.pipes[to.index()];
                    !pipe.is_armed && !pipe.segments.is_empty()
                });
                if waits {
                    let pause = self.prng.below(RESEND_PAUSE.as_micros());
                    self.arm(id, to, Time(self.now.0 + pause));
                }
            }
        }
    }

    /// True if a signal about this connection still concerns the present run of the node.
    pub(crate) fn is_of_this_run(&self, node: NodeId, id: ConnId) -> bool {
        let Some(conn) = self.conns.get(&id) else { return true };
        let Some(side) = conn.side_of(node) else { return true };
        conn.ends[side.index()].as_ref().is_none_or(|end| end.run == self.node(node).run)
    }
}

fn ephemeral_port(id: ConnId) -> u16 {
    32_768 + u16::try_from(id.0 % 28_000).unwrap_or(0)
}
