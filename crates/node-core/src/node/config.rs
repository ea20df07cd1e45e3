//! CONFIG: the directives at run time (`config.c`).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;
use picket_server_core::config::{DIRECTIVES, Directive, Kind, Special, find_directive};
use picket_server_core::{Case, Limits, Settings, glob_match, help};

use super::io::{ConfigState, NodeOutput};
use super::live::Live;
use super::{Later, Node};

/// Directives that take effect at the start only.
const IMMUTABLE: &[&str] = &[
    "always-show-logo",
    "bind",
    "daemonize",
    "databases",
    "dbfilename",
    "dir",
    "io-threads",
    "io-threads-do-reads",
    "logfile",
    "pidfile",
    "port",
    "rdbchecksum",
    "replicaof",
    "set-proc-title",
    "supervised",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
    "unixsocket",
    "unixsocketperm",
    "aclfile",
    "appendfilename",
    "appenddirname",
    "cluster-enabled",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "disable-thp",
    "bind-source-addr",
];

impl Node {
    /// `CONFIG` and its subcommands.
    pub(super) fn config(&mut self, client: ClientId, args: &[Bytes]) -> Option<Reply> {
        Some(match args[1].to_ascii_lowercase().as_slice() {
            b"get" => self.config_get(&args[2..]),
            b"set" => match self.config_set(&args[2..]) {
                Ok(()) => Reply::ok(),
                Err(text) => Reply::error(text),
            },
            b"resetstat" => {
                self.reset_stats();
                Reply::ok()
            }
            b"rewrite" => return self.config_rewrite(client),
            _ => help(
                "CONFIG",
                &[
                    "GET <pattern> [<pattern> ...]",
                    "    Shows the directives whose names match, with their values.",
                    "SET <directive> <value> [<directive> <value> ...]",
                    "    Changes directives, all or none.",
                    "RESETSTAT",
                    "    Starts the counters of INFO anew.",
                    "REWRITE",
                    "    Writes the directives in effect into the configuration file.",
                ],
            ),
        })
    }

    fn config_get(&self, patterns: &[Bytes]) -> Reply {
        let mut found: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        let matches = |name: &str| {
            patterns.iter().any(|pattern| glob_match(pattern, name.as_bytes(), Case::Insensitive))
        };
        for directive in DIRECTIVES {
            for name in [Some(directive.name), directive.alias].into_iter().flatten() {
                if matches(name)
                    && let Some(text) = self.settings.shown(directive, &self.working_dir)
                {
                    found.insert(name, text);
                }
            }
        }
        Reply::map(found.into_iter().map(|(name, text)| (Reply::bulk(name), Reply::bulk(text))))
    }

    /// Changes all of the directives, or none.
    fn config_set(&mut self, pairs: &[Bytes]) -> Result<(), String> {
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err("ERR wrong number of arguments for 'config|set' command".into());
        }
        let mut settings = self.settings.clone();
        let mut seen: Vec<&str> = Vec::new();
        for pair in pairs.chunks_exact(2) {
            let (name, value) = (String::from_utf8_lossy(&pair[0]), &pair[1]);
            let Some(directive) = find_directive(&pair[0]) else {
                return Err(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                    name.to_ascii_lowercase()
                ));
            };
            let refuse = |reason: &str| {
                format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
            };
            if seen.contains(&directive.name) {
                return Err(refuse("duplicate parameter"));
            }
            seen.push(directive.name);
            if IMMUTABLE.contains(&directive.name) {
                let same = self.settings.shown(directive, &self.working_dir).as_deref() == Some(&value[..]);
                if same {
                    continue;
                }
                return Err(refuse(immutable_reason(directive)));
            }
            settings.set(directive.name, value).map_err(|reason| refuse(&reason))?;
            if let Some(reason) = missing(directive.name, &settings) {
                return Err(refuse(reason));
            }
        }
        self.apply_settings(settings);
        Ok(())
    }

    /// Puts settings into effect.
    pub(super) fn apply_settings(&mut self, settings: Settings) {
        if settings.requirepass() != self.settings.requirepass() {
            self.server.set_requirepass(settings.requirepass().map(picket_sansio::Secret::expose));
        }
        self.settings = settings;
        self.live = Live::of(&self.settings);
        *self.keyspace.settings_mut() = self.live.keyspace.clone();
        self.server.set_limits(self.now, Limits::from_settings(&self.settings));
        self.side_input(picket_replication::MasterInput::Configure(self.live.master));
        self.link_input(picket_replication::LinkInput::Configure(self.live.link.clone()));
        self.push(NodeOutput::Settings(self.settings.clone().into()));
        self.evict();
    }

    fn config_rewrite(&mut self, client: ClientId) -> Option<Reply> {
        if !self.has_config_file {
            return Some(Reply::error("ERR The server is running without a config file"));
        }
        let mut lines = self.settings.rewrite_lines(&self.working_dir, &[]);
        lines.extend(self.server.acl().rewrite_lines());
        let query = self.ask_host(client, |slot| Later::ConfigRewrite { client, slot });
        self.push(NodeOutput::RewriteConfig { query, state: ConfigState { lines }.into() });
        None
    }
}

fn immutable_reason(directive: &Directive) -> &'static str {
    match directive.kind {
        Kind::Special(Special::ReplicaOf) => "can't set immutable config; use REPLICAOF",
        _ if matches!(directive.name, "dir" | "dbfilename") => "can't set protected config",
        _ => "can't set immutable config",
    }
}

/// Why a directive with this value cannot take effect: it asks for something that is not there.
fn missing(name: &str, settings: &Settings) -> Option<&'static str> {
    match name {
        "appendonly" if settings.flag(name) => Some("Picket has no append-only file"),
        "notify-keyspace-events" if !settings.words(name).concat().is_empty() => {
            Some("Picket sends no keyspace notifications")
        }
        _ => None,
    }
}
