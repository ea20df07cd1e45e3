//! A sentinel process, stock or Picket, with its file and log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::{Client, once};
use crate::conf::{self, Folder};
use crate::process::PORT_TRIES;
use crate::{PortLease, Proc, Program, Reply, Subscriber};

/// A sentinel on loopback.
#[derive(Debug)]
pub struct SentinelProcess {
    program: Program,
    port: PortLease,
    folder: Folder,
    password: Option<String>,
    process: Option<Proc>,
}

impl SentinelProcess {
    /// Starts one whose file has `port`, `dir`, `logfile` and then `lines`, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(program: &Program, lines: &str) -> Self {
        for _ in 0..PORT_TRIES {
            let mut sentinel = Self::prepare(program, lines);
            if sentinel.try_start() {
                return sentinel;
            }
        }
        panic!("the sentinel found no port in {PORT_TRIES} tries");
    }

    /// Writes the file without starting anything.
    #[must_use]
    pub fn prepare(program: &Program, lines: &str) -> Self {
        let port = PortLease::take();
        let folder = Folder::new(program.word());
        let text = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nlogfile log.txt\n{lines}",
            port.number(),
            folder.path().display()
        );
        folder.write("sentinel.conf", &text);
        let password = lines.lines().find_map(|line| line.strip_prefix("requirepass ")).map(str::to_owned);
        Self { program: program.clone(), port, folder, password, process: None }
    }

    #[track_caller]
    fn try_start(&mut self) -> bool {
        let mut command = self.program.command(&self.conf_path());
        command.current_dir(self.folder.path());
        let name = format!("{} sentinel {}", self.program.word(), self.port.number());
        let (addr, log) = (self.port.addr(), self.folder.join("log.txt"));
        self.process = Proc::start_server(&name, command, &log, || answers(&addr));
        self.process.is_some()
    }

    /// Starts it again, killing it first if it runs, on the same file, port and folder.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        assert!(self.try_start(), "port {} was taken while the sentinel was down", self.port.number());
    }

    /// Like [`SentinelProcess::restart`], as another program: the file is handed over.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn restart_as(&mut self, program: &Program) {
        self.program = program.clone();
        self.restart();
    }

    /// `kill -9`; nothing if it never ran.
    pub fn kill9(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill9();
        }
    }

    /// The process.
    ///
    /// # Panics
    /// When it was never started.
    pub fn process(&mut self) -> &mut Proc {
        self.process.as_mut().expect("start has set the process")
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// `127.0.0.1:<port>`.
    #[must_use]
    pub fn addr(&self) -> String {
        self.port.addr()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its configuration file.
    #[must_use]
    pub fn conf_path(&self) -> PathBuf {
        self.folder.join("sentinel.conf")
    }

    /// What its configuration file says now.
    ///
    /// # Panics
    /// When the file cannot be read.
    #[must_use]
    pub fn conf_text(&self) -> String {
        conf::read(&self.conf_path()).expect("the sentinel's file can be read")
    }

    /// Appends lines to its file (while it is down).
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn append_conf(&self, lines: &str) {
        let text = self.conf_text() + lines;
        fs::write(self.conf_path(), text).expect("the sentinel's file can be written");
    }

    /// All it has logged.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.process.as_ref().map(Proc::log_text).unwrap_or_default()
    }

    /// Waits until it has logged `text`.
    ///
    /// # Panics
    /// When it has not within `deadline`.
    #[track_caller]
    pub fn wait_logged(&self, deadline: Duration, text: &str) {
        self.process.as_ref().expect("start has set the process").wait_logged(deadline, text);
    }

    /// Whether the log has `text` by now.
    #[must_use]
    pub fn log_contains(&self, text: &str) -> bool {
        self.log_text().contains(text)
    }

    /// A connection, authenticated if the file has `requirepass`.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn client(&self) -> io::Result<Client> {
        let mut client = Client::connect(&self.addr())?;
        if let Some(password) = &self.password {
            client.cmd(&["AUTH", password])?;
        }
        Ok(client)
    }

    /// One command on a connection of its own.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn cmd(&self, args: &[&str]) -> io::Result<Reply> {
        self.client()?.cmd(args)
    }

    /// Every event it publishes from now on.
    ///
    /// # Panics
    /// When it cannot be subscribed to.
    #[must_use]
    pub fn subscribe(&self) -> Subscriber {
        let client = self.client().expect("the sentinel takes a subscriber");
        Subscriber::start(vec![client]).expect("the sentinel confirms the subscription")
    }

    /// The port of the master `name` as this sentinel tells clients; `None` if it does not say.
    #[must_use]
    pub fn master_port(&self, name: &str) -> Option<u16> {
        let reply = self.cmd(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]).ok()?;
        reply.items().get(1)?.text()?.parse().ok()
    }

    /// One field of `SENTINEL MASTER name`; empty if it does not say.
    #[must_use]
    pub fn master_field(&self, name: &str, field: &str) -> String {
        self.cmd(&["SENTINEL", "MASTER", name]).map(|reply| reply.field_text(field)).unwrap_or_default()
    }

    /// Whether the flags of the master `name` have `flag`.
    #[must_use]
    pub fn master_has_flag(&self, name: &str, flag: &str) -> bool {
        self.master_field(name, "flags").split(',').any(|found| found == flag)
    }

    /// One field of each replica of `name`.
    #[must_use]
    pub fn replica_fields(&self, name: &str, field: &str) -> Vec<String> {
        self.instance_fields("REPLICAS", name, field)
    }

    /// One field of each other sentinel of `name`.
    #[must_use]
    pub fn sentinel_fields(&self, name: &str, field: &str) -> Vec<String> {
        self.instance_fields("SENTINELS", name, field)
    }

    fn instance_fields(&self, subcommand: &str, name: &str, field: &str) -> Vec<String> {
        let Ok(reply) = self.cmd(&["SENTINEL", subcommand, name]) else { return Vec::new() };
        reply.items().iter().map(|instance| instance.field_text(field)).collect()
    }

    /// Its id.
    #[must_use]
    pub fn myid(&self) -> String {
        self.cmd(&["SENTINEL", "MYID"]).ok().and_then(|reply| reply.text()).unwrap_or_default()
    }
}

fn answers(addr: &str) -> bool {
    once(addr, &["PING"]).is_ok_and(|reply| {
        reply == Reply::Status("PONG".into()) || reply.error().is_some_and(|text| text.starts_with("NOAUTH"))
    })
}

impl Drop for SentinelProcess {
    fn drop(&mut self) {
        self.process = None;
    }
}
