//! The master side: replicas in all states, the stream they follow, and what they have acknowledged.
//!
//! ```text
//!   REPLCONF… --PSYNC--> +CONTINUE --------------------------------------------> Online
//!                 |                                                                ^
//!                 +--> WaitStart --(disk)--> WaitEnd --> Transfer ------------------+
//!                          |                                                        |
//!                          +-----(socket)--------------> Transfer --> Online, held --+ ACK
//! ```
//!
//! With dual-channel sync the snapshot has a connection of its own, which goes no further than `Transfer`, and the main
//! one gets `+DUALCHANNELSYNC`, then `+CONTINUE`, and is `BgTransfer` until its first ACK (`dual.rs`).
//!
//! A replica of a replica is fed by the same machine: its node appends its own master's bytes unchanged and
//! produces none itself (`replication.c: syncCommand, replconfCommand, replicationFeedSlaves,
//! replicationCron`).
//!
//! Bytes of the stream do not come as inputs: [`MasterSide::propagate`] and [`MasterSide::append_proxied`]
//! borrow them, because appending is a copy into the backlog and nothing else.

mod attach;
mod cron;
mod dual;
mod event;
mod failover;
mod info;
mod io;
mod replconf;
mod replica;
mod request;
mod role;
mod settings;
mod snapshot;
mod status;
mod stream;
mod wait;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_resp::Reply;
use picket_sansio::{ClientId, Deadline, Millis, Prng, Time};

pub use event::{DisconnectReason, MasterEvent, NewHistoryReason};
pub use failover::{FailoverAbort, FailoverTarget};
pub use info::{NodeFacts, render_info, role_reply};
pub use io::{MasterInput, MasterOutput, WaitKind};
pub use replica::ReplicaAddr;
pub use request::{SyncDecision, SyncQuestion, SyncRequest};
pub use settings::{MasterSettings, ReplicaOutputLimit};
pub use snapshot::{SnapshotFilter, SnapshotId, SnapshotTarget};
pub use status::{
    BacklogStatus, FailoverState, MasterStatus, NodeRole, ReplicaKind, ReplicaStatus, ReplicaStatusState,
    SyncCounters,
};
pub use stream::Propagated;

use crate::{Backlog, CachedMaster, Effects, History, ReplId};
use dual::PsyncWaiting;
use failover::Failover;
use replica::{Asker, Replica};
use snapshot::Snapshot;
use wait::Waits;

/// The beat of newlines, pings and recounts.
const CRON_PERIOD: Millis = Millis(1000);

/// What a node is to its replicas, be it a master or a replica itself: a value that turns inputs into outputs.
#[derive(Clone, Debug)]
pub struct MasterSide {
    /// The time of the input being handled.
    now: Time,
    /// The origin of the beat.
    started: Time,
    prng: Prng,
    settings: MasterSettings,
    role: NodeRole,
    history: History,
    backlog: Option<Backlog>,
    /// The database that the stream has selected, where that is known.
    stream_db: Option<u32>,
    replicas: BTreeMap<ClientId, Replica>,
    /// Connections that sent REPLCONF and are no replicas.
    askers: BTreeMap<ClientId, Asker>,
    /// Connections of snapshots for which the backlog is kept.
    psync_waiting: BTreeMap<ClientId, PsyncWaiting>,
    /// The snapshot being made, and those whose files are being sent.
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    last_snapshot: u64,
    no_replicas_since: Time,
    /// Beats so far.
    beats: u64,
    good_replicas: u64,
    getack_wanted: bool,
    waits: Waits,
    fsynced: Option<u64>,
    failover: Failover,
    counters: SyncCounters,
    /// What replicas asked for lately, the oldest first.
    requests: VecDeque<SyncRequest>,
    outputs: VecDeque<MasterOutput>,
}

/// Why a master side wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MasterTimer {
    /// Pings, newlines, time-outs, recounts.
    Beat,
    /// The end of the wait for more replicas to share a snapshot.
    SnapshotDelay,
    /// The end of the backlog.
    BacklogTtl,
    /// The end of the wait for a replica that has its snapshot to ask for the stream.
    RdbClientGrace,
    /// The end of a client's WAIT.
    Wait,
    /// The end of patience with a planned failover.
    Failover,
}

impl MasterSide {
    /// The master side of a node that starts with this history ([`History::start`] and its siblings, whose
    /// effect on the backlog is in `effects`).
    #[must_use]
    pub fn new(
        now: Time,
        settings: MasterSettings,
        role: NodeRole,
        history: History,
        effects: Option<Effects>,
        seed: u64,
    ) -> Self {
        let mut side = Self {
            now,
            started: now,
            prng: Prng::new(seed),
            settings,
            role,
            history,
            backlog: None,
            stream_db: None,
            replicas: BTreeMap::new(),
            askers: BTreeMap::new(),
            psync_waiting: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            last_snapshot: 0,
            no_replicas_since: now,
            beats: 0,
            good_replicas: 0,
            getack_wanted: false,
            waits: Waits::default(),
            fsynced: None,
            failover: Failover::None,
            counters: SyncCounters::default(),
            requests: VecDeque::new(),
            outputs: VecDeque::new(),
        };
        if let Some(effects) = effects {
            side.apply_backlog(effects.backlog);
        }
        side
    }

    /// Changes the state; effects wait in [`MasterSide::poll_output`].
    pub fn handle(&mut self, now: Time, input: MasterInput) {
        self.now = now;
        match input {
            MasterInput::Wake => {}
            MasterInput::Flush => {
                self.flush();
                self.check_failover();
            }
            MasterInput::Configure(settings) => self.configure(settings),
            MasterInput::Replconf { conn, args } => self.on_replconf(conn, &args),
            MasterInput::Psync { conn, peer_ip, args, pending_output } => {
                self.on_psync(conn, peer_ip, &args, pending_output);
            }
            MasterInput::Sync { conn, peer_ip, pending_output } => {
                self.on_sync(conn, peer_ip, pending_output);
            }
            MasterInput::Gone { conn } => self.on_gone(conn),
            MasterInput::GeneratedReply { conn, command } => {
                self.disconnect(conn, DisconnectReason::GeneratedReply { command });
            }
            MasterInput::Writable { conn, budget } => self.on_writable(conn, budget),
            MasterInput::SnapshotStarted { snapshot, db } => self.on_snapshot_started(snapshot, db),
            MasterInput::SnapshotBytes { snapshot, bytes } => self.on_snapshot_bytes(snapshot, bytes),
            MasterInput::SnapshotDone { snapshot, len } => self.on_snapshot_done(snapshot, len),
            MasterInput::SnapshotFailed { snapshot, reason } => self.on_snapshot_failed(snapshot, reason),
            MasterInput::SnapshotRead { conn, result } => self.on_snapshot_read(conn, result),
            MasterInput::Demoted => self.on_demoted(),
            MasterInput::Promoted => self.on_promoted(),
            MasterInput::Link { up } => self.on_link(up),
            MasterInput::FullSyncLoad => self.on_full_sync_load(),
            MasterInput::FullSynced { origin } => self.on_full_synced(origin),
            MasterInput::Continued { replid } => self.on_continued(replid),
            MasterInput::Wait { client, kind, args, offset, may_block } => {
                self.on_wait(client, kind, &args, offset, may_block);
            }
            MasterInput::Fsynced { offset } => self.on_fsynced(offset),
            MasterInput::Failover { conn, args } => self.on_failover(conn, &args),
            MasterInput::FailoverAnswered { accepted } => self.on_failover_answered(accepted),
        }
        self.run_timers();
    }

    /// The next effect to carry out.
    pub fn poll_output(&mut self) -> Option<MasterOutput> {
        self.outputs.pop_front()
    }

    /// When to send [`MasterInput::Wake`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<MasterTimer>> {
        // Asked for after every input. Of those at the same time the first is meant.
        let mut first: Option<Deadline<MasterTimer>> = None;
        for (at, timer) in [
            (self.beat_at(), MasterTimer::Beat),
            (self.snapshot_at(), MasterTimer::SnapshotDelay),
            (self.backlog_ttl_at(), MasterTimer::BacklogTtl),
            (self.grace_at(), MasterTimer::RdbClientGrace),
            (self.waits.deadline(), MasterTimer::Wait),
            (self.failover.deadline(), MasterTimer::Failover),
        ] {
            if let Some(at) = at
                && first.is_none_or(|first| at < first.at)
            {
                first = Some(Deadline { at, timer });
            }
        }
        first
    }

    /// Ids and offsets.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The backlog, if there is one.
    #[must_use]
    pub fn backlog(&self) -> Option<&Backlog> {
        self.backlog.as_ref()
    }

    /// Whether this node is a master, or else how its link is.
    #[must_use]
    pub fn role(&self) -> NodeRole {
        self.role
    }

    /// Whether enough replicas are good for clients to write (`-NOREPLICAS` if not).
    #[must_use]
    pub fn accepts_writes(&self) -> bool {
        self.role != NodeRole::Master
            || !self.settings.needs_good_replicas()
            || self.good_replicas >= self.settings.min_replicas_to_write
    }

    /// What an RDB of this node says about its place in the history; none if nobody can go on from it.
    /// `link` is [`ReplicaLink::position`](crate::ReplicaLink::position): a link that has read more than this node
    /// has applied gives no label, for whoever went on from there would lack what lies between.
    #[must_use]
    pub fn snapshot_label(&self, link: Option<CachedMaster>) -> Option<CachedMaster> {
        match self.role {
            NodeRole::Master => self.backlog.as_ref().map(|_| CachedMaster {
                replid: self.history.replid,
                reploff: self.history.master_repl_offset,
                db: self.stream_db.unwrap_or(0),
            }),
            NodeRole::Replica { .. } => link.filter(|link| {
                (link.replid, link.reploff) == (self.history.replid, self.history.master_repl_offset)
            }),
        }
    }

    /// Whether a planned failover is under way.
    #[must_use]
    pub fn is_failing_over(&self) -> bool {
        self.failover != Failover::None
    }

    /// Gives the histories other names, so that nobody can go on from them (`DEBUG CHANGE-REPL-ID`).
    pub fn change_replid(&mut self, replid: ReplId) {
        self.history.replid = replid;
        self.history.replid2 = ReplId::NONE;
        self.history.second_repl_offset = None;
    }

    /// Starts the counters anew (`CONFIG RESETSTAT`).
    pub fn reset_counters(&mut self) {
        self.counters = SyncCounters::default();
    }

    /// How many online replicas have applied the stream up to `offset`.
    ///
    /// Differs from Redis: a replica that has acknowledged nothing yet is not counted for offset 0 either, because it may
    /// still load its snapshot, and what was written before the first replica came stands at 0.
    #[must_use]
    pub fn acknowledged_by(&self, offset: u64) -> u64 {
        self.count_distinct(|replica| replica.ack >= offset)
    }

    /// How many online replicas have the stream up to `offset` on disk.
    #[must_use]
    pub fn fsynced_by(&self, offset: u64) -> u64 {
        self.count_distinct(|replica| replica.fack >= offset)
    }

    /// Online replicas that have acknowledged something, and of which this holds. Differs from Redis: one whose former
    /// connection has not been found dead yet is there twice, and only its newest connection speaks for it: what it
    /// acknowledged before it came back may be what it has thrown away.
    fn count_distinct(&self, has: impl Fn(&Replica) -> bool) -> u64 {
        let mut seen: Vec<ReplicaAddr> = Vec::new();
        let mut count = 0;
        for replica in self.replicas.values().rev() {
            let addr = replica.addr();
            // Who told no port cannot be told from others of its machine.
            if addr.port != 0 {
                if seen.contains(&addr) {
                    continue;
                }
                seen.push(addr);
            }
            count += u64::from(replica.is_online() && replica.has_acked && has(replica));
        }
        count
    }

    fn configure(&mut self, settings: MasterSettings) {
        self.settings = settings;
        if let Some(backlog) = &mut self.backlog {
            backlog.set_size(settings.repl_backlog_size);
        }
        self.recount_good_replicas();
    }

    fn new_replid(&mut self) -> ReplId {
        ReplId::random(&mut self.prng)
    }

    fn reply(&mut self, conn: ClientId, reply: Reply) {
        self.outputs.push_back(MasterOutput::Reply { conn, reply });
    }

    fn error(&mut self, conn: ClientId, text: &'static str) {
        self.reply(conn, Reply::error(text));
    }

    fn event(&mut self, event: MasterEvent) {
        self.outputs.push_back(MasterOutput::Event(event));
    }
}

#[cfg(test)]
mod tests;
