//! CONFIG: the directives at run time (`config.c`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, QueryId};
use picket_server_core::acl::PubsubDefault;
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

/// Directives that are changed at run time only where `enable-protected-configs` allows it: who sets them may write
/// any file that the process may write.
const PROTECTED: &[&str] = &["dbfilename", "dir"];

impl Node {
    /// `CONFIG` and its subcommands.
    pub(super) fn config(&mut self, client: ClientId, args: &[Bytes]) -> Option<Reply> {
        Some(match args[1].to_ascii_lowercase().as_slice() {
            b"get" => self.config_get(&args[2..]),
            b"set" => return self.config_set(client, &args[2..]),
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

    /// Changes all of the directives, or none. Whether there is a folder is for the host to say.
    fn config_set(&mut self, client: ClientId, pairs: &[Bytes]) -> Option<Reply> {
        let settings = self.may_set(client, pairs).and_then(|()| self.settings_after(pairs));
        let settings = match settings {
            Ok(settings) => settings,
            Err(text) => return Some(Reply::error(text)),
        };
        let is_dir = |pair: &&[Bytes]| find_directive(&pair[0]).is_some_and(|found| found.name == "dir");
        if let Some(pair) = pairs.chunks_exact(2).find(is_dir) {
            let (path, pairs) = (pair[1].to_vec(), pairs.to_vec());
            let query = self.ask_host(client, |slot| Later::ConfigSet { client, slot, pairs });
            self.push(NodeOutput::ChangeFolder { query, path });
            return None;
        }
        self.apply_settings(settings);
        Some(Reply::ok())
    }

    /// The host has changed the folder, or could not. Other settings may have changed meanwhile.
    pub(super) fn on_folder(&mut self, query: QueryId, result: Result<Vec<u8>, String>) {
        let Some(Later::ConfigSet { client, slot, pairs }) = self.later.remove(&query) else { return };
        let changed = result.map_err(|reason| refused("dir", &reason)).and_then(|path| {
            self.working_dir = path;
            let only_dir = |text| format!("{text} (of all these directives only 'dir' has changed)");
            self.settings_after(&pairs).map_err(only_dir)
        });
        let reply = match changed {
            Ok(settings) => {
                self.apply_settings(settings);
                Reply::ok()
            }
            Err(text) => Reply::error(text),
        };
        self.answer_later(client, slot, &reply);
    }

    /// Whether a client may set these directives now, whatever the values are.
    fn may_set(&self, client: ClientId, pairs: &[Bytes]) -> Result<(), String> {
        if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
            return Err("ERR wrong number of arguments for 'config|set' command".into());
        }
        let mut seen: Vec<&str> = Vec::new();
        for pair in pairs.chunks_exact(2) {
            let name = String::from_utf8_lossy(&pair[0]);
            let Some(directive) = find_directive(&pair[0]) else {
                return Err(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                    name.to_ascii_lowercase()
                ));
            };
            if PROTECTED.contains(&directive.name) && !self.is_allowed("enable-protected-configs", client) {
                return Err(refused(&name, "can't set protected config"));
            }
            if directive.name == "dir" && self.is_loading() {
                return Err("LOADING Redis is loading the dataset in memory".into());
            }
            if seen.contains(&directive.name) {
                return Err(refused(&name, "duplicate parameter"));
            }
            seen.push(directive.name);
            let shown = || self.settings.shown(directive, &self.working_dir);
            if IMMUTABLE.contains(&directive.name) && shown().as_deref() != Some(&pair[1][..]) {
                return Err(refused(&name, immutable_reason(directive)));
            }
        }
        Ok(())
    }

    /// The settings with all of these directives changed.
    fn settings_after(&self, pairs: &[Bytes]) -> Result<Settings, String> {
        let mut settings = self.settings.clone();
        for pair in pairs.chunks_exact(2) {
            let Some(directive) = find_directive(&pair[0]) else { continue };
            if IMMUTABLE.contains(&directive.name) {
                continue;
            }
            let refuse = |reason: &str| refused(&String::from_utf8_lossy(&pair[0]), reason);
            settings.set(directive.name, &pair[1]).map_err(|reason| refuse(&reason))?;
            if let Some(reason) = missing(directive.name, &settings) {
                return Err(refuse(reason));
            }
        }
        Ok(settings)
    }

    /// What a directive of `no`, `local` and `yes` says of a client.
    pub(super) fn is_allowed(&self, directive: &str, client: ClientId) -> bool {
        match self.settings.choice(directive) {
            "yes" => true,
            "local" => self.server.is_local(client),
            _ => false,
        }
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
        self.server.set_pubsub_default(PubsubDefault::from_settings(&self.settings));
        self.side_input(picket_replication::MasterInput::Configure(self.live.master));
        self.link_input(picket_replication::LinkInput::Configure(self.live.link.clone()));
        self.push(NodeOutput::Settings(self.settings.clone().into()));
        if self.unit.is_none() {
            self.evict();
        }
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

fn refused(name: &str, reason: &str) -> String {
    format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
}

fn immutable_reason(directive: &Directive) -> &'static str {
    match directive.kind {
        Kind::Special(Special::ReplicaOf) => "can't set immutable config; use REPLICAOF",
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
