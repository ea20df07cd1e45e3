//! A data server process: redis-server, or `picket node` in its place.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::Client;
use crate::conf::{self, Folder};
use crate::process::PORT_TRIES;
use crate::{DataProgram, PortLease, Proc, Reply, wait_until};

/// A data server on loopback with a folder and a rewritable configuration file of its own.
#[derive(Debug)]
pub struct DataServer {
    program: DataProgram,
    port: PortLease,
    folder: Folder,
    password: Option<String>,
    process: Option<Proc>,
}

/// A data server of which a test says that it is redis-server.
pub type RedisServer = DataServer;

impl DataServer {
    /// Starts redis-server with the given extra directives, one `name value…` each, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(directives: &[&str]) -> Self {
        Self::start_as(&DataProgram::Redis, directives)
    }

    /// Like [`DataServer::start`] with another program.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start_as(program: &DataProgram, directives: &[&str]) -> Self {
        for _ in 0..PORT_TRIES {
            let mut server = Self::prepare(program, directives);
            if server.try_start() {
                return server;
            }
        }
        panic!("{} found no port in {PORT_TRIES} tries", program.word());
    }

    /// Writes the file without starting anything.
    #[must_use]
    pub fn prepare(program: &DataProgram, directives: &[&str]) -> Self {
        let port = PortLease::take();
        let folder = Folder::new("redis");
        let mut conf = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nlogfile log.txt\nsave \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n",
            port.number(),
            folder.path().display(),
        );
        for directive in directives {
            conf.push_str(directive);
            conf.push('\n');
        }
        folder.write("redis.conf", &conf);
        let password =
            directives.iter().find_map(|line| line.strip_prefix("requirepass ")).map(str::to_owned);
        Self { program: program.clone(), port, folder, password, process: None }
    }

    /// Whether it came up; `false` means that the port was taken.
    #[track_caller]
    fn try_start(&mut self) -> bool {
        let mut command = self.program.command(&self.conf_path());
        command.current_dir(self.folder.path());
        let name = format!("{} {}", self.program.word(), self.port.number());
        let (addr, password) = (self.port.addr(), self.password.as_deref());
        let log = self.folder.join("log.txt");
        self.process = Proc::start_server(&name, command, &log, || answers_ping(&addr, password));
        self.process.is_some()
    }

    /// Starts it again on the same port and folder, with the configuration as the last CONFIG REWRITE left it.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn restart(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill9();
        }
        assert!(self.try_start(), "port {} was taken while the server was down", self.port.number());
    }

    /// Like [`DataServer::restart`], as another program: file and data are handed over.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn restart_as(&mut self, program: &DataProgram) {
        self.program = program.clone();
        self.restart();
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &DataProgram {
        &self.program
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its configuration file.
    #[must_use]
    pub fn conf_path(&self) -> PathBuf {
        self.folder.join("redis.conf")
    }

    /// What its configuration file says now.
    ///
    /// # Panics
    /// When the file cannot be read.
    #[must_use]
    pub fn conf_text(&self) -> String {
        conf::read(&self.conf_path()).expect("the server's file can be read")
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

    /// The process.
    ///
    /// # Panics
    /// Never after [`DataServer::start`].
    pub fn process(&mut self) -> &mut Proc {
        self.process.as_mut().expect("start has set the process")
    }

    /// `kill -9`.
    pub fn kill9(&mut self) {
        self.process().kill9();
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

    /// A connection, authenticated if the server was started with `requirepass`.
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

    /// The fields of one INFO section; empty if the server does not answer.
    #[must_use]
    pub fn info(&self, section: &str) -> BTreeMap<String, String> {
        let text = self.cmd(&["INFO", section]).ok().and_then(|reply| reply.text()).unwrap_or_default();
        parse_info(&text)
    }

    /// One field of INFO replication; empty if the server does not answer.
    #[must_use]
    pub fn replication(&self, field: &str) -> String {
        self.info("replication").remove(field).unwrap_or_default()
    }

    /// Whether it is a replica of `port` with its link up.
    #[must_use]
    pub fn follows(&self, port: u16) -> bool {
        let info = self.info("replication");
        let is = |key: &str, value: &str| info.get(key).is_some_and(|found| found == value);
        is("role", "slave") && is("master_port", &port.to_string()) && is("master_link_status", "up")
    }

    /// Whether it says `role:master`.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.replication("role") == "master"
    }

    /// Writes a key and says whether the write was acknowledged.
    #[must_use]
    pub fn accepts_writes(&self) -> bool {
        self.cmd(&["SET", "picket-test", "1"]).is_ok_and(|reply| reply.is_ok())
    }

    /// Waits until `count` replicas are online and have everything.
    ///
    /// # Panics
    /// When they are not within the deadline.
    #[track_caller]
    pub fn wait_for_replicas(&self, count: usize, deadline: Duration) {
        wait_until(deadline, &format!("{count} replicas of {} are online", self.addr()), || {
            let info = self.info("replication");
            let offset = info.get("master_repl_offset").cloned().unwrap_or_default();
            let online = |(key, value): &(&String, &String)| {
                key.starts_with("slave")
                    && value.contains("state=online")
                    && value.contains(&format!("offset={offset},"))
            };
            info.iter().filter(online).count() == count
        });
    }
}

/// The fields of an INFO text.
#[must_use]
pub fn parse_info(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.trim_end().to_owned()))
        .collect()
}

fn answers_ping(addr: &str, password: Option<&str>) -> bool {
    let ask = || {
        let mut client = Client::connect(addr)?;
        if let Some(password) = password {
            // Who wants a password says so even before its data is loaded; only with it one learns more.
            client.cmd(&["AUTH", password])?;
        }
        client.cmd(&["PING"])
    };
    ask().is_ok_and(|reply: Reply| match &reply {
        Reply::Status(text) => text == "PONG",
        // It is up and wants another password.
        Reply::Error(text) => text.starts_with("NOAUTH"),
        _ => false,
    })
}

impl Drop for DataServer {
    fn drop(&mut self) {
        self.process = None;
    }
}
