//! Instances: masters, replicas and other Sentinels, with what is known of them.
//!
//! Mirrors `sentinel.c: sentinelRedisInstance`, taken apart so that each kind holds only what makes
//! sense for it.

use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_sansio::{Millis, Time};

use crate::addr::Addr;
use crate::failover::Failover;
use crate::forget::Aside;
use crate::ids::{MasterId, PeerId, ReplicaId, SlotId};
use crate::info::MasterFailover;
use crate::reason::{RefusedVote, WaitReason};
use crate::settings::MasterSettings;

/// How long a former master is looked out for more eagerly than other servers.
const RETURN_WATCH: Millis = Millis(600_000);

/// The role that a server claims in INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `role:master`
    Master,
    /// `role:slave`
    Replica,
}

/// What every instance has.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// Where it listens.
    pub(crate) addr: Addr,
    /// Its run id; of another Sentinel its MYID. Empty while unknown.
    pub(crate) run_id: String,
    /// Its connections.
    pub(crate) slot: SlotId,
    /// True while it is subjectively down.
    pub(crate) s_down: bool,
    /// When it last went subjectively down. Stays when it comes back.
    pub(crate) s_down_since: Option<Time>,
    /// When a hello was last taken by it.
    pub(crate) last_pub: Time,
    /// When a hello was last sent to it and the answer is still awaited.
    pub(crate) pub_sent: Option<Time>,
    /// A hello is to be sent at once.
    pub(crate) pub_forced: bool,
    /// The epochs in the last hello that was sent to it: ours, and that of the configuration.
    pub(crate) told: Option<(u64, u64)>,
}

/// A data server: what its INFO said.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The instance.
    pub(crate) instance: Instance,
    /// The role of the last INFO; at first what we take it for.
    pub(crate) role_reported: Role,
    /// Since when.
    pub(crate) role_reported_at: Time,
    /// When INFO first told the run id that it has.
    pub(crate) run_since: Option<Time>,
    /// When INFO was last read.
    pub(crate) info_at: Option<Time>,
    /// The text of the last INFO.
    pub(crate) info_text: Option<Bytes>,
    /// When INFO was sent last.
    pub(crate) info_sent_at: Option<Time>,
    /// An answer to it is awaited.
    pub(crate) info_pending: bool,
    /// INFO is to be sent at once.
    pub(crate) info_forced: bool,
    /// When its run id changed, while it has not answered PONG since and the setting asks to watch it.
    pub(crate) reboot_at: Option<Time>,
    /// SCRIPT KILL was sent since it went down.
    pub(crate) script_kill_sent: bool,
    /// For how long it has had no link to its master.
    pub(crate) master_link_down: Millis,
    /// `master_link_status:up`
    pub(crate) master_link_up: bool,
    /// The master that it follows.
    pub(crate) master_host: Option<String>,
    /// Its port.
    pub(crate) master_port: u16,
    /// When the master that it follows last changed.
    pub(crate) replica_conf_changed_at: Time,
    /// `slave_priority`; 100 while unknown.
    pub(crate) priority: u32,
    /// `slave_repl_offset`
    pub(crate) offset: u64,
    /// The offset when it last had a link to its master: it has no business to be behind that later.
    /// `None` while it was never seen with one.
    pub(crate) synced_offset: Option<u64>,
    /// `replica_announced`
    pub(crate) announced: bool,
    /// `master_sync_in_progress`
    pub(crate) sync_in_progress: bool,
    /// `master_failover_state`; `None` for servers that do not know FAILOVER.
    pub(crate) failover_state: Option<MasterFailover>,
    /// Until when our CLIENT PAUSE keeps its clients waiting, if it was not ended before.
    pub(crate) paused_until: Option<Time>,
}

/// How far a replica has been told of the new master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconf {
    /// SLAVEOF was sent then.
    Sent(Time),
    /// INFO names the new master.
    InProgress(Time),
    /// And the link to it is up.
    Done,
}

/// A replica of a monitored master.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// The server.
    pub(crate) server: Server,
    /// Its part in the failover that we lead.
    pub(crate) reconf: Option<Reconf>,
    /// Set while this is a former master which was failed over and has not yet been seen as a
    /// replica: since when.
    pub(crate) deposed_at: Option<Time>,
    /// When it was last told to follow the master, outside of a failover.
    pub(crate) fixed_at: Option<Time>,
    /// How often in a row it refused to.
    pub(crate) refusals: u32,
}

/// What a peer said of a master, and of which address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    /// The address that it was asked about.
    pub(crate) about: Addr,
    /// Whether it takes that for down.
    pub(crate) down: bool,
    /// When it said so.
    pub(crate) at: Time,
}

/// Another Sentinel that watches the same master.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The instance; `run_id` is its MYID.
    pub(crate) instance: Instance,
    /// When its last hello about this master came.
    pub(crate) last_hello: Time,
    /// When one came over the master's own channel.
    pub(crate) heard_on_master: Time,
    /// The configuration epoch and the address of the master in that hello, and when it came.
    pub(crate) last_config: Option<(u64, Addr, Time)>,
    /// Its last answer.
    pub(crate) opinion: Option<Opinion>,
    /// The vote it named last: for whom, in which epoch.
    pub(crate) vote: Option<(String, u64)>,
    /// When it was asked last.
    pub(crate) asked_at: Option<Time>,
    /// True while an answer is awaited.
    pub(crate) ask_pending: bool,
    /// The pause before it is asked again.
    pub(crate) ask_pause: Millis,
    /// It is to be asked at once.
    pub(crate) ask_forced: bool,
}

/// A monitored master.
#[derive(Clone, Debug)]
pub(crate) struct Master {
    /// Its key.
    pub(crate) id: MasterId,
    /// Its name.
    pub(crate) name: String,
    /// The server at its present address.
    pub(crate) server: Server,
    /// What the operator set.
    pub(crate) settings: MasterSettings,
    /// Its replicas.
    pub(crate) replicas: BTreeMap<ReplicaId, Replica>,
    /// The other Sentinels that watch it.
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    /// The epoch of the configuration in force.
    pub(crate) config_epoch: u64,
    /// For whom we voted last; not known after a restart.
    pub(crate) leader: Option<String>,
    /// In which epoch.
    pub(crate) leader_epoch: u64,
    /// True while it is objectively down.
    pub(crate) o_down: bool,
    /// When it last went objectively down. Stays when it comes back.
    pub(crate) o_down_since: Option<Time>,
    /// That too few agree was told since the master went down.
    pub(crate) no_quorum_told: bool,
    /// The failover that we lead.
    pub(crate) failover: Failover,
    /// We do not stand for election before this time, and why. `None`: nothing holds us.
    pub(crate) hold: Option<(Time, WaitReason)>,
    /// That hold was told to the operator.
    pub(crate) hold_told: bool,
    /// When we stand for election, once the master is objectively down: by rank, so that two rarely
    /// do at the same time.
    pub(crate) start_at: Option<Time>,
    /// Elections in a row that were lost, and failovers that failed.
    pub(crate) attempts: u32,
    /// The state in which our vote for `leader` was written; answers wait until it is durable.
    pub(crate) vote_ticket: picket_sansio::Ticket,
    /// The last vote that another asked for and did not get.
    pub(crate) refused: Option<RefusedVote>,
    /// How many of them were told lately.
    pub(crate) refusals: Refusals,
    /// Whom RESET forgot a moment ago.
    pub(crate) aside: Option<Aside>,
    /// We have listened for the hellos of others long enough to know who votes (`newcomer.rs`).
    pub(crate) has_listened: bool,
    /// Since when servers answer, but none lets us listen.
    pub(crate) deaf_since: Option<Time>,
    /// Another configuration of the epoch in force is told.
    pub(crate) rivals: Option<crate::rivals::Rivals>,
    /// Before this time nothing is calm (`calm.rs`).
    pub(crate) calm_from: Time,
}

/// Keeps a candidate that asks again and again from filling the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Refusals {
    since: Time,
    told: u32,
}

impl Refusals {
    /// So many are told ...
    const MAX: u32 = 8;
    /// ... within this time.
    const SPAN: Millis = Millis(10_000);

    /// True if one more may be told now.
    pub(crate) fn admit(&mut self, now: Time) -> bool {
        if self.told == 0 || now >= self.since + Self::SPAN {
            *self = Self { since: now, told: 0 };
        }
        self.told = self.told.saturating_add(1);
        self.told <= Self::MAX
    }
}

impl Instance {
    /// A fresh instance.
    #[must_use]
    pub(crate) fn new(now: Time, addr: Addr, run_id: String, slot: SlotId) -> Self {
        Self {
            addr,
            run_id,
            slot,
            s_down: false,
            s_down_since: None,
            last_pub: now,
            pub_sent: None,
            pub_forced: false,
            told: None,
        }
    }
}

impl Server {
    /// A server of which nothing is known yet but what we take it for.
    #[must_use]
    pub(crate) fn new(now: Time, addr: Addr, slot: SlotId, role: Role) -> Self {
        Self {
            instance: Instance::new(now, addr, String::new(), slot),
            role_reported: role,
            role_reported_at: now,
            run_since: None,
            info_at: None,
            info_text: None,
            info_sent_at: None,
            info_pending: false,
            info_forced: false,
            reboot_at: None,
            script_kill_sent: false,
            master_link_down: Millis(0),
            master_link_up: false,
            master_host: None,
            master_port: 0,
            replica_conf_changed_at: now,
            priority: 100,
            offset: 0,
            synced_offset: None,
            announced: true,
            sync_in_progress: false,
            failover_state: None,
            paused_until: None,
        }
    }
}

impl Replica {
    /// A replica that was just heard of.
    #[must_use]
    pub(crate) fn new(server: Server) -> Self {
        Self { server, reconf: None, deposed_at: None, fixed_at: None, refusals: 0 }
    }
}

impl Replica {
    /// The pause before it is told again whom to follow: one that refuses is asked ever less often.
    pub(crate) fn fix_pause(&self, first: Millis, longest: Millis) -> Millis {
        first.times(1 << self.refusals.min(10)).min(longest.max(first))
    }

    /// True while this is a former master that may come back any moment.
    pub(crate) fn is_returning(&self, now: Time) -> bool {
        self.deposed_at.is_some_and(|at| now < at + RETURN_WATCH) && self.refusals < 3
    }
}

impl Peer {
    /// A Sentinel that was just heard of.
    #[must_use]
    pub(crate) fn new(now: Time, instance: Instance) -> Self {
        Self {
            instance,
            last_hello: now,
            heard_on_master: now,
            last_config: None,
            opinion: None,
            vote: None,
            asked_at: None,
            ask_pending: false,
            ask_pause: Millis(0),
            ask_forced: false,
        }
    }

    /// The `master_down` flag: it takes `master` for down, and said so recently enough.
    #[must_use]
    pub(crate) fn agrees_down(&self, master: &Addr, now: Time, max_age: Millis) -> bool {
        self.opinion.as_ref().is_some_and(|opinion| {
            opinion.down && opinion.about.is_same(master) && now < opinion.at + max_age
        })
    }
}

impl Master {
    /// Sentinels that can vote, dead or alive, we included: only RESET and FORGET forget one.
    #[must_use]
    pub(crate) fn voters(&self) -> u32 {
        1 + u32::try_from(self.peers.len()).unwrap_or(u32::MAX - 1)
    }

    /// Votes that make a leader: a majority of the voters, and at least the quorum.
    #[must_use]
    pub(crate) fn votes_needed(&self) -> u32 {
        (self.voters() / 2 + 1).max(self.settings.quorum)
    }

    /// Voters that are not down in our view, we included.
    #[must_use]
    pub(crate) fn usable_voters(&self) -> u32 {
        1 + u32::try_from(self.peers.values().filter(|peer| !peer.instance.s_down).count())
            .unwrap_or(u32::MAX - 1)
    }

    /// True if this server follows one of its replicas, and that calls itself master.
    #[must_use]
    pub(crate) fn has_handed_over(&self) -> bool {
        self.server.role_reported == Role::Replica
            && self.replicas.values().any(|replica| {
                replica.server.role_reported == Role::Master
                    && replica.deposed_at.is_none()
                    && self.server.follows(&replica.server.instance.addr)
            })
    }

    /// The peer with this run id.
    #[must_use]
    pub(crate) fn peer_by_run_id(&self, run_id: &str) -> Option<PeerId> {
        self.peers.iter().find(|(_, peer)| peer.instance.run_id == run_id).map(|(id, _)| *id)
    }

    /// The replica at this address.
    #[must_use]
    pub(crate) fn replica_by_addr(&self, addr: &Addr) -> Option<ReplicaId> {
        self.replicas
            .iter()
            .find(|(_, replica)| replica.server.instance.addr.is_same(addr))
            .map(|(id, _)| *id)
    }
}
