//! The text of `INFO replication` and the reply of ROLE, from plain pictures.

use alloc::string::{String, ToString as _};
use core::fmt::Write as _;

use picket_resp::Reply;
use picket_sansio::Time;

use super::status::{MasterStatus, NodeRole, ReplicaKind, ReplicaStatus, ReplicaStatusState};
use crate::{LinkState, LinkStatus, PayloadSize};

/// Settings of a replica that INFO shows and this crate has no use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// `replica-priority`.
    pub replica_priority: u64,
    /// `replica-read-only`.
    pub replica_read_only: bool,
    /// `replica-announced`.
    pub replica_announced: bool,
    /// Whether the fields about dual-channel sync are always there, as in Valkey. Redis 7 has none of them.
    pub tells_channels: bool,
}

/// The section `# Replication`, its fields in Redis's order.
#[must_use]
pub fn render_info(now: Time, side: &MasterStatus, link: &LinkStatus, facts: NodeFacts) -> String {
    let mut text = String::from("# Replication\r\n");
    // Writing to a String cannot fail.
    let mut field = |name: &str, value: &dyn core::fmt::Display| {
        let _ = write!(text, "{name}:{value}\r\n");
    };
    match &link.master {
        None => field("role", &"master"),
        Some((host, port)) => {
            field("role", &"slave");
            field("master_host", host);
            field("master_port", port);
            replica_fields(now, link, &mut field);
            field("slave_priority", &facts.replica_priority);
            field("slave_read_only", &u8::from(facts.replica_read_only));
            field("replica_announced", &u8::from(facts.replica_announced));
        }
    }
    field("connected_slaves", &side.replicas.len());
    if let Some(good) = side.good_replicas {
        field("min_slaves_good_slaves", &good);
    }
    for (index, replica) in side.replicas.iter().enumerate() {
        field(
            &alloc::format!("slave{index}"),
            &format_args!(
                "ip={},port={},state={},offset={},lag={}{}",
                replica.ip,
                replica.port,
                replica.state.word(),
                replica.ack,
                replica.lag_seconds,
                kind_field(facts, replica)
            ),
        );
    }
    if facts.tells_channels {
        field("replicas_waiting_psync", &side.replicas_waiting_psync);
    }
    let history = &side.history;
    field("master_failover_state", &side.failover.word());
    field("master_replid", &history.replid);
    field("master_replid2", &history.replid2);
    field("master_repl_offset", &history.master_repl_offset);
    match history.second_repl_offset {
        Some(second) => field("second_repl_offset", &second),
        None => field("second_repl_offset", &"-1"),
    }
    field("repl_backlog_active", &u8::from(side.backlog.is_some()));
    field("repl_backlog_size", &side.repl_backlog_size);
    let (first, histlen) = side.backlog.map_or((0, 0), |it| (it.first_byte_offset, it.histlen));
    field("repl_backlog_first_byte_offset", &first);
    field("repl_backlog_histlen", &histlen);
    text
}

fn kind_field(facts: NodeFacts, replica: &ReplicaStatus) -> String {
    if facts.tells_channels || replica.kind != ReplicaKind::Replica {
        alloc::format!(",type={}", replica.kind.word())
    } else {
        String::new()
    }
}

fn replica_fields(now: Time, link: &LinkStatus, field: &mut dyn FnMut(&str, &dyn core::fmt::Display)) {
    let seconds = |since: Time| now.since(since).0 / 1000;
    let seconds_or_never = |since: Option<Time>| match since {
        Some(since) => seconds(since).to_string(),
        None => "-1".to_string(),
    };
    let up = link.state == LinkState::Connected;
    field("master_link_status", &if up { "up" } else { "down" });
    field("master_last_io_seconds_ago", &seconds_or_never(link.last_io));
    field("master_sync_in_progress", &u8::from(link.state == LinkState::Sync));
    field("slave_read_repl_offset", &link.read_reploff.unwrap_or(1));
    field("slave_repl_offset", &link.reploff.unwrap_or(1));
    if let Some(transfer) = &link.transfer {
        let read = transfer.read_bytes;
        let (total, left) = match transfer.size {
            None => ("-1".to_string(), "-1".to_string()),
            Some(PayloadSize::UntilMark) => ("0".to_string(), alloc::format!("-{read}")),
            Some(PayloadSize::Bytes(total)) => (total.to_string(), total.saturating_sub(read).to_string()),
        };
        let hundredths = match transfer.size {
            Some(PayloadSize::Bytes(total)) if total > 0 => {
                u64::try_from(u128::from(read) * 10_000 / u128::from(total)).unwrap_or(0)
            }
            _ => 0,
        };
        field("master_sync_total_bytes", &total);
        field("master_sync_read_bytes", &read);
        field("master_sync_left_bytes", &left);
        field("master_sync_perc", &format_args!("{}.{:02}", hundredths / 100, hundredths % 100));
        field("master_sync_last_io_seconds_ago", &seconds(transfer.last_io));
    }
    if link.stored_bytes > 0 {
        field("replicas_repl_buffer_size", &link.stored_bytes);
    }
    if !up {
        field("master_link_down_since_seconds", &seconds_or_never(link.down_since));
    }
}

/// The reply of ROLE.
#[must_use]
pub fn role_reply(side: &MasterStatus, link: &LinkStatus) -> Reply {
    let int = |value: u64| Reply::int(i64::try_from(value).unwrap_or(i64::MAX));
    match (&link.master, side.role) {
        (Some((host, port)), _) => {
            let live = link.state == LinkState::Connected;
            let offset = link.reploff.filter(|_| live).map_or(Reply::int(-1_i64), int);
            Reply::array([
                Reply::bulk("slave"),
                Reply::bulk(host.clone()),
                Reply::int(i64::from(*port)),
                Reply::bulk(link.state.word()),
                offset,
            ])
        }
        (None, NodeRole::Master | NodeRole::Replica { .. }) => {
            let online = side.replicas.iter().filter(|replica| replica.state == ReplicaStatusState::Online);
            let replicas = online.map(|replica| {
                Reply::array([
                    Reply::bulk(replica.ip.clone()),
                    Reply::bulk(replica.port.to_string()),
                    Reply::bulk(replica.ack.to_string()),
                ])
            });
            let offset = int(side.history.master_repl_offset);
            Reply::array([Reply::bulk("master"), offset, Reply::array(replicas)])
        }
    }
}
