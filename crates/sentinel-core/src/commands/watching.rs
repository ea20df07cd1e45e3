//! SENTINEL MONITOR, REMOVE, RESET, FORGET and FAILOVER: what is watched, and told to act.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis};
use picket_server_core::{Case, glob_match};

use super::queries::no_such_master;
use super::{Answer, CommandDeferred, integer_of};
use crate::addr::Addr;
use crate::deferred::Deferred;
use crate::event::Event;
use crate::failover::Request;
use crate::hello::is_host;
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
    pub(super) fn failover(&mut self, name: &[u8], options: &[Bytes]) -> Reply {
        let Some(id) = self.find_master(name) else { return no_such_master() };
        let request = match self.failover_request(options) {
            Ok(request) => request,
            Err(text) => return Reply::error(text),
        };
        match self.manual_failover(id, &request) {
            Ok(()) => Reply::ok(),
            Err(refusal) => Reply::error(refusal.to_string()),
        }
    }

    /// `[COORDINATED] [TO host port] [TIMEOUT ms]`, in any order, each once.
    fn failover_request(&self, mut options: &[Bytes]) -> Result<Request, &'static str> {
        const SYNTAX: &str = "ERR syntax error";
        let mut request = Request::default();
        while let [word, rest @ ..] = options {
            options = if word.eq_ignore_ascii_case(b"coordinated") && !request.coordinated {
                request.coordinated = true;
                rest
            } else if word.eq_ignore_ascii_case(b"to") && request.to.is_none() {
                let [host, port, rest @ ..] = rest else { return Err(SYNTAX) };
                let host =
                    core::str::from_utf8(host).ok().filter(|host| is_host(host)).ok_or(INVALID_HOST)?;
                let port = integer_of(port).and_then(|port| u16::try_from(port).ok());
                request.to = Some(self.addr_of(host, port.ok_or("ERR Invalid port")?));
                rest
            } else if word.eq_ignore_ascii_case(b"timeout") && request.timeout.is_none() {
                let [millis, rest @ ..] = rest else { return Err(SYNTAX) };
                let millis = integer_of(millis).ok_or(super::NOT_AN_INTEGER)?;
                let millis = u64::try_from(millis).ok().filter(|millis| *millis > 0);
                request.timeout = Some(Millis(millis.ok_or("ERR FAILOVER timeout must be greater than 0")?));
                rest
            } else {
                return Err("ERR Unknown failover option specified");
            };
        }
        if request.timeout.is_some() && !request.coordinated {
            return Err("ERR TIMEOUT is for COORDINATED alone: nothing else is waited for");
        }
        Ok(request)
    }

    /// SENTINEL FORGET. It is over when the file says so too: a restart must not bring it back.
    pub(super) fn forget(&mut self, client: ClientId, name: &[u8], kind: &[u8], member: &[u8]) -> Answer {
        let Some(id) = self.find_master(name) else { return Answer::Now(no_such_master()) };
        let member = String::from_utf8_lossy(member);
        let forgotten = if kind.eq_ignore_ascii_case(b"sentinel") {
            self.forget_peer(id, &member)
        } else if kind.eq_ignore_ascii_case(b"replica") || kind.eq_ignore_ascii_case(b"slave") {
            self.forget_replica(id, &member)
        } else {
            return Answer::Now(Reply::error("ERR syntax error"));
        };
        match forgotten {
            Ok(()) => self.reply_when_saved(client),
            Err(refusal) => Answer::Now(Reply::error(refusal.to_string())),
        }
    }
}

/// `word` as text, if it has no control characters.
fn plain_text(word: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(word).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_string())
}

const INVALID_HOST: &str = "ERR Invalid IP address or hostname specified";
