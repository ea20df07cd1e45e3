//! Users and what they may do (`acl.c`).
//!
//! A user has passwords and selectors: the first selector is the user's own, further ones stand in
//! brackets and each grants on its own what it describes. Passwords are kept as SHA-256 digests only.
//! Rules are printed the way Redis 7.2 and later print them; older forms are read as well.

mod error;
mod log;
mod password;
mod selector;
mod user;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use crate::command::CommandTable;
use crate::config::{ConfigError, ConfigLine, RewriteLine, Settings, lines, word};

pub use error::AclError;
pub use log::{AclLog, AclLogEntry, Denial, LoggedClient};
pub use password::PasswordHash;
pub(crate) use password::random_hex;
pub use selector::{ChannelUse, KeyAccess, Selector};
pub use user::User;

/// The name of the user that connections start as.
pub const DEFAULT_USER: &[u8] = b"default";

/// Whether a new user may use every channel (`acl-pubsub-default`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PubsubDefault {
    /// None, since Redis 7.
    #[default]
    ResetChannels,
    /// All, as before.
    AllChannels,
}

impl PubsubDefault {
    /// What a configuration says.
    #[must_use]
    pub fn from_settings(settings: &Settings) -> Self {
        if settings.acl_pubsub_default_allchannels() { Self::AllChannels } else { Self::ResetChannels }
    }
}

/// All users of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    table: CommandTable,
    pubsub_default: PubsubDefault,
    users: BTreeMap<Vec<u8>, User>,
}

impl Acl {
    /// Only the default user, who may do everything without a password.
    #[must_use]
    pub fn new(table: CommandTable, pubsub_default: PubsubDefault) -> Self {
        let default = User::all_powerful(DEFAULT_USER, pubsub_default);
        let users = BTreeMap::from([(DEFAULT_USER.to_vec(), default)]);
        Self { table, pubsub_default, users }
    }

    /// Changes what users may listen to who are made or reset from now on.
    pub fn set_pubsub_default(&mut self, pubsub_default: PubsubDefault) {
        self.pubsub_default = pubsub_default;
    }

    /// The commands that rules speak about.
    #[must_use]
    pub fn table(&self) -> CommandTable {
        self.table
    }

    /// The user of that name; names are case-sensitive.
    #[must_use]
    pub fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.get(name)
    }

    /// The user that connections start as.
    ///
    /// # Panics
    /// Never: the default user cannot be deleted.
    #[must_use]
    pub fn default_user(&self) -> &User {
        self.users.get(DEFAULT_USER).expect("the default user cannot be deleted")
    }

    /// All users in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Whether new connections have to authenticate.
    #[must_use]
    pub fn needs_authentication(&self) -> bool {
        let default = self.default_user();
        !default.is_nopass() || !default.is_enabled()
    }

    /// Whether `password` is right for the user `name`, and that user may be used.
    #[must_use]
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> bool {
        self.users.get(name).is_some_and(|user| user.is_enabled() && user.has_password(password))
    }

    /// Gives the default user this password and no other, as `requirepass` does; `None` lets it in
    /// without one.
    pub fn set_requirepass(&mut self, password: Option<&[u8]>) {
        if let Some(default) = self.users.get_mut(DEFAULT_USER) {
            default.replace_passwords(password);
        }
    }

    /// Creates or changes a user; all of `rules` or none of them take effect.
    ///
    /// # Errors
    /// The first rule that is wrong.
    pub fn set_user(&mut self, name: &[u8], rules: &[&[u8]]) -> Result<(), (Vec<u8>, AclError)> {
        let mut user = match self.users.get(name) {
            Some(user) => user.clone(),
            None => User::new(name, self.pubsub_default),
        };
        for rule in merge_brackets(rules)? {
            if let Err(error) = user.apply(&rule, self.table, self.pubsub_default) {
                return Err((rule, error));
            }
        }
        self.users.insert(name.to_vec(), user);
        Ok(())
    }

    /// Deletes a user; the default one stays.
    pub fn delete_user(&mut self, name: &[u8]) -> bool {
        name != DEFAULT_USER && self.users.remove(name).is_some()
    }

    /// Takes over the `user` lines of a configuration file.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn load_config(&mut self, lines: &[ConfigLine]) -> Result<(), ConfigError> {
        let mut seen: Vec<&[u8]> = Vec::new();
        for line in lines {
            let Some(name) = line.args.get(1) else {
                return Err(line.error("Bad directive or wrong number of arguments"));
            };
            if has_space(name) {
                return Err(line.error("Usernames can't contain spaces or null characters"));
            }
            if seen.contains(&name.as_slice()) {
                let reason = declaration_error(name, &AclError::DuplicateUser);
                return Err(line.error(reason));
            }
            seen.push(name);
            let mut rules: Vec<&[u8]> = line.args[2..].iter().map(Vec::as_slice).collect();
            // A line says all about its user, the default one included.
            rules.insert(0, b"reset");
            self.set_user(name, &rules)
                .map_err(|(rule, error)| line.error(declaration_error(&rule, &error)))?;
        }
        Ok(())
    }

    /// Replaces all users by those of an ACL file. The default user keeps its powers if the file
    /// does not mention it.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in one line; nothing has changed then.
    pub fn load_file(&mut self, file: &str, text: &[u8]) -> Result<(), String> {
        let mut fresh = Self::new(self.table, self.pubsub_default);
        let mut complaints = Vec::new();
        let mut users = Vec::new();
        for line in lines(&file.into(), text) {
            match line {
                Ok(line) if line.name() == b"user" && line.args.len() >= 2 => users.push(line),
                Ok(line) => {
                    complaints.push(format!("{file}:{}: line should start with user keyword", line.number));
                }
                Err(error) => complaints.push(format!("{file}:{}: {}", error.line, error.reason)),
            }
        }
        if complaints.is_empty()
            && let Err(error) = fresh.load_config(&users)
        {
            complaints.push(format!("{file}:{}: {}", error.line, error.reason));
        }
        if complaints.is_empty() {
            self.users = fresh.users;
            return Ok(());
        }
        Err(format!("{}. The users stay as they were.", complaints.join(". ")))
    }

    /// The content of an ACL file with all users.
    #[must_use]
    pub fn file_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for line in self.lines() {
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        text
    }

    /// One `user` line per user, as `ACL LIST` and files have it.
    pub fn lines(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.users.values().map(|user| [b"user ", &word(user.name())[..], b" ", &user.describe()].concat())
    }

    /// The lines a rewriting of the configuration writes for the users.
    pub fn rewrite_lines(&self) -> impl Iterator<Item = RewriteLine> + '_ {
        self.lines().map(|line| RewriteLine { key: b"user".to_vec(), line, force: true })
    }
}

/// Whether `name` has a blank or a NUL in it, which no user's name may have.
pub(crate) fn has_space(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r'))
}

/// What is said about a rule of a file. Passwords in it are not shown.
fn declaration_error(rule: &[u8], error: &AclError) -> String {
    let shown = match rule.first() {
        Some(sign @ (b'>' | b'<')) => format!("{}******", char::from(*sign)),
        _ => String::from_utf8_lossy(rule).into_owned(),
    };
    format!("Error in user declaration '{shown}': {error}")
}

/// Puts together the words of rules in brackets: `(+ping`, `~x)` is one rule.
fn merge_brackets(rules: &[&[u8]]) -> Result<Vec<Vec<u8>>, (Vec<u8>, AclError)> {
    let mut merged = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for rule in rules {
        match &mut open {
            Some(selector) => {
                selector.push(b' ');
                selector.extend_from_slice(rule);
            }
            None if rule.starts_with(b"(") => open = Some(rule.to_vec()),
            None => {
                merged.push(rule.to_vec());
                continue;
            }
        }
        if rule.ends_with(b")") {
            merged.extend(open.take());
        }
    }
    match open {
        Some(selector) => {
            let first = selector.split(|byte| *byte == b' ').next().unwrap_or_default();
            Err((first.to_vec(), AclError::UnmatchedBracket))
        }
        None => Ok(merged),
    }
}

#[cfg(test)]
mod tests;
