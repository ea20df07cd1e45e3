//! INFO of a fake server: all sections of redis-server 7.0, with its own facts filled in.

use std::fmt::Write as _;

const TEMPLATE: &str = include_str!("info.txt");
const ZEROS: &str = "0000000000000000000000000000000000000000";

/// What INFO tells of replication.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) port: u16,
    pub(super) run_id: &'a str,
    pub(super) offset: u64,
    /// The master, and since how many seconds it cannot be reached, if it cannot.
    pub(super) follows: Option<(u16, Option<u64>)>,
    pub(super) replicas: &'a [(u16, u64)],
}

impl Facts<'_> {
    /// The whole text.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(TEMPLATE.len() + 1024);
        for line in TEMPLATE.lines() {
            match line {
                "run_id:@run_id@" => text.extend(["run_id:", self.run_id]),
                "tcp_port:@port@" => text.extend(["tcp_port:", &self.port.to_string()]),
                "@replication@" => self.replication(&mut text),
                line => text.push_str(line),
            }
            text.push_str("\r\n");
        }
        text
    }

    fn replication(&self, text: &mut String) {
        let Self { offset, run_id, .. } = self;
        // Writing into a text cannot fail.
        match self.follows {
            None => text.push_str("role:master\r\n"),
            Some((master, down_for)) => {
                let status = if down_for.is_some() { "down" } else { "up" };
                let last_io = if down_for.is_some() { "-1" } else { "0" };
                let _ = write!(
                    text,
                    "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{master}\r\nmaster_link_status:{status}\r\n\
                     master_last_io_seconds_ago:{last_io}\r\nmaster_sync_in_progress:0\r\n\
                     slave_read_repl_offset:{offset}\r\nslave_repl_offset:{offset}\r\n"
                );
                if let Some(seconds) = down_for {
                    let _ = write!(text, "master_link_down_since_seconds:{seconds}\r\n");
                }
                text.push_str("slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\n");
            }
        }
        let _ = write!(text, "connected_slaves:{}\r\n", self.replicas.len());
        for (index, (port, offset)) in self.replicas.iter().enumerate() {
            let _ =
                write!(text, "slave{index}:ip=127.0.0.1,port={port},state=online,offset={offset},lag=0\r\n");
        }
        let _ = write!(
            text,
            "master_failover_state:no-failover\r\nmaster_replid:{run_id}\r\nmaster_replid2:{ZEROS}\r\n\
             master_repl_offset:{offset}\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:1\r\n\
             repl_backlog_size:1048576\r\nrepl_backlog_first_byte_offset:1\r\nrepl_backlog_histlen:{offset}\r\n"
        );
    }
}
