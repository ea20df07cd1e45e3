//! The core and everything that it has set in motion.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;

use picket_sansio::{ClientId, LinkId, Ticket, Time};
use picket_sentinel_core::{Event, Input, Output, PersistentState, Sentinel};
use picket_server_core::{ClientAddresses, HostInfo, LogLevel, OutputBufferLimit};
use tokio::sync::mpsc::UnboundedReceiver;

use super::clock::{Clock, wall};
use super::conn::Conn;
use super::conns::Conns;
use super::persist::Persister;
use super::pulse::Pulse;
use super::run::Hosted;
use super::scripts::Scripts;
use super::stream::Stream;
use super::vitals::Vitals;
use crate::logging::Logger;

/// Called with every event and the time it was told at.
pub(crate) type Observer = Box<dyn FnMut(Time, &Event)>;

/// What a host is made of.
pub(crate) struct HostOptions {
    pub(crate) core: Sentinel,
    pub(crate) clock: Clock,
    pub(crate) logger: Logger,
    pub(crate) persister: Persister,
    pub(crate) vitals: Vitals,
    /// Source address of links.
    pub(crate) source: Option<IpAddr>,
    /// When a client's unsent output ends its connection.
    pub(crate) client_limit: OutputBufferLimit,
    /// `tcp-keepalive`.
    pub(crate) keepalive_s: u64,
    pub(crate) observer: Option<Observer>,
}

/// A Sentinel core with its surroundings.
pub(crate) struct Host {
    pub(super) inner: RefCell<Inner>,
    /// What is read lands here first; one buffer for all connections.
    pub(super) scratch: RefCell<Box<[u8]>>,
    pub(super) pulse: Pulse,
    pub(super) source: Option<IpAddr>,
    pub(super) client_limit: OutputBufferLimit,
    keepalive_s: u64,
}

pub(super) struct Inner {
    core: Sentinel,
    persister: Persister,
    vitals: Vitals,
    observer: Option<Observer>,
    pub(super) conns: Conns,
    pub(super) scripts: Scripts,
    /// Connections with new output.
    touched: Vec<Rc<Conn>>,
    /// The newest state that the core wanted on disk, and the newest that got an answer.
    asked: Ticket,
    answered: Ticket,
    exit: Option<i32>,
    /// Events that wait for the start-up lines to be logged before them.
    held: Option<VecDeque<Event>>,
}

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

impl Host {
    /// Surrounds a core.
    pub(crate) fn new(options: HostOptions) -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::new(Inner {
                core: options.core,
                persister: options.persister,
                vitals: options.vitals,
                observer: options.observer,
                conns: Conns::default(),
                scripts: Scripts::default(),
                touched: Vec::new(),
                asked: Ticket(0),
                answered: Ticket(0),
                exit: None,
                held: Some(VecDeque::new()),
            }),
            scratch: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
            pulse: Pulse::new(options.clock, options.logger),
            source: options.source,
            client_limit: options.client_limit,
            keepalive_s: options.keepalive_s,
        })
    }

    /// Gives the core an input and carries out what it wants.
    pub(crate) fn input(self: &Rc<Self>, input: Input) {
        let mut inner = self.inner.borrow_mut();
        if inner.exit.is_some() {
            return;
        }
        if let Input::Persisted { ticket, result } = &input {
            inner.answered = inner.answered.max(*ticket);
            self.log_persisted(result);
        }
        if !matches!(input, Input::ClientData { .. }) {
            self.pulse.hear();
        }
        inner.core.handle(self.pulse.clock.now(), input);
        while let Some(output) = inner.core.poll_output() {
            self.perform(&mut inner, output);
        }
        for conn in std::mem::take(&mut inner.touched) {
            conn.flush();
        }
        let deadline = inner.core.next_deadline().map(|deadline| deadline.at);
        self.pulse.settle(deadline, inner.exit.is_some());
    }

    /// Gives the core the figures about the process and the calendar time.
    pub(crate) fn refresh(self: &Rc<Self>) {
        let host = self.inner.borrow_mut().describe();
        self.input(Input::Wall(wall()));
        self.input(Input::Host(Box::new(host)));
    }

    /// Starts the core. A state that it wants on disk first, such as a new id, is there when this
    /// returns; then the log tells the id and what the core said meanwhile.
    pub(crate) async fn begin(self: &Rc<Self>, inbox: &mut UnboundedReceiver<Input>) {
        self.refresh();
        while self.is_persisting() {
            match inbox.recv().await {
                Some(input) => self.input(input),
                None => break,
            }
        }
        self.pulse.logger.log(LogLevel::Notice, format!("Sentinel ID is {}", self.my_id()));
        let held = self.inner.borrow_mut().held.take();
        for event in held.into_iter().flatten() {
            self.log_event(event);
        }
    }

    /// The id of the Sentinel.
    pub(crate) fn my_id(&self) -> String {
        self.inner.borrow().core.my_id().to_owned()
    }

    /// Whether a client may ask for more.
    pub(super) fn takes_requests(&self, client: ClientId) -> bool {
        self.inner.borrow().core.takes_requests(client)
    }

    fn is_persisting(&self) -> bool {
        let inner = self.inner.borrow();
        inner.asked > inner.answered
    }

    fn perform(self: &Rc<Self>, inner: &mut Inner, output: Output) {
        if inner.exit.is_some() {
            return;
        }
        match output {
            Output::Connect { link, to } => self.connect(inner, link, to),
            Output::LinkSend { link, bytes } => inner.send_on_link(link, &bytes),
            Output::LinkSendSecret { link, bytes } => inner.send_on_link(link, bytes.expose()),
            Output::LinkClose { link } => inner.conns.links.close(link),
            Output::ClientSend { client, bytes } => {
                if let Some(conn) = inner.conns.clients.get(&client) {
                    conn.push(&bytes);
                    inner.touched.push(Rc::clone(conn));
                }
            }
            Output::ClientClose { client } => {
                let conn = inner.conns.retire(client);
                inner.touched.extend(conn);
            }
            Output::Resolve { query, host } => self.resolve(query, host),
            Output::Persist { ticket, state } => inner.persist(ticket, state),
            Output::RunScript { script, argv } => self.run_script(inner, script, argv),
            Output::KillScript { script } => inner.scripts.kill(script),
            Output::CheckScript { query, path } => self.check_script(query, path),
            Output::ReadFile { query, path } => self.read_file(query, path),
            Output::WriteFile { query, path, text } => self.write_file(query, path, text),
            Output::Event(event) => {
                if let Some(observer) = &mut inner.observer {
                    observer(self.pulse.clock.now(), &event);
                }
                match &mut inner.held {
                    Some(held) => held.push_back(event),
                    None => self.log_event(event),
                }
            }
            Output::LogLevel(level) => self.pulse.logger.set_level(level),
            Output::Exit { code } => inner.exit = Some(code),
        }
    }

    fn log_event(&self, event: Event) {
        let until = match &event {
            Event::FailoverDelayed { until, .. } => self.pulse.clock.calendar(*until),
            _ => None,
        };
        self.pulse.logger.event(event, until);
    }

    /// Logs what came of an attempt to persist.
    fn log_persisted(&self, result: &Result<(), String>) {
        match result {
            Ok(()) => self.pulse.logger.log(LogLevel::Notice, "Sentinel new configuration saved on disk"),
            Err(reason) => self.pulse.logger.log(
                LogLevel::Warning,
                format!("WARNING: Sentinel was not able to save the new configuration on disk!!!: {reason}"),
            ),
        }
    }
}

impl Hosted for Host {
    type Answer = Input;

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
        self.input(Input::Wake);
    }

    fn answer(self: &Rc<Self>, answer: Input) {
        self.input(answer);
    }

    fn tick(self: &Rc<Self>) {
        // The figures about the process are for clients.
        if !self.inner.borrow().conns.clients.is_empty() {
            self.refresh();
        }
    }

    fn accept(self: &Rc<Self>, stream: Stream, addresses: ClientAddresses) {
        self.accept_client(stream, addresses);
    }

    fn keepalive_s(&self) -> u64 {
        self.keepalive_s
    }

    fn is_drained(&self) -> bool {
        self.inner.borrow().conns.is_drained()
    }

    fn finish_disk(&self) {
        self.inner.borrow_mut().persister.finish();
    }

    fn close_all(&self) {
        self.inner.borrow_mut().conns.close_all();
    }
}

impl Inner {
    /// What the core cannot know.
    fn describe(&mut self) -> HostInfo {
        let mut info = self.vitals.refresh();
        self.conns.describe(&mut info);
        info
    }

    fn send_on_link(&mut self, link: LinkId, bytes: &[u8]) {
        self.touched.extend(self.conns.links.send(link, bytes));
    }

    fn persist(&mut self, ticket: Ticket, state: PersistentState) {
        self.asked = self.asked.max(ticket);
        self.persister.persist(ticket, state);
    }
}
