//! What a Sentinel reads out of the INFO text of a server. Mirrors
//! `sentinel.c: sentinelRefreshInstanceInfo` (its parsing half).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::Millis;

use crate::hello::is_host;
use crate::instance::Role;
use crate::members::MEMBERS_MAX;

/// How far a master is with a FAILOVER of its own (`master_failover_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MasterFailover {
    /// There is none.
    None,
    /// It holds back writes until its replica has everything.
    WaitingForSync,
    /// It has asked the replica to take over.
    InProgress,
}

/// The facts in an INFO text. What a line does not say stays at its default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Info {
    pub(crate) run_id: Option<String>,
    pub(crate) role: Option<Role>,
    /// Replicas that a master lists, as host and port; no more than are kept.
    pub(crate) replicas: Vec<(String, u16)>,
    pub(crate) master_link_down: Millis,
    pub(crate) master_host: Option<String>,
    pub(crate) master_port: Option<u16>,
    pub(crate) master_link_up: Option<bool>,
    pub(crate) priority: Option<u32>,
    pub(crate) offset: Option<u64>,
    /// The offset of what a server has written as a master.
    pub(crate) master_offset: Option<u64>,
    pub(crate) announced: Option<bool>,
    pub(crate) sync_in_progress: Option<bool>,
    /// Servers that do not know FAILOVER do not tell.
    pub(crate) failover_state: Option<MasterFailover>,
}

/// With what every line begins that [`Info::read`] knows.
const FIRST_BYTES: [u8; 3] = *b"mrs";

impl Info {
    /// Reads an INFO text; lines that make no sense are passed over.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut info = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            // Most lines are about something else: no more than their first byte is looked at.
            if !line.first().is_some_and(|byte| FIRST_BYTES.contains(byte)) {
                continue;
            }
            let Ok(line) = core::str::from_utf8(line) else { continue };
            let Some((key, value)) = line.trim_end_matches('\r').split_once(':') else { continue };
            info.read(key, value);
        }
        info
    }

    fn read(&mut self, key: &str, value: &str) {
        match key {
            "run_id" if value.len() == 40 => self.run_id = Some(value.to_string()),
            "role" => {
                self.role = match value {
                    "master" => Some(Role::Master),
                    "slave" => Some(Role::Replica),
                    _ => None,
                }
            }
            "master_link_down_since_seconds" => {
                // -1 stands for "never connected".
                let seconds = value.parse::<i64>().unwrap_or(0);
                self.master_link_down = Millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
            }
            "master_host" if is_host(value) => self.master_host = Some(value.to_string()),
            "master_port" => self.master_port = value.parse().ok(),
            "master_link_status" => self.master_link_up = Some(value == "up"),
            "slave_priority" => self.priority = value.parse().ok(),
            "master_repl_offset" => self.master_offset = value.parse().ok(),
            "slave_repl_offset" => self.offset = value.parse().ok(),
            "replica_announced" => self.announced = value.parse::<u32>().ok().map(|flag| flag != 0),
            "master_failover_state" => {
                self.failover_state = match value {
                    "no-failover" => Some(MasterFailover::None),
                    "waiting-for-sync" => Some(MasterFailover::WaitingForSync),
                    "failover-in-progress" => Some(MasterFailover::InProgress),
                    _ => None,
                }
            }
            "master_sync_in_progress" => self.sync_in_progress = Some(value == "1"),
            _ => {
                let is_replica = key
                    .strip_prefix("slave")
                    .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
                if is_replica
                    && self.replicas.len() < MEMBERS_MAX
                    && let Some(replica) = read_replica(value)
                {
                    self.replicas.push(replica);
                }
            }
        }
    }
}

/// `ip=<ip>,port=<port>,...` with the keys anywhere, or the old `<ip>,<port>,<state>`.
fn read_replica(value: &str) -> Option<(String, u16)> {
    let field = |name: &str| value.split(',').find_map(|part| part.strip_prefix(name));
    let (host, port) = match (field("ip="), field("port=")) {
        (Some(host), Some(port)) => (host, port),
        _ => {
            let mut parts = value.split(',');
            (parts.next()?, parts.next()?)
        }
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    is_host(host).then(|| (host.to_string(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_lists_its_replicas_in_both_forms() {
        let info = Info::parse(
            b"# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmaster_failover_state:waiting-for-sync\r\n\
              slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r\n\
              slave1:10.0.0.3,6380,online\r\nslave2:ip=,port=1\r\nslave_x:1\r\n",
        );
        assert_eq!(info.role, Some(Role::Master));
        assert_eq!(info.failover_state, Some(MasterFailover::WaitingForSync));
        assert_eq!(info.replicas, [("10.0.0.2".to_string(), 6379), ("10.0.0.3".to_string(), 6380)]);
    }

    #[test]
    fn a_replica_tells_its_master_and_its_state() {
        let info = Info::parse(
            b"run_id:0123456789abcdef0123456789abcdef01234567\r\nrole:slave\r\nmaster_host:db\r\nmaster_port:7\r\n\
              master_link_status:down\r\nmaster_sync_in_progress:1\r\nslave_repl_offset:99\r\nslave_priority:5\r\n\
              master_link_down_since_seconds:12\r\nreplica_announced:0\r\n",
        );
        assert_eq!(info.run_id.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
        assert_eq!((info.master_host.as_deref(), info.master_port), (Some("db"), Some(7)));
        assert_eq!((info.master_link_up, info.sync_in_progress), (Some(false), Some(true)));
        assert_eq!((info.offset, info.priority, info.announced), (Some(99), Some(5), Some(false)));
        assert_eq!(info.master_link_down, Millis(12_000));
    }

    #[test]
    fn nonsense_is_passed_over() {
        let info = Info::parse(
            b"\xff\xff:1\r\nrole:king\r\nslave0:ip=a b,port=6\r\nslave_priority:-1\r\nmaster_port:x",
        );
        assert_eq!(info, Info::default());
        assert_eq!(Info::parse(b"master_link_down_since_seconds:-1").master_link_down, Millis(0));
    }
}
