//! Whoever is new to a master, started, told to watch it, or RESET, listens before it stands for election.
//!
//! Differs from Redis, where a Sentinel that does not know the others yet is a majority by itself (redis#6459): with a
//! quorum of 1 it makes itself leader in an epoch in which the others elect another. Here it stands only once it has
//! been subscribed to the hellos on one of the servers, one that answers, for longer than every other Sentinel takes to
//! publish one there. On replicas hellos are rare while all is well (`calm.rs`), but not when the master is down, nor
//! for a while after a newcomer was heard of. Where there is no server to listen on there is none to promote either,
//! so nothing waits in vain; a Sentinel that is the only one hears nobody, and stands. So does one that no server lets
//! subscribe, a while after it knows that the master is down: an access rule must not prevent every failover.
//!
//! What that cannot give: a newcomer that is cut off from all others from the start, together with a replica, hears
//! nobody either. Only a quorum of more than half of all Sentinels that there are keeps it from being elected.

use picket_sansio::Time;

use crate::ids::{InstanceId, MasterId, SlotId};
use crate::link::Link;
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// So many times as long as one listens, one waits for a server that lets one listen.
const DEAF_PATIENCE: u64 = 2;

impl Sentinel {
    /// When we shall have listened long enough for the hellos about a master, or have waited long enough for a server
    /// that lets us, of those that answer; none while no server answers.
    pub(crate) fn has_listened_at(&mut self, id: MasterId) -> Option<Time> {
        let servers =
            self.instances_of(id).into_iter().filter(|instance| !matches!(instance, InstanceId::Peer(..)));
        let links = servers.filter_map(|instance| self.links.get(&self.instance(instance)?.slot));
        let mut answers = false;
        let mut heard_at: Option<Time> = None;
        for link in links {
            let heard = self.listened_at(link);
            let lives = self.answers(link);
            answers |= lives;
            // Whoever hangs now has told what it had while it answered.
            heard_at = heard_at.into_iter().chain(heard.filter(|at| lives || link.last_avail >= *at)).min();
        }
        let (now, patience) = (self.now, self.periods.listening().times(DEAF_PATIENCE));
        let master = self.masters.get_mut(&id)?;
        if !answers || heard_at.is_some() {
            master.deaf_since = None;
            return heard_at;
        }
        // A server that answers again lets us listen in a moment, however long it was silent.
        let since = *master.deaf_since.get_or_insert(now);
        Some(since.max(master.o_down_since?) + patience)
    }

    /// When we shall have listened long enough on this link. Hellos on a replica are rare until the others have heard of
    /// us there: from then on it counts, or else until they have come in any case.
    fn listened_at(&self, link: &Link) -> Option<Time> {
        let since = link.subscribed_at?;
        let enough = self.periods.listening();
        if !matches!(link.users.first(), Some(InstanceId::Replica(..))) {
            return Some(since + enough);
        }
        let in_any_case = since + self.announced_within();
        Some(link.echoed_at.map_or(in_any_case, |at| in_any_case.min(at + enough)))
    }

    /// When to look again at who lets us listen: an answer to a PING touches nothing.
    pub(crate) fn listens_again_at(&self) -> Time {
        self.now + self.periods.ping
    }

    /// Since when we hear what others publish on the master; none while it does not answer.
    pub(crate) fn hears_master_since(&self, id: MasterId) -> Option<Time> {
        let link = self.links.get(&self.instance(InstanceId::Master(id))?.slot)?;
        link.subscribed_at.filter(|_| self.answers(link))
    }

    /// A hung server tells nothing of what it takes.
    pub(crate) fn answers(&self, link: &Link) -> bool {
        link.command.is_up() && link.act_ping.is_none_or(|at| self.now < at + self.periods.ping)
    }

    /// A hello of ours came back from this server.
    pub(crate) fn note_echo(&mut self, server: InstanceId) {
        let now = self.now;
        let Some(slot) = self.instance(server).map(|instance| instance.slot) else { return };
        let Some(link) = self.links.get_mut(&slot) else { return };
        if link.echoed_at.is_none() {
            link.echoed_at = Some(now);
            self.touch(Timer::Instance(InstanceId::Master(server.master())));
        }
    }

    /// The subscription of this link ends: what was heard on it stays known.
    pub(crate) fn note_listening(&mut self, slot: SlotId) {
        let listened_at = self.links.get(&slot).and_then(|link| self.listened_at(link));
        let Some(link) = self.links.get_mut(&slot) else { return };
        link.subscribed_at = None;
        link.unheard_since = None;
        link.echoed_at = None;
        // Up to here it is known to have told what it had.
        if listened_at.is_none_or(|at| link.last_avail < at) {
            return;
        }
        for user in &link.users {
            if let Some(master) = self.masters.get_mut(&user.master()) {
                master.has_listened = true;
            }
        }
    }
}
