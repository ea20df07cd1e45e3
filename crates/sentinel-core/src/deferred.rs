//! What waits for an answer of the host, and the bookkeeping of what is on disk.
//!
//! Votes, epochs and configurations leave only after they are durable. The state is handed out for
//! writing one copy at a time; whatever changes meanwhile shares the next one (group commit), so
//! monitoring never waits for the disk and the disk never gets more than it can take.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use picket_sansio::{Secret, Ticket};

use crate::addr::Addr;
use crate::commands::CommandDeferred;
use crate::ids::{MasterId, PeerId, SlotId};
use crate::io::Output;
use crate::sentinel::Sentinel;

/// What is done once an answer of the host is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deferred {
    /// A link goes on connecting when the name of its instance is resolved.
    LinkResolved {
        /// Which link.
        slot: SlotId,
        /// The name.
        host: String,
    },
    /// A replica that a master lists by name is added, if it is not known by its address.
    ReplicaNamed {
        /// Whose replica.
        master: MasterId,
        /// Its name.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A configuration in a hello that names the master by a name not known yet.
    HelloResolved {
        /// Of which master.
        master: MasterId,
        /// Who sent it.
        peer: PeerId,
        /// The epoch of the configuration.
        epoch: u64,
        /// The name of the master in it.
        host: String,
        /// The port.
        port: u16,
    },
    /// Our own vote counts in the election of this epoch.
    OwnVote {
        /// Whose election.
        master: MasterId,
        /// Which.
        epoch: u64,
    },
    /// One of two configurations of an epoch becomes one of a newer epoch.
    Settle {
        /// Of which master.
        master: MasterId,
        /// The epoch of both.
        former: u64,
        /// The newer.
        epoch: u64,
    },
    /// A configuration that we made is told to everybody.
    Announce {
        /// Of which master.
        master: MasterId,
        /// Its epoch.
        epoch: u64,
        /// Where the master was before.
        from: Addr,
    },
    /// A client gets its reply.
    Command(CommandDeferred),
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Whether the state of the ticket is durable.
    Persisted(Result<(), String>),
    /// What a host name stands for; never an empty list.
    Resolved(Result<Vec<IpAddr>, String>),
    /// Whether a file can be executed.
    Executable(bool),
    /// What is in a file.
    FileRead(Result<Secret, String>),
    /// Whether a file was replaced.
    FileWritten(Result<(), String>),
}

/// Which states were asked for, which is being written, which are on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Persistence {
    /// The latest state that somebody asked for.
    wanted: Ticket,
    /// The state that the host writes now.
    in_flight: Option<Ticket>,
    /// The latest state that the host has answered for.
    settled: Ticket,
    /// The latest state on disk; it holds whatever earlier ones held.
    durable: Ticket,
    /// The last write failed.
    failing: bool,
    /// Whom to tell, in rising order of tickets.
    waiting: VecDeque<(Ticket, Deferred)>,
}

impl Persistence {
    /// The present state must be written. Everything that asks before the next write begins gets
    /// the same ticket.
    pub(crate) fn want(&mut self) -> Ticket {
        if self.wanted <= self.in_flight.unwrap_or(self.settled) {
            self.wanted.0 += 1;
        }
        self.wanted
    }

    /// True if the state of `ticket` is on disk.
    pub(crate) fn is_durable(&self, ticket: Ticket) -> bool {
        ticket <= self.durable
    }

    /// True if the last write failed: the next may fail as well.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    /// Puts `what` by until `ticket` is settled. A state that could not be written is tried again
    /// for it: what it held is not on disk yet, and the disk may have recovered.
    pub(crate) fn wait(&mut self, ticket: Ticket, what: Deferred) {
        let ticket = if ticket <= self.settled { self.want() } else { ticket };
        let index = self.waiting.partition_point(|(earlier, _)| *earlier <= ticket);
        self.waiting.insert(index, (ticket, what));
    }

    /// The ticket to be written now, if there is one and nothing else is being written.
    pub(crate) fn begin(&mut self) -> Option<Ticket> {
        if self.in_flight.is_some() || self.wanted <= self.settled {
            return None;
        }
        self.in_flight = Some(self.wanted);
        self.in_flight
    }

    /// The host has answered for `ticket`. Gives whom to tell.
    pub(crate) fn settle(&mut self, ticket: Ticket, is_durable: bool) -> Vec<Deferred> {
        if self.in_flight != Some(ticket) {
            return Vec::new();
        }
        self.in_flight = None;
        self.settled = ticket;
        self.failing = !is_durable;
        if is_durable {
            self.durable = ticket;
        }
        let due = self.waiting.partition_point(|(earlier, _)| *earlier <= ticket);
        self.waiting.drain(..due).map(|(_, what)| what).collect()
    }
}

impl Sentinel {
    /// The state must be written; its ticket says when it is.
    pub(crate) fn persist(&mut self) -> Ticket {
        self.persistence.want()
    }

    /// Does `what` once the state of `ticket` is on disk, or could not be written.
    pub(crate) fn when_durable(&mut self, ticket: Ticket, what: Deferred) {
        if self.persistence.is_durable(ticket) {
            self.run_deferred(what, Outcome::Persisted(Ok(())));
        } else {
            self.persistence.wait(ticket, what);
        }
    }

    /// Hands out the state if somebody asked for it and no other is being written. Called once at
    /// the end of each input, so that all its changes share one write.
    pub(crate) fn flush_persist(&mut self) {
        if let Some(ticket) = self.persistence.begin() {
            let state = self.render_state();
            self.outputs.push_back(Output::Persist { ticket, state });
        }
    }

    /// Goes on with what waited for an answer of the host.
    pub(crate) fn run_deferred(&mut self, deferred: Deferred, outcome: Outcome) {
        match deferred {
            Deferred::LinkResolved { slot, host } => {
                if let Outcome::Resolved(result) = outcome {
                    self.on_link_resolved(slot, &host, result);
                }
            }
            Deferred::ReplicaNamed { master, host, port } => {
                if let Outcome::Resolved(Ok(ips)) = outcome {
                    let ip = self.ip_among(master, port, &ips);
                    self.on_listed_replica(master, Addr { host, ip, port });
                }
            }
            Deferred::HelloResolved { master, peer, epoch, host, port } => {
                if let Outcome::Resolved(Ok(ips)) = outcome {
                    let addr = Addr { host, ip: self.ip_among(master, port, &ips), port };
                    self.on_configuration(master, peer, epoch, &addr);
                }
            }
            Deferred::OwnVote { master, epoch } => self.on_own_vote(master, epoch, &outcome),
            Deferred::Settle { master, former, epoch } => self.settle_rivals(master, former, epoch, &outcome),
            Deferred::Announce { master, epoch, from } => self.announce(master, epoch, &from, &outcome),
            Deferred::Command(command) => self.run_command_deferred(command, outcome),
        }
    }

    /// Of the addresses that a name has, that of a server which is known already: a name with several is no other server
    /// whenever they are told in another order.
    fn ip_among(&self, id: MasterId, port: u16, ips: &[IpAddr]) -> Option<IpAddr> {
        let known = |instance| Some(&self.instance(instance)?.addr).filter(|addr| addr.port == port)?.ip;
        let mut all = self.instances_of(id).into_iter().filter_map(known);
        all.find(|ip| ips.contains(ip)).or(ips.first().copied())
    }

    /// The host has answered for a ticket.
    pub(crate) fn on_persisted(&mut self, ticket: Ticket, result: &Result<(), String>) {
        for what in self.persistence.settle(ticket, result.is_ok()) {
            self.run_deferred(what, Outcome::Persisted(result.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn what(number: u32) -> Deferred {
        Deferred::LinkResolved { slot: SlotId(number), host: String::new() }
    }

    #[test]
    fn changes_before_a_write_begins_share_it() {
        let mut persistence = Persistence::default();
        assert_eq!(persistence.begin(), None, "nothing is wanted");
        assert_eq!((persistence.want(), persistence.want()), (Ticket(1), Ticket(1)));
        assert_eq!(persistence.begin(), Some(Ticket(1)));
        assert_eq!(persistence.begin(), None, "one at a time");
        assert_eq!(
            (persistence.want(), persistence.want()),
            (Ticket(2), Ticket(2)),
            "the copy is taken already"
        );
        persistence.wait(Ticket(2), what(2));
        persistence.wait(Ticket(1), what(1));
        assert_eq!(persistence.settle(Ticket(1), true), vec![what(1)]);
        assert!(persistence.is_durable(Ticket(1)) && !persistence.is_durable(Ticket(2)));
        assert_eq!(persistence.begin(), Some(Ticket(2)));
        assert_eq!(persistence.settle(Ticket(2), true), vec![what(2)]);
        assert_eq!(persistence.begin(), None);
    }

    #[test]
    fn a_failed_state_is_written_again_for_whoever_needs_it() {
        let mut persistence = Persistence::default();
        let ticket = persistence.want();
        persistence.wait(ticket, what(1));
        persistence.begin();
        assert_eq!(persistence.settle(ticket, false), vec![what(1)]);
        assert_eq!(persistence.begin(), None, "nobody waits");
        persistence.wait(ticket, what(2));
        assert_eq!(persistence.begin(), Some(Ticket(2)));
        assert_eq!(persistence.settle(Ticket(2), true), vec![what(2)]);
        assert!(persistence.is_durable(ticket), "a later state holds what the earlier held");
    }

    #[test]
    fn answers_for_other_tickets_are_ignored() {
        let mut persistence = Persistence::default();
        persistence.wait(Ticket(1), what(1));
        assert!(persistence.settle(Ticket(1), true).is_empty());
        assert_eq!(persistence.want(), Ticket(1));
        persistence.begin();
        assert!(persistence.settle(Ticket(9), true).is_empty());
        assert_eq!(persistence.settle(Ticket(1), true), vec![what(1)]);
    }
}
