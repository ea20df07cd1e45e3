//! WAIT and WAITAOF: clients that wait for acknowledgements.

use alloc::vec::Vec;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis, Time};

use super::MasterSide;
use super::io::{MasterOutput, WaitKind};
use super::status::NodeRole;
use crate::number::parse_i64;

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// Clients that are blocked.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    waits: BTreeMap<ClientId, Wait>,
    deadlines: BTreeSet<(Time, ClientId)>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    kind: WaitKind,
    offset: u64,
    /// 0 or 1: whether this node's own disk counts.
    local: u64,
    replicas: i64,
    deadline: Option<Time>,
}

impl Waits {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn insert(&mut self, client: ClientId, wait: Wait) {
        self.remove(client);
        self.deadlines.extend(wait.deadline.map(|at| (at, client)));
        self.waits.insert(client, wait);
    }

    pub(super) fn remove(&mut self, client: ClientId) {
        if let Some(deadline) = self.waits.remove(&client).and_then(|wait| wait.deadline) {
            self.deadlines.remove(&(deadline, client));
        }
    }

    pub(super) fn clear(&mut self) {
        self.waits.clear();
        self.deadlines.clear();
    }

    pub(super) fn len(&self) -> u64 {
        self.waits.len() as u64
    }
}

impl MasterSide {
    pub(super) fn on_wait(
        &mut self,
        client: ClientId,
        kind: WaitKind,
        args: &[Bytes],
        offset: u64,
        may_block: bool,
    ) {
        let wait = match self.parse_wait(kind, args, offset) {
            Ok(wait) => wait,
            Err(text) => return self.error(client, text),
        };
        if self.is_fulfilled(&wait) || !may_block {
            let reply = self.wait_reply(&wait);
            return self.reply(client, reply);
        }
        self.waits.insert(client, wait);
        self.outputs.push_back(MasterOutput::Blocked { client });
        self.getack_wanted = true;
    }

    fn parse_wait(&self, kind: WaitKind, args: &[Bytes], offset: u64) -> Result<Wait, &'static str> {
        let is_replica = self.role != NodeRole::Master;
        if is_replica && kind == WaitKind::Wait {
            return Err(
                "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 \
                        if a replica is configured to be writable (which is not the default) writes to \
                        replicas are just local and are not propagated.",
            );
        }
        let (local, rest) = match (kind, args) {
            (WaitKind::Wait, rest) => (0, rest),
            (WaitKind::WaitAof, [local, rest @ ..]) => {
                let local = parse_i64(local).ok_or(NOT_AN_INTEGER)?;
                let local = u64::try_from(local).ok().filter(|local| *local <= 1);
                (local.ok_or("ERR value is out of range, value must between 0 and 1")?, rest)
            }
            (WaitKind::WaitAof, []) => return Err("ERR wrong number of arguments for 'waitaof' command"),
        };
        let [replicas, timeout] = rest else {
            return Err(match kind {
                WaitKind::Wait => "ERR wrong number of arguments for 'wait' command",
                WaitKind::WaitAof => "ERR wrong number of arguments for 'waitaof' command",
            });
        };
        let replicas = parse_i64(replicas).ok_or(NOT_AN_INTEGER)?;
        let timeout = parse_i64(timeout).ok_or("ERR timeout is not an integer or out of range")?;
        let timeout = u64::try_from(timeout).map_err(|_| "ERR timeout is negative")?;
        if timeout > i64::MAX.cast_unsigned().saturating_sub(self.now.0 / 1000) {
            return Err("ERR timeout is out of range");
        }
        if is_replica {
            return Err(
                "ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
                        replicas are just local and are not propagated.",
            );
        }
        if local == 1 && self.fsynced.is_none() {
            return Err("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
        }
        let deadline = (timeout > 0).then(|| self.now + Millis(timeout));
        Ok(Wait { kind, offset, local, replicas, deadline })
    }

    /// Somebody acknowledged something.
    pub(super) fn check_waits(&mut self) {
        let done = |side: &Self, wait: &Wait| side.is_fulfilled(wait);
        self.finish_waits(done);
    }

    pub(super) fn on_wait_timeout(&mut self) {
        let end = (Time(self.now.0.saturating_add(1)), ClientId(0));
        let overdue: Vec<ClientId> = self.waits.deadlines.range(..end).map(|(_, client)| *client).collect();
        for client in overdue {
            let Some(wait) = self.waits.waits.get(&client) else { continue };
            let reply = self.wait_reply(wait);
            self.waits.remove(client);
            self.outputs.push_back(MasterOutput::WaitDone { client, reply });
        }
    }

    pub(super) fn on_fsynced(&mut self, offset: Option<u64>) {
        self.fsynced = offset;
        if offset.is_none() {
            let local: Vec<ClientId> = self
                .waits
                .waits
                .iter()
                .filter(|(_, wait)| wait.local == 1)
                .map(|(client, _)| *client)
                .collect();
            for client in local {
                self.waits.remove(client);
                let text = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
                self.outputs.push_back(MasterOutput::WaitDone { client, reply: Reply::error(text) });
            }
        }
        self.check_waits();
    }

    fn finish_waits(&mut self, done: impl Fn(&Self, &Wait) -> bool) {
        let finished: Vec<(ClientId, Reply)> = self
            .waits
            .waits
            .iter()
            .filter(|(_, wait)| done(self, wait))
            .map(|(client, wait)| (*client, self.wait_reply(wait)))
            .collect();
        for (client, reply) in finished {
            self.waits.remove(client);
            self.outputs.push_back(MasterOutput::WaitDone { client, reply });
        }
    }

    fn is_fulfilled(&self, wait: &Wait) -> bool {
        let (local, replicas) = self.wait_counts(wait);
        local >= wait.local && i64::try_from(replicas).unwrap_or(i64::MAX) >= wait.replicas
    }

    fn wait_reply(&self, wait: &Wait) -> Reply {
        let int = |count: u64| Reply::int(i64::try_from(count).unwrap_or(i64::MAX));
        let (local, replicas) = self.wait_counts(wait);
        match wait.kind {
            WaitKind::Wait => int(replicas),
            WaitKind::WaitAof => Reply::array([int(local), int(replicas)]),
        }
    }

    fn wait_counts(&self, wait: &Wait) -> (u64, u64) {
        match wait.kind {
            WaitKind::Wait => (0, self.acknowledged_by(wait.offset)),
            WaitKind::WaitAof => {
                let local = self.fsynced.is_some_and(|fsynced| fsynced >= wait.offset);
                (u64::from(local), self.fsynced_by(wait.offset))
            }
        }
    }
}
