//! What a user may do: commands, keys and channels (`acl.c: ACLSetSelector`, `ACLSelectorCheckCmd`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::AclError;
use super::log::Denial;
use super::{PubsubDefault, has_space};
use crate::command::{Categories, ChannelArgs, CommandRef, CommandTable, Flags};
use crate::glob::{Case, glob_match};

/// A set of permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
    /// What holds for commands that no rule speaks about.
    all_commands: bool,
    /// In order; later rules win.
    rules: Vec<CommandRule>,
}

/// What a command does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAccess {
    /// Reads it.
    pub read: bool,
    /// Writes it.
    pub write: bool,
}

/// How a channel's name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelUse {
    /// As a channel's name.
    Name,
    /// As a pattern, which has to be granted literally.
    Pattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    access: KeyAccess,
    pattern: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct CommandRule {
    allow: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Category(Categories),
    Command(CommandRef),
    /// A command when its first argument is this one.
    FirstArg(CommandRef, String),
}

impl Selector {
    /// No permissions but, perhaps, all channels.
    pub(super) fn new(pubsub_default: PubsubDefault) -> Self {
        Self {
            all_keys: false,
            keys: Vec::new(),
            all_channels: pubsub_default == PubsubDefault::AllChannels,
            channels: Vec::new(),
            all_commands: false,
            rules: Vec::new(),
        }
    }

    pub(super) fn everything() -> Self {
        Self { all_keys: true, all_commands: true, ..Self::new(PubsubDefault::AllChannels) }
    }

    /// Whether the command may be run with these words, channels included.
    ///
    /// # Errors
    /// What is not allowed, and at which word that shows.
    pub fn check(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> Result<(), (Denial, usize)> {
        let spec = command.spec();
        if !spec.flags.has(Flags::NO_AUTH) && !self.command_allowed(command, args) {
            return Err((Denial::Command, 0));
        }
        if !self.all_keys {
            self.check_keys(command, args)?;
        }
        let (range, use_as) = match spec.channels {
            ChannelArgs::None | ChannelArgs::Unchecked => return Ok(()),
            ChannelArgs::First => (1..2, ChannelUse::Name),
            ChannelArgs::All => (1..args.len(), ChannelUse::Name),
            ChannelArgs::Patterns => (1..args.len(), ChannelUse::Pattern),
        };
        for (at, channel) in args.iter().enumerate().take(range.end).skip(range.start) {
            if !self.channel_allowed(channel.as_ref(), use_as) {
                return Err((Denial::Channel(channel.as_ref().to_vec()), at));
            }
        }
        Ok(())
    }

    fn check_keys(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> Result<(), (Denial, usize)> {
        let mut denied = None;
        let is_right = command.visit_keys(args, |at, key| {
            let access = KeyAccess { read: key.reads(), write: key.writes() };
            if denied.is_none() && !self.key_allowed(args[at].as_ref(), access) {
                denied = Some(at);
            }
        });
        match denied {
            // Words that are not those of the command are its own to complain about.
            Some(at) if is_right => Err((Denial::Key(args[at].as_ref().to_vec()), at)),
            _ => Ok(()),
        }
    }

    /// Whether the command may be run at all.
    #[must_use]
    pub fn command_allowed(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> bool {
        self.rules.iter().fold(self.all_commands, |allowed, rule| {
            if rule.what.speaks_of(command, args) { rule.allow } else { allowed }
        })
    }

    /// Whether a channel or pattern may be used.
    #[must_use]
    pub fn channel_allowed(&self, channel: &[u8], use_as: ChannelUse) -> bool {
        self.all_channels
            || self.channels.iter().any(|pattern| match use_as {
                ChannelUse::Name => glob_match(pattern, channel, Case::Sensitive),
                ChannelUse::Pattern => pattern == channel,
            })
    }

    /// Whether there is no restriction at all.
    pub(super) fn is_unlimited(&self) -> bool {
        self.all_commands && self.rules.is_empty() && self.all_keys && self.all_channels
    }

    /// Whether every key may be read, as patterns in a request need it.
    #[must_use]
    pub fn may_read_all_keys(&self) -> bool {
        self.all_keys || self.keys.iter().any(|known| known.access.read && known.pattern == b"*")
    }

    /// Whether a key may be used like that.
    #[must_use]
    pub fn key_allowed(&self, key: &[u8], access: KeyAccess) -> bool {
        self.all_keys
            || self.keys.iter().any(|known| {
                (known.access.read || !access.read)
                    && (known.access.write || !access.write)
                    && glob_match(&known.pattern, key, Case::Sensitive)
            })
    }

    /// The rules for commands as `ACL GETUSER` shows them.
    #[must_use]
    pub fn commands_text(&self) -> String {
        let mut text = if self.all_commands { "+@all" } else { "-@all" }.to_string();
        for rule in &self.rules {
            text.push_str(if rule.allow { " +" } else { " -" });
            text.push_str(&rule.what.name());
        }
        text
    }

    /// The key patterns as `ACL GETUSER` shows them.
    #[must_use]
    pub fn keys_text(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let patterns: Vec<Vec<u8>> = self.keys.iter().map(KeyPattern::describe).collect();
        patterns.join(&b' ')
    }

    /// The channel patterns as `ACL GETUSER` shows them.
    #[must_use]
    pub fn channels_text(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let patterns: Vec<Vec<u8>> =
            self.channels.iter().map(|channel| [b"&", &channel[..]].concat()).collect();
        patterns.join(&b' ')
    }

    /// The rules that make this selector out of a new one.
    pub(super) fn describe(&self) -> Vec<u8> {
        let mut text = self.keys_text();
        if !text.is_empty() {
            text.push(b' ');
        }
        if !self.all_channels {
            text.extend_from_slice(b"resetchannels ");
        }
        let channels = self.channels_text();
        text.extend_from_slice(&channels);
        if !channels.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(self.commands_text().as_bytes());
        text
    }

    /// Applies one rule.
    pub(super) fn apply(&mut self, rule: &[u8], table: CommandTable) -> Result<(), AclError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => {
                self.all_keys = true;
                self.keys.clear();
            }
            b"resetkeys" => {
                self.all_keys = false;
                self.keys.clear();
            }
            b"allchannels" | b"&*" => {
                self.all_channels = true;
                self.channels.clear();
            }
            b"resetchannels" => {
                self.all_channels = false;
                self.channels.clear();
            }
            b"allcommands" | b"+@all" => {
                self.all_commands = true;
                self.rules.clear();
            }
            b"nocommands" | b"-@all" => {
                self.all_commands = false;
                self.rules.clear();
            }
            _ => return self.apply_signed(rule, table),
        }
        Ok(())
    }

    fn apply_signed(&mut self, rule: &[u8], table: CommandTable) -> Result<(), AclError> {
        match rule {
            [b'~', pattern @ ..] => self.add_key(KeyAccess { read: true, write: true }, pattern),
            [b'%', rest @ ..] => {
                // Differs from Redis: a rule without `~` is refused; Redis takes `%R` for an empty pattern.
                let tilde = rest.iter().position(|byte| *byte == b'~').ok_or(AclError::Syntax)?;
                let (letters, pattern) = rest.split_at(tilde);
                let access = match letters.to_ascii_lowercase().as_slice() {
                    b"r" => KeyAccess { read: true, write: false },
                    b"w" => KeyAccess { read: false, write: true },
                    b"rw" | b"wr" => KeyAccess { read: true, write: true },
                    _ => return Err(AclError::Syntax),
                };
                self.add_key(access, &pattern[1..])
            }
            [b'&', channel @ ..] => {
                if self.all_channels {
                    return Err(AclError::PatternAfterAllChannels);
                }
                if has_space(channel) {
                    return Err(AclError::Syntax);
                }
                if !self.channels.iter().any(|known| known == channel) {
                    self.channels.push(channel.to_vec());
                }
                Ok(())
            }
            [sign @ (b'+' | b'-'), b'@', category @ ..] => {
                let category = Categories::from_name(category).ok_or(AclError::Unknown)?;
                self.add_rule(*sign == b'+', What::Category(category));
                Ok(())
            }
            [sign @ (b'+' | b'-'), command @ ..] => {
                let allow = *sign == b'+';
                self.add_rule(allow, parse_command(command, allow, table)?);
                Ok(())
            }
            _ => Err(AclError::Syntax),
        }
    }

    fn add_key(&mut self, access: KeyAccess, pattern: &[u8]) -> Result<(), AclError> {
        if self.all_keys {
            return Err(AclError::PatternAfterAllKeys);
        }
        if has_space(pattern) {
            return Err(AclError::Syntax);
        }
        match self.keys.iter_mut().find(|known| known.pattern == pattern) {
            Some(known) => {
                known.access.read |= access.read;
                known.access.write |= access.write;
            }
            None => self.keys.push(KeyPattern { access, pattern: pattern.to_vec() }),
        }
        Ok(())
    }

    /// Appends a rule and drops older ones that it makes meaningless.
    fn add_rule(&mut self, allow: bool, what: What) {
        self.rules.retain(|old| !what.covers(&old.what));
        self.rules.push(CommandRule { allow, what });
    }
}

impl KeyPattern {
    fn describe(&self) -> Vec<u8> {
        let sign: &[u8] = match (self.access.read, self.access.write) {
            (true, false) => b"%R~",
            (false, true) => b"%W~",
            (true, true) | (false, false) => b"~",
        };
        [sign, &self.pattern].concat()
    }
}

impl What {
    fn speaks_of(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> bool {
        match self {
            // A container's category holds for its subcommands as well.
            Self::Category(category) => {
                command.command.categories.has(*category) || command.spec().categories.has(*category)
            }
            Self::Command(rule) => {
                rule.command.name == command.command.name
                    && rule
                        .subcommand
                        .is_none_or(|sub| command.subcommand.is_some_and(|asked| asked.name == sub.name))
            }
            Self::FirstArg(rule, first) => {
                rule.command.name == command.command.name
                    && args.get(1).is_some_and(|arg| arg.as_ref().eq_ignore_ascii_case(first.as_bytes()))
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Category(category) => category.names().map(|name| format!("@{name}")).collect(),
            Self::Command(command) => command.full_name(),
            Self::FirstArg(command, first) => format!("{}|{first}", command.full_name()),
        }
    }

    /// Whether nothing is left of `old` once this rule stands behind it.
    fn covers(&self, old: &Self) -> bool {
        match (self, old) {
            (Self::Command(CommandRef { command, subcommand: None }), Self::Command(old)) => {
                command.name == old.command.name
            }
            (Self::Command(CommandRef { command, subcommand: None }), Self::FirstArg(old, _)) => {
                command.name == old.command.name
            }
            _ => self.name() == old.name(),
        }
    }
}

/// The command, subcommand or first argument that stands behind a `+` or `-`.
fn parse_command(name: &[u8], allow: bool, table: CommandTable) -> Result<What, AclError> {
    let Some(bar) = name.iter().rposition(|byte| *byte == b'|') else {
        let command = table.get(name).ok_or(AclError::Unknown)?;
        return Ok(What::Command(CommandRef { command, subcommand: None }));
    };
    if let Some(found) = table.by_full_name(name) {
        return Ok(What::Command(found));
    }
    let (outer, inner) = (&name[..bar], &name[bar + 1..]);
    let outer = table.by_full_name(outer).ok_or(AclError::Unknown)?;
    if outer.subcommand.is_some() {
        return Err(AclError::FirstArgOfSubcommand);
    }
    if inner.is_empty() {
        return Err(AclError::Syntax);
    }
    if !outer.command.subcommands.is_empty() || !allow {
        return Err(AclError::Unknown);
    }
    Ok(What::FirstArg(outer, String::from_utf8_lossy(inner).to_ascii_lowercase()))
}
