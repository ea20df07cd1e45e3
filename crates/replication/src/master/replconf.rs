//! REPLCONF: what a connection tells before it becomes a replica, and its acknowledgements afterwards.

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Reply, split_args};
use picket_sansio::ClientId;

use super::MasterSide;
use super::event::{DisconnectReason, MasterEvent};
use super::replica::{Asker, ReplicaState};
use super::snapshot::SnapshotFilter;
use crate::number::{parse_i64, parse_offset, parse_u64};

/// The longest `ip-address`.
const IP_ADDRESS_LEN_MAX: usize = 255;

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// What becomes of one option.
enum Told {
    /// The next one.
    Next,
    /// This connection gets no answer.
    Silent,
    /// This is the answer.
    Refused(Reply),
}

impl MasterSide {
    pub(super) fn on_replconf(&mut self, conn: ClientId, args: &[Bytes]) {
        if args.is_empty() || !args.len().is_multiple_of(2) {
            return self.reply_unless_attached(conn, Reply::error("ERR syntax error"));
        }
        for (index, pair) in args.chunks_exact(2).enumerate() {
            let (option, value) = (&pair[0], &pair[1]);
            let told = if option.eq_ignore_ascii_case(b"ack") {
                self.on_ack(conn, value, args.get(index * 2 + 2..).unwrap_or_default());
                Told::Silent
            } else if option.eq_ignore_ascii_case(b"getack") {
                // The node has its replica side send what is asked for.
                Told::Silent
            } else if option.eq_ignore_ascii_case(b"set-rdb-client-id") {
                self.on_rdb_client_id(conn, value)
            } else {
                let can_dual_channel = self.settings.dual_channel && self.settings.repl_diskless_sync;
                let asker = match self.replicas.get_mut(&conn) {
                    Some(replica) => &mut replica.asker,
                    None => self.askers.entry(conn).or_default(),
                };
                tell(asker, option, value, can_dual_channel)
            };
            match told {
                Told::Next => {}
                Told::Silent => return,
                Told::Refused(reply) => return self.reply_unless_attached(conn, reply),
            }
        }
        self.reply_unless_attached(conn, Reply::ok());
    }

    /// The main connection of a replica says over which one its snapshot comes.
    fn on_rdb_client_id(&mut self, conn: ClientId, value: &[u8]) -> Told {
        let Some(id) = parse_i64(value) else { return Told::Refused(Reply::error(NOT_AN_INTEGER)) };
        let rdb_client = u64::try_from(id).ok().map(ClientId);
        let Some(rdb_client) = rdb_client.filter(|id| self.psync_waiting.contains_key(id)) else {
            return Told::Refused(Reply::error(format!("ERR Unrecognized RDB client id {id}")));
        };
        if !self.replicas.contains_key(&conn) {
            self.askers.entry(conn).or_default().rdb_client = Some(rdb_client);
        }
        Told::Next
    }

    /// A reply in the middle of the stream would be taken for a part of it.
    fn reply_unless_attached(&mut self, conn: ClientId, reply: Reply) {
        if self.replicas.contains_key(&conn) {
            let command = Bytes::from_static(b"replconf");
            return self.disconnect(conn, DisconnectReason::GeneratedReply { command });
        }
        self.reply(conn, reply);
    }

    fn on_ack(&mut self, conn: ClientId, offset: &[u8], rest: &[Bytes]) {
        let now = self.now;
        let Some(replica) = self.replicas.get_mut(&conn) else { return };
        let Some(offset) = parse_offset(offset) else { return };
        replica.ack = replica.ack.max(offset);
        if let [option, fack, ..] = rest
            && option.eq_ignore_ascii_case(b"fack")
            && let Some(fack) = parse_offset(fack)
        {
            replica.fack = replica.fack.max(fack);
        }
        replica.ack_time = now;
        match &mut replica.state {
            ReplicaState::Online { held } => *held = false,
            ReplicaState::BgTransfer => {
                replica.state = ReplicaState::Online { held: false };
                let replica = replica.addr();
                self.event(MasterEvent::Synchronised { replica });
                self.recount_good_replicas();
            }
            // What it says before it has its snapshot is not about that.
            ReplicaState::WaitStart { .. } | ReplicaState::WaitEnd { .. } | ReplicaState::Transfer { .. } => {
            }
        }
        if let Some(replica) = self.replicas.get_mut(&conn) {
            replica.has_acked |= replica.is_online();
        }
        self.feed(conn);
        self.check_waits();
        self.check_failover();
    }
}

fn tell(asker: &mut Asker, option: &[u8], value: &Bytes, can_dual_channel: bool) -> Told {
    let refuse = |text: Vec<u8>| Told::Refused(Reply::error(text));
    let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
    if is("listening-port") {
        match parse_i64(value) {
            Some(port) => asker.listening_port = u64::try_from(port).unwrap_or(0),
            None => return refuse(NOT_AN_INTEGER.into()),
        }
    } else if is("ip-address") {
        if value.len() > IP_ADDRESS_LEN_MAX {
            let text = format!(
                "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                value.len()
            );
            return refuse(text.into());
        }
        asker.ip_address = (!value.is_empty()).then(|| value.clone());
    } else if is("capa") {
        asker.eof |= value.eq_ignore_ascii_case(b"eof");
        asker.psync2 |= value.eq_ignore_ascii_case(b"psync2");
        // Where it is off the word is one of those that are not known.
        asker.dual_channel |= can_dual_channel && value.eq_ignore_ascii_case(b"dual-channel");
    } else if is("rdb-only") || is("rdb-channel") {
        let flag = if is("rdb-only") { &mut asker.rdb_only } else { &mut asker.rdb_channel };
        match parse_i64(value) {
            Some(0) => *flag = false,
            Some(1) => *flag = true,
            Some(_) => return refuse("ERR value is out of range, value must between 0 and 1".into()),
            None => return refuse(NOT_AN_INTEGER.into()),
        }
    } else if is("rdb-filter-only") {
        let Ok(words) = split_args(value) else {
            return refuse("ERR Missing rdb-filter-only values".into());
        };
        asker.filter = SnapshotFilter::Nothing;
        for word in words {
            if !word.eq_ignore_ascii_case(b"functions") {
                return refuse([b"ERR Unsupported rdb-filter-only option: ", &word[..]].concat());
            }
            asker.filter = SnapshotFilter::FunctionsOnly;
        }
    } else if is("version") {
        if !is_version(value) {
            return refuse([b"ERR Unrecognized version format: ", &value[..]].concat());
        }
    } else {
        return refuse([b"ERR Unrecognized REPLCONF option: ", option].concat());
    }
    Told::Next
}

/// `x.y.z`, each a number.
fn is_version(text: &[u8]) -> bool {
    let parts: Vec<_> = text.split(|byte| *byte == b'.').collect();
    parts.len() == 3 && parts.iter().all(|part| parse_u64(part).is_some())
}
