//! The tasks of a host: one per connection, and those that wait for a name, a file or a script. Each
//! tells the core what came of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, QueryId, ScriptId, Secret};
use picket_sentinel_core::{Input, ScriptOutcome};
use picket_server_core::{ClientAddresses, LogLevel};

use super::conn::{Conn, ConnId, Read};
use super::conns::{Conns, Serves, serve_conn};
use super::inner::{Host, Inner};
use super::stream::Stream;
use super::{link, resolve, scripts};
use crate::config::{ConfigStore, read_text};
use crate::errno::strerror;

/// Data that a peer does not acknowledge for this long ends the connection; it also bounds connecting.
/// The core notices silence much earlier, this only frees what the system holds.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

impl Host {
    /// Takes over a connection that somebody opened.
    pub(super) fn accept_client(self: &Rc<Self>, stream: Stream, addresses: ClientAddresses) {
        let (id, conn) = self.inner.borrow_mut().conns.add_client(stream, self.client_limit);
        self.input(Input::ClientConnected { client: id, addresses });
        tokio::task::spawn_local(serve_conn(Rc::clone(self), conn));
    }

    /// Opens a link.
    pub(super) fn connect(self: &Rc<Self>, inner: &mut Inner, link: LinkId, to: SocketAddr) {
        let host = Rc::clone(self);
        let task = tokio::task::spawn_local(async move {
            let connected = link::connect(to, host.source, Some(UNACKNOWLEDGED_MAX)).await;
            match connected.and_then(|stream| Ok((stream.local_addr()?.ip(), stream))) {
                Ok((local, stream)) => host.link_up(link, local, Stream::Tcp(stream)),
                Err(error) => host.link_down(link, strerror(&error)),
            }
        });
        inner.conns.links.begin(link, task.abort_handle());
    }

    fn link_up(self: &Rc<Self>, link: LinkId, local: IpAddr, stream: Stream) {
        // Closed by the core in the meantime: nobody waits for it.
        let Some(conn) = self.inner.borrow_mut().conns.links.open(link, stream) else { return };
        self.input(Input::LinkUp { link, local });
        conn.flush();
        tokio::task::spawn_local(serve_conn(Rc::clone(self), conn));
    }

    /// Resolves a name.
    pub(super) fn resolve(self: &Rc<Self>, query: QueryId, name: String) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let result = match host.pulse.resolving.acquire().await {
                Ok(_turn) => resolve::resolve(&name).await,
                Err(closed) => Err(closed.to_string()),
            };
            host.input(Input::Resolved { query, result });
        });
    }

    /// Runs a script.
    pub(super) fn run_script(self: &Rc<Self>, inner: &mut Inner, script: ScriptId, argv: Vec<String>) {
        let killed = inner.scripts.add(script);
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            // Starting a program may wait for the disk that it is on.
            let started = tokio::task::spawn_blocking(move || scripts::start(&argv)).await;
            let outcome = match started.unwrap_or(Err(ScriptOutcome::NotStarted)) {
                Ok(child) => {
                    if let Some(pid) = child.id() {
                        host.input(Input::ScriptStarted { script, pid });
                    }
                    scripts::wait(child, killed).await
                }
                Err(outcome) => outcome,
            };
            host.inner.borrow_mut().scripts.remove(script);
            host.input(Input::ScriptEnded { script, outcome });
        });
    }

    /// Looks whether a file can be executed.
    pub(super) fn check_script(self: &Rc<Self>, query: QueryId, path: String) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let check = tokio::task::spawn_blocking(move || scripts::is_executable(path.as_ref()));
            let executable = check.await.unwrap_or(false);
            host.input(Input::ScriptChecked { query, executable });
        });
    }

    /// Reads a file.
    pub(super) fn read_file(self: &Rc<Self>, query: QueryId, path: String) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let read = tokio::task::spawn_blocking(move || read_text(Path::new(&path)));
            let result = read.await.unwrap_or_else(|error| Err(error.to_string()));
            host.input(Input::FileRead { query, result: result.map(Secret::new) });
        });
    }

    /// Replaces a file.
    pub(super) fn write_file(self: &Rc<Self>, query: QueryId, path: String, text: Secret) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let write = tokio::task::spawn_blocking(move || {
                ConfigStore::keeping_mode(Path::new(&path)).update(|_| text.expose().to_vec())
            });
            let result = write.await.unwrap_or_else(|error| Err(error.to_string()));
            host.input(Input::FileWritten { query, result });
        });
    }
}

impl Serves for Host {
    fn read(self: &Rc<Self>, conn: &Conn) -> Read {
        if let ConnId::Client(client) = conn.id()
            && !self.takes_requests(client)
        {
            return Read::More;
        }
        let (bytes, filled) = {
            let mut scratch = self.scratch.borrow_mut();
            match conn.read(&mut scratch) {
                Ok(0) => return Read::End,
                Ok(count) => (Bytes::copy_from_slice(&scratch[..count]), count == scratch.len()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Read::More,
                Err(error) => return Read::Broken(error),
            }
        };
        match conn.id() {
            ConnId::Client(client) => self.input(Input::ClientData { client, bytes }),
            ConnId::Link(link) => self.input(Input::LinkData { link, bytes }),
        }
        if filled { Read::More } else { Read::Nothing }
    }

    fn written(self: &Rc<Self>, _: ClientId) {}

    fn link_down(self: &Rc<Self>, link: LinkId, reason: String) {
        if self.with_conns(|conns| conns.links.forget(link)) {
            self.input(Input::LinkDown { link, reason });
        }
    }

    fn client_gone(self: &Rc<Self>, client: ClientId) {
        if self.with_conns(|conns| conns.clients.remove(&client)).is_some() {
            self.input(Input::ClientGone { client });
        }
    }

    fn log_over_limit(&self, client: ClientId) {
        let line = format!("Client id={} closed: output buffer limit reached", client.0);
        self.pulse.logger.log(LogLevel::Warning, line);
    }

    fn with_conns<T>(&self, work: impl FnOnce(&mut Conns) -> T) -> T {
        work(&mut self.inner.borrow_mut().conns)
    }
}
