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

use picket_sansio::{Millis, Time};

use crate::ids::{InstanceId, MasterId, SlotId};
use crate::link::Link;
use crate::sentinel::Sentinel;

/// So many times as long as one listens, one waits for a server that lets one listen.
const DEAF_PATIENCE: u64 = 2;

impl Sentinel {
    /// For how long we listen: the longest time between two hellos, and a quarter of their period for the ways.
    pub(crate) fn listening_time(&self) -> Millis {
        let period = self.periods.publish;
        Millis(period.0 + self.company_wait(period).0 + period.split(4).0)
    }

    /// When we shall have listened long enough for the hellos about a master, or have waited long enough for a server
    /// that lets us; none while no server answers.
    pub(crate) fn has_listened_at(&self, id: MasterId) -> Option<Time> {
        let servers =
            self.instances_of(id).into_iter().filter(|instance| !matches!(instance, InstanceId::Peer(..)));
        let links = servers.filter_map(|instance| self.links.get(&self.instance(instance)?.slot));
        let enough = self.listening_time();
        let mut answers = false;
        let mut heard_at: Option<Time> = None;
        for link in links {
            let heard = link.subscribed_at.map(|since| since + enough);
            let lives = self.answers(link);
            answers |= lives;
            // Whoever hangs now has told what it had while it answered.
            heard_at = heard_at.into_iter().chain(heard.filter(|at| lives || link.last_avail >= *at)).min();
        }
        let deaf_since = self.masters.get(&id)?.o_down_since?;
        heard_at.or_else(|| answers.then(|| deaf_since + enough.times(DEAF_PATIENCE)))
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
    fn answers(&self, link: &Link) -> bool {
        link.command.is_up() && link.act_ping.is_none_or(|at| self.now < at + self.periods.ping)
    }

    /// The subscription of this link ends: what was heard on it stays known.
    pub(crate) fn note_listening(&mut self, slot: SlotId) {
        let enough = self.listening_time();
        let Some(link) = self.links.get_mut(&slot) else { return };
        let Some(since) = link.subscribed_at.take() else { return };
        link.unheard_since = None;
        // Up to here it is known to have told what it had.
        if link.last_avail < since + enough {
            return;
        }
        for user in &link.users {
            if let Some(master) = self.masters.get_mut(&user.master()) {
                master.has_listened = true;
            }
        }
    }
}
