//! Connections that the core asked for: to servers and to other Sentinels.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use super::listen::keepalive;

/// Data that a peer does not acknowledge for this long ends the connection; it also bounds connecting.
/// The core notices silence much earlier, this only frees what the system holds.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);
/// Silence after which the system probes the peer.
const KEEPALIVE_S: u64 = 15;

/// Connects, from `source` if that is set.
pub(super) async fn connect(to: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    {
        let options = SockRef::from(&socket);
        options.set_tcp_nodelay(true)?;
        // Best effort: a system without these still connects.
        let _ = options.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
        let _ = options.set_tcp_keepalive(&keepalive(KEEPALIVE_S));
    }
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(to).await
}
