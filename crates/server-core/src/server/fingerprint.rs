//! What of a server its further answers depend on, as text: for whoever has to know whether two of them are alike.

use core::fmt::{self, Write};

use super::Server;
use super::held::Held;

impl Server {
    /// Writes what the next replies depend on: who is connected, with which rights and wishes, what waits to be
    /// answered or sent, who is subscribed to what.
    ///
    /// Left out, so alike in both servers that are compared, is what only an operator's commands change (users and
    /// their passwords, limits); and what is only shown (names of clients, ages, counters, the slow log of ACL) or
    /// generated (`ACL GENPASS`). With `timeout`, ages decide too: compare only without.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn fingerprint(&self, out: &mut impl Write) -> fmt::Result {
        for (id, client) in self.clients.iter() {
            write!(out, "{id:?} {:?} {} ", client.protocol, client.authenticated)?;
            write!(out, "{} {} {} ", client.suspended, client.is_blocked, client.killed)?;
            write!(out, "{:?} {:?} {:?} ", client.replies, client.multi, client.postponed)?;
            write!(out, "{:?} {} {} ", client.user, client.is_monitor, client.queued)?;
            write!(out, "{} {:?} ", client.buffer.pending_len(), client.tracking)?;
            client.held.fingerprint(out)?;
        }
        write!(out, "{:?} {:?} {:?} ", self.channels, self.patterns, self.shard_channels)?;
        write!(out, "{:?} {:?} {:?} {} ", self.ready, self.turn, self.pause, self.holds_writes)
    }
}

impl Held {
    fn fingerprint(&self, out: &mut impl Write) -> fmt::Result {
        self.pieces().try_for_each(|piece| write!(out, "{piece:?} "))
    }
}
