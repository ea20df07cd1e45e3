//! The configuration of a data node: `redis.conf` from all its sources.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use picket_node_core::{command_table, honours};
use picket_server_core::acl::{Acl, PubsubDefault};
use picket_server_core::config::{ConfigError, ConfigLine, LoadOptions, Settings, Value, lines};

use super::texts::{Origin, StartError, Texts, read_file};
use super::unsupported::{self, NODE};
use crate::cli::StartOptions;
use crate::errno::strerror;

/// A configuration that was read and accepted.
#[derive(Clone, Debug)]
pub(crate) struct NodeSource {
    /// What it says.
    pub(crate) settings: Settings,
    /// Its users, from here or from the ACL file.
    pub(crate) users: Vec<ConfigLine>,
    /// Its `rename-command` lines.
    pub(crate) renames: Vec<ConfigLine>,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Directives that were set and have no effect here.
    pub(crate) ignored: Vec<&'static str>,
}

/// Directives that the host carries out.
const HOST: [&str; 22] = [
    "always-show-logo",
    "bind",
    "bind-source-addr",
    "client-output-buffer-limit",
    "daemonize",
    "dir",
    "logfile",
    "loglevel",
    "maxclients",
    "pidfile",
    "port",
    "protected-mode",
    "rdb-save-incremental-fsync",
    "repl-disable-tcp-nodelay",
    "supervised",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tcp-backlog",
    "tcp-keepalive",
    "unixsocket",
    "unixsocketperm",
];

/// Words of other programs' files.
const FOREIGN: [(&str, &str); 1] = [("sentinel", "sentinel directive while not in sentinel mode")];

/// Reads the configuration that a command line names.
///
/// # Errors
/// What to say, and where.
pub(crate) fn load(options: &StartOptions, stdin: &mut dyn Read) -> Result<NodeSource, StartError> {
    let texts = Texts::read(options, stdin)?;
    let mut source = parse(&texts).map_err(|error| texts.fatal(&error))?;
    load_acl_file(&mut source).map_err(StartError::Log)?;
    Ok(source)
}

fn parse(texts: &Texts) -> Result<NodeSource, ConfigError> {
    let mut settings = Settings::new();
    let all = texts.load(&mut settings, LoadOptions { words: &[], foreign: &FOREIGN })?;
    unsupported::check(&NODE, &settings, &all, texts)?;
    let ignored = settings.non_default().filter(|name| !HOST.contains(name) && !honours(name)).collect();
    Ok(NodeSource { settings, users: all.users, renames: all.renames, origin: texts.origin(), ignored })
}

/// Reads the users of `aclfile`.
fn load_acl_file(source: &mut NodeSource) -> Result<(), String> {
    if source.settings.aclfile().is_empty() {
        return Ok(());
    }
    let name = String::from_utf8_lossy(source.settings.aclfile()).into_owned();
    if !source.users.is_empty() {
        return Err(format!(
            "Users are defined in the config file and aclfile '{name}' is set: use one of both"
        ));
    }
    let folder = source.settings.dir().map(|dir| String::from_utf8_lossy(dir).into_owned());
    let path = Path::new(folder.as_deref().unwrap_or_default()).join(&name);
    let text = read_file(&path)
        .map_err(|error| format!("Error loading ACLs, opening file '{name}': {}", strerror(&error)))?;
    let mut acl = Acl::new(command_table(), PubsubDefault::ResetChannels);
    acl.load_file(&name, &text)
        .map_err(|problem| format!("Aborting startup because of ACL errors: {problem}"))?;
    let is_user = |line: &ConfigLine| line.name() == b"user";
    source.users = lines(&Arc::from(name.as_str()), &text).filter_map(Result::ok).filter(is_user).collect();
    Ok(())
}

/// What a configuration that was accepted means, for `--check`.
pub(crate) fn explain(source: &NodeSource) -> String {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let settings = &source.settings;
    let file = source.origin.path.as_ref().map_or("(none)".to_owned(), |path| path.display().to_string());
    let bind: Vec<String> = settings.bind().into_iter().map(shown).collect();
    let words = |name: &str| match settings.value(name) {
        Some(Value::Words(words)) => words.iter().map(|word| shown(word)).collect(),
        _ => Vec::new(),
    };
    let log = shown(settings.logfile());
    let mut text = "The configuration is valid.\n\n".to_owned();
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<18}{value}");
    };
    field("config file", &file);
    field("listens on", &format!("{} port {}", bind.join(" "), settings.port()));
    if let Some(path) = settings.unixsocket() {
        field("unix socket", &shown(path));
    }
    match words("replicaof").as_slice() {
        [host, port] => field("role", &format!("replica of {host} port {port}")),
        _ => field("role", "master"),
    }
    field("folder", &settings.dir().map_or("(where it is started)".to_owned(), shown));
    match words("save").as_slice() {
        [] => field("snapshots", "only when asked for"),
        points => {
            let points: Vec<String> = points
                .chunks(2)
                .map(|pair| {
                    format!("after {} s with {} changes", pair[0], pair.last().map_or("0", String::as_str))
                })
                .collect();
            field("snapshots", &points.join(", "));
        }
    }
    field("password", if settings.requirepass().is_some() { "yes" } else { "none" });
    field("log", if log.is_empty() { "standard output" } else { &log });
    let mut warnings = Vec::new();
    if source.origin.path.is_none() {
        warnings
            .push("there is no config file: what a promotion changes is forgotten at a restart".to_owned());
    }
    if let Some(dir) = settings.dir().map(shown)
        && !Path::new(&dir).is_dir()
    {
        warnings.push(format!("dir {dir} is no directory: it will not start"));
    }
    if settings.daemonize() && settings.logfile().is_empty() {
        warnings.push("daemonize is set and logfile is not: nothing that it says will be seen".to_owned());
    }
    warnings.extend(source.ignored.iter().map(|name| format!("{name} has no effect here")));
    if warnings.is_empty() {
        text.push_str("\nNo warnings.\n");
    } else {
        text.push_str("\nWarnings:\n");
        for warning in warnings {
            let _ = writeln!(text, "  - {warning}");
        }
    }
    text
}
