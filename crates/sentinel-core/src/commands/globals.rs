//! SENTINEL CONFIG: settings of the Sentinel as a whole (`sentinel.c: sentinelConfigSetCommand`,
//! `sentinelConfigGetCommand`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Secret};
use picket_server_core::{Case, LogLevel, glob_match};

use super::{Answer, integer_of, shown};
use crate::io::Output;
use crate::sentinel::Sentinel;

/// A setting, in the order of CONFIG GET.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    ResolveHostnames,
    AnnounceHostnames,
    AnnounceIp,
    AnnouncePort,
    SentinelUser,
    SentinelPass,
    LogLevel,
}

const KEYS: [(Key, &str); 7] = [
    (Key::ResolveHostnames, "resolve-hostnames"),
    (Key::AnnounceHostnames, "announce-hostnames"),
    (Key::AnnounceIp, "announce-ip"),
    (Key::AnnouncePort, "announce-port"),
    (Key::SentinelUser, "sentinel-user"),
    (Key::SentinelPass, "sentinel-pass"),
    (Key::LogLevel, "loglevel"),
];

/// A checked value.
enum Change {
    ResolveHostnames(bool),
    AnnounceHostnames(bool),
    AnnounceIp(String),
    AnnouncePort(u16),
    SentinelUser(String),
    SentinelPass(Secret),
    LogLevel(LogLevel),
}

impl Sentinel {
    /// SENTINEL CONFIG; `args` begins with GET or SET.
    pub(super) fn config(&mut self, client: ClientId, args: &[Bytes]) -> Answer {
        match args {
            [verb, patterns @ ..] if verb.eq_ignore_ascii_case(b"get") => {
                Answer::Now(self.config_get(patterns))
            }
            [verb, pairs @ ..] if verb.eq_ignore_ascii_case(b"set") && pairs.len() >= 2 => {
                self.config_set(client, pairs)
            }
            _ => Answer::Now(Reply::error(UNSUPPORTED)),
        }
    }

    fn config_get(&self, patterns: &[Bytes]) -> Reply {
        let mut found: Vec<Key> = Vec::new();
        let mut pairs = Vec::new();
        for pattern in patterns {
            for (key, name) in KEYS {
                if !found.contains(&key) && glob_match(pattern, name.as_bytes(), Case::Insensitive) {
                    found.push(key);
                    pairs.push((Reply::bulk(name), self.global(key)));
                }
            }
        }
        Reply::Map(pairs)
    }

    fn global(&self, key: Key) -> Reply {
        let settings = &self.settings;
        let yes_no = |value: bool| Reply::bulk(if value { "yes" } else { "no" });
        let text = |value: &Option<String>| Reply::from(value.as_deref().unwrap_or_default());
        match key {
            Key::ResolveHostnames => yes_no(settings.resolve_hostnames),
            Key::AnnounceHostnames => yes_no(settings.announce_hostnames),
            Key::AnnounceIp => text(&settings.announce_ip),
            Key::AnnouncePort => Reply::bulk(settings.announce_port.to_string()),
            Key::SentinelUser => text(&settings.sentinel_user),
            Key::SentinelPass => {
                Reply::bulk_copy(settings.sentinel_pass.as_ref().map(Secret::expose).unwrap_or_default())
            }
            Key::LogLevel => Reply::bulk(self.log_level.name()),
        }
    }

    /// All of it is checked before any of it is applied.
    fn config_set(&mut self, client: ClientId, pairs: &[Bytes]) -> Answer {
        let changes = match parse(pairs) {
            Ok(changes) => changes,
            Err(reply) => return Answer::Now(reply),
        };
        let reconnects =
            changes.iter().any(|change| matches!(change, Change::SentinelUser(_) | Change::SentinelPass(_)));
        for change in changes {
            self.apply_global(change);
        }
        if reconnects {
            self.drop_peer_links();
        }
        self.reply_when_saved(client)
    }

    fn apply_global(&mut self, change: Change) {
        let settings = &mut self.settings;
        match change {
            Change::ResolveHostnames(value) => settings.resolve_hostnames = value,
            Change::AnnounceHostnames(value) => settings.announce_hostnames = value,
            Change::AnnounceIp(ip) => settings.announce_ip = Some(ip),
            Change::AnnouncePort(port) => settings.announce_port = port,
            Change::SentinelUser(user) => settings.sentinel_user = (!user.is_empty()).then_some(user),
            Change::SentinelPass(pass) => {
                settings.sentinel_pass = (!pass.expose().is_empty()).then_some(pass);
            }
            Change::LogLevel(level) => {
                self.log_level = level;
                self.options
                    .set("loglevel", level.name().as_bytes())
                    .expect("every level has a name the file takes");
                self.outputs.push_back(Output::LogLevel(level));
            }
        }
    }
}

fn parse(pairs: &[Bytes]) -> Result<Vec<Change>, Reply> {
    let mut seen: Vec<Key> = Vec::new();
    let mut changes = Vec::new();
    for pair in pairs.chunks(2) {
        let name = shown(&pair[0]);
        let key = KEYS.iter().find(|(_, known)| known.eq_ignore_ascii_case(&name)).map(|(key, _)| *key);
        let key =
            key.ok_or_else(|| Reply::error(format!("ERR Invalid argument '{name}' to SENTINEL CONFIG SET")))?;
        if seen.contains(&key) {
            return Err(Reply::error(format!("ERR Duplicate argument '{name}' to SENTINEL CONFIG SET")));
        }
        seen.push(key);
        let value =
            pair.get(1).ok_or_else(|| Reply::error(format!("ERR Missing argument '{name}' value")))?;
        changes.push(checked(key, value).ok_or_else(|| {
            Reply::error(format!("ERR Invalid value '{}' to SENTINEL CONFIG SET '{name}'", shown(value)))
        })?);
    }
    Ok(changes)
}

fn checked(key: Key, value: &[u8]) -> Option<Change> {
    let text = || core::str::from_utf8(value).ok().map(ToString::to_string);
    let yes_no = || match value.to_ascii_lowercase().as_slice() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    };
    Some(match key {
        Key::ResolveHostnames => Change::ResolveHostnames(yes_no()?),
        Key::AnnounceHostnames => Change::AnnounceHostnames(yes_no()?),
        Key::AnnounceIp => Change::AnnounceIp(text()?),
        Key::AnnouncePort => Change::AnnouncePort(u16::try_from(integer_of(value)?).ok()?),
        Key::SentinelUser => Change::SentinelUser(text()?),
        Key::SentinelPass => Change::SentinelPass(Secret::new(value)),
        Key::LogLevel => Change::LogLevel(LogLevel::from_name(value)?),
    })
}

const UNSUPPORTED: &str = "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> <value> ...] are supported.";
