//! Sockets for one core, turned by hand.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use picket_replication::{
    CachedMaster, History, LinkConfig, LinkEvent, LinkInput, LinkOutput, MasterEvent, MasterInput,
    MasterOutput, MasterSettings, MasterSide, NodeRole, PsyncForm, ReplId, ReplicaLink, SnapshotId,
    SnapshotTarget,
};
use picket_resp::{Protocol, Reply, RequestBuffer};
use picket_sansio::{ClientId, LinkId, Prng, Time};
use picket_testkit::wait_until;

pub(crate) const WITHIN: Duration = Duration::from_secs(20);

fn time(start: Instant) -> Time {
    Time(1_000_000 + u64::try_from(start.elapsed().as_micros()).expect("tests are short"))
}

/// Reads what there is; none when the peer has closed.
fn read(stream: &mut TcpStream) -> Option<Bytes> {
    let mut buffer = vec![0; 64 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) => None,
        Ok(count) => Some(Bytes::copy_from_slice(&buffer[..count])),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(Bytes::new()),
        Err(_) => None,
    }
}

/// Writes all of it, waiting for room.
fn write(stream: &mut TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            // The next read tells.
            Err(_) => return,
        }
    }
}

/// A replica link on a real socket, and what came over it.
pub(crate) struct LinkPump {
    start: Instant,
    pub(crate) link: ReplicaLink,
    stream: Option<(LinkId, TcpStream)>,
    pub(crate) payload: Vec<u8>,
    /// Commands applied since the snapshot.
    pub(crate) applied: Vec<Vec<Vec<u8>>>,
    pub(crate) full: u32,
    pub(crate) continued: Vec<Option<ReplId>>,
    pub(crate) events: Vec<LinkEvent>,
    pub(crate) transcript: String,
}

impl LinkPump {
    pub(crate) fn new(config: LinkConfig) -> Self {
        Self {
            start: Instant::now(),
            link: ReplicaLink::new(config),
            stream: None,
            payload: Vec::new(),
            applied: Vec::new(),
            full: 0,
            continued: Vec::new(),
            events: Vec::new(),
            transcript: String::new(),
        }
    }

    pub(crate) fn follow(&mut self, port: u16, cached: Option<CachedMaster>) {
        self.input(LinkInput::Follow { host: "127.0.0.1".to_owned(), port, cached, form: PsyncForm::Plain });
    }

    pub(crate) fn input(&mut self, input: LinkInput) {
        self.link.handle(time(self.start), input);
        while let Some(output) = self.link.poll_output() {
            self.transcript.push_str(&format!("{output}\n"));
            self.on_output(output);
        }
    }

    fn on_output(&mut self, output: LinkOutput) {
        let now = time(self.start);
        match output {
            LinkOutput::Connect { link, port, .. } => match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => {
                    stream.set_nonblocking(true).expect("a socket");
                    self.stream = Some((link, stream));
                    self.link.handle(now, LinkInput::Up { link });
                }
                Err(error) => self.link.handle(now, LinkInput::Down { link, reason: error.to_string() }),
            },
            LinkOutput::Send { bytes, .. } => self.send(&bytes),
            LinkOutput::SendSecret { bytes, .. } => self.send(bytes.expose()),
            LinkOutput::Close { .. } => self.stream = None,
            LinkOutput::PayloadStart { .. } => {
                self.payload.clear();
                self.link.handle(now, LinkInput::DropCached);
            }
            LinkOutput::Payload(bytes) => self.payload.extend_from_slice(&bytes),
            LinkOutput::PayloadEnd => self.link.handle(now, LinkInput::Loaded { result: Ok(0) }),
            LinkOutput::FullSync { .. } => {
                self.full += 1;
                self.applied.clear();
            }
            LinkOutput::Continued { replid } => self.continued.push(replid),
            LinkOutput::Apply(command) => self.applied.push(command.iter().map(<[u8]>::to_vec).collect()),
            LinkOutput::Advance { .. }
            | LinkOutput::PayloadAbort
            | LinkOutput::PauseReading { .. }
            | LinkOutput::ResumeReading { .. }
            | LinkOutput::FailoverAnswered { .. } => {}
            LinkOutput::Event(event) => self.events.push(event),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some((_, stream)) = &mut self.stream {
            write(stream, bytes);
        }
    }

    /// One round: what has arrived, and what is due.
    pub(crate) fn turn(&mut self) {
        while let Some((link, stream)) = &mut self.stream {
            let link = *link;
            match read(stream) {
                Some(bytes) if bytes.is_empty() => break,
                Some(bytes) => self.input(LinkInput::Data { link, bytes }),
                None => {
                    self.stream = None;
                    self.input(LinkInput::Down { link, reason: "closed".to_owned() });
                }
            }
        }
        if self.link.next_deadline().is_some_and(|deadline| deadline.at <= time(self.start)) {
            self.input(LinkInput::Wake);
        }
    }

    /// Breaks the connection without telling the core; it finds out.
    pub(crate) fn cut(&mut self) {
        if let Some((_, stream)) = &self.stream {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    #[track_caller]
    pub(crate) fn drive_until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(WITHIN, what, || {
                self.turn();
                condition(self)
            });
        }));
        if let Err(panic) = done {
            let start = self.transcript.len().saturating_sub(4000);
            eprintln!("{}", self.transcript.get(start..).unwrap_or_default());
            std::panic::resume_unwind(panic);
        }
    }
}

/// A master side behind a real listener.
pub(crate) struct MasterPump {
    start: Instant,
    pub(crate) side: MasterSide,
    listener: TcpListener,
    conns: BTreeMap<ClientId, Conn>,
    ids: u64,
    /// What snapshots hold.
    rdb: Vec<u8>,
    snapshots: BTreeMap<SnapshotId, usize>,
    pub(crate) events: Vec<MasterEvent>,
    pub(crate) waits: Vec<Reply>,
    pub(crate) transcript: String,
}

struct Conn {
    stream: TcpStream,
    requests: RequestBuffer,
    attached: bool,
}

impl MasterPump {
    pub(crate) fn new(settings: MasterSettings, rdb: Vec<u8>) -> Self {
        let start = Instant::now();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let seed = u64::from(listener.local_addr().expect("bound").port());
        let history = History::start(ReplId::random(&mut Prng::new(seed)));
        Self {
            start,
            side: MasterSide::new(time(start), settings, NodeRole::Master, history, None, seed + 1),
            listener,
            conns: BTreeMap::new(),
            ids: 0,
            rdb,
            snapshots: BTreeMap::new(),
            events: Vec::new(),
            waits: Vec::new(),
            transcript: String::new(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }

    pub(crate) fn input(&mut self, input: MasterInput) {
        self.side.handle(time(self.start), input);
        while let Some(output) = self.side.poll_output() {
            self.transcript.push_str(&format!("{output}\n"));
            self.on_output(output);
        }
    }

    fn on_output(&mut self, output: MasterOutput) {
        let now = time(self.start);
        match output {
            MasterOutput::Reply { conn, reply } => {
                let mut out = BytesMut::new();
                reply.encode(Protocol::Resp2, &mut out);
                self.send(conn, &out);
            }
            MasterOutput::Attached { conn } => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.attached = true;
                }
            }
            MasterOutput::Send { conn, bytes } => self.send(conn, &bytes),
            MasterOutput::Feed { conn, pieces } => pieces.iter().for_each(|piece| self.send(conn, piece)),
            MasterOutput::Close { conn } => {
                self.conns.remove(&conn);
            }
            MasterOutput::StartSnapshot { snapshot, target, .. } => {
                self.snapshots.insert(snapshot, 0);
                self.side.handle(now, MasterInput::SnapshotStarted { snapshot, db: 0 });
                if target == SnapshotTarget::Disk {
                    let len = self.rdb.len() as u64;
                    self.side.handle(now, MasterInput::SnapshotDone { snapshot, len });
                }
            }
            MasterOutput::ContinueSnapshot { snapshot, budget } => {
                let given = self.snapshots.get_mut(&snapshot).expect("it was started");
                let end = self.rdb.len().min(*given + budget as usize);
                let bytes = Bytes::copy_from_slice(&self.rdb[*given..end]);
                *given = end;
                self.side.handle(now, MasterInput::SnapshotBytes { snapshot, bytes });
                if end == self.rdb.len() {
                    self.side.handle(now, MasterInput::SnapshotDone { snapshot, len: end as u64 });
                }
            }
            MasterOutput::ReadSnapshot { conn, offset, budget, .. } => {
                let end = self.rdb.len().min((offset + budget) as usize);
                let result = Ok(Bytes::copy_from_slice(&self.rdb[offset as usize..end]));
                self.side.handle(now, MasterInput::SnapshotRead { conn, result });
            }
            MasterOutput::WaitDone { reply, .. } => self.waits.push(reply),
            MasterOutput::Event(event) => self.events.push(event),
            MasterOutput::CancelSnapshot { .. }
            | MasterOutput::Promoted
            | MasterOutput::FollowTarget { .. }
            | MasterOutput::CachedMaster(_)
            | MasterOutput::PauseWrites { .. }
            | MasterOutput::Blocked { .. } => {}
        }
    }

    fn send(&mut self, conn: ClientId, bytes: &[u8]) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            write(&mut conn.stream, bytes);
        }
    }

    /// One round: new connections, what has arrived, what is due.
    pub(crate) fn turn(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).expect("a socket");
            self.ids += 1;
            let conn = Conn { stream, requests: RequestBuffer::new(), attached: false };
            self.conns.insert(ClientId(self.ids), conn);
        }
        let ids: Vec<ClientId> = self.conns.keys().copied().collect();
        for id in ids {
            let Some(conn) = self.conns.get_mut(&id) else { continue };
            match read(&mut conn.stream) {
                Some(bytes) => conn.requests.extend(&bytes),
                None => {
                    self.conns.remove(&id);
                    self.input(MasterInput::Gone { conn: id });
                    continue;
                }
            }
            while let Some(conn) = self.conns.get_mut(&id)
                && let Some(request) = conn.requests.next_owned().expect("replicas send RESP")
            {
                self.serve(id, request.into_args());
            }
            if self.conns.get(&id).is_some_and(|conn| conn.attached) {
                self.input(MasterInput::Writable { conn: id, budget: 1 << 16 });
            }
        }
        if self.side.next_deadline().is_some_and(|deadline| deadline.at <= time(self.start)) {
            self.input(MasterInput::Wake);
        }
        self.input(MasterInput::Flush);
    }

    fn serve(&mut self, conn: ClientId, mut args: Vec<Bytes>) {
        let name = args.remove(0).to_ascii_uppercase();
        let peer_ip = "127.0.0.1".to_owned();
        match name.as_slice() {
            b"PING" => self.send(conn, b"+PONG\r\n"),
            b"REPLCONF" => self.input(MasterInput::Replconf { conn, args }),
            b"PSYNC" => self.input(MasterInput::Psync { conn, peer_ip, args, pending_output: false }),
            b"SYNC" => self.input(MasterInput::Sync { conn, peer_ip, pending_output: false }),
            other => panic!("a replica sent {}", other.escape_ascii()),
        }
    }

    /// Breaks all connections without telling the core; it finds out.
    pub(crate) fn cut(&mut self) {
        for conn in self.conns.values() {
            let _ = conn.stream.shutdown(Shutdown::Both);
        }
    }

    #[track_caller]
    pub(crate) fn drive_until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(WITHIN, what, || {
                self.turn();
                condition(self)
            });
        }));
        if let Err(panic) = done {
            let start = self.transcript.len().saturating_sub(4000);
            eprintln!("{}", self.transcript.get(start..).unwrap_or_default());
            std::panic::resume_unwind(panic);
        }
    }
}
