//! One connection: bytes in as they come, bytes out as fast as the peer takes them.
//!
//! Output is written at once when the socket takes it and waits in a buffer otherwise. A client that
//! does not read its answers is not read from either until it does; one that lets too much pile up is
//! closed. A replica is sent only what it has room for, so neither applies to it. Nothing here waits on behalf of
//! anybody else.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId};
use picket_server_core::OutputBufferLimit;
use tokio::io::Interest;
use tokio::sync::Notify;

use super::stream::Stream;
use super::unsent::Unsent;
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
    limit: Cell<OutputBufferLimit>,
    /// Since when there is more than the soft limit.
    over_soft_since: Cell<Option<Instant>>,
    /// Whether nothing is to be read until the core says so.
    paused: Cell<bool>,
    /// Of a replica: how much more it may be sent, as far as that was told.
    budget: Cell<Option<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Closed by us once the output is gone, or when the peer has taken nothing of it until then.
    Draining(Instant),
    Closed,
}

/// Unsent output beyond which a client is not read from.
const PAUSE_BYTES: usize = 1024 * 1024;
/// What a link may have unsent; the core keeps it far below by itself.
const LINK_HARD_BYTES: u64 = 16 * 1024 * 1024;
/// How long a peer may take nothing of what precedes the end of its connection.
const DRAIN_WAIT: Duration = Duration::from_secs(10);
/// The same for a replica, which may be busy with its disk: as long as the usual `repl-timeout`.
const REPLICA_DRAIN_WAIT: Duration = Duration::from_secs(60);
/// What a replica may have unsent.
const REPLICA_BYTES: u64 = 1024 * 1024;
/// What is unlimited.
const NO_LIMIT: OutputBufferLimit = OutputBufferLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };

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
            limit: Cell::new(limit.unwrap_or(links)),
            over_soft_since: Cell::new(None),
            paused: Cell::new(false),
            budget: Cell::new(None),
        }
    }

    /// Which connection this is.
    pub(crate) fn id(&self) -> ConnId {
        self.id
    }

    /// Adds output; [`flush`](Self::flush) sends it.
    pub(crate) fn push(&self, bytes: &[u8]) {
        if self.state.get() != State::Closed {
            self.unsent.borrow_mut().push(bytes);
        }
    }

    /// Adds output that others may share.
    pub(crate) fn share(&self, bytes: Bytes) {
        if self.state.get() != State::Closed {
            self.unsent.borrow_mut().share(bytes);
        }
    }

    /// Adds output of a replica, counted against what it may be sent.
    pub(crate) fn feed(&self, pieces: Vec<Bytes>) {
        let count: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.budget.set(self.budget.get().map(|budget| budget.saturating_sub(count)));
        pieces.into_iter().for_each(|piece| self.share(piece));
    }

    /// From now on a replica, which is sent what it has room for and has no other limit.
    pub(crate) fn become_replica(&self) {
        self.limit.set(NO_LIMIT);
        self.over_soft_since.set(None);
        self.budget.set(Some(0));
    }

    /// How much more a replica may be sent, once that is worth telling. Counts as told.
    pub(crate) fn take_room(&self) -> Option<u64> {
        let told = self.budget.get()?;
        let unsent = self.unsent.borrow().len() as u64;
        if told > REPLICA_BYTES / 2 || unsent > REPLICA_BYTES / 2 || self.state.get() != State::Open {
            return None;
        }
        let room = REPLICA_BYTES - unsent;
        self.budget.set(Some(room));
        Some(room)
    }

    /// Sets when unsent output ends the connection; for replicas nothing does.
    pub(crate) fn set_limit(&self, limit: OutputBufferLimit) {
        if self.budget.get().is_none() {
            self.limit.set(limit);
        }
    }

    /// Whether bytes are to be read.
    pub(crate) fn set_paused(&self, paused: bool) {
        if self.paused.replace(paused) != paused {
            self.changed.notify_one();
        }
    }

    /// Whether small pieces go out at once.
    pub(crate) fn set_nodelay(&self, nodelay: bool) {
        self.stream.set_nodelay(nodelay);
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
            self.state.set(State::Draining(self.drained_until()));
            self.changed.notify_one();
        }
    }

    fn drained_until(&self) -> Instant {
        let wait = if self.budget.get().is_some() { REPLICA_DRAIN_WAIT } else { DRAIN_WAIT };
        Instant::now() + wait
    }

    /// Ends the connection; the socket gets what it takes at once, the rest is dropped.
    pub(crate) fn close_now(&self) {
        let _ = self.write();
        self.state.set(State::Closed);
        self.changed.notify_one();
    }

    /// Whether everything that was pushed is sent.
    pub(crate) fn is_drained(&self) -> bool {
        self.unsent.borrow().is_empty()
    }

    /// How many bytes the socket has not taken.
    pub(crate) fn unsent_len(&self) -> u64 {
        self.unsent.borrow().len() as u64
    }

    /// Serves the connection until it ends. `on_data` reads; `on_written` hears that the socket took something.
    pub(crate) async fn run(&self, mut on_data: impl FnMut() -> Read, mut on_written: impl FnMut()) -> End {
        loop {
            let interest = match self.next_step() {
                Step::Wait(interest) => interest,
                Step::Rest => {
                    self.changed.notified().await;
                    continue;
                }
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
            if ready.is_writable() && !self.is_drained() {
                if let Err(error) = self.write() {
                    return self.lost(&error);
                }
                if let State::Draining(_) = self.state.get() {
                    self.state.set(State::Draining(self.drained_until()));
                }
                on_written();
            }
            if interest.is_readable() && ready.is_readable() {
                match on_data() {
                    Read::More => self.give_way().await,
                    Read::Nothing => {}
                    Read::End => return self.lost_with("Server closed the connection"),
                    Read::Broken(error) => return self.lost(&error),
                }
            }
        }
    }

    /// Lets others have their turn. What waits on a link is read before the core is woken, for it may be the answer that
    /// the core misses; a client goes on when the system was asked for the news of everybody else.
    async fn give_way(&self) {
        match self.id {
            ConnId::Link(_) => yield_to_others().await,
            ConnId::Client(_) => tokio::task::yield_now().await,
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
        let waiting = self.unsent.borrow().len();
        let is_client = matches!(self.id, ConnId::Client(_)) && self.budget.get().is_none();
        let is_choked = is_client && waiting >= PAUSE_BYTES;
        let reads = !self.paused.get() && !is_choked;
        match (reads, waiting > 0) {
            (true, false) => Step::Wait(Interest::READABLE),
            (true, true) => Step::Wait(Interest::READABLE | Interest::WRITABLE),
            (false, true) => Step::Wait(Interest::WRITABLE),
            (false, false) => Step::Rest,
        }
    }

    fn is_over_limit(&self) -> bool {
        let waiting = self.unsent.borrow().len() as u64;
        let limit = self.limit.get();
        let soft_for = self.over_soft_since.get().map(|since| since.elapsed());
        (limit.hard_bytes > 0 && waiting >= limit.hard_bytes)
            || soft_for.is_some_and(|soft_for| soft_for.as_secs() >= limit.soft_seconds)
    }

    /// Comes when a limit in time has to be looked at again.
    async fn next_check(&self) {
        let draining = matches!(self.state.get(), State::Draining(_));
        let over_soft = self.over_soft_since.get().is_some();
        if draining || over_soft {
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut unsent = self.unsent.borrow_mut();
        if unsent.is_empty() {
            return Ok(());
        }
        let written = unsent.write_with(
            |bytes| self.stream.try_write(bytes),
            |pieces| self.stream.try_write_vectored(pieces),
        );
        match written {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        let soft_bytes = self.limit.get().soft_bytes;
        if soft_bytes == 0 || (unsent.len() as u64) < soft_bytes {
            self.over_soft_since.set(None);
        } else if self.over_soft_since.get().is_none() {
            self.over_soft_since.set(Some(Instant::now()));
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
    /// There may be more, once others were looked after.
    More,
    /// There is nothing now.
    Nothing,
    /// The peer has closed its side.
    End,
    /// The connection is broken.
    Broken(io::Error),
}

enum Step {
    Wait(Interest),
    /// Until something changes.
    Rest,
    End(End),
}

/// Goes to the end of the queue of tasks. A task that yields to tokio comes back after those that yielded later.
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

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A client's connection that is served, and the client.
    fn served(limit: OutputBufferLimit) -> (Rc<Conn>, UnixStream, JoinHandle<End>, Rc<Cell<usize>>) {
        served_as(ConnId::Client(ClientId(1)), limit)
    }

    fn served_as(
        id: ConnId,
        limit: OutputBufferLimit,
    ) -> (Rc<Conn>, UnixStream, JoinHandle<End>, Rc<Cell<usize>>) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let conn = Rc::new(Conn::new(id, Stream::Unix(ours), Some(limit)));
        let read = Rc::new(Cell::new(0));
        let task = spawn_local({
            let (conn, read) = (Rc::clone(&conn), Rc::clone(&read));
            async move {
                let mut buffer = [0; 1024];
                conn.run(
                    || match conn.read(&mut buffer) {
                        Ok(0) => Read::End,
                        Ok(count) => {
                            read.set(read.get() + count);
                            Read::More
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
                        Err(error) => Read::Broken(error),
                    },
                    || {},
                )
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
    fn what_waits_on_a_link_is_read_while_another_task_gives_way_once_and_again() {
        on_local_set(async {
            let (_conn, mut peer, _task, read) = served_as(ConnId::Link(LinkId(1)), NO_LIMIT);
            let waker = spawn_local(async move {
                peer.write_all(&[b'x'; 40 * 1024]).await.expect("room in the socket");
                // As before a wake: until nobody has heard anything.
                loop {
                    let before = read.get();
                    tokio::task::yield_now().await;
                    if read.get() == before {
                        break read.get();
                    }
                }
            });
            assert_eq!(waker.await.expect("it ends"), 40 * 1024);
        });
    }

    #[test]
    fn a_paused_connection_is_not_read_until_it_is_resumed() {
        on_local_set(async {
            let (conn, mut client, _task, read) = served(NO_LIMIT);
            conn.set_paused(true);
            client.write_all(b"more").await.expect("room in the socket");
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            assert_eq!(read.get(), 0);
            conn.set_paused(false);
            while read.get() == 0 {
                tokio::task::yield_now().await;
            }
        });
    }

    #[test]
    fn a_replica_has_room_once_it_has_taken_half() {
        on_local_set(async {
            let (conn, mut client, _task, _) = served(NO_LIMIT);
            assert_eq!(conn.take_room(), None, "it is no replica");
            conn.become_replica();
            assert_eq!(conn.take_room(), Some(REPLICA_BYTES));
            assert_eq!(conn.take_room(), None, "it was told");
            let half = Bytes::from(vec![b'x'; 512 * 1024]);
            conn.feed(vec![half.clone(), half]);
            assert_eq!(conn.take_room(), None, "nothing is sent yet");
            let mut taken = vec![0; 1024 * 1024];
            conn.flush();
            client.read_exact(&mut taken).await.expect("all of it arrives");
            while !conn.is_drained() {
                tokio::task::yield_now().await;
            }
            assert_eq!(conn.take_room(), Some(REPLICA_BYTES));
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
