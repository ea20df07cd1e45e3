//! The values of the ordinary directives, with typed access to those that a server acts upon.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_resp::{quote, split_args};
use picket_sansio::Secret;

use super::directive::{DIRECTIVES, Directive, Kind, Special, find_directive};
use super::rewrite::RewriteLine;
use super::special;
use super::value::Value;

/// The level below which messages are not logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in the file")]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
    Nothing,
}

/// Who started the process and wants to hear that it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the file")]
pub enum Supervised {
    Upstart,
    Systemd,
    Auto,
    No,
}

/// Kinds of clients that have output limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    /// Everybody else.
    Normal,
    /// Replicas.
    Replica,
    /// Clients with a subscription.
    Pubsub,
}

/// When a client's unsent output is too much; zero means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputBufferLimit {
    /// Close at once beyond this many bytes.
    pub hard_bytes: u64,
    /// Close beyond this many bytes if that lasts for `soft_seconds`.
    pub soft_bytes: u64,
    /// See `soft_bytes`.
    pub soft_seconds: u64,
}

/// What the ordinary directives say. Starts with the defaults of a data server; a program with other
/// defaults sets them before it reads its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    /// `save` points read so far, once the file mentioned any.
    save_mentioned: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// The defaults of a data server.
    #[must_use]
    pub fn new() -> Self {
        let values = DIRECTIVES.iter().filter_map(|directive| Some((directive.name, default_of(directive)?)));
        Self { values: values.collect(), save_mentioned: false }
    }

    /// Sets `name` as if the file said `name value`. For defaults of a program and for `CONFIG SET`.
    ///
    /// # Errors
    /// The reason in Redis's words.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        let directive =
            find_directive(name.as_bytes()).ok_or_else(|| alloc::format!("Unknown option '{name}'"))?;
        self.save_mentioned = false;
        self.read(directive, &[value.to_vec()])
    }

    /// Takes the words that a line of the file has behind the directive's name.
    pub(super) fn read(&mut self, directive: &'static Directive, words: &[Vec<u8>]) -> Result<(), String> {
        if !directive.takes_many() {
            if words.len() != 1 {
                return Err("wrong number of arguments".into());
            }
            return self.store(directive, words);
        }
        match words {
            // One quoted word may hold all the words, which is how the command line passes them.
            [only] if !only.is_empty() => {
                let split =
                    split_args(only).map_err(|_| "Unbalanced quotes in configuration line".to_string())?;
                self.store(directive, &split)
            }
            _ => self.store(directive, words),
        }
    }

    fn store(&mut self, directive: &'static Directive, words: &[Vec<u8>]) -> Result<(), String> {
        let value = match directive.kind {
            Kind::Special(kind) => {
                let current = match self.values.get(directive.name) {
                    Some(Value::Words(current)) => current.as_slice(),
                    _ => &[],
                };
                // Several `save` lines of a file add up, but the first replaces the default.
                let current = if kind == Special::Save && !self.save_mentioned { &[] } else { current };
                let value = Value::Words(special::parse(kind, current, words)?);
                self.save_mentioned |= kind == Special::Save;
                Some(value)
            }
            _ => Value::parse(directive, words)?,
        };
        if let Some(value) = value {
            self.values.insert(directive.name, value);
        }
        Ok(())
    }

    /// The value of a directive by its primary name; `None` for names without one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Names of all directives whose value is not a data server's default, in table order. A program
    /// that does not implement some of them can say so by name.
    pub fn non_default(&self) -> impl Iterator<Item = &'static str> + '_ {
        DIRECTIVES
            .iter()
            .filter(|directive| self.values.get(directive.name) != default_of(directive).as_ref())
            .map(|directive| directive.name)
    }

    /// The lines a rewriting writes for these settings. `cwd` is the process's directory, which `dir`
    /// always names (if it is empty, `dir` is written as it was read); options in `silent` are not written (a Sentinel has no `save`).
    #[must_use]
    pub fn rewrite_lines(&self, cwd: &[u8], silent: &[&str]) -> Vec<RewriteLine> {
        let mut lines = Vec::new();
        for directive in DIRECTIVES {
            if !silent.contains(&directive.name) {
                self.rewrite_directive(directive, cwd, &mut lines);
            }
        }
        lines
    }

    fn rewrite_directive(&self, directive: &Directive, cwd: &[u8], lines: &mut Vec<RewriteLine>) {
        let default = default_of(directive);
        let value = self.values.get(directive.name);
        let force = value != default.as_ref();
        let mut push = |rest: &[u8], force: bool| {
            let line = [directive.name.as_bytes(), b" ", rest].concat();
            lines.push(RewriteLine { key: directive.name.into(), line, force });
        };
        match (directive.kind, value) {
            (Kind::Special(Special::Dir), _) if !cwd.is_empty() => push(quote(cwd).as_bytes(), true),
            (Kind::Special(kind), Some(Value::Words(words))) => {
                for (rest, force) in special::written(kind, words, force) {
                    push(&rest, force);
                }
            }
            (_, Some(value)) => {
                if let Some(rest) = value.written(directive) {
                    push(&rest, force);
                }
            }
            (_, None) => {}
        }
    }

    /// Keys of every option that [`rewrite_lines`](Self::rewrite_lines) answers for: old lines of
    /// these that are not wanted any more vanish.
    #[must_use]
    pub fn known_keys() -> Vec<&'static [u8]> {
        DIRECTIVES
            .iter()
            .filter(|directive| directive.kind != Kind::Ignored)
            .map(|directive| directive.name.as_bytes())
            .collect()
    }
}

/// Typed access. Units are part of the names; absent strings are `None`.
impl Settings {
    /// TCP port, 0 for none.
    #[must_use]
    pub fn port(&self) -> u16 {
        u16::try_from(self.number("port")).unwrap_or(0)
    }

    /// TLS port, 0 for none.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        u16::try_from(self.number("tls-port")).unwrap_or(0)
    }

    /// Addresses to listen on; a leading `-` means that it may be missing. Default `*` and `-::*`.
    #[must_use]
    pub fn bind(&self) -> Vec<&[u8]> {
        self.words("bind").iter().map(Vec::as_slice).collect()
    }

    /// Whether `bind` still is the default.
    #[must_use]
    pub fn bind_is_default(&self) -> bool {
        !self.non_default().any(|name| name == "bind")
    }

    /// Source address of outgoing connections.
    #[must_use]
    pub fn bind_source_addr(&self) -> Option<&[u8]> {
        self.text("bind-source-addr")
    }

    /// Refuse clients from elsewhere while there is no password.
    #[must_use]
    pub fn protected_mode(&self) -> bool {
        self.flag("protected-mode")
    }

    /// The directory to change to, if the file names one.
    #[must_use]
    pub fn dir(&self) -> Option<&[u8]> {
        self.words("dir").first().map(Vec::as_slice)
    }

    /// The log file; empty means standard output.
    #[must_use]
    pub fn logfile(&self) -> &[u8] {
        self.text("logfile").unwrap_or_default()
    }

    /// What is worth logging.
    #[must_use]
    pub fn loglevel(&self) -> LogLevel {
        LogLevel::from_name(self.choice("loglevel").as_bytes()).unwrap_or(LogLevel::Notice)
    }

    /// Log to syslog as well.
    #[must_use]
    pub fn syslog_enabled(&self) -> bool {
        self.flag("syslog-enabled")
    }

    /// The name syslog gets.
    #[must_use]
    pub fn syslog_ident(&self) -> &[u8] {
        self.text("syslog-ident").unwrap_or_default()
    }

    /// `user` or `local0` to `local7`.
    #[must_use]
    pub fn syslog_facility(&self) -> &'static str {
        self.choice("syslog-facility")
    }

    /// Run in the background.
    #[must_use]
    pub fn daemonize(&self) -> bool {
        self.flag("daemonize")
    }

    /// Where to write the process id.
    #[must_use]
    pub fn pidfile(&self) -> Option<&[u8]> {
        self.text("pidfile")
    }

    /// Whom to tell that the server is ready.
    #[must_use]
    pub fn supervised(&self) -> Supervised {
        match self.choice("supervised") {
            "upstart" => Supervised::Upstart,
            "systemd" => Supervised::Systemd,
            "auto" => Supervised::Auto,
            _ => Supervised::No,
        }
    }

    /// Password of the default user.
    #[must_use]
    pub fn requirepass(&self) -> Option<&Secret> {
        match self.values.get("requirepass") {
            Some(Value::Secret(secret)) => secret.as_ref(),
            _ => None,
        }
    }

    /// Where users are kept instead of in the configuration file; empty means nowhere.
    #[must_use]
    pub fn aclfile(&self) -> &[u8] {
        self.text("aclfile").unwrap_or_default()
    }

    /// How many entries `ACL LOG` keeps.
    #[must_use]
    pub fn acllog_max_len(&self) -> u64 {
        self.number("acllog-max-len")
    }

    /// Whether new users may use every channel.
    #[must_use]
    pub fn acl_pubsub_default_allchannels(&self) -> bool {
        self.choice("acl-pubsub-default") == "allchannels"
    }

    /// How many clients may be connected.
    #[must_use]
    pub fn maxclients(&self) -> u32 {
        u32::try_from(self.number("maxclients")).unwrap_or(u32::MAX)
    }

    /// Close idle clients after this many seconds; 0 means never.
    #[must_use]
    pub fn timeout_s(&self) -> u64 {
        self.number("timeout")
    }

    /// Length of the accept queue.
    #[must_use]
    pub fn tcp_backlog(&self) -> u32 {
        u32::try_from(self.number("tcp-backlog")).unwrap_or(u32::MAX)
    }

    /// Seconds of silence before the system probes a connection; 0 means never.
    #[must_use]
    pub fn tcp_keepalive_s(&self) -> u64 {
        self.number("tcp-keepalive")
    }

    /// Path of the Unix socket to listen on.
    #[must_use]
    pub fn unixsocket(&self) -> Option<&[u8]> {
        self.text("unixsocket")
    }

    /// File mode of the Unix socket; 0 means whatever the system gives.
    #[must_use]
    pub fn unixsocketperm(&self) -> u32 {
        u32::try_from(self.number("unixsocketperm")).unwrap_or(0)
    }

    /// How many unread bytes of requests one client may have.
    #[must_use]
    pub fn client_query_buffer_limit(&self) -> u64 {
        self.number("client-query-buffer-limit")
    }

    /// How long one argument of a request may be.
    #[must_use]
    pub fn proto_max_bulk_len(&self) -> u64 {
        self.number("proto-max-bulk-len")
    }

    /// The output limits of a kind of clients.
    #[must_use]
    pub fn client_output_buffer_limit(&self, class: ClientClass) -> OutputBufferLimit {
        special::output_buffer_limit(self.words("client-output-buffer-limit"), class)
    }

    /// Whether Valkey shall name itself `redis` where clients look for that.
    #[must_use]
    pub fn extended_redis_compatibility(&self) -> bool {
        self.flag("extended-redis-compatibility")
    }

    /// Timer ticks per second as configured.
    #[must_use]
    pub fn hz(&self) -> u64 {
        self.number("hz").clamp(1, 500)
    }

    /// A yes-or-no directive by name; `false` for others.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Bool(true)))
    }

    /// A string directive by name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&[u8]> {
        match self.values.get(name) {
            Some(Value::Text(text)) => text.as_deref(),
            _ => None,
        }
    }

    /// A number directive by name; 0 for others and for negative values.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some(Value::Number(number)) => u64::try_from(*number).unwrap_or(0),
            _ => 0,
        }
    }

    fn choice(&self, name: &str) -> &'static str {
        match self.values.get(name) {
            Some(Value::Choice(names)) => names.first().copied().unwrap_or(""),
            _ => "",
        }
    }

    fn words(&self, name: &str) -> &[Vec<u8>] {
        match self.values.get(name) {
            Some(Value::Words(words)) => words,
            _ => &[],
        }
    }
}

impl LogLevel {
    /// The level of that name, in any case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Debug, Self::Verbose, Self::Notice, Self::Warning, Self::Nothing]
            .into_iter()
            .find(|level| level.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The name as the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Verbose => "verbose",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Nothing => "nothing",
        }
    }
}

impl core::fmt::Display for LogLevel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

fn default_of(directive: &Directive) -> Option<Value> {
    match directive.kind {
        Kind::Special(kind) => Some(Value::Words(special::default(kind))),
        _ => Value::default_of(directive),
    }
}
