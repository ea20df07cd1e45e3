//! Error replies by kind, and requests that were turned down: `INFO errorstats` and `rejected_calls`.

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::collections::BTreeMap;

use super::Server;
use crate::CommandRef;

/// Further kinds of errors are not told apart: a client must not be able to make them up.
const KINDS_MAX: usize = 128;
/// A kind is the first word of an error; what is longer is cut.
const KIND_LEN_MAX: usize = 64;

/// What was answered with errors.
#[derive(Clone, Debug, Default)]
pub(super) struct Errors {
    kinds: BTreeMap<Bytes, u64>,
    rejected: BTreeMap<&'static str, u64>,
}

impl Server {
    /// Counts an error that answers a command; other replies are not counted.
    pub fn note_error(&mut self, reply: &Reply) {
        let Reply::Error(text) = reply else { return };
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let kind = Bytes::copy_from_slice(&text[..end.min(KIND_LEN_MAX)]);
        let kinds = &mut self.errors.kinds;
        if kinds.len() < KINDS_MAX || kinds.contains_key(&kind) {
            *kinds.entry(kind).or_default() += 1;
        }
    }

    /// Counts a request that is turned down.
    pub(super) fn note_rejected(&mut self, command: Option<CommandRef>, error: &Reply) {
        self.note_error(error);
        if let Some(command) = command {
            *self.errors.rejected.entry(command.command.name).or_default() += 1;
        }
    }

    /// Error replies by their first word, in order.
    pub fn errors(&self) -> impl Iterator<Item = (&Bytes, u64)> {
        self.errors.kinds.iter().map(|(kind, count)| (kind, *count))
    }

    /// How many requests for a command of this name were turned down before they ran.
    #[must_use]
    pub fn rejected_calls(&self, name: &str) -> u64 {
        self.errors.rejected.get(name).copied().unwrap_or(0)
    }
}
