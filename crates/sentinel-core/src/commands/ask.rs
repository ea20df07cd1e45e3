//! SENTINEL IS-MASTER-DOWN-BY-ADDR: a peer asks for our view of a master, and maybe for our vote.

use alloc::string::{String, ToString};

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;
use picket_server_core::ReplySlot;

use super::{Answer, CommandDeferred, integer_of};
use crate::deferred::Deferred;
use crate::event::Event;
use crate::hello;
use crate::ids::MasterId;
use crate::sentinel::Sentinel;

/// An answer that waits until the vote in it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingVote {
    pub(super) client: ClientId,
    /// Where the answer belongs. A leader asks about many masters at once over one connection, and each
    /// vote waits for the disk: one after the other they would take too long.
    pub(super) slot: ReplySlot,
    is_down: bool,
    leader: Option<String>,
    leader_epoch: u64,
    /// The epoch of the vote before this one, which is told if this one cannot be kept.
    previous_epoch: u64,
}

impl Sentinel {
    /// SENTINEL IS-MASTER-DOWN-BY-ADDR.
    pub(super) fn is_master_down(&mut self, client: ClientId, args: &[Bytes]) -> Answer {
        let [host, port, epoch, candidate] = args else {
            return Answer::Now(Reply::error("ERR syntax error"));
        };
        let (Some(port), Some(epoch)) = (integer_of(port), integer_of(epoch)) else {
            return Answer::Now(Reply::error(super::NOT_AN_INTEGER));
        };
        let found = self.master_at(host, port);
        let is_down =
            self.tilt_since.is_none() && found.is_some_and(|id| self.masters[&id].server.instance.s_down);
        if let Some(id) = found {
            self.hint_down(id);
        }
        let Some(id) = found.filter(|_| candidate != b"*".as_slice()) else {
            return Answer::Now(answer(is_down, None, 0));
        };
        // Differs from Redis, which reads a negative epoch as one of the largest and takes any bytes
        // for a run id: both would reach the state on disk and every log.
        let Ok(epoch) = u64::try_from(epoch) else { return Answer::Now(Reply::error(super::NOT_AN_INTEGER)) };
        let Some(candidate) = hello::run_id(candidate) else {
            return Answer::Now(Reply::error("ERR Invalid run id"));
        };
        let epoch_before = self.masters[&id].leader_epoch;
        let vote = self.cast_vote(id, epoch, &candidate);
        if self.persistence.is_durable(vote.ticket) {
            return Answer::Now(answer(is_down, vote.leader.as_deref(), vote.leader_epoch));
        }
        let previous_epoch = if epoch_before == vote.leader_epoch { 0 } else { epoch_before };
        let pending = PendingVote {
            client,
            slot: self.server.hold(client),
            is_down,
            leader: vote.leader,
            leader_epoch: vote.leader_epoch,
            previous_epoch,
        };
        self.when_durable(vote.ticket, Deferred::Command(CommandDeferred::Vote(pending)));
        Answer::Held
    }

    /// The vote in `pending` is on disk, or could not be written: then it counts as not given.
    pub(super) fn vote_saved(&mut self, pending: &PendingVote, result: Result<(), String>) -> Reply {
        match result {
            Ok(()) => answer(pending.is_down, pending.leader.as_deref(), pending.leader_epoch),
            Err(reason) => {
                self.emit(Event::NotDurable { what: "a vote", reason });
                answer(pending.is_down, None, pending.previous_epoch)
            }
        }
    }

    /// The master with that address. By address, not by name: names may differ between Sentinels.
    ///
    /// When hundreds of masters die together every Sentinel asks about each of them again and again, so what was found
    /// is kept in mind, and believed if it is still so.
    fn master_at(&mut self, host: &[u8], port: i64) -> Option<MasterId> {
        let addr = self.addr_of(core::str::from_utf8(host).ok()?, u16::try_from(port).ok()?);
        let key = addr.ip.map(|ip| (ip, addr.port));
        let kept = key.and_then(|key| self.asked_about.get(&key)).copied();
        let is_there = |id: &MasterId| {
            self.masters.get(id).is_some_and(|master| master.server.instance.addr.is_same(&addr))
        };
        if let Some(id) = kept.filter(is_there) {
            return Some(id);
        }
        let found = self.masters.keys().copied().find(is_there)?;
        if let Some(key) = key {
            if self.asked_about.len() > 2 * self.masters.len() {
                // Mostly addresses of former masters.
                self.asked_about.clear();
            }
            self.asked_about.insert(key, found);
        }
        Some(found)
    }
}

fn answer(is_down: bool, leader: Option<&str>, leader_epoch: u64) -> Reply {
    let leader = leader.unwrap_or("*").to_string();
    Reply::Array(
        [Reply::Integer(i64::from(is_down)), Reply::bulk(leader), super::integer(leader_epoch)].into(),
    )
}
