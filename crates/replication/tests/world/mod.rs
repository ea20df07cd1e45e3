//! Nodes in virtual time: both sides of replication, joined as a data node joins them, over byte pipes that
//! deliver in arbitrary pieces, stall and break.
//!
//! A node's data is a digest of every write in order with its database, so that two nodes are equal only if
//! they applied the very same commands. After every step a replica's digest is compared with what the master
//! had at that offset.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use picket_replication::{
    CachedMaster, History, LinkConfig, LinkEvent, LinkInput, LinkOutput, LinkState, MasterEvent, MasterInput,
    MasterOutput, MasterSettings, MasterSide, NodeRole, Propagated, PsyncForm, ReplId, ReplicaLink,
    SnapshotId, SnapshotTarget, WaitKind,
};
use picket_resp::{Protocol, Reply, RequestBuffer, command};
use picket_sansio::{ClientId, LinkId, Millis, Prng, Time};

/// What a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Data {
    pub digest: u64,
    pub writes: u64,
}

impl Data {
    fn write(&mut self, db: u32, words: &[&[u8]]) {
        let mut fold = |bytes: &[u8]| {
            for byte in bytes {
                self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            self.digest = self.digest.rotate_left(5) ^ 0xff;
        };
        fold(&db.to_le_bytes());
        words.iter().for_each(|word| fold(word));
        self.writes += 1;
    }

    fn save(self, db: u32, padding: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [self.digest, self.writes, u64::from(db)] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.resize(out.len() + padding as usize, b'p');
        out
    }

    fn load(bytes: &[u8]) -> (Self, u32) {
        let word = |at: usize| u64::from_le_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("8 bytes"));
        (Self { digest: word(0), writes: word(1) }, word(2) as u32)
    }
}

/// One data node.
pub struct Node {
    pub side: MasterSide,
    pub link: ReplicaLink,
    pub data: Data,
    /// The database that the master's stream has selected.
    stream_db: u32,
    /// Where a node that has just been demoted goes on from.
    cached: Option<CachedMaster>,
    payload: Vec<u8>,
    /// A complete payload that is being loaded.
    loading: Option<Data>,
    snapshots: BTreeMap<SnapshotId, (Vec<u8>, usize)>,
    was_up: bool,
    pub paused: bool,
    pub link_events: Vec<LinkEvent>,
    pub side_events: Vec<MasterEvent>,
    pub waits: Vec<(ClientId, Reply)>,
}

/// One connection from a replica (the client) to its master (the server).
struct Conn {
    client: usize,
    link: LinkId,
    server: usize,
    id: ClientId,
    up: bool,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    reading: bool,
    requests: RequestBuffer,
    attached: bool,
    /// The server has closed it: it ends when the client has read everything.
    closing: bool,
}

pub struct World {
    pub now: Time,
    pub prng: Prng,
    pub nodes: Vec<Node>,
    conns: Vec<Conn>,
    ids: u64,
    /// What the top master's data was at each offset.
    record: BTreeMap<u64, Data>,
    diskless: bool,
    /// Most bytes of padding in snapshots.
    pub padding: u64,
    pub cuts: u64,
}

impl World {
    pub fn new(seed: u64, count: usize, settings: MasterSettings) -> Self {
        let mut prng = Prng::new(seed);
        let now = Time(5_000_000);
        let nodes = (0..count)
            .map(|index| {
                let history = History::start(ReplId::random(&mut prng));
                let seed = prng.next_u64();
                let config = LinkConfig {
                    listening_port: index as u16,
                    dual_channel: settings.dual_channel,
                    stored_bytes_max: settings.output_limit.hard_bytes,
                    ..LinkConfig::default()
                };
                Node {
                    side: MasterSide::new(now, settings, NodeRole::Master, history, None, seed),
                    link: ReplicaLink::new(config),
                    data: Data::default(),
                    stream_db: 0,
                    cached: None,
                    payload: Vec::new(),
                    loading: None,
                    snapshots: BTreeMap::new(),
                    was_up: false,
                    paused: false,
                    link_events: Vec::new(),
                    side_events: Vec::new(),
                    waits: Vec::new(),
                }
            })
            .collect();
        let record = BTreeMap::from([(0, Data::default())]);
        Self {
            now,
            prng,
            nodes,
            conns: Vec::new(),
            ids: 0,
            record,
            diskless: settings.repl_diskless_sync,
            padding: 3000,
            cuts: 0,
        }
    }

    // ---- what an operator or a client does ----

    /// `REPLICAOF`.
    pub fn follow(&mut self, node: usize, master: usize) {
        self.side_input(node, MasterInput::Demoted);
        // A former master has just been told where to go on from; a replica's link knows.
        let cached = self.nodes[node].cached.take();
        self.link_input(
            node,
            LinkInput::Follow {
                host: "node".to_owned(),
                port: master as u16,
                cached,
                form: PsyncForm::Plain,
            },
        );
    }

    /// `REPLICAOF NO ONE`.
    pub fn promote(&mut self, node: usize) {
        self.link_input(node, LinkInput::Stop);
        self.side_input(node, MasterInput::Promoted);
        // What the former master wrote beyond this is no part of the history any more.
        let offset = self.nodes[node].side.history().master_repl_offset;
        self.record.split_off(&(offset + 1));
    }

    pub fn failover(&mut self, node: usize, words: &[&str]) -> Option<Reply> {
        let args = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        self.nodes[node].waits.clear();
        self.side_input(node, MasterInput::Failover { conn: ClientId(u64::MAX), args });
        self.nodes[node].waits.pop().map(|(_, reply)| reply)
    }

    pub fn wait_command(&mut self, node: usize, client: u64, replicas: &str, timeout: &str) {
        let offset = self.nodes[node].side.history().master_repl_offset;
        let args =
            vec![Bytes::copy_from_slice(replicas.as_bytes()), Bytes::copy_from_slice(timeout.as_bytes())];
        let client = ClientId(client);
        self.side_input(
            node,
            MasterInput::Wait { client, kind: WaitKind::Wait, args, offset, may_block: true },
        );
    }

    /// A client writes one unit of up to three commands.
    pub fn write(&mut self, node: usize) {
        if self.nodes[node].paused || self.nodes[node].side.role() != NodeRole::Master {
            return;
        }
        let count = 1 + self.prng.below(3);
        let mut unit = Vec::new();
        for _ in 0..count {
            let db = self.prng.below(12) as u32;
            let len = self.prng.below(300) as usize;
            let value = self.prng.hex(len);
            self.nodes[node].data.write(db, &[b"SET", b"key", value.as_bytes()]);
            unit.push((db, command(["SET", "key", &value])));
        }
        let unit: Vec<_> = unit.iter().map(|(db, command)| Propagated { db: Some(*db), command }).collect();
        let offset = self.nodes[node].side.propagate(&unit);
        self.record.insert(offset, self.nodes[node].data);
        self.drain(node);
    }

    /// Breaks a random connection, or that of one replica.
    pub fn cut(&mut self, client: Option<usize>) {
        let up: Vec<usize> = (0..self.conns.len())
            .filter(|index| self.conns[*index].up && client.is_none_or(|it| it == self.conns[*index].client))
            .collect();
        if up.is_empty() {
            return;
        }
        let index = up[self.prng.below(up.len() as u64) as usize];
        self.cuts += 1;
        self.break_conn(index);
    }

    fn break_conn(&mut self, index: usize) {
        let conn = self.conns.remove(index);
        self.link_input(conn.client, LinkInput::Down { link: conn.link, reason: "cut".to_owned() });
        self.side_input(conn.server, MasterInput::Gone { conn: conn.id });
    }

    // ---- running ----

    /// Something small happens.
    pub fn step(&mut self) {
        let span = self.prng.below(20_000);
        self.now = Time(self.now.0 + span);
        for node in 0..self.nodes.len() {
            if self.nodes[node].side.next_deadline().is_some_and(|deadline| deadline.at <= self.now) {
                self.side_input(node, MasterInput::Wake);
            }
            if self.nodes[node].link.next_deadline().is_some_and(|deadline| deadline.at <= self.now) {
                self.link_input(node, LinkInput::Wake);
            }
            self.side_input(node, MasterInput::Flush);
            if let Some(data) = self.nodes[node].loading
                && self.prng.below(3) == 0
            {
                self.nodes[node].loading = None;
                self.nodes[node].data = data;
                let db = self.nodes[node].stream_db;
                self.link_input(node, LinkInput::Loaded { result: Ok(db) });
            }
            self.feed_snapshots(node);
        }
        for _ in 0..self.conns.len() {
            let index = self.prng.below(self.conns.len() as u64) as usize;
            self.deliver(index);
        }
    }

    /// Steps until `condition` holds.
    #[track_caller]
    pub fn drive_until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        for _ in 0..20_000 {
            if condition(self) {
                return;
            }
            self.step();
        }
        let states: Vec<_> =
            self.nodes.iter().map(|node| (node.link.state(), *node.side.history(), node.data)).collect();
        panic!(
            "never: {what}; {states:#?}; {:#?}",
            self.nodes[1].link_events.iter().rev().take(9).collect::<Vec<_>>()
        );
    }

    /// Everybody but the masters is connected and has everything.
    pub fn is_settled(&self) -> bool {
        let top = self.nodes.iter().find(|node| node.link.state() == LinkState::None).expect("a master");
        let reference = top.side.history();
        self.nodes.iter().filter(|node| node.link.state() != LinkState::None).all(|node| {
            node.link.state() == LinkState::Connected
                && node.side.history().master_repl_offset == reference.master_repl_offset
        })
    }

    #[track_caller]
    pub fn settle(&mut self) {
        self.drive_until("everybody has everything", |world| world.is_settled());
        let top = self.nodes.iter().find(|node| node.link.state() == LinkState::None).expect("a master");
        for node in &self.nodes {
            assert_eq!(node.data, top.data);
            assert_eq!(node.side.history().replid, top.side.history().replid);
            assert_eq!(node.side.history().master_repl_offset, top.side.history().master_repl_offset);
        }
    }

    fn deliver(&mut self, index: usize) {
        let Some(conn) = self.conns.get_mut(index) else { return };
        if !conn.up {
            conn.up = true;
            let (client, link) = (conn.client, conn.link);
            return self.link_input(client, LinkInput::Up { link });
        }
        let most = if self.prng.below(4) == 0 { 3 } else { 5000 };
        if self.prng.below(2) == 0 {
            let count = conn.to_server.len().min(1 + self.prng.below(most) as usize);
            let bytes: Vec<u8> = conn.to_server.drain(..count).collect();
            let (server, id) = (conn.server, conn.id);
            conn.requests.extend(&bytes);
            while let Some(conn) = self.conns.iter_mut().find(|conn| conn.id == id) {
                let Some(request) = conn.requests.next_owned().expect("replicas send RESP") else { break };
                self.serve(server, id, request.into_args());
            }
            return;
        }
        if conn.reading {
            let count = conn.to_client.len().min(1 + self.prng.below(most) as usize);
            let bytes: Bytes = conn.to_client.drain(..count).collect();
            let (client, link) = (conn.client, conn.link);
            if !bytes.is_empty() {
                self.link_input(client, LinkInput::Data { link, bytes });
            }
        }
        let Some(conn) = self.conns.get(index) else { return };
        if conn.closing && conn.to_client.is_empty() {
            let conn = self.conns.remove(index);
            self.link_input(conn.client, LinkInput::Down { link: conn.link, reason: "eof".to_owned() });
        } else if conn.attached && !conn.closing {
            let budget = 8000_u64.saturating_sub(conn.to_client.len() as u64);
            let (server, conn) = (conn.server, conn.id);
            self.side_input(server, MasterInput::Writable { conn, budget });
        }
    }

    fn serve(&mut self, node: usize, conn: ClientId, mut args: Vec<Bytes>) {
        let name = args.remove(0).to_ascii_uppercase();
        let peer_ip = "10.0.0.1".to_owned();
        match name.as_slice() {
            b"PING" => self.send(conn, b"+PONG\r\n"),
            b"REPLCONF" => self.side_input(node, MasterInput::Replconf { conn, args }),
            b"PSYNC" => {
                self.side_input(node, MasterInput::Psync { conn, peer_ip, args, pending_output: false });
            }
            b"SYNC" => self.side_input(node, MasterInput::Sync { conn, peer_ip, pending_output: false }),
            other => panic!("a replica sent {}", other.escape_ascii()),
        }
    }

    fn send(&mut self, id: ClientId, bytes: &[u8]) {
        if let Some(conn) = self.conns.iter_mut().find(|conn| conn.id == id) {
            conn.to_client.extend(bytes);
        }
    }

    // ---- a node: the two sides joined ----

    pub fn side_input(&mut self, node: usize, input: MasterInput) {
        self.nodes[node].side.handle(self.now, input);
        self.drain(node);
    }

    pub fn link_input(&mut self, node: usize, input: LinkInput) {
        self.nodes[node].link.handle(self.now, input);
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        loop {
            if let Some(output) = self.nodes[node].link.poll_output() {
                self.on_link_output(node, output);
            } else if let Some(output) = self.nodes[node].side.poll_output() {
                self.on_side_output(node, output);
            } else {
                break;
            }
        }
        let up = self.nodes[node].link.state() == LinkState::Connected;
        // A snapshot can be loaded before the stream has begun, or when its link has ended already.
        if self.nodes[node].side.role() == (NodeRole::Replica { link_up: !up })
            || up != self.nodes[node].was_up
        {
            self.nodes[node].was_up = up;
            self.nodes[node].side.handle(self.now, MasterInput::Link { up });
        }
    }

    fn on_link_output(&mut self, index: usize, output: LinkOutput) {
        let now = self.now;
        let node = &mut self.nodes[index];
        match output {
            LinkOutput::Connect { link, port, .. } => {
                self.ids += 1;
                self.conns.push(Conn {
                    client: index,
                    link,
                    server: usize::from(port),
                    id: ClientId(self.ids),
                    up: false,
                    to_server: VecDeque::new(),
                    to_client: VecDeque::new(),
                    reading: true,
                    requests: RequestBuffer::new(),
                    attached: false,
                    closing: false,
                });
            }
            LinkOutput::Send { link, bytes } => {
                if let Some(conn) = self.conn_of(index, link) {
                    conn.to_server.extend(&bytes[..]);
                }
            }
            LinkOutput::SendSecret { .. } => panic!("there are no passwords here"),
            LinkOutput::Close { link } => {
                if let Some(at) = self.conns.iter().position(|it| it.client == index && it.link == link) {
                    let conn = self.conns.remove(at);
                    self.side_input(conn.server, MasterInput::Gone { conn: conn.id });
                }
            }
            LinkOutput::PayloadStart { .. } => {
                node.payload.clear();
                node.side.handle(now, MasterInput::FullSyncLoad);
            }
            LinkOutput::Payload(bytes) => node.payload.extend_from_slice(&bytes),
            LinkOutput::PayloadEnd => {
                let (data, db) = Data::load(&node.payload);
                node.stream_db = db;
                node.loading = Some(data);
            }
            LinkOutput::PayloadAbort => {
                node.loading = None;
                node.data = Data { digest: 0xdead, writes: 0 };
            }
            LinkOutput::FullSync { replid, offset } => {
                let origin = replid.map(|replid| (replid, offset));
                node.side.handle(now, MasterInput::FullSynced { origin });
                self.check(index, offset);
            }
            LinkOutput::Continued { replid } => node.side.handle(now, MasterInput::Continued { replid }),
            LinkOutput::Apply(command) => {
                let words: Vec<&[u8]> = command.iter().collect();
                match words[0].to_ascii_uppercase().as_slice() {
                    b"SELECT" => {
                        let db = std::str::from_utf8(words[1]).expect("a number");
                        node.stream_db = db.parse().expect("a number");
                    }
                    b"MULTI" | b"EXEC" | b"PING" => {}
                    _ => node.data.write(node.stream_db, &words),
                }
            }
            LinkOutput::Advance { pieces, offset } => {
                for piece in pieces {
                    node.side.append_proxied(&piece);
                }
                assert_eq!(node.side.history().master_repl_offset, offset);
                self.check(index, offset);
            }
            LinkOutput::PauseReading { link } => {
                if let Some(conn) = self.conn_of(index, link) {
                    conn.reading = false;
                }
            }
            LinkOutput::ResumeReading { link } => {
                if let Some(conn) = self.conn_of(index, link) {
                    conn.reading = true;
                }
            }
            LinkOutput::FailoverAnswered { accepted } => {
                node.side.handle(now, MasterInput::FailoverAnswered { accepted });
            }
            LinkOutput::Event(event) => node.link_events.push(event),
        }
    }

    /// A replica's data is what the master's was at this offset.
    #[track_caller]
    fn check(&self, node: usize, offset: u64) {
        let (_, expected) = self.record.range(..=offset).next_back().expect("the beginning is recorded");
        assert_eq!(self.nodes[node].data, *expected, "node {node} at offset {offset}");
    }

    fn conn_of(&mut self, client: usize, link: LinkId) -> Option<&mut Conn> {
        self.conns.iter_mut().find(|conn| conn.client == client && conn.link == link)
    }

    fn on_side_output(&mut self, index: usize, output: MasterOutput) {
        let now = self.now;
        let padding = self.prng.below(self.padding);
        let node = &mut self.nodes[index];
        match output {
            MasterOutput::Reply { conn, reply } => {
                if conn == ClientId(u64::MAX) {
                    node.waits.push((conn, reply));
                    return;
                }
                let mut out = bytes::BytesMut::new();
                reply.encode(Protocol::Resp2, &mut out);
                self.send(conn, &out);
            }
            MasterOutput::Attached { conn } => {
                if let Some(conn) = self.conns.iter_mut().find(|it| it.id == conn) {
                    conn.attached = true;
                }
            }
            MasterOutput::Send { conn, bytes } => self.send(conn, &bytes),
            MasterOutput::Feed { conn, pieces } => {
                assert!(pieces.iter().all(|piece| !piece.is_empty()));
                pieces.iter().for_each(|piece| self.send(conn, piece));
            }
            MasterOutput::Close { conn } => {
                if let Some(conn) = self.conns.iter_mut().find(|it| it.id == conn) {
                    conn.closing = true;
                    conn.reading = true;
                }
            }
            MasterOutput::StartSnapshot { snapshot, .. } => {
                let label = node.side.snapshot_label(node.link.position()).expect("there is a stream");
                assert_eq!(label.reploff, node.side.history().master_repl_offset);
                let bytes = node.data.save(label.db, padding);
                node.snapshots.insert(snapshot, (bytes, 0));
                node.side.handle(now, MasterInput::SnapshotStarted { snapshot, db: label.db });
            }
            MasterOutput::ContinueSnapshot { snapshot, budget } => {
                let (bytes, given) = node.snapshots.get_mut(&snapshot).expect("it was started");
                let from = *given;
                *given = bytes.len().min(from + (budget as usize).min(1000));
                let bytes = Bytes::copy_from_slice(&bytes[from..*given]);
                node.side.handle(now, MasterInput::SnapshotBytes { snapshot, bytes });
            }
            MasterOutput::ReadSnapshot { conn, snapshot, offset, budget } => {
                let (bytes, _) = &node.snapshots[&snapshot];
                let end = bytes.len().min((offset + budget.min(700)) as usize);
                let result = Ok(Bytes::copy_from_slice(&bytes[offset as usize..end]));
                node.side.handle(now, MasterInput::SnapshotRead { conn, result });
            }
            MasterOutput::CancelSnapshot { snapshot } => {
                node.snapshots.remove(&snapshot);
            }
            MasterOutput::Promoted => {
                node.link.handle(now, LinkInput::Stop);
                let offset = node.side.history().master_repl_offset;
                self.record.split_off(&(offset + 1));
            }
            MasterOutput::FollowTarget { port, cached, .. } => {
                node.stream_db = cached.db;
                let cached = Some(cached);
                node.link.handle(
                    now,
                    LinkInput::Follow { host: "node".to_owned(), port, cached, form: PsyncForm::Failover },
                );
            }
            MasterOutput::CachedMaster(None) => node.link.handle(now, LinkInput::DropCached),
            MasterOutput::CachedMaster(Some(cached)) => {
                node.stream_db = cached.db;
                node.cached = Some(cached);
            }
            MasterOutput::PauseWrites { paused } => node.paused = paused,
            MasterOutput::WaitDone { client, reply } => node.waits.push((client, reply)),
            MasterOutput::Blocked { .. } => {}
            MasterOutput::Event(event) => node.side_events.push(event),
        }
    }

    /// Snapshots on disk are completed some time after they were begun; diskless ones when all was given.
    fn feed_snapshots(&mut self, index: usize) {
        let ids: Vec<SnapshotId> = self.nodes[index].snapshots.keys().copied().collect();
        for snapshot in ids {
            if self.prng.below(4) == 0 {
                let (bytes, given) = &self.nodes[index].snapshots[&snapshot];
                let len = bytes.len() as u64;
                if self.target() == SnapshotTarget::Disk || *given == bytes.len() {
                    self.side_input(index, MasterInput::SnapshotDone { snapshot, len });
                }
            }
        }
    }

    fn target(&self) -> SnapshotTarget {
        if self.diskless { SnapshotTarget::Socket } else { SnapshotTarget::Disk }
    }

    pub fn wait_span(&mut self, span: Millis) {
        let end = self.now + span;
        while self.now < end {
            self.step();
        }
    }
}
