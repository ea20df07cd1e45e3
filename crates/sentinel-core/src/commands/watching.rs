//! SENTINEL MONITOR, REMOVE, RESET and FAILOVER: what is watched, and told to act.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;
use picket_server_core::{Case, glob_match};

use super::queries::no_such_master;
use super::{Answer, CommandDeferred, integer_of};
use crate::addr::Addr;
use crate::deferred::Deferred;
use crate::event::Event;
use crate::failover::ManualRefusal;
use crate::ids::InstanceId;
use crate::sentinel::Sentinel;
use crate::settings::MasterSettings;

/// A SENTINEL MONITOR that waits for its host name to be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingMonitor {
    pub(super) client: ClientId,
    name: String,
    host: String,
    port: i64,
    quorum: u32,
}

impl Sentinel {
    /// SENTINEL MONITOR; the checks come in the order of the reference.
    pub(super) fn monitor(&mut self, client: ClientId, args: &[Bytes]) -> Answer {
        let [name, host, port, quorum] = args else { return Answer::Now(Reply::error("ERR syntax error")) };
        let error = |text: &'static str| Answer::Now(Reply::error(text));
        let Some(quorum) = integer_of(quorum) else { return error("ERR Invalid quorum") };
        let Some(port) = integer_of(port) else { return error("ERR Invalid port") };
        let Some(quorum) = u32::try_from(quorum.min(i64::from(u32::MAX))).ok().filter(|quorum| *quorum > 0)
        else {
            return error("ERR Quorum must be 1 or greater.");
        };
        let Some(host) = plain_text(host) else { return error(INVALID_HOST) };
        // Differs from Redis, which takes any bytes: such a name would end in every log line, every
        // hello and the config file.
        let Some(name) = plain_text(name) else { return error("ERR Invalid master name") };
        let pending = PendingMonitor { client, name, host, port, quorum };
        if let Ok(ip) = pending.host.parse() {
            self.add_monitored(&pending, ip)
        } else if self.settings.resolve_hostnames && !pending.host.is_empty() {
            let host = pending.host.clone();
            self.resolve(&host, Deferred::Command(CommandDeferred::Monitor(pending)));
            Answer::Later
        } else {
            error(INVALID_HOST)
        }
    }

    /// The host name of `pending` is resolved, or cannot be.
    pub(super) fn monitor_resolved(
        &mut self,
        pending: &PendingMonitor,
        result: &Result<Vec<IpAddr>, String>,
    ) -> Answer {
        match result.as_ref().map(|ips| ips.first().copied()) {
            Ok(Some(ip)) => self.add_monitored(pending, ip),
            Ok(None) | Err(_) => Answer::Now(Reply::error(INVALID_HOST)),
        }
    }

    fn add_monitored(&mut self, pending: &PendingMonitor, ip: IpAddr) -> Answer {
        let Ok(port) = u16::try_from(pending.port) else {
            return Answer::Now(Reply::error("ERR Invalid port number."));
        };
        let addr = Addr { host: pending.host.clone(), ip: Some(ip), port };
        let settings = MasterSettings::new(pending.quorum, &self.periods);
        match self.add_master(pending.name.clone(), addr, settings) {
            Ok(id) => {
                // It may have been watched before, with votes that are forgotten now: no second vote in
                // an epoch that was.
                if let Some(master) = self.masters.get_mut(&id) {
                    master.leader_epoch = self.current_epoch;
                }
                // Differs from Redis, where this follows the reply: ours waits for the disk, and
                // nothing about the master shall be told before this.
                let instance = self.instance_ref(InstanceId::Master(id));
                self.emit(Event::Monitor { instance, quorum: pending.quorum });
                self.reply_when_saved(pending.client)
            }
            Err(reason) => Answer::Now(Reply::error(alloc::format!("ERR {reason}"))),
        }
    }

    /// SENTINEL REMOVE.
    pub(super) fn remove(&mut self, client: ClientId, name: &[u8]) -> Answer {
        let Some(id) = self.find_master(name) else { return Answer::Now(no_such_master()) };
        let instance = self.instance_ref(InstanceId::Master(id));
        self.emit(Event::Unmonitor { instance });
        self.remove_master(id);
        self.reply_when_saved(client)
    }

    /// SENTINEL RESET: how many masters it was.
    pub(super) fn reset(&mut self, pattern: &[u8]) -> Reply {
        let matching = self
            .masters
            .iter()
            .filter(|(_, master)| glob_match(pattern, master.name.as_bytes(), Case::Sensitive));
        let ids: Vec<_> = matching.map(|(id, _)| *id).collect();
        for id in &ids {
            self.reset_master(*id);
        }
        super::integer(ids.len() as u64)
    }

    /// SENTINEL FAILOVER.
    pub(super) fn failover(&mut self, name: &[u8]) -> Reply {
        let Some(id) = self.find_master(name) else { return no_such_master() };
        match self.manual_failover(id) {
            Ok(()) => Reply::ok(),
            Err(ManualRefusal::InProgress) => Reply::error("INPROG Failover already in progress"),
            Err(ManualRefusal::NoGoodReplica) => Reply::error("NOGOODSLAVE No suitable replica to promote"),
        }
    }
}

/// `word` as text, if it has no control characters.
fn plain_text(word: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(word).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_string())
}

const INVALID_HOST: &str = "ERR Invalid IP address or hostname specified";
