//! Calm: while nothing happens around a master, its replicas are asked and told less often, and the other Sentinels
//! are told less often over their own connections.
//!
//! Differs from Redis, which sends each replica a PING a second, and a hello every two to each replica and for each
//! master to each Sentinel: most of what idle Sentinels cost goes there, and nothing is gained. All Sentinels find each
//! other over the master's own channel; a replica's and the connections between them are for those that do not reach
//! the master, or come when it is dead. So while everybody is heard over the master's channel and everything has been
//! well for a while, a hello goes to a replica or a Sentinel at every fifth hello period, and a PING to a replica every
//! two and a half seconds if `down-after-milliseconds` leaves room for that. As soon as something is seen not to be so, everything
//! goes at stock's pace. The master is always asked and told at that pace, and the other Sentinels are asked at it.

use picket_sansio::{Millis, Time};

use crate::ids::{InstanceId, MasterId};
use crate::instance::{Instance, Peer, Role};
use crate::sentinel::Sentinel;
use crate::timers::Timer;

/// For so many hello periods after something has happened nothing is calm: whoever is new has heard of everybody.
const SETTLING_PERIODS: u64 = 15;
/// Hello periods within which a Sentinel that reaches the master is heard; one hello may be lost.
const HEARD_PERIODS: u64 = 3;
/// A replica or a Sentinel gets a hello once in so many hello periods.
const CALM_HELLO_PERIODS: u64 = 5;
/// In so many hello periods everybody who is there is heard, also over replicas alone.
const ANNOUNCED_PERIODS: u64 = 6;
/// A replica is pinged at least this often in its down-after ...
const CALM_PINGS: u64 = 10;
/// ... and so often in ten ping periods: the fourth PING comes when a hello and INFO are due, and they leave with it.
const CALM_PINGS_IN_TEN: u64 = 4;

impl Sentinel {
    /// True if nobody can need us sooner on the replicas of this master than when all is well.
    pub(crate) fn is_calm(&self, id: MasterId) -> bool {
        let now = self.now;
        let Some(master) = self.masters.get(&id) else { return false };
        let server = &master.server;
        let Some(link) = self.links.get(&server.instance.slot) else { return false };
        let heard_within = self.heard_within();
        let is_young = |at: Time| now < at + heard_within;
        let is_heard = |peer: &Peer| {
            // One that is dead is waited for no longer than it takes to be silent.
            is_young(peer.heard_on_master) || (peer.instance.s_down && !is_young(peer.last_hello))
        };
        now >= master.calm_from
            && !server.instance.s_down
            && !master.failover.is_in_progress()
            && server.role_reported == Role::Master
            && !link.is_disconnected()
            && link.act_ping.is_none_or(|at| now < at + self.periods.ping)
            && is_young(server.instance.last_pub)
            && master.peers.values().all(is_heard)
    }

    /// Somebody may have to hear of us, or we of somebody: for a while everything goes at stock's pace.
    pub(crate) fn unsettle(&mut self, id: MasterId) {
        let (now, from) = (self.now, self.now + self.settling_time());
        let Some(master) = self.masters.get_mut(&id) else { return };
        let was_settled = now >= master.calm_from;
        master.calm_from = from;
        if was_settled {
            for instance in self.instances_of(id) {
                self.touch(Timer::Instance(instance));
            }
        }
    }

    /// How long it takes until something that happened is no news.
    pub(crate) fn settling_time(&self) -> Millis {
        self.periods.publish.times(SETTLING_PERIODS)
    }

    /// Within which time a Sentinel that is there is heard over the master's channel, or its own connection.
    pub(crate) fn heard_within(&self) -> Millis {
        self.periods.publish.times(HEARD_PERIODS)
    }

    /// Within which time everybody has announced himself, on whichever server.
    pub(crate) fn announced_within(&self) -> Millis {
        self.periods.publish.times(ANNOUNCED_PERIODS)
    }

    /// How often a hello goes to this instance.
    pub(crate) fn hello_period(&self, id: InstanceId, instance: &Instance) -> Millis {
        let period = self.periods.publish;
        let says_news = instance.told != self.told_now(id.master());
        if !matches!(id, InstanceId::Master(_)) && !says_news && self.is_calm(id.master()) {
            period.times(CALM_HELLO_PERIODS)
        } else {
            period
        }
    }

    /// The epochs that a hello about this master names now.
    pub(crate) fn told_now(&self, id: MasterId) -> Option<(u64, u64)> {
        self.masters.get(&id).map(|master| (self.current_epoch, master.config_epoch))
    }

    /// How often a replica is pinged.
    pub(crate) fn replica_ping_period(&self, id: MasterId, down_after: Millis) -> Millis {
        let period = self.periods.ping;
        let calm = down_after.split(CALM_PINGS).min(period.times(10).split(CALM_PINGS_IN_TEN));
        if calm > period && self.is_calm(id) { calm } else { period.min(down_after) }
    }
}
