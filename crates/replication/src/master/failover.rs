//! `FAILOVER`: handing the role of master to a replica without losing a write
//! (`replication.c: failoverCommand, updateFailoverStatus, abortFailover`).

use alloc::string::{String, ToString as _};
use core::fmt;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis, Time};

use super::MasterSide;
use super::event::MasterEvent;
use super::io::MasterOutput;
use super::replica::Replica;
use super::status::NodeRole;
use crate::CachedMasterEffect;
use crate::number::parse_i64;

/// A planned failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failover {
    None,
    /// Writes are held back until the target has everything.
    WaitingForSync {
        target: FailoverTarget,
        deadline: Option<Time>,
        force: bool,
    },
    /// The target was asked to take over.
    InProgress {
        target: FailoverTarget,
    },
}

/// Whom a planned failover is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailoverTarget {
    /// Whichever replica has everything first.
    Any,
    /// This one.
    Replica {
        /// Its address as INFO shows it.
        host: String,
        /// Its port.
        port: u64,
    },
}

impl fmt::Display for FailoverTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any replica"),
            Self::Replica { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Why a planned failover was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverAbort {
    /// `FAILOVER ABORT`.
    Manual,
    /// The timeout passed and the target still lacked something.
    NeverCaughtUp,
    /// The target did not take over.
    Rejected,
    /// The node was told to follow somebody or nobody.
    RoleChanged,
}

impl fmt::Display for FailoverAbort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manual => "Failover manually aborted",
            Self::NeverCaughtUp => "Replica never caught up before timeout",
            Self::Rejected => "Failover target rejected psync request",
            Self::RoleChanged => "The role of this node was changed",
        })
    }
}

impl Failover {
    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::WaitingForSync { deadline, .. } => *deadline,
            Self::None | Self::InProgress { .. } => None,
        }
    }

    /// Pings would move the offset away from a target that has to reach it in time.
    pub(super) fn allows_ping(&self) -> bool {
        !matches!(self, Self::WaitingForSync { deadline: Some(_), .. })
    }
}

/// What `FAILOVER` asks for.
struct Request {
    target: FailoverTarget,
    force: bool,
    timeout: Option<Millis>,
}

impl MasterSide {
    pub(super) fn on_failover(&mut self, conn: ClientId, args: &[Bytes]) {
        if let [word] = args
            && word.eq_ignore_ascii_case(b"ABORT")
        {
            if self.failover == Failover::None {
                return self.error(conn, "ERR No failover in progress.");
            }
            self.abort_failover(FailoverAbort::Manual);
            return self.reply(conn, Reply::ok());
        }
        let checked = parse(args).and_then(|request| self.check_request(&request).map(|()| request));
        let Request { target, force, timeout } = match checked {
            Ok(request) => request,
            Err(text) => return self.error(conn, text),
        };
        self.event(MasterEvent::FailoverRequested { target: target.clone() });
        self.failover =
            Failover::WaitingForSync { target, deadline: timeout.map(|timeout| self.now + timeout), force };
        self.outputs.push_back(MasterOutput::PauseWrites { paused: true });
        // What this very transaction still writes goes into the stream first: the next flush looks who has it all.
        self.reply(conn, Reply::ok());
    }

    fn check_request(&self, request: &Request) -> Result<(), &'static str> {
        if self.failover != Failover::None {
            return Err("ERR FAILOVER already in progress.");
        }
        if self.role != NodeRole::Master {
            return Err("ERR FAILOVER is not valid when server is a replica.");
        }
        if self.replicas.is_empty() {
            return Err("ERR FAILOVER requires connected replicas.");
        }
        if request.force && (request.timeout.is_none() || request.target == FailoverTarget::Any) {
            return Err("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
        }
        if request.target != FailoverTarget::Any {
            match self.replicas.values().find(|replica| is_target(replica, &request.target)) {
                None => return Err("ERR FAILOVER target HOST and PORT is not a replica."),
                Some(replica) if !replica.is_online() => {
                    return Err("ERR FAILOVER target replica is not online.");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Has a target caught up?
    pub(super) fn check_failover(&mut self) {
        let Failover::WaitingForSync { target, .. } = &self.failover else { return };
        let offset = self.history.master_repl_offset;
        let synced = self
            .replicas
            .values()
            .find(|replica| replica.is_online() && replica.ack == offset && is_target(replica, target));
        if let Some(addr) = synced.map(Replica::addr) {
            self.event(MasterEvent::FailoverSynced { host: addr.ip.clone(), port: addr.port });
            self.enter_in_progress(addr.ip, addr.port);
        }
    }

    pub(super) fn on_failover_timeout(&mut self) {
        match self.failover.clone() {
            Failover::WaitingForSync {
                target: FailoverTarget::Replica { host, port }, force: true, ..
            } => {
                self.event(MasterEvent::FailoverForced { host: host.clone(), port });
                self.enter_in_progress(host, port);
            }
            _ => self.abort_failover(FailoverAbort::NeverCaughtUp),
        }
    }

    fn enter_in_progress(&mut self, host: String, port: u64) {
        self.failover = Failover::InProgress { target: FailoverTarget::Replica { host: host.clone(), port } };
        let effects = self.history.on_demotion(self.stream_db.unwrap_or(0));
        self.role = NodeRole::Replica { link_up: false };
        self.waits.clear();
        if let CachedMasterEffect::Set(cached) = effects.cached_master {
            let port = u16::try_from(port).unwrap_or(0);
            self.outputs.push_back(MasterOutput::FollowTarget { host, port, cached });
        }
    }

    pub(super) fn on_failover_answered(&mut self, accepted: bool) {
        let Failover::InProgress { .. } = self.failover else { return };
        if !accepted {
            return self.abort_failover(FailoverAbort::Rejected);
        }
        self.failover = Failover::None;
        self.event(MasterEvent::FailoverDone);
        self.outputs.push_back(MasterOutput::PauseWrites { paused: false });
    }

    /// Gives up, and becomes a master again where it had ceased to be one.
    pub(super) fn abort_failover(&mut self, reason: FailoverAbort) {
        let was = core::mem::replace(&mut self.failover, Failover::None);
        let (target, was_following) = match was {
            Failover::None => return,
            Failover::WaitingForSync { target, .. } => (target, false),
            Failover::InProgress { target } => (target, true),
        };
        self.event(MasterEvent::FailoverAborted { target, reason });
        if was_following && reason != FailoverAbort::RoleChanged {
            self.outputs.push_back(MasterOutput::Promoted);
            self.on_promoted();
        }
        self.outputs.push_back(MasterOutput::PauseWrites { paused: false });
    }
}

fn is_target(replica: &Replica, target: &FailoverTarget) -> bool {
    match target {
        FailoverTarget::Any => true,
        FailoverTarget::Replica { host, port } => {
            let addr = replica.addr();
            addr.ip.eq_ignore_ascii_case(host) && addr.port == *port
        }
    }
}

fn parse(args: &[Bytes]) -> Result<Request, &'static str> {
    const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
    let mut request = Request { target: FailoverTarget::Any, force: false, timeout: None };
    let mut rest = args;
    loop {
        rest = match rest {
            [] => return Ok(request),
            [word, millis, rest @ ..]
                if word.eq_ignore_ascii_case(b"TIMEOUT") && request.timeout.is_none() =>
            {
                let millis = parse_i64(millis).ok_or(NOT_AN_INTEGER)?;
                let millis = u64::try_from(millis).ok().filter(|millis| *millis > 0);
                request.timeout = Some(Millis(millis.ok_or("ERR FAILOVER timeout must be greater than 0")?));
                rest
            }
            [word, host, port, rest @ ..]
                if word.eq_ignore_ascii_case(b"TO") && request.target == FailoverTarget::Any =>
            {
                let port = parse_i64(port).ok_or(NOT_AN_INTEGER)?;
                let host = host.escape_ascii().to_string();
                request.target = FailoverTarget::Replica { host, port: u64::try_from(port).unwrap_or(0) };
                rest
            }
            [word, rest @ ..] if word.eq_ignore_ascii_case(b"FORCE") && !request.force => {
                request.force = true;
                rest
            }
            _ => return Err("ERR syntax error"),
        }
    }
}
