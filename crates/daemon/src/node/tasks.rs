//! The tasks of a node's host: one per connection, and those that open connections.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::BytesMut;
use picket_node_core::NodeInput;
use picket_sansio::{ClientId, LinkId};
use picket_server_core::{ClientAddresses, LogLevel, OutputBufferLimit};
use tokio::net::TcpStream;

use super::host::{Inner, NodeHost};
use crate::errno::strerror;
use crate::host::{Conn, ConnId, Conns, Read, Serves, Stream, connect, resolve, serve_conn};

/// What a link reads at once.
const LINK_READ_BYTES: usize = 64 * 1024;
/// The buffer of links is cut from blocks of this.
const LINK_BLOCK_BYTES: usize = 256 * 1024;

impl NodeHost {
    /// Takes over a connection that somebody opened.
    pub(super) fn accept_client(self: &Rc<Self>, stream: Stream, addresses: ClientAddresses) {
        // Unlimited until something waits.
        let limit = OutputBufferLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
        let (id, conn) = self.inner.borrow_mut().conns.add_client(stream, limit);
        self.input(NodeInput::ClientConnected { client: id, addresses });
        tokio::task::spawn_local(serve_conn(Rc::clone(self), conn));
    }

    /// Opens a link.
    pub(super) fn connect(self: &Rc<Self>, inner: &mut Inner, link: LinkId, host: String, port: u16) {
        let this = Rc::clone(self);
        let task = tokio::task::spawn_local(async move {
            match this.dial(&host, port).await {
                Ok(stream) => match (stream.peer_addr(), stream.local_addr()) {
                    (Ok(peer), Ok(local)) => {
                        let stream = Stream::Tcp(stream);
                        let addresses = ClientAddresses::tcp(peer, local, stream.number());
                        this.link_up(link, stream, addresses);
                    }
                    (Err(error), _) | (_, Err(error)) => this.link_down(link, strerror(&error)),
                },
                Err(reason) => this.link_down(link, reason),
            }
        });
        inner.conns.links.begin(link, task.abort_handle());
    }

    /// Connects to the first address of `host` that can be reached.
    async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let addresses = match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => {
                let _turn = self.pulse.resolving.acquire().await.map_err(|closed| closed.to_string())?;
                resolve(host).await?
            }
        };
        let mut reason = String::new();
        for ip in addresses {
            let source = self.source.filter(|source| source.is_ipv4() == ip.is_ipv4());
            match connect(SocketAddr::new(ip, port), source, None).await {
                Ok(stream) => return Ok(stream),
                Err(error) => reason = strerror(&error),
            }
        }
        Err(reason)
    }

    fn link_up(self: &Rc<Self>, link: LinkId, stream: Stream, addresses: ClientAddresses) {
        // Closed by the core in the meantime: nobody waits for it.
        let Some(conn) = self.inner.borrow_mut().conns.links.open(link, stream) else { return };
        self.input(NodeInput::LinkUp { link, addresses });
        conn.flush();
        tokio::task::spawn_local(serve_conn(Rc::clone(self), conn));
    }
}

impl Serves for NodeHost {
    fn read(self: &Rc<Self>, conn: &Conn) -> Read {
        match conn.id() {
            ConnId::Client(client) => {
                let mut scratch = self.scratch.borrow_mut();
                match outcome(conn.read(&mut scratch)) {
                    Ok(count) => {
                        let bytes = &scratch[..count];
                        self.input(NodeInput::ClientData { client, bytes });
                        if count == scratch.len() { Read::More } else { Read::Nothing }
                    }
                    Err(end) => end,
                }
            }
            ConnId::Link(link) => {
                let mut buffer = self.link_buffer.borrow_mut();
                if buffer.len() < LINK_READ_BYTES {
                    *buffer = BytesMut::zeroed(LINK_BLOCK_BYTES);
                }
                match outcome(conn.read(&mut buffer[..LINK_READ_BYTES])) {
                    Ok(count) => {
                        let bytes = buffer.split_to(count).freeze();
                        drop(buffer);
                        self.input(NodeInput::LinkData { link, bytes });
                        if count == LINK_READ_BYTES { Read::More } else { Read::Nothing }
                    }
                    Err(end) => end,
                }
            }
        }
    }

    /// A replica may have room for more.
    fn written(self: &Rc<Self>, client: ClientId) {
        let budget = self.with_conns(|conns| conns.clients.get(&client).and_then(|conn| conn.take_room()));
        if let Some(budget) = budget {
            self.input(NodeInput::ClientWritable { client, budget });
        }
    }

    fn link_down(self: &Rc<Self>, link: LinkId, reason: String) {
        if self.with_conns(|conns| conns.links.forget(link)) {
            self.input(NodeInput::LinkDown { link, reason });
        }
    }

    fn client_gone(self: &Rc<Self>, client: ClientId) {
        let known = self.inner.borrow_mut().forget_client(client);
        if known {
            self.input(NodeInput::ClientGone { client });
        }
    }

    fn log_over_limit(&self, client: ClientId) {
        let line = format!("Client id={} closed for overcoming of output buffer limits.", client.0);
        self.pulse.logger.log(LogLevel::Warning, line);
    }

    fn with_conns<T>(&self, work: impl FnOnce(&mut Conns) -> T) -> T {
        work(&mut self.inner.borrow_mut().conns)
    }
}

fn outcome(read: io::Result<usize>) -> Result<usize, Read> {
    match read {
        Ok(0) => Err(Read::End),
        Ok(count) => Ok(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Read::Nothing),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Read::More),
        Err(error) => Err(Read::Broken(error)),
    }
}
