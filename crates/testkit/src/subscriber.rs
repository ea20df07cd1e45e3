//! Collects what sentinels publish, with the moment at which each event arrived.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Client, Reply};

/// A published event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which of the subscribed sentinels published it.
    pub from: usize,
    /// When it arrived here.
    pub at: Instant,
    /// The event's name, for example `+sdown`.
    pub channel: String,
    /// The message.
    pub payload: String,
}

#[derive(Debug, Default)]
struct Collected {
    events: Vec<Published>,
    open: usize,
}

#[derive(Debug, Default)]
struct Shared {
    collected: Mutex<Collected>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Collected> {
        // A panicking reader leaves a complete list behind.
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pattern subscriptions to everything, each read by a thread of its own until its connection ends.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<Shared>,
    sockets: Vec<TcpStream>,
    readers: Vec<JoinHandle<()>>,
}

impl Subscriber {
    /// Subscribes with `PSUBSCRIBE *` on each connection and waits for the confirmations.
    ///
    /// # Errors
    /// When a connection fails or a subscription is refused.
    pub fn start(clients: Vec<Client>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut subscriber = Self { shared, sockets: Vec::new(), readers: Vec::new() };
        for (from, mut client) in clients.into_iter().enumerate() {
            let confirmation = client.cmd(&["PSUBSCRIBE", "*"])?;
            if confirmation.items().first().and_then(Reply::text).as_deref() != Some("psubscribe") {
                return Err(io::Error::other(format!("no subscription: {confirmation}")));
            }
            client.set_read_timeout(None)?;
            subscriber.sockets.push(client.socket()?);
            subscriber.shared.lock().open += 1;
            let shared = Arc::clone(&subscriber.shared);
            subscriber.readers.push(std::thread::spawn(move || collect(from, client, &shared)));
        }
        Ok(subscriber)
    }

    /// All events so far, in the order of arrival.
    #[must_use]
    pub fn events(&self) -> Vec<Published> {
        self.shared.lock().events.clone()
    }

    /// The first event on `channel`, if there is one yet.
    #[must_use]
    pub fn first(&self, channel: &str) -> Option<Published> {
        self.find(|event| event.channel == channel)
    }

    /// The first event that `is_it` accepts, if there is one yet.
    #[must_use]
    pub fn find(&self, is_it: impl Fn(&Published) -> bool) -> Option<Published> {
        self.shared.lock().events.iter().find(|event| is_it(event)).cloned()
    }

    /// The number of events on `channel` so far.
    #[must_use]
    pub fn count(&self, channel: &str) -> usize {
        self.shared.lock().events.iter().filter(|event| event.channel == channel).count()
    }

    /// Waits for the first event on `channel`; woken by its arrival, not by polling.
    ///
    /// # Panics
    /// When it does not come within `deadline` or the connection ends without it.
    #[track_caller]
    pub fn wait(&self, channel: &str, deadline: Duration) -> Published {
        self.wait_for(deadline, &format!("event {channel}"), |event| event.channel == channel)
    }

    /// Waits for the first event that `is_it` accepts.
    ///
    /// # Panics
    /// When it does not come within `deadline` or the connection ends without it.
    #[track_caller]
    pub fn wait_for(&self, deadline: Duration, what: &str, is_it: impl Fn(&Published) -> bool) -> Published {
        let end = Instant::now() + deadline;
        let mut collected = self.shared.lock();
        loop {
            if let Some(event) = collected.events.iter().find(|event| is_it(event)) {
                return event.clone();
            }
            let line = |event: &Published| format!("[{}] {} {}", event.from, event.channel, event.payload);
            let seen = || collected.events.iter().map(line).collect::<Vec<_>>();
            assert!(collected.open > 0, "the sentinels went away before {what}; seen: {:#?}", seen());
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {deadline:?}: {what}; seen: {:#?}", seen());
            collected =
                self.shared.arrived.wait_timeout(collected, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn collect(from: usize, mut client: Client, shared: &Shared) {
    while let Ok(message) = client.read() {
        let at = Instant::now();
        let texts = message.texts();
        if let [kind, _pattern, channel, payload] = texts.as_slice()
            && kind == "pmessage"
        {
            let event = Published { from, at, channel: channel.clone(), payload: payload.clone() };
            shared.lock().events.push(event);
            shared.arrived.notify_all();
        }
    }
    shared.lock().open -= 1;
    shared.arrived.notify_all();
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        for socket in &self.sockets {
            let _ = socket.shutdown(Shutdown::Both);
        }
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}
