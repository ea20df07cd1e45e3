//! What a server is told when it is made.

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::Millis;

use crate::acl::{Acl, PubsubDefault};
use crate::command::{CommandIndex, CommandSpec, CommandTable};
use crate::config::{ConfigError, ConfigLine, Settings};

/// What a server is told when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Its commands.
    pub table: CommandTable,
    /// Commands that go by another name, or by none.
    pub renames: Renames,
    /// Who it says it is.
    pub identity: Identity,
    /// How much of everything it allows.
    pub limits: Limits,
    /// Refuse remote clients while the default user has no password.
    pub protected_mode: bool,
    /// The users.
    pub acl: Acl,
    /// Whether there is an ACL file: `ACL LOAD` and `ACL SAVE` then become calls for the application.
    pub has_aclfile: bool,
}

/// Who a server says it is, in `HELLO` and `INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `redis` or `valkey`.
    pub name: String,
    /// The version of Redis it is compatible with.
    pub version: String,
    /// The version of Valkey it stands in for, if it does.
    pub valkey_version: Option<String>,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: String,
    /// The role that `HELLO` tells; a Sentinel tells none.
    pub role: Option<String>,
    /// 40 hexadecimal digits, new at each start.
    pub run_id: String,
    /// Commit it was built from, eight digits or zeros.
    pub git_sha1: String,
    /// What tells this build from others.
    pub build_id: String,
}

/// How much of everything a server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients at a time.
    pub maxclients: u32,
    /// Silence before a client is closed; zero for ever.
    pub timeout: Millis,
    /// Unread bytes of one client.
    pub query_buffer_bytes: u64,
    /// Bytes of one argument.
    pub bulk_len: u64,
    /// Entries of `ACL LOG`.
    pub acl_log_len: u64,
}

/// What `rename-command` lines say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Renames(Vec<(&'static CommandSpec, Vec<u8>)>);

impl ServerOptions {
    /// The options that a configuration gives.
    ///
    /// # Errors
    /// The first `user` or `rename-command` line that is wrong.
    pub fn from_settings(
        settings: &Settings,
        users: &[ConfigLine],
        renames: &[ConfigLine],
        table: CommandTable,
        identity: Identity,
    ) -> Result<Self, ConfigError> {
        let mut acl = Acl::new(table, PubsubDefault::from_settings(settings));
        acl.set_requirepass(settings.requirepass().map(picket_sansio::Secret::expose));
        acl.load_config(users)?;
        Ok(Self {
            table,
            renames: Renames::from_lines(table, renames)?,
            identity,
            limits: Limits::from_settings(settings),
            protected_mode: settings.protected_mode(),
            acl,
            has_aclfile: !settings.aclfile().is_empty(),
        })
    }
}

impl Limits {
    /// The limits that a configuration gives.
    #[must_use]
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            maxclients: settings.maxclients(),
            timeout: Millis(settings.timeout_s().saturating_mul(1000)),
            query_buffer_bytes: settings.client_query_buffer_limit(),
            bulk_len: settings.proto_max_bulk_len(),
            acl_log_len: settings.acllog_max_len(),
        }
    }
}

impl Renames {
    /// Reads `rename-command` lines; an empty new name takes the command away.
    ///
    /// # Errors
    /// A command that does not exist (any more), or a new name that does.
    pub fn from_lines(table: CommandTable, lines: &[ConfigLine]) -> Result<Self, ConfigError> {
        let mut renames = Self::default();
        for line in lines {
            let (Some(old), Some(new)) = (line.args.get(1), line.args.get(2)) else {
                return Err(line.error("Bad directive or wrong number of arguments"));
            };
            let command =
                renames.find(table, old).ok_or_else(|| line.error("No such command in rename-command"))?;
            renames.0.retain(|(renamed, _)| renamed.name != command.name);
            if renames.find(table, new).is_some_and(|other| other.name != command.name) {
                return Err(line.error("Target command name already exists"));
            }
            renames.0.push((command, new.clone()));
        }
        Ok(renames)
    }

    /// The command that goes by `name` now.
    fn find(&self, table: CommandTable, name: &[u8]) -> Option<&'static CommandSpec> {
        self.index(table).get(name)
    }

    /// All commands by the names that they go by now.
    #[must_use]
    pub fn index(&self, table: CommandTable) -> CommandIndex {
        let kept =
            table.0.iter().filter(|command| !self.0.iter().any(|(renamed, _)| renamed.name == command.name));
        let kept = kept.map(|command| (command.name.as_bytes().to_vec(), command));
        let renamed = self.0.iter().filter(|(_, new)| !new.is_empty());
        CommandIndex::new(kept.chain(renamed.map(|(command, new)| (new.clone(), *command))))
    }

    /// Whether `command` can be called at all.
    #[must_use]
    pub fn is_present(&self, command: &CommandSpec) -> bool {
        !self.0.iter().any(|(renamed, new)| renamed.name == command.name && new.is_empty())
    }
}
