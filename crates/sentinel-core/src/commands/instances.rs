//! Instances as SENTINEL MASTER, REPLICAS and SENTINELS show them
//! (`sentinel.c: addReplySentinelRedisInstance`).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use picket_resp::Reply;
use picket_sansio::Time;

use crate::addr::Announce;
use crate::ids::{MasterId, PeerId, ReplicaId};
use crate::instance::{Instance, Reconf, Role, Server};
use crate::link::Link;
use crate::sentinel::Sentinel;

/// Fields in wire order; every value is a bulk string, numbers included.
struct Fields(Vec<(Reply, Reply)>);

impl Fields {
    fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((Reply::bulk(name), Reply::bulk(value.into())));
    }

    fn number(&mut self, name: &'static str, value: impl Display + Copy) {
        self.text(name, value.to_string());
    }

    fn reply(self) -> Reply {
        Reply::Map(self.0)
    }
}

/// What an instance is called and what is said of it in words.
struct Title<'a> {
    name: String,
    flags: &'a [(&'static str, bool)],
    /// Set while we lead a failover of it.
    failover_state: Option<&'static str>,
    o_down_since: Option<Time>,
}

impl Sentinel {
    /// SENTINEL MASTER.
    pub(super) fn master_map(&self, id: MasterId) -> Reply {
        let master = &self.masters[&id];
        let failover = &master.failover;
        let flags = [
            ("s_down", master.server.instance.s_down),
            ("o_down", master.o_down),
            ("master", true),
            ("disconnected", self.is_disconnected(&master.server.instance)),
            ("failover_in_progress", failover.is_in_progress()),
            ("force_failover", failover.order().is_some()),
            ("script_kill_sent", master.server.script_kill_sent),
            ("master_reboot", master.server.reboot_at.is_some()),
            ("coord_failover", failover.order().is_some_and(|order| order.handover.is_some())),
        ];
        let title = Title {
            name: master.name.clone(),
            flags: &flags,
            failover_state: failover.is_in_progress().then(|| failover.wire()),
            o_down_since: master.o_down_since.filter(|_| master.o_down),
        };
        let mut fields = self.common_fields(id, &master.server.instance, title);
        self.server_fields(&mut fields, &master.server);
        fields.number("config-epoch", master.config_epoch);
        fields.number("num-slaves", master.replicas.len());
        fields.number("num-other-sentinels", master.peers.len());
        fields.number("quorum", master.settings.quorum);
        fields.number("failover-timeout", master.settings.failover_timeout.0);
        fields.number("parallel-syncs", master.settings.parallel_syncs);
        if let Some(path) = &master.settings.notification_script {
            fields.text("notification-script", path);
        }
        if let Some(path) = &master.settings.client_reconfig_script {
            fields.text("client-reconfig-script", path);
        }
        fields.reply()
    }

    /// One element of SENTINEL REPLICAS.
    pub(super) fn replica_map(&self, id: MasterId, replica_id: ReplicaId) -> Reply {
        let master = &self.masters[&id];
        let replica = &master.replicas[&replica_id];
        let server = &replica.server;
        let flags = [
            ("s_down", server.instance.s_down),
            ("slave", true),
            ("disconnected", self.is_disconnected(&server.instance)),
            ("promoted", master.failover.promoted() == Some(replica_id)),
            ("reconf_sent", matches!(replica.reconf, Some(Reconf::Sent(_)))),
            ("reconf_inprog", matches!(replica.reconf, Some(Reconf::InProgress(_)))),
            ("reconf_done", matches!(replica.reconf, Some(Reconf::Done))),
            ("script_kill_sent", server.script_kill_sent),
        ];
        let name = server.instance.addr.announced_with_port(self.settings.announce());
        let title = Title { name, flags: &flags, failover_state: None, o_down_since: None };
        let mut fields = self.common_fields(id, &server.instance, title);
        self.server_fields(&mut fields, server);
        fields.number("master-link-down-time", server.master_link_down.0);
        fields.text("master-link-status", if server.master_link_up { "ok" } else { "err" });
        fields.text("master-host", server.master_host.as_deref().unwrap_or("?"));
        fields.number("master-port", server.master_port);
        fields.number("slave-priority", server.priority);
        fields.number("slave-repl-offset", server.offset);
        fields.number("replica-announced", u8::from(server.announced));
        fields.reply()
    }

    /// One element of SENTINEL SENTINELS.
    pub(super) fn peer_map(&self, id: MasterId, peer_id: PeerId) -> Reply {
        let master = &self.masters[&id];
        let peer = &master.peers[&peer_id];
        let master_addr = &master.server.instance.addr;
        let flags = [
            ("s_down", peer.instance.s_down),
            ("sentinel", true),
            ("disconnected", self.is_disconnected(&peer.instance)),
            ("master_down", peer.agrees_down(master_addr, self.now, self.periods.ask.times(5))),
        ];
        let name = peer.instance.run_id.clone();
        let title = Title { name, flags: &flags, failover_state: None, o_down_since: None };
        let mut fields = self.common_fields(id, &peer.instance, title);
        let (leader, epoch) =
            peer.vote.as_ref().map_or(("?", 0), |(leader, epoch)| (leader.as_str(), *epoch));
        fields.number("last-hello-message", self.now.since(peer.last_hello).0);
        fields.text("voted-leader", leader);
        fields.number("voted-leader-epoch", epoch);
        fields.reply()
    }

    fn link_of(&self, instance: &Instance) -> Option<&Link> {
        self.links.get(&instance.slot)
    }

    fn common_fields(&self, master: MasterId, instance: &Instance, title: Title<'_>) -> Fields {
        let age = |at: Time| self.now.since(at).0;
        let announce: Announce = self.settings.announce();
        let link = self.link_of(instance);
        let flags: Vec<&str> =
            title.flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
        let mut fields = Fields(Vec::with_capacity(24));
        fields.text("name", title.name);
        fields.text("ip", instance.addr.announced(announce));
        fields.number("port", instance.addr.port);
        fields.text("runid", instance.run_id.as_str());
        fields.text("flags", flags.join(","));
        fields.number("link-pending-commands", link.map_or(0, |link| link.pending.len()));
        fields.number("link-refcount", link.map_or(1, |link| link.users.len()));
        if let Some(state) = title.failover_state {
            fields.text("failover-state", state);
        }
        fields.number("last-ping-sent", link.map_or(0, |link| link.ping_pending_for(self.now).0));
        fields.number("last-ok-ping-reply", link.map_or(0, |link| age(link.last_avail)));
        fields.number("last-ping-reply", link.map_or(0, |link| age(link.last_pong)));
        if let Some(since) = instance.s_down_since.filter(|_| instance.s_down) {
            fields.number("s-down-time", age(since));
        }
        if let Some(since) = title.o_down_since {
            fields.number("o-down-time", age(since));
        }
        fields.number("down-after-milliseconds", self.masters[&master].settings.down_after.0);
        fields
    }

    fn server_fields(&self, fields: &mut Fields, server: &Server) {
        let role = match server.role_reported {
            Role::Master => "master",
            Role::Replica => "slave",
        };
        fields.number("info-refresh", server.info_at.map_or(0, |at| self.now.since(at).0));
        fields.text("role-reported", role);
        fields.number("role-reported-time", self.now.since(server.role_reported_at).0);
    }
}
