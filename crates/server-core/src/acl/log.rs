//! What `ACL LOG` remembers (`acl.c: addACLLogEntry`).

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, Time, WallTime};

/// Refusals that are alike and at most this far apart share an entry.
const GROUPING: Millis = Millis(60_000);
/// How many of the newest entries are looked at for one to share.
const GROUPING_ENTRIES: usize = 10;

/// What a user was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The command itself.
    Command,
    /// A key.
    Key(Vec<u8>),
    /// A wrong password or user.
    Auth,
    /// A channel or pattern.
    Channel(Vec<u8>),
}

impl Denial {
    /// Higher ones explain more.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Command => 1,
            Self::Key(_) => 2,
            Self::Auth => 3,
            Self::Channel(_) => 4,
        }
    }
}

/// The client that was refused something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedClient {
    /// The user it was, or tried to be.
    pub username: Vec<u8>,
    /// Its line of `CLIENT LIST`.
    pub info: String,
    /// Whether it is between MULTI and EXEC.
    pub in_multi: bool,
}

/// One entry, newest first in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclLogEntry {
    /// Never given twice.
    pub id: u64,
    /// How many refusals it stands for.
    pub count: u64,
    /// Why.
    pub reason: Denial,
    /// Whether the refused command was to be queued after MULTI.
    pub in_multi: bool,
    /// The command, key, channel or, for [`Denial::Auth`], the command as it was spelled.
    pub object: Vec<u8>,
    /// Whom; the newest of them.
    pub client: LoggedClient,
    /// When last, on the monotonic clock.
    pub at: Time,
    /// When first.
    pub created: WallTime,
    /// When last.
    pub updated: WallTime,
}

/// The newest refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclLog {
    entries: VecDeque<AclLogEntry>,
    len_max: u64,
    given: u64,
}

impl AclLog {
    /// An empty log of at most `len_max` entries.
    #[must_use]
    pub fn new(len_max: u64) -> Self {
        Self { entries: VecDeque::new(), len_max, given: 0 }
    }

    /// The entries, newest first.
    pub fn entries(&self) -> impl Iterator<Item = &AclLogEntry> {
        self.entries.iter()
    }

    /// Changes how many entries are kept; more than that go with the next refusal.
    pub fn set_len_max(&mut self, len_max: u64) {
        self.len_max = len_max;
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.entries.clear();
    }

    /// Notes a refusal, in the entry of one like it if there is one.
    pub fn add(&mut self, reason: Denial, object: Vec<u8>, client: LoggedClient, at: Time, wall: WallTime) {
        let in_multi = client.in_multi;
        let like = self.entries.iter().take(GROUPING_ENTRIES).position(|entry| {
            entry.reason == reason
                && entry.object == object
                && entry.in_multi == in_multi
                && entry.client.username == client.username
                && at.since(entry.at) <= GROUPING
        });
        match like.and_then(|index| self.entries.remove(index)) {
            Some(mut entry) => {
                entry.count += 1;
                entry.client = client;
                entry.at = at;
                entry.updated = wall;
                self.entries.push_front(entry);
            }
            None => {
                let entry = AclLogEntry {
                    id: self.given,
                    count: 1,
                    reason,
                    in_multi,
                    object,
                    client,
                    at,
                    created: wall,
                    updated: wall,
                };
                self.given += 1;
                self.entries.push_front(entry);
            }
        }
        self.entries.truncate(usize::try_from(self.len_max).unwrap_or(usize::MAX));
    }
}
