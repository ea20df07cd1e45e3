//! INFO and ROLE of the model: the fields that a Sentinel or a client library reads.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_resp::Reply;
use picket_sansio::Time;

use super::Server;

impl Server {
    pub(super) fn info(&self, now: Time) -> String {
        let mut text = format!(
            "# Server\r\nredis_version:7.0.15\r\nrun_id:{}\r\ntcp_port:{}\r\n\r\n# Replication\r\n",
            self.run_id,
            self.addr.port()
        );
        let mut line = |key: &str, value: String| text.push_str(&format!("{key}:{value}\r\n"));
        match &self.upstream {
            None => line("role", "master".into()),
            Some(upstream) => {
                line("role", "slave".into());
                line("master_host", upstream.host.clone());
                line("master_port", upstream.port.to_string());
                line("master_link_status", if upstream.is_up() { "up" } else { "down" }.into());
                line("master_sync_in_progress", u32::from(upstream.is_syncing()).to_string());
                line("slave_read_repl_offset", self.offset.to_string());
                line("slave_repl_offset", self.offset.to_string());
                if let Some(since) = upstream.down_since {
                    line("master_link_down_since_seconds", (now.since(since).0 / 1000).to_string());
                }
                line("slave_priority", self.options.priority.to_string());
                line("slave_read_only", "1".into());
                line("replica_announced", u32::from(self.options.announced).to_string());
            }
        }
        let replicas: Vec<_> = self
            .sessions
            .values()
            .filter(|session| session.is_announced)
            .filter_map(|session| {
                let host = session.announced_host.clone().unwrap_or_else(|| session.peer.ip().to_string());
                Some((host, session.replica?, session.is_synced))
            })
            .collect();
        line("connected_slaves", replicas.len().to_string());
        for (index, (host, (port, offset), is_synced)) in replicas.into_iter().enumerate() {
            let state = if is_synced { "online" } else { "wait_bgsave" };
            line(
                &format!("slave{index}"),
                format!("ip={host},port={port},state={state},offset={offset},lag=0"),
            );
        }
        line("master_repl_offset", self.offset.to_string());
        text
    }

    pub(super) fn role(&self) -> Reply {
        let offset = Reply::Integer(i64::try_from(self.offset).unwrap_or(i64::MAX));
        match &self.upstream {
            None => Reply::Array([Reply::bulk("master"), offset, Reply::Array(Vec::new())].into()),
            Some(upstream) => {
                let state = if upstream.is_up() { "connected" } else { "connect" };
                let host = Reply::bulk(upstream.host.clone());
                let port = Reply::Integer(i64::from(upstream.port));
                Reply::Array([Reply::bulk("slave"), host, port, Reply::bulk(state), offset].into())
            }
        }
    }
}
