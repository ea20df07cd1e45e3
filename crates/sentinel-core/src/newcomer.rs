//! Whoever is new to a master, started, told to watch it, or RESET, listens before it stands for election.
//!
//! Differs from Redis, where a Sentinel that does not know the others yet is a majority by itself (redis#6459): with a
//! quorum of 1 it makes itself leader in an epoch in which the others elect another. Here it stands only once it has
//! been subscribed to the hellos on one of the servers for longer than every other Sentinel takes to publish one there.
//! Where there is no server to listen on there is none to promote either, so nothing waits in vain; a Sentinel that is
//! the only one hears nobody, and stands.
//!
//! What that cannot give: a newcomer that is cut off from all others from the start, together with a replica, hears
//! nobody either. Only a quorum of more than half of all Sentinels that there are keeps it from being elected.

use picket_sansio::{Millis, Time};

use crate::ids::{InstanceId, MasterId};
use crate::link::{Connection, Link};
use crate::sentinel::Sentinel;

impl Sentinel {
    /// For how long we listen: a hello period, and a quarter for the ways.
    pub(crate) fn listening_time(&self) -> Millis {
        self.periods.publish.times(5).split(4)
    }

    /// When we shall have listened long enough for the hellos about a master; none while we cannot.
    pub(crate) fn has_listened_at(&self, id: MasterId) -> Option<Time> {
        let servers =
            self.instances_of(id).into_iter().filter(|instance| !matches!(instance, InstanceId::Peer(..)));
        let links = servers.filter_map(|instance| self.links.get(&self.instance(instance)?.slot));
        Some(links.filter_map(listens_since).min()? + self.listening_time())
    }

    /// A subscription ends: what was heard on it stays known.
    pub(crate) fn note_listening(&mut self, users: &[InstanceId], lasted: Millis) {
        if lasted < self.listening_time() {
            return;
        }
        for user in users {
            if let Some(master) = self.masters.get_mut(&user.master()) {
                master.has_listened = true;
            }
        }
    }
}

/// Since when a link is subscribed, if it is.
fn listens_since(link: &Link) -> Option<Time> {
    match link.pubsub {
        Connection::Up { since, .. } if link.subscribed => Some(since),
        Connection::Up { .. } | Connection::Connecting { .. } | Connection::Down => None,
    }
}
