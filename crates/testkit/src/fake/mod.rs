//! Data servers that only look like such: many masters with their replicas on one thread.
//!
//! They answer what a Sentinel asks (PING, INFO, ROLE, PUBLISH and SUBSCRIBE, the transaction of a
//! promotion) and keep no data, so that hundreds of deployments fit a machine that could not carry as many
//! real servers. INFO has the length and the fields of redis-server 7.0. A replica takes over its master's
//! offset at once and never synchronises for long; nothing else is pretended.

mod info;
mod request;
mod serve;
mod server;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::PortLease;
use serve::Loop;

/// One master and its replicas, by their ports on 127.0.0.1, as they began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeDeployment {
    /// The master.
    pub master: u16,
    /// Its replicas.
    pub replicas: Vec<u16>,
}

/// What went over all connections of the fake servers so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes that arrived.
    pub received: u64,
    /// Bytes that were sent.
    pub sent: u64,
}

/// The counters behind [`Traffic`].
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    /// These servers end, now and together; when it is done, the moment in which it was.
    Kill(Vec<u16>, Sender<Instant>),
    /// The thread ends.
    End,
}

/// Fake servers that listen until this is dropped.
#[derive(Debug)]
pub struct FakeServers {
    deployments: Vec<FakeDeployment>,
    counters: Arc<Counters>,
    orders: Sender<Order>,
    wake: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
    _leases: Vec<PortLease>,
}

impl FakeServers {
    /// Starts so many masters with so many replicas each. Raises this process's limit of open files as far
    /// as it may, since each Sentinel takes two connections to each server.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(masters: usize, replicas: usize) -> io::Result<Self> {
        raise_file_limit()?;
        let counters = Arc::new(Counters::default());
        let wake =
            Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        let (orders, inbox) = mpsc::channel();
        let mut servers = Loop::new(counters.clone(), wake.clone(), inbox)?;
        let mut leases = Vec::new();
        let mut deployments = Vec::new();
        for _ in 0..masters {
            let master = servers.add(None, &mut leases)?;
            let replicas = (0..replicas).map(|_| servers.add(Some(master), &mut leases));
            deployments.push(FakeDeployment { master, replicas: replicas.collect::<io::Result<_>>()? });
        }
        let thread = std::thread::Builder::new().name("fake servers".into()).spawn(move || servers.run())?;
        Ok(Self { deployments, counters, orders, wake, thread: Some(thread), _leases: leases })
    }

    /// Who is there, in the order of creation; who leads whom may have changed since.
    #[must_use]
    pub fn deployments(&self) -> &[FakeDeployment] {
        &self.deployments
    }

    /// Ends these servers at one moment, as `kill -9` would, and returns when that was.
    ///
    /// # Panics
    /// When the thread is gone.
    #[must_use]
    pub fn kill(&self, ports: &[u16]) -> Instant {
        let (done, answer) = mpsc::channel();
        self.order(Order::Kill(ports.to_vec(), done));
        answer.recv().expect("the thread of the fake servers answers")
    }

    /// Ends every server that is a master by its creation.
    #[must_use]
    pub fn kill_masters(&self) -> Instant {
        let masters: Vec<u16> = self.deployments.iter().map(|deployment| deployment.master).collect();
        self.kill(&masters)
    }

    /// What went over the wire so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            requests: load(&self.counters.requests),
            received: load(&self.counters.received),
            sent: load(&self.counters.sent),
        }
    }

    fn order(&self, order: Order) {
        // A thread that is gone takes no orders; who waits for an answer notices.
        let _ = self.orders.send(order);
        let _ = self.wake.write(1);
    }
}

impl Drop for FakeServers {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(thread) = self.thread.take() {
            // What it died of was printed where it happened.
            let _ = thread.join();
        }
    }
}

fn raise_file_limit() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Client, Reply, wait_until};

    fn client(port: u16) -> Client {
        Client::connect(&format!("127.0.0.1:{port}")).expect("connect")
    }

    fn info(client: &mut Client, key: &str) -> Option<String> {
        let text = client.cmd(&["INFO"]).expect("INFO").text().expect("text");
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::to_owned)
    }

    #[test]
    fn a_master_lists_its_replicas_and_they_name_it() {
        let fakes = FakeServers::start(2, 2).expect("start");
        let [first, second] = fakes.deployments() else { panic!("two deployments") };
        let mut master = client(second.master);
        assert_eq!(info(&mut master, "role").as_deref(), Some("master"));
        assert_eq!(info(&mut master, "connected_slaves").as_deref(), Some("2"));
        let listed = info(&mut master, "slave1").expect("listed");
        assert!(listed.contains(&format!("port={}", second.replicas[1])), "{listed}");
        let mut replica = client(first.replicas[0]);
        assert_eq!(info(&mut replica, "master_port"), Some(first.master.to_string()));
        assert_eq!(info(&mut replica, "master_link_status").as_deref(), Some("up"));
        assert!(fakes.traffic().requests > 0);
    }

    #[test]
    fn what_is_published_reaches_subscribers_of_replicas_too() {
        let fakes = FakeServers::start(1, 1).expect("start");
        let [deployment] = fakes.deployments() else { panic!("one deployment") };
        let mut subscribers = [client(deployment.master), client(deployment.replicas[0])];
        for subscriber in &mut subscribers {
            assert!(matches!(subscriber.cmd(&["SUBSCRIBE", "c"]).expect("subscribe"), Reply::Array(_)));
        }
        let heard = client(deployment.master).cmd(&["PUBLISH", "c", "word"]).expect("publish");
        assert_eq!(heard, Reply::Int(1));
        for subscriber in &mut subscribers {
            let Reply::Array(message) = subscriber.read().expect("a message") else { panic!("no message") };
            assert_eq!(message.last(), Some(&Reply::Bulk(b"word".to_vec())));
        }
    }

    #[test]
    fn a_replica_is_promoted_once_its_master_is_killed() {
        let fakes = FakeServers::start(1, 2).expect("start");
        let [deployment] = fakes.deployments() else { panic!("one deployment") };
        let addr = format!("127.0.0.1:{}", deployment.master);
        let mut held = client(deployment.master);
        let _ = fakes.kill_masters();
        assert!(held.cmd(&["PING"]).is_err());
        assert!(Client::connect(&addr).is_err());
        let [mut new, mut other] = [client(deployment.replicas[0]), client(deployment.replicas[1])];
        assert_eq!(info(&mut new, "master_link_status").as_deref(), Some("down"));
        for request in [&["MULTI"][..], &["SLAVEOF", "NO", "ONE"], &["CONFIG", "REWRITE"]] {
            assert!(matches!(new.cmd(request).expect("taken"), Reply::Status(_)));
        }
        let Reply::Array(done) = new.cmd(&["EXEC"]).expect("EXEC") else { panic!("no array") };
        assert_eq!(done.len(), 2);
        assert_eq!(info(&mut new, "role").as_deref(), Some("master"));
        let port = deployment.replicas[0].to_string();
        assert!(other.cmd(&["SLAVEOF", "127.0.0.1", &port]).expect("SLAVEOF").is_ok());
        wait_until(Duration::from_secs(5), "the other replica is listed", || {
            info(&mut new, "connected_slaves").as_deref() == Some("1")
        });
    }
}
