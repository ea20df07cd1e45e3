//! All connections of a host: clients that came, and links that the core asked for; and the task that serves one.

use std::collections::HashMap;
use std::rc::Rc;

use picket_sansio::{ClientId, LinkId};
use picket_server_core::{HostInfo, OutputBufferLimit};

use super::conn::{Conn, ConnId, End, Read};
use super::link::Links;
use super::run::Hosted;
use super::stream::Stream;

/// The connections of a host.
#[derive(Default)]
pub(crate) struct Conns {
    pub(crate) clients: HashMap<ClientId, Rc<Conn>>,
    /// Clients that the core has done with and that have not read everything yet.
    leaving: HashMap<ClientId, Rc<Conn>>,
    pub(crate) links: Links,
    next_client: u64,
    /// Clients that were closed because their output grew beyond the limit, and were not told of yet.
    over_output_limit: u64,
}

impl Conns {
    /// Somebody came. The connection ends when more than `limit` is unsent.
    pub(crate) fn add_client(&mut self, stream: Stream, limit: OutputBufferLimit) -> (ClientId, Rc<Conn>) {
        let id = ClientId::next(&mut self.next_client);
        let conn = Rc::new(Conn::new(ConnId::Client(id), stream, Some(limit)));
        self.clients.insert(id, Rc::clone(&conn));
        (id, conn)
    }

    /// The core has done with a client: it is closed when it has read everything. To be flushed.
    pub(crate) fn retire(&mut self, client: ClientId) -> Option<Rc<Conn>> {
        let conn = self.clients.remove(&client)?;
        conn.close_when_drained();
        self.leaving.insert(client, Rc::clone(&conn));
        Some(conn)
    }

    /// Whether every client has what was sent to it.
    pub(crate) fn is_drained(&self) -> bool {
        self.clients.values().chain(self.leaving.values()).all(|conn| conn.is_drained())
    }

    /// Adds what there is to know of clients' output.
    pub(crate) fn describe(&mut self, host: &mut HostInfo) {
        host.over_output_limit = std::mem::take(&mut self.over_output_limit);
        let unsent = self.clients.iter().map(|(client, conn)| (*client, conn.unsent_len()));
        host.unsent = unsent.filter(|(_, bytes)| *bytes > 0).collect();
        // In no order of hashes.
        host.unsent.sort_unstable();
    }

    /// Ends all of them.
    pub(crate) fn close_all(&mut self) {
        for (_, conn) in self.clients.drain() {
            conn.close_now();
        }
        self.links.close_all();
    }
}

/// A host whose connections are served by tasks.
pub(crate) trait Serves: Hosted {
    /// Reads something and gives it to the core, unless that is for later.
    fn read(self: &Rc<Self>, conn: &Conn) -> Read;
    /// A client's socket has taken something.
    fn written(self: &Rc<Self>, client: ClientId);
    /// A link could not be opened, or has ended by itself.
    fn link_down(self: &Rc<Self>, link: LinkId, reason: String);
    /// A client has gone.
    fn client_gone(self: &Rc<Self>, client: ClientId);
    /// Says in the log that a client is closed because it does not read what it is sent.
    fn log_over_limit(&self, client: ClientId);
    /// Works on the connections.
    fn with_conns<T>(&self, work: impl FnOnce(&mut Conns) -> T) -> T;
}

/// Serves one connection and tells the core of its end.
pub(crate) async fn serve_conn<H: Serves>(host: Rc<H>, conn: Rc<Conn>) {
    let on_written = || {
        if let ConnId::Client(client) = conn.id() {
            host.written(client);
        }
    };
    // Whether this connection was left with more to read: what comes then is no news.
    let mut goes_on = false;
    let on_data = || {
        if !goes_on {
            host.pulse().hear();
        }
        let read = host.read(&conn);
        goes_on = matches!(read, Read::More);
        read
    };
    let end = conn.run(on_data, on_written).await;
    match (end, conn.id()) {
        (End::Closed, ConnId::Link(_)) => {}
        (End::Closed, ConnId::Client(client)) => {
            host.with_conns(|conns| conns.leaving.remove(&client));
        }
        (End::Lost(reason), ConnId::Link(link)) => host.link_down(link, reason),
        (End::Lost(_), ConnId::Client(client)) => host.client_gone(client),
        (End::OverLimit, ConnId::Link(link)) => {
            host.link_down(link, "output buffer limit reached".to_owned());
        }
        (End::OverLimit, ConnId::Client(client)) => {
            host.log_over_limit(client);
            host.with_conns(|conns| conns.over_output_limit += 1);
            host.client_gone(client);
        }
    }
}
