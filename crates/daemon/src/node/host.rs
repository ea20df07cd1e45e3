//! The core of a data node and everything that it has set in motion.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::BytesMut;
use picket_node_core::{Node, NodeInput, NodeOutput};
use picket_sansio::{ClientId, Time};
use picket_server_core::config::Settings;
use picket_server_core::{ClientAddresses, HostInfo};

use super::files::{Files, Job};
use crate::host::{Clock, Conn, ConnId, Conns, Hosted, Pulse, Stream, Vitals, wall};
use crate::logging::{LogRole, Logger};

/// What a host is made of.
pub(super) struct HostOptions {
    pub(super) core: Node,
    pub(super) clock: Clock,
    pub(super) logger: Logger,
    pub(super) files: Files,
    pub(super) vitals: Vitals,
    /// Source address of links.
    pub(super) source: Option<IpAddr>,
}

/// The core of a data node with its surroundings.
pub(crate) struct NodeHost {
    pub(super) inner: RefCell<Inner>,
    /// What clients send lands here first; one buffer for all of them.
    pub(super) scratch: RefCell<Box<[u8]>>,
    /// What arrives on links is handed on in pieces of this.
    pub(super) link_buffer: RefCell<BytesMut>,
    pub(super) pulse: Pulse,
    pub(super) source: Option<IpAddr>,
    keepalive_s: Cell<u64>,
}

pub(super) struct Inner {
    core: Node,
    files: Files,
    vitals: Vitals,
    settings: Box<Settings>,
    pub(super) conns: Conns,
    /// Clients that are replicas.
    replicas: HashSet<ClientId>,
    /// Connections with new output, each once as long as they come one after another.
    touched: Vec<Rc<Conn>>,
    exit: Option<i32>,
}

/// How much is read at once from a client.
const READ_BYTES: usize = 16 * 1024;

impl NodeHost {
    /// Surrounds a core.
    pub(super) fn new(options: HostOptions) -> Rc<Self> {
        let settings = Box::new(options.core.settings().clone());
        Rc::new(Self {
            keepalive_s: Cell::new(settings.tcp_keepalive_s()),
            inner: RefCell::new(Inner {
                core: options.core,
                files: options.files,
                vitals: options.vitals,
                settings,
                conns: Conns::default(),
                replicas: HashSet::new(),
                touched: Vec::new(),
                exit: None,
            }),
            scratch: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
            link_buffer: RefCell::default(),
            pulse: Pulse::new(options.clock, options.logger),
            source: options.source,
        })
    }

    /// Starts the core.
    pub(super) fn begin(self: &Rc<Self>) {
        self.tick();
    }

    /// Gives the core an input and carries out what it wants.
    pub(crate) fn input(self: &Rc<Self>, input: NodeInput<'_>) {
        let mut inner = self.inner.borrow_mut();
        if inner.exit.is_some() {
            return;
        }
        if !matches!(input, NodeInput::ClientData { .. }) {
            self.pulse.hear();
        }
        inner.core.handle(self.pulse.clock.now(), input);
        self.carry_out(&mut inner);
        while let Some((client, budget)) = inner.replica_with_room() {
            inner.core.handle(self.pulse.clock.now(), NodeInput::ClientWritable { client, budget });
            self.carry_out(&mut inner);
        }
        self.pulse.logger.set_role(LogRole::of_node(inner.core.is_replica()));
        let deadline = inner.core.next_deadline().map(|deadline| deadline.at);
        self.pulse.settle(deadline, inner.exit.is_some());
    }

    fn carry_out(self: &Rc<Self>, inner: &mut Inner) {
        while let Some(output) = inner.core.poll_output() {
            if inner.exit.is_none() {
                self.perform(inner, output);
            }
        }
        while let Some(garbage) = inner.core.take_garbage() {
            inner.files.ask(Job::Free(garbage));
        }
        while let Some(conn) = inner.touched.pop() {
            conn.flush();
            if !conn.is_drained() {
                inner.set_limit(&conn);
            }
        }
    }

    fn perform(self: &Rc<Self>, inner: &mut Inner, output: NodeOutput) {
        match output {
            NodeOutput::ClientSend { client, bytes } => inner.with_client(client, |conn| conn.share(bytes)),
            NodeOutput::ClientFeed { client, pieces } => inner.with_client(client, |conn| conn.feed(pieces)),
            NodeOutput::ClientIsReplica { client } => {
                let nodelay = !inner.settings.flag("repl-disable-tcp-nodelay");
                inner.with_client(client, |conn| {
                    conn.become_replica();
                    conn.set_nodelay(nodelay);
                });
                inner.replicas.insert(client);
            }
            NodeOutput::ClientClose { client } => {
                inner.replicas.remove(&client);
                let conn = inner.conns.retire(client);
                inner.touched.extend(conn);
            }
            NodeOutput::Connect { link, host, port } => self.connect(inner, link, host, port),
            NodeOutput::LinkSend { link, bytes } => {
                inner.touched.extend(inner.conns.links.send(link, &bytes));
            }
            NodeOutput::LinkSendSecret { link, bytes } => {
                inner.touched.extend(inner.conns.links.send(link, bytes.expose()));
            }
            NodeOutput::LinkPause { link } => inner.conns.links.set_paused(link, true),
            NodeOutput::LinkResume { link } => inner.conns.links.set_paused(link, false),
            NodeOutput::LinkClose { link } => inner.conns.links.close(link),
            NodeOutput::CreateFile { file } => {
                let in_steps = inner.settings.flag("rdb-save-incremental-fsync");
                inner.files.ask(Job::Create { file, in_steps });
            }
            NodeOutput::WriteFile { file, bytes } => inner.files.ask(Job::Write { file, bytes }),
            NodeOutput::CommitFile { file, name } => inner.files.ask(Job::Commit { file, name }),
            NodeOutput::RemoveFile { file } => inner.files.ask(Job::Remove { file }),
            NodeOutput::OpenFile { file, name } => inner.files.ask(Job::Open { file, name }),
            NodeOutput::ReadFile { file, offset, len } => inner.files.ask(Job::Read { file, offset, len }),
            NodeOutput::CloseFile { file } => inner.files.ask(Job::Close { file }),
            NodeOutput::RewriteConfig { query, state } => {
                inner.files.ask(Job::RewriteConfig { query, state });
            }
            NodeOutput::ReadText { query, path } => inner.files.ask(Job::ReadText { query, path }),
            NodeOutput::WriteText { query, path, text } => {
                inner.files.ask(Job::WriteText { query, path, text });
            }
            NodeOutput::ChangeFolder { query, path } => inner.files.ask(Job::ChangeFolder { query, path }),
            NodeOutput::Settings(settings) => self.set(inner, settings),
            NodeOutput::Sleep(span) => std::thread::sleep(std::time::Duration::from_millis(span.0)),
            NodeOutput::Event(event) => self.pulse.logger.log(event.level(), event.to_string()),
            NodeOutput::Exit { code } => inner.exit = Some(code),
        }
    }

    /// Settings have changed: those that are the host's take effect.
    fn set(&self, inner: &mut Inner, settings: Box<Settings>) {
        self.pulse.logger.set_level(settings.loglevel());
        self.keepalive_s.set(settings.tcp_keepalive_s());
        inner.settings = settings;
    }
}

impl Inner {
    /// What the core cannot know.
    fn describe(&mut self) -> HostInfo {
        let mut info = self.vitals.refresh();
        self.conns.describe(&mut info);
        info
    }

    fn with_client(&mut self, client: ClientId, act: impl FnOnce(&Conn)) {
        let Some(conn) = self.conns.clients.get(&client) else { return };
        act(conn);
        // A pipeline's answers follow each other: they are sent together.
        if self.touched.last().is_none_or(|last| !Rc::ptr_eq(last, conn)) {
            self.touched.push(Rc::clone(conn));
        }
    }

    /// How much may wait for a client depends on what it is, which only matters once something waits.
    fn set_limit(&self, conn: &Conn) {
        let ConnId::Client(client) = conn.id() else { return };
        let class = self.core.client_class(client);
        conn.set_limit(self.settings.client_output_buffer_limit(class));
    }

    /// A client's connection has ended; whether it was known.
    pub(super) fn forget_client(&mut self, client: ClientId) -> bool {
        self.replicas.remove(&client);
        self.conns.clients.remove(&client).is_some()
    }

    fn replica_with_room(&self) -> Option<(ClientId, u64)> {
        self.replicas.iter().find_map(|client| {
            let conn = self.conns.clients.get(client)?;
            Some((*client, conn.take_room()?))
        })
    }
}

impl Hosted for NodeHost {
    type Answer = NodeInput<'static>;

    fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    fn deadline(&self) -> Option<Time> {
        self.inner.borrow().core.next_deadline().map(|deadline| deadline.at)
    }

    fn exit_code(&self) -> Option<i32> {
        self.inner.borrow().exit
    }

    fn wake(self: &Rc<Self>) {
        self.input(NodeInput::Wake);
    }

    fn answer(self: &Rc<Self>, answer: NodeInput<'static>) {
        self.input(answer);
    }

    fn tick(self: &Rc<Self>) {
        let info = self.inner.borrow_mut().describe();
        self.input(NodeInput::Wall(wall()));
        self.input(NodeInput::Host(&info));
    }

    fn accept(self: &Rc<Self>, stream: Stream, addresses: ClientAddresses) {
        self.accept_client(stream, addresses);
    }

    fn keepalive_s(&self) -> u64 {
        self.keepalive_s.get()
    }

    fn is_drained(&self) -> bool {
        self.inner.borrow().conns.is_drained()
    }

    fn finish_disk(&self) {
        self.inner.borrow_mut().files.finish();
    }

    fn close_all(&self) {
        self.inner.borrow_mut().conns.close_all();
    }
}
