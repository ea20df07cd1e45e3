//! Two configurations of one epoch.
//!
//! Two operators can fail over through two Sentinels that do not hear each other. Neither configuration would ever give way
//! to the other. So once both were told for a while the Sentinel with the highest id of those that hold one makes a newer
//! one of its own, if the master that it names is well: it votes for itself in a new epoch, and when that is on disk its
//! configuration is of that epoch. If it does not, the next does it a while later.
//!
//! Differs from Redis, where nobody does that, and two masters stay until the next failover.

use picket_sansio::Time;

use crate::deferred::{Deferred, Outcome};
use crate::failover::Failover;
use crate::ids::{InstanceId, MasterId};
use crate::instance::Role;
use crate::sentinel::Sentinel;

/// Another configuration of the epoch in force is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rivals {
    /// Of which epoch.
    epoch: u64,
    /// Since when.
    since: Time,
    /// When it was told last.
    heard: Time,
}

impl Sentinel {
    /// A peer tells of another address for the epoch in force.
    pub(crate) fn on_rival(&mut self, id: MasterId) {
        let (now, patience) = (self.now, self.heard_within());
        let (in_tilt, is_well) = (self.tilt_since.is_some(), self.is_well(id));
        let Some(master) = self.masters.get_mut(&id) else { return };
        if in_tilt {
            // This may have been said before this process was held up, and been settled since.
            master.rivals = None;
            return;
        }
        let epoch = master.config_epoch;
        let since = match master.rivals {
            Some(rivals) if rivals.epoch == epoch && now < rivals.heard + patience => rivals.since,
            _ => now,
        };
        master.rivals = Some(Rivals { epoch, since, heard: now });
        // Whoever is higher may not hear the rival, have a master that is not well, or be one that never settles anything.
        // Each has a time of its own: two at once could do it in one epoch.
        let higher = master.peers.values().filter(|peer| {
            peer.last_config.as_ref().is_some_and(|(held, _, at)| {
                // Behind a wire that was mended its hellos may come before its connection.
                *held == epoch && (!peer.instance.s_down || now < *at + patience)
            }) && peer.instance.run_id > self.my_id
        });
        let turn = patience.times(u64::try_from(higher.count()).unwrap_or(u64::MAX));
        // Sure that this was not said before somebody else settled it.
        if now < since + turn.max(self.periods.publish) || !is_well {
            return;
        }
        if self.persistence.is_failing() {
            // Another epoch for a vote that cannot be written would only be in the way of others.
            self.persist();
            return;
        }
        let Some(newer) = self.current_epoch.checked_add(1) else { return };
        master.rivals = None;
        let name = master.name.clone();
        let my_id = self.my_id.clone();
        self.current_epoch = newer;
        self.emit(crate::Event::NewEpoch { master: name, epoch: newer });
        self.record_vote(id, newer, &my_id);
        let ticket = self.masters.get(&id).map_or(picket_sansio::Ticket(0), |master| master.vote_ticket);
        self.when_durable(ticket, Deferred::Settle { master: id, former: epoch, epoch: newer });
    }

    /// Our vote for the epoch in which we settle it is on disk, or cannot be written; then the rival goes on, and is
    /// looked at again.
    pub(crate) fn settle_rivals(&mut self, id: MasterId, former: u64, epoch: u64, outcome: &Outcome) {
        let is_well = self.is_well(id);
        let Some(master) = self.masters.get_mut(&id) else { return };
        let is_mine = master.leader_epoch == epoch && master.leader.as_deref() == Some(self.my_id.as_str());
        let is_durable = matches!(outcome, Outcome::Persisted(Ok(())));
        if master.config_epoch != former || !is_mine || !is_durable || !is_well {
            return;
        }
        master.config_epoch = epoch;
        self.persist();
        self.force_hello(id);
        self.touch_awaiting_confirmation(id);
    }

    /// A master that answers, calls itself one, and is not being replaced.
    fn is_well(&self, id: MasterId) -> bool {
        let Some(master) = self.masters.get(&id) else { return false };
        let server = &master.server;
        let answers = self.links.get(&server.instance.slot).is_some_and(|link| self.answers(link));
        answers
            && !server.instance.s_down
            && !master.o_down
            && server.role_reported == Role::Master
            && matches!(master.failover, Failover::None)
            && self.is_command_up(InstanceId::Master(id))
    }
}
