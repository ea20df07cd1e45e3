//! What time does: the beat of one second while replicas are attached, and exact deadlines for the rest
//! (`replication.c: replicationCron`).

use alloc::vec::Vec;

use bytes::Bytes;
use picket_sansio::{ClientId, Deadline, Time};

use super::event::DisconnectReason;
use super::io::MasterOutput;
use super::replica::ReplicaState;
use super::status::NodeRole;
use super::{CRON_PERIOD, MasterSide, MasterTimer};

impl MasterSide {
    /// The next beat; beats are counted from the start, so that pings come at the same seconds whoever is
    /// attached.
    pub(super) fn beat_at(&self) -> Option<Time> {
        (!self.replicas.is_empty()).then(|| self.started + CRON_PERIOD.times(self.beats + 1))
    }

    pub(super) fn run_timers(&mut self) {
        if self.replicas.is_empty() {
            // Beats that nobody needed are over.
            self.beats = self.beats_until_now();
        }
        while let Some(Deadline { timer, .. }) =
            self.next_deadline().filter(|deadline| deadline.at <= self.now)
        {
            match timer {
                MasterTimer::Beat => self.on_beat(),
                MasterTimer::SnapshotDelay => self.request_snapshot(),
                MasterTimer::BacklogTtl => self.on_backlog_ttl(),
                MasterTimer::RdbClientGrace => self.on_grace(),
                MasterTimer::Wait => self.on_wait_timeout(),
                MasterTimer::Failover => self.on_failover_timeout(),
            }
        }
    }

    fn beats_until_now(&self) -> u64 {
        self.now.since(self.started).split(CRON_PERIOD.0).0
    }

    fn on_beat(&mut self) {
        let before = self.beats;
        self.beats = self.beats_until_now();
        self.check_failover();
        let period = self.settings.repl_ping_replica_period.max(1);
        if self.beats / period > before / period
            && self.role == NodeRole::Master
            && self.failover.allows_ping()
        {
            self.append(super::stream::PING);
        }
        for conn in self.kept_alive() {
            self.outputs.push_back(MasterOutput::Send { conn, bytes: Bytes::from_static(b"\n") });
        }
        self.disconnect_silent();
        self.check_output_limits();
        self.recount_good_replicas();
        self.flush();
    }

    /// Ends those who acknowledge nothing, or take nothing of their snapshot.
    ///
    /// Not those in `BgTransfer`: while the snapshot comes over the other connection a Valkey replica says nothing on
    /// this one, however long that takes. What the output limit allows bounds what they cost.
    fn disconnect_silent(&mut self) {
        let mut silent: Vec<(ClientId, DisconnectReason)> = Vec::new();
        for (conn, replica) in &self.replicas {
            let overdue = self.now.since(replica.ack_time) > self.settings.repl_timeout;
            if matches!(replica.state, ReplicaState::Online { .. }) && !replica.pre_psync && overdue {
                silent.push((*conn, DisconnectReason::StreamTimeout));
            } else if self.is_stuck(replica) {
                silent.push((*conn, DisconnectReason::TransferTimeout));
            }
        }
        for (conn, reason) in silent {
            self.disconnect(conn, reason);
        }
    }
}
