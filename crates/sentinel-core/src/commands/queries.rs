//! Subcommands of SENTINEL that only look.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeSet;

use bytes::Bytes;
use picket_resp::Reply;

use super::NO_SUCH_MASTER;
use crate::ids::MasterId;
use crate::instance::Server;
use crate::scripts::{Job, JobState};
use crate::sentinel::Sentinel;

impl Sentinel {
    /// The master that `name` means.
    pub(super) fn find_master(&self, name: &[u8]) -> Option<MasterId> {
        self.master_id(core::str::from_utf8(name).ok()?)
    }

    /// SENTINEL MASTERS.
    pub(super) fn masters_reply(&self) -> Reply {
        Reply::Array(self.masters.keys().map(|id| self.master_map(*id)).collect())
    }

    /// SENTINEL MASTER.
    pub(super) fn master_reply(&self, name: &[u8]) -> Reply {
        self.find_master(name).map_or_else(no_such_master, |id| self.master_map(id))
    }

    /// SENTINEL REPLICAS: those that let themselves be announced.
    pub(super) fn replicas_reply(&self, name: &[u8]) -> Reply {
        let Some(id) = self.find_master(name) else { return no_such_master() };
        let announced = self.masters[&id].replicas.iter().filter(|(_, replica)| replica.server.announced);
        Reply::Array(announced.map(|(replica, _)| self.replica_map(id, *replica)).collect())
    }

    /// SENTINEL SENTINELS.
    pub(super) fn sentinels_reply(&self, name: &[u8]) -> Reply {
        let Some(id) = self.find_master(name) else { return no_such_master() };
        Reply::Array(self.masters[&id].peers.keys().map(|peer| self.peer_map(id, *peer)).collect())
    }

    /// SENTINEL GET-MASTER-ADDR-BY-NAME.
    pub(super) fn address_reply(&self, name: &[u8]) -> Reply {
        let Some(id) = self.find_master(name) else { return Reply::NullArray };
        let addr = self.current_addr(id);
        let host = addr.announced(self.settings.announce());
        Reply::Array([Reply::bulk(host), Reply::bulk(addr.port.to_string())].into())
    }

    /// SENTINEL CKQUORUM.
    pub(super) fn quorum_reply(&self, name: &[u8]) -> Reply {
        let Some(id) = self.find_master(name) else { return no_such_master() };
        let master = &self.masters[&id];
        let (usable, majority) = (master.usable_voters(), master.voters() / 2 + 1);
        let mut missing = Vec::new();
        if usable < master.settings.quorum {
            missing.push("Not enough available Sentinels to reach the specified quorum for this master");
        }
        if usable < majority {
            missing.push("Not enough available Sentinels to reach the majority and authorize a failover");
        }
        if missing.is_empty() {
            Reply::simple(format!(
                "OK {usable} usable Sentinels. Quorum and failover authorization can be reached"
            ))
        } else {
            Reply::error(format!("NOQUORUM {usable} usable Sentinels. {}", missing.join(". ")))
        }
    }

    /// SENTINEL INFO-CACHE: name, then what the master and its replicas said last.
    pub(super) fn info_cache_reply(&self, names: &[Bytes]) -> Reply {
        let mut seen = BTreeSet::new();
        let known = names.iter().filter_map(|name| self.find_master(name)).filter(|id| seen.insert(*id));
        let mut items = Vec::new();
        for id in known {
            let master = &self.masters[&id];
            let replicas = master.replicas.values().map(|replica| &replica.server);
            let servers = core::iter::once(&master.server).chain(replicas);
            items.push(Reply::from(master.name.as_str()));
            items.push(Reply::Array(servers.map(|server| self.cached_info(server)).collect()));
        }
        Reply::Array(items)
    }

    fn cached_info(&self, server: &Server) -> Reply {
        let age = server.info_at.map_or(0, |at| self.now.since(at).0);
        let text = server.info_text.clone().map_or(Reply::Null, Reply::Bulk);
        Reply::Array([super::integer(age), text].into())
    }

    /// SENTINEL PENDING-SCRIPTS.
    pub(super) fn pending_scripts_reply(&self) -> Reply {
        Reply::Array(self.scripts.iter().map(|job| self.pending_script(job)).collect())
    }

    fn pending_script(&self, job: &Job) -> Reply {
        let (flags, process, (time, span)) = match job.state {
            JobState::Running { pid, since, .. } => {
                ("running", pid.unwrap_or(0), ("run-time", self.now.since(since)))
            }
            JobState::Scheduled { not_before } => {
                ("scheduled", 0, ("run-delay", not_before.unwrap_or_default().since(self.now)))
            }
        };
        let argv = job.argv.iter().map(|word| Reply::from(word.as_str())).collect();
        Reply::Map(
            [
                (Reply::bulk("argv"), Reply::Array(argv)),
                (Reply::bulk("flags"), Reply::bulk(flags)),
                (Reply::bulk("pid"), Reply::bulk(process.to_string())),
                (Reply::bulk(time), Reply::bulk(span.0.to_string())),
                (Reply::bulk("retry-num"), Reply::bulk(job.runs.to_string())),
            ]
            .into(),
        )
    }

    /// ROLE.
    pub(super) fn role_reply(&self) -> Reply {
        let names = self.masters.values().map(|master| Reply::from(master.name.as_str())).collect();
        Reply::Array([Reply::bulk("sentinel"), Reply::Array(names)].into())
    }
}

/// The answer about a name that is not monitored.
pub(super) fn no_such_master() -> Reply {
    Reply::error(NO_SUCH_MASTER)
}
