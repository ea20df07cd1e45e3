//! MONITOR: clients that see every request (`replication.c: replicationFeedMonitors`).

use alloc::format;
use alloc::vec::Vec;
use core::fmt::Write as _;

use bytes::Bytes;
use picket_resp::{Reply, quote};
use picket_sansio::ClientId;

use super::transaction::is_exec;
use super::{Call, Origin, ReplicationLink, Server};
use crate::command::{CommandRef, Flags};

/// What stands for a secret.
const REDACTED: &[u8] = b"(redacted)";
/// Settings whose values are secrets.
const SECRET_SETTINGS: &[&str] =
    &["masterauth", "masteruser", "requirepass", "tls-client-key-file-pass", "tls-key-file-pass"];

impl Server {
    pub(super) fn run_monitor(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        // As in Redis, somebody who watches already is not answered again.
        if client.is_monitor || client.facts.link != ReplicationLink::None {
            return;
        }
        client.is_monitor = true;
        self.monitors.insert(id);
        self.reply(id, &Reply::ok());
    }

    /// Shows a request to those who watch, just before it runs. EXEC is shown behind what it runs, and RESET to those
    /// who still watch then.
    pub(super) fn show(&mut self, call: &Call) {
        if self.monitors.is_empty() || call.command.spec().flags.has(Flags::SKIP_MONITOR.and(Flags::ADMIN)) {
            return;
        }
        if is_exec(call.command) && self.is_in_multi(call.client) || call.command.command.name == "reset" {
            self.shown_later = Some(call.clone());
        } else {
            self.feed_monitors(call);
        }
    }

    /// Shows the EXEC or RESET that has run meanwhile.
    pub(super) fn show_late(&mut self) {
        if let Some(call) = self.shown_later.take() {
            self.feed_monitors(&call);
        }
    }

    fn feed_monitors(&mut self, call: &Call) {
        let Some(client) = self.clients.get(call.client) else { return };
        let wall = self.wall().0;
        let mut line = format!("+{}.{:06} ", wall / 1_000_000, wall % 1_000_000);
        let unix = if client.addresses.origin == Origin::Unix { "unix:" } else { "" };
        let peer = client.addresses.peer.as_str();
        let peer = if unix.is_empty() { peer } else { peer.trim_end_matches(":0") };
        // Writing to a String cannot fail.
        let _ = write!(line, "[{} {unix}{peer}]", client.facts.db);
        for arg in redacted(call.command, &call.args) {
            line.push(' ');
            line.push_str(&quote(&arg));
        }
        line.push_str("\r\n");
        let line = Bytes::from(line);
        let monitors: Vec<ClientId> = self.monitors.iter().copied().collect();
        for id in monitors {
            self.push_shared(id, line.clone());
        }
    }
}

/// The words of a request without the secrets among them (`networking.c: redactClientCommandArgument`).
fn redacted(command: CommandRef, args: &[Bytes]) -> Vec<Bytes> {
    let mut args = args.to_vec();
    let is = |arg: &Bytes, word: &str| arg.eq_ignore_ascii_case(word.as_bytes());
    let sub = command.subcommand.map_or("", |sub| sub.name);
    match (command.command.name, sub) {
        ("auth", _) => hide_from(&mut args, 1, 2),
        ("acl", "setuser" | "deluser" | "getuser") => hide_from(&mut args, 2, usize::MAX),
        ("hello", _) => {
            if let Some(at) = args.iter().position(|arg| is(arg, "auth")) {
                hide_from(&mut args, at + 1, 2);
            }
        }
        ("migrate", _) => {
            for at in 6..args.len() {
                if is(&args[at], "auth") {
                    hide_from(&mut args, at + 1, 1);
                } else if is(&args[at], "auth2") {
                    hide_from(&mut args, at + 1, 2);
                }
            }
        }
        ("config", "set") => {
            for at in (2..args.len()).step_by(2) {
                if SECRET_SETTINGS.iter().any(|name| is(&args[at], name)) {
                    hide_from(&mut args, at + 1, 1);
                }
            }
        }
        _ => {}
    }
    args
}

fn hide_from(args: &mut [Bytes], at: usize, count: usize) {
    for arg in args.iter_mut().skip(at).take(count) {
        *arg = Bytes::from_static(REDACTED);
    }
}
