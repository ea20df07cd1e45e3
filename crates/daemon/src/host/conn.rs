//! One connection: bytes in as they come, bytes out as fast as the peer takes them.
//!
//! Output is written at once when the socket takes it and waits in a buffer otherwise. A client that
//! does not read its answers is not read from either until it does; one that lets too much pile up is
//! closed. Nothing here waits on behalf of anybody else.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use picket_sansio::{ClientId, LinkId};
use picket_server_core::OutputBufferLimit;
use tokio::io::Interest;
use tokio::sync::Notify;

use super::stream::Stream;
use crate::errno::strerror;

/// Which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnId {
    /// Somebody connected to us.
    Client(ClientId),
    /// We connected to somebody.
    Link(LinkId),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// We closed it.
    Closed,
    /// The peer closed it, or it broke: why, in the words of the system.
    Lost(String),
    /// The peer reads too slowly for what it asked for.
    OverLimit,
}

/// A connected socket with its unsent output.
#[derive(Debug)]
pub(crate) struct Conn {
    id: ConnId,
    stream: Stream,
    unsent: RefCell<Unsent>,
    state: Cell<State>,
    changed: Notify,
    limit: OutputBufferLimit,
}

#[derive(Debug, Default)]
struct Unsent {
    bytes: BytesMut,
    /// Since when there is more than the soft limit.
    over_soft_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Closed by us once the output is gone, or at that time at the latest.
    Draining(Instant),
    Closed,
}

/// Unsent output beyond which a client is not read from.
const PAUSE_BYTES: usize = 1024 * 1024;
/// What a link may have unsent; the core keeps it far below by itself.
const LINK_HARD_BYTES: u64 = 16 * 1024 * 1024;
/// How long a peer may take to read what precedes the end of its connection.
const DRAIN_WAIT: Duration = Duration::from_secs(10);
/// An emptied buffer larger than this is given back.
const KEEP_BYTES: usize = 16 * 1024;

impl Conn {
    /// Takes over a connected socket.
    pub(crate) fn new(id: ConnId, stream: Stream, limit: Option<OutputBufferLimit>) -> Self {
        let links = OutputBufferLimit { hard_bytes: LINK_HARD_BYTES, soft_bytes: 0, soft_seconds: 0 };
        Self {
            id,
            stream,
            unsent: RefCell::default(),
            state: Cell::new(State::Open),
            changed: Notify::new(),
            limit: limit.unwrap_or(links),
        }
    }

    /// Which connection this is.
    pub(crate) fn id(&self) -> ConnId {
        self.id
    }

    /// Adds output; [`flush`](Self::flush) sends it.
    pub(crate) fn push(&self, bytes: &[u8]) {
        if self.state.get() != State::Closed {
            self.unsent.borrow_mut().bytes.extend_from_slice(bytes);
        }
    }

    /// Sends what the socket takes. Wakes the connection's task if something is left over, or if it
    /// has to end the connection.
    pub(crate) fn flush(&self) {
        if self.write().is_err() || !self.is_drained() || self.state.get() != State::Open {
            self.changed.notify_one();
        }
    }

    /// Ends the connection once what was pushed is sent.
    pub(crate) fn close_when_drained(&self) {
        if self.state.get() == State::Open {
            self.state.set(State::Draining(Instant::now() + DRAIN_WAIT));
            self.changed.notify_one();
        }
    }

    /// Ends the connection; the socket gets what it takes at once, the rest is dropped.
    pub(crate) fn close_now(&self) {
        let _ = self.write();
        self.state.set(State::Closed);
        self.changed.notify_one();
    }

    /// Whether everything that was pushed is sent.
    pub(crate) fn is_drained(&self) -> bool {
        self.unsent.borrow().bytes.is_empty()
    }

    /// Serves the connection until it ends. `on_data` gets what was read, in a buffer of the caller's.
    pub(crate) async fn run(&self, mut on_data: impl FnMut() -> Read) -> End {
        loop {
            let interest = match self.next_step() {
                Step::Wait(interest) => interest,
                Step::End(end) => {
                    self.state.set(State::Closed);
                    self.stream.finish();
                    return end;
                }
            };
            let ready = tokio::select! {
                biased;
                () = self.changed.notified() => continue,
                () = self.next_check() => continue,
                ready = self.stream.ready(interest) => ready,
            };
            let ready = match ready {
                Ok(ready) => ready,
                Err(error) => return self.lost(&error),
            };
            if ready.is_writable()
                && let Err(error) = self.write()
            {
                return self.lost(&error);
            }
            if interest.is_readable() && ready.is_readable() {
                match on_data() {
                    Read::More => yield_to_others().await,
                    Read::Nothing => {}
                    Read::End => return self.lost_with("Server closed the connection"),
                    Read::Broken(error) => return self.lost(&error),
                }
            }
        }
    }

    /// Reads once into `buffer`.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(buffer)
    }

    fn next_step(&self) -> Step {
        let drained = self.is_drained();
        match self.state.get() {
            State::Closed => return Step::End(End::Closed),
            State::Draining(until) => {
                return if drained || Instant::now() >= until {
                    Step::End(End::Closed)
                } else {
                    Step::Wait(Interest::WRITABLE)
                };
            }
            State::Open => {}
        }
        if self.is_over_limit() {
            return Step::End(End::OverLimit);
        }
        let waiting = self.unsent.borrow().bytes.len();
        Step::Wait(match (waiting, self.id) {
            (0, _) => Interest::READABLE,
            (PAUSE_BYTES.., ConnId::Client(_)) => Interest::WRITABLE,
            _ => Interest::READABLE | Interest::WRITABLE,
        })
    }

    fn is_over_limit(&self) -> bool {
        let unsent = self.unsent.borrow();
        let waiting = u64::try_from(unsent.bytes.len()).unwrap_or(u64::MAX);
        let soft_for = unsent.over_soft_since.map_or(Duration::ZERO, |since| since.elapsed());
        (self.limit.hard_bytes > 0 && waiting >= self.limit.hard_bytes)
            || (unsent.over_soft_since.is_some() && soft_for.as_secs() >= self.limit.soft_seconds)
    }

    /// Comes when a limit in time has to be looked at again.
    async fn next_check(&self) {
        let draining = matches!(self.state.get(), State::Draining(_));
        let over_soft = self.unsent.borrow().over_soft_since.is_some();
        if draining || over_soft {
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut unsent = self.unsent.borrow_mut();
        while !unsent.bytes.is_empty() {
            match self.stream.try_write(&unsent.bytes) {
                Ok(count) => unsent.bytes.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if unsent.bytes.is_empty() && unsent.bytes.capacity() > KEEP_BYTES {
            unsent.bytes = BytesMut::new();
        }
        let waiting = u64::try_from(unsent.bytes.len()).unwrap_or(u64::MAX);
        if self.limit.soft_bytes == 0 || waiting < self.limit.soft_bytes {
            unsent.over_soft_since = None;
        } else if unsent.over_soft_since.is_none() {
            unsent.over_soft_since = Some(Instant::now());
        }
        Ok(())
    }

    fn lost(&self, error: &io::Error) -> End {
        self.lost_with(&strerror(error))
    }

    fn lost_with(&self, reason: &str) -> End {
        // A peer that is gone while we were closing is not a loss: nobody waits for news of it.
        match self.state.replace(State::Closed) {
            State::Open => End::Lost(reason.to_owned()),
            State::Draining(_) | State::Closed => End::Closed,
        }
    }
}

/// What became of an attempt to read.
pub(crate) enum Read {
    /// There were bytes.
    More,
    /// There were none after all.
    Nothing,
    /// The peer has closed its side.
    End,
    /// The connection is broken.
    Broken(io::Error),
}

enum Step {
    Wait(Interest),
    End(End),
}

/// Goes to the end of the queue of tasks, so that a client with a full pipeline does not hold up the
/// links.
async fn yield_to_others() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;
    use tokio::task::{JoinHandle, LocalSet, spawn_local};
    use tokio::time::timeout;

    const NO_LIMIT: OutputBufferLimit = OutputBufferLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A client's connection that is served, and the client.
    fn served(limit: OutputBufferLimit) -> (Rc<Conn>, UnixStream, JoinHandle<End>, Rc<Cell<usize>>) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let conn = Rc::new(Conn::new(ConnId::Client(ClientId(1)), Stream::Unix(ours), Some(limit)));
        let read = Rc::new(Cell::new(0));
        let task = spawn_local({
            let (conn, read) = (Rc::clone(&conn), Rc::clone(&read));
            async move {
                let mut buffer = [0; 1024];
                conn.run(|| match conn.read(&mut buffer) {
                    Ok(0) => Read::End,
                    Ok(count) => {
                        read.set(read.get() + count);
                        Read::More
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
                    Err(error) => Read::Broken(error),
                })
                .await
            }
        });
        (conn, theirs, task, read)
    }

    fn on_local_set(work: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let bounded = async { timeout(PATIENCE, work).await.expect("in time") };
        LocalSet::new().block_on(&runtime, bounded);
    }

    #[test]
    fn a_client_that_does_not_read_is_not_read_until_it_does() {
        on_local_set(async {
            let (conn, mut client, _task, read) = served(NO_LIMIT);
            let output = vec![b'x'; 3 * PAUSE_BYTES];
            conn.push(&output);
            conn.flush();
            client.write_all(b"more requests").await.expect("room in the socket");
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            assert_eq!(read.get(), 0, "it has not read its answers");
            let mut answers = vec![0; output.len()];
            client.read_exact(&mut answers).await.expect("all of it arrives");
            while read.get() == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(read.get(), 13);
        });
    }

    #[test]
    fn what_precedes_the_end_is_sent() {
        on_local_set(async {
            let (conn, mut client, task, _) = served(NO_LIMIT);
            conn.push(&vec![b'x'; 2 * PAUSE_BYTES]);
            conn.flush();
            conn.close_when_drained();
            let mut answers = Vec::new();
            client.read_to_end(&mut answers).await.expect("an orderly end");
            assert_eq!(answers.len(), 2 * PAUSE_BYTES);
            assert_eq!(task.await.expect("served"), End::Closed);
        });
    }

    #[test]
    fn a_hard_limit_ends_a_connection_and_a_soft_one_only_in_time() {
        on_local_set(async {
            let hard = OutputBufferLimit { hard_bytes: 4 << 20, ..NO_LIMIT };
            let (conn, _client, task, _) = served(hard);
            conn.push(&vec![b'x'; 8 << 20]);
            conn.flush();
            assert_eq!(task.await.expect("served"), End::OverLimit);

            let soft = OutputBufferLimit { soft_bytes: 1 << 20, soft_seconds: 1, ..NO_LIMIT };
            let (conn, _client, task, _) = served(soft);
            let since = Instant::now();
            conn.push(&vec![b'x'; 8 << 20]);
            conn.flush();
            assert_eq!(task.await.expect("served"), End::OverLimit);
            assert!(since.elapsed() >= Duration::from_secs(1));
        });
    }

    #[test]
    fn the_end_of_a_peer_is_told_unless_we_ended_it() {
        on_local_set(async {
            let (_conn, client, task, _) = served(NO_LIMIT);
            drop(client);
            assert_eq!(task.await.expect("served"), End::Lost("Server closed the connection".to_owned()));

            let (conn, _client, task, _) = served(NO_LIMIT);
            conn.close_now();
            assert_eq!(task.await.expect("served"), End::Closed);
        });
    }
}
