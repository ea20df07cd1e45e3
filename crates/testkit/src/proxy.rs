//! A TCP proxy on loopback that cuts the connections through it after so many bytes.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Passes connections on to one server. Each new connection takes the next of the cuts that were ordered, and is
/// closed on both sides once the server has sent that many bytes; without an order it lives for as long as its ends.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    orders: Mutex<VecDeque<u64>>,
    /// Both ends of every connection, for cutting it from outside.
    open: Mutex<Vec<[TcpStream; 2]>>,
    cuts: AtomicUsize,
    done: AtomicUsize,
    is_over: AtomicBool,
}

impl Proxy {
    /// Listens on a free port for connections to `port`.
    ///
    /// # Panics
    /// When the operating system refuses to listen.
    #[must_use]
    pub fn to(port: u16) -> Self {
        // The proxy never dials its own port, so one from the range of outgoing connections does no harm.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let own = listener.local_addr().expect("a bound port").port();
        let shared = Arc::new(Shared {
            target: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            orders: Mutex::default(),
            open: Mutex::default(),
            cuts: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let worker = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || worker.accept(&listener));
        Self { shared, port: own, accepting: Some(accepting) }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Orders cuts: each is how many bytes of the server a connection may pass before it is cut.
    pub fn order(&self, cuts: impl IntoIterator<Item = u64>) {
        locked(&self.shared.orders).extend(cuts);
    }

    /// Cuts what is open now.
    pub fn cut_now(&self) {
        self.shared.cut_all();
    }

    /// How many ordered cuts were made.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::Acquire)
    }

    /// How many connections with an order have ended: those that were cut, and those that an end closed before.
    #[must_use]
    pub fn orders_done(&self) -> usize {
        self.shared.done.load(Ordering::Acquire)
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let Ok(client) = client else { continue };
            // A server that is down is a connection that ends at once.
            let Ok(server) = TcpStream::connect(self.target) else { continue };
            self.connect(client, server);
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
        let order = locked(&self.orders).pop_front();
        let ends = [clone(&client), clone(&server)];
        let mut open = locked(&self.open);
        open.retain(|[client, _]| client.peer_addr().is_ok());
        open.push(ends);
        drop(open);
        let (client_in, server_out) = (clone(&client), clone(&server));
        std::thread::spawn(move || copy(client_in, server_out, None));
        let shared = Arc::clone(self);
        std::thread::spawn(move || {
            let is_cut = copy(server, client, order);
            if order.is_some() {
                shared.cuts.fetch_add(usize::from(is_cut), Ordering::AcqRel);
                shared.done.fetch_add(1, Ordering::AcqRel);
            }
        });
    }

    fn cut_all(&self) {
        for [client, server] in locked(&self.open).drain(..) {
            // An end that is closed already is as good.
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.cut_all();
        // Wakes the one who accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Copies until an end is closed or `limit` bytes have passed, then closes both. True if it was the limit.
fn copy(mut from: TcpStream, mut to: TcpStream, limit: Option<u64>) -> bool {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(buffer.len()).min(buffer.len());
        match from.read(&mut buffer[..most]) {
            Ok(len) if len > 0 && to.write_all(&buffer[..len]).is_ok() => left -= len as u64,
            _ => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
    left == 0
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole at any moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait_until;
    use std::time::Duration;

    /// A server that sends as much as anybody takes.
    fn talker() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("addr").port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("accept");
                std::thread::spawn(move || while stream.write_all(&[7; 1000]).is_ok() {});
            }
        });
        port
    }

    #[test]
    fn a_connection_ends_after_the_ordered_bytes() {
        let proxy = Proxy::to(talker());
        proxy.order([0, 1, 70_000]);
        for expected in [0, 1, 70_000] {
            let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("connected");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("an end");
            assert_eq!(all.len(), expected);
        }
        wait_until(Duration::from_secs(5), "all cuts are counted", || proxy.cuts() == 3);
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("connected");
        stream.read_exact(&mut vec![0; 1 << 20]).expect("no cut was ordered");
        proxy.cut_now();
        assert!(std::io::copy(&mut stream, &mut std::io::sink()).is_ok(), "it ends");
        assert_eq!((proxy.cuts(), proxy.orders_done()), (3, 3));
    }
}
