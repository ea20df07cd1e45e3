//! Connections that the core asked for: to servers and to other Sentinels.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use picket_sansio::LinkId;
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::AbortHandle;

use super::conn::{Conn, ConnId};
use super::listen::keepalive;
use super::stream::Stream;

/// Silence after which the system probes the peer.
const KEEPALIVE_S: u64 = 15;

/// The links of a core.
#[derive(Default)]
pub(crate) struct Links(HashMap<LinkId, Link>);

enum Link {
    /// Being opened; what is sent meanwhile waits.
    Connecting(AbortHandle, Vec<u8>),
    Open(Rc<Conn>),
}

impl Links {
    /// A link is being opened by a task.
    pub(crate) fn begin(&mut self, link: LinkId, task: AbortHandle) {
        self.0.insert(link, Link::Connecting(task, Vec::new()));
    }

    /// A link is open: its connection, with what was to be sent meanwhile. `None` if it was closed meanwhile.
    pub(crate) fn open(&mut self, link: LinkId, stream: Stream) -> Option<Rc<Conn>> {
        let slot = self.0.get_mut(&link)?;
        let conn = Rc::new(Conn::new(ConnId::Link(link), stream, None));
        if let Link::Connecting(_, early) = slot {
            conn.push(early);
        }
        *slot = Link::Open(Rc::clone(&conn));
        Some(conn)
    }

    /// Sends bytes; the connection has to be flushed then.
    pub(crate) fn send(&mut self, link: LinkId, bytes: &[u8]) -> Option<Rc<Conn>> {
        match self.0.get_mut(&link)? {
            Link::Open(conn) => {
                conn.push(bytes);
                Some(Rc::clone(conn))
            }
            Link::Connecting(_, early) => {
                early.extend_from_slice(bytes);
                None
            }
        }
    }

    /// Whether bytes are to be read.
    pub(crate) fn set_paused(&self, link: LinkId, paused: bool) {
        if let Some(Link::Open(conn)) = self.0.get(&link) {
            conn.set_paused(paused);
        }
    }

    /// A link has ended; whether it was known.
    pub(crate) fn forget(&mut self, link: LinkId) -> bool {
        self.0.remove(&link).is_some()
    }

    /// Ends a link.
    pub(crate) fn close(&mut self, link: LinkId) {
        match self.0.remove(&link) {
            Some(Link::Connecting(task, _)) => task.abort(),
            Some(Link::Open(conn)) => conn.close_now(),
            None => {}
        }
    }

    /// Ends all of them.
    pub(crate) fn close_all(&mut self) {
        let all: Vec<LinkId> = self.0.keys().copied().collect();
        all.into_iter().for_each(|link| self.close(link));
    }
}

/// Connects, from `source` if that is set. Data that the peer does not acknowledge for `unacknowledged_max` ends the
/// connection.
pub(crate) async fn connect(
    to: SocketAddr,
    source: Option<IpAddr>,
    unacknowledged_max: Option<Duration>,
) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    {
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true)?;
        // Best effort: a system without these still connects.
        let _ = options.set_tcp_user_timeout(unacknowledged_max);
        let _ = options.set_tcp_keepalive(&keepalive(KEEPALIVE_S));
    }
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(to).await
}
