//! QUIT, and RESET, which makes a connection as if it were new (`networking.c: clearClientConnectionState`).

use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::client::Replies;
use super::tracking::Tracking;
use super::{ClientFacts, CloseReason, ReplicationLink, Server};
use crate::acl::DEFAULT_USER;

impl Server {
    pub(super) fn run_quit(&mut self, id: ClientId) {
        self.reply(id, &Reply::ok());
        self.close_now(id, CloseReason::Quit);
    }

    /// RESET: forgets what a client asked for, its facts included, and answers. False for a replica, which is
    /// refused; otherwise the application forgets what it knows itself, as watched keys.
    pub fn reset(&mut self, id: ClientId) -> bool {
        let needs_authentication = self.acl.needs_authentication();
        let Some(client) = self.clients.get_mut(id) else { return true };
        if client.facts.link != ReplicationLink::None {
            self.reply(id, &Reply::error("ERR can only reset normal client connections"));
            return false;
        }
        let subscriptions = core::mem::take(&mut client.subscriptions);
        client.tracking = Tracking::default();
        client.protocol = Protocol::Resp2;
        client.set_user(DEFAULT_USER);
        client.set_authenticated(!needs_authentication);
        client.multi = None;
        client.facts = ClientFacts::default();
        client.is_monitor = false;
        client.name.clear();
        client.replies = Replies::On;
        client.no_touch = false;
        client.no_evict = false;
        self.monitors.remove(&id);
        self.leave_all(id, &subscriptions);
        self.reply(id, &Reply::simple("RESET"));
        true
    }
}
