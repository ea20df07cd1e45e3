//! SENTINEL SET (`sentinel.c: sentinelSetCommand`).
//!
//! Whether scripts can be executed is asked of the host before anything is changed; then the options
//! are applied from left to right. An error ends that, but what stands before it stays.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_resp::Reply;
use picket_sansio::{ClientId, Millis, Secret};

use super::queries::no_such_master;
use super::{Answer, CommandDeferred, integer_of, shown};
use crate::deferred::Deferred;
use crate::event::Event;
use crate::ids::{InstanceId, MasterId};
use crate::sentinel::Sentinel;

/// A SENTINEL SET that waits to hear whether its scripts can be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingSet {
    pub(super) client: ClientId,
    /// The master's name, options and values; passwords may be among them.
    args: Vec<Secret>,
    /// Paths and whether they can be executed.
    scripts: BTreeMap<String, bool>,
    /// The path that was asked about last.
    asked: String,
}

/// One option with its values.
enum Change {
    DownAfter(Millis),
    FailoverTimeout(Millis),
    ParallelSyncs(u32),
    Quorum(u32),
    RebootDownAfter(Millis),
    NotificationScript(String),
    ReconfigScript(String),
    AuthPass(Secret),
    AuthUser(String),
    Rename { old: String, new: String },
}

impl Sentinel {
    /// SENTINEL SET.
    pub(super) fn set(&mut self, client: ClientId, args: Vec<Secret>) -> Answer {
        if args.first().and_then(|name| self.find_master(name.expose())).is_none() {
            return Answer::Now(no_such_master());
        }
        self.check_next_script(PendingSet { client, args, scripts: BTreeMap::new(), asked: String::new() })
    }

    /// The host has answered about a script of `pending`.
    pub(super) fn set_checked(&mut self, mut pending: PendingSet, is_executable: bool) -> Answer {
        let path = core::mem::take(&mut pending.asked);
        pending.scripts.insert(path, is_executable);
        self.check_next_script(pending)
    }

    fn check_next_script(&mut self, mut pending: PendingSet) -> Answer {
        let next =
            self.scripts_of(&pending.args).into_iter().find(|path| !pending.scripts.contains_key(path));
        match next {
            Some(path) => {
                pending.asked = path.clone();
                self.check_script(&path, Deferred::Command(CommandDeferred::Set(pending)));
                Answer::Later
            }
            None => self.apply_set(&pending),
        }
    }

    /// The script paths that `args` would set, as far as the options can be read.
    fn scripts_of(&self, args: &[Secret]) -> Vec<String> {
        let mut paths = Vec::new();
        let mut rest = args.get(1..).unwrap_or_default();
        while !self.settings.deny_scripts_reconfig
            && let Ok((change, used)) = parse(rest)
        {
            if let Change::NotificationScript(path) | Change::ReconfigScript(path) = change
                && !path.is_empty()
            {
                paths.push(path);
            }
            rest = &rest[used..];
        }
        paths
    }

    fn apply_set(&mut self, pending: &PendingSet) -> Answer {
        let Some((name, mut rest)) = pending.args.split_first() else { return Answer::Now(no_such_master()) };
        // It may have been removed while the host looked at the scripts.
        let Some(id) = self.find_master(name.expose()) else { return Answer::Now(no_such_master()) };
        let mut changed = false;
        let mut error = None;
        while !rest.is_empty() && error.is_none() {
            let result = parse(rest).and_then(|(change, used)| {
                self.check(&change, &pending.scripts)?;
                Ok((change, used))
            });
            match result {
                Ok((change, used)) => {
                    let event = self.set_event(id, &rest[..used], &change);
                    self.change(id, change);
                    self.emit(event);
                    rest = &rest[used..];
                    changed = true;
                }
                Err(reply) => error = Some(reply),
            }
        }
        if changed {
            self.touch_master(id);
        }
        match error {
            Some(reply) => {
                if changed {
                    self.persist();
                }
                Answer::Now(reply)
            }
            None => self.reply_when_saved(pending.client),
        }
    }

    fn check(&self, change: &Change, scripts: &BTreeMap<String, bool>) -> Result<(), Reply> {
        let (Change::NotificationScript(path) | Change::ReconfigScript(path)) = change else { return Ok(()) };
        if self.settings.deny_scripts_reconfig {
            return Err(Reply::error(DENIED));
        }
        if path.is_empty() || scripts.get(path).copied().unwrap_or(false) {
            return Ok(());
        }
        let which = if matches!(change, Change::NotificationScript(_)) {
            "Notification"
        } else {
            "Client reconfiguration"
        };
        Err(Reply::error(format!("ERR {which} script seems non existing or non executable")))
    }

    fn change(&mut self, id: MasterId, change: Change) {
        let Some(master) = self.masters.get_mut(&id) else { return };
        let settings = &mut master.settings;
        let some = |text: String| (!text.is_empty()).then_some(text);
        match change {
            Change::DownAfter(span) => settings.down_after = span,
            Change::FailoverTimeout(span) => settings.failover_timeout = span,
            Change::ParallelSyncs(count) => settings.parallel_syncs = count,
            Change::Quorum(count) => settings.quorum = count,
            Change::RebootDownAfter(span) => settings.master_reboot_down_after = span,
            Change::NotificationScript(path) => settings.notification_script = some(path),
            Change::ReconfigScript(path) => settings.client_reconfig_script = some(path),
            Change::AuthPass(pass) => {
                settings.auth_pass = (!pass.expose().is_empty()).then_some(pass);
                self.drop_links(id);
            }
            Change::AuthUser(user) => {
                settings.auth_user = some(user);
                self.drop_links(id);
            }
            Change::Rename { old, new } => {
                let key = old.to_ascii_uppercase();
                settings.renamed_commands.remove(&key);
                if !old.eq_ignore_ascii_case(&new) {
                    settings.renamed_commands.insert(key, new);
                }
            }
        }
    }

    fn set_event(&self, id: MasterId, words: &[Secret], change: &Change) -> Event {
        let text = |word: &Secret| shown(word.expose());
        let option = words.first().map(text).unwrap_or_default();
        let value = match change {
            Change::AuthPass(pass) => pass.to_string(),
            _ => words.iter().skip(1).map(text).collect::<Vec<_>>().join(" "),
        };
        Event::Set { instance: self.instance_ref(InstanceId::Master(id)), option, value }
    }
}

/// The first option of `words`, and how many words it takes.
fn parse(words: &[Secret]) -> Result<(Change, usize), Reply> {
    let Some((option, values)) = words.split_first() else { return Err(unknown_option(b"")) };
    let option = option.expose();
    let name = option.to_ascii_lowercase();
    let invalid = |value: &Secret| {
        let text =
            format!("ERR Invalid argument '{}' for SENTINEL SET '{}'", shown(value.expose()), shown(option));
        Reply::error(text)
    };
    let number = |value: &Secret, min: i64| {
        let number = integer_of(value.expose()).filter(|number| *number >= min);
        number.and_then(|number| u64::try_from(number).ok()).ok_or_else(|| invalid(value))
    };
    let span = |value: &Secret, min: i64| number(value, min).map(Millis);
    // Larger counts mean the same as the largest: there are never that many instances.
    let count = |value: &Secret| number(value, 1).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let text = |value: &Secret| {
        core::str::from_utf8(value.expose()).map(ToString::to_string).map_err(|_| invalid(value))
    };
    let change = match (name.as_slice(), values) {
        (b"down-after-milliseconds", [value, ..]) => Change::DownAfter(span(value, 1)?),
        (b"failover-timeout", [value, ..]) => Change::FailoverTimeout(span(value, 1)?),
        (b"parallel-syncs", [value, ..]) => Change::ParallelSyncs(count(value)?),
        (b"quorum", [value, ..]) => Change::Quorum(count(value)?),
        (b"master-reboot-down-after-period" | b"primary-reboot-down-after-period", [value, ..]) => {
            Change::RebootDownAfter(span(value, 0)?)
        }
        (b"notification-script", [path, ..]) => Change::NotificationScript(text(path)?),
        (b"client-reconfig-script", [path, ..]) => Change::ReconfigScript(text(path)?),
        (b"auth-pass", [pass, ..]) => Change::AuthPass(pass.clone()),
        (b"auth-user", [user, ..]) => Change::AuthUser(text(user)?),
        (b"rename-command", [old, new, ..]) => {
            if let Some(empty) = [new, old].into_iter().find(|word| word.expose().is_empty()) {
                return Err(invalid(empty));
            }
            return Ok((Change::Rename { old: text(old)?, new: text(new)? }, 3));
        }
        _ => return Err(unknown_option(option)),
    };
    Ok((change, 2))
}

fn unknown_option(option: &[u8]) -> Reply {
    let option = shown(option);
    Reply::error(format!("ERR Unknown option or number of arguments for SENTINEL SET '{option}'"))
}

const DENIED: &str = "ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration";
