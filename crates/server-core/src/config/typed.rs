//! Typed access to the ordinary directives that a server acts upon.

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::Secret;

use super::settings::Settings;
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

    /// A number directive by name; 0 for others.
    #[must_use]
    pub fn integer(&self, name: &str) -> i64 {
        match self.values.get(name) {
            Some(Value::Number(number)) => i64::try_from(*number).unwrap_or(0),
            _ => 0,
        }
    }

    /// A password directive by name, if it is set.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.values.get(name) {
            Some(Value::Secret(secret)) => secret.as_ref().filter(|secret| !secret.expose().is_empty()),
            _ => None,
        }
    }

    /// The master that `replicaof` names: host and port.
    #[must_use]
    pub fn replicaof(&self) -> Option<(String, u16)> {
        let [host, port] = self.words("replicaof") else { return None };
        let port = core::str::from_utf8(port).ok()?.parse().ok()?;
        Some((String::from_utf8_lossy(host).into_owned(), port))
    }

    /// The first word of a directive that takes words out of a list; empty for others.
    #[must_use]
    pub fn choice(&self, name: &str) -> &'static str {
        match self.values.get(name) {
            Some(Value::Choice(names)) => names.first().copied().unwrap_or(""),
            _ => "",
        }
    }

    /// The words of a directive with rules of its own; none for others.
    #[must_use]
    pub fn words(&self, name: &str) -> &[Vec<u8>] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_a_data_server() {
        let settings = Settings::new();
        assert_eq!(settings.port(), 6379);
        assert!(settings.protected_mode());
        assert_eq!(settings.bind(), [&b"*"[..], b"-::*"]);
        assert!(settings.bind_is_default());
        assert_eq!(settings.loglevel(), LogLevel::Notice);
        assert_eq!(settings.supervised(), Supervised::No);
        assert_eq!(
            (settings.maxclients(), settings.tcp_backlog(), settings.tcp_keepalive_s()),
            (10_000, 511, 300)
        );
        assert_eq!(settings.client_query_buffer_limit(), 1 << 30);
        assert_eq!(settings.proto_max_bulk_len(), 512 << 20);
        let limit = settings.client_output_buffer_limit(ClientClass::Pubsub);
        assert_eq!(limit, OutputBufferLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 });
        assert_eq!((settings.logfile(), settings.pidfile(), settings.dir()), (&b""[..], None, None));
        assert_eq!(settings.non_default().count(), 0);
    }

    #[test]
    fn what_is_set_is_read_back_by_type() {
        let mut settings = Settings::new();
        for (name, value) in [
            ("port", "0"),
            ("tls-port", "7"),
            ("bind", "10.0.0.1 -::1"),
            ("loglevel", "NOTHING"),
            ("supervised", "systemd"),
            ("unixsocketperm", "770"),
            ("requirepass", "hunter2"),
            ("client-output-buffer-limit", "slave 1gb 0 0"),
            ("maxclients", "4294967295"),
            ("pidfile", "x.pid"),
            ("extended-redis-compatibility", "yes"),
            ("aclfile", "users.acl"),
        ] {
            assert_eq!(settings.set(name, value.as_bytes()), Ok(()), "{name}");
        }
        assert_eq!((settings.port(), settings.tls_port(), settings.unixsocketperm()), (0, 7, 0o770));
        assert_eq!(settings.bind(), [&b"10.0.0.1"[..], b"-::1"]);
        assert_eq!(settings.loglevel(), LogLevel::Nothing);
        assert_eq!(settings.supervised(), Supervised::Systemd);
        assert!(settings.requirepass().is_some_and(|password| password.matches(b"hunter2")));
        assert!(!alloc::format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.client_output_buffer_limit(ClientClass::Replica).hard_bytes, 1 << 30);
        assert_eq!(settings.maxclients(), u32::MAX);
        assert!(settings.extended_redis_compatibility());
        let changed: Vec<&str> = settings.non_default().collect();
        assert!(
            ["port", "tls-port", "requirepass", "bind"].iter().all(|name| changed.contains(name)),
            "{changed:?}"
        );
        // An empty word takes back what has no default.
        settings.set("requirepass", b"").expect("an empty password is none");
        assert_eq!(settings.requirepass(), None);
        assert_eq!(settings.set("no-such", b"x"), Err("Unknown option 'no-such'".into()));
    }
}
