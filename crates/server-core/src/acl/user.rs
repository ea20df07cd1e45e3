//! One user: passwords, switches and selectors (`acl.c: ACLSetUser`, `ACLDescribeUser`).

use alloc::vec::Vec;

use super::PubsubDefault;
use super::error::AclError;
use super::password::PasswordHash;
use super::selector::{ChannelUse, Selector};
use crate::acl::Denial;
use crate::command::{CommandRef, CommandTable};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: Vec<u8>,
    enabled: bool,
    nopass: bool,
    skip_sanitize_payload: bool,
    passwords: Vec<PasswordHash>,
    root: Selector,
    selectors: Vec<Selector>,
}

impl User {
    /// A user who may do nothing.
    pub(super) fn new(name: &[u8], pubsub_default: PubsubDefault) -> Self {
        Self {
            name: name.to_vec(),
            enabled: false,
            nopass: false,
            skip_sanitize_payload: false,
            passwords: Vec::new(),
            root: Selector::new(pubsub_default),
            selectors: Vec::new(),
        }
    }

    /// A user who may do everything without a password.
    pub(super) fn all_powerful(name: &[u8], pubsub_default: PubsubDefault) -> Self {
        let root = Selector::everything();
        Self { enabled: true, nopass: true, root, ..Self::new(name, pubsub_default) }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether one can log in as this user.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether any password will do.
    #[must_use]
    pub fn is_nopass(&self) -> bool {
        self.nopass
    }

    /// The digests of the passwords.
    #[must_use]
    pub fn passwords(&self) -> &[PasswordHash] {
        &self.passwords
    }

    /// The user's own selector.
    #[must_use]
    pub fn root(&self) -> &Selector {
        &self.root
    }

    /// The further selectors.
    #[must_use]
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The switches as `ACL GETUSER` lists them.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let enabled = if self.enabled { "on" } else { "off" };
        let sanitize = if self.skip_sanitize_payload { "skip-sanitize-payload" } else { "sanitize-payload" };
        [Some(enabled), self.nopass.then_some("nopass"), Some(sanitize)].into_iter().flatten()
    }

    /// Whether `password` is one of the user's.
    #[must_use]
    pub fn has_password(&self, password: &[u8]) -> bool {
        let hash = PasswordHash::of(password);
        // Every password is compared, so that the time does not tell which one it is.
        self.passwords.iter().fold(self.nopass, |found, known| found | known.matches(&hash))
    }

    /// Whether the user may run `command` with these words, channels included.
    ///
    /// # Errors
    /// The refusal that explains most, as Redis chooses it.
    pub fn check(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> Result<(), Denial> {
        let mut worst: Option<(Denial, usize)> = None;
        for selector in core::iter::once(&self.root).chain(&self.selectors) {
            match selector.check(command, args) {
                Ok(()) => return Ok(()),
                Err((denial, at)) => {
                    let explains_more =
                        |(known, known_at): &(Denial, usize)| (denial.rank(), at) > (known.rank(), *known_at);
                    if worst.as_ref().is_none_or(explains_more) {
                        worst = Some((denial, at));
                    }
                }
            }
        }
        Err(worst.map_or(Denial::Command, |(denial, _)| denial))
    }

    /// Whether the user may run `command` and read every key, as the patterns of `SORT` need it.
    #[must_use]
    pub fn may_read_all_keys(&self, command: CommandRef, args: &[impl AsRef<[u8]>]) -> bool {
        core::iter::once(&self.root)
            .chain(&self.selectors)
            .any(|selector| selector.command_allowed(command, args) && selector.may_read_all_keys())
    }

    /// Whether the user may do everything.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.root.is_unlimited()
    }

    /// Whether any selector lets the user listen to `channel`.
    #[must_use]
    pub fn may_listen(&self, channel: &[u8], use_as: ChannelUse) -> bool {
        core::iter::once(&self.root)
            .chain(&self.selectors)
            .any(|selector| selector.channel_allowed(channel, use_as))
    }

    /// The rules that make this user out of a new one, without its name.
    #[must_use]
    pub fn describe(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for flag in self.flags() {
            text.extend_from_slice(flag.as_bytes());
            text.push(b' ');
        }
        for password in &self.passwords {
            text.push(b'#');
            text.extend_from_slice(password.to_hex().as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(&self.root.describe());
        for selector in &self.selectors {
            text.extend_from_slice(b" (");
            text.extend_from_slice(&selector.describe());
            text.push(b')');
        }
        text
    }

    pub(super) fn replace_passwords(&mut self, password: Option<&[u8]>) {
        self.passwords = password.map(PasswordHash::of).into_iter().collect();
        self.nopass = password.is_none();
    }

    /// Applies one rule.
    pub(super) fn apply(
        &mut self,
        rule: &[u8],
        table: CommandTable,
        pubsub_default: PubsubDefault,
    ) -> Result<(), AclError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.enabled = true,
            b"off" => self.enabled = false,
            b"skip-sanitize-payload" => self.skip_sanitize_payload = true,
            b"sanitize-payload" => self.skip_sanitize_payload = false,
            b"nopass" => {
                self.nopass = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.nopass = false;
                self.passwords.clear();
            }
            b"clearselectors" => self.selectors.clear(),
            b"reset" => *self = Self::new(&self.name, pubsub_default),
            _ => return self.apply_signed(rule, table, pubsub_default),
        }
        Ok(())
    }

    fn apply_signed(
        &mut self,
        rule: &[u8],
        table: CommandTable,
        pubsub_default: PubsubDefault,
    ) -> Result<(), AclError> {
        match rule {
            [b'>', password @ ..] => self.add_password(PasswordHash::of(password)),
            [b'#', hash @ ..] => self.add_password(PasswordHash::from_hex(hash).ok_or(AclError::BadHash)?),
            [b'<', password @ ..] => self.remove_password(&PasswordHash::of(password))?,
            [b'!', hash @ ..] => {
                self.remove_password(&PasswordHash::from_hex(hash).ok_or(AclError::BadHash)?)?;
            }
            [b'(', inner @ .., b')'] => {
                let mut selector = Selector::new(pubsub_default);
                for rule in inner.split(|byte| *byte == b' ').filter(|rule| !rule.is_empty()) {
                    selector.apply(rule, table)?;
                }
                self.selectors.push(selector);
            }
            _ => self.root.apply(rule, table)?,
        }
        Ok(())
    }

    fn add_password(&mut self, hash: PasswordHash) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.nopass = false;
    }

    fn remove_password(&mut self, hash: &PasswordHash) -> Result<(), AclError> {
        let index = self.passwords.iter().position(|known| known == hash).ok_or(AclError::NoSuchPassword)?;
        self.passwords.remove(index);
        Ok(())
    }
}
