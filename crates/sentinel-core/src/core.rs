//! The four verbs: inputs are taken, effects and the next deadline given.
//!
//! An input changes something and touches the parts that depend on it; `settle` lets each of those
//! look again until nothing is left to do at this time. Timers that are due are the same touches.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{ClientId, Deadline, Millis, Prng, QueryId, Time, WallTime};
use picket_server_core::{Limits, Server, ServerOutput, Taken};

use crate::addr::Addr;
use crate::config::Config;
use crate::deferred::{Deferred, Outcome, Persistence};
use crate::event::Event;
use crate::ids::InstanceId;
use crate::io::{Input, Output};
use crate::reason::TiltReason;
use crate::scripts::{Action, Scripts};
use crate::sentinel::{Counters, Sentinel, SimulateFailure};
use crate::settings::Periods;
use crate::status::Status;
use crate::timers::{Timer, Timers, Touched};

/// A deadline that is missed by more than this was missed because the process was held up.
const HELD_UP: Millis = Millis(20);
/// Clients are answered this many requests at once, or with this many bytes; what they sent beyond it waits until
/// others were heard.
const TURN_REQUESTS: u32 = 256;
const TURN_BYTES: usize = 1 << 20;
/// Names that strangers named and whose addresses are asked for at once; others come again with the next hello or INFO.
const RESOLUTIONS_MAX: usize = 256;

impl Sentinel {
    /// A Sentinel that starts at `now` from what its config file says. `seed` is the only source of
    /// chance: ids, pauses, passwords made by ACL GENPASS.
    ///
    /// If the file has no `myid`, one is made, and the first output is its [`Output::Persist`].
    #[must_use]
    pub fn new(now: Time, wall: WallTime, seed: u64, config: Config) -> Self {
        let mut prng = Prng::new(seed);
        let made_id = config.my_id.is_none();
        let my_id = config.my_id.unwrap_or_else(|| prng.hex(40));
        let mut options = config.server;
        options.identity.run_id = prng.hex(40);
        options.limits = Limits::from_settings(&config.options);
        let mut server = Server::new(now, options, prng.next_u64());
        server.set_wall(now, wall);
        let mut sentinel = Self {
            now,
            wall_origin: wall.0.saturating_sub(now.0),
            prng,
            my_id,
            settings: config.settings,
            periods: Periods::default(),
            current_epoch: config.current_epoch,
            epoch_raised_at: None,
            masters: BTreeMap::new(),
            names: BTreeMap::new(),
            asked_about: BTreeMap::new(),
            links: BTreeMap::new(),
            routes: BTreeMap::new(),
            server,
            scripts: Scripts::default(),
            tilt_since: None,
            simulate: SimulateFailure::default(),
            log_level: config.options.loglevel(),
            options: config.options,
            working_dir: config.working_dir,
            host: None,
            persistence: Persistence::default(),
            resolutions: BTreeMap::new(),
            timers: Timers::default(),
            dirty: Touched::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            is_behind: false,
            exiting: false,
        };
        for master in config.masters {
            let quorum = master.settings.quorum;
            let Ok(id) = sentinel.add_master(master.name, master.addr, master.settings) else { continue };
            if let Some(known) = sentinel.masters.get_mut(&id) {
                known.config_epoch = master.config_epoch;
                known.leader_epoch = master.leader_epoch;
            }
            for addr in master.replicas {
                sentinel.add_replica(id, addr);
            }
            for (addr, run_id) in master.sentinels {
                if run_id != sentinel.my_id {
                    sentinel.add_peer(id, addr, &run_id);
                }
            }
            let instance = sentinel.instance_ref(InstanceId::Master(id));
            sentinel.emit(Event::Monitor { instance, quorum });
        }
        if made_id {
            sentinel.persist();
        }
        sentinel.touch(Timer::Heartbeat);
        sentinel.settle(true);
        sentinel
    }

    /// MYID: 40 characters by which other Sentinels know us.
    #[must_use]
    pub fn my_id(&self) -> &str {
        &self.my_id
    }

    /// Takes an input. Never fails and never panics on anything that a peer can send; what follows
    /// from it is to be fetched with [`Self::poll_output`].
    ///
    /// `now` must not go back; an earlier time is taken for the last one.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        if self.exiting {
            return;
        }
        self.notice_stall();
        let is_wake = matches!(input, Input::Wake);
        match input {
            // Only here: what arrived before this in a process that was held up is read by now, so
            // nobody is accused whose answer is waiting.
            Input::Wake => {
                while let Some(timer) = self.timers.pop_due(self.now) {
                    self.touch(timer);
                }
            }
            Input::Wall(wall) => {
                self.wall_origin = wall.0.saturating_sub(self.now.0);
                self.server.set_wall(self.now, wall);
            }
            Input::Host(host) => {
                self.server.note_output(&host);
                self.host = Some(*host);
            }
            Input::LinkUp { link, local } => self.on_link_up(link, local),
            Input::LinkData { link, bytes } => self.on_link_data(link, bytes),
            Input::LinkDown { link, reason } => self.on_link_down(link, &reason),
            Input::ClientConnected { client, addresses } => self.server.accept(self.now, client, addresses),
            Input::ClientData { client, bytes } => self.server.receive(self.now, client, &bytes),
            Input::ClientGone { client } => self.server.closed(client),
            Input::Resolved { query, result } => self.run_query(query, Outcome::Resolved(result)),
            Input::Persisted { ticket, result } => self.on_persisted(ticket, &result),
            Input::ScriptStarted { script, pid } => {
                if let Some(event) = self.scripts.started(script, pid) {
                    self.emit(event);
                }
                self.touch(Timer::Scripts);
            }
            Input::ScriptEnded { script, outcome } => {
                for event in self.scripts.ended(self.now, script, outcome, &self.periods) {
                    self.emit(event);
                }
                self.touch(Timer::Scripts);
            }
            Input::ScriptChecked { query, executable } => {
                self.run_query(query, Outcome::Executable(executable));
            }
            Input::FileRead { query, result } => self.run_query(query, Outcome::FileRead(result)),
            Input::FileWritten { query, result } => self.run_query(query, Outcome::FileWritten(result)),
            Input::Terminate => self.exit(0),
        }
        // A process that was held up hears first what has arrived meanwhile, and looks at nothing before
        // it is woken: it must not take its own delay for the silence of others.
        if !is_wake && self.timers.first().is_some_and(|(due, _)| self.now > due + HELD_UP) {
            return;
        }
        // What clients asked for beyond their turn waits until everybody else was heard.
        self.settle(is_wake || !self.is_behind);
    }

    /// Whether a client was answered everything that it has asked for. Otherwise [`Input::Wake`] is due, and what more it
    /// sends until then had better be left where it is: nothing is lost, but it piles up.
    #[must_use]
    pub fn takes_requests(&self, client: ClientId) -> bool {
        self.exiting || !self.server.is_queued(client)
    }

    /// The next effect, in the order in which they are to be carried out.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to give [`Input::Wake`] at the latest. Whatever was received before is to be given first,
    /// so that a process that was held up does not accuse others.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<Timer>> {
        if self.exiting {
            return None;
        }
        self.timers.first().map(|(at, timer)| Deadline { at, timer })
    }

    /// A picture of what this Sentinel knows and does.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(self)
    }

    /// Where each master is taken to be, and in which epoch that came into force: a part of the status, for whoever
    /// looks at it again and again.
    pub fn configurations(&self) -> impl Iterator<Item = (&str, u64, &Addr)> {
        self.masters
            .values()
            .map(|master| (master.name.as_str(), master.config_epoch, &master.server.instance.addr))
    }

    /// The same of one master.
    #[must_use]
    pub fn configuration(&self, master: &str) -> Option<(u64, &Addr)> {
        let master = self.masters.get(&self.master_id(master)?)?;
        Some((master.config_epoch, &master.server.instance.addr))
    }

    /// Lets everything that was touched look again until nothing is left. Clients are answered too if it is their turn,
    /// until that is over.
    fn settle(&mut self, is_clients_turn: bool) {
        let (mut requests, mut bytes) = (0, 0);
        loop {
            while let Some(timer) = self.dirty.pop_first() {
                let next = self.run_timer(timer);
                self.timers.set(timer, next);
                if self.exiting {
                    return;
                }
            }
            if !is_clients_turn {
                break;
            }
            if requests >= TURN_REQUESTS || bytes >= TURN_BYTES {
                self.is_behind = self.server.end_turn();
                break;
            }
            match self.serve_client() {
                Some(sent) => (requests, bytes) = (requests + 1, bytes + sent),
                None if self.dirty.is_empty() => {
                    self.is_behind = false;
                    break;
                }
                None => {}
            }
            if self.exiting {
                return;
            }
        }
        self.flush_persist();
        self.flush_server();
        if self.is_behind {
            self.timers.set(Timer::Clients, Some(self.now));
        }
    }

    /// Runs one command of one client, if there is one: how many bytes were sent.
    fn serve_client(&mut self) -> Option<usize> {
        if let Taken::Call(call) = self.server.take_request(self.now)?
            && let Some(call) = self.server.admit(call)
        {
            self.run_call(call);
        }
        let sent = self.flush_server();
        self.touch(Timer::Clients);
        Some(sent)
    }

    /// Hands on what the server wants: how many bytes are to be sent.
    fn flush_server(&mut self) -> usize {
        let mut sent = 0;
        while let Some(output) = self.server.poll_output() {
            self.outputs.push_back(match output {
                ServerOutput::Send { client, bytes } => {
                    sent += bytes.len();
                    Output::ClientSend { client, bytes }
                }
                ServerOutput::Close { client, .. } => Output::ClientClose { client },
                // A Sentinel has neither blocking commands nor transactions.
                ServerOutput::Unblock { .. } | ServerOutput::Discarded { .. } => continue,
            });
        }
        self.timers.set(Timer::Clients, self.server.next_deadline().map(|deadline| deadline.at));
        sent
    }

    fn run_timer(&mut self, timer: Timer) -> Option<Time> {
        match timer {
            Timer::Heartbeat => Some(self.now + self.heartbeat()),
            Timer::TiltEnd => self.run_tilt_end(),
            Timer::Link(slot) => self.run_link(slot),
            Timer::Instance(id) => self.run_instance(id),
            Timer::Scripts => self.run_scripts(),
            Timer::Clients => {
                self.server.wake(self.now);
                self.server.next_deadline().map(|deadline| deadline.at)
            }
        }
    }

    // ---- TILT ----

    /// If the heartbeat is far too late, this process was held up and its view of others is stale.
    ///
    /// Differs from Redis: the clock is monotonic, so a step of the calendar is no reason, and
    /// lateness is measured against the time that was asked for.
    fn notice_stall(&mut self) {
        let Some(due) = self.timers.get(Timer::Heartbeat) else { return };
        let late = self.now.since(due);
        if late <= self.periods.tilt_trigger {
            return;
        }
        self.tilt_since = Some(self.now);
        self.timers.set(Timer::Heartbeat, Some(self.now + self.heartbeat()));
        self.emit(Event::TiltEntered { reason: TiltReason::Stalled(late) });
        self.touch(Timer::TiltEnd);
    }

    /// How often the process makes sure that it runs.
    fn heartbeat(&self) -> Millis {
        self.periods.tilt_trigger.split(4).max(Millis(1))
    }

    fn run_tilt_end(&mut self) -> Option<Time> {
        let end = self.tilt_since? + self.periods.tilt_period;
        if self.now < end {
            return Some(end);
        }
        self.tilt_since = None;
        self.emit(Event::TiltExited);
        let masters: Vec<_> = self.masters.keys().copied().collect();
        for master in masters {
            self.touch_master(master);
        }
        None
    }

    // ---- events, scripts, queries ----

    /// Something happened: it is told to the host, to subscribers, and to the notification script.
    pub(crate) fn emit(&mut self, event: Event) {
        if let Some(channel) = event.channel() {
            let message = event.message();
            if event.is_published() {
                self.server.publish(channel.as_bytes(), message.as_bytes());
            }
            let script = event
                .notified_master()
                .and_then(|master| self.masters.get(self.names.get(master)?))
                .and_then(|master| master.settings.notification_script.clone());
            if let Some(script) = script {
                self.queue_script(alloc::vec![script, channel.into(), message]);
            }
        }
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn queue_script(&mut self, argv: Vec<String>) {
        self.scripts.queue(argv);
        self.touch(Timer::Scripts);
    }

    fn run_scripts(&mut self) -> Option<Time> {
        for action in self.scripts.poll(self.now, &self.periods) {
            match action {
                Action::Run(script, argv) => self.outputs.push_back(Output::RunScript { script, argv }),
                Action::Kill(script) => self.outputs.push_back(Output::KillScript { script }),
                Action::Event(event) => self.emit(event),
            }
        }
        self.scripts.next_deadline(&self.periods)
    }

    /// Asks the host what a name stands for, and goes on with `then`.
    pub(crate) fn resolve(&mut self, host: &str, then: Deferred) {
        let query = QueryId::next(&mut self.counters.query);
        self.resolutions.insert(query, then);
        self.outputs.push_back(Output::Resolve { query, host: host.into() });
    }

    /// The same for a name that a stranger named, unless that very question is open already, or too many are.
    pub(crate) fn resolve_once(&mut self, host: &str, then: Deferred) {
        if self.resolutions.len() < RESOLUTIONS_MAX && !self.resolutions.values().any(|open| *open == then) {
            self.resolve(host, then);
        }
    }

    /// Asks the host whether a file can be executed, and goes on with `then`.
    pub(crate) fn check_script(&mut self, path: &str, then: Deferred) {
        let query = QueryId::next(&mut self.counters.query);
        self.resolutions.insert(query, then);
        self.outputs.push_back(Output::CheckScript { query, path: path.into() });
    }

    fn run_query(&mut self, query: QueryId, outcome: Outcome) {
        if let Some(then) = self.resolutions.remove(&query) {
            self.run_deferred(then, outcome);
        }
    }

    // ---- the end ----

    /// SIMULATE-FAILURE asked for a crash at this point.
    pub(crate) fn crash(&mut self, after: &'static str) {
        self.emit(Event::SimulatedCrash { after });
        self.exit(99);
    }

    /// Ends the process; nothing is handled any more.
    pub(crate) fn exit(&mut self, code: i32) {
        self.flush_server();
        self.exiting = true;
        self.outputs.push_back(Output::Exit { code });
    }
}
